"""Quantile g-computation: equal to R, right on data with known truth, and clear about what it refuses."""

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from golden import read, reference
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

import dermcohort as dc
from dermcohort.mixtures import quantile_gcomp
from dermcohort.mixtures.quantiles import quantile_limits, quantile_scores

matplotlib.use("Agg")

METALS = ["arsenic", "barium", "cadmium", "calcium", "chromium", "copper", "iron", "lead", "magnesium", "manganese",
          "mercury", "selenium", "silver", "sodium", "zinc"]  # fmt: skip
LABS = ["bili", "albumin", "copper", "alk.phos", "ast", "protime"]
SCHOOLS = ["meals", "ell", "mobility", "col.grad"]
TUMOR = ["pgr", "er", "age"]
SURVIVAL = {"family": "cox", "time": "disease_time", "event": "disease_state"}


def pbc():
    data = read("pbc")
    return data.assign(dead=(data["status"] == 2).astype(int))


def psi(fit):
    """psi, its standard error and limits on the model's scale."""
    row = fit.table.iloc[0]
    limits = [row["conf_low"], row["conf_high"]]
    return [row["coef"], row["std_error"], *(limits if row["measure"] == "difference" else np.log(limits))]


def simulated(n, seed):
    """Two correlated exposures and a confounder; one quantile of both adds 0.3 - 0.1 = 0.2 to the linear predictor."""
    rng = np.random.default_rng(seed)
    shared, own = rng.normal(size=(n, 1)), rng.normal(size=(n, 2))
    a, b = (0.7 * shared + 0.7 * own).T
    score = [np.searchsorted(quantile_limits(x, 4), x) for x in (a, b)]
    age = rng.normal(size=n) + 0.5 * shared[:, 0]
    return pd.DataFrame(
        {"a": a, "b": b, "age": age, "linear": 0.3 * score[0] - 0.1 * score[1] + 0.4 * age}
    ), rng


# -------------------------------------------------------------------------------------------- equal to R


@pytest.mark.parametrize(
    ("identifier", "formula", "options"),
    [
        ("own.qgcomp.gaussian", "y ~ 1", {"family": "gaussian"}),
        ("own.qgcomp.binomial", "disease_state ~ 1", {}),
        ("own.qgcomp.cox", "", SURVIVAL),
    ],
)
def test_models_of_the_manual_of_qgcomp(identifier, formula, options):
    fit = quantile_gcomp(formula, read("metals"), METALS, **options)
    assert_allclose(psi(fit), reference(identifier), rtol=1e-8)


def test_the_value_the_package_prints():
    """qgcomp's README: psi1 0.266394, standard error 0.071025, 95% CI 0.12719 to 0.40560."""
    fit = quantile_gcomp("y ~ 1", read("metals"), METALS, family="gaussian")
    assert_allclose(psi(fit)[0], 0.2663941776757087, rtol=1e-12)
    assert_allclose(np.round(psi(fit), 5), [0.26639, 0.07102, 0.12719, 0.40560], atol=1e-9)


def test_weights_of_each_direction():
    fit = quantile_gcomp("y ~ 1", read("metals"), METALS, family="gaussian")
    assert_allclose(
        fit.weights.set_index("term")["weight"][METALS], reference("own.qgcomp.weights"), rtol=1e-8
    )
    for _, rows in fit.weights.groupby("direction"):
        assert rows["weight"].is_monotonic_decreasing
        assert_allclose(rows["weight"].sum(), 1)
        assert rows["coef"].lt(0).nunique() == 1
    assert_allclose(fit.weights["coef"].sum(), psi(fit)[0])


def test_confounders_and_missing_values():
    """The quantiles are those of all observed values of an exposure, as in qgcomp, before rows are left out."""
    fit = quantile_gcomp("dead ~ age + sex", pbc(), LABS)
    assert_allclose(psi(fit), reference("own.qgcomp.adjusted"), rtol=1e-8)
    assert fit.n_missing["copper"] == 108
    assert "rows left out for missing values" in fit.notes[0]


