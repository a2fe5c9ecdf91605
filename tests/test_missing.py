"""Multiple imputation and Rubin's rules: R's values, cases by hand, recovery of a known truth, thin data."""

import matplotlib
import numpy as np
import pandas as pd
import pytest
from golden import read, reference
from hypothesis import given, settings
from hypothesis import strategies as st

from dermcohort import Estimates, missing, prevalence, regression, survival
from dermcohort.estimates import FittedModel
from dermcohort.missing.categories import augment, fit_multinomial, fit_ordered
from dermcohort.missing.censored import draw_censored, fit_censored
from dermcohort.missing.draws import draw_linear, draw_pmm
from dermcohort.missing.rubin import rubin

matplotlib.use("agg")
few = settings(max_examples=10, deadline=None)


def linear_fit(data: pd.DataFrame, outcome: str, predictors: list[str]) -> FittedModel:
    """Least squares, as R's lm."""
    X = np.column_stack([np.ones(len(data)), data[predictors].to_numpy(float)])
    y = data[outcome].to_numpy(float)
    inverse = np.linalg.inv(X.T @ X)
    beta = inverse @ X.T @ y
    covariance = inverse * ((y - X @ beta) @ (y - X @ beta)) / (len(y) - X.shape[1])
    names = ["Intercept", *predictors]
    table = pd.DataFrame({"term": names, "measure": "slope", "estimate": beta, "coef": beta})
    return FittedModel(
        table.assign(std_error=np.sqrt(np.diag(covariance))),
        method="Linear regression.",
        n=len(y),
        coefficients=pd.Series(beta, names),
        covariance=pd.DataFrame(covariance, names, names),
        loglik=0.0,
    )


def lung_completed() -> list[pd.DataFrame]:
    """lung, completed five times by mice."""
    data = read("lung_completed").rename(columns={"wt.loss": "wt_loss", "meal.cal": "meal_cal"})
    return [part for _, part in data.groupby(".imp")]


