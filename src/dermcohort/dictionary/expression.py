"""Expressions of the dictionary: parsed and checked against a closed list, never evaluated as code.

This module knows the language (which syntax and functions exist); `dermcohort.harmonize.evaluate` computes it.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field

from ..wording import did_you_mean

# name -> (fewest, most) arguments; None: no limit
FUNCTIONS: dict[str, tuple[int, int | None]] = {
    "case": (3, None),
    "years_between": (2, 2),
    "days_between": (2, 2),
    "add_days": (2, 2),
    "date": (1, 1),
    "year": (1, 1),
    "month": (1, 1),
    "number": (1, 1),
    "text": (1, 1),
    "zfill": (2, 2),
    "strip": (1, 1),
    "upper": (1, 1),
    "concat": (2, None),
    "slice": (3, 3),
    "round": (1, 2),
    "floor": (1, 1),
    "abs": (1, 1),
    "log": (1, 1),
    "exp": (1, 1),
    "sqrt": (1, 1),
    "min_of": (1, None),
    "max_of": (1, None),
    "sum_of": (1, None),
    "mean_of": (1, None),
    "any_of": (1, None),
    "count_of": (1, None),
    "first_of": (1, None),
    "is_known": (1, 1),
}
# Only in `across_waves`: they are rewritten here in terms of the language and names of the earlier visit.
ACROSS_WAVES: dict[str, tuple[int, int | None]] = {"previous": (1, 1), "max_change": (1, 1), "went": (3, 3)}
PREVIOUS = "previous "  # with a blank, so that no variable has such a name
UNKNOWN = "unknown"

_ALLOWED = (
    ast.Expression, ast.Constant, ast.Name, ast.Load, ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare,
    ast.Call, ast.IfExp, ast.List, ast.Tuple, ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod,
    ast.Pow, ast.USub, ast.UAdd, ast.Not, ast.And, ast.Or, ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt,
    ast.GtE, ast.In, ast.NotIn,
)  # fmt: skip


class ExpressionError(ValueError):
    """The text is no expression of the dictionary's language."""

    def __init__(self, message: str, hint: str = ""):
        super().__init__(message)
        self.hint = hint


@dataclass(frozen=True)
class Expression:
    """A parsed expression: its `text`, its syntax `tree` and the `names` it uses, in order of appearance."""

    text: str
    tree: ast.expr = field(compare=False, repr=False)
    names: tuple[str, ...]


def parse_expression(text: object, across_waves: bool = False) -> Expression:
    """Parse `text`, or raise `ExpressionError` that says which part is not allowed.

    With `across_waves` a plain name is the value at a visit and `previous(name)` that at the visit before; in the
    tree the latter is the name ``"previous name"``.

    Examples
    --------
    >>> parse_expression("weight_kg / (height / 100) ** 2").names
    ('weight_kg', 'height')
    >>> ast.unparse(parse_expression("max_change(height) <= 3", across_waves=True).tree)
    'abs(height - previous height) <= 3'
    """
    if not isinstance(text, str):
        raise ExpressionError(f"an expression must be text, found {text!r}")
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError) as error:
        message = getattr(error, "msg", str(error))
        raise ExpressionError(
            f"cannot read the expression: {message}",
            "inside { } a comma ends the value: quote the expression or put it on its own line",
        ) from None
    allowed = {**FUNCTIONS, **ACROSS_WAVES} if across_waves else FUNCTIONS
    for node in ast.walk(tree):
        _check_node(node, allowed)
    if across_waves:
        tree = _EarlierVisit().visit(tree)
    functions = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    names: dict[str, None] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and id(node) not in functions and node.id != UNKNOWN:
            names[node.id] = None
    if across_waves and not any(name.startswith(PREVIOUS) for name in names):
        raise ExpressionError("nothing is compared with the visit before", "use previous(x), or 'require'")
    order = sorted(names, key=lambda name: text.find(name.removeprefix(PREVIOUS)))
    return Expression(text, tree, tuple(order))


class _EarlierVisit(ast.NodeTransformer):
    """Writes `previous`, `max_change` and `went` out."""

    def visit_Call(self, node: ast.Call) -> ast.expr:
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name not in ACROSS_WAVES:
            self.generic_visit(node)
            return node
        now, *states = node.args
        if any(_calls(part) & set(ACROSS_WAVES) for part in ast.walk(now)):
            raise ExpressionError(f"{name}() cannot hold another of {', '.join(ACROSS_WAVES)}")
        before = _renamed(now)
        if name == "previous":
            return before
        if name == "max_change":
            change = ast.BinOp(now, ast.Sub(), before)
            return ast.Call(ast.Name("abs", ast.Load()), [change], [])
        for state in states:
            _check_list(state, "went() needs two lists of constants, as in went(x, ['yes'], ['no'])")
        left, arrived = (
            ast.Compare(value, [ast.In()], [state])
            for value, state in zip((before, now), states, strict=True)
        )
        return ast.BoolOp(ast.And(), [left, arrived])


