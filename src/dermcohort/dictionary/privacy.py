"""Read and lint the privacy options of a cohort.yaml: shift_dates, coarsen, withhold."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from typing import Any

from ..wording import did_you_mean
from .expression import Expression
from .model import Coarsening, Privacy, Reason, Rule, Variable
from .problems import Place, ProblemList
from .source import Block

CALENDAR = ("date", "year", "month")  # functions through which a number may tell a true date
WITHHELD = "withheld"


def read_privacy(
    block: Block, variables: Mapping[str, Variable], reasons: Mapping[str, Reason], problems: ProblemList
) -> Privacy:
    """The options of one cohort; an option that cannot be read is an error, never ignored."""
    privacy = Privacy(
        shift_dates=_read_shift(block, problems),
        coarsen=_read_coarsen(block, variables, problems),
        withhold=_read_withhold(block, variables, problems),
    )
    for key in ("coarsen", "withhold"):
        if getattr(privacy, key) and WITHHELD not in reasons:
            text = f"'{key}' needs the missing reason '{WITHHELD}' in dictionary.yaml"
            problems.error(block.at(key), "DD407", text)
    return privacy


def _read_shift(block: Block, problems: ProblemList) -> int:
    days = block.get("shift_dates")
    if days is None:
        return 0
    if isinstance(days, bool) or not isinstance(days, int) or days < 1:
        text = f"shift_dates must be a whole number of days of at least 1, found '{days}'"
        problems.error(block.at("shift_dates"), "DD401", text)
        return 0
    if block.get("protect") != "hash":
        text = (
            "shift_dates without protect: hash: who knows the participant numbers knows whose dates they are"
        )
        problems.error(block.at("shift_dates"), "DD402", text, "add 'protect: hash'")
    return days


def _read_coarsen(
    block: Block, variables: Mapping[str, Variable], problems: ProblemList
) -> dict[str, Coarsening]:
    value = block.get("coarsen")
    if value is None:
        return {}
    if not isinstance(value, Block):
        problems.error(block.at("coarsen"), "DD404", "coarsen must be {variable: how}")
        return {}
    result = {}
    for name, how in value.items():
        codes = [v.name for v in variables.values() if v.type == "code"]
        if name not in codes:
            hint = did_you_mean(name, codes) or f"codes: {', '.join(codes)}"
            problems.error(value.key_at(name), "DD405", f"'{name}' is no variable of type code", hint)
        coarsening = _read_how(how)
        if coarsening is None:
            hint = "{first_letters: 2} or {map: {V1: east, V2: east}}"
            problems.error(value.at(name), "DD404", f"cannot read how to coarsen '{name}'", hint)
        else:
            result[str(name)] = coarsening
    return result


def _read_how(how: Any) -> Coarsening | None:
    if not isinstance(how, Block) or len(how) != 1:
        return None
    letters, table = how.get("first_letters"), how.get("map")
    if isinstance(letters, int) and not isinstance(letters, bool) and letters >= 1:
        return Coarsening(first_letters=letters)
    if isinstance(table, Block) and table:
        return Coarsening(map={str(level): str(region) for level, region in table.items()})
    return None


def _read_withhold(block: Block, variables: Mapping[str, Variable], problems: ProblemList) -> tuple[str, ...]:
    names = block.get("withhold")
    if names is None:
        return ()
    if not isinstance(names, list):
        problems.error(block.at("withhold"), "DD406", "withhold must be a list of variables")
        return ()
    for name, place in zip(names, getattr(names, "places", [block.at("withhold")] * len(names)), strict=True):
        if name not in variables:
            hint = did_you_mean(name, variables)
            problems.error(place, "DD406", f"'{name}' is not a variable of the schema", hint)
    return tuple(str(name) for name in names)


def check_shifted(
    place: Place,
    withhold: tuple[str, ...],
    variables: Mapping[str, Variable],
    rules: Mapping[str, Mapping[str, Rule]],
    problems: ProblemList,
) -> None:
    """No variable that is handed out may tell a true date beside the shifted ones."""
    for name, expression in _expressions(variables, rules):
        told = sorted({node.func.id for node in ast.walk(expression.tree) if _asks_calendar(node)})  # type: ignore[attr-defined]
        if told and name not in withhold and variables[name].type != "date":
            text = f"'{name}' uses {told[0]}() and would tell the true date beside the shifted one"
            problems.error(place, "DD403", text, f"withhold '{name}', or derive it from intervals")


def _expressions(
    variables: Mapping[str, Variable], rules: Mapping[str, Mapping[str, Rule]]
) -> Iterator[tuple[str, Expression]]:
    for variable in variables.values():
        if variable.derive is not None:
            yield variable.name, variable.derive
    for of_wave in rules.values():
        for rule in of_wave.values():
            if rule.expr is not None and rule.date:
                yield rule.variable, rule.expr


def _asks_calendar(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in CALENDAR
