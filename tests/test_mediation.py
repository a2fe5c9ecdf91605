"""Mediation against R (validation/own/causal.R, 1e-8), closed forms by hand and by simulation."""

import numpy as np
import pandas as pd
import pytest
from golden import reference
from test_propensity import births

from dermcohort import SurveyDesign
from dermcohort.regression import linear, log_binomial, logistic, mediation, modified_poisson, poisson


def numbers(found) -> np.ndarray:
    return found.table[["coef", "std_error"]].to_numpy(float).T.ravel()


def check(found, identifier):
    np.testing.assert_allclose(numbers(found), reference(identifier), rtol=1e-8)


# ------------------------------------------------------------------------------------ against R


def test_two_linear_models_with_interaction():
    data = births()
    fits = linear("lwt ~ smoke + age", data), linear("bwt ~ smoke * lwt + age", data)
    found = mediation(*fits, "smoke", "lwt")
    check(found, "own.mediation.linear")
    assert found.table["term"].tolist() == [
        "total effect",
        "natural direct effect",
        "natural indirect effect",
        "proportion mediated",
    ]
    assert set(found.table["measure"]) == {"difference", "proportion"}


def test_binary_mediator():
    data = births()
    fits = logistic("ht ~ smoke + lwt", data), logistic("low ~ smoke * ht + age", data)
    check(mediation(*fits, "smoke", "ht"), "own.mediation.binary")


def test_binary_mediator_with_clusters():
    data, options = births(), {"cluster": "block"}
    fits = logistic("ht ~ smoke + lwt", data, **options), logistic("low ~ smoke + ht + age", data, **options)
    found = mediation(*fits, "smoke", "ht")
    check(found, "own.mediation.cluster")
    assert any("no interaction of exposure and mediator" in note for note in found.notes)


@pytest.mark.parametrize(
    ("robust", "identifier"), [(None, "own.mediation.normal"), ("HC0", "own.mediation.robust")]
)
def test_normal_mediator_of_a_binary_outcome(robust, identifier):
    data = births()
    fits = (
        linear("lwt ~ smoke + age", data, robust=robust),
        logistic("low ~ smoke * lwt + race", data, robust=robust),
    )
    check(mediation(*fits, "smoke", "lwt"), identifier)


# ------------------------------------------------------------------------------------ by hand


def test_saturated_counts_by_hand():
    """P(M=1) is 0.2 and 0.5; risks 0.1, 0.3 without and 0.2, 0.6 with exposure, by M.

    E00 = 0.8*0.1 + 0.2*0.3 = 0.14, E10 = 0.8*0.2 + 0.2*0.6 = 0.28, E11 = 0.5*0.2 + 0.5*0.6 = 0.40.
    """
    cells = [(0, 0, 80, 8), (0, 1, 20, 6), (1, 0, 50, 10), (1, 1, 50, 30)]
    frames = [pd.DataFrame({"x": x, "m": m, "y": np.arange(n) < k}) for x, m, n, k in cells]
    data = pd.concat(frames, ignore_index=True)
    table = mediation(logistic("m ~ x", data), logistic("y ~ x * m", data), "x", "m").table
    wanted = [0.26, 0.14, 0.12, 0.40 / 0.14, 0.28 / 0.14, 0.40 / 0.28, 0.12 / 0.26]
    np.testing.assert_allclose(table["estimate"], wanted, rtol=1e-9)


def test_product_and_difference_of_coefficients_agree_without_interaction():
    """Linear models: the indirect effect is a product of two coefficients, the direct effect one (Baron & Kenny)."""
    data = births()
    m, y = linear("lwt ~ smoke + age", data), linear("bwt ~ smoke + lwt + age", data)
    found = mediation(m, y, "smoke", "lwt").table.set_index("term")["estimate"]
    assert found["natural direct effect"] == pytest.approx(y.coefficients["smoke"])
    product = m.coefficients["smoke"] * y.coefficients["lwt"]
    assert found["natural indirect effect"] == pytest.approx(product)
    assert found["total effect"] == pytest.approx(linear("bwt ~ smoke + age", data).coefficients["smoke"])