def with_gaps(seed: int = 0, n: int = 120) -> pd.DataFrame:
    """Every kind of column, about a fifth of the values missing."""
    rng = np.random.default_rng(seed)
    age = rng.normal(50, 10, n).round(1)
    smoker = rng.random(n) < 0.5
    data = pd.DataFrame(
        {
            "age": age,
            "visits": pd.array(rng.poisson(3, n), "Int64"),
            "smoker": pd.array(smoker, "boolean"),
            "pack_years": np.where(smoker, rng.integers(1, 40, n), np.nan),
            "sex": pd.Categorical(np.where(rng.random(n) < 0.5, "female", "male")),
            "severity": pd.Categorical.from_codes(
                np.clip((age + rng.normal(0, 8, n) - 35) // 10, 0, 2).astype(int),
                ["mild", "moderate", "severe"],
                ordered=True,
            ),
            "skin": pd.Categorical(rng.choice(["dry", "oily", "normal"], n)),
            "height": rng.normal(1.7, 0.1, n),
            "weight": rng.normal(70, 10, n),
            "arsenic": np.exp(rng.normal(1, 1, n)),
        }
    )
    for name in data.columns.drop("pack_years"):
        data.loc[rng.random(n) < 0.2, name] = pd.NA if name in ("visits", "smoker") else np.nan
    data.loc[rng.random(n) < 0.2, "pack_years"] = np.nan
    return data


OPTIONS = {
    "only_where": {"pack_years": "smoker"},
    "derived": {"bmi": lambda d: d["weight"] / d["height"] ** 2},
    "limits": {"arsenic": 1.5},
}


# ------------------------------------------------------------------------------------- Rubin's rules


@pytest.mark.parametrize(
    ("identifier", "estimates", "variances", "df"),
    [
        ("mi.pool", [10, 11, 9.5, 10.4, 10.9], [1.2, 1.1, 1.3, 1.25, 1.15], 99),
        ("own.mi.scalar", [0.31, 0.28, 0.45, 0.39], [0.02, 0.025, 0.018, 0.022], 58),
        ("own.mi.scalar.inf", [0.31, 0.28, 0.45, 0.39], [0.02, 0.025, 0.018, 0.022], None),
    ],
)
def test_numbers_as_pool_scalar(identifier, estimates, variances, df):
    pooled = rubin(np.array(estimates), np.array(variances), np.inf if df is None else df)
    found = [pooled.estimate, pooled.within, pooled.between, pooled.total, pooled.df, pooled.increase,
             pooled.fraction]  # fmt: skip
    np.testing.assert_allclose(found, reference(identifier), rtol=1e-12)
    row = missing.pool(estimates, np.sqrt(variances), df=df).table.iloc[0]
    found = [row.coef, row.std_error**2, row.df, row.relative_increase, row.missing_information]
    np.testing.assert_allclose(found, reference(identifier)[[0, 3, 4, 5, 6]], rtol=1e-12)


def pooled_values(table: pd.DataFrame) -> np.ndarray:
    rows = table[table["std_error"].notna()]
    columns = ["coef", "std_error", "df", "relative_increase", "missing_information"]
    return rows[columns].to_numpy()


def test_logistic_fits():
    fits = [regression.logistic("dead ~ age + C(ecog) + wt_loss", d) for d in lung_completed()]
    pooled = missing.pool(fits)
    expected = reference("own.mi.logit").reshape(5, -1).T
    np.testing.assert_allclose(pooled_values(pooled.table), expected[1:], rtol=1e-8)
    np.testing.assert_allclose(pooled.coefficients, expected[:, 0], rtol=1e-8)
    np.testing.assert_allclose(np.sqrt(np.diag(pooled.covariance)), expected[:, 1], rtol=1e-8)
    assert set(pooled.table["measure"]) == {"OR"}
    age = pooled.table[pooled.table["term"] == "age"].iloc[0]
    assert age.estimate == pytest.approx(np.exp(age.coef))
    assert age.conf_low < age.estimate < age.conf_high
    reference_level = pooled.table[pooled.table["level"] == "0"].iloc[0]
    assert reference_level.estimate == 1 and np.isnan(reference_level.conf_low)


def test_hazard_ratios_take_events_for_the_complete_degrees_of_freedom():
    fits = [survival.cox("age + sex + meal_cal", d, time="time", event="dead") for d in lung_completed()]
    pooled = missing.pool(fits)
    np.testing.assert_allclose(
        pooled_values(pooled.table), reference("own.mi.cox").reshape(5, -1).T, rtol=1e-7
    )
    assert pooled.complete_df == 165 - 3
    assert set(pooled.table["measure"]) == {"HR"}


def test_linear_fits():
    fits = [linear_fit(d, "wt_loss", ["age", "meal_cal"]) for d in lung_completed()]
    np.testing.assert_allclose(
        pooled_values(missing.pool(fits).table), reference("own.mi.lm").reshape(5, -1).T, rtol=1e-8
    )


@pytest.mark.parametrize(
    ("identifier", "formula", "terms", "df", "k"),
    [
        ("own.mi.d1", "age + C(ecog) + wt_loss", "ecog", None, 5),
        ("own.mi.d1.all", "age + wt_loss + meal_cal", None, 224, 5),
        ("own.mi.d1.inf", "wt_loss + meal_cal", None, np.inf, 5),
        ("own.mi.d1.few", "wt_loss + meal_cal", None, np.inf, 3),
    ],
)
def test_d1(identifier, formula, terms, df, k):
    fits = [regression.logistic(f"dead ~ {formula}", d) for d in lung_completed()[:k]]
    row = missing.pool(fits, df=df).wald_test(terms).iloc[0]
    found = [row.statistic, row.df, row.df_denominator, row.p_value, row.relative_increase]
    np.testing.assert_allclose(found, reference(identifier), rtol=1e-8)


def test_two_numbers_by_hand():
    """Estimates 1 and 3 with variance 1: W = 1, B = 2, T = 1 + 1.5 x 2 = 4, r = 3, lambda = 3/4, df = 1 / (9/16).
    With complete df 3: 4/6 x 3 x 1/4 = 1/2, df = 1 / (9/16 + 2) = 16/41.
    """
    row = missing.pool([1, 3], [1, 1]).table.iloc[0]
    assert (row.coef, row.std_error, row.relative_increase, row.df) == pytest.approx((2, 2, 3, 16 / 9))
    assert missing.pool([1, 3], [1, 1], df=3).table["df"].iloc[0] == pytest.approx(16 / 41)


@few
@given(seed=st.integers(0, 10_000), m=st.integers(2, 8))
def test_pooling_properties(seed, m):
    rng = np.random.default_rng(seed)
    q, se = rng.normal(size=m), rng.uniform(0.5, 2, m)
    row = missing.pool(q, se, df=50).table.iloc[0]
    order = rng.permutation(m)
    again = missing.pool(q[order], se[order], df=50).table.iloc[0]
    np.testing.assert_allclose(
        again[["coef", "std_error", "df"]].astype(float), row[["coef", "std_error", "df"]].astype(float)
    )
    scaled = missing.pool(3 * q, 3 * se, df=50).table.iloc[0]
    np.testing.assert_allclose(
        [scaled.coef, scaled.std_error, scaled.df], [3 * row.coef, 3 * row.std_error, row.df]
    )
    assert row.std_error**2 >= np.mean(se**2)
    assert 0 < row.df <= 50
    assert 0 <= row.missing_information <= 1


def test_d1_of_one_coefficient_is_the_square_of_its_t():
    fits = [regression.logistic("dead ~ meal_cal + age", d) for d in lung_completed()]
    pooled = missing.pool(fits)
    assert pooled.wald_test("age")["statistic"].iloc[0] == pytest.approx(
        pooled.table["statistic"].iloc[1] ** 2
    )


def test_other_estimates_are_pooled_on_their_own_scale():
    fits = [prevalence.ratio(d.assign(old=d["age"] > 60), "dead", "sex") for d in lung_completed()]
    pooled = missing.pool(fits)
    row, first = pooled.table.iloc[-1], fits[0].table.iloc[-1]
    assert row.estimate == pytest.approx(first.estimate) and row.std_error == pytest.approx(first.std_error)
    with pytest.raises(ValueError, match="wald_test: these estimates have no covariance"):
        pooled.wald_test()


def test_proportions_are_pooled_on_the_logit_scale():
    """Logit p has standard error se / (p (1 - p)); a proportion of 0 in one data set has none."""
    data = [
        d.assign(lost=d["wt_loss"] > 10, none=(d["wt_loss"] > 67) & (d[".imp"] > 1)) for d in lung_completed()
    ]
    fits = [prevalence.crude(d, "lost", by="sex") for d in data]
    pooled = missing.pool(fits)
    for sex in (0, 1):
        p = np.array([fit.table["estimate"][sex] for fit in fits])
        se = np.array([fit.table["std_error"][sex] for fit in fits]) / (p * (1 - p))
        expected = missing.pool(np.log(p / (1 - p)), se).table.iloc[0]
        row = pooled.table.iloc[sex]
        found = row[["coef", "std_error", "df"]].astype(float)
        np.testing.assert_allclose(found, expected[["coef", "std_error", "df"]].astype(float), rtol=1e-12)
        assert 0 < row.conf_low < row.estimate < row.conf_high < 1
    assert pooled.table["sex"].tolist() == [1, 2] and "p_value" not in pooled.table

    rare = missing.pool([prevalence.crude(d, "none") for d in data])
    assert rare.table["estimate"].isna().all()
    assert "'none': no finite estimate with a standard error in every data set, not pooled." in rare.notes


def test_pooled_estimates_are_saved_whole(tmp_path):
    fits = [regression.logistic("dead ~ age + C(ecog)", d) for d in lung_completed()]
    pooled = missing.pool(fits)
    again = Estimates.load(pooled.save(tmp_path / "pooled"))
    pd.testing.assert_frame_equal(again.table, pooled.table)
    pd.testing.assert_frame_equal(again.wald_test("ecog"), pooled.wald_test("ecog"))


def test_pool_says_what_is_wrong():
    a = regression.logistic("dead ~ age", lung_completed()[0])
    b = regression.logistic("dead ~ age + sex", lung_completed()[0])
    with pytest.raises(ValueError, match="1 given; the variance between data sets needs at least 2"):
        missing.pool([a])
    with pytest.raises(ValueError, match="number 2 has other rows than the first"):
        missing.pool([a, b])
    with pytest.raises(
        TypeError, match="number 1 is float; give Estimates, or numbers with their std_errors"
    ):
        missing.pool([1.0, 2.0])
    with pytest.raises(ValueError, match="std_errors has 1 values for 2"):
        missing.pool([1.0, 2.0], [1.0])
    with pytest.raises(ValueError, match="must be finite numbers"):
        missing.pool([1.0, 2.0], [1.0, 0.0])
    with pytest.raises(ValueError, match="df=0 must be above 0"):
        missing.pool([1.0, 2.0], [1.0, 1.0], df=0)
    rate = survival.incidence_rate(lung_completed()[0], "time", "dead")
    with pytest.raises(ValueError, match="no std_error, which Rubin's rules need; pool numbers"):
        missing.pool([rate, rate])
    with pytest.raises(ValueError, match=r"no term 'aeg'\. Did you mean 'age'"):
        missing.pool([a, a]).wald_test("aeg")


def test_a_term_without_a_finite_estimate_in_one_data_set_is_not_pooled():
    data = pd.DataFrame({"y": [0, 1, 0, 1, 0, 1], "x": [0, 0, 0, 1, 1, 1], "z": [1, 2, 3, 3, 2, 1]})
    separated = data.assign(x=[0, 1, 0, 1, 0, 1])
    pooled = missing.pool([regression.logistic("y ~ x + z", d) for d in (data, separated)])
    assert np.isnan(pooled.table["estimate"].iloc[0]) and np.isnan(pooled.table["p_value"].iloc[0])
    assert any("'x': no finite estimate" in note for note in pooled.notes)
    assert any("(in 1 of 2 data sets)" in note for note in pooled.notes)


# ------------------------------------------------------------------------- the maxima behind the draws


def pbc() -> tuple[pd.DataFrame, np.ndarray]:
    data = read("pbc").dropna(subset=["copper", "stage"])
    return data, np.column_stack([np.ones(len(data)), data["age"], data["albumin"], data["sex"] == "f"])


def test_censored_lognormal_as_survreg():
    data, X = pbc()
    X, copper = X[:, [0, 1, 3]], data["copper"].to_numpy(float)
    below = copper < 40
    estimate, covariance = fit_censored(
        X[~below], np.log(copper[~below]), X[below], np.full(below.sum(), np.log(40))
    )
    found = [*estimate, *np.sqrt(np.diag(covariance))]
    np.testing.assert_allclose(found, reference("own.mi.censored"), rtol=1e-7)


def test_ordered_as_clm():
    data, X = pbc()
    codes = data["stage"].to_numpy(int) - 1
    maximum = fit_ordered(X[:, 1:], codes, np.ones(len(X)), 4)
    found = [*maximum.parameters, *np.sqrt(np.diag(np.linalg.inv(maximum.information)))]
    np.testing.assert_allclose(found, reference("own.mi.ordered"), rtol=1e-7)


def test_multinomial_as_nnet():
    data, X = pbc()
    codes = data["stage"].to_numpy(int) - 1
    maximum = fit_multinomial(X, codes, np.ones(len(X)), 4)
    found = [*maximum.parameters, *np.sqrt(np.diag(np.linalg.inv(maximum.information)))]
    np.testing.assert_allclose(found, reference("own.mi.multinomial"), rtol=1e-7)


def test_perfect_prediction_as_mice():
    X = np.column_stack([np.ones(10), [1, 4, 2, 8, 5, 7, 3, 6, 9, 2], np.repeat([0, 1], 5)])
    y = np.array([0, 1, 0, 1, 0, 1, 1, 1, 1, 1])
    X, codes, weights = augment(X, y, 2)
    maximum = fit_multinomial(X, codes, weights, 2)
    se = np.sqrt(np.diag(np.linalg.inv(maximum.information)))
    found = [len(X), weights.sum(), *maximum.parameters, *se]
    np.testing.assert_allclose(found, reference("own.mi.augmented"), rtol=1e-7)


# --------------------------------------------------------------------------------- imputation against mice


def monte_carlo(found: np.ndarray, mean: np.ndarray, sd: np.ndarray, m: int) -> None:
    """Means and standard deviations over data sets agree with those of `m` of mice, within 4 Monte Carlo errors."""
    k = len(found)
    error = sd * np.sqrt(1 / m + 1 / k)
    assert (np.abs(found.mean(axis=0) - mean) < 4 * error).all()
    spread = np.sqrt(1 / (2 * (m - 1)) + 1 / (2 * (k - 1)))
    assert (np.abs(np.log(found.std(axis=0, ddof=1) / sd)) < 4 * spread).all()


def test_nhanes_as_mice():
    imputed = missing.impute(read("mice_nhanes"), m=100, seed=1)
    fits = imputed.fit(lambda d: linear_fit(d, "chl", ["age", "bmi"]))
    found = np.array([fit.coefficients for fit in fits])
    mean, sd = reference("own.mi.nhanes").reshape(2, 3)
    monte_carlo(found, mean, sd, 400)
    # the golden value is of five data sets, so that its Monte Carlo error is large
    pooled = missing.pool(fits)
    expected = reference("mi.nhanes")
    assert (np.abs(pooled.coefficients - expected[:3]) < 4 * sd * np.sqrt(1 / 5 + 1 / 100)).all()
    within = np.diag(pooled.within)
    between_error = (1 + 1 / 5) * sd**2 * np.sqrt(2 / 4)
    assert (np.abs(expected[3:6] ** 2 - within - 1.2 * sd**2) < 4 * between_error + within).all()


def test_every_method_as_mice():
    data = read("pbc")[
        ["age", "sex", "bili", "albumin", "protime", "chol", "copper", "hepato", "edema", "stage"]
    ]
    data[["bili", "chol", "copper"]] = np.log(data[["bili", "chol", "copper"]])
    data.loc[::5, "edema"] = np.nan
    data.loc[1::4, "stage"] = np.nan
    for name in ("sex", "hepato", "edema", "stage"):
        data[name] = data[name].astype("category")
    data["stage"] = data["stage"].cat.as_ordered()
    imputed = missing.impute(data, m=40, seed=2)
    assert imputed.methods == {
        "protime": "pmm", "chol": "pmm", "copper": "pmm", "hepato": "logistic", "edema": "multinomial",
        "stage": "ordered",
    }  # fmt: skip

    def statistics(d: pd.DataFrame) -> list[float]:
        levels = d.assign(chol2=d["chol"], **{f"s{k}": d["stage"] == k for k in (2, 3, 4)})
        slope = linear_fit(levels, "copper", ["chol2", "s2", "s3", "s4"]).coefficients["chol2"]
        return [d["chol"].mean(), d["copper"].mean(), (d["hepato"] == 1).mean(), (d["edema"] == 0).mean(),
                (d["stage"] == 4).mean(), slope]  # fmt: skip

    found = np.array(imputed.fit(statistics))
    mean, sd = reference("own.mi.pbc").reshape(2, 6)
    monte_carlo(found, mean, sd, 100)


def simulate_mar(rng: np.random.Generator, n: int = 400) -> pd.DataFrame:
    """y = 1 + 2 x + e and P(g) = expit(x); x and g are missing more often where y is large."""
    x = rng.normal(size=n)
    y = 1 + 2 * x + rng.normal(size=n)
    g = rng.random(n) < 1 / (1 + np.exp(-x))
    data = pd.DataFrame({"x": x, "y": y, "g": g.astype(object)})
    often = 1 / (1 + np.exp(-(y - 1)))
    data.loc[rng.random(n) < 0.6 * often, "x"] = np.nan
    data.loc[rng.random(n) < 0.6 * often, "g"] = None
    return data


def simulated_estimates(n_simulations: int, m: int) -> pd.DataFrame:
    rng = np.random.default_rng(3)
    rows = []
    for i in range(n_simulations):
        data = simulate_mar(rng)
        complete = data["x"].notna()
        imputed = missing.impute(data, m=m, iterations=5, seed=i, jobs=1, methods={"x": "norm"})
        slope = missing.pool(imputed.fit(lambda d: linear_fit(d, "x", ["y"]))).table.iloc[1]
        share = [(d["g"].mean(), d["g"].std() / np.sqrt(len(d))) for d in imputed.datasets]
        g = missing.pool(*zip(*share, strict=True)).table.iloc[0]
        rows.append(
            {
                "slope": slope.estimate, "low": slope.conf_low, "high": slope.conf_high, "g": g.estimate,
                "g_low": g.conf_low, "g_high": g.conf_high,
                "complete": linear_fit(data[complete], "y", ["x"]).coefficients["x"],
                "g_complete": data["g"].dropna().astype(float).mean(),
            }
        )  # fmt: skip
    return pd.DataFrame(rows)


def within_error(values: pd.Series, truth: float) -> bool:
    return bool(abs(values.mean() - truth) < 4 * values.std() / np.sqrt(len(values)))


def test_what_is_missing_at_random_is_recovered():
    """The regression of x on y has slope cov / var(y) = 2/5; the mean of g is 1/2, not that of complete rows."""
    found = simulated_estimates(25, m=5)
    assert within_error(found["slope"], 2 / 5)
    assert within_error(found["g"], 1 / 2)
    assert not within_error(found["g_complete"], 1 / 2)


@pytest.mark.slow
def test_intervals_cover_the_truth():
    found = simulated_estimates(400, m=10)
    for low, high, truth in (("low", "high", 2 / 5), ("g_low", "g_high", 1 / 2)):
        coverage = ((found[low] <= truth) & (truth <= found[high])).mean()
        assert abs(coverage - 0.95) < 4 * np.sqrt(0.95 * 0.05 / 400)


# ----------------------------------------------------------------------------------- promises of impute


def test_observed_values_stay_and_the_rest_is_filled():
    data = with_gaps()
    imputed = missing.impute(data, m=2, iterations=2, seed=1, **OPTIONS)
    first, second = imputed.datasets
    for name in data.columns.drop("arsenic"):
        given_rows = data[name].notna()
        pd.testing.assert_series_equal(
            first[name][given_rows], data[name][given_rows], check_dtype=False, check_index_type=False
        )
        assert first[name].notna().all() or name == "pack_years"
    assert not first.equals(second)
    assert first["visits"].dtype == "Int64" and first["smoker"].dtype == "boolean"
    assert first["severity"].dtype == data["severity"].dtype
    assert set(first["age"]) <= set(data["age"].dropna())  # donors are observed values
    assert imputed.n_missing["age"] == data["age"].isna().sum()


def test_the_data_given_are_not_touched():
    data = with_gaps()
    before = data.copy(deep=True)
    missing.impute(data, m=1, iterations=1, seed=1, **OPTIONS)
    pd.testing.assert_frame_equal(data, before)


def test_same_seed_same_result_whatever_jobs_is():
    data = with_gaps()
    one, two = (missing.impute(data, m=4, iterations=2, seed=5, jobs=jobs, **OPTIONS) for jobs in (1, 3))
    for a, b in zip(one.datasets, two.datasets, strict=True):
        pd.testing.assert_frame_equal(a, b)
    pd.testing.assert_frame_equal(one.trace, two.trace)
    other = missing.impute(data, m=4, iterations=2, seed=6, **OPTIONS)
    assert not other.datasets[0].equals(one.datasets[0])
    # more data sets leave the first ones as they were
    more = missing.impute(data, m=5, iterations=2, seed=5, **OPTIONS)
    assert len(more.datasets) == 5 and len(more.datasets[1:3]) == 2


@few
@given(seed=st.integers(0, 10_000))
def test_skip_patterns_derived_variables_and_limits_hold(seed):
    data = with_gaps(seed)
    imputed = missing.impute(data, m=2, iterations=2, seed=seed, **OPTIONS)
    for completed in imputed.datasets:
        asked = completed["smoker"].to_numpy(bool)
        gap = data["pack_years"].isna().to_numpy()
        filled = completed["pack_years"].notna().to_numpy()
        assert (filled[gap] == asked[gap]).all()
        np.testing.assert_allclose(completed["bmi"], completed["weight"] / completed["height"] ** 2)
        below = (data["arsenic"] < 1.5).to_numpy()
        assert (completed["arsenic"][below] < 1.5).all() and (completed["arsenic"] > 0).all()
        known = (data["arsenic"] >= 1.5).to_numpy()
        assert (completed["arsenic"][known] == data["arsenic"][known]).all()


def test_a_derived_variable_that_was_given_is_kept_where_its_parts_are():
    data = with_gaps()
    data["bmi"] = (data["weight"] / data["height"] ** 2).round(1)
    data.loc[data["bmi"].first_valid_index(), "bmi"] = 99.0
    data.loc[data.index[data["weight"].isna()][0], "bmi"] = 25.0
    imputed = missing.impute(data, m=1, iterations=1, seed=1, derived=OPTIONS["derived"])
    completed = imputed.datasets[0]
    whole = data["weight"].notna() & data["height"].notna()
    assert (completed["bmi"][whole] == data["bmi"][whole]).all()
    np.testing.assert_allclose(
        completed["bmi"][~whole], (completed["weight"] / completed["height"] ** 2)[~whole]
    )
    assert any("'bmi' was computed anew in 1 rows" in note for note in imputed.notes)


@pytest.mark.parametrize("kind", ["boolean", "object", "category", "Int64", "float64"])
def test_every_kind_of_variable_can_be_skipped(kind):
    rng = np.random.default_rng(2)
    asked = rng.random(100) < 0.6
    answer = pd.Series(rng.random(100) < 0.4, dtype="boolean")
    answer[~asked | (rng.random(100) < 0.2)] = pd.NA
    data = pd.DataFrame({"asked": asked, "x": rng.normal(size=100), "answer": answer})
    if kind != "boolean":
        data["answer"] = answer.astype(object).where(answer.notna(), None).astype(kind)
    data.loc[::7, "x"] = np.nan
    imputed = missing.impute(data, m=2, iterations=2, seed=1, only_where={"answer": "asked"})
    for completed in imputed.datasets:
        assert (completed["answer"].notna() == asked).all()
        known = data["answer"].notna()
        assert (completed["answer"][known] == data["answer"][known]).all()


def test_derived_categories_and_conditions_on_derived_variables():
    data = with_gaps()
    data["snoring"] = pd.Categorical(np.where(data["age"] > 55, "yes", None), ["no", "yes"])
    data.loc[data.index[-10:], "snoring"] = "no"
    imputed = missing.impute(
        data, m=2, iterations=2, seed=1,
        derived={"old": lambda d: pd.cut(d["age"], [0, 50, 200], labels=["young", "old"])},
        only_where={"snoring": lambda d: d["old"] == "old"},
    )  # fmt: skip
    for completed in imputed.datasets:
        assert ((completed["old"] == "old") == (completed["age"] > 50)).all()
        gap = data["snoring"].isna()
        assert (completed["snoring"][gap].notna() == (completed["old"][gap] == "old")).all()


@pytest.mark.parametrize("form", ["number", "limits", "marks"])
def test_limits_of_every_form(form):
    """A lognormal value cut at 1: the mean of log(value) below is -phi(0) / Phi(0) = -0.798 for mean 0 and sd 1."""
    rng = np.random.default_rng(1)
    value = np.exp(rng.normal(size=2000))
    data = pd.DataFrame({"arsenic": np.where(value < 1, 1.0 if form == "marks" else 0.5, value)})
    limit: dict = {"number": 1.0, "limits": "lod", "marks": "arsenic__below"}
    if form == "limits":
        data["lod"] = 1.0
    if form == "marks":
        data["arsenic__below"] = value < 1
    predictors = {"arsenic": []}
    imputed = missing.impute(
        data, m=5, iterations=1, seed=1, limits={"arsenic": limit[form]}, predictors=predictors
    )
    means = imputed.fit(lambda d: np.log(d["arsenic"][value < 1]).mean())
    assert imputed.n_below == {"arsenic": int((value < 1).sum())}
    assert np.mean(means) == pytest.approx(-0.798, abs=0.06)


def test_draws_far_below_what_is_measured_stay_finite():
    rng = np.random.default_rng(1)
    X = np.ones((50, 1))
    below, free = draw_censored(X, np.exp(rng.normal(5, 0.1, 50)), X[:3], np.full(3, 1e-3), X[:2], rng)
    assert ((below > 0) & (below < 1e-3)).all() and np.isfinite(free).all()


def test_parameters_are_drawn_from_their_posterior():
    """beta_star has the mean and covariance of least squares; sigma_star^2 = RSS / chi2."""
    rng = np.random.default_rng(1)
    X = np.column_stack([np.ones(30), rng.normal(size=(30, 2))])
    y = X @ [1.0, 2.0, 0.0] + rng.normal(size=30)
    drawn = np.array([draw_linear(X, y, rng)[1] for _ in range(4000)])
    beta, rss = np.linalg.lstsq(X, y, rcond=None)[:2]
    covariance = np.linalg.inv(X.T @ X) * rss / 25  # E[1 / chi2_27] = 1 / 25
    error = np.sqrt(np.diag(covariance) / 4000)
    assert (np.abs(drawn.mean(axis=0) - beta) < 4 * error + 1e-4).all()
    np.testing.assert_allclose(np.cov(drawn, rowvar=False), covariance, atol=0.15 * covariance.max())


def test_donors_are_the_nearest():
    """Of 30 exact observations on a line, a wanted value between two donors takes one of the five around it."""
    X = np.column_stack([np.ones(30), np.arange(30.0)])
    y = 2 * np.arange(30.0)
    found = draw_pmm(X, y, np.tile([1.0, 10.4], (500, 1)), np.random.default_rng(1))
    assert set(found) == {16.0, 18.0, 20.0, 22.0, 24.0}


# --------------------------------------------------------------------------------------------- thin data


def test_nothing_missing():
    data = pd.DataFrame({"y": [0, 1, 0, 1, 1, 0, 1, 0], "x": [1.0, 2, 3, 4, 5, 1, 6, 2]})
    imputed = missing.impute(data, m=3, seed=1)
    for completed in imputed.datasets:
        pd.testing.assert_frame_equal(completed, data)
    assert "Nothing is missing" in imputed.notes[0] and imputed.trace.empty
    fit = regression.logistic("y ~ x", data)
    pooled = missing.pool(imputed.fit(lambda d: regression.logistic("y ~ x", d)))
    np.testing.assert_allclose(pooled.table["std_error"], fit.table["std_error"], rtol=1e-12)
    np.testing.assert_allclose(pooled.covariance, fit.covariance, rtol=1e-12)
    assert pooled.table["df"].iloc[0] == pytest.approx(
        7 / 9 * 6, rel=1e-3
    )  # of Barnard and Rubin, with 8 - 2 = 6
    with pytest.raises(ValueError, match="nothing was imputed"):
        imputed.plot()


def test_few_rows_constants_and_collinear_predictors():
    data = pd.DataFrame({"a": [1.0, 2, None], "b": [1.0, 2, 4], "c": [5.0, None, 5]})
    imputed = missing.impute(data, m=3, iterations=2, seed=1)
    assert all(d.notna().all(axis=None) for d in imputed.datasets)
    assert imputed.methods == {"a": "pmm", "c": "constant"}
    assert any("'c' has one observed value" in note for note in imputed.notes)

    twins = with_gaps()[["age", "weight", "sex"]]
    twins["months"] = twins["age"] * 12
    twins["unit"] = 1
    imputed = missing.impute(twins, m=2, iterations=2, seed=1)
    assert all(d.notna().all(axis=None) for d in imputed.datasets)
    assert any(
        note.startswith("Did not predict 'weight'") and "months, unit" in note for note in imputed.notes
    )
    assert any("'age' is constant or determined by the others" in note for note in imputed.notes)


def test_perfect_prediction_stays_finite_and_is_noted():
    rng = np.random.default_rng(1)
    x = rng.normal(size=200)
    data = pd.DataFrame({"x": x, "case": (x > 0).astype(object)})
    data.loc[::10, "case"] = None
    imputed = missing.impute(data, m=3, iterations=2, seed=1)
    agree = [(d["case"] == (x > 0))[::10].mean() for d in imputed.datasets]
    assert min(agree) > 0.8
    assert any(note.startswith("Almost perfectly predicted: case") for note in imputed.notes)


def test_identifiers_text_and_rows_that_are_named():
    data = with_gaps()[["age", "weight", "sex"]]
    data.insert(0, "id", [f"P{i}" for i in range(len(data))])
    data["number"] = np.arange(len(data))
    data.index = [f"row {i}" for i in range(len(data))]
    imputed = missing.impute(
        data,
        m=1,
        iterations=1,
        seed=1,
        methods={"number": "none", "age": "norm"},
        predictors={"age": ["sex"]},
    )
    completed = imputed.datasets[0]
    assert completed.index.equals(data.index) and (completed["id"] == data["id"]).all()
    assert imputed.notes == ("Text and dates are left as they are and predict nothing: id.",)
    assert imputed.methods["age"] == "norm" and "age by normal regression" in imputed.method


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"m": 0}, "m=0 must be a whole number, 1 or more"),
        ({"seed": 1.5}, "seed=1.5 must be a whole number"),
        ({"jobs": 0}, "jobs=0 must be"),
        ({"methods": {"agee": "pmm"}}, "methods: data has no column 'agee'. Did you mean 'age'"),
        ({"methods": {"age": "logistic"}}, "'logistic' does not fit 'age' .number.; choose pmm or norm"),
        ({"predictors": {"age": ["sexx"]}}, "predictors of 'age': data has no column 'sexx'"),
        ({"predictors": {"age": ["age"]}}, "'age' cannot predict itself"),
        ({"only_where": {"age": "smokers"}}, "data has no column 'smokers'. Did you mean 'smoker'"),
        ({"only_where": {"age": 3}}, "'age' needs a column name or a function, not int"),
        ({"only_where": {"age": lambda d: d["agee"]}}, "only_where: the condition of 'age' fails"),
        ({"only_where": {"age": lambda d: d["weight"]}}, "only_where of age' must be 0/1"),
        ({"only_where": {"age": lambda d: d["weight"] > 65, "weight": lambda d: d["age"] > 50}}, "depends on itself, through"),
        ({"derived": {"bmi": lambda d: d["kg"]}}, "derived: the function of 'bmi' fails"),
        ({"derived": {"bmi": "weight"}}, "'bmi' needs a function of the data"),
        ({"derived": {"age": lambda d: 2}, "methods": {"age": "pmm"}}, "methods: 'age' is derived"),
        ({"limits": {"sex": 1}}, "limits: 'sex' is not a number"),
        ({"limits": {"arsenic": -1}}, "must be a number above 0, or a column, not -1"),
        ({"limits": {"arsenic": 1e9}}, "'arsenic' has no value above its limit"),
    ],
)  # fmt: skip
def test_impute_says_what_is_wrong(options, message):
    with pytest.raises((ValueError, TypeError), match=message):
        missing.impute(with_gaps(), **{"m": 1, "iterations": 1, "seed": 1, **options})


