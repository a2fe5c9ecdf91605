"""Generalized linear models: what the public functions beside this one share.

`fit_glm` reads the rows, maximizes the likelihood and labels the result, with the variance that was asked for; the
mathematics is in `families`, `maximize`, `covariance`, `profile` and `dermcohort.variance`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from ..design import coefficient_table, require_columns, still_moving, undefined_notes
from ..estimates import FittedModel
from ..variance import choose_kind
from .covariance import (
    Covariance,
    FittedRows,
    design_covariance,
    model_covariance,
    robust_covariance,
)
from .families import FAMILIES, Family
from .fit_notes import fit_notes, sparse_data_notes, weight_notes
from .maximize import Maximum, maximize
from .model import Model
from .profile import likelihood_profile, require_interval, with_profile
from .rows import AnyDesign, Rows, read_rows


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class GLMFit(FittedModel):
    """A generalized linear model: ratios or differences in `.table`, every coefficient in `.coefficients`.

    Parameters
    ----------
    family : str
        Distribution and link, e.g. "binomial-logit".
    offset : str, optional
        Column added to the linear predictor, which new data for `predict` must have.
    rows : FittedRows, optional
        What standardized risks and the like need for their variance; neither saved nor pickled.
    """

    family: str
    offset: str | None = None
    rows: FittedRows | None = field(default=None, metadata={"saved": False})

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "rows": None}

    def predict(self, newdata: pd.DataFrame) -> pd.Series:
        """Expected outcome (a probability if it is 0/1) of each row of `newdata`; NaN where a variable is missing."""
        linear = self._new_matrix(newdata).to_numpy() @ self.coefficients.to_numpy()
        if self.offset is not None:
            require_columns(newdata, [self.offset], "newdata")
            linear = linear + newdata[self.offset].to_numpy(float)
        name = "probability" if self.family.startswith("binomial") else "expected"
        return pd.Series(FAMILIES[self.family].mean(linear), index=newdata.index, name=name)


def fit_glm(
    model: Model,
    formula: str,
    data: pd.DataFrame,
    *,
    weights: str | None,
    cluster: str | Sequence[str] | None,
    robust: str | bool | None,
    design: AnyDesign | None,
    offset: str | None,
    conf_level: float,
    interval: str = "wald",
) -> GLMFit:
    """Fit one of the models; see `logistic` for the arguments."""
    rows = read_rows(
        formula,
        data,
        model.outcome,
        weights=weights,
        cluster=cluster,
        robust=robust,
        design=design,
        offset=offset,
    )
    arrays = rows.arrays
    maximum = maximize(arrays.X, arrays.y, model.family, arrays.weights, arrays.offset)
    return GLMFit(**describe_fit(model, rows, maximum, robust, conf_level, interval))


def describe_fit(
    model: Model,
    rows: Rows,
    maximum: Maximum,
    robust: str | bool | None,
    conf_level: float,
    interval: str = "wald",
) -> dict[str, Any]:
    """The fields of a `GLMFit`: table, variance and sentences."""
    arrays, frame = rows.arrays, rows.frame
    kind = choose_kind(
        robust, model.default_robust, weighted=rows.weights is not None, clustered=bool(rows.clusters)
    )
    require_interval(interval, model_based=kind is None and rows.design is None)
    covariance = _covariance(model.family, rows, maximum, kind)
    unbounded = np.zeros(len(frame.columns), bool)
    if model.is_ratio:
        unbounded = still_moving(arrays.X, maximum.last_step)
    table = _table(model, rows, maximum, covariance, unbounded, conf_level, interval)
    return {
        "table": table,
        "method": _method(model, kind, rows, interval),
        "n": len(arrays.y),
        "events": round(arrays.y.sum()) if model.counts_events else None,
        "n_missing": frame.n_missing,
        "notes": (
            *frame.notes,
            *weight_notes(rows, kind, is_precision=model.family.has_dispersion),
            *(() if rows.sample is None else rows.sample.notes),
            *sparse_data_notes(model, arrays, kind),
            *covariance.notes,
            *fit_notes(model, rows, maximum, unbounded),
            *(() if maximum.on_boundary else undefined_notes(table)),
        ),
        "conf_level": conf_level,
        "coefficients": pd.Series(maximum.coefficients, frame.names, name="coef"),
        "covariance": pd.DataFrame(covariance.matrix, frame.names, frame.names),
        "loglik": maximum.loglik,
        "robust": kind if rows.sample is None else "survey",
        "joint_df": covariance.joint_df,
        "design": replace(frame, response=None),
        "family": model.family.name,
        "offset": rows.offset,
        "rows": FittedRows(arrays, model.family, maximum, kind, rows.sample, rows.used, covariance.common_df),
    }


def _table(
    model: Model,
    rows: Rows,
    maximum: Maximum,
    covariance: Covariance,
    unbounded: np.ndarray,
    conf_level: float,
    interval: str,
) -> pd.DataFrame:
    arrays, columns = rows.arrays, rows.frame.columns
    table = coefficient_table(
        columns,
        arrays.X,
        maximum.coefficients,
        covariance.matrix,
        measure=model.measure,
        conf_level=conf_level,
        event=arrays.y if model.counts_events else None,
        unbounded=unbounded,
        df=covariance.df,
        ratio=model.is_ratio,
    )
    if interval == "wald" or maximum.on_boundary:
        return table
    limits = likelihood_profile(arrays, model.family, maximum, unbounded, conf_level)
    return with_profile(table, columns, limits)


def _covariance(family: Family, rows: Rows, maximum: Maximum, kind: str | None) -> Covariance:
    if maximum.on_boundary or maximum.without_residual:
        return Covariance(np.full_like(maximum.bread, np.nan))
    if rows.sample is not None:
        return design_covariance(rows.arrays, family, maximum, rows.sample, rows.used)
    if kind is not None:
        return robust_covariance(rows.arrays, family, maximum, kind, rows.frame.names)
    return model_covariance(rows.arrays, family, maximum)


def _method(model: Model, kind: str | None, rows: Rows, interval: str) -> str:
    if rows.design is not None:
        design = rows.design.describe()
        return f"{model.title}, weighted by the survey design ({design}), design-based Wald intervals (t)."
    if interval == "profile":
        return f"{model.title}, profile likelihood intervals and likelihood ratio tests."
    if kind is None:
        return f"{model.title}, Wald intervals{' (t)' if model.family.has_dispersion else ''}."
    within = f", clusters by {' and '.join(rows.clusters)}" if rows.clusters else ""
    df = ", Satterthwaite degrees of freedom" if kind == "CR2" else ""
    return f"{model.title}, Wald intervals with robust variance ({kind}{within}{df})."
