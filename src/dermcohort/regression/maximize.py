"""Maximum likelihood of generalized linear models by Newton's method: arrays in, arrays out.

Newton's method with step halving; the log-likelihoods are concave, so that it arrives. Covariances are from the
expected information, as in R's `glm`; it stops tighter than `glm` does (relative change of the log-likelihood
1e-12), so that standard errors are those of the maximum.

Where the link bounds the linear predictor (log-binomial: mu < 1) and the maximum lies on the bound, Newton's
method would stop short of it. The bound is then approached from inside by a barrier whose weight goes to 0 (Nocedal &
Wright 2006 Numerical Optimization, ch. 19): log(s / (1 + s)) with s the distance to the bound, which unlike log(s) does
not reward rows for running away from it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..newton import MAX_ITERATIONS, TOLERANCE, blocks, inverse
from .families import Family

BARRIERS = tuple(10.0**-k for k in range(2, 12))
NEAR_BOUND = 1e-6
NO_RESIDUAL = 1e-20  # share of the sum of squares of a number that is left where it is fitted without error


@dataclass(frozen=True, eq=False)
class Maximum:
    """The maximum and what variances and warnings need of it.

    `bread` is the inverse of the expected information at dispersion 1; `loglik` for a Gaussian is that of R's
    `logLik`, with the variance at its maximum; `last_step` is Newton's, which stays long on the way to infinity;
    `without_residual` says that a number is fitted without error: no variance is left to estimate.
    """

    coefficients: np.ndarray
    bread: np.ndarray
    loglik: float
    dispersion: float
    eta: np.ndarray
    last_step: np.ndarray
    converged: bool
    on_boundary: bool
    without_residual: bool = False


def maximize(
    X: np.ndarray,
    y: np.ndarray,
    family: Family,
    weights: np.ndarray,
    offset: np.ndarray,
    start: np.ndarray | None = None,
) -> Maximum:
    """Maximize sum_i w_i l(y_i, eta_i) with eta = X beta + offset.

    Parameters
    ----------
    X : ndarray of float64, shape (n, p)
    y, weights, offset : ndarray of float64, shape (n,)
        Weights must not be negative.
    start : ndarray of float64, shape (p,), optional
        Where to begin; the model of one mean for all if not given.

    Raises
    ------
    ValueError
        If no starting value has possible means (a bounded link without an intercept).
    """
    problem = _Problem(X, y, family, weights, offset)
    beta = problem.constant() if start is None else start
    if not problem.inside(X @ beta + offset):
        raise ValueError(f"{family.name}: no starting value has possible means; keep the intercept")
    found = _newton(problem, beta)
    if not found.converged or not problem.inside(found.eta + X @ found.step):
        for barrier in BARRIERS if problem.bounded else ():
            found = _newton(problem, found.beta, barrier)
    eta = found.eta
    on_boundary = bool(
        min((family.upper - eta).min(), (eta - family.lower).min()) < NEAR_BOUND if problem.bounded else False
    )
    loglik, dispersion, without_residual = problem.objective(eta), 1.0, False
    if family.has_dispersion:
        without_residual = -2 * loglik <= NO_RESIDUAL * float(weights @ y**2)
        loglik, dispersion = _gaussian(-2 * loglik, weights, X.shape[1])
    mu = family.mean(eta)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        expected = np.nan_to_num(weights * family.slope(eta) ** 2 / family.variance(mu), posinf=0.0)
    return Maximum(
        found.beta,
        inverse(gram(X, expected)),
        loglik,
        dispersion,
        eta,
        found.step,
        found.converged,
        on_boundary,
        without_residual,
    )


@dataclass(frozen=True, eq=False)
class _Problem:
    X: np.ndarray
    y: np.ndarray
    family: Family
    weights: np.ndarray
    offset: np.ndarray

    @property
    def bounded(self) -> bool:
        return bool(np.isfinite([self.family.lower, self.family.upper]).any())

    def inside(self, eta: np.ndarray) -> bool:
        """Whether every mean is possible."""
        return not self.bounded or bool((eta < self.family.upper).all() and (eta > self.family.lower).all())

    def constant(self) -> np.ndarray:
        """The coefficients that come closest to the overall mean for every row."""
        overall = np.asarray(self.weights @ self.y / self.weights.sum())
        beyond = self.offset.max() if np.isfinite(self.family.upper) else self.offset.mean()
        level = self.family.link(overall) - beyond
        return np.linalg.lstsq(self.X.T @ self.X, self.X.sum(axis=0) * level, rcond=None)[0]

    def objective(self, eta: np.ndarray, barrier: float = 0.0) -> float:
        if not self.inside(eta):
            return -np.inf
        with np.errstate(over="ignore", invalid="ignore"):
            value = float(self.weights @ self.family.loglik(self.y, eta))
        if barrier:
            value -= barrier * sum(float(np.log1p(1 / slack).sum()) for slack, _ in self._slacks(eta))
        return value if np.isfinite(value) else -np.inf

    def derivatives(self, eta: np.ndarray, barrier: float) -> tuple[np.ndarray, np.ndarray]:
        """Score (p,) and observed information (p, p)."""
        score = self.weights * self.family.score(self.y, eta)
        curvature = self.weights * self.family.curvature(self.y, eta)
        if barrier:
            for slack, sign in self._slacks(eta):
                score = score + sign * barrier / (slack * (1 + slack))
                curvature = curvature + barrier * (1 + 2 * slack) / (slack * (1 + slack)) ** 2
        return self.X.T @ score, gram(self.X, curvature)

    def _slacks(self, eta: np.ndarray) -> list[tuple[np.ndarray, int]]:
        """Distance of eta from each bound, and which way it grows with eta."""
        both = ((self.family.upper - eta, -1), (eta - self.family.lower, 1))
        return [(slack, sign) for slack, sign in both if np.isfinite(slack[0])]


@dataclass(frozen=True, eq=False)
class _End:
    beta: np.ndarray
    eta: np.ndarray
    step: np.ndarray
    converged: bool


def _newton(problem: _Problem, beta: np.ndarray, barrier: float = 0.0) -> _End:
    eta = problem.X @ beta + problem.offset
    value = problem.objective(eta, barrier)
    step = np.full_like(beta, np.inf)
    for _ in range(MAX_ITERATIONS):
        with np.errstate(over="ignore"):  # beside a bound
            score, information = problem.derivatives(eta, barrier)
        try:
            step = np.linalg.solve(information, score)
        except np.linalg.LinAlgError:
            return _End(beta, eta, step, False)  # every fitted probability is 0 or 1: complete separation
        if not np.isfinite(step).all():
            return _End(beta, eta, step, False)
        new_value, factor = -np.inf, 1.0
        while factor > 1e-10:
            new_beta = beta + factor * step
            with np.errstate(
                over="ignore", invalid="ignore"
            ):  # far too long a step: the objective refuses it
                new_eta = problem.X @ new_beta + problem.offset
            new_value = problem.objective(new_eta, barrier)
            if new_value >= value - 1e-10 * abs(value):
                break
            factor /= 2
        else:
            return _End(beta, eta, step, False)
        change = abs(new_value - value)
        beta, eta, value = new_beta, new_eta, new_value
        if change <= TOLERANCE * (abs(value) + 0.1):
            return _End(beta, eta, step, True)
    return _End(beta, eta, step, False)


def gram(X: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """X' W X, by blocks of rows: no copy of X is made."""
    root, total = np.sqrt(weights)[:, None], np.zeros((X.shape[1], X.shape[1]))
    for rows in blocks(len(X)):
        scaled = X[rows] * root[rows]
        total += scaled.T @ scaled
    return total


def _gaussian(sum_of_squares: float, weights: np.ndarray, p: int) -> tuple[float, float]:
    """Log-likelihood at the maximum of the variance too, and the residual variance with n - p."""
    n = len(weights)
    with np.errstate(divide="ignore"):
        loglik = 0.5 * (np.log(weights).sum() - n * (np.log(2 * np.pi * sum_of_squares / n) + 1))
    return float(loglik), sum_of_squares / (n - p) if n > p else np.nan
