"""The registry: which function recomputes which reference value, and how closely the two must agree."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

Read = Callable[[str], pd.DataFrame]  # a data set of validation/data by its name
Values = Sequence[float] | np.ndarray

CLOSED_FORM, ITERATIVE = 1e-12, 1e-8


@dataclass(frozen=True)
class Recomputation:
    """`values(read)` gives the values of one id in the order of the R command; those `unreported` are NaN."""

    values: Callable[[Read], Values]
    tolerance: float | Sequence[float]
    unreported: tuple[int, ...]
    topic: str


REGISTRY: dict[str, Recomputation] = {}


def recomputes(
    identifier: str,
    *members: str,
    tolerance: float | Sequence[float] = CLOSED_FORM,
    unreported: tuple[int, ...] = (),
) -> Callable[[Callable[..., Values]], Callable[..., Values]]:
    """Register the decorated function for an id.

    With `members` the id is that of a family: ``recomputes("km.ci.{}", "log", "plain")`` registers two ids, and the
    function takes the member as a second argument. `tolerance` is the largest relative difference from R, one for all
    values or one a value; `unreported` are the positions of values of the R command that no result here holds.
    """

    def register(function: Callable[..., Values]) -> Callable[..., Values]:
        topic = function.__module__.rpartition(".")[2]
        for member in members:
            values = partial(function, member=member)
            REGISTRY[identifier.format(member)] = Recomputation(values, tolerance, unreported, topic)
        if not members:
            REGISTRY[identifier] = Recomputation(function, tolerance, unreported, topic)
        return function

    return register


def interval(row: Any) -> list[float]:
    """Estimate and limits of a row of a table."""
    return [float(row["estimate"]), float(row["conf_low"]), float(row["conf_high"])]


def columns(table: pd.DataFrame, *names: str) -> np.ndarray:
    """Columns one after the other, as R's c() of vectors."""
    return table[list(names)].to_numpy(float).T.ravel()


def errors(covariance: Any) -> np.ndarray:
    """Standard errors of a covariance matrix."""
    return np.sqrt(np.diag(np.asarray(covariance, float)))


def people(*strata: tuple[int, int, int, int]) -> pd.DataFrame:
    """Rows from (x1, n1, x0, n0): events and people of the exposed and the unexposed, one tuple a stratum."""
    frames = []
    for i, (x1, n1, x0, n0) in enumerate(strata):
        sick = np.r_[np.arange(n1) < x1, np.arange(n0) < x0]
        exposed = np.r_[np.repeat("yes", n1), np.repeat("no", n0)]
        frames.append(pd.DataFrame({"sick": sick, "exposed": exposed, "stratum": i}))
    data = pd.concat(frames, ignore_index=True)
    return data.assign(exposed=pd.Categorical(data["exposed"], ["no", "yes"]))
