"""Two treatments compared: what weighting and doubly robust estimates share at the door and on the way out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from ..design import as_list, binary_outcome, require_columns, sparse_notes
from ..variance import sandwich
from .counterfactual import NUMBER, RISK, Outcome, level_name, levels_of
from .effects import Effects, Uncertainty, contrast_table

EXTREME_SCORE = 0.01
EXTREME_WEIGHT = 10


def treatment_levels(column: pd.Series) -> list[Any]:
    """The two values of a treatment without missing values, the untreated first."""
    return levels_of(column) or sorted(column.unique())


def binary_or_number(values: pd.Series, name: str) -> tuple[np.ndarray, Outcome]:
    """An outcome as float64, NaN where missing: 0/1 of what `binary_outcome` takes, else a number."""
    if pd.api.types.is_numeric_dtype(values.dtype) and not set(values.dropna().unique()) <= {0, 1}:
        return values.astype("Float64").to_numpy(float, na_value=np.nan), NUMBER
    return binary_outcome(values, name), RISK


def cluster_codes(data: pd.DataFrame, cluster: str | Sequence[str] | None) -> np.ndarray | None:
    """Codes of the clusters of all rows of `data`, none of them missing."""
    if cluster is None:
        return None
    names = as_list(cluster)
    require_columns(data, names, "data")
    absent = int(data[names].isna().any(axis=1).sum())
    if absent:
        raise ValueError(
            f"cluster: {' and '.join(names)} is missing in {absent:,} of {len(data):,} rows used"
        )
    return data.groupby(names, observed=True, sort=True).ngroup().to_numpy()


def effect_estimates(
    treatment: str,
    levels: Sequence[Any],
    means: np.ndarray,
    influence: np.ndarray,
    cluster: np.ndarray | None,
    outcome: Outcome,
    *,
    method: str,
    n: int,
    events: int | None,
    n_missing: dict[str, int],
    notes: Sequence[str],
    conf_level: float,
) -> Effects:
    """Effects: both means and their contrasts, from the influence (n, 2) of the rows: HC0, with clusters CR1."""
    covariance = sandwich(influence, cluster, None if cluster is None else "CR1")
    table, needed = contrast_table(
        treatment,
        [level_name(level) for level in levels],
        means,
        Uncertainty(conf_level, covariance),
        outcome,
        odds_ratio=True,
    )
    few = sparse_notes(None, 0, None if cluster is None else int(cluster.max()) + 1)
    return Effects(
        table=table,
        method=method,
        n=n,
        events=events,
        n_missing=n_missing,
        notes=(*notes, *few, *needed),
        conf_level=conf_level,
    )


def certain_notes(levels: Sequence[Any], means: np.ndarray) -> tuple[str, ...]:
    """Warnings where nobody or everybody of a group had the outcome, from which no variance can be estimated."""
    return tuple(
        f"{'Nobody' if mean == 0 else 'Everybody'} of {level_name(level)} had the outcome: the variance takes this "
        "risk as known, intervals are too narrow."
        for level, mean in zip(levels, means, strict=True)
        if mean in (0, 1)
    )


def overlap_notes(treated: np.ndarray, score: np.ndarray) -> tuple[str, ...]:
    """Warnings where people have no counterpart in the other group, who alone could tell what would have been."""
    notes = []
    extreme = int(((score < EXTREME_SCORE) | (score > 1 - EXTREME_SCORE)).sum())
    if extreme:
        notes.append(
            f"{extreme:,} of {len(score):,} rows have a propensity score below {EXTREME_SCORE} or above "
            f"{1 - EXTREME_SCORE}."
        )
    on, off = score[treated == 1], score[treated == 0]
    low, high = max(on.min(), off.min()), min(on.max(), off.max())
    outside = int(((score < low) | (score > high)).sum())
    if outside:
        notes.append(
            f"{outside:,} of {len(score):,} rows have a propensity score outside the range that both groups share, "
            f"{low:.3f} to {high:.3f}: no comparable person was treated otherwise."
        )
    return tuple(notes)
