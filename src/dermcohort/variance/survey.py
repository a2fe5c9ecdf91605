"""Sample surveys: strata, clusters in stages, weights and finite populations, by Taylor linearization.

The variance of an estimated total is, stratum by stratum, the spread of the totals of the primary sampling units
(PSU) around their mean, times 1 less the sampled fraction; the stages below add theirs in proportion to the
fraction sampled above (Cochran 1977, Sampling Techniques, ch. 10; Lumley 2010, Complex Surveys; numbers as
R's survey 4.1). A domain (men, those with an answer) is analyzed with influence 0 outside it, so that no
sampling unit is lost.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..design import as_list, require_columns
from .robust import unit_totals

LONELY = ("fail", "adjust", "average", "certainty", "remove")


@dataclass(frozen=True)
class SurveyDesign:
    """How people were sampled, as names of columns.

    Parameters
    ----------
    weights : str, optional
        Sampling weight, positive or 0. Without it every row has weight 1, or the product of N / n of the stages
        where `fpc` is given.
    strata : str or list of str, optional
        Stratum of each row; a list gives those of the stages.
    cluster : str or list of str, optional
        Primary sampling unit, or the units of each stage, first stage first. Without it each row is a unit.
    fpc : str or list of str, optional
        Finite population correction of each stage: the number of units in the population of the stratum (above
        1) or the fraction that was sampled (up to 1). Without it sampling counts as with replacement and only
        the first stage matters.
    nest : bool
        The names of clusters are reused in other strata (cluster 1 of stratum a is not cluster 1 of stratum b).
    lonely_psu : {"fail", "adjust", "average", "certainty", "remove"}
        What a stratum with one PSU adds to the variance: an error; its distance from the mean of all strata; the
        average of the other strata; nothing ("certainty" and "remove" are the same here, as in R).

    Examples
    --------
    >>> SurveyDesign(weights="w", strata="county", cluster="village", nest=True).nest
    True
    """

    weights: str | None = None
    strata: str | Sequence[str] | None = None
    cluster: str | Sequence[str] | None = None
    fpc: str | Sequence[str] | None = None
    nest: bool = False
    lonely_psu: str = "fail"

    def __post_init__(self) -> None:
        if self.lonely_psu not in LONELY:
            raise ValueError(f"lonely_psu='{self.lonely_psu}' is unknown; choose one of {', '.join(LONELY)}")
        stages = max(1, len(as_list(self.cluster)))
        for name, given in (("strata", as_list(self.strata)), ("fpc", as_list(self.fpc))):
            if len(given) > stages:
                raise ValueError(f"{name} names {len(given)} stages and cluster {stages}: give one a stage")
        if self.fpc is not None and len(as_list(self.fpc)) < stages:
            raise ValueError(f"fpc names {len(as_list(self.fpc))} of {stages} stages: give one a stage")

    @property
    def columns(self) -> list[str]:
        """Every column the design uses."""
        named = [*as_list(self.weights), *as_list(self.strata), *as_list(self.cluster), *as_list(self.fpc)]
        return list(dict.fromkeys(named))

    @property
    def clustered(self) -> bool:
        """Whether units are groups of rows."""
        return self.cluster is not None

    def describe(self) -> str:
        """The design in words, for the methods section."""
        parts = []
        if self.strata is not None:
            parts.append(f"strata by {' and '.join(as_list(self.strata))}")
        if self.cluster is not None:
            parts.append(f"clusters by {' within '.join(reversed(as_list(self.cluster)))}")
        if self.weights is not None:
            parts.append(f"weights from {self.weights}")
        if self.fpc is not None:
            parts.append("finite population correction")
        text = ", ".join(parts) or "simple random sampling"
        if self.lonely_psu != "fail":
            text += f"; strata of one sampling unit: {self.lonely_psu}"
        return text

    def sample(self, data: pd.DataFrame) -> Sample:
        """The design of the rows of `data`.

        Raises
        ------
        ValueError
            For a column that is absent, has missing values or is not what it should be (negative weights,
            clusters that are in several strata without `nest`, population sizes that differ within a stratum
            or lie below the number sampled).
        """
        require_columns(data, self.columns, "data")
        for name in self.columns:
            absent = int(data[name].isna().sum())
            if absent:
                raise ValueError(
                    f"design: column '{name}' is missing in {absent:,} of {len(data):,} rows; the variance needs "
                    "the design of every row that was sampled: leave such rows out first if they were not"
                )
        stages = self._stages(data)
        if self.weights is not None:
            weights = _numbers(data, self.weights, "weights")
            if (weights < 0).any() or not np.isfinite(weights).all() or not weights.any():
                raise ValueError(
                    f"weights: '{self.weights}' must be finite, not negative and not all zero; "
                    f"{int((weights < 0).sum()):,} of {len(data):,} rows are negative"
                )
        else:
            weights = np.ones(len(data))
            for stage in stages:
                if stage.population is not None:
                    weights = weights * (stage.population / stage.n_sampled)[stage.unit]
        return Sample(weights, tuple(stages), self.lonely_psu)

    def _stages(self, data: pd.DataFrame) -> list[Stage]:
        clusters: list[str | None] = list(as_list(self.cluster)) or [None]
        strata, fpc = as_list(self.strata), as_list(self.fpc)
        parent = np.zeros(len(data), np.int64)
        stages: list[Stage] = []
        for depth, cluster in enumerate(clusters):
            stratum = parent
            if depth < len(strata):
                codes = _codes(data, strata[depth])
                stratum = codes if depth == 0 else _combine(parent, codes)
            unit = np.arange(len(data)) if cluster is None else _codes(data, cluster)
            if cluster is not None and (self.nest or depth > 0):
                unit = _combine(stratum, unit)
            elif cluster is not None and depth < len(strata):
                _require_nested(unit, stratum, cluster, strata[depth])
            n_units = int(unit.max()) + 1 if len(unit) else 0
            first = _first_rows(unit, n_units)
            stratum_of, parent_of = stratum[first], parent[first]
            n_sampled = np.bincount(stratum_of)[stratum_of] if n_units else np.zeros(0, np.int64)
            population = None
            if fpc:
                population = _population(data, fpc[depth], stratum, first, n_sampled)
            names = None if depth >= len(strata) else data[strata[depth]].iloc[first].astype(str).to_numpy()
            stages.append(Stage(unit, stratum_of, parent_of, n_sampled, population, names))
            parent = unit
            if not fpc:
                break  # with replacement: the spread of the first stage holds that of the others
        return stages


@dataclass(frozen=True, eq=False)
class Stage:
    """One stage of sampling: the unit of each row, and of each unit its stratum, parent and numbers."""

    unit: np.ndarray
    stratum: np.ndarray
    parent: np.ndarray
    n_sampled: np.ndarray
    population: np.ndarray | None
    stratum_names: np.ndarray | None


@dataclass(frozen=True, eq=False)
class Sample:
    """A `SurveyDesign` applied to data: what variances need.

    Parameters
    ----------
    weights : ndarray of float64, shape (n,)
    stages : tuple of Stage
    lonely_psu : str
    """

    weights: np.ndarray
    stages: tuple[Stage, ...]
    lonely_psu: str

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader must know of the design: strata of a single unit."""
        stage = self.stages[0]
        alone = len(np.unique(stage.stratum[stage.n_sampled == 1]))
        if not alone:
            return ()
        many = "1 stratum has" if alone == 1 else f"{alone} strata have"
        return (f"{many} only one sampling unit (lonely_psu='{self.lonely_psu}').",)

    def degrees_of_freedom(self, inside: np.ndarray | None = None) -> int:
        """PSUs less strata among the rows `inside` a domain that have weight, as R's `degf`."""
        stage = self.stages[0]
        used = self.weights > 0 if inside is None else inside & (self.weights > 0)
        units = np.unique(stage.unit[used])
        return len(units) - len(np.unique(stage.stratum[units]))

    def degrees_of_freedom_by(self, group: np.ndarray, n_groups: int) -> np.ndarray:
        """The same for each group; rows of no group have code -1."""
        stage = self.stages[0]
        used = (group >= 0) & (self.weights > 0)
        n_units, n_strata = len(stage.stratum), int(stage.stratum.max()) + 1
        seen = np.zeros((n_groups, n_units), bool)
        seen[group[used], stage.unit[used]] = True
        strata = np.zeros((n_groups, n_strata), bool)
        g, unit = np.nonzero(seen)
        strata[g, stage.stratum[unit]] = True
        return seen.sum(axis=1) - strata.sum(axis=1)

    def covariance(self, influence: np.ndarray) -> np.ndarray:
        """Covariance of p estimates from the influence (n, p) of the rows, weights included.

        Raises
        ------
        ValueError
            For a stratum of one PSU where `lonely_psu` is "fail".
        """
        return self._covariance([unit_totals(influence, s.unit, len(s.stratum)) for s in self.stages])

    def covariance_by(self, influence: np.ndarray, group: np.ndarray, n_groups: int) -> np.ndarray:
        """The same for one estimate of each group (n_groups, n_groups): influence (n,) of a row on its own group.

        Rows of no group have code -1. Much faster than `covariance`, which would need mostly zeros.
        """
        inside = group >= 0
        totals = []
        for stage in self.stages:
            cell = stage.unit[inside] * n_groups + group[inside]
            size = len(stage.stratum) * n_groups
            totals.append(np.bincount(cell, influence[inside], size).reshape(-1, n_groups))
        return self._covariance(totals)

    def _covariance(self, totals: Sequence[np.ndarray]) -> np.ndarray:
        result = np.zeros((totals[0].shape[1],) * 2)
        for deviations in self._deviations(totals):
            result += deviations.T @ deviations
        return result

    def variances(self, totals: Sequence[np.ndarray]) -> np.ndarray:
        """Variances (p,) alone, from the influence summed within the units of each stage, (n_units, p) each.

        For curves of thousands of points, whose covariance nobody needs.
        """
        result = np.zeros(totals[0].shape[1])
        for deviations in self._deviations(totals):
            result += np.einsum("ij,ij->j", deviations, deviations)
        return result

    def independent_rows(self) -> IndependentRows | None:
        """What the variance is made of where each row is a sampling unit; None for other designs."""
        stage = self.stages[0]
        if len(self.stages) > 1 or len(stage.stratum) < len(stage.unit):
            return None
        scale = _scale(stage, np.ones(1), 1, self.lonely_psu)
        centered = ~_uncentered(stage, self.lonely_psu)
        n_strata = int(stage.stratum.max()) + 1
        of_totals = np.zeros(n_strata)
        of_totals[stage.stratum] = np.where(centered, scale, 0.0)
        of_totals /= np.bincount(stage.stratum)
        return IndependentRows(scale[stage.unit], stage.stratum[stage.unit], of_totals)

    def _deviations(self, totals: Sequence[np.ndarray]) -> Iterator[np.ndarray]:
        fraction = np.ones(1)  # sampled of each parent, over all stages above
        for depth, (stage, total) in enumerate(zip(self.stages, totals, strict=True)):
            yield _stage_deviations(stage, total, fraction, depth + 1, self.lonely_psu)
            if stage.population is not None:
                fraction = fraction[stage.parent] * stage.n_sampled / stage.population


