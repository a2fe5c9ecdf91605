"""Survey designs: worked by hand, properties, degenerate samples and bad input."""

import hypothesis.strategies as st
import numpy as np
import pandas as pd
import pytest
from hypothesis import given

from dermcohort import Estimates, ReplicateDesign, SurveyDesign, prevalence, survey
from dermcohort.variance import MeanModel, bias_reduced, sandwich


@pytest.fixture
def villages() -> pd.DataFrame:
    """Two strata of three villages of two people."""
    return pd.DataFrame(
        {
            "county": ["a"] * 6 + ["b"] * 6,
            "village": [1, 1, 2, 2, 3, 3] * 2,
            "w": [1.0] * 6 + [3.0] * 6,
            "eczema": [1, 0, 0, 0, 1, 1, 0, 0, 1, 0, 0, 0],
            "sex": ["f", "m"] * 6,
        }
    )


DESIGN = SurveyDesign("w", strata="county", cluster="village", nest=True)


def row(estimates: Estimates) -> pd.Series:
    return estimates.table.iloc[0]


def test_worked_by_hand(villages):
    """p = (3 + 3) / (6 + 18) = 1/4. Totals of w (y - p) / 24 by village, times 24:

    a: 0.5, -0.5, 1.5 (mean 0.5, squares around it 0 + 1 + 1 = 2); b: -1.5, 1.5, -1.5 (mean -0.5: 1 + 4 + 1 = 6).
    Variance = 3/2 (2 + 6) / 24^2 = 12 / 576 = 1/48. df = 6 villages - 2 counties.
    """
    found = row(prevalence.survey(villages, "eczema", DESIGN))
    assert found["estimate"] == pytest.approx(0.25, rel=1e-14)
    assert found["std_error"] == pytest.approx(np.sqrt(1 / 48), rel=1e-14)
    assert (found["df"], found["n"], found["events"]) == (4, 12, 4)
    assert found["design_effect"] == pytest.approx((1 / 48) / (0.25 * 0.75 / 11), rel=1e-14)


def test_intracluster_correlation_by_hand():
    """Two villages of two: 1 1 and 0 0. MSW = 0, so the correlation is 1; of 1 0 and 1 0 it is -1 (MSB = 0)."""
    data = pd.DataFrame({"v": [1, 1, 2, 2], "alike": [1, 1, 0, 0], "apart": [1, 0, 1, 0]})
    design = SurveyDesign(cluster="v")
    assert row(prevalence.survey(data, "alike", design))["icc"] == 1
    assert row(prevalence.survey(data, "apart", design))["icc"] == -1


def test_without_a_design_every_row_counts_once(villages):
    crude = row(prevalence.crude(villages, "eczema"))
    found = row(prevalence.survey(villages, "eczema", SurveyDesign()))
    assert found["estimate"] == pytest.approx(crude["estimate"], rel=1e-14)
    assert found["std_error"] == pytest.approx(crude["std_error"] * np.sqrt(12 / 11), rel=1e-12)
    assert found["design_effect"] == pytest.approx(1)


def test_a_domain_keeps_every_sampling_unit(villages):
    """Women are in every village; a village without them would still be a village of 0."""
    villages["woman"] = villages["eczema"].where(villages["sex"] == "f")
    by = prevalence.survey(villages, "eczema", DESIGN, by="sex").table.set_index("sex")
    missing = row(prevalence.survey(villages, "woman", DESIGN))
    assert missing["std_error"] == pytest.approx(by.loc["f", "std_error"], rel=1e-14)
    nobody_in_village_3 = villages[~((villages["village"] == 3) & (villages["sex"] == "f"))]
    kept = villages.assign(
        eczema=villages["eczema"].where((villages["village"] != 3) | (villages["sex"] == "m"))
    )
    whole = prevalence.survey(kept, "eczema", DESIGN, by="sex").table.iloc[0]
    part = prevalence.survey(nobody_in_village_3, "eczema", DESIGN, by="sex").table.iloc[0]
    assert whole["std_error"] == pytest.approx(part["std_error"], rel=1e-14)
    assert whole["df"] == 2


