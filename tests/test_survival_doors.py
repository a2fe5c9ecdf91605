"""All doors of survival: people who are few, alike or missing; any dtype, index and order of the same rows."""

import numpy as np
import pandas as pd
import pytest
from golden import read, reference

from dermcohort import survival

LEVELS = ["none", "eczema", "death"]


def cohort(n: int = 40) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    time = rng.exponential(5, n).round(1) + 0.1
    ill = rng.integers(0, 2, n)
    return pd.DataFrame(
        {
            "time": time,
            "ill": ill,
            "end": pd.Categorical.from_codes(ill * rng.integers(1, 3, n), LEVELS),
            "begin": 0.3 * time,
            "left": 0.8 * time,
            "right": np.where(ill == 1, time, np.inf),
            "age": rng.normal(size=n),
            "sex": rng.choice(["f", "m"], n),
            "village": np.arange(n) % 8,
            "w": rng.uniform(0.5, 2, n),
            "drawn": np.arange(n) % 2 == 0,
            "id": np.arange(n),
        }
    )


EVENT = {"time": "time", "event": "ill"}
CAUSE = {"time": "time", "event": "end", "cause": "eczema"}
ALL = {"entry": "begin", "weights": "w", "cluster": "village"}
DOORS = {
    "incidence_rate": lambda d: survival.incidence_rate(d, "time", "ill", by="sex", cluster="village"),
    "rate_ratio": lambda d: survival.rate_ratio(d, "time", "ill", "sex"),
    "rate_difference": lambda d: survival.rate_difference(d, "time", "ill", "sex", strata="drawn"),
    "kaplan_meier": lambda d: survival.kaplan_meier(d, "time", "ill", by="sex", **ALL),
    "nelson_aalen": lambda d: survival.nelson_aalen(d, "time", "ill", by="sex"),
    "logrank": lambda d: survival.logrank(d, "time", "ill", "sex", strata="village"),
    "rmst": lambda d: survival.rmst(d, "time", "ill", tau=2, by="sex", **ALL),
    "cumulative_incidence": lambda d: survival.cumulative_incidence(d, "time", "end", by="sex", **ALL),
    "risk_difference": lambda d: survival.cumulative_incidence(
        d, "time", "end", by="sex", cluster="village"
    ).risk_difference(3),
    "attributable_fraction": lambda d: survival.cumulative_incidence(
        d, "time", "end", by="sex"
    ).attributable_fraction(3),
    "gray_test": lambda d: survival.cumulative_incidence(d, "time", "end", by="sex").gray_test(),
    "multi_state": lambda d: survival.multi_state(d, "time", "end", id="id", by="sex"),
    "cox": lambda d: survival.cox("age + C(sex)", d, **EVENT, **ALL, strata="drawn"),
    "cox_exact": lambda d: survival.cox("age", d, **EVENT, ties="exact"),
    "fine_gray": lambda d: survival.fine_gray("age", d, **CAUSE, strata="sex", cluster="village"),
    "parametric": lambda d: survival.parametric("age + C(sex)", d, **EVENT, **ALL),
    "interval_ph": lambda d: survival.interval_ph(
        "age + C(sex)", d, left="left", right="right", weights="w", cluster="village"
    ),
    "turnbull": lambda d: survival.turnbull(d, "left", "right", by="sex"),
    "discrete_time": lambda d: survival.discrete_time("age", d, **EVENT, cuts=[2, 4, 8], cluster="village"),
    "censoring_weights": lambda d: survival.censoring_weights(
        "age", d.assign(lost=~d["ill"].isin([1, "yes"]).fillna(False)), **EVENT, lost="lost"
    ),
    "case_cohort": lambda d: survival.case_cohort(
        "age", d[d["drawn"] | d["ill"].isin([1, "yes"])], **EVENT, subcohort="drawn", cohort_size=60
    ),
    "nested_case_control": lambda d: survival.nested_case_control(d.set_index("id"), **EVENT, seed=1).sets,
    "split_time": lambda d: survival.split_time(d, "time", "ill", [2, 4, 8]),
    "subdistribution_data": lambda d: survival.subdistribution_data(d, "time", "end", cause="eczema"),
}


# the others keep the rows of their data
ESTIMATORS = [
    door
    for door in DOORS
    if door not in ("nested_case_control", "split_time", "subdistribution_data", "censoring_weights")
]


