"""Weights for censoring and sensitivity to loss: against R (validation/own/samples.R), identities, simulation."""

import numpy as np
import pandas as pd
import pytest
from golden import read, reference

from dermcohort import Estimates
from dermcohort.missing import loss_sensitivity
from dermcohort.survival import censoring_weights, cox, kaplan_meier, split_time

OUTCOME = {"time": "time", "event": "status", "lost": "lost"}
CUTS = [1900, 2000, 2200, 2400]
WEIGHTED = {"time": "time", "event": "status", "entry": "entry", "weights": "weight", "cluster": "person"}


@pytest.fixture(scope="module")
def death() -> pd.DataFrame:
    data = read("colon").query("etype == 2")
    return data.assign(
        rx=pd.Categorical(data["rx"], ["Obs", "Lev", "Lev+5FU"]),
        lost=((data["status"] == 0) & (data["time"] < 2500)).astype(int),
    )


def informative(seed: int, n: int = 2000) -> pd.DataFrame:
    """Frail people are ill and lost more often; survival of all at 5 is what nobody's loss would show."""
    rng = np.random.default_rng(seed)
    frail, exposed = rng.integers(0, 2, n), rng.integers(0, 2, n)
    onset = rng.exponential(1 / (0.05 * np.exp(1.5 * frail + 0.5 * exposed)))
    loss = rng.exponential(1 / (0.04 * np.exp(2.0 * frail)))
    years = np.minimum(np.minimum(onset, loss), 5.0)
    return pd.DataFrame(
        {
            "years": years,
            "ill": onset == years,
            "moved": loss == years,
            "frail": frail,
            "exposed": exposed,
            "truth": onset,
            "end": 5.0,
        }
    )


def check(found, identifier, rtol=1e-8):
    np.testing.assert_allclose(np.asarray(found, float), reference(identifier), rtol=rtol)


def both(fit) -> list[float]:
    return [*fit.coefficients, *np.sqrt(np.diag(fit.covariance))]


# ------------------------------------------------------------------------------------- against R


def test_model_of_loss(death):
    found = censoring_weights("age + rx", death, cuts=CUTS, **OUTCOME).table
    rows = found[found["std_error"].notna()]
    check([*rows["coef"], *rows["std_error"]], "own.ipcw.loss")


@pytest.mark.parametrize(
    ("stabilize", "identifier"), [(True, "own.ipcw.weights"), (False, "own.ipcw.unstabilized")]
)
def test_weights(death, stabilize, identifier):
    w = censoring_weights("age + rx", death, cuts=CUTS, stabilize=stabilize, **OUTCOME).rows["weight"]
    check([w.sum(), (w**2).sum(), w.min(), w.max()], identifier)


def test_weighted_analyses(death):
    rows = censoring_weights("age + rx", death, cuts=CUTS, **OUTCOME).rows
    check(both(cox("rx", rows, **WEIGHTED)), "own.ipcw.cox")
    curve = kaplan_meier(
        rows, "time", "status", entry="entry", weights="weight", cluster="person", ci="log-log"
    ).at([1000, 2000, 2500])
    check([*curve["estimate"], *curve["std_error"]], "own.ipcw.km")


def test_weights_that_change_at_every_loss(death):
    cuts = death.loc[death["lost"] == 1, "time"]
    rows = censoring_weights("age + rx", death, cuts=cuts, **OUTCOME).rows
    check(both(cox("rx", rows, **WEIGHTED)), "own.ipcw.cox.all.cuts")


# ---------------------------------------------------------------------------------------- identities


def test_episodes_of_a_person_are_as_one_row(death):
    """Follow-up cut before (with covariates that stay the same) gives the same weights at the same times."""
    whole = censoring_weights("age + rx", death, cuts=CUTS, **OUTCOME).rows
    episodes = split_time(death, "time", "status", [700, *CUTS]).drop(columns="episode")
    last = episodes["time"] == episodes["id"].map(death.set_index("id")["time"])
    episodes = episodes.assign(lost=episodes["lost"].where(last, 0)).sample(frac=1, random_state=1)
    found = censoring_weights("age + rx", episodes, person="id", entry="entry", cuts=CUTS, **OUTCOME).rows
    keys = ["id", "entry"]
    merged = whole.merge(found[[*keys, "weight"]], on=keys, suffixes=("", "_of_episodes"))
    assert len(merged) == len(whole)
    np.testing.assert_allclose(merged["weight_of_episodes"], merged["weight"], rtol=1e-9)


