"""Maximum likelihood of the generalized gamma regression: location, scale and Prentice's shape Q.

For a fixed Q the likelihood is concave; the profile over Q says where to begin, and Newton's method in all
parameters ends it. Derivatives in Q, which are not elementary, are central differences of the eighth order of the
analytic ones. Numbers as R's `flexsurv::flexsurvreg(dist = "gengamma")` (Prentice 1974 Biometrika 61:539).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.optimize import minimize_scalar

from ..newton import Evaluation, Optimum, newton
from .error_distributions import generalized_gamma
from .location_scale import CensoredRows, evaluate, maximize_location_scale, row_terms

GRID = (0.5, 1.0, 2.0, 4.0)
STEP = 0.02
PLACES = np.arange(-4, 5)
FIRST = np.array([3, -32, 168, -672, 0, 672, -168, 32, -3]) / 840
SECOND = np.array([-9, 128, -1008, 8064, -14350, 8064, -1008, 128, -9]) / 5040


def maximize_generalized_gamma(rows: CensoredRows) -> Optimum:
    """The maximum in (gamma, h, Q)."""
    found = {0.0: maximize_location_scale(rows, generalized_gamma(0.0))}

    def profile(Q: float) -> float:
        nearest = min(found, key=lambda known: abs(known - Q))
        found[Q] = maximize_location_scale(rows, generalized_gamma(Q), start=found[nearest].parameters)
        return found[Q].loglik

    for sign in (1, -1):  # uphill from the lognormal, either way
        height = found[0.0].loglik
        for size in GRID:
            before, height = height, profile(sign * size)
            if not height > before:
                break
    best = max(found, key=lambda Q: found[Q].loglik)
    below, above = (
        max((Q for Q in found if best > Q), default=best),
        min((Q for Q in found if best < Q), default=best),
    )
    minimize_scalar(lambda Q: -profile(Q), bounds=(below, above), method="bounded", options={"xatol": 0.01})
    best = max(found, key=lambda Q: found[Q].loglik)
    return newton(lambda parameters: _evaluate(rows, parameters), np.append(found[best].parameters, best))


def shape_scores(rows: CensoredRows, parameters: np.ndarray) -> np.ndarray:
    """Derivative in Q of the log-likelihood of each row, shape (n,)."""
    gamma, h, Q = parameters[:-2], parameters[-2], parameters[-1]
    return shape_slope(lambda Q: row_terms(rows, generalized_gamma(Q), gamma, h).loglik, Q)


def shape_slope(function: Callable[[float], np.ndarray], Q: float) -> np.ndarray:
    """Derivative in Q of an array."""
    values = np.array([function(Q + STEP * place) for place in PLACES])
    return np.tensordot(FIRST, values, 1) / STEP


def _evaluate(rows: CensoredRows, parameters: np.ndarray) -> Evaluation:
    *rest, Q = parameters
    gamma, h = np.array(rest[:-1]), float(rest[-1])
    around = [evaluate(rows, generalized_gamma(Q + STEP * place), gamma, h) for place in PLACES]
    center = around[len(PLACES) // 2]
    logliks = np.array([at.loglik for at in around])
    if not np.isfinite(logliks).all():
        size = len(parameters)
        return Evaluation(-np.inf, np.zeros(size), np.eye(size))
    mixed = FIRST @ np.array([at.score for at in around]) / STEP
    information = np.block(
        [
            [center.information, -mixed[:, None]],
            [-mixed[None, :], np.array([[-SECOND @ logliks / STEP**2]])],
        ]
    )
    return Evaluation(center.loglik, np.append(center.score, FIRST @ logliks / STEP), information)
