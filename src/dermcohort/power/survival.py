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
    event_probability: float | None = None,
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
    event_probability : float, optional
        Share of all people who have the event while they are followed. With it the people needed are given too.
    alpha : float
        Two-sided level of the test.

    Returns
    -------
    Estimates
        One row; `events`, and with `event_probability` the people `n`, `n_1`, `n_2`.

    Raises
    ------
    ValueError
        If not exactly one of `hazard_ratio`, `events` and `power` is left out, or a value is impossible.

    Examples
    --------
    >>> print(logrank(0.7, power=0.8, event_probability=0.1).method)
    247 events, expected among 2,468 people, give 80% power.
    """
    require_one_missing(hazard_ratio=hazard_ratio, events=events, power=power)
    require_shares(power=power, alpha=alpha, event_probability=event_probability)
    require_at_least("power", power, alpha)
    require_at_least("events", events, 1)
    require_at_least("ratio", ratio, 0, strictly=True)
    require_ratio("hazard_ratio", hazard_ratio)
    z_alpha = norm.isf(alpha / 2)
    # information on log(HR) that one event carries: q (1 - q)
    information = ratio / (1 + ratio) ** 2
    if events is None:
        events = float((z_alpha + norm.ppf(power)) ** 2 / (information * math.log(hazard_ratio) ** 2))
        measure, answer = "number of events", events
    elif power is None:
        power = float(norm.cdf(math.sqrt(events * information) * abs(math.log(hazard_ratio)) - z_alpha))
        measure, answer = "power", power
    else:
        hazard_ratio = math.exp((z_alpha + norm.ppf(power)) / math.sqrt(events * information))
        measure, answer = "hazard ratio", hazard_ratio
    inputs: dict[str, float] = {"hazard_ratio": hazard_ratio, "power": power, "alpha": alpha, "ratio": ratio}
    people, among = round_up(events), ""
    if event_probability is not None:
        first = round_up(events / event_probability / (1 + ratio))
        second = round_up(events / event_probability * ratio / (1 + ratio))
        inputs |= {"event_probability": event_probability, "n_1": first, "n_2": second}
        people = first + second
        among = f", expected among {people:,} people,"
    return plan(
        inputs,
        measure=measure,
        answer=answer,
        n=people,
        events=round_up(events),
        method=f"{round_up(events):,} events{among} give {percent(power)} power to detect a hazard ratio of "
        f"{hazard_ratio:.3g} with a two-sided test at {percent(alpha)} (Schoenfeld 1983).",
    )
