"""The nonparametric curve from interval-censored times, against R (validation/own/intervals.R) and on paper."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from golden import read, reference
from hypothesis import given, settings
from hypothesis import strategies as st

from dermcohort.estimates import Estimates
from dermcohort.survival import kaplan_meier, turnbull
from dermcohort.survival.npmle import LARGE, npmle
from dermcohort.validate import validate

RTOL = 1e-8


def every_month() -> pd.DataFrame:
    """Veterans seen every 30 days from a first visit that differs between people."""
    data = read("veteran")
    shift = 1 + (7 * np.arange(1, len(data) + 1)) % 30
    time, died = data["time"].to_numpy(), data["status"].to_numpy() == 1
    before = np.where(time < shift, 0, shift + 30 * ((time - shift) // 30))
    after = np.where(before == 0, shift, before + 30)
    return data.assign(left=np.where(died, before, time), right=np.where(died, after, np.inf))


def every_year() -> pd.DataFrame:
    """Colon cancer, death: a third at a known time, others between yearly visits."""
    data = read("colon").query("etype == 2")
    years, died = data["time"] / 365.25, data["status"] == 1
    exact, low = data["id"] % 3 == 0, np.floor(data["time"] / 365.25)
    return data.assign(
        w=1 + data["id"] % 5,
        village=data["id"] // 20,
        years=years,
        left=np.where(died & ~exact, low, years),
        right=np.where(~died, np.inf, np.where(exact, years, low + 1)),
    )


def loglik_of(lower, upper, mass, left, right) -> float:
    """Of masses in intervals, from the definition."""
    left, right = left[:, None], right[:, None]
    is_point = (lower == upper) & (left < right)
    inside = np.where(is_point, left < lower, left <= lower) & (upper <= right)
    return float(np.log(inside @ mass).sum())


def test_registered():
    assert validate(ids=["turnbull"])["ok"].all()


def test_maximum_of_the_golden_data():
    curve = turnbull(read("ic"), "l", "r")
    *survival, loglik = reference("own.turnbull.ic")
    np.testing.assert_allclose(curve.at([1, 2, 3, 4, 6, 8, 9])["estimate"], survival, rtol=RTOL, atol=1e-12)
    np.testing.assert_allclose(curve.loglik, loglik, rtol=1e-10)
    assert 0 <= curve.gap <= 1e-9


def test_likelihood_is_not_smaller_than_that_of_R():
    """R's EM stops early: its curve has a lower likelihood, and no curve one that is higher by more than the gap."""
    curve = turnbull(read("ic"), "l", "r")
    of_r = reference("own.turnbull.ic.r")[0]
    assert curve.loglik > of_r + 1e-4
    data = read("ic").assign(l=lambda d: d["l"].fillna(0), r=lambda d: d["r"].fillna(np.inf))
    ours = loglik_of(
        *curve.table[["lower", "upper", "mass"]].to_numpy().T, data["l"].to_numpy(), data["r"].to_numpy()
    )
    np.testing.assert_allclose(curve.loglik, ours, rtol=1e-12)


def test_groups():
    curve = turnbull(every_month(), "left", "right", by="trt")
    found = curve.at([30, 90, 180, 400])  # 30 is inside an interval: before the fall
    expected = reference("own.turnbull.veteran").reshape(2, 5)
    assert found["trt"].tolist() == [1] * 4 + [2] * 4
    np.testing.assert_allclose(found["at_most"], expected[:, :4].ravel(), rtol=RTOL)
    np.testing.assert_allclose(curve.loglik, expected[:, 4].sum(), rtol=1e-10)


def test_exact_times_and_weights():
    curve = turnbull(every_year().query("id <= 150"), "left", "right", weights="w")
    *survival, loglik = reference("own.turnbull.colon")
    np.testing.assert_allclose(curve.at([1, 2, 3, 4, 5])["estimate"], survival, rtol=RTOL)
    np.testing.assert_allclose(curve.loglik, loglik, rtol=1e-10)
    assert "Weights from 'w'." in curve.notes


