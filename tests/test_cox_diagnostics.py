"""Residuals, tests, curves and concordance of Cox fits against R's survival (golden.csv, own/curves.csv)."""

import numpy as np
import pandas as pd
import pytest
from golden import read, reference
from hypothesis import given, settings
from hypothesis import strategies as st

from dermcohort import SurveyDesign
from dermcohort.survival import CoxFit, cox, nelson_aalen

KINDS = ("martingale", "deviance", "score", "dfbeta", "schoenfeld", "scaled_schoenfeld")
OUTCOME = {"time": "time", "event": "status"}


@pytest.fixture
def lung() -> pd.DataFrame:
    return read("lung").rename(columns={"ph.ecog": "ecog"}).assign(status=lambda d: d["status"] - 1)


@pytest.fixture
def veteran() -> pd.DataFrame:
    return read("veteran").assign(w=lambda d: 1 + (d.index + 1) % 3)


@pytest.fixture
def tied() -> pd.DataFrame:
    """Rotterdam in whole years: up to some hundred deaths at one time."""
    return read("rotterdam").query("dtime >= 365").assign(y=lambda d: d["dtime"] // 365)


def heart(formula: str = "age + year", **options) -> CoxFit:
    data = read("heart").assign(w=lambda d: 1 + 0.5 * (d["age"] > 0))
    return cox(formula, data, time="stop", event="event", entry="start", **options)


def same(found, identifier: str, rtol: float = 1e-8) -> None:
    np.testing.assert_allclose(np.ravel(found), reference(identifier), rtol=rtol, atol=1e-12)


def errors(fit: CoxFit) -> np.ndarray:
    return np.sqrt(np.diag(fit.covariance))


# ------------------------------------------------------------------------------- proportional hazards


def test_ph_test(veteran):
    fit = cox("trt + karno + age", veteran, **OUTCOME)
    tests = [fit.ph_test(transform).table for transform in ("km", "identity", "rank")]
    same([test["statistic"] for test in tests], "zph")
    assert tests[0]["term"].tolist() == ["trt", "karno", "age", "GLOBAL"]
    assert tests[0]["df"].tolist() == [1, 1, 1, 3]


def test_ph_test_of_a_factor(veteran):
    fit = cox("trt + karno + celltype", veteran, **OUTCOME)
    tests = [fit.ph_test(transform).table for transform in ("km", "identity", "rank", "log")]
    same([[*test["statistic"], *test["p_value"]] for test in tests], "own.zph.terms")
    assert tests[0]["df"].tolist() == [1, 1, 3, 5]


def test_ph_test_strata_breslow(veteran):
    fit = cox("trt + karno", veteran, strata="celltype", ties="breslow", **OUTCOME)
    same([fit.ph_test(transform).table["statistic"] for transform in ("km", "rank")], "own.zph.strata")


def test_ph_test_late_entry_strata_clusters_weights():
    fit = heart(strata="surgery", cluster="id", weights="w")
    found = [fit.ph_test(transform) for transform in ("km", "identity", "rank")]
    same([test.table["statistic"] for test in found], "own.zph.entry")
    assert found[0].notes == ("The test takes rows to be independent.",)


def test_ph_test_is_the_score_test_of_an_interaction_with_time(lung):
    """Tarone's trend in time, by hand: 1 column, no ties, the score of x g(t) at beta and its information."""
    data = pd.DataFrame({"time": [1, 2, 3, 4, 5], "status": [1, 1, 1, 1, 0], "x": [1.0, 0, 2, 1, 0]})
    fit = cox("x", data, **OUTCOME)
    risk, x, t = np.exp(data["x"] * fit.coefficients.iloc[0]).to_numpy(), data["x"].to_numpy(), data["time"]
    score, info = 0.0, np.zeros((2, 2))
    for k in range(4):
        at = slice(k, None)
        mean = risk[at] @ x[at] / risk[at].sum()
        variance = risk[at] @ x[at] ** 2 / risk[at].sum() - mean**2
        score += t[k] * (x[k] - mean)
        info += variance * np.outer([1, t[k]], [1, t[k]])
    expected = score**2 / (info[1, 1] - info[0, 1] ** 2 / info[0, 0])
    table = fit.ph_test("identity").table
    np.testing.assert_allclose(table["statistic"], [expected, expected], rtol=1e-8)


# ------------------------------------------------------------------------------------------ residuals


def test_residuals(lung):
    fit = cox("age + sex", lung, **OUTCOME)
    parts = [fit.residuals()[:3], fit.residuals("deviance")[:3]]
    parts += [
        fit.residuals(kind)["age"][:3] for kind in ("dfbeta", "scaled_schoenfeld", "schoenfeld", "score")
    ]
    same(np.concatenate(parts), "resid")


def first_residuals(fit: CoxFit, n: int) -> np.ndarray:
    return np.concatenate([fit.residuals(kind).to_numpy()[:n].T.ravel() for kind in KINDS])


def test_residuals_many_ties(tied):
    same(first_residuals(cox("age + nodes", tied, time="y", event="death"), 4), "own.resid.ties")


def test_residuals_late_entry_strata_weights():
    same(first_residuals(heart(strata="surgery", weights="w"), 5), "own.resid.entry")


def test_residuals_breslow(veteran):
    fit = cox("trt + karno", veteran, strata="celltype", ties="breslow", **OUTCOME)
    same(first_residuals(fit, 3), "own.resid.breslow")


def test_residuals_are_labelled_by_row(lung):
    data = lung.assign(age=lung["age"].where(lung.index != 3)).set_index(lung.index + 1000)
    fit = cox("age + sex", data, **OUTCOME)
    assert 1003 not in fit.residuals().index and len(fit.residuals()) == fit.n == 227
    events = fit.residuals("schoenfeld")
    assert len(events) == fit.events
    assert data.loc[events.index, "status"].all()
    assert data.loc[events.index, "time"].is_monotonic_increasing


cohorts = st.lists(
    st.tuples(st.integers(0, 3), st.integers(1, 4), st.integers(0, 1), st.integers(-2, 2), st.integers(0, 1)),
    min_size=12,
    max_size=40,
).filter(lambda rows: sum(r[2] for r in rows) > 4 and len({r[3] for r in rows}) > 2)


@settings(max_examples=40, deadline=None)
@given(cohorts, st.sampled_from(["efron", "breslow"]))
def test_properties(rows, ties):
    data = pd.DataFrame(rows, columns=["start", "length", "status", "x", "stratum"])
    data = data.assign(time=data["start"] + data["length"])
    options = {"entry": "start", "strata": "stratum", "ties": ties, **OUTCOME}
    try:
        fit = cox("x", data, **options)
    except ValueError as problem:  # nobody at risk at an event differs in x
        assert "leave it out" in str(problem)
        return
    if np.isnan(fit.table["std_error"]).any() or not np.isfinite(errors(fit)).all() or errors(fit)[0] > 10:
        return  # monotone likelihood, or next to it
    martingale = fit.residuals()
    assert martingale.groupby(data["stratum"]).sum().abs().max() < 1e-9
    assert abs(fit.residuals("score")["x"].sum()) < 1e-6
    assert abs(fit.residuals("schoenfeld")["x"].sum()) < 1e-6
    assert (fit.residuals("deviance") * martingale >= 0).all()
    dfbeta = fit.residuals("dfbeta")["x"]
    robust = cox("x", data, robust=True, **options)
    assert dfbeta @ dfbeta == pytest.approx(robust.covariance.iloc[0, 0], rel=1e-9)
    mixed = data.sample(frac=1, random_state=1)
    again = cox("x", mixed, **options)
    np.testing.assert_allclose(again.residuals().loc[data.index], martingale, rtol=1e-7, atol=1e-9)
    assert again.ph_test().table["statistic"].tolist() == pytest.approx(
        fit.ph_test().table["statistic"].tolist(), rel=1e-6, abs=1e-9
    )
    assert again.concordance_std_error == pytest.approx(fit.concordance_std_error, abs=1e-12, nan_ok=True)


# --------------------------------------------------------------------------------------------- curves


def as_r(found: pd.DataFrame) -> np.ndarray:
    return found[["estimate", "std_error", "conf_low", "conf_high"]].to_numpy().T.ravel()


def test_survival(lung):
    fit = cox("age + sex", lung, **OUTCOME)
    same(as_r(fit.survival(pd.DataFrame({"age": [60], "sex": [1]}), 365)), "basehaz")


def test_survival_in_strata(veteran):
    fit = cox("trt + karno", veteran, strata="celltype", **OUTCOME)
    new = pd.DataFrame({"trt": 2, "karno": 40, "celltype": ["large", "squamous"]}, index=["l", "s"])
    found = fit.survival(new, [20, 100], ci="log-log")
    same(np.concatenate([as_r(found[found["row"] == row]) for row in ("l", "s")]), "own.surv.strata")
    assert found["time"].tolist() == [20, 100, 20, 100]


def test_survival_of_three_people_with_many_ties(tied):
    new = pd.DataFrame({"age": [40, 60, 80], "nodes": [0, 3, 10]})
    efron, breslow = (
        cox("age + nodes", tied, time="y", event="death", ties=ties).survival(new, [2, 7], ci=ci)
        for ties, ci in (("efron", "log"), ("breslow", "plain"))
    )
    same(np.concatenate([as_r(efron), as_r(breslow)]), "own.surv.ties")


def test_survival_late_entry_weights_clusters():
    fit = heart(weights="w", cluster="id")
    new = pd.DataFrame({"age": [-10, 5], "year": [1, 4]})
    same(as_r(fit.survival(new, [0.5, 30, 300])), "own.surv.weights")


def test_survival_at_no_effect_is_exp_of_minus_nelson_aalen(veteran):
    fit = cox("karno", veteran, ties="breslow", **OUTCOME)
    null = CoxFit(**{**vars(fit), "coefficients": fit.coefficients * 0, "covariance": fit.covariance * 0})
    at = nelson_aalen(veteran, "time", "status").at([10, 100, 500])
    found = null.survival(pd.DataFrame({"karno": [50]}), [10, 100, 500])
    np.testing.assert_allclose(found["estimate"], np.exp(-at["estimate"]), rtol=1e-12)
    np.testing.assert_allclose(found["std_error"], np.exp(-at["estimate"]) * at["std_error"], rtol=1e-12)


def test_survival_where_it_is_not_known(veteran):
    fit = cox("trt + karno", veteran, strata="celltype", **OUTCOME)
    new = pd.DataFrame({"trt": [1, None], "karno": 40, "celltype": "large"})
    found = fit.survival(new, [0, 100, 600])
    assert found["estimate"].isna().tolist() == [False, False, True, True, True, True]
    assert (found["estimate"][0], found["std_error"][0]) == (1, 0)
    with pytest.raises(ValueError, match=r"the fit has no stratum \{'celltype': 'tiny'\}"):
        fit.survival(new.assign(celltype="tiny"), 1)
    with pytest.raises(ValueError, match="newdata has no column 'celltype'"):
        fit.survival(new.drop(columns="celltype"), 1)


# ------------------------------------------------------------------------------ concordance and tests


def test_concordance(lung):
    fit = cox("age + sex + ecog", lung, **OUTCOME)
    same([fit.concordance, fit.concordance_std_error], "conc", 1e-12)


def test_concordance_in_strata_clusters_and_with_weights(veteran):
    death = read("colon").query("etype == 2").assign(w=lambda d: 1 + d["id"] % 5)
    fits = [
        cox("trt + karno", veteran, strata="celltype", **OUTCOME),
        heart("age + year + transplant", cluster="id"),
        cox("age + sex", death, weights="w", **OUTCOME),
    ]
    same([[fit.concordance, fit.concordance_std_error] for fit in fits], "own.conc.se", 1e-12)


def test_concordance_influence_is_the_derivative(veteran):
    """Of the share of concordant pairs, in the weight of one row, by a difference."""
    from dermcohort.survival.concordance import concordance, concordance_influence

    data = read("heart")
    weights = 1 + np.arange(len(data)) % 3 / 2
    arrays = [data[name].to_numpy(float) for name in ("age", "start", "stop", "event")]
    influence = concordance_influence(*arrays, data["surgery"].to_numpy(), weights)
    assert abs(influence.sum()) < 1e-12
    for row in (0, 7, 50):
        more, less = (weights + h * (np.arange(len(data)) == row) for h in (1e-5, -1e-5))
        change = [concordance(*arrays, data["surgery"].to_numpy(), w) for w in (more, less)]
        slope = (change[0] - change[1]) / 2e-5
        assert influence[row] == pytest.approx(weights[row] * slope, rel=1e-5)


def test_tests_of_the_model(veteran):
    plain = cox("trt + karno + celltype", veteran, **OUTCOME)
    weighted = cox("trt + karno + celltype", veteran, weights="w", **OUTCOME)
    found = [
        test["statistic"]
        for fit in (plain, weighted)
        for test in (fit.score_test, fit.wald_test, fit.likelihood_ratio_test)
    ]
    same([*found, plain.score_test["p_value"]], "own.cox.tests")
    assert plain.score_test["df"] == 5


def test_cause_specific():
    data = read("mgus2cr").assign(pcm=lambda d: d["ev"] == "pcm", death=lambda d: d["ev"] == "death")
    pcm, death = (cox("age + sex + mspike", data, time="etime", event=e) for e in ("pcm", "death"))
    same([*pcm.coefficients, *death.coefficients, *errors(pcm)], "cs.cox")
    fits = [cox("age + sex", data, time="etime", event=e, robust=True) for e in ("pcm", "death")]
    multistate = np.concatenate([*(fit.coefficients for fit in fits), *(errors(fit) for fit in fits)])
    same(multistate, "msm.cox")


# -------------------------------------------------------------------------------------- what may go wrong


def test_unknown_words(lung):
    fit = cox("age", lung, **OUTCOME)
    with pytest.raises(
        ValueError, match="transform='sqrt' is unknown; choose one of km, identity, rank, log"
    ):
        fit.ph_test("sqrt")
    with pytest.raises(ValueError, match="kind='dfbetas' is unknown; choose one of martingale"):
        fit.residuals("dfbetas")
    with pytest.raises(ValueError, match="ci='exact' is unknown"):
        fit.survival(lung, 1, ci="exact")
    at_0 = pd.DataFrame({"time": [0, 1, 2, 3], "status": 1, "x": [1, 0, 1, 0]})
    with pytest.raises(ValueError, match="transform='log' needs times above 0"):
        cox("x", at_0, **OUTCOME).ph_test("log")


def test_a_loaded_fit_keeps_its_tests_only(lung, tmp_path):
    fit = cox("age + sex", lung, cluster="inst", **OUTCOME)
    again = CoxFit.load(fit.save(tmp_path / "fit"))
    assert again.score_test == fit.score_test and again.cluster == ("inst",)
    assert again.wald_test == fit.wald_test and again.likelihood_ratio_test == fit.likelihood_ratio_test
    for ask in (
        lambda: again.residuals(),
        lambda: again.ph_test(),
        lambda: again.survival(lung, 1),
        lambda: again.concordance,
        lambda: again.concordance_std_error,
    ):
        with pytest.raises(ValueError, match="loaded from a file; fit the model again"):
            ask()


def test_a_survey_has_no_error_of_concordance(lung):
    design = SurveyDesign("w", cluster="inst")
    sampled = cox("age", lung.assign(w=1.0).dropna(subset="inst"), design=design, **OUTCOME)
    plain = cox("age", lung.dropna(subset="inst"), **OUTCOME)
    new = pd.DataFrame({"age": [60]})
    assert sampled.survival(new, 100)["estimate"][0] == pytest.approx(plain.survival(new, 100)["estimate"][0])
    assert sampled.survival(new, 100)["std_error"][0] > 0 and np.isnan(sampled.concordance_std_error)
    np.testing.assert_allclose(sampled.residuals(), plain.residuals(), rtol=1e-9)


def test_strata_of_one_person_say_nothing(veteran):
    alone = veteran.head(3).assign(celltype=["x", "y", "z"])
    fit = cox("trt + karno", veteran, strata="celltype", **OUTCOME)
    more = cox("trt + karno", pd.concat([veteran, alone], ignore_index=True), strata="celltype", **OUTCOME)
    np.testing.assert_allclose(more.coefficients, fit.coefficients, rtol=1e-9)
    np.testing.assert_allclose(more.residuals("score").iloc[-3:], 0, atol=1e-12)
    np.testing.assert_allclose(more.residuals().iloc[-3:], 0, atol=1e-12)
    identity = [m.ph_test("identity").table["statistic"] for m in (fit, more)]
    np.testing.assert_allclose(identity[1], identity[0], rtol=1e-8)
    assert more.concordance_std_error == pytest.approx(fit.concordance_std_error, rel=1e-9)