@dataclass(frozen=True, eq=False)
class IndependentRows:
    """Variance = sum of scale_i psi_i^2 over rows less the sum of of_totals_h (sum of psi_i in stratum h)^2."""

    scale: np.ndarray
    stratum: np.ndarray
    of_totals: np.ndarray


def _stage_deviations(
    stage: Stage, totals: np.ndarray, fraction: np.ndarray, depth: int, lonely_psu: str
) -> np.ndarray:
    """D, whose D'D is the sum over strata of f n/(n - 1) sum_units (t - mean t)(t - mean t)'.

    f is the fraction that was not sampled.
    """
    scale = _scale(stage, fraction, depth, lonely_psu)
    n_strata = int(stage.stratum.max()) + 1
    means = unit_totals(totals, stage.stratum, n_strata) / np.bincount(stage.stratum)[:, None]
    center = np.where(_uncentered(stage, lonely_psu)[:, None], 0.0, means[stage.stratum])
    return np.asarray((totals - center) * np.sqrt(scale)[:, None])


def _uncentered(stage: Stage, lonely_psu: str) -> np.ndarray:
    """Units whose distance is from the mean of all strata, which is 0, and not from that of their own."""
    return (stage.n_sampled == 1) & (lonely_psu == "adjust")


def _scale(stage: Stage, fraction: np.ndarray, depth: int, lonely_psu: str) -> np.ndarray:
    """f n/(n - 1) of the stratum of each unit, times the fraction sampled at the stages above."""
    n = stage.n_sampled.astype(float)
    left = np.ones(len(n))
    if stage.population is not None:
        left = np.where(np.isinf(stage.population), 1.0, 1 - n / stage.population)
    alone = (stage.n_sampled == 1) & (left > 1e-7)
    if alone.any() and lonely_psu == "fail":
        raise ValueError(_lonely_message(stage, alone, depth))
    scale = fraction[stage.parent] * left * np.where(n > 1, n / np.maximum(n - 1, 1), 1.0)
    if lonely_psu == "average":
        # within each parent the other strata stand for those of one unit
        of_strata = _first_rows(stage.stratum, int(stage.stratum.max()) + 1)
        parents = stage.parent[of_strata]
        all_strata = np.bincount(parents)
        usable = np.bincount(parents, ~alone[of_strata])
        with np.errstate(divide="ignore"):
            scale = np.where(alone, 0.0, scale * (all_strata / usable)[stage.parent])
    return np.asarray(scale)


