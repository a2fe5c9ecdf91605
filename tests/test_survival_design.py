"""Survey designs and clusters in survival: a case worked by hand, properties, and designs that are too thin."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import t

from dermcohort import ReplicateDesign, SurveyDesign
from dermcohort.survival import cox, curve_influence, incidence_rate, kaplan_meier
from dermcohort.survival.curve_influence import CurveInfluence
from dermcohort.survival.product_limit import product_limit

OUTCOME = {"time": "years", "event": "died"}
VILLAGES = SurveyDesign(cluster="village")

seeds = given(seed=st.integers(0, 10_000))
few = settings(max_examples=15, deadline=None)


@pytest.fixture
def four_people() -> pd.DataFrame:
    return pd.DataFrame(
        {"years": [1.0, 2, 3, 4], "died": [1, 0, 1, 1], "x": [1, 0, 0, 1], "village": list("abab")}
    )


def cohort(seed: int, n: int = 60) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    died = rng.random(n) < 0.6
    died[:2] = True
    start = rng.integers(0, 3, n).astype(float)
    village = rng.permutation(np.arange(n) % 6)
    return pd.DataFrame(
        {
            "age": rng.normal(size=n),
            "sex": rng.permutation(np.arange(n) % 2),
            "start": start,
            "years": start + rng.integers(1, 8, n),
            "died": died,
            "village": village,
            "region": village // 2,
            "w": rng.integers(1, 4, n).astype(float),
            "id": np.arange(n),
        }
    )


def errors(fit) -> np.ndarray:
    return np.sqrt(np.diag(fit.covariance))


# ------------------------------------------------------------------------------------------ by hand


def test_survival_by_hand(four_people):
    """Year 1: d/n = 1/4, so u = 1/3 - 1/12 = 1/4 for the first and -1/12 for the others: villages 1/6 and -1/6.

    Year 3: d/n = 1/2; the third has u = -1/12 + 1 - 1/2 = 5/12, the fourth -1/12 - 1/2: villages 2/3 and -2/3.
    """
    at = kaplan_meier(four_people, **OUTCOME, cluster="village").at([1, 3])
    np.testing.assert_allclose(at["estimate"], [3 / 4, 3 / 8])
    np.testing.assert_allclose(at["std_error"] / at["estimate"], np.sqrt([2 / 36, 2 * 4 / 9]))
    sampled = kaplan_meier(four_people, **OUTCOME, design=VILLAGES).at([1, 3])
    np.testing.assert_allclose(sampled["std_error"], at["std_error"] * 2**0.5)


def test_cox_by_hand(four_people):
    """Half of those at risk are exposed at years 1 and 3, and one of the two who die then: beta = 0, information 1/2.

    Score residuals 3/8, 1/8, -1/8, -3/8: villages 1/4 and -1/4, influences 1/2 and -1/2.
    """
    fit = cox("x", four_people, design=VILLAGES, **OUTCOME)
    assert fit.coefficients.item() == pytest.approx(0, abs=1e-12)
    assert fit.covariance.to_numpy().item() == pytest.approx(2 * (1 / 4 + 1 / 4))
    clustered = cox("x", four_people, cluster="village", **OUTCOME)
    assert clustered.covariance.to_numpy().item() == pytest.approx(1 / 2)


def test_rate_by_hand(four_people):
    """3 events in 10 years; residuals 2 - 0.3 x 4 = 0.8 and 1 - 0.3 x 6 = -0.8; variance 2 (0.08^2 + 0.08^2)."""
    row = incidence_rate(four_people, "years", "died", per=1, cluster="village").table.iloc[0]
    std_error = (2 * (0.08**2 + 0.08**2)) ** 0.5 / 0.3
    assert (row["estimate"], row["df"]) == (pytest.approx(0.3), 1)
    assert row["std_error"] == pytest.approx(std_error)
    assert row["conf_high"] == pytest.approx(0.3 * np.exp(t.ppf(0.975, 1) * std_error))
    assert row["conf_low"] * row["conf_high"] == pytest.approx(0.3**2)


def test_rows_with_missing_values_stay_in_the_design(four_people):
    """A third village of which nothing is known makes the factor n / (n - 1) 3/2 instead of 2."""
    nobody = pd.DataFrame({"years": [np.nan], "died": [np.nan], "x": [np.nan], "village": ["c"]})
    data = pd.concat([four_people, nobody], ignore_index=True)
    assert cox("x", data, design=VILLAGES, **OUTCOME).covariance.to_numpy().item() == pytest.approx(3 / 4)
    at = kaplan_meier(data, **OUTCOME, design=VILLAGES).at(1)
    assert at["std_error"].item() == pytest.approx(3 / 4 * (3 / 2 * 2 / 36) ** 0.5)
    found = incidence_rate(data, "years", "died", per=1, design=VILLAGES)
    assert found.table["std_error"].item() == pytest.approx((3 / 2 * 2 * 0.08**2) ** 0.5 / 0.3)
    assert "1 of 5 rows left out for missing values" in found.notes[0]


# --------------------------------------------------------------------------------------- properties


@pytest.mark.parametrize("exponential", [False, True])
@seeds
@few
def test_influence_is_the_derivative_in_the_weights(exponential, seed):
    data = cohort(seed, 25)
    columns = (data[name].to_numpy(float) for name in ("start", "years", "died", "w"))
    start, years, died, w = columns

    def curve(weights):
        return product_limit(start, years, died, weights, exponential=exponential)

    step = 1e-5
    nudges = [step * (np.arange(len(w)) == i) for i in range(len(w))]
    with np.errstate(divide="ignore", invalid="ignore"):
        slopes = [
            (np.log(curve(w + h).survival) - np.log(curve(w - h).survival)) / (2 * step) for h in nudges
        ]
        expected = np.sqrt(((w[:, None] * np.array(slopes)) ** 2).sum(axis=0))
    found = product_limit(start, years, died, w, exponential=exponential, variance=CurveInfluence.independent)
    known = ~np.isnan(found.log_error)
    assert known[0]
    np.testing.assert_allclose(found.log_error[known], expected[known], rtol=1e-6, atol=1e-8)


@seeds
@few
def test_clusters_of_one_are_the_robust_variance(seed):
    data = cohort(seed)
    options = {**OUTCOME, "entry": "start", "by": "sex", "weights": "w"}
    alone, robust = kaplan_meier(data, **options, cluster="id"), kaplan_meier(data, **options)
    pd.testing.assert_frame_equal(alone.table, robust.table, rtol=1e-9, atol=1e-12)


@seeds
@few
def test_order_of_rows_and_scale_of_weights_do_not_matter(seed):
    data = cohort(seed)
    mixed = data.sample(frac=1, random_state=seed).assign(w=lambda d: d["w"] * 7)
    design = SurveyDesign("w", strata="region", cluster="village")
    a, b = (cox("age", d, entry="start", design=design, **OUTCOME) for d in (data, mixed))
    np.testing.assert_allclose(a.coefficients, b.coefficients, rtol=1e-7, atol=1e-10)
    np.testing.assert_allclose(a.covariance, b.covariance, rtol=1e-7, atol=1e-10)
    names = ["estimate", "std_error", "conf_low", "conf_high"]
    for estimate in (
        lambda d: kaplan_meier(d, **OUTCOME, entry="start", by="sex", design=design),
        lambda d: incidence_rate(d, "years", "died", "sex", design=design),
    ):
        a, b = (estimate(d).table[names] for d in (data, mixed))
        pd.testing.assert_frame_equal(a, b, rtol=1e-9, atol=1e-12)


@seeds
@few
def test_a_cluster_is_a_sampling_unit_without_weight(seed):
    """Surveys multiply by G / (G - 1), 6/5 here; CR1 of rates does so too."""
    data = cohort(seed)
    design = SurveyDesign(cluster="village")
    options = {**OUTCOME, "entry": "start"}
    clustered = kaplan_meier(data, **options, cluster="village").table["std_error"]
    sampled = kaplan_meier(data, **options, design=design).table["std_error"]
    np.testing.assert_allclose(sampled, clustered * (6 / 5) ** 0.5, rtol=1e-9, atol=1e-12)
    a = cox("age", data, cluster="village", **options)
    b = cox("age", data, design=design, **options)
    np.testing.assert_allclose(errors(b), errors(a) * (6 / 5) ** 0.5, rtol=1e-9)
    a = incidence_rate(data, "years", "died", "sex", cluster="village")
    b = incidence_rate(data, "years", "died", "sex", design=design)
    pd.testing.assert_frame_equal(a.table, b.table, rtol=1e-12)


@pytest.mark.parametrize("cells", [1, 20])
def test_blocks_of_times_change_nothing(cells, monkeypatch):
    data = cohort(3, 200)
    options = {**OUTCOME, "entry": "start", "design": SurveyDesign("w", cluster=["village", "id"])}
    whole = kaplan_meier(data, **options).table
    monkeypatch.setattr(curve_influence, "BLOCK", cells)
    pd.testing.assert_frame_equal(kaplan_meier(data, **options).table, whole, rtol=1e-11, atol=1e-14)


@pytest.mark.parametrize("rule", ["adjust", "average", "certainty"])
def test_sampled_rows_are_clusters_of_one(rule):
    """Rows as sampling units, one of them alone in its stratum, against the same design with a second stage."""
    data = cohort(12).assign(region=lambda d: d["region"].where(d["id"] != 7, 9), f=1000, all=1)
    one = SurveyDesign("w", strata="region", fpc="f", lonely_psu=rule)
    two = SurveyDesign("w", strata="region", cluster=["id", "id"], fpc=["f", "all"], lonely_psu=rule)
    a, b = (kaplan_meier(data, **OUTCOME, entry="start", by="sex", design=d).table for d in (one, two))
    pd.testing.assert_frame_equal(a, b, rtol=1e-9, atol=1e-10)


def test_rows_without_weight_are_not_there():
    data = cohort(4)
    none = data.assign(w=0.0, years=data["years"] + 1)
    both = pd.concat([data, none], ignore_index=True)
    design = SurveyDesign("w", cluster="village")
    a, b = (cox("age", d, entry="start", design=design, **OUTCOME) for d in (data, both))
    np.testing.assert_allclose(b.covariance, a.covariance, rtol=1e-10)
    a, b = (kaplan_meier(d, **OUTCOME, design=design) for d in (data, both))
    pd.testing.assert_frame_equal(a.table, b.table, rtol=1e-12)
    a, b = (incidence_rate(d, "years", "died", design=design) for d in (data, both))
    pd.testing.assert_frame_equal(a.table, b.table, rtol=1e-12)
    assert "60 rows with weight 0 are not counted." in b.notes


# ------------------------------------------------------------------------------------ thin data


def test_no_event():
    data = cohort(5).assign(died=0)
    design = SurveyDesign("w", cluster="village")
    table = kaplan_meier(data, **OUTCOME, design=design).table
    assert (table["estimate"] == 1).all() and (table["std_error"] == 0).all()
    with pytest.raises(ValueError, match="'died' never happens"):
        cox("age", data, design=design, **OUTCOME)
    found = incidence_rate(data, "years", "died", per=1, design=design)
    row = found.table.iloc[0]
    assert (row["estimate"], row["conf_low"]) == (0, 0)
    assert row["conf_high"] == pytest.approx(-np.log(0.025) / data["years"].sum())
    assert np.isnan(row["std_error"])
    assert any("exact Poisson interval" in note for note in found.notes)


def test_everybody_has_the_event_at_once():
    data = pd.DataFrame({"years": 2.0, "died": 1, "village": list("aabb")})
    at = kaplan_meier(data, **OUTCOME, cluster="village").at([1, 2])
    assert at["estimate"].tolist() == [1, 0]
    assert np.isnan(at["std_error"].iloc[1])


ESTIMATORS = {
    "cox": lambda data, **options: cox("age", data, **OUTCOME, **options),
    "kaplan_meier": lambda data, **options: kaplan_meier(data, **OUTCOME, **options),
    "incidence_rate": lambda data, **options: incidence_rate(data, "years", "died", **options),
}


@pytest.fixture(params=ESTIMATORS)
def estimate(request):
    return ESTIMATORS[request.param]


def test_one_cluster_is_refused(estimate):
    with pytest.raises(ValueError, match="all rows are in one cluster"):
        estimate(cohort(6).assign(village=1), cluster="village")


def test_a_lonely_sampling_unit_is_refused(estimate):
    data = cohort(6)
    data.loc[data["region"] == 2, "village"] = 5
    with pytest.raises(ValueError, match=r"1 stratum .*only one sampling unit at stage 1"):
        estimate(data, design=SurveyDesign("w", strata="region", cluster="village"))
    adjusted = SurveyDesign("w", strata="region", cluster="village", lonely_psu="adjust")
    assert any("only one sampling unit" in note for note in estimate(data, design=adjusted).notes)


def test_a_design_stands_alone(estimate):
    with pytest.raises(ValueError, match="leave out cluster="):
        estimate(cohort(6), design=VILLAGES, cluster="village")


def test_what_is_missing_in_the_design_is_refused(estimate):
    data = cohort(6).assign(village=lambda d: d["village"].where(d["village"] > 0))
    with pytest.raises(ValueError, match="'village' is missing in 10 of 60 rows"):
        estimate(data, design=VILLAGES)


def test_few_clusters_are_said(estimate):
    assert any(note.startswith("Few clusters") for note in estimate(cohort(6), cluster="village").notes)
    assert any("5 degrees of freedom" in note or "fewer than 40" in note for note in
               estimate(cohort(6), design=VILLAGES).notes)  # fmt: skip


def test_the_method_names_the_design(estimate):
    design = SurveyDesign("w", strata="region", cluster="village")
    assert design.describe() in estimate(cohort(6), design=design).method
    assert "village" in estimate(cohort(6), cluster="village").method


def test_a_group_in_one_cluster_has_no_interval():
    data = cohort(7).assign(group=lambda d: np.where(d["village"] == 0, "one", "many"))
    for options in ({"cluster": "village"}, {"design": VILLAGES}):
        found = kaplan_meier(data, **OUTCOME, by="group", **options)
        unknown = found.table["std_error"].isna()
        assert unknown[found.table["group"] == "one"].all()
        assert not unknown[(found.table["group"] == "many") & (found.table["estimate"] > 0)].any()
        assert "A curve from a single cluster or sampling unit has no standard error." in found.notes
        rates = incidence_rate(data, "years", "died", "group", **options)
        assert rates.table["conf_low"].isna().tolist() == [False, True]
        assert "Groups from a single cluster or sampling unit have no interval." in rates.notes


def test_robust_does_not_fit_a_design():
    for options in ({"robust": True}, {"weights": "w"}):
        with pytest.raises(ValueError, match="design= says the weights"):
            cox("age", cohort(8), design=VILLAGES, **OUTCOME, **options)
        with pytest.raises(ValueError, match="design= says the weights"):
            kaplan_meier(cohort(8), **OUTCOME, design=VILLAGES, **options)
    with pytest.raises(ValueError, match="robust=False does not fit cluster="):
        kaplan_meier(cohort(8), **OUTCOME, cluster="village", robust=False)
    with pytest.raises(ValueError, match="estimator='breslow' is unknown"):
        kaplan_meier(cohort(8), **OUTCOME, estimator="breslow")


def test_all_missing(estimate):
    data = cohort(9).assign(years=np.nan)
    if estimate is ESTIMATORS["incidence_rate"]:
        assert np.isnan(estimate(data, design=VILLAGES).table["estimate"]).all()
    else:
        with pytest.raises(ValueError, match="no row has all of"):
            estimate(data, design=VILLAGES)


def test_concordance_and_prediction_of_a_weighted_fit():
    data = cohort(10)
    sampled = cox("age", data, design=SurveyDesign("w"), **OUTCOME)
    weighted = cox("age", data, weights="w", **OUTCOME)
    assert sampled.concordance == pytest.approx(weighted.concordance, rel=1e-12)
    np.testing.assert_allclose(sampled.predict(data), weighted.predict(data), rtol=1e-8, atol=1e-10)
    assert sampled.n_missing == dict.fromkeys(("age", "years", "died"), 0)


def test_replicate_weights_give_every_estimate(estimate):
    data = cohort(11)
    rng = np.random.default_rng(11)
    names = [f"r{i}" for i in range(8)]
    for name in names:
        data[name] = data["w"] * rng.integers(0, 3, 6)[data["village"]]
    found = estimate(data, design=ReplicateDesign("w", names))
    assert "8 bootstrap replicate weights" in found.method
    assert (found.table["std_error"].iloc[:3] >= 0).all()
