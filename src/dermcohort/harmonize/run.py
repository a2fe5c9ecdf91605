"""Harmonize a study: wave by wave, cohort by cohort, then one set of tables."""

from __future__ import annotations

import logging
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from tqdm import tqdm

from ..dictionary.model import Cohort, Dictionary, Variable
from ..dictionary.read import computation_order
from ..readers import ReaderError, check_columns
from ..study import Study, write_study
from .assemble import HarmonizedCohort, Made, Rows, assemble
from .cache import Cache
from .decisions import apply_decisions, question_rows
from .events import condition_events, dated_events, deaths
from .findings import Findings
from .linkage import linkage_row, visits_after_death
from .people import People
from .privacy import protect_events, protect_provenance, protect_values
from .provenance import provenance_row
from .spool import Spool
from .vectors import ABOVE_LOQ, BELOW_LOD, NOT_APPLICABLE, NOT_COLLECTED, UNMAPPED, Vector
from .visits import Visits, apply_ranges, check_dates, complete, skip_people, take_kept
from .wave import RawWave, harmonize_waves

log = logging.getLogger(__name__)
WORKBOOKS = (".xlsx", ".xls", ".xlsb", ".ods")  # their header costs as much as all their cells
KEY_VARIABLE = "DERMCOHORT_KEY_FILE"


class HarmonizeError(Exception):
    """The study cannot be harmonized, or `strict=True` met findings of severity error."""


def harmonize(
    dictionary: Dictionary,
    raw: str | Path,
    strict: bool = False,
    key_file: str | Path | None = None,
    progress: bool = False,
    cache: str | Path | None = None,
    jobs: int = 1,
    chunk_rows: int | None = None,
) -> Study:
    """Harmonize the raw files of every cohort and wave into one study.

    Parameters
    ----------
    dictionary : Dictionary
        From `read_dictionary`.
    raw : str or Path
        Folder that holds the files named in cohort.yaml.
    strict : bool
        Raise `HarmonizeError` when a finding of severity error remains. By default the study is returned and
        the findings are in `study.findings`.
    key_file : str or Path, optional
        File with the secret that replaces ids of cohorts declared ``protect: hash``. Default: the file named
        in the environment variable DERMCOHORT_KEY_FILE, else ``~/.dermcohort/key`` (made on first use).
    progress : bool
        Show a progress bar on a terminal.
    cache : str or Path, optional
        Private folder in which the outcomes of rules are kept for the next run, which then applies only the rules
        that changed and reads only their columns. The study is the same with and without. No identifier and no raw
        record is kept: see `dermcohort.harmonize.cache`.
    jobs : int
        Files that are read at a time, each by a process of its own. Meant for more than two cores (docs/benchmarks.md);
        a script that sets it needs ``if __name__ == "__main__":``.
    chunk_rows : int, optional
        Rows of a file that are in memory at a time, at least 2; by default what fits into some 100 MB. The study
        is the same whatever it is.

    Returns
    -------
    Study
        No raw row is lost: `study.ledger` has one row for each, kept, merged or quarantined.

    Raises
    ------
    ReaderError
        If a file is missing, damaged, or lacks a declared column. All files are looked at first (workbooks only for
        being there), and every problem is told.
    HarmonizeError
        With `strict=True`, naming every error finding.

    Examples
    --------
    >>> dictionary = dc.read_dictionary("data-dictionary")      # doctest: +SKIP
    >>> study = dc.harmonize(dictionary, raw="raw/")            # doctest: +SKIP
    """
    made = _make(dictionary, Path(raw), strict, key_file, progress, cache, jobs, chunk_rows)
    parts = {name: pd.concat(make(), ignore_index=True) for name, make in made.parts.items()}
    visits, reasons = made.visits.frames()
    return Study(
        **made.tables,
        **parts,
        visits=visits,
        reasons=reasons,
        schema=made.schema,
        manifest=made.manifest,
    )


