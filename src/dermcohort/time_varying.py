"""Covariates that change between visits: the rows (entry, exit] of each person, one a visit.

What was seen at a visit holds from that visit until the next one of the person, at most for a chosen time; after that the
person is not at risk until seen again. The rows behind `Study.survival_frame(time_varying=...)`, of which the analyses of
`dermcohort.survival` take `entry` and `exit`.

Source: Therneau & Grambsch (2000) Modeling Survival Data, ch. 3.7 (the counting process form; as R's `tmerge`).
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from .risk_time import years_between

PERSON = ["cohort", "participant_id"]


def split_at_visits(
    people: pd.DataFrame,
    origin: np.ndarray,
    years: np.ndarray,
    visits: pd.DataFrame,
    carry_for: float | None,
) -> tuple[pd.DataFrame, np.ndarray]:
    """Split the follow-up of each person at their visits.

    Parameters
    ----------
    people : DataFrame
        One row a person at risk: cohort, participant_id, entry, exit, event (0/1 or a category whose first level is
        censored) and what does not change.
    origin : ndarray of datetime64, shape (n,)
        When follow-up begins: a visit of the person.
    years : ndarray of float64, shape (n,)
        Years of follow-up, above 0.
    visits : DataFrame
        One row a visit: cohort, participant_id, wave, visit_date and what changes. Visits before `origin`, after the end
        of follow-up or without date make no row. Of two on one day the later wave counts.
    carry_for : float or None
        For how many years at most a visit's values hold.

    Returns
    -------
    DataFrame
        One row a person and visit; the event in the last row of those whose follow-up it covers to the end.
    ndarray of bool, shape (n,)
        Whose rows end before their follow-up does: an event after that is in none of them.
    """
    person = _keys(people).get_indexer(_keys(visits))
    visits, person = visits[person >= 0], person[person >= 0]
    start = years_between(origin[person], visits["visit_date"].to_numpy().astype("datetime64[D]"))
    inside = (start >= 0) & (start < years[person])  # neither without a date
    visits, person, start = visits[inside], person[inside], start[inside]
    order = np.lexsort((visits["wave"].cat.codes, start, person))
    same_day = (np.diff(person[order], append=-1) == 0) & (np.diff(start[order], append=np.nan) == 0)
    order = order[~same_day]
    visits, person, start = visits.iloc[order], person[order], start[order]

    is_last = np.diff(person, append=-1) != 0
    stop = np.where(is_last, years[person], np.roll(start, -1))
    if carry_for is not None:
        stop = np.minimum(stop, start + carry_for)
    to_the_end = is_last & (stop == years[person])
    cut_short = np.ones(len(people), bool)
    cut_short[person[to_the_end]] = False

    rows = people.iloc[person].reset_index(drop=True)
    from_origin, event = rows["entry"].to_numpy(), rows["event"]
    censored = event.cat.categories[0] if isinstance(event.dtype, pd.CategoricalDtype) else 0.0
    rows = rows.assign(
        entry=from_origin + start,
        exit=np.where(to_the_end, rows["exit"], from_origin + stop),
        event=event.where(to_the_end, censored),
    )
    changing = visits.drop(columns=[*PERSON, "visit_date"]).reset_index(drop=True)
    times = rows.columns.get_loc("entry")
    fixed = rows.iloc[:, :times].drop(columns="wave", errors="ignore")
    return pd.concat([fixed, changing, rows.iloc[:, times:]], axis=1), cut_short


def _keys(table: pd.DataFrame) -> pd.MultiIndex:
    return pd.MultiIndex.from_arrays([table["cohort"].astype(str), table["participant_id"]])
