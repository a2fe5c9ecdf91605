"""GEE and mixed models against R (validation/golden.csv, validation/own/correlated.R).

Where geepack runs to convergence the two agree to 1e-8. golden.csv has its default stop (a change of 1e-4), which is
right to 2e-5. lme4 minimizes without a gradient and differentiates twice by finite differences: it is right to about
1e-5, and that the difference is its own is shown by the likelihood, which is higher here.
"""

import numpy as np
import pandas as pd
import pytest
from golden import read, reference

from dermcohort.regression import gee, mixed_linear, mixed_logistic, mixed_poisson


def bacteria() -> pd.DataFrame:
    data = read("bacteria")
    data["y"] = pd.Categorical(data["y"], ["n", "y"])
    data["trt"] = pd.Categorical(data["trt"], ["placebo", "drug", "drug+"])
    return data


def epil() -> pd.DataFrame:
    data = read("epil")
    data["trt"] = pd.Categorical(data["trt"], ["placebo", "progabide"])
    data["log_years"] = np.log(np.where(data["subject"] % 2 == 0, 2, 1) / 26)
    return data


def std_errors(fit) -> np.ndarray:
    return np.sqrt(np.diag(fit.covariance))


def of_gee(fit, *, qic: bool) -> np.ndarray:
    alpha = fit.correlation_parameter
    if isinstance(alpha, pd.DataFrame):
        alpha = alpha.to_numpy()[np.triu_indices(len(alpha), 1)]
    numbers = [fit.coefficients, std_errors(fit), [fit.scale], np.atleast_1d(alpha)]
    return np.concatenate([*numbers, [fit.qic]] if qic else numbers)


OHIO, DIETOX = "resp ~ age + smoke", "Weight ~ Time + Cu"
CASES = {
    "ohio.ar1": ("resp ~ age + smoke + age:smoke", "id", "binomial", "ar1", None, None),
    "ohio.exchangeable": (OHIO, "id", "binomial", "exchangeable", None, None),
    "ohio.unstructured": (OHIO, "id", "binomial", "unstructured", None, None),
    "ohio.missing": (OHIO, "id", "binomial", "unstructured", "age", None),
    "bacteria.ar1": ("y ~ trt + week", "ID", "binomial", "ar1", "week", None),
    "dietox.exchangeable": (DIETOX, "Pig", "gaussian", "exchangeable", None, None),
    "dietox.ar1": (DIETOX, "Pig", "gaussian", "ar1", "Time", None),
    "epil.exchangeable": ("y ~ lbase + trt", "subject", "poisson", "exchangeable", None, "log_years"),
    "epil.unstructured": ("y ~ lbase + lage + V4", "subject", "poisson", "unstructured", "period", None),
    "petersen": ("y ~ x", "firm", "gaussian", "exchangeable", None, None),
}


@pytest.mark.parametrize("case", CASES)
def test_gee_with_geepack_run_to_convergence(case):
    formula, groups, family, correlation, waves, offset = CASES[case]
    name = case.split(".")[0]
    data = {"bacteria": bacteria, "epil": epil}.get(name, lambda: read(name))()
    if case == "ohio.missing":
        data = data.drop(index=data.index[2::7])
    fit = gee(
        formula, data, groups=groups, family=family, correlation=correlation, waves=waves, offset=offset
    )
    qic = case not in ("ohio.missing", "bacteria.ar1", "dietox.ar1")
    np.testing.assert_allclose(of_gee(fit, qic=qic), reference(f"own.gee.{case}"), rtol=1e-8)


@pytest.mark.parametrize(("kind", "case"), [("mancl-derouen", "md"), ("kauermann-carroll", "kc")])
def test_small_sample_corrections_by_matrices_of_the_rows(kind, case):
    fit = gee("y ~ trt + week", bacteria(), groups="ID", small_sample=kind)
    np.testing.assert_allclose(std_errors(fit), reference(f"own.gee.bacteria.{case}"), rtol=1e-8)
    assert fit.table["df"].dropna().unique().tolist() == [50 - 4]


def assert_agrees_with_lme4(fit, identifier):
    """Coefficients, sd, standard errors, log-likelihood; ours must be at least as high as R's."""
    *numbers, loglik = reference(identifier)
    found = [*fit.coefficients, fit.random_sd, *std_errors(fit)]
    np.testing.assert_allclose(found, numbers, rtol=1e-5)
    assert fit.loglik == pytest.approx(loglik, rel=1e-8)
    assert fit.loglik >= loglik - 1e-9 * abs(loglik)


