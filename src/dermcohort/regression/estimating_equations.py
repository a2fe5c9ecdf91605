"""Generalized estimating equations: arrays in, arrays out.

Source: Liang & Zeger (1986) Biometrika 73:13. With A the variances of the rows, D = A X (canonical link) and
V = A^(1/2) R A^(1/2), the equations sum_g D_g' V_g^-1 (y_g - mu_g) = 0 become, with Z = A^(1/2) X and the Pearson
residuals e = A^(-1/2) (y - mu), sum_g Z_g' R_g^-1 e_g = 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .correlated import Grouping
from .families import GAUSSIAN, Canonical
from .working_correlation import WorkingCorrelation, make_possible

TOLERANCE = 1e-11
MAX_ITERATIONS = 300
LONGEST_STEP = 2.0
SMALL_SAMPLE = ("mancl-derouen", "kauermann-carroll")


@dataclass(frozen=True, eq=False)
class GeeSolution:
    """Arrays as in the module's docstring: `scaled` is Z, `weighted` R^-1 Z, `bread` (sum Z' R^-1 Z)^-1, and
    `scores` the terms Z_g' R_g^-1 e_g, one row a group."""

    beta: np.ndarray
    alpha: Any
    scale: float
    eta: np.ndarray
    bread: np.ndarray
    scores: np.ndarray
    scaled: np.ndarray
    weighted: np.ndarray
    impossible: bool  # the moments were no correlation that data can have
    converged: bool


def solve_estimating_equations(
    family: Canonical,
    X: np.ndarray,
    y: np.ndarray,
    offset: np.ndarray,
    beta: np.ndarray,
    structure: WorkingCorrelation,
    grouping: Grouping,
) -> GeeSolution:
    """Turn about a Newton step for beta and the moment estimates of scale and correlation, until both stand."""
    alpha = structure.independent()
    spread = np.where(np.ptp(X, axis=0) > 0, np.ptp(X, axis=0), 1.0)
    converged = impossible = False
    for iteration in range(MAX_ITERATIONS):
        e, Z, scale = _pearson(family, X, y, X @ beta + offset)
        if not scale:  # every outcome is its mean: nothing is correlated
            converged = True
            break
        new_alpha, impossible = make_possible(structure, structure.estimate(e, scale))
        if iteration >= 30:  # beta and alpha may drive each other to and fro: half of the way then
            new_alpha = (alpha + new_alpha) / 2
        weighted = structure.inverse(new_alpha)(Z)
        try:
            step = np.linalg.solve(Z.T @ weighted, weighted.T @ e)
        except np.linalg.LinAlgError:
            break  # a fitted probability of 0 or 1 leaves a coefficient without information
        size = max(1.0, float(np.max(np.abs(beta) * spread)))
        moved = max(float(np.max(np.abs(step) * spread)) / size, float(np.max(np.abs(new_alpha - alpha))))
        if family is not GAUSSIAN:  # a long step on the scale of log odds or log rates leads astray
            step *= min(1.0, LONGEST_STEP / max(float(np.max(np.abs(X @ step))), LONGEST_STEP))
        beta, alpha = beta + step, new_alpha
        if moved <= TOLERANCE:
            converged = True
            break
    eta = X @ beta + offset
    e, Z, scale = _pearson(family, X, y, eta)
    weighted = structure.inverse(alpha)(Z)
    bread = np.linalg.pinv(Z.T @ weighted, hermitian=True)
    scores = grouping.totals(weighted * e[:, None])
    return GeeSolution(beta, alpha, scale, eta, bread, scores, Z, weighted, impossible, converged)


def robust_covariance(solution: GeeSolution, grouping: Grouping, small_sample: str | None) -> np.ndarray:
    """Sandwich over groups, with residuals corrected for what each group contributed to its own fit.

    Mancl & DeRouen (2001) Biometrics 57:126 multiply the residuals of a group by (I - H_g)^-1, Kauermann & Carroll
    (2001) JASA 96:1387 by (I - H_g)^(-1/2), H_g = D_g M D_g' V_g^-1 with M the bread. As D_g' V_g^-1 f(H_g) =
    f(K_g M) D_g' V_g^-1 with K_g = D_g' V_g^-1 D_g, matrices of p rows are enough, whatever the size of the group;
    and with L the symmetric root of M, M f(K_g M) = L f(L K_g L) L.
    """
    if small_sample is None:
        influence = solution.scores @ solution.bread
        return influence.T @ influence
    size, direction = np.linalg.eigh(solution.bread)
    root = (direction * np.sqrt(np.clip(size, 0, None))) @ direction.T
    ends = grouping.starts + grouping.sizes
    K = np.stack(
        [solution.scaled[a:b].T @ solution.weighted[a:b] for a, b in zip(grouping.starts, ends, strict=True)]
    )
    values, vectors = np.linalg.eigh(root @ K @ root)
    power = -1.0 if small_sample == "mancl-derouen" else -0.5
    # a group that alone determines a coefficient has a leverage of 1: nothing is left to estimate it from
    kept = 1 - values > 1e-10
    factor = np.where(kept, np.where(kept, 1 - values, 1.0) ** power, 0.0)
    turned = np.einsum("gij,gi->gj", vectors, solution.scores @ root)
    influence = np.einsum("gij,gj->gi", vectors, factor * turned) @ root
    return influence.T @ influence


def naive_information(family: Canonical, X: np.ndarray, y: np.ndarray, eta: np.ndarray) -> np.ndarray:
    """X' A X over the scale: the information as if all rows were independent."""
    _, Z, scale = _pearson(family, X, y, eta)
    return Z.T @ Z / scale


def _pearson(
    family: Canonical, X: np.ndarray, y: np.ndarray, eta: np.ndarray
) -> tuple[np.ndarray, np.ndarray, float]:
    """Pearson residuals, X scaled by the standard deviations, and the scale: the mean square of the residuals."""
    # a floor far below any fitted variance of use keeps 0/0 out where fitted probabilities reach 0 or 1
    mean = family.mean(eta)
    deviation = np.sqrt(np.maximum(family.variance(mean), 1e-100))
    e = (y - mean) / deviation
    return e, X * deviation[:, None], float(e @ e) / len(e)
