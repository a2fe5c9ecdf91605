"""Diagnostic accuracy and agreement: against R (validation/own/accuracy.R), cases worked by hand, degenerate ones."""

import matplotlib
import numpy as np
import pandas as pd
import pytest
from golden import read, reference
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import trapezoid
from scipy.stats import mannwhitneyu

from dermcohort import Estimates, accuracy

matplotlib.use("Agg")
LIMITS = ["estimate", "conf_low", "conf_high"]
closed = {"rtol": 1e-12, "atol": 1e-14}


@pytest.fixture(scope="module")
def asah() -> pd.DataFrame:
    data = read("asah")
    return data.assign(poor=data["outcome"] == "Poor", test=data["s100b"] >= 0.205)


def pairs(counts, a: str = "a", b: str = "b") -> pd.DataFrame:
    """One row a subject from a table of counts."""
    i, j = (index.ravel() for index in np.indices(np.shape(counts)))
    return pd.DataFrame({a: i, b: j}).loc[np.repeat(np.arange(i.size), np.ravel(counts))]


def four_cells(tp, fp, fn, tn) -> pd.DataFrame:
    return pairs([[tn, fn], [fp, tp]], "test", "ill").reset_index(drop=True)


def row_of(found: Estimates, measure: str) -> pd.Series:
    return found.table.set_index("measure").loc[measure]


def values(table: pd.DataFrame, *columns: str) -> np.ndarray:
    return table[list(columns)].to_numpy(float).ravel()


# ------------------------------------------------------------------------------------------ against R

RATING = [[7, 7, 2, 3], [2, 8, 3, 7], [1, 5, 4, 9], [2, 8, 9, 14]]
FLEISS = [
    [0, 0, 0, 0, 14], [0, 2, 6, 4, 2], [0, 0, 3, 5, 6], [0, 3, 9, 2, 0], [2, 2, 8, 1, 1],
    [7, 7, 0, 0, 0], [3, 2, 6, 3, 0], [2, 5, 3, 2, 2], [6, 5, 2, 1, 0], [0, 2, 2, 3, 7],
]  # fmt: skip
JUDGES = np.array([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]])
WRIGHT = [494, 395, 516, 434, 476, 557, 413, 442, 650, 433, 417, 656, 267, 478, 178, 423, 427]
MINI = [512, 430, 520, 428, 500, 600, 364, 380, 658, 445, 432, 626, 260, 477, 259, 350, 451]


def long(matrix) -> pd.DataFrame:
    subject, rater = np.indices(np.shape(matrix))
    return pd.DataFrame({"subject": subject.ravel(), "rater": rater.ravel(), "x": np.ravel(matrix)})


def raters_of(counts) -> pd.DataFrame:
    ratings = [np.repeat(np.arange(len(row)), row) for row in counts]
    return pd.DataFrame(ratings).add_prefix("r")


@pytest.mark.parametrize(
    ("ci", "identifier"), [("wilson", "acc.diag"), ("clopper-pearson", "acc.diag.exact")]
)
def test_proportions(asah, ci, identifier):
    found = accuracy.diagnostic(asah, "test", "poor", ci=ci)
    np.testing.assert_allclose(values(found.table.head(5), *LIMITS), reference(identifier), **closed)


def test_ratios(asah):
    table = accuracy.diagnostic(asah, "test", "poor").table.set_index("measure")
    found = values(table.loc[["LR+", "LR-", "DOR"]], *LIMITS)
    np.testing.assert_allclose(found, reference("acc.diag.ratios"), **closed)
    typed = accuracy.diagnostic(four_cells(31, 17, 9, 203), "test", "ill", conf_level=0.9).table
    found = values(typed.set_index("measure").loc[["LR+", "LR-", "DOR"]], *LIMITS)
    np.testing.assert_allclose(found, reference("acc.diag.ratios90"), **closed)


def test_predictive_values_at_a_prevalence(asah):
    found = accuracy.diagnostic(asah, "test", "poor", prevalence=0.1)
    np.testing.assert_allclose(values(found.table.iloc[2:4], *LIMITS), reference("acc.diag.bayes"), **closed)
    assert "prevalence of 10%" in found.method


def test_youden(asah):
    found = row_of(accuracy.diagnostic(asah, "test", "poor"), "Youden index")
    np.testing.assert_allclose(found[LIMITS].to_numpy(float), reference("acc.diag.youden"), **closed)


def test_accuracy_by_group(asah):
    table = accuracy.diagnostic(asah, "test", "poor", by="gender").table
    assert table["gender"].tolist() == ["Female"] * 9 + ["Male"] * 9
    np.testing.assert_allclose(values(table.head(5), *LIMITS), reference("acc.diag.women"), **closed)


