"""Incidence rates compared: ratio, difference, strata, and standardized rates.

By hand: 4 events in 200 years against 1 in 100 make the rates 0.02 and 0.01: ratio 2, difference 10 per 1,000; the log
interval is 2 exp(-+1.96 sqrt(1/4 + 1/1)), the score test (4 - 5 x 2/3)^2 / (5 x 2/3 x 1/3) = 0.4.
Given 5 events, 4 or more of the exposed at p = 2/3 have probability 112/243.
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from golden import read, reference
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from dermcohort.prevalence import standardized
from dermcohort.survival import incidence_rate, lexis, rate_difference, rate_ratio, standardized_rate

SMALL = pd.DataFrame({"exposed": ["no", "yes"], "cases": [1, 4], "years": [100.0, 200.0]})
ARGUMENTS = ("years", "cases", "exposed")


def table(x1, t1, x0, t0, **more):
    return pd.DataFrame({"exposed": ["no", "yes"], "cases": [x0, x1], "years": [t0, t1], **more})


def numbers(estimates, *columns, row=1):
    return estimates.table.loc[row, list(columns)].to_numpy(float)


def colon_deaths():
    data = read("colon")
    data = data[data["etype"] == 2]
    return data.assign(years=data["time"] / 365.25, old=(data["age"] >= 60).astype(int))


LIMITS = ("estimate", "conf_low", "conf_high")
IRI = table(41, 28010, 15, 19017)
FEW = table(3, 120.5, 1, 310.25)
NONE = table(0, 100, 5, 80)


def test_two_groups_by_hand():
    ratio = rate_ratio(SMALL, *ARGUMENTS, ci="wald").table
    half = norm.ppf(0.975) * math.sqrt(1.25)
    assert ratio["level"].tolist() == ["no", "yes"] and (ratio["reference"] == "no").all()
    assert ratio["rate"].tolist() == [10, 20] and ratio["person_years"].tolist() == [100, 200]
    assert ratio["events"].tolist() == [1, 4] and ratio["estimate"].tolist() == [1, 2]
    found = ratio.loc[1, ["conf_low", "conf_high", "std_error", "statistic", "df"]].to_numpy(float)
    np.testing.assert_allclose(found, [2 * math.exp(-half), 2 * math.exp(half), math.sqrt(1.25), 0.4, 1])
    exact = rate_ratio(SMALL, *ARGUMENTS)
    # those no more likely than 4 of 5 (80/243): 80 + 32 + 1 + 10 + 40 of 243; 3 of 5 is as likely, 80 too
    assert exact.table.loc[1, "p_value"] == 1
    assert math.isnan(exact.table.loc[1, "statistic"]) and exact.n == 2 and exact.events == 5
    mid = rate_ratio(SMALL, *ARGUMENTS, ci="mid-p").table.loc[1]
    assert mid["p_value"] == pytest.approx(2 * (32 + 40) / 243, rel=1e-12)
    difference = rate_difference(SMALL, *ARGUMENTS).table.loc[1]
    assert difference["measure"] == "rate difference per 1,000 person-years"
    width = norm.ppf(0.975) * 1000 * math.sqrt(4 / 200**2 + 1 / 100**2)
    assert difference["estimate"] == pytest.approx(10)
    assert difference["conf_high"] - difference["estimate"] == pytest.approx(width)


# ---------------------------------------------------------------- R


@pytest.mark.parametrize(
    ("identifier", "data", "arguments", "options"),
    [
        ("irr.exact", IRI, ARGUMENTS, {}),
        ("own.irr.exact.colon", None, ("years", "status", "sex"), {}),
        ("own.irr.exact.veteran", "veteran", ("time", "status", "trt"), {"conf_level": 0.9}),
        ("own.irr.exact.small", FEW, ARGUMENTS, {}),
        ("own.irr.exact.zero", NONE, ARGUMENTS, {}),
    ],
)
def test_exact_ratio_as_poisson_test(identifier, data, arguments, options):
    data = colon_deaths() if data is None else read(data) if isinstance(data, str) else data
    found = numbers(rate_ratio(data, *arguments, **options), *LIMITS, "p_value")
    np.testing.assert_allclose(found, reference(identifier), rtol=1e-12)


def test_mid_p_ratio():
    found = [
        rate_ratio(IRI, *ARGUMENTS, ci="mid-p"),
        rate_ratio(colon_deaths(), "years", "status", "obstruct", ci="mid-p", conf_level=0.99),
        rate_ratio(FEW, *ARGUMENTS, ci="mid-p"),
    ]
    for estimates, name in zip(found, ("iri", "colon", "small"), strict=True):
        values = numbers(estimates, "conf_low", "conf_high", "p_value")
        np.testing.assert_allclose(values, reference(f"own.irr.midp.{name}"), rtol=1e-11)  # uniroot in R
    assert round(found[0].table.loc[1, "p_value"], 4) == 0.0355  # Stata's iri


def test_wald_ratio_and_differences():
    colon, columns = colon_deaths(), ("years", "status", "obstruct")
    found = numbers(
        rate_ratio(colon, *columns, ci="wald"), *LIMITS, "coef", "std_error", "statistic", "p_value"
    )
    np.testing.assert_allclose(found, reference("own.irr.wald.colon"), rtol=1e-11)  # sums of 929 times
    found = numbers(rate_difference(IRI, *ARGUMENTS, per=1), *LIMITS, "std_error")
    np.testing.assert_allclose(found, reference("own.ird.iri"), rtol=1e-12)
    np.testing.assert_allclose(found[:3], [0.000675, 0.0000749, 0.0012751], atol=5e-7)  # Stata's iri
    found = numbers(rate_difference(colon, *columns, per=1), *LIMITS, "std_error")
    np.testing.assert_allclose(found, reference("own.ird.colon"), rtol=1e-12)
    found = numbers(rate_difference(colon, *columns, per=1, ci="exact-based"), *LIMITS)
    np.testing.assert_allclose(found, reference("own.ird.exact"), rtol=1e-12)
    found = numbers(rate_difference(NONE, *ARGUMENTS, per=1, ci="exact-based"), *LIMITS)
    np.testing.assert_allclose(found, reference("own.ird.exact.zero"), rtol=1e-12)


def test_mantel_haenszel_as_metafor():
    colon, columns = colon_deaths(), ("years", "status", "obstruct")
    for identifier, strata in (("own.mh.irr", ["sex", "differ"]), ("own.mh.irr.old", "old")):
        pooled = rate_ratio(colon, *columns, strata=strata)
        row = pooled.table.iloc[-1]
        found = [
            row["coef"], math.log(row["conf_low"]), math.log(row["conf_high"]), row["std_error"],
            pooled.association["statistic"], pooled.association["p_value"],
            pooled.homogeneity["statistic"], pooled.homogeneity["p_value"],
        ]  # fmt: skip
        np.testing.assert_allclose(found, reference(identifier), rtol=1e-10)
    pooled = rate_difference(colon, *columns, strata=["sex", "differ"], per=1)
    found = numbers(pooled, *LIMITS, "std_error", row=len(pooled.table) - 1)
    found = [*found, pooled.homogeneity["statistic"], pooled.homogeneity["p_value"]]
    np.testing.assert_allclose(found, reference("own.mh.ird"), rtol=1e-10)
    assert pooled.table["sex"].tolist()[-1] is None and pooled.table["term"].iloc[-1] == "pooled"
    assert pooled.n_missing["differ"] == 23 and "23 of 929 rows left out" in pooled.notes[0]
    assert pooled.table["weight"].iloc[:-1].sum() == pytest.approx(1)


def test_standardized_rate():
    data = read("dmlate")
    data = data[data["exit"] > data["diagnosis"]]
    for name in ("birth", "diagnosis", "exit"):
        data[name] = 1970 + data[name] / 365.25
    cut = lexis(
        data, entry="diagnosis", exit="exit", event="dead", birth="birth", breaks={"age": range(40, 81, 10)}
    )
    cut = cut[cut["age_band"] != "<40"]
    ages = pd.DataFrame({"age": ["40-49", "50-59", "60-69", "70-79", "80+"], "population": [12, 11, 8, 5, 2]})
    rates = standardized_rate(cut, "person_years", "dead", age="age_band", standard=ages, by="sex", per=100)
    rows = rates.table
    assert rows.loc[0, "measure"] == "crude rate per 100 person-years"
    found = [
        [rows.loc[i, "estimate"], *rows.loc[i + 1, [*LIMITS, "std_error"]].to_numpy(float)] for i in (0, 2)
    ]
    np.testing.assert_allclose(np.ravel(found) / 100, reference("own.rate.standardized"), rtol=1e-9)
    crude = incidence_rate(cut, "person_years", "dead", by="sex", per=100).table
    np.testing.assert_allclose(rows["estimate"][::2], crude["estimate"])
    np.testing.assert_allclose(rows["person_years"][::2], crude["person_years"])
    assert rates.n == len(cut) and "prevalence" not in rates.method and "by age" in rates.method


def test_standardized_rate_takes_days_and_is_the_prevalence_of_person_years():
    cells = pd.DataFrame({"age": ["40-59", "60-79"], "cases": [10, 60], "days": [1826250.0, 2191500.0]})
    ages = pd.DataFrame({"age": ["40-59", "60-79"], "population": [3, 1]})
    rates = standardized_rate(cells, "days", "cases", age="age", standard=ages, unit="days").table
    years = cells.assign(years=cells["days"] / 365.25)
    other = standardized(years, "cases", age="age", standard=ages, population="years").table
    np.testing.assert_allclose(rates[list(LIMITS)], 1000 * other[list(LIMITS)], rtol=1e-12)
    assert rates["person_years"].tolist() == [11000, 11000]
    with pytest.raises(ValueError, match="ci='wald' is for proportions"):
        standardized_rate(cells, "days", "cases", age="age", standard=ages, ci="wald")
    with pytest.raises(ValueError, match="unit='hours' is unknown"):
        standardized_rate(cells, "days", "cases", age="age", standard=ages, unit="hours")
    with pytest.raises(ValueError, match="'days' is negative in 2 rows"):
        standardized_rate(cells.assign(days=-cells["days"]), "days", "cases", age="age", standard=ages)


# ---------------------------------------------------------------- properties

COUNTS = st.tuples(*[st.integers(0, 30)] * 2, *[st.floats(0.5, 500)] * 2)


@settings(max_examples=80, deadline=None)
@given(COUNTS, st.sampled_from(["exact", "mid-p", "wald"]))
def test_exchanged_groups_have_the_reciprocal_ratio(counts, ci):
    x1, x0, t1, t0 = counts
    one = numbers(rate_ratio(table(x1, t1, x0, t0), *ARGUMENTS, ci=ci), *LIMITS, "p_value")
    other = numbers(rate_ratio(table(x0, t0, x1, t1), *ARGUMENTS, ci=ci), *LIMITS, "p_value")
    with np.errstate(divide="ignore"):
        np.testing.assert_allclose(one[[0, 2, 1]], 1 / other[:3], rtol=1e-9)
    np.testing.assert_allclose(one[3], other[3], rtol=1e-9)
    if x1 + x0 > 0 and ci != "wald":
        assert one[1] <= one[0] <= one[2]


@settings(max_examples=40, deadline=None)
@given(COUNTS, st.sampled_from(["wald", "exact-based"]))
def test_exchanged_groups_have_the_opposite_difference(counts, ci):
    x1, x0, t1, t0 = counts
    one = numbers(rate_difference(table(x1, t1, x0, t0), *ARGUMENTS, ci=ci), *LIMITS)
    other = numbers(rate_difference(table(x0, t0, x1, t1), *ARGUMENTS, ci=ci), *LIMITS)
    np.testing.assert_allclose(one[[0, 2, 1]], -other, rtol=1e-9, atol=1e-9)


def test_persons_and_their_sums_give_the_same_in_any_order():
    colon, columns = colon_deaths(), ("years", "status", "obstruct")
    sums = colon.groupby(["obstruct", "sex"], as_index=False)[["years", "status"]].sum()
    for options in ({}, {"strata": "sex"}):
        of_people = rate_ratio(colon, *columns, **options).table.drop(columns="n")
        shuffled = rate_ratio(colon.sample(frac=1, random_state=1), *columns, **options).table
        of_sums = rate_ratio(sums, *columns, **options).table.drop(columns="n")
        pd.testing.assert_frame_equal(of_people, of_sums, rtol=1e-10)
        pd.testing.assert_frame_equal(of_people, shuffled.drop(columns="n"), rtol=1e-10)


def test_one_stratum_is_the_comparison_itself():
    data = IRI.assign(site=1)
    ratio, difference = (f(data, *ARGUMENTS, strata="site") for f in (rate_ratio, rate_difference))
    crude = rate_ratio(IRI, *ARGUMENTS, ci="wald")
    np.testing.assert_allclose(numbers(ratio, *LIMITS), numbers(crude, *LIMITS), rtol=1e-12)
    np.testing.assert_allclose(numbers(ratio, "statistic"), numbers(crude, "statistic"), rtol=1e-12)
    crude = rate_difference(IRI, *ARGUMENTS)
    np.testing.assert_allclose(numbers(difference, *LIMITS), numbers(crude, *LIMITS), rtol=1e-12)
    assert math.isnan(ratio.homogeneity["statistic"]) and ratio.homogeneity["df"] == 0


# ---------------------------------------------------------------- few events, and bad input


def test_groups_without_events():
    exact = rate_ratio(NONE, *ARGUMENTS)
    assert numbers(exact, "estimate", "conf_low").tolist() == [0, 0] and "one limit" in exact.notes[0]
    endless = numbers(rate_ratio(table(5, 80, 0, 100), *ARGUMENTS, ci="mid-p"), *LIMITS)
    assert endless[0] == endless[2] == np.inf and endless[1] > 1
    wald = rate_ratio(NONE, *ARGUMENTS, ci="wald")
    assert np.isnan(numbers(wald, "conf_low", "conf_high")).all() and "use ci='exact'" in wald.notes[0]
    assert "use ci='exact-based'" in rate_difference(NONE, *ARGUMENTS).notes[0]
    nothing = numbers(rate_ratio(table(0, 10, 0, 10), *ARGUMENTS), *LIMITS, "p_value")
    np.testing.assert_array_equal(nothing, [np.nan, 0, np.inf, np.nan])


def test_strata_that_say_nothing():
    data = pd.concat([IRI.assign(site="a"), SMALL.assign(site="b"), SMALL.iloc[[0]].assign(site="c")])
    pooled = rate_ratio(data, *ARGUMENTS, strata="site")
    both = rate_ratio(data[data["site"] != "c"], *ARGUMENTS, strata="site")
    assert pooled.table["estimate"].iloc[-1] == both.table["estimate"].iloc[-1]
    assert "1 of 3 strata have person-time of one group only" in pooled.notes[0]
    assert math.isnan(pooled.table.loc[2, "estimate"]) and pooled.table.loc[2, "weight"] == 0
    assert pooled.table["events"].iloc[-1] == 62 and pooled.homogeneity["df"] == 1
    apart = pd.concat([SMALL.iloc[[0]].assign(site="a"), SMALL.iloc[[1]].assign(site="b")])
    with pytest.raises(ValueError, match="no stratum has person-time of both levels of 'exposed'"):
        rate_ratio(apart, *ARGUMENTS, strata="site")


def test_several_levels_are_compared_with_the_first_of_the_category():
    data = pd.concat([SMALL, pd.DataFrame({"exposed": ["very"], "cases": [9], "years": [150.0]})])
    data["exposed"] = pd.Categorical(data["exposed"], ["very", "no", "yes"])
    ratios = rate_ratio(data, *ARGUMENTS).table
    assert ratios["level"].tolist() == ["very", "no", "yes"]
    np.testing.assert_allclose(ratios["estimate"], [1, 1 / 6, 1 / 3])
    with pytest.raises(ValueError, match="has 3 levels; with strata two are compared"):
        rate_ratio(data.assign(site=1), *ARGUMENTS, strata="site")


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        ({}, {"ci": "score"}, "ci='score' is unknown; choose one of exact, mid-p, wald"),
        ({}, {"unit": "weeks"}, "unit='weeks' is unknown"),
        ({}, {"conf_level": 95}, "must lie between 0 and 1"),
        ({}, {"strata": "exposed"}, "must be different columns"),
        ({}, {"strata": "sitee"}, "no column 'sitee'"),
        ({"years": [-1.0, 2]}, {}, "'years' is negative in 1 rows"),
        ({"cases": [-1, 2]}, {}, "'cases' must not be negative"),
        ({"cases": [0.5, 2]}, {}, "needs whole numbers of events"),
        ({"exposed": ["no", "no"]}, {}, "'exposed' has 1 level"),
        ({"years": [0.0, 2]}, {}, "nobody is at risk at the level 'no'"),
    ],
)
def test_what_cannot_be_compared(change, options, message):
    with pytest.raises(ValueError, match=message):
        rate_ratio(SMALL.assign(**change), *ARGUMENTS, **options)
    many = pd.DataFrame({"exposed": range(40), "cases": 1, "years": 1.0})
    with pytest.raises(ValueError, match="40 different values"):
        rate_ratio(many, *ARGUMENTS)
