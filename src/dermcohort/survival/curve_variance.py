"""One survival curve with the variance that the dependence of its rows calls for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from ..variance import IndependentRows, Replicates, Sample
from .curve_influence import CurveInfluence
from .product_limit import ProductLimit, product_limit


@dataclass(frozen=True, eq=False)
class Dependence:
    """Which rows depend on each other.

    Parameters
    ----------
    robust : bool
        Rows are independent, and the variance is that of their influence rather than Greenwood's.
    cluster : ndarray of int, shape (n,), optional
        Codes of the clusters.
    sample : Sample or Replicates, optional
        Design of all rows that were sampled.
    places : ndarray of int, shape (n,), optional
        Place of each row in it.
    """

    robust: bool
    cluster: np.ndarray | None = None
    sample: Sample | Replicates | None = None
    places: np.ndarray | None = None

    def of(self, rows: np.ndarray) -> Dependence:
        """The same for some of the rows."""
        return replace(
            self,
            cluster=None if self.cluster is None else self.cluster[rows],
            places=None if self.places is None else self.places[rows],
        )

    @property
    def known(self) -> bool:
        """Whether there are two clusters, or two sampling units of a stratum, to see a spread between."""
        if self.cluster is not None:
            return len(np.unique(self.cluster)) > 1
        if self.sample is not None:
            inside = np.zeros(len(self.sample.weights), bool)
            inside[self.places] = True
            return self.sample.degrees_of_freedom(inside) > 0
        return True

    def variance(self) -> Callable[[CurveInfluence], np.ndarray] | None:
        """From the influence of the rows to the variance of log S; None where it is Greenwood's."""
        sample, places = self.sample, self.places
        if isinstance(sample, Sample):
            alone = sample.independent_rows()
            if alone is not None:
                return lambda influence: _of_sampled_rows(influence, alone, places)
            stages = [(stage.unit[places], len(stage.stratum)) for stage in sample.stages]
            return lambda influence: influence.of_units(stages, sample.variances)
        if self.cluster is not None:
            unit, names = pd.factorize(self.cluster)
            return lambda influence: influence.of_units([(unit, len(names))], _sum_of_squares)
        return CurveInfluence.independent if self.robust else None


def curve(
    entry: np.ndarray | None,
    exit_: np.ndarray,
    event: np.ndarray,
    weights: np.ndarray | None,
    dependence: Dependence,
    *,
    exponential: bool,
) -> ProductLimit:
    """The curve of some rows; its `log_error` is NaN where the dependence leaves the spread unknown.

    With replicate weights S is estimated again with each set of them, and its variance is theirs.
    """
    sample, places = dependence.sample, dependence.places
    found = product_limit(
        entry, exit_, event, weights, exponential=exponential, variance=dependence.variance()
    )
    if isinstance(sample, Replicates):

        def survival(weights: np.ndarray) -> np.ndarray:
            return product_limit(entry, exit_, event, weights[places], exponential=exponential).survival

        positive = np.where(found.survival > 0, found.survival, np.nan)
        found = replace(found, log_error=np.sqrt(sample.variances(survival)) / positive)
    if not dependence.known:
        found = replace(found, log_error=np.full(len(found.time), np.nan))
    return found


def _of_sampled_rows(
    influence: CurveInfluence, alone: IndependentRows, places: np.ndarray | None
) -> np.ndarray:
    """Variance where each row is a sampling unit: units x times would be rows x times."""
    strata = [(alone.stratum[places], len(alone.of_totals))]
    of_means = influence.of_units(strata, lambda totals: alone.of_totals @ totals[0] ** 2)
    return np.maximum(influence.independent(alone.scale[places]) - of_means, 0.0)


def _sum_of_squares(totals: Sequence[np.ndarray]) -> np.ndarray:
    """CR0: clusters are independent, their influences have mean 0."""
    return np.einsum("ij,ij->j", totals[0], totals[0])
