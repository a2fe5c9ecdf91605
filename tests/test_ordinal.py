"""Proportional odds regression: against R (validation/own/categories.R), worked by hand, properties, thin data."""

import numpy as np
import pandas as pd
import pytest
from golden import read, reference
from hypothesis import given, settings
from hypothesis import strategies as st

from dermcohort import Estimates, ReplicateDesign, SurveyDesign
from dermcohort.regression import logistic, ordinal
from dermcohort.validate.categories import _housing

NHANES = SurveyDesign("WTMEC2YR", strata="SDMVSTRA", cluster="SDMVPSU", nest=True)
few = settings(max_examples=8, deadline=None)
seeds = given(seed=st.integers(0, 10_000))


def check(found, identifier, rtol=1e-8):
    np.testing.assert_allclose(np.asarray(found, float), reference(identifier), rtol=rtol)


def errors(fit) -> np.ndarray:
    return np.sqrt(np.diag(fit.covariance))


def wald_fields(fit) -> np.ndarray:
    return fit.table[["statistic", "df", "p_value"]].to_numpy(float).ravel()


@pytest.fixture(scope="module")
def rotterdam() -> pd.DataFrame:
    data = read("rotterdam")
    return data.assign(
        size=pd.Categorical(data["size"], ["<=20", "20-50", ">50"], ordered=True),
        grade=data["grade"].astype(str),
        age_10=data["age"] / 10,
        age_50=data["age"] / 50,
        log_pgr=np.log(data["pgr"] + 1),
        sampling=1 + data["pid"] % 4,
    )


