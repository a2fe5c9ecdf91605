"""Several conditions in one person, and prevalence with margins and its kind."""

import matplotlib
import numpy as np
import pandas as pd
import pytest
from golden import read, reference
from hypothesis import given, settings
from hypothesis import strategies as st

from dermcohort.estimates import Estimates
from dermcohort.prevalence import co_occurrence, crude, multimorbidity

matplotlib.use("Agg")
PATIENTS = ["meno", "chemo", "hormon", "recur", "death"]
WOMEN = ["spontaneous", "induced", "case"]
EDUCATION = ["0-5yrs", "6-11yrs", "12+ yrs"]


def women() -> pd.DataFrame:
    data = read("infert")
    education = pd.Categorical(data["education"], EDUCATION)
    return data.assign(spontaneous=data["spontaneous"] > 0, induced=data["induced"] > 0, education=education)


def people_of(both: int, first: int, second: int, neither: int) -> pd.DataFrame:
    counts = [both, first, second, neither]
    return pd.DataFrame({"a": np.repeat([1, 1, 0, 0], counts), "b": np.repeat([1, 0, 1, 0], counts)})


# ------------------------------------------------------------------------------------------ equal to R


def test_number_of_conditions_equals_r():
    table = multimorbidity(read("rotterdam"), PATIENTS).table
    assert (
        table.loc[table["measure"] == "proportion", "events"].tolist()
        == reference("own.multi.counts").tolist()
    )
    two = table[table["term"] == "two or more"]
    found = two[["estimate", "conf_low", "conf_high"]].to_numpy().ravel()
    np.testing.assert_allclose(found, reference("own.multi.two"), rtol=1e-12)


def test_mean_number_of_conditions_equals_r():
    table = multimorbidity(women(), WOMEN, "education").table
    found = table.loc[table["measure"] == "mean", ["estimate", "conf_low", "conf_high"]].to_numpy().ravel()
    np.testing.assert_allclose(found, reference("own.multi.mean"), rtol=1e-12)


def test_pairs_of_conditions_equal_r():
    table = co_occurrence(read("rotterdam"), PATIENTS).table
    ratios = table[["estimate", "conf_low", "conf_high"]].to_numpy().ravel()
    np.testing.assert_allclose(ratios, reference("own.pairs.oe"), rtol=1e-12)
    np.testing.assert_allclose(table["p_value"], reference("own.pairs.p"), rtol=1e-10)
    np.testing.assert_allclose(table["p_adjusted"], reference("own.pairs.bh"), rtol=1e-10)
    np.testing.assert_allclose(table["phi"], reference("own.pairs.phi"), rtol=1e-12)


def test_odds_ratios_and_expected_numbers_equal_r():
    table = co_occurrence(women(), WOMEN).table
    np.testing.assert_allclose(table["odds_ratio"], reference("own.pairs.or"), rtol=1e-12)
    np.testing.assert_allclose(table["expected"], reference("own.pairs.expected"), rtol=1e-12)


def test_few_expected_or_none_observed_equal_r():
    few = co_occurrence(people_of(3, 5, 4, 36), ["a", "b"]).table
    np.testing.assert_allclose(few["p_value"], reference("own.pairs.fisher"), rtol=1e-10)
    none = co_occurrence(people_of(0, 8, 12, 20), ["a", "b"])
    np.testing.assert_allclose(none.table["conf_high"], reference("own.pairs.none"), rtol=1e-12)
    assert none.table[["estimate", "conf_low", "odds_ratio"]].iloc[0].tolist() == [0, 0, 0]
    assert "Poisson count of 0" in none.notes[0]


# -------------------------------------------------------------------------------------------- by hand


def test_missing_conditions_are_counted_and_bound_from_below():
    """Four of six people are known in all; of the other two one has acne and eczema whatever tinea may be."""
    data = pd.DataFrame(
        {
            "acne": [1, 1, 0, 0, 1, np.nan],
            "eczema": [1, 0, 0, 0, 1, 0],
            "tinea": pd.Categorical(["yes", "no", "no", "yes", None, "no"], ["no", "yes"]),
        }
    )
    found = multimorbidity(data, ["acne", "eczema", "tinea"])
    assert (found.n, found.events) == (4, 1)
    assert found.n_missing == {"acne": 1, "eczema": 0, "tinea": 1}
    assert found.notes == (
        "2 of 6 rows left out for missing values (acne 1, tinea 1).",
        "1 of those left out have two or more of the conditions that are known of them.",
    )
    mean = found.table[found.table["measure"] == "mean"].iloc[0]
    assert (mean.estimate, mean.events) == (1.25, 5)


