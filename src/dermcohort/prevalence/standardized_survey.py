"""Standardized prevalence from a sample survey: the weighted prevalence of each cell, averaged by the standard.

With W_c the share of the standard and p_c the weighted prevalence of cell c, sum_c W_c p_c has the influence
W_c w_i (y_i - p_c) / sum(w) of row i in its cell c: the cells' sizes count as known, as in poststratification. Numbers
as R's `svystandardize` with `svyby(svymean)`, survey 4.1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..variance import Replicates, Sample, weighted_means
from .survey import INTERVALS


@dataclass(frozen=True, eq=False)
class Standardized:
    """Crude and standardized prevalence of each group: arrays (2, n_groups)."""

    estimate: np.ndarray
    std_error: np.ndarray
    low: np.ndarray
    high: np.ndarray
    df: np.ndarray
    n: np.ndarray
    n_cell: np.ndarray


def standardize_survey(
    y: np.ndarray,
    group: np.ndarray,
    cell: np.ndarray,
    n_groups: int,
    share: np.ndarray,
    sample: Sample | Replicates,
    ci: str,
    conf_level: float,
) -> Standardized:
    """Both prevalences of each group; rows in no group have code -1 and stay in the design."""
    n_cells = len(share)
    joint = np.where(group >= 0, group * n_cells + cell, -1)
    crude = weighted_means(y, group, n_groups, sample)
    cells = weighted_means(y, joint, n_groups * n_cells, sample)
    by_group = cells.estimate.reshape(n_groups, n_cells)
    counted = share > 0  # nobody is needed where the standard has nobody
    adjusted = np.where(counted, share * np.where(counted, by_group, 0.0), 0.0).sum(axis=1)
    variance = np.empty(n_groups)
    for k in range(n_groups):
        block = slice(k * n_cells, (k + 1) * n_cells)
        V = cells.covariance[block, block][np.ix_(counted, counted)]
        variance[k] = share[counted] @ V @ share[counted]
    estimate = np.vstack([crude.estimate, adjusted])
    std_error = np.sqrt(np.vstack([np.diag(crude.covariance), np.clip(variance, 0, None)]))
    low, high = np.full((2, n_groups), np.nan), np.full((2, n_groups), np.nan)
    for i, k in np.argwhere((std_error > 0) & (crude.df > 0)):
        p, var = float(estimate[i, k]), float(std_error[i, k] ** 2)
        low[i, k], high[i, k] = INTERVALS[ci](p, var, crude.n[k], crude.df[k], conf_level)
    return Standardized(estimate, std_error, low, high, crude.df, crude.n, cells.n.reshape(n_groups, n_cells))
