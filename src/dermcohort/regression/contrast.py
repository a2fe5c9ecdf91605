"""Contrasts of a fitted model: any two levels of a category, any two rows of covariates, a trend over levels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from ..design import level_text
from ..estimates import Estimates, tidy
from .covariates import design_rows, levels_of, require_given, require_values
from .hypotheses import Tested, scaled_rows, tested


def contrast(
    fit: Estimates,
    variable: str | None = None,
    level: Any = None,
    reference: Any = None,
    *,
    at: Mapping[str, Any] | None = None,
    conf_level: float | None = None,
) -> Estimates:
    """Compare two levels of a variable, or two rows of covariates, within a fitted model.

    Parameters
    ----------
    fit : FittedModel or PooledEstimates
        Any regression of this package with any variance, or one pooled by `missing.pool`.
    variable : str, optional
        A variable of the formula.
    level, reference : optional
        Two levels of a categorical variable or two values of a number. Only `reference`: every other level against
        it. Neither: all pairs of levels.
    at : mapping of str to value, optional
        Values of the other variables, needed of those that interact with `variable`. Without `variable` the row of
        covariates that is compared with that of the mapping `reference`; what only one of them gives is the same in
        both, what neither gives cancels out.
    conf_level : float, optional
        That of the fit where None.

    Returns
    -------
    Estimates
        Odds, hazard, rate or prevalence ratios or differences as in the fit's table, with Wald intervals, by t where
        the fit's are.

    Raises
    ------
    TypeError
        For estimates that are not those of a model.
    ValueError
        For an unknown variable or level, or a comparison that depends on a variable that is not given.

    Examples
    --------
    >>> data = pd.DataFrame({"stage": list("ABCABCABCABC"), "age": [30, 41, 52, 60, 33, 47, 58, 62, 39, 44, 56, 66],
    ...                      "itch": [1.0, 2, 4, 2, 2, 5, 2, 3, 4, 1, 3, 6]})
    >>> from dermcohort.regression import linear
    >>> fit = linear("itch ~ stage + age", data)
    >>> contrast(fit, "stage", "C", "B").table[["term", "level", "reference", "measure", "estimate"]].round(3)
        term level reference     measure  estimate
    0  stage     C         B  difference      2.11
    >>> contrast(fit, at={"age": 60, "stage": "B"}, reference={"age": 50, "stage": "A"}).table["estimate"].round(3)
    0    1.465
    Name: estimate, dtype: float64
    """
    model = tested(fit, "contrast")
    pairs = (
        _rows(model, at, reference, level)
        if variable is None
        else _levels(model, variable, level, reference, at)
    )
    compared, baseline = ([pair[i] for pair in pairs] for i in (0, 1))
    L = design_rows(model.design, compared) - design_rows(model.design, baseline)
    if not (L != 0).any(axis=1).all():
        raise ValueError("contrast: the two sides are the same to the model")
    level_of_fit = fit.conf_level if conf_level is None else conf_level
    shown = (
        [variable] if variable is not None else [n for n in compared[0] if compared[0][n] != baseline[0][n]]
    )
    rows = pd.DataFrame(
        {
            "term": ", ".join(shown),
            "level": [_text(row, shown) for row in compared],
            "reference": [_text(row, shown) for row in baseline],
            "measure": model.measure,
        }
    )
    several = len(pairs) > 1
    return Estimates(
        table=tidy(rows.join(scaled_rows(model.coefficients.combine(L), model.is_ratio, level_of_fit))),
        method=_method(model, at if variable is not None else None),
        n=fit.n,
        events=fit.events,
        n_missing=fit.n_missing,
        notes=(
            *model.notes,
            *(
                (f"p-values are not adjusted for the number of comparisons ({len(pairs)}).",)
                if several
                else ()
            ),
        ),
        conf_level=level_of_fit,
    )


def trend_test(
    fit: Estimates,
    variable: str,
    scores: Mapping[Any, float] | pd.Series | Sequence[float] | None = None,
    *,
    at: Mapping[str, Any] | None = None,
    conf_level: float | None = None,
) -> Estimates:
    """Linear trend over the levels of a categorical variable of a fitted model.

    The slope of the levels' effects on their scores, sum_j c_j b_j / sum_j c_j^2 with c_j the score less the mean
    score and b_j the effect against the reference: the linear contrast of orthogonal polynomials. The other usual test,
    that of `risk_factors`, enters the score into the model in the place of the category.

    Parameters
    ----------
    fit, conf_level
        As for `contrast`.
    variable : str
        A categorical variable of the formula with its levels in order.
    scores : mapping of level to number, Series, or list, optional
        Such as the median exposure in each level, ``data.groupby("quintile")["cadmium"].median()``; 1, 2, 3 ... where
        not given.
    at : mapping, optional
        Values of the variables that interact with it.

    Returns
    -------
    Estimates
        One row, the ratio or difference per unit of the score, with its p-value.

    Raises
    ------
    ValueError
        As `contrast`, and for a variable that is a number or scores that do not fit its levels.

    Examples
    --------
    >>> data = pd.DataFrame({"stage": list("ABCABCABCABC"), "itch": [1.0, 2, 4, 2, 2, 5, 2, 3, 4, 1, 3, 6]})
    >>> from dermcohort.regression import linear
    >>> trend_test(linear("itch ~ stage", data), "stage").table[["estimate", "p_value"]].round(4)
       estimate  p_value
    0     1.625   0.0001
    """
    model = tested(fit, "trend_test")
    require_values(model.design, at or {}, "at")
    levels = _categories(model, variable, "trend_test")
    require_given(model.design, {variable}, at or {}, "trend_test")
    values = scores_of(levels, scores)
    effects = design_rows(model.design, [{**(at or {}), variable: level} for level in levels])
    centered = values - values.mean()
    L = (centered / (centered @ centered))[None] @ (effects - effects[0])
    level_of_fit = fit.conf_level if conf_level is None else conf_level
    row = pd.DataFrame({"term": [variable], "measure": model.measure})
    scored = ", ".join(f"{level_text(level)} {value:g}" for level, value in zip(levels, values, strict=True))
    return Estimates(
        table=tidy(row.join(scaled_rows(model.coefficients.combine(L), model.is_ratio, level_of_fit))),
        method=f"Linear trend over the levels of {variable} (scores: {scored}), per unit of the score, Wald test.",
        n=fit.n,
        events=fit.events,
        n_missing=fit.n_missing,
        notes=model.notes,
        conf_level=level_of_fit,
    )


Pair = tuple[dict[str, Any], dict[str, Any]]


def _levels(
    model: Tested, variable: str, level: Any, reference: Any, at: Mapping[str, Any] | None
) -> list[Pair]:
    """Pairs of rows that differ in one variable."""
    others = dict(at or {})
    if variable in others:
        raise ValueError(f"at: '{variable}' is what is compared: give level and reference")
    require_values(model.design, others, "at")
    if level is not None and reference is None:
        raise ValueError("contrast: level needs a reference")
    for argument, value in (("level", level), ("reference", reference)):
        if value is not None:
            require_values(model.design, {variable: value}, argument)
    if level is not None:
        chosen = [(level, reference)]
    else:
        levels = _categories(model, variable, "contrast")
        chosen = (
            [(second, first) for first, second in combinations(levels, 2)]
            if reference is None
            else [(other, reference) for other in levels if other != reference]
        )
    require_given(model.design, {variable}, others, "contrast")
    return [({**others, variable: a}, {**others, variable: b}) for a, b in chosen]


def _rows(model: Tested, at: Mapping[str, Any] | None, reference: Any, level: Any) -> list[Pair]:
    """One pair of rows."""
    if level is not None or not (isinstance(at, Mapping) and isinstance(reference, Mapping)):
        raise ValueError(
            "contrast: give a variable, contrast(fit, 'stage', 'III', 'II'), or two rows of covariates, "
            "contrast(fit, at={'age': 60}, reference={'age': 50})"
        )
    compared, baseline = {**reference, **at}, {**at, **reference}
    baseline = {name: baseline[name] for name in compared}
    require_values(model.design, compared, "at")
    require_values(model.design, baseline, "reference")
    varied = {name for name in compared if compared[name] != baseline[name]}
    if not varied:
        raise ValueError("contrast: at and reference are the same")
    require_given(model.design, varied, compared, "contrast")
    return [(compared, baseline)]


def _categories(model: Tested, variable: str, function: str) -> list[Any]:
    if variable not in model.design.variables:
        require_values(model.design, {variable: None}, function)
    levels = levels_of(model.design, variable)
    if levels is None:
        raise ValueError(
            f"{function}: '{variable}' is a number: give level and reference, or see dose_response"
        )
    return levels


def scores_of(levels: Sequence[Any], scores: Any) -> np.ndarray:
    """The score of each level: 1, 2, 3 ... where none are given."""
    if scores is None:
        return np.arange(1.0, len(levels) + 1)
    if isinstance(scores, Mapping | pd.Series):
        given = dict(scores)
        absent = [str(level) for level in levels if level not in given]
        if absent:
            raise ValueError(f"scores: no score for {', '.join(absent)}")
        scores = [given[level] for level in levels]
    values = np.asarray(scores, float)
    if values.shape != (len(levels),) or not np.isfinite(values).all() or np.ptp(values) == 0:
        raise ValueError(f"scores: {len(levels)} numbers that differ are needed, one a level, in their order")
    return values


def _text(row: Mapping[str, Any], names: Sequence[str]) -> str:
    return ", ".join(level_text(row[name]) for name in names)


def _method(model: Tested, at: Mapping[str, Any] | None) -> str:
    where = f", at {', '.join(f'{name} {level_text(value)}' for name, value in at.items())}" if at else ""
    return f"Contrasts of the coefficients of the model{where}, Wald intervals."
