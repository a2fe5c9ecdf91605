"""Generalized linear models against R (validation/): closed forms 1e-12, fitted models 1e-8."""

import numpy as np
import pandas as pd
import pytest
from golden import read, reference

from dermcohort import ReplicateDesign, SurveyDesign
from dermcohort.design import build_design
from dermcohort.regression import linear, log_binomial, logistic, modified_poisson, poisson
from dermcohort.regression.covariance import Arrays, model_covariance, robust_covariance
from dermcohort.regression.families import CLOGLOG, FAMILIES
from dermcohort.regression.maximize import maximize

NHANES = SurveyDesign("WTMEC2YR", strata="SDMVSTRA", cluster="SDMVPSU", nest=True)
COLON = SurveyDesign("w", strata="region", cluster="village")
HC = ("HC0", "HC1", "HC3")
CR = ("CR0", "CR1", "CR1S", "CR3")


@pytest.fixture(scope="module")
def colon() -> pd.DataFrame:
    """The trial with an invented design: 47 villages of 20 people in 8 regions."""
    data = read("colon")
    village = (data["id"] - 1) // 20
    log_time = np.log(data["time"])
    return data.assign(
        village=village, region=village // 6, w=1 + data["id"] % 5, age_10=data["age"] / 10, log_time=log_time
    )


@pytest.fixture(scope="module")
def rotterdam() -> pd.DataFrame:
    data = read("rotterdam")
    return data.assign(
        size=pd.Categorical(data["size"], ["<=20", ">50", "20-50"]),
        age_10=data["age"] / 10,
        log_pgr=np.log(data["pgr"] + 1),
        log_years=np.log(data["dtime"] / 365.25),
        log_days=np.log(data["dtime"]),
    )


def check(found, identifier, rtol=1e-8, atol=0.0):
    np.testing.assert_allclose(np.asarray(found, float), reference(identifier), rtol=rtol, atol=atol)


def errors(fit) -> np.ndarray:
    return np.sqrt(np.diag(fit.covariance))


def every(fit_of, kinds, **options) -> list[float]:
    """Coefficients, then standard errors of each kind."""
    fits = [fit_of(robust=kind, **options) for kind in kinds]
    return [*fits[0].coefficients, *np.concatenate([errors(fit) for fit in fits])]


def rows(fit, *names: str) -> np.ndarray:
    """Columns of the estimates without reference levels, one after the other."""
    table = fit.table.dropna(subset="std_error")
    return table[list(names)].to_numpy(float).T.ravel()


def log(fit, names=("conf_low", "conf_high")) -> np.ndarray:
    return np.log(rows(fit, *names))


def without_intercept(values: np.ndarray, n_blocks: int) -> np.ndarray:
    return values.reshape(n_blocks, -1)[:, 1:].ravel()


# ------------------------------------------------------------------- published and shared cases


def test_discrete_time_with_complementary_log_log():
    """A row for each 30 days at risk, as R's survSplit makes them."""
    people = read("veteran").assign(last=lambda d: np.ceil(d["time"] / 30).astype(int))
    data = people.loc[people.index.repeat(people["last"])]
    interval = data.groupby(level=0).cumcount() + 1
    data = data.assign(
        died=data["status"].where(interval == data["last"], 0), interval=interval.clip(upper=12).astype(str)
    )
    frame = build_design("died ~ interval + trt + karno", data)
    y = frame.response.to_numpy(float)
    maximum = maximize(frame.matrix, y, CLOGLOG, np.ones(len(y)), np.zeros(len(y)))
    found = [*maximum.coefficients[-2:], *np.sqrt(np.diag(maximum.bread))[-2:]]
    check(found, "own.glm.discrete")


def test_survey_regressions():
    data = read("nhanes").assign(
        race=lambda d: d["race"].astype(str), RIAGENDR=lambda d: d["RIAGENDR"].astype(str)
    )
    fit = modified_poisson("HI_CHOL ~ race + agecat + RIAGENDR", data, design=NHANES)
    designed(fit, "own.svyglm.nhanes")


# ------------------------------------------------------------------------------ further cases


def test_poisson(rotterdam):
    def rates(**options):
        data = rotterdam.assign(grade=rotterdam["grade"].astype(str))
        return poisson("death ~ hormon + grade + age_10", data, offset="log_years", **options)

    check([*every(rates, (False, *HC)), rates().loglik], "own.glm.poisson.offset")

    def counts(**options):
        return poisson("nodes ~ meno * hormon + size", rotterdam, weights="w", **options)

    found = every(counts, (False, *HC))
    names = list(counts().coefficients.index)
    order = [names.index(name) for name in ("Intercept", "meno", "hormon", "size[T.>50]", "size[T.20-50]")]
    order.append(names.index("meno:hormon"))
    check(np.reshape(found, (5, -1))[:, order].ravel(), "own.glm.poisson.counts")


