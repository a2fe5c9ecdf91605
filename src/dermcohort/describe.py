"""Who was studied: the first table of a paper, and how its rows came to be.

Standardized mean differences as in R's tableone: Yang & Dalton (2012) SAS Global Forum 335; absolute values,
and the mean over pairs of groups where there are more than two.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from .design import as_list, require_columns
from .estimates import Estimates, tidy
from .flow import Flow, FlowStep
from .groups import printable_groups
from .tables import format_number, level_label

OVERALL = "Overall"


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class TableOne(Estimates):
    """Characteristics by group. `.table` has a row for each group, variable, level and `measure`.

    The groups are in a column named as `by` (absent without groups), "Overall" among them.
    `measure` is mean, sd, median, q1, q3, proportion (with the count in `events`) or SMD; `n` is the rows with
    the variable known. `group_sizes` counts all rows of each group.
    """

    by: str | None = None
    group_sizes: Mapping[str, int] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    weighted: bool = False

    def to_display(self, labels: Mapping[str, str] | None = None) -> pd.DataFrame:
        """The table as it is printed: mean (SD), median (Q1, Q3) or n (%), one column a group."""
        names = {**self.labels, **(labels or {})}
        groups = list(self.group_sizes)
        heads = {
            g: f"{level_label(self.by or '', g, names)} (n = {size:,})"
            for g, size in self.group_sizes.items()
        }
        has_smd = bool((self.table["measure"] == "SMD").any())
        rows: list[dict[str, str]] = []
        for term in dict.fromkeys(self.table["term"]):
            block = self.table[self.table["term"] == term]
            label, smd = names.get(term, term), _smd_text(block)
            cells = {g: block if self.by is None else block[block[self.by] == g] for g in groups}
            levels = [v for v in dict.fromkeys(block["level"]) if v is not None and not pd.isna(v)]
            if not levels:
                spread = "median (Q1, Q3)" if (block["measure"] == "median").any() else "mean (SD)"
                middles = block.loc[block["measure"].isin(["mean", "median"]), "estimate"].abs()
                digits = 2 if middles.between(0, 1, inclusive="neither").any() else 1
                shown = {heads[g]: _number_cell(cells[g], digits) for g in groups}
                rows.append({"Characteristic": f"{label}, {spread}", **shown, "SMD": smd})
            elif len(levels) == 2 and levels[0].lower() in ("no", "false", "0"):
                shown = {heads[g]: _count_cell(cells[g], levels[1]) for g in groups}
                rows.append({"Characteristic": f"{label}, n (%)", **shown, "SMD": smd})
            else:
                rows.append({"Characteristic": f"{label}, n (%)", "SMD": smd})
                for level in levels:
                    shown = {heads[g]: _count_cell(cells[g], level) for g in groups}
                    rows.append({"Characteristic": f"\u2003{level_label(term, level, names)}", **shown})
            if self.n_missing.get(term, 0):
                absent = {
                    heads[g]: f"{self.group_sizes[g] - int(cells[g]['n'].iloc[0]):,}"
                    for g in groups
                    if len(cells[g])
                }
                rows.append({"Characteristic": "\u2003Missing", **absent})
        columns = ["Characteristic", *heads.values(), *(["SMD"] if has_smd else [])]
        return pd.DataFrame(rows, columns=columns).fillna("")

    def _table_notes(self) -> list[str]:
        # the heads of the columns have the counts
        return [self.method, *self.notes]

    def plot(self, ax: Axes | None = None, *, labels: Mapping[str, str] | None = None) -> Axes:
        """Standardized differences of the variables, with the line at 0.1. Needs groups."""
        from .figures import difference_dots

        rows = self.table[self.table["measure"] == "SMD"]
        if rows.empty:
            raise ValueError("plot: there are no groups to compare; make the table with by=")
        names = {**self.labels, **(labels or {})}
        return difference_dots(rows.assign(term=[names.get(t, t) for t in rows["term"]]), ax)


def table_one(
    data: pd.DataFrame,
    variables: Sequence[str],
    by: str | None = None,
    weights: str | None = None,
    *,
    labels: Mapping[str, str] | None = None,
    median: Sequence[str] = (),
) -> TableOne:
    """Describe variables over all rows and by group.

    Parameters
    ----------
    data : DataFrame
        One row a person. Missing values are left out variable by variable and counted.
    variables : list of str
        Numbers are described by mean and SD, categories, text, bool and 0/1 numbers by count and proportion.
    by : str, optional
        Column of groups. Rows without a group are left out and counted.
    weights : str, optional
        Column of weights: means, SD, quantiles and proportions are weighted, counts (`n`, `events`) are not.
    labels : mapping, optional
        Printed name of a variable, level or group.
    median : list of str
        Variables described by median and quartiles (R's type 7; weighted: the inverse of the weighted
        distribution function) instead of mean and SD.

    Returns
    -------
    TableOne

    Examples
    --------
    >>> data = pd.DataFrame({"age": [30.0, 40, 50, 60], "sex": ["f", "m", "f", "m"]})
    >>> table_one(data, ["age"], by="sex").table[["sex", "measure", "estimate"]].round(3).head(3)
      sex measure  estimate
    0   f    mean    40.000
    1   f      sd    14.142
    2   m    mean    50.000
    """
    names, medians = as_list(variables), as_list(median)
    require_columns(data, [*names, *medians, *as_list(by), *as_list(weights)], "data")
    stray = [name for name in medians if name not in names]
    if stray:
        raise ValueError(f"median: '{stray[0]}' is not among the variables")
    used = data
    notes: list[str] = []
    n_missing: dict[str, int] = {}
    for column in (by, weights):
        if column is not None:
            n_missing[column] = int(used[column].isna().sum())
            used = used[used[column].notna()]
            if n_missing[column]:
                notes.append(f"{n_missing[column]:,} of {len(data):,} rows left out: '{column}' is missing.")
    w = np.ones(len(used)) if weights is None else used[weights].to_numpy(float)
    if (w < 0).any() or (len(w) and not w.any()):
        raise ValueError(f"weights: '{weights}' must not be negative or all zero")
    groups = _group_rows(used, by)
    rows: list[dict[Any, Any]] = []
    for name in names:
        n_missing[name] = int(used[name].isna().sum())
        if n_missing[name]:
            notes.append(f"'{name}' is missing in {n_missing[name]:,} of {len(used):,} rows.")
        values = _as_described(used[name], name, as_median=name in medians)
        for group, inside in groups.items():
            described = _describe(values[inside], w[inside], as_median=name in medians)
            rows += [{by: group, "term": name, **row} for row in described]
        compared = [(values[inside], w[inside]) for group, inside in groups.items() if group != OVERALL]
        if len(compared) > 1:
            smd = float(np.mean([_smd(*pair) for pair in itertools.combinations(compared, 2)]))
            rows.append({by: None, "term": name, "measure": "SMD", "estimate": smd})
    if weights is not None:
        notes.append(
            f"Weights: sampling or inverse-probability weights from '{weights}'; counts are unweighted."
        )
    columns = [*as_list(by), "term", "level", "measure", "estimate", "n", "events"]
    table = pd.DataFrame(rows, columns=columns).astype({"n": float, "events": float})
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


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class FlowChart(Estimates):
    """How the rows came to be. `.table` has `step`, `label`, `kind` (kept or excluded) and `n`."""

    def to_display(self, labels: Mapping[str, str] | None = None) -> pd.DataFrame:
        """Steps with those excluded indented."""
        names = labels or {}
        indented = self.table["kind"].map({"kept": "", "excluded": "\u2003Excluded: "})
        steps = indented + self.table["label"].map(lambda label: names.get(label, label))
        return pd.DataFrame({"Step": steps, "n": [f"{n:,}" for n in self.table["n"]]})

    def _table_notes(self) -> list[str]:
        # the rows of the table are the counts
        return [self.method, *self.notes]

    def plot(self, ax: Axes | None = None, *, labels: Mapping[str, str] | None = None) -> Axes:
        """The STROBE diagram: boxes downwards, those excluded to the right. Returns the Axes."""
        from .figures import flow_boxes

        names = labels or {}
        return flow_boxes(self.table.assign(label=[names.get(v, v) for v in self.table["label"]]), ax)


def flow(steps: Flow | Iterable[Any]) -> FlowChart:
    """The STROBE flow of participants.

    Parameters
    ----------
    steps : Flow or iterable of (label, n) or (label, n, [(reason, n), ...])
        In order. The reasons say why others left since the step before.

    Raises
    ------
    ValueError
        If those kept and those excluded do not add up to the step before.

    Examples
    --------
    >>> flow([("Enrolled", 120), ("Analysed", 112, [("BMI missing", 8)])]).n
    112
    """
    listed = [
        step
        if isinstance(step, FlowStep)
        else FlowStep(step[0], step[1], tuple(map(tuple, (step[2:] or [()])[0])))
        for step in steps
    ]
    if not listed:
        raise ValueError("flow: steps is empty; give at least one (label, n)")
    for before, step in itertools.pairwise(listed):
        lost = sum(n for _, n in step.excluded)
        if step.excluded and before.n - lost != step.n:
            raise ValueError(
                f"flow: '{step.label}': {before.n:,} less {lost:,} excluded is {before.n - lost:,}, not {step.n:,}"
            )
    return FlowChart(table=Flow(tuple(listed)).table, method="Flow of participants (STROBE).", n=listed[-1].n)


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Listing(Estimates):
    """A plain table of counts and texts, such as the rows of each file; nothing is estimated."""

    def to_display(self, labels: Mapping[str, str] | None = None) -> pd.DataFrame:
        """The table as text: thousands separated, column names and levels as labelled."""
        names = labels or {}
        shown = {
            names.get(column, column): [_cell(column, value, names) for value in self.table[column]]
            for column in self.table
        }
        return pd.DataFrame(shown)

    def _table_notes(self) -> list[str]:
        # the rows of the table are the counts
        return [self.method, *self.notes]


def listing(table: pd.DataFrame, method: str, *, notes: Sequence[str] = ()) -> Listing:
    """A table for the report that is not a table of estimates.

    Parameters
    ----------
    table : DataFrame
        Columns in reading order; numbers, texts or categories.
    method : str
        One sentence that says what the rows are.
    notes : list of str
        What a reader must know.

    Examples
    --------
    >>> listing(pd.DataFrame({"file": ["a.sav"], "rows": [1200]}), "Rows of the files.").to_display()
        file   rows
    0  a.sav  1,200
    """
    return Listing(table=table.reset_index(drop=True), method=method, n=len(table), notes=tuple(notes))


def _cell(column: str, value: Any, labels: Mapping[str, str]) -> str:
    if value is None or pd.isna(value):
        return ""
    if isinstance(value, bool | str):
        return level_label(column, value, labels)
    if isinstance(value, int | np.integer) or float(value).is_integer():
        return format_number(value, 0)
    return format_number(value, 1)


def _group_rows(data: pd.DataFrame, by: str | None) -> dict[str, np.ndarray]:
    """The rows of each group under its printed name, then all rows."""
    found = {}
    if by is not None:
        values = printable_groups(data[[by]])[by]
        levels = (
            values.cat.categories
            if isinstance(values.dtype, pd.CategoricalDtype)
            else sorted(values.unique())
        )
        found = {_level_name(level): (values == level).to_numpy() for level in levels}
    return {**found, OVERALL: np.ones(len(data), bool)}


def _as_described(values: pd.Series, name: str, *, as_median: bool) -> pd.Series:
    """Numbers as float64, all else as a category without empty levels."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        return values.cat.remove_unused_categories()
    if pd.api.types.is_bool_dtype(values.dtype):
        return (
            values.astype(object).map({True: "yes", False: "no"}).astype(pd.CategoricalDtype(["no", "yes"]))
        )
    if pd.api.types.is_numeric_dtype(values.dtype):
        numbers = values.astype("Float64").astype(float)
        if not as_median and set(numbers.dropna().unique()) == {0.0, 1.0}:
            return numbers.map({0.0: "no", 1.0: "yes"}).astype(pd.CategoricalDtype(["no", "yes"]))
        return numbers
    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        raise ValueError(f"table_one: '{name}' holds dates; describe an age or a duration instead")
    return values.astype("category")


