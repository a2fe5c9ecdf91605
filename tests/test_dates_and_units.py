"""Dates that are half known or stand for none, and units that are more than a factor."""

from __future__ import annotations

import northbay
import numpy as np
import pandas as pd
import pytest
from conftest import ROOT

from dermcohort.dictionary import check_dictionary, read_dictionary
from dermcohort.harmonize import harmonize
from dermcohort.harmonize.dates import read_dates
from dermcohort.harmonize.vectors import INVALID, text

CONVERSIONS = check_dictionary(ROOT / "data-dictionary")[0].conversions


def read(value, partial=None, pattern="%Y-%m-%d"):
    """(date as text or None, reason) of one text."""
    vector = read_dates(text([0], [value]), (pattern,), partial, None)
    return (str(vector.data[0]) if vector.known[0] else None), int(vector.why[0])


@pytest.mark.parametrize(
    ("value", "partial", "expected"),
    [
        ("2019-05-17", None, "2019-05-17"),
        ("2019-05", None, None),
        ("2019", None, None),
        ("2019-05", "first-of-month", "2019-05-01"),
        ("2019年5月", "first-of-month", "2019-05-01"),
        ("2019", "first-of-month", None),  # a year is not a month
        ("2019", "mid-year", "2019-07-01"),
        ("2019-05", "mid-year", "2019-05-01"),
        ("2019-13", "first-of-month", None),
        ("2019-02-30", "first-of-month", None),
        ("9999-09-09", None, None),
        ("9999", "mid-year", None),
        ("unknown", "mid-year", None),
    ],
)
def test_partial_dates_are_completed_only_as_declared(value, partial, expected):
    assert read(value, partial) == (expected, 0 if expected else INVALID)


def why_of(study, variable):
    return study.participant_reasons[variable].tolist()


def test_a_sentinel_has_its_reason_whatever_the_file_writes(tmp_path):
    """1900-01-01 as a number of SPSS and 9999-09-09, one declared and one not; the birth dates of the others stay."""
    rows = northbay.baseline_rows()
    rows.loc[0, "DOB"] = northbay.spss_date("1900-01-01")
    rows.loc[1, "DOB"] = northbay.spss_date("9999-09-09") if pd.Timestamp.max.year > 9999 else (
        (np.datetime64("9999-09-09") - np.datetime64("1582-10-14")).astype(int) * 86400.0
    )  # fmt: skip
    rule = "birth_date:     {from: DOB, date: spss, missing: {1900-01-01: dont_know}}"
    folder = northbay.write_dictionary(
        tmp_path / "d", baseline=northbay.BASELINE.replace("birth_date:     {from: DOB, date: spss}", rule)
    )
    followup = northbay.FOLLOWUP_ROWS.replace("1960/01/01", "").replace("1970/01/01", "")
    raw = northbay.write_raw(tmp_path / "r", baseline=rows, followup=followup)
    study = harmonize(read_dictionary(folder), raw)
    assert why_of(study, "birth_date") == [2, INVALID, 0, 0, 0, 0]
    found = study.findings.query("code == 'H304' and variable == 'birth_date'")
    assert found["n"].tolist() == [1]  # the declared one is no finding


def test_a_sentinel_in_a_text_file_and_in_an_age(tmp_path):
    followup = northbay.FOLLOWUP_ROWS.replace("2020/01/02", "1900/01/01")
    rule = "missing: {1900-01-01: refused}, date: ['%Y年"
    folder = northbay.write_dictionary(
        tmp_path / "d", followup1=northbay.FOLLOWUP.replace("date: ['%Y年", rule)
    )
    study = harmonize(read_dictionary(folder), northbay.write_raw(tmp_path / "r", followup=followup))
    row = (study.visits["wave"] == "followup1") & (study.visits["participant_id"] == "NB0002")
    assert study.reasons.loc[row, ["visit_date", "age"]].to_numpy().tolist() == [[1, 1]]


@pytest.mark.parametrize(
    ("analyte", "unit", "to", "value", "expected", "tolerance"),
    [
        ("hba1c", "mmol/mol", "%", 48, 6.5, 0.05),  # the diabetes cut-point in both units
        ("hba1c", "mmol/mol", "%", 42, 6.0, 0.05),
        ("weight", "jin", "kg", 130, 65, 1e-9),
        ("length", "in", "cm", 70, 177.8, 1e-9),
        ("glucose", "mg/dL", "mmol/L", 126, 7.0, 0.01),  # the diabetes cut-point in both units
        ("uric_acid", "mg/dL", "µmol/L", 7, 416.4, 0.1),
        ("serum_creatinine", "mg/dL", "µmol/L", 1, 88.4, 0.01),
        ("cholesterol", "mg/dL", "mmol/L", 240, 6.2, 0.01),
        ("triglycerides", "mg/dL", "mmol/L", 200, 2.26, 0.01),
        ("lead", "µg/dL", "µg/L", 5, 50, 1e-9),
        ("pressure", "kPa", "mmHg", 16, 120.01, 0.01),
    ],
)
def test_conversions_meet_numbers_that_clinicians_know(analyte, unit, to, value, expected, tolerance):
    conversion = CONVERSIONS[analyte, unit, to]
    assert conversion.slope * value + conversion.intercept == pytest.approx(expected, abs=tolerance)


@pytest.mark.parametrize("key", CONVERSIONS, ids="/".join)
def test_every_factor_has_a_source(key):
    assert CONVERSIONS[key].source.strip()
