"""The codebook as one page that needs nothing else: both languages, a search, and cards that print."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any

from ..study import Study
from .summary import Card, WaveLine, bounds, shown
from .words import word

LANGUAGE_NAMES = {"en": "English", "zh": "中文"}


def write_html(study: Study, cards: list[Card], path: Path) -> None:
    """Write the page to `path`."""
    page = _Page(study.manifest["languages"], study.manifest["min_cell"])
    path.write_text(page.document(study, cards), "utf-8")


class _Page:
    def __init__(self, languages: list[str], min_cell: int):
        self.languages = languages
        self.min_cell = min_cell

    def document(self, study: Study, cards: list[Card]) -> str:
        here = files(__package__)
        style, script = ((here / name).read_text("utf-8") for name in ("page.css", "page.js"))
        first = self.languages[0]
        buttons = "".join(
            f'<button type="button" data-show="{x}">{LANGUAGE_NAMES.get(x, x)}</button>'
            for x in self.languages
        )
        placeholders = " ".join(f'data-{x}="{escape(word("search", x))}"' for x in self.languages)
        domains = list(dict.fromkeys(str(card.about["domain"]) for card in cards))
        sections = "".join(self.domain(domain, cards) for domain in domains)
        menu = "".join(f'<a href="#domain-{escape(d)}">{escape(d)}</a>' for d in domains)
        version = escape(str(study.manifest["dictionary_version"]))
        return (
            f'<!DOCTYPE html>\n<html lang="{first}"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            f"<title>{escape(word('title', first))}</title><style>{style}</style></head>\n"
            f'<body data-language="{first}">\n<header><div class="bar"><h1>{self.word("title")}</h1>'
            f'<input id="search" type="search" autocomplete="off" aria-label="{escape(word("search", first))}" '
            f'placeholder="{escape(word("search", first))}" {placeholders}>'
            f'<span class="languages">{buttons}</span></div><nav>{menu}</nav></header>\n<main>'
            f'<p class="about">{self.word("version")} {version} · <span id="shown">{len(cards)}</span> '
            f"{self.word('of')} {len(cards)} {self.word('variables')}. "
            f"{self.both(lambda x: word('counts', x).format(self.min_cell))}</p>\n"
            f'{sections}<p id="nothing" hidden>{self.word("nothing")}</p></main>\n'
            f"<script>{script}</script></body></html>\n"
        )

    def both(self, text: Callable[[str], Any]) -> str:
        """A text in every language, of which the page shows one."""
        return "".join(f'<span lang="{x}">{escape(str(text(x)))}</span>' for x in self.languages)

    def word(self, key: str) -> str:
        return self.both(lambda x: word(key, x))

    def texts(self, texts: Mapping[str, str]) -> str:
        return self.both(lambda x: texts.get(x) or next(iter(texts.values()), ""))

    # ---------------------------------------------------------------- cards

    def domain(self, domain: str, cards: list[Card]) -> str:
        inside = "".join(self.card(card) for card in cards if card.about["domain"] == domain)
        return f'<section id="domain-{escape(domain)}"><h2>{escape(domain)}</h2>{inside}</section>\n'

    def card(self, card: Card) -> str:
        shown = card.about["unit"] if card.about["unit"] not in (None, "1", "points") else ""
        unit = f' <span class="unit">{escape(shown)}</span>' if shown else ""
        definition = f'<p class="definition">{self.texts(card.definition)}</p>' if card.definition else ""
        return (
            f'<article id="{escape(card.name)}" data-search="{escape(_searched(card))}">'
            f"<h3>{self.texts(card.labels)}{unit} <code>{escape(card.name)}</code></h3>{definition}"
            f'<dl class="facts">{self.facts(card)}</dl>'
            f'<div class="counts">{self.numbers(card)}{self.categories(card)}{self.reasons(card)}</div>'
            f"{self.waves(card)}</article>\n"
        )

    def facts(self, card: Card) -> str:
        about = card.about
        kind = self.both(lambda x: f"{word(about['type'], x)}, {word(about['entity'], x)}")
        facts: list[tuple[str, str]] = [("type", kind)]
        facts.append(("role", escape(str(about["role"]))))
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
        rows = (
            [escape(str(line.code)), f"{self.texts(line.labels)} <code>{escape(line.name)}</code>", self.count(line.n)]
            for line in card.categories
        )  # fmt: skip
        return _table("categories", head, rows)

    def reasons(self, card: Card) -> str:
        if not card.reasons:
            return ""
        rows = ([self.texts(line.labels), self.count(line.n)] for line in card.reasons)
        return _table("reasons", [self.word("missing"), self.word("count")], rows)

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
            f'<div>{rule}<p class="quiet">{counted}{absent}</p>{notes}</div></li>'
        )


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
