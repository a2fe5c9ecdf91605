"""The first table of a paper: characteristics of those studied, over all and by group.

How a variable is summarized is in `summaries`, how groups are compared in `differences`, how it is printed in
`printed`.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from ..design import as_list, require_columns
from ..estimates import Estimates, tidy
from ..groups import printable_groups
from ..survival.frame import check_weights
from ..tables import format_number
from .differences import difference_of_levels, difference_of_numbers
from .printed import printed_rows
from .summaries import effective_size, mean_and_variance, quantiles, shares

OVERALL = "Overall"
NO_REASON = "no reason given"
WHY = "__why"  # the column of reasons that `Study.frame(..., reasons=True)` puts beside a variable
YES_NO = pd.CategoricalDtype(["no", "yes"])
DATES = ("datetime64", "datetime", "date", "timedelta64", "timedelta", "period")


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class TableOne(Estimates):
    """Characteristics by group. `.table` has a row for each group, variable, level and `measure`.

    The groups are in a column named as `by` (absent without groups), "Overall" among them. `measure` is

    - mean, sd, median, q1, q3: `n` is the rows with the variable known;
    - proportion: of a level, with the count in `events`;
    - missing: the share of the group's `n` rows without a value, the count in `events`; with reasons also one
      row a reason (`level`) that occurs;
    - SMD: the absolute standardized mean difference, over pairs of groups the mean; with weights beside it
      "unweighted SMD";
    - sum of weights and effective n (Kish), for weighted tables, with the weights as `term`.

    `group_sizes` counts all rows of each group.
    """

    by: str | None = None
    group_sizes: Mapping[str, int] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    weighted: bool = False

    def to_display(self, labels: Mapping[str, str] | None = None) -> pd.DataFrame:
        """The table as it is printed: mean (SD), median (Q1, Q3) or n (%), one column a group."""
        marks = dict.fromkeys(range(len(self.table)), "")
        marks.update({row: mark for (row, column), mark in self.marks.items() if column == "estimate"})
        marks.update({row: mark for (row, column), mark in self.marks.items() if column == "events"})
        sizes = {group: format_number(size, 0) for group, size in self.group_sizes.items()}
        sizes.update({c.removeprefix("size of "): mark for (row, c), mark in self.marks.items() if row == -1})
        names = self._labels(labels)
        return printed_rows(self.table.assign(mark=pd.Series(marks)), self.by, sizes, names)

    def _table_notes(self) -> list[str]:
        # the heads of the columns have the counts
        return [self.method, *self.notes]

    def plot(self, ax: Axes | None = None, *, labels: Mapping[str, str] | None = None) -> Axes:
        """Standardized differences of the variables, with the line at 0.1. Needs groups.

        With weights those without them are shown as open circles (a Love plot).
        """
        from ..figures import difference_dots

        rows = self.table[self.table["measure"].isin(["SMD", "unweighted SMD"])]
        if rows.empty:
            raise ValueError("plot: there are no groups to compare; make the table with by=")
        names = {**self.labels, **(labels or {})}
        return difference_dots(rows.assign(term=[names.get(t, t) for t in rows["term"]]), ax, labels)


def table_one(
    data: pd.DataFrame,
    variables: Sequence[str],
    by: str | None = None,
    weights: str | None = None,
    *,
    labels: Mapping[str, str] | None = None,
    median: Sequence[str] = (),
    reasons: bool = False,
) -> TableOne:
    """Describe variables over all rows and by group.

    Parameters
    ----------
    data : DataFrame
        One row a person. Missing values are left out variable by variable and counted.
    variables : list of str
        Numbers are described by mean and SD, categories, text, bool and 0/1 numbers by count and proportion.
        Levels that do not occur are left out, but for those of a dichotomy.
    by : str, optional
        Column of groups. Rows without a group are left out and counted.
    weights : str, optional
        Column of sampling or inverse-probability weights; rows without one, or of weight 0, are left out and
        counted. Means, SD, quantiles and proportions are weighted, counts (`n`, `events`) are rows. The SD is
        that of R's survey::svyvar: mean squared deviation times n / (n - 1), with n the rows.
    labels : mapping, optional
        Printed name of a variable, level, group or reason.
    median : list of str
        Variables described by median and quartiles instead of mean and SD: R's type 7; weighted the inverse of
        the weighted distribution function (survey::svyquantile, ``qrule = "math"``).
    reasons : bool
        Split the missing values of each variable by the column ``<variable>__why`` where there is one, as
        ``study.frame(..., reasons=True)`` makes it.

    Returns
    -------
    TableOne

    Raises
    ------
    ValueError
        For an unknown column, dates, infinite numbers, negative weights, a median of what is no number.

    Notes
    -----
    Standardized differences: Yang & Dalton (2012), SAS Global Forum 335, as R's tableone. With weights the
    difference is weighted and the denominator is not, as in R's cobalt, so that both can be compared.

    Examples
    --------
    >>> data = pd.DataFrame({"age": [30.0, 40, 50, 60], "sex": ["f", "m", "f", "m"]})
    >>> table_one(data, ["age"], by="sex").table[["sex", "measure", "estimate"]].round(3).head(2)
      sex measure  estimate
    0   f    mean    40.000
    1   f      sd    14.142
    """
    names, medians = list(dict.fromkeys(as_list(variables))), as_list(median)
    keys = [column for column in (by, weights) if column is not None]
    require_columns(data, [*names, *keys], "data")
    _check_names(data, names, medians, keys, reasons)
    used, w, n_missing, notes = _rows_used(data, by, weights)
    groups = _group_rows(used, by)
    rows: list[dict[Any, Any]] = []
    if weights is not None and w is not None:
        for group, inside in groups.items():
            rows += [{by: group, "term": weights, **row} for row in _weight_rows(w[inside])]
        notes.append(
            f"Weights: '{weights}'. Counts are rows; means, SD, quartiles and per cent are weighted, the SD with "
            f"n / (n - 1) of the rows."
        )
        if by is not None:
            notes.append("The weighted SMD is the weighted difference over the unweighted pooled SD.")
    for name in names:
        n_missing[name] = int(used[name].isna().sum())
        values = _as_described(used[name], name, as_median=name in medians)
        why = used.get(f"{name}{WHY}") if reasons else None
        for group, inside in groups.items():
            part, part_w = values[inside], None if w is None else w[inside]
            described = _describe(part, part_w, as_median=name in medians)
            absent = _missing_rows(part, part_w, None if why is None else why[inside])
            rows += [{by: group, "term": name, **row} for row in [*described, *absent]]
        compared = [inside for group, inside in groups.items() if group != OVERALL]
        if len(compared) > 1:
            measures = {"SMD": w} if w is None else {"unweighted SMD": None, "SMD": w}
            rows += [
                {by: None, "term": name, "measure": measure, "estimate": _smd(values, compared, by_weights)}
                for measure, by_weights in measures.items()
            ]
    columns = [*as_list(by), "term", "level", "measure", "estimate", "n", "events"]
    table = pd.DataFrame(rows, columns=columns).astype({"estimate": float, "n": float, "events": float})
    return TableOne(
        table=tidy(table, as_list(by)),
        method="Mean (SD), median (Q1, Q3) or number (per cent)"
        + (" with absolute standardized mean differences (SMD)." if by is not None else "."),
        n=len(used),
        n_missing=n_missing,
        notes=tuple(notes),
        by=by,
        group_sizes={group: int(inside.sum()) for group, inside in groups.items()},
        labels=dict(labels or {}),
        weighted=weights is not None,
    )


def _check_names(
    data: pd.DataFrame, names: list[str], medians: list[str], keys: list[str], reasons: bool
) -> None:
    if not names:
        raise ValueError("variables: it is empty; name at least one column")
    for name in medians:
        if name not in names:
            raise ValueError(f"median: '{name}' is not among the variables")
        if not pd.api.types.is_numeric_dtype(data[name]) or pd.api.types.is_bool_dtype(data[name]):
            raise ValueError(f"median: '{name}' must be a number, it is {data[name].dtype}")
    both = [name for name in keys if name in names]
    if both:
        raise ValueError(
            f"variables: '{both[0]}' makes the groups or weights; it cannot be described as well"
        )
    if reasons and not any(f"{name}{WHY}" in data for name in names):
        raise ValueError(
            f"reasons: data has no column '{names[0]}{WHY}'; make the data with study.frame(..., reasons=True)"
        )


def _rows_used(
    data: pd.DataFrame, by: str | None, weights: str | None
) -> tuple[pd.DataFrame, np.ndarray | None, dict[str, int], list[str]]:
    """Rows with a group and a positive weight, their weights, and what was left out."""
    used, w = data, None
    n_missing: dict[str, int] = {}
    notes: list[str] = []
    for column in (by, weights):
        if column is not None:
            n_missing[column] = int(used[column].isna().sum())
            used = used[used[column].notna()]
            if n_missing[column]:
                notes.append(f"{n_missing[column]:,} of {len(data):,} rows left out: '{column}' is missing.")
    if used.empty:
        notes.append("No rows are left: there is nothing to describe.")
    if weights is not None:
        w = np.zeros(0) if used.empty else check_weights(used, weights)
        assert w is not None
        without = int((w == 0).sum())
        if without:
            notes.append(f"{without:,} of {len(data):,} rows left out: '{weights}' is 0.")
            used, w = used[w > 0], w[w > 0]
    return used, w, n_missing, notes


def _group_rows(data: pd.DataFrame, by: str | None) -> dict[str, np.ndarray]:
    """The rows of each group under its printed name, then all rows."""
    found: dict[str, np.ndarray] = {}
    if by is not None:
        values = printable_groups(data[[by]])[by].astype("category")
        for level in values.cat.categories:
            name = _level_name(level)
            if name == OVERALL or name in found:
                raise ValueError(
                    f"by: more than one column would be called '{name}'; rename the levels of '{by}'"
                )
            found[name] = (values == level).to_numpy()
    return {**found, OVERALL: np.ones(len(data), bool)}


def _as_described(values: pd.Series, name: str, *, as_median: bool) -> pd.Series:
    """Numbers as float64, all else as a category."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        return values if len(values.cat.categories) == 2 else values.cat.remove_unused_categories()
    kind = pd.api.types.infer_dtype(values, skipna=True)
    if kind in DATES:
        raise ValueError(
            f"table_one: '{name}' holds dates; describe an age or a number of days or years instead"
        )
    if kind == "boolean":
        return values.astype(object).map({True: "yes", False: "no"}).astype(YES_NO)
    if not pd.api.types.is_numeric_dtype(values.dtype):
        return values.astype("category")
    numbers = values.astype("Float64").astype(float)
    known = set(numbers.dropna().unique())
    if known & {np.inf, -np.inf}:
        raise ValueError(f"table_one: '{name}' is infinite in {int(np.isinf(numbers).sum())} rows")
    if not as_median and known and known <= {0.0, 1.0}:
        return numbers.map({0.0: "no", 1.0: "yes"}).astype(YES_NO)
    return numbers


