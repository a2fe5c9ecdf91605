"""Direct standardization: the numbers. Arrays in, arrays out; a row is a group, a column an age (and sex) cell.

Sources: Fay & Feuer (1997) Stat Med 16:791 (gamma interval; R's epitools::ageadjust.direct); Tiwari, Clegg & Zou
(2006) Stat Methods Med Res 15:547 (its modification); Fay & Kim (2017) Biom J 59:549 (mid-P; R's
asht::wspoissonTest).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq
from scipy.stats import gamma, norm

Limits = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True, eq=False)
class Standardized:
    """Estimate, interval and standard error of each group; NaN where the standard has a cell without people."""

    estimate: np.ndarray
    low: np.ndarray
    high: np.ndarray
    std_error: np.ndarray


def direct(
    cases: np.ndarray, population: np.ndarray, share: np.ndarray, ci: str, conf_level: float
) -> Standardized:
    """sum_i w_i x_i / n_i with weights w that sum to 1.

    Parameters
    ----------
    cases, population : ndarray, shape (groups, cells)
        Events and people (or person-years) of each cell.
    share : ndarray, shape (cells,)
        Share of the standard population.
    ci : str
        A key of `DIRECT_INTERVALS`.
    conf_level : float
    """
    counted = share > 0
    x, n, w = cases[:, counted], population[:, counted], share[counted]
    defined = (n > 0).all(axis=1)
    k = np.where(n > 0, w / np.where(n > 0, n, 1.0), 0.0)  # weight of one case
    estimate = (k * x).sum(axis=1)
    variance = (k**2 * x).sum(axis=1)  # of Poisson counts
    if ci == "wald":
        variance = (k**2 * x * (1 - x / np.where(n > 0, n, 1.0))).sum(axis=1)  # of binomial counts
    low, high = DIRECT_INTERVALS[ci](estimate, variance, k, conf_level)
    values = (estimate, low, high, np.sqrt(variance))
    return Standardized(*(np.where(defined, value, np.nan) for value in values))


def fay_feuer(y: np.ndarray, v: np.ndarray, k: np.ndarray, conf_level: float) -> Limits:
    """Gamma quantiles with mean y, variance v; for the upper limit one more case of the largest weight."""
    largest = k.max(axis=1)
    return _gamma_limits(y, v, y + largest, v + largest**2, conf_level)


def tiwari(y: np.ndarray, v: np.ndarray, k: np.ndarray, conf_level: float) -> Limits:
    """As Fay & Feuer with the mean weight, and the mean squared weight, of the case more."""
    return _gamma_limits(y, v, y + k.mean(axis=1), v + (k**2).mean(axis=1), conf_level)


def mid_p_gamma(y: np.ndarray, v: np.ndarray, k: np.ndarray, conf_level: float) -> Limits:
    """Quantiles of the equal mixture of the two gamma distributions of Fay & Feuer (Fay & Kim 2017)."""
    tail = (1 - conf_level) / 2
    largest = k.max(axis=1)
    both = np.array([[tail], [1 - tail]])
    ends = np.stack([_gamma_quantile(both, y, v), _gamma_quantile(both, y + largest, v + largest**2)])
    limits = np.zeros((2, len(y)))
    for i, p in enumerate((tail, 1 - tail)):
        for j in range(len(y)):
            if largest[j] == 0 or (y[j] == 0 and p <= 0.5):
                continue  # nobody; or half of the mixture lies at 0

            def excess(value: float, p: float = p, j: int = j) -> float:
                below = _gamma_below(value, y[j], v[j])
                above = _gamma_below(value, y[j] + largest[j], v[j] + largest[j] ** 2)
                return (below + above) / 2 - p

            limits[i, j] = brentq(excess, ends[:, i, j].min(), ends[:, i, j].max(), xtol=1e-300, rtol=1e-14)
    return limits[0], limits[1]


def normal(y: np.ndarray, v: np.ndarray, k: np.ndarray, conf_level: float) -> Limits:
    """y -+ z sqrt(v), not below 0."""
    half = norm.ppf(0.5 + conf_level / 2) * np.sqrt(v)
    return np.maximum(y - half, 0.0), y + half


DIRECT_INTERVALS: dict[str, Callable[[np.ndarray, np.ndarray, np.ndarray, float], Limits]] = {
    "gamma": fay_feuer,
    "tiwari": tiwari,
    "mid-p": mid_p_gamma,
    "normal": normal,
    "wald": normal,
}
DIRECT_NAMES = {
    "gamma": "gamma (Fay and Feuer)",
    "tiwari": "modified gamma (Tiwari, Clegg and Zou)",
    "mid-p": "mid-P gamma (Fay and Kim)",
    "normal": "normal (Poisson variance)",
    "wald": "Wald (binomial variance)",
}


def _gamma_limits(
    y: np.ndarray, v: np.ndarray, y_upper: np.ndarray, v_upper: np.ndarray, conf_level: float
) -> Limits:
    tail = (1 - conf_level) / 2
    return _gamma_quantile(tail, y, v), _gamma_quantile(1 - tail, y_upper, v_upper)


def _gamma_quantile(p: float | np.ndarray, mean: np.ndarray, variance: np.ndarray) -> np.ndarray:
    """Quantile of the gamma distribution with this mean and variance; 0 where both are 0."""
    m, v = (np.where(mean > 0, value, 1.0) for value in (mean, variance))
    return np.where(mean > 0, gamma.ppf(p, m**2 / v, scale=v / m), 0.0)


def _gamma_below(value: float, mean: float, variance: float) -> float:
    if mean == 0:
        return 1.0
    return float(gamma.cdf(value, mean**2 / variance, scale=variance / mean))
