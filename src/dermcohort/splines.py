"""Harrell's restricted cubic spline as a term of a formula: `rcs(age)`, `rcs(age, knots=5)`, `rcs(age, knots=[40, 50, 60])`.

A cubic polynomial between the knots, smooth at them, and a straight line beyond the first and the last. Of k knots
there are k - 1 columns, the first the variable itself, so that a test of the others is one of nonlinearity.

Source: Harrell (2015) Regression Modeling Strategies, 2nd ed., ch. 2.4. Equal to `rcs` of R's rms and
`rcspline.eval` of Hmisc 4.8 with norm = 2.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from formulaic.materializers.types import FactorValues
from formulaic.transforms import stateful_transform

FEWEST, MOST = 3, 7
HEAPED = 0.05  # share of rows at the lowest or highest value above which it is set apart
SMALL = 100  # below this many rows the outer knots are the fifth values from either end


@stateful_transform
def rcs(
    data: Any,
    knots: int | Sequence[float] = 4,
    _state: dict[str, Any] | None = None,
    _context: Any = None,
    _metadata: Any = None,
) -> FactorValues:
    """The columns of a restricted cubic spline, in a formula; new data get the knots of the data fitted.

    Parameters
    ----------
    data : Series
        A number.
    knots : int or list of float
        How many, 3 to 7, at the quantiles of the rows that Harrell recommends; or where.

    Raises
    ------
    ValueError
        For a variable that is no number, another number of knots, knots that do not increase, or a variable with
        too few distinct values.
    """
    assert _state is not None
    # not bool: a yes/no has no curve
    if not pd.api.types.is_numeric_dtype(data) or pd.api.types.is_bool_dtype(data):
        raise ValueError(f"rcs: the variable must be a number, it is {data.dtype}")
    x = np.asarray(data, float)
    if "knots" not in _state:
        _state["knots"] = _given(knots) if isinstance(knots, Sequence) else default_knots(x, knots)
    basis = spline_basis(x, _state["knots"])
    columns = {str(i + 1): pd.Series(column, data.index) for i, column in enumerate(basis.T)}
    return FactorValues(columns, kind="numerical", format="{name}[{field}]", encoded=False)


def spline_basis(x: np.ndarray, knots: np.ndarray) -> np.ndarray:
    """Columns of the spline, shape (n, k - 1) for k knots: x, then for each knot t_j but the last two

    (x - t_j)+^3 - (x - t_(k-1))+^3 (t_k - t_j) / (t_k - t_(k-1)) + (x - t_k)+^3 (t_(k-1) - t_j) / (t_k - t_(k-1)),

    divided by (t_k - t_1)^2, which brings it to the unit of x (Harrell 2015, eq. 2.25).

    Examples
    --------
    >>> spline_basis(np.array([0.0, 2.0, 6.0]), np.array([1.0, 3.0, 5.0])).round(4).tolist()
    [[0.0, 0.0], [2.0, 0.0625], [6.0, 4.5]]
    """
    *inner, before, last = knots
    size = (last - knots[0]) ** (2 / 3)

    def cube(knot: float) -> np.ndarray:
        return np.maximum((x - knot) / size, 0) ** 3

    columns = [x]
    for knot in inner:
        beyond = (before - knot) * cube(last) - (last - knot) * cube(before)
        columns.append(cube(knot) + beyond / (last - before))
    return np.column_stack(columns)


def default_knots(x: np.ndarray, k: int) -> np.ndarray:
    """Knots at equally spaced quantiles between outer ones that depend on k, as Hmisc's `rcspline.eval`.

    Below 100 rows the outer knots are the fifth lowest and fifth highest values. A lowest or highest value that 5%
    of the rows have (a limit of detection), where no other is that frequent, is set apart: the next value is a knot.

    Examples
    --------
    >>> default_knots(np.arange(1001.0), 5).round(6).tolist()
    [50.0, 275.0, 500.0, 725.0, 950.0]
    """
    if isinstance(k, bool) or not isinstance(k, int) or not FEWEST <= k <= MOST:
        raise ValueError(
            f"rcs: knots={k!r} must be a whole number from {FEWEST} to {MOST}, or a list of knots"
        )
    values, counts = np.unique(x, return_counts=True)
    if len(values) - 2 <= k:
        raise ValueError(
            f"rcs: {k} knots need {k + 3} distinct values or more, there are {len(values)}: "
            "use fewer knots, or categories"
        )
    share = counts / len(x)
    first, last = np.empty(0), np.empty(0)
    if share[1:-1].max() < HEAPED:
        if share[0] >= HEAPED:
            first = values[[1]]
        if share[-1] >= HEAPED:
            last = values[[-2]]
    x = np.sort(
        x[np.isin(x, [*values[: 2 * len(first)], *values[len(values) - 2 * len(last) :]], invert=True)]
    )
    found = _quantiles(x, k, k - len(first) - len(last))
    if len(x) < SMALL and len(found) > 1:
        found[0] = found[0] if len(first) else x[min(4, len(x) - 1)]
        found[-1] = found[-1] if len(last) else x[max(-5, -len(x))]
    knots = np.unique(np.concatenate([first, found, last]))
    if len(knots) < k:
        raise ValueError(
            f"rcs: {k} knots at the quantiles fall on {len(knots)} values only, so many rows have the same value: "
            "give the knots as a list"
        )
    return knots


def _quantiles(x: np.ndarray, k: int, wanted: int) -> np.ndarray:
    outer = 0.1 if k == 3 else 0.05 if k < 7 else 0.025
    if wanted == 1:
        return np.array([np.median(x)])
    lowest = 0.5 if wanted == 2 else outer
    return np.quantile(x, np.linspace(lowest, 1 - outer, wanted))


def _given(knots: Sequence[float]) -> np.ndarray:
    try:
        places = np.asarray(knots, float)
    except (TypeError, ValueError):
        raise ValueError(f"rcs: knots={knots!r} must be numbers") from None
    if len(places) < FEWEST or not (np.isfinite(places).all() and (np.diff(places) > 0).all()):
        raise ValueError(f"rcs: knots={list(knots)} must be {FEWEST} numbers or more that increase")
    return places
