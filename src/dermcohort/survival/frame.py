"""Times, events and groups of a survival analysis, checked once at the door."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
import pandas as pd

from ..design import Design, require_columns


def check_times(frame: pd.DataFrame, time: str, entry: str | None) -> tuple[np.ndarray | None, np.ndarray]:
    """Entry (None where everybody enters at the start) and exit as float64; at risk over (entry, exit].

    Raises
    ------
    ValueError
        If a time is no number, infinite or negative, or a row's exit is not after its entry.
    """
    exit_ = _numbers(frame, time, "time")
    if entry is None:
        if (exit_ < 0).any():
            raise ValueError(f"time: '{time}' is negative in {int((exit_ < 0).sum())} rows")
        return None, exit_
    start = _numbers(frame, entry, "entry")
    empty = int((exit_ <= start).sum())
    if empty:
        raise ValueError(
            f"'{time}' is not after '{entry}' in {empty} rows: such rows are never at risk, correct or drop them"
        )
    return start, exit_


def check_weights(frame: pd.DataFrame, weights: str | None) -> np.ndarray | None:
    """Weights as float64, None where not asked for."""
    if weights is None:
        return None
    values = _numbers(frame, weights, "weights")
    if (values < 0).any() or not values.any():
        raise ValueError(f"weights: '{weights}' must not be negative or all zero")
    return values


def event_states(values: pd.Series, name: str) -> tuple[np.ndarray, list[Hashable]]:
    """What ended each row: 0 for censored, 1, 2, ... for the levels after the first, and those levels.

    Raises
    ------
    ValueError
        If the column is no category of two levels or more, the first of which means censored.
    """
    if not isinstance(values.dtype, pd.CategoricalDtype) or len(values.cat.categories) < 2:
        found = "a category of one level" if isinstance(values.dtype, pd.CategoricalDtype) else values.dtype
        raise ValueError(
            f"event: '{name}' must be a category whose first level means censored and whose others are the "
            f"events, it is {found}: pd.Categorical(values, ['censored', 'eczema', 'death'])"
        )
    return values.cat.codes.to_numpy().astype(np.int64), list(values.cat.categories[1:])


def stratum_codes(design: Design, strata: Sequence[str], newdata: pd.DataFrame) -> np.ndarray:
    """Code of the stratum of each new row, by the columns that made the strata of a fit."""
    names = list(strata)
    if not names:
        return np.zeros(len(newdata), np.int64)
    require_columns(newdata, names, "newdata")
    known = design.frame[names].assign(_code=design.codes(names)).drop_duplicates()
    codes = newdata[names].astype(object).merge(known.astype(object), how="left", on=names)["_code"]
    if codes.isna().any():
        unknown = newdata[names][codes.isna().to_numpy()].iloc[0].to_dict()
        raise ValueError(f"newdata: the fit has no stratum {unknown}")
    return codes.to_numpy(np.int64)


def require_variation_in_strata(
    design: Design, stratum: np.ndarray, event: np.ndarray, names: Sequence[str]
) -> None:
    """Refuse a covariate that is the same throughout every stratum with events: the strata leave nothing of it."""
    informative = np.bincount(stratum, event)[stratum] > 0
    X, stratum = design.matrix[informative], stratum[informative]
    size = np.maximum(np.bincount(stratum), 1)
    for j, column in enumerate(design.columns):
        deviation = X[:, j] - X[0, j]
        within = deviation - (np.bincount(stratum, deviation) / size)[stratum]
        # as little as rounding leaves of it
        if within @ within <= 1e-22 * (deviation @ deviation):
            raise ValueError(
                f"'{column.name}' does not vary within any stratum of {' and '.join(names)} that has an event: leave it "
                "out, or do not stratify"
            )


def used_columns(*names: str | Sequence[str] | None) -> list[str]:
    """The columns named by several optional arguments, each once."""
    found: dict[str, None] = {}
    for name in names:
        found |= dict.fromkeys([name] if isinstance(name, str) else name or ())
    return list(found)


def _numbers(frame: pd.DataFrame, name: str, argument: str) -> np.ndarray:
    values = frame[name]
    if not pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values):
        raise ValueError(f"{argument}: '{name}' must be a number, it is {values.dtype}")
    numbers = values.to_numpy(float)
    if not np.isfinite(numbers).all():
        raise ValueError(f"{argument}: '{name}' is infinite in {int((~np.isfinite(numbers)).sum())} rows")
    return numbers
