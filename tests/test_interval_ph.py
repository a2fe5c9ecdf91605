"""Proportional hazards from interval-censored times, against R (validation/own/intervals.R)."""

import re

import numpy as np
import pandas as pd
import pytest
from golden import read, reference
from test_turnbull import every_month, every_year

from dermcohort.estimates import Estimates
from dermcohort.regression import contrast, term_tests
from dermcohort.survival import cox, interval_ph, turnbull
from dermcohort.survival.spline_hazard import baseline_basis, baseline_slopes

RTOL = 1e-8
BOUNDS = {"left": "left", "right": "right"}


def numbers(fit) -> np.ndarray:
    """Coefficients of the covariates, their standard errors, log-likelihood."""
    return np.array([*fit.table["coef"], *fit.table["std_error"], fit.loglik])


def known_times(data: pd.DataFrame, time: str, event: pd.Series) -> pd.DataFrame:
    return data.assign(left=data[time], right=data[time].where(event == 1))


def lung() -> pd.DataFrame:
    data = read("lung").rename(columns={"ph.ecog": "ecog"})
    return known_times(data, "time", data["status"] - 1)


def weibull(fit) -> np.ndarray:
    return np.array([*numbers(fit), fit.coefficients["spline[1]"], fit.coefficients["spline[0]"]])


def test_intervals():
    fit = interval_ph("trt + karno", every_month(), **BOUNDS)
    np.testing.assert_allclose(numbers(fit), reference("own.ic.veteran"), rtol=RTOL)
    assert fit.aic == pytest.approx(2 * 6 - 2 * fit.loglik)
    assert fit.robust is None


def test_weibull_is_that_of_survreg():
    fit = interval_ph("trt + karno", every_month(), **BOUNDS, knots=0)
    np.testing.assert_allclose(weibull(fit), reference("own.ic.veteran.weibull"), rtol=RTOL)


def test_known_times():
    fit = interval_ph("age + sex + ecog", lung(), **BOUNDS, knots=3)
    np.testing.assert_allclose(numbers(fit), reference("own.ic.lung"), rtol=RTOL)
    line = interval_ph("age + sex + ecog", lung(), **BOUNDS, knots=0)
    np.testing.assert_allclose(weibull(line), reference("own.ic.lung.weibull"), rtol=RTOL)


def test_known_times_are_near_cox():
    """Same data, another baseline: hazard ratios agree in the second digit."""
    data = lung().assign(dead=lambda d: d["right"].notna())
    spline = interval_ph("age + sex + ecog", data, **BOUNDS, knots=3)
    partial = cox("age + sex + ecog", data, time="time", event="dead")
    np.testing.assert_allclose(spline.table["estimate"], partial.table["estimate"], rtol=0.02)
    np.testing.assert_allclose(spline.table["std_error"], partial.table["std_error"], rtol=0.02)


def test_late_entry_and_clusters():
    heart = read("heart")
    data = known_times(heart, "stop", heart["event"])
    options = {**BOUNDS, "entry": "start", "knots": 1}
    fit = interval_ph("age + year + surgery", data, **options)
    robust = interval_ph("age + year + surgery", data, **options, cluster="id")
    expected = reference("own.ic.heart")
    np.testing.assert_allclose(numbers(fit), expected[:7], rtol=RTOL)
    np.testing.assert_allclose(robust.table["std_error"], expected[7:], rtol=RTOL)
    assert robust.robust == "CR0" and "clustered by id" in robust.method and "delayed entry" in robust.method


def test_late_entry_and_intervals():
    data = every_year().query("years > 1").assign(start=lambda d: 0.5 + 0.4 * (d["id"] % 2))
    fit = interval_ph("age + node4", data, **BOUNDS, entry="start", knots=1)
    np.testing.assert_allclose(numbers(fit), reference("own.ic.colon.entry"), rtol=RTOL)


def test_weights_and_clusters():
    options = {**BOUNDS, "weights": "w"}
    expected = reference("own.ic.colon")
    formula = "age + sex + node4"
    frequency = interval_ph(formula, every_year(), **options, robust=False)
    np.testing.assert_allclose(numbers(frequency), expected[:7], rtol=RTOL)
    clustered = interval_ph(formula, every_year(), **options, cluster="village")
    np.testing.assert_allclose(clustered.table["std_error"], expected[7:10], rtol=RTOL)
    robust = interval_ph(formula, every_year(), **options)
    np.testing.assert_allclose(robust.table["std_error"], expected[10:], rtol=RTOL)
    assert "Weights: sampling or inverse-probability weights from 'w'." in robust.notes
    assert "Weights: frequency weights from 'w'." in frequency.notes