@pytest.mark.parametrize(
    ("identifier", "score", "level"),
    [("acc.roc", "s100b", 0.95), ("acc.roc.ties", "wfns", 0.95), ("acc.roc.90", "ndka", 0.9)],
)
def test_area(asah, identifier, score, level):
    table = accuracy.roc(asah, score, "poor", conf_level=level).table
    np.testing.assert_allclose(values(table, *LIMITS, "std_error"), reference(identifier), **closed)


def test_area_by_group_and_of_many(asah):
    by = accuracy.roc(asah, "s100b", "poor", by="gender").table
    np.testing.assert_allclose(values(by, *LIMITS, "std_error"), reference("acc.roc.by"), **closed)
    large = accuracy.roc(read("rotterdam"), "nodes", "death").table
    np.testing.assert_allclose(values(large, *LIMITS, "std_error"), reference("acc.roc.large"), **closed)


def test_best_cutpoint(asah):
    best = pd.concat(accuracy.roc(asah, score, "poor").cutpoint for score in ("s100b", "ndka", "wfns"))
    np.testing.assert_allclose(
        values(best, "sensitivity", "specificity"), reference("acc.roc.best"), **closed
    )


@pytest.mark.parametrize(
    ("identifier", "scores"),
    [("acc.roc.paired", ["s100b", "ndka"]), ("acc.roc.paired.ties", ["wfns", "s100b"])],
)
def test_paired_areas(asah, identifier, scores):
    last = accuracy.compare_auc(asah, scores, "poor").table.tail(1)
    found = values(last, *LIMITS, "statistic", "p_value")
    # a difference of two areas loses two digits
    np.testing.assert_allclose(found, reference(identifier), rtol=1e-11)


@pytest.mark.parametrize("weights", [None, "linear", "quadratic"])
def test_kappa(weights):
    identifier = "acc.kappa" if weights is None else f"acc.kappa.{weights}"
    row = accuracy.kappa(pairs(RATING), "a", "b", weights).table.iloc[0]
    found = row[["estimate", "std_error", "conf_low", "conf_high"]].to_numpy(float)
    np.testing.assert_allclose(found, reference(identifier), **closed)
    z = reference("acc.kappa.z")[[None, "linear", "quadratic"].index(weights)]
    assert row["statistic"] == pytest.approx(z, rel=1e-12)


def test_kappa_of_two_levels(asah):
    found = accuracy.kappa(asah, "test", "poor").table
    kappa = values(found.head(1), "estimate", "std_error", "conf_low", "conf_high")
    np.testing.assert_allclose(kappa, reference("acc.kappa.two"), **closed)
    agreement = [*found["estimate"].iloc[1:], *found["std_error"].iloc[2:4]]
    np.testing.assert_allclose(agreement, reference("acc.kappa.agreement"), **closed)


def test_fleiss():
    data = raters_of(FLEISS)
    table = accuracy.fleiss_kappa(data, list(data)).table
    found = np.concatenate(
        [values(table.head(1), "estimate", "statistic"), table["estimate"][1:], table["statistic"][1:]]
    )
    np.testing.assert_allclose(found, reference("acc.fleiss"), **closed)
    np.testing.assert_allclose(
        values(table.head(1), *LIMITS, "std_error"), reference("acc.fleiss.ci"), **closed
    )


@pytest.mark.parametrize(
    ("ci", "identifier", "rtol"),
    [("exact", "acc.bland", 1e-8), ("approximate", "acc.bland.approximate", 1e-12)],
)
def test_bland_altman(ci, identifier, rtol):
    data = pd.DataFrame({"wright": WRIGHT, "mini": MINI})
    table = accuracy.bland_altman(data, "wright", "mini", ci=ci).table
    np.testing.assert_allclose(values(table, *LIMITS), reference(identifier), rtol=rtol)


@pytest.mark.parametrize(
    ("identifier", "model", "unit"),
    [
        ("1", "oneway", "single"),
        ("A1", "twoway-random", "single"),
        ("C1", "twoway-fixed", "single"),
        ("k", "oneway", "average"),
        ("Ak", "twoway-random", "average"),
        ("Ck", "twoway-fixed", "average"),
    ],
)
def test_icc(identifier, model, unit):
    table = accuracy.icc(long(JUDGES), "subject", "x", "rater", model=model, unit=unit).table
    found = values(table, *LIMITS, "statistic", "p_value")
    np.testing.assert_allclose(found, reference(f"acc.icc.{identifier}"), rtol=1e-11)


