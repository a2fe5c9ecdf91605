"""Draws of missing categories given the others: logistic, multinomial and proportional-odds regression.

Codes 0 to K - 1 in, codes out. The first column of `X` is the intercept; the others are standardized. Parameters are
drawn from the normal approximation to their posterior at the maximum of the likelihood, of data to which a few
rows of little weight are added: where a predictor separates the categories, the maximum is then finite.

Source: van Buuren (2018) Flexible Imputation of Missing Data, 2nd ed., section 3.6; the added rows: White, Daniel &
Royston (2010) Comput Stat Data Anal 54:2267, as in R's mice.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import expit

MAX_STEPS = 50
GAIN = 1e-14  # in log-likelihood: the step that would gain less is the last one


@dataclass(frozen=True, eq=False)
class Maximum:
    """Parameters at the maximum of the likelihood and the information (negative Hessian) there."""

    parameters: np.ndarray
    information: np.ndarray


def draw_multinomial(
    X: np.ndarray,
    codes: np.ndarray,
    X_missing: np.ndarray,
    n_levels: int,
    rng: np.random.Generator,
    start: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Codes drawn by multinomial regression (logistic where there are two levels), and the maximum."""
    maximum = fit_multinomial(*augment(X, codes, n_levels), n_levels, start)
    drawn = _posterior_draw(maximum, rng).reshape(n_levels - 1, X.shape[1])
    probability = _softmax(drawn, X_missing)[0]
    return _draw_codes(np.cumsum(probability, axis=0)[:-1], rng), maximum.parameters


