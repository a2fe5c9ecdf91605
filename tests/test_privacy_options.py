"""Shifted dates, coarse places, withheld variables: what must not leave does not, and what analyses need stays."""

from __future__ import annotations

import pickle

import northbay
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_privacy import everything_in, told_by

from dermcohort.dictionary import check_dictionary, read_dictionary
from dermcohort.harmonize import harmonize
from dermcohort.harmonize.privacy import date_shifts

HASH = "protect: hash\n"
SHIFT = HASH + "shift_dates: 30\n"
DATES = {"participants": ["birth_date", "death_date", "last_contact_date"], "visits": ["visit_date"],
         "events": ["lower", "upper"]}  # fmt: skip
RAW_PLACES = ("Xiangxi county", "Xiangtan county", "Zhuzhou county")


def study_with(tmp_path, options, key="k" * 32, schema=northbay.SCHEMA, **parts):
    rows = northbay.baseline_rows()
    rows["VILLAGE"] = [RAW_PLACES[position % 3] for position in range(6)]
    folder = northbay.write_dictionary(
        tmp_path / "d", cohort=northbay.COHORT + options, schema=schema, **parts
    )
    raw = northbay.write_raw(tmp_path / "r", baseline=rows)
    secret = tmp_path / "key"
    secret.write_text(key)
    return harmonize(read_dictionary(folder), raw, key_file=secret)


def shifts(study, plain):
    """Person -> the set of shifts in days over all dates of the tables."""
    found: dict[str, set[int]] = {}
    for table, names in DATES.items():
        a, b = getattr(study, table), getattr(plain, table)
        for name in names:
            days = (a[name] - b[name]).dt.days
            for person, day in zip(a["participant_id"], days, strict=True):
                if pd.notna(day):
                    found.setdefault(person, set()).add(int(day))
    return found


@pytest.fixture
def pair(tmp_path):
    return study_with(tmp_path / "a", HASH), study_with(tmp_path / "b", SHIFT)


# ---------------------------------------------------------------- shift_dates


def test_all_dates_of_a_person_move_by_one_number_of_days(pair):
    plain, shifted = pair
    found = shifts(shifted, plain)
    assert len(found) == 6
    assert all(len(days) == 1 for days in found.values())
    days = [next(iter(days)) for days in found.values()]
    assert all(1 <= abs(day) <= 30 for day in days)
    assert len(set(days)) > 1  # not one shift for all


def test_age_and_everything_that_is_no_date_stays(pair):
    plain, shifted = pair
    for table in ("participants", "visits"):
        dates = DATES[table]
        a, b = getattr(plain, table).drop(columns=dates), getattr(shifted, table).drop(columns=dates)
        pd.testing.assert_frame_equal(a, b)
    pd.testing.assert_frame_equal(plain.reasons, shifted.reasons)
    pd.testing.assert_frame_equal(plain.findings, shifted.findings)
    pd.testing.assert_frame_equal(plain.linkage, shifted.linkage)


@pytest.mark.parametrize("condition", ["psoriasis", "death"])
@pytest.mark.parametrize("scale", ["follow-up", "age"])
def test_survival_frames_are_identical(pair, condition, scale):
    frames = [study.survival_frame(condition, time_scale=scale, covariates=["sex", "bmi"]) for study in pair]
    pd.testing.assert_frame_equal(frames[0].data, frames[1].data)
    assert len(frames[0].data) and frames[0].flow == frames[1].flow


def test_the_key_decides_over_the_shift(pair, tmp_path):
    plain, shifted = pair
    again = study_with(tmp_path / "c", SHIFT)
    pd.testing.assert_frame_equal(again.visits, shifted.visits)
    other_plain = study_with(tmp_path / "e", HASH, key="o" * 32)
    other = study_with(tmp_path / "f", SHIFT, key="o" * 32)
    one, two = (
        [next(iter(found[person])) for person in of.participants["participant_id"]]
        for found, of in ((shifts(shifted, plain), shifted), (shifts(other, other_plain), other))
    )
    assert one != two


