"""Items of a questionnaire as numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ...dictionary.calls import CALLS
from ..vectors import INVALID, UNMAPPED, Vector, number, to_float


def need_items(function: str, items: Mapping[str, Vector]) -> None:
    """Refuse a rule whose `from` lacks an item."""
    absent = [name for name in CALLS[function].items if name not in items]
    if absent:
        raise ValueError(f"{function} needs the item(s) {', '.join(absent)} in 'from' as {{alias: column}}")


def numeric(vector: Vector) -> Vector:
    """Texts as numbers; what is no number becomes `unmapped`."""
    if vector.kind == "number":
        return vector
    if vector.levels is None:
        raise ValueError(f"an item holds {vector.kind}s, not answers")
    table = np.array([*[to_float(level) for level in vector.levels], np.nan])
    data = table[vector.data]
    return number(data, np.where(vector.known & np.isnan(data), UNMAPPED, vector.why))


def answers(vector: Vector, allowed: Sequence[float]) -> Vector:
    """Numbers of which only the `allowed` are answers; others become `invalid`."""
    item = numeric(vector)
    return item.absent(item.known & ~np.isin(item.data, allowed), INVALID)


def first_reason(vectors: Sequence[Vector]) -> np.ndarray:
    """Reason of the first item that is unknown, 0 where all are known."""
    reason = np.zeros(len(vectors[0]), np.int8)
    for vector in vectors:
        reason = np.where(reason == 0, vector.why, reason)
    return reason
