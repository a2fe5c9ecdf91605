"""Likelihood of the multinomial model with baseline-category logits: arrays in, arrays out.

log P(Y = k) / P(Y = 0) = x beta_k + offset. Source: Agresti (2013) Categorical Data Analysis, section 8.1; the model of
R's `nnet::multinom`, whose optimizer stops earlier. Observed and expected information are the same.
"""

from __future__ import annotations

import numpy as np
from scipy.special import logsumexp, softmax

from ..newton import Evaluation, Optimum, newton
from .proportional_odds import CategoryRows


def maximize_baseline_logits(rows: CategoryRows, start: np.ndarray | None = None) -> Optimum:
    """Maximum likelihood; the parameters are beta_1 (p,), beta_2 (p,), ...: one block a category but the first."""
    if start is None:
        start = np.zeros((rows.n_levels - 1) * rows.X.shape[1])
    return newton(lambda parameters: _evaluate(rows, parameters), start)


def row_scores(rows: CategoryRows, parameters: np.ndarray) -> np.ndarray:
    """Derivative of each row's log-likelihood, unweighted, shape (n, (n_levels - 1) p)."""
    probability = softmax(linear_predictors(rows.X, parameters, rows.offset), axis=1)
    residual = (_indicators(rows) - probability)[:, 1:]
    return (residual[:, :, None] * rows.X[:, None, :]).reshape(len(rows.X), -1)


def linear_predictors(X: np.ndarray, parameters: np.ndarray, offset: np.ndarray) -> np.ndarray:
    """Log odds of each category against the first, whose own column is 0; shape (n, n_levels)."""
    eta = X @ parameters.reshape(-1, X.shape[1]).T + offset[:, None]
    return np.column_stack([np.zeros(len(X)), eta])


def _evaluate(rows: CategoryRows, parameters: np.ndarray) -> Evaluation:
    X, w, p = rows.X, rows.weights, rows.X.shape[1]
    eta = linear_predictors(X, parameters, rows.offset)
    total = logsumexp(eta, axis=1)
    probability = np.exp(eta - total[:, None])
    loglik = w @ (eta[np.arange(len(X)), rows.category] - total)
    score = ((_indicators(rows) - probability)[:, 1:] * w[:, None]).T @ X
    information = np.zeros((len(parameters), len(parameters)))
    for j in range(rows.n_levels - 1):
        for k in range(j + 1):
            covariance = w * probability[:, j + 1] * ((j == k) - probability[:, k + 1])
            block = (X * covariance[:, None]).T @ X
            information[j * p : (j + 1) * p, k * p : (k + 1) * p] = block
            information[k * p : (k + 1) * p, j * p : (j + 1) * p] = block.T
    return Evaluation(float(loglik), score.ravel(), information)


def _indicators(rows: CategoryRows) -> np.ndarray:
    return np.eye(rows.n_levels)[rows.category]
