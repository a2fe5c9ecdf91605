"""Tests of terms, likelihood ratio tests and contrasts, against R (validation/own/terms.R)."""

import re

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from conftest import ROOT
from golden import read, reference
from scipy.stats import chi2

import dermcohort as dc
from dermcohort import SurveyDesign
from dermcohort.missing import pool
from dermcohort.regression import (
    contrast,
    gee,
    likelihood_ratio_test,
    linear,
    logistic,
    mixed_linear,
    poisson,
    term_tests,
    trend_test,
)
from dermcohort.survival import cox, fine_gray

NHANES = SurveyDesign("WTMEC2YR", strata="SDMVSTRA", cluster="SDMVPSU", nest=True)
RTOL = 1e-8


def lung() -> pd.DataFrame:
    data = read("lung").rename(columns={"wt.loss": "loss"})
    return data.assign(dead=data["status"] - 1, ecog=data["ph.ecog"].clip(upper=2))


def infert() -> pd.DataFrame:
    data = read("infert")
    return data.assign(education=pd.Categorical(data["education"], ["0-5yrs", "6-11yrs", "12+ yrs"]))


def rotterdam() -> pd.DataFrame:
    data = read("rotterdam")
    return data.assign(size=pd.Categorical(data["size"], ["<=20", "20-50", ">50"]))


def nhanes_fit():
    data = read("nhanes")
    data = data.assign(race=data["race"].astype(str))
    return logistic("HI_CHOL ~ race + agecat + RIAGENDR", data, design=NHANES)


def completed() -> list[pd.DataFrame]:
    data = read("lung_completed").rename(columns={"wt.loss": "loss"})
    return [d.drop(columns=".imp") for _, d in data.groupby(".imp")]


def numbers(table: pd.DataFrame, *columns: str) -> np.ndarray:
    return table[list(columns)].to_numpy(float).ravel()


# ------------------------------------------------------------------------------------ tests of terms


def test_cox_with_a_spline():
    """rms has 1 - pchisq, which is 0 below 1e-16."""
    fit = cox("rcs(age, 5) + size + hormon", rotterdam(), time="rtime", event="recur")
    found = term_tests(fit).table
    values = [*fit.coefficients, *numbers(found, "statistic", "df", "p_value")]
    np.testing.assert_allclose(values, reference("own.cph.rcs.rotterdam"), rtol=RTOL, atol=1e-15)
    assert found["test"].tolist() == ["all", "nonlinear", "all", "all"]


def test_spline_in_an_interaction():
    fit = logistic("dead ~ rcs(age, 3) * sex + C(ecog)", lung())
    rows = term_tests(fit).table.set_index(["term", "test"])
    wanted = [
        ("rcs(age, 3)", "with interactions"),
        ("rcs(age, 3)", "nonlinear with interactions"),
        ("sex", "with interactions"),
        ("ecog", "all"),
        ("rcs(age, 3):sex", "all"),
        ("rcs(age, 3):sex", "nonlinear"),
    ]
    found = numbers(rows.loc[wanted], "statistic", "df", "p_value")
    np.testing.assert_allclose(found, reference("own.lrm.interaction"), rtol=RTOL)


def test_least_squares_by_f():
    fit = linear("loss ~ rcs(age, 4) + C(ecog) + sex", lung())
    found = term_tests(fit).table
    np.testing.assert_allclose(
        [*numbers(found, "statistic", "df", "p_value"), found["df_denominator"].unique()[0]],
        reference("own.ols.rcs"),
        rtol=1e-9,
    )


def test_survey_by_f():
    found = term_tests(nhanes_fit()).table
    np.testing.assert_allclose(
        numbers(found, "statistic", "df", "df_denominator", "p_value"), reference("own.regterm"), rtol=RTOL
    )


def test_few_clusters_by_htz():
    """The four tests of R are of Cu, of Time, of their interaction, and of Cu with it."""
    fit = linear("Weight ~ Cu * Time", read("dietox"), cluster="Pig", robust="CR2")
    found = term_tests(fit).table.set_index(["term", "test"])
    wanted = [("Cu", "all"), ("Time", "all"), ("Cu:Time", "all"), ("Cu", "with interactions")]
    columns = ("statistic", "df", "df_denominator", "p_value")
    np.testing.assert_allclose(numbers(found.loc[wanted], *columns), reference("own.htz"), rtol=RTOL)


def test_few_clusters_of_a_logistic_model():
    data = read("bacteria").assign(y=lambda d: d["y"] == "y")
    data["trt"] = pd.Categorical(data["trt"], ["placebo", "drug", "drug+"])
    found = term_tests(logistic("y ~ trt + week", data, cluster="ID", robust="CR2")).table.iloc[[0]]
    columns = ("statistic", "df", "df_denominator", "p_value")
    np.testing.assert_allclose(numbers(found, *columns), reference("own.htz.logit"), rtol=RTOL)


