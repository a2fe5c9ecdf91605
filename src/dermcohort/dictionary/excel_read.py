"""An edited workbook back into the YAML files: first as a proposal with its changes in words, then written.

Only cells that differ from what `to_excel` would write now are taken over, only files whose content changed are
written, and only if the linter accepts the whole dictionary with them.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..storage import write_text
from ..wording import did_you_mean
from .diff import Change, diff_dictionaries
from .excel_cells import (
    Entry,
    Row,
    Sources,
    category_columns,
    category_rows,
    cells,
    expanded,
    read_sources,
    rule_columns,
    sheet_names,
    variable_columns,
    variable_rows,
    wave_rows,
)
from .excel_workbook import EditedWorkbook
from .model import Dictionary
from .problems import DictionaryError, Problem, ProblemList
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
        before = {path: path.read_bytes() for path in self.files}
        try:
            for path, text in self.files.items():
                write_text(path, text)
        except BaseException:
            for path, content in before.items():
                if path.read_bytes() != content:
                    path.write_bytes(content)
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
    book = EditedWorkbook(Path(path), problems)
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


def _take_variables(
    book: EditedWorkbook, sources: Sources, edited: Sources, languages: tuple[str, ...]
) -> None:
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


def _take_categories(
    book: EditedWorkbook, sources: Sources, edited: Sources, languages: tuple[str, ...]
) -> None:
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
    book: EditedWorkbook,
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
