"""From the document tree to a Word file: pandoc writes it with the styles of ``reference.docx``.

That file is made by ``tools/make_word_reference.py``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from .document import needs_citeproc
from .images import as_pixels, image_file, png_inches
from .pandoc import (
    Node,
    attributes,
    div,
    element,
    elements,
    plain_text,
    refuse_unknown_citations,
    run_pandoc,
    transform,
)
from .printed import LONG, for_print, layout_of, parts_of_figure, parts_of_table, takes_indent
from .qmd import Document
from .words import words_of

REFERENCE = Path(__file__).parent / "reference.docx"
WIDTH, HEIGHT = 6.29, 8.4  # inches of text on the page of the reference, less a caption
NAMESPACE = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
# A4 with margins of 25 mm, in twentieths of a point
PAGE = (
    '<w:pgSz w:w="{}" w:h="{}"{}/><w:pgMar w:top="1417" w:right="1417" w:bottom="1417" w:left="1417" '
    'w:header="709" w:footer="709" w:gutter="0"/>'
)
UPRIGHT = PAGE.format(11906, 16838, "")
TURNED = PAGE.format(16838, 11906, ' w:orient="landscape"')


def write_word(
    tree: Node, metadata: Mapping[str, Any], document: Document, root: Path, folder: Path, *, chapters: bool
) -> bytes:
    """The bytes of a Word file; parameters as of `pdf.write_pdf`."""
    here = document.folder

    def with_image(node: Node) -> Node:
        if node["t"] != "Image":
            return node
        (identifier, classes, values), inlines, (address, title) = node["c"]
        file = as_pixels(image_file(address, here, root, document.place_of(address)), folder)
        own = dict(values)
        inches = None if "width" in own else png_inches(file)
        if inches is not None:
            width, height = inches
            own["width"] = f"{width * min(1, WIDTH / width, HEIGHT / height):.2f}in"
        target = [file.as_posix(), title]
        return element("Image", [identifier, classes, [*map(list, own.items())]], inlines, target)

    tree = for_print(tree, document)
    tree = transform(tree, with_image)
    tree = transform(tree, _with_styles)
    tree = transform(tree, _with_layout)
    words = words_of(str(metadata.get("lang", "en")))
    if metadata.get("toc", chapters):
        depth = int(metadata.get("toc-depth", 2 if chapters else 3))
        tree["blocks"][:0] = _contents(tree["blocks"], words.contents_of_all, depth)
    output = folder / "document.docx"
    options: dict[str, Any] = {
        "from": "json",
        "to": "docx",
        "output-file": str(output),
        "reference-doc": str(REFERENCE),
        "metadata": {"abstract-title": words.abstract, "link-citations": True},
    }
    if needs_citeproc(tree):
        options["citeproc"] = True
    _, messages = run_pandoc(json.dumps(tree), options, folder)
    refuse_unknown_citations(messages, document)
    return _finished(output.read_bytes(), chapters=chapters)


def _finished(content: bytes, *, chapters: bool) -> bytes:
    """What pandoc cannot say: chapters begin a page, tables stay together, every section has the foot of the last."""
    made = BytesIO()
    with ZipFile(BytesIO(content)) as old, ZipFile(made, "w", ZIP_DEFLATED) as new:
        for name in old.namelist():
            data = old.read(name)
            if name == "word/document.xml":
                text = data.decode("utf-8")
                if chapters:
                    text = re.sub(r'(<w:pStyle w:val="Heading1" ?/>)', r"\1<w:pageBreakBefore/>", text)
                text = re.sub(r"<w:tbl>.*?</w:tbl>", _kept_together, text, flags=re.DOTALL)
                foot = "".join(re.findall(r"<w:footerReference[^>]*/>", text))
                data = text.replace("<w:sectPr><w:pgSz", f"<w:sectPr>{foot}<w:pgSz").encode()
            if name == "docProps/core.xml":  # the same file for the same results
                data = re.sub(rb"<dcterms:(created|modified)[^>]*>[^<]*</dcterms:\1>", b"", data)
            new.writestr(ZipInfo(name), data, ZIP_DEFLATED)
    return made.getvalue()


def _kept_together(table: re.Match[str]) -> str:
    """The rows of a short table, or the first of a long one, stay on the page of the next."""
    rows = table[0].split("</w:tr>")
    kept = len(rows) if len(rows) - 2 <= LONG else 4
    first = [re.sub(r"(<w:pStyle [^>]*/>)", r"\1<w:keepNext/>", row) for row in rows[:kept]]
    return "</w:tr>".join([*first, *rows[kept:]])


# ------------------------------------------------------------------------------------- the tree, for Word


def _with_styles(node: Node) -> Node | list[Node]:
    """A figure, a table with what belongs to it, a callout, an abstract: paragraphs in styles of these names."""
    if node["t"] == "Figure":
        label, caption, blocks = parts_of_figure(node)
        shown = [_styled(blocks, "Captioned Figure" if caption else "Figure")]
        return div([*shown, *([_styled(caption, "Image Caption")] if caption else [])], label)
    if node["t"] != "Div":
        return node
    (identifier, classes, _), blocks = node["c"]
    if "float-tbl" in classes:
        label, caption, content = parts_of_table(node)
        return div([*_above_table(caption), *content, _after_table(content)], label, *_turned(content))
    if "table-notes" in classes:
        return _styled(blocks, "Table Notes")
    if "abstract" in classes:
        return _styled(blocks, "Abstract")
    if "callout" in classes:
        title, body = (block["c"][1] for block in blocks)
        return div([_boxed([_styled(title, "Callout Title"), _styled(body, "Callout")])], identifier)
    return node


def _boxed(blocks: list[Node]) -> Node:
    """A table of one cell in the style of callouts: a list in it stays in the box."""
    none, left = attributes(), element("AlignDefault")
    row = [none, [[none, left, 1, 1, blocks]]]
    columns = [[left, element("ColWidth", 1.0)]]
    rows = [[none, 0, [], [row]]]
    return element(
        "Table", attributes("", custom_style="CalloutBox"), [None, []], columns, [none, []], rows, [none, []]
    )


def _above_table(caption: list[Node]) -> list[Node]:
    return [_styled(caption, "Table Caption")] if caption else []


def _after_table(content: list[Node]) -> Node:
    """Room below a table, which has none of its own."""
    return div([]) if content and content[-1]["t"] != "Table" else _room()


def _room() -> Node:
    return _raw(f'<w:p {NAMESPACE}><w:pPr><w:pStyle w:val="TableNotes"/></w:pPr></w:p>')


def _turned(content: list[Node]) -> list[str]:
    tables = [block for block in content if block["t"] == "Table"]
    for table in tables:
        table["c"][0][1].append("captioned")
    return ["turned"] if any(layout_of(table).turned for table in tables) else []


def _with_layout(node: Node) -> Node | list[Node]:
    """Letters, widths and levels of tables; a wide one stands on a turned page."""
    if node["t"] == "Div" and "turned" in node["c"][0][1]:
        return _on_turned_page(node)
    if node["t"] != "Table":
        return node
    (_, classes, values), (_, caption), specifications, head, bodies, foot = node["c"]
    if values:
        return node  # a box
    layout = layout_of(node)
    specifications = [
        [alignment, element("ColWidth", share)]
        for (alignment, _), share in zip(specifications, layout.shares, strict=True)
    ]
    for row in head[1]:
        _style_cells(row, f"Table Head {layout.points}")
    for row in [row for _, _, above, rows in bodies for row in [*above, *rows]] + foot[1]:
        _style_cells(row, f"Table Text {layout.points}")
    table = element("Table", attributes("", *classes), [None, []], specifications, head, bodies, foot)
    if "captioned" in classes:
        return table
    blocks = [*_above_table(caption), table, _room()]
    return _on_turned_page(div(blocks)) if layout.turned else blocks


def _style_cells(row: Any, style: str) -> None:
    for cell in row[1]:
        level = " Level" if takes_indent(cell[4]) else ""
        # an empty cell needs its paragraph in the size of the others
        cell[4] = [_styled(cell[4] or [element("Plain", [element("Str", "")])], style + level)]


def _on_turned_page(box: Node) -> list[Node]:
    """A section before and one of the table: in Word the last paragraph of a section holds its page."""
    return [_section(UPRIGHT), box, _section(TURNED)]


def _section(page: str) -> Node:
    return _raw(
        f'<w:p {NAMESPACE}><w:pPr><w:pStyle w:val="TableNotes"/><w:sectPr>{page}</w:sectPr></w:pPr></w:p>'
    )


def _styled(blocks: list[Node], style: str) -> Node:
    paragraphs = [element("Para", block["c"]) if block["t"] == "Plain" else block for block in blocks]
    return div(paragraphs, custom_style=style)


def _raw(xml: str) -> Node:
    return element("RawBlock", "openxml", xml)


# ------------------------------------------------------------------------------------- contents


def _contents(blocks: list[Node], title: str, depth: int) -> list[Node]:
    """A list of contents that Word can update (with the numbers of pages) and that is there before it does."""
    entries = []
    for header in elements(blocks, "Header"):
        level, (identifier, classes, _), inlines = header["c"]
        if level <= depth and "unlisted" not in classes:
            link = element("Link", attributes(), _plain(inlines), [f"#{identifier}", ""])
            entries.append(div([element("Para", [link])], custom_style=f"toc {level}"))
    if not entries:
        return []
    field = escape(f'TOC \\o "1-{depth}" \\h \\z \\u', {'"': "&quot;"})
    first, last = entries[0]["c"][1][0], entries[-1]["c"][1][0]
    first["c"] = [
        _run("begin"),
        _inline(f"<w:r {NAMESPACE}><w:instrText>{field}</w:instrText></w:r>"),
        _run("separate"),
        *first["c"],
    ]
    last["c"] = [*last["c"], _run("end")]
    return [_styled([element("Para", [element("Str", title)])], "TOC Heading"), *entries]


def _plain(inlines: list[Node]) -> list[Node]:
    text = plain_text(inlines)
    return [element("Str", text)]


def _run(kind: str) -> Node:
    return _inline(f'<w:r {NAMESPACE}><w:fldChar w:fldCharType="{kind}"/></w:r>')


def _inline(xml: str) -> Node:
    return element("RawInline", "openxml", xml)
