"""Exact conditional likelihood of sets in which the number of cases is fixed: arrays in, arrays out.

Given that d of the n members of a set are cases, the probability that it is these is exp(sum of their eta) over the
sum of that over all subsets of size d. Source: Breslow & Day (1980) Statistical Methods in Cancer Research 1, ch. 7;
the same likelihood is Cox's for tied deaths (1972 JRSS B 34:187), R's `clogit` and `coxph(ties = "exact")`.

The sum over subsets grows with n a set at a time (Gail, Lubin & Rubinstein 1981 Biometrika 68:703). Here it is
written with probabilities, which neither overflow nor vanish: let members be cases independently, with odds
s exp(eta). The number of cases then has a Poisson-binomial distribution, found by the same recursion, and given
that it is d the cases are distributed as they must be, whatever s is (Chen & Liu 1997 Statistica Sinica 7:875); s is
chosen so that about d cases are expected. Recursions from both ends of a set give, for each member i, the
probability to be a case and the expected sum of covariates of all cases together with i being one:

    score = sum of x over cases - sum_i pi_i x_i        information = sum_i x_i t_i' - mu mu',  mu = sum_i pi_i x_i.

Sets with the same d and about the same n are taken at once; the smaller ones are filled up with places that have
probability 0.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit

from ..newton import Evaluation, Optimum, newton

NUMBERS_AT_ONCE = 1_000_000
UNFILLED = 16


@dataclass(frozen=True, eq=False)
class SimilarSets:
    """Sets of one number of cases and up to n members.

    Covariates (sets, n, p), which members are cases (sets, n), and which are no fillers (sets, n), who have
    covariates 0; `first_row` is the number of a row of each set.
    """

    X: np.ndarray
    case: np.ndarray
    present: np.ndarray
    first_row: np.ndarray

    @property
    def n_cases(self) -> int:
        return int(self.case[0].sum())


@dataclass(frozen=True, eq=False)
class Moments:
    """Of one evaluation: log-likelihood (sets,), expected sum of x over cases (sets, p), and sum_i x_i t_i' (p, p)."""

    loglik: np.ndarray
    mean: np.ndarray
    second: np.ndarray


