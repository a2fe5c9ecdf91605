"""Interaction of two exposures: numbers from R, cases worked by hand, properties, and data that are too thin."""

import matplotlib
import numpy as np
import pandas as pd
import pytest
from golden import read, reference
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import t

from dermcohort import Estimates, SurveyDesign
from dermcohort.missing import pool
from dermcohort.regression import (
    additive,
    conditional_logistic,
    firth,
    gee,
    interaction,
    linear,
    logistic,
    mixed_linear,
    modified_poisson,
    poisson,
)
from dermcohort.survival import cox
from dermcohort.validate.associations import oral_cancer

matplotlib.use("Agg")
NHANES = SurveyDesign("WTMEC2YR", strata="SDMVSTRA", cluster="SDMVPSU", nest=True)
MEASURES = ["RERI", "AP", "S"]


def close(found, identifier, rtol=1e-8):
    np.testing.assert_allclose(np.asarray(found, float), reference(identifier), rtol=rtol)


def intervals(found, *names, level=None) -> np.ndarray:
    table = found.table if level is None else found.table[found.table["level"] == level]
    rows = table.set_index("measure")
    wanted = list(names) or list(rows.index)
    return rows.loc[wanted, ["estimate", "conf_low", "conf_high"]].to_numpy(float).ravel()


def limits(found, *names) -> np.ndarray:
    rows = found.table.set_index("measure")
    return rows.loc[list(names), ["conf_low", "conf_high"]].to_numpy(float).ravel()


@pytest.fixture(scope="module")
def infert() -> pd.DataFrame:
    data = read("infert")
    return data.assign(spont=(data["spontaneous"] > 0).astype(int), ind=(data["induced"] > 0).astype(int))


@pytest.fixture(scope="module")
def rotterdam() -> pd.DataFrame:
    data = read("rotterdam")
    return data.assign(old=(data["age"] > 60).astype(int), many=(data["nodes"] > 3).astype(int))


@pytest.fixture(scope="module")
def colon() -> pd.DataFrame:
    data = read("colon").query("etype == 2")
    return data.assign(rx=pd.Categorical(data["rx"], ["Obs", "Lev", "Lev+5FU"]))


# ------------------------------------------------------------------------------------------ from R


def test_oral_cancer():
    """Hosmer & Lemeshow (1992): RERI 3.74 (-1.84, 9.32), AP 0.41 (-0.07, 0.90), S 1.87 (0.65, 5.42)."""
    found = interaction(logistic("case ~ alcohol * smoke", oral_cancer()), "alcohol", "smoke")
    np.testing.assert_allclose(intervals(found, *MEASURES), reference("reri.oral")[3:], rtol=1e-8)


def test_oral_cancer_by_mover():
    """Zou (2008) prints -11.43 to 21.87 for the RERI."""
    found = interaction(logistic("case ~ alcohol * smoke", oral_cancer()), "alcohol", "smoke", ci="mover")
    np.testing.assert_allclose(limits(found, "RERI"), [-11.43, 21.87], atol=0.005)


def test_odds_ratios(infert):
    fit = logistic("case ~ spont * ind + age", infert)
    found = interaction(fit, "spont", "ind")
    close(intervals(found), "own.inter.logit")
    np.testing.assert_allclose(intervals(found, *MEASURES), reference("own.inter.epir"), rtol=1e-8)
    by_mover = interaction(fit, "spont", "ind", ci="mover")
    close(limits(by_mover, "RERI", "AP"), "own.inter.mover")
    p = by_mover.table.set_index("measure")["p_value"]
    close([p["RERI"]], "own.inter.mover.p")
    assert intervals(by_mover, "S", "ratio of ORs") == pytest.approx(intervals(found, "S", "ratio of ORs"))


def test_prevalence_ratios_with_robust_variance(rotterdam):
    fit = modified_poisson("death ~ many * old + meno", rotterdam)
    found = [interaction(fit, "many", "old", ci=ci) for ci in ("delta", "mover")]
    close([*intervals(found[0]), *limits(found[1], "RERI", "AP")], "own.inter.pr")


def test_clusters():
    data = read("ohio").assign(older=lambda d: (d["age"] > -1).astype(int))
    close(
        intervals(interaction(logistic("resp ~ older * smoke", data, cluster="id"), "older", "smoke")),
        "own.inter.cluster",
    )


def test_matched_sets(infert):
    close(
        intervals(
            interaction(conditional_logistic("case ~ spont * ind", infert, strata="stratum"), "spont", "ind")
        ),
        "own.inter.clogit",
    )


