"""Several conditions in one person: how many each person has. Which of them meet stands in co_occurrence.py."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.stats import t

from ..design import as_list, binary_outcome, require_columns
from ..estimates import Estimates, missing_note, tidy
from ..groups import count_by, printable_groups
from .intervals import wilson


def multimorbidity(
    data: pd.DataFrame,
    conditions: Sequence[str],
    by: str | Sequence[str] | None = None,
    *,
    conf_level: float = 0.95,
) -> Estimates:
    """How many of the conditions each person has, and how many people have two or more.

    Parameters
    ----------
    data : DataFrame
        One row a person.
    conditions : list of str
        Two or more columns that are 0/1, bool, or a category of two levels of which the second is counted.
    by : str or list of str, optional
        Column or columns whose combinations are the groups. Empty groups are left out.
    conf_level : float

    Returns
    -------
    Estimates
        For each group: a row of `term` "conditions" for each number of conditions (`level` "0", "1", ... up to
        the most that anybody has; `measure` "proportion"), a row of their "mean" (`events`: conditions in all), and a row of `term`
        "two or more", `measure` "prevalence". Proportions have Wilson intervals, the mean that of the t
        distribution. People with any condition missing are left out and counted; a note says how many of them
        have two or more among those that are known.

    Raises
    ------
    ValueError
        If fewer than two conditions are given, one twice, a column is absent, or one is not binary.

    Examples
    --------
    >>> people = pd.DataFrame({"acne": [1, 1, 0, 0], "eczema": [1, 0, 0, 0], "tinea": [1, 0, 0, 1]})
    >>> found = multimorbidity(people, ["acne", "eczema", "tinea"])
    >>> found.table[["term", "level", "measure", "estimate", "n", "events"]]
              term level     measure  estimate  n  events
    0   conditions     0  proportion      0.25  4     1
    1   conditions     1  proportion      0.50  4     2
    2   conditions     2  proportion      0.00  4     0
    3   conditions     3  proportion      0.25  4     1
    4   conditions  None        mean      1.25  4     5
    5  two or more  None  prevalence      0.25  4     1
    """
    require_conf_level(conf_level)
    groups = as_list(by)
    has = binary_conditions(data, conditions)
    require_columns(data, groups, "data")
    n_missing = {name: int(data[name].isna().sum()) for name in [*conditions, *groups]}
    in_group = data[groups].notna().all(axis=1)
    complete = has.notna().all(axis=1) & in_group
    number = has[complete].sum(axis=1)
    group = printable_groups(data.loc[complete, groups])

    parts = [
        _share(number == k, group, conf_level).assign(term="conditions", level=str(k), measure="proportion")
        for k in range(int(number.max()) + 1 if len(number) else 1)
    ]
    parts.append(_mean(number, group, conf_level).assign(term="conditions", level=None, measure="mean"))
    parts.append(
        _share(number >= 2, group, conf_level).assign(term="two or more", level=None, measure="prevalence")
    )
    table = pd.concat(parts, ignore_index=True)
    if groups:
        table = table.sort_values(groups, kind="stable")
    notes = [*missing_note(len(number), len(data), n_missing)]
    known = int((has[in_group & ~complete].sum(axis=1) >= 2).sum())
    if known:
        notes.append(
            f"{known:,} of those left out have two or more of the conditions that are known of them."
        )
    if not len(number):
        notes.append("Nobody has all conditions and groups known: there is nothing to estimate.")
    return Estimates(
        tidy(table, groups),
        method=f"Number of conditions, of {len(conditions)}, that a person has, and prevalence of two or more, with "
        f"Wilson {100 * conf_level:.4g}% confidence intervals.",
        n=len(number),
        events=int((number >= 2).sum()),
        n_missing=n_missing,
        notes=tuple(notes),
        conf_level=conf_level,
    )


def binary_conditions(data: pd.DataFrame, conditions: Sequence[str]) -> pd.DataFrame:
    """Each condition as 0/1, NaN where missing."""
    names = as_list(conditions)
    require_columns(data, names, "data")
    if len(names) < 2 or len(set(names)) < len(names):
        raise ValueError(
            f"conditions: two or more different columns are needed, not {', '.join(names) or 'none'}"
        )
    return pd.DataFrame({name: binary_outcome(data[name], name) for name in names}, index=data.index)


def _share(event: pd.Series, group: pd.DataFrame, conf_level: float) -> pd.DataFrame:
    counts = count_by(event, group)
    x, n = counts["events"].to_numpy(float), counts["n"].to_numpy(float)
    with np.errstate(invalid="ignore", divide="ignore"):
        low, high = wilson(x, n, conf_level)
        return counts.assign(
            estimate=x / n, conf_low=low, conf_high=high, std_error=np.sqrt(x / n * (1 - x / n) / n)
        )


def _mean(number: pd.Series, group: pd.DataFrame, conf_level: float) -> pd.DataFrame:
    """Mean, mean -+ t sd / sqrt(n); no interval for one person."""
    counts = count_by(number, group)
    names = list(group.columns)
    grouped = (
        group.assign(_number=number).groupby(names, observed=True, sort=True)["_number"] if names else None
    )
    mean = np.array([number.mean()]) if grouped is None else grouped.mean().to_numpy()
    spread = np.array([number.std()]) if grouped is None else grouped.std().to_numpy()
    n = counts["n"].to_numpy(float)
    with np.errstate(invalid="ignore", divide="ignore"):
        std_error = spread / np.sqrt(n)
        half = t.ppf(0.5 + conf_level / 2, n - 1) * std_error
    return counts.assign(estimate=mean, conf_low=mean - half, conf_high=mean + half, std_error=std_error)


def require_conf_level(conf_level: float) -> None:
    if not 0 < conf_level < 1:
        raise ValueError(f"conf_level={conf_level} must lie between 0 and 1, e.g. 0.95")
