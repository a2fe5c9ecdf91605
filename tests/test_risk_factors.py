"""The table of risk factors: the numbers of the single fits, side by side."""

import re

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from conftest import ROOT

import dermcohort as dc
from dermcohort.estimates import Estimates
from dermcohort.regression import (
    RiskFactors,
    adjust_p_values,
    linear,
    logistic,
    modified_poisson,
    poisson,
    risk_difference,
    risk_factors,
    term_tests,
)
from dermcohort.survival import cox

SAME = ["estimate", "conf_low", "conf_high", "p_value", "coef", "std_error", "n"]


@pytest.fixture(scope="module")
def births():
    """Low birth weight (MASS::birthwt); mothers' weight in thirds, smoking unknown of five."""
    data = pd.read_csv(ROOT / "validation" / "data" / "birthwt.csv")
    smoke = data["smoke"].astype(float)
    smoke[[3, 50, 90, 140, 180]] = np.nan
    weight = pd.cut(data["lwt"], [0, 110, 130, 300], labels=["low", "middle", "high"])
    race = data["race"].map({1: "white", 2: "black", 3: "other"})
    levels = pd.CategoricalDtype(["white", "black", "other"])
    return data.assign(
        smoke=smoke, weight=weight, race=race.astype(levels), years=1 + data["ftv"], clinic=data["age"] % 7
    )


def rows_of(found, model, term):
    return found.table.query("model == @model and term == @term")


def assert_same(found, model, term, fit, name=None):
    """The rows of a term are those of a fit, to the last digit."""
    expected = fit.table[fit.table["term"] == (name or term)]
    columns = [column for column in [*SAME, "events", "df"] if column in expected]
    assert len(expected) > 0
    np.testing.assert_array_equal(
        rows_of(found, model, term)[columns].to_numpy(float), expected[columns].to_numpy(float)
    )


# ------------------------------------------------------------------------------------------- the numbers


def test_odds_ratios_are_those_of_the_single_fits(births):
    sets = {"Crude": [], "Adjusted": ["age", "race", "smoke"]}
    found = risk_factors(births, "low", ["race", "smoke", "lwt"], sets)
    assert_same(found, "Crude", "race", logistic("low ~ race", births))
    assert_same(found, "Crude", "smoke", logistic("low ~ C(smoke)", births))
    assert_same(found, "Crude", "lwt", logistic("low ~ lwt", births))
    # an exposure among the covariates is not entered twice
    assert_same(found, "Adjusted", "race", logistic("low ~ race + age + smoke", births))
    assert_same(found, "Adjusted", "smoke", logistic("low ~ C(smoke) + age + race", births))
    assert_same(found, "Adjusted", "lwt", logistic("low ~ lwt + age + race + smoke", births))
    assert list(found.table.columns[:3]) == ["model", "term", "level"]
    assert found.table["level"].tolist()[3:5] == ["no", "yes"]


@pytest.mark.parametrize(
    ("measure", "fit"), [("PR", modified_poisson), ("RR", modified_poisson), ("RD", risk_difference)]
)
def test_measures_of_a_binary_outcome(births, measure, fit):
    found = risk_factors(births, "low", ["race"], {"Adjusted": ["ui"]}, measure)
    assert_same(found, "Adjusted", "race", fit("low ~ race + ui", births))
    assert set(found.table["measure"]) == {measure}


def test_differences_of_means(births):
    found = risk_factors(births, "bwt", ["smoke"], {"Adjusted": ["age"]}, "difference", robust="HC3")
    assert_same(found, "Adjusted", "smoke", linear("bwt ~ C(smoke) + age", births, robust="HC3"))
    assert "Events (%)" not in found.to_display()


def test_rate_ratios_with_an_offset(births):
    data = births.assign(log_years=np.log(births["years"]))
    found = risk_factors(
        data, "ptl", ["race"], {"Adjusted": ["age"]}, "IRR", offset="log_years", cluster="clinic"
    )
    assert_same(
        found, "Adjusted", "race", poisson("ptl ~ race + age", data, offset="log_years", cluster="clinic")
    )
    assert "Events" in found.to_display()


def test_hazard_ratios():
    data = pd.read_csv(ROOT / "validation" / "data" / "pbc.csv")
    data["dead"], data["stage"] = data["status"] == 2, data["stage"].astype("Int64").astype("category")
    found = risk_factors(
        data, "dead", ["stage", "albumin"], {"Crude": [], "Adjusted": ["age", "sex"]}, "HR",
        time="time", strata="edema", per={"albumin": "SD"},
    )  # fmt: skip
    alone = cox("stage + age + sex", data, time="time", event="dead", strata="edema")
    assert_same(found, "Adjusted", "stage", alone)
    step = float(data["albumin"].std())
    alone = cox(
        "albumin", data.assign(albumin=data["albumin"] / step), time="time", event="dead", strata="edema"
    )
    assert_same(found, "Crude", "albumin", alone)
    assert found.per == {"albumin": f"SD ({step:.3g})"}


