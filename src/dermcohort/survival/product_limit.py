"""The product-limit estimator and its intervals: arrays in, arrays out.

Sources: Kaplan & Meier (1958) JASA 53:457; Greenwood (1926); Kalbfleisch & Prentice (2002) ch. 1; Borgan &
Liestoel (1990) Scand J Stat 17:35 (arcsine). As R's `survfit`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit
from scipy.stats import norm


@dataclass(frozen=True, eq=False)
class ProductLimit:
    """One value at each time somebody entered or left. `log_error` is the standard error of log S."""

    time: np.ndarray
    n_risk: np.ndarray
    events: np.ndarray
    censored: np.ndarray
    survival: np.ndarray
    log_error: np.ndarray


def product_limit(
    entry: np.ndarray | None,
    exit_: np.ndarray,
    event: np.ndarray,
    weights: np.ndarray | None,
    *,
    robust: bool,
) -> ProductLimit:
    """S(t) = prod over t_k <= t of (1 - d_k / n_k), n_k those with entry < t_k <= exit.

    The variance of log S is Greenwood's sum of d_k / (n_k (n_k - d_k)), or where `robust` the sum of the
    squared influences of the rows.
    """
    w = np.ones(len(exit_)) if weights is None else weights
    time = np.unique(exit_ if entry is None else np.concatenate([exit_, entry]))
    at_exit = np.searchsorted(time, exit_)
    leaving = np.bincount(at_exit, w, len(time))
    events = np.bincount(at_exit, w * event, len(time))
    left_before = np.cumsum(leaving) - leaving
    if entry is None:
        at_entry = None
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
        survival = np.cumprod(1 - share)
        if robust:
            variance = _influence_variance(share, n_risk, at_entry, at_exit, event, w)
        else:
            variance = np.cumsum(np.where(events > 0, share / (n_risk * (1 - share)), 0.0))
    log_error = np.where(survival > 0, np.sqrt(variance), np.nan)
    return ProductLimit(time, n_risk, events, leaving - events, survival, log_error)


def _influence_variance(
    share: np.ndarray,
    n_risk: np.ndarray,
    at_entry: np.ndarray | None,
    at_exit: np.ndarray,
    event: np.ndarray,
    w: np.ndarray,
) -> np.ndarray:
    """Sum over rows of w_i^2 u_i(t)^2, u_i the derivative of -log S(t) in the weight of row i.

    With G(t) = sum over t_k <= t of d_k / (n_k (n_k - d_k)), a row at risk has u = -(G(t) - G(entry)), and from
    its exit on u = event / (n - d) - (G(exit) - G(entry)). Expanding the square of the first needs three
    running sums over those at risk instead of one value a row and time.
    """
    hazard = np.where(share > 0, share / (n_risk * (1 - share)), 0.0)
    G = np.cumsum(hazard)
    G_entry = np.zeros(len(w)) if at_entry is None else G[at_entry]
    per_event = np.where(share > 0, 1 / (n_risk * (1 - share)), 0.0)
    final = event * per_event[at_exit] - (G[at_exit] - G_entry)
    size = len(share)
    gone = np.cumsum(np.bincount(at_exit, w**2 * final**2, size))
    still = []
    for power in range(3):
        moment = w**2 * G_entry**power
        entered = moment.sum() if at_entry is None else np.cumsum(np.bincount(at_entry, moment, size))
        still.append(entered - np.cumsum(np.bincount(at_exit, moment, size)))
    return gone + np.maximum(G**2 * still[0] - 2 * G * still[1] + still[2], 0.0)


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
