"""Sample size and power against R, by hand, and as inverses of each other."""

import matplotlib
import numpy as np
import pandas as pd
import pytest
from golden import reference
from hypothesis import given, settings
from hypothesis import strategies as st

import dermcohort as dc
from dermcohort import power

matplotlib.use("Agg")


def answer(plan) -> float:
    return plan.table["estimate"].item()


def clusters_by_r():
    """id -> plan of the clusters."""
    return {
        "own.power.cluster.icc": power.cluster_proportions(0.10, 0.15, cluster_size=60, icc=0.02, power=0.8),
        "own.power.cluster.k": power.cluster_proportions(0.20, 0.12, cluster_size=80, k=0.25, power=0.9),
        "own.power.cluster.cv": power.cluster_proportions(
            0.30, 0.45, cluster_size=40, icc=0.03, cv=0.6, clusters=6
        ),
    }


CLOSED_FORMS = {
    "own.power.prop.power": lambda: power.two_proportions(0.30, 0.22, n=350),
    "own.power.ratio.power": lambda: power.two_proportions(0.12, 0.20, n=150, ratio=3),
    "own.power.cc": lambda: power.case_control(0.15, 1.8, power=0.9, ratio=2),
    "own.power.cc.protective": lambda: power.case_control(0.4, 0.5, n=200),
    "own.power.lr.events": lambda: power.logrank(1.5, power=0.9, ratio=0.5),
    "own.power.lr.power": lambda: power.logrank(0.65, events=180),
    "own.power.lr.hr": lambda: power.logrank(events=90, power=0.8),
    "own.samp.fpc": lambda: power.prevalence(0.12, 0.02, design_effect=1.5, population=5000),
    "own.samp.precision": lambda: power.prevalence(0.03, n=2500, design_effect=1.8, conf_level=0.9),
}
SEARCHED = {
    "own.power.prop.n": lambda: power.two_proportions(0.02, 0.05, power=0.8, alpha=0.01),
    "own.power.prop.p2": lambda: power.two_proportions(0.08, n=1200, power=0.9),
    "own.power.cc.or": lambda: power.case_control(0.25, n=300, power=0.8),
    **{name: (lambda name=name: clusters_by_r()[name]) for name in clusters_by_r()},
}


@pytest.mark.parametrize("identifier", CLOSED_FORMS)
def test_closed_forms_equal_r(identifier):
    assert answer(CLOSED_FORMS[identifier]()) == pytest.approx(reference(identifier).item(), rel=1e-12)


@pytest.mark.parametrize("identifier", SEARCHED)
def test_searched_values_equal_r(identifier):
    assert answer(SEARCHED[identifier]()) == pytest.approx(reference(identifier).item(), rel=1e-8)


def test_groups_of_unequal_size_equal_r():
    plan = power.two_proportions(0.12, 0.20, power=0.85, ratio=3)
    first, second = reference("own.power.ratio")
    assert answer(plan) == pytest.approx(first, rel=1e-12)
    row = plan.table.iloc[0]
    assert (row.n_1, row.n_2, row.n) == (np.ceil(first), np.ceil(second), np.ceil(first) + np.ceil(second))


def test_prevalence_by_hand():
    """z = 1.96, p = 1/2, d = 0.1: 1.96^2 / 4 / 0.01 = 96.04, the 97 of textbooks. Of 101 people: 96.04 /
    (1 + 95.04 / 101) = 49.5. At 80% response 97 / 0.8 = 121.25 are invited."""
    plan = power.prevalence(0.5, 0.1, response=0.8)
    assert plan.table[["n", "invited"]].iloc[0].tolist() == [97, 122]
    assert plan.n == 97
    assert answer(power.prevalence(0.5, 0.1, population=101)) == pytest.approx(49.5, abs=0.05)
    assert plan.method == (
        "97 people examined of 122 invited estimate a prevalence of 50% to within 10 percentage points with 95% "
        "confidence (Cochran 1977)."
    )


def test_design_effect_by_hand():
    """Clusters of 21, icc 0.05: 1 + 20 * 0.05 = 2. With sizes that vary by cv 1: 1 + (2 * 21 - 1) * 0.05."""
    assert power.design_effect(21, 0.05) == 2
    assert power.design_effect(21, 0.05, cv=1) == pytest.approx(3.05)
    assert power.design_effect(1, 0.05) == 1