def _describe(values: pd.Series, w: np.ndarray, *, as_median: bool) -> list[dict[str, Any]]:
    known = values.notna().to_numpy()
    x, w, n = values[known], w[known], int(known.sum())
    if isinstance(values.dtype, pd.CategoricalDtype):
        total = w.sum()
        return [
            {
                "level": _level_name(level),
                "measure": "proportion",
                "estimate": w[inside].sum() / total if total > 0 else np.nan,
                "n": n,
                "events": int(inside.sum()),
            }
            for level in values.cat.categories
            for inside in [(x == level).to_numpy()]
        ]
    numbers = x.to_numpy(float)
    if as_median:
        quartiles = _quantiles(numbers, w, np.array([0.5, 0.25, 0.75]))
        found = dict(zip(("median", "q1", "q3"), quartiles, strict=True))
    else:
        mean, variance = _moments(numbers, w)
        found = {"mean": mean, "sd": np.sqrt(variance)}
    return [
        {"level": None, "measure": measure, "estimate": value, "n": n} for measure, value in found.items()
    ]


def _moments(x: np.ndarray, w: np.ndarray) -> tuple[float, float]:
    """Mean, and variance with n / (n - 1), as R's svyvar; NaN where there are too few."""
    n = len(x)
    if n == 0 or w.sum() == 0:
        return float("nan"), float("nan")
    mean = float(np.average(x, weights=w))
    if n < 2:
        return mean, float("nan")
    return mean, float(np.average((x - mean) ** 2, weights=w) * n / (n - 1))


