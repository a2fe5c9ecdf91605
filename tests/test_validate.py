"""Every reference value of validation/golden.csv against R, and the command that lets a reader repeat it."""

import re
import shutil

import pandas as pd
import pytest
from click.testing import CliRunner
from conftest import ROOT
from golden import VALIDATION

from dermcohort.cli import main
from dermcohort.validate import REGISTRY, validate


def run(*arguments, code):
    result = CliRunner().invoke(main, ["validate", *map(str, arguments)])
    assert result.exit_code == code, result.output
    return result.output


@pytest.fixture
def changed(tmp_path):
    """A copy of validation/ in which R's upper limit of Wilson's interval is another one."""
    shutil.copytree(VALIDATION / "data", tmp_path / "data")
    golden = pd.read_csv(VALIDATION / "golden.csv")
    golden.loc[golden.index[golden["id"] == "prev.wilson"][1], "value"] += 1e-9
    golden.to_csv(tmp_path / "golden.csv", index=False)
    return tmp_path


@pytest.mark.parametrize("identifier", REGISTRY)
def test_equal_to_r(identifier):
    table = validate(VALIDATION, [identifier])
    assert len(table) and table["ok"].all(), table.to_string()


def test_every_id_is_recomputed_or_used_in_a_test():
    ids = set(pd.read_csv(VALIDATION / "golden.csv")["id"])
    tests = "".join(path.read_text("utf-8") for path in (ROOT / "tests").glob("test_*.py"))
    assert ids - set(REGISTRY) <= set(re.findall(r'reference\("([^"]+)"\)', tests))
    assert set(REGISTRY) <= ids


def test_command_prints_topics_and_writes_every_value(tmp_path):
    output = run("--folder", VALIDATION, "--csv", tmp_path / "v.csv", "prev.wilson", "sir.byar", code=0)
    assert [line.split() for line in output.splitlines()[1:]] == [
        ["prevalences", "1", "2", "2"],
        ["standardizations", "1", "2", "2"],
        ["together", "2", "4", "4"],
    ]
    written = pd.read_csv(tmp_path / "v.csv")
    names = ["id", "name", "reference", "value", "relative_difference", "tolerance", "ok"]
    assert list(written) == names
    assert written["id"].tolist() == ["prev.wilson"] * 2 + ["sir.byar"] * 2
    assert written["ok"].all()


def test_a_value_that_differs_is_printed_with_exit_code_1(changed):
    output = run("--folder", changed, "prev.wilson", "prev.cp", code=1)
    assert output.count("DIFFERS") == 1
    assert re.search(
        r"DIFFERS  prev.wilson: 0\.36620\d+, R 0\.36620\d+, relative difference 2\.7e-09", output
    )


def test_a_recomputation_that_fails_says_why(changed):
    (changed / "data" / "lung.csv").unlink()
    table = validate(changed, ["km.lung"])
    assert not table["ok"].any()
    assert table["reason"].str.startswith("FileNotFoundError").all()
    assert "DIFFERS  km.lung" in run("--folder", changed, "km.lung", code=1)


def test_clear_errors(tmp_path):
    assert "has no golden.csv: run this in a clone" in run("--folder", tmp_path, code=3)
    output = run("--folder", VALIDATION, "prev.wilsom", code=2)
    assert "'prev.wilsom' is not an id that can be recomputed" in output and "prev.wilson" in output
