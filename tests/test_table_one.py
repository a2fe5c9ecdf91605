"""The first table: weighted and unweighted against R, missing values by reason, and what cannot be described."""

import itertools

import matplotlib
import numpy as np
import pandas as pd
import pytest
from golden import read, reference
from hypothesis import given
from hypothesis import strategies as st

from dermcohort.describe import TableOne, table_one

matplotlib.use("Agg")
MEAN, MEDIAN = ["mean", "sd"], ["median", "q1", "q3"]


def estimates(found: TableOne, group: str = "Overall", **wanted) -> np.ndarray:
    """Estimates of a group in the order of the table, of the wanted measures or terms."""
    rows = found.table if found.by is None else found.table[found.table[found.by] == group]
    for column, values in wanted.items():
        rows = rows[rows[column].isin(values)]
    return rows["estimate"].to_numpy()


def differences(found: TableOne, measure: str = "SMD") -> np.ndarray:
    return found.table.loc[found.table["measure"] == measure, "estimate"].to_numpy()


def equal(found, identifier: str) -> None:
    np.testing.assert_allclose(found, reference(identifier), rtol=1e-12)


# ------------------------------------------------------------------------------- against R


def test_weighted_mean_and_sd():
    data = read("apistrat")
    equal(estimates(table_one(data, ["api00", "enroll"], weights="pw"), measure=MEAN), "describe.svy.mean")
    by_type = table_one(data, ["growth"], by="stype", weights="pw")
    found = [estimates(by_type, group, measure=MEAN) for group in "EHM"]
    equal(np.concatenate(found), "describe.svy.mean.by")


def test_a_weight_of_zero_is_no_row():
    data = read("apistrat").assign(v=lambda d: d["pw"].where(d["stype"] != "H", 0))
    found = table_one(data, ["api00"], weights="v")
    equal(estimates(found, measure=MEAN), "describe.svy.zero")
    assert found.n == 150
    assert found.notes[0] == "50 of 200 rows left out: 'v' is 0."
    without = table_one(data[data["v"] > 0], ["api00"], weights="v")
    assert estimates(found).tolist() == estimates(without).tolist()


def test_weighted_quantiles():
    data = read("apistrat")
    found = table_one(data, ["api00", "meals"], weights="pw", median=["api00", "meals"])
    equal(estimates(found, measure=MEDIAN), "describe.svy.quantile")
    by_type = table_one(data, ["enroll"], by="stype", weights="pw", median=["enroll"])
    equal(
        np.concatenate([estimates(by_type, group, measure=MEDIAN) for group in "EHM"]),
        "describe.svy.quantile.by",
    )
    ones = table_one(read("infert").assign(w=1), ["age"], weights="w", median=["age"])
    equal(estimates(ones, measure=MEDIAN), "describe.svy.quantile.one")
    people = read("nhanes").assign(x=lambda d: 10 * d["HI_CHOL"] + d["race"])
    known = table_one(people, ["x"], weights="WTMEC2YR", median=["x"])
    equal(estimates(known, measure=MEDIAN), "describe.svy.quantile.missing")


def test_unweighted_quantiles():
    found = table_one(read("rotterdam"), ["pgr"], by="hormon", median=["pgr"])
    equal(np.concatenate([estimates(found, g, measure=MEDIAN) for g in "01"]), "describe.quantile")


def test_weighted_proportions():
    data = read("nhanes").assign(race=lambda d: d["race"].astype("category"))
    found = table_one(data, ["race", "HI_CHOL"], weights="WTMEC2YR")
    equal(estimates(found, term=["race"], measure=["proportion"]), "describe.svy.proportion")
    of_cholesterol = estimates(found, term=["HI_CHOL"])
    equal(of_cholesterol[1:], "describe.svy.proportion.missing")  # yes, missing
    by_sex = table_one(data, ["agecat"], by="RIAGENDR", weights="WTMEC2YR")
    shares = [estimates(by_sex, group, measure=["proportion"]) for group in "12"]
    equal(np.concatenate(shares), "describe.svy.proportion.by")


def test_sum_of_weights_and_effective_size():
    found = table_one(read("rotterdam"), ["age"], by="hormon", weights="w")
    measures = ["sum of weights", "effective n"]
    equal(
        np.concatenate([estimates(found, g, measure=measures) for g in ("0", "1", "Overall")]),
        "describe.kish",
    )
    shown = found.to_display()
    assert shown.iloc[:2].values.tolist() == [
        ["Sum of weights", "3,006", "2,816", "5,822", "", ""],
        ["Effective sample size", "2,489", "132.6", "534.5", "", ""],
    ]


