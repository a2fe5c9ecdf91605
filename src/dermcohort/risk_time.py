"""From visits and events to time at risk: who is followed from when to when, and what ended it.

The dates behind `Study.survival_frame`. A condition seen at visits begins between the last visit without it and the
first with it; until when nobody saw it is the last visit at which it was known to be absent. Registers go on after the
visits have ended: what they tell ends the risk only before a visit was missed.
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
        until = followed_at_visits(study, condition, base, last) if at_visits else end
        died = ~np.isnat(other) & ~has_event & (other > start) & (np.isnat(until) | (other <= until))
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


def followed_at_visits(study: Study, condition: str, base: pd.DataFrame, last: np.ndarray) -> np.ndarray:
    """Until when something that happens to a person comes before a visit was missed.

    After the `last` visit without the condition that is the end of the next wave of the cohort that looked for it. Where
    there was no such wave, or the person came to it and the status is not known, it is the last visit itself: who
    lives is not followed for longer, so neither may be who dies.
    """
    visits = study.visits[["cohort", "participant_id", "visit_date"]].assign(
        cohort=study.visits["cohort"].astype(str), wave=study.visits["wave"].cat.codes
    )
    known = study.visits[condition].notna() & visits["visit_date"].notna()
    ends = visits[known].groupby(["cohort", "wave"])["visit_date"].max().rename("wave_end").reset_index()
    ends["next_end"] = ends.groupby("cohort")["wave_end"].shift(-1)
    came = visits.merge(ends, on=["cohort", "wave"]).sort_values("wave", kind="stable")
    came = came.drop_duplicates(["cohort", "participant_id"], keep="last")
    came = came.set_index(["cohort", "participant_id"])
    next_end = _aligned(came["next_end"], base)
    open_end = (_aligned(came["visit_date"], base) == last) & (next_end > last)
    return np.where(open_end, next_end, last)


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
