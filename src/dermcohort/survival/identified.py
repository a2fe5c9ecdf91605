"""Whether those at risk at the times of events differ in a covariate at all: else it has no hazard ratio."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..design import Column

NEGLIGIBLE = 1e-11


def require_information(information: np.ndarray, size: np.ndarray, columns: Sequence[Column]) -> None:
    """Refuse a covariate that is the same, or determined by those before it, among all at risk at every event.

    R's coxph gives such a coefficient as NA.

    Parameters
    ----------
    information : ndarray, shape (p, p)
        At coefficients of 0.
    size : ndarray, shape (p,)
        The sums of squares whose differences its diagonal is: what rounding is measured by.
    columns : sequence of Column

    Raises
    ------
    ValueError
    """
    own = np.diag(information)
    kept: list[int] = []
    for j, column in enumerate(columns):
        if not own[j] > NEGLIGIBLE * size[j]:
            raise ValueError(
                f"'{column.name}' is the same for all who are at risk at the time of any event: leave it out"
            )
        explained = 0.0
        if kept:
            inside, beside = information[np.ix_(kept, kept)], information[kept, j]
            scale = np.sqrt(own[kept])
            beside = beside / scale
            explained = beside @ np.linalg.solve(inside / np.outer(scale, scale), beside) / own[j]
        if 1 - explained < NEGLIGIBLE * size[j] / own[j]:
            before = ", ".join(columns[k].name for k in kept)
            raise ValueError(
                f"'{column.name}' is determined by the columns before it ({before}) among those at risk at the "
                "times of events: leave it out"
            )
        kept.append(j)
