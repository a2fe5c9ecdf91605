"""Incidence rates: events per person-time, with exact Poisson intervals, or for clusters and survey designs.

Sources: Garwood (1936) Biometrika 28:437; agrees with R's `poisson.test`. With clusters or a design the rate is a ratio
of totals, sum(w events) / sum(w time), whose variance is linearized (Cochran 1977, Sampling Techniques, ch. 6) as in
R's `svyratio`, with an interval on the log scale.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.stats import t

from ..design import FEW_CLUSTERS, as_list, binary_outcome, require_columns
from ..estimates import Estimates, missing_note, tidy
from ..groups import group_codes
from ..poisson_intervals import exact_poisson
from ..variance import Sample, SurveyDesign, weighted_ratios
from ..variance.robust import count_clusters
from .sampling import Design, refuse_beside_design

PER_YEAR = {"years": 1.0, "months": 12.0, "days": 365.25}


def incidence_rate(
    data: pd.DataFrame,
    time: str,
    event: str,
    by: str | Sequence[str] | None = None,
    per: float = 1000,
    unit: str = "years",
    *,
    cluster: str | Sequence[str] | None = None,
    design: Design | None = None,
    conf_level: float = 0.95,
) -> Estimates:
    """Events per `per` person-years.

    Parameters
    ----------
    data : DataFrame
        One row a person (or episode). With `design` every row that was sampled. Rows with a missing value are left
        out and counted; in a design they stay as rows without influence.
    time : str
        Column of time at risk, not negative.
    event : str
        Column that is 0/1, bool, or a category of two levels, the second being the event.
    by : str or list of str, optional
        Column or columns whose combinations are the groups.
    per : float
        Person-years the rate refers to.
    unit : {"years", "months", "days"}
        Unit of `time`; a year has 365.25 days.
    cluster : str or list of str, optional
        Column or columns whose rows may depend on each other (villages, or the episodes of a person). With G clusters
        the variance is CR1, that of a survey of G sampling units without weights.
    design : SurveyDesign or ReplicateDesign, optional
        How the rows were sampled; in the place of `cluster`. Inverse-probability weights are
        ``SurveyDesign(weights=...)``.
    conf_level : float

    Returns
    -------
    Estimates
        One row a group: rate and interval per `per` person-years, `n`, `events`, `person_years` (all unweighted). A
        group without person-time has no rate (NaN). With `cluster` or `design` also `std_error` (of the log rate) and
        `df`, the clusters or sampling units less strata with rows in the group; the interval is
        rate exp(-+ t std_error). Where a group has no event it is the exact Poisson interval, and the notes say so.

    Raises
    ------
    ValueError
        For an unknown unit, times that are negative, a single cluster, or a design that does not fit the data (see
        `SurveyDesign.sample`).

    Examples
    --------
    >>> data = pd.DataFrame({"years": [2.0, 3.0, 5.0], "psoriasis": [1, 0, 0]})
    >>> incidence_rate(data, "years", "psoriasis").table[["estimate", "person_years"]]
       estimate  person_years
    0     100.0          10.0
    """
    if unit not in PER_YEAR:
        raise ValueError(f"unit='{unit}' is unknown; choose one of {', '.join(PER_YEAR)}")
    refuse_beside_design(design, cluster=cluster)
    groups, clusters = as_list(by), as_list(cluster)
    used = [time, event, *groups, *clusters]
    require_columns(data, used, "data")
    n_missing = {name: int(data[name].isna().sum()) for name in used}
    complete = data[used].notna().all(axis=1).to_numpy()
    rows = data[complete] if design is None else data
    sample = _clustered(rows, clusters) if design is None else design.sample(rows)
    inside = rows[used].notna().all(axis=1).to_numpy()
    if sample is not None:
        inside &= sample.weights > 0
    years = time_at_risk(rows[time], time) / PER_YEAR[unit]
    happened = binary_outcome(rows[event], event)

    group, table = group_codes(rows[groups], inside)
    n_groups = len(table)
    n, x, person_years = (
        np.bincount(group[inside], values[inside], n_groups)
        for values in (np.ones(len(rows)), happened, years)
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        rate, low, high = (
            np.where(person_years > 0, v / person_years, np.nan) for v in (x, *exact_poisson(x, conf_level))
        )
    notes = missing_note(int(complete.sum()), len(data), n_missing)
    spread: dict[str, np.ndarray] = {}
    if sample is not None:
        found = weighted_ratios(happened, years, group, n_groups, sample)
        rate, df = np.where(person_years > 0, found.estimate, np.nan), found.df
        with np.errstate(invalid="ignore", divide="ignore"):
            std_error = np.where((x > 0) & (df > 0), found.std_error / rate, np.nan)
        half = t.ppf(0.5 + conf_level / 2, np.maximum(df, 1)) * std_error
        low, high = (np.where(x > 0, rate * np.exp(sign * half), end) for sign, end in ((-1, low), (1, high)))
        spread = {"std_error": std_error, "df": df}
        notes += (*sample.notes, *_notes(int(complete.sum() - inside.sum()), x, df))
    table = table.assign(
        term=event,
        measure=f"per {per:,g} person-years",
        estimate=per * rate,
        conf_low=per * low,
        conf_high=per * high,
        **spread,
        n=n.astype(int),
        events=x.astype(int),
        person_years=person_years,
    )
    return Estimates(
        table=tidy(table, groups),
        method=f"Incidence rate per {per:,g} person-years with {_intervals(clusters, design)}.",
        n=int(inside.sum()),
        events=int(happened[inside].sum()),
        n_missing=n_missing,
        notes=notes,
        conf_level=conf_level,
    )


def _clustered(rows: pd.DataFrame, clusters: Sequence[str]) -> Sample | None:
    """Clusters as the sampling units of a survey without weights; None without clusters."""
    if not clusters:
        return None
    if rows.empty:
        raise ValueError("cluster: no row is complete, so there are no clusters to see a spread between")
    codes, _ = group_codes(rows[list(clusters)])
    count_clusters(codes)
    return SurveyDesign(cluster="cluster").sample(pd.DataFrame({"cluster": codes}))


def _notes(weightless: int, events: np.ndarray, df: np.ndarray) -> list[str]:
    notes = []
    if weightless:
        notes.append(f"{weightless:,} rows with weight 0 are not counted.")
    if (events == 0).any():
        notes.append(
            "Where there is no event the interval is the exact Poisson interval, which knows nothing of clusters and "
            "weights."
        )
    if (df < 1).any():
        notes.append("Groups from a single cluster or sampling unit have no interval.")
    few = int(((df > 0) & (df < FEW_CLUSTERS)).sum())
    if few:
        where = "" if len(df) == 1 else f" in {few} of {len(df)} groups"
        notes.append(
            f"Few clusters or sampling units: fewer than {FEW_CLUSTERS} degrees of freedom{where}; the intervals "
            "use the t distribution and may still be too narrow."
        )
    return notes


def _intervals(clusters: Sequence[str], design: Design | None) -> str:
    if design is not None:
        return f"confidence intervals on the log scale from a sample survey ({design.describe()})"
    if clusters:
        return f"cluster-robust confidence intervals on the log scale (CR1, clusters by {' and '.join(clusters)})"
    return "exact Poisson confidence intervals"


def time_at_risk(values: pd.Series, name: str) -> np.ndarray:
    """Times as float64, NaN where missing; refuses what is no number, negative or infinite."""
    if not pd.api.types.is_numeric_dtype(values):
        raise ValueError(f"time: '{name}' must be a number, it is {values.dtype}")
    time = values.to_numpy(float, na_value=np.nan)
    if (time < 0).any():
        raise ValueError(f"time: '{name}' is negative in {int((time < 0).sum())} rows")
    if np.isinf(time).any():
        raise ValueError(f"time: '{name}' is infinite in {int(np.isinf(time).sum())} rows")
    return time
