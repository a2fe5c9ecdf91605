"""Newton's method with step halving for the concave likelihoods of outcomes with categories and of matched sets.

It stops at a relative change of the log-likelihood of 1e-12. Estimates are then right to about 1e-6 before the last
step and, as a step doubles the digits, to about 1e-11 after it. Source: Nocedal & Wright (2006) Numerical Optimization, ch. 3.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

TOLERANCE = 1e-12
MAX_ITERATIONS = 60


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Log-likelihood, its gradient (k,) and minus its second derivatives (k, k) at one point."""

    loglik: float
    score: np.ndarray
    information: np.ndarray


@dataclass(frozen=True, eq=False)
class Optimum:
    """The maximum; `inverse_information` is of the observed information; `last_step` stays long towards infinity."""

    parameters: np.ndarray
    inverse_information: np.ndarray
    loglik: float
    loglik_start: float
    last_step: np.ndarray
    converged: bool


def newton(evaluate: Callable[[np.ndarray], Evaluation], start: np.ndarray) -> Optimum:
    """Maximize; `evaluate` gives a log-likelihood of minus infinity where parameters are impossible."""
    parameters, at = start, evaluate(start)
    loglik_start = at.loglik
    step = np.full_like(start, np.inf)
    converged = False
    for _ in range(MAX_ITERATIONS):
        try:
            step = np.linalg.solve(at.information, at.score)
        except np.linalg.LinAlgError:
            break  # every fitted probability is 0 or 1: complete separation
        factor, new = 1.0, evaluate(parameters + step)
        while not _better(new, at) and factor > 1e-10:
            factor /= 2
            new = evaluate(parameters + factor * step)
        if not _better(new, at):
            break
        change = abs(new.loglik - at.loglik)
        parameters, at = parameters + factor * step, new
        if change <= TOLERANCE * (abs(at.loglik) + 0.1):
            converged = True
            break
    return Optimum(parameters, inverse(at.information), at.loglik, loglik_start, step, converged)


def blocks(n: int, size: int = 8192) -> Iterator[slice]:
    """Slices of some thousand rows, so that what is computed of them stays in the processor's cache."""
    return (slice(start, start + size) for start in range(0, n, size))


def _better(new: Evaluation, at: Evaluation) -> bool:
    """Not lower, but for rounding, and a place to go on from."""
    return new.loglik >= at.loglik - 1e-10 * abs(at.loglik) and bool(np.isfinite(new.information).all())


def inverse(information: np.ndarray) -> np.ndarray:
    """The inverse, with each coefficient on its own scale, so that units cost no digits."""
    size = np.sqrt(np.maximum(np.diag(information), 0.0))  # rounding, where there is none
    scale = 1 / np.where(size > 0, size, 1.0)
    return np.linalg.pinv(information * np.outer(scale, scale), hermitian=True) * np.outer(scale, scale)