def _lonely_message(stage: Stage, alone: np.ndarray, depth: int) -> str:
    n_strata = len(np.unique(stage.stratum[alone]))
    where = ""
    if stage.stratum_names is not None:
        shown = list(dict.fromkeys(stage.stratum_names[alone]))[:3]
        where = f" ({', '.join(shown)}{', ...' if n_strata > 3 else ''})"
    many = "1 stratum" if n_strata == 1 else f"{n_strata} strata"
    return (
        f"design: {many}{where} with only one sampling unit at stage {depth}, from which no variance can be "
        "estimated; join strata, or choose lonely_psu='adjust' (conservative), 'average', 'certainty' or 'remove'"
    )


def _population(
    data: pd.DataFrame, name: str, stratum: np.ndarray, first: np.ndarray, n_sampled: np.ndarray
) -> np.ndarray:
    """Units in the population of each unit's stratum, from sizes or from fractions."""
    given = _numbers(data, name, "fpc")
    n_strata = int(stratum.max()) + 1
    lowest, highest = np.full(n_strata, np.inf), np.full(n_strata, -np.inf)
    np.minimum.at(lowest, stratum, given)
    np.maximum.at(highest, stratum, given)
    differing = int((highest - lowest > 1e-9 * np.abs(highest)).sum())
    if differing:
        raise ValueError(f"fpc: '{name}' differs within {differing:,} of {n_strata:,} strata; it must not")
    if (given <= 0).any():
        raise ValueError(f"fpc: '{name}' must be above 0: a population size, or a sampled fraction up to 1")
    value = given[first]
    if (given <= 1).all():
        return n_sampled / value
    if (given < 1).any():
        raise ValueError(f"fpc: '{name}' mixes fractions and population sizes")
    if (value < n_sampled).any():
        raise ValueError(
            f"fpc: '{name}' is smaller than the number of units sampled in "
            f"{len(np.unique(stratum[first][value < n_sampled])):,} strata"
        )
    return value