def test_mixed_logistic_of_counts():
    fit = mixed_logistic("incidence ~ C(period)", read("cbpp"), groups="herd", trials="size")
    beta, (sd, loglik), se = np.split(reference("glmm.cbpp"), [4, 6])
    np.testing.assert_allclose([*fit.coefficients, fit.random_sd], [*beta, sd], rtol=1e-6)
    np.testing.assert_allclose(std_errors(fit), se, rtol=1e-5)
    assert loglik <= fit.loglik < loglik + 1e-6
    assert (fit.n, fit.events) == (842, 99)
    assert fit.table["n"].sum() == 842


@pytest.mark.parametrize(("case", "nodes"), [("bacteria", 1), ("bacteria.tmb", 1), ("bacteria.agq", 9)])
def test_mixed_logistic_of_bacteria(case, nodes):
    fit = mixed_logistic("y ~ trt + week", bacteria(), groups="ID", quadrature=nodes)
    assert_agrees_with_lme4(fit, f"own.glmm.{case}")


def test_mixed_logistic_of_ohio():
    fit = mixed_logistic(OHIO, read("ohio"), groups="id", quadrature=15)
    assert_agrees_with_lme4(fit, "own.glmm.ohio.agq")


def test_mixed_logistic_of_single_rows_is_that_of_counts():
    data = read("cbpp")
    rows = data.loc[data.index.repeat(data["size"])]
    rows = rows.assign(y=rows.groupby(level=0).cumcount() < rows["incidence"])
    fit = mixed_logistic("y ~ C(period)", rows, groups="herd")
    assert_agrees_with_lme4(fit, "own.glmm.cbpp.rows")
    counted = mixed_logistic("incidence ~ C(period)", data, groups="herd", trials="size")
    np.testing.assert_allclose(fit.coefficients, counted.coefficients, rtol=1e-8)
    np.testing.assert_allclose(std_errors(fit), std_errors(counted), rtol=1e-7)


def test_mixed_poisson():
    laplace = mixed_poisson("y ~ lbase + trt + V4", epil(), groups="subject", offset="log_years")
    assert_agrees_with_lme4(laplace, "own.glmm.epil")
    quadrature = mixed_poisson("y ~ lbase + trt", epil(), groups="subject", quadrature=11)
    *numbers, _ = reference("own.glmm.epil.agq")
    found = [*quadrature.coefficients, quadrature.random_sd, *std_errors(quadrature)]
    np.testing.assert_allclose(found, numbers, rtol=1e-5)


def test_linear_mixed_model_of_sleep():
    fit = mixed_linear("Reaction ~ Days", read("sleep"), groups="Subject", slope="Days")
    *numbers, loglik = reference("lmm.sleep")
    # lme4 with its default controls: the likelihood here is higher
    np.testing.assert_allclose([*fit.coefficients, *fit.variation["estimate"]], numbers, rtol=1e-5)
    assert loglik <= fit.loglik < loglik + 1e-6


LINEAR = {
    "sleep": ("Reaction ~ Days", "Subject", "Days"),
    "dietox.slope": (DIETOX, "Pig", "Time"),
    "dietox": (DIETOX, "Pig", None),
    "petersen": ("y ~ x", "firm", None),
}


@pytest.mark.parametrize("case", LINEAR)
def test_linear_mixed_models_with_satterthwaite(case):
    formula, groups, slope = LINEAR[case]
    fit = mixed_linear(formula, read(case.split(".")[0]), groups=groups, slope=slope)
    p = len(fit.coefficients)
    expected = reference(f"own.lmm.{case}")
    beta, se, df, components, (loglik,) = np.split(expected, [p, 2 * p, 3 * p, len(expected) - 1])
    np.testing.assert_allclose(fit.coefficients, beta, rtol=1e-6)
    np.testing.assert_allclose(std_errors(fit), se, rtol=1e-6)
    np.testing.assert_allclose(fit.table["df"].dropna(), df[1:], rtol=1e-6)
    sd = fit.variation.query("measure != 'ICC'")["estimate"]
    np.testing.assert_allclose(sd, components, rtol=1e-6)
    assert fit.loglik >= loglik - 1e-10 * abs(loglik)
    assert fit.loglik == pytest.approx(loglik, rel=1e-10)


def test_standard_errors_of_variances():
    """The interval of the residual SD is that of its logarithm, with lmerTest's standard error."""
    fit = mixed_linear("Reaction ~ Days", read("sleep"), groups="Subject", slope="Days")
    row = fit.variation.set_index("measure").loc["residual SD"]
    std_error = reference("own.lmm.sleep.variances")[-1]
    expected = row["estimate"] * np.exp(1.959963984540054 * std_error / row["estimate"])
    assert row["conf_high"] == pytest.approx(expected, rel=1e-5)
