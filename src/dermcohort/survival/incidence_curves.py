"""Cumulative incidences as users see them: Gray's test, risk differences, risk ratios and attributable fractions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import chi2, norm

from ..estimates import Estimates, tidy
from ..variance import Replicates, Sample
from .aalen_johansen import Episodes, Occupation, aalen_johansen
from .competing_variance import incidence_influence
from .gray import gray_score
from .state_curves import StateCurves

NO_SPREAD = (
    "Where a cause has happened to nobody, or to all, the standard error is 0: intervals are too narrow."
)


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class CumulativeIncidence(StateCurves):
    """Cumulative incidence curves of each cause. `rows`, `groups`, `unit` and `sample` are the data, which are not saved.

    `unit` is the cluster of each row or, in a survey, its place in the sample.
    """

    counts_are_people: bool = True
    clusters: tuple[str, ...] = ()
    rows: Episodes | None = field(default=None, metadata={"saved": False})
    groups: np.ndarray | None = field(default=None, metadata={"saved": False})
    unit: np.ndarray | None = field(default=None, metadata={"saved": False})
    sample: Sample | Replicates | None = field(default=None, metadata={"saved": False})

    def gray_test(self) -> pd.DataFrame:
        """Gray's test of equal cumulative incidence in all groups, for each cause.

        Returns
        -------
        DataFrame
            One row a cause: `cause`, `statistic` (chi-squared), `df`, `p_value`. As R's `cmprsk::cuminc`.

        Raises
        ------
        ValueError
            Without groups, or where the curves have weights, clusters or late entry, which the test does not know.
        """
        if not self.by or len(self.finished) < 2:
            raise ValueError("gray_test: there is one group only; name the groups with by=")
        if not self.counts_are_people or self.clusters:
            raise ValueError("gray_test: the test takes neither weights nor clusters nor late entry")
        counts = self.table.assign(
            group=self.table.groupby(list(self.by), observed=True, sort=True).ngroup(),
            left=self.table["censored"],
        )
        times = np.unique(counts["time"])
        causes = list(counts["cause"].cat.categories)
        shape = (len(times), len(self.finished))
        events = {
            cause: _on_grid(counts[counts["cause"] == cause], "events", times, shape) for cause in causes
        }
        total = sum(events.values(), np.zeros(shape))
        leaving = total + _on_grid(counts[counts["cause"] == causes[0]], "censored", times, shape)
        n_risk = np.cumsum(leaving[::-1], axis=0)[::-1]
        result = []
        for cause in causes:
            score, covariance = gray_score(n_risk, events[cause], total - events[cause])
            df = len(score) - 1
            # the scores add up to 0: one group is left out
            known = np.linalg.matrix_rank(covariance[:df, :df]) == df
            statistic = score[:df] @ np.linalg.solve(covariance[:df, :df], score[:df]) if known else np.nan
            result.append(
                {"cause": cause, "statistic": statistic, "df": df, "p_value": chi2.sf(statistic, df)}
            )
        return pd.DataFrame(result).astype({"cause": self.table["cause"].dtype})

    def risk_difference(self, times: float | Sequence[float] | np.ndarray) -> Estimates:
        """Difference of the cumulative incidence from the first group's at chosen times, with Wald intervals.

        Returns
        -------
        Estimates
            Rows of `measure` "risk difference": `cause`, `time`, `level` the group, `reference` the first group. NaN
            where a group's curve has ended.
        """
        return self._compared(times, ratio=False)

    def risk_ratio(self, times: float | Sequence[float] | np.ndarray) -> Estimates:
        """Ratio of the cumulative incidence to the first group's at chosen times; intervals from its logarithm.

        Returns
        -------
        Estimates
            As `risk_difference`, with `measure` "risk ratio"; NaN where either risk is 0.
        """
        return self._compared(times, ratio=True)

    def _compared(self, times: Any, *, ratio: bool) -> Estimates:
        if len(self.finished) < 2:
            raise ValueError("there is one group only to compare; name the groups with by=")
        moments = np.atleast_1d(np.asarray(times, float))
        at = self.at(moments)
        keys = at[list(self.by)].drop_duplicates()
        names = [", ".join(map(str, key)) for key in keys.itertuples(index=False)]
        causes = list(at["cause"].cat.categories)
        shape = (len(names), len(causes), len(moments))
        risk, error = (at[column].to_numpy().reshape(shape) for column in ("estimate", "std_error"))
        covariance = np.zeros(shape)
        if self.clusters or self.sample is not None:
            covariance = self._covariance_with_first(moments)
        z = norm.ppf(0.5 + self.conf_level / 2)
        rows = []
        for g, c, t in np.ndindex(len(names) - 1, len(causes), len(moments)):
            first, other = risk[0, c, t], risk[g + 1, c, t]
            if ratio and not (first > 0 and other > 0):
                first = other = np.nan
            # the influence on a logarithm is that on the risk, divided by it
            a, b = (1 / first, 1 / other) if ratio else (1.0, 1.0)
            coef = np.log(other / first) if ratio else other - first
            squared = (a * error[0, c, t]) ** 2 + (b * error[g + 1, c, t]) ** 2
            std_error = np.sqrt(squared - 2 * a * b * covariance[g + 1, c, t])
            # an estimate stays one where its error is unknown
            limits = np.array([coef, coef - z * std_error, coef + z * std_error])
            estimate, low, high = np.exp(limits) if ratio else limits
            statistic = coef / std_error if std_error > 0 else np.nan
            rows.append(
                {
                    "cause": causes[c],
                    "time": moments[t],
                    "term": ", ".join(self.by),
                    "level": names[g + 1],
                    "reference": names[0],
                    "measure": "risk ratio" if ratio else "risk difference",
                    "estimate": estimate,
                    "conf_low": low,
                    "conf_high": high,
                    "p_value": 2 * norm.sf(abs(statistic)),
                    "coef": coef,
                    "std_error": std_error,
                    "statistic": statistic,
                }
            )
        table = pd.DataFrame(rows).astype({"cause": self.table["cause"].dtype})
        what = "Ratios" if ratio else "Differences"
        return Estimates(
            table=tidy(table, ["cause", "time"]),
            method=f"{what} between groups, with Wald intervals, of {self.method[0].lower()}{self.method[1:]}",
            n=self.n,
            events=self.events,
            n_missing=self.n_missing,
            notes=(*self.notes, *((NO_SPREAD,) if (error == 0).any() else ())),
            conf_level=self.conf_level,
        )

    def attributable_fraction(self, times: float | Sequence[float] | np.ndarray) -> Estimates:
        """Share of the incidence up to chosen times that would not be, had all the risk of the first group.

        1 - F0(t) / F(t), with F0 the cumulative incidence of the first group (the unexposed) and F that of all rows.
        Deaths and other competing events count: an exposure that kills may have a smaller fraction than its hazard
        ratio suggests. Nothing is adjusted for.

        Returns
        -------
        Estimates
            Rows of `measure` "attributable fraction": `cause`, `time`, `reference` the first group, and a Wald interval
            of the infinitesimal jackknife over rows or clusters. NaN where a curve has ended or the incidence is 0.

        Raises
        ------
        ValueError
            Without groups, or for curves loaded from a file.

        Notes
        -----
        Source: Samuelsen & Eide (2008) Stat Med 27:1447, with cumulative incidences in the place of 1 - S.
        """
        if len(self.finished) < 2:
            raise ValueError("there is one group only to compare; name the groups with by=")
        rows, codes = self._data()
        moments = np.atleast_1d(np.asarray(times, float))
        keys = self.table[list(self.by)].iloc[0]
        first = ", ".join(map(str, keys))
        everyone, unexposed = np.arange(len(codes)), np.flatnonzero(codes == 0)
        curves = [
            (inside, rows.of(inside), aalen_johansen(rows.of(inside))) for inside in (everyone, unexposed)
        ]
        # the unexposed are in one cluster or sampling unit: their spread is unknown
        alone = self._curves()[0][1]["std_error"].isna().all()
        z = norm.ppf(0.5 + self.conf_level / 2)
        lines = []
        for number, cause in enumerate(self.table["cause"].cat.categories, start=1):
            for moment in moments:
                risk, influence = np.empty(2), np.zeros((2, len(codes)))
                for i, (inside, own, found) in enumerate(curves):
                    risk[i] = _risk_at(found, number, moment)
                    influence[i, inside] = incidence_influence(own, found, number, moment)
                with np.errstate(divide="ignore", invalid="ignore"):
                    share = np.where(risk[0] > 0, risk[1] / risk[0], np.nan)
                    of_fraction = (share * influence[0] - influence[1]) / risk[0]
                totals = (
                    of_fraction if self.unit is None else np.bincount(self.unit, of_fraction, self._n_units)
                )
                estimate, std_error = 1 - share, np.sqrt(self._covariance(totals[:, None])[0, 0])
                if alone:
                    std_error = np.nan
                statistic = estimate / std_error if std_error > 0 else np.nan
                lines.append(
                    {
                        "cause": cause,
                        "time": moment,
                        "term": ", ".join(self.by),
                        "reference": first,
                        "measure": "attributable fraction",
                        "estimate": estimate,
                        "conf_low": estimate - z * std_error,
                        "conf_high": estimate + z * std_error,
                        "p_value": 2 * norm.sf(abs(statistic)),
                        "std_error": std_error,
                        "statistic": statistic,
                    }
                )
        table = pd.DataFrame(lines).astype({"cause": self.table["cause"].dtype, "estimate": float})
        over = f" over {' and '.join(self.clusters)}" if self.clusters else ""
        return Estimates(
            table=tidy(table, ["cause", "time"]),
            method=(
                f"Population attributable fractions of {', '.join(self.by)} (against {first}) at a time, 1 - F0(t) / F(t), "
                f"with Wald intervals of the infinitesimal jackknife{over}. {self.method}"
            ),
            n=self.n,
            events=self.events,
            n_missing=self.n_missing,
            notes=(*self.notes, *((NO_SPREAD,) if (table["std_error"] == 0).any() else ())),
            conf_level=self.conf_level,
        )

    def _data(self) -> tuple[Episodes, np.ndarray]:
        if self.rows is None or self.groups is None:
            raise ValueError("these curves were loaded from a file; estimate them again to compare groups")
        return self.rows, self.groups

    def _covariance_with_first(self, moments: np.ndarray) -> np.ndarray:
        """Covariance (groups, causes, times) of each group's risks with the first group's, through shared clusters."""
        influences = [self._influences(group, moments) for group in range(len(self.finished))]
        result = np.empty((len(influences), *influences[0].shape[1::-1]))
        for g, c, t in np.ndindex(result.shape):
            pair = np.column_stack([influences[0][t, c], influences[g][t, c]])
            result[g, c, t] = self._covariance(pair)[0, 1]
        return result

    def _covariance(self, totals: np.ndarray) -> np.ndarray:
        """Covariance (p, p) of estimates from their influence (units, p)."""
        if isinstance(self.sample, Replicates):
            raise ValueError(
                "replicate weights give no covariance of curves: compare groups with a SurveyDesign"
            )
        return totals.T @ totals if self.sample is None else self.sample.covariance(totals)

    @property
    def _n_units(self) -> int:
        assert self.unit is not None
        return int(self.unit.max()) + 1 if self.sample is None else len(self.sample.weights)

    def _influences(self, group: int, moments: np.ndarray) -> np.ndarray:
        """Influence (times, causes, units) of the clusters on one group's risks."""
        rows, codes = self._data()
        assert self.unit is not None
        inside = np.flatnonzero(codes == group)
        own = rows.of(inside)
        found = aalen_johansen(own)
        unit, n_units = self.unit[inside], self._n_units
        return np.array(
            [
                [
                    np.bincount(unit, incidence_influence(own, found, number, moment), n_units)
                    for number in range(1, rows.n_states)
                ]
                for moment in moments
            ]
        )


def _risk_at(found: Occupation, number: int, time: float) -> float:
    """Incidence at a time; NaN after the last one, unless nobody was left."""
    if time > found.time[-1] and found.probability[-1, 0] > 0:
        return float("nan")
    steps = np.append(0.0, found.probability[:, number])
    return float(steps[np.searchsorted(found.time, time, "right")])


def _on_grid(rows: pd.DataFrame, column: str, times: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Counts by time and group."""
    grid = np.zeros(shape)
    grid[np.searchsorted(times, rows["time"]), rows["group"]] = rows[column]
    return grid
