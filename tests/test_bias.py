"""Quantitative bias analysis: published examples, formulas in R, properties of the Monte Carlo analyses."""

import numpy as np
import pandas as pd
import pytest
from golden import read, reference
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from dermcohort import Estimates
from dermcohort.bias import (
    Beta,
    Triangular,
    misclassification,
    negative_control,
    selection,
    unmeasured_confounder,
)
from dermcohort.regression import linear, logistic

BREAST = [[215, 1449], [668, 4296]]
TRAPS = [[4558, 3428], [46305, 46085]]


def row(found, term) -> np.ndarray:
    return found.table.set_index("term").loc[term, ["estimate", "conf_low", "conf_high"]].to_numpy(float)


def close(found, identifier, rtol=1e-12):
    np.testing.assert_allclose(found, reference(identifier), rtol=rtol)


# ------------------------------------------------------------------------------------ simple analyses


def test_smoking_and_breast_cancer():
    """Fink & Lash (2003), in episensr's help: OR 0.95, corrected 0.95; RR 0.97, corrected 0.96."""
    for measure, observed, corrected in (("OR", 0.9542, 0.9491), ("RR", 0.9654, 0.9614)):
        found = misclassification(BREAST, of="exposure", sensitivity=0.78, specificity=0.99, measure=measure)
        assert row(found, "observed")[0] == pytest.approx(observed, abs=1e-4)
        assert row(found, "corrected")[0] == pytest.approx(corrected, abs=1e-4)


def test_differential_misclassification_of_exposure():
    options = {"of": "exposure", "sensitivity": (0.78, 0.85), "specificity": (0.99, 0.97)}
    found = [row(misclassification(BREAST, measure=m, **options), "corrected")[0] for m in ("OR", "RR")]
    close(found, "own.bias.exposure")


def test_misclassification_of_the_outcome():
    options = {"of": "outcome", "sensitivity": 0.53, "specificity": 0.99}
    found = [row(misclassification(TRAPS, measure=m, **options), "corrected")[0] for m in ("OR", "RR")]
    close(found, "own.bias.outcome")


def test_by_hand():
    """Of 100 cases 50 exposed, all seen but 10 of the 50 unexposed taken for exposed: 60 observed, 50 corrected."""
    found = misclassification([[60, 40], [40, 60]], of="exposure", sensitivity=1, specificity=0.8)
    assert row(found, "corrected")[0] == pytest.approx(50 * 75 / (50 * 25))
    assert found.notes == ("Corrected cells: 50.0, 50.0, 25.0, 75.0.",)


@given(
    st.lists(st.integers(20, 500), min_size=4, max_size=4),
    st.sampled_from([(0.8, 0.95), (0.9, 0.9), (1.0, 0.97)]),
    st.sampled_from(["exposure", "outcome"]),
)
def test_correction_undoes_misclassification(cells, quality, of):
    """The expected counts under an error, corrected for it, give the true odds ratio again."""
    true = np.array(cells, float).reshape(2, 2)
    se, sp = quality
    by = true if of == "exposure" else true.T
    positive = se * by[:, 0] + (1 - sp) * by[:, 1]
    seen = np.column_stack([positive, by.sum(axis=1) - positive])
    seen = seen if of == "exposure" else seen.T
    found = misclassification(seen.tolist(), of=of, sensitivity=se, specificity=sp)
    odds_ratio = true[0, 0] * true[1, 1] / (true[0, 1] * true[1, 0])
    assert row(found, "corrected")[0] == pytest.approx(odds_ratio)


def test_unmeasured_confounder():
    """Circumcision and HIV (Tyndall et al. 1996; Lash, Fox & Fink 2009, ch. 5): RR 0.35 becomes 0.48."""
    found = unmeasured_confounder(
        0.348, 0.3, 0.41, prevalence_exposed=0.8, prevalence_unexposed=0.05, risk_ratio=0.63
    )
    close(row(found, "corrected"), "own.bias.confounder")
    assert found.notes == ("Bias factor 0.717.",)
    assert "n = 0" not in found.gt().as_raw_html()


def test_selection():
    """Mobile phones and uveal melanoma (Stang et al. 2006; Lash, Fox & Fink 2009, ch. 4): OR 0.71 becomes 1.63."""
    found = selection(0.706, 0.53, 0.94, cases=(0.94, 0.85), non_cases=(0.64, 0.25))
    close(row(found, "corrected"), "own.bias.selection")


