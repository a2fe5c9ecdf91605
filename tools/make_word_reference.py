"""Make src/dermcohort/report/reference.docx: pandoc's own with the styles, page and fonts of our reports.

Needs python-docx. Run it from the root of the repository after a change here: python tools/make_word_reference.py
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import pypandoc
from docx import Document
from docx.enum.style import WD_STYLE_TYPE
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import OxmlElement, parse_xml
from docx.oxml.ns import nsdecls, qn
from docx.shared import Mm, Pt, RGBColor

TARGET = Path("src/dermcohort/report/reference.docx")
# every Word has them, and LibreOffice has fonts of the same widths
LATIN, CHINESE, MONO = "Times New Roman", "SimSun", "Courier New"
INK, QUIET, ACCENT = RGBColor(0x1C, 0x1F, 0x23), RGBColor(0x56, 0x5D, 0x66), RGBColor(0x1F, 0x5A, 0x8A)
SIZES = (9, 8, 7)  # of tables: as in printed.py


def main() -> None:
    """Write the file."""
    command = [pypandoc.get_pandoc_path(), "-o", str(TARGET), "--print-default-data-file", "reference.docx"]
    subprocess.run(command, check=True)
    document = Document(str(TARGET))
    # its pages show every style; pandoc takes the styles only
    for child in list(document.element.body):
        if child.tag != qn("w:sectPr"):
            document.element.body.remove(child)
    set_page(document.sections[0])
    set_defaults(document)
    set_paragraphs(document)
    set_tables(document)
    document.core_properties.author = document.core_properties.title = ""
    document.save(str(TARGET))


def set_page(section) -> None:
    """A4, 25 mm, the number of the page below."""
    section.page_width, section.page_height = Mm(210), Mm(297)
    section.left_margin = section.right_margin = section.top_margin = section.bottom_margin = Mm(25)
    section.header_distance = section.footer_distance = Mm(12.5)
    paragraph = section.footer.paragraphs[0]
    paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
    for kind, text in (("begin", None), (None, "PAGE"), ("end", None)):
        run = paragraph.add_run()
        run.font.size, run.font.color.rgb = Pt(9), QUIET
        made = OxmlElement("w:fldChar" if kind else "w:instrText")
        if kind:
            made.set(qn("w:fldCharType"), kind)
        else:
            made.text = text
        run._r.append(made)


def set_fonts(properties, latin: str = LATIN) -> None:
    """Latin and Chinese letters from their fonts, whatever the theme says."""
    for old in properties.findall(qn("w:rFonts")):
        properties.remove(old)
    fonts = OxmlElement("w:rFonts")
    for name, font in (("ascii", latin), ("hAnsi", latin), ("eastAsia", CHINESE), ("cs", latin)):
        fonts.set(qn(f"w:{name}"), font)
    properties.insert(0, fonts)


def set_defaults(document) -> None:
    """Fonts and size of all text."""
    defaults = document.styles.element.find(qn("w:docDefaults")).find(qn("w:rPrDefault")).find(qn("w:rPr"))
    set_fonts(defaults)
    for style in document.styles:
        if style.type in (WD_STYLE_TYPE.PARAGRAPH, WD_STYLE_TYPE.CHARACTER):
            properties = style.element.find(qn("w:rPr"))
            if properties is not None and properties.find(qn("w:rFonts")) is not None:
                set_fonts(properties, MONO if style.name == "Verbatim Char" else LATIN)


def style_of(document, name: str, base: str = "Body Text"):
    """The style, made where there is none."""
    if name not in [style.name for style in document.styles]:
        document.styles.add_style(name, WD_STYLE_TYPE.PARAGRAPH).base_style = document.styles[base]
    return document.styles[name]


def write(
    style, size=None, *, bold=None, italic=None, color=None, before=None, after=None, keep=None, line=None
):
    """Set what is given."""
    font, shape = style.font, style.paragraph_format
    if size is not None:
        font.size = Pt(size)
    if bold is not None:
        font.bold = bold
    if italic is not None:
        font.italic = italic
    if color is not None:
        font.color.rgb = color
    if before is not None:
        shape.space_before = Pt(before)
    if after is not None:
        shape.space_after = Pt(after)
    if keep is not None:
        shape.keep_with_next = keep
    if line is not None:
        shape.line_spacing = line
    return style


def set_paragraphs(document) -> None:
    """Text, headings, captions, callouts, contents."""
    write(style_of(document, "Normal"), 10.5, color=INK)
    for name in ("Body Text", "First Paragraph"):
        write(style_of(document, name), 10.5, before=0, after=7, line=1.2)
    write(
        style_of(document, "Title"), 22, bold=True, color=INK, before=0, after=6
    ).paragraph_format.alignment = WD_ALIGN_PARAGRAPH.LEFT
    for name, size in (("Subtitle", 13), ("Author", 10.5), ("Date", 10.5)):
        style = write(style_of(document, name), size, bold=False, color=QUIET, before=0, after=4)
        style.paragraph_format.alignment = WD_ALIGN_PARAGRAPH.LEFT
    for level, size in enumerate((16, 13, 11.5, 10.5, 10.5, 10.5), 1):
        style = style_of(document, f"Heading {level}")
        write(
            style,
            size,
            bold=True,
            italic=False,
            color=INK,
            before=18 if level < 3 else 12,
            after=6,
            keep=True,
        )
    for name in ("Table Caption", "Image Caption"):
        write(
            style_of(document, name),
            9.5,
            italic=False,
            color=INK,
            before=12 if name[0] == "T" else 4,
            after=4,
        )
    style_of(document, "Table Caption").paragraph_format.keep_with_next = True
    style_of(document, "Image Caption").paragraph_format.space_after = Pt(14)
    for name in ("Figure", "Captioned Figure"):
        write(
            style_of(document, name), before=10, after=2, keep=name != "Figure"
        ).paragraph_format.alignment = WD_ALIGN_PARAGRAPH.CENTER
    write(style_of(document, "Table Notes"), 8, color=QUIET, before=2, after=2, line=1.0)
    write(style_of(document, "Abstract"), 10, before=0, after=6)
    write(style_of(document, "Abstract Title"), 10, bold=True, color=INK, before=10, after=4)
    write(style_of(document, "Callout Title"), 10, bold=True, color=ACCENT, before=3, after=2, keep=True)
    write(style_of(document, "Callout"), 10, before=0, after=4, line=1.15)
    write(style_of(document, "TOC Heading"), 13, bold=True, color=INK, before=18, after=6)
    for level in (1, 2, 3):
        style = write(style_of(document, f"toc {level}", "Normal"), 10.5, before=2, after=2)
        style.paragraph_format.left_indent = Mm(6 * (level - 1))
    document.styles["Hyperlink"].font.color.rgb = ACCENT


def set_tables(document) -> None:
    """Rules above, below the head and at the end; letters of three sizes."""
    for size in SIZES:
        for kind in ("Head", "Text"):
            style = style_of(document, f"Table {kind} {size}", "Compact")
            write(
                style,
                size,
                bold=kind == "Head",
                before=1.5,
                after=1.5,
                line=1.0,
                keep=True if kind == "Head" else None,
            )
        level = style_of(document, f"Table Text {size} Level", f"Table Text {size}")
        level.paragraph_format.left_indent = Pt(size)
    box = document.styles.add_style("Callout Box", WD_STYLE_TYPE.TABLE).element
    box.append(
        parse_xml(
            f'<w:tblPr {nsdecls("w")}><w:tblBorders><w:left w:val="single" w:sz="18" w:space="0" w:color="1F5A8A"/>'
            '</w:tblBorders><w:tblCellMar><w:left w:w="140" w:type="dxa"/><w:right w:w="120" w:type="dxa"/>'
            "</w:tblCellMar></w:tblPr>"
        )
    )
    box.append(
        parse_xml(f'<w:tcPr {nsdecls("w")}><w:shd w:val="clear" w:color="auto" w:fill="F6F7F8"/></w:tcPr>')
    )
    table = document.styles["Table"].element
    for old in [*table.findall(qn("w:tblPr")), *table.findall(qn("w:tblStylePr"))]:
        table.remove(old)
    rule = '<w:{} w:val="single" w:sz="{}" w:space="0" w:color="1C1F23"/>'
    margins = '<w:left w:w="60" w:type="dxa"/><w:right w:w="60" w:type="dxa"/>'
    table.append(
        parse_xml(
            f"<w:tblPr {nsdecls('w')}><w:tblBorders>{rule.format('top', 8)}{rule.format('bottom', 8)}</w:tblBorders>"
            f"<w:tblCellMar>{margins}</w:tblCellMar></w:tblPr>"
        )
    )
    table.append(
        parse_xml(
            f'<w:tblStylePr {nsdecls("w")} w:type="firstRow"><w:trPr><w:cantSplit/></w:trPr><w:tcPr><w:tcBorders>'
            f'{rule.format("bottom", 4)}</w:tcBorders><w:vAlign w:val="bottom"/></w:tcPr></w:tblStylePr>'
        )
    )


if __name__ == "__main__":
    main()
