"""Tests of the terms of a model: is there any difference between the levels, is the curve a line, is there interaction?

`term_tests` by Wald's statistic, for every model and every variance.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn

import numpy as np
import pandas as pd

from ..design import Column
from ..estimates import Estimates
from ..tables import format_number, format_p
from .hypotheses import Fitted, Tested, tested


@dataclass(frozen=True, eq=False, repr=False)
class TermTests(Estimates):
    """Tests of terms: `.table` has `term`, `test`, `statistic`, `df`, `df_denominator` (of F) and `p_value`."""

    def to_display(self, labels: Mapping[str, str] | None = None) -> pd.DataFrame:
        """The table as text in reading order, as `.gt()` shows it."""
        names = self._labels(labels)
        shown = pd.DataFrame({"": [names.word(term) for term in self.table["term"]]})
        shown[names.word("Test")] = [names.word(test) for test in self.table["test"]]
        by_f = "df_denominator" in self.table
        shown[names.word("F" if by_f else "Chi-squared")] = [
            self.marks.get((i, "statistic")) or format_number(v, 2)
            for i, v in enumerate(self.table["statistic"])
        ]
        df = ["–" if pd.isna(df) else f"{df:g}" for df in self.table["df"]]
        if by_f:
            below = [format_number(one, 1) for one in self.table["df_denominator"]]
            df = [f"{one}, {other}" for one, other in zip(df, below, strict=True)]
        p = [format_p(p) for p in self.table["p_value"]]
        return shown.assign(**{names.word("df"): df, names.word("p"): p})

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