def test_survey_design_and_weights(births):
    design = dc.SurveyDesign(weights="years", cluster="clinic")
    found = risk_factors(births, "low", ["race"], {"Adjusted": ["age"]}, design=design)
    assert_same(found, "Adjusted", "race", logistic("low ~ race + age", births, design=design))
    found = risk_factors(births, "low", ["race"], weights="years")
    assert_same(found, "Crude", "race", logistic("low ~ race", births, weights="years"))
    assert found.notes == (
        "Counts are rows, without weights.",
        "Weights: sampling or inverse-probability weights from 'years'.",
    )


@pytest.mark.parametrize(
    ("per", "formula", "shown"),
    [
        (10, "I(lwt / 10.0)", "lwt, per 10"),
        ("IQR", "I(lwt / 30.0)", "lwt, per IQR (30)"),
        ("doubling", "log2(lwt)", "lwt, per doubling"),
    ],
)
def test_steps_of_a_number(births, per, formula, shown):
    found = risk_factors(births, "low", ["lwt"], per={"lwt": per})
    assert_same(found, "Crude", "lwt", logistic(f"low ~ {formula}", births), formula)
    assert found.to_display().iloc[0, 0] == shown
    # the fit is on the scale of the data: it predicts for them
    assert found.models["lwt", "Crude"].predict(births).between(0, 1).all()


def test_exposures_adjusted_for_each_other(births):
    exposures = ["race", "ui", "lwt"]
    found = risk_factors(births, "low", exposures, {"Mutual": exposures}, per={"lwt": 10})
    together = logistic("low ~ race + ui + lwt", births.assign(lwt=births["lwt"] / 10))
    for term in exposures:
        own = rows_of(found, "Mutual", term).query("level.isna() or level != reference")["estimate"]
        alone = together.table.query("term == @term and (level.isna() or level != reference)")["estimate"]
        np.testing.assert_allclose(own, alone, rtol=1e-8)


def test_tests_are_those_of_the_functions(births):
    found = risk_factors(
        births, "low", ["weight", "race"], {"Adjusted": ["rcs(age, 3)", "smoke"]}, interaction_with="age"
    )
    tests = found.tests.set_index(["term", "test"])
    fit = logistic("low ~ weight + rcs(age, 3) + smoke", births)
    assert tests.loc[("weight", "all"), "p_value"] == term_tests(fit).table["p_value"].iloc[0]
    scored = births.assign(score=births["weight"].cat.codes + 1.0)
    slope = logistic("low ~ score + rcs(age, 3) + smoke", scored).table.iloc[0]
    assert tests.loc[("weight", "trend"), "p_value"] == pytest.approx(slope["p_value"], rel=1e-9)
    assert tests.loc[("weight", "trend"), "estimate"] == pytest.approx(slope["estimate"], rel=1e-9)
    assert ("race", "trend") not in tests.index  # not in order
    # the other variable is coded as the model has it
    crossed = term_tests(logistic("low ~ weight + rcs(age, 3) + smoke + weight:rcs(age, 3)", births)).table
    row = crossed[crossed["term"] == "weight:rcs(age, 3)"].iloc[0]
    assert tests.loc[("weight", "interaction with age"), "p_value"] == row["p_value"]
    assert tests.loc[("weight", "interaction with age"), "df"] == 4


def test_interaction_with_a_variable_outside_the_model(births):
    found = risk_factors(births, "low", ["race", "ui"], interaction_with="ui").tests
    crossed = term_tests(logistic("low ~ race * ui", births)).table
    row = found[found["test"] == "interaction with ui"]
    assert row["term"].tolist() == ["race"]  # none with itself
    assert row["p_value"].tolist() == crossed.loc[crossed["term"] == "race:ui", "p_value"].tolist()


def test_scores_of_a_trend(births):
    medians = births.groupby("weight", observed=True)["lwt"].median()
    scored = births.assign(score=births["weight"].map(medians).astype(float))
    expected = logistic("low ~ score", scored).table["p_value"].iloc[0]
    for scores in ("lwt", medians, medians.tolist()):
        found = risk_factors(births, "low", ["weight"], trend={"weight": scores}).tests
        assert found.loc[found["test"] == "trend", "p_value"].tolist() == [pytest.approx(expected, rel=1e-9)]
    assert "trend" not in set(risk_factors(births, "low", ["weight"], trend=False).tests["test"])


