"""Weighted quantile sums: the constrained maximum equals R's, weights and effect are right on known truth."""

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from golden import read, reference
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.optimize import minimize

import dermcohort as dc
from dermcohort.mixtures import wqs
from dermcohort.mixtures.index_weights import cox_likelihood, glm_likelihood, maximize_bounded
from dermcohort.mixtures.quantiles import quantile_limits, quantile_scores
from dermcohort.regression.families import GAUSSIAN, LOGIT, POISSON

matplotlib.use("Agg")

LABS = ["bili", "albumin", "copper", "alk.phos", "ast", "protime"]
TUMOR = ["pgr", "er", "age"]


def drawn(n):
    """How often each row counts in the R script: 0 to 3 times."""
    return np.arange(1, n + 1) * 7 % 4.0


def arrays(data, confounders, exposures, quantiles=4):
    """Confounders and scores of the complete rows, and these rows."""
    scores, _ = quantile_scores(data, exposures, quantiles)
    complete = scores.notna().all(axis=1)
    columns = [data.loc[complete, confounders].to_numpy(float), scores[complete].to_numpy()]
    return np.column_stack(columns), data[complete]


def pbc():
    data = read("pbc")
    return data.assign(dead=(data["status"] == 2).astype(float), male=(data["sex"] == "m") * 1.0, one=1.0)


def compare(likelihood, n_free, n_columns, counts, identifier, *, dispersion=False):
    found = maximize_bounded(likelihood(counts), np.zeros(n_columns), n_free, counts.sum(), dispersion)
    assert found.converged
    expected = reference(identifier)
    assert_allclose(found.theta, expected[:-1], rtol=1e-8, atol=1e-12)
    assert_allclose(found.statistic2, expected[-1], rtol=1e-8)


def simulated(n, seed, p=5, effects=(0.4, 0.2, 0, 0, 0)):
    """Correlated exposures; the scores of the first two raise the linear predictor by 0.4 and 0.2."""
    rng = np.random.default_rng(seed)
    x = 0.6 * rng.normal(size=(n, 1)) + 0.8 * rng.normal(size=(n, p))
    score = np.column_stack([np.searchsorted(quantile_limits(c, 4), c) for c in x.T])
    data = pd.DataFrame(x, columns=[f"x{i + 1}" for i in range(p)])
    return data.assign(age=rng.normal(size=n), linear=score @ np.array(effects)), rng


EXPOSURES = ["x1", "x2", "x3", "x4", "x5"]

# -------------------------------------------------------------------------------------------- equal to R


def test_weights_of_a_linear_model():
    exposures = ["arsenic", "calcium", "copper", "iron", "mercury", "zinc"]
    X, data = arrays(read("metals").assign(one=1.0), ["one", "mage35"], exposures)
    likelihood = glm_likelihood(X, data["y"].to_numpy(), np.zeros(len(X)), GAUSSIAN)
    compare(likelihood, 2, 8, drawn(len(X)), "own.wqs.gaussian", dispersion=True)


@pytest.mark.parametrize(("sign", "identifier"), [(1, "own.wqs.binomial"), (-1, "own.wqs.negative")])
def test_weights_of_a_logistic_model(sign, identifier):
    X, data = arrays(pbc(), ["one", "age", "male"], LABS)
    X[:, 3:] *= sign
    likelihood = glm_likelihood(X, data["dead"].to_numpy(), np.zeros(len(X)), LOGIT)
    compare(likelihood, 3, 9, drawn(len(X)), identifier)


def test_weights_of_a_poisson_model():
    X, data = arrays(read("rotterdam").assign(one=1.0), ["one", "meno"], TUMOR, 5)
    X[:, 2:] *= -1
    offset = np.log(data["dtime"].to_numpy() / 365.25)
    likelihood = glm_likelihood(X, data["nodes"].to_numpy(float), offset, POISSON)
    compare(likelihood, 2, 5, drawn(len(X)), "own.wqs.poisson")


def test_weights_of_a_cox_model():
    X, data = arrays(pbc(), ["age", "male"], LABS)
    likelihood = cox_likelihood(X, None, data["time"].to_numpy(float), data["dead"].to_numpy())
    compare(likelihood, 2, 8, drawn(len(X)), "own.wqs.cox")


# ------------------------------------------------------------------------------- the constrained maximum


def test_by_hand():
    """y = 1 + 2 a - b with a, b orthogonal: held to be positive, b gets nothing and a keeps its slope."""
    a, b = np.array([0.0, 0, 1, 1]), np.array([0.0, 1, 0, 1])
    X, y = np.column_stack([np.ones(4), a, b]), 1 + 2 * a - b
    found = maximize_bounded(glm_likelihood(X, y, np.zeros(4), GAUSSIAN)(np.ones(4)), np.zeros(3), 1, 4, True)
    assert_allclose(found.theta, [2, 0], atol=1e-12)
    assert_allclose(found.gamma, [0.5], atol=1e-12)
    # residual sum of squares 4 * 0.25 = 1 on 4 - 2 df; sum of squares of a about its mean 1: t^2 = 4 / (1/2)
    assert_allclose(found.statistic2, 8)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 100_000))
