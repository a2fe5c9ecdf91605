"""Case-cohort regression and subcohorts: against R's cch (validation/own/samples.R), by identities, by simulation."""

import numpy as np
import pandas as pd
import pytest
from golden import read, reference

from dermcohort import Estimates
from dermcohort.regression import dose_response, likelihood_ratio_test
from dermcohort.survival import case_cohort, cox, sample_subcohort
from dermcohort.validate.registry import REGISTRY

METHODS = ("Prentice", "SelfPrentice", "LinYing")
MALIGNANCY = {"time": "etime", "event": "pcm"}


@pytest.fixture(scope="module")
def mgus() -> pd.DataFrame:
    data = read("mgus2cr").query("mspike.notna() and etime > 0")
    era = np.where(data["dxyr"] < 1980, "early", "late")
    return data.assign(
        pcm=(data["ev"] == "pcm").astype(int),
        dead=(data["ev"] == "death").astype(int),
        sub=data["id"] % 5 == 0,
        era=era,
        sub_era=np.where(era == "early", data["id"] % 4 == 0, data["id"] % 7 == 0),
        exit_age=data["age"] + data["etime"] / 12,
    )


def cohort(seed: int, n: int = 600, *, distinct: bool = True) -> pd.DataFrame:
    """Exponential times with log hazard ratios 0.7 (x) and -0.5 (z)."""
    rng = np.random.default_rng(seed)
    x, z = rng.normal(size=n), rng.integers(0, 2, n)
    t = rng.exponential(1 / (0.05 * np.exp(0.7 * x - 0.5 * z)))
    end = rng.uniform(1, 5, n)
    years = np.minimum(t, end)
    return pd.DataFrame(
        {"years": years if distinct else np.ceil(years), "ill": t <= end, "x": x, "z": z, "everybody": True}
    )


def errors(fit) -> np.ndarray:
    return np.sqrt(np.diag(fit.covariance))


def check(fit, identifier, rtol=1e-8):
    found = np.concatenate([fit.coefficients, errors(fit)])
    np.testing.assert_allclose(found, reference(identifier), rtol=rtol)


# ------------------------------------------------------------------------------------- against R


@pytest.mark.parametrize("identifier", ["cch.Prentice", "cch.SelfPrentice", "cch.LinYing", "cch.IBorgan"])
def test_golden(identifier):
    found = REGISTRY[identifier].values(read)
    np.testing.assert_allclose(found, reference(identifier), rtol=1e-8)


@pytest.mark.parametrize("method", METHODS)
def test_unstratified(mgus, method):
    fit = case_cohort(
        "age + sex + mspike", mgus, subcohort="sub", cohort_size=len(mgus), method=method, **MALIGNANCY
    )
    check(fit, f"own.cch.mgus.{method}")


@pytest.mark.parametrize("method", METHODS)
def test_late_entry(mgus, method):
    data = mgus[mgus["age"] >= 50]
    fit = case_cohort(
        "sex + mspike",
        data,
        time="exit_age",
        event="pcm",
        entry="age",
        subcohort="sub",
        cohort_size=len(data),
        method=method,
    )
    check(fit, f"own.cch.entry.{method}")
    assert "delayed entry" in fit.method


@pytest.mark.parametrize("method", ["I.Borgan", "II.Borgan"])
def test_stratified(mgus, method):
    sizes = mgus["era"].value_counts()
    for cohort_size in (sizes, sizes.to_dict(), sizes[::-1]):
        fit = case_cohort(
            "age + sex + mspike",
            mgus,
            subcohort="sub_era",
            stratum="era",
            cohort_size=cohort_size,
            method=method,
            **MALIGNANCY,
        )
        check(fit, f"own.cch.strata.{method}")


def test_one_covariate_and_many_ties(mgus):
    fit = case_cohort(
        "mspike",
        mgus,
        time="etime",
        event="dead",
        subcohort="sub",
        cohort_size=len(mgus),
        method="LinYing",
    )
    check(fit, "own.cch.one.covariate")


def test_everybody_in_the_subcohort_as_r(mgus):
    fit = case_cohort(
        "age + mspike", mgus.assign(sub=1), subcohort="sub", cohort_size=len(mgus), **MALIGNANCY
    )
    check(fit, "own.cch.all")


# ---------------------------------------------------------------------------------------- identities


@pytest.mark.parametrize("method", [*METHODS, "I.Borgan", "II.Borgan"])
def test_a_subcohort_of_everyone_is_the_cohort(method):
    data = cohort(1)
    strata = {"stratum": "z", "cohort_size": data["z"].value_counts()} if "Borgan" in method else {}
    fit = case_cohort(
        "x + z",
        data,
        time="years",
        event="ill",
        subcohort="everybody",
        method=method,
        **{"cohort_size": len(data), **strata},
    )
    full = cox("x + z", data, time="years", event="ill")
    np.testing.assert_allclose(fit.coefficients, full.coefficients, rtol=1e-10)
    np.testing.assert_allclose(fit.covariance, full.covariance, rtol=1e-9)


