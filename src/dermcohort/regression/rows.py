"""From a formula and a data frame to the arrays of a regression model: everything is checked here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..design import Design, as_list, build_design, require_columns
from ..variance import ReplicateDesign, Replicates, Sample, SurveyDesign
from .covariance import Arrays

AnyDesign = SurveyDesign | ReplicateDesign


@dataclass(frozen=True, eq=False)
class Rows:
    """The rows that are modeled, and what was asked for beside the formula.

    `used` says which rows of the data they are; `n_zero_weight` how many others have weight 0.
    """

    frame: Design
    arrays: Arrays
    weights: str | None
    clusters: tuple[str, ...]
    offset: str | None
    design: AnyDesign | None
    sample: Sample | Replicates | None
    used: np.ndarray
    n_zero_weight: int


def read_rows(
    formula: str,
    data: pd.DataFrame,
    outcome: Callable[[pd.Series, str], np.ndarray],
    *,
    weights: str | None = None,
    cluster: str | Sequence[str] | None = None,
    robust: str | bool | None = None,
    design: AnyDesign | None = None,
    offset: str | None = None,
    intercept: bool = True,
) -> Rows:
    """The complete rows of positive weight; `outcome` makes numbers of the left-hand side. See `logistic`."""
    clusters = as_list(cluster)
    sample = _sample(design, data, weights, clusters, robust)
    kept = _positive_weight(data, weights, sample)
    frame = build_design(
        formula,
        data if kept.all() else data[kept],
        others=[*as_list(weights), *as_list(offset), *clusters],
        intercept=intercept,
    )
    used = kept & data[list(frame.n_missing)].notna().all(axis=1).to_numpy()
    assert frame.response is not None
    y = outcome(frame.response, str(frame.response.name))
    w = frame.column_values(weights)
    if sample is not None:
        w = sample.weights[used] / sample.weights[used].mean()
    arrays = Arrays(
        X=frame.matrix,
        y=y,
        weights=np.ones(len(y)) if w is None else w,
        offset=_offset(frame, offset),
        cluster=frame.codes(clusters or None),
    )
    n_zero_weight = int((~kept).sum())
    return Rows(frame, arrays, weights, tuple(clusters), offset, design, sample, used, n_zero_weight)


def _sample(
    design: AnyDesign | None,
    data: pd.DataFrame,
    weights: str | None,
    clusters: Sequence[str],
    robust: str | bool | None,
) -> Sample | Replicates | None:
    if design is None:
        return None
    if not isinstance(design, SurveyDesign | ReplicateDesign):
        raise TypeError(f"design must be a SurveyDesign or a ReplicateDesign, it is {type(design).__name__}")
    for argument, given in (("weights", weights), ("cluster", clusters or None), ("robust", robust)):
        if given is not None:
            raise ValueError(
                f"{argument}= does not fit design=, which has its own weights and variance: leave it out"
            )
    return design.sample(data)


def _positive_weight(
    data: pd.DataFrame, weights: str | None, sample: Sample | Replicates | None
) -> np.ndarray:
    """Rows that count, as a mask (a missing weight is for `build_design` to report)."""
    if weights is None:
        return np.ones(len(data), bool) if sample is None else sample.weights > 0
    require_columns(data, [weights], "data")
    if not pd.api.types.is_numeric_dtype(data[weights]):
        raise ValueError(f"weights: column '{weights}' must be numeric, it is {data[weights].dtype}")
    given = data[weights].to_numpy(float, na_value=np.nan)
    if (given < 0).any() or np.isinf(given).any() or not given.any():
        raise ValueError(f"weights: '{weights}' must not be negative or all zero, nor infinite")
    return given != 0


def _offset(frame: Design, offset: str | None) -> np.ndarray:
    values = frame.column_values(offset)
    if values is None:
        return np.zeros(len(frame.frame))
    if not np.isfinite(values).all():
        raise ValueError(
            f"offset: '{offset}' is infinite in {int((~np.isfinite(values)).sum()):,} rows (the logarithm of 0?)"
        )
    return values
