"""One model an exposure and adjustment set: its formula, its fit (pooled over imputed data sets), its rows and tests."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from ..design import Column, level_text, variables_of
from ..estimates import FittedModel
from ..missing.pool import pool
from ..missing.pooled import PooledEstimates
from ..survival.cox import cox
from .contrast import scores_of
from .hypotheses import tested
from .linear import linear
from .logistic import logistic
from .poisson import poisson
from .prevalence_ratio import modified_poisson
from .risk_difference import risk_difference

Fit = FittedModel | PooledEstimates

MODELS: dict[str, Callable[..., FittedModel]] = {
    "OR": logistic,
    "PR": modified_poisson,
    "RR": modified_poisson,
    "RD": risk_difference,
    "IRR": poisson,
    "HR": cox,
    "difference": linear,
}
NO_YES = {"0": "no", "1": "yes", "False": "no", "True": "yes"}


@dataclass(frozen=True)
class Exposure:
    """An exposure as a term of a formula. `levels` are those printed, none of a number; `scores` those of a trend over them."""

    name: str
    formula: str
    levels: tuple[str, ...] = ()
    is_dichotomy: bool = False
    per: str = ""
    scores: Mapping[Any, float] | None = None


@dataclass(frozen=True, eq=False)
class Fitting:
    """What all models share: the data sets (one, or imputed ones), and the arguments of the model."""

    datasets: Sequence[pd.DataFrame]
    is_imputed: bool
    outcome: str
    measure: str
    arguments: Mapping[str, Any]

    def fit(self, terms: Sequence[str]) -> Fit:
        right = " + ".join(terms)
        formula = right if self.measure == "HR" else f"{quoted(self.outcome)} ~ {right}"
        fits = [MODELS[self.measure](formula, data, **self.arguments) for data in self.datasets]
        return pool(fits) if self.is_imputed else fits[0]


@dataclass(frozen=True, eq=False)
class Answer:
    """What is known of one exposure in one model; `fit` is None where it could not be fitted."""

    exposure: Exposure
    fit: Fit | None
    rows: pd.DataFrame
    tests: tuple[Mapping[str, Any], ...]
    notes: tuple[str, ...]


def answer(fitting: Fitting, exposure: Exposure, covariates: Sequence[str], modifier: str | None) -> Answer:
    """Fit the exposure with the covariates, and test it; `modifier` is the variable of the interaction."""
    try:
        fit = fitting.fit(_terms(exposure, covariates))
    except ValueError as problem:
        return Answer(
            exposure, None, _empty_rows(exposure, fitting.measure), (), (f"not fitted: {problem}.",)
        )
    tests = [{"test": "all", **_wald(fit, {exposure.name})}]
    # rows left out are counted for all models together
    notes = [note for note in fit.notes if not note.startswith(tuple(fit.design.notes))]
    if exposure.scores is not None:
        try:
            tests.append(_trend(fitting, exposure, covariates))
        except ValueError as problem:
            notes.append(f"trend not fitted: {problem}.")
    if modifier not in (None, exposure.name):
        assert modifier is not None
        try:
            tests.append(_interaction(fitting, exposure, covariates, modifier))
        except ValueError as problem:
            notes.append(f"interaction with {modifier} not fitted: {problem}.")
    notes += [f"no test of {test['test']}: no finite estimate, or too few clusters or sampling units."
              for test in tests if np.isnan(test["p_value"])]  # fmt: skip
    return Answer(exposure, fit, _rows(fit, exposure, fitting.measure), tuple(tests), tuple(notes))


def quoted(name: str) -> str:
    """A column name as a formula reads it."""
    return name if name.isidentifier() else f"`{name}`"


def read_exposure(
    name: str, datasets: Sequence[pd.DataFrame], per: float | str | None, scores: Any, *, has_trend: bool
) -> Exposure:
    """How an exposure enters the formula.

    Parameters
    ----------
    per : float or {"SD", "IQR", "doubling"}, optional
        Step of a number: of imputed data the mean SD or IQR.
    scores : optional
        Of the levels, for the trend.
    has_trend : bool
        Whether a trend over the levels is asked for.
    """
    values = datasets[0][name]
    text = quoted(name)
    is_bool = pd.api.types.infer_dtype(values, skipna=True) == "boolean"
    is_number = pd.api.types.is_numeric_dtype(values.dtype) and not is_bool
    if is_bool or (is_number and per is None and set(values.dropna().unique()) <= {0, 1}):
        levels = tuple(dict.fromkeys(NO_YES[level_text(v)] for v in sorted(values.dropna().unique())))
        return Exposure(name, f"C({text})", levels, is_dichotomy=True)
    if is_number:
        if has_trend:
            raise ValueError(f"trend: '{name}' is a number, not a category: its row is the trend")
        if per is None:
            return Exposure(name, text)
        if per == "doubling":
            return Exposure(name, f"log2({text})", per="doubling")
        step = float(np.mean([_step(data[name], per) for data in datasets]))
        shown = f"{per} ({step:.3g})" if isinstance(per, str) else f"{step:.15g}"
        return Exposure(name, f"I({text} / {step!r})", per=shown)
    if per is not None:
        raise ValueError(f"per: '{name}' is a category, it has levels and no step")
    known = _known_levels(values)
    levels = tuple(level_text(level) for level in known)
    if not has_trend or len(known) < 3:  # the trend over two levels is their difference
        return Exposure(name, text, levels)
    return Exposure(name, text, levels, scores=dict(zip(known, scores_of(known, scores), strict=True)))


def _known_levels(values: pd.Series) -> list[Any]:
    """The levels of a category that occur, in their order."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        return [level for level in values.cat.categories if (values == level).any()]
    return sorted(values.dropna().astype(str).unique())


