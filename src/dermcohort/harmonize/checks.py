"""Count the checks of checks.yaml on the harmonized visits: between variables, between waves, of distributions.

Unknown is no violation, but it is counted. Where a wave did not collect a variable of a check, nothing is evaluated.
Only counts, means and shares leave this module.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ..dictionary.expression import PREVIOUS, Expression
from ..dictionary.model import Check, Cohort, Dictionary, Distribution, Variable
from ..verdicts import counts_table, judge
from .evaluate import EvaluationError, evaluate
from .findings import Findings
from .vectors import (
    ABOVE_LOQ,
    BELOW_LOD,
    NOT_APPLICABLE,
    NOT_COLLECTED,
    Vector,
    date,
    from_strings,
    number,
    text,
)

CODES = {"require": "H601", "across_waves": "H602", "distribution": "H603"}


def count_checks(
    dictionary: Dictionary,
    visits: Mapping[str, pd.Series],
    reasons: Mapping[str, pd.Series],
    participants: pd.DataFrame,
    participant_reasons: pd.DataFrame,
    findings: Findings,
) -> pd.DataFrame:
    """The table `checks` of the study; those above their threshold become findings."""
    rows: list[dict[str, Any]] = []
    if dictionary.checks:
        for cohort in dictionary.cohorts.values():
            seen = _CohortVisits.of(cohort, dictionary, visits, reasons, participants, participant_reasons)
            for check in dictionary.checks:
                if not check.cohorts or cohort.name in check.cohorts:
                    rows += _count(check, seen, dictionary.min_cell, findings)
    table = judge(counts_table(rows), dictionary)
    by_id = {check.id: check for check in dictionary.checks}
    for row in table[~table["passed"]].itertuples():
        _report(row, by_id[str(row.id)], findings)
    return table


@dataclass(frozen=True)
class _Source:
    """Where the values of a variable and their reasons stand, and the row there of each visit."""

    variable: Variable
    values: Mapping[str, pd.Series] | pd.DataFrame
    why: Mapping[str, pd.Series] | pd.DataFrame
    rows: np.ndarray


@dataclass(frozen=True)
class _CohortVisits:
    """The visits of one cohort, each person's in the order of the waves."""

    cohort: str
    waves: list[str]
    wave: np.ndarray  # number of the wave of each visit
    later: np.ndarray  # visits that have an earlier one of the same person, which stands just before
    sources: dict[str, _Source]

    @classmethod
    def of(
        cls,
        cohort: Cohort,
        dictionary: Dictionary,
        visits: Mapping[str, pd.Series],
        reasons: Mapping[str, pd.Series],
        participants: pd.DataFrame,
        participant_reasons: pd.DataFrame,
    ) -> _CohortVisits:
        waves = [wave.name for wave in cohort.waves.values() if wave.kind == "visit"]
        rows = np.flatnonzero((visits["cohort"] == cohort.name).to_numpy())
        people = np.flatnonzero((participants["cohort"] == cohort.name).to_numpy())
        ids = pd.Index(participants["participant_id"].to_numpy()[people])
        person = people[ids.get_indexer(visits["participant_id"].to_numpy()[rows])]
        wave = pd.Categorical(visits["wave"].astype(str).to_numpy()[rows], waves).codes.astype(int)
        order = np.lexsort((wave, person))
        rows, person, wave = rows[order], person[order], wave[order]
        later = np.flatnonzero(person[1:] == person[:-1]) + 1
        sources = {}
        for name in dict.fromkeys(name for check in dictionary.checks for name in check.names):
            variable = dictionary.variables[name]
            if variable.entity == "visit":
                sources[name] = _Source(variable, visits, reasons, rows)
            else:
                sources[name] = _Source(variable, participants, participant_reasons, person)
        return cls(cohort.name, waves, wave, later, sources)

    def vector(self, name: str, at: np.ndarray | slice) -> Vector:
        """Values of a variable at the visits `at`; "previous x" is x at the visit before each of them."""
        if name.startswith(PREVIOUS):
            return self.vector(name.removeprefix(PREVIOUS), self.later - 1)
        source = self.sources[name]
        variable, rows = source.variable, source.rows[at]
        column, why = source.values[name], source.why[name].to_numpy()  # read now, not kept
        if variable.is_number:
            return number(column.to_numpy(float)[rows], why[rows])
        if variable.type == "date":
            return date(column.to_numpy()[rows], why[rows])
        if isinstance(column.dtype, pd.CategoricalDtype):
            return text(column.cat.codes.to_numpy()[rows], column.cat.categories, why[rows])
        return from_strings(column.to_numpy(object)[rows], why[rows])


