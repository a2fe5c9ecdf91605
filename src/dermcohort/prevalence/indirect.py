"""Indirectly standardized prevalence: cases over those expected at the reference's prevalence by age."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from ..estimates import Estimates
from ..indirect import observed_over_expected


def indirect(
    data: pd.DataFrame,
    outcome: str,
    *,
    age: str,
    rates: pd.DataFrame,
    sex: str | None = None,
    by: str | Sequence[str] | None = None,
    population: str | None = None,
    ci: str = "exact",
    conf_level: float = 0.95,
) -> Estimates:
    """Standardized prevalence ratio (SPR): observed cases over those expected.

    Parameters
    ----------
    data : DataFrame
        One row a person; with `population`, one row a cell of a table.
    outcome : str
        Column that is 0/1, bool, or a category of two levels of which the second is counted; with
        `population`, the number of cases.
    age : str
        Column of ages in years, or of age bands that lie within those of `rates`.
    rates : DataFrame
        `age` (labels) or `age_low` and `age_high`; `rate`, the reference's prevalence (0 to 1); `sex` where
        `sex` is given; and `population`, the people of the reference, for the standardized prevalence.
    sex : str, optional
        Column with the sexes of `rates`.
    by : str or list of str, optional
        Column or columns whose combinations are the groups.
    population : str, optional
        Column of people, where the data are counts.
    ci : {"exact", "byar", "mid-p", "log-normal"}
        Interval, with the cases Poisson and the expected known; "log-normal" has none without cases.
    conf_level : float

    Returns
    -------
    Estimates
        A row `measure` "SPR" a group with `events` (observed), `expected`, `n`; where `rates` has
        `population`, a row "indirectly standardized prevalence" too, the SPR times the crude prevalence of
        the reference. Rows with a missing value are left out and counted.

    Raises
    ------
    ValueError
        For an unknown column or interval, a prevalence above 1, or ages that lie in no band of `rates`.

    Examples
    --------
    >>> data = pd.DataFrame({"age": [25, 31, 47, 52], "eczema": [1, 0, 0, 1]})
    >>> rates = pd.DataFrame({"age": ["20-39", "40-59"], "rate": [0.1, 0.4]})
    >>> indirect(data, "eczema", age="age", rates=rates).table[["measure", "estimate", "events", "expected"]]
      measure  estimate  events  expected
    0     SPR       2.0       2       1.0
    """
    if "rate" in rates and pd.api.types.is_numeric_dtype(rates["rate"].dtype) and rates["rate"].max() > 1:
        raise ValueError(
            f"rates: 'rate' is a prevalence from 0 to 1, its largest is {rates['rate'].max():g}: divide percentages by 100"
        )
    return observed_over_expected(
        data, outcome, population, age=age, rates=rates, expected=None, sex=sex, by=by, ci=ci,
        conf_level=conf_level, ratio="SPR", kind="prevalence",
    )  # fmt: skip
