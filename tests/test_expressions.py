"""Unknown stays unknown, and nothing but the listed language is understood."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dermcohort.dictionary.expression import FUNCTIONS, ExpressionError, parse_expression
from dermcohort.harmonize import evaluate as engine
from dermcohort.harmonize.evaluate import EvaluationError, evaluate
from dermcohort.harmonize.vectors import boolean, date, number, strings, text

REFUSED, DONT_KNOW, NO_ANSWER, INVALID = 1, 2, 3, 8


def run(expression, **values):
    n = max((len(v) for v in values.values()), default=1)
    return evaluate(parse_expression(expression), values, n)


def test_every_function_of_the_language_is_implemented():
    assert set(engine.FUNCTIONS) == set(FUNCTIONS)


@pytest.mark.parametrize(
    "source",
    [
        "__import__('os')", "x.y", "x[0]", "lambda: 1", "[i for i in x]", "f'{x}'", "x if y", "open('f')",
        "eval('1')", "(x := 1)", "case(a, 1)", "year()", "x in y", "round(x, digits=2)", "None", "b'x'", "",
    ],
)  # fmt: skip
def test_anything_else_is_refused(source):
    with pytest.raises(ExpressionError):
        parse_expression(source)


def test_comparison_with_unknown_is_unknown_and_keeps_the_reason():
    bmi = number([31, 22, np.nan], [0, 0, REFUSED])
    result = run("bmi >= 30", bmi=bmi)
    assert result.kind == "boolean"
    assert result.data[:2].tolist() == [True, False]
    assert result.why.tolist() == [0, 0, REFUSED]


@given(
    st.lists(
        st.tuples(st.sampled_from([True, False, None]), st.sampled_from([True, False, None])), min_size=1
    )
)
def test_kleene_logic(pairs):
    def vector(values, reason):
        return boolean([bool(v) for v in values], [reason if v is None else 0 for v in values])

    a, b = vector([p[0] for p in pairs], REFUSED), vector([p[1] for p in pairs], DONT_KNOW)
    both, either, negated = run("a and b", a=a, b=b), run("a or b", a=a, b=b), run("not a", a=a)
    for i, (x, y) in enumerate(pairs):
        expected_and = False if x is False or y is False else None if x is None or y is None else True
        expected_or = True if x is True or y is True else None if x is None or y is None else False
        assert (None if both.why[i] else bool(both.data[i])) == expected_and
        assert (None if either.why[i] else bool(either.data[i])) == expected_or
        assert (negated.why[i] != 0) == (x is None)
        if expected_and is None:
            assert both.why[i] == (REFUSED if x is None else DONT_KNOW)


def test_case_with_an_unknown_condition_is_unknown():
    x = number([1, 5, np.nan], [0, 0, DONT_KNOW])
    result = run("case(x < 3, 'low', x < 9, 'high', 'top')", x=x)
    assert strings(result).tolist() == ["low", "high", None]
    assert result.why.tolist() == [0, 0, DONT_KNOW]


def test_case_takes_the_reason_of_the_chosen_branch_only():
    smoker = boolean([False, True, True])
    years = number([np.nan, np.nan, 10], [NO_ANSWER, REFUSED, 0])
    result = run("case(smoker, years * 2, 0)", smoker=smoker, years=years)
    assert result.why.tolist() == [0, REFUSED, 0]
    assert result.data[[0, 2]].tolist() == [0, 20]


def test_arithmetic_that_has_no_result_is_invalid():
    result = run("x / y", x=number([1, 1]), y=number([0, 2]))
    assert result.why.tolist() == [INVALID, 0]
    assert run("log(x)", x=number([-1.0])).why.tolist() == [INVALID]


def test_dates():
    born, seen = date(["1960-01-01", "NaT"], [0, REFUSED]), date(["2020-01-01", "2020-01-01"])
    years = run("years_between(born, seen)", born=born, seen=seen)
    assert years.data[0] == pytest.approx(60, abs=0.01)
    assert years.why.tolist() == [0, REFUSED]
    assert run("add_days(date('1956-01-01'), n)", n=number([366])).data[0] == np.datetime64("1957-01-01")
    assert run("year(d) * 100 + month(d)", d=date(["2019-05-03"])).data[0] == 201905


def test_texts():
    ids = number([7, 12, np.nan], [0, 0, NO_ANSWER])
    result = run("'NB' + zfill(ids, 4)", ids=ids)
    assert strings(result).tolist() == ["NB0007", "NB0012", None]
    words = text([0, 1, 0], ["a b", "cd"])
    assert strings(run("concat(upper(w), '-', slice(w, 0, 1))", w=words)).tolist() == [
        "A B-a",
        "CD-c",
        "A B-a",
    ]
    assert run("number(w)", w=text([0, 1], ["3.5", "x"])).why.tolist() == [0, INVALID]
    assert run("w in ['cd', 'ef']", w=words).data.tolist() == [False, True, False]
    assert run("w != 'cd'", w=words).data.tolist() == [True, False, True]


def test_any_of_first_of_count_of_is_known():
    a, b = boolean([True, False, False], [0, 0, REFUSED]), boolean([False, False, False], [REFUSED, 0, 0])
    assert run("any_of(a, b)", a=a, b=b).why.tolist() == [0, 0, REFUSED]
    assert run("count_of(a, b)", a=a, b=b).why.tolist() == [REFUSED, 0, REFUSED]
    x, y = number([1, np.nan, np.nan], [0, REFUSED, REFUSED]), number([9, 8, np.nan], [0, 0, DONT_KNOW])
    first = run("first_of(x, y)", x=x, y=y)
    assert first.data[:2].tolist() == [1, 8]
    assert first.why.tolist() == [0, 0, REFUSED]
    assert run("is_known(x)", x=x).data.tolist() == [True, False, False]
    assert run("unknown if is_known(x) else 5", x=x).why.tolist() == [NO_ANSWER, 0, 0]


@pytest.mark.parametrize(
    "source", ["x + w", "x == w", "not x", "years_between(x, x)", "w < 'b'", "case(x, 1, 2)"]
)
def test_kinds_that_do_not_fit_are_refused(source):
    with pytest.raises(EvaluationError):
        run(source + (" * 2" if source == "x + w" else ""), x=number([1.0]), w=text([0], ["a"]))
