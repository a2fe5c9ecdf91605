"""From the document tree to a PDF: pandoc writes typst, which is compiled in this process.

Figures, tables and callouts are calls of functions of ``template.typ``; pandoc writes what stands inside them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from .document import needs_citeproc
from .errors import ReportError, place
from .execute import MISSING
from .images import image_file
from .pandoc import Node, element, plain_text, refuse_unknown_citations, run_pandoc, transform
from .printed import LONG, for_print, layout_of, parts_of_figure, parts_of_table, takes_indent
from .qmd import Document
from .words import base_language, words_of

HERE = Path(__file__).parent
# fonts that come with this package
OWN_FONTS = HERE.parent / "fonts"
LATIN = ("Libertinus Serif",)
# the first that is there; all are for simplified Chinese
CHINESE = (
    "Dermcohort CJK",
    "Noto Serif CJK SC",
    "Source Han Serif SC",
    "Noto Sans CJK SC",
    "Source Han Sans SC",
    "Songti SC",
    "PingFang SC",
    "SimSun",
    "Microsoft YaHei",
)
MONO = ("DejaVu Sans Mono",)
HAN = re.compile(r"[\u3400-\u9fff]")
ALIGNMENTS = {"AlignLeft": "left", "AlignRight": "right", "AlignCenter": "center", "AlignDefault": "left"}


def write_pdf(
    tree: Node, metadata: Mapping[str, Any], document: Document, root: Path, folder: Path, *, chapters: bool
) -> bytes:
    """The bytes of a PDF.

    Parameters
    ----------
    tree : dict
        What `document.build` returned.
    root : Path
        Folder of the project, where addresses that begin with a slash start.
    folder : Path
        For temporary files.
    chapters : bool
        Whether headings of the first level are chapters: each begins a page, and a list of contents comes first.
    """
    here = document.folder

    def with_image(node: Node) -> Node:
        if node["t"] != "Image":
            return node
        (_, _, values), inlines, (address, _) = node["c"]
        file = image_file(address, here, root, document.place_of(address))
        return element("RawInline", "typst", _image(file, folder, plain_text(inlines), dict(values)))

    tree = for_print(tree, document)
    tree = transform(tree, with_image)
    tree = transform(transform(tree, _with_calls), _with_tables)
    language = base_language(str(metadata.get("lang", "en")))
    title = plain_text(tree["meta"].get("title", {})) or document.path.stem
    variables = {
        "fonts": _texts(_fonts(plain_text(tree["blocks"]) + title)),
        "mono-fonts": _texts([*MONO, *_chinese()]),
        "language": _text(language),
        "title-text": _text(title),
        "authors": _texts([str(author) for author in metadata.get("author") or []]),
        "abstract-word": words_of(language).abstract,
        "contents-word": words_of(language).contents_of_all,
        "chapters": "true" if chapters else "",
        "contents": "true" if metadata.get("toc", chapters) else "",
        "contents-depth": str(int(metadata.get("toc-depth", 2 if chapters else 3))),
    }
    options: dict[str, Any] = {
        "from": "json",
        "to": "typst",
        "standalone": True,
        "template": str(HERE / "template.typ"),
        "variables": {name: value for name, value in variables.items() if value},
        "wrap": "none",
    }
    if needs_citeproc(tree):
        options |= {"citeproc": True, "metadata": {"link-citations": True}}
    text, messages = run_pandoc(json.dumps(tree), options, folder)
    refuse_unknown_citations(messages, document)
    return _compile(text, folder, document)


def _compile(text: str, folder: Path, document: Document) -> bytes:
    try:
        import typst
    except ImportError:
        raise ReportError(MISSING.format("typst")) from None
    main = folder / "main.typ"
    main.write_text(text, "utf-8")
    try:
        made = typst.compile(str(main), root=str(folder), font_paths=_all_fonts())
    except typst.TypstError as error:
        raise ReportError(f"{place(document.path)}: typst cannot set the PDF: {error}") from None
    assert isinstance(made, bytes)
    return made


# ------------------------------------------------------------------------------------- fonts


@cache
def _all_fonts() -> Any:
    """Fonts of typst, of this package and of the system; looking for them takes longer than a page."""
    try:
        import typst
    except ImportError:
        raise ReportError(MISSING.format("typst")) from None
    return typst.Fonts(font_paths=[str(OWN_FONTS)] if OWN_FONTS.is_dir() else [])


def _chinese() -> list[str]:
    there = set(_all_fonts().families())
    return [name for name in CHINESE if name in there]


def _fonts(text: str) -> list[str]:
    """Latin letters from the first, Chinese characters from the others."""
    if HAN.search(text) and not _chinese():
        raise ReportError(
            f"no font with Chinese characters was found for the PDF: install one of {', '.join(CHINESE[1:5])}"
        )
    return [*LATIN, *_chinese()]


# ------------------------------------------------------------------------------------- the tree, for typst


def _image(file: Path, folder: Path, alt: str, values: Mapping[str, str]) -> str:
    """The image, copied to where typst may read it."""
    copy = folder / f"image-{len(list(folder.glob('image-*')))}{file.suffix}"
    copy.write_bytes(file.read_bytes())
    width = (
        f", width: {values['width']}"
        if re.fullmatch(r"[\d.]+(%|cm|mm|in|pt)", values.get("width", ""))
        else ""
    )
    return f"#image({_text('/' + copy.name)}, alt: {_text(alt)}{width})"


def _with_calls(node: Node) -> Node | list[Node]:
    """A figure, callout, abstract or the notes of a table, and a table with what belongs to it, as a call."""
    if node["t"] == "Figure":
        label, caption, blocks = parts_of_figure(node)
        return [_raw(f"#dc-figure({_name(label)}, ["), *caption, _raw("], ["), *blocks, _raw("])")]
    if node["t"] != "Div":
        return node
    classes, blocks = node["c"][0][1], node["c"][1]
    if "float-tbl" in classes:
        label, caption, content = parts_of_table(node)
        return _table_call(label, caption, content)
    if "table-notes" in classes:
        return [_raw("#dc-notes["), *blocks, _raw("]")]
    if "abstract" in classes:
        return [_raw("#dc-abstract["), *blocks, _raw("]")]
    if "callout" in classes:
        title, body = (block["c"][1] for block in blocks)
        kind = next(name for name in classes if name.startswith("callout-"))
        name = _text(kind.removeprefix("callout-"))
        return [_raw(f"#dc-callout({name}, ["), *title, _raw("], ["), *body, _raw("])")]
    return node


def _table_call(label: str, caption: list[Node], content: list[Node]) -> list[Node]:
    tables = [block for block in content if block["t"] == "Table"]
    for table in tables:
        table["c"][0][1].append("called")
    turned = _truth(any(layout_of(table).turned for table in tables))
    long = _truth(sum(len(rows) for table in tables for _, _, _, rows in table["c"][4]) > LONG)
    shown = [_raw("["), *caption, _raw("]")] if caption else [_raw("none")]
    return [_raw(f"#dc-table({_name(label)}, {turned}, {long}, "), *shown, _raw(", ["), *content, _raw("])")]


def _with_tables(node: Node) -> Node | list[Node]:
    """The tables themselves; one without label gets what belongs to it here."""
    if node["t"] != "Table":
        return node
    (_, classes, _), (_, caption), specifications, (_, head), bodies, (_, foot) = node["c"]
    layout = layout_of(node)
    if "called" not in classes and (caption or layout.turned):
        call = _table_call("", caption, [element("Table", node["c"][0], [None, []], *node["c"][2:])])
        return [part for block in call for part in _listed(_with_tables(block))]
    if layout.natural:
        columns = _array(["auto"] * len(specifications))
    else:
        columns = _array([f"{100 * share:.2f}%" for share in layout.shares])
    sides = _array([ALIGNMENTS[alignment["t"]] for alignment, _ in specifications])
    parts = [_raw(f"#dc-grid({layout.points}pt, {columns}, {sides}, (")]
    parts += [cell for row in head for cell in _cells(row)]
    parts.append(_raw("), ("))
    rows = [row for _, _, above, rows in bodies for row in [*above, *rows]] + foot
    parts += [cell for row in rows for cell in _cells(row)]
    return [*parts, _raw("))")]


def _cells(row: Any) -> list[Node]:
    found = []
    for _, _, down, across, blocks in row[1]:
        size = f"table.cell(rowspan: {down}, colspan: {across})" if (down, across) != (1, 1) else ""
        start, end = ("#pad(left: 1em)[", "]") if takes_indent(blocks) else ("", "")
        found += [_raw(f"{size}[{start}"), *blocks, _raw(f"{end}],")]
    return found


def _listed(found: Node | list[Node]) -> list[Node]:
    return found if isinstance(found, list) else [found]


def _raw(text: str) -> Node:
    return element("RawBlock", "typst", text)


def _truth(value: bool) -> str:
    return "true" if value else "false"


def _name(label: str) -> str:
    return _text(label) if label else "none"


def _texts(texts: Sequence[str]) -> str:
    return _array([_text(text) for text in texts])


def _array(items: Sequence[str]) -> str:
    return "(" + "".join(f"{item}, " for item in items) + ")"


def _text(text: str) -> str:
    """A text of typst."""
    return json.dumps(text, ensure_ascii=False)