def test_a_design_effect_multiplies_people():
    plain, clustered = (power.two_proportions(0.1, 0.2, power=0.8, design_effect=d) for d in (1, 2))
    assert answer(clustered) == pytest.approx(2 * answer(plain), rel=1e-12)
    assert "a design effect of 2" in clustered.method


def test_people_follow_from_events():
    """247 events (rounded up from 246.79) at a risk of 10%: 2467.87 people, 1233.94 in each group."""
    plan = power.logrank(0.7, power=0.8, event_probability=0.1)
    row = plan.table.iloc[0]
    assert (row.events, row.n_1, row.n_2, row.n) == (247, 1234, 1234, 2468)
    assert plan.events == 247
    # equal groups need the fewest
    assert power.logrank(0.7, power=0.8, event_probability=0.1, ratio=2).n > plan.n


shares = st.floats(0.02, 0.98)


@settings(max_examples=50, deadline=None)
@given(p1=shares, p2=shares, target=st.floats(0.5, 0.99), ratio=st.floats(0.25, 4))
def test_size_power_and_effect_are_inverses(p1, p2, target, ratio):
    if abs(p1 - p2) < 0.01:
        return
    size = answer(power.two_proportions(p1, p2, power=target, ratio=ratio))
    if size < 1:
        return
    assert answer(power.two_proportions(p1, p2, n=size, ratio=ratio)) == pytest.approx(target, rel=1e-9)
    if p2 > p1:
        found = answer(power.two_proportions(p1, n=size, power=target, ratio=ratio))
        assert found == pytest.approx(p2, rel=1e-9)
    # the same groups the other way round, and the same outcome told by its absence
    swapped = answer(power.two_proportions(p2, p1, power=target, ratio=1 / ratio))
    assert swapped == pytest.approx(ratio * size, rel=1e-9)
    assert answer(power.two_proportions(1 - p1, 1 - p2, power=target, ratio=ratio)) == pytest.approx(
        size, rel=1e-8
    )


@settings(max_examples=30, deadline=None)
@given(odds=st.floats(1.2, 6), exposed=st.floats(0.05, 0.8), ratio=st.floats(0.5, 4))
def test_detectable_odds_and_hazard_ratios_are_inverses(odds, exposed, ratio):
    cases = answer(power.case_control(exposed, odds, power=0.8, ratio=ratio))
    assert answer(power.case_control(exposed, n=cases, power=0.8, ratio=ratio)) == pytest.approx(
        odds, rel=1e-8
    )
    events = answer(power.logrank(odds, power=0.8, ratio=ratio))
    assert answer(power.logrank(events=events, power=0.8, ratio=ratio)) == pytest.approx(odds, rel=1e-10)
    assert answer(power.logrank(1 / odds, power=0.8, ratio=1 / ratio)) == pytest.approx(events, rel=1e-12)


def test_clusters_power_and_effect_are_inverses():
    known = {"cluster_size": 50, "icc": 0.02}
    clusters = answer(power.cluster_proportions(0.1, 0.2, power=0.9, **known))
    again = power.cluster_proportions(0.1, 0.2, clusters=clusters, **known)
    assert answer(again) == pytest.approx(0.9, rel=1e-9)
    found = power.cluster_proportions(0.1, clusters=clusters, power=0.9, **known)
    assert answer(found) == pytest.approx(0.2, rel=1e-8)
    assert found.n == 2 * 50 * np.ceil(clusters)


def test_few_clusters_cost_more_than_the_design_effect_says():
    """The normal formula with a design effect asks for at least one cluster less; with many they agree."""
    few = power.cluster_proportions(0.1, 0.4, cluster_size=30, icc=0.05, power=0.8)
    v = (0.1 * 0.9 + 0.4 * 0.6) * power.design_effect(30, 0.05) / 30
    normal = (1.959963984540054 + 0.8416212335729143) ** 2 * v / 0.3**2
    assert answer(few) > normal + 1
    assert few.notes == ()
    fewest = power.cluster_proportions(0.1, 0.9, cluster_size=100, icc=0.01, power=0.8)
    assert answer(fewest) == 2
    assert fewest.notes == ("Fewer than 4 clusters in an arm: one unusual cluster decides the result.",)
    many = power.cluster_proportions(0.10, 0.11, cluster_size=30, icc=0.05, power=0.8)
    v = (0.1 * 0.9 + 0.11 * 0.89) * power.design_effect(30, 0.05) / 30
    assert answer(many) == pytest.approx((1.959963984540054 + 0.8416212335729143) ** 2 * v / 0.01**2, abs=1.1)


