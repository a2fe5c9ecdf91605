"""One card of the codebook as HTML, in one or several languages."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from html import escape
from typing import Any

from .counts import shown
from .drawing import draw, swatch
from .summary import Card, WaveLine, bounds
from .words import word


class CardWriter:
    """Writes cards.

    Parameters
    ----------
    languages : list of str
        Each text stands in all of them; the page shows one.
    min_cell : int
        Counts of fewer people are shown as ``<5``.
    for_report : bool
        The cards also tell which raw value became what, and what was noticed.
    """

    def __init__(self, languages: list[str], min_cell: int, for_report: bool = False):
        self.languages = languages
        self.min_cell = min_cell
        self.for_report = for_report

    def both(self, text: Callable[[str], Any]) -> str:
        """A text in every language, of which the page shows one."""
        return "".join(f'<span lang="{x}">{escape(str(text(x)))}</span>' for x in self.languages)

    def word(self, key: str) -> str:
        return self.both(lambda x: word(key, x))

    def texts(self, texts: Mapping[str, str]) -> str:
        return self.both(lambda x: texts.get(x) or next(iter(texts.values()), ""))

    def card(self, card: Card) -> str:
        known = card.about["unit"] if card.about["unit"] not in (None, "1", "points") else ""
        unit = f' <span class="unit">{self.word(known)}</span>' if known else ""
        definition = f'<p class="definition">{self.texts(card.definition)}</p>' if card.definition else ""
        searched = "" if self.for_report else f' data-search="{escape(_searched(card))}"'
        return (
            f'<article class="card" id="{escape(card.name)}"{searched}>'
            f"<h3>{self.texts(card.labels)}{unit} <code>{escape(card.name)}</code></h3>{definition}"
            f'<dl class="facts">{self.facts(card)}</dl>'
            f'<div class="counts">{self.numbers(card)}{self.categories(card)}{self.reasons(card)}'
            f"{self.shapes(card)}</div>{self.findings(card)}{self.waves(card)}</article>\n"
        )

    def facts(self, card: Card) -> str:
        about = card.about
        kind = self.both(lambda x: f"{word(about['type'], x)}, {word(about['entity'], x)}")
        facts: list[tuple[str, str]] = [("type", kind)]
        facts.append(("role", self.word(str(about["role"]))))
        facts += [(key, escape(" – ".join(bounds(about[key])))) for key in ("soft", "hard") if about[key]]
        facts += [(key, f"<code>{escape(about[key])}</code>") for key in ("asked_if", "derive") if about[key]]
        if card.condition:
            facts.append(("condition", self.texts(card.condition)))
            codes = [
                f"{s} {', '.join(about[k])}"
                for k, s in (("icd10", "ICD-10"), ("icd11", "ICD-11"))
                if about[k]
            ]
            facts.append(("icd", escape("; ".join(codes))))
            cases = {x: about[f"case_definition_{x}"] or "" for x in self.languages}
            facts.append(("case_definition", self.texts(cases)))
        facts += [(key, escape(str(about[key]))) for key in ("measures", "source") if about[key]]
        if about["sensitive"] != "no":
            facts.append(("sensitive", escape(str(about["sensitive"]))))
        return "".join(f"<div><dt>{self.word(key)}</dt><dd>{text}</dd></div>" for key, text in facts if text)

    def count(self, n: int) -> str:
        return escape(shown(n, self.min_cell))

    def numbers(self, card: Card) -> str:
        cells = [("observed", f"{self.count(card.observed)} / {self.count(card.n)}")]
        cells += [(key, escape(text)) for key, text in card.numbers.items()]
        return _table(
            "numbers", [], ([self.word(key) if key[0] != "p" else f"P{key[1:]}", text] for key, text in cells)
        )

    def categories(self, card: Card) -> str:
        if not card.categories:
            return ""
        head = [self.word("code"), self.word("category"), self.word("count")]
        n_levels = len(card.categories)
        rows = (
            [escape(str(line.code)),
             f"{swatch(i, n_levels)}{self.texts(line.labels)} <code>{escape(line.name)}</code>", self.count(line.n)]
            for i, line in enumerate(card.categories)
        )  # fmt: skip
        return _table("categories", head, rows)

    def reasons(self, card: Card) -> str:
        if not card.reasons:
            return ""
        rows = ([self.texts(line.labels), self.count(line.n)] for line in card.reasons)
        return _table("reasons", [self.word("missing"), self.word("count")], rows)

    def shapes(self, card: Card) -> str:
        """The distributions one below the other, on one scale."""
        if not card.shapes:
            return ""
        parts = bool(card.categories)
        rows = (
            [f"{self.texts(s.cohort)}{', ' if s.wave else ''}{self.texts(s.wave)}", draw(s.counts, parts)]
            for s in card.shapes
        )
        return _table("shapes", [], rows)

    def findings(self, card: Card) -> str:
        if not (self.for_report and card.findings):
            return ""
        rows = (
            [f'<span class="status {escape(line.severity)}">{self.word(line.severity)}</span>',
             self.word(line.check), f"{self.texts(line.cohort)}, {self.texts(line.wave)}",
             f"{self.count(line.n)} {self.word('out_of')} {self.count(line.of)}"]
            for line in card.findings
        )  # fmt: skip
        number = f"{self.word('noticed')} ({len(card.findings)})"
        return f"<details><summary>{number}</summary>{_table('findings', [], rows)}</details>"

    def waves(self, card: Card) -> str:
        if not card.waves:
            return ""
        lines = "".join(self.wave(line) for line in card.waves)
        badges = "".join(f'<i class="{escape(line.status)}"></i>' for line in card.waves)
        return (
            f'<details><summary>{self.word("waves")} <span class="dots">{badges}</span></summary>'
            f"<ul>{lines}</ul></details>"
        )

    def wave(self, line: WaveLine) -> str:
        counted = f"{self.count(line.observed)} / {self.count(line.n)} {self.word('observed')}"
        absent = "".join(f", {self.texts(r.labels)} {self.count(r.n)}" for r in line.reasons)
        rule = f"<p>{self.texts(line.rule)}</p>" if any(line.rule.values()) else ""
        notes = "".join(
            f'<p class="quiet">{self.word(key)}: {escape(text)}</p>'
            for key in ("question", "ascertainment", "note", "file")
            if (text := getattr(line, key))
        )
        return (
            f"<li><div><b>{self.texts(line.cohort)}, {self.texts(line.wave)}</b> "
            f'<span class="status {escape(line.status)}">{self.word(line.status)}</span></div>'
            f'<div>{rule}<p class="quiet">{counted}{absent}</p>{notes}{self.sources(line)}</div></li>'
        )

    def sources(self, line: WaveLine) -> str:
        """Which raw value became what, with the rows of the file that had it."""
        if not (self.for_report and line.sources):
            return ""
        head = [self.word("raw"), self.word("became"), self.word("rows")]
        rows = (
            [escape(s.source) or self.word("empty"), f"{self.texts(s.labels)} <code>{escape(s.name)}</code>",
             self.count(s.n)]
            for s in line.sources
        )  # fmt: skip
        return _table("sources", head, rows)


def _table(kind: str, head: list[str], rows: Iterable[list[str]]) -> str:
    top = f"<thead><tr>{''.join(f'<th>{cell}</th>' for cell in head)}</tr></thead>" if head else ""
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f'<table class="{kind}">{top}<tbody>{body}</tbody></table>'


def _searched(card: Card) -> str:
    """What the search looks in, in small letters."""
    about = card.about
    words = [card.name, about["domain"], about["unit"], about["source"], about["derive"], about["asked_if"]]
    words += [*card.labels.values(), *card.definition.values(), *card.condition.values()]
    words += [*(about["icd10"] or ()), *(about["icd11"] or ())]
    for category in card.categories:
        words += [category.name, *category.labels.values()]
    for line in card.waves:
        words += [line.question, line.note, next(iter(line.rule.values()), "")]
    return " ".join(dict.fromkeys(str(text) for text in words if text)).casefold()
