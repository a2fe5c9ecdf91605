"""The cells of an edited workbook as texts, each problem with sheet, row and column."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import python_calamine

from .excel import STATE_TITLE
from .excel_cells import Column, Entry, Row, decode
from .problems import DictionaryError, Place, Problem, ProblemList


class EditedWorkbook:
    """The cells of a workbook as texts, and the problems found in them."""

    def __init__(self, path: Path, problems: ProblemList):
        self.name, self.problems = path.name, problems
        try:
            with path.open("rb") as handle:
                self.book = python_calamine.CalamineWorkbook.from_filelike(handle)
                self.sheets = {name: self._cells(name) for name in self.book.sheet_names}
        except (python_calamine.CalamineError, python_calamine.ZipError, python_calamine.XmlError) as error:
            place = Place(str(path))
            problem = Problem(place.file, 1, 1, "error", "DD281", f"this is no Excel workbook ({error})")
            raise DictionaryError([problem]) from None
        lines = [row[0] for row in self.sheets.get("Read me", []) if row]
        self.state = lines[lines.index(STATE_TITLE) + 1] if STATE_TITLE in lines[:-1] else ""

    def _cells(self, name: str) -> list[list[Any]]:
        return self.book.get_sheet_by_name(name).to_python(skip_empty_area=False)

    def error(self, sheet: str, row: int, column: int, code: str, text: str, hint: str = "") -> None:
        self.problems.error(Place(f"{self.name}:{sheet}", row, column), code, text, hint)

    def rows(self, sheet: str, keys: tuple[str, ...], titles: list[str]) -> list[tuple[int, Row]]:
        """The rows of a sheet with their numbers; every column of `keys` and `titles` must be there."""
        if sheet not in self.sheets:
            self.error(sheet, 1, 1, "DD282", f"the sheet '{sheet}' is missing")
            return []
        header, *lines = self.sheets[sheet] or [[]]
        places = {str(title).strip(): index for index, title in enumerate(header)}
        absent = [title for title in (*keys, *titles) if title not in places]
        if absent:
            self.error(sheet, 1, 1, "DD282", f"columns are missing: {', '.join(absent)}")
            return []
        found: list[tuple[int, Row]] = []
        seen = set()
        for number, line in enumerate(lines, start=2):
            row = {
                title: self._text(line[places[title]], sheet, number, places[title] + 1)
                for title in (*keys, *titles)
            }
            if not any(row.values()):
                continue
            identity = tuple(row[key] for key in keys)
            if not all(identity):
                self.error(sheet, number, 1, "DD283", f"the row needs {' and '.join(keys)}")
            elif identity in seen:
                self.error(sheet, number, 1, "DD283", f"'{'/'.join(identity)}' has two rows")
            else:
                seen.add(identity)
                found.append((number, row))
        return found

    def _text(self, value: Any, sheet: str, row: int, column: int) -> str:
        """A cell as it was typed; a number pasted from elsewhere is a number, a date is refused."""
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, float) and value.is_integer():
            return str(int(value))
        if isinstance(value, (dt.date, dt.time, dt.timedelta)):
            hint = "format the cell as text and type it as YYYY-MM-DD, or the code as it is"
            self.error(sheet, row, column, "DD284", "Excel has made a date of this cell", hint)
            return ""
        text = str(value).replace("\r\n", "\n")
        return text if text.strip() else ""

    def edit(
        self, sheet: str, number: int, row: Row, columns: list[Column], current: Row, entry: Entry
    ) -> None:
        """Put the cells of `row` that differ from `current` into `entry`."""
        titles = [str(title).strip() for title in self.sheets[sheet][0]]
        for column in columns:
            if row[column.title] == current[column.title]:
                continue
            try:
                decode(row[column.title], column, entry)
            except ValueError as error:
                place = titles.index(column.title) + 1
                self.error(sheet, number, place, "DD284", f"{column.title}: {error}")
