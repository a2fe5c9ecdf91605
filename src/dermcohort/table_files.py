"""A printed table as a file for a manuscript: Word, LaTeX, Excel, HTML or Markdown."""

from __future__ import annotations

import math
import os
import unicodedata
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from .storage import write_files
from .tables import are_numbers, journal_table, markdown_table, markdown_text, under_spanner

INDENT = "\u2003"
LATIN, CHINESE = "Times New Roman", "SimSun"
WIDE = 100  # characters, above which a page lies on its side
# what LaTeX's default fonts lack
LATEX = {"−": "$-$", "∞": r"$\infty$", INDENT: r"\quad{}", "²": r"\textsuperscript{2}", "µ": r"\textmu{}",
         "≥": r"$\geq$", "≤": r"$\leq$", "∓": r"$\mp$"}  # fmt: skip


@dataclass(frozen=True)
class PrintedTable:
    """A table as it is printed, and the numbers it is made of."""

    text: pd.DataFrame
    notes: Sequence[str]
    spanners: Mapping[str, Sequence[str]]
    numbers: pd.DataFrame
    title: str | None
    language: str


def write_table(path: str | os.PathLike[str], table: PrintedTable) -> Path:
    """Write the table as the suffix of `path` says, whole or not at all."""
    path = Path(path)
    writer = WRITERS.get(path.suffix.lower())
    if writer is None:
        found = f"'{path.suffix}'" if path.suffix else "no suffix"
        raise ValueError(f"export: {path.name} has {found}; choose one of {', '.join(WRITERS)}")
    return write_files(path.parent, [(path.name, lambda file: writer(file, table))])[0]


# --------------------------------------------------------------------------------------- text formats


def _write_markdown(path: Path, table: PrintedTable) -> None:
    caption = [] if table.title is None else [f"Table: {markdown_text(table.title)}", ""]
    path.write_text("\n".join([*caption, markdown_table(table.text, table.notes), ""]), "utf-8")


def _write_html(path: Path, table: PrintedTable) -> None:
    page = _great_table(table).as_raw_html(make_page=True)
    path.write_text(page.replace('<html lang="en">', f'<html lang="{table.language}">', 1), "utf-8")


def _write_latex(path: Path, table: PrintedTable) -> None:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Styles are not yet supported")
        text = _great_table(table).as_latex(use_longtable=True)
    needs = r"% needs \usepackage{booktabs,longtable,caption}"
    if table.language == "zh":
        needs += r" and, for Chinese, \usepackage{ctex}: compile with xelatex"
    path.write_text(f"{needs}\n{text.translate(str.maketrans(LATEX))}\n", "utf-8")


def _great_table(table: PrintedTable) -> Any:
    return journal_table(table.text, title=table.title, footnotes=table.notes, spanners=table.spanners)


# --------------------------------------------------------------------------------------------- Excel


def _write_excel(path: Path, table: PrintedTable) -> None:
    """Text on the first sheet, as printed; unrounded numbers on the second."""
    import xlsxwriter

    with xlsxwriter.Workbook(path, {"strings_to_formulas": False, "strings_to_urls": False}) as book:
        _text_sheet(book, table)
        _number_sheet(book, table.numbers)


def _text_sheet(book: Any, table: PrintedTable) -> None:
    sheet = book.add_worksheet("Table")
    bold, wrapped = book.add_format({"bold": True}), book.add_format({"text_wrap": True, "valign": "top"})
    numeric, last = are_numbers(table.text), len(table.text) - 1
    row = 0
    if table.title is not None:
        sheet.write_string(row, 0, table.title, bold)
        row += 2
    for line in _head_lines(table):
        for column, head in enumerate(line):
            style = {"bold": True, "align": "right" if numeric[column] else "left"}
            rules = {"top": int(line is _head_lines(table)[0]), "bottom": 1}
            sheet.write_string(row, column, head, book.add_format(style | rules))
        row += 1
    for i, cells in enumerate(table.text.itertuples(index=False, name=None)):
        for column, cell in enumerate(cells):
            style = {"align": "right" if numeric[column] else "left", "indent": cell.count(INDENT)}
            rule = {"bottom": 1} if i == last else {}
            sheet.write_string(row, column, cell.lstrip(INDENT), book.add_format(style | rule))
        row += 1
    widths = _widths(table.text)
    for column, width in enumerate(widths):
        sheet.set_column(column, column, min(width + 2, 60))
    for note in table.notes:
        sheet.merge_range(row, 0, row, max(len(widths) - 1, 1), "", wrapped)
        sheet.write_string(row, 0, note, wrapped)
        sheet.set_row(row, 15 * math.ceil(_width(note) / max(sum(widths), 20)))
        row += 1


def _number_sheet(book: Any, numbers: pd.DataFrame) -> None:
    sheet = book.add_worksheet("Numbers")
    for column, name in enumerate(numbers):
        sheet.write_string(0, column, str(name), book.add_format({"bold": True}))
        for row, value in enumerate(numbers[name], start=1):
            if value is None or pd.isna(value):
                continue
            is_finite = isinstance(value, int | float) and math.isfinite(value)
            if is_finite and not isinstance(value, bool):
                sheet.write_number(row, column, value)
            else:
                sheet.write_string(row, column, str(value))
    sheet.freeze_panes(1, 0)


# ---------------------------------------------------------------------------------------------- Word


