"""Events of a cohort: conditions seen at visits (onset between two visits), dated events, deaths."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..dictionary.model import Dictionary
from .people import People
from .vectors import DAY, Vector
from .visits import Visits
from .wave import RawWave

COLUMNS = ("cohort", "participant_id", "event", "lower", "upper", "ascertainment")


def condition_events(visits: list[Visits], people: People, dictionary: Dictionary) -> list[pd.DataFrame]:
    """One row a person and condition: last visit without it (lower) and first visit with it (upper).

    `lower` is NaT where the condition was there when the person was first seen.
    """
    tables = []
    rules = {wave.name: wave.rules for wave in dictionary.cohorts[people.cohort.name].waves.values()}
    for variable in dictionary.variables.values():
        if variable.condition is None:
            continue
        n = len(people.ids)
        has = np.zeros(n, bool)
        lower, upper = np.full(n, "NaT", DAY), np.full(n, "NaT", DAY)
        found: list[
            tuple[np.ndarray, str | None]
        ] = []  # persons in whom it is new, and how it was ascertained
        for block in visits:
            vector, dates = block.vectors[variable.name], block.vectors["visit_date"]
            day = np.where(dates.known, dates.data, np.datetime64("NaT"))
            yes = vector.known & (vector.data == 1)
            ill, well = block.person[yes], block.person[vector.known & ~yes]
            # the first visit with it may have no date: a later one bounds the onset too
            upper[ill] = np.fmin(upper[ill], day[yes])
            rule = rules[block.wave].get(variable.name)
            found.append((ill[~has[ill]], rule.ascertainment if rule else None))
            has[ill] = True
            lower[well] = np.where(has[well], lower[well], np.fmax(lower[well], day[vector.known & ~yes]))
        person = np.concatenate([new for new, _ in found] or [np.array([], int)])
        if len(person):
            tables.append(
                pd.DataFrame(
                    {
                        "participant_id": people.ids.to_numpy()[person],
                        "event": variable.name,
                        "lower": lower[person].astype("datetime64[s]"),
                        "upper": upper[person].astype("datetime64[s]"),
                        "ascertainment": np.repeat(
                            np.array([how for _, how in found], dtype=object), [len(new) for new, _ in found]
                        ),
                    }
                )
            )
    return tables


def dated_events(
    raw_wave: RawWave, person: np.ndarray, people: People, dictionary: Dictionary
) -> list[pd.DataFrame]:
    """Events of registers and endpoint files: lower == upper."""
    rows = raw_wave.kept
    tables = []
    for name, outcome in raw_wave.outcomes.items():
        if dictionary.variables[name].entity == "event":
            rule = raw_wave.wave.rules[name]
            tables.append(_dated(name, outcome.vector.take(rows), person, people, rule.ascertainment))
    return tables


def deaths(people: People) -> pd.DataFrame:
    """Deaths with a known date."""
    vector = people.values.get("death_date")
    if vector is None:
        return pd.DataFrame(columns=list(COLUMNS[1:]))
    return _dated("death", vector, np.arange(len(people.ids)), people, "record")


def _dated(
    name: str, vector: Vector, person: np.ndarray, people: People, ascertainment: str | None
) -> pd.DataFrame:
    known = np.flatnonzero(vector.known)
    dates = vector.data[known].astype("datetime64[s]")
    return pd.DataFrame(
        {
            "participant_id": people.ids.to_numpy()[person[known]],
            "event": name,
            "lower": dates,
            "upper": dates,
            "ascertainment": ascertainment,
        }
    )
