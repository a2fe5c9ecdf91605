"""Linear regression: differences of means.

Source: ordinary and weighted least squares. Numbers as R's `lm`, sandwich (HC), clubSandwich (CR) and survey
(`svyglm`, `svyttest`).
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from .families import GAUSSIAN
from .glm import GLMFit, fit_glm
from .model import Model
from .outcomes import number
from .rows import AnyDesign

MODEL = Model(
    GAUSSIAN, "difference", "Differences of means by linear regression", number, counts_events=False
)


def linear(
    formula: str,
    data: pd.DataFrame,
    *,
    weights: str | None = None,
    cluster: str | Sequence[str] | None = None,
    robust: str | bool | None = None,
    design: AnyDesign | None = None,
    offset: str | None = None,
    conf_level: float = 0.95,
) -> GLMFit:
    """Differences of means by least squares.

    Parameters
    ----------
    formula, data, weights, cluster, robust, design, offset, conf_level
        As for `logistic`; the outcome is a number. With ``robust=False`` weights are precisions, as in R's `lm`.
        Without clusters intervals are by t with n - p degrees of freedom.

    Returns
    -------
    GLMFit
        Rows of `measure` "difference" in the unit of the outcome, a row of 0 for each reference level.

    Raises
    ------
    ValueError
        As `logistic`, and for an outcome that is not a number.

    Examples
    --------
    >>> data = pd.DataFrame({"cadmium": [1.0, 2.0, 4.0, 5.0], "smoker": [0, 0, 1, 1]})
    >>> linear("cadmium ~ smoker", data).table[["term", "measure", "estimate", "df"]]
         term     measure  estimate   df
    0  smoker  difference       3.0  2.0
    """
    return fit_glm(
        MODEL,
        formula,
        data,
        weights=weights,
        cluster=cluster,
        robust=robust,
        design=design,
        offset=offset,
        conf_level=conf_level,
    )