def _calls(node: ast.AST) -> set[str]:
    return {node.func.id} if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else set()


def _renamed(node: ast.expr) -> ast.expr:
    """A copy in which every variable is that of the earlier visit."""
    copied = deepcopy(node)
    functions = {id(part.func) for part in ast.walk(copied) if isinstance(part, ast.Call)}
    for part in ast.walk(copied):
        if isinstance(part, ast.Name) and id(part) not in functions and part.id != UNKNOWN:
            part.id = PREVIOUS + part.id
    return copied


def _check_node(node: ast.AST, functions: Mapping[str, tuple[int, int | None]]) -> None:
    if not isinstance(node, _ALLOWED):
        raise ExpressionError(
            f"'{_source(node)}' is not allowed in an expression ({type(node).__name__})",
            "only arithmetic, comparisons, and/or/not, lists and the listed functions",
        )
    if isinstance(node, ast.Constant) and not isinstance(node.value, (int, float, str, bool)):
        raise ExpressionError(f"the constant {node.value!r} is not allowed in an expression")
    if isinstance(node, ast.Name) and node.id.startswith("__"):
        raise ExpressionError(f"the name '{node.id}' is forbidden in an expression")
    if isinstance(node, ast.Call):
        _check_call(node, functions)
    if isinstance(node, ast.Compare) and any(isinstance(op, (ast.In, ast.NotIn)) for op in node.ops):
        for item in node.comparators:
            _check_list(item, "'in' needs a list of constants on its right, as in x in ['a', 'b']")


def _check_list(node: ast.expr, message: str) -> None:
    if not isinstance(node, (ast.List, ast.Tuple)) or not all(
        isinstance(element, ast.Constant) for element in node.elts
    ):
        raise ExpressionError(message)


def _check_call(node: ast.Call, functions: Mapping[str, tuple[int, int | None]]) -> None:
    if not isinstance(node.func, ast.Name) or node.func.id not in functions:
        name = _source(node.func)
        if name in ACROSS_WAVES:
            raise ExpressionError(
                f"{name}() compares two visits", "it belongs in 'across_waves' of checks.yaml"
            )
        hint = did_you_mean(name, functions) or f"functions: {', '.join(functions)}"
        raise ExpressionError(f"'{name}' is not a function of the expression language", hint)
    if node.keywords:
        raise ExpressionError(f"{node.func.id}() takes no named arguments")
    fewest, most = functions[node.func.id]
    if len(node.args) < fewest or (most is not None and len(node.args) > most):
        expected = f"{fewest}" if most == fewest else f"{fewest} to {most}" if most else f"at least {fewest}"
        raise ExpressionError(f"{node.func.id}() needs {expected} arguments, found {len(node.args)}")
    if node.func.id == "case" and len(node.args) % 2 == 0:
        raise ExpressionError("case() needs pairs of condition and value, then the value otherwise")


def _source(node: ast.AST) -> str:
    try:
        return ast.unparse(node)
    except Exception:
        return type(node).__name__


def compared_constants(expression: Expression) -> list[tuple[str, str]]:
    """(name, text) for every variable compared with a text constant: the linter checks the categories."""
    pairs: list[tuple[str, str]] = []
    for node in ast.walk(expression.tree):
        if not isinstance(node, ast.Compare):
            continue
        sides = [node.left, *node.comparators]
        names = [side.id.removeprefix(PREVIOUS) for side in sides if isinstance(side, ast.Name)]
        constants: list[ast.expr] = []
        for side in sides:
            constants.extend(side.elts if isinstance(side, (ast.List, ast.Tuple)) else [side])
        texts = [c.value for c in constants if isinstance(c, ast.Constant) and isinstance(c.value, str)]
        pairs.extend((name, text) for name in names for text in texts)
    return pairs


def result_constants(expression: Expression) -> list[str]:
    """Text constants that the expression may return (through `case`, `if` and `first_of`)."""

    def results(node: ast.expr) -> list[str]:
        if isinstance(node, ast.Constant):
            return [node.value] if isinstance(node.value, str) else []
        if isinstance(node, ast.IfExp):
            return results(node.body) + results(node.orelse)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            if node.func.id == "case":
                return [text for arg in [*node.args[1:-1:2], node.args[-1]] for text in results(arg)]
            if node.func.id == "first_of":
                return [text for arg in node.args for text in results(arg)]
        return []

    return results(expression.tree)
