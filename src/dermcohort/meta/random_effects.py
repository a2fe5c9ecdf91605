"""The normal random-effects model, y_i ~ N(x_i'b, v_i + tau2): arrays in, numbers out.

Sources, whose notation is kept: Viechtbauer (2005) J Educ Behav Stat 30:261 and (2010) J Stat Softw 36(3) (the
estimators of tau2); Knapp & Hartung (2003) Stat Med 22:2693 (their variance); Viechtbauer (2007) Stat Med 26:37
(Q-profile interval); Higgins & Thompson (2002) Stat Med 21:1539 (I2, H2). Equal to metafor::rma 3.8.

With W the diagonal of weights, P = W - W X (X'WX)^-1 X'W. P itself, studies by studies, is never built: all that is
needed of it are P y = W (residuals) and traces of products that are p by p.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import brentq
from scipy.stats import chi2, norm, t

METHODS = {
    "EE": "equal effects",
    "DL": "DerSimonian-Laird",
    "HE": "Hedges",
    "SJ": "Sidik-Jonkman",
    "PM": "Paule-Mandel",
    "ML": "maximum likelihood",
    "REML": "restricted maximum likelihood",
}


@dataclass(frozen=True)
class RandomEffects:
    """`df` is infinite for normal quantiles. `typical_variance` is that of Higgins & Thompson's I2."""

    coefficients: np.ndarray
    covariance: np.ndarray
    df: float
    tau2: float
    Q: float
    Q_df: int
    I2: float
    H2: float
    typical_variance: float


def fit_random_effects(y: np.ndarray, v: np.ndarray, X: np.ndarray, method: str, hksj: bool) -> RandomEffects:
    """Fit the model; `method` is a key of `METHODS`, `hksj` scales the variance as Knapp & Hartung."""
    df = len(y) - X.shape[1]
    tau2 = 0.0 if df == 0 or method == "EE" else ESTIMATORS[method](y, v, X)
    random = _Weighted(y, X, 1 / (v + tau2))
    fixed = _Weighted(y, X, 1 / v)
    covariance = random.inverse_information
    if hksj:
        # (3) in Knapp & Hartung: s2 = y'Py / (k - p)
        covariance = covariance * (random.Q / df if df else np.nan)
    typical_variance = df / fixed.trace_P if df else 0.0
    if df == 0:
        I2, H2 = 0.0, 1.0
    elif method == "EE":
        I2, H2 = (max(0.0, 100 * (1 - df / fixed.Q)) if fixed.Q else 0.0), fixed.Q / df
    else:
        I2, H2 = inconsistency(tau2, typical_variance), tau2 / typical_variance + 1
    return RandomEffects(
        coefficients=random.b,
        covariance=covariance,
        df=df if hksj else np.inf,
        tau2=tau2,
        Q=fixed.Q if df else 0.0,
        Q_df=df,
        I2=I2,
        H2=H2,
        typical_variance=typical_variance,
    )


def q_profile(y: np.ndarray, v: np.ndarray, X: np.ndarray, conf_level: float) -> tuple[float, float]:
    """Interval of tau2: the values at which the generalized Q is a quantile of chi2 with k - p df.

    Where Q is below the lower quantile even at tau2 = 0, the interval is empty and given as (0, 0), as metafor does.
    """
    df = len(y) - X.shape[1]
    if df == 0:
        return np.nan, np.nan
    low, high = chi2.isf([0.5 - conf_level / 2, 0.5 + conf_level / 2], df)
    return _solve_Q(y, v, X, float(low)), _solve_Q(y, v, X, float(high))