def test_population_average():
    data = read("ohio").assign(older=lambda d: (d["age"] > -1).astype(int))
    close(
        intervals(interaction(gee("resp ~ older * smoke", data, groups="id"), "older", "smoke")),
        "own.inter.gee",
    )


def test_penalized_odds_ratios_take_their_own_covariance():
    """Of log(e0 e1 / ...) at both exposures: exp(sum of the coefficients)."""
    data = cohort(3)
    fit = firth("case ~ a * b", data)
    joint = interaction(fit, "a", "b").joint.query("comparison == 'joint'")
    assert joint["estimate"].iloc[-1] == pytest.approx(np.exp(fit.coefficients.iloc[1:].sum()))
    assert joint["events"].sum() == fit.events


def test_hazard_ratios(rotterdam):
    fit = cox("many * old + size", rotterdam, time="dtime", event="death")
    found = [interaction(fit, "many", "old", ci=ci) for ci in ("delta", "mover")]
    close([*intervals(found[0]), *limits(found[1], "RERI", "AP")], "own.inter.cox")
    joint = found[0].joint
    assert joint.loc[joint["comparison"] == "joint", "events"].sum() == rotterdam["death"].sum()


def test_survey_design_by_t():
    data = read("nhanes")
    data["man"] = (data["RIAGENDR"] == 1).astype(int)
    data["old"] = (~data["agecat"].isin(["(0,19]", "(19,39]"])).astype(int)
    fit = logistic("HI_CHOL ~ man * old", data, design=NHANES)
    close(intervals(interaction(fit, "man", "old")), "own.inter.survey")


def test_three_levels(colon):
    found = interaction(logistic("status ~ rx * sex + age", colon), "rx", "sex")
    joint = found.joint.set_index(["comparison", "rx", "sex"])[["estimate", "conf_low", "conf_high"]]
    printed = [("joint", "Lev+5FU", "1"), ("rx within sex", "Lev+5FU", "1"), ("sex within rx", "Lev", "1")]
    values = joint.loc[printed].to_numpy().ravel()
    measures = [intervals(found, level=level) for level in ("Lev+5FU:1", "Lev:1")]
    close([*values, *measures[0], *measures[1]], "own.inter.three")


def test_another_reference_is_another_contrast_of_the_same_fit(colon):
    fit = logistic("status ~ rx * sex + age", colon)
    found = interaction(fit, "rx", "sex", reference=("Lev+5FU", 1))
    close(intervals(found, level="Obs:0"), "own.inter.reference")


# ------------------------------------------------------------------------------- by hand and properties


def test_measures_by_hand():
    """RR 2, 3 and 7: RERI 7 - 2 - 3 + 1 = 3, AP 3/7, S 6 / 3 = 2, ratio 7/6."""
    b = np.log([2.0, 3.0, 7.0])
    found = [float(measure(b)) for measure in additive.MEASURES.values()]
    assert found == pytest.approx([3, 3 / 7, 2, 7 / 6])


def test_p_of_mover_belongs_to_its_interval():
    b, V = np.log([2.0, 3.0, 9.0]), np.diag([0.1, 0.12, 0.08]) + 0.05
    found = additive.mover(b, V, 0.95, np.inf)
    for name in ("RERI", "AP"):
        again = additive.mover(b, V, 1 - found[name].p_value, np.inf)[name]
        assert again.conf_low == pytest.approx(0, abs=1e-9)


def test_no_additive_interaction():
    """RR 2, 3 and 4: RERI 0, its p-value 1, S 1."""
    found = additive.mover(np.log([2.0, 3.0, 4.0]), np.eye(3) * 0.1, 0.95, np.inf)
    assert found["RERI"].estimate == pytest.approx(0, abs=1e-12)
    assert found["RERI"].p_value == pytest.approx(1)
    assert found["S"].estimate == pytest.approx(1)


def test_exposures_without_effects_have_no_synergy_index():
    """Both alone cancel out: (RR11 - 1) / 0."""
    found = additive.delta(np.log([0.5, 1.5, 2.0]), np.eye(3) * 0.1, 0.95, np.inf)
    assert found["S"].estimate == np.inf
    assert np.isnan([found["S"].conf_low, found["S"].conf_high]).all()
    assert found["RERI"].estimate == pytest.approx(1)


def cohort(seed: int, n: int = 400) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    a, b = rng.integers(0, 2, n), rng.integers(0, 2, n)
    case = rng.random(n) < 0.15 + 0.1 * a + 0.1 * b + 0.2 * a * b
    return pd.DataFrame(
        {"case": case, "a": a, "b": b, "age": rng.normal(size=n), "site": rng.integers(0, 50, n)}
    )


