"""The Aalen-Johansen estimator of state probabilities and its influence function: arrays in, arrays out.

    p(t) = p(0) prod over t_k <= t of (I + dA(t_k)),   dA_jl = d_jl / n_j,   dA_jj = - sum of dA_jl

with d_jl the moves from state j to l at t_k and n_j those at risk in j. Competing risks are the case where all moves
leave one state. The weight of row i has on p(t) the derivative U_i(t) (infinitesimal jackknife), which follows

    U_i(t_k) = U_i(t_k-) (I + dA) + sum over j of p_j(t_k-) dA_ij,   dA_ijl = (dN_ijl - Y_ij dA_jl) / n_j.

Sources: Aalen & Johansen (1978) Scand J Stat 5:141; Andersen et al. (1993) Statistical Models Based on Counting
Processes, ch. IV.4; infinitesimal jackknife as R's `survfit` with several states.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

CENSORED = -1


@dataclass(frozen=True, eq=False)
class Episodes:
    """Row i is in state `origin` over (entry, exit] and then moves to `target` (-1: observation ends).

    Parameters
    ----------
    entry : ndarray of float64, shape (n,), optional
        None where everybody is there from the start.
    exit_ : ndarray of float64, shape (n,)
    origin, target : ndarray of int, shape (n,)
    weights : ndarray of float64, shape (n,)
    n_states : int
    """

    entry: np.ndarray | None
    exit_: np.ndarray
    origin: np.ndarray
    target: np.ndarray
    weights: np.ndarray
    n_states: int

    def of(self, rows: np.ndarray) -> Episodes:
        """Some of the rows."""
        entry = None if self.entry is None else self.entry[rows]
        return Episodes(
            entry, self.exit_[rows], self.origin[rows], self.target[rows], self.weights[rows], self.n_states
        )


@dataclass(frozen=True, eq=False)
class Occupation:
    """State probabilities at each of T times somebody entered or left, and what they are made of.

    Parameters
    ----------
    time : ndarray of float64, shape (T,)
    at_entry, at_exit : ndarray of int, shape (n,)
        Places of each row's times in `time`; -1 for an entry at the start or first of all.
    n_risk, censored : ndarray of float64, shape (T, S)
    moves : ndarray of float64, shape (T, S, S)
    hazard : ndarray of float64, shape (T, S, S)
        dA.
    before, probability : ndarray of float64, shape (T, S)
        p(t-) and p(t).
    """

    time: np.ndarray
    at_entry: np.ndarray
    at_exit: np.ndarray
    n_risk: np.ndarray
    censored: np.ndarray
    moves: np.ndarray
    hazard: np.ndarray
    before: np.ndarray
    probability: np.ndarray

    @property
    def moments(self) -> np.ndarray:
        """Places of the times somebody moved."""
        return np.flatnonzero(self.moves.any(axis=(1, 2)))


def aalen_johansen(rows: Episodes, start: int = 0) -> Occupation:
    """The probabilities of being in each state of those who are in state `start` at time 0."""
    w, S = rows.weights, rows.n_states
    time = np.unique(rows.exit_ if rows.entry is None else np.concatenate([rows.exit_, rows.entry]))
    T = len(time)
    at_exit = np.searchsorted(time, rows.exit_)
    at_entry = np.full(len(w), -1)
    if rows.entry is not None:
        # nobody moves before the first entry: those who enter then are there from the start
        at_entry = np.where(rows.entry == rows.entry.min(), -1, np.searchsorted(time, rows.entry))
    # at risk at t: entered before t, not left before t
    change = np.bincount((at_entry + 1) * S + rows.origin, w, (T + 1) * S)
    change -= np.bincount((at_exit + 1) * S + rows.origin, w, (T + 1) * S)
    n_risk = np.cumsum(change.reshape(T + 1, S), axis=0)[:T]
    # a risk set that only rounding left non-empty is empty
    n_risk = np.where(n_risk > 1e-9 * w.sum(), n_risk, 0.0)
    moved = rows.target != CENSORED
    cell = (at_exit[moved] * S + rows.origin[moved]) * S + rows.target[moved]
    moves = np.bincount(cell, w[moved], T * S * S).reshape(T, S, S)
    ended = np.bincount(at_exit[~moved] * S + rows.origin[~moved], w[~moved], T * S).reshape(T, S)

    with np.errstate(divide="ignore", invalid="ignore"):
        hazard = np.where(moves > 0, moves / n_risk[:, :, None], 0.0)
    leaving = hazard.sum(axis=2)
    # all at risk moving is exactly 1, whatever the order of summation
    leaving = np.where(np.isclose(leaving, 1.0, rtol=0, atol=1e-12), 1.0, leaving)
    hazard[:, np.arange(S), np.arange(S)] = -leaving
    before, probability = np.empty((T, S)), np.empty((T, S))
    now = np.zeros(S)
    now[start] = 1.0
    moving: np.ndarray = np.asarray(moves.any(axis=(1, 2)))
    for k in range(T):
        before[k] = now
        if moving[k]:
            now = now + now @ hazard[k]
        probability[k] = now
    return Occupation(time, at_entry, at_exit, n_risk, ended, moves, hazard, before, probability)


def unit_influences(
    rows: Episodes, found: Occupation, unit: np.ndarray, n_units: int
) -> Iterator[tuple[int, np.ndarray]]:
    """At each time somebody moves: its place in `found.time`, and the influence (S, n_units) summed within units.

    The array is overwritten at the next time.
    """
    w = rows.weights
    U, at_risk = np.zeros((rows.n_states, n_units)), np.zeros((rows.n_states, n_units))
    entering, leaving = np.argsort(found.at_entry, kind="stable"), np.argsort(found.at_exit, kind="stable")
    moments = found.moments
    entered = np.searchsorted(found.at_entry[entering], moments, "left")
    left = np.searchsorted(found.at_exit[leaving], moments, "left")
    left_after = np.searchsorted(found.at_exit[leaving], moments, "right")
    done_in = done_out = 0
    for k, come, gone, going in zip(moments, entered, left, left_after, strict=True):
        new, old = entering[done_in:come], leaving[done_out:gone]
        np.add.at(at_risk, (rows.origin[new], unit[new]), w[new])
        np.add.at(at_risk, (rows.origin[old], unit[old]), -w[old])
        done_in, done_out = come, gone
        n_risk, hazard = found.n_risk[k], found.hazard[k]
        share = np.where(n_risk > 0, found.before[k] / np.where(n_risk > 0, n_risk, 1.0), 0.0)
        exposed = {j: U[j] - share[j] * at_risk[j] for j in np.flatnonzero(hazard.any(axis=1))}
        for j, influence in exposed.items():
            for target in np.flatnonzero(hazard[j]):
                U[target] += hazard[j, target] * influence
        movers = leaving[gone:going]
        movers = movers[rows.target[movers] != CENSORED]
        amount = w[movers] * share[rows.origin[movers]]
        np.add.at(U, (rows.target[movers], unit[movers]), amount)
        np.add.at(U, (rows.origin[movers], unit[movers]), -amount)
        yield int(k), U
