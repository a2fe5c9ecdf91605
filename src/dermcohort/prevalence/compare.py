"""Prevalence compared between the levels of an exposure: ratio, difference and odds ratio.

Each level is compared with the first, the reference; the arithmetic of two groups is that of two_by_two.py.
Comparisons within strata are in stratified.py; adjusted ones are models (`dermcohort.regression`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence

import pandas as pd

from ..design import level_text
from ..estimates import Estimates, tidy
from ..variance import ReplicateDesign, SurveyDesign
from . import two_by_two as core
from .compare_groups import Groups, read_groups
from .compare_survey import compare_survey
from .two_by_two import TwoByTwo

RATIO_INTERVALS = {"log": "log (Katz)", "score": "score (Koopman)"}
DIFFERENCE_INTERVALS: dict[str, tuple[str, Callable[[TwoByTwo, float], core.Limits]]] = {
    "newcombe": ("Newcombe hybrid score", core.newcombe),
    "miettinen-nurminen": ("Miettinen-Nurminen score", core.miettinen_nurminen),
    "wald": ("Wald", core.wald_difference),
}
ODDS_RATIO_INTERVALS = {"wald": "Wald (Woolf)", "exact": "exact conditional", "mid-p": "mid-P conditional"}


def ratio(
    data: pd.DataFrame,
    outcome: str,
    exposure: str,
    *,
    design: SurveyDesign | ReplicateDesign | None = None,
    ci: str | None = None,
    conf_level: float = 0.95,
) -> Estimates:
    """Prevalence ratio of each level of an exposure against the first.

    Parameters
    ----------
    data : DataFrame
    outcome : str
        Column that is 0/1, bool, or a category of two levels of which the second is counted.
    exposure : str
        Column of groups; the first level that occurs (of a category in its order, else in sorted order) is the
        reference.
    design : SurveyDesign or ReplicateDesign, optional
        Sampling design: the groups' prevalences are then weighted, and the interval is design-based, on the log
        scale with t.
    ci : {"log", "score"}
        "log" (the default) is the Wald interval of the logarithm (Katz 1978), which a group without events has not; "score"
        (Koopman 1984) always exists and agrees with the p-value.
    conf_level : float

    Returns
    -------
    Estimates
        One row a level: `measure` "prevalence ratio", `coef` and `std_error` of its logarithm, `statistic`, `df`
        and `p_value` of Pearson's chi-square test (no continuity correction) of this level against the
        reference, `n`, `events`, and `prevalence` of the level. Rows with a missing value are left out and
        counted.

    Raises
    ------
    ValueError
        For an unknown column or `ci`, an outcome that is not binary, or an exposure with one level or so many
        that it must be a measurement.

    Examples
    --------
    >>> data = pd.DataFrame({"eczema": [1, 0, 1, 1], "smoker": ["no", "no", "yes", "yes"]})
    >>> ratio(data, "eczema", "smoker").table[["level", "estimate", "n", "events"]]
      level  estimate  n  events
    0    no       1.0  2       1
    1   yes       2.0  2       2
    """
    if design is not None:
        _require_known(ci or "log", ("log",), " with design=")
        return compare_survey(data, outcome, exposure, design, "prevalence ratio", conf_level)
    ci = ci or "log"
    _require_known(ci, RATIO_INTERVALS)
    groups = read_groups(data, outcome, exposure, conf_level)

    def compare(t: TwoByTwo) -> dict[str, float]:
        effect = core.proportion_ratio(t)
        limits = core.log_limits(effect, conf_level) if ci == "log" else core.koopman_limits(t, conf_level)
        return as_row(effect, limits, *core.pearson(t))

    notes = []
    if ci == "log" and groups.nobody.any():
        notes.append(
            "With a group without events the ratio is 0, infinite or undefined and has no log interval: "
            "use ci='score'."
        )
    if ci == "log" and groups.everybody[0] and groups.everybody[1:].any():
        notes.append("A log interval has no width where everybody has the outcome: use ci='score'.")
    return _estimates(groups, "prevalence ratio", 1.0, compare, RATIO_INTERVALS[ci], notes, conf_level)


def difference(
    data: pd.DataFrame,
    outcome: str,
    exposure: str,
    *,
    design: SurveyDesign | ReplicateDesign | None = None,
    ci: str | None = None,
    conf_level: float = 0.95,
) -> Estimates:
    """Prevalence difference of each level of an exposure against the first.

    Parameters
    ----------
    data, outcome, exposure, design, conf_level
        As in `ratio`.
    ci : {"newcombe", "miettinen-nurminen", "wald"}
        Newcombe's hybrid (the default; with a design "wald") of two Wilson intervals (1998, method 10; R: DescTools::BinomDiffCI "score"), the
        score interval of Miettinen and Nurminen (1985), or Wald's, kept within -1 and 1.

    Returns
    -------
    Estimates
        As `ratio`, with `measure` "prevalence difference" between -1 and 1; `coef` is the estimate itself.

    Examples
    --------
    >>> data = pd.DataFrame({"eczema": [1, 0, 1, 1], "smoker": ["no", "no", "yes", "yes"]})
    >>> difference(data, "eczema", "smoker").table["estimate"].tolist()
    [0.0, 0.5]
    """
    if design is not None:
        _require_known(ci or "wald", ("wald",), " with design=")
        return compare_survey(data, outcome, exposure, design, "prevalence difference", conf_level)
    ci = ci or "newcombe"
    _require_known(ci, DIFFERENCE_INTERVALS)
    groups = read_groups(data, outcome, exposure, conf_level)
    name, limits_of = DIFFERENCE_INTERVALS[ci]

    def compare(t: TwoByTwo) -> dict[str, float]:
        return as_row(core.proportion_difference(t), limits_of(t, conf_level), *core.pearson(t))

    notes = []
    if ci == "wald" and (groups.nobody | groups.everybody).any():
        notes.append(
            "A Wald interval is too short where nobody or everybody has the outcome: use Newcombe's."
        )
    return _estimates(groups, "prevalence difference", 0.0, compare, name, notes, conf_level)


def odds_ratio(
    data: pd.DataFrame,
    outcome: str,
    exposure: str,
    *,
    design: SurveyDesign | ReplicateDesign | None = None,
    ci: str | None = None,
    conf_level: float = 0.95,
) -> Estimates:
    """Odds ratio of each level of an exposure against the first.

    Parameters
    ----------
    data, outcome, exposure, design, conf_level
        As in `ratio`.
    ci : {"wald", "exact", "mid-p"}
        "wald" (the default) is the cross-product ratio with Woolf's interval, which a table with an empty cell has not. "exact"
        is the conditional estimate with the exact interval and p-value of R's fisher.test; "mid-p" the same
        estimate with half of the observed table counted in each tail.

    Returns
    -------
    Estimates
        As `ratio`, with `measure` "odds ratio". With an empty cell the estimate is 0 or infinite. The p-value is
        Pearson's for "wald", else that of the conditional distribution, which has no `statistic`.

    Examples
    --------
    >>> data = pd.DataFrame({"eczema": [1, 0, 0, 1, 1, 0], "smoker": ["no"] * 3 + ["yes"] * 3})
    >>> odds_ratio(data, "eczema", "smoker").table["estimate"].tolist()
    [1.0, 4.0]
    """
    if design is not None:
        _require_known(ci or "wald", ("wald",), " with design=")
        return compare_survey(data, outcome, exposure, design, "odds ratio", conf_level)
    ci = ci or "wald"
    _require_known(ci, ODDS_RATIO_INTERVALS)
    groups = read_groups(data, outcome, exposure, conf_level)

    def compare(t: TwoByTwo) -> dict[str, float]:
        if ci == "wald":
            effect = core.odds_ratio_woolf(t)
            return as_row(effect, core.log_limits(effect, conf_level), *core.pearson(t))
        table = core.ConditionalTable(t)
        estimate = table.estimate()
        limits = table.limits(conf_level, 1.0 if ci == "exact" else 0.5)
        p_value = table.exact_p() if ci == "exact" else table.mid_p()
        return as_row(core.Effect(estimate, core.log_or_nan(estimate), math.nan), limits, math.nan, p_value)

    notes = []
    if ci == "wald" and (groups.nobody | groups.everybody).any():
        notes.append(
            "With an empty cell the odds ratio is 0, infinite or undefined and has no Wald interval: use ci='exact'."
        )
    return _estimates(groups, "odds ratio", 1.0, compare, ODDS_RATIO_INTERVALS[ci], notes, conf_level)


def _require_known(ci: str, known: Iterable[str], where: str = "") -> None:
    if ci not in known:
        raise ValueError(f"ci='{ci}' is unknown{where}; choose one of {', '.join(known)}")


# --------------------------------------------------------------------------------------- to estimates


def as_row(effect: core.Effect, limits: core.Limits, statistic: float, p_value: float) -> dict[str, float]:
    """The numbers of a row; the test is a chi-square with one degree of freedom, or has no statistic."""
    return {
        "estimate": effect.estimate,
        "conf_low": limits[0],
        "conf_high": limits[1],
        "p_value": p_value,
        "coef": effect.coef,
        "std_error": effect.std_error,
        "statistic": statistic,
        "df": math.nan if math.isnan(statistic) else 1.0,
    }


def _estimates(
    groups: Groups,
    measure: str,
    null: float,
    compare: Callable[[TwoByTwo], dict[str, float]],
    interval: str,
    notes: Sequence[str],
    conf_level: float,
) -> Estimates:
    levels = groups.counts[groups.exposure].to_numpy()
    n, events = groups.counts["n"].to_numpy(float), groups.counts["events"].to_numpy(float)
    reference_row = dict.fromkeys(as_row(core.Effect(0, 0, 0), (0, 0), 0, 0), math.nan)
    rows = [{**reference_row, "estimate": null, "coef": 0.0}]
    rows += [compare(TwoByTwo(events[i], n[i], events[0], n[0])) for i in range(1, len(n))]
    table = pd.DataFrame(rows).assign(
        term=groups.exposure,
        level=[level_text(level) for level in levels],
        reference=level_text(levels[0]),
        measure=measure,
        n=groups.counts["n"].to_numpy(),
        events=groups.counts["events"].to_numpy(),
        prevalence=events / n,
    )
    return Estimates(
        table=tidy(table),
        method=f"{measure.capitalize()} with {interval} {100 * conf_level:.4g}% confidence intervals.",
        n=int(n.sum()),
        events=int(events.sum()),
        n_missing=groups.n_missing,
        notes=(*groups.notes, *notes),
        conf_level=conf_level,
    )
