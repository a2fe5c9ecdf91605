"""The command line: help with an example, exit codes, messages, and nothing but text in a pipe.

0 clean, 1 findings of severity error, 2 wrong dictionary or arguments, 3 unreadable file. `demo` and `report` are
run in test_report; that no output holds an identifier is in test_privacy.
"""

from __future__ import annotations

import subprocess
import sys

import northbay as files
import pytest
from click.testing import CliRunner
from conftest import ROOT

from dermcohort import __version__
from dermcohort.cli import main
from dermcohort.study import open_study

COMMANDS = [
    ["demo"],
    ["new"],
    ["simulate"],
    ["dict", "check"],
    ["dict", "lock"],
    ["dict", "draft"],
    ["dict", "show"],
    ["dict", "diff"],
    ["dict", "to-excel"],
    ["dict", "from-excel"],
    ["dict", "schema"],
    ["harmonize"],
    ["findings"],
    ["recheck"],
    ["export"],
    ["codebook"],
    ["run"],
    ["report"],
    ["validate"],
]


def call(*arguments, code):
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert result.exit_code == code, result.output
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exc_info
    return result


def clean(tmp_path):
    """A dictionary and raw files without a single error finding."""
    rows = files.baseline_rows()
    rows.loc[rows["Q12"] == 5, "Q12"] = 4
    rows["HT"], rows["CRP"] = rows["HT"].where(rows["HT"] < 250), rows["CRP"].where(rows["CRP"] != -9)
    raw = files.write_raw(tmp_path / "raw", baseline=rows, followup=files.FOLLOWUP_ROWS.replace("abc", "0.1"))
    return files.write_dictionary(tmp_path / "d"), raw


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_every_command_has_help_with_an_example(command, flag):
    output = call(*command, flag, code=0).output
    assert "Example:" in output
    example = output.split("Example:")[1].strip().splitlines()[0].strip()
    assert example.startswith(f"dermcohort {' '.join(command)}")
    for line in output.splitlines():
        assert len(line) <= 100, line


def test_examples_of_the_help_parse():
    """What the help shows can be typed: every example names a command and options that exist."""
    for command in COMMANDS:
        example = call(*command, "--help", code=0).output.split("Example:")[1].strip().splitlines()[0]
        result = CliRunner().invoke(main, [*example.split()[1:], "--help"])
        assert result.exit_code == 0, example


def test_the_group_lists_its_commands_and_version():
    output = call("--help", code=0).output
    assert all(command[0] in output for command in COMMANDS)
    assert "dermcohort demo" in output  # where to start
    assert __version__ in call("--version", code=0).output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["harmonise"], "Did you mean 'harmonize'"),
        (["harmonize", "raw", "--too", "out"], "No such option"),
        (["simulate"], "Missing argument 'RAW'"),
        (["simulate", "raw", "--n", "many"], "'many' is not a valid integer"),
        (["simulate", "raw", "--n", "5"], "5 is not in the range x>=300"),
        (["simulate", "raw", "--dirty", "7"], "7.0 is not in the range 0<=x<=0.5"),
        (["demo", "--n", "0"], "0 is not in the range"),
        (["report", "x.qmd", "--engine", "word"], "'word' is not one of"),
    ],
)
def test_wrong_arguments_are_exit_code_2(arguments, words):
    assert words in call(*arguments, code=2).output


# ---------------------------------------------------------------- dict


def test_dict_check_of_a_correct_dictionary(tmp_path):
    output = call("dict", "check", files.write_dictionary(tmp_path), code=0).output
    assert output.endswith("17 variables, 3 waves of 1 cohorts\n0 error(s), 0 warning(s)\n")


def test_dict_check_of_a_damaged_copy_tells_file_line_and_column(tmp_path):
    baseline = files.BASELINE.replace("1: current, 2", "1: curent, 2").replace(
        "{from: WT}", "{from: WT, unit: stone}"
    )
    folder = files.write_dictionary(tmp_path / "d", baseline=baseline)
    output = call("dict", "check", folder, code=2).output
    lines = output.splitlines()
    path = folder / "cohorts/northbay/baseline.yaml"
    assert lines[0].startswith(f"{path}:9:14: error DD136 'curent' is not a category of 'smoking_status'")
    assert lines[1] == "    hint: did you mean 'current'?"
    unit = next(line for line in lines if "DD163" in line)
    assert unit.startswith(f"{path}:16:") and "no factor from stone to kg" in unit
    assert lines[-1] == "3 error(s), 0 warning(s)"  # an example of the rule fails as well


