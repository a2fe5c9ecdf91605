"""Apply what a person decided about single rows, and ask about the rows that only a person can decide.

Rows are named by file and number, as in the ledger; no question and no decision holds an id.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from ..dictionary.model import Decision
from .findings import Findings
from .wave import DECIDED, KEPT, QUARANTINED, RawWave

OTHER_PERSON = "~2"  # appended to the number: a second person who was given it
# question -> the two alternatives
ALTERNATIVES = {
    "same person twice": "keep one of the rows, or other_person",
    "two persons with one number": "keep one of the rows, or other_person for one of them",
    "another person under this number": "keep (the same person), or other_person",
    "sex differs from an earlier wave": "keep (the first value stands), or set_aside",
    "birth_date differs from an earlier wave": "keep (the first value stands), or set_aside",
    "visit after death": "keep (the visit date is removed), or set_aside",
}
COLUMNS = ("cohort", "wave", "file", "sha256", "row", "question", "group", "alternatives", "decision")


def apply_decisions(raw_wave: RawWave, decisions: Sequence[Decision], findings: Findings) -> None:
    """Keep, set aside or renumber the rows that a person decided, before duplicates are settled."""
    wave = raw_wave.wave
    mine = [decision for decision in decisions if decision.file == wave.file]
    fits = [d for d in mine if raw_wave.sha256.startswith(d.sha256)]
    message = "decisions about another version of this file (its hash changed): not applied"
    findings.add("H209", wave.cohort, wave.name, "", len(mine) - len(fits), len(mine), message)
    n_lost = 0
    kept = []
    for decision in fits:
        row = decision.row - 1
        usable = row < raw_wave.n_rows
        if usable and decision.decision != "set_aside":
            usable = raw_wave.action[row] == KEPT  # a row without a valid id belongs to nobody
        if not usable:
            n_lost += 1
            continue
        raw_wave.decided[row] = decision.decision
        if decision.decision == "keep":
            kept.append(row)
        if decision.decision == "other_person":
            raw_wave.ids[row] = f"{raw_wave.ids[row]}{OTHER_PERSON}"
        action = QUARANTINED if decision.decision == "set_aside" else KEPT
        raw_wave.set_aside(np.array([row]), action, DECIDED)
    rows = raw_wave.kept
    rivals = rows[np.isin(raw_wave.ids[rows], raw_wave.ids[kept]) & (raw_wave.decided[rows] == None)]  # noqa: E711
    raw_wave.set_aside(rivals, QUARANTINED, DECIDED)
    message = "decisions about a row that the file has not, or that has no valid id: not applied"
    findings.add("H209", wave.cohort, wave.name, "", n_lost, len(mine), message)


def question_rows(raw_wave: RawWave, question: str, rows: np.ndarray) -> pd.DataFrame:
    """One record a row; rows of one number share a group."""
    numbers = raw_wave.ids[rows]
    groups, _ = pd.factorize(numbers)
    table = pd.DataFrame({"row": rows + 1, "group": groups + 1, "decision": raw_wave.decided[rows]})
    table["question"], table["alternatives"] = question, ALTERNATIVES[question]
    table["cohort"], table["wave"] = raw_wave.wave.cohort, raw_wave.wave.name
    table["file"], table["sha256"] = raw_wave.wave.file, raw_wave.sha256[:12]
    return table[list(COLUMNS)]


def questions_table(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """The table `study.questions`."""
    asked = [part for part in parts if len(part)]
    table = pd.concat(asked, ignore_index=True) if asked else pd.DataFrame(columns=list(COLUMNS))
    types: dict[Any, Any] = dict.fromkeys(COLUMNS, object) | {"row": "int64", "group": "int64"}
    return table.astype(types)
