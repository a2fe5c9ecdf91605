"""The influence of each row on a survival curve, and the variances made of it.

The weight w_i of row i has on -log S(t) the derivative (infinitesimal jackknife, as in R's `survfit(robust = TRUE)`)

    u_i(t) = sum over t_k <= t of p_k [i has its event at t_k] - g_k [i is at risk at t_k]

where, with d_k events among n_k at risk, p = 1 / (n - d) and g = d / (n (n - d)) for the product-limit estimator
(S = prod (1 - d/n)) and p = 1 / n, g = d / n^2 for exp(-H), H = sum d/n. The influence of the row is w_i u_i.

Rows x times are never formed. Sums within clusters or sampling units follow from the events and the numbers at risk
of each unit; independent rows need three running sums.

Sources: Reid (1981) Ann Stat 9:78; Therneau & Grambsch (2000) Modeling Survival Data, ch. 7; Williams (1995)
Biometrics 51:1450 (surveys).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

# Cells of the matrix units x times held at once
BLOCK = 4_000_000


@dataclass(frozen=True, eq=False)
class CurveInfluence:
    """What u_i is made of. Event times are numbered 0, ..., K - 1; row i is at risk at first_i, ..., last_i - 1.

    Parameters
    ----------
    first, last : ndarray of int, shape (n,)
    event : ndarray of bool, shape (n,)
        The row has its event, at the event time last_i - 1.
    weights : ndarray of float64, shape (n,)
    per_event, per_risk : ndarray of float64, shape (K,)
        p and g.
    """

    first: np.ndarray
    last: np.ndarray
    event: np.ndarray
    weights: np.ndarray
    per_event: np.ndarray
    per_risk: np.ndarray

    def greenwood(self) -> np.ndarray:
        """Variance (K,) of log S by Greenwood's formula (of H where S = exp(-H)): the sum of g."""
        return np.cumsum(self.per_risk)

    def independent(self, scale: np.ndarray | float = 1.0) -> np.ndarray:
        """Variance (K,) of log S where rows are independent: the sum of w_i^2 u_i^2, each times its `scale`.

        With G the running sum of g, a row at risk has u = -(G(t) - G(entry)) and keeps p - (G(exit) - G(entry)), or
        -(G(exit) - G(entry)) without an event, from its exit on. The square of the first is expanded.
        """
        K = len(self.per_risk)
        G = np.concatenate([[0.0], np.cumsum(self.per_risk)])
        w2, at_entry = scale * self.weights**2, G[self.first]
        last_time = np.maximum(self.last - 1, 0)
        final = np.where(self.event, self.per_event[last_time], 0.0) - (G[self.last] - at_entry)
        # an event ends a row's time at risk at its time, anything else after it
        gone_from = np.where(self.event, last_time, self.last)
        gone = np.cumsum(np.bincount(gone_from, w2 * final**2, K + 1))[:K]
        still = []
        for power in range(3):
            moment = w2 * at_entry**power
            change = np.bincount(self.first, moment, K + 1) - np.bincount(gone_from, moment, K + 1)
            still.append(np.cumsum(change)[:K])
        return gone + np.maximum(G[1:] ** 2 * still[0] - 2 * G[1:] * still[1] + still[2], 0.0)

    def of_units(
        self,
        units: Sequence[tuple[np.ndarray, int]],
        variances: Callable[[Sequence[np.ndarray]], np.ndarray],
    ) -> np.ndarray:
        """Variance (K,) of log S from the influence summed within units.

        Parameters
        ----------
        units : sequence of (ndarray of int, shape (n,), int)
            Unit of each row and number of units; one pair for each stage of sampling.
        variances : callable
            From totals (n_units, times), one array a stage, to variances (times,).
        """
        K = len(self.per_risk)
        block = max(1, BLOCK // max(n_units for _, n_units in units))
        result = np.empty(K)
        before = [np.zeros(n_units) for _, n_units in units]
        for start in range(0, K, block):
            stop = min(start + block, K)
            totals = [
                influence[:, None] + self._increments(unit, n_units, start, stop)
                for influence, (unit, n_units) in zip(before, units, strict=True)
            ]
            result[start:stop] = variances(totals)
            before = [total[:, -1] for total in totals]
        return result

    def _increments(self, unit: np.ndarray, n_units: int, start: int, stop: int) -> np.ndarray:
        """What the event times start, ..., stop - 1 add to the influence of each unit, as running sums."""
        there = self.last > start

        def sums(index: np.ndarray, rows: np.ndarray) -> np.ndarray:
            """Weights by unit and time `index`, what comes before `start` counted at it."""
            counted = np.flatnonzero(rows & (index < stop))
            cell = unit[counted] * (stop - start) + np.maximum(index[counted] - start, 0)
            flat = np.bincount(cell, self.weights[counted], n_units * (stop - start))
            return flat.reshape(n_units, stop - start)

        at_risk = np.cumsum(sums(self.first, there) - sums(self.last, there), axis=1)
        events = sums(self.last - 1, there & self.event)
        return np.cumsum(events * self.per_event[start:stop] - at_risk * self.per_risk[start:stop], axis=1)
