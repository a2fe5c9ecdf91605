"""Read a .qmd file: front matter, includes, Markdown and the Python cells in it.

Every line keeps the file and number it came from, so that a message can point at it through an include.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from .errors import ReportError, place

FENCE = re.compile(r"^ {0,3}(?P<ticks>`{3,}|~{3,})\s*(?P<info>.*?)\s*$")
CELL = re.compile(r"^\{(?P<language>\w+)(?:[\s,].*)?\}$")
SHORTCODE = re.compile(r"\{\{<\s*(?P<name>[\w-]+)\s*(?P<argument>.*?)\s*>\}\}")
TITLE = re.compile(r"^# +(.+?)\s*$")
INLINE_CODE = re.compile(r"(?<!`)`\{\w+\} [^`]+`")


@dataclass(frozen=True)
class Line:
    """One line of text and where it stands."""

    text: str
    file: Path
    number: int

    @property
    def place(self) -> str:
        """``reports/page.qmd:12``."""
        return place(self.file, self.number)


@dataclass(frozen=True)
class Cell:
    """A Python cell: its code without the option lines, its options, and where it begins."""

    code: str
    options: Mapping[str, Any]
    file: Path
    line: int

    @property
    def place(self) -> str:
        """``reports/page.qmd:31``."""
        return place(self.file, self.line)

    @property
    def label(self) -> str | None:
        """The label, such as ``tbl-prevalence``."""
        label = self.options.get("label")
        return None if label is None else str(label)

    @property
    def is_parameters(self) -> bool:
        """Whether the cell is tagged `parameters`."""
        tags = self.options.get("tags") or []
        return "parameters" in ([tags] if isinstance(tags, str) else tags)


@dataclass(frozen=True)
class Document:
    """A .qmd file as read: nothing has run yet. `parts` are Markdown texts and cells in order.

    The `path` of several pages together is their folder.
    """

    path: Path
    metadata: Mapping[str, Any]
    parts: tuple[str | Cell, ...]
    lines: tuple[Line, ...]

    @property
    def folder(self) -> Path:
        """Where its addresses are relative to."""
        return self.path if self.path.is_dir() else self.path.parent

    @property
    def parameters_cell(self) -> Cell | None:
        """The cell whose values `params` replaces."""
        return next((part for part in self.parts if isinstance(part, Cell) and part.is_parameters), None)

    def parameter_names(self) -> list[str]:
        """Names that may be set from outside: those of the parameters cell and of `params:`."""
        names = list(self.metadata.get("params") or {})
        cell = self.parameters_cell
        if cell is not None:
            names += [name for name in _assigned_names(cell) if name not in names]
        return names

    def places_of(self, text: str) -> list[str]:
        """``page.qmd:12`` of each line that holds `text`, references to it aside."""
        pattern = re.compile(r"(?<!@)" + re.escape(text) + r"(?![\w-])")
        return [line.place for line in self.lines if pattern.search(line.text)]

    def place_of(self, text: str) -> str:
        """The first of them; the file where there is none."""
        return next(iter(self.places_of(text)), place(self.path))


def read_document(path: Path) -> Document:
    """Read a .qmd file with all that it includes, or a .md file, whose code is shown and not run.

    Raises
    ------
    ReportError
        If the file or an include is missing, or the front matter or the options of a cell are no YAML.
    """
    lines, front = _split_front_matter(_read_lines(path))
    metadata = _mapping(front, f"{place(path, 1)}: the front matter") if front else {}
    if path.suffix == ".md":
        return _plain_markdown(path, metadata, lines)
    lines = _expand_includes(lines, (path.resolve(),))
    return Document(path, metadata, tuple(_split_cells(lines)), tuple(lines))


def _plain_markdown(path: Path, metadata: dict[str, Any], lines: list[Line]) -> Document:
    """A page without cells; as in Quarto a heading at its top is the title, where no other is given."""
    title = TITLE.match(lines[0].text) if lines and "title" not in metadata else None
    if title is not None:
        metadata, lines = {**metadata, "title": title[1]}, lines[1:]
    return Document(path, metadata, ("\n".join(line.text for line in lines),), tuple(lines))


# ------------------------------------------------------------------------------------- lines


def _read_lines(path: Path) -> list[Line]:
    try:
        text = path.read_text("utf-8-sig")
    except FileNotFoundError:
        raise ReportError(f"{place(path)} does not exist") from None
    except UnicodeDecodeError:
        raise ReportError(f"{place(path)}: the file is not UTF-8; save it as UTF-8") from None
    return [Line(text, path, number) for number, text in enumerate(text.splitlines(), 1)]


def _split_front_matter(lines: list[Line]) -> tuple[list[Line], str]:
    """The lines below the front matter, and its YAML."""
    if not lines or lines[0].text.rstrip() != "---":
        return lines, ""
    for i, line in enumerate(lines[1:], 1):
        if line.text.rstrip() in ("---", "..."):
            return lines[i + 1 :], "\n".join(line.text for line in lines[1:i])
    raise ReportError(f"{lines[0].place}: the front matter is not closed by a line '---'")


def _expand_includes(lines: list[Line], open_files: tuple[Path, ...]) -> list[Line]:
    """Put the lines of included files in place; paths are relative to the file that includes."""
    expanded: list[Line] = []
    fence = ""
    for line in lines:
        fence = fence_after(line.text, fence)
        shortcode = None if fence else SHORTCODE.fullmatch(line.text.strip())
        if shortcode is None or shortcode["name"] != "include":
            _refuse_unknown(line, in_fence=bool(fence))
            expanded.append(line)
            continue
        target = line.file.parent / shortcode["argument"].strip("\"'")
        if not target.is_file():
            raise ReportError(f"{line.place}: the included '{target.name}' does not exist")
        if target.resolve() in open_files:
            raise ReportError(f"{line.place}: '{target.name}' includes itself")
        included, _ = _split_front_matter(_read_lines(target))
        expanded += _expand_includes(included, (*open_files, target.resolve()))
    return expanded


def _refuse_unknown(line: Line, *, in_fence: bool) -> None:
    """What Quarto would replace and we would print as it stands is an error, not a surprise."""
    if in_fence or FENCE.match(line.text):
        return
    found = SHORTCODE.search(line.text)
    if found is not None and found["name"] == "include":
        raise ReportError(f"{line.place}: an include must stand on a line of its own")
    if found is not None:
        raise ReportError(
            f"{line.place}: the embedded engine has no shortcode '{found['name']}', only include"
        )
    if INLINE_CODE.search(line.text):
        raise ReportError(
            f"{line.place}: the embedded engine runs no inline code; "
            "print the sentence from a cell with '#| output: asis'"
        )


def fence_after(text: str, fence: str) -> str:
    """The ticks of the code fence that is open after this line, or an empty text."""
    match = FENCE.match(text)
    if match is None:
        return fence
    if not fence:
        # `` ```a``` `` on one line is inline code
        return "" if "`" in match["info"] else match["ticks"]
    closes = not match["info"] and match["ticks"].startswith(fence)
    return "" if closes else fence


# ------------------------------------------------------------------------------------- cells


def _split_cells(lines: list[Line]) -> list[str | Cell]:
    parts: list[str | Cell] = []
    text: list[str] = []
    code: list[Line] = []
    fence, start = "", None
    for line in lines:
        before, fence = fence, fence_after(line.text, fence)
        opened = FENCE.match(line.text) if fence and not before else None
        cell = CELL.match(opened["info"]) if opened is not None else None
        if cell is not None:
            if cell["language"] != "python":
                raise ReportError(
                    f"{line.place}: the embedded engine runs python cells only, not '{cell['language']}'"
                )
            parts.append("\n".join(text))
            start, code, text = line, [], []
        elif start is None:
            text.append(line.text)
        elif not fence:
            parts.append(_cell(start, code))
            start = None
        else:
            code.append(line)
    if start is not None:
        raise ReportError(f"{start.place}: the cell is not closed")
    return [*parts, "\n".join(text)]


def _cell(start: Line, lines: list[Line]) -> Cell:
    marked = 0
    while marked < len(lines) and lines[marked].text.lstrip().startswith("#|"):
        marked += 1
    options = "\n".join(line.text.lstrip()[2:].removeprefix(" ") for line in lines[:marked])
    return Cell(
        code="\n".join(line.text for line in lines[marked:]).strip("\n"),
        options=_mapping(options, f"{start.place}: the options of the cell"),
        file=start.file,
        line=start.number,
    )


def _mapping(text: str, what: str) -> dict[str, Any]:
    try:
        found = yaml.safe_load(text)
    except yaml.YAMLError as error:
        problem = str(getattr(error, "problem", None) or error)
        raise ReportError(f"{what} cannot be read: {problem}") from None
    if not isinstance(found, dict | None):
        raise ReportError(f"{what} must be lines of 'key: value'")
    return found or {}


def _assigned_names(cell: Cell) -> list[str]:
    try:
        statements = ast.parse(cell.code).body
    except SyntaxError as error:
        raise ReportError(f"{cell.place}: the parameters cell: {error.msg}") from None
    names = []
    for statement in statements:
        if isinstance(statement, ast.Assign):
            names += [target.id for target in statement.targets if isinstance(target, ast.Name)]
        elif isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            names.append(statement.target.id)
    return names
