"""Follow-up split by age, period and time since entry.

By hand: a person born 1960.0, followed from 2003.0 to 2012.0 with the event at the end, is cut at age 50 (2010.0), which is
also the period 2010, so that both make one cut; and after 5 years of follow-up (2008.0):

2003-2008  age 43-48  period 2000-2009  follow-up 0-4
2008-2010  age 48-50  period 2000-2009  follow-up 5+
2010-2012  age 50-52  period 2010+      follow-up 5+, event
"""

from __future__ import annotations

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from golden import read, reference
from hypothesis import given, settings
from hypothesis import strategies as st

from dermcohort.survival import incidence_rate, lexis, lexis_diagram

matplotlib.use("Agg")

ONE = pd.DataFrame({"id": [7], "from": [2003.0], "to": [2012.0], "died": [1], "born": [1960.0]}, index=["x"])
TIMES = {"entry": "from", "exit": "to", "event": "died", "birth": "born"}


def denmark(dates=False):
    data = read("dmlate")
    data = data[data["exit"] > data["diagnosis"]]
    for name in ("birth", "diagnosis", "exit"):
        days = data[name]
        data[name] = (
            pd.Timestamp("1970-01-01") + pd.to_timedelta(days, unit="D") if dates else 1970 + days / 365.25
        )
    return data


DANES = {"entry": "diagnosis", "exit": "exit", "event": "dead", "birth": "birth"}


def test_a_person_by_hand():
    episodes = lexis(ONE, **TIMES, breaks={"age": [40, 50], "period": [2000, 2010], "follow_up": [0, 5]})
    assert episodes.index.tolist() == ["x"] * 3 and episodes["id"].tolist() == [7] * 3
    assert episodes["period_entry"].tolist() == [2003, 2008, 2010]
    assert episodes["period_exit"].tolist() == [2008, 2010, 2012]
    assert episodes["age_entry"].tolist() == [43, 48, 50] and episodes["age_exit"].tolist() == [48, 50, 52]
    assert episodes["follow_up_entry"].tolist() == [0, 5, 7] and episodes["follow_up_exit"].tolist() == [
        5,
        7,
        9,
    ]
    assert episodes["person_years"].tolist() == [5, 2, 2] and episodes["died"].tolist() == [0, 0, 1]
    assert episodes["age_band"].tolist() == ["40-49", "40-49", "50+"]
    assert episodes["period_band"].tolist() == ["2000-2009", "2000-2009", "2010+"]
    assert episodes["follow_up_band"].tolist() == ["0-4", "5+", "5+"]
    assert (episodes["from"] == 2003).all() and (episodes["to"] == 2012).all()


def test_an_event_on_a_boundary_belongs_to_the_band_that_ends_there():
    episodes = lexis(ONE, **TIMES, breaks={"age": [40, 52, 60]})
    assert episodes["age_band"].tolist() == ["40-51"] and episodes["died"].tolist() == [1]
    assert lexis(ONE, **TIMES, breaks={"age": [43, 53]})["age_band"].tolist() == ["43-52"]


def test_rounding_makes_no_episode():
    """Entry at the 50th birthday; half a year later is a period's end too. As floats they are not quite the same."""
    born = ONE.assign(born=1960.3, **{"from": 1960.3 + 0.1 + 49.9})
    cut = lexis(born, **TIMES, breaks={"age": [50], "period": [1960.3 + 50.5], "follow_up": [0.5]})
    assert len(cut) == 2 and cut["age_band"].tolist() == ["50+", "50+"]


def test_dates_have_their_years_begin_in_january_and_ages_in_years_of_365_25_days():
    day = pd.to_datetime
    data = pd.DataFrame(
        {"from": day(["2009-07-01"]), "to": day(["2010-03-01"]), "died": ["yes"], "born": day(["1970-01-01"])}
    )
    cut = lexis(data, **TIMES, breaks={"period": [2009, 2010], "age": [40]})
    np.testing.assert_allclose(
        cut["person_years"] * 365.25, [184, 59], rtol=1e-9
    )  # 1 January; 40 x 365.25 too
    assert cut["period_band"].tolist() == ["2009", "2010+"] and cut["died"].tolist() == [0, 1]
    assert cut["period_entry"].iloc[0] == 1970 + 14426 / 365.25
    with pytest.raises(ValueError, match="whole calendar years where the times are dates"):
        lexis(data, **TIMES, breaks={"period": [2009.5]})


def test_age_at_entry_in_the_place_of_the_birth():
    data = ONE.assign(age=43.0)
    breaks = {"age": [40, 45, 50], "follow_up": [0.5, 1.5]}
    by_age = lexis(data, entry="from", exit="to", event="died", age_at_entry="age", breaks=breaks)
    pd.testing.assert_frame_equal(by_age.drop(columns="age"), lexis(ONE, **TIMES, breaks=breaks))
    assert by_age["follow_up_band"].cat.categories.tolist() == ["<0.5", "[0.5, 1.5)", "1.5+"]


