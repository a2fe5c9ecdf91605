"""Run pandoc, and look at and change its document tree (pandoc's JSON)."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import Any

from .errors import ReportError
from .execute import MISSING
from .qmd import Document

Node = dict[str, Any]
_SEARCH = Lock()


def run_pandoc(text: str, options: Mapping[str, Any], folder: Path) -> tuple[str, list[str]]:
    """Run pandoc on `text` with a defaults file; returns its output and its warnings."""
    try:
        import pypandoc

        with _SEARCH:  # who asks while another page searches would be given the first found, not the newest
            program = pypandoc.get_pandoc_path()
    except (ImportError, OSError):
        raise ReportError(MISSING.format("pypandoc_binary")) from None
    defaults = folder / "pandoc.yaml"
    defaults.write_text(json.dumps(options), "utf-8")
    done = subprocess.run(
        [program, "--defaults", str(defaults)],
        input=text.encode(),
        capture_output=True,
        check=False,
    )
    messages = done.stderr.decode("utf-8", "replace").strip().splitlines()
    if done.returncode != 0:
        raise ReportError(f"pandoc: {' '.join(messages) or 'failed without a message'}")
    return done.stdout.decode("utf-8"), messages


def refuse_unknown_citations(messages: Sequence[str], document: Document) -> None:
    """What pandoc only warns of would leave a question mark in the text."""
    for message in messages:
        found = re.search(r"citation (\S+) not found", message)
        if found is not None:
            where = document.place_of(f"@{found[1]}")
            raise ReportError(f"{where}: the citation '@{found[1]}' is not in the bibliography")


# ------------------------------------------------------------------------------------- elements


def element(kind: str, *content: Any) -> Node:
    """``element("Emph", [...])``; elements with several parts hold them in a list."""
    if not content:
        return {"t": kind}
    return {"t": kind, "c": content[0] if len(content) == 1 else list(content)}


def attributes(identifier: str = "", *classes: str, **values: str) -> list[Any]:
    """The attributes of a div, span or header."""
    return [identifier, list(classes), [[name.replace("_", "-"), value] for name, value in values.items()]]


def div(blocks: list[Node], identifier: str = "", *classes: str, **values: str) -> Node:
    """A div with attributes."""
    return element("Div", attributes(identifier, *classes, **values), blocks)


def span(inlines: list[Node], *classes: str) -> Node:
    """A span with classes."""
    return element("Span", attributes("", *classes), inlines)


def raw_html(html: str) -> Node:
    """A block of HTML, left out in other formats."""
    return element("RawBlock", "html", html)


def text_inlines(text: str) -> list[Node]:
    """Plain text as inlines; blanks become breakable, no-break blanks stay."""
    found: list[Node] = []
    for word in re.findall(r" +|[^ ]+", text):
        found.append(element("Space") if word.startswith(" ") else element("Str", word))
    return found


# ------------------------------------------------------------------------------------- traversal


def transform(node: Any, visit: Callable[[Node], Node | list[Node]]) -> Any:
    """The tree with each element replaced by what `visit` makes of it, children first, in order.

    `visit` returns an element, or a list of elements to put in its place.
    """
    if isinstance(node, list):
        changed: list[Any] = []
        for item in node:
            new = transform(item, visit)
            if isinstance(new, dict) and "t" in new:
                visited = visit(new)
                changed.extend(visited if isinstance(visited, list) else [visited])
            else:
                changed.append(new)
        return changed
    if isinstance(node, dict):
        return {key: transform(value, visit) for key, value in node.items()}
    return node


def elements(node: Any, kind: str) -> Iterator[Node]:
    """All elements of a kind inside `node`, in order."""
    if isinstance(node, list):
        for item in node:
            yield from elements(item, kind)
    elif isinstance(node, dict):
        if node.get("t") == kind:
            yield node
        for value in node.values():
            yield from elements(value, kind)


def plain_text(node: Any) -> str:
    """The letters of an element, without markup and footnotes."""
    if isinstance(node, list):
        return "".join(plain_text(item) for item in node)
    if not isinstance(node, dict):
        return ""
    kind, content = node.get("t"), node.get("c")
    if kind == "Str":
        return str(content)
    if kind in ("Space", "SoftBreak", "LineBreak"):
        return " "
    if kind in ("Code", "Math"):
        return str(content[1]) if content else ""
    if kind in ("Note", "RawInline", "RawBlock") or content is None:
        return ""
    return plain_text(content)
