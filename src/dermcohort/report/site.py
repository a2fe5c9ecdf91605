"""The embedded engine: nbclient runs the cells once, then every format is written from what they gave."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from ..storage import write_files
from .combine import combine
from .document import build
from .edition import Edition
from .execute import execute
from .page import navigation_of, write_page
from .pdf import write_pdf
from .project import Page, settings
from .qmd import Document
from .word import write_word
from .words import base_language

# each page has a kernel of its own, and a kernel takes a second to start and some hundred MB
WORKERS = 4
PRINTED = {"pdf": write_pdf, "docx": write_word}
T = TypeVar("T")


def render_editions(
    editions: Sequence[Edition], formats: Sequence[str], params: Mapping[str, Any]
) -> list[Path]:
    """Render the wanted pages of all editions and put all files in place together: when one fails, none changes."""
    with tempfile.TemporaryDirectory(prefix="dermcohort-report-") as temporary:
        pages = [(edition, page) for edition in editions for page in edition.project.wanted]
        runs = [partial(_run_page, edition, page, params) for edition, page in pages]
        texts = dict(
            zip([(e.language, page) for e, page in pages], _in_parallel(runs, temporary), strict=True)
        )
        files = [file for edition in editions for file in _files(edition, editions, formats, texts)]
        made = _in_parallel([make for _, make in files], temporary)
    common = Path(os.path.commonpath([edition.project.output for edition in editions]))
    names = [str(target.relative_to(common)) for target, _ in files]
    return write_files(
        common,
        [(name, partial(_write, content)) for name, content in zip(names, made, strict=True)],
    )


def _in_parallel(calls: Sequence[Callable[[Path], T]], folder: str) -> list[T]:
    """What each call returns, which gets a folder for temporary files; the first failure ends all."""
    with ThreadPoolExecutor(WORKERS) as pool:
        running = [pool.submit(call, Path(tempfile.mkdtemp(dir=folder))) for call in calls]
        try:
            return [future.result() for future in running]
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _write(content: bytes, file: Path) -> None:
    file.write_bytes(content)


def _run_page(edition: Edition, page: Page, params: Mapping[str, Any], folder: Path) -> str:
    """Markdown of a page with what its cells gave; images are in `folder`."""
    document = edition.documents[page]
    _, own = settings(document.metadata, page.source.parent)
    lang = edition.language_of(document)
    names = document.parameter_names()
    values = {name: value for name, value in {"language": lang, **params}.items() if name in names}
    return execute(document, values, {**edition.project.execute, **own}, folder, base_language(lang))


# ------------------------------------------------------------------------------------- files of an edition

Texts = Mapping[tuple[str, Page], str]
File = tuple[Path, Callable[[Path], bytes]]


def _files(edition: Edition, editions: Sequence[Edition], formats: Sequence[str], texts: Texts) -> list[File]:
    """Each file with what makes its bytes: pages first, then the printed formats."""
    project = edition.project
    printed = {format: _printed(edition, format, texts) for format in formats if format != "html"}
    files: list[File] = []
    if "html" in formats:
        written = {other.project.output / page.target for other in editions for page in other.project.wanted}
        for page in project.wanted:
            number = 0 if project.together else project.wanted.index(page)
            others = {format: file[number][0].relative_to(project.output) for format, file in printed.items()}
            make = partial(_html, edition, page, others, written, texts[edition.language, page])
            files.append((project.output / page.target, make))
    return [*files, *(file for listed in printed.values() for file in listed)]


def _html(
    edition: Edition, page: Page, others: Mapping[str, Path], written: set[Path], text: str, folder: Path
) -> bytes:
    project, document = edition.project, edition.documents[page]

    def is_there(target: Path) -> bool:
        return project.output / target in written or (project.output / target).exists()

    metadata = edition.metadata_of(page, "html")
    tree = build(text, document, metadata, folder, "html")
    shown = [other for other in project.pages if is_there(other.target)]
    links = [(other, _title(edition.documents[other])) for other in shown]
    same = {
        language: project.folders[language] / page.target.relative_to(project.folder)
        for language in project.folders
        if project.folders[language] != project.folder
    }
    same = {language: target for language, target in same.items() if is_there(target)}
    navigation = navigation_of(links, page, others, same)
    return write_page(
        tree, metadata, document, page, navigation, project.title, project.root, folder
    ).encode()


def _printed(edition: Edition, format: str, texts: Texts) -> list[File]:
    """One file of all pages of a folder, else one of each page."""
    project = edition.project
    if project.together:
        pages = [(page, texts[edition.language, page]) for page in project.wanted]
        target = project.output / project.file_of_all(format)
        return [(target, partial(_all_pages, edition, format, pages))]
    return [
        (
            project.output / page.relative.with_suffix(f".{format}"),
            partial(_one_page, edition, format, page, texts[edition.language, page]),
        )
        for page in project.wanted
    ]


def _one_page(edition: Edition, format: str, page: Page, text: str, folder: Path) -> bytes:
    document, metadata = edition.documents[page], edition.metadata_of(page, format)
    tree = build(text, document, metadata, folder, format)
    return PRINTED[format](tree, metadata, document, edition.project.root, folder, chapters=False)


def _all_pages(edition: Edition, format: str, pages: Sequence[tuple[Page, str]], folder: Path) -> bytes:
    project, metadata = edition.project, edition.metadata_of_all(format)
    documents = [edition.documents[page] for page, _ in pages]
    lines = tuple(line for document in documents for line in document.lines)
    whole = Document(project.root / project.folder, {}, (), lines)
    chapters = [edition.chapter(page, text) for page, text in pages]
    tree = build(combine(chapters, whole.folder), whole, metadata, folder, format)
    return PRINTED[format](tree, metadata, whole, project.root, folder, chapters=True)


def _title(document: Document) -> str:
    """The title as plain text, for the navigation."""
    title = str(document.metadata.get("title") or document.path.stem)
    return re.sub(r"[*`]|(?<!\w)_|_(?!\w)", "", title)