@given(st.randoms(use_true_random=False), st.floats(0.1, 50))
def test_order_of_rows_and_unit_of_weights_do_not_matter(random, factor):
    rng = np.random.default_rng(random.randint(0, 10**6))
    data = pd.DataFrame(
        {"s": np.repeat([0, 1], 20), "v": np.repeat(range(10), 4), "w": rng.uniform(1, 5, 40)}
    )
    data["y"] = rng.integers(0, 2, 40)
    data.loc[:1, "y"] = [0, 1]
    design = SurveyDesign("w", "s", "v")
    first = prevalence.survey(data, "y", design).table
    shuffled = data.sample(frac=1, random_state=random.randint(0, 1000)).assign(w=lambda d: d["w"] * factor)
    second = prevalence.survey(shuffled, "y", design).table
    numbers = first.select_dtypes("number").columns
    np.testing.assert_allclose(second[numbers].to_numpy(float), first[numbers].to_numpy(float), rtol=1e-9)


@given(st.lists(st.integers(0, 1), min_size=4, max_size=30))
def test_clusters_of_one_are_no_clusters(values):
    data = pd.DataFrame({"y": values, "id": range(len(values))})
    plain = prevalence.survey(data, "y", SurveyDesign()).table
    alone = prevalence.survey(data, "y", SurveyDesign(cluster="id")).table
    names = ["estimate", "conf_low", "conf_high", "std_error", "df"]
    pd.testing.assert_frame_equal(plain[names], alone[names])


def test_census_has_no_sampling_error(villages):
    found = row(
        survey.mean(
            villages.assign(N=3), "eczema", SurveyDesign("w", "county", "village", fpc="N", nest=True)
        )
    )
    assert found["std_error"] == 0


@pytest.mark.parametrize("ci", ["logit", "beta", "likelihood", "arcsine", "wald"])
def test_nobody_and_everybody(villages, ci):
    for value in (0, 1):
        found = prevalence.survey(villages.assign(eczema=value), "eczema", DESIGN, ci=ci)
        low, high = row(found)[["conf_low", "conf_high"]]
        assert (low, high) == pytest.approx((0, 0.2646485) if value == 0 else (0.7353515, 1), abs=1e-7)
        assert "Clopper-Pearson" in found.notes[0]


def test_intervals_hold_the_estimate_and_widen_with_the_level(villages):
    for ci in ("logit", "beta", "likelihood", "arcsine", "wald"):
        narrow = row(prevalence.survey(villages, "eczema", DESIGN, ci=ci, conf_level=0.8))
        wide = row(prevalence.survey(villages, "eczema", DESIGN, ci=ci, conf_level=0.99))
        assert wide["conf_low"] < narrow["conf_low"] < 0.25 < narrow["conf_high"] < wide["conf_high"]


def test_missing_values_are_counted(villages):
    villages.loc[[0, 7], "eczema"] = np.nan
    found = prevalence.survey(villages, "eczema", DESIGN)
    assert found.n == 10 and found.n_missing == {"eczema": 2}
    assert "2 of 12 rows left out" in found.notes[0]


def test_all_missing(villages):
    found = prevalence.survey(villages.assign(eczema=np.nan), "eczema", DESIGN)
    assert found.n == 0 and np.isnan(row(found)["estimate"])
    assert "nothing to estimate" in " ".join(found.notes)
    with pytest.raises(ValueError, match="nothing to estimate"):
        survey.mean(villages.assign(eczema=np.nan), "eczema", DESIGN)


def test_rows_of_weight_zero_are_outside_but_in_the_design(villages):
    villages.loc[4:5, "w"] = 0
    found = prevalence.survey(villages, "eczema", DESIGN)
    assert found.n == 10 and "2 rows with weight 0" in " ".join(found.notes)
    assert row(found)["df"] == 3


def test_one_row():
    found = prevalence.survey(pd.DataFrame({"y": [1]}), "y", SurveyDesign(lonely_psu="adjust"))
    assert row(found)["estimate"] == 1 and np.isnan(row(found)["conf_low"])
    assert "no degrees of freedom" in " ".join(found.notes)


