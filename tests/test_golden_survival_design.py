"""Survey designs and clusters in survival against R (validation/): closed forms 1e-12, fitted models 1e-8."""

import numpy as np
import pandas as pd
import pytest
from golden import read, reference

from dermcohort import ReplicateDesign, SurveyDesign
from dermcohort.survival import cox, incidence_rate, kaplan_meier
from dermcohort.variance import jackknife

OUTCOME = {"time": "time", "event": "status"}
EPISODES = {"time": "stop", "event": "event", "entry": "start"}
VILLAGES = SurveyDesign("w", strata="region", cluster="village")
FINITE = SurveyDesign("w", strata="region", cluster="village", fpc="per_region")
TWO_STAGES = SurveyDesign(cluster=["village", "id"], fpc=["f1", "f2"])
PERSONS = SurveyDesign("w", strata="surgery", cluster="id")
REPLICATES = [f"w{r}" for r in range(1, 13)]
REPLICATED = ReplicateDesign("w", REPLICATES)


@pytest.fixture(scope="module")
def colon() -> pd.DataFrame:
    """The trial with an invented design: 47 villages of 20 people in 8 regions."""
    data = read("colon")
    data["rx"] = pd.Categorical(data["rx"], ["Obs", "Lev", "Lev+5FU"])
    village = (data["id"] - 1) // 20
    return data.assign(
        village=village, region=village // 6, w=1.0 + data["id"] % 5, f1=90, f2=80, per_region=10
    )


