"""The STROBE checklist of a cohort study: what it asks, and where the report answers.

The answers stand in a YAML file beside the pages, one entry an item:

- ``in``: pages, or sections of them (``prevalence.qmd#sec-standardized``), that must be there
- ``text``: a sentence instead or beside it
- ``authors``: why only the authors of a paper can answer
- ``not applicable``: why the item does not apply

A text is one for all languages, or one for each: ``{en: …, zh: …}``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from ..dictionary.problems import Place, ProblemList
from ..dictionary.source import Block, read_yaml_text
from ..language import Labels
from ..wording import suggest
from .errors import ReportError, place
from .markdown import pipe_table
from .qmd import Document, read_document

HERE = Path(__file__).parent
KINDS = ("in", "text", "authors", "not applicable")
PARTS = {
    "title": "Title and abstract",
    "introduction": "Introduction",
    "methods": "Methods",
    "results": "Results",
    "discussion": "Discussion",
    "other": "Other information",
}
HEADING = re.compile(r"^#{1,6}\s+(?P<title>.*?)\s*\{[^}]*#(?P<id>sec-[\w-]+)[^}]*\}\s*$", re.MULTILINE)


@cache
def items() -> dict[str, Mapping[str, str]]:
    """The items by their number (``12a``): part of the paper, and what is asked, by language."""
    listed = yaml.safe_load((HERE / "strobe.yaml").read_text("utf-8"))
    return {str(item["id"]): item for item in listed}


def strobe_table(answers: Path, pages: Path, labels: Labels) -> str:
    """Markdown of the checklist with the answers of a file.

    Parameters
    ----------
    answers : path
        The YAML file.
    pages : path
        Folder of the pages that it links to.
    labels : Labels
        Their language is that of the table.

    Raises
    ------
    ReportError
        With file and line, if an item is unknown, absent or not answered, or a page or section does not exist.
    """
    given = _read(answers)
    rows, part = [], ""
    for number, item in items().items():
        if item["part"] != part:
            part = item["part"]
            rows.append(["", f"**{labels.word(PARTS[part])}**", ""])
        asked = item.get(labels.language) or item["en"]
        rows.append([number, asked, _answer(given, number, pages, labels)])
    heads = [labels.word(head) for head in ("Item", "Recommendation", "Where it is answered")]
    source = labels.sentence(
        "Items in short after STROBE, cohort studies (von Elm et al., PLoS Med 2007;4:e296, CC BY)."
    )
    return f"{pipe_table(heads, rows)}\n\n::: {{.table-notes}}\n{source}\n:::"


def _read(file: Path) -> dict[str, Block]:
    if not file.is_file():
        raise ReportError(
            f"the answers to STROBE, '{file.name}', are not there: write one entry for each item"
        )
    problems = ProblemList(file.parent)
    given = read_yaml_text(file.read_text("utf-8"), place(file), problems)
    if problems.has_errors():
        first = problems.problems[0]
        raise ReportError(f"{first.file}:{first.line}: {first.text}")
    if not isinstance(given, Block):
        raise ReportError(f"{place(file)}: the file must have one entry for each item (12a: …)")
    answers: dict[str, Block] = {}
    for key, answer in given.items():
        number, where = str(key), _shown(given.key_at(key))
        if number not in items():
            raise ReportError(
                f"{where}: '{number}' is no item of STROBE for cohort studies.{suggest(number, items())}"
            )
        if not isinstance(answer, Block) or not answer or not set(answer) <= set(KINDS):
            raise ReportError(f"{where}: the answer to item {number} must have one of: {', '.join(KINDS)}")
        answers[number] = answer
    absent = [number for number in items() if number not in answers]
    if absent:
        raise ReportError(
            f"{place(file)}: no answer to item {', '.join(absent)}; say 'authors' or 'not applicable', and why, "
            "where the report has none"
        )
    return answers


def _answer(given: Mapping[str, Block], number: str, pages: Path, labels: Labels) -> str:
    answer = given[number]
    targets = answer.get("in", [])
    where = f"{_shown(answer.at('in'))}: item {number}"
    targets = [targets] if isinstance(targets, str) else targets
    links = [_link(str(target), pages, where, labels) for target in targets]
    parts = [labels.word(", ").join(links), _text(answer.get("text", ""), labels)]
    for kind, word in (("authors", "For the authors"), ("not applicable", "Does not apply")):
        if kind in answer:
            parts.append(f"*{labels.word(word)}*{labels.word(': ')}{_text(answer[kind], labels)}")
    return labels.word("; ").join(part for part in parts if part)


def _text(text: Any, labels: Labels) -> str:
    return str(text.get(labels.language) or text.get("en") or "") if isinstance(text, Mapping) else str(text)


def _link(target: str, pages: Path, where: str, labels: Labels) -> str:
    """A link with the title of the page, and of the section if one is named."""
    name, _, section = target.partition("#")
    if not (pages / name).is_file():
        known = sorted(file.name for file in pages.glob("*.qmd"))
        raise ReportError(f"{where}: there is no page '{name}' beside this one.{suggest(name, known)}")
    document = read_document(pages / name)
    title = str(document.metadata.get("title") or Path(name).stem)
    if section:
        titles = _sections(document)
        if section not in titles:
            raise ReportError(f"{where}: {name} has no section '{section}'.{suggest(section, titles)}")
        title = f"{title}{labels.word(': ')}{titles[section]}"
    return f"[{title}]({target})"


def _sections(document: Document) -> dict[str, str]:
    """Titles of the sections that have an identifier."""
    texts = [part for part in document.parts if isinstance(part, str)]
    return {found["id"]: found["title"] for text in texts for found in HEADING.finditer(text)}


def _shown(where: Place) -> str:
    return f"{where.file}:{where.line}"
