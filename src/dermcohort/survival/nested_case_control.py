"""Nested case-control sampling: for each case, controls from those at risk when it has the event.

The sampling is in `risk_set_sampling`; the analyses are `regression.conditional_logistic` of the sets and `cox` of the
people, weighted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..design import as_list, binary_outcome, require_columns
from ..estimates import missing_note
from ..groups import group_codes
from .frame import check_times, used_columns
from .risk_set_sampling import RiskSetSample, sample_risk_sets
from .sample_subcohort import is_available

OF_SETS = ("set", "case", "set_time", "n_eligible")
OF_PEOPLE = ("probability", "weight")


@dataclass(frozen=True, eq=False)
class NestedCaseControl:
    """Matched sets and the people in them.

    Parameters
    ----------
    sets : DataFrame
        One row a case and a row a control of it: `set` (number, from 1), `case` (0/1), `set_time`, the people
        `n_eligible` as controls of the set, and the columns of the data. For ``conditional_logistic("case ~ exposure",
        sets, strata="set")``: odds ratios that estimate the hazard ratios of a Cox model.
    people : DataFrame
        Each person in a set once: the columns of the data, the `probability` to be in the study and its inverse,
        `weight`. For ``cox("exposure", people, time=..., event=..., weights="weight")``, which uses each control at all
        times it was at risk, and serves also for other events of the same people.
    probability : Series
        Of every row of the data: 1 of cases, 0 of who was never at risk with a case, missing where the row was not
        used.
    n : int
        People that were sampled from.
    events : int
        Cases among them.
    n_missing : dict
        Missing values by variable.
    method : str
        One sentence for the methods section.
    notes : tuple of str
    """

    sets: pd.DataFrame
    people: pd.DataFrame
    probability: pd.Series
    n: int
    events: int
    n_missing: Mapping[str, int]
    method: str
    notes: tuple[str, ...]


def nested_case_control(
    data: pd.DataFrame,
    *,
    time: str,
    event: str,
    controls: int = 1,
    entry: str | None = None,
    match: str | Sequence[str] | None = None,
    caliper: Mapping[str, float] | None = None,
    available: str | None = None,
    seed: int,
) -> NestedCaseControl:
    """Sample controls for every case from its risk set.

    Parameters
    ----------
    data : DataFrame
        The cohort: one row a person. Rows with a missing value in a column named here are left out and counted.
    time : str
        Column of the time of event or end of follow-up. With the age at entry and at the end as `entry` and `time`,
        controls are of the age of their case.
    event : str
        Column that is 0/1, bool, or a category of two levels, the second being the event.
    controls : int
        Controls a case; fewer where fewer are eligible.
    entry : str, optional
        Column of the time from which a person is at risk: at risk over (entry, time].
    match : str or list of str, optional
        Columns in which a control must equal its case.
    caliper : mapping of str to float, optional
        Number columns in which a control may differ from its case by at most so much: ``{"age": 2}``.
    available : str, optional
        Column that is 0/1, bool or a category of two levels: who can be sampled at all (has a specimen); missing means
        no. The study is then one of these people, cases among them.
    seed : int
        The same seed and rows give the same sample.

    Returns
    -------
    NestedCaseControl

    Raises
    ------
    ValueError
        For times, columns or numbers that do not fit, or no event among those who can be sampled.

    Notes
    -----
    Controls of a case at time t are drawn without replacement from those at risk at t who have no event then: a person
    may be a control of several cases, and a case later. The probability of a person without the event to be ever
    drawn is 1 - prod (1 - m / n) over the cases it was eligible for, of n eligible people m being drawn (Samuelsen 1997
    Biometrika 84:379, a probability of Kaplan-Meier type; with matching: Stoer & Samuelsen 2013 Stat Med 32:5328).

    The robust variance of the weighted `cox` takes people as drawn independently of each other and the weights as
    known; as draws within a risk set exclude each other it is somewhat too large (Samuelsen 1997).

    Examples
    --------
    >>> cohort = pd.DataFrame({"years": [2.0, 5, 5, 5, 5, 3], "ill": [1, 0, 0, 0, 0, 1], "sex": list("ffffmf")})
    >>> sample = nested_case_control(cohort, time="years", event="ill", controls=2, match="sex", seed=1)
    >>> sample.sets[["set", "case", "n_eligible"]].to_numpy().tolist()
    [[1, 1, 4], [1, 0, 4], [1, 0, 4], [2, 1, 3], [2, 0, 3], [2, 0, 3]]
    >>> sample.probability.round(3).tolist()
    [1.0, 0.833, 0.833, 0.833, 0.0, 1.0]
    """
    if controls != int(controls) or controls < 1:
        raise ValueError(f"controls={controls} must be a whole number, 1 or more")
    exact, near = as_list(match), dict(caliper or {})
    used = used_columns(time, event, entry, exact, list(near))
    require_columns(data, [*used, *([] if available is None else [available])], "data")
    for name in (*OF_SETS, *OF_PEOPLE):
        if name in data:
            raise ValueError(f"the data have a column '{name}', which the sample is to have: rename it")
    for name, width in near.items():
        if not pd.api.types.is_numeric_dtype(data[name]) or not width >= 0:
            raise ValueError(f"caliper: '{name}' must be a number and its caliper ({width}) 0 or more")
    usable = np.ones(len(data), bool) if available is None else is_available(data, available)
    complete = data[used].notna().all(axis=1).to_numpy()
    place = np.flatnonzero(usable & complete)
    frame = data.iloc[place]
    start, exit_ = check_times(frame, time, entry)
    happened = binary_outcome(frame[event], event) == 1
    if not happened.any():
        raise ValueError(f"'{event}' never happens among the {len(frame):,} people who can be sampled")
    group, _ = group_codes(frame[exact])
    sample = sample_risk_sets(
        start,
        exit_,
        happened,
        group,
        frame[list(near)].to_numpy(float),
        np.array([*near.values()], float),
        int(controls),
        np.random.default_rng(seed),
    )

    probability = pd.Series(np.nan, data.index, name="probability")
    probability.iloc[place] = sample.probability
    n_missing = {name: int(data[usable][name].isna().sum()) for name in used}
    return NestedCaseControl(
        sets=_sets(frame, sample, exit_),
        people=_people(frame, sample),
        probability=probability,
        n=len(frame),
        events=int(happened.sum()),
        n_missing=n_missing,
        method=_method(int(controls), exact, near, entry, seed),
        notes=(
            *missing_note(len(frame), int(usable.sum()), n_missing),
            *_notes(data, usable, available, event, sample, int(controls)),
        ),
    )


def _sets(frame: pd.DataFrame, sample: RiskSetSample, exit_: np.ndarray) -> pd.DataFrame:
    cases = sample.rows[sample.is_case]
    number = np.cumsum(sample.is_case)
    own = pd.DataFrame(
        {
            "set": number,
            "case": sample.is_case.astype(int),
            "set_time": exit_[cases][number - 1],
            "n_eligible": sample.n_eligible[number - 1],
        }
    )
    members = frame.iloc[sample.rows]
    return pd.concat([own.set_index(members.index), members], axis=1)


def _people(frame: pd.DataFrame, sample: RiskSetSample) -> pd.DataFrame:
    rows = np.unique(sample.rows)
    probability = sample.probability[rows]
    return frame.iloc[rows].assign(probability=probability, weight=1 / probability)


def _method(
    controls: int, exact: Sequence[str], near: Mapping[str, float], entry: str | None, seed: int
) -> str:
    matched = [*exact, *(f"{name} within {width:g}" for name, width in near.items())]
    return (
        f"Nested case-control sample: {controls} control{'s' if controls > 1 else ''} a case from those at risk at "
        f"the time of its event{'' if entry is None else ' (with delayed entry)'}"
        f"{', matched on ' + ', '.join(matched) if matched else ''} (seed {seed})."
    )


def _notes(
    data: pd.DataFrame,
    usable: np.ndarray,
    available: str | None,
    event: str,
    sample: RiskSetSample,
    controls: int,
) -> tuple[str, ...]:
    notes = []
    if available is not None:
        lost = int((binary_outcome(data[event], event)[~usable] == 1).sum())
        notes.append(
            f"{int(usable.sum()):,} of {len(data):,} people could be sampled ('{available}'); {lost:,} cases could not "
            "and are not in the study."
        )
    alone, few = (
        int((sample.n_eligible == 0).sum()),
        int(((sample.n_eligible > 0) & (sample.n_eligible < controls)).sum()),
    )
    if alone:
        notes.append(f"{alone:,} cases have no eligible control: their sets tell nothing.")
    if few:
        notes.append(
            f"{few:,} cases have fewer than {controls} eligible controls; all of them are in the set."
        )
    drawn = sample.rows[~sample.is_case]
    people = np.unique(drawn)
    notes.append(
        f"{len(sample.n_eligible):,} sets; {len(people):,} people are controls, "
        f"{int((np.bincount(drawn, minlength=1) > 1).sum()):,} of them of several cases, "
        f"{len(np.intersect1d(people, sample.rows[sample.is_case])):,} are cases too."
    )
    return tuple(notes)
