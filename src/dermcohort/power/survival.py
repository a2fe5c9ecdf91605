"""Power of comparisons of times to an event."""

from __future__ import annotations

import math

from scipy.stats import norm

from ..estimates import Estimates
from .plan import (
    percent,
    plan,
    require_at_least,
    require_one_missing,
    require_ratio,
    require_shares,
    round_up,
)


def logrank(
    hazard_ratio: float | None = None,
    *,
    events: float | None = None,
    power: float | None = None,
    ratio: float = 1.0,
    event_probability: float = 1.0,
    alpha: float = 0.05,
) -> Estimates:
    """Compare two hazards: leave out the number of events, the power, or the hazard ratio.

    d = (z_a + z_b)^2 / (q (1 - q) log(HR)^2), where q is the share of the people in the second group
    (Schoenfeld 1983, Biometrics 39:499); for a log-rank test and for the hazard ratio of a Cox model.

    Parameters
    ----------
    hazard_ratio : float, optional
        Without it, the smallest above 1 that can be detected is found; its inverse is the largest below 1.
    events : float, optional
        Events in both groups together.
    power : float, optional
        Chance that the test is significant, 0 to 1.
    ratio : float
        People in the second group for each in the first.
    event_probability : float
        Share of all people who have the event while they are followed: it tells the people from the events.
    alpha : float
        Two-sided level of the test.

    Returns
    -------
    Estimates
        One row; `events` in both groups, and the people among whom they are expected: `n`, `n_1`, `n_2`.

    Raises
    ------
    ValueError
        If not exactly one of `hazard_ratio`, `events` and `power` is left out, or a value is impossible.

    Examples
    --------
    >>> print(logrank(0.7, power=0.8, event_probability=0.1).method)
    247 events, expected among 2,468 people, give 80% power to detect a hazard ratio of 0.7 with a two-sided test
    at 5% (Schoenfeld 1983).
    """
    require_one_missing(hazard_ratio=hazard_ratio, events=events, power=power)
    require_shares(power=power, alpha=alpha)
    if not 0 < event_probability <= 1:
        raise ValueError(f"event_probability={event_probability} must be above 0 and at most 1, e.g. 0.1")
    require_at_least("power", power, alpha)
    require_at_least("events", events, 1)
    require_at_least("ratio", ratio, 0, strictly=True)
    require_ratio("hazard_ratio", hazard_ratio)
    z_alpha = norm.isf(alpha / 2)
    # information on log(HR) that one event carries: q (1 - q)
    information = ratio / (1 + ratio) ** 2
    if events is None:
        assert hazard_ratio is not None and power is not None
        events = float((z_alpha + norm.ppf(power)) ** 2 / (information * math.log(hazard_ratio) ** 2))
        measure, answer = "number of events", events
    elif power is None:
        assert hazard_ratio is not None
        power = float(norm.cdf(math.sqrt(events * information) * abs(math.log(hazard_ratio)) - z_alpha))
        measure, answer = "power", power
    else:
        hazard_ratio = math.exp((z_alpha + norm.ppf(power)) / math.sqrt(events * information))
        measure, answer = "hazard ratio", hazard_ratio
    people = events / event_probability
    first, second = round_up(people / (1 + ratio)), round_up(people * ratio / (1 + ratio))
    among = f", expected among {first + second:,} people," if event_probability < 1 else ""
    return plan(
        {
            "hazard_ratio": hazard_ratio,
            "power": power,
            "alpha": alpha,
            "ratio": ratio,
            "event_probability": event_probability,
            "n_1": first,
            "n_2": second,
        },
        measure=measure,
        answer=answer,
        n=first + second,
        events=round_up(events),
        method=f"{round_up(events):,} events{among} give {percent(power)} power to detect a hazard ratio of "
        f"{hazard_ratio:.3g} with a two-sided test at {percent(alpha)} (Schoenfeld 1983).",
    )
