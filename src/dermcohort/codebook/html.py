"""The codebook as one page that needs nothing else: both languages, a search, and cards that print."""

from __future__ import annotations

from html import escape
from importlib.resources import files
from pathlib import Path

from ..study import Study
from .card import CardWriter
from .summary import Card
from .words import word

LANGUAGE_NAMES = {"en": "English", "zh": "中文"}


def write_html(study: Study, cards: list[Card], path: Path) -> None:
    """Write the page to `path`."""
    here, languages, min_cell = files(__package__), study.manifest["languages"], study.manifest["min_cell"]
    style, script = (
        "".join((here / name).read_text("utf-8") for name in names)
        for names in (("page.css", "card.css"), ("page.js",))
    )
    writer = CardWriter(languages, min_cell)
    first = languages[0]
    buttons = "".join(
        f'<button type="button" data-show="{x}">{LANGUAGE_NAMES.get(x, x)}</button>' for x in languages
    )
    placeholders = " ".join(f'data-{x}="{escape(word("search", x))}"' for x in languages)
    domains = list(dict.fromkeys(str(card.about["domain"]) for card in cards))
    sections = "".join(_domain(domain, cards, writer) for domain in domains)
    menu = "".join(f'<a href="#domain-{escape(d)}">{writer.word(d)}</a>' for d in domains)
    version = escape(str(study.manifest["dictionary_version"]))
    text = (
        f'<!DOCTYPE html>\n<html lang="{first}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(word('title', first))}</title><style>{style}</style></head>\n"
        f'<body data-language="{first}">\n<header><div class="bar"><h1>{writer.word("title")}</h1>'
        f'<input id="search" type="search" autocomplete="off" aria-label="{escape(word("search", first))}" '
        f'placeholder="{escape(word("search", first))}" {placeholders}>'
        f'<span class="languages">{buttons}</span></div><nav>{menu}</nav></header>\n<main>'
        f'<p class="about">{writer.word("version")} {version} · <span id="shown">{len(cards)}</span> '
        f"{writer.word('of')} {len(cards)} {writer.word('variables')}. "
        f"{writer.both(lambda x: word('counts', x).format(min_cell))}</p>\n"
        f'{sections}<p id="nothing" hidden>{writer.word("nothing")}</p></main>\n'
        f"<script>{script}</script></body></html>\n"
    )
    path.write_text(text, "utf-8")


def _domain(domain: str, cards: list[Card], writer: CardWriter) -> str:
    inside = "".join(writer.card(card) for card in cards if card.about["domain"] == domain)
    return f'<section id="domain-{escape(domain)}"><h2>{writer.word(domain)}</h2>{inside}</section>\n'
