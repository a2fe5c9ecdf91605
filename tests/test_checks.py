"""Checks between variables, between waves and of distributions, worked out by hand on six people in three waves.

person  wave 1                wave 2                 wave 3 (no height)
1  m    170 never   no        171 never   no         never no
2  f    160 former  yes       166 never   no         never yes
3  m    180 current no        180 former  no         -
4  f    ?   never   yes       150 current ?          never no
5  m    175 ?       no        172 never   yes        -
6  f    165 current no        -                      never no
"""

from __future__ import annotations

import northbay
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from conftest import ROOT
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import dermcohort as dc
from dermcohort.cli import main
from dermcohort.dictionary import check_dictionary
from dermcohort.study import open_study

SCHEMA = """\
sex:
  label: {en: Sex, zh: 性别}
  entity: participant
  type: nominal
  categories:
    female: {code: 1, label: {en: Female, zh: 女}}
    male:   {code: 2, label: {en: Male, zh: 男}}
height:
  label: {en: Height, zh: 身高}
  type: number
smoking:
  label: {en: Smoking, zh: 吸烟}
  type: nominal
  categories:
    never:   {code: 0, label: {en: Never, zh: 从不}}
    former:  {code: 1, label: {en: Former, zh: 已戒}}
    current: {code: 2, label: {en: Current, zh: 现在}}
psoriasis:
  label: {en: Psoriasis, zh: 银屑病}
  type: yesno
stroke:
  label: {en: Stroke, zh: 卒中}
  entity: event
  type: date
"""
COHORT = """\
cohort: hill
title: {en: Hill (synthetic), zh: 山}
waves:
  one:   {order: 0, file: one.csv}
  two:   {order: 1, file: two.csv}
  three: {order: 2, file: three.csv}
id:
  one: {from: id}
  two: {from: id}
  three: {from: id}
duplicates: keep_first
"""
RULES = """\
  sex: {from: sex, map: {f: female, m: male}}
  smoking: {from: smk, map: {never: never, former: former, current: current}}
  psoriasis: {from: pso, map: {no: no, yes: yes}}
"""
NO_STROKE = "- {variables: [stroke], note: No register.}\n"
NO_HEIGHT = "- {variables: [stroke, height], note: Not measured.}\n"
HEIGHT = "  height: {from: ht}\n"
ONE = "1,m,170,never,no\n2,f,160,former,yes\n3,m,180,current,no\n4,f,,never,yes\n5,m,175,,no\n6,f,165,current,no\n"
TWO = "1,m,171,never,no\n2,f,166,never,no\n3,m,180,former,no\n4,f,150,current,\n5,m,172,never,yes\n"
THREE = "1,m,,never,no\n2,f,,never,yes\n4,f,,never,no\n6,f,,never,no\n"


def one_check(body: str, **changes: object) -> str:
    entry = {
        "severity": "warning",
        "group": "plausibility",
        "owner": "us",
        "reason": "hand-worked",
        **changes,
    }
    lines = [f"- id: {entry.pop('id', 'it')}", "  title: {en: It holds, zh: 成立}", f"  {body}"]
    return "\n".join([*lines, *(f"  {key}: {value}" for key, value in entry.items())]) + "\n"


def write_dictionary(folder, checks):
    texts = {
        "dictionary.yaml": northbay.DICTIONARY,
        "schema/10_all.yaml": SCHEMA,
        "cohorts/hill/cohort.yaml": COHORT,
        "cohorts/hill/one.yaml": f"wave: hill/one\nvariables:\n{RULES}{HEIGHT}impossible:\n{NO_STROKE}",
        "cohorts/hill/two.yaml": f"wave: hill/two\nvariables:\n{RULES}{HEIGHT}impossible:\n{NO_STROKE}",
        "cohorts/hill/three.yaml": f"wave: hill/three\nvariables:\n{RULES}impossible:\n{NO_HEIGHT}",
        "checks.yaml": checks,
    }
    for name, text in texts.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")
    return folder


def write_raw(folder, one=ONE, two=TWO, three=THREE):
    folder.mkdir(exist_ok=True)
    for name, rows in (("one", one), ("two", two), ("three", three)):
        (folder / f"{name}.csv").write_text("id,sex,ht,smk,pso\n" + rows, "utf-8")
    return folder


