"""Likelihood of the proportional odds model: arrays in, arrays out.

logit P(Y <= k) = zeta_k - eta, eta = x beta + offset (McCullagh 1980 JRSS B 42:109; signs as R's `MASS::polr`). With
u and l the bounds zeta - eta above and below a row's category and F the logistic distribution,

    P = F(u) - F(l) = F(u) F(-l) (1 - exp(-(u - l))),

where u - l is a gap between thresholds, the same for all rows of a category. All logarithms and derivatives are
taken of this product: no digits are lost in the tails, and gaps cost nothing a row. The log-likelihood is concave
(Pratt 1981 JASA 76:103).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, log_expit, logit

from ..newton import Evaluation, Optimum, newton


@dataclass(frozen=True, eq=False)
class CategoryRows:
    """Rows of a model of categories: X (n, p), category 0 ... n_levels - 1, positive weights, offset."""

    X: np.ndarray
    category: np.ndarray
    n_levels: int
    weights: np.ndarray
    offset: np.ndarray

    def totals(self) -> np.ndarray:
        """Sum of the weights of each category."""
        return np.bincount(self.category, self.weights, self.n_levels)


def maximize_proportional_odds(rows: CategoryRows, start: np.ndarray | None = None) -> Optimum:
    """Maximum likelihood; the parameters are beta (p,), then the thresholds zeta (n_levels - 1,), increasing."""
    if start is None:
        up_to = np.cumsum(rows.totals())
        zeta = logit(up_to[:-1] / up_to[-1]) + np.average(rows.offset, weights=rows.weights)
        start = np.concatenate([np.zeros(rows.X.shape[1]), zeta])
    return newton(lambda parameters: _evaluate(rows, parameters), start)


def row_scores(rows: CategoryRows, parameters: np.ndarray) -> np.ndarray:
    """Derivative of each row's log-likelihood, unweighted, shape (n, p + n_levels - 1)."""
    zeta, below, above = _tails(rows, parameters)
    per_gap = _inverse_gaps(zeta)[rows.category]
    of_zeta = _at_bounds(rows, above + per_gap, -below - per_gap)
    return np.column_stack([rows.X * (below - above)[:, None], of_zeta])


def category_probabilities(eta: np.ndarray, zeta: np.ndarray) -> np.ndarray:
    """P(Y = k) of rows with linear predictor `eta` (n,), shape (n, n_levels)."""
    bounds = np.concatenate([[-np.inf], zeta, [np.inf]])
    upper, lower = bounds[1:] - eta[:, None], bounds[:-1] - eta[:, None]
    return expit(upper) * expit(-lower) * -np.expm1(-np.diff(bounds))


def _evaluate(rows: CategoryRows, parameters: np.ndarray) -> Evaluation:
    X, w, p = rows.X, rows.weights, rows.X.shape[1]
    zeta, below, above = _tails(rows, parameters)
    gaps = np.diff(zeta)
    if not (gaps > 0).all():
        return Evaluation(-np.inf, np.zeros(0), np.zeros((0, 0)))
    totals = rows.totals()
    # below = F(l) and above = F(-u): log F(-l) = log(1 - below), kept exact through log_expit
    bounds, eta = _bounds(zeta), X @ parameters[:p] + rows.offset
    tails = log_expit(bounds[rows.category + 1] - eta) + log_expit(eta - bounds[rows.category])
    loglik = w @ tails + totals[1:-1] @ np.log(-np.expm1(-gaps))

    per_gap = _inverse_gaps(zeta)
    of_zeta = w @ _at_bounds(rows, above, -below) + (totals * per_gap)[:-1] - (totals * per_gap)[1:]
    score = np.concatenate([X.T @ (w * (below - above)), of_zeta])

    density_above, density_below = w * above * (1 - above), w * below * (1 - below)
    at_bounds = _at_bounds(rows, density_above, density_below)
    curvature = totals * per_gap * (1 + per_gap)
    zeta_zeta = np.diag(at_bounds.sum(axis=0) + curvature[:-1] + curvature[1:])
    beside = np.arange(len(gaps))
    zeta_zeta[beside, beside + 1] = zeta_zeta[beside + 1, beside] = -curvature[1:-1]
    beta_zeta = -X.T @ at_bounds
    beta_beta = (X * (density_above + density_below)[:, None]).T @ X
    return Evaluation(float(loglik), score, np.block([[beta_beta, beta_zeta], [beta_zeta.T, zeta_zeta]]))


def _tails(rows: CategoryRows, parameters: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Thresholds, and for each row the probability of a lower and of a higher category than its own."""
    p = rows.X.shape[1]
    zeta = parameters[p:]
    bounds, eta = _bounds(zeta), rows.X @ parameters[:p] + rows.offset
    return zeta, expit(bounds[rows.category] - eta), expit(eta - bounds[rows.category + 1])


def _bounds(zeta: np.ndarray) -> np.ndarray:
    return np.concatenate([[-np.inf], zeta, [np.inf]])


def _inverse_gaps(zeta: np.ndarray) -> np.ndarray:
    """1 / (exp(u - l) - 1) of each category: 0 for the first and the last."""
    gap = np.diff(zeta)
    return np.concatenate([[0.0], np.exp(-gap) / -np.expm1(-gap), [0.0]])


def _at_bounds(rows: CategoryRows, upper: np.ndarray, lower: np.ndarray) -> np.ndarray:
    """One column a threshold: `upper` for rows of the category below it, `lower` for those of the one above."""
    placed = np.zeros((len(upper), rows.n_levels - 1))
    has_upper, has_lower = rows.category < rows.n_levels - 1, rows.category > 0
    placed[has_upper, rows.category[has_upper]] = upper[has_upper]
    placed[has_lower, rows.category[has_lower] - 1] = lower[has_lower]
    return placed
