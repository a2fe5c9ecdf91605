"""How many people a survey of a prevalence needs, and what a sample in clusters costs."""

from __future__ import annotations

import math

from scipy.stats import norm

from ..estimates import Estimates
from .plan import and_effect, percent, plan, require_at_least, require_one_missing, require_shares, round_up

FEW_CASES = 5


def design_effect(cluster_size: float, icc: float, *, cv: float = 0.0) -> float:
    """How many times more people a sample of clusters needs than one of single people.

    1 + [(1 + cv^2) m - 1] icc, for `icc` >= 0 (Eldridge, Ashby & Kerry 2006, Int J Epidemiol 35:1292); with
    clusters of one size, `cv` = 0, Kish's 1 + (m - 1) icc.

    Parameters
    ----------
    cluster_size : float
        Mean number of people in a cluster, m.
    icc : float
        Intracluster correlation of the outcome, 0 to 1.
    cv : float
        Standard deviation of the cluster sizes over their mean.

    Returns
    -------
    float

    Examples
    --------
    >>> design_effect(21, 0.05)
    2.0
    """
    require_at_least("cluster_size", cluster_size, 1)
    require_at_least("cv", cv, 0)
    if not 0 <= icc <= 1:
        raise ValueError(f"icc={icc} must lie between 0 and 1, e.g. 0.02")
    return 1 + ((1 + cv**2) * cluster_size - 1) * icc


def prevalence(
    expected: float,
    precision: float | None = None,
    *,
    n: int | None = None,
    design_effect: float = 1.0,
    population: int | None = None,
    response: float = 1.0,
    conf_level: float = 0.95,
) -> Estimates:
    """People needed to estimate a prevalence to within `precision`, or the precision that `n` people give.

    n0 = deff z^2 p (1 - p) / d^2, and with a finite population of N people n = n0 / (1 + (n0 - 1) / N)
    (Cochran 1977, Sampling Techniques, 3rd ed., section 4.4).

    Parameters
    ----------
    expected : float
        Prevalence that is expected, 0 to 1.
    precision : float, optional
        Half the width of the confidence interval, as a proportion: 0.01 is one percentage point.
    n : int, optional
        People examined. Give `precision` or `n`.
    design_effect : float
        Of a sample in clusters; see `design_effect`.
    population : int, optional
        Size of the population, where the sample is a large part of it.
    response : float
        Share of the people invited who are examined.
    conf_level : float

    Returns
    -------
    Estimates
        One row; `n` people to examine, `invited` people to invite.

    Raises
    ------
    ValueError
        If not exactly one of `precision` and `n` is given, or a value is impossible.

    Examples
    --------
    >>> plan = prevalence(0.05, 0.01, design_effect=2, response=0.8)
    >>> plan.table[["estimate", "n", "invited"]].round(1)
       estimate     n  invited
    0    3649.4  3650     4563
    >>> print(plan.method)
    3,650 people examined of 4,563 invited estimate a prevalence of 5% to within 1 percentage points with 95%
    confidence and a design effect of 2 (Cochran 1977).
    """
    require_one_missing(precision=precision, n=n)
    require_shares(expected=expected, precision=precision, conf_level=conf_level)
    require_at_least("design_effect", design_effect, 1)
    if not 0 < response <= 1:
        raise ValueError(f"response={response} must be above 0 and at most 1, e.g. 0.8")
    if population is not None:
        require_at_least("population", population, 2)
    z = norm.ppf(0.5 + conf_level / 2)
    # z^2 times the variance of the prevalence among one person examined
    spread = z**2 * design_effect * expected * (1 - expected)
    if n is None:
        assert precision is not None
        size = spread / precision**2
        if population is not None:
            size = size / (1 + (size - 1) / population)
        people, measure, answer = round_up(size), "sample size", size
    else:
        require_at_least("n", n, 1)
        if population is not None and n >= population:
            raise ValueError(f"n={n:,} must be below population={population:,}")
        unseen = 1.0 if population is None else (population - n) / (population - 1)
        precision = math.sqrt(spread / n * unseen)
        people, measure, answer = n, "precision", precision
    invited = round_up(people / response)
    notes = []
    if precision >= min(expected, 1 - expected):
        notes.append("The precision is no smaller than the prevalence: the interval would hold 0 or 100%.")
    if people * min(expected, 1 - expected) < FEW_CASES:
        notes.append(f"Fewer than {FEW_CASES} cases are expected: the normal formula is rough.")
    asked = f"{people:,} people examined" + (f" of {invited:,} invited" if invited > people else "")
    sampled = "" if population is None else f", in a population of {population:,}"
    return plan(
        {
            "expected": expected,
            "precision": precision,
            "design_effect": design_effect,
            "population": population,
            "response": response,
            "invited": invited,
        },
        measure=measure,
        answer=answer,
        n=people,
        method=f"{asked} estimate a prevalence of {percent(expected)} to within {100 * precision:.3g} "
        f"percentage points with {percent(conf_level)} confidence{and_effect(design_effect)}{sampled} "
        "(Cochran 1977).",
        notes=notes,
        conf_level=conf_level,
    )
