"""Meta-analysis: cases worked by hand, properties, and data that are too thin."""

import matplotlib
import numpy as np
import pandas as pd
import pytest
from golden import read
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, chi2

from dermcohort import Estimates, meta, prevalence
from dermcohort.meta.random_effects import METHODS
from dermcohort.prevalence.binomial_normal import _integrate

matplotlib.use("agg")
few = settings(max_examples=10, deadline=None)
seeds = given(seed=st.integers(0, 10_000))


def studies(seed: int, k: int = 8) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    std_error = rng.uniform(0.1, 0.6, k)
    return rng.normal(0.3, np.hypot(std_error, rng.uniform(0, 0.5))), std_error


def pooled_row(fit: meta.MetaAnalysis) -> pd.Series:
    return fit.table[fit.table["term"] == "pooled"].squeeze()


# ------------------------------------------------------------------------------------------ by hand


def test_two_studies_with_equal_errors_by_hand():
    """Estimates 0 and 2 with variance 1: Q = 1 + 1 = 2 on 1 df, tau2 = (2 - 1) / (2 - 2/2) = 1 by every method of
    moments; weights 1/2 each, mean 1, variance (1 + 1) / 2 = 1; I2 = 1 / (1 + 1) = 50%, prediction 1 -+ 1.96 sqrt 2.
    """
    for method in ("DL", "HE", "PM", "REML"):
        fit = meta.combine([0.0, 2.0], [1.0, 1.0], method=method)
        row = pooled_row(fit)
        assert (row.coef, row.std_error) == pytest.approx((1, 1))
        assert (fit.Q, fit.Q_df, fit.tau2, fit.I2, fit.H2) == pytest.approx((2, 1, 1, 50, 2))
        assert fit.prediction_interval == pytest.approx(
            (1 - 1.959964 * 2**0.5, 1 + 1.959964 * 2**0.5), rel=1e-6
        )
        assert fit.table["weight"].tolist() == pytest.approx([50, 50, 100])
    # ML: tau2 + 1 = sum of squares / k = 1
    assert meta.combine([0.0, 2.0], [1.0, 1.0], method="ML").tau2 == pytest.approx(0, abs=1e-12)


def test_hartung_knapp_by_hand():
    """As above, estimates 0 and 2 and equal effects refused; DL: s2 = sum w (y - 1)^2 / 1 = (1/2 + 1/2) = 1."""
    fit = meta.combine([0.0, 2.0], [1.0, 1.0], method="DL", hksj=True)
    row = pooled_row(fit)
    assert row.std_error == pytest.approx(1)
    # t with 1 df is Cauchy: its upper quartile at 97.5% is tan(0.475 pi)
    assert row.conf_high == pytest.approx(1 + np.tan(0.475 * np.pi))
    assert row.df == 1


def test_q_profile_by_hand():
    """Q(tau2) = 2 / (1 + tau2) for the two studies: tau2 = 2 / quantile - 1."""
    low, high = meta.combine([0.0, 2.0], [1.0, 1.0]).tau2_interval
    assert low == 0
    assert high == pytest.approx(2 / chi2.ppf(0.025, 1) - 1)


def test_a_ratio_is_reported_as_a_ratio():
    log, ratio = (meta.combine([0.1, 0.5], [0.1, 0.2], measure=measure) for measure in ("estimate", "HR"))
    np.testing.assert_allclose(ratio.table["estimate"], np.exp(log.table["estimate"]))
    np.testing.assert_allclose(ratio.table["conf_low"], np.exp(log.table["conf_low"]))
    np.testing.assert_allclose(ratio.prediction_interval, np.exp(log.prediction_interval))
    np.testing.assert_allclose(ratio.table["coef"], log.table["coef"])
    assert "log HR" in ratio.method
    assert ratio.tau2 == log.tau2


