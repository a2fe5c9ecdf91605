"""Profile likelihood intervals: equations they solve, properties, where they are refused."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq
from scipy.special import xlogy

import dermcohort as dc
from dermcohort.regression import complementary_log_log, log_binomial, logistic, poisson, risk_difference

few = settings(max_examples=8, deadline=None)
seeds = given(seed=st.integers(0, 10_000))
MODELS = {
    "logistic": lambda d, **o: logistic("case ~ age + sex", d, **o),
    "log_binomial": lambda d, **o: log_binomial("case ~ age + sex", d, **o),
    "poisson": lambda d, **o: poisson("visits ~ age + sex", d, offset="log_years", **o),
    "complementary_log_log": lambda d, **o: complementary_log_log("case ~ age + sex", d, **o),
}
every_model = pytest.mark.parametrize("model", MODELS)


def cohort(seed: int, n: int = 80) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "age": rng.normal(size=n),
            "sex": rng.permutation(np.arange(n) % 2),
            "case": rng.permutation(np.arange(n) % 5 == 0),
            "visits": rng.poisson(2.0, n),
            "w": rng.integers(1, 4, n).astype(float),
            "site": np.arange(n) % 8,
            "log_years": np.log(rng.uniform(1, 9, n)),
        }
    )


def test_ratio_of_two_poisson_counts_by_hand():
    """4 and 12 events in equal time: given their sum the counts are binomial, and its profile that of p in 16."""
    data = pd.DataFrame({"cases": [4, 12], "x": [0, 1]})
    row = poisson("cases ~ x", data, interval="profile").table.iloc[0]

    def fall(log_ratio: float) -> float:
        p = np.exp(log_ratio) / (1 + np.exp(log_ratio))
        top = xlogy(12, 12 / 16) + xlogy(4, 4 / 16)
        return 2 * (top - xlogy(12, p) - xlogy(4, 1 - p)) - 3.841458820694124

    limits = [brentq(fall, -2, np.log(3), xtol=1e-14), brentq(fall, np.log(3), 5, xtol=1e-14)]
    assert np.log([row["conf_low"], row["conf_high"]]) == pytest.approx(limits, rel=1e-9)
    assert row["statistic"] ** 2 == pytest.approx(fall(0.0) + 3.841458820694124, rel=1e-10)
    assert row["statistic"] > 0


@pytest.mark.parametrize("model", ["logistic", "poisson", "complementary_log_log"])
@seeds
@few
def test_limits_lie_where_the_likelihood_ratio_test_has_p_of_5_percent(model, seed):
    """With the limit as an offset, the coefficient left has a likelihood ratio test of p = 0.05."""
    data = cohort(seed)
    found = MODELS[model](data, interval="profile")
    p = found.table.loc[0, "p_value"]
    row = MODELS[model](data, interval="profile", conf_level=1 - p).table.iloc[0]
    nearest = row["conf_low"] if row["estimate"] > 1 else row["conf_high"]
    assert nearest == pytest.approx(1, abs=1e-6)
    assert found.table["conf_low"].lt(found.table["estimate"]).all()
    assert found.table["conf_high"].gt(found.table["estimate"]).all()
    assert "profile likelihood" in found.method


@every_model
def test_swapped_groups_units_and_weights(model):
    data = cohort(7)
    found = MODELS[model](data, interval="profile").table.iloc[1]
    swapped = MODELS[model](data.assign(sex=1 - data["sex"]), interval="profile").table.iloc[1]
    assert swapped["conf_low"] == pytest.approx(1 / found["conf_high"], rel=1e-7)
    assert swapped["statistic"] == pytest.approx(-found["statistic"], rel=1e-7)
    in_days = MODELS[model](data.assign(age=data["age"] * 365.25), interval="profile").table.iloc[0]
    in_years = MODELS[model](data, interval="profile").table.iloc[0]
    assert np.log(in_days["conf_high"]) * 365.25 == pytest.approx(np.log(in_years["conf_high"]), rel=1e-7)
    in_calendar = MODELS[model](data.assign(age=data["age"] + 2000), interval="profile").table.iloc[0]
    assert np.log(in_calendar["conf_low"]) == pytest.approx(np.log(in_years["conf_low"]), rel=1e-7)
    weighted = MODELS[model](data, weights="w", robust=False, interval="profile").table
    repeated = MODELS[model](data.loc[data.index.repeat(data["w"].astype(int))], interval="profile").table
    columns = ["conf_low", "conf_high", "p_value", "statistic"]
    np.testing.assert_allclose(weighted[columns], repeated[columns], rtol=1e-6)


def test_reference_levels_keep_their_row():
    data = cohort(3).assign(group=lambda d: pd.Categorical(np.resize(list("abc"), len(d))))
    wald, profile = (logistic("case ~ group", data, interval=kind).table for kind in ("wald", "profile"))
    same = ["term", "level", "estimate", "coef", "std_error", "n", "events"]
    pd.testing.assert_frame_equal(wald[same], profile[same])
    assert profile.loc[0, ["conf_low", "p_value", "statistic"]].isna().all()
    np.testing.assert_allclose(profile["conf_low"], wald["conf_low"], rtol=0.5)


def test_close_to_wald_where_data_are_many():
    rng = np.random.default_rng(1)
    data = pd.DataFrame({"x": rng.normal(size=20_000)})
    data["y"] = rng.random(20_000) < 1 / (1 + np.exp(1 - 0.3 * data["x"]))
    wald, profile = (logistic("y ~ x", data, interval=kind).table.iloc[0] for kind in ("wald", "profile"))
    assert profile["conf_low"] == pytest.approx(wald["conf_low"], rel=1e-3)
    assert profile["conf_low"] != wald["conf_low"]


def test_no_event_in_a_group_leaves_an_upper_limit():
    data = pd.DataFrame({"cases": [9, 0], "x": [0, 1], "log_years": np.log([10.0, 10.0])})
    row = poisson("cases ~ x", data, offset="log_years", interval="profile").table.iloc[0]
    assert (row["estimate"], row["conf_low"]) == (0, 0)
    # 9 of 9 in one half: (1 - p)^9 falls by half of chi2 at p / (1 - p)
    assert row["conf_high"] == pytest.approx(np.expm1(3.841458820694124 / 18), rel=1e-8)


def test_separated_rows_say_nothing_of_other_coefficients():
    """Where x = 0 nobody is ill: the profile of z is that of the rows where x = 1."""
    data = pd.DataFrame({"y": [0] * 10 + [1] * 10, "x": [0] * 5 + [1] * 15, "z": [0, 1] * 10})
    both = logistic("y ~ x + z", data, interval="profile").table.set_index("term")
    inside = logistic("y ~ z", data.query("x == 1"), interval="profile").table.iloc[0]
    columns = ["estimate", "conf_low", "conf_high", "p_value", "statistic"]
    np.testing.assert_allclose(both.loc["z", columns].astype(float), inside[columns].astype(float), rtol=1e-6)
    assert 1 < both.loc["x", "conf_low"] < both.loc["x", "conf_high"] == np.inf


@pytest.mark.parametrize("model", [logistic, complementary_log_log])
def test_complete_separation_has_one_limit(model):
    """The likelihood is 1, its ratio to that of no effect 2^40."""
    data = pd.DataFrame({"y": [0] * 20 + [1] * 20, "x": np.arange(40.0)})
    row = model("y ~ x", data, interval="profile").table.iloc[0]
    assert row["statistic"] ** 2 == pytest.approx(80 * np.log(2), rel=1e-8)
    assert 1 < row["conf_low"] < row["conf_high"] == np.inf
    turned = model("y ~ x", data.assign(x=-data["x"]), interval="profile").table.iloc[0]
    assert (turned["conf_low"], turned["conf_high"]) == (0, pytest.approx(1 / row["conf_low"], rel=1e-7))
    assert turned["statistic"] == pytest.approx(-row["statistic"])


def test_one_coefficient_and_none():
    data = cohort(5)
    alone = logistic("case ~ 0 + sex", data, interval="profile").table.iloc[0]
    assert alone["conf_low"] < alone["estimate"] < alone["conf_high"]
    assert logistic("case ~ 1", data, interval="profile").table.empty


def test_maximum_on_the_boundary_has_no_interval():
    data = pd.DataFrame({"case": [0, 1, 0, 0, 1, 1, 1], "x": [0, 0, 0, 0, 1, 1, 1]})
    found = log_binomial("case ~ x", data, interval="profile")
    assert found.table[["conf_low", "conf_high"]].isna().all(axis=None)
    assert any("on the boundary (a fitted probability of 1)" in note for note in found.notes)


@pytest.mark.parametrize(
    "options",
    [{"robust": "HC0"}, {"cluster": "site"}, {"weights": "w"}, {"design": dc.SurveyDesign(cluster="site")}],
)
def test_refused_beside_another_variance(options):
    with pytest.raises(ValueError, match="interval='profile' belongs to the model's own likelihood"):
        logistic("case ~ age", cohort(1), interval="profile", **options)


def test_unknown_interval_and_doors_without():
    with pytest.raises(
        ValueError, match=r"interval='Wald' is unknown; choose one of wald, profile. Did you mean 'wald'"
    ):
        logistic("case ~ age", cohort(1), interval="Wald")
    with pytest.raises(TypeError):
        risk_difference("case ~ age", cohort(1), interval="profile")
