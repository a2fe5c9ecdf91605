"""Risk differences of a binary outcome: binomial regression with the identity link.

Source: Wacholder (1986) Am J Epidemiol 123:174. Numbers as R's `glm(binomial("identity"))` from a good start, sandwich
(HC), clubSandwich (CR) and survey (`svyglm`).
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from .families import RISK_DIFFERENCE
from .glm import GLMFit, fit_glm
from .model import Model
from .outcomes import binary
from .rows import AnyDesign

MODEL = Model(
    RISK_DIFFERENCE,
    "RD",
    "Risk differences by binomial regression with identity link (maximum likelihood)",
    binary,
    boundary_advice="linear with robust='HC3' gives intervals",
)


def risk_difference(
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
    """Differences of prevalence (in a closed cohort of risk), adjusted for covariates.

    Parameters
    ----------
    formula, data, weights, cluster, robust, design, offset, conf_level
        As for `logistic`.

    Returns
    -------
    GLMFit
        Rows of `measure` "RD", between -1 and 1 for a covariate of 0/1, a row of 0 for each reference level.

    Raises
    ------
    ValueError
        As `logistic`, and for a formula without an intercept that has no possible means to start from.

    Notes
    -----
    The fit converges, also where the maximum lies on the boundary (a fitted probability of 0 or 1, as where no
    person of a level has the outcome). There no standard errors exist: the interval is missing and `.notes` says so.

    Examples
    --------
    >>> data = pd.DataFrame({"case": [0, 0, 1, 0, 1, 1, 1, 0], "exposed": [0, 0, 0, 0, 1, 1, 1, 1]})
    >>> risk_difference("case ~ exposed", data).table[["term", "measure", "estimate", "std_error"]].round(4)
          term measure  estimate  std_error
    0  exposed      RD       0.5     0.3062
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