@given(seed=st.integers(0, 10_000))
@settings(max_examples=10, deadline=None)
def test_row_order_exchange_and_weights(seed):
    data = cohort(seed)
    found = intervals(interaction(logistic("case ~ a * b + age", data), "a", "b", ci="mover"))
    shuffled = data.sample(frac=1, random_state=seed)
    np.testing.assert_allclose(
        intervals(interaction(logistic("case ~ b * a + age", shuffled), "b", "a", ci="mover")),
        found,
        rtol=1e-6,
    )
    twice = logistic("case ~ a * b + age", pd.concat([data, data]))
    weighted = logistic("case ~ a * b + age", data.assign(w=2.0), weights="w", robust=False)
    np.testing.assert_allclose(
        intervals(interaction(weighted, "a", "b")), intervals(interaction(twice, "a", "b")), rtol=1e-6
    )


def test_coding_does_not_matter():
    data = cohort(1)
    words = data.assign(a=np.where(data["a"] == 1, "yes", "no"), b=data["b"].astype(bool))
    numbers = intervals(interaction(logistic("case ~ a * b + age", data), "a", "b"))
    for formula in ("case ~ a * b + age", "case ~ C(a):C(b) + age", "case ~ C(a) * C(b) + age"):
        found = intervals(interaction(logistic(formula, words), "a", "b"))
        np.testing.assert_allclose(found, numbers, rtol=1e-7)


def test_strata_of_the_joint_table():
    """OR of a at b = 1 is that of both over that of b alone; the crude cells give it: 225 x 12 / (166 x 6)."""
    joint = interaction(logistic("case ~ alcohol * smoke", oral_cancer()), "alcohol", "smoke").joint
    at = joint.set_index(["comparison", "alcohol", "smoke"])
    assert at.loc[("alcohol within smoke", "1", "1"), "estimate"] == pytest.approx(225 * 18 / (166 * 8))
    assert at.loc[("smoke within alcohol", "1", "1"), "estimate"] == pytest.approx(225 * 12 / (166 * 6))
    assert at.loc[("joint", "1", "1"), ["n", "events", "non_events"]].tolist() == [391, 225, 166]


def test_as_printed_and_saved(tmp_path):
    found = interaction(logistic("case ~ alcohol * smoke", oral_cancer()), "alcohol", "smoke")
    shown = found.to_display({"alcohol": "Alcohol"})
    assert shown.columns.tolist() == [
        "",
        "smoke = 0: with / without",
        "smoke = 0: OR (95% CI)",
        "smoke = 1: with / without",
        "smoke = 1: OR (95% CI)",
        "smoke = 1 against 0, within Alcohol: OR (95% CI)",
    ]
    assert shown.iloc[0, 1:3].tolist() == ["3 / 20", "1.00 (reference)"]
    assert shown.iloc[1, 4] == "9.04 (2.64, 30.91); p <0.001"
    assert shown.iloc[2, 0] == "Alcohol = 1 against 0, within smoke"
    assert "RERI 3.74 (−1.84, 9.32)" in found.gt().as_raw_html()
    assert found.plot() is not None
    found.save(tmp_path / "found")
    again = Estimates.load(tmp_path / "found")
    pd.testing.assert_frame_equal(again.joint, found.joint)


# ------------------------------------------------------------------------------------------ bootstrap


def test_bootstrap_is_repeatable_and_near_the_delta_method():
    fit = logistic("case ~ a * b", cohort(3, 4000))
    first, second = (interaction(fit, "a", "b", ci="bootstrap", resamples=400, seed=7) for _ in range(2))
    pd.testing.assert_frame_equal(first.table, second.table)
    ratio = np.log(limits(first, "ratio of ORs")) / np.log(limits(interaction(fit, "a", "b"), "ratio of ORs"))
    np.testing.assert_allclose(ratio, 1, atol=0.25)


def test_bootstrap_draws_clusters():
    """Each person four times: rows would give half the width that clusters give."""
    data = cohort(5, 1500)
    copies = pd.concat([data.assign(id=np.arange(len(data)))] * 4)
    fits = [logistic("case ~ a * b", copies, cluster=cluster) for cluster in (None, "id")]
    widths = [
        np.diff(
            np.log(limits(interaction(fit, "a", "b", ci="bootstrap", resamples=200, seed=1), "ratio of ORs"))
        )
        for fit in fits
    ]
    assert 1.5 < widths[1] / widths[0] < 2.6


# ------------------------------------------------------------------------------------------ too thin


