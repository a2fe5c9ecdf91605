"""Hide small counts, and what would give them back, in estimates that others will see.

A count from 1 to `min_cell` - 1 is hidden, with everything computed from it. Where it could be had by subtraction,
the next smallest count is hidden as well; `cell_suppression` finds which. Each table is protected by itself: what two
tables of the same people tell together is for their author to judge. Counts of missing values are shown unless asked
otherwise: they tell of the data, not of a trait of people. What each kind of estimates tells is in `disclosure_rules`.
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
from .disclosure_cells import Counts, add_missing_counts, counts_of_listing
from .disclosure_models import rows_of_model
from .disclosure_rules import RULES, Rule, needs_model, rule_of
from .estimates import Estimates
from .survival.curve_comparison import AdjustedCurves
from .tables import SUPPRESSED, groups_of

E = TypeVar("E", bound=Estimates)
DERIVED = "derived"
KEPT = {"term", "level", "reference", "measure", "n", "events", "person_years", "score"}


UNVERIFIED = "The reference is known for"  # a note of counts of each result of a test


def suppress(
    estimates: E,
    min_cell: int = 5,
    *,
    counts: Sequence[str] = (),
    of: Estimates | None = None,
    missing: bool = False,
    show_zeros: bool = True,
) -> E:
    """A copy of estimates in which no count below `min_cell` can be read or derived.

    Parameters
    ----------
    estimates : Estimates
        Of any kind that this package makes.
    min_cell : int
        The least count that is shown. 0 or 1: all are.
    counts : list of str
        Of a listing: its columns that count people. A row in which one is hidden loses what it has beside counts.
    of : Estimates, optional
        Of what compares levels or times and has no counts of its own (standardized risks, contrasts, differences of
        curves): the model, or the curves, it was made of, before they passed. What is hidden there is hidden here.
    missing : bool
        Of `table_one`: counts of missing values are hidden like others. As those known and their total would give them
        back, few missing values then take a variable with them.
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
        For estimates that passed with a smaller `min_cell`, of a kind that has no rule, or that need `of`.
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
    rule = rule_of(estimates)
    if of is None and isinstance(estimates, AdjustedCurves):
        of = estimates.fit
    if of is None and needs_model(estimates, rule):
        raise ValueError(
            "suppress: these estimates compare levels or times without their counts; name the model or the curves they "
            "were made of, e.g. study.shown(risks, of=model)"
        )
    record: list[tuple[int, str, str, str]] = []
    if rule.coarsen is not None:
        estimates, record, more = rule.coarsen(estimates, min_cell)
        estimates = replace(estimates, notes=(*estimates.notes, *more))
    estimates = _without_records(estimates, rule)
    found = _counts(estimates, rule, counts, missing)
    zeros_too = not show_zeros or min_cell == 2
    why = protect(found.cells, min_cell, zeros_too)
    hidden = {place: why[i] for place, i in found.places.items() if i in why}
    least = 0 if zeros_too else 1
    secret = set(why) | {i for i, value in enumerate(found.cells.values) if least <= value < min_cell}
    blank = {row for row, cells in found.made_of.items() if secret & set(cells)}
    if of is not None:
        blank |= rows_of_model(estimates, of, suppress(of, min_cell, show_zeros=show_zeros), min_cell)
    if not hidden and not blank:
        return _with_record(estimates, min_cell, record)
    return _without(estimates, hidden, blank, found, min_cell, zeros_too)


def tells_of_people(estimates: Estimates) -> bool:
    """Whether these estimates were made of people, so that small counts may be read from them."""
    rule = RULES.get(type(estimates).__name__)
    return estimates.n > 0 and (rule is None or rule.about_people)


def _counts(estimates: Estimates, rule: Rule, counts: Sequence[str], missing: bool) -> Counts:
    if isinstance(estimates, Listing):
        return counts_of_listing(estimates, counts)
    if counts:
        raise ValueError("counts: only a listing needs them; other tables name their counts themselves")
    found = Counts() if rule.counts is None else rule.counts(estimates)
    if missing:
        if not isinstance(estimates, TableOne):
            raise ValueError("missing: only table_one counts missing values")
        add_missing_counts(found, estimates)
    return found


def _without_records(estimates: E, rule: Rule) -> E:
    """The estimates without what they keep of each person, event or family."""
    gone: dict[str, Any] = {}
    for name in rule.records:
        value = getattr(estimates, name)
        is_frame = isinstance(value, pd.DataFrame | pd.Series)
        gone[name] = value.iloc[:0] if is_frame and _is_saved(estimates, name) else None
    if "matrices" in gone:
        gone["matrices"] = ()
    return replace(estimates, **gone)


def _is_saved(estimates: Estimates, name: str) -> bool:
    return next(f.metadata.get("saved", True) for f in fields(estimates) if f.name == name)


def _without(
    estimates: E,
    hidden: Mapping[tuple[int, str], str],
    blank: set[int],
    found: Counts,
    min_cell: int,
    zeros_too: bool,
) -> E:
    """The estimates without the hidden counts, what was computed from them, and the numbers of blank rows."""
    table = estimates.table.copy()
    named = {column for _, column in found.places} if isinstance(estimates, Listing) else set()
    numbers = [c for c in _computed(estimates) if c in table and c not in named]
    everything = dict(hidden)
    for (row, column), _ in hidden.items():
        if row >= 0:
            also = ("events", *numbers) if column == "n" else numbers
            everything.update({(row, c): DERIVED for c in also if c in table and (row, c) not in hidden})
    rows = {row for row, _ in hidden} | blank
    everything.update({(row, c): DERIVED for row in blank for c in numbers if (row, c) not in everything})
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
    notes = [
        _without_totals(note, estimates, totals)
        for note in estimates.notes
        if not note.startswith(UNVERIFIED)
    ]
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
            gone = value.copy()
            for column in value.select_dtypes("number").columns.difference(["time"]):
                gone[column] = np.nan
            changed[f.name] = gone
        elif isinstance(value, pd.Series):
            changed[f.name] = pd.Series(np.nan, index=value.index, name=value.name)
        elif isinstance(value, Mapping) and value and all(isinstance(x, float | int) for x in value.values()):
            changed[f.name] = dict.fromkeys(value, float("nan"))
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