def test_imputed_data_are_pooled(births):
    data = births[["low", "race", "smoke", "lwt"]]
    imputed = dc.missing.impute(data.astype({"smoke": "category"}), m=3, iterations=2, seed=1)
    found = risk_factors(
        imputed, "low", ["race", "smoke"], {"Crude": [], "Adjusted": ["lwt", "race"]}, interaction_with="lwt"
    )
    pooled = dc.missing.pool(imputed.fit(lambda d: logistic("low ~ smoke + lwt + race", d)))
    assert_same(found, "Adjusted", "smoke", pooled)
    tests = found.tests.set_index(["model", "term", "test"])["p_value"]
    assert tests["Adjusted", "race", "all"] == pytest.approx(
        dc.missing.pool(imputed.fit(lambda d: logistic("low ~ race + lwt", d))).wald_test("race")["p_value"].iloc[0], rel=1e-12
    )  # fmt: skip
    assert found.n == 189
    assert found.method.startswith("Multiple imputation by chained equations (3 data sets")


# ------------------------------------------------------------------------------------------- which rows


def test_rows_of_each_model_and_rows_common_to_all(births):
    sets = {"Crude": [], "Adjusted": ["smoke"]}
    each = risk_factors(births, "low", ["race"], sets)
    sizes = each.table.groupby("model")["n"].sum()
    assert sizes.to_dict() == {"Crude": 189, "Adjusted": 184}
    assert "Each model has the rows complete in its own variables: 184 to 189 of 189." in each.notes
    assert each.n_missing == {"low": 0, "race": 0, "smoke": 5}

    common = risk_factors(births, "low", ["race"], sets, complete_cases="common")
    assert common.table.groupby("model")["n"].sum().tolist() == [184, 184]
    assert_same(common, "Crude", "race", logistic("low ~ race", births.dropna(subset=["smoke"])))
    assert common.notes[0] == "5 of 189 rows left out for missing values (smoke 5)."
    assert "Adjusted: n" in each.to_display()
    assert "Adjusted: n" not in common.to_display()


def test_common_rows_of_a_survey_stay_in_its_design(births):
    """Rows that are left out still count as sampled: the variance is that of a domain."""
    design = dc.SurveyDesign(weights="years", cluster="clinic")
    sets = {"Crude": [], "Adjusted": ["smoke"]}
    found = risk_factors(births, "low", ["race"], sets, design=design, complete_cases="common")
    domain = births.assign(low=births["low"].where(births["smoke"].notna()))
    assert_same(found, "Crude", "race", logistic("low ~ race", domain, design=design))


# ------------------------------------------------------------------------------------------- what fails


def separated():
    """Nobody who is never exposed has the outcome in level c; `same` is constant where `z` is known."""
    rng = np.random.default_rng(3)
    n = 120
    data = pd.DataFrame(
        {"case": rng.random(n) < 0.4, "x": rng.choice(list("abc"), n), "z": rng.normal(size=n), "same": 1.0}
    )
    data.loc[data["x"] == "c", "case"] = False
    data.loc[:9, "same"], data.loc[:9, "z"] = 2.0, np.nan
    return data


def test_a_model_that_cannot_be_fitted_is_noted():
    found = risk_factors(separated(), "case", ["same", "x"], {"Crude": [], "Adjusted": ["z"]})
    empty = rows_of(found, "Adjusted", "same")
    assert len(empty) == 1
    assert empty[["estimate", "conf_low", "p_value", "n"]].isna().all(axis=None)
    assert set(found.models) == {("same", "Crude"), ("x", "Crude"), ("x", "Adjusted")}
    assert any(
        note.startswith("same (Adjusted): not fitted: 'same' is the same in all 110 complete rows")
        for note in found.notes
    )
    # separation is a result, and its note says whose it is
    assert rows_of(found, "Crude", "x").query("level == 'c'")["estimate"].tolist() == [0.0]
    assert any(note.startswith("x (Crude): Separation") for note in found.notes)
    assert any("no test of all: no finite estimate" in note for note in found.notes)
    shown = found.to_display().set_index("")
    assert shown.loc["same", "Adjusted: OR (95% CI)"] == "–"
    plt.close(found.plot().figure)
    found.gt().as_raw_html()


