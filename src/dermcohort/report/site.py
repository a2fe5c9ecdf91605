"""The embedded engine: nbclient runs the cells, pandoc writes the pages."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from ..storage import write_text
from .document import build
from .execute import execute
from .page import navigation_of, write_page
from .project import Page, Project, settings
from .qmd import Document
from .words import base_language

# each page has a kernel of its own, and a kernel takes a second to start and some hundred MB
WORKERS = 4


def render_project(
    project: Project, documents: Mapping[Page, Document], language: str, params: Mapping[str, Any]
) -> list[Path]:
    """Render the wanted pages and put them in place together: when one fails, none changes."""
    with ThreadPoolExecutor(WORKERS) as pool:
        running = [
            pool.submit(_render_page, page, documents, project, language, params) for page in project.wanted
        ]
        try:
            texts = [future.result() for future in running]
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    targets = [project.output / page.target for page in project.wanted]
    for target, text in zip(targets, texts, strict=True):
        write_text(target, text)
    return targets


def _render_page(
    page: Page, documents: Mapping[Page, Document], project: Project, language: str, params: Mapping[str, Any]
) -> str:
    document = documents[page]
    front, own = settings(document.metadata, page.source.parent)
    metadata = _common_shape({**project.metadata, **front})
    metadata["lang"] = effective_language(document, project, language)
    names = document.parameter_names()
    values = {
        name: value for name, value in {"language": metadata["lang"], **params}.items() if name in names
    }
    with tempfile.TemporaryDirectory(prefix="dermcohort-report-") as temporary:
        folder = Path(temporary)
        markdown = execute(
            document, values, {**project.execute, **own}, folder, base_language(metadata["lang"])
        )
        tree = build(markdown, document, metadata, folder, "html")
        shown = [other for other in project.pages if other in project.wanted or _exists(project, other)]
        links = [(other, _title(documents[other])) for other in shown]
        navigation = navigation_of(links, page)
        return write_page(tree, metadata, page, navigation, project.title, project.root, folder)


def effective_language(document: Document, project: Project, language: str) -> str:
    """The language asked for; where it is the default, `lang` of the page or the project comes first."""
    if language != "en":
        return language
    return str(document.metadata.get("lang") or project.metadata.get("lang") or language)


def _title(document: Document) -> str:
    """The title as plain text, for the navigation."""
    title = str(document.metadata.get("title") or document.path.stem)
    return re.sub(r"[*`]|(?<!\w)_|_(?!\w)", "", title)


def _exists(project: Project, page: Page) -> bool:
    return (project.output / page.target).exists()


def _common_shape(metadata: dict[str, Any]) -> dict[str, Any]:
    """What the template expects: authors as a list of texts."""
    authors = metadata.get("author") or []
    listed = authors if isinstance(authors, list) else [authors]
    metadata["author"] = [
        author.get("name", "") if isinstance(author, dict) else str(author) for author in listed
    ]
    return metadata
