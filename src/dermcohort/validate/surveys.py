"""Survey designs (ids svy.* but the models)."""

from __future__ import annotations

import pandas as pd

from .. import SurveyDesign, prevalence, survey
from .registry import ITERATIVE, Read, Values, columns, interval, recomputes

CLUS1 = SurveyDesign("pw", cluster="dnum", fpc="fpc")
CLUS2 = SurveyDesign(cluster=["dnum", "snum"], fpc=["fpc1", "fpc2"])
STRAT = SurveyDesign("pw", strata="stype", fpc="fpc")
NHANES = SurveyDesign("WTMEC2YR", strata="SDMVSTRA", cluster="SDMVPSU", nest=True)
CI = {"mean": "wald", "asin": "arcsine", "xlogit": "logit"}  # R's names of the intervals, where they differ
BANDS = {"(0,19]": "0-19", "(19,39]": "20-39", "(39,59]": "40-59", "(59,Inf]": "60+"}


# R inverts a spline of the deviance, right to 1e-5 (own.svy.likelihood.nhanes solves for the deviance itself)
@recomputes("svy.ciprop.{}", "likelihood", tolerance=2e-5)
# logit: R fits a model, right to 3e-12
@recomputes("svy.ciprop.{}", "logit", "xlogit", "beta", "asin", "mean", tolerance=1e-11)
def _prevalence(read: Read, member: str) -> Values:
    return interval(
        prevalence.survey(read("nhanes"), "HI_CHOL", NHANES, ci=CI.get(member, member)).table.iloc[0]
    )


# R fits a model and stops at 6e-9
@recomputes("svy.ciprop.clus1.{}", "logit", tolerance=ITERATIVE)
@recomputes("svy.ciprop.clus1.{}", "beta", "mean")
def _prevalence_of_schools(read: Read, member: str) -> Values:
    data = read("apiclus1").assign(none=lambda d: d["ell"] == 0)
    return interval(prevalence.survey(data, "none", CLUS1, ci=CI.get(member, member)).table.iloc[0])


@recomputes("svy.by")
def _groups(read: Read) -> Values:
    found = prevalence.survey(read("nhanes"), "HI_CHOL", NHANES, ["RIAGENDR", "race"])
    return columns(found.table, "estimate", "std_error")


@recomputes("svy.domain")
def _domain(read: Read) -> Values:
    found = prevalence.survey(read("nhanes"), "HI_CHOL", NHANES, "RIAGENDR")
    return columns(found.table.iloc[:1], "estimate", "std_error")


@recomputes("svy.deff")
def _design_effect(read: Read) -> Values:
    names = ("estimate", "std_error", "design_effect")
    overall = prevalence.survey(read("nhanes"), "HI_CHOL", NHANES).table
    races = prevalence.survey(read("nhanes"), "HI_CHOL", NHANES, "race").table
    return [*columns(overall, *names), *columns(races, *names)]


@recomputes("svy.stdage")
def _standardized(read: Read) -> Values:
    """As R's help page: the youngest are outside, so the standard is that of the others."""
    data = read("nhanes")
    data["age"] = data["agecat"].map(BANDS)
    data["high"] = data["HI_CHOL"].where(data["age"] != "0-19")
    standard = pd.DataFrame({"age": list(BANDS.values()), "population": [55901, 77670, 72816, 45364]})
    found = prevalence.standardized(
        data, "high", age="age", standard=standard, by=["RIAGENDR", "race"], design=NHANES
    )
    adjusted = found.table[found.table["measure"] == "standardized prevalence"]
    return columns(adjusted, "estimate", "std_error")


@recomputes("svy.mean.clus1")
def _mean_of_districts(read: Read) -> Values:
    found = survey.mean(read("apiclus1"), "api00", CLUS1, replacement=False)
    return columns(found.table, "estimate", "std_error", "design_effect")


@recomputes("svy.mean.strat")
def _mean_of_strata(read: Read) -> Values:
    found = survey.mean(read("apistrat"), "api00", STRAT)
    return columns(found.table, "estimate", "std_error", "conf_low", "conf_high")


@recomputes("svy.mean.clus2")
def _mean_of_two_stages(read: Read) -> Values:
    return columns(survey.mean(read("apiclus2"), "api00", CLUS2).table, "estimate", "std_error")


@recomputes("svy.total")
def _total(read: Read) -> Values:
    return columns(survey.total(read("apiclus1"), "enroll", CLUS1).table, "estimate", "std_error")


@recomputes("svy.ratio")
def _ratio(read: Read) -> Values:
    return columns(survey.ratio(read("apistrat"), "api.stu", "enroll", STRAT).table, "estimate", "std_error")


@recomputes("svy.quantile")
def _quantile(read: Read) -> Values:
    found = survey.quantile(read("apiclus1"), "api00", CLUS1)
    return columns(found.table, "estimate", "conf_low", "conf_high", "std_error")


@recomputes("svy.chisq")
def _rao_scott(read: Read) -> Values:
    found = survey.independence(read("apiclus1"), "sch.wide", "stype", CLUS1)
    return columns(found.table, "statistic", "df", "df_residual", "p_value")


@recomputes("svy.lonely.{}", "adjust", "average", "certainty", "remove")
def _lonely(read: Read, member: str) -> Values:
    found = survey.mean(read("lonely"), "api00", SurveyDesign("pw", strata="stype", lonely_psu=member))
    return columns(found.table, "estimate", "std_error")
