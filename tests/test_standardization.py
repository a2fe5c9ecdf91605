"""Direct and indirect standardization against R, on paper, and at the edges. Closed forms: 1e-12."""

import math
from importlib.resources import files

import numpy as np
import pandas as pd
import pytest
from golden import read, reference
from hypothesis import given
from hypothesis import strategies as st

import dermcohort as dc
from dermcohort.age_bands import parse_band
from dermcohort.poisson_intervals import POISSON_INTERVALS
from dermcohort.standard import POPULATIONS, standard_cells
from dermcohort.standardization import direct

FLEISS = ["<20", "20-24", "25-29", "30-34", "35-39", "40+"]
BIRTHS = np.reshape(
    [230061, 329449, 114920, 39487, 14208, 3052, 72202, 326701, 208667, 83228, 28466, 5375, 15050, 175702,
     207081, 117300, 45026, 8660, 2293, 68800, 132424, 98301, 46075, 9834, 327, 30666, 123419, 149919, 104088,
     34392], (5, 6),
)  # fmt: skip
DOWN = np.reshape(
    [107, 141, 60, 40, 39, 25, 25, 150, 110, 84, 82, 39, 3, 71, 114, 103, 108, 75, 1, 26, 64, 89, 137, 96, 0,
     8, 63, 112, 262, 295], (5, 6),
)  # fmt: skip
ALL_BIRTHS = pd.DataFrame({"age": FLEISS, "population": BIRTHS.sum(axis=0)})
TWO_BANDS = pd.DataFrame({"age": ["20-39", "40-59"], "population": [60, 40]})


def births():
    """Down syndrome by order of birth and age of the mother (Stark & Mantel 1966; Fleiss 1981)."""
    return pd.DataFrame(
        {
            "order": np.repeat(np.arange(1, 6), 6),
            "age": np.tile(FLEISS, 5),
            "cases": DOWN.ravel(),
            "births": BIRTHS.ravel(),
        }
    )


def limits(result, measure="standardized prevalence"):
    row = result.table[result.table["measure"] == measure].iloc[0]
    return [row["estimate"], row["conf_low"], row["conf_high"]]


def cholesterol():
    data = read("nhanes")
    bands = {"(0,19]": "0-19", "(19,39]": "20-39", "(39,59]": "40-59", "(59,Inf]": "60+"}
    data["age"], data["sex"] = data["agecat"].map(bands), data["RIAGENDR"].map({1: "male", 2: "female"})
    return data


# ------------------------------------------------------------------------------------------- equal to R


@pytest.mark.parametrize(
    ("identifier", "standard", "options"),
    [
        ("own.std.who", "who-2000-2025", {}),
        ("own.std.china2020.90", "china-2020", {"conf_level": 0.9}),
        ("own.std.china2010.sex", "china-2010", {"sex": "sex"}),
    ],
)
def test_people_in_wide_bands(identifier, standard, options):
    result = dc.prevalence.standardized(cholesterol(), "HI_CHOL", age="age", standard=standard, **options)
    found = [limits(result, "crude prevalence")[0], *limits(result)]
    np.testing.assert_allclose(found, reference(identifier), rtol=1e-12)


def test_a_group_has_the_values_it_has_alone():
    result = dc.prevalence.standardized(cholesterol(), "HI_CHOL", age="age", standard="segi", by="race")
    third = result.table[result.table["race"] == 3]
    found = [third["estimate"].iloc[0], *limits(dc.Estimates(third, "", 1))]
    np.testing.assert_allclose(found, reference("own.std.segi.race3"), rtol=1e-12)


def test_ages_as_numbers_use_single_years_of_the_standard():
    data = read("lung").assign(died=lambda d: d["status"] == 2)
    result = dc.prevalence.standardized(data, "died", age="age", standard="china-2010")
    found = [limits(result, "crude prevalence")[0], *limits(result)]
    np.testing.assert_allclose(found, reference("own.std.ages"), rtol=1e-12)
    assert "restricted to ages 39-82" in result.notes[0]


