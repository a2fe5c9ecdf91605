"""GEE and mixed models: cases worked by hand, properties, and data that are too thin."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.polynomial.hermite import hermgauss
from scipy.integrate import quad
from scipy.special import expit

from dermcohort import Estimates
from dermcohort.regression import gee, logistic, mixed_linear, mixed_logistic, mixed_poisson
from dermcohort.regression.correlated import sort_by_group
from dermcohort.regression.families import LOGIT, POISSON
from dermcohort.regression.random_intercept import RandomInterceptData, log_likelihood
from dermcohort.regression.working_correlation import STRUCTURES

seeds = given(seed=st.integers(0, 10_000))
few = settings(max_examples=10, deadline=None)


def visits(seed: int, n_people: int = 40) -> pd.DataFrame:
    """Up to five visits a person, some missing, of people who differ."""
    rng = np.random.default_rng(seed)
    person = np.repeat(np.arange(n_people), 5)
    data = pd.DataFrame({"person": person, "visit": np.tile(np.arange(5), n_people)})
    data["age"] = rng.normal(size=len(data)).round(3)
    data["treated"] = np.repeat(rng.permutation(np.arange(n_people) % 2), 5)
    level = 1.2 * np.repeat(rng.normal(size=n_people), 5)
    data["itch"] = (rng.random(len(data)) < expit(level - 0.3 + 0.4 * data["age"])).astype(int)
    data["flares"] = rng.poisson(np.exp(level / 2 + 0.3 * data["age"]))
    data["score"] = (level + 0.5 * data["age"] + rng.normal(size=len(data))).round(4)
    return data[rng.random(len(data)) < 0.8].reset_index(drop=True)


FITS = {
    "exchangeable": lambda d: gee("itch ~ age + treated", d, groups="person"),
    "ar1": lambda d: gee(
        "score ~ age", d, groups="person", family="gaussian", correlation="ar1", waves="visit"
    ),
    "unstructured": lambda d: gee(
        "itch ~ age",
        d,
        groups="person",
        correlation="unstructured",
        waves="visit",
        small_sample="mancl-derouen",
    ),
    "logistic": lambda d: mixed_logistic("itch ~ age", d, groups="person", quadrature=5),
    "poisson": lambda d: mixed_poisson("flares ~ age", d, groups="person"),
    "linear": lambda d: mixed_linear("score ~ age", d, groups="person"),
}


# ------------------------------------------------------------------------------------------ by hand


def test_gee_by_hand():
    """Five people, two visits, events 0, 0, 1, 1, 2: p = 0.4 and the Pearson residuals are (y - p) / sqrt(0.24).

    The mean square of the residuals is 1. Products of pairs: (2 x 0.16 - 2 x 0.24 + 0.36) / 5 / 0.24 = 1/6. Sums of
    residuals y - p of the people: -0.8, -0.8, 0.2, 0.2, 1.2, squares together 2.8; groups have one size, so that the
    variance of the log odds is 2.8 / (10 x 0.24)^2.
    """
    data = pd.DataFrame({"person": np.repeat(range(5), 2), "itch": [0, 0, 0, 0, 1, 0, 0, 1, 1, 1]})
    fit = gee("itch ~ 1", data, groups="person")
    assert fit.coefficients["Intercept"] == pytest.approx(np.log(0.4 / 0.6), rel=1e-12)
    assert fit.scale == pytest.approx(1, rel=1e-12)
    assert fit.correlation_parameter == pytest.approx(1 / 6, rel=1e-12)
    assert fit.covariance.iloc[0, 0] == pytest.approx(2.8 / 2.4**2, rel=1e-12)
    # the leverage of a group of five of one size is 1/5
    for kind, factor in (("mancl-derouen", (5 / 4) ** 2), ("kauermann-carroll", 5 / 4)):
        corrected = gee("itch ~ 1", data, groups="person", small_sample=kind)
        assert corrected.covariance.iloc[0, 0] == pytest.approx(factor * 2.8 / 2.4**2, rel=1e-12)


def test_linear_mixed_model_by_hand():
    """Balanced: sigma^2 is the mean square within, 0.5; the variance between (8 - 0.5) / 2; mean 3.5 with variance
    8 / 6 and groups less 1 degrees of freedom. Restricted log-likelihood without groups: 5 residuals of 17.5."""
    data = pd.DataFrame({"person": [1, 1, 2, 2, 3, 3], "score": [1.0, 2, 3, 4, 5, 6], "x": [0, 1] * 3})
    fit = mixed_linear("score ~ 1", data, groups="person")
    assert fit.random_sd**2 == pytest.approx(3.75, rel=1e-9)
    assert fit.residual_sd**2 == pytest.approx(0.5, rel=1e-9)
    assert fit.coefficients["Intercept"] == pytest.approx(3.5)
    assert fit.covariance.iloc[0, 0] == pytest.approx(8 / 6, rel=1e-9)
    assert fit.variation.set_index("measure").loc["ICC", "estimate"] == pytest.approx(3.75 / 4.25)


def test_likelihood_is_the_integral():
    """Two groups; 40 nodes against numerical integration of the density of the data over u."""
    y = np.array([0.0, 1, 1, 2, 0, 3])
    eta, code, sd = np.array([-0.2, 0.1, 0.3, 0.0, -0.4, 0.2]), np.array([0, 0, 0, 1, 1, 1]), 0.8
    for family, y_of, density in (
        (LOGIT, np.minimum(y, 1), lambda y, e: np.exp(y * e) / (1 + np.exp(e))),
        (POISSON, y, lambda y, e: np.exp(y * e - np.exp(e))),
    ):
        X = np.ones((6, 1))
        data = RandomInterceptData(family, X, y_of, np.ones(6), eta, sort_by_group(code)[1])
        found, _, _ = log_likelihood(data, np.array([0.1, sd]), hermgauss(40), np.zeros(2))
        expected = 0.0
        for g in (0, 1):
            rows = code == g

            def integrand(u, rows=rows, y_of=y_of, density=density):
                terms = density(y_of[rows], eta[rows] + 0.1 + sd * u)
                return np.prod(terms) * np.exp(-(u**2) / 2) / (2 * np.pi) ** 0.5

            expected += np.log(quad(integrand, -12, 12, epsabs=1e-14, epsrel=1e-13)[0])
        assert found == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("family", [LOGIT, POISSON])
@pytest.mark.parametrize("nodes", [1, 4])
def test_gradient_is_that_of_the_approximation(family, nodes):
    data = visits(3)
    y = data["itch" if family is LOGIT else "flares"].to_numpy(float)
    X = np.column_stack([np.ones(len(y)), data["age"]])
    grouping = sort_by_group(data["person"].to_numpy())[1]
    rows = RandomInterceptData(family, X, y, np.ones(len(y)), np.zeros(len(y)), grouping)

    def at(theta):
        return log_likelihood(rows, theta, hermgauss(nodes), np.zeros(grouping.n_groups))

    theta = np.array([0.2, -0.3, 0.9])
    numerical = [(at(theta + e)[0] - at(theta - e)[0]) / 2e-5 for e in 1e-5 * np.eye(3)]
    np.testing.assert_allclose(at(theta)[1], numerical, rtol=1e-6, atol=1e-7)


# --------------------------------------------------------------------------------------- properties


@seeds
@few
@pytest.mark.parametrize("kind", FITS)
def test_order_of_rows_and_names_of_groups_do_not_matter(kind, seed):
    data = visits(seed)
    mixed = data.sample(frac=1, random_state=seed)
    mixed["person"] = "p" + (1000 - mixed["person"]).astype(str)
    a, b = FITS[kind](data), FITS[kind](mixed)
    np.testing.assert_allclose(a.coefficients, b.coefficients, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(a.covariance, b.covariance, rtol=1e-5, atol=1e-8)
    assert a.loglik == pytest.approx(b.loglik, rel=1e-9)


@seeds
@few
def test_groups_of_one_row_are_independent_rows(seed):
    data = visits(seed).assign(row=lambda d: np.arange(len(d)))
    expected = logistic("itch ~ age + treated", data, robust="HC0")
    for correlation in STRUCTURES:
        fit = gee("itch ~ age + treated", data, groups="row", correlation=correlation)
        np.testing.assert_allclose(fit.coefficients, expected.coefficients, rtol=1e-7, atol=1e-9)
        np.testing.assert_allclose(fit.covariance, expected.covariance, rtol=1e-6)
        np.testing.assert_allclose(fit.table["conf_low"], expected.table["conf_low"], rtol=1e-7)


@seeds
@few
@pytest.mark.parametrize("correlation", ["exchangeable", "ar1", "unstructured"])
def test_products_are_those_of_the_dense_inverse(correlation, seed):
    rng = np.random.default_rng(seed)
    data = visits(seed, 12)
    grouping = sort_by_group(data["person"].to_numpy(), data["visit"].to_numpy())[1]
    structure = STRUCTURES[correlation](grouping)
    waves = np.arange(5)
    alpha = rng.uniform(-0.2, 0.8)
    R = {
        "exchangeable": np.full((5, 5), alpha),
        "ar1": alpha ** np.abs(waves[:, None] - waves),
        "unstructured": np.corrcoef(rng.normal(size=(5, 20))),
    }[correlation]
    np.fill_diagonal(R, 1.0)
    V = rng.normal(size=(len(data), 3))
    seen = np.unique(grouping.wave)
    found = structure.inverse(R[np.ix_(seen, seen)] if correlation == "unstructured" else alpha)(V)
    for start, size in zip(grouping.starts, grouping.sizes, strict=True):
        rows = slice(start, start + size)
        wave = grouping.wave[rows]
        np.testing.assert_allclose(found[rows], np.linalg.solve(R[np.ix_(wave, wave)], V[rows]), rtol=1e-8)


def test_an_offset_shifts_the_intercept():
    data = visits(5).assign(half=np.log(0.5))
    for fit in (
        lambda **offset: gee("flares ~ age", data, groups="person", family="poisson", **offset),
        lambda **offset: mixed_poisson("flares ~ age", data, groups="person", **offset),
    ):
        without, with_half = fit(), fit(offset="half")
        shift = with_half.coefficients - without.coefficients
        np.testing.assert_allclose(shift, [np.log(2), 0], atol=1e-7)
        np.testing.assert_allclose(with_half.predict(data), without.predict(data), rtol=1e-6)


def test_predictions_of_mixed_models():
    data = visits(7)
    poisson = mixed_poisson("flares ~ age", data, groups="person")
    ratio = poisson.predict(data) / poisson.predict(data, "conditional")
    np.testing.assert_allclose(ratio, np.exp(poisson.random_sd**2 / 2), rtol=1e-9)
    fit = mixed_logistic("itch ~ age", data, groups="person", quadrature=9)
    one = pd.DataFrame({"age": [0.5, np.nan]})
    eta = fit.coefficients @ [1, 0.5]
    density = lambda u: expit(eta + fit.random_sd * u) * np.exp(-(u**2) / 2) / (2 * np.pi) ** 0.5  # noqa: E731
    assert fit.predict(one)[0] == pytest.approx(quad(density, -12, 12)[0], rel=1e-8)
    assert np.isnan(fit.predict(one)[1])
    assert fit.predict(one, "conditional")[0] == pytest.approx(expit(eta))
    with pytest.raises(ValueError, match="kind='mean' is unknown"):
        fit.predict(one, "mean")


def test_what_the_variation_between_groups_means():
    fit = mixed_logistic("itch ~ age", visits(7), groups="person", quadrature=9)
    rows = fit.variation.set_index("measure")["estimate"]
    sd = fit.random_sd
    assert rows["random SD"] == sd
    assert rows["ICC"] == pytest.approx(sd**2 / (sd**2 + np.pi**2 / 3))
    # Larsen & Merlo (2005): exp(0.95 sd)
    assert rows["median OR"] == pytest.approx(np.exp(0.6744897501960817 * 2**0.5 * sd))
    assert list(mixed_poisson("flares ~ 1", visits(7), groups="person").variation["measure"]) == [
        "random SD",
        "median IRR",
    ]


@pytest.mark.parametrize("kind", FITS)
def test_fits_are_saved_and_read_again(kind, tmp_path):
    fit = FITS[kind](visits(2))
    again = Estimates.load(fit.save(tmp_path / "fit"))
    assert type(again) is type(fit)
    pd.testing.assert_frame_equal(again.table, fit.table)
    for name in ("correlation_parameter", "random_sd", "variation", "qic", "notes"):
        a, b = getattr(fit, name, None), getattr(again, name, None)
        if isinstance(a, pd.DataFrame):
            pd.testing.assert_frame_equal(a, b)
        else:
            assert a == b
    assert fit.to_markdown()


# ------------------------------------------------------------------------------------- thin and bad


def test_no_variation_between_groups_is_the_ordinary_fit():
    """Every group has the same rows: a standard deviation of 0 is the maximum."""
    block = pd.DataFrame({"x": [0, 0, 1, 1, 2, 2], "y": [0, 1, 0, 1, 1, 1], "count": [1, 0, 2, 1, 3, 2]})
    data = pd.concat([block.assign(site=i) for i in range(6)], ignore_index=True)
    fit = mixed_logistic("y ~ x", data, groups="site", quadrature=5)
    plain = logistic("y ~ x", data)
    assert fit.random_sd == 0
    np.testing.assert_allclose(fit.coefficients, plain.coefficients, rtol=1e-7)
    np.testing.assert_allclose(fit.covariance, plain.covariance, rtol=1e-6)
    assert fit.loglik == pytest.approx(plain.loglik)
    assert fit.variation["estimate"].tolist() == [0, 0, 1]
    assert fit.variation["p_value"].tolist() == [1, 1, 1]
    assert any("estimated as 0" in note for note in fit.notes)
    assert mixed_poisson("count ~ x", data, groups="site").random_sd == 0
    linear = mixed_linear("count ~ x", data, groups="site")
    assert linear.random_sd == pytest.approx(0, abs=1e-6)
    assert any("edge of what is possible" in note for note in linear.notes)
    ordinary = np.polyfit(data["x"], data["count"], 1)
    np.testing.assert_allclose(linear.coefficients, ordinary[::-1], rtol=1e-9)


def test_counts_that_differ_a_thousandfold_between_groups():
    """The coefficients of independent rows are no place to start from here: the intercept falls by 4."""
    counts = [2, 0, 39, 0, 0, 0, 0, 0, 0, 1, 0, 5, 0, 5, 0, 0, 0, 0, 147, 2, 11, 0, 0, 0]
    data = pd.DataFrame({"site": range(24), "flares": counts})
    fits = [mixed_poisson("flares ~ 1", data, groups="site", quadrature=nodes) for nodes in (1, 25, 60)]
    assert all(2 < fit.random_sd < 6 for fit in fits)
    assert fits[1].loglik == pytest.approx(fits[2].loglik, rel=1e-3)
    assert all("did not converge" not in " ".join(fit.notes) for fit in fits)


def test_few_groups_are_named():
    data = visits(1, 10)
    assert any("Few clusters: 10" in note and "mancl" in note for note in FITS["exchangeable"](data).notes)
    assert any("Few groups: 10" in note and "as a factor" in note for note in FITS["logistic"](data).notes)
    assert any("Few groups: 10" in note for note in FITS["linear"](data).notes)


def test_small_groups_ask_for_more_nodes():
    fit = mixed_logistic("itch ~ age", visits(4, 60).query("visit < 3"), groups="person")
    assert fit.random_sd > 0
    assert any("Laplace's approximation is rough" in note for note in fit.notes)


def test_rows_without_a_group_are_left_out():
    data = visits(1).assign(person=lambda d: d["person"].where(d.index >= 6, np.nan))
    for fit in (FITS["exchangeable"](data), FITS["logistic"](data), FITS["linear"](data)):
        assert fit.n == len(data) - 6
        assert fit.n_missing["person"] == 6
    without_waves = gee("itch ~ age", data, groups="person", correlation="ar1")
    assert any("give waves=" in note for note in without_waves.notes)


def test_separation():
    data = visits(1).assign(rash=lambda d: d["itch"].where(d["visit"] > 0, 1) * (d["visit"] > 2))
    data["late"] = (data["visit"] > 2).astype(int)
    fit = gee("rash ~ late", data, groups="person")
    row = fit.table.iloc[0]
    assert (row["estimate"], row["conf_low"], row["conf_high"]) == (np.inf, 0, np.inf)
    assert any(note.startswith("Separation") and "(late = 0: 0 events among " in note for note in fit.notes)
    with pytest.raises(ValueError, match=r"separation: the outcome is determined by .*late"):
        mixed_logistic("rash ~ late", data, groups="person")


GOOD = visits(1)
BAD = {
    "one group": (lambda d: gee("itch ~ age", d.assign(site="a"), groups="site"), "are in one group of 'site'"),
    "one group, mixed": (lambda d: mixed_linear("score ~ age", d.assign(s=1), groups="s"), "in one group of 's'"),
    "no events": (lambda d: gee("zero ~ age", d.assign(zero=0), groups="person"), "'zero' is 0 in all"),
    "all events": (lambda d: mixed_logistic("one ~ age", d.assign(one=1), groups="person"), "'one' is 1 in all"),
    "no counts": (lambda d: mixed_poisson("zero ~ age", d.assign(zero=0), groups="person"), "'zero' is 0 in all"),
    "constant": (lambda d: mixed_linear("c ~ age", d.assign(c=2.5), groups="person"), "'c' is 2.5 in all"),
    "negative": (lambda d: gee("score ~ age", d, groups="person", family="poisson"), "must be a number of events"),
    "text": (lambda d: mixed_linear("w ~ age", d.assign(w="a"), groups="person"), "'w' must be a number"),
    "not binary": (lambda d: gee("visit ~ age", d, groups="person"), "must be 0/1, bool or yes/no"),
    "family": (lambda d: gee("itch ~ age", d, groups="person", family="binomal"), "Did you mean 'binomial'"),
    "structure": (
        lambda d: gee("itch ~ age", d, groups="person", correlation="ar(1)"),
        "correlation='ar\\(1\\)' is unknown",
    ),
    "correction": (
        lambda d: gee("itch ~ age", d, groups="person", small_sample="morel"),
        "small_sample='morel' is unknown; choose one of mancl-derouen, kauermann-carroll",
    ),
    "unknown group": (lambda d: gee("itch ~ age", d, groups="persn"), "no column 'persn'. Did you mean 'person'"),
    "waves in parts": (lambda d: gee("itch ~ 1", d, groups="person", waves="age"), "must be whole numbers"),
    "waves twice": (
        lambda d: gee("itch ~ age", d.assign(wave=1), groups="person", waves="wave"),
        "rows have the same 'wave' as another row",
    ),
    "waves as days": (
        lambda d: gee("itch ~ age", d.assign(day=d["visit"] * 10**7), groups="person", waves="day"),
        "number the visits",
    ),
    "more coefficients than groups": (
        lambda d: gee("itch ~ age", d[d["person"] < 2], groups="person", small_sample="mancl-derouen"),
        "needs more groups \\(2\\) than coefficients \\(2\\)",
    ),
    "fitted without error": (
        lambda d: gee("y ~ age", d.assign(y=2 * d["age"] + 1), groups="person", family="gaussian"),
        "fitted without error",
    ),
    "fitted without error within groups": (
        lambda d: mixed_linear("y ~ age", d.assign(y=2 * d["age"] + d["person"]), groups="person"),
        "fitted without error",
    ),
    "groups of one row": (
        lambda d: mixed_linear("score ~ age", d.assign(row=range(len(d))), groups="row"),
        "no group of 'row' has more than 1 complete row:",
    ),
    "same within groups": (
        lambda d: mixed_logistic("treated ~ age", d, groups="person"),
        "the same in all rows of every group",
    ),
    "nodes": (lambda d: mixed_logistic("itch ~ age", d, groups="person", quadrature=0), "quadrature=0 must be"),
    "trials too few": (
        lambda d: mixed_logistic("flares ~ age", d.assign(m=1), groups="person", trials="m"),
        "that do not exceed 'm'",
    ),
    "trials zero": (
        lambda d: mixed_logistic("itch ~ age", d.assign(m=0), groups="person", trials="m"),
        "trials: 'm' must be whole numbers of 1 or more",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_input_says_what_is_wrong(case):
    fit, message = BAD[case]
    with pytest.raises(ValueError, match=message):
        fit(GOOD)


def test_a_working_correlation_that_cannot_be_is_named():
    """Waves 0 and 1 agree, 1 and 2 agree, 0 and 2 do not, each seen in other people."""
    pairs = [
        ((0, 1), (1, 1)),
        ((0, 1), (0, 0)),
        ((1, 2), (1, 1)),
        ((1, 2), (0, 0)),
        ((0, 2), (1, 0)),
        ((0, 2), (0, 1)),
    ]
    rows = [
        (person, wave, y)
        for person, (waves, values) in enumerate(pairs * 6)
        for wave, y in zip(waves, values, strict=True)
    ]
    rows += [(100, 0, 1), (100, 1, 0), (100, 2, 1)]
    data = pd.DataFrame(rows, columns=["person", "wave", "y"])
    fit = gee("y ~ 1", data, groups="person", correlation="unstructured", waves="wave")
    assert any("not positive definite" in note for note in fit.notes)
