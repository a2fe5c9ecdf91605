"""Hide small counts, and what would give them back, in estimates that others will see.

A count from 1 to `min_cell` - 1 is hidden, with everything computed from it. Where it could be had by subtraction,
the next smallest count is hidden as well; `cell_suppression` finds which. Each table is protected by itself: what two
tables of the same people tell together is for their author to judge. Counts of missing values are shown: they tell of
the data, not of a trait of people. Survival curves are coarsened by `disclosure_curves`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from .cell_suppression import PRIMARY, UNMARKED, protect
from .describe import FlowChart, Listing, TableOne
from .disclosure_cells import (
    Counts,
    counts_of_flow,
    counts_of_listing,
    counts_of_risk_factors,
    counts_of_table_one,
    counts_of_tidy,
)
from .disclosure_curves import coarsen
from .estimates import Estimates, FittedModel
from .meta.analysis import MetaAnalysis
from .prevalence.co_occurrence import CoOccurrence
from .prevalence.trend import Trend
from .regression import RiskFactors
from .survival.survival_curve import TimeCurve
from .tables import SUPPRESSED, groups_of

E = TypeVar("E", bound=Estimates)
DERIVED = "derived"
KEPT = {"term", "level", "reference", "measure", "n", "events", "person_years", "score"}


def suppress(estimates: E, min_cell: int = 5, *, counts: Sequence[str] = (), show_zeros: bool = True) -> E:
    """A copy of estimates in which no count below `min_cell` can be read or derived.

    Parameters
    ----------
    estimates : Estimates
        Tables of prevalences, rates and regressions, `table_one`, `flow`, `listing`, and curves of `kaplan_meier` and
        `nelson_aalen`.
    min_cell : int
        The least count that is shown. 0 or 1: all are.
    counts : list of str
        Of a listing: its columns that count people. A row in which one is hidden loses its other numbers as well.
    show_zeros : bool
        Zeros stay, as is usual: that nobody has a condition points to nobody. With ``min_cell=2`` they are hidden in
        any case, because "<2" would otherwise mean 1.

    Returns
    -------
    Estimates
        Of the same class, with `.suppressed`: `min_cell` and `cells`, a table of the `row` (-1: the total below the
        table), `column`, `why` ("primary": small; "complementary": would give a small one back; "derived": computed
        from a hidden count) and how it is `shown`. Hidden numbers are NaN. What has passed already is returned as it
        is.

    Raises
    ------
    ValueError
        For estimates that passed with a smaller `min_cell`, or of a kind that has no rule.
    KeyError
        If a column of `counts` is not in the listing.

    Examples
    --------
    >>> table = pd.DataFrame({"sex": ["f", "m", "x"], "measure": "prevalence", "estimate": [0.2, 0.1, 0.03],
    ...                       "n": [100, 100, 100], "events": [20, 10, 3]})
    >>> safe = suppress(Estimates(table, "Crude prevalence.", n=300, events=33))
    >>> safe.table["events"].tolist()
    [20.0, nan, nan]
    >>> safe.to_display()["Events"].tolist()
    ['20', 'suppressed', '<5']
    """
    if estimates.suppressed is not None:
        if estimates.suppressed["min_cell"] < min_cell:
            raise ValueError(
                f"suppress: these estimates passed with min_cell={estimates.suppressed['min_cell']}; "
                f"for {min_cell} begin with the estimates themselves"
            )
        return estimates
    if min_cell <= 1:
        return _with_record(estimates, min_cell, [])
    if isinstance(estimates, TimeCurve):
        curve, record, note = coarsen(estimates, min_cell)
        return replace(_with_record(curve, min_cell, record), notes=(*curve.notes, *note))
    found = _counts(estimates, counts)
    zeros_too = not show_zeros or min_cell == 2
    why = protect(found.cells, min_cell, zeros_too)
    hidden = {place: why[i] for place, i in found.places.items() if i in why}
    if not hidden:
        return _with_record(estimates, min_cell, [])
    return _without(estimates, hidden, found, min_cell, zeros_too)


def _counts(estimates: Estimates, counts: Sequence[str]) -> Counts:
    if isinstance(estimates, Listing):
        return counts_of_listing(estimates, counts)
    if counts:
        raise ValueError("counts: only a listing needs them; other tables name their counts themselves")
    if isinstance(estimates, TableOne):
        return counts_of_table_one(estimates)
    if isinstance(estimates, FlowChart):
        return counts_of_flow(estimates)
    if isinstance(estimates, RiskFactors):
        return counts_of_risk_factors(estimates)
    has_rule = type(estimates) is Estimates or isinstance(
        estimates, FittedModel | Trend | CoOccurrence | MetaAnalysis
    )
    if not has_rule or "n_risk" in estimates.table or "n" not in estimates.table:
        raise ValueError(
            f"suppress: there is no rule for {type(estimates).__name__} with the columns "
            f"{', '.join(map(str, estimates.table))}: nobody can say which counts it tells"
        )
    return counts_of_tidy(estimates)


def _without(
    estimates: E, hidden: Mapping[tuple[int, str], str], found: Counts, min_cell: int, zeros_too: bool
) -> E:
    """The estimates without the hidden counts and what was computed from them."""
    table = estimates.table.copy()
    numbers = [c for c in _computed(estimates) if c in table]
    everything = dict(hidden)
    for (row, column), _ in hidden.items():
        if row >= 0:
            also = ("events", *numbers) if column == "n" else numbers
            everything.update({(row, c): DERIVED for c in also if c in table and (row, c) not in hidden})
    rows = {row for row, _ in hidden}
    for row, others in found.computed_from.items():
        if rows & others:
            everything.update({(row, c): DERIVED for c in numbers if (row, c) not in everything})
    small = f"<{min_cell}"
    record = []
    for (row, column), why in sorted(everything.items()):
        if row >= 0:
            position = table.columns.get_loc(column)
            if why == DERIVED and pd.isna(table.iat[row, position]):
                continue
            if not pd.api.types.is_float_dtype(table[column].dtype):
                table[column] = table[column].astype(float)
            table.iat[row, position] = np.nan
        reason = PRIMARY if why == UNMARKED else why
        record.append((row, column, reason, small if why == PRIMARY else SUPPRESSED))
    changed: dict[str, Any] = {"table": table, **_fields_without(estimates)}
    totals = {column: why for (row, column), why in hidden.items() if row == -1}
    if "events" in totals:
        changed["events"] = None
    if "n" in totals:
        changed["n"] = 0
    if isinstance(estimates, TableOne):
        gone = {c.removeprefix("size of ") for c in totals if c.startswith("size of ")}
        changed["group_sizes"] = {g: -1 if g in gone else size for g, size in estimates.group_sizes.items()}
    said = f"0 to {min_cell - 1}" if zeros_too else f"1 to {min_cell - 1}"
    notes = [_without_totals(note, estimates, totals) for note in estimates.notes]
    changed["notes"] = (
        *notes,
        f"Counts of {said} people are shown as {small}; what would give them back is suppressed.",
    )
    return _with_record(replace(estimates, **changed), min_cell, record)


def _computed(estimates: Estimates) -> list[str]:
    """Columns of numbers computed from the counts of their row."""
    table = estimates.table
    groups = [] if isinstance(estimates, Listing | FlowChart) else groups_of(table)
    texts = [c for c in table if not pd.api.types.is_numeric_dtype(table[c].dtype)]
    kept = set(texts) | set(groups) | (KEPT if not isinstance(estimates, Listing) else set())
    return [c for c in table if c not in kept and c != "step"]


def _fields_without(estimates: Estimates) -> dict[str, Any]:
    """Other fields in which the hidden could be read: a model's coefficients, covariance and likelihood, and so on."""
    own = {f.name for f in fields(Estimates)}
    changed: dict[str, Any] = {}
    for f in fields(estimates):
        value = getattr(estimates, f.name)
        if f.name in own or not f.init:
            continue
        if isinstance(value, pd.DataFrame):
            numbers = value.select_dtypes("number").columns
            changed[f.name] = value.assign(**dict.fromkeys(numbers, np.nan))
        elif isinstance(value, pd.Series):
            changed[f.name] = pd.Series(np.nan, index=value.index, name=value.name)
        elif isinstance(value, float):
            changed[f.name] = float("nan")
        elif isinstance(value, tuple) and value and all(isinstance(x, float) for x in value):
            changed[f.name] = (float("nan"),) * len(value)
        elif not f.metadata.get("saved", True):
            changed[f.name] = None
    return changed


def _without_totals(note: str, estimates: Estimates, totals: Mapping[str, str]) -> str:
    """A note in which a hidden total, or those without the event, is no longer told."""
    if "events" not in totals or estimates.events is None:
        return note
    for number in (estimates.events, estimates.n - estimates.events):
        note = re.sub(rf"(?<![\d.,]){number:,}(?!\d|[.,]\d| coefficients)", SUPPRESSED, note)
    return note


def _with_record(estimates: E, min_cell: int, record: Sequence[tuple[int, str, str, str]]) -> E:
    cells = pd.DataFrame(record, columns=["row", "column", "why", "shown"])
    return replace(estimates, suppressed={"min_cell": min_cell, "cells": cells})