def test_no_other_point_is_higher(seed):
    """Karush-Kuhn-Tucker: the score is 0 where a coefficient is free, not positive where it is held at 0."""
    data, rng = simulated(150, seed)
    y = (rng.random(150) < 1 / (1 + np.exp(1 - data["linear"]))).astype(float)
    X, _ = arrays(data.assign(one=1.0), ["one", "age"], EXPOSURES)
    likelihood = glm_likelihood(X, y, np.zeros(150), LOGIT)(np.ones(150))
    found = maximize_bounded(likelihood, np.zeros(7), 2, 150)
    _, score, _ = likelihood(np.append(found.gamma, found.theta))
    free = np.append([True, True], found.theta > 0)
    assert (found.theta >= 0).all()
    assert_allclose(score[free], 0, atol=1e-6)
    assert (score[~free] < 1e-6).all()
    general = minimize(
        lambda b: -likelihood(b)[0], np.full(7, 0.01), jac=lambda b: -likelihood(b)[1], method="L-BFGS-B",
        bounds=[(None, None)] * 2 + [(0, None)] * 5,
    )  # fmt: skip
    assert found.loglik >= -general.fun - 1e-9


def test_a_row_counted_twice_is_two_rows_and_the_statistic_is_that_of_the_index():
    X, data = arrays(pbc(), ["one", "age"], LABS)
    y, counts = data["dead"].to_numpy(), drawn(len(X)).astype(int)
    counted = maximize_bounded(
        glm_likelihood(X, y, np.zeros(len(X)), LOGIT)(counts * 1.0), np.zeros(8), 2, counts.sum()
    )
    many = np.repeat(np.arange(len(X)), counts)
    likelihood = glm_likelihood(X[many], y[many], np.zeros(len(many)), LOGIT)
    repeated = maximize_bounded(likelihood(np.ones(len(many))), np.zeros(8), 2, len(many))
    assert_allclose(counted.theta, repeated.theta, rtol=1e-8, atol=1e-12)
    index = X[many, 2:] @ counted.theta / counted.theta.sum()
    fit = dc.regression.logistic(
        "y ~ age + index", pd.DataFrame({"y": y[many], "age": X[many, 1], "index": index})
    )
    assert_allclose(fit.coefficients["index"], counted.theta.sum(), rtol=1e-6)
    assert_allclose(fit.table["statistic"].iloc[-1] ** 2, counted.statistic2, rtol=1e-6)


# ------------------------------------------------------------------------------------------ the estimate


def test_the_effect_is_that_of_the_index_in_the_validation_rows():
    """With validation=0 the rows are all rows: the regression on the index with the weights that are shown."""
    data, rng = simulated(300, seed=1)
    data["y"] = (rng.random(300) < 1 / (1 + np.exp(1 - data["linear"]))).astype(int)
    fit = wqs("y ~ age", data, EXPOSURES, validation=0, bootstrap=20, seed=1)
    scores, _ = quantile_scores(data, EXPOSURES, 4)
    data["index"] = scores[fit.weights["term"]].to_numpy() @ fit.weights["weight"].to_numpy()
    expected = dc.regression.logistic("y ~ age + index", data).table.iloc[-1]
    columns = ["estimate", "conf_low", "conf_high", "p_value", "coef", "std_error"]
    assert_allclose(fit.table[columns].iloc[0].astype(float), expected[columns].astype(float), rtol=1e-8)
    assert any("same rows" in note for note in fit.notes)
    assert_allclose(fit.weights["weight"].sum(), 1)


@pytest.mark.parametrize("family", ["gaussian", "binomial", "poisson", "cox"])
def test_weights_and_effect_are_found(family):
    """The index has the effect 0.6 and the weights 2/3 and 1/3."""
    data, rng = simulated(20_000, seed=2)
    eta = data["linear"].to_numpy()
    options, formula = {"family": family}, "y ~ age"
    if family == "gaussian":
        data["y"] = eta + rng.normal(size=len(eta))
    elif family == "binomial":
        data["y"] = rng.random(len(eta)) < 1 / (1 + np.exp(1 - eta))
    elif family == "poisson":
        data["y"] = rng.poisson(np.exp(eta - 2))
    else:
        time = rng.exponential(np.exp(-eta))
        data = data.assign(t=np.minimum(time, 1), d=time < 1)
        options, formula = {"family": family, "time": "t", "event": "d"}, "age"
    fit = wqs(formula, data, EXPOSURES, bootstrap=30, seed=3, **options)
    assert fit.weights["term"][:2].tolist() == ["x1", "x2"]
    assert_allclose(fit.weights["weight"], [2 / 3, 1 / 3, 0, 0, 0], atol=0.08)
    assert abs(fit.table["coef"][0] - 0.6) < 4 * fit.table["std_error"][0] + 0.02
    assert fit.table["n"][0] == 12_000
    assert fit.n == 20_000


