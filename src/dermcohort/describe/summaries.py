"""Mean, variance and quantiles of one variable, with and without weights: arrays in, numbers out.

Weights are sampling or inverse-probability weights, positive; their scale does not matter. None: no weights.
"""

from __future__ import annotations

import numpy as np


def mean_and_variance(x: np.ndarray, weights: np.ndarray | None) -> tuple[float, float]:
    """Mean, and the mean squared deviation from it times n / (n - 1), with n the rows: survey::svyvar.

    NaN where there are too few rows. Equal values have their value as mean and no variance, whatever the
    rounding of sums.
    """
    n = len(x)
    if n == 0:
        return float("nan"), float("nan")
    if x.min() == x.max():
        return float(x[0]), 0.0 if n > 1 else float("nan")
    mean = float(np.average(x, weights=weights))
    return mean, float(np.average((x - mean) ** 2, weights=weights)) * n / (n - 1)


def quantiles(x: np.ndarray, weights: np.ndarray | None, p: np.ndarray) -> np.ndarray:
    """R's type 7 without weights; with them the least x whose share of the weights up to it reaches p.

    The latter is survey::svyquantile with ``qrule = "math"``, and type 1 where all weights are equal.
    """
    if len(x) == 0:
        return np.full(len(p), np.nan)
    if weights is None:
        return np.quantile(x, p)
    order = np.argsort(x, kind="stable")
    share = np.cumsum(weights[order]) / weights.sum()
    # a share that is p but for the rounding of the sum has reached it
    return x[order][np.minimum(np.searchsorted(share, p - 1e-12), len(x) - 1)]


def shares(codes: np.ndarray, n_levels: int, weights: np.ndarray | None) -> np.ndarray:
    """Proportion of each level 0 ... n_levels - 1; NaN where there are no rows."""
    if len(codes) == 0:
        return np.full(n_levels, np.nan)
    totals = np.bincount(codes, weights=weights, minlength=n_levels)
    return totals / totals.sum()


def effective_size(weights: np.ndarray) -> float:
    """(sum of w)^2 / sum of w^2: rows of equal weight that would tell as much (Kish 1965, section 11.2C)."""
    return float(weights.sum() ** 2 / (weights**2).sum()) if len(weights) else 0.0
