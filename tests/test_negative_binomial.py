"""Negative binomial regression: worked by hand, properties, no overdispersion, bad input."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import nbinom

import dermcohort as dc
from dermcohort.regression import negative_binomial, poisson

few = settings(max_examples=8, deadline=None)
seeds = given(seed=st.integers(0, 10_000))


def clinic(seed: int, n: int = 120, theta: float = 1.5) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    data = pd.DataFrame(
        {
            "age": rng.normal(size=n),
            "treated": rng.permutation(np.arange(n) % 2),
            "site": rng.permutation(np.arange(n) % 12),
            "years": rng.uniform(0.5, 3, n),
            "w": rng.integers(1, 4, n).astype(float),
        }
    )
    mean = data["years"] * np.exp(0.8 - 0.5 * data["treated"] + 0.2 * data["age"])
    flares = rng.poisson(mean * rng.gamma(theta, 1 / theta, n))
    return data.assign(flares=flares, log_years=np.log(data["years"]))


def fit(data: pd.DataFrame, **options):
    return negative_binomial("flares ~ age + treated", data, offset="log_years", **options)


def test_two_groups_by_hand():
    """Group means 4 and 2 whatever theta; its likelihood by scipy is highest at the theta found; se of log IRR is
    sqrt(sum of (1 / mu + 1 / theta) / n)."""
    data = pd.DataFrame({"y": [0, 9, 3, 0, 2, 4, 0, 2], "x": [0] * 4 + [1] * 4})
    found = negative_binomial("y ~ x", data)
    assert found.table.loc[0, "estimate"] == pytest.approx(2 / 3, rel=1e-10)
    assert found.table.loc[0, "std_error"] ** 2 == pytest.approx(
        (1 / 3 + 1 / 2 + 2 / found.theta) / 4, rel=1e-10
    )

    def loglik(theta: float) -> float:
        mean = np.where(data["x"] == 0, 3.0, 2.0)
        return float(nbinom.logpmf(data["y"], theta, theta / (theta + mean)).sum())

    assert found.loglik == pytest.approx(loglik(found.theta), rel=1e-12)
    assert found.loglik > max(loglik(found.theta * 1.01), loglik(found.theta / 1.01))
    h = 1e-3
    curvature = (2 * loglik(found.theta) - loglik(found.theta + h) - loglik(found.theta - h)) / h**2
    assert found.theta_std_error == pytest.approx(curvature**-0.5, rel=1e-3)


@seeds
@few
def test_order_of_rows_and_swapped_groups(seed):
    data = clinic(seed)
    mixed = fit(data.sample(frac=1, random_state=seed))
    swapped = fit(data.assign(treated=1 - data["treated"]))
    found = fit(data)
    assert mixed.theta == pytest.approx(found.theta, rel=1e-9)
    np.testing.assert_allclose(mixed.coefficients, found.coefficients, rtol=1e-8, atol=1e-10)
    assert swapped.table.loc[1, "estimate"] == pytest.approx(1 / found.table.loc[1, "estimate"], rel=1e-8)
    assert swapped.theta == pytest.approx(found.theta, rel=1e-9)


@seeds
@few
def test_a_frequency_weight_is_that_many_rows(seed):
    data = clinic(seed)
    repeated = fit(data.loc[data.index.repeat(data["w"].astype(int))])
    weighted = fit(data, weights="w", robust=False)
    assert weighted.theta == pytest.approx(repeated.theta, rel=1e-9)
    assert weighted.theta_std_error == pytest.approx(repeated.theta_std_error, rel=1e-8)
    np.testing.assert_allclose(weighted.covariance, repeated.covariance, rtol=1e-7, atol=1e-12)
    assert "Weights: frequency weights from 'w'." in weighted.notes


@seeds
@few
def test_person_time_in_months_changes_the_intercept_only(seed):
    data = clinic(seed)
    months = fit(data.assign(log_years=data["log_years"] + np.log(12)))
    years = fit(data)
    np.testing.assert_allclose(months.coefficients[1:], years.coefficients[1:], rtol=1e-8, atol=1e-10)
    assert years.coefficients["Intercept"] - months.coefficients["Intercept"] == pytest.approx(np.log(12))


def test_counts_that_vary_no_more_than_poissons():
    """Each group of 0 1 2 1 has variance below its mean."""
    data = pd.DataFrame({"y": [0, 1, 2, 1, 1, 2, 3, 2], "x": [0] * 4 + [1] * 4})
    found, of_poisson = negative_binomial("y ~ x", data), poisson("y ~ x", data)
    assert np.isinf(found.theta) and np.isnan(found.theta_std_error)
    pd.testing.assert_frame_equal(found.table, of_poisson.table)
    assert found.loglik == of_poisson.loglik
    assert any("theta is infinite" in note for note in found.notes)


@pytest.mark.parametrize("seed", range(8))
def test_counts_close_to_poissons(seed):
    """The last digits of a large theta are those of rounding, and do not keep the fit from ending."""
    data = pd.DataFrame({"y": np.random.default_rng(seed).poisson(3, 300), "x": np.arange(300) / 300})
    found = negative_binomial("y ~ x", data)
    assert found.theta > 20
    assert not any("converge" in note for note in found.notes)
    assert found.loglik >= poisson("y ~ x", data).loglik - 1e-9


def test_more_overdispersion_means_wider_intervals():
    data = clinic(3, n=400, theta=0.5)
    found = fit(data)
    assert (
        found.table["std_error"]
        > poisson("flares ~ age + treated", data, offset="log_years").table["std_error"]
    ).all()
    assert 0.3 < found.theta < 0.8
    assert not any("theta" in note for note in found.notes)


def test_designs_and_clusters_hold_theta_fixed():
    data = clinic(4)
    own, clustered = fit(data), fit(data, cluster="site", robust="CR2")
    by_design = fit(data, design=dc.SurveyDesign(weights="w", cluster="site"))
    weighted = fit(data, weights="w")
    assert clustered.theta == own.theta
    assert by_design.theta == pytest.approx(weighted.theta, rel=1e-9)
    np.testing.assert_allclose(by_design.coefficients, weighted.coefficients, rtol=1e-8)
    assert {"df"} <= set(clustered.table) and {"df"} <= set(by_design.table)
    few_clusters = fit(data, cluster="site")
    assert any(n.startswith("Few clusters: 12") and "CR2" in n for n in few_clusters.notes)


def test_a_level_without_events_is_named():
    data = pd.DataFrame({"y": [3, 0, 7, 0, 0, 0, 5, 1, 9], "a": list("pppqqqrrr")})
    found = negative_binomial("y ~ a", data)
    assert any("(a = q: 0 events among 3 rows)" in note for note in found.notes)
    assert found.table.set_index("level").loc["q", ["estimate", "conf_high"]].tolist() == [0, np.inf]


def test_predictions_and_files(tmp_path):
    data = clinic(5)
    found = fit(data)
    linear = found.coefficients.to_numpy() @ [1, data["age"][0], data["treated"][0]] + data["log_years"][0]
    assert found.predict(data).iloc[0] == pytest.approx(np.exp(linear), rel=1e-12)
    found.save(tmp_path / "nb")
    again = type(found).load(tmp_path / "nb")
    assert again.theta == found.theta
    pd.testing.assert_frame_equal(again.table, found.table)
    assert "negative binomial" in found.method


def test_bad_input():
    data = clinic(6)
    with pytest.raises(ValueError, match="'flares' must be a number of events, it is negative"):
        fit(data.assign(flares=-1))
    with pytest.raises(ValueError, match="'flares' is 0 in all 120"):
        fit(data.assign(flares=0))
    with pytest.raises(ValueError, match="weights= does not fit design="):
        fit(data, weights="w", design=dc.SurveyDesign(cluster="site"))
