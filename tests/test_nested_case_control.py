"""Nested case-control samples: probabilities and analyses against R (validation/own/samples.R), rules, simulation."""

import re

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT
from golden import read, reference
from hypothesis import given, settings
from hypothesis import strategies as st

from dermcohort.regression import conditional_logistic
from dermcohort.survival import cox, nested_case_control

MALIGNANCY = {"time": "etime", "event": "pcm"}
SOME = np.array([1, 2, 3, 50, 100, 500, 1000, 1300]) - 1


@pytest.fixture(scope="module")
def mgus() -> pd.DataFrame:
    data = read("mgus2cr").query("mspike.notna() and etime > 0")
    return data.assign(pcm=(data["ev"] == "pcm").astype(int), exit_age=data["age"] + data["etime"] / 12)


def cohort(seed: int, n: int = 200) -> pd.DataFrame:
    """Times in whole months, so that there are ties; log hazard ratio 0.7 of x."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    t = rng.exponential(1 / (0.02 * np.exp(0.7 * x)))
    begin, end = rng.integers(0, 6, n), rng.integers(7, 25, n)
    t = begin + np.ceil(t)
    return pd.DataFrame(
        {
            "id": np.arange(n),
            "begin": begin,
            "months": np.minimum(t, end),
            "ill": (t <= end).astype(int),
            "x": x,
            "sex": rng.choice(["f", "m"], n),
            "age": rng.integers(40, 80, n),
        }
    )


def errors(fit) -> np.ndarray:
    return np.sqrt(np.diag(fit.covariance))


def check(fit, identifier, rtol=1e-8):
    np.testing.assert_allclose([*fit.coefficients, *errors(fit)], reference(identifier), rtol=rtol)


# ------------------------------------------------------------------------------------- against R


@pytest.mark.parametrize(
    ("options", "identifier"),
    [
        ({"controls": 2, **MALIGNANCY}, "own.ncc.plain"),
        ({"controls": 3, "match": "sex", "caliper": {"age": 3}, **MALIGNANCY}, "own.ncc.matched"),
        (
            {"controls": 1, "match": ["sex"], "time": "exit_age", "entry": "age", "event": "pcm"},
            "own.ncc.age",
        ),
    ],
)
def test_probabilities(mgus, options, identifier):
    p = nested_case_control(mgus, seed=1, **options).probability.to_numpy()
    np.testing.assert_allclose([*p[SOME], p.sum(), (p**2).sum()], reference(identifier), rtol=1e-12)


def test_weighted_cox(mgus):
    p = nested_case_control(mgus, controls=2, seed=1, **MALIGNANCY).probability
    sample = mgus.assign(weight=1 / p)[(mgus["pcm"] == 1) | ((mgus["id"] % 5 == 0) & (p > 0))]
    check(cox("age + sex + mspike", sample, weights="weight", **MALIGNANCY), "own.ncc.weighted")


def test_sets_of_all_who_are_eligible(mgus):
    sample = nested_case_control(mgus, controls=len(mgus), seed=1, **MALIGNANCY)
    check(conditional_logistic("case ~ age + mspike", sample.sets, strata="set"), "own.ncc.clogit.all")
    matched = nested_case_control(
        mgus, controls=len(mgus), match="sex", caliper={"age": 2}, seed=1, **MALIGNANCY
    )
    check(conditional_logistic("case ~ mspike", matched.sets, strata="set"), "own.ncc.clogit.matched")


# ---------------------------------------------------------------------------------------- identities


def test_all_controls_without_ties_are_the_cohort():
    """Whole risk sets: conditional logistic regression is Cox regression, and all weights are 1."""
    data = cohort(1).assign(months=lambda d: d["months"] + d["id"] / 1000)
    outcome = {"time": "months", "event": "ill", "entry": "begin"}
    sample = nested_case_control(data, controls=len(data), seed=1, **outcome)
    full = cox("x", data, **outcome)
    fit = conditional_logistic("case ~ x", sample.sets, strata="set")
    np.testing.assert_allclose(fit.coefficients, full.coefficients, rtol=1e-9)
    np.testing.assert_allclose(fit.covariance, full.covariance, rtol=1e-9)
    weighted = cox("x", sample.people, weights="weight", **outcome)
    assert (sample.people["weight"] == 1).all()
    np.testing.assert_allclose(weighted.coefficients, full.coefficients, rtol=1e-9)


def test_probability_by_hand():
    """Cases at 2 (of the others 4 are at risk, a later case among them) and at 3 (2 at risk); 1 control each.

    Who leaves at 1: 0. Who leaves at 2 without the event: 1/4. Who stays: 1 - (1 - 1/4)(1 - 1/2).
    """
    data = pd.DataFrame({"t": [1, 2, 2, 3, 4, 5], "d": [0, 1, 0, 1, 0, 0]})
    sample = nested_case_control(data, time="t", event="d", seed=2)
    expected = [0, 1, 1 / 4, 1, 1 - (3 / 4) * (1 / 2), 1 - (3 / 4) * (1 / 2)]
    np.testing.assert_allclose(sample.probability, expected, rtol=1e-12)
    assert sample.sets["n_eligible"].tolist() == [4, 4, 2, 2]


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), controls=st.integers(1, 4))
def test_rules_of_the_sets(seed, controls):
    data = cohort(seed)
    sample = nested_case_control(
        data,
        time="months",
        event="ill",
        entry="begin",
        controls=controls,
        match="sex",
        caliper={"age": 5},
        seed=seed,
    )
    sets = sample.sets
    assert sets["case"].sum() == data["ill"].sum() == sample.events == sets["set"].nunique()
    cases = sets[sets["case"] == 1].set_index("set")
    own = sets[sets["case"] == 0]
    case = cases.loc[own["set"]]
    assert (own["begin"] < own["set_time"]).all() and (own["months"] >= own["set_time"]).all()
    assert not ((own["months"] == own["set_time"]) & (own["ill"] == 1)).any()
    assert (own["sex"].to_numpy() == case["sex"].to_numpy()).all()
    assert (np.abs(own["age"].to_numpy() - case["age"].to_numpy()) <= 5).all()
    assert not sets.duplicated(["set", "id"]).any()
    sizes = sets.groupby("set")["case"].count() - 1
    assert (sizes == cases["n_eligible"].clip(upper=controls)).all()
    assert set(sample.people["id"]) == set(sets["id"])
    assert (sample.people["weight"] * sample.people["probability"]).to_numpy() == pytest.approx(1)
    assert sample.probability.between(0, 1).all()


def test_the_seed_says_the_sample():
    data = cohort(3)
    options = {"time": "months", "event": "ill", "controls": 2}
    first, again, other = (nested_case_control(data, seed=seed, **options).sets for seed in (1, 1, 2))
    pd.testing.assert_frame_equal(first, again)
    assert not first["id"].equals(other["id"])


def test_people_are_drawn_with_their_probability():
    data = cohort(5, 40)
    options = {"time": "months", "event": "ill", "entry": "begin"}
    samples = [nested_case_control(data, seed=seed, **options) for seed in range(300)]
    drawn = np.mean([data["id"].isin(s.people["id"]) for s in samples], axis=0)
    p = samples[0].probability.to_numpy()
    assert np.sum((p > 0) & (p < 1)) > 0
    assert (np.abs(drawn - p) <= 4 * np.sqrt(p * (1 - p) / 300)).all()


def test_a_caliper_of_decimals_is_what_it_says():
    data = pd.DataFrame({"t": [1.0, 2, 2], "d": [1, 0, 0], "age": [40.3, 38.3, 38.2]})
    sample = nested_case_control(data, time="t", event="d", controls=2, caliper={"age": 2}, seed=1)
    assert sample.sets["age"].tolist() == [40.3, 38.3]


def test_both_analyses_find_the_truth():
    """Log hazard ratio 0.7 with 2 controls a case; intervals hold it, and weighting is the more precise."""
    covered = {"sets": 0, "weighted": 0}
    found: dict[str, list[float]] = {"sets": [], "weighted": []}
    for seed in range(60):
        data = cohort(seed + 500, 600)
        outcome = {"time": "months", "event": "ill", "entry": "begin"}
        sample = nested_case_control(data, controls=2, seed=seed, **outcome)
        fits = {
            "sets": conditional_logistic("case ~ x", sample.sets, strata="set"),
            "weighted": cox("x", sample.people, weights="weight", **outcome),
        }
        for name, fit in fits.items():
            row = fit.table.iloc[0]
            covered[name] += row["conf_low"] <= np.exp(0.7) <= row["conf_high"]
            found[name].append(row["coef"])
    # binomial(60, 0.95): below 52 with probability 0.006; the times are rounded up, which takes a little away
    assert min(covered.values()) >= 52
    assert all(abs(np.mean(values) - 0.7) < 0.05 for values in found.values())
    assert np.std(found["weighted"]) < 1.15 * np.std(found["sets"])


# --------------------------------------------------------------------------------- results and doors


def test_availability_and_missing_values():
    data = cohort(6).assign(
        specimen=lambda d: (d["id"] % 3 > 0).astype("boolean").mask(d["id"] == 1),
        sex=lambda d: d["sex"].where(d["id"] != 4),
    )
    sample = nested_case_control(
        data, time="months", event="ill", match="sex", available="specimen", controls=2, seed=1
    )
    usable = data["specimen"].fillna(False) & data["sex"].notna()
    assert sample.n == usable.sum()
    assert sample.events == data.loc[usable, "ill"].sum()
    assert usable[sample.sets.index].all()
    assert sample.probability.notna().equals(usable.astype(bool))
    assert sample.n_missing["sex"] == 1
    assert sample.notes[0].startswith("1 of ")
    lost = data.loc[~data["specimen"].fillna(False), "ill"].sum()
    assert f"{lost:,} cases could not" in sample.notes[1]


def test_cases_without_controls_are_noted():
    data = pd.DataFrame({"t": [1, 2, 3, 4], "d": [1, 1, 0, 1], "g": ["a", "b", "b", "b"]})
    sample = nested_case_control(data, time="t", event="d", controls=2, match="g", seed=1)
    assert sample.sets.groupby("set").size().tolist() == [1, 3, 1]
    assert "2 cases have no eligible control: their sets tell nothing." in sample.notes
    more = nested_case_control(data, time="t", event="d", controls=5, match="g", seed=1)
    assert any("1 cases have fewer than 5 eligible controls" in note for note in more.notes)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"controls": 0}, "controls=0"),
        ({"controls": 1.5}, "controls=1.5"),
        ({"match": "sexx"}, "no column 'sexx'"),
        ({"caliper": {"sex": 1}}, "caliper: 'sex'"),
        ({"caliper": {"age": -1}}, "caliper: 'age'"),
        ({"event": "nobody"}, "never happens"),
        ({"available": "nobody"}, "is true for nobody"),
        ({"entry": "months"}, "not after"),
    ],
)
def test_bad_input(changed, message):
    with pytest.raises(ValueError, match=message):
        nested_case_control(
            cohort(7).assign(nobody=0), **{"time": "months", "event": "ill", "seed": 1, **changed}
        )


def test_columns_of_the_sample_must_be_free():
    with pytest.raises(ValueError, match="have a column 'set'"):
        nested_case_control(cohort(8).assign(set=1), time="months", event="ill", seed=1)


def test_the_page_of_the_documentation_runs(monkeypatch):
    monkeypatch.chdir(ROOT)
    page = (ROOT / "docs" / "sampling.md").read_text("utf-8")
    names: dict = {}
    for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL):
        exec(compile(block, "sampling.md", "exec"), names)
    cohort, nested = names["cohort"], names["nested"]
    assert "could be sampled ('serum')" in nested.notes[0]
    assert nested.n == cohort["serum"].sum()
    assert names["fit"].events == nested.events == (cohort["serum"] & cohort["malignant"]).sum()
    # all three estimate the hazard ratio of the cohort
    whole = names["dc"].survival.cox("age + sex + hgb", cohort[cohort["serum"]], **names["outcome"])
    for name in ("fit", "by_set", "weighted"):
        row = names[name].table.set_index("term").loc["hgb"]
        assert abs(row["coef"] - whole.coefficients["hgb"]) < 2 * row["std_error"]
    assert names["what_if"].table["delta"].unique().tolist() == [1, 2, 4]
