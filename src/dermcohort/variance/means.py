"""Weighted means and ratios of groups with their design-based covariance: what most survey estimates are made of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .replicates import Replicates
from .survey import Sample


@dataclass(frozen=True, eq=False)
class Means:
    """Mean (or ratio) of each of G groups, covariance (G, G), design degrees of freedom and the rows with weight."""

    estimate: np.ndarray
    covariance: np.ndarray
    df: np.ndarray
    n: np.ndarray

    @property
    def std_error(self) -> np.ndarray:
        return np.sqrt(np.diag(self.covariance))


def weighted_means(
    values: np.ndarray, group: np.ndarray, n_groups: int, sample: Sample | Replicates
) -> Means:
    """Means sum(w y) / sum(w) by group: ratios to 1. See `weighted_ratios`."""
    return weighted_ratios(values, np.ones(len(values)), group, n_groups, sample)


def weighted_ratios(
    top: np.ndarray, bottom: np.ndarray, group: np.ndarray, n_groups: int, sample: Sample | Replicates
) -> Means:
    """Ratios sum(w y) / sum(w x) by group; the influence of row i on its own is w_i (y_i - ratio x_i) / sum(w x).

    Parameters
    ----------
    top, bottom : ndarray of float64, shape (n,)
        y and x. What they are outside the groups does not matter.
    group : ndarray of int, shape (n,)
        0, 1, ..., or -1 for rows that are in none: they stay in the design as rows without influence.
    """
    inside = group >= 0
    y, x, g = np.where(inside, top, 0.0), np.where(inside, bottom, 0.0), np.where(inside, group, 0)

    def ratios(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        w = np.where(inside, weights, 0.0)
        total = np.bincount(g, w * x, n_groups)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.bincount(g, w * y, n_groups) / total, w, total

    estimate, w, total = ratios(sample.weights)
    n = np.bincount(g[w > 0], minlength=n_groups)
    if isinstance(sample, Replicates):
        df = np.array([sample.degrees_of_freedom(group == k) for k in range(n_groups)])
        return Means(estimate, sample.covariance(lambda weights: ratios(weights)[0]), df, n)
    known = total != 0
    residual = y - np.where(known, estimate, 0.0)[g] * x
    influence = w * residual / np.where(known, total, 1.0)[g]
    covariance = sample.covariance_by(influence, group, n_groups)
    covariance[~known] = np.nan
    covariance[:, ~known] = np.nan
    return Means(estimate, covariance, sample.degrees_of_freedom_by(group, n_groups), n)
