"""The arithmetic of two incidence rates: x1 events in the time t1 of the exposed, x0 in t0 of the unexposed.

Numbers in, numbers out. Given their sum, x1 is binomial with probability RR t1 / (RR t1 + t0), which is what the exact
and mid-P methods rest on. Sources: Rothman & Greenland (1998) Modern Epidemiology, ch. 14; Garwood (1936) Biometrika
28:437; R's poisson.test (exact); Lancaster (1961) JASA 56:223 (mid-P); Zou & Donner (2008) Stat Med 27:1693 (recovered
variances); Greenland & Robins (1985) Biometrics 41:55 (strata).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.optimize import brentq
from scipy.stats import binom, binomtest, chi2

from ..poisson_intervals import exact_poisson
from ..prevalence.intervals import clopper_pearson
from ..prevalence.two_by_two import Effect, Limits, log_or_nan, quotient


class TwoRates(NamedTuple):
    """Events and person-time of the exposed (1) and the unexposed (0)."""

    x1: float
    t1: float
    x0: float
    t0: float

    @property
    def events(self) -> float:
        return self.x1 + self.x0

    @property
    def share(self) -> float:
        """Of the person-time, what the exposed have."""
        return self.t1 / (self.t1 + self.t0)


# ---------------------------------------------------------------------------------------------- one stratum


def rate_ratio_effect(r: TwoRates) -> Effect:
    """RR = (x1 / t1) / (x0 / t0); variance of its logarithm 1/x1 + 1/x0."""
    ratio = quotient(r.x1 * r.t0, r.x0 * r.t1)
    known = r.x1 > 0 and r.x0 > 0
    return Effect(ratio, log_or_nan(ratio), math.sqrt(1 / r.x1 + 1 / r.x0) if known else math.nan)


def rate_difference_effect(r: TwoRates) -> Effect:
    """RD = x1/t1 - x0/t0; variance x1/t1^2 + x0/t0^2."""
    difference = r.x1 / r.t1 - r.x0 / r.t0
    return Effect(difference, difference, math.sqrt(r.x1 / r.t1**2 + r.x0 / r.t0**2))


def score_test(r: TwoRates) -> tuple[float, float]:
    """Chi-square of equal rates, one degree of freedom, without continuity correction, and its p-value."""
    variance = r.events * r.share * (1 - r.share)
    if variance == 0:
        return math.nan, math.nan
    statistic = (r.x1 - r.events * r.share) ** 2 / variance
    return statistic, float(chi2.sf(statistic, 1))


def exact_limits(r: TwoRates, conf_level: float) -> Limits:
    """Clopper-Pearson limits of the binomial probability p, as RR = p / (1 - p) t0 / t1."""
    if r.events == 0:
        return 0.0, math.inf
    low, high = clopper_pearson(np.array([r.x1]), np.array([r.events]), conf_level)
    return _as_ratio(float(low[0]), r), _as_ratio(float(high[0]), r)


def exact_p(r: TwoRates) -> float:
    """Probability of all divisions of the events that are no more likely than the one seen (R's binom.test)."""
    return float(binomtest(round(r.x1), round(r.events), r.share).pvalue)


def mid_p_limits(r: TwoRates, conf_level: float) -> Limits:
    """RR at which the tail beyond x1 and half of x1's own probability make a/2."""
    if r.events == 0:
        return 0.0, math.inf
    tail = (1 - conf_level) / 2
    low, high = (float(end[0]) for end in clopper_pearson(np.array([r.x1]), np.array([r.events]), conf_level))

    def root(upper: bool) -> float:
        def excess(p: float) -> float:
            below, above = _mid_p_tails(r.x1, r.events, p)
            return (below if upper else above) - tail

        return float(brentq(excess, low, high, xtol=1e-300, rtol=1e-14))

    return (
        _as_ratio(root(False), r) if r.x1 > 0 else 0.0,
        _as_ratio(root(True), r) if r.x0 > 0 else math.inf,
    )


def mid_p(r: TwoRates) -> float:
    """Twice the smaller tail, half of x1's own probability in each."""
    return min(1.0, 2 * min(_mid_p_tails(r.x1, r.events, r.share)))


def recovered_limits(r: TwoRates, conf_level: float) -> Limits:
    """The difference -+ the distances of both rates from their exact Poisson limits, squared, added and rooted."""
    events, time = np.array([r.x1, r.x0]), np.array([r.t1, r.t0])
    rate = events / time
    low, high = (limit / time for limit in exact_poisson(events, conf_level))
    difference = rate[0] - rate[1]
    return (
        float(difference - math.hypot(rate[0] - low[0], high[1] - rate[1])),
        float(difference + math.hypot(high[0] - rate[0], rate[1] - low[1])),
    )


def _mid_p_tails(x: float, n: float, p: float) -> tuple[float, float]:
    """Probability of fewer and of more than x of n, each with half of that of x."""
    half = binom.pmf(x, n, p) / 2
    return float(binom.cdf(x - 1, n, p) + half), float(binom.sf(x, n, p) + half)


def _as_ratio(p: float, r: TwoRates) -> float:
    return math.inf if p == 1 else p / (1 - p) * r.t0 / r.t1


# ---------------------------------------------------------------------------------------------- several strata


class Strata(NamedTuple):
    """Strata in which both groups have person-time: arrays of shape (strata,)."""

    x1: np.ndarray
    t1: np.ndarray
    x0: np.ndarray
    t0: np.ndarray


def pooled_rate_ratio(s: Strata) -> tuple[Effect, np.ndarray]:
    """sum(x1 t0 / T) / sum(x0 t1 / T), and the weights of the strata; variance of Greenland & Robins."""
    T = s.t1 + s.t0
    R, S = s.x1 * s.t0 / T, s.x0 * s.t1 / T
    ratio = quotient(R.sum(), S.sum())
    if R.sum() == 0 or S.sum() == 0:
        return Effect(ratio, math.nan, math.nan), S
    D = s.t1 * s.t0 * (s.x1 + s.x0) / T**2
    return Effect(ratio, math.log(ratio), math.sqrt(D.sum() / (R.sum() * S.sum()))), S


def pooled_rate_difference(s: Strata) -> tuple[Effect, np.ndarray]:
    """Mean of the differences with weights t1 t0 / T; variance of Greenland & Robins."""
    weight = s.t1 * s.t0 / (s.t1 + s.t0)
    difference = (weight * (s.x1 / s.t1 - s.x0 / s.t0)).sum() / weight.sum()
    variance = (weight**2 * (s.x1 / s.t1**2 + s.x0 / s.t0**2)).sum() / weight.sum() ** 2
    return Effect(difference, difference, math.sqrt(variance)), weight


def association_test(s: Strata) -> dict[str, float]:
    """Events of the exposed against those expected over all strata (Mantel-Haenszel), without correction."""
    events, share = s.x1 + s.x0, s.t1 / (s.t1 + s.t0)
    variance = (events * share * (1 - share)).sum()
    if variance == 0:
        return {"statistic": math.nan, "df": 1.0, "p_value": math.nan}
    statistic = float((s.x1 - events * share).sum() ** 2 / variance)
    return {"statistic": statistic, "df": 1.0, "p_value": float(chi2.sf(statistic, 1))}


def homogeneity_test(effects: Sequence[Effect], pooled: Effect) -> dict[str, float]:
    """Weighted squares of the strata's coefficients about the pooled one, as Stata's ir and metafor's rma.mh."""
    usable = [e for e in effects if e.std_error > 0]
    df = float(len(usable) - 1)
    if df < 1 or math.isnan(pooled.coef):
        return {"statistic": math.nan, "df": df, "p_value": math.nan}
    statistic = math.fsum(((e.coef - pooled.coef) / e.std_error) ** 2 for e in usable)
    return {"statistic": statistic, "df": df, "p_value": float(chi2.sf(statistic, df))}
