"""Covariance of estimates whose rows are independent, or independent between clusters.

Source: Liang & Zeger (1986) Biometrika 73:13; MacKinnon & White (1985) J Econometrics 29:305; names as in the R
packages sandwich and clubSandwich.
"""

from __future__ import annotations

import numpy as np

UNCLUSTERED = ("HC0", "HC1", "HC3")
CLUSTERED = ("CR0", "CR1", "CR1S", "CR2", "CR3")
NEED_MODEL = ("HC3", "CR2", "CR3")  # see few_clusters.py


def sandwich(
    influence: np.ndarray,
    cluster: np.ndarray | None = None,
    kind: str | None = None,
    n_parameters: int | None = None,
) -> np.ndarray:
    """Robust covariance of p estimates.

    Parameters
    ----------
    influence : ndarray of float64, shape (n, p)
        Influence of each row, weights included.
    cluster : ndarray of int, shape (n,), optional
        Codes 0, 1, ... of the clusters.
    kind : {"HC0", "HC1", "CR0", "CR1", "CR1S"}, optional
        With G clusters and k parameters HC1 multiplies by n / (n - k), CR1 by G / (G - 1), CR1S by
        G (n - 1) / ((G - 1) (n - k)). HC0 without clusters and CR0 with them where not given. HC3, CR2 and CR3
        need the model: `bias_reduced`.
    n_parameters : int, optional
        k, where it is not p.

    Returns
    -------
    ndarray of float64, shape (p, p)

    Raises
    ------
    ValueError
        For an unknown kind, one that does not fit `cluster`, or a single cluster.

    Examples
    --------
    >>> sandwich(np.array([[1.0], [-1.0], [2.0]]), np.array([0, 0, 1]))
    array([[4.]])
    """
    n, p = influence.shape
    k = p if n_parameters is None else n_parameters
    kind = kind or ("HC0" if cluster is None else "CR0")
    check_kind(kind, clustered=cluster is not None)
    if kind in NEED_MODEL:
        raise ValueError(f"robust='{kind}' needs more of a model than its influence: use bias_reduced")
    if kind in ("HC1", "CR1S") and n <= k:
        raise ValueError(f"robust='{kind}' needs more rows ({n}) than coefficients ({k})")
    if cluster is None:
        return influence.T @ influence * (n / (n - k) if kind == "HC1" else 1.0)
    n_clusters = count_clusters(cluster)
    totals = unit_totals(influence, cluster, n_clusters)
    factor = {
        "CR0": 1.0,
        "CR1": n_clusters / (n_clusters - 1),
        "CR1S": n_clusters / (n_clusters - 1) * (n - 1) / max(n - k, 1),
    }
    return totals.T @ totals * factor[kind]


def unit_totals(values: np.ndarray, unit: np.ndarray, n_units: int) -> np.ndarray:
    """Sums of the rows of `values` (n, p) within each unit, (n_units, p)."""
    return np.column_stack([np.bincount(unit, column, n_units) for column in values.T])


def count_clusters(cluster: np.ndarray) -> int:
    """The number of clusters, which must be two or more."""
    n_clusters = int(cluster.max()) + 1
    if n_clusters < 2:
        raise ValueError("cluster: all rows are in one cluster; a clustered variance needs two or more")
    return n_clusters


def choose_kind(
    robust: str | bool | None, default: str | None, *, weighted: bool, clustered: bool
) -> str | None:
    """The robust variance that was asked for, or that the data ask for; None for the model's own."""
    if robust is False:
        if clustered:
            raise ValueError("robust=False does not fit cluster=: leave one out")
        return None
    if robust is None or robust is True:
        if clustered:
            return "CR1"
        return "HC0" if weighted or robust else default
    check_kind(robust, clustered=clustered)
    return robust


def check_kind(kind: str, *, clustered: bool) -> None:
    """Refuse a kind of robust variance that is unknown or does not fit the data."""
    if kind not in (*UNCLUSTERED, *CLUSTERED):
        known = ", ".join((*UNCLUSTERED, *CLUSTERED))
        raise ValueError(f"robust='{kind}' is not available; choose one of {known}")
    if clustered != (kind in CLUSTERED):
        wanted = (
            f"{_either(CLUSTERED)} with cluster=" if clustered else f"{_either(UNCLUSTERED)} without cluster="
        )
        raise ValueError(f"robust='{kind}' does not fit: use {wanted}")


def _either(kinds: tuple[str, ...]) -> str:
    return f"{', '.join(kinds[:-1])} or {kinds[-1]}"
