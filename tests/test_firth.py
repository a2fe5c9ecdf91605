"""Firth's logistic regression: saturated models by hand, separation, properties."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dermcohort.regression import firth, logistic

few = settings(max_examples=8, deadline=None)
seeds = given(seed=st.integers(0, 10_000))


def cells(*counts: tuple[object, int, int]) -> pd.DataFrame:
    """Rows of (level, events, n)."""
    rows = [(level, int(i < events)) for level, events, n in counts for i in range(n)]
    return pd.DataFrame(rows, columns=["x", "y"])


def cohort(seed: int, n: int = 50) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "y": rng.permutation(np.arange(n) % 4 == 0),
            "age": rng.normal(size=n),
            "sex": rng.permutation(np.arange(n) % 2),
            "w": rng.integers(1, 4, n).astype(float),
        }
    )


@pytest.mark.parametrize(
    ("a", "b"), [((1, 4), (3, 4)), ((0, 4), (3, 7)), ((0, 5), (6, 6)), ((2, 90), (1, 3)), ((0, 1), (1, 1))]
)
def test_a_two_by_two_table_gets_half_an_event_in_each_cell(a, b):
    """Odds of group 0 (e + 1/2) / (n - e + 1/2); variance of the log odds ratio at these fitted probabilities."""
    found = firth("y ~ x", cells((0, *a), (1, *b)), interval="wald").table.iloc[0]
    odds = [(e + 0.5) / (n - e + 0.5) for e, n in (a, b)]
    assert found["estimate"] == pytest.approx(odds[1] / odds[0], rel=1e-9)
    information = [n * o / (1 + o) ** 2 for (_, n), o in zip((a, b), odds, strict=True)]
    assert found["std_error"] == pytest.approx(sum(1 / i for i in information) ** 0.5, rel=1e-9)


def test_penalized_likelihood_of_one_probability_by_hand():
    """3 of 8: the penalized likelihood is p^3.5 (1 - p)^5.5 sqrt(8), highest at p = 3.5 / 9."""
    found = firth("y ~ 1", cells((0, 3, 8)))
    p = 3.5 / 9
    assert found.coefficients["Intercept"] == pytest.approx(np.log(p / (1 - p)), rel=1e-10)
    assert found.loglik == pytest.approx(3.5 * np.log(p) + 5.5 * np.log(1 - p) + np.log(8) / 2, rel=1e-12)
    assert found.predict(pd.DataFrame(index=[0])).tolist() == pytest.approx([p])


def test_finite_under_complete_separation():
    data = pd.DataFrame({"y": [0] * 20 + [1] * 20, "x": np.arange(40.0)})
    row = firth("y ~ x", data).table.iloc[0]
    assert 1 < row["conf_low"] < row["estimate"] < row["conf_high"] < np.inf
    assert row["p_value"] < 1e-6


def test_units_do_not_matter():
    """Incomes in cents about a million, and a leverage point that makes plain scoring swing to and fro."""
    data = cohort(8)
    moved = firth("y ~ age", data.assign(age=data["age"] * 1e6 + 1e9)).table.iloc[0]
    plain = firth("y ~ age", data).table.iloc[0]
    assert moved["coef"] * 1e6 == pytest.approx(plain["coef"], rel=1e-5)
    assert np.log(moved["conf_high"]) * 1e6 == pytest.approx(np.log(plain["conf_high"]), rel=1e-5)
    far = firth("y ~ x", pd.DataFrame({"y": [0, 1] * 20, "x": [1000.0, *[0, 1] * 19, 1]}))
    assert far.notes == ()
    assert far.table.loc[0, "conf_low"] < far.table.loc[0, "estimate"] < far.table.loc[0, "conf_high"]


def test_the_note_of_a_separated_fit_names_the_cell_and_firth():
    data = cells(("mild", 2, 9), ("severe", 0, 7), ("worst", 5, 5))
    note = next(n for n in logistic("y ~ x", data).notes if n.startswith("Separation"))
    assert "x[T.severe], x[T.worst]" in note
    assert "(x = severe: 0 events among 7 rows, x = worst: 5 events among 5 rows)" in note
    assert "use firth" in note
    found = firth("y ~ x", data).table.set_index("level")
    assert np.isfinite(found.loc[["severe", "worst"], ["estimate", "conf_low", "conf_high"]]).all(axis=None)


def test_a_reference_level_or_a_number_without_events_is_named():
    by_level = logistic("y ~ x", cells(("a", 0, 6), ("b", 2, 6), ("c", 3, 6)))
    assert any("(x = a: 0 events among 6 rows)" in note for note in by_level.notes)
    by_number = logistic("y ~ x", cells((0, 0, 6), (1, 3, 8)))
    assert any("(x = 0: 0 events among 6 rows)" in note for note in by_number.notes)


@seeds
@few
def test_order_swap_and_frequency_weights(seed):
    data = cohort(seed)
    found = firth("y ~ age + sex", data, weights="w")
    repeated = firth("y ~ age + sex", data.loc[data.index.repeat(data["w"].astype(int))])
    columns = ["estimate", "conf_low", "conf_high", "p_value", "std_error"]
    np.testing.assert_allclose(found.table[columns], repeated.table[columns], rtol=1e-7)
    mixed = firth("y ~ age + sex", data.sample(frac=1, random_state=seed), weights="w")
    np.testing.assert_allclose(found.table[columns], mixed.table[columns], rtol=1e-7)
    swapped = firth("y ~ age + sex", data.assign(sex=1 - data["sex"]), weights="w").table.iloc[1]
    row = found.table.iloc[1]
    assert swapped["conf_low"] == pytest.approx(1 / row["conf_high"], rel=1e-7)
    assert swapped["p_value"] == pytest.approx(row["p_value"], rel=1e-6)
    assert "Weights: frequency weights from 'w'." in found.notes


@seeds
@few
def test_interval_and_test_agree(seed):
    """A limit lies at 1 exactly where p is 1 less the level."""
    data = cohort(seed)
    p = firth("y ~ age", data).table.loc[0, "p_value"]
    row = firth("y ~ age", data, conf_level=1 - p).table.iloc[0]
    nearest = row["conf_low"] if row["estimate"] > 1 else row["conf_high"]
    assert nearest == pytest.approx(1, abs=1e-7)


def test_nearer_to_no_effect_than_maximum_likelihood():
    data = cohort(1)
    a, b = (model("y ~ sex", data).table.loc[0, "coef"] for model in (firth, logistic))
    assert abs(a) < abs(b) and np.sign(a) == np.sign(b)


def test_missing_rows_and_bad_input():
    data = cohort(2).assign(age=lambda d: d["age"].mask(d.index < 3))
    found = firth("y ~ age", data)
    assert (found.n, found.n_missing["age"]) == (47, 3)
    assert any("3 of 50 rows left out" in note for note in found.notes)
    with pytest.raises(ValueError, match=r"interval='profil' is unknown; .* Did you mean 'profile'\?"):
        firth("y ~ age", data, interval="profil")
    with pytest.raises(ValueError, match="'y' is 0 in all"):
        firth("y ~ age", data.assign(y=0))
    with pytest.raises(ValueError, match="no row has all of"):
        firth("y ~ age", data.assign(age=np.nan))
    with pytest.raises(ValueError, match="must not be negative"):
        firth("y ~ age", data.assign(w=-1.0), weights="w")
