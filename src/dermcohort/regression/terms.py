"""Tests of the terms of a model: is there any difference between the levels, is the curve a line, is there interaction?

`term_tests` by Wald's statistic, for every model and every variance; `likelihood_ratio_test` of two nested models.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn

import numpy as np
import pandas as pd
from scipy.stats import chi2

from ..design import Column, Design
from ..estimates import Estimates, FittedModel
from ..missing.pooled import PooledEstimates
from ..tables import format_number, format_p
from .hypotheses import Fitted, Tested, tested
from .mixed_linear import MixedLinearFit

# of two nested models everything is the same but the formula
SAME = ("family", "offset", "groups", "quadrature", "time", "event", "entry", "strata", "weights", "ties")


@dataclass(frozen=True, eq=False, repr=False)
class TermTests(Estimates):
    """Tests of terms: `.table` has `term`, `test`, `statistic`, `df`, `df_denominator` (of F) and `p_value`."""

    def to_display(self, labels: Mapping[str, str] | None = None) -> pd.DataFrame:
        """The table as text in reading order, as `.gt()` shows it."""
        labels = labels or {}
        shown = pd.DataFrame({"": [labels.get(term, term) for term in self.table["term"]]})
        shown["Test"] = self.table["test"]
        by_f = "df_denominator" in self.table
        shown["F" if by_f else "Chi-squared"] = [format_number(v, 2) for v in self.table["statistic"]]
        shown["df"] = [f"{df}" for df in self.table["df"]]
        if by_f:
            shown["df"] += [f", {format_number(df, 1)}" for df in self.table["df_denominator"]]
        return shown.assign(p=[format_p(p) for p in self.table["p_value"]])

    def plot(self, *args: object, **kwargs: object) -> NoReturn:
        """Refuses: a test has no interval to draw."""
        raise ValueError("plot: tests have no estimates to draw; plot the model, or its dose_response")


def term_tests(fit: Estimates) -> TermTests:
    """Wald tests that all coefficients of a term are 0, a row a term.

    Parameters
    ----------
    fit : FittedModel or PooledEstimates
        Any regression of this package (logistic ... cox, gee, mixed) with any variance, or one pooled by
        `missing.pool`.

    Returns
    -------
    TermTests
        Of a multinomial model the coefficients of all categories together. Column `test` says of what: "all" coefficients of the term; "nonlinear", those of a spline `rcs` or polynomial
        `poly` but the first; and of a term that is part of interactions "with interactions" and "nonlinear with
        interactions", its own coefficients and theirs together: with main effects and interactions in the formula the test
        that does not depend on how the other variables are coded. The row of the interaction itself is its test. `statistic` is chi-squared; or F with
        `df_denominator` where the model's intervals are by t: least squares, survey designs, CR2, pooled fits.

    Raises
    ------
    TypeError
        For estimates that are not those of a model.
    ValueError
        For a model loaded from a file.

    Notes
    -----
    Equal to anova of R's rms (chi-squared, and F of `ols`), regTermTest of survey (F), Wald_test of clubSandwich (CR2:
    test HTZ) and mice::D1. Cox regression with a survey design has normal intervals and chi-squared tests here, where
    regTermTest takes F with the design's degrees of freedom. A mixed linear model has degrees of freedom a
    coefficient: for several together the smallest is taken, and noted.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> data = pd.DataFrame({"age": rng.uniform(20, 80, 400), "sex": rng.choice(["f", "m"], 400)})
    >>> data["itch"] = rng.random(400) < 1 / (1 + np.exp((data["age"] - 50) / 10))
    >>> from dermcohort.regression import logistic
    >>> term_tests(logistic("itch ~ rcs(age, knots=3) + sex", data)).table.round(3)
                    term       test  statistic  df  p_value
    0  rcs(age, knots=3)        all    107.654   2    0.000
    1  rcs(age, knots=3)  nonlinear      1.388   1    0.239
    2                sex        all      4.221   1    0.040
    """
    model = tested(fit, "term_tests", several_equations=True)
    rows, unavailable = [], []
    p = len(model.design.columns)
    identity = np.eye(p * model.equations)
    for term, test, chosen in _hypotheses(model.design.columns):
        places = [i + p * equation for equation in range(model.equations) for i in chosen]
        found = model.coefficients.wald(identity[places])
        rows.append({"term": term, "test": test, "statistic": found.statistic, "df": found.df,
                     "df_denominator": found.df_denominator, "p_value": found.p_value})  # fmt: skip
        if np.isnan(found.p_value):
            unavailable.append(term)
    if not rows:
        raise ValueError("term_tests: the model has no term but the intercept")
    table = pd.DataFrame(rows)
    if not model.coefficients.by_f:
        table = table.drop(columns="df_denominator")
    notes = list(model.notes)
    if unavailable:
        notes.append(
            f"No test of {', '.join(dict.fromkeys(unavailable))}: no finite estimate, or fewer clusters or sampling "
            "units than coefficients."
        )
    return TermTests(
        table=table,
        method=_method(model),
        n=fit.n,
        events=fit.events,
        n_missing=fit.n_missing,
        notes=tuple(notes),
        conf_level=fit.conf_level,
    )


def _hypotheses(columns: Sequence[Column]) -> Iterator[tuple[str, str, list[int]]]:
    """Term, what is tested, and the places of the coefficients."""
    for term in dict.fromkeys(column.term for column in columns if column.name != "Intercept"):
        own = [i for i, column in enumerate(columns) if column.term == term]
        factors = set(columns[own[0]].factors)
        higher = [i for i, column in enumerate(columns) if factors < set(column.factors)]
        for suffix, chosen in (("", own), (" with interactions", own + higher if higher else [])):
            curved = [i for i in chosen if factors & set(columns[i].nonlinear_in)]
            if chosen:
                yield term, suffix.strip() or "all", chosen
            if curved:
                yield term, f"nonlinear{suffix}", curved


def _method(model: Tested) -> str:
    if not isinstance(model.coefficients, Fitted):
        return "Wald tests of terms, pooled over imputed data sets (D1 of Li, Raghunathan and Rubin)."
    if not model.coefficients.by_f:
        return "Wald tests of terms (chi-squared)."
    if model.coefficients.joint_df is not None:
        return "Wald tests of terms (Hotelling's T-squared with the degrees of freedom of Pustejovsky and Tipton)."
    return "Wald tests of terms (F)."


def likelihood_ratio_test(fit: FittedModel, smaller: FittedModel) -> TermTests:
    """Likelihood ratio test of the terms that `fit` has and `smaller` has not.

    Parameters
    ----------
    fit, smaller : FittedModel
        The same model fitted on the same rows, every column of the smaller design determined by those of the larger.
        Weights are allowed where they are frequencies (``robust=False``).

    Returns
    -------
    TermTests
        One row: `term` the terms left out, `statistic` twice the difference of the log-likelihoods, `df` the
        difference of the numbers of coefficients.

    Raises
    ------
    TypeError
        For what is not two fitted models of one kind; pooled fits have `term_tests`.
    ValueError
        For models that are not nested, were fitted on other rows (missing values of a term that only one of them has),
        or whose likelihood is not that of the data: robust variance, survey designs, GEE, REML.

    Notes
    -----
    Equal to anova(smaller, fit, test="LRT") of R's glm and coxph; of least squares, with the variance estimated by
    maximum likelihood, to lmtest::lrtest.

    Examples
    --------
    >>> data = pd.DataFrame({"case": [0, 0, 1, 0, 1, 1, 1, 0], "exposed": [0, 0, 0, 0, 1, 1, 1, 1],
    ...                      "age": [30, 40, 50, 60, 30, 40, 50, 60]})
    >>> from dermcohort.regression import logistic
    >>> found = likelihood_ratio_test(logistic("case ~ exposed + age", data), logistic("case ~ age", data))
    >>> found.table.round(3)
          term test  statistic  df  p_value
    0  exposed  all      2.237   1    0.135
    """
    for name, model in (("fit", fit), ("smaller", smaller)):
        _require_likelihood(model, name)
    if type(fit) is not type(smaller):
        raise TypeError(f"smaller is {type(smaller).__name__}, fit is {type(fit).__name__}: not nested")
    _require_nested(fit, smaller)
    terms, kept = _terms(fit.design), _terms(smaller.design)
    statistic = max(2 * (fit.loglik - smaller.loglik), 0.0)
    df = len(fit.coefficients) - len(smaller.coefficients)
    left_out = [term for term in terms if term not in kept]
    row = {"term": ", ".join(left_out), "test": "all", "statistic": statistic, "df": df,
           "p_value": float(chi2.sf(statistic, df))}  # fmt: skip
    return TermTests(
        table=pd.DataFrame([row]),
        method="Likelihood ratio test of nested models.",
        n=fit.n,
        events=fit.events,
        n_missing=fit.n_missing,
        conf_level=fit.conf_level,
    )


def _terms(design: Design) -> list[str]:
    return list(dict.fromkeys(column.term for column in design.columns))


def _require_likelihood(fit: FittedModel, name: str) -> None:
    if isinstance(fit, PooledEstimates):
        raise TypeError("likelihood_ratio_test: pooled fits have no likelihood: use term_tests (D1)")
    if not isinstance(fit, FittedModel):
        raise TypeError(f"likelihood_ratio_test: {name} is {type(fit).__name__}, not a fitted model")
    if fit.design is None:
        raise ValueError(f"likelihood_ratio_test: {name} was loaded from a file; fit the model again")
    reason = {
        None: "",
        "survey": "a survey design",
        "GEE": "GEE",
        "penalty": "a penalty",
        "least squares": "least squares at each event",
    }.get(fit.robust, f"robust variance ({fit.robust})")
    if isinstance(fit, MixedLinearFit):
        reason = "REML, whose likelihoods with other fixed effects cannot be compared"
    if reason:
        raise ValueError(
            f"likelihood_ratio_test: {name} was fitted with {reason}: its likelihood is not that of the data. Use the "
            "Wald test: term_tests"
        )


def _require_nested(fit: FittedModel, smaller: FittedModel) -> None:
    large, small = fit.design, smaller.design
    if not large.frame.index.equals(small.frame.index):
        raise ValueError(
            f"likelihood_ratio_test: fit has {fit.n:,} rows, smaller {smaller.n:,}, and they must be the same: give "
            "both the rows complete in all variables, data.dropna(subset=[...])"
        )
    shared = [column for column in large.frame if column in small.frame]
    beside = set(large.frame) - set(large.variables), set(small.frame) - set(small.variables)
    changed = [c for c in shared if not large.frame[c].equals(small.frame[c])]
    differ = [name for name in SAME if getattr(fit, name, None) != getattr(smaller, name, None)]
    if large.outcome != small.outcome or beside[0] != beside[1] or changed or differ:
        what = ", ".join([*differ, *changed]) or "outcome, weights or offset"
        raise ValueError(
            f"likelihood_ratio_test: the models must be the same but for their terms; {what} differ"
        )
    # a constant belongs to both: the intercept, or the baseline hazard
    ones = np.ones((len(large.frame), 1))
    X, Z = np.hstack([ones, large.matrix]), np.hstack([ones, small.matrix])
    size = np.sqrt((X**2).sum(axis=0))
    left = Z - X / size @ np.linalg.lstsq(X / size, Z, rcond=None)[0]
    outside = (left**2).sum(axis=0) > 1e-16 * (Z**2).sum(axis=0)
    if outside.any() or len(small.columns) >= len(large.columns):
        names = [small.names[i] for i in np.flatnonzero(outside[1:])]
        detail = f"{', '.join(names)} is not in fit" if names else "smaller has as many coefficients as fit"
        raise ValueError(f"likelihood_ratio_test: the models are not nested: {detail}")