def test_survival_and_its_interval():
    fit = interval_ph("trt + karno", every_month(), **BOUNDS, knots=1)
    new = pd.DataFrame({"trt": [2], "karno": [60]}, index=["she"])
    found = fit.survival(new, [20, 100, 300])
    values = found[["estimate", "std_error", "conf_low", "conf_high"]].to_numpy().T.ravel()
    np.testing.assert_allclose(values, reference("own.ic.veteran.curve"), rtol=RTOL)
    assert found["row"].tolist() == ["she"] * 3


def test_curve_without_covariates():
    fit = interval_ph("1", every_year(), **BOUNDS)
    found = fit.survival(pd.DataFrame({"": [0]}), [1, 3, 5])
    values = found[["estimate", "std_error", "conf_low", "conf_high"]].to_numpy().T.ravel()
    np.testing.assert_allclose(values, reference("own.ic.colon.alone"), rtol=RTOL)
    assert fit.table.empty


def test_curve_at_the_ends():
    fit = interval_ph("trt", every_month(), **BOUNDS)
    last = fit.last_time
    found = fit.survival(pd.DataFrame({"trt": [1, np.nan]}), [0, 10, last, last + 1])
    assert found["estimate"].iloc[0] == 1 and found["std_error"].iloc[0] == 0
    assert found["estimate"].iloc[[1, 2]].notna().all() and np.isnan(found["estimate"].iloc[3])
    assert found["estimate"].iloc[5:].isna().all()


def test_saturated_model_is_turnbull():
    """Two visit times and two parameters: the fit is saturated and its S at 1 and 2 is the nonparametric maximum."""
    data = pd.DataFrame({"left": [0, 0, 1, 0, 2], "right": [1, 1, np.inf, 2, np.inf], "w": [1, 1, 1, 3, 1]})
    fit = interval_ph("1", data, **BOUNDS, knots=0, weights="w", robust=False)
    found = fit.survival(data[:1], [1, 2])["estimate"]
    np.testing.assert_allclose(found, [1 / 3, 1 / 4], rtol=1e-9)
    curve = turnbull(data, "left", "right", weights="w").at([1, 2])["estimate"]
    np.testing.assert_allclose(found, curve, rtol=1e-8)


def test_slopes_are_derivatives():
    knots, times = np.log([1.0, 2, 3, 7]), np.array([0.5, 1.5, 2.5, 5, 9])
    step = 1e-6
    numeric = (baseline_basis(times * np.exp(step), knots) - baseline_basis(times * np.exp(-step), knots)) / (
        2 * step
    )
    np.testing.assert_allclose(baseline_slopes(times, knots), numeric, atol=1e-8)


def test_row_order_frequency_weights_and_groups_the_other_way_round():
    data = every_month().assign(
        arm=lambda d: pd.Categorical(d["trt"].map({1: "old", 2: "new"}), ["old", "new"])
    )
    fit = interval_ph("arm + karno", data, **BOUNDS)
    shuffled = interval_ph("arm + karno", data.sample(frac=1, random_state=1), **BOUNDS)
    np.testing.assert_allclose(shuffled.coefficients, fit.coefficients, rtol=1e-7)
    twice = interval_ph("arm + karno", data.assign(w=2), **BOUNDS, weights="w", robust=False)
    np.testing.assert_allclose(twice.coefficients, fit.coefficients, rtol=1e-7)
    np.testing.assert_allclose(twice.covariance, fit.covariance / 2, rtol=1e-6)
    other = data.assign(arm=data["arm"].cat.reorder_categories(["new", "old"]))
    swapped = interval_ph("arm + karno", other, **BOUNDS)
    assert swapped.table["estimate"].iloc[1] == pytest.approx(1 / fit.table["estimate"].iloc[1], rel=1e-7)
    assert fit.table["level"].tolist() == ["old", "new", None]
    assert fit.table["n"].tolist() == [69, 68, 137]


def test_unit_of_time():
    days = every_month()
    years = days.assign(left=days["left"] / 365.25, right=days["right"] / 365.25)
    a, b = (interval_ph("karno", data, **BOUNDS) for data in (days, years))
    np.testing.assert_allclose(a.coefficients["karno"], b.coefficients["karno"], rtol=1e-7)
    new = pd.DataFrame({"karno": [60]})
    np.testing.assert_allclose(
        a.survival(new, 100)["estimate"], b.survival(new, 100 / 365.25)["estimate"], rtol=1e-7
    )


