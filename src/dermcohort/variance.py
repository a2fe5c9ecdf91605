"""From influence functions to a covariance: the one place where robust variances are made.

Row i of `influence` is what row i of the data contributes to the estimates, psi_i, so that the estimates are
off by about sum_i psi_i. Rows that may depend on each other are added up within their cluster first.
Source: Liang & Zeger (1986) Biometrika 73:13; MacKinnon & White (1985) J Econometrics 29:305; names as in the R
packages sandwich and clubSandwich.
"""

from __future__ import annotations

import numpy as np

UNCLUSTERED = ("HC0", "HC1")
CLUSTERED = ("CR0", "CR1")


def sandwich(influence: np.ndarray, cluster: np.ndarray | None = None, kind: str | None = None) -> np.ndarray:
    """Robust covariance of p estimates.

    Parameters
    ----------
    influence : ndarray of float64, shape (n, p)
        Influence of each row, weights included.
    cluster : ndarray of int, shape (n,), optional
        Codes 0, 1, ... of the clusters.
    kind : {"HC0", "HC1", "CR0", "CR1"}, optional
        HC1 multiplies by n / (n - p), CR1 by G / (G - 1) with G clusters. HC0 without clusters and CR0 with
        them where not given.

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
    kind = kind or ("HC0" if cluster is None else "CR0")
    check_kind(kind, clustered=cluster is not None)
    if cluster is None:
        if kind == "HC1" and n <= p:
            raise ValueError(f"robust='HC1' needs more rows ({n}) than coefficients ({p})")
        return influence.T @ influence * (n / (n - p) if kind == "HC1" else 1.0)
    n_clusters = int(cluster.max()) + 1
    if n_clusters < 2:
        raise ValueError("cluster: all rows are in one cluster; a clustered variance needs two or more")
    totals = np.column_stack([np.bincount(cluster, influence[:, j], n_clusters) for j in range(p)])
    return totals.T @ totals * (n_clusters / (n_clusters - 1) if kind == "CR1" else 1.0)


def check_kind(kind: str, *, clustered: bool) -> None:
    """Refuse a kind of robust variance that is unknown or does not fit the data."""
    if kind not in (*UNCLUSTERED, *CLUSTERED):
        known = ", ".join((*UNCLUSTERED, *CLUSTERED))
        raise ValueError(f"robust='{kind}' is not available; choose one of {known}")
    if clustered != (kind in CLUSTERED):
        wanted = "CR0 or CR1 with cluster=" if clustered else "HC0 or HC1 without cluster="
        raise ValueError(f"robust='{kind}' does not fit: use {wanted}")
