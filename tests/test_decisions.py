"""What only a person can decide is asked without an id, and the answers are applied, told and bound to the file."""

from __future__ import annotations

import northbay
import pytest
from test_people import BASELINE, CLUSTER, DEATHS, FOLLOWUP, ONE, TWO, followup_of

from dermcohort.dictionary import check_dictionary, read_dictionary
from dermcohort.harmonize import harmonize
from dermcohort.study import open_study

IMPOSTOR = (1, "女", "1999/09/09", "2020/01/01", "V1")


def study_of(tmp_path, rows, *decisions, sha256=None, cohort=northbay.COHORT):
    """The study of these follow-up rows, after decisions (row, decision) about them."""
    folder = northbay.write_dictionary(
        tmp_path / "d", schema=northbay.SCHEMA + CLUSTER, cohort=cohort, baseline=BASELINE,
        followup1=FOLLOWUP, deaths=DEATHS,
    )  # fmt: skip
    raw = northbay.write_raw(tmp_path / "r", followup=followup_of(*rows))
    if decisions:
        first = harmonize(read_dictionary(folder), raw)
        sha256 = sha256 or first.manifest["inputs"]["northbay/followup1"]["sha256"][:12]
        write_decisions(folder, decisions, sha256)
    return harmonize(read_dictionary(folder), raw)


def write_decisions(folder, decisions, sha256):
    lines = [
        f'  - {{file: fu1.csv, sha256: "{sha256}", row: {row}, decision: {what}, by: LM, on: 2026-01-10, reason: Seen.}}'
        for row, what in decisions
    ]
    path = folder / "cohorts/northbay/decisions.yaml"
    path.write_text("\n".join(["decisions:", *lines, ""]), "utf-8")


def questions(study):
    table = study.open_questions()
    return list(zip(table["row"], table["question"], table["group"], strict=True))


def followup_ledger(study):
    rows = study.ledger[study.ledger["wave"] == "followup1"]
    return list(zip(rows["action"], rows["reason"], strict=True))


KEPT, DECIDED = ("kept", ""), "decided by a person"


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([ONE, TWO], []),
        ([ONE, TWO, ONE], [(1, "same person twice", 1), (3, "same person twice", 1)]),
        ([ONE, IMPOSTOR], [(1, "two persons with one number", 1), (2, "two persons with one number", 1)]),
        ([TWO, IMPOSTOR], [(2, "another person under this number", 1)]),
        ([(1, "女", "1960/01/01", "2020/01/01", "V1")], [(1, "sex differs from an earlier wave", 1)]),
        ([(1, "男", "1961/01/01", "2020/01/01", "V1")], [(1, "birth_date differs from an earlier wave", 1)]),
        ([TWO, (5, "男", "1985/06/15", "2020/01/01", "V2")], [(2, "visit after death", 1)]),
        (
            [ONE, TWO, TWO, ONE],
            [(row, "same person twice", group) for row, group in ((1, 1), (2, 2), (3, 2), (4, 1))],
        ),
    ],
)
def test_each_trouble_is_asked_about_by_row_and_group(tmp_path, rows, expected):
    study = study_of(tmp_path, rows)
    assert sorted(questions(study)) == sorted(expected)
    shown = study.open_questions().to_csv() + study.questions.to_csv()
    assert "NB0" not in shown and "1999" not in shown


def test_keep_takes_the_row_and_sets_its_rivals_aside(tmp_path):
    """Both forms of person 1 differ in sex and birth date; without a decision both are set aside."""
    undecided = study_of(tmp_path / "a", [IMPOSTOR, ONE, TWO])
    assert [action for action, _ in followup_ledger(undecided)] == ["quarantined", "quarantined", "kept"]
    study = study_of(tmp_path / "b", [IMPOSTOR, ONE, TWO], (2, "keep"))
    assert followup_ledger(study) == [("quarantined", DECIDED), ("kept", DECIDED), KEPT]
    assert questions(study) == []
    seen = study.visits[study.visits["wave"] == "followup1"]
    assert seen["participant_id"].tolist() == ["NB0001", "NB0002"]


