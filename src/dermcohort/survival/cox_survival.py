"""Survival curves that a Cox model predicts: arrays in, arrays out.

With dL the increments of the baseline hazard, H(t | x) = r sum dL, r = exp(x beta); its variance is r^2 (sum of
dL^2 / d + q' V q), q the sum of (x - xbar) dL and V the variance of beta. Tied deaths go through the steps of the fit's
own ties method (Efron's hazard is that of Therneau & Grambsch), and S = exp(-H).

Sources: Tsiatis (1981) Ann Stat 9:93; Therneau & Grambsch (2000) Modeling Survival Data, ch. 10. As R's
`survfit.coxph`.
"""

from __future__ import annotations

import numpy as np

from .cox_rows import FittedRows


def predicted_hazard(
    fitted: FittedRows,
    coefficients: np.ndarray,
    covariance: np.ndarray,
    X: np.ndarray,
    stratum: int,
    times: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """H(t | x) in one stratum and its standard error, each of shape (rows of X, times).

    After the last exit of the stratum both are NaN.
    """
    rows, sets, at = fitted.rows, fitted.sets, fitted.likelihood
    here = np.flatnonzero(fitted.at_events(rows.stratum) == stratum)
    position = np.searchsorted(fitted.time_of_events()[here], times, "right")

    def up_to_times(of_steps: np.ndarray) -> np.ndarray:
        total = np.cumsum(sets.over_steps(of_steps)[here], axis=0)
        return np.concatenate([np.zeros((1, *total.shape[1:])), total])[position]

    hazard = up_to_times(at.step_hazard)
    hazard_variance = up_to_times(
        np.divide(
            at.step_hazard**2, sets.step_weight, where=sets.step_weight > 0, out=np.zeros(len(at.step_hazard))
        )
    )
    mean = up_to_times(at.step_hazard[:, None] * at.step_mean)
    X = X - rows.center
    risk = np.exp(X @ coefficients)
    variance = np.empty((len(X), len(times)))
    for j in range(len(times)):
        q = hazard[j] * X - mean[j]
        variance[:, j] = hazard_variance[j] + np.einsum("ij,ij->i", q @ covariance, q)
    unknown = times > rows.exit_[rows.stratum == stratum].max()
    return (
        np.where(unknown, np.nan, risk[:, None] * hazard),
        np.where(unknown, np.nan, risk[:, None] * np.sqrt(variance)),
    )
