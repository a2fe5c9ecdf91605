"""What made a result is on record, and the report shows it: sources, methods, STROBE, reproducibility."""

from __future__ import annotations

import json
import re
import shutil
import socket
from pathlib import Path

import pytest
import yaml
from conftest import ROOT
from northbay import write_dictionary, write_raw

import dermcohort as dc
from dermcohort.pipeline import run_analyses
from dermcohort.provenance import hash_of, read_provenance
from dermcohort.report import ReportError, Results
from dermcohort.report.strobe import items

HEAD = '''"""{question}"""

import pandas as pd
import dermcohort as dc
from dermcohort.pipeline import results_folder

QUESTION_ZH = "{chinese}"
SEED = 7
LIMIT_SEED = 2 + 3  # no literal

def save(name, method, notes=()):
    table = pd.DataFrame({{"term": ["eczema"], "measure": ["prevalence"], "estimate": [0.1]}})
    dc.Estimates(table, method=method, n=50, notes=notes).save(results_folder() / name)

'''
COMMON = HEAD.format(
    question="How common is eczema?\n\nAmong people with `one` examination.", chinese="湿疹有多常见？"
)
FIRST = (
    COMMON
    + """
left_out = ("3 of 53 rows left out for missing values (age 3).",)
save("crude", "Prevalence with Wilson intervals.", left_out)
save("by_age", "Prevalence with Wilson intervals.", ("A note on something else.",))
impute = dict
impute(seed=11, m=5)
for file in ("curve.svg", "curve.zh.svg", "curve.png"):
    (results_folder() / file).write_text(f"<svg>{file}</svg>")
"""
)
SECOND = HEAD.format(question="Who gets eczema?", chinese="哪些人患湿疹？") + 'save("risk", "Odds ratios.")\n'


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Folder of a small harmonized study."""
    folder = tmp_path_factory.mktemp("northbay")
    dictionary, raw = write_dictionary(folder / "dict"), write_raw(folder / "raw")
    dc.harmonize(dc.read_dictionary(dictionary), raw).save(folder / "harmonized")
    return folder / "harmonized"


@pytest.fixture(scope="module")
def ran(study, tmp_path_factory):
    """A project whose two scripts ran."""
    folder = tmp_path_factory.mktemp("project")
    for name in ("analyses", "reports"):
        (folder / name).mkdir()
    (folder / "analyses" / "eczema.py").write_text(FIRST, "utf-8")
    (folder / "analyses" / "risk.py").write_text(SECOND, "utf-8")
    run(folder, study)
    return folder


@pytest.fixture
def project(ran, tmp_path, monkeypatch):
    """A copy of it; the working folder is that of its pages."""
    folder = shutil.copytree(ran, tmp_path / "project")
    monkeypatch.chdir(folder / "reports")
    monkeypatch.delenv("DERMCOHORT_RESULTS", raising=False)
    monkeypatch.delenv("DERMCOHORT_LANGUAGE", raising=False)
    return folder


def run(project, study, **options):
    """What `run_analyses` says."""
    said: list[str] = []
    run_analyses(project / "analyses", study, project / "results", say=said.append, **options)
    return "\n".join(said)


def record_of(project):
    record = read_provenance(project / "results")
    assert record is not None
    return record


# ---------------------------------------------------------------- the record


def test_each_result_knows_its_script_its_files_and_its_study(project, study):
    record, manifest = record_of(project), json.loads((study / "manifest.json").read_text("utf-8"))
    assert set(record.results) == {"crude", "by_age", "curve", "risk"}
    curve = record.results["curve"]
    assert set(curve.files) == {"curve.svg", "curve.zh.svg", "curve.png"}
    assert set(record.results["risk"].files) == {"risk.parquet", "risk.json"}
    for result in record.results.values():
        assert result.script_sha256 == hash_of(project / result.script)
        assert result.dictionary_version == manifest["dictionary_version"]
        assert result.manifest_sha256 == hash_of(study / "manifest.json")
        assert all(hash_of(project / "results" / file) == digest for file, digest in result.files.items())
    raw = {(file["cohort"], file["wave"]): file for file in record.run.raw}
    for place, given in manifest["inputs"].items():
        assert raw[tuple(place.split("/"))]["sha256"] == given["sha256"]
    assert sum(file["rows"] for file in record.run.raw) == len(dc.open_study(study).ledger)
    assert record.run.packages["dermcohort"] == dc.__version__ and "pandas" in record.run.packages
    script = record.scripts["analyses/eczema.py"]
    line = FIRST.splitlines().index("impute(seed=11, m=5)") + 1
    assert script.seeds == {"SEED": 7, f"impute, line {line}": 11}
    assert script.question["zh"] == "湿疹有多常见？"


def test_the_record_names_no_place_of_the_machine(project, ran, study):
    text = (project / "results" / "provenance.json").read_text("utf-8")
    for named in (ran, study.parent, Path.home(), ROOT, socket.gethostname()):
        assert f"{named}/" not in text and f'"{named}"' not in text


def test_a_changed_script_is_recorded_anew_and_the_others_keep_their_entries(project, study):
    before = record_of(project)
    assert run(project, study).count("unchanged") == 2
    assert record_of(project) == before
    script = project / "analyses" / "risk.py"
    script.write_text(SECOND.replace('"risk"', '"risk_2"') + "# more\n", "utf-8")
    said = run(project, study)
    assert "eczema.py: unchanged" in said and "risk.py: unchanged" not in said
    after = record_of(project)
    assert after.results["risk_2"].script_sha256 == hash_of(script) != before.results["risk"].script_sha256
    assert "risk" not in after.results, "no script writes it any more"
    assert after.results["crude"] == before.results["crude"]
    assert after.scripts["analyses/eczema.py"] == before.scripts["analyses/eczema.py"]


def test_results_of_a_removed_script_are_no_results_any_more(project, study, capsys):
    (project / "analyses" / "risk.py").unlink()
    assert "risk: no script writes it any more; delete its files" in run(project, study)
    record = record_of(project)
    assert set(record.scripts) == {"analyses/eczema.py"} and "risk" not in record.results
    Results().table("risk")
    assert "not on record" in capsys.readouterr().out


def test_a_result_that_was_lost_or_edited_is_made_again(project, study):
    digest = record_of(project).results["risk"].files["risk.json"]
    (project / "results" / "risk.json").write_text("{}", "utf-8")
    assert "risk.py: unchanged" not in run(project, study)
    assert hash_of(project / "results" / "risk.json") == digest
    (project / "results" / "curve.svg").unlink()
    assert "eczema.py: unchanged" not in run(project, study)
    assert (project / "results" / "curve.svg").exists()


def test_the_same_run_gives_the_same_hashes(project, study):
    def hashes(record):
        return record.run, record.scripts, {name: result.files for name, result in record.results.items()}

    before = record_of(project)
    run(project, study, everything=True)
    assert hashes(record_of(project)) == hashes(before)


def test_another_study_makes_every_script_run_again(project, study, tmp_path, capsys):
    other = shutil.copytree(study, tmp_path / "other")
    manifest = json.loads((other / "manifest.json").read_text("utf-8"))
    (other / "manifest.json").write_text(json.dumps(manifest | {"dictionary_version": "next"}), "utf-8")
    run(project, other, only=[project / "analyses" / "risk.py"])
    record = record_of(project)
    assert record.results["risk"].dictionary_version == "next" != record.results["crude"].dictionary_version
    assert record.is_current("analyses/risk.py") and not record.is_current("analyses/eczema.py")
    Results().reproducibility()
    assert capsys.readouterr().out.count("It ran before the study or the software changed") == 1
    assert "unchanged" in run(project, other) and record_of(project).is_current("analyses/eczema.py")


# ---------------------------------------------------------------- what the report shows


def test_tables_and_figures_say_where_they_come_from(project, capsys):
    results = Results()
    short = record_of(project).results["crude"].files["crude.parquet"][:8]
    results.table("crude")
    printed = capsys.readouterr().out
    version = record_of(project).run.study["dictionary_version"]
    assert (
        f"Source: `analyses/eczema.py` → `crude.parquet` (SHA-256 {short}), dictionary {version}." in printed
    )
    (project / "reports" / "reproducibility.qmd").write_text("", "utf-8")
    results.source("curve")
    assert "[`analyses/eczema.py`](reproducibility.qmd#src-eczema) → `curve.svg`" in capsys.readouterr().out
    Results(language="zh").source("curve")
    printed = capsys.readouterr().out
    assert "来源：[`analyses/eczema.py`]" in printed and "`curve.zh.svg`" in printed


def test_a_result_that_was_changed_by_hand_is_told(project, capsys):
    shutil.copy(project / "results" / "risk.parquet", project / "results" / "crude.parquet")
    Results().table("crude")
    assert "which was changed after the script wrote it" in capsys.readouterr().out


def test_results_without_a_record_have_no_source(project, capsys):
    (project / "results" / "provenance.json").unlink()
    Results().table("crude")
    Results().source("curve")
    assert "ource" not in capsys.readouterr().out
    with pytest.raises(
        ReportError, match="results/ has no record of what made the results: run dermcohort run"
    ):
        Results().methods()


def test_has(project):
    assert Results().has("crude") and not Results().has("mixture")


def test_methods_are_said_once_with_the_results_they_hold_for(project, capsys):
    Results().methods()
    printed = capsys.readouterr().out
    assert printed.count("Prevalence with Wilson intervals.") == 1
    assert "- Prevalence with Wilson intervals. (`by_age`, `crude`)" in printed
    assert "## How common is eczema? {#sec-methods-eczema}\n\nAmong people with `one` examination." in printed
    assert printed.index("How common") < printed.index("Who gets") < printed.index("## Missing values")
    assert "left out for missing values (Age (a) 3)" in printed.split("## Missing values")[1]
    assert "something else" not in printed
    Results(language="zh").methods()
    printed = capsys.readouterr().out
    assert "## 湿疹有多常见？ {#sec-methods-eczema}" in printed and "## 缺失值" in printed
    assert "How common" not in printed


def test_reproducibility_shows_every_script_with_its_results(project, capsys):
    record = record_of(project)
    Results().reproducibility()
    printed = capsys.readouterr().out
    for path, script in record.scripts.items():
        assert f"### `{path}` {{#src-{Path(path).stem}}}" in printed
        assert f"The SHA-256 of the script is `{script.sha256[:8]}`" in printed
        assert script.code.strip() in printed
    for result in record.results.values():
        assert all(f"| `{file}` | `{digest[:8]}` |" in printed for file, digest in result.files.items())
    for raw in record.run.raw:
        assert f"| `{raw['file']}` | {raw['rows']:,} | `{raw['sha256'][:8]}` |" in printed
    assert f"| pandas | {record.run.packages['pandas']} |" in printed
    assert "| `analyses/eczema.py` | `SEED` | 7 |" in printed
    assert re.search(r"\| `analyses/eczema.py` \| `impute, line \d+` \| 11 \|", printed)
    Results(language="zh").reproducibility()
    chinese = capsys.readouterr().out
    assert "## 原始文件 {#sec-raw-files}" in chinese
    assert re.findall(r"\{#[\w-]+\}", chinese) == re.findall(r"\{#[\w-]+\}", printed)


# ---------------------------------------------------------------- STROBE


@pytest.fixture
def answers(project):
    """Writes the answers; those not given are left to the authors."""
    (project / "reports" / "one.qmd").write_text(
        "---\ntitle: First\n---\n\n## By age {#sec-by-age}\n", "utf-8"
    )

    def write(without=(), **given):
        found = {number: {"authors": "the paper"} for number in items() if number not in without}
        text = yaml.safe_dump({**found, **given}, allow_unicode=True, sort_keys=False)
        (project / "reports" / "strobe.yaml").write_text(text, "utf-8")

    return write


def test_strobe_has_every_item_and_leads_to_the_answers(answers, capsys):
    answers(
        **{
            "12a": {"in": ["one.qmd", "one.qmd#sec-by-age"]},
            "6b": {"not applicable": {"en": "none", "zh": "无"}},
        }
    )
    Results().strobe()
    printed = capsys.readouterr().out
    rows = re.findall(r"^\| (\d+[a-e]?) \| (.+?) \| (.+?) \|$", printed, re.MULTILINE)
    assert [number for number, _, _ in rows] == list(items())
    assert {int(re.sub(r"\D", "", number)) for number in items()} == set(range(1, 23))
    shown = {number: answer for number, _, answer in rows}
    assert shown["12a"] == "[First](one.qmd), [First: By age](one.qmd#sec-by-age)"
    assert shown["6b"] == "*Does not apply*: none"
    assert shown["22"] == "*For the authors*: the paper"
    Results(language="zh").strobe()
    chinese = capsys.readouterr().out
    assert "*不适用*：无" in chinese and "缺失数据的处理方法" in chinese
    assert "Does not apply" not in chinese and "Methods" not in chinese


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"23": {"authors": "x"}}, r"strobe\.yaml:\d+: '23' is no item of STROBE"),
        (
            {"12a": {"in": "two.qmd"}},
            r"strobe\.yaml:\d+: item 12a: there is no page 'two\.qmd'.*mean 'one\.qmd'",
        ),
        ({"12a": {"in": "one.qmd#sec-age"}}, r"item 12a: one\.qmd has no section 'sec-age'.*'sec-by-age'"),
        ({"12a": {"where": "one.qmd"}}, r"answer to item 12a must have one of: in, text, authors, not app"),
        ({"12a": "yes"}, r"answer to item 12a must have one of"),
        ({"without": ["5", "12c"]}, r"strobe\.yaml: no answer to item 5, 12c; say 'authors'"),
    ],
)
def test_strobe_errors_name_the_line(answers, given, message):
    answers(**given)
    with pytest.raises(ReportError, match=message):
        Results().strobe()


def test_strobe_answers_that_are_absent_or_broken(answers, project):
    with pytest.raises(ReportError, match=r"'none\.yaml', are not there"):
        Results().strobe("none.yaml")
    (project / "reports" / "strobe.yaml").write_text("1a: {authors: x}\n1a: {authors: y}\n", "utf-8")
    with pytest.raises(ReportError, match=r"strobe\.yaml:2: '1a' is written twice"):
        Results().strobe()


def test_the_pages_are_the_same_in_both_languages():
    for page in ("methods", "strobe", "reproducibility"):
        english, chinese = (
            (ROOT / "reports" / folder / f"{page}.qmd").read_text("utf-8") for folder in ("", "zh")
        )
        for pattern in (r"#\| label: (\S+)", r"results\.(\w+)\("):
            assert re.findall(pattern, english) == re.findall(pattern, chinese)