def test_by_hand():
    """Two of six are lost at 2, one of the three with x and one of the three without: no effect, H = 2/6 for all."""
    data = pd.DataFrame(
        {
            "t": [2, 2, 3, 3, 5, 5],
            "d": [0, 0, 1, 1, 0, 0],
            "gone": [1, 1, 0, 0, 0, 0],
            "x": [0, 1, 0, 1, 0, 1],
        }
    )
    options = {"time": "t", "event": "d", "lost": "gone", "cuts": [2]}
    stabilized = censoring_weights("x", data, **options).rows["weight"]
    np.testing.assert_allclose(stabilized, 1, rtol=1e-10)
    plain = censoring_weights("x", data, stabilize=False, **options).rows
    after = plain.loc[plain["entry"] == 2, "weight"]
    np.testing.assert_allclose(after, np.exp(2 / 6), rtol=1e-10)


def test_weighting_repairs_a_curve_that_loss_bends():
    truth, plain, weighted = [], [], []
    for seed in range(6):
        data = informative(seed)
        rows = censoring_weights("frail + exposed", data, time="years", event="ill", lost="moved").rows
        truth.append((data["truth"] > 5).mean())
        plain.append(kaplan_meier(data, "years", "ill").at(4.999)["estimate"].iloc[0])
        curve = kaplan_meier(rows, "years", "ill", entry="entry", weights="weight", cluster="person")
        weighted.append(curve.at(4.999)["estimate"].iloc[0])
    assert abs(np.mean(plain) - np.mean(truth)) > 0.015
    assert abs(np.mean(weighted) - np.mean(truth)) < 0.007


def test_default_cuts_are_times_of_loss(death):
    found = censoring_weights("age", death, **OUTCOME)
    losses = death.loc[death["lost"] == 1, "time"]
    assert set(found.cuts) <= set(losses)
    assert len(found.cuts) == min(20, losses.nunique())
    assert found.cuts[0] == losses.min() and found.cuts[-1] == losses.max()


def test_order_of_rows_does_not_matter(death):
    options = {"cuts": CUTS, **OUTCOME}
    first = censoring_weights("age + rx", death, **options).rows.set_index(["id", "episode"])["weight"]
    mixed = censoring_weights("age + rx", death.sample(frac=1, random_state=2), **options).rows
    other = mixed.set_index(["id", "episode"])["weight"]
    np.testing.assert_allclose(other.loc[first.index], first, rtol=1e-9)


# --------------------------------------------------------------------------------- results and doors


def test_missing_covariates_have_no_weight(death, tmp_path):
    data = death.assign(age=death["age"].where(death["id"] % 50 != 0))
    found = censoring_weights("age + rx", data, cuts=CUTS, **OUTCOME)
    assert found.rows.loc[found.rows["age"].isna(), "weight"].isna().all()
    assert found.rows.loc[found.rows["age"].notna(), "weight"].notna().all()
    assert found.n_missing["age"] == data["age"].isna().sum()
    assert any("have no weight" in note for note in found.notes)
    assert (found.n, found.events) == (len(data), data["lost"].sum())
    found.save(tmp_path / "weights")
    assert len(Estimates.load(tmp_path / "weights").rows) == len(found.rows)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"lost": "nobody"}, "lost: 'nobody' is true in no row"),
        ({"lost": "status"}, "both true in"),
        ({"lost": "gone"}, "no column 'gone'"),
        ({"person": "id"}, "needs entry="),
        ({"person": "study", "entry": "begin"}, "are not the last of their person"),
    ],
)
def test_bad_input(death, changed, message):
    with pytest.raises(ValueError, match=message):
        censoring_weights("age", death.assign(nobody=0, begin=0), cuts=CUTS, **{**OUTCOME, **changed})


def test_a_column_of_the_weights_must_be_free(death):
    with pytest.raises(ValueError, match="have a column 'weight'"):
        censoring_weights("age", death.assign(weight=1), cuts=CUTS, **OUTCOME)


# ------------------------------------------------------------------------------ sensitivity to loss

LOSS = {"time": "years", "event": "ill", "lost": "moved", "end": "end"}