# ------------------------------------------------------------------------------------ properties


def test_effects_make_up_the_total():
    data = births()
    table = mediation(
        logistic("ht ~ smoke + lwt", data),
        modified_poisson("low ~ smoke * ht", data, robust=False),
        "smoke",
        "ht",
    ).table
    estimate = table.set_index(["measure", "term"])["estimate"]
    parts = ("natural direct effect", "natural indirect effect")
    assert estimate["RD", "total effect"] == pytest.approx(sum(estimate["RD", part] for part in parts))
    assert estimate["RR", "total effect"] == pytest.approx(np.prod([estimate["RR", part] for part in parts]))


def test_row_order_coding_and_values():
    data = births().assign(
        pressure=lambda d: pd.Categorical(np.where(d["ht"] == 1, "high", "normal"), ["normal", "high"]),
        smoker=lambda d: d["smoke"] == 1,
    )
    base = mediation(logistic("ht ~ smoke + lwt", data), logistic("low ~ smoke * ht", data), "smoke", "ht")
    shuffled = data.sample(frac=1, random_state=5)
    other = mediation(
        logistic("pressure ~ smoker + lwt", shuffled),
        logistic("low ~ smoker * pressure", shuffled),
        "smoker",
        "pressure",
    )
    np.testing.assert_allclose(numbers(other), numbers(base), rtol=1e-7)
    fits = logistic("ht ~ race + lwt", data), logistic("low ~ race + ht", data)
    assert "3 against 1" in mediation(*fits, "race", "ht", values=(1, 3)).method


def test_equal_sampling_weights_are_simple_random_sampling():
    """A design of independent rows differs from HC0 by n / (n - 1) alone."""
    data = births().assign(w=3.0)
    design = {"design": SurveyDesign(weights="w")}
    one = mediation(
        linear("lwt ~ smoke", data, **design), logistic("low ~ smoke * lwt", data, **design), "smoke", "lwt"
    )
    other = mediation(
        linear("lwt ~ smoke", data, robust="HC0"),
        logistic("low ~ smoke * lwt", data, robust="HC0"),
        "smoke",
        "lwt",
    )
    np.testing.assert_allclose(one.table["estimate"], other.table["estimate"], rtol=1e-9)
    ratio = one.table["std_error"] / other.table["std_error"]
    np.testing.assert_allclose(ratio, np.sqrt(189 / 188), rtol=1e-7)


def test_bootstrap_is_seeded_and_close_to_the_delta_method():
    data = births()
    fits = (
        linear("lwt ~ smoke + age", data, robust="HC0"),
        linear("bwt ~ smoke + lwt", data, robust="HC0"),
    )
    delta = mediation(*fits, "smoke", "lwt").table
    one, two = (mediation(*fits, "smoke", "lwt", ci="bootstrap", repeats=300, seed=2).table for _ in range(2))
    pd.testing.assert_frame_equal(one, two)
    np.testing.assert_allclose(one["estimate"], delta["estimate"], rtol=1e-12)
    np.testing.assert_allclose(one["std_error"][:3], delta["std_error"][:3], rtol=0.15)


# ------------------------------------------------------------------------------------ truth


