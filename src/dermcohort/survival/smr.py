"""Standardized mortality or incidence ratio: events over those expected at reference rates."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from ..estimates import Estimates
from ..indirect import observed_over_expected


def smr(
    data: pd.DataFrame,
    event: str,
    person_years: str | None = None,
    *,
    age: str | None = None,
    rates: pd.DataFrame | None = None,
    expected: str | None = None,
    sex: str | None = None,
    by: str | Sequence[str] | None = None,
    ci: str = "exact",
    conf_level: float = 0.95,
) -> Estimates:
    """Standardized mortality (or incidence) ratio: observed events over those expected.

    Parameters
    ----------
    data : DataFrame
        One row a person, an episode in one age band, or a cell of a table.
    event : str
        Column of events: 0/1, bool, a category of two levels, or a number of events.
    person_years : str, optional
        Column of time at risk, in the unit of `rates`. Not needed with `expected`.
    age : str, optional
        Column of ages in years, or of age bands that lie within those of `rates`.
    rates : DataFrame, optional
        `age` (labels) or `age_low` and `age_high`; `rate` per person-year (not per 1,000); `sex` where `sex`
        is given; and `population` of the reference, for the standardized rate.
    expected : str, optional
        Column of events expected, instead of `rates`.
    sex : str, optional
        Column with the sexes of `rates`.
    by : str or list of str, optional
        Column or columns whose combinations are the groups.
    ci : {"exact", "byar", "mid-p", "log-normal"}
        Interval, with the events Poisson and the expected known; "log-normal" has none without events.
    conf_level : float

    Returns
    -------
    Estimates
        A row `measure` "SMR" a group with `events` (observed), `expected`, `person_years`; where `rates` has
        `population`, a row "indirectly standardized rate per 1,000 person-years" too, the SMR times the crude
        rate of the reference. Rows with a missing value are left out and counted.

    Raises
    ------
    ValueError
        For an unknown column or interval, for ages that lie in no band of `rates`, and unless exactly one of
        `rates` (with `person_years` and `age`) and `expected` is given.

    Examples
    --------
    >>> counts = pd.DataFrame({"melanoma": [17], "foreseen": [12.4]})
    >>> smr(counts, "melanoma", expected="foreseen").table[["estimate", "conf_low", "conf_high"]].round(3)
       estimate  conf_low  conf_high
    0     1.371     0.799      2.195
    """
    if (rates is None) == (expected is None):
        raise ValueError(
            "give either rates (a table by age) or expected (a column of data), not both or neither"
        )
    if rates is not None and (age is None or person_years is None):
        raise ValueError("rates needs age and person_years, the columns it is applied to")
    if expected is not None and (age is not None or sex is not None):
        raise ValueError("expected is used as it is: leave age and sex out")
    return observed_over_expected(
        data, event, person_years, age=age, rates=rates, expected=expected, sex=sex, by=by, ci=ci,
        conf_level=conf_level, ratio="SMR", kind="rate",
    )  # fmt: skip