@dataclass(frozen=True)
class Pool:
    """What is said of a pooled estimate, on the scale of the model; intervals are (low, high).

    `weights` are in per cent; `usual_error` is the standard error before Hartung and Knapp's scaling.
    """

    coef: float
    std_error: float
    usual_error: float
    df: float
    interval: tuple[float, float]
    tau2: float
    tau2_interval: tuple[float, float]
    I2: float
    I2_interval: tuple[float, float]
    H2: float
    Q: float
    Q_df: int
    prediction_interval: tuple[float, float]
    weights: np.ndarray

    @property
    def statistic(self) -> float:
        # infinite where studies are identical and Hartung and Knapp's variance is 0
        return (
            float(np.divide(self.coef, self.std_error))
            if self.std_error
            else float(np.copysign(np.inf, self.coef))
        )

    @property
    def p_value(self) -> float:
        return float(2 * quantiles(self.df).sf(abs(self.statistic)))

    @property
    def Q_p_value(self) -> float:
        return float(chi2.sf(self.Q, self.Q_df)) if self.Q_df else 1.0


def pool_normal(y: np.ndarray, v: np.ndarray, method: str, hksj: bool, conf_level: float) -> Pool:
    """Pool `y` with known variances `v`. Equal effects leave no tau2 and nothing to predict: NaN."""
    X = np.ones((len(y), 1))
    fit = fit_random_effects(y, v, X, method, hksj)
    b, std_error = float(fit.coefficients[0]), float(fit.covariance[0, 0] ** 0.5)
    low, high = (np.nan, np.nan) if method == "EE" else q_profile(y, v, X, conf_level)
    weights = 1 / (v + fit.tau2)
    spread = (std_error**2 + fit.tau2) ** 0.5 if method != "EE" and len(y) > 1 else np.nan
    return Pool(
        coef=b,
        std_error=std_error,
        usual_error=float(weights.sum() ** -0.5),
        df=fit.df,
        interval=symmetric_interval(b, std_error, fit.df, conf_level),
        tau2=fit.tau2,
        tau2_interval=(low, high),
        I2=fit.I2,
        I2_interval=(inconsistency(low, fit.typical_variance), inconsistency(high, fit.typical_variance)),
        H2=fit.H2,
        Q=fit.Q,
        Q_df=fit.Q_df,
        prediction_interval=symmetric_interval(b, spread, fit.df, conf_level),
        weights=100 * weights / weights.sum(),
    )


def quantiles(df: float) -> Any:
    """The normal distribution, or Student's where `df` is finite."""
    return norm if np.isinf(df) else t(df)


def symmetric_interval(middle: float, spread: float, df: float, conf_level: float) -> tuple[float, float]:
    half = float(quantiles(df).isf(0.5 - conf_level / 2)) * spread
    return middle - half, middle + half


def inconsistency(tau2: float, typical_variance: float) -> float:
    """I2 in per cent."""
    return 100 * tau2 / (typical_variance + tau2)


class _Weighted:
    """Least squares with weights, and the pieces of P that the estimators of tau2 use."""

    def __init__(self, y: np.ndarray, X: np.ndarray, w: np.ndarray) -> None:
        self.X, self.w = X, w
        self.information = self.moment(w)
        self.inverse_information = np.linalg.inv(self.information)
        self.b = self.inverse_information @ (X.T @ (w * y))
        residual = y - X @ self.b
        self.Py = w * residual
        self.Q = float(self.Py @ residual)

    def moment(self, weights: np.ndarray) -> np.ndarray:
        """X' diag(weights) X."""
        return (self.X.T * weights) @ self.X

    def trace_PV(self, v: np.ndarray) -> float:
        """tr(P V) = sum w v - tr[(X'WX)^-1 X'WVWX]."""
        return float(self.w @ v - np.sum(self.inverse_information * self.moment(self.w**2 * v)))

    @property
    def trace_P(self) -> float:
        return self.trace_PV(np.ones_like(self.w))


# --------------------------------------------------------------------------------- estimators of tau2


def _moments(y: np.ndarray, v: np.ndarray, X: np.ndarray, weights: np.ndarray) -> float:
    """E(y'Py) = tr(PV) + tau2 tr(P), solved for tau2."""
    fit = _Weighted(y, X, weights)
    return max(0.0, (fit.Q - fit.trace_PV(v)) / fit.trace_P)


