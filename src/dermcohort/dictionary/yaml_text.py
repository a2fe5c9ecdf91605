"""Values as YAML text that `source.py` reads back as they were: the one way the package writes a dictionary file.

A word is left unquoted exactly where the strict reader takes it for itself, so codes such as 007, 1e5 or 1-2
survive. Comments are not kept: they are not part of the values.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from .problems import ProblemList
from .source import read_yaml_text

WIDTH = 110


def scalar_text(value: Any) -> str:
    """A number, constant or text, quoted where it must be.

    Examples
    --------
    >>> scalar_text(7), scalar_text("007"), scalar_text("7"), scalar_text("no")
    ('7', '007', "'7'", 'no')
    """
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value if _reads_as_itself(value) else quoted(value)
    return repr(value)


def quoted(text: str) -> str:
    """The text in the quotes that need no escape."""
    if text.isprintable() and "'" in text and not set('"\\') & set(text):
        return f'"{text}"'
    if text.isprintable():
        return "'" + text.replace("'", "''") + "'"
    return yaml.dump(text, default_style='"', allow_unicode=True, width=float("inf")).strip()


def flow_text(value: Any) -> str:
    """Any value on one line.

    Examples
    --------
    >>> flow_text({"from": "Q12", "map": {1: "no", "2": "a, b"}})
    "{from: Q12, map: {1: no, '2': 'a, b'}}"
    """
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{scalar_text(key)}: {flow_text(item)}" for key, item in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(flow_text(item) for item in value) + "]"
    return scalar_text(value)


def file_text(data: Mapping[Any, Any]) -> str:
    """A whole file: one line an entry where it fits, indented blocks where it does not."""
    return "\n".join(_lines(data, 0)) + "\n"


def _lines(data: Mapping[Any, Any], depth: int) -> list[str]:
    lines = []
    for key, value in data.items():
        start = "  " * depth + scalar_text(key) + ":"
        line = f"{start} {flow_text(value)}"
        if isinstance(value, Mapping) and value and (depth == 0 or len(line) > WIDTH or _height(value) > 2):
            lines += [start, *_lines(value, depth + 1)]
        elif isinstance(value, (list, tuple)) and any(isinstance(item, Mapping) for item in value):
            lines += [start, *("  " * (depth + 1) + f"- {flow_text(item)}" for item in value)]
        else:
            lines.append(line)
    return lines


def _height(value: Any) -> int:
    """How many mappings stand inside each other: categories have three and read better one a line."""
    return 1 + max(map(_height, value.values()), default=0) if isinstance(value, Mapping) else 0


@lru_cache(maxsize=65536)
def _reads_as_itself(text: str) -> bool:
    """Whether the reader takes the unquoted text for this text: as key, value and item, in { } and outside."""
    if not text or not text.isprintable():
        return False
    problems = ProblemList(Path())
    flow = read_yaml_text(f"{{{text}: [{text}, {text}], a: {text}}}", "", problems)
    block = read_yaml_text(f"{text}: {text}\n", "", problems)
    return not problems.problems and flow == {text: [text, text], "a": text} and block == {text: text}