def test_a_warning_alone_is_no_failure(tmp_path):
    baseline = files.BASELINE.replace("{from: WT}", "{from: WT, missing: {97: refused}}")
    output = call("dict", "check", files.write_dictionary(tmp_path, baseline=baseline), code=0).output
    assert "warning DD164" in output and output.endswith("0 error(s), 1 warning(s)\n")


def test_dict_check_finds_the_shipped_dictionary(monkeypatch):
    monkeypatch.chdir(ROOT)
    assert "0 error(s)" in call("dict", "check", code=0).output


def test_dict_show_puts_the_rules_of_all_waves_together(tmp_path):
    folder = files.write_dictionary(tmp_path)
    lines = call("dict", "show", "weight_kg", folder, code=0).output.splitlines()
    assert lines[0].startswith("northbay/baseline  complete  (") and lines[0].endswith("baseline.yaml:16)")
    assert "WT" in lines[1] and "jin" in lines[3]
    assert "did you mean 'weight_kg'?" in call("dict", "show", "weight_kgg", folder, code=2).output
    broken = files.write_dictionary(tmp_path / "b", schema="nothing")
    assert "DD0" in call("dict", "show", "weight_kg", broken, code=2).output


# ---------------------------------------------------------------- harmonize


def test_a_clean_run_is_exit_code_0(tmp_path):
    dictionary, raw = clean(tmp_path)
    output = call("harmonize", raw, "--dictionary", dictionary, "--to", tmp_path / "out", code=0).output
    assert "Study: 6 participants, 10 visits" in output and "rows: 16 kept" in output
    assert len(open_study(tmp_path / "out").visits) == 10
    call("harmonize", raw, "--dictionary", dictionary, "--to", tmp_path / "out", "--strict", code=0)


def test_error_findings_are_exit_code_1_and_the_study_is_there(northbay, tmp_path):
    dictionary, raw = northbay
    output = call("harmonize", raw, "--dictionary", dictionary, "--to", tmp_path / "out", code=1).output
    assert "H101 northbay/baseline/smoking_status: source code without a rule, 1 of 6" in output
    assert len(open_study(tmp_path / "out").visits) == 10


def test_strict_with_error_findings_writes_nothing(northbay, tmp_path):
    dictionary, raw = northbay
    result = call("harmonize", raw, "--dictionary", dictionary, "--to", tmp_path / "out", "--strict", code=1)
    assert "error finding(s)" in result.stderr and "northbay/baseline: H101" in result.stderr
    assert not (tmp_path / "out").exists()


def test_unreadable_files_are_exit_code_3(northbay, tmp_path):
    dictionary, raw = northbay
    options = ["--dictionary", dictionary, "--to", tmp_path / "out"]
    assert "the folder" in call("harmonize", tmp_path / "nowhere", *options, code=3).stderr
    (raw / "fu1.csv").unlink()
    assert "fu1.csv" in call("harmonize", raw, *options, code=3).stderr
    (raw / "fu1.csv").write_bytes(b"")
    assert "fu1.csv: the file is empty" in call("harmonize", raw, *options, code=3).stderr
    assert not (tmp_path / "out").exists()


def test_a_wrong_dictionary_and_a_wrong_target_are_exit_code_2(northbay, tmp_path):
    dictionary, raw = northbay
    assert "DD003" in call("harmonize", raw, "--dictionary", tmp_path / "nowhere", code=2).stderr
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis/chapter.docx").write_text("x")
    result = call("harmonize", raw, "--dictionary", dictionary, "--to", tmp_path / "thesis", code=2)
    assert "choose an empty or new folder" in result.stderr


