"""Split follow-up by age, calendar period and time since entry at once: the episodes of a Lexis diagram.

Within an episode nobody changes the band of age, period or follow-up, so that rates can be counted (`incidence_rate`,
`standardized_rate`), compared with those of a population (`smr`) or modeled (Poisson regression) by all of them. As R's
`Epi::Lexis` with `splitLexis` on each scale.

Source: Carstensen (2021) Epidemiology with R, ch. 7; Plummer & Carstensen (2011) J Stat Softw 38(5).
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from ..age_bands import AgeBand
from ..design import binary_outcome, require_columns
from ..wording import suggest
from .split_time import beside_incomplete, count_from_0
from .time_scales import first_of_january, read_breaks, read_follow_up, time_columns

SCALES = ("period", "age", "follow_up")
SHORTEST = 1e-9  # years: cut points closer than this are one, as they differ by rounding only


def lexis(
    data: pd.DataFrame,
    *,
    entry: str,
    exit: str,
    event: str,
    breaks: Mapping[str, Sequence[float] | np.ndarray],
    birth: str | None = None,
    age_at_entry: str | None = None,
) -> pd.DataFrame:
    """Split each row at the cut points of every time scale that it crosses.

    Parameters
    ----------
    data : DataFrame
        One row a person, or a spell of follow-up.
    entry, exit : str
        Columns of when follow-up began and ended: dates, or numbers in years (of the calendar, where there are breaks
        of the period).
    event : str
        Column that is 0/1, bool, or a category of two levels, the second being the event, which happens at exit.
    breaks : mapping
        From "age", "period" (calendar years) and "follow_up" (years since entry) to cut points, at least one of a scale,
        e.g. ``{"age": range(20, 90, 5), "period": [2010, 2015, 2020]}``. Person-time before the first and after the last
        is kept, in bands of its own ("<20", "85+"). With dates a period begins on 1 January.
    birth : str, optional
        Column of the date of birth (or its year, as a number). Needed for ages, unless `age_at_entry` is given.
    age_at_entry : str, optional
        Column of the age at entry in years.

    Returns
    -------
    DataFrame
        The episodes with all columns of the data, in its order and with its index repeated. `event` is 0/1, and 1 in the
        last episode only. New are `period_entry`, `period_exit`, `age_entry`, `age_exit` (with `birth` or
        `age_at_entry`), `follow_up_entry`, `follow_up_exit` and `person_years`, in years, and a category `age_band`,
        `period_band`, `follow_up_band` for each scale that was cut, in the order of time: "40-44" is from the 40th
        birthday to the 45th, "0" the first year of follow-up, "[0.5, 1.5)" a band whose ends are not whole. An
        event on a boundary belongs to the band that ends there. A row with a missing value is kept as it is, the new
        columns missing, so that it is counted where it is left out.

    Raises
    ------
    ValueError
        For times that do not fit, an unknown scale, cut points that are no numbers, breaks of age without ages, or a
        new column that the data already have.

    Notes
    -----
    Person-years add up to those of the data. A year has 365.25 days, so an age band may begin up to a day beside the
    birthday.

    Examples
    --------
    >>> data = pd.DataFrame({"from": [2003.0, 2008.5], "to": [2012.0, 2011.5], "died": [1, 0], "born": [1960.0, 1970.0]})
    >>> episodes = lexis(data, entry="from", exit="to", event="died", birth="born",
    ...                  breaks={"age": [40, 50], "period": [2000, 2010, 2020]})
    >>> episodes[["age_band", "period_band", "age_entry", "person_years", "died"]]
      age_band period_band  age_entry  person_years  died
    0    40-49   2000-2009       43.0           7.0     0
    0      50+   2010-2019       50.0           2.0     1
    1      <40   2000-2009       38.5           1.5     0
    1    40-49   2010-2019       40.0           1.5     0
    """
    used = list(dict.fromkeys([*time_columns(entry, exit, birth, age_at_entry), event]))
    require_columns(data, used, "data")
    points = _read_scales(breaks, birth is not None or age_at_entry is not None)
    complete = data[used].notna().all(axis=1).to_numpy()
    known = data.loc[complete, used]
    follow_up = read_follow_up(known, entry, exit, birth, age_at_entry)
    happened = binary_outcome(known[event], event)

    cuts = {
        scale: first_of_january(years) if scale == "period" and follow_up.dated else years
        for scale, years in points.items()
    }
    row, start, stop = split_episodes(
        [follow_up.origins[scale] for scale in cuts], follow_up.duration, list(cuts.values())
    )
    is_last = np.append(row[1:] != row[:-1], True)[: len(row)]
    columns: dict[str, object] = {event: (happened[row] * is_last).astype(int)}
    for scale, origin in follow_up.origins.items():
        columns |= {f"{scale}_entry": origin[row] + start, f"{scale}_exit": origin[row] + stop}
    columns["person_years"] = stop - start
    for scale, edges in cuts.items():
        middle = follow_up.origins[scale][row] + (start + stop) / 2
        columns[f"{scale}_band"] = _bands(np.searchsorted(edges, middle, "right"), points[scale])
    for name in columns:
        if name != event and name in data:
            raise ValueError(f"the data have a column '{name}', which is one of the new ones: rename it")
    return beside_incomplete(data, complete, row, known.iloc[row].assign(**columns))


def split_episodes(
    origins: Sequence[np.ndarray], duration: np.ndarray, points: Sequence[np.ndarray]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Cut follow-up of each row at the points that it passes on several scales.

    Parameters
    ----------
    origins : sequence of ndarray, shape (n,)
        Value of each row at its entry, one array a scale.
    duration : ndarray, shape (n,)
    points : sequence of ndarray
        Sorted cut points, one array a scale.

    Returns
    -------
    row, start, stop : ndarray
        Row of each episode, in order, and when it begins and ends since entry.
    """
    n = len(duration)
    rows, times = [np.arange(n)], [np.zeros(n)]
    for origin, cuts in zip(origins, points, strict=True):
        first = np.searchsorted(cuts, origin + SHORTEST, "right")
        crossed = np.maximum(np.searchsorted(cuts, origin + duration - SHORTEST, "left") - first, 0)
        row = np.repeat(np.arange(n), crossed)
        rows.append(row)
        times.append(cuts[first[row] + count_from_0(crossed)] - origin[row])
    row, start = np.concatenate(rows), np.concatenate(times)
    order = np.lexsort((start, row))
    row, start = row[order], start[order]
    distinct = np.ones(len(row), bool)
    distinct[1:] = (row[1:] != row[:-1]) | (np.diff(start) > SHORTEST)
    row, start = row[distinct], start[distinct]
    stop = duration[row]
    same = np.flatnonzero(row[1:] == row[:-1])
    stop[same] = start[same + 1]
    return row, start, stop