def _count(check: Check, seen: _CohortVisits, min_cell: int, findings: Findings) -> Iterator[dict[str, Any]]:
    """One row a wave."""
    same = {"id": check.id, "kind": check.kind, "hash": check.hash, "cohort": seen.cohort, "note": None}
    if check.distribution is not None:
        counted = _count_distribution(check.distribution, seen, min_cell)
    else:
        expression = check.require or check.across_waves
        assert expression is not None
        try:
            counted = _count_violations(expression, seen, between=check.across_waves is not None)
        except EvaluationError as error:
            message = f"{check.kind} of check '{check.id}' does not fit: {error}"
            n = len(seen.wave)
            findings.add("H102", seen.cohort, "", ", ".join(check.names), n, n, message)
            counted = [_nothing(f"does not fit: {error}") for _ in seen.waves]
    for wave, counts in zip(seen.waves, counted, strict=True):
        if not check.waves or wave in check.waves:
            yield {**same, "wave": wave, **counts}


def _nothing(note: str) -> dict[str, Any]:
    return {"n": 0, "violations": 0, "unknown": 0, "note": note}


def _count_violations(expression: Expression, seen: _CohortVisits, between: bool) -> list[dict[str, Any]]:
    """For each wave: rows where the expression is known, known and false, unknown."""
    at = seen.later if between else slice(None)
    wave = seen.wave[at]
    if not len(wave):
        return [_nothing("no earlier visit" if between else "no visits") for _ in seen.waves]
    values = {name: seen.vector(name, at) for name in expression.names}
    result = evaluate(expression, values, len(wave))
    if result.kind != "boolean":
        raise EvaluationError(f"a condition is needed, found {result.kind}; compare it with something")
    violated = result.known & ~result.data
    counted = []
    for position in range(len(seen.waves)):
        mine = wave == position
        absent = [name for name, vector in values.items() if (vector.why[mine] == NOT_COLLECTED).all()]
        if not mine.any():
            counted.append(_nothing("no earlier visit" if between else "no visits"))
        elif absent:
            counted.append(_nothing(f"not collected: {', '.join(absent)}"))
        else:
            n = int((mine & result.known).sum())
            violations = int((mine & violated).sum())
            counted.append({"n": n, "violations": violations, "unknown": int(mine.sum()) - n})
    return counted


def _count_distribution(d: Distribution, seen: _CohortVisits, min_cell: int) -> list[dict[str, Any]]:
    """For each wave: the statistic there and in what it is compared with; of few people it is not told."""
    vector = seen.vector(d.variable, slice(None))
    asked = ~np.isin(vector.why, (NOT_APPLICABLE, NOT_COLLECTED))
    if d.statistic == "missing":
        used, x = asked, ~vector.known & ~np.isin(vector.why, (BELOW_LOD, ABOVE_LOQ))
    elif d.level is not None:
        assert vector.levels is not None
        used, x = vector.known, vector.data == list(vector.levels).index(d.level)
    else:
        used, x = vector.known, vector.data
    size = len(seen.waves)
    n = np.bincount(seen.wave[used], minlength=size)
    total = np.bincount(seen.wave[used], weights=x[used].astype(float), minlength=size)
    unknown = np.bincount(seen.wave[asked & ~used], minlength=size)
    counted = []
    for position in range(size):
        earlier = [w for w in range(position) if n[w] > 0]
        others = earlier[-1:] if d.against == "previous" else [w for w in range(size) if w != position]
        n_reference = int(n[others].sum())
        if n[position] == 0:
            counted.append(_nothing(f"not collected: {d.variable}" if not unknown[position] else "no values"))
        elif not n_reference:
            counted.append(_nothing("no other wave" if d.against == "others" else "no earlier wave"))
        elif min(n[position], n_reference) < min_cell:
            counted.append(_nothing(f"fewer than {min_cell} values"))
        else:
            statistics = {
                "value": round(total[position] / n[position], 6),
                "reference": round(total[others].sum() / n_reference, 6),
            }
            counted.append(
                {"n": int(n[position]), "violations": 0, "unknown": int(unknown[position]), **statistics}
            )
    return counted


def _report(row: Any, check: Check, findings: Findings) -> None:
    """A finding for a check above its threshold; one that could not be computed was told already."""
    n, message = row.violations, f"{check.id}: {row.title}"
    if check.distribution is not None:
        d = check.distribution
        n, name = row.n, f"share of {d.level}" if d.level else d.statistic
        against = "the wave before" if d.against == "previous" else "the other waves"
        message += f"; {name} {row.value:.4g}, in {against} {row.reference:.4g}"
    message += f"; tolerated: {check.threshold:g}"
    where = (row.cohort, row.wave, ", ".join(check.names))
    findings.add(CODES[check.kind], *where, n, row.n, message, check.severity, check.group)
