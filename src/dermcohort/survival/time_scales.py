"""Where each row of a follow-up begins on the scales of time: calendar period, age, and time since entry.

Read from dates or from numbers in years. Of dates a year has 365.25 days and the period is 1970 + days since 1970 /
365.25, as R's `Epi::cal.yr`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

DAYS_PER_YEAR = 365.25
EPOCH = 1970.0


@dataclass(frozen=True, eq=False)
class FollowUp:
    """Rows that are followed, all times in years.

    Parameters
    ----------
    origins : dict of str to ndarray
        The value at entry on each scale: "period", "age" where it is known, "follow_up" (0).
    duration : ndarray of float64
        Years from entry to exit, above 0.
    dated : bool
        Whether the times were dates.
    """

    origins: dict[str, np.ndarray]
    duration: np.ndarray
    dated: bool


def time_columns(entry: str, exit: str, birth: str | None, age_at_entry: str | None) -> list[str]:
    """The columns that say the times.

    Raises
    ------
    ValueError
        If `birth` and `age_at_entry` are both given.
    """
    if birth is not None and age_at_entry is not None:
        raise ValueError("birth and age_at_entry both say the age: give one of them")
    return [entry, exit, *(name for name in (birth, age_at_entry) if name is not None)]


def read_follow_up(
    rows: pd.DataFrame, entry: str, exit: str, birth: str | None, age_at_entry: str | None
) -> FollowUp:
    """Check the times of rows without missing ones.

    Raises
    ------
    ValueError
        For times that are neither dates nor finite numbers, dates beside numbers, an exit that is not after its entry,
        or a birth after entry.
    """
    dates = [entry, exit, *([] if birth is None else [birth])]
    dated = [pd.api.types.is_datetime64_any_dtype(rows[name]) for name in dates]
    if any(dated) and not all(dated):
        kinds = ", ".join(f"'{name}' is {rows[name].dtype}" for name in dates)
        raise ValueError(f"entry, exit and birth must be all dates or all numbers in years: {kinds}")
    period, end = _years(rows[entry], "entry"), _years(rows[exit], "exit")
    duration = _days(rows[exit]) - _days(rows[entry]) if all(dated) else end - period
    empty = int((duration <= 0).sum())
    if empty:
        raise ValueError(
            f"'{exit}' is not after '{entry}' in {empty} rows: such rows are never at risk, correct or drop them"
        )
    origins = {"period": period}
    if birth is not None:
        born = _years(rows[birth], "birth")
        age = (_days(rows[entry]) - _days(rows[birth])) / DAYS_PER_YEAR if all(dated) else period - born
        if (age < 0).any():
            raise ValueError(f"birth: '{birth}' is after '{entry}' in {int((age < 0).sum())} rows")
        origins["age"] = age
    elif age_at_entry is not None:
        if pd.api.types.is_datetime64_any_dtype(rows[age_at_entry]):
            raise ValueError(f"age_at_entry: '{age_at_entry}' must be a number of years, it is a date")
        origins["age"] = _years(rows[age_at_entry], "age_at_entry")
    origins["follow_up"] = np.zeros(len(rows))
    return FollowUp(origins, duration / DAYS_PER_YEAR if all(dated) else duration, all(dated))


def read_breaks(scale: str, breaks: Sequence[float] | np.ndarray) -> np.ndarray:
    """The cut points of a scale, sorted.

    Raises
    ------
    ValueError
        If there is none, or one is no finite number.
    """
    try:
        points = np.unique(np.asarray(breaks, float))
    except (TypeError, ValueError):
        raise ValueError(f"breaks: '{scale}' must be a list of numbers, in years") from None
    if points.ndim != 1 or not len(points) or not np.isfinite(points).all():
        raise ValueError(f"breaks: '{scale}' must be finite numbers, at least one")
    return points


def first_of_january(years: np.ndarray) -> np.ndarray:
    """The 1 January of calendar years, as a period.

    Raises
    ------
    ValueError
        For parts of a year.
    """
    if (years != np.round(years)).any():
        raise ValueError("breaks: 'period' must be whole calendar years where the times are dates")
    days = np.array([f"{int(year):04d}-01-01" for year in years], "datetime64[D]").astype(float)
    return EPOCH + days / DAYS_PER_YEAR


def _days(values: pd.Series) -> np.ndarray:
    return values.to_numpy().astype("datetime64[s]").astype(float) / 86400


def _years(values: pd.Series, argument: str) -> np.ndarray:
    if pd.api.types.is_datetime64_any_dtype(values):
        return EPOCH + _days(values) / DAYS_PER_YEAR
    if not pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values):
        raise ValueError(
            f"{argument}: '{values.name}' must be a date or a number of years, it is {values.dtype}"
        )
    numbers = values.to_numpy(float)
    if not np.isfinite(numbers).all():
        count = int((~np.isfinite(numbers)).sum())
        raise ValueError(f"{argument}: '{values.name}' is infinite in {count} rows")
    return numbers
