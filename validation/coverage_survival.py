"""Coverage of hazard ratios of clustered people, of Fine-Gray ratios and of differences of restricted mean survival;
part of `coverage.py`.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from coverage_clusters import CLUSTERS
from scipy.stats import norm, t
from tqdm import tqdm

from dermcohort.survival import rmst
from dermcohort.survival.partial_likelihood import maximize_partial_likelihood, risk_sets, score_residuals
from dermcohort.survival.subdistribution import influences, maximize_subdistribution, subdistribution_sets
from dermcohort.variance import sandwich

SIZE = (10, 30)  # people of a cluster
SPREAD = 0.4  # standard deviation of the clusters' log hazards
Z = norm.ppf(0.975)


def of_cox_clusters(repeats: int) -> pd.DataFrame:
    """Simulated coverage of the log hazard ratio of an exposure of whole clusters and of one of people, truth 0."""
    rng = np.random.default_rng(20261130)
    rows = []
    for n_clusters in CLUSTERS:
        held, errors = [], []
        for _ in tqdm(range(repeats), desc=f"Cox, {n_clusters} clusters", disable=None):
            unit = np.repeat(np.arange(n_clusters), rng.integers(SIZE[0], SIZE[1] + 1, n_clusters))
            n = len(unit)
            exposed = rng.permutation(np.arange(n_clusters) < max(2, n_clusters // 3))
            X = np.column_stack([exposed[unit], rng.uniform(size=n) < 0.5]).astype(float)
            onset = rng.exponential(10 / np.exp(rng.normal(0, SPREAD, n_clusters))[unit])
            end = rng.uniform(2, 10, n)
            event = (onset <= end).astype(float)
            sets = risk_sets(None, np.minimum(onset, end), event, np.zeros(n, np.int64), np.ones(n), "efron")
            fit = maximize_partial_likelihood(X, sets)
            of_people = score_residuals(X, sets, fit.at) @ fit.covariance
            robust = np.sqrt(np.diag(sandwich(of_people, unit, "CR0")))
            model = np.sqrt(np.diag(fit.covariance))
            beta = np.abs(fit.coefficients)
            held.append([*(beta <= Z * model), *(beta <= Z * robust), beta[0] <= _t(n_clusters) * robust[0]])
            errors.append([fit.coefficients[0], robust[0]])
        names = (
            "of clusters: model",
            "of people: model",
            "of clusters: CR0",
            "of people: CR0",
            "of clusters: CR0 with t",
        )
        shares = dict(zip(names, 100 * np.mean(held, axis=0), strict=True))
        estimates, robust_errors = np.array(errors).T
        ratio = f"{robust_errors.mean() / estimates.std():.2f}"
        rows.append({"clusters": n_clusters, **shares, "of clusters: CR0 error / true": ratio})
    return pd.DataFrame(rows)


def _t(n_clusters: int) -> float:
    """Student's quantile with the clusters less 2, which an exposure of whole clusters leaves."""
    return float(t.ppf(0.975, n_clusters - 2))


def of_fine_gray(repeats: int) -> pd.DataFrame:
    """Simulated coverage of the log subdistribution hazard ratio, with and without what the weights' estimation adds."""
    rng = np.random.default_rng(20261201)
    truth, plateau = np.log(2), 0.4
    rows = []
    for n in (100, 200, 500):
        for censored in (0.0, 0.3, 0.6):
            found = []
            for _ in tqdm(range(repeats), desc=f"Fine-Gray, n = {n}", disable=None):
                x = (np.arange(n) % 2).astype(float)
                # Fine and Gray's own design: F1 = 1 - (1 - p (1 - exp(-t)))^exp(b x), the rest competes
                ratio = np.exp(truth * x)
                first = rng.uniform(size=n) < 1 - (1 - plateau) ** ratio
                u = rng.uniform(size=n) * (1 - (1 - plateau) ** ratio)
                time = np.where(
                    first, -np.log(1 - (1 - (1 - u) ** (1 / ratio)) / plateau), rng.exponential(1, n)
                )
                end = rng.exponential((1 - censored) / censored, n) if censored else np.full(n, np.inf)
                ended = np.where(end < time, 0, np.where(first, 1, 2))
                sets = subdistribution_sets(np.minimum(time, end), ended, 1, np.zeros(n, np.int64))
                X = x[:, None]
                maximum = maximize_subdistribution(X, sets)
                robust = np.sqrt(sandwich(influences(X, sets, maximum))[0, 0])
                model = np.sqrt(maximum.inverse_information[0, 0])
                found.append([maximum.coefficients[0], robust, model])
            estimate, robust_error, model_error = np.array(found).T
            off = np.abs(estimate - truth)
            rows.append(
                {
                    "people": n,
                    "censored": f"{100 * censored:g}%",
                    "ratio": f"{np.exp(estimate.mean()):.2f}",
                    "fine_gray": 100 * np.mean(off <= Z * robust_error),
                    "inverse information": 100 * np.mean(off <= Z * model_error),
                }
            )
    return pd.DataFrame(rows)


def of_rmst(repeats: int) -> pd.DataFrame:
    """Simulated coverage of the difference and the ratio of restricted mean survival of two groups, up to 5 years."""
    rng = np.random.default_rng(20261202)
    tau, hazards = 5.0, np.array([0.1, 0.2])
    means = (1 - np.exp(-hazards * tau)) / hazards
    truths = {"RMST difference": means[1] - means[0], "RMST ratio": means[1] / means[0]}
    rows = []
    for n in (40, 100, 400):
        for follow_up, ends in {"6 years": (6.0, 6.0), "uniform, 0 to 12 years": (0.0, 12.0)}.items():
            held = []
            for _ in tqdm(range(repeats), desc=f"RMST, n = {n}", disable=None):
                group = np.arange(n) % 2
                onset, end = rng.exponential(1 / hazards[group]), rng.uniform(*ends, n)
                time = np.minimum(onset, end)
                if min(time[group == g].max() for g in (0, 1)) < tau:
                    continue  # `rmst` asks for a smaller tau
                data = pd.DataFrame({"t": time, "d": (onset <= end).astype(int), "g": group})
                table = rmst(data, "t", "d", tau=tau, by="g").table.set_index("measure")
                held.append(
                    [
                        table.at[name, "conf_low"] <= truth <= table.at[name, "conf_high"]
                        for name, truth in truths.items()
                    ]
                )
            shares = dict(zip(truths, 100 * np.mean(held, axis=0), strict=True))
            rows.append({"people": n, "follow-up": follow_up, **shares})
    return pd.DataFrame(rows)
