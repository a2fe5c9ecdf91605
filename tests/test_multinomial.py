"""Multinomial regression: against R (validation/own/categories.R), worked by hand, properties, thin data."""

import numpy as np
import pandas as pd
import pytest
from golden import read, reference
from hypothesis import given, settings
from hypothesis import strategies as st

from dermcohort import Estimates, ReplicateDesign, SurveyDesign
from dermcohort.regression import contrast, likelihood_ratio_test, logistic, multinomial, term_tests
from dermcohort.validate.categories import _housing

few = settings(max_examples=8, deadline=None)
seeds = given(seed=st.integers(0, 10_000))


def check(found, identifier, rtol=1e-8):
    np.testing.assert_allclose(np.asarray(found, float), reference(identifier), rtol=rtol)


def errors(fit) -> np.ndarray:
    return np.sqrt(np.diag(fit.covariance))


@pytest.fixture(scope="module")
def infert() -> pd.DataFrame:
    data = read("infert")
    levels = ["0-5yrs", "6-11yrs", "12+ yrs"]
    return data.assign(education=pd.Categorical(data["education"], levels), w=1 + 0.5 * (data["case"] == 1))


def subtypes(seed: int, n: int = 150) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    scores = np.column_stack([np.zeros(n), 0.8 * x, -0.5 * x + 0.3]) + rng.gumbel(size=(n, 3))
    names = np.array(["guttate", "plaque", "pustular"])[scores.argmax(axis=1)]
    return pd.DataFrame({"x": x, "z": np.arange(n) % 2, "site": np.arange(n) % 15, "subtype": names})


# ------------------------------------------------------------------------------------- against R


def test_frequency_weights():
    """multinom.housing (validation/golden.csv) solved to the end."""
    fit = multinomial("Sat ~ Infl + Type + Cont", _housing(read), weights="Freq", robust=False)
    check([*fit.coefficients, *errors(fit), fit.loglik], "own.multinom.housing")
    assert fit.coefficients.index[[0, 7]].tolist() == ["Medium:Intercept", "High:Intercept"]
    assert not any("Few" in note for note in fit.notes)


def test_weights(infert):
    fits = [
        multinomial("education ~ age + parity", infert, weights="w", robust=k) for k in (False, None, "HC1")
    ]
    found = [*fits[0].coefficients, *errors(fits[0]), fits[0].loglik, *errors(fits[1]), *errors(fits[2])]
    check(found, "own.multinom.education")