def test_data_that_cannot_be_imputed():
    with pytest.raises(ValueError, match="'a' is missing in all rows"):
        missing.impute(pd.DataFrame({"a": [np.nan, np.nan], "b": [1.0, 2.0]}), seed=1)
    with pytest.raises(ValueError, match="'b' is infinite in 1 rows"):
        missing.impute(pd.DataFrame({"a": [np.nan, 1], "b": [1.0, np.inf]}), seed=1)
    with pytest.raises(ValueError, match="'c' has 60 levels, more than 50"):
        missing.impute(pd.DataFrame({"c": pd.Categorical(range(60))}), seed=1)
    with pytest.raises(TypeError, match="data must be a DataFrame"):
        missing.impute([1, 2], seed=1)
    with pytest.raises(ValueError, match="column 'a' more than once"):
        missing.impute(pd.DataFrame([[1, 2]], columns=["a", "a"]), seed=1)


def test_convergence_figure():
    imputed = missing.impute(with_gaps(), m=3, iterations=4, seed=1, **OPTIONS)
    assert len(imputed.trace) == 3 * 4 * len(imputed.n_missing)
    figure = imputed.plot(["age", "severity"])
    assert [len(ax.lines) for ax in figure.axes] == [3, 3, 3, 3]
    with pytest.raises(ValueError, match=r"'agee' was not imputed\. Did you mean 'age'"):
        imputed.plot(["agee"])