def test_known_truth_with_a_confounder():
    """Counterfactual outcomes of both kinds are simulated for everyone; the intervals hold their means."""
    rng = np.random.default_rng(20261124)
    n = 40_000
    expit = lambda eta: 1 / (1 + np.exp(-eta))  # noqa: E731
    c, noise, luck = rng.normal(size=n), rng.normal(size=n), rng.uniform(size=n)
    x = (rng.uniform(size=n) < expit(0.5 * c)).astype(int)
    m = lambda a: 0.6 * a + 0.4 * c + noise  # noqa: E731
    risk = lambda a, m: expit(-1 + 0.5 * a + 0.7 * m + 0.3 * a * m + 0.3 * c)  # noqa: E731
    worlds = [risk(a, m(b)).mean() for a, b in ((0, 0), (1, 0), (1, 1))]
    data = pd.DataFrame({"x": x, "c": c, "m": m(x), "y": (luck < risk(x, m(x))).astype(int)})
    fits = linear("m ~ x + c", data, robust="HC0"), logistic("y ~ x * m + c", data, robust="HC0")
    table = mediation(*fits, "x", "m").table
    truth = [worlds[2] - worlds[0], worlds[1] - worlds[0], worlds[2] - worlds[1]]
    for row, true in zip(table.to_dict("records")[:3], truth, strict=True):
        assert row["conf_low"] < true < row["conf_high"]
        assert row["std_error"] < 0.008


# ------------------------------------------------------------------------------------ notes and the door


def test_assumptions_and_what_a_weak_total_means():
    rng = np.random.default_rng(3)
    data = births().assign(x=lambda d: rng.permutation(d["smoke"]))
    found = mediation(logistic("ht ~ x", data), logistic("low ~ x + ht", data), "x", "ht")
    assert "causal only if nothing unmeasured confounds" in found.notes[0]
    assert any("the proportion mediated says nothing" in note for note in found.notes)
    assert found.plot() is not None and "natural direct effect" in found.to_markdown()


def test_clear_errors():
    data = births().assign(w=lambda d: 1.0 + d["ui"])
    m, y = logistic("ht ~ smoke + lwt", data), logistic("low ~ smoke * ht + age", data)
    number = linear("lwt ~ smoke", data)
    cases = [
        (m, y, "smok", "ht", "'smok' is not a variable of the model. Did you mean 'smoke'"),
        (m, y, "smoke", "hta", "outcome_fit has no column 'hta'"),
        (m, y, "smoke", "age", "mediator_fit: its outcome must be the mediator 'age'"),
        (logistic("ht ~ smoke", data.iloc[:150]), y, "smoke", "ht", "same rows, they have 150 and 189"),
        (
            m,
            logistic("low ~ smoke * ht", data, robust="HC0"),
            "smoke",
            "ht",
            "same weights, clusters, design",
        ),
        (m, logistic("low ~ smoke * ht", data, weights="w", robust=False), "smoke", "ht", "same weights"),
        (number, logistic("low ~ smoke + bs(lwt, df=4)", data), "smoke", "lwt", "other than linearly"),
        (poisson("ftv ~ smoke", data), linear("bwt ~ smoke + ftv", data), "smoke", "ftv", "must be logistic"),
        (
            logistic("ht ~ smoke", data, cluster="block", robust="CR2"),
            logistic("low ~ smoke + ht", data, cluster="block", robust="CR2"),
            "smoke",
            "ht",
            "robust='CR2' is defined for the coefficients of one model",
        ),
        (
            linear("lwt ~ smoke", data, weights="w", robust=False),
            linear("bwt ~ smoke + lwt", data, weights="w", robust=False),
            "smoke",
            "lwt",
            "no common variance",
        ),
        (
            logistic("ht ~ race", data),
            logistic("low ~ race + ht", data),
            "race",
            "ht",
            "'race' has 3 levels; name the two",
        ),
    ]
    for mediator_fit, outcome_fit, exposure, mediator, message in cases:
        with pytest.raises(ValueError, match=message):
            mediation(mediator_fit, outcome_fit, exposure, mediator)
    with pytest.raises(ValueError, match="ci='bca' is unknown"):
        mediation(m, y, "smoke", "ht", ci="bca")


def test_other_links_of_a_binary_mediator():
    """A saturated mediator has the same fitted probabilities whatever the link."""
    data = births()
    y = logistic("low ~ smoke * ht + age", data)
    one, other = (mediation(f("ht ~ smoke", data), y, "smoke", "ht") for f in (logistic, log_binomial))
    np.testing.assert_allclose(numbers(one), numbers(other), rtol=1e-7)
