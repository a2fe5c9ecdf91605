"""Who is who: duplicates within a wave, people across waves, and what stays the same about a person.

A number that stands twice in a file is either the same person twice (sex and birth date agree and the answers
are alike) or two persons with one number. Only the first kind is ever merged, and only if the dictionary says
so; rows that nobody can tell apart are set aside, never dropped.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from ..dictionary.model import Cohort, Variable
from .findings import Findings
from .vectors import DAY, NOT_COLLECTED, Vector, join
from .verbs import blank
from .wave import MERGED, QUARANTINED, RawWave

SAME_PERSON_SHARE = 0.8  # share of equal answers above which two rows are one person
BIRTH_TOLERANCE = np.timedelta64(31, "D")  # a birth date given as a month differs by less
MANY_DIFFER = 0.2  # share of people whose fixed facts differ above which a rule is to blame, not the people
IDENTITY = ("sex", "birth_date")
CLUSTER = "cluster"


@dataclass(frozen=True)
class Admission:
    """The person (position) of each kept row of a wave, how many are new, and variable -> contradictions.

    Contradictions of sex and birth date count the rows set aside as another person's too.
    """

    person: np.ndarray
    n_new: int
    conflicts: dict[str, int]


@dataclass
class People:
    """The persons of one cohort and what is known about them, growing wave by wave."""

    cohort: Cohort
    variables: dict[str, Variable]
    ids: pd.Index = field(default_factory=lambda: pd.Index([], dtype=object))
    values: dict[str, Vector] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for variable in self.variables.values():
            self.values[variable.name] = blank(variable, 0, NOT_COLLECTED)

    def admit(self, raw_wave: RawWave, findings: Findings) -> Admission:
        """Decide over every row of the wave."""
        settle_duplicates(raw_wave, self.cohort, findings)
        wave = raw_wave.wave
        rows = raw_wave.kept
        person = self.ids.get_indexer(pd.Index(raw_wave.ids[rows], dtype=object))
        if not wave.enrols:
            unknown = person < 0
            raw_wave.set_aside(rows[unknown], QUARANTINED, "follow-up of an unknown person")
            message = "rows of persons who never entered the study"
            findings.add(
                "H205", wave.cohort, wave.name, "participant_id", unknown.sum(), raw_wave.n_rows, message
            )
        n_impostors = self._set_impostors_aside(raw_wave, rows, person, findings)
        rows = raw_wave.kept
        n_before = len(self.ids)
        self._enlarge(raw_wave.ids[rows])
        person = self.ids.get_indexer(pd.Index(raw_wave.ids[rows], dtype=object))
        conflicts = dict.fromkeys(IDENTITY, n_impostors)
        for name, variable in self.variables.items():
            if name in raw_wave.outcomes:
                incoming = raw_wave.outcomes[name].vector.take(rows)
                n_differ = self._update(variable, person, incoming, raw_wave, findings)
                conflicts[name] = conflicts.get(name, 0) + n_differ
        return Admission(person, len(self.ids) - n_before, conflicts)

    def _set_impostors_aside(
        self, raw_wave: RawWave, rows: np.ndarray, person: np.ndarray, findings: Findings
    ) -> int:
        """Both sex and birth date contradict what is known: another person has this number."""
        if not all(name in raw_wave.outcomes and name in self.values for name in IDENTITY):
            return 0
        seen = person >= 0
        conflict = seen.copy()
        for name in IDENTITY:
            new = raw_wave.outcomes[name].vector.take(rows)
            old = _padded(self.values[name]).take(person)
            conflict &= new.known & old.known & _differ(new, old)
        conflict &= raw_wave.decided[rows] != "keep"
        raw_wave.questions.append(("another person under this number", rows[conflict]))
        raw_wave.set_aside(rows[conflict], QUARANTINED, "another person under this number")
        message = "sex and birth date both differ from the earlier waves"
        wave = raw_wave.wave
        findings.add(
            "H206", wave.cohort, wave.name, "participant_id", conflict.sum(), raw_wave.n_rows, message
        )
        return int(conflict.sum())

    def _enlarge(self, ids: np.ndarray) -> None:
        new = pd.Index(ids, dtype=object).difference(self.ids, sort=False).unique()
        if len(new) == 0:
            return
        self.ids = self.ids.append(new)
        for name, variable in self.variables.items():
            self.values[name] = join([self.values[name], blank(variable, len(new), NOT_COLLECTED)])

    def _update(
        self, variable: Variable, person: np.ndarray, incoming: Vector, raw_wave: RawWave, findings: Findings
    ) -> int:
        """First known value wins; `keep: latest` variables and registers overwrite. Returns how many differ."""
        name, wave = variable.name, raw_wave.wave
        current, incoming = _same_levels(self.values[name], incoming)
        old = current.take(person)
        both = old.known & incoming.known
        latest = variable.keep == "latest" or wave.kind == "register"
        differs = both & _differ(incoming, old) if not latest or name in (*IDENTITY, CLUSTER) else both[:0]
        if name in IDENTITY:
            question = f"{name} differs from an earlier wave"
            raw_wave.questions.append((question, raw_wave.kept[np.flatnonzero(differs)]))
        if not latest:
            code = "H208" if name == CLUSTER else "H207"
            message = "differs from an earlier wave; the first value is kept"
            n, of = int(differs.sum()), int(both.sum())
            severity = ""
            if n >= 10 and n > MANY_DIFFER * of:
                severity, message = "error", f"{message}; so many look like swapped codes: is 'map' right?"
            findings.add(code, wave.cohort, wave.name, name, n, of, message, severity)
        take = incoming.known if latest else incoming.known & ~old.known
        # a reason replaces "not collected", never a value or an earlier reason
        say_why = ~incoming.known & (old.why == NOT_COLLECTED)
        data, why = current.data.copy(), current.why.copy()
        data[person[take]], why[person[take]] = incoming.data[take], 0
        why[person[say_why]] = incoming.why[say_why]
        self.values[name] = Vector(current.kind, data, why, current.levels)
        return int(differs.sum())


def settle_duplicates(raw_wave: RawWave, cohort: Cohort, findings: Findings) -> None:
    """Tell apart the same person twice and two persons with one number, among the rows still kept."""
    rows = raw_wave.kept
    codes, _ = pd.factorize(raw_wave.ids[rows])
    if len(codes) == codes.max(initial=-1) + 1:
        return
    order = np.argsort(codes, kind="stable")
    rows, codes = rows[order], codes[order]
    starts = np.flatnonzero(np.r_[True, codes[1:] != codes[:-1]])
    first = np.repeat(starts, np.diff(np.r_[starts, len(codes)]))  # position of the first row of each number
    later = np.flatnonzero(np.arange(len(rows)) != first)
    alike = _are_one_person(raw_wave, rows[first[later]], rows[later])
    repeated = np.zeros(codes.max() + 1, bool)
    repeated[codes[later]] = True
    two_persons = np.zeros(codes.max() + 1, bool)
    two_persons[codes[later][~alike]] = True

    wave = raw_wave.wave
    different = rows[two_persons[codes]]
    raw_wave.questions.append(("two persons with one number", different))
    raw_wave.set_aside(different, QUARANTINED, "two persons with one number")
    message = f"{two_persons.sum()} number(s) stand for different persons; all their rows are set aside"
    findings.add("H204", wave.cohort, wave.name, "participant_id", len(different), raw_wave.n_rows, message)

    twice = repeated & ~two_persons
    same = rows[twice[codes]]
    raw_wave.questions.append(("same person twice", same))
    if cohort.duplicates == "error":
        raw_wave.set_aside(same, QUARANTINED, "same person twice")
    else:
        keep = _rows_to_keep(raw_wave, cohort, same)
        raw_wave.set_aside(np.setdiff1d(same, keep), MERGED, "same person twice")
    policy = cohort.duplicates if cohort.duplicates_by is None else f"keep_latest({cohort.duplicates_by})"
    message = f"{twice.sum()} person(s) stand twice; policy of the dictionary: {policy}"
    severity = "error" if cohort.duplicates == "error" else "warning"
    findings.add(
        "H203", wave.cohort, wave.name, "participant_id", len(same), raw_wave.n_rows, message, severity
    )


def _rows_to_keep(raw_wave: RawWave, cohort: Cohort, rows: np.ndarray) -> np.ndarray:
    """One row of each number: the first in the file, or the one with the latest date."""
    table = pd.DataFrame({"id": raw_wave.ids[rows], "row": rows})
    by = cohort.duplicates_by
    if cohort.duplicates == "keep_latest" and by is not None and by in raw_wave.outcomes:
        dates = raw_wave.outcomes[by].vector.take(rows)
        table["date"] = np.where(dates.known, dates.data.astype("int64"), np.iinfo("int64").min)
        table = table.sort_values(["date", "row"], ascending=[False, True], kind="stable")
    else:
        table = table.sort_values("row", kind="stable")
    return table.drop_duplicates("id")["row"].to_numpy()


def _are_one_person(raw_wave: RawWave, first: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Pairs of rows: sex and birth date agree, and at least 80% of the answers known in both are equal."""
    compared, equal = np.zeros(len(first)), np.zeros(len(first))
    contradicts = np.zeros(len(first), bool)
    for name, outcome in raw_wave.outcomes.items():
        a, b = outcome.vector.take(first), outcome.vector.take(other)
        both = a.known & b.known
        differs = both & _differ(a, b)
        if name in IDENTITY:
            contradicts |= differs
        compared += both
        equal += both & ~differs
    return ~contradicts & (equal >= SAME_PERSON_SHARE * compared)


