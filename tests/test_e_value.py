"""E-values and adjusted p-values: numbers from R, and what is refused."""

import numpy as np
import pandas as pd
import pytest
from golden import read, reference
from hypothesis import given
from hypothesis import strategies as st

from dermcohort import Estimates
from dermcohort.regression import adjust_p_values, e_value, linear, logistic, modified_poisson


def both(found) -> np.ndarray:
    return found.table[["e_value", "e_value_limit"]].to_numpy()[0]


def close(found, identifier):
    np.testing.assert_allclose(found, reference(identifier), rtol=1e-12)


# ------------------------------------------------------------------------------------------ E-values


def test_published_example():
    """VanderWeele & Ding (2017): RR 3.9 (1.8, 8.7) has E-values of 7.26 and 3.0."""
    close(both(e_value(3.9, 1.8, 8.7)), "evalue")


def test_conversions():
    close(both(e_value(0.56, 0.46, 0.69, measure="HR", rare=False)), "own.evalue.hr")
    close(both(e_value(1.86, 1.2, 2.9, measure="OR", rare=False)), "own.evalue.or")
    close(both(e_value(2.2, 1.5, 3.2, true=1.3)), "own.evalue.true")
    # R's EValue takes 1.78 standard errors for 0.91 x 1.96
    width = 1.78 / 0.91 * 0.15
    close(both(e_value(-0.5, -0.5 - width, -0.5 + width, measure="SMD")), "own.evalue.smd")


def test_rare_outcomes_are_not_converted():
    for measure in ("OR", "HR"):
        assert both(e_value(3.9, 1.8, 8.7, measure=measure, rare=True)) == pytest.approx(
            both(e_value(3.9, 1.8, 8.7))
        )


@given(st.floats(0.05, 20), st.floats(1.05, 3))
def test_reciprocal_ratios_have_the_same_e_value(ratio, width):
    found = both(e_value(ratio, ratio / width, ratio * width))
    np.testing.assert_allclose(found, both(e_value(1 / ratio, 1 / ratio / width, width / ratio)), rtol=1e-9)
    assert found[0] >= found[1] >= 1


def test_interval_across_the_null_and_none():
    assert both(e_value(1.4, 0.9, 2.2))[1] == 1
    assert both(e_value(0.8, 0.6, 1.1))[1] == 1
    assert both(e_value(1.0, 0.8, 1.2)).tolist() == [1, 1]
    assert np.isnan(both(e_value(2.0))[1])
    assert both(e_value(2.0))[0] == pytest.approx(2 + 2**0.5)
    assert both(e_value(0.0, 0.0, 0.5))[0] == np.inf


def test_each_row_of_a_fit():
    data = read("infert").assign(education=lambda d: pd.Categorical(d["education"]))
    fit = modified_poisson("case ~ spontaneous + education", data)
    found = e_value(fit)
    assert found.table["term"].tolist() == ["spontaneous", "education", "education"]
    row = found.table.iloc[0]
    alone = both(e_value(row["estimate"], row["conf_low"], row["conf_high"]))
    assert row[["e_value", "e_value_limit"]].tolist() == pytest.approx(alone.tolist())
    shown = found.to_display()
    assert shown["E-value"].tolist() == [
        f"{row['e_value']:.2f}",
        "",
        *(f"{v:.2f}" for v in found.table["e_value"][1:]),
    ]
    assert "n = 248" in found.gt().as_raw_html()
    assert "n = 0" not in e_value(2.0).gt().as_raw_html()


def test_saved(tmp_path):
    found = e_value(3.9, 1.8, 8.7)
    found.save(tmp_path / "found")
    pd.testing.assert_frame_equal(Estimates.load(tmp_path / "found").table, found.table)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"estimate": -1.0}, "estimate: a RR is positive, it is -1"),
        ({"estimate": 2.0, "conf_low": 2.5, "conf_high": 3.0}, "does not hold the estimate 2"),
        ({"estimate": 2.0, "measure": "OR"}, "rare: say whether the outcome is rare"),
        ({"estimate": 2.0, "measure": "RD"}, "measure='RD' has no E-value; choose one of RR"),
        ({"estimate": 2.0, "true": 0.0}, "true: a RR is positive"),
    ],
)
def test_what_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        e_value(**arguments)


def test_estimates_that_are_refused():
    data = read("infert")
    with pytest.raises(ValueError, match="measure= does not fit estimates"):
        e_value(logistic("case ~ spontaneous", data), measure="OR")
    with pytest.raises(ValueError, match="rare: say whether"):
        e_value(logistic("case ~ spontaneous", data))
    with pytest.raises(ValueError, match="has no E-value"):
        e_value(linear("age ~ spontaneous", data))
    with pytest.raises(ValueError, match="no column 'measure'"):
        e_value(Estimates(pd.DataFrame({"estimate": [1.0]}), method="", n=1))


# ------------------------------------------------------------------------------------ adjusted p-values


def test_eight_p_values():
    p = [0.001, 0.008, 0.039, 0.041, 0.042, 0.06, 0.074, 0.205]
    close(np.concatenate([adjust_p_values(p, method) for method in ("holm", "BH", "BY")]), "mt")


def test_missing_p_values_are_no_tests():
    p = np.array([0.2, 0.01, np.nan, 0.04, 0.03, 0.01])
    methods = ("bonferroni", "holm", "hochberg", "hommel", "BH", "BY")
    adjusted = [adjust_p_values(p, method) for method in methods]
    assert all(np.isnan(values[2]) for values in adjusted)
    close(np.concatenate([values[~np.isnan(values)] for values in adjusted]), "own.mt")


def test_series_and_estimates_keep_their_shape():
    series = pd.Series([0.01, 0.04], ["x", "y"], name="p")
    pd.testing.assert_series_equal(adjust_p_values(series), pd.Series([0.02, 0.04], ["x", "y"], name="p"))
    fit = logistic("case ~ education + spontaneous", read("infert"))
    found = adjust_p_values(fit, "BH")
    assert type(found) is type(fit)
    tested = fit.table["p_value"].dropna()
    assert found.table["p_adjusted"].dropna().tolist() == adjust_p_values(tested, "BH").tolist()
    assert "p_adjusted" not in fit.table
    assert found.notes[-1] == "p_adjusted: 3 tests, Benjamini-Hochberg (false discovery rate)."
    assert "Adjusted p" in found.to_display()


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12), st.sampled_from(["holm", "hommel", "BH"]))
def test_adjusted_is_no_smaller_than_p_and_no_larger_than_bonferroni(p, method):
    adjusted = adjust_p_values(p, method)
    assert (adjusted >= np.array(p) - 1e-12).all()
    assert (adjusted <= adjust_p_values(p, "bonferroni") + 1e-12).all()


def test_empty_and_all_missing():
    assert adjust_p_values([], "holm").tolist() == []
    assert np.isnan(adjust_p_values([np.nan, np.nan], "holm")).all()


@pytest.mark.parametrize(
    ("p", "method", "message"),
    [
        ([0.1], "fdr", "method='fdr' is unknown; choose one of bonferroni, holm"),
        ([0.1, 1.2], "holm", "between 0 and 1; found 1.2"),
        ([[0.1], [0.2]], "holm", "one dimension, it has 2"),
        (Estimates(pd.DataFrame({"estimate": [1.0]}), method="", n=1), "holm", "have no p-values"),
    ],
)
def test_p_values_that_are_refused(p, method, message):
    with pytest.raises(ValueError, match=message):
        adjust_p_values(p, method)
