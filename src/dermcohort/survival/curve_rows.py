"""The rows of survival curves: checked at the door, in groups, with the dependence that their variance needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ..design import as_list, binary_outcome, require_columns, sparse_notes
from ..estimates import missing_note, tidy
from ..groups import group_codes, printable_groups
from ..variance.robust import count_clusters
from .curve_variance import Dependence, curve
from .frame import check_times, check_weights, used_columns
from .product_limit import ProductLimit
from .sampling import Design, refuse_beside_design, sample_notes, sampled_rows

ONE_UNIT = "A curve from a single cluster or sampling unit has no standard error."


@dataclass(frozen=True, eq=False)
class Group:
    """The rows of one curve. `entry` is None where everybody enters at the start, `weights` where all are 1."""

    labels: dict[str, Any]
    entry: np.ndarray | None
    exit_: np.ndarray
    event: np.ndarray
    weights: np.ndarray | None
    dependence: Dependence

    def curve(self, *, exponential: bool) -> ProductLimit:
        return curve(
            self.entry, self.exit_, self.event, self.weights, self.dependence, exponential=exponential
        )


@dataclass(frozen=True, eq=False)
class CurveRows:
    """The complete rows in their groups, and what is to be said of them."""

    by: tuple[str, ...]
    groups: list[Group]
    dtypes: dict[str, Any]
    n: int
    events: int
    n_missing: dict[str, int]
    notes: tuple[str, ...]
    described: tuple[str, ...]

    def table(self, parts: Sequence[pd.DataFrame], *others: str) -> pd.DataFrame:
        """One tidy table of the tables of the groups, `others` counting as grouping columns."""
        labelled = [part.assign(**group.labels) for part, group in zip(parts, self.groups, strict=True)]
        table = pd.concat(labelled, ignore_index=True).astype(self.dtypes)
        return tidy(table, [*self.by, *others])


def read_rows(
    data: pd.DataFrame,
    time: str,
    event: str,
    *,
    entry: str | None,
    by: str | Sequence[str] | None,
    weights: str | None,
    cluster: str | Sequence[str] | None,
    design: Design | None,
    robust: bool | None,
) -> CurveRows:
    """Check the arguments that all curves share, leave out incomplete rows, and group the others.

    Raises
    ------
    ValueError
        For times that do not fit, arguments that do not fit each other, a single cluster, or a design that does not
        fit the data.
    """
    if robust is False and cluster is not None:
        raise ValueError("robust=False does not fit cluster=: leave one out")
    refuse_beside_design(design, weights=weights, cluster=cluster, robust=robust)
    groups, clusters = as_list(by), as_list(cluster)
    used = used_columns(time, event, entry, groups, weights, clusters)
    require_columns(data, used, "data")
    n_missing = {name: int(data[name].isna().sum()) for name in used}
    source, sample = (data, None) if design is None else sampled_rows(data, design)
    frame = source[used].dropna()
    if frame.empty:
        raise ValueError(f"no row has all of {', '.join(used)}")
    start, exit_ = check_times(frame, time, entry)
    happened = binary_outcome(frame[event], event)
    w = check_weights(frame, weights) if sample is None else sample.weights[frame.index]
    use_robust = w is not None if robust is None else robust
    codes = group_codes(frame[clusters])[0] if clusters else None
    n_clusters = None if codes is None else count_clusters(codes)
    places = None if sample is None else frame.index.to_numpy()
    dependence = Dependence(use_robust, codes, sample, places)

    labelled = printable_groups(frame[groups]).reset_index(drop=True)
    positions: list[tuple[dict[str, Any], np.ndarray]] = [({}, np.arange(len(frame)))]
    if groups:
        grouped = labelled.groupby(groups, observed=True, sort=True)
        positions = [(dict(zip(groups, key, strict=True)), part.index.to_numpy()) for key, part in grouped]
    found = [
        Group(
            labels,
            None if start is None else start[rows],
            exit_[rows],
            happened[rows],
            None if w is None else w[rows],
            dependence.of(rows),
        )
        for labels, rows in positions
    ]
    notes = [*missing_note(len(frame), len(source), n_missing)]
    if not all(group.dependence.known for group in found):
        notes.append(ONE_UNIT)
    if weights is not None:
        kind = (
            "case or inverse-probability weights, robust standard error"
            if use_robust
            else "frequency weights"
        )
        notes.append(f"Weights: {kind}, from '{weights}'; numbers at risk are sums of weights.")
    notes += sparse_notes(
        int(happened.sum()), 0, n_clusters, remedy="Show the curves of the clusters (by=) beside it."
    )
    if sample is not None:
        if (sample.weights != 1).any():
            notes.append("Numbers at risk and of events are sums of sampling weights.")
        notes += sample_notes(sample, frame.index.to_numpy())
    described = []
    if clusters:
        described.append(f"robust variance clustered by {' and '.join(clusters)}")
    if entry is not None:
        described.append("delayed entry")
    if design is not None:
        described.append(f"variance of the sample survey: {design.describe()}")
    return CurveRows(
        tuple(groups),
        found,
        {name: labelled[name].dtype for name in groups},
        len(frame),
        int(happened.sum()),
        n_missing,
        tuple(dict.fromkeys(notes)),
        tuple(described),
    )