def test_knots_that_are_given():
    data = every_month()
    places = [20.0, 80, 300]
    fit = interval_ph("karno", data, **BOUNDS, knots=places)
    assert fit.knots == pytest.approx(places)
    automatic = interval_ph("karno", data, **BOUNDS, knots=1)
    again = interval_ph("karno", data, **BOUNDS, knots=automatic.knots)
    np.testing.assert_allclose(again.coefficients, automatic.coefficients, rtol=1e-7)


def test_other_functions_take_the_fit():
    fit = interval_ph("rcs(karno, 3) + celltype", every_month(), **BOUNDS)
    assert "celltype" in term_tests(fit).table["term"].tolist()
    new = pd.DataFrame({"karno": [60.0, 60], "celltype": ["adeno", "squamous"]})
    lp = fit.predict(new)
    assert lp[1] - lp[0] == pytest.approx(fit.coefficients["celltype[T.squamous]"])
    risk = fit.predict(new, "risk")
    against = contrast(fit, "celltype", "squamous", "adeno").table["estimate"].iloc[0]
    assert against == pytest.approx(risk[1] / risk[0])
    with pytest.raises(ValueError, match="kind='hazard' is unknown"):
        fit.predict(new, "hazard")


def test_saved_and_loaded(tmp_path):
    fit = interval_ph("karno", every_month(), **BOUNDS)
    again = Estimates.load(fit.save(tmp_path / "fit"))
    assert (again.knots, again.aic) == (fit.knots, fit.aic)
    with pytest.raises(ValueError, match="fit the model again"):
        again.survival(pd.DataFrame({"karno": [60]}), 10)


def test_missing_values_are_counted():
    data = every_month().assign(karno=lambda d: d["karno"].where(d.index > 2).astype(float))
    data.loc[5, ["left", "right"]] = np.nan
    fit = interval_ph("karno", data, **BOUNDS)
    assert (fit.n, fit.n_missing["karno"], fit.n_missing["left"]) == (133, 3, 1)


def test_few_clusters_and_few_events_are_noted():
    data = every_month().assign(village=lambda d: d.index % 5)
    notes = " ".join(interval_ph("karno", data[:40], **BOUNDS, cluster="village").notes)
    assert "Few clusters: 5" in notes and "Few events: 36 for 5 coefficients" in notes


def test_separation_is_noted():
    data = pd.DataFrame({"left": [0, 1, 2, 0, 1, 2] * 5, "right": [1, 2, 3, np.inf, np.inf, np.inf] * 5})
    data["sick"] = [1, 1, 1, 0, 0, 0] * 5
    data = data[data["right"].notna() & ~((data["left"] == 0) & np.isinf(data["right"]))]
    fit = interval_ph("sick", data, **BOUNDS, knots=0)
    assert np.isinf(fit.table["estimate"].iloc[0])
    assert any("no finite estimate" in note for note in fit.notes)


def test_hazard_that_falls_is_noted():
    """Nobody is seen between 1 and 9, and the knots let the curve do what it wants there."""
    rng = np.random.default_rng(1)
    n = 300
    early = rng.uniform(size=n) < 0.5
    left = np.where(early, rng.uniform(0, 0.5, n), rng.uniform(9, 10, n))
    right = np.where(early, left + 0.5, np.where(rng.uniform(size=n) < 0.9, left + 1, np.inf))
    fit = interval_ph("1", pd.DataFrame({"left": left, "right": right}), **BOUNDS, knots=[0.2, 0.5, 5, 9, 11])
    assert any("cumulative hazard falls between" in note for note in fit.notes)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"knots": 9}, "knots=9 must be from 0 to 8"),
        ({"knots": [5]}, "a list of two times or more"),
        ({"knots": [5, 2]}, "the times must increase"),
        ({"knots": True}, "must be a number, or a list"),
        ({"robust": False, "cluster": "celltype"}, "robust=False does not fit cluster="),
        ({"left": "lef"}, "data has no column 'lef'"),
        ({"entry": "late"}, "is not after 'late' in 137 rows"),
        ({"entry": "celltype"}, "entry: 'celltype' must be a number"),
        ({"right": "never"}, "there is no event among the 112 complete rows"),
    ],
)
def test_bad_input(options, message):
    data = every_month().assign(late=1e6, never=np.inf)
    with pytest.raises((ValueError, TypeError), match=re.escape(message)):
        interval_ph("karno", data, **{**BOUNDS, **options})


def test_few_visits_have_no_room_for_knots():
    data = pd.DataFrame({"left": [0, 1, 0, 1, 2], "right": [1, 2, 1, 2, np.inf], "x": [1.0, 2, 3, 4, 5]})
    with pytest.raises(ValueError, match="knots=3: the events have too few different times for it"):
        interval_ph("x", data, **BOUNDS, knots=3)
