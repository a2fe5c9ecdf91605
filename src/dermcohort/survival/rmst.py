"""Restricted mean survival time: the mean time without the event up to tau, the area below the survival curve.

With A_k the area below the Kaplan-Meier curve from t_k to tau the variance is the sum of A_k^2 d_k / (n_k (n_k - d_k))
over the event times up to tau, or, with weights, clusters or a survey design, that of the influence of the rows: theirs
on log S, with the increment at t_k times A_k. Groups that share clusters or sampling units have a covariance by it.

Sources: Irwin (1949) J Hyg 47:188; Klein & Moeschberger (2003) Survival Analysis, ch. 4.5; Uno et al. (2014) J Clin
Oncol 32:2380 (differences and ratios). As `rmean` of R's `survfit`, as `survRM2::rmst2`, and with weights as
`residuals(survfit, type = "rmst")`, whose totals in clusters or a survey (`svytotal`) give their variances.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import norm

from ..design import level_text
from ..estimates import Estimates, tidy
from ..variance import Replicates, Sample
from .curve_rows import Group, read_rows
from .product_limit import ProductLimit, product_limit
from .sampling import Design

NO_SPREAD = "Where nobody, or everybody at once, has the event up to tau the standard error is 0: intervals are too narrow."


def rmst(
    data: pd.DataFrame,
    time: str,
    event: str,
    *,
    tau: float,
    by: str | Sequence[str] | None = None,
    entry: str | None = None,
    weights: str | None = None,
    cluster: str | Sequence[str] | None = None,
    design: Design | None = None,
    conf_level: float = 0.95,
    robust: bool | None = None,
) -> Estimates:
    """Restricted mean survival time of each group, and differences and ratios against the first.

    Parameters
    ----------
    data, time, event, by, entry, weights, cluster, design, robust
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
        cluster=cluster,
        design=design,
        robust=robust,
    )
    means, covariance = _of_groups(rows.groups, tau)
    errors = np.sqrt(np.diag(covariance))
    z = norm.ppf(0.5 + conf_level / 2)
    first = ", ".join(level_text(level) for level in rows.groups[0].labels.values())
    counts = [{"n": len(group.exit_), "events": int(group.event.sum())} for group in rows.groups]
    absolute: list[dict[str, Any]] = [
        {
            "reference": None,
            "measure": "RMST",
            "estimate": mean,
            "conf_low": mean - z * error,
            "conf_high": mean + z * error,
            "coef": mean,
            "std_error": error,
        }
        for mean, error in zip(means, errors, strict=True)
    ]
    pairs = [[0, i] for i in range(1, len(means))]
    against = [_against_first(means[pair], covariance[np.ix_(pair, pair)], z) for pair in pairs]
    differences = [{**pair[0], "reference": first} for pair in against]
    ratios = [{**pair[1], "reference": first} for pair in against]
    numbers = [*range(len(means)), *range(1, len(means)), *range(1, len(means))]
    lines = [
        {**rows.groups[i].labels, **row, **counts[i]}
        for i, row in zip(numbers, [*absolute, *differences, *ratios], strict=True)
    ]
    table = tidy(pd.DataFrame(lines).astype(rows.dtypes), rows.by)
    kinds = ", ".join(["confidence intervals from the normal distribution", *rows.described])
    return Estimates(
        table=table if against else table.drop(columns="reference"),
        method=f"Restricted mean survival time up to {tau:g} ({kinds}).",
        n=rows.n,
        events=rows.events,
        n_missing=rows.n_missing,
        notes=(
            *((f"Differences and ratios are against {first}.",) if against else ()),
            *((NO_SPREAD,) if (errors == 0).any() else ()),
            *rows.notes,
        ),
        conf_level=conf_level,
    )


