"""Tidy estimates as text, and as a great_tables table in the style of a journal."""

from __future__ import annotations

import html
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from .estimates import COLUMNS
from .language import LANGUAGES, Labels, labels_of

if TYPE_CHECKING:
    from great_tables import GT

RATIOS = frozenset(
    {
        "OR", "HR", "RR", "PR", "IRR", "SHR", "SMR", "SIR", "SPR", "O/E",
        "LR+", "LR-", "DOR",
        "ratio of ORs", "ratio of PRs", "ratio of IRRs", "ratio of HRs", "S", "prevalence ratio", "odds ratio",
        "time ratio", "RMST ratio", "risk ratio",
    }
)  # fmt: skip
KINDS_OF_PREVALENCE = frozenset({"point prevalence", "period prevalence", "lifetime prevalence"})
PROPORTIONS = KINDS_OF_PREVALENCE | {
    "prevalence", "crude prevalence", "standardized prevalence", "indirectly standardized prevalence",
    "prevalence difference", "prevalence difference per unit of score",
    "proportion", "risk", "RD", "risk difference", "survival", "sensitivity", "specificity",
    "cumulative incidence", "state probability", "attributable fraction",
    "PPV", "NPV", "accuracy", "agreement", "positive agreement", "negative agreement",
}  # fmt: skip

SUPPRESSED = "suppressed"  # printed in the place of a number that would give a small count back
HIDDEN = frozenset(Labels(language=language).word(SUPPRESSED) for language in LANGUAGES)
REFERENCE = " (reference)"  # after a level


def format_number(value: float, digits: int) -> str:
    """A number for a table; an en dash where it is missing, the infinity sign where it has no bound."""
    if pd.isna(value):
        return "–"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    return f"{value:,.{digits}f}".replace("-", "−")


def format_p(value: float) -> str:
    """``<0.001``, else three digits, two above 0.1."""
    if pd.isna(value):
        return ""
    if value < 0.001:
        return "<0.001"
    return f"{value:.3f}" if value < 0.0995 else f"{value:.2f}"


def format_interval(measure: str, estimate: float, low: float, high: float) -> str:
    """``1.52 (1.20, 1.93)``; proportions in per cent; digits that fit the size of the estimate."""
    if measure in PROPORTIONS:
        estimate, low, high = 100 * estimate, 100 * low, 100 * high
        digits = 2 if 0 < abs(estimate) < 1 else 1
    elif measure in RATIOS and abs(estimate - 1) < 0.05 and high - low < 0.03:
        digits = 3  # a ratio of one unit of a fine scale, such as 1 mmHg
    elif measure == "average increment":
        digits = 5  # of a hazard, at one event
    else:
        digits = 1 if abs(estimate) >= 100 else 2
    middle = format_number(estimate, digits)
    if pd.isna(low) and pd.isna(high):
        return middle
    return f"{middle} ({format_number(low, digits)}, {format_number(high, digits)})"


def measure_heading(measure: str, conf_level: float, labels: Mapping[str, str] | None = None) -> str:
    """``OR (95% CI)``, ``Prevalence, % (95% CI)``, in the language of the labels."""
    return labels_of(labels).sentence(f"{_measure_name(measure)} ({100 * conf_level:.4g}% CI)")


def measure_name(measure: str, labels: Mapping[str, str] | None = None) -> str:
    """``OR``, ``Prevalence, %``, in the language of the labels."""
    return labels_of(labels).sentence(_measure_name(measure))


def _measure_name(measure: str) -> str:
    if measure.startswith("per "):
        measure = f"rate {measure}"
    unit = ", %" if measure in PROPORTIONS else ""
    return f"{measure[:1].upper()}{measure[1:]}{unit}"


def common_measure(table: pd.DataFrame) -> str:
    """The measure of all rows; "prevalence" for its kinds together, "estimate" for what has no common name."""
    measures = set(table["measure"]) if "measure" in table else set()
    if len(measures) == 1:
        return str(measures.pop())
    return "prevalence" if measures and measures <= KINDS_OF_PREVALENCE else "estimate"


