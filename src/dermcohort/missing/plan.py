"""From what the user asked for to the plan of the chains: the checks at the door of `impute`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import is_numeric_dtype

from ..design import require_columns
from ..wording import suggest
from .chained import Derived, Plan, Target, compute_derived, is_asked
from .dependence import find_ancestors, independent_columns, predictors_of
from .variables import Variable, codes_like, filled, read_variable

DEFAULTS = {"number": "pmm", "binary": "logistic", "ordered": "ordered", "nominal": "multinomial"}
CHOICES = {
    "number": ("pmm", "norm", "none"),
    "binary": ("logistic", "none"),
    "ordered": ("ordered", "multinomial", "none"),
    "nominal": ("multinomial", "none"),
}


def make_plan(
    data: pd.DataFrame,
    rng: np.random.Generator,
    *,
    methods: Mapping[str, str],
    predictors: Mapping[str, Sequence[str]],
    only_where: Mapping[str, Any],
    derived: Mapping[str, Callable[[pd.DataFrame], Any]],
    limits: Mapping[str, Any],
) -> tuple[Plan, list[str]]:
    """The plan, and what a reader must know about it."""
    _check_names(data, methods, predictors, only_where, derived, limits)
    notes: list[str] = []
    asked = {name: _condition(rule, name, data) for name, rule in only_where.items()}
    variables = _variables(data, methods, asked, derived, limits, notes)
    targets = [
        _target(data, variables[name], methods, asked.get(name), limits.get(name), notes)
        for name in variables
        if name not in derived and (data[name].isna().any() or name in limits)
    ]
    trial = data.copy()
    for target in targets:
        drawn = np.append(
            target.limit, rng.choice(variables[target.name].values[target.known], len(target.missing))
        )
        trial[target.name] = filled(data[target.name], variables[target.name], target.free, drawn)
    every_row = np.arange(len(data))
    computed = [Derived(name, function, every_row) for name, function in derived.items()]
    for item in computed:
        trial[item.name] = compute_derived(item, trial)

    ancestors = find_ancestors(trial, targets, computed, asked, rng)
    computed = [_with_rows(item, data, targets, ancestors, notes) for item in computed]
    targets.sort(key=lambda target: len(ancestors.get(target.name, ())))
    for target in targets:
        if target.asked is not None:
            skipped = ~is_asked(target.asked, trial, target.name)
            skipped[np.append(target.known, target.below)] = False
            trial[target.name] = trial[target.name].mask(skipped)
    for item in computed:
        trial[item.name] = compute_derived(item, trial)
        variable = read_variable(trial[item.name], item.name, optional=True)
        if variable is not None and methods.get(item.name) != "none":
            variables[item.name] = variable

    places, matrix = _matrix(trial, variables)
    owner = {c: name for name, place in places.items() for c in range(place.start, place.stop)}
    complete = ~np.any([np.isnan(v.values) for v in variables.values() if not v.optional], axis=0)
    for i, target in enumerate(targets):
        names = predictors_of(target.name, variables, predictors, ancestors)
        columns = [0, *(c for name in names for c in range(places[name].start, places[name].stop))]
        used = independent_columns(matrix, columns, target.known, complete)
        lost = [name for name in names if name not in {owner.get(c) for c in used}]
        if lost:
            notes.append(
                f"Did not predict '{target.name}', being constant or determined by other predictors: {', '.join(lost)}."
            )
        own = places[target.name].start
        if variables[target.name].kind == "number" and own not in independent_columns(
            matrix, [*used, own], target.known, complete
        ):
            notes.append(f"'{target.name}' is constant or determined by the others: let derived= compute it.")
        targets[i] = replace(target, columns=np.array(used))
    return Plan(data, variables, tuple(targets), tuple(computed), ancestors, places), notes


def _check_names(data, methods, predictors, only_where, derived, limits) -> None:
    known = [*data.columns, *derived]
    for argument, given in (("methods", methods), ("predictors", predictors)):
        for name in given:
            if name not in known:
                raise ValueError(f"{argument}: data has no column '{name}'.{suggest(name, known)}")
    require_columns(data, [*only_where, *limits], "data")
    for argument, given in (("predictors", predictors), ("only_where", only_where), ("limits", limits)):
        both = [name for name in given if name in derived]
        if both:
            raise ValueError(f"{argument}: '{both[0]}' is derived, it is computed and never imputed")
    for name, function in derived.items():
        if not callable(function):
            raise TypeError(
                f"derived: '{name}' needs a function of the data, e.g. lambda d: d['kg'] / d['m'] ** 2"
            )
        if methods.get(name, "none") != "none":
            raise ValueError(f"methods: '{name}' is derived, it is computed and never imputed")
    for target, names in predictors.items():
        for name in names:
            if name not in known:
                raise ValueError(
                    f"predictors of '{target}': data has no column '{name}'.{suggest(name, known)}"
                )


def _condition(rule: Any, name: str, data: pd.DataFrame) -> Callable[[pd.DataFrame], Any]:
    """A condition as a function of the data; a column name stands for that column."""
    if callable(rule):
        return rule
    if not isinstance(rule, str):
        raise TypeError(f"only_where: '{name}' needs a column name or a function, not {type(rule).__name__}")
    require_columns(data, [rule], "data")
    return partial(_column, name=rule)


def _column(frame: pd.DataFrame, name: str) -> pd.Series:
    return frame[name]


def _variables(
    data: pd.DataFrame,
    methods: Mapping[str, str],
    asked: Mapping[str, Any],
    derived: Mapping[str, Any],
    limits: Mapping[str, Any],
    notes: list[str],
) -> dict[str, Variable]:
    found: dict[str, Variable] = {}
    unusable = []
    for name in data:
        if name in derived or methods.get(name) == "none":
            continue
        if name in limits and not is_numeric_dtype(data[name].dtype):
            raise ValueError(f"limits: '{name}' is not a number")
        if name in limits and not (data[name].dropna() > 0).all():
            raise ValueError(
                f"limits: '{name}' has values that are not above 0, which no lognormal variable has"
            )
        variable = read_variable(data[name], name, optional=name in asked, log=name in limits)
        if variable is None:
            unusable.append(name)
            if name in methods or name in asked:
                raise ValueError(
                    f"'{name}' is text or a date and cannot be imputed: make it a category or a number"
                )
        else:
            found[name] = variable
    if unusable:
        notes.append(f"Text and dates are left as they are and predict nothing: {', '.join(unusable)}.")
    return found


def _target(
    data: pd.DataFrame,
    variable: Variable,
    methods: Mapping[str, str],
    asked: Callable[[pd.DataFrame], Any] | None,
    limit: Any,
    notes: list[str],
) -> Target:
    name = variable.name
    missing = np.isnan(variable.values)
    below, limit_of = np.zeros(len(data), bool), variable.values
    if limit is not None:
        below, limit_of = _below(data, variable, limit)
    known = np.flatnonzero(~missing & ~below)
    if len(known) == 0:
        why = "is missing in all rows" if not below.any() else "has no value above its limit"
        raise ValueError(
            f"'{name}' {why}: there is nothing to impute it from; leave it out, or method 'none'"
        )
    choices = CHOICES[variable.kind]
    method = methods.get(name, DEFAULTS[variable.kind])
    if limit is not None:
        choices, method = ("censored",), methods.get(name, "censored")
    if method not in choices:
        raise ValueError(
            f"methods: '{method}' does not fit '{name}' ({variable.kind}); choose {' or '.join(choices)}."
            f"{suggest(method, choices)}"
        )
    if len(np.unique(variable.values[known])) == 1:
        if limit is not None:
            raise ValueError(
                f"limits: '{name}' has one measured value only, from which no distribution follows"
            )
        method = "constant"
        notes.append(f"'{name}' has one observed value, which fills its {missing.sum():,} missing ones.")
    rows = np.flatnonzero(below)
    return Target(name, method, known, np.flatnonzero(missing), rows, limit_of[rows], asked, np.array([0]))


def _below(data: pd.DataFrame, variable: Variable, limit: Any) -> tuple[np.ndarray, np.ndarray]:
    """Which values are only known to be below a limit, and the limits, from a number or a column."""
    name = variable.name
    if not isinstance(limit, str):
        if not (isinstance(limit, Real) and 0 < float(limit) < np.inf):
            raise ValueError(
                f"limits: the limit of '{name}' must be a number above 0, or a column, not {limit!r}"
            )
        limits = np.full(len(data), float(limit))
        return np.nan_to_num(variable.values, nan=np.inf) < limits, limits
    require_columns(data, [limit], "data")
    column = read_variable(data[limit], limit)
    if column is not None and column.kind == "binary":
        return (column.values == 1) & ~np.isnan(variable.values), variable.values
    if column is None or column.kind != "number" or (column.values <= 0).any():
        raise ValueError(
            f"limits: '{limit}' must hold limits above 0, or True where the value of '{name}' is one"
        )
    return variable.values < column.values, column.values


def _with_rows(
    item: Derived,
    data: pd.DataFrame,
    targets: Sequence[Target],
    ancestors: Mapping[str, frozenset[str]],
    notes: list[str],
) -> Derived:
    """The derived variable with the rows to compute: where it or something it is made of is missing."""
    if item.name not in data:
        return item
    free = data[item.name].isna().to_numpy().copy()
    n_missing = int(free.sum())
    for target in targets:
        if target.name in ancestors[item.name]:
            free[target.free] = True
    if free.sum() > n_missing:
        notes.append(
            f"'{item.name}' was computed anew in {free.sum() - n_missing:,} rows where it was given but what it is made "
            "of was not."
        )
    return replace(item, free=np.flatnonzero(free))


def _matrix(trial: pd.DataFrame, variables: Mapping[str, Variable]) -> tuple[dict[str, slice], np.ndarray]:
    """Where each variable stands in the design matrix, after the intercept, and the matrix of the trial data."""
    places, parts, first = {}, [np.ones((len(trial), 1))], 1
    for name, variable in variables.items():
        places[name] = slice(first, first + variable.width)
        parts.append(variable.encode(codes_like(trial[name], variable)))
        first += variable.width
    return places, np.hstack(parts)
