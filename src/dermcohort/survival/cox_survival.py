"""Survival curves that a Cox model predicts: arrays in, arrays out.

With dL the increments of the baseline hazard, H(t | x) = r sum dL, r = exp(x beta); its variance is r^2 (sum of
dL^2 / d + q' V q), q the sum of (x - xbar) dL and V the variance of beta. Tied deaths go through the steps of the fit's
own ties method (Efron's hazard is that of Therneau & Grambsch), and S = exp(-H).

The derivative of H in beta is r q; with beta known, the weight of row i moves the baseline hazard by `hazard_influence`.
From both comes the variance where rows depend on each other (Lin & Wei 1989; Reid & Crepeau 1985 Biometrika 72:1).

Sources: Tsiatis (1981) Ann Stat 9:93; Therneau & Grambsch (2000) Modeling Survival Data, ch. 10. As R's
`survfit.coxph`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .cox_residuals import dfbeta
from .cox_rows import FittedRows


@dataclass(frozen=True, eq=False)
class Baseline:
    """The baseline hazard of one stratum at some times, for the mean covariates.

    `hazard` (T,) is the sum of dL, `variance` (T,) that of dL^2 / d, `mean` (T, p) that of xbar dL. `known` (T,) is
    false after the last exit. `upto` (T,) is the number of the stratum's first event time after each time.
    """

    hazard: np.ndarray
    variance: np.ndarray
    mean: np.ndarray
    known: np.ndarray
    upto: np.ndarray


def baseline(fitted: FittedRows, stratum: int, times: np.ndarray) -> Baseline:
    """The baseline hazard of a stratum at `times`."""
    rows, sets, at = fitted.rows, fitted.sets, fitted.likelihood
    here = np.flatnonzero(fitted.at_events(rows.stratum) == stratum)
    position = np.searchsorted(fitted.time_of_events()[here], times, "right")

    def up_to_times(of_steps: np.ndarray) -> np.ndarray:
        total = np.cumsum(sets.over_steps(of_steps)[here], axis=0)
        return np.concatenate([np.zeros((1, *total.shape[1:])), total])[position]

    return Baseline(
        up_to_times(at.step_hazard),
        up_to_times(
            np.divide(
                at.step_hazard**2,
                sets.step_weight,
                where=sets.step_weight > 0,
                out=np.zeros(len(at.step_hazard)),
            )
        ),
        up_to_times(at.step_hazard[:, None] * at.step_mean),
        times <= rows.exit_[rows.stratum == stratum].max(),
        (here[0] if len(here) else 0) + position,
    )


def predicted_hazard(
    fitted: FittedRows,
    coefficients: np.ndarray,
    covariance: np.ndarray,
    X: np.ndarray,
    stratum: int,
    times: np.ndarray,
    covariance_of: Callable[[np.ndarray], np.ndarray] | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """H(t | x) in one stratum and its standard error, each of shape (rows of X, times).

    After the last exit of the stratum both are NaN. With `covariance_of`, which makes a covariance of the influence of
    the rows, coefficients and baseline hazard vary as the rows do.
    """
    base = baseline(fitted, stratum, times)
    X = X - fitted.rows.center
    risk = np.exp(X @ coefficients)
    q = base.hazard * X[:, :, None] - base.mean.T
    if covariance_of is None:
        variance = base.variance + np.einsum("ijt,jk,ikt->it", q, covariance, q, optimize=True)
    else:
        of_hazard, inside = hazard_influence(fitted), fitted.rows.stratum == stratum
        own = [of_hazard(np.where(inside, upto, 0)) for upto in base.upto]
        joint = covariance_of(np.column_stack([dfbeta(fitted), *own]))
        p = X.shape[1]
        variance = (
            np.diag(joint)[p:]
            + 2 * np.einsum("ijt,jt->it", q, joint[:p, p:])
            + np.einsum("ijt,jk,ikt->it", q, joint[:p, :p], q, optimize=True)
        )
    return (
        np.where(base.known, risk[:, None] * base.hazard, np.nan),
        np.where(base.known, risk[:, None] * np.sqrt(np.maximum(variance, 0.0)), np.nan),
    )


def hazard_influence(fitted: FittedRows) -> Callable[[np.ndarray], np.ndarray]:
    """What the weight of each row does to the baseline hazard of its stratum, the coefficients as they are.

    The function that is returned takes, for each row (n,), the number of the first event time that is not counted (0:
    none is) and gives the influence (n,), weights included: an event adds the mean of 1 / n_j over the steps of its
    time, n_j the sum of weights times risk; being at risk with risk r takes off r times the sum of dL / n_j.
    """
    rows, sets, at = fitted.rows, fitted.sets, fitted.likelihood
    weighted = sets.step_weight > 0
    inverse = np.divide(at.step_hazard, sets.step_weight, where=weighted, out=np.zeros(len(at.step_hazard)))
    n_steps = np.bincount(sets.time_of_step, minlength=sets.n_times)
    per_event = sets.over_steps(inverse) / n_steps
    per_risk = sets.over_steps(at.step_hazard * inverse)
    # a dying row is in step j for the share 1 - fraction_j only
    spared = sets.over_steps(at.step_hazard * inverse * sets.fraction)
    running = np.concatenate([[0.0], np.cumsum(per_risk)])

    def influence(upto: np.ndarray) -> np.ndarray:
        at_risk = running[np.minimum(sets.last, upto)] - running[np.minimum(sets.first, upto)]
        result = -at.risk * at_risk
        counted = sets.time_of_death < upto[sets.deaths]
        dead, when = sets.deaths[counted], sets.time_of_death[counted]
        result[dead] += per_event[when] + at.risk[dead] * spared[when]
        return rows.weights * result

    return influence
