"""Power of comparisons of two proportions: two groups of people, or cases and controls."""

from __future__ import annotations

import math

from scipy.stats import norm

from ..estimates import Estimates
from .plan import (
    and_effect,
    detectable,
    percent,
    plan,
    require_at_least,
    require_one_missing,
    require_ratio,
    require_shares,
    require_unequal,
    round_up,
)


def two_proportions(
    p1: float,
    p2: float | None = None,
    *,
    n: float | None = None,
    power: float | None = None,
    ratio: float = 1.0,
    alpha: float = 0.05,
    design_effect: float = 1.0,
) -> Estimates:
    """Compare two proportions: leave out the size of the first group, the power, or the second proportion.

    n = [z_a sqrt((r + 1) p (1 - p)) + z_b sqrt(r p1 (1 - p1) + p2 (1 - p2))]^2 / (r (p1 - p2)^2), where
    p = (p1 + r p2) / (1 + r): Fleiss, Tytun & Ury (1980) Biometrics 36:343, without continuity correction.
    Equal to R's power.prop.test for equal groups, and to bsamsize of its package Hmisc for others.

    Parameters
    ----------
    p1, p2 : float
        Proportions in the two groups. Without `p2`, the smallest above `p1` that can be detected is found;
        for one below it give 1 - `p1`, and take the answer from 1.
    n : float, optional
        People in the first group.
    power : float, optional
        Chance that the test is significant, 0 to 1.
    ratio : float
        People in the second group for each in the first.
    alpha : float
        Two-sided level of the test.
    design_effect : float
        Of a sample in clusters within which both groups are met; see `design_effect`. Where whole clusters make
        the groups, see `cluster_proportions`.

    Returns
    -------
    Estimates
        One row; `estimate` is the size of the first group, the power, or the second proportion.

    Raises
    ------
    ValueError
        If not exactly one of `p2`, `n` and `power` is left out, a value is impossible, or no second proportion
        could be detected.

    Examples
    --------
    >>> print(two_proportions(0.10, 0.15, power=0.9).method)
    918 and 918 people give 90% power to detect 10% against 15% with a two-sided test at 5% (Fleiss, Tytun & Ury 1980).
    """
    require_one_missing(p2=p2, n=n, power=power)
    require_shares(p1=p1, p2=p2, power=power, alpha=alpha)
    require_at_least("power", power, alpha)
    require_at_least("n", n, 1)
    require_at_least("ratio", ratio, 0, strictly=True)
    require_at_least("design_effect", design_effect, 1)
    require_unequal(p1, p2)
    if n is None:
        assert p2 is not None and power is not None
        n = design_effect * size_of_first_group(p1, p2, power, ratio, alpha)
        measure, answer = "sample size of the first group", n
    elif power is None:
        assert p2 is not None
        power = power_of_proportions(p1, p2, n / design_effect, ratio, alpha)
        measure, answer = "power", power
    else:
        p2 = detectable_proportion(p1, n / design_effect, power, ratio, alpha)
        measure, answer = "second proportion", p2
    first, second = round_up(n), round_up(ratio * n)
    return plan(
        {
            "p1": p1,
            "p2": p2,
            "power": power,
            "alpha": alpha,
            "ratio": ratio,
            "design_effect": design_effect,
            "n_1": first,
            "n_2": second,
        },
        measure=measure,
        answer=answer,
        n=first + second,
        method=f"{first:,} and {second:,} people give {percent(power)} power to detect {percent(p1)} against "
        f"{percent(p2)} with a two-sided test at {percent(alpha)}{and_effect(design_effect)} "
        "(Fleiss, Tytun & Ury 1980).",
    )


