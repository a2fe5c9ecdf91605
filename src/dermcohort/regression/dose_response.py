"""The curve of a numeric exposure in a fitted model, against a reference value: splines, polynomials, lines.

f(x) - f(reference) = (X(x) - X(reference)) b for the rows X of the design, whatever transforms of the variable the
formula has (Desquilbet & Mariotti 2010, Stat Med 29:1037). The tests ask of the same curve over the observed values
whether it is constant (`overall`) and whether it is a straight line on the model's scale (`nonlinearity`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from ..design import level_text
from ..estimates import Estimates, tidy
from ..figures.dose_response import dose_response_figure
from .covariates import design_rows, levels_of, require_given, require_values
from .hypotheses import Tested, scaled_rows, tested

GRID = 101
SHOWN = (0.05, 0.25, 0.5, 0.75, 0.95)
MOST_OBSERVED = 500  # values in the tests and the rug: quantiles beyond
NEGLIGIBLE = 1e-9  # singular values below this share of the largest are rounding


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class DoseResponse(Estimates):
    """A dose-response curve; `.table` has it at chosen values.

    `.curve` has the columns `variable`'s name, `estimate`, `conf_low`, `conf_high`, relative to `.reference`.
    `.nonlinearity` and `.overall` have `statistic`, `df`, `df_denominator` (infinite: chi-squared, else F) and `p_value`.
    `.observed` are values of the variable in the data for the figure, not saved.
    """

    variable: str
    reference: float
    curve: pd.DataFrame
    nonlinearity: Mapping[str, float]
    overall: Mapping[str, float]
    observed: Any = field(default=None, metadata={"saved": False})

    def plot(self, ax: Axes | None = None, *, labels: Mapping[str, str] | None = None) -> Axes:
        """The curve with its band, the reference line and ticks at the observed values; ratios on a log axis."""
        return dose_response_figure(
            self.curve,
            ax,
            x_label=self.variable,
            measure=str(self.table["measure"].iloc[0]),
            conf_level=self.conf_level,
            reference=self.reference,
            observed=self.observed,
            labels=labels,
        )


def dose_response(
    fit: Estimates,
    variable: str,
    reference: float,
    *,
    values: Sequence[float] | None = None,
    at: Mapping[str, Any] | None = None,
    between: tuple[float, float] | None = None,
    conf_level: float | None = None,
) -> DoseResponse:
    """The effect of a numeric variable over its range, relative to a reference value.

    Parameters
    ----------
    fit : FittedModel or PooledEstimates
        Any regression of this package with any variance, or one pooled by `missing.pool`. The variable may be in it as
        a spline ``rcs(age)``, a polynomial, a logarithm or as it is.
    variable : str
        A numeric variable of the formula. For a category see `trend_test` and `contrast`.
    reference : float
        The value with the ratio 1 or the difference 0.
    values : list of float, optional
        Values of the variable for `.table`; the 5th, 25th, 50th, 75th and 95th percentile to three
        digits where None.
    at : mapping of str to value, optional
        Values of the variables that interact with it.
    between : (float, float), optional
        Range of the curve; the 1st to the 99th percentile where None.
    conf_level : float, optional
        That of the fit where None.

    Returns
    -------
    DoseResponse
        `.table`, `.curve`, `.nonlinearity`, `.overall`, `.plot()`. Intervals are pointwise.

    Raises
    ------
    TypeError
        For estimates that are not those of a model.
    ValueError
        For an unknown variable or one that is no number, values that are no numbers, or a variable in interactions
        without `at`.

    Notes
    -----
    Percentiles are those of the rows of the model, without weights. Equal to Predict(ref.zero=TRUE) and contrast of R's
    rms.

    Examples
    --------
    >>> rng = np.random.default_rng(3)
    >>> data = pd.DataFrame({"cadmium": rng.gamma(2, 1, 600)})
    >>> data["itch"] = rng.random(600) < 1 / (1 + np.exp(2 - data["cadmium"]))
    >>> from dermcohort.regression import logistic
    >>> found = dose_response(logistic("itch ~ rcs(cadmium)", data), "cadmium", 1.0, values=[0.5, 1, 2, 4])
    >>> found.table[["level", "reference", "measure", "estimate", "conf_low", "conf_high"]].round(2)
      level reference measure  estimate  conf_low  conf_high
    0   0.5         1      OR      0.68      0.47       0.99
    1     1         1      OR      1.00      1.00       1.00
    2     2         1      OR      1.83      1.36       2.46
    3     4         1      OR     20.57      9.62      43.98
    """
    model = tested(fit, "dose_response")
    at = dict(at or {})
    observed = _observed(model, variable)
    require_values(model.design, {variable: reference}, "reference")
    require_values(model.design, at, "at")
    require_given(model.design, {variable}, at, "dose_response")
    shown = [float(f"{q:.3g}") for q in np.quantile(observed, SHOWN)] if values is None else list(values)
    for value in shown:
        require_values(model.design, {variable: value}, "values")
    low, high = _range(between, observed)
    level = fit.conf_level if conf_level is None else conf_level

    def rows_at(places: Sequence[float] | np.ndarray) -> np.ndarray:
        return design_rows(model.design, [{**at, variable: float(value)} for value in places])

    start = rows_at([reference])
    grid = np.linspace(low, high, GRID)
    if low < reference < high:
        grid = np.union1d(grid, [reference])
    curve = _relative(model, rows_at(grid) - start, level)
    table = _relative(model, rows_at(shown) - start, level)
    places = np.unique(observed)
    if len(places) > MOST_OBSERVED:
        places = np.quantile(observed, np.linspace(0, 1, MOST_OBSERVED))
    overall, nonlinearity, notes = _tests(model, rows_at(places), places)
    labels = {
        "term": variable,
        "level": [level_text(float(value)) for value in shown],
        "reference": level_text(float(reference)),
        "measure": model.measure,
    }
    return DoseResponse(
        table=tidy(pd.DataFrame(labels).join(table)),
        method=f"{model.measure} of {variable} relative to {level_text(float(reference))}, pointwise Wald intervals.",
        n=fit.n,
        events=fit.events,
        n_missing=fit.n_missing,
        notes=(*model.notes, *notes),
        conf_level=level,
        variable=variable,
        reference=float(reference),
        curve=curve[["estimate", "conf_low", "conf_high"]].assign(**{variable: grid})[
            [variable, "estimate", "conf_low", "conf_high"]
        ],
        nonlinearity=nonlinearity,
        overall=overall,
        observed=pd.Series(places, name=variable),
    )


def _observed(model: Tested, variable: str) -> np.ndarray:
    if variable not in model.design.variables:
        require_values(model.design, {variable: 0.0}, "variable")
    if levels_of(model.design, variable) is not None:
        raise ValueError(f"variable: '{variable}' is a category: see trend_test and contrast")
    return model.design.frame[variable].to_numpy(float)


def _range(between: tuple[float, float] | None, observed: np.ndarray) -> tuple[float, float]:
    low, high = np.quantile(observed, (0.01, 0.99)) if between is None else map(float, between)
    if not low < high:
        raise ValueError(f"between: ({low:g}, {high:g}) must be two numbers that increase")
    return float(low), float(high)


def _relative(model: Tested, L: np.ndarray, conf_level: float) -> pd.DataFrame:
    """Estimates of the rows; at the reference itself 1 or 0 without error."""
    differs = (L != 0).any(axis=1)
    found = scaled_rows(model.coefficients.combine(L[differs]), model.is_ratio, conf_level)
    rows = found.set_index(np.flatnonzero(differs)).reindex(range(len(L)))
    rows.loc[~differs, ["estimate", "conf_low", "conf_high"]] = 1.0 if model.is_ratio else 0.0
    rows.loc[~differs, "coef"] = 0.0
    return rows


def _tests(
    model: Tested, X: np.ndarray, x: np.ndarray
) -> tuple[dict[str, float], dict[str, float], list[str]]:
    """Is X b constant over x, and is it linear in x? What a constant, and a line, leave of the columns must be 0."""
    ones = np.ones(len(x))
    constant, line = ones[:, None], np.column_stack([ones, (x - x.mean()) / x.std()])
    scale = X.std(axis=0)
    scale = np.where(scale > NEGLIGIBLE * np.abs(X).max(axis=0), scale, 1.0)
    overall, curved = (_row_space(X / scale, part) / scale for part in (constant, line))
    if not len(curved):
        note = "The model has a straight line of the variable: there is no nonlinearity to test."
        return _test(model, overall), _untested(), [note]
    if len(curved) == len(overall):
        note = "The curve of the model has no straight line as a special case: nonlinearity is not tested."
        return _test(model, overall), _untested(), [note]
    return _test(model, overall), _test(model, curved), []


def _row_space(X: np.ndarray, part: np.ndarray) -> np.ndarray:
    """An orthonormal basis of the combinations of columns of X that `part` does not account for."""
    left = X - part @ np.linalg.lstsq(part, X, rcond=None)[0]
    _, size, basis = np.linalg.svd(left, full_matrices=False)
    largest = np.abs(X - X.mean(axis=0)).max(initial=0.0)
    return basis[size > NEGLIGIBLE * max(largest, size.max(initial=0.0), 1e-300)]


def _test(model: Tested, L: np.ndarray) -> dict[str, float]:
    found = model.coefficients.wald(L)
    return {"statistic": found.statistic, "df": found.df, "df_denominator": found.df_denominator,
            "p_value": found.p_value}  # fmt: skip


def _untested() -> dict[str, float]:
    return {"statistic": np.nan, "df": 0, "df_denominator": np.nan, "p_value": np.nan}
