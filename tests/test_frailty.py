"""Shared gamma frailty against R's coxph with frailty(), which is solved to the end in validation/own/cox2.R."""

import numpy as np
import pandas as pd
import pytest
from golden import read, reference

from dermcohort.estimates import Estimates
from dermcohort.survival import cox, frailty
from dermcohort.survival.cox_rows import CoxRows
from dermcohort.survival.gamma_frailty import (
    SharedRows,
    marginal_correction,
    marginal_slope,
    maximize_frailty,
)
from dermcohort.validate.registry import REGISTRY

OUTCOME = {"time": "time", "event": "status"}
# coxph stops where the likelihood no longer changes, with eight digits of the frailties: theta has seven
COXPH = 3e-7


def numbers(fit) -> list[float]:
    errors = np.sqrt(np.diag(fit.covariance))
    return [*fit.coefficients, *errors, fit.theta, fit.loglik, *fit.frailties[:2]]


@pytest.fixture
def kidney() -> pd.DataFrame:
    return read("kidney")


@pytest.mark.parametrize("id_", ["frailty.gamma", "frailty.kidney"])
def test_golden_values(id_):
    expected = reference(id_)
    difference = np.abs(np.asarray(REGISTRY[id_].values(read)) / expected - 1)
    assert (difference <= REGISTRY[id_].tolerance).all()


def test_litters():
    fit = frailty("rx", read("rats").query("sex == 'f'"), groups="litter", **OUTCOME)
    np.testing.assert_allclose(numbers(fit), reference("own.frailty.rats"), rtol=COXPH)


def test_infections(kidney):
    fit = frailty("age + sex", kidney, groups="id", **OUTCOME)
    np.testing.assert_allclose(numbers(fit), reference("own.frailty.kidney"), rtol=COXPH)


def test_strata_and_breslow():
    fit = frailty("rx", read("rats"), groups="litter", strata="sex", ties="breslow", **OUTCOME)
    np.testing.assert_allclose(numbers(fit), reference("own.frailty.breslow"), rtol=COXPH)


def test_late_entry(kidney):
    data = kidney.assign(start=np.minimum(7, kidney["time"] / 2))
    fit = frailty("age + sex", data, groups="id", entry="start", **OUTCOME)
    np.testing.assert_allclose(numbers(fit), reference("own.frailty.entry"), rtol=COXPH)


def test_equations_of_the_maximum(kidney):
    """(d + nu) = w (expected + nu) in each group, and no slope in theta: to more digits than coxph has."""
    X = kidney[["age", "sex"]].to_numpy(float)
    n = len(kidney)
    rows = CoxRows(
        X, None, kidney["time"].to_numpy(float), kidney["status"].to_numpy(float), np.zeros(n, int), np.ones(n), "efron"
    )  # fmt: skip
    group = kidney["id"].to_numpy() - 1
    found = maximize_frailty(rows, group)
    shared = SharedRows.of(rows, group)
    at, _ = shared._evaluate(found.at.coefficients, found.at.log_frailty, 1 / found.theta)
    expected, w = np.bincount(group, at.risk * at.exposure), np.exp(found.at.log_frailty)
    nu = 1 / found.theta
    np.testing.assert_allclose(shared.events + nu, expected + w * nu, rtol=1e-10)
    assert w.mean() == pytest.approx(1, rel=1e-12)
    assert marginal_slope(found.at.log_frailty, shared.events, nu) == pytest.approx(0, abs=1e-8)

    def marginal(theta: float) -> float:
        return shared.maximum(theta, found.at).loglik + marginal_correction(shared.events, 1 / theta)

    near = [marginal(found.theta * factor) for factor in (0.9, 1, 1.1)]
    assert near[1] > max(near[0], near[2]) and near[1] == pytest.approx(found.loglik, rel=1e-12)
    # the slope is the derivative of the marginal likelihood, by which theta is found
    h, theta = 1e-4, 0.8
    slope = marginal_slope(shared.maximum(theta, found.at).log_frailty, shared.events, 1 / theta)
    difference = (marginal(theta + h) - marginal(theta - h)) / (2 * h)
    assert -slope / theta**2 == pytest.approx(difference, rel=1e-6)


def test_no_frailty_is_cox(kidney):
    """The likelihood falls from theta = 0 on."""
    data = kidney.assign(start=np.floor(kidney["time"] / 5))
    fit = frailty("age + sex", data, groups="id", entry="start", **OUTCOME)
    plain = cox("age + sex", data, entry="start", **OUTCOME)
    np.testing.assert_allclose(fit.coefficients, plain.coefficients, rtol=1e-12)
    np.testing.assert_allclose(fit.covariance, plain.covariance, rtol=1e-12)
    assert fit.loglik == pytest.approx(plain.loglik) and fit.theta == 0
    assert fit.frailty_test == {"statistic": 0.0, "df": 1, "p_value": 1.0}
    assert fit.notes[-1].startswith("No frailty")


def test_order_of_rows_and_names_of_groups(kidney):
    fit = frailty("age + sex", kidney, groups="id", **OUTCOME)
    named = kidney.sample(frac=1, random_state=1).assign(id=lambda d: "p" + d["id"].astype(str))
    again = frailty("age + sex", named, groups="id", **OUTCOME)
    np.testing.assert_allclose(again.coefficients, fit.coefficients, rtol=1e-9)
    assert again.theta == pytest.approx(fit.theta, rel=1e-9)
    assert again.frailties["p21"] == pytest.approx(fit.frailties["21"], rel=1e-9)
    # patient 21, known for it, had both infections late
    assert fit.frailties.idxmin() == "21"


def test_words_and_saving(kidney, tmp_path):
    fit = frailty("age + sex", kidney, groups="id", **OUTCOME)
    assert fit.kendall_tau == pytest.approx(fit.theta / (fit.theta + 2))
    test = fit.frailty_test
    assert test["statistic"] == pytest.approx(2 * (fit.loglik - cox("age + sex", kidney, **OUTCOME).loglik))
    assert any("Variance of the frailty 0.408 over 38 groups" in note for note in fit.notes)
    assert "gamma frailty shared within id" in fit.method
    again = Estimates.load(fit.save(tmp_path / "fit"))
    assert again.theta == fit.theta and again.frailties.equals(fit.frailties)


def test_missing_groups_are_counted(kidney):
    data = kidney.assign(id=kidney["id"].where(kidney["id"] != 3))
    fit = frailty("age", data, groups="id", **OUTCOME)
    assert fit.n == 74 and fit.n_missing["id"] == 2


def test_bad_input(kidney):
    with pytest.raises(ValueError, match="2 groups are too few"):
        frailty("age", kidney, groups="sex", **OUTCOME)
    with pytest.raises(ValueError, match="ties='exact' is unknown; choose efron or breslow"):
        frailty("age", kidney, groups="id", ties="exact", **OUTCOME)
    with pytest.raises(ValueError, match="data has no column 'family'"):
        frailty("age", kidney, groups="family", **OUTCOME)
    with pytest.raises(ValueError, match="never happens"):
        frailty("age", kidney.assign(status=0), groups="id", **OUTCOME)
