"""Kaplan-Meier survival curves, with late entry, weights, clusters, survey designs and all the usual intervals.

The estimator and its sources are in `product_limit`, the influence of rows in `curve_influence`, the variances
made of it in `curve_variance`, the views in `survival_curve`; here are the arguments and the groups.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from ..design import as_list, binary_outcome, require_columns, sparse_notes
from ..estimates import missing_note, tidy
from ..groups import printable_groups
from ..variance.robust import count_clusters
from .curve_variance import Dependence, curve
from .frame import check_times, check_weights, used_columns
from .product_limit import survival_interval
from .sampling import Design, refuse_beside_design, sample_notes, sampled_rows
from .survival_curve import KaplanMeier

INTERVALS = ("plain", "log", "log-log", "logit", "arcsin")
ESTIMATORS = {"kaplan-meier": "Kaplan-Meier", "fleming-harrington": "Fleming-Harrington"}


def kaplan_meier(
    data: pd.DataFrame,
    time: str,
    event: str,
    *,
    entry: str | None = None,
    by: str | Sequence[str] | None = None,
    weights: str | None = None,
    cluster: str | Sequence[str] | None = None,
    design: Design | None = None,
    estimator: str = "kaplan-meier",
    ci: str = "log-log",
    conf_level: float = 0.95,
    robust: bool | None = None,
) -> KaplanMeier:
    """Kaplan-Meier estimate of the survival function.

    Parameters
    ----------
    data : DataFrame
        One row a person, or an episode where `entry` is given. With `design` every row that was sampled. Rows with a
        missing value in a column used are left out and counted; in a design they stay as rows without influence.
    time : str
        Column of the time of event or end of follow-up.
    event : str
        Column that is 0/1, bool, or a category of two levels, the second being the event.
    entry : str, optional
        Column of the time from which a row is at risk (left truncation): at risk over (entry, time].
    by : str or list of str, optional
        One curve for each combination of these columns.
    weights : str, optional
        Column of case or inverse-probability weights. The standard error is then robust (infinitesimal
        jackknife, each row on its own) unless ``robust=False``, which is right for frequency weights.
    cluster : str or list of str, optional
        Column or columns whose rows may depend on each other (villages, or the episodes of a person): the influences
        of the rows are summed within clusters (CR0, as R's ``survfit(cluster = )``).
    design : SurveyDesign or ReplicateDesign, optional
        How the rows were sampled; in the place of `weights`, `cluster` and `robust`.
    estimator : {"kaplan-meier", "fleming-harrington"}
        The product of 1 - d/n over the event times, or exp(-H) with H the sum of d/n (Nelson-Aalen), which is what
        R's ``svykm(se = TRUE)`` and ``survfit(stype = 2)`` give.
    ci : {"log-log", "log", "plain", "logit", "arcsin"}
        Scale of the pointwise interval. Where S is 1 (or 0), log-log, logit and arcsin have none (NaN).
    conf_level : float
        Level of the intervals, which are from the normal distribution, as R's for weights, clusters and surveys.
    robust : bool, optional
        Ask for, or refuse, the robust standard error.

    Returns
    -------
    KaplanMeier
        With `.at(times)`, `.quantile(p)`, `.plot()`. A curve whose rows are all in one cluster, or one sampling unit
        of each stratum, has no standard error (NaN).

    Raises
    ------
    ValueError
        For times that do not fit, arguments that do not fit each other, a single cluster, or a design that does not
        fit the data (see `SurveyDesign.sample`).

    Examples
    --------
    >>> data = pd.DataFrame({"years": [1.0, 2.0, 2.0, 4.0], "died": [1, 0, 1, 1]})
    >>> kaplan_meier(data, "years", "died").at([1, 3])[["time", "estimate", "n_risk"]]
       time  estimate  n_risk
    0   1.0      0.75     4.0
    1   3.0      0.50     1.0
    """
    if ci not in INTERVALS:
        raise ValueError(f"ci='{ci}' is unknown; choose one of {', '.join(INTERVALS)}")
    if estimator not in ESTIMATORS:
        raise ValueError(f"estimator='{estimator}' is unknown; choose one of {', '.join(ESTIMATORS)}")
    if robust is False and cluster is not None:
        raise ValueError("robust=False does not fit cluster=: leave one out")
    refuse_beside_design(design, weights=weights, cluster=cluster, robust=robust)
    groups, clusters = as_list(by), as_list(cluster)
    used = used_columns(time, event, entry, groups, weights, clusters)
    require_columns(data, used, "data")
    n_missing = {name: int(data[name].isna().sum()) for name in used}
    source, sample = (data, None) if design is None else sampled_rows(data, design)
    frame = source[used].dropna()
    if frame.empty:
        raise ValueError(f"no row has all of {', '.join(used)}")
    start, exit_ = check_times(frame, time, entry)
    happened = binary_outcome(frame[event], event)
    w = check_weights(frame, weights) if sample is None else sample.weights[frame.index]
    use_robust = w is not None if robust is None else robust
    codes = frame.groupby(clusters, observed=True).ngroup().to_numpy() if clusters else None
    n_clusters = None if codes is None else count_clusters(codes)
    places = None if sample is None else frame.index.to_numpy()
    dependence = Dependence(use_robust, codes, sample, places)

    labelled = printable_groups(frame[groups]).reset_index(drop=True)
    positions: list[tuple[Any, pd.DataFrame]] = [(np.arange(len(frame)), labelled)]
    if groups:
        positions = [(p.index.to_numpy(), p) for _, p in labelled.groupby(groups, observed=True, sort=True)]
    parts = []
    notes = [*missing_note(len(frame), len(source), n_missing)]
    for rows, first in positions:
        of_rows = dependence.of(rows)
        result = curve(
            None if start is None else start[rows],
            exit_[rows],
            happened[rows],
            None if w is None else w[rows],
            of_rows,
            exponential=estimator == "fleming-harrington",
        )
        if not of_rows.known:
            notes.append("A curve from a single cluster or sampling unit has no standard error.")
        low, high = survival_interval(result.survival, result.log_error, ci, conf_level)
        part = pd.DataFrame(
            {
                "time": result.time,
                "measure": "survival",
                "estimate": result.survival,
                "conf_low": low,
                "conf_high": high,
                "std_error": result.survival * result.log_error,
                "n_risk": result.n_risk,
                "events": result.events,
                "censored": result.censored,
            }
        )
        parts.append(part.assign(**{name: first[name].iloc[0] for name in groups}))
        if result.survival[-1] == 0 and result.time[-1] > result.time[result.survival == 0][0]:
            notes.append(
                "A curve falls to 0 while others enter later: few were at risk at the start. "
                "Begin the curve where the risk set is large enough."
            )
    table = pd.concat(parts, ignore_index=True).astype({name: labelled[name].dtype for name in groups})
    if weights is not None:
        kind = (
            "case or inverse-probability weights, robust standard error"
            if use_robust
            else "frequency weights"
        )
        notes.append(f"Weights: {kind}, from '{weights}'; numbers at risk are sums of weights.")
    notes += sparse_notes(
        int(happened.sum()), 0, n_clusters, remedy="Show the curves of the clusters (by=) beside it."
    )
    if sample is not None:
        if (sample.weights != 1).any():
            notes.append("Numbers at risk and of events are sums of sampling weights.")
        notes += sample_notes(sample, frame.index.to_numpy())
    return KaplanMeier(
        table=tidy(table, [*groups, "time"]),
        method=_method(estimator, ci, conf_level, entry, clusters, design),
        n=len(frame),
        events=int(happened.sum()),
        n_missing=n_missing,
        notes=tuple(dict.fromkeys(notes)),
        conf_level=conf_level,
        by=tuple(groups),
        time_label=time,
    )


def _method(
    estimator: str,
    ci: str,
    conf_level: float,
    entry: str | None,
    clusters: Sequence[str],
    design: Design | None,
) -> str:
    parts = [f"pointwise {100 * conf_level:.4g}% confidence intervals ({ci})"]
    if clusters:
        parts.append(f"robust variance clustered by {' and '.join(clusters)}")
    text = f"{ESTIMATORS[estimator]} estimates with {' and '.join(parts)}"
    if entry is not None:
        text += ", delayed entry"
    if design is not None:
        text += f", from a sample survey ({design.describe()})"
    return f"{text}."