def _describe(values: pd.Series, w: np.ndarray | None, *, as_median: bool) -> list[dict[str, Any]]:
    x, w = _known(values, w)
    n = len(x)
    if isinstance(values.dtype, pd.CategoricalDtype):
        levels = values.cat.categories
        counts = np.bincount(x, minlength=len(levels))
        return [
            {"level": _level_name(level), "measure": "proportion", "estimate": share, "n": n, "events": count}
            for level, share, count in zip(levels, shares(x, len(levels), w), counts, strict=True)
        ]
    if as_median:
        quartiles = quantiles(x, w, np.array([0.5, 0.25, 0.75]))
        found = dict(zip(("median", "q1", "q3"), quartiles, strict=True))
    else:
        mean, variance = mean_and_variance(x, w)
        found = {"mean": mean, "sd": np.sqrt(variance)}
    return [{"measure": measure, "estimate": value, "n": n} for measure, value in found.items()]


def _missing_rows(values: pd.Series, w: np.ndarray | None, why: pd.Series | None) -> list[dict[str, Any]]:
    """How many rows have no value; where `why` is given also how many for each reason that occurs."""
    absent = values.isna().to_numpy()
    masks = {None: absent}
    if why is not None:
        told = why.astype(object).where(why.notna() & (why != "observed"), NO_REASON)
        levels = why.cat.categories if isinstance(why.dtype, pd.CategoricalDtype) else sorted(set(told))
        order = [*(level for level in levels if level not in ("observed", NO_REASON)), NO_REASON]
        masks |= {level: absent & (told == level).to_numpy() for level in order}
    n = len(values)
    return [
        {
            "level": reason,
            "measure": "missing",
            "estimate": np.average(mask, weights=w) if n else np.nan,
            "n": n,
            "events": int(mask.sum()),
        }
        for reason, mask in masks.items()
        if reason is None or mask.any()
    ]


