"""Poisson regression: incidence rate ratios.

Source: Breslow & Day (1987) Statistical Methods in Cancer Research II, ch. 4. Numbers as R's `glm(poisson)`, sandwich
(HC), clubSandwich (CR) and survey (`svyglm`).
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from .families import POISSON
from .glm import GLMFit, fit_glm
from .model import Model
from .outcomes import count
from .rows import AnyDesign

MODEL = Model(POISSON, "IRR", "Incidence rate ratios by Poisson regression (maximum likelihood)", count)


def poisson(
    formula: str,
    data: pd.DataFrame,
    *,
    weights: str | None = None,
    cluster: str | Sequence[str] | None = None,
    robust: str | bool | None = None,
    design: AnyDesign | None = None,
    offset: str | None = None,
    conf_level: float = 0.95,
    interval: str = "wald",
) -> GLMFit:
    """Ratios of incidence rates, from numbers of events (or 0/1) and the logarithm of person-time.

    Parameters
    ----------
    formula, data, weights, cluster, robust, design, conf_level, interval
        As for `logistic`; the outcome is a number of events a row, not negative.
    offset : str, optional
        Column with the natural logarithm of each row's person-time, e.g. ``np.log(data["years"])``. Without it
        all rows are followed equally long.

    Returns
    -------
    GLMFit
        Rows of `measure` "IRR"; `events` are sums of the outcome.

    Raises
    ------
    ValueError
        As `logistic`; for an outcome that is negative or 0 in all rows, and person-time of 0 (an offset that is
        infinite).

    Examples
    --------
    >>> data = pd.DataFrame({"cases": [4, 12], "years": [1000, 1500], "exposed": [0, 1]})
    >>> data["log_years"] = np.log(data["years"])
    >>> poisson("cases ~ exposed", data, offset="log_years").table[["measure", "estimate", "events"]]
      measure  estimate  events
    0     IRR       2.0      16
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
        interval=interval,
    )
