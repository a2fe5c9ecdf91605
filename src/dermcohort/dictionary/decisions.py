"""Read and lint cohorts/<cohort>/decisions.yaml: what a person decided about single raw rows."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from ..wording import did_you_mean
from .model import Decision, Wave
from .problems import ProblemList
from .source import Block, load_yaml

DECISIONS = ("keep", "set_aside", "other_person")
KEYS = ("file", "sha256", "row", "decision", "by", "on", "reason")


def read_decisions(folder: Path, waves: Mapping[str, Wave], problems: ProblemList) -> tuple[Decision, ...]:
    """The decisions of a cohort; none where there is no file."""
    path = folder / "decisions.yaml"
    block = load_yaml(path, problems) if path.exists() else None
    if block is None:
        return ()
    block.check_keys(("decisions",), problems, "decisions.yaml", required=("decisions",))
    entries = block.get("decisions")
    if not isinstance(entries, list):
        problems.error(block.at("decisions"), "DD410", "'decisions' must be a list")
        return ()
    found: dict[tuple[str, int], Decision] = {}
    for entry in entries:
        if not isinstance(entry, Block):
            problems.error(block.at("decisions"), "DD410", f"a decision must be {{{', '.join(KEYS)}}}")
            continue
        decision = _read_decision(entry, waves, problems)
        if decision is None:
            continue
        key = (decision.file, decision.row)
        if key in found:
            problems.error(entry.place, "DD413", f"row {decision.row} of {decision.file} is decided twice")
        found[key] = decision
    return tuple(found.values())


def _read_decision(entry: Block, waves: Mapping[str, Wave], problems: ProblemList) -> Decision | None:
    entry.check_keys(KEYS, problems, "a decision", required=KEYS)
    if any(key not in entry for key in KEYS):
        return None
    files = [wave.file for wave in waves.values()]
    readable = True
    if entry["file"] not in files:
        hint = did_you_mean(entry["file"], files) or f"files: {', '.join(files)}"
        problems.error(entry.at("file"), "DD411", f"'{entry['file']}' is no file of this cohort", hint)
        readable = False
    if entry["decision"] not in DECISIONS:
        hint = did_you_mean(entry["decision"], DECISIONS) or f"one of {', '.join(DECISIONS)}"
        problems.error(entry.at("decision"), "DD412", f"decision '{entry['decision']}' is unknown", hint)
        readable = False
    row, sha256 = entry["row"], entry["sha256"]
    if isinstance(row, bool) or not isinstance(row, int) or row < 1:
        problems.error(entry.at("row"), "DD410", f"row must be a number from 1, found '{row}'")
        readable = False
    if not isinstance(sha256, str) or not re.fullmatch(r"[0-9a-f]{12,64}", sha256):
        text = "sha256 must be the first 12 digits or more of the file's hash, in quotes"
        problems.error(entry.at("sha256"), "DD410", text, "study.open_questions() shows it")
        readable = False
    if not readable:
        return None
    return Decision(entry["file"], sha256, row, entry["decision"], *(str(entry[k]) for k in KEYS[4:]))
