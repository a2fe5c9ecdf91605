"""`dermcohort new`: what it writes works before anything in it was changed, and it writes whole or not at all."""

from __future__ import annotations

import csv
import re
import shutil
from importlib.resources import files

import pandas as pd
import pytest
import yaml
from click.testing import CliRunner

import dermcohort as dc
from dermcohort.cli import main
from dermcohort.new import NewStudyError, new_study


def call(*arguments, code=0):
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert result.exit_code == code, result.output
    return result.output


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A new study after the five commands of its README."""
    folder = tmp_path_factory.mktemp("parent") / "Itch study"
    with pytest.MonkeyPatch.context() as patch:
        # the pages read the variable that `report` sets; it must not outlive this module
        patch.setenv("DERMCOHORT_RESULTS", "")
        patch.chdir(folder.parent)
        call("new", "Itch study")
        patch.chdir(folder)
        readme = (folder / "README.md").read_text("utf-8")
        outputs = {}
        for line in readme.split("```")[1].strip().splitlines():
            if "--language zh" not in line:
                outputs[line] = call(*line.split()[1:])
        outputs["zh"] = call("report", "reports/zh/index.qmd", "--language", "zh", "--to", "_zh")
    return folder, outputs


@pytest.mark.slow
def test_the_commands_of_its_readme_work(finished):
    folder, outputs = finished
    assert list(outputs) == [
        "dermcohort dict check --raw raw/",
        "dermcohort harmonize raw/",
        "dermcohort run",
        "dermcohort report reports/",
        "zh",
    ]
    assert "0 error(s), 0 warning(s)" in outputs["dermcohort dict check --raw raw/"]
    page = (folder / "_site" / "index.html").read_text("utf-8")
    assert page.count("<table") == 4
    assert page.count("<figure") >= 2
    assert "Made-up data" in page


@pytest.mark.slow
def test_the_pages_of_both_languages_show_the_same(finished):
    folder, _ = finished
    english, chinese = (
        (folder / "reports" / name).read_text("utf-8") for name in ("index.qmd", "zh/index.qmd")
    )
    cells = [
        [line for line in text.splitlines() if line.startswith(("#| label", "results."))]
        for text in (english, chinese)
    ]
    assert [line.split(", labels")[0] for line in cells[0]] == [
        line.split(", labels")[0] for line in cells[1]
    ]
    (page,) = (folder / "_zh").rglob("*.html")
    text = page.read_text("utf-8")
    assert "湿手作业" in text
    assert re.search(r"表\s1", text)
    assert "Made-up data" not in text


@pytest.mark.slow
def test_every_variable_of_the_example_has_values_and_reasons(finished):
    folder, _ = finished
    study = dc.open_study(folder / "harmonized")
    assert set(study.participants["cohort"]) == {"itch_study"}
    raw = pd.read_csv(folder / "raw" / "itch_study" / "baseline.csv", dtype=str, keep_default_na=False)
    once = raw.drop_duplicates("id")
    assert len(study.visits) == len(once) < len(raw)
    assert study.findings["severity"].ne("error").all()
    why = study.why("smoking_status").iloc[0]
    assert why["refused"] == (once["q1"] == "9").sum() > 0
    assert study.why("wet_work").iloc[0]["dont_know"] == (once["q3"] == "8").sum() > 0
    cigarettes = study.why("cigarettes_per_day").iloc[0]
    assert cigarettes["not_applicable"] == once["q1"].isin(["2", "3"]).sum()
    height = study.visits.set_index("participant_id")["height"]
    assert height.sort_index().to_numpy() == pytest.approx(100 * once["height_m"].astype(float).to_numpy())


@pytest.mark.slow
def test_data_stay_out_of_version_control(finished):
    folder, _ = finished
    ignored = (folder / ".gitignore").read_text("utf-8").splitlines()
    made = {path.name for path in folder.iterdir() if path.is_dir()}
    kept = {name for name in made if f"/{name}/" not in ignored}
    assert kept == {"data-dictionary", "analyses", "reports", "_zh"}


def test_the_same_people_are_invented_every_time(tmp_path):
    for name in ("a", "b"):
        new_study(tmp_path / name, cohort="same")
    first, second = (tmp_path / name / "raw/same/baseline.csv" for name in ("a", "b"))
    assert first.read_bytes() == second.read_bytes()


def test_english_alone_has_no_chinese(tmp_path):
    call("new", tmp_path / "itch", "--language", "en")
    dictionary = dc.read_dictionary(tmp_path / "itch" / "data-dictionary")
    assert dictionary.languages == ("en",)
    assert dictionary.warnings == ()
    texts = [
        p.read_text("utf-8")
        for p in (tmp_path / "itch").rglob("*")
        if p.suffix in (".yaml", ".md", ".qmd", ".yml")
    ]
    assert not any(
        "\u4e00" <= letter <= "\u9fff" or "--language zh" in text for text in texts for letter in text
    )


def test_an_empty_folder_can_be_the_one_you_stand_in(tmp_path, monkeypatch):
    here = tmp_path / "itch"
    here.mkdir()
    monkeypatch.chdir(here)
    call("new", ".")
    assert (here / "README.md").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["itch"]


def test_a_folder_with_files_is_refused_and_stays(tmp_path):
    (tmp_path / "notes.txt").write_text("mine", "utf-8")
    output = call("new", tmp_path, code=2)
    assert "is not empty" in output
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]
    assert "is not empty" in call("new", tmp_path / "notes.txt", code=2)


@pytest.mark.parametrize("cohort", ["North Bay", "2020", "队列", "", "../up", "a/b"])
def test_a_name_that_is_no_cohort_is_refused(tmp_path, cohort):
    output = call("new", tmp_path / "itch", "--cohort", cohort, code=2)
    assert "small letters" in output
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_gives_no_name_asks_for_one(tmp_path):
    assert "--cohort" in call("new", tmp_path / "我的研究", code=2)
    call("new", tmp_path / "我的研究", "--cohort", "itch")
    assert dc.read_dictionary(tmp_path / "我的研究" / "data-dictionary").cohorts.keys() == {"itch"}


def test_other_languages_are_refused(tmp_path):
    with pytest.raises(NewStudyError, match="languages: fr"):
        new_study(tmp_path / "itch", languages=["fr"])


def test_nothing_is_left_when_writing_fails(tmp_path, monkeypatch):
    monkeypatch.setattr("dermcohort.new.invented_people", lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        new_study(tmp_path / "itch")
    assert list(tmp_path.iterdir()) == []


def test_the_template_is_in_the_package_and_lints():
    template = files("dermcohort.new") / "template"
    dictionary = dc.read_dictionary(template / "data-dictionary")
    assert dictionary.warnings == ()
    assert (files("dermcohort.new") / "own" / "README.md").is_file()


# ------------------------------------------------------------ files of one's own


def write_own(folder):
    """Two waves with names like those of the schema, one in a folder below and with Chinese headers."""
    (folder / "later").mkdir(parents=True)
    pd.DataFrame({"pid": ["A1", "A2"], "sex": [1, 2], "height": [170, 160], "shoe": [40, 38]}).to_stata(
        folder / "2019 base.dta", write_index=False, variable_labels={"shoe": "Shoe size"}
    )
    rows = [["编号", "性别", "身高cm"], ["A1", "1", "171"]]
    with (folder / "later" / "fu.csv").open("w", encoding="gb18030", newline="") as file:
        csv.writer(file).writerows(rows)
    return folder


def test_own_files_are_drafted_and_stay_where_they_are(tmp_path):
    raw = write_own(tmp_path / "delivered")
    call("new", tmp_path / "itch", "--raw", raw, "--encoding", "gb18030")
    folder = tmp_path / "itch"
    assert not (folder / "raw").exists()
    cohort = yaml.safe_load((folder / "data-dictionary/cohorts/itch/cohort.yaml").read_text("utf-8"))
    assert {wave: one["file"] for wave, one in cohort["waves"].items()} == {
        "wave1": "2019 base.dta", "fu": "later/fu.csv",
    }  # fmt: skip
    assert cohort["id"] == {"wave1": {"from": "pid"}, "fu": {"from": "编号"}}
    dictionary = dc.read_dictionary(folder / "data-dictionary")
    rules = dictionary.cohorts["itch"].waves["fu"].rules
    assert rules["height"].status == rules["sex"].status == "undecided"
    draft = (folder / "data-dictionary/cohorts/itch/wave1.yaml").read_text("utf-8")
    assert "Shoe size" in draft
    readme = (folder / "README.md").read_text("utf-8")
    assert "dermcohort harmonize ../delivered" in readme
    assert "Made-up" not in (folder / "reports/index.qmd").read_text("utf-8")
    assert "0 error(s)" in call("dict", "check", folder / "data-dictionary", "--raw", raw)


def test_one_file_is_the_baseline(tmp_path):
    raw = write_own(tmp_path / "delivered")
    new_study(tmp_path / "itch", raw=raw / "2019 base.dta")
    assert list(dc.read_dictionary(tmp_path / "itch/data-dictionary").cohorts["itch"].waves) == ["baseline"]


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda folder: shutil.rmtree(folder), "does not exist"),
        (lambda folder: [path.unlink() for path in folder.rglob("*.*")], "has no raw file"),
        (lambda folder: (folder / "bad.sav").write_bytes(b"nothing"), "bad.sav"),
        (lambda folder: None, "fu.csv: line 1 is no utf-8 text; declare 'encoding: gb18030'"),
    ],
)  # fmt: skip
def test_own_files_that_cannot_be_read_leave_nothing(tmp_path, make, said):
    raw = write_own(tmp_path / "delivered")
    make(raw)
    assert said in call("new", tmp_path / "itch", "--raw", raw, code=3)
    assert {path.name for path in tmp_path.iterdir()} <= {"delivered"}
