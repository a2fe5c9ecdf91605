"""Multinomial regression for an outcome with categories that have no order.

Source: Agresti (2013) Categorical Data Analysis, section 8.1. Numbers as R's `nnet::multinom` solved to the end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import softmax

from ..design import coefficient_table, still_moving
from ..estimates import FittedModel, tidy
from .baseline_logits import linear_predictors, maximize_baseline_logits, row_scores
from .categories import CategoryData, category_covariance, fit_notes, new_linear_offset, read_categories
from .rows import AnyDesign

LEVEL = "outcome_level"


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class MultinomialFit(FittedModel):
    """A multinomial model: odds ratios of each category against the first in `.table`.

    Parameters
    ----------
    levels : tuple of str
        The outcome's categories, the first being what the others are compared with. `.coefficients` has a block
        of coefficients for each of the others, named "level:coefficient".
    offset : str, optional
        Column added to the log odds of each category, which new data for `predict` must have.
    """

    levels: tuple[str, ...]
    offset: str | None = None

    def predict(self, newdata: pd.DataFrame) -> pd.DataFrame:
        """Probability of each category, one column a category; NaN where a variable is missing."""
        X = self._new_matrix(newdata).to_numpy()
        offset = new_linear_offset(self.offset, newdata)
        probability = softmax(linear_predictors(X, self.coefficients.to_numpy(), offset), axis=1)
        unknown = np.isnan(X).any(axis=1) | np.isnan(offset)
        probability[unknown] = np.nan
        return pd.DataFrame(probability, index=newdata.index, columns=list(self.levels))


def multinomial(
    formula: str,
    data: pd.DataFrame,
    *,
    weights: str | None = None,
    cluster: str | Sequence[str] | None = None,
    robust: str | bool | None = None,
    design: AnyDesign | None = None,
    offset: str | None = None,
    conf_level: float = 0.95,
) -> MultinomialFit:
    """Multinomial logistic regression by maximum likelihood.

    Each category of the outcome is compared with the first one. The odds ratio is that of being in the category
    rather than in the first: what Stata calls a relative risk ratio. It is no ratio of risks.

    Parameters
    ----------
    formula : str
        ``"subtype ~ age + sex"``. The outcome is a column that is a category, text (categories then in
        alphabetical order), a number or bool. A covariate that is a category is compared with its first level.
    data : DataFrame
        One row a person or visit. Rows with a missing value in a variable used are left out and counted.
    weights : str, optional
        Column of sampling or inverse-probability weights, not negative. The variance is then robust unless
        ``robust=False``, which is right for frequency weights. Rows with weight 0 are left out.
    cluster : str or list of str, optional
        Column or columns whose rows may depend on each other; the variance is then CR1.
    robust : {"HC0", "HC1", "CR0", "CR1", "CR1S"} or False, optional
        Kind of robust variance, HC without and CR with `cluster`; False for the model's own.
    design : SurveyDesign or ReplicateDesign, optional
        How people were sampled, in place of `weights`, `cluster` and `robust`; `data` then holds every row that
        was sampled. Intervals are by t with the design's degrees of freedom + 1 - the number of coefficients of one
        category.
    offset : str, optional
        Column added to the log odds of every category against the first.
    conf_level : float
        Level of the Wald intervals.

    Returns
    -------
    MultinomialFit
        Rows of `measure` "OR" for each `outcome_level`, with a row of 1 for each reference level of a covariate; `n`
        counts the rows of the covariate's level, `events` those of them in the outcome's.

    Raises
    ------
    ValueError
        For a formula that does not fit the data, an outcome that is always the same or not a category, a
        determined column, no complete row, or arguments that exclude each other.

    Notes
    -----
    With two categories this is logistic regression. A category in which no row is is left out and noted. Where a
    covariate separates a category from the first its odds ratio is given as 0 or infinity and noted.

    Examples
    --------
    >>> data = pd.DataFrame({"exposed": [0, 0, 0, 0, 0, 1, 1, 1, 1, 1],
    ...     "subtype": ["none", "none", "plaque", "guttate", "none", "none", "plaque", "guttate", "plaque", "plaque"]})
    >>> data["subtype"] = pd.Categorical(data["subtype"], ["none", "plaque", "guttate"])
    >>> multinomial("subtype ~ exposed", data).table[["outcome_level", "term", "estimate", "n", "events"]]
      outcome_level     term  estimate   n  events
    0        plaque  exposed       9.0  10       4
    1       guttate  exposed       3.0  10       2
    """
    read = read_categories(
        formula,
        data,
        weights=weights,
        cluster=cluster,
        robust=robust,
        design=design,
        offset=offset,
        ordered=False,
    )
    frame, p, others = read.frame, len(read.frame.columns), read.levels[1:]
    optimum = maximize_baseline_logits(read.rows)
    covariance = category_covariance(read, optimum, maximize_baseline_logits, row_scores, p)
    blocks, separated = [], []
    for k, level in enumerate(others):
        block = slice(k * p, (k + 1) * p)
        unbounded = still_moving(frame.matrix, optimum.last_step[block])
        separated += [c.name for c, flag in zip(frame.columns, unbounded, strict=True) if flag]
        rows = coefficient_table(
            frame.columns,
            frame.matrix,
            optimum.parameters[block],
            covariance.matrix[block, block],
            measure="OR",
            conf_level=conf_level,
            event=(read.rows.category == k + 1).astype(float),
            unbounded=unbounded,
            df=None if covariance.df is None else covariance.df[block],
        )
        blocks.append(rows.assign(**{LEVEL: pd.Categorical([level] * len(rows), others)}))
    names = [f"{level}:{name}" for level in others for name in frame.names]
    of_covariates = [name for name in dict.fromkeys(separated) if name != "Intercept"]
    return MultinomialFit(
        table=tidy(pd.concat(blocks, ignore_index=True), [LEVEL]),
        method=(
            f"Odds ratios of each category of {read.outcome} against {read.levels[0]} (relative risk ratios) by "
            f"multinomial logistic regression (maximum likelihood), {read.describe_variance()}"
        ),
        n=len(frame.matrix),
        n_missing=frame.n_missing,
        notes=(
            *read.notes,
            *_sparse_notes(read),
            *covariance.notes,
            *fit_notes(optimum, of_covariates or list(dict.fromkeys(separated))),
        ),
        conf_level=conf_level,
        coefficients=pd.Series(optimum.parameters, names, name="coef"),
        covariance=pd.DataFrame(covariance.matrix, names, names),
        loglik=optimum.loglik,
        robust=read.robust,
        design=frame,
        levels=read.levels,
        offset=offset,
    )


def _sparse_notes(read: CategoryData) -> tuple[str, ...]:
    """A category with few rows for the coefficients of its equation (Peduzzi et al. 1996)."""
    # frequency weights count rows, other weights do not
    counts = (
        read.rows.totals()
        if read.kind is None and read.source.design is None
        else np.bincount(read.rows.category)
    )
    rarest = int(counts.argmin())
    n_covariates = len(read.frame.columns) - 1
    if counts[rarest] >= 10 * n_covariates:
        return ()
    return (
        f"Few rows: {counts[rarest]:,.0f} with {read.outcome} = {read.levels[rarest]} for {n_covariates} coefficients "
        "(fewer than 10 each); estimates may be unstable.",
    )