def test_combination_without_an_event():
    data = cohort(2)
    data.loc[(data["a"] == 1) & (data["b"] == 0), "case"] = False
    found = interaction(logistic("case ~ a * b", data), "a", "b")
    assert np.isnan(intervals(found)).all()
    assert any("a = 1 and b = 0 nobody" in note for note in found.notes)
    joint = found.joint.set_index(["comparison", "a", "b"])["estimate"]
    assert np.isnan(joint["joint", "1", "0"])
    assert joint["joint", "1", "1"] > 0


def test_preventive_exposure_and_negative_synergy():
    data = cohort(4, 3000).assign(a=lambda d: 1 - d["a"])
    found = interaction(logistic("case ~ a * b", data), "a", "b")
    assert any("reference=('1', '0')" in note for note in found.notes)
    turned = interaction(logistic("case ~ a * b", data), "a", "b", reference=("1", "0"))
    assert not any("lowest risk" in note for note in turned.notes)
    negative = additive.delta(np.log([0.5, 1.2, 1.6]), np.eye(3) * 0.01, 0.95, np.inf)["S"]
    assert negative.estimate == pytest.approx(0.6 / -0.3)
    assert np.isnan([negative.conf_low, negative.conf_high, negative.p_value]).all()


def test_few_clusters_take_the_smallest_degrees_of_freedom():
    data = cohort(6).assign(site=lambda d: d["site"] % 9)
    fit = logistic("case ~ a * b", data, cluster="site", robust="CR2")
    found = interaction(fit, "a", "b")
    assert any("degrees of freedom" in note for note in found.notes)
    fewest = fit.table["df"].min()
    row = found.table.set_index("measure").loc["RERI"]
    half = t.ppf(0.975, fewest) * row["std_error"]
    assert row["conf_high"] == pytest.approx(row["estimate"] + half)


def test_other_models_count_and_differ():
    data = cohort(7).assign(cases=lambda d: d["case"] * 2)
    rates = interaction(poisson("cases ~ a * b", data), "a", "b")
    assert rates.table["measure"].tolist() == [*MEASURES, "ratio of IRRs"]
    assert "smoke" not in rates.to_display().columns[1]
    assert rates.to_display().columns[1] == "b = 0: n"


@pytest.mark.parametrize(
    ("fit", "arguments", "message"),
    [
        (lambda d: logistic("case ~ a + b", d), {}, r"no interaction of 'a' and 'b'; write a \* b"),
        (lambda d: logistic("case ~ a + a:b", d), {}, r"fewer effects of 'a' and 'b' .* write a \* b"),
        (lambda d: logistic("case ~ a * b * age", d), {}, "differs by age"),
        (lambda d: logistic("case ~ a * age", d), {"b": "age"}, "'age' has 400 values: make it a category"),
        (lambda d: logistic("case ~ a * b", d), {"b": "bb"}, "b: 'bb' is not in the model. Did you mean 'b'"),
        (
            lambda d: logistic("case ~ a * b", d),
            {"ci": "exact"},
            "ci='exact' is unknown; choose one of delta",
        ),
        (lambda d: logistic("case ~ a * b", d), {"ci": "bootstrap"}, "needs a seed"),
        (lambda d: logistic("case ~ a * b", d), {"reference": ("x", 0)}, "'a' has no level x; it has 0, 1"),
        (lambda d: logistic("case ~ a * b", d), {"reference": "01"}, "a level of a and a level of b"),
        (lambda d: linear("age ~ a * b", d), {}, "effects of this model are no ratios"),
        (
            lambda d: cox("a * b", d.assign(t=1.0 + d["site"]), time="t", event="case"),
            {"ci": "bootstrap", "seed": 1},
            "needs a GLM",
        ),
    ],
)
def test_what_is_refused(fit, arguments, message):
    with pytest.raises(ValueError, match=message):
        interaction(fit(cohort(8)), **{"a": "a", "b": "b", **arguments})


def test_other_fits_are_refused(tmp_path):
    data = cohort(9)
    with pytest.raises(TypeError, match="it is MixedLinearFit"):
        interaction(mixed_linear("case ~ a * b", data, groups="site"), "a", "b")
    with pytest.raises(TypeError, match="of each fit and give those to"):
        interaction(pool([logistic("case ~ a * b", cohort(seed)) for seed in (1, 2)]), "a", "b")
    logistic("case ~ a * b", data).save(tmp_path / "fit")
    with pytest.raises(ValueError, match="loaded from a file"):
        interaction(Estimates.load(tmp_path / "fit"), "a", "b")
