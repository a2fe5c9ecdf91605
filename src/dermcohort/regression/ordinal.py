"""Proportional odds regression for an outcome with ordered categories, and Brant's test of its assumption.

Source: McCullagh (1980) JRSS B 42:109; Agresti (2010) Analysis of Ordinal Categorical Data, ch. 3. Numbers as R's
`MASS::polr` and `survey::svyolr` solved to the end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from ..design import coefficient_table, still_moving
from ..estimates import Estimates, FittedModel
from .brant import brant_test
from .categories import CategoryData, category_covariance, fit_notes, new_linear_offset, read_categories
from .proportional_odds import category_probabilities, maximize_proportional_odds, row_scores
from .rows import AnyDesign


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class OrdinalFit(FittedModel):
    """A proportional odds model: odds ratios of a higher category in `.table`.

    Parameters
    ----------
    levels : tuple of str
        The outcome's categories from low to high. `.coefficients` ends with the thresholds between them,
        named "low|high".
    offset : str, optional
        Column added to the linear predictor, which new data for `predict` must have.
    data : CategoryData, optional
        The rows, kept for `proportional_odds_test`; not saved.
    """

    levels: tuple[str, ...]
    offset: str | None = None
    data: CategoryData | None = field(default=None, metadata={"saved": False})

    def predict(self, newdata: pd.DataFrame) -> pd.DataFrame:
        """Probability of each category, one column a category; NaN where a variable is missing."""
        X = self._new_matrix(newdata).to_numpy()
        beta, zeta = np.split(self.coefficients.to_numpy(), [X.shape[1]])
        eta = X @ beta + new_linear_offset(self.offset, newdata)
        return pd.DataFrame(category_probabilities(eta, zeta), index=newdata.index, columns=list(self.levels))

    def proportional_odds_test(self) -> Estimates:
        """Brant's test of whether the odds ratios are the same at every cut of the outcome.

        A logistic regression is fitted at each cut (above a category against up to it) and the coefficients are
        compared by a Wald test, jointly and for each term. Where the model has a robust or design-based variance
        the test has it too.

        Returns
        -------
        Estimates
            Columns `term`, `statistic` (chi-squared), `df`, `p_value`; the last row, GLOBAL, is of all terms. A
            small p-value speaks against proportional odds.

        Raises
        ------
        ValueError
            With two categories or no covariate, where a cut has no finite estimates (separation), with replicate
            weights, or for a model that was loaded from a file.

        Notes
        -----
        Source: Brant (1990) Biometrics 46:1171; numbers as the R package brant where it is run by term.

        Examples
        --------
        >>> rng = np.random.default_rng(1)
        >>> data = pd.DataFrame({"dose": rng.normal(size=200)})
        >>> data["severity"] = np.digitize(data["dose"] + rng.logistic(size=200), [-1, 1])
        >>> ordinal("severity ~ dose", data).proportional_odds_test().table["term"].tolist()
        ['dose', 'GLOBAL']
        """
        if self.data is None:
            raise ValueError(
                "proportional_odds_test: these estimates were loaded from a file; fit the model again"
            )
        return brant_test(self.data, self.conf_level)


def ordinal(
    formula: str,
    data: pd.DataFrame,
    *,
    weights: str | None = None,
    cluster: str | Sequence[str] | None = None,
    robust: str | bool | None = None,
    design: AnyDesign | None = None,
    offset: str | None = None,
    conf_level: float = 0.95,
) -> OrdinalFit:
    """Proportional odds logistic regression by maximum likelihood.

    The odds ratio is that of being above a category rather than up to it, the same wherever the outcome is cut
    (`.proportional_odds_test()` looks at that); above 1 it means higher categories.

    Parameters
    ----------
    formula : str
        ``"severity ~ age + sex"``. The outcome is a column that is a category, its levels in their order, or a
        number or bool. A covariate that is a category is compared with its first level.
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
        was sampled. Intervals are by t with the design's degrees of freedom - the number of covariates.
    offset : str, optional
        Column added to the linear predictor.
    conf_level : float
        Level of the Wald intervals.

    Returns
    -------
    OrdinalFit
        Rows of `measure` "OR", a row of 1 for each reference level; thresholds "low|high" in `.coefficients`.

    Raises
    ------
    ValueError
        For a formula that does not fit the data, an outcome that is text, always the same or not a category, a
        determined column, no complete row, or arguments that exclude each other.

    Notes
    -----
    logit P(Y <= k) = threshold_k - (x beta + offset), as R's `polr`; the model's own variance is the inverse of the
    observed information. With two categories this is logistic regression. A category in which no row is is left
    out and noted. Where a covariate separates the categories its odds ratio is given as 0 or infinity and noted.

    Examples
    --------
    >>> data = pd.DataFrame({"exposed": [0, 0, 0, 0, 1, 1, 1, 1],
    ...     "severity": pd.Categorical(["mild", "mild", "moderate", "severe", "mild", "moderate", "severe", "severe"],
    ...                                ["mild", "moderate", "severe"], ordered=True)})
    >>> fit = ordinal("severity ~ exposed", data)
    >>> fit.table["estimate"].round(2).tolist(), list(fit.coefficients.index)
    ([3.0], ['exposed', 'mild|moderate', 'moderate|severe'])
    """
    read = read_categories(
        formula,
        data,
        weights=weights,
        cluster=cluster,
        robust=robust,
        design=design,
        offset=offset,
        ordered=True,
    )
    frame, p = read.frame, len(read.frame.columns)
    optimum = maximize_proportional_odds(read.rows)
    covariance = category_covariance(read, optimum, maximize_proportional_odds, row_scores, p + 1)
    separated = still_moving(frame.matrix, optimum.last_step[:p])
    table = coefficient_table(
        frame.columns,
        frame.matrix,
        optimum.parameters[:p],
        covariance.matrix[:p, :p],
        measure="OR",
        conf_level=conf_level,
        unbounded=separated,
        df=None if covariance.df is None else covariance.df[:p],
    )
    cuts = [f"{low}|{high}" for low, high in zip(read.levels, read.levels[1:], strict=False)]
    names = [*frame.names, *cuts]
    return OrdinalFit(
        table=table,
        method=(
            "Odds ratios of a higher category by proportional odds logistic regression (maximum likelihood), "
            + read.describe_variance()
        ),
        n=len(frame.matrix),
        n_missing=frame.n_missing,
        notes=(
            *read.notes,
            *covariance.notes,
            *fit_notes(optimum, [c.name for c, flag in zip(frame.columns, separated, strict=True) if flag]),
        ),
        conf_level=conf_level,
        coefficients=pd.Series(optimum.parameters, names, name="coef"),
        covariance=pd.DataFrame(covariance.matrix, names, names),
        loglik=optimum.loglik,
        robust=read.robust,
        design=frame,
        levels=read.levels,
        offset=offset,
        data=read,
    )
