"""Standard errors of state probabilities where persons or clusters are independent: arrays in, arrays out."""

from __future__ import annotations

import numpy as np

from .aalen_johansen import Episodes, Occupation, unit_influences
from .path_variance import path_variances


def unit_errors(rows: Episodes, found: Occupation, unit: np.ndarray) -> np.ndarray:
    """Infinitesimal jackknife standard error (T, S) over units (persons, clusters); NaN where there is one only."""
    names, code = np.unique(unit, return_inverse=True)
    if len(names) < 2:
        return np.full((len(found.time), rows.n_states), np.nan)
    if _one_place_at_a_time(rows, code):
        variance = path_variances(rows, found, code)
    else:
        variance = dense_variances(rows, found, code)
    steps = np.vstack([np.zeros(rows.n_states), variance])
    errors = np.sqrt(steps[np.searchsorted(found.moments, np.arange(len(found.time)), "right")])
    # what nobody has reached yet is 0 for certain
    return np.where(found.probability == 0, 0.0, errors)


def dense_variances(rows: Episodes, found: Occupation, unit: np.ndarray) -> np.ndarray:
    """Variance (K, S) at the times somebody moves, from the influence of every unit at every time."""
    influences = unit_influences(rows, found, unit, int(unit.max()) + 1)
    squares = [[u @ u for u in U] for _, U in influences]
    return np.array(squares).reshape(-1, rows.n_states)


def _one_place_at_a_time(rows: Episodes, unit: np.ndarray) -> bool:
    if rows.entry is None:
        return len(np.unique(unit)) == len(unit)
    order = np.lexsort((rows.entry, unit))
    same = unit[order][1:] == unit[order][:-1]
    return not (same & (rows.entry[order][1:] < rows.exit_[order][:-1])).any()
