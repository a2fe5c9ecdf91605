"""Fine-Gray regression: R (validation/), properties, bad input."""

import numpy as np
import pandas as pd
import pytest
from golden import read, reference

from dermcohort import Estimates
from dermcohort.survival import cox, cumulative_incidence, fine_gray, subdistribution_data

LEVELS = ["censored", "transplant", "death"]


@pytest.fixture
def pbc() -> pd.DataFrame:
    data = read("pbc")
    return data.assign(
        month=np.ceil(data["time"] / 91),
        center=data["id"] % 25,
        group=data["id"] % 3,
        state=pd.Categorical.from_codes(data["status"], LEVELS),
        logbili=np.log(data["bili"]),
    )


def errors(fit) -> np.ndarray:
    return np.sqrt(np.diag(fit.covariance))


def all_of(fit) -> np.ndarray:
    return np.r_[fit.coefficients, errors(fit), fit.loglik, fit.loglik_null]


@pytest.mark.parametrize(
    ("identifier", "formula", "time", "options"),
    [
        ("own.crr.death", "age + sex + logbili + edema", "time", {"cause": "death"}),
        ("own.crr.ties", "age + C(stage)", "month", {"cause": "death"}),
        ("own.crr.transplant", "age + logbili", "month", {"cause": "transplant"}),
    ],
)
def test_equal_to_crr_solved_to_the_end(pbc, identifier, formula, time, options):
    fit = fine_gray(formula, pbc, time=time, event="state", **options)
    np.testing.assert_allclose(all_of(fit), reference(identifier), rtol=1e-8)


def test_censoring_by_group(pbc):
    """Coefficients as crr; its variance takes competing events of other groups into q, which ours (own.R) does not."""
    options = {"event": "state", "cause": "death", "censoring_by": "group"}
    fit = fine_gray("age + sex + logbili", pbc, time="month", **options)
    np.testing.assert_allclose([*fit.coefficients, fit.loglik], reference("own.crr.cengroup"), rtol=1e-8)
    np.testing.assert_allclose(errors(fit), reference("own.crr.cengroup.se")[3:], rtol=1e-8)
    clustered = fine_gray("age + sex", pbc, time="time", **options, cluster="center")
    np.testing.assert_allclose(
        np.r_[clustered.coefficients, errors(clustered)], reference("own.crr.cengroup.cluster"), rtol=1e-8
    )


def test_clusters(pbc):
    fit = fine_gray("age + logbili", pbc, time="month", event="state", cause="death", cluster="center")
    np.testing.assert_allclose(np.r_[fit.coefficients, errors(fit)], reference("own.crr.cluster"), rtol=1e-8)
    assert "Few clusters: 25" in " ".join(fit.notes)


def test_predicted_incidence(pbc):
    fit = fine_gray("age + logbili", pbc, time="month", event="state", cause="death")
    new = pd.DataFrame({"age": [40, 60, np.nan], "logbili": np.log([1, 4, 1])}, index=["a", "b", "c"])
    found = fit.cumulative_incidence(new, [5, 15, 30])
    np.testing.assert_allclose(
        found.loc[["a", "b"]].to_numpy().ravel(), reference("own.crr.predict"), rtol=1e-8
    )
    assert found.loc["c"].isna().all()
    edges = fit.cumulative_incidence(new.loc[["a"]], [0, pbc["month"].max(), 1000]).loc["a"]
    assert edges.iloc[0] == 0 and edges.iloc[1] > 0 and np.isnan(edges.iloc[2])
    ratio = fit.predict(new, "risk")
    np.testing.assert_allclose(
        np.log(ratio["b"] / ratio["a"]), fit.coefficients @ [20, np.log(4)], rtol=1e-12
    )


def test_rows_of_finegray(pbc):
    rows = subdistribution_data(pbc, "month", "state", cause="death")
    weight = rows["fg_weight"]
    found = [len(rows), weight.sum(), rows["fg_start"].sum(), rows["fg_stop"].sum(), weight**2 @ rows["id"]]
    np.testing.assert_allclose(found, reference("own.finegray.rows"), rtol=1e-12)


def test_stratified_on_rows_of_finegray(pbc):
    rows = subdistribution_data(pbc, "month", "state", cause="death")
    names = {"time": "fg_stop", "event": "fg_status", "entry": "fg_start", "weights": "fg_weight"}
    fit = cox("age + logbili", rows, **names, strata="sex", cluster="id", ties="breslow")
    np.testing.assert_allclose(
        np.r_[fit.coefficients, errors(fit)], reference("own.finegray.strata"), rtol=1e-8
    )


