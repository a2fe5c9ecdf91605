"""Discrete time against R (validation/), against the same model written out, and at its limits."""

import numpy as np
import pandas as pd
import pytest
from golden import VALIDATION, read, reference

from dermcohort.regression import complementary_log_log
from dermcohort.survival import DiscreteTimeFit, discrete_time, split_time
from dermcohort.validate import validate

OUTCOME = {"time": "visit", "event": "status"}
FROM_THE_8TH = "C(interval.clip(upper=8))"


def check(found, identifier, rtol=1e-8, atol=1e-11):
    np.testing.assert_allclose(np.asarray(found, float), reference(identifier), rtol=rtol, atol=atol)


def errors(fit) -> np.ndarray:
    return np.sqrt(np.diag(fit.covariance))


@pytest.fixture(scope="module")
def veteran() -> pd.DataFrame:
    data = read("veteran")
    number = np.arange(1, len(data) + 1)
    return data.assign(visit=np.ceil(data["time"] / 30), w=1 + number % 3, village=number % 23)


def test_golden_values():
    found = validate(VALIDATION, ["cloglog"])
    assert found["ok"].all() and len(found) == 4


def test_few_clusters(veteran):
    arguments = {"cuts": range(1, 41), "baseline": FROM_THE_8TH, **OUTCOME}
    own, cr1, cr2 = (
        discrete_time("trt + karno", veteran, **arguments, **more)
        for more in ({}, {"cluster": "village"}, {"cluster": "village", "robust": "CR2"})
    )
    assert [fit.robust for fit in (own, cr1, cr2)] == [None, "CR1", "CR2"]
    assert cr2.joint_df is not None and "Few clusters: 23" in " ".join(cr1.notes)
    last = [own.coefficients[-2:], *(errors(fit)[-2:] for fit in (own, cr1, cr2)), cr2.table["df"]]
    check(np.concatenate(last), "own.discrete.cr2")


def test_weights_make_clusters_of_the_rows(veteran):
    fit = discrete_time(
        "trt + karno", veteran, cuts=range(1, 41), baseline=FROM_THE_8TH, weights="w", **OUTCOME
    )
    check([*fit.coefficients[-2:], *errors(fit)[-2:]], "own.discrete.weights")
    assert fit.robust == "CR1" and fit.n == 137


def test_survival_by_interval(veteran):
    fit = discrete_time("trt + karno", veteran, time="time", event="status", cuts=[60, 120, 240, 480])
    at = fit.survival(pd.DataFrame({"trt": [2], "karno": [70]}))
    check(
        at[["estimate", "std_error", "conf_low", "conf_high"]].to_numpy().T.ravel(), "own.discrete.survival"
    )
    assert at["time"].tolist() == [60, 120, 240, 480]  # the last interval has no end
    hazard = fit.predict(pd.DataFrame({"trt": 2, "karno": 70, "interval": range(1, 5)}))
    np.testing.assert_allclose(np.cumprod(1 - hazard), at["estimate"], rtol=1e-12)


def test_late_entry():
    heart = read("heart").assign(
        begin=lambda d: np.ceil(d["start"] / 50), end=lambda d: np.ceil((d["stop"] + 0.5) / 50)
    )
    fit = discrete_time(
        "age + surgery",
        heart[heart["end"] > heart["begin"]],
        time="end",
        event="event",
        entry="begin",
        cuts=range(1, 7),
    )
    check([*fit.coefficients, *errors(fit)], "own.discrete.entry")


def test_is_the_model_of_its_episodes(veteran):
    split = split_time(veteran, "time", "status", [100, 300], episode="interval")
    written = complementary_log_log("status ~ C(interval) + karno + karno:interval", split)
    fit = discrete_time(
        "~ karno + karno:interval", veteran, time="time", event="status", cuts=[300, 100, np.nan]
    )
    np.testing.assert_allclose(fit.coefficients, written.coefficients, rtol=1e-12)
    assert list(fit.table["term"]) == ["karno", "karno:interval"] and fit.loglik == written.loglik
    assert (fit.n, fit.events) == (137, 128) and "interval" not in set(fit.table["term"])


def test_a_smooth_baseline(veteran):
    fit = discrete_time(
        "karno", veteran, cuts=range(1, 41), baseline="rcs(interval, [1, 3, 8, 20])", **OUTCOME
    )
    curve = fit.survival(veteran.head(2)[["karno"]])
    assert len(fit.coefficients) == 5 and list(fit.table["term"]) == ["karno"]
    assert len(curve) == 2 * len(fit.ends) and (curve["conf_low"] < curve["estimate"]).all()


def test_missing_rows_are_people(veteran):
    gaps = veteran.assign(
        karno=veteran["karno"].where(veteran.index != 5), visit=veteran["visit"].where(veteran.index != 7)
    )
    fit = discrete_time("karno", gaps, cuts=range(1, 8), **OUTCOME)
    assert (fit.n, fit.n_missing) == (135, {"visit": 1, "status": 0, "karno": 1})
    assert fit.notes[0] == "2 of 137 rows left out for missing values (visit 1, karno 1)."
    assert sum("left out" in note for note in fit.notes) == 1
    assert fit.survival(gaps.loc[[5], ["karno"]])["estimate"].isna().all()


def test_an_interval_without_events_is_named():
    data = pd.DataFrame(
        {"visit": [1, 1, 2, 3, 3, 3, 3, 1, 3, 3], "onset": [1, 0, 0, 1, 1, 0, 1, 1, 0, 1], "x": [0, 1] * 5}
    )
    fit = discrete_time("x", data, time="visit", event="onset", cuts=[1, 2, 3])
    assert "C(interval)" in " ".join(fit.notes) and "Separation" in " ".join(fit.notes)
    at = fit.survival(pd.DataFrame({"x": [0]}))["estimate"]
    assert at[1] == pytest.approx(at[0], rel=1e-6) and at[2] < at[1]


def test_storage_and_bad_input(veteran, tmp_path):
    def refused(message, data=veteran, **arguments):
        with pytest.raises(ValueError, match=message):
            discrete_time("karno", data, **{"cuts": [1, 2], **OUTCOME, **arguments})

    refused("'status' never happens among the 137 rows", veteran.assign(status=0))
    refused("they are never at risk", veteran.assign(visit=0.0))
    refused("cuts must be finite times", cuts=[])
    refused("have a column 'interval'", veteran.assign(interval=1))
    refused("has no column 'vilage'", cluster="vilage")
    refused("robust='HC1' does not fit", robust="HC1")
    refused("robust=False does not fit cluster", robust=False, cluster="village")
    fit = discrete_time("karno", veteran, cuts=[1, 2], **OUTCOME)
    with pytest.raises(ValueError, match="ci='arcsin' is unknown"):
        fit.survival(veteran, ci="arcsin")
    loaded = DiscreteTimeFit.load(fit.save(tmp_path / "fit"))
    assert loaded.ends == fit.ends == (1.0, 2.0)
    with pytest.raises(ValueError, match="fit the model again"):
        loaded.survival(veteran)
