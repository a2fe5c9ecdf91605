"""Cache, tables of rows and processes change how long a run takes, and nothing else: saved studies are equal bytes."""

from __future__ import annotations

import logging
import re
import stat
import subprocess
import sys
import zipfile

import numpy as np
import pandas as pd
import pyreadstat
import pytest
from click.testing import CliRunner
from conftest import ROOT
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from northbay import BASELINE, COHORT, DEATH_ROWS, baseline_rows, write_dictionary, write_raw
from test_privacy import SECRETS, planted_raw
from test_tables import gbk_file_with_a_late_four_byte_character

from dermcohort import ReaderError, read_dictionary, simulate_cohorts
from dermcohort.cli import main
from dermcohort.harmonize import harmonize, harmonize_to

RULE = "psoriasis:      {from: PSO, map: {0: no, 1: yes}"


def saved(dictionary, raw, out, **options) -> dict[str, bytes]:
    """The files of the study."""
    harmonize(read_dictionary(dictionary), raw, **options).save(out)
    return {path.name: path.read_bytes() for path in out.iterdir()}


def applied(caplog, dictionary, raw, **options) -> dict[str, list[str]]:
    """Wave -> the rules that a run applied."""
    caplog.clear()
    with caplog.at_level(logging.INFO, "dermcohort.harmonize.run"):
        harmonize(read_dictionary(dictionary), raw, **options)
    lines = [
        re.fullmatch(r"\w+/(\w+): applied \d+ of \d+ rules: (.*)", r.getMessage()) for r in caplog.records
    ]
    return {line[1]: [name for name in line[2].split(", ") if name] for line in lines if line}


def replaced(folder, name, old, new):
    path = folder / name
    text = path.read_text("utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), "utf-8")


# ---------------------------------------------------------------- the study is the same


def test_the_cache_changes_no_byte(northbay, tmp_path, caplog):
    dictionary, raw = northbay
    expected = saved(dictionary, raw, tmp_path / "plain")
    cold = saved(dictionary, raw, tmp_path / "cold", cache=tmp_path / "cache")
    warm = saved(dictionary, raw, tmp_path / "warm", cache=tmp_path / "cache")
    assert expected == cold == warm
    # birth dates are sensitive, villages are texts of the file, one code of smoking has no rule and few hold it
    assert applied(caplog, dictionary, raw, cache=tmp_path / "cache") == {
        "baseline": ["birth_date", "village", "smoking_status"],
        "followup1": ["birth_date"],
        "deaths": [],
    }


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.integers(2, 8))
def test_the_size_of_the_tables_changes_no_byte(tmp_path_factory, rows):
    folder = tmp_path_factory.mktemp("rows")
    dictionary, raw = write_dictionary(folder / "d"), planted_raw(folder / "raw")
    expected = saved(dictionary, raw, folder / "whole")
    assert saved(dictionary, raw, folder / "parts", chunk_rows=rows) == expected


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    """Dirty raw files of ten waves in nine formats, and the study they give."""
    folder = tmp_path_factory.mktemp("simulated")
    simulate_cohorts(folder / "raw", n=300, seed=3, dirty=0.05)
    (folder / "key").write_text("k" * 32)
    options = {"key_file": folder / "key"}
    return folder / "raw", options, saved(ROOT / "data-dictionary", folder / "raw", folder / "out", **options)


def test_simulated_cohorts_in_tables(simulated, tmp_path):
    raw, options, expected = simulated
    assert saved(ROOT / "data-dictionary", raw, tmp_path / "out", chunk_rows=25, **options) == expected


def test_simulated_cohorts_with_a_cache_in_processes(simulated, tmp_path):
    raw, options, expected = simulated
    for run in ("cold", "warm"):
        files = saved(ROOT / "data-dictionary", raw, tmp_path / run, cache=tmp_path / "c", jobs=2, **options)
        assert files == expected
    assert len(list((tmp_path / "c").iterdir())) > 200


