"""Prevalence compared between groups: against R, by hand, and where a cell is empty."""

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from golden import read, reference
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.proportion import confint_proportions_2indep

from dermcohort import Estimates
from dermcohort.prevalence import difference, mantel_haenszel, odds_ratio, ratio

matplotlib.use("Agg")

COMPARISONS = [
    (ratio, "log"),
    (ratio, "score"),
    (difference, "newcombe"),
    (difference, "miettinen-nurminen"),
    (difference, "wald"),
    (odds_ratio, "wald"),
    (odds_ratio, "exact"),
    (odds_ratio, "mid-p"),
]
LIMITS = ["estimate", "conf_low", "conf_high"]


def people(*strata: tuple[int, int, int, int], exchanged: bool = False) -> pd.DataFrame:
    """Rows from (x1, n1, x0, n0): events and people of the exposed and the unexposed, one tuple a stratum."""
    frames = []
    for i, (x1, n1, x0, n0) in enumerate(strata):
        sick = np.r_[np.arange(n1) < x1, np.arange(n0) < x0]
        exposed = np.r_[np.repeat("yes", n1), np.repeat("no", n0)]
        frames.append(pd.DataFrame({"sick": sick, "exposed": exposed, "stratum": i}))
    levels = ["yes", "no"] if exchanged else ["no", "yes"]
    data = pd.concat(frames, ignore_index=True)
    return data.assign(exposed=pd.Categorical(data["exposed"], levels))


def last(found: Estimates) -> pd.Series:
    return found.table.iloc[-1]


def lung(reference_sex: int) -> pd.DataFrame:
    data = read("lung")
    return data.assign(
        died=data["status"] == 2, sex=pd.Categorical(data["sex"], [reference_sex, 3 - reference_sex])
    )


def infert() -> pd.DataFrame:
    data = read("infert")
    return data.assign(exposed=data["spontaneous"] > 0)


def trials() -> pd.DataFrame:
    cells = read("bcg")
    return people(
        *((row.tpos, row.tpos + row.tneg, row.cpos, row.cpos + row.cneg) for row in cells.itertuples())
    )


# ------------------------------------------------------------------------------------------------- R


def test_exact_odds_ratio():
    found = last(odds_ratio(people((4, 390, 4, 1254)), "sick", "exposed", ci="exact"))
    numbers = found[[*LIMITS, "p_value"]].astype(float).to_numpy()
    np.testing.assert_allclose(numbers[:3], reference("own.or.exact.golden"), rtol=1e-8)
    found = last(odds_ratio(read("nhanes"), "HI_CHOL", "RIAGENDR", ci="exact"))
    np.testing.assert_allclose(
        found[[*LIMITS, "p_value"]].astype(float), reference("own.or.exact.nhanes"), rtol=1e-8
    )


def test_exact_odds_ratio_with_an_empty_cell_has_one_bound():
    found = last(odds_ratio(people((0, 12, 5, 14)), "sick", "exposed", ci="exact"))
    np.testing.assert_allclose(
        found[[*LIMITS, "p_value"]].astype(float), reference("own.or.exact.zero"), rtol=1e-8
    )
    found = last(odds_ratio(people((9, 9, 5, 14)), "sick", "exposed", ci="exact"))
    assert (found["estimate"], found["conf_high"]) == (np.inf, np.inf)
    np.testing.assert_allclose(
        [found["conf_low"], found["p_value"]], reference("own.or.exact.full"), rtol=1e-8
    )


def test_mid_p_odds_ratio():
    data = infert().query("education == '12+ yrs'")
    found = last(odds_ratio(data, "case", "exposed", ci="mid-p"))
    np.testing.assert_allclose(found[[*LIMITS, "p_value"]].astype(float), reference("own.or.midp"), rtol=1e-8)
    # epitools solves the same equations with uniroot's default tolerance
    np.testing.assert_allclose(
        [found["conf_low"], found["conf_high"]], reference("own.or.midp.epitools"), rtol=2e-5
    )


def test_wald_odds_ratio_and_chi_square():
    found = last(odds_ratio(infert(), "case", "exposed"))
    np.testing.assert_allclose(
        found[[*LIMITS, "statistic", "p_value"]].astype(float), reference("own.or.wald"), rtol=1e-12
    )


