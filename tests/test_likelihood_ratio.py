"""Likelihood ratio tests of surveys and of imputed data sets, against R (validation/own/likelihood_ratio.R)."""

import numpy as np
import pandas as pd
import pytest
from golden import read, reference

from dermcohort import SurveyDesign
from dermcohort.missing import pool
from dermcohort.regression import likelihood_ratio_test, linear, logistic, modified_poisson

DESIGN = SurveyDesign("WTMEC2YR", strata="SDMVSTRA", cluster="SDMVPSU", nest=True)
FULL = ["race", "agecat", "RIAGENDR"]


@pytest.fixture(scope="module")
def nhanes() -> pd.DataFrame:
    data = read("nhanes").dropna(subset=["HI_CHOL"])
    return data.astype({"race": "category", "agecat": "category"})


@pytest.fixture(scope="module")
def lung() -> list[pd.DataFrame]:
    data = read("lung_completed").rename(columns={"wt.loss": "loss", "meal.cal": "meal"})
    ecog = data["ph.ecog"].round().clip(upper=2)
    data = data.assign(dead=data["status"] - 1, ecog=ecog.astype(int).astype("category"))
    return [part for _, part in data.groupby(".imp")]


def survey_fit(data: pd.DataFrame, model, without: str = "", **options):
    right = " + ".join(name for name in FULL if name != without)
    return model(f"HI_CHOL ~ {right}", data, design=DESIGN, **options)


@pytest.mark.parametrize(
    ("identifier", "model", "term"),
    [("race", logistic, "race"), ("age", logistic, "agecat"), ("poisson", modified_poisson, "race")],
)
def test_survey_as_r(nhanes, identifier, model, term):
    found = likelihood_ratio_test(survey_fit(nhanes, model), survey_fit(nhanes, model, term)).table.iloc[0]
    values = found[["statistic", "df", "df_denominator", "p_value"]].astype(float)
    # R's working weights are those of the step before its last, which for Poisson leaves 1e-8 (as in svy.glmpois)
    rtol = 5e-8 if identifier == "poisson" else 1e-8
    np.testing.assert_allclose(values, reference(f"own.lrt.survey.{identifier}"), rtol=rtol)
    if identifier == "race":
        assert found["p_value"] == pytest.approx(reference("own.lrt.survey.check")[0], rel=1e-8)


@pytest.mark.parametrize(
    ("identifier", "added"), [("ecog", "ecog"), ("two", "loss + meal")], ids=["category", "two numbers"]
)
def test_pooled_as_r(lung, identifier, added):
    larger = [logistic(f"dead ~ age + sex + {added}", part) for part in lung]
    smaller = [logistic("dead ~ age + sex", part) for part in lung]
    found = likelihood_ratio_test(larger, smaller).table.iloc[0]
    values = found[["statistic", "df", "df_denominator", "p_value"]].astype(float)
    # differences of square roots of near equal statistics: df_denominator of the first is 1e6
    np.testing.assert_allclose(values, reference(f"own.lrt.pooled.{identifier}"), rtol=1e-7)


def test_the_same_data_imputed_twice_is_one_test(lung):
    larger, smaller = logistic("dead ~ age + sex", lung[0]), logistic("dead ~ age", lung[0])
    found = likelihood_ratio_test([larger, larger], [smaller, smaller]).table.iloc[0]
    alone = likelihood_ratio_test(larger, smaller).table.iloc[0]
    assert found["statistic"] == pytest.approx(alone["statistic"], rel=1e-12)
    assert found["p_value"] == pytest.approx(alone["p_value"], rel=1e-12)


def test_refused(nhanes, lung):
    fit, smaller = survey_fit(nhanes, logistic), survey_fit(nhanes, logistic, "race")
    with pytest.raises(ValueError, match="survey design and least squares"):
        likelihood_ratio_test(survey_fit(nhanes, linear), survey_fit(nhanes, linear, "race"))
    with pytest.raises(ValueError, match="written in the same way"):
        likelihood_ratio_test(fit, logistic("HI_CHOL ~ agecat + I(2 * RIAGENDR)", nhanes, design=DESIGN))
    with pytest.raises(TypeError, match="two lists"):
        likelihood_ratio_test([fit], smaller)
    with pytest.raises(ValueError, match="1 and 1 fits"):
        likelihood_ratio_test([fit], [smaller])
    with pytest.raises(ValueError, match="pooled by missing"):
        likelihood_ratio_test([fit, fit], [smaller, smaller])
    pooled = pool([logistic("dead ~ age", part) for part in lung])
    with pytest.raises(TypeError, match="D1"):
        likelihood_ratio_test(pooled, pooled)