def _of_groups(groups: Sequence[Group], tau: float) -> tuple[np.ndarray, np.ndarray]:
    """Restricted means (G,) of the groups, and their covariance (G, G)."""
    curves = [_curve(group, group.weights) for group in groups]
    for group, curve in zip(groups, curves, strict=True):
        _require_known(group, curve, tau)
    areas = [_areas(curve.time, curve.survival, tau) for curve in curves]
    means = np.array([mean for mean, _ in areas])
    sample = groups[0].dependence.sample
    if isinstance(sample, Replicates):

        def again(weights: np.ndarray) -> np.ndarray:
            refits = [_curve(group, weights[group.dependence.places]) for group in groups]
            return np.array([_areas(curve.time, curve.survival, tau)[0] for curve in refits])

        covariance = sample.covariance(again)
    else:
        later = [
            after[np.searchsorted(curve.time, np.unique(group.exit_[group.event > 0]))]
            for group, curve, (_, after) in zip(groups, curves, areas, strict=True)
        ]
        covariance = _covariance(groups, curves, later)
    unknown = [not group.dependence.known for group in groups]
    covariance[unknown], covariance[:, unknown] = np.nan, np.nan
    return means, covariance


def _curve(group: Group, weights: np.ndarray | None) -> ProductLimit:
    return product_limit(group.entry, group.exit_, group.event, weights)


def _require_known(group: Group, curve: ProductLimit, tau: float) -> None:
    if tau > curve.time[-1] and curve.survival[-1] > 0:
        where = " and ".join(f"'{name}' = {level}" for name, level in group.labels.items())
        raise ValueError(
            f"tau={tau:g} is after the last time{f' of {where}' if where else ''}, {curve.time[-1]:g}: "
            "survival is not known there, choose a smaller tau"
        )


def _covariance(
    groups: Sequence[Group], curves: Sequence[ProductLimit], later: Sequence[np.ndarray]
) -> np.ndarray:
    """Covariance (G, G) of the means from the areas `later` than each event time."""
    dependence = groups[0].dependence
    if dependence.cluster is None and dependence.sample is None and not dependence.robust:
        by_formula = [curve.influence.per_risk @ area**2 for curve, area in zip(curves, later, strict=True)]
        return np.diag(by_formula)
    influences = [_influence(curve, area) for curve, area in zip(curves, later, strict=True)]
    if isinstance(dependence.sample, Sample):
        places = [group.dependence.places for group in groups]
        return dependence.sample.covariance(_totals(influences, places, len(dependence.sample.weights)))
    if dependence.cluster is None:
        return np.diag([influence @ influence for influence in influences])
    clusters = [group.dependence.cluster for group in groups]
    totals = _totals(influences, clusters, 1 + max(int(own.max()) for own in clusters if own is not None))
    return totals.T @ totals


def _totals(influences: Sequence[np.ndarray], units: Sequence[np.ndarray | None], n_units: int) -> np.ndarray:
    """Sums (n_units, G) of the influence of each group's rows within units."""
    columns = [
        np.bincount(unit, own, n_units)
        for unit, own in zip(units, influences, strict=True)
        if unit is not None
    ]
    return np.column_stack(columns)


def _influence(curve: ProductLimit, later: np.ndarray) -> np.ndarray:
    """Influence (n,) of the rows on the mean, weights included."""
    of = curve.influence
    if not len(later):
        return np.zeros(len(of.weights))
    at_risk = np.append(0.0, np.cumsum(of.per_risk * later))
    own = np.where(of.event, (of.per_event * later)[np.maximum(of.last - 1, 0)], 0.0)
    return of.weights * (at_risk[of.last] - at_risk[of.first] - own)


def _areas(time: np.ndarray, survival: np.ndarray, tau: float) -> tuple[float, np.ndarray]:
    """Area below the curve from 0 to tau, and from each time to tau."""
    widths = np.diff(np.minimum(np.append(time, tau), tau))
    later = np.cumsum((survival * widths)[::-1])[::-1]
    return float(min(time[0], tau) + later[0]), later


def _against_first(
    means: np.ndarray, covariance: np.ndarray, z: float
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Difference and ratio of the second of two means to the first, with their tests."""
    difference, error = means[1] - means[0], _error(np.array([-1.0, 1.0]), covariance)
    if means.min() > 0:
        log_ratio = math.log(means[1] / means[0])
        log_error = _error(np.array([-1.0, 1.0]) / means, covariance)
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


def _error(gradient: np.ndarray, covariance: np.ndarray) -> float:
    return math.sqrt(max(gradient @ covariance @ gradient, 0.0))


def _test(coef: float, error: float) -> dict[str, float]:
    """Wald test; without any spread there is none."""
    statistic = coef / error if error > 0 else math.nan
    return {
        "coef": coef,
        "std_error": error,
        "statistic": statistic,
        "p_value": float(2 * norm.sf(abs(statistic))),
    }