def test_known_times_are_kaplan_meier():
    """With times that are known or right-censored the maximum is the product-limit estimate."""
    data = read("veteran").assign(until=lambda d: d["time"].where(d["status"] == 1))
    times = [10, 50, 100, 200, 500]
    curve = turnbull(data, "time", "until").at(times)
    km = kaplan_meier(data, "time", "status").at(times)
    np.testing.assert_allclose(curve["estimate"], km["estimate"], rtol=RTOL)
    assert curve["at_least"].tolist() == curve["at_most"].tolist()


def test_on_paper():
    """(0, 2], (1, 3], (2, inf): intervals A = (1, 2] and B = (2, 3]; log a + log 1 + log b is largest at 1/2 each."""
    data = pd.DataFrame({"left": [np.nan, 1, 2], "right": [2, 3, np.inf]})
    curve = turnbull(data, "left", "right")
    assert curve.table.round(12).to_numpy().tolist() == [[1, 2, 0.5, 0.5], [2, 3, 0.5, 0.0]]
    assert curve.loglik == pytest.approx(2 * np.log(0.5))
    at = curve.at([0.5, 1, 1.5, 2, 2.5, 3, 9])
    assert at["estimate"].round(12).tolist() == [1, 1, 0.75, 0.5, 0.25, 0, 0]
    assert at["at_least"].round(12).tolist() == [1, 1, 0.5, 0.5, 0, 0, 0]
    assert at["at_most"].round(12).tolist() == [1, 1, 1, 0.5, 0.5, 0, 0]


def test_intervals_are_open_at_the_left():
    """An event at exactly 2 is not in (2, 4], one in (0, 2] may be at 2."""
    apart = turnbull(pd.DataFrame({"left": [2, 2], "right": [2, 4]}), "left", "right")
    assert apart.table[["lower", "upper", "mass"]].to_numpy().tolist() == [[2, 2, 0.5], [2, 4, 0.5]]
    together = turnbull(pd.DataFrame({"left": [2, 0], "right": [2, 2]}), "left", "right")
    assert together.table.to_numpy().tolist() == [[2, 2, 1, 0]]


def test_last_interval_without_an_end():
    curve = turnbull(pd.DataFrame({"left": [0, 3, 3], "right": [1, np.inf, np.inf]}), "left", "right")
    assert np.isinf(curve.table["upper"].iloc[-1])
    at = curve.at([3, 4])
    assert at["estimate"].iloc[0] == pytest.approx(2 / 3) and np.isnan(at["estimate"].iloc[1])
    assert (at["at_least"].iloc[1], at["at_most"].iloc[1]) == (0, pytest.approx(2 / 3))


@st.composite
def observations(draw) -> pd.DataFrame:
    n = draw(st.integers(1, 25))
    low = draw(st.lists(st.integers(0, 8), min_size=n, max_size=n))
    width = draw(st.lists(st.sampled_from([0, 1, 2, 3, 5, np.inf]), min_size=n, max_size=n))
    left = np.array(low, float)
    right = left + np.array(width)
    right[right == 0] = 1
    right[(left == 0) & np.isinf(right)] = 2
    return pd.DataFrame({"left": left, "right": right})


@settings(max_examples=60, deadline=None)
@given(observations(), st.randoms(use_true_random=False))
def test_no_curve_has_a_higher_likelihood(data, random):
    curve = turnbull(data, "left", "right")
    left, right = data.to_numpy().T
    assert curve.gap <= 1e-8
    np.testing.assert_allclose(curve.table["mass"].sum(), 1)
    lower, upper, mass = curve.table[["lower", "upper", "mass"]].to_numpy().T
    np.testing.assert_allclose(loglik_of(lower, upper, mass, left, right), curve.loglik, atol=1e-9)
    other = mass * np.array([random.uniform(0.5, 1.5) for _ in mass])
    assert loglik_of(lower, upper, other / other.sum(), left, right) <= curve.loglik + 1e-9