@given(st.lists(st.text(min_size=1), min_size=1, unique=True), st.integers(1, 400), st.binary(min_size=16))
@settings(max_examples=50)
def test_shifts_are_within_bounds_never_0_and_of_the_person_alone(ids, most, key):
    found = date_shifts(pd.Index(ids, dtype=object), key, most)
    assert ((np.abs(found) >= 1) & (np.abs(found) <= most)).all()
    backwards = date_shifts(pd.Index(ids[::-1], dtype=object), key, most)
    assert (found == backwards[::-1]).all()


def test_shifts_spread_evenly_over_both_sides():
    found = date_shifts(pd.Index([f"p{n}" for n in range(6000)], dtype=object), b"k" * 16, 3)
    days, counts = np.unique(found, return_counts=True)
    assert days.tolist() == [-3, -2, -1, 1, 2, 3]
    assert counts.min() > 850  # 1,000 expected, standard deviation 29


def test_no_true_date_is_in_any_output(tmp_path):
    """The true dates are 30 years from each other, so that no person's shifted date is another's true one."""
    study = study_with(tmp_path, SHIFT)
    study.save(tmp_path / "out")
    true = ["1960-01-01", "1970-01-01", "1980-01-01", "1985-06-15", "1950-06-15", "2019-06-01"]
    output = everything_in(tmp_path / "out") + told_by(study)
    births = study.participants["birth_date"].astype(str).tolist()
    assert all(day not in output for day in true)
    assert all(day in output for day in births)  # the search does find dates
    assert ("k" * 32) not in output and ("k" * 32).encode() not in pickle.dumps(study)


# ---------------------------------------------------------------- coarsen


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ("{first_letters: 2}", ["Xi", "Xi", "Zh"]),
        (
            "{map: {Xiangxi county: west, Xiangtan county: east, Zhuzhou county: east}}",
            ["west", "east", "east"],
        ),
    ],
)
def test_codes_are_coarse_in_every_output(tmp_path, how, expected):
    study = study_with(tmp_path, f"coarsen:\n  village: {how}\n")
    assert study.participants["village"].tolist() == expected * 2
    study.save(tmp_path / "out")
    output = everything_in(tmp_path / "out") + told_by(study)
    assert not any(place in output for place in RAW_PLACES)
    assert not any(place.encode() in pickle.dumps(study) for place in RAW_PLACES)


def test_a_code_that_the_map_lacks_is_withheld(tmp_path):
    study = study_with(tmp_path, "coarsen:\n  village: {map: {Xiangxi county: west}}\n")
    assert study.participants["village"].isna().tolist() == [False, True, True] * 2
    assert study.participant_reasons["village"].tolist() == [0, 10, 10] * 2


def test_a_constant_place_is_not_told_by_the_rule(tmp_path):
    parts = {"baseline": northbay.BASELINE.replace("{from: VILLAGE}", "{value: Xiangxi county}")}
    study = study_with(tmp_path, "coarsen:\n  village: {first_letters: 1}\n", **parts)
    study.save(tmp_path / "out")
    assert set(study.participants["village"]) == {"X"}
    assert "Xiangxi" not in everything_in(tmp_path / "out") + told_by(study)


# ---------------------------------------------------------------- withhold


def test_withheld_variables_are_gone_and_what_is_derived_of_them_stays(tmp_path):
    study = study_with(tmp_path, "withhold: [birth_date, weight_kg, crp, smoking_status]\n")
    assert study.participants["birth_date"].isna().all() and study.visits["age"].notna().all()
    assert study.visits[["weight_kg", "crp", "smoking_status"]].isna().all().all()
    assert study.visits["bmi"].notna().sum() == 9
    for name in ("weight_kg", "crp", "smoking_status"):
        assert study.why(name).columns.tolist() == ["withheld", "n"]
    assert not study.detection_limits["variable"].eq("crp").any()
    rows = study.provenance[study.provenance["variable"].isin(["smoking_status", "birth_date"])]
    assert rows["before"].isna().all() and (rows["observed"] == 0).all()
    visits = rows[rows["wave"] != "deaths"]
    assert (visits["n_withheld"] == visits["n"]).all()


