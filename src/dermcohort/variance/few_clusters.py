"""Robust variances that correct for the leverage of rows (HC3) and of clusters (CR2, CR3), for few clusters.

For any model whose estimating equations are sum_i u_i r_i e_i = 0: u_i the derivative of the mean in the
parameters, r_i the weight of the equation, e_i the residual on the scale of the outcome, of working variance
phi_i. Least squares: u = x, r = phi = 1. Logistic regression: u = v x, r = 1 / v, phi = v with v = p (1 - p).

With H = U M U' R, M = (U' R U)^-1 and a cluster's rows g:
CR2: A_g = D (D [(I - H) Phi (I - H)']_gg D)^(-1/2) D, D = Phi_g^(1/2), the symmetric root (Bell & McCaffrey 2002;
Pustejovsky & Tipton 2018 JBES 36:672, eq. 11), with Satterthwaite degrees of freedom (their eq. 12).
CR3: A_g = (I - H_gg)^(-1), the jackknife over clusters. Numbers as R's clubSandwich.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from .robust import check_kind, count_clusters

# Roots of (n_g, n_g) matrices take about 10 n_g^3 operations: up to some ten seconds in all
DENSE_LIMIT = 2e9
SMALL = 1e-10
# Of more numbers (clusters times squared coefficients) the joint degrees of freedom are not kept: 50 MB
KEPT = 2e6

Adjustment = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True, eq=False)
class MeanModel:
    """What the corrections need of a fitted model.

    Parameters
    ----------
    gradient : ndarray, shape (n, p)
        u_i, derivative of each row's mean in the parameters.
    weight : ndarray, shape (n,)
        r_i, weight of each row in the estimating equations.
    residual : ndarray, shape (n,)
        e_i, outcome less mean.
    variance : ndarray, shape (n,)
        phi_i, working variance of the residual, up to a factor.
    """

    gradient: np.ndarray
    weight: np.ndarray
    residual: np.ndarray
    variance: np.ndarray


@dataclass(frozen=True, eq=False)
class JointDf:
    """Degrees of freedom of CR2 for any combinations of the parameters, from what each cluster adds to them.

    With a_sg the weights by which the residuals of cluster g enter parameter s, and working variances Phi, the
    covariance of the parts of clusters g and h is Q_st[g, h] = (a_sg' Phi a_tg if g = h) - b_sg K b_th', which is
    never formed: it has a row for each cluster. `own` is a_sg' Phi a_tg, shape (G, p, p), `parts` is b, shape
    (G, 2 p, p), and `kernel` is K.
    """

    own: np.ndarray
    parts: np.ndarray
    kernel: np.ndarray

    def __call__(self, combinations: np.ndarray) -> float:
        """Of the rows of `combinations` (q, p) together: Satterthwaite's for one, for several those of HTZ.

        q (q + 1) / sum_st Var(V_st), V the variance of the combinations scaled to have the identity as expectation
        (Pustejovsky & Tipton 2018; for q = 1 their eq. 12).
        """
        q = len(combinations)
        expected = self._of(combinations)._expected()
        if not (np.linalg.eigvalsh(expected) > 0).all():
            return np.nan
        scaled = self._of(np.linalg.inv(np.linalg.cholesky(expected)) @ combinations)
        d, low = scaled.own, scaled._low()
        parts = np.ascontiguousarray(scaled.parts.transpose(2, 0, 1))
        total = 0.0
        for s in range(q):
            for t in range(q):
                # Var(V_st) = sum_gh Q_ss[g, h] Q_tt[g, h] + Q_st[g, h] Q_st[h, g]
                between = parts[s].T @ parts[t]
                cross, back = self.kernel @ between, self.kernel @ between.T
                total += d[:, s, s] @ d[:, t, t] - d[:, s, s] @ low[:, t, t] - low[:, s, s] @ d[:, t, t]
                total += d[:, s, t] @ d[:, s, t] - 2 * d[:, s, t] @ low[:, s, t]
                total += np.sum(cross * back.T) + np.sum(back * back.T)
        return float(q * (q + 1) / total) if total > 0 else np.nan

    def _of(self, combinations: np.ndarray) -> JointDf:
        own = combinations @ self.own @ combinations.T
        return JointDf(own, self.parts @ combinations.T, self.kernel)

    def _low(self) -> np.ndarray:
        """b_sg K b_tg', shape (G, q, q)."""
        return self.parts.transpose(0, 2, 1) @ (self.kernel @ self.parts)

    def _expected(self) -> np.ndarray:
        """Q_st[g, g] summed over the clusters: the expectation of V."""
        return (self.own - self._low()).sum(axis=0)


@dataclass(frozen=True, eq=False)
class BiasReduced:
    """Covariance, degrees of freedom (CR2 only) of each parameter and jointly, and whether the root is the symmetric one."""

    covariance: np.ndarray
    df: np.ndarray | None = None
    joint_df: JointDf | None = None
    symmetric_root: bool = True


def bias_reduced(model: MeanModel, cluster: np.ndarray | None, kind: str) -> BiasReduced:
    """Covariance of kind HC3, CR2 or CR3.

    Parameters
    ----------
    model : MeanModel
    cluster : ndarray of int, shape (n,), or None
        Codes 0, 1, ... of the clusters.
    kind : {"HC3", "CR2", "CR3"}

    Returns
    -------
    BiasReduced
        `covariance` (p, p); `df` (p,) Satterthwaite degrees of freedom where the kind is CR2.

    Notes
    -----
    The symmetric root takes the cube of each cluster's size. Where that is too long (clusters of thousands of
    rows whose working variances differ) CR2 takes the root in the metric of the working variances, which is as
    valid, differs by about 1% in small samples, and says so in `symmetric_root`.

    Examples
    --------
    >>> x, y = np.array([0.0, 1, 2, 3]), np.array([0.0, 1, 1, 3])
    >>> X = np.column_stack([np.ones(4), x])
    >>> residual = y - X @ np.linalg.lstsq(X, y, rcond=None)[0]
    >>> ones = np.ones(4)
    >>> found = bias_reduced(MeanModel(X, ones, residual, ones), np.array([0, 0, 1, 1]), "CR3")
    >>> found.covariance.shape
    (2, 2)
    """
    check_kind(kind, clustered=cluster is not None)
    U, r = model.gradient, model.weight
    bread = np.linalg.pinv((U * r[:, None]).T @ U, hermitian=True)
    if cluster is None:
        leverage = np.einsum("ij,jk,ik->i", U, bread, U) * r
        adjusted = r * model.residual / np.where(leverage < 1 - SMALL, 1 - leverage, np.nan)
        influence = U * adjusted[:, None] @ bread
        return BiasReduced(influence.T @ influence)
    n_clusters = count_clusters(cluster)
    order = np.argsort(cluster, kind="stable")
    ends = np.cumsum(np.bincount(cluster, minlength=n_clusters))
    rows_of = [slice(start, end) for start, end in zip([0, *ends[:-1]], ends, strict=True)]
    by_cluster = MeanModel(U[order], r[order], model.residual[order], model.variance[order])
    if kind == "CR3":
        return BiasReduced(_jackknife(by_cluster, bread, rows_of))
    return _bell_mccaffrey(by_cluster, bread, rows_of)


def _jackknife(model: MeanModel, bread: np.ndarray, rows_of: Sequence[slice]) -> np.ndarray:
    """U_g' R_g (I - H_gg)^-1 e_g = (I - K_g M)^-1 U_g' R_g e_g with K_g = U_g' R_g U_g, by Woodbury's identity."""
    identity = np.eye(len(bread))
    adjusted = np.empty((len(rows_of), len(bread)))
    for g, rows in enumerate(rows_of):
        U = model.gradient[rows]
        RU = U * model.weight[rows, None]
        # a cluster alone in determining a parameter leaves nothing to be estimated without it
        rest = np.linalg.pinv(identity - RU.T @ U @ bread, rcond=SMALL)
        adjusted[g] = rest @ (RU.T @ model.residual[rows])
    influence = adjusted @ bread
    return influence.T @ influence


def _bell_mccaffrey(model: MeanModel, bread: np.ndarray, rows_of: Sequence[slice]) -> BiasReduced:
    r, e, phi = model.weight, model.residual, model.variance
    p, n_clusters = len(bread), len(rows_of)
    size = [rows.stop - rows.start for rows in rows_of]
    inverse_variance = np.allclose(r * phi, 1.0, rtol=1e-12)
    low_rank_is_symmetric = inverse_variance and all(
        np.ptp(phi[rows]) <= SMALL * phi[rows].max() for rows in rows_of
    )
    dense = not low_rank_is_symmetric and sum(float(n) ** 3 for n in size) <= DENSE_LIMIT
    if not dense and not inverse_variance:
        raise ValueError(
            f"robust='CR2' with these weights is not available for clusters of {max(size):,} rows: use CR1 or CR3"
        )
    scaled = model.gradient * (r * np.sqrt(phi))[:, None]
    spread = scaled.T @ scaled  # U' R Phi R U
    values, vectors = np.linalg.eigh(bread)
    factor = vectors * np.sqrt(np.clip(values, 0, None))
    totals, own, parts = (
        np.empty((n_clusters, p)),
        np.empty((n_clusters, p, p)),
        np.empty((n_clusters, 2 * p, p)),
    )
    for g, rows in enumerate(rows_of):
        U = model.gradient[rows]
        RU = U * r[rows, None]
        if dense:
            adjust = _dense_root(U, RU, phi[rows], bread, spread)
        else:
            adjust = _low_rank_root(U, phi[rows], factor)
        totals[g] = RU.T @ adjust(e[rows])
        a = adjust(RU @ bread)  # A_g' R_g U_g M, a column for each parameter
        weighted = phi[rows, None] * a
        own[g] = a.T @ weighted
        parts[g] = np.vstack([U.T @ a, RU.T @ weighted])
    influence = totals @ bread
    kernel = np.block([[-bread @ spread @ bread, bread], [bread, np.zeros_like(bread)]])
    joint = JointDf(own, parts, kernel)
    df = np.array([joint(unit[None]) for unit in np.eye(p)])
    kept = joint if own.size <= KEPT else None
    return BiasReduced(influence.T @ influence, df, kept, dense or low_rank_is_symmetric)


def _dense_root(
    U: np.ndarray, RU: np.ndarray, phi: np.ndarray, bread: np.ndarray, spread: np.ndarray
) -> Adjustment:
    """A_g by the eigenvalues of D [(I - H) Phi (I - H)']_gg D."""
    D = np.sqrt(phi)
    UM = U @ bread
    cross = UM @ (RU * phi[:, None]).T
    inner = np.diag(phi) - cross - cross.T + UM @ spread @ UM.T
    values, vectors = np.linalg.eigh(D[:, None] * inner * D)
    A = D[:, None] * ((vectors * _inverse_root(values, float(values.max()))) @ vectors.T) * D
    return lambda columns: A @ columns


def _low_rank_root(U: np.ndarray, phi: np.ndarray, factor: np.ndarray) -> Adjustment:
    """The root in the metric W = Phi^(-1/2), where R = Phi^-1: A_g = W^-1 (I - P)^(-1/2) W, P = W U M U' W.

    P has rank p, and its eigenvectors come from a (p, p) matrix; `factor` is F with F F' = M. With equal variances
    within the cluster this is the symmetric root.
    """
    w = 1 / np.sqrt(phi)[:, None]
    scaled = U * w
    values, vectors = np.linalg.eigh(factor.T @ (scaled.T @ scaled) @ factor)
    kept = values > SMALL
    basis = scaled @ factor @ vectors[:, kept] / np.sqrt(values[kept])
    change = (_inverse_root(1 - values[kept], 1.0) - 1)[:, None]

    def adjust(columns: np.ndarray) -> np.ndarray:
        z = columns.reshape(len(columns), -1) * w
        return ((z + basis @ (change * (basis.T @ z))) / w).reshape(columns.shape)

    return adjust


def _inverse_root(values: np.ndarray, largest: float) -> np.ndarray:
    """1 / sqrt of eigenvalues, 0 for those that are 0: the inverse of Moore and Penrose."""
    usable = values > SMALL * max(largest, 0.0)
    return np.where(usable, 1 / np.sqrt(np.where(usable, values, 1.0)), 0.0)