def test_equal_effects_is_the_precision_weighted_mean():
    y, std_error = studies(1)
    fit = meta.combine(y, std_error, method="fixed")
    assert pooled_row(fit).estimate == pytest.approx(np.average(y, weights=std_error**-2))
    assert fit.tau2 == 0
    assert np.isnan(fit.prediction_interval).all()
    assert fit.estimator == "EE"


# --------------------------------------------------------------------------------------- properties


@seeds
@few
def test_order_of_studies_does_not_matter(seed):
    y, std_error = studies(seed)
    order = np.random.default_rng(seed).permutation(len(y))
    for method in METHODS:
        a, b = (
            meta.combine(y, std_error, method=method),
            meta.combine(y[order], std_error[order], method=method),
        )
        assert pooled_row(a).coef == pytest.approx(pooled_row(b).coef, rel=1e-9)
        assert a.tau2 == pytest.approx(b.tau2, rel=1e-8, abs=1e-12)


@seeds
@few
def test_scale_and_shift(seed):
    """Twice the estimates and errors: four times tau2. Shifted estimates: the same tau2, a shifted mean."""
    y, std_error = studies(seed)
    for method in METHODS:
        fit = meta.combine(y, std_error, method=method)
        double = meta.combine(2 * y + 3, 2 * std_error, method=method)
        assert double.tau2 == pytest.approx(4 * fit.tau2, rel=1e-8, abs=1e-12)
        assert pooled_row(double).coef == pytest.approx(2 * pooled_row(fit).coef + 3, rel=1e-9)
        np.testing.assert_allclose(double.I2, fit.I2, rtol=1e-8, atol=1e-9)


@seeds
@few
def test_no_tau2_has_a_higher_likelihood(seed):
    y, std_error = studies(seed)

    def loglik(tau2, restricted):
        w = 1 / (std_error**2 + tau2)
        q = np.sum(w * (y - np.average(y, weights=w)) ** 2)
        return -0.5 * (q - np.sum(np.log(w)) + restricted * np.log(w.sum()))

    others = [0, *np.geomspace(1e-6, 10, 300)]
    for method in ("ML", "REML"):
        restricted = method == "REML"
        best = loglik(meta.combine(y, std_error, method=method).tau2, restricted)
        assert best >= max(loglik(tau2, restricted) for tau2 in others) - 1e-12


@seeds
@few
def test_binomial_normal_model_is_at_the_maximum(seed):
    rng = np.random.default_rng(seed)
    n = rng.integers(5, 200, 6).astype(float)
    x = rng.binomial(n.astype(int), rng.uniform(0.01, 0.6) * rng.uniform(0.2, 1.6, 6)).astype(float)
    if np.all((x == 0) | (x == n)):
        return
    fit = prevalence.pooled(x, n, method="GLMM")
    mu, sigma = pooled_row(fit).coef, fit.tau2**0.5
    best = _integrate(np.array([mu, sigma]), x, n)[0]
    for step in (1e-2, -1e-2, 0.3, -0.3):
        assert _integrate(np.array([mu + step, sigma]), x, n)[0] < best
        assert _integrate(np.array([mu, sigma + abs(step)]), x, n)[0] < best
        assert _integrate(np.array([mu, max(sigma + step, 0)]), x, n)[0] <= best + 1e-9


@seeds
@few
def test_cases_and_non_cases_mirror(seed):
    rng = np.random.default_rng(seed)
    n = rng.integers(10, 200, 5)
    x = rng.binomial(n, 0.3)
    for options in ({}, {"transform": "arcsine"}, {"transform": "freeman-tukey"}, {"method": "GLMM"}):
        a, b = (pooled_row(prevalence.pooled(cases, n, **options)) for cases in (x, n - x))
        assert a.estimate == pytest.approx(1 - b.estimate, rel=1e-8)
        assert a.conf_low == pytest.approx(1 - b.conf_high, rel=1e-7)


