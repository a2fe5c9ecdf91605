"""Survey designs and robust variances against R (validation/): closed forms 1e-12, fitted models 1e-8."""

import numpy as np
import pandas as pd
import pytest
from golden import read, reference

from dermcohort import ReplicateDesign, SurveyDesign, prevalence, survey
from dermcohort.regression.families import LOGIT
from dermcohort.regression.maximize import maximize
from dermcohort.variance import MeanModel, bias_reduced, jackknife, sandwich, weighted_means

CLUS1 = SurveyDesign("pw", cluster="dnum", fpc="fpc")
CLUS2 = SurveyDesign(cluster=["dnum", "snum"], fpc=["fpc1", "fpc2"])
STRAT = SurveyDesign("pw", strata="stype", fpc="fpc")
NHANES = SurveyDesign("WTMEC2YR", strata="SDMVSTRA", cluster="SDMVPSU", nest=True)
COLON = SurveyDesign("w", strata="region", cluster="village")
CI = {"mean": "wald", "asin": "arcsine", "xlogit": "logit"}


@pytest.fixture(scope="module")
def colon() -> pd.DataFrame:
    """The trial with an invented design: 47 villages of 20 people in 8 regions."""
    data = read("colon")
    village = (data["id"] - 1) // 20
    many = (data["nodes"] > 4).astype(float).where(data["nodes"].notna())
    return data.assign(village=village, region=village // 6, w=1 + data["id"] % 5, f1=90, f2=80, many=many)


def check(found, identifier, rtol=1e-12):
    np.testing.assert_allclose(np.asarray(found, float), reference(identifier), rtol=rtol)


def interval(estimates) -> list[float]:
    row = estimates.table.iloc[0]
    return [row["estimate"], row["conf_low"], row["conf_high"]]


def columns(estimates, *names: str) -> np.ndarray:
    return estimates.table[list(names)].to_numpy().T.ravel()


def test_likelihood_interval(colon):
    """R's own inverts a spline and is right to 1e-5; these references solve for the deviance itself."""
    nhanes = prevalence.survey(read("nhanes"), "HI_CHOL", NHANES, ci="likelihood")
    check(interval(nhanes), "own.svy.likelihood.nhanes", rtol=1e-8)
    check(
        interval(prevalence.survey(colon, "many", COLON, ci="likelihood")), "own.svy.likelihood.colon", 1e-8
    )


@pytest.mark.parametrize("method", ["logit", "beta", "asin", "mean"])
def test_prevalence_of_villages(colon, method):
    found = prevalence.survey(colon, "many", COLON, ci=CI.get(method, method))
    check(interval(found), f"own.svy.colon.{method}", rtol=1e-8 if method == "logit" else 1e-12)


@pytest.mark.parametrize("method", ["xlogit", "beta"])
def test_prevalence_of_strata(method):
    found = prevalence.survey(read("apistrat"), "sch.wide", STRAT, ci=CI.get(method, method))
    check(interval(found), f"own.svy.strat.{method}")


@pytest.mark.parametrize("method", ["xlogit", "beta", "asin"])
def test_prevalence_of_two_stages(method):
    found = prevalence.survey(read("apiclus2"), "awards", CLUS2, ci=CI.get(method, method))
    check(interval(found), f"own.svy.clus2.{method}")


def test_prevalence_by_groups():
    data = read("nhanes")
    found = prevalence.survey(data, "HI_CHOL", NHANES, ["agecat", "race"], ci="beta")
    check(columns(found, "estimate", "conf_low", "conf_high"), "own.svy.by.ci")


def test_design_effect_of_a_mean():
    """With replacement by default, as that of a prevalence."""
    data = read("nhanes")
    mean = survey.mean(data, "HI_CHOL", NHANES, "race").table["design_effect"]
    share = prevalence.survey(data, "HI_CHOL", NHANES, "race").table["design_effect"]
    np.testing.assert_allclose(mean, share, rtol=1e-12)


def test_intracluster_correlation():
    data = read("apiclus1")
    from dermcohort.prevalence.survey import intracluster_correlation

    unit = pd.factorize(data["dnum"])[0]
    check(intracluster_correlation(data["api00"].to_numpy(), np.zeros(len(data), int), 1, unit), "kappa.icc")


def test_means_of_a_domain_in_two_stages():
    check(
        columns(survey.mean(read("apiclus2"), "api00", CLUS2, "stype"), "estimate", "std_error"),
        "own.svy.two.stage.domain",
    )


def test_two_stages_without_strata(colon):
    first = colon[colon["etype"] == 1]
    design = SurveyDesign(cluster=["village", "id"], fpc=["f1", "f2"])
    check(columns(survey.mean(first, "nodes", design), "estimate", "std_error"), "own.svy.two.stage")


def test_sampled_fraction():
    sampled = {"E": 100, "H": 50, "M": 50}
    data = read("apistrat").assign(f=lambda d: d["stype"].map(sampled) / d["fpc"])
    found = survey.mean(data, "api00", SurveyDesign("pw", strata="stype", fpc="f"))
    check(columns(found, "estimate", "std_error"), "own.svy.fraction")


def test_totals_and_ratios():
    check(
        columns(survey.total(read("apiclus1"), "enroll", CLUS1, "stype"), "estimate", "std_error"),
        "own.svy.total.by",
    )
    check(
        columns(survey.total(read("apiclus2"), "enroll", CLUS2), "estimate", "std_error"),
        "own.svy.two.stage.total",
    )
    check(
        columns(survey.ratio(read("apistrat"), "api.stu", "enroll", STRAT, "stype"), "estimate", "std_error"),
        "own.svy.ratio.by",
    )


def test_quantiles(colon):
    names = ("estimate", "conf_low", "conf_high", "std_error")
    check(columns(survey.quantile(colon, "time", COLON, (0.1, 0.5, 0.9)), *names), "own.svy.quantile.colon")
    first = colon[colon["etype"] == 1].assign(rx=lambda d: pd.Categorical(d["rx"], ["Lev", "Lev+5FU", "Obs"]))
    found = columns(survey.quantile(first, "age", COLON, 0.5, by="rx"), "estimate", "std_error")
    assert sorted(found[:3]) == sorted(reference("own.svy.quantile")[:3])
    np.testing.assert_allclose(sorted(found[3:]), sorted(reference("own.svy.quantile")[3:]), rtol=1e-12)


def test_rao_scott(colon):
    names = ("statistic", "df", "df_residual", "p_value")
    check(columns(survey.independence(read("nhanes"), "HI_CHOL", "race", NHANES), *names), "own.svy.chisq")
    check(columns(survey.independence(colon, "differ", "rx", COLON), *names), "own.svy.chisq.colon")


@pytest.mark.parametrize("rule", ["adjust", "average", "certainty", "remove"])
def test_lonely_sampling_units(rule):
    found = survey.mean(read("lonely"), "api00", SurveyDesign("pw", strata="stype", lonely_psu=rule))
    assert "1 stratum has only one sampling unit" in found.notes[0]


def test_lonely_villages(colon):
    some = colon[~((colon["region"] == 1) & (colon["village"] > 6))]
    rules = ["adjust", "average", "certainty"]
    rows = [
        survey.mean(some, "nodes", SurveyDesign("w", "region", "village", lonely_psu=rule)).table.iloc[0]
        for rule in rules
    ]
    check([rows[0]["estimate"], *(row["std_error"] for row in rows)], "own.svy.lonely.nested")


def test_jackknife():
    found = []
    cases = [
        (read("apiclus1"), "api00", CLUS1),
        (read("apistrat"), "api00", SurveyDesign("pw", strata="stype")),
        (read("nhanes"), "HI_CHOL", NHANES),
    ]
    for data, variable, design in cases:
        values = data[variable].to_numpy(float)
        group = np.where(np.isnan(values), -1, 0)
        found.append(weighted_means(values, group, 1, jackknife(design.sample(data))))
    check([*(m.std_error[0] for m in found), *(m.df[0] for m in found)], "own.svy.jackknife")


def test_replicate_weights():
    data = read("nhanes")
    h, k = data["SDMVPSU"].to_numpy(), data["SDMVSTRA"].to_numpy()
    names = [f"w{r}" for r in range(1, 13)]
    for r, name in enumerate(names, 1):
        data[name] = data["WTMEC2YR"] * (1 + 0.9 * (-1.0) ** (h + k // r + r))
    kinds = [
        {"kind": "BRR"},
        {"kind": "Fay", "rho": 0.3},
        {"kind": "bootstrap"},
        {"kind": "JK1"},
        {"kind": "BRR", "mse": True},
    ]
    found = [
        prevalence.survey(data, "HI_CHOL", ReplicateDesign("WTMEC2YR", names, **kind))
        .table["std_error"]
        .iloc[0]
        for kind in kinds
    ]
    check(found, "own.svy.replicates")


# ---------------------------------------------------------------------- few clusters


def least_squares(X, y, w) -> tuple[np.ndarray, MeanModel]:
    beta = np.linalg.solve((X * w[:, None]).T @ X, (X * w[:, None]).T @ y)
    return beta, MeanModel(X, w, y - X @ beta, np.ones(len(y)))


def logistic_model(X, y, w) -> tuple[np.ndarray, MeanModel]:
    fit = maximize(X, y, LOGIT, w, np.zeros(len(y)))
    p = LOGIT.mean(fit.eta)
    v = p * (1 - p)
    return fit.coefficients, MeanModel(X * v[:, None], w / v, y - p, v / w)


def poisson_model(X, y) -> MeanModel:
    beta = np.zeros(X.shape[1])
    for _ in range(50):
        mu = np.exp(X @ beta)
        beta = beta + np.linalg.solve((X * mu[:, None]).T @ X, X.T @ (y - mu))
    mu = np.exp(X @ beta)
    return MeanModel(X * mu[:, None], 1 / mu, y - mu, mu)


def errors(covariance) -> np.ndarray:
    return np.sqrt(np.diag(covariance))


def cr2_cr3(model, cluster) -> list[float]:
    cr2, cr3 = bias_reduced(model, cluster, "CR2"), bias_reduced(model, cluster, "CR3")
    assert cr2.symmetric_root
    return [*errors(cr2.covariance), *cr2.df, *errors(cr3.covariance)]


def codes(column) -> np.ndarray:
    return pd.factorize(column)[0]


def test_least_squares_with_few_clusters():
    data = read("dietox").dropna(subset=["Weight", "Time", "Cu"])
    X = np.column_stack(
        [np.ones(len(data)), data["Time"], pd.get_dummies(data["Cu"], drop_first=True, dtype=float)]
    )
    beta, model = least_squares(X, data["Weight"].to_numpy(), np.ones(len(data)))
    found = bias_reduced(model, codes(data["Pig"]), "CR2")
    expected = reference("cl.lm.cr2")[:12]  # then p-values, which follow from these
    np.testing.assert_allclose([*beta, *errors(found.covariance), *found.df], expected, rtol=1e-11)


def test_logistic_with_few_clusters():
    data = read("bacteria")
    arm = data["trt"].to_numpy()
    X = np.column_stack([np.ones(len(data)), arm == "drug", arm == "drug+", data["week"]]).astype(float)
    beta, model = logistic_model(X, (data["y"] == "y").to_numpy(float), np.ones(len(data)))
    found = bias_reduced(model, codes(data["ID"]), "CR2")
    expected = reference("cl.logit.cr2")[:12]
    np.testing.assert_allclose([*beta, *errors(found.covariance), *found.df], expected, rtol=1e-8)


def test_cr2_and_cr3(colon):
    ohio = read("ohio")
    X = np.column_stack([np.ones(len(ohio)), ohio["age"], ohio["smoke"], ohio["age"] * ohio["smoke"]]).astype(
        float
    )
    _, model = logistic_model(X, ohio["resp"].to_numpy(float), np.ones(len(ohio)))
    check(cr2_cr3(model, codes(ohio["id"])), "own.cr.ohio", rtol=1e-8)

    for etype, identifier in ((1, "own.cr.weighted"), (2, "own.cr.poisson")):
        data = colon[(colon["etype"] == etype) & colon["nodes"].notna()]
        X = np.column_stack([np.ones(len(data)), data["nodes"], data["sex"]]).astype(float)
        y = data["status"].to_numpy(float)
        model = logistic_model(X, y, data["w"].to_numpy(float))[1] if etype == 1 else poisson_model(X, y)
        check(cr2_cr3(model, codes(data["village"])), identifier, rtol=1e-8)

    data = colon[(colon["etype"] == 1) & colon["nodes"].notna()]
    X = np.column_stack([np.ones(len(data)), data["age"], data["sex"]]).astype(float)
    _, model = least_squares(X, data["nodes"].to_numpy(float), data["w"].to_numpy(float))
    check(cr2_cr3(model, codes(data["village"])), "own.cr.lm.weighted", rtol=1e-8)


def test_cr1s_and_hc3():
    data = read("petersen")
    X = np.column_stack([np.ones(len(data)), data["x"]])
    beta, model = least_squares(X, data["y"].to_numpy(), np.ones(len(data)))
    influence = X * model.residual[:, None] @ np.linalg.inv(X.T @ X)
    found = [*beta, *errors(sandwich(influence, codes(data["firm"]), "CR1S"))]
    check(found, "cl.petersen")
    check(errors(bias_reduced(model, None, "HC3").covariance), "cl.hc3")
    infert = read("infert")
    X = np.column_stack([np.ones(len(infert)), infert["spontaneous"], infert["induced"]]).astype(float)
    _, logit = logistic_model(X, infert["case"].to_numpy(float), np.ones(len(infert)))
    check(errors(bias_reduced(logit, None, "HC3").covariance), "own.hc3", rtol=1e-8)


BANDS = {"(0,19]": "0-19", "(19,39]": "20-39", "(39,59]": "40-59", "(59,Inf]": "60+"}


def test_standardization_with_a_design():
    """As R's help page: the youngest are outside, so the standard is that of the others."""
    data = read("nhanes")
    data["age"] = data["agecat"].map(BANDS)
    data["high"] = data["HI_CHOL"].where(data["age"] != "0-19")
    standard = pd.DataFrame({"age": list(BANDS.values()), "population": [55901, 77670, 72816, 45364]})
    found = prevalence.standardized(
        data, "high", age="age", standard=standard, by=["RIAGENDR", "race"], design=NHANES
    )
    assert "77.8% of it" in " ".join(found.notes)


def test_standardizing_a_survey_to_itself_changes_nothing():
    data = read("nhanes").dropna(subset="HI_CHOL")
    data["age"] = data["agecat"].map(BANDS)
    own = data.groupby("age", as_index=False)["WTMEC2YR"].sum().rename(columns={"WTMEC2YR": "population"})
    table = prevalence.standardized(data, "HI_CHOL", age="age", standard=own, design=NHANES).table
    assert table["estimate"].iloc[0] == pytest.approx(table["estimate"].iloc[1], rel=1e-13)
    with pytest.raises(ValueError, match="ci='gamma' is unknown with design="):
        prevalence.standardized(data, "HI_CHOL", age="age", standard=own, design=NHANES, ci="gamma")


# ---------------------------------------------------------------------- comparisons


def comparison(estimates, level: int) -> list[float]:
    row = estimates.table.iloc[level]
    logged = row["measure"] != "prevalence difference"
    limits = [np.log(row[name]) if logged else row[name] for name in ("conf_low", "conf_high")]
    return [row["coef"], row["std_error"], *limits, row["statistic"], row["df"]]


@pytest.mark.parametrize(
    ("case", "outcome", "exposure", "level"),
    [("nhanes", "HI_CHOL", "race", 1), ("colon", "many", "differ", 2), ("clus1", "awards", "stype", 2)],
)
def test_comparisons(colon, case, outcome, exposure, level):
    data = {"nhanes": read("nhanes"), "colon": colon, "clus1": read("apiclus1")}[case]
    design = {"nhanes": NHANES, "colon": COLON, "clus1": CLUS1}[case]
    compare = (prevalence.ratio, prevalence.difference, prevalence.odds_ratio)
    found = [comparison(c(data, outcome, exposure, design=design), level) for c in compare]
    check(np.concatenate(found), f"own.svy.compare.{case}", rtol=1e-8)


def trend_numbers(found) -> list[float]:
    row = found.table.iloc[-1]
    names = ["estimate", "std_error", "conf_low", "conf_high", "statistic", "df"]
    test = found.departure
    return [*row[names], test["statistic"], test["df"], test["p_value"]]


def test_trends(colon):
    nhanes = read("nhanes").assign(age=lambda d: pd.Categorical(d["agecat"], list(BANDS), ordered=True))
    for case, found in {
        "nhanes": prevalence.trend(nhanes, "HI_CHOL", "age", design=NHANES),
        "colon": prevalence.trend(colon, "many", "differ", design=COLON),
    }.items():
        expected = np.delete(reference(f"own.svy.trend.{case}"), 8)  # the denominator df
        np.testing.assert_allclose(trend_numbers(found), expected, rtol=1e-8)


def test_comparison_refuses_intervals_without_a_design(colon):
    with pytest.raises(ValueError, match="ci='newcombe' is unknown with design=; choose one of wald"):
        prevalence.difference(colon, "many", "differ", design=COLON, ci="newcombe")
    nobody = colon.assign(many=colon["many"].where(colon["differ"] != 2, 0))
    found = prevalence.ratio(nobody, "many", "differ", design=COLON)
    assert found.table["estimate"].iloc[1] == 0 and np.isnan(found.table["conf_low"].iloc[1])
    assert "has no interval" in " ".join(found.notes)