def test_few_sampling_units_are_said(villages):
    assert "Fewer than 8 degrees of freedom" in " ".join(prevalence.survey(villages, "eczema", DESIGN).notes)


def test_wald_beyond_its_range_is_said(villages):
    villages["eczema"] = [1] + [0] * 11
    found = prevalence.survey(villages, "eczema", DESIGN, ci="wald")
    assert row(found)["conf_low"] < 0 and "reaches beyond 0 or 1" in " ".join(found.notes)


def test_method_names_the_design(villages):
    found = prevalence.survey(villages, "eczema", DESIGN)
    assert "strata by county, clusters by village, weights from w" in found.method


# ------------------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"w": [-1.0] * 2 + [1.0] * 10}, "2 of 12 rows are negative"),
        ({"w": [np.nan] + [1.0] * 11}, "'w' is missing in 1 of 12 rows"),
        ({"w": [0.0] * 12}, "not all zero"),
        ({"w": ["1"] * 12}, "'w' must be numeric"),
        ({"county": [None] + ["a"] * 11}, "'county' is missing in 1 of 12 rows"),
        ({"eczema": [2] + [0] * 11}, "eczema"),
    ],
)
def test_bad_columns(villages, change, message):
    with pytest.raises(ValueError, match=message):
        prevalence.survey(villages.assign(**change), "eczema", DESIGN)


def test_clusters_in_several_strata(villages):
    with pytest.raises(
        ValueError, match=r"3 of the clusters in 'village' occur in more than one stratum.*nest=True"
    ):
        prevalence.survey(villages, "eczema", SurveyDesign("w", "county", "village"))


def test_one_unit_in_a_stratum(villages):
    some = villages[(villages["county"] == "a") | (villages["village"] == 1)]
    with pytest.raises(ValueError, match=r"1 stratum \(b\) with only one sampling unit.*lonely_psu='adjust'"):
        prevalence.survey(some, "eczema", DESIGN)


@pytest.mark.parametrize(
    ("size", "message"),
    [
        ([3.0] * 11 + [4.0], "differs within 1 of 2 strata"),
        ([2.0] * 12, "smaller than the number of units sampled in 2 strata"),
        ([0.0] * 12, "must be above 0"),
        ([0.5] * 6 + [9.0] * 6, "mixes fractions and population sizes"),
    ],
)
def test_bad_population(villages, size, message):
    with pytest.raises(ValueError, match=message):
        prevalence.survey(
            villages.assign(N=size), "eczema", SurveyDesign("w", "county", "village", "N", True)
        )


def test_bad_arguments(villages):
    with pytest.raises(ValueError, match="lonely_psu='drop' is unknown"):
        SurveyDesign(lonely_psu="drop")
    with pytest.raises(ValueError, match="fpc names 1 of 2 stages"):
        SurveyDesign(cluster=["a", "b"], fpc="N")
    with pytest.raises(ValueError, match="ci='exact' is unknown"):
        prevalence.survey(villages, "eczema", DESIGN, ci="exact")
    with pytest.raises(ValueError, match=r"no column 'vilage'.*village"):
        prevalence.survey(villages, "eczema", SurveyDesign(cluster="vilage"))
    with pytest.raises(ValueError, match="'sex' must be numeric"):
        survey.mean(villages, "sex", DESIGN)
    with pytest.raises(ValueError, match="between 0 and 1"):
        survey.quantile(villages, "w", DESIGN, 50)
    with pytest.raises(ValueError, match="'county' has 1 level"):
        survey.independence(villages[:6], "county", "sex", SurveyDesign())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"kind": "JK2"}, "kind='JK2' is unknown"),
        ({"kind": "Fay"}, "rho belongs to kind='Fay'"),
        ({"kind": "JKn"}, "needs them: one a replicate"),
        ({"kind": "JKn", "rscales": [1.0]}, "1 values for 2 replicates"),
        ({"kind": "Fay", "rho": 1.5}, "must lie between 0 and 1"),
    ],
)
def test_bad_replicates(arguments, message):
    with pytest.raises(ValueError, match=message):
        ReplicateDesign("w", ["a", "b"], **arguments)


