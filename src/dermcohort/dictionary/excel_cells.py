"""What the cells of the workbook hold: a part of a YAML entry as text, and back.

A cell that was not edited is never decoded, so a view can simplify (one column or a list of one column look the
same) without any loss.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .mapping import RULE_KEYS
from .model import Dictionary, Wave
from .problems import ProblemList
from .read import VARIABLE_KEYS
from .source import load_yaml, plain_value, read_yaml_text
from .yaml_text import flow_text, quoted

Row = dict[str, str]
Entry = dict[Any, Any]
TEXTS = (
    "type", "entity", "unit", "analyte", "asked_if", "derive", "condition", "measures", "followed_until", "keep",
    "role", "sensitive", "source", "status", "note", "question", "ascertainment", "call", "partial", "expr",
)  # fmt: skip
LINES = ("from", "map", "missing", "first_of", "date", "cut")
FIRST_RULE_COLUMNS = ("status", "from", "map", "missing", "unit", "note")


@dataclass(frozen=True)
class Column:
    """One column of a sheet: the `key` of the entry and, in a label or range, the `part` of it."""

    title: str
    key: str
    kind: str
    part: Any = None


@dataclass(frozen=True)
class Sources:
    """The YAML files behind a dictionary as plain values, by path."""

    schema: Mapping[Path, Entry]
    waves: Mapping[tuple[str, str], tuple[Path, Entry]]


def read_sources(dictionary: Dictionary) -> Sources:
    """Read schema/ and the wave files of a dictionary that is known to be right."""

    def read(path: Path) -> Entry:
        return _plain(load_yaml(path, ProblemList(dictionary.root)))

    schema = {path: read(path) for path in sorted((dictionary.root / "schema").glob("*.yaml"))}
    waves = {}
    for wave in dictionary.waves():
        path = dictionary.root / "cohorts" / wave.cohort / f"{wave.name}.yaml"
        waves[(wave.cohort, wave.name)] = path, read(path)
    return Sources(schema, waves)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value


def variable_columns(languages: tuple[str, ...]) -> list[Column]:
    """Every key of a schema variable but `categories`, which have their own sheet."""
    columns: list[Column] = []
    for key in VARIABLE_KEYS:
        if key in ("label", "definition"):
            columns += _label_columns(key, languages)
        elif key == "range":
            parts = [(which, side) for which in ("soft", "hard") for side in (0, 1)]
            columns += [
                Column(f"{which} {'highest' if side else 'lowest'}", key, "range", (which, side))
                for which, side in parts
            ]
        elif key != "categories":
            columns.append(Column(key, key, _kind(key)))
    return columns


def category_columns(languages: tuple[str, ...]) -> list[Column]:
    return [Column("code", "code", "token"), *_label_columns("label", languages)]


def _label_columns(key: str, languages: tuple[str, ...]) -> list[Column]:
    """A text that is no mapping is in the first language, as the reader of the dictionary has it."""
    return [Column(f"{key} {language}", key, "label", (language, languages[0])) for language in languages]


def rule_columns() -> list[Column]:
    """Every key of a rule, those that are edited most first."""
    keys = dict.fromkeys([*FIRST_RULE_COLUMNS, *RULE_KEYS])
    return [Column(key, key, _kind(key)) for key in keys]


def _kind(key: str) -> str:
    return "text" if key in TEXTS else "lines" if key in LINES else "yaml"


def variable_rows(sources: Sources, columns: list[Column]) -> list[Row]:
    return [
        {"file": path.name, "variable": name, **cells(entry, columns)}
        for path, data in sources.schema.items()
        for name, entry in data.items()
    ]


def category_rows(sources: Sources, columns: list[Column]) -> list[Row]:
    return [
        {"variable": name, "category": str(category), **cells(item, columns)}
        for data in sources.schema.values()
        for name, entry in data.items()
        for category, item in (entry.get("categories") or {}).items()
    ]


def wave_rows(sources: Sources, dictionary: Dictionary, wave: Wave) -> list[Row]:
    """The rules of a wave in schema order, inherited ones included."""
    rows = []
    entries = expanded(sources, wave.cohort, wave.name)
    for name in wave.rules:
        entry, origin = entries[name]
        row = {"variable": name, **cells({"status": "complete", **entry}, rule_columns())}
        row["inherited from"] = "" if origin == wave.name else origin
        row["verb"] = wave.rules[name].verb
        row["categories"] = ", ".join(dictionary.variables[name].levels)
        rows.append(row)
    return rows


def expanded(sources: Sources, cohort: str, wave: str) -> dict[str, tuple[Entry, str]]:
    """What a wave says about each variable and which wave file says it."""
    _, data = sources.waves[(cohort, wave)]
    inherited = expanded(sources, cohort, data["extends"]) if data.get("extends") else {}
    own = {name: (entry, wave) for name, entry in (data.get("variables") or {}).items()}
    for status in ("impossible", "undecided"):
        for group in data.get(status) or ():
            for name in group["variables"]:
                own[name] = ({"status": status, "note": group["note"]}, wave)
    return {**inherited, **own}


def sheet_names(dictionary: Dictionary) -> list[str]:
    """One name a wave, of at most 31 characters that Excel allows, no two alike."""
    names: list[str] = []
    for wave in dictionary.waves():
        name = re.sub(r"[\[\]:*?/\\']", "_", f"{wave.cohort} {wave.name}")[:31]
        taken = [other.casefold() for other in (*names, "Read me", "Variables", "Categories", "Matrix")]
        number = 2
        while name.casefold() in taken:
            name = f"{name[:28]} {number}"
            number += 1
        names.append(name)
    return names


def cells(entry: Entry, columns: list[Column]) -> Row:
    """The texts of one entry, by title of the column."""
    return {column.title: _encode(entry, column) for column in columns}


def _encode(entry: Entry, column: Column) -> str:
    value = entry.get(column.key)
    if column.kind == "label":
        language, first = column.part
        return str(_by_language(value, first).get(language) or "")
    if column.kind == "range":
        which, side = column.part
        bounds = (value or {}).get(which)
        return token(bounds[side]) if bounds else ""
    if value is None:
        return ""
    if column.kind == "text":
        return str(value)
    if column.kind == "token":
        return token(value)
    if column.kind == "yaml":
        return flow_text(value)
    if isinstance(value, Mapping):
        return "\n".join(f"{token(key)} = {token(item, target=True)}" for key, item in value.items())
    return "\n".join(token(item) for item in (value if isinstance(value, list) else [value]))


def decode(text: str, column: Column, entry: Entry) -> None:
    """Put the text of an edited cell into its entry; ValueError says what cannot be read."""
    if column.kind == "label":
        _decode_label(text, column, entry)
    elif column.kind == "range":
        _decode_bound(text, column, entry)
    elif not text.strip():
        entry.pop(column.key, None)
    elif column.kind == "text":
        entry[column.key] = text.strip()
    elif column.kind == "token":
        entry[column.key] = untoken(text)
    elif column.kind == "yaml":
        problems = ProblemList(Path())
        value = read_yaml_text(text, "", problems)
        if problems.problems:
            raise ValueError(problems.problems[0].text)
        entry[column.key] = _plain(value)
    else:
        entry[column.key] = _decode_lines(column.key, [line for line in text.splitlines() if line.strip()])


def _decode_label(text: str, column: Column, entry: Entry) -> None:
    language, first = column.part
    value = entry.get(column.key)
    texts = {**_by_language(value, first), language: text.strip()}
    texts = {key: words for key, words in texts.items() if words}
    entry[column.key] = texts[first] if isinstance(value, str) and list(texts) == [first] else texts
    if not texts:
        del entry[column.key]


def _by_language(value: Any, first: str) -> Mapping[str, Any]:
    return {first: value} if isinstance(value, str) else (value or {})


def _decode_bound(text: str, column: Column, entry: Entry) -> None:
    which, side = column.part
    ranges = dict(entry.get("range") or {})
    bounds = list(ranges.get(which) or [None, None])
    bounds[side] = untoken(text) if text.strip() else None
    ranges[which] = bounds
    ranges = {key: pair for key, pair in ranges.items() if pair != [None, None]}
    entry["range"] = ranges
    if not ranges:
        del entry["range"]


LINE = re.compile(r"""\s*('(?:[^']|'')*'|"(?:[^"\\]|\\.)*"|[^='"][^=]*?|)\s*=\s*(.*?)\s*""")