def numbers(result) -> np.ndarray:
    table = getattr(result, "table", result).drop(columns="id", errors="ignore")
    kept = [name for name in table if name not in cohort()]
    return table[kept].select_dtypes("number").to_numpy(float, na_value=np.nan)


# ------------------------------------------------------------------------------------- the same rows otherwise

WRITTEN = {
    "index of one value": lambda d: d.set_axis([0] * len(d)),
    "index of text": lambda d: d.set_axis([f"p{i}" for i in range(len(d))]),
    "index of columns that stay": lambda d: d.set_index(["village", "sex"], drop=False),
    "event of bool": lambda d: d.assign(ill=d["ill"] == 1),
    "event of boolean": lambda d: d.assign(ill=(d["ill"] == 1).astype("boolean")),
    "event of two levels": lambda d: d.assign(ill=pd.Categorical.from_codes(d["ill"], ["no", "yes"])),
    "nullable": lambda d: d.convert_dtypes(),
    "groups of a category with unused levels": lambda d: d.assign(
        sex=pd.Categorical(d["sex"], ["f", "m", "x"]), village=pd.Categorical(d["village"], range(9))
    ),
    "ordered": lambda d: d.assign(sex=pd.Categorical(d["sex"], ordered=True), end=d["end"].cat.as_ordered()),
    "groups of bool": lambda d: d.assign(sex=d["sex"] == "m"),
}


@pytest.mark.parametrize("written", WRITTEN)
@pytest.mark.parametrize("door", DOORS)
def test_dtypes_and_index_do_not_matter(door, written):
    expected = numbers(DOORS[door](cohort()))
    assert expected.size
    np.testing.assert_allclose(
        numbers(DOORS[door](WRITTEN[written](cohort()))), expected, rtol=1e-9, atol=1e-12
    )


@pytest.mark.parametrize("door", ESTIMATORS)
def test_order_of_rows_does_not_matter(door):
    shuffled = cohort().sample(frac=1, random_state=3)
    np.testing.assert_allclose(
        numbers(DOORS[door](shuffled)), numbers(DOORS[door](cohort())), rtol=1e-7, atol=1e-12
    )


@pytest.mark.parametrize("door", ESTIMATORS)
def test_rows_with_gaps_are_left_out(door):
    """Rows without a time, and rows without group, cluster and covariates, count as not there."""
    gaps = cohort(6).assign(time=np.nan, left=np.nan, right=np.nan, id=range(40, 46))
    result = DOORS[door](pd.concat([cohort(), gaps], ignore_index=True))
    np.testing.assert_allclose(numbers(result), numbers(DOORS[door](cohort())), rtol=1e-9, atol=1e-12)


# --------------------------------------------------------------------------------------------- hardly any people


