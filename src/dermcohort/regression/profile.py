"""Profile likelihood: limits at which the log-likelihood, the other coefficients free, is chi2 / 2 below its maximum.

Source: McCullagh & Nelder (1989) Generalized Linear Models, 7.2.5. R's `confint` of a `glm` interpolates the profile by a
spline; here the equation is solved, as R's `uniroot` does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from scipy.stats import norm

from ..design import Column
from ..wording import suggest
from .covariance import Arrays
from .families import Family
from .maximize import Maximum, maximize

INTERVALS = ("wald", "profile")
FARTHEST = 60.0  # on the scale of the linear predictor: beyond it a limit is infinite

NO_END = 1e9  # the same where rows of either outcome lie close beside each other

Height = Callable[[float], tuple[float, float]]
"""Log-likelihood at a value of one coefficient, the others at their best, and its derivative in that value."""

Limits = tuple[float, float, float]
"""Lower limit, upper limit, and the signed root of the likelihood ratio statistic of 0."""


def require_interval(interval: str, *, model_based: bool) -> None:
    """Refuse an unknown interval, and a profile where the variance is not the likelihood's."""
    if interval not in INTERVALS:
        raise ValueError(
            f"interval='{interval}' is unknown; choose one of {', '.join(INTERVALS)}.{suggest(interval, INTERVALS)}"
        )
    if interval == "profile" and not model_based:
        raise ValueError(
            "interval='profile' belongs to the model's own likelihood, not to a robust or design-based variance: "
            "leave out cluster=, robust= and design=, and give robust=False beside frequency weights"
        )


def likelihood_profile(
    arrays: Arrays, family: Family, maximum: Maximum, unbounded: np.ndarray, conf_level: float
) -> Callable[[int], Limits]:
    """The profile of the coefficient of any column; one that is `unbounded` has one finite limit."""

    def limits(j: int) -> Limits:
        x, others = arrays.X[:, j], np.delete(arrays.X, j, axis=1)
        best = maximum.coefficients
        # where the link is bounded, or others have no maximum, the former best is no place to start
        cold = np.isfinite(family.upper) or unbounded.any()

        def height(value: float) -> tuple[float, float]:
            nonlocal best
            start = None if cold else np.delete(along(best, maximum.bread, j, value), j)
            offset = arrays.offset + value * x
            found = maximize(others, arrays.y, family, arrays.weights, offset, start)
            best = np.insert(found.coefficients, j, value)
            return found.loglik, float((arrays.weights * family.score(arrays.y, found.eta)) @ x)

        top, estimate, scale = maximum.loglik, float(maximum.coefficients[j]), 1 / float(np.ptp(x) or 1.0)
        if unbounded[j]:
            return _one_sided(height, top, float(np.sign(estimate)) * scale, NO_END * scale, conf_level)
        step = min(float(np.sqrt(maximum.bread[j, j])), 5 * scale)
        return two_sided(height, top, estimate, step, FARTHEST * scale, conf_level)

    return limits


def along(best: np.ndarray, covariance: np.ndarray, j: int, value: float) -> np.ndarray:
    """Where the best coefficients go when that of column j becomes `value`: a place to look for them."""
    return best + (value - best[j]) * covariance[:, j] / covariance[j, j]


def two_sided(
    height: Height, top: float, estimate: float, step: float, farthest: float, conf_level: float
) -> Limits:
    """Limits on both sides of an estimate where the log-likelihood is `top`, looked for from `step` outwards."""
    quantile = float(norm.ppf(0.5 + conf_level / 2))
    low, high = (_limit(height, top, estimate, side * step, farthest, quantile) for side in (-1, 1))
    return low, high, float(np.sign(estimate)) * _root(top, height(0.0)[0])


def _one_sided(height: Height, top: float, step: float, farthest: float, conf_level: float) -> Limits:
    """The limit of a coefficient that is infinite in the direction of `step`: from a value within, inwards.

    There is none where the other coefficients separate the outcome as well without it.
    """
    quantile = float(norm.ppf(0.5 + conf_level / 2))
    root_of_0 = root = _root(top, height(0.0)[0])
    within = 0.0
    while root >= quantile:
        within = 2 * within or step
        if abs(within) > farthest:
            return -np.inf, np.inf, float(np.sign(step)) * root_of_0
        root = _root(top, height(within)[0])
    limit = _limit(height, top, within, -step, farthest, quantile)
    return (limit, np.inf, root_of_0) if step > 0 else (-np.inf, limit, -root_of_0)


def _limit(height: Height, top: float, inside: float, step: float, farthest: float, quantile: float) -> float:
    """Where the signed root, nearly a straight line, reaches the quantile: Newton's method within a bracket."""
    side, distance = float(np.sign(step)), abs(step) * quantile
    near, far = 0.0, np.inf
    for _ in range(100):
        value, slope = height(inside + side * distance)
        root = _root(top, value)
        near, far = (distance, far) if root < quantile else (near, distance)
        if near > farthest:
            return side * np.inf
        rise = -side * slope / root if root > 0 else 0.0
        following = distance + (quantile - root) / rise if rise > 0 else np.inf
        if not near <= following <= min(far, 4 * distance):
            following = 2 * distance if np.isinf(far) else (near + far) / 2
        # the error of a Newton step is of the order of its square
        moved, distance = abs(following - distance), following
        if moved <= 1e-8 * distance:
            break
    return inside + side * distance


def _root(top: float, value: float) -> float:
    """Root of the likelihood ratio statistic."""
    return float(np.sqrt(2 * max(top - value, 0.0)))


def with_profile(
    table: pd.DataFrame, columns: Sequence[Column], limits: Callable[[int], Limits]
) -> pd.DataFrame:
    """The table of ratios with limits from the profile, and the likelihood ratio test that agrees with them."""
    estimated = [i for i, column in enumerate(columns) if column.name != "Intercept"]
    if not estimated:
        return table
    low, high, signed_root = np.array([limits(i) for i in estimated]).T
    table = table.copy()
    rows = ~(table["level"].notna() & (table["level"] == table["reference"]))
    with np.errstate(over="ignore"):
        table.loc[rows, "conf_low"] = np.exp(low)
        table.loc[rows, "conf_high"] = np.exp(high)
    table.loc[rows, "statistic"] = signed_root
    table.loc[rows, "p_value"] = 2 * norm.sf(np.abs(signed_root))
    return table