def test_the_levels_of_a_failed_category_are_shown():
    data = pd.DataFrame({"case": [0, 1, 0, 1, 0, 1.0], "x": list("aabbab"), "z": [1, 2, 3, 1, 2, 3.0]})
    data["w"] = data["x"].map({"a": 0.0, "b": 1.0})
    found = risk_factors(data, "case", ["x"], {"Crude": [], "Adjusted": ["w"]})
    empty = rows_of(found, "Adjusted", "x")
    assert empty["level"].tolist() == ["a", "b"]
    assert empty["estimate"].isna().all()


def test_where_nothing_can_be_fitted_the_reason_is_raised(births):
    with pytest.raises(ValueError, match="no model could be fitted; race not fitted: 'low' is 0 in all"):
        risk_factors(births.assign(low=0), "low", ["race"])
    with pytest.raises(ValueError, match=r"no model could be fitted.*HC9"):
        risk_factors(births, "low", ["race"], robust="HC9")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"exposures": ["rase"]}, "data has no column 'rase'. Did you mean 'race'?"),
        ({"exposures": []}, "exposures: it is empty"),
        ({"exposures": ["rcs(age, 4)"]}, r"'rcs\(age, 4\)' is a formula.*dose_response"),
        ({"outcome": "lo"}, "data has no column 'lo'"),
        ({"models": {"A": ["agee"]}}, r"models: data \(for 'A'\) has no column 'agee'"),
        ({"models": {"A": ["age:race"]}}, "'age:race' of 'A' has the exposure 'race' in it"),
        ({"measure": "odds"}, "measure='odds' is unknown; choose one of OR"),
        ({"measure": "HR"}, "needs time="),
        ({"time": "years"}, "time= does not fit measure='OR'"),
        ({"measure": "HR", "time": "years", "offset": "ftv"}, "offset= does not fit measure='HR'"),
        ({"complete_cases": "all"}, "complete_cases='all' is unknown"),
        ({"per": {"race": 10}}, "per: 'race' is a category"),
        ({"per": {"age": 10}}, "per: 'age' is not among the exposures"),
        ({"exposures": ["lwt"], "per": {"lwt": "sd"}}, "per: 'sd' of 'lwt' is unknown"),
        ({"exposures": ["lwt"], "per": {"lwt": 0}}, "per: the step of 'lwt' is 0"),
        ({"trend": {"age": [1, 2]}}, "trend: 'age' is not among the exposures"),
        ({"exposures": ["lwt"], "trend": {"lwt": "age"}}, "trend: 'lwt' is a number"),
        ({"exposures": ["weight"], "trend": {"weight": [1, 2]}}, "3 numbers that differ"),
        ({"interaction_with": "sex"}, "data has no column 'sex'"),
    ],
)  # fmt: skip
def test_bad_arguments(births, change, message):
    given = {"outcome": "low", "exposures": ["race"], **change}
    with pytest.raises(ValueError, match=message):
        risk_factors(births, **given)


# ------------------------------------------------------------------------------------------- the views


def hand():
    """Two by two: 4 of 10 exposed and 2 of 10 others; three grades with 2 of 8, 2 of 6, 2 of 6 cases."""
    exposed = [1] * 10 + [0] * 10
    case = [1] * 4 + [0] * 6 + [1] * 2 + [0] * 8
    grade = pd.Categorical(
        ["a", "b", "b", "c", *"aaaabb", "a", "c", *"aabbcccc"], ["a", "b", "c"], ordered=True
    )
    return pd.DataFrame({"case": case, "exposed": exposed, "grade": grade})


def test_the_printed_table_of_a_hand_worked_case():
    """OR of exposure (4 x 8)/(6 x 2) = 2.67, its log's variance 1/4 + 1/6 + 1/2 + 1/8; of b (2/4)/(2/6) = 1.5."""
    found = risk_factors(
        hand(), "case", ["exposed", "grade"], labels={"exposed": "Exposure", "grade=c": "grave"}
    )
    half = 1.959963984540054 * np.sqrt(1 / 4 + 1 / 6 + 1 / 2 + 1 / 8)
    low, high = 8 / 3 * np.exp(-half), 8 / 3 * np.exp(half)
    shown = found.to_display()
    assert shown.columns.tolist() == ["", "n", "Events (%)", "Crude: OR (95% CI)", "Crude: p"]
    assert shown[""].tolist() == [
        "Exposure", "\u2003no", "\u2003yes", "grade", "\u2003a", "\u2003b", "\u2003grave", "\u2003p for trend",
    ]  # fmt: skip
    assert shown["n"].tolist() == ["", "10", "10", "", "8", "6", "6", ""]
    assert shown["Events (%)"].tolist()[1:3] == ["2 (20.0)", "4 (40.0)"]
    assert shown["Crude: OR (95% CI)"].tolist()[1:3] == ["1.00 (reference)", f"2.67 ({low:.2f}, {high:.2f})"]
    assert shown["Crude: OR (95% CI)"].tolist()[5].startswith("1.50 (")
    # p beside a variable is of three or more levels; one of two has it beside its level
    filled = (shown["Crude: p"] != "").tolist()
    assert filled == [False, False, True, True, False, True, True, True]


