"""Two groups compared within strata: Mantel-Haenszel estimates, and whether the strata agree.

Sources: Mantel & Haenszel (1959) JNCI 22:719; Robins, Breslow & Greenland (1986) Biometrics 42:311 (variance of the
odds ratio); Greenland & Robins (1985) Biometrics 41:55 (ratio); Sato (1989) Biometrics 45:1323 (difference);
Breslow & Day (1980) section 4.4 with Tarone (1985) Biometrika 72:91 (homogeneity of odds ratios). Numbers equal
those of R's mantelhaen.test and metafor::rma.mh.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import chi2

from ..design import as_list, level_text
from ..estimates import Estimates, tidy
from . import two_by_two as core
from .compare import read_groups
from .two_by_two import Effect, TwoByTwo

MEASURES = {"OR": "odds ratio", "PR": "prevalence ratio", "RD": "prevalence difference"}


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class MantelHaenszel(Estimates):
    """Estimates of each stratum and their Mantel-Haenszel summary (`term` "pooled", the last row).

    Parameters
    ----------
    association : mapping
        Cochran-Mantel-Haenszel test of no association in any stratum: `statistic`, `df`, `p_value`.
    homogeneity : mapping
        Test that the measure is the same in all strata: `statistic`, `df`, `p_value`; Breslow-Day with Tarone's
        correction for odds ratios, Woolf's (inverse-variance) for ratios and differences.
    """

    association: Mapping[str, float]
    homogeneity: Mapping[str, float]


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
    kept = Tables(*np.array(tables)[informative].T)

    pooled, weight = POOLED[measure](kept)
    association = cochran_mantel_haenszel(kept, correct)
    effects = [
        EFFECT[measure](t) if known else Effect(math.nan, math.nan, math.nan)
        for t, known in zip(tables, informative, strict=True)
    ]
    homogeneity = breslow_day(kept, pooled.estimate) if measure == "OR" else woolf(effects)

    weights = np.zeros(len(tables))
    weights[informative] = weight / weight.sum() if weight.sum() > 0 else math.nan
    pooled_test = (association["statistic"], association["p_value"])
    lines = [_row(e, core.pearson(t), measure, conf_level) for e, t in zip(effects, tables, strict=True)]
    lines.append(_row(pooled, pooled_test, measure, conf_level))
    rows = pd.concat([_with_empty_row(counts[by]), pd.DataFrame(lines)], axis=1).assign(
        term=[exposure] * len(tables) + ["pooled"],
        level=[level_text(levels[1])] * len(tables) + [None],
        reference=[level_text(levels[0])] * len(tables) + [None],
        measure=MEASURES[measure],
        n=[*(counts["n1"] + counts["n0"]), int(groups.counts["n"].sum())],
        events=[*(counts["x1"] + counts["x0"]), int(groups.counts["events"].sum())],
        weight=[*weights, 1.0],
    )
    return MantelHaenszel(
        table=tidy(rows, by),
        method=_method(measure, correct, conf_level),
        n=int(groups.counts["n"].sum()),
        events=int(groups.counts["events"].sum()),
        n_missing=groups.n_missing,
        notes=(*groups.notes, *_notes(informative, effects, measure)),
        conf_level=conf_level,
        association=association,
        homogeneity=homogeneity,
    )


# ------------------------------------------------------------------------------------------- arithmetic


@dataclass(frozen=True)
class Tables:
    """Strata with both groups: x1 of n1 exposed and x0 of n0 unexposed have the outcome."""

    x1: np.ndarray
    n1: np.ndarray
    x0: np.ndarray
    n0: np.ndarray

    @property
    def total(self) -> np.ndarray:
        return self.n1 + self.n0

    @property
    def odds_cells(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        return self.x1, self.n1 - self.x1, self.x0, self.n0 - self.x0


def pooled_odds_ratio(t: Tables) -> tuple[Effect, np.ndarray]:
    """sum(R) / sum(S) with R = ad/N, S = bc/N (which are the weights); variance of Robins, Breslow & Greenland."""
    a, b, c, d = t.odds_cells
    R, S = a * d / t.total, b * c / t.total
    P, Q = (a + d) / t.total, (b + c) / t.total
    ratio = core.quotient(R.sum(), S.sum())
    if R.sum() == 0 or S.sum() == 0:
        return Effect(ratio, math.nan, math.nan), S
    variance = (
        (P * R).sum() / (2 * R.sum() ** 2)
        + (P * S + Q * R).sum() / (2 * R.sum() * S.sum())
        + (Q * S).sum() / (2 * S.sum() ** 2)
    )
    return Effect(ratio, math.log(ratio), math.sqrt(variance)), S


def pooled_ratio(t: Tables) -> tuple[Effect, np.ndarray]:
    """sum(x1 n0 / N) / sum(x0 n1 / N); variance of Greenland & Robins, equation 13."""
    R, S = t.x1 * t.n0 / t.total, t.x0 * t.n1 / t.total
    ratio = core.quotient(R.sum(), S.sum())
    if R.sum() == 0 or S.sum() == 0:
        return Effect(ratio, math.nan, math.nan), S
    D = (t.n1 * t.n0 * (t.x1 + t.x0) - t.x1 * t.x0 * t.total) / t.total**2
    return Effect(ratio, math.log(ratio), math.sqrt(D.sum() / (R.sum() * S.sum()))), S


def pooled_difference(t: Tables) -> tuple[Effect, np.ndarray]:
    """Mean of the differences with weights n1 n0 / N; variance of Sato, which holds for sparse strata too."""
    N = t.total
    weight = t.n1 * t.n0 / N
    difference = ((t.x1 * t.n0 - t.x0 * t.n1) / N).sum() / weight.sum()
    P = (t.n1**2 * t.x0 - t.n0**2 * t.x1 + t.n1 * t.n0 * (t.n0 - t.n1) / 2) / N**2
    Q = (t.x1 * (t.n0 - t.x0) + t.x0 * (t.n1 - t.x1)) / (2 * N)
    variance = (difference * P.sum() + Q.sum()) / weight.sum() ** 2
    return Effect(difference, difference, math.sqrt(variance) if variance >= 0 else math.nan), weight


def cochran_mantel_haenszel(t: Tables, correct: bool) -> dict[str, float]:
    """Observed against expected exposed events over all strata, as in R's mantelhaen.test."""
    N, events = t.total, t.x1 + t.x0
    expected = t.n1 * events / N
    variance = (t.n1 * t.n0 * events * (N - events) / (N**2 * (N - 1))).sum()
    if variance == 0:
        return {"statistic": math.nan, "df": 1.0, "p_value": math.nan}
    distance = abs((t.x1 - expected).sum())
    if correct and distance >= 0.5:
        distance -= 0.5
    statistic = float(distance**2 / variance)
    return {"statistic": statistic, "df": 1.0, "p_value": float(chi2.sf(statistic, 1))}


