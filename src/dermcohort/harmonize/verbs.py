"""The rule verbs: one raw wave in, one harmonized vector out, with everything a reader must know about it.

Every verb works on the distinct values of a raw column, so its cost does not grow with texts or codes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from ..dictionary.model import Conversion, Limit, Reason, Rule, Score, Variable
from ..readers import RawColumn
from .dates import read_dates
from .evaluate import EvaluationError, evaluate, format_number
from .functions import FUNCTIONS as CALLS
from .vectors import (
    ABOVE_LOQ,
    BELOW_LOD,
    DAY,
    INVALID,
    NO_ANSWER,
    UNMAPPED,
    Vector,
    date,
    from_strings,
    normalize_text,
    number,
    relevel,
    strings,
    text,
    to_float,
)

N_REASONS = 32  # codes of missing reasons are 0 to 31


class RuleError(Exception):
    """A rule cannot be applied to the file; the variable becomes `unmapped` and the finding says why."""


@dataclass(frozen=True)
class Outcome:
    """A harmonized variable of one wave.

    `limits` holds the detection limit (target unit) of every row below it, NaN elsewhere; `before` counts the
    source values by what they became.
    """

    vector: Vector
    limits: np.ndarray | None = None
    before: pd.DataFrame | None = None
    factor: Conversion | None = None


@dataclass(frozen=True)
class Context:
    """What every rule of a wave may need."""

    reasons: Mapping[str, Reason]
    conversions: Mapping[tuple[str, str, str], Conversion]
    columns: Mapping[str, RawColumn]
    n_rows: int

    def reason(self, name: str) -> int:
        return self.reasons[name].code


def apply_rule(variable: Variable, rule: Rule, context: Context) -> Outcome:
    """Harmonize one variable of one wave, or of some of its rows.

    Raises
    ------
    RuleError
        If the rule does not fit the columns it names.
    """
    try:
        outcome = _VERBS[rule.verb](variable, rule, context)
    except EvaluationError as error:
        raise RuleError(str(error)) from None
    return replace(outcome, vector=_bounded(conform(outcome.vector, variable), variable))


def _bounded(vector: Vector, variable: Variable) -> Vector:
    """Impossible numbers as infinities: that they are impossible is all that may be known, one may be a telephone."""
    if variable.hard is None or vector.kind != "number":
        return vector
    low, high = variable.hard
    data = np.where(vector.data < low, -np.inf, np.where(vector.data > high, np.inf, vector.data))
    return replace(vector, data=data)


def blank(variable: Variable, n: int, reason: int) -> Vector:
    """A vector of the variable's kind with `reason` everywhere."""
    why = np.full(n, reason, np.int8)
    if variable.is_number:
        return Vector("number", np.full(n, np.nan), why)
    if variable.type == "date":
        return Vector("date", np.full(n, "NaT", DAY), why)
    return Vector("text", np.full(n, -1, code_type(variable)), why, np.array(variable.levels, dtype=object))


def code_type(variable: Variable) -> type:
    """One byte a coded answer; open lists of codes need more."""
    return np.int8 if 0 < len(variable.levels) <= 127 else np.int32


