"""Harrell's concordance for right-censored, late-entering, stratified and weighted data.

Source: Harrell et al. (1982) JAMA 247:2543; pairs as in R's `survival::concordance`: a death is compared with
everybody at risk at its time who outlives it, within the stratum; equal predictions count one half. The standard
error is that of the infinitesimal jackknife.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


def concordance(
    risk: np.ndarray,
    entry: np.ndarray | None,
    exit_: np.ndarray,
    event: np.ndarray,
    strata: np.ndarray | None,
    weights: np.ndarray,
) -> float:
    """Share of comparable pairs in which the higher `risk` has the earlier event; NaN without a pair."""
    places = _places(risk, entry, exit_, event, strata, weights)
    pairs, concordant = places.pairs_of_deaths()
    own = weights[places.deaths]
    comparable = own @ pairs
    return float(own @ concordant / comparable) if comparable > 0 else float("nan")


def concordance_influence(
    risk: np.ndarray,
    entry: np.ndarray | None,
    exit_: np.ndarray,
    event: np.ndarray,
    strata: np.ndarray | None,
    weights: np.ndarray,
) -> np.ndarray:
    """Weight of each row times the derivative of the concordance with respect to it; NaN without a pair.

    A row adds to the share c / p of concordant among comparable pairs its own c_i - (c / p) p_i, over p.
    """
    places = _places(risk, entry, exit_, event, strata, weights)
    pairs_of_deaths, concordant_of_deaths = places.pairs_of_deaths()
    own = weights[places.deaths]
    comparable = own @ pairs_of_deaths
    if not comparable > 0:
        return np.full(len(risk), np.nan)
    pairs, concordant = places.pairs_of_survivors()
    pairs[places.deaths] += pairs_of_deaths
    concordant[places.deaths] += concordant_of_deaths
    return weights * (concordant - (own @ concordant_of_deaths / comparable) * pairs) / comparable


@dataclass(frozen=True, eq=False)
class _Places:
    """Rows as points in time and rank, strata one after the other in both.

    A stratum's times and ranks come after those of the strata before it: later times with lower ranks are then of the
    same stratum. `above_all` is a rank above all of the row's own stratum.
    """

    enters: np.ndarray | None
    leaves: np.ndarray
    rank: np.ndarray
    above_all: np.ndarray
    deaths: np.ndarray
    weights: np.ndarray
    before_all: np.ndarray

    def pairs_of_deaths(self) -> tuple[np.ndarray, np.ndarray]:
        """For each death the weight of those at risk who outlive it, and of those whose risk was lower.

        Those of equal risk count one half among the latter.
        """
        at = self.leaves[self.deaths]
        limits = self._limits(self.deaths)
        later = weight_above(self.leaves, self.rank, self.weights, at, limits)
        if self.enters is not None:
            later -= weight_above(self.enters, self.rank, self.weights, at - 1, limits)
        return later[0], (later[1] + later[2]) / 2

    def pairs_of_survivors(self) -> tuple[np.ndarray, np.ndarray]:
        """For each row the weight of the deaths it outlives while at risk, and of those whose risk was higher."""
        at, rank, own = self.leaves[self.deaths], self.rank[self.deaths], self.weights[self.deaths]
        enters = self.before_all if self.enters is None else self.enters
        limits = self._limits(slice(None))
        outlived = weight_above(at, rank, own, enters, limits)
        outlived -= weight_above(at, rank, own, self.leaves - 1, limits)
        return outlived[0], outlived[0] - (outlived[1] + outlived[2]) / 2

    def _limits(self, rows: np.ndarray | slice) -> np.ndarray:
        return np.stack([self.above_all[rows], self.rank[rows], self.rank[rows] + 1])


def _places(
    risk: np.ndarray,
    entry: np.ndarray | None,
    exit_: np.ndarray,
    event: np.ndarray,
    strata: np.ndarray | None,
    weights: np.ndarray,
) -> _Places:
    stratum = np.zeros(len(exit_), np.int64) if strata is None else strata.astype(np.int64)
    grid = np.unique(exit_ if entry is None else np.concatenate([exit_, entry]))
    width = 2 * len(grid) + 2
    start = stratum * width
    rank = rank_of(risk)
    n_ranks = int(rank.max()) + 1
    return _Places(
        enters=None if entry is None else start + 2 * np.searchsorted(grid, entry),
        # at one time deaths come before those censored, who are known to live longer
        leaves=start + 2 * np.searchsorted(grid, exit_) + (1 - event).astype(np.int64),
        rank=stratum * n_ranks + rank,
        above_all=(stratum + 1) * n_ranks,
        deaths=np.flatnonzero(event),
        weights=weights,
        before_all=start - 1,
    )


def rank_of(risk: np.ndarray) -> np.ndarray:
    """Ranks 0, 1, ... of predictions; those that differ by rounding only are tied.

    Equal rows of covariates may get predictions that differ in the last digit, as matrix products add in an
    order that depends on a row's place in memory.
    """
    order = np.argsort(risk, kind="stable")
    steps = np.diff(risk[order], prepend=risk[order[:1]])
    rank = np.empty(len(risk), np.int64)
    rank[order] = np.cumsum(steps > 1e-12 * max(1.0, float(np.abs(risk).max(initial=0.0))))
    return rank


def weight_above(
    position: np.ndarray,
    rank: np.ndarray,
    weights: np.ndarray,
    above: np.ndarray,
    below_ranks: np.ndarray,
) -> np.ndarray:
    """For each query, the weight of points with position > `above` and rank < its limit.

    `below_ranks` and the result have a row for each of several limits and a column for each query.

    The points of a query are the first m in order of falling position. The binary digits of the places of their ranks
    are looked at from the highest on: where the limit has a 1, those with a 0 are below it; the others, or where the
    limit has a 0 those with a 0, go on to the next digit. Points are sorted by each digit in turn (a wavelet matrix:
    Claude, Navarro & Ordóñez 2015, Information Systems 47:15), so that those of a query stay side by side and one
    running sum a digit serves all queries: n log(n) in all.
    """
    order = np.argsort(-position, kind="stable")
    m = np.searchsorted(-position[order], -above, "left")
    by_rank = np.argsort(rank[order], kind="stable")
    limit = np.searchsorted(rank[order][by_rank], below_ranks)
    place = np.empty(len(rank), np.int64)
    place[by_rank] = np.arange(len(rank))
    weight = weights[order]
    first, last = np.zeros_like(limit), np.broadcast_to(m, limit.shape)
    total = np.zeros(limit.shape)
    for digit in reversed(range(len(rank).bit_length())):
        has_0 = (place >> digit) & 1 == 0
        n_0 = np.concatenate([[0], np.cumsum(has_0)])
        weight_0 = np.concatenate([[0.0], np.cumsum(weight * has_0)])
        below = (limit >> digit) & 1 == 1
        total += np.where(below, weight_0[last] - weight_0[first], 0.0)
        first, last = (np.where(below, n_0[-1] + end - n_0[end], n_0[end]) for end in (first, last))
        by_digit = np.concatenate([np.flatnonzero(has_0), np.flatnonzero(~has_0)])
        place, weight = place[by_digit], weight[by_digit]
    return total