def test_the_integral_is_that_of_the_binomial_normal_distribution():
    """At sigma = 0 it is the binomial; over all x it sums to 1."""
    x = np.arange(13.0)
    n = np.full(13, 12.0)
    for theta in ([-1.0, 0.0], [-1.0, 1.5], [2.0, 4.0]):
        logs = [_integrate(np.array(theta), x[i : i + 1], n[:1])[0] for i in range(13)]
        assert np.exp(logs).sum() == pytest.approx(1, rel=1e-10)
    loglik = _integrate(np.array([-1.0, 0.0]), x, n)[0]
    assert loglik == pytest.approx(binom.logpmf(x, 12, 1 / (1 + np.e)).sum(), rel=1e-12)


def test_equal_proportions_have_no_tau2():
    fit = prevalence.pooled([10, 20, 30], [100, 200, 300], method="GLMM")
    row = pooled_row(fit)
    assert fit.tau2 == 0
    assert row.estimate == pytest.approx(0.1)
    assert row.std_error == pytest.approx((600 * 0.1 * 0.9) ** -0.5)
    np.testing.assert_allclose(fit.Q, 0, atol=1e-9)


# ------------------------------------------------------------------------------- what can be asked


def test_subgroups_are_meta_analyses_of_their_own():
    data = read("bcg_es")
    fit = meta.combine(data["yi"], data["vi"] ** 0.5, data["author"], measure="RR", subgroup=data["alloc"])
    test = fit.subgroups()
    inside = data[data["alloc"] == "random"]
    alone = meta.combine(inside["yi"], inside["vi"] ** 0.5, measure="RR")
    row = test.table.set_index("subgroup").loc["random"]
    assert row.estimate == pytest.approx(pooled_row(alone).estimate)
    assert (row.tau2, row.studies) == (alone.tau2, 7)
    assert test.df == 2
    assert fit.table.columns[0] == "subgroup"
    assert "tau2 of its own" in test.method


def test_leave_one_out_of_proportions():
    fit = prevalence.pooled([3, 9, 30], [50, 60, 100], ["a", "b", "c"], method="GLMM")
    table = fit.leave_one_out().table
    assert table["term"].tolist() == ["a", "b", "c"]
    alone = prevalence.pooled([3, 9], [50, 60], method="GLMM")
    assert table["estimate"].iloc[2] == pytest.approx(pooled_row(alone).estimate)
    assert table["tau2"].iloc[2] == pytest.approx(alone.tau2)


def test_saved_results_can_still_be_asked(tmp_path):
    y, std_error = studies(3)
    fit = meta.combine(y, std_error, subgroup=list("aabbccdd"), hksj=True)
    again = Estimates.load(fit.save(tmp_path / "meta"))
    assert (again.tau2, again.I2_interval) == (fit.tau2, fit.I2_interval)
    pd.testing.assert_frame_equal(again.leave_one_out().table, fit.leave_one_out().table)
    pd.testing.assert_frame_equal(again.subgroups().table, fit.subgroups().table)
    share = prevalence.pooled([3, 9, 30], [50, 60, 100])
    again = Estimates.load(share.save(tmp_path / "prevalence"))
    pd.testing.assert_frame_equal(again.leave_one_out().table, share.leave_one_out().table)


def test_what_stands_below_the_table():
    fit = meta.combine([0.0, 2.0], [1.0, 1.0], subgroup=["u", "v"])
    assert "tau2 = 1.000 (0.000, 2,035.517)" in repr(fit)
    assert "I2 = 50.0% (0.0, 100.0)" in repr(fit)
    assert "Q = 2.0, df = 1, p = 0.16." in repr(fit)
    assert "Pooled with 95% prediction interval: 1.00 (−1.77, 3.77)." in repr(fit)
    assert "Between subgroups: Q = 2.0, df = 1, p = 0.16." in repr(fit.subgroups())
    assert "prediction" not in repr(meta.combine([0.0, 2.0], [1.0, 1.0], method="EE"))


