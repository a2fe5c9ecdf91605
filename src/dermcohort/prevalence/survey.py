"""Survey-weighted prevalence: strata, clusters, weights and finite populations count.

Intervals: logit (Wald on the logit scale); beta (Korn & Graubard 1998, Survey Methodology 24:193); likelihood (Rao
& Scott 1984 scaled profile likelihood); arcsine; Wald. All use t with the design's degrees of freedom. Numbers as
R's `svyciprop`, `svymean(deff = "replace")` and `svyby`, survey 4.1.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.special import expit, logit, rel_entr
from scipy.stats import beta, t

from ..design import as_list, binary_outcome, require_columns
from ..estimates import Estimates, missing_note, tidy
from ..groups import group_codes, with_margins
from ..variance import ReplicateDesign, Replicates, Sample, SurveyDesign, weighted_means
from .crude import KINDS
from .intervals import clopper_pearson

FEW_DF = 8  # NCHS (Parker et al. 2017) asks for a statistician's eye below


def survey(
    data: pd.DataFrame,
    outcome: str,
    design: SurveyDesign | ReplicateDesign,
    by: str | Sequence[str] | None = None,
    *,
    margins: bool = False,
    kind: str | None = None,
    ci: str = "logit",
    conf_level: float = 0.95,
) -> Estimates:
    """Prevalence in the population that a sample stands for.

    Parameters
    ----------
    data : DataFrame
        Every row that was sampled: rows of no interest are left out by `by` or a missing outcome, never by
        dropping them, or the variance loses their sampling units.
    outcome : str
        Column that is 0/1, bool, or a category of two levels of which the second is counted.
    design : SurveyDesign or ReplicateDesign
    by : str or list of str, optional
        Column or columns whose combinations are the groups (domains). Empty groups are left out.
    margins : bool
        Also every column of `by` at its level "All", and all rows together.
    kind : {"point", "period", "lifetime"}, optional
        What `measure` calls it, from how the condition was ascertained.
    ci : {"logit", "beta", "likelihood", "arcsine", "wald"}
        "beta" is Korn and Graubard's. Where nobody or everybody has the outcome the design cannot be
        estimated: Clopper-Pearson's interval stands in, and the notes say so.
    conf_level : float

    Returns
    -------
    Estimates
        One row a group: `estimate`, `conf_low`, `conf_high` as proportions; `std_error`; `df`, the sampling
        units less strata with rows in the group; `n` and `events` unweighted; `design_effect` (variance over
        that of a simple random sample with replacement), `n_effective` (n / design effect) and, with clusters,
        `icc` (unweighted one-way ANOVA estimator, Donner 1986). Rows with a missing outcome or group are counted
        and stay in the design.

    Raises
    ------
    ValueError
        If the design does not fit the data (see `SurveyDesign.sample`) or the outcome is not binary.

    Examples
    --------
    >>> data = pd.DataFrame({"eczema": [0, 1, 0, 0, 1, 1], "village": [1, 1, 2, 2, 3, 3], "w": [1, 1, 2, 2, 1, 1]})
    >>> design = SurveyDesign(weights="w", cluster="village")
    >>> survey(data, "eczema", design).table[["estimate", "df", "n", "events"]]
       estimate  df  n  events
    0     0.375   2  6       3
    """
    if ci not in INTERVALS:
        raise ValueError(f"ci='{ci}' is unknown; choose one of {', '.join(INTERVALS)}")
    if kind not in (None, *KINDS):
        raise ValueError(f"kind='{kind}' is unknown; choose one of {', '.join(KINDS)}")
    if not 0 < conf_level < 1:
        raise ValueError(f"conf_level={conf_level} must lie between 0 and 1, e.g. 0.95")
    groups = as_list(by)
    used = [outcome, *groups]
    require_columns(data, used, "data")
    sample = design.sample(data)
    y = binary_outcome(data[outcome], outcome)
    complete = data[used].notna().all(axis=1).to_numpy()
    inside = complete & (sample.weights > 0)
    measure = "prevalence" if kind is None else f"{kind} prevalence"

    def estimate(chosen: list[str]) -> pd.DataFrame:
        group, table = group_codes(data[chosen], inside)
        numbers = _by_group(y, group, len(table), sample, ci, conf_level)
        if design.clustered and isinstance(sample, Sample):
            numbers["icc"] = intracluster_correlation(y, group, len(table), sample.stages[0].unit)
        return table.assign(term=outcome, measure=measure, **numbers)

    table = with_margins(data.loc[inside, groups], estimate) if margins else estimate(groups)
    n, df = table["n"].to_numpy(), table["df"].to_numpy()
    events = table["events"].to_numpy()
    at_end = (n > 0) & ((events == 0) | (events == n))
    n_missing = {name: int(data[name].isna().sum()) for name in used}
    return Estimates(
        table=tidy(table, groups),
        method=(
            f"Survey-weighted {measure} ({design.describe()}) with {NAMES[ci]} {100 * conf_level:.4g}% confidence "
            "intervals."
        ),
        n=int(inside.sum()),
        events=int(y[inside].sum()),
        n_missing=n_missing,
        notes=(
            *missing_note(int(complete.sum()), len(data), n_missing),
            *_notes(complete & ~inside, at_end, df, n),
            *_outside_note(table["conf_low"].to_numpy(), table["conf_high"].to_numpy()),
            *sample.notes,
        ),
        conf_level=conf_level,
    )


def _by_group(
    y: np.ndarray, group: np.ndarray, n_groups: int, sample: Sample | Replicates, ci: str, conf_level: float
) -> dict[str, np.ndarray]:
    """Columns of the table: prevalence, interval and what the design did, for each group."""
    inside = group >= 0
    means = weighted_means(y, group, n_groups, sample)
    p, n, df = np.clip(means.estimate, 0, 1), means.n, means.df
    events = np.bincount(group[inside], y[inside], n_groups)
    at_end = (events == 0) | (events == n)
    variance = np.where(at_end, 0.0, np.diag(means.covariance))
    low, high = np.full(n_groups, np.nan), np.full(n_groups, np.nan)
    for k in np.flatnonzero((n > 0) & (df > 0)):
        if at_end[k]:
            low[k], high[k] = (float(end) for end in clopper_pearson(events[k], n[k], conf_level))
        else:
            low[k], high[k] = INTERVALS[ci](p[k], variance[k], n[k], df[k], conf_level)
    with np.errstate(invalid="ignore", divide="ignore"):
        design_effect = variance / (p * (1 - p) / (n - 1))
        n_effective = n / design_effect
    return {
        "estimate": p,
        "conf_low": low,
        "conf_high": high,
        "std_error": np.sqrt(variance),
        "df": df,
        "n": n,
        "events": events.astype(int),
        "design_effect": design_effect,
        "n_effective": n_effective,
    }


def _notes(weightless: np.ndarray, at_end: np.ndarray, df: np.ndarray, n: np.ndarray) -> list[str]:
    notes = []
    if weightless.any():
        notes.append(f"{int(weightless.sum()):,} rows with weight 0 are not counted.")
    if not n.any():
        notes.append("No row has the outcome, the groups and a weight: there is nothing to estimate.")
        return notes
    if at_end.any():
        notes.append(
            "Where nobody or everybody has the outcome the interval is Clopper-Pearson's, which knows nothing of "
            "clusters and weights."
        )
    if (df[n > 0] < 1).any():
        notes.append(
            "Groups whose strata have one sampling unit each have no degrees of freedom: no interval."
        )
    few = int(((df > 0) & (df < FEW_DF)).sum())
    if few:
        where = "" if len(df) == 1 else f" in {few} of {len(df)} groups"
        notes.append(
            f"Fewer than {FEW_DF} degrees of freedom{where}: few sampling units, uncertain intervals."
        )
    return notes


def _outside_note(low: np.ndarray, high: np.ndarray) -> list[str]:
    if (low < 0).any() or (high > 1).any():
        return ["A Wald interval reaches beyond 0 or 1: use the logit or the beta interval."]
    return []


def intracluster_correlation(y: np.ndarray, group: np.ndarray, n_groups: int, unit: np.ndarray) -> np.ndarray:
    """Correlation of the outcome within sampling units, by group, from the one-way analysis of variance.

    (MSB - MSW) / (MSB + (n0 - 1) MSW), n0 = (N - sum n_i^2 / N) / (k - 1). Source: Donner (1986) Int Stat Rev 54:67.
    """
    inside = group >= 0
    cell = unit[inside] * n_groups + group[inside]
    shape = (int(unit.max(initial=0)) + 1, n_groups)
    size = np.bincount(cell, minlength=shape[0] * n_groups).reshape(shape)
    total = np.bincount(cell, y[inside], shape[0] * n_groups).reshape(shape)
    square = np.bincount(group[inside], y[inside] ** 2, n_groups)
    N, k = size.sum(axis=0), (size > 0).sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        between = np.where(size > 0, total**2 / np.maximum(size, 1), 0.0).sum(axis=0)
        msb = (between - total.sum(axis=0) ** 2 / N) / (k - 1)
        msw = (square - between) / (N - k)
        n0 = (N - (size.astype(float) ** 2).sum(axis=0) / N) / (k - 1)
        return (msb - msw) / (msb + (n0 - 1) * msw)


def logit_interval(p: float, variance: float, n: int, df: int, conf_level: float) -> tuple[float, float]:
    """logit(p) -+ t se / (p (1 - p)), back on the scale of p."""
    half = t.ppf(0.5 + conf_level / 2, df) * np.sqrt(variance) / (p * (1 - p))
    return float(expit(logit(p) - half)), float(expit(logit(p) + half))


def beta_interval(p: float, variance: float, n: int, df: int, conf_level: float) -> tuple[float, float]:
    """Clopper-Pearson's with the effective sample size, which is made smaller by few sampling units."""
    tail = (1 - conf_level) / 2
    effective = p * (1 - p) / variance * (t.ppf(tail, n - 1) / t.ppf(tail, df)) ** 2
    x = effective * p
    low = float(beta.ppf(tail, x, effective - x + 1))
    return low, float(beta.ppf(1 - tail, x + 1, effective - x))