def differential(seed: int, n: int = 1500) -> pd.DataFrame:
    """The exposed are lost more often, whoever they are; the log hazard ratio of illness is 0.5."""
    rng = np.random.default_rng(seed)
    exposed = rng.integers(0, 2, n)
    onset = rng.exponential(1 / (0.08 * np.exp(0.5 * exposed)))
    loss = rng.exponential(1 / np.where(exposed == 1, 0.25, 0.02))
    years = np.minimum(np.minimum(onset, loss), 5.0)
    return pd.DataFrame(
        {"years": years, "ill": onset == years, "moved": loss == years, "exposed": exposed, "end": 5.0}
    )


def test_delta_1_is_the_analysis_that_censors_them():
    data = differential(1)
    plain = cox("exposed", data, time="years", event="ill")
    found = loss_sensitivity("exposed", data, deltas=[1], imputations=60, seed=1, **LOSS).table.iloc[0]
    assert found["coef"] == pytest.approx(plain.coefficients.iloc[0], abs=0.25 * found["std_error"])
    assert found["std_error"] == pytest.approx(np.sqrt(plain.covariance.iloc[0, 0]), rel=0.2)


def test_the_estimate_goes_up_with_delta_where_the_exposed_are_lost():
    result = loss_sensitivity("exposed", differential(2), deltas=[3, 0, 1], imputations=10, seed=4, **LOSS)
    rows = result.table.sort_values("delta")
    assert rows["coef"].is_monotonic_increasing
    assert result.table["delta"].tolist() == [3, 0, 1]
    assert result.table.columns[0] == "delta"


def test_delta_0_leaves_those_lost_without_the_event():
    data = differential(3)
    found = loss_sensitivity("exposed", data, deltas=[0], imputations=3, seed=1, **LOSS).table.iloc[0]
    never = data.assign(years=data["years"].where(~data["moved"], 5.0))
    expected = cox("exposed", never, time="years", event="ill")
    assert found["coef"] == pytest.approx(expected.coefficients.iloc[0], rel=1e-10)
    assert found["std_error"] == pytest.approx(np.sqrt(expected.covariance.iloc[0, 0]), rel=1e-10)


def test_a_large_delta_gives_them_the_event_at_once():
    """Nearly: each lost person has the event at the next event time of the bootstrap sample."""
    data = differential(4)
    found = loss_sensitivity("exposed", data, deltas=[1e9], imputations=3, seed=1, **LOSS).table.iloc[0]
    at_once = cox("exposed", data.assign(ill=data["ill"] | data["moved"]), time="years", event="ill")
    assert found["coef"] == pytest.approx(at_once.coefficients.iloc[0], abs=0.05)


def test_result_and_tipping_point():
    data = differential(5, 300).assign(age=lambda d: np.where(np.arange(300) == 7, np.nan, 50 + d.index % 9))
    options = {"deltas": [0, 1, 2, 4], "imputations": 10, "seed": 3, **LOSS}
    result = loss_sensitivity("exposed + age", data, **options)
    assert result.n == 299 and result.n_missing["age"] == 1
    assert len(result.table) == 8
    pd.testing.assert_frame_equal(result.table, loss_sensitivity("exposed + age", data, **options).table)
    exposed = result.table[result.table["term"] == "exposed"]
    holds = (exposed["conf_low"] <= 1) & (exposed["conf_high"] >= 1)
    changes = int((holds.to_numpy()[1:] != holds.to_numpy()[:-1]).sum())
    assert changes >= 1
    assert sum(note.startswith("'exposed': the interval") for note in result.notes) == changes


def test_late_entry_is_heeded():
    data = differential(6).assign(begin=lambda d: d["years"] / 3)
    result = loss_sensitivity("exposed", data, entry="begin", deltas=[0], imputations=2, seed=1, **LOSS)
    never = data.assign(years=data["years"].where(~data["moved"], 5.0))
    expected = cox("exposed", never, time="years", event="ill", entry="begin")
    assert result.table["coef"][0] == pytest.approx(expected.coefficients.iloc[0], rel=1e-10)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"deltas": []}, "deltas must be factors"),
        ({"deltas": [-1]}, "deltas must be factors"),
        ({"imputations": 1}, "at least 2"),
        ({"lost": "ill"}, "both true"),
        ({"lost": "nobody"}, "nothing to be sensitive to"),
        ({"end": "early"}, "end: 'years' is after 'early'"),
        ({"end": "ende"}, "no column 'ende'"),
    ],
)
def test_bad_sensitivity(changed, message):
    data = differential(7, 100).assign(nobody=0, early=0.001)
    with pytest.raises(ValueError, match=message):
        loss_sensitivity("exposed", data, **{**LOSS, "seed": 1, **changed})