def test_without_ages_there_are_no_ages():
    cut = lexis(ONE, entry="from", exit="to", event="died", breaks={"period": [2005]})
    assert "age_entry" not in cut and cut["period_band"].tolist() == ["<2005", "2005+"]


def test_incomplete_rows_stay_and_are_counted_where_they_are_left_out():
    data = pd.concat([ONE.assign(born=np.nan), ONE, ONE.assign(died=np.nan)], ignore_index=True)
    cut = lexis(data, **TIMES, breaks={"age": [50]})
    assert cut.index.tolist() == [0, 1, 1, 2] and cut["age_band"].isna().tolist() == [
        True,
        False,
        False,
        True,
    ]
    rates = incidence_rate(cut, "person_years", "died", by="age_band")
    assert rates.n == 2 and rates.table["person_years"].tolist() == [7, 2]
    assert "2 of 4 rows left out" in rates.notes[0]
    nobody = lexis(data.iloc[[0]], **TIMES, breaks={"age": [50]})
    assert len(nobody) == 1 and nobody["person_years"].isna().all()


# ---------------------------------------------------------------- R


def test_golden():
    cut = lexis(denmark(), **DANES, breaks={"age": range(0, 101, 5)})
    found = [len(cut), cut["person_years"].sum(), cut["dead"].sum()]
    np.testing.assert_allclose(found, reference("lexis.DMlate"), rtol=1e-12)
    rates = incidence_rate(
        read("lung").assign(dead=lambda d: d["status"] - 1), "time", "dead", by="sex"
    ).table
    np.testing.assert_array_equal([*rates["person_years"], *rates["events"]], reference("pyears"))


@pytest.mark.parametrize("dates", [False, True])
def test_three_scales_as_in_epi(dates):
    """Sums over 5,000 years of person-time read off the calendar: 1e-11 is their rounding."""
    data = denmark(dates)
    january = (
        1970 + np.array(["2000-01-01", "2005-01-01", "2008-01-01"], "datetime64[D]").astype(float) / 365.25
    )
    period = [2000, 2005, 2008] if dates else january
    cut = lexis(data, **DANES, breaks={"age": range(40, 81, 10), "period": period, "follow_up": [1, 2.5, 5]})
    assert len(cut) == reference("own.lexis.n")[0]
    for name, band in (("age", "age_band"), ("period", "period_band"), ("follow.up", "follow_up_band")):
        sums = cut.groupby(band, observed=False)[["person_years", "dead"]].sum()
        np.testing.assert_allclose(sums.to_numpy().T.ravel(), reference(f"own.lexis.{name}"), rtol=1e-11)
    cells = cut.groupby(["sex", "age_band", "period_band"], observed=False)["person_years"].sum()
    np.testing.assert_allclose(cells, reference("own.lexis.cells"), rtol=1e-10)


def test_person_years_as_pyears():
    lung = read("lung").assign(start=0.0, years=lambda d: d["time"] / 365.25, dead=lambda d: d["status"] - 1)
    times = {"entry": "start", "exit": "years", "event": "dead", "age_at_entry": "age"}
    sums = lexis(lung, **times, breaks={"age": [50, 60, 70]}).groupby("age_band", observed=True)
    found = sums[["person_years", "dead"]].sum().to_numpy().T.ravel()
    np.testing.assert_allclose(found, reference("own.pyears.tcut"), rtol=1e-12)
    sums = lexis(lung, **times, breaks={"age": [55, 65]}).groupby(["sex", "age_band"], observed=True)
    found = sums[["person_years", "dead"]].sum().to_numpy().T.ravel()
    np.testing.assert_allclose(found, reference("own.pyears.sex"), rtol=1e-12)


# ---------------------------------------------------------------- properties


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_time_and_events_are_conserved_and_episodes_lie_in_their_bands(data):
    n = data.draw(st.integers(1, 6))
    numbers = st.integers(0, 4000)
    born = np.array(data.draw(st.lists(numbers, min_size=n, max_size=n))) / 100 + 1900
    entry = born + np.array(data.draw(st.lists(numbers, min_size=n, max_size=n))) / 100
    leave = entry + np.array(data.draw(st.lists(st.integers(1, 4000), min_size=n, max_size=n))) / 100
    died = np.array(data.draw(st.lists(st.integers(0, 1), min_size=n, max_size=n)))
    frame = pd.DataFrame({"from": entry, "to": leave, "born": born, "died": died})
    points = st.lists(st.integers(0, 160), min_size=1, max_size=6)
    breaks = {
        "age": np.array(data.draw(points)) / 2,
        "period": 1900 + np.array(data.draw(points)) / 2,
        "follow_up": np.array(data.draw(points)) / 4,
    }
    cut = lexis(frame, **TIMES, breaks=breaks)
    np.testing.assert_allclose(cut.groupby(level=0)["person_years"].sum(), leave - entry, rtol=1e-9)
    np.testing.assert_array_equal(cut.groupby(level=0)["died"].sum(), died)
    assert (cut["person_years"] > 1e-9).all()
    last = ~cut.index.duplicated(keep="last")
    assert (cut["died"][~last] == 0).all()
    np.testing.assert_allclose(cut["age_exit"][~last], cut["age_entry"][cut.index.duplicated()], atol=1e-9)
    for scale, where in breaks.items():
        for point in where:  # no episode has a cut point inside
            inside = (cut[f"{scale}_entry"] < point - 2e-9) & (cut[f"{scale}_exit"] > point + 2e-9)
            assert not inside.any()
    shuffled = lexis(frame.iloc[::-1], **TIMES, breaks=breaks)
    pd.testing.assert_frame_equal(shuffled.sort_index(kind="stable"), cut)


