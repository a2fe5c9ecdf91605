"""Maximum likelihood with a normal random intercept, by adaptive Gauss-Hermite quadrature: arrays in, arrays out.

For group g, with eta = X beta + offset + sd u and u standard normal, the likelihood is the integral of
exp(l_g(u)) / sqrt(2 pi), l_g(u) = sum [y eta - m b(eta)] - u^2 / 2. It is taken at nodes u_q = mode + s z_q, with
s = (-l_g''(mode))^(-1/2): Pinheiro & Bates (1995) J Comp Graph Stat 4:12. One node is Laplace's approximation.

The gradient is that of the approximation itself: modes and scales move with the parameters, by implicit
differentiation of l_g'(mode) = 0.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.polynomial.hermite import hermgauss
from scipy.optimize import minimize
from scipy.sparse import csr_matrix
from scipy.special import logsumexp

from .correlated import Grouping
from .families import Canonical
from .maximize import Maximum, gram

STARTING_SD = (0.1, 0.4, 1.2, 3.5)
WIDTH = 5e-4  # of the differences, in standard errors


Evaluation = Callable[[np.ndarray], tuple[float, np.ndarray]]


@dataclass(frozen=True, eq=False)
class RandomInterceptFit:
    """`covariance` is that of (beta, sd), the inverse of the observed information; without sd where that is 0.

    Log-likelihoods are without the constants of the family.
    """

    beta: np.ndarray
    sd: float
    covariance: np.ndarray
    loglik: float
    loglik_independent: float
    converged: bool


@dataclass(frozen=True, eq=False)
class RandomInterceptData:
    """Rows sorted by group."""

    family: Canonical
    X: np.ndarray
    y: np.ndarray
    trials: np.ndarray
    offset: np.ndarray
    grouping: Grouping

    def loglik(self, eta: np.ndarray) -> float:
        """Of rows that are independent given eta."""
        return float(np.sum(self.y * eta - self.trials * self.family.cumulant(eta)))

    def weighted_rows(self, weight: np.ndarray) -> np.ndarray:
        """Sums over each group of weight_i x_i, shape (groups, p); a sparse product, no copy of X."""
        g = self.grouping
        n = len(weight)
        sums = csr_matrix((weight, np.arange(n), np.r_[g.starts, n]), shape=(g.n_groups, n))
        return np.asarray(sums @ self.X)


def fit_random_intercept(data: RandomInterceptData, start: Maximum, n_nodes: int) -> RandomInterceptFit:
    """BFGS from the best of a few sd with the beta that suits each, then Newton's method with the differentiated gradient.

    BFGS stops where the log-likelihood no longer changes in its last digits, which leaves half of the digits of
    the parameters; Newton's steps need the gradient alone and give the others.
    """
    p = len(start.coefficients)
    nodes = hermgauss(n_nodes)
    modes = np.zeros(data.grouping.n_groups)

    def evaluate(theta: np.ndarray) -> tuple[float, np.ndarray]:
        nonlocal modes  # the former modes are a good place to look for the next
        loglik, gradient, modes = log_likelihood(data, theta, nodes, modes)
        return loglik, gradient

    best, beta, u = -np.inf, start.coefficients, modes
    for sd in STARTING_SD:
        beta, u, metric = penalized_fit(data, beta, u, sd)
        found = evaluate(np.r_[beta, sd])[0]
        if found > best:
            best, origin, information = found, np.r_[beta, sd], metric
    # in these coordinates the information about beta is near the identity
    scale = np.zeros((p + 1, p + 1))
    scale[:p, :p] = np.linalg.inv(np.linalg.cholesky(information)).T
    scale[p, p] = origin[p] * (2 * data.grouping.n_groups) ** -0.5

    def objective(a: np.ndarray) -> tuple[float, np.ndarray]:
        loglik, gradient = evaluate(origin + scale @ a)
        return -loglik, -scale.T @ gradient

    independent = data.loglik(start.eta)
    theta = origin + scale @ minimize(objective, np.zeros(p + 1), jac=True, options={"gtol": 1e-5}).x
    if evaluate(theta)[0] - independent < 1e-8:
        return RandomInterceptFit(start.coefficients, 0.0, start.bread, independent, independent, True)
    converged = False
    for _ in range(10):
        information = _information(evaluate, theta, scale)
        step = np.linalg.solve(information, scale.T @ evaluate(theta)[1])
        theta = theta + scale @ step
        if np.max(np.abs(step)) < 1e-5:
            converged = bool(np.linalg.eigvalsh(information)[0] > 0)
            break
    theta[p] = abs(theta[p])
    covariance = scale @ np.linalg.inv(information) @ scale.T
    if not converged:
        covariance = np.full_like(covariance, np.nan)
    return RandomInterceptFit(
        theta[:p], float(theta[p]), covariance, evaluate(theta)[0], independent, converged
    )


def penalized_fit(
    data: RandomInterceptData, beta: np.ndarray, u: np.ndarray, sd: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """beta and u that maximize sum_g l_g(u) for a given sd, and the information about beta: a place to start from.

    The sum is concave in (beta, u), which Newton's method with halved steps cannot miss: Breslow & Clayton (1993).
    """
    family, g = data.family, data.grouping

    def height(beta: np.ndarray, u: np.ndarray) -> float:
        eta = data.X @ beta + data.offset + sd * u[g.code]
        return data.loglik(eta) - u @ u / 2

    value = height(beta, u)
    for _ in range(50):
        mean = family.mean(data.X @ beta + data.offset + sd * u[g.code])
        residual, curvature = data.y - data.trials * mean, data.trials * family.variance(mean)
        h = 1 + sd**2 * g.totals(curvature)
        cross = sd * data.weighted_rows(curvature)
        information = gram(data.X, curvature) - (cross / h[:, None]).T @ cross
        pull = sd * g.totals(residual) - u
        step = np.linalg.lstsq(information, data.X.T @ residual - cross.T @ (pull / h), rcond=None)[0]
        step_u = (pull - cross @ step) / h
        factor = 1.0
        while (new := height(beta + factor * step, u + factor * step_u)) < value and factor > 1e-6:
            factor /= 2
        beta, u, change, value = beta + factor * step, u + factor * step_u, new - value, new
        if change < 1e-6 * (abs(value) + 1):
            break
    return beta, u, information


def log_likelihood(
    data: RandomInterceptData,
    theta: np.ndarray,
    nodes: tuple[np.ndarray, np.ndarray],
    modes: np.ndarray,
) -> tuple[float, np.ndarray, np.ndarray]:
    """Log-likelihood of (beta, sd) with its gradient, and the modes found from those given."""
    family, g = data.family, data.grouping
    sd = theta[-1]
    linear = data.X @ theta[:-1] + data.offset
    u = _modes(data, linear, sd, modes)
    eta = linear + sd * u[g.code]
    mean = family.mean(eta)
    curvature = data.trials * family.variance(mean)
    V = g.totals(curvature)
    h = 1 + sd**2 * V  # -l''(mode)
    s = h**-0.5

    # nodes of the integral: rows of q, columns of groups
    z, weights = nodes[0] * 2**0.5, nodes[1]
    log_terms = np.empty((len(z), g.n_groups))
    slope_beta, slope_sd, slope_u = [], np.empty_like(log_terms), np.empty_like(log_terms)
    for q in range(len(z)):
        v = u + s * z[q]
        eta_q = linear + sd * v[g.code]
        log_terms[q] = g.totals(data.y * eta_q - data.trials * family.cumulant(eta_q)) - v**2 / 2
        residual = data.y - data.trials * family.mean(eta_q)
        slope_beta.append(residual)
        total = g.totals(residual)
        slope_sd[q] = total * v
        slope_u[q] = sd * total - v
    log_terms += (np.log(weights) + z**2 / 2 - np.log(np.pi) / 2)[:, None]
    log_integral = logsumexp(log_terms, axis=0)
    share = np.exp(log_terms - log_integral)
    loglik = float(np.sum(log_integral + np.log(s)))

    # how modes and scales move: h u' = d l'(u) / d theta, s' / s = -h' / (2 h)
    third = data.trials * family.third(mean)
    T = g.totals(third)
    u_beta = -(sd / h)[:, None] * data.weighted_rows(curvature)
    u_sd = (g.totals(data.y - data.trials * mean) - sd * u * V) / h
    h_beta = sd**2 * (data.weighted_rows(third) + sd * T[:, None] * u_beta)
    h_sd = 2 * sd * V + sd**2 * T * (u + sd * u_sd)
    pull_u = np.sum(share * slope_u, axis=0)
    pull_s = np.sum(share * slope_u * z[:, None], axis=0)
    of_h = -(pull_s * s + 1) / (2 * h)
    residual = sum(row * weight[g.code] for row, weight in zip(slope_beta, share, strict=True))
    gradient_beta = data.X.T @ residual + pull_u @ u_beta + of_h @ h_beta
    gradient_sd = np.sum(share * slope_sd) + pull_u @ u_sd + of_h @ h_sd
    return loglik, np.r_[gradient_beta, gradient_sd], u


def _modes(data: RandomInterceptData, linear: np.ndarray, sd: float, start: np.ndarray) -> np.ndarray:
    """The u of each group where l_g is highest.

    l_g' falls with u by 1 or more a unit, so that its zero is between u and u + l_g'(u): Newton's method, with a
    bisection where it leaves what is known to hold the mode.
    """
    g = data.grouping
    u = start
    low, high = np.full(len(u), -np.inf), np.full(len(u), np.inf)
    for _ in range(200):
        mean = data.family.mean(linear + sd * u[g.code])
        slope = sd * g.totals(data.y - data.trials * mean) - u
        h = 1 + sd**2 * g.totals(data.trials * data.family.variance(mean))
        low, high = np.maximum(low, np.minimum(u, u + slope)), np.minimum(high, np.maximum(u, u + slope))
        newton = u + slope / h
        inside = (newton >= low) & (newton <= high)
        following = np.where(inside, newton, (low + high) / 2)
        if np.all(np.abs(following - u) <= 1e-7 * (1 + np.abs(u))):
            return following  # the error of a Newton step is of the order of its square
        u = following
    return u


def _information(evaluate: Evaluation, theta: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Minus the second derivatives in the scaled coordinates: central differences of the gradient."""
    steps = WIDTH * scale.T
    columns = [scale.T @ (evaluate(theta - step)[1] - evaluate(theta + step)[1]) for step in steps]
    information = np.column_stack(columns) / (2 * WIDTH)
    return (information + information.T) / 2
