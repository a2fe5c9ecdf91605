"""Rows of a design for values of its variables, of which differences are taken: what is not given cancels out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ..design import Design
from ..wording import suggest


def design_rows(design: Design, rows: Sequence[Mapping[str, Any]]) -> np.ndarray:
    """The design matrix, shape (len(rows), p), of rows that give values of the same variables.

    The other variables are those of the first row of the data: use differences of the rows only, after
    `require_given`.
    """
    newdata = design.frame[list(design.variables)].iloc[[0] * len(rows)].reset_index(drop=True)
    for name in rows[0]:
        values = [row[name] for row in rows]
        known = design.frame[name].dtype
        is_category = isinstance(known, pd.CategoricalDtype)
        newdata[name] = pd.Categorical(values, dtype=known) if is_category else np.asarray(values)
    return design.matrix_for(newdata).to_numpy()


def levels_of(design: Design, variable: str) -> list[Any] | None:
    """The levels of a categorical variable, the reference first; None for a number."""
    values = design.frame[variable]
    if isinstance(values.dtype, pd.CategoricalDtype):
        return list(values.cat.categories)
    factors = {factor for c in design.columns if c.variables == (variable,) for factor in c.factors}
    coded = any(c.reference is not None for c in design.columns if c.variables == (variable,))
    if coded or f"C({variable})" in factors or pd.api.types.is_bool_dtype(values.dtype):
        return sorted(values.unique())
    return None


def require_values(design: Design, values: Mapping[str, Any], argument: str) -> None:
    """Refuse a variable the model does not have, a level it was not fitted on, and text for a number."""
    for name, value in values.items():
        if name not in design.variables:
            known = ", ".join(design.variables)
            raise ValueError(
                f"{argument}: the model has no variable '{name}'.{suggest(name, design.variables)} It has {known}"
            )
        levels = levels_of(design, name)
        if levels is not None and value not in levels:
            raise ValueError(
                f"{argument}: '{name}' has no level {value!r}; it has {', '.join(map(str, levels))}"
            )
        if levels is None and not (_is_number(value) and np.isfinite(value)):
            raise ValueError(f"{argument}: '{name}' is a number, {value!r} is none")


def require_given(design: Design, varied: Iterable[str], given: Iterable[str], function: str) -> None:
    """Refuse a difference that depends on a variable whose value was not given: they are in one term."""
    varied, given = set(varied), set(given)
    for column in design.columns:
        needed = set(column.variables) - varied - given
        if needed and varied & set(column.variables):
            which, on = ", ".join(sorted(varied & set(column.variables))), sorted(needed)
            raise ValueError(
                f"{function}: the effect of '{which}' depends on {', '.join(on)} (term {column.term}): give "
                f"at={{{', '.join(f'{name!r}: ...' for name in on)}}}"
            )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
