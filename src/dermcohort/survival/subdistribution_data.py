"""Data in which an ordinary Cox or Kaplan-Meier analysis is one of the subdistribution of a cause."""

from __future__ import annotations

from collections.abc import Hashable

import numpy as np
import pandas as pd

from ..design import require_columns
from ..wording import suggest
from .frame import check_times, event_states


def subdistribution_data(data: pd.DataFrame, time: str, event: str, *, cause: Hashable) -> pd.DataFrame:
    """Rows weighted so that those with a competing event stay at risk as long as they might have been followed.

    A row with a competing event at T goes on after T in stretches with the weight G(t) / G(T), where G is the
    Kaplan-Meier estimate of being uncensored and events come before censoring at the same time. A weighted `cox` on
    these rows (`entry`, `time`, `event` and `weights` named below) gives subdistribution hazard ratios, with strata,
    Efron's ties or a variance of your choice; `fine_gray` gives them without the rows and with a variance that knows
    that G was estimated.

    Parameters
    ----------
    data : DataFrame
        One row a person. Rows without time or event are left out.
    time : str
        Column of the time of the first event or end of follow-up.
    event : str
        Column of dtype category: the first level means censored, each other level is a cause.
    cause : str
        The level of `event` that is studied.

    Returns
    -------
    DataFrame
        The columns of `data` (its index repeated where a row goes on) and `fg_start`, `fg_stop`, `fg_status` (0 or
        1) and `fg_weight`. As R's ``survival::finegray``.

    Raises
    ------
    ValueError
        For an event that is no category, an unknown cause, or times that do not fit.

    Examples
    --------
    >>> data = pd.DataFrame({"years": [1.0, 2.0, 3.0, 4.0],
    ...     "end": pd.Categorical(["death", "none", "eczema", "eczema"], ["none", "eczema", "death"])})
    >>> rows = subdistribution_data(data, "years", "end", cause="eczema")
    >>> rows.loc[0, ["fg_start", "fg_stop", "fg_weight"]]
       fg_start  fg_stop  fg_weight
    0       0.0      2.0   1.000000
    0       2.0      4.0   0.666667
    """
    require_columns(data, [time, event], "data")
    frame = data.dropna(subset=[time, event])
    if frame.empty:
        raise ValueError(f"no row has all of {time}, {event}")
    _, exit_ = check_times(frame, time, None)
    ended, causes = event_states(frame[event], event)
    if cause not in causes:
        known = ", ".join(map(str, causes))
        raise ValueError(
            f"cause: {cause!r} is not an event of '{event}', which has {known}.{suggest(cause, causes)}"
        )
    own = ended == causes.index(cause) + 1
    # interval j, (until[j - 1], until[j]], has the weight G[j]
    until, G = _censoring(exit_, ended == 0)
    holds_events = np.zeros(len(until), bool)
    holds_events[np.searchsorted(until, exit_[own], "left")] = True
    competing = np.flatnonzero((ended != 0) & ~own)
    home = np.searchsorted(until, exit_[competing], "left")

    kept = np.flatnonzero(holds_events)
    begins = np.searchsorted(kept, home, "right")
    extra = len(kept) - begins
    row = np.repeat(np.arange(len(competing)), extra)
    interval = kept[np.arange(extra.sum()) - np.repeat(np.cumsum(extra) - extra - begins, extra)]
    zero = 0.0 if exit_.min() > 0 else 2 * exit_.min() - 1
    stop = exit_.copy()
    stop[competing] = until[home]
    place = np.concatenate([np.arange(len(exit_)), competing[row]])
    columns = {
        "fg_start": np.concatenate([np.full(len(exit_), zero), until[interval - 1]]),
        "fg_stop": np.concatenate([stop, until[interval]]),
        "fg_status": np.concatenate([own, np.zeros(len(row))]).astype(int),
        "fg_weight": np.concatenate([np.ones(len(exit_)), G[interval] / G[home[row]]]),
    }
    order = np.argsort(place, kind="stable")
    result = frame.iloc[place[order]]
    return result.assign(**{name: values[order] for name, values in columns.items()})


def _censoring(exit_: np.ndarray, censored: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Ends of the intervals between times of censoring, up to the last time, and G in each."""
    times = np.unique(exit_[censored])
    n_censored = np.bincount(np.searchsorted(times, exit_[censored]), minlength=len(times))
    # events at a time come before censoring at it
    n_risk = n_censored + len(exit_) - np.searchsorted(np.sort(exit_), times, "right")
    return np.append(times, exit_.max()), np.append(1.0, np.cumprod(1 - n_censored / n_risk))