def draw_ordered(
    X: np.ndarray,
    codes: np.ndarray,
    X_missing: np.ndarray,
    n_levels: int,
    rng: np.random.Generator,
    start: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Codes drawn by proportional-odds regression, and the maximum."""
    slopes, codes, weights = augment(X, codes, n_levels)
    maximum = fit_ordered(slopes[:, 1:], codes, weights, n_levels, start)
    drawn = _posterior_draw(maximum, rng)
    cuts = np.sort(drawn[: n_levels - 1])
    cumulative = expit(cuts[:, None] - X_missing[:, 1:] @ drawn[n_levels - 1 :])
    return _draw_codes(cumulative, rng), maximum.parameters


def augment(X: np.ndarray, codes: np.ndarray, n_levels: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Data with the rows of White et al. added, and the weights of all rows.

    For each predictor and level, two rows half a standard deviation above and below the mean of that predictor,
    the others at their means. Together they weigh as much as the number of predictors plus one.
    """
    slopes = X[:, 1:]
    p = slopes.shape[1]
    n_added = 2 * p * n_levels
    if n_added == 0:
        return X, codes, np.ones(len(X))
    mean, half = slopes.mean(axis=0), slopes.std(axis=0, ddof=1) / 2
    added = np.tile(mean, (n_added, 1))
    predictor = np.repeat(np.arange(p), 2 * n_levels)
    side = np.tile([1.0, -1.0], p * n_levels)
    added[np.arange(n_added), predictor] += side * half[predictor]
    added = np.clip(added, slopes.min(axis=0), slopes.max(axis=0))
    levels = np.tile(np.repeat(np.arange(n_levels), 2), p)
    return (
        np.vstack([X, np.column_stack([np.ones(n_added), added])]),
        np.append(codes, levels),
        np.append(np.ones(len(X)), np.full(n_added, (p + 1) / n_added)),
    )


def fit_multinomial(
    X: np.ndarray, codes: np.ndarray, weights: np.ndarray, n_levels: int, start: np.ndarray | None = None
) -> Maximum:
    """Maximum likelihood of log P(k) / P(0) = X beta_k; parameters beta_1, ..., beta_(K-1), one after the other."""
    p = X.shape[1]
    is_level = codes == np.arange(1, n_levels)[:, None]
    if start is None:
        start = np.zeros((n_levels - 1, p))
        count = np.bincount(codes, weights, n_levels)
        start[:, 0] = np.log(np.maximum(count[1:], 0.5) / max(count[0], 0.5))

    def evaluate(parameters: np.ndarray) -> tuple[float, np.ndarray]:
        probability, log_total, eta = _softmax(parameters.reshape(n_levels - 1, p), X)
        return float(weights @ ((eta * is_level).sum(axis=0) - log_total)), probability[1:]

    def derivatives(probability: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        score = (weights * (is_level - probability)) @ X
        information = np.empty((n_levels - 1, p, n_levels - 1, p))
        for j in range(n_levels - 1):
            for k in range(j):
                block = -_gram(X, weights * probability[j] * probability[k])
                information[j, :, k] = information[k, :, j] = block
            information[j, :, j] = _gram(X, weights * probability[j] * (1 - probability[j]))
        size = (n_levels - 1) * p
        return score.ravel(), information.reshape(size, size)

    return maximize(evaluate, derivatives, np.ravel(start))


def _softmax(beta: np.ndarray, X: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Probability of each level, shape (K, n); log of the sum of exp(eta); and eta of the levels after the first."""
    eta = beta @ X.T
    top = np.maximum(eta.max(axis=0), 0)
    size = np.exp(np.vstack([np.zeros(len(X)), eta]) - top)
    total = size.sum(axis=0)
    return size / total, top + np.log(total), eta


def _gram(X: np.ndarray, weights: np.ndarray) -> np.ndarray:
    scaled = X * np.sqrt(weights)[:, None]
    return scaled.T @ scaled


def fit_ordered(
    X: np.ndarray, codes: np.ndarray, weights: np.ndarray, n_levels: int, start: np.ndarray | None = None
) -> Maximum:
    """Maximum likelihood of logit P(Y <= k) = cut_k - X beta (McCullagh 1980); parameters cuts, then beta."""
    n_cuts = n_levels - 1
    if start is None:
        share = np.cumsum(np.bincount(codes, weights, n_levels))[:-1] / weights.sum()
        start = np.append(np.log(share / (1 - share)), np.zeros(X.shape[1]))

    def evaluate(parameters: np.ndarray) -> tuple[float, tuple[np.ndarray, np.ndarray]]:
        cuts = np.concatenate([[-np.inf], parameters[:n_cuts], [np.inf]])
        eta = X @ parameters[n_cuts:]
        upper, lower = (
            expit(cuts[codes + 1] - eta),
            expit(cuts[codes] - eta),
        )  # P(Y <= own level), P(Y < own level)
        own = upper - lower
        return float(weights @ np.log(own)) if (own > 0).all() else -np.inf, (upper, lower)

    def derivatives(cumulative: tuple[np.ndarray, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        upper, lower = cumulative
        own = upper - lower
        d_upper, d_lower = upper * (1 - upper), lower * (1 - lower)
        at_upper = codes[:, None] == np.arange(n_cuts)
        at_lower = codes[:, None] - 1 == np.arange(n_cuts)
        score_upper, score_lower = weights * d_upper / own, weights * d_lower / own
        score = np.append(
            score_upper @ at_upper - score_lower @ at_lower, -X.T @ (weights * (1 - upper - lower))
        )
        cuts = np.diag(
            (weights * (d_upper / own) ** 2 - score_upper * (1 - 2 * upper)) @ at_upper
            + (weights * (d_lower / own) ** 2 + score_lower * (1 - 2 * lower)) @ at_lower
        )
        both = (weights * d_upper * d_lower / own**2) @ (at_upper & (codes > 0)[:, None])
        for k in range(1, n_cuts):
            cuts[k, k - 1] = cuts[k - 1, k] = -both[k]
        mixed = -((weights * d_upper)[:, None] * at_upper + (weights * d_lower)[:, None] * at_lower).T @ X
        slopes = _gram(X, weights * (d_upper + d_lower))
        return score, np.block([[cuts, mixed], [mixed.T, slopes]])

    return maximize(evaluate, derivatives, start)


def maximize(
    evaluate: Callable[[np.ndarray], tuple[float, Any]],
    derivatives: Callable[[Any], tuple[np.ndarray, np.ndarray]],
    start: np.ndarray,
) -> Maximum:
    """Newton's method for a concave log-likelihood; a step that goes down is halved.

    `evaluate` gives the log-likelihood and what `derivatives` makes the score and the information from.
    """
    parameters = start
    value, parts = evaluate(parameters)
    for _ in range(MAX_STEPS):
        score, information = derivatives(parts)
        step = np.linalg.solve(conditioned(information), score)
        if score @ step < GAIN:
            return Maximum(parameters + step, information)
        factor = 1.0
        while factor > 1e-6:
            new_value, parts = evaluate(parameters + factor * step)
            if new_value >= value - 1e-12 * abs(value):
                break
            factor /= 2
        parameters, value = parameters + factor * step, new_value
    return Maximum(parameters, derivatives(parts)[1])


def _posterior_draw(maximum: Maximum, rng: np.random.Generator) -> np.ndarray:
    """Parameters from the normal distribution with the inverse information as covariance."""
    root = np.linalg.cholesky(conditioned(maximum.information))
    return maximum.parameters + np.linalg.solve(root.T, rng.standard_normal(len(root)))


def conditioned(information: np.ndarray) -> np.ndarray:
    """A diagonal larger by one part in 10^9: collinear predictors then share their effect."""
    diagonal = np.diag(information)
    return information + np.diag(1e-9 * np.maximum(diagonal, 1e-9))


def _draw_codes(cumulative: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Codes from the probabilities to be at or below each level but the last, shape (K - 1, n)."""
    return (rng.random(cumulative.shape[1]) > cumulative).sum(axis=0)
