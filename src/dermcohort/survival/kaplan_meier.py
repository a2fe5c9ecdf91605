"""Kaplan-Meier survival curves, with late entry, weights, clusters, survey designs and all the usual intervals.

The estimator and its sources are in `product_limit`, the influence of rows in `curve_influence`, the variances
made of it in `curve_variance`, arguments and groups in `curve_rows`, the views in `survival_curve`.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from .curve_rows import read_rows
from .product_limit import INTERVALS, survival_interval
from .sampling import Design
from .survival_curve import KaplanMeier

ESTIMATORS = {"kaplan-meier": "Kaplan-Meier", "fleming-harrington": "Fleming-Harrington"}
FALLS_EARLY = (
    "A curve falls to 0 while others enter later: few were at risk at the start. "
    "Begin the curve where the risk set is large enough."
)


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
    rows = read_rows(
        data,
        time,
        event,
        entry=entry,
        by=by,
        weights=weights,
        cluster=cluster,
        design=design,
        robust=robust,
    )
    parts, falls_early = [], False
    for group in rows.groups:
        result = group.curve(exponential=estimator == "fleming-harrington")
        low, high = survival_interval(result.survival, result.log_error, ci, conf_level)
        parts.append(
            pd.DataFrame(
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
        )
        falls_early |= result.survival[-1] == 0 and result.time[-1] > result.time[result.survival == 0][0]
    described = [f"pointwise {100 * conf_level:.4g}% confidence intervals ({ci})", *rows.described]
    return KaplanMeier(
        table=rows.table(parts, "time"),
        method=f"{ESTIMATORS[estimator]} estimates with {', '.join(described)}.",
        n=rows.n,
        events=rows.events,
        n_missing=rows.n_missing,
        notes=(*((FALLS_EARLY,) if falls_early else ()), *rows.notes),
        conf_level=conf_level,
        by=rows.by,
        time_label=time,
    )