def test_icc_below_zero():
    ratings = np.array([[1, 4, 2, 5, 3], [4, 2, 5, 1, 2], [3, 3, 1, 4, 6]]).T
    table = accuracy.icc(long(ratings), "subject", "x", "rater", model="twoway-random").table
    found = values(table, *LIMITS, "statistic", "p_value")
    np.testing.assert_allclose(found, reference("acc.icc.negative"), rtol=1e-11)


def test_icc_of_clusters_of_unequal_size():
    found = accuracy.icc(read("apiclus1"), "dnum", "api00")
    row = values(found.table, *LIMITS, "statistic", "p_value")
    np.testing.assert_allclose(row, reference("acc.icc.unbalanced"), rtol=1e-11)
    assert "approximate" in found.notes[-1]


# ------------------------------------------------------------------------------------ worked by hand


def test_two_by_two_by_hand():
    """Ill 10 (8 positive), well 20 (5 positive): LR+ 0.8 / 0.25, LR- 0.2 / 0.75, DOR 8 * 15 / (5 * 2)."""
    found = accuracy.diagnostic(four_cells(8, 5, 2, 15), "test", "ill")
    estimate = found.table.set_index("measure")["estimate"]
    by_hand = {
        "sensitivity": 8 / 10, "specificity": 15 / 20, "PPV": 8 / 13, "NPV": 15 / 17, "accuracy": 23 / 30,
        "LR+": 3.2, "LR-": 0.2 / 0.75, "DOR": 12, "Youden index": 0.55,
    }  # fmt: skip
    assert estimate.to_dict() == pytest.approx(by_hand)
    assert found.counts.iloc[0].tolist() == [8, 5, 2, 15]
    assert row_of(found, "PPV")[["n", "events"]].tolist() == [13, 8]
    assert (found.n, found.events) == (30, 10)


def test_area_by_hand():
    """Cases 3, 5, 6; controls 1, 2, 3: of 9 pairs 8 are won and one is a tie: 8.5 / 9.

    Placements of cases 2.5/3, 1, 1 have variance 1/108; of controls 1, 1, 2.5/3 the same: se^2 = 2/324.
    """
    data = pd.DataFrame({"score": [3, 5, 6, 1, 2, 3], "ill": [1, 1, 1, 0, 0, 0]})
    found = accuracy.roc(data, "score", "ill")
    assert found.table["estimate"].item() == pytest.approx(8.5 / 9)
    assert found.table["std_error"].item() == pytest.approx((2 / 324) ** 0.5)
    assert found.curve["threshold"].tolist() == [np.inf, 6, 5, 3, 2, 1]
    assert found.curve["sensitivity"].tolist() == pytest.approx([0, 1 / 3, 2 / 3, 1, 1, 1])
    assert found.curve["specificity"].tolist() == pytest.approx([1, 1, 1, 2 / 3, 1 / 3, 0])
    assert found.cutpoint["threshold"].tolist() == [5, 3]  # both have Youden's index 2/3
    assert found.cutpoint["youden"].tolist() == pytest.approx([2 / 3, 2 / 3])


def test_kappa_by_hand():
    """20 both yes, 15 both no, 5 and 10 apart: po 0.7, pe 0.5 * 0.6 + 0.5 * 0.4 = 0.5, kappa 0.4."""
    found = accuracy.kappa(pairs([[15, 5], [10, 20]]), "a", "b")
    estimate = found.table.set_index("measure")["estimate"].to_dict()
    by_hand = {"kappa": 0.4, "agreement": 0.7, "PABAK": 0.4}
    by_hand |= {"positive agreement": 40 / 55, "negative agreement": 30 / 45}
    assert estimate == pytest.approx(by_hand)
    assert found.confusion.to_numpy().tolist() == [[15, 5], [10, 20]]


def test_weights_use_the_distance_of_numbers_and_the_order_of_categories():
    """Ratings 0, 1, 10: 1 is near 0. As categories they are equally spaced."""
    data = pd.DataFrame({"a": [0, 1, 10, 0, 1, 10], "b": [0, 0, 10, 1, 10, 10]})
    as_numbers = accuracy.kappa(data, "a", "b", "linear").table["estimate"][0]
    # mean distance observed (0+1+0+1+9+0)/6, by chance sum of |a - b| / 36
    chance = np.abs(data["a"].to_numpy()[:, None] - data["b"].to_numpy()).mean()
    assert as_numbers == pytest.approx(1 - (11 / 6) / chance)
    words = data.apply(lambda x: pd.Categorical(x, [0, 1, 10], ordered=True))
    ranks = data.replace({10: 2})
    assert accuracy.kappa(words, "a", "b", "linear").table["estimate"][0] == pytest.approx(
        accuracy.kappa(ranks, "a", "b", "linear").table["estimate"][0], rel=1e-14
    )


