"""Restricted cubic splines in formulas, against Hmisc and rms (validation/)."""

import numpy as np
import pandas as pd
import pytest
from golden import read, reference
from hypothesis import given
from hypothesis import strategies as st

from dermcohort.design import build_design
from dermcohort.regression import gee, linear, logistic, mixed_logistic, poisson, term_tests
from dermcohort.splines import default_knots, spline_basis
from dermcohort.survival import cox


def pbc() -> pd.DataFrame:
    data = read("pbc")
    return data.assign(dead=data["status"] == 2, sex=pd.Categorical(data["sex"], ["m", "f"]))


@pytest.fixture
def people() -> pd.DataFrame:
    rng = np.random.default_rng(8)
    age = rng.uniform(20, 80, 300)
    return pd.DataFrame(
        {
            "age": age,
            "village": rng.integers(0, 30, 300),
            "itch": rng.random(300) < 1 / (1 + np.exp(1 + np.sin(age / 10))),
        }
    )


@pytest.mark.parametrize(
    ("identifier", "values", "counts"),
    [
        ("own.rcs.knots", read("lung")["age"], range(3, 8)),
        ("own.rcs.knots.small", read("lung")["age"][:60], range(3, 6)),
        ("own.rcs.knots.heaped", read("rotterdam")["pgr"], range(4, 7)),
        ("rcs.knots", read("pbc")["age"], range(3, 6)),
    ],
)
def test_default_knots(identifier, values, counts):
    found = [knot for k in counts for knot in default_knots(values.to_numpy(float), k)]
    np.testing.assert_allclose(found, reference(identifier), rtol=1e-12)


def test_basis():
    found = spline_basis(np.array([-1, 2, 3.5, 7, 12]), np.array([1.0, 3, 4, 8]))
    np.testing.assert_allclose(found.T.ravel(), reference("own.rcs.basis"), rtol=1e-12, atol=1e-14)


def test_fit_and_nonlinearity():
    fit = logistic("dead ~ rcs(age) + sex", pbc())
    found = term_tests(fit).table.iloc[1]
    values = [*fit.coefficients, found["statistic"], found["df"], found["p_value"]]
    np.testing.assert_allclose(values, reference("own.lrm.rcs"), rtol=1e-8)
    assert fit.table["term"].tolist()[:3] == ["rcs(age)"] * 3


def test_cox():
    fit = cox("rcs(age) + sex", pbc(), time="time", event="dead")
    found = term_tests(fit).table.iloc[1]
    values = [*fit.coefficients, found["statistic"], found["p_value"]]
    np.testing.assert_allclose(values, reference("own.cph.rcs"), rtol=1e-8)


def test_prediction_keeps_the_knots_of_the_fit(people):
    fit = logistic("itch ~ rcs(age, knots=5)", people)
    of_all = fit.predict(people)
    np.testing.assert_allclose(fit.predict(people.iloc[:3]), of_all[:3], rtol=1e-12)
    assert fit.predict(pd.DataFrame({"age": [np.nan, 30.0]})).isna().tolist() == [True, False]


def test_knots_as_a_list_are_those_of_the_default(people):
    knots = [float(k) for k in default_knots(people["age"].to_numpy(), 4)]
    given_ = logistic(f"itch ~ rcs(age, knots={knots})", people)
    np.testing.assert_allclose(
        given_.coefficients, logistic("itch ~ rcs(age)", people).coefficients, rtol=1e-8
    )


def test_every_model_takes_a_spline(people):
    data = people.assign(n=people["itch"] * 1)
    splines = [
        logistic("itch ~ rcs(age, 3)", data),
        poisson("n ~ rcs(age, 3)", data),
        linear("n ~ rcs(age, 3)", data),
        gee("itch ~ rcs(age, 3)", data, groups="village"),
        mixed_logistic("itch ~ rcs(age, 3)", data, groups="village"),
    ]
    for fit in splines:
        assert list(fit.coefficients.index) == ["Intercept", "rcs(age, 3)[1]", "rcs(age, 3)[2]"]
        assert fit.table["std_error"].notna().all()


