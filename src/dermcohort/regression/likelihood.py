"""Newton's method for the binomial likelihood with the logit link: arrays in, arrays out.

Source: McCullagh & Nelder (1989) Generalized Linear Models, ch. 2 and 4. Stops tighter than R's `glm`
(relative change of the log-likelihood 1e-12), so that standard errors are those of the maximum.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

TOLERANCE = 1e-12
MAX_ITERATIONS = 60


@dataclass(frozen=True, eq=False)
class LogitMaximum:
    """The maximum and what variances and warnings need of it."""

    coefficients: np.ndarray
    covariance: np.ndarray
    loglik: float
    probability: np.ndarray
    last_step: np.ndarray
    converged: bool


def maximize_logit_likelihood(
    X: np.ndarray, y: np.ndarray, weights: np.ndarray, offset: np.ndarray
) -> LogitMaximum:
    """Maximize sum_i w_i [y_i eta_i - log(1 + exp(eta_i))] with eta = X beta + offset."""
    beta = np.zeros(X.shape[1])
    eta = offset.astype(float)
    loglik = _loglik(y, eta, weights)
    step = np.full_like(beta, np.inf)
    converged = False
    for _ in range(MAX_ITERATIONS):
        probability = expit(eta)
        score = X.T @ (weights * (y - probability))
        information = _information(X, weights, probability)
        try:
            step = np.linalg.solve(information, score)
        except np.linalg.LinAlgError:
            break  # every fitted probability is 0 or 1: complete separation
        if not np.isfinite(step).all():
            break
        new_loglik, factor = -np.inf, 1.0
        while factor > 1e-4:
            new_eta = X @ (beta + factor * step) + offset
            new_loglik = _loglik(y, new_eta, weights)
            if new_loglik >= loglik - 1e-10 * abs(loglik):
                break
            factor /= 2
        change = abs(new_loglik - loglik)
        beta, eta, loglik = beta + factor * step, new_eta, new_loglik
        if change <= TOLERANCE * (abs(loglik) + 0.1):
            converged = True
            break
    probability = expit(eta)
    covariance = np.linalg.pinv(_information(X, weights, probability), hermitian=True)
    return LogitMaximum(beta, covariance, loglik, probability, step, converged)


def _loglik(y: np.ndarray, eta: np.ndarray, weights: np.ndarray) -> float:
    return float(weights @ (y * eta - np.logaddexp(0, eta)))


def _information(X: np.ndarray, weights: np.ndarray, probability: np.ndarray) -> np.ndarray:
    root = np.sqrt(weights * probability * (1 - probability))
    scaled = X * root[:, None]
    return scaled.T @ scaled
