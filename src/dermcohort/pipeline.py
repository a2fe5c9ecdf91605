"""Run the scripts of analyses/: each reads the harmonized study and saves estimates and figures.

A script runs again only when its own code, the study or this package changed.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from .storage import write_text
from .study import printed_names_of

STUDY_VARIABLE, RESULTS_VARIABLE = "DERMCOHORT_STUDY", "DERMCOHORT_RESULTS"
RECORD = ".analyses.json"
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
    record = _read_record(results)
    study_hash = _hash(study / "manifest.json", study / "visits.parquet", study / "participants.parquet")
    ran = []
    for script in scripts:
        fingerprint = _hash(script, *sorted(Path(__file__).parent.rglob("*.py"))) + study_hash
        if not everything and record.get(script.name) == fingerprint:
            say(f"  {script.name}: unchanged")
            continue
        start = time.perf_counter()
        _run(script, study, results)
        say(f"  {script.name}: {time.perf_counter() - start:.1f} s")
        record[script.name] = fingerprint
        write_text(results / RECORD, json.dumps(record, indent=1))
        ran.append(script)
    return ran


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


def _read_record(results: Path) -> dict[str, str]:
    try:
        return json.loads((results / RECORD).read_text("utf-8"))
    except (OSError, ValueError):
        return {}


def _hash(*paths: Path) -> str:
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.read_bytes())
    return digest.hexdigest()
