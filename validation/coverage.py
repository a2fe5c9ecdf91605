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
from typing import NamedTuple

import numpy as np
import pandas as pd
from coverage_clusters import CLUSTERS, PEOPLE_A_CLUSTER, of_correlated_models, of_ratios
from coverage_imputation import DATA_SETS, ITERATIONS, of_imputation
from coverage_onsets import of_onsets
from coverage_survival import of_cox_clusters, of_fine_gray, of_rmst
from scipy.special import expit, logit
from scipy.stats import binom, norm, poisson
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
from dermcohort.regression.families import LOGIT, POISSON
from dermcohort.regression.maximize import maximize
from dermcohort.regression.standardized_risks import standardize, standardized_covariance
from dermcohort.variance import SurveyDesign, sandwich, weighted_means

PREVALENCES = (0.001, 0.01, 0.05, 0.1, 0.3, 0.5)
ICC = 0.05
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


class Study(NamedTuple):
    """A table of the report: its heading, what to know of it, and what computes it from the number of samples."""

    heading: str
    text: str
    table: Callable[[int], pd.DataFrame]


STUDIES = {
    "proportion": Study(
        "One proportion, exact",
        "Wilson and Jeffreys are close to 95 on average; Clopper-Pearson never falls below it; Wald and logit fail "
        "where few events are expected.",
        lambda _: of_one_proportion(),
    ),
    "two-proportions": Study(
        "Two proportions, exact",
        "Two groups of 60; the second has the prevalence of the column, the first 1.5 times that (0.75 where it is 0.5). "
        "A table without an interval counts as a failure, which is why the log interval of the ratio has no coverage "
        "where events are few.",
        lambda _: of_two_proportions(),
    ),
    "observed-expected": Study(
        "Observed over expected, exact", "Truth 1.", lambda _: of_observed_to_expected()
    ),
    "cluster-samples": Study(
        "One proportion from clusters, simulated",
        f"Clusters of 15 to 45 people (mean {PEOPLE_A_CLUSTER}), intracluster correlation {ICC}, weights that differ between "
        "clusters. Where nobody has the outcome the interval is Clopper-Pearson's, as in `prevalence.survey`.",
        of_cluster_samples,
    ),
    "odds-ratios": Study(
        "Odds ratio of an exposure of whole clusters, simulated",
        "No effect; a third of the clusters (two or more) is exposed; clusters differ with standard deviation 0.4 of the "
        "logit.",
        lambda repeats: of_ratios(repeats, LOGIT, 20261125),
    ),
    "prevalence-ratios": Study(
        "Prevalence ratio of an exposure of whole clusters, simulated",
        "Modified Poisson regression of clusters as above. The model's own variance is Poisson's, too large for people and "
        "too small for clusters; CR1 is the default with `cluster=`, CR2 what to ask for with fewer than some 50 clusters.",
        lambda repeats: of_ratios(repeats, POISSON, 20261129),
    ),
    "correlated-models": Study(
        "The same exposure by models of correlated data, simulated",
        "Odds ratio of clusters as above: GEE with exchangeable working correlation, its corrections for few clusters with "
        "Student's t (clusters less 2), and mixed logistic regression (Laplace). Without an effect the odds ratio in the "
        "population and that within clusters are both 1. An interval that was not found counts as a failure.",
        of_correlated_models,
    ),
    "imputation": Study(
        "Slope after multiple imputation, simulated",
        "Linear regression of y on x and z, n people; x is missing in a third, more often where y is high, z in an eighth "
        f"where y is low: complete rows are biased. {DATA_SETS} data sets, {ITERATIONS} iterations; t with the degrees of "
        "freedom of Barnard and Rubin, or the normal quantile, which is what comes of ignoring them. Matching falls short "
        "here: where x is missing most there are few donors, and its draws lie too far inwards (see `impute`); so does that of R's mice 3.15 in 300 samples of 1,000 people (matching 91.7, norm 94.3).",
        of_imputation,
    ),
    "risk-differences": Study(
        "Risk difference of a confounded exposure, simulated",
        "The truth is that of the population. g-computation, weighting and the doubly robust estimate as "
        "`standardized_risks` of a fit with robust variance, `propensity_weights(...).effect` and `aipw` make them. Beside "
        "them what goes wrong otherwise: covariates as fixed (the model's own variance, right for these people and not for the "
        "population; here it costs little) and weights as known, whose intervals are too wide.",
        of_risk_differences,
    ),
    "interaction": Study(
        "Additive interaction, simulated",
        "RERI, AP and S of odds ratios; people in each of the four combinations, 15% of the reference have the outcome, "
        "odds ratios of 1.5 for each exposure alone. Samples with an empty cell are left out; a negative S, which has no "
        "interval, counts as a failure.",
        of_interaction,
    ),
    "onsets": Study(
        "Hazard ratio of onsets between visits, simulated",
        "600 people, half exposed, over ten years; the true hazard ratio is 2, `hazard ratio` the exponential of the mean estimate. "
        "Visits are up to 30% of their distance early. Dates of visits bias the ratio where onsets are common and visits are rare, or "
        "where one group is seen more often; the middle of the interval is close throughout. `discrete time` has a factor of the "
        "number of the visit and takes its intervals to be equally long, which is wrong where the groups differ in that. "
        "`interval_ph` has one inner knot.",
        of_onsets,
    ),
    "cox-clusters": Study(
        "Hazard ratios from clusters, simulated",
        "Cox regression of clusters of 10 to 30 people whose log hazards differ with standard deviation 0.4; no effect of an "
        "exposure of whole clusters (a third of them, two or more) nor of one of people (half of them). CR0 is what `cox` gives "
        "with `cluster=`, R's `coxph` too; `error / true` is its mean standard error over the standard deviation of the "
        "estimates. With t: the quantile of the clusters less 2. What few clusters cost: the standard error of an exposure of "
        "whole clusters is too small by a tenth with 20 and by more than a third with 5, which t does not make good. For "
        "an exposure that differs between the people of a cluster, where the model's own variance is close, it is too narrow "
        "below about 20 clusters.",
        of_cox_clusters,
    ),
    "fine-gray": Study(
        "Subdistribution hazard ratio, simulated",
        "Fine and Gray's own design, half of the people exposed: 40% of the unexposed have the event in the end, the others the "
        "competing one; the true ratio is 2, `ratio` the exponential of the mean estimate. `censored` is the chance that "
        "censoring comes before a competing event. The inverse of the information, which `fine_gray` does not use, takes the "
        "weights of those with a competing event for certain.",
        of_fine_gray,
    ),
    "rmst": Study(
        "Restricted mean survival time up to 5 years, simulated",
        "Two groups of half of the people each, exponential with 0.1 and 0.2 a year. Samples in which a group is not followed "
        "up to 5 years are left out, as `rmst` asks for a smaller tau.",
        of_rmst,
    ),
}


def section(study: Study, repeats: int) -> str:
    return f"## {study.heading}\n\n{study.text}\n\n{as_markdown(study.table(repeats))}\n"


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=1000, help="samples for each simulated cell")
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--only", nargs="+", choices=STUDIES, help="print these studies, write no file")
    options = parser.parse_args(arguments)
    if options.only:
        print("\n".join(section(STUDIES[name], options.repeats) for name in options.only))
        return
    error = 100 * np.sqrt(0.95 * 0.05 / options.repeats)
    head = (
        f"# Coverage of the intervals\n\nPer cent of 95% intervals that hold the truth. {date.today()}, `make coverage` "
        f"(NumPy {version('numpy')}, SciPy {version('scipy')}, {options.repeats:,} samples for each simulated cell: "
        f"standard error {error:.1f} at 95).\n"
    )
    sections = [section(study, options.repeats) for study in STUDIES.values()]
    options.out.write_text("\n".join([head, *sections]), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
