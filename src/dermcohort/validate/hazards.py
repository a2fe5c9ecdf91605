"""Log-rank tests, Nelson-Aalen, restricted means and Cox diagnostics (ids lr.*, na.*, rmst.*, zph, resid, ...)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from ..survival import cox, logrank, nelson_aalen, rmst, split_time
from .registry import ITERATIVE, Read, Values, columns, errors, recomputes

OUTCOME: dict[str, Any] = {"time": "time", "event": "status"}


def _lung(read: Read) -> pd.DataFrame:
    return read("lung").rename(columns={"ph.ecog": "ecog"}).assign(status=lambda d: d["status"] - 1)


def _coefficients_and_errors(*fits: Any) -> list[float]:
    return [
        *np.concatenate([fit.coefficients for fit in fits]),
        *np.ravel([errors(f.covariance) for f in fits]),
    ]


@recomputes("lr.lung")
def _two_groups(read: Read) -> Values:
    return [logrank(_lung(read), "time", "status", "sex", rho=rho).statistic for rho in (0, 1)]


@recomputes("lr.strat")
def _stratified(read: Read) -> Values:
    return [logrank(_lung(read), "time", "status", "sex", strata="ecog").statistic]


@recomputes("lr.trend")
def _score_test(read: Read) -> Values:
    return [cox("ecog", _lung(read), ties="breslow", **OUTCOME).score_test["statistic"]]


@recomputes("lr.exacttrend")
def _trend(read: Read) -> Values:
    return [logrank(_lung(read), "time", "status", "ecog", trend=True).statistic]


@recomputes("na.lung")
def _cumulative_hazard(read: Read) -> Values:
    at = nelson_aalen(_lung(read), "time", "status").at([100, 365, 700])
    return columns(at, "estimate", "std_error")


@recomputes("rmst.lung")
def _restricted_means(read: Read) -> Values:
    table = rmst(_lung(read), "time", "status", tau=500, by="sex").table
    return columns(table[table["measure"] == "RMST"], "estimate", "std_error")


@recomputes("zph", tolerance=ITERATIVE)
def _proportional_hazards(read: Read) -> Values:
    fit = cox("trt + karno + age", read("veteran"), **OUTCOME)
    return np.ravel([fit.ph_test(transform).table["statistic"] for transform in ("km", "identity", "rank")])


@recomputes("resid", tolerance=ITERATIVE)
def _residuals(read: Read) -> Values:
    fit = cox("age + sex", _lung(read), **OUTCOME)
    kinds = ("dfbeta", "scaled_schoenfeld", "schoenfeld", "score")
    of_rows = [fit.residuals(kind)[:3] for kind in ("martingale", "deviance")]
    return np.concatenate([*of_rows, *(fit.residuals(kind)["age"][:3] for kind in kinds)])


@recomputes("basehaz", tolerance=ITERATIVE)
def _predicted_curve(read: Read) -> Values:
    fit = cox("age + sex", _lung(read), **OUTCOME)
    found = fit.survival(pd.DataFrame({"age": [60], "sex": [1]}), 365)
    return columns(found, "estimate", "std_error", "conf_low", "conf_high")


@recomputes("conc")
def _concordance(read: Read) -> Values:
    fit = cox("age + sex + ecog", _lung(read), **OUTCOME)
    return [fit.concordance, fit.concordance_std_error]


@recomputes("cs.cox", tolerance=ITERATIVE)
def _cause_specific(read: Read) -> Values:
    data = read("mgus2cr")
    pcm, death = (
        cox("age + sex + mspike", data.assign(event=data["ev"] == event), time="etime", event="event")
        for event in ("pcm", "death")
    )
    return [*pcm.coefficients, *death.coefficients, *errors(pcm.covariance)]


@recomputes("msm.cox", tolerance=ITERATIVE)
def _multistate(read: Read) -> Values:
    """From one state to two: a model of each transition, the robust variance as R's where there is an id."""
    data = read("mgus2cr")
    return _coefficients_and_errors(
        *(
            cox("age + sex", data.assign(event=data["ev"] == event), time="etime", event="event", robust=True)
            for event in ("pcm", "death")
        )
    )


@recomputes("cox.split", tolerance=ITERATIVE)
def _step_function(read: Read) -> Values:
    data = split_time(read("veteran"), "time", "status", [90, 180])
    return _coefficients_and_errors(cox("trt + prior + karno:C(episode)", data, entry="entry", **OUTCOME))


@recomputes("cox.tt", tolerance=ITERATIVE)
def _time_transform(read: Read) -> Values:
    veteran = read("veteran")
    data = split_time(veteran, "time", "status", veteran.loc[veteran["status"] == 1, "time"])
    data = data.assign(changing=data["karno"] * np.log(data["time"] + 20))
    return _coefficients_and_errors(cox("trt + prior + karno + changing", data, entry="entry", **OUTCOME))
