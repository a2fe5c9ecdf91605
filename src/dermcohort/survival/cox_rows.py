"""The arrays that a Cox model is fitted on, and that its residuals, tests and curves are computed from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..design import Design, binary_outcome
from .frame import check_times, check_weights
from .partial_likelihood import Evaluation, RiskSets, evaluate, risk_sets


@dataclass(frozen=True, eq=False)
class CoxRows:
    """One entry a row; at risk over (entry, exit]. `entry` is None where everybody enters at the start.

    Parameters
    ----------
    X : ndarray of float64, shape (n, p)
    entry, exit_, event, weights : ndarray of float64, shape (n,)
    stratum : ndarray of int, shape (n,)
    ties : {"efron", "breslow"}
    """

    X: np.ndarray
    entry: np.ndarray | None
    exit_: np.ndarray
    event: np.ndarray
    stratum: np.ndarray
    weights: np.ndarray
    ties: str

    def with_weights(self, weights: np.ndarray) -> CoxRows:
        """Other weights, without the rows that have none."""
        kept = weights > 0
        return CoxRows(
            self.X[kept],
            None if self.entry is None else self.entry[kept],
            self.exit_[kept],
            self.event[kept],
            self.stratum[kept],
            weights[kept],
            self.ties,
        )

    def risk_sets(self) -> RiskSets:
        return risk_sets(self.entry, self.exit_, self.event, self.stratum, self.weights, self.ties)

    @property
    def center(self) -> np.ndarray:
        """Means of the covariates, which the likelihood does without: exponentials then do not overflow."""
        return np.average(self.X, axis=0, weights=self.weights)

    def at(self, coefficients: np.ndarray) -> FittedRows:
        """The likelihood at some coefficients."""
        sets = self.risk_sets()
        X = self.X - self.center
        return FittedRows(self, X, sets, evaluate(X, coefficients, sets))


@dataclass(frozen=True, eq=False)
class FittedRows:
    """Rows, their centered covariates, risk sets, and the likelihood at the coefficients."""

    rows: CoxRows
    X: np.ndarray
    sets: RiskSets
    likelihood: Evaluation

    def time_of_events(self) -> np.ndarray:
        """Event time number k as a time."""
        return self.at_events(self.rows.exit_)

    def at_events(self, values: np.ndarray) -> np.ndarray:
        """What rows with an event share at each event time (their time, their stratum)."""
        shared = np.empty(self.sets.n_times, values.dtype)
        shared[self.sets.time_of_death] = values[self.sets.deaths]
        return shared


def cox_rows(
    frame: Design,
    *,
    time: str,
    event: str,
    entry: str | None,
    strata: Sequence[str],
    weights: str | None,
    ties: str,
) -> CoxRows:
    """Take the arrays out of a design, checking times, event and weights."""
    start, exit_ = check_times(frame.frame, time, entry)
    happened = binary_outcome(frame.frame[event], event)
    if not happened.any():
        raise ValueError(f"'{event}' never happens among the {len(happened):,} complete rows")
    w = check_weights(frame.frame, weights)
    stratum = frame.codes(list(strata) or None)
    return CoxRows(
        frame.matrix,
        start,
        exit_,
        happened,
        np.zeros(len(exit_), np.int64) if stratum is None else stratum,
        np.ones(len(exit_)) if w is None else w,
        ties,
    )
