"""Restricted mean survival time: the mean time without the event up to tau, the area below the survival curve.

With A_k the area below the Kaplan-Meier curve from t_k to tau the variance is the sum of A_k^2 d_k / (n_k (n_k - d_k))
over the event times up to tau, or, with weights, that of the influence of the rows: theirs on -log S, with the
increment at t_k times A_k.

Sources: Irwin (1949) J Hyg 47:188; Klein & Moeschberger (2003) Survival Analysis, ch. 4.5; Uno et al. (2014) J Clin
Oncol 32:2380 (differences and ratios). As `rmean` of R's `survfit`, as `survRM2::rmst2`, and with weights as
`residuals(survfit, type = "rmst")`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import norm

from ..design import level_text
from ..estimates import Estimates, tidy
from .curve_rows import Group, read_rows


def rmst(
    data: pd.DataFrame,
    time: str,
    event: str,
    *,
    tau: float,
    by: str | Sequence[str] | None = None,
    entry: str | None = None,
    weights: str | None = None,
    conf_level: float = 0.95,
    robust: bool | None = None,
) -> Estimates:
    """Restricted mean survival time of each group, and differences and ratios against the first.

    Parameters
    ----------
    data, time, event, by, entry, weights, robust
        As for `kaplan_meier`.
    tau : float
        Time up to which survival counts, in the unit of `time`.
    conf_level : float
        Level of the intervals, from the normal distribution; of a ratio on the log scale.

    Returns
    -------
    Estimates
        Rows of `measure` "RMST", one a group; then "RMST difference" and "RMST ratio" of every group against the
        first, which `reference` names, with p-values. `std_error` of a ratio is that of its logarithm, which is
        `coef`.

    Raises
    ------
    ValueError
        As `kaplan_meier`; and where tau is after the last time of a group whose curve has not come down to 0, as its
        survival is not known there.

    Examples
    --------
    >>> data = pd.DataFrame({"years": [1, 2, 4, 4], "died": [1, 1, 0, 0], "arm": list("abab")})
    >>> found = rmst(data, "years", "died", tau=3, by="arm").table
    >>> found[["arm", "reference", "measure", "estimate"]]
      arm reference          measure  estimate
    0   a      None             RMST      2.00
    1   b      None             RMST      2.50
    2   b         a  RMST difference      0.50
    3   b         a       RMST ratio      1.25
    """
    if not (np.isfinite(tau) and tau > 0):
        raise ValueError(f"tau must be a positive number, it is {tau}")
    rows = read_rows(
        data,
        time,
        event,
        entry=entry,
        by=by,
        weights=weights,
        cluster=None,
        design=None,
        robust=robust,
    )
    found = [_of_group(group, tau) for group in rows.groups]
    z = norm.ppf(0.5 + conf_level / 2)
    first = ", ".join(level_text(level) for level in rows.groups[0].labels.values())
    counts = [{"n": len(group.exit_), "events": int(group.event.sum())} for group in rows.groups]
    means: list[dict[str, Any]] = [
        {
            "reference": None,
            "measure": "RMST",
            "estimate": mean,
            "conf_low": mean - z * error,
            "conf_high": mean + z * error,
            "coef": mean,
            "std_error": error,
        }
        for mean, error in found
    ]
    against = [_against_first(found[0], other, z) for other in found[1:]]
    differences = [{**pair[0], "reference": first} for pair in against]
    ratios = [{**pair[1], "reference": first} for pair in against]
    numbers = [*range(len(found)), *range(1, len(found)), *range(1, len(found))]
    lines = [
        {**rows.groups[i].labels, **row, **counts[i]}
        for i, row in zip(numbers, [*means, *differences, *ratios], strict=True)
    ]
    table = tidy(pd.DataFrame(lines).astype(rows.dtypes), rows.by)
    kinds = ", ".join(["confidence intervals from the normal distribution", *rows.described])
    return Estimates(
        table=table if against else table.drop(columns="reference"),
        method=f"Restricted mean survival time up to {tau:g} ({kinds}).",
        n=rows.n,
        events=rows.events,
        n_missing=rows.n_missing,
        notes=(*((f"Differences and ratios are against {first}.",) if against else ()), *rows.notes),
        conf_level=conf_level,
    )


def _of_group(group: Group, tau: float) -> tuple[float, float]:
    """Restricted mean and its standard error."""
    curve = group.curve(exponential=False)
    if tau > curve.time[-1] and curve.survival[-1] > 0:
        where = " and ".join(f"'{name}' = {level}" for name, level in group.labels.items())
        raise ValueError(
            f"tau={tau:g} is after the last time{f' of {where}' if where else ''}, {curve.time[-1]:g}: "
            "survival is not known there, choose a smaller tau"
        )
    mean, later = _areas(curve.time, curve.survival, tau)
    at_events = later[np.searchsorted(curve.time, np.unique(group.exit_[group.event > 0]))]
    influence = curve.influence
    of_log = group.dependence.variance()
    if of_log is None:
        return mean, float(np.sqrt(np.sum(at_events**2 * influence.per_risk)))
    of_mean = replace(
        influence, per_event=influence.per_event * at_events, per_risk=influence.per_risk * at_events
    )
    return mean, float(np.sqrt(of_log(of_mean)[-1])) if len(at_events) else 0.0


def _areas(time: np.ndarray, survival: np.ndarray, tau: float) -> tuple[float, np.ndarray]:
    """Area below the curve from 0 to tau, and from each time to tau."""
    widths = np.diff(np.minimum(np.append(time, tau), tau))
    later = np.cumsum((survival * widths)[::-1])[::-1]
    return float(min(time[0], tau) + later[0]), later


def _against_first(
    first: tuple[float, float], other: tuple[float, float], z: float
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Difference and ratio of two independent means, with their tests."""
    (mean_0, error_0), (mean_1, error_1) = first, other
    difference, error = mean_1 - mean_0, math.hypot(error_0, error_1)
    if min(mean_0, mean_1) > 0:
        log_ratio, log_error = math.log(mean_1 / mean_0), math.hypot(error_0 / mean_0, error_1 / mean_1)
    else:  # everybody has the event at 0
        log_ratio, log_error = math.nan, math.nan
    return (
        {
            "measure": "RMST difference",
            "estimate": difference,
            "conf_low": difference - z * error,
            "conf_high": difference + z * error,
            **_test(difference, error),
        },
        {
            "measure": "RMST ratio",
            "estimate": math.exp(log_ratio),
            "conf_low": math.exp(log_ratio - z * log_error),
            "conf_high": math.exp(log_ratio + z * log_error),
            **_test(log_ratio, log_error),
        },
    )


def _test(coef: float, error: float) -> dict[str, float]:
    """Wald test; without any spread there is none."""
    statistic = coef / error if error > 0 else math.nan
    return {
        "coef": coef,
        "std_error": error,
        "statistic": statistic,
        "p_value": float(2 * norm.sf(abs(statistic))),
    }
