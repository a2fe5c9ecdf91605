"""Families, links and profile likelihood against R (validation/): solved to the end there, so 1e-8 and often closer."""

import numpy as np
import pandas as pd
import pytest
from golden import read, reference

from dermcohort.regression import (
    complementary_log_log,
    firth,
    log_binomial,
    logistic,
    negative_binomial,
    poisson,
    risk_difference,
)


def check(found, identifier, rtol=1e-8, atol=1e-11):
    np.testing.assert_allclose(np.asarray(found, float), reference(identifier), rtol=rtol, atol=atol)


def errors(fit) -> np.ndarray:
    return np.sqrt(np.diag(fit.covariance))


@pytest.fixture(scope="module")
def trial() -> pd.DataFrame:
    data = read("colon").query("etype == 1")
    return data.assign(
        village=(data["id"] - 1) // 20,
        age_10=data["age"] / 10,
    )


@pytest.fixture(scope="module")
def bacteria() -> pd.DataFrame:
    data = read("bacteria")
    return data.assign(
        y=data["y"] == "y",
        trt=pd.Categorical(data["trt"], ["placebo", "drug", "drug+"]),
        w=1.0 + (data["week"] > 4),
    )


@pytest.fixture(scope="module")
def epil() -> pd.DataFrame:
    data = read("epil")
    return data.assign(log_base=np.log(data["base"] / 4), w=1 + data["subject"] % 3)


@pytest.fixture(scope="module")
def infert() -> pd.DataFrame:
    data = read("infert")
    return data.assign(
        age_10=data["age"] / 10,
        old=1 + (data["age"] > 30),
        many=1 + (data["parity"] > 2),
        shift=data["age"] / 100,
    )


@pytest.fixture(scope="module")
def rotterdam() -> pd.DataFrame:
    data = read("rotterdam")
    return data.assign(
        size=pd.Categorical(data["size"], ["<=20", ">50", "20-50"]),
        log_decades=np.log(data["dtime"] / 3652.5),
    )


# ------------------------------------------------------------------------------------------- links


@pytest.mark.parametrize(
    ("model", "identifier"),
    [(complementary_log_log, "own.link.cloglog"), (risk_difference, "own.link.identity")],
)
def test_links_with_every_variance(model, identifier, trial):
    def fit(**options):
        return model("status ~ rx + C(surg) + age_10", trial, **options)

    found = fit()
    kinds = [errors(fit(robust=kind)) for kind in ("HC0", "HC1", "HC3")]
    kinds += [errors(fit(robust=kind, cluster="village")) for kind in ("CR0", "CR1", "CR2", "CR3")]
    check([*found.coefficients, *errors(found), *np.concatenate(kinds), found.loglik], identifier)


def test_hazard_ratios_with_time_at_risk(rotterdam):
    found = complementary_log_log("death ~ hormon + meno + C(grade)", rotterdam, offset="log_decades")
    check([*found.coefficients, *errors(found), found.loglik], "own.link.cloglog.offset")


def test_risk_differences_with_weights(infert):
    fits = [
        risk_difference("case ~ spontaneous + parity", infert, weights="old", robust=kind)
        for kind in (False, None)
    ]
    check([*fits[0].coefficients, *errors(fits[0]), *errors(fits[1])], "own.link.identity.weights")


# ------------------------------------------------------------------------------- negative binomial


def everything(fit) -> list[float]:
    return [*fit.coefficients, *errors(fit), fit.theta, fit.theta_std_error, fit.loglik]


def test_quine():
    """Against glm.nb as it stops, and run on to the maximum."""
    found = everything(negative_binomial("Days ~ Eth + Sex + Age + Lrn", read("quine")))
    np.testing.assert_allclose(found[:-2], reference("nb.quine")[:-2], rtol=5e-7)
    assert 2 * found[-1] == pytest.approx(reference("nb.quine")[-1], rel=1e-12)
    check(found, "own.nb.quine")


def test_seizures_with_robust_variances(epil):
    formula = "y ~ lbase * trt + lage + V4"
    fits = [negative_binomial(formula, epil, robust=kind) for kind in (None, "HC0", "HC1", "HC3")]
    in_r = ["Intercept", "lbase", "trt[T.progabide]", "lage", "V4", "lbase:trt[T.progabide]"]
    assert list(fits[0].coefficients.index) == in_r
    check([*everything(fits[0]), *np.concatenate([errors(fit) for fit in fits[1:]])], "own.nb.epil")


def test_seizures_clustered_by_person(epil):
    def fit(**options):
        return negative_binomial("y ~ trt + lage + period", epil, offset="log_base", **options)

    kinds = [errors(fit(robust=kind, cluster="subject")) for kind in ("CR0", "CR1", "CR2", "CR3")]
    check([*everything(fit()), *np.concatenate(kinds)], "own.nb.epil.cr")


