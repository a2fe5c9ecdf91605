"""Confidence intervals of a proportion, x of n.

Sources: Wilson (1927) JASA 22:209; Clopper & Pearson (1934) Biometrika 26:404; Agresti & Coull (1998) Am Stat
52:119; Brown, Cai & DasGupta (2001) Stat Sci 16:101 (Jeffreys interval and its ends at 0 and n).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.special import expit, logit
from scipy.stats import beta, norm

Interval = Callable[[np.ndarray, np.ndarray, float], tuple[np.ndarray, np.ndarray]]


def wilson(x: np.ndarray, n: np.ndarray, conf_level: float) -> tuple[np.ndarray, np.ndarray]:
    """Score interval, [p + z^2/2n -+ z sqrt(p(1-p)/n + z^2/4n^2)] / (1 + z^2/n)."""
    z = norm.ppf(0.5 + conf_level / 2)
    p = x / n
    half = z * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    low = (p + z**2 / (2 * n) - half) / (1 + z**2 / n)
    high = (p + z**2 / (2 * n) + half) / (1 + z**2 / n)
    return np.where(x == 0, 0.0, low), np.where(x == n, 1.0, high)


def wald(x: np.ndarray, n: np.ndarray, conf_level: float) -> tuple[np.ndarray, np.ndarray]:
    """p -+ z sqrt(p(1-p)/n), kept within 0 and 1."""
    half = norm.ppf(0.5 + conf_level / 2) * np.sqrt(x / n * (1 - x / n) / n)
    return np.clip(x / n - half, 0, 1), np.clip(x / n + half, 0, 1)


def clopper_pearson(x: np.ndarray, n: np.ndarray, conf_level: float) -> tuple[np.ndarray, np.ndarray]:
    """Exact interval from binomial tails, as quantiles of beta distributions."""
    tail = (1 - conf_level) / 2
    low = np.where(x == 0, 0.0, beta.ppf(tail, np.maximum(x, 1), n - x + 1))
    high = np.where(x == n, 1.0, beta.isf(tail, x + 1, np.maximum(n - x, 1)))
    return np.where(n > 0, low, np.nan), np.where(n > 0, high, np.nan)


def agresti_coull(x: np.ndarray, n: np.ndarray, conf_level: float) -> tuple[np.ndarray, np.ndarray]:
    """Wald interval after adding z^2/2 to both outcomes, kept within 0 and 1."""
    z = norm.ppf(0.5 + conf_level / 2)
    n_tilde = np.where(n > 0, n + z**2, np.nan)
    p_tilde = (x + z**2 / 2) / n_tilde
    half = z * np.sqrt(p_tilde * (1 - p_tilde) / n_tilde)
    return np.clip(p_tilde - half, 0, 1), np.clip(p_tilde + half, 0, 1)


def jeffreys(x: np.ndarray, n: np.ndarray, conf_level: float) -> tuple[np.ndarray, np.ndarray]:
    """Quantiles of beta(x + 1/2, n - x + 1/2); the end is 0 where x is 0, and 1 where x is n."""
    tail = (1 - conf_level) / 2
    low = np.where(x == 0, 0.0, beta.ppf(tail, x + 0.5, n - x + 0.5))
    high = np.where(x == n, 1.0, beta.isf(tail, x + 0.5, n - x + 0.5))
    return np.where(n > 0, low, np.nan), np.where(n > 0, high, np.nan)


def logit_interval(x: np.ndarray, n: np.ndarray, conf_level: float) -> tuple[np.ndarray, np.ndarray]:
    """Wald interval of log(p/(1-p)), whose standard error is 1/sqrt(n p (1-p))."""
    exact_low, exact_high = clopper_pearson(x, n, conf_level)
    inside = (x > 0) & (x < n)
    p = np.where(inside, x / n, 0.5)
    half = norm.ppf(0.5 + conf_level / 2) / np.sqrt(n * p * (1 - p))
    low, high = expit(logit(p) - half), expit(logit(p) + half)
    return np.where(inside, low, exact_low), np.where(inside, high, exact_high)


INTERVALS: dict[str, Interval] = {
    "wilson": wilson,
    "wald": wald,
    "clopper-pearson": clopper_pearson,
    "agresti-coull": agresti_coull,
    "jeffreys": jeffreys,
    "logit": logit_interval,
}
NAMES = {
    "wilson": "Wilson",
    "wald": "Wald",
    "clopper-pearson": "Clopper-Pearson",
    "agresti-coull": "Agresti-Coull",
    "jeffreys": "Jeffreys",
    "logit": "logit-transformed",
}