def harmonize_to(
    dictionary: Dictionary,
    raw: str | Path,
    to: str | Path,
    strict: bool = False,
    key_file: str | Path | None = None,
    progress: bool = False,
    cache: str | Path | None = None,
    jobs: int = 1,
    chunk_rows: int | None = None,
) -> Path:
    """Harmonize into the folder `to`, as `harmonize` and `Study.save`, without all visits in memory at once.

    The values of finished waves wait in the private folder ``.<to>.spool`` beside it (mode 0700), without ids, and
    it is removed at the end, also after an error. The study appears whole or not at all.

    Parameters
    ----------
    to : str or Path
        Folder of the study, new or that of an earlier one.
    dictionary, raw, strict, key_file, progress, cache, jobs, chunk_rows
        As `harmonize`.

    Returns
    -------
    Path
        The folder; `open_study` reads it.

    Raises
    ------
    ReaderError, HarmonizeError
        As `harmonize`; nothing is written.
    FileExistsError
        If the folder holds anything but a study.

    Examples
    --------
    >>> dictionary = dc.read_dictionary("data-dictionary")            # doctest: +SKIP
    >>> dc.harmonize_to(dictionary, raw="raw/", to="harmonized/")     # doctest: +SKIP
    """
    to = Path(to).resolve()
    spool = to.with_name(f".{to.name}.spool")
    shutil.rmtree(spool, ignore_errors=True)  # of a run that was killed
    try:
        made = _make(dictionary, Path(raw), strict, key_file, progress, cache, jobs, chunk_rows, spool)
        parts = {name: make() for name, make in made.parts.items()}
        visits = {"visits": made.visits.groups(0), "reasons": made.visits.groups(1)}
        return write_study(to, made.tables | parts | visits, made.schema, made.manifest)
    finally:
        shutil.rmtree(spool, ignore_errors=True)


def _make(
    dictionary: Dictionary,
    raw: Path,
    strict: bool,
    key_file: str | Path | None,
    progress: bool,
    cache: str | Path | None,
    jobs: int,
    chunk_rows: int | None,
    spool: Path | None = None,
) -> Made:
    """Everything of a study; finished waves wait in the folder `spool`, or in memory."""
    if not raw.is_dir():
        raise ReaderError(f"the folder '{raw}' with the raw files does not exist")
    if jobs < 1:
        raise ValueError(f"jobs={jobs}: at least 1 file must be read at a time")
    if chunk_rows is not None and chunk_rows < 2:
        raise ValueError(f"chunk_rows={chunk_rows}: at least 2 rows must be in memory at a time")
    _check_files(dictionary, raw)
    kept = None if cache is None else Cache(cache)
    keys = {c.name: _read_key(key_file) if c.protect == "hash" else None for c in dictionary.cohorts.values()}
    waves = harmonize_waves(dictionary, raw, keys, kept, chunk_rows, jobs, spool)
    findings = Findings()
    order = computation_order(dictionary.variables)
    cohorts = [
        _harmonize_cohort(dictionary, cohort, waves, order, findings, keys[cohort.name], progress, spool)
        for cohort in dictionary.cohorts.values()
    ]
    if kept is not None:
        kept.tidy(dictionary, {key: sha256 for item in cohorts for key, sha256 in item.hashes.items()})
    made = assemble(dictionary, cohorts, findings)
    errors = made.tables["findings"].query("severity == 'error'")
    if strict and len(errors):
        lines = [
            f"{row.cohort}/{row.wave}: {row.code} {row.check}, {row.variable or 'file'}: {row.n:,} of {row.of:,}"
            for row in errors.itertuples()
        ]
        raise HarmonizeError(f"{len(errors)} error finding(s)\n" + "\n".join(lines))
    return made


