"""Distributions and links of generalized linear models, as small records of functions.

With eta the linear predictor and mu the mean of a row, everything the fit needs is a function of y and eta: the
log-likelihood, its first derivative (`score`) and minus its second (`curvature`), all in forms that keep their
digits in the tails. Each log-likelihood is concave in eta, so a maximum is the maximum.

Source: McCullagh & Nelder (1989) Generalized Linear Models, ch. 2 to 4 and table 2.1.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, gammaln, logit, xlogy

OfMean = Callable[[np.ndarray], np.ndarray]
OfOutcome = Callable[[np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Family:
    """A distribution with its link.

    Parameters
    ----------
    name : str
    link, mean, slope : function
        eta of mu, mu of eta, and d mu / d eta of eta.
    variance : function
        Variance of a row as a function of mu, up to the dispersion.
    loglik, score, curvature : function
        Log-likelihood of y and eta, its derivative in eta, and minus its second derivative.
    lower, upper : float
        Between which eta must stay for mu to be possible.
    has_dispersion : bool
        Whether the variance has a factor that is estimated (Gaussian).
    """

    name: str
    link: OfMean
    mean: OfMean
    slope: OfMean
    variance: OfMean
    loglik: OfOutcome
    score: OfOutcome
    curvature: OfOutcome
    lower: float = -np.inf
    upper: float = np.inf
    has_dispersion: bool = False


@dataclass(frozen=True, kw_only=True)
class Canonical(Family):
    """A family with its canonical link, which the models of correlated data need.

    The log-likelihood of a row is m [y eta - b(eta)] + constant, y being a mean of m trials (m is 1 but for grouped
    binomial data); mean and variance of m y are m b'(eta) and m b''(eta).

    Parameters
    ----------
    measure : str
        What the coefficient, exponentiated but for a Gaussian, is called.
    cumulant, third : function
        b of eta, and its third derivative as a function of mu.
    """

    measure: str
    cumulant: OfMean
    third: OfMean


def _exp(eta: np.ndarray) -> np.ndarray:
    # a node far from the mode or a step too long may ask for more than numbers can hold
    return np.exp(np.minimum(eta, 300.0))


def _of_probability(mu: np.ndarray) -> np.ndarray:
    return mu * (1 - mu)


def _logit_slope(eta: np.ndarray) -> np.ndarray:
    return _of_probability(expit(eta))


def _cloglog_rate(eta: np.ndarray) -> np.ndarray:
    return np.exp(np.clip(eta, -300.0, 300.0))


def _cloglog_ratio(rate: np.ndarray) -> np.ndarray:
    """d log(1 - exp(-rate)) / d log(rate) = rate / (exp(rate) - 1)."""
    with np.errstate(over="ignore"):
        return rate / np.expm1(rate)


def _cloglog_score(y: np.ndarray, eta: np.ndarray) -> np.ndarray:
    rate = _cloglog_rate(eta)
    return y * _cloglog_ratio(rate) - (1 - y) * rate


def _cloglog_curvature(y: np.ndarray, eta: np.ndarray) -> np.ndarray:
    rate = _cloglog_rate(eta)
    q = _cloglog_ratio(rate)
    return y * q * (rate + q - 1) + (1 - y) * rate


LOGIT = Canonical(
    name="binomial-logit",
    measure="OR",
    link=logit,
    mean=expit,
    slope=_logit_slope,
    variance=_of_probability,
    loglik=lambda y, eta: y * eta - np.logaddexp(0, eta),
    score=lambda y, eta: y - expit(eta),
    curvature=lambda y, eta: _logit_slope(eta),
    cumulant=lambda eta: np.logaddexp(0, eta),
    third=lambda mu: mu * (1 - mu) * (1 - 2 * mu),
)
LOG_BINOMIAL = Family(
    name="binomial-log",
    link=np.log,
    mean=np.exp,
    slope=np.exp,
    variance=_of_probability,
    loglik=lambda y, eta: y * eta + (1 - y) * np.log(-np.expm1(eta)),
    score=lambda y, eta: y + (1 - y) * np.exp(eta) / np.expm1(eta),
    curvature=lambda y, eta: (1 - y) * np.exp(eta) / np.expm1(eta) ** 2,
    upper=0.0,
)
CLOGLOG = Family(
    name="binomial-cloglog",
    link=lambda mu: np.log(-np.log1p(-mu)),
    mean=lambda eta: -np.expm1(-_exp(eta)),
    slope=lambda eta: np.exp(eta - _exp(eta)),
    variance=_of_probability,
    loglik=lambda y, eta: xlogy(y, -np.expm1(-_exp(eta))) - (1 - y) * _exp(eta),
    score=_cloglog_score,
    curvature=_cloglog_curvature,
)
RISK_DIFFERENCE = Family(
    name="binomial-identity",
    link=np.positive,
    mean=np.positive,
    slope=np.ones_like,
    variance=_of_probability,
    loglik=lambda y, eta: y * np.log(eta) + (1 - y) * np.log1p(-eta),
    score=lambda y, eta: (y - eta) / (eta * (1 - eta)),
    curvature=lambda y, eta: y / eta**2 + (1 - y) / (1 - eta) ** 2,
    lower=0.0,
    upper=1.0,
)
POISSON = Canonical(
    name="poisson-log",
    measure="IRR",
    link=np.log,
    mean=_exp,
    slope=_exp,
    variance=np.positive,
    loglik=lambda y, eta: y * eta - _exp(eta) - gammaln(y + 1),
    score=lambda y, eta: y - _exp(eta),
    curvature=lambda y, eta: _exp(eta),
    cumulant=_exp,
    third=np.positive,
)
GAUSSIAN = Canonical(
    name="gaussian-identity",
    measure="difference",
    link=np.positive,
    mean=np.positive,
    slope=np.ones_like,
    variance=np.ones_like,
    loglik=lambda y, eta: -((y - eta) ** 2) / 2,
    score=lambda y, eta: y - eta,
    curvature=lambda y, eta: np.ones_like(eta),
    cumulant=lambda eta: eta**2 / 2,
    third=np.zeros_like,
    has_dispersion=True,
)


def negative_binomial_family(theta: float) -> Family:
    """Variance mu + mu^2 / theta: Poisson with gamma distributed rates of shape theta. Concave in eta as the others."""
    return Family(
        name="negative-binomial-log",
        link=np.log,
        mean=_exp,
        slope=_exp,
        variance=lambda mu: mu * (1 + mu / theta),
        loglik=lambda y, eta: _negative_binomial_loglik(y, _exp(eta), eta, theta),
        score=lambda y, eta: (y - _exp(eta)) / (1 + _exp(eta) / theta),
        curvature=lambda y, eta: _exp(eta) * (1 + y / theta) / (1 + _exp(eta) / theta) ** 2,
    )


def _negative_binomial_loglik(y: np.ndarray, mu: np.ndarray, eta: np.ndarray, theta: float) -> np.ndarray:
    combinations = gammaln(y + theta) - gammaln(theta) - gammaln(y + 1)
    return combinations + y * (eta - np.log(theta)) - (y + theta) * np.log1p(mu / theta)


# link and mean, which are all that is looked up by name, do not depend on theta
FAMILIES = {
    family.name: family
    for family in (
        LOGIT,
        LOG_BINOMIAL,
        CLOGLOG,
        RISK_DIFFERENCE,
        POISSON,
        GAUSSIAN,
        negative_binomial_family(1.0),
    )
}
