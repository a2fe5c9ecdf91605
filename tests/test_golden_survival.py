"""Kaplan-Meier and Cox against R's survival (validation/own/): closed forms 1e-12, likelihood 1e-8."""

import numpy as np
import pandas as pd
import pytest
from golden import read, reference

from dermcohort.survival import cox, kaplan_meier

OUTCOME = {"time": "time", "event": "dead"}


@pytest.fixture
def lung() -> pd.DataFrame:
    data = read("lung").rename(columns={"ph.ecog": "ecog"})
    return data.assign(dead=data["status"] - 1, w=1 + 0.5 * (data["age"] > 65))


@pytest.fixture
def heart() -> pd.DataFrame:
    return read("heart").assign(w=lambda d: 1 + 0.5 * (d["age"] > 0))


def errors(fit) -> np.ndarray:
    return np.sqrt(np.diag(fit.covariance))


def columns(at: pd.DataFrame, *names: str) -> np.ndarray:
    return at[list(names)].to_numpy().T.ravel()


def test_quartiles(lung):
    quartiles = kaplan_meier(lung, "time", "dead").quantile([0.25, 0.5, 0.75])
    found = columns(quartiles, "estimate", "conf_low", "conf_high")
    assert found.tolist() == reference("own.km.quantile").tolist()


def test_late_entry_with_weights(heart):
    at = kaplan_meier(heart, "stop", "event", entry="start", weights="w").at([50, 100, 300])
    np.testing.assert_allclose(
        columns(at, "estimate", "std_error"), reference("own.km.lt.weights"), rtol=1e-12
    )


def test_cox_weights(lung):
    robust = cox("age + sex + ecog", lung, weights="w", **OUTCOME)
    np.testing.assert_allclose(robust.concordance, reference("own.conc.weights")[0], rtol=1e-12)


def test_cox_strata():
    fit = cox("trt + karno + age", read("veteran"), time="time", event="status", strata="celltype")
    np.testing.assert_allclose(fit.concordance, reference("own.conc.strata")[0], rtol=1e-12)


def test_cox_late_entry(heart):
    formula = "age + year + surgery + transplant"
    fit = cox(formula, heart, time="stop", event="event", entry="start")
    np.testing.assert_allclose(fit.concordance, reference("own.conc.entry")[0], rtol=1e-12)


def test_cox_late_entry_and_strata(heart):
    fit = cox(
        "age + year", heart, time="stop", event="event", entry="start", strata="surgery", ties="breslow"
    )
    found = [*fit.coefficients, *errors(fit), fit.loglik_null, fit.loglik]
    np.testing.assert_allclose(found, reference("own.cox.entry.strata"), rtol=1e-8)


def test_cox_late_entry_weights_and_cluster(heart):
    fit = cox("age + year", heart, time="stop", event="event", entry="start", weights="w", cluster="id")
    np.testing.assert_allclose(
        [*fit.coefficients, *errors(fit)], reference("own.cox.entry.weights"), rtol=1e-8
    )


def test_cox_prediction(lung):
    fit = cox("age + sex + ecog", lung, **OUTCOME)
    new = pd.DataFrame({"age": [50, 70], "sex": [1, 2], "ecog": [0, 2]})
    np.testing.assert_allclose(fit.predict(new), reference("own.cox.lp"), rtol=1e-8)
    np.testing.assert_allclose(fit.predict(new, "risk"), np.exp(reference("own.cox.lp")), rtol=1e-8)
