"""The same numbers from lifelines and statsmodels, where they agree with R: second implementations need no R."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from conftest import ROOT
from lifelines import CoxPHFitter, KaplanMeierFitter

from dermcohort.regression import linear, poisson
from dermcohort.survival import cox, kaplan_meier


@pytest.fixture
def lung() -> pd.DataFrame:
    data = pd.read_csv(ROOT / "validation" / "data" / "lung.csv").rename(columns={"ph.ecog": "ecog"})
    return data.assign(dead=data["status"] - 1)[["time", "dead", "age", "sex", "ecog"]].dropna()


def test_kaplan_meier(lung):
    times = [90, 180, 365, 700]
    other = KaplanMeierFitter().fit(lung["time"], lung["dead"], timeline=times)
    ours = kaplan_meier(lung, "time", "dead").at(times)
    np.testing.assert_allclose(ours["estimate"], other.survival_function_.iloc[:, 0], rtol=1e-12)
    interval = other.confidence_interval_
    np.testing.assert_allclose(ours[["conf_low", "conf_high"]], interval, rtol=1e-8)


def test_cox(lung):
    other = CoxPHFitter().fit(lung, "time", "dead", fit_options={"precision": 1e-12})
    ours = cox("age + sex + ecog", lung, time="time", event="dead")
    np.testing.assert_allclose(ours.coefficients, other.params_, rtol=1e-6)
    np.testing.assert_allclose(np.sqrt(np.diag(ours.covariance)), other.standard_errors_, rtol=1e-6)
    assert ours.concordance == pytest.approx(other.concordance_index_, rel=1e-9)


@pytest.mark.parametrize(
    ("fit_of", "family"), [(poisson, sm.families.Poisson()), (linear, sm.families.Gaussian())]
)
def test_generalized_linear_models(lung, fit_of, family):
    data = lung.assign(
        offset=np.log(lung["time"]) if fit_of is poisson else 0.0, site=np.arange(len(lung)) // 5
    )
    outcome = "dead" if fit_of is poisson else "time"
    X = sm.add_constant(data[["age", "sex", "ecog"]])
    model = sm.GLM(data[outcome], X, family=family, offset=data["offset"])
    formula = f"{outcome} ~ age + sex + ecog"

    other = model.fit(tol=1e-14)
    ours = fit_of(formula, data, offset="offset")
    np.testing.assert_allclose(ours.coefficients, other.params, rtol=1e-6)
    np.testing.assert_allclose(np.sqrt(np.diag(ours.covariance)), other.bse, rtol=1e-6)

    groups = {"groups": data["site"], "use_correction": False}
    other = model.fit(tol=1e-14, cov_type="cluster", cov_kwds=groups)
    ours = fit_of(formula, data, offset="offset", cluster="site", robust="CR0")
    np.testing.assert_allclose(np.sqrt(np.diag(ours.covariance)), other.bse, rtol=1e-6)