def conform(vector: Vector, variable: Variable) -> Vector:
    """The vector in the schema's kind and levels; what does not fit becomes `unmapped`."""
    if variable.is_number:
        if vector.kind != "number":
            raise RuleError(f"gives a {vector.kind}, but '{variable.name}' is a {variable.type}")
        if variable.type == "integer":
            fraction = vector.known & (vector.data != np.round(vector.data))
            vector = vector.absent(fraction, INVALID)
        return replace(vector, data=np.where(vector.known, vector.data, np.nan))
    if variable.type == "date":
        if vector.kind != "date":
            raise RuleError(f"gives a {vector.kind}, but '{variable.name}' is a date")
        return replace(vector, data=np.where(vector.known, vector.data, np.datetime64("NaT")).astype(DAY))
    if vector.kind == "boolean" and variable.type == "yesno":
        vector = text(vector.data.astype(np.int32), ["no", "yes"], vector.why)
    if vector.kind == "number" and variable.type in ("code", "text"):
        codes, levels = pd.factorize(vector.data, use_na_sentinel=True)
        vector = text(codes.astype(np.int32), [format_number(level) for level in levels], vector.why)
    if vector.kind != "text":
        raise RuleError(f"gives a {vector.kind}, but '{variable.name}' is {variable.type}")
    if not variable.levels:
        return replace(vector, data=np.where(vector.known, vector.data, -1))
    assert vector.levels is not None
    position = {level: code for code, level in enumerate(variable.levels)}
    translated = np.array([position.get(level, -1) for level in vector.levels] or [-1], np.int32)
    data: np.ndarray = np.where(vector.known & (vector.data >= 0), translated[vector.data], -1)
    data = data.astype(code_type(variable))
    vector = Vector("text", data, vector.why, np.array(variable.levels, dtype=object))
    return vector.absent(vector.known & (data < 0), UNMAPPED)


# ---------------------------------------------------------------- raw columns


def normalized_levels(column: RawColumn) -> list[str]:
    assert column.levels is not None
    return [normalize_text(str(level)) for level in column.levels]


def raw_vector(column: RawColumn, missing: Mapping[Any, str], context: Context) -> Vector:
    """A raw column as a vector: blanks, declared missing codes and tagged missings get their reasons.

    Missing that the file declares and no rule mentions becomes `unmapped`: nothing is guessed.
    """
    codes = CodeTable(missing, context.reasons)
    if column.kind == "number":
        why = np.where(np.isnan(column.values), NO_ANSWER, 0).astype(np.int8)
        for low, high in column.missing_ranges:
            if isinstance(low, (int, float)) and isinstance(high, (int, float)):
                why[(column.values >= low) & (column.values <= high)] = UNMAPPED
        if column.tags is not None:
            tagged = column.tags > 0
            why[tagged] = UNMAPPED
            for letter in np.unique(column.tags[tagged]):
                if reason := codes.tag(chr(letter)):
                    why[column.tags == letter] = reason
        for value, reason in codes.numbers.items():
            why[column.values == value] = reason
        return Vector("number", column.values, why)
    if column.kind == "date":
        why = np.where(np.isnat(column.values), NO_ANSWER, 0).astype(np.int8)
        return Vector("date", column.values.astype(DAY), why)
    levels = normalized_levels(column)
    declared = {normalize_text(str(low)) for low, _ in column.missing_ranges if isinstance(low, str)}
    level_why = np.zeros(len(levels) + 1, np.int8)
    level_why[-1] = NO_ANSWER  # code -1: the file has no value
    for code, level in enumerate(levels):
        level_why[code] = codes.of_text(level) or (UNMAPPED if level in declared else 0)
        if level == "" and level_why[code] == 0:
            level_why[code] = NO_ANSWER
    return relevel(text(column.values, levels, level_why[column.values]), levels)


class CodeTable:
    """Source codes of a rule: 1, 1.0 and "1" are one code; texts are compared after NFKC and strip."""

    def __init__(self, mapping: Mapping[Any, str], reasons: Mapping[str, Reason]):
        self.texts: dict[str, int] = {}
        self.numbers: dict[float, int] = {}
        for source, target in mapping.items():
            code = reasons[target].code
            if isinstance(source, (int, float)) and not isinstance(source, bool):
                self.numbers[float(source)] = code
                continue
            key = normalize_text(str(source))
            if re.fullmatch(r"\.[A-Za-z]", key):  # a tagged missing of Stata or SAS
                key = key.lower()
            self.texts[key] = code
            if not np.isnan(value := to_float(key)):
                self.numbers[value] = code

    def of_text(self, level: str) -> int:
        if level in self.texts:
            return self.texts[level]
        return self.numbers.get(to_float(level), 0) if self.numbers else 0

    def tag(self, letter: str) -> int:
        return self.texts.get(f".{letter}", 0)


