"""Incidence rates: events per person-time, with exact Poisson intervals.

Source: Garwood (1936) Biometrika 28:437; agrees with R's `poisson.test`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ..design import as_list, binary_outcome, require_columns
from ..estimates import Estimates, missing_note, tidy
from ..groups import printable_groups
from ..poisson_intervals import exact_poisson

PER_YEAR = {"years": 1.0, "months": 12.0, "days": 365.25}


def incidence_rate(
    data: pd.DataFrame,
    time: str,
    event: str,
    by: str | Sequence[str] | None = None,
    per: float = 1000,
    unit: str = "years",
    *,
    conf_level: float = 0.95,
) -> Estimates:
    """Events per `per` person-years.

    Parameters
    ----------
    data : DataFrame
        One row a person (or episode).
    time : str
        Column of time at risk, not negative.
    event : str
        Column that is 0/1, bool, or a category of two levels, the second being the event.
    by : str or list of str, optional
        Column or columns whose combinations are the groups.
    per : float
        Person-years the rate refers to.
    unit : {"years", "months", "days"}
        Unit of `time`; a year has 365.25 days.
    conf_level : float

    Returns
    -------
    Estimates
        One row a group: rate and interval per `per` person-years, `n`, `events`, `person_years`. A group
        without person-time has no rate (NaN).

    Examples
    --------
    >>> data = pd.DataFrame({"years": [2.0, 3.0, 5.0], "psoriasis": [1, 0, 0]})
    >>> incidence_rate(data, "years", "psoriasis").table[["estimate", "person_years"]]
       estimate  person_years
    0     100.0          10.0
    """
    if unit not in PER_YEAR:
        raise ValueError(f"unit='{unit}' is unknown; choose one of {', '.join(PER_YEAR)}")
    groups = as_list(by)
    used = [time, event, *groups]
    require_columns(data, used, "data")
    n_missing = {name: int(data[name].isna().sum()) for name in used}
    frame = data[used].dropna()
    years = _time_at_risk(frame[time], time) / PER_YEAR[unit]
    happened = binary_outcome(frame[event], event)

    sums = printable_groups(frame[groups]).assign(_n=1, _events=happened, _years=years)
    totals = ["_n", "_events", "_years"]
    if groups:
        counts = sums.groupby(groups, observed=True, sort=True)[totals].sum().reset_index()
    else:
        counts = sums[totals].sum().to_frame().T
    x, person_years = counts["_events"].to_numpy(float), counts["_years"].to_numpy(float)
    low, high = exact_poisson(x, conf_level)
    with np.errstate(invalid="ignore", divide="ignore"):
        rate, low, high = (np.where(person_years > 0, per * v / person_years, np.nan) for v in (x, low, high))
    table = counts[groups].assign(
        term=event,
        measure=f"per {per:,g} person-years",
        estimate=rate,
        conf_low=low,
        conf_high=high,
        n=counts["_n"].astype(int),
        events=x.astype(int),
        person_years=person_years,
    )
    return Estimates(
        table=tidy(table, groups),
        method=f"Incidence rate per {per:,g} person-years with exact Poisson confidence intervals.",
        n=len(frame),
        events=int(happened.sum()),
        n_missing=n_missing,
        notes=missing_note(len(frame), len(data), n_missing),
        conf_level=conf_level,
    )


def _time_at_risk(values: pd.Series, name: str) -> np.ndarray:
    if not pd.api.types.is_numeric_dtype(values):
        raise ValueError(f"time: '{name}' must be a number, it is {values.dtype}")
    time = values.to_numpy(float)
    if (time < 0).any():
        raise ValueError(f"time: '{name}' is negative in {int((time < 0).sum())} rows")
    return time