def test_forest_plot():
    y, std_error = studies(4, 6)
    fit = meta.combine(y, std_error, list("ABCDEF"), subgroup=list("uuvvww"))
    ax = fit.plot()
    names = [label.get_text() for label in ax.get_yticklabels()]
    assert names == ["A", "B", "pooled, u", "C", "D", "pooled, v", "E", "F", "pooled, w", "pooled",
                     "95% prediction interval"]  # fmt: skip
    diamonds = [patch.get_xy() for patch in ax.patches]
    assert len(diamonds) == 4
    row = pooled_row(fit)
    assert diamonds[-1][:3, 0] == pytest.approx([row.conf_low, row.estimate, row.conf_high])
    prediction = ax.collections[0].get_segments()[-1]
    assert prediction[:, 0] == pytest.approx(fit.prediction_interval)
    without = meta.combine(y, std_error, list("ABCDEF"), method="EE").plot()
    assert without.get_yticklabels()[-1].get_text() == "pooled"
    assert "Weight, %" in fit.to_display()


# ------------------------------------------------------------------------------------- thin data


def test_one_study():
    fit = meta.combine([0.5], [0.2])
    row = pooled_row(fit)
    assert (row.estimate, row.std_error, fit.tau2, fit.Q, fit.I2) == pytest.approx((0.5, 0.2, 0, 0, 0))
    assert np.isnan(fit.prediction_interval).all()
    assert fit.notes[0].startswith("One study")
    assert np.isnan(pooled_row(meta.combine([0.5], [0.2], hksj=True)).conf_low)
    share = prevalence.pooled([3], [20], method="GLMM")
    assert pooled_row(share).estimate == pytest.approx(0.15)
    assert share.tau2 == 0
    with pytest.raises(ValueError, match="there is one study"):
        fit.leave_one_out()
    with pytest.raises(ValueError, match="3 studies or more"):
        fit.funnel_asymmetry()


def test_identical_studies():
    for method in METHODS:
        fit = meta.combine([0.5, 0.5, 0.5], [0.2, 0.2, 0.2], method=method)
        assert (fit.tau2, fit.I2) == (0, 0)
        assert pooled_row(fit).std_error == pytest.approx(0.2 / 3**0.5)


def test_identical_studies_leave_hartung_and_knapp_no_variance():
    row = pooled_row(meta.combine([0.5, 0.5, 0.5], [0.2, 0.2, 0.2], hksj=True))
    assert (row.std_error, row.conf_low, row.conf_high, row.p_value) == (0, 0.5, 0.5, 0)


def test_missing_values_are_counted():
    fit = meta.combine([0.5, np.nan, 0.3], [0.2, 0.1, 0.1], ["a", "b", None], subgroup=["u", "u", "v"])
    assert fit.n == 2
    assert fit.n_missing == {"estimates": 1, "std_errors": 0, "subgroup": 0}
    assert "1 of 3 rows left out" in fit.notes[0]
    assert fit.table["term"].tolist() == ["a", "study 3", "pooled"]
    nullable = pd.DataFrame({"b": [0.5, None, 0.3], "se": [0.2, 0.1, 0.1]}, index=[9, 8, 7]).convert_dtypes()
    assert pooled_row(meta.combine(nullable["b"], nullable["se"])).coef == pooled_row(fit).coef
    with pytest.raises(ValueError, match="no study has all of estimates, std_errors"):
        meta.combine([np.nan], [0.1])
    with pytest.raises(ValueError, match="nothing to pool"):
        prevalence.pooled([], [])


def test_no_case_in_any_study():
    fit = prevalence.pooled([0, 0], [20, 30])
    assert any(note.startswith("No study has both") for note in fit.notes)
    assert any("1/2 is added" in note for note in fit.notes)
    for transform in ("arcsine", "freeman-tukey"):
        row = pooled_row(prevalence.pooled([0, 0], [20, 30], transform=transform))
        assert row.estimate == row.conf_low == 0
        assert 0 < row.conf_high < 0.1
    for cases in ([0, 0], [20, 30], [20, 0]):
        with pytest.raises(ValueError, match="no case or cases only, so method='GLMM' has no maximum"):
            prevalence.pooled(cases, [20, 30], method="GLMM")


