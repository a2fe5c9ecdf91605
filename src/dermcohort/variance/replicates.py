"""Replicate weights: the estimate is made again with each set of weights, and their spread is the variance.

Source: Wolter (2007) Introduction to Variance Estimation; numbers as R's survey 4.1 (`svrepdesign`, `as.svrepdesign`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..design import require_columns
from .survey import Sample

KINDS = ("BRR", "Fay", "JK1", "JKn", "bootstrap")


@dataclass(frozen=True)
class ReplicateDesign:
    """Replicate weights that came with the data, as names of columns.

    Parameters
    ----------
    weights : str
        Sampling weight.
    replicates : list of str
        Columns of the replicate weights (the sampling weight included in them).
    kind : {"BRR", "Fay", "JK1", "JKn", "bootstrap"}
        How they were made: the variance is sum_r scale * rscale_r (theta_r - center)^2, with scale 1/R for BRR,
        1/(R (1 - rho)^2) for Fay, (R - 1)/R for JK1, 1 for JKn, 1/(R - 1) for bootstrap.
    rho : float, optional
        Shrinkage of Fay's method.
    rscales : list of float, optional
        Factor of each replicate, which JKn needs: (n_h - 1) / n_h of the stratum whose unit is left out.
    mse : bool
        Spread around the estimate itself rather than around the mean of the replicates.

    Examples
    --------
    >>> ReplicateDesign("w", ["w1", "w2"], kind="JK1").kind
    'JK1'
    """

    weights: str
    replicates: Sequence[str]
    kind: str = "bootstrap"
    rho: float | None = None
    rscales: Sequence[float] | None = None
    mse: bool = False

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"kind='{self.kind}' is unknown; choose one of {', '.join(KINDS)}")
        if len(self.replicates) < 2:
            raise ValueError("replicates: two or more columns of replicate weights are needed")
        if (self.kind == "Fay") != (self.rho is not None):
            raise ValueError("rho belongs to kind='Fay', and that needs it (0 <= rho < 1)")
        if self.rho is not None and not 0 <= self.rho < 1:
            raise ValueError(f"rho={self.rho} must lie between 0 and 1")
        if (self.kind == "JKn") != (self.rscales is not None):
            raise ValueError("rscales belong to kind='JKn', and that needs them: one a replicate")
        if self.rscales is not None and len(self.rscales) != len(self.replicates):
            raise ValueError(f"rscales has {len(self.rscales)} values for {len(self.replicates)} replicates")

    @property
    def columns(self) -> list[str]:
        return [self.weights, *self.replicates]

    @property
    def clustered(self) -> bool:
        """Unknown: the replicates hide the sampling units."""
        return False

    def describe(self) -> str:
        """The design in words, for the methods section."""
        return f"{len(self.replicates)} {self.kind} replicate weights with weights from {self.weights}"

    def sample(self, data: pd.DataFrame) -> Replicates:
        """The replicate weights of the rows of `data`; none may be missing."""
        require_columns(data, self.columns, "data")
        values = data[self.columns].to_numpy(float)
        if not np.isfinite(values).all() or (values[:, 0] < 0).any():
            raise ValueError("design: weights and replicate weights must be finite, and weights not negative")
        R = len(self.replicates)
        scale = {
            "BRR": 1 / R,
            "Fay": 1 / (R * (1 - (self.rho or 0.0)) ** 2),
            "JK1": (R - 1) / R,
            "JKn": 1.0,
            "bootstrap": 1 / (R - 1),
        }[self.kind]
        factors = scale * (np.ones(R) if self.rscales is None else np.asarray(self.rscales, float))
        return Replicates(values[:, 0], values[:, 1:], factors, self.mse)


@dataclass(frozen=True, eq=False)
class Replicates:
    """Weights (n,), replicate weights (n, R) and the factor (R,) of each replicate's squared deviation."""

    weights: np.ndarray
    replicates: np.ndarray
    factors: np.ndarray
    mse: bool

    @property
    def notes(self) -> tuple[str, ...]:
        return ()

    def degrees_of_freedom(self, inside: np.ndarray | None = None) -> int:
        """Rank of the weights of the rows `inside`, less 1, as R's `degf`."""
        used = self.replicates if inside is None else self.replicates[inside]
        return int(np.linalg.matrix_rank(used.T @ used, hermitian=True, tol=None)) - 1

    def covariance(self, estimate: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        """Covariance of estimates that are a function of the weights."""
        deviation = self._deviations(estimate)
        return (deviation * self.factors[:, None]).T @ deviation

    def variances(self, estimate: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        """Variances alone, for curves."""
        return np.asarray(self.factors @ self._deviations(estimate) ** 2)

    def _deviations(self, estimate: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        center = np.atleast_1d(estimate(self.weights))
        values = np.array([np.atleast_1d(estimate(column)) for column in self.replicates.T])
        return values - (center if self.mse else values.mean(axis=0))


def jackknife(sample: Sample) -> Replicates:
    """Jackknife replicates of a survey: each leaves out one primary sampling unit (JK1, with strata JKn).

    Source: R's `as.svrepdesign`; the finite population correction of the first stage is kept in the factors.
    """
    stage = sample.stages[0]
    n_units = len(stage.stratum)
    n = stage.n_sampled.astype(float)
    if (n < 2).any():
        raise ValueError("jackknife: a stratum has only one sampling unit; join strata")
    replicates = np.empty((len(sample.weights), n_units))
    for unit in range(n_units):
        same = stage.stratum == stage.stratum[unit]
        factor = np.where(same, n / (n - 1), 1.0)
        factor[unit] = 0.0
        replicates[:, unit] = sample.weights * factor[stage.unit]
    factors = (n - 1) / n
    if stage.population is not None:
        factors = factors * (1 - n / stage.population)
    return Replicates(sample.weights, replicates, factors, mse=False)