def clustered(fit_of, identifier, log_scale=True, loglik=False, before=()):
    """Coefficients, CR0, CR1, CR1S, CR3, and CR2 with df, p-value and interval."""
    cr2 = fit_of(robust="CR2")
    p = len(cr2.coefficients)
    found = [*cr2.coefficients, *before, *every(fit_of, CR)[p:], *errors(cr2)]
    n = len(found)
    expected = reference(identifier)
    np.testing.assert_allclose(found, expected[:n], rtol=1e-8)
    t_part = expected[n : n + 4 * p].reshape(4, p)
    bounds = log(cr2) if log_scale else rows(cr2, "conf_low", "conf_high")
    np.testing.assert_allclose(rows(cr2, "df", "p_value"), t_part[:2, 1:].ravel(), rtol=1e-7)
    np.testing.assert_allclose(bounds, t_part[2:, 1:].ravel(), rtol=1e-7)
    if loglik:
        assert cr2.loglik == pytest.approx(expected[-1], rel=1e-10)


def test_poisson_with_clusters(colon):
    data = colon[colon["etype"] == 2]
    clustered(
        lambda **o: poisson("status ~ rx + sex", data, cluster="village", offset="log_time", **o),
        "own.glm.poisson.cr",
    )


def test_modified_poisson(rotterdam, colon):
    data = rotterdam.assign(grade=rotterdam["grade"].astype(str))
    fit = modified_poisson("recur ~ hormon * meno + grade", data, weights="w")
    order = [
        fit.coefficients.index.get_loc(n)
        for n in ("Intercept", "hormon", "meno", "grade[T.3]", "hormon:meno")
    ]
    found = every(lambda **o: modified_poisson("recur ~ hormon * meno + grade", data, weights="w", **o), HC)
    check(np.reshape(found, (4, -1))[:, order].ravel(), "own.glm.modpois")
    clustered(
        lambda **o: modified_poisson(
            "status ~ rx * sex + age_10", colon[colon["etype"] == 1], cluster="village", **o
        ),
        "own.glm.modpois.cr",
    )


def test_log_binomial(rotterdam, colon):
    def fit_of(**options):
        return log_binomial("death ~ age_10 + size + hormon", rotterdam, **options)

    check([*every(fit_of, (False, "HC0")), fit_of().loglik], "own.glm.logbin")
    data = colon[colon["etype"] == 1]
    own = log_binomial("status ~ rx + age_10", data, weights="w", robust=False)
    by_village = log_binomial("status ~ rx + age_10", data, weights="w", cluster="village")
    check([*own.coefficients, *errors(own), *errors(by_village)], "own.glm.logbin.weights")


def test_log_binomial_on_the_boundary():
    y = [0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 1, 1, 0, 1, 0, 1, 1, 0, 1, 1, 1, 1, 1]
    fit = log_binomial("y ~ x", pd.DataFrame({"x": np.repeat(range(7), 4), "y": y}))
    check([*fit.coefficients, fit.loglik], "own.glm.logbin.boundary")
    assert "on the boundary" in fit.notes[-1]
    assert np.isnan(fit.table["conf_low"]).all()

    ill = [1, 0, 0, 0, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 1, 1, 1, 1]
    fit = log_binomial("y ~ a", pd.DataFrame({"a": list("a" * 8 + "b" * 6 + "c" * 5), "y": ill}))
    check(fit.coefficients, "own.glm.logbin.level")


def test_linear(rotterdam, colon):
    def fit_of(**options):
        return linear("log_pgr ~ age + size + hormon * meno", rotterdam, **options)

    own = fit_of()
    p = len(own.coefficients)
    expected = reference("own.glm.lm")
    np.testing.assert_allclose([*own.coefficients, *errors(own)], expected[: 2 * p], rtol=1e-10)
    t_part = without_intercept(expected[2 * p : 5 * p], 3)
    np.testing.assert_allclose(rows(own, "p_value", "conf_low", "conf_high"), t_part, rtol=1e-9)
    np.testing.assert_allclose(every(fit_of, HC)[p:], expected[5 * p : -1], rtol=1e-10)
    assert own.loglik == pytest.approx(expected[-1], rel=1e-12)

    data = colon[colon["etype"] == 1]

    def weighted(**options):
        return linear("nodes ~ age_10 + rx", data, weights="w", **options)

    found = every(weighted, (False, *HC))
    clustered(
        lambda **o: weighted(cluster="village", **o), "own.glm.lm.weights", False, True, before=found[4:]
    )