def test_many_counts(rotterdam):
    check(everything(negative_binomial("nodes ~ meno * hormon + size", rotterdam)), "own.nb.nodes")


def test_frequency_weights(epil):
    check(everything(negative_binomial("y ~ trt + lbase", epil, weights="w", robust=False)), "own.nb.weights")


# ------------------------------------------------------------------------------------- profile, Firth


def limits(fit) -> np.ndarray:
    """Of the coefficients in the table: lower limits, upper limits, likelihood ratio statistics."""
    rows = fit.table.dropna(subset="statistic")
    return np.array([np.log(rows["conf_low"]), np.log(rows["conf_high"]), rows["statistic"] ** 2])


def of_table(values: np.ndarray) -> np.ndarray:
    """Limits and statistics of R without those of the intercept."""
    return values.reshape(3, -1)[:, 1:]


def check_limits(found, values):
    # a statistic near 0 is a small difference of log-likelihoods, in R and here
    np.testing.assert_allclose(limits(found), of_table(values), rtol=1e-8, atol=1e-9)


def test_profile_of_logistic(infert):
    fit = logistic("case ~ spontaneous + induced + age_10 + education", infert, interval="profile")
    check_limits(fit, reference("own.profile.logit"))


def test_profile_with_weights(bacteria):
    fit = logistic("y ~ trt + week", bacteria, weights="w", robust=False, interval="profile", conf_level=0.9)
    check_limits(fit, reference("own.profile.logit.90"))


def test_profile_of_poisson(epil):
    fit = poisson("y ~ trt + lage + V4", epil, offset="log_base", interval="profile")
    check_limits(fit, reference("own.profile.poisson"))


def test_profile_of_complementary_log_log(bacteria):
    check_limits(
        complementary_log_log("y ~ trt + week", bacteria, interval="profile"),
        reference("own.profile.cloglog"),
    )


def test_profile_of_log_binomial(trial):
    fit = log_binomial("status ~ node4 + age_10 + C(surg)", trial, interval="profile")
    check_limits(fit, reference("own.profile.logbin"))


def test_profile_of_separated_data():
    data = pd.DataFrame({"x": np.repeat([0, 1], [4, 6]), "y": [0, 0, 0, 0, 1, 1, 1, 0, 0, 0]})
    row = logistic("y ~ x", data, interval="profile").table.iloc[0]
    check([np.log(row["conf_low"]), row["statistic"] ** 2], "own.profile.separated")
    assert (row["estimate"], row["conf_high"]) == (np.inf, np.inf)
    assert row["p_value"] < 0.05


def check_firth(fit, identifier):
    values = reference(identifier)
    p = len(fit.coefficients)
    np.testing.assert_allclose([*fit.coefficients, *errors(fit)], values[: 2 * p], rtol=1e-8, atol=1e-11)
    check_limits(fit, values[2 * p : -1])
    assert fit.loglik == pytest.approx(values[-1], rel=1e-11)


def test_firth_of_endometrial_cancer():
    """Limits and p-values as printed by Heinze & Schemper (2002): NV 0.61 to 7.85, PI -0.12 to 0.04, EH -4.37 to -1.23."""
    fit = firth("HG ~ NV + PI + EH", read("endometrial"))
    check([*fit.coefficients, *errors(fit)], "firth")
    check_firth(fit, "own.firth.endometrial")
    assert limits(fit)[:2].T.round(2).tolist() == [[0.61, 7.85], [-0.12, 0.04], [-4.37, -1.23]]


def test_firth_of_typed_data():
    both = pd.DataFrame({"y": [0] * 10 + [1] * 10, "x": [0] * 5 + [1] * 15, "z": [0, 1] * 10})
    check_firth(firth("y ~ x + z", both), "own.firth.separated")
    level = pd.DataFrame(
        {
            "a": np.repeat(["p", "q", "r"], [8, 7, 6]),
            "age": [3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9, 3, 2, 3, 8, 4, 6],
            "y": [0, 1, 0, 0, 1, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0, 1, 1, 0],
        }
    )
    check_firth(firth("y ~ a + age", level), "own.firth.factor")
    small = pd.DataFrame({"y": [0, 0, 0, 1, 1, 1, 0, 0], "x": np.repeat([0, 1], [3, 5])})
    check_firth(firth("y ~ x", small), "own.firth.small")


def test_firth_with_weights_and_offset(infert, bacteria):
    fit = firth("case ~ spontaneous + induced", infert, weights="many", offset="shift", conf_level=0.9)
    check_firth(fit, "own.firth.infert")
    check_firth(firth("y ~ trt + week", bacteria), "own.firth.bacteria")
