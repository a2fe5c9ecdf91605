"""From executed Markdown to a finished document tree: what Quarto adds to pandoc, for every output format.

Conditional content, sections and tabsets, callouts, numbered figures and tables, references to them. What is
special to a format (`page`: HTML, `pdf`, `word`) starts from the tree that `build` returns.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .errors import ReportError, place
from .pandoc import (
    Node,
    attributes,
    div,
    element,
    elements,
    plain_text,
    run_pandoc,
    span,
    text_inlines,
    transform,
)
from .project import NAMES
from .qmd import Document
from .words import Words, words_of

LABEL = re.compile(r"^(fig|tbl|sec)-.")
# labels that Quarto knows and we do not: better an error than an empty reference
FOREIGN_LABEL = re.compile(r"^(eq|lst|thm|lem|def|exm|exr|nte|tip|wrn|imp|cau)-.")
# metadata for pandoc's writers; others would appear in the template or change the citations
TOLD_TO_PANDOC = (
    "title",
    "subtitle",
    "author",
    "date",
    "abstract",
    "keywords",
    "lang",
    "bibliography",
    "csl",
    "nocite",
    "references",
)
READER = "markdown-yaml_metadata_block"


@dataclass
class Registry:
    """What can be referred to: number and, for sections, title, by label."""

    words: Words
    counts: dict[str, int] = field(default_factory=lambda: {"fig": 0, "tbl": 0})
    numbers: dict[str, str] = field(default_factory=dict)
    titles: dict[str, list[Node]] = field(default_factory=dict)

    def number(self, label: str, document: Document) -> str:
        """The next number of its kind, kept under the label."""
        self.check_new(label, document)
        kind = label.split("-")[0]
        self.counts[kind] += 1
        self.numbers[label] = str(self.counts[kind])
        return self.numbers[label]

    def check_new(self, label: str, document: Document) -> None:
        """A label has one target; in a document of several pages on all of them together."""
        if label in self.numbers or label in self.titles:
            places = document.places_of(label) or [place(document.path)]
            other = f", also in {places[1]}" if len(places) > 1 else ""
            raise ReportError(f"{places[0]}: the label '{label}' is used twice{other}")


def build(markdown: str, document: Document, metadata: Mapping[str, Any], folder: Path, format: str) -> Node:
    """The tree of a document, ready for the writer of `format`.

    Parameters
    ----------
    markdown : str
        What `execute` returned.
    metadata : mapping
        Title, author, lang, number-sections, bibliography …, paths already absolute.
    folder : Path
        For temporary files.

    Raises
    ------
    ReportError
        If a reference has no target or a label is used twice.
    """
    metadata_file = folder / "metadata.json"
    told = {key: metadata[key] for key in TOLD_TO_PANDOC if metadata.get(key)}
    metadata_file.write_text(json.dumps(told, default=str), "utf-8")
    options = {"from": READER, "to": "json", "metadata-files": [str(metadata_file)]}
    text, messages = run_pandoc(markdown, options, folder)
    _refuse_duplicates(messages, document)
    tree = json.loads(text)
    registry = Registry(words_of(str(metadata.get("lang", "en"))))
    tree = transform(tree, lambda node: _if_visible(node, format))
    if format != "html":
        tree = transform(tree, lambda node: _html_tables(node, folder))
    tree = transform(tree, lambda node: _callout(node, registry.words))
    # on a page the title is the first heading
    top = 2 if format == "html" else 1
    _number_sections(tree["blocks"], registry, document, top, shown=bool(metadata.get("number-sections")))
    tree = transform(tree, lambda node: _float(node, registry, document))
    tree["blocks"] = _with_alt(tree["blocks"], "", [])  # of images that are no numbered figures
    tree = transform(tree, lambda node: _reference(node, registry, document))
    tree = transform(tree, _natural_widths)
    _add_place_for_references(tree, registry.words, top)
    return tree


def _refuse_duplicates(messages: list[str], document: Document) -> None:
    """Two footnotes or links of one name: pandoc takes one of them for both."""
    for message in messages:
        found = re.search(r"Duplicate (?:note|link) reference '([^']+)'", message)
        if found is not None:
            raise ReportError(f"{document.place_of(f'[{found[1]}]:')}: '{found[1]}' is defined twice")


# ------------------------------------------------------------------------------------- content by format


def _if_visible(node: Node, format: str) -> Node | list[Node]:
    """``::: {.content-visible when-format="html"}`` and ``.content-hidden``, also as spans."""
    if node["t"] not in ("Div", "Span"):
        return node
    (_, classes, values), content = node["c"]
    if "content-visible" not in classes and "content-hidden" not in classes:
        return node
    conditions = dict(values)
    holds = True
    if "when-format" in conditions:
        holds = _is_format(conditions["when-format"], format)
    if "unless-format" in conditions:
        holds = holds and not _is_format(conditions["unless-format"], format)
    shown = holds if "content-visible" in classes else not holds
    return content if shown else []


def _is_format(name: str, format: str) -> bool:
    return name.split(":")[0] in NAMES[format]


def _html_tables(node: Node, folder: Path) -> Node | list[Node]:
    """A table that a cell shows as HTML, as a table of the document; other HTML is for pages only."""
    if node["t"] != "Div" or "table-scroll" not in node["c"][0][1]:
        return node
    shown: list[Node] = []
    for block in node["c"][1]:
        if block["t"] == "RawBlock" and block["c"][0] == "html":
            options = {"from": "html", "to": "json"}
            shown += json.loads(run_pandoc(block["c"][1], options, folder)[0])["blocks"]
        else:
            shown.append(block)
    return shown


# ------------------------------------------------------------------------------------- callouts


def _callout(node: Node, words: Words) -> Node:
    """A callout as a div with a title and a body; the title is an attribute, a heading or a word."""
    if node["t"] != "Div":
        return node
    (identifier, classes, values), blocks = node["c"]
    kind = next((c.removeprefix("callout-") for c in classes if c.startswith("callout-")), None)
    if kind not in words.callouts:
        return node
    title = dict(values).get("title")
    inlines = text_inlines(title or words.callouts[kind])
    if title is None and blocks and blocks[0]["t"] == "Header":
        inlines, blocks = blocks[0]["c"][2], blocks[1:]
    heading = div([element("Para", inlines)], "", "callout-title")
    return div(
        [heading, div(blocks, "", "callout-body")], identifier, "callout", f"callout-{kind}", role="note"
    )


# ------------------------------------------------------------------------------------- sections


def _number_sections(
    blocks: list[Node], registry: Registry, document: Document, top: int, *, shown: bool
) -> None:
    """Set the levels of the headings (the highest becomes `top`) and number them, in place.

    The headings in a tabset are flattened: they come below the section that holds the tabset, unnumbered.
    """
    outside = list(_headings(blocks, in_tabset=False))
    shift = top - min((header["c"][0] for header, in_tabset in outside if not in_tabset), default=top)
    counters = [0] * 7
    level, tab_base = top, top
    for header, in_tabset in outside:
        own, (identifier, classes, values), inlines = header["c"]
        if in_tabset:
            tab_base = own if in_tabset == "first" else tab_base
            header["c"][0] = min(6, level + 1 + max(0, own - tab_base))
            header["c"][1] = [identifier, [*classes, "unnumbered", "unlisted", "tab-title"], values]
            continue
        level = min(6, own + shift)
        header["c"][0] = level
        number = ""
        if shown and "unnumbered" not in classes:
            counters[level:] = [counters[level] + 1, *[0] * (6 - level)]
            number = ".".join(str(count) for count in counters[top : level + 1])
            prefix = span(text_inlines(number), "header-section-number")
            header["c"][2] = [prefix, element("Space"), *inlines]
        if identifier.startswith("sec-"):
            registry.check_new(identifier, document)
            registry.titles[identifier] = inlines
            if number:
                registry.numbers[identifier] = number


def _headings(blocks: list[Node], in_tabset: Any) -> Any:
    """Each heading with whether it is in a tabset ("first", "later" or False), in order."""
    for block in blocks:
        if block["t"] == "Header":
            yield block, in_tabset
            in_tabset = in_tabset and "later"
        elif block["t"] == "Div":
            is_tabset = "panel-tabset" in block["c"][0][1]
            yield from _headings(block["c"][1], "first" if is_tabset else in_tabset)


# ------------------------------------------------------------------------------------- figures and tables


def _float(node: Node, registry: Registry, document: Document) -> Node:
    """Every way to write a figure or table with label or caption, as one `Figure` or one div `.float-tbl`."""
    if node["t"] == "Figure":
        (identifier, classes, values), (short, caption), blocks = node["c"]
        inlines = _inlines_of(caption)
        blocks = _with_alt(blocks, "", inlines)
        if identifier.startswith("fig-"):
            inlines = _labelled(identifier, inlines, registry, document)
        caption = [element("Plain", inlines)] if inlines else []
        return element("Figure", [identifier, classes, values], [short, caption], blocks)
    if node["t"] == "Para" and _lone_image(node) and node["c"][0]["c"][0][0].startswith("fig-"):
        image = node["c"][0]
        identifier, classes, values = image["c"][0]
        image["c"][0] = ["", classes, values]
        return _figure(identifier, [], [element("Plain", [image])], registry, document)
    if node["t"] == "Table" and node["c"][0][0].startswith("tbl-"):
        identifier, classes, values = node["c"][0]
        node["c"][0] = ["", classes, values]
        return _table(identifier, None, [node], registry, document)
    if node["t"] == "Div":
        (identifier, classes, values), blocks = node["c"]
        kind = next((c.removeprefix("float-") for c in classes if c in ("float-fig", "float-tbl")), None)
        label = LABEL.match(identifier)
        if kind is None and (label is None or label[1] == "sec"):
            return node
        caption, content = _take_caption(blocks)
        if (kind or identifier.split("-")[0]) == "tbl":
            return _table(identifier, caption, content, registry, document)
        content = _with_alt(content, dict(values).get("fig-alt", ""), caption or [])
        return _figure(identifier, caption or [], content, registry, document)
    return node


def _figure(
    label: str, caption: list[Node], blocks: list[Node], registry: Registry, document: Document
) -> Node:
    blocks = _with_alt([_without_paragraph(block) for block in blocks], "", caption)
    inlines = _labelled(label, caption, registry, document) if label else caption
    shown = [element("Plain", inlines)] if inlines else []
    return element("Figure", attributes(label), [None, shown], blocks)


def _table(
    label: str, caption: list[Node] | None, blocks: list[Node], registry: Registry, document: Document
) -> Node:
    """A div of the table with its whole caption, and what stands below it (notes)."""
    table = next((block for block in blocks if block["t"] == "Table"), None)
    if caption is None:
        caption = [] if table is None else _inlines_of(table["c"][1][1])
    inlines = _labelled(label, caption, registry, document) if label else caption
    shown = [element("Plain", inlines)] if inlines else []
    if table is not None:
        table["c"][1] = [None, shown]
        return div(blocks, label, "float-tbl")
    # a table that is raw HTML: the caption stands before it
    return div([div(shown, "", "caption"), *blocks] if shown else blocks, label, "float-tbl")


def _take_caption(blocks: list[Node]) -> tuple[list[Node] | None, list[Node]]:
    """The caption of a labelled div, and the rest: a div `.float-caption`, else the last paragraph."""
    if not blocks:
        return None, blocks
    last = blocks[-1]
    if last["t"] == "Div" and "float-caption" in last["c"][0][1]:
        return _inlines_of(last["c"][1]), blocks[:-1]
    if last["t"] == "Para" and len(blocks) > 1 and not _lone_image(last):
        return last["c"], blocks[:-1]
    return None, blocks


def _labelled(label: str, caption: list[Node], registry: Registry, document: Document) -> list[Node]:
    number = registry.number(label, document)
    name = registry.words.label(label.split("-")[0], number)
    start = span([element("Str", name)], "caption-label")
    return [start, *text_inlines(registry.words.after_label), *caption] if caption else [start]


def _inlines_of(blocks: list[Node]) -> list[Node]:
    """Paragraphs as one run of inlines."""
    found: list[Node] = []
    for block in blocks:
        if block["t"] in ("Para", "Plain"):
            found += [*([element("Space")] if found else []), *block["c"]]
    return found


def _without_paragraph(node: Node) -> Node:
    return element("Plain", node["c"]) if node["t"] == "Para" and _lone_image(node) else node


def _lone_image(node: Node) -> bool:
    return len(node["c"]) == 1 and node["c"][0]["t"] == "Image"


def _with_alt(blocks: list[Node], alt: str, caption: list[Node]) -> list[Node]:
    """Images with their alternative text: `fig-alt`, else what they have, else the caption."""

    def visit(node: Node) -> Node:
        if node["t"] != "Image":
            return node
        (identifier, classes, values), inlines, target = node["c"]
        own = dict(values)
        text = own.pop("fig-alt", "") or alt or plain_text(inlines) or plain_text(caption)
        return element("Image", [identifier, classes, [*map(list, own.items())]], text_inlines(text), target)

    return transform(blocks, visit)


# ------------------------------------------------------------------------------------- references


def _reference(node: Node, registry: Registry, document: Document) -> Node | list[Node]:
    """``@fig-x``, ``[-@fig-x]``, ``[@fig-a; @fig-b]`` as links; true citations stay for citeproc."""
    if node["t"] != "Cite":
        return node
    citations = node["c"][0]
    ours = [c for c in citations if LABEL.match(c["citationId"]) or FOREIGN_LABEL.match(c["citationId"])]
    if not ours:
        return node
    if len(ours) < len(citations):
        label = ours[0]["citationId"]
        raise ReportError(
            f"{document.place_of('@' + label)}: '@{label}' stands in one bracket with a citation; use two brackets"
        )
    inlines: list[Node] = []
    for citation in citations:
        if inlines:
            inlines += text_inlines(registry.words.between)
        inlines += [*_link(citation, registry, document), *citation["citationSuffix"]]
    return inlines


def _link(citation: Mapping[str, Any], registry: Registry, document: Document) -> list[Node]:
    label = citation["citationId"]
    if label not in registry.numbers and label not in registry.titles:
        from ..wording import suggest

        known = [*registry.numbers, *registry.titles]
        raise ReportError(
            f"{document.place_of('@' + label)}: the reference '@{label}' has no target in "
            f"{place(document.path)}.{suggest(label, known)}"
        )
    number, prefix = registry.numbers.get(label), citation["citationPrefix"]
    if number is None:
        shown = registry.titles[label]
    elif citation["citationMode"]["t"] == "SuppressAuthor":
        shown = [element("Str", number)]
    elif prefix:
        shown = [*prefix, element("Str", f"\u00a0{number}")]
    else:
        shown = [element("Str", registry.words.label(label.split("-")[0], number))]
    return [element("Link", attributes("", "cross-reference"), shown, [f"#{label}", ""])]


# ------------------------------------------------------------------------------------- tables


def _natural_widths(node: Node) -> Node:
    """Columns as wide as their content: pandoc takes widths from the length of the Markdown lines."""
    if node["t"] == "Table":
        node["c"][2] = [[alignment, element("ColWidthDefault")] for alignment, _ in node["c"][2]]
    return node


# ------------------------------------------------------------------------------------- bibliography


def needs_citeproc(tree: Node) -> bool:
    """Whether there are citations and a bibliography to take them from."""
    cited = next(elements(tree["blocks"], "Cite"), None) is not None or "nocite" in tree["meta"]
    return cited and ("bibliography" in tree["meta"] or "references" in tree["meta"])


def _add_place_for_references(tree: Node, words: Words, top: int) -> None:
    """A section for the list of references at the end, where the document has no div ``#refs``."""
    placed = any(block["c"][0][0] == "refs" for block in elements(tree["blocks"], "Div"))
    if needs_citeproc(tree) and not placed:
        heading = element(
            "Header", top, attributes("references", "unnumbered"), text_inlines(words.references)
        )
        tree["blocks"] += [heading, div([], "refs")]