def run(folder, checks):
    dictionary = dc.read_dictionary(write_dictionary(folder / "dict", checks))
    return dc.harmonize(dictionary, write_raw(folder / "raw"))


def counts(study):
    """wave -> (n, violations, unknown)"""
    return {row.wave: (row.n, row.violations, row.unknown) for row in study.checks.itertuples()}


# ---------------------------------------------------------------- counted by hand


@pytest.mark.parametrize(
    ("body", "one", "two", "three"),
    [
        # person 6 smokes and is not tall; 4 (height unknown) never smoked and 5 (smoking unknown) is tall: both known
        ("require: smoking != 'current' or height > 170", (6, 1, 0), (5, 1, 0), (0, 0, 0)),
        ("require: height > 160", (5, 1, 1), (5, 1, 0), (0, 0, 0)),
        # a value of the participant beside one of the visit: 1 is a man of 170 and 171 cm, 5 shrinks to 172 cm
        ("require: sex == 'female' or height > 172", (6, 1, 0), (5, 2, 0), (0, 0, 0)),
        # false and unknown is false: 4 in wave 1 is violated although the height is unknown
        ("require: smoking != 'never' and height > 100", (5, 2, 1), (5, 3, 0), (0, 0, 0)),
        ("across_waves: max_change(height) <= 3", (0, 0, 0), (4, 1, 1), (0, 0, 0)),
        # in wave 3 person 6 is compared with wave 1, as wave 2 was missed
        ("across_waves: not went(smoking, ['former', 'current'], ['never'])", (0, 0, 0), (4, 1, 1), (4, 2, 0)),
        ("across_waves: not went(psoriasis, ['yes'], ['no'])", (0, 0, 0), (4, 1, 1), (3, 0, 1)),
        ("across_waves: height >= previous(height) - 2", (0, 0, 0), (4, 1, 1), (0, 0, 0)),
        ("across_waves: previous(height / 100) > 1.6", (0, 0, 0), (4, 1, 1), (4, 1, 0)),
    ],
)  # fmt: skip
def test_violations(tmp_path, body, one, two, three):
    study = run(tmp_path, one_check(body))
    assert counts(study) == {"one": one, "two": two, "three": three}
    fired = study.findings[study.findings["code"].isin(["H601", "H602"])]
    failing = [wave for wave, (_, violations, _) in counts(study).items() if violations]
    assert fired["wave"].tolist() == failing == study.checks.loc[~study.checks["passed"], "wave"].tolist()
    assert (fired["message"] == "it: It holds; tolerated: 0").all()
    assert (fired["code"] == ("H601" if body.startswith("require") else "H602")).all()


def test_notes_say_why_nothing_was_evaluated(tmp_path):
    study = run(tmp_path, one_check("across_waves: max_change(height) <= 3"))
    assert study.checks.set_index("wave")["note"].to_dict() == {
        "one": "no earlier visit", "two": None, "three": "not collected: height",
    }  # fmt: skip
    assert study.checks["passed"].tolist() == [True, False, True]


@pytest.mark.parametrize(
    ("distribution", "value", "reference", "passed", "word"),
    [
        # mean of 171, 166, 180, 150, 172 against that of 170, 160, 180, 175, 165
        ("variable: height, statistic: mean, change: 2", 167.8, 170.0, False, "mean 167.8, in the wave before 170"),
        ("variable: height, statistic: mean, change: 2.2", 167.8, 170.0, True, None),
        ("variable: smoking, statistic: share(never), change: 0.2", 0.6, 0.4, True, None),
        ("variable: smoking, statistic: share(never), change: 0.1", 0.6, 0.4, False, "share of never 0.6"),
        ("variable: smoking, statistic: missing, change: 0.1", 0.0, 1 / 6, False, "missing 0, in"),
        # 2 of 5 and 4 of 4 in the other waves
        ("variable: smoking, statistic: share(never), change: 0, against: others", 0.6, 6 / 9, False, "other waves"),
    ],
)  # fmt: skip
def test_distributions(tmp_path, distribution, value, reference, passed, word):
    study = run(tmp_path, one_check(f"distribution: {{{distribution}}}", severity="info"))
    row = study.checks.set_index("wave").loc["two"]
    assert (row["value"], row["reference"]) == (value, pytest.approx(reference, abs=1e-6))
    assert row["passed"] == passed and np.isnan(row["share"]) and row["n"] == 5
    fired = study.findings[(study.findings["code"] == "H603") & (study.findings["wave"] == "two")]
    assert len(fired) == (not passed)
    if word:
        assert fired["severity"].tolist() == ["info"] and word in fired["message"].iloc[0]


