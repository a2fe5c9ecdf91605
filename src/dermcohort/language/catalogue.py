"""The words and sentences of this package in another language, read from one YAML file each.

A sentence is a pattern: what stands in braces is filled in when an estimator writes it. ``{name}`` is a number or
text and is taken over; ``{name:names}`` is a list of names of variables, printed with their labels; ``{name:word}`` is
translated itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

HERE = Path(__file__).parent
LANGUAGES = ("en", *sorted(file.stem for file in HERE.glob("*.yaml") if file.stem != "en"))
FIELD = re.compile(r"\{(?P<name>\w+)(?::(?P<kind>names|word))?\}")


@dataclass(frozen=True)
class Pattern:
    """An English sentence with fields, and how it reads in the other language."""

    english: re.Pattern[str]
    other: str
    kinds: Mapping[str, str]


@dataclass(frozen=True)
class Catalogue:
    """Words by their English text, and patterns of sentences."""

    words: Mapping[str, str]
    patterns: tuple[Pattern, ...]

    def word(self, text: str) -> str:
        """A word in this language, as it is where it is not known; a capital letter does not matter."""
        return self.words.get(text) or self.words.get(text[:1].lower() + text[1:]) or text

    def sentence(self, text: str, labels: Mapping[str, str]) -> str:
        """The sentence in this language, as it is where no pattern fits."""
        for pattern in self.patterns:
            found = pattern.english.fullmatch(text)
            if found is not None:
                fields = {
                    name: self._field(value or "", pattern.kinds[name], labels)
                    for name, value in found.groupdict().items()
                }
                return pattern.other.format(**fields)
        return text

    def _field(self, value: str, kind: str, labels: Mapping[str, str]) -> str:
        if kind == "word":
            return self.word(value)
        if kind == "names":
            return re.sub(r"[A-Za-z_]\w*", lambda found: labels.get(found[0], found[0]), value)
        return value


@cache
def catalogue_of(language: str) -> Catalogue:
    """The catalogue of a language; an empty one where there is none."""
    file = HERE / f"{language}.yaml"
    if not file.exists():
        return Catalogue({}, ())
    found = yaml.safe_load(file.read_text("utf-8")) or {}
    return Catalogue(
        found.get("words") or {},
        tuple(_pattern(one["en"], one["to"]) for one in found.get("sentences") or []),
    )


def _pattern(english: str, other: str) -> Pattern:
    parts, kinds, end = [], {}, 0
    for field in FIELD.finditer(english):
        parts += [re.escape(english[end : field.start()]), f"(?P<{field['name']}>.*?)"]
        kinds[field["name"]] = field["kind"] or "text"
        end = field.end()
    parts.append(re.escape(english[end:]))
    return Pattern(re.compile("".join(parts), re.DOTALL), other, kinds)
