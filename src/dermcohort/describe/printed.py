"""The first table as text: one row a variable or level, one column a group."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from ..language import Labels
from ..tables import format_number, level_label

INDENT = "\u2003"
COUNTS = ", n (%)"
WEIGHT_ROWS = {"sum of weights": "Sum of weights", "effective n": "Effective sample size"}


def printed_rows(
    table: pd.DataFrame, by: str | None, group_sizes: Mapping[str, str], names: Labels
) -> pd.DataFrame:
    """Rows of text from the tidy table of `TableOne`; `names` has printed names of variables and levels.

    The column `mark` of the table is what is printed in the place of a number that was suppressed.
    """
    table = table.assign(mark=table["mark"].map(names.word))
    heads = {
        group: names.sentence(f"{level_label(by or '', group, names)} (n = {names.word(size)})")
        for group, size in group_sizes.items()
    }
    compared = {measure: names.word(head) for measure, head in _difference_heads(table).items()}
    first = names.word("Characteristic")
    rows: list[dict[str, str]] = []
    for term in dict.fromkeys(table["term"]):
        block = table[table["term"] == term]
        cells = {head: block if by is None else block[block[by] == group] for group, head in heads.items()}
        differences = {
            head: _difference_cell(block[block["measure"] == measure].iloc[0])
            for measure, head in compared.items()
            if (block["measure"] == measure).any()
        }
        for measure, label in WEIGHT_ROWS.items():
            if (block["measure"] == measure).any():
                rows.append({first: names.word(label), **_each(cells, _weight_cell, measure)})
        if not block["measure"].isin(WEIGHT_ROWS).any():
            head, *others = _described_rows(term, block, cells, names)
            rows += [{**head, **differences}, *others, *_missing_rows(block, cells, names)]
    columns = [first, *heads.values(), *compared.values()]
    return pd.DataFrame(rows, columns=columns).fillna("")


def _difference_heads(table: pd.DataFrame) -> dict[str, str]:
    """Measure -> head of the columns of standardized differences."""
    measures = set(table["measure"])
    if "unweighted SMD" in measures:
        return {"unweighted SMD": "SMD, unweighted", "SMD": "SMD, weighted"}
    return {"SMD": "SMD"} if "SMD" in measures else {}


def _described_rows(
    term: str, block: pd.DataFrame, cells: Mapping[str, pd.DataFrame], names: Labels
) -> list[dict[str, str]]:
    label, first = names.word(term), names.word("Characteristic")
    levels = list(dict.fromkeys(block.loc[block["measure"] == "proportion", "level"]))
    middles = block.loc[block["measure"].isin(["mean", "median"]), "estimate"].abs()
    if len(middles):
        spread = ", median (Q1, Q3)" if (block["measure"] == "median").any() else ", mean (SD)"
        digits = 2 if middles.between(0, 1, inclusive="neither").any() else 1
        return [{first: f"{label}{names.word(spread)}", **_each(cells, _number_cell, digits)}]
    if len(levels) == 2 and levels[0].lower() in ("no", "false", "0"):
        return [{first: f"{label}{names.word(COUNTS)}", **_each(cells, _count_cell, levels[1])}]
    return [
        {first: f"{label}{names.word(COUNTS)}"},
        *(
            {
                first: f"{INDENT}{level_label(term, level, names)}",
                **_each(cells, _count_cell, level),
            }
            for level in levels
        ),
    ]


def _missing_rows(
    block: pd.DataFrame, cells: Mapping[str, pd.DataFrame], names: Labels
) -> list[dict[str, str]]:
    """Counts of missing values where there are any, the reasons below them."""
    missing = block[(block["measure"] == "missing") & ((block["events"] > 0) | (block["mark"] != ""))]
    rows = []
    for reason in dict.fromkeys(None if pd.isna(level) else level for level in missing["level"]):
        of_all = missing[missing["level"].isna() if reason is None else missing["level"] == reason].iloc[-1]
        if of_all["events"] == 0:
            continue  # hidden with its group, but nobody's
        label = names.word("Missing") if reason is None else f"{INDENT}{level_label('reason', reason, names)}"
        rows.append({names.word("Characteristic"): f"{INDENT}{label}", **_each(cells, _missing_cell, reason)})
    return rows


def _each(cells: Mapping[str, pd.DataFrame], write: Any, what: Any) -> dict[str, str]:
    return {head: write(rows, what) for head, rows in cells.items()}


def _number_cell(rows: pd.DataFrame, digits: int) -> str:
    described = rows[rows["measure"].isin(["mean", "median"])]
    if described["mark"].any():
        return str(described["mark"].iloc[0])
    found = dict(zip(rows["measure"], rows["estimate"], strict=True))
    middle, *spread = [found[m] for m in ("median", "q1", "q3", "mean", "sd") if m in found]
    around = ", ".join(format_number(value, digits) for value in spread)
    return f"{format_number(middle, digits)} ({around})"


def _count_cell(rows: pd.DataFrame, level: str) -> str:
    row = rows[(rows["measure"] == "proportion") & (rows["level"] == level)].iloc[0]
    if row["mark"]:
        return str(row["mark"])
    if row["n"] == 0:
        return "–"
    return f"{format_number(row['events'], 0)} ({format_number(100 * row['estimate'], 1)})"


def _missing_cell(rows: pd.DataFrame, reason: str | None) -> str:
    of_reason = rows["level"].isna() if reason is None else rows["level"] == reason
    found = rows[(rows["measure"] == "missing") & of_reason]
    # a reason that does not occur has no row
    return "".join(found["mark"]) or format_number(found["events"].sum(), 0)


def _difference_cell(row: pd.Series) -> str:
    return str(row["mark"]) or format_number(row["estimate"], 3)


def _weight_cell(rows: pd.DataFrame, measure: str) -> str:
    value = rows.loc[rows["measure"] == measure, "estimate"].iloc[0]
    return format_number(value, 0 if value >= 1000 else 1)
