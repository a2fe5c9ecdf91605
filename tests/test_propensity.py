"""Propensity-score weights against R (validation/own/causal.R, 1e-8), by hand and by simulation."""

import numpy as np
import pandas as pd
import pytest
from golden import read, reference
from hypothesis import given, settings
from hypothesis import strategies as st

from dermcohort import SurveyDesign
from dermcohort.regression import PropensityWeights, linear, modified_poisson, propensity_weights

FORMULA = "smoke ~ age + race + ht + lwt"
BINARY = ("risk", "RD", "RR", "OR")


def births() -> pd.DataFrame:
    return read("birthwt").assign(
        race=lambda d: pd.Categorical(d["race"]), block=lambda d: (d.index + 1) % 23
    )


def numbers(result, measures) -> np.ndarray:
    rows = pd.concat([result.table[result.table["measure"] == measure] for measure in measures])
    return rows[["coef", "std_error"]].to_numpy(float).T.ravel()


def check(result, identifier, measures=BINARY):
    np.testing.assert_allclose(numbers(result, measures), reference(identifier), rtol=1e-8)


# ------------------------------------------------------------------------------------ against R


@pytest.mark.parametrize(
    ("identifier", "kind", "cluster", "trim"),
    [
        ("own.ipw.ate", "ate", None, None),
        ("own.ipw.att", "att", "block", None),
        ("own.ipw.overlap", "overlap", None, None),
        ("own.ipw.trim", "ate", None, 0.2),
    ],
)
def test_effect_with_estimated_weights(identifier, kind, cluster, trim):
    data = births()
    weights = propensity_weights(FORMULA, data, kind, trim=trim)
    check(weights.effect("low", data, cluster=cluster), identifier)


def test_a_number_with_missing_values():
    data = births().assign(bwt=lambda d: d["bwt"].where(d["ui"] == 0))
    found = propensity_weights(FORMULA, data).effect("bwt", data)
    check(found, "own.ipw.number", ("mean", "difference"))
    assert found.n == 161 and found.n_missing["bwt"] == 28 and found.events is None
    assert any("28 rows without 'bwt' left out" in note for note in found.notes)


def test_weights_taken_as_known():
    data = births()
    found = []
    for kind in ("att", "overlap"):
        fit = linear(
            "low ~ smoke",
            data.assign(w=propensity_weights(FORMULA, data, kind).weights),
            design=SurveyDesign(weights="w"),
        )
        found += [fit.coefficients["smoke"], np.sqrt(fit.covariance.loc["smoke", "smoke"])]
    np.testing.assert_allclose(found, reference("own.ipw.known"), rtol=1e-8)


def test_log_risk_ratio_of_known_weights_run_to_the_end():
    fit = modified_poisson("d5 ~ hormon", read("rotterdam"), design=SurveyDesign(weights="w"))
    found = [fit.coefficients["hormon"], np.sqrt(fit.covariance.loc["hormon", "hormon"])]
    np.testing.assert_allclose(found, reference("own.ipw.converged"), rtol=1e-8)


def test_balance_and_effective_n():
    weights = propensity_weights(FORMULA, births(), "att")
    found = [*weights.balance.loc["age"], *weights.balance.loc["lwt"], *weights.effective_n]
    np.testing.assert_allclose(found, reference("own.ipw.balance"), rtol=1e-8)
    assert weights.balance.index.tolist() == ["age", "race", "ht", "lwt"]


# ------------------------------------------------------------------------------------ by hand


def strata_of_two() -> pd.DataFrame:
    """Old: 10 treated of whom 6 are ill, 10 not treated, 4 ill; young: 10 and 2, 30 and 3."""
    cells = [(1, 1, 10, 6), (1, 0, 10, 4), (0, 1, 10, 2), (0, 0, 30, 3)]
    frames = [pd.DataFrame({"old": o, "x": x, "ill": np.arange(n) < k}) for o, x, n, k in cells]
    return pd.concat(frames, ignore_index=True)


