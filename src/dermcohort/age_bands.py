"""Age bands: read from what data hold (numbers, labels, intervals), from tables, and placed within each other.

A band is its first and last age in completed years, both included; the last is infinite where the band is open.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from .design import require_columns


class AgeBand(NamedTuple):
    """Ages `low` to `high` in completed years, both included; `high` is infinite for an open band."""

    low: float
    high: float

    def __str__(self) -> str:
        if self.high == self.low:
            return f"{self.low:g}"
        return f"{self.low:g}+" if math.isinf(self.high) else f"{self.low:g}-{self.high:g}"

    def contains(self, other: AgeBand) -> bool:
        return self.low <= other.low and other.high <= self.high

    def overlaps(self, other: AgeBand) -> bool:
        return self.low <= other.high and other.low <= self.high


def parse_band(value: Any, column: str) -> AgeBand:
    """The band of an age, a label or an interval.

    Parameters
    ----------
    value : number, str or pandas.Interval
        34.6 (34 completed years), "20-29", "80+", "<20", ">=80", "[20, 30)", "(19, 29]".
    column : str
        Named in the error.

    Raises
    ------
    ValueError
        For a label that is none of these, or a negative age.

    Examples
    --------
    >>> [str(parse_band(value, "age")) for value in ("20 to 29", "(19, 29]", ">=80", 34.6)]
    ['20-29', '20-29', '80+', '34']
    """
    if isinstance(value, pd.Interval):
        return _interval(value.left, value.right, value.closed_left, value.closed_right)
    if isinstance(value, int | float | np.number):
        if not (0 <= value < math.inf):
            raise ValueError(f"'{column}' has the age {value:g}: ages are numbers from 0")
        return AgeBand(math.floor(value), math.floor(value))
    text = re.sub(r"years?|yrs?|岁|\s", "", str(value).lower()).translate(_DASHES)
    text = re.sub(r"(?<=\d)(to|至)(?=\d)", "-", text)
    text = re.sub(r"(?<=\d)((and|or)?(over|older|above)|(及)?以上)$", "+", text)
    for pattern, band in _PATTERNS:
        if found := re.fullmatch(pattern, text):
            result = band(*found.groups())
            if 0 <= result.low <= result.high:
                return result
    raise ValueError(f"'{column}' has '{value}', which is no age band: write 20-29, 80+, <20 or [20, 30)")


def unique_bands(values: pd.Series, column: str) -> tuple[list[AgeBand], np.ndarray]:
    """The bands that occur in a column without missing values, in order of age, and the band of each row."""
    if pd.api.types.is_bool_dtype(values.dtype):
        raise ValueError(f"'{column}' must hold ages or age bands, it is bool")
    if pd.api.types.is_numeric_dtype(values.dtype):
        values = np.floor(values.astype(float))
    codes, found = pd.factorize(values)
    parsed = [parse_band(value, column) for value in found]
    bands = sorted(set(parsed))
    place = {band: i for i, band in enumerate(bands)}
    position = np.array([place[band] for band in parsed], dtype=int)
    return bands, position[codes] if len(codes) else codes


def read_bands(table: pd.DataFrame, value: str, argument: str) -> pd.DataFrame:
    """A table by age as columns band, [sex], and `value`, checked.

    Parameters
    ----------
    table : DataFrame
        `age` (labels) or `age_low` and `age_high` (NaN where open); `value`; perhaps `sex`.
    value : str
        Column of numbers, not negative.
    argument : str
        Named in errors.

    Raises
    ------
    ValueError
        For a missing column or value, a negative number, or bands that occur twice or overlap.
    """
    limits = ["age_low", "age_high"]
    keys = limits if set(limits) <= set(table) else ["age"]
    by_sex = ["sex"] if "sex" in table else []
    require_columns(table, [*keys, value], argument)
    numbers = table[value]
    if not pd.api.types.is_numeric_dtype(numbers.dtype) or not (numbers >= 0).all():
        raise ValueError(f"{argument}: '{value}' must be a number, not negative, in every row")
    required = [*keys[:1], *by_sex]
    if table[required].isna().any(axis=None):
        raise ValueError(f"{argument}: {' and '.join(required)} must be known in every row")
    if keys == limits:
        last = table["age_high"].astype(float).fillna(math.inf)
        bands = [AgeBand(float(low), float(high)) for low, high in zip(table["age_low"], last, strict=True)]
        wrong = [band for band in bands if not 0 <= band.low <= band.high]
        if wrong:
            raise ValueError(f"{argument}: a band from {wrong[0].low:g} to {wrong[0].high:g} is none")
    else:
        bands = [parse_band(label, "age") for label in table["age"]]
    result = pd.DataFrame({"band": pd.Series(bands, dtype=object), value: numbers.to_numpy(float)})
    if by_sex:
        result.insert(1, "sex", table["sex"].astype(str).to_numpy())
    twice = result.duplicated(["band", *by_sex])
    if twice.any():
        raise ValueError(f"{argument}: the band {result['band'][twice].iloc[0]} occurs twice")
    require_disjoint(result["band"], argument)
    if by_sex and len(result) != result["band"].nunique() * result["sex"].nunique():
        raise ValueError(f"{argument}: every sex must have the same age bands")
    return result


def require_disjoint(bands: Iterable[AgeBand], argument: str) -> None:
    """Refuse bands that overlap."""
    ordered = sorted(set(bands))
    for first, second in itertools.pairwise(ordered):
        if first.overlaps(second):
            raise ValueError(f"{argument}: the age bands {first} and {second} overlap")


def find_containing(band: AgeBand, bands: Sequence[AgeBand]) -> AgeBand | None:
    """The one of `bands` in which `band` lies, if any."""
    return next((other for other in bands if other.contains(band)), None)


def _interval(left: float, right: float, closed_left: bool, closed_right: bool) -> AgeBand:
    """The completed years in an interval: [20, 30) and (19, 29] are both 20-29."""
    low = math.ceil(left) if closed_left else math.floor(left) + 1
    if math.isinf(right):
        return AgeBand(low, math.inf)
    return AgeBand(low, math.floor(right) if closed_right else math.ceil(right) - 1)


def _text_interval(opening: str, left: str, right: str, closing: str) -> AgeBand:
    return _interval(float(left), float(right or "inf"), opening == "[", closing == "]")


_DASHES = str.maketrans({"–": "-", "—": "-", "~": "-", "～": "-", "≥": ">=", "≤": "<="})
_PATTERNS: tuple[tuple[str, Any], ...] = (
    (r"(\d+)", lambda age: AgeBand(float(age), float(age))),
    (r"(\d+)-(\d+)", lambda low, high: AgeBand(float(low), float(high))),
    (r"(\d+)-<(\d+)", lambda low, end: AgeBand(float(low), float(end) - 1)),
    (r"(\d+)\+", lambda low: AgeBand(float(low), math.inf)),
    (r">=(\d+)", lambda low: AgeBand(float(low), math.inf)),
    (r">(\d+)", lambda below: AgeBand(float(below) + 1, math.inf)),
    (r"(?:<|under|below)(\d+)", lambda end: AgeBand(0.0, float(end) - 1)),
    (r"<=(\d+)", lambda high: AgeBand(0.0, float(high))),
    (r"([\[(])(\d+(?:\.\d+)?),(\d+(?:\.\d+)?|(?=inf))(?:inf)?([\])])", _text_interval),
)
