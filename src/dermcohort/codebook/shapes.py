"""How a variable is distributed, wave by wave: counts of its categories, or of equal steps of a number.

The steps are the same in every wave, so that waves can be compared, and lie between the outer percentiles beyond which
at least `min_cell` people are. As everywhere in a codebook, counts are rounded and small ones are `HIDDEN`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ..study import Study
from .counts import Texts, as_numbers, outer_percentiles, rounded, titles

N_STEPS = 16


@dataclass(frozen=True)
class Shape:
    """The distribution in one wave of a cohort; `wave` is empty where a person has one value for all waves."""

    cohort: Texts
    wave: Texts
    counts: tuple[int, ...]


def shapes_of(
    study: Study, table: pd.DataFrame, values: pd.Series, about: Mapping[str, Any]
) -> tuple[Shape, ...]:
    """One shape for every cohort and wave with something to show."""
    positions, n_steps = _positions(study, table, values, about)
    if not n_steps:
        return ()
    keys = [key for key in ("cohort", "wave") if key in table]
    shapes = []
    for name, rows in table.groupby(keys, observed=True, sort=True).indices.items():
        key = name if isinstance(name, tuple) else (name,)
        inside = positions[rows][positions[rows] >= 0]
        counts = np.bincount(inside, minlength=n_steps)
        shown = tuple(rounded(int(n), int(n), study.manifest["min_cell"]) for n in counts)
        if any(n > 0 for n in shown):
            cohort, wave = (*key, None)[:2]
            shapes.append(
                Shape(titles(study, "cohort", cohort), titles(study, "wave", wave) if wave else {}, shown)
            )
    return tuple(shapes)


def _positions(
    study: Study, table: pd.DataFrame, values: pd.Series, about: Mapping[str, Any]
) -> tuple[np.ndarray, int]:
    """Category or step of every row (-1: none), and how many there are."""
    if about["levels"]:
        return values.cat.codes.to_numpy(), len(about["levels"])
    numbers = as_numbers(values, about["type"])
    limits = None if numbers is None else outer_percentiles(study, table, numbers)
    if numbers is None or limits is None:
        return np.empty(0, int), 0
    _, low, high = limits
    inside = (numbers >= low) & (numbers <= high)
    if low == high:
        return np.where(inside, 0, -1), 1
    if np.all(numbers[inside] == np.round(numbers[inside])):
        # whole steps for whole numbers: no step holds more of them than the next
        low, high = np.ceil(low), np.floor(high)
        size = np.ceil((high - low + 1) / N_STEPS)
        n_steps = int((high - low) // size) + 1
    else:
        size, n_steps = (high - low) / N_STEPS, N_STEPS
    steps = np.where(inside, np.nan_to_num((numbers - low) // size), -1).astype(int)
    return np.minimum(steps, n_steps - 1), n_steps