FEW = {
    "nobody": lambda d: d.head(0),
    "one person with the event": lambda d: d[d["ill"] == 1].head(1),
    "one person without": lambda d: d[d["ill"] == 0].head(1),
    "all missing": lambda d: d.assign(time=np.nan, left=np.nan, right=np.nan),
    "no event known": lambda d: d.assign(ill=np.nan, end=pd.Categorical([None] * len(d), LEVELS)),
    "no events": lambda d: d.assign(ill=0, end=pd.Categorical(["none"] * len(d), LEVELS), right=np.inf),
    "only events": lambda d: d.assign(
        ill=1, end=pd.Categorical(["eczema"] * len(d), LEVELS), right=d["time"]
    ),
    "all at one time": lambda d: d.assign(
        time=2.0, begin=0.0, left=1.0, right=np.where(d["ill"] == 1, 2.0, np.inf)
    ),
    "all at time 0": lambda d: d.assign(time=0.0, begin=0.0, left=0.0, right=0.0),
    "one group": lambda d: d.assign(sex="f"),
    "everybody a group": lambda d: d.assign(sex=[f"g{i}" for i in range(len(d))]),
    "covariate of one value": lambda d: d.assign(age=1.0),
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("few", FEW)
@pytest.mark.parametrize("door", DOORS)
def test_an_answer_without_false_precision_or_a_clear_error(door, few):
    try:
        result = DOORS[door](FEW[few](cohort()))
    except ValueError as error:
        said = str(error)
        assert len(said) > 20 and "array" not in said and "shape" not in said and "nan" not in said
        return
    table = getattr(result, "table", result)
    if "conf_low" in table:
        known = table.dropna(subset=["estimate", "conf_low", "conf_high"])
        assert (known["conf_low"] <= known["estimate"] + 1e-12).all()
        assert (known["estimate"] <= known["conf_high"] + 1e-12).all()
        alone = known[(known["conf_low"] == known["conf_high"]) & (known["measure"] != "RMST")]
        assert alone.empty or any("too narrow" in note or "too short" in note for note in result.notes), alone


IMPOSSIBLE = {
    "negative": lambda d: d.assign(time=-d["time"], left=-d["left"], right=-d["right"]),
    "infinite": lambda d: d.assign(
        time=np.where(d["id"] == 4, np.inf, d["time"]), left=np.where(d["id"] == 4, np.inf, d["left"])
    ),
    "text": lambda d: d.assign(time=d["time"].astype(str), left=d["left"].astype(str)),
}


@pytest.mark.parametrize("impossible", IMPOSSIBLE)
@pytest.mark.parametrize("door", DOORS)
def test_impossible_times_are_refused(door, impossible):
    with pytest.raises(ValueError, match=r"time|left|right"):
        DOORS[door](IMPOSSIBLE[impossible](cohort()))


# ---------------------------------------------------------------------------------- R: time 0, ties, lone people


@pytest.fixture
def veteran() -> pd.DataFrame:
    data = read("veteran")
    number = np.arange(1, len(data) + 1)
    return data.assign(
        t0=np.maximum(np.floor((data["time"] - 20) / 10), 0),
        week=np.ceil(data["time"] / 100),
        hospital=number % 11,
        state=pd.Categorical.from_codes(data["status"] * (1 + number % 2), ["censored", "cancer", "other"]),
    )


def test_curves_from_time_0(veteran):
    names = ["estimate", "std_error", "conf_low", "conf_high"]
    km = survival.kaplan_meier(veteran, "t0", "status", by="trt").at([0, 5, 20])
    np.testing.assert_allclose(km[names].to_numpy().T.ravel(), reference("own.doors.km"), rtol=1e-12)
    na = survival.nelson_aalen(veteran, "t0", "status").at([0, 5, 20])
    np.testing.assert_allclose(na[names[:2]].to_numpy().T.ravel(), reference("own.doors.na"), rtol=1e-12)
    cif = survival.cumulative_incidence(veteran, "t0", "state").at([0, 5, 20])
    np.testing.assert_allclose(cif[names[:2]].to_numpy().T.ravel(), reference("own.doors.cif"), rtol=1e-11)
    means = survival.rmst(veteran, "t0", "status", tau=20, by="trt").table[:2]
    np.testing.assert_allclose(means[names[:2]].to_numpy().T.ravel(), reference("own.doors.rmst"), rtol=1e-12)


def test_tests_from_time_0(veteran):
    plain = survival.logrank(veteran, "t0", "status", "trt").statistic
    stratified = survival.logrank(veteran, "t0", "status", "trt", strata="celltype").statistic
    np.testing.assert_allclose([plain, stratified], reference("own.doors.logrank"), rtol=1e-10)
    gray = survival.cumulative_incidence(veteran, "t0", "state", by="trt").gray_test()
    np.testing.assert_allclose(gray["statistic"], reference("own.doors.gray"), rtol=1e-10)


@pytest.mark.parametrize(
    ("identifier", "formula", "options"),
    [
        ("own.doors.cox.efron", "karno + age", {"time": "t0"}),
        ("own.doors.cox.breslow", "karno + age", {"time": "t0", "ties": "breslow"}),
        ("own.doors.cox.exact", "karno + age", {"time": "t0", "ties": "exact"}),
        ("own.doors.cox.tied", "karno + trt", {"time": "week"}),
        (
            "own.doors.cox.strata",
            "karno + trt",
            {"time": "time", "strata": ["age", "celltype"], "cluster": "hospital"},
        ),
    ],
)
def test_cox_of_ties_and_lone_people(veteran, identifier, formula, options):
    fit = survival.cox(formula, veteran, event="status", **options)
    found = np.r_[fit.coefficients, np.sqrt(np.diag(fit.covariance)), fit.loglik_null, fit.loglik]
    np.testing.assert_allclose(found, reference(identifier), rtol=1e-8)


def test_fine_gray_from_time_0(veteran):
    """As crr of all times a month later: at 0 itself its G(t-) is not 1."""
    fit = survival.fine_gray("karno + age", veteran, time="t0", event="state", cause="cancer")
    found = np.r_[fit.coefficients, np.sqrt(np.diag(fit.covariance)), fit.loglik, fit.loglik_null]
    np.testing.assert_allclose(found, reference("own.doors.crr"), rtol=1e-8)
