"""Restricted maximum likelihood of the linear mixed model: arrays in, arrays out.

y = X beta + Z b + error, b of a group normal with covariance sigma^2 Psi, Psi = L L' with L lower triangular (its
free elements are theta), error of variance sigma^2. Sums over rows are made once, of each group's Z'Z, Z'X and Z'y;
every evaluation then costs matrices of q and p rows only: with B_g = (I + Z_g'Z_g Psi)^-1, Z_g' V_g^-1 M =
B_g Z_g' M and X' V^-1 X = X'X - sum (Z_g'X)' Psi B_g Z_g'X. Criterion as in Bates, Maechler, Bolker & Walker (2015)
J Stat Softw 67(1), eq. 39; degrees of freedom after Satterthwaite as in R's lmerTest (Kuznetsova, Brockhoff &
Christensen 2017, J Stat Softw 82(13)).
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from .correlated import Grouping

STARTING_RATIO = (0.1, 0.5, 1.0, 3.0)
WIDTH = 1e-4
SINGULAR = 1e-5


@dataclass(frozen=True, eq=False)
class RemlFit:
    """`L` is the factor of Psi; `components` are (theta, sigma) with their covariance.

    `singular` where a variance of the random effects is 0 or their correlation perfect.
    """

    beta: np.ndarray
    covariance: np.ndarray
    df: np.ndarray
    L: np.ndarray
    sigma: float
    components: np.ndarray
    components_covariance: np.ndarray
    loglik: float
    singular: bool
    converged: bool


@dataclass(frozen=True, eq=False)
class _Sums:
    """Cross-products, X replaced by Q of its decomposition QR, y by its residual from least squares."""

    ZZ: np.ndarray
    ZQ: np.ndarray
    Zy: np.ndarray
    yy: float
    Qy: np.ndarray
    degrees: int  # n - p


@dataclass(frozen=True, eq=False)
class _Profile:
    """What one value of theta gives: the deviance with beta (and, where not given, sigma) at its best."""

    deviance: float
    gradient: np.ndarray
    slope_sigma: float
    gamma: np.ndarray
    inverse: np.ndarray  # (Q' V^-1 Q)^-1
    residual_squares: float


def fit_reml(X: np.ndarray, y: np.ndarray, Z: np.ndarray, grouping: Grouping) -> RemlFit:
    """Rows sorted by group; Z has q columns, the first of ones."""
    n, p = X.shape
    Q, R = np.linalg.qr(X)
    ordinary = np.linalg.solve(R, Q.T @ y)
    remainder = y - X @ ordinary
    scale = np.sqrt((Z**2).mean(axis=0))
    scaled = Z / scale
    sums = _Sums(
        ZZ=grouping.totals(scaled[:, :, None] * scaled[:, None, :]),
        ZQ=np.stack([grouping.totals(scaled[:, [j]] * Q) for j in range(Z.shape[1])], axis=1),
        Zy=grouping.totals(scaled * remainder[:, None]),
        yy=float(remainder @ remainder),
        Qy=Q.T @ remainder,
        degrees=n - p,
    )
    theta, converged = _minimize(sums, Z.shape[1])
    at = _profile(theta, sums)
    sigma = (at.residual_squares / sums.degrees) ** 0.5
    hessian = _hessian(np.r_[theta, sigma], sums)
    units = np.r_[np.ones_like(theta), sigma]  # theta has no unit, sigma that of the outcome
    unit = np.outer(units, units)
    components_covariance = 2 * unit * np.linalg.pinv(hessian * unit, hermitian=True)

    inverse_R = np.linalg.inv(R)
    covariance = sigma**2 * inverse_R @ at.inverse @ inverse_R.T
    log_determinant_R = np.sum(np.log(np.abs(np.diag(R))))
    undo = np.array([1 / scale[i] for i in np.tril_indices(Z.shape[1])[0]])
    unscale = np.diag(np.r_[undo, 1.0])
    return RemlFit(
        beta=ordinary + inverse_R @ at.gamma,
        covariance=covariance,
        df=_satterthwaite(theta, sigma, components_covariance, sums, inverse_R),
        L=_factor(theta * undo),
        sigma=float(sigma),
        components=np.r_[theta * undo, sigma],
        components_covariance=unscale @ components_covariance @ unscale,
        loglik=-at.deviance / 2 - float(log_determinant_R),
        singular=bool(np.min(np.abs(np.diag(_factor(theta)))) < SINGULAR),
        converged=converged,
    )


def restricted_loglik(X: np.ndarray, y: np.ndarray) -> float:
    """The restricted log-likelihood without random effects."""
    n, p = X.shape
    Q, R = np.linalg.qr(X)
    residual_squares = np.sum((y - Q @ (Q.T @ y)) ** 2)
    deviance = (n - p) * (1 + np.log(2 * np.pi * residual_squares / (n - p)))
    return float(-deviance / 2 - np.sum(np.log(np.abs(np.diag(R)))))


def _factor(theta: np.ndarray) -> np.ndarray:
    q = int((2 * len(theta)) ** 0.5)
    L = np.zeros((q, q))
    L[np.tril_indices(q)] = theta
    return L


def _profile(theta: np.ndarray, sums: _Sums, sigma: float | None = None) -> _Profile:
    """-2 log restricted likelihood (without log det R) and its gradient in theta and sigma.

    With r = y - X beta and P = (X' V^-1 X)^-1, the derivative in Psi is
    sum_g Z'V^-1Z - (Z'V^-1X) P (X'V^-1Z) - (Z'V^-1r)(Z'V^-1r)' / sigma^2; in L it is twice that times L.
    """
    L = _factor(theta)
    Psi = L @ L.T
    inner = np.eye(len(L)) + sums.ZZ @ Psi
    B = np.linalg.inv(inner)
    VQ, Vy = B @ sums.ZQ, np.einsum("gij,gj->gi", B, sums.Zy)
    information = np.eye(len(sums.Qy)) - np.einsum("gip,ij,gjk->pk", sums.ZQ, Psi, VQ)
    inverse = np.linalg.inv(information)
    QVy = sums.Qy - np.einsum("gip,ij,gj->p", sums.ZQ, Psi, Vy)
    gamma = inverse @ QVy
    residual_squares = sums.yy - np.einsum("gi,ij,gj->", sums.Zy, Psi, Vy) - QVy @ gamma
    variance = residual_squares / sums.degrees if sigma is None else sigma**2
    deviance = (
        np.linalg.slogdet(inner)[1].sum()
        + np.linalg.slogdet(information)[1]
        + sums.degrees * np.log(2 * np.pi * variance)
        + residual_squares / variance
    )
    Vr = Vy - VQ @ gamma
    of_Psi = (B @ sums.ZZ).sum(axis=0) - np.einsum("gip,pk,gjk->ij", VQ, inverse, VQ) - Vr.T @ Vr / variance
    gradient = (2 * of_Psi @ L)[np.tril_indices(len(L))]
    slope_sigma = 2 * (sums.degrees - residual_squares / variance) / variance**0.5
    return _Profile(float(deviance), gradient, float(slope_sigma), gamma, inverse, float(residual_squares))


def _minimize(sums: _Sums, q: int) -> tuple[np.ndarray, bool]:
    """BFGS from the best of a grid, then Newton's method with the differentiated gradient."""

    def objective(theta: np.ndarray) -> tuple[float, np.ndarray]:
        at = _profile(theta, sums)
        return at.deviance, at.gradient

    def start(ratios: tuple[float, ...]) -> np.ndarray:
        return np.diag(ratios)[np.tril_indices(q)]

    starts = [start(ratios) for ratios in itertools.product(STARTING_RATIO, repeat=q)]
    theta = min(starts, key=lambda theta: objective(theta)[0])
    theta = minimize(objective, theta, jac=True, options={"gtol": 1e-6}).x
    for _ in range(20):
        steps = WIDTH * np.eye(len(theta))
        hessian = np.column_stack([objective(theta + s)[1] - objective(theta - s)[1] for s in steps])
        step = np.linalg.lstsq(hessian / (2 * WIDTH), -objective(theta)[1], rcond=1e-10)[0]
        theta = theta + step
        if np.max(np.abs(step)) < 1e-9:
            break
    converged = bool(np.max(np.abs(objective(theta)[1])) < 1e-4)
    # the sign of a column of L is free: the diagonal is not negative
    L = _factor(theta)
    L = L * np.where(np.diag(L) < 0, -1.0, 1.0)
    return L[np.tril_indices(q)], converged


def _hessian(components: np.ndarray, sums: _Sums) -> np.ndarray:
    """Second derivatives of the deviance in (theta, sigma)."""

    def gradient(values: np.ndarray) -> np.ndarray:
        at = _profile(values[:-1], sums, values[-1])
        return np.r_[at.gradient, at.slope_sigma]

    steps = WIDTH * np.diag(np.r_[np.ones(len(components) - 1), components[-1]])
    columns = [(gradient(components + s) - gradient(components - s)) / (2 * s.max()) for s in steps]
    return (np.column_stack(columns) + np.column_stack(columns).T) / 2


def _satterthwaite(
    theta: np.ndarray, sigma: float, covariance: np.ndarray, sums: _Sums, inverse_R: np.ndarray
) -> np.ndarray:
    """2 v^2 / (g' A g) for the variance v of each coefficient, g its gradient in (theta, sigma), A their covariance."""

    def variances(values: np.ndarray) -> np.ndarray:
        inverse = _profile(values, sums).inverse
        return sigma**2 * np.einsum("ij,jk,ik->i", inverse_R, inverse, inverse_R)

    v = variances(theta)
    steps = WIDTH * np.eye(len(theta))
    slopes = [(variances(theta + s) - variances(theta - s)) / (2 * WIDTH) for s in steps]
    g = np.column_stack([*slopes, 2 * v / sigma])
    return 2 * v**2 / np.einsum("ij,jk,ik->i", g, covariance, g)