def test_interaction_marks_the_nonlinear_columns():
    columns = build_design("dead ~ rcs(age, 3) * sex", pbc()).columns
    assert [column.name for column in columns if column.nonlinear_in] == [
        "rcs(age, 3)[2]",
        "rcs(age, 3)[2]:sex[T.f]",
    ]
    assert columns[-1].variables == ("age", "sex")


def test_interaction_of_two_curves():
    """The first factor varies fastest; what is nonlinear in one variable only is not in the test of the other."""
    fit = linear("protime ~ rcs(age, 3) * poly(bili, 2)", pbc())
    last = fit.design.columns[-4:]
    assert [column.level for column in last] == ["1:1", "2:1", "1:2", "2:2"]
    assert [column.nonlinear_in for column in last] == [
        (),
        ("rcs(age, 3)",),
        ("poly(bili, 2)",),
        ("rcs(age, 3)", "poly(bili, 2)"),
    ]
    tests = term_tests(fit).table.set_index(["term", "test"])["df"]
    assert tests["rcs(age, 3)", "nonlinear with interactions"] == 3
    assert tests["rcs(age, 3):poly(bili, 2)", "nonlinear"] == 3


def test_knots_are_those_of_the_complete_rows(people):
    gaps = people.assign(x=np.where(people["age"] > 60, np.nan, 1.0) * people["village"])
    knots = build_design("itch ~ rcs(age) + x", gaps).spec.transform_state["rcs(age)"]["knots"]
    np.testing.assert_array_equal(knots, default_knots(people.loc[people["age"] <= 60, "age"].to_numpy(), 4))


def test_a_spline_of_a_skewed_variable_is_no_separation():
    """Seven knots of bilirubin nearly determine each other: the coefficients are in the thousands, the fit is sound."""
    fit = logistic("dead ~ rcs(bili, 7) + sex", pbc())
    assert not any("Separation" in note for note in fit.notes)
    assert fit.table["std_error"].notna().sum() == 7
    assert term_tests(fit).table["p_value"].notna().all()


@pytest.mark.parametrize(
    ("term", "message"),
    [
        ("rcs(age, 2)", "knots=2 must be a whole number from 3 to 7"),
        ("rcs(age, knots=8)", "from 3 to 7"),
        ("rcs(age, knots=True)", "from 3 to 7"),
        ("rcs(age, [60, 50, 40])", "must be 3 numbers or more that increase"),
        ("rcs(age, [50, 60])", "must be 3 numbers or more that increase"),
        ("rcs(age, ['a', 'b', 'c'])", "must be numbers"),
        ("rcs(sex)", "must be a number"),
        ("rcs(edema)", "4 knots need 7 distinct values or more, there are 3"),
        ("rcs(dead)", "must be a number"),
        ("rcs(agee)", "no column 'agee'. Did you mean 'age'?"),
    ],
)
def test_bad_splines_are_refused(term, message):
    with pytest.raises(ValueError, match=message.replace("(", r"\(").replace("?", r"\?")):
        logistic(f"dead ~ {term} + bili", pbc())


def test_ties_that_leave_fewer_knots_are_refused():
    x = np.r_[np.zeros(90), np.arange(1, 11)]
    with pytest.raises(ValueError, match="give the knots as a list"):
        default_knots(x, 4)


@given(
    st.lists(st.floats(-100, 100), min_size=3, max_size=7, unique=True).filter(
        lambda k: min(np.diff(sorted(k))) > 0.1
    )
)
def test_straight_beyond_the_outer_knots(knots):
    knots = np.sort(np.array(knots))
    below = spline_basis(knots[0] - np.arange(3.0), knots)
    above = spline_basis(knots[-1] + np.arange(3.0), knots)
    assert (below[:, 1:] == 0).all()
    scale = np.abs(above).max() * (np.ptp(knots) / np.diff(knots).min())
    np.testing.assert_allclose(np.diff(above, 2, axis=0), 0, atol=1e-9 * scale)