def test_person_time_and_ties():
    data = read("rotterdam").assign(log_years=lambda d: np.log(d["dtime"] / 365.25))
    fit = quantile_gcomp("nodes ~ meno", data, TUMOR, family="poisson", quantiles=5, offset="log_years")
    assert_allclose(psi(fit), reference("own.qgcomp.poisson"), rtol=1e-8)
    assert fit.table["measure"][0] == "IRR"


def test_sampling_weights():
    fit = quantile_gcomp("api00 ~ 1", read("apistrat"), SCHOOLS, family="gaussian", weights="pw")
    assert_allclose(psi(fit), reference("own.qgcomp.sampled"), rtol=1e-8)
    assert "robust variance" in fit.method


def test_clusters():
    fit = quantile_gcomp("api00 ~ 1", read("apiclus1"), SCHOOLS, family="gaussian", cluster="dnum")
    assert_allclose(psi(fit), reference("own.qgcomp.clusters"), rtol=1e-8)


def test_late_entry():
    fit = quantile_gcomp(
        "surgery",
        read("heart"),
        ["age", "year"],
        family="cox",
        quantiles=3,
        time="stop",
        event="event",
        entry="start",
    )
    assert_allclose(psi(fit), reference("own.qgcomp.cox.entry"), rtol=1e-8)
    assert fit.events == 75


@pytest.mark.parametrize(
    ("identifier", "formula", "data", "exposures", "options"),
    [
        ("own.qgcomp.msm.binomial", "dead ~ age + sex", pbc, LABS, {}),
        ("own.qgcomp.msm.quadratic", "dead ~ age", pbc, LABS, {"degree": 2}),
        ("own.qgcomp.msm.gaussian", "y ~ mage35", lambda: read("metals"), METALS, {"family": "gaussian", "degree": 2}),
        ("own.qgcomp.msm.poisson", "nodes ~ meno", lambda: read("rotterdam"), TUMOR, {"family": "poisson", "quantiles": 5}),
    ],
)  # fmt: skip
def test_marginal_structural_model(identifier, formula, data, exposures, options):
    fit = quantile_gcomp(formula, data(), exposures, bootstrap=20, seed=1, **options)
    assert_allclose(fit.marginal, reference(identifier), rtol=1e-8)


def test_quantile_groups():
    groups = [("pbc", "copper", 10), ("pbc", "bili", 3), ("pbc", "platelet", 7), ("rotterdam", "er", 10), ("rotterdam", "nodes", 4)]  # fmt: skip
    sizes = []
    for data, name, quantiles in groups:
        scores, _ = quantile_scores(
            read(data).assign(other=range(len(read(data)))), [name, "other"], quantiles
        )
        sizes += [*scores[name].value_counts().sort_index()]
    assert sizes == reference("own.quantize").tolist()


# ------------------------------------------------------------------------------------------- small cases


def test_quantile_groups_by_hand():
    """Quartiles of 1, 2, 3, 4, 5 are 2, 3, 4; a value on a limit is in the lower group, a missing one in none."""
    data = pd.DataFrame({"x": [5.0, 1, 2, np.nan, 3, 4], "z": [0.0, 0, 0, 0, 7, 8]})
    scores, notes = quantile_scores(data, ["x", "z"], 4)
    assert_allclose(scores["x"], [3, 0, 0, np.nan, 1, 2])
    assert scores["z"].tolist() == [0, 0, 0, 0, 1, 1]  # limits 0, 0, 5.25: one left
    assert notes == ("Fewer than 4 quantile groups for tied values: z 2.",)


def test_a_difference_by_hand():
    """Two binary scores, means 1, 2, 4, 5 in the four cells (twice each): coefficients 3 and 1, psi 4."""
    cells = pd.DataFrame(
        {"a": [0, 0, 1, 1] * 2, "b": [0, 1, 0, 1] * 2, "y": [1.0, 2, 4, 5, 1.2, 2.2, 3.8, 4.8]}
    )
    fit = quantile_gcomp("y ~ 1", cells, ["a", "b"], family="gaussian", quantiles=2)
    assert_allclose(fit.table["estimate"][0], 2.8 + 1.0)
    assert_allclose(fit.weights["weight"], [2.8 / 3.8, 1 / 3.8])
    assert fit.nonlinearity is None
    assert fit.curve is None


