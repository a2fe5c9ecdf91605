"""What PDF and Word have in common: links inside the document, and how a table fits the page."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from .errors import ReportError
from .pandoc import Node, element, elements, plain_text, transform
from .qmd import Document

# width of the text in points: A4 with margins of 25 mm, upright and turned
UPRIGHT, TURNED = 453, 700
SIZES = (9, 8, 7)
PADDING = 8  # points of a column
COMFORTABLE = 26  # signs of a line in a column of text


@dataclass(frozen=True)
class Layout:
    """How a table is set: size of its letters, on a turned page or not, and shares of the width (none: as needed)."""

    points: float
    turned: bool
    shares: tuple[float, ...] | None


def layout_of(table: Node) -> Layout:
    """The largest letters that fit, upright before turned.

    Words and numbers do not break. Where the content does not fit on single lines, columns of numbers get what they
    need and those of text share the rest.
    """
    (_, _, specifications, (_, head), bodies, (_, foot)) = table["c"]
    heads = _texts(head, len(specifications))
    cells = _texts([row for _, _, above, rows in bodies for row in [*above, *rows]] + foot, len(specifications))
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
            if _points(natural, points) <= room:
                # a wide table on one line of small letters is no better than a larger one of two lines
                return Layout(points, turned, None)
            if _points(needed, points) <= room:
                return Layout(points, turned, _shares(natural, needed, are_numbers, points, room))
    return Layout(SIZES[-1], True, _shares(natural, needed, are_numbers, SIZES[-1], TURNED))


def _points(signs: Sequence[float], points: float) -> float:
    return sum(signs) * 0.52 * points + PADDING * len(signs)


def _shares(
    natural: Sequence[float], needed: Sequence[float], are_numbers: Sequence[bool], points: float, room: float
) -> tuple[float, ...]:
    """What is left of the width goes to the columns that would take more."""
    least = [signs * 0.52 * points + PADDING for signs in needed]
    more = [0.0 if is_number else n - m for n, m, is_number in zip(natural, needed, are_numbers, strict=True)]
    if not sum(more):
        more = list(needed)
    left = max(0.0, room - sum(least))
    widths = [own + left * share / sum(more) for own, share in zip(least, more, strict=True)]
    return tuple(width / sum(widths) for width in widths)


def _texts(rows: Sequence[Node], columns: int) -> list[list[str]]:
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


# ------------------------------------------------------------------------------------- links


def with_links(tree: Node, document: Document) -> Node:
    """Links inside the document have a target; links to other pages stay as text, for these are elsewhere.

    Of several elements with one id the first keeps it.
    """
    seen: set[str] = set()

    def once(node: Node) -> Node:
        attributes = _attributes(node)
        if attributes is not None and attributes[0]:
            attributes[0] = "" if attributes[0] in seen else attributes[0]
            seen.add(attributes[0])
        return node

    def visit(node: Node) -> Node | list[Node]:
        if node["t"] != "Link":
            return node
        content, (address, _) = node["c"][1:]
        file, _, fragment = address.partition("#")
        if file.endswith(".qmd") and "://" not in file or address == "#":
            return list(content)
        if not file and fragment not in seen:
            raise ReportError(f"{document.place_of('#' + fragment)}: the link '#{fragment}' has no target")
        return node

    return transform(transform(tree, once), visit)


def _attributes(node: Node) -> list | None:
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