@pytest.mark.parametrize(
    ("method", "ties"),
    [("Prentice", "efron"), ("LinYing", "efron"), ("SelfPrentice", "breslow")],
)
def test_a_subcohort_of_everyone_with_ties(method, ties):
    data = cohort(2, distinct=False)
    outcome = {"time": "years", "event": "ill"}
    fit = case_cohort("x + z", data, subcohort="everybody", cohort_size=len(data), method=method, **outcome)
    full = cox("x + z", data, ties=ties, **outcome)
    np.testing.assert_allclose(fit.coefficients, full.coefficients, rtol=1e-10)


def test_self_prentice_by_hand():
    """Times 1 (case outside), 2 (case in), 3, 4 (in, no event): x = 1, 0, 1, 0.

    Risk sets of the subcohort: {0, 1, 0} at 1 and at 2. With h = exp(b), U = 1 - h/(2 + h) + 0 - h/(2 + h) = 0: h = 2.
    Information 2 (h/(2+h)) (2/(2+h)) = 1/2.
    """
    data = pd.DataFrame({"t": [1, 2, 3, 4], "d": [1, 1, 0, 0], "x": [1, 0, 1, 0], "s": [0, 1, 1, 1]})
    fit = case_cohort("x", data, time="t", event="d", subcohort="s", cohort_size=4, method="SelfPrentice")
    assert fit.table["estimate"][0] == pytest.approx(2, rel=1e-10)
    # scores -r (x - 1/2) H with H = 1/4 (twice 1/4 for all three): r = 1, 2, 1; x - 1/2 = -, +, -
    hazard = 2 / 4
    scores = np.array([0.5, -1.0, 0.5]) * hazard
    expected = 2 + 2 * (1 - 3 / 4) * (scores @ scores) * 2
    assert fit.covariance.iloc[0, 0] == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("method", METHODS)
def test_order_of_rows_and_others_of_the_cohort_do_not_matter(mgus, method):
    options = {"subcohort": "sub", "cohort_size": len(mgus), "method": method, **MALIGNANCY}
    whole = case_cohort("age + mspike", mgus, **options)
    sample = mgus[mgus["sub"] | (mgus["pcm"] == 1)].sample(frac=1, random_state=3)
    alone = case_cohort("age + mspike", sample, **options)
    np.testing.assert_allclose(alone.coefficients, whole.coefficients, rtol=1e-10)
    np.testing.assert_allclose(alone.covariance, whole.covariance, rtol=1e-9)
    assert (alone.n, alone.events, alone.subcohort_size) == (whole.n, whole.events, whole.subcohort_size)
    assert any("take no part" in note for note in whole.notes)
    assert not any("take no part" in note for note in alone.notes)


def test_cases_without_company_in_the_subcohort_are_noted():
    """The last event comes when nobody else is left: without that person all is the same."""
    data = cohort(4, 300).assign(sub=lambda d: np.arange(300) < 60)
    last = pd.DataFrame({"years": [9.0], "ill": [True], "x": [3.0], "z": [1], "sub": [False]})
    options = {"time": "years", "event": "ill", "subcohort": "sub", "cohort_size": 400}
    without = case_cohort("x + z", data, method="Prentice", **options)
    fit = case_cohort("x + z", pd.concat([data, last]), method="Prentice", **options)
    np.testing.assert_allclose(fit.coefficients, without.coefficients, rtol=1e-9)
    assert any(note.startswith("1 events came when nobody") for note in fit.notes)
    assert not any("came when nobody" in note for note in without.notes)


def test_the_interval_holds_the_truth_and_the_estimate_is_near_that_of_the_cohort():
    covered = dict.fromkeys(METHODS, 0)
    distance = []
    for seed in range(60):
        data = cohort(seed + 100, 1500)
        sample = sample_subcohort(data, 300, seed=seed)
        data["sub"] = sample.member
        for method in METHODS:
            fit = case_cohort(
                "x + z",
                data,
                time="years",
                event="ill",
                subcohort="sub",
                cohort_size=sample.cohort_size,
                method=method,
            )
            row = fit.table.iloc[0]
            covered[method] += row["conf_low"] <= np.exp(0.7) <= row["conf_high"]
            distance.append(row["coef"] - 0.7)
    # binomial(60, 0.95): below 52 with probability 0.006
    assert min(covered.values()) >= 52
    assert abs(np.mean(distance)) < 0.04


# --------------------------------------------------------------------------------- results and doors