def test_the_curve_of_a_linear_model_is_a_line():
    data, rng = simulated(200, seed=3)
    data["y"] = data["linear"] + rng.normal(size=200)
    linear = quantile_gcomp("y ~ age", data, ["a", "b"], family="gaussian")
    fit = quantile_gcomp("y ~ age", data, ["a", "b"], family="gaussian", bootstrap=50, seed=1)
    assert_allclose(psi(fit)[0], psi(linear)[0])
    assert_allclose(np.diff(fit.curve["estimate"]), psi(linear)[0])
    assert fit.curve["quantile"].tolist() == [1, 2, 3, 4]
    assert (
        (fit.curve["conf_low"] < fit.curve["estimate"]) & (fit.curve["estimate"] < fit.curve["conf_high"])
    ).all()


# -------------------------------------------------------------------------------------------- properties


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000))
def test_order_of_rows_and_exposures_and_units_do_not_matter(seed):
    data, rng = simulated(80, seed)
    data["y"] = data["linear"] + rng.normal(size=80)
    expected = psi(quantile_gcomp("y ~ age", data, ["a", "b"], family="gaussian"))
    other = data.sample(frac=1, random_state=seed).assign(a=lambda d: np.exp(d["a"]))
    assert_allclose(psi(quantile_gcomp("y ~ age", other, ["b", "a"], family="gaussian")), expected, rtol=1e-9)


def test_turning_the_outcome_turns_the_weights():
    data = pbc()
    fit = quantile_gcomp("dead ~ age", data, LABS)
    turned = quantile_gcomp("alive ~ age", data.assign(alive=1 - data["dead"]), LABS)
    assert_allclose(turned.table["estimate"], 1 / fit.table["estimate"], rtol=1e-8)
    positive, negative = (
        f.weights[f.weights["direction"] == d] for f, d in ((fit, "positive"), (turned, "negative"))
    )
    assert positive["term"].tolist() == negative["term"].tolist()


def test_frequency_weights_leave_the_estimate_of_repeated_rows():
    data = pbc().dropna(subset=LABS)
    double = pd.concat([data, data])
    for options in ({}, {"bootstrap": 20, "seed": 1}):
        weighted = quantile_gcomp("dead ~ age", data.assign(w=2.0), LABS, weights="w", **options)
        # the quantiles of repeated rows are others: cut once, before
        scores, _ = quantile_scores(data, LABS, 4)
        repeated = double.assign(**{x: np.r_[scores[x], scores[x]] for x in LABS})
        plain = dc.regression.logistic("dead ~ age + " + " + ".join(f"`{x}`" for x in LABS), repeated)
        assert_allclose(weighted.coefficients, plain.coefficients, rtol=1e-8)
        assert_allclose(
            psi(quantile_gcomp("dead ~ age", data, LABS, **options))[0], psi(weighted)[0], rtol=1e-8
        )


def test_same_seed_same_interval():
    options = {"bootstrap": 30, "family": "gaussian"}
    one, two, other = (
        quantile_gcomp("y ~ 1", read("metals"), METALS[:4], seed=s, **options) for s in (1, 1, 2)
    )
    pd.testing.assert_frame_equal(one.table, two.table)
    assert one.table["std_error"][0] != other.table["std_error"][0]


# ------------------------------------------------------------------------------------------ known truth


def test_bootstrap_and_delta_errors_agree():
    """For the identity link both estimate the same standard deviation; 400 samples: within 4 times 3.5%."""
    data, rng = simulated(1000, seed=5)
    data["y"] = data["linear"] + rng.normal(size=1000)
    delta = psi(quantile_gcomp("y ~ age", data, ["a", "b"], family="gaussian"))[1]
    boot = psi(quantile_gcomp("y ~ age", data, ["a", "b"], family="gaussian", bootstrap=400, seed=1))[1]
    assert abs(boot / delta - 1) < 0.15