@pytest.mark.parametrize(("ci", "identifier"), [("gamma", "own.std.rate"), ("normal", "own.std.normal")])
def test_rates_by_person_years(ci, identifier):
    data = read("rotterdam").assign(years=lambda d: d["dtime"] / 365.25)
    data["band"] = pd.cut(data["age"], [0, 40, 50, 60, 70, np.inf], right=False)
    result = dc.prevalence.standardized(
        data, "death", age="band", standard="who-2000-2025", population="years", ci=ci
    )
    estimate, low, high = limits(result)
    beside = {
        "gamma": [limits(result, "crude prevalence")[0], estimate],
        "normal": [estimate, result.table["std_error"].iloc[1]],
    }
    np.testing.assert_allclose([*beside[ci], low, high], reference(identifier), rtol=1e-12)


def test_binomial_variance():
    result = dc.prevalence.standardized(
        cholesterol(), "HI_CHOL", age="age", standard="who-2000-2025", ci="wald"
    )
    estimate, low, high = limits(result)
    found = [estimate, result.table["std_error"].iloc[1], low, high]
    np.testing.assert_allclose(found, reference("own.std.wald"), rtol=1e-12)


@pytest.mark.parametrize("ci", ["tiwari", "mid-p"])
def test_other_gamma_intervals(ci):
    name, rtol = f"own.std.{ci.replace('-', '')}", 1e-8 if ci == "mid-p" else 1e-12
    result = dc.prevalence.standardized(cholesterol(), "HI_CHOL", age="age", standard="who-2000-2025", ci=ci)
    np.testing.assert_allclose(limits(result)[1:], reference(name), rtol=rtol)
    fifth = births().query("order == 5")
    result = dc.prevalence.standardized(
        fifth, "cases", age="age", standard=ALL_BIRTHS, population="births", ci=ci
    )
    np.testing.assert_allclose(limits(result)[1:], reference(f"{name}.down"), rtol=rtol)


def test_mid_p_equals_the_published_example():
    """Fifth births: 75.52901 (59.71632 to 173.08170) in the vignette of R's dsrTest.

    It calls asht, whose root finder stops at a tolerance of 1e-6; own.std.midp.down has the exact limits.
    """
    fifth = births().query("order == 5")
    result = dc.prevalence.standardized(
        fifth, "cases", age="age", standard=ALL_BIRTHS, population="births", ci="mid-p"
    )
    np.testing.assert_allclose(1e5 * np.array(limits(result)), [75.52901, 59.71632, 173.08170], rtol=1e-6)


def test_nobody_has_it():
    data = pd.DataFrame({"age": ["0-4", "5-9", "10-14"], "cases": 0, "people": [40, 60, 100]})
    standard = pd.DataFrame({"age": ["0-4", "5-9", "10-14"], "population": [3, 2, 1]})
    results = {
        ci: limits(dc.prevalence.standardized(
            data, "cases", age="age", standard=standard, population="people", ci=ci
        ))
        for ci in ("gamma", "mid-p", "wald")
    }  # fmt: skip
    np.testing.assert_allclose(results["mid-p"], [0, *reference("own.std.midp.zero")], rtol=1e-8)
    # one case of the largest weight, 0.5 / 40: an exponential distribution
    np.testing.assert_allclose(results["gamma"], [0, 0, -math.log(0.025) / 80], rtol=1e-12)
    assert results["wald"] == [0, 0, 0]


def test_seventeen_events_where_12_4_are_expected():
    data = pd.DataFrame({"observed": [17], "expected": [12.4]})
    found = limits(dc.survival.smr(data, "observed", expected="expected", ci="mid-p"), "SMR")
    wanted = reference("own.smr.midp")
    np.testing.assert_allclose(found[3 - len(wanted) :], wanted, rtol=1e-12)


def test_indirectly_standardized_rate_of_insurance_claims():
    claims, holders, claims1, holders1 = reference("own.ins").reshape(4, 4)
    ages = ["<25", "25-29", "30-35", ">35"]
    data = pd.DataFrame({"age": ages, "claims": claims, "years": holders})
    rates = pd.DataFrame({"age": ages, "rate": claims1 / holders1, "population": holders1})
    table = dc.survival.smr(data, "claims", "years", age="age", rates=rates, ci="log-normal").table
    numbers = table[["estimate", "conf_low", "conf_high"]].to_numpy()
    wanted = reference("own.smr.ins")  # observed, expected, SMR; crude rate of the data, standardized rate
    np.testing.assert_allclose([*table.loc[0, ["events", "expected"]], *numbers[0]], wanted[:5], rtol=1e-12)
    np.testing.assert_allclose(numbers[1] / 1000, wanted[6:], rtol=1e-12)
    assert table["measure"][1] == "indirectly standardized rate per 1,000 person-years"
    exact = dc.survival.smr(data, "claims", "years", age="age", rates=rates)
    np.testing.assert_allclose(limits(exact, "SMR"), reference("own.smr.exact"), rtol=1e-12)


