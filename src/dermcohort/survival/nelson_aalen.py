"""The Nelson-Aalen estimator of the cumulative hazard.

H(t) is the sum of d_k / n_k over the event times up to t, with the variance sum of d_k / n_k^2, or that of the
influence of the rows where they have weights, clusters or a survey design (`curve_influence`).

Sources: Nelson (1972) Technometrics 14:945; Aalen (1978) Ann Stat 6:701; Klein & Moeschberger (2003) Survival
Analysis, ch. 4.3 (intervals). As `cumhaz` and `std.chaz` of R's `survfit`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.stats import norm

from .curve_rows import read_rows
from .sampling import Design
from .survival_curve import NelsonAalen

INTERVALS = ("log", "plain")


def nelson_aalen(
    data: pd.DataFrame,
    time: str,
    event: str,
    *,
    entry: str | None = None,
    by: str | Sequence[str] | None = None,
    weights: str | None = None,
    cluster: str | Sequence[str] | None = None,
    design: Design | None = None,
    ci: str = "log",
    conf_level: float = 0.95,
    robust: bool | None = None,
) -> NelsonAalen:
    """Nelson-Aalen estimate of the cumulative hazard.

    Parameters
    ----------
    data, time, event, entry, by, weights, cluster, design, robust
        As for `kaplan_meier`.
    ci : {"log", "plain"}
        Scale of the pointwise interval: H exp(-+ z se / H), or H -+ z se with the lower limit not below 0. The
        logarithm has none where H is 0 (NaN).
    conf_level : float
        Level of the intervals, from the normal distribution.

    Returns
    -------
    NelsonAalen
        With `.at(times)` and `.plot()`. After the last time of a group the hazard is not known (NaN).

    Raises
    ------
    ValueError
        As `kaplan_meier`.

    Examples
    --------
    >>> data = pd.DataFrame({"years": [1.0, 2.0, 2.0, 4.0], "died": [1, 0, 1, 1]})
    >>> nelson_aalen(data, "years", "died").at([1, 3])[["time", "estimate", "n_risk"]].round(3)
       time  estimate  n_risk
    0   1.0     0.250     4.0
    1   3.0     0.583     1.0
    """
    if ci not in INTERVALS:
        raise ValueError(f"ci='{ci}' is unknown; choose one of {', '.join(INTERVALS)}")
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
    parts = []
    for group in rows.groups:
        # exp(-H) has as error of its logarithm the error of H
        result = group.curve(exponential=True)
        hazard = result.cumulative_hazard
        low, high = _interval(hazard, result.log_error, ci, conf_level)
        parts.append(
            pd.DataFrame(
                {
                    "time": result.time,
                    "measure": "cumulative hazard",
                    "estimate": hazard,
                    "conf_low": low,
                    "conf_high": high,
                    "std_error": result.log_error,
                    "n_risk": result.n_risk,
                    "events": result.events,
                    "censored": result.censored,
                }
            )
        )
    described = [f"pointwise {100 * conf_level:.4g}% confidence intervals ({ci})", *rows.described]
    return NelsonAalen(
        table=rows.table(parts, "time"),
        method=f"Nelson-Aalen estimates of the cumulative hazard with {', '.join(described)}.",
        n=rows.n,
        events=rows.events,
        n_missing=rows.n_missing,
        notes=rows.notes,
        conf_level=conf_level,
        by=rows.by,
        time_label=time,
    )


def _interval(
    hazard: np.ndarray, std_error: np.ndarray, kind: str, conf_level: float
) -> tuple[np.ndarray, np.ndarray]:
    half = norm.ppf(0.5 + conf_level / 2) * std_error
    if kind == "plain":
        return np.maximum(hazard - half, 0.0), hazard + half
    positive = np.where(hazard > 0, hazard, np.nan)
    return positive * np.exp(-half / positive), positive * np.exp(half / positive)
