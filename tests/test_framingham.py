"""A real cohort from its raw files to the report, every number against R (validation/framingham.csv).

Runs where DERMCOHORT_FRAMINGHAM names the folder of the teaching data, which are not distributed with the project.
"""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import dermcohort as dc
from dermcohort.pipeline import run_analyses
from dermcohort.survival import cox, discrete_time, parametric, turnbull

ROOT = Path(__file__).parents[1]
EXAMPLE = ROOT / "examples" / "framingham"
GOLDEN = pd.read_csv(ROOT / "validation" / "framingham.csv")
RTOL = 1e-8
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


@pytest.mark.parametrize("sex", SEXES)
def test_cumulative_incidence_of_coronary_disease(results, sex):
    expected = reference(f"incidence.{sex}")
    at = dc.Estimates.load(results / "incidence_sex").at([10, 20])
    at = at[at["sex"] == SEXES[sex]].set_index(["cause", "time"])
    for name, wanted in expected.items():
        kind, cause, time = re.fullmatch(r"(\w+)\.(\w+)_(\d+)", name).groups()
        found = at.loc[({"chd": "coronary_disease"}.get(cause, cause), float(time)), kind]
        assert found == pytest.approx(wanted, rel=RTOL), name
    table = dc.Estimates.load(results / "overestimate").table
    naive = table[(table["sex"] == SEXES[sex]) & (table["estimator"] == "1 - Kaplan-Meier")].set_index("time")
    for name, wanted in reference(f"one_minus_km.{sex}").items():
        kind, _, time = name.rpartition("_")
        assert naive.loc[float(time), kind] == pytest.approx(wanted, rel=1e-12), name
        if kind == "estimate":
            assert wanted > expected[f"estimate.chd_{time}"]


@pytest.mark.parametrize(("group", "column"), {"sex": "SEX", "current_smoker": "CURSMOKE"}.items())
def test_gray_and_risk_differences(results, group, column):
    found = dc.Estimates.load(results / f"incidence_{group}").gray_test()
    expected = reference(f"gray.{column}")
    for kind in ("statistic", "p_value"):
        wanted = [expected[f"{kind}.{cause}"] for cause in ("chd", "death")]
        # the p-value of cuminc is 1 - pchisq: 0 where it is below 1e-16
        np.testing.assert_allclose(found[kind], wanted, rtol=RTOL, atol=1e-15 * (kind == "p_value"))
    differences = dc.Estimates.load(results / f"risk_difference_{group}")
    of_disease = differences.table[differences.table["cause"] == "coronary_disease"].set_index("time")
    for name, wanted in reference(f"risk_difference.{column}").items():
        kind, _, time = name.rpartition("_")
        assert of_disease.loc[float(time), kind] == pytest.approx(wanted, rel=RTOL), name
    assert sum(note.startswith("Gray's test, ") for note in differences.notes) == 2


@pytest.mark.parametrize(("number", "cause"), {1: "coronary_disease", 2: "death"}.items())
@pytest.mark.parametrize(
    ("saved", "identifier"), {"cause_specific": "cause_specific", "subdistribution": "fine_gray"}.items()
)
def test_models_of_competing_risks(results, saved, identifier, number, cause):
    fit = dc.Estimates.load(results / f"{saved}_{cause}")
    agrees_with(fit.coefficients, fit.covariance, reference(f"{identifier}.{number}"))
    side_by_side = dc.Estimates.load(results / f"competing_models_{cause}").table
    shown = side_by_side[side_by_side["model"].str.lower().str.startswith(saved[:5])]
    np.testing.assert_array_equal(shown["estimate"], fit.table["estimate"])


@pytest.fixture(scope="module")
def onset(study):
    return study.survival_frame(
        "hypertension", origin="exam1", covariates=["age", "sex", "current_smoker", "bmi"]
    ).data