def test_no_bias_changes_nothing():
    same = {"prevalence_exposed": 0.3, "prevalence_unexposed": 0.3, "risk_ratio": 5.0}
    assert row(unmeasured_confounder(2.0, 1.5, 3.0, **same), "corrected") == pytest.approx([2, 1.5, 3])
    assert row(selection(2.0, cases=(0.5, 0.5), non_cases=(0.2, 0.2)), "corrected")[0] == pytest.approx(2)
    perfect = misclassification(BREAST, of="outcome", sensitivity=1.0, specificity=1.0)
    assert row(perfect, "corrected")[0] == pytest.approx(row(perfect, "observed")[0])


# ------------------------------------------------------------------------------ probabilistic analyses


def test_random_error_alone_is_the_conventional_interval():
    """The sensitivity hardly varies around 1, so the total is exp(N(log OR, SE)): quantiles within Monte Carlo error."""
    found = misclassification(
        BREAST, of="exposure", sensitivity=Beta(1e9, 1), specificity=1.0, simulations=200_000, seed=3
    )
    np.testing.assert_allclose(row(found, "systematic error"), row(found, "observed")[0], rtol=1e-4)
    np.testing.assert_allclose(row(found, "systematic and random error"), row(found, "observed"), rtol=0.01)


def test_percentiles_of_the_bias_factor():
    """With the confounder only among the exposed the ratio is 2 / (1 + p (RR - 1)): its quantiles are those of p."""
    found = unmeasured_confounder(
        2.0,
        prevalence_exposed=Triangular(0.2, 0.3, 0.6),
        prevalence_unexposed=0.0,
        risk_ratio=3.0,
        simulations=200_000,
        seed=1,
    )
    quantiles = {
        0.5: 0.6 - (0.5 * 0.4 * 0.3) ** 0.5,
        0.975: 0.6 - (0.025 * 0.4 * 0.3) ** 0.5,
        0.025: 0.2 + (0.025 * 0.4 * 0.1) ** 0.5,
    }
    wanted = [2 / (1 + 2 * quantiles[q]) for q in (0.5, 0.975, 0.025)]
    np.testing.assert_allclose(row(found, "systematic error"), wanted, rtol=0.005)
    assert found.table["term"].tolist() == ["observed", "systematic error"]


def test_seed_repeats_and_equal_groups_share_a_draw():
    options = {"of": "exposure", "specificity": 1.0, "simulations": 500}
    first, again, other = (
        misclassification([[60, 40], [60, 40]], sensitivity=Beta(80, 20), seed=seed, **options)
        for seed in (1, 1, 2)
    )
    pd.testing.assert_frame_equal(first.table, again.table)
    assert not first.table["conf_low"].equals(other.table["conf_low"])
    # nondifferential error leaves an odds ratio of 1 where it is; differential error does not
    assert row(first, "systematic error") == pytest.approx([1, 1, 1])
    apart = misclassification(
        [[60, 40], [60, 40]], sensitivity=(Beta(80, 20), Beta(80, 20)), seed=1, **options
    )
    assert row(apart, "systematic error")[2] > 1.1


def test_selection_with_distributions():
    found = selection(
        0.706, 0.53, 0.94, cases=(Beta(94, 6), 0.85), non_cases=(0.64, Triangular(0.2, 0.25, 0.3)), seed=1
    )
    middle = row(found, "systematic error")
    assert middle[1] < 1.63 < middle[2]
    total, observed = (
        np.abs(np.diff(np.log(row(found, term)))) for term in ("systematic and random error", "observed")
    )
    assert (total > observed).all()


def test_impossible_draws_are_counted():
    found = misclassification(
        [[20, 80], [20, 80]], of="exposure", sensitivity=0.9, specificity=Triangular(0.7, 0.9, 1.0), seed=1
    )
    assert any("draws contradict the counts" in note for note in found.notes)
    assert np.isfinite(row(found, "systematic error")).all()


# ------------------------------------------------------------------------------------ negative controls


def test_negative_control():
    data = read("infert").assign(
        spont=lambda d: (d["spontaneous"] > 0).astype(int), large=lambda d: (d["parity"] > 2).astype(int)
    )
    fit, control = logistic("case ~ spont + age", data), logistic("large ~ spont + age", data)
    found = negative_control(fit, control, "spont")
    p = found.table.set_index("term").loc["calibrated", "p_value"]
    close([*row(found, "calibrated"), p], "own.bias.control", rtol=1e-8)
    assert found.table["measure"].tolist() == ["OR", "OR", "ratio of ORs"]
    itself = negative_control(fit, fit, "spont")
    assert row(itself, "calibrated")[0] == pytest.approx(1)


