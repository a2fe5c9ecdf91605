"""Log-rank tests against R's survdiff (golden.csv, own/curves.csv) and cases worked by hand."""

import numpy as np
import pandas as pd
import pytest
from golden import read, reference
from hypothesis import given, settings
from hypothesis import strategies as st

from dermcohort.survival import cox, logrank

OUTCOME = ("time", "status")


@pytest.fixture
def death() -> pd.DataFrame:
    data = read("colon").query("etype == 2")
    few = pd.cut(data["nodes"], [-1, 1, 4, 99], labels=["0-1", "2-4", "5+"])
    return data.assign(rx=pd.Categorical(data["rx"], ["Obs", "Lev", "Lev+5FU"]), few=few)


@pytest.fixture
def lung() -> pd.DataFrame:
    return read("lung").rename(columns={"ph.ecog": "ecog"}).assign(dead=lambda d: d["status"] - 1)


def same(found, identifier: str) -> None:
    np.testing.assert_allclose(np.ravel(found), reference(identifier), rtol=1e-12)


def test_two_groups(lung):
    same([logrank(lung, "time", "dead", "sex", rho=rho).statistic for rho in (0, 1)], "lr.lung")


def test_strata(lung):
    same(logrank(lung[lung["ecog"] < 3], "time", "dead", "sex", strata="ecog").statistic, "lr.strat")


def test_trend(lung):
    test = logrank(lung, "time", "dead", "ecog", trend=True)
    same(test.statistic, "lr.exacttrend")
    assert test.df == 1 and test.table["score"].tolist() == [1, 2, 3, 4]
    shifted = logrank(lung, "time", "dead", "ecog", trend=True, scores=[0, 1, 2, 3])
    assert shifted.statistic == pytest.approx(test.statistic, rel=1e-12)


def test_score_test_of_cox_is_nearly_the_trend(lung):
    fit = cox("ecog", lung, time="time", event="dead", ties="breslow")
    np.testing.assert_allclose(fit.score_test["statistic"], reference("lr.trend")[0], rtol=1e-12)


def test_three_groups_with_ties(death):
    test = logrank(death, *OUTCOME, "rx")
    half = logrank(death, *OUTCOME, "rx", rho=0.5)
    found = [test.statistic, test.p_value, *test.table["observed"], *test.table["expected"], half.statistic]
    same(found, "own.lr.three")
    assert test.df == 2 and test.table["observed"].tolist() == test.table["events"].tolist()


def test_strata_and_rho(death):
    test = logrank(death, *OUTCOME, "rx", strata=["sex", "few"], rho=1)
    same([test.statistic, *test.table["observed"], *test.table["expected"]], "own.lr.strata.rho")


def test_strata_of_one_person_say_nothing():
    veteran = read("veteran")
    same(logrank(veteran, *OUTCOME, "trt", strata=["age", "celltype"]).statistic, "own.lr.single")


def test_late_differences(death):
    same([logrank(death, *OUTCOME, "rx", rho=rho, gamma=1).statistic for rho in (0, 1)], "own.lr.gamma")


def test_late_entry_in_strata():
    test = logrank(read("heart"), "stop", "event", "transplant", entry="start", strata="surgery")
    same([test.statistic, *test.table["observed"], *test.table["expected"]], "own.lr.entry")


def test_trend_in_strata_with_scores(death):
    test = logrank(death, *OUTCOME, "few", strata="sex", trend=True, scores=[0, 1, 3])
    same(test.statistic, "own.lr.trend")
    assert test.n_missing["few"] == death["few"].isna().sum() > 0


def test_by_hand():
    """a has its event at 1, b at 2, a at 3: expected of a is 2/3 + 1/2 + 1, variance 2/9 + 1/4."""
    data = pd.DataFrame({"time": [1, 2, 3], "status": [1, 1, 1], "arm": ["a", "b", "a"]})
    test = logrank(data, *OUTCOME, "arm")
    np.testing.assert_allclose(test.table["expected"], [13 / 6, 5 / 6], rtol=1e-14)
    assert test.statistic == pytest.approx((1 / 6) ** 2 / (2 / 9 + 1 / 4), rel=1e-13)
    assert test.table["estimate"].tolist() == pytest.approx([2 * 6 / 13, 6 / 5])
    assert "Chi-square 0.06, df 1, p 0.81." in repr(test)


