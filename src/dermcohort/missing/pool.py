"""One result from the fits of several imputed data sets: Rubin's rules for every estimator of this package.

The mathematics is in `rubin`. A row is pooled on the scale of its `coef` and `std_error` and reported on the scale of
its `estimate`: an odds ratio stays an odds ratio.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit
from scipy.stats import t as student

from ..estimates import COLUMNS, Estimates, FittedModel, tidy
from ..tables import PROPORTIONS, groups_of
from .pooled import PooledEstimates
from .rubin import Pooled, rubin

SCALES = (np.positive, np.exp, expit)
RESULTS = COLUMNS[COLUMNS.index("estimate") :]
COUNTS = ("n", "events", "person_years")
BY_EVENTS = {"HR", "SHR"}
ON_LOGIT_SCALE = PROPORTIONS - {"attributable fraction"}  # which may be negative
NUMBER = re.compile(r"-?\d[\d,.]*(e[+-]?\d+)?")


def pool(
    fits: Sequence[Any],
    std_errors: Sequence[float] | None = None,
    *,
    df: float | None = None,
    conf_level: float | None = None,
) -> PooledEstimates:
    """Pool the fits of imputed data sets by Rubin's rules.

    Parameters
    ----------
    fits : sequence of Estimates, or of numbers
        The same analysis of each data set, as `Imputed.fit` gives it: any estimates with a `std_error`. It is pooled
        on the scale of `coef`; where there is none on its own, and a proportion on the logit scale. Or one number a
        data set, on a scale on which it is about normal.
    std_errors : sequence of float, optional
        Standard errors of the numbers.
    df : float, optional
        Degrees of freedom had nothing been missing. Otherwise the `df` of the fits; or, of a model, rows (of hazard
        ratios events) less coefficients; or infinity.
    conf_level : float, optional
        Level of the intervals; that of the fits where None, 0.95 for numbers.

    Returns
    -------
    PooledEstimates
        Rows, terms and measures of the fits. Intervals and p-values are those of Student's t with the `df` of Barnard
        & Rubin (1999). A row without a finite estimate in some data set is not pooled, and noted.

    Raises
    ------
    ValueError
        For fewer than two fits, fits of different rows or kinds, or estimates without `std_error`.

    Notes
    -----
    Equal to pool and pool.scalar of R's mice 3.15.

    Examples
    --------
    >>> pooled = pool([10, 11, 9.5, 10.4, 10.9], [1.1, 1.05, 1.14, 1.12, 1.07], df=99)
    >>> pooled.table[["estimate", "conf_low", "conf_high", "df", "missing_information"]].round(2)
       estimate  conf_low  conf_high     df  missing_information
    0     10.36      7.71      13.01  29.25                 0.33
    """
    fits = given = list(fits)
    if len(fits) < 2:
        raise ValueError(f"fits: {len(fits)} given; the variance between data sets needs at least 2")
    if df is not None and not df > 0:
        raise ValueError(f"df={df} must be above 0: rows less coefficients of the model")
    if std_errors is not None:
        fits = given = _of_numbers(fits, std_errors)
        level, tested = conf_level or 0.95, True
    else:
        _require_same(fits)
        tested = "coef" in fits[0].table
        fits = [_with_coef(fit) for fit in fits]
        level = conf_level or fits[0].conf_level
    if not 0 < level < 1:
        raise ValueError(f"conf_level={level} must lie between 0 and 1, e.g. 0.95")
    complete_df = _complete_df(fits) if df is None else float(df)

    coef, std_error = (
        np.array([fit.table[c].to_numpy(float) for fit in fits]) for c in ("coef", "std_error")
    )
    finite = (np.isfinite(coef) & np.isfinite(std_error)).all(axis=0)
    row_df = complete_df if df is not None or "df" not in given[0].table else _df_of_rows(given)[finite]
    pooled = rubin(coef[:, finite], std_error[:, finite] ** 2, row_df)

    table = _table(fits, finite, pooled, level)
    if not tested:  # nobody asks whether a proportion is one half
        table = table.drop(columns=["statistic", "p_value"])
    left_out = dict.fromkeys(_labels(fits[0])[~finite & ~_at_reference(fits[0].table)])
    events = [fit.events for fit in fits if fit.events is not None]
    return PooledEstimates(
        table=table,
        method=f"{fits[0].method} Pooled over {len(fits)} imputed data sets by Rubin's rules, t intervals with the "
        "degrees of freedom of Barnard and Rubin.".strip(),
        n=min(fit.n for fit in fits),
        events=round(np.mean(events)) if events else None,
        n_missing=fits[0].n_missing,
        notes=(
            *_common_notes(fits),
            *(
                f"{name}: no finite estimate with a standard error in every data set, not pooled."
                for name in left_out
            ),
        ),
        conf_level=level,
        m=len(fits),
        complete_df=complete_df,
        **(_model_parts(fits) if isinstance(fits[0], FittedModel) else {}),
    )


def _of_numbers(values: Sequence[Any], std_errors: Sequence[float]) -> list[Estimates]:
    """One `Estimates` a number."""
    if len(values) != len(std_errors):
        raise ValueError(
            f"std_errors has {len(std_errors)} values for {len(values)} estimates: give one each"
        )
    numbers = np.column_stack([np.asarray(values, float), np.asarray(std_errors, float)])
    if not (np.isfinite(numbers).all() and (numbers[:, 1] > 0).all()):
        raise ValueError("fits and std_errors must be finite numbers, std_errors above 0")
    rows = [
        {"term": "estimate", "measure": "estimate", "estimate": q, "coef": q, "std_error": s}
        for q, s in numbers
    ]
    return [Estimates(pd.DataFrame([row]), method="", n=0) for row in rows]


def _require_same(fits: Sequence[Any]) -> None:
    first = fits[0]
    for i, fit in enumerate(fits, 1):
        if not isinstance(fit, Estimates):
            raise TypeError(
                f"fits: number {i} is {type(fit).__name__}; give Estimates, or numbers with their std_errors"
            )
        if type(fit) is not type(first) or not _keys(fit).equals(_keys(first)):
            raise ValueError(
                f"fits: number {i} has other rows than the first (a level that does not occur in every data set?)"
            )
        if isinstance(fit, FittedModel) and not fit.coefficients.index.equals(fits[0].coefficients.index):
            raise ValueError(f"fits: number {i} has other coefficients than the first")
        if isinstance(first, FittedModel) and isinstance(fit, FittedModel):
            _require_same_knots(first, fit, i)
    if "std_error" not in first.table:
        raise ValueError(
            "fits: the table has no std_error, which Rubin's rules need; pool numbers with their std_errors, or a "
            "model"
        )


def _require_same_knots(first: FittedModel, fit: FittedModel, i: int) -> None:
    """Coefficients of splines mean the same only between the same knots."""
    if first.design is None or fit.design is None:
        return
    for term, state in first.design.spec.transform_state.items():
        knots, own = state.get("knots"), fit.design.spec.transform_state[term].get("knots")
        if knots is not None and not np.array_equal(knots, own):
            raise ValueError(
                f"fits: number {i} has other knots in {term} than the first: give them as a list, the same for all, "
                f"such as knots={[round(float(k), 2) for k in knots]}"
            )


def _with_coef(fit: Estimates) -> Estimates:
    """A standard error of the estimate itself: pooled as it is, of a proportion on the logit scale (delta method)."""
    if "coef" in fit.table:
        return fit
    estimate, std_error = fit.table["estimate"], fit.table["std_error"]
    proportion = fit.table["measure"].isin(ON_LOGIT_SCALE)
    inner = estimate.where(proportion & (estimate > 0) & (estimate < 1))
    return replace(
        fit,
        table=fit.table.assign(
            coef=np.log(inner / (1 - inner)).where(proportion, estimate),
            std_error=(std_error / (inner * (1 - inner))).where(proportion, std_error),
        ),
    )


def _keys(fit: Estimates) -> pd.DataFrame:
    """What tells the rows apart, as text."""
    told = [*groups_of(fit.table), *(c for c in fit.table if c in COLUMNS and c not in RESULTS)]
    return fit.table[told].astype(str)


def _complete_df(fits: Sequence[Estimates]) -> float:
    """Rows less coefficients, as mice takes it; of hazard ratios, events less coefficients.

    Of a model by t with other degrees of freedom (a survey, few clusters) the fewest of its rows.
    """
    first = fits[0]
    if not isinstance(first, FittedModel):
        return np.inf
    if "df" in first.table and first.table["df"].notna().any():
        return float(np.nanmin(_mean(fits, "df")))
    by_events = bool(BY_EVENTS & set(first.table["measure"]))
    size = min((fit.events or 0) if by_events else fit.n for fit in fits)
    return float(max(size - len(first.coefficients), 1))


def _df_of_rows(fits: Sequence[Estimates]) -> np.ndarray:
    """Those of t. Beside a chi-squared statistic, which is no ratio of an estimate and its error, the table has others."""
    table, df = fits[0].table, _mean(fits, "df")
    if "statistic" not in table:
        return df
    value = table["coef" if "coef" in table else "estimate"]
    by_t = np.isclose(table["statistic"], value / table["std_error"], rtol=1e-6)
    return np.where(by_t, df, np.inf)


def _mean(fits: Sequence[Estimates], column: str) -> np.ndarray:
    return np.mean([fit.table[column].to_numpy(float) for fit in fits], axis=0)


def _table(fits: Sequence[Estimates], finite: np.ndarray, pooled: Pooled, conf_level: float) -> pd.DataFrame:
    groups = groups_of(fits[0].table)
    table = fits[0].table[[c for c in fits[0].table if c in groups or c in COLUMNS]].copy()
    names = _row_names(fits[0])[finite]
    back = [_scale(*row) for row in zip(names, table["coef"][finite], table["estimate"][finite], strict=True)]
    std_error = np.sqrt(pooled.total)
    half = student.ppf(0.5 + conf_level / 2, pooled.df) * std_error
    statistic = pooled.estimate / std_error
    ends = {
        "estimate": pooled.estimate,
        "conf_low": pooled.estimate - half,
        "conf_high": pooled.estimate + half,
    }
    with np.errstate(over="ignore"):
        values = {n: np.array([f(v) for f, v in zip(back, end, strict=True)]) for n, end in ends.items()}
    values |= {
        "p_value": 2 * student.sf(np.abs(statistic), pooled.df),
        "coef": pooled.estimate,
        "std_error": std_error,
        "statistic": statistic,
        "df": pooled.df,
        "relative_increase": pooled.increase,
        "missing_information": pooled.fraction,
    }
    # a reference row (coef 0 in every fit, without error) stays as it is
    reference = _at_reference(table)
    for name, value in values.items():
        kept = table[name].to_numpy(float) if name in table else np.full(len(table), np.nan)
        column = np.where(reference, kept, np.nan)
        column[finite] = value
        table[name] = column
    for name in (c for c in COUNTS if c in table):
        counts = _mean(fits, name)
        table[name] = counts.astype(int) if (counts == np.round(counts)).all() else counts
    return tidy(table, groups)


def _at_reference(table: pd.DataFrame) -> np.ndarray:
    """Rows that are compared with themselves: a coefficient of 0 without error."""
    if "level" not in table or "reference" not in table:
        return np.zeros(len(table), bool)
    own = table["level"].astype(object) == table["reference"].astype(object)
    return (own & table["std_error"].isna() & (table["coef"] == 0)).to_numpy()


def _row_names(fit: Estimates) -> np.ndarray:
    keys = _keys(fit)
    return keys["term"].to_numpy() if "term" in keys else keys.agg(" ".join, axis=1).to_numpy()


def _labels(fit: Estimates) -> np.ndarray:
    """Names of the rows for a note, with their measure where the table has several."""
    names = np.array([f"'{name}'" for name in _row_names(fit)], object)
    if "measure" in fit.table and fit.table["measure"].nunique() > 1:
        names += " (" + fit.table["measure"].astype(str).to_numpy(object) + ")"
    return names


def _scale(name: str, coef: float, estimate: float) -> Any:
    """The function that turns this row's `coef` into its `estimate`."""
    for function in SCALES:
        with np.errstate(over="ignore"):
            is_it = np.isclose(function(coef), estimate, rtol=1e-9, atol=1e-12)
        if is_it:
            return function
    raise ValueError(
        f"fits: the estimate of '{name}' is neither its coef nor an exponential or logistic of it"
    )


