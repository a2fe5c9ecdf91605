"""The arithmetic of interaction on the additive scale: RERI, AP and S from log relative effects.

b = (b10, b01, b11) are the log effects (of odds, prevalences, rates or hazards) of one exposure, the other, and both
against neither; V is their covariance. Numbers in, numbers out.

Sources: Rothman (1986) Modern Epidemiology, ch. 15 (the measures); Hosmer & Lemeshow (1992) Epidemiology 3:452 (delta
method); Zou (2008) Am J Epidemiol 168:212 (recovery of variances, MOVER); Assmann et al. (1996) Epidemiology 7:286
(percentiles of a bootstrap).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.optimize import brentq
from scipy.stats import t

# AP is the RERI of effects against those with both exposures: b10 - b11, b01 - b11, -b11
AGAINST_BOTH = np.array([[1.0, 0.0, -1.0], [0.0, 1.0, -1.0], [0.0, 0.0, -1.0]])
MULTIPLICATIVE = np.array([-1.0, -1.0, 1.0])


class Interval(NamedTuple):
    """An estimate with its limits and test; coefficient and standard error on the scale of a Wald interval."""

    estimate: float
    conf_low: float
    conf_high: float
    p_value: float
    coef: float
    std_error: float


def reri(b: np.ndarray) -> np.ndarray:
    """RR11 - RR10 - RR01 + 1, over the last axis of `b`."""
    effect = np.exp(b)
    return effect[..., 2] - effect[..., 0] - effect[..., 1] + 1


def attributable_proportion(b: np.ndarray) -> np.ndarray:
    """RERI / RR11."""
    return reri(b) / np.exp(b[..., 2])


def synergy_index(b: np.ndarray) -> np.ndarray:
    """(RR11 - 1) / ((RR10 - 1) + (RR01 - 1))."""
    effect = np.exp(b)
    with np.errstate(divide="ignore", invalid="ignore"):
        return (effect[..., 2] - 1) / (effect[..., 0] + effect[..., 1] - 2)


def ratio_of_effects(b: np.ndarray) -> np.ndarray:
    """RR11 / (RR10 RR01)."""
    return np.exp(b @ MULTIPLICATIVE)


MEASURES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "RERI": reri,
    "AP": attributable_proportion,
    "S": synergy_index,
    "ratio": ratio_of_effects,
}
NULL = {"RERI": 0.0, "AP": 0.0, "S": 1.0, "ratio": 1.0}


def delta(b: np.ndarray, V: np.ndarray, conf_level: float, df: float) -> dict[str, Interval]:
    """Wald intervals by the delta method; S and the ratio on the log scale. None for an S that is not positive."""
    e10, e01, e11 = np.exp(b)
    s = float(synergy_index(b))
    with np.errstate(divide="ignore", invalid="ignore"):
        log_s = np.log(s) if s > 0 else np.nan
        slope_s = np.array([-e10 / (e10 + e01 - 2), -e01 / (e10 + e01 - 2), e11 / (e11 - 1)])
    slope_ap = np.array([-e10, -e01, e10 + e01 - 1]) / e11
    found = {
        "RERI": _wald(float(reri(b)), np.array([-e10, -e01, e11]), V, conf_level, df),
        "AP": _wald(float(attributable_proportion(b)), slope_ap, V, conf_level, df),
        "S": _wald(log_s, slope_s, V, conf_level, df, is_log=True),
        "ratio": _wald(float(b @ MULTIPLICATIVE), MULTIPLICATIVE, V, conf_level, df, is_log=True),
    }
    return {**found, "S": found["S"]._replace(estimate=s)}


def mover(b: np.ndarray, V: np.ndarray, conf_level: float, df: float) -> dict[str, Interval]:
    """RERI and AP by recovery of variances; S and the ratio as by the delta method, where the two are the same."""
    found = delta(b, V, conf_level, df)
    for name, to in (("RERI", np.eye(3)), ("AP", AGAINST_BOTH)):
        low, high, p = _mover_reri(to @ b, to @ V @ to.T, conf_level, df)
        found[name] = Interval(found[name].estimate, low, high, p, np.nan, np.nan)
    return found


def percentile(b: np.ndarray, draws: np.ndarray, conf_level: float) -> dict[str, Interval]:
    """Percentiles of the measures over resampled log effects, shape (resamples, 3)."""
    found = {}
    for name, measure in MEASURES.items():
        values = measure(draws)
        values = values[~np.isnan(values)]
        if len(values) == 0:
            found[name] = Interval(float(measure(b)), *[np.nan] * 5)
            continue
        low, high = np.quantile(values, [0.5 - conf_level / 2, 0.5 + conf_level / 2])
        beyond = min((values <= NULL[name]).sum(), (values >= NULL[name]).sum())
        p = min(1.0, 2 * (1 + beyond) / (1 + len(values)))
        found[name] = Interval(float(measure(b)), float(low), float(high), p, np.nan, np.nan)
    return found


def _wald(
    value: float, slope: np.ndarray, V: np.ndarray, conf_level: float, df: float, *, is_log: bool = False
) -> Interval:
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):  # no S, or one without a bound
        variance = slope @ V @ slope
        std_error = float(np.sqrt(variance)) if np.isfinite(value) and variance >= 0 else np.nan
        half = t.ppf(0.5 + conf_level / 2, df) * std_error
        p = float(2 * t.sf(abs(value) / std_error, df))
        scale = np.exp if is_log else float
        low, high = float(scale(value - half)), float(scale(value + half))
    return Interval(float(scale(value)), low, high, p, value, std_error)


def _mover_reri(b: np.ndarray, V: np.ndarray, conf_level: float, df: float) -> tuple[float, float, float]:
    """Limits of RERI, and the p-value at which one of them reaches 0 (Zou 2008, equations 5 and 6)."""
    if not np.isfinite(V).all():
        return np.nan, np.nan, np.nan
    theta, std_error = np.exp(b), np.sqrt(np.diag(V))
    sign = MULTIPLICATIVE
    correlation = V / np.outer(std_error, std_error)
    value = float(reri(b))

    def limit(quantile: float, side: int) -> float:
        # the distance of each effect from its own limit on the side that moves RERI that way
        distance = sign * (np.exp(b + side * sign * quantile * std_error) - theta)
        return value + side * np.sqrt(max(_combined(distance, sign, correlation), 0.0))

    quantile = t.ppf(0.5 + conf_level / 2, df)
    side = -1 if value > 0 else 1
    farthest = min(50.0, 300 / std_error.max())  # where the square of a limit is still a number
    if value == 0:
        p = 1.0
    elif value * limit(farthest, side) > 0:
        p = float(2 * t.sf(farthest, df))
    else:
        p = float(2 * t.sf(brentq(limit, 0.0, farthest, args=(side,), xtol=1e-14), df))
    return limit(quantile, -1), limit(quantile, 1), p


def _combined(distance: np.ndarray, sign: np.ndarray, correlation: np.ndarray) -> float:
    """Sum of d_i d_j r_ij with the signs of the terms in RERI."""
    signed = np.abs(distance) * sign
    return float(signed @ correlation @ signed)