def test_fleiss_of_two_raters_by_hand():
    """Four subjects, one split: agreement 3/4, p = 4.5/8... of ratings 5 yes, 3 no: pe 34/64, (0.75 - pe) / (1 - pe)."""
    data = pd.DataFrame({"a": [1, 1, 0, 1], "b": [1, 1, 0, 0]})
    found = accuracy.fleiss_kappa(data, ["a", "b"]).table
    assert found["estimate"].tolist() == pytest.approx([(0.75 - 34 / 64) / (30 / 64)] * 3)
    assert found["events"].tolist() == [8, 3, 5]


def test_limits_by_hand():
    """Differences 1, 2, 3: bias 2, SD 1, limits 2 -+ 1.96; se of the bias 1/sqrt(3), t(2) = 4.303."""
    data = pd.DataFrame({"a": [2.0, 4, 6], "b": [1.0, 2, 3]})
    table = accuracy.bland_altman(data, "a", "b").table
    assert table["estimate"].tolist() == pytest.approx([2, 2 - 1.959964, 2 + 1.959964], abs=1e-6)
    assert table["conf_low"][0] == pytest.approx(2 - 4.302653 / 3**0.5, abs=1e-6)


def test_icc_by_hand():
    """Pairs (1, 3), (5, 7): means 2 and 6, between 2 * 8 = 16, within 2 + 2 over 2 = 2: (16 - 2) / (16 + 2)."""
    data = pd.DataFrame({"id": ["x", "x", "y", "y"], "v": [1, 3, 5, 7]})
    assert accuracy.icc(data, "id", "v").table["estimate"].item() == pytest.approx(14 / 18)
    assert accuracy.icc(data, "id", "v", unit="average").table["estimate"].item() == pytest.approx(14 / 16)
    by_rater = data.assign(rater=[1, 2, 1, 2])  # the second always 2 more: consistent, not agreeing
    fixed = accuracy.icc(by_rater, "id", "v", "rater", model="twoway-fixed")
    random = accuracy.icc(by_rater, "id", "v", "rater", model="twoway-random")
    assert fixed.table[LIMITS].iloc[0].tolist() == [1, 1, 1]
    # MSR 16, MSC 4, MSE 0: 16 / (16 + 2 * 4 / 2)
    assert random.table["estimate"].item() == pytest.approx(0.8)
    assert 0 <= random.table["conf_low"].item() < 0.8 < random.table["conf_high"].item() <= 1


# ---------------------------------------------------------------------------------------- properties

ratings = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=3, max_size=40)


@settings(deadline=None, max_examples=60)
@given(ratings, st.sampled_from([None, "linear", "quadratic"]), st.permutations(range(4)))
def test_kappa_does_not_depend_on_who_is_first_or_how_levels_are_called(rows, weights, names):
    data = pd.DataFrame(rows, columns=["a", "b"])
    found = accuracy.kappa(data, "a", "b", weights)
    swapped = accuracy.kappa(data.iloc[::-1], "b", "a", weights)
    columns = [*LIMITS, "std_error", "statistic"]
    np.testing.assert_allclose(
        values(found.table, *columns), values(swapped.table, *columns), rtol=1e-9, atol=1e-12
    )
    assert (found.confusion.to_numpy() == swapped.confusion.to_numpy().T).all()
    if weights is None:
        renamed = data.apply(lambda x: x.map(dict(enumerate(names))))
        first = accuracy.kappa(renamed, "a", "b").table.head(1)
        np.testing.assert_allclose(
            values(found.table.head(1), *columns), values(first, *columns), rtol=1e-9, atol=1e-12
        )


scored = st.lists(st.tuples(st.integers(-5, 5), st.booleans()), min_size=4, max_size=40).filter(
    lambda rows: 2 <= sum(ill for _, ill in rows) <= len(rows) - 2
)


