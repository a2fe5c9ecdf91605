"""Restricted mean survival against R's survfit and survRM2's formulas, and cases worked by hand."""

import numpy as np
import pandas as pd
import pytest
from golden import read, reference
from hypothesis import given, settings
from hypothesis import strategies as st

from dermcohort import ReplicateDesign, SurveyDesign
from dermcohort.survival import kaplan_meier, rmst


@pytest.fixture
def death() -> pd.DataFrame:
    data = read("colon").query("etype == 2")
    return data.assign(rx=pd.Categorical(data["rx"], ["Obs", "Lev", "Lev+5FU"]), w=1 + data["id"] % 5)


def as_r(table: pd.DataFrame) -> np.ndarray:
    parts = [table.loc[table["measure"] == "RMST", ["estimate", "std_error"]]]
    for measure in ("RMST difference", "RMST ratio"):
        rows = table[table["measure"] == measure]
        parts.append(rows[["estimate", "conf_low", "conf_high", "p_value"]])
    return np.concatenate([part.to_numpy().T.ravel() for part in parts])


def test_lung():
    lung = read("lung").assign(dead=lambda d: d["status"] - 1)
    table = rmst(lung, "time", "dead", tau=500, by="sex").table[:2]
    np.testing.assert_allclose([*table["estimate"], *table["std_error"]], reference("rmst.lung"), rtol=1e-12)


def test_three_groups(death):
    table = rmst(death, "time", "status", tau=2000, by="rx").table
    np.testing.assert_allclose(as_r(table), reference("own.rmst.three"), rtol=1e-12)
    assert table["reference"].tolist() == [None] * 3 + ["Obs"] * 4
    assert table["rx"].tolist()[3:] == ["Lev", "Lev+5FU"] * 2


def test_late_entry():
    found = rmst(read("heart"), "stop", "event", tau=150, by="transplant", entry="start")
    np.testing.assert_allclose(as_r(found.table), reference("own.rmst.entry"), rtol=1e-12)


def test_weights(death):
    row = rmst(death, "time", "status", tau=1500, weights="w").table.iloc[0]
    np.testing.assert_allclose([row["estimate"], row["std_error"]], reference("own.rmst.weights"), rtol=1e-12)


def estimates(table: pd.DataFrame) -> np.ndarray:
    """Means and errors, differences and errors, logarithms of ratios and errors."""
    parts = [table[table["measure"] == name] for name in ("RMST", "RMST difference", "RMST ratio")]
    return np.concatenate([part[["coef", "std_error"]].to_numpy().T.ravel() for part in parts])


