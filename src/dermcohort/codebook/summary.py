"""One card a variable: everything a codebook says, fit to leave the study.

A count is the number of rows, rounded to the nearest multiple of `min_cell`, so that no small count can be had by
subtracting; where fewer than `min_cell` people stand behind it, it is `HIDDEN`. Instead of the extremes, numbers
have the outermost percentiles beyond which at least `min_cell` people lie.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ..study import Study
from .counts import Texts, as_numbers, outer_percentiles, people_of, rounded, titles
from .rules import rule_in_words
from .shapes import Shape, shapes_of


@dataclass(frozen=True)
class CategoryLine:
    code: Any
    name: str
    labels: Texts
    n: int


@dataclass(frozen=True)
class ReasonLine:
    code: int
    name: str
    labels: Texts
    n: int


@dataclass(frozen=True)
class SourceLine:
    """A raw value, and the category or the reason that it became (labels and name)."""

    source: str
    labels: Texts
    name: str
    n: int


@dataclass(frozen=True)
class FindingLine:
    severity: str
    check: str
    cohort: Texts
    wave: Texts
    n: int
    of: int


@dataclass(frozen=True)
class WaveLine:
    """A variable in one wave of one cohort."""

    cohort: Texts
    wave: Texts
    status: str
    rule: Texts
    question: str | None
    ascertainment: str | None
    note: str | None
    file: str | None
    n: int
    observed: int
    reasons: tuple[ReasonLine, ...]
    sources: tuple[SourceLine, ...]


@dataclass(frozen=True)
class Card:
    """A variable: `about` has the row of the schema table, the rest is counted."""

    name: str
    about: Mapping[str, Any]
    labels: Texts
    definition: Texts
    condition: Texts
    n: int
    observed: int
    categories: tuple[CategoryLine, ...]
    reasons: tuple[ReasonLine, ...]
    numbers: Mapping[str, str]
    shapes: tuple[Shape, ...]
    waves: tuple[WaveLine, ...]
    findings: tuple[FindingLine, ...]


def bounds(limits: tuple[Any, Any]) -> tuple[str, str]:
    """Both ends of a range as text; a date is a text already."""
    low, high = (x if isinstance(x, str) else f"{x:.10g}" for x in limits)
    return low, high


def cards_of(study: Study) -> list[Card]:
    """A card for every variable, in the order of the schema."""
    waves = dict(iter(study.provenance.groupby("variable", sort=False)))
    # a check between variables concerns each of them
    concerned = study.findings.assign(variable=study.findings["variable"].str.split(", ")).explode("variable")
    findings = dict(iter(concerned.groupby("variable", sort=False)))
    return [
        _card(study, str(name), waves.get(str(name)), findings.get(str(name))) for name in study.schema.index
    ]


def _card(study: Study, name: str, provenance: pd.DataFrame | None, findings: pd.DataFrame | None) -> Card:
    about = study.schema.loc[name].to_dict()
    languages = study.manifest["languages"]
    if about["entity"] == "event":
        table, why = study.participants, None
        events = study.events[study.events["event"].astype(str) == name]
        n_observed = rounded(
            len(events), people_of(events, np.ones(len(events), bool)), study.manifest["min_cell"]
        )
        values = None
    else:
        twin, table = study._twin(name)
        values, why = table[name], twin[name].to_numpy()
        n_observed = _count(study, table, values.notna().to_numpy())
    conditions = study.manifest["conditions"]
    return Card(
        name=name,
        about=about,
        labels={language: about[f"label_{language}"] or name for language in languages},
        definition=_texts(about, "definition", languages),
        condition=conditions.get(about["condition"], {}),
        n=_count(study, table, np.ones(len(table), bool)),
        observed=n_observed,
        categories=_categories(study, table, values, about) if values is not None else (),
        reasons=() if why is None else _reasons(study, lambda code: _count(study, table, why == code)),
        numbers=_numbers(study, table, values, about) if values is not None else {},
        shapes=shapes_of(study, table, values, about) if values is not None else (),
        waves=()
        if provenance is None
        else tuple(_wave(study, row, about) for row in provenance.to_dict("records")),
        findings=()
        if findings is None
        else tuple(_finding(study, row) for row in findings.to_dict("records")),
    )


def _texts(about: Mapping[str, Any], key: str, languages: list[str]) -> Texts:
    return {language: text for language in languages if (text := about.get(f"{key}_{language}"))}


# ------------------------------------------------------------------------------------- counts


def _count(study: Study, table: pd.DataFrame, rows: np.ndarray) -> int:
    min_cell = study.manifest["min_cell"]
    n = int(rows.sum())
    # several visits of few people are a small cell too; nobody has more visits than there are waves
    people = people_of(table, rows) if n < min_cell * max(len(study.waves), 1) else n
    return rounded(n, people, min_cell)


def _reasons(study: Study, count: Any) -> tuple[ReasonLine, ...]:
    labels = study.manifest["reason_labels"]
    lines = (
        ReasonLine(code, name, labels.get(name, {}), count(code)) for code, name in study.reason_names.items()
    )
    return tuple(line for line in lines if line.n)


def _categories(
    study: Study, table: pd.DataFrame, values: pd.Series, about: Mapping[str, Any]
) -> tuple[CategoryLine, ...]:
    lines = []
    for position, (level, code) in enumerate(zip(about["levels"] or (), about["codes"] or (), strict=True)):
        labels = {x: about[f"levels_{x}"][position] for x in study.manifest["languages"]}
        rows = (values.cat.codes == position).to_numpy()
        lines.append(CategoryLine(code, level, labels, _count(study, table, rows)))
    return tuple(lines)


def _numbers(
    study: Study, table: pd.DataFrame, values: pd.Series, about: Mapping[str, Any]
) -> Mapping[str, str]:
    """Mean, SD, median and outer percentiles; of dates the years; nothing where few people stand behind it."""
    numbers = as_numbers(values, about["type"])
    if numbers is None:
        return {}
    known = ~np.isnan(numbers)
    if people_of(table, known) < max(study.manifest["min_cell"], 2):
        return {}
    data = numbers[known]
    write = (lambda x: f"{x:.0f}") if about["type"] == "date" else _significant
    out = {} if about["type"] == "date" else {"mean": write(data.mean()), "sd": write(data.std(ddof=1))}
    out["median"] = write(np.median(data))
    limits = outer_percentiles(study, table, numbers)
    if limits is not None:
        tail, low, high = limits
        out |= {f"p{tail}": write(low), f"p{100 - tail}": write(high)}
    return out


def _significant(value: float) -> str:
    """Three digits, as a plain number."""
    return f"{float(f'{value:.3g}'):.10g}"


# ------------------------------------------------------------------------------------- waves


def _wave(study: Study, row: Mapping[str, Any], about: Mapping[str, Any]) -> WaveLine:
    min_cell = study.manifest["min_cell"]
    languages = study.manifest["languages"]
    row = {key: None if isinstance(value, float) and np.isnan(value) else value for key, value in row.items()}

    def count(n: Any) -> int:
        return rounded(int(n or 0), int(n or 0), min_cell)

    names = study.reason_names
    return WaveLine(
        cohort=titles(study, "cohort", row["cohort"]),
        wave=titles(study, "wave", row["wave"]),
        status=row["status"],
        rule={language: rule_in_words(row["rule"], row["verb"], language) for language in languages},
        question=row.get("question"),
        ascertainment=row["ascertainment"],
        note=row["note"],
        file=row["file"],
        n=count(row["n"]),
        observed=count(row["observed"]),
        reasons=_reasons(study, lambda code: count(row[f"n_{names[code]}"])),
        sources=_sources(study, row["before"], about),
    )


def _sources(study: Study, before: str | None, about: Mapping[str, Any]) -> tuple[SourceLine, ...]:
    """Raw values by what they became, the most frequent of each target first, in the order of the categories."""
    if before is None:
        return ()
    languages, levels = study.manifest["languages"], list(about["levels"] or ())
    labels = {level: {x: about[f"levels_{x}"][i] for x in languages} for i, level in enumerate(levels)}
    known: Mapping[str, Texts] = {**study.manifest["reason_labels"], **labels}
    order = {name: i for i, name in enumerate([*levels, *study.reason_names.values()])}
    lines = []
    for record in sorted(json.loads(before), key=lambda r: (order[r["target"]], -(r["n"] or 0))):
        n = rounded(record["n"] or 1, record["n"] or 0, study.manifest["min_cell"])
        name = record["target"]
        lines.append(SourceLine(record["source"], known.get(name, dict.fromkeys(languages, name)), name, n))
    return tuple(lines)


def _finding(study: Study, row: Mapping[str, Any]) -> FindingLine:
    min_cell = study.manifest["min_cell"]
    return FindingLine(
        severity=row["severity"],
        check=row["check"],
        cohort=titles(study, "cohort", row["cohort"]),
        wave=titles(study, "wave", row["wave"]),
        n=rounded(row["n"], row["n"], min_cell),
        of=rounded(row["of"], row["of"], min_cell),
    )