# ---------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        ({}, {"breaks": {"ages": [40]}}, "'ages' is no scale.*Did you mean 'age'"),
        ({}, {"breaks": {}}, "breaks must map scales"),
        ({}, {"breaks": [40, 50]}, "breaks must map scales"),
        ({}, {"breaks": {"age": []}}, "'age' must be finite numbers, at least one"),
        ({}, {"breaks": {"age": ["young"]}}, "'age' must be a list of numbers"),
        ({}, {"birth": None}, "give birth or age_at_entry"),
        ({"age": 43.0}, {"age_at_entry": "age"}, "both say the age"),
        ({}, {"birth": "borm"}, "no column 'borm'. Did you mean 'born'"),
        ({"to": 2003.0}, {}, "'to' is not after 'from' in 1 rows"),
        ({"born": 2004.0}, {}, "'born' is after 'from' in 1 rows"),
        ({"to": np.inf}, {}, "'to' is infinite in 1 rows"),
        ({"to": "2012"}, {}, "'to' must be a date or a number of years"),
        ({"to": pd.Timestamp("2012-01-01")}, {}, "all dates or all numbers"),
        ({"age_band": "40"}, {}, "the data have a column 'age_band'"),
        ({"died": 2}, {}, "'died' must be 0/1"),
    ],
)  # fmt: skip
def test_what_cannot_be_split(change, options, message):
    with pytest.raises(ValueError, match=message):
        lexis(ONE.assign(**change), **{**TIMES, "breaks": {"age": [50]}, **options})


# ---------------------------------------------------------------- the diagram


@pytest.fixture
def closing():
    yield
    plt.close("all")


@pytest.mark.usefixtures("closing")
def test_the_diagram_draws_a_line_a_person_and_a_dot_an_event():
    two = pd.concat([ONE, ONE.assign(died=0, born=1955.5), ONE.assign(died=np.nan)])
    ax = lexis_diagram(two, **TIMES, breaks={"age": [40, 50, 60], "period": [2000, 2010]})
    lines, dots = ax.collections
    np.testing.assert_allclose(lines.get_segments()[0], [[2003, 43], [2012, 52]])
    np.testing.assert_allclose(lines.get_segments()[1], [[2003, 47.5], [2012, 56.5]])
    np.testing.assert_allclose(dots.get_offsets(), [[2012, 52]])
    assert ax.get_xlabel() == "Calendar year" and ax.get_ylabel() == "Age (years)"
    assert ax.get_yticks().tolist() == [40, 50, 60] and ax.get_xticks().tolist() == [2000, 2010]
    assert ax.get_aspect() == 1 and ax.get_title("right") == ""
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["died"]


@pytest.mark.usefixtures("closing")
def test_the_diagram_shows_some_of_many_and_stays_readable_where_ages_span_far_more_than_years():
    danes = denmark(dates=True)
    _, ax = plt.subplots()
    drawn = lexis_diagram(danes, **DANES, show=50, breaks={"period": [2000, 2005]}, ax=ax)
    assert drawn is ax and len(ax.collections[0].get_segments()) == 50
    assert ax.get_title("right") == "50 of 9,996 drawn" and ax.get_aspect() == "auto"
    np.testing.assert_allclose(ax.get_xticks(), 1970 + np.array([10957, 12784]) / 365.25)
    nobody = lexis_diagram(ONE.assign(died=0), **TIMES)
    assert nobody.get_legend() is None and len(nobody.collections[0].get_segments()) == 1


def test_what_cannot_be_drawn():
    with pytest.raises(ValueError, match="needs ages: give birth or age_at_entry"):
        lexis_diagram(ONE, entry="from", exit="to", event="died")
    with pytest.raises(ValueError, match="'follow_up' is no axis"):
        lexis_diagram(ONE, **TIMES, breaks={"follow_up": [1]})
    with pytest.raises(ValueError, match="show=0 must be at least 1"):
        lexis_diagram(ONE, **TIMES, show=0)
    with pytest.raises(ValueError, match="no row has all of from, to, born, died"):
        lexis_diagram(ONE.assign(born=np.nan), **TIMES)
