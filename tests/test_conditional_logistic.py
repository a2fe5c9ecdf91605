"""Conditional logistic regression: against R (validation/own/categories.R), by enumeration, properties, thin data."""

import itertools

import numpy as np
import pandas as pd
import pytest
from golden import read, reference
from hypothesis import given, settings
from hypothesis import strategies as st

from dermcohort import Estimates
from dermcohort.regression import conditional_logistic
from dermcohort.survival.matched_sets import evaluate_sets, similar_sets

few = settings(max_examples=10, deadline=None)
seeds = given(seed=st.integers(0, 10_000))


def check(found, identifier, rtol=1e-8):
    np.testing.assert_allclose(np.asarray(found, float), reference(identifier), rtol=rtol)


def errors(fit) -> np.ndarray:
    return np.sqrt(np.diag(fit.covariance))


def matched(seed: int, n_sets: int = 40, size: int = 4) -> pd.DataFrame:
    """Sets with one to `size` - 1 cases."""
    rng = np.random.default_rng(seed)
    n = n_sets * size
    set_ = np.repeat(np.arange(n_sets), size)
    x, z = rng.normal(size=n), rng.integers(0, 2, n)
    rank = pd.Series(0.7 * x + 0.4 * z + rng.gumbel(size=n)).groupby(set_).rank(ascending=False)
    case = (rank.to_numpy() <= 1 + set_ % (size - 1)).astype(int)
    return pd.DataFrame({"set": set_, "x": x, "z": z, "case": case, "clinic": set_ % 10})


# ------------------------------------------------------------------------------------- against R


def test_interaction():
    fit = conditional_logistic("case ~ spontaneous * induced", read("infert"), strata="stratum")
    check([*fit.coefficients, *errors(fit), fit.loglik_null, fit.loglik], "own.clogit.interaction")
    assert (fit.n, fit.events, fit.n_sets) == (248, 83, 83)