def _check_files(dictionary: Dictionary, raw: Path) -> None:
    missing = [wave.file for wave in dictionary.waves() if not (raw / wave.file).exists()]
    if missing:
        raise ReaderError(f"{len(missing)} file(s) are not in the folder '{raw.name}': {', '.join(missing)}")
    problems = []
    for wave in dictionary.waves():
        if Path(wave.file).suffix.lower() in WORKBOOKS:
            continue
        options = {"encoding": wave.encoding, "delimiter": wave.delimiter, "header_row": wave.header_row}
        try:
            check_columns(raw / wave.file, wave.columns, **options)
        except ReaderError as error:
            problems.append(str(error))
    if problems:
        raise ReaderError("\n".join(problems))


def _harmonize_cohort(
    dictionary: Dictionary,
    cohort: Cohort,
    waves: Iterator[RawWave],
    order: list[str],
    findings: Findings,
    key: bytes | None,
    progress: bool,
    spool: Path | None,
) -> HarmonizedCohort:
    participant_variables = {
        name: variable for name, variable in dictionary.variables.items() if variable.entity == "participant"
    }
    people = People(cohort, participant_variables)
    result = HarmonizedCohort(cohort, people)
    rows_of: dict[str, RawWave] = {}
    mine: Iterable[RawWave] = islice(waves, len(cohort.waves))
    bar = {"desc": cohort.name, "unit": "wave", "total": len(cohort.waves)}
    for raw_wave in tqdm(mine, disable=None if progress else True, **bar):
        wave = raw_wave.wave
        n_applied, n_mapped = len(raw_wave.applied), sum(rule.is_mapped for rule in wave.rules.values())
        names = ", ".join(raw_wave.applied)
        log.info("%s/%s: applied %d of %d rules: %s", cohort.name, wave.name, n_applied, n_mapped, names)
        findings.items += raw_wave.findings.items
        result.hashes[cohort.name, wave.name] = raw_wave.sha256
        _apply_person_ranges(raw_wave, participant_variables, findings)
        apply_decisions(raw_wave, cohort.decisions, findings)
        admission = people.admit(raw_wave, findings)
        person = admission.person
        raw_wave.ids[raw_wave.kept] = people.ids.to_numpy()[person]  # one string a person, not one a row
        _report_unmapped(raw_wave, findings, dictionary.min_cell)
        result.ledger.append(Rows(wave, raw_wave.action, raw_wave.row_reason))
        result.questions += [question_rows(raw_wave, *question) for question in raw_wave.questions]
        previous = result.visits[-1].person if result.visits else None
        result.linkage.append(linkage_row(raw_wave, admission, previous))
        result.provenance += [
            provenance_row(dictionary, raw_wave, name, rule) for name, rule in wave.rules.items()
        ]
        if wave.kind == "visit":
            vectors = {} if spool is None else Spool(spool / f"{cohort.name}.{wave.name}")
            block = take_kept(raw_wave, person, dictionary, vectors)
            apply_ranges(block.vectors, dict(dictionary.variables), cohort.name, wave.name, findings)
            result.visits.append(block)
            rows_of[wave.name] = replace(raw_wave, outcomes={})  # to ask about a row by its number
        result.events += dated_events(raw_wave, person, people, dictionary)
    skip_people(people, findings)
    linked = {row["wave"]: row for row in result.linkage}
    for block in result.visits:  # before check_dates removes such dates
        late = visits_after_death(block, people)
        linked[block.wave]["visit_after_death"] = len(late)
        raw_wave = rows_of[block.wave]
        result.questions.append(question_rows(raw_wave, "visit after death", raw_wave.kept[late]))
    check_dates(result.visits, people, findings)
    for block in result.visits:
        complete(block, people, dictionary, order, findings)
        _report_absent(block, dictionary, findings)
    days = protect_values(dictionary, cohort.privacy, key, result.visits, people)
    result.events = protect_events(result.events, cohort.privacy, days, people)
    for block in result.visits:
        _finish_provenance(result.provenance, block, dictionary)
    protect_provenance(dictionary, cohort.privacy, result.provenance)
    if "visit_date" in dictionary.variables:
        result.events += condition_events(result.visits, people, dictionary)
    result.events.append(deaths(people))
    return result


