"""Coverage of the effect of an exposure of whole clusters, by model and kind of variance; part of `coverage.py`."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd
from scipy.special import expit
from scipy.stats import norm, t
from tqdm import tqdm

from dermcohort.regression.correlated import sort_by_group
from dermcohort.regression.estimating_equations import robust_covariance, solve_estimating_equations
from dermcohort.regression.families import LOGIT, Family
from dermcohort.regression.maximize import Maximum, maximize
from dermcohort.regression.random_intercept import RandomInterceptData, fit_random_intercept
from dermcohort.regression.working_correlation import Exchangeable
from dermcohort.variance import MeanModel, bias_reduced, sandwich

CLUSTERS = (5, 10, 20, 50, 200)
PEOPLE_A_CLUSTER = 30
SPREAD = 0.4  # standard deviation of the clusters on the logit scale

Sample = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Cluster of each person, design matrix (intercept and exposure) and outcome, which the exposure does not change."""

Held = dict[str, bool]


def of_ratios(repeats: int, family: Family, seed: int) -> pd.DataFrame:
    """Simulated coverage of the log odds ratio or log prevalence ratio, by kind of robust variance."""
    return _over_samples(repeats, seed, lambda sample: _by_variance(sample, family))


def of_correlated_models(repeats: int) -> pd.DataFrame:
    """Simulated coverage of the log odds ratio by GEE, with corrections for few clusters, and by the mixed model."""
    return _over_samples(repeats, 20261127, _by_model)


def _over_samples(repeats: int, seed: int, intervals: Callable[[Sample], Held]) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    rows = []
    for n_clusters in CLUSTERS:
        held = pd.DataFrame([intervals(sample) for sample in _samples(rng, n_clusters, repeats)])
        rows.append({"clusters": n_clusters, **100 * held.mean()})
    return pd.DataFrame(rows).astype({"clusters": int})


def _samples(rng: np.random.Generator, n_clusters: int, repeats: int) -> Iterator[Sample]:
    """A third of the clusters (two or more) is exposed; samples without a case in either group are left out."""
    for _ in tqdm(range(repeats), desc=f"{n_clusters} clusters", disable=None):
        effect = rng.normal(0, SPREAD, n_clusters)
        exposed = rng.permutation(np.arange(n_clusters) < max(2, n_clusters // 3))
        size = rng.integers(PEOPLE_A_CLUSTER // 2, 3 * PEOPLE_A_CLUSTER // 2 + 1, n_clusters)
        unit = np.repeat(np.arange(n_clusters), size)
        y = (rng.uniform(size=len(unit)) < expit(-1.5 + effect[unit])).astype(float)
        X = np.column_stack([np.ones(len(unit)), exposed[unit]]).astype(float)
        if min(y[X[:, 1] == k].sum() for k in (0, 1)) > 0:
            yield unit, X, y


def _fitted(X: np.ndarray, y: np.ndarray, family: Family) -> Maximum:
    return maximize(X, y, family, np.ones(len(y)), np.zeros(len(y)))


def _by_variance(sample: Sample, family: Family) -> Held:
    unit, X, y = sample
    fit = _fitted(X, y, family)
    mean = family.mean(fit.eta)
    v = family.variance(mean)
    influence = X * (y - mean)[:, None] @ fit.bread
    model = MeanModel(X * v[:, None], 1 / v, y - mean, v)
    cr2, z = bias_reduced(model, unit, "CR2"), norm.ppf(0.975)
    half = {
        "model": z * np.sqrt(fit.bread[1, 1]),
        "CR0": z * np.sqrt(sandwich(influence, unit, "CR0")[1, 1]),
        "CR1": z * np.sqrt(sandwich(influence, unit, "CR1")[1, 1]),
        "CR2 with t": t.ppf(0.975, cr2.df[1]) * np.sqrt(cr2.covariance[1, 1]),
        "CR3": z * np.sqrt(bias_reduced(model, unit, "CR3").covariance[1, 1]),
    }
    return {name: bool(abs(fit.coefficients[1]) <= width) for name, width in half.items()}


def _by_model(sample: Sample) -> Held:
    unit, X, y = sample
    _, grouping = sort_by_group(unit)
    start, one, z = _fitted(X, y, LOGIT), np.ones(len(y)), norm.ppf(0.975)
    solution = solve_estimating_equations(
        LOGIT, X, y, 0 * one, start.coefficients, Exchangeable(grouping), grouping
    )
    variance = {
        kind: robust_covariance(solution, grouping, kind)[1, 1]
        for kind in (None, "kauermann-carroll", "mancl-derouen")
    }
    student = t.ppf(0.975, grouping.n_groups - 2)
    mixed = fit_random_intercept(RandomInterceptData(LOGIT, X, y, one, 0 * one, grouping), start, 1)
    ends = {
        "GEE": (solution.beta, z * np.sqrt(variance[None])),
        "GEE, Kauermann-Carroll with t": (solution.beta, student * np.sqrt(variance["kauermann-carroll"])),
        "GEE, Mancl-DeRouen with t": (solution.beta, student * np.sqrt(variance["mancl-derouen"])),
        "mixed logistic": (mixed.beta, z * np.sqrt(mixed.covariance[1, 1])),
    }
    return {name: bool(abs(beta[1]) <= half) for name, (beta, half) in ends.items()}