def test_negative_control_of_a_level():
    data = read("infert")
    fit = logistic("case ~ education + spontaneous", data)
    with pytest.raises(ValueError, match=r"one row 'education' .* there is 2, so give the level"):
        negative_control(fit, fit, "education")
    found = negative_control(fit, fit, "spontaneous", control_term="education", control_level="12+ yrs")
    coefs = fit.table.set_index(["term", "level"])["estimate"]
    assert row(found, "negative control")[0] == pytest.approx(coefs["education", "12+ yrs"])


# ------------------------------------------------------------------------------------ what is refused


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"counts": [[1, 2], [3, 0]]}, "all positive"),
        ({"counts": [1, 2, 3, 4]}, "counts must be"),
        ({"of": "covariate"}, "of='covariate' is unknown; choose exposure or outcome"),
        ({"measure": "HR"}, "measure='HR' is unknown; choose OR or RR"),
        ({"sensitivity": 1.2}, r"sensitivity \(cases\) must lie between 0 and 1, it is 1.2"),
        ({"sensitivity": (0.8, 0.8, 0.8)}, "one for each of two groups, not 3"),
        ({"sensitivity": Beta(8, 2)}, "seed: a bias analysis with distributions needs one"),
        ({"specificity": 0.5}, "contradict the counts"),
        ({"sensitivity": 0.4, "specificity": 0.5}, "contradict the counts"),
    ],
)
def test_misclassification_that_is_refused(arguments, message):
    options = {"counts": BREAST, "of": "exposure", "sensitivity": 0.8, "specificity": 0.99, **arguments}
    with pytest.raises(ValueError, match=message):
        misclassification(options.pop("counts"), **options)


def test_other_input_that_is_refused():
    confounder = {"prevalence_exposed": 0.5, "prevalence_unexposed": 0.1, "risk_ratio": 2.0}
    with pytest.raises(ValueError, match="positive"):
        unmeasured_confounder(-1.0, **confounder)
    with pytest.raises(ValueError, match="does not hold the estimate"):
        unmeasured_confounder(2.0, 3.0, 4.0, **confounder)
    with pytest.raises(ValueError, match="risk_ratio must be positive"):
        unmeasured_confounder(2.0, **{**confounder, "risk_ratio": 0.0})
    with pytest.raises(ValueError, match="simulations must be 1 or more"):
        unmeasured_confounder(2.0, **{**confounder, "prevalence_exposed": Beta(2, 5)}, simulations=0, seed=1)
    with pytest.raises(ValueError, match="probability of 0"):
        selection(2.0, cases=(0.0, 0.5), non_cases=(0.5, 0.5))
    with pytest.raises(ValueError, match="of the exposed and of the unexposed"):
        selection(2.0, cases=0.5, non_cases=(0.5, 0.5))
    with pytest.raises(ValueError, match="a and b must be positive"):
        Beta(0, 1)
    with pytest.raises(ValueError, match="low <= mode <= high"):
        Triangular(0.5, 0.4, 0.6)


def test_negative_controls_that_are_refused():
    data = read("infert")
    fit = logistic("case ~ spontaneous", data)
    with pytest.raises(ValueError, match=r"control: one row 'spontaneous' .* there is none"):
        negative_control(fit, logistic("case ~ induced", data), "spontaneous")
    with pytest.raises(ValueError, match="one of OR, PR, RR, IRR, HR is needed"):
        negative_control(linear("age ~ spontaneous", data), fit, "spontaneous")
    with pytest.raises(ValueError, match="no column 'coef'"):
        negative_control(
            Estimates(pd.DataFrame({"term": ["a"], "measure": ["OR"]}), method="", n=1), fit, "a"
        )


def test_interval_width_of_the_calibrated_ratio():
    """Standard errors of 0.3 and 0.4 make 0.5."""
    rows = {"term": ["a"], "measure": ["OR"], "estimate": [2.0], "coef": [np.log(2)], "std_error": [0.3]}
    one = Estimates(pd.DataFrame(rows), method="", n=10)
    other = Estimates(pd.DataFrame({**rows, "std_error": [0.4]}), method="", n=10)
    found = row(negative_control(one, other, "a"), "calibrated")
    np.testing.assert_allclose(np.log(found[2]), norm.ppf(0.975) * 0.5)
