"""From the rules of all waves of a cohort to final values: dates in order, ranges, derivations, skip patterns."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass

import numpy as np

from ..dictionary.model import Dictionary, Variable
from .evaluate import EvaluationError, evaluate
from .findings import Findings
from .people import People
from .vectors import DAY, INVALID, NO_ANSWER, NOT_APPLICABLE, NOT_COLLECTED, UNMAPPED, Vector, date
from .verbs import RuleError, blank, conform
from .wave import RawWave


@dataclass
class Visits:
    """The kept rows of one wave: their persons, and one final vector a visit variable.

    `limits` has the positions at which a detection limit is known, and the limit there.
    """

    cohort: str
    wave: str
    person: np.ndarray
    vectors: MutableMapping[str, Vector]  # a dict, or a Spool on the disk
    limits: dict[str, tuple[np.ndarray, np.ndarray]]

    def __len__(self) -> int:
        return len(self.person)


def take_kept(
    raw_wave: RawWave, person: np.ndarray, dictionary: Dictionary, vectors: MutableMapping[str, Vector]
) -> Visits:
    """Only the kept rows and only visit variables, which leave `raw_wave` for `vectors`: they are the bulk of it."""
    rows = raw_wave.kept
    limits = {}
    for name in [name for name in raw_wave.outcomes if dictionary.variables[name].entity == "visit"]:
        outcome = raw_wave.outcomes.pop(name)
        vectors[name] = outcome.vector.take(rows)
        if outcome.limits is not None:
            limit = outcome.limits[rows]
            known = np.flatnonzero(np.isfinite(limit))
            limits[name] = (known, limit[known])
    return Visits(raw_wave.wave.cohort, raw_wave.wave.name, person, vectors, limits)


def check_dates(visits: list[Visits], people: People, findings: Findings) -> None:
    """A visit before birth, after death or not after the previous visit has an impossible date."""
    n = len(people.ids)
    previous = np.full(n, "NaT", DAY)
    for block in visits:
        vector = block.vectors.get("visit_date")
        if vector is None:
            continue
        contradicts = np.zeros(len(block), bool)
        born, died = (_dates_of(people, name, block.person) for name in ("birth_date", "death_date"))
        contradicts |= _known_before(vector.data, born)
        contradicts |= _known_before(died, vector.data)
        last = previous[block.person]
        contradicts |= ~np.isnat(last) & ~np.isnat(vector.data) & (vector.data <= last)
        contradicts &= vector.known
        message = "visit date before birth, after death or not after the previous visit"
        findings.add(
            "H305", block.cohort, block.wave, "visit_date", contradicts.sum(), vector.known.sum(), message
        )
        data = np.where(contradicts, np.datetime64("NaT"), vector.data)
        block.vectors["visit_date"] = date(data, np.where(contradicts, INVALID, vector.why))
        known = ~np.isnat(data)
        previous[block.person[known]] = data[known]


def _dates_of(people: People, name: str, person: np.ndarray) -> np.ndarray:
    if name not in people.values:
        return np.full(len(person), "NaT", DAY)
    vector = people.values[name].take(person)
    return np.where(vector.known, vector.data, np.datetime64("NaT"))


def _known_before(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return ~np.isnat(first) & ~np.isnat(second) & (first < second)


def apply_ranges(
    vectors: MutableMapping[str, Vector],
    variables: dict[str, Variable],
    cohort: str,
    wave: str,
    findings: Findings,
) -> None:
    """Hard ranges remove a value (reason `invalid`), soft ranges flag it."""
    for name in vectors:
        variable = variables[name]
        for bounds, code in ((variable.hard, "H302"), (variable.soft, "H301")):
            if bounds is None:
                continue
            vector = vectors[name]
            outside = vector.known & _outside(vector, bounds)
            n_known = int(vector.known.sum())
            unit = f" {variable.unit}" if variable.unit else ""
            message = f"outside {bounds[0]} to {bounds[1]}{unit}"
            if 2 * outside.sum() > n_known >= 20:
                message += ", most of the values: is the unit right?"
            findings.add(code, cohort, wave, name, outside.sum(), n_known, message)
            if code == "H302":
                vectors[name] = _removed(vector, outside)


def _outside(vector: Vector, bounds: tuple) -> np.ndarray:
    low, high = bounds
    if vector.kind == "date":
        low, high = np.datetime64(low, "D"), np.datetime64(high, "D")
    with np.errstate(invalid="ignore"):
        return ~((vector.data >= low) & (vector.data <= high))


def _removed(vector: Vector, where: np.ndarray) -> Vector:
    nothing = np.datetime64("NaT") if vector.kind == "date" else np.nan
    data = np.where(where, nothing, vector.data).astype(vector.data.dtype)
    return Vector(vector.kind, data, np.where(where, INVALID, vector.why).astype(np.int8), vector.levels)


def complete(
    block: Visits, people: People, dictionary: Dictionary, order: list[str], findings: Findings
) -> None:
    """Derived variables and skip patterns of one wave, in the order of what they need."""
    n = len(block)
    for name in order:
        variable = dictionary.variables[name]
        if variable.entity != "visit":
            continue
        if variable.derive is not None:
            block.vectors[name] = _derive(variable, block, people, n, findings)
            apply_ranges_of_derived(variable, block, findings)
        elif name not in block.vectors:
            block.vectors[name] = blank(variable, n, NOT_COLLECTED)
        if variable.asked_if is not None:
            _skip(variable, block, people, n, findings)


def apply_ranges_of_derived(variable: Variable, block: Visits, findings: Findings) -> None:
    if variable.hard is None and variable.soft is None:
        return
    one = {variable.name: block.vectors[variable.name]}
    apply_ranges(one, {variable.name: variable}, block.cohort, block.wave, findings)
    block.vectors[variable.name] = one[variable.name]


def _inputs(names: tuple[str, ...], block: Visits, people: People) -> dict[str, Vector]:
    return {
        name: block.vectors[name] if name in block.vectors else people.values[name].take(block.person)
        for name in names
    }


def _derive(variable: Variable, block: Visits, people: People, n: int, findings: Findings) -> Vector:
    assert variable.derive is not None
    inputs = _inputs(variable.derive.names, block, people)
    try:
        vector = conform(evaluate(variable.derive, inputs, n), variable)
    except (EvaluationError, RuleError) as error:
        message = f"derive of '{variable.name}' does not fit: {error}"
        findings.add("H102", block.cohort, block.wave, variable.name, n, n, message)
        return blank(variable, n, UNMAPPED)
    # Where the wave lacks an input that decides for some people, those for whom it does not matter are a
    # selection (everybody known to have hypertension has it): not collected, for everyone or for no one.
    lacking = any((vector.why == NOT_COLLECTED).all() for vector in inputs.values())
    if n and lacking and (vector.why == NOT_COLLECTED).any():
        return blank(variable, n, NOT_COLLECTED)
    return vector.absent(vector.why == NOT_COLLECTED, NO_ANSWER)


def _skip(variable: Variable, block: Visits, people: People, n: int, findings: Findings) -> None:
    assert variable.asked_if is not None
    inputs = _inputs(variable.asked_if.names, block, people)
    vector = block.vectors[variable.name]
    block.vectors[variable.name] = _skipped(variable, vector, inputs, block.cohort, block.wave, findings)


def skip_people(people: People, findings: Findings) -> None:
    """Skip patterns of participant variables, such as the date of death of the living."""
    for name, variable in people.variables.items():
        if variable.asked_if is not None:
            vector = people.values[name]
            people.values[name] = _skipped(variable, vector, people.values, people.cohort.name, "", findings)


def _skipped(
    variable: Variable,
    vector: Vector,
    inputs: Mapping[str, Vector],
    cohort: str,
    wave: str,
    findings: Findings,
) -> Vector:
    """Blanks where the question did not apply become `not_applicable`; answers there are kept and counted."""
    assert variable.asked_if is not None
    n = len(vector)
    if n == 0 or (vector.why == NOT_COLLECTED).all():
        return vector
    try:
        asked = evaluate(variable.asked_if, inputs, n)
    except EvaluationError as error:
        message = f"asked_if of '{variable.name}' does not fit: {error}"
        findings.add("H102", cohort, wave, variable.name, n, n, message)
        return vector
    not_asked = asked.known & ~asked.data
    answered = not_asked & vector.known
    message = f"answered although not ({variable.asked_if.text}); the answer is kept"
    findings.add("H303", cohort, wave, variable.name, answered.sum(), not_asked.sum(), message)
    return vector.absent(not_asked & ~vector.known, NOT_APPLICABLE)
