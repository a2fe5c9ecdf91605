"""Reports: .qmd files with Python cells become HTML pages that need no network.

`render` uses Quarto where it is installed, else the embedded engine (nbclient and pandoc, from packages), which
renders the subset of Quarto that docs/reports.md states. The steps are one module each:
`project` (which pages) → `qmd` (read) → `execute` (run the cells) → `document` (numbers, references, callouts,
for every format) → `page` (HTML). `Results` is what the cells of a report use.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from ..wording import suggest
from .errors import ReportError, place
from .project import Project, read_project
from .qmd import Document, read_document
from .results import Results
from .words import WORDS

__all__ = ["ReportError", "Results", "render"]

ENGINES = ("auto", "quarto", "embedded")
FORMATS = ("html", "docx", "pdf")


def render(
    path: str | PathLike[str],
    formats: Sequence[str] = ("html",),
    language: str = "en",
    engine: str = "auto",
    *,
    output: str | PathLike[str] | None = None,
    params: Mapping[str, Any] | None = None,
) -> list[Path]:
    """Render a .qmd file, or a folder of them, to self-contained pages.

    Parameters
    ----------
    path : path
        One .qmd file, or a folder (a Quarto project: ``_quarto.yml`` gives order, titles and defaults).
    formats : list of str
        ``html``; with Quarto also ``docx`` and ``pdf``.
    language : str
        Of captions and labels: ``en`` or ``zh``. At the default, `lang` of the page or project comes first. A
        document that declares a parameter `language` gets it too.
    engine : str
        ``embedded``, ``quarto``, or ``auto``: Quarto if it is on the PATH.
    output : path, optional
        Folder of the pages. Default: `output-dir` of ``_quarto.yml``, else ``_site`` beside the file.
    params : mapping, optional
        Values for parameters that the documents declare, in a cell tagged `parameters` or in `params`.

    Returns
    -------
    list of Path
        The pages, the index first. They appear whole or not at all: when a cell fails, the former pages stay.

    Raises
    ------
    ReportError
        With file and line where a cell fails or a reference has no target.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     written = Path(folder, "index.qmd").write_text("Rosacea was seen in **3%**.")
    ...     pages = render(folder, engine="embedded")
    ...     print(pages[0].name, "<strong>3%</strong>" in pages[0].read_text("utf-8"))
    index.html True
    """
    formats = [formats] if isinstance(formats, str) else list(formats)
    _check_choice("engine", engine, ENGINES)
    _check_choice("language", language, tuple(WORDS))
    for format in formats:
        _check_choice("formats", format, FORMATS)
    if engine == "auto":
        engine = "embedded" if shutil.which("quarto") is None else "quarto"
    elif engine == "quarto" and shutil.which("quarto") is None:
        raise ReportError(
            "engine: 'quarto' is not on the PATH; install Quarto, or use engine='embedded', which needs "
            'pip install "dermcohort[report]"'
        )
    later = [format for format in formats if format != "html"]
    if engine == "embedded" and later:
        raise ReportError(
            f"formats: {' and '.join(later)} are not available yet from the embedded engine, only html; "
            "a later release brings them. Use engine='quarto' where Quarto is installed"
        )
    project = read_project(Path(path), None if output is None else Path(output))
    documents = {page: read_document(page.source) for page in project.pages}
    _check_params(params or {}, [documents[page] for page in project.wanted])
    if engine == "quarto":
        return _with_quarto(Path(path), formats, language, params or {}, project, list(documents.values()))
    from .site import render_project

    return render_project(project, documents, language, params or {})


def _with_quarto(
    path: Path,
    formats: Sequence[str],
    language: str,
    params: Mapping[str, Any],
    project: Project,
    documents: Sequence[Document],
) -> list[Path]:
    from .quarto import render_with_quarto

    asked = None if language == "en" else language
    if asked is not None and any("language" in document.parameter_names() for document in documents):
        params = {"language": asked, **params}
    return render_with_quarto(path, formats, asked, params, project.output)


def _check_choice(argument: str, value: str, options: Sequence[str]) -> None:
    if value not in options:
        raise ReportError(f"{argument}: '{value}' is none of {', '.join(options)}.{suggest(value, options)}")


def _check_params(params: Mapping[str, Any], documents: Sequence[Document]) -> None:
    """Each name must be declared by one of the documents at least."""
    declared = list(dict.fromkeys(name for document in documents for name in document.parameter_names()))
    for name in params:
        if name not in declared:
            where = ", ".join(place(document.path) for document in documents[:3])
            known = f" Declared: {', '.join(declared)}." if declared else ""
            raise ReportError(f"params: '{name}' is not declared in {where}.{suggest(name, declared)}{known}")
