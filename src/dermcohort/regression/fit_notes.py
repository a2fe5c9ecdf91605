"""What a reader of a generalized linear model must know: weights, thin data, cells that separate the outcome."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..design import Column, sparse_notes
from .covariance import Arrays
from .maximize import Maximum
from .model import Model
from .outcomes import binary
from .rows import Rows


def weight_notes(rows: Rows, kind: str | None, *, is_precision: bool = False) -> tuple[str, ...]:
    """Rows of weight 0, and what the weights are taken for: with a robust variance `kind` sampling weights."""
    notes = []
    if rows.n_zero_weight:
        word = "row" if rows.n_zero_weight == 1 else "rows"
        notes.append(f"{rows.n_zero_weight:,} {word} with weight 0 left out.")
    if rows.weights is not None:
        without = "precision" if is_precision else "frequency"
        use = without if kind is None else "sampling or inverse-probability"
        notes.append(f"Weights: {use} weights from '{rows.weights}'.")
    return tuple(notes)


def sparse_data_notes(model: Model, arrays: Arrays, kind: str | None) -> tuple[str, ...]:
    """Few events; few clusters where the variance does not correct for it."""
    n_clusters = None
    if arrays.cluster is not None and kind not in ("CR2", "CR3"):
        n_clusters = int(arrays.cluster.max()) + 1
    events, n = int(arrays.y.sum()), len(arrays.y)
    rarer = min(events, n - events) if model.outcome is binary else events
    return sparse_notes(
        rarer if model.counts_events else None,
        arrays.X.shape[1] - 1,
        n_clusters,
        remedy="robust='CR2' corrects for it.",
    )


def fit_notes(model: Model, rows: Rows, maximum: Maximum, unbounded: np.ndarray) -> tuple[str, ...]:
    """A maximum on the boundary or at infinity, or none found."""
    notes = []
    if maximum.on_boundary:
        bounds = "0 or 1" if np.isfinite(model.family.lower) else "1"
        notes.append(
            f"The maximum lies on the boundary (a fitted probability of {bounds}), where no standard errors exist; "
            f"{model.boundary_advice}."
        )
    if unbounded.any():
        notes.append(_separation(model, rows, unbounded))
    if not (maximum.converged or notes):
        notes.append("The fit did not converge: do not use these estimates.")
    return tuple(notes)


def _separation(model: Model, rows: Rows, unbounded: np.ndarray) -> str:
    names = [name for name, flag in zip(rows.frame.names, unbounded, strict=True) if flag]
    which = [name for name in names if name != "Intercept"] or names
    arrays, columns = rows.arrays, rows.frame.columns
    cells = pure_cells(columns, arrays.X, arrays.y, unbounded, is_binary=model.outcome is binary)
    advice = (
        "Combine levels, or use firth (penalized likelihood)" if model.measure == "OR" else "Combine levels"
    )
    return (
        f"Separation: the outcome is determined by {', '.join(which)}, whose {model.measure} has no finite estimate"
        f"{cells}. {advice}."
    )


def pure_cells(
    columns: Sequence[Column], X: np.ndarray, y: np.ndarray, unbounded: np.ndarray, *, is_binary: bool
) -> str:
    """In brackets the levels, and values of a number that has two, of which nobody (or everybody) has an event.

    Only of the coefficients that are `unbounded`; an empty text where the outcome is separated in another way.
    """
    found: list[str] = []
    for i, column in enumerate(columns):
        values = np.unique(X[:, i])
        if not unbounded[i] or len(values) != 2:
            continue
        if column.level is None:
            cells = {f"{column.term} = {value:g}": X[:, i] == value for value in values}
        else:
            siblings = [j for j, other in enumerate(columns) if other.term == column.term]
            cells = {f"{column.term} = {column.level}": X[:, i] != 0}
            if column.is_main_effect and column.reference is not None:
                cells[f"{column.term} = {column.reference}"] = (X[:, siblings] == 0).all(axis=1)
        for label, inside in cells.items():
            n, events = int(inside.sum()), int(y[inside].sum())
            if events == 0 or (is_binary and events == n):
                found.append(f"{label}: {events:,} events among {n:,} rows")
    return f" ({', '.join(dict.fromkeys(found))})" if found else ""