def _decode_lines(key: str, lines: list[str]) -> Any:
    """A mapping (`code = category`), a list, or one value."""
    matches = [LINE.fullmatch(line) for line in lines]
    if key in ("map", "missing", "cut") or (key == "from" and any(matches)):
        result: Entry = {}
        for line, match in zip(lines, matches, strict=True):
            if match is None or not match[1] or not match[2]:
                wanted = {"from": "name = column", "cut": "category = bounds"}.get(key, "code = category")
                raise ValueError(f"the line '{line.strip()}' should be '{wanted}'")
            code = untoken(match[1])
            if code in result:
                raise ValueError(f"'{code}' stands on two lines")
            result[code] = untoken(match[2])
        return result
    values = [untoken(line) for line in lines]
    return values[0] if len(values) == 1 else values


def token(value: Any, target: bool = False) -> str:
    """A code, column or category as it stands on a line; quoted where it would be read as something else."""
    if not isinstance(value, str):
        return flow_text(value)
    plain = value.isprintable() and value == value.strip() and value[:1] not in ("", "'", '"')
    plain = plain and (target or "=" not in value) and plain_value(value) == value
    return value if plain else quoted(value)


def untoken(text: str) -> Any:
    """The value that `token` wrote, or that a person typed."""
    text = text.strip()
    if len(text) > 1 and text[0] == text[-1] == "'":
        return text[1:-1].replace("''", "'")
    if len(text) > 1 and text[0] == text[-1] == '"':
        return read_yaml_text(text, "", ProblemList(Path()))
    return plain_value(text)
