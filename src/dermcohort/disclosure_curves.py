"""Survival curves without single events: fewer, larger steps."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

import numpy as np
import pandas as pd

from .cell_suppression import PRIMARY
from .survival.survival_curve import TimeCurve

Curve = TypeVar("Curve", bound=TimeCurve)
NUMBERS = ["estimate", "conf_low", "conf_high", "std_error", "events", "n_risk", "censored"]
Record = list[tuple[int, str, str, str]]


def coarsen(curve: Curve, min_cell: int) -> tuple[Curve, Record, tuple[str, ...]]:
    """The curve stepping only where at least `min_cell` events, and 0 or that many censored, lie between.

    A step has the height the curve has then; its `n_risk` is those at risk when the step before ended, so that the
    differences of `n_risk` are sums over steps as well. What is left after the last step joins it. Steps end at times of events, so that
    the times themselves are exact. A group with 1 to
    `min_cell` - 1 events or people without it has no curve: its row is NaN, and the totals are not told.
    """
    parts, record, rows = [], Record(), 0
    for _, part in curve._curves():
        steps, is_hidden = _steps(part.reset_index(drop=True), min_cell)
        if is_hidden:
            record += [(rows, column, PRIMARY, f"<{min_cell}") for column in NUMBERS if column in steps]
        parts.append(steps)
        rows += len(steps)
    table = pd.concat(parts, ignore_index=True)[list(curve.table.columns)]
    note = f"Each step of a curve stands for {min_cell} events or more; those at risk are of the step's beginning."
    if not record:
        return replace(curve, table=table), record, (note,)
    hidden = f"Groups with fewer than {min_cell} events, or as few without one, have no curve."
    return replace(curve, table=table, n=0, events=None), record, (note, hidden)


def _steps(curve: pd.DataFrame, min_cell: int) -> tuple[pd.DataFrame, bool]:
    """The rows at which steps end, and whether the group is too small to have any."""
    events, censored = curve["events"].to_numpy(float), curve["censored"].to_numpy(float)
    if any(0 < count < min_cell for count in (events.sum(), censored.sum(), curve["n_risk"].iloc[0])):
        numbers = [column for column in NUMBERS if column in curve]
        return curve.iloc[[-1]].astype(dict.fromkeys(numbers, float)).assign(
            **dict.fromkeys(numbers, np.nan)
        ), True
    ends = _ends(events, censored, min_cell)
    begins = [0, *(end + 1 for end in ends[:-1])]
    steps = curve.iloc[ends].copy()
    steps["n_risk"] = curve["n_risk"].to_numpy()[begins]
    steps["events"] = [events[b : e + 1].sum() for b, e in zip(begins, ends, strict=True)]
    steps["censored"] = [censored[b : e + 1].sum() for b, e in zip(begins, ends, strict=True)]
    return steps, False


def _ends(events: np.ndarray, censored: np.ndarray, min_cell: int) -> list[int]:
    """Where each step ends; the last row is the end of the last."""

    def enough(first: int, end: int) -> bool:
        counts = events[first : end + 1].sum(), censored[first : end + 1].sum()
        return all(count == 0 or count >= min_cell for count in counts)

    ends, first, last = [], 0, len(events) - 1
    for i in range(last + 1):
        if events[first : i + 1].sum() > 0 and enough(first, i):
            ends.append(i)
            first = i + 1
    if ends and ends[-1] < last and not enough(first, last):
        # too little for a step of its own: it joins the step before, which ends with the last event if it can
        first = ends[-2] + 1 if len(ends) > 1 else 0
        final = int(np.flatnonzero(events)[-1])
        is_flat = final < last and enough(first, final) and enough(final + 1, last)
        ends = [*ends[:-1], *([final] if is_flat else [])]
    return ends if ends and ends[-1] == last else [*ends, last]
