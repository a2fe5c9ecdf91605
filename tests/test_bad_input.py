"""Bad input, end to end: a clear message or a counted finding, and never a lost row or a broken study.

Where each case is tested:

===============================================  ==================================================================
missing file, missing column, wrong encoding     here, `test_files_are_refused_before_anything_is_harmonized`
truncated file                                   here; every format and cut in test_readers
empty file, header-only file                     here; all forms of both in test_readers
damaged or protected workbook, text named .sav   test_readers
unmapped code                                    test_harmonize, `test_findings_count_without_naming_rare_codes`
impossible date                                  test_harmonize, `test_impossible_dates_are_removed_and_told`
duplicated id with conflicting sex               test_harmonize, `test_two_persons_with_one_number_are_set_aside`
follow-up of an unknown person                   test_harmonize, `test_followup_of_an_unknown_person_is_set_aside`
malformed and missing id                         test_harmonize, `test_malformed_and_missing_ids_are_set_aside`
all of these at once, and every row counted      here, `test_every_raw_row_is_accounted_for`
column of another kind than its rule             here, `test_a_rule_that_does_not_fit_costs_one_variable`
unknown unit, unknown category                   test_dictionary, `test_each_mistake_has_a_message`
expression with a forbidden name                 test_dictionary, `test_each_mistake_has_a_message`; test_expressions
duplicate YAML key                               test_dictionary, `test_duplicate_key_names_both_lines`
empty and missing files of the dictionary        here, `test_an_empty_dictionary_file_is_told`; test_dictionary
disk full, killed while saving                   here
damaged study folder                             test_study
strict=True                                      test_harmonize; that nothing is written: here and test_cli
===============================================  ==================================================================
"""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import northbay as files
import pandas as pd
import pyarrow.parquet as pq
import pyreadstat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dermcohort.dictionary import check_dictionary, read_dictionary
from dermcohort.harmonize import HarmonizeError, harmonize
from dermcohort.readers import ReaderError
from dermcohort.study import open_study


@pytest.fixture
def study(northbay):
    dictionary, raw = northbay
    return harmonize(read_dictionary(dictionary), raw)


# ---------------------------------------------------------------- files


def remove(path):
    path.unlink()


def cut(path):
    path.write_bytes(path.read_bytes()[:-100])


def empty(path):
    path.write_bytes(b"")


def rename_column(path):
    path.write_text(path.read_text("utf-8").replace("died", "dead_on"), "utf-8")


def as_utf8(path):
    path.write_text(path.read_bytes().decode("gb18030") + "1,𠮷é\n", "utf-8")


@pytest.mark.parametrize(
    ("file", "damage", "words"),
    [
        ("fu1.csv", remove, "1 file(s) are not in the folder 'raw': fu1.csv"),
        ("deaths.csv", rename_column, "deaths.csv: column 'died' is not in the file"),
        ("fu1.csv", as_utf8, "fu1.csv: line 1 is no gb18030 text; declare 'encoding: utf-8'"),
        ("base.sav", cut, "base.sav: this is no readable .sav file: it is damaged, truncated"),
        ("deaths.csv", empty, "deaths.csv: the file is empty (0 bytes)"),
    ],
)
def test_files_are_refused_before_anything_is_harmonized(northbay, file, damage, words):
    dictionary, raw = northbay
    damage(raw / file)
    with pytest.raises(ReaderError) as caught:
        harmonize(read_dictionary(dictionary), raw)
    assert words in str(caught.value)


def test_all_headers_are_checked_first_and_all_problems_told_together(northbay):
    """A study of an hour must not fail at the last file for a misspelt column."""
    dictionary, raw = northbay
    rename_column(raw / "deaths.csv")
    table = northbay_table(raw).rename(columns={"WT": "WT1"})
    pyreadstat.write_sav(table, raw / "base.sav")
    with pytest.raises(ReaderError) as caught:
        harmonize(read_dictionary(dictionary), raw)
    first, second = str(caught.value).splitlines()
    assert first == "base.sav: column 'WT' is not in the file. Did you mean 'WT1'?"
    assert second.startswith("deaths.csv: column 'died' is not in the file")


def northbay_table(raw):
    return pyreadstat.read_sav(raw / "base.sav", disable_datetime_conversion=True)[0]


def test_the_raw_folder_must_exist(northbay, tmp_path):
    with pytest.raises(ReaderError, match=r"the folder .*nowhere.* does not exist"):
        harmonize(read_dictionary(northbay[0]), tmp_path / "nowhere")


