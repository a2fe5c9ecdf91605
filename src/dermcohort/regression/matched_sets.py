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

All sets with the same n and d are taken at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit

from .newton import Evaluation, Optimum, newton

NUMBERS_AT_ONCE = 2_000_000


@dataclass(frozen=True, eq=False)
class SameSize:
    """Sets of one size and one number of cases: covariates (sets, n, p), which members are cases, row numbers."""

    X: np.ndarray
    case: np.ndarray
    rows: np.ndarray

    @property
    def n_cases(self) -> int:
        return int(self.case[0].sum())


@dataclass(frozen=True, eq=False)
class Moments:
    """Of one evaluation: log-likelihood (sets,), expected sum of x over cases (sets, p), and sum_i x_i t_i' (p, p)."""

    loglik: np.ndarray
    mean: np.ndarray
    second: np.ndarray


def same_size_sets(X: np.ndarray, case: np.ndarray, codes: np.ndarray) -> list[SameSize]:
    """Sort rows into sets by their codes 0, 1, ...; covariates as distances from the set's mean.

    Every set must have a case and a member that is none.
    """
    order = np.argsort(codes, kind="stable")
    sizes = np.bincount(codes)
    starts = np.cumsum(sizes) - sizes
    cases = np.bincount(codes, case).astype(np.int64)
    blocks = []
    for size, n_cases in np.unique(np.column_stack([sizes, cases]), axis=0):
        chosen = np.flatnonzero((sizes == size) & (cases == n_cases))
        # bounded memory: the recursions hold the sums of covariates of every beginning of a set
        at_once = max(1, NUMBERS_AT_ONCE // int(size * n_cases * max(X.shape[1], 1)))
        for part in np.split(chosen, range(at_once, len(chosen), at_once)):
            rows = order[starts[part][:, None] + np.arange(size)]
            values = X[rows]
            blocks.append(SameSize(values - values.mean(axis=1, keepdims=True), case[rows] > 0, rows))
    return blocks


def maximize_conditional_likelihood(blocks: list[SameSize]) -> Optimum:
    """Newton's method from beta = 0."""
    return newton(lambda beta: _evaluate(blocks, beta), np.zeros(blocks[0].X.shape[2]))


def set_scores(blocks: list[SameSize], beta: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """For each block the number of a row of each set, and the set's score (sets, p)."""
    for block in blocks:
        yield block.rows[:, 0], _observed(block) - _moments(block, beta).mean


def _evaluate(blocks: list[SameSize], beta: np.ndarray) -> Evaluation:
    p = len(beta)
    loglik, score, information = 0.0, np.zeros(p), np.zeros((p, p))
    for block in blocks:
        moments = _moments(block, beta)
        loglik += moments.loglik.sum()
        score += (_observed(block) - moments.mean).sum(axis=0)
        information += moments.second - moments.mean.T @ moments.mean
    return Evaluation(float(loglik), score, information)


def _observed(block: SameSize) -> np.ndarray:
    return np.where(block.case[:, :, None], block.X, 0.0).sum(axis=1)


def _moments(block: SameSize, beta: np.ndarray) -> Moments:
    X, d = block.X, block.n_cases
    eta = X @ beta
    log_s = _log_scale(eta, d)
    log_odds = eta + log_s[:, None]
    p = expit(log_odds)
    prefix, prefix_x = _running(p, X, d)
    suffix, suffix_x = (part[:, ::-1] for part in _running(p[:, ::-1], X[:, ::-1], d))
    # j cases before member i and d - 1 - j after it
    others = suffix[:, :, ::-1]
    with_i = p * (prefix * others).sum(axis=2)
    probability_of_d = with_i.sum(axis=1) / d
    pi = with_i / probability_of_d[:, None]
    sums = np.einsum("gij,gijp->gip", others, prefix_x) + np.einsum(
        "gij,gijp->gip", prefix, suffix_x[:, :, ::-1]
    )
    together = pi[:, :, None] * X + (p / probability_of_d[:, None])[:, :, None] * sums
    n_covariates = X.shape[2]
    log_subsets = np.log(probability_of_d) + np.logaddexp(0, log_odds).sum(axis=1) - d * log_s
    return Moments(
        loglik=np.where(block.case, eta, 0.0).sum(axis=1) - log_subsets,
        mean=np.einsum("gi,gip->gp", pi, X),
        second=X.reshape(-1, n_covariates).T @ together.reshape(-1, n_covariates),
    )


def _running(p: np.ndarray, X: np.ndarray, d: int) -> tuple[np.ndarray, np.ndarray]:
    """Of the members before i: P(k of them are cases) and E(sum of x over cases; k cases), k = 0, ..., d - 1.

    Shapes (sets, n, d) and (sets, n, d, p).
    """
    n_sets, n, n_covariates = X.shape
    probability = np.zeros((n_sets, n, d))
    sums = np.zeros((n_sets, n, d, n_covariates))
    probability[:, 0, 0] = 1.0
    for i in range(n - 1):
        q = p[:, i, None]
        x = X[:, i, None, :]
        before, before_x = probability[:, i], sums[:, i]
        probability[:, i + 1] = (1 - q) * before
        probability[:, i + 1, 1:] += q * before[:, :-1]
        if d > 1:
            sums[:, i + 1] = (1 - q)[:, :, None] * before_x
            sums[:, i + 1, 1:] += q[:, :, None] * (before_x[:, :-1] + x * before[:, :-1, None])
    return probability, sums


def _log_scale(eta: np.ndarray, d: int) -> np.ndarray:
    """log s with about d cases expected, by bisection; any s is right, this one keeps all digits."""
    level = logit(d / eta.shape[1])
    low, high = level - eta.max(axis=1), level - eta.min(axis=1)
    for _ in range(12):
        middle = (low + high) / 2
        too_many = expit(eta + middle[:, None]).sum(axis=1) > d
        low, high = np.where(too_many, low, middle), np.where(too_many, middle, high)
    return (low + high) / 2
