"""Standard errors of state probabilities where persons or clusters are independent, or of a survey: arrays in, arrays out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..variance import Replicates, Sample
from .aalen_johansen import Episodes, Occupation, aalen_johansen, unit_influences
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


def survey_errors(
    rows: Episodes, found: Occupation, sample: Sample | Replicates, places: np.ndarray
) -> np.ndarray:
    """Standard error (T, S) of a sample survey, of whose rows these are those at `places`; NaN without spread."""
    inside = np.zeros(len(sample.weights), bool)
    inside[places] = True
    if sample.degrees_of_freedom(inside) == 0:
        return np.full(found.probability.shape, np.nan)
    if isinstance(sample, Replicates):

        def again(weights: np.ndarray) -> np.ndarray:
            return aalen_johansen(replace(rows, weights=weights[places])).probability.ravel()

        variance = sample.variances(again).reshape(found.probability.shape)
    else:
        runs = [
            unit_influences(rows, found, stage.unit[places], len(stage.stratum)) for stage in sample.stages
        ]
        steps = [sample.variances([U.T for _, U in at]) for at in zip(*runs, strict=True)]
        known = np.vstack([np.zeros(rows.n_states), *steps])
        variance = known[np.searchsorted(found.moments, np.arange(len(found.time)), "right")]
    return np.where(found.probability == 0, 0.0, np.sqrt(np.maximum(variance, 0.0)))


def _one_place_at_a_time(rows: Episodes, unit: np.ndarray) -> bool:
    if rows.entry is None:
        return len(np.unique(unit)) == len(unit)
    order = np.lexsort((rows.entry, unit))
    same = unit[order][1:] == unit[order][:-1]
    return not (same & (rows.entry[order][1:] < rows.exit_[order][:-1])).any()
