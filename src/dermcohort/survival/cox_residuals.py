"""Residuals of a Cox model: arrays in, arrays out.

Sources: Therneau, Grambsch & Fleming (1990) Biometrika 77:147 (martingale, deviance); Schoenfeld (1982) Biometrika
69:239; Grambsch & Therneau (1994) Biometrika 81:515 (scaled); Cain & Lange (1984) Biometrics 40:493 (dfbeta). As R's
`residuals.coxph`, in which those of score and dfbeta belong to the ties method of the fit.
"""

from __future__ import annotations

import numpy as np

from .cox_rows import FittedRows
from .partial_likelihood import mean_at_death, score_residuals

OF_ROWS = ("martingale", "deviance")
OF_ROWS_AND_COVARIATES = ("score", "dfbeta")
OF_EVENTS = ("schoenfeld", "scaled_schoenfeld")
KINDS = (*OF_ROWS, *OF_ROWS_AND_COVARIATES, *OF_EVENTS)


def martingale(fitted: FittedRows) -> np.ndarray:
    """Events less those expected, (n,): event_i - r_i times the baseline hazard that row i was exposed to."""
    at = fitted.likelihood
    return fitted.rows.event - at.risk * at.exposure


def deviance(fitted: FittedRows) -> np.ndarray:
    """Martingale residuals M made symmetric, (n,): sign(M) sqrt(-2 (M + event log(event - M)))."""
    M, event = martingale(fitted), fitted.rows.event
    expected = event - M
    log_expected = np.log(np.where(event > 0, expected, 1.0))
    return np.sign(M) * np.sqrt(np.maximum(-2 * (M + event * log_expected), 0.0))


def score(fitted: FittedRows) -> np.ndarray:
    """Contribution of each row to the score, (n, p), without its weight."""
    return score_residuals(fitted.rows.X, fitted.sets, fitted.likelihood)


def dfbeta(fitted: FittedRows) -> np.ndarray:
    """Change of the coefficients that each row makes, to first order, (n, p): its weight times score times V.

    V is the inverse information, whatever variance was asked for.
    """
    return fitted.rows.weights[:, None] * score(fitted) @ inverse_information(fitted)


def events_in_order(fitted: FittedRows) -> np.ndarray:
    """Rows with an event, by stratum and time."""
    deaths, time = fitted.sets.deaths, fitted.sets.time_of_death
    return deaths[np.argsort(time, kind="stable")]


def schoenfeld(fitted: FittedRows) -> np.ndarray:
    """Covariates of the rows of `events_in_order` less their mean among those at risk, (d, p)."""
    time = np.sort(fitted.sets.time_of_death)
    return fitted.X[events_in_order(fitted)] - mean_at_death(fitted.sets, fitted.likelihood)[time]


def scaled_schoenfeld(fitted: FittedRows, coefficients: np.ndarray) -> np.ndarray:
    """Coefficients plus d times Schoenfeld residual times V, (d, p): their course is that of beta(t)."""
    residuals = schoenfeld(fitted)
    return coefficients + len(residuals) * residuals @ inverse_information(fitted)


def inverse_information(fitted: FittedRows) -> np.ndarray:
    return np.linalg.pinv(fitted.likelihood.information, hermitian=True)
