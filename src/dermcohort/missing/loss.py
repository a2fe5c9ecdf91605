"""How far a hazard ratio depends on what became of those lost: a tipping-point analysis by multiple imputation.

Source: Jackson et al. (2014) Stat Med 33:4681 (Cox models with departures from independent censoring; the bootstrap
makes the imputations proper); Rubin (1987) for the pooling.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from ..design import binary_outcome, require_columns
from ..estimates import Estimates, missing_note, tidy
from ..survival.cox import cox
from ..survival.cox_fit import CoxFit
from ..survival.frame import used_columns
from .pool import pool


def loss_sensitivity(
    formula: str,
    data: pd.DataFrame,
    *,
    time: str,
    event: str,
    lost: str,
    end: str,
    deltas: Sequence[float] = (0.5, 1.0, 1.5, 2.0, 3.0),
    imputations: int = 20,
    entry: str | None = None,
    seed: int,
    conf_level: float = 0.95,
) -> Estimates:
    """Hazard ratios had those lost the event more (or less) often after their loss than those like them.

    Parameters
    ----------
    formula : str
        The right-hand side of the Cox model, ``"age + smoking"``.
    data : DataFrame
        One row a person. Rows with a missing value in a column used are left out and counted.
    time : str
        Column of the time of event, loss or end of follow-up.
    event, lost : str
        Columns that are 0/1, bool, or a category of two levels, the second being that the event came, and that
        follow-up ended by loss.
    end : str
        Column of the time until which a person would have been followed.
    deltas : sequence of float
        Factors of the hazard after loss; 1 says that those lost are as others with their covariates, which is what an
        analysis that censors them assumes; 0 that none of them has the event.
    imputations : int
        Data sets for each factor.
    entry : str, optional
        Column of the time from which a person is at risk: at risk over (entry, time].
    seed : int
        The same seed and rows give the same result. All factors use the same random numbers.
    conf_level : float
        Level of the intervals.

    Returns
    -------
    Estimates
        For each `delta` the hazard ratios pooled over the imputed data sets by Rubin's rules. `.notes` say where an
        interval begins or ceases to hold 1.

    Raises
    ------
    ValueError
        Where nobody is lost, a row is both lost and an event, or follow-up ends after `end`.

    Notes
    -----
    For each imputation the model is fitted to a bootstrap sample of the people; the event of a person lost at c comes
    at the first event time t with delta r (H(t) - H(c)) >= E, where H is the baseline hazard, r the person's hazard
    ratio and E exponential; where there is none until `end`, the person is censored there. Nobody's event is imputed
    after the last event seen. The data cannot tell which delta is right: choose a range that is plausible.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> data = pd.DataFrame({"exposed": np.arange(400) % 2, "years": rng.exponential(8, 400).clip(0, 5), "end": 5.0})
    >>> data["ill"] = (data["years"] < 5) & (rng.random(400) < 0.7)
    >>> data["moved"] = (data["years"] < 5) & ~data["ill"]
    >>> result = loss_sensitivity("exposed", data, time="years", event="ill", lost="moved", end="end",
    ...                           deltas=[1, 4], imputations=5, seed=1)
    >>> result.table[["delta", "term", "measure"]].to_numpy().tolist()
    [[1.0, 'exposed', 'HR'], [4.0, 'exposed', 'HR']]
    """
    factors = np.asarray(list(deltas), float)
    if not len(factors) or not (np.isfinite(factors) & (factors >= 0)).all():
        raise ValueError(f"deltas must be factors of a hazard, 0 or more; they are {list(deltas)}")
    if imputations < 2:
        raise ValueError(f"imputations={imputations}: at least 2 are needed, 20 or more advised")
    used = used_columns(time, event, lost, end, entry)
    require_columns(data, used, "data")
    happened, gone = binary_outcome(data[event], event) == 1, binary_outcome(data[lost], lost) == 1
    if (happened & gone).any():
        raise ValueError(f"'{event}' and '{lost}' are both true in {int((happened & gone).sum())} rows")
    if not gone.any():
        raise ValueError(f"lost: '{lost}' is true in no row: there is nothing to be sensitive to")
    late = int((data[time] > data[end]).sum())
    if late:
        raise ValueError(f"end: '{time}' is after '{end}' in {late} rows")
    outcome: dict[str, Any] = {"time": time, "event": event, "entry": entry, "conf_level": conf_level}
    known = data.reset_index(drop=True).assign(**{event: happened, lost: gone})
    known = known[data[used].notna().all(axis=1).to_numpy()]
    observed = cox(formula, known, **outcome)
    people = known.loc[observed.design.frame.index]

    rng = np.random.default_rng(seed)
    fits: list[list[CoxFit]] = [[] for _ in factors]
    for _ in range(imputations):
        model = cox(formula, people.iloc[rng.integers(len(people), size=len(people))], **outcome)
        waiting = rng.exponential(size=int(people[lost].sum()))
        for delta, of_delta in zip(factors, fits, strict=True):
            completed = _with_events_after_loss(people, model, waiting, delta, lost, end)
            of_delta.append(cox(formula, completed, **outcome))

    pooled = [pool(of_delta) for of_delta in fits]
    tables = [one.table.assign(delta=delta) for delta, one in zip(factors, pooled, strict=True)]
    table = tidy(pd.concat(tables, ignore_index=True), groups=["delta"])
    n_missing = {name: int(data[name].isna().sum()) for name in (*used, *observed.n_missing)}
    return Estimates(
        table=table,
        method=f"Hazard ratios by Cox regression, events of those lost imputed {imputations} times with their hazard "
        f"times delta (seed {seed}), pooled by Rubin's rules.",
        n=len(people),
        events=observed.events,
        n_missing=n_missing,
        notes=(
            *missing_note(len(people), len(data), n_missing),
            f"{int(people[lost].sum()):,} of {len(people):,} people were lost; events counts those seen.",
            *dict.fromkeys(note for one in pooled for note in one.notes),
            *_tipping_points(table),
        ),
        conf_level=conf_level,
    )


def _with_events_after_loss(
    people: pd.DataFrame, model: CoxFit, waiting: np.ndarray, delta: float, lost: str, end: str
) -> pd.DataFrame:
    """The people with time and event of those lost drawn; `waiting` are exponential variables, one each."""
    gone = people[lost].to_numpy()
    those = people[gone]
    times = np.unique(model.design.frame.loc[model.design.frame[model.event].astype(bool), model.time])
    reference = those.iloc[[0]]
    hazard = -np.log(model.survival(reference, times)["estimate"].to_numpy())
    relative = model.predict(those, "risk").to_numpy() / model.predict(reference, "risk").to_numpy()
    seen = np.concatenate([[0.0], hazard])[np.searchsorted(times, those[model.time], "right")]
    with np.errstate(divide="ignore"):
        reached = seen + waiting / (delta * relative)
    drawn = np.concatenate([times, [np.inf]])[np.searchsorted(hazard, reached, "left")]
    planned = those[end].to_numpy(float)
    completed = people.astype({model.time: float})
    completed.loc[gone, model.time] = np.minimum(drawn, planned)
    completed.loc[gone, model.event] = drawn <= planned
    return completed


def _tipping_points(table: pd.DataFrame) -> list[str]:
    """Where, going up in delta, an interval begins or ceases to hold 1."""
    notes = []
    tested = table[table["std_error"].notna()].sort_values("delta", kind="stable")
    for (term, level), rows in tested.groupby(["term", "level"], dropna=False, sort=False):
        holds = ((rows["conf_low"] <= 1) & (rows["conf_high"] >= 1)).to_numpy()
        deltas = rows["delta"].to_numpy()
        for i in np.flatnonzero(holds[1:] != holds[:-1]):
            name = term if pd.isna(level) else f"{term} {level}"
            change = "holds 1" if holds[i + 1] else "no longer holds 1"
            notes.append(
                f"'{name}': the interval {change} from delta = {deltas[i + 1]:g} on (not yet at {deltas[i]:g})."
            )
    return notes
