"""Variances of cumulative incidences where rows are independent, without rows x times: arrays in, arrays out.

With one state to leave, the recursion of `aalen_johansen` has a closed form. A change of the hazard at u moves the
incidence of cause k at t by what it adds to k at u, less what those taken out would have become later:

    U_ik(t) = sum over u <= t of S(u-) [dA_ik(u) - dA_i(u) (F_k(t) - F_k(u)) / S(u)] = a_i(t) + b_i(t) D(t)

with D(t) = F_k(end) - F_k(t), which never exceeds S(t), so that no digits are lost where S is small. While row i is
at risk, a_i and b_i are the same running sums for all rows but for their value at entry; after it they stand still.

Aalen's variance adds up the variances of the increments of the hazards instead, those of d tied events among n being
hypergeometric.

Sources: as `aalen_johansen`; Aalen (1978) Ann Stat 6:534; Gray (1988) Ann Stat 16:1141 (R's `cmprsk::cuminc`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .aalen_johansen import Episodes, Occupation


@dataclass(frozen=True, eq=False)
class _Cause:
    """Incidence of one cause at the T times: what both variances are made of."""

    number: int
    survival_before: np.ndarray
    n_risk: np.ndarray
    own: np.ndarray
    all_: np.ndarray
    to_come: np.ndarray
    per_survivor: np.ndarray


def jackknife_errors(rows: Episodes, found: Occupation) -> np.ndarray:
    """Infinitesimal jackknife standard error (T, S) of the incidence of each cause; 0 for the state that is left."""
    errors = np.zeros((len(found.time), rows.n_states))
    for k in range(1, rows.n_states):
        errors[:, k] = np.sqrt(_jackknife_variance(rows, found, _cause(found, k)))
    return errors


def aalen_errors(found: Occupation) -> np.ndarray:
    """Aalen's standard error (T, S) of the incidence of each cause; 0 for the state that is left."""
    errors = np.zeros_like(found.probability)
    for k in range(1, found.probability.shape[1]):
        errors[:, k] = np.sqrt(_aalen_variance(_cause(found, k)))
    return errors


def incidence_influence(rows: Episodes, found: Occupation, number: int, time: float) -> np.ndarray:
    """Influence (n,) of each row, weights included, on the incidence of cause `number` at one time."""
    cause = _cause(found, number)
    until = int(np.searchsorted(found.time, time, "right"))
    increments = np.where(
        np.arange(len(found.time)) < until, cause.survival_before * cause.own / cause.n_risk, 0.0
    )
    to_come = np.append(np.cumsum(increments[:0:-1])[::-1], 0.0)
    reached = np.where(np.arange(len(found.time)) < until, cause.survival_before / cause.n_risk, 0.0)
    any_event = -reached * to_come * cause.per_survivor
    at_risk = np.append(0.0, np.cumsum((any_event * cause.all_ + reached * cause.own) / cause.n_risk))
    last = found.at_exit
    own = np.where(rows.target >= 0, any_event[last], 0.0) + np.where(
        rows.target == number, reached[last], 0.0
    )
    return rows.weights * (own - (at_risk[last + 1] - at_risk[found.at_entry + 1]))


def _cause(found: Occupation, number: int) -> _Cause:
    increments = found.before[:, 0] * found.hazard[:, 0, number]
    survival = found.probability[:, 0]
    return _Cause(
        number=number,
        survival_before=found.before[:, 0],
        n_risk=np.where(found.n_risk[:, 0] > 0, found.n_risk[:, 0], 1.0),
        own=found.moves[:, 0, number],
        all_=found.moves[:, 0].sum(axis=1),
        to_come=np.append(np.cumsum(increments[:0:-1])[::-1], 0.0),
        # where nobody survives nothing is to come
        per_survivor=np.where(survival > 0, 1 / np.where(survival > 0, survival, 1.0), 0.0),
    )


def _jackknife_variance(rows: Episodes, found: Occupation, cause: _Cause) -> np.ndarray:
    T, w2 = len(found.time), rows.weights**2
    D, scale = cause.to_come, cause.survival_before / cause.n_risk
    # what an event of any cause, and one of this cause besides, adds to a and b
    any_a, any_b = -scale * D * cause.per_survivor, scale * cause.per_survivor
    # what being at risk takes off, as running sums from 0
    rate, own_rate = cause.all_ / cause.n_risk, cause.own / cause.n_risk
    A = np.append(0.0, np.cumsum(any_a * rate + scale * own_rate))
    B = np.append(0.0, np.cumsum(any_b * rate))
    first, last = found.at_entry + 1, found.at_exit
    entry_a, entry_b = A[first], B[first]

    event = rows.target >= 0
    own = rows.target == cause.number
    final_a = entry_a - A[last + 1] + np.where(event, any_a[last] + np.where(own, scale[last], 0.0), 0.0)
    final_b = entry_b - B[last + 1] + np.where(event, any_b[last], 0.0)

    def gone(values: np.ndarray) -> np.ndarray:
        """Sum over those who left at or before each time."""
        return np.cumsum(np.bincount(last, values, T))

    def still(values: np.ndarray) -> np.ndarray:
        """Sum over those who entered before each time and leave after it."""
        return np.cumsum(np.bincount(first, values, T + 1))[:T] - gone(values)

    left = gone(w2 * final_a**2) + 2 * D * gone(w2 * final_a * final_b) + D**2 * gone(w2 * final_b**2)
    now = A[1:] + B[1:] * D
    staying = now**2 * still(w2)
    if rows.entry is not None:
        at_entry = still(w2 * entry_a) + D * still(w2 * entry_b)
        squared = still(w2 * entry_a**2) + 2 * D * still(w2 * entry_a * entry_b)
        staying += squared + D**2 * still(w2 * entry_b**2) - 2 * now * at_entry
    variance = np.maximum(left, 0.0) + np.maximum(staying, 0.0)
    # before the first event of the cause the terms cancel: exactly, not to rounding
    return np.where(np.cumsum(cause.own) > 0, variance, 0.0)


def _aalen_variance(cause: _Cause) -> np.ndarray:
    D, per_survivor = cause.to_come, cause.per_survivor
    other = cause.all_ - cause.own

    def of_hazard(d: np.ndarray) -> np.ndarray:
        """S(u-)^2 times the hypergeometric variance of d / n."""
        tied = np.where(d > 1, 1 - (d - 1) / np.where(cause.n_risk > 1, cause.n_risk - 1, 1.0), 1.0)
        return cause.survival_before**2 * tied * d / cause.n_risk**2

    lost = -D * per_survivor
    variance = np.zeros_like(D)
    # a death of another cause where nobody survives takes nothing away
    for step, effect in ((of_hazard(cause.own), 1 + lost), (of_hazard(other), lost)):
        moments = [np.cumsum(step * effect ** (2 - j) * per_survivor**j) for j in range(3)]
        variance += moments[0] + 2 * D * moments[1] + D**2 * moments[2]
    return np.maximum(variance, 0.0)
