"""Pseudo-likelihoods of case-cohort samples and their variance: arrays in, arrays out.

Sources: Prentice (1986) Biometrika 73:1; Self & Prentice (1988) Ann Stat 16:64; Lin & Ying (1993) JASA 88:1341; Borgan
et al. (2000) Lifetime Data Anal 6:39; Therneau & Li (1999) Lifetime Data Anal 5:99 (their computation by weights).

There are two likelihoods. In the first the risk sets hold the subcohort alone, member i of stratum j with the weight
N_j / m_j (people in the cohort over members of the subcohort), whoever has the event: Self-Prentice (one stratum) and
Borgan's first. In the second all cases have weight 1 and stand for themselves; those without the event are weighted
with N_j / m_j, both counted among those without it: Lin-Ying (one stratum) and Borgan's second. Prentice's own adds to
the first the case at the time of its event; R takes its variance from the first.

The variance of the coefficients is I^-1 + I^-1 D I^-1: what the cohort would have had, and what sampling adds. D is the
variance of a stratified random sample's total, sum_j N_j (N_j / m_j - 1) S_j, with S_j the covariance within stratum j
of the score residuals of those sampled (divisor m_j - 1, in the unstratified methods m_j).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .partial_likelihood import (
    PartialLikelihoodMaximum,
    RiskSets,
    maximize_partial_likelihood,
    risk_sets,
    score_residuals,
)


@dataclass(frozen=True)
class Phase:
    """What a method is: risk sets of the subcohort alone, sampled in strata."""

    described: str
    only_subcohort: bool
    stratified: bool


METHODS = {
    "Prentice": Phase("Prentice's method", only_subcohort=True, stratified=False),
    "SelfPrentice": Phase("the method of Self and Prentice", only_subcohort=True, stratified=False),
    "LinYing": Phase("the method of Lin and Ying", only_subcohort=False, stratified=False),
    "I.Borgan": Phase("Borgan's estimator I", only_subcohort=True, stratified=True),
    "II.Borgan": Phase("Borgan's estimator II", only_subcohort=False, stratified=True),
}


@dataclass(frozen=True, eq=False)
class PhaseTwo:
    """Those whose covariates are known: cases, and members of the subcohort; one entry a person.

    Parameters
    ----------
    X : ndarray of float64, shape (n, p)
    entry, exit_ : ndarray of float64, shape (n,)
        At risk over (entry, exit]; `entry` is None where everybody enters at the start.
    case, member : ndarray of bool, shape (n,)
    stratum : ndarray of int, shape (n,)
    cohort_size : ndarray of float64, shape (strata,)
    """

    X: np.ndarray
    entry: np.ndarray | None
    exit_: np.ndarray
    case: np.ndarray
    member: np.ndarray
    stratum: np.ndarray
    cohort_size: np.ndarray

    def phase(self, phase: Phase) -> tuple[np.ndarray, np.ndarray]:
        """How many people of each stratum the weighted ones stand for, and who these are."""
        if phase.only_subcohort:
            return self.cohort_size, self.member
        cases = np.bincount(self.stratum[self.case], minlength=len(self.cohort_size))
        return self.cohort_size - cases, ~self.case


@dataclass(frozen=True, eq=False)
class CaseCohortMaximum:
    """`n_alone` counts events at times when nobody of the subcohort was at risk."""

    maximum: PartialLikelihoodMaximum
    covariance: np.ndarray
    n_alone: int


def maximize_case_cohort(rows: PhaseTwo, method: str) -> CaseCohortMaximum:
    phase = METHODS[method]
    population, sampled = rows.phase(phase)
    number = np.bincount(rows.stratum[sampled], minlength=len(population))
    weight = (population / np.maximum(number, 1))[rows.stratum]
    n_alone = 0
    if phase.only_subcohort:
        index, sets, n_alone = _subcohort_alone(rows, weight)
        places = np.arange(len(index))[-int(rows.member.sum()) :]
    else:
        index, places = np.arange(len(rows.X)), np.flatnonzero(sampled)
        weights = np.where(rows.case, 1.0, weight)
        sets = risk_sets(rows.entry, rows.exit_, rows.case, None, weights, "efron")
    X = rows.X[index]
    maximum = maximize_partial_likelihood(X, sets)
    score = score_residuals(X, sets, maximum.at)[places]
    added = _variance_of_total(score, rows.stratum[sampled], population, ddof=int(phase.stratified))
    covariance = maximum.covariance + maximum.covariance @ added @ maximum.covariance
    if method == "Prentice":
        maximum = maximize_partial_likelihood(rows.X, _with_the_case(rows))
    return CaseCohortMaximum(maximum, covariance, n_alone)


def _subcohort_alone(rows: PhaseTwo, weight: np.ndarray) -> tuple[np.ndarray, RiskSets, int]:
    """Numbers of the rows, members last. A case has its event in a row that is in no risk set.

    Where nobody of the subcohort is at risk, R's `cch` (an offset of -100 for cases) compares the case with the cases
    that are still at risk. Here they are in a stratum of their own, which holds such events only.
    """
    cases, members = np.flatnonzero(rows.case), np.flatnonzero(rows.member)
    company = _number_from(rows.exit_[members], rows.exit_[cases])
    if rows.entry is not None:
        company -= _number_from(rows.entry[members], rows.exit_[cases])
    alone = company == 0
    compared = cases if alone.any() else cases[:0]
    index = np.concatenate([cases[~alone], compared, members])
    part = np.repeat([0, 1, 2], [int((~alone).sum()), len(compared), len(members)])
    dies = part == 0
    dies[part == 1] = alone[: len(compared)]
    sets = risk_sets(
        None if rows.entry is None else rows.entry[index],
        rows.exit_[index],
        dies,
        part == 1,
        np.where(part == 2, weight[index], 1.0),
        "efron",
    )
    return index, replace(sets, multiplier=np.where(part == 0, 0.0, 1.0)), int(alone.sum())


def _number_from(values: np.ndarray, times: np.ndarray) -> np.ndarray:
    """How many of the values are at or after each time."""
    return len(values) - np.searchsorted(np.sort(values), times, "left")


def _with_the_case(rows: PhaseTwo) -> RiskSets:
    """The subcohort, and cases outside it from just before their event."""
    start = np.full(len(rows.X), -np.inf) if rows.entry is None else rows.entry
    late = np.nextafter(rows.exit_, -np.inf)
    entry = np.where(rows.member, start, late)
    return risk_sets(entry, rows.exit_, rows.case, None, np.ones(len(rows.X)), "efron")


def _variance_of_total(
    values: np.ndarray, stratum: np.ndarray, population: np.ndarray, *, ddof: int
) -> np.ndarray:
    """Estimated variance of the total of `values` (sampled people, p) over the population of each stratum."""
    total = np.zeros((values.shape[1], values.shape[1]))
    for j, size in enumerate(population):
        of_stratum = values[stratum == j]
        m = len(of_stratum)
        if m < size:  # else all were sampled
            centered = of_stratum - of_stratum.mean(axis=0)
            total += size * (size / m - 1) / (m - ddof) * centered.T @ centered
    return total
