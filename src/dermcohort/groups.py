"""The groups an estimate is made by: their levels, and the rows and events of each."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from .design import binary_outcome

ALL = "All"


def count_by(event: pd.Series, groups: pd.DataFrame) -> pd.DataFrame:
    """Rows `n` and `events` of each combination of the columns of `groups` that occurs; one row without any."""
    if groups.shape[1] == 0:
        return pd.DataFrame({"n": [len(event)], "events": [int(event.sum())]})
    labelled = printable_groups(groups).assign(_event=event)
    grouped = labelled.groupby(list(groups.columns), observed=True, sort=True)["_event"]
    return grouped.agg(n="size", events="sum").astype(int).reset_index()


def group_codes(groups: pd.DataFrame, inside: np.ndarray | None = None) -> tuple[np.ndarray, pd.DataFrame]:
    """Code 0, 1, ... of the group of each row, -1 of rows that are not `inside`, and the groups, one row each."""
    if inside is None:
        inside = np.ones(len(groups), bool)
    codes = np.full(len(groups), -1, np.int64)
    if groups.shape[1] == 0:
        codes[inside] = 0
        return codes, pd.DataFrame(index=range(1))
    # the index may have levels of the same names
    labelled = printable_groups(groups[inside]).reset_index(drop=True)
    grouped = labelled.groupby(list(groups.columns), observed=True, sort=True)
    codes[inside] = grouped.ngroup().to_numpy()
    return codes, grouped.size().index.to_frame(index=False)


def level_scores(
    values: pd.Series, found: pd.Series, name: str, scores: Sequence[float] | None
) -> np.ndarray:
    """Score of each level found, 1, 2, 3, ... where not given; of a category, by its place among all its levels.

    Raises
    ------
    ValueError
        For text without an order, or scores that do not fit the levels or do not differ.
    """
    if isinstance(values.dtype, pd.CategoricalDtype):
        used = values.cat.remove_unused_categories().cat.categories
        place = values.cat.categories.get_indexer(used)
        n_levels = len(values.cat.categories)
    elif pd.api.types.is_numeric_dtype(values.dtype):  # booleans too
        place, n_levels = np.arange(len(found)), len(found)
    else:
        raise ValueError(f"'{name}' is text, which has no order: make it a category with ordered levels")
    given = np.arange(1.0, n_levels + 1) if scores is None else np.asarray(scores, float)
    if given.shape != (n_levels,):
        raise ValueError(f"scores: {given.size} given, but '{name}' has {n_levels} levels; give one a level")
    used_scores = given[place]
    if not np.isfinite(used_scores).all() or np.ptp(used_scores) == 0:
        raise ValueError("scores must be finite numbers that are not all the same")
    return used_scores


def event_counts(values: pd.Series, name: str) -> np.ndarray:
    """Events of each row: numbers that are not negative, or what `binary_outcome` takes. None missing."""
    if not pd.api.types.is_numeric_dtype(values.dtype) or pd.api.types.is_bool_dtype(values.dtype):
        return binary_outcome(values, name)
    numbers = values.to_numpy(float)
    if not (np.isfinite(numbers) & (numbers >= 0)).all():
        raise ValueError(f"'{name}' must not be negative or infinite")
    return numbers


def whole(values: np.ndarray) -> np.ndarray:
    """Counts as integers where all of them are."""
    return values.astype(int) if (values == np.round(values)).all() else values


def with_margins(groups: pd.DataFrame, estimate: Callable[[list[str]], pd.DataFrame]) -> pd.DataFrame:
    """A table of every choice of the grouping columns, the others at their last level "All".

    Parameters
    ----------
    groups : DataFrame
        The grouping columns of the rows that count.
    estimate : function
        From chosen columns to a table with those columns and a row a group.

    Raises
    ------
    ValueError
        If a column has a level "All" of its own.
    """
    names = list(groups.columns)
    levels = {name: list(map(_text, _levels(column))) for name, column in printable_groups(groups).items()}
    for name in names:
        if ALL in levels[name]:
            raise ValueError(f"margins: '{name}' has a level '{ALL}' of its own; rename it")
    choices = itertools.chain.from_iterable(
        itertools.combinations(names, size) for size in range(len(names), -1, -1)
    )
    tables = []
    for chosen in choices:
        table = estimate(list(chosen))
        text = {name: table[name].map(_text) if name in chosen else ALL for name in names}
        tables.append(table.assign(**text))
    table = pd.concat(tables, ignore_index=True)
    for name in names:
        table[name] = pd.Categorical(table[name], [*levels[name], ALL])
    return table.sort_values(names, ignore_index=True, kind="stable") if names else table


def printable_groups(groups: pd.DataFrame) -> pd.DataFrame:
    """Grouping columns with levels that can be printed and saved: intervals become text, empty ones go."""
    plain = groups.copy()
    for name in groups:
        if isinstance(groups[name].dtype, pd.CategoricalDtype):
            values = groups[name].cat.remove_unused_categories()
            levels = values.cat.categories
            plain[name] = (
                values if levels.inferred_type in TEXT_OR_NUMBER else values.cat.rename_categories(str)
            )
    return plain


def _levels(column: pd.Series) -> pd.Index:
    """The levels that occur, in their order."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        return column.cat.categories
    return pd.Index(column.unique()).sort_values()


def _text(level: object) -> str:
    """A level in print; a whole number kept as a float, as a year beside missing values is, has no point."""
    return str(int(level)) if isinstance(level, float) and level.is_integer() else str(level)


TEXT_OR_NUMBER = ("string", "integer", "floating", "boolean")
