"""Means, totals, ratios, quantiles and tests of association from sample surveys.

Proportions are in `dermcohort.prevalence.survey`. Numbers as R's survey 4.1: `svymean`, `svytotal`, `svyratio`,
`svyquantile` (Woodruff intervals), `svychisq` (Rao-Scott), intervals by t with the design's degrees of freedom.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.stats import f, t

from .design import as_list, require_columns
from .estimates import Estimates, missing_note, tidy
from .groups import group_codes
from .variance import ReplicateDesign, Replicates, Sample, SurveyDesign, weighted_means, weighted_ratios

__all__ = ["independence", "mean", "quantile", "ratio", "total"]

Design = SurveyDesign | ReplicateDesign


def mean(
    data: pd.DataFrame,
    variable: str,
    design: Design,
    by: str | Sequence[str] | None = None,
    *,
    replacement: bool = True,
    conf_level: float = 0.95,
) -> Estimates:
    """Mean of a number in the population that a sample stands for.

    Parameters
    ----------
    data : DataFrame
        Every row that was sampled; rows with a missing value stay in the design without influence.
    variable : str
        Numeric column.
    design : SurveyDesign or ReplicateDesign
    by : str or list of str, optional
        Groups (domains).
    replacement : bool
        Whether the simple random sample that `design_effect` compares with is drawn with replacement (R:
        ``deff = "replace"``) or without, from a population as large as the sum of the weights (``deff = TRUE``).
    conf_level : float

    Returns
    -------
    Estimates
        `measure` "mean", with `std_error`, `df`, `n` (unweighted) and `design_effect`.

    Raises
    ------
    ValueError
        If the design does not fit the data or the variable is not numeric.

    Examples
    --------
    >>> data = pd.DataFrame({"cadmium": [1.0, 2.0, 4.0], "w": [1, 1, 2]})
    >>> mean(data, "cadmium", SurveyDesign(weights="w")).table[["estimate", "n"]]
       estimate  n
    0      2.75  3
    """
    domain = _Domain.of(data, [variable], design, by)
    y, group, n_groups, w = domain.values[0], domain.group, len(domain.table), domain.sample.weights
    found = weighted_means(y, group, n_groups, domain.sample)
    size = _sums(w, group, n_groups)
    with np.errstate(invalid="ignore", divide="ignore"):
        spread = _sums(w * (y - found.estimate[group]) ** 2, group, n_groups) / size * found.n / (found.n - 1)
        left = 1.0 if replacement else 1 - found.n / size
        design_effect = found.std_error**2 / (spread / found.n * left)
    estimates = domain.estimates("mean", found.estimate, found.std_error, "Survey-weighted means", conf_level)
    return replace(estimates, table=estimates.table.assign(design_effect=design_effect))


def total(
    data: pd.DataFrame,
    variable: str,
    design: Design,
    by: str | Sequence[str] | None = None,
    *,
    conf_level: float = 0.95,
) -> Estimates:
    """Total of a number (or the number of people with a 0/1 outcome) in the population. See `mean`.

    Examples
    --------
    >>> data = pd.DataFrame({"eczema": [0, 1, 1], "w": [100, 100, 200]})
    >>> total(data, "eczema", SurveyDesign(weights="w")).table["estimate"].tolist()
    [300.0]
    """
    domain = _Domain.of(data, [variable], design, by)
    estimate, covariance = domain.totals(domain.values[0])
    std_error = np.sqrt(np.diag(covariance))
    return domain.estimates("total", estimate, std_error, "Survey-weighted totals", conf_level)


def ratio(
    data: pd.DataFrame,
    numerator: str,
    denominator: str,
    design: Design,
    by: str | Sequence[str] | None = None,
    *,
    conf_level: float = 0.95,
) -> Estimates:
    """Ratio of two totals. See `mean`; rows need both numbers.

    Examples
    --------
    >>> data = pd.DataFrame({"ill_days": [0, 4, 2], "days": [10, 10, 20], "w": [1, 1, 2]})
    >>> ratio(data, "ill_days", "days", SurveyDesign(weights="w")).table["estimate"].round(4).tolist()
    [0.1333]
    """
    domain = _Domain.of(data, [numerator, denominator], design, by)
    top, bottom = domain.values
    found = weighted_ratios(top, bottom, domain.group, len(domain.table), domain.sample)
    return domain.estimates("ratio", found.estimate, found.std_error, "Survey-weighted ratios", conf_level)


def quantile(
    data: pd.DataFrame,
    variable: str,
    design: Design,
    p: float | Sequence[float] = (0.25, 0.5, 0.75),
    by: str | Sequence[str] | None = None,
    *,
    conf_level: float = 0.95,
) -> Estimates:
    """Quantiles of a number in the population: the smallest value whose weighted share is at least `p`.

    The interval is Woodruff's (1952, JASA 47:635): that of the share below the quantile, read off the weighted
    distribution; the standard error is its length over 2 t. See `mean`.

    Examples
    --------
    >>> data = pd.DataFrame({"age": [20, 30, 40, 50, 60], "w": [1, 1, 1, 1, 1]})
    >>> quantile(data, "age", SurveyDesign(weights="w"), 0.5).table["estimate"].tolist()
    [40.0]
    """
    shares = np.atleast_1d(np.asarray(p, float))
    if ((shares <= 0) | (shares >= 1)).any():
        raise ValueError("p: shares must lie between 0 and 1, e.g. 0.5 for the median")
    domain = _Domain.of(data, [variable], design, by)
    values, group, sample = domain.values[0], domain.group, domain.sample
    half = np.where(domain.df > 0, t.ppf(0.5 + conf_level / 2, np.maximum(domain.df, 1)), np.nan)
    sorted_groups = [
        _sorted(values[group == k], sample.weights[group == k]) for k in range(len(domain.table))
    ]
    blocks = []
    for share in shares:
        found = np.array([_weighted_quantile(x, cumulative, share) for x, cumulative in sorted_groups])
        below = weighted_means((values <= found[group]) * 1.0, group, len(found), sample)
        low, high = (
            np.array(
                [
                    _weighted_quantile(*sorted_group, end) if 0 <= end <= 1 else np.nan
                    for sorted_group, end in zip(sorted_groups, ends, strict=True)
                ]
            )
            for ends in (below.estimate - half * below.std_error, below.estimate + half * below.std_error)
        )
        block = {"group": range(len(found)), "estimate": found, "conf_low": low, "conf_high": high}
        blocks.append(pd.DataFrame(block).assign(level=f"{share:g}"))
    table = pd.concat(blocks).sort_values("group", kind="stable", ignore_index=True)
    df = domain.df[table["group"]]
    width = table["conf_high"] - table["conf_low"]
    table = table.assign(
        term=variable,
        measure="quantile",
        std_error=width / (2 * t.ppf(0.5 + conf_level / 2, df)),
        df=df,
        n=domain.n[table["group"]],
    )
    for name in domain.table:
        table[name] = domain.table[name].take(table["group"]).array
    return domain.result(
        tidy(table.drop(columns="group"), list(domain.table)),
        f"Survey-weighted quantiles ({design.describe()}) with Woodruff {100 * conf_level:.4g}% confidence intervals.",
        conf_level,
    )


def independence(data: pd.DataFrame, a: str, b: str, design: SurveyDesign) -> Estimates:
    """Test of association of two categories: Pearson's chi-squared with the Rao-Scott correction.

    Parameters
    ----------
    data : DataFrame
        Every row that was sampled. Rows with a missing category stay in the design.
    a, b : str
        Columns of categories.
    design : SurveyDesign

    Returns
    -------
    Estimates
        One row: `statistic` (F), `df` and `df_residual` (not whole numbers: the second-order correction of Rao & Scott
        1984, Ann Stat 12:46), `p_value`. Numbers as R's `svychisq(statistic = "F")`.

    Raises
    ------
    ValueError
        If a column has fewer than two levels, or the design does not fit the data.

    Examples
    --------
    >>> data = pd.DataFrame({"sex": list("fmfmfmff"), "eczema": [0, 1, 1, 1, 0, 0, 1, 0]})
    >>> independence(data, "sex", "eczema", SurveyDesign()).table["statistic"].round(4).tolist()
    [0.4667]
    """
    require_columns(data, [a, b], "data")
    sample = design.sample(data)
    n_missing = {name: int(data[name].isna().sum()) for name in (a, b)}
    complete = data[[a, b]].notna().all(axis=1).to_numpy()
    inside = complete & (sample.weights > 0)
    rows, row_levels = group_codes(data[[a]], inside)
    columns, column_levels = group_codes(data[[b]], inside)
    n_rows, n_columns = len(row_levels), len(column_levels)
    for name, count in ((a, n_rows), (b, n_columns)):
        if count < 2:
            raise ValueError(f"'{name}' has {count} level(s) among the complete rows: two or more are needed")
    statistic, df, df_residual = rao_scott(rows, columns, n_rows, n_columns, inside, sample)
    table = pd.DataFrame(
        {
            "term": [f"{a} by {b}"],
            "measure": "Rao-Scott F",
            "p_value": f.sf(statistic, df, df_residual),
            "statistic": statistic,
            "df": df,
            "n": int(inside.sum()),
            "df_residual": df_residual,
        }
    )
    return Estimates(
        table=tidy(table),
        method=f"Test of association with the second-order Rao-Scott correction ({design.describe()}).",
        n=int(inside.sum()),
        n_missing=n_missing,
        notes=(*missing_note(int(complete.sum()), len(data), n_missing), *sample.notes),
    )


def rao_scott(
    rows: np.ndarray, columns: np.ndarray, n_rows: int, n_columns: int, inside: np.ndarray, sample: Sample
) -> tuple[float, float, float]:
    """F and its degrees of freedom for the independence of two codes, Rao & Scott (1984), eq. 3.1 and section 4.

    Delta = (C' D^-1 C / N)^-1 (C' D^-1 V D^-1 C): the eigenvalues are the design effects of the interactions C.
    """
    n = len(sample.weights)  # cancels out; R counts the rows of the whole sample
    cell = np.where(inside, rows * n_columns + columns, 0)
    n_cells = n_rows * n_columns
    w = np.where(inside, sample.weights, 0.0)
    share = np.bincount(cell, w, n_cells) / w.sum()
    indicator = (cell[:, None] == np.arange(n_cells)) & inside[:, None]
    V = sample.covariance((indicator - share) * (w / w.sum())[:, None])
    observed = share.reshape(n_rows, n_columns)
    expected = np.outer(observed.sum(axis=1), observed.sum(axis=0))
    pearson = n * ((observed - expected) ** 2 / expected).sum()
    row_of, column_of = np.divmod(np.arange(n_cells), n_columns)
    main = np.column_stack(
        [
            np.ones(n_cells),
            *(row_of == r for r in range(1, n_rows)),
            *(column_of == c for c in range(1, n_columns)),
        ]
    ).astype(float)
    interaction = np.column_stack(
        [(row_of == r) & (column_of == c) for r in range(1, n_rows) for c in range(1, n_columns)]
    ).astype(float)
    C = interaction - main @ np.linalg.lstsq(main, interaction, rcond=None)[0]
    inverse = np.where(share > 0, 1 / np.where(share > 0, share, 1.0), 0.0)
    DC = inverse[:, None] * C
    delta = np.linalg.solve(C.T @ DC / n, DC.T @ V @ DC)
    trace = np.trace(delta)
    df = trace**2 / np.trace(delta @ delta)
    return float(pearson / trace), float(df), float(df * sample.degrees_of_freedom())


@dataclass(frozen=True, eq=False)
class _Domain:
    """The door of every estimate here: numbers, group of each row (-1 outside), design, and what was left out."""

    variables: list[str]
    values: list[np.ndarray]
    group: np.ndarray
    table: pd.DataFrame
    sample: Sample | Replicates
    design: Design
    df: np.ndarray
    n: np.ndarray
    n_missing: dict[str, int]
    notes: tuple[str, ...]

    @classmethod
    def of(
        cls, data: pd.DataFrame, variables: list[str], design: Design, by: str | Sequence[str] | None
    ) -> _Domain:
        groups = as_list(by)
        used = [*variables, *groups]
        require_columns(data, used, "data")
        for name in variables:
            if not pd.api.types.is_numeric_dtype(data[name]):
                raise ValueError(f"column '{name}' must be numeric, it is {data[name].dtype}")
        sample = design.sample(data)
        complete = data[used].notna().all(axis=1).to_numpy()
        inside = complete & (sample.weights > 0)
        if not inside.any():
            raise ValueError(
                f"no row has a known {' and '.join(used)} and a weight: there is nothing to estimate"
            )
        group, table = group_codes(data[groups], inside)
        values = [np.where(inside, data[name].to_numpy(float, na_value=np.nan), 0.0) for name in variables]
        if isinstance(sample, Replicates):
            df = np.array([sample.degrees_of_freedom(group == k) for k in range(len(table))])
        else:
            df = sample.degrees_of_freedom_by(group, len(table))
        n_missing = {name: int(data[name].isna().sum()) for name in used}
        notes = (*missing_note(int(complete.sum()), len(data), n_missing), *sample.notes)
        n = np.bincount(group[inside], minlength=len(table))
        return cls(variables, values, group, table, sample, design, df, n, n_missing, notes)

    def totals(self, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        n_groups, sample = len(self.table), self.sample
        estimate = _sums(sample.weights * values, self.group, n_groups)
        if isinstance(sample, Replicates):
            return estimate, sample.covariance(lambda w: _sums(w * values, self.group, n_groups))
        return estimate, sample.covariance_by(sample.weights * values, self.group, n_groups)

    def estimates(
        self, measure: str, estimate: np.ndarray, std_error: np.ndarray, what: str, conf_level: float
    ) -> Estimates:
        half = np.where(self.df > 0, t.ppf(0.5 + conf_level / 2, np.maximum(self.df, 1)), np.nan) * std_error
        table = self.table.assign(
            term=" / ".join(self.variables),
            measure=measure,
            estimate=estimate,
            conf_low=estimate - half,
            conf_high=estimate + half,
            std_error=std_error,
            df=self.df,
            n=self.n,
        )
        method = f"{what} ({self.design.describe()}) with {100 * conf_level:.4g}% confidence intervals."
        return self.result(tidy(table, list(self.table)), method, conf_level)

    def result(self, table: pd.DataFrame, method: str, conf_level: float) -> Estimates:
        return Estimates(
            table=table,
            method=method,
            n=int(self.n.sum()),
            n_missing=self.n_missing,
            notes=self.notes,
            conf_level=conf_level,
        )


def _sums(values: np.ndarray, group: np.ndarray, n_groups: int) -> np.ndarray:
    inside = group >= 0
    return np.bincount(group[inside], values[inside], n_groups)


def _sorted(values: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The values in their order and the weight up to each."""
    order = np.argsort(values, kind="stable")
    return values[order], np.cumsum(weights[order])


def _weighted_quantile(x: np.ndarray, cumulative: np.ndarray, share: float) -> float:
    """The smallest of the sorted values whose cumulative weight reaches the share."""
    # weights that add up to the share but for rounding count as reaching it
    position = np.searchsorted(cumulative, share * cumulative[-1] * (1 - 1e-14), side="left")
    return float(x[min(position, len(x) - 1)])
