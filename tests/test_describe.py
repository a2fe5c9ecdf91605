"""The first table, the flow, prevalence and rates: small cases worked by hand and degenerate ones."""

import matplotlib
import numpy as np
import pandas as pd
import pytest

from dermcohort.describe import flow, table_one
from dermcohort.flow import Flow, FlowStep
from dermcohort.prevalence import crude
from dermcohort.prevalence.intervals import INTERVALS
from dermcohort.survival import incidence_rate
from dermcohort.tables import are_numbers

matplotlib.use("Agg")


@pytest.fixture
def people() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "sex": pd.Categorical(["m", "m", "f", "f", None], ["m", "f", "x"]),
            "age": [20.0, 40, 30, np.nan, 99],
            "smoker": pd.Categorical(["no", "yes", "no", "no", "yes"], ["no", "yes"]),
        }
    )


def test_first_table_by_hand(people):
    """Men 20 and 40: mean 30, SD 14.14; one woman with known age. Smokers: 1 of 2 men, 0 of 2 women, so
    the difference is 0.5 / sqrt((0.25 + 0) / 2) = sqrt(2)."""
    found = table_one(people, ["age", "smoker"], by="sex")
    table = found.table.set_index(["sex", "term", "measure"])
    assert table.loc[[("m", "age", "mean")], "estimate"].item() == 30
    assert table.loc[[("m", "age", "sd")], "estimate"].item() == pytest.approx(200**0.5)
    assert table.loc[[("f", "age", "mean")], "n"].item() == 1
    assert np.isnan(table.loc[[("f", "age", "sd")], "estimate"].item())
    smokers = found.table.query("term == 'smoker' and level == 'yes' and measure == 'proportion'")
    assert dict(zip(smokers["sex"], smokers["events"], strict=True)) == {"m": 1, "f": 0, "Overall": 1}
    smd = found.table.query("term == 'smoker' and measure == 'SMD'")["estimate"].item()
    assert smd == pytest.approx(2**0.5)
    assert found.n == 4
    assert found.n_missing == {"sex": 1, "age": 1, "smoker": 0}


def test_first_table_as_printed(people):
    shown = table_one(people, ["age", "smoker"], by="sex", labels={"age": "Age, years"}).to_display()
    assert shown.columns.tolist() == ["Characteristic", "m (n = 2)", "f (n = 2)", "Overall (n = 4)", "SMD"]
    rows = shown.set_index("Characteristic")
    assert rows.loc["Age, years, mean (SD)", "m (n = 2)"] == "30.0 (14.1)"
    assert rows.loc["\u2003Missing", "f (n = 2)"] == "1"
    assert rows.loc["smoker, n (%)", "m (n = 2)"] == "1 (50.0)"


def test_median_and_weights():
    data = pd.DataFrame({"bmi": [20.0, 22, 30], "w": [1.0, 1, 2]})
    plain = table_one(data, ["bmi"], median=["bmi"]).table.set_index("measure")["estimate"]
    assert plain.to_dict() == {"median": 22, "q1": 21, "q3": 26, "missing": 0}
    weighted = table_one(data, ["bmi"], weights="w").table.set_index("measure")["estimate"]
    assert weighted["mean"] == pytest.approx(25.5)


def test_first_table_of_one_group_and_of_nothing(people):
    alone = table_one(people[people["sex"] == "m"], ["age"], by="sex").table
    assert "SMD" not in set(alone["measure"])
    empty = table_one(people.assign(age=np.nan), ["age"])
    assert empty.table.loc[empty.table["measure"] != "missing", "estimate"].isna().all()
    assert "–" in empty.to_display().iloc[0, 1]


def test_flow_is_drawn_and_adds_up():
    steps = Flow(
        (FlowStep("Enrolled", 120), FlowStep("Analysed", 112, (("BMI missing", 5), ("no visit", 3))))
    )
    chart = flow(steps)
    assert chart.table["n"].tolist() == [120, 5, 3, 112]
    texts = [text.get_text() for text in chart.plot().texts]
    assert any("Analysed" in text and "112" in text for text in texts)
    assert any("BMI missing (n = 5)" in text for text in texts)
    with pytest.raises(ValueError, match="120 less 7 excluded is 113, not 112"):
        flow([("Enrolled", 120), ("Analysed", 112, [("BMI missing", 7)])])


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ([], "steps is empty"),
        ([("Enrolled", 120), ("Analysed", 121)], "'Analysed' has 121, more than the 120 before"),
        (
            [("Enrolled", 120), ("Analysed", 121, [("came late", -1)])],
            "'came late': n must be a count, it is -1",
        ),
        ([("Enrolled", 120.5)], "'Enrolled': n must be a count, it is 120.5"),
    ],
)
def test_flow_that_cannot_be_is_refused(steps, message):
    with pytest.raises(ValueError, match=message):
        flow(steps)


