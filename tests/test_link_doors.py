"""Risk differences and discrete-time hazard ratios: worked by hand, properties, boundaries, bad input."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dermcohort as dc
from dermcohort.regression import complementary_log_log, risk_difference

few = settings(max_examples=8, deadline=None)
seeds = given(seed=st.integers(0, 10_000))
every_model = pytest.mark.parametrize("model", [complementary_log_log, risk_difference])


def cohort(seed: int, n: int = 200) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "age": rng.uniform(size=n),
            "sex": rng.permutation(np.arange(n) % 2),
            "site": rng.permutation(np.arange(n) % 8),
            "case": rng.permutation(np.arange(n) % 3 == 0),
            "w": rng.integers(1, 4, n).astype(float),
        }
    )


def cells(*counts: tuple[object, int, int]) -> pd.DataFrame:
    """Rows of (level, events, n)."""
    rows = [(level, int(i < events)) for level, events, n in counts for i in range(n)]
    return pd.DataFrame(rows, columns=["x", "y"])


def test_risk_difference_by_hand():
    """30 of 50 less 10 of 40 is 0.35, variance 0.6 x 0.4 / 50 + 0.25 x 0.75 / 40."""
    found = risk_difference("y ~ x", cells(("no", 10, 40), ("yes", 30, 50)))
    reference, row = found.table.iloc[0], found.table.iloc[1]
    assert (reference["estimate"], row["measure"]) == (0, "RD")
    assert row["estimate"] == pytest.approx(0.35, rel=1e-10)
    assert row["std_error"] ** 2 == pytest.approx(0.24 / 50 + 0.1875 / 40, rel=1e-10)
    assert row["conf_high"] == pytest.approx(0.35 + 1.959963984540054 * row["std_error"], rel=1e-10)
    assert found.predict(pd.DataFrame({"x": ["no", "yes"]})).tolist() == pytest.approx([0.25, 0.6])


def test_hazard_ratio_by_hand():
    """log(1 - risk) is minus the cumulative hazard: HR = log(1 - 0.6) / log(1 - 0.25); delta-method variance."""
    found = complementary_log_log("y ~ x", cells((0, 10, 40), (1, 30, 50)))
    row = found.table.iloc[0]
    assert (row["measure"], row["estimate"]) == ("HR", pytest.approx(np.log(0.4) / np.log(0.75), rel=1e-9))
    variance = sum(p / (n * (1 - p) * np.log(1 - p) ** 2) for p, n in ((0.25, 40), (0.6, 50)))
    assert row["std_error"] ** 2 == pytest.approx(variance, rel=1e-9)
    assert "complementary log-log" in found.method and "hazard ratio" in found.method


def test_hazard_ratio_does_not_depend_on_the_width_of_intervals():
    """Expected numbers of a constant hazard ratio of 2, followed in yearly and in two-yearly intervals."""
    ratios = []
    for width in (1, 2):
        rows = []
        for x, hazard in ((0, 0.1), (1, 0.2)):
            alive = 1.0
            for interval in range(4 // width):
                risk = 1 - np.exp(-hazard * width)
                rows += [(x, interval, 1, alive * risk), (x, interval, 0, alive * (1 - risk))]
                alive *= 1 - risk
        data = pd.DataFrame(rows, columns=["x", "interval", "died", "w"])
        fit = complementary_log_log("died ~ x + C(interval)", data, weights="w", robust=False)
        ratios.append(fit.table.loc[0, "estimate"])
    assert ratios == pytest.approx([2, 2], rel=1e-8)


@every_model
@seeds
@few
def test_order_swap_and_frequency_weights(model, seed):
    data = cohort(seed)
    found = model("case ~ age + sex", data, weights="w", robust=False)
    repeated = model("case ~ age + sex", data.loc[data.index.repeat(data["w"].astype(int))])
    np.testing.assert_allclose(found.coefficients, repeated.coefficients, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(found.covariance, repeated.covariance, rtol=1e-6, atol=1e-9)
    mixed = model("case ~ age + sex", data.sample(frac=1, random_state=seed), weights="w", robust=False)
    np.testing.assert_allclose(found.coefficients, mixed.coefficients, rtol=1e-6, atol=1e-9)
    swapped = model("case ~ age + sex", data.assign(sex=1 - data["sex"]), weights="w", robust=False)
    assert swapped.coefficients["sex"] == pytest.approx(-found.coefficients["sex"], rel=1e-6, abs=1e-9)


@every_model
def test_clusters_designs_and_their_remedy(model):
    data = cohort(2)
    noted = model("case ~ age", data, cluster="site").notes
    assert any(n.startswith("Few clusters: 8") and n.endswith("robust='CR2' corrects for it.") for n in noted)
    corrected = model("case ~ age", data, cluster="site", robust="CR2")
    assert not any("Few clusters" in note for note in corrected.notes)
    assert corrected.table.loc[0, "df"] < 8
    design = dc.SurveyDesign(weights="w", cluster="site")
    by_design = model("case ~ age", data, design=design)
    assert by_design.table.loc[0, "df"] == 6
    np.testing.assert_allclose(
        by_design.coefficients, model("case ~ age", data, weights="w").coefficients, rtol=1e-8
    )


def test_few_clusters_and_their_remedy_in_survival():
    data = cohort(3).assign(years=lambda d: 1 + d["age"])
    options = {"time": "years", "event": "case", "cluster": "site"}
    of_cox = next(n for n in dc.survival.cox("sex", data, **options).notes if n.startswith("Few clusters: 8"))
    assert of_cox.endswith(
        "regression.complementary_log_log (time in intervals) with robust='CR2' corrects for it."
    )
    of_curve = dc.survival.kaplan_meier(data, **options).notes
    assert any(n.startswith("Few clusters: 8") and n.endswith("(by=) beside it.") for n in of_curve)


@pytest.mark.parametrize(("events", "expected"), [(0, 0.5), (6, -0.5)])
def test_risk_difference_on_the_boundary(events, expected):
    """Nobody, or everybody, among the unexposed: the estimate stands, no interval is claimed."""
    found = risk_difference("y ~ x", cells((0, events, 6), (1, 4, 8)))
    row = found.table.iloc[0]
    assert row["estimate"] == pytest.approx(expected, abs=1e-8)
    assert np.isnan(row[["conf_low", "conf_high", "p_value"]].to_numpy(float)).all()
    assert any(
        "on the boundary (a fitted probability of 0 or 1)" in n and "linear with robust='HC3'" in n
        for n in found.notes
    )
    assert not any(n.startswith("Separation") for n in found.notes)


def test_hazard_ratio_of_a_level_without_events():
    found = complementary_log_log("y ~ x", cells(("a", 3, 9), ("b", 0, 9)))
    row = found.table.iloc[1]
    assert (row["estimate"], row["conf_low"], row["conf_high"]) == (0, 0, np.inf)
    note = next(n for n in found.notes if n.startswith("Separation"))
    assert "whose HR has no finite estimate (x = b: 0 events among 9 rows). Combine levels." in note


@every_model
def test_bad_input(model):
    data = cohort(1)
    with pytest.raises(ValueError, match="'age' must be 0/1, bool or yes/no"):
        model("age ~ sex", data)
    with pytest.raises(ValueError, match="'case' is 1 in all 200"):
        model("case ~ sex", data.assign(case=1))
    with pytest.raises(ValueError, match="no row has all of"):
        model("case ~ sex", data.assign(sex=np.nan))
    with pytest.raises(ValueError, match="data has no column 'sx'"):
        model("case ~ sx", data)
    with pytest.raises(ValueError, match="robust='CR2'"):
        model("case ~ sex", data, robust="CR2")


def test_no_possible_start_without_an_intercept():
    data = cells((0, 1, 4), (1, 2, 4)).assign(z=lambda d: d["x"] - 1)
    with pytest.raises(ValueError, match="no starting value has possible means; keep the intercept"):
        risk_difference("y ~ 0 + z", data)