def test_models_stand_side_by_side(births):
    names = {"Crude": "Unadjusted", "race": "Ethnic group", "race=black": "Black"}
    found = risk_factors(births, "low", ["race"], {"Crude": [], "Adjusted": ["age"]}, labels=names)
    shown = found.to_display()
    assert shown.columns.tolist() == [
        "", "n", "Events (%)", "Unadjusted: OR (95% CI)", "Unadjusted: p", "Adjusted: OR (95% CI)", "Adjusted: p",
    ]  # fmt: skip
    html = found.gt(title="Risk factors").as_raw_html()
    assert html.count(">OR (95% CI)<") == 2
    # names given later go with those of the call
    assert found.gt(labels={"race": "Race"}).as_raw_html().count(">OR (95% CI)<") == 2
    assert ">Unadjusted<" in html
    assert "Covariates: none (Unadjusted); age (Adjusted)." in html
    assert "| Ethnic group |" in found.to_markdown()
    assert found.to_display({"race": "Race"})[""].iloc[0] == "Race"


def test_a_forest_plot_of_all_models(births):
    found = risk_factors(births, "low", ["race", "lwt"], {"Crude": [], "Adjusted": ["age"]}, per={"lwt": 10})
    ax = found.plot(labels={"race": "Race"})
    names = [label.get_text() for label in ax.get_yticklabels()]
    assert names == ["Race: white (reference)", "Race: black", "Race: other", "lwt, per 10"]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["Crude", "Adjusted"]
    segments = [line for lines in ax.collections for line in lines.get_segments()]
    ends = np.concatenate([line[:, 0] for line in segments if len(line)])
    low, high = (found.table[column].dropna() for column in ("conf_low", "conf_high"))
    np.testing.assert_allclose([ends.min(), ends.max()], [low.min(), high.max()])  # whole, not cut
    plt.close(ax.figure)
    ax = risk_factors(births, "bwt", ["race"], measure="difference").plot()
    assert ax.get_xscale() == "linear"
    plt.close(ax.figure)


def test_p_values_are_adjusted_for_all_tests(births):
    found = adjust_p_values(risk_factors(births, "low", ["race", "lwt"]), "bonferroni")
    assert isinstance(found, RiskFactors)
    np.testing.assert_allclose(found.table["p_adjusted"], np.minimum(3 * found.table["p_value"], 1))
    assert "Crude: Adjusted p" in found.to_display()


def test_it_is_saved_without_its_models(births, tmp_path):
    found = risk_factors(births, "low", ["race", "lwt"], per={"lwt": "SD"}, labels={"race": "Race"})
    found.save(tmp_path / "risk")
    loaded = Estimates.load(tmp_path / "risk")
    assert isinstance(loaded, RiskFactors)
    pd.testing.assert_frame_equal(loaded.to_display(), found.to_display())
    pd.testing.assert_frame_equal(loaded.tests, found.tests)
    assert loaded.models == {}
    assert len(found.models) == 2


def test_the_order_of_the_rows_does_not_matter(births):
    sets = {"Adjusted": ["age", "smoke"]}
    found = risk_factors(births, "low", ["race", "weight"], sets).table
    turned = risk_factors(births.sample(frac=1, random_state=2), "low", ["race", "weight"], sets).table
    np.testing.assert_allclose(turned[SAME].to_numpy(float), found[SAME].to_numpy(float), rtol=1e-9)


def test_columns_with_blanks_in_their_names(births):
    data = births.rename(columns={"low": "low weight", "lwt": "last weight", "race": "ethnic group"})
    found = risk_factors(
        data,
        "low weight",
        ["ethnic group", "last weight"],
        {"Adjusted": ["last weight", "age"]},
        per={"last weight": 10},
    )
    assert_same(found, "Adjusted", "ethnic group", logistic("low ~ race + lwt + age", births), "race")
    assert "last weight, age (Adjusted)" in found.method


def test_the_page_of_the_documentation_runs(monkeypatch):
    monkeypatch.chdir(ROOT)
    page = (ROOT / "docs" / "regression.md").read_text("utf-8")
    names: dict = {}
    for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL):
        exec(compile(block, "regression.md", "exec"), names)
    plt.close("all")
    assert isinstance(names["factors"], RiskFactors)