def test_a_withheld_condition_or_death_has_no_events(tmp_path):
    study = study_with(tmp_path, "withhold: [psoriasis, death_date]\n")
    assert len(study.events) == 0
    assert study.participant_reasons["death_date"].nunique() == 1  # not even that it does not apply


def test_a_wave_that_did_not_ask_still_says_so(tmp_path):
    study = study_with(tmp_path, "withhold: [phq2]\n")
    why = study.why("phq2", by="wave")
    assert why.loc["followup1", "not_collected"] == 4 and why.loc["baseline", "withheld"] == 6


# ---------------------------------------------------------------- the linter


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        ("protect: hash\nshift_dates: soon\n", "DD401", "whole number of days"),
        ("protect: hash\nshift_dates: 0\n", "DD401", "at least 1"),
        ("protect: hash\nshift_dates: true\n", "DD401", "whole number of days"),
        ("shift_dates: 30\n", "DD402", "without protect: hash"),
        ("coarsen: village\n", "DD404", "{variable: how}"),
        ("coarsen: {village: 2}\n", "DD404", "cannot read how to coarsen 'village'"),
        ("coarsen: {village: {first_letters: 0}}\n", "DD404", "cannot read"),
        ("coarsen: {village: {first_letters: 1, map: {a: b}}}\n", "DD404", "cannot read"),
        ("coarsen: {vilage: {first_letters: 1}}\n", "DD405", "did you mean 'village'?"),
        ("coarsen: {height: {first_letters: 1}}\n", "DD405", "no variable of type code"),
        ("withhold: birth_date\n", "DD406", "must be a list"),
        ("withhold: [birth_dat]\n", "DD406", "did you mean 'birth_date'?"),
    ],
)
def test_options_are_linted(tmp_path, options, code, words):
    _, problems = check_dictionary(northbay.write_dictionary(tmp_path, cohort=northbay.COHORT + options))
    found = [problem for problem in problems if problem.code == code]
    assert found and words in str(found[0]), problems
    assert found[0].file.endswith("cohort.yaml") and found[0].line > 1


@pytest.mark.parametrize("option", ["withhold: [village]\n", "coarsen: {village: {first_letters: 1}}\n"])
def test_the_reason_withheld_must_exist(tmp_path, option):
    main = "\n".join(line for line in northbay.DICTIONARY.splitlines() if "withheld" not in line) + "\n"
    folder = northbay.write_dictionary(tmp_path, main=main, cohort=northbay.COHORT + option)
    assert "DD407" in [problem.code for problem in check_dictionary(folder)[1]]


SEASON = """\
visit_year:
  label: {en: Year of the visit, zh: 年份}
  type: number
  derive: year(visit_date)
"""


def test_a_variable_that_would_tell_the_true_date_is_refused_unless_withheld(tmp_path):
    for options, expected in ((SHIFT, 1), (SHIFT + "withhold: [visit_year]\n", 0), (HASH, 0)):
        folder = northbay.write_dictionary(
            tmp_path / str(len(options)), schema=northbay.SCHEMA + SEASON, cohort=northbay.COHORT + options
        )
        codes = [problem.code for problem in check_dictionary(folder)[1]]
        assert codes.count("DD403") == expected


# ---------------------------------------------------------------- events of a register

EVENT = """\
stroke:
  label: {en: Stroke, zh: 卒中}
  entity: event
  type: date
"""
REGISTER = {
    "schema": northbay.SCHEMA + EVENT,
    "deaths": northbay.DEATHS.replace(
        "variables:\n", "variables:\n  stroke: {from: died, date: '%Y-%m-%d'}\n"
    ),
}


def test_events_of_a_register_are_shifted_with_their_person_or_withheld(tmp_path):
    plain = study_with(tmp_path / "a", HASH, **REGISTER)
    shifted = study_with(tmp_path / "b", SHIFT, **REGISTER)
    assert (plain.events["event"] == "stroke").sum() == 1
    assert all(len(days) == 1 and 0 not in days for days in shifts(shifted, plain).values())
    withheld = study_with(tmp_path / "c", "withhold: [stroke]\n", **REGISTER)
    assert "stroke" not in set(withheld.events["event"])