def test_a_step_without_reasons_is_a_part_of_the_one_before():
    shown = flow([("At risk", 1200), ("With an event", 30)]).to_display()
    assert shown.values.tolist() == [["At risk", "1,200"], ["With an event", "30"]]


def test_boxes_of_many_reasons_do_not_touch():
    reasons = [(f"reason {i} " + "that is too long for one line " * 2, 1) for i in range(9)]
    axes = flow([("Enrolled", 30), ("Examined", 21, reasons), ("Analysed", 12, reasons)]).plot()
    axes.figure.canvas.draw()
    boxes = [text.get_window_extent() for text in axes.texts if "Excluded" in text.get_text()]
    assert len(boxes) == 2
    assert boxes[0].y0 > boxes[1].y1
    assert boxes[0].x1 <= axes.figure.bbox.x1


@pytest.mark.parametrize("ci", INTERVALS)
@pytest.mark.parametrize("cases", [0, 1, 10, 19, 20])
def test_intervals_hold_the_proportion_and_stay_within_0_and_1(ci, cases):
    row = crude(pd.DataFrame({"y": np.arange(20) < cases}), "y", ci=ci).table.iloc[0]
    assert 0 <= row.conf_low <= row.estimate <= row.conf_high <= 1
    if ci != "wald":
        assert row.conf_low < row.conf_high


def test_prevalence_by_two_columns_leaves_empty_groups_out(people):
    found = crude(people, "smoker", ["sex", "age"])
    assert found.table[["sex", "age", "n"]].values.tolist() == [["m", 20, 1], ["m", 40, 1], ["f", 30, 1]]
    assert found.n_missing == {"smoker": 0, "sex": 1, "age": 1}
    assert found.notes[0].startswith("2 of 5 rows left out")


def test_prevalence_by_intervals_of_age_can_be_saved(people, tmp_path):
    found = crude(people.assign(band=pd.cut(people["age"], [0, 35, 120])), "smoker", "band")
    assert found.table["band"].tolist() == ["(0, 35]", "(35, 120]"]
    found.save(tmp_path / "x")


def test_prevalence_of_nobody_says_so(people):
    found = crude(people.assign(smoker=np.nan), "smoker")
    assert np.isnan(found.table["estimate"].item())
    assert "nothing to estimate" in found.notes[-1]


def test_rate_by_hand():
    """Two events in 730.5 days each of two people: 4 person-years, 500 per 1,000."""
    data = pd.DataFrame({"days": [730.5, 730.5], "ill": ["yes", "yes"]})
    row = incidence_rate(data, "days", "ill", unit="days").table.iloc[0]
    assert (row.estimate, row.person_years, row.events) == (500, 4, 2)


def test_rate_without_events_has_an_upper_limit():
    """The exact upper limit of 0 events is -log(0.025) = 3.69 events."""
    row = incidence_rate(pd.DataFrame({"t": [10.0], "e": [0]}), "t", "e", per=1).table.iloc[0]
    assert (row.estimate, row.conf_low) == (0, 0)
    assert row.conf_high == pytest.approx(-np.log(0.025) / 10)


def test_wrong_arguments_are_explained(people):
    with pytest.raises(ValueError, match="ci='score' is unknown"):
        crude(people, "smoker", ci="score")
    with pytest.raises(ValueError, match=r"no column 'smokr'. Did you mean 'smoker'"):
        crude(people, "smokr")
    with pytest.raises(ValueError, match="negative in 1 rows"):
        incidence_rate(pd.DataFrame({"t": [-1.0], "e": [0]}), "t", "e")


def test_spans_of_years_and_ages_are_names_and_stand_left():
    table = pd.DataFrame({"cycle": ["2003-2004", "2005–06"], "change": ["−0.4", "1.2 (0.8, 1.9)"]})
    assert are_numbers(table) == [False, True]
