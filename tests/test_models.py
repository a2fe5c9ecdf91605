"""Logistic, Cox and Kaplan-Meier: cases worked by hand, properties, and data that are too thin."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dermcohort.regression import logistic
from dermcohort.survival import cox, kaplan_meier

SURVIVAL = {"time": "years", "event": "died"}


def cohort(seed: int, n: int = 60) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    years = rng.integers(1, 8, n).astype(float)
    died = rng.random(n) < 0.6
    died[:2] = True
    return pd.DataFrame(
        {
            "age": rng.normal(size=n),
            "sex": rng.permutation(np.arange(n) % 2),
            "years": years,
            "died": died,
            "site": rng.integers(0, 5, n),
            "case": rng.permutation(np.arange(n) % 3 == 0),
            "w": rng.integers(1, 4, n).astype(float),
            "id": np.arange(n),
        }
    )


seeds = given(seed=st.integers(0, 10_000))
few = settings(max_examples=15, deadline=None)


# ------------------------------------------------------------------------------------------ by hand


@pytest.fixture
def six_people() -> pd.DataFrame:
    """Therneau & Grambsch (2000), appendix E, and the tests of R's survival (book1)."""
    return pd.DataFrame({"years": [9, 1, 1, 6, 6, 8], "died": [1, 1, 0, 1, 1, 0], "x": [0, 1, 1, 1, 0, 0]})


def test_cox_breslow_by_hand(six_people):
    """l = 2b - log(3r + 3) - 2 log(r + 3), r = exp(b); its maximum is r = (3 + sqrt 33) / 2."""
    fit = cox("x", six_people, ties="breslow", **SURVIVAL)
    r = (3 + 33**0.5) / 2
    assert fit.table["estimate"].item() == pytest.approx(r, rel=1e-10)
    assert fit.loglik == pytest.approx(2 * np.log(r) - np.log(3 * r + 3) - 2 * np.log(r + 3), rel=1e-12)


def test_cox_efron_by_hand(six_people):
    """l = 2b - log(3r + 3) - log((r + 5) / 2) - log(r + 3); the score is 0 at r = 5.348721."""
    fit = cox("x", six_people, **SURVIVAL)
    r = fit.table["estimate"].item()
    assert 2 - r / (r + 1) - r / (r + 5) - r / (r + 3) == pytest.approx(0, abs=1e-9)
    expected = 2 * np.log(r) - np.log(3 * r + 3) - np.log((r + 5) / 2) - np.log(r + 3)
    assert fit.loglik == pytest.approx(expected, rel=1e-12)


def test_kaplan_meier_by_hand(six_people):
    """5/6 after year 1, times 2/4 after year 6, times 0 after year 9; Greenwood 1/30 + 2/8 at year 6."""
    curve = kaplan_meier(six_people, "years", "died")
    at = curve.at([0.5, 1, 6, 8.5, 9])
    np.testing.assert_allclose(at["estimate"], [1, 5 / 6, 5 / 12, 5 / 12, 0], atol=1e-15)
    assert at["n_risk"].tolist() == [6, 6, 4, 1, 1]
    assert at["std_error"].iloc[2] == pytest.approx(5 / 12 * (1 / 30 + 2 / 8) ** 0.5)
    assert curve.quantile(0.5)["estimate"].item() == 6


def test_median_on_a_flat_part_is_its_middle():
    data = pd.DataFrame({"years": [1.0, 2, 4, 5], "died": 1})
    assert kaplan_meier(data, "years", "died").quantile()["estimate"].item() == 3


def test_after_the_last_follow_up_survival_is_unknown():
    data = pd.DataFrame({"years": [1.0, 2], "died": [1, 0]})
    at = kaplan_meier(data, "years", "died").at([2, 3])
    assert at["estimate"].tolist()[0] == 0.5
    assert np.isnan(at["estimate"].iloc[1])
    assert at["n_risk"].tolist() == [1, 0]


def test_odds_ratio_of_a_two_by_two_table():
    """Cases 3 of 4 exposed and 1 of 4 unexposed: OR 9, SE of log OR sqrt(1/3 + 1 + 1 + 1/3)."""
    data = pd.DataFrame({"y": ["yes", "yes", "yes", "no", "yes", "no", "no", "no"], "x": list("eeeeuuuu")})
    data["x"] = pd.Categorical(data["x"], ["u", "e"])
    fit = logistic("y ~ x", data)
    assert fit.table["level"].tolist() == ["u", "e"]
    assert fit.table["estimate"].tolist() == pytest.approx([1, 9])
    assert fit.table["events"].tolist() == [1, 3]
    assert fit.table["std_error"].iloc[1] == pytest.approx((8 / 3) ** 0.5)
    assert fit.predict(pd.DataFrame({"x": ["e", None]})).tolist() == pytest.approx(
        [0.75, np.nan], nan_ok=True
    )


