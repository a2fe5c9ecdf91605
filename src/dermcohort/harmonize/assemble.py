"""What the cohorts contribute, as the tables of one study.

Tables that grow with the visits are made part by part, so that they need not fit into memory.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from importlib.metadata import version
from typing import Any

import numpy as np
import pandas as pd

from ..dictionary.model import Cohort, Dictionary, Wave
from ..study import STUDY_FORMAT, absent_texts_as_none, schema_frame
from .checks import count_checks
from .columns import VisitColumns, column
from .decisions import questions_table
from .findings import Findings
from .linkage import linkage_table
from .people import People
from .visits import Visits
from .wave import ACTIONS, ROW_REASONS


@dataclass(frozen=True)
class Rows:
    """What became of every raw row of a file."""

    wave: Wave
    action: np.ndarray
    reason: np.ndarray


class HarmonizedCohort:
    """Everything one cohort contributes to the study."""

    def __init__(self, cohort: Cohort, people: People):
        self.cohort = cohort
        self.people = people
        self.visits: list[Visits] = []
        self.events: list[pd.DataFrame] = []
        self.ledger: list[Rows] = []
        self.linkage: list[dict[str, Any]] = []
        self.questions: list[pd.DataFrame] = []
        self.provenance: list[dict[str, Any]] = []
        self.hashes: dict[tuple[str, str], str] = {}


@dataclass(frozen=True)
class Made:
    """A study whose visits are not yet tables."""

    tables: dict[str, pd.DataFrame]
    parts: dict[str, Callable[[], Iterator[pd.DataFrame]]]  # of the tables that grow with the visits
    visits: VisitColumns
    schema: pd.DataFrame
    manifest: dict[str, Any]


def assemble(dictionary: Dictionary, cohorts: list[HarmonizedCohort], findings: Findings) -> Made:
    cohort_names = [item.cohort.name for item in cohorts]
    wave_names = list(
        dict.fromkeys(
            wave.name for item in cohorts for wave in item.cohort.waves.values() if wave.kind == "visit"
        )
    )
    blocks = [(item.people, block) for item in cohorts for block in item.visits]
    variables = {name: v for name, v in dictionary.variables.items() if v.entity == "visit"}
    visits = VisitColumns(blocks, variables, cohort_names, wave_names)
    participants, participant_reasons = _participants(dictionary, cohorts, cohort_names)
    checks = count_checks(dictionary, visits.values, visits.why, participants, participant_reasons, findings)
    rows = [part for item in cohorts for part in item.ledger]
    levels = {
        "cohort": cohort_names,
        "wave": wave_names,
        "ledger_wave": list(dict.fromkeys(part.wave.name for part in rows)),
        "file": list(dict.fromkeys(part.wave.file for part in rows)),
        "action": list(ACTIONS),
        "reason": list(ROW_REASONS),
    }
    for name, variable in dictionary.variables.items():
        if variable.type == "code" and name in variables:
            levels[name] = visits.levels(name)
        elif variable.type == "code" and name in participants.columns:
            levels[name] = [str(level) for level in participants[name].cat.categories]
    tables = {
        "participants": participants,
        "events": _events(cohorts, cohort_names),
        "specimens": _specimens(cohort_names, wave_names),
        "participant_reasons": participant_reasons,
        "linkage": linkage_table([row for item in cohorts for row in item.linkage]),
        "questions": questions_table([part for item in cohorts for part in item.questions]),
        "provenance": _provenance_table([row for item in cohorts for row in item.provenance], dictionary),
        "findings": findings.table(),
        "checks": checks,
    }
    parts: dict[str, Callable[[], Iterator[pd.DataFrame]]] = {
        "detection_limits": lambda: _limits(blocks, cohort_names, wave_names),
        "ledger": lambda: _ledger(rows, levels),
    }
    return Made(tables, parts, visits, _schema(dictionary), _manifest(dictionary, cohorts, levels))


def _participants(
    dictionary: Dictionary, cohorts: list[HarmonizedCohort], cohort_names: list[str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    sizes = [len(item.people.ids) for item in cohorts]
    values: dict[str, Any] = {
        "cohort": pd.Categorical(np.repeat(cohort_names, sizes), cohort_names),
        "participant_id": np.concatenate([item.people.ids.to_numpy() for item in cohorts]),
    }
    why: dict[str, Any] = {name: np.zeros(sum(sizes), np.int8) for name in values}
    for name, variable in dictionary.variables.items():
        if variable.entity == "participant":
            values[name], why[name] = column([item.people.values[name] for item in cohorts], variable)
    return pd.DataFrame(values, copy=False), pd.DataFrame(why, copy=False)


def _events(cohorts: list[HarmonizedCohort], cohort_names: list[str]) -> pd.DataFrame:
    parts = [part.assign(cohort=item.cohort.name) for item in cohorts for part in item.events if len(part)]
    columns = ["cohort", "participant_id", "event", "lower", "upper", "ascertainment"]
    events = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)
    events["cohort"] = pd.Categorical(events["cohort"], cohort_names)
    for bound in ("lower", "upper"):
        events[bound] = pd.to_datetime(events[bound]).astype("datetime64[ns]")
    return events[columns]


def _limits(
    blocks: list[tuple[People, Visits]], cohort_names: list[str], wave_names: list[str]
) -> Iterator[pd.DataFrame]:
    """The limit of every value outside the range of its assay, in parts of which the first has no rows."""
    yield pd.DataFrame(
        {
            "cohort": pd.Categorical([], cohort_names),
            "participant_id": np.array([], object),
            "wave": pd.Categorical([], wave_names),
            "variable": np.array([], object),
            "limit": np.array([], float),
        }
    )
    for people, block in blocks:
        for name, (rows, limit) in block.limits.items():
            absent = ~block.vectors[name].known[rows]
            rows, limit = rows[absent], limit[absent]
            yield pd.DataFrame(
                {
                    "cohort": pd.Categorical.from_codes(
                        np.full(len(rows), cohort_names.index(block.cohort)), cohort_names
                    ),
                    "participant_id": people.ids.to_numpy()[block.person[rows]],
                    "wave": pd.Categorical.from_codes(
                        np.full(len(rows), wave_names.index(block.wave)), wave_names
                    ),
                    "variable": np.full(len(rows), name, object),
                    "limit": limit,
                }
            )


def _ledger(files: list[Rows], levels: dict[str, list[str]]) -> Iterator[pd.DataFrame]:
    """One row a raw row, in parts of which the first has no rows."""
    nothing = np.array([], np.uint8)
    for part in [replace(files[0], action=nothing, reason=nothing), *files]:
        n = len(part.action)
        same = {
            "cohort": (part.wave.cohort, levels["cohort"]),
            "wave": (part.wave.name, levels["ledger_wave"]),
            "file": (part.wave.file, levels["file"]),
        }
        table: dict[str, Any] = {
            name: pd.Categorical.from_codes(np.full(n, known.index(value), np.int8), known)
            for name, (value, known) in same.items()
        }
        table["row"] = np.arange(1, n + 1, dtype=np.int32)
        table["action"] = pd.Categorical.from_codes(part.action.astype(np.int8), list(ACTIONS))
        table["reason"] = pd.Categorical.from_codes(part.reason.astype(np.int8), list(ROW_REASONS))
        yield pd.DataFrame(table)


def _specimens(cohort_names: list[str], wave_names: list[str]) -> pd.DataFrame:
    """No mapping declares specimens yet: the table is there, empty, with its columns."""
    return pd.DataFrame(
        {
            "cohort": pd.Categorical([], cohort_names),
            "participant_id": np.array([], object),
            "wave": pd.Categorical([], wave_names),
            "type": np.array([], object),
            "date": np.array([], "datetime64[ns]"),
            "quantity": np.array([], float),
        }
    )


def _provenance_table(rows: list[dict[str, Any]], dictionary: Dictionary) -> pd.DataFrame:
    table = pd.DataFrame(rows)
    counts = ["n", "observed", *[f"n_{name}" for name in dictionary.reasons]]
    for name in counts:
        table[name] = table[name].fillna(0).astype("int64")
    return absent_texts_as_none(table)


def _schema(dictionary: Dictionary) -> pd.DataFrame:
    rows = []
    for v in dictionary.variables.values():
        condition = dictionary.conditions.get(v.condition or "")
        row: dict[str, Any] = {
            "variable": v.name,
            "domain": v.domain,
            "entity": v.entity,
            "type": v.type,
            "unit": v.unit,
            "role": v.role or ("mean" if v.is_number else "count"),
            "condition": v.condition,
            "measures": v.measures,
            "followed_until": v.followed_until,
            "sensitive": v.sensitive,
            "derive": v.derive.text if v.derive else None,
            "asked_if": v.asked_if.text if v.asked_if else None,
            "levels": list(v.levels) or None,
            "codes": [c.code for c in v.categories] or None,
            "soft": [x if isinstance(x, (int, float)) else str(x) for x in v.soft] if v.soft else None,
            "hard": [x if isinstance(x, (int, float)) else str(x) for x in v.hard] if v.hard else None,
            "source": v.source,
            "icd10": list(condition.icd10.get("codes") or ()) or None if condition else None,
            "icd11": list(condition.icd11.get("codes") or ()) or None if condition else None,
        }
        for language in dictionary.languages:
            row[f"label_{language}"] = v.label.get(language)
            row[f"levels_{language}"] = [c.label.get(language, c.name) for c in v.categories] or None
            row[f"definition_{language}"] = (v.definition or {}).get(language)
            row[f"case_definition_{language}"] = (
                condition.case_definition.get(language) if condition else None
            )
        rows.append(row)
    return schema_frame(rows)


def _manifest(
    dictionary: Dictionary, cohorts: list[HarmonizedCohort], levels: dict[str, list[str]]
) -> dict[str, Any]:
    inputs = {
        f"{row['cohort']}/{row['wave']}": {"file": row["file"], "sha256": row["sha256"]}
        for item in cohorts
        for row in item.provenance
        if row.get("file")
    }
    return json.loads(
        json.dumps(
            {
                "format": STUDY_FORMAT,
                "dermcohort": version("dermcohort"),
                "dictionary_version": dictionary.version,
                "dictionary_sha256": dictionary.sha256(),
                "languages": list(dictionary.languages),
                "min_cell": dictionary.min_cell,
                "reasons": {str(reason.code): reason.name for reason in dictionary.reasons.values()},
                "reason_labels": {reason.name: dict(reason.label) for reason in dictionary.reasons.values()},
                "cohorts": {name: dict(item.cohort.short) for name, item in _by_name(cohorts)},
                "privacy": {name: _privacy(item.cohort) for name, item in _by_name(cohorts)},
                "waves": {wave.name: dict(wave.label) for wave in dictionary.waves()},
                "conditions": {name: dict(c.label) for name, c in dictionary.conditions.items()},
                "checks": {check.id: dict(check.title) for check in dictionary.checks},
                "inputs": inputs,
                "levels": levels,
            },
            default=str,
        )
    )


def _privacy(cohort: Cohort) -> dict[str, Any]:
    """Which options are in force, without the levels of a map."""
    options = cohort.privacy
    return {
        "protect": cohort.protect,
        "shift_dates": options.shift_dates,
        "coarsen": list(options.coarsen),
        "withhold": list(options.withhold),
    }


def _by_name(cohorts: list[HarmonizedCohort]) -> list[tuple[str, HarmonizedCohort]]:
    return [(item.cohort.name, item) for item in cohorts]
