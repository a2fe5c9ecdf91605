"""Draw controls from risk sets, and the probability of each person to be drawn: arrays in, arrays out.

Sources: Thomas (1977) JRSS A 140:469 and Goldstein & Langholz (1992) Ann Stat 20:1903 (the sampling); Samuelsen (1997)
Biometrika 84:379 (the probabilities).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class RiskSetSample:
    """Sets one after the other, the case first.

    Parameters
    ----------
    rows : ndarray of int, shape (members of all sets,)
    is_case : ndarray of bool, same shape
    n_eligible : ndarray of int, shape (sets,)
    probability : ndarray of float64, shape (n,)
        Of each person to be in a set; 1 of cases.
    """

    rows: np.ndarray
    is_case: np.ndarray
    n_eligible: np.ndarray
    probability: np.ndarray


def sample_risk_sets(
    entry: np.ndarray | None,
    exit_: np.ndarray,
    event: np.ndarray,
    group: np.ndarray,
    near: np.ndarray,
    width: np.ndarray,
    controls: int,
    rng: np.random.Generator,
) -> RiskSetSample:
    """For each case, in order of time and row, up to `controls` others of its group who are at risk and near.

    Parameters
    ----------
    entry, exit_ : ndarray of float64, shape (n,)
        At risk over (entry, exit]; `entry` is None where everybody enters at the start.
    event : ndarray of bool, shape (n,)
    group : ndarray of int, shape (n,)
    near : ndarray of float64, shape (n, q)
        Values in which controls may differ from their case by at most `width` (q,).
    """
    start = np.full(len(exit_), -np.inf) if entry is None else entry
    by_group = np.argsort(group, kind="stable")
    bounds = np.searchsorted(group[by_group], np.arange(group.max() + 2))
    cases = np.flatnonzero(event)
    cases = cases[np.argsort(exit_[cases], kind="stable")]
    log_missed = np.zeros(len(exit_))
    sets, n_eligible = [], []
    for case in cases:
        members = by_group[bounds[group[case]] : bounds[group[case] + 1]]
        t = exit_[case]
        at_risk = (start[members] < t) & ((exit_[members] > t) | ((exit_[members] == t) & ~event[members]))
        eligible = members[at_risk]
        if len(width):
            # the differences of decimal numbers are not exact: 40.3 - 38.3 is above 2
            far = np.abs(near[eligible] - near[case]) > width + 1e-9 * np.abs(near[case])
            eligible = eligible[~far.any(axis=1)]
        n, m = len(eligible), min(controls, len(eligible))
        if n:
            log_missed[eligible] += np.log1p(-m / n) if m < n else -np.inf
        sets.append(np.concatenate([[case], rng.choice(eligible, m, replace=False) if m else eligible]))
        n_eligible.append(n)
    rows = np.concatenate(sets).astype(np.int64)
    sizes = np.array([len(one) for one in sets])
    is_case = np.zeros(len(rows), bool)
    is_case[np.cumsum(sizes) - sizes] = True
    probability = np.where(event, 1.0, 0 - np.expm1(log_missed))
    return RiskSetSample(rows, is_case, np.array(n_eligible), probability)
