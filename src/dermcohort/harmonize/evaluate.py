"""Compute the expressions of the dictionary on vectors. Unknown stays unknown and its reason travels along.

`and`, `or`, `not` follow Kleene's three-valued logic: ``unknown and false`` is false. The reason of a result is
the reason of its first unknown input, in the order of writing.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from ..dictionary.expression import UNKNOWN, Expression
from .vectors import (
    DAY,
    INVALID,
    Vector,
    boolean,
    constant,
    date,
    from_strings,
    number,
    relevel,
    strings,
    text,
    to_float,
    unknown,
)

DAYS_PER_YEAR = 365.25


class EvaluationError(ValueError):
    """An expression cannot be applied to the kinds of values it was given."""


def evaluate(expression: Expression, values: Mapping[str, Vector], n: int) -> Vector:
    """Value of `expression` for `n` rows; `values` has a vector for every name it uses."""
    return _evaluate(expression.tree, values).expand(n)


def _evaluate(node: ast.expr, values: Mapping[str, Vector]) -> Vector:
    if isinstance(node, ast.Constant):
        return constant(node.value)
    if isinstance(node, ast.Name):
        return unknown() if node.id == UNKNOWN else values[node.id]
    if isinstance(node, ast.BinOp):
        return _arithmetic(node.op, _evaluate(node.left, values), _evaluate(node.right, values))
    if isinstance(node, ast.UnaryOp):
        operand = _evaluate(node.operand, values)
        if isinstance(node.op, ast.Not):
            operand = _as_boolean(operand)
            return boolean(~operand.data, operand.why)
        sign = -1.0 if isinstance(node.op, ast.USub) else 1.0
        return number(sign * _as_number(operand).data, operand.why)
    if isinstance(node, ast.BoolOp):
        combine = _and if isinstance(node.op, ast.And) else _or
        result = _as_boolean(_evaluate(node.values[0], values))
        for item in node.values[1:]:
            result = combine(result, _as_boolean(_evaluate(item, values)))
        return result
    if isinstance(node, ast.Compare):
        return _compare_chain(node, values)
    if isinstance(node, ast.IfExp):
        return _case([_evaluate(part, values) for part in (node.test, node.body, node.orelse)])
    if isinstance(node, ast.Call):
        assert isinstance(node.func, ast.Name)
        return FUNCTIONS[node.func.id](*[_evaluate(argument, values) for argument in node.args])
    raise EvaluationError(f"'{ast.unparse(node)}' cannot be computed")


# ---------------------------------------------------------------- kinds


def _as_number(vector: Vector) -> Vector:
    if vector.kind == "number":
        return vector
    raise EvaluationError(f"a number is needed, found {vector.kind}; use number(...) for texts")


def _as_boolean(vector: Vector) -> Vector:
    if vector.kind == "boolean":
        return vector
    if len(vector) == 1 and not vector.known[0]:  # the constant `unknown`
        return boolean([False], vector.why)
    raise EvaluationError(f"a condition is needed, found {vector.kind}; compare it with something")


def _as_date(vector: Vector) -> Vector:
    if vector.kind == "date":
        return vector
    raise EvaluationError(f"a date is needed, found {vector.kind}; say how it is written with 'date'")


def _as_text(vector: Vector) -> Vector:
    if vector.kind == "text":
        return vector
    if vector.kind == "number":
        codes, levels = pd.factorize(vector.data, use_na_sentinel=True)
        return text(codes.astype(np.int32), [format_number(level) for level in levels.tolist()], vector.why)
    raise EvaluationError(f"a text is needed, found {vector.kind}")


def format_number(value: float) -> str:
    """3.0 -> '3', 3.5 -> '3.5'."""
    return str(int(value)) if float(value).is_integer() else repr(float(value))


def _first_reason(*vectors: Vector) -> np.ndarray:
    result = vectors[0].why
    for vector in vectors[1:]:
        result = np.where(result != 0, result, vector.why)
    return result


# ---------------------------------------------------------------- operators

_ARITHMETIC: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
}
_COMPARISON: dict[type, Callable[[Any, Any], Any]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}


def _arithmetic(op: ast.operator, left: Vector, right: Vector) -> Vector:
    if isinstance(op, ast.Add) and "text" in (left.kind, right.kind):
        return _concat(left, right)
    left, right = _as_number(left), _as_number(right)
    why = _first_reason(left, right)
    with np.errstate(all="ignore"):
        return _finite(_ARITHMETIC[type(op)](left.data, right.data), why)


def _finite(data: np.ndarray, why: np.ndarray) -> Vector:
    """A number; division by zero and the like give unknown with reason `invalid`."""
    why = np.broadcast_to(why, data.shape)
    return number(data, np.where((why == 0) & ~np.isfinite(data), INVALID, why))


def _compare_chain(node: ast.Compare, values: Mapping[str, Vector]) -> Vector:
    result: Vector | None = None
    left = _evaluate(node.left, values)
    for op, comparator in zip(node.ops, node.comparators, strict=True):
        if isinstance(op, (ast.In, ast.NotIn)):
            assert isinstance(comparator, (ast.List, ast.Tuple))
            options = [item.value for item in comparator.elts if isinstance(item, ast.Constant)]
            part = _is_in(left, options)
            if isinstance(op, ast.NotIn):
                part = boolean(~part.data, part.why)
            right = left
        else:
            right = _evaluate(comparator, values)
            part = _compare(op, left, right)
        result = part if result is None else _and(result, part)
        left = right
    assert result is not None
    return result


def _compare(op: ast.cmpop, left: Vector, right: Vector) -> Vector:
    why = _first_reason(left, right)
    unknown_constant = [v for v in (left, right) if len(v) == 1 and not v.known[0]]
    if unknown_constant:
        return boolean(np.zeros(max(len(left), len(right)), bool), why)
    if left.kind != right.kind:
        raise EvaluationError(f"a {left.kind} cannot be compared with a {right.kind}")
    if left.kind == "text":
        if not isinstance(op, (ast.Eq, ast.NotEq)):
            raise EvaluationError("texts can only be compared with == and !=")
        equal = _equal_texts(left, right)
        return boolean(equal if isinstance(op, ast.Eq) else ~equal, why)
    with np.errstate(invalid="ignore"):
        return boolean(_COMPARISON[type(op)](left.data, right.data), why)


def _equal_texts(left: Vector, right: Vector) -> np.ndarray:
    assert left.levels is not None and right.levels is not None
    position = {level: code for code, level in enumerate(left.levels)}
    translated = np.array([position.get(level, -2) for level in right.levels] or [-2])
    return left.data == np.where(right.data >= 0, translated[right.data], -2)


def _is_in(left: Vector, options: list[Any]) -> Vector:
    if left.kind == "text":
        assert left.levels is not None
        chosen = np.array([level in options for level in left.levels] or [False])
        return boolean(np.where(left.data >= 0, chosen[left.data], False), left.why)
    return boolean(np.isin(_as_number(left).data, [o for o in options if not isinstance(o, str)]), left.why)


def _and(left: Vector, right: Vector) -> Vector:
    false = (left.known & ~left.data) | (right.known & ~right.data)
    return boolean(left.data & right.data & ~false, np.where(false, 0, _first_reason(left, right)))


def _or(left: Vector, right: Vector) -> Vector:
    true = (left.known & left.data) | (right.known & right.data)
    return boolean(true, np.where(true, 0, _first_reason(left, right)))


# ---------------------------------------------------------------- functions


def _case(parts: list[Vector]) -> Vector:
    """case(cond, value, …, otherwise): an unknown condition makes the result unknown, with its reason."""
    result = parts[-1]
    for condition, value in reversed(list(zip(parts[:-1:2], parts[1:-1:2], strict=True))):
        condition = _as_boolean(condition)
        result = _choose(condition.data, value, result)
        n = max(len(result), len(condition))
        result = result.expand(n)
        result = result.absent(np.broadcast_to(~condition.known, (n,)), 0)
        why = np.where(condition.known, result.why, condition.why)
        result = Vector(result.kind, result.data, why.astype(np.int8), result.levels)
    return result


def _choose(condition: np.ndarray, yes: Vector, no: Vector) -> Vector:
    yes, no = _same_kind(yes, no)
    why = np.where(condition, yes.why, no.why).astype(np.int8)
    if yes.kind == "text":
        assert yes.levels is not None and no.levels is not None
        levels = list(dict.fromkeys([*yes.levels, *no.levels]))
        position = {level: code for code, level in enumerate(levels)}
        codes = [
            np.where(v.data >= 0, np.array([position[x] for x in v.levels] or [-1])[v.data], -1)  # type: ignore[union-attr]
            for v in (yes, no)
        ]
        return text(np.where(condition, codes[0], codes[1]).astype(np.int32), levels, why)
    return Vector(yes.kind, np.where(condition, yes.data, no.data), why)


def _same_kind(a: Vector, b: Vector) -> tuple[Vector, Vector]:
    """Give the constant `unknown` the kind of its neighbour; other kinds must agree."""
    if a.kind == b.kind:
        return a, b
    for one, other, order in ((a, b, 1), (b, a, -1)):
        if len(one) == 1 and not one.known[0]:
            blank = np.zeros(1, dtype=other.data.dtype) if other.kind != "date" else np.array(["NaT"], DAY)
            if other.kind == "text":
                blank = np.full(1, -1, np.int32)
            filled = Vector(other.kind, blank, one.why, other.levels)
            return (filled, other) if order == 1 else (other, filled)
    raise EvaluationError(f"the branches give a {a.kind} and a {b.kind}")


def _years_between(start: Vector, end: Vector) -> Vector:
    days = _days_between(start, end)
    return number(days.data / DAYS_PER_YEAR, days.why)


def _days_between(start: Vector, end: Vector) -> Vector:
    start, end = _as_date(start), _as_date(end)
    days = (end.data - start.data).astype("timedelta64[D]").astype(float)
    return number(days, _first_reason(start, end))


def _add_days(start: Vector, days: Vector) -> Vector:
    start, days = _as_date(start), _as_number(days)
    why = _first_reason(start, days)
    n = max(len(start), len(days))
    whole = np.where(np.broadcast_to(why == 0, (n,)), np.round(days.data), 0).astype("timedelta64[D]")
    return date(start.data + whole, why)


def _date_constant(value: Vector) -> Vector:
    assert value.levels is not None
    try:
        return date([np.datetime64(str(value.levels[value.data[0]]), "D")])
    except ValueError:
        raise EvaluationError("date() needs a constant such as '2019-01-31'") from None


def _part_of_date(unit: str) -> Callable[[Vector], Vector]:
    def part(value: Vector) -> Vector:
        value = _as_date(value)
        years = value.data.astype("datetime64[Y]").astype(int) + 1970
        if unit == "year":
            return number(years, value.why)
        return number(value.data.astype("datetime64[M]").astype(int) % 12 + 1, value.why)

    return part


def _number_of(value: Vector) -> Vector:
    if value.kind == "number":
        return value
    value = _as_text(value)
    assert value.levels is not None
    parsed = np.array([to_float(level) for level in value.levels] or [np.nan])
    data = np.where(value.data >= 0, parsed[value.data], np.nan)
    return number(data, np.where((value.why == 0) & np.isnan(data), INVALID, value.why))


def _on_levels(function: Callable[[str], str]) -> Callable[[Vector], Vector]:
    def apply(value: Vector) -> Vector:
        value = _as_text(value)
        assert value.levels is not None
        return relevel(value, [function(level) for level in value.levels])

    return apply


def _zfill(value: Vector, width: Vector) -> Vector:
    n_digits = int(width.data[0])
    return _on_levels(lambda level: level.zfill(n_digits))(value)


def _slice(value: Vector, start: Vector, stop: Vector) -> Vector:
    part = slice(int(start.data[0]), int(stop.data[0]))
    return _on_levels(lambda level: level[part])(value)


def _concat(*values: Vector) -> Vector:
    """Texts joined; one varying part keeps its levels, several are joined row by row."""
    vectors = [_as_text(value) for value in values]
    why = _first_reason(*vectors)
    if any(len(v) == 0 for v in vectors):  # a file with a header only
        return text(np.array([], np.int32), np.array([], object))
    varying = [v for v in vectors if len(v) > 1]
    if len(varying) <= 1:
        core = varying[0] if varying else vectors[0]
        assert core.levels is not None
        position = next(i for i, v in enumerate(vectors) if v is core)
        fixed = [str(v.levels[v.data[0]]) if v.known[0] else "" for v in vectors]  # type: ignore[index]
        before, after = "".join(fixed[:position]), "".join(fixed[position + 1 :])
        out = relevel(core, [f"{before}{level}{after}" for level in core.levels])
        return Vector("text", out.data, why.astype(np.int8), out.levels)
    n = max(len(v) for v in vectors)
    columns = [strings(v.expand(n)) for v in vectors]
    known = np.broadcast_to(why == 0, (n,))
    joined = np.full(n, None, dtype=object)
    joined[known] = ["".join(parts) for parts in zip(*(c[known] for c in columns), strict=True)]
    return from_strings(joined, np.broadcast_to(why, (n,)))


def _elementwise(function: Callable[..., Any]) -> Callable[..., Vector]:
    def apply(*arguments: Vector) -> Vector:
        vectors = [_as_number(argument) for argument in arguments]
        with np.errstate(all="ignore"):
            return _finite(np.asarray(function(*[v.data for v in vectors])), _first_reason(*vectors))

    return apply


def _round(value: Vector, digits: Vector | None = None) -> Vector:
    value = _as_number(value)
    places = int(digits.data[0]) if digits is not None else 0
    return number(np.round(value.data, places), value.why)


def _reduce(function: Callable[..., Any]) -> Callable[..., Vector]:
    """A statistic over its arguments, known where all of them are known."""

    def apply(*arguments: Vector) -> Vector:
        vectors = [_as_number(argument) for argument in arguments]
        stacked = np.stack(np.broadcast_arrays(*[v.data for v in vectors]))
        return _finite(function(stacked, axis=0), _first_reason(*vectors))

    return apply


def _any_of(*arguments: Vector) -> Vector:
    result = _as_boolean(arguments[0])
    for argument in arguments[1:]:
        result = _or(result, _as_boolean(argument))
    return result


def _count_of(*arguments: Vector) -> Vector:
    vectors = [_as_boolean(argument) for argument in arguments]
    stacked = np.stack(np.broadcast_arrays(*[v.data for v in vectors]))
    return number(stacked.sum(axis=0), _first_reason(*vectors))


def _first_of(*arguments: Vector) -> Vector:
    result = arguments[0]
    for argument in arguments[1:]:
        n = max(len(result), len(argument))
        known = result.expand(n).known
        filled = _choose(known, result, argument)
        why = np.where(filled.why == 0, 0, np.where(known, 0, result.expand(n).why))
        result = Vector(filled.kind, filled.data, why.astype(np.int8), filled.levels)
    return result


def _is_known(value: Vector) -> Vector:
    return boolean(value.known)


FUNCTIONS: dict[str, Callable[..., Vector]] = {
    "case": lambda *parts: _case(list(parts)),
    "years_between": _years_between,
    "days_between": _days_between,
    "add_days": _add_days,
    "date": _date_constant,
    "year": _part_of_date("year"),
    "month": _part_of_date("month"),
    "number": _number_of,
    "text": _as_text,
    "zfill": _zfill,
    "strip": _on_levels(str.strip),
    "upper": _on_levels(str.upper),
    "concat": _concat,
    "slice": _slice,
    "round": _round,
    "floor": _elementwise(np.floor),
    "abs": _elementwise(np.abs),
    "log": _elementwise(np.log),
    "exp": _elementwise(np.exp),
    "sqrt": _elementwise(np.sqrt),
    "min_of": _reduce(np.min),
    "max_of": _reduce(np.max),
    "sum_of": _reduce(np.sum),
    "mean_of": _reduce(np.mean),
    "any_of": _any_of,
    "count_of": _count_of,
    "first_of": _first_of,
    "is_known": _is_known,
}
