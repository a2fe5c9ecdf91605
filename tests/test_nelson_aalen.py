"""Nelson-Aalen against R's survfit (golden.csv, own/curves.csv) and cases worked by hand."""

import numpy as np
import pandas as pd
import pytest
from golden import read, reference
from hypothesis import given, settings
from hypothesis import strategies as st

from dermcohort import SurveyDesign
from dermcohort.survival import NelsonAalen, kaplan_meier, nelson_aalen


@pytest.fixture
def death() -> pd.DataFrame:
    data = read("colon").query("etype == 2")
    return data.assign(w=1 + data["id"] % 5, village=data["id"] // 20)


def same(at: pd.DataFrame, identifier: str) -> None:
    np.testing.assert_allclose([*at["estimate"], *at["std_error"]], reference(identifier), rtol=1e-12)


def test_lung():
    lung = read("lung").assign(dead=lambda d: d["status"] - 1)
    same(nelson_aalen(lung, "time", "dead").at([100, 365, 700]), "na.lung")


def test_late_entry_by_group():
    found = nelson_aalen(read("heart"), "stop", "event", entry="start", by="transplant")
    same(found.at([50, 100, 300]), "own.na.entry")


def test_weights(death):
    same(nelson_aalen(death, "time", "status", weights="w").at([200, 1000, 2500]), "own.na.weights")


def test_clusters(death):
    same(nelson_aalen(death, "time", "status", cluster="village").at([200, 1000, 2500]), "own.na.cluster")


def test_a_design_agrees_with_its_survival_curve(death):
    design = SurveyDesign("w", cluster="village")
    hazard = nelson_aalen(death, "time", "status", design=design).table
    curve = kaplan_meier(death, "time", "status", design=design, estimator="fleming-harrington").table
    np.testing.assert_allclose(np.exp(-hazard["estimate"]), curve["estimate"], rtol=1e-13)
    np.testing.assert_allclose(hazard["std_error"], curve["std_error"] / curve["estimate"], rtol=1e-12)


def test_by_hand():
    """1 of 4, 1 of 3, and 1 of 1: H = 1/4, 7/12, 19/12; variances 1/16, + 1/9, + 1."""
    data = pd.DataFrame({"time": [1, 2, 2, 4], "status": [1, 0, 1, 1]})
    found = nelson_aalen(data, "time", "status", ci="plain")
    np.testing.assert_allclose(found.table["estimate"], [1 / 4, 7 / 12, 19 / 12], rtol=1e-15)
    np.testing.assert_allclose(found.table["std_error"] ** 2, [1 / 16, 25 / 144, 169 / 144], rtol=1e-14)
    assert (found.table["conf_low"] == 0).all()
    before, at_last, after = found.at([0.5, 4, 5]).to_dict("records")
    assert (before["estimate"], before["std_error"], before["n_risk"]) == (0, 0, 4)
    assert (at_last["estimate"], at_last["n_risk"]) == (pytest.approx(19 / 12), 1)
    assert np.isnan(after["estimate"]) and after["n_risk"] == 0


def test_interval_on_the_log_scale():
    data = pd.DataFrame({"time": [1, 2, 3, 4], "status": [0, 1, 1, 0]})
    table = nelson_aalen(data, "time", "status").table
    assert table.loc[0, ["conf_low", "conf_high"]].isna().all()
    np.testing.assert_allclose(
        table["conf_low"][1:] * table["conf_high"][1:], table["estimate"][1:] ** 2, rtol=1e-13
    )


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 5), st.integers(0, 1), st.integers(1, 3)), min_size=2, max_size=12))
def test_weight_2_is_two_rows(rows):
    data = pd.DataFrame(rows, columns=["time", "status", "w"])
    repeated = data.loc[data.index.repeat(data["w"])]
    weighted = nelson_aalen(data, "time", "status", weights="w", robust=False).table
    plain = nelson_aalen(repeated[::-1], "time", "status").table
    for column in ("estimate", "std_error", "n_risk"):
        np.testing.assert_allclose(weighted[column], plain[column], rtol=1e-12)


def test_nobody_and_everybody_has_the_event():
    nobody = nelson_aalen(pd.DataFrame({"time": [1, 2], "status": [0, 0]}), "time", "status")
    assert nobody.table["estimate"].tolist() == [0, 0] and nobody.events == 0
    one = nelson_aalen(pd.DataFrame({"time": [1.5], "status": [1]}), "time", "status").table
    assert (one["estimate"][0], one["std_error"][0]) == (1, 1)


def test_views(tmp_path):
    found = nelson_aalen(read("heart"), "stop", "event", entry="start", by="transplant")
    axes = found.plot()
    assert axes.get_ylabel() == "Cumulative hazard"
    assert axes.get_ylim()[1] > found.table["conf_high"].max() > 1
    assert "Cumulative hazard (95% CI)" in found.to_display().columns
    again = NelsonAalen.load(found.save(tmp_path / "hazard"))
    pd.testing.assert_frame_equal(again.at(100), found.at(100))


def test_bad_input():
    data = pd.DataFrame({"time": [1, 2], "status": [0, 1]})
    with pytest.raises(ValueError, match="ci='log-log' is unknown; choose one of log, plain"):
        nelson_aalen(data, "time", "status", ci="log-log")
    with pytest.raises(ValueError, match="time: 'time' is negative in 1 rows"):
        nelson_aalen(data.assign(time=[-1, 2]), "time", "status")
