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
    # by group and, within it, by exit: who is at risk stands in one piece of memory, or is left out by entry
    order = np.lexsort((exit_, group))
    t, dies, values = exit_[order], event[order], near[order]
    start = None if entry is None else entry[order]
    ends = np.searchsorted(group[order], np.arange(group.max() + 2))
    log_missed = np.zeros(len(order))
    cases = np.flatnonzero(dies)
    sets, n_eligible = [], []
    for case in cases[np.lexsort((order[cases], t[cases]))]:
        low, high = ends[group[order[case]]], ends[group[order[case]] + 1]
        first = low + np.searchsorted(t[low:high], t[case], "left")
        after = low + np.searchsorted(t[low:high], t[case], "right")
        free = np.ones(high - first, bool)
        free[: after - first] = ~dies[first:after]
        if start is not None:
            free &= start[first:high] < t[case]
        for value, w in zip(values.T, width, strict=True):
            # the differences of decimal numbers are not exact: 40.3 - 38.3 is above 2
            free &= np.abs(value[first:high] - value[case]) <= w + 1e-9 * abs(value[case])
        eligible = first + np.flatnonzero(free)
        n, m = len(eligible), min(controls, len(eligible))
        if n:
            missed = log_missed[first:high]
            np.add(missed, np.log1p(-m / n) if m < n else -np.inf, out=missed, where=free)
        drawn = rng.choice(eligible, m, replace=False) if m else eligible
        sets.append(order[np.concatenate([[case], drawn])])
        n_eligible.append(n)
    rows = np.concatenate(sets)
    sizes = np.array([len(one) for one in sets])
    is_case = np.zeros(len(rows), bool)
    is_case[np.cumsum(sizes) - sizes] = True
    probability = np.empty(len(order))
    probability[order] = np.where(dies, 1.0, 0 - np.expm1(log_missed))
    return RiskSetSample(rows, is_case, np.array(n_eligible), probability)
