"""Kaplan-Meier and Cox regression (ids km.*, cox.*, colon.*, svy.coxph, svy.km)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from .. import SurveyDesign
from ..regression import logistic
from ..survival import cox, kaplan_meier
from .registry import ITERATIVE, Read, Values, columns, errors, recomputes

COVARIATES = "age + sex + ecog"


def _lung(read: Read) -> pd.DataFrame:
    data = read("lung").rename(columns={"ph.ecog": "ecog"})
    return data.assign(dead=data["status"] - 1, w=1 + 0.5 * (data["age"] > 65))


def _cox_lung(read: Read, **options: Any) -> Any:
    return cox(COVARIATES, _lung(read), time="time", event="dead", **options)


def _cox_heart(read: Read, **options: Any) -> Any:
    formula = "age + year + surgery + transplant"
    return cox(formula, read("heart"), time="stop", event="event", entry="start", **options)


@recomputes("km.lung")
def _curve(read: Read) -> Values:
    at = kaplan_meier(_lung(read), "time", "dead").at([100, 365, 700])
    return columns(at, "estimate", "std_error", "conf_low", "conf_high")


@recomputes("km.ci.{}", "plain", "log", "log-log", "logit", "arcsin")
def _limits(read: Read, member: str) -> Values:
    return columns(kaplan_meier(_lung(read), "time", "dead", ci=member).at(365), "conf_low", "conf_high")


@recomputes("km.lung.med", tolerance=0.0)
def _median(read: Read) -> Values:
    median = kaplan_meier(_lung(read), "time", "dead", by="sex", ci="log").quantile()
    return columns(median, "estimate", "conf_low", "conf_high")


@recomputes("km.weighted")
def _weighted(read: Read) -> Values:
    return columns(kaplan_meier(_lung(read), "time", "dead", weights="w").at(365), "estimate", "std_error")


@recomputes("km.lt")
def _late_entry(read: Read) -> Values:
    km = kaplan_meier(read("heart"), "stop", "event", entry="start", by="transplant")
    return columns(km.at([50, 100, 300]), "estimate", "std_error")


@recomputes("cox.lung.{}", "efron", "breslow", tolerance=ITERATIVE)
def _ties(read: Read, member: str) -> Values:
    fit = _cox_lung(read, ties=member)
    return [*fit.coefficients, *errors(fit.covariance), fit.loglik_null, fit.loglik, fit.concordance]


@recomputes("cox.lung.exact", tolerance=ITERATIVE)
def _exact_ties(read: Read) -> Values:
    fit = _cox_lung(read, ties="exact")
    found = [*fit.coefficients, *errors(fit.covariance), fit.loglik_null, fit.loglik]
    return [*found, fit.score_test["statistic"], fit.concordance]


@recomputes("cox.lung.robust", tolerance=ITERATIVE)
def _clusters(read: Read) -> Values:
    fit = _cox_lung(read, cluster="inst")
    return [*fit.coefficients, *errors(fit.covariance)]


@recomputes("cox.lung.hc", tolerance=ITERATIVE)
def _robust(read: Read) -> Values:
    return errors(_cox_lung(read, robust=True).covariance)


@recomputes("cox.weights.robust", tolerance=ITERATIVE)
def _weights(read: Read) -> Values:
    robust, naive = _cox_lung(read, weights="w"), _cox_lung(read, weights="w", robust=False)
    return [*robust.coefficients, *errors(naive.covariance), *errors(robust.covariance)]


@recomputes("cox.vet.strata", tolerance=ITERATIVE)
def _strata(read: Read) -> Values:
    fit = cox("trt + karno + age", read("veteran"), time="time", event="status", strata="celltype")
    return [*fit.coefficients, *errors(fit.covariance), fit.loglik_null, fit.loglik]


@recomputes("cox.heart", tolerance=ITERATIVE)
def _episodes(read: Read) -> Values:
    fit = _cox_heart(read)
    return [*fit.coefficients, *errors(fit.covariance), fit.loglik_null, fit.loglik]


@recomputes("cox.heart.cl", tolerance=ITERATIVE)
def _episodes_of_people(read: Read) -> Values:
    return errors(_cox_heart(read, cluster="id").covariance)


@recomputes("colon.wlw", tolerance=ITERATIVE)
def _two_events(read: Read) -> Values:
    """Wei, Lin & Weissfeld: recurrence and death as strata, the person as cluster."""
    data = read("colon")
    data["rx"] = pd.Categorical(data["rx"], ["Obs", "Lev", "Lev+5FU"])
    fit = cox("rx + sex + age", data, time="time", event="status", strata="etype", cluster="id")
    return [*fit.coefficients, *errors(fit.covariance)]


def _pbc(read: Read) -> pd.DataFrame:
    """R's help page: the randomized, weighted by the inverse of their probability to be so."""
    data = read("pbc").assign(randomized=lambda d: d["trt"].notna(), dead=lambda d: d["status"] == 2)
    weight = 1 / logistic("randomized ~ age * edema", data).predict(data)
    return data.assign(w=weight)[data["randomized"]]


@recomputes("svy.coxph", tolerance=ITERATIVE)
def _sample(read: Read) -> Values:
    design = SurveyDesign("w", strata="edema")
    fit = cox("np.log(bili) + protime + albumin", _pbc(read), time="time", event="dead", design=design)
    return [*fit.coefficients, *errors(fit.covariance)]


@recomputes("svy.km")
def _curve_of_a_sample(read: Read) -> Values:
    """R gives exp(-H) and the standard error of its logarithm."""
    design = SurveyDesign("w", strata="edema")
    at = kaplan_meier(_pbc(read), "time", "dead", design=design, estimator="fleming-harrington").at(
        [1000, 2000]
    )
    return np.concatenate([at["estimate"], at["std_error"] / at["estimate"]])
