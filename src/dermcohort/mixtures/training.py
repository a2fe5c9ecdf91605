"""The rows of a weighted quantile sum as arrays, of which each split takes a part to estimate the weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..design import Design, binary_outcome
from ..survival.frame import check_times
from .index_weights import IndexWeights, OfCounts, bootstrap_weights, cox_likelihood, glm_likelihood
from .outcomes import Outcome


@dataclass(frozen=True, eq=False)
class TrainingData:
    """Confounders and signed quantile scores, the latter in the last columns of `X`, and the outcome.

    `y` is the event with family "cox", whose `exit` and `entry` are the times.
    """

    outcome: Outcome
    X: np.ndarray
    n_exposures: int
    y: np.ndarray
    offset: np.ndarray
    exit: np.ndarray | None = None
    entry: np.ndarray | None = None

    @classmethod
    def from_design(
        cls, design: Design, outcome: Outcome, exposures: Sequence[str], sign: float
    ) -> TrainingData:
        """Refuses times and outcomes that do not fit the family. `sign` -1 turns the scores: higher lowers."""
        X = np.column_stack([design.matrix, sign * design.frame[list(exposures)].to_numpy(float)])
        offset = design.column_values(outcome.offset)
        offset = np.zeros(len(X)) if offset is None else offset
        if outcome.is_cox:
            assert outcome.time is not None and outcome.event is not None
            entry, exit_ = check_times(design.frame, outcome.time, outcome.entry)
            y = binary_outcome(design.frame[outcome.event], outcome.event)
            if not y.any():
                raise ValueError(f"'{outcome.event}' never happens among the {len(y):,} complete rows")
            return cls(outcome, X, len(exposures), y, offset, exit_, entry)
        assert design.response is not None
        y = outcome.model.outcome(design.response, str(design.response.name))
        return cls(outcome, X, len(exposures), y, offset)

    @property
    def n_events(self) -> int | None:
        counts = self.outcome.is_cox or self.outcome.model.counts_events
        return round(self.y.sum()) if counts else None

    def weights(self, rows: np.ndarray, seeds: list[np.random.SeedSequence]) -> IndexWeights | None:
        """Weights from a bootstrap sample of these rows for each seed."""
        return bootstrap_weights(
            self._likelihood(rows),
            len(rows),
            self.X.shape[1] - self.n_exposures,
            self.n_exposures,
            seeds,
            has_dispersion=not self.outcome.is_ratio,
        )

    def _likelihood(self, rows: np.ndarray) -> OfCounts:
        X, y = self.X[rows], self.y[rows]
        if self.exit is None:
            return glm_likelihood(X, y, self.offset[rows], self.outcome.model.family)
        return cox_likelihood(X, None if self.entry is None else self.entry[rows], self.exit[rows], y)