def test_bootstrap_of_clusters_sees_their_dependence():
    """Each row 5 times: resampling the clusters gives the interval of the single rows, resampling rows a narrower one."""
    data, rng = simulated(300, seed=6)
    data["y"] = data["linear"] + rng.normal(size=300)
    data["person"] = range(300)
    five = pd.concat([data] * 5)
    options = {"family": "gaussian", "bootstrap": 200, "seed": 1}
    single = psi(quantile_gcomp("y ~ age", data, ["a", "b"], **options))[1]
    clustered = psi(quantile_gcomp("y ~ age", five, ["a", "b"], cluster="person", **options))[1]
    naive = psi(quantile_gcomp("y ~ age", five, ["a", "b"], **options))[1]
    assert abs(clustered / single - 1) < 0.25
    assert abs(naive / single * np.sqrt(5) - 1) < 0.25


@pytest.mark.parametrize("family", ["gaussian", "binomial", "poisson", "cox"])
def test_the_effect_of_a_mixture_is_found(family):
    data, rng = simulated(20_000, seed=7)
    eta = data["linear"].to_numpy()
    options, formula = {"family": family}, "y ~ age"
    if family == "gaussian":
        data["y"] = eta + rng.normal(size=len(eta))
    elif family == "binomial":
        data["y"] = rng.random(len(eta)) < 1 / (1 + np.exp(1 - eta))
    elif family == "poisson":
        data["y"] = rng.poisson(np.exp(eta - 1))
    else:
        time = rng.exponential(np.exp(-eta))
        data = data.assign(t=np.minimum(time, 1), d=time < 1)
        options, formula = {"family": family, "time": "t", "event": "d"}, "age"
    found = psi(quantile_gcomp(formula, data, ["a", "b"], **options))
    assert abs(found[0] - 0.2) < 4 * found[1]
    assert found[1] < 0.03


def test_a_bend_is_seen_and_a_line_is_not_called_bent():
    data, rng = simulated(2000, seed=8)
    score = np.searchsorted(quantile_limits(data["a"].to_numpy(), 4), data["a"])
    data["line"] = 0.5 * score + rng.normal(size=2000)
    data["bend"] = 0.3 * (score - 1.5) ** 2 + rng.normal(size=2000)
    options = {"family": "gaussian", "degree": 2, "bootstrap": 200, "seed": 1}
    bend = quantile_gcomp("bend ~ age", data, ["a", "b"], **options)
    line = quantile_gcomp("line ~ age", data, ["a", "b"], **options)
    assert bend.nonlinearity["p_value"] < 1e-4
    assert line.nonlinearity["p_value"] > 0.001
    assert bend.nonlinearity["df"] == 1
    assert bend.table["level"].tolist() == ["1", "2", "3", "4"]
    assert set(bend.table["reference"]) == {"1"}
    # psi1 k + psi2 k^2
    k = np.arange(4)
    assert_allclose(bend.table["coef"], bend.marginal["psi1"] * k + bend.marginal["psi2"] * k**2)
    assert bend.table["estimate"][0] == 0
    assert np.isnan(bend.table["conf_low"][0])
    assert bend.weights.empty


# -------------------------------------------------------------------------------- results and bad input


def test_it_is_saved_and_loaded(tmp_path):
    fit = quantile_gcomp("dead ~ age", pbc(), LABS, bootstrap=20, seed=1)
    again = dc.Estimates.load(fit.save(tmp_path / "mixture"))
    pd.testing.assert_frame_equal(again.weights, fit.weights)
    pd.testing.assert_frame_equal(again.curve, fit.curve)
    pd.testing.assert_series_equal(again.marginal, fit.marginal)
    assert "20 bootstrap samples" in again.method
    assert again.table["measure"][0] == "RR"


def test_plots():
    fit = quantile_gcomp("y ~ 1", read("metals"), METALS, family="gaussian")
    ax = fit.plot(labels={"calcium": "Calcium"})
    widths = [bar.get_width() for bar in ax.patches][::-1]
    signs = np.where(fit.weights["direction"] == "negative", -1, 1)
    assert_allclose(widths, signs * fit.weights["weight"])
    assert ax.get_yticklabels()[-1].get_text() == "Calcium"
    curved = quantile_gcomp(
        "y ~ 1", read("metals"), METALS[:3], family="gaussian", degree=2, bootstrap=20, seed=1
    )
    assert_allclose(np.asarray(curved.plot().lines[0].get_ydata(), float), curved.curve["estimate"])
    plt.close("all")


