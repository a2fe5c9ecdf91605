"""Harrell's concordance for right-censored, late-entering, stratified and weighted data.

Source: Harrell et al. (1982) JAMA 247:2543; pairs as in R's `survival::concordance`: a death is compared with
everybody at risk at its time who outlives it, within the stratum; equal predictions count one half. The standard error is the infinitesimal jackknife's.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Concordance:
    """Share of comparable pairs in which the higher risk has the earlier event, NaN without a pair.

    `influence` is the weight of each row times the derivative of the share with respect to it.
    """

    estimate: float
    influence: np.ndarray


def concordance(
    risk: np.ndarray,
    entry: np.ndarray | None,
    exit_: np.ndarray,
    event: np.ndarray,
    strata: np.ndarray | None,
    weights: np.ndarray,
) -> Concordance:
    """Count the pairs of each death with those who outlive it, and of each row with the deaths it outlives."""
    stratum = np.zeros(len(exit_), np.int64) if strata is None else strata.astype(np.int64)
    grid = np.unique(exit_ if entry is None else np.concatenate([exit_, entry]))
    width = 2 * len(grid) + 2
    # at one time deaths come before those censored, who are known to live longer
    leaves = stratum * width + 2 * np.searchsorted(grid, exit_) + (1 - event).astype(np.int64)
    enters = stratum * width + (-1 if entry is None else 2 * np.searchsorted(grid, entry))
    rank = rank_of(risk)
    everything = rank.max() + 1
    deaths = np.flatnonzero(event)
    at, rank_of_deaths, own = leaves[deaths], rank[deaths], weights[deaths]
    in_later_strata = (stratum[deaths] + 1) * width - 1

    def outlived(limit: np.ndarray) -> np.ndarray:
        """Weight of those at risk who outlive each death, their rank of risk below `limit`."""
        later = weight_above(leaves, rank, weights, at, limit)
        later -= weight_above(leaves, rank, weights, in_later_strata, limit)
        if entry is not None:
            later -= weight_above(enters, rank, weights, at - 1, limit)
            later += weight_above(enters, rank, weights, in_later_strata, limit)
        return later

    def outlives(limit: np.ndarray) -> np.ndarray:
        """Weight of the deaths that each row is at risk at and outlives, their rank of risk below `limit`."""
        since_entry = weight_above(at, rank_of_deaths, own, enters, limit)
        return since_entry - weight_above(at, rank_of_deaths, own, leaves - 1, limit)

    pairs_of_deaths = outlived(np.full(len(deaths), everything))
    concordant_of_deaths = (outlived(rank_of_deaths) + outlived(rank_of_deaths + 1)) / 2
    comparable = own @ pairs_of_deaths
    if not comparable > 0:
        return Concordance(float("nan"), np.full(len(risk), np.nan))
    share = float(own @ concordant_of_deaths / comparable)
    pairs = outlives(np.full(len(risk), everything))
    concordant = pairs - (outlives(rank) + outlives(rank + 1)) / 2
    pairs[deaths] += pairs_of_deaths
    concordant[deaths] += concordant_of_deaths
    return Concordance(share, weights * (concordant - share * pairs) / comparable)


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
    below_rank: np.ndarray,
) -> np.ndarray:
    """For each query, the weight of points with position > `above` and rank < `below_rank`.

    The points in order of falling position are cut into blocks of 1, 2, 4, ...; the points of a query are the
    first m, which are one block for each binary digit of m. Within a block, sorted by rank, one search finds
    the weight: n log(n)^2 in all, without a loop over rows.
    """
    order = np.argsort(-position, kind="stable")
    rank, weights = rank[order], weights[order]
    m = np.searchsorted(-position[order], -above, "left")
    n_ranks = int(max(rank.max(), below_rank.max())) + 2
    index = np.arange(len(rank))
    total = np.zeros(len(above))
    size = 1
    while size <= len(rank):
        has_block = (m & size) > 0
        if has_block.any():
            key = (index // size) * n_ranks + rank
            by_key = np.argsort(key, kind="stable")
            sorted_key = key[by_key]
            running = np.concatenate([[0.0], np.cumsum(weights[by_key])])
            block = m[has_block] // size - 1
            end = np.searchsorted(sorted_key, block * n_ranks + below_rank[has_block], "left")
            start = block * size
            total[has_block] += running[end] - running[start]
        size *= 2
    return total