@pytest.mark.parametrize(
    ("kind", "treated", "untreated", "risks"),
    [
        # scores 1/2 and 1/4; risks by stratum averaged over 20 old and 40 young, 10 and 10 treated, and 5 and 7.5
        ("ate", (2, 4), (2, 4 / 3), (0.2, 1 / 3)),
        ("att", (1, 1), (1, 1 / 3), (0.25, 0.4)),
        ("overlap", (1 / 2, 3 / 4), (1 / 2, 1 / 4), (2.75 / 12.5, 4.5 / 12.5)),
    ],
)
def test_one_stratum_by_hand(kind, treated, untreated, risks):
    data = strata_of_two()
    made = propensity_weights("x ~ old", data, kind)
    wanted = np.where(
        data["x"] == 1, np.where(data["old"] == 1, *treated), np.where(data["old"] == 1, *untreated)
    )
    np.testing.assert_allclose(made.weights, wanted, rtol=1e-9)
    np.testing.assert_allclose(made.scores, np.where(data["old"] == 1, 0.5, 0.25), rtol=1e-9)
    np.testing.assert_allclose(made.effect("ill", data).table["estimate"][:2], risks, rtol=1e-9)
    assert made.balance.loc["old", "SMD"] == pytest.approx(0, abs=1e-9)
    assert made.balance.loc["old", "unweighted SMD"] > 0.4


def test_saturated_weighting_is_standardization():
    """With one binary covariate the estimated weights give the variance of g-computation with the same model."""
    from dermcohort.regression import logistic, standardized_risks

    data = strata_of_two()
    weighted = propensity_weights("x ~ old", data).effect("ill", data).table.query("measure != 'OR'")
    standardized = standardized_risks(logistic("ill ~ x * old", data, robust="HC0"), "x").table
    for column in ("estimate", "std_error", "conf_low"):
        np.testing.assert_allclose(weighted[column], standardized[column], rtol=1e-8)


# ------------------------------------------------------------------------------------ properties


def test_stabilized_weights_average_to_one_and_change_no_effect():
    data = births()
    plain, stable = (propensity_weights(FORMULA, data, stabilized=s) for s in (False, True))
    assert stable.weights.mean() == pytest.approx(1, abs=0.05)
    assert (stable.weights < plain.weights).all()
    pd.testing.assert_frame_equal(plain.effect("low", data).table, stable.effect("low", data).table)


def test_overlap_weights_balance_means_exactly():
    assert propensity_weights(FORMULA, births(), "overlap").balance["SMD"].max() < 1e-8


@settings(max_examples=10, deadline=None)
@given(st.randoms(use_true_random=False))
def test_row_order_and_the_other_treatment(random):
    data = births().assign(other=lambda d: 1 - d["smoke"])
    order = list(range(len(data)))
    random.shuffle(order)
    shuffled = data.iloc[order]
    base = propensity_weights(FORMULA, data)
    again = propensity_weights(FORMULA, shuffled)
    pd.testing.assert_series_equal(again.weights.sort_index(), base.weights, rtol=1e-8)
    swapped = propensity_weights(FORMULA.replace("smoke", "other"), shuffled)
    one, two = (w.effect("low", d).table.set_index("measure") for w, d in ((base, data), (swapped, shuffled)))
    assert one.loc["RD", "coef"] == pytest.approx(-two.loc["RD", "coef"], rel=1e-7)
    assert one.loc["RR", "std_error"] == pytest.approx(two.loc["RR", "std_error"], rel=1e-7)


def test_treatment_as_bool_or_category():
    data = births().assign(yes=lambda d: d["smoke"] == 1)
    data["drug"] = pd.Categorical(np.where(data["yes"], "smoker", "never"), ["never", "smoker"])
    base = propensity_weights(FORMULA, data)
    for name in ("yes", "drug"):
        found = propensity_weights(FORMULA.replace("smoke", name), data)
        pd.testing.assert_series_equal(found.weights, base.weights)
    table = found.effect("low", data).table
    assert table["level"].tolist()[:2] == ["never", "smoker"] and table["term"].eq("drug").all()


def test_known_truth_and_smaller_variance_than_known_weights():
    """Effect 2 for all with a confounder; estimated weights are more precise than weights taken as known."""
    rng = np.random.default_rng(7)
    n = 20_000
    z = rng.normal(size=n)
    x = (rng.uniform(size=n) < 1 / (1 + np.exp(-0.8 * z))).astype(int)
    data = pd.DataFrame({"z": z, "x": x, "y": 2 * x + 3 * z + rng.normal(size=n)})
    made = propensity_weights("x ~ z", data)
    row = made.effect("y", data).table.query("measure == 'difference'").iloc[0]
    assert row["conf_low"] < 2 < row["conf_high"]
    known = linear("y ~ x", data.assign(w=made.weights), weights="w").table["std_error"].iloc[0]
    assert row["std_error"] < 0.7 * known
    crude = linear("y ~ x", data).table.iloc[0]
    assert crude["conf_low"] > 3


# ------------------------------------------------------------------------------------ missing, notes, the door


