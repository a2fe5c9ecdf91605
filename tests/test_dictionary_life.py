"""A file comes, is drafted, checked, locked, and comes again: what the person who keeps the dictionary is told."""

from __future__ import annotations

import json
from pathlib import Path

import northbay
import numpy as np
import pandas as pd
import pyreadstat
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from dermcohort.cli import main
from dermcohort.dictionary import (
    DictionaryError,
    check_dictionary,
    check_raw,
    draft_mapping,
    lock_raw,
    read_dictionary,
)
from dermcohort.dictionary.draft import scalar
from dermcohort.dictionary.lock import row_band
from dermcohort.dictionary.problems import ProblemList
from dermcohort.dictionary.source import load_yaml
from dermcohort.headers import read_header_info
from dermcohort.readers import ReaderError, read_raw

SMALL = pd.DataFrame({"code": [1.0, 2.0, 9.0], "name": ["a", "b", "c"]})
LABELS = {"code": {1: "Yes", 2: "No"}}
Q12 = {1: "Daily", 2: "Occasionally", 3: "Former", 4: "Never", 8: "Does not know", 9: "Refused"}


def write_base(folder, rows, **options):
    options = {
        "missing_ranges": {"CRP": [-9], "Q13": [97]},
        "variable_format": {"DOB": "DATE11", "EXAMDT": "DATE11"},
        "variable_value_labels": {"SEX": {1: "Male", 2: "Female"}, "Q12": Q12},
        "column_labels": {"Q12": "Do you smoke?"},
    } | options
    pyreadstat.write_sav(rows, folder / "base.sav", **options)


def many(rows, copies=30):
    """Enough people for codes to be told: the same rows under new numbers."""
    table = pd.concat([rows] * copies, ignore_index=True)
    table["NBID"] = [f"NB{number:04d}" for number in range(1, len(table) + 1)]
    return table


def study(tmp_path, **replacements):
    folder = northbay.write_dictionary(tmp_path / "d", **replacements)
    raw = northbay.write_raw(tmp_path / "raw")
    write_base(raw, many(northbay.baseline_rows()))
    return read_dictionary(folder), raw


def told(problems, code):
    return [problem.text for problem in problems if problem.code == code]


# ---------------------------------------------------------------- headers


def test_spss_header_tells_labels_missing_codes_dates_and_rows(tmp_path):
    raw = northbay.write_raw(tmp_path)
    header = read_header_info(raw / "base.sav")
    columns = {column.name: column for column in header.columns}
    assert header.n_rows == 6 and header.date_system == "spss"
    assert columns["SEX"].value_labels == {1.0: "Male", 2.0: "Female"}
    assert columns["CRP"].missing_ranges == ((-9.0, -9.0),)
    assert (columns["DOB"].kind, columns["DOB"].date_format) == ("date", "DATE11")
    assert (columns["NAME"].kind, columns["HT"].kind) == ("text", "number")


@pytest.mark.parametrize("suffix", ["sav", "zsav", "dta", "xpt", "parquet", "csv", "xlsx"])
def test_the_header_of_every_format_agrees_with_its_data(tmp_path, suffix):
    path = tmp_path / f"x.{suffix}"
    if suffix in ("sav", "zsav"):
        pyreadstat.write_sav(SMALL, path, variable_value_labels=LABELS, compress=suffix == "zsav")
    elif suffix == "dta":
        pyreadstat.write_dta(SMALL, path, variable_value_labels=LABELS)
    elif suffix == "xpt":
        pyreadstat.write_xport(SMALL, path)
    elif suffix == "parquet":
        SMALL.to_parquet(path)
    elif suffix == "csv":
        SMALL.to_csv(path, index=False)
    else:
        SMALL.to_excel(path, index=False, engine="xlsxwriter")
    header, table = read_header_info(path), read_raw(path, ["code", "name"])
    assert header.names == ["code", "name"]
    assert [column.kind for column in header.columns] == [column.kind for column in table.columns.values()]
    assert [c.value_labels for c in header.columns] == [c.value_labels for c in table.columns.values()]
    assert header.n_rows == (None if suffix in ("csv", "xpt") else 3)