def test_several_cases_in_a_set():
    data = read("infert").assign(set=lambda d: (d["stratum"] + 1) // 2, over_30=lambda d: d["age"] > 30)
    fit = conditional_logistic("case ~ spontaneous + induced", data, strata="pooled.stratum")
    check([*fit.coefficients, *errors(fit), fit.loglik_null, fit.loglik], "own.clogit.pooled")
    fit = conditional_logistic("case ~ spontaneous + induced + over_30", data, strata="set")
    check([*fit.coefficients, *errors(fit), fit.loglik_null, fit.loglik], "own.clogit.two")


def test_large_sets():
    data = read("lung").assign(died=lambda d: d["status"] == 2)
    fit = conditional_logistic(
        "died ~ age + sex + ph_ecog", data.rename(columns={"ph.ecog": "ph_ecog"}), strata="inst"
    )
    check([*fit.coefficients, *errors(fit), fit.loglik_null, fit.loglik], "own.clogit.large")


def test_clusters():
    data = read("infert")
    fit = conditional_logistic(
        "case ~ spontaneous + induced", data, strata="stratum", cluster="pooled.stratum"
    )
    check([*fit.coefficients, *errors(fit)], "own.clogit.cluster")
    assert "CR1, clusters by pooled.stratum" in fit.method


# --------------------------------------------------------------------------------- worked by hand


def test_pairs_by_hand():
    """Of 40 discordant pairs the case is the exposed one in 30: odds ratio 30/10, variance 1/30 + 1/10."""
    exposed = [(1, 0)] * 30 + [(0, 1)] * 10 + [(1, 1)] * 7 + [(0, 0)] * 5
    data = pd.DataFrame(
        [(i, case, pair[1 - case]) for i, pair in enumerate(exposed) for case in (0, 1)],
        columns=["pair", "case", "exposed"],
    )
    fit = conditional_logistic("case ~ exposed", data, strata="pair")
    row = fit.table.iloc[0]
    assert row["estimate"] == pytest.approx(3.0, rel=1e-10)
    assert row["std_error"] == pytest.approx(np.sqrt(1 / 30 + 1 / 10), rel=1e-10)
    assert fit.loglik_null == pytest.approx(52 * np.log(0.5), rel=1e-14)
    assert fit.predict(pd.DataFrame({"exposed": [1, 0]})).tolist() == pytest.approx([3.0, 1.0])


@few
@given(seed=st.integers(0, 10_000), n=st.integers(2, 7), spread=st.sampled_from([0.5, 5.0]))
def test_likelihood_by_enumeration_of_subsets(seed, n, spread):
    rng = np.random.default_rng(seed)
    X, beta = rng.normal(size=(n, 2)), spread * rng.normal(size=2)
    d = int(rng.integers(1, n))
    case = (np.arange(n) < d).astype(float)
    found = evaluate_sets(similar_sets(X, case, np.zeros(n, int)), beta)
    totals = np.array([X[list(subset)].sum(axis=0) for subset in itertools.combinations(range(n), d)])
    log_weight = totals @ beta
    probability = np.exp(log_weight - log_weight.max())
    probability /= probability.sum()
    expected = X[:d].sum(axis=0)
    log_sum = log_weight.max() + np.log(np.exp(log_weight - log_weight.max()).sum())
    assert found.loglik == pytest.approx(expected @ beta - log_sum, rel=1e-10, abs=1e-10)
    mean = probability @ totals
    np.testing.assert_allclose(found.score, expected - mean, rtol=1e-9, atol=1e-10)
    variance = (totals - mean).T @ ((totals - mean) * probability[:, None])
    np.testing.assert_allclose(found.information, variance, rtol=1e-8, atol=1e-9)


def test_a_set_of_thousands_does_not_overflow():
    """Of 3,000 with equal odds 1,000 are cases: log of the binomial coefficient, and the hypergeometric variance."""
    from scipy.special import gammaln

    n, d = 3000, 1000
    x = (np.arange(n) % 2).astype(float)
    at = evaluate_sets(
        similar_sets(x[:, None], (np.arange(n) < d).astype(float), np.zeros(n, int)), np.zeros(1)
    )
    assert at.loglik == pytest.approx(-(gammaln(n + 1) - gammaln(d + 1) - gammaln(n - d + 1)), rel=1e-12)
    assert at.information.item() == pytest.approx(d * 0.25 * (n - d) / (n - 1), rel=1e-9)


# -------------------------------------------------------------------------------------- properties


@few
@seeds
def test_order_shifts_and_direction(seed):
    data = matched(seed)
    fit = conditional_logistic("case ~ x + z", data, strata="set")
    # what is the same within a set changes nothing; nor does the order of rows
    moved = data.assign(x=data["x"] + 3.0 * data["set"]).sample(frac=1, random_state=seed)
    other = conditional_logistic("case ~ x + z", moved, strata="set")
    np.testing.assert_allclose(other.coefficients, fit.coefficients, rtol=1e-8, atol=1e-9)
    reverse = conditional_logistic("case ~ x + z", data.assign(case=1 - data["case"]), strata="set")
    np.testing.assert_allclose(reverse.coefficients, -fit.coefficients, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(reverse.covariance, fit.covariance, rtol=1e-8)
    assert reverse.loglik == pytest.approx(fit.loglik, rel=1e-10)
    twice = pd.concat([data, data.assign(set=data["set"] + 1000)])
    doubled = conditional_logistic("case ~ x + z", twice, strata="set")
    np.testing.assert_allclose(doubled.covariance, fit.covariance / 2, rtol=1e-8)


def test_one_column_or_two_name_the_sets():
    data = matched(1).assign(a=lambda d: d["set"] // 7, b=lambda d: d["set"] % 7)
    one = conditional_logistic("case ~ x", data, strata="set")
    two = conditional_logistic("case ~ x", data, strata=["a", "b"])
    pd.testing.assert_series_equal(one.coefficients, two.coefficients)


def test_second_opinion_of_statsmodels():
    from statsmodels.discrete.conditional_models import ConditionalLogit

    data = matched(5)
    fit = conditional_logistic("case ~ x + z", data, strata="set")
    model = ConditionalLogit(data["case"], data[["x", "z"]].astype(float), groups=data["set"])
    # its optimizer stops early, its likelihood does not
    assert model.loglike(fit.coefficients.to_numpy()) == pytest.approx(fit.loglik, rel=1e-10)
    np.testing.assert_allclose(model.score(fit.coefficients.to_numpy()), 0, atol=1e-8)


# --------------------------------------------------------------------------- thin data and bad input


def test_sets_that_tell_nothing():
    data = matched(1)
    empty = matched(2).assign(set=lambda d: d["set"] + 100, case=lambda d: (d["set"] > 102).astype(int))
    more = pd.concat([data, empty[empty["set"] < 105]], ignore_index=True)
    fit, expected = (conditional_logistic("case ~ x", d, strata="set") for d in (more, data))
    assert fit.n == expected.n == 160
    assert fit.loglik == expected.loglik
    assert (
        "5 sets (20 rows) without a case, or with cases only, left out: such sets tell nothing." in fit.notes
    )


def test_a_missing_value_can_empty_a_set():
    data = matched(1).assign(case=lambda d: d.groupby("set").cumcount().eq(0).astype(int))
    data.loc[0, "x"] = np.nan  # the only case of its set
    fit = conditional_logistic("case ~ x", data, strata="set")
    assert (fit.n, fit.n_sets) == (156, 39)
    assert fit.notes[:2] == (
        "1 of 160 rows left out for missing values (x 1).",
        "1 set (3 rows) without a case, or with cases only, left out: such sets tell nothing.",
    )


def test_one_set():
    data = pd.DataFrame({"set": 1, "case": [1, 0, 0, 1, 0], "x": [2.0, 1.0, 3.0, 2.5, 0.5]})
    fit = conditional_logistic("case ~ x", data, strata="set")
    assert fit.n_sets == 1
    assert "of 1 set matched by set" in fit.method


def test_separation():
    data = matched(3).assign(marker=lambda d: d["case"])
    fit = conditional_logistic("case ~ marker", data, strata="set")
    assert fit.table["estimate"].item() == np.inf
    assert fit.notes[-1].startswith("Separation: within sets all cases are on one side of marker")


def test_saved(tmp_path):
    fit = conditional_logistic("case ~ x", matched(1), strata="set")
    again = Estimates.load(fit.save(tmp_path / "fit"))
    assert (again.n_sets, again.loglik_null) == (fit.n_sets, fit.loglik_null)


@pytest.mark.parametrize(
    ("formula", "options", "message"),
    [
        ("case ~ age", {}, "'age' is the same for all members of every set"),
        ("case ~ x + shifted", {}, "'shifted' is determined within sets by the columns before it"),
        ("case ~ 1", {}, "formula has no covariate"),
        ("none ~ x", {}, "none of the 40 sets has both a case and a member that is none"),
        ("x ~ z", {}, "'x' must be 0/1"),
        ("case ~ x", {"strata": []}, "without sets use logistic"),
        ("case ~ x", {"strata": "sets"}, "data has no column 'sets'. Did you mean 'set'"),
        ("case ~ x", {"cluster": "z"}, "sets have members in several clusters"),
        ("case ~ x", {"cluster": "everyone"}, "all rows are in one cluster"),
        ("case ~ absent", {}, "no row has all of"),
    ],
)
def test_bad_input(formula, options, message):
    data = matched(1).assign(age=lambda d: d["set"] / 3, none=0, everyone=1, absent=np.nan)
    data["shifted"] = data["x"] + 2.0 * data["set"]
    with pytest.raises(ValueError, match=message):
        conditional_logistic(formula, data, **{"strata": "set", **options})