def test_missing_rows_have_no_weight():
    data = births().assign(age=lambda d: d["age"].where(d.index % 9 > 0))
    made = propensity_weights(FORMULA, data)
    assert made.weights.isna().sum() == 21 and made.weights.index.equals(data.index)
    assert made.n == 168 and made.n_missing["age"] == 21
    used = data.dropna()
    np.testing.assert_allclose(made.weights.dropna(), propensity_weights(FORMULA, used).weights)
    np.testing.assert_allclose(
        numbers(made.effect("low", data), BINARY),
        numbers(propensity_weights(FORMULA, used).effect("low", used), BINARY),
    )


def test_trimmed_rows_have_weight_zero():
    made = propensity_weights(FORMULA, births(), trim=0.2)
    outside = (made.scores < 0.2) | (made.scores > 0.8)
    assert (made.weights[outside] == 0).all() and (made.weights[~outside] > 0).all()
    assert any(f"{outside.sum()} rows left out by trim" in note for note in made.notes)


def test_lack_of_overlap_is_said():
    rng = np.random.default_rng(1)
    z = rng.normal(size=400)
    data = pd.DataFrame({"z": z, "x": (z + 0.5 * rng.normal(size=400) > 0).astype(int)})
    notes = " ".join(propensity_weights("x ~ z", data).notes)
    assert "propensity score below 0.01 or above 0.99" in notes
    assert "outside the range that both groups share" in notes
    assert "Extreme weights: the largest of" in notes
    assert "Not balanced (SMD above 0.1): z." in notes
    calm = propensity_weights("x ~ z", data.assign(x=rng.permutation(data["x"])))
    assert not any("Extreme" in note or "Not balanced" in note for note in calm.notes)


def test_nobody_or_everybody_ill():
    data = births().assign(low=lambda d: d["low"].where(d["smoke"] == 0, 0), all=1)
    made = propensity_weights("smoke ~ age", data)
    found = made.effect("low", data)
    rows = found.table.set_index("measure")
    assert rows.loc["risk", "estimate"].iloc[1] == 0 and rows.loc["RR", "estimate"] == 0
    assert rows.loc[["RR", "OR"], ["conf_low", "conf_high"]].isna().all(axis=None)
    assert rows.loc["RD", "conf_high"] < 0
    assert any("Nobody of 1 had the outcome" in note for note in found.notes)
    found = made.effect("all", data)
    assert found.table["estimate"][:4].tolist() == [1, 1, 0, 1]
    assert not any("NNT" in note for note in found.notes)
    assert sum("Everybody of" in note for note in found.notes) == 2


def test_love_plot_save_and_load(tmp_path):
    data = births()
    made = propensity_weights(FORMULA, data)
    axes = made.plot(labels={"lwt": "Weight of the mother"})
    assert "Weight of the mother" in [text.get_text() for text in axes.get_yticklabels()]
    made.save(tmp_path / "weights")
    loaded = PropensityWeights.load(tmp_path / "weights")
    pd.testing.assert_series_equal(loaded.weights, made.weights)
    with pytest.raises(ValueError, match="loaded from a file"):
        loaded.effect("low", data)


def test_clear_errors():
    data = births()
    for arguments, message in [
        ({"kind": "atc"}, "kind='atc' is unknown; choose one of ate, att, overlap"),
        ({"kind": "att", "stabilized": True}, "stabilized=True belongs to kind='ate'"),
        ({"trim": 0.5}, "trim=0.5 must lie between 0 and 0.5"),
        ({"trim": 0.499}, "leaves out all of a group"),
    ]:
        with pytest.raises(ValueError, match=message):
            propensity_weights(FORMULA, data, **arguments)
    with pytest.raises(ValueError, match="the treatment must be a column"):
        propensity_weights("I(smoke == 1) ~ age", data)
    for formula in ("smoke ~ 1", "smoke ~ age + I(1.0 * smoke)"):
        with pytest.raises(ValueError, match="must have covariates on its right, and not the treatment"):
            propensity_weights(formula, data)
    with pytest.raises(ValueError, match="'ftv' must be 0/1"):
        propensity_weights("ftv ~ age", data)
    made = propensity_weights(FORMULA, data)
    with pytest.raises(ValueError, match=r"has other rows \(188\) than the weights \(189\)"):
        made.effect("low", data.iloc[1:])
    with pytest.raises(ValueError, match=r"no column 'lowe'\. Did you mean 'low'"):
        made.effect("lowe", data)
    with pytest.raises(ValueError, match="missing for everyone of one treatment"):
        made.effect("low", data.assign(low=data["low"].where(data["smoke"] == 0)))
    with pytest.raises(ValueError, match="cluster: block is missing in 2 of 189 rows"):
        made.effect("low", data.assign(block=data["block"].where(data.index > 1)), cluster="block")
