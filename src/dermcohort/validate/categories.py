"""Outcomes with several categories and matched data (ids polr.*, multinom.*, clogit.*)."""

from __future__ import annotations

import pandas as pd

from ..regression import conditional_logistic, multinomial, ordinal
from .registry import ITERATIVE, Read, Values, errors, recomputes

LEVELS = {
    "Sat": ["Low", "Medium", "High"],
    "Infl": ["Low", "Medium", "High"],
    "Type": ["Tower", "Apartment", "Atrium", "Terrace"],
    "Cont": ["Low", "High"],
}


def _housing(read: Read) -> pd.DataFrame:
    data = read("housing")
    return data.assign(**{name: pd.Categorical(data[name], levels) for name, levels in LEVELS.items()})


@recomputes("polr.housing", tolerance=ITERATIVE)
def _proportional_odds(read: Read) -> Values:
    fit = ordinal("Sat ~ Infl + Type + Cont", _housing(read), weights="Freq", robust=False)
    return [*fit.coefficients, *errors(fit.covariance), -2 * fit.loglik]


@recomputes("multinom.housing", tolerance=ITERATIVE)
def _multinomial(read: Read) -> Values:
    fit = multinomial("Sat ~ Infl + Type + Cont", _housing(read), weights="Freq", robust=False)
    by_category = fit.coefficients.to_numpy().reshape(2, -1)
    return [*by_category.T.ravel(), -2 * fit.loglik]


@recomputes("clogit.infert", tolerance=ITERATIVE)
def _matched(read: Read) -> Values:
    fit = conditional_logistic("case ~ spontaneous + induced", read("infert"), strata="stratum")
    return [*fit.coefficients, *errors(fit.covariance), fit.loglik_null, fit.loglik]
