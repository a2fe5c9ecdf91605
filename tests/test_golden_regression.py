"""Logistic regression against R (validation/own/). Maximum likelihood: 1e-8."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from golden import read, reference

from dermcohort.regression import logistic


def errors(fit) -> np.ndarray:
    return np.sqrt(np.diag(fit.covariance))


def test_factor_and_interaction():
    data = read("infert")
    data["education"] = pd.Categorical(data["education"], ["0-5yrs", "6-11yrs", "12+ yrs"])
    fit = logistic("case ~ education + age * parity", data)
    np.testing.assert_allclose([*fit.coefficients, *errors(fit)], reference("own.logit.factor"), rtol=1e-8)


def test_weights_and_offset():
    data = read("infert").assign(w=lambda d: 1 + 0.5 * (d["age"] > 30), o=lambda d: d["age"] / 100)
    robust = logistic("case ~ spontaneous", data, weights="w", offset="o")
    model = logistic("case ~ spontaneous", data, weights="w", offset="o", robust=False)
    found = [*robust.coefficients, *errors(model), *errors(robust)]
    np.testing.assert_allclose(found, reference("own.logit.weights"), rtol=1e-8)


def test_statsmodels_agrees():
    data = read("infert")
    fit = logistic("case ~ spontaneous + induced", data)
    X = sm.add_constant(data[["spontaneous", "induced"]])
    other = sm.GLM(data["case"], X, family=sm.families.Binomial()).fit(tol=1e-14)
    np.testing.assert_allclose(fit.coefficients, other.params, rtol=1e-8)
    assert fit.loglik == pytest.approx(other.llf, rel=1e-10)
