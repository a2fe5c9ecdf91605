"""The functions a dictionary may call: scores worked by hand, and what they do with answers that are absent."""

from __future__ import annotations

import itertools

import northbay
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dermcohort.dictionary import check_dictionary, read_dictionary
from dermcohort.dictionary.calls import CALLS
from dermcohort.harmonize import harmonize
from dermcohort.harmonize.functions import FUNCTIONS, dlqi, uk_working_party
from dermcohort.harmonize.vectors import number

NOT_APPLICABLE, INVALID = 4, 8
FIVE = ("flexural_history", "asthma_hay_fever", "dry_skin", "onset_under_2", "visible_flexural")


def item(value, reason=2):
    """One answer; None is "does not know"."""
    return number([np.nan], [reason]) if value is None else number([value])


def answered(function, **values):
    """(result, reason) for one person; values are answers, None or vectors."""
    vectors = {name: v if hasattr(v, "why") else item(v) for name, v in values.items()}
    result = function(vectors)
    return (result.data[0] if result.known[0] else None), int(result.why[0])


def dlqi_of(*answers, **more):
    return answered(dlqi, **{f"q{i}": a for i, a in enumerate(answers, 1)}, **more)


# ---------------------------------------------------------------- DLQI


def test_dlqi_adds_ten_items():
    assert dlqi_of(3, 2, 1, 0, 3, 2, 1, 0, 3, 2) == (17, 0)
    assert dlqi_of(*[3] * 10) == (30, 0)


def test_dlqi_with_one_missing_item_counts_it_0_and_with_two_is_not_scored():
    assert dlqi_of(3, 2, None, 0, 3, 2, 1, 0, 3, 2) == (16, 0)
    assert dlqi_of(3, 2, None, 0, None, 2, 1, 0, 3, 2) == (None, 2)


def test_dlqi_not_relevant_is_an_answer():
    """Three items are not relevant to this person, one is missing: 3 + 3 + 3 + 3 + 3 + 3 = 18."""
    no = item(None, NOT_APPLICABLE)
    assert dlqi_of(3, no, 3, no, 3, no, 3, 3, 3, None) == (18, 0)


@pytest.mark.parametrize(
    ("prevented", "degree", "total"),
    [(1, 0, 3), (1, None, 3), (0, 2, 2), (0, 0, 0), (item(None, NOT_APPLICABLE), None, 0), (None, 2, 2)],
)
def test_dlqi_item_7_prevented_counts_3(prevented, degree, total):
    assert dlqi_of(0, 0, 0, 0, 0, 0, degree, 0, 0, 0, q7_prevented=prevented) == (total, 0)


def test_dlqi_answer_out_of_range_is_no_answer():
    assert dlqi_of(9, *[1] * 9) == (9, 0)
    assert dlqi_of(9, 9, *[1] * 8) == (None, INVALID)


# ---------------------------------------------------------------- UK Working Party


@pytest.mark.parametrize(
    ("itch", "five", "expected"),
    [
        (1, (1, 1, 1, 0, 0), True),
        (1, (1, 1, 0, 0, 0), False),
        (0, (1, 1, 1, 1, 1), False),
        (0, (None,) * 5, False),  # without itch nothing else matters
        (1, (1, 1, 1, None, None), True),  # three are three
        (1, (0, 0, 0, None, None), False),  # at most two
        (1, (1, 1, 0, 0, None), None),  # the last decides
        (None, (1, 1, 1, 1, 1), None),
        (None, (1, 1, 0, 0, 0), False),  # two criteria are too few with or without itch
    ],
)
def test_uk_working_party_is_known_as_soon_as_the_answers_decide(itch, five, expected):
    result, reason = answered(uk_working_party, itch=itch, **dict(zip(FIVE, five, strict=True)))
    assert result is None if expected is None else result == expected
    assert reason == (2 if expected is None else 0)


@pytest.mark.parametrize(
    ("age", "relative", "onset", "expected"),
    [
        (3, 1, 0, True),  # a relative's atopy counts under 4
        (5, 1, 0, False),  # and not from 4
        (3, 0, 1, False),  # onset does not count under 4
        (5, 0, 1, True),
        (4, 0, 1, True),
        (None, 0, 0, False),
        (None, 1, 0, None),
    ],
)
def test_uk_working_party_in_children(age, relative, onset, expected):
    """Flexural history and dry skin are two criteria; the third depends on the age."""
    values = dict(zip(FIVE, (1, 0, 1, onset, 0), strict=True))
    result, _ = answered(uk_working_party, itch=1, age=age, atopy_in_relative=relative, **values)
    assert result is None if expected is None else result == expected


three_valued = st.sampled_from([0, 1, None])


@given(three_valued, st.tuples(*[three_valued] * 5))
def test_uk_working_party_agrees_with_every_completion(itch, five):
    """Known exactly where all ways to fill the unknown answers give one result."""
    options = [[0, 1] if value is None else [value] for value in (itch, *five)]
    results = {bool(i) and sum(rest) >= 3 for i, *rest in itertools.product(*options)}
    result, _ = answered(uk_working_party, itch=itch, **dict(zip(FIVE, five, strict=True)))
    assert result is None if len(results) == 2 else bool(result) == results.pop()


# ---------------------------------------------------------------- in a dictionary

SCHEMA = """\
atopic_dermatitis:
  label: {en: Atopic dermatitis, zh: 特应性皮炎}
  type: yesno
"""
RULE = """\
  atopic_dermatitis:
    from: {itch: SEX, flexural_history: SEX, asthma_hay_fever: SEX, dry_skin: SEX, onset_under_2: PHQ1, visible_flexural: PHQ2}
    call: uk_working_party
    values: {2: 0}
impossible:
"""


def dictionary_with(folder, rule):
    return northbay.write_dictionary(
        folder,
        schema=northbay.SCHEMA + SCHEMA,
        baseline=northbay.BASELINE.replace("impossible:\n", rule),
        followup1=northbay.FOLLOWUP.replace("[phq2]", "[phq2, atopic_dermatitis]"),
    )


def test_answers_are_turned_into_numbers_by_values(tmp_path):
    """The men (1) have itch and three criteria; code 2 of the women is no."""
    folder = dictionary_with(tmp_path / "d", RULE)
    study = harmonize(read_dictionary(folder), northbay.write_raw(tmp_path / "r"))
    baseline = study.frame(["sex", "atopic_dermatitis"], wave="baseline").data
    assert dict(zip(baseline["sex"], baseline["atopic_dermatitis"], strict=True)) == {
        "male": "yes",
        "female": "no",
    }


@pytest.mark.parametrize(
    ("old", "new", "code", "words"),
    [
        ("call: uk_working_party", "call: uk_working_part", "DD149", "did you mean 'uk_working_party'?"),
        ("itch: SEX, ", "", "DD157", "needs the item(s) itch"),
        ("dry_skin: SEX", "dry_skinn: SEX", "DD157", "'dry_skinn' is no item"),
        ("{2: 0}", "{2: no}", "DD158", "must be {answer: number}"),
    ],
)
def test_the_linter_knows_the_items(tmp_path, old, new, code, words):
    _, problems = check_dictionary(dictionary_with(tmp_path, RULE.replace(old, new)))
    assert any(problem.code == code and words in str(problem) for problem in problems), problems


@pytest.mark.parametrize("name", CALLS)
def test_every_function_tells_its_source_and_refuses_a_rule_without_its_items(name):
    assert any(year in FUNCTIONS[name].__doc__ for year in ("1989", "1994"))
    with pytest.raises(ValueError, match="needs the item"):
        FUNCTIONS[name]({})
