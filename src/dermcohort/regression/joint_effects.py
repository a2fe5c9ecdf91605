"""The effect of each combination of two exposures in a fitted model, against one combination.

They are contrasts of the coefficients: rows of the design matrix that differ in the two exposures only.
"""

from __future__ import annotations

import itertools
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import t

from ..design import binary_outcome, level_text, still_moving
from ..estimates import FittedModel
from ..survival.cox import CoxFit
from ..wording import suggest
from .conditional_logistic import ConditionalLogisticFit
from .counterfactual import refuse_pooled
from .covariance import FittedRows
from .gee import GeeFit
from .glm import GLMFit
from .maximize import maximize
from .mixed import MixedFit
from .outcomes import count

RATIOS = ("OR", "PR", "IRR", "HR")

Levels = tuple[list[Any], list[Any]]
Place = tuple[int, int]


@dataclass(frozen=True, eq=False)
class JointEffects:
    """Two exposures in a model.

    Parameters
    ----------
    names : tuple of str
        The exposures a and b.
    levels : pair of list
        Their levels, the reference first. A place (i, j) is the i-th level of a with the j-th of b.
    measure : str
        What the ratios are called.
    counts : ndarray of float64, shape (levels of a, levels of b, 2)
        Rows and events at each place.
    contrasts : ndarray of float64, shape (levels of a, levels of b, p)
        Times the coefficients: the log effect of each place against the reference.
    coefficients, covariance : ndarray of float64, shapes (p,) and (p, p)
    df : float
        Degrees of freedom of t, infinite for the normal distribution.
    """

    names: tuple[str, str]
    levels: Levels
    measure: str
    counts: np.ndarray
    contrasts: np.ndarray
    coefficients: np.ndarray
    covariance: np.ndarray
    df: float

    @property
    def empty(self) -> np.ndarray:
        """Places whose effect is not finite: no event, or nothing but events where odds are compared."""
        n, events = self.counts[..., 0], self.counts[..., 1]
        return (events == 0) | ((events == n) & (self.measure == "OR"))

    @property
    def lowest(self) -> Place:
        """The place of lowest risk."""
        values = np.where(self.empty, np.inf, self.contrasts @ self.coefficients)
        i, j = np.unravel_index(int(values.argmin()), values.shape)
        return int(i), int(j)

    def level_at(self, place: Place) -> tuple[str, str]:
        """The levels at a place, as text."""
        return level_text(self.levels[0][place[0]]), level_text(self.levels[1][place[1]])

    def named(self, place: Place) -> str:
        """``smoke = yes and drink = no``."""
        return " and ".join(
            f"{name} = {level}" for name, level in zip(self.names, self.level_at(place), strict=True)
        )

    def between(self, one: Place, other: Place, conf_level: float) -> list[float]:
        """Ratio of two places, its Wald limits and p-value; NaN where either has no effect."""
        if self.empty[one] or self.empty[other]:
            return [np.nan] * 4
        contrast = self.contrasts[one] - self.contrasts[other]
        value, variance = contrast @ self.coefficients, contrast @ self.covariance @ contrast
        std_error = np.sqrt(variance)
        half = t.ppf(0.5 + conf_level / 2, self.df) * std_error
        p = 2 * t.sf(abs(value) / std_error, self.df)
        return [*map(float, np.exp([value, value - half, value + half])), float(p)]


def joint_effects(
    fit: FittedModel, a: str, b: str, reference: tuple[Hashable, Hashable] | None
) -> JointEffects:
    """Read the two exposures from a fit; refuse one in which they do not interact, or not alone."""
    measure = _check(fit, a, b)
    levels = _levels(fit.design, a, b, reference)
    return JointEffects(
        names=(a, b),
        levels=levels,
        measure=measure,
        counts=_cells(fit, a, b, levels),
        contrasts=_contrasts(fit, a, b, levels),
        coefficients=fit.coefficients.to_numpy(),
        covariance=fit.covariance.to_numpy(),
        df=_smallest_df(fit, a, b),
    )


def resampled(rows: FittedRows, resamples: int, rng: np.random.Generator) -> np.ndarray:
    """Coefficients of fits on resampled rows or clusters, (resamples, p); NaN where there is no finite maximum."""
    arrays = rows.arrays
    unit = np.arange(len(arrays.y)) if arrays.cluster is None else arrays.cluster
    n_units = int(unit.max()) + 1
    draws = np.full((resamples, arrays.X.shape[1]), np.nan)
    for k in range(resamples):
        times = rng.multinomial(n_units, np.full(n_units, 1 / n_units))[unit]
        drawn = times > 0
        found = maximize(
            arrays.X[drawn],
            arrays.y[drawn],
            rows.family,
            (arrays.weights * times)[drawn],
            arrays.offset[drawn],
            rows.maximum.coefficients,
        )
        if found.converged and not still_moving(arrays.X, found.last_step).any():
            draws[k] = found.coefficients
    return draws


