"""Cox's partial likelihood with tied deaths treated exactly: given how many die at a time, who does.

At a time with d deaths the sum over the risk set becomes one over all its subsets of size d (Cox 1972 JRSS B 34:187),
the conditional likelihood of matched sets. Times with a single death need no subsets and are taken by running sums as
in `partial_likelihood`. As R's `coxph(ties = "exact")`.
"""

from __future__ import annotations

import numpy as np

from ..newton import Evaluation, newton
from .matched_sets import SimilarSets, evaluate_sets, similar_sets
from .partial_likelihood import PartialLikelihoodMaximum, RiskSets, evaluate, risk_sets, sums_of_squares


def maximize_exact_likelihood(
    X: np.ndarray,
    entry: np.ndarray | None,
    exit_: np.ndarray,
    event: np.ndarray,
    strata: np.ndarray | None,
) -> PartialLikelihoodMaximum:
    """Newton's method from beta = 0, rows unweighted; `at` is of the times with a single death."""
    X = X - X.mean(axis=0)
    unweighted = np.ones(len(X))
    sets = risk_sets(entry, exit_, event, strata, unweighted, "breslow")
    n_deaths = np.bincount(sets.time_of_death, minlength=sets.n_times)
    alone = np.zeros(len(X))
    alone[sets.deaths[n_deaths[sets.time_of_death] == 1]] = 1.0
    single = risk_sets(entry, exit_, alone, strata, unweighted, "breslow")
    tied = _tied_sets(X, sets, np.flatnonzero(n_deaths > 1))

    def at(beta: np.ndarray) -> Evaluation:
        with np.errstate(
            over="ignore", invalid="ignore", divide="ignore"
        ):  # too long a step: Newton halves it
            one, several = evaluate(X, beta, single), evaluate_sets(tied, beta)
        return Evaluation(
            one.loglik + several.loglik, one.score + several.score, one.information + several.information
        )

    null = np.zeros(X.shape[1])
    end, start = newton(at, null), at(null)
    with np.errstate(
        over="ignore", invalid="ignore", divide="ignore"
    ):  # a covariate without information ran away
        at_end = evaluate(X, end.parameters, single)
    return PartialLikelihoodMaximum(
        end.parameters,
        end.inverse_information,
        end.loglik,
        end.loglik_start,
        float(start.score @ np.linalg.pinv(start.information, hermitian=True) @ start.score),
        end.last_step,
        end.converged,
        at_end,
        start.information,
        sums_of_squares(X, sets, evaluate(X, null, sets)),
    )


def _tied_sets(X: np.ndarray, sets: RiskSets, times: np.ndarray) -> list[SimilarSets]:
    """The risk sets of these event times; one in which all die tells nothing."""
    dies_at = np.full(len(X), -1)
    dies_at[sets.deaths] = sets.time_of_death
    members = [np.flatnonzero((sets.first <= time) & (time < sets.last)) for time in times]
    cases = [dies_at[rows] == time for rows, time in zip(members, times, strict=True)]
    telling = [i for i, case in enumerate(cases) if not case.all()]
    if not telling:
        return []
    rows = np.concatenate([members[i] for i in telling])
    case = np.concatenate([cases[i] for i in telling]).astype(float)
    return similar_sets(X[rows], case, np.repeat(np.arange(len(telling)), [len(members[i]) for i in telling]))
