"""Averages under each level of an exposure, their differences and ratios with intervals: one layout for all methods.

Wald intervals of risks are on the logit scale, of ratios and of means of counts on the log scale, others on their own.
The number needed to treat is the inverse of the risk difference (Altman 1998, BMJ 317:1309).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from scipy.special import expit, logit
from scipy.stats import t

from ..estimates import Estimates, tidy
from .counterfactual import COUNT, Outcome

Function = Callable[[Any], Any]

CERTAIN = 1e-9  # a fitted risk this close to 0 or 1 is one that no finite estimate has reached (separation)


@dataclass(frozen=True, eq=False, repr=False)
class Effects(Estimates):
    """Averages under each level of an exposure, and what they are to each other: several measures in one table."""

    def plot(
        self,
        ax: Axes | None = None,
        *,
        labels: Mapping[str, str] | None = None,
        measure: str | None = None,
    ) -> Axes:
        """Points with their intervals of one measure (``measure="RR"``); the first of the table where not given."""
        from ..figures import point_ranges

        chosen = self.table["measure"].iloc[0] if measure is None else measure
        rows = self.table[self.table["measure"] == chosen]
        if rows.empty:
            known = ", ".join(self.table["measure"].unique())
            raise ValueError(f"plot: measure='{chosen}' is not in the table; choose one of {known}")
        return point_ranges(rows, self.conf_level, ax, labels or {})


@dataclass(frozen=True, eq=False)
class Uncertainty:
    """How a vector of averages varies: its covariance (K, K), or bootstrap draws of it (R, K).

    `df` are the degrees of freedom of t of the Wald intervals; intervals of draws are percentiles.
    """

    conf_level: float
    covariance: np.ndarray | None = None
    draws: np.ndarray | None = None
    df: float = np.inf


def contrast_table(
    exposure: str,
    levels: Sequence[str],
    means: np.ndarray,
    uncertainty: Uncertainty,
    outcome: Outcome,
    *,
    odds_ratio: bool = False,
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """One row an average, then difference, ratio (and odds ratio) and NNT of each level against the first.

    Parameters
    ----------
    exposure : str
    levels : sequence of str, length K
        The reference first.
    means : ndarray of float64, shape (K,)
    uncertainty : Uncertainty
    outcome : Outcome
    odds_ratio : bool
        Give odds ratios of risks too.

    Returns
    -------
    table : DataFrame
    notes : tuple of str
        Where the interval of an NNT is not one piece.
    """
    if outcome.is_risk:
        means = np.where(means < CERTAIN, 0.0, np.where(np.abs(means - 1) < CERTAIN, 1.0, means))
    rows, notes = [], []
    for k, level in enumerate(levels):
        rows.append(
            {
                "term": exposure,
                "level": level,
                "measure": outcome.mean,
                **mean_row(means, k, uncertainty, outcome),
            }
        )
    for k in range(1, len(levels)):
        row = {"term": exposure, "level": levels[k], "reference": levels[0]}
        difference = difference_row(means, k, 0, uncertainty)
        rows.append({**row, "measure": outcome.difference, **difference})
        if outcome.ratio is not None:
            rows.append({**row, "measure": outcome.ratio, **ratio_row(means, k, 0, uncertainty)})
        if odds_ratio and outcome.is_risk:
            rows.append({**row, "measure": "OR", **odds_ratio_row(means, k, 0, uncertainty)})
        if outcome.is_risk:
            needed, note = number_needed(difference)
            rows.append({**row, "measure": "NNT", **needed})
            notes += [f"{exposure}, {levels[k]} against {levels[0]}: {note}"] if note else []
    return tidy(pd.DataFrame(rows)), tuple(notes)


def mean_row(means: np.ndarray, k: int, uncertainty: Uncertainty, outcome: Outcome) -> dict[str, float]:
    """Mean k itself."""
    link, unlink, slope = _scale(outcome, means)
    gradient = np.zeros(len(means))
    with np.errstate(divide="ignore", invalid="ignore"):
        gradient[k] = slope(means[k])
        row = interval(lambda m: link(m[..., k]), means, gradient, unlink, uncertainty, tested=False)
    return {**row, "estimate": float(means[k])}


def difference_row(means: np.ndarray, k: int, reference: int, uncertainty: Uncertainty) -> dict[str, float]:
    """Mean k less the reference."""
    gradient = _apart(means, k, reference)
    return interval(lambda m: m[..., k] - m[..., reference], means, gradient, float, uncertainty)


def ratio_row(means: np.ndarray, k: int, reference: int, uncertainty: Uncertainty) -> dict[str, float]:
    """Mean k over the reference, with its interval on the log scale."""
    with np.errstate(divide="ignore", invalid="ignore"):
        gradient = _apart(means, k, reference) / means
        return interval(
            lambda m: np.log(m[..., k]) - np.log(m[..., reference]), means, gradient, np.exp, uncertainty
        )


def odds_ratio_row(means: np.ndarray, k: int, reference: int, uncertainty: Uncertainty) -> dict[str, float]:
    """Odds of mean k over those of the reference, with its interval on the log scale."""
    with np.errstate(divide="ignore", invalid="ignore"):
        gradient = _apart(means, k, reference) / (means * (1 - means))
        return interval(
            lambda m: logit(m[..., k]) - logit(m[..., reference]), means, gradient, np.exp, uncertainty
        )


def interval(
    function: Function,
    means: np.ndarray,
    gradient: np.ndarray,
    unlink: Function,
    uncertainty: Uncertainty,
    *,
    tested: bool = True,
) -> dict[str, float]:
    """A row of a table: a function of the means on the scale of its interval, and what leads back from there.

    Parameters
    ----------
    function : function
        From means (..., K) to values (...).
    gradient : ndarray of float64, shape (K,)
        Of `function` at `means`.
    unlink : function
        From the scale of the interval to the one people report.
    tested : bool
        Whether 0 on that scale is a hypothesis.
    """
    value = float(function(means))
    tails = (1 - uncertainty.conf_level) / 2
    if not np.isfinite(value):
        std_error = low = high = np.nan
    elif uncertainty.draws is not None:
        drawn = np.asarray(function(uncertainty.draws))
        std_error = float(drawn.std(ddof=1))
        low, high = np.quantile(drawn, [tails, 1 - tails])
    else:
        assert uncertainty.covariance is not None
        matters = gradient != 0
        variance = gradient[matters] @ uncertainty.covariance[np.ix_(matters, matters)] @ gradient[matters]
        std_error = float(np.sqrt(variance))
        half = t.ppf(1 - tails, uncertainty.df) * std_error
        low, high = value - half, value + half
    row = {
        "estimate": float(unlink(value)),
        "conf_low": float(unlink(low)),
        "conf_high": float(unlink(high)),
        "coef": value,
        "std_error": std_error,
    }
    if tested:
        statistic = value / std_error if std_error > 0 else np.nan
        row |= {"p_value": float(2 * t.sf(abs(statistic), uncertainty.df)), "statistic": statistic}
    return row if np.isinf(uncertainty.df) else {**row, "df": uncertainty.df}


def number_needed(difference: dict[str, float]) -> tuple[dict[str, float], str | None]:
    """1 / RD: positive how many exposed make one case more, negative how many make one case less.

    Where the interval of RD holds 0, that of the NNT is all beyond two limits, through infinity (Altman 1998): the row
    then has no limits, and the note has both.
    """
    low, high = difference["conf_low"], difference["conf_high"]
    estimate = 1 / difference["estimate"] if difference["estimate"] != 0 else np.inf
    row = {"estimate": estimate, "conf_low": np.nan, "conf_high": np.nan}
    if np.isnan(low) or np.isnan(high) or low == high == 0:
        return row, None
    if low > 0 or high < 0:
        return {**row, "conf_low": 1 / high, "conf_high": 1 / low}, None
    parts = [f"up to {1 / low:.1f}"] if low < 0 else []
    parts += [f"from {1 / high:.1f} on"] if high > 0 else []
    return row, (
        f"the interval of the NNT goes through infinity, {' and '.join(parts)}, since that of the risk difference "
        "holds 0 (Altman 1998)."
    )


def _apart(means: np.ndarray, k: int, reference: int) -> np.ndarray:
    gradient = np.zeros(len(means))
    gradient[[reference, k]] = -1.0, 1.0
    return gradient


def _scale(outcome: Outcome, means: np.ndarray) -> tuple[Function, Function, Function]:
    """To the scale of the intervals of averages, the way back, and the slope of the former."""
    if outcome.is_risk and (means <= 1).all():
        return logit, expit, lambda m: 1 / (m * (1 - m))
    if outcome.is_risk or outcome is COUNT:  # with a log link fitted risks may be above 1
        return np.log, np.exp, np.reciprocal
    return np.positive, float, np.ones_like
