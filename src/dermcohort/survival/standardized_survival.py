"""Survival with an exposure set to a level, averaged over the people of a Cox model: arrays in, arrays out.

S_a(t) = sum_i v_i exp(-H(t | a, x_i)) / sum_i v_i, H that of the stratum of row i.

A change of the coefficients by b and of the baseline hazard of stratum s by h_s changes S_a by g b - sum_s A_s h_s with
A_s the sum of v_i S_i r_i over the stratum and g = - sum_i v_i S_i r_i (x_i L - sum xbar dL). Variance of independent b
and h with the covariates as they are, or from the influence of each row on the average, b and h together.

Sources: Makuch (1982) J Chron Dis 35:437; Chen & Tsiatis (2001) Biometrics 57:1030 (variance);
Sjolander (2016) Eur J Epidemiol 31:563, Ozenne et al. (2020) Biom J 62:751 (influence; R's stdReg and riskRegression).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from .cox_residuals import dfbeta
from .cox_rows import FittedRows
from .cox_survival import Baseline, baseline, hazard_influence


@dataclass(frozen=True, eq=False)
class Population:
    """The rows of a fit with K exposures given to all: centered covariates (n, p) each, and what follows from them."""

    fitted: FittedRows
    matrices: Sequence[np.ndarray]
    risks: Sequence[np.ndarray]
    share: np.ndarray
    baselines: Sequence[Baseline]
    known: np.ndarray

    def survival(self, j: int) -> list[np.ndarray]:
        """S(t_j) of each row (n,), one array an exposure."""
        hazard = np.array([base.hazard[j] for base in self.baselines])[self.fitted.rows.stratum]
        return [np.exp(-risk * hazard) for risk in self.risks]


def population(
    fitted: FittedRows, coefficients: np.ndarray, matrices: Sequence[np.ndarray], times: np.ndarray
) -> Population:
    """Rows with each design matrix of `matrices`; a time is `known` where it is so in all strata."""
    rows = fitted.rows
    centered = [X - rows.center for X in matrices]
    baselines = [baseline(fitted, code, times) for code in range(int(rows.stratum.max()) + 1)]
    return Population(
        fitted,
        centered,
        [np.exp(X @ coefficients) for X in centered],
        rows.weights / rows.weights.sum(),
        baselines,
        np.all([base.known for base in baselines], axis=0),
    )


def averages(people: Population) -> np.ndarray:
    """S_a(t), shape (times, K); NaN where it is not known."""
    found = [[_average(people, S) for S in people.survival(j)] for j in range(len(people.known))]
    return np.where(people.known[:, None], found, np.nan)


def averages_and_covariances(
    people: Population,
    covariance: np.ndarray,
    covariance_of: Callable[[np.ndarray], np.ndarray] | None,
) -> tuple[np.ndarray, np.ndarray]:
    """S_a(t) (times, K) and, for each time, the covariance of the K averages (times, K, K).

    `covariance` is that of the coefficients. With `covariance_of`, which makes a covariance of the influence of rows,
    that the people are a sample counts as well.
    """
    n_times, K = len(people.known), len(people.matrices)
    means, covariances = np.full((n_times, K), np.nan), np.full((n_times, K, K), np.nan)
    stratum = people.fitted.rows.stratum
    if covariance_of is not None:
        of_coefficients, of_hazard = dfbeta(people.fitted), hazard_influence(people.fitted)
    for j in np.flatnonzero(people.known).tolist():
        survivals = people.survival(j)
        means[j] = [_average(people, S) for S in survivals]
        gradient, of_strata = _derivatives(people, survivals, j)
        if covariance_of is None:
            variance = np.array([base.variance[j] for base in people.baselines])
            covariances[j] = gradient @ covariance @ gradient.T + (of_strata * variance) @ of_strata.T
        else:
            upto = np.array([base.upto[j] for base in people.baselines])[stratum]
            own = [people.share * (S - mean) for S, mean in zip(survivals, means[j], strict=True)]
            baseline_part = of_strata[:, stratum] * of_hazard(upto)
            covariances[j] = covariance_of((np.array(own) - baseline_part).T + of_coefficients @ gradient.T)
    return means, covariances


def _average(people: Population, S: np.ndarray) -> float:
    """Of the risks, so that it is 1 exactly before the first event."""
    return 1 - float(people.share @ (1 - S))


def _derivatives(
    people: Population, survivals: Sequence[np.ndarray], j: int
) -> tuple[np.ndarray, np.ndarray]:
    """g (K, p) and A (K, strata) at time number j."""
    stratum = people.fitted.rows.stratum
    hazard = np.array([base.hazard[j] for base in people.baselines])
    mean = np.array([base.mean[j] for base in people.baselines])
    gradient, of_strata = [], []
    for X, risk, S in zip(people.matrices, people.risks, survivals, strict=True):
        slope = people.share * S * risk
        A = np.bincount(stratum, slope, len(hazard))
        gradient.append(A @ mean - (slope * hazard[stratum]) @ X)
        of_strata.append(A)
    return np.array(gradient), np.array(of_strata)
