"""Adjusted survival curves: averages of what a Cox model predicts, and their variance by three routes."""

import numpy as np
import pandas as pd
import pytest
from golden import read, reference
from hypothesis import given, settings
from hypothesis import strategies as st

from dermcohort import ReplicateDesign, SurveyDesign
from dermcohort.estimates import Estimates
from dermcohort.survival import adjusted_curves, cox
from dermcohort.survival.cox_survival import hazard_influence
from dermcohort.validate.registry import REGISTRY

OUTCOME = {"time": "time", "event": "status"}
# influences from R are differences, extrapolated: about nine digits
DIFFERENCES = 1e-7


@pytest.fixture
def veteran() -> pd.DataFrame:
    data = read("veteran")
    return data.assign(w=1 + 0.5 * (data["age"] > 60), site=np.arange(len(data)) // 7)


def by_level(found: pd.DataFrame, *columns: str) -> np.ndarray:
    return found[list(columns)].to_numpy().T.ravel()


def test_golden_value():
    computed = REGISTRY["cox.std"].values(read)
    np.testing.assert_allclose(computed, reference("cox.std"), rtol=1e-8)


@pytest.mark.parametrize(
    ("formula", "time", "id_"),
    [
        ("trt + karno + age", 120, "own.adj.model"),
        ("trt * karno + celltype", 200, "own.adj.model.factor"),
    ],
)
def test_model_variance(veteran, formula, time, id_):
    fit = cox(formula, veteran, ties="breslow", **OUTCOME)
    curves = adjusted_curves(fit, "trt", values=(1, 2))
    difference = curves.risk_difference(time).table.iloc[0]
    found = [
        *by_level(curves.at(time), "estimate", "std_error"),
        difference["estimate"],
        difference["std_error"],
    ]
    np.testing.assert_allclose(found, reference(id_), rtol=1e-8)


def test_predicted_curve_of_persons():
    """What is averaged: the curve of one person and its error."""
    heart = read("heart")
    fit = cox("age + year", heart, time="stop", event="event", entry="start", strata="surgery")
    new = pd.DataFrame({"age": [-5, 5], "year": 2, "surgery": 0})
    found = fit.survival(new, [50, 200])
    expected = reference("own.adj.one").reshape(2, 2, 2)
    np.testing.assert_allclose(found["estimate"].to_numpy().reshape(2, 2), expected[0], rtol=1e-8)
    np.testing.assert_allclose(found["std_error"].to_numpy().reshape(2, 2), expected[1], rtol=1e-8)


def test_robust_variance(veteran):
    fit = cox("trt + karno + age", veteran, weights="w", **OUTCOME)
    found = adjusted_curves(fit, "trt", values=(1, 2)).at([60, 180])
    np.testing.assert_allclose(
        by_level(found, "estimate", "std_error"), reference("own.adj.robust"), rtol=DIFFERENCES
    )


def test_clustered_variance(veteran):
    fit = cox("trt + karno", veteran, strata="prior", cluster="site", ties="breslow", **OUTCOME)
    curves = adjusted_curves(fit, "trt", values=(1, 2))
    rows = [curves.risk_difference(90).table.iloc[0], curves.risk_ratio(90).table.iloc[0]]
    at = curves.at(90)
    found = [*at["estimate"], *(r["coef"] for r in rows), *at["std_error"], *(r["std_error"] for r in rows)]
    np.testing.assert_allclose(found, reference("own.adj.cluster"), rtol=DIFFERENCES)


def test_attributable_fraction(veteran):
    fit = cox("trt + karno + age", veteran, robust=True, **OUTCOME)
    row = adjusted_curves(fit, "trt", values=(1, 2)).attributable_fraction(120).table.iloc[0]
    np.testing.assert_allclose(
        [row["estimate"], row["std_error"]], reference("own.adj.paf"), rtol=DIFFERENCES
    )
    assert row["conf_low"] < row["estimate"] < row["conf_high"]


def test_survey_variance(veteran):
    design = SurveyDesign("w", strata="prior", cluster="site", nest=True)
    fit = cox("trt + karno + age", veteran, design=design, **OUTCOME)
    found = adjusted_curves(fit, "trt", values=(1, 2)).at([60, 180])
    np.testing.assert_allclose(found["std_error"], reference("own.adj.survey"), rtol=DIFFERENCES)


def test_predicted_curve_of_a_survey(veteran):
    design = SurveyDesign("w", strata="prior", cluster="site", nest=True)
    fit = cox("trt + karno", veteran, design=design, strata="celltype", **OUTCOME)
    new = pd.DataFrame({"trt": 1, "karno": [40, 80], "celltype": "squamous"})
    found = fit.survival(new, [60, 180]).sort_values(["row", "time"])
    expected = reference("own.cox.curve.survey").reshape(2, 2, 2)  # of R by time, then person
    for column, values in zip(("estimate", "std_error"), expected, strict=True):
        np.testing.assert_allclose(found[column].to_numpy().reshape(2, 2), values, rtol=DIFFERENCES)


def test_replicate_weights(veteran):
    units = veteran.groupby(["prior", "site"]).ngroup().to_numpy()
    stratum = veteran["prior"].to_numpy()
    n_units = {s: len(np.unique(units[stratum == s])) for s in np.unique(stratum)}
    columns, rscales = {}, []
    for unit in np.unique(units):
        own = stratum[units == unit][0]
        n = n_units[own]
        weight = veteran["w"] * np.where(stratum == own, n / (n - 1), 1.0)
        columns[f"r{unit}"] = weight.where(units != unit, 0.0)
        rscales.append((n - 1) / n)
    data = veteran.assign(**columns)
    design = ReplicateDesign("w", list(columns), kind="JKn", rscales=rscales)
    fit = cox("trt + karno + age", data, design=design, **OUTCOME)
    found = adjusted_curves(fit, "trt", values=(1, 2), times=[60, 180]).table
    np.testing.assert_allclose(found["std_error"], reference("own.adj.replicates"), rtol=1e-8)
    assert np.isnan(fit.survival(data.head(1), 60)["std_error"]).all()


def test_six_rows_by_hand():
    """Breslow, nobody at risk differs but by x: S_a(t) = exp(-r_a H(t)), H(t) = sum 1 / sum r."""
    data = pd.DataFrame({"t": [1, 2, 3, 4, 5, 6], "d": [1, 1, 0, 1, 0, 1], "x": [1, 0, 1, 0, 1, 0]})
    fit = cox("x", data, time="t", event="d", ties="breslow")
    r = np.exp(fit.coefficients.iloc[0])
    H = 1 / (3 * r + 3) + 1 / (2 * r + 3) + 1 / (r + 2)
    curves = adjusted_curves(fit, "x")
    np.testing.assert_allclose(curves.at(4)["estimate"], [np.exp(-H), np.exp(-r * H)], rtol=1e-12)
    assert curves.table["time"].tolist() == [1, 2, 4, 6] * 2
    rd, rr = curves.risk_difference(4).table.iloc[0], curves.risk_ratio(4).table.iloc[0]
    assert rd["estimate"] == pytest.approx(np.exp(-H) - np.exp(-r * H), rel=1e-12)
    assert rr["estimate"] == pytest.approx((1 - np.exp(-r * H)) / (1 - np.exp(-H)), rel=1e-12)


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_influences_on_the_baseline_add_up_to_nothing(veteran, ties):
    """Doubling all weights leaves the baseline hazard as it is."""
    fit = cox("karno", veteran, strata="celltype", weights="w", ties=ties, **OUTCOME)
    fitted = fit.fitted_rows("test")
    influence = hazard_influence(fitted)(np.full(len(veteran), fitted.sets.n_times))
    by_stratum = np.bincount(fitted.rows.stratum, influence)
    np.testing.assert_allclose(by_stratum, 0, atol=1e-11)
    assert np.abs(influence).max() > 0.01


@given(st.permutations(range(40)))
@settings(max_examples=10, deadline=None)
def test_order_of_rows(order):
    data = read("veteran").head(40)
    curves = [
        adjusted_curves(
            cox("age + karno", d, robust=True, **OUTCOME), "karno", values=(40, 80), times=[30, 90]
        )
        for d in (data, data.iloc[list(order)])
    ]
    np.testing.assert_allclose(curves[0].table["std_error"], curves[1].table["std_error"], rtol=1e-7)


def test_weight_two_is_two_rows(veteran):
    twice = pd.concat([veteran, veteran])
    weighted = cox("trt + karno", veteran.assign(w=2), weights="w", robust=False, ties="breslow", **OUTCOME)
    doubled = cox("trt + karno", twice, ties="breslow", **OUTCOME)
    tables = [
        adjusted_curves(fit, "trt", values=(1, 2), times=[60, 180]).table for fit in (weighted, doubled)
    ]
    for column in ("estimate", "std_error"):
        np.testing.assert_allclose(tables[0][column], tables[1][column], rtol=1e-8)


def test_swapping_levels_inverts(veteran):
    fit = cox("trt + karno", veteran, **OUTCOME)
    there, back = (
        adjusted_curves(fit, "trt", values=v).risk_ratio(90).table.iloc[0] for v in ((1, 2), (2, 1))
    )
    assert there["estimate"] * back["estimate"] == pytest.approx(1, rel=1e-12)
    assert there["conf_low"] * back["conf_high"] == pytest.approx(1, rel=1e-12)


def test_beyond_the_stratum_that_ends_first(veteran):
    fit = cox("trt + karno", veteran, strata="celltype", **OUTCOME)
    ends = veteran.groupby("celltype")["time"].max().min()
    at = adjusted_curves(fit, "trt", values=(1, 2)).at([ends, ends + 1])
    assert at["estimate"].isna().tolist() == [False, True, False, True]
    assert at["conf_low"].isna().tolist() == [False, True, False, True]


def test_before_the_first_event(veteran):
    curves = adjusted_curves(cox("trt + karno", veteran, robust=True, **OUTCOME), "trt", values=(1, 2))
    at = curves.at(0.5)
    assert at["estimate"].tolist() == [1, 1] and at["std_error"].tolist() == [0, 0]
    assert curves.risk_difference(0.5).table["estimate"].tolist() == [0]
    assert curves.risk_ratio(0.5).table["estimate"].isna().all()
    assert curves.attributable_fraction(0.5).table["estimate"].isna().all()


def test_many_event_times_are_thinned():
    rng = np.random.default_rng(1)
    data = pd.DataFrame({"t": rng.exponential(size=900), "d": 1, "x": rng.integers(0, 2, 900)})
    table = adjusted_curves(cox("x", data, time="t", event="d"), "x").table
    assert len(table) == 400
    assert (table["time"].min(), table["time"].max()) == (data["t"].min(), data["t"].max())


def test_words_views_and_saving(veteran, tmp_path):
    plain = adjusted_curves(cox("C(celltype) + karno", veteran, **OUTCOME), "celltype")
    assert plain.levels == ("adeno", "large", "smallcell", "squamous")
    assert "for the covariates of these people" in plain.method and "g-computation" in plain.method
    robust = adjusted_curves(cox("trt + karno", veteran, cluster="site", **OUTCOME), "trt", values=(1, 2))
    assert "that the people are a sample" in robust.method
    assert any("Few clusters" in note for note in robust.notes)
    assert "Survival, % (95% CI)" in plain.to_display()
    assert len(plain.plot().get_lines()) == 4
    again = Estimates.load(plain.save(tmp_path / "curves"))
    pd.testing.assert_frame_equal(again.table, plain.table)
    with pytest.raises(ValueError, match="loaded from a file; fit the model again"):
        again.at(100)


def test_late_entry_is_said():
    fit = cox("age", read("heart"), time="stop", event="event", entry="start")
    assert "every row counts as a person" in adjusted_curves(fit, "age", values=(-5, 5)).notes[-1]


def test_bad_input(veteran):
    fit = cox("trt + karno", veteran, **OUTCOME)
    with pytest.raises(ValueError, match="'dose' is not a variable of the model"):
        adjusted_curves(fit, "dose")
    with pytest.raises(ValueError, match="say which to compare"):
        adjusted_curves(fit, "karno")
    with pytest.raises(ValueError, match="ci='wald' is unknown"):
        adjusted_curves(fit, "trt", values=(1, 2), ci="wald")
    with pytest.raises(TypeError, match="must be a Cox model, it is DataFrame"):
        adjusted_curves(veteran, "trt")
    with pytest.raises(ValueError, match="not available with ties='exact'"):
        adjusted_curves(cox("trt", veteran, ties="exact", **OUTCOME), "trt", values=(1, 2))
