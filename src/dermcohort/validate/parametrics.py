"""Parametric models of times (ids weib.*, aft.*, tobit, lod.lognormal.mle, pwexp) and time in intervals (cloglog)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from ..regression import poisson
from ..survival import discrete_time, parametric, split_time
from .registry import ITERATIVE, Read, Values, errors, recomputes

OUTCOME: dict[str, Any] = {"time": "time", "event": "status"}
INTERVAL: dict[str, Any] = {"left": "left", "right": "right"}


def _lung(read: Read) -> pd.DataFrame:
    return read("lung").assign(status=lambda d: d["status"] - 1)


@recomputes("weib.lung", tolerance=ITERATIVE)
def _weibull(read: Read) -> Values:
    fit = parametric("age + sex", _lung(read), **OUTCOME)
    return [*fit.coefficients[:3], fit.scale, fit.loglik_null, fit.loglik, *errors(fit.covariance)]


@recomputes("aft.{}", "lognormal", "loglogistic", "exponential", tolerance=ITERATIVE)
def _accelerated(read: Read, member: str) -> Values:
    fit = parametric("age + sex", _lung(read), distribution=member, **OUTCOME)
    return [*fit.coefficients[:3], fit.scale, fit.loglik]


@recomputes("aft.ic", tolerance=ITERATIVE)
def _intervals(read: Read) -> Values:
    fit = parametric("1", read("ic"), left="l0", right="r")
    return [fit.coefficients["Intercept"], fit.scale, fit.loglik]


@recomputes("tobit", tolerance=ITERATIVE)
def _durable_goods(read: Read) -> Values:
    data = read("tobin").assign(
        left=lambda d: d["durable"].where(d["durable"] > 0), right=lambda d: d["durable"]
    )
    fit = parametric("age + quant", data, distribution="gaussian", **INTERVAL)
    return [*fit.coefficients[:3], fit.scale, fit.loglik]


@recomputes("lod.lognormal.mle", tolerance=ITERATIVE)
def _below_detection(read: Read) -> Values:
    value = np.array([2.1, 3.4, 1, 5.6, 1, 1.2, 8.9, 2, 4.4, 1.7])
    measured = np.array([1, 1, 0, 1, 0, 1, 1, 0, 1, 1], bool)
    data = pd.DataFrame({"left": np.where(measured, value, np.nan), "right": value})
    fit = parametric("1", data, distribution="lognormal", **INTERVAL)
    return [fit.coefficients["Intercept"], fit.scale, fit.loglik]


@recomputes("pwexp", tolerance=ITERATIVE)
def _piecewise_exponential(read: Read) -> Values:
    data = split_time(_lung(read), "time", "status", [100, 200, 300, 500])
    data["log_time"] = np.log(data["time"] - data["entry"])
    fit = poisson("status ~ C(episode) + age + sex", data, offset="log_time", robust=False)
    # the log-likelihood of 0/1 outcomes fitted perfectly is - events
    deviance = -2 * (fit.loglik + data["status"].sum())
    return [*fit.coefficients, *errors(fit.covariance), deviance]


# R stopped there (own.glm.discrete is run to the end)
@recomputes("cloglog", tolerance=2e-8)
def _discrete_time(read: Read) -> Values:
    """Intervals of 30 days, those after the 11th with one baseline hazard."""
    data = read("veteran").assign(time=lambda d: np.ceil(d["time"] / 30))
    fit = discrete_time(
        "trt + karno", data, cuts=range(1, 41), baseline="C(interval.clip(upper=12))", **OUTCOME
    )
    return [*fit.coefficients[-2:], *errors(fit.covariance)[-2:]]