def test_people_at_risk_of_hypertension(results, onset):
    expected = reference("hypertension.n")
    assert (len(onset), onset["event"].sum()) == (expected["n"], expected["events"])
    fit = dc.Estimates.load(results / "interval_ph_hypertension")
    assert (fit.n, fit.events) == (expected["complete"], expected["complete_events"])


@pytest.mark.parametrize("sex", SEXES)
def test_onset_of_hypertension_without_a_model(results, onset, sex):
    """Turnbull in whole months, where R reaches the maximum by EM; the example's own curve by its certificate."""
    saved = dc.Estimates.load(results / "turnbull_hypertension")
    assert saved.gap < 1e-10 * saved.n
    people = onset[onset["sex"] == SEXES[sex]]
    months = people.assign(left=(12 * people["left"]).round(), right=(12 * people["right"]).round())
    curve = turnbull(months, "left", "right")
    expected = reference(f"hypertension.turnbull.{sex}")
    assert curve.loglik == pytest.approx(expected.pop("loglik"), rel=1e-10)
    times = [int(name.removeprefix("months")) for name in expected]
    np.testing.assert_allclose(curve.at(times)["at_most"], list(expected.values()), rtol=RTOL)
    at = dc.Estimates.load(results / "exam_dates_hypertension").at([6, 9, 12])
    at = at[at["sex"] == SEXES[sex]].set_index("time")
    for name, wanted in reference(f"hypertension.km.{sex}").items():
        kind, _, time = name.rpartition("_")
        assert at.loc[float(time), kind] == pytest.approx(wanted, rel=1e-12), name


def test_models_of_the_onset_of_hypertension(results, onset):
    saved = dc.Estimates.load(results / "interval_ph_hypertension")
    expected = reference("hypertension.interval_ph")
    agrees_with(saved.coefficients[:4], saved.covariance.iloc[:4, :4], expected)
    assert saved.loglik == pytest.approx(expected["loglik"], rel=1e-12)

    formula = "age + sex + current_smoker + bmi"
    weibull = parametric(formula, onset, left="left", right="right")
    shown = dc.Estimates.load(results / "weibull_hypertension").table
    np.testing.assert_array_equal(shown["estimate"], weibull.table["estimate"])
    expected = reference("hypertension.weibull")
    ratios = weibull.hazard_ratios().table.dropna(subset="std_error")
    np.testing.assert_allclose(ratios["coef"], starting(expected, "coef"), rtol=RTOL)
    np.testing.assert_allclose(ratios["std_error"], starting(expected, "se"), rtol=RTOL)
    assert weibull.loglik == pytest.approx(expected["loglik"], rel=1e-12)

    by_exam = cox(formula, onset, time="exit", event="event")
    agrees_with(by_exam.coefficients, by_exam.covariance, reference("hypertension.cox"))
    discrete = discrete_time(formula, onset, time="exit", event="event", cuts=[9, 14])
    expected = reference("hypertension.discrete")
    agrees_with(discrete.coefficients[-4:], discrete.covariance.iloc[-4:, -4:], expected)
    assert f"{expected['intervals']:,.0f} intervals at risk" in " ".join(discrete.notes)

    compared = dc.Estimates.load(results / "compared_hypertension").table
    for model, fit in {
        "Between exams": saved,
        "Discrete time": discrete,
        "Cox, date of exam": by_exam,
    }.items():
        shown = compared.loc[compared["model"] == model, "estimate"]
        np.testing.assert_allclose(shown, fit.table["estimate"], rtol=1e-12)


def starting(expected: dict[str, float], prefix: str) -> list[float]:
    return [value for name, value in expected.items() if name.startswith(prefix)]


def agrees_with(coefficients, covariance, expected):
    np.testing.assert_allclose(np.asarray(coefficients), starting(expected, "coef"), rtol=RTOL)
    np.testing.assert_allclose(np.sqrt(np.diag(covariance)), starting(expected, "se"), rtol=RTOL)
