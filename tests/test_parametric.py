"""Parametric models of times against R (validation/), by hand, by their properties, and at their limits."""

import numpy as np
import pandas as pd
import pytest
from golden import VALIDATION, read, reference
from hypothesis import given, settings
from hypothesis import strategies as st

from dermcohort.regression import contrast, poisson
from dermcohort.survival import ParametricFit, parametric, split_time
from dermcohort.survival.error_distributions import (
    EXTREME_VALUE,
    LOGISTIC,
    NORMAL,
    generalized_gamma,
)
from dermcohort.survival.location_scale import CensoredRows, evaluate, log_probability
from dermcohort.validate import validate

OUTCOME = {"time": "time", "event": "status"}
ENDS = {"left": "l", "right": "r"}
SURVREG = ["weibull", "lognormal", "loglogistic", "exponential"]


def check(found, identifier, rtol=1e-8, atol=1e-11):
    np.testing.assert_allclose(np.asarray(found, float), reference(identifier), rtol=rtol, atol=atol)


def errors(fit) -> np.ndarray:
    return np.sqrt(np.diag(fit.covariance))


def all_of(fit) -> list[float]:
    return [*fit.coefficients, *errors(fit), fit.loglik]


@pytest.fixture(scope="module")
def veteran() -> pd.DataFrame:
    data = read("veteran")
    number = np.arange(1, len(data) + 1)
    levels = ["squamous", "adeno", "large", "smallcell"]
    return data.assign(
        w=1 + number % 3, village=number % 23, celltype=pd.Categorical(data["celltype"], levels)
    )


@pytest.fixture(scope="module")
def pbc() -> pd.DataFrame:
    data = read("pbc").dropna(subset=["copper"])
    return data.assign(
        dead=data["status"] == 2,
        female=(data["sex"] == "f").astype(float),
        log_bili=np.log(data["bili"]),
        w=1 + (data["age"] > 50),
    )


@pytest.fixture(scope="module")
def heart() -> pd.DataFrame:
    return read("heart")


@pytest.fixture(scope="module")
def visits() -> pd.DataFrame:
    """As in validation/own/parametric.R."""
    no = np.nan
    return pd.DataFrame(
        {
            "l": [no, 2, 3, 3, 5, 1, no, 4, 6, 2, 8, 5, 7, 1, no, 9, 10, 3, 6, 4, 2, no, 12, 5],
            "r": [2, 5, no, 3, 9, 4, 1, no, 8, 2, no, 7, 7, 3, 3, no, 14, 5, no, 6, 2.5, 4, no, 11],
            "x": [
                0.2, 1.1, -0.5, 0.3, -1.2, 0.8, 1.5, -0.7, -0.2, 0.4, -1.6, 0.1,
                -0.3, 0.9, 0.6, -1.0, -0.4, 0.7, 0.0, -0.1, 1.3, 0.5, -1.9, 0.2,
            ],
            "g": [0, 1] * 12,
            "w": [1, 2, 3] * 8,
        }
    )  # fmt: skip


# ------------------------------------------------------------------------------------- against R


def test_golden_values():
    ids = ["weib.lung", "aft.lognormal", "aft.loglogistic", "aft.exponential", "aft.ic", "tobit"]
    found = validate(VALIDATION, [*ids, "lod.lognormal.mle", "pwexp"])
    assert found["ok"].all() and len(found) == 51


@pytest.mark.parametrize("distribution", SURVREG)
def test_survreg(distribution, pbc, visits, veteran):
    fit = parametric("female + log_bili + age", pbc, time="time", event="dead", distribution=distribution)
    check(all_of(fit), f"own.aft.pbc.{distribution}")
    check(
        all_of(parametric("x + g", visits, distribution=distribution, **ENDS)),
        f"own.aft.visits.{distribution}",
    )


@pytest.mark.parametrize("distribution", SURVREG)
def test_weights_and_robust_variances(distribution, veteran):
    fits = [
        parametric("trt + karno", veteran, distribution=distribution, weights="w", **OUTCOME, **more)
        for more in ({"robust": False}, {}, {"cluster": "village"})
    ]
    assert [fit.robust for fit in fits] == [None, "HC0", "CR1"]
    # survreg's coefficients do not have the scale, its covariance does
    found = [*fits[0].coefficients[:3], *np.concatenate([errors(fit) for fit in fits]), fits[0].loglik]
    check(found, f"own.aft.weights.{distribution}")