def _apply_person_ranges(raw_wave: RawWave, variables: dict[str, Variable], findings: Findings) -> None:
    """Ranges of participant variables, before these tell who is who."""
    outcomes, wave = raw_wave.outcomes, raw_wave.wave
    values = {name: outcome.vector for name, outcome in outcomes.items() if name in variables}
    apply_ranges(values, variables, wave.cohort, wave.name, findings)
    for name, vector in values.items():
        outcomes[name] = replace(outcomes[name], vector=vector, limits=None)


def _read_key(key_file: str | Path | None) -> bytes:
    """The secret for hashing ids; it never enters an output."""
    chosen = key_file or os.environ.get(KEY_VARIABLE)
    path = Path(chosen) if chosen else Path.home() / ".dermcohort" / "key"
    if not path.exists():
        if chosen:
            raise HarmonizeError(
                f"the key file '{path.name}' does not exist; write a long random text into it"
            )
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(secrets.token_hex(32))
    key = path.read_bytes().strip()
    if len(key) < 16:
        raise HarmonizeError(f"the key file '{path.name}' holds {len(key)} bytes; at least 16 are needed")
    return key


def _report_unmapped(raw_wave: RawWave, findings: Findings, min_cell: int) -> None:
    """Source values without a rule; codes are named only where at least `min_cell` people hold them."""
    wave = raw_wave.wave
    for name, outcome in raw_wave.outcomes.items():
        n = int((outcome.vector.why[raw_wave.kept] == UNMAPPED).sum())
        place = (wave.cohort, wave.name, name)
        if n == 0 or any(
            f.code == "H102" and (f.cohort, f.wave, f.variable) == place for f in findings.items
        ):
            continue
        message = "source values without a rule"
        if outcome.before is not None:
            rows = outcome.before[
                (outcome.before["target"] == "unmapped") & (outcome.before["n"] >= min_cell)
            ]
            if len(rows):
                codes = ", ".join(f"'{row.source}' ({row.n})" for row in rows.itertuples())
                message += f": {codes}"
        findings.add("H101", wave.cohort, wave.name, name, n, len(raw_wave.kept), message)


def _report_absent(block: Visits, dictionary: Dictionary, findings: Findings) -> None:
    """Values outside the limits of an assay, and questions that most of those asked did not answer."""
    for name, vector in block.vectors.items():
        below, above = (int((vector.why == reason).sum()) for reason in (BELOW_LOD, ABOVE_LOQ))
        asked = ~np.isin(vector.why, (NOT_APPLICABLE, NOT_COLLECTED))
        n_asked = int(asked.sum())
        message = f"{below:,} below and {above:,} above a limit of the assay"
        findings.add("H401", block.cohort, block.wave, name, below + above, n_asked, message)
        absent = int((asked & ~vector.known).sum()) - below - above
        if 2 * absent > n_asked and dictionary.variables[name].derive is None:
            message = "no usable answer of those who were asked"
            findings.add("H402", block.cohort, block.wave, name, absent, n_asked, message)


def _finish_provenance(rows: list[dict[str, Any]], block: Visits, dictionary: Dictionary) -> None:
    """Final counts of visit variables, after ranges and skip patterns, and rows for derived variables."""
    found = {row["variable"]: row for row in rows if row["wave"] == block.wave}
    for name, variable in dictionary.variables.items():
        if variable.entity != "visit":
            continue
        row = found.get(name)
        if row is None:
            row = {
                "cohort": block.cohort,
                "wave": block.wave,
                "variable": name,
                "status": "derived",
                "verb": "derive",
                "rule": variable.derive.text if variable.derive else None,
            }
            rows.append(row)
        row.update(_counts(block.vectors[name], dictionary))


def _counts(vector: Vector, dictionary: Dictionary) -> dict[str, int]:
    counts = np.bincount(vector.why, minlength=32)
    out = {"n": len(vector), "observed": int(counts[0])}
    out.update({f"n_{reason.name}": int(counts[reason.code]) for reason in dictionary.reasons.values()})
    return out
