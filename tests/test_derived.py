"""Every derived variable of the project's schema, on values worked by hand."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
from conftest import ROOT

from dermcohort.dictionary import check_dictionary
from dermcohort.harmonize.evaluate import evaluate
from dermcohort.harmonize.vectors import NO_ANSWER, boolean, date, number, strings, text
from dermcohort.harmonize.verbs import blank, conform

DICTIONARY, _ = check_dictionary(ROOT / "data-dictionary")
CONDITIONS = (
    "psoriasis", "atopic_dermatitis", "hand_eczema", "acne", "rosacea", "chronic_urticaria", "vitiligo",
    "alopecia_areata", "androgenetic_alopecia", "tinea", "cutaneous_tumor", "systemic_lupus", "chronic_itch",
)  # fmt: skip
HEALTHY = dict.fromkeys(CONDITIONS, "no")
LESIONS = ("arsenical_keratosis", "arsenical_dyspigmentation")


def vector(name, value):
    if value is None:
        return blank(DICTIONARY.variables[name], 1, NO_ANSWER)
    if isinstance(value, str):
        return text([0], [value])
    if isinstance(value, dt.date):
        return date([np.datetime64(value, "D")])
    return boolean(value) if isinstance(value, bool) else number(value)


def derived(name, values):
    """One value of a derived variable, None where unknown."""
    variable = DICTIONARY.variables[name]
    result = conform(evaluate(variable.derive, {k: vector(k, v) for k, v in values.items()}, 1), variable)
    if not result.known[0]:
        return None
    return strings(result)[0] if result.kind == "text" else result.data[0]


# name -> cases (inputs, expected); numbers are compared to 4 digits
CASES = {
    # 14,610 days from 1980-01-01 to 2020-01-01 / 365.25
    "age": [({"birth_date": dt.date(1980, 1, 1), "visit_date": dt.date(2020, 1, 1)}, 40.0),
            ({"birth_date": None, "visit_date": dt.date(2020, 1, 1)}, None)],
    "pack_years": [({"smoking_status": "current", "cigarettes_per_day": 10, "smoking_years": 30}, 15.0),
                   ({"smoking_status": "never", "cigarettes_per_day": None, "smoking_years": None}, 0.0),
                   ({"smoking_status": "former", "cigarettes_per_day": 20, "smoking_years": None}, None),
                   ({"smoking_status": None, "cigarettes_per_day": 20, "smoking_years": 1}, None)],
    "bmi": [({"weight_kg": 72.0, "height": 180.0}, 22.2222), ({"weight_kg": 72.0, "height": None}, None)],
    "bmi_group": [({"bmi": x}, group) for x, group in [
        (18.4, "underweight"), (18.5, "normal"), (23.9, "normal"), (24.0, "overweight"), (27.9, "overweight"),
        (28.0, "obese"), (None, None)]],
    "hypertension": [({"systolic": s, "diastolic": d, "bp_treated": t}, expected) for s, d, t, expected in [
        (139, 89, "no", "no"), (140, 60, "no", "yes"), (120, 90, "no", "yes"), (120, 80, "yes", "yes"),
        (150, None, None, "yes"), (120, 80, None, None), (120, None, "no", None)]],
    # woman of 50 y, 80 µmol/L: 80/88.4017 = 0.90496 mg/dL; /0.7 = 1.29280, ^-1.2 = 0.73479;
    # 0.9938^50 = 0.73274; 142 * 0.73479 * 0.73274 * 1.012 = 77.37
    # man of 60 y, 100 µmol/L: 1.13120 mg/dL; /0.9 = 1.25689, ^-1.2 = 0.76005; 0.9938^60 = 0.68856;
    # 142 * 0.76005 * 0.68856 = 74.31
    # man of 30 y, 60 µmol/L: 0.67872 mg/dL; /0.9 = 0.75413, ^-0.302 = 1.08895; 0.9938^30 = 0.82979; 128.31
    # woman of 30 y, 50 µmol/L: 0.56560; /0.7 = 0.80800, ^-0.241 = 1.05272; 142 * 1.05272 * 0.82979 * 1.012 = 125.53
    "egfr": [({"age": a, "sex": s, "serum_creatinine": c}, expected) for a, s, c, expected in [
        (50, "female", 80, 77.37), (60, "male", 100, 74.31), (30, "male", 60, 128.31),
        (30, "female", 50, 125.53), (17, "male", 60, None), (50, None, 80, None), (50, "male", None, None)]],
    "dyslipidemia": [({"total_cholesterol": a, "triglycerides": b, "ldl": c, "hdl": d}, expected)
                     for a, b, c, d, expected in [
        (6.19, 2.29, 4.09, 1.0, "no"), (6.2, 1, 3, 1.2, "yes"), (5, 2.3, 3, 1.2, "yes"), (5, 1, 4.1, 1.2, "yes"),
        (5, 1, 3, 0.99, "yes"), (6.5, None, None, None, "yes"), (5, 1, 3, None, None)]],
    "fasting_hyperglycemia": [({"glucose": 6.99}, "no"), ({"glucose": 7.0}, "yes"), ({"glucose": None}, None)],
    "hyperuricemia": [({"sex": s, "uric_acid": u}, expected) for s, u, expected in [
        ("male", 420, "no"), ("male", 421, "yes"), ("female", 360, "no"), ("female", 361, "yes"),
        ("male", 361, "no"), (None, 500, None), ("male", None, None)]],
    "urine_as_adjusted": [({"urine_as": 60, "urine_creatinine": c}, expected) for c, expected in [
        (1.5, 40.0), (0.3, 200.0), (3.0, 20.0), (0.29, None), (3.01, None), (None, None)]],
    "urine_cd_adjusted": [({"urine_cd": 1.2, "urine_creatinine": c}, expected) for c, expected in [
        (1.5, 0.8), (0.29, None), (3.01, None)]],
    "phq2_positive": [({"phq2": 2}, "no"), ({"phq2": 3}, "yes"), ({"phq2": None}, None)],
    "gad2_positive": [({"gad2": 2}, "no"), ({"gad2": 3}, "yes"), ({"gad2": None}, None)],
    "poor_sleep": [({"psqi": 5}, "no"), ({"psqi": 6}, "yes"), ({"psqi": None}, None)],
    "dlqi_band": [({"dlqi": x}, band) for x, band in [
        (0, "none"), (1, "none"), (2, "small"), (5, "small"), (6, "moderate"), (10, "moderate"), (11, "large"),
        (20, "large"), (21, "extremely_large"), (30, "extremely_large"), (None, None)]],
    "acne_moderate_severe": [({"acne_severity": x}, y) for x, y in [
        ("none", "no"), ("mild", "no"), ("moderate", "yes"), ("severe", "yes"), (None, None)]],
    "arsenical_lesion": [(dict(zip(LESIONS, pair, strict=True)), expected) for *pair, expected in [
        ("no", "no", "no"), ("yes", "no", "yes"), ("no", "yes", "yes"), ("yes", None, "yes"), ("no", None, None)]],
    "any_skin_condition": [
        ({**HEALTHY, "arsenical_lesion": "no"}, "no"),
        ({**HEALTHY, "arsenical_lesion": None}, "no"),  # not looked for: it does not count
        ({**HEALTHY, "arsenical_lesion": "yes"}, "yes"),
        ({**HEALTHY, "vitiligo": None, "arsenical_lesion": "no"}, None),
        ({**HEALTHY, "vitiligo": None, "tinea": "yes", "arsenical_lesion": None}, "yes"),
        *[({**HEALTHY, name: "yes", "arsenical_lesion": "no"}, "yes") for name in CONDITIONS],
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "values", "expected"), [(name, *case) for name, cases in CASES.items() for case in cases]
)
def test_worked_by_hand(name, values, expected):
    found = derived(name, values)
    assert found == (pytest.approx(expected, abs=0.005) if isinstance(expected, float) else expected)


def test_every_derived_variable_has_a_case():
    assert {v.name for v in DICTIONARY.variables.values() if v.derive} == set(CASES)


def test_the_creatinine_factor_of_egfr_is_that_of_units_yaml():
    slope = DICTIONARY.conversions["serum_creatinine", "mg/dL", "µmol/L"].slope
    assert "88.4017" in DICTIONARY.variables["egfr"].derive.text
    assert slope == pytest.approx(88.4017, abs=1e-4)


@pytest.mark.parametrize(
    "name", ["bmi_group", "hypertension", "egfr", "dyslipidemia", "fasting_hyperglycemia", "hyperuricemia",
             "dlqi_band", "phq2", "gad2", "psqi", "dlqi", "urine_as_adjusted", "urine_cd_adjusted"],
)  # fmt: skip
def test_cut_points_and_scores_name_their_source(name):
    assert DICTIONARY.variables[name].source