def test_the_negative_direction_of_a_turned_outcome_has_the_same_weights():
    data, rng = simulated(400, seed=4)
    data["y"] = data["linear"] + rng.normal(size=400)
    data["turned"] = -data["y"]
    up = wqs("y ~ age", data, EXPOSURES, family="gaussian", bootstrap=10, seed=5)
    down = wqs("turned ~ age", data, EXPOSURES, family="gaussian", direction="negative", bootstrap=10, seed=5)
    assert up.weights["term"].tolist() == down.weights["term"].tolist()
    assert_allclose(down.weights["weight"], up.weights["weight"], rtol=1e-8, atol=1e-12)
    assert_allclose(down.table["estimate"], -up.table["estimate"])


def test_same_seed_same_result_and_a_split_does_not_depend_on_how_many_there_are():
    data, rng = simulated(200, seed=6)
    data["y"] = data["linear"] + rng.normal(size=200)
    options = {"family": "gaussian", "bootstrap": 5}
    one, two = (wqs("y ~ age", data, EXPOSURES, seed=7, repeats=3, **options) for _ in range(2))
    pd.testing.assert_frame_equal(one.split_weights, two.split_weights)
    more = wqs("y ~ age", data, EXPOSURES, seed=7, repeats=5, **options)
    pd.testing.assert_frame_equal(more.splits.head(3), one.splits)
    other = wqs("y ~ age", data, EXPOSURES, seed=8, repeats=3, **options)
    assert not np.allclose(other.splits["coef"], one.splits["coef"])
    assert any("No seed" in note for note in wqs("y ~ age", data, EXPOSURES, **options).notes)


def test_repeated_splits_give_mean_and_quantiles():
    data, rng = simulated(300, seed=8)
    data["y"] = (rng.random(300) < 1 / (1 + np.exp(1 - data["linear"]))).astype(int)
    fit = wqs("y ~ age", data, EXPOSURES, bootstrap=5, repeats=20, seed=1, conf_level=0.9)
    row, coef = fit.table.iloc[0], fit.splits["coef"]
    assert_allclose(row["estimate"], np.exp(coef.mean()))
    assert_allclose([row["conf_low"], row["conf_high"]], np.exp(np.quantile(coef, [0.05, 0.95])))
    assert "p_value" not in fit.table
    weights = fit.weights.set_index("term").loc[EXPOSURES]
    assert_allclose(weights["weight"], fit.split_weights.mean())
    assert (weights["conf_low"] <= weights["weight"]).all()
    assert_allclose(fit.split_weights.sum(axis=1), 1)
    assert "20 random splits" in fit.method


@pytest.mark.slow
def test_holdout_is_unbiased_where_there_is_no_effect():
    """200 data sets without an effect: held-out rows find none, 95% of their intervals hold 0; the same rows find one."""
    found = []
    for i in range(200):
        data, rng = simulated(250, seed=100 + i, effects=(0, 0, 0, 0, 0))
        data["y"] = rng.normal(size=250)
        options = {"family": "gaussian", "bootstrap": 10, "seed": i}
        held_out, same = (
            wqs("y ~ age", data, EXPOSURES, validation=v, **options).table.iloc[0] for v in (0.6, 0)
        )
        covered = held_out["conf_low"] <= 0 <= held_out["conf_high"]
        found.append([held_out["coef"], same["coef"], covered])
    mean, error = np.mean(found, axis=0), np.std(found, axis=0) / np.sqrt(200)
    assert abs(mean[0]) < 4 * error[0]
    assert mean[1] > 10 * error[1]
    assert abs(mean[2] - 0.95) < 4 * np.sqrt(0.95 * 0.05 / 200)


# -------------------------------------------------------------------------------- results and bad input


def test_missing_values_are_counted_and_the_index_of_rows_does_not_matter():
    data = pbc()
    fit = wqs("dead ~ age + sex", data, LABS, bootstrap=5, seed=1)
    assert fit.n == data[LABS].notna().all(axis=1).sum()
    assert fit.n_missing["copper"] == 108
    assert fit.events == data.loc[data[LABS].notna().all(axis=1), "dead"].sum()
    again = wqs("dead ~ age + sex", data.set_index(np.zeros(len(data), int)), LABS, bootstrap=5, seed=1)
    pd.testing.assert_frame_equal(again.table, fit.table)