def _common_notes(fits: Sequence[Estimates]) -> list[str]:
    """Every note once; how often, where not all data sets have it, and whether with other numbers."""
    alike: dict[str, list[str]] = {}
    for fit in fits:
        for wording, note in {NUMBER.sub("#", note): note for note in fit.notes}.items():
            alike.setdefault(wording, []).append(note)
    common = []
    for notes in alike.values():
        where = "" if len(notes) == len(fits) else f"in {len(notes)} of {len(fits)} data sets"
        if len(set(notes)) > 1:
            where = f"{where or 'in every data set'}, the numbers differ"
        common.append(f"{notes[0]} ({where})" if where else notes[0])
    return common


def _model_parts(fits: Sequence[Any]) -> dict[str, Any]:
    replicates = pd.DataFrame(
        [fit.coefficients.to_numpy() for fit in fits], columns=fits[0].coefficients.index
    )
    names = list(replicates)
    within = np.mean([fit.covariance.to_numpy() for fit in fits], axis=0)
    between = np.cov(replicates.to_numpy(), rowvar=False).reshape(within.shape)
    design = fits[0].design
    return {
        "coefficients": replicates.mean().rename("coef"),
        "covariance": pd.DataFrame(within + (1 + 1 / len(fits)) * between, names, names),
        "within": pd.DataFrame(within, names, names),
        "replicates": replicates,
        "terms": {} if design is None else {column.name: column.term for column in design.columns},
        "design": design,
    }
