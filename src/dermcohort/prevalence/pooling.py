"""The arithmetic of two groups in several strata: pooled estimates and tests, arrays in and numbers out.

Sources: Mantel & Haenszel (1959) JNCI 22:719; Robins, Breslow & Greenland (1986) Biometrics 42:311 (variance of the
odds ratio); Greenland & Robins (1985) Biometrics 41:55 (ratio); Sato (1989) Biometrics 45:1323 (difference);
Breslow & Day (1980) section 4.4 with Tarone (1985) Biometrika 72:91 (homogeneity of odds ratios); Woolf (1955) Ann
Hum Genet 19:251 (of other measures).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import chi2

from .two_by_two import Effect, quotient


@dataclass(frozen=True)
class Tables:
    """Strata with both groups: x1 of n1 exposed and x0 of n0 unexposed have the outcome."""

    x1: np.ndarray
    n1: np.ndarray
    x0: np.ndarray
    n0: np.ndarray

    @property
    def total(self) -> np.ndarray:
        return self.n1 + self.n0

    @property
    def odds_cells(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        return self.x1, self.n1 - self.x1, self.x0, self.n0 - self.x0


def pooled_odds_ratio(t: Tables) -> tuple[Effect, np.ndarray]:
    """sum(R) / sum(S) with R = ad/N, S = bc/N (which are the weights); variance of Robins, Breslow & Greenland."""
    a, b, c, d = t.odds_cells
    R, S = a * d / t.total, b * c / t.total
    P, Q = (a + d) / t.total, (b + c) / t.total
    ratio = quotient(R.sum(), S.sum())
    if R.sum() == 0 or S.sum() == 0:
        return Effect(ratio, math.nan, math.nan), S
    variance = (
        (P * R).sum() / (2 * R.sum() ** 2)
        + (P * S + Q * R).sum() / (2 * R.sum() * S.sum())
        + (Q * S).sum() / (2 * S.sum() ** 2)
    )
    return Effect(ratio, math.log(ratio), math.sqrt(variance)), S


def pooled_ratio(t: Tables) -> tuple[Effect, np.ndarray]:
    """sum(x1 n0 / N) / sum(x0 n1 / N); variance of Greenland & Robins, equation 13."""
    R, S = t.x1 * t.n0 / t.total, t.x0 * t.n1 / t.total
    ratio = quotient(R.sum(), S.sum())
    if R.sum() == 0 or S.sum() == 0:
        return Effect(ratio, math.nan, math.nan), S
    D = (t.n1 * t.n0 * (t.x1 + t.x0) - t.x1 * t.x0 * t.total) / t.total**2
    return Effect(ratio, math.log(ratio), math.sqrt(D.sum() / (R.sum() * S.sum()))), S


def pooled_difference(t: Tables) -> tuple[Effect, np.ndarray]:
    """Mean of the differences with weights n1 n0 / N; variance of Sato, which holds for sparse strata too."""
    N = t.total
    weight = t.n1 * t.n0 / N
    difference = ((t.x1 * t.n0 - t.x0 * t.n1) / N).sum() / weight.sum()
    P = (t.n1**2 * t.x0 - t.n0**2 * t.x1 + t.n1 * t.n0 * (t.n0 - t.n1) / 2) / N**2
    Q = (t.x1 * (t.n0 - t.x0) + t.x0 * (t.n1 - t.x1)) / (2 * N)
    variance = (difference * P.sum() + Q.sum()) / weight.sum() ** 2
    return Effect(difference, difference, math.sqrt(variance) if variance >= 0 else math.nan), weight


def cochran_mantel_haenszel(t: Tables, correct: bool) -> dict[str, float]:
    """Observed against expected exposed events over all strata, as in R's mantelhaen.test."""
    N, events = t.total, t.x1 + t.x0
    expected = t.n1 * events / N
    variance = (t.n1 * t.n0 * events * (N - events) / (N**2 * (N - 1))).sum()
    if variance == 0:
        return {"statistic": math.nan, "df": 1.0, "p_value": math.nan}
    distance = abs((t.x1 - expected).sum())
    if correct and distance >= 0.5:
        distance -= 0.5
    statistic = float(distance**2 / variance)
    return {"statistic": statistic, "df": 1.0, "p_value": float(chi2.sf(statistic, 1))}


def breslow_day(t: Tables, odds_ratio: float) -> dict[str, float]:
    """Exposed events of each stratum against those that the pooled odds ratio would give; Tarone's correction."""
    events = t.x1 + t.x0
    varying = (events > 0) & (events < t.total)
    df = float(varying.sum() - 1)
    if df < 1 or not 0 < odds_ratio < math.inf:
        return {"statistic": math.nan, "df": df, "p_value": math.nan}
    x1, n1, n0, events = t.x1[varying], t.n1[varying], t.n0[varying], events[varying]
    # the root of A (n0 - events + A) = OR (n1 - A) (events - A) that is a possible count
    c = n0 - events + odds_ratio * (n1 + events)
    root = np.sqrt(c**2 + 4 * (1 - odds_ratio) * odds_ratio * n1 * events)
    expected = 2 * odds_ratio * n1 * events / (c + root)
    variance = 1 / (
        1 / expected + 1 / (n1 - expected) + 1 / (events - expected) + 1 / (n0 - events + expected)
    )
    deviation = x1 - expected
    statistic = (deviation**2 / variance).sum() - deviation.sum() ** 2 / variance.sum()
    return {"statistic": float(statistic), "df": df, "p_value": float(chi2.sf(statistic, df))}


def woolf(effects: Sequence[Effect]) -> dict[str, float]:
    """Weighted squares of the strata's coefficients about their inverse-variance mean (Woolf 1955)."""
    usable = [e for e in effects if e.std_error > 0]
    df = float(len(usable) - 1)
    if df < 1:
        return {"statistic": math.nan, "df": df, "p_value": math.nan}
    coef = np.array([e.coef for e in usable])
    weight = np.array([e.std_error for e in usable]) ** -2
    statistic = (weight * (coef - (weight @ coef) / weight.sum()) ** 2).sum()
    return {"statistic": float(statistic), "df": df, "p_value": float(chi2.sf(statistic, df))}