def test_weighted_difference_has_the_unweighted_denominator():
    data = read("rotterdam")
    more = table_one(data, ["age", "nodes", "size", "meno"], by="hormon", weights="w")
    equal(differences(more), "describe.smd.weighted")
    schools = read("apistrat").assign(w=lambda d: d["pw"] * (1 + d["meals"] / 100))
    three = table_one(schools, ["api00", "awards"], by="stype", weights="w")
    equal(differences(three), "describe.smd.weighted.three")


# ------------------------------------------------------------------------------- by hand


def test_weighted_table_by_hand():
    """20, 22, 30 with weights 1, 1, 2: mean 102 / 4 = 25.5; squared deviations 30.25, 12.25, 2 x 20.25 sum to 83,
    by 4 and times 3 / 2 is 31.125. Shares up to 20, 22, 30: 0.25, 0.5, 1. (1 + 1 + 2)^2 / 6 = 2.67 rows."""
    data = pd.DataFrame({"bmi": [20.0, 22, 30], "w": [1.0, 1, 2]})
    found = table_one(data, ["bmi"], weights="w")
    assert estimates(found, measure=MEAN) == pytest.approx([25.5, 31.125**0.5])
    assert estimates(found, measure=["sum of weights", "effective n"]) == pytest.approx([4, 16 / 6])
    quartiles = table_one(data, ["bmi"], weights="w", median=["bmi"])
    assert estimates(quartiles, measure=MEDIAN).tolist() == [22, 20, 30]


WEIGHTED = st.lists(
    st.tuples(st.integers(0, 50), st.integers(1, 4), st.sampled_from("ab")), min_size=4, max_size=30
)


@given(WEIGHTED)
def test_a_weight_of_two_is_two_rows(rows):
    """True of means, quantiles and proportions; the SD counts rows."""
    data = pd.DataFrame(rows, columns=["x", "w", "g"]).assign(
        again=lambda d: d["x"], level=lambda d: d["x"] % 3
    )
    data["level"] = data["level"].astype("category")
    twice = data.loc[data.index.repeat(data["w"])].assign(w=1)
    measures = ["mean", *MEDIAN, "proportion", "missing", "sum of weights"]
    one, two = (
        table_one(d, ["x", "again", "level"], by="g", weights="w", median=["again"]) for d in (data, twice)
    )
    for group in (*data["g"].unique(), "Overall"):
        left, right = (estimates(found, group, measure=measures) for found in (one, two))
        np.testing.assert_allclose(left, right, rtol=1e-12, atol=1e-14)


@given(WEIGHTED, st.randoms())
def test_order_of_rows_names_of_groups_and_scale_of_weights_change_nothing(rows, random):
    data = pd.DataFrame(rows, columns=["x", "w", "g"])
    order = list(data.index)
    random.shuffle(order)
    other = data.loc[order].assign(g=lambda d: d["g"].map({"a": "b", "b": "a"}), w=lambda d: d["w"] * 7.5)
    one, two = (table_one(d, ["x"], by="g", weights="w") for d in (data, other))
    np.testing.assert_allclose(differences(one), differences(two), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(
        estimates(one, measure=MEAN), estimates(two, measure=MEAN), rtol=1e-12, atol=1e-12
    )


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("xy")), min_size=4, max_size=30),
    st.permutations("abc"),
)
def test_difference_of_levels_does_not_depend_on_their_order(rows, order):
    data = pd.DataFrame(rows, columns=["level", "g"])
    one, two = (
        table_one(data.assign(level=pd.Categorical(data["level"], levels)), ["level"], by="g")
        for levels in (list("abc"), order)
    )
    np.testing.assert_allclose(differences(one), differences(two), rtol=1e-9, atol=1e-9)


# ------------------------------------------------------------------------------- missing, by reason


@pytest.fixture
def answered() -> pd.DataFrame:
    why = ["observed", "refused", "left_blank", "refused", "observed", None]
    return pd.DataFrame(
        {
            "sex": list("ffmmmm"),
            "income": [1.0, np.nan, np.nan, np.nan, np.nan, np.nan],
            "income__why": pd.Categorical(why, ["observed", "refused", "left_blank", "not_collected"]),
            "age": [30.0, 31, 32, 33, 34, 35],
        }
    )