def test_smr_of_people_at_single_year_rates():
    rates = pd.DataFrame({"age": np.arange(20, 91), "rate": reference("own.us.rates")})
    data = read("rotterdam").assign(years=lambda d: d["dtime"] / 365.25)
    row = dc.survival.smr(data, "death", "years", age="age", rates=rates).table.iloc[0]
    found = row[["events", "expected", "estimate", "conf_low", "conf_high"]].to_numpy(float)
    np.testing.assert_allclose(found, reference("own.smr.us"), rtol=1e-12)


@pytest.mark.parametrize(
    ("x", "expected", "ci", "level", "identifier"),
    [(0, 3.2, "mid-p", 0.95, "own.smr.midp0"), (5, 2.5, "byar", 0.9, "own.smr.byar.90")],
)
def test_few_events(x, expected, ci, level, identifier):
    data = pd.DataFrame({"x": [x], "e": [expected]})
    found = limits(dc.survival.smr(data, "x", expected="e", ci=ci, conf_level=level), "SMR")
    wanted = reference(identifier)
    np.testing.assert_allclose(found[3 - len(wanted) :], wanted, rtol=1e-12)


def test_indirect_prevalence_by_age_and_sex():
    data = cholesterol().dropna(subset=["HI_CHOL"])
    others, third = data[data["race"] != 3], data[data["race"] == 3]
    cells = others.groupby(["age", "sex"])["HI_CHOL"]
    rates = cells.agg(rate="mean", population="size").reset_index()
    table = dc.prevalence.indirect(third, "HI_CHOL", age="age", sex="sex", rates=rates).table
    first = table.iloc[0][["events", "expected", "estimate", "conf_low", "conf_high"]].to_numpy(float)
    np.testing.assert_allclose([*first, table["estimate"][1]], reference("own.spr"), rtol=1e-12)
    assert table["measure"].tolist() == ["SPR", "indirectly standardized prevalence"]


# ------------------------------------------------------------------------------------------- on paper


def two_bands():
    """Young: 1 of 4 has it. Older: 1 of 2."""
    return pd.DataFrame({"age": [20, 25, 30, 39, 40, 59], "itch": [1, 0, 0, 0, 1, 0]})


def test_two_bands_on_paper():
    """60% young, 40% older: 0.6 x 1/4 + 0.4 x 1/2 = 0.35; crude 2/6.

    Binomial variance: 0.36 x (1/4 x 3/4)/4 + 0.16 x (1/2 x 1/2)/2 = 0.016875 + 0.02.
    Poisson variance: 0.36 x 1/16 + 0.16 x 1/4 = 0.0225 + 0.04.
    """
    wald = dc.prevalence.standardized(two_bands(), "itch", age="age", standard=TWO_BANDS, ci="wald").table
    gamma = dc.prevalence.standardized(two_bands(), "itch", age="age", standard=TWO_BANDS).table
    np.testing.assert_allclose(wald["estimate"], [1 / 3, 0.35], rtol=1e-14)
    np.testing.assert_allclose(wald["std_error"][1] ** 2, 0.036875, rtol=1e-14)
    np.testing.assert_allclose(gamma["std_error"][1] ** 2, 0.0625, rtol=1e-14)
    assert wald["n"].tolist() == [6, 6]
    assert wald["events"].tolist() == [2, 2]


def test_two_bands_indirectly_on_paper():
    """Expected 4 x 0.1 + 2 x 0.3 = 1; observed 2; crude reference 0.15, so 2 x 0.15 = 0.3."""
    rates = pd.DataFrame({"age": ["20-39", "40-59"], "rate": [0.1, 0.3], "population": [750, 250]})
    table = dc.prevalence.indirect(two_bands(), "itch", age="age", rates=rates).table
    np.testing.assert_allclose(table["estimate"], [2, 0.3], rtol=1e-14)
    np.testing.assert_allclose(table["expected"], 1, rtol=1e-14)


