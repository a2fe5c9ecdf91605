"""What PDF and Word have in common: links inside the document, labels of captions, how a table fits the page."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .errors import ReportError
from .pandoc import Node, element, elements, plain_text, transform
from .qmd import Document

# width of the text in points: A4 with margins of 25 mm, upright and turned
UPRIGHT, TURNED = 453, 700
SIZES = (9, 8, 7)
LONG = 16  # rows of a table that may be divided by the end of a page
PADDING = 8  # points of a column
SIGN = 0.52  # width of a letter, as a share of its height
COMFORTABLE = 26  # signs of a line in a column of text


@dataclass(frozen=True)
class Layout:
    """How a table is set: size of its letters, on a turned page or not, and shares of the page its columns take.

    `natural` is whether every cell has its text on one line.
    """

    points: float
    turned: bool
    shares: tuple[float, ...]
    natural: bool


def layout_of(table: Node) -> Layout:
    """The largest letters that fit, upright before turned.

    Words and numbers do not break. Where the content does not fit on single lines, columns of numbers get what they
    need and those of text share the rest.
    """
    (_, _, specifications, (_, head), bodies, (_, foot)) = table["c"]
    heads = _texts(head, len(specifications))
    cells = _texts(
        [row for _, _, above, rows in bodies for row in [*above, *rows]] + foot, len(specifications)
    )
    are_numbers = [alignment["t"] == "AlignRight" for alignment, _ in specifications]
    natural, needed = [], []
    for top, body, is_number in zip(heads, cells, are_numbers, strict=True):
        longest = max(map(_width, [*top, *body]), default=1)
        words = max((_width(word) for text in [*top, *body] for word in _words(text)), default=1)
        body_width = max(map(_width, body), default=1)
        natural.append(longest)
        needed.append(max(words, body_width) if is_number else max(words, min(longest, COMFORTABLE)))
    for turned, room in ((False, UPRIGHT), (True, TURNED)):
        for points in SIZES:
            if _points(needed, points) <= room:
                shares = _shares(natural, needed, points, room)
                return Layout(points, turned, shares, _points(natural, points) <= room)
    widths = _shares(natural, needed, SIZES[-1], TURNED)
    return Layout(SIZES[-1], True, tuple(width / sum(widths) for width in widths), False)


def _points(signs: Sequence[float], points: float) -> float:
    return sum(signs) * SIGN * points + PADDING * len(signs)


def _shares(
    natural: Sequence[float], needed: Sequence[float], points: float, room: float
) -> tuple[float, ...]:
    """What is left of the width goes to the columns that take more, until they have what they take."""
    more = [SIGN * points * (most - least) for most, least in zip(natural, needed, strict=True)]
    left = max(0.0, room - _points(needed, points))
    given = min(1.0, left / sum(more)) if sum(more) else 0.0
    return tuple(
        (SIGN * points * least + PADDING + given * extra) / room
        for least, extra in zip(needed, more, strict=True)
    )


def _texts(rows: Sequence[Any], columns: int) -> list[list[str]]:
    """The texts of each column; cells across several columns do not count."""
    found: list[list[str]] = [[] for _ in range(columns)]
    for _, cells in rows:
        place = 0
        for _, _, _, across, blocks in cells:
            if across == 1 and place < columns:
                found[place].append(plain_text(blocks))
            place += across
    return found


def _words(text: str) -> list[str]:
    """Pieces that stay on one line: Chinese breaks between any two signs."""
    return text.replace("\u2003", " ").replace("/", "/ ").split(" ") if not _is_wide(text) else [text[:4]]


def _is_wide(text: str) -> bool:
    return any(unicodedata.east_asian_width(sign) in "WF" for sign in text)


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text)


# ------------------------------------------------------------------------------------- links and labels


def for_print(tree: Node, document: Document) -> Node:
    """The tree as both formats take it.

    Links inside the document have a target; links to other pages stay as text, for these are elsewhere.

    Of several elements with one id the first keeps it. The labels of captions are strong.
    """
    seen: set[str] = set()

    def once(node: Node) -> Node:
        attributes = _attributes(node)
        if attributes is not None and attributes[0]:
            attributes[0] = "" if attributes[0] in seen else attributes[0]
            seen.add(attributes[0])
        return node

    def visit(node: Node) -> Node | list[Node]:
        if node["t"] == "Span" and "caption-label" in node["c"][0][1]:
            return element("Strong", node["c"][1])
        if node["t"] != "Link":
            return node
        content, (address, _) = node["c"][1:]
        file, _, fragment = address.partition("#")
        if (file.endswith(".qmd") and "://" not in file) or address == "#":
            return list(content)
        if not file and fragment not in seen:
            raise ReportError(f"{document.place_of('#' + fragment)}: the link '#{fragment}' has no target")
        return node

    return transform(transform(tree, once), visit)


def _attributes(node: Node) -> list[Any] | None:
    if node["t"] == "Header":
        return node["c"][1]
    return node["c"][0] if node["t"] in ("Div", "Span", "Figure", "Table", "CodeBlock", "Code") else None


# ------------------------------------------------------------------------------------- pieces


def parts_of_figure(figure: Node) -> tuple[str, list[Node], list[Node]]:
    """Label, caption and content of a figure."""
    (label, _, _), (_, caption), blocks = figure["c"]
    return label, caption, blocks


def parts_of_table(box: Node) -> tuple[str, list[Node], list[Node]]:
    """Label, caption and content of a div ``.float-tbl``; the caption is taken off its table."""
    (label, _, _), blocks = box["c"]
    caption: list[Node] = []
    content = []
    for block in blocks:
        if block["t"] == "Div" and "caption" in block["c"][0][1]:
            caption = block["c"][1]
            continue
        if block["t"] == "Table" and block["c"][1][1]:
            caption = block["c"][1][1]
            block = element("Table", block["c"][0], [None, []], *block["c"][2:])
        content.append(block)
    return label, caption, content


def takes_indent(blocks: list[Node]) -> bool:
    """Whether the text of a cell begins with an em space, which is taken off: a level of the row above."""
    first = next(elements(blocks, "Str"), None)
    if first is None or not first["c"].startswith("\u2003"):
        return False
    first["c"] = first["c"].lstrip("\u2003")
    return True
