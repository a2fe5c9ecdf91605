"""What depends on what, and what may therefore predict what."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from .chained import Derived, Target, compute_derived, is_asked
from .variables import Variable

COLLINEAR = 1e-6  # share of the variance that others leave unexplained


def find_ancestors(
    trial: pd.DataFrame,
    targets: Sequence[Target],
    derived: Sequence[Derived],
    asked: Mapping[str, Any],
    rng: np.random.Generator,
) -> dict[str, frozenset[str]]:
    """Which of the changing variables each function depends on: its result changes when they are permuted."""
    changing = [*(target.name for target in targets), *(item.name for item in derived)]
    permuted = {
        name: trial.assign(**{name: trial[name].take(rng.permutation(len(trial))).array}) for name in changing
    }
    functions: dict[str, Callable[[pd.DataFrame], Any]] = {
        item.name: partial(compute_derived, item) for item in derived
    }
    functions |= {name: partial(is_asked, rule, name=name) for name, rule in asked.items()}
    direct = {}
    for name, function in functions.items():
        result = pd.Series(np.asarray(function(trial), object))
        direct[name] = {
            other
            for other in changing
            if other != name and not result.equals(pd.Series(np.asarray(function(permuted[other]), object)))
        }
    found = {name: _reachable(name, direct) for name in direct}
    for name, names in found.items():
        if name in names:
            raise ValueError(f"'{name}' depends on itself, through {', '.join(sorted(names - {name}))}")
    return found


def _reachable(name: str, direct: Mapping[str, set[str]]) -> frozenset[str]:
    found: set[str] = set()
    waiting = list(direct[name])
    while waiting:
        other = waiting.pop()
        if other not in found:
            found.add(other)
            waiting += direct.get(other, ())
    return frozenset(found)


def predictors_of(
    name: str,
    variables: Mapping[str, Variable],
    predictors: Mapping[str, Sequence[str]],
    ancestors: Mapping[str, frozenset[str]],
) -> list[str]:
    """All other variables but those that depend on this one, or those named."""
    chosen = predictors.get(name, list(variables))
    if name in chosen and name in predictors:
        raise ValueError(f"predictors: '{name}' cannot predict itself")
    usable = [other for other in variables if other in chosen]
    return [other for other in usable if other != name and name not in ancestors.get(other, ())]


def independent_columns(
    matrix: np.ndarray, columns: Sequence[int], known: np.ndarray, complete: np.ndarray
) -> list[int]:
    """Columns that vary in the known rows and that those before them leave some variance unexplained.

    What determines what is seen where nothing is missing, if such rows are many enough.
    """
    spread = np.ptp(matrix[known][:, columns], axis=0)
    rows = known[complete[known]]
    X = matrix[rows if len(rows) > 2 * len(columns) else known][:, columns]
    X = X - X.mean(axis=0)
    size = np.sqrt((X**2).sum(axis=0))
    X = X / np.where(size > 0, size, 1.0)
    gram = X.T @ X
    kept: list[int] = []
    for j in map(int, np.flatnonzero(spread > 1e-9)):
        if columns[j] == 0:
            continue
        explained = 0.0
        if kept:
            explained = (
                gram[j, kept] @ np.linalg.lstsq(gram[np.ix_(kept, kept)], gram[kept, j], rcond=None)[0]
            )
        if size[j] == 0 or 1 - explained > COLLINEAR:
            kept.append(j)
    return [0, *(columns[j] for j in kept)]