def display_table(
    table: pd.DataFrame,
    conf_level: float,
    labels: Mapping[str, str],
    marks: Mapping[tuple[int, str], str] | None = None,
) -> pd.DataFrame:
    """A tidy table as text: groups, term with its levels below it, estimate (interval), p, counts.

    `marks` is printed, by row and column, where a number was suppressed. An outcome that is the same in all rows is
    no column: `common_outcome` is for the notes.
    """
    labels, marks = labels_of(labels), marks or {}
    groups = groups_of(table)
    has_several_measures = "measure" in table and table["measure"].nunique() > 1
    common = common_measure(table)
    heading = measure_heading(common, conf_level)
    if "conf_low" not in table:
        heading = heading.partition(" (")[0]
    heading = labels.sentence(heading) if "(" in heading else labels.word(heading)
    has_terms = "term" in table and common_outcome(table) is None
    rows: list[dict[str, str]] = []
    previous: tuple[Any, ...] | None = None
    for i, row in enumerate(table.to_dict("records")):
        line = {labels.word(g): level_label(g, row[g], labels) for g in groups}
        term, level = row.get("term"), row.get("level")
        if has_terms:
            name = labels.word(str(term))
            block = (*(row[g] for g in groups), term)
            if not pd.isna(level) and block != previous:
                rows.append({**line, "": name})
            previous = block
            is_reference = not pd.isna(level) and level == row.get("reference")
            shown = level_label(str(term), level, labels)
            reference = labels.word(REFERENCE) if is_reference else ""
            line[""] = name if pd.isna(level) else f"\u2003{shown}{reference}"
        if has_several_measures:
            # the heading has the unit where it has the name
            has_unit = common == "estimate" and row["measure"] in PROPORTIONS
            measure = f"{row['measure']}, %" if has_unit else row["measure"]
            line[labels.word("Measure")] = labels.sentence(labels.word(measure))
        if "estimate" in row:
            line[heading] = labels.word(marks.get((i, "estimate"), "")) or format_interval(
                row.get("measure", ""),
                row["estimate"],
                row.get("conf_low", np.nan),
                row.get("conf_high", np.nan),
            )
        if "p_value" in row:
            line[labels.word("p")] = format_p(row["p_value"])
        if "p_adjusted" in row:
            line[labels.word("Adjusted p")] = format_p(row["p_adjusted"])
        for column, name in (("n", "n"), ("events", "Events"), ("person_years", "Person-years")):
            if column in row:
                mark = labels.word(marks.get((i, column), ""))
                line[labels.word(name)] = mark or format_number(row[column], 0)
        if "weight" in row:
            line[labels.word("Weight, %")] = format_number(row["weight"], 1)
        rows.append(line)
    return pd.DataFrame(rows).fillna("").astype(str)


def common_outcome(table: pd.DataFrame) -> str | None:
    """The outcome of a table with a row a group, which says the same in each: None where `term` tells rows apart."""
    has_levels = "level" in table and table["level"].notna().any()
    has_references = "reference" in table and table["reference"].notna().any()
    if "term" not in table or not groups_of(table) or has_levels or has_references:
        return None
    return str(table["term"].iloc[0]) if len(table) > 1 and table["term"].nunique(dropna=False) == 1 else None


def journal_table(
    frame: pd.DataFrame,
    *,
    title: str | None,
    footnotes: Sequence[str],
    spanners: Mapping[str, Sequence[str]] | None = None,
) -> GT:
    """A table of text in journal style: rules above and below only, words left, numbers right.

    `spanners` are heads over several columns, whose own heads begin with them.
    """
    from great_tables import GT, loc, style
    from great_tables import html as gt_html

    # great_tables wants unique, non-empty column names; the label of the stub is empty in print
    names = {column: column or "_" for column in frame.columns}
    table = GT(frame.rename(columns=names))
    if "_" in names.values():
        table = table.cols_label({"_": ""})
    numeric = [name for name, is_number in zip(names.values(), are_numbers(frame), strict=True) if is_number]
    table = table.cols_align("left").cols_align("right", columns=numeric)
    table = table.tab_options(
        table_font_size="13px",
        data_row_padding="3px",
        table_border_top_color="black",
        table_border_bottom_color="black",
        column_labels_border_top_color="black",
        column_labels_border_bottom_color="black",
        column_labels_font_weight="bold",
        table_body_hlines_style="none",
        table_body_border_bottom_color="black",
        source_notes_font_size="11px",
    )
    table = table.tab_style(style.text(whitespace="pre-wrap"), loc.body())
    if title is not None:
        table = table.tab_header(title)
    for head, columns in (spanners or {}).items():
        table = table.tab_spanner(head, list(columns))
        table = table.cols_label({column: under_spanner(column, head) for column in columns})
    for note in footnotes:
        table = table.tab_source_note(gt_html(html.escape(note)))
    return table


