"""A ratio divided by the factor with which an unmeasured confounder, or selection, has multiplied it.

Sources: Bross (1966) J Chronic Dis 19:637; Schlesselman (1978) Am J Epidemiol 108:3 (unmeasured confounder); Lash, Fox
& Fink (2009) Applying Quantitative Bias Analysis to Epidemiologic Data, ch. 4, 5 and 8. Numbers as R's
episensr::confounders (standardized) and episensr::selection.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.stats import norm

from ..estimates import Estimates
from .parameters import Parameter, corrected_estimates, drawn, kind_of


def unmeasured_confounder(
    estimate: float,
    conf_low: float | None = None,
    conf_high: float | None = None,
    *,
    prevalence_exposed: Parameter,
    prevalence_unexposed: Parameter,
    risk_ratio: Parameter,
    measure: str = "RR",
    simulations: int = 10_000,
    seed: int | None = None,
    conf_level: float = 0.95,
) -> Estimates:
    """What a ratio would be, adjusted for a binary confounder that was not measured.

    The bias factor is (1 + p1 (RR - 1)) / (1 + p0 (RR - 1)) with the prevalences p1 and p0 of the confounder among the
    exposed and unexposed and its risk ratio RR, which is the same in both.

    Parameters
    ----------
    estimate, conf_low, conf_high : float
        The ratio, adjusted for what was measured, and its limits (optional).
    prevalence_exposed, prevalence_unexposed : float, Beta or Triangular
    risk_ratio : float or Triangular
        Of the outcome, for the confounder.
    measure : str
        What the ratio is; an odds or hazard ratio stands for a risk ratio where the outcome is rare.
    simulations : int
        Draws, where a parameter is a distribution.
    seed : int, optional
        Needed with a distribution.
    conf_level : float
        That of the limits given.

    Returns
    -------
    Estimates
        Rows by `term`: "observed", then "corrected" with the limits divided by the same factor; or, with distributions,
        "systematic error" and, where there are limits, "systematic and random error".

    Raises
    ------
    ValueError
        For a ratio that is not positive, limits that do not hold it, or a parameter that cannot be.

    Examples
    --------
    >>> found = unmeasured_confounder(0.3479, prevalence_exposed=0.8, prevalence_unexposed=0.05, risk_ratio=0.63)
    >>> found.table[["term", "estimate"]].round(3)
            term  estimate
    0   observed     0.348
    1  corrected     0.485
    """
    values = drawn(
        {
            "prevalence_exposed": prevalence_exposed,
            "prevalence_unexposed": prevalence_unexposed,
            "risk_ratio": risk_ratio,
        },
        simulations,
        seed,
        positive=("risk_ratio",),
    )
    excess = values["risk_ratio"] - 1
    factor = (1 + values["prevalence_exposed"] * excess) / (1 + values["prevalence_unexposed"] * excess)
    why = "an unmeasured binary confounder"
    return _divided((estimate, conf_low, conf_high), factor, measure, why, seed, conf_level)


def selection(
    estimate: float,
    conf_low: float | None = None,
    conf_high: float | None = None,
    *,
    cases: tuple[Parameter, Parameter],
    non_cases: tuple[Parameter, Parameter],
    simulations: int = 10_000,
    seed: int | None = None,
    conf_level: float = 0.95,
) -> Estimates:
    """What an odds ratio would be, had selection into the study not depended on exposure and outcome.

    Parameters
    ----------
    estimate, conf_low, conf_high : float
        The odds ratio and its limits (optional).
    cases, non_cases : pair of float, Beta or Triangular
        Probability to be in the study of the exposed and of the unexposed.
    simulations : int
        Draws, where a parameter is a distribution.
    seed : int, optional
        Needed with a distribution.
    conf_level : float
        That of the limits given.

    Returns
    -------
    Estimates
        As of `unmeasured_confounder`, with `measure` "OR".

    Raises
    ------
    ValueError
        As `unmeasured_confounder`; or where a probability is 0.

    Examples
    --------
    >>> selection(0.7061, cases=(0.94, 0.85), non_cases=(0.64, 0.25)).table[["term", "estimate"]].round(2)
            term  estimate
    0   observed      0.71
    1  corrected      1.63
    """
    names = ("exposed cases", "unexposed cases", "exposed non-cases", "unexposed non-cases")
    if any(not isinstance(pair, tuple | list) or len(pair) != 2 for pair in (cases, non_cases)):
        raise ValueError("cases and non_cases: give the probability of the exposed and of the unexposed")
    values = drawn(dict(zip(names, (*cases, *non_cases), strict=True)), simulations, seed)
    a, b, c, d = values.values()
    if any((v == 0).any() for v in (a, b, c, d)):
        raise ValueError("cases and non_cases: a probability of 0 leaves nothing to correct from")
    why = "selection that depends on exposure and outcome"
    return _divided((estimate, conf_low, conf_high), a * d / (b * c), "OR", why, seed, conf_level)


def _divided(
    given: tuple[float, float | None, float | None],
    factor: np.ndarray,
    measure: str,
    why: str,
    seed: int | None,
    conf_level: float,
) -> Estimates:
    estimate = given[0]
    low, high = (math.nan if limit is None else float(limit) for limit in given[1:])
    if not (0 < estimate < math.inf) or low <= 0:
        raise ValueError(f"a ratio and its limits are positive, they are {given}")
    if low > estimate or high < estimate:
        raise ValueError(f"the interval ({low}, {high}) does not hold the estimate {estimate}")
    std_error = math.log(high / low) / (2 * norm.ppf(0.5 + conf_level / 2)) if high < math.inf else math.nan
    return corrected_estimates(
        (float(estimate), low, high),
        estimate / factor,
        std_error,
        (low / float(factor[0]), high / float(factor[0])),
        measure=measure,
        method=f"{measure} corrected for {why} ({kind_of(len(factor))}; Lash, Fox & Fink 2009).",
        n=0,
        notes=[f"Bias factor {float(factor[0]):.3f}." if len(factor) == 1 else _factors(factor)],
        seed=seed,
        conf_level=conf_level,
    )


def _factors(factor: np.ndarray) -> str:
    low, middle, high = np.quantile(factor, [0.025, 0.5, 0.975])
    return f"Bias factor: median {middle:.3f}, 95% of the draws between {low:.3f} and {high:.3f}."
