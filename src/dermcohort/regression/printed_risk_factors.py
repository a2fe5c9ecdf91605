"""The table of risk factors as text: a row a variable or level, for each model the estimate with its interval and p."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from ..language import Labels
from ..tables import REFERENCE, format_interval, format_number, format_p, level_label, measure_heading

INDENT = "\u2003"
BINARY = frozenset({"OR", "PR", "RR", "RD"})  # of which the events are a share of the rows


def printed_rows(
    table: pd.DataFrame,
    tests: pd.DataFrame,
    conf_level: float,
    per: Mapping[str, str],
    labels: Labels,
    marks: Mapping[tuple[int, str], str],
) -> pd.DataFrame:
    """Rows of text from the table and tests of `RiskFactors`; `marks` stand where a number was suppressed.

    Counts are those of the first model that has them; where those of another model differ it has a column of its own.
    """
    for column in ("n", "events", "estimate"):
        texts = [marks.get((row, column), "") for row in range(len(table))]
        table = table.assign(**{f"{column}_mark": texts})
    models = list(dict.fromkeys(table["model"]))
    measure = str(table["measure"].iloc[0])
    by_row = {name: _by_row(table[table["model"] == name]) for name in models}
    p_of = {(row["model"], row["term"], row["test"]): row["p_value"] for row in tests.to_dict("records")}
    own_n = [name for name in models[1:] if _sizes(by_row[name]) != _sizes(by_row[models[0]])]
    heading = labels.sentence(measure_heading(measure, conf_level))
    lines: list[dict[str, str]] = []
    for term in dict.fromkeys(table["term"]):
        levels = list(dict.fromkeys(_key(level) for level in table.loc[table["term"] == term, "level"]))
        name = term_label(term, per, labels)
        if levels != [None]:
            head = {_head(m, "p", labels): format_p(p_of.get((m, term, "all"), np.nan)) for m in models}
            lines.append({"": name, **(head if len(levels) > 2 else {})})
        for level in levels:
            shown = name if level is None else f"{INDENT}{level_label(term, level, labels)}"
            line = {"": shown, **_counts(by_row[models[0]].get((term, level)), measure, labels)}
            for m in models:
                row = by_row[m].get((term, level))
                if m in own_n:
                    line[_head(m, "n", labels)] = "–" if row is None else _count(row, "n", labels)
                line |= {_head(m, what, labels): text for what, text in _cells(row, heading, labels).items()}
            lines.append(line)
        for test in dict.fromkeys(tests.loc[(tests["term"] == term) & (tests["test"] != "all"), "test"]):
            text = _test_label(test, labels)
            p = {_head(m, "p", labels): format_p(p_of.get((m, term, test), np.nan)) for m in models}
            lines.append({"": f"{INDENT}{text}", **p})
    first = ["", *(labels.word(head) for head in ("n", "Events (%)", "Events"))]
    order = first + [_head(m, what, labels) for m in models for what in ("n", heading, "p", "Adjusted p")]
    shown = pd.DataFrame(lines).fillna("")
    return shown[[column for column in order if column in shown]]


def term_label(term: str, per: Mapping[str, str], labels: Labels) -> str:
    """Printed name of an exposure with its step."""
    name = labels.word(term)
    if term not in per:
        return name
    step = labels.word(per[term])
    return f"{name}{labels.word(', per ')}{step}"


def _by_row(rows: pd.DataFrame) -> dict[tuple[str, str | None], dict[str, Any]]:
    return {(row["term"], _key(row["level"])): row for row in rows.to_dict("records")}


def _key(level: Any) -> str | None:
    return None if pd.isna(level) else str(level)


def _sizes(rows: Mapping[Any, Mapping[str, Any]]) -> dict[Any, float]:
    """Counts of the rows that have them."""
    return {key: row["n"] for key, row in rows.items() if not pd.isna(row["n"])}


def _head(model: str, what: str, labels: Labels) -> str:
    return f"{labels.word(model)}{labels.word(': ')}{labels.word(what)}"


def _counts(row: Mapping[str, Any] | None, measure: str, labels: Labels) -> dict[str, str]:
    if row is None or (pd.isna(row["n"]) and not row["n_mark"]):
        return {labels.word("n"): "–"}
    counts = {labels.word("n"): _count(row, "n", labels)}
    if measure in BINARY:
        share = 100 * row["events"] / row["n"] if row["n"] else np.nan
        shown = "" if row["events_mark"] or pd.isna(share) else f" ({format_number(share, 1)})"
        counts[labels.word("Events (%)")] = f"{_count(row, 'events', labels)}{shown}"
    elif "events" in row:
        counts[labels.word("Events")] = _count(row, "events", labels)
    return counts


def _count(row: Mapping[str, Any], column: str, labels: Labels) -> str:
    return labels.word(row[f"{column}_mark"]) or format_number(row[column], 0)


def _cells(row: Mapping[str, Any] | None, heading: str, labels: Labels) -> dict[str, str]:
    if row is None or pd.isna(row["estimate"]):
        return {heading: "–" if row is None else labels.word(row["estimate_mark"]) or "–", "p": ""}
    estimate = format_interval(row["measure"], row["estimate"], row["conf_low"], row["conf_high"])
    is_reference = _key(row["level"]) is not None and row["level"] == row["reference"]
    cells = {
        heading: f"{estimate}{labels.word(REFERENCE)}" if is_reference else estimate,
        "p": format_p(row["p_value"]),
    }
    if "p_adjusted" in row:
        cells["Adjusted p"] = format_p(row["p_adjusted"])
    return cells


def _test_label(test: str, labels: Labels) -> str:
    what, _, modifier = test.partition(" with ")
    words = f"p for {what} with {modifier}" if modifier else f"p for {what}"
    return labels.sentence(words)