@pytest.fixture(scope="module")
def death(colon) -> pd.DataFrame:
    data = colon[colon["etype"] == 2]
    signs = {name: (-1.0) ** (data["village"] // r + r) for r, name in enumerate(REPLICATES, 1)}
    return data.assign(**{name: data["w"] * (1 + 0.9 * sign) for name, sign in signs.items()})


@pytest.fixture(scope="module")
def recurrence(colon) -> pd.DataFrame:
    return colon[colon["etype"] == 1]


@pytest.fixture(scope="module")
def heart() -> pd.DataFrame:
    return read("heart").assign(w=lambda d: 1 + 0.5 * (d["age"] > 0))


def check(found, identifier, rtol=1e-12):
    np.testing.assert_allclose(np.asarray(found, float), reference(identifier), rtol=rtol)


def errors(fit) -> np.ndarray:
    return np.sqrt(np.diag(fit.covariance))


def both(fit) -> list[float]:
    return [*fit.coefficients, *errors(fit)]


def columns(table: pd.DataFrame, *names: str) -> np.ndarray:
    return table[list(names)].to_numpy().T.ravel()


def curve(km, times) -> np.ndarray:
    return columns(km.at(times), "estimate", "std_error", "conf_low", "conf_high")


def log_curves(km, times) -> np.ndarray:
    """S, the standard error of log S and the limits, curve after curve."""
    at = km.at(times).assign(log_error=lambda d: d["std_error"] / d["estimate"])
    curves = [g for _, g in at.groupby(list(km.by), observed=True)] if km.by else [at]
    low_high = [g[["conf_low", "conf_high"]].to_numpy().T.ravel() for g in curves]
    return np.concatenate(
        [[*g["estimate"], *g["log_error"], *limits] for g, limits in zip(curves, low_high, strict=True)]
    )


# ------------------------------------------------------------------------------------------ Cox


def test_cox_of_a_domain(colon):
    """The first events are no part of it; they and rows with missing nodes stay in the design."""
    data = colon.assign(time=colon["time"].where(colon["etype"] == 2))
    fit = cox("rx + nodes", data, strata="sex", design=VILLAGES, **OUTCOME)
    rows = fit.table.dropna(subset="std_error")
    found = [*both(fit), *np.log(rows["conf_low"]), *np.log(rows["conf_high"])]
    expected = reference("own.svy.cox.domain")
    np.testing.assert_allclose(found, expected[:12], rtol=1e-8)
    assert f"{expected[12]:.0f} degrees of freedom" in " ".join(fit.notes)


def test_cox_of_finite_populations(death, recurrence):
    fit = cox("rx + age + nodes", death, design=FINITE, ties="breslow", **OUTCOME)
    check(both(fit), "own.svy.cox.fpc", rtol=1e-8)
    check(
        both(cox("rx + differ", recurrence, design=TWO_STAGES, **OUTCOME)),
        "own.svy.cox.two.stage",
        rtol=1e-8,
    )


def test_cox_with_late_entry(heart):
    fit = cox("age + year", heart, design=PERSONS, **EPISODES)
    check(both(fit), "own.svy.cox.entry", rtol=1e-8)
    check([fit.loglik_null, fit.loglik], "own.svy.cox.loglik", rtol=1e-10)


def test_cox_with_replicate_weights(death):
    fit = cox("rx + nodes", death, design=REPLICATED, **OUTCOME)
    check(both(fit), "own.svy.cox.replicates", rtol=1e-8)
    # svycoxph refits with coxph's default tolerance
    check(both(fit), "own.svy.cox.replicates.r", rtol=1e-7)


def test_cox_with_weights_of_0_in_replicates(death):
    made = jackknife(VILLAGES.sample(death))
    names = [f"j{i}" for i in range(made.replicates.shape[1])]
    data = pd.concat([death, pd.DataFrame(made.replicates, death.index, names)], axis=1)
    design = ReplicateDesign("w", names, kind="JKn", rscales=made.factors)
    check(errors(cox("rx + nodes", data, design=design, **OUTCOME)), "own.svy.cox.jackknife", rtol=1e-8)


# ------------------------------------------------------------------------------------------ curves


def test_survival_with_clusters(death):
    check(
        curve(kaplan_meier(death, "time", "status", cluster="village"), [500, 1000, 2000]), "own.km.cluster"
    )
    weighted = kaplan_meier(death, "time", "status", by="rx", cluster="village", weights="w", ci="log")
    check(curve(weighted, [500, 2000]), "own.km.cluster.weights")


def test_survival_with_late_entry_and_clusters(heart):
    times = {"data": heart, "time": "stop", "event": "event", "entry": "start", "cluster": "id"}
    check(curve(kaplan_meier(**times), [50, 100, 300]), "own.km.entry.cluster")
    weighted = kaplan_meier(**times, by="transplant", weights="w", ci="log")
    check(curve(weighted, [50, 100]), "own.km.entry.cluster.by")


def test_fleming_harrington(death):
    exponential = {"data": death, **OUTCOME, "estimator": "fleming-harrington"}
    check(curve(kaplan_meier(**exponential), [500, 1000, 2000]), "own.fh")
    clustered = kaplan_meier(**exponential, cluster="village", weights="w", ci="log")
    check(curve(clustered, [500, 1000, 2000]), "own.fh.cluster")


def test_survival_of_villages(death, recurrence):
    """R's svykm gives exp(-H) with its standard error."""
    exponential = {**OUTCOME, "estimator": "fleming-harrington", "ci": "log"}
    times = [500, 1000, 2000]
    check(log_curves(kaplan_meier(death, **exponential, by="rx", design=VILLAGES), times), "own.svy.km.by")
    check(log_curves(kaplan_meier(death, **exponential, design=FINITE), times), "own.svy.km.fpc")
    check(
        log_curves(kaplan_meier(recurrence, **exponential, design=TWO_STAGES), times), "own.svy.km.two.stage"
    )


def test_product_limit_of_villages(death, heart):
    at = kaplan_meier(death, **OUTCOME, design=FINITE).at([500, 1000, 2000])
    check(at["estimate"], "own.svy.pl")
    check(columns(at, "estimate", "std_error"), "own.svy.pl.se")
    at = kaplan_meier(heart, **EPISODES, design=PERSONS).at([50, 100, 300])
    check(columns(at, "estimate", "std_error"), "own.svy.pl.entry")


def test_survival_with_replicate_weights(death):
    at = kaplan_meier(death, **OUTCOME, design=REPLICATED).at([500, 1000, 2000])
    check(columns(at, "estimate", "std_error"), "own.svy.pl.replicates")


# ------------------------------------------------------------------------------------------ rates

RATE = ("estimate", "std_error", "conf_low", "conf_high")


def rates(*args, **options) -> np.ndarray:
    return incidence_rate(*args, per=1, **options).table[list(RATE)].to_numpy().ravel()


def test_rates_with_clusters(death):
    check(rates(death, "time", "status", cluster="village"), "own.rate.cluster")
    check(rates(death, "time", "status", "sex", cluster="village"), "own.rate.cluster.by")


def test_rates_of_samples(death, recurrence, colon):
    check(rates(death, "time", "status", "rx", design=FINITE), "own.rate.design")
    check(rates(recurrence, "time", "status", design=TWO_STAGES), "own.rate.two.stage")
    domain = colon.assign(differ=colon["differ"].where(colon["etype"] == 2))
    check(rates(domain, "time", "status", "differ", design=VILLAGES), "own.rate.missing")
    check(rates(death, "time", "status", design=REPLICATED), "own.rate.replicates")