def test_ids_are_hashed_with_the_key_of_the_option(northbay, tmp_path):
    dictionary, raw = northbay
    files.write_dictionary(dictionary, cohort=files.COHORT + "protect: hash\n")
    (tmp_path / "key").write_text("a secret of at least sixteen bytes")
    options = ["--dictionary", dictionary, "--to", tmp_path / "out"]
    call("harmonize", raw, *options, "--key-file", tmp_path / "key", code=1)
    assert open_study(tmp_path / "out").participants["participant_id"].str.fullmatch("[0-9a-f]{16}").all()
    assert (
        "key file 'nokey' does not exist"
        in call("harmonize", raw, *options, "--key-file", "nokey", code=1).stderr
    )


# ---------------------------------------------------------------- run, simulate


SCRIPT = """\
import dermcohort as dc
from dermcohort.pipeline import results_folder, study_folder
study = dc.open_study(study_folder())
with (results_folder() / "n.txt").open("a") as file:
    print(len(study.visits), file=file)
"""


def test_run_runs_what_changed(tmp_path):
    dictionary, raw = clean(tmp_path)
    study, analyses, results = (tmp_path / name for name in ("out", "analyses", "results"))
    options = ["--analyses", analyses, "--study", study, "--results", results]
    assert "run dermcohort harmonize first" in call("run", *options, code=2).stderr
    call("harmonize", raw, "--dictionary", dictionary, "--to", study, code=0)
    assert "no script in" in call("run", *options, code=2).stderr
    analyses.mkdir()
    (analyses / "count.py").write_text(SCRIPT)
    (analyses / "_helper.py").write_text("raise SystemExit(1)")  # not a script
    assert "count.py:" in call("run", *options, code=0).output
    assert "count.py: unchanged" in call("run", *options, code=0).output
    assert "unchanged" not in call("run", *options, "--all", code=0).output
    assert (results / "n.txt").read_text().split() == ["10", "10"]
    (analyses / "count.py").write_text("raise ValueError('the model did not converge')")
    failed = call("run", *options, analyses / "count.py", code=2).stderr
    assert "count.py failed: ValueError: the model did not converge" in failed
    assert "no such script: absent.py" in call("run", *options, "absent.py", code=2).stderr


def test_simulate_writes_the_files_of_three_cohorts(tmp_path):
    output = call("simulate", tmp_path / "raw", "--n", "300", "--seed", "3", code=0).output
    for name in ("hunan_metals/baseline.sav", "college/baseline.csv", "central_china/baseline.dta"):
        assert name in output and (tmp_path / "raw" / name).exists()


# ---------------------------------------------------------------- as a process


def test_output_in_a_pipe_is_plain_text(northbay, tmp_path):
    """No progress bar, no colour, no carriage return: logs of batch jobs stay readable. Messages go to stderr."""
    dictionary, raw = northbay
    command = [sys.executable, "-c", "from dermcohort.cli import main; main()", "harmonize", str(raw)]
    options = ["--dictionary", str(dictionary), "--to", str(tmp_path / "out")]
    done = subprocess.run([*command, *options], capture_output=True, timeout=120, check=False)
    assert done.returncode == 1
    assert done.stderr == b""
    text = done.stdout.decode()
    assert text.startswith("Study: ") and not set("\r\x1b%|█") & set(text)
    done = subprocess.run(
        [*command[:-1], str(tmp_path / "no"), *options], capture_output=True, timeout=120, check=False
    )
    assert done.returncode == 3 and done.stdout == b"" and done.stderr.startswith(b"dermcohort: the folder")


def test_findings_of_one_wave_are_listed_with_their_message(northbay, tmp_path):
    dictionary, raw = northbay
    call("harmonize", raw, "--dictionary", dictionary, "--to", tmp_path / "out", code=1)
    shown = call("findings", tmp_path / "out", "--wave", "northbay/baseline", code=1).output
    assert "H302 northbay/baseline/height: impossible value removed, 1 of" in shown
    assert "outside 100.0 to 230.0 cm" in shown
    assert "northbay/followup1" not in shown
    only = call("findings", tmp_path / "out", "--severity", "warning", code=0).output
    assert only.startswith("warning:") and "error" not in only.split("\n")[0]
    wrong = call("findings", tmp_path / "out", "--wave", "northbay/baselin", code=2)
    assert "Did you mean 'northbay/baseline'?" in wrong.output