@pytest.mark.parametrize(
    ("identifier", "time", "options"),
    [
        ("own.crr.strata", "month", {"cause": "death", "strata": "sex"}),
        ("own.crr.strata.untied", "time", {"cause": "death", "strata": "group"}),
        ("own.crr.strata.transplant", "month", {"cause": "transplant", "strata": "group"}),
        ("own.crr.strata.cluster", "month", {"cause": "death", "strata": "sex", "cluster": "center"}),
        ("own.crr.strata.one", "month", {"cause": "death", "strata": ["half", "sex"]}),
    ],
)
def test_strata(pbc, identifier, time, options):
    data = pbc.assign(half=np.floor(pbc["age"] * 2))
    fit = fine_gray("age + logbili", data, time=time, event="state", **options)
    np.testing.assert_allclose(all_of(fit), reference(identifier), rtol=1e-8)


def test_strata_are_those_of_coxph_where_nothing_is_tied(pbc):
    data = pbc.assign(time=pbc["time"] + pbc["id"] / 1000)
    fit = fine_gray("age + logbili", data, time="time", event="state", cause="death", strata="sex")
    np.testing.assert_allclose(
        np.r_[fit.coefficients, fit.loglik], reference("own.crr.strata.coxph"), rtol=1e-8
    )


def test_predicted_incidence_of_strata(pbc, tmp_path):
    fit = fine_gray("age + logbili", pbc, time="month", event="state", cause="death", strata="sex")
    new = pd.DataFrame({"age": 50, "logbili": np.log(2), "sex": ["f", "m"]})
    found = fit.cumulative_incidence(new, [5, 15, 30])
    np.testing.assert_allclose(found.to_numpy().ravel(), reference("own.crr.strata.predict"), rtol=1e-8)
    assert fit.baseline.columns.tolist() == ["sex", "time", "cumulative_hazard"]
    with pytest.raises(ValueError, match="the fit has no stratum"):
        fit.cumulative_incidence(new.assign(sex="x"), 5)
    loaded = Estimates.load(fit.save(tmp_path / "fit"))
    pd.testing.assert_frame_equal(loaded.baseline, fit.baseline)


def test_one_stratum_is_none(pbc):
    options = {"time": "month", "event": "state", "cause": "death"}
    fit = fine_gray("age + sex", pbc, **options)
    one = fine_gray("age + sex", pbc.assign(all=1), **options, strata="all")
    np.testing.assert_array_equal(all_of(one), all_of(fit))


def test_a_covariate_that_the_strata_leave_nothing_of_is_refused(pbc):
    data = pbc.assign(dead=pbc["state"] == "death", old=pbc["age"] > 50)
    for fit in (
        lambda by: fine_gray("age + old", data, time="month", event="state", cause="death", strata=by),
        lambda by: cox("age + old", data, time="month", event="dead", strata=by),
    ):
        with pytest.raises(ValueError, match="'old' does not vary within any stratum of sex and old that"):
            fit(["sex", "old"])
        with pytest.raises(ValueError, match="'age' does not vary within any stratum of id that"):
            fit("id")


def test_without_ties_it_is_cox_on_weighted_rows(pbc):
    """Where no event and censoring share a time, crr and finegray have the same weights and the same likelihood."""
    data = pbc.assign(time=pbc["time"] + np.linspace(0, 0.5, len(pbc)))
    fit = fine_gray("age + logbili", data, time="time", event="state", cause="death")
    rows = subdistribution_data(data, "time", "state", cause="death")
    other = cox(
        "age + logbili", rows, time="fg_stop", event="fg_status", entry="fg_start", weights="fg_weight"
    )
    np.testing.assert_allclose(fit.coefficients, other.coefficients, rtol=1e-9)
    np.testing.assert_allclose(fit.loglik, other.loglik, rtol=1e-12)


def test_without_competing_events_it_is_cox(pbc):
    data = pbc[pbc["state"] != "transplant"].assign(dead=lambda d: d["state"] == "death")
    fit = fine_gray("age + sex", data, time="month", event="state", cause="death")
    other = cox("age + sex", data, time="month", event="dead", ties="breslow", robust=True)
    np.testing.assert_allclose(all_of(fit)[:4], np.r_[other.coefficients, errors(other)], rtol=1e-9)


