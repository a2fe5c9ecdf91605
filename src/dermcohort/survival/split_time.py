"""Split follow-up at chosen times, for effects that change with time.

Every row becomes the episodes (entry, exit] that the cut points make of it; the event stays with the last. A model of
the episodes has the likelihood of the model of the rows, and its covariates may depend on the episode (a step function
of time) or on its end (R's `tt`: cut at every time of an event). As R's `survival::survSplit`.

Source: Therneau & Grambsch (2000) Modeling Survival Data, ch. 3.7.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ..design import binary_outcome, require_columns
from .frame import check_times


def split_time(
    data: pd.DataFrame,
    time: str,
    event: str,
    cuts: float | Sequence[float] | np.ndarray | pd.Series,
    *,
    entry: str | None = None,
    start: str = "entry",
    episode: str = "episode",
) -> pd.DataFrame:
    """Split each row at the cut points that lie inside its follow-up.

    Parameters
    ----------
    data : DataFrame
    time : str
        Column of the time of event or end of follow-up.
    event : str
        Column that is 0/1, bool, or a category of two levels, the second being the event.
    cuts : float or sequence of float
        In the unit of `time`, in any order; one at both sides of which a row is followed makes two of it. Missing ones
        are left out.
    entry : str, optional
        Column of the time from which a row is at risk: at risk over (entry, time]. Without it everybody enters at 0.
    start, episode : str
        Names of the new columns: the start of each episode (where `entry` is given that column is changed instead),
        and its number, 1 before the first cut.

    Returns
    -------
    DataFrame
        The episodes with all columns of the data, in its order and with its index repeated. `time` is the end of the
        episode, `event` 0/1 and 1 in the last one only. A row with a missing time, entry or event is kept as it is,
        its episode missing, so that it is counted where it is left out.

    Raises
    ------
    ValueError
        For times that do not fit (without `entry` also a time of 0, at which nobody is at risk), no cut, or a new
        column that the data already have.

    Notes
    -----
    Cutting at every time of an event makes up to rows x events episodes: round the times of a large cohort first, or
    cut at fewer points.

    Examples
    --------
    >>> data = pd.DataFrame({"id": [1, 2], "years": [3.0, 8.0], "died": [1, 1]})
    >>> split_time(data, "years", "died", [5])
       id  years  died  entry  episode
    0   1    3.0     1    0.0        1
    1   2    5.0     0    0.0        1
    1   2    8.0     1    5.0        2
    """
    used = [time, event, *([] if entry is None else [entry])]
    require_columns(data, used, "data")
    for name in [episode, *([start] if entry is None else [])]:
        if name in data:
            raise ValueError(
                f"the data have a column '{name}': name the new one otherwise (start=, episode=)"
            )
    points = np.unique(np.asarray(cuts, float))
    points = points[~np.isnan(points)]
    if not len(points) or not np.isfinite(points).all():
        raise ValueError(f"cuts must be finite times, at least one; they are {list(points)}")

    complete = data[used].notna().all(axis=1).to_numpy()
    known = data.loc[complete, used]
    begin, end = check_times(known, time, entry)
    if begin is None:
        begin = np.zeros(len(end))
        if not (end > 0).all():
            raise ValueError(f"time: '{time}' is 0 in {int((end == 0).sum())} rows: they are never at risk")
    happened = binary_outcome(known[event], event)

    first = np.searchsorted(points, begin, "right")
    last = np.searchsorted(points, end, "left")
    row = np.repeat(np.arange(len(known)), last - first + 1)
    number = first[row] + count_from_0(last - first + 1)
    edges = np.concatenate([[-np.inf], points, [np.inf]])
    episodes = known.iloc[row].assign(
        **{
            entry or start: np.maximum(begin[row], edges[number]),
            time: np.minimum(end[row], edges[number + 1]),
            event: (happened[row] * (number == last[row])).astype(int),
            episode: number + 1,
        }
    )
    return beside_incomplete(data, complete, row, episodes)


def count_from_0(lengths: np.ndarray) -> np.ndarray:
    """0, 1, ..., length - 1 for each length, one after the other."""
    return np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)


def beside_incomplete(
    data: pd.DataFrame, complete: np.ndarray, row: np.ndarray, episodes: pd.DataFrame
) -> pd.DataFrame:
    """The episodes of the complete rows with the columns they do not have, and incomplete rows at their places."""
    place = np.flatnonzero(complete)[row]
    others = data.drop(columns=episodes.columns, errors="ignore").iloc[place]
    split = pd.concat([others, episodes], axis=1)
    order = [*(name for name in data if name in split), *(name for name in episodes if name not in data)]
    if complete.all():
        return split[order]
    both = pd.concat([split, data[~complete]])[order]
    places = np.concatenate([place, np.flatnonzero(~complete)])
    return both.iloc[np.argsort(places, kind="stable")]