def similar_sets(X: np.ndarray, case: np.ndarray, codes: np.ndarray) -> list[SimilarSets]:
    """Sort rows into sets by their codes 0, 1, ...; covariates as distances from the set's mean.

    Every set must have a case and a member that is none.
    """
    order = np.argsort(codes, kind="stable")
    sizes = np.bincount(codes)
    starts = np.cumsum(sizes) - sizes
    cases = np.bincount(codes, case).astype(np.int64)
    places = _places(sizes)
    blocks = []
    for n, n_cases in np.unique(np.column_stack([places, cases]), axis=0):
        chosen = np.flatnonzero((places == n) & (cases == n_cases))
        # bounded memory: the recursions hold the sums of covariates of every beginning of a set
        at_once = max(1, NUMBERS_AT_ONCE // int(n * n_cases * X.shape[1]))
        for part in np.split(chosen, range(at_once, len(chosen), at_once)):
            place = np.arange(n)
            present = place < sizes[part][:, None]
            rows = order[starts[part][:, None] + np.where(present, place, 0)]
            values = np.where(present[:, :, None], X[rows], 0.0)
            means = values.sum(axis=1, keepdims=True) / sizes[part][:, None, None]
            values = np.where(present[:, :, None], values - means, 0.0)
            blocks.append(SimilarSets(values, present & (case[rows] > 0), present, rows[:, 0]))
    return blocks


def _places(sizes: np.ndarray) -> np.ndarray:
    """Sizes, the large ones rounded up by at most a quarter so that there are few different ones."""
    steps = np.ceil(np.log(np.maximum(sizes, UNFILLED) / UNFILLED) / np.log(1.25))
    return np.where(sizes <= UNFILLED, sizes, np.ceil(UNFILLED * 1.25**steps)).astype(np.int64)


def maximize_conditional_likelihood(blocks: list[SimilarSets]) -> Optimum:
    """Newton's method from beta = 0."""
    return newton(lambda beta: evaluate_sets(blocks, beta), np.zeros(blocks[0].X.shape[2]))


def set_scores(blocks: list[SimilarSets], beta: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """For each block the number of a row of each set, and the set's score (sets, p)."""
    for block in blocks:
        yield block.first_row, _observed(block) - _moments(block, beta).mean


def evaluate_sets(blocks: list[SimilarSets], beta: np.ndarray) -> Evaluation:
    p = len(beta)
    loglik, score, information = 0.0, np.zeros(p), np.zeros((p, p))
    for block in blocks:
        moments = _moments(block, beta)
        loglik += moments.loglik.sum()
        score += (_observed(block) - moments.mean).sum(axis=0)
        information += moments.second - moments.mean.T @ moments.mean
    return Evaluation(float(loglik), score, information)


def _observed(block: SimilarSets) -> np.ndarray:
    return np.where(block.case[:, :, None], block.X, 0.0).sum(axis=1)


def _moments(block: SimilarSets, beta: np.ndarray) -> Moments:
    X, d = block.X, block.n_cases
    eta = np.where(block.present, X @ beta, -np.inf)
    log_s = _log_scale(eta, block.present, d)
    log_odds = eta + log_s[:, None]
    # members first: each step of the recursions then works on memory in one piece
    p, x = np.ascontiguousarray(expit(log_odds).T), np.ascontiguousarray(X.transpose(1, 0, 2))
    before, before_x = _running(p, x, d)
    after, after_x = (part[::-1, ::-1] for part in _running(p[::-1], x[::-1], d))
    # k cases before member i and d - 1 - k after it
    with_i = p * (before * after).sum(axis=1)
    probability_of_d = with_i.sum(axis=0) / d
    pi = with_i / probability_of_d
    sums = (after[..., None] * before_x + before[..., None] * after_x).sum(axis=1)
    together = pi[..., None] * x + (p / probability_of_d)[..., None] * sums
    n_covariates = X.shape[2]
    log_subsets = np.log(probability_of_d) + np.logaddexp(0, log_odds).sum(axis=1) - d * log_s
    return Moments(
        loglik=np.where(block.case, eta, 0.0).sum(axis=1) - log_subsets,
        mean=(pi[..., None] * x).sum(axis=0),
        second=x.reshape(-1, n_covariates).T @ together.reshape(-1, n_covariates),
    )


def _running(p: np.ndarray, x: np.ndarray, d: int) -> tuple[np.ndarray, np.ndarray]:
    """Of the members before i: P(k of them are cases) and E(sum of x over cases; k cases), k = 0, ..., d - 1.

    From p (n, sets) and x (n, sets, covariates); shapes (n, d, sets) and (n, d, sets, covariates).
    """
    n, n_sets, n_covariates = x.shape
    probability = np.zeros((n, d, n_sets))
    sums = np.zeros((n, d, n_sets, n_covariates))
    probability[0, 0] = 1.0
    for i in range(n - 1):
        np.multiply(probability[i], 1 - p[i], out=probability[i + 1])
        if d == 1:
            continue
        probability[i + 1, 1:] += p[i] * probability[i, :-1]
        np.multiply(sums[i], (1 - p[i])[:, None], out=sums[i + 1])
        sums[i + 1, 1:] += p[i][:, None] * (sums[i, :-1] + x[i] * probability[i, :-1, :, None])
    return probability, sums


def _log_scale(eta: np.ndarray, present: np.ndarray, d: int) -> np.ndarray:
    """log s with about d cases expected, by bisection; any s is right, this one keeps all digits."""
    level = logit(d / present.sum(axis=1))
    low, high = level - eta.max(axis=1), level - np.where(present, eta, np.inf).min(axis=1)
    for _ in range(12):
        middle = (low + high) / 2
        too_many = expit(eta + middle[:, None]).sum(axis=1) > d
        low, high = np.where(too_many, low, middle), np.where(too_many, middle, high)
    return (low + high) / 2
