"""Cox regression with exact ties: against R (validation/own/categories.R), matched sets, no ties, bad input."""

import numpy as np
import pandas as pd
import pytest
from golden import read, reference
from hypothesis import given, settings
from hypothesis import strategies as st

from dermcohort.regression import conditional_logistic
from dermcohort.survival import cox

few = settings(max_examples=8, deadline=None)
seeds = given(seed=st.integers(0, 10_000))


def check(fit, identifier):
    found = [*fit.coefficients, *np.sqrt(np.diag(fit.covariance)), fit.loglik_null, fit.loglik]
    np.testing.assert_allclose(found, reference(identifier), rtol=1e-8)


def followed(seed: int, n: int = 60) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    years = rng.exponential(np.exp(-0.5 * x)) * 5 + 0.1
    return pd.DataFrame({"x": x, "site": np.arange(n) % 3, "years": years, "died": rng.integers(0, 2, n)})


def test_many_ties():
    data = read("lung").assign(quarter=lambda d: np.ceil(d["time"] / 90), died=lambda d: d["status"] - 1)
    data = data.rename(columns={"ph.ecog": "ecog"})
    fit = cox("age + sex + ecog", data, time="quarter", event="died", ties="exact")
    check(fit, "own.cox.exact.months")
    assert "(exact treatment of ties)" in fit.method


def test_strata():
    data = read("veteran").assign(month=lambda d: np.ceil(d["time"] / 30))
    fit = cox("trt + karno + age", data, time="month", event="status", strata="celltype", ties="exact")
    check(fit, "own.cox.exact.strata")


def test_late_entry():
    fit = cox("age + year + surgery", read("heart"), time="stop", event="event", entry="start", ties="exact")
    check(fit, "own.cox.exact.entry")


@few
@seeds
def test_without_ties_all_methods_agree(seed):
    data = followed(seed)
    fits = [cox("x", data, time="years", event="died", strata="site", ties=t) for t in ("exact", "breslow")]
    np.testing.assert_allclose(fits[0].coefficients, fits[1].coefficients, rtol=1e-9, atol=1e-11)
    assert fits[0].loglik == pytest.approx(fits[1].loglik, rel=1e-12)


@few
@seeds
def test_one_time_for_all_makes_matched_sets(seed):
    data = followed(seed).assign(years=1.0)
    fit = cox("x", data, time="years", event="died", strata="site", ties="exact")
    other = conditional_logistic("died ~ x", data, strata="site")
    np.testing.assert_allclose(fit.coefficients, other.coefficients, rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(fit.covariance, other.covariance, rtol=1e-9)


def test_a_time_at_which_all_at_risk_die_tells_nothing():
    data = followed(1).assign(years=lambda d: np.ceil(d["years"]).clip(upper=50))
    last = pd.DataFrame({"x": [1.0, 5.0], "years": 1000.0, "died": 1})
    one = cox("x", pd.concat([data, last]), time="years", event="died", ties="exact")
    # the same people, censored then
    other = cox("x", pd.concat([data, last.assign(died=0)]), time="years", event="died", ties="exact")
    np.testing.assert_allclose(one.coefficients, other.coefficients, rtol=1e-10)
    assert one.events == other.events + 2


@pytest.mark.parametrize("options", [{"weights": "x"}, {"cluster": "site"}, {"robust": True}])
def test_weights_and_clusters_are_refused(options):
    with pytest.raises(ValueError, match="ties='exact' has no weights, clusters or robust variance"):
        cox("x", followed(1), time="years", event="died", ties="exact", **options)