# ---------------------------------------------------------------- verbs


def _column(name: str, context: Context) -> RawColumn:
    return context.columns[name]


def _only_column(rule: Rule, context: Context) -> RawColumn:
    if len(rule.columns) != 1:
        raise RuleError(f"'{rule.verb}' needs one column in 'from', found {len(rule.columns)}")
    return _column(next(iter(rule.columns.values())), context)


def _map(variable: Variable, rule: Rule, context: Context) -> Outcome:
    column = _only_column(rule, context)
    targets = {level: code for code, level in enumerate(variable.levels)}
    texts: dict[str, int] = {}
    numbers: dict[float, int] = {}
    for source, target in rule.map.items():
        if isinstance(source, (int, float)) and not isinstance(source, bool):
            numbers[float(source)] = targets[target]
            continue
        key = normalize_text(str(source))
        texts[key] = targets[target]
        if not np.isnan(value := to_float(key)):
            numbers.setdefault(value, targets[target])
    raw = raw_vector(column, rule.missing, context)
    if raw.kind == "date":
        raise RuleError("the column holds dates, so its values cannot be mapped")
    if raw.kind == "number":
        codes, distinct = pd.factorize(raw.data, use_na_sentinel=True)
        lookup = [numbers.get(float(value), -1) for value in distinct]
    else:
        assert raw.levels is not None
        codes, distinct = raw.data, raw.levels
        lookup = [texts.get(level, numbers.get(to_float(level), -1)) for level in distinct]
    table = np.array([*lookup, -1], np.int32)
    data = table[codes]
    # a code that the rule maps is an answer, whatever the file or the cohort calls it
    why = np.where(data >= 0, 0, np.where(raw.why == 0, UNMAPPED, raw.why)).astype(np.int8)
    vector = Vector("text", data, why, np.array(variable.levels, dtype=object))
    before = _before_after(raw, codes, distinct, table, why, variable, context)
    return Outcome(vector, before=before)


def _before_after(
    raw: Vector,
    codes: np.ndarray,
    distinct: Any,
    table: np.ndarray,
    why: np.ndarray,
    variable: Variable,
    context: Context,
) -> pd.DataFrame:
    """Counts of source values by target category or reason; what the file lacks has no source value."""
    names = {reason.code: reason.name for reason in context.reasons.values()}
    absent = len(distinct)  # stands for code -1, whose reasons differ where missings are tagged
    pairs = np.where(codes < 0, absent, codes).astype(np.int64) * N_REASONS + why
    counts = np.bincount(pairs, minlength=(absent + 1) * N_REASONS).reshape(-1, N_REASONS)
    rows = []
    for code, reason in np.argwhere(counts):
        source = ""
        if code < absent:
            source = format_number(distinct[code]) if raw.kind == "number" else str(distinct[code])
        target = variable.levels[table[code]] if table[code] >= 0 else names.get(reason, "")
        rows.append((source, target, int(counts[code, reason])))
    return summed_counts([pd.DataFrame(rows, columns=["source", "target", "n"])])


