"""A JSON Schema of the YAML files, so that editors complete keys and mark mistakes while one types.

It is generated from the lists of keys and choices that the linter uses. The linter stays the judge: a schema
cannot know whether a category, unit or column exists.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from . import checks, decisions, mapping, read
from .model import STATUSES

Schema = dict[str, Any]
ANY: Schema = {}
TEXT: Schema = {"type": "string"}
NUMBER: Schema = {"type": "number"}
YES_OR_NO: Schema = {"type": "boolean"}
SCALAR: Schema = {"type": ["string", "number", "boolean"]}
WORDS: Schema = {"type": "array", "items": SCALAR}
LABEL: Schema = {"$ref": "#/$defs/label"}
CODES: Schema = {"type": "object", "additionalProperties": TEXT}
BOUNDS: Schema = {"type": "array", "items": SCALAR, "minItems": 2, "maxItems": 2}


def json_schema() -> Schema:
    """The schema of every YAML file of a dictionary (draft 2020-12); which file it is, its keys tell.

    Examples
    --------
    >>> schema = json_schema()
    >>> schema["$defs"]["rule"]["properties"]["status"]["enum"]
    ['complete', 'partial', 'impossible', 'undecided']
    """
    definitions = {
        "label": {"type": ["string", "object"], "additionalProperties": SCALAR},
        "dictionary": _object(
            read.MAIN_KEYS,
            {
                "format": {"const": 1},
                "version": {**TEXT, "description": "in quotes: 1.10 would become 1.1"},
                "languages": {"type": "array", "items": TEXT},
                "reasons": _each(_object(read.REASON_KEYS, REASON, ("code", "label"))),
                "disclosure": {"type": "object"},
            },
            ("format", "version", "languages", "reasons"),
        ),
        "units": _each(
            {
                "type": "array",
                "items": _object(read.CONVERSION_KEYS, CONVERSION, ("from", "to", "slope", "source")),
            }
        ),
        "conditions": _each(
            _object(
                read.CONDITION_KEYS,
                {"label": LABEL, "case_definition": LABEL, "icd10": ICD, "icd11": ICD},
                ("label", "icd10", "icd11", "case_definition"),
            )
        ),
        "schema": _each(_object(read.VARIABLE_KEYS, VARIABLE, ("label", "type"))),
        "cohort": _object(
            mapping.COHORT_KEYS,
            {
                "title": LABEL,
                "short": LABEL,
                "waves": _each(_object(mapping.WAVE_KEYS, WAVE, ("order", "file"))),
                "id": _each(
                    _object(mapping.ID_KEYS, {"from": SCALAR, "expr": TEXT, "pattern": TEXT}, ("from",))
                ),
                "duplicates": {"pattern": r"^(error|keep_first|keep_latest\(\w+\))$"},
                "protect": _one_of(mapping.PROTECT),
                "missing_codes": CODES,
            },
            ("cohort", "title", "waves", "id"),
        ),
        "wave": _object(
            mapping.WAVE_FILE_KEYS,
            {
                "wave": {**TEXT, "description": "cohort/wave"},
                "extends": TEXT,
                "missing_codes": CODES,
                "variables": _each({"$ref": "#/$defs/rule"}),
                "impossible": GROUPS,
                "undecided": GROUPS,
            },
            ("wave",),
        ),
        "rule": _object(mapping.RULE_KEYS, RULE),
        "checks": {
            "type": "array",
            "items": _object(checks.KEYS, CHECK, ("id", "title", "severity", "group", "owner", "reason")),
        },
        "decisions": _object(
            ("decisions",),
            {"decisions": {"type": "array", "items": _object(decisions.KEYS, DECISION, decisions.KEYS)}},
            ("decisions",),
        ),
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "dermcohort data dictionary",
        **_by_keys(
            (
                ({"type": "array"}, "checks"),
                ({"required": ["decisions"]}, "decisions"),
                ({"required": ["format"], "properties": {"format": {"type": "integer"}}}, "dictionary"),
                ({"required": ["cohort"]}, "cohort"),
                ({"required": ["wave"]}, "wave"),
                ({"type": "object", "additionalProperties": {"type": "array"}}, "units"),
                ({"type": "object", "additionalProperties": {"required": ["icd10"]}}, "conditions"),
            ),
            "schema",
        ),
        "$defs": definitions,
    }


def _by_keys(cases: tuple[tuple[Schema, str], ...], otherwise: str) -> Schema:
    """if, then, else if: the first case that fits says which definition holds."""
    chain: Schema = {"$ref": f"#/$defs/{otherwise}"}
    for test, name in reversed(cases):
        chain = {"if": test, "then": {"$ref": f"#/$defs/{name}"}, "else": chain}
    return chain


def _object(keys: Iterable[str], known: Mapping[str, Schema], required: Iterable[str] = ()) -> Schema:
    """A mapping of exactly these keys; a key without its own schema takes any value."""
    properties = {key: known.get(key, ANY) for key in keys}
    return {
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
        "required": list(required),
    }


def _each(schema: Schema) -> Schema:
    return {"type": "object", "additionalProperties": schema}


def _one_of(choices: Iterable[str]) -> Schema:
    return {"enum": list(choices)}


CHECK: Schema = {
    "id": TEXT,
    "title": LABEL,
    "severity": _one_of(checks.SEVERITIES),
    "group": _one_of(checks.GROUPS),
    "threshold": NUMBER,
    "owner": TEXT,
    "reason": TEXT,
    "cohorts": WORDS,
    "waves": WORDS,
}
DECISION: Schema = {"row": {"type": "integer", "minimum": 1}, "decision": _one_of(decisions.DECISIONS)}
REASON: Schema = {"code": {"type": "integer", "minimum": 1, "maximum": 31}, "group": TEXT, "label": LABEL}
CONVERSION: Schema = {"from": SCALAR, "to": SCALAR, "slope": NUMBER, "intercept": NUMBER, "source": SCALAR}
ICD = _object(read.DISEASE_CODE_KEYS, {"codes": WORDS, "verified": YES_OR_NO}, ("codes", "verified"))
CATEGORY = _object(
    read.CATEGORY_KEYS, {"code": {"type": ["integer", "string"]}, "label": LABEL}, read.CATEGORY_KEYS
)
VARIABLE: Schema = {
    "label": LABEL,
    "definition": LABEL,
    "entity": _one_of(read.ENTITIES),
    "type": _one_of(read.TYPES),
    "unit": SCALAR,
    "analyte": TEXT,
    "categories": _each(CATEGORY),
    "range": _object(read.RANGE_KEYS, dict.fromkeys(read.RANGE_KEYS, BOUNDS)),
    "asked_if": TEXT,
    "derive": TEXT,
    "condition": TEXT,
    "measures": _one_of(read.MEASURES),
    "followed_until": TEXT,
    "keep": _one_of(read.KEEP),
    "role": _one_of(read.ROLES),
    "sensitive": _one_of(option for option in read.SENSITIVE if option != "identifier"),
}
WAVE: Schema = {
    "order": {"type": "integer"},
    "file": TEXT,
    "label": LABEL,
    "kind": _one_of(mapping.KINDS),
    "encoding": TEXT,
    "delimiter": TEXT,
    "sheet": TEXT,
    "header_row": {"type": "integer", "minimum": 1},
    "catalog": TEXT,
    "enrols": YES_OR_NO,
}
LIMIT = _object(mapping.LIMIT_KEYS, {"codes": WORDS, "limit": NUMBER})
SCORE = _object(
    mapping.SCORE_KEYS,
    {
        "method": _one_of(mapping.SCORE_METHODS),
        "min_items": {"type": "integer", "minimum": 1},
        "range": BOUNDS,
        "reverse": WORDS,
        "values": {"type": "object", "additionalProperties": NUMBER},
        "prorate": YES_OR_NO,
    },
    ("method",),
)
RULE: Schema = {
    "from": {"type": ["string", "number", "array", "object"]},
    "map": CODES,
    "cut": CODES,
    "date": {"type": ["string", "array"], "description": f"a pattern, or {', '.join(mapping.DATE_SYSTEMS)}"},
    "partial": _one_of(mapping.PARTIAL_DATES),
    "expr": TEXT,
    "first_of": WORDS,
    "score": SCORE,
    "call": _one_of(mapping.CALLS),
    "value": SCALAR,
    "missing": CODES,
    "below_lod": LIMIT,
    "above_loq": LIMIT,
    "unit": SCALAR,
    "ascertainment": _one_of(mapping.ASCERTAINMENTS),
    "status": _one_of(STATUSES),
    "note": TEXT,
    "question": TEXT,
}
GROUPS: Schema = {
    "type": "array",
    "items": _object(mapping.GROUP_KEYS, {"variables": WORDS, "note": TEXT}, mapping.GROUP_KEYS),
}
