"""Generalized linear models: what the public functions beside this one share.

`fit_glm` builds the design matrix, maximizes the likelihood, chooses the variance and labels the result; the
mathematics is in `families`, `maximize`, `covariance` and `dermcohort.variance`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from ..design import (
    FEW_CLUSTERS,
    Design,
    as_list,
    build_design,
    coefficient_table,
    require_columns,
    sparse_notes,
    still_moving,
)
from ..estimates import FittedModel
from ..variance import ReplicateDesign, Replicates, Sample, SurveyDesign
from .covariance import (
    Arrays,
    Covariance,
    FittedRows,
    choose_kind,
    design_covariance,
    model_covariance,
    robust_covariance,
)
from .families import FAMILIES, Family
from .maximize import Maximum, maximize

AnyDesign = SurveyDesign | ReplicateDesign


@dataclass(frozen=True)
class Model:
    """What distinguishes one public function from another.

    Parameters
    ----------
    family : Family
    measure : str
        What the exponentiated coefficient (for a Gaussian the coefficient) is called.
    title : str
        Beginning of the sentence for the methods section.
    outcome : function
        From the outcome as it is in the data, and its name, to numbers; refuses what does not fit.
    counts_events : bool
        Whether the outcome is events, to be summed.
    default_robust : str, optional
        Variance where nothing is asked for.
    """

    family: Family
    measure: str
    title: str
    outcome: Callable[[pd.Series, str], np.ndarray]
    counts_events: bool = True
    default_robust: str | None = None


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
) -> GLMFit:
    """Fit one of the models; see `logistic` for the arguments."""
    clusters, family = as_list(cluster), model.family
    sample = _sample(design, data, weights, clusters, robust)
    kept, zero_weight = _positive_weight(data, weights, sample)
    frame = build_design(
        formula,
        data if kept.all() else data[kept],
        others=[*as_list(weights), *as_list(offset), *clusters],
    )
    used = _rows_used(data, frame, kept)
    assert frame.response is not None
    y = model.outcome(frame.response, str(frame.response.name))
    arrays = _arrays(frame, y, weights, offset, clusters, sample, used)

    maximum = maximize(arrays.X, y, family, arrays.weights, arrays.offset)
    kind = choose_kind(robust, model.default_robust, weighted=weights is not None, clustered=bool(clusters))
    if maximum.on_boundary:
        covariance = Covariance(np.full_like(maximum.bread, np.nan))
    elif sample is not None:
        covariance = design_covariance(arrays, family, maximum, sample, used)
    elif kind is not None:
        covariance = robust_covariance(arrays, family, maximum, kind, frame.names)
    else:
        covariance = model_covariance(arrays, family, maximum)

    unbounded = np.zeros(len(frame.columns), bool)
    if not family.has_dispersion:
        unbounded = still_moving(arrays.X, maximum.last_step)
    table = coefficient_table(
        frame.columns,
        arrays.X,
        maximum.coefficients,
        covariance.matrix,
        measure=model.measure,
        conf_level=conf_level,
        event=y if model.counts_events else None,
        unbounded=unbounded,
        df=covariance.df,
        ratio=not family.has_dispersion,
    )
    return GLMFit(
        table=table,
        method=_method(model, kind, clusters, design),
        n=len(y),
        events=round(y.sum()) if model.counts_events else None,
        n_missing=frame.n_missing,
        notes=(
            *frame.notes,
            *_weight_notes(model, weights, kind, zero_weight),
            *(() if sample is None else sample.notes),
            *_sparse_notes(model, arrays, kind),
            *covariance.notes,
            *_fit_notes(
                model, maximum, [c.name for c, flag in zip(frame.columns, unbounded, strict=True) if flag]
            ),
        ),
        conf_level=conf_level,
        coefficients=pd.Series(maximum.coefficients, frame.names, name="coef"),
        covariance=pd.DataFrame(covariance.matrix, frame.names, frame.names),
        loglik=maximum.loglik,
        design=replace(frame, response=None),
        family=family.name,
        offset=offset,
        rows=FittedRows(arrays, family, maximum, kind, sample, used, covariance.common_df),
    )


def _sample(
    design: AnyDesign | None,
    data: pd.DataFrame,
    weights: str | None,
    clusters: Sequence[str],
    robust: str | bool | None,
) -> Sample | Replicates | None:
    if design is None:
        return None
    if not isinstance(design, SurveyDesign | ReplicateDesign):
        raise TypeError(f"design must be a SurveyDesign or a ReplicateDesign, it is {type(design).__name__}")
    for argument, given in (("weights", weights), ("cluster", clusters or None), ("robust", robust)):
        if given is not None:
            raise ValueError(
                f"{argument}= does not fit design=, which has its own weights and variance: leave it out"
            )
    return design.sample(data)


def _positive_weight(
    data: pd.DataFrame, weights: str | None, sample: Sample | Replicates | None
) -> tuple[np.ndarray, int]:
    """Rows that count (a missing weight is for `build_design` to report), and how many have weight 0."""
    if weights is not None:
        require_columns(data, [weights], "data")
        if not pd.api.types.is_numeric_dtype(data[weights]):
            raise ValueError(f"weights: column '{weights}' must be numeric, it is {data[weights].dtype}")
        given = data[weights].to_numpy(float, na_value=np.nan)
        if (given < 0).any() or np.isinf(given).any() or not given.any():
            raise ValueError(f"weights: '{weights}' must not be negative or all zero, nor infinite")
        kept = given != 0
    else:
        kept = np.ones(len(data), bool) if sample is None else sample.weights > 0
    return kept, int((~kept).sum())


def _rows_used(data: pd.DataFrame, frame: Design, kept: np.ndarray) -> np.ndarray:
    """Which rows of `data` are in the model, as a mask."""
    return kept & data[list(frame.n_missing)].notna().all(axis=1).to_numpy()


def _arrays(
    frame: Design,
    y: np.ndarray,
    weights: str | None,
    offset: str | None,
    clusters: Sequence[str],
    sample: Sample | Replicates | None,
    used: np.ndarray,
) -> Arrays:
    w = frame.column_values(weights)
    if sample is not None:
        w = sample.weights[used] / sample.weights[used].mean()
    offsets = frame.column_values(offset)
    if offsets is not None and not np.isfinite(offsets).all():
        raise ValueError(
            f"offset: '{offset}' is infinite in {int((~np.isfinite(offsets)).sum()):,} rows (the logarithm of 0?)"
        )
    return Arrays(
        X=frame.matrix,
        y=y,
        weights=np.ones(len(y)) if w is None else w,
        offset=np.zeros(len(y)) if offsets is None else offsets,
        cluster=frame.codes(list(clusters) or None),
    )


def _method(model: Model, kind: str | None, clusters: Sequence[str], design: AnyDesign | None) -> str:
    if design is not None:
        return f"{model.title}, weighted by the survey design ({design.describe()}), design-based Wald intervals (t)."
    if kind is None:
        return f"{model.title}, Wald intervals{' (t)' if model.family.has_dispersion else ''}."
    within = f", clusters by {' and '.join(clusters)}" if clusters else ""
    df = ", Satterthwaite degrees of freedom" if kind == "CR2" else ""
    return f"{model.title}, Wald intervals with robust variance ({kind}{within}{df})."


def _weight_notes(model: Model, weights: str | None, kind: str | None, zero_weight: int) -> tuple[str, ...]:
    notes = []
    if zero_weight:
        rows = "row" if zero_weight == 1 else "rows"
        notes.append(f"{zero_weight:,} {rows} with weight 0 left out.")
    if weights is not None:
        without = "precision" if model.family.has_dispersion else "frequency"
        use = without if kind is None else "sampling or inverse-probability"
        notes.append(f"Weights: {use} weights from '{weights}'.")
    return tuple(notes)


def _sparse_notes(model: Model, arrays: Arrays, kind: str | None) -> tuple[str, ...]:
    """Few events; few clusters where the variance does not correct for it."""
    n_clusters = None
    if arrays.cluster is not None and kind not in ("CR2", "CR3"):
        n_clusters = int(arrays.cluster.max()) + 1
    events, n = int(arrays.y.sum()), len(arrays.y)
    rarer = min(events, n - events) if model.measure in ("OR", "PR") else events
    notes = sparse_notes(rarer if model.counts_events else None, arrays.X.shape[1] - 1, n_clusters)
    if n_clusters is not None and n_clusters < FEW_CLUSTERS:
        return (*notes[:-1], f"{notes[-1]} robust='CR2' corrects for it.")
    return notes


def _fit_notes(model: Model, maximum: Maximum, unbounded: Sequence[str]) -> tuple[str, ...]:
    notes = []
    if maximum.on_boundary:
        notes.append(
            "The maximum lies on the boundary (a fitted probability of 1), where no standard errors exist; "
            "modified_poisson gives intervals."
        )
    if unbounded:
        which = [name for name in unbounded if name != "Intercept"] or unbounded
        notes.append(
            f"Separation: the outcome is determined by {', '.join(which)}, whose {model.measure} has no finite "
            "estimate. Combine levels, or use a penalized likelihood (Firth)."
        )
    if not (maximum.converged or notes):
        notes.append("The fit did not converge: do not use these estimates.")
    return tuple(notes)
