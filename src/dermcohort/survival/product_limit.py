"""The product-limit estimator and its intervals: arrays in, arrays out.

Sources: Kaplan & Meier (1958) JASA 53:457; Greenwood (1926); Fleming & Harrington (1984) Comm Stat A 13:2469
(exp(-H)); Kalbfleisch & Prentice (2002) ch. 1; Borgan & Liestoel (1990) Scand J Stat 17:35 (arcsine). As R's
`survfit`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit
from scipy.stats import norm

from .curve_influence import CurveInfluence

INTERVALS = ("plain", "log", "log-log", "logit", "arcsin")


@dataclass(frozen=True, eq=False)
class ProductLimit:
    """One value at each time somebody entered or left. `log_error` is the standard error of log S.

    `cumulative_hazard` is the sum of d_k / n_k (Nelson-Aalen), `influence` that of the rows on -log S.
    """

    time: np.ndarray
    n_risk: np.ndarray
    events: np.ndarray
    censored: np.ndarray
    survival: np.ndarray
    cumulative_hazard: np.ndarray
    log_error: np.ndarray
    influence: CurveInfluence


def product_limit(
    entry: np.ndarray | None,
    exit_: np.ndarray,
    event: np.ndarray,
    weights: np.ndarray | None,
    *,
    exponential: bool = False,
    variance: Callable[[CurveInfluence], np.ndarray] | None = None,
) -> ProductLimit:
    """S(t) = prod over t_k <= t of (1 - d_k / n_k), n_k those with entry < t_k <= exit.

    Parameters
    ----------
    entry, exit_, event, weights : ndarray, shape (n,)
    exponential : bool
        S(t) = exp(-H(t)) with H(t) the sum of d_k / n_k instead.
    variance : callable, optional
        Variance of log S at the event times from the influence of the rows. Without it the variance is
        Greenwood's, the sum of d_k / (n_k (n_k - d_k)), or of d_k / n_k^2 where `exponential`.
    """
    w = np.ones(len(exit_)) if weights is None else weights
    time = np.unique(exit_ if entry is None else np.concatenate([exit_, entry]))
    at_exit = np.searchsorted(time, exit_)
    leaving = np.bincount(at_exit, w, len(time))
    events = np.bincount(at_exit, w * event, len(time))
    left_before = np.cumsum(leaving) - leaving
    if entry is None:
        at_entry = np.full(len(w), -1)
        entered_before = np.full(len(time), w.sum())
    else:
        at_entry = np.searchsorted(time, entry)
        entering = np.bincount(at_entry, w, len(time))
        entered_before = np.cumsum(entering) - entering
    n_risk = entered_before - left_before
    # a risk set that only rounding left non-empty is empty
    n_risk = np.where(n_risk > 1e-9 * w.sum(), n_risk, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(events > 0, events / n_risk, 0.0)
        # all at risk having the event is exactly 1, whatever the order of summation
        share = np.where(np.isclose(share, 1.0, rtol=0, atol=1e-12), 1.0, share)
        cumulative_hazard = np.cumsum(share)
        survival = np.exp(-cumulative_hazard) if exponential else np.cumprod(1 - share)
        # p and g of the influence; beyond a curve's fall to 0 they do not matter
        per_event = np.where(share > 0, 1 / (n_risk * (1.0 if exponential else 1 - share)), 0.0)
        per_event = np.where(np.isfinite(per_event), per_event, 0.0)
    per_risk = share * per_event
    happens = np.unique(at_exit[event > 0])
    number = np.searchsorted(happens, np.arange(len(time)), "right")  # event times up to each time
    first = np.where(at_entry >= 0, number[at_entry], 0)
    influence = CurveInfluence(first, number[at_exit], event > 0, w, per_event[happens], per_risk[happens])
    steps = influence.greenwood() if variance is None else variance(influence)
    steps = np.concatenate([[0.0], steps])[number]
    log_error = np.where(survival > 0, np.sqrt(steps), np.nan)
    return ProductLimit(
        time, n_risk, events, leaving - events, survival, cumulative_hazard, log_error, influence
    )


def survival_interval(
    survival: np.ndarray, log_error: np.ndarray, kind: str, conf_level: float
) -> tuple[np.ndarray, np.ndarray]:
    """Pointwise limits of S, from the normal distribution of a transformed S; NaN where that has none.

    `kind`: plain S, log S, log(-log S), logit S or arcsin sqrt S.
    """
    z = norm.ppf(0.5 + conf_level / 2)
    inside = (survival > 0) & (survival < 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        if kind == "plain":
            half = z * survival * log_error
            low, high = survival - half, survival + half
        elif kind == "log":
            low, high = survival * np.exp(-z * log_error), survival * np.exp(z * log_error)
        elif kind == "log-log":
            s = np.where(inside, survival, np.nan)
            half = z * log_error / np.log(s)
            low, high = s ** np.exp(-half), s ** np.exp(half)
        elif kind == "logit":
            s = np.where(inside, survival, np.nan)
            half = z * log_error / (1 - s)
            low, high = expit(logit(s) - half), expit(logit(s) + half)
        else:
            s = np.where(inside, survival, np.nan)
            half = 0.5 * z * log_error * np.sqrt(s / (1 - s))
            middle = np.arcsin(np.sqrt(s))
            low = np.sin(np.maximum(middle - half, 0)) ** 2
            high = np.sin(np.minimum(middle + half, np.pi / 2)) ** 2
    return np.maximum(low, 0.0), np.minimum(high, 1.0)
