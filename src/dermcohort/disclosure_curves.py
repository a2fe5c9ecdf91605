"""Curves without single events: fewer, larger steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np
import pandas as pd

from .accuracy.roc import RocCurves
from .cell_suppression import PRIMARY
from .estimates import Estimates
from .survival.additive_hazards import AdditiveHazardsFit
from .survival.curve_comparison import AdjustedCurves
from .survival.fine_gray import FineGrayFit
from .survival.state_curves import StateCurves
from .survival.survival_curve import TimeCurve
from .survival.turnbull import TurnbullCurve

E = TypeVar("E", bound=Estimates)
NUMBERS = ["estimate", "conf_low", "conf_high", "std_error", "events", "n_risk", "censored", "in_state"]
Record = list[tuple[int, str, str, str]]
Coarse = tuple[E, Record, tuple[str, ...]]


def coarsen(curve: TimeCurve | StateCurves, min_cell: int) -> Coarse[TimeCurve | StateCurves]:
    """The curves stepping only where `min_cell` or more had each event, were censored or entered, or nobody, lie between.

    The causes (or states) of a group step together, as they add up with the survivors. A step has the height the curve
    has then; its `n_risk` is those at risk when the step before ended, so that the differences of `n_risk` are sums over
    steps as well. What is left after the last step joins it. Steps end at times of events, so that the times themselves
    are exact. A group in which 1 to `min_cell` - 1 have an event, one of the causes, or none of them, has no curve: its
    rows are NaN, and the totals are not told.
    """
    parts, record, rows = [], Record(), 0
    for group in _groups(curve):
        steps, is_hidden = _steps(group, min_cell)
        for part in steps:
            if is_hidden:
                record += [(rows, column, PRIMARY, f"<{min_cell}") for column in NUMBERS if column in part]
            parts.append(part)
            rows += len(part)
    table = pd.concat(parts, ignore_index=True)[list(curve.table.columns)]
    table = table.astype({name: curve.table[name].dtype for name in curve.by})
    if isinstance(curve, StateCurves):
        table[curve.state_column] = table[curve.state_column].astype(curve.table[curve.state_column].dtype)
    note = f"Each step of a curve stands for {min_cell} events or more; those at risk are of the step's beginning."
    if not record:
        return replace(curve, table=table), record, (note,)
    hidden = f"Groups with fewer than {min_cell} events, or as few without one, have no curve."
    return replace(curve, table=table, n=0, events=None), record, (note, hidden)


def _groups(curve: TimeCurve | StateCurves) -> list[list[pd.DataFrame]]:
    """The curves of the same people together: one, or one of each cause or state."""
    parts = [found[1].reset_index(drop=True) for found in curve._curves()]
    each = curve.table[curve.state_column].nunique() if isinstance(curve, StateCurves) else 1
    return [parts[i : i + each] for i in range(0, len(parts), each)]


def _steps(group: list[pd.DataFrame], min_cell: int) -> tuple[list[pd.DataFrame], bool]:
    """The rows at which steps end, and whether the group is too small to have any."""
    moves = _moves(group)
    totals = [*np.abs(moves.sum(axis=0)), group[0]["n_risk"].iloc[0]]
    if any(0 < count < min_cell for count in totals):
        numbers = [column for column in NUMBERS if column in group[0]]
        nothing = dict.fromkeys(numbers, np.nan)
        return [
            part.iloc[[-1]].astype(dict.fromkeys(numbers, float)).assign(**nothing) for part in group
        ], True
    events = np.sum([part["events"].to_numpy(float) for part in group], axis=0)
    ends = _ends(moves, events > 0, min_cell)
    begins = [0, *(end + 1 for end in ends[:-1])]
    found = []
    for part in group:
        steps = part.iloc[ends].copy()
        for column in ("n_risk", "in_state"):
            if column in part:
                steps[column] = part[column].to_numpy()[begins]
        for column in ("events", "censored"):
            if column in part:
                values = part[column].to_numpy(float)
                steps[column] = [values[b : e + 1].sum() for b, e in zip(begins, ends, strict=True)]
        found.append(steps)
    return found, False


def _moves(group: list[pd.DataFrame]) -> np.ndarray:
    """Counts at each time (times, k) that a reader could have from the columns of the curves and their differences."""
    first = group[0]
    events = [part["events"].to_numpy(float) for part in group]
    n_risk = first["n_risk"].to_numpy(float)
    if "in_state" in first:
        left = [np.append(-np.diff(n_risk), 0.0)]
        for part, entered in zip(group, events, strict=True):
            left.append(np.append(-np.diff(part["in_state"].to_numpy(float)), 0.0) + entered)
        return _rounded([*events, *left])
    censored = first["censored"].to_numpy(float)
    stayed = n_risk - sum(events) - censored
    return _rounded([*events, censored, np.append(n_risk[1:], stayed[-1]) - stayed])


def _rounded(columns: Sequence[np.ndarray]) -> np.ndarray:
    """Sums of weights without what rounding leaves of 0."""
    moves = np.column_stack(columns)
    return np.where(np.abs(moves) < 1e-6, 0.0, moves)


def _ends(moves: np.ndarray, has_event: np.ndarray, min_cell: int) -> list[int]:
    """Where each step ends; the last row is the end of the last."""

    def enough(first: int, end: int) -> bool:
        counts = np.abs(moves[first : end + 1].sum(axis=0))
        return bool(((counts < 1e-6) | (counts >= min_cell)).all())

    ends, first, last = [], 0, len(moves) - 1
    for i in range(last + 1):
        if has_event[first : i + 1].any() and enough(first, i):
            ends.append(i)
            first = i + 1
    if ends and ends[-1] < last and not enough(first, last):
        # too little for a step of its own: it joins the step before, which ends with the last event if it can
        first = ends[-2] + 1 if len(ends) > 1 else 0
        final = int(np.flatnonzero(has_event)[-1])
        is_flat = final < last and enough(first, final) and enough(final + 1, last)
        ends = [*ends[:-1], *([final] if is_flat else [])]
    return ends if ends and ends[-1] == last else [*ends, last]


def coarsen_turnbull(curve: TurnbullCurve, min_cell: int) -> Coarse[TurnbullCurve]:
    """The intervals joined until the curve falls by `min_cell` people or more in each."""
    if curve.by:
        raise ValueError(
            "suppress: Turnbull's curves do not say how many people each group has; make each curve of its own, without by="
        )
    table = curve.table.reset_index(drop=True)
    people = (table["mass"] * curve.n).to_numpy()
    events = curve.events or 0
    numbers = ["mass", "survival"]
    if any(0 < count < min_cell for count in (curve.n, events, curve.n - events)):
        nothing = table.iloc[[-1]].assign(**dict.fromkeys(numbers, np.nan))
        record = [(0, column, PRIMARY, f"<{min_cell}") for column in numbers]
        note = f"Curves of fewer than {min_cell} events, or as few without one, are not told."
        return replace(curve, table=nothing, n=0, events=None, loglik=float("nan")), record, (note,)
    ends = _ends(people[:, None], people > 0, min_cell)
    begins = [0, *(end + 1 for end in ends[:-1])]
    joined = table.iloc[ends].copy()
    joined["lower"] = table["lower"].to_numpy()[begins]
    joined["mass"] = [table["mass"].iloc[b : e + 1].sum() for b, e in zip(begins, ends, strict=True)]
    note = f"Intervals are joined until {min_cell} people or more are expected in each."
    return replace(curve, table=joined.reset_index(drop=True)), Record(), (note,)


def coarsen_adjusted(curve: AdjustedCurves, min_cell: int) -> Coarse[AdjustedCurves]:
    """Adjusted curves at times between which `min_cell` or more of all people had the event."""
    if curve.fit is None:
        raise ValueError(
            "suppress: adjusted curves loaded from a file do not say when how many had the event; pass them before they "
            "are saved"
        )
    frame = curve.fit.design.frame
    times = np.unique(curve.table["time"])
    happened = frame.loc[frame[curve.fit.event].astype(float) == 1, curve.fit.time].to_numpy(float)
    place = np.searchsorted(times, happened, "left")
    events = np.bincount(np.minimum(place, len(times) - 1), minlength=len(times)).astype(float)
    kept = times[_ends(events[:, None], events > 0, min_cell)]
    table = curve.table[curve.table["time"].isin(kept)].reset_index(drop=True)
    note = f"Each step of a curve stands for {min_cell} events or more."
    return replace(curve, table=table), Record(), (note,)


def thin_additive(fit: AdditiveHazardsFit, min_cell: int) -> Coarse[AdditiveHazardsFit]:
    """Cumulative coefficients at every so many times of events, each of one person at least."""
    kept = _every(len(fit.cumulative), min_cell)
    cumulative = fit.cumulative.iloc[kept].reset_index(drop=True)
    few = cumulative["n_risk"].between(1, min_cell - 1)
    cumulative["n_risk"] = cumulative["n_risk"].astype(float).mask(few)
    errors = fit.cumulative_std_error.iloc[kept].reset_index(drop=True)
    errors["n_risk"] = cumulative["n_risk"]
    note = f"Each step of a curve stands for {min_cell} events or more."
    thinned = replace(fit, cumulative=cumulative, cumulative_std_error=errors)
    return thinned, Record(), (note,)


def thin_fine_gray(fit: FineGrayFit, min_cell: int) -> Coarse[FineGrayFit]:
    """The baseline at every so many times of events, each of one person at least."""
    strata = fit.baseline.groupby(list(fit.strata), observed=True) if fit.strata else [((), fit.baseline)]
    kept = [part.iloc[_every(len(part), min_cell)] for _, part in strata]
    return replace(fit, baseline=pd.concat(kept, ignore_index=True)), Record(), ()


def _every(n_times: int, min_cell: int) -> list[int]:
    """Places of the times at which steps of `min_cell` times of events or more end."""
    return _ends(np.ones((n_times, 1)), np.ones(n_times, bool), min_cell) if n_times else []


def thin_roc(curves: RocCurves, min_cell: int) -> Coarse[RocCurves]:
    """ROC curves with points between which `min_cell` or more with the event, or without it, or none of them, lie."""
    areas = curves.table[curves.table["measure"] == "AUC"]
    keys = [*curves.by, "term"]
    kept = []
    for _, area in areas.iterrows():
        points = curves.curve
        for key in keys:
            points = points[points[key] == area[key]]
        with_event, without = area["events"], area["n"] - area["events"]
        above = np.column_stack(
            [points["sensitivity"] * with_event, (1 - points["specificity"]) * without]
        ).round()
        order = np.argsort(above.sum(axis=1), kind="stable")
        moves = np.diff(above[order], axis=0)
        ends = _ends(moves, np.asarray(moves.any(axis=1)), min_cell) if len(moves) else []
        kept.append(points.iloc[np.sort(order[[0, *(end + 1 for end in ends)]])] if len(points) else points)
    curve = pd.concat(kept) if kept else curves.curve
    # a best point that is no longer on the curve is not told
    at = [*keys, "threshold"]
    told = curves.cutpoint.merge(curve[at], on=at, how="inner")[list(curves.cutpoint.columns)]
    note = f"Points of the ROC curves are {min_cell} people or more apart."
    return replace(curves, curve=curve.reset_index(drop=True), cutpoint=told), Record(), (note,)


def times_apart(times: Sequence[float], at: np.ndarray, moves: np.ndarray, min_cell: int) -> set[float]:
    """Those of the times that may be told: `min_cell` or more of each count, or none, lie between them and after them.

    `moves` (rows, k) are counts at the times `at`.
    """
    kept, last = set[float](), -np.inf
    for time in sorted(set(times)):
        pieces = moves[(at > last) & (at <= time)].sum(axis=0), moves[at > time].sum(axis=0)
        if all(((np.abs(piece) < 1e-6) | (np.abs(piece) >= min_cell)).all() for piece in pieces):
            kept.add(time)
            last = time
    return kept
