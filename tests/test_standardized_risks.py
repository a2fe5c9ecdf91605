"""g-computation against R (validation/own/causal.R: formulas differentiated numerically, 1e-8), by hand and by simulation."""

import pickle

import numpy as np
import pandas as pd
import pytest
from golden import read, reference
from hypothesis import given, settings
from hypothesis import strategies as st

from dermcohort import ReplicateDesign, SurveyDesign
from dermcohort.estimates import Estimates
from dermcohort.regression import (
    gee,
    linear,
    log_binomial,
    logistic,
    modified_poisson,
    poisson,
    standardized_risks,
)
from dermcohort.regression.counterfactual import RISK
from dermcohort.regression.effects import Uncertainty, contrast_table, number_needed

NHANES = SurveyDesign(weights="WTMEC2YR", strata="SDMVSTRA", cluster="SDMVPSU", nest=True)


def births() -> pd.DataFrame:
    return read("birthwt").assign(
        race=lambda d: pd.Categorical(d["race"]), block=lambda d: (d.index + 1) % 23
    )


def check(result, identifier, measures=("risk", "RD", "RR")):
    """Coefficients of each measure, then standard errors."""
    rows = pd.concat([result.table[result.table["measure"] == measure] for measure in measures])
    found = rows[["coef", "std_error"]].to_numpy(float).T.ravel()
    np.testing.assert_allclose(found, reference(identifier), rtol=1e-8)


def rows_of(result, measure) -> pd.DataFrame:
    return result.table[result.table["measure"] == measure]


# ------------------------------------------------------------------------------------ against R


def test_three_levels_with_the_models_variance():
    check(standardized_risks(logistic("low ~ race + age + smoke", births()), "race"), "own.gcomp.levels")


def test_robust_variance_counts_the_sampling_of_people():
    fit = logistic("low ~ smoke * age + race", births(), robust="HC0")
    check(standardized_risks(fit, "smoke"), "own.gcomp.hc0")


def test_among_the_exposed():
    fit = logistic("low ~ smoke * age + race", births(), robust="HC0")
    found = standardized_risks(fit, "smoke", among=1)
    check(found, "own.gcomp.exposed")
    assert found.n == 74 and found.events == 30
    assert "those with smoke = 1" in found.method


def test_clusters():
    data = read("bacteria").assign(y=lambda d: d["y"] == "y")
    data["trt"] = pd.Categorical(data["trt"], ["placebo", "drug", "drug+"])
    check(standardized_risks(logistic("y ~ trt + week", data, cluster="ID"), "trt"), "own.gcomp.cluster")


def test_modified_poisson_with_weights():
    data = read("colon").query("etype == 1").assign(w=lambda d: 1 + d["id"] % 5)
    data["rx"] = pd.Categorical(data["rx"], sorted(data["rx"].unique()))
    fit = modified_poisson("status ~ rx + age", data, weights="w")
    result = standardized_risks(fit, "rx")
    rows = pd.concat([rows_of(result, measure) for measure in ("risk", "RD", "RR")])
    check(result, "own.gcomp.modpois")
    assert rows["std_error"].notna().all()


def test_log_binomial_and_two_values_of_a_number():
    fit = log_binomial("low ~ age + smoke", births())
    check(standardized_risks(fit, "age", values=(20, 30)), "own.gcomp.logbin")


def test_counts_with_an_offset():
    fit = poisson("y ~ trt + lbase", read("epil"), offset="lage")
    result = standardized_risks(fit, "trt")
    check(result, "own.gcomp.counts", ("mean", "difference", "ratio"))
    assert set(result.table["measure"]) == {"mean", "difference", "ratio"} and result.events is None


def test_numbers_by_t():
    data = read("lung").rename(columns={"ph.ecog": "ecog", "wt.loss": "loss"})
    result = standardized_risks(linear("loss ~ sex * age + ecog", data), "sex", values=(1, 2))
    table = result.table
    assert table["measure"].tolist() == ["mean", "mean", "difference"]
    found = table[["coef", "std_error", "conf_low", "conf_high"]].to_numpy(float).T.ravel()
    np.testing.assert_allclose(found, reference("own.gcomp.linear"), rtol=1e-8)


def test_survey():
    """Influences summed by the design; the risks are also those of svypredmeans."""
    data = read("nhanes").assign(race=lambda d: pd.Categorical(d["race"]))
    fit = logistic("HI_CHOL ~ race + agecat + RIAGENDR", data, design=NHANES)
    rows = rows_of(standardized_risks(fit, "race"), "risk")
    p = rows["estimate"].to_numpy()
    found = [*p, *rows["std_error"] * p * (1 - p)]
    np.testing.assert_allclose([*found, *p], reference("own.gcomp.survey"), rtol=1e-8)
    assert (rows["df"] == fit.table["df"].max()).all()