def case_control(
    exposed: float,
    odds_ratio: float | None = None,
    *,
    n: float | None = None,
    power: float | None = None,
    ratio: float = 1.0,
    alpha: float = 0.05,
) -> Estimates:
    """Unmatched case-control study: leave out the number of cases, the power, or the odds ratio.

    The exposure of cases and controls is compared as in `two_proportions`; that of the cases is
    p0 OR / (1 + p0 (OR - 1)) (Schlesselman 1982, Case-Control Studies, chapter 6).

    Parameters
    ----------
    exposed : float
        Share of the controls who are exposed, 0 to 1.
    odds_ratio : float, optional
        Without it, the smallest above 1 that can be detected is found; for a protective exposure give
        1 - `exposed`, and take the inverse.
    n : float, optional
        Cases.
    power : float, optional
        Chance that the test is significant, 0 to 1.
    ratio : float
        Controls for each case.
    alpha : float
        Two-sided level of the test.

    Returns
    -------
    Estimates
        One row; `cases` and `controls` are rounded up, `estimate` is what was solved for.

    Raises
    ------
    ValueError
        If not exactly one of `odds_ratio`, `n` and `power` is left out, a value is impossible, or no odds ratio
        could be detected.

    Examples
    --------
    >>> print(case_control(0.3, 2, power=0.8, ratio=2).method)
    105 cases and 209 controls give 80% power to detect an odds ratio of 2, where 30% of the controls are exposed,
    with a two-sided test at 5% (Schlesselman 1982).
    """
    require_one_missing(odds_ratio=odds_ratio, n=n, power=power)
    require_shares(exposed=exposed, power=power, alpha=alpha)
    require_at_least("power", power, alpha)
    require_at_least("n", n, 1)
    require_at_least("ratio", ratio, 0, strictly=True)
    require_ratio("odds_ratio", odds_ratio)
    if odds_ratio is None:
        assert n is not None and power is not None
        # the exposure of the controls is known, so they are the first group here
        among_cases = detectable_proportion(exposed, ratio * n, power, 1 / ratio, alpha)
        odds_ratio = among_cases / (1 - among_cases) / (exposed / (1 - exposed))
        measure, answer = "odds ratio", odds_ratio
    else:
        among_cases = exposed * odds_ratio / (1 + exposed * (odds_ratio - 1))
        if n is None:
            assert power is not None
            n = size_of_first_group(among_cases, exposed, power, ratio, alpha)
            measure, answer = "number of cases", n
        else:
            power = power_of_proportions(among_cases, exposed, n, ratio, alpha)
            measure, answer = "power", power
    cases, controls = round_up(n), round_up(ratio * n)
    return plan(
        {
            "odds_ratio": odds_ratio,
            "exposed_cases": among_cases,
            "exposed_controls": exposed,
            "power": power,
            "alpha": alpha,
            "ratio": ratio,
            "cases": cases,
            "controls": controls,
        },
        measure=measure,
        answer=answer,
        n=cases + controls,
        method=f"{cases:,} cases and {controls:,} controls give {percent(power)} power to detect an odds ratio of "
        f"{odds_ratio:.3g}, where {percent(exposed)} of the controls are exposed, with a two-sided test at "
        f"{percent(alpha)} (Schlesselman 1982).",
    )


def size_of_first_group(p1: float, p2: float, power: float, ratio: float, alpha: float) -> float:
    """Fleiss, Tytun & Ury (1980): the size at which `power_of_proportions` is `power`."""
    under_null, under_alternative = _spreads(p1, p2, ratio)
    both = norm.isf(alpha / 2) * under_null + norm.ppf(power) * under_alternative
    return float(both**2 / (ratio * (p1 - p2) ** 2))


def power_of_proportions(p1: float, p2: float, n: float, ratio: float, alpha: float) -> float:
    """Phi of [|p1 - p2| sqrt(r n) - z_a (spread under the null)] / (spread under the alternative)."""
    under_null, under_alternative = _spreads(p1, p2, ratio)
    distance = abs(p1 - p2) * math.sqrt(ratio * n) - norm.isf(alpha / 2) * under_null
    return float(norm.cdf(distance / under_alternative))


def detectable_proportion(p1: float, n: float, power: float, ratio: float, alpha: float) -> float:
    """The second proportion above `p1` at which `power_of_proportions` is `power`."""
    return detectable(lambda p2: power_of_proportions(p1, p2, n, ratio, alpha), p1, power)


def _spreads(p1: float, p2: float, ratio: float) -> tuple[float, float]:
    """sqrt((r + 1) p (1 - p)) and sqrt(r p1 (1 - p1) + p2 (1 - p2))."""
    p = (p1 + ratio * p2) / (1 + ratio)
    return math.sqrt((ratio + 1) * p * (1 - p)), math.sqrt(ratio * p1 * (1 - p1) + p2 * (1 - p2))