def _check(fit: FittedModel, a: str, b: str) -> str:
    """The name of the model's ratios."""
    refuse_pooled(fit, "interaction")
    if not isinstance(fit, GLMFit | CoxFit | GeeFit | MixedFit | ConditionalLogisticFit):
        raise TypeError(
            "fit must be a logistic, log_binomial, modified_poisson, poisson, cox, gee, mixed or conditional_logistic fit, "
            f"it is {type(fit).__name__}"
        )
    if fit.design is None:
        raise ValueError("interaction: these estimates were loaded from a file; fit the model again")
    measure = str(fit.table["measure"].iloc[0]) if len(fit.table) else ""
    if measure not in RATIOS:
        raise ValueError(
            f"interaction: the effects of this model are no ratios ({measure}); fit one of OR, PR, IRR or HR"
        )
    variables = fit.design.variables
    for argument, name in (("a", a), ("b", b)):
        if name not in variables:
            raise ValueError(f"{argument}: '{name}' is not in the model.{suggest(name, variables)}")
    terms = [{str(v) for v in used} & set(variables) for used in fit.design.spec.term_variables.values()]
    if a == b or {a, b} not in terms:
        raise ValueError(f"interaction: the model has no interaction of '{a}' and '{b}'; write {a} * {b}")
    if isinstance(fit, ConditionalLogisticFit):  # its sets may separate what no empty cell shows
        infinite = fit.table.loc[fit.table["std_error"].isna() & fit.table["conf_low"].notna(), "term"]
        for term in infinite:
            if set(str(term).split(":")) <= {a, b}:
                raise ValueError(f"interaction: the effect of '{term}' has no finite estimate")
    for used in terms:
        if used & {a, b} and used - {a, b}:
            raise ValueError(
                f"interaction: the effect of '{a}' and '{b}' differs by {', '.join(sorted(used - {a, b}))}, "
                "so there is no one measure; fit the model within its levels"
            )
    return measure


def _levels(frame: Any, a: str, b: str, reference: tuple[Hashable, Hashable] | None) -> Levels:
    """The levels of a and of b, the reference first."""
    if reference is not None and (isinstance(reference, str) or len(reference) != 2):
        raise ValueError("reference must be a level of a and a level of b")
    both = []
    for k, name in enumerate((a, b)):
        values = frame.frame[name]
        if isinstance(values.dtype, pd.CategoricalDtype):
            found = [level for level in values.cat.categories if (values == level).any()]
        else:
            found = sorted(values.unique())
            if len(found) > 2 and f"C({name})" not in map(str, frame.spec.factors):
                raise ValueError(f"'{name}' has {len(found)} values: make it a category, or write C({name})")
        own = next((c.reference for c in frame.columns if c.term == name and c.reference), None)
        first = level_text(found[0]) if own is None else own
        if reference is not None:
            first = level_text(reference[k])
        texts = [level_text(level) for level in found]
        if first not in texts:
            raise ValueError(f"reference: '{name}' has no level {first}; it has {', '.join(texts)}")
        place = texts.index(first)
        both.append([found[place], *found[:place], *found[place + 1 :]])
    return both[0], both[1]


def _contrasts(fit: FittedModel, a: str, b: str, levels: Levels) -> np.ndarray:
    """Rows of the design matrix of each combination, other covariates held, minus that of the reference."""
    frame = fit.design.frame
    combinations = list(itertools.product(*levels))
    newdata = frame.iloc[[0] * len(combinations)].reset_index(drop=True)
    for k, name in enumerate((a, b)):
        newdata[name] = pd.Series([pair[k] for pair in combinations], dtype=frame[name].dtype)
    rows = fit.design.matrix_for(newdata).to_numpy()
    contrasts = rows - rows[0]
    if np.linalg.matrix_rank(contrasts) < len(combinations) - 1:
        raise ValueError(
            f"interaction: the model has fewer effects of '{a}' and '{b}' than they have combinations; "
            f"write {a} * {b}"
        )
    return contrasts.reshape(len(levels[0]), len(levels[1]), -1)


def _cells(fit: FittedModel, a: str, b: str, levels: Levels) -> np.ndarray:
    """Rows and events of each combination, shape (levels of a, of b, 2)."""
    frame = fit.design.frame
    event = _events(fit)
    inside = [
        [frame[name].to_numpy() == level for level in found]
        for name, found in zip((a, b), levels, strict=True)
    ]
    return np.array([[[(p & q).sum(), event[p & q].sum()] for q in inside[1]] for p in inside[0]])


def _events(fit: FittedModel) -> np.ndarray:
    """Events of each row, from the model or from the column that its formula names."""
    if isinstance(fit, GLMFit) and fit.rows is not None:
        return fit.rows.arrays.y
    name = fit.event if isinstance(fit, CoxFit) else fit.design.outcome
    if name not in fit.design.frame:
        raise ValueError(f"interaction: make '{name}' a column of the data, to count its events")
    values = fit.design.frame[name]
    return count(values, name) if fit.table["measure"].iloc[0] == "IRR" else binary_outcome(values, name)


def _smallest_df(fit: FittedModel, a: str, b: str) -> float:
    """The smallest degrees of freedom of the coefficients of a and b; those of a survey are all the same."""
    if "df" not in fit.table:
        return np.inf
    inside = fit.table["term"].map(lambda term: set(str(term).split(":")) <= {a, b})
    return float(fit.table.loc[inside, "df"].min())
