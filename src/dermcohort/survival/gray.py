"""Gray's test that the cumulative incidence of a cause is the same in all groups: counts in, numbers out.

Source: Gray (1988) Ann Stat 16:1141, with rho = 0: the score compares the subdistribution hazards of the groups; its
variance allows for tied events as R's `cmprsk::cuminc`.
"""

from __future__ import annotations

import numpy as np


def gray_score(n_risk: np.ndarray, own: np.ndarray, other: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Score (G,) of the G groups and its covariance (G, G), of rank G - 1 at most.

    Parameters
    ----------
    n_risk, own, other : ndarray of float64, shape (T, G)
        At risk, events of the cause and of other causes, at each time and in each group.
    """
    T, G = n_risk.shape
    score, covariance = np.zeros(G), np.zeros((G, G))
    survival, incidence = np.ones(G), np.zeros(G)  # of each group, before the time
    pooled = 0.0  # incidence of all under the hypothesis, before the time
    C = np.zeros((G, G))
    # sums of products of the martingale of group k with itself and with what it does to the score
    v2, v3 = np.zeros((G, G)), np.zeros(G)
    for k in range(T):
        d1, d2, n = own[k], other[k], n_risk[k]
        events, there = d1.sum(), n > 0
        if events + d2.sum() == 0:
            continue
        n1 = np.where(there, n, 1.0)
        # at risk of the subdistribution: those at risk, scaled up by those whom other causes took
        R = n / np.where(there, survival, 1.0)
        after = np.where(there, survival * (n - d1 - d2) / n1, survival)
        new_pooled = pooled + events / R.sum()
        A = np.diag(R) - np.outer(R, R) / R.sum()
        C = C + A * events / (R.sum() * (1 - pooled))
        alive = after > 0
        per_survivor = np.where(alive, (1 - new_pooled) / np.where(alive, after, 1.0), 0.0)
        if events > 0:
            expected = R * (1 - incidence)
            score += d1 - events * expected / expected.sum()
            lost = np.where(alive, 1 - per_survivor, 1.0)
            tied = 1 - (events - 1) / (R.sum() * survival - 1) if events > 1 else np.ones(G)
            step = np.where(there, tied * survival * events / (R.sum() * n1), 0.0)
            effect = A - C * lost
            covariance += (effect * step) @ effect.T
            v2 += effect * (lost * step)
            v3 += lost**2 * step
        tied = np.where(d2 > 1, 1 - (d2 - 1) / np.where(n > 1, n - 1, 1.0), 1.0)
        step = np.where(there & alive, tied * survival**2 * d2 / n1**2, 0.0)
        effect = C * per_survivor
        covariance += (effect * step) @ effect.T
        v2 -= effect * (per_survivor * step)
        v3 += per_survivor**2 * step
        incidence = incidence + np.where(there, survival * d1 / n1, 0.0)
        survival, pooled = after, new_pooled
    return score, covariance + (C * v3) @ C.T + C @ v2.T + v2 @ C.T
