"""Regression y = x beta + sigma z with censored y: the likelihood, its derivatives and its maximum, arrays in and out.

In gamma = beta / sigma and h = 1 / sigma the error z = h y - x gamma is linear in the parameters, so that the
likelihood is concave wherever log f is (Olsen 1978 Econometrica 46:1211; Burridge 1981 JRSS B 43:41; delayed entry
aside), and Newton's method arrives. Agrees with R's `survival::survreg`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..newton import Evaluation, Optimum, newton
from .error_distributions import ErrorDistribution, log_one_minus_exp


@dataclass(frozen=True, eq=False)
class CensoredRows:
    """Rows of which y is known to lie in [low, high]: exact where these are equal, open where they are infinite.

    Parameters
    ----------
    X : ndarray of float64, shape (n, p)
    low, high, weights : ndarray of float64, shape (n,)
    entry : ndarray of float64, shape (n,), optional
        Rows are seen only because y is above it (left truncation); minus infinity where that says nothing.
    """

    X: np.ndarray
    low: np.ndarray
    high: np.ndarray
    weights: np.ndarray
    entry: np.ndarray | None = None

    @property
    def exact(self) -> np.ndarray:
        return self.low == self.high

    def with_matrix(self, X: np.ndarray) -> CensoredRows:
        return replace(self, X=X)


@dataclass(frozen=True, eq=False)
class RowTerms:
    """The log-likelihood of each row and its derivatives in eta = x gamma and in h, shape (n,) each."""

    loglik: np.ndarray
    eta: np.ndarray
    h: np.ndarray
    eta_eta: np.ndarray
    eta_h: np.ndarray
    h_h: np.ndarray


def maximize_location_scale(
    rows: CensoredRows,
    distribution: ErrorDistribution,
    *,
    fixed_scale: bool = False,
    start: np.ndarray | None = None,
) -> Optimum:
    """The maximum in (gamma, h), or in gamma alone with `fixed_scale` (sigma = 1)."""

    def at(parameters: np.ndarray) -> Evaluation:
        h = 1.0 if fixed_scale else float(parameters[-1])
        return evaluate(rows, distribution, parameters[: rows.X.shape[1]], h, fixed_scale=fixed_scale)

    if start is None:
        start = starting_values(rows)
        if fixed_scale:
            start = start[:-1] / start[-1]
    return newton(at, start)


def starting_values(rows: CensoredRows) -> np.ndarray:
    """(gamma, h) of one mean for all rows, no error being above 5, where an exponential would be huge."""
    middle = np.where(np.isfinite(rows.high), rows.high, rows.low)
    both = np.isfinite(rows.low) & np.isfinite(rows.high)
    middle[both] = (rows.low[both] + rows.high[both]) / 2
    mean = np.average(middle, weights=rows.weights)
    spread = max(np.sqrt(np.average((middle - mean) ** 2, weights=rows.weights)), (middle.max() - mean) / 5)
    h = 1 / spread if spread > 1e-8 * abs(mean) else 1.0
    level = np.linalg.lstsq(rows.X.T @ rows.X, rows.X.sum(axis=0) * mean, rcond=None)[0]
    return np.append(h * level, h)


def evaluate(
    rows: CensoredRows,
    distribution: ErrorDistribution,
    gamma: np.ndarray,
    h: float,
    *,
    fixed_scale: bool = False,
) -> Evaluation:
    """Log-likelihood with gradient and information in (gamma, h); of gamma alone with `fixed_scale`."""
    p = len(gamma)
    size = p if fixed_scale else p + 1
    X, w = rows.X, rows.weights
    terms = row_terms(rows, distribution, gamma, h) if h > 0 else None
    if terms is None or not np.isfinite(w @ terms.loglik):
        return Evaluation(-np.inf, np.zeros(size), np.eye(size))
    score = np.append(X.T @ (w * terms.eta), w @ terms.h)
    information = np.empty((p + 1, p + 1))
    information[:p, :p] = -(X * (w * terms.eta_eta)[:, None]).T @ X
    information[:p, p] = information[p, :p] = -X.T @ (w * terms.eta_h)
    information[p, p] = -w @ terms.h_h
    return Evaluation(float(w @ terms.loglik), score[:size], information[:size, :size])


def row_terms(rows: CensoredRows, distribution: ErrorDistribution, gamma: np.ndarray, h: float) -> RowTerms:
    """The sums over what is known of a row (its value or two ends, and its entry) of l, l' and l'' in z = h y - eta."""
    eta = rows.X @ gamma
    # loglik; l_z, l_z y; l_zz, l_zz y, l_zz y^2
    loglik, first, first_y, second, second_y, second_yy = np.zeros((6, len(eta)))
    exact = rows.exact
    with np.errstate(all="ignore"):  # far from the maximum an exponential overflows: that step is halved
        y = rows.low[exact]
        z = h * y - eta[exact]
        slope, curvature = distribution.slope(z), distribution.curvature(z)
        loglik[exact] = distribution.log_density(z) + np.log(h)
        first[exact], first_y[exact] = slope, slope * y
        second[exact], second_y[exact], second_yy[exact] = curvature, curvature * y, curvature * y**2

        between = ~exact
        low, high = rows.low[between], rows.high[between]
        has_low, has_high = np.isfinite(low), np.isfinite(high)
        a, b = np.where(has_low, low, 0.0), np.where(has_high, high, 0.0)
        z_a, z_b = h * a - eta[between], h * b - eta[between]
        log_p = log_probability(distribution, z_a, z_b, has_low, has_high)
        # f(z_a) / P and f(z_b) / P
        at_a = np.where(has_low, np.exp(distribution.log_density(z_a) - log_p), 0.0)
        at_b = np.where(has_high, np.exp(distribution.log_density(z_b) - log_p), 0.0)
        l_aa = np.where(has_low, -at_a * (distribution.slope(z_a) + at_a), 0.0)
        l_bb = np.where(has_high, at_b * (distribution.slope(z_b) - at_b), 0.0)
        l_ab = at_a * at_b
        loglik[between] = log_p
        first[between], first_y[between] = at_b - at_a, at_b * b - at_a * a
        second[between] = l_aa + 2 * l_ab + l_bb
        second_y[between] = l_aa * a + l_ab * (a + b) + l_bb * b
        second_yy[between] = l_aa * a**2 + 2 * l_ab * a * b + l_bb * b**2

        if rows.entry is not None:  # - log S(entry)
            late = np.isfinite(rows.entry)
            y = rows.entry[late]
            z = h * y - eta[late]
            hazard = distribution.hazard(z)
            change = hazard * (distribution.slope(z) + hazard)
            loglik[late] -= distribution.log_survival(z)
            first[late] += hazard
            first_y[late] += hazard * y
            second[late] += change
            second_y[late] += change * y
            second_yy[late] += change * y**2
    return RowTerms(loglik, -first, first_y + exact / h, second, -second_y, second_yy - exact / h**2)