def test_pooled_nonlinearity_by_d1():
    formula = "dead ~ rcs(loss, [0, 5, 10, 20]) + age"
    pooled = pool([logistic(formula, d) for d in completed()])
    found = term_tests(pooled).table.iloc[1]
    np.testing.assert_allclose(
        found[["statistic", "df", "df_denominator", "p_value"]].astype(float),
        reference("own.d1.nonlinear"),
        rtol=RTOL,
    )


def test_pooled_survey_fits_have_the_df_of_the_design():
    """30 sampling units, 3 coefficients: 29 + 1 - 3 degrees of freedom had nothing been missing."""
    design = SurveyDesign("w", cluster="unit")
    units = [d.assign(w=1.0, unit=np.arange(len(d)) % 30) for d in completed()]
    pooled = pool([logistic("dead ~ age + loss", d, design=design) for d in units])
    assert pooled.complete_df == 27
    row = pooled.table[pooled.table["term"] == "loss"].iloc[0]
    found = contrast(pooled, "loss", 1, 0).table.iloc[0]
    np.testing.assert_allclose(
        found[["coef", "df"]].astype(float), row[["coef", "df"]].astype(float), rtol=1e-9
    )


def test_one_coefficient_is_its_own_z_squared():
    fit = logistic("case ~ age + education", infert())
    row = fit.table[fit.table["term"] == "age"].iloc[0]
    found = term_tests(fit).table.iloc[0]
    assert found["statistic"] == pytest.approx(row["statistic"] ** 2, rel=1e-12)
    assert found["p_value"] == pytest.approx(row["p_value"], rel=1e-9)


def test_reference_level_and_row_order_change_nothing():
    data = infert()
    other = data.assign(education=data["education"].cat.reorder_categories(["12+ yrs", "0-5yrs", "6-11yrs"]))
    first = term_tests(logistic("case ~ education + age", data)).table
    for changed in (other, data.sample(frac=1, random_state=3)):
        second = term_tests(logistic("case ~ education + age", changed)).table
        pd.testing.assert_frame_equal(first, second, rtol=1e-8)


def test_gee_and_mixed_models():
    data = read("ohio").assign(age=lambda d: d["age"].astype(str))
    found = term_tests(gee("resp ~ age + smoke", data, groups="id"))
    assert found.table["df"].tolist() == [3, 1] and found.table["p_value"].between(0, 1).all()
    pigs = read("dietox")
    mixed = term_tests(mixed_linear("Weight ~ Cu + Time", pigs, groups="Pig"))
    assert "df_denominator" in mixed.table and mixed.table["df"].tolist() == [2, 1]


def test_no_finite_estimate_is_no_test():
    data = pd.DataFrame(
        {"y": [0, 1, 0, 1, 1, 1, 1, 1] * 5, "x": ["a", "a", "a", "a", "b", "b", "b", "b"] * 5}
    )
    data["age"] = np.arange(40) % 7
    found = term_tests(logistic("y ~ x + age", data))
    assert np.isnan(found.table["p_value"][0]) and found.table["p_value"][1] < 1
    assert any("No test of x" in note for note in found.notes)


def test_fewer_sampling_units_than_coefficients_is_no_test():
    rng = np.random.default_rng(0)
    data = pd.DataFrame(
        {"y": rng.normal(size=90), "g": rng.choice(list("abcdef"), 90), "c": np.arange(90) % 3}
    )
    found = term_tests(linear("y ~ g", data, cluster="c", robust="CR1"))
    assert found.table["p_value"].isna().all() and "fewer clusters" in found.notes[0]


def test_bad_input_to_term_tests(tmp_path):
    with pytest.raises(TypeError, match="a fitted or pooled model is needed"):
        term_tests(dc.prevalence.crude(lung(), "dead"))
    fit = logistic("case ~ age", infert())
    fit.save(tmp_path / "fit")
    with pytest.raises(ValueError, match="loaded from a file"):
        term_tests(dc.regression.GLMFit.load(tmp_path / "fit"))
    with pytest.raises(ValueError, match="no term but the intercept"):
        term_tests(logistic("case ~ 1", infert()))


