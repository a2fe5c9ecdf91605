"""Meta-analysis against metafor (validation/own/). Closed forms 1e-12; iterative 1e-8; rma.glmm to 1e-4."""

import numpy as np
import pandas as pd
import pytest
from golden import read, reference

from dermcohort import meta, prevalence
from dermcohort.prevalence.binomial_normal import fit_binomial_normal

METHODS = ["DL", "HE", "SJ", "PM", "ML", "REML"]
RARE = pd.DataFrame({"xi": [0, 2, 1, 0, 5, 3, 12], "ni": [40, 120, 85, 25, 210, 60, 12]})


def closed(method: str) -> float:
    return 1e-12 if method in ("EE", "DL", "HE", "SJ") else 1e-8


def prevalences(name: str) -> pd.DataFrame:
    return RARE if name == "rare" else read(name)


def of_bcg(**options) -> meta.MetaAnalysis:
    data = read("bcg_es")
    return meta.combine(data["yi"], np.sqrt(data["vi"]), data["author"], **options)


def of_hackshaw(**options) -> meta.MetaAnalysis:
    data = read("hackshaw")
    return meta.combine(data["yi"], np.sqrt(data["vi"]), data["study"], **options)


def columns(table: pd.DataFrame, *names: str) -> np.ndarray:
    """Values of the columns one after the other, as R's c() of vectors."""
    return table[list(names)].to_numpy(float).T.ravel()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("hksj", [False, True])
def test_all_that_is_said_of_a_pooled_estimate(method, hksj):
    fit = of_hackshaw(method=method, hksj=hksj)
    row = fit.table.iloc[-1]
    found = [row.coef, row.std_error, row.conf_low, row.conf_high, row.p_value, fit.tau2, fit.I2, fit.H2, fit.Q,
             fit.Q_p_value, *fit.prediction_interval]  # fmt: skip
    expected = reference(f"own.meta.hackshaw.{'hksj.' if hksj else ''}{method}")
    np.testing.assert_allclose(found, expected, rtol=closed(method))


@pytest.mark.parametrize("method", METHODS)
def test_q_profile_intervals(method):
    fit = of_hackshaw(method=method)
    found = [*fit.tau2_interval, *fit.I2_interval]
    np.testing.assert_allclose(found, reference(f"own.meta.hackshaw.confint.{method}"), rtol=1e-8)


def test_q_profile_intervals_of_another_level():
    fit = of_bcg(conf_level=0.9)
    np.testing.assert_allclose(
        [*fit.tau2_interval, *fit.I2_interval], reference("own.meta.bcg.confint"), rtol=1e-8
    )


NAMES = ("coef", "std_error", "conf_low", "conf_high", "tau2", "I2", "Q", "Q_p_value")


def test_leave_one_out():
    # leave1out refits with rma's own stop at 1e-5 only where no control is given; here it is
    found = columns(of_bcg().leave_one_out().table, *NAMES)
    np.testing.assert_allclose(found, reference("own.meta.bcg.loo"), rtol=1e-8)
    found = columns(of_hackshaw(method="DL", hksj=True).leave_one_out().table, *NAMES)
    np.testing.assert_allclose(found, reference("own.meta.hackshaw.loo.hksj"), rtol=1e-11)


@pytest.mark.parametrize(
    ("identifier", "fit", "model", "tolerance"),
    [
        ("hackshaw.egger", lambda: of_hackshaw(), "rma", 1e-8),
        ("hackshaw.egger.hksj", lambda: of_hackshaw(method="DL", hksj=True), "rma", 1e-11),
        ("hackshaw.egger.lm", lambda: of_hackshaw(), "lm", 1e-11),
        ("bcg.egger", lambda: of_bcg(), "rma", 1e-8),
        ("bcg.egger.PM", lambda: of_bcg(method="PM"), "rma", 1e-8),
    ],
)
def test_egger(identifier, fit, model, tolerance):
    table = fit().funnel_asymmetry(model=model).table
    slope, limit = table.iloc[0], table.iloc[1]
    found = [slope.statistic, slope.p_value, limit.estimate, limit.conf_low, limit.conf_high]
    np.testing.assert_allclose(found, reference(f"own.meta.{identifier}"), rtol=tolerance)