# ---------------------------------------------------------------------- robust variances


def test_cr3_is_the_jackknife_over_clusters():
    rng = np.random.default_rng(5)
    X, cluster = np.column_stack([np.ones(24), rng.normal(size=24)]), np.repeat(np.arange(6), 4)
    y = rng.normal(size=24)
    beta = np.linalg.lstsq(X, y, rcond=None)[0]
    ones = np.ones(24)
    left_out = np.array([np.linalg.lstsq(X[cluster != g], y[cluster != g], rcond=None)[0] for g in range(6)])
    found = bias_reduced(MeanModel(X, ones, y - X @ beta, ones), cluster, "CR3").covariance
    np.testing.assert_allclose(found, (left_out - beta).T @ (left_out - beta), rtol=1e-10)


def test_cr2_is_unbiased_under_its_working_model():
    """Balanced means: CR2 is G/(G - 1) times CR0, with G - 1 degrees of freedom."""
    rng = np.random.default_rng(6)
    X, cluster, y = np.ones((20, 1)), np.repeat(np.arange(5), 4), rng.normal(size=20)
    residual, ones = y - y.mean(), np.ones(20)
    found = bias_reduced(MeanModel(X, ones, residual, ones), cluster, "CR2")
    cr1 = sandwich(residual[:, None] / 20, cluster, "CR1")
    np.testing.assert_allclose(found.covariance, cr1, rtol=1e-12)
    np.testing.assert_allclose(found.df, [4], rtol=1e-12)


def test_large_clusters_take_the_other_root(monkeypatch):
    """Both roots are close; the one that is not symmetric says so."""
    rng = np.random.default_rng(7)
    X, cluster = np.column_stack([np.ones(60), rng.normal(size=60)]), np.repeat(np.arange(10), 6)
    p = 1 / (1 + np.exp(-X[:, 1]))
    y, v = (rng.uniform(size=60) < p) * 1.0, p * (1 - p)
    model = MeanModel(X * v[:, None], 1 / v, y - p, v)
    dense = bias_reduced(model, cluster, "CR2")
    monkeypatch.setattr("dermcohort.variance.few_clusters.DENSE_LIMIT", 0)
    fast = bias_reduced(model, cluster, "CR2")
    assert dense.symmetric_root and not fast.symmetric_root
    np.testing.assert_allclose(fast.covariance, dense.covariance, rtol=0.05)
    weighted = MeanModel(X, np.arange(1.0, 61), y - p, np.ones(60))
    with pytest.raises(ValueError, match="use CR1 or CR3"):
        bias_reduced(weighted, cluster, "CR2")


def test_kinds_that_do_not_fit():
    influence = np.ones((4, 1))
    with pytest.raises(ValueError, match="needs more of a model"):
        sandwich(influence, np.array([0, 0, 1, 1]), "CR2")
    with pytest.raises(ValueError, match="all rows are in one cluster"):
        sandwich(influence, np.zeros(4, int), "CR1")
    with pytest.raises(ValueError, match="needs more rows"):
        sandwich(np.ones((2, 2)), np.array([0, 1]), "CR1S")


def test_margins(villages):
    found = prevalence.survey(villages, "eczema", DESIGN, by=["county", "sex"], margins=True, kind="point")
    table = found.table.set_index(["county", "sex"])
    assert len(table) == 9 and found.n == 12
    overall = row(prevalence.survey(villages, "eczema", DESIGN))
    by_sex = prevalence.survey(villages, "eczema", DESIGN, by="sex").table.set_index("sex")
    assert table.loc[("All", "All"), "std_error"] == overall["std_error"]
    assert table.loc[("All", "f"), "conf_high"] == by_sex.loc["f", "conf_high"]
    assert set(table["measure"]) == {"point prevalence"} and "point prevalence" in found.method
    with pytest.raises(ValueError, match="kind='now' is unknown"):
        prevalence.survey(villages, "eczema", DESIGN, kind="now")