def test_pair_by_hand():
    """30 and 50 of 100 people: 15 expected, 20 seen. Chi-squared = 100 (20*40 - 10*30)^2 / (30 70 50 50) =
    4.762, phi = sqrt(0.04762), OR = 20*40 / (10*30)."""
    row = co_occurrence(people_of(20, 10, 30, 40), ["a", "b"]).table.iloc[0]
    assert row.expected == 15
    assert row.estimate == pytest.approx(4 / 3)
    assert row.phi == pytest.approx((1 / 21) ** 0.5)
    assert row.odds_ratio == pytest.approx(8 / 3)
    assert row.p_adjusted == row.p_value


def test_each_pair_uses_the_people_it_knows():
    data = people_of(5, 5, 5, 5).assign(c=[1, 0] * 10)
    data.loc[:1, "c"] = None
    found = co_occurrence(data, ["a", "b", "c"])
    assert found.table["n"].tolist() == [20, 18, 18]
    assert found.n == 20
    assert found.notes == ("A pair is judged on the people of whom both are known; missing values: c 2.",)


# ------------------------------------------------------------------------------------------ properties

tables = st.tuples(*[st.integers(1, 40)] * 4)


@settings(max_examples=50, deadline=None)
@given(tables, st.randoms(use_true_random=False))
def test_pairs_know_no_order(counts, random):
    data = people_of(*counts)
    found = co_occurrence(data, ["a", "b"]).table
    rows = list(range(len(data)))
    random.shuffle(rows)
    other = co_occurrence(data.iloc[rows], ["b", "a"]).table
    columns = ["estimate", "conf_low", "conf_high", "p_value", "odds_ratio", "phi", "p_adjusted"]
    np.testing.assert_allclose(found[columns].to_numpy(float), other[columns].to_numpy(float), rtol=1e-9)
    row = found.iloc[0]
    assert row.conf_low <= row.estimate <= row.conf_high


@settings(max_examples=50, deadline=None)
@given(tables)
def test_numbers_of_conditions_add_up(counts):
    table = multimorbidity(people_of(*counts), ["a", "b"]).table.set_index(["term", "level"])["estimate"]
    assert table["conditions"].loc[["0", "1", "2"]].sum() == pytest.approx(1)
    assert table["two or more"].item() == counts[0] / sum(counts)


# ------------------------------------------------------------------------------------ degenerate cases


def test_conditions_of_nobody_or_everybody():
    data = pd.DataFrame({"a": [0, 0, 0], "b": [1, 1, 1], "c": [0, 1, 1]})
    found = co_occurrence(data, ["a", "b", "c"])
    assert found.table["estimate"].isna().all()
    assert found.table["p_adjusted"].isna().all()
    assert found.notes == ("A condition that nobody or everybody has cannot be compared.",)
    always = co_occurrence(people_of(4, 0, 0, 6), ["a", "b"]).table.iloc[0]
    assert (always.odds_ratio, always.phi) == (np.inf, 1)
    # of 10 people 4 have both, so at most 10 / 4 = 2.5 times the expected
    assert always.estimate == pytest.approx(2.5)


def test_no_and_one_person():
    data = pd.DataFrame({"a": [1], "b": [1]})
    one = multimorbidity(data, ["a", "b"]).table
    assert one.loc[one["measure"] == "mean", "estimate"].item() == 2
    assert one.loc[one["measure"] == "mean", "conf_low"].isna().all()
    nobody = multimorbidity(data[:0], ["a", "b"])
    assert nobody.n == 0
    assert nobody.table["estimate"].isna().all()
    assert nobody.notes == ("Nobody has all conditions and groups known: there is nothing to estimate.",)
    assert co_occurrence(data[:0], ["a", "b"]).table["estimate"].isna().all()


@pytest.mark.parametrize("function", [multimorbidity, co_occurrence])
@pytest.mark.parametrize(
    ("conditions", "message"),
    [
        (["a"], "two or more different columns are needed, not a"),
        (["a", "a"], "two or more different columns are needed, not a, a"),
        (["a", "bb"], "data has no column 'bb'. Did you mean 'b'?"),
        (["a", "age"], "'age' must be 0/1, bool or yes/no, it has 40"),
    ],
)
def test_wrong_conditions_are_explained(function, conditions, message):
    data = pd.DataFrame({"a": [0, 1], "b": [0, 1], "age": [40, 40]})
    with pytest.raises(ValueError, match=message):
        function(data, conditions)
    with pytest.raises(ValueError, match="conf_level=95 must lie between 0 and 1"):
        function(data, ["a", "b"], conf_level=95)


