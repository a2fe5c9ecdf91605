"""Logistic regression: odds ratios.

Source: Hosmer, Lemeshow & Sturdivant (2013) Applied Logistic Regression. Numbers as R's `glm(binomial)`, sandwich
(HC), clubSandwich (CR) and survey (`svyglm`).
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from .families import LOGIT
from .glm import GLMFit, fit_glm
from .model import Model
from .outcomes import binary
from .rows import AnyDesign

MODEL = Model(LOGIT, "OR", "Odds ratios by logistic regression (maximum likelihood)", binary)


def logistic(
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
    """Logistic regression by maximum likelihood.

    Parameters
    ----------
    formula : str
        ``"psoriasis ~ age + sex"``. The outcome is 0/1, bool, or a category of two levels, the second being
        the event. A covariate that is a category is compared with its first level.
    data : DataFrame
        One row a person or visit. Rows with a missing value in a variable used are left out and counted.
    weights : str, optional
        Column of sampling or inverse-probability weights, not negative. The variance is then robust unless
        ``robust=False``, which is right for frequency weights. Rows with weight 0 are left out.
    cluster : str or list of str, optional
        Column or columns whose rows may depend on each other; the variance is then CR1.
    robust : {"HC0", "HC1", "HC3", "CR0", "CR1", "CR1S", "CR2", "CR3"} or False, optional
        Kind of robust variance, HC without and CR with `cluster`; False for the model's own. CR2, for few
        clusters, comes with Satterthwaite's degrees of freedom (column `df`); other intervals are normal.
    design : SurveyDesign or ReplicateDesign, optional
        How people were sampled, in place of `weights`, `cluster` and `robust`; `data` then holds every row that
        was sampled. Intervals are by t with the design's degrees of freedom + 1 - the number of coefficients.
    offset : str, optional
        Column added to the linear predictor.
    conf_level : float
        Level of the intervals.
    interval : {"wald", "profile"}
        "profile": by the profile likelihood, with likelihood ratio tests (`statistic` is the signed root of the
        likelihood ratio's); better than Wald's in small samples, and with one finite limit where the estimate is
        infinite. Only with the model's own variance.

    Returns
    -------
    GLMFit
        Rows of `measure` "OR", a row of 1 for each reference level.

    Raises
    ------
    ValueError
        For a formula that does not fit the data, an outcome that is not binary or always the same, a
        determined column, no complete row, or arguments that exclude each other.

    Notes
    -----
    Where a covariate separates cases from others (a finite maximum does not exist) its odds ratio is given as
    0 or infinity, its interval is (0, infinity), and `.notes` says so and names the cell; `firth` gives a finite
    estimate.

    Examples
    --------
    >>> data = pd.DataFrame({"case": [0, 0, 1, 0, 1, 1, 1, 0], "exposed": [0, 0, 0, 0, 1, 1, 1, 1]})
    >>> logistic("case ~ exposed", data).table[["term", "estimate", "n", "events"]]
          term  estimate  n  events
    0  exposed       9.0  8       4
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