def _dersimonian_laird(y: np.ndarray, v: np.ndarray, X: np.ndarray) -> float:
    return _moments(y, v, X, 1 / v)


def _hedges(y: np.ndarray, v: np.ndarray, X: np.ndarray) -> float:
    return _moments(y, v, X, np.ones_like(v))


def _sidik_jonkman(y: np.ndarray, v: np.ndarray, X: np.ndarray) -> float:
    """Crude start var(y), then tau2_0 Q(tau2_0) / (k - p)."""
    start = float(np.var(y))
    return start * _Weighted(y, X, 1 / (v + start)).Q / (len(y) - X.shape[1])


def _paule_mandel(y: np.ndarray, v: np.ndarray, X: np.ndarray) -> float:
    """Generalized Q equal to its expectation k - p."""
    return _solve_Q(y, v, X, len(y) - X.shape[1])


def _solve_Q(y: np.ndarray, v: np.ndarray, X: np.ndarray, target: float) -> float:
    """The tau2 at which Q(tau2) = target; 0 where Q(0) is below it. Q falls with tau2."""

    def excess(tau2: float) -> float:
        return _Weighted(y, X, 1 / (v + tau2)).Q - target

    if excess(0.0) <= 0:
        return 0.0
    # Q(tau2) < residual sum of squares / tau2
    return brentq(excess, 0.0, _Weighted(y, X, np.ones_like(v)).Q / target, xtol=1e-300, rtol=1e-14)


def _restricted_likelihood(y: np.ndarray, v: np.ndarray, X: np.ndarray) -> float:
    def score(tau2: float) -> float:
        fit = _Weighted(y, X, 1 / (v + tau2))
        return float(fit.Py @ fit.Py) - fit.trace_P

    def loglik(tau2: float) -> float:
        fit = _Weighted(y, X, 1 / (v + tau2))
        log_determinant = np.linalg.slogdet(fit.information)[1]
        return -0.5 * float(np.sum(np.log(v + tau2)) + log_determinant + fit.Q)

    return _highest(score, loglik, y, v, X)


def _maximum_likelihood(y: np.ndarray, v: np.ndarray, X: np.ndarray) -> float:
    def score(tau2: float) -> float:
        fit = _Weighted(y, X, 1 / (v + tau2))
        return float(fit.Py @ fit.Py) - float(np.sum(fit.w))

    def loglik(tau2: float) -> float:
        return -0.5 * float(np.sum(np.log(v + tau2)) + _Weighted(y, X, 1 / (v + tau2)).Q)

    return _highest(score, loglik, y, v, X)


def _highest(
    score: Callable[[float], float],
    loglik: Callable[[float], float],
    y: np.ndarray,
    v: np.ndarray,
    X: np.ndarray,
) -> float:
    """The highest maximum of a likelihood that may have several, one of them at 0.

    y'PPy <= RSS / (tau2 + min v)^2 and tr(P) >= (k - p) / (tau2 + max v): beyond max(max v, 2 RSS / (k - p)) the
    score is negative, RSS being the unweighted residual sum of squares.
    """
    rss = _Weighted(y, X, np.ones_like(v)).Q
    end = 1.01 * max(float(v.max()), 2 * rss / (len(y) - X.shape[1]))
    grid = np.concatenate([[0.0], np.geomspace(1e-6 * min(float(v.min()), end), end, 80)])
    sign = np.sign([score(tau2) for tau2 in grid])
    falls = np.flatnonzero((sign[:-1] > 0) & (sign[1:] <= 0))
    peaks = [brentq(score, grid[i], grid[i + 1], xtol=1e-300, rtol=1e-14) for i in falls]
    return max([0.0, *peaks], key=loglik)


ESTIMATORS: dict[str, Callable[[np.ndarray, np.ndarray, np.ndarray], float]] = {
    "DL": _dersimonian_laird,
    "HE": _hedges,
    "SJ": _sidik_jonkman,
    "PM": _paule_mandel,
    "ML": _maximum_likelihood,
    "REML": _restricted_likelihood,
}
