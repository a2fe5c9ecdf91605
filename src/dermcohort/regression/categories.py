"""What the models of an outcome with several categories share: rows, variance, and the sentences about them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from ..design import Design, as_list, build_design, level_text, require_columns, sparse_notes
from ..variance import Replicates, Sample, sandwich
from .covariance import NEED_MODEL, Covariance, choose_kind
from .glm import AnyDesign, positive_weight, rows_used, sample_of
from .newton import Optimum
from .proportional_odds import CategoryRows

MOST_CATEGORIES = 30

Maximize = Callable[[CategoryRows, np.ndarray | None], Optimum]
RowScores = Callable[[CategoryRows, np.ndarray], np.ndarray]


@dataclass(frozen=True, eq=False)
class CategoryData:
    """The rows of a model, which variance they get, and what was said at the door."""

    frame: Design
    rows: CategoryRows
    levels: tuple[str, ...]
    clusters: tuple[str, ...]
    cluster_codes: np.ndarray | None
    kind: str | None
    design: AnyDesign | None
    sample: Sample | Replicates | None
    used: np.ndarray
    notes: tuple[str, ...]

    @property
    def outcome(self) -> str:
        assert self.frame.response is not None
        return str(self.frame.response.name)

    def describe_variance(self) -> str:
        """The end of the sentence for the methods section."""
        if self.design is not None:
            return (
                f"weighted by the survey design ({self.design.describe()}), design-based Wald intervals (t)."
            )
        if self.kind is None:
            return "Wald intervals."
        within = f", clusters by {' and '.join(self.clusters)}" if self.clusters else ""
        return f"Wald intervals with robust variance ({self.kind}{within})."


def read_categories(
    formula: str,
    data: pd.DataFrame,
    *,
    weights: str | None,
    cluster: str | Sequence[str] | None,
    robust: str | bool | None,
    design: AnyDesign | None,
    offset: str | None,
    ordered: bool,
) -> CategoryData:
    """Check the arguments and build the arrays. An `ordered` outcome has thresholds in the place of an intercept."""
    clusters = as_list(cluster)
    sample = sample_of(design, data, weights, clusters, robust)
    kept, zero_weight = positive_weight(data, weights, sample)
    frame = build_design(
        formula,
        data if kept.all() else data[kept],
        others=[*as_list(weights), *as_list(offset), *clusters],
        intercept=not ordered,
    )
    category, levels, outcome_notes = _read_outcome(frame, ordered)
    used = rows_used(data, frame, kept)
    given, w = frame.column_values(offset), frame.column_values(weights)
    if given is not None and not np.isfinite(given).all():
        raise ValueError(f"offset: '{offset}' is infinite in {int((~np.isfinite(given)).sum()):,} rows")
    if sample is not None:
        w = sample.weights[used] / sample.weights[used].mean()
    n = len(category)
    rows = CategoryRows(
        frame.matrix,
        category,
        len(levels),
        np.ones(n) if w is None else w,
        np.zeros(n) if given is None else given,
    )
    kind = choose_kind(robust, None, weighted=weights is not None, clustered=bool(clusters))
    if kind in NEED_MODEL:
        raise ValueError(
            f"robust='{kind}' is not available for an outcome with categories: use "
            f"{'CR0, CR1 or CR1S' if clusters else 'HC0 or HC1'}"
        )
    codes = frame.codes(clusters or None)
    notes = [*frame.notes, *outcome_notes]
    if zero_weight:
        notes.append(f"{zero_weight:,} {'row' if zero_weight == 1 else 'rows'} with weight 0 left out.")
    if weights is not None:
        use = "frequency" if kind is None else "sampling or inverse-probability"
        notes.append(f"Weights: {use} weights from '{weights}'.")
    notes += () if sample is None else sample.notes
    notes += sparse_notes(None, 0, None if codes is None else int(codes.max()) + 1)
    return CategoryData(frame, rows, levels, tuple(clusters), codes, kind, design, sample, used, tuple(notes))


def category_covariance(
    data: CategoryData, optimum: Optimum, maximize: Maximize, row_scores: RowScores, n_equation: int
) -> Covariance:
    """The variance that was asked for: inverse observed information, or from influence functions.

    With a design t has the degrees of freedom of `survey::svyolr`: those of the design + 1 - `n_equation`, the
    coefficients of one equation with its intercept or threshold.
    """
    if data.sample is None and data.kind is None:
        return Covariance(optimum.inverse_information)
    if isinstance(data.sample, Replicates):

        def refit(weights: np.ndarray) -> np.ndarray:
            rows = replace(data.rows, weights=weights[data.used])
            if not rows.totals().all():
                raise ValueError("replicate weights leave a category of the outcome without any row")
            return maximize(rows, optimum.parameters).parameters

        return _with_design_df(data.sample.covariance(refit), data, n_equation)
    scores = row_scores(data.rows, optimum.parameters) * data.rows.weights[:, None]
    return influence_covariance(data, scores @ optimum.inverse_information, n_equation)


def influence_covariance(data: CategoryData, influence: np.ndarray, n_equation: int) -> Covariance:
    """Of estimates whose rows have this influence (n, k), by the design or the robust variance of the model."""
    if isinstance(data.sample, Sample):
        of_all = np.zeros((len(data.used), influence.shape[1]))
        of_all[data.used] = influence
        return _with_design_df(data.sample.covariance(of_all), data, n_equation)
    return Covariance(sandwich(influence, data.cluster_codes, data.kind))


def fit_notes(optimum: Optimum, separated: Sequence[str]) -> tuple[str, ...]:
    """What a reader must know of the maximum."""
    if separated:
        return (
            f"Separation: the outcome is determined by {', '.join(separated)}, whose OR has no finite estimate. "
            "Combine levels or categories.",
        )
    return () if optimum.converged else ("The fit did not converge: do not use these estimates.",)


def new_linear_offset(offset: str | None, newdata: pd.DataFrame) -> np.ndarray:
    """The offset of new data, 0 where the model has none."""
    if offset is None:
        return np.zeros(len(newdata))
    require_columns(newdata, [offset], "newdata")
    return newdata[offset].to_numpy(float)


def _with_design_df(matrix: np.ndarray, data: CategoryData, n_equation: int) -> Covariance:
    assert data.sample is not None
    df = data.sample.degrees_of_freedom(data.used) + 1 - n_equation
    if df > 0:
        return Covariance(matrix, np.full(len(matrix), float(df)))
    note = (
        "No degrees of freedom are left by the sampling units for this many coefficients: no intervals. "
        "Use a smaller model."
    )
    return Covariance(matrix, np.full(len(matrix), np.nan), (note,))


def _read_outcome(frame: Design, ordered: bool) -> tuple[np.ndarray, tuple[str, ...], tuple[str, ...]]:
    """Category of each row, the levels that occur, and a note of those that do not."""
    assert frame.response is not None
    values, name = frame.response, str(frame.response.name)
    if name not in frame.frame:
        raise ValueError(
            f"the outcome '{name}' must be a column of the data: put the categories into one first"
        )
    absent: list[str] = []
    if isinstance(values.dtype, pd.CategoricalDtype):
        occurring = values.cat.remove_unused_categories()
        absent = [level_text(v) for v in values.cat.categories if v not in occurring.cat.categories]
    elif ordered and not pd.api.types.is_numeric_dtype(values.dtype):
        raise ValueError(
            f"'{name}' is text, which has no order: make it a category with its levels from low to high"
        )
    else:
        occurring = values.astype("category")
    levels = tuple(level_text(level) for level in occurring.cat.categories)
    if len(levels) < 2:
        raise ValueError(
            f"'{name}' is {levels[0]} in all {len(values):,} complete rows: there is nothing to model"
        )
    if len(levels) > MOST_CATEGORIES:
        raise ValueError(
            f"'{name}' has {len(levels):,} different values: an outcome of categories has at most "
            f"{MOST_CATEGORIES}; cut it into categories, or use linear"
        )
    notes = [f"No row has '{name}' at {', '.join(absent)}: left out of the model."] if absent else []
    return occurring.cat.codes.to_numpy(np.int64), levels, tuple(notes)