def _write_word(path: Path, table: PrintedTable) -> None:
    """A Word table with rules above and below only, whose heads are repeated on each page."""
    from docx import Document
    from docx.enum.section import WD_ORIENT
    from docx.enum.table import WD_TABLE_ALIGNMENT
    from docx.shared import Cm, Pt

    document = Document()
    for style in ("Normal", "Caption"):
        _set_font(document.styles[style])
    normal = document.styles["Normal"]
    normal.font.size, normal.paragraph_format.space_after = Pt(9), Pt(0)
    section, widths = document.sections[0], [width + 2 for width in _widths(table.text)]
    page_width, page_height, margin = Cm(21), Cm(29.7), Cm(2)
    if sum(widths) > WIDE:
        section.orientation = WD_ORIENT.LANDSCAPE
        page_width, page_height = page_height, page_width
    section.page_width, section.page_height = page_width, page_height
    section.left_margin = section.right_margin = margin
    if table.title is not None:
        caption = document.add_paragraph(style="Caption")
        caption.paragraph_format.keep_with_next = True
        _write(caption, table.title, size=10, bold=True)
    heads = _head_lines(table)
    grid = document.add_table(rows=len(heads) + len(table.text), cols=table.text.shape[1])
    grid.alignment, grid.autofit = WD_TABLE_ALIGNMENT.CENTER, False
    numeric = are_numbers(table.text)
    lines = [*heads, *table.text.itertuples(index=False, name=None)]
    sizes = [int((page_width - 2 * margin) * width / sum(widths)) for width in widths]
    for column, size in zip(grid.columns, sizes, strict=True):
        column.width = size  # of the grid, which LibreOffice reads; Word reads those of the cells
    for row, cells in zip(grid.rows, lines, strict=True):
        is_head = len(row._tr.xpath("preceding-sibling::w:tr")) < len(heads)
        _keep_row(row, is_head=is_head)
        for k, (cell, text) in enumerate(zip(row.cells, cells, strict=True)):
            cell.width = sizes[k]
            _fill(cell, text, right=numeric[k], bold=is_head)
    _draw_rules(grid, len(heads), table)
    for note in table.notes:
        _write(document.add_paragraph(), note, size=8)
    document.core_properties.title = table.title or ""
    document.core_properties.author = ""
    document.save(str(path))


def _fill(cell: Any, text: str, *, right: bool, bold: bool) -> None:
    from docx.enum.text import WD_ALIGN_PARAGRAPH
    from docx.shared import Cm

    paragraph = cell.paragraphs[0]
    paragraph.alignment = WD_ALIGN_PARAGRAPH.RIGHT if right else WD_ALIGN_PARAGRAPH.LEFT
    paragraph.paragraph_format.left_indent = Cm(0.4 * (len(text) - len(text.lstrip(INDENT))))
    _write(paragraph, text.lstrip(INDENT), size=9, bold=bold)


def _write(paragraph: Any, text: str, *, size: float, bold: bool = False) -> None:
    from docx.shared import Pt, RGBColor

    run = paragraph.add_run(text)
    run.font.size, run.font.bold, run.font.color.rgb = Pt(size), bold, RGBColor(0, 0, 0)


def _set_font(style: Any) -> None:
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    style.font.name = LATIN
    properties = style.element.get_or_add_rPr()
    properties.get_or_add_rFonts().set(qn("w:eastAsia"), CHINESE)
    language = OxmlElement("w:lang")  # decides where in its square a full-width comma stands
    language.set(qn("w:eastAsia"), "zh-CN")
    properties.append(language)


def _keep_row(row: Any, *, is_head: bool) -> None:
    """No row breaks over pages; heads are repeated."""
    from docx.oxml import OxmlElement

    properties = row._tr.get_or_add_trPr()
    properties.append(OxmlElement("w:cantSplit"))
    if is_head:
        properties.append(OxmlElement("w:tblHeader"))


def _draw_rules(grid: Any, n_heads: int, table: PrintedTable) -> None:
    from docx.enum.text import WD_ALIGN_PARAGRAPH

    for cell in grid.rows[0].cells:
        _rule(cell, "top")
    for row in (grid.rows[n_heads - 1], grid.rows[-1]):
        for cell in row.cells:
            _rule(cell, "bottom")
    columns = list(table.text)
    for under in table.spanners.values():
        merged = grid.cell(0, columns.index(under[0])).merge(grid.cell(0, columns.index(under[-1])))
        for empty in merged.paragraphs[1:]:
            empty._p.getparent().remove(empty._p)
        merged.paragraphs[0].alignment = WD_ALIGN_PARAGRAPH.CENTER
        _rule(merged, "bottom")


def _rule(cell: Any, side: str) -> None:
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    properties = cell._tc.get_or_add_tcPr()
    borders = properties.find(qn("w:tcBorders"))
    if borders is None:
        borders = OxmlElement("w:tcBorders")
        properties.append(borders)
    line = OxmlElement(f"w:{side}")
    for name, value in (("val", "single"), ("sz", "6"), ("space", "0"), ("color", "000000")):
        line.set(qn(f"w:{name}"), value)
    borders.append(line)


# ------------------------------------------------------------------------------------------- in common


def _head_lines(table: PrintedTable) -> list[list[str]]:
    """The heads in one line, or two where some columns stand below a common head, named at the first of them."""
    above, below = dict.fromkeys(table.text, ""), {column: column for column in table.text}
    for head, columns in table.spanners.items():
        above[columns[0]] = head
        below |= {column: under_spanner(column, head) for column in columns}
    return [list(above.values()), list(below.values())] if table.spanners else [list(below.values())]


def _widths(frame: pd.DataFrame) -> list[int]:
    """Characters each column needs; heads may break at blanks."""
    return [
        max([4, *(_width(cell) for cell in frame.iloc[:, k]), *(_width(word) for word in head.split())])
        for k, head in enumerate(frame.columns)
    ]


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


WRITERS: dict[str, Callable[[Path, PrintedTable], None]] = {
    ".docx": _write_word,
    ".html": _write_html,
    ".md": _write_markdown,
    ".tex": _write_latex,
    ".xlsx": _write_excel,
}