def test_ratio_and_difference_of_epi():
    found = last(ratio(lung(2), "died", "sex"))
    np.testing.assert_allclose(found[LIMITS].astype(float), reference("own.pr.twoby2"), rtol=1e-12)
    found = last(difference(lung(2), "died", "sex"))
    np.testing.assert_allclose(found[LIMITS].astype(float), reference("own.pd.twoby2"), rtol=1e-12)


def test_ratios_of_three_levels():
    data = read("colon").query("etype == 1")
    data = data.assign(rx=pd.Categorical(data["rx"], ["Obs", "Lev", "Lev+5FU"]))
    table = ratio(data, "status", "rx").table
    assert table["level"].tolist() == ["Obs", "Lev", "Lev+5FU"]
    assert table.loc[0, ["estimate", "coef"]].tolist() == [1, 0]
    assert table.loc[0, ["conf_low", "conf_high", "p_value"]].isna().all()
    found = [*table[LIMITS].to_numpy()[1:].ravel(), *table["p_value"][1:]]
    np.testing.assert_allclose(found, reference("own.pr.levels"), rtol=1e-12)


@pytest.mark.parametrize(
    ("identifier", "function", "ci", "counts", "conf_level"),
    [
        ("own.pr.koopman", ratio, "score", None, 0.95),
        ("own.pr.koopman.zero", ratio, "score", (0, 20, 3, 15), 0.95),
        ("own.pd.wald", difference, "wald", None, 0.95),
        ("own.pd.mn", difference, "miettinen-nurminen", None, 0.95),
        ("own.pd.mn.unequal", difference, "miettinen-nurminen", (12, 40, 9, 25), 0.95),
        ("own.pd.mn.zero", difference, "miettinen-nurminen", (0, 20, 3, 15), 0.90),
    ],
)
def test_limits(identifier, function, ci, counts, conf_level):
    data = lung(1) if counts is None else people(counts)
    names = ("died", "sex") if counts is None else ("sick", "exposed")
    found = last(function(data, *names, ci=ci, conf_level=conf_level))
    np.testing.assert_allclose([found["conf_low"], found["conf_high"]], reference(identifier), rtol=1e-8)


def test_mantel_haenszel_by_education():
    found = mantel_haenszel(infert(), "case", "exposed", "education", correct=False)
    numbers = [
        *last(found)[[*LIMITS, "statistic", "p_value"]],
        found.homogeneity["statistic"],
        found.homogeneity["p_value"],
    ]
    np.testing.assert_allclose(np.array(numbers, float), reference("own.mh.or.infert"), rtol=1e-11)
    assert found.homogeneity["df"] == 2


def test_mantel_haenszel_of_matched_sets():
    found = mantel_haenszel(infert(), "case", "exposed", "stratum")
    numbers = last(found)[[*LIMITS, "statistic", "p_value"]].astype(float)
    np.testing.assert_allclose(numbers, reference("own.mh.or.matched"), rtol=1e-12)
    assert any("strata have people of one group only" in note for note in found.notes)
    assert any("empty cell" in note for note in found.notes)


@pytest.mark.parametrize("measure", ["OR", "PR", "RD"])
def test_mantel_haenszel_of_trials(measure):
    found = mantel_haenszel(trials(), "sick", "exposed", "stratum", measure=measure)
    tests = [*(found.association.values() if measure == "OR" else ()), *found.homogeneity.values()]
    numbers = [*last(found)[[*LIMITS, "std_error"]], *(t for t in tests if t not in (1, 12))]
    identifier = {"OR": "own.mh.or.bcg", "PR": "own.mh.rr.bcg", "RD": "own.mh.rd.bcg"}[measure]
    # the p-values are as small as 1e-52 and carry 100 times the relative rounding of their statistic
    np.testing.assert_allclose(np.array(numbers, float), reference(identifier), rtol=1e-11)
    assert found.homogeneity["df"] == 12


