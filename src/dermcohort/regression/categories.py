"""What the models of an outcome with several categories share: rows, variance, and the sentences about them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from ..design import Design, level_text, require_columns, sparse_notes
from ..newton import Optimum
from ..variance import NEED_MODEL, Replicates, Sample, choose_kind, sandwich
from .covariance import Covariance
from .fit_notes import weight_notes
from .proportional_odds import CategoryRows
from .rows import AnyDesign, Rows, read_rows

MOST_CATEGORIES = 30

Maximize = Callable[[CategoryRows, np.ndarray | None], Optimum]
RowScores = Callable[[CategoryRows, np.ndarray], np.ndarray]


@dataclass(frozen=True, eq=False)
class CategoryData:
    """The rows of a model, which variance they get, and what was said at the door."""

    source: Rows
    rows: CategoryRows
    levels: tuple[str, ...]
    kind: str | None
    notes: tuple[str, ...]

    @property
    def frame(self) -> Design:
        return self.source.frame

    @property
    def sample(self) -> Sample | Replicates | None:
        return self.source.sample

    @property
    def used(self) -> np.ndarray:
        return self.source.used

    @property
    def outcome(self) -> str:
        assert self.frame.response is not None
        return str(self.frame.response.name)

    @property
    def robust(self) -> str | None:
        """What `FittedModel` wants to know of the variance."""
        return self.kind if self.sample is None else "survey"

    def describe_variance(self) -> str:
        """The end of the sentence for the methods section."""
        if self.source.design is not None:
            design = self.source.design.describe()
            return f"weighted by the survey design ({design}), design-based Wald intervals (t)."
        if self.kind is None:
            return "Wald intervals."
        within = f", clusters by {' and '.join(self.source.clusters)}" if self.source.clusters else ""
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
    source = read_rows(
        formula,
        data,
        lambda values, name: _categories(values, name, ordered)[0],
        weights=weights,
        cluster=cluster,
        robust=robust,
        design=design,
        offset=offset,
        intercept=not ordered,
    )
    frame, arrays = source.frame, source.arrays
    assert frame.response is not None
    if frame.response.name not in frame.frame:
        raise ValueError(
            f"the outcome '{frame.response.name}' must be a column of the data: put the categories into one first"
        )
    category, levels, outcome_notes = _categories(frame.response, str(frame.response.name), ordered)
    kind = choose_kind(robust, None, weighted=weights is not None, clustered=bool(source.clusters))
    if kind in NEED_MODEL:
        raise ValueError(
            f"robust='{kind}' is not available for an outcome with categories: use "
            f"{'CR0, CR1 or CR1S' if source.clusters else 'HC0 or HC1'}"
        )
    notes = (
        *frame.notes,
        *outcome_notes,
        *weight_notes(source, kind),
        *(() if source.sample is None else source.sample.notes),
        *sparse_notes(
            None,
            0,
            None if arrays.cluster is None else int(arrays.cluster.max()) + 1,
            remedy="logistic regression of a cut of the outcome with robust='CR2' corrects for it.",
        ),
    )
    rows = CategoryRows(arrays.X, category, len(levels), arrays.weights, arrays.offset)
    return CategoryData(source, rows, levels, kind, notes)


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
    return Covariance(sandwich(influence, data.source.arrays.cluster, data.kind))


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


def _categories(
    values: pd.Series, name: str, ordered: bool
) -> tuple[np.ndarray, tuple[str, ...], tuple[str, ...]]:
    """Category of each row, the levels that occur, and a note of those that do not."""
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
