"""Hazard ratios from a case-cohort sample: all with the event, and a random subcohort of the cohort.

The pseudo-likelihoods and their sources are in `case_cohort_likelihood`. Agrees with R's `survival::cch`.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..design import (
    Design,
    binary_outcome,
    build_design,
    coefficient_table,
    require_columns,
    sparse_notes,
    still_moving,
)
from ..estimates import FittedModel
from .case_cohort_likelihood import METHODS, Phase, PhaseTwo, maximize_case_cohort
from .frame import check_times, used_columns

CohortSize = int | Mapping[Hashable, int]


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class CaseCohortFit(FittedModel):
    """Hazard ratios in `.table`, log hazard ratios in `.coefficients`; `.loglik` is a log pseudo-likelihood.

    `.subcohort_size` counts the members of the subcohort that are used.
    """

    subcohort_size: int

    def predict(self, newdata: pd.DataFrame) -> pd.Series:
        """Hazard ratio of each row against one with all covariates 0 or at their reference."""
        linear = self._new_matrix(newdata).to_numpy() @ self.coefficients.to_numpy()
        return pd.Series(np.exp(linear), index=newdata.index, name="hazard ratio")


def case_cohort(
    formula: str,
    data: pd.DataFrame,
    *,
    time: str,
    event: str,
    subcohort: str,
    cohort_size: CohortSize,
    method: str = "Prentice",
    stratum: str | None = None,
    entry: str | None = None,
    conf_level: float = 0.95,
) -> CaseCohortFit:
    """Cox regression of a case-cohort sample.

    Parameters
    ----------
    formula : str
        The right-hand side, ``"age + cadmium"``. A covariate that is a category is compared with its first level.
    data : DataFrame
        One row a person: those with the event and the members of the subcohort. Others of the cohort may be there
        and are left out. Rows with a missing value in a variable used are left out and counted.
    time : str
        Column of the time of event or end of follow-up.
    event : str
        Column that is 0/1, bool, or a category of two levels, the second being the event.
    subcohort : str
        Column, in the same codes, that says who was sampled whether or not the event came.
    cohort_size : int or mapping
        People in the cohort that was sampled from; with `stratum` the people in each, by its level
        (`Subcohort.cohort_size` of `sample_subcohort` is this).
    method : {"Prentice", "SelfPrentice", "LinYing", "I.Borgan", "II.Borgan"}
        Who stands in the risk set at the time of an event. Prentice: the subcohort, and the case when it has the
        event; Self-Prentice: the subcohort only. Lin-Ying: all cases with weight 1, others weighted to the cohort.
        Borgan I and II: as Self-Prentice and Lin-Ying, for a subcohort that was sampled in strata.
    stratum : str, optional
        Column the subcohort was sampled by; for the two methods of Borgan, which need it. The baseline hazard is
        one for all.
    entry : str, optional
        Column of the time from which a person is at risk: at risk over (entry, time].
    conf_level : float
        Level of the Wald intervals.

    Returns
    -------
    CaseCohortFit
        Rows of `measure` "HR". The variance is that of the full cohort plus what sampling adds.

    Raises
    ------
    ValueError
        For a formula, times or sizes that do not fit, no event, or a stratum of the cohort without two sampled.

    Notes
    -----
    Equal to R's `cch`, in which too the standard errors of "Prentice" are those of "SelfPrentice".

    Examples
    --------
    >>> data = pd.DataFrame({"years": [9, 1, 2, 6, 7, 8, 5, 3], "died": [1, 1, 0, 1, 1, 0, 0, 1],
    ...                      "exposed": [1, 1, 1, 0, 0, 0, 0, 1], "sampled": [1, 0, 1, 1, 0, 1, 1, 0]})
    >>> fit = case_cohort("exposed", data, time="years", event="died", subcohort="sampled", cohort_size=16)
    >>> fit.table["estimate"].round(3).tolist()
    [1.567]
    """
    if method not in METHODS:
        raise ValueError(f"method='{method}' is unknown; choose one of {', '.join(METHODS)}")
    stratified = METHODS[method].stratified
    if stratified != (stratum is not None):
        wanted = "needs stratum=" if stratified else "has no strata: leave out stratum=, or use I.Borgan"
        raise ValueError(f"method='{method}' {wanted}")
    require_columns(data, used_columns(time, event, entry, subcohort, stratum), "data")
    outside = (binary_outcome(data[event], event) == 0) & (binary_outcome(data[subcohort], subcohort) == 0)
    frame = build_design(
        formula,
        data[~outside],
        two_sided=False,
        others=used_columns(time, event, entry, subcohort, stratum),
        intercept=False,
    )
    if not frame.columns:
        raise ValueError("formula has no covariate: there is nothing to estimate")
    start, exit_ = check_times(frame.frame, time, entry)
    case = binary_outcome(frame.frame[event], event) == 1
    member = binary_outcome(frame.frame[subcohort], subcohort) == 1
    if not case.any() or not member.any():
        raise ValueError(
            f"no {'event' if not case.any() else 'member of the subcohort'} among the complete rows"
        )
    codes, sizes, labels = _strata(frame, stratum, cohort_size)
    rows = PhaseTwo(frame.matrix, start, exit_, case, member, codes, sizes)
    _require_sampled(rows, METHODS[method], labels)

    fit = maximize_case_cohort(rows, method)
    unbounded = still_moving(rows.X, fit.maximum.last_step)
    return CaseCohortFit(
        table=coefficient_table(
            frame.columns,
            rows.X,
            fit.maximum.coefficients,
            fit.covariance,
            measure="HR",
            conf_level=conf_level,
            event=case.astype(float),
            unbounded=unbounded,
        ),
        method=f"Hazard ratios by Cox regression of a case-cohort sample ({METHODS[method].described}"
        f"{'' if stratum is None else f', subcohort sampled by {stratum}'}"
        f"{'' if entry is None else ', delayed entry'}), variance with that of the sampling, Wald intervals.",
        n=len(rows.X),
        events=int(case.sum()),
        n_missing=frame.n_missing,
        notes=_notes(frame, rows, int(outside.sum()), fit.n_alone, unbounded, fit.maximum.converged),
        conf_level=conf_level,
        coefficients=pd.Series(fit.maximum.coefficients, frame.names, name="coef"),
        covariance=pd.DataFrame(fit.covariance, frame.names, frame.names),
        loglik=fit.maximum.loglik,
        robust="case-cohort",
        design=frame,
        subcohort_size=int(member.sum()),
    )


def _strata(
    frame: Design, stratum: str | None, cohort_size: CohortSize
) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Code of each row's stratum, people of the cohort in each, and what to call them."""
    if stratum is None:
        if isinstance(cohort_size, Mapping | pd.Series) or not cohort_size == int(cohort_size):
            raise ValueError("cohort_size must be one whole number: the people of the cohort")
        if cohort_size < len(frame.frame):
            raise ValueError(
                f"cohort_size={cohort_size:,} is smaller than the sample of {len(frame.frame):,} people"
            )
        return np.zeros(len(frame.frame), np.int64), np.array([float(cohort_size)]), ["the cohort"]
    if not isinstance(cohort_size, Mapping | pd.Series):
        raise ValueError(
            f"cohort_size must give the people of each level of '{stratum}', as a dict or Series"
        )
    values = frame.frame[stratum]
    levels = list(cohort_size.keys())
    unknown = sorted(set(values.unique()) - set(levels), key=str)
    if unknown:
        raise ValueError(f"cohort_size has no number for {unknown[0]!r} of '{stratum}'")
    return (
        pd.Index(levels).get_indexer(pd.Index(values.to_numpy())).astype(np.int64),
        np.array([float(cohort_size[level]) for level in levels]),
        [f"{stratum} {level}" for level in levels],
    )