def test_statistics_of_few_people_are_not_told(tmp_path):
    body = "distribution: {variable: smoking, statistic: share(never), change: 0}"
    row = run(tmp_path, one_check(body)).checks.set_index("wave").loc["three"]
    assert row["note"] == "fewer than 5 values"
    assert row["n"] == 0 and np.isnan(row["value"]) and row["passed"]


def test_threshold_group_severity_and_place(tmp_path):
    body = "across_waves: max_change(height) <= 3"  # one of four
    tolerated = one_check(body, threshold=0.25, waves="[two]", cohorts="[hill]")
    strict = one_check(body, id="strict", threshold=0.24, severity="error", group="completeness")
    study = run(tmp_path, tolerated + strict)
    table = study.checks[study.checks["n"] > 0].set_index("id")
    assert table["share"].tolist() == [0.25, 0.25]
    assert table["passed"].to_dict() == {"it": True, "strict": False}
    assert (study.checks["id"] == "it").sum() == 1
    finding = study.findings[study.findings["code"] == "H602"].iloc[0]
    assert finding[["severity", "group", "n", "of"]].tolist() == ["error", "completeness", 1, 4]


def test_an_expression_of_the_wrong_kind_fails_and_is_told(tmp_path):
    study = run(tmp_path, one_check("require: smoking > 3"))
    assert not study.checks["passed"].any()
    finding = study.findings[study.findings["code"] == "H102"].iloc[0]
    assert "require of check 'it' does not fit: a text cannot be compared with a number" in finding["message"]
    study = run(tmp_path, one_check("require: height + 1"))
    assert study.checks["note"].str.contains("a condition is needed, found number").all()


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(orders=st.tuples(st.permutations(range(6)), st.permutations(range(5)), st.permutations(range(4))))
def test_the_order_of_rows_changes_nothing(tmp_path, orders):
    checks = (
        one_check("require: smoking != 'current' or height > 170")
        + one_check("across_waves: not went(smoking, ['former', 'current'], ['never'])", id="went")
        + one_check("distribution: {variable: height, statistic: mean, change: 1}", id="mean")
    )
    dictionary = dc.read_dictionary(write_dictionary(tmp_path / "dict", checks))
    expected = dc.harmonize(dictionary, write_raw(tmp_path / "raw")).checks
    shuffled = []
    for text, order in zip((ONE, TWO, THREE), orders, strict=True):
        rows = text.splitlines(keepends=True)
        shuffled.append("".join(rows[i] for i in order))
    pd.testing.assert_frame_equal(
        dc.harmonize(dictionary, write_raw(tmp_path / "raw", *shuffled)).checks, expected
    )


@pytest.mark.parametrize(("two", "three"), [("", ""), ("", THREE)])
def test_waves_without_rows(tmp_path, two, three):
    checks = one_check("across_waves: max_change(height) <= 3") + one_check(
        "distribution: {variable: smoking, statistic: missing, change: 0}", id="missing"
    )
    dictionary = dc.read_dictionary(write_dictionary(tmp_path / "dict", checks))
    study = dc.harmonize(dictionary, write_raw(tmp_path / "raw", two=two, three=three))
    assert study.checks["passed"].all() and study.checks["note"].notna().sum() == 6
    study = dc.harmonize(dictionary, write_raw(tmp_path / "raw", one="", two="", three=""))
    assert (study.checks["n"] == 0).all() and study.checks["note"].notna().all()


# ---------------------------------------------------------------- the linter