def test_counts_of_source_values_are_those_of_the_whole_file(tmp_path):
    """Two tagged missings and a plain one are three rows, in any table."""
    answers = [1.0, "a", 2.0, "b", np.nan, "a", 1.0, 5.0]
    table = pd.DataFrame({"NBID": [f"NB{i:04}" for i in range(8)], "PSO": answers})
    dictionary = write_dictionary(
        tmp_path / "d",
        cohort=COHORT.replace("base.sav", "base.dta"),
        baseline="wave: northbay/baseline\nvariables:\n  psoriasis: {from: PSO, map: {1: no, 2: yes}, "
        "missing: {.a: refused, .b: dont_know}, ascertainment: questionnaire}\nimpossible:\n  - {variables: [sex, birth_date, village, "
        "visit_date, smoking_status, smoke_start_age, height, weight_kg, crp, phq2, vital_status, death_date, "
        "last_contact_date], note: No.}\n",
    )  # fmt: skip
    raw = write_raw(tmp_path / "raw")
    pyreadstat.write_dta(table, raw / "base.dta", missing_user_values={"PSO": ["a", "b"]})
    for rows in (None, 2, 3):
        study = harmonize(read_dictionary(dictionary), raw, chunk_rows=rows)
        row = study.provenance.query("wave == 'baseline' and variable == 'psoriasis'").iloc[0]
        counts = [(item["source"], item["target"]) for item in pd.io.json.ujson_loads(row["before"])]
        assert counts == [
            ("1", "no"), ("2", "yes"), ("", "dont_know"), ("", "no_answer"), ("", "refused"),
            ("(fewer than 5 people)", "unmapped"),
        ]  # fmt: skip
        assert (row["n_refused"], row["n_dont_know"], row["n_no_answer"], row["n_unmapped"]) == (2, 1, 1, 1)


def test_a_rule_that_does_not_fit_is_told_as_for_the_whole_file(tmp_path):
    baseline = BASELINE.replace(
        "phq2:           {from: [PHQ1, PHQ2], score: {method: sum, min_items: 2, range: [0, 3]}}",
        "phq2:           {from: [PHQ1, VILLAGE], expr: PHQ1 + VILLAGE * 2}",
    )
    dictionary = write_dictionary(tmp_path / "d", baseline=baseline)
    raw = write_raw(tmp_path / "raw")
    expected = saved(dictionary, raw, tmp_path / "whole")
    assert b"does not fit" in pd.read_parquet(tmp_path / "whole/findings.parquet").to_csv().encode()
    for options in ({"chunk_rows": 2}, {"cache": tmp_path / "c"}, {"cache": tmp_path / "c"}):
        assert saved(dictionary, raw, tmp_path / "out", **options) == expected


@pytest.mark.parametrize("jobs", [1, 2])
def test_an_unreadable_file_is_the_same_error_in_a_process(northbay, tmp_path, jobs):
    dictionary, raw = northbay
    (raw / "fu1.csv").write_bytes((raw / "fu1.csv").read_bytes() + b"5,x\n")
    with pytest.raises(ReaderError) as caught:
        harmonize(read_dictionary(dictionary), raw, jobs=jobs)
    assert str(caught.value) == "fu1.csv: line 6 has 2 fields, the header has 11"
    assert caught.value.__cause__ is None


def test_a_script_without_a_main_guard_is_told_what_is_wrong(northbay, tmp_path):
    dictionary, raw = northbay
    script = tmp_path / "script.py"
    script.write_text(
        f"import dermcohort as dc\ndc.harmonize(dc.read_dictionary({str(dictionary)!r}), {str(raw)!r}, jobs=2)\n"
    )
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 1
    assert "ReaderError: a process that reads a file did not start" in done.stderr.splitlines()[-1]


@pytest.mark.parametrize(("option", "words"), [({"jobs": 0}, "jobs=0"), ({"chunk_rows": 1}, "chunk_rows=1")])
def test_options_that_make_no_sense(northbay, option, words):
    dictionary, raw = northbay
    with pytest.raises(ValueError, match=words):
        harmonize(read_dictionary(dictionary), raw, **option)


def test_the_command_line_has_both(northbay, tmp_path):
    dictionary, raw = northbay
    plain = harmonize_to(read_dictionary(dictionary), raw, tmp_path / "plain")
    expected = {path.name: path.read_bytes() for path in plain.iterdir()}
    for _ in range(2):
        done = CliRunner().invoke(
            main,
            ["harmonize", str(raw), "--dictionary", str(dictionary), "--to", str(tmp_path / "out"),
             "--cache", str(tmp_path / "cache"), "--jobs", "2"],
        )  # fmt: skip
        assert done.exit_code == 1, done.output  # findings of severity error
        assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == expected


# ---------------------------------------------------------------- only what changed is applied


