"""The rows of a fit as they would be with another exposure, and the averages of what the model expects of them.

What is given to everyone, and which levels are compared, is decided here for standardized risks, weighting, doubly
robust estimates and mediation alike.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ..design import level_text
from ..estimates import Estimates, FittedModel
from ..missing.pooled import PooledEstimates
from ..wording import suggest
from .covariance import FittedRows
from .glm import GLMFit


def refuse_pooled(fit: Estimates, function: str) -> None:
    """Refuse what was pooled over imputed data sets: nonlinear estimates are made of each fit, then pooled."""
    if isinstance(fit, PooledEstimates):
        raise TypeError(
            f"fit is pooled over imputed data sets: make {function} of each fit and give those to missing.pool"
        )


def refuse_penalized(fit: GLMFit) -> None:
    """Refuse `firth`, whose mean fitted probability is not the share of cases (Puhr et al. 2017 Stat Med 36:2302)."""
    if fit.robust == "penalty":
        raise ValueError(
            "fit is penalized (firth): its odds ratios are less biased, but its fitted probabilities are biased towards "
            "1/2. Fit logistic instead"
        )


def fitted_rows(fit: Any, argument: str) -> FittedRows:
    """The rows of `fit`, which must be a generalized linear model fitted in this session."""
    refuse_pooled(fit, "the estimate")
    if not isinstance(fit, GLMFit):
        raise TypeError(
            f"{argument} must be a fit of logistic, log_binomial, modified_poisson, poisson or linear, it is "
            f"{type(fit).__name__}"
        )
    refuse_penalized(fit)
    if fit.rows is None:
        raise ValueError(
            f"{argument} was loaded from a file or another process, without its rows: fit it again"
        )
    return fit.rows


def compared_values(fit: FittedModel, exposure: str, values: Sequence[Any] | None) -> list[Any]:
    """The levels of an exposure, the reference first: those asked for, or all levels of a category or of 0/1."""
    if exposure not in fit.design.variables:
        raise ValueError(
            f"exposure: '{exposure}' is not a variable of the model."
            f"{suggest(exposure, fit.design.variables)} It has {', '.join(fit.design.variables)}"
        )
    column = fit.design.frame[exposure]
    known = levels_of(column)
    if values is None:
        if known is None:
            raise ValueError(
                f"values: '{exposure}' is a number with values other than 0 and 1; say which to compare, the "
                "reference first: values=(0, 1)"
            )
        return known
    chosen = list(values)
    if isinstance(values, str) or len(chosen) < 2 or len(set(chosen)) < len(chosen):
        raise ValueError(
            f"values must be two or more different values, the reference first, it is {values!r}"
        )
    coded = isinstance(column.dtype, pd.CategoricalDtype) or pd.api.types.is_bool_dtype(column)
    for value in chosen:
        if coded and known is not None and value not in known:
            shown = ", ".join(map(str, known))
            raise ValueError(
                f"values: '{exposure}' has no level {value!r}.{suggest(value, known)} It has {shown}"
            )
        if not coded and not isinstance(value, int | float | np.number):
            raise ValueError(f"values: '{exposure}' is a number, {value!r} is not")
    return chosen


def levels_of(column: pd.Series) -> list[Any] | None:
    """The levels of a category, bool or 0/1 number, the reference first; None for another number."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        present = set(column.unique())
        return [level for level in column.cat.categories if level in present]
    found = sorted(column.unique())
    return found if set(found) <= {0, 1} else None


def level_name(value: Hashable) -> str:
    """A value of an exposure as it is printed."""
    return level_text(
        float(value) if isinstance(value, int | np.integer) and not isinstance(value, bool) else value
    )


def matrix_with(fit: FittedModel, **given: Any) -> np.ndarray:
    """The design matrix of the fit's rows with some variables set to a value, or to values (n,), for everyone."""
    frame = fit.design.frame
    changed = {}
    for name, value in given.items():
        values = value if isinstance(value, np.ndarray) else [value] * len(frame)
        changed[name] = pd.Series(values, index=frame.index, dtype=_settable(frame[name].dtype))
    return np.asarray(fit.design.matrix_for(frame.assign(**changed)), float)


def _settable(dtype: Any) -> Any:
    """The dtype that values set by the user get: whole numbers may become fractions."""
    return float if pd.api.types.is_integer_dtype(dtype) else dtype


@dataclass(frozen=True, eq=False)
class Outcome:
    """What the average of an outcome is called, and its differences and ratios."""

    mean: str
    difference: str
    ratio: str | None

    @property
    def is_risk(self) -> bool:
        return self.mean == "risk"


RISK = Outcome("risk", "RD", "RR")
COUNT = Outcome("mean", "difference", "ratio")
NUMBER = Outcome("mean", "difference", None)


def outcome_of(rows: FittedRows) -> Outcome:
    """Risks for a 0/1 outcome of any model but least squares, else means of counts or of numbers."""
    if rows.family.has_dispersion:
        return NUMBER
    if not rows.family.name.startswith("binomial") and not set(np.unique(rows.arrays.y)) <= {0, 1}:
        return COUNT
    return RISK
