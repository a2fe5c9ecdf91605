"""The chain: each incomplete variable is drawn given all others, in turn, again and again.

Source: van Buuren (2018) Flexible Imputation of Missing Data, 2nd ed., section 4.5 (fully conditional specification).
What is a function of others (a derived variable, whether a question was asked) is computed after each draw of what it
depends on, and predicts none of what it depends on: the chain would otherwise hold itself where it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import is_bool_dtype, is_numeric_dtype

from ..design import binary_outcome
from .categories import draw_multinomial, draw_ordered
from .censored import draw_censored
from .draws import draw_norm, draw_pmm
from .variables import Variable, codes_like, filled

EXTREME = 8.0  # log odds against the average, odds ratio 3,000: the category is all but determined


@dataclass(frozen=True, eq=False)
class Target:
    """A variable to impute. Rows are positions; `columns` are those of the design matrix that predict it."""

    name: str
    method: str
    known: np.ndarray
    missing: np.ndarray
    below: np.ndarray
    limit: np.ndarray
    asked: Callable[[pd.DataFrame], Any] | None
    columns: np.ndarray

    @property
    def free(self) -> np.ndarray:
        """Rows that get a value: those below the limit, then those without any."""
        return np.append(self.below, self.missing)


@dataclass(frozen=True, eq=False)
class Derived:
    """A variable that is computed, in the rows where it is missing or what it is made of is."""

    name: str
    function: Callable[[pd.DataFrame], Any]
    free: np.ndarray


@dataclass(frozen=True, eq=False)
class Plan:
    """All that the chains share. `ancestors`: what a derived or not always asked variable depends on."""

    data: pd.DataFrame
    variables: Mapping[str, Variable]
    targets: tuple[Target, ...]
    derived: tuple[Derived, ...]
    ancestors: Mapping[str, frozenset[str]]
    places: Mapping[str, slice]


@dataclass(frozen=True, eq=False)
class Chain:
    """Values (numbers or codes) of the free rows of each target after the last iteration."""

    values: dict[str, np.ndarray]
    trace: list[tuple[str, int, float, float]]
    extreme: frozenset[str]


@dataclass(eq=False)
class _State:
    """Where a chain is: the values of every variable, the columns derived, and the design matrix they make."""

    values: dict[str, np.ndarray]
    columns: dict[str, pd.Series]
    matrix: np.ndarray
    starts: dict[str, np.ndarray] = field(default_factory=dict)


def run_chain(plan: Plan, iterations: int, rng: np.random.Generator) -> Chain:
    """One imputed data set: random observed values at first, then `iterations` rounds of draws."""
    state = _first_state(plan, rng)
    trace = []
    for iteration in range(1, iterations + 1):
        for target in plan.targets:
            drawn = _draw(plan, state, target, rng)
            _update(plan, state, target, drawn)
            drawn = drawn[~np.isnan(drawn)]
            mean, sd = (drawn.mean(), drawn.std()) if len(drawn) else (np.nan, np.nan)
            trace.append((target.name, iteration, float(mean), float(sd)))
    values = {target.name: state.values[target.name][target.free] for target in plan.targets}
    return Chain(values, trace, frozenset(t.name for t in plan.targets if _is_extreme(plan, state, t)))


def completed(plan: Plan, values: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """The data with the `values` of a chain in the free rows, and derived variables computed."""
    frame = plan.data.copy()
    for target in plan.targets:
        variable = plan.variables[target.name]
        frame[target.name] = filled(plan.data[target.name], variable, target.free, values[target.name])
    for derived in plan.derived:
        frame[derived.name] = compute_derived(derived, frame)
    return frame


def compute_derived(derived: Derived, frame: pd.DataFrame) -> pd.Series:
    """The derived column: computed in its free rows, as it is in the data elsewhere."""
    try:
        result = derived.function(frame)
    except Exception as problem:
        raise ValueError(f"derived: the function of '{derived.name}' fails: {problem}") from problem
    computed = pd.Series(getattr(result, "array", result), frame.index)
    if len(derived.free) == len(frame):
        return computed
    kept, free = frame[derived.name], np.zeros(len(frame), bool)
    free[derived.free] = True
    plain = all(is_numeric_dtype(c.dtype) and not is_bool_dtype(c.dtype) for c in (kept, computed))
    if plain or kept.dtype == computed.dtype:
        return kept.where(~free, computed)
    return kept.astype(object).where(~free, computed.astype(object)).astype(computed.dtype)


def is_asked(function: Callable[[pd.DataFrame], Any], frame: pd.DataFrame, name: str) -> np.ndarray:
    """Whether the question was put, in each row; not where that is unknown."""
    try:
        result = function(frame)
    except Exception as problem:
        raise ValueError(f"only_where: the condition of '{name}' fails: {problem}") from problem
    return (
        binary_outcome(pd.Series(getattr(result, "array", result), frame.index), f"only_where of {name}") == 1
    )


def _first_state(plan: Plan, rng: np.random.Generator) -> _State:
    width = max((place.stop for place in plan.places.values()), default=1)
    matrix = np.ones((len(plan.data), width))
    state = _State({name: v.values.copy() for name, v in plan.variables.items()}, {}, matrix)
    for name, variable in plan.variables.items():
        matrix[:, plan.places[name]] = variable.encode(variable.values)
    for target in plan.targets:
        observed = plan.variables[target.name].values[target.known]
        drawn = np.append(target.limit / np.sqrt(2), rng.choice(observed, len(target.missing)))
        _update(plan, state, target, np.where(_open_rows(plan, state, target), drawn, np.nan))
    return state


def _draw(plan: Plan, state: _State, target: Target, rng: np.random.Generator) -> np.ndarray:
    """New values for the free rows of a target; NaN where the question was not asked."""
    wanted = _open_rows(plan, state, target)
    rows = target.free[wanted]
    drawn = np.full(len(wanted), np.nan)
    y = state.values[target.name][target.known]
    X = state.matrix.take(target.known, 0).take(target.columns, 1)
    X_wanted = state.matrix.take(rows, 0).take(target.columns, 1)
    n_levels = len(plan.variables[target.name].levels)
    match target.method:
        case "pmm":
            drawn[wanted] = draw_pmm(X, y, X_wanted, rng)
        case "norm":
            drawn[wanted] = draw_norm(X, y, X_wanted, rng)
        case "censored":
            n_below = len(target.below)
            parts = draw_censored(X, y, X_wanted[:n_below], target.limit, X_wanted[n_below:], rng)
            drawn[wanted] = np.concatenate(parts)
        case "logistic" | "multinomial" | "ordered":
            draw = draw_ordered if target.method == "ordered" else draw_multinomial
            start = state.starts.get(target.name)
            drawn[wanted], state.starts[target.name] = draw(X, y.astype(int), X_wanted, n_levels, rng, start)
        case _:  # one observed value
            drawn[wanted] = y[0]
    return drawn


def _open_rows(plan: Plan, state: _State, target: Target) -> np.ndarray:
    """Which of the free rows are to have a value: below a limit, or missing although asked."""
    wanted = np.ones(len(target.free), bool)
    if target.asked is not None:
        frame = _current(plan, state, plan.ancestors[target.name])
        wanted[len(target.below) :] = is_asked(target.asked, frame, target.name)[target.missing]
    return wanted


def _update(plan: Plan, state: _State, target: Target, drawn: np.ndarray) -> None:
    """Put new values in place, and compute what depends on them."""
    state.values[target.name][target.free] = drawn
    _encode(plan, state, target.name, target.free)
    for derived in plan.derived:
        if target.name in plan.ancestors[derived.name]:
            frame = _current(plan, state, plan.ancestors[derived.name])
            column = compute_derived(derived, frame)
            state.columns[derived.name] = column
            if derived.name in plan.variables:
                state.values[derived.name] = codes_like(column, plan.variables[derived.name])
                _encode(plan, state, derived.name, derived.free)


def _encode(plan: Plan, state: _State, name: str, rows: np.ndarray) -> None:
    state.matrix[rows, plan.places[name]] = plan.variables[name].encode(state.values[name][rows])


def _current(plan: Plan, state: _State, names: frozenset[str]) -> pd.DataFrame:
    """The data with the present values of these variables."""
    frame = plan.data.copy(deep=False)
    for target in plan.targets:
        if target.name in names:
            values = state.values[target.name][target.free]
            column = plan.data[target.name]
            frame[target.name] = filled(column, plan.variables[target.name], target.free, values)
    for name, column in state.columns.items():
        if name in names:
            frame[name] = column
    return frame


def _is_extreme(plan: Plan, state: _State, target: Target) -> bool:
    """Whether the last fit of a category puts some row's odds very far from the average."""
    if target.name not in state.starts:
        return False
    parameters, n_cuts = state.starts[target.name], len(plan.variables[target.name].levels) - 1
    slopes = (
        parameters[None, n_cuts:] if target.method == "ordered" else parameters.reshape(n_cuts, -1)[:, 1:]
    )
    linear = state.matrix[target.known][:, target.columns[1:]] @ slopes.T
    return bool((np.abs(linear - linear.mean(axis=0)) > EXTREME).any())