# --------------------------------------------------------------------------------------- properties


@seeds
@few
def test_order_of_rows_does_not_matter(seed):
    data = cohort(seed)
    mixed = data.sample(frac=1, random_state=seed)
    for fit in (
        lambda d: logistic("case ~ age + sex", d, cluster="site"),
        lambda d: cox("age", d, strata="sex", cluster="site", **SURVIVAL),
    ):
        a, b = fit(data), fit(mixed)
        np.testing.assert_allclose(a.coefficients, b.coefficients, rtol=1e-7, atol=1e-10)
        np.testing.assert_allclose(a.covariance, b.covariance, rtol=1e-7, atol=1e-10)
    a, b = (kaplan_meier(d, "years", "died", by="sex", weights="w").table for d in (data, mixed))
    pd.testing.assert_frame_equal(a, b, rtol=1e-12)


@seeds
@few
def test_a_frequency_weight_is_that_many_rows(seed):
    data = cohort(seed)
    repeated = data.loc[data.index.repeat(data["w"].astype(int))]
    pairs = [
        (
            logistic("case ~ age + sex", data, weights="w", robust=False),
            logistic("case ~ age + sex", repeated),
        ),
        (
            cox("age + sex", data, ties="breslow", weights="w", robust=False, **SURVIVAL),
            cox("age + sex", repeated, ties="breslow", **SURVIVAL),
        ),
    ]
    for weighted, rows in pairs:
        np.testing.assert_allclose(weighted.coefficients, rows.coefficients, rtol=1e-7, atol=1e-10)
        np.testing.assert_allclose(weighted.covariance, rows.covariance, rtol=1e-7, atol=1e-10)
        assert weighted.loglik == pytest.approx(rows.loglik, rel=1e-10)
    curves = [
        kaplan_meier(data, "years", "died", weights="w", robust=False),
        kaplan_meier(repeated, "years", "died"),
    ]
    pd.testing.assert_frame_equal(curves[0].table, curves[1].table, rtol=1e-10)


@seeds
@few
def test_splitting_follow_up_into_episodes_changes_nothing(seed):
    data = cohort(seed).assign(start=0.0)
    cut = np.minimum(2.5, data["years"])
    early = data.assign(years=cut, died=data["died"] & (data["years"] <= 2.5))
    late = data[data["years"] > 2.5].assign(start=2.5)
    episodes = pd.concat([early, late], ignore_index=True)
    whole = cox("age + sex", data, cluster="id", **SURVIVAL)
    split = cox("age + sex", episodes, entry="start", cluster="id", **SURVIVAL)
    np.testing.assert_allclose(split.coefficients, whole.coefficients, rtol=1e-7, atol=1e-10)
    np.testing.assert_allclose(split.covariance, whole.covariance, rtol=1e-7, atol=1e-10)
    assert split.concordance == pytest.approx(whole.concordance, abs=1e-12)
    times = [1, 2, 3, 5]
    a = kaplan_meier(data, "years", "died").at(times)
    b = kaplan_meier(episodes, "years", "died", entry="start").at(times)
    pd.testing.assert_frame_equal(a, b, rtol=1e-12)


@seeds
@few
def test_concordance_counts_pairs(seed):
    """Against the definition, pair by pair."""
    data = cohort(seed, 25).assign(age=lambda d: d["age"].round())
    fit = cox("age", data, **SURVIVAL)
    risk = data["age"].to_numpy() * fit.coefficients.item()
    good = pairs = 0.0
    for i in np.flatnonzero(data["died"]):
        later = (data["years"] > data["years"][i]) | ((data["years"] == data["years"][i]) & ~data["died"])
        pairs += later.sum()
        good += (risk[later] < risk[i]).sum() + 0.5 * (risk[later] == risk[i]).sum()
    assert fit.concordance == pytest.approx(good / pairs, abs=1e-12)


# ------------------------------------------------------------------------------------ thin data


def test_separation_is_said_and_has_no_bounds():
    data = pd.DataFrame({"y": [0] * 10 + [1] * 10, "x": [0] * 5 + [1] * 5 + [1] * 10, "z": [0, 1] * 10})
    fit = logistic("y ~ x + z", data)
    row = fit.table.set_index("term").loc["x"]
    assert (row.estimate, row.conf_low, row.conf_high) == (np.inf, 0, np.inf)
    assert any(note.startswith("Separation") and "x" in note for note in fit.notes)
    assert np.isfinite(fit.table.set_index("term").loc["z", "conf_high"])


