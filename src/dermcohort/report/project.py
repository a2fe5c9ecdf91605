"""What is rendered, in which order, with which settings: one .qmd file, or a folder with its _quarto.yml."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any

import yaml

from .errors import ReportError, place
from .words import WORDS

CONFIGURATION = "_quarto.yml"
SUFFIXES = (".qmd", ".md")  # a .md page has no cells to run
# names of an output format in `format:` and in conditions; a PDF is set by typst
NAMES = {"html": ("html",), "pdf": ("pdf", "typst"), "docx": ("docx",)}
# settings that pages inherit from _quarto.yml, there at the top level or under the name of the format
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
    """Pages in order, those to render among them, and the common settings.

    `together` is whether a whole folder was asked for: its PDF and Word file hold all pages. `profile` is the
    Quarto profile whose settings these are. `folders` are the folders of the pages of each language that has some.
    """

    root: Path
    pages: tuple[Page, ...]
    wanted: tuple[Page, ...]
    together: bool
    profile: str | None
    configuration: Mapping[str, Any]
    folders: Mapping[str, Path]
    output: Path

    @property
    def title(self) -> str | None:
        """The title of the site, else of the project."""
        return _part(self.configuration, "website").get("title") or self.configuration.get("title")

    @property
    def folder(self) -> Path:
        """The common folder of the pages, relative to the root: ``zh`` where all are ``zh/….qmd``."""
        return _common_folder(self.pages)

    @property
    def execute(self) -> Mapping[str, Any]:
        """Options of cells."""
        return _part(self.configuration, "execute")

    def metadata(self, format: str) -> dict[str, Any]:
        """The settings that pages inherit, for a format."""
        found, _ = settings(self.configuration, self.root, format)
        return {key: value for key, value in found.items() if key in INHERITED}

    def file_of_all(self, format: str) -> Path:
        """The file that holds all pages, relative to the output folder."""
        name = str(self.configuration.get("output-file") or "report").removesuffix(f".{format}")
        return self.folder / f"{name}.{format}"


def read_project(path: Path, output: Path | None, language: str = "en") -> Project:
    """The project of a folder or a file, with the profile of the language where there is one.

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
    configuration, profile = read_configuration(root, language)
    if path.is_dir() or configuration:
        pages = _pages(root, configuration)
    else:
        pages = [Page(path, Path(path.name))]
    if not pages:
        raise ReportError(f"{place(path)} has no .qmd file")
    if path.is_file() and not any(page.source == path for page in pages):
        pages = [*pages, Page(path, path.relative_to(root))]
    folder = root / str(_part(configuration, "project").get("output-dir", "_site"))
    return Project(
        root=root,
        pages=tuple(pages),
        wanted=tuple(pages if path.is_dir() else [page for page in pages if page.source == path]),
        together=path.is_dir(),
        profile=profile,
        configuration=configuration,
        folders=_folders_of_languages(root),
        output=output.absolute() if output is not None else folder,
    )


def settings(
    front: Mapping[str, Any], folder: Path, format: str = "html"
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Metadata (with those below ``format:`` of this format, and absolute paths) and options of cells."""
    metadata = dict(front)
    for name in NAMES[format]:
        metadata |= _part(_part(front, "format"), name)
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


def _pages(root: Path, configuration: Mapping[str, Any]) -> list[Page]:
    """The order of the navigation, else of `render`, else index first and the others sorted."""
    project, website = _part(configuration, "project"), _part(configuration, "website")
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
    index = _common_folder(pages) / "index"
    return sorted(pages, key=lambda page: page.relative.with_suffix("") != index)


def _common_folder(pages: Sequence[Page]) -> Path:
    folders = [page.relative.parent.parts for page in pages]
    same = takewhile(lambda level: len(set(level)) == 1, zip(*folders, strict=False))
    return Path(*(level[0] for level in same))


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


# ------------------------------------------------------------------------------------- configuration, profiles


def read_configuration(root: Path, language: str) -> tuple[dict[str, Any], str | None]:
    """``_quarto.yml`` with the profile of the language over it, and the name of the profile.

    As in Quarto, ``_quarto-zh.yml`` holds the profile `zh`, and ``profile: default:`` names the one to take where
    there is none for the language.
    """
    common = _read_yaml(root / CONFIGURATION)
    default = _part(common, "profile").get("default")
    for name in (language, *(default if isinstance(default, list) else [default])):
        if name is not None and _profile_file(root, str(name)).exists():
            return _merged(common, _read_yaml(_profile_file(root, str(name)))), str(name)
    return common, None


def _folders_of_languages(root: Path) -> dict[str, Path]:
    """Where the pages of each language stand; empty without profiles of languages."""
    if not any(_profile_file(root, language).exists() for language in WORDS):
        return {}
    pages = {language: _pages(root, read_configuration(root, language)[0]) for language in WORDS}
    return {language: _common_folder(found) for language, found in pages.items()}


def _profile_file(root: Path, name: str) -> Path:
    return root / CONFIGURATION.replace(".", f"-{name}.")


def _merged(common: Any, own: Any) -> Any:
    """As Quarto merges: maps key by key, lists one after the other without repeats, else the own value."""
    if isinstance(common, dict) and isinstance(own, dict):
        return {
            **common,
            **{key: _merged(common[key], value) if key in common else value for key, value in own.items()},
        }
    if isinstance(common, list) and isinstance(own, list):
        return [*common, *(item for item in own if item not in common)]
    return own


def _read_yaml(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    try:
        found = yaml.safe_load(path.read_text("utf-8"))
    except yaml.YAMLError as error:
        raise ReportError(f"{place(path)} cannot be read: {error}") from None
    if not isinstance(found, dict | None):
        raise ReportError(f"{place(path)} must be lines of 'key: value'")
    return found or {}
