"""What the models of correlated data share: rows sorted by group, and outcomes that can be modeled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..design import Design, require_columns
from .families import GAUSSIAN, LOGIT, POISSON, Canonical
from .outcomes import binary, count, number


@dataclass(frozen=True, eq=False)
class Grouping:
    """Rows sorted by group (and by wave): where each group begins, and the group and wave of each row."""

    code: np.ndarray
    starts: np.ndarray
    sizes: np.ndarray
    wave: np.ndarray

    @property
    def n_groups(self) -> int:
        return len(self.starts)

    def totals(self, values: np.ndarray) -> np.ndarray:
        """Sums of the rows of each group."""
        return np.add.reduceat(values, self.starts, axis=0)


def sort_by_group(codes: np.ndarray, waves: np.ndarray | None = None) -> tuple[np.ndarray, Grouping]:
    """The order that brings the rows of a group together, and the groups in it, coded 0, 1, ...

    Without `waves` a row's position is its order within the group.
    """
    order = np.argsort(codes, kind="stable") if waves is None else np.lexsort((waves, codes))
    is_first = np.r_[True, codes[order][1:] != codes[order][:-1]]
    code = np.cumsum(is_first) - 1
    starts = np.flatnonzero(is_first)
    sizes = np.diff(np.r_[starts, len(code)])
    position = np.arange(len(code)) - np.repeat(starts, sizes)
    wave = position if waves is None else waves[order] - waves.min()
    return order, Grouping(code, starts, sizes, wave)


def read_outcome(frame: Design, family: Canonical) -> np.ndarray:
    """The outcome as the family needs it; refuses one that leaves nothing to model."""
    assert frame.response is not None
    values, name = frame.response, str(frame.response.name)
    read = binary if family is LOGIT else count if family is POISSON else number
    y = read(values, name)
    require_variation(y, np.ones(len(y)), name, family)
    return y


def require_variation(y: np.ndarray, trials: np.ndarray, name: str, family: Canonical) -> None:
    """Refuse an outcome without events, or without anything else."""
    everywhere = (family is LOGIT and (y == trials).all()) or (family is GAUSSIAN and np.ptp(y) == 0)
    if everywhere or (family is not GAUSSIAN and not y.any()):
        always = "0" if not y.any() else "1" if family is LOGIT else f"{y[0]:g}"
        raise ValueError(f"'{name}' is {always} in all {len(y):,} complete rows: there is nothing to model")


def require_groups(grouping: Grouping, names: Sequence[str]) -> None:
    """Refuse data that are all in one group."""
    if grouping.n_groups < 2:
        raise ValueError(
            f"groups: all {len(grouping.code):,} complete rows are in one group of '{', '.join(names)}'; "
            "two or more are needed"
        )


def require_residual(residual: np.ndarray, y: np.ndarray) -> None:
    """Refuse a number that the model fits without error: no variance is left to estimate."""
    if residual @ residual <= 1e-20 * (y @ y):
        raise ValueError("the outcome is fitted without error: there is no residual variance to estimate")


def rarer_outcome(family: Canonical, y: np.ndarray, trials: np.ndarray) -> int:
    """Events, or for a binary outcome what is rarer of events and non-events."""
    return int(min(y.sum(), trials.sum() - y.sum()) if family is LOGIT else y.sum())


def linear_predictor(
    matrix: pd.DataFrame, coefficients: pd.Series, newdata: pd.DataFrame, offset: str | None
) -> np.ndarray:
    """X beta + offset for the rows of `newdata`, whose design matrix is `matrix`."""
    linear = matrix.to_numpy() @ coefficients.to_numpy()
    if offset is None:
        return linear
    require_columns(newdata, [offset], "newdata")
    return linear + newdata[offset].to_numpy(float)
