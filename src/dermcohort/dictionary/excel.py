"""The dictionary as one Excel workbook: a view that people who do not write YAML can read and edit.

YAML stays the source. `excel_cells.py` says what a cell holds, `excel_read.py` takes an edited workbook back.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import xlsxwriter

from .excel_cells import (
    Column,
    Row,
    category_columns,
    category_rows,
    read_sources,
    rule_columns,
    sheet_names,
    variable_columns,
    variable_rows,
    wave_rows,
)
from .mapping import ASCERTAINMENTS
from .model import STATUSES, Dictionary
from .problems import DictionaryError, Place, Problem
from .read import ENTITIES, KEEP, MEASURES, ROLES, SENSITIVE, TYPES

LONGEST_CELL, LONGEST_LIST = 32_767, 255  # limits of Excel
SPARE_ROWS = 50
STATE_TITLE = "state of the dictionary"
CHOICES = {
    "type": TYPES, "entity": ENTITIES, "keep": KEEP, "measures": MEASURES, "role": ROLES,
    "sensitive": SENSITIVE[:2], "status": STATUSES, "ascertainment": ASCERTAINMENTS,
}  # fmt: skip
README = (
    "This workbook is a view of the data dictionary. Edit it, save it, and give it back to the data manager:",
    "    dermcohort dict from-excel FILE.xlsx FOLDER             shows what changed, in words",
    "    dermcohort dict from-excel FILE.xlsx FOLDER --apply     writes it into the YAML files",
    "",
    "White cells can be edited, gray cells are keys or computed. Sheets are protected without a password.",
    "Every cell is text: 007, 1-2 and 1E5 stay as they are typed.",
    "map and missing: one line a code, 'code = category' or 'code = reason' (Alt+Enter starts a line).",
    "A code that is text but looks like a number is written in quotes: '7' = never. Plain 7 is the number.",
    "from: one line a column, or 'name = column'. cut: 'category = bounds', such as 'obese = >=28'.",
    "status: partial, impossible and undecided need a note. An empty cell means that the key is absent.",
    "A row of a wave that is inherited from another wave becomes this wave's own rule when it is edited.",
    "A new variable is a new row of 'Variables', and a row in every wave that has to speak for it.",
    "Categories: the order of the rows is the order of the categories, the first is the reference.",
    "Files, ids, units, conditions and missing reasons are edited in the YAML files, not here.",
)


def to_excel(dictionary: Dictionary, path: str | Path) -> Path:
    """Write the workbook of `dictionary`.

    Parameters
    ----------
    dictionary : Dictionary
        As `read_dictionary` gives it; its files are read again, so they must still be there.
    path : str or Path
        The .xlsx file, replaced where it exists.

    Returns
    -------
    Path
        Of the file. Sheets: Read me, Variables, Categories, one a wave, Matrix.

    Raises
    ------
    DictionaryError
        If a text is too long for a cell.

    Examples
    --------
    >>> to_excel(read_dictionary("data-dictionary"), "dictionary.xlsx")     # doctest: +SKIP
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    sources = read_sources(dictionary)
    columns = variable_columns(dictionary.languages)
    categories = category_columns(dictionary.languages)
    choices: dict[str, tuple[str, ...]] = {**CHOICES, "condition": tuple(dictionary.conditions)}
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        with xlsxwriter.Workbook(temporary) as book:
            sheets = _Sheets(book, path, choices)
            sheets.readme(dictionary)
            sheets.table("Variables", ("file", "variable"), columns, (), variable_rows(sources, columns))
            rows = category_rows(sources, categories)
            sheets.table("Categories", ("variable", "category"), categories, (), rows)
            for wave, name in zip(dictionary.waves(), sheet_names(dictionary), strict=True):
                rows = wave_rows(sources, dictionary, wave)
                computed = ("inherited from", "verb", "categories")
                sheets.table(name, ("variable",), rule_columns(), computed, rows)
            sheets.matrix(dictionary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return path


class _Sheets:
    """Writes the sheets of one workbook, all cells as text."""

    def __init__(self, book: Any, path: Path, choices: dict[str, tuple[str, ...]]):
        self.book, self.path, self.choices = book, path, choices
        base = {"num_format": "@", "text_wrap": True, "valign": "top"}
        self.free = book.add_format({**base, "locked": False})
        self.locked = book.add_format({**base, "bg_color": "#EDEDED"})
        self.head = book.add_format({**base, "bold": True, "bg_color": "#D9E2EC"})

    def readme(self, dictionary: Dictionary) -> None:
        sheet = self.book.add_worksheet("Read me")
        sheet.set_column(0, 0, 110)
        lines = (*README, "", f"dictionary {dictionary.version}", STATE_TITLE, dictionary.sha256())
        for row, line in enumerate(lines):
            sheet.write_string(row, 0, line)
        sheet.protect()

    def table(
        self,
        name: str,
        keys: tuple[str, ...],
        columns: list[Column],
        computed: tuple[str, ...],
        rows: list[Row],
    ) -> None:
        """One sheet: gray keys, free cells with drop-downs, gray computed cells, spare rows at the end."""
        sheet = self.book.add_worksheet(name)
        titles = [*keys, *(column.title for column in columns), *computed]
        sheet.freeze_panes(1, len(keys))
        sheet.autofilter(0, 0, max(len(rows), 1), len(titles) - 1)
        last = len(rows) + SPARE_ROWS
        for index, title in enumerate(titles):
            width = 40 if title in ("note", "map", "question") or title.startswith("definition") else 18
            sheet.set_column(index, index, width)
            sheet.write_string(0, index, title, self.head)
            choices = self.choices.get(title, ())
            if choices and len(",".join(choices)) <= LONGEST_LIST:
                sheet.data_validation(1, index, last, index, {"validate": "list", "source": list(choices)})
            shade = self.locked if title in keys or title in computed else self.free
            for number, row in enumerate(rows, start=1):
                self._write(sheet, name, number, index, row.get(title, ""), shade)
            for number in range(len(rows) + 1, last + 1):
                sheet.write_blank(number, index, None, self.locked if title in computed else self.free)
        allowed = ("format_columns", "format_rows", "autofilter")
        sheet.protect("", dict.fromkeys(allowed, True))

    def matrix(self, dictionary: Dictionary) -> None:
        sheet = self.book.add_worksheet("Matrix")
        matrix = dictionary.matrix()
        sheet.freeze_panes(1, 1)
        sheet.set_column(0, len(matrix.columns), 18)
        titles = ["variable", *("/".join(column) for column in matrix.columns)]
        for row, cells in enumerate(
            [titles, *([name, *line] for name, line in matrix.T.to_dict("list").items())]
        ):
            for index, cell in enumerate(cells):
                sheet.write_string(row, index, cell, self.locked if row else self.head)
        sheet.protect()

    def _write(self, sheet: Any, name: str, row: int, index: int, text: str, shade: Any) -> None:
        if len(text) > LONGEST_CELL:
            place = Place(f"{self.path.name}:{name}", row + 1, index + 1)
            words = f"a text of {len(text):,} characters does not fit a cell of Excel ({LONGEST_CELL:,})"
            raise DictionaryError([Problem(place.file, place.line, place.column, "error", "DD280", words)])
        sheet.write_string(row, index, text, shade)