def test_binomial_normal_model_of_large_studies_without_cases():
    """Newton's steps to the mode of such a study overshoot; the maximum is the same from every start."""
    fit = prevalence.pooled(
        [0, 152639, 137424, 106124, 293], [62296, 194803, 166117, 120479, 72379], method="GLMM"
    )
    row = pooled_row(fit)
    best = _integrate(np.array([row.coef, fit.tau2**0.5]), *fit.studies[["events", "n"]].to_numpy(float).T)
    assert np.abs(best[1]).max() < 1e-6
    assert (np.linalg.eigvalsh(best[2]) < 0).all()


def test_what_a_reader_must_know():
    assert "harmonic mean" in prevalence.pooled([3, 5], [40, 50], transform="freeman-tukey").notes[-1]
    y, std_error = np.array([0.5, 0.51, 0.49, 0.5, 0.505]), np.full(5, 0.2)
    notes = " ".join(meta.combine(y, std_error, hksj=True).notes)
    assert "below the usual one" in notes
    assert "Q-profile interval of tau2 is empty" in notes
    assert meta.combine(*studies(5)).notes == ()
    shares = prevalence.pooled([3, 5, 9], [40, 50, 60]).funnel_asymmetry()
    assert "depends on the proportion" in shares.notes[-1]
    assert "fewer than 10" in meta.combine(*studies(5)).funnel_asymmetry().notes[0]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: meta.combine([1, 2], [1, 1], method="REMl"), "Did you mean 'REML'"),
        (lambda: meta.combine([1, 2], [1, 1], method="GLMM"), "method='GLMM' is unknown"),
        (lambda: meta.combine([1, 2], [1, 1], method="EE", hksj=True), "goes with a normal random-effects model"),
        (lambda: meta.combine([1, 2], [1, 1], conf_level=95), "must lie between 0 and 1"),
        (lambda: meta.combine([1, 2], [1]), "std_errors has 1 values and estimates has 2"),
        (lambda: meta.combine([1, 2], [1, 0], ["a", "b"]), r"1 of 2 are not above 0, first that of 'b'"),
        (lambda: meta.combine([1, np.inf], [1, 1]), "1 of 2 are infinite"),
        (lambda: meta.combine(["x", "y"], [1, 1]), "must be numbers"),
        (lambda: meta.combine([1, 2], [1, 1], ["pooled", "b"]), "rename it"),
        (lambda: meta.combine([1, 2], [1, 1]).subgroups(), "have no subgroup"),
        (lambda: meta.combine([1, 2], [1, 1], subgroup=["u", "u"]).subgroups(), "one subgroup 'u'"),
        (lambda: meta.combine([1, 2, 3], [1, 1, 1]).funnel_asymmetry(), "standard errors differ"),
        (lambda: meta.combine(*studies(1)).funnel_asymmetry(model="x"), "choose 'rma' or 'lm'"),
        (lambda: prevalence.pooled([1, 2, 3], [9, 8, 7], method="GLMM").funnel_asymmetry(), "pool with method='ML'"),
        (lambda: prevalence.pooled([1], [10], transform="log"), "transform='log' is unknown"),
        (lambda: prevalence.pooled([1], [10], method="GLMM", transform="arcsine"), "works on the logit scale"),
        (lambda: prevalence.pooled([1], [10], method="GLMM", hksj=True), "not 'GLMM'"),
        (lambda: prevalence.pooled([11], [10]), "cases must not be above n"),
        (lambda: prevalence.pooled([-1], [10]), "cases must not be negative"),
        (lambda: prevalence.pooled([0.1], [10]), "counts, not percentages"),
        (lambda: prevalence.pooled([0], [0]), "n must be above 0"),
    ],
)  # fmt: skip
def test_wrong_arguments_are_explained(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize("transform", ["arcsine", "freeman-tukey"])
def test_no_case_anywhere_is_said(transform):
    found = prevalence.pooled([0, 0, 0], [50, 80, 120], transform=transform)
    assert "narrower than an exact one" in " ".join(found.notes)
