"""Outcomes of generalized linear models: from a column to numbers, refusing what does not fit."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..design import binary_outcome


def binary(values: pd.Series, name: str) -> np.ndarray:
    """0/1, of which both occur."""
    y = binary_outcome(values, name)
    if y.all() or not y.any():
        always = "1" if y.all() else "0"
        raise ValueError(f"'{name}' is {always} in all {len(y):,} complete rows: there is nothing to model")
    return y


def count(values: pd.Series, name: str) -> np.ndarray:
    """Numbers of events, or 0/1 in any form `binary` takes, not all 0."""
    y = number(values, name) if pd.api.types.is_numeric_dtype(values) else binary_outcome(values, name)
    if (y < 0).any() or np.isinf(y).any():
        bad = int(((y < 0) | np.isinf(y)).sum())
        raise ValueError(f"'{name}' must be a number of events, it is negative or infinite in {bad:,} rows")
    if not y.any():
        raise ValueError(f"'{name}' is 0 in all {len(y):,} complete rows: there is nothing to model")
    return y


def number(values: pd.Series, name: str) -> np.ndarray:
    """A number, bool as 0/1."""
    if not pd.api.types.is_numeric_dtype(values):
        raise ValueError(f"'{name}' must be a number, it is {values.dtype}")
    return values.to_numpy(float)