def test_printed_and_saved(tmp_path):
    found = term_tests(linear("loss ~ rcs(age, 3) + sex", lung()))
    shown = found.to_display({"sex": "Sex"})
    assert list(shown) == ["", "Test", "F", "df", "p"] and shown[""].iloc[-1] == "Sex"
    assert "Wald tests of terms (F)" in found.to_markdown()
    found.save(tmp_path / "tests")
    pd.testing.assert_frame_equal(dc.regression.TermTests.load(tmp_path / "tests").table, found.table)
    with pytest.raises(ValueError, match="no estimates to draw"):
        found.plot()


def test_other_knots_in_another_data_set_are_not_pooled():
    with pytest.raises(ValueError, match="other knots in rcs"):
        pool([logistic("dead ~ rcs(loss, 3)", d) for d in completed()])


# ---------------------------------------------------------------------------------- likelihood ratio


@pytest.mark.parametrize(
    ("identifier", "fit", "smaller"),
    [
        (
            "own.lrt.glm",
            lambda: logistic("case ~ education + age + spontaneous", infert()),
            lambda: logistic("case ~ age + spontaneous", infert()),
        ),
        (
            "own.lrt.poisson",
            lambda: poisson("y ~ trt * lbase + V4", read("epil"), robust=False),
            lambda: poisson("y ~ lbase + V4", read("epil"), robust=False),
        ),
        (
            "own.lrt.lm",
            lambda: linear("loss ~ age + C(ecog) + sex", lung()),
            lambda: linear("loss ~ age + sex", lung().dropna(subset="ecog")),
        ),
        (
            "own.lrt.cox",
            lambda: cox("celltype + karno + age", read("veteran"), time="time", event="status", strata="trt"),
            lambda: cox("karno + age", read("veteran"), time="time", event="status", strata="trt"),
        ),
    ],
)
def test_likelihood_ratio(identifier, fit, smaller):
    found = likelihood_ratio_test(fit(), smaller()).table
    np.testing.assert_allclose(numbers(found, "statistic", "df", "p_value"), reference(identifier), rtol=1e-7)


def test_likelihood_ratio_by_hand():
    """10 of 20 exposed and 5 of 20 unexposed are cases: 2 sum O log(O / E) with E 7.5 and 12.5."""
    data = pd.DataFrame({"case": [1] * 10 + [0] * 10 + [1] * 5 + [0] * 15, "exposed": [1] * 20 + [0] * 20})
    data["age"] = 1.0 * (np.arange(40) % 2)
    statistic = 2 * (
        10 * np.log(10 / 7.5) + 10 * np.log(10 / 12.5) + 5 * np.log(5 / 7.5) + 15 * np.log(15 / 12.5)
    )
    row = likelihood_ratio_test(logistic("case ~ exposed", data), logistic("case ~ 1", data)).table.iloc[0]
    assert row["statistic"] == pytest.approx(statistic, rel=1e-10)
    assert row["p_value"] == pytest.approx(chi2.sf(statistic, 1), rel=1e-9)
    assert row["term"] == "exposed"


def test_a_line_is_nested_in_a_spline():
    data = infert()
    found = likelihood_ratio_test(logistic("case ~ rcs(age, 4)", data), logistic("case ~ age", data))
    assert found.table["df"].tolist() == [2]


def test_frequency_weights_are_rows():
    data = infert()
    weighted = data.assign(w=2)
    twice = pd.concat([data, data], ignore_index=True)
    found = [
        likelihood_ratio_test(*(logistic(f, d, **options) for f in ("case ~ age + parity", "case ~ age")))
        for d, options in ((weighted, {"weights": "w", "robust": False}), (twice, {}))
    ]
    np.testing.assert_allclose(found[0].table["statistic"], found[1].table["statistic"], rtol=1e-9)


def test_what_has_no_likelihood_ratio():
    data, pigs = infert(), read("dietox")
    plain = logistic("case ~ age", data)
    refused = [
        (logistic("case ~ age + parity", data, robust="HC0"), "robust variance .HC0.*term_tests"),
        (gee("case ~ age + parity", data, groups="stratum"), "GEE"),
        (mixed_linear("Weight ~ Time", pigs, groups="Pig"), "REML"),
    ]
    for fit, message in refused:
        with pytest.raises(ValueError, match=message):
            likelihood_ratio_test(fit, plain)
    pooled = pool([logistic("dead ~ age", d) for d in completed()])
    with pytest.raises(TypeError, match=r"term_tests \(D1\)"):
        likelihood_ratio_test(pooled, plain)
    with pytest.raises(TypeError, match="not a fitted model"):
        likelihood_ratio_test(plain, dc.prevalence.crude(data, "case"))