@pytest.mark.parametrize(("x1", "x0"), [(1, 24), (7, 1), (12, 9), (20, 13), (39, 20)])
def test_intervals_of_statsmodels(x1, x0):
    """Not its Miettinen-Nurminen difference, whose cubic has a wrong coefficient (statsmodels issue 10269)."""
    data = people((x1, 40, x0, 25))
    found = last(difference(data, "sick", "exposed"))
    theirs = confint_proportions_2indep(x1, 40, x0, 25, method="newcomb", compare="diff")
    np.testing.assert_allclose([found["conf_low"], found["conf_high"]], theirs, rtol=1e-12)
    found = last(ratio(data, "sick", "exposed", ci="score"))
    theirs = confint_proportions_2indep(x1, 40, x0, 25, method="score", compare="ratio", correction=False)
    np.testing.assert_allclose([found["conf_low"], found["conf_high"]], theirs, rtol=1e-8)


@pytest.mark.parametrize(
    ("table", "low", "high"),
    [((56, 70, 48, 80), 0.0528, 0.3382), ((9, 10, 3, 10), 0.1700, 0.8406), ((10, 10, 0, 20), 0.7156, 1)],
)
def test_miettinen_nurminen_of_newcombes_table(table, low, high):
    """Newcombe (1998), table II, method 6."""
    found = last(difference(people(table), "sick", "exposed", ci="miettinen-nurminen"))
    assert (round(found["conf_low"], 4), round(found["conf_high"], 4)) == (low, high)


# -------------------------------------------------------------------------------------------- by hand


def test_all_measures_by_hand():
    """6 of 10 exposed and 3 of 10 unexposed: ratio 2, difference 0.3, odds ratio (6 x 7) / (4 x 3) = 3.5;
    chi-square 20 (42 - 12)^2 / (9 x 11 x 10 x 10) = 1.818."""
    data = people((6, 10, 3, 10))
    for function, expected in ((ratio, 2), (difference, 0.3), (odds_ratio, 3.5)):
        found = function(data, "sick", "exposed")
        assert last(found)["estimate"] == pytest.approx(expected, rel=1e-14)
        assert last(found)["statistic"] == pytest.approx(20 / 11, rel=1e-14)
        assert found.table["prevalence"].tolist() == [0.3, 0.6]
        assert (found.n, found.events) == (20, 9)
        assert found.notes == ()


def test_pooled_odds_ratio_by_hand():
    """ad/N: 6x7/20 = 2.1 and 2x6/12 = 1; bc/N: 4x3/20 = 0.6 and 2x2/12 = 1/3. 3.1 / 0.9333 = 3.3214."""
    found = mantel_haenszel(people((6, 10, 3, 10), (2, 4, 2, 8)), "sick", "exposed", "stratum")
    assert last(found)["estimate"] == pytest.approx(3.1 / (0.6 + 1 / 3), rel=1e-14)
    assert found.table["estimate"].tolist()[:2] == pytest.approx([3.5, 3.0])
    assert found.table["weight"].tolist() == pytest.approx([9 / 14, 5 / 14, 1])
    assert found.table["term"].tolist() == ["exposed", "exposed", "pooled"]
    assert found.table["n"].tolist() == [20, 12, 32]


# ----------------------------------------------------------------------------------------- properties

counts = st.integers(1, 30).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
tables = st.tuples(counts, counts).map(lambda pair: (*pair[0], *pair[1]))


@settings(max_examples=40, deadline=None)
@given(tables, st.sampled_from(COMPARISONS))
def test_exchanging_the_groups_inverts(table, method):
    function, ci = method
    one = last(function(people(table), "sick", "exposed", ci=ci))[LIMITS].to_numpy(float)
    other = last(function(people(table, exchanged=True), "sick", "exposed", ci=ci))[LIMITS].to_numpy(float)
    with np.errstate(divide="ignore"):
        back = -other if function is difference else 1 / other
    np.testing.assert_allclose(one, back[[0, 2, 1]], rtol=1e-9, atol=1e-12)


@settings(max_examples=40, deadline=None)
@given(tables, st.sampled_from(COMPARISONS))
def test_an_interval_holds_its_estimate(table, method):
    function, ci = method
    found = last(function(people(table), "sick", "exposed", ci=ci))
    if not np.isnan([found["estimate"], found["conf_low"]]).any():
        slack = 1e-9 * max(1, found["estimate"]) if np.isfinite(found["estimate"]) else 0
        assert found["conf_low"] - slack <= found["estimate"] <= found["conf_high"] + slack
    if ci not in ("log", "wald"):
        assert found["conf_low"] < found["conf_high"]