def test_row_order_and_one_cluster_a_row(pbc):
    options = {"time": "month", "event": "state", "cause": "death"}
    fit = fine_gray("age + sex", pbc, **options)
    shuffled = fine_gray("age + sex", pbc.sample(frac=1, random_state=3), **options)
    clustered = fine_gray("age + sex", pbc, **options, cluster="id")
    np.testing.assert_allclose(all_of(shuffled), all_of(fit), rtol=1e-10)
    np.testing.assert_allclose(all_of(clustered), all_of(fit), rtol=1e-12)


def test_swapping_the_groups_inverts_the_ratio(pbc):
    options = {"time": "month", "event": "state", "cause": "death"}
    ratios = [
        fine_gray("sex", pbc.assign(sex=pd.Categorical(pbc["sex"], order)), **options).table["estimate"][1]
        for order in (["f", "m"], ["m", "f"])
    ]
    np.testing.assert_allclose(ratios[0] * ratios[1], 1.0, rtol=1e-9)


def test_predictions_average_to_about_the_curve(pbc):
    """With one group indicator the model is close to the two Aalen-Johansen curves together."""
    fit = fine_gray("sex", pbc, time="time", event="state", cause="death")
    expected = cumulative_incidence(pbc, "time", "state").at(2000).query("cause == 'death'")["estimate"]
    found = fit.cumulative_incidence(pbc, 2000).mean()
    assert abs(found.iloc[0] - expected.iloc[0]) < 0.005


def test_table_and_saving(pbc, tmp_path):
    fit = fine_gray("C(stage)", pbc, time="month", event="state", cause="death")
    assert fit.table["measure"].eq("SHR").all()
    assert fit.table["level"].tolist() == ["1", "2", "3", "4"]
    assert fit.table["estimate"].iloc[0] == 1
    assert fit.n_missing["stage"] == 6 and "6 of 418 rows left out" in fit.notes[0]
    assert fit.events == (pbc.dropna(subset="stage")["state"] == "death").sum()
    loaded = Estimates.load(fit.save(tmp_path / "fit"))
    pd.testing.assert_frame_equal(loaded.baseline, fit.baseline)
    with pytest.raises(ValueError, match="loaded from a file"):
        loaded.cumulative_incidence(pbc, 3)


def test_no_finite_maximum_is_told():
    data = pd.DataFrame(
        {
            "years": np.arange(1, 13.0),
            "exposed": [1, 0] * 6,
            "end": pd.Categorical(["eczema", "none", "eczema", "death"] * 3, ["none", "eczema", "death"]),
        }
    )
    fit = fine_gray("exposed", data, time="years", event="end", cause="eczema")
    row = fit.table.iloc[0]
    assert (row["estimate"], row["conf_low"], row["conf_high"]) == (np.inf, 0.0, np.inf)
    assert "has no finite estimate" in " ".join(fit.notes)


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        (
            {},
            {"cause": "deaht"},
            "'deaht' is not an event of 'state', which has transplant, death. Did you mean",
        ),
        ({"state": 1}, {}, "must be a category whose first level means censored"),
        ({"state": pd.Categorical(["censored"] * 418, LEVELS)}, {}, "'death' never happens among the 418"),
        ({"month": np.inf}, {}, "'month' is infinite"),
        ({}, {"cluster": "town"}, "no column 'town'"),
        ({"age": 1.0}, {}, "'age' is the same in all"),
    ],
)
def test_bad_input(pbc, change, options, message):
    chosen = {"time": "month", "event": "state", "cause": "death", **options}
    with pytest.raises(ValueError, match=message):
        fine_gray("age", pbc.assign(**change), **chosen)


def test_bad_formula_and_cause_of_rows(pbc):
    with pytest.raises(ValueError, match="use cumulative_incidence"):
        fine_gray("1", pbc, time="month", event="state", cause="death")
    with pytest.raises(ValueError, match="'cure' is not an event"):
        subdistribution_data(pbc, "month", "state", cause="cure")


def test_causes_that_are_numbers(pbc):
    data = pbc.assign(state=pd.Categorical(pbc["status"]))
    fit = fine_gray("age", data, time="month", event="state", cause=2)
    named = fine_gray("age", pbc, time="month", event="state", cause="death")
    np.testing.assert_array_equal(all_of(fit), all_of(named))
    curves = cumulative_incidence(data, "month", "state")
    assert curves.at(5)["cause"].tolist() == [1, 2]
    assert len(curves.plot(show=2).lines) == 1
    with pytest.raises(ValueError, match="3 is not an event of 'state', which has 1, 2"):
        fine_gray("age", data, time="month", event="state", cause=3)
