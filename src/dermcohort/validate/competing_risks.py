"""Competing risks and several states (ids aj, cuminc, gray.lung, crr, fg.*, ms.mgus2)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from ..survival import cox, cumulative_incidence, fine_gray, multi_state, subdistribution_data
from .registry import ITERATIVE, Read, Values, columns, errors, recomputes

TIMES = [60, 120, 240]


def _mgus2(read: Read) -> pd.DataFrame:
    """Plasma cell malignancy (pcm) and death after monoclonal gammopathy, the first of both."""
    data = read("mgus2cr")
    ended = pd.Categorical(data["ev"], ["censor", "pcm", "death"])
    return data.assign(ev=ended, pcm=ended == "pcm", dead=ended == "death")


def _curves(read: Read, **options: Any) -> Any:
    return cumulative_incidence(_mgus2(read), "etime", "ev", by="sex", **options)


@recomputes("aj")
def _incidence(read: Read) -> Values:
    at = _curves(read).at(TIMES).sort_values(["cause", "sex", "time"])
    return columns(at, "estimate", "std_error")


@recomputes("cuminc")
def _aalen_variance(read: Read) -> Values:
    curves = _curves(read, variance="aalen")
    at = curves.at(TIMES).sort_values(["time", "cause", "sex"])
    test = curves.gray_test()
    return [*at["estimate"], *at["std_error"] ** 2, *test["statistic"], *test["p_value"]]


@recomputes("gray.lung")
def _gray(read: Read) -> Values:
    return columns(_curves(read).gray_test(), "statistic", "p_value", "df")


# R's crr stops at a gradient of 1e-6, a coefficient 1.6e-8 from the maximum (own.crr.* are solved to the end)
@recomputes("crr", tolerance=2e-8)
def _fine_gray(read: Read) -> Values:
    fit = fine_gray("age + sex", _mgus2(read), time="etime", event="ev", cause="pcm")
    return [*fit.coefficients, *errors(fit.covariance), fit.loglik]


def _expanded(read: Read, **options: Any) -> Values:
    rows = subdistribution_data(_mgus2(read), "etime", "ev", cause="pcm")
    fit = cox(
        "age + sex", rows, time="fg_stop", event="fg_status", entry="fg_start", weights="fg_weight", **options
    )
    return [*fit.coefficients, *errors(fit.covariance)]


@recomputes("fg.finegray", tolerance=ITERATIVE)
def _weighted_rows(read: Read) -> Values:
    """R's coxph makes the variance robust to rows where weights are no integers."""
    return _expanded(read)


@recomputes("fg.finegray.rob", tolerance=ITERATIVE)
def _weighted_rows_of_people(read: Read) -> Values:
    return _expanded(read, cluster="id")


@recomputes("ms.mgus2")
def _illness_death(read: Read) -> Values:
    """As R's vignette: malignancy found at death comes a tenth of a month before it."""
    data = read("mgus2cr")
    ill, dead = data["pstat"] == 1, data["death"] == 1
    onset = data["ptime"] - np.where(ill & (data["ptime"] == data["futime"]), 0.1, 0.0)
    last = pd.DataFrame(
        {
            "id": data["id"],
            "begin": np.where(ill, onset, 0.0),
            "end": data["futime"],
            "state": np.where(dead, "death", "censor"),
        }
    )
    until_ill = pd.DataFrame({"id": data["id"], "begin": 0.0, "end": onset, "state": "pcm"})[ill]
    rows = pd.concat([until_ill, last])
    rows["state"] = pd.Categorical(rows["state"], ["censor", "pcm", "death"])
    at = multi_state(rows, "end", "state", id="id", entry="begin", start="mgus").at(TIMES)
    return columns(at, "estimate", "std_error")
