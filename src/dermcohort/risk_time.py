"""From visits and events to time at risk: who is followed from when to when, and what ended it.

The dates behind `Study.survival_frame`. A condition seen at visits begins between the last visit without it and the
first with it; until when nobody saw it is the last visit at which it was known to be absent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from .study import Study

DAYS_PER_YEAR = 365.25


@dataclass(frozen=True, eq=False)
class RiskTime:
    """One value a person: times in years since the origin visit, and why a person is not at risk."""

    years: np.ndarray
    left: np.ndarray
    right: np.ndarray
    has_event: np.ndarray
    died: np.ndarray
    undated: np.ndarray
    prevalent: np.ndarray
    unknown_status: np.ndarray
    unseen: np.ndarray


def follow(study: Study, condition: str, competing: str | None, base: pd.DataFrame) -> RiskTime:
    """Follow every person of `base` (one row each, with `visit_date` and, at visits, the condition)."""
    at_visits = condition in study.visits.columns
    start = base["visit_date"].to_numpy().astype("datetime64[D]")
    onset = events_of(study, condition, base)
    last = last_observed(study, condition, base) if at_visits else last_contact(study, condition, base)
    prevalent = ~np.isnat(onset["upper"]) & (onset["upper"] <= start)
    unknown_status = np.zeros(len(base), bool)
    if at_visits:
        prevalent |= (base[condition].astype(object) == "yes").to_numpy()
        unknown_status = base[condition].isna().to_numpy() & ~prevalent
    has_event = ~np.isnat(onset["upper"]) & ~prevalent
    end = np.where(has_event, onset["upper"], last)
    died = np.zeros(len(base), bool)
    if competing is not None:
        other = events_of(study, competing, base)["upper"]
        died = ~np.isnat(other) & ~has_event & (other > start)
        if not at_visits:
            died &= np.isnat(end) | (other <= end)
        end = np.where(died, other, end)
    years = years_between(start, end)
    lower = np.where(np.isnat(onset["lower"]), start, np.maximum(onset["lower"], start))
    seen_without = np.where(np.isnat(last), 0.0, years_between(start, last))
    return RiskTime(
        years=years,
        left=np.where(has_event, years_between(start, lower), seen_without),
        right=np.where(has_event, years, np.inf),
        has_event=has_event,
        died=died,
        undated=np.isnat(start),
        prevalent=prevalent,
        unknown_status=unknown_status,
        unseen=np.isnat(end) | (end <= start),
    )


def years_between(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Years of 365.25 days from one date to another, NaN where one is missing."""
    return (end - start).astype("timedelta64[D]").astype(float) / DAYS_PER_YEAR


def events_of(study: Study, event: str, base: pd.DataFrame) -> dict[str, np.ndarray]:
    """First `event` of every person of `base`: its lower and upper date, NaT where there is none."""
    rows = study.events[study.events["event"].astype(str) == event]
    rows = rows.sort_values("upper", kind="stable").drop_duplicates(["cohort", "participant_id"])
    index = pd.MultiIndex.from_arrays([rows["cohort"].astype(str), rows["participant_id"]])
    wanted = pd.MultiIndex.from_arrays([base["cohort"].astype(str), base["participant_id"]])
    position = index.get_indexer(wanted)
    out = {}
    for bound in ("lower", "upper"):
        dates = np.append(rows[bound].to_numpy().astype("datetime64[D]"), np.datetime64("NaT"))
        out[bound] = dates[position]
    return out


def last_observed(study: Study, condition: str, base: pd.DataFrame) -> np.ndarray:
    """Date of the last visit at which the condition was known to be absent."""
    seen = study.visits.loc[
        (study.visits[condition].astype(object) == "no") & study.visits["visit_date"].notna(),
        ["cohort", "participant_id", "visit_date"],
    ]
    last = seen.assign(cohort=seen["cohort"].astype(str)).groupby(["cohort", "participant_id"])["visit_date"]
    return _aligned(last.max(), base)


def last_contact(study: Study, event: str, base: pd.DataFrame) -> np.ndarray:
    """Until when the event was looked for in every person.

    That is the date the schema names (`followed_until`), else the last contact, the death, the last visit.
    """
    position = study.person_positions(base)
    dates = np.full(len(base), "NaT", "datetime64[D]")
    declared = study.schema["followed_until"].get(event)
    for name in (declared, "last_contact_date", "death_date"):
        if name is not None and name in study.participants.columns:
            found = study.participants[name].to_numpy().astype("datetime64[D]")[position]
            dates = np.where(np.isnat(dates), found, dates)
    seen = study.visits[["cohort", "participant_id", "visit_date"]].dropna()
    last = seen.assign(cohort=seen["cohort"].astype(str)).groupby(["cohort", "participant_id"])["visit_date"]
    return np.where(np.isnat(dates), _aligned(last.max(), base), dates)


def _aligned(dates: pd.Series, base: pd.DataFrame) -> np.ndarray:
    wanted = pd.MultiIndex.from_arrays([base["cohort"].astype(str), base["participant_id"]])
    return dates.reindex(wanted).to_numpy().astype("datetime64[D]")
