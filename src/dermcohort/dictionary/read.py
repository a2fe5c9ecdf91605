"""Read and lint a dictionary. Everything that is wrong is reported at once, with file, line and column."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..wording import did_you_mean
from .checks import read_checks
from .expression import Expression, ExpressionError, compared_constants, parse_expression
from .fields import check_results, optional_text, read_label
from .mapping import read_cohorts
from .model import Category, Condition, Conversion, Dictionary, Reason, Variable
from .problems import DictionaryError, Place, Problem, ProblemList
from .source import Block, Sequence, load_yaml

TYPES = ("number", "integer", "nominal", "ordinal", "yesno", "date", "code", "text")
ENTITIES = ("visit", "participant", "event")
MEASURES = ("point", "period", "lifetime")
ROLES = ("mean", "median", "count")
SENSITIVE = ("no", "quasi", "identifier")
ENGINE_REASONS = {
    "no_answer": 3, "not_applicable": 4, "not_collected": 5, "below_lod": 6,
    "above_loq": 7, "invalid": 8, "unmapped": 9,
}  # fmt: skip
VARIABLE_KEYS = (
    "label", "definition", "entity", "type", "unit", "analyte", "categories", "range", "asked_if", "derive",
    "condition", "measures", "followed_until", "keep", "role", "sensitive", "source",
)  # fmt: skip
MAIN_KEYS = ("format", "version", "languages", "reasons", "disclosure")
REASON_KEYS = ("code", "group", "label")
CONVERSION_KEYS = ("from", "to", "slope", "intercept", "source")
CONDITION_KEYS = ("label", "icd10", "icd11", "case_definition", "label_zh_verified", "note", "source")
DISEASE_CODE_KEYS = ("codes", "title", "verified", "source", "note")
RANGE_KEYS = ("soft", "hard")
CATEGORY_KEYS = ("code", "label")
KEEP = ("first", "latest")
YES_NO = (
    Category("no", 0, {"en": "No", "zh": "否"}),
    Category("yes", 1, {"en": "Yes", "zh": "是"}),
)
RESERVED = ("cohort", "participant_id", "wave", "unknown")


def read_dictionary(path: str | Path) -> Dictionary:
    """Read the dictionary in folder `path`.

    Parameters
    ----------
    path : str or Path
        Folder with dictionary.yaml, units.yaml, conditions.yaml, schema/ and cohorts/.

    Returns
    -------
    Dictionary
        Warnings of the linter are in `.warnings`.

    Raises
    ------
    DictionaryError
        With every error at once; each line is ``file:line:column: error CODE text``.

    Examples
    --------
    >>> dictionary = read_dictionary("data-dictionary")     # doctest: +SKIP
    >>> dictionary.matrix()                                 # doctest: +SKIP
    """
    dictionary, problems = check_dictionary(path)
    if dictionary is None:
        raise DictionaryError(problems)
    return dictionary


def read_schema(path: str | Path) -> tuple[dict[str, Variable], dict[str, Reason]]:
    """Variables and missing reasons alone, for a dictionary whose waves are still to be written."""
    root = Path(path)
    problems = ProblemList(root)
    main = load_yaml(root / "dictionary.yaml", problems) or Block()
    languages = tuple(main.get("languages") or ("en",))
    reasons = _read_reasons(main, languages, problems) if main else {}
    conditions = _read_conditions(root, languages, problems)
    variables = _read_schema(root, languages, conditions, problems)
    if problems.has_errors():
        raise DictionaryError(problems.problems)
    return variables, reasons


def check_dictionary(path: str | Path) -> tuple[Dictionary | None, list[Problem]]:
    """Lint the dictionary: (dictionary or None where there are errors, all problems in file order)."""
    root = Path(path)
    problems = ProblemList(root)
    if not root.is_dir():
        problems.error(Place(str(root)), "DD003", "this folder does not exist")
        return None, problems.problems
    main = load_yaml(root / "dictionary.yaml", problems)
    main = main if main is not None else Block()
    if not hasattr(main, "place"):
        main.place, main.key_places, main.value_places = Place(str(root / "dictionary.yaml")), {}, {}
    main.check_keys(
        MAIN_KEYS,
        problems,
        "dictionary.yaml",
        required=("format", "version", "languages", "reasons"),
    )
    if main.get("format", 1) != 1:
        problems.error(
            main.at("format"), "DD012", f"format {main['format']!r} is unknown; this version reads 1"
        )
    if not isinstance(main.get("version", ""), str):
        problems.error(main.at("version"), "DD013", "quote the version: 1.10 would become 1.1")
    languages = tuple(main.get("languages") or ("en",))
    reasons = _read_reasons(main, languages, problems)
    conversions = _read_units(root, problems)
    conditions = _read_conditions(root, languages, problems)
    variables = _read_schema(root, languages, conditions, problems)
    cohorts = read_cohorts(root, languages, reasons, conversions, variables, problems)
    checks = read_checks(root, languages, variables, cohorts, problems)
    disclosure = main.get("disclosure") or {}
    found = sorted(problems.problems)
    if problems.has_errors():
        return None, found
    dictionary = Dictionary(
        root=root,
        version=str(main["version"]),
        languages=languages,
        reasons=reasons,
        conversions=conversions,
        conditions=conditions,
        variables=variables,
        cohorts=cohorts,
        checks=checks,
        min_cell=int(disclosure.get("min_cell", 5)),
        warnings=tuple(found),
    )
    return dictionary, found


def _read_reasons(main: Block, languages: tuple[str, ...], problems: ProblemList) -> dict[str, Reason]:
    block = main.get("reasons")
    if not isinstance(block, Block):
        return {}
    reasons: dict[str, Reason] = {}
    for name, entry in block.items():
        if not isinstance(entry, Block):
            problems.error(block.at(name), "DD020", f"reason '{name}' must be a mapping with code and label")
            continue
        entry.check_keys(REASON_KEYS, problems, f"reason '{name}'", required=("code", "label"))
        code = entry.get("code")
        if not isinstance(code, int) or not 1 <= code <= 31:
            problems.error(entry.at("code"), "DD021", f"the code of reason '{name}' must be 1 to 31")
            continue
        used = [other.name for other in reasons.values() if other.code == code]
        if used:
            problems.error(entry.at("code"), "DD022", f"code {code} already belongs to reason '{used[0]}'")
        if ENGINE_REASONS.get(name, code) != code:
            problems.error(
                entry.at("code"), "DD023", f"reason '{name}' has the fixed code {ENGINE_REASONS[name]}"
            )
        label = read_label(entry.get("label"), languages, entry.at("label"), problems, f"reason '{name}'")
        reasons[name] = Reason(name, code, str(entry.get("group", "other")), label)
    for name in ENGINE_REASONS:
        if name not in block:
            problems.error(
                block.place, "DD024", f"the reason '{name}' (code {ENGINE_REASONS[name]}) is missing"
            )
    return reasons


def _read_units(root: Path, problems: ProblemList) -> dict[tuple[str, str, str], Conversion]:
    path = root / "units.yaml"
    block = load_yaml(path, problems) if path.exists() else None
    conversions: dict[tuple[str, str, str], Conversion] = {}
    for analyte, entries in (block or {}).items():
        if not isinstance(entries, Sequence):
            problems.error(block.at(analyte), "DD030", f"'{analyte}' must be a list of conversions")  # type: ignore[union-attr]
            continue
        for entry, place in zip(entries, entries.places, strict=True):
            if not isinstance(entry, Block):
                problems.error(place, "DD030", f"a conversion of '{analyte}' must be a mapping")
                continue
            entry.check_keys(
                CONVERSION_KEYS,
                problems,
                f"a conversion of '{analyte}'",
                required=("from", "to", "slope", "source"),
            )
            slope, intercept = entry.get("slope"), entry.get("intercept", 0)
            if not isinstance(slope, (int, float)) or slope == 0 or not isinstance(intercept, (int, float)):
                problems.error(
                    entry.at("slope"),
                    "DD031",
                    f"slope and intercept of '{analyte}' must be numbers, slope not 0",
                )
                continue
            key = (str(analyte), str(entry.get("from")), str(entry.get("to")))
            if key in conversions:
                problems.error(place, "DD032", f"'{analyte}' converts {key[1]} to {key[2]} twice")
            conversions[key] = Conversion(float(slope), float(intercept), str(entry.get("source")))
    return conversions


def _read_conditions(root: Path, languages: tuple[str, ...], problems: ProblemList) -> dict[str, Condition]:
    path = root / "conditions.yaml"
    block = load_yaml(path, problems) if path.exists() else None
    conditions = {}
    for name, entry in (block or {}).items():
        if not isinstance(entry, Block):
            problems.error(block.at(name), "DD040", f"condition '{name}' must be a mapping")  # type: ignore[union-attr]
            continue
        what = f"condition '{name}'"
        entry.check_keys(
            CONDITION_KEYS,
            problems,
            what,
            required=("label", "icd10", "icd11", "case_definition"),
        )
        for system in ("icd10", "icd11"):
            codes = entry.get(system)
            if isinstance(codes, Block):
                codes.check_keys(DISEASE_CODE_KEYS, problems, system, ("codes", "verified"))
                if not isinstance(codes.get("verified"), bool):
                    problems.error(
                        codes.at("verified"), "DD041", f"{system} of {what}: verified is true or false"
                    )
        conditions[str(name)] = Condition(
            str(name),
            read_label(entry.get("label"), languages, entry.at("label"), problems, what),
            dict(entry.get("icd10") or {}),
            dict(entry.get("icd11") or {}),
            read_label(entry.get("case_definition"), languages, entry.at("case_definition"), problems, what),
        )
    return conditions


def _read_schema(
    root: Path, languages: tuple[str, ...], conditions: Mapping[str, Condition], problems: ProblemList
) -> dict[str, Variable]:
    variables: dict[str, Variable] = {}
    paths = sorted((root / "schema").glob("*.yaml"))
    if not paths:
        problems.error(Place(str(root / "schema")), "DD050", "the folder schema/ has no .yaml file")
    for path in paths:
        block = load_yaml(path, problems)
        domain = re.sub(r"^\d+_", "", path.stem)
        for name, entry in (block or {}).items():
            place = block.key_at(name)  # type: ignore[union-attr]
            if not isinstance(name, str) or not name.isidentifier() or name in RESERVED:
                problems.error(place, "DD051", f"'{name}' cannot be the name of a variable")
            elif name in variables:
                first = variables[name].place
                problems.error(place, "DD052", f"'{name}' is already defined in {first.file}:{first.line}")
            elif not isinstance(entry, Block):
                problems.error(place, "DD053", f"'{name}' must be a mapping")
            else:
                variables[name] = _read_variable(name, domain, entry, place, languages, conditions, problems)
    for variable in variables.values():
        _check_expressions(variable, variables, problems)
        _check_followed_until(variable, variables, problems)
    _check_cycles(variables, problems)
    return variables


def _read_variable(
    name: str,
    domain: str,
    entry: Block,
    place: Place,
    languages: tuple[str, ...],
    conditions: Mapping[str, Condition],
    problems: ProblemList,
) -> Variable:
    entry.check_keys(VARIABLE_KEYS, problems, f"variable '{name}'", required=("label", "type"))

    def choice(key: str, options: tuple[str, ...], default: Any) -> Any:
        value = entry.get(key, default)
        if value is not None and value not in options:
            hint = did_you_mean(value, options) or f"one of {', '.join(options)}"
            problems.error(entry.at(key), "DD054", f"{key} '{value}' of '{name}' is unknown", hint)
            return default
        return value

    kind = choice("type", TYPES, "text")
    entity = choice("entity", ENTITIES, "visit")
    if entity == "event" and kind != "date":
        problems.error(entry.at("type"), "DD055", f"'{name}' is an event, so its type must be date")
    categories = _read_categories(name, kind, entry, languages, problems)
    condition = entry.get("condition")
    if condition is not None:
        if condition not in conditions:
            hint = did_you_mean(condition, conditions)
            problems.error(entry.at("condition"), "DD057", f"'{condition}' is not in conditions.yaml", hint)
        if kind != "yesno":
            problems.error(
                entry.at("condition"), "DD058", f"'{name}' records a condition, so it must be yesno"
            )
        if "measures" not in entry:
            problems.error(place, "DD059", f"'{name}' needs 'measures': point, period or lifetime")
    if entry.get("sensitive") == "identifier":
        problems.error(
            entry.at("sensitive"),
            "DD056",
            f"'{name}' is a direct identifier, and a study never stores one",
            "leave it out; the participant's number belongs in 'id' of cohort.yaml, with 'protect: hash' if needed",
        )
    ranges = entry.get("range") or Block()
    if isinstance(ranges, Block) and ranges:
        ranges.check_keys(RANGE_KEYS, problems, f"range of '{name}'")
    elif ranges:
        problems.error(
            entry.at("range"), "DD060", f"range of '{name}' must be {{soft: [lo, hi], hard: [lo, hi]}}"
        )
        ranges = {}
    definition = entry.get("definition")
    return Variable(
        name=name,
        domain=domain,
        entity=entity,
        type=kind,
        place=place,
        label=read_label(entry.get("label"), languages, entry.at("label"), problems, f"label of '{name}'"),
        definition=(
            read_label(definition, languages, entry.at("definition"), problems, f"definition of '{name}'")
            if definition is not None
            else None
        ),
        unit=optional_text(entry.get("unit")),
        analyte=optional_text(entry.get("analyte")),
        categories=categories,
        soft=_read_range(name, "soft", kind, ranges, problems),
        hard=_read_range(name, "hard", kind, ranges, problems),
        asked_if=_read_expression(entry, "asked_if", name, problems),
        derive=_read_expression(entry, "derive", name, problems),
        condition=optional_text(condition),
        measures=choice("measures", MEASURES, None),
        followed_until=optional_text(entry.get("followed_until")),
        keep=choice("keep", KEEP, "first"),
        role=choice("role", ROLES, None),
        sensitive=choice("sensitive", SENSITIVE, "no"),
        source=optional_text(entry.get("source")),
    )


def _read_categories(
    name: str, kind: str, entry: Block, languages: tuple[str, ...], problems: ProblemList
) -> tuple[Category, ...]:
    block = entry.get("categories")
    if kind == "yesno":
        if block:
            problems.error(
                entry.at("categories"), "DD061", f"'{name}' is yesno: its categories are no and yes"
            )
        return YES_NO
    if kind not in ("nominal", "ordinal"):
        if block:
            problems.error(entry.at("categories"), "DD062", f"'{name}' is a {kind}, so it has no categories")
        return ()
    if not isinstance(block, Block) or not block:
        problems.error(entry.place, "DD063", f"'{name}' is {kind}: it needs 'categories'")
        return ()
    categories: list[Category] = []
    for category, item in block.items():
        if not isinstance(item, Block):
            problems.error(
                block.at(category), "DD064", f"category '{category}' of '{name}' must be a mapping"
            )
            continue
        item.check_keys(CATEGORY_KEYS, problems, f"category '{category}'", required=CATEGORY_KEYS)
        code = item.get("code")
        if any(code == other.code for other in categories):
            problems.error(item.at("code"), "DD065", f"code {code} is used twice in '{name}'")
        what = f"category '{category}' of '{name}'"
        label = read_label(item.get("label"), languages, item.at("label"), problems, what)
        categories.append(Category(str(category), code if isinstance(code, int) else str(code), label))
    return tuple(categories)


def _read_range(
    name: str, which: str, kind: str, ranges: Any, problems: ProblemList
) -> tuple[Any, Any] | None:
    bounds = ranges.get(which)
    if bounds is None:
        return None
    place = ranges.at(which)
    if not isinstance(bounds, list) or len(bounds) != 2:
        problems.error(place, "DD066", f"{which} range of '{name}' must be [lowest, highest]")
        return None
    try:
        if kind == "date":
            low, high = (dt.date.fromisoformat(str(bound)) for bound in bounds)
        elif kind in ("number", "integer"):
            low, high = (float(bound) for bound in bounds)  # type: ignore[assignment]
        else:
            problems.error(place, "DD067", f"'{name}' is a {kind}: a range needs a number or a date")
            return None
    except (TypeError, ValueError):
        problems.error(place, "DD066", f"{which} range of '{name}' has a bound that is no {kind}")
        return None
    if low > high:
        problems.error(place, "DD068", f"{which} range of '{name}' is upside down")
    return low, high


def _read_expression(entry: Block, key: str, name: str, problems: ProblemList) -> Expression | None:
    if key not in entry:
        return None
    try:
        return parse_expression(entry[key])
    except ExpressionError as error:
        problems.error(entry.at(key), "DD070", f"{key} of '{name}': {error}", error.hint)
        return None


def _check_expressions(variable: Variable, variables: Mapping[str, Variable], problems: ProblemList) -> None:
    for key, expression in (("derive", variable.derive), ("asked_if", variable.asked_if)):
        if expression is None:
            continue
        for used in expression.names:
            if used not in variables:
                hint = did_you_mean(used, variables)
                text = f"{key} of '{variable.name}' uses '{used}', which is not a variable of the schema"
                problems.error(variable.place, "DD071", text, hint)
        for used, constant in compared_constants(expression):
            levels = variables[used].levels if used in variables else ()
            if levels and constant not in levels:
                hint = did_you_mean(constant, levels) or f"categories: {', '.join(levels)}"
                text = f"{key} of '{variable.name}': '{constant}' is not a category of '{used}'"
                problems.error(variable.place, "DD072", text, hint)
    if variable.derive is not None:
        check_results(variable, variable.derive, variable.place, problems)


def _check_followed_until(
    variable: Variable, variables: Mapping[str, Variable], problems: ProblemList
) -> None:
    """An event may name the participant date until which it was looked for."""
    if variable.followed_until is None:
        return
    end = variables.get(variable.followed_until)
    dates = [v.name for v in variables.values() if v.entity == "participant" and v.type == "date"]
    if variable.entity != "event" or end is None or end.name not in dates:
        text = f"followed_until of '{variable.name}' must name a participant date, and only an event has one"
        hint = did_you_mean(variable.followed_until, dates) or f"participant dates: {', '.join(dates)}"
        problems.error(variable.place, "DD075", text, hint)


def computation_order(variables: Mapping[str, Variable]) -> list[str]:
    """All names, each after what its `derive` and `asked_if` need; ValueError names a cycle."""
    order: list[str] = []
    state: dict[str, str] = {}

    def visit(name: str, path: tuple[str, ...]) -> None:
        variable = variables.get(name)
        if variable is None or state.get(name) == "done":
            return
        if state.get(name) == "open":
            raise ValueError(" -> ".join((*path[path.index(name) :], name)))
        state[name] = "open"
        for expression in (variable.derive, variable.asked_if):
            for used in expression.names if expression else ():
                visit(used, (*path, name))
        state[name] = "done"
        order.append(name)

    for name in variables:
        visit(name, ())
    return order


def _check_cycles(variables: Mapping[str, Variable], problems: ProblemList) -> None:
    try:
        computation_order(variables)
    except ValueError as error:
        first = str(error).split(" -> ")[0]
        problems.error(variables[first].place, "DD074", f"variables depend on each other: {error}")