def test_replicate_weights():
    data = read("nhanes").assign(race=lambda d: pd.Categorical(d["race"]))
    names = [f"w{r}" for r in range(1, 13)]
    for r, name in enumerate(names, 1):
        data[name] = data["WTMEC2YR"] * (1 + 0.9 * (-1.0) ** (data["SDMVPSU"] + data["SDMVSTRA"] // r + r))
    fit = logistic("HI_CHOL ~ race + RIAGENDR", data, design=ReplicateDesign("WTMEC2YR", names, kind="BRR"))
    rows = rows_of(standardized_risks(fit, "race"), "risk")
    p = rows["estimate"].to_numpy()
    np.testing.assert_allclose(
        [*p, *rows["std_error"] * p * (1 - p)], reference("own.gcomp.replicates"), rtol=1e-8
    )


# ------------------------------------------------------------------------------------ by hand


def strata_of_two() -> pd.DataFrame:
    """Old: 10 exposed of whom 6 are ill, 10 not exposed, 4 ill; young: 10 and 2, 30 and 3."""
    cells = [(1, 1, 10, 6), (1, 0, 10, 4), (0, 1, 10, 2), (0, 0, 30, 3)]
    frames = [pd.DataFrame({"old": o, "x": x, "ill": np.arange(n) < k}) for o, x, n, k in cells]
    return pd.concat(frames, ignore_index=True)


def test_saturated_model_by_hand():
    """One third of the 60 are old: risk(1) = 0.6/3 + 0.2*2/3 = 1/3, risk(0) = 0.4/3 + 0.1*2/3 = 0.2; RD 2/15, RR 5/3."""
    table = standardized_risks(logistic("ill ~ x * old", strata_of_two()), "x").table
    np.testing.assert_allclose(table["estimate"], [0.2, 1 / 3, 2 / 15, 5 / 3, 7.5], rtol=1e-10)
    # with the covariates fixed the variance is that of direct standardization: sum of share^2 p (1 - p) / n
    variance = (1 / 9) * (0.6 * 0.4 + 0.4 * 0.6) / 10 + (4 / 9) * (0.2 * 0.8 / 10 + 0.1 * 0.9 / 30)
    np.testing.assert_allclose(table["std_error"].iloc[2] ** 2, variance, rtol=1e-8)


def test_number_needed_to_treat_as_in_altman_1998():
    """A risk difference of 10% (-5% to 25%) is NNT 10 (20 the other way, through infinity, to 4)."""
    row, note = number_needed({"estimate": 0.10, "conf_low": -0.05, "conf_high": 0.25})
    assert row["estimate"] == pytest.approx(10) and np.isnan(row["conf_low"])
    assert "up to -20.0 and from 4.0 on" in note
    row, note = number_needed({"estimate": -0.10, "conf_low": -0.20, "conf_high": -0.05})
    assert note is None
    np.testing.assert_allclose([row["estimate"], row["conf_low"], row["conf_high"]], [-10, -20, -5])


def test_nobody_in_a_group_ill():
    table, _ = contrast_table(
        "x", ["0", "1"], np.array([0.0, 0.2]), Uncertainty(0.95, np.eye(2) * 1e-3), RISK
    )
    rows = table.set_index("measure")
    assert rows["estimate"]["risk"].iloc[0] == 0 and np.isinf(rows["estimate"]["RR"])
    assert rows.loc["RR", ["conf_low", "conf_high"]].isna().all()
    assert rows.loc["RD", ["conf_low", "conf_high"]].notna().all()


@pytest.mark.parametrize("ci", ["delta", "bootstrap"])
@pytest.mark.parametrize("robust", [None, "HC0"])
def test_separation_gives_a_risk_of_0_without_interval(ci, robust):
    data = births().assign(low=lambda d: d["low"].where(d["smoke"] == 0, 0))
    found = standardized_risks(
        logistic("low ~ smoke + lwt", data, robust=robust), "smoke", ci=ci, repeats=100
    )
    rows = found.table.set_index("measure")
    assert rows["estimate"]["risk"].iloc[1] == 0 and rows["estimate"]["RR"] == 0
    assert np.isnan(rows["conf_low"]["RR"]) and np.isnan(rows["conf_high"]["risk"].iloc[1])
    assert rows["conf_low"]["RD"] < rows["estimate"]["RD"] < rows["conf_high"]["RD"] < 0
    assert any("Separation" in note for note in found.notes)


# ------------------------------------------------------------------------------------ properties


@settings(max_examples=15, deadline=None)
@given(st.randoms(use_true_random=False))
def test_row_order_and_weights_as_rows(random):
    data = strata_of_two().assign(w=lambda d: 1.0 + d.index % 2)
    order = list(range(len(data)))
    random.shuffle(order)
    of = lambda frame, **options: standardized_risks(  # noqa: E731
        logistic("ill ~ x + old", frame, **options), "x"
    ).table[["estimate", "std_error"]]
    base = of(data, weights="w", robust=False)
    pd.testing.assert_frame_equal(of(data.iloc[order], weights="w", robust=False), base, rtol=1e-8)
    repeated = data.loc[data.index.repeat(data["w"].astype(int))]
    pd.testing.assert_frame_equal(of(repeated), base, rtol=1e-8)


def test_swapping_the_reference_inverts():
    fit = logistic("low ~ smoke + age", births())
    one, other = standardized_risks(fit, "smoke"), standardized_risks(fit, "smoke", values=(1, 0))
    assert rows_of(one, "RD")["estimate"].item() == pytest.approx(-rows_of(other, "RD")["estimate"].item())
    assert rows_of(one, "RR")["conf_low"].item() == pytest.approx(
        1 / rows_of(other, "RR")["conf_high"].item()
    )


def test_average_over_all_is_the_mean_of_exposed_and_unexposed():
    fit = logistic("low ~ smoke * age", births())
    difference = lambda among: rows_of(standardized_risks(fit, "smoke", among=among), "RD")["estimate"].item()  # noqa: E731
    share = births()["smoke"].mean()
    assert difference(None) == pytest.approx(share * difference(1) + (1 - share) * difference(0))


def test_bool_text_and_transformed_exposures():
    data = births().assign(
        yes=lambda d: d["smoke"] == 1, word=lambda d: np.where(d["smoke"] == 1, "yes", "no")
    )
    expected = standardized_risks(logistic("low ~ smoke + age", data), "smoke").table["estimate"]
    for formula, name in (
        ("low ~ yes + age", "yes"),
        ("low ~ word + age", "word"),
        ("low ~ C(smoke) + age", "smoke"),
    ):
        found = standardized_risks(logistic(formula, data), name).table
        np.testing.assert_allclose(found["estimate"], expected, rtol=1e-10)
    labels = standardized_risks(logistic("low ~ yes + age", data), "yes").table["level"]
    assert labels.tolist()[:2] == ["False", "True"]


def test_fractions_of_a_whole_number():
    fit = logistic("low ~ age + smoke", births())
    risk = rows_of(standardized_risks(fit, "age", values=(22.5, 23)), "risk")["estimate"].iloc[0]
    assert risk == pytest.approx(fit.predict(births().assign(age=22.5)).mean())


def test_bias_reduced_variance_keeps_covariates_fixed():
    found = standardized_risks(
        logistic("low ~ smoke + age", births(), cluster="block", robust="CR2"), "smoke"
    )
    assert any("CR2 is defined for coefficients" in note for note in found.notes)


# ------------------------------------------------------------------------------------ bootstrap


def test_bootstrap_is_seeded_and_close_to_the_delta_method():
    fit = logistic("low ~ smoke + age", births(), robust="HC0")
    delta = standardized_risks(fit, "smoke").table
    options = {"ci": "bootstrap", "repeats": 400}
    first, second = (standardized_risks(fit, "smoke", **options, seed=3) for _ in range(2))
    pd.testing.assert_frame_equal(first.table, second.table)
    assert not first.table.equals(standardized_risks(fit, "smoke", **options, seed=4).table)
    np.testing.assert_allclose(first.table["estimate"], delta["estimate"], rtol=1e-12)
    np.testing.assert_allclose(first.table["std_error"][:4], delta["std_error"][:4], rtol=0.15)
    assert "400 bootstrap samples of rows" in first.method


def test_bootstrap_draws_whole_clusters():
    """Rows ten times over are no more information: drawn as clusters the spread stays, drawn as rows it shrinks."""
    data = births().assign(id=lambda d: d.index)
    copied = data.loc[data.index.repeat(10)].reset_index(drop=True)
    spread = lambda fit: rows_of(  # noqa: E731
        standardized_risks(fit, "smoke", ci="bootstrap", repeats=200), "RD"
    )["std_error"].item()
    single = spread(logistic("low ~ smoke", data))
    assert spread(logistic("low ~ smoke", copied, cluster="id")) == pytest.approx(single, rel=0.2)
    assert spread(logistic("low ~ smoke", copied)) == pytest.approx(single / np.sqrt(10), rel=0.2)


def test_bootstrap_samples_without_a_level_are_left_out_and_counted():
    """Of two rows of a level none is drawn in about exp(-2) of the samples."""
    data = births().sample(frac=1, random_state=1).reset_index(drop=True)
    data["rare"] = pd.Categorical(
        np.where(data.index < 2, "a", np.where(data.index % 2, "b", "c")), list("cab")
    )
    data.loc[[0, 1], "low"] = [0, 1]
    found = standardized_risks(logistic("low ~ rare", data), "rare", ci="bootstrap", repeats=200)
    (note,) = (note for note in found.notes if "bootstrap samples, in which" in note)
    assert 12 <= int(note.split()[0]) <= 45
    assert found.table.query("measure == 'risk'")["conf_low"].notna().all()


# ------------------------------------------------------------------------------------ truth


def test_simulated_truth():
    """Marginal risks of a logistic model with a normal confounder, by numerical integration."""
    rng = np.random.default_rng(20261124)
    n = 40_000
    z = rng.normal(size=n)
    x = (rng.uniform(size=n) < 1 / (1 + np.exp(-z))).astype(int)
    y = (rng.uniform(size=n) < 1 / (1 + np.exp(1 - x - z))).astype(int)
    grid = np.linspace(-8, 8, 4001)
    density = np.exp(-(grid**2) / 2) / np.exp(-(grid**2) / 2).sum()
    truth = [density @ (1 / (1 + np.exp(1 - a - grid))) for a in (0, 1)]
    data = pd.DataFrame({"x": x, "z": z, "y": y})
    table = standardized_risks(logistic("y ~ x + z", data, robust="HC0"), "x").table
    wanted = [*truth, truth[1] - truth[0], truth[1] / truth[0]]
    for row, true in zip(table.to_dict("records")[:4], wanted, strict=True):
        assert row["conf_low"] < true < row["conf_high"]
    assert table["std_error"].iloc[2] < 0.01


# ------------------------------------------------------------------------------------ the door


def test_missing_rows_and_notes_come_along(tmp_path):
    data = births().assign(age=lambda d: d["age"].where(d.index % 10 > 0))
    found = standardized_risks(logistic("low ~ smoke + age", data), "smoke")
    assert found.n == 170 and found.n_missing["age"] == 19
    assert any("19 of 189 rows left out" in note for note in found.notes)
    found.save(tmp_path / "risks")
    pd.testing.assert_frame_equal(Estimates.load(tmp_path / "risks").table, found.table)
    assert "RD" in found.to_markdown()


def test_figure_of_one_measure():
    found = standardized_risks(logistic("low ~ race + age", births()), "race")
    assert len(found.plot().get_yticks()) == 3
    axes = found.plot(measure="RR", labels={"race": "Origin"})
    assert [text.get_text() for text in axes.get_yticklabels()] == ["Origin: 2", "Origin: 3"]
    assert axes.get_xscale() == "log"
    with pytest.raises(ValueError, match="measure='OR' is not in the table; choose one of risk, RD, RR, NNT"):
        found.plot(measure="OR")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"exposure": "smok"}, "'smok' is not a variable of the model. Did you mean 'smoke'"),
        ({"exposure": "age"}, r"number with values other than 0 and 1.*values=\(0, 1\)"),
        ({"exposure": "race", "values": (1, 5)}, "'race' has no level 5.*It has 1, 2, 3"),
        ({"exposure": "race", "values": (1,)}, "two or more different values"),
        ({"exposure": "age", "values": ("20", "30")}, "'age' is a number, '20' is not"),
        ({"exposure": "smoke", "among": 2}, "nobody has smoke = 2"),
        ({"exposure": "smoke", "ci": "bca"}, "ci='bca' is unknown"),
        ({"exposure": "smoke", "ci": "bootstrap", "repeats": 10}, "repeats=10 are too few"),
    ],
)
def test_clear_errors(options, message):
    fit = logistic("low ~ smoke + age + race", births())
    with pytest.raises(ValueError, match=message):
        standardized_risks(fit, **options)


def test_other_fits_are_refused(tmp_path):
    data = births()
    with pytest.raises(TypeError, match=r"fit must be a fit of logistic.* it is GeeFit"):
        standardized_risks(gee("low ~ smoke", data, groups="block"), "smoke")
    fit = logistic("low ~ smoke", data)
    fit.save(tmp_path / "fit")
    for without in (type(fit).load(tmp_path / "fit"), pickle.loads(pickle.dumps(fit))):
        with pytest.raises(ValueError, match="without its rows: fit it again"):
            standardized_risks(without, "smoke")
    designed = logistic("HI_CHOL ~ RIAGENDR", read("nhanes"), design=NHANES)
    with pytest.raises(ValueError, match="does not know survey designs"):
        standardized_risks(designed, "RIAGENDR", values=(1, 2), ci="bootstrap")
