"""Agreement of two raters on categories: Cohen's kappa, weighted or not, and the agreement behind it.

Sources: Cohen (1960) Educ Psychol Meas 20:37 and (1968) Psychol Bull 70:213; Fleiss, Cohen & Everitt (1969) Psychol
Bull 72:323 (both standard errors); Graham & Bull (1998) J Clin Epidemiol 51:763 (positive and negative agreement);
Byrt, Bishop & Carlin (1993) J Clin Epidemiol 46:423 (PABAK). Kappa and its standard error are those of vcd::Kappa
of R.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import norm

from ..estimates import Estimates, tidy
from ..prevalence.intervals import wilson
from .door import codes_of, complete_rows, require_different, shared_levels

WEIGHTS = (None, "linear", "quadratic")

ROUNDING = 1e-13


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Kappa(Estimates):
    """Agreement of two raters. `.confusion` has the counts, ratings by `a` as rows and by `b` as columns."""

    confusion: pd.DataFrame


def kappa(
    data: pd.DataFrame, a: str, b: str, weights: str | None = None, *, conf_level: float = 0.95
) -> Kappa:
    """Cohen's kappa of two raters, with the agreement behind it.

    Parameters
    ----------
    data : DataFrame
        One row a subject.
    a, b : str
        Ratings of the same subjects: two columns with the same kind of levels.
    weights : {None, "linear", "quadratic"}
        Partial credit for near misses: 1 - d / max(d) or 1 - d^2 / max(d)^2. The distance d of two ratings is the
        difference of the numbers, or of the positions of ordered categories.
    conf_level : float

    Returns
    -------
    Kappa
        Row "kappa" (or "weighted kappa"): interval from the standard error of Fleiss, Cohen & Everitt, kept within
        -1 and 1; `statistic` and `p_value` of kappa = 0 with the standard error that holds then. Row "agreement":
        proportion of the same rating, Wilson's interval. With two levels also "positive agreement" and "negative
        agreement" (of the second and the first level; interval from Wilson's of both / any) and "PABAK" (twice the
        agreement less 1). Rows without both ratings are left out and counted. Kappa is NaN where both
        raters use one and the same level for everybody.

    Raises
    ------
    ValueError
        For unknown weights, or weights with categories that have no order.

    Examples
    --------
    >>> data = pd.DataFrame({"nurse": [1, 1, 0, 0, 1, 0], "dermatologist": [1, 1, 0, 0, 0, 0]})
    >>> found = kappa(data, "nurse", "dermatologist")
    >>> found.table[["measure", "estimate"]].round(3).head(2)
         measure  estimate
    0      kappa     0.667
    1  agreement     0.833
    >>> found.confusion.loc[1, 0].item()
    1
    """
    if weights not in WEIGHTS:
        raise ValueError(f"weights={weights!r} is unknown; choose None, 'linear' or 'quadratic'")
    require_different(a=a, b=b)
    frame, n_missing, notes = complete_rows(data, [a, b], conf_level)
    levels, scores = shared_levels(frame, ordered=weights is not None)
    counts = count_pairs(codes_of(frame, levels), len(levels))

    n = len(frame)
    name = "kappa" if weights is None else "weighted kappa"
    found = cohen(counts, credit(scores, weights))
    rows = [{"measure": name, **_kappa_row(*found, conf_level), "n": n}]
    rows.append({"measure": "agreement", **_agreement(np.trace(counts), n, conf_level)})
    if len(levels) == 2:
        rows += _two_level_rows(counts, conf_level)

    value, std_error, _ = found
    if n and np.isnan(value):
        notes.append("Both raters used one and the same level for everybody: kappa is not defined.")
    if std_error == 0:
        why = "The raters always agree" if value > 0 else "One rater used one level only, so kappa is 0"
        notes.append(f"{why}: the interval of kappa has no width, judge by that of the agreement.")
    how = "Cohen's kappa" if weights is None else f"Cohen's kappa with {weights} weights"
    return Kappa(
        table=tidy(pd.DataFrame(rows).assign(term=f"{a}, {b}")),
        method=(
            f"{how} of {a} and {b}, {100 * conf_level:.4g}% confidence interval by Fleiss, Cohen & Everitt (1969); "
            "Wilson interval of the agreement."
        ),
        n=n,
        n_missing=n_missing,
        notes=tuple(notes),
        conf_level=conf_level,
        confusion=pd.DataFrame(counts, pd.Index(levels, name=a), pd.Index(levels, name=b)),
    )


def count_pairs(codes: np.ndarray, k: int) -> np.ndarray:
    """Subjects by rating of the first (rows) and of the second rater (columns)."""
    return np.bincount(codes[:, 0] * k + codes[:, 1], minlength=k * k).reshape(k, k)


def credit(scores: np.ndarray, weights: str | None) -> np.ndarray:
    """Credit of each pair of ratings: 1 for the same, 0 for the furthest apart."""
    if weights is None or len(scores) < 2:
        return np.eye(len(scores))
    distance = np.abs(scores[:, None] - scores[None, :]) / np.ptp(scores)
    return 1 - (distance if weights == "linear" else distance**2)


def cohen(counts: np.ndarray, w: np.ndarray) -> tuple[float, float, float]:
    """Kappa, its standard error, and its standard error where kappa is 0 (Fleiss, Cohen & Everitt 1969)."""
    n = counts.sum()
    if n == 0:
        return np.nan, np.nan, np.nan
    p = counts / n
    row, column = p.sum(axis=1), p.sum(axis=0)
    # whole numbers decide what rounding would blur
    if counts.max() == n and np.trace(counts) == n:
        return np.nan, np.nan, np.nan
    if n in counts.sum(axis=0) or n in counts.sum(axis=1):
        return 0.0, 0.0, 0.0
    observed = (w * p).sum()
    expected = row @ w @ column
    value = (observed - expected) / (1 - expected)
    # mean credit of each level with the other rater's ratings
    mean_credit = (w @ column)[:, None] + (w.T @ row)[None, :]
    scale = np.sqrt(n) * (1 - expected)
    # eq. 11 and eq. 15, as sums about their mean so that no digits are lost
    spread = w - mean_credit * (1 - value)
    spread_0 = w - mean_credit
    variance = (p * (spread - (p * spread).sum()) ** 2).sum()
    independent = np.outer(row, column)
    variance_0 = (independent * (spread_0 - (independent * spread_0).sum()) ** 2).sum()
    # credits are at most 1: what is left of rounding is nothing
    if np.trace(counts) == n or variance < ROUNDING**2:
        variance = 0.0
    if variance_0 < ROUNDING**2:
        variance_0 = 0.0
    if abs(value) < ROUNDING:
        value = 0.0
    return float(value), np.sqrt(variance) / scale, np.sqrt(variance_0) / scale


def _kappa_row(value: float, std_error: float, std_error_0: float, conf_level: float) -> dict[str, Any]:
    half = norm.ppf(0.5 + conf_level / 2) * std_error
    statistic = value / std_error_0 if std_error_0 > 0 else np.nan
    return {
        "estimate": value,
        "conf_low": np.clip(value - half, -1, 1),
        "conf_high": np.clip(value + half, -1, 1),
        "std_error": std_error,
        "statistic": statistic,
        "p_value": 2 * norm.sf(abs(statistic)),
    }


def _agreement(x: float, n: int, conf_level: float) -> dict[str, Any]:
    if n == 0:
        return dict.fromkeys(("estimate", "conf_low", "conf_high", "std_error"), np.nan) | {
            "n": 0,
            "events": 0,
        }
    low, high = wilson(np.array(float(x)), np.array(float(n)), conf_level)
    share = x / n
    std_error = np.sqrt(share * (1 - share) / n)
    return {
        "estimate": share,
        "conf_low": float(low),
        "conf_high": float(high),
        "std_error": std_error,
        "n": n,
        "events": int(x),
    }


def _two_level_rows(counts: np.ndarray, conf_level: float) -> list[dict[str, Any]]:
    """Positive and negative agreement, and the prevalence- and bias-adjusted kappa."""
    n, same = int(counts.sum()), int(np.trace(counts))
    rows = []
    for measure, both in (("positive agreement", counts[1, 1]), ("negative agreement", counts[0, 0])):
        # given those whom either rater called so, both / either is a binomial proportion s; the agreement
        # 2 both / (2 both + disagree) is 2 s / (1 + s), and so are its limits (Graham & Bull's se by the same rule)
        either = _agreement(both, int(both) + n - same, conf_level)
        share = either["estimate"]
        doubled = {key: 2 * either[key] / (1 + either[key]) for key in ("estimate", "conf_low", "conf_high")}
        std_error = either["std_error"] * 2 / (1 + share) ** 2
        rows.append({"measure": measure, **either, **doubled, "std_error": std_error})
    agreement = _agreement(same, n, conf_level)
    scaled = {key: 2 * agreement[key] - 1 for key in ("estimate", "conf_low", "conf_high")}
    rows.append({"measure": "PABAK", **agreement, **scaled, "std_error": 2 * agreement["std_error"]})
    return rows
