"""Distributions of the error z in y = x beta + sigma z, in logarithms that hold far out in the tails.

Source: Kalbfleisch & Prentice (2002) The Statistical Analysis of Failure Time Data, 2nd ed., section 2.2; the
generalized gamma as in Prentice (1974) Biometrika 61:539, formulas as R's flexsurv (`dgengamma`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import (
    expit,
    gammainc,
    gammaincc,
    gammainccinv,
    gammaincinv,
    gammaln,
    log_ndtr,
    logit,
    ndtri,
)

Function = Callable[[np.ndarray], np.ndarray]
HALF_LOG_2_PI = 0.5 * np.log(2 * np.pi)


@dataclass(frozen=True)
class ErrorDistribution:
    """log f(z) with its first two derivatives, log S(z), log F(z), and the inverse of F."""

    log_density: Function
    slope: Function
    curvature: Function
    log_survival: Function
    log_distribution: Function
    quantile: Function

    def hazard(self, z: np.ndarray) -> np.ndarray:
        return np.exp(self.log_density(z) - self.log_survival(z))


def log_one_minus_exp(x: np.ndarray) -> np.ndarray:
    """log(1 - e^x) for x <= 0."""
    return np.log(-np.expm1(x))


NORMAL = ErrorDistribution(
    log_density=lambda z: -0.5 * z**2 - HALF_LOG_2_PI,
    slope=np.negative,
    curvature=lambda z: -np.ones_like(z),
    log_survival=lambda z: log_ndtr(-z),
    log_distribution=log_ndtr,
    quantile=ndtri,
)
LOGISTIC = ErrorDistribution(
    log_density=lambda z: -np.abs(z) - 2 * np.log1p(np.exp(-np.abs(z))),
    slope=lambda z: -np.tanh(0.5 * z),
    curvature=lambda z: -2 * expit(z) * expit(-z),
    log_survival=lambda z: -np.logaddexp(0.0, z),
    log_distribution=lambda z: -np.logaddexp(0.0, -z),
    quantile=logit,
)
# of the smallest value: the logarithm of a Weibull time; where e^z is below the rounding error F(z) is e^z itself
EXTREME_VALUE = ErrorDistribution(
    log_density=lambda z: z - np.exp(z),
    slope=lambda z: -np.expm1(z),
    curvature=lambda z: -np.exp(z),
    log_survival=lambda z: -np.exp(z),
    log_distribution=lambda z: np.where(z < -37, z, log_one_minus_exp(-np.exp(np.maximum(z, -37)))),
    quantile=lambda p: np.log(-np.log1p(-p)),
)


def generalized_gamma(Q: float) -> ErrorDistribution:
    """Prentice's parametrization: Q = 0 is the normal, 1 the extreme value distribution, Q < 0 has the longer tail.

    With a = 1 / Q^2, a e^(Qz) has the gamma distribution of shape a. The density is written so that it is smooth
    through Q = 0: log f = -log(2 pi) / 2 - d(a) - (e^(Qz) - 1 - Qz) / Q^2, d(a) the remainder of Stirling's formula.
    """
    if abs(Q) < 1e-6:
        return NORMAL
    a = 1 / Q**2
    constant = -HALF_LOG_2_PI - _stirling_remainder(a)
    upper, lower = (gammaincc, gammainc) if Q > 0 else (gammainc, gammaincc)
    inverse = gammaincinv if Q > 0 else gammainccinv
    return ErrorDistribution(
        log_density=lambda z: constant - z**2 * _second_remainder(Q * z),
        slope=lambda z: -np.expm1(Q * z) / Q,
        curvature=lambda z: -np.exp(Q * z),
        log_survival=lambda z: np.log(upper(a, a * np.exp(Q * z))),
        log_distribution=lambda z: np.log(lower(a, a * np.exp(Q * z))),
        quantile=lambda p: np.log(inverse(a, p) / a) / Q,
    )


def _stirling_remainder(a: float) -> float:
    """log Gamma(a) - [(a - 1/2) log a - a + log(2 pi) / 2]."""
    if a < 25:
        return float(gammaln(a) - (a - 0.5) * np.log(a) + a - HALF_LOG_2_PI)
    b = 1 / a**2  # Abramowitz & Stegun 6.1.41
    return (1 / 12 - b * (1 / 360 - b * (1 / 1260 - b * (1 / 1680 - b / 1188)))) / a


def _second_remainder(x: np.ndarray) -> np.ndarray:
    """(e^x - 1 - x) / x^2, by its series near 0."""
    near = np.abs(x) < 0.1
    series = np.zeros_like(x)
    small = np.where(near, x, 0.0)
    for k in range(12, 1, -1):
        series = (1 + small * series) / k
    far = np.where(near, 1.0, x)
    return np.where(near, series, (np.expm1(far) - far) / far**2)