@pytest.fixture(scope="module")
def colon() -> pd.DataFrame:
    """The trial with 47 invented villages of 20 people."""
    data = read("colon")
    return data[data["etype"] == 1].assign(village=(data["id"] - 1) // 20)


@pytest.fixture(scope="module")
def nhanes() -> pd.DataFrame:
    data = read("nhanes")
    return data.assign(
        agecat=pd.Categorical(data["agecat"], sorted(data["agecat"].unique())),
        race=data["race"].astype(str),
        sex=data["RIAGENDR"].astype(str),
    )


def severities(seed: int, n: int = 120, levels: int = 3) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    cuts = np.quantile(x, np.arange(1, levels) / levels)
    severity = np.digitize(x + rng.logistic(size=n), cuts)
    severity[:levels] = range(levels)
    return pd.DataFrame({"x": x, "z": np.arange(n) % 2, "site": np.arange(n) % 12, "severity": severity})


# ------------------------------------------------------------------------------------- against R


def test_frequency_weights():
    """polr.housing (validation/golden.csv) solved to the end."""
    fit = ordinal("Sat ~ Infl + Type + Cont", _housing(read), weights="Freq", robust=False)
    check([*fit.coefficients, *errors(fit), fit.loglik], "own.polr.housing")
    assert fit.coefficients.index[-2:].tolist() == ["Low|Medium", "Medium|High"]


def test_own_and_heteroscedastic_variance(rotterdam):
    formula = "size ~ age_10 + meno + grade + log_pgr"
    fits = [ordinal(formula, rotterdam, robust=kind) for kind in (None, "HC0", "HC1")]
    # formulaic puts categories first
    names = ["age_10", "meno", "grade[T.3]", "log_pgr", "<=20|20-50", "20-50|>50"]
    order = [fits[0].coefficients.index.get_loc(name) for name in names]
    found = [fits[0].coefficients, *(errors(fit) for fit in fits)]
    own = [np.asarray(values)[order] for values in found]
    check([*own[0], *own[1], fits[0].loglik, *own[2], *own[3]], "own.polr.size")


def test_sampling_weights(rotterdam):
    fits = [ordinal("size ~ age_10 + hormon", rotterdam, weights="sampling", robust=k) for k in (None, "HC1")]
    check([*fits[0].coefficients, *errors(fits[0]), *errors(fits[1])], "own.polr.weights")
    assert "sampling or inverse-probability" in fits[0].notes[-1]
    assert "(HC0)" in fits[0].method


def test_offset(rotterdam):
    fit = ordinal("size ~ meno + grade", rotterdam, offset="age_50")
    order = [fit.coefficients.index.get_loc(n) for n in ("meno", "grade[T.3]", "<=20|20-50", "20-50|>50")]
    check([*fit.coefficients.iloc[order], *errors(fit)[order], fit.loglik], "own.polr.offset")
    new = rotterdam.head(3)
    direct = ordinal("size ~ meno + grade + age_50", rotterdam)
    assert fit.predict(new).sum(axis=1).to_numpy() == pytest.approx(1, rel=1e-14)
    assert not np.allclose(fit.predict(new), direct.predict(new))


def test_clusters(colon):
    fits = [
        ordinal("differ ~ rx + sex + age", colon, cluster="village", robust=k) for k in ("CR0", None, "CR1S")
    ]
    # R puts Lev before Lev+5FU, the reference is Lev+5FU in neither: levels Lev, Lev+5FU, Obs
    check([*fits[0].coefficients, *np.concatenate([errors(fit) for fit in fits])], "own.polr.cluster")
    assert "(CR1, clusters by village)" in fits[1].method
    assert "differ 23" in fits[0].notes[0]


def test_predictions(rotterdam):
    fit = ordinal("size ~ age_10 + hormon", rotterdam)
    new = pd.DataFrame({"age_10": [4.0, 7.0, np.nan], "hormon": [0, 1, 0]}, index=list("abc"))
    found = fit.predict(new)
    check(found.iloc[:2].to_numpy().ravel(), "own.polr.predict")
    assert found.columns.tolist() == ["<=20", "20-50", ">50"]
    assert found.loc["c"].isna().all()


def test_survey_designs(nhanes):
    fit = ordinal("agecat ~ race + sex", nhanes, design=NHANES)
    check([*fit.coefficients, *errors(fit), fit.table["df"].dropna().iloc[0]], "own.svyolr.nhanes")
    # svyolr stops early and differentiates by finite differences
    check([*fit.coefficients, *errors(fit), fit.table["df"].dropna().iloc[0]], "own.svyolr.asis", rtol=1e-4)

    schools = read("apistrat")
    schools["level"] = pd.cut(schools["api00"], [0, 600, 700, 1000])
    strata = SurveyDesign("pw", strata="stype", fpc="fpc")
    fit = ordinal("level ~ ell + meals", schools, design=strata)
    check([*fit.coefficients, *errors(fit), fit.table["df"].iloc[0]], "own.svyolr.fpc")


def test_brant(rotterdam, nhanes, colon):
    fit = ordinal("size ~ age_10 + meno + grade + log_pgr", rotterdam)
    found = fit.proportional_odds_test().table.set_index("term")
    ordered = found.loc[["age_10", "meno", "grade", "log_pgr", "GLOBAL"], ["statistic", "df", "p_value"]]
    check(ordered.to_numpy(float).ravel(), "own.brant.size", rtol=1e-7)
    fit = ordinal("Sat ~ Infl + Type + Cont", _housing(read), weights="Freq", robust=False)
    check(wald_fields(fit.proportional_odds_test()), "own.brant.housing")
    check(wald_fields(ordinal("agecat ~ race + sex", nhanes).proportional_odds_test()), "own.brant.four")
    fit = ordinal("differ ~ rx + sex + age", colon, cluster="village")
    check(wald_fields(fit.proportional_odds_test()), "own.brant.cluster")


# --------------------------------------------------------------------------------- worked by hand


def test_two_groups_without_covariates_by_hand():
    """20, 30, 50 of 100 in three categories: the thresholds are the logits of 0.2 and 0.5."""
    data = pd.DataFrame({"y": np.repeat([1, 2, 3], [20, 30, 50])})
    fit = ordinal("y ~ 1", data)
    np.testing.assert_allclose(fit.coefficients, [np.log(0.2 / 0.8), 0.0], atol=1e-14)
    assert fit.coefficients.index.tolist() == ["1|2", "2|3"]
    expected = 20 * np.log(0.2) + 30 * np.log(0.3) + 50 * np.log(0.5)
    assert fit.loglik == pytest.approx(expected, rel=1e-14)
    assert fit.table.empty


def test_proportional_odds_that_hold_exactly():
    """Odds of a higher category 1:4 and 4:1 unexposed, 3 times that exposed: the odds ratio is 3, and Brant's is 0."""
    odds = np.array([4.0, 0.25])
    above = np.column_stack([odds / (1 + odds), 3 * odds / (1 + 3 * odds)])
    share = np.vstack([1 - above[0], above[0] - above[1], above[1]])
    data = pd.DataFrame(
        [(y, x, 1000 * share[y, x]) for y in range(3) for x in range(2)], columns=["y", "x", "w"]
    )
    fit = ordinal("y ~ x", data, weights="w", robust=False)
    assert fit.table["estimate"].item() == pytest.approx(3.0, rel=1e-10)
    np.testing.assert_allclose(fit.coefficients.iloc[1:], [-np.log(4), np.log(4)], rtol=1e-10)
    assert fit.proportional_odds_test().table["statistic"].to_numpy() == pytest.approx(0, abs=1e-20)


# -------------------------------------------------------------------------------------- properties


@few
@seeds
def test_two_categories_are_logistic_regression(seed):
    data = severities(seed, levels=2)
    fit, other = ordinal("severity ~ x + z", data), logistic("severity ~ x + z", data)
    expected = other.coefficients[["x", "z", "Intercept"]] * [1, 1, -1]
    np.testing.assert_allclose(fit.coefficients, expected, rtol=1e-9, atol=1e-10)
    robust = ordinal("severity ~ x + z", data, cluster="site").covariance.loc["x", "x"]
    other = logistic("severity ~ x + z", data, cluster="site").covariance.loc["x", "x"]
    assert robust == pytest.approx(other, rel=1e-8)


@few
@seeds
def test_order_of_rows_weights_and_direction(seed):
    data = severities(seed, levels=4)
    fit = ordinal("severity ~ x + z", data)
    shuffled = ordinal("severity ~ x + z", data.sample(frac=1, random_state=seed))
    np.testing.assert_allclose(shuffled.coefficients, fit.coefficients, rtol=1e-9, atol=1e-10)
    twice = ordinal("severity ~ x + z", pd.concat([data, data]))
    weighted = ordinal("severity ~ x + z", data.assign(w=2.0), weights="w", robust=False)
    np.testing.assert_allclose(weighted.covariance, twice.covariance, rtol=1e-8, atol=1e-12)
    reverse = ordinal("severity ~ x + z", data.assign(severity=3 - data["severity"]))
    np.testing.assert_allclose(reverse.coefficients[["x", "z"]], -fit.coefficients[["x", "z"]], rtol=1e-8)
    np.testing.assert_allclose(reverse.coefficients.iloc[2:], -fit.coefficients.iloc[:1:-1], rtol=1e-8)
    np.testing.assert_allclose(errors(reverse)[:2], errors(fit)[:2], rtol=1e-8)


def test_replicates_that_drop_one_site_are_the_jackknife():
    data = severities(3)
    sites = sorted(data["site"].unique())
    for site in sites:
        data[f"r{site}"] = np.where(data["site"] == site, 0.0, 12 / 11)
    data["w"] = 1.0
    design = ReplicateDesign("w", [f"r{site}" for site in sites], kind="JK1")
    fit = ordinal("severity ~ x", data, design=design)
    left = np.array([ordinal("severity ~ x", data[data["site"] != site]).coefficients for site in sites])
    deviations = left - left.mean(axis=0)
    np.testing.assert_allclose(fit.covariance, 11 / 12 * deviations.T @ deviations, rtol=1e-7)
    assert (fit.proportional_odds_test().table["statistic"] > 0).all()


# --------------------------------------------------------------------------- thin data and bad input


def test_category_that_does_not_occur():
    data = severities(1).assign(
        severity=lambda d: pd.Categorical(d["severity"].map({0: "mild", 1: "moderate", 2: "worst"}))
    )
    data["severity"] = data["severity"].cat.set_categories(["mild", "moderate", "severe", "worst"])
    fit = ordinal("severity ~ x", data)
    assert fit.levels == ("mild", "moderate", "worst")
    assert fit.notes == ("No row has 'severity' at severe: left out of the model.",)


def test_separation():
    data = pd.DataFrame({"y": np.repeat([0, 1, 2], 10), "x": np.repeat([0.0, 1.0, 2.0], 10)})
    data["z"] = np.arange(30) % 2
    fit = ordinal("y ~ x + z", data)
    row = fit.table.set_index("term").loc["x"]
    assert (row["estimate"], row["conf_low"], row["conf_high"]) == (np.inf, 0.0, np.inf)
    assert fit.notes[-1].startswith("Separation: the outcome is determined by x")


def test_brant_where_a_cut_is_separated():
    data = severities(2)
    data["rare"] = (data["severity"] == 2) & (data["x"] > 1)
    fit = ordinal("severity ~ x + rare", data.assign(rare=lambda d: d["rare"].astype(int)))
    with pytest.raises(ValueError, match=r"at the cut 0\|1 a covariate separates"):
        fit.proportional_odds_test()


def test_saved_estimates_predict_nothing(tmp_path):
    fit = ordinal("severity ~ x", severities(1))
    again = Estimates.load(fit.save(tmp_path / "fit"))
    pd.testing.assert_series_equal(again.coefficients, fit.coefficients)
    assert again.levels == fit.levels
    with pytest.raises(ValueError, match="fit the model again"):
        again.proportional_odds_test()


def test_printed():
    fit = ordinal("severity ~ x", severities(1))
    assert "| x | 2.30 (1.44, 3.66) |" in fit.to_markdown()
    assert "GLOBAL" in fit.proportional_odds_test().to_markdown()


@pytest.mark.parametrize(
    ("formula", "options", "message"),
    [
        ("text ~ x", {}, "'text' is text, which has no order: make it a category"),
        ("one ~ x", {}, "'one' is 1 in all 120 complete rows: there is nothing to model"),
        ("x ~ z", {}, "'x' has 120 different values: an outcome of categories has at most 30"),
        ("C(severity) ~ x", {}, "must be a column of the data"),
        ("severity ~ y", {}, "data has no column 'y'"),
        ("severity ~ x", {"robust": "CR2", "cluster": "site"}, "robust='CR2' is not available .* CR0, CR1"),
        ("severity ~ x", {"robust": "HC3"}, "robust='HC3' is not available .* HC0 or HC1"),
        ("severity ~ x", {"robust": False, "cluster": "site"}, "leave one out"),
        ("severity ~ none", {}, "no row has all of severity, none"),
        ("severity ~ x", {"offset": "infinite"}, "offset: 'infinite' is infinite in 120 rows"),
    ],
)
def test_bad_input(formula, options, message):
    data = severities(1).assign(text="a", one=1, none=np.nan, infinite=-np.inf)
    with pytest.raises(ValueError, match=message):
        ordinal(formula, data, **options)


def test_brant_needs_two_cuts_and_a_covariate():
    with pytest.raises(ValueError, match="two categories"):
        ordinal("severity ~ x", severities(1, levels=2)).proportional_odds_test()
    with pytest.raises(ValueError, match="no covariate"):
        ordinal("severity ~ 1", severities(1)).proportional_odds_test()