@pytest.mark.parametrize(
    ("name", "old", "new", "again"),
    [
        ("cohorts/northbay/baseline.yaml", RULE, RULE.replace("0: no, 1: yes", "0: yes, 1: no"),
         {"baseline": ["psoriasis"]}),
        ("cohorts/northbay/baseline.yaml", "limit: 0.2", "limit: 0.3", {"baseline": ["crp"]}),
        ("cohorts/northbay/baseline.yaml", "Daily and occasional", "Frequent and rare", {}),
        ("cohorts/northbay/baseline.yaml", "variables:\n", "# a comment\nvariables:\n", {}),
        ("units.yaml", "slope: 0.5", "slope: 0.6", {"followup1": ["weight_kg"]}),
        ("schema/10_person.yaml", "hard: [25, 300]", "hard: [25, 200]",
         {"baseline": ["weight_kg"], "followup1": ["weight_kg"]}),
        ("schema/10_person.yaml", "en: Weight", "en: Body weight", {}),
        ("cohorts/northbay/cohort.yaml", "98: dont_know", "98: refused",
         {"baseline": ["sex", "psoriasis"], "followup1": ["sex", "smoking_status", "psoriasis"],
          "deaths": ["vital_status"]}),
        ("cohorts/northbay/cohort.yaml", "NB\\d{4}'}\n  followup1: {from: 编号", "NB.*'}\n  followup1: {from: 编号",
         {}),
    ],
)  # fmt: skip
def test_only_rules_that_changed_are_applied(northbay, tmp_path, caplog, name, old, new, again):
    dictionary, raw = northbay
    cache = tmp_path / "cache"
    always = {
        "baseline": ["birth_date", "village", "smoking_status"],
        "followup1": ["birth_date"],
        "deaths": [],
    }
    applied(caplog, dictionary, raw, cache=cache)
    replaced(dictionary, name, old, new)
    found = applied(caplog, dictionary, raw, cache=cache)
    assert {wave: [n for n in names if n not in always[wave]] for wave, names in found.items()} == {
        wave: again.get(wave, []) for wave in always
    }
    expected = saved(dictionary, raw, tmp_path / "plain")
    assert saved(dictionary, raw, tmp_path / "cached", cache=cache) == expected


def test_a_changed_file_is_read_again_and_old_outcomes_are_removed(northbay, tmp_path, caplog):
    dictionary, raw = northbay
    cache = tmp_path / "cache"
    everything = applied(caplog, dictionary, raw, cache=cache)
    before = {path.name for path in cache.iterdir()}
    (raw / "deaths.csv").write_text(DEATH_ROWS.replace("2019-06-01", "2019-06-02"), "utf-8")
    assert applied(caplog, dictionary, raw, cache=cache)["deaths"] == everything["deaths"]
    after = {path.name for path in cache.iterdir()}
    assert len(after) == len(before) and len(before - after) == len(everything["deaths"])


def gbk_study(folder, mapped, absent):
    """A file that its declared encoding does not fit, of which the rules `mapped` are applied."""
    impossible = ["sex", "birth_date", "visit_date", "smoking_status", "smoke_start_age", "weight_kg", "crp", "phq2",
                  "psoriasis", "vital_status", "death_date", "last_contact_date", *absent]  # fmt: skip
    rules = "".join(f"  {name}: {{from: {column}}}\n" for name, column in mapped.items())
    cohort = COHORT.replace("file: base.sav", "file: g.sav, encoding: gbk")
    write_dictionary(
        folder / "d",
        cohort=cohort.replace(r"{from: NBID, pattern: 'NB\d{4}'}", "{from: id}"),
        baseline=f"wave: northbay/baseline\nvariables:\n{rules}impossible:\n"
        f"  - {{variables: [{', '.join(impossible)}], note: No.}}\n",
    )
    gbk_file_with_a_late_four_byte_character(write_raw(folder / "raw"))
    return folder / "d", folder / "raw"


@pytest.mark.parametrize("rows", [None, 6])
def test_a_file_read_otherwise_than_declared_is_not_kept(tmp_path, caplog, rows):
    """Nor is what was kept used, when a column that is read later shows that the encoding is another."""
    options = {"cache": tmp_path / "cache", "chunk_rows": rows}
    dictionary, raw = gbk_study(tmp_path, {"height": "x"}, ["village"])
    assert applied(caplog, dictionary, raw, **options)["baseline"] == ["height"]
    assert applied(caplog, dictionary, raw, **options)["baseline"] == []
    dictionary, raw = gbk_study(tmp_path, {"height": "x", "village": "word"}, [])
    expected = saved(dictionary, raw, tmp_path / "plain")
    for _ in range(2):
        assert set(applied(caplog, dictionary, raw, **options)["baseline"]) == {"height", "village"}
        assert saved(dictionary, raw, tmp_path / "out", **options) == expected


# ---------------------------------------------------------------- what the cache holds


def content_of(cache) -> str:
    """Every byte of every entry, as UTF-8, UTF-16 and UTF-32."""
    parts = []
    for path in cache.iterdir():
        with zipfile.ZipFile(path) as archive:
            raw = b"".join(archive.read(name) for name in archive.namelist()) + path.read_bytes()
        parts += [
            raw.decode(encoding, "ignore") for encoding in ("utf-8", "utf-16-le", "utf-32-le", "gb18030")
        ]
    return "\n".join(parts)