def survey(death: pd.DataFrame) -> pd.DataFrame:
    village = (death["id"] - 1) // 20
    return death.assign(village=village, region=village // 6, per_region=10)


@pytest.mark.parametrize(
    ("identifier", "options"),
    [
        ("own.rmst.cluster", {"cluster": "village"}),
        ("own.rmst.cluster.weights", {"cluster": "village", "weights": "w"}),
        ("own.rmst.survey", {"design": SurveyDesign("w", strata="region", cluster="village")}),
        (
            "own.rmst.survey.fpc",
            {"design": SurveyDesign("w", strata="region", cluster="village", fpc="per_region")},
        ),
    ],
)
def test_groups_that_share_clusters(death, identifier, options):
    table = rmst(survey(death), "time", "status", tau=1500, by="rx", **options).table
    np.testing.assert_allclose(estimates(table), reference(identifier), rtol=1e-10)


def test_replicate_weights(death):
    data = survey(death)
    replicates = {f"r{r}": data["w"] * (1 + 0.9 * (-1.0) ** (data["village"] // r + r)) for r in range(1, 13)}
    design = ReplicateDesign("w", list(replicates), kind="bootstrap")
    table = rmst(data.assign(**replicates), "time", "status", tau=1500, by="rx", design=design).table
    np.testing.assert_allclose(table["std_error"][[0, 1, 2, 3]], reference("own.rmst.replicates"), rtol=1e-10)


def test_rows_are_clusters_of_one(death):
    options = {"tau": 1500, "by": "rx", "weights": "w"}
    rows = rmst(death, "time", "status", **options).table
    clusters = rmst(death.assign(one=death["id"]), "time", "status", cluster="one", **options).table
    np.testing.assert_allclose(estimates(clusters), estimates(rows), rtol=1e-12)


def test_a_group_in_one_cluster_has_no_spread(death):
    data = death.assign(village=np.where(death["rx"] == "Obs", 0, death["id"] % 9))
    found = rmst(data, "time", "status", tau=1500, by="rx", cluster="village")
    assert found.table["std_error"].isna().tolist() == [True, False, False, True, True, True, True]
    assert "single cluster" in " ".join(found.notes)


def test_by_hand():
    """S is 1 to 1, 3/4 to 3, 3/8 after: up to 4 the area is 1 + 2 * 3/4 + 3/8; the areas left are 15/8 and 3/8."""
    data = pd.DataFrame({"time": [1, 2, 3, 5], "status": [1, 0, 1, 0]})
    row = rmst(data, "time", "status", tau=4).table.iloc[0]
    assert row["estimate"] == pytest.approx(23 / 8, rel=1e-15)
    variance = (15 / 8) ** 2 / (4 * 3) + (3 / 8) ** 2 / (2 * 1)
    assert row["std_error"] == pytest.approx(np.sqrt(variance), rel=1e-14)
    assert row["conf_high"] - row["conf_low"] == pytest.approx(2 * 1.959963984540054 * np.sqrt(variance))


cohorts = st.lists(
    st.tuples(st.integers(1, 6), st.integers(0, 1), st.sampled_from("ab"), st.integers(1, 3)),
    min_size=2,
    max_size=20,
).map(lambda rows: [(9, 0, "a", 1), (9, 0, "b", 1), *rows])


@settings(max_examples=40, deadline=None)
@given(cohorts, st.floats(0.5, 8.5))
def test_properties(rows, tau):
    data = pd.DataFrame(rows, columns=["time", "status", "arm", "w"])
    found = rmst(data, "time", "status", tau=tau, by="arm").table
    swapped = data.assign(arm=data["arm"].map({"a": "b", "b": "a"}))[::-1]
    other = rmst(swapped, "time", "status", tau=tau, by="arm").table
    assert other["estimate"][2] == pytest.approx(-found["estimate"][2], abs=1e-12)
    assert other["estimate"][3] == pytest.approx(1 / found["estimate"][3], rel=1e-12)
    np.testing.assert_allclose(other["std_error"][2:], found["std_error"][2:], rtol=1e-10, atol=1e-14)
    weighted = rmst(data, "time", "status", tau=tau, by="arm", weights="w", robust=False).table
    plain = rmst(data.loc[data.index.repeat(data["w"])], "time", "status", tau=tau, by="arm").table
    for column in ("estimate", "std_error"):
        np.testing.assert_allclose(weighted[column], plain[column], rtol=1e-10, atol=1e-14)
    curve = kaplan_meier(data, "time", "status", by="arm")
    grid = np.linspace(0, tau, 2001)[:-1] + tau / 4000
    area = curve.at(grid).groupby("arm")["estimate"].mean() * tau
    np.testing.assert_allclose(found["estimate"][:2], area, atol=tau / 200)


def test_robust_is_greenwood_where_all_weigh_1(death):
    """The infinitesimal jackknife of a Kaplan-Meier curve is Greenwood's formula."""
    greenwood = rmst(death, "time", "status", tau=2000, by="rx").table["std_error"]
    robust = rmst(death, "time", "status", tau=2000, by="rx", robust=True).table["std_error"]
    np.testing.assert_allclose(robust, greenwood, rtol=1e-10)


def test_tau_must_be_inside_follow_up():
    data = pd.DataFrame({"time": [1, 4, 2, 3], "status": [0, 1, 1, 0], "arm": list("aabb")})
    with pytest.raises(ValueError, match=r"tau=3.5 is after the last time of 'arm' = b, 3: "):
        rmst(data, "time", "status", tau=3.5, by="arm")
    # the curve of a comes down to 0 at 4 and stays there
    assert rmst(data[:2], "time", "status", tau=10).table["estimate"].tolist() == [4]
    for tau in (0, -1, np.inf, np.nan):
        with pytest.raises(ValueError, match="tau must be a positive number"):
            rmst(data, "time", "status", tau=tau)


def test_no_event_has_no_spread():
    data = pd.DataFrame({"time": [5, 6, 5, 7], "status": 0, "arm": list("aabb")})
    found = rmst(data, "time", "status", tau=4, by="arm")
    table = found.table
    assert table["estimate"].tolist() == [4, 4, 0, 1] and "intervals are too narrow" in found.notes[1]
    assert (table["std_error"] == 0).all() and table["p_value"].isna().all()


def test_events_at_0_leave_no_ratio():
    data = pd.DataFrame({"time": [0, 0, 5, 7], "status": [1, 1, 0, 1], "arm": list("aabb")})
    table = rmst(data, "time", "status", tau=4, by="arm").table
    assert table["estimate"].tolist()[:3] == [0, 4, 4] and np.isnan(table["estimate"][3])


def test_missing_rows_and_printing(death):
    gaps = death.assign(time=death["time"].where(death.index % 7 > 0))
    found = rmst(gaps, "time", "status", tau=1000, by="rx")
    assert found.n == gaps["time"].notna().sum() and "left out for missing values" in found.notes[1]
    assert found.notes[0] == "Differences and ratios are against Obs."
    assert len(found.to_display()) == 7
