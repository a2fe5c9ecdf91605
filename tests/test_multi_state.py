"""State probabilities of several states: R (validation/), a case worked by hand, properties, bad input."""

import numpy as np
import pandas as pd
import pytest
from golden import read, reference
from hypothesis import given, settings
from hypothesis import strategies as st

from dermcohort import Estimates
from dermcohort.survival import cumulative_incidence, multi_state
from dermcohort.survival.aalen_johansen import Episodes, aalen_johansen
from dermcohort.survival.path_variance import path_variances
from dermcohort.survival.unit_variance import dense_variances

TIMES = [300, 1000, 2000]
STATES = ["censored", "recurrence", "death"]


@pytest.fixture
def colon() -> pd.DataFrame:
    """Recurrence and death after surgery: one row a person, two where recurrence came before the end."""
    data = read("colon")
    once = data[data["etype"] == 1].set_index("id")
    last = data[data["etype"] == 2].set_index("id").loc[once.index]
    ill = (once["status"] == 1) & (once["time"] < last["time"])
    common = once[["rx", "age"]]
    death = np.where(last["status"] == 1, "death", "censored")
    whole = common.assign(begin=0, end=last["time"], state=death)
    first = common.assign(begin=0, end=once["time"], state="recurrence")[ill]
    second = common.assign(begin=once["time"], end=last["time"], state=death)[ill]
    rows = pd.concat([whole[~ill], first, second]).reset_index()
    return rows.assign(
        state=pd.Categorical(rows["state"], STATES), w=1 + 0.5 * (rows["age"] > 60), village=rows["id"] % 30
    )


@pytest.fixture
def back() -> pd.DataFrame:
    """Eczema comes and goes; persons 5 and 6 come late."""
    to = ["eczema", "clear", "death", "eczema", "none", "death", "eczema", "clear", "eczema", "death"]
    return pd.DataFrame(
        {
            "person": [1, 1, 1, 2, 2, 3, 4, 4, 5, 6],
            "begin": [0, 2, 5, 0, 3, 0, 0, 4, 1, 2],
            "end": [2, 5, 9, 3, 8, 4, 4, 7, 6, 7],
            "to": pd.Categorical(to, ["none", "eczema", "clear", "death"]),
        }
    )


def illness_death(data: pd.DataFrame, **options):
    return multi_state(data, "end", "state", id="id", entry="begin", start="surgery", **options)


def columns(at: pd.DataFrame, *names: str) -> np.ndarray:
    return at[list(names)].to_numpy().T.ravel()


def test_by_group(colon):
    at = illness_death(colon, by="rx").at(TIMES).sort_values(["state", "rx", "time"])
    np.testing.assert_allclose(columns(at, "estimate", "std_error"), reference("own.ms.groups"), rtol=1e-11)


def test_limits(colon):
    at = illness_death(colon).at(TIMES)
    np.testing.assert_allclose(columns(at, "conf_low", "conf_high"), reference("own.ms.ci"), rtol=1e-11)


@pytest.mark.parametrize(
    ("identifier", "options"),
    [("own.ms.weights", {"weights": "w"}), ("own.ms.cluster", {"cluster": "village"})],
)
def test_weights_and_clusters(colon, identifier, options):
    at = illness_death(colon, **options).at(TIMES)
    np.testing.assert_allclose(columns(at, "estimate", "std_error"), reference(identifier), rtol=1e-11)


def test_people_come_back(back):
    curves = multi_state(back, "end", "to", id="person", entry="begin", start="clear")
    at = curves.at([3, 5, 8])
    order = {"clear": 1, "eczema": 0, "death": 2}
    at = at.sort_values("state", key=lambda s: s.map(order).astype(int), kind="stable")
    np.testing.assert_allclose(
        columns(at, "estimate", "std_error"), reference("own.ms.back"), rtol=1e-12, atol=1e-15
    )


def test_worked_by_hand():
    """Three people; one falls ill at 2 and dies at 5, one dies well at 6, one is censored at 4.

    Well: 1, 2/3 from 2, 0 from 6. Ill: 1/3 over [2, 5). Dead: 1/3 from 5, 1 from 6.
    """
    data = pd.DataFrame(
        {
            "person": ["a", "a", "b", "c"],
            "begin": [0, 2, 0, 0],
            "end": [2, 5, 4, 6],
            "to": pd.Categorical(["ill", "dead", "none", "dead"], ["none", "ill", "dead"]),
        }
    )
    curves = multi_state(data, "end", "to", id="person", entry="begin", start="well")
    at = curves.at([1, 2, 5, 6, 7]).set_index(["state", "time"])["estimate"]
    np.testing.assert_allclose(at["well"], [1, 2 / 3, 2 / 3, 0, 0], atol=1e-15)
    np.testing.assert_allclose(at["ill"], [0, 1 / 3, 0, 0, 0], atol=1e-15)
    np.testing.assert_allclose(at["dead"], [0, 0, 1 / 3, 1, 1], atol=1e-15)
    assert curves.n == 3 and curves.events == 3
    shuffled = multi_state(data.iloc[[3, 1, 2, 0]], "end", "to", id="person", entry="begin", start="well")
    pd.testing.assert_frame_equal(curves.table, shuffled.table)


