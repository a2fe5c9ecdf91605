"""What a cohort hands out under its privacy options: shifted dates, coarse codes, withheld variables.

Applied to final values, after every check and derivation has seen the true ones.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import MutableMapping
from typing import Any

import numpy as np
import pandas as pd

from ..dictionary.model import Coarsening, Dictionary, Privacy
from ..dictionary.privacy import WITHHELD
from .people import People
from .vectors import NOT_COLLECTED, Vector, date, relevel
from .verbs import blank
from .visits import Visits


def protect_values(
    dictionary: Dictionary, privacy: Privacy, key: bytes | None, visits: list[Visits], people: People
) -> np.ndarray:
    """Change the vectors of a cohort in place; returns the shift of every person in days."""
    days = np.zeros(len(people.ids), np.int64)
    if privacy.shift_dates and key is not None:
        days = date_shifts(people.ids, key, privacy.shift_dates)
    for block in visits:
        shift = days[block.person]
        _shift(dictionary, block.vectors, shift)
        _coarsen_and_withhold(dictionary, privacy, block.vectors)
        for name in privacy.withhold:
            block.limits.pop(name, None)
    _shift(dictionary, people.values, days)
    _coarsen_and_withhold(dictionary, privacy, people.values)
    return days


def date_shifts(ids: pd.Index, key: bytes, most: int) -> np.ndarray:
    """1 to `most` days to one side or the other, the same for a person every time: HMAC-SHA256 of id and key."""
    shifts = np.empty(len(ids), np.int64)
    for position, person in enumerate(ids):
        digest = hmac.new(key, b"shift_dates:" + str(person).encode(), hashlib.sha256).digest()
        step = int.from_bytes(digest[:8], "big") % (2 * most)
        shifts[position] = step - most if step < most else step - most + 1
    return shifts


def protect_events(
    events: list[pd.DataFrame], privacy: Privacy, days: np.ndarray, people: People
) -> list[pd.DataFrame]:
    """Dated events with the shift of their person, without the withheld ones."""
    out = []
    for table in events:
        table = table[~table["event"].isin(privacy.withhold)].copy()
        shift = days[people.ids.get_indexer(pd.Index(table["participant_id"], dtype=object))]
        for bound in ("lower", "upper"):
            table[bound] = table[bound].to_numpy() + shift.astype("timedelta64[D]")
        out.append(table)
    return out


def protect_provenance(dictionary: Dictionary, privacy: Privacy, rows: list[dict[str, Any]]) -> None:
    """Withheld variables show no counts of answers; no rule shows a constant of what is protected."""
    for row in rows:
        name = row["variable"]
        shifted = privacy.shift_dates > 0 and dictionary.variables[name].type == "date"
        if shifted or name in privacy.coarsen or name in privacy.withhold:
            row["rule"] = None  # `value: V1` would tell; the dictionary keeps it, under the same rule_hash
        if name in privacy.withhold:
            n_absent = row["n_not_collected"]
            row.update({f"n_{reason}": 0 for reason in dictionary.reasons})
            row |= {"before": None, "observed": 0, "n_not_collected": n_absent}
            row[f"n_{WITHHELD}"] = row["n"] - n_absent


def _shift(dictionary: Dictionary, vectors: MutableMapping[str, Vector], days: np.ndarray) -> None:
    for name in vectors:
        if dictionary.variables[name].type == "date" and days.any():
            vectors[name] = date(vectors[name].data + days.astype("timedelta64[D]"), vectors[name].why)


def _coarsen_and_withhold(
    dictionary: Dictionary, privacy: Privacy, vectors: MutableMapping[str, Vector]
) -> None:
    for name, coarsening in privacy.coarsen.items():
        if name in vectors:
            vectors[name] = _coarse(vectors[name], coarsening, dictionary.reasons[WITHHELD].code)
    for name in privacy.withhold:
        if name in vectors:
            vectors[name] = _withheld(dictionary, name, vectors[name])


def _coarse(vector: Vector, coarsening: Coarsening, withheld: int) -> Vector:
    """Levels replaced; one that the map does not name is withheld."""
    assert vector.levels is not None
    length = coarsening.first_letters
    levels = [
        str(level)[:length] if length is not None else coarsening.map.get(str(level), "")
        for level in vector.levels
    ]
    unnamed = np.array([level == "" for level in levels] + [False])
    hidden = vector.known & unnamed[vector.data]
    coarse = relevel(vector, levels)
    data = np.where(hidden, -1, coarse.data)
    return Vector("text", data, np.where(hidden, withheld, vector.why).astype(np.int8), coarse.levels)


def _withheld(dictionary: Dictionary, name: str, vector: Vector) -> Vector:
    """Answers and their reasons are gone; that nobody was asked may be known."""
    why = np.where(vector.why == NOT_COLLECTED, NOT_COLLECTED, dictionary.reasons[WITHHELD].code)
    empty = blank(dictionary.variables[name], len(vector), NOT_COLLECTED)
    return Vector(empty.kind, empty.data, why.astype(np.int8), empty.levels)