cohorts = st.lists(
    st.tuples(st.integers(1, 6), st.integers(0, 1), st.sampled_from("ab"), st.sampled_from("xy")),
    min_size=4,
    max_size=25,
).filter(lambda rows: any(r[1] for r in rows) and len({r[2] for r in rows}) == 2)


@settings(max_examples=60, deadline=None)
@given(cohorts, st.sampled_from([(0, 0), (1, 0), (0.5, 1)]))
def test_properties(rows, weight):
    rho, gamma = weight
    data = pd.DataFrame(rows, columns=["time", "status", "arm", "stratum"])
    options = {"strata": "stratum", "rho": rho, "gamma": gamma}
    test = logrank(data, *OUTCOME, "arm", **options)
    observed, expected = test.table["observed"], test.table["expected"]
    assert observed.sum() == pytest.approx(expected.sum(), abs=1e-12)
    swapped = data.assign(arm=data["arm"].map({"a": "b", "b": "a"}))
    for other in (data[::-1], swapped, data.assign(time=data["time"] ** 2)):
        again = logrank(other, *OUTCOME, "arm", **options)
        assert again.df == test.df
        assert again.statistic == pytest.approx(test.statistic, rel=1e-9, abs=1e-9, nan_ok=True)
    if test.df:
        ordered = data.assign(arm=data["arm"].astype("category"))
        trend = logrank(ordered, *OUTCOME, "arm", trend=True, **options)
        assert trend.statistic == pytest.approx(test.statistic, rel=1e-9, abs=1e-9)


def test_groups_that_are_never_at_risk_together():
    data = pd.DataFrame({"time": [1, 2, 3, 4], "status": 1, "arm": list("aabb"), "stratum": [1, 1, 2, 2]})
    test = logrank(data, *OUTCOME, "arm", strata="stratum")
    assert test.df == 0 and np.isnan(test.statistic) and np.isnan(test.p_value)
    assert "not at risk together" in " ".join(test.notes)
    assert logrank(data.assign(arm=[1, 1, 2, 2]), *OUTCOME, "arm", strata="stratum", trend=True).df == 0


def test_bad_input(lung):
    with pytest.raises(ValueError, match="must make two groups or more, there is 1"):
        logrank(lung.assign(one=1), "time", "dead", "one")
    with pytest.raises(ValueError, match="'dead' never happens among the 228 complete rows"):
        logrank(lung.assign(dead=0), "time", "dead", "sex")
    with pytest.raises(ValueError, match="scores= belongs to trend=True"):
        logrank(lung, "time", "dead", "sex", scores=[1, 2])
    with pytest.raises(ValueError, match="scores must be finite numbers that are not all the same"):
        logrank(lung, "time", "dead", "sex", trend=True, scores=[1, 1])
    with pytest.raises(ValueError, match="scores: 3 given, but 'sex' has 2 levels"):
        logrank(lung, "time", "dead", "sex", trend=True, scores=[1, 2, 3])
    with pytest.raises(ValueError, match="'arm' is text, which has no order"):
        logrank(lung.assign(arm=lung["sex"].map({1: "b", 2: "a"})), "time", "dead", "arm", trend=True)
    with pytest.raises(ValueError, match="trend=True needs one column in by, there are 2"):
        logrank(lung, "time", "dead", ["sex", "ecog"], trend=True)
    with pytest.raises(ValueError, match="must not be negative, they are -1 and 0"):
        logrank(lung, "time", "dead", "sex", rho=-1)
    with pytest.raises(ValueError, match="'time' is not after 'begin' in 228 rows"):
        logrank(lung.assign(begin=lung["time"]), "time", "dead", "sex", entry="begin")
    with pytest.raises(ValueError, match="no row has all of"):
        logrank(lung.assign(time=np.nan), "time", "dead", "sex")
    with pytest.raises(ValueError, match="Did you mean 'sex'"):
        logrank(lung, "time", "dead", "sexe")


def test_saved_and_loaded(lung, tmp_path):
    test = logrank(lung, "time", "dead", "sex")
    again = type(test).load(test.save(tmp_path / "test"))
    assert (again.statistic, again.df, again.p_value) == (test.statistic, 1, test.p_value)