def test_states_add_up_to_one(back):
    table = multi_state(back, "end", "to", id="person", entry="begin", start="clear").table
    np.testing.assert_allclose(table.groupby("time")["estimate"].sum(), 1.0, rtol=1e-14)


def test_without_second_moves_it_is_competing_risks(colon):
    first = colon[colon["begin"] == 0]
    incidence = cumulative_incidence(first, "end", "state").at(TIMES)
    states = illness_death(first).at(TIMES)
    states = states[states["state"] != "surgery"]
    for name in ("estimate", "std_error", "conf_low", "conf_high", "n_risk"):
        np.testing.assert_allclose(states[name], incidence[name], rtol=1e-10)


def test_splitting_a_stretch_changes_nothing(back):
    middle = (back["begin"] + back["end"]) / 2
    none = pd.Categorical(["none"] * len(back), back["to"].cat.categories)
    split = pd.concat([back.assign(end=middle, to=none), back.assign(begin=middle)])
    options = {"id": "person", "entry": "begin", "start": "clear"}
    whole = multi_state(back, "end", "to", **options).at([3, 5, 8])
    np.testing.assert_allclose(
        columns(multi_state(split, "end", "to", **options).at([3, 5, 8]), "estimate", "std_error"),
        columns(whole, "estimate", "std_error"),
        rtol=1e-12,
        atol=1e-15,
    )


def test_saving_and_views(colon, tmp_path):
    curves = illness_death(colon, by="rx")
    loaded = Estimates.load(curves.save(tmp_path / "curves"))
    pd.testing.assert_frame_equal(loaded.at(TIMES), curves.at(TIMES))
    axes = illness_death(colon).plot()
    assert "929" in [text.get_text() for text in axes.texts]  # all are at risk at time 0
    assert axes.get_ylabel() == "State probability"
    assert [line.get_ydata()[0] for line in axes.lines] == [1, 0, 0]


def test_a_person_with_a_gap_in_the_data_is_left_out_whole(back):
    curves = multi_state(
        back.assign(end=back["end"].where(back.index != 1)),
        "end",
        "to",
        id="person",
        entry="begin",
        start="clear",
    )
    assert curves.n == 5
    assert "3 of 10 rows left out" in curves.notes[0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"begin": 0}, "4 rows begin before the row before of the same 'person' has ended"),
        ({"to": pd.Categorical(["eczema"] * 10, ["none", "eczema"])}, "4 rows move to the state they are in"),
        ({"to": "eczema"}, "must be a category whose first level means censored"),
        ({"end": np.nan}, "no person has all of"),
    ],
)
def test_bad_input(back, change, message):
    with pytest.raises(ValueError, match=message):
        multi_state(back.assign(**change), "end", "to", id="person", entry="begin", start="clear")


def test_one_person_has_no_error(back):
    curves = multi_state(back.head(3), "end", "to", id="person", entry="begin", start="clear")
    assert curves.table["std_error"].isna().all()
    assert "single person" in " ".join(curves.notes)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 100_000))
def test_the_fast_variance_is_the_sum_over_everybody(seed):
    """Paths through four states, with gaps, late entry, weights and coming back."""
    rng = np.random.default_rng(seed)
    rows = []
    for person in range(rng.integers(2, 30)):
        begin, state = rng.integers(0, 4), 0
        for _ in range(rng.integers(1, 5)):
            end, to = begin + rng.integers(1, 6), rng.integers(-1, 4)
            to = -1 if to == state else to
            rows.append((begin, end, state, to, person))
            begin, state = end + rng.integers(0, 2), state if to == -1 else to
            if state == 3:
                break
    entry, exit_, origin, target, unit = np.array(rows).T
    episodes = Episodes(
        entry.astype(float), exit_.astype(float), origin, target, rng.uniform(0.5, 2, len(rows)), 4
    )
    found = aalen_johansen(episodes)
    np.testing.assert_allclose(
        path_variances(episodes, found, unit), dense_variances(episodes, found, unit), rtol=1e-9, atol=1e-14
    )