def test_missing_values_are_counted_by_reason_and_add_up(answered):
    """Of the five without income two refused, one left it blank; of two nothing is said."""
    found = table_one(answered, ["age", "income"], by="sex", reasons=True)
    missing = found.table[(found.table["measure"] == "missing") & (found.table["term"] == "income")]
    counts = {
        group: dict(zip(rows["level"].fillna("all"), rows["events"], strict=True))
        for group, rows in missing.groupby("sex")
    }
    assert counts == {
        "f": {"all": 1, "refused": 1},
        "m": {"all": 4, "refused": 1, "left_blank": 1, "no reason given": 2},
        "Overall": {"all": 5, "refused": 2, "left_blank": 1, "no reason given": 2},
    }
    assert missing.set_index(["sex", "level"]).loc[("m", "refused"), "estimate"] == 1 / 4
    shown = table_one(
        answered, ["income"], by="sex", reasons=True, labels={"reason=refused": "Refused"}
    ).to_display()
    assert shown.iloc[1:, :4].values.tolist() == [
        ["\u2003Missing", "1", "4", "5"],
        ["\u2003\u2003Refused", "1", "1", "2"],
        ["\u2003\u2003left_blank", "0", "1", "1"],
        ["\u2003\u2003no reason given", "0", "2", "2"],
    ]


def test_without_reasons_missing_values_are_counted(answered):
    found = table_one(answered, ["age", "income"], by="sex")
    missing = found.table[found.table["measure"] == "missing"]
    assert missing["level"].isna().all()
    assert missing["events"].tolist() == [0, 0, 0, 1, 4, 5]
    assert "Missing" not in "".join(table_one(answered, ["age"]).to_display()["Characteristic"])


def test_reasons_need_their_column(answered):
    with pytest.raises(ValueError, match=r"no column 'age__why'; make the data with study\.frame"):
        table_one(answered, ["age"], reasons=True)


# ------------------------------------------------------------------------------- degenerate


def test_a_variable_that_is_missing_throughout_stays_in_the_table():
    data = pd.DataFrame(
        {"a": [np.nan] * 3, "b": [None] * 3, "c": pd.Categorical([None] * 3, ["x", "y", "z"])}
    )
    shown = table_one(data, ["a", "b", "c"]).to_display()
    assert shown.values.tolist() == [
        ["a, mean (SD)", "– (–)"], ["\u2003Missing", "3"],
        ["b, n (%)", ""], ["\u2003Missing", "3"],
        ["c, n (%)", ""], ["\u2003Missing", "3"],
    ]  # fmt: skip


def test_differences_where_a_group_knows_nothing_are_missing():
    data = pd.DataFrame({"g": list("aabb"), "x": [1.0, 2, np.nan, np.nan], "y": ["u", "v", None, None]})
    assert np.isnan(differences(table_one(data, ["x", "y"], by="g"))).all()


def test_constants_differ_by_nothing_or_infinitely():
    """0.1 + 0.1 + 0.1 is not 0.3: the rounding of a sum is no variance."""
    data = pd.DataFrame({"g": list("aaabbbb"), "same": 0.1, "other": [0.1] * 3 + [0.7] * 4, "level": "only"})
    found = table_one(data, ["same", "other", "level"], by="g")
    assert differences(found).tolist() == [0, np.inf, 0]
    assert estimates(found, term=["same"], measure=MEAN).tolist() == [0.1, 0]
    assert found.to_display().iloc[1, -1] == "∞"


def test_levels_that_tell_the_groups_apart_differ_infinitely():
    """All of one group are u, none of the other: what varies within the other group does not matter."""
    data = pd.DataFrame({"g": list("aabb"), "two": list("uuvv"), "three": list("uuvw")})
    assert differences(table_one(data, ["two", "three"], by="g")).tolist() == [np.inf, np.inf]


def test_differences_of_three_groups_are_the_mean_of_pairs_and_skip_levels_without_rows():
    data = pd.DataFrame(
        {"g": pd.Categorical(list("aabbcc"), ["a", "b", "c", "nobody"]), "x": [1.0, 3, 2, 4, 5, 9]}
    )
    found = table_one(data, ["x"], by="g")
    assert list(found.group_sizes) == ["a", "b", "c", "Overall"]
    pairs = [
        differences(table_one(data[data["g"].isin(pair)], ["x"], by="g")).item()
        for pair in itertools.combinations("abc", 2)
    ]
    assert differences(found).item() == pytest.approx(np.mean(pairs))