@settings(max_examples=40, deadline=None)
@given(tables)
def test_the_score_interval_of_the_ratio_agrees_with_the_p_value(table):
    found = last(ratio(people(table), "sick", "exposed", ci="score"))
    if found["p_value"] < 0.049 or found["p_value"] > 0.051:
        assert (found["p_value"] < 0.05) == (not found["conf_low"] < 1 < found["conf_high"])


@settings(max_examples=40, deadline=None)
@given(st.lists(tables, min_size=1, max_size=4), st.sampled_from(["OR", "PR", "RD"]), st.randoms())
def test_pooling_does_not_see_the_order_of_rows(strata, measure, random):
    data = people(*strata)
    order = list(data.index)
    random.shuffle(order)
    one = mantel_haenszel(data, "sick", "exposed", "stratum", measure=measure)
    other = mantel_haenszel(data.loc[order], "sick", "exposed", "stratum", measure=measure)
    pd.testing.assert_frame_equal(one.table, other.table)
    assert str(one.association) == str(other.association)


@settings(max_examples=40, deadline=None)
@given(
    tables, st.sampled_from([("OR", odds_ratio, "wald"), ("PR", ratio, "log"), ("RD", difference, "wald")])
)
def test_one_stratum_is_the_crude_comparison(table, method):
    measure, function, ci = method
    found = mantel_haenszel(people(table), "sick", "exposed", "stratum", measure=measure, correct=False)
    crude = last(function(people(table), "sick", "exposed", ci=ci))
    np.testing.assert_allclose(last(found)["estimate"], crude["estimate"], rtol=1e-12, atol=1e-15)
    columns = [*LIMITS, "coef", "std_error", "statistic", "p_value"]
    np.testing.assert_array_equal(found.table.loc[0, columns].astype(float), crude[columns].astype(float))
    if measure != "RD":  # Sato's variance is another one
        np.testing.assert_allclose(last(found)["std_error"], crude["std_error"], rtol=1e-6, atol=1e-9)
    # Cochran-Mantel-Haenszel's chi-square has N - 1 where Pearson's has N
    n = table[1] + table[3]
    np.testing.assert_allclose(
        last(found)["statistic"], crude["statistic"] * (n - 1) / n, rtol=1e-9, atol=1e-12
    )


# ------------------------------------------------------------------------------------- empty cells


@pytest.mark.parametrize(
    ("table", "expected"),
    [((0, 10, 3, 10), 0), ((3, 10, 0, 10), np.inf), ((0, 10, 0, 10), np.nan)],
)
def test_a_group_without_events_has_no_log_interval_and_says_so(table, expected):
    for function in (ratio, odds_ratio):
        found = function(people(table), "sick", "exposed")
        np.testing.assert_equal(last(found)["estimate"], expected)
        assert last(found)[["conf_low", "conf_high", "std_error"]].isna().all()
        assert "is 0, infinite or undefined" in found.notes[-1]


def test_nobody_is_ill():
    data = people((0, 10, 0, 12))
    found = last(ratio(data, "sick", "exposed", ci="score"))
    assert (found["conf_low"], found["conf_high"]) == (0, np.inf)
    found = last(odds_ratio(data, "sick", "exposed", ci="exact"))
    assert (found["conf_low"], found["conf_high"], found["p_value"]) == (0, np.inf, 1)
    found = difference(data, "sick", "exposed", ci="wald")
    assert np.isnan(last(found)["p_value"])
    assert "too short" in found.notes[-1]
    pooled = mantel_haenszel(data, "sick", "exposed", "stratum")
    assert last(pooled)[["estimate", "p_value"]].isna().all()
    assert np.isnan(pooled.homogeneity["p_value"])


def test_everybody_is_ill():
    found = ratio(people((10, 10, 12, 12)), "sick", "exposed")
    assert last(found)[LIMITS].tolist() == [1, 1, 1]
    assert "has no width" in found.notes[-1]
    found = last(ratio(people((10, 10, 12, 12)), "sick", "exposed", ci="score"))
    assert found["conf_low"] < 1 < found["conf_high"]


