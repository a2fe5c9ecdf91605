"""An edited workbook back into the YAML files: first as a proposal with its changes in words, then written.

Only cells that differ from what `to_excel` would write now are taken over, only files whose content changed are
written, and only if the linter accepts the whole dictionary with them.
"""

from __future__ import annotations

import datetime as dt
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import python_calamine

from ..storage import write_text
from ..wording import did_you_mean
from .diff import Change, diff_dictionaries
from .excel import STATE_TITLE
from .excel_cells import (
    Column,
    Entry,
    Row,
    Sources,
    category_columns,
    category_rows,
    cells,
    decode,
    expanded,
    read_sources,
    rule_columns,
    sheet_names,
    variable_columns,
    variable_rows,
    wave_rows,
)
from .model import Dictionary
from .problems import DictionaryError, Place, Problem, ProblemList
from .read import check_dictionary, read_dictionary
from .yaml_text import file_text, flow_text

LISTED = ("impossible", "undecided")


@dataclass(frozen=True)
class Proposal:
    """What a workbook would change: the changes in words, new warnings and the texts of the files.

    `outdated` tells that the YAML files were edited after the workbook was written: those edits would be undone.
    """

    changes: tuple[Change, ...]
    warnings: tuple[Problem, ...]
    files: Mapping[Path, str]
    outdated: bool

    def write(self) -> list[Path]:
        """Write the files that changed: all of them, or none where one cannot be written."""
        before = {path: path.read_text("utf-8") for path in self.files}
        try:
            for path, text in self.files.items():
                write_text(path, text)
        except OSError:
            for path, text in before.items():
                if path.read_text("utf-8") != text:
                    write_text(path, text)
            raise
        return list(self.files)


def from_excel(path: str | Path, folder: str | Path) -> Proposal:
    """Compare an edited workbook with the dictionary in `folder`; nothing is written.

    Parameters
    ----------
    path : str or Path
        A workbook that `to_excel` wrote and a person edited.
    folder : str or Path
        The dictionary; `.write()` of the result changes its files.

    Returns
    -------
    Proposal
        With `changes`, in words, and `files`, path to text.

    Raises
    ------
    DictionaryError
        If a cell cannot be read, or if the linter refuses the dictionary with the edits.

    Examples
    --------
    >>> proposal = from_excel("dictionary.xlsx", "data-dictionary")     # doctest: +SKIP
    >>> print(render_changes(proposal.changes))                         # doctest: +SKIP
    >>> proposal.write()                                                # doctest: +SKIP
    """
    old = read_dictionary(folder)
    problems = ProblemList(old.root)
    book = _Workbook(Path(path), problems)
    sources, edited = read_sources(old), read_sources(old)
    _take_variables(book, sources, edited, old.languages)
    _take_categories(book, sources, edited, old.languages)
    for wave, name in zip(old.waves(), sheet_names(old), strict=True):
        rows = wave_rows(sources, old, wave)
        _take_rules(
            book, name, rows, expanded(sources, wave.cohort, wave.name), wave.name, edited, wave.cohort
        )
    if problems.has_errors():
        raise DictionaryError(problems.problems)
    files = {
        path: file_text(data)
        for path, data in _files(edited).items()
        if flow_text(data) != flow_text(_files(sources)[path])  # the order of categories counts
    }
    new, warnings = _checked(old, files)
    changes = diff_dictionaries(old, new)
    outdated = book.state != old.sha256()
    return Proposal(tuple(changes), warnings, files if changes else {}, outdated)


def _files(sources: Sources) -> dict[Path, Entry]:
    return {**sources.schema, **dict(sources.waves.values())}


def _checked(old: Dictionary, files: Mapping[Path, str]) -> tuple[Dictionary, tuple[Problem, ...]]:
    """The dictionary as it would be, read from a copy, and the warnings it did not have before."""
    with tempfile.TemporaryDirectory() as temporary:
        copy = Path(temporary) / "dictionary"
        shutil.copytree(old.root, copy)
        for path, text in files.items():
            (copy / path.relative_to(old.root)).write_text(text, "utf-8")
        new, found = check_dictionary(copy)
        problems = [replace(p, file=p.file.replace(str(copy), str(old.root), 1)) for p in found]
    if new is None:
        raise DictionaryError(problems)
    known = {(warning.code, warning.text) for warning in old.warnings}
    return new, tuple(problem for problem in problems if (problem.code, problem.text) not in known)


class _Workbook:
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


