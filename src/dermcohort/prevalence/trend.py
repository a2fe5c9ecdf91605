"""Prevalence over ordered levels: the Cochran-Armitage test for a linear trend, and its slope.

Sources: Cochran (1954) Biometrics 10:417; Armitage (1955) Biometrics 11:375 (test and departure from linearity).
Numbers equal those of R's prop.trend.test; the slope is that of lm with sandwich::vcovHC(type = "HC0").
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import chi2, norm

from ..design import level_text
from ..estimates import Estimates, tidy
from ..groups import level_scores
from ..tables import format_p
from ..variance import ReplicateDesign, SurveyDesign
from .compare_groups import read_groups
from .compare_survey import survey_trend, weighted_groups
from .intervals import wilson
from .survey import survey


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Trend(Estimates):
    """Prevalence of each level and, in the last row, the linear change for each unit of the score.

    Parameters
    ----------
    linear : mapping
        Cochran-Armitage test: `statistic` (chi-square), `df`, `p_value`; with a design t and its degrees of freedom.
    departure : mapping
        Test of what a straight line leaves unexplained: `statistic`, `df` (levels less 2), `p_value`.
    """

    linear: Mapping[str, float]
    departure: Mapping[str, float]
    departure_test: str = "chi-square"

    def _table_notes(self) -> list[str]:
        test = self.departure
        shown = (
            f"Departure from a straight line: {self.departure_test} {test['statistic']:.2f}, df {test['df']:.0f}, "
            f"p {format_p(test['p_value'])}."
        )
        return [*super()._table_notes(), *([] if math.isnan(test["statistic"]) else [shown])]


def trend(
    data: pd.DataFrame,
    outcome: str,
    ordered: str,
    *,
    scores: Sequence[float] | None = None,
    design: SurveyDesign | ReplicateDesign | None = None,
    conf_level: float = 0.95,
) -> Trend:
    """Test whether the prevalence rises or falls linearly over ordered levels.

    Parameters
    ----------
    data : DataFrame
    outcome : str
        Column that is 0/1, bool, or a category of two levels of which the second is counted.
    ordered : str
        Column of a category in its order, or of numbers or booleans in theirs.
    scores : sequence of float, optional
        Score of each level, as many as the category has levels (of numbers: as many as occur), e.g. the middles
        of age bands. 1, 2, 3, ... where not given, for numbers as well, as in R's prop.trend.test. A level that
        nobody has keeps its place.
    design : SurveyDesign or ReplicateDesign, optional
        Sampling design: prevalences (logit intervals) and line are then weighted, and the tests of the line and of
        the departure from it are design-based Wald tests (F, R's svyglm).
    conf_level : float

    Returns
    -------
    Trend
        One row a level: `measure` "prevalence" with Wilson's interval and the `score`. The last row, `measure`
        "prevalence difference per unit of score", is the slope of the least-squares line with its robust (HC0)
        standard error and interval; its `statistic` and `p_value` are those of the Cochran-Armitage test. Rows
        with a missing value are left out and counted.

    Raises
    ------
    ValueError
        For text without an order, or scores that do not fit the levels or do not differ.

    Examples
    --------
    >>> bands = pd.Categorical(["low"] * 4 + ["mid"] * 4 + ["high"] * 4, ["low", "mid", "high"])
    >>> data = pd.DataFrame({"dose": bands, "eczema": [0, 0, 0, 1, 0, 0, 1, 1, 0, 1, 1, 1]})
    >>> found = trend(data, "eczema", "dose")
    >>> found.table["estimate"].tolist()
    [0.25, 0.5, 0.75, 0.25]
    >>> found.linear["statistic"]
    2.0
    """
    if design is not None:
        return _with_design(data, outcome, ordered, scores, design, conf_level)
    groups = read_groups(data, outcome, ordered, conf_level)
    score = level_scores(data[ordered], groups.counts[ordered], ordered, scores)
    x, n = groups.counts["events"].to_numpy(float), groups.counts["n"].to_numpy(float)
    line = linear_trend(x, n, score)

    low, high = wilson(x, n, conf_level)
    levels = pd.DataFrame(
        {
            "level": [level_text(level) for level in groups.counts[ordered]],
            "measure": "prevalence",
            "estimate": x / n,
            "conf_low": low,
            "conf_high": high,
            "n": groups.counts["n"],
            "events": groups.counts["events"],
            "score": score,
        }
    )
    half = norm.ppf(0.5 + conf_level / 2) * line.std_error
    slope = {
        "level": None,
        "measure": "prevalence difference per unit of score",
        "estimate": line.slope,
        "conf_low": line.slope - half,
        "conf_high": line.slope + half,
        "p_value": line.linear["p_value"],
        "std_error": line.std_error,
        "statistic": line.linear["statistic"],
        "df": line.linear["df"],
        "n": int(n.sum()),
        "events": int(x.sum()),
    }
    table = pd.concat([levels, pd.DataFrame([slope])], ignore_index=True).assign(term=ordered)
    notes = [*groups.notes]
    if math.isnan(line.linear["statistic"]):
        notes.append("Nobody or everybody has the outcome: there is no trend to test.")
    shown = ", ".join(f"{value:g}" for value in score)
    return Trend(
        table=tidy(table),
        method=(
            f"Cochran-Armitage test for linear trend with scores {shown}; least-squares slope with robust (HC0) "
            f"{100 * conf_level:.4g}% confidence interval, prevalences with Wilson's."
        ),
        n=int(n.sum()),
        events=int(x.sum()),
        n_missing=groups.n_missing,
        notes=tuple(notes),
        conf_level=conf_level,
        linear=line.linear,
        departure=line.departure,
    )


def _with_design(
    data: pd.DataFrame,
    outcome: str,
    ordered: str,
    scores: Sequence[float] | None,
    design: SurveyDesign | ReplicateDesign,
    conf_level: float,
) -> Trend:
    weighted = weighted_groups(data, outcome, ordered, design, conf_level)
    of_levels = survey(data, outcome, design, by=ordered, conf_level=conf_level)
    score = level_scores(data[ordered], of_levels.table[ordered], ordered, scores)
    line = survey_trend(weighted, score, conf_level)
    levels = of_levels.table.assign(level=weighted.levels, score=score).drop(columns=["term", ordered])
    slope = {
        "level": None,
        "measure": "prevalence difference per unit of score",
        "estimate": line.slope,
        "conf_low": line.slope - line.quantile * line.std_error,
        "conf_high": line.slope + line.quantile * line.std_error,
        "p_value": line.linear["p_value"],
        "std_error": line.std_error,
        "statistic": line.linear["statistic"],
        "df": line.linear["df"],
        "n": of_levels.n,
        "events": of_levels.events,
    }
    table = pd.concat([levels, pd.DataFrame([slope])], ignore_index=True).assign(term=ordered)
    shown = ", ".join(f"{value:g}" for value in score)
    return Trend(
        table=tidy(table),
        method=(
            f"Survey-weighted linear trend of the prevalence with scores {shown} ({design.describe()}): "
            f"least-squares slope with its design-based t test and {100 * conf_level:.4g}% confidence interval."
        ),
        n=of_levels.n,
        events=of_levels.events,
        n_missing=of_levels.n_missing,
        notes=of_levels.notes,
        conf_level=conf_level,
        linear=line.linear,
        departure=line.departure,
        departure_test="F",
    )


class LinearTrend(NamedTuple):
    slope: float
    std_error: float
    linear: dict[str, float]
    departure: dict[str, float]


def linear_trend(x: np.ndarray, n: np.ndarray, score: np.ndarray) -> LinearTrend:
    """Line through the prevalences x / n by least squares over people, and Armitage's division of chi-square."""
    total, overall = n.sum(), x.sum() / n.sum()
    centered = score - (n @ score) / total
    sum_of_squares = n @ centered**2
    slope = (x @ centered) / sum_of_squares

    # each person's residual, 1 - fitted or -fitted, squared
    fitted = overall + slope * centered
    squares = x * (1 - fitted) ** 2 + (n - x) * fitted**2
    std_error = math.sqrt(squares @ centered**2) / sum_of_squares

    binomial = overall * (1 - overall)
    about_mean = n @ (x / n - overall) ** 2
    explained = slope**2 * sum_of_squares
    return LinearTrend(
        float(slope),
        std_error,
        _test(explained, binomial, 1),
        _test(max(about_mean - explained, 0.0), binomial, len(n) - 2),
    )


def _test(squares: float, binomial: float, df: int) -> dict[str, float]:
    if binomial == 0 or df == 0:
        return {"statistic": math.nan, "df": float(df), "p_value": math.nan}
    statistic = float(squares / binomial)
    return {"statistic": statistic, "df": float(df), "p_value": float(chi2.sf(statistic, df))}
