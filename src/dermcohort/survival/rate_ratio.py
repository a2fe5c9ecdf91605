"""Incidence rates compared between the levels of an exposure: ratio and difference, within strata too.

The arithmetic is in two_rates.py. Numbers equal those of R's poisson.test (exact), metafor::rma.mh (strata) and Stata's
ir. Adjusted ratios are models (`dermcohort.regression.poisson`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from ..design import as_list, level_text
from ..estimates import Estimates, tidy
from ..prevalence.compare import as_row
from ..prevalence.stratified import MantelHaenszel, with_empty_row
from ..prevalence.two_by_two import Effect, Limits, log_limits, wald_limits
from . import two_rates as core
from .rate_groups import RateGroups, read_rate_groups
from .two_rates import Strata, TwoRates


def rate_ratio(
    data: pd.DataFrame,
    time: str,
    event: str,
    exposure: str,
    *,
    strata: str | Sequence[str] | None = None,
    ci: str = "exact",
    per: float = 1000,
    unit: str = "years",
    conf_level: float = 0.95,
) -> Estimates:
    """Incidence rate ratio of each level of an exposure against the first; with `strata` pooled by Mantel-Haenszel.

    Parameters
    ----------
    data : DataFrame
        One row a person or episode, or a cell of a table.
    time : str
        Column of time at risk, not negative.
    event : str
        Column of events: 0/1, bool, a category of two levels of which the second is counted, or a number of events.
    exposure : str
        Column of groups; the first level that occurs (of a category in its order, else in sorted order) is the
        reference.
    strata : str or list of str, optional
        Column or columns whose combinations are the strata; the exposure has two levels then.
    ci : {"exact", "mid-p", "wald"}
        Interval and test of two groups. "exact" is conditional on the number of events (R's poisson.test), "mid-p" the
        same with half of the probability of what was seen, "wald" that of the logarithm, with the score test, which a group
        without events has not. Pooled ratios have the Wald interval of Greenland and Robins.
    per : float
        Person-years that the column `rate` refers to.
    unit : {"years", "months", "days"}
        Unit of `time`; a year has 365.25 days.
    conf_level : float

    Returns
    -------
    Estimates
        One row a level: `measure` "rate ratio", interval, `p_value` of no difference from the reference, `coef` and
        `std_error` of its logarithm, `statistic` and `df` of the score test ("wald"), `n` (rows), `events`,
        `person_years`, and `rate` of the level. With `strata` a `MantelHaenszel`: a row a stratum with `weight`, the share
        of the pooled estimate's weight, and the row whose `term` is "pooled"; `.association` is the Mantel-Haenszel test
        (without continuity correction), `.homogeneity` that of the strata about the pooled estimate. Rows with a missing value are left out and counted.

    Raises
    ------
    ValueError
        For an unknown column, unit or `ci`, negative times, an exposure with one level or so many that it must be a
        measurement, a level without person-time, and with `strata` an exposure that has not two levels.

    Examples
    --------
    >>> table = pd.DataFrame({"radiation": ["no", "yes"], "cancers": [15, 41], "years": [19017, 28010]})
    >>> rate_ratio(table, "years", "cancers", "radiation").table[["level", "estimate", "conf_low", "conf_high"]].round(3)
      level  estimate  conf_low  conf_high
    0    no     1.000       NaN        NaN
    1   yes     1.856     1.006      3.609
    """
    kind = Measure("rate ratio", 1.0, RATIO_METHODS, core.rate_ratio_effect, core.pooled_rate_ratio, 1.0)
    return _compare(data, time, event, exposure, strata, kind, ci, per, unit, conf_level)


def rate_difference(
    data: pd.DataFrame,
    time: str,
    event: str,
    exposure: str,
    *,
    strata: str | Sequence[str] | None = None,
    ci: str = "wald",
    per: float = 1000,
    unit: str = "years",
    conf_level: float = 0.95,
) -> Estimates:
    """Incidence rate difference of each level of an exposure against the first; with `strata` by Mantel-Haenszel.

    Parameters
    ----------
    data, time, event, exposure, strata, unit, conf_level
        As in `rate_ratio`.
    ci : {"wald", "exact-based"}
        "wald" is the normal interval of Stata's ir; "exact-based" is made of the exact Poisson limits of both rates (Zou
        and Donner 2008), for few or no events.
    per : float
        Person-years that the difference and `rate` refer to.

    Returns
    -------
    Estimates or MantelHaenszel
        As `rate_ratio`, with `measure` "rate difference per 1,000 person-years", `coef` the difference itself, and the
        score test.

    Examples
    --------
    >>> table = pd.DataFrame({"radiation": ["no", "yes"], "cancers": [15, 41], "years": [19017, 28010]})
    >>> rate_difference(table, "years", "cancers", "radiation").table[["level", "estimate", "conf_low"]].round(3)
      level  estimate  conf_low
    0    no     0.000       NaN
    1   yes     0.675     0.075
    """
    kind = Measure(
        f"rate difference per {per:,g} person-years", 0.0, DIFFERENCE_METHODS, core.rate_difference_effect,
        core.pooled_rate_difference, per,
    )  # fmt: skip
    return _compare(data, time, event, exposure, strata, kind, ci, per, unit, conf_level)


class Method(NamedTuple):
    """An interval and the test beside it; `has_statistic` where that is a chi-square, and not an exact one."""

    name: str
    limits: Callable[[TwoRates, float], Limits]
    p_value: Callable[[TwoRates], float]
    has_statistic: bool


def _score_p(r: TwoRates) -> float:
    return core.score_test(r)[1]


RATIO_METHODS = {
    "exact": Method("exact conditional", core.exact_limits, core.exact_p, False),
    "mid-p": Method("mid-P conditional", core.mid_p_limits, core.mid_p, False),
    "wald": Method(
        "Wald (log)", lambda r, level: log_limits(core.rate_ratio_effect(r), level), _score_p, True
    ),
}
DIFFERENCE_METHODS = {
    "wald": Method(
        "Wald", lambda r, level: wald_limits(core.rate_difference_effect(r), level), _score_p, True
    ),
    "exact-based": Method("exact-based (Zou and Donner)", core.recovered_limits, _score_p, True),
}


class Measure(NamedTuple):
    """A measure: its name and null, its intervals, its estimate in one stratum and in all, and its scale."""

    name: str
    null: float
    methods: Mapping[str, Method]
    effect: Callable[[TwoRates], Effect]
    pooled: Callable[[Strata], tuple[Effect, np.ndarray]]
    scale: float


def _compare(
    data: pd.DataFrame,
    time: str,
    event: str,
    exposure: str,
    strata: str | Sequence[str] | None,
    kind: Measure,
    ci: str,
    per: float,
    unit: str,
    conf_level: float,
) -> Estimates:
    if ci not in kind.methods:
        raise ValueError(f"ci='{ci}' is unknown; choose one of {', '.join(kind.methods)}")
    groups = read_rate_groups(data, time, event, exposure, as_list(strata), unit, conf_level)
    if ci in ("exact", "mid-p") and (groups.counts["events"] % 1 != 0).any():
        raise ValueError(f"ci='{ci}' needs whole numbers of events in '{event}': use ci='wald'")
    return (_by_stratum if strata else _by_level)(groups, kind, kind.methods[ci], per, conf_level)


def _by_level(groups: RateGroups, kind: Measure, method: Method, per: float, conf_level: float) -> Estimates:
    levels = [level_text(level) for level in groups.counts[groups.exposure]]
    x, t = (groups.counts[name].to_numpy(float) for name in ("events", "person_years"))
    pairs = [TwoRates(x[i], t[i], x[0], t[0]) for i in range(1, len(x))]
    reference_row = dict.fromkeys(as_row(Effect(0, 0, 0), (0, 0), 0, 0), math.nan)
    rows = [{**reference_row, "estimate": kind.null, "coef": 0.0}]
    rows += [_row(pair, kind, method, conf_level) for pair in pairs]
    table = pd.DataFrame(rows).assign(
        term=groups.exposure,
        level=levels,
        reference=levels[0],
        measure=kind.name,
        **groups.totals,
        rate=per * x / t,
    )
    return Estimates(
        table=tidy(table),
        method=f"Incidence {kind.name} with {method.name} {100 * conf_level:.4g}% confidence intervals.",
        n=groups.n,
        events=groups.events,
        n_missing=groups.n_missing,
        notes=(*groups.notes, *_empty_note(pairs, kind, method)),
        conf_level=conf_level,
    )


def _by_stratum(
    groups: RateGroups, kind: Measure, method: Method, per: float, conf_level: float
) -> MantelHaenszel:
    cells, levels = groups.side_by_side()
    x1, t1, x0, t0 = (cells[name].to_numpy(float) for name in ("x1", "t1", "x0", "t0"))
    informative = (t1 > 0) & (t0 > 0)
    if not informative.any():
        raise ValueError(f"strata: no stratum has person-time of both levels of '{groups.exposure}'")
    kept = Strata(*(values[informative] for values in (x1, t1, x0, t0)))
    pooled, weight = kind.pooled(kept)
    association = core.association_test(kept)
    pairs = [TwoRates(*pair) for pair in zip(x1, t1, x0, t0, strict=True)]
    known = [pair for pair, both in zip(pairs, informative, strict=True) if both]
    nothing = dict.fromkeys(as_row(Effect(0, 0, 0), (0, 0), 0, 0), math.nan)
    rows = [
        _row(pair, kind, method, conf_level) if both else nothing
        for pair, both in zip(pairs, informative, strict=True)
    ]
    limits = (log_limits if kind.null == 1 else wald_limits)(pooled, conf_level)
    rows.append(_scaled(as_row(pooled, limits, association["statistic"], association["p_value"]), kind.scale))
    shares = np.zeros(len(pairs))
    shares[informative] = weight / weight.sum() if weight.sum() > 0 else math.nan
    table = pd.concat([with_empty_row(cells[groups.strata]), pd.DataFrame(rows)], axis=1).assign(
        term=[groups.exposure] * len(pairs) + ["pooled"],
        level=[level_text(levels[1])] * len(pairs) + [None],
        reference=[level_text(levels[0])] * len(pairs) + [None],
        measure=kind.name,
        **{name: [*cells[name], cells[name].sum()] for name in ("n", "events", "person_years")},
        weight=[*shares, 1.0],
    )
    left_out = int((~informative).sum())
    without = f"{left_out} of {len(pairs)} strata have person-time of one group only and say nothing."
    return MantelHaenszel(
        table=tidy(table, groups.strata),
        method=(
            f"Incidence {kind.name} within strata with {method.name} {100 * conf_level:.4g}% confidence intervals, pooled by "
            "Mantel-Haenszel with the variance of Greenland and Robins; Mantel-Haenszel test without continuity "
            "correction; homogeneity by the inverse-variance weighted distances of the strata from the pooled estimate."
        ),
        n=groups.n,
        events=groups.events,
        n_missing=groups.n_missing,
        notes=(*groups.notes, *([without] if left_out else []), *_empty_note(known, kind, method)),
        conf_level=conf_level,
        association=association,
        homogeneity=core.homogeneity_test([kind.effect(pair) for pair in known], pooled),
        counts=cells[["x1", "x0"]],
    )


def _row(pair: TwoRates, kind: Measure, method: Method, conf_level: float) -> dict[str, float]:
    effect = kind.effect(pair)
    statistic = core.score_test(pair)[0] if method.has_statistic else math.nan
    p_value = method.p_value(pair) if pair.events > 0 else math.nan
    limits = method.limits(pair, conf_level)
    return _scaled(as_row(effect, limits, statistic, p_value), kind.scale)


def _scaled(row: dict[str, float], scale: float) -> dict[str, float]:
    """Estimate, limits, coefficient and standard error of a difference per `scale` person-years."""
    if scale == 1:
        return row
    on_scale = ("estimate", "conf_low", "conf_high", "coef", "std_error")
    return {name: scale * value if name in on_scale else value for name, value in row.items()}


def _empty_note(pairs: Sequence[TwoRates], kind: Measure, method: Method) -> list[str]:
    """What a group without events costs."""
    if not any(pair.x1 == 0 or pair.x0 == 0 for pair in pairs):
        return []
    if method is RATIO_METHODS["wald"]:
        return [
            "Where a group has no event the ratio is 0, infinite or undefined and has no Wald interval: use ci='exact'."
        ]
    if method is DIFFERENCE_METHODS["wald"]:
        return ["A Wald interval is too short where a group has no event: use ci='exact-based'."]
    if kind.null == 1:
        return [
            "Where a group has no event the ratio is 0, infinite or undefined; its interval has one limit."
        ]
    return []
