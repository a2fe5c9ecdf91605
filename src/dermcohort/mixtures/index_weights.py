"""Weights of a weighted quantile sum: constrained maximum likelihood over bootstrap samples. Arrays in, arrays out.

The index model has eta = Z gamma + beta Q w with w >= 0, sum w = 1 (Carrico et al. 2015 J Agric Biol Environ Stat
20:100). With beta held to one sign it is eta = Z gamma + Q theta with theta = beta w >= 0: a concave problem with bounds
alone, whose maximum is the maximum whatever the start. Newton's method solves it, each step a quadratic problem with
bounds (non-negative least squares; Lawson & Hanson 1974 Solving Least Squares Problems, ch. 23).

The test statistic of beta in the model of the index Q w, w held fixed, follows without another fit: its information,
adjusted for the confounders, is w' S w with S that of theta, so that t^2 = theta' S theta / dispersion.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import nnls

from ..regression.families import Family
from ..survival.partial_likelihood import evaluate, risk_sets

TOLERANCE = 1e-12
MAX_ITERATIONS = 60

# coefficients -> log-likelihood, score, information
Likelihood = Callable[[np.ndarray], tuple[float, np.ndarray, np.ndarray]]
# number of times each row counts -> its likelihood
OfCounts = Callable[[np.ndarray], Likelihood]


@dataclass(frozen=True, eq=False)
class BoundedMaximum:
    """gamma and theta, t^2 of the index, and the log-likelihood."""

    gamma: np.ndarray
    theta: np.ndarray
    statistic2: float
    loglik: float
    converged: bool


@dataclass(frozen=True, eq=False)
class IndexWeights:
    """Weights (c,) that add to 1, and how many of the bootstrap samples had a part in them."""

    weights: np.ndarray
    n_samples: int
    n_used: int


def bootstrap_weights(
    likelihood: OfCounts, n_rows: int, n_confounders: int, n_exposures: int, seeds: list[np.random.SeedSequence],
    *, has_dispersion: bool = False,
) -> IndexWeights | None:  # fmt: skip
    """Mean of the weights over bootstrap samples, each counting with t^2 ("t2" of gWQS); None where all are 0."""
    origin = np.zeros(n_confounders + n_exposures)
    of_all = maximize_bounded(likelihood(np.ones(n_rows)), origin, n_confounders, n_rows, has_dispersion)
    start = np.append(of_all.gamma, of_all.theta) if of_all.converged else origin
    total, weight_sum, n_used = np.zeros(n_exposures), 0.0, 0
    for seed in seeds:
        rng = np.random.default_rng(seed)
        counts = np.bincount(rng.integers(0, n_rows, n_rows), minlength=n_rows).astype(float)
        found = maximize_bounded(likelihood(counts), start, n_confounders, n_rows, has_dispersion)
        if not found.converged or not found.theta.any() or not np.isfinite(found.statistic2):
            continue
        total += found.statistic2 * found.theta / found.theta.sum()
        weight_sum += found.statistic2
        n_used += 1
    return IndexWeights(total / weight_sum, len(seeds), n_used) if n_used else None


def maximize_bounded(
    likelihood: Likelihood, start: np.ndarray, n_free: int, n_rows: float, has_dispersion: bool = False
) -> BoundedMaximum:
    """Maximize a concave log-likelihood with all coefficients from position `n_free` on not negative."""
    beta = start
    loglik, score, information = likelihood(beta)
    if not np.isfinite(information).all():  # a start from other rows can be far off
        beta = np.zeros_like(start)
        loglik, score, information = likelihood(beta)
    converged = False
    for _ in range(MAX_ITERATIONS):
        step = _bounded_newton(beta, score, information, n_free) - beta
        factor = 1.0
        new = likelihood(beta + step)
        while not new[0] >= loglik - 1e-10 * abs(loglik) and factor > 1e-4:
            factor /= 2
            new = likelihood(beta + factor * step)
        if not (np.isfinite(new[0]) and np.isfinite(new[2]).all()):
            break
        change = abs(new[0] - loglik)
        beta = beta + factor * step
        loglik, score, information = new
        if change <= TOLERANCE * (abs(loglik) + 0.1):
            converged = True
            break
    gamma, theta = beta[:n_free], np.maximum(beta[n_free:], 0.0)
    adjusted, _ = _adjusted(information, n_free)
    statistic2 = np.float64(theta @ adjusted @ theta)
    if has_dispersion:
        with np.errstate(divide="ignore", invalid="ignore"):
            statistic2 /= -2 * loglik / (n_rows - n_free - 1)
    return BoundedMaximum(gamma, theta, float(statistic2), loglik, converged)


def glm_likelihood(X: np.ndarray, y: np.ndarray, offset: np.ndarray, family: Family) -> OfCounts:
    """Of a generalized linear model with canonical link."""

    def of_counts(counts: np.ndarray) -> Likelihood:
        rows = counts > 0
        X_in, y_in, offset_in, w = X[rows], y[rows], offset[rows], counts[rows]

        def at(beta: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
            eta = X_in @ beta + offset_in
            with np.errstate(over="ignore", invalid="ignore"):
                loglik = float(w @ family.loglik(y_in, eta))
                score = X_in.T @ (w * family.score(y_in, eta))
                information = (X_in * (w * family.curvature(y_in, eta))[:, None]).T @ X_in
            return loglik, score, information

        return at

    return of_counts


def cox_likelihood(X: np.ndarray, entry: np.ndarray | None, exit_: np.ndarray, event: np.ndarray) -> OfCounts:
    """Of Cox's model, ties by Breslow: a row drawn twice then counts as two."""

    def of_counts(counts: np.ndarray) -> Likelihood:
        rows = counts > 0
        w = counts[rows]
        centered = X[rows] - np.average(X[rows], axis=0, weights=w)
        sets = risk_sets(None if entry is None else entry[rows], exit_[rows], event[rows], None, w, "breslow")

        def at(beta: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
            with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
                found = evaluate(centered, beta, sets)
            return found.loglik, found.score, found.information

        return at

    return of_counts


def _bounded_newton(beta: np.ndarray, score: np.ndarray, information: np.ndarray, n_free: int) -> np.ndarray:
    """The maximum of the quadratic approximation at beta under the bounds."""
    # r' b - b' H b / 2 with r = score + H beta; the free coefficients are eliminated
    r = score + information @ beta
    S, regression = _adjusted(information, n_free)
    s = r[n_free:] - regression.T @ r[:n_free]
    values, vectors = np.linalg.eigh(S)
    root = np.sqrt(np.maximum(values, 0.0))
    kept = values > 1e-12 * max(values[-1], 1e-300)
    theta = np.zeros(len(s))
    if kept.any():
        theta, _ = nnls(root[kept, None] * vectors[:, kept].T, (vectors[:, kept].T @ s) / root[kept])
    support = theta > 0
    if support.any():  # to the last digit
        exact = np.linalg.lstsq(S[np.ix_(support, support)], s[support], rcond=None)[0]
        if (exact > 0).all():
            theta[support] = exact
    free = np.linalg.pinv(information[:n_free, :n_free], hermitian=True) @ (
        r[:n_free] - information[:n_free, n_free:] @ theta
    )
    return np.append(free, theta)


def _adjusted(information: np.ndarray, n_free: int) -> tuple[np.ndarray, np.ndarray]:
    """Information of the bounded coefficients adjusted for the free ones, and the regression of one on the other."""
    regression = np.linalg.pinv(information[:n_free, :n_free], hermitian=True) @ information[:n_free, n_free:]
    return information[n_free:, n_free:] - information[n_free:, :n_free] @ regression, regression
