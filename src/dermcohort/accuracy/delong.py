"""Area under the ROC curve and its covariance, by placements.

Sources: DeLong, DeLong & Clarke-Pearson (1988) Biometrics 44:837; Sun & Xu (2014) IEEE Signal Process Lett 21:1389
(placements from midranks in n log n). Ties count one half.
"""

from __future__ import annotations

import numpy as np
from scipy.stats import rankdata


def auc_covariance(scores: np.ndarray, event: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Areas of several scores of the same people, and their covariance.

    Parameters
    ----------
    scores : ndarray of float64, shape (n, k)
    event : ndarray of bool, shape (n,)

    Returns
    -------
    areas : ndarray, shape (k,)
        NaN without events or without non-events.
    covariance : ndarray, shape (k, k)
        NaN where there are fewer than two of either.
    """
    k = scores.shape[1]
    cases, controls = scores[event], scores[~event]
    n1, n0 = len(cases), len(controls)
    if n1 == 0 or n0 == 0:
        return np.full(k, np.nan), np.full((k, k), np.nan)
    ranks = rankdata(scores, axis=0)
    # share of the controls below a case; share of the cases above a control
    placed_cases = (ranks[event] - rankdata(cases, axis=0)) / n0
    placed_controls = 1 - (ranks[~event] - rankdata(controls, axis=0)) / n1
    areas = placed_cases.mean(axis=0)
    if n1 < 2 or n0 < 2:
        return areas, np.full((k, k), np.nan)
    covariance = np.cov(placed_cases.T) / n1 + np.cov(placed_controls.T) / n0
    return areas, covariance.reshape(k, k)


def roc_points(score: np.ndarray, event: np.ndarray) -> dict[str, np.ndarray]:
    """Counts above each threshold: positive is ``score >= threshold``, from infinity (nobody) downwards."""
    threshold = np.append(np.inf, np.unique(score)[::-1])
    true_positive = _at_least(np.sort(score[event]), threshold)
    false_positive = _at_least(np.sort(score[~event]), threshold)
    return {"threshold": threshold, "true_positive": true_positive, "false_positive": false_positive}


def _at_least(ordered: np.ndarray, threshold: np.ndarray) -> np.ndarray:
    return len(ordered) - np.searchsorted(ordered, threshold, side="left")
