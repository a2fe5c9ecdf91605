"""Pages of a folder as the chapters of one text, for PDF and Word; with their cells (Quarto) or what these gave."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from .qmd import fence_after

HEADING = re.compile(r"^(#{1,6})(?=\s)")
DIV = re.compile(r"^ {0,3}:{3,}\s*(?P<opens>[^\s:].*)?$")
FOOTNOTE = re.compile(r"^ {0,3}\[\^(?P<name>[^\]\s]+)\]:")
# the target of a link or image, and of a definition of a link
ADDRESS = re.compile(r"(?P<before>\]\(|^ {0,3}\[[^\]^][^\]]*\]:\s+)(?P<target><[^>]+>|[^)\s]+)")
SCHEME = re.compile(r"^(?:[a-z][a-z0-9+.-]+:|//|/)", re.IGNORECASE)


@dataclass(frozen=True)
class Chapter:
    """A page of the combined text: where it comes from, its title and abstract, its Markdown."""

    source: Path
    title: str
    abstract: str
    text: str


def combine(chapters: Sequence[Chapter], folder: Path) -> str:
    """One Markdown text of all chapters, which stands in `folder`.

    The title of each page is a heading of the first level, its own headings begin at the second. Links to the pages
    lead to the chapters. Footnotes keep to their page.

    Examples
    --------
    >>> pages = [Chapter(Path("a.qmd"), "A", "", "See [B](b.qmd)."), Chapter(Path("b.qmd"), "B", "", "# One")]
    >>> print(combine(pages, Path()))
    # A {#chapter-a}
    <BLANKLINE>
    See [B](#chapter-b).
    <BLANKLINE>
    # B {#chapter-b}
    <BLANKLINE>
    ## One
    """
    targets: dict[Path, str] = {}
    for number, chapter in enumerate(chapters, 1):
        name = f"chapter-{chapter.source.stem}"
        targets[chapter.source.resolve()] = f"{name}-{number}" if name in targets.values() else name
    parts = []
    for number, chapter in enumerate(chapters, 1):
        parts.append(f"# {chapter.title} {{#{targets[chapter.source.resolve()]}}}")
        if chapter.abstract:
            parts.append(f"::: {{.abstract}}\n{chapter.abstract.strip()}\n:::")
        parts.append(_as_chapter(chapter, number, targets, folder))
    return "\n\n".join(part for part in parts if part)


def _as_chapter(chapter: Chapter, number: int, targets: Mapping[Path, str], folder: Path) -> str:
    lines = list(_lines(chapter.text))
    outside = [len(found[1]) for line, in_code, depth in lines if (found := _heading(line, in_code, depth))]
    deeper = "#" * max(0, 2 - min(outside, default=2))
    notes = [found["name"] for line, in_code, _ in lines if not in_code and (found := FOOTNOTE.match(line))]

    def address(found: re.Match[str]) -> str:
        return found["before"] + _address(found["target"], chapter.source, targets, folder)

    changed = []
    for line, in_code, _ in lines:
        if not in_code:
            line = HEADING.sub(lambda found: (found[1] + deeper)[:6], line)
            line = ADDRESS.sub(address, line)
            for name in notes:
                line = line.replace(f"[^{name}]", f"[^{number}-{name}]")
        changed.append(line)
    return "\n".join(changed).strip("\n")


def _lines(text: str) -> Iterator[tuple[str, bool, int]]:
    """Each line with whether it is code, and in how many divs it stands."""
    fence, depth = "", 0
    for line in text.splitlines():
        before, fence = fence, fence_after(line, fence)
        in_code = bool(before or fence)
        found = None if in_code else DIV.match(line)
        if found is not None:
            depth = depth + 1 if found["opens"] else max(0, depth - 1)
        yield line, in_code, depth


def _heading(line: str, in_code: bool, depth: int) -> re.Match[str] | None:
    """A heading that is a section: those in tabsets and callouts are titles of these."""
    return None if in_code or depth else HEADING.match(line)


def _address(target: str, source: Path, targets: Mapping[Path, str], folder: Path) -> str:
    name, mark, fragment = target.strip("<>").partition("#")
    if not name or SCHEME.match(name):
        return target
    file = source.parent / unquote(name)
    if file.resolve() in targets:
        return f"#{fragment or targets[file.resolve()]}"
    if not file.exists() or source.parent.resolve() == folder.resolve():
        return target
    return f"<{Path(os.path.relpath(file, folder)).as_posix()}{mark}{fragment}>"
