"""Coefficients as a tidy table, and what is to be said of them: separation, few events, few clusters."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.stats import t

from .estimates import tidy

if TYPE_CHECKING:
    from .design import Column

FEW_CLUSTERS = 40


def coefficient_table(
    columns: Sequence[Column],
    matrix: np.ndarray,
    coefficients: np.ndarray,
    covariance: np.ndarray,
    *,
    measure: str,
    conf_level: float,
    event: np.ndarray | None = None,
    unbounded: np.ndarray | None = None,
    df: np.ndarray | None = None,
    ratio: bool = True,
) -> pd.DataFrame:
    """Ratios with Wald intervals, one row a coefficient but the intercept, reference levels as rows of 1.

    Without `ratio` the coefficients themselves, reference levels 0. With `df` (one a coefficient) by t, else by
    the normal distribution. A variance that is not positive is none: no standard error, interval or test. Counts (`n`, `events`) beside a level are those of the level; beside a number, of all
    rows. A coefficient that is `unbounded` has the ratio 0 or infinity and no finite interval.
    """
    variance = np.diag(covariance)
    std_error = np.sqrt(np.where(variance > 0, variance, np.nan))
    degrees = np.full(len(columns), np.inf) if df is None else df  # t with infinite df is the normal
    quantile = t.ppf(0.5 + conf_level / 2, degrees)
    scale = _exp if ratio else float
    rows: list[dict[str, Any]] = []
    for i, column in enumerate(columns):
        if column.name == "Intercept":
            continue
        counted = column.is_main_effect and column.level is not None and column.reference is not None
        if counted and (not rows or rows[-1]["term"] != column.term):
            siblings = [j for j, other in enumerate(columns) if other.term == column.term]
            at_reference = (matrix[:, siblings] == 0).all(axis=1)
            rows.append(_reference_row(column, measure, scale(0.0), at_reference, event))
        in_level = matrix[:, i] != 0 if counted else np.ones(len(matrix), bool)
        statistic = coefficients[i] / std_error[i]
        row: dict[str, Any] = {
            "term": column.term,
            "level": column.level,
            "reference": column.reference,
            "measure": measure,
            "estimate": scale(coefficients[i]),
            "conf_low": scale(coefficients[i] - quantile[i] * std_error[i]),
            "conf_high": scale(coefficients[i] + quantile[i] * std_error[i]),
            "p_value": 2 * t.sf(abs(statistic), degrees[i]),
            "coef": coefficients[i],
            "std_error": std_error[i],
            "statistic": statistic,
            **({} if df is None else {"df": df[i]}),
            **_counts_of(in_level, event),
        }
        if unbounded is not None and unbounded[i]:
            row |= {
                "estimate": math.inf if coefficients[i] > 0 else 0.0,
                "conf_low": 0.0,
                "conf_high": math.inf,
            }
            row |= dict.fromkeys(("p_value", "std_error", "statistic"), math.nan)
        rows.append(row)
    return tidy(pd.DataFrame(rows)) if rows else pd.DataFrame(columns=["term", "measure", "estimate"])


def still_moving(matrix: np.ndarray, last_step: np.ndarray) -> np.ndarray:
    """Coefficients that Newton's last step still changes by what matters: they have no finite maximum.

    Newton's method doubles the correct digits at each step near a finite maximum, so its last step is far
    below 0.001 on the scale of the linear predictor; towards infinity it goes on in steps of about 1.
    Columns that nearly determine each other (a spline of a skewed variable) may trade large changes of their
    coefficients: the linear predictor stays as it is. A step that is not finite was never taken: the fit did not
    converge, which says nothing of any one coefficient.
    """
    if not np.isfinite(last_step).all() or not np.abs(matrix @ last_step).max(initial=0.0) > 1e-3:
        return np.zeros(len(last_step), bool)
    spread = np.ptp(matrix, axis=0)
    return np.abs(last_step) * np.where(spread > 0, spread, 1.0) > 1e-3


def sparse_notes(
    n_events: int | None, n_coefficients: int, n_clusters: int | None, remedy: str = ""
) -> tuple[str, ...]:
    """Warnings where events are few for the coefficients, or clusters are few for a robust variance: with the remedy.

    Sources: Peduzzi et al. (1996) J Clin Epidemiol 49:1373 (ten events a coefficient); Cameron & Miller (2015)
    J Human Resources 50:317 (clusters under about 40 make cluster-robust intervals too narrow).
    """
    notes = []
    if n_events is not None and n_events < 10 * n_coefficients:
        notes.append(
            f"Few events: {n_events:,} for {n_coefficients} coefficients (fewer than 10 each); estimates may be "
            "unstable."
        )
    if n_clusters is not None and n_clusters < FEW_CLUSTERS:
        notes.append(
            f"Few clusters: {n_clusters}. Below about {FEW_CLUSTERS} the cluster-robust intervals are too narrow "
            f"and p-values too small. {remedy}".rstrip()
        )
    return tuple(notes)


def undefined_notes(table: pd.DataFrame) -> tuple[str, ...]:
    """Which coefficients of a `coefficient_table` have neither a standard error nor an infinite estimate."""
    if "std_error" not in table:
        return ()
    at_reference = table["level"].notna() & (table["level"] == table["reference"])
    undefined = table[table["std_error"].isna() & table["conf_low"].isna() & ~at_reference]
    if undefined.empty:
        return ()
    which = ", ".join(
        row.term if row.level is None else f"{row.term}={row.level}" for row in undefined.itertuples()
    )
    return (
        f"No standard error of {which}: nothing is left to estimate it from (a fit without residuals, or as many "
        "coefficients as rows or clusters).",
    )


def _reference_row(
    column: Column, measure: str, estimate: float, rows: np.ndarray, event: np.ndarray | None
) -> dict[str, Any]:
    missing = dict.fromkeys(("conf_low", "conf_high", "p_value", "std_error", "statistic"), np.nan)
    return {
        "term": column.term,
        "level": column.reference,
        "reference": column.reference,
        "measure": measure,
        "estimate": estimate,
        "coef": 0.0,
        **missing,
        **_counts_of(rows, event),
    }


def _counts_of(rows: np.ndarray, event: np.ndarray | None) -> dict[str, int]:
    counts = {"n": int(rows.sum())}
    return counts if event is None else {**counts, "events": int(event[rows].sum())}


def _exp(value: float) -> float:
    return math.inf if value > 709 else math.exp(value)