def _require_sampled(rows: PhaseTwo, phase: Phase, labels: list[str]) -> None:
    """Every stratum must be as large as its sample, and have enough people sampled to stand for the others."""
    in_sample = np.bincount(rows.stratum, minlength=len(rows.cohort_size))
    population, sampled = rows.phase(phase)
    number = np.bincount(rows.stratum[sampled], minlength=len(rows.cohort_size))
    for j, label in enumerate(labels):
        if rows.cohort_size[j] < in_sample[j]:
            raise ValueError(
                f"cohort_size: {label} has {rows.cohort_size[j]:,.0f} people but {in_sample[j]:,} in the sample"
            )
        if number[j] < min(2, population[j]):
            who = "members of the subcohort" + ("" if phase.only_subcohort else " without the event")
            raise ValueError(f"{label}: {number[j]} {who}; at least 2 are needed: combine strata")


def _notes(
    frame: Design, rows: PhaseTwo, outside: int, alone: int, unbounded: np.ndarray, converged: bool
) -> tuple[str, ...]:
    members = int(rows.member.sum())
    notes = [
        *frame.notes,
        f"Subcohort: {members:,} of {rows.cohort_size.sum():,.0f} people, {int((rows.member & rows.case).sum()):,} of "
        f"them with the event; {int((rows.case & ~rows.member).sum()):,} cases outside it.",
    ]
    if outside:
        notes.append(f"{outside:,} people outside the subcohort without the event take no part.")
    if len(frame.frame) < frame.n_rows:
        notes.append(
            "Those left out are taken as not sampled: right where what is missing does not depend on them."
        )
    if alone:
        notes.append(
            f"{alone:,} events came when nobody of the subcohort was at risk; they are compared with later cases."
        )
    notes += sparse_notes(int(rows.case.sum()), len(frame.columns), None)
    if unbounded.any():
        which = ", ".join(name for name, flag in zip(frame.names, unbounded, strict=True) if flag)
        notes.append(
            f"Monotone likelihood: the hazard ratio of {which} has no finite estimate. Combine levels."
        )
    elif not converged:
        notes.append("The fit did not converge: do not use these estimates.")
    return tuple(notes)