def test_crude_interval_is_that_of_one_cell():
    """Without cells Fay and Feuer's interval is the exact one of a Poisson mean."""
    row = dc.prevalence.standardized(two_bands(), "itch", age="age", standard=TWO_BANDS).table.iloc[0]
    exact = POISSON_INTERVALS["exact"](np.array([2.0]), 0.95)
    np.testing.assert_allclose(row["conf_low"], exact[0][0] / 6, rtol=1e-12)
    assert row["conf_high"] == 1  # 7.22 / 6


# ------------------------------------------------------------------------------------------- properties

PEOPLE = st.lists(
    st.tuples(st.sampled_from(["20-39", "40-59", "60+"]), st.booleans()), min_size=1, max_size=40
)


@given(PEOPLE)
def test_standardizing_to_its_own_ages_changes_nothing(people):
    data = pd.DataFrame(people, columns=["age", "ill"])
    own = data["age"].value_counts().rename("population").rename_axis("age").reset_index()
    first, second = dc.prevalence.standardized(data, "ill", age="age", standard=own, ci="wald").table[
        "estimate"
    ]
    assert second == pytest.approx(first, abs=1e-14)


@given(PEOPLE, st.randoms(use_true_random=False))
def test_order_of_rows_and_rows_twice(people, random):
    data = pd.DataFrame(people, columns=["age", "ill"])
    shuffled = data.iloc[random.sample(range(len(data)), len(data))]
    tables = [
        dc.prevalence.standardized(frame, "ill", age="age", standard="segi", ci="normal").table
        for frame in (data, shuffled, pd.concat([data, shuffled]))
    ]
    pd.testing.assert_frame_equal(tables[0], tables[1])
    np.testing.assert_allclose(tables[2]["estimate"], tables[0]["estimate"], rtol=1e-14)
    np.testing.assert_allclose(2 * tables[2]["std_error"] ** 2, tables[0]["std_error"] ** 2, rtol=1e-12)


@given(PEOPLE)
def test_people_and_their_counts_are_the_same_data(people):
    data = pd.DataFrame(people, columns=["age", "ill"])
    counted = data.groupby("age")["ill"].agg(cases="sum", people="size").reset_index()
    one = dc.prevalence.standardized(data, "ill", age="age", standard="segi", ci="wald").table
    other = dc.prevalence.standardized(
        counted, "cases", age="age", standard="segi", ci="wald", population="people"
    ).table
    pd.testing.assert_frame_equal(one.drop(columns="term"), other.drop(columns="term"))


def test_the_sum_of_expected_is_that_of_the_groups():
    data = two_bands().assign(town=list("aabbab"))
    rates = pd.DataFrame({"age": ["20-39", "40-59"], "rate": [0.1, 0.3]})
    whole = dc.prevalence.indirect(data, "itch", age="age", rates=rates).table
    parts = dc.prevalence.indirect(data, "itch", age="age", rates=rates, by="town").table
    assert parts["town"].tolist() == ["a", "b"]
    np.testing.assert_allclose(parts["expected"].sum(), whole["expected"].sum(), rtol=1e-14)


# ------------------------------------------------------------------------------------------- populations


@pytest.mark.parametrize(
    ("name", "total", "open_from"),
    [("china-2010", 1332810869, 100), ("china-2020", 1409778724, 100), ("who-2000-2025", 100.035, 100),
     ("segi", 100000, 85)],
)  # fmt: skip
def test_standard_populations(name, total, open_from):
    table = dc.standard_population(name)
    assert table["population"].sum() == pytest.approx(total, rel=1e-12)
    assert table.loc[table["age_high"].isna(), "age_low"].unique().tolist() == [open_from]
    assert {"name", "source", "note"} <= set(table.attrs)
    one = table.drop_duplicates("age_low")
    assert (one["age_low"].iloc[1:].to_numpy() == one["age_high"].iloc[:-1] + 1).all()


def test_every_population_file_has_a_name():
    names = {file.name.removesuffix(".csv") for file in (files("dermcohort") / "populations").iterdir()}
    assert names == set(POPULATIONS)


def test_census_of_2010_by_sex():
    table = dc.standard_population("china-2010")
    assert table.groupby("sex")["population"].sum().to_dict() == {"male": 682329104, "female": 650481765}
    twenties = table[table["age_low"].between(20, 24)].groupby("sex")["population"].sum()
    assert twenties.to_dict() == {"male": 64008573, "female": 63403945}


# ------------------------------------------------------------------------------------------- bands


