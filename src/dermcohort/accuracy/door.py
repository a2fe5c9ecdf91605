"""What every estimator of agreement asks of its data: the columns, the complete rows, what counts as a level."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ..design import require_columns
from ..estimates import missing_note

NOTHING = "No row has all that is compared: there is nothing to estimate."


def complete_rows(
    data: pd.DataFrame, used: Sequence[str], conf_level: float
) -> tuple[pd.DataFrame, dict[str, int], list[str]]:
    """The rows without a missing value in `used`, missing values by variable, and the notes on them.

    The index of the rows is their position in `data`.
    """
    if not 0 < conf_level < 1:
        raise ValueError(f"conf_level={conf_level} must lie between 0 and 1, e.g. 0.95")
    require_columns(data, used, "data")
    frame = data[list(dict.fromkeys(used))].reset_index(drop=True)
    n_missing = {name: int(frame[name].isna().sum()) for name in frame}
    frame = frame[frame.notna().all(axis=1)]
    notes = [*missing_note(len(frame), len(data), n_missing)]
    return frame, n_missing, notes if len(frame) else [*notes, NOTHING]


def numbers(values: pd.Series, name: str) -> np.ndarray:
    """A measurement as float64, an ordered category as 0, 1, ...; refuse anything else."""
    if isinstance(values.dtype, pd.CategoricalDtype) and values.cat.ordered:
        return values.cat.codes.to_numpy(float)
    if not pd.api.types.is_numeric_dtype(values) or pd.api.types.is_complex_dtype(values):
        raise ValueError(f"'{name}' must be numeric or an ordered category, it is {values.dtype}")
    found = values.to_numpy(float)
    if not np.isfinite(found).all():
        raise ValueError(f"'{name}' is infinite in {int((~np.isfinite(found)).sum())} rows")
    return found


def require_different(**columns: str) -> None:
    """Refuse to compare a column with itself."""
    names = list(columns.values())
    if len(set(names)) < len(names):
        raise ValueError(f"{', '.join(columns)} must be different columns, found {', '.join(names)}")


def shared_levels(ratings: pd.DataFrame, *, ordered: bool) -> tuple[list, np.ndarray]:
    """Levels that the raters (columns) choose from, and their scores: numbers themselves, categories 0, 1, ...

    Levels of categories that nobody chose are kept where all raters have the same ones.
    """
    dtypes = [ratings[name].dtype for name in ratings]
    if all(isinstance(dtype, pd.CategoricalDtype) and dtype == dtypes[0] for dtype in dtypes):
        if not ordered or dtypes[0].ordered:
            levels = dtypes[0].categories.tolist()
            return levels, np.arange(len(levels), dtype=float)
    elif any(isinstance(dtype, pd.CategoricalDtype) and dtype.ordered for dtype in dtypes) and ordered:
        raise ValueError(f"{_names(ratings)} must have the same levels in the same order")
    numeric = [pd.api.types.is_numeric_dtype(dtype) for dtype in dtypes]
    if ordered and not all(numeric):
        raise ValueError(
            f"weights need categories with an order: make {_names(ratings)} numbers or ordered categories of "
            "the same levels (pd.Categorical(..., ordered=True))"
        )
    found = {level for name in ratings for level in ratings[name].unique().tolist()}
    if len({isinstance(level, str) for level in found}) > 1:
        raise ValueError(f"{_names(ratings)} must have the same kind of levels, found text and numbers")
    levels = sorted(found)
    return levels, np.array(levels, float) if all(numeric) else np.arange(len(levels), dtype=float)


def codes_of(ratings: pd.DataFrame, levels: list) -> np.ndarray:
    """Position of every rating in `levels`, shape (subjects, raters)."""
    index = pd.Index(levels, dtype=object)
    columns = [index.get_indexer(ratings[name].astype(object)) for name in ratings]
    return np.column_stack(columns).astype(int)


def _names(ratings: pd.DataFrame) -> str:
    return " and ".join(f"'{name}'" for name in ratings)