@pytest.mark.parametrize(
    "header", ["编号,性别,出生日期,检查日期,吸烟,开始吸烟年龄,身高cm,体重斤,CRP结果,银屑病"]
)
def test_a_wave_without_rows_is_a_finding_and_the_others_stay(northbay, tmp_path, header):
    dictionary, raw = northbay
    (raw / "fu1.csv").write_bytes(header.encode("gb18030"))
    study = harmonize(read_dictionary(dictionary), raw)
    row = study.findings[study.findings["code"] == "H104"]
    assert (
        row["message"].tolist() == ["fu1.csv has a header but no rows"] and (row["severity"] == "error").all()
    )
    assert study.visits["wave"].value_counts().to_dict() == {"baseline": 6, "followup1": 0}
    study.save(tmp_path / "out")
    pd.testing.assert_frame_equal(open_study(tmp_path / "out").visits, study.visits)


def test_a_study_of_headers_only_is_empty_but_whole(northbay, tmp_path):
    dictionary, raw = northbay
    pyreadstat.write_sav(
        northbay_table(raw).astype({"NBID": str, "VILLAGE": str, "NAME": str}).iloc[:0], raw / "base.sav"
    )
    for name in ("fu1.csv", "deaths.csv"):
        (raw / name).write_bytes((raw / name).read_bytes().splitlines(keepends=True)[0])
    study = harmonize(read_dictionary(dictionary), raw)
    assert (study.findings["code"] == "H104").sum() == 3
    assert len(study.visits) == len(study.participants) == len(study.ledger) == 0
    study.save(tmp_path / "out")
    again = open_study(tmp_path / "out")
    assert again.visits.dtypes.equals(study.visits.dtypes)
    assert len(again.frame(["bmi"], wave="baseline").data) == 0


def test_a_rule_that_does_not_fit_costs_one_variable(northbay):
    """Dates where numbers are mapped: that variable is unmapped, the rest of the wave is there."""
    dictionary, raw = northbay
    table = northbay_table(raw)
    table["SEX"], table["HT"] = "male", "tall"
    pyreadstat.write_sav(table, raw / "base.sav", variable_format={"DOB": "DATE11", "EXAMDT": "DATE11"})
    study = harmonize(read_dictionary(dictionary), raw)
    baseline = study.visits[study.visits["wave"] == "baseline"]
    assert len(baseline) == 6 and baseline["height"].isna().all() and baseline["weight_kg"].notna().all()
    unmapped = study.findings[study.findings["code"].isin(["H101", "H102"])]
    assert {"sex", "height"} <= set(unmapped["variable"])


def test_every_raw_row_is_accounted_for(northbay):
    """Everything that can be wrong with a row, at once: kept, merged and set aside rows add up to the raw rows."""
    dictionary, raw = northbay
    rows = files.baseline_rows()
    bad = [
        rows.iloc[[0]],  # the same person twice
        rows.iloc[[1]].assign(NBID="NB0002", SEX=1),  # another sex under one number
        rows.iloc[[2]].assign(NBID="3"),
        rows.iloc[[2]].assign(NBID=""),
        rows.iloc[[3]].assign(NBID="NB0099", EXAMDT=1e14, DOB=-1e14, HT=-1, Q12=77, CRP=1e9, PHQ1=9),
    ]
    table = pd.concat([rows, *bad], ignore_index=True)
    followup = (
        files.FOLLOWUP_ROWS
        + "77,男,,,,,,,,,\n,男,,,,,,,,,\n4,男,1990/01/01,x,y,z,,,,,\n99,女,1950/01/01,,,,,,,,\n"
    )
    deaths = files.DEATH_ROWS + "NB4711,dead,2020-02-30,\n"
    files.write_raw(raw, baseline=table, followup=followup, deaths=deaths)
    study = harmonize(read_dictionary(dictionary), raw)
    counts = study.ledger.groupby("wave", observed=True)["action"].value_counts().unstack()
    assert counts.sum(axis=1).to_dict() == {"baseline": 11, "followup1": 8, "deaths": 7}
    visits = study.visits["wave"].value_counts()
    for wave in ("baseline", "followup1"):
        assert counts.loc[wave, "kept"] == visits[wave]
    set_aside = study.ledger[study.ledger["action"] != "kept"]
    assert (set_aside["reason"].astype(str) != "").all()
    for _, rows in study.ledger.groupby("wave", observed=True):
        assert sorted(rows["row"]) == list(range(1, len(rows) + 1))
    told = study.findings.groupby("code")["n"].sum()
    for code, reasons in {"H201": ["id missing"], "H202": ["id does not match the pattern"],
                          "H203": ["same person twice"], "H204": ["two persons with one number"],
                          "H205": ["follow-up of an unknown person"], "H206": ["another person under this number"]}.items():  # fmt: skip
        n = study.ledger["reason"].isin(reasons).sum()
        assert told.get(code, 0) >= n, code  # H203 counts the kept row of the pair too
    total = study.provenance[["observed", *[c for c in study.provenance if c.startswith("n_")]]].sum(axis=1)
    assert (total == study.provenance["n"]).all()


