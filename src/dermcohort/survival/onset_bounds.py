"""Between which times an event lies: two columns of bounds, checked at the door.

An event is known to lie in (left, right]. Where both are the same it is known exactly; without a left bound (missing
or 0) it is left-censored, without a right one (missing or infinite) right-censored.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..design import require_columns


def with_bounds(data: pd.DataFrame, left: str, right: str) -> pd.DataFrame:
    """`data` with the bounds as float64: 0 and infinity where there is none, both missing where nothing is known.

    Raises
    ------
    ValueError
        For a column that is absent or no number, bounds that are negative or in the wrong order, or an event at 0.
    """
    require_columns(data, [left, right], "data")
    if left == right:
        raise ValueError(
            f"left and right are the same column '{left}': an exactly known event has the same value in two"
        )
    low, high = _numbers(data, left, "left"), _numbers(data, right, "right")
    low = np.where(np.isnan(low), 0.0, low)
    high = np.where(np.isnan(high), np.inf, high)
    for found, problem in (
        (low < 0, f"left: '{left}' is negative"),
        (np.isinf(low), f"left: '{left}' is infinite, which says that the event never happens,"),
        (high <= 0, f"right: '{right}' is not after time 0, when people begin to be at risk,"),
        (low > high, f"'{left}' is after '{right}'"),
    ):
        if found.any():
            raise ValueError(f"{problem} in {int(found.sum())} rows: correct or drop them")
    unknown = (low == 0) & np.isinf(high)
    return data.assign(**{left: np.where(unknown, np.nan, low), right: np.where(unknown, np.nan, high)})


def bounds_note(low: np.ndarray, high: np.ndarray) -> str:
    """How many events are known exactly, up to a time, between two, or not to have happened."""
    exact = int((low == high).sum())
    censored = int(np.isinf(high).sum())
    before = int((low == 0).sum())
    return (
        f"Events: {exact:,} at a known time, {len(low) - exact - censored - before:,} between two times, "
        f"{before:,} before a time; {censored:,} rows without one (right-censored)."
    )


def _numbers(data: pd.DataFrame, name: str, argument: str) -> np.ndarray:
    values = data[name]
    if not pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values):
        raise ValueError(f"{argument}: '{name}' must be a number, it is {values.dtype}")
    return values.astype("Float64").to_numpy(float, na_value=np.nan)
