"""Draws of values below a detection limit: the lognormal distribution given the predictors, cut at the limit.

Arrays in, arrays out; `X` has its intercept first. Source: Lubin et al. (2004) Environ Health Perspect 112:1691
(multiple imputation below a limit of detection); the likelihood (Tobin 1958 Econometrica 26:24) is that of
`survival.parametric`.
"""

from __future__ import annotations

import numpy as np
from scipy.special import log_ndtr, ndtri_exp

from ..survival.error_distributions import NORMAL
from ..survival.location_scale import CensoredRows, evaluate, maximize_location_scale, to_regression
from .categories import conditioned


def draw_censored(
    X: np.ndarray,
    y: np.ndarray,
    X_below: np.ndarray,
    limit: np.ndarray,
    X_missing: np.ndarray,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Values drawn for the rows below their limit, and for those of which nothing is known.

    Parameters
    ----------
    X, y : arrays
        The rows with a measured value above 0.
    X_below, limit : arrays
        The rows known to lie below `limit`.
    X_missing : array
        The rows without a measurement.
    """
    estimate, covariance = fit_censored(X, np.log(y), X_below, np.log(limit))
    *beta, log_sigma = estimate + np.linalg.cholesky(covariance) @ rng.standard_normal(len(estimate))
    sigma = np.exp(log_sigma)
    mean = X_below @ beta
    # the inverse distribution function, in logarithms: exact far out in the tail too
    log_share = log_ndtr((np.log(limit) - mean) / sigma) + np.log1p(-rng.random(len(limit)))
    below = np.exp(mean + sigma * ndtri_exp(log_share))
    missing = np.exp(X_missing @ beta + sigma * rng.standard_normal(len(X_missing)))
    return np.minimum(below, np.nextafter(limit, 0)), missing


def fit_censored(
    X: np.ndarray, y: np.ndarray, X_below: np.ndarray, limit: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Maximum likelihood of normal regression with values only known to lie below `limit`.

    Returns beta and log sigma, and their covariance.
    """
    n, p = len(y) + len(limit), X.shape[1]
    low = np.append(y, np.full(len(limit), -np.inf))
    rows = CensoredRows(np.vstack([X, X_below]), low, np.append(y, limit), np.ones(n))
    maximum = maximize_location_scale(rows, NORMAL).parameters
    information = evaluate(rows, NORMAL, maximum[:p], float(maximum[p])).information
    parameters, jacobian = to_regression(maximum, p)
    return parameters, jacobian @ np.linalg.inv(conditioned(information)) @ jacobian.T
