"""What is rendered, in which order, with which settings: one .qmd file, or a folder with its _quarto.yml."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from .errors import ReportError, place

CONFIGURATION = "_quarto.yml"
SUFFIXES = (".qmd", ".md")  # a .md page has no cells to run
# settings that pages inherit from _quarto.yml, there at the top level or under format: html
INHERITED = (
    "lang",
    "author",
    "date",
    "toc",
    "toc-depth",
    "number-sections",
    "bibliography",
    "csl",
    "params",
)
PATHS = ("bibliography", "csl")
Entry = tuple[str, str | None, str | None]  # file, text, section


@dataclass(frozen=True)
class Page:
    """One file of a project, its text in the navigation (none: its title), and the section it is in there."""

    source: Path
    relative: Path
    text: str | None = None
    section: str | None = None

    @property
    def target(self) -> Path:
        """The HTML file, relative to the output folder."""
        return self.relative.with_suffix(".html")


@dataclass(frozen=True)
class Project:
    """Pages in order, those to render among them, and the common settings."""

    root: Path
    pages: tuple[Page, ...]
    wanted: tuple[Page, ...]
    title: str | None
    metadata: Mapping[str, Any]
    execute: Mapping[str, Any]
    output: Path


def read_project(path: Path, output: Path | None) -> Project:
    """The project of a folder or a file.

    A file belongs to the project of the nearest ``_quarto.yml`` at or above its folder, and stands alone
    where there is none.
    """
    if not path.exists():
        raise ReportError(f"{place(path)} does not exist: give a .qmd file or a folder of them")
    if path.is_file() and path.suffix not in SUFFIXES:
        raise ReportError(f"{place(path)} is no .qmd or .md file")
    path = path.resolve()
    folder = path if path.is_dir() else path.parent
    root = next((above for above in (folder, *folder.parents) if (above / CONFIGURATION).exists()), None)
    if root is None or path.is_dir():
        root = folder
    configuration = _read_configuration(root / CONFIGURATION)
    project, website = _part(configuration, "project"), _part(configuration, "website")
    if path.is_dir() or configuration:
        pages = _pages(root, project, website)
    else:
        pages = [Page(path, Path(path.name))]
    if not pages:
        raise ReportError(f"{place(path)} has no .qmd file")
    if path.is_file() and not any(page.source == path for page in pages):
        pages = [*pages, Page(path, path.relative_to(root))]
    folder = root / str(project.get("output-dir", "_site"))
    metadata, execute = settings(configuration, root)
    return Project(
        root=root,
        pages=tuple(pages),
        wanted=tuple(pages if path.is_dir() else [page for page in pages if page.source == path]),
        title=website.get("title"),
        metadata={key: value for key, value in metadata.items() if key in INHERITED},
        execute=execute,
        output=output.absolute() if output is not None else folder,
    )


def settings(front: Mapping[str, Any], folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Metadata (with those of ``format: html:`` and absolute paths) and options of cells."""
    formats = front.get("format")
    html = formats.get("html") if isinstance(formats, dict) else None
    metadata = {**front, **(html if isinstance(html, dict) else {})}
    for key in PATHS:
        if key in metadata:
            listed = metadata[key] if isinstance(metadata[key], list) else [metadata[key]]
            metadata[key] = [_existing(folder / str(name), key) for name in listed]
    if "csl" in metadata:
        metadata["csl"] = metadata["csl"][0]
    if str(metadata.get("date")) in ("today", "now"):
        metadata["date"] = dt.date.today().isoformat()
    return metadata, dict(metadata.get("execute") or {})


def _existing(path: Path, key: str) -> str:
    if not path.is_file():
        raise ReportError(f"{key}: {place(path)} does not exist")
    return str(path.resolve())


def _pages(root: Path, project: Mapping[str, Any], website: Mapping[str, Any]) -> list[Page]:
    """The order of the navigation, else of `render`, else index first and the others sorted."""
    listed: list[Entry] = []
    for name in ("sidebar", "navbar"):
        listed = listed or _entries(website.get(name))
    rendered = [name for pattern in project.get("render") or [] for name in _matching(root, str(pattern))]
    if not listed and not rendered:
        rendered = [name for name in _matching(root, "*.qmd") if not name.startswith("_")]
    shown = {name for name, _, _ in listed}
    listed += [(name, None, None) for name in rendered if name not in shown]
    for name, _, _ in listed:
        if not (root / name).is_file():
            raise ReportError(f"{place(root / CONFIGURATION)}: the page '{name}' does not exist")
    pages = [Page(root / name, Path(name), text, section) for name, text, section in listed]
    return sorted(pages, key=lambda page: str(page.relative) not in ("index.qmd", "index.md"))


def _matching(root: Path, pattern: str) -> list[str]:
    if pattern.startswith("!"):
        return []
    if "*" not in pattern:
        return [pattern] if pattern.endswith(SUFFIXES) else []
    return sorted(str(path.relative_to(root)) for path in root.glob(pattern) if path.suffix in SUFFIXES)


def _entries(node: Any, section: str | None = None) -> list[Entry]:
    """Every page named in a sidebar or navbar, with the section it stands in."""
    if isinstance(node, str):
        return [(node, None, section)] if node.endswith(SUFFIXES) else []
    if isinstance(node, list):
        return [entry for item in node for entry in _entries(item, section)]
    if not isinstance(node, dict):
        return []
    name = node.get("file") or node.get("href")
    if isinstance(name, str) and name.endswith(SUFFIXES):
        return [(name, node.get("text"), section)]
    section = node.get("section", section)
    return [entry for key in ("contents", "left", "right") for entry in _entries(node.get(key), section)]


def _part(configuration: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = configuration.get(name)
    return found if isinstance(found, dict) else {}


def _read_configuration(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    try:
        found = yaml.safe_load(path.read_text("utf-8"))
    except yaml.YAMLError as error:
        raise ReportError(f"{place(path)} cannot be read: {error}") from None
    if not isinstance(found, dict | None):
        raise ReportError(f"{place(path)} must be lines of 'key: value'")
    return found or {}