@settings(deadline=None, max_examples=60)
@given(scored)
def test_area_is_the_mann_whitney_statistic_and_turns_with_the_score(rows):
    data = pd.DataFrame(rows, columns=["score", "ill"])
    found = accuracy.roc(data, "score", "ill")
    cases, controls = data.loc[data["ill"], "score"], data.loc[~data["ill"], "score"]
    u = mannwhitneyu(cases, controls).statistic / (len(cases) * len(controls))
    area = found.table["estimate"].item()
    assert area == pytest.approx(u, abs=1e-14)
    turned = accuracy.roc(data.assign(score=1 - data["score"]), "score", "ill").table
    assert turned["estimate"].item() == pytest.approx(1 - area, abs=1e-14)
    assert turned["std_error"].item() == pytest.approx(found.table["std_error"].item(), abs=1e-14)
    # the area under the drawn curve is the same
    curve = found.curve
    assert trapezoid(curve["sensitivity"], 1 - curve["specificity"]) == pytest.approx(area, abs=1e-12)


@settings(deadline=None, max_examples=30)
@given(scored)
def test_a_point_of_the_curve_is_what_diagnostic_finds_there(rows):
    data = pd.DataFrame(rows, columns=["score", "ill"])
    best = accuracy.roc(data, "score", "ill").cutpoint.iloc[0]
    at = accuracy.diagnostic(data.assign(test=data["score"] >= best["threshold"]), "test", "ill")
    assert row_of(at, "sensitivity")["estimate"] == pytest.approx(best["sensitivity"])
    assert row_of(at, "specificity")["estimate"] == pytest.approx(best["specificity"])
    assert row_of(at, "Youden index")["estimate"] == pytest.approx(best["youden"])


def test_predictive_values_at_the_prevalence_of_the_data_are_those_of_the_data():
    data = four_cells(8, 5, 2, 15)
    plain = accuracy.diagnostic(data, "test", "ill").table["estimate"]
    stated = accuracy.diagnostic(data, "test", "ill", prevalence=1 / 3).table["estimate"]
    np.testing.assert_allclose(plain, stated, rtol=1e-14)


def test_fleiss_interval_is_near_the_jackknife():
    data = raters_of(np.tile(FLEISS, (6, 1)))
    names = list(data)
    whole = accuracy.fleiss_kappa(data, names).table.iloc[0]
    left_out = [
        accuracy.fleiss_kappa(data.drop(index=i), names).table["estimate"][0] for i in range(len(data))
    ]
    n = len(data)
    jackknife = np.sqrt((n - 1) / n * ((np.array(left_out) - np.mean(left_out)) ** 2).sum())
    assert whole["std_error"] == pytest.approx(jackknife, rel=0.03)


def test_exact_limits_cover_more_on_the_outside():
    rng = np.random.default_rng(3)
    data = pd.DataFrame(rng.normal(size=(12, 2)), columns=["a", "b"])
    table = accuracy.bland_altman(data, "a", "b").table
    upper, lower = table.iloc[2], table.iloc[1]
    assert upper["conf_high"] - upper["estimate"] > upper["estimate"] - upper["conf_low"] > 0
    turned = accuracy.bland_altman(data, "b", "a").table.iloc[2]
    np.testing.assert_allclose(
        turned[LIMITS].to_numpy(float),
        -lower[["estimate", "conf_high", "conf_low"]].to_numpy(float),
        rtol=1e-12,
    )


def test_many_subjects_make_exact_and_approximate_limits_alike():
    data = pd.DataFrame(np.random.default_rng(1).normal(size=(20_000, 2)), columns=["a", "b"])
    exact, near = (accuracy.bland_altman(data, "a", "b", ci=ci).table for ci in ("exact", "approximate"))
    np.testing.assert_allclose(values(exact, *LIMITS), values(near, *LIMITS), atol=1e-3)


# ---------------------------------------------------------------------------------- degenerate cases


def test_no_positives():
    found = accuracy.diagnostic(four_cells(0, 0, 4, 6), "test", "ill")
    estimate = found.table.set_index("measure")["estimate"]
    assert estimate[["sensitivity", "specificity", "LR-", "Youden index"]].tolist() == [0, 1, 1, 0]
    assert estimate[["PPV", "LR+", "DOR"]].isna().all()
    assert np.isnan(row_of(found, "PPV")["conf_high"])
    assert "is 0" in found.notes[-1]


def test_nobody_ill():
    found = accuracy.diagnostic(four_cells(0, 2, 0, 6), "test", "ill")
    assert row_of(found, "sensitivity")[LIMITS].isna().all()
    assert row_of(found, "specificity")["estimate"] == 0.75
    area = accuracy.roc(four_cells(0, 2, 0, 6), "test", "ill")
    assert area.table[LIMITS].isna().all(axis=None)
    assert "no area" in area.notes[-1]
    assert area.cutpoint.empty


