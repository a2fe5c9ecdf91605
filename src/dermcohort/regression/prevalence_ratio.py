"""Prevalence ratios (risk ratios) of a binary outcome: log-binomial and modified Poisson regression.

Source: Wacholder (1986) Am J Epidemiol 123:174; Zou (2004) Am J Epidemiol 159:702. Numbers as R's
`glm(binomial("log"))` from a good start, `glm(poisson)` with sandwich, and survey's `svyglm(quasipoisson)`.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from .families import LOG_BINOMIAL, POISSON
from .glm import GLMFit, fit_glm
from .model import Model
from .outcomes import binary
from .rows import AnyDesign

LOG_BINOMIAL_MODEL = Model(
    LOG_BINOMIAL,
    "PR",
    "Prevalence ratios by log-binomial regression (maximum likelihood)",
    binary,
    boundary_advice="modified_poisson gives intervals",
)
MODIFIED_POISSON_MODEL = Model(
    POISSON, "PR", "Prevalence ratios by modified Poisson regression", binary, default_robust="HC0"
)


def log_binomial(
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
    """Prevalence ratios (in a closed cohort risk ratios) by log-binomial regression.

    Parameters
    ----------
    formula, data, weights, cluster, robust, design, offset, conf_level, interval
        As for `logistic`.

    Returns
    -------
    GLMFit
        Rows of `measure` "PR".

    Raises
    ------
    ValueError
        As `logistic`, and for a formula without an intercept that has no possible means to start from.

    Notes
    -----
    The fit converges, also where the maximum lies on the boundary (a fitted probability of 1, as where every
    person of a level has the outcome). There no standard errors exist: the interval is missing and `.notes` says
    so.

    Examples
    --------
    >>> data = pd.DataFrame({"case": [0, 0, 1, 0, 1, 1, 1, 0], "exposed": [0, 0, 0, 0, 1, 1, 1, 1]})
    >>> log_binomial("case ~ exposed", data).table[["term", "measure", "estimate"]]
          term measure  estimate
    0  exposed      PR       3.0
    """
    return fit_glm(
        LOG_BINOMIAL_MODEL,
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


def modified_poisson(
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
    """Prevalence ratios (in a closed cohort risk ratios) by Poisson regression with robust variance (Zou 2004).

    Parameters
    ----------
    formula, data, weights, cluster, design, offset, conf_level
        As for `logistic`.
    robust : str or False, optional
        As for `logistic`; HC0 if not given, CR1 with `cluster`. False gives Poisson's own variance, which is too
        large for a binary outcome.

    Returns
    -------
    GLMFit
        Rows of `measure` "PR"; `loglik` is that of Poisson.

    Raises
    ------
    ValueError
        As `logistic`.

    Examples
    --------
    >>> data = pd.DataFrame({"case": [0, 0, 1, 0, 1, 1, 1, 0], "exposed": [0, 0, 0, 0, 1, 1, 1, 1]})
    >>> modified_poisson("case ~ exposed", data).table[["estimate", "std_error"]].round(4)
       estimate  std_error
    0       3.0     0.9129
    """
    return fit_glm(
        MODIFIED_POISSON_MODEL,
        formula,
        data,
        weights=weights,
        cluster=cluster,
        robust=robust,
        design=design,
        offset=offset,
        conf_level=conf_level,
    )
