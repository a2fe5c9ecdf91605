"""The simulated cohorts: same seed, same bytes; calibrated to what is declared; the truth can be found again.

The chain from truth to raw file to harmonized study is checked by counting, the effects by models on people drawn
in numbers large enough for their standard errors.
"""

import hashlib
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import dermcohort as dc
from dermcohort.regression import logistic
from dermcohort.simulate.layouts import LAYOUTS
from dermcohort.simulate.population import mixture_index, simulate_population
from dermcohort.simulate.specification import CENTRAL, COHORTS, COLLEGE, HUNAN
from dermcohort.survival import cox

N = 3_000
ROOT = Path(__file__).parents[1]


def hashes(folder):
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    """(truth, raw folder, study) of a small run."""
    raw = tmp_path_factory.mktemp("simulated") / "raw"
    truth = dc.simulate_cohorts(raw, n=N, seed=5, dirty=0.02)
    study = dc.harmonize(dc.read_dictionary(ROOT / "data-dictionary"), raw)
    return truth, raw, study


def test_same_seed_same_bytes(tmp_path):
    for name in ("a", "b"):
        dc.simulate_cohorts(tmp_path / name, n=300, seed=3)
    dc.simulate_cohorts(tmp_path / "c", n=300, seed=4)
    assert hashes(tmp_path / "a") == hashes(tmp_path / "b")
    assert hashes(tmp_path / "a") != hashes(tmp_path / "c")


def test_every_file_is_there_in_its_own_format(simulated):
    _, raw, _ = simulated
    files = {path.relative_to(raw).as_posix() for path in raw.rglob("*") if path.is_file()}
    assert {layout.file for layout in LAYOUTS} < files
    assert "truth.json" in files
    suffixes = {name.rsplit(".", 1)[1] for name in files}
    assert suffixes >= {"sav", "zsav", "dta", "xpt", "csv", "xlsx", "parquet"}
    (raw / "hunan_metals" / "followup1.csv").read_bytes().decode("gb18030")
    with pytest.raises(UnicodeDecodeError):
        (raw / "hunan_metals" / "followup1.csv").read_bytes().decode("utf-8")


def test_sizes_are_in_proportion(simulated):
    truth, _, study = simulated
    baseline = truth.sizes[truth.sizes["wave"] == "baseline"].set_index("cohort")["people"]
    total = sum(spec.share for spec in COHORTS)
    for spec in COHORTS:
        # never fewer than 100 people, so that small runs still have clusters
        assert baseline[spec.name] == max(100, round(N * spec.share / total))
    assert set(study.participants["cohort"]) == {spec.name for spec in COHORTS}


def test_truth_is_returned_and_written(simulated):
    truth, raw, _ = simulated
    read = dc.simulate.Truth.load(raw / "truth.json")
    pd.testing.assert_frame_equal(read.prevalence, truth.prevalence)
    pd.testing.assert_frame_equal(read.odds_ratios, truth.odds_ratios)
    record = json.loads((raw / "truth.json").read_text("utf-8"))
    assert {"sizes", "prevalence", "odds_ratios", "hazard_ratios", "cluster_variance", "mixture_effect",
            "dropout", "dirt"} == set(record)  # fmt: skip


def test_each_raw_row_is_accounted_for(simulated):
    truth, _, study = simulated
    rows = study.ledger.groupby(["cohort", "wave"], observed=True).size()
    for row in truth.sizes.itertuples():
        assert rows[(row.cohort, row.wave)] == row.rows


def test_planted_errors_are_found_again(simulated):
    """At baseline every person is new, so each kind of dirt has exactly one place where it must show up."""
    truth, _, study = simulated
    planted = truth.dirt[truth.dirt["wave"] == "baseline"].groupby("kind")["n"].sum()
    findings = study.findings[study.findings["wave"] == "baseline"]
    baseline = study.ledger[study.ledger["wave"] == "baseline"]
    reasons = baseline["reason"].value_counts()

    def found(code, variable):
        return findings[(findings["code"] == code) & (findings["variable"] == variable)]["n"].sum()

    assert planted.min() > 0
    assert found("H101", "alcohol") == planted["unmapped code"]
    assert found("H302", "height") == planted["impossible value"]
    assert found("H302", "visit_date") == planted["impossible date"]
    assert found("H303", "smoking_years") == planted["answered although skipped"]
    assert reasons["id does not match the pattern"] == planted["id malformed"]
    assert reasons["same person twice"] == planted["same person twice"]
    assert reasons["two persons with one number"] == 2 * planted["two persons with one number"]


def test_prevalence_survives_the_way_through_the_files(simulated):
    """Harmonized prevalence differs from the truth only by the rows that were set aside."""
    truth, _, study = simulated
    for row in truth.prevalence.itertuples():
        visits = study.visits[(study.visits["cohort"] == row.cohort) & (study.visits["wave"] == row.wave)]
        cases = int((visits[row.condition] == "yes").sum())
        lost = row.n - len(visits)
        assert visits[row.condition].notna().all()
        assert row.cases - lost <= cases <= row.cases


