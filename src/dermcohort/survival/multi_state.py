"""State probabilities over time where people move between several states (illness-death and the like).

The estimator and its influence function are in `aalen_johansen`, what the curves can do in `state_curves`; here are
the arguments and each person's path through the states.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ..design import as_list, require_columns, sparse_notes
from ..estimates import missing_note, tidy
from ..groups import group_codes
from .aalen_johansen import CENSORED, Episodes, aalen_johansen
from .frame import check_times, check_weights, event_states, used_columns
from .kaplan_meier import INTERVALS
from .state_curves import StateCurves, curve_rows
from .unit_variance import unit_errors


def multi_state(
    data: pd.DataFrame,
    time: str,
    event: str,
    *,
    id: str,
    entry: str | None = None,
    start: str = "initial",
    by: str | Sequence[str] | None = None,
    weights: str | None = None,
    cluster: str | Sequence[str] | None = None,
    ci: str = "log-log",
    conf_level: float = 0.95,
) -> StateCurves:
    """Probability of being in each state over time (Aalen-Johansen), for people who all begin in one state.

    Parameters
    ----------
    data : DataFrame
        One row a stretch of a person's time: at risk over (entry, time], then moving to the state `event` names, or
        staying where it is. A person is in the state that the row before moved to; at first in `start`. Rows with a
        missing value in a column used are left out and counted, with all other rows of the person.
    time : str
        Column of the end of the stretch.
    event : str
        Column of dtype category: the first level means no move, each other level is a state.
    id : str
        Column of the person.
    entry : str, optional
        Column of the beginning of the stretch; 0 where not given.
    start : str
        Name of the state in which everybody begins; a level of `event` where people can come back to it.
    by : str or list of str, optional
        Curves for each combination of these columns.
    weights : str, optional
        Column of case or inverse-probability weights.
    cluster : str or list of str, optional
        Column or columns whose rows may depend on each other, in the place of the person.
    ci : {"log-log", "log", "plain", "logit", "arcsin"}
        Scale of the pointwise interval.
    conf_level : float
        Level of the intervals, from the normal distribution.

    Returns
    -------
    StateCurves
        With `.at(times)` and `.plot()`; standard errors by the infinitesimal jackknife over persons or clusters, as
        R's ``survfit(Surv(entry, time, event) ~ 1, id = id)``.

    Raises
    ------
    ValueError
        For an event that is no category, times that do not fit, stretches of a person that overlap, or a move from
        a state to itself.

    Notes
    -----
    The probabilities are those of a Markov process, and without that of a process in which censoring does not
    depend on the past (Datta & Satten 2001 Stat Probab Lett 55:403).

    Examples
    --------
    >>> data = pd.DataFrame({
    ...     "person": [1, 1, 2, 3], "begin": [0, 2, 0, 0], "end": [2, 5, 4, 6],
    ...     "to": pd.Categorical(["eczema", "death", "none", "death"], ["none", "eczema", "death"])})
    >>> multi_state(data, "end", "to", id="person", entry="begin", start="healthy").at(5)[["state", "estimate"]]
         state  estimate
    0  healthy  0.666667
    1   eczema  0.000000
    2    death  0.333333
    """
    if ci not in INTERVALS:
        raise ValueError(f"ci='{ci}' is unknown; choose one of {', '.join(INTERVALS)}")
    groups, clusters = as_list(by), as_list(cluster)
    used = used_columns(time, event, id, entry, groups, weights, clusters)
    require_columns(data, used, "data")
    n_missing = {name: int(data[name].isna().sum()) for name in used}
    complete = data[used].notna().all(axis=1)
    broken = data.loc[~complete, id]
    frame = data.loc[complete & ~data[id].isin(broken), used]
    if frame.empty:
        raise ValueError(f"no person has all of {', '.join(used)} in every row")
    begin, end = check_times(frame, time, entry)
    entered, levels = event_states(frame[event], event)
    states = levels if start in levels else [start, *levels]
    w = check_weights(frame, weights)
    # number in `states` of the state each level of `event` moves to
    number = np.array([CENSORED, *(states.index(level) for level in levels)])
    person = pd.factorize(frame[id])[0]
    target = number[entered]
    origin = _origins(
        person, np.zeros(len(end)) if begin is None else begin, end, target, states.index(start), id
    )
    stays = int((origin == target).sum())
    if stays:
        raise ValueError(f"event: {stays} rows move to the state they are in: code them as no move")
    rows = Episodes(begin, end, origin, target, np.ones(len(frame)) if w is None else w, len(states))
    unit = group_codes(frame[clusters])[0] if clusters else person
    codes, group_levels = group_codes(frame[groups])

    parts, finished, notes = [], [], list(missing_note(len(frame), len(data), n_missing))
    for group in range(len(group_levels)):
        inside = np.flatnonzero(codes == group)
        own = rows.of(inside)
        found = aalen_johansen(own, states.index(start))
        errors = unit_errors(own, found, unit[inside])
        if np.isnan(errors).any():
            notes.append("Curves of a single person or cluster have no standard error.")
        left = np.bincount(own.origin, minlength=len(states)) > 0
        finished.append(bool((found.probability[-1, left] <= 1e-12).all()))
        for state, name in enumerate(states):
            part = curve_rows(found, errors, state, found.n_risk.sum(axis=1), ci, conf_level)
            labels = {column: group_levels[column].iloc[group] for column in groups}
            parts.append(part.assign(**labels, state=name, in_state=found.n_risk[:, state]))
    table = pd.concat(parts, ignore_index=True).assign(measure="state probability")
    table = table.astype({name: group_levels[name].dtype for name in groups})
    table["state"] = pd.Categorical(table["state"], states)
    if weights is not None:
        notes.append(f"Weights: case or inverse-probability weights from '{weights}'.")
    notes += sparse_notes(None, 0, len(np.unique(unit)) if clusters else None)
    dependence = f"clustered by {' and '.join(clusters)}" if clusters else "over persons"
    return StateCurves(
        table=tidy(table, [*groups, "state", "time"]),
        method=(
            "State probabilities by the Aalen-Johansen estimator with pointwise "
            f"{100 * conf_level:.4g}% confidence intervals ({ci}) by the infinitesimal jackknife {dependence}."
        ),
        n=len(np.unique(person)),
        events=int((target != CENSORED).sum()),
        n_missing=n_missing,
        notes=tuple(dict.fromkeys(notes)),
        conf_level=conf_level,
        by=tuple(groups),
        time_label=time,
        state_column="state",
        start_state=start,
        finished=tuple(finished),
    )


def _origins(
    person: np.ndarray, begin: np.ndarray, end: np.ndarray, target: np.ndarray, start: int, id: str
) -> np.ndarray:
    """The state of each row: what the last move of the person's earlier rows led to, else `start`."""
    order = np.lexsort((begin, person))
    same = np.append(False, person[order][1:] == person[order][:-1])
    overlaps = int((same[1:] & (begin[order][1:] < end[order][:-1])).sum())
    if overlaps:
        raise ValueError(f"{overlaps} rows begin before the row before of the same '{id}' has ended")
    # the last earlier row of the person that moved; its own first row counts as a move to `start`
    moved = np.append(True, (target[order] != CENSORED)[:-1]) | ~same
    arrived = np.where(same, np.append(start, target[order][:-1]), start)
    last_move = np.maximum.accumulate(np.where(moved, np.arange(len(order)), 0))
    origin = np.empty(len(order), np.int64)
    origin[order] = arrived[last_move]
    return origin