def test_columns_with_blanks():
    data = read("metals").rename(columns={"arsenic": "urine As (µg/L)"})
    fit = quantile_gcomp(
        "y ~ 1", data, ["urine As (µg/L)", *METALS[1:]], family="gaussian", degree=2, bootstrap=20, seed=1
    )
    assert "urine As (µg/L)" in fit.coefficients.index


def test_separation_has_no_estimate():
    data = pd.DataFrame({"a": np.arange(40.0), "b": np.tile([1.0, 2, 3, 4], 10), "y": np.arange(40) >= 20})
    fit = quantile_gcomp("y ~ 1", data, ["a", "b"])
    assert np.isnan(fit.table["estimate"][0])
    assert any(note.startswith("Separation") for note in fit.notes)


def bad(**changes):
    data = pd.DataFrame(
        {"y": [0, 1] * 20, "a": np.arange(40.0), "b": np.arange(40.0)[::-1] ** 2 % 7, "c": ["x"] * 40}
    )
    data = data.assign(t=1.0, constant=1.0)
    options = {"formula": "y ~ 1", "exposures": ["a", "b"], "data": data} | changes
    return quantile_gcomp(options.pop("formula"), options.pop("data"), options.pop("exposures"), **options)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"family": "binomal"}, "family='binomal' is unknown. Did you mean 'binomial'"),
        ({"family": "cox"}, "needs time= and event="),
        ({"time": "t"}, "time=, event= and entry= are for family='cox'"),
        ({"family": "cox", "time": "t", "event": "y", "offset": "t"}, "offset= does not fit family='cox'"),
        ({"exposures": ["a"]}, "two or more different columns"),
        ({"exposures": ["a", "a"]}, "two or more different columns"),
        ({"exposures": ["a", "bb"]}, "no column 'bb'. Did you mean 'b'"),
        ({"exposures": ["a", "c"]}, "'c' must be a number"),
        ({"exposures": ["a", "constant"]}, "'constant' has one quantile group only"),
        ({"formula": "y ~ a"}, "'a' is one of exposures="),
        ({"formula": "y ~ I(a ** 2)"}, "'a' is one of exposures="),
        ({"quantiles": 1}, "quantiles must be a whole number of 2 or more, it is 1"),
        ({"degree": 2}, "degree=2 needs the marginal structural model"),
        ({"degree": 4, "bootstrap": 50}, "degree=4 must be less than quantiles=4"),
        ({"bootstrap": 5}, "bootstrap must be a whole number of 20 or more, it is 5"),
        ({"seed": 1}, "seed= is for bootstrap="),
        ({"family": "cox", "formula": "", "time": "t", "event": "y", "bootstrap": 50}, "not available with family='cox'"),
        ({"formula": "y + 1"}, "must have the form"),
        ({"formula": "c ~ 1"}, "is text"),
    ],
)  # fmt: skip
def test_bad_input(changes, message):
    with pytest.raises(ValueError) as caught:
        bad(**changes)
    assert message in str(caught.value)


def test_exposures_that_determine_each_other():
    data = pd.DataFrame({"y": [0, 1] * 20, "a": np.arange(40.0)}).assign(b=lambda d: 2 * d["a"])
    with pytest.raises(ValueError, match="'b' is determined by the columns before it"):
        quantile_gcomp("y ~ 1", data, ["a", "b"])


def test_infinite_and_missing_exposures():
    data = pd.DataFrame({"y": [0, 1] * 20, "a": np.arange(40.0), "b": np.arange(40.0) % 5})
    with pytest.raises(ValueError, match="'b' is infinite in 1 rows"):
        quantile_gcomp("y ~ 1", data.assign(b=data["b"].where(data.index > 0, np.inf)), ["a", "b"])
    with pytest.raises(ValueError, match="'b' has one quantile group only"):
        quantile_gcomp("y ~ 1", data.assign(b=np.nan), ["a", "b"])
    with pytest.raises(TypeError, match="exposures must be a list of columns"):
        quantile_gcomp("y ~ 1", data, "a")