def test_models_that_are_not_nested():
    data = infert()
    plain = logistic("case ~ age + parity", data)
    with pytest.raises(ValueError, match="not nested: spontaneous is not in fit"):
        likelihood_ratio_test(plain, logistic("case ~ spontaneous", data))
    with pytest.raises(ValueError, match="as many coefficients"):
        likelihood_ratio_test(plain, logistic("case ~ parity + age", data))
    with pytest.raises(ValueError, match="smaller 200, and they must be the same"):
        likelihood_ratio_test(plain, logistic("case ~ age", data[:200]))
    with pytest.raises(ValueError, match="outcome, weights or offset differ"):
        likelihood_ratio_test(plain, logistic("I(age > 30) ~ parity", data))
    with pytest.raises(ValueError, match="case differ"):
        likelihood_ratio_test(plain, logistic("case ~ age", data.assign(case=1 - data["case"])))
    with pytest.raises(TypeError, match="CoxFit"):
        likelihood_ratio_test(plain, cox("age", lung(), time="time", event="dead"))
    with pytest.raises(ValueError, match="family differ"):
        likelihood_ratio_test(plain, poisson("case ~ age", data, robust=False))


# ----------------------------------------------------------------------------------------- contrasts


def test_all_pairs_of_levels():
    found = contrast(logistic("case ~ education + age", infert()), "education")
    columns = found.table[["estimate", "conf_low", "conf_high", "p_value"]]
    np.testing.assert_allclose(columns.T.to_numpy().ravel(), reference("own.contrast.pairs"), rtol=RTOL)
    assert found.table["level"].tolist() == ["6-11yrs", "12+ yrs", "12+ yrs"]
    assert found.table["reference"].tolist() == ["0-5yrs", "0-5yrs", "6-11yrs"]
    assert "not adjusted for the number of comparisons (3)" in found.notes[0]


def test_rows_that_differ_in_variables_that_interact():
    fit = cox("rcs(age, 3) * sex", lung(), time="time", event="dead")
    found = contrast(fit, at={"age": 70, "sex": 2}, reference={"age": 55, "sex": 1}).table
    values = numbers(found, "estimate", "conf_low", "conf_high", "p_value")
    np.testing.assert_allclose(values, reference("own.contrast.at"), rtol=RTOL)
    assert found.iloc[0][["term", "level", "reference", "measure"]].tolist() == [
        "age, sex",
        "70, 2",
        "55, 1",
        "HR",
    ]


def test_contrast_in_a_survey():
    found = contrast(nhanes_fit(), "race", "3", "2").table
    values = numbers(found, "estimate", "conf_low", "conf_high", "p_value")
    np.testing.assert_allclose(values, reference("own.contrast.survey"), rtol=RTOL)


def test_contrast_with_few_clusters():
    fit = linear("Weight ~ Cu + Time", read("dietox"), cluster="Pig", robust="CR2")
    levels = sorted(read("dietox")["Cu"].unique())
    found = contrast(fit, "Cu", levels[2], levels[1]).table
    values = numbers(found, "estimate", "std_error", "df", "conf_low", "conf_high")
    np.testing.assert_allclose(values, reference("own.contrast.cr2"), rtol=1e-9)


def test_contrast_of_pooled_fits():
    pooled = pool([logistic("dead ~ C(ecog) + loss", d) for d in completed()])
    found = contrast(pooled, "ecog", 2, 1).table
    values = numbers(found, "estimate", "conf_low", "conf_high", "df")
    np.testing.assert_allclose(values, reference("own.contrast.pooled"), rtol=RTOL)


def test_contrast_of_pooled_fits_is_the_pooled_row():
    pooled = pool([logistic("dead ~ C(ecog) + loss", d) for d in completed()])
    found = contrast(pooled, "ecog", reference=0).table
    row = pooled.table[(pooled.table["term"] == "ecog") & (pooled.table["level"] != "0")]
    columns = ["estimate", "conf_low", "conf_high", "p_value", "df"]
    np.testing.assert_allclose(found[columns], row[columns].astype(float), rtol=1e-10)


@pytest.mark.parametrize("robust", [None, "HC3", "CR2"])
def test_contrast_with_the_reference_is_the_row_of_the_fit(robust):
    cluster = "stratum" if robust == "CR2" else None
    fit = linear("parity ~ education + age", infert(), robust=robust, cluster=cluster)
    found = contrast(fit, "education", reference="0-5yrs").table
    row = fit.table[(fit.table["term"] == "education") & (fit.table["level"] != "0-5yrs")]
    columns = ["estimate", "conf_low", "conf_high", "p_value", "df"]
    np.testing.assert_allclose(found[columns], row[columns].astype(float), rtol=1e-9)


