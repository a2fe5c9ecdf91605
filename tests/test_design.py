"""Formula to design matrix: complete cases, levels, references, and errors that say what to do."""

import numpy as np
import pandas as pd
import pytest

from dermcohort.design import binary_outcome, build_design


@pytest.fixture
def data() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "y": [0, 1, 0, 1, 1, 0, 1, 0],
            "age": [30.0, 41, np.nan, 52, 38, 60, 47, 35],
            "sex": pd.Categorical(list("mfmfmfmf"), ["m", "f", "x"]),
            "stage": [1.0, 2, 3, 1, 2, 3, 3, 1],
            "site": ["b", "a", "b", None, "a", "a", "b", "b"],
        }
    )


def test_incomplete_rows_are_counted_by_variable(data):
    design = build_design("y ~ age + site", data)
    assert design.n_missing == {"y": 0, "age": 1, "site": 1}
    assert len(design.matrix) == 6
    assert design.notes == ("2 of 8 rows left out for missing values (age 1, site 1).",)


def test_levels_and_references_are_those_of_the_data(data):
    columns = build_design("y ~ sex + C(stage)", data).columns
    assert [(c.term, c.level, c.reference) for c in columns] == [
        ("Intercept", None, None),
        ("sex", "f", "m"),
        ("stage", "2", "1"),
        ("stage", "3", "1"),
    ]


def test_interaction_columns_are_labelled_as_they_are_coded():
    rng = np.random.default_rng(3)
    data = pd.DataFrame({"y": rng.integers(0, 2, 90), "a": list("pqr") * 30, "b": np.repeat(list("stu"), 30)})
    design = build_design("y ~ a * b", data)
    for i, column in enumerate(design.columns):
        if column.term == "a:b":
            a, b = column.level.split(":")
            expected = (design.frame["a"] == a) & (design.frame["b"] == b)
            assert (design.matrix[:, i] == expected).all()
            assert column.reference == "p:s"


def test_chosen_reference(data):
    columns = build_design("y ~ C(stage, Treatment(3))", data).columns
    assert [(c.level, c.reference) for c in columns[1:]] == [("1", "3"), ("2", "3")]


def test_splines_and_polynomials_are_numbered_not_compared(data):
    columns = build_design("y ~ poly(age, 2)", data).columns
    assert [(c.term, c.level, c.reference) for c in columns[1:]] == [
        ("poly(age, 2)", "1", None),
        ("poly(age, 2)", "2", None),
    ]


def test_new_data_is_coded_as_the_old(data):
    design = build_design("y ~ center(age) + sex", data)
    new = pd.DataFrame({"age": [40.0, np.nan], "sex": ["f", "m"]}, index=[7, 9])
    coded = design.matrix_for(new)
    assert coded.index.tolist() == [7, 9]
    mean = design.frame["age"].mean()
    np.testing.assert_allclose(coded.loc[7, ["center(age)", "sex[T.f]"]], [40 - mean, 1])
    assert coded.loc[9].isna().all()


def test_unknown_level_in_new_data_is_refused(data):
    design = build_design("y ~ sex + C(stage)", data)
    with pytest.raises(ValueError, match="'stage' has levels the model does not know: 9"):
        design.matrix_for(pd.DataFrame({"sex": ["f"], "stage": [9.0]}))


@pytest.mark.parametrize(
    ("formula", "message"),
    [
        ("y ~ agee", "no column 'agee'. Did you mean 'age'"),
        ("y ~ (age", "cannot be read"),
        ("age + sex", "must have the form"),
        ("y ~ age + I(2 * age)", r"'I\(2 \* age\)' is determined by the columns before it \(age\)"),
        ("y ~ I(0 * age)", "is the same in all 7 complete rows"),
        ("y ~ np.log(age - 100)", "null values"),
    ],
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_errors_name_what_is_wrong(data, formula, message):
    with pytest.raises(ValueError, match=message):
        build_design(formula, data)


def test_one_level_left_is_refused(data):
    with pytest.raises(ValueError, match=r"'sex' has one level only \(f\)"):
        build_design("y ~ sex", data[data["sex"] == "f"])


def test_nothing_left_is_refused(data):
    with pytest.raises(ValueError, match="no row has all of y, age"):
        build_design("y ~ age", data.assign(age=np.nan))


def test_nullable_dtypes_are_as_good_as_numpys(data):
    nullable = data.assign(y=data["y"].astype("Int64"), age=data["age"].astype("Float64"))
    ours, theirs = build_design("y ~ age", nullable), build_design("y ~ age", data)
    np.testing.assert_array_equal(ours.matrix, theirs.matrix)


@pytest.mark.parametrize(
    "values",
    [
        pd.Series([0, 1, np.nan]),
        pd.Series([0, 1, None], dtype="Int64"),
        pd.Series([False, True, None], dtype="boolean"),
        pd.Series([False, True, None], dtype=object),
        pd.Series(["No", "yes", None]),
        pd.Series(pd.Categorical(["healthy", "ill", None], ["healthy", "ill"])),
    ],
)
def test_outcome_codes(values):
    np.testing.assert_array_equal(binary_outcome(values, "y"), [0, 1, np.nan])


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (pd.Series([1, 2]), "must be 0/1, bool or yes/no, it has 1.0, 2.0"),
        (pd.Series(pd.Categorical(["a", "b", "c"])), "has the levels a, b, c"),
        (pd.Series(["ill", "well"]), "make it a category"),
    ],
)
def test_other_outcome_codes_are_refused(values, message):
    with pytest.raises(ValueError, match=message):
        binary_outcome(values, "y")
