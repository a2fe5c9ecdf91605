"""How the waves of a cohort were linked: one row a wave, with counts and never an id."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from .people import Admission, People
from .visits import Visits
from .wave import MERGED, QUARANTINED, ROW_REASONS, RawWave

SET_ASIDE = {
    reason: f"quarantined_{reason.replace(' ', '_').replace('-', '')}" for reason in ROW_REASONS if reason
}
COLUMNS = (
    "cohort", "wave", "rows", "persons", "new", "seen_before", "missing_from_previous", "merged",
    "quarantined", *SET_ASIDE.values(),
    "changed_cluster", "conflicting_birth_date", "conflicting_sex", "visit_after_death",
)  # fmt: skip


def linkage_row(raw_wave: RawWave, admission: Admission, previous: np.ndarray | None) -> dict[str, Any]:
    """Counts of one wave; `previous` are the persons of the visit wave before, None for the first."""
    seen = [admission.person] if previous is None else [admission.person, previous]
    size = max((int(person.max(initial=-1)) + 1 for person in seen), default=0)
    here, *before = (np.bincount(person, minlength=size) > 0 for person in seen)
    n_persons = int(here.sum())
    row: dict[str, Any] = {
        "cohort": raw_wave.wave.cohort,
        "wave": raw_wave.wave.name,
        "rows": raw_wave.n_rows,
        "persons": n_persons,
        "new": admission.n_new,
        "seen_before": n_persons - admission.n_new,
        "missing_from_previous": sum(int((earlier & ~here).sum()) for earlier in before),
        "merged": int((raw_wave.action == MERGED).sum()),
        "quarantined": int((raw_wave.action == QUARANTINED).sum()),
        "changed_cluster": admission.conflicts.get("cluster", 0),
        "conflicting_birth_date": admission.conflicts.get("birth_date", 0),
        "conflicting_sex": admission.conflicts.get("sex", 0),
        "visit_after_death": 0,
    }
    for reason, column in SET_ASIDE.items():
        because = raw_wave.row_reason == ROW_REASONS.index(reason)
        row[column] = int((because & (raw_wave.action == QUARANTINED)).sum())
    return row


def visits_after_death(block: Visits, people: People) -> np.ndarray:
    """Positions of visits dated after the day on which, by any file of the cohort, the person died."""
    visit, death = block.vectors.get("visit_date"), people.values.get("death_date")
    if visit is None or death is None:
        return np.array([], int)
    died = death.take(block.person)
    return np.flatnonzero(visit.known & died.known & (visit.data > died.data))


def linkage_table(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """The table `study.linkage`."""
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    return table.astype({"cohort": object, "wave": object} | dict.fromkeys(COLUMNS[2:], "int64"))
