"""Dose-response curves against R (validation/own/terms.R)."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from golden import read, reference

from dermcohort import SurveyDesign
from dermcohort.missing import pool
from dermcohort.regression import DoseResponse, dose_response, linear, logistic, term_tests
from dermcohort.splines import default_knots
from dermcohort.survival import cox


def rotterdam_fit():
    data = read("rotterdam")
    data["size"] = pd.Categorical(data["size"], ["<=20", "20-50", ">50"])
    return cox("rcs(age, 5) + size + hormon", data, time="rtime", event="recur")


def lung() -> pd.DataFrame:
    return read("lung").rename(columns={"wt.loss": "loss"})


def numbers_of(values) -> list[float]:
    return [values["statistic"], values["df"], values["p_value"]]


@pytest.fixture
def people() -> pd.DataFrame:
    rng = np.random.default_rng(4)
    data = pd.DataFrame({"cadmium": rng.gamma(2, 1, 800), "sex": rng.choice(["f", "m"], 800)})
    logit = -1 + data["cadmium"] - 0.15 * data["cadmium"] ** 2
    return data.assign(itch=rng.random(800) < 1 / (1 + np.exp(-logit)))


def test_hazard_ratios_of_a_spline():
    found = dose_response(rotterdam_fit(), "age", 55, values=[35, 45, 65, 80])
    values = found.table[["estimate", "conf_low", "conf_high"]].T.to_numpy().ravel()
    np.testing.assert_allclose(values, reference("own.dose.cph"), rtol=1e-8)
    # all, nonlinear: rows of the table of rms::anova, after the 7 coefficients
    _, nonlinear = reference("own.cph.rcs.rotterdam")[7:13].reshape(2, 3)
    np.testing.assert_allclose(numbers_of(found.nonlinearity), nonlinear, rtol=1e-7)


def test_tests_are_those_of_the_terms():
    fit = rotterdam_fit()
    found, rows = dose_response(fit, "age", 55), term_tests(fit).table
    for values, row in ((found.overall, rows.iloc[0]), (found.nonlinearity, rows.iloc[1])):
        np.testing.assert_allclose(
            numbers_of(values), row[["statistic", "df", "p_value"]].astype(float), rtol=1e-7
        )


def test_polynomial_with_t():
    found = dose_response(linear("loss ~ age + I(age**2) + sex", lung()), "age", 60, values=[45, 70, 80])
    values = found.table[["estimate", "conf_low", "conf_high", "p_value"]].T.to_numpy().ravel()
    np.testing.assert_allclose(
        [*values, *numbers_of(found.nonlinearity)], reference("own.dose.poly"), rtol=1e-8
    )


def test_poly_is_the_same_curve():
    plain, orthogonal = (
        dose_response(linear(f"loss ~ {terms} + sex", lung()), "age", 60)
        for terms in ("age + I(age**2)", "poly(age, 2)")
    )
    np.testing.assert_allclose(plain.curve, orthogonal.curve, rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(numbers_of(plain.nonlinearity), numbers_of(orthogonal.nonlinearity), rtol=1e-7)


def test_survey():
    data = read("apistrat")
    design = SurveyDesign("pw", strata="stype", fpc="fpc")
    fit = linear("api00 ~ rcs(meals, 4) + ell", data, design=design)
    found = dose_response(fit, "meals", 50, values=[10, 80])
    values = found.table[["estimate", "conf_low", "conf_high", "p_value"]].T.to_numpy().ravel()
    test = [found.nonlinearity[name] for name in ("statistic", "df", "df_denominator", "p_value")]
    np.testing.assert_allclose([*values, *test], reference("own.dose.survey"), rtol=1e-8)


def test_pooled():
    data = read("lung_completed").rename(columns={"wt.loss": "loss"})
    pooled = pool([logistic("dead ~ rcs(loss, [0, 5, 10, 20]) + age", d) for _, d in data.groupby(".imp")])
    found = dose_response(pooled, "loss", 7)
    row = term_tests(pooled).table.iloc[1]
    np.testing.assert_allclose(
        numbers_of(found.nonlinearity), row[["statistic", "df", "p_value"]].astype(float), rtol=1e-7
    )
    assert found.curve.notna().all().all()


def test_clusters(people):
    data = people.assign(village=np.arange(800) % 25)
    fit = logistic("itch ~ rcs(cadmium)", data, cluster="village", robust="CR2")
    found = dose_response(fit, "cadmium", 1)
    row = term_tests(fit).table.iloc[1]
    np.testing.assert_allclose(
        numbers_of(found.nonlinearity), row[["statistic", "df", "p_value"]].astype(float), rtol=1e-6
    )


def test_curve_passes_through_the_reference(people):
    found = dose_response(logistic("itch ~ rcs(cadmium) + sex", people), "cadmium", 1.5)
    at = found.curve[found.curve["cadmium"] == 1.5].iloc[0]
    assert at[["estimate", "conf_low", "conf_high"]].tolist() == [1, 1, 1]
    low, high = np.quantile(people["cadmium"], [0.01, 0.99])
    assert (found.curve["cadmium"].min(), found.curve["cadmium"].max()) == (low, high)
    assert (found.curve["conf_low"] <= found.curve["estimate"]).all()


def test_another_reference_divides(people):
    fit = logistic("itch ~ rcs(cadmium) + sex", people)
    one, two = (dose_response(fit, "cadmium", r, values=[1, 2, 3]).table["estimate"] for r in (1, 2))
    np.testing.assert_allclose(two, one / one[1], rtol=1e-10)


def test_a_line_is_its_ratio_per_unit(people):
    fit = logistic("itch ~ cadmium + sex", people)
    found = dose_response(fit, "cadmium", 1, values=[0, 2])
    ratio = np.exp(fit.coefficients["cadmium"])
    np.testing.assert_allclose(found.table["estimate"], [1 / ratio, ratio], rtol=1e-10)
    assert found.nonlinearity["df"] == 0 and np.isnan(found.nonlinearity["p_value"])
    assert any("straight line" in note for note in found.notes)
    z = fit.table[fit.table["term"] == "cadmium"]["statistic"].iloc[0]
    assert found.overall["statistic"] == pytest.approx(z**2, rel=1e-8)


def test_a_logarithm_is_not_tested_for_a_line(people):
    found = dose_response(logistic("itch ~ np.log(cadmium)", people), "cadmium", 1)
    assert np.isnan(found.nonlinearity["p_value"]) and "no straight line" in found.notes[0]


def test_interaction_needs_the_other_variable(people):
    fit = logistic("itch ~ rcs(cadmium, 3) * sex", people)
    with pytest.raises(ValueError, match=r"depends on sex .*give at=\{'sex'"):
        dose_response(fit, "cadmium", 1)
    women, men = (dose_response(fit, "cadmium", 1, at={"sex": sex}) for sex in ("f", "m"))
    alone = dose_response(logistic("itch ~ rcs(cadmium, 3)", people[people["sex"] == "f"]), "cadmium", 1)
    assert not np.allclose(women.curve["estimate"], men.curve["estimate"])
    assert women.nonlinearity["df"] == alone.nonlinearity["df"] == 1
    # with its own knots the model of the women alone is the same model
    knots = [float(k) for k in default_knots(people["cadmium"].to_numpy(), 3)]
    same = logistic(f"itch ~ rcs(cadmium, {knots})", people[people["sex"] == "f"])
    found = dose_response(same, "cadmium", 1, values=[0.5, 3]).table["estimate"]
    np.testing.assert_allclose(
        dose_response(fit, "cadmium", 1, at={"sex": "f"}, values=[0.5, 3]).table["estimate"], found, rtol=1e-6
    )


def test_bad_input(people):
    fit = logistic("itch ~ cadmium + sex", people)
    for arguments, options, message in [
        (("cadmum", 1), {}, "no variable 'cadmum'. Did you mean 'cadmium'"),
        (("sex", 1), {}, "'sex' is a category: see trend_test"),
        (("cadmium", "low"), {}, "reference: 'cadmium' is a number"),
        (("cadmium", np.nan), {}, "reference: 'cadmium' is a number"),
        (("cadmium", 1), {"values": [1, None]}, "values: 'cadmium' is a number"),
        (("cadmium", 1), {"between": (3, 2)}, r"between: \(3, 2\) must be two numbers that increase"),
        (("cadmium", 1), {"at": {"sex": "x"}}, "no level 'x'; it has f, m"),
    ]:
        with pytest.raises(ValueError, match=message):
            dose_response(fit, *arguments, **options)


def test_figure(people):
    found = dose_response(logistic("itch ~ rcs(cadmium)", people), "cadmium", 1)
    ax = found.plot(labels={"cadmium": "Urinary cadmium, µg/g"})
    assert ax.get_yscale() == "log" and ax.get_xlabel() == "Urinary cadmium, µg/g"
    assert ax.get_ylabel() == "OR (95% CI)"
    difference = dose_response(
        linear("cadmium ~ poly(age, 2)", people.assign(age=np.arange(800.0) % 61)), "age", 30
    )
    assert difference.plot().get_yscale() == "linear"
    plt.close("all")


def test_saved_without_the_observed_values(people, tmp_path):
    found = dose_response(logistic("itch ~ rcs(cadmium)", people), "cadmium", 1)
    found.save(tmp_path / "curve")
    again = DoseResponse.load(tmp_path / "curve")
    pd.testing.assert_frame_equal(again.curve, found.curve)
    assert again.nonlinearity == found.nonlinearity and again.observed is None
    again.plot()
    plt.close("all")
