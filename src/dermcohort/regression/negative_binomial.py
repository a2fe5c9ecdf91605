"""Negative binomial regression: incidence rate ratios where counts vary more than Poisson's.

Source: Lawless (1987) Can J Stat 15:209; Venables & Ripley (2002) Modern Applied Statistics with S, 7.4. Numbers as R's
`MASS::glm.nb` run to convergence, sandwich (HC) and clubSandwich (CR).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.special import digamma, polygamma

from .covariance import Arrays
from .families import POISSON, Family, negative_binomial_family
from .glm import GLMFit, describe_fit
from .maximize import Maximum, maximize
from .model import Model
from .outcomes import count
from .rows import AnyDesign, read_rows

MODEL = Model(
    POISSON,
    "IRR",
    "Incidence rate ratios by negative binomial regression (NB2, maximum likelihood)",
    count,
)
TOLERANCE = 1e-12
MAX_ITERATIONS = 200
LARGEST_SIZE = 1e6  # of theta over the mean: the variance is then Poisson's to a millionth


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class NegativeBinomialFit(GLMFit):
    """A `GLMFit` whose variance of a count is mu + mu^2 / theta.

    `.theta` is infinite where the counts vary no more than Poisson's; `.theta_std_error` is from the observed
    information about theta alone, as in MASS.
    """

    theta: float
    theta_std_error: float


def negative_binomial(
    formula: str,
    data: pd.DataFrame,
    *,
    weights: str | None = None,
    cluster: str | Sequence[str] | None = None,
    robust: str | bool | None = None,
    design: AnyDesign | None = None,
    offset: str | None = None,
    conf_level: float = 0.95,
) -> NegativeBinomialFit:
    """Ratios of incidence rates with overdispersion: variance mu + mu^2 / theta, theta by maximum likelihood.

    Parameters
    ----------
    formula, data, weights, cluster, robust, design, offset, conf_level
        As for `poisson`.

    Returns
    -------
    NegativeBinomialFit
        Rows of `measure` "IRR"; `.theta` and `.theta_std_error`.

    Raises
    ------
    ValueError
        As `poisson`.

    Notes
    -----
    All variances of coefficients hold theta fixed at its estimate: the model's own as in MASS (theta and coefficients
    are orthogonal in expectation), the robust ones as `sandwich::vcovHC` and `clubSandwich::vcovCR` of a `glm.nb`.
    Weights enter the likelihood of theta too.

    Where the counts vary no more than Poisson's, theta runs to infinity: the fit is then that of `poisson`, and
    `.notes` says so.

    Examples
    --------
    Counts 0 and 4 in one group, 2 and 6 in the other.

    >>> data = pd.DataFrame({"flares": [0, 4, 2, 6], "treated": [1, 1, 0, 0]})
    >>> fit = negative_binomial("flares ~ treated", data)
    >>> round(float(fit.table.loc[0, "estimate"]), 3), round(fit.theta, 3)
    (0.5, 4.738)
    """
    rows = read_rows(
        formula, data, count, weights=weights, cluster=cluster, robust=robust, design=design, offset=offset
    )
    found = maximize_negative_binomial(rows.arrays)
    fields = describe_fit(replace(MODEL, family=found.family), rows, found.maximum, robust, conf_level)
    if np.isinf(found.theta):
        note = "The counts vary no more than Poisson's: theta is infinite and the fit that of poisson."
        fields["notes"] = (*fields["notes"], note)
    return NegativeBinomialFit(**fields, theta=found.theta, theta_std_error=found.theta_std_error)


@dataclass(frozen=True, eq=False)
class NegativeBinomialMaximum:
    """The joint maximum: that of the coefficients given theta, with the family of that theta."""

    maximum: Maximum
    family: Family
    theta: float
    theta_std_error: float


def maximize_negative_binomial(arrays: Arrays) -> NegativeBinomialMaximum:
    """Turn about theta and the coefficients until theta stands; they are nearly orthogonal, so that it is fast."""
    X, y, w, offset = arrays.X, arrays.y, arrays.weights, arrays.offset
    family: Family = POISSON
    theta, maximum = np.inf, maximize(X, y, family, w, offset)
    change = np.inf
    for _ in range(MAX_ITERATIONS):
        former, theta = theta, theta_of(y, family.mean(maximum.eta), w)
        if np.isinf(theta):
            poisson = maximize(X, y, POISSON, w, offset, maximum.coefficients)
            return NegativeBinomialMaximum(poisson, POISSON, theta, np.nan)
        family = negative_binomial_family(theta)
        maximum = maximize(X, y, family, w, offset, maximum.coefficients)
        former_change, change = change, abs(theta - former) / theta
        # a large theta hardly matters, and its last digits are those of rounding
        if change <= TOLERANCE or (change < 1e-6 and change >= former_change):
            break
    else:
        maximum = replace(maximum, converged=False)
    error = _theta_information(theta, y, family.mean(maximum.eta), w) ** -0.5
    return NegativeBinomialMaximum(maximum, family, theta, float(error))


def theta_of(y: np.ndarray, mu: np.ndarray, weights: np.ndarray) -> float:
    """The theta that maximizes the likelihood for given means; infinite where counts are not overdispersed.

    The likelihood rises from 1 / theta = 0 where sum w [(y - mu)^2 - y] is positive (Lawless 1987).
    """
    largest = LARGEST_SIZE * float(np.average(mu, weights=weights))
    if weights @ ((y - mu) ** 2 - y) <= 0 or _theta_score(largest, y, mu, weights) >= 0:
        return np.inf
    low = np.log(largest)
    while _theta_score(np.exp(low), y, mu, weights) <= 0:
        low -= 2.0
    return float(
        np.exp(
            brentq(lambda x: _theta_score(np.exp(x), y, mu, weights), low, low + 2, xtol=1e-15, rtol=1e-14)
        )
    )


def _theta_score(theta: float, y: np.ndarray, mu: np.ndarray, weights: np.ndarray) -> float:
    size = theta + mu
    rows = digamma(theta + y) - digamma(theta) - np.log1p(mu / theta) + 1 - (y + theta) / size
    return float(weights @ rows)


def _theta_information(theta: float, y: np.ndarray, mu: np.ndarray, weights: np.ndarray) -> float:
    size = theta + mu
    rows = polygamma(1, theta) - polygamma(1, theta + y) - 1 / theta + 2 / size - (y + theta) / size**2
    return float(weights @ rows)
