"""Episodes of follow-up and effects that change with time, against R's survSplit and tt."""

import numpy as np
import pandas as pd
import pytest
from golden import read, reference
from hypothesis import given, settings
from hypothesis import strategies as st

from dermcohort.survival import cox, incidence_rate, split_time


def errors(fit) -> np.ndarray:
    return np.sqrt(np.diag(fit.covariance))


def same(fit, identifier: str) -> None:
    np.testing.assert_allclose([*fit.coefficients, *errors(fit)], reference(identifier), rtol=1e-8)


def test_step_function_of_time():
    split = split_time(read("veteran"), "time", "status", [90, 180])
    fit = cox("trt + prior + karno:C(episode)", split, time="time", event="status", entry="entry")
    same(fit, "cox.split")


def test_effect_that_changes_with_log_time():
    veteran = read("veteran")
    split = split_time(veteran, "time", "status", veteran.loc[veteran["status"] == 1, "time"])
    split = split.assign(changing=split["karno"] * np.log(split["time"] + 20))
    fit = cox("trt + prior + karno + changing", split, time="time", event="status", entry="entry")
    same(fit, "cox.tt")


def test_effect_that_changes_with_log_time_elsewhere():
    death = read("colon").query("etype == 2 and id <= 300")
    split = split_time(death, "time", "status", death.loc[death["status"] == 1, "time"])
    split = split.assign(changing=split["node4"] * np.log(split["time"] + 20))
    same(cox("sex + node4 + changing", split, time="time", event="status", entry="entry"), "own.tt")


def test_episodes_of_episodes():
    split = split_time(read("heart"), "stop", "event", [100, 30, 100.5], entry="start", episode="k")
    length = (split["stop"] - split["start"]).groupby(split["k"]).sum()
    late = split.assign(early=split["age"] * (split["k"] <= 1), late=split["age"] * (split["k"] > 1))
    fit = cox("year + early + late", late, time="stop", event="event", entry="start")
    found = [len(split), *length, *split.groupby("k")["event"].sum(), *fit.coefficients, *errors(fit)]
    np.testing.assert_allclose(found, reference("own.split"), rtol=1e-8)


def test_by_hand():
    data = pd.DataFrame(
        {"id": list("abc"), "from": [0.0, 2, 5], "to": [2, 7, 9], "sick": ["no", "yes", "no"]}
    )
    split = split_time(data, "to", "sick", [2, 5], entry="from")
    expected = pd.DataFrame(
        {
            "id": ["a", "b", "b", "c"],
            "from": [0.0, 2, 5, 5],
            "to": [2.0, 5, 7, 9],
            "sick": [0, 0, 1, 0],
            "episode": [1, 2, 3, 3],
        },
        index=[0, 1, 1, 2],
    )
    pd.testing.assert_frame_equal(split, expected, check_dtype=False)


rows = st.lists(
    st.tuples(st.integers(0, 5), st.integers(1, 6), st.integers(0, 1), st.integers(-2, 2)),
    min_size=1,
    max_size=20,
)


@settings(max_examples=50, deadline=None)
@given(rows, st.lists(st.floats(-1, 12), min_size=1, max_size=5))
def test_nothing_is_lost(people, cuts):
    data = pd.DataFrame(people, columns=["start", "length", "status", "x"])
    data = data.assign(time=data["start"] + data["length"], key=range(len(data)))
    split = split_time(data, "time", "status", cuts, entry="start")
    assert (split["time"] > split["start"]).all()
    by_person = split.groupby("key")
    np.testing.assert_allclose((split["time"] - split["start"]).groupby(split["key"]).sum(), data["length"])
    assert by_person["status"].sum().tolist() == data["status"].tolist()
    assert by_person["start"].min().tolist() == data["start"].tolist()
    assert (split["start"].iloc[1:].to_numpy() == split["time"].iloc[:-1].to_numpy())[
        split["key"].diff().iloc[1:] == 0
    ].all()
    edges = np.concatenate([[-np.inf], np.unique(cuts), [np.inf]])
    assert (edges[split["episode"] - 1] <= split["start"]).all()
    assert (split["time"] <= edges[split["episode"]]).all()


def test_the_model_is_the_same():
    data = read("heart")
    whole = cox("age + year", data, time="stop", event="event", entry="start")
    split = split_time(data, "stop", "event", np.arange(1, 1800, 13), entry="start")
    again = cox("age + year", split, time="stop", event="event", entry="start", cluster="id")
    np.testing.assert_allclose(again.coefficients, whole.coefficients, rtol=1e-9)
    assert again.loglik == pytest.approx(whole.loglik, rel=1e-12)
    # rates by period follow from the episodes
    years = split.assign(length=split["stop"] - split["start"], late=split["start"] >= 365)
    assert incidence_rate(years, "length", "event", "late").table["events"].sum() == whole.events


def test_incomplete_rows_are_kept_and_counted():
    data = pd.DataFrame({"time": [5.0, np.nan, 3, 8], "status": [1, 1, None, 0], "x": [1, 2, 3, 4]})
    split = split_time(data, "time", "status", 4)
    assert split.index.tolist() == [0, 0, 1, 2, 3, 3]
    assert split["x"].tolist() == [1, 1, 2, 3, 4, 4]
    assert split["episode"].isna().tolist() == [False, False, True, True, False, False]
    assert split["time"].tolist()[3] == 3 and split["status"].isna().sum() == 1
    nobody = split_time(data.assign(time=np.nan), "time", "status", 4)
    assert len(nobody) == 4 and nobody["episode"].isna().all()


def test_bad_input():
    data = pd.DataFrame({"time": [5.0, 3], "status": [1, 0], "entry": [0, 3]})
    with pytest.raises(ValueError, match="the data have a column 'entry'"):
        split_time(data, "time", "status", 4)
    with pytest.raises(ValueError, match="the data have a column 'episode'"):
        split_time(data.rename(columns={"entry": "episode"}), "time", "status", 4)
    with pytest.raises(ValueError, match="'time' is not after 'entry' in 1 rows"):
        split_time(data, "time", "status", 4, entry="entry")
    with pytest.raises(ValueError, match="time: 'time' is 0 in 1 rows: they are never at risk"):
        split_time(data.assign(time=[5, 0]), "time", "status", 4, start="from")
    for cuts in ([], [np.inf], [np.nan]):
        with pytest.raises(ValueError, match="cuts must be finite times, at least one"):
            split_time(data, "time", "status", cuts, start="from")