def breslow_day(t: Tables, odds_ratio: float) -> dict[str, float]:
    """Exposed events of each stratum against those that the pooled odds ratio would give; Tarone's correction."""
    events = t.x1 + t.x0
    varying = (events > 0) & (events < t.total)
    df = float(varying.sum() - 1)
    if df < 1 or not 0 < odds_ratio < math.inf:
        return {"statistic": math.nan, "df": df, "p_value": math.nan}
    x1, n1, n0, events = t.x1[varying], t.n1[varying], t.n0[varying], events[varying]
    # the root of A (n0 - events + A) = OR (n1 - A) (events - A) that is a possible count
    c = n0 - events + odds_ratio * (n1 + events)
    root = np.sqrt(c**2 + 4 * (1 - odds_ratio) * odds_ratio * n1 * events)
    expected = 2 * odds_ratio * n1 * events / (c + root)
    variance = 1 / (
        1 / expected + 1 / (n1 - expected) + 1 / (events - expected) + 1 / (n0 - events + expected)
    )
    deviation = x1 - expected
    statistic = (deviation**2 / variance).sum() - deviation.sum() ** 2 / variance.sum()
    return {"statistic": float(statistic), "df": df, "p_value": float(chi2.sf(statistic, df))}


def woolf(effects: Sequence[Effect]) -> dict[str, float]:
    """Weighted squares of the strata's coefficients about their inverse-variance mean (Woolf 1955)."""
    usable = [e for e in effects if e.std_error > 0]
    df = float(len(usable) - 1)
    if df < 1:
        return {"statistic": math.nan, "df": df, "p_value": math.nan}
    coef = np.array([e.coef for e in usable])
    weight = np.array([e.std_error for e in usable]) ** -2
    statistic = (weight * (coef - (weight @ coef) / weight.sum()) ** 2).sum()
    return {"statistic": float(statistic), "df": df, "p_value": float(chi2.sf(statistic, df))}


EFFECT: dict[str, Callable[[TwoByTwo], Effect]] = {
    "OR": core.odds_ratio_woolf,
    "PR": core.proportion_ratio,
    "RD": core.proportion_difference,
}
POOLED: dict[str, Callable[[Tables], tuple[Effect, np.ndarray]]] = {
    "OR": pooled_odds_ratio,
    "PR": pooled_ratio,
    "RD": pooled_difference,
}
VARIANCE = {"OR": "Robins-Breslow-Greenland", "PR": "Greenland-Robins", "RD": "Sato"}


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


def _with_empty_row(strata: pd.DataFrame) -> pd.DataFrame:
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
    return {
        "estimate": effect.estimate,
        "conf_low": low,
        "conf_high": high,
        "p_value": test[1],
        "coef": effect.coef,
        "std_error": effect.std_error,
        "statistic": test[0],
        "df": math.nan if math.isnan(test[0]) else 1.0,
    }


def _method(measure: str, correct: bool, conf_level: float) -> str:
    homogeneity = "Breslow-Day-Tarone" if measure == "OR" else "Woolf"
    correction = "with" if correct else "without"
    return (
        f"{MEASURES[measure].capitalize()} within strata and pooled by Mantel-Haenszel, with Wald and "
        f"{VARIANCE[measure]} {100 * conf_level:.4g}% confidence intervals; Cochran-Mantel-Haenszel test {correction} "
        f"continuity correction; homogeneity by the {homogeneity} test."
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
