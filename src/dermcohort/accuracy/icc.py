"""Intraclass correlation: how much of the variance of a measurement is between subjects.

Sources: Shrout & Fleiss (1979) Psychol Bull 86:420; McGraw & Wong (1996) Psychol Methods 1:30, tables 4 and 7
(names, intervals); Donner (1979) Am J Epidemiol 110:335 (subjects with different numbers of ratings). The numbers are
those of irr::icc and psych::ICC of R.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import f

from ..design import as_list
from ..estimates import Estimates, tidy
from .door import complete_rows, numbers, require_different

NAMES = {
    ("oneway", "single"): "ICC(1)",
    ("oneway", "average"): "ICC(k)",
    ("twoway-random", "single"): "ICC(A,1)",
    ("twoway-random", "average"): "ICC(A,k)",
    ("twoway-fixed", "single"): "ICC(C,1)",
    ("twoway-fixed", "average"): "ICC(C,k)",
}
WORDS = {
    "oneway": "one-way random effects",
    "twoway-random": "two-way random effects, absolute agreement",
    "twoway-fixed": "two-way mixed effects, consistency",
}


def icc(
    data: pd.DataFrame,
    subject: str,
    value: str,
    rater: str | None = None,
    *,
    model: str = "oneway",
    unit: str = "single",
    conf_level: float = 0.95,
) -> Estimates:
    """Intraclass correlation of the measurements of the same subject, or of people of the same cluster.

    Parameters
    ----------
    data : DataFrame
        One row a measurement.
    subject : str
        Who was measured (or the cluster).
    value : str
        Numeric column.
    rater : str, optional
        Who measured; needed by the two-way models.
    model : {"oneway", "twoway-random", "twoway-fixed"}
        Every subject by other raters; the same raters, sampled from many, agreeing on the value itself; the same
        raters, the only ones of interest, agreeing but for a constant.
    unit : {"single", "average"}
        Reliability of one measurement, or of the mean of all measurements of a subject.
    conf_level : float

    Returns
    -------
    Estimates
        One row, `measure` as McGraw & Wong name it, e.g. "ICC(A,1)"; `statistic`, `df`, `df_within` and `p_value` of
        the F test that it is 0; `n` measurements, `subjects`, `per_subject` (mean number of measurements, n0 where
        they differ). Two-way models use the subjects that every rater measured; the others are counted in the
        notes. NaN with fewer than two subjects or one measurement each.

    Raises
    ------
    ValueError
        For an unknown model or unit, a two-way model without `rater`, or two measurements of a subject by one rater.

    Examples
    --------
    >>> data = pd.DataFrame({"lesion": [1, 1, 2, 2, 3, 3], "mm": [4.0, 5, 8, 8, 12, 11]})
    >>> icc(data, "lesion", "mm").table[["measure", "estimate"]].round(3)
      measure  estimate
    0  ICC(1)     0.973
    """
    if (model, unit) not in NAMES:
        raise ValueError(
            f"model='{model}', unit='{unit}' is unknown; choose model from {', '.join(WORDS)} and unit from "
            "single, average"
        )
    if model != "oneway" and rater is None:
        raise ValueError(f"model='{model}' needs rater=, the column that says who measured")
    columns = [subject, value, *as_list(rater)]
    require_different(**dict(zip(("subject", "value", "rater"), columns, strict=False)))
    frame, n_missing, notes = complete_rows(data, columns, conf_level)
    if model == "oneway":
        codes = pd.factorize(frame[subject])[0]
        found = one_way(numbers(frame[value], value), codes)
    else:
        matrix, more = rating_matrix(frame, subject, value, str(rater))
        notes += more
        found = two_way(matrix, absolute=model == "twoway-random")
    low, high = _interval(found, conf_level)
    estimates = np.array([found.icc, low, high])
    if unit == "average":
        estimates = stepped_up(estimates, found.per_subject)

    if len(frame) and np.isnan(found.icc):
        notes.append("Too few subjects or measurements, or no variance at all: there is no correlation.")
    if found.statistic == np.inf:
        notes.append("The measurements of a subject do not differ: the interval has no width.")
    if not found.balanced and not np.isnan(found.icc):
        notes.append("Subjects have different numbers of measurements: the interval is approximate.")
    row = {
        "term": value,
        "measure": NAMES[model, unit],
        "estimate": estimates[0],
        "conf_low": estimates[1],
        "conf_high": estimates[2],
        "p_value": f.sf(found.statistic, found.df, found.df_within),
        "statistic": found.statistic,
        "df": found.df,
        "n": found.n,
        "df_within": found.df_within,
        "subjects": found.subjects,
        "per_subject": found.per_subject,
    }
    return Estimates(
        table=tidy(pd.DataFrame([row])),
        method=(
            f"Intraclass correlation {NAMES[model, unit]} of {value} ({WORDS[model]}, {unit} measurement), "
            f"{100 * conf_level:.4g}% confidence interval by McGraw & Wong (1996)."
        ),
        n=found.n,
        n_missing=n_missing,
        notes=tuple(notes),
        conf_level=conf_level,
    )


@dataclass(frozen=True)
class Reliability:
    """Single-measurement ICC and what its interval needs: the F ratio, its degrees of freedom, the mean squares."""

    icc: float
    statistic: float
    df: float
    df_within: float
    n: int
    subjects: int
    per_subject: float
    balanced: bool = True
    # mean squares of subjects, raters and residual, where raters count
    squares: tuple[float, float, float] | None = None


def one_way(x: np.ndarray, codes: np.ndarray) -> Reliability:
    """Analysis of variance estimator, n0 for subjects with different numbers of measurements (Donner 1979)."""
    size = np.bincount(codes).astype(float)
    n, g = len(x), len(size)
    if g < 2 or n == g:
        return Reliability(np.nan, np.nan, g - 1, n - g, n, g, n / g if g else np.nan)
    x = _centered(x)
    mean = np.bincount(codes, x) / size
    between = (size * mean**2).sum() / (g - 1)
    within = ((x - mean[codes]) ** 2).sum() / (n - g)
    n0 = (n - (size**2).sum() / n) / (g - 1)
    ratio = _ratio(between, within)
    value = 1.0 if ratio == np.inf else (ratio - 1) / (ratio + n0 - 1)
    return Reliability(value, ratio, g - 1, n - g, n, g, n0, balanced=bool((size == size[0]).all()))


def two_way(matrix: np.ndarray, *, absolute: bool) -> Reliability:
    """Of a complete table, subjects in rows and raters in columns: ICC(A,1) or ICC(C,1)."""
    n, k = matrix.shape
    df, df_within = n - 1, (n - 1) * (k - 1)
    if n < 2 or k < 2:
        return Reliability(np.nan, np.nan, df, df_within, n * k, n, k)
    x = _centered(matrix)
    row, column = x.mean(axis=1), x.mean(axis=0)
    between = k * (row**2).sum() / df
    raters = n * (column**2).sum() / (k - 1)
    residual = ((x - row[:, None] - column) ** 2).sum() / df_within
    ratio = _ratio(between, residual)
    if not absolute:
        value = 1.0 if ratio == np.inf else (ratio - 1) / (ratio + k - 1)
        return Reliability(value, ratio, df, df_within, n * k, n, k)
    total = between + (k - 1) * residual + k * (raters - residual) / n
    value = (between - residual) / total if total > 0 else np.nan
    return Reliability(
        value, ratio, df, df_within, n * k, n, k, squares=(float(between), float(raters), float(residual))
    )


def stepped_up(single: np.ndarray, k: float) -> np.ndarray:
    """Spearman-Brown: from one measurement to the mean of k. It carries limits to limits in every model."""
    with np.errstate(divide="ignore"):
        return k * single / (1 + (k - 1) * single)


def rating_matrix(frame: pd.DataFrame, subject: str, value: str, rater: str) -> tuple[np.ndarray, list[str]]:
    """Subjects that every rater measured in rows, raters in columns; a note on the others."""
    repeated = int(frame.duplicated([subject, rater]).sum())
    if repeated:
        raise ValueError(
            f"{repeated} measurements are repeats of the same '{subject}' by the same '{rater}': average them, or "
            "use model='oneway'"
        )
    plain = pd.DataFrame({"value": numbers(frame[value], value)}, frame.index)
    plain["subject"], plain["rater"] = pd.factorize(frame[subject])[0], pd.factorize(frame[rater])[0]
    wide = plain.pivot(index="subject", columns="rater", values="value")
    complete = wide.dropna()
    dropped = len(wide) - len(complete)
    notes = [f"{dropped:,} of {len(wide):,} subjects were not measured by every rater and are left out."]
    return complete.to_numpy(float), notes if dropped else []


def _centered(x: np.ndarray) -> np.ndarray:
    """Less the first and then the mean: what is the same for all becomes 0 exactly."""
    x = x - x.flat[0]
    return x - x.mean()


def _ratio(between: float, within: float) -> float:
    if between == 0 and within == 0:
        return np.nan
    # means of equal numbers are off by rounding, about 1e-32 when squared
    return between / within if within > 1e-26 * between else np.inf


def _interval(found: Reliability, conf_level: float) -> tuple[float, float]:
    """Limits of the single-measurement ICC (McGraw & Wong, table 7)."""
    if np.isnan(found.icc):
        return np.nan, np.nan
    tail, n, k = (1 - conf_level) / 2, found.subjects, found.per_subject
    F, df = found.statistic, found.df
    if np.isinf(F) and (found.squares is None or found.icc == 1):
        return 1.0, 1.0
    if found.squares is None:
        low, high = F / f.isf(tail, df, found.df_within), F * f.isf(tail, found.df_within, df)
        return (low - 1) / (low + k - 1), (high - 1) / (high + k - 1)
    # absolute agreement: Satterthwaite's degrees of freedom v of a MSC + b MSE
    MSR, MSC, MSE = found.squares
    a = k * found.icc / (n * (1 - found.icc))
    b = 1 + a * (n - 1)
    v = (a * MSC + b * MSE) ** 2 / ((a * MSC) ** 2 / (k - 1) + (b * MSE) ** 2 / ((n - 1) * (k - 1)))
    upper, lower = f.isf(tail, df, v), f.isf(tail, v, df)
    spread = k * MSC + (k * n - k - n) * MSE
    low = n * (MSR - upper * MSE) / (upper * spread + n * MSR)
    high = n * (lower * MSR - MSE) / (spread + n * lower * MSR)
    return low, high
