"""Prevalence corrected for test errors: against R, by hand, and at the bounds."""

import numpy as np
import pytest
from golden import reference
from hypothesis import given, settings
from hypothesis import strategies as st

from dermcohort.prevalence import corrected

LIMITS = ["estimate", "conf_low", "conf_high"]


def test_several_populations_of_epi_prev():
    cases, n = [18, 32, 27], [210, 189, 124]
    found = [
        corrected(cases, n, 0.6, 0.95, ci=ci).table[LIMITS].to_numpy().T.ravel()
        for ci in ("clopper-pearson", "wilson")
    ]
    np.testing.assert_allclose(np.concatenate(found), reference("own.rg.epiR"), rtol=1e-12)


def test_estimated_accuracy():
    found = corrected(150, 1000, (45, 50), (170, 190))
    estimate, low, high = reference("own.rg.lr")
    assert low < 0
    np.testing.assert_allclose(found.table[LIMITS].to_numpy()[0], [estimate, 0, high], rtol=1e-12)
    assert found.notes == ("Confidence limits outside 0 and 1 were set to the bound.",)
    found = corrected(20, 80, (30, 30), (40, 40), conf_level=0.99)
    np.testing.assert_allclose(found.table[LIMITS].to_numpy()[0], reference("own.rg.lr.perfect"), rtol=1e-12)


def test_by_hand():
    """50 of 100 positive, sensitivity and specificity 0.8: (0.5 - 0.2) / 0.6 = 0.5, standard error 0.05 / 0.6."""
    row = corrected(50, 100, 0.8, 0.8).table.iloc[0]
    assert row["estimate"] == pytest.approx(0.5, rel=1e-14)
    assert row["std_error"] == pytest.approx(0.05 / 0.6, rel=1e-14)
    assert (row["apparent"], row["n"], row["events"], row["measure"]) == (0.5, 100, 50, "prevalence")


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 60), st.integers(31, 60), st.integers(31, 60))
def test_counting_the_well_instead_of_the_ill_turns_it_round(cases, right_ill, right_well):
    one = corrected(cases, 60, (right_ill, 60), (right_well, 60)).table[LIMITS].to_numpy()[0]
    other = corrected(60 - cases, 60, (right_well, 60), (right_ill, 60)).table[LIMITS].to_numpy()[0]
    np.testing.assert_allclose(one, 1 - other[[0, 2, 1]], atol=1e-12)
    assert (one >= 0).all()
    assert (one <= 1).all()


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 40))
def test_a_test_without_errors_changes_nothing(cases):
    row = corrected(cases, 40, 1, 1.0).table.iloc[0]
    assert row["estimate"] == pytest.approx(cases / 40, abs=1e-15)


def test_a_larger_validation_study_narrows_the_interval_to_that_of_a_known_accuracy():
    widths = []
    for sensitivity, specificity in (((45, 50), (170, 200)), ((450, 500), (1700, 2000)), ((45, 50), 0.85)):
        row = corrected(30, 109, sensitivity, specificity).table.iloc[0]
        widths.append(row["conf_high"] - row["conf_low"])
    assert widths[1] < widths[0]
    assert widths[2] < widths[0]
    million = 10**9
    counted = corrected(300, 1090, (9 * million, 10 * million), (85 * million, 100 * million)).table.iloc[0]
    known = corrected(300, 1090, 0.9, 0.85, ci="agresti-coull").table.iloc[0]
    assert counted["conf_low"] == pytest.approx(known["conf_low"], rel=1e-6)


def test_what_lies_outside_is_set_to_the_bound_and_named():
    found = corrected([2, 40], [100, 100], 0.9, 0.9, labels=["north", "south"])
    assert found.table["estimate"].tolist() == pytest.approx([0, 0.375])
    assert found.table["term"].tolist() == ["north", "south"]
    assert "was set to the bound (north)" in found.notes[0]
    assert found.table.loc[0, "conf_low"] == 0
    assert (found.n, found.events) == (200, 42)


@pytest.mark.parametrize("cases", [0, 1])
def test_one_person(cases):
    row = corrected(cases, 1, (9, 10), (9, 10)).table.iloc[0]
    assert row["estimate"] == cases
    assert 0 <= row["conf_low"] < row["conf_high"] <= 1


def test_wrong_arguments_are_explained():
    with pytest.raises(ValueError, match=r"sensitivity \+ specificity is 1: a test that tells"):
        corrected(2, 10, 0.5, 0.5)
    with pytest.raises(ValueError, match="number 2 is 12 of 10"):
        corrected([2, 12], [10, 10], 0.9, 0.9)
    with pytest.raises(ValueError, match="number 1 is 0 of 0"):
        corrected(0, 0, 0.9, 0.9)
    with pytest.raises(ValueError, match="same length, not 1 and 2"):
        corrected(2, [10, 10], 0.9, 0.9)
    with pytest.raises(ValueError, match=r"sensitivity must be a number from 0 to 1 or counts such as"):
        corrected(2, 10, 90, 0.9)
    with pytest.raises(ValueError, match="ci='wilson' takes sensitivity and specificity as known"):
        corrected(2, 10, (9, 10), 0.9, ci="wilson")
    with pytest.raises(ValueError, match="needs the counts behind"):
        corrected(2, 10, 0.9, 0.9, ci="lang-reiczigel")
    with pytest.raises(ValueError, match="ci='blaker' is unknown"):
        corrected(2, 10, 0.9, 0.9, ci="blaker")
    with pytest.raises(ValueError, match="labels: 1 given for 2 populations"):
        corrected([2, 3], [10, 10], 0.9, 0.9, labels=["a"])