def test_no_false_positive_has_no_finite_likelihood_ratio():
    found = accuracy.diagnostic(four_cells(5, 0, 2, 6), "test", "ill", prevalence=0.1)
    assert row_of(found, "LR+")[LIMITS].tolist() == [np.inf, 0, np.inf]
    assert row_of(found, "PPV")[LIMITS].tolist() == [1, 0, 1]


def test_unverified_are_counted_by_test_result():
    data = four_cells(5, 2, 3, 10).astype(float)
    data = pd.concat([data, pd.DataFrame({"test": [0.0, 0, 1, np.nan], "ill": [np.nan, np.nan, np.nan, 1]})])
    found = accuracy.diagnostic(data, "test", "ill")  # the index has repeats
    assert found.n_missing == {"test": 1, "ill": 3}
    assert found.n == 20
    assert "7 of 8 with a positive and 13 of 15 with a negative test" in found.notes[1]


@pytest.mark.parametrize("score", [[1, 1, 1, 1], [1, 2, 3, 4]])
def test_constant_and_perfect_score(score):
    found = accuracy.roc(pd.DataFrame({"score": score, "ill": [0, 0, 1, 1]}), "score", "ill")
    assert found.table["estimate"].item() == (0.5 if score[3] == 1 else 1)
    assert found.table["std_error"].item() == 0
    assert "no width" in found.notes[-1]


def test_single_event_has_an_area_without_interval():
    found = accuracy.roc(pd.DataFrame({"score": [1, 2, 3], "ill": [0, 0, 1]}), "score", "ill")
    assert found.table["estimate"].item() == 1
    assert found.table["std_error"].isna().all()
    assert "single event" in found.notes[-1]


def test_scores_that_order_alike_do_not_differ():
    data = pd.DataFrame({"a": [1, 2, 3, 4, 5, 6], "ill": [0, 0, 1, 0, 1, 1]}).assign(b=lambda d: d["a"] ** 3)
    last = accuracy.compare_auc(data, ["a", "b"], "ill").table.iloc[-1]
    assert last[[*LIMITS, "std_error"]].tolist() == [0, 0, 0, 0]
    assert np.isnan(last["p_value"])


def test_perfect_agreement():
    found = accuracy.kappa(pairs([[3, 0, 0], [0, 4, 0], [0, 0, 5]]), "a", "b")
    assert row_of(found, "kappa")[[*LIMITS, "std_error"]].tolist() == pytest.approx([1, 1, 1, 0])
    assert "no width" in found.notes[-1]
    many = accuracy.fleiss_kappa(pd.DataFrame({"a": [1, 0, 1], "b": [1, 0, 1]}), ["a", "b"])
    assert many.table[LIMITS].to_numpy().tolist() == [[1, 1, 1]] * 3
    assert "no width" in many.notes[-1]


@pytest.mark.parametrize("weights", [None, "linear"])
def test_one_level_only_has_no_kappa(weights):
    data = pd.DataFrame({"a": [1] * 7, "b": [1] * 7})
    found = accuracy.kappa(data, "a", "b", weights)
    assert np.isnan(row_of(found, found.table["measure"][0])["estimate"])
    assert row_of(found, "agreement")["estimate"] == 1
    assert "not defined" in found.notes[-1]
    many = accuracy.fleiss_kappa(data, ["a", "b"])
    assert many.table["estimate"].isna().all()
    assert "not defined" in many.notes[-1]


def test_a_rater_with_one_level_has_kappa_0():
    data = pd.DataFrame({"a": ["x"] * 7, "b": ["y", "x", "x", "y", "x", "x", "x"], "c": ["y"] * 7})
    for other in ("b", "c"):
        found = accuracy.kappa(data, "a", other)
        assert row_of(found, "kappa")[[*LIMITS, "std_error"]].tolist() == [0, 0, 0, 0]
        assert np.isnan(row_of(found, "kappa")["p_value"])
        assert "one level only" in found.notes[-1]
    assert row_of(found, "positive agreement")["estimate"] == 0


@pytest.mark.parametrize("dtype", ["Int64", "boolean", "bool", "float", "string", "category"])
def test_the_kind_of_column_does_not_matter(dtype):
    plain = pairs([[15, 5], [10, 20]])
    other = plain.astype({"a": dtype, "b": dtype}).reset_index(drop=True)
    if dtype in ("Int64", "boolean"):
        other.loc[0, "a"] = None
        plain = plain.iloc[1:]
    expected = accuracy.kappa(plain, "a", "b").table
    found = accuracy.kappa(other, "a", "b").table
    np.testing.assert_allclose(values(found, *LIMITS), values(expected, *LIMITS), rtol=1e-14)
    mixed = other.assign(b=plain["b"].to_numpy()) if dtype in ("bool", "float") else other
    np.testing.assert_allclose(
        values(accuracy.kappa(mixed.dropna(), "a", "b").table, *LIMITS), values(expected, *LIMITS)
    )


