"""Binomial regression with the complementary log-log link: hazard ratios from time in intervals.

Source: Prentice & Gloeckler (1978) Biometrics 34:57. Numbers as R's `glm(binomial("cloglog"))`, sandwich (HC),
clubSandwich (CR) and survey (`svyglm`).
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from .families import CLOGLOG
from .glm import GLMFit, fit_glm
from .model import Model
from .outcomes import binary
from .rows import AnyDesign

MODEL = Model(
    CLOGLOG,
    "HR",
    "Discrete-time hazard ratios by binomial regression with complementary log-log link (maximum likelihood)",
    binary,
)


def complementary_log_log(
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
    """Hazard ratios where it is known only in which interval between visits an event happened.

    The probability of an event in an interval is 1 - exp(-exp(eta)): exp(coefficient) is the ratio of the hazards
    within intervals, that of Cox's model where hazards are proportional.

    Parameters
    ----------
    formula : str
        ``"onset ~ C(wave) + exposed"``: whether the event happened in the row's interval. The factor of the
        intervals is the baseline hazard.
    data : DataFrame
        One row a person and interval at risk, up to the event.
    weights, cluster, robust, design, offset, conf_level, interval
        As for `logistic`. An `offset` of log(length) allows intervals of unequal length.

    Returns
    -------
    GLMFit
        Rows of `measure` "HR", a row of 1 for each reference level.

    Raises
    ------
    ValueError
        As `logistic`.

    Examples
    --------
    >>> data = pd.DataFrame({"onset": [0, 0, 1, 0, 1, 1, 1, 0], "exposed": [0, 0, 0, 0, 1, 1, 1, 1]})
    >>> complementary_log_log("onset ~ exposed", data).table[["term", "measure", "estimate"]].round(3)
          term measure  estimate
    0  exposed      HR     4.819
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