def test_a_stratum_of_one_group_says_nothing():
    data = people((6, 10, 3, 10), (2, 4, 0, 0))
    for measure in ("OR", "PR", "RD"):
        alone = mantel_haenszel(people((6, 10, 3, 10)), "sick", "exposed", "stratum", measure=measure)
        found = mantel_haenszel(data, "sick", "exposed", "stratum", measure=measure)
        assert last(found)[LIMITS].tolist() == last(alone)[LIMITS].tolist()
        assert np.isnan(found.table.loc[1, "estimate"])
        assert found.table.loc[1, "weight"] == 0
        assert found.notes[0].startswith("1 of 2 strata have people of one group only")


def test_strata_of_two_columns_can_be_printed_and_saved(tmp_path):
    data = people((6, 10, 3, 10), (2, 4, 2, 8)).assign(sex=lambda d: np.where(d.index % 2, "f", "m"))
    found = mantel_haenszel(data, "sick", "exposed", ["stratum", "sex"])
    assert found.table[["stratum", "sex"]].values.tolist()[-2:] == [["1", "m"], [None, None]]
    assert "pooled" in found.to_markdown()
    assert "Homogeneity over strata: chi-square" in found.to_markdown()
    loaded = Estimates.load(found.save(tmp_path / "pooled"))
    pd.testing.assert_frame_equal(loaded.table, found.table)
    assert loaded.homogeneity == found.homogeneity


def test_missing_values_and_empty_levels_are_left_out():
    data = people((6, 10, 3, 10))
    data["exposed"] = data["exposed"].cat.add_categories("never seen")
    data["sick"] = data["sick"].astype(object)
    data.loc[[0, 19], "sick"] = None
    data.loc[[0, 1], "exposed"] = None
    found = ratio(data, "sick", "exposed")
    assert found.table["level"].tolist() == ["no", "yes"]
    assert found.table["n"].tolist() == [9, 8]
    assert found.n_missing == {"sick": 2, "exposed": 2}
    assert found.notes[0].startswith("3 of 20 rows left out")


def test_one_person_a_group():
    found = last(difference(people((1, 1, 0, 1)), "sick", "exposed"))
    assert found["estimate"] == 1
    assert found["conf_high"] == 1


def test_wrong_arguments_are_explained():
    data = people((6, 10, 3, 10))
    with pytest.raises(ValueError, match="ci='katz' is unknown; choose one of log, score"):
        ratio(data, "sick", "exposed", ci="katz")
    with pytest.raises(ValueError, match=r"no column 'exposd'. Did you mean 'exposed'"):
        difference(data, "sick", "exposd")
    with pytest.raises(ValueError, match=r"'stratum' has 1 level\(s\) among the 20 complete rows"):
        odds_ratio(data, "sick", "stratum")
    with pytest.raises(ValueError, match="'age' has 60 different values: cut it into groups"):
        ratio(pd.DataFrame({"sick": [0, 1] * 30, "age": np.arange(60.0)}), "sick", "age")
    with pytest.raises(ValueError, match="must be different columns"):
        mantel_haenszel(data, "sick", "exposed", "exposed")
    with pytest.raises(ValueError, match="measure='RR' is unknown; choose one of OR, PR, RD"):
        mantel_haenszel(data, "sick", "exposed", "stratum", measure="RR")
    with pytest.raises(ValueError, match="has 3 levels; a Mantel-Haenszel estimate compares two"):
        mantel_haenszel(data.assign(dose=[0, 1, 2, 0] * 5), "sick", "dose", "stratum")
    with pytest.raises(ValueError, match="no stratum has people of both levels"):
        mantel_haenszel(data.assign(stratum=data["exposed"].astype(str)), "sick", "exposed", "stratum")
    with pytest.raises(ValueError, match="conf_level=95 must lie between 0 and 1"):
        ratio(data, "sick", "exposed", conf_level=95)


def test_ratios_are_drawn_on_a_log_axis():
    data = people((6, 10, 3, 10))
    assert ratio(data, "sick", "exposed").plot().get_xscale() == "log"
    assert odds_ratio(data, "sick", "exposed").plot().get_xscale() == "log"
    assert difference(data, "sick", "exposed").plot().get_xscale() == "linear"
    plt.close("all")
