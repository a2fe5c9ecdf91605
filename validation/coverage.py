"""How often the intervals of this package hold the truth: `make coverage` writes validation/coverage.md.

Where the data are a few counts, coverage is computed exactly, by summing over everything that can be observed; where
they are clusters, by simulation with a fixed seed. Nominal level 95% everywhere.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from datetime import date
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import expit, logit
from scipy.stats import binom, norm, poisson, t
from tqdm import tqdm

from dermcohort.poisson_intervals import POISSON_INTERVALS
from dermcohort.prevalence.intervals import INTERVALS
from dermcohort.prevalence.survey import INTERVALS as SURVEY_INTERVALS
from dermcohort.prevalence.two_by_two import (
    TwoByTwo,
    koopman_limits,
    log_limits,
    miettinen_nurminen,
    newcombe,
    proportion_ratio,
    wald_difference,
)
from dermcohort.regression import additive
from dermcohort.regression.aipw import augmented_means
from dermcohort.regression.balancing import balancing_weights, weighted_means_by_treatment
from dermcohort.regression.covariance import Arrays, FittedRows
from dermcohort.regression.families import CLOGLOG, LOGIT
from dermcohort.regression.maximize import maximize
from dermcohort.regression.standardized_risks import standardize, standardized_covariance
from dermcohort.survival.partial_likelihood import maximize_partial_likelihood, risk_sets
from dermcohort.survival.spline_hazard import SplineRows, maximize_spline_likelihood
from dermcohort.variance import MeanModel, SurveyDesign, bias_reduced, sandwich, weighted_means

PREVALENCES = (0.001, 0.01, 0.05, 0.1, 0.3, 0.5)
CLUSTERS = (5, 10, 20, 50, 200)
PEOPLE_A_CLUSTER = 30
ICC = 0.05
INTERACTION = (
    "RERI, AP and S of odds ratios; people in each of the four combinations, 15% of the reference have the outcome, "
    "odds ratios of 1.5 for each exposure alone. Samples with an empty cell are left out; a negative S, which has no "
    "interval, counts as a failure."
)
ONSETS = (
    "600 people, half exposed, over ten years; the true hazard ratio is 2, `hazard ratio` the exponential of the mean estimate. "
    "Visits are up to 30% of their distance early. Dates of visits bias the ratio where onsets are common and visits are rare, or "
    "where one group is seen more often; the middle of the interval is close throughout. `discrete time` has a factor of the "
    "number of the visit and takes its intervals to be equally long, which is wrong where the groups differ in that. "
    "`interval_ph` has one inner knot."
)
OUT = Path(__file__).with_name("coverage.md")


def of_one_proportion() -> pd.DataFrame:
    """Exact coverage of the intervals for one proportion."""
    rows = []
    for n in (50, 200, 1000, 5000):
        x = np.arange(n + 1)
        for name, interval in INTERVALS.items():
            low, high = interval(x.astype(float), np.full(n + 1, float(n)), 0.95)
            shares = {
                f"p = {p:g}": 100 * binom.pmf(x, n, p)[(low <= p) & (p <= high)].sum() for p in PREVALENCES
            }
            rows.append({"n": f"{n:,}", "interval": name, **shares})
    return pd.DataFrame(rows)


def of_two_proportions() -> pd.DataFrame:
    """Exact coverage for two groups of 60 whose prevalences differ by half of the smaller."""
    n = 60
    tables = [TwoByTwo(a, n, b, n) for a in range(n + 1) for b in range(n + 1)]
    a, b = (np.repeat(np.arange(n + 1), n + 1), np.tile(np.arange(n + 1), n + 1))
    difference = {"newcombe": newcombe, "miettinen-nurminen": miettinen_nurminen, "wald": wald_difference}
    ratio: dict[str, Callable[[TwoByTwo, float], tuple[float, float]]] = {
        "score": koopman_limits,
        "log": lambda table, level: log_limits(proportion_ratio(table), level),
    }
    rows = []
    for kind, intervals in (("difference", difference), ("ratio", ratio)):
        for name, interval in intervals.items():
            with np.errstate(all="ignore"):
                low, high = np.array([interval(table, 0.95) for table in tables]).T
            shares = {}
            for p in PREVALENCES:
                p1 = 1.5 * p if p < 0.5 else 0.75
                truth = p1 - p if kind == "difference" else p1 / p
                weight = binom.pmf(a, n, p1) * binom.pmf(b, n, p)
                # a table without an interval (NaN) does not hold the truth
                shares[f"p = {p:g}"] = 100 * weight[(low <= truth) & (truth <= high)].sum()
            rows.append({"measure": kind, "interval": name, **shares})
    return pd.DataFrame(rows)


def of_observed_to_expected() -> pd.DataFrame:
    """Exact coverage of the intervals for observed over expected events, truth 1."""
    rows = []
    for name, interval in POISSON_INTERVALS.items():
        shares = {}
        for expected in (0.5, 2, 5, 10, 50, 200):
            x = np.arange(int(expected + 20 * np.sqrt(expected) + 20), dtype=float)
            low, high = interval(x, 0.95)
            held = (np.asarray(low) <= expected) & (expected <= np.asarray(high))
            shares[f"{expected:g} expected"] = 100 * poisson.pmf(x, expected)[held].sum()
        rows.append({"interval": name, **shares})
    return pd.DataFrame(rows)


def cluster_sample(
    rng: np.random.Generator, n_clusters: int, p: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Clusters of unequal size, a beta-distributed prevalence in each, and weights that differ between clusters."""
    size = rng.integers(PEOPLE_A_CLUSTER // 2, 3 * PEOPLE_A_CLUSTER // 2 + 1, n_clusters)
    spread = (1 - ICC) / ICC
    of_cluster = rng.beta(p * spread, (1 - p) * spread, n_clusters)
    unit = np.repeat(np.arange(n_clusters), size)
    weight = np.repeat(rng.uniform(0.5, 2, n_clusters), size)
    return unit, weight, (rng.uniform(size=len(unit)) < of_cluster[unit]).astype(float)


def of_cluster_samples(repeats: int) -> pd.DataFrame:
    """Simulated coverage of the survey intervals, and of Wilson's that takes people as independent."""
    rng = np.random.default_rng(20261124)
    rows = []
    for n_clusters in CLUSTERS:
        held = {
            name: dict.fromkeys(PREVALENCES, 0) for name in [*SURVEY_INTERVALS, "wilson, clusters ignored"]
        }
        for p in tqdm(PREVALENCES, desc=f"{n_clusters} clusters", disable=None):
            for _ in range(repeats):
                unit, weight, y = cluster_sample(rng, n_clusters, p)
                n, events = len(y), y.sum()
                if 0 < events < n:
                    sample = SurveyDesign("w", cluster="v").sample(pd.DataFrame({"w": weight, "v": unit}))
                    means = weighted_means(y, np.zeros(n, int), 1, sample)
                    ends = {
                        name: interval(means.estimate[0], means.covariance[0, 0], n, int(means.df[0]), 0.95)
                        for name, interval in SURVEY_INTERVALS.items()
                    }
                else:  # what prevalence.survey does
                    low, high = INTERVALS["clopper-pearson"](np.array([events]), np.array([float(n)]), 0.95)
                    ends = dict.fromkeys(SURVEY_INTERVALS, (low[0], high[0]))
                low, high = INTERVALS["wilson"](np.array([events]), np.array([float(n)]), 0.95)
                ends["wilson, clusters ignored"] = low[0], high[0]
                for name, (low, high) in ends.items():
                    held[name][p] += low <= p <= high
        for name, counts in held.items():
            shares = {f"p = {p:g}": 100 * count / repeats for p, count in counts.items()}
            rows.append({"clusters": n_clusters, "interval": name, **shares})
    return pd.DataFrame(rows)


def of_odds_ratios(repeats: int) -> pd.DataFrame:
    """Simulated coverage of the log odds ratio of an exposure of whole clusters, by kind of robust variance."""
    rng = np.random.default_rng(20261125)
    rows = []
    for n_clusters in CLUSTERS:
        held = dict.fromkeys(("model", "CR0", "CR1", "CR2 with t", "CR3"), 0)
        used = 0
        for _ in tqdm(range(repeats), desc=f"odds ratio, {n_clusters} clusters", disable=None):
            effect = rng.normal(0, 0.4, n_clusters)
            exposed = rng.permutation(np.arange(n_clusters) < max(2, n_clusters // 3))
            size = rng.integers(PEOPLE_A_CLUSTER // 2, 3 * PEOPLE_A_CLUSTER // 2 + 1, n_clusters)
            unit = np.repeat(np.arange(n_clusters), size)
            y = (rng.uniform(size=len(unit)) < expit(-1.5 + effect[unit])).astype(float)
            X = np.column_stack([np.ones(len(unit)), exposed[unit]]).astype(float)
            if min(y[X[:, 1] == k].sum() for k in (0, 1)) == 0:
                continue
            used += 1
            fit = maximize(X, y, LOGIT, np.ones(len(y)), np.zeros(len(y)))
            probability = expit(fit.eta)
            v = probability * (1 - probability)
            influence = X * (y - probability)[:, None] @ fit.bread
            model = MeanModel(X * v[:, None], 1 / v, y - probability, v)
            cr2 = bias_reduced(model, unit, "CR2")
            z = norm.ppf(0.975)
            half = {
                "model": z * np.sqrt(fit.bread[1, 1]),
                "CR0": z * np.sqrt(sandwich(influence, unit, "CR0")[1, 1]),
                "CR1": z * np.sqrt(sandwich(influence, unit, "CR1")[1, 1]),
                "CR2 with t": t.ppf(0.975, cr2.df[1]) * np.sqrt(cr2.covariance[1, 1]),
                "CR3": z * np.sqrt(bias_reduced(model, unit, "CR3").covariance[1, 1]),
            }
            for name, width in half.items():
                held[name] += abs(fit.coefficients[1]) <= width
        rows.append({"clusters": n_clusters, **{name: 100 * count / used for name, count in held.items()}})
    return pd.DataFrame(rows)


def confounded_sample(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A normal confounder, an exposure that follows it, and an outcome whose odds ratio is larger where it is high."""
    z = rng.normal(size=n)
    x = (rng.uniform(size=n) < expit(-0.5 + 0.7 * z)).astype(float)
    return z, x, (rng.uniform(size=n) < risk_of(x, z)).astype(float)


def risk_of(x: np.ndarray | float, z: np.ndarray) -> np.ndarray:
    return expit(-1 + 0.6 * x + 0.8 * z + 0.4 * x * z)


def of_risk_differences(repeats: int) -> pd.DataFrame:
    """Simulated coverage of the risk difference of a confounded exposure in the population, by method."""
    rng = np.random.default_rng(20261126)
    grid = np.linspace(-8, 8, 4001)
    truth = np.average(risk_of(1, grid) - risk_of(0, grid), weights=norm.pdf(grid))
    apart = np.array([-1.0, 1.0])
    rows = []
    for n in (100, 300, 1000, 3000):
        held: dict[str, int] = {}
        for _ in tqdm(range(repeats), desc=f"risk difference, n = {n}", disable=None):
            z, x, y = confounded_sample(rng, n)
            one = np.ones(n)

            def fitted(X: np.ndarray, outcome: np.ndarray, one: np.ndarray = one) -> FittedRows:
                maximum = maximize(X, outcome, LOGIT, one, 0 * one)
                arrays = Arrays(X, outcome, one, 0 * one, None)
                return FittedRows(arrays, LOGIT, maximum, "HC0", None, one > 0, np.inf)

            treatment = fitted(np.column_stack([one, z]), x)
            outcome = fitted(np.column_stack([one, x, z, x * z]), y)
            worlds = [np.column_stack([one, a * one, z, a * z]) for a in (0, 1)]
            score = expit(treatment.maximum.eta)
            core = standardize(outcome, worlds, one > 0)
            bread = outcome.maximum.bread
            weighted = {
                kind: weighted_means_by_treatment(
                    y, x, *balancing_weights("ate", x, score, one > 0), treatment.arrays.X, influence
                )
                for kind, influence in (
                    ("estimated", treatment.influence),
                    ("known", 0 * treatment.influence),
                )
            }
            doubly, influence = augmented_means(outcome, treatment, worlds)
            found = {
                "g-computation": (core.means, standardized_covariance(outcome, core, bread)),
                "g-computation, covariates fixed": (core.means, core.gradient @ bread @ core.gradient.T),
                "weighting": (weighted["estimated"][0], sandwich(weighted["estimated"][1])),
                "weighting, weights as known": (weighted["known"][0], sandwich(weighted["known"][1])),
                "doubly robust": (doubly, sandwich(influence)),
            }
            for name, (means, covariance) in found.items():
                half = norm.ppf(0.975) * np.sqrt(apart @ covariance @ apart)
                held[name] = held.get(name, 0) + (abs(apart @ means - truth) <= half)
        rows.append({"people": f"{n:,}", **{name: 100 * count / repeats for name, count in held.items()}})
    return pd.DataFrame(rows)


def of_interaction(repeats: int) -> pd.DataFrame:
    """Simulated coverage of RERI, AP and S of odds ratios, by the delta method and by recovery of variances."""
    rng = np.random.default_rng(20261126)
    rows = []
    for people in (50, 100, 400):
        for truth in (0.0, 1.0, 3.0):
            b = np.log([1.5, 1.5, 2 + truth])
            risk = expit(logit(0.15) + np.r_[0, b])
            true = {name: float(measure(b)) for name, measure in additive.MEASURES.items()}
            held = dict.fromkeys(("RERI delta", "RERI MOVER", "AP delta", "AP MOVER", "S delta"), 0)
            cases = rng.binomial(people, risk, (repeats, 4))
            cases = cases[((cases > 0) & (cases < people)).all(axis=1)]
            for x in cases:
                log_odds, variance = np.log(x / (people - x)), 1 / x + 1 / (people - x)
                arguments = log_odds[1:] - log_odds[0], np.diag(variance[1:]) + variance[0], 0.95, np.inf
                by = {"delta": additive.delta(*arguments), "MOVER": additive.mover(*arguments)}
                for name in held:
                    measure, method = name.split()
                    found = by[method][measure]
                    held[name] += found.conf_low <= true[measure] <= found.conf_high
            shares = {name: 100 * count / len(cases) for name, count in held.items()}
            rows.append({"people": people, "RERI": f"{truth:g}", **shares})
    return pd.DataFrame(rows)


def onsets_between_visits(
    rng: np.random.Generator, exposed: np.ndarray, apart: np.ndarray, share: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Bounds of onsets over ten years and the visit (1, 2, ...) that ends them; visits up to 30% off their date.

    Weibull hazards of shape 1.5, hazard ratio 2; `share` of the unexposed have an onset within ten years.
    """
    n = len(exposed)
    rate = -np.log1p(-share) * np.where(exposed, 2.0, 1.0)
    onset = 10 * (rng.exponential(size=n) / rate) ** (1 / 1.5)
    due = apart[:, None] * np.arange(1, 11)
    visits = np.where(due <= 10, due + apart[:, None] * rng.uniform(-0.3, 0, due.shape), np.inf)
    number = (visits < onset[:, None]).sum(axis=1)
    bounds = np.column_stack([np.zeros(n), visits, np.full(n, np.inf)])
    rows = np.arange(n)
    seen = np.isfinite(bounds[rows, number + 1])
    last = np.isfinite(visits).sum(axis=1)
    left = bounds[rows, np.where(seen, number, np.minimum(number, last))]
    return left, np.where(seen, bounds[rows, number + 1], np.inf), np.where(seen, number, last - 1)


def discrete_time(
    left: np.ndarray, right: np.ndarray, visit: np.ndarray, exposed: np.ndarray
) -> tuple[float, float]:
    """Log hazard ratio and variance by complementary log-log regression with a factor of the visit."""
    times = visit + 1
    row = np.repeat(np.arange(len(visit)), times)
    number = np.concatenate([np.arange(k) for k in times])
    event = (number == visit[row]) & np.isfinite(right[row])
    used = np.isin(number, number[event])  # a visit without an onset has no finite coefficient
    row, number, event = row[used], number[used], event[used]
    X = np.column_stack([number[:, None] == np.unique(number), exposed[row]]).astype(float)
    fit = maximize(X, event.astype(float), CLOGLOG, np.ones(len(row)), np.zeros(len(row)))
    return float(fit.coefficients[-1]), float(fit.bread[-1, -1])


def of_onsets(repeats: int) -> pd.DataFrame:
    """Bias of the log hazard ratio and coverage, by what is taken as the time of an onset seen at a visit."""
    rng = np.random.default_rng(20261127)
    exposed = (np.arange(600) % 2).astype(bool)
    truth, z = np.log(2), norm.ppf(0.975)
    rows = []
    for visits, apart in {
        "every 2 years": np.full(600, 2.0),
        "every 5 years": np.full(600, 5.0),
        "exposed every 2, others every 5 years": np.where(exposed, 2.0, 5.0),
    }.items():
        for share in (0.1, 0.5):
            found: dict[str, list[tuple[float, float]]] = {}
            for _ in tqdm(range(repeats), desc=f"onsets, visits {visits}", disable=None):
                left, right, visit = onsets_between_visits(rng, exposed, apart, share)
                event = np.isfinite(right)
                end = np.where(event, right, left)
                one, none = np.ones(600), np.zeros(600)
                X = exposed[:, None].astype(float)
                for name, time in (
                    ("visit date", end),
                    ("midpoint", np.where(event, (left + end) / 2, left)),
                ):
                    sets = risk_sets(None, time, event.astype(float), np.zeros(600, np.int64), one, "efron")
                    cox = maximize_partial_likelihood(X, sets)
                    found.setdefault(f"Cox, {name}", []).append((cox.coefficients[0], cox.covariance[0, 0]))
                found.setdefault("discrete time", []).append(discrete_time(left, right, visit, exposed))
                middle = np.log((left + end) / 2)[event]
                fit = maximize_spline_likelihood(
                    SplineRows(left, right, none, X - 0.5, one, np.quantile(middle, [0, 0.5, 1]))
                ).optimum
                found.setdefault("interval_ph", []).append(
                    (fit.parameters[-1], fit.inverse_information[-1, -1])
                )
            for name, results in found.items():
                estimate, variance = np.array(results).T
                held = np.abs(estimate - truth) <= z * np.sqrt(variance)
                rows.append(
                    {
                        "visits": visits,
                        "onset, unexposed": f"{100 * share:g}%",
                        "method": name,
                        "hazard ratio": f"{np.exp(estimate.mean()):.2f}",
                        "coverage": 100 * held.mean(),
                    }
                )
    return pd.DataFrame(rows)


def as_markdown(table: pd.DataFrame) -> str:
    text = table.astype(dict.fromkeys(table, "object"))
    for name in table.select_dtypes("float"):
        text[name] = table[name].map("{:.1f}".format)
    lines = [
        list(text),
        ["--:" if table[name].dtype.kind in "fi" else "--" for name in text],
        *text.values.tolist(),
    ]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=1000, help="samples for each simulated cell")
    parser.add_argument("--out", type=Path, default=OUT)
    options = parser.parse_args(arguments)
    error = 100 * np.sqrt(0.95 * 0.05 / options.repeats)
    parts = [
        "# Coverage of the intervals",
        f"Per cent of 95% intervals that hold the truth. {date.today()}, `make coverage` (NumPy {version('numpy')}, SciPy "
        f"{version('scipy')}, {options.repeats:,} samples for each simulated cell: standard error {error:.1f} at 95).",
        "## One proportion, exact",
        "Wilson and Jeffreys are close to 95 on average; Clopper-Pearson never falls below it; Wald and logit fail "
        "where few events are expected.",
        as_markdown(of_one_proportion()),
        "## Two proportions, exact",
        "Two groups of 60; the second has the prevalence of the column, the first 1.5 times that (0.75 where it is 0.5). "
        "A table without an interval counts as a failure, which is why the log interval of the ratio has no coverage "
        "where events are few.",
        as_markdown(of_two_proportions()),
        "## Observed over expected, exact",
        as_markdown(of_observed_to_expected()),
        "## One proportion from clusters, simulated",
        f"Clusters of 15 to 45 people (mean {PEOPLE_A_CLUSTER}), intracluster correlation {ICC}, weights that differ between "
        "clusters. Where nobody has the outcome the interval is Clopper-Pearson's, as in `prevalence.survey`.",
        as_markdown(of_cluster_samples(options.repeats)),
        "## Odds ratio of an exposure of whole clusters, simulated",
        "No effect; a third of the clusters (two or more) is exposed; clusters differ with standard deviation 0.4 of the "
        "logit.",
        as_markdown(of_odds_ratios(options.repeats)),
        "## Risk difference of a confounded exposure, simulated",
        "The truth is that of the population. g-computation, weighting and the doubly robust estimate as "
        "`standardized_risks` of a fit with robust variance, `propensity_weights(...).effect` and `aipw` make them. Beside "
        "them what goes wrong otherwise: covariates as fixed (the model's own variance, right for these people and not for the "
        "population; here it costs little) and weights as known, whose intervals are too wide.",
        as_markdown(of_risk_differences(options.repeats)),
        "## Additive interaction, simulated",
        INTERACTION,
        as_markdown(of_interaction(options.repeats)),
        "## Hazard ratio of onsets between visits, simulated",
        ONSETS,
        as_markdown(of_onsets(options.repeats)),
    ]
    options.out.write_text("\n\n".join(parts) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