cells = st.sampled_from(
    [
        "",
        "1",
        "2",
        "4",
        "NB0001",
        "男",
        "女",
        "2020/01/02",
        "1960/01/01",
        "从不",
        "<0.05",
        "-1",
        "1e999",
        "是",
        "\u3000",
        "nan",
    ]
)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.lists(cells, min_size=11, max_size=11), min_size=1, max_size=8))
def test_no_content_of_a_file_breaks_a_run_or_loses_a_row(tmp_path_factory, rows):
    """Whatever stands in the cells, the run ends, and all rows and all reasons are there."""
    folder = tmp_path_factory.mktemp("any")
    raw = files.write_raw(
        folder / "raw", followup="\n".join([files.FOLLOWUP_ROWS.splitlines()[0], *map(",".join, rows)])
    )
    study = harmonize(read_dictionary(files.write_dictionary(folder / "d")), raw)
    ledger = study.ledger[study.ledger["wave"] == "followup1"]
    assert len(ledger) == len(rows)
    assert (ledger["action"] == "kept").sum() == (study.visits["wave"] == "followup1").sum()
    observed = study.visits.iloc[:, 3:].notna().to_numpy()
    assert (observed == (study.reasons.iloc[:, 3:] == 0).to_numpy()).all()


# ---------------------------------------------------------------- dictionary


@pytest.mark.parametrize(
    "name",
    [
        "dictionary.yaml",
        "schema/10_person.yaml",
        "cohorts/northbay/cohort.yaml",
        "cohorts/northbay/deaths.yaml",
    ],
)
@pytest.mark.parametrize("content", ["", "# nothing\n", "- a list\n", "\ufeff", "just a text"])
def test_an_empty_dictionary_file_is_told(tmp_path, name, content):
    folder = files.write_dictionary(tmp_path)
    (folder / name).write_text(content, "utf-8")
    dictionary, problems = check_dictionary(folder)
    errors = [problem for problem in problems if problem.level == "error"]
    assert dictionary is None and errors
    assert any(
        Path(problem.file).name == Path(name).name or "schema" in problem.file for problem in errors
    ), errors


def test_a_dictionary_file_that_is_no_utf8_is_told(tmp_path):
    folder = files.write_dictionary(tmp_path)
    path = folder / "schema/10_person.yaml"
    path.write_bytes(path.read_text("utf-8").encode("gb18030"))
    _, problems = check_dictionary(folder)
    assert any("UTF-8" in problem.text and problem.file.endswith("10_person.yaml") for problem in problems)


# ---------------------------------------------------------------- saving


def test_strict_leaves_the_former_study_as_it_was(northbay, study, tmp_path):
    dictionary, raw = northbay
    study.save(tmp_path / "out")
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    with pytest.raises(HarmonizeError):
        harmonize(read_dictionary(dictionary), raw, strict=True).save(tmp_path / "out")
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before


def full_disk(*_, **__):
    raise OSError(errno.ENOSPC, "No space left on device")


def half_then_full(path_of):
    """Write a few bytes of the file, then find the disk full."""

    def write(*args, **kwargs):
        Path(path_of(args)).write_bytes(b"PAR1 half")
        full_disk()

    return write


