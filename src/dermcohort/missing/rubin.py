"""Rubin's rules: arrays in, arrays out.

Sources: Rubin (1987) Multiple Imputation for Nonresponse in Surveys, ch. 3; Barnard & Rubin (1999) Biometrika 86:948
(degrees of freedom); Li, Raghunathan & Rubin (1991) JASA 86:1065 (test D1); Reiter (2007) Biometrika 94:502 (its
degrees of freedom in small samples). Agree with R's mice 3.15 and mitml.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import chi2, f


@dataclass(frozen=True, eq=False)
class Pooled:
    """One value an estimate; names as in Rubin (1987)."""

    estimate: np.ndarray
    within: np.ndarray
    between: np.ndarray
    total: np.ndarray
    df: np.ndarray
    increase: np.ndarray  # r, the relative increase in variance due to missing data
    fraction: np.ndarray  # gamma, the fraction of missing information


def rubin(estimates: np.ndarray, variances: np.ndarray, complete_df: np.ndarray | float) -> Pooled:
    """Pool `estimates` with their `variances`, both of shape (m, k); `complete_df` is that of complete data."""
    m = len(estimates)
    within = variances.mean(axis=0)
    between = estimates.var(axis=0, ddof=1)
    total = within + (1 + 1 / m) * between
    df = barnard_rubin(m, (1 + 1 / m) * between / total, np.broadcast_to(complete_df, total.shape))
    increase = (1 + 1 / m) * between / within
    fraction = (increase + 2 / (df + 3)) / (1 + increase)
    return Pooled(estimates.mean(axis=0), within, between, total, df, increase, fraction)


def barnard_rubin(m: int, share: np.ndarray, complete_df: np.ndarray) -> np.ndarray:
    """Degrees of freedom; `share` is lambda, the share of the total variance due to missing data."""
    share = np.maximum(
        share, 1e-4
    )  # as mice; Barnard & Rubin know no such bound, which moves df by less than 1e-4
    old = (m - 1) / share**2
    finite = np.isfinite(complete_df)
    nu = np.where(finite, complete_df, 1.0)
    observed = (nu + 1) / (nu + 3) * nu * (1 - share)
    return np.where(finite, old * observed / (old + observed), old)


def wald_d1(
    estimates: np.ndarray, within: np.ndarray, complete_df: float
) -> tuple[float, float, float, float]:
    """Test D1 that k coefficients are all 0: F, its denominator's degrees of freedom, p-value, relative increase.

    Parameters
    ----------
    estimates : array, shape (m, k)
    within : array, shape (k, k)
        Mean of their m covariances.
    complete_df : float
        Infinity for a large sample.
    """
    m, k = estimates.shape
    mean = estimates.mean(axis=0)
    between = np.cov(estimates, rowvar=False).reshape(k, k)
    r = float((1 + 1 / m) * np.trace(np.linalg.solve(within, between)) / k)
    statistic = float(mean @ np.linalg.solve(within, mean) / (k * (1 + r)))
    df = d1_df(k, m, r, complete_df)
    p_value = f.sf(statistic, k, df) if np.isfinite(df) else chi2.sf(k * statistic, k)
    return statistic, df, float(p_value), r


def d1_df(k: int, m: int, r: float, complete_df: float) -> float:
    """Denominator degrees of freedom of D1: Reiter (2007) in a finite sample, else Li et al. (1991, eq. 1.17)."""
    t = k * (m - 1)
    if np.isfinite(complete_df) and t > 4:
        return _reiter(t, r, complete_df)
    if r == 0:
        return np.inf
    if t > 4:
        return 4 + (t - 4) * (1 + (1 - 2 / t) / r) ** 2
    return t * (1 + 1 / k) * (1 + 1 / r) ** 2 / 2


def _reiter(t: float, r: float, complete_df: float) -> float:
    a = r * t / (t - 2)
    nu = (complete_df + 1) / (complete_df + 3) * complete_df
    c0, c1, c2 = 1 / (t - 4), nu - 2 * (1 + a), nu - 4 * (1 + a)
    z = (
        1 / c2
        + c0 * a**2 * c1 / ((1 + a) ** 2 * c2)
        + c0 * (8 * a**2 * c1 / ((1 + a) * c2**2) + 4 * a**2 / ((1 + a) * c2))
        + c0 * (4 * a**2 / (c2 * c1) + 16 * a**2 * c1 / c2**3)
        + c0 * 8 * a**2 / c2**2
    )
    return 4 + 1 / z
