"""Standardized risks and propensity-score weights (ids ame, rr.gcomp.boot, zou.std, iptw.*)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from ..regression import linear, logistic, modified_poisson, propensity_weights, standardized_risks
from ..survival import cox
from ..variance import SurveyDesign
from .registry import ITERATIVE, Read, Values, errors, recomputes

TREATMENT = "hormon ~ age + meno + size + grade + nodes + er + pgr"
KNOWN_WEIGHTS = SurveyDesign(weights="made")  # svyglm's variance takes them as known


def _births(read: Read) -> pd.DataFrame:
    fit = logistic("case ~ spontaneous + induced + age", read("infert"))
    return standardized_risks(fit, "induced", values=(0, 1)).table.set_index("measure")


@recomputes("ame", tolerance=ITERATIVE)
def _risk_difference(read: Read) -> Values:
    return _births(read).loc["RD", ["coef", "std_error"]].to_numpy(float)


@recomputes("rr.gcomp.boot", tolerance=ITERATIVE)
def _log_risk_ratio(read: Read) -> Values:
    return _births(read).loc["RR", ["coef", "std_error"]].to_numpy(float)


@recomputes("zou.std", tolerance=ITERATIVE)
def _breast_cancer(read: Read) -> Values:
    data = read("zou192").assign(stage=lambda d: d["stage"].astype(str))
    table = standardized_risks(logistic("y ~ low * stage", data), "low").table.set_index("measure")
    p0, p1 = table.loc["risk", "estimate"]
    return [p1, p0, *table.loc[["RR", "RD"], "estimate"]]


def _weighted(read: Read, kind: str) -> pd.DataFrame:
    data = read("rotterdam")
    return data.assign(made=propensity_weights(TREATMENT, data, kind).weights)


def _last(fit: Any) -> list[float]:
    return [fit.coefficients.iloc[-1], errors(fit.covariance)[-1]]


# R's svyglm stopped at the log risk ratio (own.ipw.converged is run to the end)
@recomputes("iptw.ate", tolerance=[ITERATIVE, ITERATIVE, 5e-8, 1e-8])
def _average_effect(read: Read) -> Values:
    data = _weighted(read, "ate")
    fits = [model("d5 ~ hormon", data, design=KNOWN_WEIGHTS) for model in (linear, modified_poisson)]
    return np.concatenate([_last(fit) for fit in fits])


@recomputes("iptw.ato", tolerance=ITERATIVE)
def _overlap(read: Read) -> Values:
    return _last(linear("d5 ~ hormon", _weighted(read, "overlap"), design=KNOWN_WEIGHTS))


@recomputes("iptw.cox", tolerance=ITERATIVE)
def _hazard(read: Read) -> Values:
    return _last(cox("hormon", _weighted(read, "ate"), time="rt", event="rfs", weights="made"))
