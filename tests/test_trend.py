"""The trend of prevalence over ordered levels: against R, by hand, and where there is none to test."""

import numpy as np
import pandas as pd
import pytest
from golden import read, reference
from hypothesis import given, settings
from hypothesis import strategies as st

from dermcohort import Estimates
from dermcohort.prevalence import difference, trend


def people(cases: list[int], totals: list[int]) -> pd.DataFrame:
    """Rows from events and people of levels 1, 2, ..."""
    parts = [
        pd.DataFrame({"level": i, "sick": np.arange(n) < x})
        for i, (x, n) in enumerate(zip(cases, totals, strict=True), start=1)
    ]
    return pd.concat(parts, ignore_index=True)


def test_smokers_of_prop_trend_test():
    found = trend(people([83, 90, 129, 70], [86, 93, 136, 82]), "sick", "level")
    numbers = [found.linear["statistic"], found.linear["p_value"]]
    np.testing.assert_allclose(numbers, reference("prev.trend"), rtol=1e-12)
    assert found.linear["df"] == 1


def test_cholesterol_over_age_and_departure_from_a_line():
    data = read("nhanes")
    bands = pd.Categorical(data["agecat"], ["(0,19]", "(19,39]", "(39,59]", "(59,Inf]"])
    found = trend(data.assign(agecat=bands), "HI_CHOL", "agecat")
    numbers = [found.linear["statistic"], found.linear["p_value"], found.departure["statistic"]]
    np.testing.assert_allclose(
        [*numbers, found.departure["p_value"]], reference("own.trend.nhanes"), rtol=1e-12
    )
    assert found.departure["df"] == 2


def test_alcohol_with_scores():
    """datasets::esoph, cases of oesophageal cancer by alcohol."""
    cases, controls = [29, 75, 51, 45], [386, 280, 87, 22]
    data = people(cases, [a + b for a, b in zip(cases, controls, strict=True)])
    found = trend(data, "sick", "level", scores=[20, 60, 100, 150])
    numbers = [found.linear["statistic"], found.linear["p_value"]]
    np.testing.assert_allclose(numbers, reference("own.trend.scores"), rtol=1e-12)


def test_slope_of_the_linear_probability_model():
    data = read("lung").assign(died=lambda d: d["status"] == 2)
    slope = trend(data, "died", "ph.ecog").table.iloc[-1]
    np.testing.assert_allclose(
        [slope["estimate"], slope["std_error"]], reference("own.trend.slope"), rtol=1e-12
    )


def test_by_hand():
    """1, 2, 3 of 4: the slope is 1/4 a level; sum of squares 4 (1 + 0 + 1) = 8; 8 / 16 / (1/2 x 1/2) = 2. The line
    fits all points, so nothing departs from it."""
    found = trend(people([1, 2, 3], [4, 4, 4]), "sick", "level")
    slope = found.table.iloc[-1]
    assert slope["estimate"] == 0.25
    assert slope[["statistic", "df", "n", "events"]].tolist() == [2, 1, 12, 6]
    assert found.departure == {"statistic": 0, "df": 1, "p_value": 1}
    # squared residuals at the ends, 2 levels x (1 x 9/16 + 3 x 1/16) = 3/2, over the squared sum of squares, 64
    assert slope["std_error"] == pytest.approx((1.5 / 64) ** 0.5, rel=1e-14)
    assert found.table["measure"].tolist() == ["prevalence"] * 3 + ["prevalence difference per unit of score"]
    assert found.table["score"].tolist()[:3] == [1, 2, 3]
    assert "scores 1, 2, 3" in found.method
    assert "Departure from a straight line: chi-square 0.00, df 1, p 1.00." in found.gt().as_raw_html()


levels = st.lists(
    st.integers(1, 12).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), min_size=2, max_size=5
)


