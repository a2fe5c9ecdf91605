"""Draws of values below a detection limit: the lognormal distribution given the predictors, cut at the limit.

Arrays in, arrays out; `X` has its intercept first. Source: Lubin et al. (2004) Environ Health Perspect 112:1691
(multiple imputation below a limit of detection); the likelihood: Tobin (1958) Econometrica 26:24 in the
parameters of Olsen (1978) Econometrica 46:1211, in which it is concave. Agrees with R's survival::survreg.
"""

from __future__ import annotations

import numpy as np
from scipy.special import log_ndtr, ndtri_exp

from .categories import conditioned, maximize


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
    p = X.shape[1]
    # Olsen: h = 1 / sigma and gamma = beta / sigma

    def evaluate(parameters: np.ndarray) -> tuple[float, tuple[float, np.ndarray, np.ndarray]]:
        gamma, h = parameters[:p], float(parameters[p])
        residual, z = h * y - X @ gamma, h * limit - X_below @ gamma
        if h <= 0:
            return -np.inf, (h, residual, z)
        loglik = len(y) * np.log(h) - residual @ residual / 2 + log_ndtr(z).sum()
        return float(loglik), (h, residual, z)

    def derivatives(parts: tuple[float, np.ndarray, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        h, residual, z = parts
        mills = np.exp(-(z**2) / 2 - np.log(2 * np.pi) / 2 - log_ndtr(z))
        curvature = mills * (z + mills)
        score = np.append(X.T @ residual - X_below.T @ mills, len(y) / h - y @ residual + limit @ mills)
        mixed = -(X.T @ y) - X_below.T @ (curvature * limit)
        slopes = X.T @ X + X_below.T @ (X_below * curvature[:, None])
        last = len(y) / h**2 + y @ y + (curvature * limit) @ limit
        return score, np.block([[slopes, mixed[:, None]], [mixed[None, :], np.array([[last]])]])

    first = 1 / max(float(np.std(y)), 1e-3)
    maximum = maximize(evaluate, derivatives, np.append(first * np.mean(y), [*np.zeros(p - 1), first]))
    gamma, h = maximum.parameters[:p], maximum.parameters[p]
    jacobian = np.zeros((p + 1, p + 1))
    jacobian[:p, :p] = np.eye(p) / h
    jacobian[:p, p] = -gamma / h**2
    jacobian[p, p] = -1 / h
    covariance = jacobian @ np.linalg.inv(conditioned(maximum.information)) @ jacobian.T
    return np.append(gamma / h, -np.log(h)), covariance