def test_kinds_of_columns():
    data = pd.DataFrame(
        {
            "flag": [True, False, True],
            "maybe": pd.Series([True, None, False], dtype="boolean"),
            "told": [True, None, False],
            "none": [0, 0, 0],
            "text": ["b", "a", "b"],
            "grade": pd.Categorical(["low", "high", "low"], ["low", "middle", "high"], ordered=True),
            "answer": pd.Categorical(["no", "no", "no"], ["no", "yes"]),
            "count": pd.Series([1, None, 4], dtype="Int64"),
        }
    )
    shown = table_one(data, list(data)).to_display()
    assert [tuple(row) for row in shown.values] == [
        ("flag, n (%)", "2 (66.7)"),
        ("maybe, n (%)", "1 (50.0)"), ("\u2003Missing", "1"),
        ("told, n (%)", "1 (50.0)"), ("\u2003Missing", "1"),
        ("none, n (%)", "0 (0.0)"),
        ("text, n (%)", ""), ("\u2003a", "1 (33.3)"), ("\u2003b", "2 (66.7)"),
        ("grade, n (%)", ""), ("\u2003low", "2 (66.7)"), ("\u2003high", "1 (33.3)"),
        ("answer, n (%)", "0 (0.0)"),
        ("count, mean (SD)", "2.5 (2.1)"), ("\u2003Missing", "1"),
    ]  # fmt: skip


def test_no_rows_are_left():
    data = pd.DataFrame({"x": [1.0, 2], "g": [None, None], "w": [1.0, np.nan]})
    found = table_one(data, ["x"], by="g", weights="w")
    assert found.group_sizes == {"Overall": 0}
    assert found.notes[:2] == (
        "2 of 2 rows left out: 'g' is missing.",
        "No rows are left: there is nothing to describe.",
    )
    assert found.to_display().iloc[:, 1].tolist() == ["0.0", "0.0", "– (–)"]


def test_rows_without_weight_are_left_out_and_counted():
    data = pd.DataFrame({"x": [1.0, 2, 6], "w": [1.0, np.nan, 1]})
    found = table_one(data, ["x"], weights="w")
    assert found.n_missing == {"w": 1, "x": 0}
    assert found.notes[0] == "1 of 3 rows left out: 'w' is missing."
    assert estimates(found, measure=["mean"]).item() == 3.5


PEOPLE = pd.DataFrame(
    {
        "age": [30.0, 40, 50],
        "sex": list("fmf"),
        "seen": pd.to_datetime(["2020-01-01", "2021-01-01", None]),
        "wait": pd.to_timedelta([1, 2, 3], unit="D"),
        "size": [1.0, np.inf, 2],
        "arm": ["Overall", "a", "b"],
        "negative": [1.0, -1, 1],
        "zero": 0.0,
        "endless": [1.0, np.inf, 1],
    }
)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"variables": []}, "variables: it is empty"),
        ({"variables": ["ages"]}, "no column 'ages'. Did you mean 'age'"),
        ({"variables": ["seen"]}, "'seen' holds dates; describe an age or a number of days"),
        ({"variables": ["wait"]}, "'wait' holds dates"),
        ({"variables": ["size"]}, "'size' is infinite in 1 rows"),
        ({"by": "arm"}, "more than one column would be called 'Overall'; rename the levels of 'arm'"),
        ({"by": "age"}, "'age' makes the groups or weights"),
        ({"weights": "negative"}, "weights: 'negative' must not be negative or all zero"),
        ({"weights": "zero"}, "weights: 'zero' must not be negative or all zero"),
        ({"weights": "endless"}, "weights: 'endless' is infinite in 1 rows"),
        ({"weights": "sex"}, "weights: 'sex' must be a number"),
        ({"median": ["size"]}, "median: 'size' is not among the variables"),
        ({"variables": ["sex"], "median": ["sex"]}, "median: 'sex' must be a number"),
    ],
)
def test_what_cannot_be_described_is_explained(arguments, message):
    with pytest.raises(ValueError, match=message):
        table_one(PEOPLE, **{"variables": ["age"], **arguments})


def test_groups_are_one_column():
    with pytest.raises(TypeError, match="columns are given by name, not as list"):
        table_one(PEOPLE, ["age"], by=["sex"])


# ------------------------------------------------------------------------------- views


def test_weighted_table_is_saved_printed_and_drawn(tmp_path):
    found = table_one(read("rotterdam"), ["age", "size"], by="hormon", weights="w")
    again = TableOne.load(found.save(tmp_path / "one"))
    pd.testing.assert_frame_equal(again.to_display(), found.to_display())
    assert found.to_display().columns[-2:].tolist() == ["SMD, unweighted", "SMD, weighted"]
    axes = found.plot(labels={"age": "Age"})
    assert [text.get_text() for text in axes.get_yticklabels()] == ["size", "Age"]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["unweighted", "weighted"]
    np.testing.assert_array_equal(axes.lines[1].get_xdata(), differences(found)[::-1])


def test_unweighted_differences_are_drawn_without_a_legend():
    axes = table_one(read("rotterdam"), ["age", "size"], by="hormon").plot()
    assert axes.get_legend() is None
    with pytest.raises(ValueError, match="make the table with by="):
        table_one(read("rotterdam"), ["age"]).plot()