def test_sas_header_takes_its_labels_from_the_catalogue():
    folder = Path(__file__).parent / "data" / "sas"
    header = read_header_info(folder / "visits.sas7bdat", catalog=folder / "formats.sas7bcat")
    columns = {column.name: column for column in header.columns}
    assert columns["SMOKE"].value_labels == {1: "Never", 2: "Current"}
    assert (columns["EXAMDT"].kind, header.date_system, header.n_rows) == ("date", "sas", 5)


def test_a_header_does_not_read_the_data(tmp_path):
    """Half of the data are cut off, which nobody notices who reads the header only."""
    path = tmp_path / "big.sav"
    pyreadstat.write_sav(pd.DataFrame({f"V{i}": np.arange(2_000.0) for i in range(20)}), path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert read_header_info(path).n_rows == 2_000


def test_a_damaged_header_is_one_sentence(tmp_path):
    (tmp_path / "x.sav").write_bytes(b"planted name")
    with pytest.raises(ReaderError, match=r"no readable \.sav file") as error:
        read_header_info(tmp_path / "x.sav")
    assert "planted" not in str(error.value)


# ---------------------------------------------------------------- check --raw


def test_a_rule_that_fits_its_file_is_not_mentioned(tmp_path):
    dictionary, raw = study(tmp_path)
    texts = [str(problem) for problem in check_raw(dictionary, raw)]
    assert len(texts) == 1 and "DD206" in texts[0] and "code -9 of column 'CRP'" in texts[0]


@pytest.mark.parametrize(
    ("old", "new", "code", "words"),
    [
        ("{from: HT}", "{from: HTT}", "DD201", "column 'HTT' is not in base.sav"),
        ("missing: {8: dont_know, 9: refused}", "missing: {8: dont_know}", "DD204", "code 9 ('Refused') of column 'Q12'"),
        ("{1: male, 2: female}", "{1: male, 2: female, 3: female}", "DD205", "maps code 3"),
        (", missing: {97: refused}}", "}", "DD206", "declares code 97 of column 'Q13' missing"),
        ("{from: SEX, map", "{from: DOB, map", "DD207", "'DOB' of base.sav holds dates"),
        ("{from: DOB, date: spss}", "{from: DOB, date: '%Y-%m-%d'}", "DD207", "'DOB' is a date of base.sav, stored as a number"),
        ("{from: DOB, date: spss}", "{from: VILLAGE, date: spss}", "DD207", "'VILLAGE' of base.sav is text"),
    ],
)  # fmt: skip
def test_each_misfit_stands_at_its_rule(tmp_path, old, new, code, words):
    assert old in northbay.BASELINE
    text = northbay.BASELINE.replace(old, new, 1).replace(
        "examples: [[1, current], [3, former], [8, dont_know]]", ""
    )
    dictionary, raw = study(tmp_path, baseline=text)
    found = [
        problem for problem in check_raw(dictionary, raw) if problem.code == code and words in problem.text
    ]
    assert len(found) == 1
    line = text.splitlines()[found[0].line - 1]
    assert found[0].file.endswith("baseline.yaml") and found[0].column == 3
    assert new in line or "smoking_status" in line
    assert found[0].level == ("error" if code == "DD201" else "warning")


def test_a_label_of_a_measured_column_matters_only_where_it_is_no_plausible_value(tmp_path):
    dictionary, raw = study(tmp_path)
    write_base(
        raw, many(northbay.baseline_rows()), variable_value_labels={"HT": {170: "tall", 999: "refused"}}
    )
    assert told(check_raw(dictionary, raw), "DD204") == [
        "base.sav has code 999 ('refused') of column 'HT', which the rule of 'height' does not mention"
    ]


def test_a_tagged_missing_with_a_label_needs_a_reason(tmp_path):
    dictionary, raw = study(
        tmp_path,
        cohort=northbay.COHORT.replace("file: base.sav", "file: base.dta"),
        baseline=northbay.BASELINE.replace("spss", "stata").replace(
            "9: refused}", "9: refused, .a: refused}"
        ),
    )
    pyreadstat.write_dta(
        northbay.baseline_rows(),
        raw / "base.dta",
        variable_value_labels={"Q12": {"a": "Refused", "b": "Unknown"}},
        missing_user_values={"Q12": ["a", "b"]},
    )
    assert told(check_raw(dictionary, raw), "DD206") == [
        "base.dta declares code .b ('Unknown') of column 'Q12' missing, and the rule of 'smoking_status' does not say why"
    ]


def test_all_that_is_wrong_is_told_at_once_in_file_order(tmp_path):
    text = northbay.BASELINE.replace("{from: HT}", "{from: ht}").replace("{from: WT}", "{from: WEIGT}")
    dictionary, raw = study(tmp_path, baseline=text)
    (raw / "deaths.csv").rename(raw / "death.csv")
    (raw / "fu1.csv").write_bytes("编号,性别\n".encode("utf-16"))
    problems = check_raw(dictionary, raw)
    assert problems == sorted(problems)
    assert [p.code for p in problems if p.level == "error"] == ["DD201", "DD201", "DD202", "DD203"]
    assert [p.hint for p in problems if p.code in ("DD201", "DD202")] == [
        "did you mean 'HT'?", "", "did you mean 'death.csv'?",
    ]  # fmt: skip


def test_a_wrong_delimiter_is_guessed_at(tmp_path):
    dictionary, raw = study(tmp_path)
    (raw / "deaths.csv").write_text(northbay.DEATH_ROWS.replace(",", ";"), "utf-8")
    problem = next(problem for problem in check_raw(dictionary, raw) if problem.code == "DD201")
    assert "'delimiter'" in problem.hint


# ---------------------------------------------------------------- lock and drift


def test_a_lock_holds_no_value_of_few_people(tmp_path):
    dictionary, raw = study(tmp_path)
    rows = many(northbay.baseline_rows())
    rows.loc[:3, "Q12"] = 77
    write_base(raw, rows)
    paths = lock_raw(dictionary, raw)
    assert [path.name for path in paths] == ["baseline.lock.json", "followup1.lock.json", "deaths.lock.json"]
    lock = json.loads(paths[0].read_text("utf-8"))
    held = rows.groupby("Q12")["NBID"].nunique()
    assert lock["columns"]["Q12"]["codes"] == {f"{code:g}": n // 5 * 5 for code, n in held.items() if n >= 5}
    assert "77" not in lock["columns"]["Q12"]["codes"]
    assert lock["columns"]["NAME"] == {"kind": "text"}  # not declared: what the header says, nothing else
    assert lock["rows"] == "100 to 199"
    text = "".join(path.read_text("utf-8") for path in paths)
    assert "planted" not in text and "NB0001" not in text and "1990000" not in text


def test_one_person_with_many_rows_is_one_person(tmp_path):
    dictionary, raw = study(tmp_path)
    rows = many(northbay.baseline_rows())
    rows.loc[rows.index[:20], ["Q12", "NBID"]] = [77, "NB0001"]
    write_base(raw, rows)
    lock = json.loads(lock_raw(dictionary, raw)[0].read_text("utf-8"))
    assert "77" not in lock["columns"]["Q12"]["codes"]


def test_one_wave_is_locked_although_the_files_of_the_others_are_gone(tmp_path):
    dictionary, raw = study(tmp_path)
    (raw / "deaths.csv").unlink()
    assert [path.name for path in lock_raw(dictionary, raw, "northbay/followup1")] == ["followup1.lock.json"]
    assert [path.name for path in dictionary.root.rglob("*.lock.json")] == ["followup1.lock.json"]
    with pytest.raises(DictionaryError, match=r"deaths\.csv"):
        lock_raw(dictionary, raw, "northbay")
    with pytest.raises(
        KeyError, match=r"'northbay/folowup1' is not a wave of the dictionary.*'northbay/followup1'"
    ):
        lock_raw(dictionary, raw, "northbay/folowup1")


def test_nothing_is_locked_where_a_file_does_not_fit(tmp_path):
    dictionary, raw = study(tmp_path)
    (raw / "fu1.csv").write_text(
        "planted name,1\nother,2\n", "utf-8"
    )  # a file without header: cells are no names
    with pytest.raises(DictionaryError) as error:
        lock_raw(dictionary, raw)
    assert "planted" not in str(error.value)
    assert list(dictionary.root.rglob("*.lock.json")) == []


def test_the_same_delivery_and_a_mere_copy_have_no_drift(tmp_path):
    dictionary, raw = study(tmp_path)
    before = check_raw(dictionary, raw)
    lock_raw(dictionary, raw)
    assert check_raw(dictionary, raw) == before
    write_base(raw, many(northbay.baseline_rows()).sample(frac=1, random_state=1))
    assert check_raw(dictionary, raw) == before


def test_a_new_delivery_is_told_in_words(tmp_path):
    dictionary, raw = study(tmp_path)
    lock_raw(dictionary, raw)
    rows = many(northbay.baseline_rows(), copies=90).drop(columns="NAME")
    rows["Q12"] = rows["Q12"].replace({5.0: 6.0, 1.0: 4.0})
    rows.loc[0, "Q12"] = 55  # one person: not told
    rows["VILLAGE"] = 1.0
    rows = rows.assign(NEW1=1.0, NEW2="x")
    write_base(
        raw,
        rows,
        missing_ranges={"CRP": [-9], "Q13": [{"lo": 97, "hi": 99}]},
        column_labels={"Q12": "Do you smoke now?"},
        variable_value_labels={"SEX": {1: "Male", 2: "Female"}, "Q12": Q12 | {1: "Every day", 7: "Pipe"}},
    )
    texts = [p.text.removeprefix("base.sav: ") for p in check_raw(dictionary, raw) if p.code >= "DD210"]
    assert sorted(texts) == sorted([
        "1 column is gone: NAME",
        "2 new columns: NEW1, NEW2",
        "type of 'VILLAGE' changed from text to number",
        "label of 'Q12' changed from 'Do you smoke?' to 'Do you smoke now?'",
        "label of code 1 of 'Q12' changed from 'Daily' to 'Every day'",
        "column 'Q12' has a new code 7 ('Pipe')",
        "column 'Q12' has a new code 6",
        "code 1 of 'Q12' is now held by fewer than 5 people",
        "code 5 of 'Q12' is now held by fewer than 5 people",
        "missing codes that the file declares for 'Q13' changed from 97 to 97 to 99",
        "the number of rows went from 100 to 199 to 500 to 999",
    ])  # fmt: skip
    lock_raw(dictionary, raw)
    assert [p for p in check_raw(dictionary, raw) if p.code >= "DD210"] == []


def test_a_damaged_lock_is_an_error_not_a_crash(tmp_path):
    dictionary, raw = study(tmp_path)
    path = lock_raw(dictionary, raw)[0]
    for content in ("<<<<<<< ours", "[]", '{"format": 1, "columns": []}'):
        path.write_text(content, "utf-8")
        assert told(check_raw(dictionary, raw), "DD210") == ["baseline.lock.json is damaged"]


@given(st.integers(0, 10**9))
def test_a_row_band_holds_its_number(n):
    low, high = (int(bound.replace(",", "")) for bound in row_band(n).split(" to "))
    assert low <= n <= high


# ---------------------------------------------------------------- draft


def as_followup(tmp_path, draft):
    """The linter's word on a draft, in the place of the follow-up."""
    return check_dictionary(northbay.write_dictionary(tmp_path / "drafted", followup1=draft))


def test_a_draft_proposes_rules_and_passes_the_linter(tmp_path):
    dictionary, raw = study(tmp_path)
    rows = many(northbay.baseline_rows()).rename(columns={"HT": "Height"})
    labels = {"Q12": {0: "Never", 1: "Current", 7: "Pipe", 8: "Does not know"}, "SEX": {1: "男", 2: "女"}}
    write_base(
        raw, rows, variable_value_labels=labels, missing_ranges={},
        column_labels={"Q12": "Smoking status", "DOB": "出生日期", "NAME": "Full\nname: {of} 'whom'"},
    )  # fmt: skip
    draft = draft_mapping(raw / "base.sav", dictionary.root, wave="northbay/followup1")
    block = load_yaml_text(tmp_path, draft)
    rules = block["variables"]
    assert rules["smoking_status"] == {
        "from": "Q12", "map": {0: "never", 1: "current"}, "missing": {8: "dont_know"},
        "status": "undecided", "note": "drafted, not reviewed",
    }  # fmt: skip
    assert "# 7 = Pipe" in draft
    assert rules["sex"]["map"] == {1: "male", 2: "female"}
    assert rules["birth_date"]["date"] == "spss"
    assert rules["height"]["from"] == "Height"
    assert "Full name: {of} 'whom'" in draft.split("# Columns that resemble no variable")[1]
    read, problems = as_followup(tmp_path, draft)
    assert [problem.code for problem in problems] == ["DD126"]  # nothing is decided yet
    assert {rule.status for rule in read.cohorts["northbay"].waves["followup1"].rules.values()} == {
        "undecided"
    }


def load_yaml_text(tmp_path, text):
    path = tmp_path / "draft.yaml"
    path.write_text(text, "utf-8")
    problems = ProblemList(tmp_path)
    block = load_yaml(path, problems)
    assert problems.problems == []
    return block


def test_chinese_columns_are_recognized_and_no_cell_is_shown(tmp_path):
    dictionary, raw = study(tmp_path)
    draft = draft_mapping(raw / "fu1.csv", dictionary.root, wave="northbay/followup1", encoding="gb18030")
    rules = load_yaml_text(tmp_path, draft)["variables"]
    assert {name: rule["from"] for name, rule in rules.items()}.items() >= {
        "sex": "性别", "birth_date": "出生日期", "height": "身高cm", "psoriasis": "银屑病",
    }.items()  # fmt: skip
    assert "#   手机号" in draft and "1990000" not in draft
    assert [problem.code for problem in as_followup(tmp_path, draft)[1]] == ["DD126"]


def test_the_most_alike_column_is_proposed_and_only_once(tmp_path):
    """Both columns resemble `height`; the other one must not be left to `weight_kg`, which it resembles less."""
    dictionary, raw = study(tmp_path)
    (raw / "new.csv").write_text("heigth,Height,weight_kg\n170,171,70\n", "utf-8")
    rules = load_yaml_text(tmp_path, draft_mapping(raw / "new.csv", dictionary.root))["variables"]
    assert {name: rule["from"] for name, rule in rules.items()} == {
        "height": "Height",
        "weight_kg": "weight_kg",
    }


@settings(max_examples=60, deadline=None)
@given(st.one_of(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), st.integers(-99, 999)))
def test_any_code_survives_the_draft(value):
    import yaml

    from dermcohort.dictionary.source import Loader, _build

    node = yaml.compose(f"{scalar(value)}: x", Loader=Loader)
    assert list(_build(node, "x", ProblemList(None))) == [value]


# ---------------------------------------------------------------- command line


def run(*arguments):
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exc_info
    return result


def test_the_commands_from_draft_to_drift(tmp_path):
    dictionary, raw = study(tmp_path)
    target = tmp_path / "new.yaml"
    arguments = ("dict", "draft", raw / "fu1.csv", dictionary.root, "--encoding", "gb18030", "--to", target)
    assert run(*arguments).exit_code == 0 and "性别" in target.read_text("utf-8")
    again = run(*arguments)
    assert again.exit_code == 2 and "is not overwritten" in again.stderr
    assert run("dict", "draft", raw / "fu1.csv", dictionary.root).exit_code == 3  # no UTF-8
    assert "DD206" in run("dict", "check", dictionary.root, "--raw", raw).output
    assert run("dict", "lock", dictionary.root, "--raw", raw).output.count("lock.json") == 3
    one = run("dict", "lock", dictionary.root, "--raw", raw, "--wave", "northbay/baseline")
    assert one.exit_code == 0 and one.output.count("lock.json") == 1
    assert run("dict", "lock", dictionary.root, "--raw", raw, "--wave", "southbay").exit_code == 2
    write_base(raw, many(northbay.baseline_rows()).drop(columns=["NAME"]))
    checked = run("dict", "check", dictionary.root, "--raw", raw)
    assert checked.exit_code == 0 and "DD211 base.sav: 1 column is gone: NAME" in checked.output
    (raw / "base.sav").unlink()
    assert run("dict", "check", dictionary.root, "--raw", raw).exit_code == 2
    assert run("dict", "lock", dictionary.root, "--raw", raw).exit_code == 2


def test_a_rule_that_a_wave_inherits_but_its_file_lacks_names_the_wave(tmp_path):
    dictionary = northbay.write_dictionary(
        tmp_path / "dict", followup1="wave: northbay/followup1\nextends: baseline\n"
    )
    raw = northbay.write_raw(tmp_path / "raw")
    told = [
        str(p)
        for p in check_raw(read_dictionary(dictionary), raw)
        if p.code == "DD201" and "inherits" in p.text
    ]
    assert any(
        "'Q12' is not in fu1.csv; northbay/followup1 inherits the rule of 'smoking_status'" in line
        for line in told
    )
