"""Read and lint cohorts/: files, waves, id rules and the rule of every variable in every wave."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..wording import did_you_mean
from .calls import CALLS
from .decisions import read_decisions
from .expression import Expression, ExpressionError, compared_constants, parse_expression
from .fields import check_results, optional_text, read_label
from .model import STATUSES, Cohort, Conversion, IdRule, Interval, Limit, Reason, Rule, Score, Variable, Wave
from .privacy import check_shifted, read_privacy
from .problems import Place, ProblemList
from .source import Block, Sequence, load_yaml

RULE_KEYS = (
    "from", "map", "cut", "date", "partial", "expr", "first_of", "score", "call", "values", "value", "missing", "below_lod",
    "above_loq", "unit", "ascertainment", "status", "note", "reviewed", "examples", "question",
)  # fmt: skip
WAVE_KEYS = (
    "order", "file", "label", "kind", "encoding", "delimiter", "sheet", "header_row", "catalog", "enrols",
)  # fmt: skip
COHORT_KEYS = (
    "cohort", "title", "short", "waves", "id", "duplicates", "protect", "missing_codes", "shift_dates", "coarsen",
    "withhold",
)  # fmt: skip
ID_KEYS = ("from", "pattern", "expr")
WAVE_FILE_KEYS = ("wave", "extends", "missing_codes", "variables", "impossible", "undecided")
GROUP_KEYS = ("variables", "note")
SCORE_KEYS = ("method", "min_items", "range", "reverse", "values", "prorate")
LIMIT_KEYS = ("prefix", "codes", "indicator", "limit", "limit_from")
PARTIAL_DATES = ("first-of-month", "mid-year")
KINDS = ("visit", "register")
PROTECT = ("none", "hash")
SCORE_METHODS = ("sum", "mean")
ASCERTAINMENTS = ("dermatologist", "physician", "self_report", "questionnaire", "record", "image_model")
DATE_SYSTEMS = ("spss", "stata", "sas", "excel", "auto")


class _Context:
    """What the rules of one wave are checked against."""

    def __init__(
        self,
        languages: tuple[str, ...],
        reasons: Mapping[str, Reason],
        conversions: Mapping[tuple[str, str, str], Conversion],
        variables: Mapping[str, Variable],
        problems: ProblemList,
    ):
        self.languages = languages
        self.reasons = reasons
        self.conversions = conversions
        self.variables = variables
        self.problems = problems


def read_cohorts(
    root: Path,
    languages: tuple[str, ...],
    reasons: Mapping[str, Reason],
    conversions: Mapping[tuple[str, str, str], Conversion],
    variables: Mapping[str, Variable],
    problems: ProblemList,
) -> dict[str, Cohort]:
    """Every folder of cohorts/ with a cohort.yaml, in alphabetical order."""
    context = _Context(languages, reasons, conversions, variables, problems)
    cohorts: dict[str, Cohort] = {}
    folder = root / "cohorts"
    for path in sorted(folder.glob("*/cohort.yaml")):
        block = load_yaml(path, problems)
        if block is not None:
            cohort = _read_cohort(path.parent, block, context)
            cohorts[cohort.name] = cohort
    _check_same_verbs(cohorts, problems)
    if not cohorts:
        problems.error(Place(str(folder)), "DD100", "no cohort: expected cohorts/<name>/cohort.yaml")
    return cohorts


def _read_cohort(folder: Path, block: Block, context: _Context) -> Cohort:
    problems = context.problems
    block.check_keys(COHORT_KEYS, problems, "cohort.yaml", required=("cohort", "title", "waves", "id"))
    name = str(block.get("cohort", folder.name))
    if name != folder.name:
        problems.error(block.at("cohort"), "DD101", f"cohort '{name}' is in the folder '{folder.name}'")
    missing_codes = _read_reason_map(block, "missing_codes", context)
    duplicates, by = _read_duplicates(block, context)
    protect = block.get("protect", "none")
    if protect not in PROTECT:
        problems.error(block.at("protect"), "DD102", f"protect '{protect}' is unknown", "none or hash")
    waves_block = block.get("waves")
    if not isinstance(waves_block, Block):
        waves_block = Block()
    ids = block.get("id")
    files: dict[str, Block] = {}
    for wave in waves_block:
        path = folder / f"{wave}.yaml"
        mapping = load_yaml(path, problems)
        if mapping is not None:
            files[wave] = mapping
    waves: dict[str, Wave] = {}
    orders = {
        wave: entry.get("order", position) if isinstance(entry, Block) else position
        for position, (wave, entry) in enumerate(waves_block.items())
    }
    visit_waves = [
        wave
        for wave in sorted(orders, key=lambda w: orders[w])
        if isinstance(waves_block[wave], Block) and waves_block[wave].get("kind", "visit") == "visit"
    ]
    for wave in sorted(orders, key=lambda w: orders[w]):
        entry = waves_block[wave]
        if not isinstance(entry, Block):
            problems.error(
                waves_block.at(wave), "DD103", f"wave '{wave}' must be a mapping with order and file"
            )
            continue
        if wave not in files:
            continue
        entry.check_keys(WAVE_KEYS, problems, f"wave '{wave}'", required=("order", "file"))
        kind = entry.get("kind", "visit")
        if kind not in KINDS:
            problems.error(entry.at("kind"), "DD104", f"kind '{kind}' is unknown", "visit or register")
        rules = _read_wave(name, wave, kind, files, missing_codes, context)
        waves[wave] = Wave(
            cohort=name,
            name=wave,
            order=int(orders[wave]),
            file=str(entry.get("file")),
            kind=kind,
            id=_read_id(ids, wave, block, context),
            rules=rules,
            label=_wave_label(wave, entry, context),
            place=files[wave].place,
            enrols=bool(entry.get("enrols", wave == visit_waves[0] if visit_waves else True)),
            encoding=entry.get("encoding"),
            delimiter=entry.get("delimiter"),
            sheet=entry.get("sheet"),
            header_row=int(entry.get("header_row", 1)),
            catalog=entry.get("catalog"),
        )
    title = read_label(block.get("title"), context.languages, block.at("title"), problems, "title")
    short = title
    if "short" in block:
        short = read_label(block["short"], context.languages, block.at("short"), problems, "short")
    privacy = read_privacy(block, context.variables, context.reasons, problems)
    if privacy.shift_dates:
        rules_of = {wave: of_wave.rules for wave, of_wave in waves.items()}
        check_shifted(block.at("shift_dates"), privacy.withhold, context.variables, rules_of, problems)
    decisions = read_decisions(folder, waves, problems)
    _check_stray_files(folder, waves_block, problems)
    return Cohort(name, title, short, waves, duplicates, by, str(protect), missing_codes, privacy, decisions)


def _wave_label(wave: str, entry: Block, context: _Context) -> Mapping[str, str]:
    """The printed name of a wave; its own name where the file gives none."""
    if "label" not in entry:
        return dict.fromkeys(context.languages, wave)
    return read_label(
        entry["label"], context.languages, entry.at("label"), context.problems, f"label of '{wave}'"
    )


def _read_duplicates(block: Block, context: _Context) -> tuple[str, str | None]:
    value = str(block.get("duplicates", "error"))
    match = re.fullmatch(r"(error|keep_first|keep_latest)(?:\((\w+)\))?", value)
    if not match or (match[1] == "keep_latest") != bool(match[2]):
        hint = "error, keep_first or keep_latest(visit_date)"
        context.problems.error(block.at("duplicates"), "DD105", f"duplicates '{value}' is unknown", hint)
        return "error", None
    variable = context.variables.get(match[2] or "")
    if match[2] and (variable is None or variable.type != "date"):
        hint = did_you_mean(match[2], [v.name for v in context.variables.values() if v.type == "date"])
        text = f"keep_latest needs a date of the schema, found '{match[2]}'"
        context.problems.error(block.at("duplicates"), "DD106", text, hint)
    return match[1], match[2]


def _read_id(ids: Any, wave: str, block: Block, context: _Context) -> IdRule:
    entry = ids.get(wave) if isinstance(ids, Block) else None
    if not isinstance(entry, Block):
        text = f"the id rule of wave '{wave}' is missing"
        context.problems.error(block.at("id"), "DD107", text, f"add '{wave}: {{from: COLUMN}}' under id")
        return IdRule("", block.at("id"))
    entry.check_keys(ID_KEYS, context.problems, f"id of '{wave}'", required=("from",))
    column, expression, pattern = str(entry.get("from")), None, entry.get("pattern")
    if "expr" in entry:
        expression = _parse(entry, "expr", f"id of '{wave}'", context)
        _check_names(expression, {column: column}, entry.at("expr"), f"id of '{wave}'", context)
    if pattern is not None:
        try:
            re.compile(str(pattern))
        except re.error as error:
            context.problems.error(
                entry.at("pattern"), "DD108", f"the pattern is no regular expression: {error}"
            )
            pattern = None
    return IdRule(column, entry.place, optional_text(pattern), expression)


def _read_wave(
    cohort: str,
    wave: str,
    kind: str,
    files: Mapping[str, Block],
    missing_codes: Mapping[Any, str],
    context: _Context,
) -> dict[str, Rule]:
    """Rules of one wave in schema order, inherited ones included; every variable must be spoken for."""
    block, problems = files[wave], context.problems
    block.check_keys(
        WAVE_FILE_KEYS,
        problems,
        "a wave file",
        required=("wave",),
    )
    if block.get("wave") != f"{cohort}/{wave}":
        text = f"this file says it is '{block.get('wave')}' but stands for '{cohort}/{wave}'"
        problems.error(block.at("wave"), "DD109", text)
    if "missing_codes" in block:  # a form with codes of its own: they stand in for those of the cohort
        missing_codes = _read_reason_map(block, "missing_codes", context)
    entries = _collect_entries(wave, files, context, ())
    rules: dict[str, Rule] = {}
    for name, (entry, place) in entries.items():
        variable = context.variables.get(name)
        if variable is None:
            hint = did_you_mean(name, context.variables)
            problems.error(place, "DD110", f"'{name}' is not a variable of the schema", hint)
        elif variable.derive is not None:
            text = f"'{name}' is derived in the schema, so a wave cannot map it"
            problems.error(place, "DD111", text, "delete the rule, or the 'derive' of the schema")
        else:
            rules[name] = _read_rule(variable, entry, place, missing_codes, context)
    for variable in context.variables.values():
        wanted = variable.derive is None and (kind == "visit") == (variable.entity != "event")
        if kind == "register":
            wanted = wanted or (variable.derive is None and variable.entity == "participant")
        if wanted and variable.name not in entries and variable.entity != "event":
            text = f"nothing is said about '{variable.name}' in {cohort}/{wave}"
            problems.error(
                block.place, "DD120", text, "map it, or list it under 'impossible' or 'undecided' with a note"
            )
    undecided = [name for name, rule in rules.items() if rule.status == "undecided"]
    if undecided:
        more = f" and {len(undecided) - 5} more" if len(undecided) > 5 else ""
        text = (
            f"{len(undecided)} variable(s) of {cohort}/{wave} are undecided: {', '.join(undecided[:5])}{more}"
        )
        problems.warning(block.place, "DD126", text, "map them, or say that they are impossible")
    return {name: rules[name] for name in context.variables if name in rules}


def _check_stray_files(folder: Path, waves: Mapping[str, Any], problems: ProblemList) -> None:
    """A mapping that cohort.yaml does not announce would be ignored."""
    for path in sorted(folder.glob("*.yaml")):
        if path.stem not in (*waves, "cohort", "decisions"):
            text = f"{path.name} is no wave of cohort.yaml, so it is not used"
            hint = (
                did_you_mean(path.stem, waves)
                or f"announce it: '{path.stem}: {{order: …, file: …}}' under waves"
            )
            problems.warning(Place(str(path)), "DD127", text, hint)


def _check_same_verbs(cohorts: Mapping[str, Cohort], problems: ProblemList) -> None:
    """A variable that other waves score from its items and one wave copies from a single column."""
    scored: dict[str, str] = {}
    rules = [
        (f"{cohort.name}/{wave.name}", rule)
        for cohort in cohorts.values()
        for wave in cohort.waves.values()
        for rule in wave.rules.values()
    ]
    for where, rule in rules:
        if rule.verb in ("score", "call"):
            scored.setdefault(rule.variable, where)
    for where, rule in rules:
        if rule.verb == "copy" and rule.variable in scored:
            text = f"'{rule.variable}' is copied in {where} but made of several columns in {scored[rule.variable]}"
            problems.warning(rule.place, "DD128", text, "is the column the score, or only one of its items?")


def _collect_entries(
    wave: str, files: Mapping[str, Block], context: _Context, seen: tuple[str, ...]
) -> dict[str, tuple[Block, Place]]:
    """`variables`, `impossible` and `undecided` of a wave over those of the wave it extends."""
    block, problems = files[wave], context.problems
    entries: dict[str, tuple[Block, Place]] = {}
    base = block.get("extends")
    if base is not None:
        if base in seen or base == wave:
            problems.error(block.at("extends"), "DD121", f"'{wave}' extends itself through '{base}'")
        elif base not in files:
            hint = did_you_mean(base, files)
            problems.error(block.at("extends"), "DD122", f"'{base}' is not another wave of this cohort", hint)
        else:
            entries = _collect_entries(base, files, context, (*seen, wave))
    own: dict[str, tuple[Block, Place]] = {}
    variables = block.get("variables") or Block()
    for name, entry in variables.items():
        if isinstance(entry, Block):
            own[name] = (entry, variables.key_at(name))
        else:
            problems.error(variables.at(name), "DD123", f"the rule of '{name}' must be a mapping")
    for status in ("impossible", "undecided"):
        groups = block.get(status) or Sequence()
        for group in groups:
            if not isinstance(group, Block):
                problems.error(block.at(status), "DD124", f"'{status}' must be a list of {{variables, note}}")
                continue
            group.check_keys(GROUP_KEYS, problems, f"'{status}'", required=GROUP_KEYS)
            names = group.get("variables") or Sequence()
            places = getattr(names, "places", [group.place] * len(names))
            for name, place in zip(names, places, strict=True):
                if name in own:
                    problems.error(place, "DD125", f"'{name}' is spoken for twice in this file")
                rule = Block(status=status, note=group.get("note"))
                rule.place, rule.key_places, rule.value_places = place, {}, {}
                own[name] = (rule, place)
    return {**entries, **own}


def _read_rule(
    variable: Variable, entry: Block, place: Place, missing_codes: Mapping[Any, str], context: _Context
) -> Rule:
    problems, name = context.problems, variable.name
    entry.check_keys(RULE_KEYS, problems, f"the rule of '{name}'")
    status = entry.get("status", "complete")
    if status not in STATUSES:
        problems.error(
            entry.at("status"), "DD130", f"status '{status}' is unknown", did_you_mean(status, STATUSES)
        )
        status = "undecided"
    if status != "complete" and not entry.get("note"):
        problems.error(entry.at("status"), "DD131", f"'{name}' is {status}: say why in 'note'")
    text = json.dumps(entry, ensure_ascii=False, default=str)
    if status in ("impossible", "undecided"):
        return Rule(name, status, place, note=optional_text(entry.get("note")), text=text)
    verbs = [key for key in ("map", "cut", "expr", "first_of", "score", "call", "value") if key in entry]
    if "date" in entry and not verbs:
        verbs = ["date"]
    if len(verbs) > 1:
        text_ = f"the rule of '{name}' has {len(verbs)} verbs: {', '.join(verbs)}"
        problems.error(place, "DD132", text_, "one verb a rule")
    verb = verbs[0] if verbs else "copy"
    columns = _read_columns(entry, verb, name, place, context)
    rule = Rule(
        variable=name,
        status=status,
        place=place,
        verb=verb,
        columns=columns,
        note=optional_text(entry.get("note")),
        map=_read_map(variable, entry, context) if verb == "map" else {},
        cut=_read_cut(variable, entry, context) if verb == "cut" else {},
        date=_read_date(entry, context),
        partial=_read_partial(entry, context),
        expr=_parse(entry, "expr", f"'{name}'", context) if verb == "expr" else None,
        score=_read_score(entry, columns, name, context) if verb == "score" else None,
        call=_read_call(entry, columns, context) if verb == "call" else None,
        values=_read_values(entry, name, context),
        value=entry.get("value"),
        missing={
            **(missing_codes if verb == "map" else {}),
            **_read_reason_map(entry, "missing", context),
        },
        below_lod=_read_limit(entry, "below_lod", name, context),
        above_loq=_read_limit(entry, "above_loq", name, context),
        unit=optional_text(entry.get("unit")),
        ascertainment=optional_text(entry.get("ascertainment")),
        examples=tuple((pair[0], pair[1]) for pair in entry.get("examples") or () if len(pair) == 2),
        question=optional_text(entry.get("question")),
        reviewed=json.dumps(entry["reviewed"], ensure_ascii=False, default=str)
        if "reviewed" in entry
        else None,
        text=text,
    )
    _check_rule(variable, rule, entry, context)
    return rule


def _read_columns(entry: Block, verb: str, name: str, place: Place, context: _Context) -> dict[str, str]:
    """Names in the rule -> raw columns."""
    key = "first_of" if verb == "first_of" else "from"
    if verb == "value":
        return {}
    source = entry.get(key)
    if source is None:
        context.problems.error(place, "DD133", f"the rule of '{name}' needs '{key}'")
        return {}
    if isinstance(source, Block):
        return {str(alias): str(column) for alias, column in source.items()}
    if isinstance(source, list):
        return {str(column): str(column) for column in source}
    return {str(source): str(source)}


def _read_map(variable: Variable, entry: Block, context: _Context) -> dict[Any, str]:
    block, problems = entry["map"], context.problems
    if not isinstance(block, Block):
        problems.error(entry.at("map"), "DD134", f"map of '{variable.name}' must be {{source: category}}")
        return {}
    if not variable.levels:
        text = f"'{variable.name}' is a {variable.type}, so its values cannot be mapped to categories"
        problems.error(entry.at("map"), "DD135", text, "use copy, cut or expr")
        return {}
    result: dict[Any, str] = {}
    for source, target in block.items():
        if target not in variable.levels:
            hint = did_you_mean(target, variable.levels) or f"categories: {', '.join(variable.levels)}"
            problems.error(
                block.at(source), "DD136", f"'{target}' is not a category of '{variable.name}'", hint
            )
        result[source] = str(target)
    unreached = [level for level in variable.levels if level not in result.values()]
    if unreached and entry.get("status", "complete") == "complete":
        text = (
            f"no source value reaches {', '.join(unreached)} of '{variable.name}', yet its status is complete"
        )
        hint = "add the missing codes, or say 'status: partial' with a note"
        problems.warning(entry.at("map"), "DD137", text, hint)
    return result


_BOUND = re.compile(
    r"\s*(?:(?P<low>-?[\d.]+)\s*-\s*<\s*(?P<high>-?[\d.]+)|(?P<op><=|>=|<|>)\s*(?P<x>-?[\d.]+))\s*"
)


def _read_cut(variable: Variable, entry: Block, context: _Context) -> dict[str, Interval]:
    block, problems = entry["cut"], context.problems
    if not isinstance(block, Block):
        problems.error(entry.at("cut"), "DD138", f"cut of '{variable.name}' must be {{category: bounds}}")
        return {}
    result: dict[str, Interval] = {}
    infinity = float("inf")
    for category, bounds in block.items():
        match = _BOUND.fullmatch(str(bounds))
        if category not in variable.levels:
            hint = did_you_mean(category, variable.levels)
            problems.error(
                block.key_at(category), "DD136", f"'{category}' is not a category of '{variable.name}'", hint
            )
        if not match:
            problems.error(
                block.at(category),
                "DD139",
                f"cannot read the bounds '{bounds}'",
                "'<18.5', '18.5-<24' or '>=24'",
            )
        elif match["low"]:
            result[str(category)] = Interval(float(match["low"]), float(match["high"]), True, False)
        elif match["op"].startswith("<"):
            result[str(category)] = Interval(-infinity, float(match["x"]), False, match["op"] == "<=")
        else:
            result[str(category)] = Interval(float(match["x"]), infinity, match["op"] == ">=", False)
    ordered = sorted(result.values(), key=lambda i: (i.low, i.high))
    for first, second in itertools.pairwise(ordered):
        if first.high != second.low or first.high_closed == second.low_closed:
            text = f"the intervals of '{variable.name}' leave a gap or overlap at {first.high:g}"
            problems.error(entry.at("cut"), "DD140", text)
    return result


def _read_date(entry: Block, context: _Context) -> tuple[str, ...]:
    if "date" not in entry:
        return ()
    value = entry["date"]
    patterns = tuple(str(item) for item in (value if isinstance(value, list) else [value]))
    for pattern in patterns:
        if pattern not in DATE_SYSTEMS and "%" not in pattern:
            hint = (
                did_you_mean(pattern, DATE_SYSTEMS)
                or "a pattern such as '%Y/%m/%d', or spss, stata, sas, excel"
            )
            context.problems.error(entry.at("date"), "DD141", f"'{pattern}' is no date pattern", hint)
    return patterns


def _read_partial(entry: Block, context: _Context) -> str | None:
    value = entry.get("partial")
    if value is not None and value not in PARTIAL_DATES:
        context.problems.error(
            entry.at("partial"), "DD142", f"partial '{value}' is unknown", "first-of-month or mid-year"
        )
    return optional_text(value)


def _read_score(entry: Block, columns: Mapping[str, str], name: str, context: _Context) -> Score | None:
    block, problems = entry["score"], context.problems
    if not isinstance(block, Block):
        problems.error(entry.at("score"), "DD143", f"score of '{name}' must be a mapping with 'method'")
        return None
    block.check_keys(SCORE_KEYS, problems, "score", ("method",))
    if block.get("method") not in SCORE_METHODS:
        problems.error(
            block.at("method"), "DD144", f"method '{block.get('method')}' is unknown", "sum or mean"
        )
    least = block.get("min_items", len(columns))
    if not isinstance(least, int) or not 1 <= least <= max(len(columns), 1):
        text = f"min_items of '{name}' must be 1 to {len(columns)}, the number of items"
        problems.error(block.at("min_items"), "DD145", text)
        least = len(columns)
    if least < len(columns) and block.get("method") == "sum" and "prorate" not in block:
        text = (
            f"'{name}' allows missing items: say 'prorate: true' (scale up) or 'prorate: false' (count as 0)"
        )
        problems.error(block.place, "DD146", text)
    bounds = block.get("range")
    reverse = tuple(str(item) for item in block.get("reverse") or ())
    for item in reverse:
        if item not in columns:
            problems.error(block.at("reverse"), "DD147", f"'{item}' is not an item of '{name}'")
    if reverse and not bounds:
        problems.error(block.at("reverse"), "DD148", f"'{name}' reverses items: say their 'range'")
    return Score(
        str(block.get("method")),
        least,
        (float(bounds[0]), float(bounds[1])) if bounds else None,
        reverse,
        dict(block.get("values") or {}),
        bool(block.get("prorate", False)),
    )


def _read_call(entry: Block, columns: Mapping[str, str], context: _Context) -> str:
    name, problems = str(entry["call"]), context.problems
    if name not in CALLS:
        hint = did_you_mean(name, CALLS) or f"registered: {', '.join(CALLS)}"
        problems.error(entry.at("call"), "DD149", f"'{name}' is no registered function", hint)
        return name
    known = (*CALLS[name].items, *CALLS[name].optional)
    for alias in columns:
        if alias not in known:
            hint = did_you_mean(alias, known) or f"items: {', '.join(known)}"
            problems.error(entry.at("from"), "DD157", f"'{alias}' is no item of {name}", hint)
    absent = [item for item in CALLS[name].items if item not in columns]
    if absent:
        text = f"{name} needs the item(s) {', '.join(absent)} in 'from' as {{item: column}}"
        problems.error(entry.at("from"), "DD157", text)
    return name


def _read_values(entry: Block, name: str, context: _Context) -> dict[Any, float]:
    """Answers of the items of a `call` -> numbers."""
    block = entry.get("values")
    if block is None:
        return {}
    numbers = isinstance(block, Block) and all(
        isinstance(value, (int, float)) and not isinstance(value, bool) for value in block.values()
    )
    if not numbers or "call" not in entry:
        text = f"'values' of '{name}' must be {{answer: number}} beside 'call'"
        context.problems.error(entry.at("values"), "DD158", text)
        return {}
    return {answer: float(value) for answer, value in block.items()}


def _read_limit(entry: Block, key: str, name: str, context: _Context) -> Limit | None:
    if key not in entry:
        return None
    block, problems = entry[key], context.problems
    if not isinstance(block, Block):
        problems.error(entry.at(key), "DD150", f"{key} of '{name}' must be a mapping")
        return None
    block.check_keys(LIMIT_KEYS, problems, key)
    if not any(part in block for part in ("prefix", "codes", "indicator")):
        problems.error(block.place, "DD151", f"{key} of '{name}' needs prefix, codes or indicator")
    if "prefix" not in block and "limit" not in block and "limit_from" not in block:
        problems.error(block.place, "DD152", f"{key} of '{name}' needs the 'limit' (or 'limit_from: COLUMN')")
    limit = block.get("limit")
    return Limit(
        prefix=optional_text(block.get("prefix")),
        codes=tuple(block.get("codes") or ()),
        indicator=optional_text(block.get("indicator")),
        limit=float(limit) if limit is not None else None,
        limit_from=optional_text(block.get("limit_from")),
    )


def _read_reason_map(entry: Block, key: str, context: _Context) -> dict[Any, str]:
    block = entry.get(key)
    if block is None:
        return {}
    if not isinstance(block, Block):
        context.problems.error(entry.at(key), "DD153", f"{key} must be {{code: reason}}")
        return {}
    for code, reason in block.items():
        if reason not in context.reasons:
            hint = did_you_mean(reason, context.reasons)
            context.problems.error(block.at(code), "DD154", f"'{reason}' is not a missing reason", hint)
    return {code: str(reason) for code, reason in block.items() if reason in context.reasons}


def _parse(entry: Block, key: str, what: str, context: _Context) -> Expression | None:
    try:
        return parse_expression(entry[key])
    except ExpressionError as error:
        context.problems.error(entry.at(key), "DD155", f"{what}: {error}", error.hint)
        return None


def _check_names(
    expression: Expression | None, columns: Mapping[str, str], place: Place, what: str, context: _Context
) -> None:
    for used in expression.names if expression else ():
        if used not in columns:
            hint = did_you_mean(used, columns)
            context.problems.error(
                place, "DD156", f"the expression of {what} uses '{used}', which is not in 'from'", hint
            )


def _check_rule(variable: Variable, rule: Rule, entry: Block, context: _Context) -> None:
    """Checks that need the schema: types, units, plausible codes, examples, ascertainment."""
    problems, name = context.problems, variable.name
    if rule.expr is not None:
        _check_names(rule.expr, rule.columns, entry.at("expr"), f"'{name}'", context)
        check_results(variable, rule.expr, entry.at("expr"), problems)
        for used, _ in compared_constants(rule.expr):
            _check_names(None, {used: used}, entry.at("expr"), name, context)
    if rule.verb == "copy" and variable.levels:
        text = f"'{name}' is {variable.type}: its source values need 'map', 'cut' or 'expr'"
        problems.error(rule.place, "DD160", text)
    if rule.verb == "value" and variable.levels and rule.value not in variable.levels:
        hint = did_you_mean(rule.value, variable.levels)
        problems.error(entry.at("value"), "DD136", f"'{rule.value}' is not a category of '{name}'", hint)
    if rule.verb in ("copy", "first_of") and variable.type == "date" and not rule.date:
        problems.error(rule.place, "DD161", f"'{name}' is a date: say how it is written with 'date'")
    if variable.condition and rule.ascertainment not in ASCERTAINMENTS:
        hint = did_you_mean(rule.ascertainment, ASCERTAINMENTS) or f"one of {', '.join(ASCERTAINMENTS)}"
        problems.error(entry.at("ascertainment"), "DD162", f"'{name}' needs 'ascertainment'", hint)
    _check_unit(variable, rule, entry, context)
    _check_missing_codes(variable, rule, entry, context)
    for source, expected in rule.examples:
        found = rule.map.get(source, rule.missing.get(source)) if rule.verb == "map" else expected
        if found != expected:
            text = f"example {source!r} -> {expected!r} of '{name}' gives {found!r}"
            problems.error(entry.at("examples"), "DD170", text)


def _check_unit(variable: Variable, rule: Rule, entry: Block, context: _Context) -> None:
    if rule.unit is None or rule.unit == variable.unit:
        return
    name, key = variable.name, (variable.analyte or "", rule.unit, variable.unit or "")
    if key in context.conversions:
        return
    known = [unit for analyte, unit, to in context.conversions if analyte == key[0] and to == key[2]]
    text = (
        f"'{name}' comes in {rule.unit} but units.yaml has no factor from {rule.unit} to {variable.unit} "
        f"for {variable.analyte or 'it (the schema names no analyte)'}"
    )
    hint = did_you_mean(rule.unit, known) or "add the factor with its source, or correct 'unit'"
    context.problems.error(entry.at("unit"), "DD163", text, hint)


def _check_missing_codes(variable: Variable, rule: Rule, entry: Block, context: _Context) -> None:
    """A missing code inside the plausible range would destroy real values."""
    block = entry.get("missing")
    if (
        not isinstance(block, Block)
        or not variable.is_number
        or variable.soft is None
        or rule.verb == "score"
    ):
        return
    conversion = context.conversions.get((variable.analyte or "", rule.unit or "", variable.unit or ""))
    for code in block:
        if isinstance(code, bool) or not isinstance(code, (int, float)):
            continue
        value = code * conversion.slope + conversion.intercept if conversion else float(code)
        if variable.soft[0] <= value <= variable.soft[1]:
            unit = f" {variable.unit}" if variable.unit else ""
            span = f"{variable.soft[0]:g}-{variable.soft[1]:g}{unit}"
            context.problems.warning(
                block.key_at(code),
                "DD164",
                f"{code} is also a plausible {variable.name} ({span}): a real {code} would be lost",
                "keep it only if the source file itself declares this code missing",
            )