def test_keep_says_that_a_contradiction_is_the_same_person(tmp_path):
    study = study_of(tmp_path, [IMPOSTOR, TWO], (1, "keep"))
    assert followup_ledger(study) == [("kept", DECIDED), KEPT]
    assert questions(study) == []
    assert set(study.questions["decision"]) == {"keep"}
    person = study.participants.set_index("participant_id").loc["NB0001"]
    assert person["sex"] == "male"  # the first value stands


def test_set_aside_leaves_the_row_out(tmp_path):
    study = study_of(tmp_path, [ONE, TWO, ONE], (3, "set_aside"))
    assert followup_ledger(study) == [KEPT, KEPT, ("quarantined", DECIDED)]
    assert study.linkage.set_index("wave").loc["followup1", "quarantined_decided_by_a_person"] == 1
    assert questions(study) == []


def test_other_person_gets_a_number_of_their_own(tmp_path):
    enrols = northbay.COHORT.replace("gb18030}", "gb18030, enrols: true}")
    study = study_of(tmp_path, [ONE, IMPOSTOR, TWO], (2, "other_person"), cohort=enrols)
    people = study.participants.set_index("participant_id")
    assert people.loc["NB0001", "sex"] == "male" and people.loc["NB0001~2", "sex"] == "female"
    assert followup_ledger(study) == [KEPT, ("kept", DECIDED), KEPT]


def test_other_person_who_never_enrolled_is_unknown(tmp_path):
    study = study_of(tmp_path, [ONE, IMPOSTOR], (2, "other_person"))
    assert followup_ledger(study) == [KEPT, ("quarantined", "follow-up of an unknown person")]


@pytest.mark.parametrize(
    ("decisions", "sha256", "words"),
    [
        ([(3, "set_aside")], "0" * 12, "another version of this file"),
        ([(99, "set_aside")], None, "a row that the file has not"),
        ([(4, "keep")], None, "no valid id"),
    ],
)
def test_a_decision_that_does_not_fit_is_a_finding_and_not_applied(tmp_path, decisions, sha256, words):
    rows = [ONE, TWO, ONE, ("", "男", "1960/01/01", "2020/01/01", "V1")]
    plain = study_of(tmp_path / "a", rows)
    study = study_of(tmp_path / "b", rows, *decisions, sha256=sha256)
    found = study.findings.query("code == 'H209'")
    assert found["n"].tolist() == [1] and words in found["message"].item()
    assert found["severity"].item() == "error"
    assert followup_ledger(study) == followup_ledger(plain)


def test_questions_are_saved_with_the_study(tmp_path):
    study = study_of(tmp_path, [ONE, TWO, ONE])
    study.save(tmp_path / "out")
    assert questions(open_study(tmp_path / "out")) == questions(study) != []


GOOD = (
    '{file: fu1.csv, sha256: "0123456789ab", row: 1, decision: keep, by: LM, on: 2026-01-10, reason: Seen.}'
)


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        (GOOD.replace("fu1.csv", "fu2.csv"), "DD411", "did you mean 'fu1.csv'?"),
        (GOOD.replace("keep", "kep"), "DD412", "did you mean 'keep'?"),
        (GOOD.replace("row: 1", "row: 0"), "DD410", "from 1"),
        (GOOD.replace('"0123456789ab"', '"0123"'), "DD410", "12 digits or more"),
        (GOOD.replace("by: LM, ", ""), "DD011", "needs 'by'"),
        (GOOD + "\n  - " + GOOD, "DD413", "decided twice"),
        ("keep", "DD410", "a decision must be"),
    ],
)
def test_decisions_are_linted(tmp_path, text, code, words):
    folder = northbay.write_dictionary(tmp_path)
    path = folder / "cohorts/northbay/decisions.yaml"
    path.write_text(f"decisions:\n  - {GOOD}\n", "utf-8")
    assert check_dictionary(folder)[1] == []
    path.write_text(f"decisions:\n  - {text}\n", "utf-8")
    found = [problem for problem in check_dictionary(folder)[1] if problem.code == code]
    assert found and words in str(found[0])
