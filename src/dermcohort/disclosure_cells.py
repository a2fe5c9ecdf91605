"""The counts of each kind of table, and the sums that tie them: what a reader could subtract."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pandas as pd

from .cell_suppression import Cells
from .describe import FlowChart, Listing, TableOne
from .describe.characteristics import OVERALL
from .estimates import Estimates
from .groups import ALL
from .regression import RiskFactors
from .tables import groups_of
from .wording import suggest

TOTAL = -1  # the row of what stands below the table


@dataclass
class Counts:
    """Counts of a table: their cells by (row, column), and the rows computed from those of others.

    `made_of` has, for a row, the cells that its numbers tell beside those it prints, by their place in `cells`.
    """

    cells: Cells = field(default_factory=Cells)
    places: dict[tuple[int, str], int] = field(default_factory=dict)
    computed_from: dict[int, set[int]] = field(default_factory=dict)
    made_of: dict[int, list[int]] = field(default_factory=dict)

    def add(self, row: int, column: str, value: float, *, last_choice: bool = False) -> None:
        """A count that is shown; a missing one is none."""
        if not pd.isna(value):
            self.places[row, column] = self.cells.add(value, last_choice=last_choice)

    def add_sum(
        self,
        total: tuple[int, str],
        rows: Sequence[int],
        column: str,
        weights: Sequence[float] | None = None,
    ) -> None:
        """The count at `total` is the sum of the `column` of these rows."""
        parts = [self.places[row, column] for row in rows if (row, column) in self.places]
        if total in self.places and len(parts) == len(rows):
            self.cells.add_sum(self.places[total], parts, weights)

    def add_rest(self, whole: tuple[int, str], part: tuple[int, str]) -> None:
        """What is not shown, but left when a part is taken from its whole: those without the event."""
        if whole in self.places and part in self.places:
            i, j = self.places[whole], self.places[part]
            rest = self.cells.values[i] - self.cells.values[j]
            if rest >= 0:
                self.cells.add_sum(i, [j, self.cells.add(rest, shown=False)])


def counts_of_tidy(estimates: Estimates) -> Counts:
    """Rows and events of a table of estimates: by group with or without margins, by level of a term, pooled."""
    table = estimates.table.reset_index(drop=True)
    groups, counts = groups_of(table), Counts()
    columns = [column for column in ("n", "events") if column in table]
    # a reference that is hidden takes the estimates of its whole term with it
    is_reference = (
        table["level"] == table["reference"]
        if {"level", "reference"} <= set(table)
        else pd.Series(False, table.index)
    )
    for row in table.index:
        for column in columns:
            counts.add(row, column, table.at[row, column], last_choice=bool(is_reference[row]))
        counts.add_rest((row, "n"), (row, "events"))
    _add_totals(counts, estimates, table, columns)
    if "reference" in table and "level" not in table:  # groups against a group
        named = table[groups].astype(str).agg(", ".join, axis=1)
        for row in table.index[table["reference"].notna()]:
            counts.computed_from[row] = set(table.index[named == str(table.at[row, "reference"])])
    for name in ("term", "level", "measure"):
        if name not in table:
            table[name] = None
    keys = table[[*groups, "term", "level", "measure"]].astype(object)
    keys = keys.where(keys.notna(), "")
    in_margin = (keys[groups] == ALL).any(axis=1) if groups else pd.Series(False, keys.index)
    for _, block in keys[~in_margin].groupby(["term", "measure"], sort=False):
        leveled = block[block["level"] != ""]
        for column in columns:
            counts.add_sum((TOTAL, column), list((leveled if len(leveled) else block).index), column)
    for _, same in keys.groupby([*groups, "term", "level"], sort=False):
        for row in same.index[1:]:  # another measure of the same people
            for column in columns:
                counts.add_sum((same.index[0], column), [row], column)
    for name in groups:
        others = [key for key in keys if key != name]
        for _, line in keys.groupby(others, sort=False):
            for total in line.index[line[name] == ALL]:
                for column in columns:
                    counts.add_sum((total, column), list(line.index[line[name] != ALL]), column)
    for _, group in keys.groupby(groups, sort=False) if groups else [((), keys)]:
        _add_levels(counts, table, group)
    return counts


def counts_of_risk_factors(estimates: RiskFactors) -> Counts:
    """Rows and events of each exposure in each model: levels have their sum, numbers all rows of their model."""
    table, counts = estimates.table.reset_index(drop=True), Counts()
    columns = [column for column in ("n", "events") if column in table]
    is_reference = table["level"] == table["reference"] if "reference" in table else table["level"].isna()
    for row in table.index:
        for column in columns:
            counts.add(row, column, table.at[row, column], last_choice=bool(is_reference[row]))
        counts.add_rest((row, "n"), (row, "events"))
    _add_totals(counts, estimates, table, columns)
    numbers = list(table.index[table["level"].isna()])
    for _, levels in table[table["level"].notna()].groupby(["model", "term"], sort=False):
        references = set(levels.index[is_reference[levels.index]])
        for row in set(levels.index) - references:
            counts.computed_from[row] = references
        for column in columns:
            for total in [TOTAL, *numbers]:
                counts.add_sum((total, column), list(levels.index), column)
    for _, same in table.groupby(["term", "level"], sort=False, dropna=False):
        for row in same.index[1:]:  # another model of the same people
            for column in columns:
                counts.add_sum((same.index[0], column), [row], column)
    return counts


def _add_totals(counts: Counts, estimates: Estimates, table: pd.DataFrame, columns: Sequence[str]) -> None:
    """The counts below the table; a row that has all the rows, or all the events, has the same."""
    for column, value in (("n", estimates.n), ("events", estimates.events)):
        if value is not None and (column != "n" or value > 0):
            counts.add(TOTAL, column, value)
    counts.add_rest((TOTAL, "n"), (TOTAL, "events"))
    for column in columns:
        for row in table.index:
            counts.add_sum((TOTAL, column), [row], column)
    pooled = table.index[table["term"] == "pooled"] if "term" in table else []
    for total in pooled:
        rows = [row for row in table.index if row != total]
        counts.computed_from[total] = set(rows)
        for column in columns:
            counts.add_sum((total, column), rows, column)


def _add_levels(counts: Counts, table: pd.DataFrame, group: pd.DataFrame) -> None:
    """Within a group: levels that share its people between them, and what is computed from several levels."""
    for term, block in group.groupby("term", sort=False):
        leveled = list(block.index[block["level"] != ""])
        for row in block.index:
            if leveled and row not in leveled:
                counts.computed_from.setdefault(row, set()).update(leveled)
        if "reference" in table:
            for row in leveled:
                is_reference = block["level"] == table.at[row, "reference"]
                references = set(block.index[is_reference]) - {row}
                if references:
                    counts.computed_from.setdefault(row, set()).update(references)
        has_both = "events" in table and "n" in table
        if not has_both or len(leveled) < 2 or table.loc[leveled, "n"].nunique() != 1:
            continue
        if abs(table.loc[leveled, "events"].sum() - table.at[leveled[0], "n"]) > 1e-9:
            continue
        counts.add_sum((leveled[0], "n"), leveled, "events")
        for row in group.index:  # the same people in other rows
            counts.add_sum((leveled[0], "n"), [row], "n")
        numbers = pd.to_numeric(block.loc[leveled, "level"], errors="coerce").fillna(0.0)
        for row in group.index.difference(leveled):
            if term == group.at[row, "term"]:  # the mean number: each level counts as often as it says
                counts.add_sum((row, "events"), leveled, "events", list(numbers))
            else:  # two or more
                upper = [level for level in leveled if numbers[level] >= 2]
                counts.add_sum((row, "events"), upper, "events")


def counts_of_table_one(estimates: TableOne) -> Counts:
    """Sizes of the groups, people with a value, and people at each level, by group and over all."""
    table, counts = estimates.table.reset_index(drop=True), Counts()
    group = table[estimates.by].astype(object) if estimates.by else pd.Series(OVERALL, table.index)
    sizes = {name: (TOTAL, f"size of {name}") for name in estimates.group_sizes}
    for name, size in estimates.group_sizes.items():
        counts.add(*sizes[name], size, last_choice=True)
    parts = [counts.places[place] for name, place in sizes.items() if name != OVERALL]
    counts.cells.add_sum(counts.places[sizes[OVERALL]], parts)
    described = table["measure"].isin(["mean", "median", "sd", "q1", "q3", "proportion"])
    keys = table[["term", "level", "measure"]].astype(object).assign(group=group)
    keys = keys[described].where(keys[described].notna(), "")
    for row in keys.index:
        counts.add(row, "n", table.at[row, "n"], last_choice=True)
        if keys.at[row, "measure"] == "proportion":
            counts.add(row, "events", table.at[row, "events"])
    for row in table.index[
        ~described & table["n"].notna()
    ]:  # missing values and weights: of all rows of the group
        counts.add(row, "n", table.at[row, "n"], last_choice=True)
        counts.add_sum(sizes[group[row]], [row], "n")
    for _, block in keys.groupby(["term", "group"], sort=False):
        first, *rest = block.index
        for row in rest:
            counts.add_sum((first, "n"), [row], "n")
        levels = list(block.index[block["measure"] == "proportion"])
        if levels:
            counts.add_sum((first, "n"), levels, "events")
    for _, line in keys.groupby(["term", "level", "measure"], sort=False):
        for total in line.index[line["group"] == OVERALL]:
            for column in ("n", "events"):
                counts.add_sum((total, column), list(line.index[line["group"] != OVERALL]), column)
    for row in table.index[table["measure"].isin(["SMD", "unweighted SMD"])]:
        counts.computed_from[row] = set(keys.index[keys["term"] == table.at[row, "term"]])
    return counts


def add_missing_counts(counts: Counts, estimates: TableOne) -> None:
    """Missing values of each variable as counts: with those known they make the size of the group."""
    table = estimates.table.reset_index(drop=True)
    group = table[estimates.by].astype(object) if estimates.by else pd.Series(OVERALL, table.index)
    absent = table[table["measure"] == "missing"]
    for (term, name), block in absent.groupby(["term", group[absent.index]], sort=False):
        for row in block.index:
            counts.add(row, "events", table.at[row, "events"])
        total, *reasons = block.index
        counts.add_sum((total, "events"), reasons, "events")
        known = next(
            (row, "n") for row, column in counts.places
            if row >= 0 and column == "n" and row not in absent.index
            and table.at[row, "term"] == term and group[row] == name
        )  # fmt: skip
        size = counts.places[TOTAL, f"size of {name}"]
        counts.cells.add_sum(size, [counts.places[known], counts.places[total, "events"]])
    for _, line in absent.groupby(["term", absent["level"].fillna("")], sort=False):
        for total in line.index[group[line.index] == OVERALL]:
            counts.add_sum((total, "events"), list(line.index[group[line.index] != OVERALL]), "events")


def counts_of_totals(estimates: Estimates) -> Counts:
    """Rows and events below the table, of which all its numbers are made."""
    counts = Counts()
    if estimates.n > 0:
        counts.add(TOTAL, "n", estimates.n)
        if estimates.events is not None:
            counts.add(TOTAL, "events", estimates.events)
            counts.add_rest((TOTAL, "n"), (TOTAL, "events"))
    cells = list(range(len(counts.cells.values)))
    counts.made_of.update({row: list(cells) for row in range(len(estimates.table))})
    return counts


def counts_of_flow(estimates: FlowChart) -> Counts:
    """Those kept at each step: those before less those excluded, or less those of whom nothing is said."""
    table, counts, before = estimates.table.reset_index(drop=True), Counts(), -2
    for row in table.index:
        counts.add(row, "n", table.at[row, "n"])
    for _, step in table.groupby("step", sort=True):
        (kept,) = step.index[step["kind"] == "kept"]
        excluded = list(step.index[step["kind"] == "excluded"])
        if excluded:
            counts.add_sum((before, "n"), [*excluded, kept], "n")
        else:
            counts.add_rest((before, "n"), (kept, "n"))
        before = kept
    counts.add(TOTAL, "n", estimates.n)
    counts.add_sum((TOTAL, "n"), [before], "n")
    return counts


def counts_of_listing(estimates: Listing, columns: Sequence[str]) -> Counts:
    """The columns that count people, and the sums among them: a column, or a row, that is the sum of the others."""
    counts, n_rows = Counts(), len(estimates.table)
    for column in columns:
        if column not in estimates.table:
            raise KeyError(
                f"counts: '{column}' is not in the listing.{suggest(column, estimates.table.columns)}"
            )
        for row, value in enumerate(estimates.table[column]):
            counts.add(row, column, value)
    for column in columns:
        for total in range(n_rows):
            counts.add_sum((total, column), [row for row in range(n_rows) if row != total], column)
            parts = [counts.places[total, c] for c in columns if c != column and (total, c) in counts.places]
            if len(parts) > 1 and (total, column) in counts.places:
                counts.cells.add_sum(counts.places[total, column], parts)
    return counts
