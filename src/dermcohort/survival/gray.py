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
    happens = (own + other).any(axis=1)
    n, d1, d2 = n_risk[happens], own[happens], other[happens]
    there, G = n > 0, n.shape[1]
    n1 = np.where(there, n, 1.0)
    after = np.cumprod(np.where(there, (n - d1 - d2) / n1, 1.0), axis=0)  # S(t) of each group
    survival = np.vstack([np.ones(G), after[:-1]])  # S(t-)
    increments = survival * d1 / n1
    incidence = np.cumsum(increments, axis=0) - increments  # F(t-)
    # at risk of the subdistribution: those at risk, scaled up by those whom other causes took
    R = n / np.where(there, survival, 1.0)
    total, events = R.sum(axis=1), d1.sum(axis=1)
    pooled = np.cumsum(events / total)  # incidence of all under the hypothesis
    pooled_before = np.append(0.0, pooled[:-1])
    expected = R * (1 - incidence)
    score = (d1 - (events / expected.sum(axis=1))[:, None] * expected).sum(axis=0)

    # the score is the sum of A times what each group's subdistribution hazard is off
    A = R[:, :, None] * np.eye(G) - R[:, :, None] * R[:, None, :] / total[:, None, None]
    C = np.cumsum(A * (events / (total * (1 - pooled_before)))[:, None, None], axis=0)
    alive = after > 0
    per_survivor = np.where(alive, (1 - pooled)[:, None] / np.where(alive, after, 1.0), 0.0)

    # an event of the cause moves the score by A and takes a share of what is to come
    at_risk = total[:, None] * survival
    tied = np.where(events[:, None] > 1, 1 - (events[:, None] - 1) / np.maximum(at_risk - 1, 1e-9), 1.0)
    own_step = np.where(there, tied * survival * events[:, None] / (total[:, None] * n1), 0.0)
    own_lost = np.where(alive, 1 - per_survivor, 1.0)
    # an event of another cause takes a share only
    tied = np.where(d2 > 1, 1 - (d2 - 1) / np.where(n > 1, n - 1, 1.0), 1.0)
    other_step = np.where(there & alive, tied * survival**2 * d2 / n1**2, 0.0)

    # the effect of a group's event at t on the score is `effect` + C(end) times `lost`
    covariance = np.zeros((G, G))
    end = C[-1] if len(C) else np.zeros((G, G))
    for effect, lost, step in (
        (A - C * own_lost[:, None, :], own_lost, own_step),
        (C * per_survivor[:, None, :], -per_survivor, other_step),
    ):
        whole = effect + end * lost[:, None, :]
        covariance += np.einsum("tik,tk,tjk->ij", whole, step, whole)
    return score, covariance