def _read_scales(breaks: Mapping[str, Sequence[float] | np.ndarray], has_age: bool) -> dict[str, np.ndarray]:
    if not isinstance(breaks, Mapping) or not breaks:
        raise ValueError(
            'breaks must map scales to cut points: {"age": [40, 50, 60], "period": [2010, 2020]}'
        )
    for scale in breaks:
        if scale not in SCALES:
            raise ValueError(
                f"breaks: '{scale}' is no scale; there are {', '.join(SCALES)}.{suggest(scale, SCALES)}"
            )
    if "age" in breaks and not has_age:
        raise ValueError("breaks of age need ages: give birth or age_at_entry")
    return {scale: read_breaks(scale, breaks[scale]) for scale in SCALES if scale in breaks}


def _bands(number: np.ndarray, points: np.ndarray) -> pd.Categorical:
    """Category of band 0 (before the first point), 1, 2, ...; those at the ends only where they occur."""
    whole = (points == np.round(points)).all()
    labels = [f"<{points[0]:g}"]
    for low, high in itertools.pairwise(points):
        labels.append(str(AgeBand(low, high - 1)) if whole else f"[{low:g}, {high:g})")
    labels.append(f"{points[-1]:g}+")
    occurs = np.bincount(number, minlength=len(labels)) > 0
    kept = slice(0 if occurs[0] else 1, None if occurs[-1] else -1)
    return pd.Categorical.from_codes(number - kept.start, labels[kept], ordered=True)
