"""A real cohort from its raw files to the report, every number against R (validation/framingham.csv).

Runs where DERMCOHORT_FRAMINGHAM names the folder of the teaching data, which are not distributed with the project.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import dermcohort as dc
from dermcohort.pipeline import run_analyses
from dermcohort.survival import cox

ROOT = Path(__file__).parents[1]
EXAMPLE = ROOT / "examples" / "framingham"
GOLDEN = pd.read_csv(ROOT / "validation" / "framingham.csv")
SEXES = {"sex1": "male", "sex2": "female"}
pytestmark = pytest.mark.real


def reference(identifier: str) -> dict[str, float]:
    rows = GOLDEN[GOLDEN["id"] == f"framingham.{identifier}"]
    assert len(rows), f"no reference value framingham.{identifier}"
    return dict(zip(rows["name"], rows["value"].astype(float), strict=True))


@pytest.fixture(scope="module")
def study(framingham_raw):
    return dc.harmonize(dc.read_dictionary(EXAMPLE / "data-dictionary"), framingham_raw, strict=True)


@pytest.fixture(scope="module")
def results(study, tmp_path_factory):
    """Folder of what the example's analysis script saved."""
    folder = tmp_path_factory.mktemp("framingham")
    study.save(folder / "harmonized")
    run_analyses(EXAMPLE / "analyses", folder / "harmonized", folder / "results", say=lambda _: None)
    return folder / "results"


def test_people_at_the_three_periods(study):
    expected = reference("n")
    counts = study.visits["wave"].value_counts()
    assert {wave: counts[wave] for wave in study.waves} == {
        wave: expected[wave] for wave in ("exam1", "exam2", "exam3")
    }
    assert len(study.participants) == expected["persons"]
    assert (study.ledger["action"] == "kept").all()
    assert study.ledger.groupby("file", observed=True).size().to_dict() == {
        "exam1.sav": 4434, "exam2.dta": 3930, "exam3.csv": 3263, "endpoints.xlsx": 4434,
    }  # fmt: skip


@pytest.mark.parametrize("sex", SEXES)
def test_baseline_table(results, sex):
    table = dc.Estimates.load(results / "table_one").table
    table = table[table["sex"] == SEXES[sex]]
    columns = {
        "age": "AGE", "systolic": "SYSBP", "diastolic": "DIABP", "bmi": "BMI", "total_cholesterol": "TOTCHOL",
        "glucose": "GLUCOSE",
    }  # fmt: skip
    for variable, column in columns.items():
        expected = reference(f"baseline.{sex}.{column}")
        rows = table[table["term"] == variable].set_index("measure")
        assert rows.loc["mean", "estimate"] == pytest.approx(expected["mean"], rel=1e-12)
        assert rows.loc["sd", "estimate"] == pytest.approx(expected["sd"], rel=1e-12)
        assert rows.loc["mean", "n"] == expected["n"]
    for variable, column in {"current_smoker": "CURSMOKE", "diabetes": "DIABETES"}.items():
        expected = reference(f"baseline.{sex}.{column}")
        row = table[(table["term"] == variable) & (table["level"] == "yes")]
        assert row["events"].item() == expected["n"]
        assert row["estimate"].item() == pytest.approx(expected["proportion"], rel=1e-12)


@pytest.mark.parametrize("sex", SEXES)
@pytest.mark.parametrize("period", [1, 2, 3])
def test_prevalence_of_hypertension(results, sex, period):
    expected = reference(f"prevhyp.{sex}.period{period}")
    table = dc.Estimates.load(results / "hypertension").table
    row = table[(table["wave"] == f"exam{period}") & (table["sex"] == SEXES[sex])].iloc[0]
    assert (row["events"], row["n"]) == (expected["events"], expected["n"])
    for name in ("estimate", "conf_low", "conf_high"):
        assert row[name] == pytest.approx(expected[name], rel=1e-12)


@pytest.mark.parametrize("sex", SEXES)
def test_survival(results, sex):
    expected = reference(f"km.death.{sex}")
    at = dc.Estimates.load(results / "survival_death").at([5, 10, 15, 20, 24])
    at = at[at["sex"] == SEXES[sex]]
    names = {"surv": "estimate", "std_error": "std_error", "conf_low": "conf_low", "conf_high": "conf_high",
             "n_risk": "n_risk"}  # fmt: skip
    for prefix, column in names.items():
        found = at[column].to_numpy(float)
        wanted = [expected[f"{prefix}_{time}"] for time in (5, 10, 15, 20, 24)]
        np.testing.assert_allclose(found, wanted, rtol=1e-12)


@pytest.mark.parametrize("sex", SEXES)
def test_rate_of_coronary_disease(results, sex):
    expected = reference(f"rate.chd.{sex}")
    table = dc.Estimates.load(results / "rates_coronary").table
    row = table[table["sex"] == SEXES[sex]].iloc[0]
    for name, value in expected.items():
        assert row[name] == pytest.approx(value, rel=1e-10), name


def test_cox_model_of_coronary_disease(results):
    fit = dc.Estimates.load(results / "cox_coronary")
    for identifier in ("cox.chd.efron", "cox.chd.sexfactor"):
        expected = reference(identifier)
        for kind, found in (("coef", fit.coefficients), ("se", np.sqrt(np.diag(fit.covariance)))):
            wanted = [value for name, value in expected.items() if name.startswith(f"{kind}.")]
            np.testing.assert_allclose(np.asarray(found), wanted, rtol=1e-8)
    expected = reference("cox.chd.efron")
    assert (fit.n, fit.events) == (expected["n"], expected["events"])
    assert fit.loglik == pytest.approx(expected["loglik"], rel=1e-12)
    missing = reference("cox.chd.missing")
    assert fit.n_missing["bmi"] == missing["BMI"]
    assert fit.n_missing["total_cholesterol"] == missing["TOTCHOL"]


def test_cox_model_with_the_ties_of_breslow(study):
    covariates = ["age", "sex", "systolic", "current_smoker", "bmi", "diabetes", "total_cholesterol"]
    data = study.survival_frame("coronary_disease", origin="exam1", covariates=covariates).data
    fit = cox(" + ".join(covariates), data, time="exit", event="event", ties="breslow")
    expected = reference("cox.chd.breslow")
    for kind, found in (("coef", fit.coefficients), ("se", np.sqrt(np.diag(fit.covariance)))):
        wanted = [value for name, value in expected.items() if name.startswith(f"{kind}.")]
        np.testing.assert_allclose(np.asarray(found), wanted, rtol=1e-8)
    assert fit.loglik == pytest.approx(expected["loglik"], rel=1e-12)


def test_flow_to_the_cox_model(results):
    flow = dc.Estimates.load(results / "flow_coronary").table
    kept = flow[flow["kind"] == "kept"]["n"].tolist()
    assert kept[0] == 4434
    assert reference("cox.chd.missing")["n"] in kept