def test_swapping_the_sides_inverts():
    fit = logistic("case ~ education + age", infert())
    there = contrast(fit, "education", "12+ yrs", "6-11yrs").table.iloc[0]
    back = contrast(fit, "education", "6-11yrs", "12+ yrs").table.iloc[0]
    assert there["estimate"] == pytest.approx(1 / back["estimate"], rel=1e-12)
    assert there["conf_low"] == pytest.approx(1 / back["conf_high"], rel=1e-12)
    numeric = contrast(fit, "age", 40, 30).table.iloc[0]
    assert numeric["coef"] == pytest.approx(10 * fit.coefficients["age"], rel=1e-10)
    assert contrast(fit, at={"age": 40}, reference={"age": 30}).table["coef"].iloc[0] == numeric["coef"]


def test_bad_contrasts():
    fit = logistic("case ~ education * age + parity", infert())
    cases = [
        (("education",), {}, r"depends on age \(term education:age\): give at=\{'age'"),
        (("educaton",), {}, "no variable 'educaton'. Did you mean 'education'"),
        (("education", "college", "0-5yrs"), {"at": {"age": 30}}, "no level 'college'; it has 0-5yrs"),
        (("education", "12+ yrs"), {"at": {"age": 30}}, "level needs a reference"),
        (("parity",), {}, "'parity' is a number: give level and reference"),
        (("parity", "many", 1), {}, "'parity' is a number, 'many' is none"),
        (("parity", 2, 2), {}, "the two sides are the same"),
        (("education",), {"at": {"education": "12+ yrs"}}, "is what is compared"),
        ((), {}, "give a variable"),
        ((), {"at": {"age": 30}, "reference": {"age": 30}}, "are the same"),
        ((), {"at": {"age": 30}, "reference": {"age": 20}}, "depends on education"),
    ]
    for arguments, options, message in cases:
        with pytest.raises(ValueError, match=message):
            contrast(fit, *arguments, **options)


# --------------------------------------------------------------------------------------------- trend


def test_trend_over_levels():
    fit = logistic("case ~ education + age", infert())
    found = trend_test(fit, "education", [1, 2, 4]).table
    values = numbers(found, "estimate", "statistic", "p_value")
    np.testing.assert_allclose(values, reference("own.trend.poly"), rtol=RTOL)
    scores = {"0-5yrs": 1, "6-11yrs": 2, "12+ yrs": 4}
    for given in (scores, pd.Series(scores)):
        pd.testing.assert_frame_equal(trend_test(fit, "education", given).table, found)


def test_trend_by_hand():
    """Means 1, 3 and 8: the slope on 1, 2, 3 is (8 - 1) / 2."""
    data = pd.DataFrame(
        {"dose": ["low", "mid", "top"] * 4, "y": np.tile([1.0, 3, 8], 4) + np.repeat([-1, 1], 6)}
    )
    assert trend_test(linear("y ~ dose", data), "dose").table["estimate"].iloc[0] == pytest.approx(
        3.5, rel=1e-12
    )


def test_bad_trends():
    fit = logistic("case ~ education + age", infert())
    with pytest.raises(ValueError, match="'age' is a number"):
        trend_test(fit, "age")
    with pytest.raises(ValueError, match=r"no score for 6-11yrs, 12\+ yrs"):
        trend_test(fit, "education", {"0-5yrs": 1})
    with pytest.raises(ValueError, match="3 numbers that differ"):
        trend_test(fit, "education", [1, 2])


def test_the_page_of_the_documentation_runs(monkeypatch):
    monkeypatch.chdir(ROOT)
    page = (ROOT / "docs" / "terms.md").read_text("utf-8")
    blocks = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    names: dict = {}
    for block in blocks:
        exec(compile(block, "terms.md", "exec"), names)
    plt.close("all")
    assert names["curve"].nonlinearity["df"] == 2


def test_a_pseudo_likelihood_has_no_ratio_test():
    data = pd.DataFrame({"t": range(1, 13), "x": [0, 1] * 6, "z": [3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8],
                         "end": pd.Categorical(["a", "a", "b", "no"] * 3, ["no", "a", "b"])})  # fmt: skip
    fit, smaller = (fine_gray(f, data, time="t", event="end", cause="a") for f in ("x + z", "x"))
    with pytest.raises(ValueError, match="not that of the data"):
        likelihood_ratio_test(fit, smaller)


def test_penalized_probabilities_are_not_standardized():
    data = pd.DataFrame({"y": [0, 0, 1, 0, 1, 1], "x": [0, 0, 0, 1, 1, 1]})
    for function in (dc.regression.standardized_risks, dc.regression.attributable_fraction):
        with pytest.raises(ValueError, match="penalized"):
            function(dc.regression.firth("y ~ x", data), "x")