@pytest.mark.parametrize(
    ("old", "new", "code", "words", "hint"),
    [
        ("- id: it", "- idd: it", "DD010", "'idd' is not a key", "did you mean 'id'?"),
        ("  owner: us\n", "", "DD011", "needs 'owner'", ""),
        ("  reason: hand-worked\n", "", "DD011", "needs 'reason'", ""),
        ("reason: hand-worked", "reason: ' '", "DD310", "reason of check 'it' must be a text", ""),
        ("- id: it", "- id: It holds!", "DD301", "cannot be the id", "small letters"),
        ("require: height > 160", "threshold: 0.1", "DD302", "exactly one of require, across_waves, distribution; found none", ""),
        ("require: height > 160", "require: height > 1\n  across_waves: max_change(height) < 3", "DD302", "found require and across_waves", ""),
        ("severity: warning", "severity: warn", "DD303", "severity 'warn'", "did you mean 'warning'?"),
        ("group: plausibility", "group: plausible", "DD303", "group 'plausible'", "did you mean 'plausibility'?"),
        ("height > 160", "open('x') > 160", "DD304", "'open' is not a function", "functions: "),
        ("height > 160", "max_change(height) <= 3", "DD304", "max_change() compares two visits", "across_waves"),
        ("require: height > 160", "across_waves: height > 160", "DD304", "nothing is compared with the visit before", "'require'"),
        ("require: height > 160", "across_waves: max_chang(height) < 3", "DD304", "'max_chang' is not a function", "did you mean 'max_change'?"),
        ("require: height > 160", "across_waves: previous(previous(height)) < 3", "DD304", "cannot hold another", ""),
        ("require: height > 160", "across_waves: went(smoking, 'never', ['former'])", "DD304", "two lists of constants", ""),
        ("height > 160", "heigth > 160", "DD305", "uses 'heigth', which is not a variable", "did you mean 'height'?"),
        ("height > 160", "is_known(stroke)", "DD305", "an event", ""),
        ("height > 160", "smoking == 'nevr'", "DD306", "'nevr' is not a category of 'smoking'", "did you mean 'never'?"),
        ("require: height > 160", "across_waves: not went(smoking, ['formr'], ['never'])", "DD306", "'formr' is not", "did you mean 'former'?"),
        ("owner: us", "owner: us\n  threshold: 2", "DD307", "must be a share", "0.02"),
        ("owner: us", "owner: us\n  cohorts: [hil]", "DD308", "'hil'", "did you mean 'hill'?"),
        ("owner: us", "owner: us\n  waves: [four]", "DD308", "'four'", "waves: one, two, three"),
        ("require: height > 160", "distribution: {variable: smoking, statistic: mean, change: 1}", "DD309", "has no mean", ""),
        ("require: height > 160", "distribution: {variable: height, statistic: meen, change: 1}", "DD309", "statistic 'meen'", "did you mean 'mean'?"),
        ("require: height > 160", "distribution: {variable: height, statistic: mean, change: big}", "DD307", "must be a number", ""),
        ("require: height > 160", "distribution: {variable: smoking, statistic: share(nevr), change: 0.1}", "DD306", "'nevr'", "did you mean 'never'?"),
        ("require: height > 160", "distribution: {variable: sex, statistic: missing, change: 0.1}", "DD305", "the same in all waves", ""),
    ],
)  # fmt: skip
def test_each_mistake_has_a_message(tmp_path, old, new, code, words, hint):
    text = one_check("require: height > 160")
    assert old in text
    dictionary, problems = check_dictionary(write_dictionary(tmp_path, text.replace(old, new)))
    assert dictionary is None
    found = next(problem for problem in problems if problem.code == code and words in problem.text)
    assert hint in found.hint
    assert found.file.endswith("checks.yaml") and 1 <= found.line <= 8


def test_two_visits_are_compared_in_checks_only(tmp_path):
    folder = write_dictionary(tmp_path, one_check("require: height > 160"))
    schema = SCHEMA + "grown:\n  label: {en: Grown, zh: 长高}\n  type: number\n  derive: max_change(height)\n"
    (folder / "schema/10_all.yaml").write_text(schema, "utf-8")
    _, problems = check_dictionary(folder)
    problem = next(problem for problem in problems if problem.code == "DD070")
    assert problem.hint == "it belongs in 'across_waves' of checks.yaml"


