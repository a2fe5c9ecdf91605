"""Variance of state probabilities over persons who are in one place at a time, without persons x times.

The influence U_i (see `aalen_johansen`) of a person of weight w at risk in state j changes at each time t_k as

    U -> U (I + dA) - w p_j / n_j dA_j ,

the same linear map of x = (U, w e_j) for everybody, B_k say. So the matrix of sums of squares W = sum of x'x goes to
B_k' W B_k, with changes only for those who enter, leave or move at the time. What x is when a row ends follows from
what it was when it began by the product of the B_k between, read from a table of products of 2, 4, 8, ... of them.
"""

from __future__ import annotations

import numpy as np

from .aalen_johansen import CENSORED, Episodes, Occupation


def path_variances(rows: Episodes, found: Occupation, unit: np.ndarray) -> np.ndarray:
    """Variance (K, S) at the K times somebody moves; the rows of a unit must not overlap in time."""
    S, n, moments = rows.n_states, len(unit), found.moments
    K = len(moments)
    n_risk = found.n_risk[moments]
    share = np.where(n_risk > 0, found.before[moments] / np.where(n_risk > 0, n_risk, 1.0), 0.0)
    hazard = found.hazard[moments]
    steps = np.zeros((K, 2 * S, 2 * S))
    steps[:] = np.eye(2 * S)
    steps[:, :S, :S] += hazard
    steps[:, S:, :S] = -share[:, :, None] * hazard
    products = _Products(steps)

    # a row is at risk at the moments first, ..., last - 1
    first = np.searchsorted(moments, found.at_entry, "right")
    last = np.searchsorted(moments, found.at_exit, "right")
    begin, end, after = (np.zeros((n, 2 * S)) for _ in range(3))
    at_risk = np.zeros((n, 2 * S))
    at_risk[np.arange(n), S + rows.origin] = rows.weights
    order = np.lexsort((found.at_entry, unit))
    starts = np.flatnonzero(np.append(True, unit[order][1:] != unit[order][:-1]))
    rank = np.arange(n) - np.repeat(starts, np.diff(np.append(starts, n)))
    carried = np.zeros((n, 2 * S))  # the influence of a unit when its next row begins
    for r in range(int(rank.max()) + 1):
        places = np.flatnonzero(rank == r)
        now = order[places]
        if r:
            previous = order[places - 1]
            carried[now] = products.apply(after[previous], last[previous], first[now])
        begin[now] = carried[now] + at_risk[now]
        end[now] = products.apply(begin[now], first[now], last[now])
        after[now] = end[now]
        after[now, S:] = 0.0
        movers = now[rows.target[now] != CENSORED]
        amount = rows.weights[movers] * share[last[movers] - 1, rows.origin[movers]]
        after[movers, rows.target[movers]] += amount
        after[movers, rows.origin[movers]] -= amount

    entering = _squares(begin, first, K) - _squares(carried, first, K)
    leaving = _squares(after, last, K) - _squares(end, last, K)
    W, variance = leaving[0], np.empty((K, S))
    for k in range(K):
        W = steps[k].T @ (W + entering[k]) @ steps[k] + leaving[k + 1]
        variance[k] = np.diag(W)[:S]
    return np.maximum(variance, 0.0)


def _squares(x: np.ndarray, place: np.ndarray, K: int) -> np.ndarray:
    """Sums of x'x by place 0, ..., K, shape (K + 1, p, p)."""
    p = x.shape[1]
    result = np.zeros((K + 1, p, p))
    used = np.flatnonzero(x.any(axis=0))
    for i in used:
        for j in used[used <= i]:
            result[:, i, j] = result[:, j, i] = np.bincount(place, x[:, i] * x[:, j], K + 1)
    return result


class _Products:
    """Products of matrices (K, p, p) over any range, each from two products that are stored.

    At level l the K matrices are in blocks of 2^(l + 1); stored is the product from each to the middle of its block,
    or from the middle to it. A range is cut at the middle of the smallest block that holds it.
    """

    def __init__(self, matrices: np.ndarray) -> None:
        K, p, _ = matrices.shape
        self.levels = []
        size = 1 << max(K - 1, 1).bit_length()
        padded = np.concatenate([matrices, np.broadcast_to(np.eye(p), (size - K, p, p))])
        half = 1
        while half < size:
            blocks = padded.reshape(-1, 2 * half, p, p).copy()
            for i in range(1, half):
                blocks[:, half - 1 - i] = blocks[:, half - 1 - i] @ blocks[:, half - i]
                blocks[:, half + i] = blocks[:, half + i - 1] @ blocks[:, half + i]
            self.levels.append(blocks.reshape(size, p, p))
            half *= 2

    def apply(self, x: np.ndarray, start: np.ndarray, stop: np.ndarray) -> np.ndarray:
        """Each row of x (n, p) times the product of the matrices start, ..., stop - 1."""
        result = x.copy()
        length = stop - start
        final = np.maximum(stop - 1, 0)
        # the highest bit in which the ends differ
        level = np.frexp((start ^ final).astype(float))[1] - 1
        one = length == 1
        result[one] = np.einsum("ni,nij->nj", x[one], self.levels[0][start[one]])
        for number, table in enumerate(self.levels):
            here = np.flatnonzero((length > 1) & (level == number))
            half_way = np.einsum("ni,nij->nj", x[here], table[start[here]])
            result[here] = np.einsum("ni,nij->nj", half_way, table[final[here]])
        return result