def test_result(mgus, tmp_path):
    data = mgus.assign(hgb=mgus["hgb"].where(mgus["id"] != 5))
    fit = case_cohort("age + hgb + sex", data, subcohort="sub", cohort_size=len(mgus), **MALIGNANCY)
    assert fit.n_missing["hgb"] > 0
    assert any("taken as not sampled" in note for note in fit.notes)
    assert fit.table["measure"].unique().tolist() == ["HR"]
    assert fit.table["level"].tolist()[2:] == ["F", "M"]
    ratio = fit.predict(data.iloc[[0, 1]])
    assert np.isfinite(ratio).all()
    fit.save(tmp_path / "fit")
    again = Estimates.load(tmp_path / "fit")
    assert again.subcohort_size == fit.subcohort_size
    curve = dose_response(fit, "age", 60)
    assert len(curve.curve)
    with pytest.raises(ValueError, match="likelihood"):
        likelihood_ratio_test(
            fit, case_cohort("age", data, subcohort="sub", cohort_size=len(mgus), **MALIGNANCY)
        )


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"method": "prentice"}, "method='prentice' is unknown"),
        ({"method": "I.Borgan"}, "needs stratum="),
        ({"stratum": "era"}, "leave out stratum="),
        ({"cohort_size": 100}, "cohort_size=100 is smaller than the sample"),
        ({"cohort_size": {"early": 5}}, "must be one whole number"),
        ({"method": "I.Borgan", "stratum": "era"}, "people of each level of 'era'"),
        (
            {"method": "II.Borgan", "stratum": "era", "cohort_size": {"early": 900}},
            "no number for 'late' of 'era'",
        ),
        (
            {"method": "I.Borgan", "stratum": "era", "cohort_size": {"early": 9, "late": 900}},
            "era early has 9 people but",
        ),
        (
            {
                "method": "I.Borgan",
                "stratum": "era",
                "cohort_size": {"early": 900, "late": 900, "later": 10},
            },
            "era later: 0 members of the subcohort",
        ),
        ({"subcohort": "nobody"}, "no member of the subcohort"),
        ({"event": "nobody"}, "no event among"),
        ({"subcohort": "subb"}, "no column 'subb'"),
        ({"formula": "1"}, "no covariate"),
    ],
)
def test_bad_input(mgus, changed, message):
    options = {"formula": "age", "subcohort": "sub", "cohort_size": len(mgus), **MALIGNANCY, **changed}
    with pytest.raises(ValueError, match=message):
        case_cohort(data=mgus.assign(nobody=0), **options)


def test_monotone():
    data = cohort(3, 200).assign(sub=lambda d: np.arange(200) < 50, w=lambda d: d["ill"] * 1.0)
    fit = case_cohort("w", data, time="years", event="ill", subcohort="sub", cohort_size=200)
    assert fit.table["estimate"][0] == np.inf
    assert any(note.startswith("Monotone") for note in fit.notes)


# ---------------------------------------------------------------------------------------- subcohorts


def test_subcohort_sizes_and_seeds(mgus):
    sample = sample_subcohort(mgus, 0.1, seed=5)
    assert sample.member.sum() == round(0.1 * len(mgus))
    assert sample.cohort_size == len(mgus)
    assert sample.member.index.equals(mgus.index)
    assert sample.member.equals(sample_subcohort(mgus, 0.1, seed=5).member)
    assert not sample.member.equals(sample_subcohort(mgus, 0.1, seed=6).member)


def test_subcohort_in_strata_of_those_available(mgus):
    data = mgus.assign(
        available=(mgus["id"] % 2 == 0).astype("boolean").mask(mgus["id"] % 10 == 0),
        era=mgus["era"].where(mgus["id"] != 2),
    )
    sample = sample_subcohort(data, 40, stratum="era", available="available", seed=1)
    assert not (sample.member & ~data["available"].fillna(False)).any()
    assert sample.table["sampled"].tolist() == [40, 40]
    assert list(sample.cohort_size.values()) == sample.table["available"].tolist()
    assert (sample.table["available"] < sample.table["n"]).all()
    assert "could be sampled ('available')" in sample.notes[0]
    assert sample.notes[1] == "1 people with 'era' missing were not sampled."


def test_every_person_has_the_same_chance():
    data = pd.DataFrame({"id": range(20)})
    drawn = np.sum([sample_subcohort(data, 5, seed=seed).member for seed in range(400)], axis=0)
    # binomial(400, 1/4): mean 100, standard deviation 8.7
    assert drawn.sum() == 2000
    assert (np.abs(drawn - 100) < 4 * 8.7).all()


@pytest.mark.parametrize(
    ("size", "options", "message"),
    [
        (30, {}, "the cohort has 20 people"),
        (0, {}, "size=0"),
        (2.5, {}, "size=2.5"),
        ({"a": 3}, {}, "needs stratum="),
        ({"a": 3}, {"stratum": "g"}, "no number for 'b' of 'g'"),
        (3, {"available": "none"}, "is true for nobody"),
    ],
)
def test_bad_size(size, options, message):
    data = pd.DataFrame({"g": list("ab") * 10, "none": False})
    with pytest.raises(ValueError, match=message):
        sample_subcohort(data, size, seed=1, **options)