def test_complete_separation_is_said():
    fit = logistic("y ~ x", pd.DataFrame({"y": [0] * 20 + [1] * 20, "x": np.arange(40.0)}))
    assert any(note.startswith("Separation") for note in fit.notes)


def test_monotone_likelihood_is_said():
    data = cohort(4).assign(exposed=lambda d: d["died"].astype(int))
    fit = cox("exposed + age", data, **SURVIVAL)
    row = fit.table.set_index("term").loc["exposed"]
    assert (row.estimate, row.conf_low, row.conf_high) == (np.inf, 0, np.inf)
    assert any(note.startswith("Monotone likelihood") for note in fit.notes)


def test_good_data_have_no_such_note():
    data = cohort(5, 400)
    assert cox("age + sex", data, **SURVIVAL).notes == ()
    assert logistic("case ~ age + sex", data).notes == ()


def test_few_events_are_said():
    data = cohort(6).assign(died=lambda d: d.index < 5)
    assert any(note.startswith("Few events: 5") for note in cox("age", data, **SURVIVAL).notes)


def test_no_event_at_all():
    data = cohort(7).assign(died=pd.Categorical(["no"] * 60, ["no", "yes"]))
    with pytest.raises(ValueError, match="'died' never happens"):
        cox("age", data, **SURVIVAL)
    with pytest.raises(ValueError, match="'died' is 0 in all 60"):
        logistic("died ~ age", data)
    curve = kaplan_meier(data, "years", "died")
    assert (curve.table["estimate"] == 1).all()
    assert np.isnan(curve.quantile()["estimate"].item())
    assert curve.events == 0


def test_one_row():
    one = pd.DataFrame({"years": [2.0], "died": [1], "age": [50.0], "case": [1]})
    assert kaplan_meier(one, "years", "died").at([1, 2])["estimate"].tolist() == [1, 0]
    with pytest.raises(ValueError, match="the same in all 1 complete rows"):
        cox("age", one, **SURVIVAL)
    with pytest.raises(ValueError, match="the same in all 1"):
        logistic("case ~ age", one)


def test_all_missing():
    data = cohort(8).assign(years=np.nan)
    with pytest.raises(ValueError, match="no row has all of"):
        kaplan_meier(data, "years", "died")
    with pytest.raises(ValueError, match="no row has all of"):
        cox("age", data, **SURVIVAL)


def test_weights_are_named_and_make_the_variance_robust():
    data = cohort(9)
    weighted = logistic("case ~ age", data, weights="w")
    assert "HC0" in weighted.method
    assert weighted.notes == ("Weights: sampling or inverse-probability weights from 'w'.",)
    plain = logistic("case ~ age", data, weights="w", robust=False)
    assert "frequency weights" in plain.notes[0]
    assert not np.allclose(weighted.covariance, plain.covariance)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"robust": "CR4", "cluster": "site"}, "robust='CR4' is not available"),
        ({"robust": "HC0", "cluster": "site"}, "use CR0, CR1, CR1S, CR2 or CR3 with cluster="),
        ({"robust": "CR1"}, "use HC0, HC1 or HC3 without cluster="),
        ({"cluster": "village"}, "no column 'village'"),
        ({"weights": "age"}, "must not be negative"),
    ],
)
def test_wrong_variance_arguments_are_explained(options, message):
    with pytest.raises(ValueError, match=message):
        logistic("case ~ sex", cohort(10), **options)


def test_design_must_be_one():
    with pytest.raises(TypeError, match="design must be a SurveyDesign or a ReplicateDesign, it is object"):
        logistic("case ~ sex", cohort(10), design=object())


def test_wrong_times_are_explained():
    data = cohort(11).assign(start=3.0)
    with pytest.raises(ValueError, match=r"'years' is not after 'start' in \d+ rows"):
        cox("age", data, entry="start", **SURVIVAL)
    with pytest.raises(ValueError, match="the outcome is named by time and event"):
        cox("died ~ age", data, **SURVIVAL)
    with pytest.raises(ValueError, match="ties='discrete' is unknown"):
        cox("age", data, ties="discrete", **SURVIVAL)


def test_a_curve_that_falls_to_0_too_early_says_why():
    data = pd.DataFrame({"start": [0.0, 2, 2], "years": [1.0, 5, 6], "died": [1, 1, 0]})
    assert (
        "falls to 0 while others enter later" in kaplan_meier(data, "years", "died", entry="start").notes[0]
    )
