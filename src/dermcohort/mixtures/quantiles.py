"""Exposures as quantile groups 0, 1, ..., as `quantize` of R's qgcomp and `gwqs_rank` of gWQS cut them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ..design import require_columns


def quantile_scores(
    data: pd.DataFrame, exposures: Sequence[str], quantiles: int
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Each exposure as the number of its quantile group, 0 the lowest, and what to say of ties.

    Parameters
    ----------
    data : DataFrame
    exposures : sequence of str
        Numeric columns. The limits are those of all observed values; a missing value stays missing.
    quantiles : int
        Number of groups, 2 or more.

    Returns
    -------
    (DataFrame of float64, tuple of str)

    Raises
    ------
    ValueError
        For fewer than two exposures, a column that is absent, no number, infinite, or of one group only.
    """
    if isinstance(exposures, str):
        raise TypeError(f"exposures must be a list of columns, it is the text '{exposures}'")
    require_columns(data, exposures, "data")
    if len(exposures) < 2 or len(set(exposures)) != len(exposures):
        raise ValueError(f"exposures must be two or more different columns, they are {list(exposures)}")
    if isinstance(quantiles, bool) or not isinstance(quantiles, int) or quantiles < 2:
        raise ValueError(f"quantiles must be a whole number of 2 or more, it is {quantiles!r}")
    scores, tied = {}, []
    for name in exposures:
        if not pd.api.types.is_numeric_dtype(data[name]) or pd.api.types.is_bool_dtype(data[name]):
            raise ValueError(f"exposures: '{name}' must be a number, it is {data[name].dtype}")
        values = data[name].to_numpy(float, na_value=np.nan)
        observed = values[~np.isnan(values)]
        if np.isinf(observed).any():
            raise ValueError(f"exposures: '{name}' is infinite in {int(np.isinf(observed).sum()):,} rows")
        limits = quantile_limits(observed, quantiles)
        if len(limits) == 0:
            raise ValueError(f"exposures: '{name}' has one quantile group only, so many values are the same")
        if len(limits) < quantiles - 1:
            tied.append(f"{name} {len(limits) + 1}")
        # a value on a limit belongs to the lower group, as in R's cut(include.lowest = TRUE)
        scores[name] = np.where(np.isnan(values), np.nan, np.searchsorted(limits, values, "left"))
    notes = (f"Fewer than {quantiles} quantile groups for tied values: {', '.join(tied)}.",) if tied else ()
    return pd.DataFrame(scores, index=data.index), notes


def quantile_limits(values: np.ndarray, quantiles: int) -> np.ndarray:
    """The limits between quantile groups: quantiles of type 7 of Hyndman & Fan (1996) without repetitions.

    In the arithmetic of R's `quantile`, which does not interpolate between equal values, so that no value falls on
    another side of a limit for a rounding error.
    """
    if len(values) == 0:
        return np.empty(0)
    x = np.sort(values)
    position = 1 + (len(x) - 1) * (np.arange(quantiles + 1) * (1 / quantiles))
    lower = np.floor(position).astype(int)
    upper = np.minimum(np.ceil(position).astype(int), len(x))
    below, above, part = x[lower - 1], x[upper - 1], position - lower
    limits = np.where(below == above, below, (1 - part) * below + part * above)
    return np.unique(limits)[1:-1]