def test_one_subject():
    data = pd.DataFrame({"a": [1.0], "b": [2.0], "ill": [1], "test": [1]})
    limits = accuracy.bland_altman(data, "a", "b")
    assert limits.table["estimate"][0] == -1
    assert limits.table["conf_low"].isna().all()
    assert "One subject" in limits.notes[-1]
    assert accuracy.icc(data, "ill", "a").table["estimate"].isna().all()
    assert np.isnan(accuracy.kappa(data, "ill", "test").table["estimate"][0])
    assert row_of(accuracy.diagnostic(data, "test", "ill"), "sensitivity")["estimate"] == 1


def test_nothing_at_all():
    data = pd.DataFrame({"a": [np.nan] * 3, "b": [1.0, 0, 1], "c": [0, 1, 1], "g": ["x", "x", "y"]})
    every = [
        accuracy.diagnostic(data, "a", "b"),
        accuracy.diagnostic(data, "a", "b", by="g"),
        accuracy.roc(data, "a", "b"),
        accuracy.roc(data, "a", "b", by="g"),
        accuracy.compare_auc(data, ["a", "c"], "b"),
        accuracy.kappa(data, "a", "b"),
        accuracy.kappa(data, "a", "b", "linear"),
        accuracy.fleiss_kappa(data, ["a", "b", "c"]),
        accuracy.bland_altman(data, "a", "b"),
        accuracy.icc(data, "b", "a"),
        accuracy.icc(data, "b", "a", "c", model="twoway-random"),
    ]
    for found in every:
        assert found.table["estimate"].isna().all()
        assert any("nothing to estimate" in note for note in found.notes)
        assert found.n == 0
        assert found.to_display() is not None


def test_same_differences_and_no_variance():
    data = pd.DataFrame({"c": [5.0] * 3, "d": [4.0] * 3, "id": [1, 1, 2], "v": 0.1})
    for ci in ("exact", "approximate"):
        flat = accuracy.bland_altman(data, "c", "d", ci=ci)
        assert flat.table[LIMITS].to_numpy().tolist() == [[1, 1, 1]] * 3
        assert "no width" in flat.notes[-1]
    constant = accuracy.icc(data, "id", "v")
    assert constant.table["estimate"].isna().all()
    assert "no variance" in constant.notes[-1]


def test_subjects_without_every_rater_are_left_out():
    data = long(JUDGES).drop(index=[0, 5])
    found = accuracy.icc(data, "subject", "x", "rater", model="twoway-fixed")
    whole = accuracy.icc(long(JUDGES[2:]), "subject", "x", "rater", model="twoway-fixed")
    np.testing.assert_allclose(values(found.table, *LIMITS), values(whole.table, *LIMITS), rtol=1e-12)
    assert found.notes == ("2 of 6 subjects were not measured by every rater and are left out.",)


def test_difference_that_changes_with_the_mean_is_noted():
    data = pd.DataFrame({"a": np.arange(20.0) * 1.2 + np.tile([0.1, -0.1], 10), "b": np.arange(20.0)})
    assert "slope 0.18" in accuracy.bland_altman(data, "a", "b").notes[-1]


