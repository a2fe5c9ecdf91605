"""Two groups compared within strata: Mantel-Haenszel estimates, and whether the strata agree.

The arithmetic is in pooling.py. Numbers equal those of R's mantelhaen.test and metafor::rma.mh.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import pandas as pd

from ..design import as_list, level_text
from ..estimates import Estimates, tidy
from ..tables import format_p
from . import pooling
from . import two_by_two as core
from .compare import as_row
from .compare_groups import read_groups
from .two_by_two import Effect, TwoByTwo


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class MantelHaenszel(Estimates):
    """Estimates of each stratum and their Mantel-Haenszel summary (`term` "pooled", the last row).

    Parameters
    ----------
    association : mapping
        Cochran-Mantel-Haenszel test of no association in any stratum: `statistic`, `df`, `p_value`.
    homogeneity : mapping
        Test that the measure is the same in all strata: `statistic`, `df`, `p_value`; Breslow-Day with Tarone's
        correction for odds ratios, Woolf's (inverse-variance) for ratios and differences; of rates their distances from
        the pooled estimate.
    counts : DataFrame, optional
        A row a stratum: events `x1` and people `n1` of the exposed, `x0` and `n0` of the others (of rates the events only);
        not saved.
    """

    association: Mapping[str, float]
    homogeneity: Mapping[str, float]
    counts: pd.DataFrame | None = field(default=None, metadata={"saved": False})

    def _table_notes(self) -> list[str]:
        test = self.homogeneity
        shown = (
            f"Homogeneity over strata: chi-square {test['statistic']:.2f}, df {test['df']:.0f}, "
            f"p {format_p(test['p_value'])}."
        )
        return [*super()._table_notes(), *([] if math.isnan(test["statistic"]) else [shown])]


def mantel_haenszel(
    data: pd.DataFrame,
    outcome: str,
    exposure: str,
    strata: str | Sequence[str],
    *,
    measure: str = "OR",
    correct: bool = True,
    conf_level: float = 0.95,
) -> MantelHaenszel:
    """Odds ratio, prevalence ratio or difference of two groups, adjusted for strata.

    Parameters
    ----------
    data : DataFrame
    outcome : str
        Column that is 0/1, bool, or a category of two levels of which the second is counted.
    exposure : str
        Column of two levels, the first of which is the reference.
    strata : str or list of str
        Column or columns whose combinations are the strata.
    measure : {"OR", "PR", "RD"}
        Odds ratio, prevalence ratio or prevalence difference.
    correct : bool
        Continuity correction of the Cochran-Mantel-Haenszel test, as R's mantelhaen.test has by default.
    conf_level : float

    Returns
    -------
    MantelHaenszel
        One row a stratum with its crude Wald interval and `weight` (share of the pooled estimate's weight), then
        the row whose `term` is "pooled", where the columns of the strata are empty. Rows with a missing value
        are left out and counted. A stratum with people of one group only says nothing and has no estimate; an
        empty cell adds what it has to the pooled estimate, nothing is added to it.

    Raises
    ------
    ValueError
        For an exposure that has not two levels, an unknown measure or column, or no stratum with both groups.

    Examples
    --------
    >>> data = pd.DataFrame({"sick": [1, 0, 0, 1, 1, 0] * 2, "exposed": [0, 0, 0, 1, 1, 1] * 2,
    ...                      "sex": ["f"] * 6 + ["m"] * 6})
    >>> mantel_haenszel(data, "sick", "exposed", "sex").table[["sex", "term", "estimate"]]
        sex     term  estimate
    0     f  exposed       4.0
    1     m  exposed       4.0
    2  None   pooled       4.0
    """
    if measure not in MEASURES:
        raise ValueError(f"measure='{measure}' is unknown; choose one of {', '.join(MEASURES)}")
    kind = MEASURES[measure]
    by = as_list(strata)
    if not by:
        raise ValueError("strata: name one column or more")
    groups = read_groups(data, outcome, exposure, conf_level, by)
    levels = groups.counts[exposure].drop_duplicates().sort_values().tolist()
    if len(levels) != 2:
        raise ValueError(
            f"exposure: '{exposure}' has {len(levels)} levels; a Mantel-Haenszel estimate compares two"
        )
    counts = _side_by_side(groups.counts, exposure, by, levels)
    informative = ((counts["n1"] > 0) & (counts["n0"] > 0)).to_numpy()
    if not informative.any():
        raise ValueError(f"strata: no stratum has people of both levels of '{exposure}'")
    tables = [TwoByTwo(*row) for row in counts[["x1", "n1", "x0", "n0"]].to_numpy(float)]
    kept = pooling.Tables(*np.array(tables)[informative].T)

    pooled, weight = kind.pooled(kept)
    association = pooling.cochran_mantel_haenszel(kept, correct)
    effects = [
        kind.effect(t) if known else Effect(math.nan, math.nan, math.nan)
        for t, known in zip(tables, informative, strict=True)
    ]
    homogeneity = pooling.breslow_day(kept, pooled.estimate) if measure == "OR" else pooling.woolf(effects)

    weights = np.zeros(len(tables))
    weights[informative] = weight / weight.sum() if weight.sum() > 0 else math.nan
    pooled_test = (association["statistic"], association["p_value"])
    lines = [_row(e, core.pearson(t), measure, conf_level) for e, t in zip(effects, tables, strict=True)]
    lines.append(_row(pooled, pooled_test, measure, conf_level))
    rows = pd.concat([with_empty_row(counts[by]), pd.DataFrame(lines)], axis=1).assign(
        term=[exposure] * len(tables) + ["pooled"],
        level=[level_text(levels[1])] * len(tables) + [None],
        reference=[level_text(levels[0])] * len(tables) + [None],
        measure=kind.name,
        n=[*(counts["n1"] + counts["n0"]), int(groups.counts["n"].sum())],
        events=[*(counts["x1"] + counts["x0"]), int(groups.counts["events"].sum())],
        weight=[*weights, 1.0],
    )
    return MantelHaenszel(
        table=tidy(rows, by),
        method=_method(kind, correct, conf_level),
        n=int(groups.counts["n"].sum()),
        events=int(groups.counts["events"].sum()),
        n_missing=groups.n_missing,
        notes=(*groups.notes, *_notes(informative, effects, measure)),
        conf_level=conf_level,
        association=association,
        homogeneity=homogeneity,
        counts=counts[["x1", "n1", "x0", "n0"]],
    )


class Measure(NamedTuple):
    """What a measure is called, its estimate in one stratum and in all, and the names of their variance and test."""

    name: str
    effect: Callable[[TwoByTwo], Effect]
    pooled: Callable[[pooling.Tables], tuple[Effect, np.ndarray]]
    variance: str
    homogeneity: str


MEASURES = {
    "OR": Measure(
        "odds ratio",
        core.odds_ratio_woolf,
        pooling.pooled_odds_ratio,
        "Robins-Breslow-Greenland",
        "Breslow-Day-Tarone",
    ),
    "PR": Measure(
        "prevalence ratio", core.proportion_ratio, pooling.pooled_ratio, "Greenland-Robins", "Woolf"
    ),
    "RD": Measure(
        "prevalence difference", core.proportion_difference, pooling.pooled_difference, "Sato", "Woolf"
    ),
}


# ---------------------------------------------------------------------------------------- to estimates


def _side_by_side(
    counts: pd.DataFrame, exposure: str, by: list[str], levels: Sequence[object]
) -> pd.DataFrame:
    """One row a stratum: events x and people n of the reference (0) and the other level (1)."""
    parts = [
        counts[counts[exposure] == level]
        .rename(columns={"n": f"n{i}", "events": f"x{i}"})
        .drop(columns=exposure)
        for i, level in enumerate(levels)
    ]
    merged = parts[0].merge(parts[1], on=by, how="outer", sort=True)
    numbers = ["x1", "n1", "x0", "n0"]
    return merged.assign(**{name: merged[name].fillna(0).astype(int) for name in numbers})


def with_empty_row(strata: pd.DataFrame) -> pd.DataFrame:
    """The columns of the strata, numbers as text, and an empty row for the pooled estimate below."""
    labels = {
        name: values if isinstance(values.dtype, pd.CategoricalDtype) else values.map(level_text)
        for name, values in strata.items()
    }
    return pd.DataFrame(labels).reindex(range(len(strata) + 1))


def _row(effect: Effect, test: tuple[float, float], measure: str, conf_level: float) -> dict[str, float]:
    if measure == "RD":
        low, high = core.within_one(core.wald_limits(effect, conf_level))
    else:
        low, high = core.log_limits(effect, conf_level)
    return as_row(effect, (low, high), *test)


def _method(kind: Measure, correct: bool, conf_level: float) -> str:
    correction = "with" if correct else "without"
    return (
        f"{kind.name.capitalize()} within strata and pooled by Mantel-Haenszel, with Wald and "
        f"{kind.variance} {100 * conf_level:.4g}% confidence intervals; Cochran-Mantel-Haenszel test {correction} "
        f"continuity correction; homogeneity by the {kind.homogeneity} test."
    )


def _notes(informative: np.ndarray, effects: Sequence[Effect], measure: str) -> list[str]:
    notes = []
    if not informative.all():
        left_out = int((~informative).sum())
        notes.append(
            f"{left_out} of {len(informative)} strata have people of one group only and say nothing."
        )
    empty = sum(not e.std_error > 0 for e, known in zip(effects, informative, strict=True) if known)
    if empty:
        without = "no standard error" if measure == "RD" else "no logarithm"
        used = "" if measure == "OR" else "; the test of homogeneity leaves them out"
        notes.append(
            f"{empty} strata have an empty cell: their estimate has {without} and no interval, but they count in the "
            f"pooled estimate{used}."
        )
    return notes