def log_probability(
    distribution: ErrorDistribution,
    z_a: np.ndarray,
    z_b: np.ndarray,
    has_low: np.ndarray,
    has_high: np.ndarray,
) -> np.ndarray:
    """log P(z_a < z < z_b), in the tail in which the interval lies so that no digits cancel."""
    survival_a = np.where(has_low, distribution.log_survival(z_a), 0.0)
    survival_b = np.where(has_high, distribution.log_survival(z_b), -np.inf)
    below_a = np.where(has_low, distribution.log_distribution(z_a), -np.inf)
    below_b = np.where(has_high, distribution.log_distribution(z_b), 0.0)
    upper = survival_a + log_one_minus_exp(survival_b - survival_a)
    lower = below_b + log_one_minus_exp(below_a - below_b)
    return np.where(survival_a < below_b, upper, lower)


def to_regression(parameters: np.ndarray, p: int) -> tuple[np.ndarray, np.ndarray]:
    """(beta, log sigma, ...) from (gamma, h, ...), and the derivatives of the one in the other.

    Without an h (a fixed scale) they are the same; what follows h is kept.
    """
    jacobian = np.eye(len(parameters))
    if len(parameters) == p:
        return parameters, jacobian
    gamma, h = parameters[:p], parameters[p]
    jacobian[:p, :p] /= h
    jacobian[:p, p] = -gamma / h**2
    jacobian[p, p] = -1 / h
    return np.concatenate([gamma / h, [-np.log(h)], parameters[p + 1 :]]), jacobian
