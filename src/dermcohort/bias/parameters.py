"""Bias parameters: known numbers, or distributions that say how well they are known; and the estimates they lead to.

Source: Lash, Fox & Fink (2009) Applying Quantitative Bias Analysis to Epidemiologic Data, ch. 8; Fox, Lash & Greenland
(2005) Int J Epidemiol 34:1370.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..estimates import Estimates, tidy


@dataclass(frozen=True)
class Beta:
    """A beta distribution: of a proportion that a validation study saw in a - 1 of a + b - 2 people, say.

    The same object given for two parameters is one unknown: both have the same value in each draw.

    Examples
    --------
    >>> Beta(78, 22).draw(np.random.default_rng(1), 10_000).mean().round(2)
    np.float64(0.78)
    """

    a: float
    b: float

    def __post_init__(self) -> None:
        if not (self.a > 0 and self.b > 0):
            raise ValueError(f"Beta: a and b must be positive, they are {self.a} and {self.b}")

    def draw(self, rng: np.random.Generator, size: int) -> np.ndarray:
        """Random values."""
        return rng.beta(self.a, self.b, size)

    @property
    def range(self) -> tuple[float, float]:
        """The least and greatest value possible."""
        return 0.0, 1.0


@dataclass(frozen=True)
class Triangular:
    """A triangular distribution: between `low` and `high`, `mode` being the most likely.

    Examples
    --------
    >>> Triangular(0.7, 0.8, 0.9).draw(np.random.default_rng(1), 10_000).mean().round(2)
    np.float64(0.8)
    """

    low: float
    mode: float
    high: float

    def __post_init__(self) -> None:
        if not (self.low <= self.mode <= self.high and self.low < self.high):
            raise ValueError(
                f"Triangular: low <= mode <= high is wanted, they are {self.low}, {self.mode}, {self.high}"
            )

    def draw(self, rng: np.random.Generator, size: int) -> np.ndarray:
        """Random values."""
        return rng.triangular(self.low, self.mode, self.high, size)

    @property
    def range(self) -> tuple[float, float]:
        """The least and greatest value possible."""
        return self.low, self.high


Parameter = float | Beta | Triangular


def as_pair(parameter: Parameter | tuple[Parameter, Parameter], name: str) -> tuple[Parameter, Parameter]:
    """A parameter of two groups, the same in both where one is given."""
    if isinstance(parameter, tuple | list):
        if len(parameter) != 2:
            raise ValueError(f"{name}: give one value, or one for each of two groups, not {len(parameter)}")
        return parameter[0], parameter[1]
    return parameter, parameter


def drawn(
    parameters: Mapping[str, Parameter], simulations: int, seed: int | None, *, positive: Iterable[str] = ()
) -> dict[str, np.ndarray]:
    """Values of every parameter: one where all are known numbers, else `simulations`.

    The same distribution under two names is one unknown: it is drawn once. Proportions lie between 0 and 1, those named
    in `positive` are positive numbers.
    """
    uncertain = any(isinstance(p, Beta | Triangular) for p in parameters.values())
    if uncertain and seed is None:
        raise ValueError("seed: a bias analysis with distributions needs one, so that it can be repeated")
    size = simulations if uncertain else 1
    if size < 1:
        raise ValueError(f"simulations must be 1 or more, it is {simulations}")
    rng = np.random.default_rng(seed)
    seen: dict[int, np.ndarray] = {}
    values = {}
    for name, parameter in parameters.items():
        low, high = parameter.range if isinstance(parameter, Beta | Triangular) else (parameter, parameter)
        if name in positive and not (low > 0 and np.isfinite(high)):
            raise ValueError(f"{name} must be positive, it is {parameter}")
        if name not in positive and not (low >= 0 and high <= 1):
            raise ValueError(f"{name} must lie between 0 and 1, it is {parameter}")
        if isinstance(parameter, Beta | Triangular):
            if id(parameter) not in seen:
                seen[id(parameter)] = parameter.draw(rng, size)
            values[name] = seen[id(parameter)]
        else:
            values[name] = np.full(size, float(parameter))
    return values


def corrected_estimates(
    observed: tuple[float, float, float],
    corrected: np.ndarray,
    std_error: float,
    limits: tuple[float, float],
    *,
    measure: str,
    method: str,
    n: int,
    notes: list[str],
    seed: int | None,
    conf_level: float,
) -> Estimates:
    """The observed ratio with its limits, and what it becomes.

    Where `corrected` is one value it stands beside `limits`. Where it is many: their median and percentiles
    (systematic error), and those of exp(log corrected - z SE), with z standard normal and the conventional standard
    error (systematic and random error).
    """
    rows = [("observed", *observed)]
    if len(corrected) == 1:
        rows.append(("corrected", float(corrected[0]), *limits))
    else:
        tail = 0.5 - conf_level / 2
        assert seed is not None
        rows.append(("systematic error", *_percentiles(corrected, tail)))
        if np.isfinite(std_error):
            # a stream of its own, so that the parameters do not depend on it
            z = np.random.default_rng([seed, 1]).standard_normal(len(corrected))
            total = np.exp(np.log(corrected) - z * std_error)
            rows.append(("systematic and random error", *_percentiles(total, tail)))
    table = pd.DataFrame(rows, columns=["term", "estimate", "conf_low", "conf_high"]).assign(measure=measure)
    return Estimates(table=tidy(table), method=method, n=n, notes=tuple(notes), conf_level=conf_level)


def _percentiles(values: np.ndarray, tail: float) -> tuple[float, float, float]:
    median, low, high = np.quantile(values, [0.5, tail, 1 - tail])
    return float(median), float(low), float(high)


def kind_of(simulations: int) -> str:
    """How the analysis is called, by the number of draws."""
    if simulations == 1:
        return "simple bias analysis"
    return f"probabilistic bias analysis, {simulations:,} draws; median and percentiles"
