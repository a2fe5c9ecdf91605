"""What a column of the data is to the chain: numbers or category codes with missing ones, and how it predicts others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

MAX_LEVELS = 50


@dataclass(frozen=True, eq=False)
class Variable:
    """A column as float64: its numbers, or codes 0 to K - 1 of the levels that occur; NaN where missing.

    `kind` is "number", "binary", "ordered" or "nominal"; `levels` are the K values the codes stand for. `optional`:
    may be missing in a completed data set (not asked, or derived from what was not). `log`: predicts by its logarithm.
    """

    name: str
    kind: str
    values: np.ndarray
    levels: pd.Index
    optional: bool = False
    log: bool = False
    center: float = 0.0
    scale: float = 1.0

    @property
    def width(self) -> int:
        """Columns of the design matrix: the standardized number or an indicator a level, and of being there."""
        return (1 if self.kind == "number" else max(len(self.levels) - 1, 1)) + self.optional

    def encode(self, values: np.ndarray) -> np.ndarray:
        """The columns of the design matrix for these values; zero where missing."""
        if self.kind == "number":
            number = np.log(values) if self.log else values
            columns = np.nan_to_num((number - self.center) / self.scale)[:, None]
        else:
            columns = (values[:, None] == np.arange(1, max(len(self.levels), 2))).astype(float)
        return np.column_stack([columns, ~np.isnan(values)]) if self.optional else columns


def read_variable(
    column: pd.Series, name: str, *, optional: bool = False, log: bool = False
) -> Variable | None:
    """The column as a `Variable`; None for text and dates, which neither predict nor are imputed."""
    read = _numbers_or_codes(column)
    if read is None:
        return None
    kind, values, levels = read
    if np.isinf(values).any():
        raise ValueError(f"'{name}' is infinite in {int(np.isinf(values).sum())} rows")
    if kind != "number" and len(levels) > MAX_LEVELS:
        raise ValueError(
            f"'{name}' has {len(levels)} levels, more than {MAX_LEVELS}: combine some, or give it the method 'none'"
        )
    known = values[~np.isnan(values)]
    if log:
        known = np.log(known)
    center, scale = (float(known.mean()), float(known.std())) if len(known) else (0.0, 1.0)
    return Variable(name, kind, values, levels, optional, log, center, scale or 1.0)


def codes_like(column: pd.Series, variable: Variable) -> np.ndarray:
    """The values of a newly derived column, coded as `variable` was."""
    if variable.kind == "number":
        return _floats(column)
    codes = variable.levels.get_indexer(pd.Index(column.astype(object))).astype(float)
    return np.where(codes < 0, np.nan, codes)


def filled(column: pd.Series, variable: Variable, rows: np.ndarray, values: np.ndarray) -> pd.Series:
    """The column with `values` (numbers or codes, NaN for none) in `rows`, in its own dtype where that can be."""
    if variable.kind == "number":
        return _filled_numbers(column, rows, values)
    if isinstance(column.dtype, pd.CategoricalDtype):
        target = column.cat.categories.get_indexer(variable.levels)
        codes = column.cat.codes.to_numpy().astype(int)
        codes[rows] = np.where(np.isnan(values), -1, target[np.nan_to_num(values).astype(int)])
        return pd.Series(pd.Categorical.from_codes(codes, dtype=column.dtype), column.index, name=column.name)
    objects = column.astype(object).to_numpy(copy=True)
    known = ~np.isnan(values)
    objects[rows[known]] = np.asarray(variable.levels, object)[values[known].astype(int)]
    objects[rows[~known]] = None
    plain = pd.Series(objects, column.index, name=column.name)
    if pd.api.types.is_extension_array_dtype(column.dtype) or plain.notna().all():
        dtype: Any = (
            column.dtype if pd.api.types.is_extension_array_dtype(column.dtype) else type(variable.levels[0])
        )
        return plain.astype(dtype)
    return plain


def _filled_numbers(column: pd.Series, rows: np.ndarray, values: np.ndarray) -> pd.Series:
    if pd.api.types.is_extension_array_dtype(column.dtype):
        result = column.astype("Float64")
        result.iloc[rows] = pd.array(values, "Float64")
        whole = (np.round(values) == values) | np.isnan(values)
        return result.astype(column.dtype) if whole.all() else result
    numbers = column.to_numpy(float, copy=True)
    numbers[rows] = values
    return pd.Series(numbers, column.index, name=column.name)


def _numbers_or_codes(column: pd.Series) -> tuple[str, np.ndarray, pd.Index] | None:
    dtype = column.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        kept = column.cat.remove_unused_categories()
        kind = "ordered" if dtype.ordered else "nominal"
        codes = kept.cat.codes.to_numpy(float)
        levels = kept.cat.categories
    elif pd.api.types.is_bool_dtype(dtype) or _is_bool_with_gaps(column):
        kind, levels = "binary", pd.Index([False, True])
        codes = column.astype("boolean").astype("Float64").to_numpy(float, na_value=-1)
    elif pd.api.types.is_numeric_dtype(dtype):
        return "number", _floats(column), pd.Index([])
    else:
        return None
    return "binary" if len(levels) <= 2 else kind, np.where(codes < 0, np.nan, codes), levels


def _is_bool_with_gaps(column: pd.Series) -> bool:
    """A bool column with missing values is of dtype object."""
    known = column.dropna()
    return (
        pd.api.types.is_object_dtype(column.dtype)
        and len(known) > 0
        and known.map(type).isin([bool, np.bool_]).all()
    )


def _floats(column: pd.Series) -> np.ndarray:
    if pd.api.types.is_extension_array_dtype(column.dtype):
        return column.astype("Float64").to_numpy(float, na_value=np.nan)
    return column.to_numpy(float)