@pytest.mark.parametrize(
    ("value", "band"),
    [("20-29", "20-29"), ("20–29 years", "20-29"), ("20 to 29", "20-29"), ("20至29岁", "20-29"),
     ("20-<30", "20-29"), ("[20, 30)", "20-29"), ("(19, 29]", "20-29"), (pd.Interval(19, 29), "20-29"),
     (pd.Interval(20, 30, closed="left"), "20-29"), ("80+", "80+"), (">=80", "80+"), ("≥ 80", "80+"),
     (">79", "80+"), ("80 and over", "80+"), ("80岁及以上", "80+"), ("[80, inf)", "80+"), ("<20", "0-19"),
     ("under 20", "0-19"), ("<=19", "0-19"), ("<1", "0"), ("7", "7"), (34.9, "34")],
)  # fmt: skip
def test_bands_are_read(value, band):
    assert str(parse_band(value, "age")) == band


@pytest.mark.parametrize("value", ["young", "29-20", "", "-5", -1, float("inf"), "20-29-39"])
def test_what_is_no_band_is_refused(value):
    with pytest.raises(ValueError, match="'years' has"):
        parse_band(value, "years")


def test_wider_bands_add_those_of_the_standard():
    cells = standard_cells(pd.Series(["20-29", "30-49"]), "segi")
    np.testing.assert_allclose(cells.table["share"], [16 / 40, 24 / 40], rtol=1e-14)
    assert "restricted to ages 20-49" in cells.notes[0]


def test_narrower_bands_lie_in_those_of_the_standard():
    cells = standard_cells(pd.Series(["20-29", "30-39", "40-59"], name="age"), TWO_BANDS)
    assert cells.codes.tolist() == [0, 0, 1]
    assert cells.table["share"].tolist() == [0.6, 0.4]


def test_single_years_are_exact_at_the_ends():
    """Adults from 18 on: the standard counts 18 and 19, not 15 to 19."""
    cells = standard_cells(pd.Series([18.0, 24.9]), "china-2010")
    census = dc.standard_population("china-2010").groupby("age_low")["population"].sum()
    assert cells.table["age"].tolist() == ["18-19", "20-24"]
    share = census.loc[18:19].sum() / census.loc[18:24].sum()
    np.testing.assert_allclose(cells.table["share"], [share, 1 - share], rtol=1e-12)


def test_a_band_of_the_standard_counts_whole_for_those_it_has():
    cells = standard_cells(pd.Series([18, 22]), "segi")
    assert cells.table["age"].tolist() == ["15-19", "20-24"]
    assert cells.notes[1].startswith("The youngest in the data are 18; the band 15-19")


def test_by_age_and_sex():
    sex = pd.Series(["female", "male", "female"])
    cells = standard_cells(pd.Series(["20-29", "20-29", "30-39"]), "china-2010", sex)
    assert cells.labels == ["20-29 male", "20-29 female", "30-39 male", "30-39 female"]
    assert cells.codes.tolist() == [1, 0, 3]
    women = standard_cells(pd.Series(["20-29", "30-39"]), "china-2010", pd.Series(["female"] * 2))
    assert women.table["sex"].unique().tolist() == ["female"]
    assert women.notes[0] == "The standard is restricted to the sex of the data (female)."


@pytest.mark.parametrize("standard", POPULATIONS)
def test_a_standard_used_whole_needs_no_note(standard):
    assert standard_cells(pd.Series(["0-39", "40+"]), standard).notes == ()


# ------------------------------------------------------------------------------------------- edges


def test_a_band_without_people_is_never_reweighted():
    data = pd.DataFrame(
        {"age": [22, 31, 45, 24, 47], "itch": [0, 1, 1, 0, 1], "town": ["a", "a", "a", "b", "b"]}
    )
    standard = pd.DataFrame({"age": ["20-29", "30-39", "40-49"], "population": [1, 1, 1]})
    result = dc.prevalence.standardized(data, "itch", age="age", standard=standard, by="town")
    rows = result.table[result.table["measure"] == "standardized prevalence"].set_index("town")
    assert rows.loc["a", "estimate"] == pytest.approx(2 / 3)
    assert rows.loc["b", ["estimate", "conf_low", "conf_high", "std_error"]].isna().all()
    assert "Not standardized (town b): nobody in 30-39, which the standard has." in " ".join(result.notes)