def test_what_a_reader_must_know():
    wide = power.prevalence(0.01, 0.02)
    assert wide.notes == (
        "The precision is no smaller than the prevalence: the interval would hold 0 or 100%.",
        "Fewer than 5 cases are expected: the normal formula is rough.",
    )
    assert power.prevalence(0.05, 0.01).notes == ()


def test_plans_have_their_views_and_can_be_saved(tmp_path):
    plans = [
        power.prevalence(0.05, 0.01),
        power.two_proportions(0.1, 0.2, power=0.8),
        power.case_control(0.2, 2, power=0.8),
        power.logrank(2, power=0.8),
        power.cluster_proportions(0.1, 0.2, cluster_size=20, icc=0.1, power=0.8),
    ]
    for plan in plans:
        assert len(plan.table) == 1
        assert plan.method.endswith(".")
        assert "<table" in plan._repr_html_()
        plan.save(tmp_path / "plan")
        after = dc.Estimates.load(tmp_path / "plan")
        assert type(after) is type(plan)
        pd.testing.assert_frame_equal(after.table, plan.table)
    shown = plans[0].to_display({"expected": "Expected prevalence"}).set_index("Quantity")["Value"]
    assert shown["Expected prevalence"] == "0.05"
    assert shown["n"] == "1,825"
    assert "population" not in shown


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: power.two_proportions(0.1, 0.2), "exactly one of p2, n and power.*left out: n, power"),
        (lambda: power.two_proportions(0.1, 0.2, n=9, power=0.8), "exactly one of .* all are given"),
        (lambda: power.two_proportions(10, 20, n=100), "p1=10 must lie between 0 and 1"),
        (lambda: power.two_proportions(0.1, 0.1, n=100), "p1 and p2 are both 0.1"),
        (lambda: power.two_proportions(0.1, 0.2, power=0.8, ratio=0), "ratio=0 must be above 0"),
        (lambda: power.two_proportions(0.1, 0.2, power=0.01), "power=0.01 must be at least 0.05"),
        (
            lambda: power.two_proportions(0.1, 0.2, power=0.8, design_effect=0.5),
            "design_effect=0.5 must be at least",
        ),
        (
            lambda: power.two_proportions(0.5, n=2, power=0.9),
            "not even 100% against 50% is detected with 90% power",
        ),
        (lambda: power.case_control(0.2, 1, n=100), "odds_ratio=1 must be above 0 and not 1"),
        (lambda: power.logrank(-1, power=0.8), "hazard_ratio=-1 must be above 0"),
        (lambda: power.logrank(2, power=0.8, event_probability=0), "event_probability=0 must be above 0"),
        (lambda: power.prevalence(0.1), "exactly one of precision and n"),
        (lambda: power.prevalence(0.1, 5), "precision=5 must lie between 0 and 1"),
        (lambda: power.prevalence(0.1, n=100, population=50), "n=100 must be below population=50"),
        (lambda: power.prevalence(0.1, 0.01, response=80), "response=80 must be above 0 and at most 1"),
        (lambda: power.design_effect(0, 0.1), "cluster_size=0 must be at least 1"),
        (lambda: power.design_effect(10, -0.1), "icc=-0.1 must lie between 0 and 1"),
        (
            lambda: power.cluster_proportions(0.1, 0.2, cluster_size=9, power=0.8),
            "exactly one of icc and k.*left out: icc, k",
        ),
        (
            lambda: power.cluster_proportions(0.1, 0.2, cluster_size=9, k=0.2, cv=0.5, power=0.8),
            "cv belongs to icc",
        ),
        (
            lambda: power.cluster_proportions(0.1, 0.2, cluster_size=9, k=0.2, clusters=1),
            "clusters=1 must be at least 2",
        ),
        (
            lambda: power.cluster_proportions(0.1, 0.10001, cluster_size=9, k=0.2, power=0.8),
            "too close: more than 1,048,576 clusters",
        ),
    ],
)
def test_wrong_arguments_are_explained(call, message):
    with pytest.raises(ValueError, match=message):
        call()
