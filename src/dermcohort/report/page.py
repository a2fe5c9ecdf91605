"""From the document tree to one HTML page that holds all it shows and asks nothing of the network."""

from __future__ import annotations

import base64
import html
import json
import mimetypes
import posixpath
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html.parser import HTMLParser
from itertools import groupby
from pathlib import Path
from typing import Any

from .document import needs_citeproc
from .errors import ReportError, place
from .images import SCHEME, image_file
from .pandoc import (
    Node,
    div,
    element,
    elements,
    plain_text,
    raw_html,
    refuse_unknown_citations,
    run_pandoc,
    span,
    text_inlines,
    transform,
)
from .project import SUFFIXES, Page
from .qmd import Document
from .words import WORDS, Words, words_of

HERE = Path(__file__).parent
FORMATS = {"pdf": "PDF", "docx": "Word"}
# attributes with an address that a browser loads by itself
LOADED = {
    "audio": ("src",),
    "embed": ("src",),
    "iframe": ("src",),
    "image": ("href", "xlink:href"),
    "img": ("src", "srcset"),
    "input": ("src",),
    "link": ("href",),
    "object": ("data",),
    "script": ("src",),
    "source": ("src", "srcset"),
    "track": ("src",),
    "use": ("href", "xlink:href"),
    "video": ("src", "poster"),
}
IN_STYLE = re.compile(r"""(?:url\(\s*["']?|@import\s+["'])(?P<address>[^"')\s]+)""")


def write_page(
    tree: Node,
    metadata: Mapping[str, Any],
    document: Document,
    page: Page,
    navigation: Navigation,
    site: str | None,
    root: Path,
    folder: Path,
) -> str:
    """The HTML of a page.

    Parameters
    ----------
    tree : dict
        What `document.build` returned.
    navigation : Navigation
        HTML of the links to other pages and files.
    root : Path
        Folder of the project, where addresses that begin with a slash start.
    folder : Path
        For temporary files.
    """
    words = words_of(str(metadata.get("lang", "en")))
    tree = transform(tree, lambda node: _table_for_screens(node, words))
    tree = transform(tree, lambda node: _with_content(node, page.source, root))
    title = plain_text(tree["meta"].get("title", {})) or page.text or page.source.stem
    variables = {
        "css": (HERE / "theme.css").read_text("utf-8"),
        "navigation": navigation.pages,
        "other-formats": navigation.formats,
        "other-languages": navigation.languages,
        "site-title": html.escape(site or ""),
        "page-title": html.escape(title if site in (None, title) else f"{title} · {site}"),
        "contents-word": words.contents,
        "menu-word": words.menu,
        "formats-word": words.formats,
        "languages-word": words.languages,
        "abstract-word": words.abstract,
        "language": str(metadata.get("lang", "en")),
    }
    has_contents = metadata.get("toc", True) is not False and any(elements(tree["blocks"], "Header"))
    if has_contents or any(vars(navigation).values()):
        variables["has-menu"] = "true"
    options: dict[str, Any] = {
        "from": "json",
        "to": "html5",
        "standalone": True,
        "template": str(HERE / "template.html"),
        "variables": {name: value for name, value in variables.items() if value},
        "table-of-contents": metadata.get("toc", True) is not False,
        "toc-depth": int(metadata.get("toc-depth", 3)),
        "html-math-method": {"method": "mathml"},
        "wrap": "none",
        "email-obfuscation": "none",
    }
    if needs_citeproc(tree):
        options["citeproc"] = True
        options["metadata"] = {"link-citations": True}
    text, messages = run_pandoc(json.dumps(tree), options, folder)
    refuse_unknown_citations(messages, document)
    # the list of contents stands twice on the page (side and menu): an id may not
    text = re.sub(r' id="toc-[^"]*"', "", text)
    _refuse_loaded_addresses(text, page)
    return text


@dataclass(frozen=True)
class Navigation:
    """HTML of the links of a page: to all pages, to the same in other formats, to the same in other languages."""

    pages: str = ""
    formats: str = ""
    languages: str = ""


def navigation_of(
    pages: Sequence[tuple[Page, str]],
    current: Page,
    formats: Mapping[str, Path],
    languages: Mapping[str, Path],
) -> Navigation:
    """Links relative to the current page.

    Parameters
    ----------
    pages : list of (Page, str)
        All pages with their titles; a single one needs no links.
    formats : mapping
        Files of other formats, relative to the output folder.
    languages : mapping
        The same page in other languages, relative to the output folder.
    """

    def address(target: Path) -> str:
        return html.escape(posixpath.relpath(target.as_posix(), current.target.parent.as_posix()))

    items = []
    for section, entries in groupby(pages if len(pages) > 1 else (), key=lambda entry: entry[0].section):
        links = [_navigation_link(page, title, current) for page, title in entries]
        if section:
            state = " open" if section == current.section else ""
            items.append(
                f"<details{state}><summary>{html.escape(section)}</summary>\n{_listed(links)}</details>"
            )
        else:
            items += links
    others = [f'<a href="{address(file)}" download>{FORMATS[format]}</a>' for format, file in formats.items()]
    same = [
        f'<a href="{address(file)}" lang="{language}" hreflang="{language}" rel="alternate">{WORDS[language].name}</a>'
        for language, file in languages.items()
    ]
    return Navigation(_listed(items), _listed(others), _listed(same))