def test_a_gap_in_the_bands_of_the_data_is_seen():
    data = pd.DataFrame({"age": ["20-29", "40-49"], "itch": [0, 1]})
    result = dc.prevalence.standardized(data, "itch", age="age", standard="segi")
    assert math.isnan(limits(result)[0])
    assert "nobody in 30-34, 35-39" in " ".join(result.notes)


def test_a_band_the_standard_has_not_does_not_matter():
    share = np.array([0.5, 0.0, 0.5])
    result = direct(np.array([[1.0, 0, 1]]), np.array([[4.0, 0, 2]]), share, "gamma", 0.95)
    assert result.estimate[0] == 0.375


def test_many_groups_without_a_band_are_named_shortly():
    data = pd.DataFrame({"age": [22, 45] * 8, "itch": 1, "town": list("abcdefghijklmnop")})
    result = dc.prevalence.standardized(data, "itch", age="age", standard="segi", by="town")
    assert "The same in 11 more groups." in result.notes


def test_rows_with_missing_values_are_counted():
    data = two_bands().assign(itch=[1, 0, 0, np.nan, 1, 0], town="a")
    data.loc[1, "age"] = np.nan
    result = dc.prevalence.standardized(data, "itch", age="age", standard=TWO_BANDS, by="town")
    assert result.notes[0] == "2 of 6 rows left out for missing values (itch 1, age 1)."
    assert (result.n, result.events, result.n_missing) == (4, 2, {"itch": 1, "age": 1, "town": 0})


def test_one_person():
    result = dc.prevalence.standardized(two_bands().head(1), "itch", age="age", standard=TWO_BANDS)
    assert limits(result)[0] == 1


def test_everybody_has_it():
    result = dc.prevalence.standardized(two_bands().assign(itch=1), "itch", age="age", standard=TWO_BANDS)
    estimate, low, high = limits(result)
    assert (estimate, high) == (1, 1)
    assert low < 1
    assert result.notes[-1] == "An upper limit beyond 1 is given as 1."


def test_no_event_and_none_expected():
    data = pd.DataFrame({"x": [0, 0], "e": [2.0, 0.0], "town": ["a", "b"]})
    result = dc.survival.smr(data, "x", expected="e", by="town")
    a, b = result.table.set_index("town")[["estimate", "conf_low", "conf_high"]].to_numpy()
    np.testing.assert_allclose(a, [0, 0, -math.log(0.025) / 2], rtol=1e-12)
    assert np.isnan(b).all()
    assert result.notes == ("Where no events are expected there is no SMR.",)


def test_no_event_has_no_log_normal_interval():
    result = dc.survival.smr(pd.DataFrame({"x": [0], "e": [2.0]}), "x", expected="e", ci="log-normal")
    estimate, low, high = limits(result, "SMR")
    assert estimate == 0
    assert math.isnan(low)
    assert math.isnan(high)
    assert result.notes == ("Without events there is no log-normal interval: use the exact one.",)


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        ({}, {"ci": "exact"}, "ci='exact' is unknown; choose one of gamma"),
        ({}, {"conf_level": 95}, "conf_level=95 must lie between 0 and 1"),
        ({}, {"standard": "china2010"}, "standard 'china2010' is unknown. Did you mean 'china-2010'?"),
        ({}, {"age": "years"}, "data has no column 'years'"),
        ({"age": np.nan}, {}, "no row has all of itch, age"),
        ({"age": -3}, {}, "'age' has the age -3"),
        ({"age": "20-45"}, {}, "'age': 20-45 match no age bands of the standard, which has 20-39, 40-59: a band"),
        ({"age": 80}, {}, "'age': 80 match no age bands of the standard"),
        ({"age": True}, {}, "'age' must hold ages or age bands, it is bool"),
        ({"age": ["20-39", "30-49"] * 3}, {"standard": "segi"}, "age bands 20-39 and 30-49 overlap"),
        ({"sex": "male"}, {"sex": "sex"}, "sex: this standard population has no sex"),
        ({"sex": "M"}, {"sex": "sex", "standard": "china-2010"}, "'sex' has 'M', the standard .* male, female"),
        ({"sex": "male"}, {"sex": "sex", "by": "sex"}, "'sex' is given as sex and in by"),
        ({"people": 0.5}, {"population": "people", "ci": "wald"}, "'itch' exceeds 'people'"),
        ({"people": -1}, {"population": "people"}, "'people' must not be negative"),
        ({}, {"standard": TWO_BANDS.assign(population=0)}, "its population in the age bands of the data is 0"),
        ({}, {"standard": TWO_BANDS.assign(population=["1", "2"])}, "'population' must be a number"),
        ({}, {"standard": TWO_BANDS.assign(age="20-59")}, "the band 20-59 occurs twice"),
        ({}, {"standard": TWO_BANDS.assign(age=["20-59", "40-59"])}, "bands 20-59 and 40-59 overlap"),
        ({}, {"standard": TWO_BANDS.drop(columns="age")}, "standard has no column 'age'"),
        ({}, {"standard": TWO_BANDS.assign(sex=["male", "female"])}, "every sex must have the same age bands"),
    ],
)  # fmt: skip
def test_bad_input(change, options, message):
    arguments = {"age": "age", "standard": TWO_BANDS, **options}
    with pytest.raises(ValueError, match=message):
        dc.prevalence.standardized(two_bands().assign(**change), "itch", **arguments)