# ----------------------------------------------------------------------------------------------- views


def test_pairs_are_printed_drawn_and_saved(tmp_path):
    found = co_occurrence(women(), WOMEN)
    shown = found.to_display({"case": "Infertility"})
    assert shown.columns.tolist() == ["first", "second", "O/E (95% CI)", "Adjusted p", "n", "Both"]
    assert shown["second"].tolist() == ["induced", "Infertility", "Infertility"]
    ax = found.plot(labels={"case": "Infertility"})
    is_bold = {text.get_text(): bool(text.get_path_effects()) for text in ax.texts}
    sure = found.table["p_adjusted"] < 0.05
    assert len(is_bold) == 3
    assert sum(is_bold.values()) == sure.sum() > 0
    assert [t.get_text() for t in ax.get_yticklabels()] == ["induced", "Infertility"]
    assert len(ax.patches) == 0
    matplotlib.pyplot.close(ax.figure)
    few = co_occurrence(people_of(3, 5, 4, 36), ["a", "b"]).plot()
    assert len(few.patches) == 1
    matplotlib.pyplot.close(few.figure)
    found.save(tmp_path / "pairs")
    after = Estimates.load(tmp_path / "pairs")
    assert type(after) is type(found)
    pd.testing.assert_frame_equal(after.table, found.table)


# ---------------------------------------------------------------------- crude: margins and its kind


@pytest.fixture
def people() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "itch": [0, 1, 1, 0, 1, None],
            "sex": pd.Categorical(list("ffmmmm"), ["m", "f", "x"]),
            "year": [2010.0, 2010, 2011, 2010, 2011, 2010],
        }
    )


def test_margins_by_hand(people):
    found = crude(people, "itch", by=["year", "sex"], margins=True)
    rows = found.table[["year", "sex", "events", "n"]].astype(str).agg(" ".join, axis=1).tolist()
    assert rows == [
        "2010 m 0 1", "2010 f 1 2", "2010 All 1 3",
        "2011 m 2 2", "2011 All 2 2",
        "All m 2 3", "All f 1 2", "All All 3 5",
    ]  # fmt: skip
    assert (found.n, found.events) == (5, 3)


def test_margins_change_no_other_row_and_are_crude_themselves(people):
    with_margins = crude(people, "itch", by=["year", "sex"], margins=True).table
    plain = crude(people, "itch", by=["year", "sex"]).table
    inner = with_margins[(with_margins[["year", "sex"]] != "All").all(axis=1)]
    numbers = ["estimate", "conf_low", "conf_high", "std_error", "n", "events"]
    np.testing.assert_array_equal(inner[numbers], plain[numbers])
    overall = with_margins.iloc[-1]
    assert overall[numbers].tolist() == crude(people, "itch").table[numbers].iloc[0].tolist()


def test_margins_without_groups_and_of_a_level_all(people):
    pd.testing.assert_frame_equal(crude(people, "itch", margins=True).table, crude(people, "itch").table)
    people["sex"] = people["sex"].cat.rename_categories({"m": "All"})
    with pytest.raises(ValueError, match="margins: 'sex' has a level 'All' of its own"):
        crude(people, "itch", by="sex", margins=True)


@pytest.mark.parametrize("kind", ["point", "period", "lifetime"])
def test_kind_names_the_measure_only(people, kind):
    found, plain = crude(people, "itch", kind=kind), crude(people, "itch")
    assert set(found.table["measure"]) == {f"{kind} prevalence"}
    assert found.method.startswith(f"Crude {kind} prevalence with Wilson")
    pd.testing.assert_frame_equal(found.table.drop(columns="measure"), plain.table.drop(columns="measure"))
    assert f"{kind.title()} prevalence, % (95% CI)" in found.to_display()


def test_kinds_together_are_printed_in_per_cent_each_with_its_name(people):
    both = pd.concat([crude(people, "itch", kind=kind).table for kind in ("point", "lifetime")])
    shown = Estimates(both, "Prevalence.", 5).to_display()
    assert shown["Measure"].tolist() == ["point prevalence", "lifetime prevalence"]
    assert shown["Prevalence, % (95% CI)"].str.startswith("60.0").all()


def test_unknown_kind_is_explained(people):
    with pytest.raises(ValueError, match="kind='ever' is unknown; choose one of point, period, lifetime"):
        crude(people, "itch", kind="ever")