def _take_variables(book: _Workbook, sources: Sources, edited: Sources, languages: tuple[str, ...]) -> None:
    """Edited, new and removed variables of the schema."""
    sheet, columns = "Variables", variable_columns(languages)
    current = {row["variable"]: row for row in variable_rows(sources, columns)}
    files = {path.name: data for path, data in edited.schema.items()}
    rows = book.rows(sheet, ("variable",), ["file", *(column.title for column in columns)])
    for number, row in rows:
        name, file = row["variable"], row["file"]
        if file not in files:
            hint = did_you_mean(file, files) or f"files: {', '.join(files)}"
            book.error(sheet, number, 1, "DD285", f"'{file}' is no file of schema/", hint)
            continue
        before = current.get(name, cells({}, columns))
        origin = before.get("file", file)
        entry = files[origin].get(name, {})
        if origin != file:
            del files[origin][name]
        files[file][name] = entry
        book.edit(sheet, number, row, columns, before, entry)
    if rows:
        for name in current.keys() - {row["variable"] for _, row in rows}:
            del files[current[name]["file"]][name]


def _take_categories(book: _Workbook, sources: Sources, edited: Sources, languages: tuple[str, ...]) -> None:
    """The categories of each variable whose rows changed, in the order of the rows."""
    sheet, columns = "Categories", category_columns(languages)
    before: dict[str, list[Row]] = {}
    for row in category_rows(sources, columns):
        before.setdefault(row["variable"], []).append(row)
    after: dict[str, list[tuple[int, Row]]] = {}
    for number, row in book.rows(sheet, ("variable", "category"), [column.title for column in columns]):
        after.setdefault(row["variable"], []).append((number, row))
    entries = {name: entry for data in edited.schema.values() for name, entry in data.items()}
    for name, rows in after.items():
        if name not in entries:
            hint = did_you_mean(name, entries)
            book.error(sheet, rows[0][0], 1, "DD285", f"'{name}' is no row of Variables", hint)
        elif [row for _, row in rows] != before.get(name):
            known: dict[str, tuple[Any, Entry]]
            known = {str(key): (key, item) for key, item in (entries[name].get("categories") or {}).items()}
            current = {row["category"]: row for row in before.get(name, [])}
            entries[name]["categories"] = categories = {}
            for number, row in rows:
                key, item = known.get(row["category"], (row["category"], {}))
                shown = current.get(row["category"], cells({}, columns))
                categories[key] = item
                book.edit(sheet, number, row, columns, shown, item)
    for name in before.keys() - after.keys():
        if after and name in entries:
            entries[name].pop("categories", None)


def _take_rules(
    book: _Workbook,
    sheet: str,
    current_rows: list[Row],
    entries: Mapping[str, tuple[Entry, str]],
    wave: str,
    edited: Sources,
    cohort: str,
) -> None:
    """Edited, new and removed rules of one wave; an inherited rule that was edited becomes the wave's own."""
    columns = rule_columns()
    current = {row["variable"]: row for row in current_rows}
    _, data = edited.waves[(cohort, wave)]
    rows = book.rows(sheet, ("variable",), [column.title for column in columns])
    for number, row in rows:
        name = row["variable"]
        before = current.get(name, cells({"status": "complete"}, columns))
        if name in current and all(row[column.title] == before[column.title] for column in columns):
            continue
        entry = dict(entries[name][0]) if name in entries else {}
        book.edit(sheet, number, row, columns, before, entry)
        if entry.get("status") == "complete":
            del entry["status"]
        _put_rule(data, name, entry)
    for name in current.keys() - {row["variable"] for _, row in rows} if rows else ():
        origin = entries[name][1]
        if origin != wave:
            hint = "set its status to impossible, with a note"
            book.error(
                sheet, 1, 1, "DD286", f"the row of '{name}' is gone, but it is inherited from {origin}", hint
            )
        else:
            _drop_rule(data, name)


def _put_rule(data: Entry, name: str, entry: Entry) -> None:
    """Under `variables`, or in the list of variables that share one status and note."""
    listed = entry.keys() == {"status", "note"} and entry["status"] in LISTED
    if not listed and name in (data.get("variables") or {}):
        data["variables"][name] = entry
        return
    _drop_rule(data, name)
    if not listed:
        data["variables"] = {**(data.get("variables") or {}), name: entry}
        return
    groups = data.setdefault(entry["status"], [])
    same = [group for group in groups if group["note"] == entry["note"]]
    if same:
        same[0]["variables"].append(name)
    else:
        groups.append({"variables": [name], "note": entry["note"]})


def _drop_rule(data: Entry, name: str) -> None:
    (data.get("variables") or {}).pop(name, None)
    for status in LISTED:
        for group in data.get(status) or ():
            group["variables"] = [other for other in group["variables"] if other != name]
        data[status] = [group for group in data.get(status) or () if group["variables"]]
        if not data[status]:
            del data[status]
