"""Directly standardized incidence rates: what they would be, had the person-years the ages of a standard population."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from ..design import as_list, require_columns
from ..estimates import Estimates, tidy
from ..prevalence.standardized import standardized
from .rates import PER_YEAR, time_at_risk


def standardized_rate(
    data: pd.DataFrame,
    time: str,
    event: str,
    *,
    age: str,
    standard: str | pd.DataFrame,
    sex: str | None = None,
    by: str | Sequence[str] | None = None,
    per: float = 1000,
    unit: str = "years",
    ci: str = "gamma",
    conf_level: float = 0.95,
) -> Estimates:
    """Incidence rate standardized directly by age, or age and sex, with the crude one beside it.

    Parameters
    ----------
    data : DataFrame
        One row an episode in one age band, as `lexis` makes them, or a cell of a table. Persons who are followed for years
        grow older: split their follow-up first.
    time : str
        Column of time at risk, not negative.
    event : str
        Column of events: 0/1 (as of `lexis`) or their number.
    age : str
        Column of age bands (``"age_band"`` of `lexis`) or ages, which must nest with those of the standard.
    standard : str or DataFrame
        A name of `standard_population`, or a table with `age` (labels) or `age_low` and `age_high`, `population`, and `sex`
        where it is needed.
    sex : str, optional
        Column with the sexes of the standard, to standardize by age and sex.
    by : str or list of str, optional
        Column or columns whose combinations are the groups.
    per : float
        Person-years the rate refers to.
    unit : {"years", "months", "days"}
        Unit of `time`; a year has 365.25 days.
    ci : {"gamma", "tiwari", "mid-p", "normal"}
        Interval, as in `prevalence.standardized`.
    conf_level : float

    Returns
    -------
    Estimates
        Two rows a group, `measure` "crude rate per 1,000 person-years" and "standardized rate per 1,000 person-years", both
        with the interval of `ci`; `std_error` on the same scale, `events`, `person_years`. Rows with a missing value are
        left out and counted. Where a group has no person-time in a cell of the standard its standardized rate is NaN and a
        note names the cell. The standard is restricted to the ages of the data.

    Raises
    ------
    ValueError
        For an unknown column, unit, standard or interval, negative times, and ages that do not fit the standard.

    Examples
    --------
    >>> table = pd.DataFrame({"age": ["40-59", "60-79"], "cancers": [10, 60], "years": [5000.0, 6000.0]})
    >>> own = pd.DataFrame({"age": ["40-59", "60-79"], "population": [3, 1]})
    >>> standardized_rate(table, "years", "cancers", age="age", standard=own).table[["measure", "estimate"]].round(2)
                                         measure  estimate
    0         crude rate per 1,000 person-years      6.36
    1  standardized rate per 1,000 person-years      4.00
    """
    if unit not in PER_YEAR:
        raise ValueError(f"unit='{unit}' is unknown; choose one of {', '.join(PER_YEAR)}")
    if ci == "wald":
        raise ValueError("ci='wald' is for proportions; choose gamma, tiwari, mid-p or normal")
    require_columns(data, [time], "data")
    years = pd.Series(time_at_risk(data[time], time) / PER_YEAR[unit], index=data.index)
    found = standardized(
        data.assign(**{time: years}), event, age=age, standard=standard, sex=sex, by=by, population=time, ci=ci,
        conf_level=conf_level,
    )  # fmt: skip
    table = found.table.rename(columns={"n": "person_years"})
    table[["estimate", "conf_low", "conf_high", "std_error"]] *= per
    table["measure"] = table["measure"].str.replace("prevalence", f"rate per {per:,g} person-years")
    complete = data[list(found.n_missing)].notna().all(axis=1)
    return replace(
        found,
        table=tidy(table, as_list(by)),
        method=found.method.replace("prevalence", "incidence rate"),
        n=int(complete.sum()),
    )