def test_clean_files_give_no_error(tmp_path):
    dc.simulate_cohorts(tmp_path / "raw", n=300, seed=2, dirty=0)
    study = dc.harmonize(dc.read_dictionary(ROOT / "data-dictionary"), tmp_path / "raw", strict=True)
    assert (study.ledger["action"] == "kept").all()


@pytest.mark.parametrize(
    ("arguments", "message"), [({"n": 10}, "at least 300"), ({"dirty": 0.9}, "0 to 0.5")]
)
def test_arguments_out_of_range(tmp_path, arguments, message):
    with pytest.raises(ValueError, match=message):
        dc.simulate_cohorts(tmp_path / "raw", **arguments)
    assert not (tmp_path / "raw").exists()


# ------------------------------------------------------------------------ calibration


@pytest.mark.parametrize("spec", COHORTS, ids=lambda spec: spec.name)
def test_baseline_prevalence_is_the_declared_one(spec):
    n = 40_000
    wave = simulate_population(spec, n, np.random.default_rng(1)).waves[0]
    for condition, declared in spec.prevalence.items():
        found = (wave[condition] == "yes").mean()
        assert abs(found - declared) < 4 * np.sqrt(declared / n)


def test_follow_up_is_lost_as_declared():
    for spec in COHORTS:
        population = simulate_population(spec, 20_000, np.random.default_rng(2))
        people = population.people
        alive = ((people["vital_status"] == "alive") | (people["death_date"] > spec.wave_starts[1])).mean()
        assert len(population.waves[1]) / 20_000 == pytest.approx(alive * (1 - spec.dropout), abs=0.015)


def test_drop_out_is_informative():
    population = simulate_population(COLLEGE, 40_000, np.random.default_rng(3))
    first, second = population.waves[0], population.waves[1]
    came = first["number"].isin(second["number"])
    smokers = first["smoking_status"] == "current"
    assert came[smokers].mean() < came[~smokers].mean() - 0.02


def agrees(fit, term, level, declared):
    """The declared ratio lies within 3.3 standard errors (one chance in a thousand to fail, seeds fixed)."""
    rows = fit.table[fit.table["term"] == term]
    row = rows[rows["level"] == level] if level else rows
    assert abs(row["coef"].item() - np.log(declared)) < 3.3 * row["std_error"].item()
    assert row["std_error"].item() < 0.25


@pytest.mark.slow
def test_odds_ratios_are_the_declared_ones():
    """Conditional on the cluster, so the cluster is a covariate of the model."""
    students = simulate_population(COLLEGE, 60_000, np.random.default_rng(4)).waves[0]
    students = students.assign(age=(students["visit_date"] - students["birth_date"]).dt.days / 3652.5)
    fit = logistic("acne ~ C(soft_drinks, contr.treatment('none')) + sex + age + cluster", students)
    agrees(fit, "soft_drinks", "7_or_more", 1.90)
    agrees(fit, "soft_drinks", "3_to_6", 1.40)
    agrees(fit, "sex", "male", 1.30)

    adults = simulate_population(CENTRAL, 150_000, np.random.default_rng(5)).waves[0]
    smoking = pd.Categorical(adults["smoking_status"], ["never", "former", "current"])
    fit = logistic(
        "psoriasis ~ smoking + bmi5 + sex + cluster", adults.assign(smoking=smoking, bmi5=adults["bmi"] / 5)
    )
    agrees(fit, "smoking", "current", 1.94)
    agrees(fit, "smoking", "former", 1.39)
    agrees(fit, "bmi5", None, 1.25)


@pytest.mark.slow
def test_mixture_of_metals_has_the_declared_effect():
    wave = simulate_population(HUNAN, 60_000, np.random.default_rng(6)).waves[0]
    index = mixture_index({name: wave[name].to_numpy(float) for name in ("urine_as", "urine_cd", "urine_pb")})
    fit = logistic("chronic_urticaria ~ mixture + sex + cluster", wave.assign(mixture=index))
    agrees(fit, "mixture", None, 1.35)


@pytest.mark.slow
def test_mortality_has_the_declared_hazard_ratios():
    people = simulate_population(CENTRAL, 60_000, np.random.default_rng(7))
    first = people.waves[0].merge(people.people[["number", "vital_status", "last_contact_date"]], on="number")
    years = (first["last_contact_date"] - first["visit_date"]).dt.days / 365.25
    data = first.assign(
        years=years,
        dead=(first["vital_status"] == "dead").astype(int),
        smoker=(first["smoking_status"] == "current").astype(int),
        male=(first["sex"] == "male").astype(int),
        age=(first["visit_date"] - first["birth_date"]).dt.days / 3652.5,
    )
    fit = cox("male + smoker + age", data[data["years"] > 0], time="years", event="dead")
    agrees(fit, "male", None, 1.4)
    agrees(fit, "smoker", None, 1.8)
    agrees(fit, "age", None, np.exp(0.9))
