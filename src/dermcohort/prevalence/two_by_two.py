"""The arithmetic of two groups: x1 of n1 exposed and x0 of n0 unexposed have the outcome.

Numbers in, numbers out. Sources: Katz et al. (1978) Biometrics 34:469 and Koopman (1984) Biometrics 40:513
(ratio); Newcombe (1998) Stat Med 17:873 and Miettinen & Nurminen (1985) Stat Med 4:213 (difference); Woolf (1955)
Ann Hum Genet 19:251 and Cornfield (1956) Proc 3rd Berkeley Symp 4:135 (odds ratio); Lancaster (1961) JASA 56:223
(mid-P).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.optimize import brentq
from scipy.special import gammaln
from scipy.stats import chi2, norm

from .intervals import wilson


class TwoByTwo(NamedTuple):
    """Events and people of the exposed (1) and the unexposed (0) group."""

    x1: float
    n1: float
    x0: float
    n0: float

    @property
    def exchanged(self) -> TwoByTwo:
        """The same with the groups exchanged: ratios become their reciprocals, differences change sign."""
        return TwoByTwo(self.x0, self.n0, self.x1, self.n1)

    @property
    def odds_cells(self) -> tuple[float, float, float, float]:
        """a, b, c, d: exposed with and without the outcome, unexposed with and without."""
        return self.x1, self.n1 - self.x1, self.x0, self.n0 - self.x0


class Effect(NamedTuple):
    """An estimate on its own scale, and the coefficient and standard error on the scale of a Wald interval."""

    estimate: float
    coef: float
    std_error: float


Limits = tuple[float, float]


def quotient(numerator: float, denominator: float) -> float:
    """Their ratio; infinite where only the denominator is 0, NaN where both are."""
    if denominator == 0:
        return math.inf if numerator > 0 else math.nan
    return numerator / denominator


def log_or_nan(value: float) -> float:
    """The logarithm of what is positive and finite, else NaN."""
    return math.log(value) if 0 < value < math.inf else math.nan


def pearson(t: TwoByTwo) -> tuple[float, float]:
    """Chi-square of Pearson, one degree of freedom, without continuity correction, and its p-value."""
    a, b, c, d = t.odds_cells
    margins = (a + c) * (b + d) * t.n1 * t.n0
    if margins == 0:
        return math.nan, math.nan
    statistic = (a * d - b * c) ** 2 * (t.n1 + t.n0) / margins
    return statistic, float(chi2.sf(statistic, 1))


# ------------------------------------------------------------------------------------- ratio of proportions


def proportion_ratio(t: TwoByTwo) -> Effect:
    """p1 / p0 and the delta-method standard error of its logarithm (Katz)."""
    ratio = quotient(t.x1 * t.n0, t.x0 * t.n1)
    if t.x1 == 0 or t.x0 == 0:
        return Effect(ratio, math.nan, math.nan)
    return Effect(ratio, math.log(ratio), math.sqrt(1 / t.x1 - 1 / t.n1 + 1 / t.x0 - 1 / t.n0))


def wald_limits(effect: Effect, conf_level: float) -> Limits:
    """coef -+ z std_error, on the scale of the coefficient; NaN where it has no standard error."""
    half = norm.ppf(0.5 + conf_level / 2) * effect.std_error
    return effect.coef - half, effect.coef + half


def log_limits(effect: Effect, conf_level: float) -> Limits:
    """Wald interval of the logarithm, as ratios."""
    low, high = wald_limits(effect, conf_level)
    return math.exp(low), math.exp(high)


def koopman_limits(t: TwoByTwo, conf_level: float) -> Limits:
    """Ratios that a score test (Pearson's chi-square at the restricted estimate) does not reject."""
    return quotient(1, _koopman_upper(t.exchanged, conf_level)), _koopman_upper(t, conf_level)


def _koopman_upper(t: TwoByTwo, conf_level: float) -> float:
    if t.x0 == 0:
        return math.inf
    p1, p0 = t.x1 / t.n1, t.x0 / t.n0
    critical = chi2.ppf(conf_level, 1)

    def excess(log_ratio: float) -> float:
        """(p1 - R p0)^2 - chi^2 V(R): below 0 where the ratio R is not rejected."""
        ratio = math.exp(log_ratio)
        r0 = _restricted_by_ratio(t, ratio)
        r1 = ratio * r0
        variance = r1 * (1 - r1) / t.n1 + ratio**2 * r0 * (1 - r0) / t.n0
        return (p1 - ratio * p0) ** 2 - critical * variance

    inside = math.log(p1 / p0) + 1e-9 if t.x1 > 0 else -50.0
    step = 1.0
    while excess(inside + step) <= 0:
        step *= 2
    return math.exp(brentq(excess, inside, inside + step, xtol=1e-15, rtol=1e-14))


def _restricted_by_ratio(t: TwoByTwo, ratio: float) -> float:
    """Maximum-likelihood estimate of p0 where p1 = ratio * p0 (Miettinen & Nurminen, equation 12)."""
    a = (t.n1 + t.n0) * ratio
    b = t.n1 * ratio + t.x1 + t.n0 + t.x0 * ratio
    c = t.x1 + t.x0
    root = math.sqrt(max(b * b - 4 * a * c, 0.0))
    return min(2 * c / (b + root), 1.0, 1 / ratio)


# -------------------------------------------------------------------------------- difference of proportions


def proportion_difference(t: TwoByTwo) -> Effect:
    """p1 - p0 with its standard error."""
    p1, p0 = t.x1 / t.n1, t.x0 / t.n0
    std_error = math.sqrt(p1 * (1 - p1) / t.n1 + p0 * (1 - p0) / t.n0)
    return Effect(p1 - p0, p1 - p0, std_error)


def within_one(limits: Limits) -> Limits:
    """An interval of a difference of proportions, kept within -1 and 1."""
    return max(limits[0], -1.0), min(limits[1], 1.0)


def wald_difference(t: TwoByTwo, conf_level: float) -> Limits:
    """Wald interval of the difference."""
    return within_one(wald_limits(proportion_difference(t), conf_level))


def newcombe(t: TwoByTwo, conf_level: float) -> Limits:
    """Hybrid of the two Wilson intervals (Newcombe's method 10)."""
    x, n = np.array([t.x1, t.x0]), np.array([t.n1, t.n0])
    (low1, low0), (high1, high0) = wilson(x, n, conf_level)
    p1, p0 = x / n
    difference = p1 - p0
    low = difference - math.hypot(p1 - low1, high0 - p0)
    high = difference + math.hypot(high1 - p1, p0 - low0)
    return float(low), float(high)


def miettinen_nurminen(t: TwoByTwo, conf_level: float) -> Limits:
    """Differences that their score test, with variance factor N / (N - 1), does not reject."""
    return -_miettinen_nurminen_upper(t.exchanged, conf_level), _miettinen_nurminen_upper(t, conf_level)


def _miettinen_nurminen_upper(t: TwoByTwo, conf_level: float) -> float:
    difference = t.x1 / t.n1 - t.x0 / t.n0
    total = t.n1 + t.n0
    critical = chi2.ppf(conf_level, 1) * total / (total - 1)

    def excess(delta: float) -> float:
        """(p1 - p0 - D)^2 - chi^2 V(D): below 0 where the difference D is not rejected."""
        r0 = _restricted_by_difference(t, delta)
        r1 = min(max(r0 + delta, 0.0), 1.0)
        variance = r1 * (1 - r1) / t.n1 + r0 * (1 - r0) / t.n0
        return (difference - delta) ** 2 - critical * variance

    inside = difference + 1e-9
    if inside >= 1 or excess(inside) >= 0:
        return difference
    return brentq(excess, inside, 1.0, xtol=1e-15, rtol=1e-14)


def _restricted_by_difference(t: TwoByTwo, delta: float) -> float:
    """Maximum-likelihood estimate of p0 where p1 = p0 + delta: the root of a cubic (their appendix I)."""
    total = t.n1 + t.n0
    l2 = (t.n1 + 2 * t.n0) * delta - total - (t.x1 + t.x0)
    l1 = (t.n0 * delta - total - 2 * t.x0) * delta + t.x1 + t.x0
    l0 = t.x0 * delta * (1 - delta)
    q = l2**3 / (3 * total) ** 3 - l1 * l2 / (6 * total**2) + l0 / (2 * total)
    p = math.copysign(math.sqrt(max(l2**2 / (3 * total) ** 2 - l1 / (3 * total), 0.0)), q)
    cosine = min(max(q / p**3, -1.0), 1.0) if p != 0 else 0.0
    angle = (math.pi + math.acos(cosine)) / 3
    r0 = 2 * p * math.cos(angle) - l2 / (3 * total)
    return min(max(r0, 0.0, -delta), 1.0, 1 - delta)


# ------------------------------------------------------------------------------------------------ odds ratio


def odds_ratio_woolf(t: TwoByTwo) -> Effect:
    """ad / bc and the standard error of its logarithm (Woolf)."""
    a, b, c, d = t.odds_cells
    ratio = quotient(a * d, b * c)
    if 0 in (a, b, c, d):
        return Effect(ratio, math.nan, math.nan)
    return Effect(ratio, math.log(ratio), math.sqrt(1 / a + 1 / b + 1 / c + 1 / d))


class ConditionalTable:
    """The number of exposed events given all margins: Fisher's noncentral hypergeometric distribution."""

    def __init__(self, t: TwoByTwo) -> None:
        events = t.x1 + t.x0
        self.observed = t.x1
        self.support = np.arange(max(0, events - t.n0), min(t.n1, events) + 1)
        k = self.support
        self.log_count = -(
            gammaln(k + 1) + gammaln(t.n1 - k + 1) + gammaln(events - k + 1) + gammaln(t.n0 - events + k + 1)
        )

    @property
    def at_lowest(self) -> bool:
        return bool(self.observed == self.support[0])

    @property
    def at_highest(self) -> bool:
        return bool(self.observed == self.support[-1])

    def density(self, log_odds_ratio: float) -> np.ndarray:
        logs = self.log_count + self.support * log_odds_ratio
        weights = np.exp(logs - logs.max())
        return weights / weights.sum()

    def estimate(self) -> float:
        """Conditional maximum likelihood: the odds ratio whose expected count is the observed one."""
        if self.at_lowest and self.at_highest:
            return math.nan
        if self.at_lowest or self.at_highest:
            return 0.0 if self.at_lowest else math.inf
        return math.exp(_increasing_root(lambda b: self.density(b) @ self.support - self.observed))

    def limits(self, conf_level: float, own_share: float) -> Limits:
        """Odds ratios at which a tail, with `own_share` of the observed count itself, keeps (1 - level) / 2."""
        tail = (1 - conf_level) / 2
        above, below = self.support > self.observed, self.support < self.observed
        here = self.support == self.observed

        def upper_tail(b: float) -> float:
            density = self.density(b)
            return density[above].sum() + own_share * density[here].sum() - tail

        def lower_tail(b: float) -> float:
            density = self.density(b)
            return tail - density[below].sum() - own_share * density[here].sum()

        low = 0.0 if self.at_lowest else math.exp(_increasing_root(upper_tail))
        high = math.inf if self.at_highest else math.exp(_increasing_root(lower_tail))
        return low, high

    def exact_p(self) -> float:
        """Probability of the tables that are not likelier than the observed one, as in R's fisher.test."""
        density = self.density(0.0)
        observed = density[self.support == self.observed]
        # R's allowance for rounding among tables of equal probability
        return min(1.0, float(density[density <= observed * (1 + 1e-7)].sum()))

    def mid_p(self) -> float:
        """Twice the smaller tail, half of the observed table in each."""
        density = self.density(0.0)
        half = density[self.support == self.observed].sum() / 2
        tails = (
            density[self.support < self.observed].sum() + half,
            density[self.support > self.observed].sum() + half,
        )
        return min(1.0, 2 * float(min(tails)))


def _increasing_root(function: Callable[[float], float]) -> float:
    """Where a function of the log odds ratio that increases crosses 0."""
    reach = 1.0
    while function(-reach) > 0 or function(reach) < 0:
        reach *= 2
    return brentq(function, -reach, reach, xtol=1e-15, rtol=1e-14)
