"""Curves over time as users see them: at chosen times, their quantiles, as a table and as a figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from ..estimates import Estimates, tidy

# two survival probabilities this close are the same number, as in R's quantile.survfit
SAME = 1.5e-8


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class TimeCurve(Estimates):
    """Curves, one a group. `.table` has a row for each group and time somebody entered or left."""

    by: tuple[str, ...] = ()
    time_label: str = "time"

    _start: ClassVar[float]
    _measure: ClassVar[str]
    _y_label: ClassVar[str]

    def at(self, times: float | Sequence[float] | np.ndarray) -> pd.DataFrame:
        """The curves at chosen times.

        Parameters
        ----------
        times : float or sequence of float
            In the unit of the data.

        Returns
        -------
        DataFrame
            Columns of `by`, `time`, `estimate`, `std_error`, `conf_low`, `conf_high`, `n_risk` (those at risk
            just before the time). After the last time of a group all but `n_risk` are NaN, unless its survival
            is 0 there.
        """
        moments = np.atleast_1d(np.asarray(times, float))
        parts = []
        for labels, curve in self._curves():
            parts.append(self._values(curve, moments).assign(**labels))
        columns = ["time", "estimate", "std_error", "conf_low", "conf_high", "n_risk"]
        return self._with_group_dtypes(pd.concat(parts, ignore_index=True))[[*self.by, *columns]]

    def to_display(self, labels: Mapping[str, str] | None = None) -> pd.DataFrame:
        """The curves at a handful of round times, as text."""
        from ..figures import round_times
        from ..tables import SUPPRESSED, display_table

        chosen = self.at(round_times(self.table["time"].max())).rename(columns={"n_risk": "At risk"})
        at_risk = chosen.pop("At risk")
        shown = chosen.assign(measure=self._measure)
        names = self._labels(labels)
        hidden = names.word(SUPPRESSED)
        marks = {(i, "estimate"): hidden for i in np.flatnonzero(at_risk.isna()).tolist()}
        text = display_table(tidy(shown, [*self.by, "time"]), self.conf_level, names, marks)
        counts = [hidden if pd.isna(value) else f"{value:,.10g}" for value in at_risk]
        return text.assign(**{names.word("At risk"): counts})

    def plot(
        self,
        ax: Axes | None = None,
        *,
        labels: Mapping[str, str] | None = None,
        intervals: bool = True,
        at_risk: bool = True,
    ) -> Axes:
        """Step curves with their intervals and the numbers at risk below the axis. Returns the Axes."""
        from ..figures import curve_figure

        return curve_figure(
            self._named(labels or {}),
            ax,
            x_label=self.time_label,
            y_label=self._y_label,
            start=self._start,
            intervals=intervals,
            n_risk=(lambda curve, times: self._values(curve, times)["n_risk"].to_numpy())
            if at_risk
            else None,
            labels=labels,
        )

    def _named(self, labels: Mapping[str, str]) -> dict[str, pd.DataFrame]:
        """The curves by the printed name of their group."""
        from ..tables import level_label

        return {
            ", ".join(level_label(name, level, labels) for name, level in keys.items()): curve
            for keys, curve in self._curves()
        }

    def _curves(self) -> list[tuple[dict[str, Any], pd.DataFrame]]:
        if not self.by:
            return [({}, self.table)]
        grouped = self.table.groupby(list(self.by), observed=True, sort=True)
        return [(dict(zip(self.by, key, strict=True)), curve) for key, curve in grouped]

    def _with_group_dtypes(self, frame: pd.DataFrame) -> pd.DataFrame:
        return frame.astype({name: self.table[name].dtype for name in self.by})

    def _values(self, curve: pd.DataFrame, times: np.ndarray) -> pd.DataFrame:
        return at_times(curve, times, start=self._start, finished=self._is_complete(curve))

    def _is_complete(self, curve: pd.DataFrame) -> bool:
        """Whether the curve is known after its last time as well."""
        return False


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class KaplanMeier(TimeCurve):
    """Survival curves. `.table` has a row for each group and time somebody entered or left."""

    _start: ClassVar[float] = 1.0
    _measure: ClassVar[str] = "survival"
    _y_label: ClassVar[str] = "Survival probability"

    def quantile(self, p: float | Sequence[float] = 0.5) -> pd.DataFrame:
        """Time by which a proportion `p` had the event (0.5: the median), with its interval.

        Returns
        -------
        DataFrame
            Columns of `by`, `quantile`, `estimate`, `conf_low`, `conf_high`; NaN where a curve (or a limit)
            does not come down that far.
        """
        levels = np.atleast_1d(np.asarray(p, float))
        if ((levels <= 0) | (levels >= 1)).any():
            raise ValueError("quantile: p must lie between 0 and 1")
        rows = [
            {
                **labels,
                "quantile": level,
                "estimate": _crossing(curve, "estimate", 1 - level),
                "conf_low": _crossing(curve, "conf_low", 1 - level),
                "conf_high": _crossing(curve, "conf_high", 1 - level),
            }
            for labels, curve in self._curves()
            for level in levels
        ]
        return self._with_group_dtypes(pd.DataFrame(rows))

    def plot_log_log(self, ax: Axes | None = None, *, labels: Mapping[str, str] | None = None) -> Axes:
        """log(-log S) over log time: where hazards are proportional the curves are the same distance apart everywhere."""
        from ..figures import log_log_figure

        return log_log_figure(self._named(labels or {}), ax, x_label=self.time_label, labels=labels)

    def _is_complete(self, curve: pd.DataFrame) -> bool:
        return bool(curve["estimate"].iloc[-1] == 0)


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class NelsonAalen(TimeCurve):
    """Cumulative hazards. `.table` has a row for each group and time somebody entered or left."""

    _start: ClassVar[float] = 0.0
    _measure: ClassVar[str] = "cumulative hazard"
    _y_label: ClassVar[str] = "Cumulative hazard"


def at_times(curve: pd.DataFrame, times: np.ndarray, *, start: float, finished: bool) -> pd.DataFrame:
    """A curve's row in force at each time: the curve is right-continuous, the risk set left-continuous.

    The curve is at `start` before its first time. After its last time it is unknown (NaN) unless it has `finished`,
    as a survival curve that reached 0 has. A curve that was suppressed is unknown throughout.
    """
    if curve["estimate"].isna().all():
        unknown = ["estimate", "std_error", "conf_low", "conf_high", "n_risk"]
        return pd.DataFrame({"time": times, **dict.fromkeys(unknown, np.nan)})
    grid = curve["time"].to_numpy()
    in_force = np.searchsorted(grid, times, "right") - 1
    following = np.searchsorted(grid, times, "left")
    before, beyond = in_force < 0, times > grid[-1]
    values = {"time": times}
    for column, at_start in (
        ("estimate", start),
        ("std_error", 0.0),
        ("conf_low", np.nan),
        ("conf_high", np.nan),
    ):
        found = np.where(before, at_start, curve[column].to_numpy(float)[np.maximum(in_force, 0)])
        values[column] = np.where(beyond & (not finished), np.nan, found)
    n_risk = np.append(curve["n_risk"].to_numpy(float), 0.0)
    return pd.DataFrame({**values, "n_risk": n_risk[following]})


def _crossing(curve: pd.DataFrame, column: str, level: float) -> float:
    """First time the curve is below `level`; the middle of the flat part where it lies exactly on it."""
    known = curve[column].notna().to_numpy()
    time, height = curve["time"].to_numpy()[known], curve[column].to_numpy()[known]
    reached = np.flatnonzero(height <= level + SAME)
    if len(reached) == 0:
        return float("nan")
    first = reached[0]
    if height[first] < level - SAME:
        return float(time[first])
    below = np.flatnonzero(height < level - SAME)
    return float((time[first] + (time[below[0]] if len(below) else time[-1])) / 2)
