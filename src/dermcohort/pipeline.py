"""Run the scripts of analyses/: each reads the harmonized study and saves estimates and figures.

A script runs again only when its own code, the study, the software or one of its results changed. What it wrote goes
on record (`provenance`).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from .provenance import FILE, Provenance, hash_of, read_provenance, run_of, script_of, script_path
from .storage import write_text
from .study import printed_names_of

STUDY_VARIABLE, RESULTS_VARIABLE = "DERMCOHORT_STUDY", "DERMCOHORT_RESULTS"
LABELS = "labels.json"  # printed names of the study, for the tables of the report


class AnalysisError(Exception):
    """A script of analyses/ failed or is missing."""


def study_folder() -> Path:
    """The study an analysis script reads: what `dermcohort run` chose, else ./harmonized."""
    return Path(os.environ.get(STUDY_VARIABLE, "harmonized"))


def results_folder() -> Path:
    """Where an analysis script saves: what `dermcohort run` chose, else ./results."""
    folder = Path(os.environ.get(RESULTS_VARIABLE, "results"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def run_analyses(
    analyses: Path,
    study: Path,
    results: Path,
    only: Sequence[Path] = (),
    everything: bool = False,
    say: Callable[[str], None] = print,
) -> list[Path]:
    """Run the scripts whose code or study changed; returns those that ran.

    Raises
    ------
    AnalysisError
        If there is no study or no script, or a script fails; the message ends with the script's own error.
    """
    if not (study / "manifest.json").exists():
        raise AnalysisError(f"no study in '{study}': run dermcohort harmonize first")
    scripts = list(only) or sorted(path for path in analyses.glob("*.py") if not path.name.startswith("_"))
    absent = [str(script) for script in scripts if not script.exists()]
    if absent or not scripts:
        raise AnalysisError(
            f"no such script: {', '.join(absent)}" if absent else f"no script in '{analyses}'"
        )
    results.mkdir(parents=True, exist_ok=True)
    write_text(results / LABELS, json.dumps(printed_names_of(study), ensure_ascii=False, indent=1))
    run = run_of(study)
    before = read_provenance(results) or Provenance(run)
    record = Provenance(run, before.scripts, before.results).without(_gone(before, analyses))
    for name in sorted(before.results.keys() - record.results.keys()):
        say(f"  {name}: no script writes it any more; delete its files")
    ran = []
    for script in scripts:
        path, now = script_path(script), script_of(script, run.environment)
        if not everything and record.scripts.get(path) == now and _is_whole(record, path, results):
            say(f"  {script.name}: unchanged")
            continue
        start, there = time.perf_counter(), _state(results)
        _run(script, study, results)
        say(f"  {script.name}: {time.perf_counter() - start:.1f} s")
        files = {
            file: hash_of(results / file)
            for file, state in _state(results).items()
            if there.get(file) != state
        }
        when = datetime.now(UTC).isoformat(timespec="seconds")
        record = record.with_script(path, now, files, when)
        record.save(results)
        ran.append(script)
    record.save(results)
    return ran


def _gone(record: Provenance, analyses: Path) -> list[str]:
    """Scripts on record that the folder of analyses does not have any more."""
    own = analyses.resolve().name
    return [
        path
        for path in record.scripts
        if path.startswith(f"{own}/") and not (analyses / path.split("/", 1)[1]).exists()
    ]


def _is_whole(record: Provenance, script: str, results: Path) -> bool:
    """Whether every file that the script wrote is there as it wrote it."""
    written = [item for result in record.results_of(script).values() for item in result.files.items()]
    return all((results / file).exists() and hash_of(results / file) == digest for file, digest in written)


def _state(results: Path) -> dict[str, tuple[int, int, int]]:
    """Each file of the results with what changes when it is written again, even with the same content."""
    found = {}
    for file in sorted(results.rglob("*")):
        name = file.relative_to(results).as_posix()
        if file.is_file() and not name.startswith(".") and name not in (LABELS, FILE):
            state = file.stat()
            found[name] = (state.st_ino, state.st_mtime_ns, state.st_size)
    return found


def _run(script: Path, study: Path, results: Path) -> None:
    environment = {
        **os.environ,
        STUDY_VARIABLE: str(study.absolute()),
        RESULTS_VARIABLE: str(results.absolute()),
        "MPLBACKEND": "Agg",
    }
    done = subprocess.run(
        [sys.executable, str(script)], env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        last = done.stderr.strip().splitlines()
        raise AnalysisError(f"{script} failed: {last[-1] if last else 'no message'}\n{done.stderr}")