def likelihood_interval(p: float, variance: float, n: int, df: int, conf_level: float) -> tuple[float, float]:
    """Values whose scaled deviance from p is at most t^2, by finding the roots exactly.

    R inverts a spline through some points of the profile, and is right to about 1e-5.
    """
    # n d(q) / phi <= t^2 lambda: d the deviance of a row, lambda = n var / (p (1 - p)) the variance of logit(p)
    # over that of a simple random sample, phi = n / (n - 1) the dispersion
    bound = t.ppf(0.5 + conf_level / 2, df) ** 2 * variance / (p * (1 - p)) * n / (n - 1)

    def excess(q: float) -> float:
        return float(2 * (rel_entr(p, q) + rel_entr(1 - p, 1 - q)) - bound)

    tiny = 1e-300
    low = brentq(excess, tiny, p, xtol=1e-300, rtol=1e-14) if excess(tiny) > 0 else 0.0
    high = brentq(excess, p, 1 - 1e-16, rtol=1e-14) if excess(1 - 1e-16) > 0 else 1.0
    return float(low), float(high)


def arcsine_interval(p: float, variance: float, n: int, df: int, conf_level: float) -> tuple[float, float]:
    """asin(sqrt(p)) -+ t se / (2 sqrt(p (1 - p))), back on the scale of p."""
    half = t.ppf(0.5 + conf_level / 2, df) * np.sqrt(variance / (4 * p * (1 - p)))
    angle = np.arcsin(np.sqrt(p))
    return float(np.sin(max(angle - half, 0.0)) ** 2), float(np.sin(min(angle + half, np.pi / 2)) ** 2)


def wald_interval(p: float, variance: float, n: int, df: int, conf_level: float) -> tuple[float, float]:
    """p -+ t se, as R leaves it: beyond 0 or 1 where the sample is too small for it."""
    half = t.ppf(0.5 + conf_level / 2, df) * np.sqrt(variance)
    return float(p - half), float(p + half)


INTERVALS = {
    "logit": logit_interval,
    "beta": beta_interval,
    "likelihood": likelihood_interval,
    "arcsine": arcsine_interval,
    "wald": wald_interval,
}
NAMES = {
    "logit": "logit-transformed",
    "beta": "Korn-Graubard",
    "likelihood": "scaled profile-likelihood",
    "arcsine": "arcsine-transformed",
    "wald": "Wald",
}