@pytest.mark.parametrize("when", ["first table", "seventh table", "json", "sync", "second rename"])
def test_a_full_disk_leaves_the_former_study_and_no_litter(study, tmp_path, monkeypatch, when):
    target = tmp_path / "out"
    study.save(target)
    smaller = study.select(study.visits["wave"] == "baseline")
    real_table, real_rename, calls = pq.write_table, Path.rename, []

    def counted(real, fail, n):
        def call(*args, **kwargs):
            calls.append(args)
            return fail(*args, **kwargs) if len(calls) == n else real(*args, **kwargs)

        return call

    if when.endswith("table"):
        fail = half_then_full(lambda args: args[1])
        monkeypatch.setattr(
            pq, "write_table", counted(real_table, fail, 1 if when.startswith("first") else 7)
        )
    elif when == "json":
        monkeypatch.setattr(Path, "write_text", half_then_full(lambda args: args[0]))
    elif when == "sync":
        monkeypatch.setattr(os, "fsync", full_disk)  # some disks tell only now
    else:
        monkeypatch.setattr(Path, "rename", counted(real_rename, full_disk, 2))
    with pytest.raises(OSError, match="No space left"):
        smaller.save(target)
    monkeypatch.undo()
    assert sorted(path.name for path in tmp_path.iterdir() if "out" in path.name) == ["out"]
    assert len(open_study(target).visits) == 10
    smaller.save(target)
    assert len(open_study(target).visits) == 6


KILLED = """
    import os, shutil, signal, sys
    from pathlib import Path
    import pyarrow.parquet as pq
    from dermcohort.study import TABLES
    from dermcohort.storage import read_folder, write_folder

    source, target, function, number, after = sys.argv[1:]
    tables, records = read_folder(Path(source), TABLES, RuntimeError)
    owner, name = {"table": (pq, "write_table"), "text": (Path, "write_text"), "sync": (os, "fsync"),
                   "rename": (Path, "rename"), "remove": (os, "unlink")}[function]
    real, calls = getattr(owner, name), []

    def deadly(*args, **kwargs):
        calls.append(1)
        if len(calls) == int(number):
            if after == "half":
                (args[1] if function == "table" else args[0]).write_bytes(b"half")
            elif after == "after":
                real(*args, **kwargs)
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*args, **kwargs)

    setattr(owner, name, deadly)
    write_folder(Path(target), tables, records)
"""
POINTS = [
    ("table", 1, "before"), ("table", 6, "half"), ("text", 2, "half"), ("sync", 5, "before"),
    ("rename", 1, "before"), ("rename", 1, "after"), ("rename", 2, "after"), ("remove", 4, "after"),
]  # fmt: skip


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL")
def test_a_save_that_is_killed_leaves_the_old_or_the_new_study(study, tmp_path):
    """At eight moments of a save. The processes run side by side, each on its own copy of the old study."""
    study.select(study.visits["wave"] == "baseline").save(tmp_path / "new")
    study.save(tmp_path / "old")
    (tmp_path / "killed.py").write_text(textwrap.dedent(KILLED))
    running = []
    for number, (function, n, after) in enumerate(POINTS):
        target = tmp_path / str(number) / "study"
        shutil.copytree(tmp_path / "old", target)
        command = [sys.executable, tmp_path / "killed.py", tmp_path / "new", target, function, str(n), after]
        running.append(subprocess.Popen([str(part) for part in command], stderr=subprocess.PIPE))
    for number, process in enumerate(running):
        _, error = process.communicate(timeout=60)
        assert process.returncode == -signal.SIGKILL, (POINTS[number], error.decode())
        target = tmp_path / str(number) / "study"
        n_visits = len(open_study(target).visits)  # whole: every table is read
        renamed = POINTS[number][0] == "remove" or POINTS[number][:2] == ("rename", 2)
        assert n_visits == (6 if renamed else 10), POINTS[number]
        study.save(target)
        assert len(open_study(target).visits) == 10
        assert [path.name for path in target.parent.iterdir()] == ["study"], POINTS[number]


def test_a_folder_of_other_files_is_not_overwritten(study, tmp_path):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis/chapter1.docx").write_text("years of work")
    with pytest.raises(FileExistsError, match="choose an empty or new folder"):
        study.save(tmp_path / "thesis")
    assert [path.name for path in (tmp_path / "thesis").iterdir()] == ["chapter1.docx"]


@pytest.mark.skipif(os.name != "posix", reason="links need rights on Windows")
def test_a_link_to_another_disk_stays_a_link(study, tmp_path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "harmonized").symlink_to(tmp_path / "disk")
    for _ in range(3):
        study.save(tmp_path / "harmonized")
    assert (tmp_path / "harmonized").is_symlink()
    assert len(open_study(tmp_path / "harmonized").visits) == 10
    assert sorted(p.name for p in tmp_path.iterdir() if "disk" in p.name or "harm" in p.name) == [
        "disk",
        "harmonized",
    ]
