"""One result from the fits of several imputed data sets: Rubin's rules for every estimator of this package.

The mathematics is in `rubin`. A row is pooled on the scale of its `coef` and `std_error` and reported on the scale of
its `estimate`: an odds ratio stays an odds ratio.
"""

from __future__ import annotations

from collections import Counter
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
    fits = list(fits)
    if len(fits) < 2:
        raise ValueError(f"fits: {len(fits)} given; the variance between data sets needs at least 2")
    if df is not None and not df > 0:
        raise ValueError(f"df={df} must be above 0: rows less coefficients of the model")
    if std_errors is not None:
        fits, level, tested = _of_numbers(fits, std_errors), conf_level or 0.95, True
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
    row_df = complete_df if df is not None or "df" not in fits[0].table else _mean(fits, "df")[finite]
    pooled = rubin(coef[:, finite], std_error[:, finite] ** 2, row_df)

    table = _table(fits, finite, pooled, level)
    if not tested:  # nobody asks whether a proportion is one half
        table = table.drop(columns=["statistic", "p_value"])
    partly = np.isfinite(std_error).any(axis=0) & ~finite
    names = dict.fromkeys(_row_names(fits[0])[partly])
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
            *(f"'{name}' has no finite estimate in some data sets and is not pooled." for name in names),
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
    proportion = fit.table["measure"].isin(PROPORTIONS)
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
    reference = table["std_error"].isna().to_numpy() & (table["coef"] == 0).to_numpy()
    for name, value in values.items():
        kept = table[name].to_numpy(float) if name in table else np.full(len(table), np.nan)
        column = np.where(reference, kept, np.nan)
        column[finite] = value
        table[name] = column
    for name in (c for c in COUNTS if c in table):
        counts = _mean(fits, name)
        table[name] = counts.astype(int) if (counts == np.round(counts)).all() else counts
    return tidy(table, groups)


def _row_names(fit: Estimates) -> np.ndarray:
    keys = _keys(fit)
    return keys["term"].to_numpy() if "term" in keys else keys.agg(" ".join, axis=1).to_numpy()


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
    """Every note once; how often, where not all data sets have it."""
    counted = Counter(note for fit in fits for note in dict.fromkeys(fit.notes))
    return [
        note if count == len(fits) else f"{note} (in {count} of {len(fits)} data sets)"
        for note, count in counted.items()
    ]


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
