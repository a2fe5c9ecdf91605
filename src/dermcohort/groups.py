"""The groups an estimate is made by: their levels, and the rows and events of each."""

from __future__ import annotations

import itertools

import pandas as pd

ALL = "All"


def count_by(event: pd.Series, groups: pd.DataFrame) -> pd.DataFrame:
    """Rows `n` and `events` of each combination of the columns of `groups` that occurs; one row without any."""
    if groups.shape[1] == 0:
        return pd.DataFrame({"n": [len(event)], "events": [int(event.sum())]})
    labelled = printable_groups(groups).assign(_event=event)
    grouped = labelled.groupby(list(groups.columns), observed=True, sort=True)["_event"]
    return grouped.agg(n="size", events="sum").astype(int).reset_index()


def count_with_margins(event: pd.Series, groups: pd.DataFrame) -> pd.DataFrame:
    """`count_by` of every choice of the grouping columns, the others at their last level "All".

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
        counts = count_by(event, groups[list(chosen)])
        text = {name: counts[name].map(_text) if name in chosen else ALL for name in names}
        tables.append(counts.assign(**text))
    table = pd.concat(tables, ignore_index=True)
    for name in names:
        table[name] = pd.Categorical(table[name], [*levels[name], ALL])
    return table.sort_values(names, ignore_index=True) if names else table


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
