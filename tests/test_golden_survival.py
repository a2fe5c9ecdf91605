"""Kaplan-Meier and Cox against R's survival (validation/golden.csv): closed forms 1e-12, likelihood 1e-8."""

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


def test_survival_at_times(lung):
    at = kaplan_meier(lung, "time", "dead").at([100, 365, 700])
    found = columns(at, "estimate", "std_error", "conf_low", "conf_high")
    np.testing.assert_allclose(found, reference("km.lung"), rtol=1e-12)


@pytest.mark.parametrize("ci", ["plain", "log", "log-log", "logit", "arcsin"])
def test_survival_intervals(lung, ci):
    at = kaplan_meier(lung, "time", "dead", ci=ci).at(365)
    np.testing.assert_allclose(columns(at, "conf_low", "conf_high"), reference(f"km.ci.{ci}"), rtol=1e-12)


def test_median_survival(lung):
    median = kaplan_meier(lung, "time", "dead", by="sex", ci="log").quantile()
    assert columns(median, "estimate", "conf_low", "conf_high").tolist() == reference("km.lung.med").tolist()


def test_quartiles(lung):
    quartiles = kaplan_meier(lung, "time", "dead").quantile([0.25, 0.5, 0.75])
    found = columns(quartiles, "estimate", "conf_low", "conf_high")
    assert found.tolist() == reference("own.km.quantile").tolist()


def test_weighted_survival(lung):
    at = kaplan_meier(lung, "time", "dead", weights="w").at(365)
    np.testing.assert_allclose(columns(at, "estimate", "std_error"), reference("km.weighted"), rtol=1e-12)


def test_late_entry(heart):
    at = kaplan_meier(heart, "stop", "event", entry="start", by="transplant").at([50, 100, 300])
    np.testing.assert_allclose(columns(at, "estimate", "std_error"), reference("km.lt"), rtol=1e-12)


def test_late_entry_with_weights(heart):
    at = kaplan_meier(heart, "stop", "event", entry="start", weights="w").at([50, 100, 300])
    np.testing.assert_allclose(
        columns(at, "estimate", "std_error"), reference("own.km.lt.weights"), rtol=1e-12
    )


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_cox_ties(lung, ties):
    fit = cox("age + sex + ecog", lung, ties=ties, **OUTCOME)
    found = [*fit.coefficients, *errors(fit), fit.loglik_null, fit.loglik, fit.concordance]
    np.testing.assert_allclose(found, reference(f"cox.lung.{ties}"), rtol=1e-8)


def test_cox_cluster_robust(lung):
    fit = cox("age + sex + ecog", lung, cluster="inst", **OUTCOME)
    np.testing.assert_allclose([*fit.coefficients, *errors(fit)], reference("cox.lung.robust"), rtol=1e-8)


def test_cox_robust(lung):
    fit = cox("age + sex + ecog", lung, robust=True, **OUTCOME)
    np.testing.assert_allclose(errors(fit), reference("cox.lung.hc"), rtol=1e-8)


def test_cox_weights(lung):
    robust = cox("age + sex + ecog", lung, weights="w", **OUTCOME)
    naive = cox("age + sex + ecog", lung, weights="w", robust=False, **OUTCOME)
    found = [*robust.coefficients, *errors(naive), *errors(robust)]
    np.testing.assert_allclose(found, reference("cox.weights.robust"), rtol=1e-8)
    np.testing.assert_allclose(robust.concordance, reference("own.conc.weights")[0], rtol=1e-12)


def test_cox_strata():
    fit = cox("trt + karno + age", read("veteran"), time="time", event="status", strata="celltype")
    found = [*fit.coefficients, *errors(fit), fit.loglik_null, fit.loglik]
    np.testing.assert_allclose(found, reference("cox.vet.strata"), rtol=1e-8)
    np.testing.assert_allclose(fit.concordance, reference("own.conc.strata")[0], rtol=1e-12)


def test_cox_late_entry(heart):
    formula = "age + year + surgery + transplant"
    fit = cox(formula, heart, time="stop", event="event", entry="start")
    found = [*fit.coefficients, *errors(fit), fit.loglik_null, fit.loglik]
    np.testing.assert_allclose(found, reference("cox.heart"), rtol=1e-8)
    np.testing.assert_allclose(fit.concordance, reference("own.conc.entry")[0], rtol=1e-12)
    clustered = cox(formula, heart, time="stop", event="event", entry="start", cluster="id")
    np.testing.assert_allclose(errors(clustered), reference("cox.heart.cl"), rtol=1e-8)


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


def test_cox_two_events_a_person():
    """Wei, Lin & Weissfeld: recurrence and death as strata, the person as cluster."""
    data = read("colon")
    data["rx"] = pd.Categorical(data["rx"], ["Obs", "Lev", "Lev+5FU"])
    fit = cox("rx + sex + age", data, time="time", event="status", strata="etype", cluster="id")
    np.testing.assert_allclose([*fit.coefficients, *errors(fit)], reference("colon.wlw"), rtol=1e-8)


def test_cox_prediction(lung):
    fit = cox("age + sex + ecog", lung, **OUTCOME)
    new = pd.DataFrame({"age": [50, 70], "sex": [1, 2], "ecog": [0, 2]})
    np.testing.assert_allclose(fit.predict(new), reference("own.cox.lp"), rtol=1e-8)
    np.testing.assert_allclose(fit.predict(new, "risk"), np.exp(reference("own.cox.lp")), rtol=1e-8)