def test_a_standard_is_a_name_or_a_table():
    with pytest.raises(TypeError, match="a name or a DataFrame, it is dict"):
        dc.prevalence.standardized(two_bands(), "itch", age="age", standard={"20-39": 1})


RATES = pd.DataFrame({"age": ["20-39", "40-59"], "rate": [0.1, 0.3]})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "give either rates .* or expected"),
        ({"rates": RATES, "expected": "foreseen"}, "not both or neither"),
        ({"rates": RATES}, "rates needs age and person_years"),
        ({"expected": "foreseen", "age": "age"}, "leave age and sex out"),
        ({"expected": "foreseen", "ci": "wilson"}, "ci='wilson' is unknown; choose one of exact"),
        ({"expected": "foreseen", "conf_level": 1}, "conf_level=1 must lie"),
        ({"expected": "itch2"}, "data has no column 'itch2'"),
        ({"rates": RATES[["age"]], "age": "age", "person_years": "years"}, "rates has no column 'rate'"),
        ({"rates": RATES.head(1), "age": "age", "person_years": "years"}, "40, 59 lie in no age band of rates"),
        ({"rates": RATES, "age": "age", "person_years": "years", "sex": "sex"}, "rates has no column 'sex'"),
        ({"rates": RATES.assign(sex="male"), "age": "age", "person_years": "years"}, "sex is not given"),
        ({"rates": RATES.assign(sex="m"), "age": "age", "person_years": "years", "sex": "sex"}, "has 'male', rates"),
        ({"rates": RATES.assign(rate=-1), "age": "age", "person_years": "years"}, "not negative, in every row"),
        ({"rates": RATES.assign(population=0), "age": "age", "person_years": "years"}, "its population is 0"),
    ],
)  # fmt: skip
def test_bad_input_to_smr(options, message):
    data = two_bands().assign(foreseen=1.0, years=2.0, sex="male")
    with pytest.raises(ValueError, match=message):
        dc.survival.smr(data, "itch", **options)


def test_percentages_are_no_prevalences():
    with pytest.raises(ValueError, match="its largest is 30: divide percentages by 100"):
        dc.prevalence.indirect(two_bands(), "itch", age="age", rates=RATES.assign(rate=[10, 30]))


def test_saved_and_loaded(tmp_path):
    result = dc.prevalence.standardized(cholesterol(), "HI_CHOL", age="age", standard="segi", by="race")
    result.save(tmp_path / "x")
    pd.testing.assert_frame_equal(dc.Estimates.load(tmp_path / "x").table, result.table)


def test_printed_in_per_cent():
    shown = dc.prevalence.standardized(
        two_bands(), "itch", age="age", standard=TWO_BANDS, ci="wald"
    ).to_display()
    assert shown["Measure"].tolist() == ["crude prevalence, %", "standardized prevalence, %"]
    assert shown["Estimate (95% CI)"][1].startswith("35.0 (")


def test_printed_ratio_beside_a_prevalence():
    rates = RATES.assign(population=[750, 250])
    shown = dc.prevalence.indirect(two_bands(), "itch", age="age", rates=rates).to_display()
    assert shown["Measure"].tolist() == ["SPR", "indirectly standardized prevalence, %"]
    assert [text.split(" ")[0] for text in shown["Estimate (95% CI)"]] == ["2.00", "30.0"]