def summed_counts(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Counts of several parts of a file as those of the whole: numbers in their order, then texts in theirs."""
    totals: dict[tuple[str, str], int] = {}
    for part in parts:
        for source, target, n in zip(part["source"], part["target"], part["n"], strict=True):
            totals[source, target] = totals.get((source, target), 0) + int(n)
    rows = [(*key, n) for key, n in sorted(totals.items(), key=lambda item: _in_order(*item[0]))]
    return pd.DataFrame(rows, columns=["source", "target", "n"])


def _in_order(source: str, target: str) -> tuple[bool, float, str, str]:
    number = to_float(source)
    return (source == "", np.inf if np.isnan(number) else number, source, target)


def _copy(variable: Variable, rule: Rule, context: Context) -> Outcome:
    column = _only_column(rule, context)
    if not variable.is_number:
        raw = raw_vector(column, rule.missing, context)
        if raw.kind == "date":
            raise RuleError(f"the column holds dates, but '{variable.name}' is {variable.type}")
        return Outcome(raw)
    return _measure(column, variable, rule, context)


def _measure(column: RawColumn, variable: Variable, rule: Rule, context: Context) -> Outcome:
    """A measured number: missing codes, detection limits, unit."""
    raw = raw_vector(column, rule.missing, context)
    if raw.kind == "date":
        raise RuleError(f"the column holds dates, but '{variable.name}' is a number")
    limits = np.full(len(raw), np.nan)
    values, why = _numbers(raw, rule, limits)
    for limit, reason in ((rule.below_lod, BELOW_LOD), (rule.above_loq, ABOVE_LOQ)):
        if limit is not None:
            hit = _outside_limit(limit, column, raw, why, context)
            why = np.where(hit, reason, why).astype(np.int8)
            _fill_limits(limit, hit, limits, context)
    conversion = None
    if rule.unit is not None and rule.unit != variable.unit:
        conversion = context.conversions[(variable.analyte or "", rule.unit, variable.unit or "")]
        values = conversion.slope * values + conversion.intercept
        limits = conversion.slope * limits + conversion.intercept
    vector = number(np.where(why == 0, values, np.nan), why)
    has_limit = bool(np.isfinite(limits).any())
    return Outcome(vector, limits if has_limit else None, factor=conversion)


def _numbers(raw: Vector, rule: Rule, limits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Values and reasons; texts are parsed once per distinct text, prefixes such as '<' noted in `limits`."""
    if raw.kind == "number":
        return raw.data, raw.why.copy()
    assert raw.levels is not None
    parsed = np.full(len(raw.levels) + 1, np.nan)
    limit_of = np.full(len(raw.levels) + 1, np.nan)
    level_why = np.zeros(len(raw.levels) + 1, np.int8)
    marks = [(rule.below_lod, BELOW_LOD), (rule.above_loq, ABOVE_LOQ)]
    for code, level in enumerate(raw.levels):
        for limit, reason in marks:
            prefix = normalize_text(limit.prefix) if limit and limit.prefix else None
            if limit and prefix and level.startswith(prefix):
                level_why[code] = reason
                limit_of[code] = (
                    limit.limit if limit.limit is not None else to_float(level[len(prefix) :].strip())
                )
        if level_why[code] == 0:
            parsed[code] = to_float(level)
            level_why[code] = UNMAPPED if np.isnan(parsed[code]) else 0
    why = np.where(raw.why == 0, level_why[raw.data], raw.why).astype(np.int8)
    hit = (raw.why == 0) & np.isfinite(limit_of[raw.data])
    limits[hit] = limit_of[raw.data][hit]
    return parsed[raw.data], why


def _outside_limit(
    limit: Limit, column: RawColumn, raw: Vector, why: np.ndarray, context: Context
) -> np.ndarray:
    """Rows that `codes` or the indicator column mark; prefixes were seen while the text was parsed."""
    hit = np.zeros(len(raw), bool)
    if not limit.codes:
        return hit
    target = _column(limit.indicator, context) if limit.indicator else column
    wanted = {float(code) for code in limit.codes if isinstance(code, (int, float))}
    words = {normalize_text(str(code)) for code in limit.codes}
    if target.kind == "number":
        return np.isin(target.values, list(wanted))
    if target.kind == "text":
        levels = normalized_levels(target)
        marked = np.array([level in words or to_float(level) in wanted for level in levels] + [False])
        return marked[target.values]
    return hit


def _fill_limits(limit: Limit, hit: np.ndarray, limits: np.ndarray, context: Context) -> None:
    if limit.limit_from is not None:
        source = raw_vector(_column(limit.limit_from, context), {}, context)
        values = source.data if source.kind == "number" else _numbers(source, _NO_LIMITS, limits.copy())[0]
        limits[hit] = values[hit]
    elif limit.limit is not None:
        limits[hit] = limit.limit


_NO_LIMITS = Rule("", "complete", place=None)  # type: ignore[arg-type]


def _cut(variable: Variable, rule: Rule, context: Context) -> Outcome:
    raw = raw_vector(_only_column(rule, context), rule.missing, context)
    limits = np.full(len(raw), np.nan)
    values, why = _numbers(raw, rule, limits)
    data = np.full(len(raw), -1, np.int32)
    for category, interval in rule.cut.items():
        above = values >= interval.low if interval.low_closed else values > interval.low
        below = values <= interval.high if interval.high_closed else values < interval.high
        data[above & below] = variable.levels.index(category)
    why = np.where((why == 0) & (data < 0), INVALID, why).astype(np.int8)
    return Outcome(Vector("text", data, why, np.array(variable.levels, dtype=object)))


def _date(variable: Variable, rule: Rule, context: Context) -> Outcome:
    column = _only_column(rule, context)
    raw = raw_vector(column, rule.missing, context)
    declared = _declared_dates(rule, context)
    return Outcome(read_dates(raw, rule.date, rule.partial, column.date_format, declared))


def _declared_dates(rule: Rule, context: Context) -> dict[np.datetime64, int]:
    """Dates that stand for no date (``1900-01-01: no_answer``), however the file writes them."""
    iso = re.compile(r"\d{4}-\d{2}-\d{2}")
    return {
        np.datetime64(code, "D"): context.reason(reason)
        for code, reason in rule.missing.items()
        if isinstance(code, str) and iso.fullmatch(code)
    }


def _expr(variable: Variable, rule: Rule, context: Context) -> Outcome:
    assert rule.expr is not None
    values = {}
    for name in rule.expr.names:
        column = _column(rule.columns[name], context)
        raw = raw_vector(column, rule.missing, context)
        if rule.date:
            declared = _declared_dates(rule, context)
            raw = read_dates(raw, rule.date, rule.partial, column.date_format, declared)
        values[name] = raw
    vector = evaluate(rule.expr, values, context.n_rows)
    if rule.unit is not None and rule.unit != variable.unit:
        conversion = context.conversions[(variable.analyte or "", rule.unit, variable.unit or "")]
        vector = number(conversion.slope * vector.data + conversion.intercept, vector.why)
        return Outcome(vector, factor=conversion)
    return Outcome(vector)


def _first_of(variable: Variable, rule: Rule, context: Context) -> Outcome:
    """The first column that has a value; the reason is that of the first column where none has."""
    outcome: Outcome | None = None
    for name in rule.columns.values():
        column = _column(name, context)
        if variable.is_number:
            part = _measure(column, variable, rule, context)
        elif variable.type == "date":
            raw = raw_vector(column, rule.missing, context)
            declared = _declared_dates(rule, context)
            part = Outcome(read_dates(raw, rule.date, rule.partial, column.date_format, declared))
        else:
            part = Outcome(raw_vector(column, rule.missing, context))
        if outcome is None:
            outcome = part
            continue
        fill = ~outcome.vector.known & part.vector.known
        outcome = replace(outcome, vector=_filled(outcome.vector, part.vector, fill))
    if outcome is None:
        raise RuleError("'first_of' names no column")
    return outcome


def _filled(first: Vector, second: Vector, where: np.ndarray) -> Vector:
    why = np.where(where, 0, first.why).astype(np.int8)
    if first.kind == "text" or second.kind == "text":
        return from_strings(np.where(where, strings(second), strings(first)), why)
    return Vector(first.kind, np.where(where, second.data, first.data), why)


def _items(rule: Rule, score: Score, context: Context) -> dict[str, Vector]:
    """The items of a score as numbers; an answer outside their range is `invalid`."""
    items = {}
    for alias, name in rule.columns.items():
        raw = raw_vector(_column(name, context), rule.missing, context)
        items[alias] = _item_numbers(raw, score.values)
        if score.range is not None:
            low, high = score.range
            outside = items[alias].known & ~((items[alias].data >= low) & (items[alias].data <= high))
            items[alias] = items[alias].absent(outside, INVALID)
    return items


def _item_numbers(raw: Vector, values: Mapping[Any, float]) -> Vector:
    if raw.kind == "date":
        raise RuleError("an item holds dates")
    if raw.kind == "number":
        if not values:
            return raw
        codes, distinct = pd.factorize(raw.data, use_na_sentinel=True)
        keys = [float(level) for level in distinct]
    else:
        assert raw.levels is not None
        codes, keys = raw.data, list(raw.levels)
    lookup: dict[Any, float] = {}
    for source, target in values.items():
        key = normalize_text(str(source))
        lookup[key] = float(target)
        if not np.isnan(value := to_float(key)):
            lookup[value] = float(target)

    def translate(key: Any) -> float:
        if not values:
            return to_float(key)
        return lookup.get(key, lookup.get(to_float(str(key)), np.nan))

    table = np.array([*[translate(key) for key in keys], np.nan])
    data = table[codes]
    why = np.where((raw.why == 0) & np.isnan(data), UNMAPPED, raw.why)
    return number(data, why)


def _score(variable: Variable, rule: Rule, context: Context) -> Outcome:
    assert rule.score is not None
    score = rule.score
    items = _items(rule, score, context)
    columns = []
    for alias, item in items.items():
        data = item.data
        if alias in score.reverse and score.range is not None:
            data = score.range[0] + score.range[1] - data
        columns.append(np.where(item.known, data, np.nan))
    stacked = np.stack(columns)
    known = ~np.isnan(stacked)
    answered = known.sum(axis=0)
    total = np.where(known, stacked, 0.0).sum(axis=0)
    if score.method == "mean":
        total = total / np.maximum(answered, 1)
    elif score.prorate:
        total = total * len(columns) / np.maximum(answered, 1)
    reason = np.zeros(len(total), np.int8)
    for item in items.values():
        reason = np.where(reason == 0, item.why, reason)
    why = np.where(answered >= score.min_items, 0, reason)
    return Outcome(number(np.where(why == 0, total, np.nan), why))


def _call(variable: Variable, rule: Rule, context: Context) -> Outcome:
    assert rule.call is not None
    vectors = {
        alias: _replaced(raw_vector(_column(name, context), rule.missing, context), rule.values)
        for alias, name in rule.columns.items()
    }
    try:
        return Outcome(CALLS[rule.call](vectors))
    except ValueError as error:
        raise RuleError(str(error)) from None


def _replaced(raw: Vector, values: Mapping[Any, float]) -> Vector:
    """The answers named in `values` as their numbers, all others as they are."""
    lookup = {normalize_text(str(answer)): value for answer, value in values.items()}
    if raw.kind == "number":
        data = raw.data.copy()
        for answer, value in lookup.items():
            data[raw.data == to_float(answer)] = value
        return number(data, raw.why)
    if raw.kind != "text" or not lookup:
        return raw
    assert raw.levels is not None
    return relevel(raw, [format_number(lookup[level]) if level in lookup else level for level in raw.levels])


def _value(variable: Variable, rule: Rule, context: Context) -> Outcome:
    n = context.n_rows
    if variable.is_number:
        return Outcome(number(float(rule.value)).expand(n))
    if variable.type == "date":
        return Outcome(date([np.datetime64(str(rule.value), "D")]).expand(n))
    return Outcome(text([0], [str(rule.value)]).expand(n))


_VERBS = {
    "copy": _copy,
    "map": _map,
    "cut": _cut,
    "date": _date,
    "expr": _expr,
    "first_of": _first_of,
    "score": _score,
    "call": _call,
    "value": _value,
}
