"""A first mapping of a new file, proposed from its labels and codes: everything undecided, for a person to review."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from ..headers import Header, HeaderColumn, read_header_info
from .codes import code_text
from .model import Reason, Variable
from .read import read_schema
from .source import CONSTANTS, DECIMAL, INTEGER

NOTE = "drafted, not reviewed"
ALIKE = 0.7  # ratio of difflib from which a column is proposed for a variable
SAME_ANSWER = 0.8  # and a label for a category: a wrong proposal is worse than none


def draft_mapping(
    path: str | Path, dictionary: str | Path, *, wave: str | None = None, **options: Any
) -> str:
    """A mapping of a new file as YAML text.

    Parameters
    ----------
    path : str or Path
        The raw file.
    dictionary : str or Path
        Folder of the dictionary; only its schema and reasons are used, so the wave need not be declared yet.
    wave : str, optional
        ``cohort/wave``; by default folder and name of the file.
    **options
        How the file is read, as in `read_raw`: encoding, delimiter, sheet, header_row, catalog.

    Returns
    -------
    str
        A rule of status undecided for every variable that a column resembles, the column's labels as comments;
        the other variables in one list and the other columns as comments at the end.

    Raises
    ------
    ReaderError, DictionaryError
        If the file or the schema cannot be read.

    Examples
    --------
    >>> print(draft_mapping("new.sav", "data-dictionary", wave="northbay/followup3"))     # doctest: +SKIP
    """
    header = read_header_info(path, **options)
    variables, reasons = read_schema(dictionary)
    wanted = {name: one for name, one in variables.items() if one.derive is None}
    matches = _match(wanted, header)
    wave = wave or f"{header.path.absolute().parent.name}/{header.path.stem}"
    lines = [f"# Drafted from {_comment(header.path.name)}: a proposal by likeness of names and labels. Review",
             "# every rule, then delete its 'status' and 'note'.", f"wave: {scalar(wave)}"]  # fmt: skip
    lines += ["variables:"] if matches else []
    for name in wanted:
        if name in matches:
            lines += _rule(wanted[name], matches[name], header, reasons)
    rest = [name for name, one in wanted.items() if name not in matches and one.entity != "event"]
    if rest:
        lines += ["undecided:", "  - variables:"]
        lines += [f"      - {name}" for name in rest]
        lines += [f"    note: '{NOTE}: no column resembles them'"]
    taken = {column.name for column in matches.values()}
    others = [column for column in header.columns if column.name not in taken]
    if others:
        lines += ["# Columns that resemble no variable (the participant number belongs in cohort.yaml):"]
        lines += [f"#   {_describe(column)}" for column in others]
    return "\n".join(lines) + "\n"


def _match(variables: Mapping[str, Variable], header: Header) -> dict[str, HeaderColumn]:
    """The most alike pairs first; a column is proposed once."""
    columns = {column.name: column for column in header.columns}
    texts = [(name, folded) for name, column in columns.items() for folded in _words(name, column.label)]
    scores: dict[tuple[str, str], float] = {}
    for variable in variables.values():
        for word in _words(variable.name, *variable.label.values()):
            for name, score in _alike(word, texts):
                scores[variable.name, name] = max(score, scores.get((variable.name, name), 0.0))
    matches: dict[str, HeaderColumn] = {}
    taken: set[str] = set()
    for variable_name, name in sorted(scores, key=lambda pair: -scores[pair]):
        if variable_name not in matches and name not in taken:
            matches[variable_name] = columns[name]
            taken.add(name)
    return matches


def _words(*texts: str | None) -> list[str]:
    return [word for word in dict.fromkeys(_folded(text) for text in texts if text) if word]


def _folded(text: str) -> str:
    return re.sub(r"[\W_]+", " ", code_text(text).casefold()).strip()


def _alike(word: str, texts: Iterable[tuple[str, str]]) -> Iterator[tuple[str, float]]:
    """Columns whose text is like `word`; a Chinese word inside a longer one (身高 in 身高cm) counts as alike."""
    matcher = difflib.SequenceMatcher(autojunk=False)
    matcher.set_seq2(word)  # the costly half, so once a word
    for name, text in texts:
        if len(word) > 1 and not word.isascii() and word in text:
            yield name, 0.8 + 0.2 * len(word) / len(text)
            continue
        matcher.set_seq1(text)
        is_near = matcher.real_quick_ratio() >= ALIKE and matcher.quick_ratio() >= ALIKE
        if is_near and (score := matcher.ratio()) >= ALIKE:
            yield name, score


def _rule(
    variable: Variable, column: HeaderColumn, header: Header, reasons: Mapping[str, Reason]
) -> list[str]:
    """The lines of one proposed rule."""
    categories = {category.name: category.label for category in variable.categories}
    absent = {name: reason.label for name, reason in reasons.items()}
    found: dict[str, list[str]] = {"map": [], "missing": []}
    unknown = []
    for code, label in column.value_labels.items():
        category = _answer(label, categories)
        key, target = ("map", category) if category else ("missing", _answer(label, absent))
        if target:
            found[key].append(f"      {scalar(code)}: {scalar(target)}    # {_comment(label)}")
        else:
            unknown.append(f"    # {_comment(code_text(code))} = {_comment(label)}")
    lines = [
        f"  # {_describe(column, labels=False)}",
        f"  {variable.name}:",
        f"    from: {scalar(column.name)}",
    ]
    if variable.type == "date":
        system = header.date_system if column.date_format else "auto" if column.kind == "date" else None
        lines += [f"    date: {system}"] if system else ["    # date: how is it written? Such as '%Y-%m-%d'"]
    for key, entries in found.items():
        lines += [f"    {key}:", *entries] if entries else []
    lines += ["    # no proposal for:", *unknown] if unknown else []
    if variable.unit and variable.is_number:
        lines += [f"    # unit: the schema has {_comment(variable.unit)}; say so if the file has another"]
    return [*lines, "    status: undecided", f"    note: {NOTE}"]


def _answer(label: str, options: Mapping[str, Mapping[str, str]]) -> str | None:
    """The category or reason that a value label names, if one clearly does."""
    text = _folded(label)
    scores = {
        name: max(
            difflib.SequenceMatcher(None, text, _folded(word)).ratio() for word in (name, *words.values())
        )
        for name, words in options.items()
    }
    best = max(scores, key=lambda name: scores[name], default=None)
    return best if best is not None and scores[best] >= SAME_ANSWER else None


def _describe(column: HeaderColumn, labels: bool = True) -> str:
    parts = [column.name, f"'{column.label}'" if column.label else "", column.kind]
    if labels and column.value_labels:
        parts.append("; ".join(f"{code_text(code)} = {label}" for code, label in column.value_labels.items()))
    if column.missing_ranges:
        ranges = [dict.fromkeys((code_text(low), code_text(high))) for low, high in column.missing_ranges]
        parts.append(f"missing: {', '.join(' to '.join(one) for one in ranges)}")
    return _comment("  ".join(part for part in parts if part))


def _comment(text: str) -> str:
    """Text for one line of a comment: no line end, nothing that YAML refuses."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


def scalar(value: Any) -> str:
    """A value as YAML that the strict loader reads back as it is.

    Examples
    --------
    >>> scalar(1.0), scalar("Q12"), scalar("010"), scalar("1")
    ('1', 'Q12', '010', '"1"')
    """
    if isinstance(value, (int, float)):
        return code_text(value)
    text = str(value)
    is_plain = re.fullmatch(r"\w[\w./-]*", text) is not None and text.isprintable()
    if is_plain and not INTEGER.fullmatch(text) and not DECIMAL.fullmatch(text) and text not in CONSTANTS:
        return text
    quoted: str = yaml.safe_dump(text, default_style='"', allow_unicode=True, width=float("inf"))
    return quoted.rstrip("\n")