@pytest.mark.parametrize(
    ("name", "fit", "column", "method"),
    [("bcg", of_bcg, "alloc", "REML"), ("hackshaw", of_hackshaw, "design", "DL")],
)
def test_subgroups(name, fit, column, method):
    group = read("bcg_es" if name == "bcg" else name)[column]
    test = fit(method=method, subgroup=group).subgroups()
    table = test.table.sort_values("subgroup")
    found = [*columns(table, "coef", "std_error", "tau2"), test.statistic, test.p_value]
    np.testing.assert_allclose(found, reference(f"own.meta.{name}.subgroups"), rtol=closed(method) * 10)


@pytest.mark.parametrize("transform", ["logit", "arcsine", "freeman-tukey"])
@pytest.mark.parametrize("name", ["debruin", "rare"])
@pytest.mark.parametrize("method", ["DL", "REML"])
def test_pooled_prevalence(name, transform, method):
    data = prevalences(name)
    fit = prevalence.pooled(data["xi"], data["ni"], method=method, transform=transform)
    row = fit.table.iloc[-1]
    found = [row.coef, row.std_error, row.estimate, row.conf_low, row.conf_high, *fit.prediction_interval, fit.tau2,
             fit.I2, fit.Q]  # fmt: skip
    # back from the double arcsine 1 - (...)^2 loses digits near 0
    tolerance = max(closed(method), 1e-11)
    np.testing.assert_allclose(
        found, reference(f"own.meta.{name}.{transform}.{method}"), rtol=tolerance, atol=1e-15
    )


def test_pooled_prevalence_hartung_knapp():
    data = read("debruin")
    fit = prevalence.pooled(data["xi"], data["ni"], hksj=True)
    row = fit.table.iloc[-1]
    found = [row.coef, row.std_error, row.estimate, row.conf_low, row.conf_high, *fit.prediction_interval, fit.tau2,
             fit.I2, fit.Q]  # fmt: skip
    np.testing.assert_allclose(found, reference("own.meta.debruin.hksj"), rtol=1e-12)


@pytest.mark.parametrize("name", ["debruin", "rare", "pritz"])
def test_binomial_normal_model_against_the_exact_likelihood(name):
    data = prevalences(name)
    fit = prevalence.pooled(data["xi"], data["ni"], method="GLMM")
    row = fit.table.iloc[-1]
    b, std_error, tau2, _, inconsistency, Q = reference(f"own.meta.{name}.glmm.exact")
    np.testing.assert_allclose([row.coef, row.std_error, fit.tau2], [b, std_error, tau2], rtol=1e-8)
    np.testing.assert_allclose([fit.I2, fit.Q], [inconsistency, Q], rtol=1e-8)


@pytest.mark.parametrize("name", ["debruin", "pritz"])
def test_binomial_normal_model_against_metafor(name):
    data = read(name)
    fit = prevalence.pooled(data["xi"], data["ni"], method="GLMM")
    row = fit.table.iloc[-1]
    lower, upper = np.log(row.conf_low / (1 - row.conf_low)), np.log(row.conf_high / (1 - row.conf_high))
    low, high = (np.log(p / (1 - p)) for p in fit.prediction_interval)
    found = [row.coef, row.std_error, lower, upper, fit.tau2, low, high, fit.I2, fit.H2, fit.Q, fit.Q_p_value]
    # 7 nodes and a stop at about 1e-5 (test above: the exact values)
    np.testing.assert_allclose(found, reference(f"own.meta.{name}.glmm"), rtol=1e-4)


def test_the_numbers_of_binomial_normal_do_not_depend_on_the_start():
    data = read("debruin")
    shuffled = data.sample(frac=1, random_state=1)
    a, b = (fit_binomial_normal(d["xi"].to_numpy(float), d["ni"].to_numpy(float)) for d in (data, shuffled))
    np.testing.assert_allclose([a.mu, a.std_error, a.tau2], [b.mu, b.std_error, b.tau2], rtol=1e-10)
