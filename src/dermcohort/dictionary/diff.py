"""What changed between two dictionaries, in words: for a pull request, a changelog, or before an edit is applied.

Compared are the dictionaries, not their files: comments, order of keys and layout make no difference.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .expression import Expression
from .model import Category, Cohort, Dictionary, Interval, Rule, Variable, Wave
from .yaml_text import scalar_text

Codes = Mapping[Any, str]
ABSENT = "absent"
BY_LANGUAGE = ("label", "definition", "title", "short", "case_definition")


@dataclass(frozen=True)
class Change:
    """One difference: `place` is a part of the dictionary or "cohort/wave", `subject` what changed there."""

    place: str
    subject: str
    text: str

    def __str__(self) -> str:
        where = f" in {self.place}" if "/" in self.place else ""
        return f"{self.subject}{where}: {self.text}"


def diff_dictionaries(old: Dictionary, new: Dictionary) -> list[Change]:
    """Every difference of content between two dictionaries.

    Parameters
    ----------
    old, new : Dictionary
        As `read_dictionary` gives them.

    Returns
    -------
    list of Change
        Grouped by place: dictionary, schema, units, conditions, checks, then cohort by cohort and wave by wave.

    Examples
    --------
    >>> old = read_dictionary("data-dictionary")             # doctest: +SKIP
    >>> new = read_dictionary("../branch/data-dictionary")   # doctest: +SKIP
    >>> for change in diff_dictionaries(old, new):           # doctest: +SKIP
    ...     print(change)
    smoking_status in northbay/baseline: code 3 now maps to never (was former)
    """
    changes = list(_fields("dictionary", "dictionary", old, new, ("version", "languages", "min_cell")))
    changes += _named("dictionary", "reason", old.reasons, new.reasons)
    changes += _variables(old.variables, new.variables)
    changes += _conversions(old, new)
    changes += _named("conditions", "condition", old.conditions, new.conditions)
    changes += _named("checks", "check", *({check.id: check for check in d.checks} for d in (old, new)))
    for name in _union(old.cohorts, new.cohorts):
        changes += _cohort(name, old.cohorts.get(name), new.cohorts.get(name))
    return changes


def render_changes(changes: Iterable[Change]) -> str:
    """The changes as text, one heading for each place."""
    lines: list[str] = []
    place = None
    for change in changes:
        if change.place != place:
            place = change.place
            lines += [*([""] if lines else []), place]
        lines.append(f"  {change.subject}: {change.text}")
    return "\n".join(lines) or "no difference"


def _variables(old: Mapping[str, Variable], new: Mapping[str, Variable]) -> Iterator[Change]:
    for name in _union(old, new):
        if name not in new:
            yield Change("schema", name, "variable removed")
        elif name not in old:
            yield Change("schema", name, f"new variable, {new[name].type}")
        else:
            yield from _categories(name, old[name].categories, new[name].categories)
            yield from _object("schema", name, old[name], new[name], skip=("categories",))
    kept = [[name for name in names if name in old and name in new] for names in (old, new)]
    if kept[0] != kept[1]:
        yield Change("schema", "variables", "in another order")


def _categories(name: str, old: tuple[Category, ...], new: tuple[Category, ...]) -> Iterator[Change]:
    before, after = ({category.name: category for category in side} for side in (old, new))
    for level in _union(before, after):
        if level not in after:
            yield Change("schema", name, f"category {level} removed")
        elif level not in before:
            yield Change("schema", name, f"new category {level}, code {after[level].code}")
        else:
            for change in _object("schema", name, before[level], after[level]):
                yield dataclasses.replace(change, text=f"category {level}: {change.text}")
    kept = [[level for level in levels if level in before and level in after] for levels in (before, after)]
    if kept[0] != kept[1]:
        yield Change("schema", name, f"categories now in the order {', '.join(after)}")


def _conversions(old: Dictionary, new: Dictionary) -> Iterator[Change]:
    for key in _union(old.conversions, new.conversions):
        before, after = old.conversions.get(key), new.conversions.get(key)
        if before != after:
            analyte, unit, target = key
            yield Change("units", analyte, _turned(f"{unit} to {target}", _words(before), _words(after)))


def _cohort(name: str, old: Cohort | None, new: Cohort | None) -> Iterator[Change]:
    if old is None or new is None:
        yield Change(name, name, "cohort removed" if new is None else "new cohort")
        return
    yield from _object(name, name, old, new, skip=("waves", "missing_codes"))
    yield from _codes(name, name, "missing code", "means", old.missing_codes, new.missing_codes)
    for wave in _union(old.waves, new.waves):
        before, after = old.waves.get(wave), new.waves.get(wave)
        if before is None or after is None:
            yield Change(f"{name}/{wave}", wave, "wave gone" if after is None else "new wave")
        else:
            yield from _wave(f"{name}/{wave}", before, after, (old.missing_codes, new.missing_codes))


def _wave(place: str, old: Wave, new: Wave, shared: tuple[Codes, Codes]) -> Iterator[Change]:
    yield from _object(place, "wave", old, new, skip=("rules", "id"))
    yield from _object(place, "id", old.id, new.id)
    for name in _union(old.rules, new.rules):
        before, after = old.rules.get(name), new.rules.get(name)
        if before is None or after is None:
            text = "no longer spoken for" if after is None else f"now {_outline(after)}"
            yield Change(place, name, text)
        else:
            yield from _rule(place, name, before, after, shared)


def _rule(place: str, name: str, old: Rule, new: Rule, shared: tuple[Codes, Codes]) -> Iterator[Change]:
    if old.is_mapped and new.is_mapped and old.verb == new.verb:
        yield from _codes(place, name, "code", "maps to", old.map, new.map)
        yield from _codes(place, name, "missing code", "means", old.missing, new.missing, shared)
        yield from _object(place, name, old, new, skip=("text", "map", "missing", "verb"))
    elif _outline(old) != _outline(new):
        yield Change(place, name, f"now {_outline(new)} (was {_outline(old)})")
        yield from _fields(place, name, old, new, ("note", "ascertainment", "reviewed", "question"))
    else:
        yield from _object(place, name, old, new, skip=("text",))


def _outline(rule: Rule) -> str:
    """A whole rule in a few words."""
    if not rule.is_mapped:
        return rule.status
    columns = f" from {', '.join(rule.sources)}" if rule.sources else ""
    return f"{rule.status}, {rule.verb}{columns}"


def _codes(
    place: str,
    name: str,
    what: str,
    verb: str,
    old: Codes,
    new: Codes,
    shared: tuple[Codes, Codes] = ({}, {}),
) -> Iterator[Change]:
    """Code by code; a change that a rule merely takes over from its cohort was told there."""
    for code in _union(old, new):
        before, after = old.get(code), new.get(code)
        if before == after or (before, after) == (shared[0].get(code), shared[1].get(code)):
            continue
        shown = scalar_text(code)
        if after is None:
            yield Change(place, name, f"{what} {shown} no longer {verb} {before}")
        elif before is None:
            yield Change(place, name, f"new: {what} {shown} {verb} {after}")
        else:
            yield Change(place, name, f"{what} {shown} now {verb} {after} (was {before})")


def _named(place: str, what: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    for name in _union(old, new):
        if name not in new or name not in old:
            yield Change(place, name, f"{what} removed" if name not in new else f"new {what}")
        else:
            yield from _object(place, name, old[name], new[name])


def _object(place: str, subject: str, old: Any, new: Any, skip: tuple[str, ...] = ()) -> Iterator[Change]:
    """Every field of two dataclasses that counts in a comparison, but `skip`."""
    names = [field.name for field in dataclasses.fields(old) if field.compare and field.name not in skip]
    return _fields(place, subject, old, new, names)


def _fields(place: str, subject: str, old: Any, new: Any, names: Iterable[str]) -> Iterator[Change]:
    for name in names:
        before, after = getattr(old, name), getattr(new, name)
        if before == after:
            continue
        if name in BY_LANGUAGE:
            for language in _union(before or {}, after or {}):
                first, second = (_words((side or {}).get(language)) for side in (before, after))
                if first != second:
                    yield Change(place, subject, _turned(f"{name} ({language})", first, second))
        else:
            title = {"soft": "soft range", "hard": "hard range", "columns": "from"}.get(name, name)
            yield Change(place, subject, _turned(title, _words(before), _words(after)))


def _turned(title: str, before: str, after: str) -> str:
    if before == ABSENT:
        return f"{title} added: {after}"
    return f"{title} removed (was {before})" if after == ABSENT else f"{title} now {after} (was {before})"


def _words(value: Any) -> str:
    """A value of the model for people."""
    if value is None or value in ((), {}, ""):
        return ABSENT
    if isinstance(value, float):
        return f"{value:.12g}"
    if isinstance(value, Expression):
        return value.text
    if isinstance(value, Interval):
        low, high = ("[" if value.low_closed else "("), ("]" if value.high_closed else ")")
        return f"{low}{value.low:g}, {value.high:g}{high}"
    if isinstance(value, tuple) and len(value) == 2 and not isinstance(value[0], (str, tuple)):
        return f"{_words(value[0])} to {_words(value[1])}"
    if isinstance(value, tuple):
        return ", ".join(_words(item) for item in value)
    if isinstance(value, Mapping):
        return ", ".join(str(key) if key == item else f"{key}: {_words(item)}" for key, item in value.items())
    if dataclasses.is_dataclass(value):
        parts = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
        return ", ".join(f"{name} {_words(part)}" for name, part in parts.items() if part not in (None, ()))
    return str(value)


def _union(old: Iterable[Any], new: Iterable[Any]) -> list[Any]:
    """The keys of both, the new order first."""
    return list(dict.fromkeys([*new, *old]))
