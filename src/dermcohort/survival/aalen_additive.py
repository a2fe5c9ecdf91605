"""Increments of Aalen's additive regression: arrays in, arrays out.

At an event time with n at risk, X their covariates with a column of ones, an event of row i adds (X'X)^-1 X_i to the
cumulative coefficients (Aalen 1989, Stat Med 8:907). With m and V the mean and covariance (divisor n) of those at risk,

    (X'X)^-1 = [[1 + m' V^-1 m, -m' V^-1], [-V^-1 m, V^-1]] / n,

so that only V is inverted, as in R's `survival::aareg`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .partial_likelihood import RiskSets

DETERMINED = 1e-7  # smallest eigenvalue of the correlations of covariates that are told apart
VARIES = 1e-10  # smallest variance among those at risk, as a share of that among all


@dataclass(frozen=True, eq=False)
class AdditiveIncrements:
    """What each event adds: `increments` and `weights` (d, 1 + p), the intercept first.

    `time` and `n_risk` (k,) are of the event times used, `time_of_event` (d,) which of them each event has;
    `n_times` counts all event times, `fewest` is how many must be at risk.
    """

    time: np.ndarray
    n_risk: np.ndarray
    time_of_event: np.ndarray
    increments: np.ndarray
    weights: np.ndarray
    n_times: int
    fewest: int


def additive_increments(X: np.ndarray, exit_: np.ndarray, sets: RiskSets) -> AdditiveIncrements:
    """Increments at the event times with at least 3p at risk whose covariates determine the coefficients."""
    p = X.shape[1]
    center = X.mean(axis=0)
    spread = X.std(axis=0)
    Z = (X - center) / spread  # for the digits of V: neither place nor unit of a covariate then costs any
    n_risk = np.rint(sets.at_risk(np.ones(len(Z))))
    m = sets.at_risk(Z) / n_risk[:, None]
    squares = sets.at_risk((Z[:, :, None] * Z[:, None, :]).reshape(len(Z), p * p)).reshape(-1, p, p)
    V = squares / n_risk[:, None, None] - m[:, :, None] * m[:, None, :]
    used = (n_risk >= 3 * p) & determined(V)
    if used.sum() < 2:
        raise ValueError(
            f"{int(used.sum())} of {len(used):,} event times have at least {3 * p} people at risk with covariates that "
            "determine their coefficients: two are needed. Use fewer covariates"
        )

    inverse = np.linalg.inv(V[used])
    n, m = n_risk[used], m[used]
    number = np.cumsum(used) - 1
    counted = used[sets.time_of_death]
    k = number[sets.time_of_death[counted]]
    slopes = np.einsum("dij,dj->di", inverse[k], Z[sets.deaths[counted]] - m[k]) / (n[k, None] * spread)
    mean = center + spread * m
    intercept = 1 / n[k] - np.einsum("di,di->d", mean[k], slopes)
    scaled = mean / spread
    of_intercept = n / (1 + np.einsum("ki,kij,kj->k", scaled, inverse, scaled))
    of_slopes = n[:, None] * spread**2 / np.diagonal(inverse, axis1=1, axis2=2)
    time = np.empty(sets.n_times)
    time[sets.time_of_death] = exit_[sets.deaths]
    return AdditiveIncrements(
        time[used],
        n.astype(np.int64),
        k,
        np.column_stack([intercept, slopes]),
        np.column_stack([of_intercept, of_slopes])[k],
        sets.n_times,
        3 * p,
    )


def determined(V: np.ndarray) -> np.ndarray:
    """Which covariance matrices (k, p, p), of covariates with variance 1 among all, can be inverted."""
    variance = np.diagonal(V, axis1=1, axis2=2)
    varies = np.all(variance > VARIES, axis=1)
    size = np.sqrt(np.where(varies[:, None], variance, 1.0))
    correlation = V / (size[:, :, None] * size[:, None, :])
    return varies & (np.linalg.eigvalsh(correlation)[:, 0] > DETERMINED)