def test_levels_of_a_category(veteran):
    fit = parametric("celltype + karno", veteran, **OUTCOME)
    check(all_of(fit), "own.aft.factor")
    reference_row = fit.table.iloc[0]
    assert reference_row["level"] == "squamous" and reference_row["estimate"] == 1
    assert fit.table["events"][:4].sum() == fit.events == 128


def test_weibull_hazard_ratios(veteran):
    table = parametric("trt + karno", veteran, **OUTCOME).hazard_ratios().table
    check([*table["coef"], *table["std_error"]], "own.aft.hr")
    assert (table["measure"] == "HR").all()


def test_values_between_limits(visits):
    fit = parametric("x + g", visits, distribution="gaussian", weights="w", robust=False, **ENDS)
    check(all_of(fit), "own.aft.visits.gaussian")
    assert set(fit.table["measure"]) == {"difference"}
    assert "3 exact" in " ".join(fit.notes)


def test_quantiles(veteran):
    people = pd.DataFrame({"trt": [1, 2], "karno": [40, 80]})
    found = []
    for distribution in ("weibull", "lognormal", "loglogistic"):
        fit = parametric("trt + karno", veteran, distribution=distribution, **OUTCOME)
        at = fit.quantile(people, [0.1, 0.5, 0.9])
        found += [*at["estimate"], *at["std_error"]]
        np.testing.assert_allclose(fit.predict(people), at.loc[at["quantile"] == 0.5, "estimate"], rtol=1e-12)
    check(found, "own.aft.quantile")


def test_survival(veteran):
    fit = parametric("trt + karno", veteran, distribution="lognormal", **OUTCOME)
    at = fit.survival(pd.DataFrame({"trt": [1], "karno": [60]}), [30, 180])
    check(at[["estimate", "std_error", "conf_low", "conf_high"]].to_numpy().T.ravel(), "own.aft.survival")


@pytest.mark.parametrize("distribution", ["weibull", "lognormal", "loglogistic"])
def test_delayed_entry(distribution, heart):
    fit = parametric(
        "age + surgery", heart, time="stop", event="event", entry="start", distribution=distribution
    )
    check(all_of(fit), f"own.aft.entry.{distribution}")


def test_generalized_gamma(veteran, pbc, heart):
    fit = parametric("trt + karno", veteran, distribution="generalized_gamma", **OUTCOME)
    check(all_of(fit), "own.gengamma.veteran")
    person = pd.DataFrame({"trt": [1], "karno": [60]})
    parts = [fit.survival(person, 90), fit.quantile(person)]
    check([p[name].iloc[0] for p in parts for name in ("estimate", "std_error")], "own.gengamma.survival")
    weighted = parametric(
        "female + log_bili",
        pbc,
        time="time",
        event="dead",
        distribution="generalized_gamma",
        weights="w",
        robust=False,
    )
    check(all_of(weighted), "own.gengamma.pbc")
    late = parametric(
        "age + surgery", heart, time="stop", event="event", entry="start", distribution="generalized_gamma"
    )
    check(all_of(late), "own.gengamma.entry")


def test_piecewise_exponential_with_late_entry(heart):
    data = split_time(heart, "stop", "event", [30, 90, 365], entry="start")
    data["log_time"] = np.log(data["stop"] - data["start"])
    fit = poisson("event ~ C(episode) + age + surgery", data, offset="log_time", robust=False)
    check([*fit.coefficients, *errors(fit)], "own.pwexp.entry")


# ------------------------------------------------------------------------------------- by hand


def test_exponential_by_hand():
    """6 events in 2 + 4 + 6 + 8 + 10 + 10 + 20 = 60 years: mean time 10, its logarithm with error 1 / sqrt(6)."""
    data = pd.DataFrame({"years": [2, 4, 6, 8, 10, 10, 20], "died": [1, 1, 1, 1, 1, 1, 0]})
    fit = parametric("1", data, time="years", event="died", distribution="exponential")
    assert fit.coefficients["Intercept"] == pytest.approx(np.log(10), rel=1e-12)
    assert errors(fit)[0] == pytest.approx(1 / np.sqrt(6), rel=1e-12)
    assert fit.loglik == pytest.approx(-6 * np.log(10) - 6, rel=1e-12)
    assert fit.scale == 1 and list(fit.coefficients.index) == ["Intercept"]
    nobody = pd.DataFrame(index=[0])
    at = fit.survival(nobody, [0, 10])
    assert at["estimate"].tolist() == pytest.approx([1, np.exp(-1)]) and at["std_error"].iloc[0] == 0
    assert fit.predict(nobody)[0] == pytest.approx(10 * np.log(2))