def test_area_below_one_half_is_noted(asah):
    found = accuracy.roc(asah.assign(low=-asah["s100b"]), "low", "poor")
    assert "below 0.5" in found.notes[-1]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda d: accuracy.diagnostic(d, "tst", "ill"), "no column 'tst'. Did you mean 'test'?"),
        (lambda d: accuracy.diagnostic(d, "score", "ill"), "'score' must be 0/1"),
        (lambda d: accuracy.diagnostic(d, "test", "test"), "test, reference must be different columns"),
        (lambda d: accuracy.diagnostic(d, "test", "ill", ci="exact"), "ci='exact' is unknown"),
        (lambda d: accuracy.diagnostic(d, "test", "ill", prevalence=10), "prevalence=10 must lie between"),
        (lambda d: accuracy.roc(d, "word", "ill"), "'word' must be numeric or an ordered category"),
        (lambda d: accuracy.roc(d.assign(score=np.inf), "score", "ill"), "'score' is infinite in 3 rows"),
        (lambda d: accuracy.roc(d, "score", "ill", conf_level=95), "conf_level=95 must lie between"),
        (lambda d: accuracy.compare_auc(d, ["score"], "ill"), "a list of two or more"),
        (lambda d: accuracy.kappa(d, "test", "ill", "squared"), "weights='squared' is unknown"),
        (lambda d: accuracy.kappa(d, "word", "other", "linear"), "weights need categories with an order"),
        (lambda d: accuracy.kappa(d, "word", "ill"), "the same kind of levels, found text and numbers"),
        (lambda d: accuracy.fleiss_kappa(d, "test"), "a list of two or more"),
        (lambda d: accuracy.bland_altman(d, "score", "word"), "'word' must be numeric"),
        (lambda d: accuracy.bland_altman(d, "score", "test", ci="carkeet"), "ci='carkeet' is unknown"),
        (lambda d: accuracy.icc(d, "word", "score", model="two"), "model='two', unit='single' is unknown"),
        (lambda d: accuracy.icc(d, "word", "score", model="twoway-random"), "needs rater="),
        (
            lambda d: accuracy.icc(d, "ill", "score", "one", model="twoway-fixed"),
            "1 measurements are repeats of the same 'ill' by the same 'one'",
        ),
    ],
)
def test_bad_input_gets_a_sentence(call, message):
    data = pd.DataFrame(
        {
            "test": [0, 1, 1], "ill": [0, 1, 1], "score": [1, 2, 3], "one": 1,
            "word": ["a", "b", "b"], "other": ["b", "a", "b"],
        }
    )  # fmt: skip
    with pytest.raises(ValueError) as caught:
        call(data)
    assert message in str(caught.value)


def test_weights_need_the_same_levels_in_the_same_order():
    a = pd.Categorical(["mild", "severe"], ["mild", "severe"], ordered=True)
    b = pd.Categorical(["mild", "severe"], ["severe", "mild"], ordered=True)
    data = pd.DataFrame({"a": a, "b": b})
    with pytest.raises(ValueError, match="'a' and 'b' must have the same levels in the same order"):
        accuracy.kappa(data, "a", "b", "linear")
    assert accuracy.kappa(data, "a", "b").table["estimate"][0] == 1


# -------------------------------------------------------------------------------------------- views


def test_figures_show_what_the_tables_say(asah):
    ax = accuracy.compare_auc(asah, ["s100b", "wfns"], "poor").plot(labels={"s100b": "S100B"})
    legend = [text.get_text() for text in ax.get_legend().get_texts()]
    assert legend[0].startswith("S100B: AUC 0.73 (0.63, 0.83)")
    assert len(legend) == 2
    by = accuracy.roc(asah, "s100b", "poor", by="gender").plot()
    assert by.get_legend().get_texts()[0].get_text().startswith("Female: AUC 0.72")
    data = pd.DataFrame({"wright": WRIGHT, "mini": MINI})
    limits = accuracy.bland_altman(data, "wright", "mini").plot()
    assert [text.get_text() for text in limits.texts] == [
        "Bias\n−2.12",
        "Lower limit\n−78.1",
        "Upper limit\n73.9",
    ]
    proportions = accuracy.diagnostic(asah, "test", "poor", by="gender").plot()
    names = [text.get_text() for text in proportions.get_yticklabels()]
    assert names[:2] == ["Female: sensitivity", "Female: specificity"]
    assert proportions.get_xlabel() == "Proportion, % (95% CI)"
    matplotlib.pyplot.close("all")


def test_printed_table(asah):
    shown = accuracy.diagnostic(asah, "test", "poor").to_display().set_index("Measure")
    assert shown.loc["sensitivity, %", "Estimate (95% CI)"] == "63.4 (48.1, 76.4)"
    assert shown.loc["DOR", "Estimate (95% CI)"].startswith("7.1")


def test_saved_and_loaded(asah, tmp_path):
    area = accuracy.roc(asah, "s100b", "poor", by="gender")
    loaded = Estimates.load(area.save(tmp_path / "roc"))
    pd.testing.assert_frame_equal(loaded.curve, area.curve)
    assert loaded.by == ("gender",)
    kappa = accuracy.kappa(asah, "test", "poor")
    confusion = Estimates.load(kappa.save(tmp_path / "kappa")).confusion
    assert confusion.to_numpy().tolist() == kappa.confusion.to_numpy().tolist()
    limits = accuracy.bland_altman(pd.DataFrame({"w": WRIGHT, "m": MINI}), "w", "m")
    again = Estimates.load(limits.save(tmp_path / "limits"))
    assert again.points is None
    with pytest.raises(ValueError, match="loaded from a file"):
        again.plot()
