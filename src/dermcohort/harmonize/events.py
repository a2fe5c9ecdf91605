"""Events of a cohort: conditions seen at visits (onset between two visits), dated events, deaths."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..dictionary.model import Dictionary
from .people import People
from .vectors import Vector
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
        parts = []
        for position, block in enumerate(visits):
            vector, dates = block.vectors[variable.name], block.vectors["visit_date"]
            known = np.flatnonzero(vector.known)
            rule = rules[block.wave].get(variable.name)
            parts.append(
                pd.DataFrame(
                    {
                        "person": block.person[known],
                        "order": position,
                        "yes": vector.data[known] == 1,
                        "date": np.where(dates.known, dates.data, np.datetime64("NaT"))[known].astype(
                            "datetime64[s]"
                        ),
                        "ascertainment": rule.ascertainment if rule else None,
                    }
                )
            )
        seen = pd.concat(parts, ignore_index=True)
        first = seen[seen["yes"]].sort_values("order", kind="stable").drop_duplicates("person")
        if first.empty:
            continue
        before = seen[~seen["yes"] & seen["date"].notna()].merge(
            first[["person", "order"]], on="person", suffixes=("", "_first")
        )
        lower = before[before["order"] < before["order_first"]].groupby("person")["date"].max()
        # the first visit with it may have no date: a later one bounds the onset too
        upper = seen[seen["yes"]].groupby("person")["date"].min()
        tables.append(
            pd.DataFrame(
                {
                    "participant_id": people.ids.to_numpy()[first["person"]],
                    "event": variable.name,
                    "lower": lower.reindex(first["person"]).to_numpy(),
                    "upper": upper.reindex(first["person"]).to_numpy(),
                    "ascertainment": first["ascertainment"].to_numpy(),
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
