"""The codebook as a workbook: Variables, Categories, Waves, Reasons."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import xlsxwriter

from ..study import Study
from .counts import HIDDEN, Texts
from .summary import Card

ABOUT = (
    "domain", "entity", "type", "unit", "role", "condition", "icd10", "icd11", "measures", "asked_if", "derive",
    "soft", "hard", "source", "sensitive",
)  # fmt: skip
NUMBERS = ("mean", "sd", "median", "p1", "p5", "p10", "p25", "p75", "p90", "p95", "p99")


def write_excel(study: Study, cards: list[Card], path: Path) -> None:
    """Write the workbook to `path`."""
    languages, min_cell = study.manifest["languages"], study.manifest["min_cell"]

    def count(n: int) -> Any:
        return f"<{min_cell}" if n == HIDDEN else n

    def texts(texts: Texts) -> list[str | None]:
        return [texts.get(language) for language in languages]

    def heads(name: str) -> list[str]:
        return [f"{name}_{language}" for language in languages]

    sheets: dict[str, tuple[list[str], Iterable[Sequence[Any]]]] = {
        "Variables": (
            ["variable", *heads("label"), *heads("definition"), *ABOUT, "n", "observed", *NUMBERS],
            (
                [
                    c.name,
                    *texts(c.labels),
                    *texts(c.definition),
                    *(_plain(c.about[key]) for key in ABOUT),
                    count(c.n),
                    count(c.observed),
                    *(float(c.numbers[key]) if key in c.numbers else None for key in NUMBERS),
                ]
                for c in cards
            ),
        ),
        "Categories": (
            ["variable", "code", "category", *heads("label"), "n"],
            ([c.name, x.code, x.name, *texts(x.labels), count(x.n)] for c in cards for x in c.categories),
        ),
        "Waves": (
            ["variable", *heads("cohort"), *heads("wave"), "status", *heads("rule"), "question", "ascertainment",
             "note", "file", "n", "observed", *(f"n_{name}" for name in study.reason_names.values())],
            (
                [c.name, *texts(x.cohort), *texts(x.wave), x.status, *texts(x.rule), x.question, x.ascertainment,
                 x.note, x.file, count(x.n), count(x.observed), *_by_reason(study, x.reasons, count)]
                for c in cards
                for x in c.waves
            ),
        ),
        "Reasons": (
            ["variable", "code", "reason", *heads("label"), "n"],
            ([c.name, x.code, x.name, *texts(x.labels), count(x.n)] for c in cards for x in c.reasons),
        ),
    }  # fmt: skip
    # no text of the dictionary becomes a formula or a link
    workbook = xlsxwriter.Workbook(str(path), {"strings_to_formulas": False, "strings_to_urls": False})
    bold = workbook.add_format({"bold": True, "bottom": 1})
    wrapped = workbook.add_format({"text_wrap": True, "valign": "top"})
    for name, (head, rows) in sheets.items():
        sheet = workbook.add_worksheet(name)
        sheet.write_row(0, 0, head, bold)
        n = 0
        for n, row in enumerate(rows, start=1):
            sheet.write_row(n, 0, row, wrapped)
        sheet.freeze_panes(1, 1)
        sheet.autofilter(0, 0, max(n, 1), len(head) - 1)
        for position, title in enumerate(head):
            wide = title.startswith(("rule", "definition", "note", "question", "derive", "source"))
            sheet.set_column(position, position, 45 if wide else 18)
    workbook.close()


def _plain(value: Any) -> Any:
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else value


def _by_reason(study: Study, lines: Any, count: Any) -> list[Any]:
    found = {line.name: count(line.n) for line in lines}
    return [found.get(name, 0) for name in study.reason_names.values()]