def test_lognormal_of_exact_times_is_least_squares(veteran):
    died = veteran[veteran["status"] == 1]
    fit = parametric("karno", died, distribution="lognormal", **OUTCOME)
    X = np.column_stack([np.ones(len(died)), died["karno"]])
    beta, rss = np.linalg.lstsq(X, np.log(died["time"]), rcond=None)[:2]
    np.testing.assert_allclose(fit.coefficients[:2], beta, rtol=1e-9)
    assert fit.scale == pytest.approx(np.sqrt(rss[0] / len(died)), rel=1e-9)


# ------------------------------------------------------------------------------------- properties


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 1000), distribution=st.sampled_from([*SURVREG, "generalized_gamma"]))
def test_order_of_rows_and_frequency_weights(seed, distribution, veteran):
    shuffled = veteran.sample(frac=1, random_state=seed)
    twice = pd.concat([shuffled, shuffled[shuffled["w"] > 1], shuffled[shuffled["w"] > 2]])
    a = parametric("trt + karno", shuffled, weights="w", robust=False, distribution=distribution, **OUTCOME)
    b = parametric("trt + karno", twice, distribution=distribution, **OUTCOME)
    np.testing.assert_allclose(all_of(a), all_of(b), rtol=1e-8, atol=1e-11)


@pytest.mark.parametrize("distribution", [*SURVREG, "generalized_gamma"])
def test_unit_of_time_moves_the_intercept_only(distribution, veteran):
    months = veteran.assign(time=veteran["time"] / 30)
    a, b = (parametric("trt + karno", d, distribution=distribution, **OUTCOME) for d in (veteran, months))
    shift = np.zeros(len(a.coefficients))
    shift[0] = np.log(30)
    np.testing.assert_allclose(a.coefficients - b.coefficients, shift, atol=1e-7)
    assert a.loglik - b.loglik == pytest.approx(-128 * np.log(30), rel=1e-9)


def test_time_and_event_are_left_and_right(veteran):
    ends = veteran.assign(
        l=veteran["time"], r=veteran["time"].astype(float).where(veteran["status"] == 1, np.inf)
    )
    a, b = parametric("trt", veteran, **OUTCOME), parametric("trt", ends, **ENDS)
    np.testing.assert_allclose(all_of(a), all_of(b), rtol=1e-12)


def test_entry_makes_episodes_of_a_person_add_up(veteran):
    whole = parametric("karno", veteran, **OUTCOME)
    parts = split_time(veteran, "time", "status", [50, 150])
    np.testing.assert_allclose(
        all_of(parametric("karno", parts, entry="entry", **OUTCOME)), all_of(whole), rtol=1e-8
    )


def test_an_interval_begins_at_entry(visits):
    """Known to be at risk from 1 on and before 2: the same as an interval from 1."""
    rows = visits.assign(late=np.where(visits["l"].isna() & (visits["r"] > 1), 0.5, 0.0))
    begun = rows.assign(l=rows["l"].where(rows["late"] == 0, 0.5))
    a, b = (parametric("x", d, entry="late", **ENDS) for d in (rows, begun))
    np.testing.assert_allclose(all_of(a), all_of(b), rtol=1e-12)


@pytest.mark.parametrize(("distribution", "Q"), [("weibull", 1.0), ("lognormal", 0.0)])
def test_generalized_gamma_holds_the_others(distribution, Q, veteran):
    z = np.linspace(-4, 2, 13)
    gamma = generalized_gamma(Q)
    named = NORMAL if Q == 0 else EXTREME_VALUE
    for part in ("log_density", "slope", "curvature", "log_survival", "log_distribution"):
        np.testing.assert_allclose(getattr(gamma, part)(z), getattr(named, part)(z), rtol=1e-11, atol=1e-15)
    wider = parametric("trt + karno", veteran, distribution="generalized_gamma", **OUTCOME)
    assert wider.loglik > parametric("trt + karno", veteran, distribution=distribution, **OUTCOME).loglik


