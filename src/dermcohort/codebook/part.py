"""The cards as a part of a report, with what harmonization did: Markdown with blocks of HTML, one file a language."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from html import escape
from importlib.resources import files
from pathlib import Path

import pandas as pd

from ..study import Study, printed_names
from .card import CardWriter
from .summary import Card
from .words import word

STATUSES = ("complete", "derived", "partial", "undecided", "impossible")


def part_files(study: Study, cards: list[Card], name: str) -> list[tuple[str, Callable[[Path], object]]]:
    """Name and writer of one file a language: ``variables.en.md``."""
    texts = {language: _part(study, cards, language) for language in study.manifest["languages"]}
    return [(f"{name}.{language}.md", partial(_write, text)) for language, text in texts.items()]


def _write(text: str, path: Path) -> None:
    path.write_text(text, "utf-8")


def _part(study: Study, cards: list[Card], language: str) -> str:
    """Headings are Markdown, so that the page lists them; the rest is for browsers."""
    min_cell = study.manifest["min_cell"]
    writer = CardWriter([language], min_cell, for_report=True)
    style = (files(__package__) / "card.css").read_text("utf-8")
    counts = escape(word("counts", language).format(min_cell))
    parts = [_html(f"<style>{style}</style><p>{counts}</p>")]
    parts += [f"## {word('matrix', language)} {{#overview}}", _html(_overview(study, language))]
    for domain in dict.fromkeys(str(card.about["domain"]) for card in cards):
        inside = "".join(writer.card(card) for card in cards if card.about["domain"] == domain)
        parts += [f"## {word(domain, language).capitalize()} {{#domain-{domain}}}", _html(inside)]
    return "\n\n".join(parts) + "\n"


def _html(text: str) -> str:
    return f"```{{=html}}\n{text}\n```"


def _overview(study: Study, language: str) -> str:
    """The matrix of variables and waves; a variable leads to its card."""
    matrix, names = study.matrix(), printed_names(study.schema, study.manifest, language)
    cohorts = matrix.columns.get_level_values(0)
    starts = [i == 0 or cohorts[i] != cohorts[i - 1] for i in range(len(cohorts))]
    first = [' class="start"' if start else "" for start in starts]
    top = "".join(
        f'<th class="start" colspan="{(cohorts == cohort).sum()}">{escape(names[f"cohort={cohort}"])}</th>'
        for cohort in dict.fromkeys(cohorts)
    )
    waves = "".join(
        f'<th{first[i]}><span class="wave">{escape(names.get(f"wave={wave}", wave))}</span></th>'
        for i, (_, wave) in enumerate(matrix.columns)
    )
    rows = "".join(
        f'<tr><th scope="row"><a href="#{escape(name)}">{escape(names[name])}</a></th>{_squares(row, first, language)}</tr>'
        for name, row in matrix.iterrows()
    )
    found = [status for status in STATUSES if (matrix == status).any(axis=None)]
    legend = "".join(f'<span><i class="{x}"></i>{escape(word(x, language))}</span>' for x in found)
    head = f"<tr><td></td>{top}</tr><tr><th>{word('variable', language)}</th>{waves}</tr>"
    return f'<div class="overview"><p>{legend}</p><table><thead>{head}</thead><tbody>{rows}</tbody></table></div>'


def _squares(row: pd.Series, first: list[str], language: str) -> str:
    return "".join(
        f"<td{start}></td>"
        if status == "."
        else f'<td{start}><i class="{status}" title="{escape(word(status, language))}"></i></td>'
        for status, start in zip(row, first, strict=True)
    )