# ----------------------------------------------------------------------------------- weights for drop-out


def test_dropout_weights_as_glm():
    data = read("pbc")
    data["stayed"] = data["copper"].notna()
    plain = missing.dropout_weights(data, "stayed", "age + sex + bili", stabilize=False)
    stable = missing.dropout_weights(data, "stayed", "age + sex + bili")
    w, s = plain.weights.dropna(), stable.weights.dropna()
    found = [*w[:3], w.max(), plain.effective_n, *s[:3], s.mean()]
    np.testing.assert_allclose(found, reference("own.mi.dropout"), rtol=1e-8)
    assert stable.effective_n == pytest.approx(plain.effective_n)
    assert (plain.weights.isna() == ~data["stayed"]).all()
    assert "310 stabilized weights: mean 1.00" in stable.notes[-1]


def test_dropout_weights_bring_back_those_who_were_lost():
    """By hand: of 4 young 3 stay, of 4 old 2; weights 4/3 and 2 add up to 8, and the share of old is 1/2 again."""
    data = pd.DataFrame({"stayed": [1, 1, 0, 1, 1, 0, 0, 1], "old": [0, 0, 0, 0, 1, 1, 1, 1]})
    w = missing.dropout_weights(data, "stayed", "old", stabilize=False).weights
    assert w.sum() == pytest.approx(8)
    assert (w * data["old"]).sum() / w.sum() == pytest.approx(1 / 2)


