"""Doubly robust estimates against R (validation/own/causal.R, 1e-8), by hand and by simulation."""

import numpy as np
import pandas as pd
import pytest
from golden import read
from test_propensity import BINARY, FORMULA, births, check, strata_of_two

from dermcohort.regression import aipw, propensity_weights


def test_binary_outcome():
    check(aipw("low ~ smoke * lwt + race", FORMULA, births()), "own.aipw.binary")


def test_number_with_clusters():
    found = aipw("bwt ~ smoke + lwt + race", FORMULA, births(), cluster="block")
    check(found, "own.aipw.number", ("mean", "difference"))
    assert any("Few clusters: 23" in note for note in found.notes)


def test_text_covariates():
    data = read("infert").assign(any=lambda d: (d["spontaneous"] > 0).astype(int))
    found = aipw("case ~ any * age + parity", "any ~ education + age + parity", data)
    check(found, "own.aipw.infert")
    assert found.n == 248 and found.events == 83


def test_saturated_by_hand():
    """Saturated models on both sides: direct standardization, 0.2 and 1/3 (see test_standardized_risks.py)."""
    data = strata_of_two()
    table = aipw("ill ~ x * old", "x ~ old", data).table
    np.testing.assert_allclose(table["estimate"][:4], [0.2, 1 / 3, 2 / 15, 5 / 3], rtol=1e-9)
    weighted = propensity_weights("x ~ old", data).effect("ill", data).table
    np.testing.assert_allclose(table["std_error"][:5], weighted["std_error"][:5], rtol=1e-8)


def test_row_order_and_coding_of_the_treatment():
    data = births().assign(
        yes=lambda d: d["smoke"] == 1, word=lambda d: np.where(d["smoke"] == 1, "yes", "no")
    )
    base = aipw("low ~ smoke * lwt + race", FORMULA, data).table
    for name in ("smoke", "yes", "word"):
        found = aipw(
            f"low ~ {name} * lwt + race", FORMULA.replace("smoke", name), data.sample(frac=1, random_state=3)
        ).table
        for column in ("estimate", "std_error"):
            np.testing.assert_allclose(found[column], base[column], rtol=1e-7)


def world(n: int, seed: int) -> pd.DataFrame:
    """Treatment and outcome depend on z and its square; the effect is 1 for all."""
    rng = np.random.default_rng(seed)
    z = rng.uniform(-2, 2, n)
    x = (rng.uniform(size=n) < 1 / (1 + np.exp(0.7 - 0.5 * z - 0.5 * z**2))).astype(int)
    return pd.DataFrame({"z": z, "z2": z**2, "x": x, "y": x + z + z**2 + rng.normal(size=n)})


@pytest.mark.parametrize(
    ("outcome", "treatment", "right"),
    [
        ("y ~ x + z + z2", "x ~ z + z2", True),
        ("y ~ x + z", "x ~ z + z2", True),
        ("y ~ x + z + z2", "x ~ z", True),
        ("y ~ x + z", "x ~ z", False),
    ],
)
def test_one_right_model_is_enough(outcome, treatment, right):
    row = aipw(outcome, treatment, world(20_000, 11)).table.query("measure == 'difference'").iloc[0]
    assert (row["conf_low"] < 1 < row["conf_high"]) == right


def test_standard_error_is_the_spread_over_samples_with_one_wrong_model():
    found = [
        aipw("y ~ x + z", "x ~ z + z2", world(400, seed)).table.query("measure == 'difference'").iloc[0]
        for seed in range(80)
    ]
    spread = np.std([row["estimate"] for row in found])
    assert np.mean([row["std_error"] for row in found]) == pytest.approx(spread, rel=0.2)


def test_missing_values_in_either_model():
    data = births().assign(
        age=lambda d: d["age"].where(d.index % 9 > 0), low=lambda d: d["low"].where(d.index % 10 > 0)
    )
    found = aipw("low ~ smoke * lwt + race", FORMULA, data)
    complete = data.dropna(subset=["age", "low"])
    assert found.n == len(complete) and found.n_missing["age"] == 21 and found.n_missing["low"] == 19
    assert any(f"{189 - len(complete)} of 189 rows left out" in note for note in found.notes)
    assert found.table.equals(aipw("low ~ smoke * lwt + race", FORMULA, complete).table)


def test_a_risk_below_0_is_shown_without_interval():
    """Augmentation can leave [0, 1]; the difference still has its interval."""
    data = births().assign(low=lambda d: d["low"].where(d["smoke"] == 0, (d["age"] > 40).astype(int)))
    data.loc[data.index[data["smoke"] == 1][0], ["low", "age"]] = 1, 44
    found = aipw("low ~ smoke * lwt", "smoke ~ lwt + age", data).table.set_index("measure")
    assert found.loc["RD", ["conf_low", "conf_high"]].notna().all()
    assert found.loc["risk", "estimate"].notna().all()
    assert found.loc["RD", "estimate"] == pytest.approx(np.diff(found.loc["risk", "estimate"])[0])


def test_clear_errors():
    data = births()
    with pytest.raises(ValueError, match="must have the treatment 'smoke' on its right"):
        aipw("low ~ lwt", FORMULA, data)
    with pytest.raises(ValueError, match="the treatment must be a column"):
        aipw("low ~ smoke + lwt", "I(smoke == 1) ~ age", data)
    with pytest.raises(ValueError, match=r"no column 'lwtt'\. Did you mean 'lwt'"):
        aipw("low ~ smoke + lwtt", FORMULA, data)
    with pytest.raises(ValueError, match=r"no column 'blocks'\. Did you mean 'block'"):
        aipw("low ~ smoke + lwt", FORMULA, data, cluster="blocks")
    with pytest.raises(ValueError, match="is 0 in all"):
        aipw("low ~ smoke + lwt", FORMULA, data.assign(low=0))


def test_binary_measures():
    assert aipw("low ~ smoke + lwt", FORMULA, births()).table["measure"].tolist() == [
        "risk",
        *BINARY,
        "NNT",
    ]
