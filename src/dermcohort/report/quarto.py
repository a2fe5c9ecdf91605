"""The other engine: the program `quarto`, where it is installed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from .combine import combine
from .edition import Edition
from .errors import ReportError
from .project import CONFIGURATION, Page, settings
from .qmd import Cell, Document
from .words import LANGUAGE_VARIABLE

# PDFs are set by typst, which comes with Quarto, as those of the embedded engine
NAMES = {"html": "html", "pdf": "typst", "docx": "docx"}
# what Quarto or a former run left beside the pages
NOT_STAGED = (".quarto", "_freeze", "_site", "_quarto*.yml", ".*")


def render_with_quarto(
    path: Path, edition: Edition, formats: Sequence[str], params: Mapping[str, Any]
) -> list[Path]:
    """Run ``quarto render`` and put its files into the output folder when all formats succeeded; returns the pages.

    PDF and Word of a folder are made of a staged copy, in which the pages are combined into one file.
    """
    project, output = edition.project, edition.project.output
    asked = None if edition.language == "en" else edition.language
    documents = [edition.documents[page] for page in project.wanted]
    if asked is not None and any("language" in document.parameter_names() for document in documents):
        params = {"language": asked, **params}
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{output.name}.", dir=output.parent) as temporary:
        for format in formats:
            common = ["--to", NAMES[format], "--output-dir", temporary]
            if project.together and format != "html":
                _render_combined(edition, format, common, params)
            else:
                profile = [] if project.profile is None else ["--profile", project.profile]
                _run([str(path.resolve()), *common, *profile, *_options(params, asked)], asked)
        files = sorted(file for file in Path(temporary).rglob("*") if file.is_file())
        moved = []
        for file in files:
            target = output / file.relative_to(temporary)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(file, target)
            moved.append(target)
    pages = [file for file in moved if file.suffix.removeprefix(".") in formats]
    index = project.folder / "index.html"
    order = ["html", *formats]
    return sorted(
        pages,
        key=lambda page: (order.index(page.suffix[1:]), page.relative_to(output) != index, page),
    )


def _options(params: Mapping[str, Any], language: str | None) -> list[str]:
    found = []
    for name, value in params.items():
        found += ["-P", f"{name}:{value if isinstance(value, str) else json.dumps(value)}"]
    return [*found, *([] if language is None else ["-M", f"lang:{language}"])]


def _run(arguments: list[str], language: str | None) -> None:
    # the kernel of this interpreter, which has dermcohort
    environment = {**os.environ, "QUARTO_PYTHON": sys.executable, LANGUAGE_VARIABLE: language or "en"}
    command = ["quarto", "render", *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        last = (done.stderr.strip() or done.stdout.strip() or "no message").splitlines()[-5:]
        raise ReportError("quarto render failed: " + "\n".join(last))


# ------------------------------------------------------------------------------------- one file of all pages


def _render_combined(edition: Edition, format: str, common: list[str], params: Mapping[str, Any]) -> None:
    """The copy stands beside the folder: what the cells look for above them, such as results/, is there too."""
    project = edition.project
    target = project.file_of_all(format).with_suffix(".qmd")
    with tempfile.TemporaryDirectory(prefix=f".{project.root.name}.", dir=project.root.parent) as temporary:
        stage = Path(temporary)
        unwanted = shutil.ignore_patterns(*NOT_STAGED, project.output.name)
        shutil.copytree(project.root, stage, ignore=unwanted, dirs_exist_ok=True)
        settings_of_stage = {"project": {"type": "default", "render": [target.as_posix()]}}
        (stage / CONFIGURATION).write_text(yaml.safe_dump(settings_of_stage, sort_keys=False), "utf-8")
        (stage / target).write_text(combined_source(edition, format, params), "utf-8")
        _run([str(stage), *common], edition.language_of())


def combined_source(edition: Edition, format: str, params: Mapping[str, Any]) -> str:
    """One .qmd of all pages with their cells; values of parameters are set where the pages declare them."""
    project = edition.project
    metadata = {
        key: value for key, value in edition.metadata_of_all(format).items() if value not in (None, [])
    }
    front = {"toc": True, **metadata, "execute": dict(project.execute)}
    chapters = [
        edition.chapter(page, _source(edition.documents[page], page, params)) for page in project.wanted
    ]
    text = combine(chapters, project.root / project.folder)
    return f"---\n{yaml.safe_dump(front, allow_unicode=True, sort_keys=False)}---\n\n{text}\n"


def _source(document: Document, page: Page, params: Mapping[str, Any]) -> str:
    _, own = settings(document.metadata, page.source.parent)
    values = {name: value for name, value in params.items() if name in document.parameter_names()}
    injected = "\n".join(f"{name} = {value!r}" for name, value in values.items())
    setting = [_cell(injected, {"include": False})] if injected else []
    parts = [] if document.parameters_cell is not None else list(setting)
    for part in document.parts:
        if isinstance(part, Cell):
            parts.append(_cell(part.code, {**own, **part.options}))
            parts += setting if part.is_parameters else []
        else:
            parts.append(part)
    return "\n\n".join(parts)


def _cell(code: str, options: Mapping[str, Any]) -> str:
    # the notebook of several pages has several cells of parameters: what these declare is set above
    shown = {key: value for key, value in options.items() if key != "tags"}
    lines = (
        yaml.safe_dump(shown, allow_unicode=True, sort_keys=False, width=10**6).splitlines() if shown else []
    )
    ticks = "````" if "```" in code else "```"
    return "\n".join([f"{ticks}{{python}}", *(f"#| {line}" for line in lines), code, ticks])
