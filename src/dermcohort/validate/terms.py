"""Restricted cubic splines and the test of nonlinearity (ids rcs.*, cph.rcs)."""

from __future__ import annotations

from typing import Any

import pandas as pd

from ..regression import logistic, term_tests
from ..splines import default_knots
from ..survival import cox
from .registry import Read, Values, recomputes


def _pbc(read: Read) -> pd.DataFrame:
    data = read("pbc")
    return data.assign(dead=data["status"] == 2, sex=pd.Categorical(data["sex"], ["m", "f"]))


def _nonlinear(fit: Any) -> Any:
    return term_tests(fit).table.set_index("test").loc["nonlinear"]


@recomputes("rcs.knots")
def _knots(read: Read) -> Values:
    age = read("pbc")["age"].to_numpy()
    return [knot for k in (3, 4, 5) for knot in default_knots(age, k)]


# R stopped there, and below (own.lrm.rcs and own.cph.rcs are run to the end)
@recomputes("rcs.fit", tolerance=1e-7)
def _logistic(read: Read) -> Values:
    fit = logistic("dead ~ rcs(age) + sex", _pbc(read))
    found = _nonlinear(fit)
    return [*fit.coefficients, found["statistic"], found["df"], found["p_value"]]


@recomputes("cph.rcs", tolerance=1e-3)
def _cox(read: Read) -> Values:
    fit = cox("rcs(age) + sex", _pbc(read), time="time", event="dead")
    found = _nonlinear(fit)
    return [*fit.coefficients, found["statistic"], found["p_value"]]
