"""Draws of missing numbers given the others: predictive mean matching and Bayesian linear regression.

Arrays in, arrays out. The first column of `X` is the intercept; the others are standardized.
Source: van Buuren (2018) Flexible Imputation of Missing Data, 2nd ed., algorithms 3.1 and 3.3; as in R's mice 3.15.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import cho_factor, cho_solve, solve_triangular

DONORS = 5
RIDGE = 1e-5  # mice's: added to the diagonal in relation to its size, so that collinear predictors do no harm


def draw_pmm(X: np.ndarray, y: np.ndarray, X_missing: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Predictive mean matching of type 1: an observed value from one of the 5 nearest donors.

    Donors are compared by X beta_hat, the missing by X beta_star, a draw from the posterior of beta.
    """
    beta_hat, beta_star, _ = draw_linear(X, y, rng)
    predicted = X @ beta_hat
    order = _ascending(predicted, rng)
    predicted, donors = predicted[order], y[order]
    wanted = X_missing @ beta_star
    k = min(DONORS, len(y))
    width = min(2 * k, len(y))
    # the k nearest in a sorted array lie within k places of where the wanted value would be inserted
    first = np.clip(np.searchsorted(predicted, wanted) - k, 0, len(y) - width)
    window = first[:, None] + np.arange(width)
    distance = np.abs(predicted[window] - wanted[:, None])
    nearest = np.argpartition(distance, k - 1, axis=1)[:, :k]
    rows = np.arange(len(wanted))
    chosen = nearest[rows, rng.integers(0, k, len(wanted))]
    return donors[window[rows, chosen]]


def _ascending(predicted: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """From the lowest to the highest; among equal predictions, chance decides who is a donor."""
    shuffled, order = rng.permutation(len(predicted)), np.argsort(predicted)
    if (np.diff(predicted[order]) > 0).all():  # nothing is left to chance
        return order
    return shuffled[np.argsort(predicted[shuffled], kind="stable")]


def draw_norm(X: np.ndarray, y: np.ndarray, X_missing: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A draw from the posterior prediction of normal linear regression."""
    _, beta_star, sigma_star = draw_linear(X, y, rng)
    return X_missing @ beta_star + sigma_star * rng.standard_normal(len(X_missing))


def draw_linear(
    X: np.ndarray, y: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, float]:
    """Least squares beta_hat, and beta_star and sigma_star drawn from their posterior (flat prior)."""
    gram = X.T @ X
    penalty = RIDGE * np.diag(gram)
    penalty[0] = 0.0
    gram[np.diag_indices_from(gram)] += penalty
    factor = cho_factor(gram, lower=True)
    beta_hat = cho_solve(factor, X.T @ y)
    residual = y - X @ beta_hat
    sigma_star = float(np.sqrt(residual @ residual / rng.chisquare(max(len(y) - X.shape[1], 1))))
    noise = solve_triangular(factor[0], rng.standard_normal(len(beta_hat)), lower=True, trans="T")
    return beta_hat, beta_hat + sigma_star * noise, sigma_star
