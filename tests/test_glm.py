"""Generalized linear models: worked by hand, properties, thin data and bad input."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from dermcohort import ReplicateDesign, SurveyDesign
from dermcohort.regression import linear, log_binomial, logistic, modified_poisson, poisson
from dermcohort.regression.families import FAMILIES, RISK_DIFFERENCE
from dermcohort.regression.maximize import maximize

few = settings(max_examples=8, deadline=None)
seeds = given(seed=st.integers(0, 10_000))


def cohort(seed: int, n: int = 80) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "age": rng.normal(size=n),
            "sex": rng.permutation(np.arange(n) % 2),
            "site": rng.permutation(np.arange(n) % 8),
            "case": rng.permutation(np.arange(n) % 3 == 0),
            "visits": rng.poisson(2.0, n),
            "cadmium": rng.normal(3, 1, n),
            "w": rng.integers(1, 4, n).astype(float),
            "log_years": np.log(rng.uniform(1, 9, n)),
        }
    )


ALL = {
    "logistic": lambda d, right="age + sex", **o: logistic(f"case ~ {right}", d, **o),
    "log_binomial": lambda d, right="age + sex", **o: log_binomial(f"case ~ {right}", d, **o),
    "modified_poisson": lambda d, right="age + sex", **o: modified_poisson(f"case ~ {right}", d, **o),
    "poisson": lambda d, right="age + sex", **o: poisson(f"visits ~ {right}", d, offset="log_years", **o),
    "linear": lambda d, right="age + sex", **o: linear(f"cadmium ~ {right}", d, **o),
}
every_model = pytest.mark.parametrize("model", ALL)


def row(fit) -> pd.Series:
    return fit.table.iloc[0]


# ------------------------------------------------------------------------------------------ by hand


@pytest.mark.parametrize("model", [log_binomial, modified_poisson])
def test_prevalence_ratio_of_a_two_by_two_table(model):
    """Cases 3 of 4 exposed and 1 of 4 unexposed: PR 3, variance of log PR 1/3 - 1/4 + 1/1 - 1/4 = 5/6."""
    data = pd.DataFrame({"y": [1, 1, 1, 0, 1, 0, 0, 0], "x": [1, 1, 1, 1, 0, 0, 0, 0]})
    found = row(model("y ~ x", data))
    assert (found["measure"], found["estimate"]) == ("PR", pytest.approx(3))
    assert found["std_error"] == pytest.approx((5 / 6) ** 0.5, rel=1e-10)
    assert found["conf_low"] == pytest.approx(3 / np.exp(1.959964 * (5 / 6) ** 0.5), rel=1e-6)


def test_rate_ratio_of_two_groups():
    """4 cases in 1000 years, 12 in 1500: IRR 2, variance of its log 1/4 + 1/12."""
    data = pd.DataFrame({"cases": [4, 12], "log_years": np.log([1000, 1500]), "x": [0, 1]})
    found = poisson("cases ~ x", data, offset="log_years")
    assert row(found)["estimate"] == pytest.approx(2, rel=1e-12)
    assert row(found)["std_error"] == pytest.approx((1 / 3) ** 0.5, rel=1e-12)
    assert found.events == 16
    new = data.assign(log_years=0.0)
    assert found.predict(new).tolist() == pytest.approx([0.004, 0.008])


def test_difference_of_two_means():
    """1 2 and 4 5 7: means 1.5 and 16/3, residual sum of squares 1/2 + 14/3 = 31/6 with 3 df."""
    data = pd.DataFrame({"y": [1.0, 2, 4, 5, 7], "x": ["a", "a", "b", "b", "b"]})
    table = linear("y ~ x", data).table
    assert table["estimate"].tolist() == pytest.approx([0, 16 / 3 - 1.5])
    assert table["std_error"].iloc[1] == pytest.approx((31 / 18 * (1 / 2 + 1 / 3)) ** 0.5)
    assert (table["df"].iloc[1], table["measure"].iloc[0]) == (3, "difference")
    assert table["n"].tolist() == [2, 3]
    assert "events" not in table


def test_risk_difference_of_a_two_by_two_table():
    """3 of 4 less 1 of 4 is 1/2, variance 3/64 + 3/64."""
    X = np.column_stack([np.ones(8), np.repeat([1.0, 0.0], 4)])
    y = np.array([1.0, 1, 1, 0, 1, 0, 0, 0])
    found = maximize(X, y, RISK_DIFFERENCE, np.ones(8), np.zeros(8))
    assert found.coefficients[1] == pytest.approx(0.5, rel=1e-12)
    assert found.bread[1, 1] == pytest.approx(3 / 32, rel=1e-12)


def test_risk_difference_on_both_boundaries():
    """0 of 4 and 4 of 4, 2 of 4 between them: the line from 0 to 1."""
    X = np.column_stack([np.ones(12), np.repeat([0.0, 1.0, 2.0], 4)])
    y = np.repeat([0.0, 0, 1, 1], [4, 2, 2, 4])
    found = maximize(X, y, RISK_DIFFERENCE, np.ones(12), np.zeros(12))
    assert found.on_boundary
    assert found.coefficients == pytest.approx([0, 0.5], abs=1e-8)


# --------------------------------------------------------------------------------------- properties


@pytest.mark.parametrize("name", FAMILIES)
@given(share=st.floats(0.01, 0.99), y=st.sampled_from([0.0, 1.0]))
def test_derivatives_of_the_families(name, share, y):
    """Score and curvature are derivatives of the log-likelihood, slope that of the mean, link its inverse."""
    family, h = FAMILIES[name], 1e-5
    mu, outcome = np.array([share]), np.array([y])
    eta = family.link(mu)
    assert family.mean(eta) == pytest.approx(mu, rel=1e-12)
    assert family.slope(eta) == pytest.approx(
        (family.mean(eta + h) - family.mean(eta - h)) / (2 * h), rel=1e-4
    )
    score = (family.loglik(outcome, eta + h) - family.loglik(outcome, eta - h)) / (2 * h)
    curvature = -(family.score(outcome, eta + h) - family.score(outcome, eta - h)) / (2 * h)
    assert family.score(outcome, eta) == pytest.approx(score, rel=1e-4, abs=1e-6)
    assert family.curvature(outcome, eta) == pytest.approx(curvature, rel=1e-4, abs=1e-6)
    # the score of a generalized linear model is (y - mu) slope / variance
    expected = (outcome - mu) * family.slope(eta) / family.variance(mu)
    assert family.score(outcome, eta) == pytest.approx(expected, rel=1e-9)


@every_model
@seeds
@few
def test_order_of_rows_does_not_matter(model, seed):
    data = cohort(seed)
    mixed = data.sample(frac=1, random_state=seed)
    for options in ({}, {"cluster": "site", "robust": "CR2"}, {"robust": "HC3"}):
        a, b = (ALL[model](d, **options) for d in (data, mixed))
        numbers = a.table.select_dtypes("number")
        pd.testing.assert_frame_equal(numbers, b.table[numbers.columns], rtol=1e-6)


@pytest.mark.parametrize("model", ["log_binomial", "poisson", "modified_poisson"])
@seeds
@few
def test_a_frequency_weight_is_that_many_rows(model, seed):
    data = cohort(seed)
    repeated = data.loc[data.index.repeat(data["w"].astype(int))]
    weighted = ALL[model](data, weights="w", robust=False)
    rows = ALL[model](repeated, robust=False)
    np.testing.assert_allclose(weighted.coefficients, rows.coefficients, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(weighted.covariance, rows.covariance, rtol=1e-7, atol=1e-9)
    assert weighted.loglik == pytest.approx(rows.loglik, rel=1e-10)


@every_model
@seeds
@few
def test_weight_0_is_no_row(model, seed):
    data = cohort(seed)
    without = data.assign(w=data["w"].where(data.index > 9, 0.0))
    found, expected = ALL[model](without, weights="w"), ALL[model](data[data.index > 9], weights="w")
    pd.testing.assert_frame_equal(found.table, expected.table, rtol=1e-9)
    assert "10 rows with weight 0 left out." in found.notes


@every_model
@seeds
@few
def test_swapping_the_groups_inverts(model, seed):
    data = cohort(seed)
    a = row(ALL[model](data, "sex"))
    b = row(ALL[model](data.assign(sex=1 - data["sex"]), "sex"))
    assert a["coef"] == pytest.approx(-b["coef"], rel=1e-7, abs=1e-10)
    assert a["std_error"] == pytest.approx(b["std_error"], rel=1e-7)


@every_model
@seeds
@few
def test_without_design_information_a_survey_is_hc0(model, seed):
    """Each row a unit: HC0 times n / (n - 1), the units spread around their mean of 0."""
    data = cohort(seed)
    survey, plain = ALL[model](data, design=SurveyDesign()), ALL[model](data, robust="HC0")
    assume(plain.covariance.notna().all(axis=None))  # a log-binomial maximum may lie on the boundary
    np.testing.assert_allclose(survey.covariance, plain.covariance * 80 / 79, rtol=1e-6, atol=1e-12)
    assert row(survey)["df"] == 80 - 3


@seeds
@few
def test_time_in_other_units_moves_the_intercept_only(seed):
    data = cohort(seed)
    years, days = ALL["poisson"](data), ALL["poisson"](data.assign(log_years=data["log_years"] + np.log(365)))
    pd.testing.assert_frame_equal(years.table, days.table, rtol=1e-8)
    moved = years.coefficients["Intercept"] - days.coefficients["Intercept"]
    assert moved == pytest.approx(np.log(365), rel=1e-8)


@seeds
@few
def test_the_maximum_is_one(seed):
    """No step in any direction has a higher likelihood, on the boundary or not."""
    rng = np.random.default_rng(seed)
    x = np.arange(30) % 6
    data = pd.DataFrame({"x": x, "y": rng.random(30) < np.array([0.1, 0.3, 0.3, 0.5, 0.9, 1.0])[x]})
    data.loc[:1, "y"] = [False, True]
    fit = log_binomial("y ~ x", data)
    y = data["y"].to_numpy(float)
    for direction in rng.normal(size=(50, 2)):
        other = fit.coefficients.to_numpy() + 1e-3 * direction
        eta = other[0] + other[1] * x
        if (eta < 0).all():
            assert (y * eta + (1 - y) * np.log(-np.expm1(eta))).sum() <= fit.loglik + 1e-9


def test_an_affine_covariate_changes_only_its_own_unit():
    """A calendar year as it is and from its mean: no digits are lost to the size of the numbers."""
    data = cohort(3).assign(year=lambda d: 2000 + 10 * d["age"], late=lambda d: 10 * d["age"])
    for model in ALL.values():
        a, b = row(model(data, "year + sex")), row(model(data, "late + sex"))
        assert a["coef"] == pytest.approx(b["coef"], rel=1e-8)
        assert a["std_error"] == pytest.approx(b["std_error"], rel=1e-8)


# ------------------------------------------------------------------------------------ thin data


def test_a_level_without_events_has_no_finite_ratio():
    data = pd.DataFrame({"cases": [3, 0, 5], "a": ["x", "y", "z"], "log_years": 1.0})
    fit = poisson("cases ~ a", data, offset="log_years")
    bad = fit.table.set_index("level").loc["y"]
    assert (bad["estimate"], bad["conf_low"], bad["conf_high"]) == (0, 0, np.inf)
    assert fit.table.set_index("level").loc["z", "estimate"] == pytest.approx(5 / 3)
    assert any(note.startswith("Separation") and "a[T.y]" in note for note in fit.notes)


def test_levels_of_nobody_and_of_everybody_in_one_log_binomial_model():
    data = pd.DataFrame({"y": [0, 1, 0, 0, 0, 0, 1, 1, 1], "a": list("aaabbbccc")})
    fit = log_binomial("y ~ a", data)
    table = fit.table.set_index("level")
    assert table.loc["c", "estimate"] == pytest.approx(3)
    assert (table.loc["b", "estimate"], table.loc["b", "conf_high"]) == (0, np.inf)
    assert "on the boundary" in fit.notes[-2] and "Separation" in fit.notes[-1]


@pytest.mark.parametrize("kind", [False, "HC0", "HC3", "CR1", "CR2", "CR3", "survey"])
@pytest.mark.filterwarnings("error")
def test_separation_with_every_variance(kind):
    """All of 10 to 19 ill, none of 0 to 9: nothing breaks, and nothing is claimed."""
    data = pd.DataFrame({"y": [0] * 10 + [1] * 10, "x": np.arange(20.0), "g": list(range(10)) * 2})
    options = {"design": SurveyDesign(cluster="g")} if kind == "survey" else {"robust": kind}
    if str(kind).startswith("CR"):
        options["cluster"] = "g"
    fit = logistic("y ~ x", data, **options)
    assert row(fit)[["estimate", "conf_low", "conf_high"]].tolist() == [np.inf, 0, np.inf]
    assert any(note.startswith("Separation: the outcome is determined by x, whose OR") for note in fit.notes)


def test_few_clusters_are_said_and_cr2_is_advised():
    data = cohort(1)
    noted = [note for note in logistic("case ~ age", data, cluster="site").notes if "clusters" in note]
    assert len(noted) == 1
    assert noted[0].startswith("Few clusters: 8") and noted[0].endswith("robust='CR2' corrects for it.")
    corrected = logistic("case ~ age", data, cluster="site", robust="CR2")
    assert not any("Few clusters" in note for note in corrected.notes)
    assert "Satterthwaite" in corrected.method
    assert 0 < row(corrected)["df"] < 8


def test_few_degrees_of_freedom_are_said():
    data = cohort(2).assign(site=lambda d: d.index % 4)
    fit = linear("cadmium ~ age", data, cluster="site", robust="CR2")
    assert any(note.startswith("Fewer than 4 degrees of freedom for age") for note in fit.notes)


def test_more_coefficients_than_sampling_units():
    data = cohort(3).assign(site=lambda d: d.index % 2)
    fit = logistic("case ~ age + sex", data, design=SurveyDesign(cluster="site"))
    assert np.isnan(fit.table["conf_low"]).all()
    assert any(note.startswith("No degrees of freedom") for note in fit.notes)


def test_no_event_and_one_row_and_no_row():
    data = cohort(4)
    with pytest.raises(ValueError, match="'visits' is 0 in all 80"):
        poisson("visits ~ age", data.assign(visits=0))
    for model in (log_binomial, modified_poisson):
        for always in (0, 1):
            with pytest.raises(ValueError, match=f"'case' is {always} in all 80"):
                model("case ~ age", data.assign(case=always))
    with pytest.raises(ValueError, match="the same in all 1 complete rows"):
        linear("cadmium ~ age", data.head(1))
    with pytest.raises(ValueError, match="no row has all of"):
        linear("cadmium ~ age", data.assign(age=np.nan))


def test_as_many_coefficients_as_rows():
    table = linear("cadmium ~ age", cohort(5).head(2)).table
    assert np.isfinite(table["estimate"]).all() and np.isnan(table["conf_low"]).all()


def test_missing_values_leave_the_model_and_stay_in_the_design():
    data = cohort(6).assign(w=1.0)
    data.loc[data["site"] == 0, "age"] = np.nan
    fit = linear("cadmium ~ age", data, design=SurveyDesign("w", cluster="site"))
    assert (fit.n, fit.n_missing["age"], row(fit)["df"]) == (70, 10, 7 - 2 + 0)
    assert "10 of 80 rows left out" in fit.notes[0]
    without = linear("cadmium ~ age", data.dropna(), design=SurveyDesign("w", cluster="site"))
    # eight villages were sampled, not seven: 8/7 around the mean in place of 7/6
    assert row(fit)["std_error"] == pytest.approx(row(without)["std_error"] * (8 / 7 * 6 / 7) ** 0.5)


def test_rows_with_the_same_label_are_told_apart():
    data = cohort(7)
    same = data.set_axis([0] * 80)
    same.iloc[3, 0] = data.loc[3, "age"] = np.nan
    design = SurveyDesign("w", cluster="site")
    a, b = (linear("cadmium ~ age", d, design=design).table for d in (data, same))
    pd.testing.assert_frame_equal(a, b)


# ------------------------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"robust": "HC4"}, "robust='HC4' is not available"),
        ({"robust": False, "cluster": "site"}, "robust=False does not fit cluster="),
        ({"design": SurveyDesign("w"), "weights": "w"}, "weights= does not fit design="),
        ({"design": SurveyDesign("w"), "cluster": "site"}, "cluster= does not fit design="),
        ({"design": SurveyDesign("w"), "robust": "HC0"}, "robust= does not fit design="),
        ({"design": ReplicateDesign("w", ["w", "w2"])}, "no column 'w2'"),
        ({"offset": "yeers"}, "no column 'yeers'"),
        ({"offset": "zero"}, "'zero' is infinite in 80 rows"),
        ({"weights": "word"}, "'word' must be numeric"),
    ],
)
def test_wrong_arguments_are_explained(options, message):
    data = cohort(8).assign(zero=-np.inf, word="a")
    with pytest.raises(ValueError, match=message):
        modified_poisson("case ~ age", data, **options)


def test_wrong_outcomes_are_explained():
    data = cohort(9).assign(word="a", negative=-1)
    with pytest.raises(ValueError, match="'word' must be a number"):
        linear("word ~ age", data)
    with pytest.raises(ValueError, match="negative or infinite in 80 rows"):
        poisson("negative ~ age", data)
    with pytest.raises(ValueError, match="'visits' must be 0/1"):
        modified_poisson("visits ~ age", data)
    with pytest.raises(ValueError, match="keep the intercept"):
        log_binomial("case ~ 0 + age", data)
