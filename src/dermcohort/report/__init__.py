"""Reports: .qmd files with Python cells become HTML pages that need no network, PDF and Word files.

`render` uses Quarto where it is installed, else the embedded engine (nbclient and pandoc, from packages), which
renders the subset of Quarto that docs/reports.md states. The steps are one module each:
`project` (which pages) → `qmd` (read) → `execute` (run the cells) → `document` (numbers, references, callouts,
for every format) → `page` (HTML), `pdf`, `word`. `Results` is what the cells of a report use.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from ..wording import suggest
from .edition import read_edition
from .errors import ReportError, place
from .qmd import Document
from .results import Results
from .words import WORDS

__all__ = ["ReportError", "Results", "render"]

ENGINES = ("auto", "quarto", "embedded")
FORMATS = ("html", "docx", "pdf")


def render(
    path: str | PathLike[str],
    formats: Sequence[str] = ("html",),
    language: str | Sequence[str] = "en",
    engine: str = "auto",
    *,
    output: str | PathLike[str] | None = None,
    params: Mapping[str, Any] | None = None,
) -> list[Path]:
    """Render a .qmd file, or a folder of them, to self-contained pages, to PDF and to Word.

    Parameters
    ----------
    path : path
        One .qmd file, or a folder (a Quarto project: ``_quarto.yml`` gives order, titles and defaults).
    formats : list of str
        ``html``, ``pdf``, ``docx``. HTML has one page for each .qmd file; PDF and Word have all pages of a folder as
        the chapters of one document. Cells run once for all formats.
    language : str or list of str
        ``en`` or ``zh``: that of captions and labels, and the Quarto profile (``_quarto-zh.yml``) where there is one.
        At the default, `lang` of the page or project comes first. A document that declares a parameter `language`
        gets it too. Of several languages, every page links to the same page in the others.
    engine : str
        ``embedded``, ``quarto``, or ``auto``: Quarto if it is on the PATH.
    output : path, optional
        Folder of the files. Default: `output-dir` of ``_quarto.yml``, else ``_site`` beside the file.
    params : mapping, optional
        Values for parameters that the documents declare, in a cell tagged `parameters` or in `params`.

    Returns
    -------
    list of Path
        The pages, the index first, then PDF and Word. They appear whole or not at all: when a cell fails, the former files stay.

    Raises
    ------
    ReportError
        With file and line where a cell fails, a reference has no target, or pages that make one document have
        the same label.

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
    languages = [language] if isinstance(language, str) else list(language)
    for name in languages:
        _check_choice("language", name, tuple(WORDS))
    for format in formats:
        _check_choice("formats", format, FORMATS)
    if engine == "auto":
        engine = "embedded" if shutil.which("quarto") is None else "quarto"
    elif engine == "quarto" and shutil.which("quarto") is None:
        raise ReportError(
            "engine: 'quarto' is not on the PATH; install Quarto, or use engine='embedded', which needs "
            'pip install "dermcohort[report]"'
        )
    target = None if output is None else Path(output)
    editions = [read_edition(Path(path), target, name) for name in languages]
    _check_params(params or {}, [e.documents[page] for e in editions for page in e.project.wanted])
    if engine == "quarto":
        from .quarto import render_with_quarto

        return [file for e in editions for file in render_with_quarto(Path(path), e, formats, params or {})]
    from .site import render_editions

    return render_editions(editions, formats, params or {})


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