@settings(max_examples=40, deadline=None)
@given(levels, st.integers(-5, 5), st.integers(1, 7))
def test_only_the_spacing_of_scores_counts(table, shift, scale):
    data = people([x for x, _ in table], [n for _, n in table])
    one = trend(data, "sick", "level")
    scores = [shift + scale * (i + 1) for i in range(len(table))]
    other = trend(data, "sick", "level", scores=scores)
    np.testing.assert_allclose(one.linear["p_value"], other.linear["p_value"], rtol=1e-9)
    np.testing.assert_allclose(
        one.table["estimate"].iloc[-1], scale * other.table["estimate"].iloc[-1], atol=1e-12
    )


@settings(max_examples=40, deadline=None)
@given(levels)
def test_reversing_the_levels_turns_the_slope(table):
    one = trend(people([x for x, _ in table], [n for _, n in table]), "sick", "level")
    other = trend(people([x for x, _ in table[::-1]], [n for _, n in table[::-1]]), "sick", "level")
    columns = ["estimate", "std_error", "p_value"]
    np.testing.assert_allclose(
        one.table[columns].iloc[-1].to_numpy(float) * [-1, 1, 1],
        other.table[columns].iloc[-1].to_numpy(float),
        rtol=1e-9,
        atol=1e-12,
    )


@settings(max_examples=40, deadline=None)
@given(levels.map(lambda table: table[:2]))
def test_two_levels_are_a_wald_difference(table):
    data = people([x for x, _ in table], [n for _, n in table])
    slope = trend(data, "sick", "level").table.iloc[-1]
    pair = difference(data, "sick", "level", ci="wald").table.iloc[-1]
    for column in ("estimate", "std_error", "statistic", "p_value"):
        np.testing.assert_allclose(slope[column], pair[column], rtol=1e-9, atol=1e-12)


def test_a_level_that_nobody_has_keeps_its_place():
    bands = pd.Categorical(["low"] * 4 + ["high"] * 4, ["low", "mid", "high"])
    data = pd.DataFrame({"dose": bands, "sick": [0, 0, 0, 1, 0, 1, 1, 1]})
    found = trend(data, "sick", "dose")
    assert found.table["level"].tolist() == ["low", "high", None]
    assert found.table["score"].tolist()[:2] == [1, 3]
    assert found.table["estimate"].iloc[-1] == pytest.approx(0.25)
    assert np.isnan(found.departure["p_value"])
    given_scores = trend(data, "sick", "dose", scores=[0, 5, 10]).table
    assert given_scores["estimate"].iloc[-1] == pytest.approx(0.05)


@pytest.mark.parametrize("cases", [[0, 0, 0], [4, 5, 6]])
def test_without_variation_there_is_no_test(cases):
    found = trend(people(cases, [4, 5, 6]), "sick", "level")
    assert np.isnan(found.linear["p_value"])
    assert found.table["estimate"].iloc[-1] == pytest.approx(0, abs=1e-15)
    assert found.notes == ("Nobody or everybody has the outcome: there is no trend to test.",)


def test_missing_rows_are_counted_and_all_of_it_can_be_saved(tmp_path):
    data = people([1, 2, 3], [4, 4, 4]).astype({"sick": object, "level": float})
    data.loc[0, "sick"] = None
    data.loc[4, "level"] = np.nan
    found = trend(data, "sick", "level")
    assert found.n_missing == {"sick": 1, "level": 1}
    assert found.notes[0].startswith("2 of 12 rows left out")
    loaded = Estimates.load(found.save(tmp_path / "trend"))
    pd.testing.assert_frame_equal(loaded.table, found.table)
    assert loaded.linear == found.linear


def test_wrong_arguments_are_explained():
    data = people([1, 2, 3], [4, 4, 4])
    with pytest.raises(ValueError, match="'level' is text, which has no order: make it a category"):
        trend(data.astype({"level": str}), "sick", "level")
    with pytest.raises(ValueError, match="scores: 2 given, but 'level' has 3 levels"):
        trend(data, "sick", "level", scores=[1, 2])
    with pytest.raises(ValueError, match="scores must be finite numbers that are not all the same"):
        trend(data, "sick", "level", scores=[1, 1, 1])
    with pytest.raises(ValueError, match="needs two or more"):
        trend(data.query("level == 1"), "sick", "level")