def test_positions_doubled_ids_and_files_that_are_no_list(tmp_path):
    text = one_check("require: height > 160") + one_check("require: heigth > 160")
    _, problems = check_dictionary(write_dictionary(tmp_path, text))
    assert [(p.code, p.line, p.column) for p in problems] == [("DD301", 8, 7), ("DD305", 10, 12)]
    _, problems = check_dictionary(write_dictionary(tmp_path, "height-stable: {require: height > 1}\n"))
    assert [p.code for p in problems] == ["DD008"]
    _, problems = check_dictionary(write_dictionary(tmp_path, "- height > 1\n"))
    assert [p.code for p in problems] == ["DD300"]


# ---------------------------------------------------------------- judged again


def test_recheck_needs_no_new_run_for_a_threshold(tmp_path):
    study = run(tmp_path, one_check("across_waves: max_change(height) <= 3"))
    study.save(tmp_path / "study")
    again = open_study(tmp_path / "study")
    pd.testing.assert_frame_equal(again.checks, study.checks)

    def recheck(text, code):
        folder = write_dictionary(tmp_path / "dict", text)
        arguments = ["recheck", str(tmp_path / "study"), "--dictionary", str(folder)]
        result = CliRunner().invoke(main, arguments)
        assert result.exit_code == code, result.output
        return again.recheck(dc.read_dictionary(folder)), result.output

    body = "across_waves: max_change(height) <= 3"
    table, output = recheck(one_check(body), 0)
    pd.testing.assert_frame_equal(table, study.checks)
    assert "hill/two: 1 of 4 (25.00%), tolerated 0.00%; 1 unknown; owner: us" in output
    table, output = recheck(one_check(body, threshold=0.3, owner="them", severity="error"), 0)
    assert table["passed"].all() and set(table["owner"]) == {"them"}
    assert "1 checks, 0 failed" in output
    recheck(one_check(body, threshold=0.2, severity="error"), 1)
    # other expressions and new checks were never counted
    changed = one_check("across_waves: max_change(height) <= 4", severity="error")
    table, output = recheck(changed + one_check("require: height > 1", id="new"), 1)
    assert table["note"].tolist() == [
        "needs a new run: what it counts has changed", "needs a new run: it was not counted yet",
    ]  # fmt: skip
    assert not table["passed"].any() and "needs a new run: what it counts" in output
    table, _ = recheck("[]\n", 0)
    assert len(table) == 0 and list(table.columns) == list(study.checks.columns)


def test_a_changed_distribution_is_judged_again(tmp_path):
    body = "distribution: {variable: height, statistic: mean, change: %s}"
    study = run(tmp_path, one_check(body % 2))
    assert study.checks["passed"].tolist() == [True, False, True]
    dictionary = dc.read_dictionary(write_dictionary(tmp_path / "dict", one_check(body % 3)))
    assert study.recheck(dictionary)["passed"].all()


def test_a_study_without_checks_has_an_empty_table(northbay, tmp_path):
    dictionary, raw = northbay
    study = dc.harmonize(dc.read_dictionary(dictionary), raw)
    assert len(study.checks) == 0 and study.checks["n"].dtype == "int64"
    again = open_study(study.save(tmp_path / "out"))
    pd.testing.assert_frame_equal(again.checks, study.checks)


def test_the_checks_of_the_simulated_cohorts_find_only_what_was_planted(tmp_path):
    dictionary = dc.read_dictionary(ROOT / "data-dictionary")
    assert len(dictionary.checks) >= 14
    for name, dirty in (("clean", 0.0), ("dirty", 0.05)):
        dc.simulate_cohorts(tmp_path / name, n=3000, seed=1, dirty=dirty)
        checks = dc.harmonize(dictionary, tmp_path / name).checks
        assert {check.id for check in dictionary.checks} == set(checks["id"])
        failed = set(checks.loc[~checks["passed"], "id"])
        assert failed == ({"never-smokers-never"} if dirty else set()), name
        evaluated = checks[checks["n"] > 0]
        assert set(evaluated["id"]) == set(checks["id"])