def test_logistic_with_an_interaction_of_factors(colon):
    data = colon[colon["etype"] == 1].assign(surg=lambda d: d["surg"].astype(str))

    def fit_of(**options):
        return logistic("status ~ rx * surg + age", data, weights="w", **options)

    found = np.reshape(every(fit_of, (False, *HC)), (5, -1))
    clustered(lambda **o: fit_of(cluster="village", **o), "own.glm.logit", before=found[1:].ravel())


@pytest.mark.parametrize("link", ["cloglog", "identity"])
def test_other_links(link, rotterdam):
    family = FAMILIES[f"binomial-{link}"]
    if link == "cloglog":
        data = read("infert").assign(w=lambda d: 1.0 + (d["parity"] > 2))
        frame = build_design("case ~ spontaneous + induced + age", data)
        w = data["w"].to_numpy(float)
    else:
        frame = build_design("death ~ age_10 + size + hormon", rotterdam)
        w = np.ones(len(frame.matrix))
    arrays = Arrays(frame.matrix, frame.response.to_numpy(float), w, np.zeros(len(w)), None)
    maximum = maximize(arrays.X, arrays.y, family, arrays.weights, arrays.offset)
    own = model_covariance(arrays, family, maximum)
    robust = robust_covariance(arrays, family, maximum, "HC0", frame.names)
    found = [*maximum.coefficients, *np.sqrt(np.diag(own.matrix)), *np.sqrt(np.diag(robust.matrix))]
    check([*found, *([maximum.loglik] if link == "identity" else [])], f"own.glm.{link}")


def test_predictions(rotterdam):
    new = pd.DataFrame({"age": [40, 70], "size": ["<=20", ">50"], "log_days": np.log([365.25, 3652.5])})
    fits = [
        logistic("death ~ age + size", rotterdam),
        poisson("death ~ age + size", rotterdam, offset="log_days"),
        linear("nodes ~ age + size", rotterdam),
    ]
    check(np.concatenate([fit.predict(new) for fit in fits]), "own.glm.predict")
    assert [fit.predict(new).name for fit in fits] == ["probability", "expected", "expected"]


# ---------------------------------------------------------------------------- survey designs


def designed(fit, identifier, log_scale=True):
    p = len(fit.coefficients)
    expected = reference(identifier)
    np.testing.assert_allclose([*fit.coefficients, *errors(fit)], expected[: 2 * p], rtol=1e-8)
    found = [*rows(fit, "p_value"), *(log(fit) if log_scale else rows(fit, "conf_low", "conf_high"))]
    np.testing.assert_allclose(found, without_intercept(expected[2 * p : 5 * p], 3), rtol=1e-7)
    assert (fit.table["df"].dropna() == expected[-1]).all()


def test_survey_design(colon):
    designed(logistic("status ~ nodes + rx * sex", colon, design=COLON), "own.svyglm.logit")
    outside = (colon["etype"] != 2) | (colon["age"] <= 60)
    domain = colon.assign(status=colon["status"].mask(outside).astype(float))
    fit = modified_poisson("status ~ nodes + rx", domain, design=COLON, offset="log_time")
    designed(fit, "own.svyglm.domain")
    designed(log_binomial("status ~ rx + age_10", colon, design=COLON), "own.svyglm.logbin")


def test_survey_design_of_schools():
    strata = SurveyDesign("pw", strata="stype", fpc="fpc")
    designed(
        linear("api00 ~ ell + meals + stype", read("apistrat"), design=strata), "own.svyglm.gaussian", False
    )
    stages = SurveyDesign(cluster=["dnum", "snum"], fpc=["fpc1", "fpc2"])
    data = read("apiclus2").rename(columns={"sch.wide": "wide"})
    designed(linear("enroll ~ meals + wide", data, design=stages), "own.svyglm.stages", False)


def test_replicate_weights():
    data = read("nhanes")
    half, stratum = data["SDMVPSU"], data["SDMVSTRA"]
    names = [f"r{r}" for r in range(1, 13)]
    for r, name in enumerate(names, 1):
        data[name] = data["WTMEC2YR"] * (1 + 0.9 * (-1.0) ** (half + stratum // r + r))
    data["race"] = data["race"].astype(str)
    brr = ReplicateDesign("WTMEC2YR", names, kind="BRR")
    designed(logistic("HI_CHOL ~ race + RIAGENDR", data, design=brr), "own.svyglm.brr")
    fay = ReplicateDesign("WTMEC2YR", names, kind="Fay", rho=0.3, mse=True)
    data["HI_CHOL"] = data["HI_CHOL"].mask(data["agecat"] == "(0,19]")
    designed(modified_poisson("HI_CHOL ~ agecat + RIAGENDR", data, design=fay), "own.svyglm.fay")
