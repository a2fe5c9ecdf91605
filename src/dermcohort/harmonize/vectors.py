"""A column that knows why each of its values is absent: the one data type of the harmonizer.

`why` is 0 where a value is known, else the code of a missing reason. Texts and categories are held as codes
into `levels`, so that rules work on the few distinct values and not on every row. A vector of length 1 is a
constant that NumPy broadcasts.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

NO_ANSWER, NOT_APPLICABLE, NOT_COLLECTED, BELOW_LOD, ABOVE_LOQ, INVALID, UNMAPPED = 3, 4, 5, 6, 7, 8, 9
REASON_TYPE = np.int8
DAY = np.dtype("datetime64[D]")


@dataclass(frozen=True)
class Vector:
    """`kind` is number (float64), boolean (bool), text (integer codes into `levels`) or date (datetime64[D])."""

    kind: str
    data: np.ndarray
    why: np.ndarray
    levels: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.data)

    @property
    def known(self) -> np.ndarray:
        return self.why == 0

    def take(self, rows: np.ndarray | slice) -> Vector:
        """The vector at `rows` (positions)."""
        return replace(self, data=self.data[rows], why=self.why[rows])

    def expand(self, n: int) -> Vector:
        """A constant repeated to length `n`."""
        if len(self) == n:
            return self
        return replace(self, data=np.repeat(self.data, n), why=np.repeat(self.why, n))

    def absent(self, where: np.ndarray, reason: int) -> Vector:
        """The vector with `reason` where `where` is true."""
        if not where.any():
            return self
        why = self.why.copy()
        why[where] = reason
        return replace(self, why=why)


def number(data: Any, why: Any = None) -> Vector:
    data = np.atleast_1d(np.asarray(data, dtype=float))
    return Vector("number", data, _why(why, len(data)))


def boolean(data: Any, why: Any = None) -> Vector:
    data = np.atleast_1d(np.asarray(data, dtype=bool))
    return Vector("boolean", data, _why(why, len(data)))


def date(data: Any, why: Any = None) -> Vector:
    data = np.atleast_1d(np.asarray(data)).astype(DAY)
    return Vector("date", data, _why(why, len(data)))


def text(data: Any, levels: Any, why: Any = None) -> Vector:
    data = np.atleast_1d(np.asarray(data))
    return Vector("text", data, _why(why, len(data)), np.asarray(levels, dtype=object))


def constant(value: Any) -> Vector:
    """A constant of an expression."""
    if isinstance(value, bool):
        return boolean(value)
    if isinstance(value, (int, float)):
        return number(value)
    return text([0], [str(value)])


def unknown(reason: int = NO_ANSWER) -> Vector:
    """The constant `unknown`."""
    return number([np.nan], [reason])


def relevel(vector: Vector, new_levels: list[str]) -> Vector:
    """A text vector whose level i is replaced by new_levels[i]; equal texts become one level."""
    codes, levels = pd.factorize(np.asarray(new_levels, dtype=object))
    data = np.where(vector.data >= 0, codes[vector.data], -1) if len(codes) else vector.data
    return text(data.astype(np.int32), levels, vector.why)


def strings(vector: Vector) -> np.ndarray:
    """A text vector as an object array of str, None where unknown."""
    assert vector.levels is not None
    out = np.full(len(vector), None, dtype=object)
    known = vector.known
    out[known] = vector.levels[vector.data[known]]
    return out


def from_strings(values: np.ndarray, why: np.ndarray) -> Vector:
    """A text vector from an object array; entries with a reason are ignored."""
    known = np.where(why == 0, values, np.array(None, dtype=object))
    codes, levels = pd.factorize(known, use_na_sentinel=True)
    return text(codes.astype(np.int32), levels, why)


def join(parts: Sequence[Vector]) -> Vector:
    """Vectors of one kind, one after another; texts get one list of levels, in the order of their first appearance."""
    first = parts[0]
    if len(parts) == 1:
        return first
    why = np.concatenate([part.why for part in parts])
    if first.kind != "text" or all(list(part.levels) == list(first.levels) for part in parts):  # type: ignore[arg-type]
        return Vector(first.kind, np.concatenate([part.data for part in parts]), why, first.levels)
    levels = pd.Index(np.concatenate([part.levels for part in parts]), dtype=object).unique()
    codes = [np.append(levels.get_indexer(pd.Index(p.levels, dtype=object)), -1)[p.data] for p in parts]
    return text(np.concatenate(codes).astype(np.int32), levels, why)


def normalize_text(value: str) -> str:
    """NFKC and strip: full-width digits become ASCII, trailing blanks vanish."""
    return unicodedata.normalize("NFKC", value).strip()


def to_float(value: str) -> float:
    """The number a normalized text stands for, or NaN."""
    try:
        result = float(value)
    except ValueError:
        return np.nan
    return result if np.isfinite(result) and "_" not in value else np.nan


def _why(why: Any, n: int) -> np.ndarray:
    if why is None:
        return np.zeros(n, REASON_TYPE)
    return np.broadcast_to(np.asarray(why, REASON_TYPE), (n,))
