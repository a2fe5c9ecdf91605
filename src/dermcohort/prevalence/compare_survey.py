"""Prevalence compared between groups of a sample survey: ratio, difference, odds ratio and linear trend.

All from the weighted prevalences of the groups and their design-based covariance, by the delta method, with t
intervals of one degree of freedom fewer than the design has for each further parameter. Numbers as R's `svyglm`
(identity link, gaussian) for difference and trend; ratio and odds ratio as `svyglm` with one factor (quasipoisson,
quasibinomial), survey 4.1.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import f, t

from ..design import binary_outcome, level_text
from ..estimates import Estimates, tidy
from ..groups import group_codes
from ..variance import Means, ReplicateDesign, Replicates, Sample, SurveyDesign, weighted_means
from .compare_groups import read_groups

Design = SurveyDesign | ReplicateDesign


@dataclass(frozen=True, eq=False)
class Weighted:
    """Weighted prevalence of each level of an exposure, and what it was made from."""

    levels: list[str]
    means: Means
    events: np.ndarray
    group: np.ndarray
    y: np.ndarray
    sample: Sample | Replicates
    df: int
    n_missing: Mapping[str, int]
    notes: tuple[str, ...]


def weighted_groups(
    data: pd.DataFrame, outcome: str, exposure: str, design: Design, conf_level: float
) -> Weighted:
    """Prevalence by level; rows with a missing value stay in the design."""
    groups = read_groups(data, outcome, exposure, conf_level)
    sample = design.sample(data)
    inside = data[[outcome, exposure]].notna().all(axis=1).to_numpy() & (sample.weights > 0)
    y = np.where(inside, binary_outcome(data[outcome], outcome), 0.0)
    group, table = group_codes(data[[exposure]], inside)
    if len(table) < 2:
        raise ValueError(f"exposure: '{exposure}' has fewer than two levels among the rows with a weight")
    means = weighted_means(y, group, len(table), sample)
    df = sample.degrees_of_freedom(inside) + 1 - len(table)
    notes = (*groups.notes, *sample.notes)
    if df < 1:
        notes += ("The design has no degrees of freedom left for a comparison: no intervals.",)
    events = np.bincount(group[inside], y[inside], len(table)).astype(int)
    levels = [level_text(level) for level in table[exposure]]
    return Weighted(levels, means, events, group, y, sample, df, groups.n_missing, notes)


SCALES = {"prevalence ratio": "log", "prevalence difference": "identity", "odds ratio": "logit"}


def compare_survey(
    data: pd.DataFrame, outcome: str, exposure: str, design: Design, measure: str, conf_level: float
) -> Estimates:
    """Each level against the first. `measure` is a key of `SCALES`."""
    weighted = weighted_groups(data, outcome, exposure, design, conf_level)
    p, V = weighted.means.estimate, weighted.means.covariance
    scale = SCALES[measure]
    with np.errstate(divide="ignore", invalid="ignore"):
        value, slope = {
            "log": (np.log(p), 1 / p),
            "identity": (p, np.ones_like(p)),
            "logit": (np.log(p / (1 - p)), 1 / (p * (1 - p))),
        }[scale]
        coef = value - value[0]
        variance = slope**2 * np.diag(V) + slope[0] ** 2 * V[0, 0] - 2 * slope * slope[0] * V[0]
        std_error = np.sqrt(np.clip(variance, 0, None))
        std_error = np.where(np.isfinite(coef) & np.isfinite(std_error), std_error, np.nan)
        back = (lambda x: x) if scale == "identity" else np.exp
        estimate = back(coef)
    std_error[0] = np.nan
    quantile, p_value = _t(coef / std_error, weighted.df, conf_level)
    n_levels = len(coef)
    table = pd.DataFrame(
        {
            "term": exposure,
            "level": weighted.levels,
            "reference": weighted.levels[0],
            "measure": measure,
            "estimate": estimate,
            "conf_low": back(coef - quantile * std_error),
            "conf_high": back(coef + quantile * std_error),
            "p_value": p_value,
            "coef": coef,
            "std_error": std_error,
            "statistic": coef / std_error,
            "df": [math.nan] + [float(weighted.df)] * (n_levels - 1),
            "n": weighted.means.n,
            "events": weighted.events,
            "prevalence": p,
        }
    )
    notes = list(weighted.notes)
    if not np.isfinite(coef).all():
        notes.append(f"Where nobody (or everybody) has the outcome the {measure} has no interval.")
    return Estimates(
        table=tidy(table),
        method=(
            f"Survey-weighted {measure} ({design.describe()}) with {100 * conf_level:.4g}% confidence intervals by "
            f"linearization{'' if scale == 'identity' else f' on the {scale} scale'} and t."
        ),
        n=int(weighted.means.n.sum()),
        events=int(weighted.events.sum()),
        n_missing=weighted.n_missing,
        notes=tuple(notes),
        conf_level=conf_level,
    )


@dataclass(frozen=True, eq=False)
class SurveyTrend:
    """Slope of the weighted least-squares line over the scores, and Wald tests of it and of what it leaves."""

    slope: float
    std_error: float
    quantile: float
    linear: dict[str, float]
    departure: dict[str, float]


def survey_trend(weighted: Weighted, score: np.ndarray, conf_level: float) -> SurveyTrend:
    """b = sum w (s - mean s) y / sum w (s - mean s)^2, influence w (s - mean s) (y - fitted) / sum w (s - mean s)^2."""
    inside = weighted.group >= 0
    s, y = np.where(inside, score[weighted.group], 0.0), weighted.y
    sample = weighted.sample

    def line(weights: np.ndarray) -> tuple[float, float, float, float]:
        w = np.where(inside, weights, 0.0)
        middle, level = w @ s / w.sum(), w @ y / w.sum()
        squares = w @ (s - middle) ** 2
        return middle, level, float(w @ ((s - middle) * y) / squares), squares

    middle, level, slope, squares = line(sample.weights)
    if isinstance(sample, Replicates):
        variance = sample.covariance(lambda w: np.array([line(w)[2]]))[0, 0]
    else:
        residual = np.where(inside, y - level - slope * (s - middle), 0.0)
        variance = sample.covariance((sample.weights * (s - middle) * residual / squares)[:, None])[0, 0]
    std_error = math.sqrt(max(variance, 0.0))
    df = weighted.df + len(score) - 2  # two parameters, not one a level
    statistic = slope / std_error if std_error > 0 else math.nan
    quantile, p_value = _t(np.array([statistic]), df, conf_level)
    linear = {"statistic": statistic, "df": float(df), "p_value": float(p_value[0])}
    return SurveyTrend(slope, std_error, quantile, linear, _departure(weighted, score))


def _departure(weighted: Weighted, score: np.ndarray) -> dict[str, float]:
    """Wald F that the prevalences lie on a line: contrasts orthogonal to the constant and the score."""
    df, df_residual = len(score) - 2, weighted.df
    if df < 1 or df_residual < 1:
        return {"statistic": math.nan, "df": float(df), "p_value": math.nan}
    line = np.column_stack([np.ones_like(score), score - score.mean()])
    contrasts = np.linalg.svd(line.T)[2][2:]
    effect = contrasts @ weighted.means.estimate
    V = contrasts @ weighted.means.covariance @ contrasts.T
    if np.linalg.matrix_rank(V) < df:
        return {"statistic": math.nan, "df": float(df), "p_value": math.nan}
    statistic = float(effect @ np.linalg.solve(V, effect) / df)
    return {"statistic": statistic, "df": float(df), "p_value": float(f.sf(statistic, df, df_residual))}


def _t(statistic: np.ndarray, df: int, conf_level: float) -> tuple[float, np.ndarray]:
    """Quantile of the interval and two-sided p-values; NaN without degrees of freedom."""
    if df < 1:
        return math.nan, np.full(len(statistic), math.nan)
    return float(t.ppf(0.5 + conf_level / 2, df)), 2 * t.sf(np.abs(statistic), df)