def _quantiles(x: np.ndarray, w: np.ndarray, p: np.ndarray) -> np.ndarray:
    if len(x) == 0:
        return np.full(len(p), np.nan)
    if np.all(w == w[0]):
        return np.quantile(x, p)
    order = np.argsort(x)
    share = np.cumsum(w[order]) / w.sum()
    return x[order][np.minimum(np.searchsorted(share, p - 1e-12), len(x) - 1)]


def _smd(first: tuple[pd.Series, np.ndarray], second: tuple[pd.Series, np.ndarray]) -> float:
    """|difference of means| / root of the mean variance; for levels the Mahalanobis distance of proportions."""
    means, spreads = zip(*(_location_and_spread(x, w) for x, w in (first, second)), strict=True)
    difference = means[0] - means[1]
    spread = (spreads[0] + spreads[1]) / 2
    if not np.isfinite(difference).all() or not np.isfinite(spread).all():
        return float("nan")
    if not spread.any():
        return 0.0 if not difference.any() else float("inf")
    return float(np.sqrt(difference @ np.linalg.pinv(spread, hermitian=True) @ difference))


def _location_and_spread(values: pd.Series, w: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    known = values.notna().to_numpy()
    x, w = values[known], w[known]
    if not isinstance(values.dtype, pd.CategoricalDtype):
        mean, variance = _moments(x.to_numpy(float), w)
        return np.array([mean]), np.array([[variance]])
    levels = values.cat.categories[1:]
    if w.sum() == 0:
        return np.full(len(levels), np.nan), np.full((len(levels), len(levels)), np.nan)
    share = np.array([w[(x == level).to_numpy()].sum() for level in levels]) / w.sum()
    return share, np.diag(share) - np.outer(share, share)


def _level_name(level: Any) -> str:
    return f"{level:g}" if isinstance(level, float) else str(level)


def _smd_text(block: pd.DataFrame) -> str:
    smd = block.loc[block["measure"] == "SMD", "estimate"]
    return format_number(smd.iloc[0], 3) if len(smd) else ""


def _number_cell(rows: pd.DataFrame, digits: int) -> str:
    found = dict(zip(rows["measure"], rows["estimate"], strict=True))
    middle, *spread = [found[m] for m in ("median", "q1", "q3", "mean", "sd") if m in found]
    around = ", ".join(format_number(value, digits) for value in spread)
    return f"{format_number(middle, digits)} ({around})"


def _count_cell(rows: pd.DataFrame, level: str) -> str:
    row = rows[rows["level"] == level].iloc[0]
    if row["n"] == 0:
        return "–"
    return f"{format_number(row['events'], 0)} ({format_number(100 * row['estimate'], 1)})"