def _listed(items: Sequence[str]) -> str:
    return "<ul>\n" + "\n".join(f"<li>{item}</li>" for item in items) + "\n</ul>" if items else ""


def _navigation_link(page: Page, title: str, current: Page) -> str:
    address = posixpath.relpath(page.target.as_posix(), current.target.parent.as_posix())
    mark = ' aria-current="page"' if page == current else ""
    return f'<a href="{html.escape(address)}"{mark}>{html.escape(page.text or title)}</a>'


# ------------------------------------------------------------------------------------- the tree, for HTML


def _table_for_screens(node: Node, words: Words) -> Node | list[Node]:
    """A wide table scrolls inside its own box; its caption and notes do not scroll with it."""
    if node["t"] == "Table":
        caption = node["c"][1][1]
        node["c"][1] = [None, []]
        _mark_indented(node)
        _name_rows(node, words)
        box = div([node], "", "table-scroll", tabindex="0")
        return [div(caption, "", "caption"), box] if caption else box
    if node["t"] == "Div" and "float-tbl" in node["c"][0][1]:
        (identifier, _, _), blocks = node["c"]
        label = f' id="{html.escape(identifier)}"' if identifier else ""
        parts: list[Node] = [raw_html(f'<figure class="table"{label}>')]
        for block in blocks:
            if block["t"] == "Div" and "caption" in block["c"][0][1]:
                parts += [raw_html("<figcaption>"), *block["c"][1], raw_html("</figcaption>")]
            else:
                parts.append(block)
        return [*parts, raw_html("</figure>")]
    return node


def _mark_indented(table: Node) -> None:
    """Cells that begin with an em space are levels of the row above: their second line is indented too."""
    for _, _, _, rows in table["c"][4]:
        for _, cells in rows:
            for cell in cells:
                if plain_text(cell[4]).startswith("\u2003"):
                    cell[0][1].append("level")


def _name_rows(table: Node, words: Words) -> None:
    """The first column names the rows, for who hears the table; a heading that is not printed is said."""
    head, bodies = table["c"][3], table["c"][4]
    for body in bodies:
        # a blank cell below a name that holds for several rows names nothing
        body[1] = int(all(plain_text(cells[0][4]).strip() for _, cells in body[3] if cells))
    for _, cells in head[1]:
        for number, cell in enumerate(cells):
            if not plain_text(cell[4]).strip():
                unseen = span(text_inlines(words.row if number == 0 else words.column), "unseen")
                cell[4] = [element("Plain", [unseen])]


def _with_content(node: Node, source: Path, root: Path) -> Node:
    """Images as data in the page; links to other files of text lead to their pages; keys can scroll long code."""
    if node["t"] == "CodeBlock":
        (identifier, classes, values), code = node["c"]
        return element("CodeBlock", [identifier, classes, [*values, ["tabindex", "0"]]], code)
    if node["t"] == "Image":
        attributes, inlines, (address, title) = node["c"]
        return element("Image", attributes, inlines, [_data_address(address, source, root), title])
    if node["t"] == "Link":
        attributes, inlines, (address, title) = node["c"]
        file, mark, fragment = address.partition("#")
        if file.endswith(SUFFIXES) and not SCHEME.match(file):
            address = f"{file.rpartition('.')[0]}.html{mark}{fragment}"
        return element("Link", attributes, inlines, [address, title])
    return node


def _data_address(address: str, source: Path, root: Path) -> str:
    if address.startswith("data:"):
        return address
    file = image_file(address, source.parent, root, place(source))
    kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    return f"data:{kind};base64,{base64.b64encode(file.read_bytes()).decode('ascii')}"


# ------------------------------------------------------------------------------------- what must not be


def _refuse_loaded_addresses(text: str, page: Page) -> None:
    """Raw HTML may hold what pandoc cannot see: refuse what a browser would load from elsewhere."""
    finder = _LoadedAddresses()
    finder.feed(text)
    for address in finder.found:
        # '#name' stays in the page (SVG), data: is in the page
        if address and not address.startswith(("data:", "#")):
            raise ReportError(
                f"{place(page.source)}: raw HTML loads '{address}'; the page must hold all it shows: "
                "use a Markdown image, or leave it out"
            )


class _LoadedAddresses(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.in_style = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.in_style = tag == "style"
        for name, value in attrs:
            if value and name in LOADED.get(tag, ()):
                self.found.append(value.strip())
            if value and name == "style":
                self.found += IN_STYLE.findall(value)

    def handle_data(self, data: str) -> None:
        if self.in_style:
            self.found += IN_STYLE.findall(data)

    def handle_endtag(self, tag: str) -> None:
        self.in_style = False