@settings(max_examples=40, deadline=None)
@given(observations())
def test_order_of_rows_and_weights(data):
    curve = turnbull(data, "left", "right")
    twice = turnbull(pd.concat([data, data]), "left", "right")
    weighted = turnbull(data.assign(w=2.0)[::-1], "left", "right", weights="w")
    assert weighted.loglik == pytest.approx(2 * curve.loglik, abs=1e-8)
    assert twice.loglik == pytest.approx(2 * curve.loglik, abs=1e-8)


def test_many_exact_times_end_near_the_maximum():
    """Above `LARGE` exact times: EM. Times are known or right-censored, so that the maximum is Kaplan-Meier."""
    time = np.arange(1.0, LARGE + 51)
    censored = time[:100] + 0.5
    left = np.concatenate([time, censored])
    right = np.concatenate([time, np.full(100, np.inf)])
    found = npmle(left, right, np.ones(len(left)))
    assert 0 <= found.gap <= 0.01
    data = pd.DataFrame({"time": left, "event": np.isfinite(right)})
    km = kaplan_meier(data, "time", "event").at([50, 400])["estimate"]
    curve = [1 - found.mass[found.upper <= t].sum() for t in (50, 400)]
    np.testing.assert_allclose(curve, km, atol=1e-4)


def test_rows_of_which_nothing_is_known():
    data = pd.DataFrame(
        {"left": [1, np.nan, 0, 2], "right": [2, np.nan, np.inf, 4], "sex": ["f", "f", "m", None]}
    )
    curve = turnbull(data, "left", "right")
    assert (curve.n, curve.events) == (2, 2)
    assert curve.notes[0] == "2 of 4 rows left out for missing values (left 2, right 2)."
    by = turnbull(data, "left", "right", by="sex")
    assert (by.n, by.n_missing) == (1, {"left": 2, "right": 2, "sex": 1})


def test_one_row():
    curve = turnbull(pd.DataFrame({"left": [3], "right": [3]}), "left", "right")
    assert curve.table.to_numpy().tolist() == [[3, 3, 1, 0]]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"left": [5, 1]}, "'left' is after 'right' in 1 rows"),
        ({"left": [-1, 1]}, "left: 'left' is negative in 1 rows"),
        ({"left": [np.inf, 1]}, "left: 'left' is infinite"),
        ({"right": [0, 3]}, "right: 'right' is not after time 0"),
        ({"right": ["2", "3"]}, "right: 'right' must be a number"),
        ({"left": [np.nan, np.nan], "right": [np.nan, np.nan]}, "at least one of the bounds must be known"),
        ({"w": [-1, 1]}, "must not be negative"),
    ],
)
def test_bad_input(change, message):
    data = pd.DataFrame({"left": [0, 1], "right": [2, 3], "w": [1.0, 1.0]}).assign(**change)
    with pytest.raises(ValueError, match=message):
        turnbull(data, "left", "right", weights="w")


def test_unknown_column():
    with pytest.raises(ValueError, match=r"data has no column 'lft'\. Did you mean 'left'"):
        turnbull(pd.DataFrame({"left": [1], "right": [2]}), "lft", "right")
    with pytest.raises(ValueError, match="are the same column"):
        turnbull(pd.DataFrame({"left": [1]}), "left", "left")


def test_views(tmp_path):
    curve = turnbull(every_month(), "left", "right", by="trt")
    shown = curve.to_display({"trt": "Treatment"})
    assert list(shown) == ["Treatment", "time", "Survival, %", "At least", "At most"]
    assert shown["Survival, %"].iloc[0] == "100.0"
    ax = curve.plot(labels={"time": "Days"})
    assert ax.get_xlabel() == "Days" and len(ax.get_lines()) == 2
    assert "Survival" in curve.gt().as_raw_html()
    plt.close("all")
    again = Estimates.load(curve.save(tmp_path / "curve"))
    pd.testing.assert_frame_equal(again.table, curve.table)
    assert (again.loglik, again.gap, again.by) == (curve.loglik, curve.gap, ("trt",))