def test_the_cache_holds_no_identifier_and_no_rare_text(tmp_path):
    dictionary = write_dictionary(tmp_path / "d")
    harmonize(read_dictionary(dictionary), planted_raw(tmp_path / "raw"), cache=tmp_path / "cache")
    said = content_of(tmp_path / "cache")
    assert (
        "从不" not in said and "男" not in said
    )  # rules that met a name are not kept, not even what they knew
    for secret in (*SECRETS, "NB0001", "NB000"):
        assert secret not in said, secret
    number = float(SECRETS[2]) * 10  # the telephone number typed as a laboratory result, in mg/L
    assert not any(np.float64(number).tobytes() in p.read_bytes() for p in (tmp_path / "cache").iterdir())
    assert any(
        np.float64(2.0).tobytes() in p.read_bytes() for p in (tmp_path / "cache").iterdir()
    )  # 0.2 mg/dL
    assert '["1", "male", 3]' in said  # the search finds what is there


def test_a_code_without_a_rule_is_kept_only_where_enough_people_hold_it(tmp_path, caplog):
    answers = baseline_rows()
    many = pd.concat([answers.assign(NBID=[f"NB{n}{i:03}" for i in range(6)]) for n in range(5)])
    few = many.assign(Q12=np.where(many["NBID"] == "NB4004", 4.0, many["Q12"]))  # code 5 four times, not five
    for rows, is_kept in ((many, True), (few, False)):
        raw = write_raw(tmp_path / f"raw{is_kept}", baseline=rows)
        dictionary = write_dictionary(tmp_path / "d")
        for _ in range(2):
            found = applied(caplog, dictionary, raw, cache=tmp_path / "cache")
        assert ("smoking_status" not in found["baseline"]) == is_kept


@pytest.mark.parametrize(
    ("options", "hidden"),
    [
        ("protect: hash\nshift_dates: 30\n", {"birth_date", "visit_date", "death_date", "last_contact_date"}),
        ("withhold: [psoriasis, phq2]\n", {"birth_date", "psoriasis", "phq2"}),
        ("coarsen: {village: {first_letters: 1}}\n", {"birth_date", "village"}),
    ],
)
def test_what_privacy_options_protect_is_not_kept(tmp_path, caplog, options, hidden):
    dictionary = write_dictionary(tmp_path / "d", cohort=COHORT + options)
    raw = write_raw(tmp_path / "raw")
    (tmp_path / "key").write_text("k" * 32)
    for _ in range(2):
        found = applied(caplog, dictionary, raw, cache=tmp_path / "cache", key_file=tmp_path / "key")
    assert {name for names in found.values() for name in names} - {"village", "smoking_status"} == hidden - {
        "village"
    }
    assert "village" in found["baseline"]


def test_the_folder_is_private_and_nobody_elses_files_are_touched(northbay, tmp_path):
    dictionary, raw = northbay
    harmonize(read_dictionary(dictionary), raw, cache=tmp_path / "a" / "cache")
    assert stat.S_IMODE((tmp_path / "a" / "cache").stat().st_mode) == 0o700
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "from_home.txt").write_text("dear")
    with pytest.raises(FileExistsError, match="letters/ has files that are no cache"):
        harmonize(read_dictionary(dictionary), raw, cache=tmp_path / "letters")
    assert (tmp_path / "letters" / "from_home.txt").read_text() == "dear"


def damage_byte(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def swap(path):
    other = next(p for p in path.parent.iterdir() if p != path)
    path.write_bytes(other.read_bytes())


DAMAGE = {
    "a byte": damage_byte,
    "cut": lambda path: path.write_bytes(path.read_bytes()[:-30]),
    "empty": lambda path: path.write_bytes(b""),
    "pickled": lambda path: np.save(path.open("wb"), np.array([{"a": 1}], object), allow_pickle=True),
    "another archive": lambda path: np.savez(path, data=np.arange(3)),
    "another entry": swap,
}


@pytest.mark.parametrize("kind", list(DAMAGE))
def test_a_damaged_entry_is_computed_again(northbay, tmp_path, caplog, kind):
    dictionary, raw = northbay
    cache = tmp_path / "cache"
    expected = saved(dictionary, raw, tmp_path / "plain", cache=cache)
    usual = sum(map(len, applied(caplog, dictionary, raw, cache=cache).values()))
    path = sorted(cache.iterdir())[0]
    good = path.read_bytes()
    DAMAGE[kind](path)
    assert path.read_bytes() != good
    assert sum(map(len, applied(caplog, dictionary, raw, cache=cache).values())) == usual + 1
    with zipfile.ZipFile(path) as mended:
        assert mended.testzip() is None
    DAMAGE[kind](path)
    assert saved(dictionary, raw, tmp_path / "out", cache=cache) == expected
