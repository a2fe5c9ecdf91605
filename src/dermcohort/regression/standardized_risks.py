"""Risks as they would be if everyone had one level of an exposure (g-computation), their difference and ratio.

risk_a = sum_i w_i E[Y | a, x_i] / sum_i w_i, the model's expectation with the exposure of each row set to a. Source:
Greenland (1991) Stat Med 10:1069; Hernan & Robins (2020) Causal Inference, ch. 13. Variances: Sjolander (2016) Eur J
Epidemiol 31:563 (R's stdReg), and the delta method of R's marginaleffects.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..variance import Replicates
from .counterfactual import compared_values, fitted_rows, level_name, matrix_with, outcome_of
from .covariance import FittedRows
from .effects import Effects, Uncertainty, contrast_table
from .families import Family
from .glm import GLMFit
from .resample import bootstrap


def standardized_risks(
    fit: GLMFit,
    exposure: str,
    *,
    values: Sequence[Any] | None = None,
    among: Any = None,
    ci: str = "delta",
    repeats: int = 1000,
    seed: int = 1,
    conf_level: float = 0.95,
) -> Effects:
    """Risk under each level of an exposure, averaged over the people of a fitted model (g-computation).

    Parameters
    ----------
    fit : GLMFit
        Of `logistic`, `log_binomial`, `modified_poisson`, `poisson` or `linear`, fitted in this session. Its complete
        rows are the population; its weights or survey design weight the average.
    exposure : str
        A variable of the model.
    values : sequence, optional
        Levels to compare, the reference first: ``("placebo", "drug")``, or of a number ``(20, 40)``. All levels of a
        category or of 0/1 where not given.
    among : optional
        Average over the people who have this value of the exposure: the effect among the exposed with ``among=1``,
        among the unexposed with ``among=0``. Over all where not given.
    ci : {"delta", "bootstrap"}
        How intervals are made; see Notes. The bootstrap draws rows, or the clusters of the fit, and refits the model.
    repeats, seed : int
        Bootstrap samples, and the seed of their random numbers.
    conf_level : float

    Returns
    -------
    Effects
        Rows of `measure` "risk", one a level, then "RD", "RR" and "NNT" of each level against the reference. For a count
        or a number the rows are "mean", "difference" and, of counts, "ratio". `coef` and `std_error` are on the scale of
        the interval: logit of a risk, log of a ratio.

    Raises
    ------
    ValueError
        For a variable or value the model does not have, a number without `values`, a fit read from a file, nobody
        with `among`, or a bootstrap of a survey design.

    Notes
    -----
    The delta method follows the variance of the fit. With the model's own variance the covariates of these people count
    as fixed: the result is for them (R's marginaleffects). With a robust, clustered or design-based variance it also
    counts that the people are a sample (R's stdReg; survey::svypredmeans leaves out that the average and the model are of
    the same people). HC3, CR2 and CR3 are defined for coefficients alone: with them the covariates count as fixed.

    NNT is 1 / RD, negative where the exposure makes cases less. Where the interval of RD holds 0, that of NNT is two
    pieces, which stand in `.notes`.

    Examples
    --------
    >>> data = pd.DataFrame({"ill": [0, 0, 0, 1, 0, 1, 1, 1] * 5, "exposed": [0, 0, 0, 0, 1, 1, 1, 1] * 5})
    >>> from dermcohort.regression import logistic
    >>> risks = standardized_risks(logistic("ill ~ exposed", data), "exposed")
    >>> risks.table[["level", "measure", "estimate"]].round(3)
      level measure  estimate
    0     0    risk      0.25
    1     1    risk      0.75
    2     1      RD      0.50
    3     1      RR      3.00
    4     1     NNT      2.00
    """
    rows = fitted_rows(fit, "fit")
    levels = compared_values(fit, exposure, values)
    if ci not in ("delta", "bootstrap"):
        raise ValueError(f"ci='{ci}' is unknown; choose delta or bootstrap")
    inside = _among(fit, exposure, among)
    matrices = [matrix_with(fit, **{exposure: level}) for level in levels]
    core = standardize(rows, matrices, inside)

    outcome = outcome_of(rows)
    notes: tuple[str, ...] = ()
    if ci == "bootstrap":
        draws, notes = bootstrap(core.of_weights, rows, repeats, seed)
        uncertainty = Uncertainty(conf_level, draws=draws)
    else:
        covariance = standardized_covariance(rows, core, fit.covariance.to_numpy())
        uncertainty = Uncertainty(conf_level, covariance, df=rows.df)
        notes = variance_notes(rows)
    names = [level_name(level) for level in levels]
    table, needed = contrast_table(exposure, names, core.means, uncertainty, outcome)
    people = "all" if among is None else f"those with {exposure} = {level_name(among)}"
    plural = "risks" if outcome.is_risk else "means"
    return Effects(
        table=table,
        method=f"Standardized {plural} by g-computation, averaged over {people} ({fit.method.rstrip('.')}); "
        f"{interval_words(rows, ci, repeats)}.",
        n=int(inside.sum()),
        events=round(rows.arrays.y[inside].sum()) if outcome.is_risk else None,
        n_missing=fit.n_missing,
        notes=(*fit.notes, *notes, *needed),
        conf_level=conf_level,
    )


@dataclass(frozen=True, eq=False)
class Standardized:
    """Averages (K,), their influence (n, K) with the model's coefficients known, and their gradient (K, p) in those.

    `of_weights` is the whole calculation, the fit included, as a function of the weights of the rows.
    """

    means: np.ndarray
    of_people: np.ndarray
    gradient: np.ndarray
    of_weights: Callable[[np.ndarray], np.ndarray]


def standardize(rows: FittedRows, matrices: Sequence[np.ndarray], inside: np.ndarray) -> Standardized:
    """Average what the model expects with each design matrix over the rows `inside`."""
    arrays, family, beta = rows.arrays, rows.family, rows.maximum.coefficients
    share = arrays.weights * inside
    share = share / share.sum()
    expected = [family.mean(X @ beta + arrays.offset) for X in matrices]
    means = np.array([share @ mu for mu in expected])

    def of_weights(weights: np.ndarray) -> np.ndarray:
        return averages(family, matrices, arrays.offset, rows.refit(weights), weights * inside)

    return Standardized(
        means,
        np.column_stack([share * (mu - mean) for mu, mean in zip(expected, means, strict=True)]),
        np.array([(share * family.slope(X @ beta + arrays.offset)) @ X for X in matrices]),
        of_weights,
    )


def averages(
    family: Family, matrices: Sequence[np.ndarray], offset: np.ndarray, beta: np.ndarray, weights: np.ndarray
) -> np.ndarray:
    """Weighted means of what the coefficients expect with each design matrix."""
    return np.array([weights @ family.mean(X @ beta + offset) for X in matrices]) / weights.sum()


def standardized_covariance(rows: FittedRows, core: Standardized, of_coefficients: np.ndarray) -> np.ndarray:
    """Of the averages: G V G' with V that of the coefficients, or from the influence of each row on both."""
    if not rows.by_influence or np.isnan(of_coefficients).any():
        return core.gradient @ of_coefficients @ core.gradient.T
    if isinstance(rows.sample, Replicates):
        return rows.sample.covariance(lambda weights: core.of_weights(weights[rows.used]))
    return rows.covariance(core.of_people + rows.influence @ core.gradient.T)


def variance_notes(rows: FittedRows) -> tuple[str, ...]:
    """What the delta method leaves out."""
    if rows.by_influence or rows.kind is None:
        return ()
    return (f"{rows.kind} is defined for coefficients: covariates count as fixed, intervals are normal.",)


def interval_words(rows: FittedRows, ci: str, repeats: int) -> str:
    """How the intervals were made, for the methods section."""
    if ci == "bootstrap":
        units = "rows" if rows.arrays.cluster is None else "clusters"
        return f"percentile intervals from {repeats:,} bootstrap samples of {units}"
    if rows.by_influence:
        return "delta-method intervals that count the sampling of people"
    return "delta-method intervals for the covariates of these people"


def _among(fit: GLMFit, exposure: str, among: Any) -> np.ndarray:
    column = fit.design.frame[exposure]
    if among is None:
        return np.ones(len(column), bool)
    inside = (column == among).to_numpy(bool)
    if not inside.any():
        raise ValueError(f"among: nobody has {exposure} = {among!r}")
    return inside
