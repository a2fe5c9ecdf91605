"""Logistic regression: odds ratios with model-based or robust intervals.

Source: Hosmer, Lemeshow & Sturdivant (2013) Applied Logistic Regression. Agrees with R's `glm(binomial)` and,
for clusters, with clubSandwich's CR0 and CR1. Survey designs and small-sample corrections (HC3, CR2) are not
yet here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit

from ..design import (
    Column,
    as_list,
    binary_outcome,
    build_design,
    coefficient_table,
    require_columns,
    sparse_notes,
    still_moving,
)
from ..estimates import FittedModel
from ..variance import check_kind, sandwich
from .likelihood import LogitMaximum, maximize_logit_likelihood


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class LogisticFit(FittedModel):
    """Odds ratios in `.table`; log odds ratios and the intercept in `.coefficients`."""

    offset: str | None = None

    def predict(self, newdata: pd.DataFrame) -> pd.Series:
        """Probability of the outcome for each row of `newdata`; NaN where a variable is missing."""
        linear = self._new_matrix(newdata).to_numpy() @ self.coefficients.to_numpy()
        if self.offset is not None:
            require_columns(newdata, [self.offset], "newdata")
            linear = linear + newdata[self.offset].to_numpy(float)
        return pd.Series(expit(linear), index=newdata.index, name="probability")


def logistic(
    formula: str,
    data: pd.DataFrame,
    *,
    weights: str | None = None,
    cluster: str | Sequence[str] | None = None,
    robust: str | bool | None = None,
    design: Any = None,
    offset: str | None = None,
    conf_level: float = 0.95,
) -> LogisticFit:
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
        ``robust=False``, which is right for frequency weights.
    cluster : str or list of str, optional
        Column or columns whose rows may depend on each other; the variance is then CR1.
    robust : {"HC0", "HC1", "CR0", "CR1"} or False, optional
        Kind of robust variance; False for the model's own.
    offset : str, optional
        Column added to the linear predictor.
    conf_level : float
        Level of the Wald intervals.

    Returns
    -------
    LogisticFit
        Rows of `measure` "OR", a row of 1 for each reference level.

    Raises
    ------
    ValueError
        For a formula that does not fit the data, an outcome that is not binary or always the same, a
        determined column, or no complete row.
    NotImplementedError
        For `design`.

    Notes
    -----
    Where a covariate separates cases from others (a finite maximum does not exist) its odds ratio is given as
    0 or infinity, its interval is (0, infinity), and `.notes` says so.

    Examples
    --------
    >>> data = pd.DataFrame({"case": [0, 0, 1, 0, 1, 1, 1, 0], "exposed": [0, 0, 0, 0, 1, 1, 1, 1]})
    >>> logistic("case ~ exposed", data).table[["term", "estimate", "n", "events"]]
          term  estimate  n  events
    0  exposed       9.0  8       4
    """
    if design is not None:
        raise NotImplementedError(
            "logistic: design= is not available yet; it comes with survey designs (SurveyDesign)"
        )
    clusters = as_list(cluster)
    others = [*as_list(weights), *as_list(offset), *clusters]
    frame = build_design(formula, data, others=others)
    assert frame.response is not None
    name = str(frame.response.name)
    y = binary_outcome(frame.response, name)
    _require_both_outcomes(y, name)
    w = frame.column_values(weights)
    if w is not None and ((w < 0).any() or not w.any()):
        raise ValueError(f"weights: '{weights}' must not be negative or all zero")
    offsets = frame.column_values(offset)

    maximum = maximize_logit_likelihood(
        frame.matrix,
        y,
        np.ones(len(y)) if w is None else w,
        np.zeros(len(y)) if offsets is None else offsets,
    )
    unbounded = still_moving(frame.matrix, maximum.last_step)
    kind = _variance_kind(robust, weighted=w is not None, clustered=bool(clusters))
    covariance = maximum.covariance
    cluster_codes = frame.codes(clusters or None)
    n_clusters = None if cluster_codes is None else int(cluster_codes.max()) + 1
    rarer = int(min(y.sum(), len(y) - y.sum()))
    if kind is not None:
        residual = (y - maximum.probability) * (1.0 if w is None else w)
        influence = (frame.matrix * residual[:, None]) @ maximum.covariance
        covariance = sandwich(influence, cluster_codes, kind)

    table = coefficient_table(
        frame.columns,
        frame.matrix,
        maximum.coefficients,
        covariance,
        measure="OR",
        conf_level=conf_level,
        event=y,
        unbounded=unbounded,
    )
    return LogisticFit(
        table=table,
        method=_method(kind, clusters),
        n=len(y),
        events=int(y.sum()),
        n_missing=frame.n_missing,
        notes=(
            *frame.notes,
            *sparse_notes(rarer, len(frame.columns) - 1, n_clusters),
            *_notes(maximum, unbounded, frame.columns, weights, kind),
        ),
        conf_level=conf_level,
        coefficients=pd.Series(maximum.coefficients, frame.names, name="coef"),
        covariance=pd.DataFrame(covariance, frame.names, frame.names),
        loglik=maximum.loglik,
        design=replace(frame, response=None),
        offset=offset,
    )


def _variance_kind(robust: str | bool | None, *, weighted: bool, clustered: bool) -> str | None:
    if robust is False:
        if clustered:
            raise ValueError("robust=False does not fit cluster=: leave one out")
        return None
    if robust is None or robust is True:
        if clustered:
            return "CR1"
        return "HC0" if weighted or robust else None
    check_kind(robust, clustered=clustered)
    return robust


def _require_both_outcomes(y: np.ndarray, name: str) -> None:
    if y.all() or not y.any():
        always = "1" if y.all() else "0"
        raise ValueError(f"'{name}' is {always} in all {len(y):,} complete rows: there is nothing to model")


def _method(kind: str | None, clusters: Sequence[str]) -> str:
    text = "Odds ratios by logistic regression (maximum likelihood)"
    if kind is None:
        return f"{text}, Wald intervals."
    within = f", clusters by {' and '.join(clusters)}" if clusters else ""
    return f"{text}, Wald intervals with robust variance ({kind}{within})."


def _notes(
    maximum: LogitMaximum,
    unbounded: np.ndarray,
    columns: Sequence[Column],
    weights: str | None,
    kind: str | None,
) -> tuple[str, ...]:
    notes = []
    if weights is not None:
        use = "sampling or inverse-probability" if kind is not None else "frequency"
        notes.append(f"Weights: {use} weights from '{weights}'.")
    if unbounded.any():
        which = ", ".join(column.name for column, flag in zip(columns, unbounded, strict=True) if flag)
        notes.append(
            f"Separation: the outcome is determined by {which}, whose odds ratio has no finite estimate. "
            "Combine levels, or use a penalized likelihood (Firth)."
        )
    elif not maximum.converged:
        notes.append("The fit did not converge: do not use these estimates.")
    return tuple(notes)
