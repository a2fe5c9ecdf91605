"""A project in one language: what its pages, and all of them together, have as settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .combine import Chapter
from .project import Page, Project, read_project, settings
from .qmd import Document, read_document


@dataclass(frozen=True)
class Edition:
    """A project in one language, with its pages as read."""

    project: Project
    documents: Mapping[Page, Document]
    language: str

    def language_of(self, document: Document | None = None) -> str:
        """The language asked for; where it is the default, `lang` of the page or the project comes first."""
        if self.language != "en":
            return self.language
        own = None if document is None else document.metadata.get("lang")
        return str(own or self.project.configuration.get("lang") or self.language)

    def metadata_of(self, page: Page, format: str) -> dict[str, Any]:
        """The settings of a page."""
        document = self.documents[page]
        front, _ = settings(document.metadata, page.source.parent, format)
        lang = self.language_of(document)
        return _common_shape({**self.project.metadata(format), **front, "lang": lang})

    def metadata_of_all(self, format: str) -> dict[str, Any]:
        """The settings of all pages as one document: those of the project, and the sources of all citations."""
        found, _ = settings(self.project.configuration, self.project.root, format)
        metadata = {"subtitle": found.get("subtitle"), **self.project.metadata(format)}
        pages = [self.metadata_of(page, format) for page in self.project.wanted]
        sources = [file for page in pages for file in page.get("bibliography", [])]
        metadata["bibliography"] = list(dict.fromkeys(sources))
        metadata["csl"] = next((page["csl"] for page in pages if "csl" in page), None)
        return _common_shape({**metadata, "title": self.project.title, "lang": self.language_of()})

    def chapter(self, page: Page, text: str) -> Chapter:
        """A page, with its text, as a chapter of all."""
        document = self.documents[page]
        title = str(document.metadata.get("title") or page.text or page.source.stem)
        return Chapter(page.source, title, str(document.metadata.get("abstract") or ""), text)


def read_edition(path: Path, output: Path | None, language: str) -> Edition:
    """The project of a file or folder in a language, its pages read."""
    project = read_project(path, output, language)
    return Edition(project, {page: read_document(page.source) for page in project.pages}, language)


def _common_shape(metadata: dict[str, Any]) -> dict[str, Any]:
    """What the templates expect: authors as a list of texts."""
    authors = metadata.get("author") or []
    listed = authors if isinstance(authors, list) else [authors]
    metadata["author"] = [
        author.get("name", "") if isinstance(author, dict) else str(author) for author in listed
    ]
    return metadata