def test_clusters():
    data = read("colon")
    data = data[data["etype"] == 1].assign(village=(data["id"] - 1) // 20)
    fits = [
        multinomial("differ ~ rx + sex", data, cluster="village", robust=k) for k in ("CR0", None, "CR1S")
    ]
    check([*fits[0].coefficients, *np.concatenate([errors(fit) for fit in fits])], "own.multinom.cluster")
    assert fits[0].levels == ("1", "2", "3")


def test_survey_design():
    design = SurveyDesign("pw", cluster="dnum", fpc="fpc")
    fit = multinomial("stype ~ ell + meals", read("apiclus1"), design=design)
    check([*fit.coefficients, *errors(fit), fit.table["df"].iloc[0]], "own.multinom.survey")


def test_predictions(infert):
    fit = multinomial("education ~ age + parity", infert)
    new = pd.DataFrame({"age": [25, 40, np.nan], "parity": [1, 4, 1]})
    found = fit.predict(new)
    check(found.iloc[:2].to_numpy().ravel(), "own.multinom.predict")
    assert found.iloc[2].isna().all()


# --------------------------------------------------------------------------------- worked by hand


def test_a_table_by_hand():
    """Exposed 10, 20, 30 and unexposed 20, 10, 10: odds ratios (20/10)/(10/20) = 4 and (30/10)/(10/20) = 6."""
    counts = {("a", 1): 10, ("b", 1): 20, ("c", 1): 30, ("a", 0): 20, ("b", 0): 10, ("c", 0): 10}
    rows = [pair for pair, n in counts.items() for _ in range(n)]
    data = pd.DataFrame(rows, columns=["y", "x"]).assign(exposed=lambda d: d["x"].map({0: "no", 1: "yes"}))
    fit = multinomial("y ~ exposed", data)
    table = fit.table[fit.table["level"] == "yes"].set_index("outcome_level")
    assert table["estimate"].tolist() == pytest.approx([4.0, 6.0], rel=1e-10)
    assert table["std_error"].loc["b"] == pytest.approx(np.sqrt(1 / 10 + 1 / 20 + 1 / 10 + 1 / 20), rel=1e-10)
    assert table[["n", "events"]].to_numpy().tolist() == [[60, 20], [60, 30]]
    reference_rows = fit.table[fit.table["level"] == "no"]
    assert reference_rows["events"].tolist() == [10, 10]
    assert fit.table.columns[0] == "outcome_level"
    assert "against a (relative risk ratios)" in fit.method
    np.testing.assert_allclose(fit.predict(pd.DataFrame({"exposed": ["yes"]})), [[1 / 6, 2 / 6, 3 / 6]])


# -------------------------------------------------------------------------------------- properties


@few
@seeds
def test_two_categories_are_logistic_regression(seed):
    data = subtypes(seed).assign(case=lambda d: (d["subtype"] == "plaque").astype(int))
    fit, other = multinomial("case ~ x + z", data), logistic("case ~ x + z", data)
    np.testing.assert_allclose(fit.coefficients, other.coefficients, rtol=1e-9, atol=1e-10)
    np.testing.assert_allclose(fit.covariance, other.covariance, rtol=1e-8)
    np.testing.assert_allclose(fit.table["conf_low"], other.table["conf_low"], rtol=1e-8)
    by_site = [model("case ~ x", data, cluster="site") for model in (multinomial, logistic)]
    np.testing.assert_allclose(by_site[0].covariance, by_site[1].covariance, rtol=1e-8)


@few
@seeds
def test_baseline_order_and_weights(seed):
    data = subtypes(seed)
    fit = multinomial("subtype ~ x + z", data)
    other = data.assign(subtype=pd.Categorical(data["subtype"], ["plaque", "pustular", "guttate"]))
    changed = multinomial("subtype ~ x + z", other.sample(frac=1, random_state=seed))
    assert changed.coefficients["guttate:x"] == pytest.approx(
        -fit.coefficients["plaque:x"], rel=1e-8, abs=1e-10
    )
    difference = fit.coefficients["pustular:x"] - fit.coefficients["plaque:x"]
    assert changed.coefficients["pustular:x"] == pytest.approx(difference, rel=1e-8, abs=1e-10)
    twice = multinomial("subtype ~ x", pd.concat([data, data]))
    weighted = multinomial("subtype ~ x", data.assign(w=2), weights="w", robust=False)
    np.testing.assert_allclose(weighted.covariance, twice.covariance, rtol=1e-8, atol=1e-12)


def test_offset_of_every_category():
    data = subtypes(4)
    fit = multinomial("subtype ~ x", data)
    moved = multinomial("subtype ~ x", data.assign(o=0.5 * data["x"] + 1), offset="o")
    expected = fit.coefficients - [1, 0.5, 1, 0.5]
    np.testing.assert_allclose(moved.coefficients, expected, rtol=1e-8, atol=1e-10)
    new = data.head(2).assign(o=[1.0, np.nan])
    assert moved.predict(new).isna().all(axis=1).tolist() == [False, True]


def test_replicates_that_drop_one_site_are_the_jackknife():
    data = subtypes(3).assign(w=1.0)
    sites = sorted(data["site"].unique())
    for site in sites:
        data[f"r{site}"] = np.where(data["site"] == site, 0.0, 15 / 14)
    design = ReplicateDesign("w", [f"r{site}" for site in sites], kind="JK1")
    fit = multinomial("subtype ~ x", data, design=design)
    left = np.array([multinomial("subtype ~ x", data[data["site"] != s]).coefficients for s in sites])
    deviations = left - left.mean(axis=0)
    np.testing.assert_allclose(fit.covariance, 14 / 15 * deviations.T @ deviations, rtol=1e-7)


# --------------------------------------------------------------------------- thin data and bad input


def test_category_that_no_row_with_weight_has():
    data = subtypes(1).assign(w=lambda d: (d["subtype"] != "plaque").astype(int))
    data["subtype"] = data["subtype"].astype("category")
    fit = multinomial("subtype ~ x", data, weights="w", robust=False)
    assert fit.levels == ("guttate", "pustular")
    assert "No row has 'subtype' at plaque: left out of the model." in fit.notes
    assert fit.table["outcome_level"].tolist() == ["pustular"]


def test_separation_of_one_category():
    data = subtypes(2, 200)
    data["treated"] = np.where((data["subtype"] == "pustular") & (np.arange(200) % 2 == 0), 1, 0)
    data.loc[data["subtype"] == "guttate", "treated"] = np.arange((data["subtype"] == "guttate").sum()) % 2
    fit = multinomial("subtype ~ treated", data)
    table = fit.table.set_index("outcome_level")
    assert (table.loc["plaque", "estimate"], table.loc["plaque", "conf_high"]) == (0.0, np.inf)
    assert 0 < table.loc["pustular", "conf_low"] < np.inf
    assert fit.notes[-1].startswith("Separation: the outcome is determined by treated")


def test_few_rows_of_a_category():
    data = subtypes(1)
    data.loc[:4, "subtype"] = "rare"
    assert "Few rows: 5 with subtype = rare for 1 coefficients" in multinomial("subtype ~ x", data).notes[-1]


def test_saved_and_printed(tmp_path):
    fit = multinomial("subtype ~ x", subtypes(1))
    again = Estimates.load(fit.save(tmp_path / "fit"))
    pd.testing.assert_frame_equal(again.table, fit.table)
    pd.testing.assert_frame_equal(again.covariance, fit.covariance)
    assert "plaque" in fit.to_markdown()
    with pytest.raises(ValueError, match="fit the model again"):
        again.predict(subtypes(1))


@pytest.mark.parametrize(
    ("formula", "options", "message"),
    [
        ("one ~ x", {}, "'one' is 1 in all 150 complete rows"),
        ("I(x > 0) ~ z", {}, "must be a column of the data"),
        ("subtype ~ x", {"weights": "negative"}, "must not be negative"),
        ("subtype ~ x", {"robust": "CR3", "cluster": "site"}, "robust='CR3' is not available"),
        ("subtype ~ x", {"cluster": "one"}, "all rows are in one cluster"),
    ],
)
def test_bad_input(formula, options, message):
    data = subtypes(1).assign(one=1, negative=-1.0)
    with pytest.raises(ValueError, match=message):
        multinomial(formula, data, **options)


def test_terms_of_all_equations_together():
    """Wald's test and the likelihood ratio's have a degree of freedom for each category and column."""
    options = {"data": _housing(read), "weights": "Freq", "robust": False}
    fit = multinomial("Sat ~ Infl + Type + Cont", **options)
    terms = term_tests(fit).table[["statistic", "df", "p_value"]].to_numpy(float)
    ratio = likelihood_ratio_test(fit, multinomial("Sat ~ Type + Cont", **options))
    check(
        [*terms.ravel(), *ratio.table[["statistic", "df", "p_value"]].to_numpy(float)[0]],
        "own.multinom.terms",
    )
    with pytest.raises(ValueError, match="an effect for each category"):
        contrast(fit, "Infl")
