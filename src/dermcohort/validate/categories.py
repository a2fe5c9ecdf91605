"""Outcomes with several categories and matched data (ids polr.*, multinom.*, clogit.*)."""

from __future__ import annotations

import pandas as pd

from ..regression import conditional_logistic, multinomial, ordinal
from .registry import CLOSED_FORM, ITERATIVE, Read, Values, errors, recomputes

LEVELS = {
    "Sat": ["Low", "Medium", "High"],
    "Infl": ["Low", "Medium", "High"],
    "Type": ["Tower", "Apartment", "Atrium", "Terrace"],
    "Cont": ["Low", "High"],
}


def _housing(read: Read) -> pd.DataFrame:
    data = read("housing")
    return data.assign(**{name: pd.Categorical(data[name], levels) for name, levels in LEVELS.items()})


# polr stops early and differentiates by finite differences (own.polr.housing is solved to the end)
@recomputes("polr.housing", tolerance=[1e-7] * 16 + [CLOSED_FORM])
def _proportional_odds(read: Read) -> Values:
    fit = ordinal("Sat ~ Infl + Type + Cont", _housing(read), weights="Freq", robust=False)
    return [*fit.coefficients, *errors(fit.covariance), -2 * fit.loglik]


# multinom stops early (own.multinom.housing is solved to the end)
@recomputes("multinom.housing", tolerance=[2e-7] * 14 + [CLOSED_FORM])
def _multinomial(read: Read) -> Values:
    fit = multinomial("Sat ~ Infl + Type + Cont", _housing(read), weights="Freq", robust=False)
    by_category = fit.coefficients.to_numpy().reshape(2, -1)
    return [*by_category.T.ravel(), -2 * fit.loglik]


@recomputes("clogit.infert", tolerance=ITERATIVE)
def _matched(read: Read) -> Values:
    fit = conditional_logistic("case ~ spontaneous + induced", read("infert"), strata="stratum")
    return [*fit.coefficients, *errors(fit.covariance), fit.loglik_null, fit.loglik]