def _step(values: pd.Series, per: float | str) -> float:
    known = values.dropna().to_numpy(float)
    if per == "SD":
        step = known.std(ddof=1)
    elif per == "IQR":
        step = np.subtract(*np.quantile(known, [0.75, 0.25]))
    elif isinstance(per, str):
        raise ValueError(f"per: '{per}' of '{values.name}' is unknown: a number, 'SD', 'IQR' or 'doubling'")
    else:
        step = per
    if not (np.isfinite(step) and step > 0):
        raise ValueError(f"per: the step of '{values.name}' is {step:g}, it must be above 0")
    return float(step)


def _terms(exposure: Exposure, covariates: Sequence[str]) -> list[str]:
    """The right-hand side: the exposure, and the covariates that are not the exposure itself."""
    return [exposure.formula, *(term for term in covariates if variables_of(term) != [exposure.name])]


def _rows(fit: Fit, exposure: Exposure, measure: str) -> pd.DataFrame:
    """The rows of the exposure in the table of its model."""
    own = {column.term for column in _columns(fit, {exposure.name})}
    rows = fit.table[fit.table["term"].isin(own)].assign(term=exposure.name, measure=measure)
    if exposure.is_dichotomy:
        rows = rows.assign(level=rows["level"].map(NO_YES), reference=rows["reference"].map(NO_YES))
    return rows


def _empty_rows(exposure: Exposure, measure: str) -> pd.DataFrame:
    levels = exposure.levels or (None,)
    return pd.DataFrame({"term": exposure.name, "level": list(levels), "measure": measure})


def _trend(fitting: Fitting, exposure: Exposure, covariates: Sequence[str]) -> dict[str, Any]:
    """The slope of the score, which stands in the model in the place of the category."""
    name = exposure.name
    scored = [
        data.assign(**{name: data[name].map(exposure.scores).astype(float)}) for data in fitting.datasets
    ]
    terms = _terms(replace(exposure, formula=quoted(name)), covariates)
    table = replace(fitting, datasets=scored).fit(terms).table
    row = table[table["term"] == name].iloc[0]
    return {"test": "trend", "estimate": row["estimate"], "statistic": row["statistic"], "df": 1,
            "df_denominator": row.get("df", np.inf), "p_value": row["p_value"]}  # fmt: skip


def _interaction(
    fitting: Fitting, exposure: Exposure, covariates: Sequence[str], modifier: str
) -> dict[str, Any]:
    """Test of the product of the exposure with another variable, which is coded as in the covariates."""
    terms = _terms(exposure, covariates)
    own = [term for term in terms if variables_of(term) == [modifier]]
    if not own:
        own = [quoted(modifier)]
        terms += own
    fit = fitting.fit([*terms, *(f"{exposure.formula}:{term}" for term in own)])
    return {"test": f"interaction with {modifier}", **_wald(fit, {exposure.name, modifier})}


def _wald(fit: Fit, variables: set[str]) -> dict[str, Any]:
    """Wald test that the coefficients of the term of these variables are all 0, as `term_tests` has it."""
    columns = fit.design.columns
    chosen = [i for i, column in enumerate(columns) if column in _columns(fit, variables)]
    found = tested(fit, "risk_factors").coefficients.wald(np.eye(len(columns))[chosen])
    return {"statistic": found.statistic, "df": found.df, "df_denominator": found.df_denominator,
            "p_value": found.p_value}  # fmt: skip


def _columns(fit: Fit, variables: set[str]) -> list[Column]:
    return [column for column in fit.design.columns if set(column.variables) == variables]
