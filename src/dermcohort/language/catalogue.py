"""The words and sentences of this package in another language, read from one YAML file each.

A sentence is a pattern: what stands in braces is filled in when an estimator writes it.

- ``{x}``: a number or text, taken over as it is; it goes past no end of a sentence and no semicolon
- ``{x:number}``: the same without a blank
- ``{x:word}``: a word or heading of the catalogue, or a single word that is a name (Wilson)
- ``{x:names}``: names of variables, printed with their labels
- ``{x:clause}``: translated by the patterns of the section ``clauses``; ``{x:clauses}``: several of them, after commas
- ``{x:sentence}``: one or more sentences

A pattern fits only where its words, clauses and sentences can be translated: no sentence is half in one language.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent
Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
OTHERS = tuple(sorted(file.stem for file in HERE.glob("*.yaml")))
LANGUAGES = ("en", *OTHERS)
FIELD = re.compile(r"\{(?P<name>\w+)(?::(?P<kind>number|names|word|clauses?|sentence))?\}")
FILLED = {
    "number": r"\S+?",
    "text": r"(?:(?!\. |; ).)*?",
    "word": r"(?:(?!\. |; ).)+?",
    "names": r"(?:(?!\. |:$).)*?",
}
ENDS = re.compile(r"(?<=[.:)\]]) (?=\S)")  # where a sentence may end
COMMAS = re.compile(r"[,;] ")
BETWEEN_NAMES = re.compile(r"(, |; | and | within | \+ | \(|\))")
CALL = re.compile(r"\w+\([^()]*\)")  # of a function: no list of names, though it has commas
# where a field in Latin letters meets Chinese, which wants a blank between them
SCRIPTS = re.compile(r"(?<=[\u4e00-\u9fff])\0+(?=[A-Za-z0-9])|(?<=[A-Za-z0-9%])\0+(?=[\u4e00-\u9fff])")
PROSE = re.compile(r"\b[a-z]+ (?:the|an?|of|with|without|has|is|are|for|in) ")  # no list of names
NAME = re.compile(r"(?P<variable>[A-Za-z_]\w*) = (?P<level>[^\s,;()]+)|[A-Za-z_]\w*")


@dataclass(frozen=True)
class Pattern:
    """An English text with fields, and how it reads in the other language."""

    source: str
    other: str
    kinds: Mapping[str, str]
    start: str  # the letters before the first field

    @cached_property
    def english(self) -> re.Pattern[str]:
        """The expression, compiled when a text begins alike: most of the hundreds are never needed."""
        return re.compile(self.source)

    def match(self, text: str) -> re.Match[str] | None:
        """The fields of a text that this pattern fits."""
        return self.english.fullmatch(text) if text.startswith(self.start) else None


@dataclass(frozen=True)
class Catalogue:
    """Words by their English text; patterns of sentences and of their clauses; what joins them (as in English: None)."""

    words: Mapping[str, str]
    sentences: tuple[Pattern, ...] = ()
    clauses: tuple[Pattern, ...] = ()
    between_sentences: str | None = None
    between_clauses: str | None = None

    def word(self, text: str) -> str:
        """A word in this language, as it is where it is not known; a capital letter does not matter."""
        return self.words.get(text) or self.words.get(text[:1].lower() + text[1:]) or text

    def sentence(self, text: str, labels: Mapping[str, str]) -> str:
        """One or more sentences in this language; one that no pattern fits stays as it is."""
        parts = _segments(text, ENDS, lambda part: self._fitted(part, self.sentences, labels))
        shown = parts[0].shown
        for before, part in pairwise(parts):
            is_other = before.other is not None and part.other is not None
            glue = self.between_sentences if is_other else None
            shown += (part.separator if glue is None else glue) + part.shown
        return shown

    def _fitted(self, text: str, patterns: tuple[Pattern, ...], labels: Mapping[str, str]) -> str | None:
        for pattern in patterns:
            found = pattern.match(text)
            if found is not None:
                fields = {
                    name: self._field(value, pattern.kinds[name], labels)
                    for name, value in found.groupdict().items()
                }
                if None not in fields.values():
                    marked = pattern.other.format(**{name: f"\0{value}\0" for name, value in fields.items()})
                    return SCRIPTS.sub(" ", marked).replace("\0", "")
        return None

    def _field(self, value: str, kind: str, labels: Mapping[str, str]) -> str | None:
        if kind == "word":
            # a single word that is not known is a name or an abbreviation
            return labels.get(value) or self.words.get(value) or (None if " " in value else value)
        if kind == "names":
            return self._names(value, labels)
        if kind == "clause":
            return self._clause(value, labels)
        if kind == "clauses":
            return _joined(_segments(value, COMMAS, lambda c: self._clause(c, labels)), self.between_clauses)
        if kind == "sentence":
            parts = _segments(value, ENDS, lambda one: self._fitted(one, self.sentences, labels))
            return _joined(parts, self.between_sentences)
        return value

    def _clause(self, text: str, labels: Mapping[str, str]) -> str | None:
        return self.words.get(text) or self._fitted(text, self.clauses, labels)

    def _names(self, text: str, labels: Mapping[str, str]) -> str | None:
        def printed(found: re.Match[str]) -> str:
            variable, level = found["variable"], found["level"]
            if variable is None:
                return labels.get(found[0], found[0])
            shown = labels.get(f"{variable}={level}") or labels.get(level) or self.words.get(level, level)
            return f"{labels.get(variable, variable)} = {shown}"

        if text in labels:
            return labels[text]
        if PROSE.search(text):
            return None
        calls = iter(CALL.findall(text))
        pieces = [
            re.sub("\0", lambda _: next(calls), piece) for piece in BETWEEN_NAMES.split(CALL.sub("\0", text))
        ]
        # whole terms such as log2(urine_as) may have a label of their own
        pieces[::2] = [
            labels.get(piece) or self.words.get(piece) or NAME.sub(printed, piece) for piece in pieces[::2]
        ]
        pieces[1::2] = [self.words.get(piece, piece) for piece in pieces[1::2]]
        return "".join(pieces)


@dataclass(frozen=True)
class _Segment:
    text: str
    other: str | None
    separator: str  # before it

    @property
    def shown(self) -> str:
        return self.text if self.other is None else self.other


def _segments(text: str, ends: re.Pattern[str], translate: Callable[[str], str | None]) -> list[_Segment]:
    """The text in the shortest parts that can be translated, from the left; `other` is None for what cannot."""
    cuts = [(0, 0), *(found.span() for found in ends.finditer(text)), (len(text), len(text))]
    segments, start = [], 0
    while start < len(cuts) - 1:
        parts = {end: text[cuts[start][1] : cuts[end][0]] for end in range(start + 1, len(cuts))}
        translated = ((end, translate(part)) for end, part in parts.items())
        end, other = next((found for found in translated if found[1] is not None), (start + 1, None))
        segments.append(_Segment(parts[end], other, text[slice(*cuts[start])]))
        start = end
    return segments


def _joined(parts: list[_Segment], between: str | None) -> str | None:
    """The parts as one text; None if one of them could not be translated."""
    if any(part.other is None for part in parts):
        return None
    first, *others = parts
    return first.shown + "".join((p.separator if between is None else between) + p.shown for p in others)


@cache
def catalogue_of(language: str) -> Catalogue:
    """The catalogue of a language; an empty one where there is none.

    That of English has the English side of the patterns, so that names of variables are printed with their labels.
    """
    found = _read(OTHERS[0] if language == "en" else language) if language in LANGUAGES else None
    if found is None:
        return Catalogue({})
    words, sentences, clauses = (found[part] for part in ("words", "sentences", "clauses"))
    words = {_capital(word): other for word, other in words.items()} | words
    if language == "en":
        words, sentences, clauses = ({text: text for text in texts} for texts in (words, sentences, clauses))
        return Catalogue(words, _patterns(sentences), _patterns(clauses))
    return Catalogue(
        words,
        _patterns(sentences),
        _patterns(clauses),
        found["between sentences"],
        found["between clauses"],
    )


def _capital(text: str) -> str:
    """A word may begin a heading."""
    return text[:1].upper() + text[1:]


def _read(language: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.load((HERE / f"{language}.yaml").read_text("utf-8"), Loader)
    return found


def _patterns(texts: Mapping[str, str]) -> tuple[Pattern, ...]:
    return tuple(_pattern(english, other) for english, other in texts.items())


def _pattern(english: str, other: str) -> Pattern:
    parts, kinds, end = [], {}, 0
    for field in FIELD.finditer(english):
        kind = kinds[field["name"]] = field["kind"] or "text"
        parts += [re.escape(english[end : field.start()]), f"(?P<{field['name']}>{FILLED.get(kind, '.+?')})"]
        end = field.end()
    parts.append(re.escape(english[end:]))
    start = english.partition("{")[0]
    return Pattern("".join(parts), FIELD.sub(r"{\g<name>}", other), kinds, start)
