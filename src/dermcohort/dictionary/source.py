"""Strict YAML: every value knows its line and column, nothing is guessed, a key written twice is an error.

Only ``true``/``false`` are booleans, only plain decimals are numbers and only ``null``/``~`` are null, so
``no``, ``off``, ``010``, ``12:30`` and dates stay text (PyYAML's defaults change all of them).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from ..wording import did_you_mean
from .problems import Place, ProblemList

Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

INTEGER = re.compile(r"[-+]?(0|[1-9]\d*)")
DECIMAL = re.compile(r"[-+]?(0|[1-9]\d*)\.\d+([eE][-+]?\d+)?|[-+]?\d+[eE][-+]?\d+")
CONSTANTS = {"true": True, "false": False, "null": None, "~": None, "": None}


class Block(dict):
    """A YAML mapping that knows where it, its keys and its values stand."""

    place: Place
    key_places: dict[Any, Place]
    value_places: dict[Any, Place]

    def at(self, key: Any) -> Place:
        """Place of the value of `key`, or of the block where the key is absent."""
        return self.value_places.get(key, self.place)

    def key_at(self, key: Any) -> Place:
        return self.key_places.get(key, self.place)

    def check_keys(
        self, allowed: Iterable[str], problems: ProblemList, what: str, required: Iterable[str] = ()
    ) -> None:
        """Report keys that are not `allowed` and `required` keys that are absent."""
        allowed = list(allowed)
        for key in self:
            if key not in allowed:
                hint = did_you_mean(key, allowed) or f"allowed here: {', '.join(allowed)}"
                problems.error(self.key_at(key), "DD010", f"'{key}' is not a key of {what}", hint)
        for key in required:
            if key not in self:
                problems.error(self.place, "DD011", f"{what} needs '{key}'")


class Sequence(list):
    """A YAML list that knows where its items stand."""

    places: list[Place]


def load_yaml(path: Path, problems: ProblemList) -> Block | None:
    """Read one mapping; problems of syntax and doubled keys are reported, None means it cannot be used."""
    value = _load(path, problems)
    if value is not None and not isinstance(value, Block):
        problems.error(Place(str(path)), "DD006", "the file must be a mapping (key: value)")
        return None
    return value


def load_yaml_list(path: Path, problems: ProblemList) -> Sequence | None:
    """The same for a file that is a list."""
    value = _load(path, problems)
    if value is not None and not isinstance(value, Sequence):
        problems.error(Place(str(path)), "DD008", "the file must be a list: each entry begins with '- '")
        return None
    return value


def _load(path: Path, problems: ProblemList) -> Any:
    name = str(path)
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        problems.error(Place(name), "DD003", "the file does not exist")
        return None
    except UnicodeDecodeError as error:
        problems.error(
            Place(name), "DD004", f"the file is not UTF-8 (byte {error.start})", "save it as UTF-8"
        )
        return None
    return read_yaml_text(text, name, problems)


def read_yaml_text(text: str, name: str, problems: ProblemList) -> Any:
    """The value of one YAML text, with the strict rules of this module; None where it cannot be used."""
    try:
        node = yaml.compose(text, Loader=Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(name, mark.line + 1, mark.column + 1) if mark else Place(name)
        hint = "inside { } a comma or a colon ends the value: quote it or put it on its own line"
        problems.error(place, "DD002", f"this is not valid YAML: {error.problem or error.context}", hint)
        return None
    except yaml.YAMLError as error:
        problems.error(Place(name), "DD002", f"this is not valid YAML: {str(error).splitlines()[0]}")
        return None
    if node is None:
        problems.error(Place(name), "DD005", "the file is empty")
        return None
    return _build(node, name, problems)


def _place(node: yaml.Node, file: str) -> Place:
    return Place(file, node.start_mark.line + 1, node.start_mark.column + 1)


def _build(node: yaml.Node, file: str, problems: ProblemList) -> Any:
    if isinstance(node, yaml.ScalarNode):
        return _scalar(node)
    if isinstance(node, yaml.SequenceNode):
        items = Sequence(_build(item, file, problems) for item in node.value)
        items.places = [_place(item, file) for item in node.value]
        return items
    block = Block()
    block.place = _place(node, file)
    block.key_places, block.value_places = {}, {}
    for key_node, value_node in node.value:
        key = _build(key_node, file, problems)
        place = _place(key_node, file)
        if isinstance(key, (Block, Sequence)):
            problems.error(place, "DD007", "a key must be a plain word or number")
            continue
        if key in block:
            first = block.key_places[key].line
            problems.error(
                place, "DD001", f"'{key}' is written twice in this block; the first is on line {first}"
            )
        block[key] = _build(value_node, file, problems)
        block.key_places[key] = place
        block.value_places[key] = _place(value_node, file)
    return block


def _scalar(node: yaml.ScalarNode) -> Any:
    text = node.value
    if node.style in ("'", '"', "|", ">"):
        return text
    return plain_value(text)


def plain_value(text: str) -> Any:
    """What an unquoted word means: a plain decimal, true, false, null, or itself."""
    if INTEGER.fullmatch(text):
        return int(text)
    if DECIMAL.fullmatch(text):
        return float(text)
    return CONSTANTS.get(text, text)