def _differ(a: Vector, b: Vector) -> np.ndarray:
    if a.kind == "date":
        return np.abs(a.data - b.data) > BIRTH_TOLERANCE
    a, b = _same_levels(a, b)
    return a.data != b.data


def _same_levels(a: Vector, b: Vector) -> tuple[Vector, Vector]:
    """Text vectors recoded to one list of levels."""
    if a.kind != "text" or a.levels is b.levels or list(a.levels) == list(b.levels):  # type: ignore[arg-type]
        return a, b
    assert a.levels is not None and b.levels is not None
    levels = pd.Index(a.levels, dtype=object).append(pd.Index(b.levels, dtype=object)).unique()
    table = np.append(levels.get_indexer(pd.Index(b.levels, dtype=object)), -1).astype(np.int32)
    merged = np.asarray(levels, dtype=object)
    return (
        Vector("text", a.data.astype(np.int32), a.why, merged),
        Vector("text", table[b.data], b.why, merged),
    )


def _padded(vector: Vector) -> Vector:
    """One unknown value at the end, for position -1."""
    blank_value = {"number": np.nan, "date": np.datetime64("NaT"), "text": -1}[vector.kind]
    data = np.append(vector.data, np.array([blank_value], vector.data.dtype))
    if vector.kind == "date":
        data = data.astype(DAY)
    return Vector(vector.kind, data, np.append(vector.why, NOT_COLLECTED).astype(np.int8), vector.levels)