def _weight_rows(w: np.ndarray) -> list[dict[str, Any]]:
    return [
        {"measure": "sum of weights", "estimate": w.sum(), "n": len(w)},
        {"measure": "effective n", "estimate": effective_size(w), "n": len(w)},
    ]


def _smd(values: pd.Series, groups: Sequence[np.ndarray], w: np.ndarray | None) -> float:
    """Standardized difference of two groups, the mean over pairs of more; NaN where a pair has none."""
    samples = [_known(values[inside], None if w is None else w[inside]) for inside in groups]
    pairs = list(itertools.combinations(samples, 2))
    if isinstance(values.dtype, pd.CategoricalDtype):
        n_levels = len(values.cat.categories)
        return float(np.mean([difference_of_levels(*pair, n_levels) for pair in pairs]))
    return float(np.mean([difference_of_numbers(*pair) for pair in pairs]))


def _known(values: pd.Series, w: np.ndarray | None) -> tuple[np.ndarray, np.ndarray | None]:
    """Values, or codes of levels, that are not missing, and their weights."""
    known = values.notna().to_numpy()
    is_category = isinstance(values.dtype, pd.CategoricalDtype)
    x = values.cat.codes.to_numpy() if is_category else values.to_numpy(float)
    return x[known], None if w is None else w[known]


def _level_name(level: Any) -> str:
    return f"{level:g}" if isinstance(level, float) else str(level)