def _numbers(data: pd.DataFrame, name: str, argument: str) -> np.ndarray:
    if not pd.api.types.is_numeric_dtype(data[name]):
        raise ValueError(f"{argument}: column '{name}' must be numeric, it is {data[name].dtype}")
    return data[name].to_numpy(float)


def _codes(data: pd.DataFrame, name: str) -> np.ndarray:
    return pd.factorize(data[name], sort=True)[0].astype(np.int64)


def _combine(outer: np.ndarray, inner: np.ndarray) -> np.ndarray:
    """Codes of the pairs that occur, in their order."""
    if not len(outer):
        return outer
    return pd.factorize(outer * (int(inner.max()) + 1) + inner, sort=True)[0].astype(np.int64)


def _first_rows(unit: np.ndarray, n_units: int) -> np.ndarray:
    first = np.empty(n_units, np.int64)
    first[unit[::-1]] = np.arange(len(unit))[::-1]
    return first


def _require_nested(unit: np.ndarray, stratum: np.ndarray, cluster: str, strata: str) -> None:
    of_unit = stratum[_first_rows(unit, int(unit.max()) + 1)]
    elsewhere = stratum != of_unit[unit]
    if elsewhere.any():
        raise ValueError(
            f"cluster: {len(np.unique(unit[elsewhere])):,} of the clusters in '{cluster}' occur in more than one stratum of "
            f"'{strata}'; if their names are reused, say nest=True"
        )
