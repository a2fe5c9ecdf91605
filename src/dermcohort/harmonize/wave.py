"""One raw file in, one wave of harmonized vectors out: read, identify the rows, apply every rule."""

from __future__ import annotations

import hashlib
import hmac
import mmap
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..dictionary.model import Cohort, Dictionary, Wave
from ..readers import RawTable, read_raw
from .evaluate import EvaluationError, evaluate
from .findings import Findings
from .vectors import INVALID, NO_ANSWER, UNMAPPED, Vector, relevel, strings
from .verbs import Context, Outcome, RuleError, apply_rule, blank, conform, raw_vector

KEPT, MERGED, QUARANTINED = 0, 1, 2
ACTIONS = ("kept", "merged", "quarantined")
DECIDED = "decided by a person"
ROW_REASONS = (
    "",
    "id missing",
    "id does not match the pattern",
    "same person twice",
    "two persons with one number",
    "follow-up of an unknown person",
    "another person under this number",
    DECIDED,
)


@dataclass
class RawWave:
    """A wave after its rules, still with every raw row; `action` and `row_reason` are filled by `people`."""

    wave: Wave
    sha256: str
    n_rows: int
    ids: np.ndarray
    outcomes: dict[str, Outcome]
    action: np.ndarray
    row_reason: np.ndarray
    decided: np.ndarray  # a person's decision about the row, else None
    questions: list[tuple[str, np.ndarray]] = field(default_factory=list)  # and the rows they are about

    def set_aside(self, rows: np.ndarray, action: int, reason: str) -> None:
        self.action[rows] = action
        self.row_reason[rows] = ROW_REASONS.index(reason)

    @property
    def kept(self) -> np.ndarray:
        return np.flatnonzero(self.action == KEPT)


def harmonize_wave(
    dictionary: Dictionary, cohort: Cohort, wave: Wave, raw: Path, key: bytes | None, findings: Findings
) -> RawWave:
    """Read the declared columns of one wave and apply its rules to every row."""
    path = raw / wave.file
    catalog = raw / wave.catalog if wave.catalog else None
    with ThreadPoolExecutor(1) as beside:  # the second core hashes what the first one reads
        sha256 = beside.submit(file_hash, path)
        table = read_raw(
            path,
            list(wave.columns),
            encoding=wave.encoding,
            delimiter=wave.delimiter,
            sheet=wave.sheet,
            header_row=wave.header_row,
            catalog=catalog,
        )
    for notice in table.notices:
        findings.add("H103", cohort.name, wave.name, "", 1, 1, notice)
    if table.n_rows == 0:
        findings.add("H104", cohort.name, wave.name, "", 1, 1, f"{wave.file} has a header but no rows")
    context = Context(dictionary.reasons, dictionary.conversions, table.columns, table.n_rows)
    raw_wave = RawWave(
        wave=wave,
        sha256=sha256.result(),
        n_rows=table.n_rows,
        ids=np.full(table.n_rows, None, dtype=object),
        outcomes={},
        action=np.zeros(table.n_rows, np.uint8),
        row_reason=np.zeros(table.n_rows, np.uint8),
        decided=np.full(table.n_rows, None, dtype=object),
    )
    _identify(raw_wave, table, context, cohort, key, findings)
    for name, rule in wave.rules.items():
        variable = dictionary.variables[name]
        try:
            outcome = apply_rule(variable, rule, context)
        except RuleError as error:
            message = f"{wave.file}: the rule of '{name}' does not fit: {error}"
            findings.add("H102", cohort.name, wave.name, name, table.n_rows, table.n_rows, message)
            outcome = Outcome(blank(variable, table.n_rows, UNMAPPED))
        raw_wave.outcomes[name] = outcome
        impossible = int((outcome.vector.why == INVALID).sum())
        if variable.type == "date":
            message = "dates that do not exist or stand for no date (9999-09-09)"
            findings.add("H304", cohort.name, wave.name, name, impossible, table.n_rows, message)
        else:
            message = "answers outside what the rule allows (item of a score, cut point, division by zero)"
            findings.add("H306", cohort.name, wave.name, name, impossible, table.n_rows, message)
    return raw_wave


def file_hash(path: Path) -> str:
    """SHA-256 in one call over the mapped file, so that the interpreter is free for the reader meanwhile."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return hashlib.sha256(content).hexdigest()


def _identify(
    raw_wave: RawWave,
    table: RawTable,
    context: Context,
    cohort: Cohort,
    key: bytes | None,
    findings: Findings,
) -> None:
    """Participant ids as texts; rows without a valid id are set aside."""
    rule, wave = raw_wave.wave.id, raw_wave.wave
    raw = raw_vector(table.columns[rule.column], {}, context)
    try:
        ids = evaluate(rule.expr, {rule.column: raw}, table.n_rows) if rule.expr else raw
        ids = conform(ids, _ID)
    except (EvaluationError, RuleError) as error:
        message = f"{wave.file}: the id rule does not fit: {error}"
        findings.add("H102", cohort.name, wave.name, "participant_id", table.n_rows, table.n_rows, message)
        raw_wave.set_aside(np.arange(table.n_rows), QUARANTINED, "id missing")
        return
    missing = ~ids.known
    raw_wave.set_aside(missing, QUARANTINED, "id missing")
    findings.add(
        "H201", cohort.name, wave.name, "participant_id", missing.sum(), table.n_rows, "rows without an id"
    )
    assert ids.levels is not None
    if rule.pattern is not None:
        pattern = re.compile(rule.pattern)
        fits = np.array([pattern.fullmatch(level) is not None for level in ids.levels] + [False])
        wrong = ids.known & ~fits[ids.data]
        raw_wave.set_aside(wrong, QUARANTINED, "id does not match the pattern")
        message = f"ids that do not match '{rule.pattern}'"
        findings.add("H202", cohort.name, wave.name, "participant_id", wrong.sum(), table.n_rows, message)
        ids = ids.absent(wrong, NO_ANSWER)
    raw_wave.ids = strings(protect(ids, key) if key is not None else ids)


def protect(ids: Vector, key: bytes) -> Vector:
    """Ids replaced by a keyed hash (HMAC-SHA256, 16 hexadecimal digits)."""
    assert ids.levels is not None
    hashed = [hmac.new(key, level.encode(), hashlib.sha256).hexdigest()[:16] for level in ids.levels]
    return relevel(ids, hashed)


def _id_variable() -> Any:
    from ..dictionary.model import Variable
    from ..dictionary.problems import Place

    return Variable("participant_id", "", "participant", "text", {}, Place(""))


_ID = _id_variable()