def test_dropout_weights_say_what_is_wrong_and_what_is_missing():
    data = pd.DataFrame({"stayed": [1, 1, 0, 1, 1, 0, 0, 1], "old": [0, 0, 0, None, 1, 1, 1, 1]})
    found = missing.dropout_weights(data, "stayed", "old")
    assert np.isnan(found.weights[3]) and found.n_missing == {"stayed": 0, "old": 1}
    assert found.notes[0] == "1 of 8 rows left out for missing values (old 1)."
    with pytest.raises(ValueError, match=r"no column 'stayd'\. Did you mean 'stayed'"):
        missing.dropout_weights(data, "stayd", "old")
    with pytest.raises(ValueError, match="'stayed' is the same in all rows"):
        missing.dropout_weights(data.assign(stayed=1), "stayed", "old")


def test_the_df_of_a_chi_squared_statistic_is_not_that_of_t():
    """A prevalence ratio has the 1 degree of freedom of its test: pooled it is normal but for what is missing."""
    data = [d.assign(lost=d["wt_loss"] > 10) for d in lung_completed()]
    ratios = [prevalence.ratio(d, "lost", "sex") for d in data]
    values = [[fit.table[column][1] for fit in ratios] for column in ("coef", "std_error")]
    expected, row = missing.pool(*values).table.iloc[0], missing.pool(ratios).table.iloc[1]
    assert row["df"] == pytest.approx(expected["df"]) and row["df"] > 10
    assert np.log(row["conf_low"]) == pytest.approx(expected["conf_low"])


def test_notes_that_differ_in_numbers_are_given_once():
    def fit(note):
        rows = pd.DataFrame(
            {"term": ["a"], "measure": ["difference"], "estimate": [1.0], "coef": [1.0], "std_error": [0.5]}
        )
        return Estimates(rows, method="", n=9, notes=(note,))

    assert missing.pool([fit("SD 1.5."), fit("SD 2."), fit("SD 2.")]).notes == (
        "SD 1.5. (in every data set, the numbers differ)",
    )
