"""Confidence intervals of a Poisson mean, x events seen.

Sources: Garwood (1936) Biometrika 28:437 (exact; R's poisson.test); Rothman & Boice (1979) Epidemiologic Analysis
with a Programmable Calculator (Byar's approximation; R's epitools::pois.byar); Cohen & Yang (1994) Stat Med
13:2189 (mid-P); Breslow & Day (1987) Statistical Methods in Cancer Research II, ch. 2 (log-normal; R's
epitools::ageadjust.indirect).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.optimize import brentq
from scipy.stats import chi2, norm, poisson

Limits = tuple[np.ndarray, np.ndarray]


def exact_poisson(x: np.ndarray, conf_level: float) -> Limits:
    """Garwood's limits of a Poisson mean: chi2(a/2; 2x)/2 and chi2(1 - a/2; 2x + 2)/2."""
    tail = (1 - conf_level) / 2
    low = np.where(x > 0, chi2.ppf(tail, 2 * np.where(x > 0, x, 1.0)) / 2, 0.0)
    return low, chi2.isf(tail, 2 * x + 2) / 2


def byar(x: np.ndarray, conf_level: float) -> Limits:
    """(x + 1/2) {1 - 1/[9(x + 1/2)] -+ z/3 sqrt[1/(x + 1/2)]}^3."""
    z, a = norm.ppf(0.5 + conf_level / 2), x + 0.5
    low, high = (a * (1 - 1 / (9 * a) + sign * z / 3 * np.sqrt(1 / a)) ** 3 for sign in (-1, 1))
    return np.maximum(low, 0.0), high


def mid_p(x: np.ndarray, conf_level: float) -> Limits:
    """Means mu with P(X > x; mu) + P(X = x; mu)/2 = a/2 (lower) and 1 - a/2 (upper)."""
    tail = (1 - conf_level) / 2
    bottom, top = exact_poisson(x, conf_level)
    limits = np.zeros((2, len(x)))
    for i, p in enumerate((tail, 1 - tail)):
        for j in range(len(x)):
            if x[j] == 0 and i == 0:
                continue  # the lower limit of no event is 0

            def excess(mean: float, p: float = p, j: int = j) -> float:
                return poisson.sf(x[j], mean) + poisson.pmf(x[j], mean) / 2 - p

            limits[i, j] = brentq(excess, bottom[j], top[j], xtol=1e-300, rtol=1e-14)
    return limits[0], limits[1]


def log_normal(x: np.ndarray, conf_level: float) -> Limits:
    """x exp(-+ z / sqrt(x)); none without events."""
    known = np.where(x > 0, x, np.nan)
    factor = np.exp(norm.ppf(0.5 + conf_level / 2) / np.sqrt(known))
    return known / factor, known * factor


POISSON_INTERVALS: dict[str, Callable[[np.ndarray, float], Limits]] = {
    "exact": exact_poisson,
    "byar": byar,
    "mid-p": mid_p,
    "log-normal": log_normal,
}
POISSON_NAMES = {
    "exact": "exact Poisson",
    "byar": "Byar's",
    "mid-p": "mid-P Poisson",
    "log-normal": "log-normal",
}
