"""One raw file in, one wave of harmonized vectors out: read, identify the rows, apply every rule."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections import deque
from collections.abc import Iterator, Mapping, MutableMapping
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from itertools import islice, starmap
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from ..dictionary.model import Cohort, Dictionary, Wave
from ..readers import ReaderError
from .apply import apply_rules
from .cache import Cache
from .findings import Findings
from .outcomes import Outcomes
from .vectors import INVALID, NO_ANSWER, NOT_COLLECTED, UNMAPPED, Vector, relevel, strings
from .verbs import Outcome, RuleError, blank

KEPT, MERGED, QUARANTINED = 0, 1, 2
HASHED = 1 << 23  # bytes at a time
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
    outcomes: MutableMapping[str, Outcome]
    action: np.ndarray
    row_reason: np.ndarray
    decided: np.ndarray  # a person's decision about the row, else None
    applied: tuple[str, ...] = ()  # rules that were not in the cache
    findings: Findings = field(default_factory=Findings)
    questions: list[tuple[str, np.ndarray]] = field(default_factory=list)  # and the rows they are about

    def set_aside(self, rows: np.ndarray, action: int, reason: str) -> None:
        self.action[rows] = action
        self.row_reason[rows] = ROW_REASONS.index(reason)

    @property
    def kept(self) -> np.ndarray:
        return np.flatnonzero(self.action == KEPT)


def harmonize_waves(
    dictionary: Dictionary,
    raw: Path,
    keys: Mapping[str, bytes | None],
    cache: Cache | None,
    rows: int | None,
    jobs: int,
    spool: Path | None,
) -> Iterator[RawWave]:
    """Every wave of every cohort in order, `jobs` at a time; `keys` are the secrets of the cohorts.

    With a folder `spool` outcomes wait there, and not in memory.

    In processes and not in threads, because pyreadstat and pandas hold the interpreter while they read. Each starts
    anew: a forked one may hang on the threads of pyarrow.
    """
    tasks = (
        (dictionary, cohort, wave, raw, keys[cohort.name], cache, rows, spool)
        for cohort in dictionary.cohorts.values()
        for wave in cohort.waves.values()
    )
    if jobs == 1:
        yield from starmap(harmonize_wave, tasks)
        return
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        waiting = deque(pool.submit(harmonize_wave, *task) for task in islice(tasks, jobs))
        while waiting:
            raw_wave = _result(waiting.popleft())
            waiting.extend(pool.submit(harmonize_wave, *task) for task in islice(tasks, 1))
            yield raw_wave


def _result(future: Future[RawWave]) -> RawWave:
    try:
        return future.result()
    except ReaderError as error:
        raise ReaderError(str(error)) from None  # without the trace of the other process
    except BrokenProcessPool:
        raise ReaderError(
            "a process that reads a file did not start or was ended, perhaps for lack of memory: use fewer jobs, "
            "and put what your script does under: if __name__ == '__main__'"
        ) from None


def harmonize_wave(
    dictionary: Dictionary,
    cohort: Cohort,
    wave: Wave,
    raw: Path,
    key: bytes | None,
    cache: Cache | None,
    rows: int | None,
    spool: Path | None,
) -> RawWave:
    """Read the declared columns of one wave and apply its rules to every row.

    Rules whose outcome the cache knows are not applied, and what only they need is not read.
    """
    mapped = [name for name, rule in wave.rules.items() if rule.is_mapped]
    outcomes = Outcomes(list(wave.rules), spool and spool / f"{cohort.name}.{wave.name}.rules")
    with ThreadPoolExecutor(1) as beside:  # the second core hashes what the first one reads
        sha256 = beside.submit(file_hash, raw / wave.file)
        if cache is not None:
            cache.load(dictionary, cohort, wave, sha256.result(), outcomes)
        new = [name for name in mapped if name not in outcomes]
        applied = apply_rules(dictionary, wave, new, raw, rows, outcomes)
    if len(new) < len(mapped) and applied.notices:  # another encoding than that of the cached columns
        new, applied = mapped, apply_rules(dictionary, wave, mapped, raw, rows, outcomes)
    if cache is not None and not applied.notices:
        cache.save(dictionary, cohort, wave, sha256.result(), outcomes, new)
    n_rows, findings = applied.n_rows, Findings()
    for notice in applied.notices:
        findings.add("H103", cohort.name, wave.name, "", 1, 1, notice)
    if n_rows == 0:
        findings.add("H104", cohort.name, wave.name, "", 1, 1, f"{wave.file} has a header but no rows")
    raw_wave = RawWave(
        wave=wave,
        sha256=sha256.result(),
        n_rows=n_rows,
        ids=np.full(n_rows, None, dtype=object),
        outcomes=outcomes,
        action=np.zeros(n_rows, np.uint8),
        row_reason=np.zeros(n_rows, np.uint8),
        decided=np.full(n_rows, None, dtype=object),
        applied=tuple(new),
        findings=findings,
    )
    _identify(raw_wave, applied.ids, key)
    for name, rule in wave.rules.items():
        variable = dictionary.variables[name]
        if not rule.is_mapped:
            outcomes[name] = Outcome(blank(variable, n_rows, NOT_COLLECTED))
            continue
        if name in applied.errors:
            message = f"{wave.file}: the rule of '{name}' does not fit: {applied.errors[name]}"
            findings.add("H102", cohort.name, wave.name, name, n_rows, n_rows, message)
            outcomes[name] = Outcome(blank(variable, n_rows, UNMAPPED))
        impossible = int((outcomes[name].vector.why == INVALID).sum())
        if variable.type == "date":
            message = "dates that do not exist or stand for no date (9999-09-09)"
            findings.add("H304", cohort.name, wave.name, name, impossible, n_rows, message)
        else:
            message = "answers outside what the rule allows (item of a score, cut point, division by zero)"
            findings.add("H306", cohort.name, wave.name, name, impossible, n_rows, message)
    return raw_wave


def file_hash(path: Path) -> str:
    """SHA-256 in pieces so large that the interpreter is free for the reader meanwhile."""
    digest, piece = hashlib.sha256(), bytearray(HASHED)
    with path.open("rb", buffering=0) as file:
        while n := file.readinto(piece):
            digest.update(memoryview(piece)[:n])
    return digest.hexdigest()


def _identify(raw_wave: RawWave, found: Vector | RuleError, key: bytes | None) -> None:
    """Participant ids as texts; rows without a valid id are set aside."""
    wave, n_rows, findings = raw_wave.wave, raw_wave.n_rows, raw_wave.findings
    if isinstance(found, RuleError):
        message = f"{wave.file}: the id rule does not fit: {found}"
        findings.add("H102", wave.cohort, wave.name, "participant_id", n_rows, n_rows, message)
        raw_wave.set_aside(np.arange(n_rows), QUARANTINED, "id missing")
        return
    ids = found
    missing = ~ids.known
    raw_wave.set_aside(missing, QUARANTINED, "id missing")
    findings.add(
        "H201", wave.cohort, wave.name, "participant_id", missing.sum(), n_rows, "rows without an id"
    )
    assert ids.levels is not None
    if wave.id.pattern is not None:
        pattern = re.compile(wave.id.pattern)
        fits = np.array([pattern.fullmatch(level) is not None for level in ids.levels] + [False])
        wrong = ids.known & ~fits[ids.data]
        raw_wave.set_aside(wrong, QUARANTINED, "id does not match the pattern")
        message = f"ids that do not match '{wave.id.pattern}'"
        findings.add("H202", wave.cohort, wave.name, "participant_id", wrong.sum(), n_rows, message)
        ids = ids.absent(wrong, NO_ANSWER)
    raw_wave.ids = strings(protect(ids, key) if key is not None else ids)


def protect(ids: Vector, key: bytes) -> Vector:
    """Ids replaced by a keyed hash (HMAC-SHA256, 16 hexadecimal digits)."""
    assert ids.levels is not None
    hashed = [hmac.new(key, level.encode(), hashlib.sha256).hexdigest()[:16] for level in ids.levels]
    return relevel(ids, hashed)
