"""Aalen's additive hazards and ridge-penalized Cox regression against R's aareg and coxph with ridge()."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from golden import read, reference
from scipy.stats import norm

from dermcohort.estimates import Estimates
from dermcohort.regression import likelihood_ratio_test, term_tests
from dermcohort.survival import additive_hazards, cox, nelson_aalen, ridge_cox
from dermcohort.survival.aalen_additive import determined
from dermcohort.validate.registry import REGISTRY

OUTCOME = {"time": "time", "event": "status"}
CLOSED = 1e-11  # R adds up centered products, this package their running sums


@pytest.fixture
def veteran() -> pd.DataFrame:
    return read("veteran")


def numbers_of(fit) -> np.ndarray:
    """Averages, errors, statistics and p-values of all coefficients, then the chi-square of all but the intercept."""
    coef, V = fit.coefficients.to_numpy(), fit.covariance.to_numpy()
    z = coef / np.sqrt(np.diag(V))
    chi_square = coef[1:] @ np.linalg.solve(V[1:, 1:], coef[1:])
    return np.concatenate([coef, np.sqrt(np.diag(V)), z, 2 * norm.sf(abs(z)), [chi_square]])


def cumulative(fit, time) -> np.ndarray:
    row = fit.cumulative["time"].le(time).sum() - 1
    return np.concatenate([f.iloc[row, 2:] for f in (fit.cumulative, fit.cumulative_std_error)]).astype(float)


# ------------------------------------------------------------------------------------- against R


def test_golden_values():
    difference = np.abs(np.asarray(REGISTRY["aareg"].values(read)) / reference("aareg") - 1)
    assert (difference <= REGISTRY["aareg"].tolerance).all()


def test_averages_and_tests(veteran):
    fit = additive_hazards("trt + karno + age", veteran, **OUTCOME)
    np.testing.assert_allclose(numbers_of(fit), reference("own.aareg.veteran"), rtol=CLOSED)
    shown = fit.table[["coef", "std_error", "statistic", "p_value"]].to_numpy().T
    np.testing.assert_allclose(shown, numbers_of(fit)[:-1].reshape(4, 4)[:, 1:], rtol=1e-12)


def test_levels_and_interaction(veteran):
    fit = additive_hazards("celltype + trt * karno", veteran, **OUTCOME)
    np.testing.assert_allclose(numbers_of(fit), reference("own.aareg.levels"), rtol=CLOSED)


def test_one_covariate(veteran):
    fit = additive_hazards("karno", veteran, **OUTCOME)
    found = np.concatenate([numbers_of(fit)[:-1], cumulative(fit, 200)])
    np.testing.assert_allclose(found, reference("own.aareg.one"), rtol=CLOSED)


def test_ties():
    pbc = read("pbc").assign(died=lambda d: d["status"] == 2, half=lambda d: np.ceil(d["time"] / 182.5))
    fit = additive_hazards("age + log(bili) + edema", pbc, time="half", event="died")
    n_times = pbc.loc[pbc["died"], "half"].nunique()
    found = np.concatenate([numbers_of(fit), cumulative(fit, 10), [len(fit.cumulative), n_times]])
    np.testing.assert_allclose(found, reference("own.aareg.ties"), rtol=CLOSED)


def test_late_entry():
    fit = additive_hazards("age + year + surgery", read("heart"), time="stop", event="event", entry="start")
    found = np.concatenate([numbers_of(fit), cumulative(fit, 100)])
    np.testing.assert_allclose(found, reference("own.aareg.entry"), rtol=CLOSED)
    assert "delayed entry" in fit.method


def test_test_of_a_covariate_of_levels(veteran):
    tests = term_tests(additive_hazards("celltype", veteran, **OUTCOME))
    np.testing.assert_allclose(tests.table["statistic"], reference("own.aareg.term"), rtol=CLOSED)


def test_cumulative_coefficients():
    lung = read("lung").rename(columns={"ph.ecog": "ecog"}).assign(status=lambda d: d["status"] - 1)
    fit = additive_hazards("age + sex + ecog", lung, **OUTCOME)
    np.testing.assert_allclose(cumulative(fit, 500), reference("own.aareg.cumulative"), rtol=CLOSED)
    assert fit.n == 227 and fit.n_missing["ecog"] == 1
    assert any("1 of 228 rows left out" in note for note in fit.notes)


# ------------------------------------------------------------------- by hand, properties, degenerate


def test_by_hand():
    """With one 0/1 covariate an event of the exposed adds 1/n1 to B_1, one of the others 1/n0 to B_0 and -1/n0 to B_1.

    Weights of B_1 are n0 n1 / n. Exposed: times 1, 2, 4+, 5; others: 3, 6, 7+, 8. Events at 1 (n1 = 4, n0 = 4),
    2 (3, 4), 3 (2, 4), 5 (1, 3); at 6 nobody exposed is left.
    """
    data = pd.DataFrame(
        {"time": range(1, 9), "status": [1, 1, 1, 0, 1, 1, 0, 1], "x": [1, 1, 0, 1, 1, 0, 0, 0]}
    )
    fit = additive_hazards("x", data, **OUTCOME)
    added = np.array([1 / 4, 1 / 3, -1 / 4, 1])
    weight = np.array([2, 12 / 7, 4 / 3, 3 / 4])
    np.testing.assert_allclose(fit.cumulative["x"], np.cumsum(added), rtol=1e-13)
    np.testing.assert_allclose(fit.cumulative["Intercept"], [0, 0, 1 / 4, 1 / 4], atol=1e-14)
    np.testing.assert_allclose(fit.cumulative_std_error["x"], np.sqrt(np.cumsum(added**2)), rtol=1e-13)
    assert fit.cumulative["n_risk"].tolist() == [8, 7, 6, 4]
    (row,) = fit.table.to_dict("records")
    assert row["coef"] == pytest.approx(added @ weight / weight.sum(), rel=1e-13)
    assert row["statistic"] == pytest.approx(
        added @ weight / np.sqrt(np.sum((added * weight) ** 2)), rel=1e-13
    )
    assert any("2 of 6 event times have fewer than 3" in note and "is 5." in note for note in fit.notes)


def test_two_groups_are_the_difference_of_nelson_aalen(veteran):
    """While both groups have people at risk."""
    fit = additive_hazards("trt", veteran, **OUTCOME)
    at = [30, 100, 200]
    curves = nelson_aalen(veteran, "time", "status", by="trt").at(at)["estimate"].to_numpy().reshape(2, 3)
    rows = [fit.cumulative["time"].le(t).sum() - 1 for t in at]
    np.testing.assert_allclose(fit.cumulative["trt"].iloc[rows], curves[1] - curves[0], rtol=1e-11)


def test_order_place_and_unit(veteran):
    fit = additive_hazards("trt + karno", veteran, **OUTCOME)
    moved = veteran.assign(karno=1000 - 3 * veteran["karno"], time=veteran["time"] / 365.25).sample(
        frac=1, random_state=1
    )
    again = additive_hazards("trt + karno", moved, **OUTCOME)
    a, b = fit.coefficients, again.coefficients
    np.testing.assert_allclose([b["trt"], b["karno"] * -3], a[["trt", "karno"]], rtol=1e-10)
    np.testing.assert_allclose(again.table["statistic"], fit.table["statistic"] * [1, -1], rtol=1e-10)
    np.testing.assert_allclose(again.cumulative["trt"], fit.cumulative["trt"], rtol=1e-10, atol=1e-13)


def test_episodes_of_a_person_are_the_person(veteran):
    whole = additive_hazards("trt + karno", veteran.assign(start=-1.0), entry="start", **OUTCOME)
    long = veteran[veteran["time"] > 60]
    parts = pd.concat(
        [
            veteran[veteran["time"] <= 60].assign(start=-1.0),
            long.assign(start=-1.0, time=60, status=0),
            long.assign(start=60.0),
        ]
    )
    split = additive_hazards("trt + karno", parts, entry="start", **OUTCOME)
    np.testing.assert_allclose(split.cumulative, whole.cumulative, rtol=1e-10, atol=1e-13)
    np.testing.assert_allclose(split.table["statistic"], whole.table["statistic"], rtol=1e-10)


def test_times_before_enough_have_entered_add_nothing(veteran):
    """Persons enter at 20 but for five: what happens before is left out, and the rest is as if all had entered at 20."""
    early = veteran.assign(start=np.where(veteran.index % 30 == 0, 0.0, 20.0)).query("time > start")
    late = early.assign(start=20.0).query("time > start")
    arguments = {**OUTCOME, "entry": "start"}
    assert early["time"].le(20).any() and early.query("start == 0")["status"].eq(1).any()
    fit, expected = (additive_hazards("karno + age", data, **arguments) for data in (early, late))
    np.testing.assert_allclose(fit.cumulative, expected.cumulative, rtol=1e-10, atol=1e-13)
    np.testing.assert_allclose(fit.table["statistic"], expected.table["statistic"], rtol=1e-10)


def test_small_numbers_are_shown(veteran):
    shown = additive_hazards("karno + age", veteran, **OUTCOME).to_display()
    assert shown["Average increment (95% CI)"].str.contains(r"0\.000[1-9]").all()


def test_what_is_determined():
    same = np.array([[1.0, 1.0], [1.0, 1.0]])
    assert determined(np.array([np.eye(2), same, np.diag([1.0, 0.0])])).tolist() == [True, False, False]


def test_curve_and_figure(veteran, tmp_path):
    fit = additive_hazards("trt + karno", veteran, conf_level=0.9, **OUTCOME)
    curve = fit.curve("trt")
    half = 1.6448536269514722 * fit.cumulative_std_error["trt"]
    np.testing.assert_allclose(curve["conf_high"] - curve["estimate"], half, rtol=1e-9)
    first = fit.plot(labels={"trt": "treatment"})
    assert len(first.figure.axes) == 3
    assert first.get_ylabel() == "cumulative coefficient of Intercept"
    assert first.figure.axes[1].get_ylabel() == "cumulative coefficient of treatment"
    karno = first.figure.axes[2]
    assert karno.get_ylim()[0] < fit.curve("karno")["conf_low"].min() < 0
    with pytest.raises(ValueError, match="plot: ax is one panel, say coefficient="):
        fit.plot(first)
    with pytest.raises(ValueError, match=r"coefficient: 'trd' is not in the model\. Did you mean 'trt'"):
        fit.plot(coefficient="trd")
    plt.close("all")
    fit.save(tmp_path / "fit")
    loaded = Estimates.load(tmp_path / "fit")
    pd.testing.assert_frame_equal(loaded.curve("trt"), curve)


def test_bad_input(veteran):
    with pytest.raises(ValueError, match="formula has no covariate: use nelson_aalen"):
        additive_hazards("1", veteran, **OUTCOME)
    with pytest.raises(ValueError, match="a covariate is named 'n_risk'"):
        additive_hazards("n_risk", veteran.rename(columns={"karno": "n_risk"}), **OUTCOME)
    with pytest.raises(ValueError, match="'status' never happens"):
        additive_hazards("karno", veteran.assign(status=0), **OUTCOME)
    with pytest.raises(ValueError, match="0 of 5 event times have at least 6 people at risk"):
        additive_hazards("karno + age", veteran.drop_duplicates("time").head(5), **OUTCOME)
    with pytest.raises(ValueError, match="data has no column 'karn'"):
        additive_hazards("karn", veteran, **OUTCOME)


def test_no_likelihood(veteran):
    small, large = (additive_hazards(f, veteran, **OUTCOME) for f in ("karno", "karno + age"))
    with pytest.raises(ValueError, match="least squares at each event: its likelihood is not that"):
        likelihood_ratio_test(large, small)


# -------------------------------------------------------------------------------------- ridge penalty


def penalized(fit) -> list[float]:
    return [*fit.coefficients, *np.sqrt(np.diag(fit.covariance)), fit.effective_df, fit.loglik]


@pytest.mark.parametrize(
    ("id_", "formula", "data", "arguments"),
    [
        ("veteran", "trt + karno + age + diagtime", "veteran", {**OUTCOME, "theta": 10}),
        (
            "strata",
            "trt + karno + age",
            "veteran",
            {**OUTCOME, "theta": 3, "strata": "celltype", "ties": "breslow"},
        ),
        (
            "entry",
            "age + year + surgery",
            "heart",
            {"time": "stop", "event": "event", "entry": "start", "theta": 1},
        ),
        ("large", "hormon + age + nodes + grade", "rotterdam", {"time": "rt", "event": "rfs", "theta": 500}),
    ],
)
def test_ridge_against_r(id_, formula, data, arguments):
    fit = ridge_cox(formula, read(data), **arguments)
    np.testing.assert_allclose(penalized(fit), reference(f"own.ridge.{id_}"), rtol=1e-8)


def test_no_penalty_is_cox_and_a_large_one_no_effect(veteran):
    plain = cox("trt + karno", veteran, **OUTCOME)
    light = ridge_cox("trt + karno", veteran, theta=1e-9, **OUTCOME)
    np.testing.assert_allclose(light.coefficients, plain.coefficients, rtol=1e-8)
    np.testing.assert_allclose(light.effective_df, 2, rtol=1e-8)
    heavy = ridge_cox("trt + karno", veteran, theta=1e9, **OUTCOME)
    np.testing.assert_allclose(heavy.table["estimate"], 1, atol=1e-6)
    assert heavy.loglik == pytest.approx(plain.loglik_null, rel=1e-6)


def test_finite_where_cox_is_not():
    data = pd.DataFrame({"time": [1, 2, 3, 4, 5, 6], "status": [1, 1, 1, 0, 0, 0], "x": [1, 1, 1, 0, 0, 0]})
    assert np.isinf(cox("x", data, **OUTCOME).table["estimate"].iloc[0])
    fit = ridge_cox("x", data, theta=1, **OUTCOME)
    # the score: events less expected is theta beta s^2
    beta, spread = fit.coefficients["x"], data["x"].std()
    r = np.exp(beta)
    expected = sum(n1 * r / (n1 * r + 3) for n1 in (3, 2, 1))
    assert 3 - expected == pytest.approx(beta * spread**2, rel=1e-9)


def test_ridge_says_what_it_is_and_refuses(veteran):
    fit = ridge_cox("trt", veteran, theta=2, **OUTCOME)
    assert "theta = 2" in fit.method
    assert any("do not have their usual meaning" in note for note in fit.notes)
    with pytest.raises(ValueError, match="penalty"):
        likelihood_ratio_test(ridge_cox("trt + karno", veteran, theta=2, **OUTCOME), fit)
    for theta in (0, -1, np.inf, np.nan):
        with pytest.raises(ValueError, match="must be above 0 and finite; without a penalty use cox"):
            ridge_cox("trt", veteran, theta=theta, **OUTCOME)
    with pytest.raises(ValueError, match="ties='exact' is unknown; choose efron or breslow"):
        ridge_cox("trt", veteran, theta=1, ties="exact", **OUTCOME)
    with pytest.raises(ValueError, match="formula has no covariate"):
        ridge_cox("1", veteran, theta=1, **OUTCOME)