def under_spanner(column: str, head: str) -> str:
    """The head of a column below that of several: ``Crude: p`` is ``p`` below ``Crude``."""
    return column.removeprefix(head).lstrip("：: ")


def markdown_table(frame: pd.DataFrame, footnotes: Sequence[str] = ()) -> str:
    """A table of text as a Markdown pipe table, footnotes below it in a div ``.table-notes``.

    Examples
    --------
    >>> print(markdown_table(pd.DataFrame({"": ["age"], "p": ["<0.001"]}), ["n = 50"]))
    |   | p |
    |:--|--:|
    | age | \\<0.001 |
    <BLANKLINE>
    ::: {.table-notes}
    n = 50
    :::
    """
    rules = ["--:" if is_number else ":--" for is_number in are_numbers(frame)]
    # "(n = 120)" in a heading does not break
    heads = [
        re.sub(r"\([^()]{1,14}\)", lambda m: m[0].replace(" ", "\u00a0"), head) for head in frame.columns
    ]
    rows = [_markdown_row(heads), f"|{'|'.join(rules)}|"]
    rows += [_markdown_row(row) for row in frame.itertuples(index=False, name=None)]
    if footnotes:
        rows += ["", "::: {.table-notes}", "\n\n".join(markdown_text(note) for note in footnotes), ":::"]
    return "\n".join(rows)


def are_numbers(frame: pd.DataFrame) -> list[bool]:
    """For each column of text, whether most of its cells start as a number does; empty ones do not count.

    A span such as 2003-2004 or 20–59 is a name. What was suppressed does not count either.
    """
    found = []
    for i in range(frame.shape[1]):
        filled = [cell for cell in frame.iloc[:, i] if cell and cell not in HIDDEN]
        numbers = sum(bool(re.match(r"(?!\d+[-–]\d)[\d−<–∞]", cell)) for cell in filled)
        found.append(numbers > len(filled) / 2)
    return found


def spread_table(frame: pd.DataFrame, column: str) -> pd.DataFrame:
    """Levels of a group column side by side, each with its estimates; counts and p values are left out.

    `frame` is what `display_table` made: the estimate stands in the last column whose name ends in an interval.
    """
    if column not in frame:
        raise KeyError(f"spread: the table has no column '{column}'; it has: {', '.join(frame.columns)}")
    values = [name for name in frame.columns if name.endswith(("CI)", "CI）"))]
    if not values:
        raise KeyError("spread: the table has no column of estimates with intervals")
    last = list(frame.columns).index(values[-1])
    keys = [name for name in frame.columns[:last] if name != column]
    places = frame[keys].copy()
    if "" in frame:
        # the same level ("yes") stands below several terms: the term above it belongs to its row
        places["term above"] = frame[""].where(~frame[""].str.startswith("\u2003")).ffill()
    else:
        places["term above"] = ""
    order = pd.MultiIndex.from_frame(places.drop_duplicates())
    wide = {}
    for level in dict.fromkeys(frame[column]):
        inside = frame[column] == level
        part = frame.loc[inside, values[-1]].set_axis(pd.MultiIndex.from_frame(places[inside]))
        wide[level] = part.reindex(order)
    return pd.DataFrame(wide).fillna("–").reset_index()[[*keys, *wide]]


def _markdown_row(cells: Iterable[str]) -> str:
    return "|" + "|".join(f" {markdown_text(cell)} " for cell in cells) + "|"


def markdown_text(text: str) -> str:
    """Text that Markdown takes as it is; an indentation stays one."""
    escaped = re.sub(r"([\\`*_{}\[\]<>#|~^$@])", r"\\\1", text.replace("\n", " "))
    # no list where a sentence starts with "1." or "-"
    escaped = re.sub(r"^(\(?\w{1,3})([.)]) ", r"\1\\\2 ", re.sub(r"^([-+:]) ", r"\\\1 ", escaped))
    return escaped.replace("\u2003", "&emsp;")


def level_label(variable: str, level: Any, labels: Mapping[str, str]) -> str:
    """Printed name of a level: that of ``variable=level``, else of the level itself, else its word."""
    if pd.isna(level):
        return ""
    return labels.get(f"{variable}={level}") or labels_of(labels).word(str(level))


def groups_of(table: pd.DataFrame) -> list[str]:
    """The grouping columns: those before the first column of the contract."""
    first = next((i for i, column in enumerate(table.columns) if column in COLUMNS), len(table.columns))
    return [str(column) for column in table.columns[:first]]
