"""Power of comparisons of proportions between whole clusters: villages, schools, clinics."""

from __future__ import annotations

import math
from collections.abc import Callable

from scipy.optimize import brentq
from scipy.stats import nct, t

from ..estimates import Estimates
from .plan import (
    detectable,
    percent,
    plan,
    require_at_least,
    require_one_missing,
    require_shares,
    require_unequal,
    round_up,
)
from .precision import design_effect

FEW_CLUSTERS = 4
MOST_CLUSTERS = 2**20

Variance = Callable[[float], float]


def cluster_proportions(
    p1: float,
    p2: float | None = None,
    *,
    cluster_size: float,
    icc: float | None = None,
    k: float | None = None,
    cv: float = 0.0,
    clusters: float | None = None,
    power: float | None = None,
    alpha: float = 0.05,
) -> Estimates:
    """Compare the proportions of two arms of whole clusters: leave out the clusters, the power, or `p2`.

    The arms are compared by a t test of the proportions of their clusters (Hayes & Moulton 2017, Cluster
    Randomised Trials, 2nd ed., chapters 7 and 10), whose variance is p (1 - p) deff / m with an intracluster
    correlation, or p (1 - p) / m + k^2 p^2 with a coefficient of variation between clusters (Hayes & Bennett
    1999, Int J Epidemiol 28:319). The power is that of the noncentral t distribution, so that few clusters
    cost what they should; equal to R's power.t.test on the clusters.

    Parameters
    ----------
    p1, p2 : float
        Proportions in the two arms. Without `p2`, the smallest above `p1` that can be detected is found.
    cluster_size : float
        Mean number of people examined in a cluster.
    icc : float, optional
        Intracluster correlation of the outcome. Give `icc` or `k`.
    k : float, optional
        Standard deviation of the true proportions of the clusters of an arm over their mean.
    cv : float
        Standard deviation of the cluster sizes over their mean; with `icc` only.
    clusters : float, optional
        Clusters in each arm.
    power : float, optional
        Chance that the test is significant, 0 to 1.
    alpha : float
        Two-sided level of the test.

    Returns
    -------
    Estimates
        One row; `clusters` in each arm, `n` people in both arms together.

    Raises
    ------
    ValueError
        If not exactly one of `p2`, `clusters` and `power` is left out, or one of `icc` and `k`, or a value is
        impossible, or no second proportion could be detected.

    Examples
    --------
    >>> print(cluster_proportions(0.10, 0.15, cluster_size=100, icc=0.01, power=0.8).method)
    15 clusters of 100 people in each arm give 80% power to detect 10% against 15% with a two-sided t test of
    clusters at 5%, given an intracluster correlation of 0.01 (Hayes & Moulton 2017).
    """
    require_one_missing(p2=p2, clusters=clusters, power=power)
    require_one_missing(icc=icc, k=k)
    require_shares(p1=p1, p2=p2, power=power, alpha=alpha)
    require_at_least("power", power, alpha)
    require_at_least("clusters", clusters, 2)
    require_at_least("cluster_size", cluster_size, 1)
    require_at_least("k", k, 0)
    require_unequal(p1, p2)
    if k is not None and cv != 0:
        raise ValueError("cv belongs to icc: the coefficient k has no formula for clusters of several sizes")
    within = 1.0 if icc is None else design_effect(cluster_size, icc, cv=cv)

    def variance(p: float) -> float:
        """Of the proportion found in one cluster."""
        return p * (1 - p) * within / cluster_size + (0.0 if k is None else k**2 * p**2)

    if clusters is None:
        assert p2 is not None and power is not None
        clusters = clusters_for(p1, p2, variance, power, alpha)
        measure, answer = "clusters in each arm", clusters
    elif power is None:
        assert p2 is not None
        power = power_of_clusters(p1, p2, variance, clusters, alpha)
        measure, answer = "power", power
    else:
        p2 = detectable_between_clusters(p1, variance, clusters, power, alpha)
        measure, answer = "second proportion", p2
    arm = round_up(clusters)
    people = 2 * round_up(arm * cluster_size)
    between = (
        f"an intracluster correlation of {icc:g}" if k is None else f"a coefficient of variation of {k:g}"
    )
    sizes = f" and a coefficient of variation of cluster sizes of {cv:g}" if cv else ""
    return plan(
        {
            "p1": p1,
            "p2": p2,
            "power": power,
            "alpha": alpha,
            "cluster_size": cluster_size,
            "icc": icc,
            "k": k,
            "cv": cv,
            "clusters": arm,
        },
        measure=measure,
        answer=answer,
        n=people,
        method=f"{arm:,} clusters of {cluster_size:g} people in each arm give {percent(power)} power to detect "
        f"{percent(p1)} against {percent(p2)} with a two-sided t test of clusters at {percent(alpha)}, given "
        f"{between}{sizes} (Hayes & Moulton 2017).",
        notes=[f"Fewer than {FEW_CLUSTERS} clusters in an arm: one unusual cluster decides the result."]
        if arm < FEW_CLUSTERS
        else [],
    )


def power_of_clusters(p1: float, p2: float, variance: Variance, clusters: float, alpha: float) -> float:
    """Power of the t test of `clusters` in each arm; `variance` is that of the proportion of one cluster."""
    df = 2 * (clusters - 1)
    std_error = math.sqrt((variance(p1) + variance(p2)) / clusters)
    return float(nct.sf(t.isf(alpha / 2, df), df, abs(p1 - p2) / std_error))


def clusters_for(p1: float, p2: float, variance: Variance, power: float, alpha: float) -> float:
    """The clusters in each arm, at least two, at which `power_of_clusters` is `power`."""

    def lacking(clusters: float) -> float:
        return power - power_of_clusters(p1, p2, variance, clusters, alpha)

    enough = 2.0
    while lacking(enough) > 0:
        enough *= 2
        if enough > MOST_CLUSTERS:
            raise ValueError(
                f"p1={p1} and p2={p2} are too close: more than {MOST_CLUSTERS:,} clusters an arm"
            )
    return enough if enough == 2 else float(brentq(lacking, enough / 2, enough, xtol=1e-12))


def detectable_between_clusters(
    p1: float, variance: Variance, clusters: float, power: float, alpha: float
) -> float:
    """The second proportion above `p1` at which `power_of_clusters` is `power`."""
    return detectable(lambda p2: power_of_clusters(p1, p2, variance, clusters, alpha), p1, power)