@pytest.mark.parametrize("Q", [-2.0, -0.3, -0.01, 1e-4, 0.01, 0.3, 2.0])
def test_generalized_gamma_is_smooth_and_consistent(Q):
    """f is the derivative of F; near Q = 0 it is near the normal."""
    d, z, step = generalized_gamma(Q), np.array([-1.5, -0.2, 0.4, 1.1]), 1e-5
    slope = (np.exp(d.log_distribution(z + step)) - np.exp(d.log_distribution(z - step))) / (2 * step)
    np.testing.assert_allclose(slope, np.exp(d.log_density(z)), rtol=1e-6)
    np.testing.assert_allclose(np.exp(d.log_survival(z)) + np.exp(d.log_distribution(z)), 1, rtol=1e-12)
    np.testing.assert_allclose(d.quantile(np.exp(d.log_distribution(z))), z, rtol=1e-8)
    if abs(Q) < 1e-3:
        np.testing.assert_allclose(d.log_survival(z), NORMAL.log_survival(z), rtol=1e-3)


@pytest.mark.parametrize("errors_", [NORMAL, LOGISTIC, EXTREME_VALUE, generalized_gamma(-0.7)])
@pytest.mark.parametrize("h", [0.4, 2.0])
def test_derivatives_are_those_of_the_likelihood(errors_, h):
    rng = np.random.default_rng(1)
    X = np.column_stack([np.ones(40), rng.normal(size=40)])
    low = rng.normal(size=40)
    high = low + np.tile([0.0, 0.5, 2.0, np.inf], 10)
    low = np.where(np.arange(40) % 8 == 1, -np.inf, low)
    entry = np.where(np.isfinite(low) & (np.arange(40) % 3 == 0), low - 0.4, -np.inf)
    rows = CensoredRows(X, low, high, rng.uniform(0.5, 2, 40), entry)
    at = np.array([0.3, -0.6, h])

    def around(function):
        return np.array([(function(at + e) - function(at - e)) / 2e-5 for e in np.eye(3) * 1e-5])

    here = evaluate(rows, errors_, at[:2], h)
    score = around(lambda p: evaluate(rows, errors_, p[:2], p[2]).loglik)
    information = -around(lambda p: evaluate(rows, errors_, p[:2], p[2]).score)
    np.testing.assert_allclose(here.score, score, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(here.information, information, rtol=1e-6, atol=1e-6)


def test_tails_keep_their_digits():
    """log P of intervals far out, where P itself would be 0 or lose its digits."""
    yes = np.array([True])
    found = log_probability(NORMAL, np.array([30.0]), np.array([31.0]), yes, yes)[0]
    # log(phi(30) / 30 * (1 - 1/900 + 3/900^2 - ...)): the asymptotic series of Mills' ratio
    assert found == pytest.approx(
        -450 - 0.5 * np.log(2 * np.pi) - np.log(30) + np.log1p(-1 / 900 + 3 / 900**2 - 15 / 900**3), rel=1e-11
    )
    mirrored = log_probability(NORMAL, np.array([-31.0]), np.array([-30.0]), yes, yes)[0]
    assert mirrored == pytest.approx(found, rel=1e-14)
    weibull = log_probability(EXTREME_VALUE, np.array([-800.0]), np.array([-700.0]), yes, yes)[0]
    assert weibull == pytest.approx(-700, rel=1e-14)


def test_contrasts_and_storage(tmp_path, veteran):
    fit = parametric("celltype + karno", veteran, **OUTCOME)
    pair = contrast(fit, "celltype", "large", "squamous").table.iloc[0]
    assert pair["coef"] == pytest.approx(fit.coefficients["celltype[T.large]"])
    loaded = ParametricFit.load(fit.save(tmp_path / "fit"))
    assert loaded.scale == fit.scale and loaded.unbounded == ()
    with pytest.raises(ValueError, match="fit the model again"):
        loaded.hazard_ratios()
    with pytest.raises(ValueError, match="fit the model again"):
        loaded.survival(veteran, 10)


# ------------------------------------------------------------------------------------- limits


def test_missing_values_are_counted_and_open_ends_are_not(visits):
    rows = visits.assign(x=visits["x"].where(visits.index != 4))
    rows.loc[6, ["l", "r"]] = np.nan
    rows.loc[7, ["l", "r"]] = [0, np.inf]  # says nothing either
    fit = parametric("x", rows, **ENDS)
    assert (fit.n, fit.n_missing) == (21, {"x": 1, "l": 2, "r": 2})
    assert "3 of 24 rows left out for missing values" in fit.notes[0]
    zero = parametric("x", visits.assign(l=visits["l"].fillna(0)), **ENDS)
    np.testing.assert_allclose(all_of(zero), all_of(parametric("x", visits, **ENDS)), rtol=1e-12)


def test_index_need_not_be_unique(visits):
    again = visits.set_index(np.zeros(len(visits), int))
    np.testing.assert_allclose(
        all_of(parametric("x", again, **ENDS)), all_of(parametric("x", visits, **ENDS))
    )


def test_nothing_left_to_vary_is_refused():
    same = pd.DataFrame({"l": [2.0] * 8, "r": [4.0] * 8, "time": [3.0] * 8, "died": [1] * 8})
    for outcome in ({"left": "l", "right": "r"}, {"time": "time", "event": "died"}):
        for rows in (same, same.head(1)):
            with pytest.raises(ValueError, match="the scale goes to 0"):
                parametric("1", rows, **outcome)
    # the exponential has no scale
    fit = parametric("1", same.head(1), time="time", event="died", distribution="exponential")
    assert fit.coefficients["Intercept"] == pytest.approx(np.log(3)) and fit.n == 1


def test_no_event(veteran):
    with pytest.raises(ValueError, match="'status' never happens among the 137 complete rows"):
        parametric("trt", veteran.assign(status=0), **OUTCOME)
    with pytest.raises(ValueError, match="no row has an end in 'r'"):
        parametric("1", pd.DataFrame({"l": [1.0, 2.0], "r": [np.nan, np.inf]}), **ENDS)


def test_no_event_in_a_level():
    data = pd.DataFrame(
        {"years": [1, 2, 3, 4, 5, 6, 7, 8], "died": [1, 0, 1, 1, 0, 0, 0, 0], "safe": [0] * 4 + [1] * 4}
    )
    fit = parametric("safe", data, time="years", event="died")
    row = fit.table.iloc[0]
    assert (row["estimate"], row["conf_low"], row["conf_high"]) == (np.inf, 0, np.inf)
    assert fit.unbounded == ("safe",) and "no finite estimate" in fit.notes[-1]
    assert fit.hazard_ratios().table["estimate"].tolist() == [0]


def test_bad_input(veteran, visits):
    def refused(message, data=veteran, formula="trt", **arguments):
        with pytest.raises(ValueError, match=message):
            parametric(formula, data, **arguments)

    refused("'time' is 0 or below in 1 rows", veteran.assign(time=[0, *veteran["time"][1:]]), **OUTCOME)
    refused("'r' is 0 or below", visits.assign(r=0.0, l=np.nan), "x", **ENDS)
    refused("'l' is 0 or below", visits.assign(l=-1.0), "x", **ENDS)
    refused("'l' is above 'r' in", visits.assign(l=visits["l"] + 3), "x", **ENDS)
    refused("by time= and event=, or by left= and right=", time="time")
    refused("by time= and event=, or by left= and right=", **OUTCOME, left="karno", right="age")
    refused("distribution='weibul' is unknown", distribution="weibul", **OUTCOME)
    refused("'CR2' is not available here: use CR0, CR1 or CR1S", cluster="village", robust="CR2", **OUTCOME)
    refused("has no column 'tim'", time="tim", event="status")
    refused("'celltype' must be a number", time="celltype", event="status")
    refused("is infinite in 1 rows", veteran.assign(time=[np.inf, *veteran["time"][1:]]), **OUTCOME)
    refused("not after 'late'", veteran.assign(late=100), entry="late", **OUTCOME)
    refused("must be finite and not negative", veteran.assign(late=-1), entry="late", **OUTCOME)
    fit = parametric("trt", veteran, distribution="lognormal", **OUTCOME)
    for call, message in (
        (lambda: fit.hazard_ratios(), "not proportional"),
        (lambda: fit.survival(veteran, -1), "must not be negative"),
        (lambda: fit.survival(veteran, 1, ci="arcsin"), "ci='arcsin' is unknown"),
        (lambda: fit.quantile(veteran, 1), "between 0 and 1"),
        (lambda: fit.predict(veteran, "mean"), "choose median or lp"),
    ):
        with pytest.raises(ValueError, match=message):
            call()
    assert fit.predict(veteran, "lp")[0] == pytest.approx(fit.coefficients[:2].sum())