def test_late_entry_and_person_time():
    heart = wqs(
        "surgery", read("heart"), ["age", "year"], family="cox", direction="negative", time="stop", event="event",
        entry="start", bootstrap=10, seed=1,
    )  # fmt: skip
    assert heart.events == 75
    assert heart.table["measure"][0] == "HR"
    data = read("rotterdam").assign(log_years=lambda d: np.log(d["dtime"] / 365.25))
    counts = wqs(
        "nodes ~ meno",
        data,
        TUMOR,
        family="poisson",
        offset="log_years",
        direction="negative",
        bootstrap=5,
        seed=1,
    )
    assert counts.table["measure"][0] == "IRR"
    assert counts.table["estimate"][0] < 1


def test_samples_without_an_association_have_no_part():
    data, rng = simulated(200, seed=11, effects=(-0.2,) * 5)
    data["y"] = data["linear"] + 4 * rng.normal(size=200)
    fit = wqs("y ~ age", data, EXPOSURES, family="gaussian", bootstrap=50, seed=1)
    assert any("have no part in the weights" in note for note in fit.notes)
    data["y"] = data["linear"] + 0.1 * rng.normal(size=200)
    with pytest.raises(ValueError, match="no bootstrap sample has an association in the positive direction"):
        wqs("y ~ age", data, EXPOSURES, family="gaussian", bootstrap=10, seed=1)


@pytest.mark.parametrize("family", ["binomial", "cox"])
def test_separation_is_said(family):
    """An exposure that decides who has an event has no finite effect."""
    data, rng = simulated(120, seed=12)
    data["y"] = (data["x1"] > data["x1"].median()).astype(int)
    data["t"] = np.where(data["y"] == 1, 1 + rng.random(120), 3)
    options = {"time": "t", "event": "y"} if family == "cox" else {}
    fit = wqs(
        "age" if family == "cox" else "y ~ age",
        data,
        EXPOSURES,
        family=family,
        bootstrap=10,
        seed=1,
        **options,
    )
    assert fit.weights["term"][0] == "x1"
    assert fit.weights["weight"][0] > 0.7
    if family == "binomial":  # the index is enough to tell all cases
        assert fit.table["estimate"][0] == np.inf
        assert any("no finite estimate" in note for note in fit.notes)


def test_exposures_as_text_are_refused():
    with pytest.raises(TypeError, match="exposures must be a list of columns"):
        wqs("dead ~ age", pbc(), "bili")


def test_no_case_among_the_rows_held_out():
    data, _ = simulated(60, seed=13)
    data["y"] = np.arange(60) == 0
    with pytest.raises(ValueError, match=r"validation=0.5: the rows held out do not do: 'y' is 0 in all 30"):
        for seed in range(10):
            wqs("y ~ 1", data, EXPOSURES, bootstrap=2, validation=0.5, seed=seed)


def test_it_is_saved_loaded_and_drawn(tmp_path):
    fit = wqs("dead ~ age", pbc(), LABS, bootstrap=5, repeats=3, seed=1)
    again = dc.Estimates.load(fit.save(tmp_path / "index"))
    pd.testing.assert_frame_equal(again.weights, fit.weights)
    pd.testing.assert_frame_equal(again.split_weights, fit.split_weights)
    ax = again.plot(labels={"bili": "Bilirubin"})
    assert_allclose([bar.get_width() for bar in ax.patches][::-1], fit.weights["weight"])
    assert "Bilirubin" in [label.get_text() for label in ax.get_yticklabels()]
    assert_allclose(ax.lines[-1].get_xdata(), 1 / 6)
    plt.close("all")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"direction": "up"}, "direction='up' is unknown; choose positive or negative"),
        ({"bootstrap": 0}, "bootstrap must be a whole number of 1 or more, it is 0"),
        ({"repeats": 1.5}, "repeats must be a whole number of 1 or more, it is 1.5"),
        ({"seed": -1}, "seed must be a whole number of 0 or more, it is -1"),
        ({"validation": 1}, "validation must be 0 or a share below 1, it is 1"),
        ({"validation": 0, "repeats": 2}, "repeats= needs splits"),
        ({"validation": 0.99}, "each part needs more than 10 rows"),
        ({"family": "cox"}, "needs time= and event="),
        ({"formula": "dead ~ bili"}, "'bili' is one of exposures="),
        ({"exposures": ["bili"]}, "two or more different columns"),
        (
            {"formula": "age", "family": "cox", "time": "time", "event": "never"},
            "'never' never happens among the 310",
        ),
    ],
)
def test_bad_input(changes, message):
    options = {"formula": "dead ~ age + sex", "exposures": LABS, "bootstrap": 2} | changes
    with pytest.raises(ValueError) as caught:
        wqs(options.pop("formula"), pbc().assign(never=0), options.pop("exposures"), **options)
    assert message in str(caught.value)
