"""A study leaves as Stata and SPSS files and comes back cell by cell: every value, and every reason."""

from __future__ import annotations

from dataclasses import replace

import northbay as files
import numpy as np
import pandas as pd
import pyreadstat
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from dermcohort import export
from dermcohort.cli import main
from dermcohort.dictionary import read_dictionary
from dermcohort.export import short_names
from dermcohort.harmonize import harmonize
from dermcohort.study import KEYS, StudyError

LONG = "concentration_of_arsenic_in_the_nails_of_toes"
TABLES = (("participants", "participant_reasons"), ("visits", "reasons"))


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    folder = tmp_path_factory.mktemp("northbay")
    schema = files.SCHEMA + f"{LONG}:\n  label: {{en: Arsenic in nails, zh: 指甲砷}}\n  type: number\n"
    note = f"  - {{variables: [{LONG}], note: Not measured.}}\n"
    dictionary = files.write_dictionary(
        folder / "d", schema=schema, baseline=files.BASELINE + note,
        followup1=files.FOLLOWUP + note,
    )  # fmt: skip
    return harmonize(read_dictionary(dictionary), files.write_raw(folder / "r"))


def read_back(folder, table: str, study) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Values and reason codes of a written table, under the names of the study, read with pyreadstat alone."""
    path = next(folder.glob(f"{table}.*"))
    read = pyreadstat.read_dta if path.suffix == ".dta" else pyreadstat.read_sav
    raw, meta = read(path, user_missing=True, disable_datetime_conversion=True)
    names = pd.read_csv(folder / "names.csv")
    names = names[names["file"] == path.name].set_index("column")
    values, reasons = {}, {}
    for column in raw.columns:
        variable = names.loc[column, "variable"]
        if names.loc[column, "holds"] == "reasons":
            reasons[variable] = raw[column].astype(int)
            continue
        codes = np.zeros(len(raw), int)
        data = raw[column].copy()
        if variable in study.schema.index and study.schema.loc[variable, "type"] not in ("code", "text"):
            for row, value in enumerate(data):
                if isinstance(value, str):
                    codes[row] = ord(value) - ord("a") + 1
                elif column in meta.missing_ranges and -931 <= value <= -901:
                    codes[row] = -900 - value
            data = data.where(codes == 0, np.nan).astype(float)
        values[variable] = data
        reasons.setdefault(variable, pd.Series(codes))
    return pd.DataFrame(values), pd.DataFrame(reasons)


def expected_values(study, column: pd.Series, stata: bool) -> pd.Series:
    kind = study.schema["type"].get(column.name)
    if kind in ("nominal", "ordinal", "yesno"):
        row = study.schema.loc[column.name]
        return column.astype(object).map(dict(zip(row["levels"], row["codes"], strict=True))).astype(float)
    if kind == "date":
        days = (column - pd.Timestamp("1960-01-01")).dt.days
        return days if stata else (days + 137_775) * 86_400  # 1582-10-14 to 1960-01-01
    return column if kind in ("number", "integer") else column.astype(object).where(column.notna(), "")


def check_round_trip(study, folder) -> None:
    for table, twin in TABLES:
        data, why = getattr(study, table), getattr(study, twin)
        values, reasons = read_back(folder, table, study)
        assert list(values.columns) == list(data.columns)
        for name in data.columns:
            wanted = expected_values(study, data[name], stata=(folder / f"{table}.dta").exists())
            assert [None if pd.isna(x) else x for x in values[name]] == [
                None if pd.isna(x) else x for x in wanted
            ], name
            if name not in KEYS:
                assert reasons[name].tolist() == why[name].tolist(), name


@pytest.mark.parametrize("format", ["stata", "spss"])
def test_values_and_reasons_come_back(study, tmp_path, format):
    export.export_study(study, tmp_path, format)
    check_round_trip(study, tmp_path)
    events = read_back(tmp_path, "events", study)[0]
    assert events["event"].tolist() == study.events["event"].astype(str).tolist()


def varied(study, seed: int):
    """The study with other values and reasons: each cell a value of its type, or missing for a drawn reason."""
    random = np.random.default_rng(seed)
    n = len(study.visits)
    visits, reasons = study.visits.copy(), study.reasons.copy()
    for name in ("height", "crp", "smoking_status", "psoriasis", "visit_date", LONG):
        why = random.choice([0, *study.reason_names], n).astype(np.int8) * random.integers(
            0, 2, dtype=np.int8
        )
        reasons[name] = why
        kind = study.schema.loc[name, "type"]
        if kind == "number":
            numbers = [random.normal(0, 1e6, n), random.uniform(-940, -890, n), random.integers(-5, 5, n)]
            values = pd.Series(numbers[random.integers(3)].astype(float))
        elif kind == "date":
            days = random.integers(-30_000, 30_000, n).astype("timedelta64[D]")
            values = pd.Series((np.datetime64("1970-01-01") + days).astype("datetime64[ns]"))
        else:
            dtype = visits[name].dtype
            values = pd.Series(
                pd.Categorical.from_codes(random.integers(0, len(dtype.categories), n), dtype=dtype)
            )
        visits[name] = values.mask(why > 0)
    return replace(study, visits=visits, reasons=reasons)


@pytest.mark.parametrize("format", ["stata", "spss"])
@given(seed=st.integers(0, 2**32))
@settings(max_examples=15, deadline=None)
def test_any_values_and_reasons_come_back(study, tmp_path_factory, format, seed):
    other = varied(study, seed)
    folder = tmp_path_factory.mktemp(format)
    export.export_study(other, folder, format)
    check_round_trip(other, folder)


def test_a_number_in_the_range_of_the_reasons_stays_a_number(study, tmp_path):
    visits = study.visits.assign(crp=-905.0)
    other = replace(study, visits=visits, reasons=study.reasons.assign(crp=np.int8(0)))
    other.to_spss(tmp_path)
    table, _ = pyreadstat.read_sav(tmp_path / "visits.sav")
    assert (table["crp"] == -905).all()
    assert (table["crp__why"] == 0).all()


def test_a_column_that_begins_with_hundreds_of_reasons(study, tmp_path):
    """pyreadstat looks at the first hundred values to tell numbers from texts."""
    many = pd.concat([study.visits.assign(height=np.nan)] * 30 + [study.visits.assign(height=171.0)])
    why = pd.concat(
        [study.reasons.assign(height=np.int8(2))] * 30 + [study.reasons.assign(height=np.int8(0))]
    )
    other = replace(study, visits=many.reset_index(drop=True), reasons=why.reset_index(drop=True))
    other.to_stata(tmp_path)
    check_round_trip(other, tmp_path)


@pytest.mark.parametrize("format", ["stata", "spss"])
def test_a_plain_read_gives_plain_missing(study, tmp_path, format):
    export.export_study(study, tmp_path, format)
    if format == "stata":
        plain = pd.read_stata(tmp_path / "visits.dta", convert_categoricals=False)
    else:
        plain, _ = pyreadstat.read_sav(tmp_path / "visits.sav")
    for name in ("height", "crp", "smoking_status"):
        assert plain[name].isna().tolist() == study.visits[name].isna().tolist()
    dates = pd.to_datetime(plain["visit_date"])
    assert dates.isna().tolist() == study.visits["visit_date"].isna().tolist()
    assert (dates.dropna() == study.visits["visit_date"].dropna()).all()


@pytest.mark.parametrize("format", ["stata", "spss"])
def test_chinese_labels(study, tmp_path, format):
    export.export_study(study, tmp_path, format, language="zh")
    path = next(tmp_path.glob("visits.*"))
    read = pyreadstat.read_dta if format == "stata" else pyreadstat.read_sav
    _, meta = read(path, user_missing=True)
    labels = dict(zip(meta.column_names, meta.column_labels, strict=True))
    assert labels["smoking_status"] == "吸烟状况"
    shown = meta.variable_value_labels["smoking_status"]
    assert (shown[0], shown[1], shown[2]) == ("从不", "已戒", "现在")
    assert shown["a" if format == "stata" else -901] == "拒绝回答"
    if format == "stata":
        assert b"<release>118</release>" in path.read_bytes()[:60]


def test_long_and_reserved_names_are_shortened_and_told(study, tmp_path):
    study.to_stata(tmp_path)
    names = pd.read_csv(tmp_path / "names.csv")
    column = names.loc[names["variable"] == LONG, "column"].item()
    assert len(column) <= 28 and column != LONG
    assert column in pyreadstat.read_dta(tmp_path / "visits.dta", metadataonly=True)[1].column_names


@given(st.lists(st.from_regex(r"[A-Za-z_中文é][A-Za-z0-9_中]{0,50}", fullmatch=True), unique=True))
def test_short_names_are_short_and_distinct(names):
    short = short_names(names)
    assert list(short) == names
    assert len({name.casefold() for name in short.values()}) == len(names)
    assert all(len(name.encode()) <= 28 for name in short.values())


def test_a_failure_leaves_the_files_of_before(study, tmp_path, monkeypatch):
    study.to_spss(tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    write = pyreadstat.write_sav

    def disk_full(table, path, **options):
        if "events" in path.name:
            raise OSError("no space left")
        write(table, path, **options)

    monkeypatch.setattr(export.pyreadstat, "write_sav", disk_full)
    with pytest.raises(OSError, match="no space left"):
        study.to_spss(tmp_path, language="zh")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_wrong_questions(study, tmp_path):
    with pytest.raises(StudyError, match="stata or spss"):
        export.export_study(study, tmp_path, "sas")
    with pytest.raises(StudyError, match="language='fr'"):
        study.to_stata(tmp_path, language="fr")
    with pytest.raises(StudyError, match="harmonize again"):
        replace(study, schema=study.schema.drop(columns="codes")).to_stata(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_command(study, tmp_path):
    study.save(tmp_path / "study")
    arguments = ["export", str(tmp_path / "study"), "--to", str(tmp_path / "out"), "--format", "stata"]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "participants.dta", "visits.dta", "events.dta", "detection_limits.dta", "names.csv",
    }  # fmt: skip
    assert CliRunner().invoke(main, [*arguments, "--language", "fr"]).exit_code == 2
