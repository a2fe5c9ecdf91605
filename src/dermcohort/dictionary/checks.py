"""Read and lint checks.yaml: what must hold between variables, between waves and of distributions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..wording import did_you_mean
from .expression import PREVIOUS, Expression, ExpressionError, compared_constants, parse_expression
from .fields import read_label
from .model import Check, Cohort, Distribution, Variable
from .problems import Place, ProblemList
from .source import Block, Sequence, load_yaml_list

KINDS = ("require", "across_waves", "distribution")
KEYS = ("id", "title", *KINDS, "severity", "group", "threshold", "owner", "reason", "cohorts", "waves")
SEVERITIES = ("error", "warning", "info")
GROUPS = ("conformance", "completeness", "plausibility")
SHARE = re.compile(r"share\((.+)\)")


def read_checks(
    root: Path,
    languages: tuple[str, ...],
    variables: Mapping[str, Variable],
    cohorts: Mapping[str, Cohort],
    problems: ProblemList,
) -> tuple[Check, ...]:
    """The checks in the order of the file; none where there is no checks.yaml."""
    path = root / "checks.yaml"
    entries = load_yaml_list(path, problems) if path.exists() else None
    if entries is None:
        return ()
    checks: dict[str, Check] = {}
    for entry, place in zip(entries, entries.places, strict=True):
        if not isinstance(entry, Block):
            problems.error(place, "DD300", "a check must be a mapping with id, title, severity and the like")
            continue
        check = _read_check(entry, languages, variables, cohorts, problems)
        if check is None:
            continue
        if check.id in checks:
            first = checks[check.id].place.line
            problems.error(
                entry.at("id"), "DD301", f"the id '{check.id}' is used twice; the first is on line {first}"
            )
        checks[check.id] = check
    return tuple(checks.values())


def _read_check(
    entry: Block,
    languages: tuple[str, ...],
    variables: Mapping[str, Variable],
    cohorts: Mapping[str, Cohort],
    problems: ProblemList,
) -> Check | None:
    name = entry.get("id")
    what = f"check '{name}'" if name else "a check"
    needed = ("id", "title", "severity", "group", "owner", "reason")
    entry.check_keys(KEYS, problems, what, required=needed)
    for key in ("owner", "reason"):  # a threshold that nobody answers for is nobody's threshold
        if key in entry and not (isinstance(entry[key], str) and entry[key].strip()):
            problems.error(entry.at(key), "DD310", f"{key} of {what} must be a text that says something")
    for key, options in (("severity", SEVERITIES), ("group", GROUPS)):
        if key in entry and entry[key] not in options:
            hint = did_you_mean(entry[key], options) or f"one of {', '.join(options)}"
            problems.error(entry.at(key), "DD303", f"{key} '{entry[key]}' of {what} is unknown", hint)
    if name is not None and not re.fullmatch(r"[a-z0-9][a-z0-9_-]*", str(name)):
        hint = "small letters, digits, - and _"
        problems.error(entry.at("id"), "DD301", f"'{name}' cannot be the id of a check", hint)
    found = [kind for kind in KINDS if kind in entry]
    if len(found) != 1:
        text = f"{what} needs exactly one of {', '.join(KINDS)}; found {' and '.join(found) or 'none'}"
        problems.error(entry.place, "DD302", text)
        return None
    kind = found[0]
    body: Expression | Distribution | None
    if kind == "distribution":
        body = _read_distribution(entry[kind], entry.at(kind), what, variables, problems)
    else:
        body = _read_expression(entry, kind, what, variables, problems)
    threshold = _read_threshold(entry, kind, what, problems)
    chosen = _read_places(entry, "cohorts", tuple(cohorts), what, problems)
    visited = [
        w.name
        for c in chosen or cohorts
        if c in cohorts
        for w in cohorts[c].waves.values()
        if w.kind == "visit"
    ]
    waves = _read_places(entry, "waves", tuple(dict.fromkeys(visited)), what, problems)
    title = read_label(entry.get("title"), languages, entry.at("title"), problems, f"title of {what}")
    if body is None or name is None:
        return None
    return Check(
        id=str(name),
        title=title,
        severity=str(entry.get("severity")),
        group=str(entry.get("group")),
        owner=str(entry.get("owner")),
        reason=str(entry.get("reason")),
        place=entry.place,
        threshold=body.change if isinstance(body, Distribution) else threshold,
        **{kind: body},  # type: ignore[arg-type]
        cohorts=chosen,
        waves=waves,
    )


def _read_expression(
    entry: Block, kind: str, what: str, variables: Mapping[str, Variable], problems: ProblemList
) -> Expression | None:
    place = entry.at(kind)
    try:
        expression = parse_expression(entry[kind], across_waves=kind == "across_waves")
    except ExpressionError as error:
        problems.error(place, "DD304", f"{kind} of {what}: {error}", error.hint)
        return None
    for name in dict.fromkeys(name.removeprefix(PREVIOUS) for name in expression.names):
        _known_variable(name, place, f"{kind} of {what}", variables, problems)
    if not expression.names:
        problems.error(place, "DD304", f"{kind} of {what} looks at no variable")
    for name, constant in compared_constants(expression):
        levels = variables[name].levels if name in variables else ()
        if levels and constant not in levels:
            hint = did_you_mean(constant, levels) or f"categories: {', '.join(levels)}"
            problems.error(
                place, "DD306", f"{kind} of {what}: '{constant}' is not a category of '{name}'", hint
            )
    return expression


def _known_variable(
    name: str, place: Place, what: str, variables: Mapping[str, Variable], problems: ProblemList
) -> Variable | None:
    usable = [other.name for other in variables.values() if other.entity != "event"]
    if name not in usable:
        kind = "an event, which no visit carries" if name in variables else "not a variable of the schema"
        problems.error(place, "DD305", f"{what} uses '{name}', which is {kind}", did_you_mean(name, usable))
        return None
    return variables[name]


def _read_distribution(
    block: Any, place: Place, what: str, variables: Mapping[str, Variable], problems: ProblemList
) -> Distribution | None:
    if not isinstance(block, Block):
        hint = "distribution: {variable: bmi, statistic: mean, change: 1}"
        problems.error(place, "DD309", f"distribution of {what} must be a mapping", hint)
        return None
    what = f"distribution of {what}"
    needed = ("variable", "statistic", "change")
    block.check_keys((*needed, "against"), problems, what, required=needed)
    if not all(key in block for key in needed):
        return None
    variable = _known_variable(str(block["variable"]), block.at("variable"), what, variables, problems)
    statistic, level = str(block["statistic"]), None
    if share := SHARE.fullmatch(statistic):
        statistic, level = "share", share[1].strip(" '\"")
    if statistic not in ("mean", "missing") and level is None:
        hint = did_you_mean(statistic, ("mean", "missing", "share")) or "one of mean, missing, share(level)"
        problems.error(block.at("statistic"), "DD309", f"statistic '{statistic}' of {what} is unknown", hint)
    change = block["change"]
    if isinstance(change, bool) or not isinstance(change, (int, float)) or change < 0:
        problems.error(block.at("change"), "DD307", f"change of {what} must be a number that is not negative")
        return None
    against = block.get("against", "previous")
    if against not in ("previous", "others"):
        hint = did_you_mean(against, ("previous", "others")) or "one of previous, others"
        problems.error(block.at("against"), "DD303", f"against '{against}' of {what} is unknown", hint)
    if variable is None:
        return None
    if variable.entity == "participant":
        problems.error(
            block.at("variable"),
            "DD305",
            f"{what}: '{variable.name}' is a participant variable, the same in all waves",
        )
    if statistic == "mean" and not variable.is_number:
        problems.error(
            block.at("statistic"), "DD309", f"{what}: '{variable.name}' is a {variable.type} and has no mean"
        )
    if level is not None and level not in variable.levels:
        hint = did_you_mean(level, variable.levels) or f"categories: {', '.join(variable.levels)}"
        problems.error(
            block.at("statistic"), "DD306", f"{what}: '{level}' is not a category of '{variable.name}'", hint
        )
    return Distribution(variable.name, statistic, level, float(change), str(against))


def _read_threshold(entry: Block, kind: str, what: str, problems: ProblemList) -> float:
    threshold = entry.get("threshold", 0)
    if kind == "distribution" and "threshold" in entry:
        hint = "the change that is tolerated stands in 'change'"
        problems.error(entry.key_at("threshold"), "DD307", f"{what} is a distribution: no 'threshold'", hint)
    number = isinstance(threshold, (int, float)) and not isinstance(threshold, bool)
    if not number or not 0 <= threshold <= 1:
        hint = "0.02 tolerates violations in 2% of the rows"
        problems.error(entry.at("threshold"), "DD307", f"threshold of {what} must be a share, 0 to 1", hint)
        return 0.0
    return float(threshold)


def _read_places(
    entry: Block, key: str, known: tuple[str, ...], what: str, problems: ProblemList
) -> tuple[str, ...]:
    """`cohorts` or `waves`: a list of names that exist."""
    names = entry.get(key)
    if names is None:
        return ()
    if not isinstance(names, Sequence) or not names:
        problems.error(entry.at(key), "DD308", f"{key} of {what} must be a list of names")
        return ()
    for name, place in zip(names, names.places, strict=True):
        if name not in known:
            hint = did_you_mean(name, known) or f"{key}: {', '.join(known)}"
            problems.error(place, "DD308", f"{key} of {what}: '{name}' is not one of them", hint)
    return tuple(str(name) for name in names)
