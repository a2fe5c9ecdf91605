"""Regression, robust variances, GEE and mixed models (ids logit.*, cl.*, zou.*, svy.glm*, gee.*, *mm.*)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from ..regression import (
    gee,
    linear,
    log_binomial,
    logistic,
    mixed_linear,
    mixed_logistic,
    modified_poisson,
)
from .registry import ITERATIVE, Read, Values, columns, errors, interval, recomputes
from .surveys import CLUS1, NHANES


@recomputes("logit.infert", tolerance=ITERATIVE)
def _logistic(read: Read) -> Values:
    fit = logistic("case ~ spontaneous + induced + age", read("infert"))
    return [*fit.coefficients, *errors(fit.covariance), -2 * fit.loglik, -2 * fit.loglik + 2 * 4]


@recomputes("cl.logit.ohio.{}", "cr0", "cr1", "cr1s", tolerance=ITERATIVE)
def _wheezing_children(read: Read, member: str) -> Values:
    fit = logistic("resp ~ age * smoke", read("ohio"), cluster="id", robust=member.upper())
    return errors(fit.covariance)


@recomputes("cl.petersen")
def _petersen(read: Read) -> Values:
    fit = linear("y ~ x", read("petersen"), cluster="firm", robust="CR1S")
    return [*fit.coefficients, *errors(fit.covariance)]


@recomputes("cl.hc3")
def _petersen_hc3(read: Read) -> Values:
    return errors(linear("y ~ x", read("petersen"), robust="HC3").covariance)


@recomputes("cl.logit.cr2", tolerance=ITERATIVE, unreported=(8, 12))
def _bacteria(read: Read) -> Values:
    data = read("bacteria").assign(y=lambda d: d["y"] == "y")
    data["trt"] = pd.Categorical(data["trt"], ["placebo", "drug", "drug+"])
    return _few_clusters(logistic("y ~ trt + week", data, cluster="ID", robust="CR2"))


# the p-values lie far in the tail
@recomputes("cl.lm.cr2", tolerance=[1e-11] * 12 + [ITERATIVE] * 4, unreported=(8, 12))
def _pigs(read: Read) -> Values:
    return _few_clusters(linear("Weight ~ Time + Cu", read("dietox"), cluster="Pig", robust="CR2"))


def _few_clusters(fit: Any) -> Values:
    """Coefficients, standard errors, degrees of freedom, p-values; no table has the last two of the intercept."""
    rows = fit.table.dropna(subset="std_error")
    return [*fit.coefficients, *errors(fit.covariance), np.nan, *rows["df"], np.nan, *rows["p_value"]]


@recomputes("zou.{}", "modpois", "logbin", tolerance=ITERATIVE)
def _breast_cancer(read: Read, member: str) -> Values:
    data = read("zou192").assign(stage=lambda d: d["stage"].astype(str))
    fit = {"modpois": modified_poisson, "logbin": log_binomial}[member]("y ~ low + stage", data)
    low = fit.table.set_index("term").loc["low"]
    return [*fit.coefficients, *errors(fit.covariance), *interval(low)]


def _cholesterol(read: Read) -> pd.DataFrame:
    data = read("nhanes")
    return data.assign(race=data["race"].astype(str), RIAGENDR=data["RIAGENDR"].astype(str))


@recomputes("svy.glm", tolerance=ITERATIVE)
def _survey_logistic(read: Read) -> Values:
    fit = logistic("HI_CHOL ~ race + agecat + RIAGENDR", _cholesterol(read), design=NHANES)
    return [*fit.coefficients, *errors(fit.covariance)]


# R stopped there (own.svyglm.nhanes is run to the end)
@recomputes("svy.glmpois", tolerance=3e-8)
def _survey_poisson(read: Read) -> Values:
    fit = modified_poisson("HI_CHOL ~ race + agecat + RIAGENDR", _cholesterol(read), design=NHANES)
    return [*fit.coefficients, *errors(fit.covariance)]


@recomputes("svy.ttest", tolerance=1e-11)
def _survey_t_test(read: Read) -> Values:
    data = read("apiclus1").rename(columns={"comp.imp": "improved"})
    rows = linear("enroll ~ improved", data, design=CLUS1).table.dropna(subset="std_error")
    return columns(rows, "statistic", "df", "p_value", "estimate")


# ar1: geepack at its default stop, a change of 1e-4 (own.gee.ohio.ar1 runs it to convergence)
@recomputes("gee.ohio.{}", "ar1", tolerance=2e-5)
@recomputes("gee.ohio.{}", "exchangeable", tolerance=1e-9)
@recomputes("gee.ohio.{}", "independence", tolerance=1e-10)
def _gee(read: Read, member: str) -> Values:
    fit = gee("resp ~ age + smoke + age:smoke", read("ohio"), groups="id", correlation=member)
    alpha = [] if member == "independence" else [fit.correlation_parameter]
    return [*fit.coefficients, *errors(fit.covariance), *alpha]


# lme4 minimizes without a gradient and differentiates by finite differences: right to about 1e-5 (tests/
# test_golden_correlated.py shows that the likelihood is higher here)
@recomputes("glmm.cbpp", tolerance=[1e-6] * 5 + [ITERATIVE] + [1e-5] * 4)
def _mixed_logistic(read: Read) -> Values:
    fit = mixed_logistic("incidence ~ C(period)", read("cbpp"), groups="herd", trials="size")
    return [*fit.coefficients, fit.random_sd, fit.loglik, *errors(fit.covariance)]


@recomputes("glmm.cbpp.agq", tolerance=1e-6)
def _mixed_logistic_by_quadrature(read: Read) -> Values:
    fit = mixed_logistic("incidence ~ C(period)", read("cbpp"), groups="herd", trials="size", quadrature=9)
    return [*fit.coefficients, fit.random_sd, *errors(fit.covariance)]


# lme4 with its default controls
@recomputes("lmm.sleep", tolerance=[1e-5] * 6 + [ITERATIVE])
def _mixed_linear(read: Read) -> Values:
    fit = mixed_linear("Reaction ~ Days", read("sleep"), groups="Subject", slope="Days")
    return [*fit.coefficients, *fit.variation["estimate"], fit.loglik]
