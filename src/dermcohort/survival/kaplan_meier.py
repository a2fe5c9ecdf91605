"""Kaplan-Meier survival curves, with late entry, weights and all the usual intervals.

The estimator and its sources are in `product_limit`; here are the arguments, the groups and the views.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from ..design import as_list, binary_outcome, require_columns
from ..estimates import Estimates, missing_note, tidy
from ..groups import printable_groups
from .frame import check_times, check_weights, used_columns
from .product_limit import product_limit, survival_interval

INTERVALS = ("plain", "log", "log-log", "logit", "arcsin")
# two survival probabilities this close are the same number, as in R's quantile.survfit
SAME = 1.5e-8


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class KaplanMeier(Estimates):
    """Survival curves. `.table` has a row for each group and time somebody entered or left."""

    by: tuple[str, ...] = ()
    time_label: str = "time"

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
            just before the time). After the last time of a group, where survival is not 0, all but `n_risk`
            are NaN.
        """
        moments = np.atleast_1d(np.asarray(times, float))
        parts = []
        for labels, curve in self._curves():
            parts.append(_at(curve, moments).assign(**labels))
        columns = ["time", "estimate", "std_error", "conf_low", "conf_high", "n_risk"]
        return self._with_group_dtypes(pd.concat(parts, ignore_index=True))[[*self.by, *columns]]

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

    def to_display(self, labels: Mapping[str, str] | None = None) -> pd.DataFrame:
        """The curves at a handful of round times, as text."""
        from ..figures import round_times
        from ..tables import display_table

        chosen = self.at(round_times(self.table["time"].max())).rename(columns={"n_risk": "At risk"})
        at_risk = chosen.pop("At risk")
        shown = chosen.assign(measure="survival")
        text = display_table(tidy(shown, [*self.by, "time"]), self.conf_level, labels or {})
        return text.assign(**{"At risk": [f"{value:,.10g}" for value in at_risk]})

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
        from ..tables import level_label

        names = labels or {}
        curves = {
            ", ".join(level_label(name, level, names) for name, level in keys.items()): curve
            for keys, curve in self._curves()
        }
        return curve_figure(
            curves,
            ax,
            x_label=names.get(self.time_label, self.time_label),
            y_label="Survival probability",
            start=1.0,
            intervals=intervals,
            n_risk=(lambda curve, times: _at(curve, times)["n_risk"].to_numpy()) if at_risk else None,
        )

    def _curves(self) -> list[tuple[dict[str, Any], pd.DataFrame]]:
        if not self.by:
            return [({}, self.table)]
        grouped = self.table.groupby(list(self.by), observed=True, sort=True)
        return [(dict(zip(self.by, key, strict=True)), curve) for key, curve in grouped]

    def _with_group_dtypes(self, frame: pd.DataFrame) -> pd.DataFrame:
        return frame.astype({name: self.table[name].dtype for name in self.by})


def kaplan_meier(
    data: pd.DataFrame,
    time: str,
    event: str,
    *,
    entry: str | None = None,
    by: str | Sequence[str] | None = None,
    weights: str | None = None,
    ci: str = "log-log",
    conf_level: float = 0.95,
    robust: bool | None = None,
) -> KaplanMeier:
    """Kaplan-Meier estimate of the survival function.

    Parameters
    ----------
    data : DataFrame
        One row a person, or an episode where `entry` is given.
    time : str
        Column of the time of event or end of follow-up.
    event : str
        Column that is 0/1, bool, or a category of two levels, the second being the event.
    entry : str, optional
        Column of the time from which a row is at risk (left truncation): at risk over (entry, time].
    by : str or list of str, optional
        One curve for each combination of these columns.
    weights : str, optional
        Column of case or inverse-probability weights. The standard error is then robust (infinitesimal
        jackknife, each row on its own) unless ``robust=False``, which is right for frequency weights.
    ci : {"log-log", "log", "plain", "logit", "arcsin"}
        Scale of the pointwise interval. Where S is 1 (or 0), log-log, logit and arcsin have none (NaN).
    conf_level : float
    robust : bool, optional
        Ask for, or refuse, the robust standard error.

    Returns
    -------
    KaplanMeier
        With `.at(times)`, `.quantile(p)`, `.plot()`.

    Examples
    --------
    >>> data = pd.DataFrame({"years": [1.0, 2.0, 2.0, 4.0], "died": [1, 0, 1, 1]})
    >>> kaplan_meier(data, "years", "died").at([1, 3])[["time", "estimate", "n_risk"]]
       time  estimate  n_risk
    0   1.0      0.75     4.0
    1   3.0      0.50     1.0
    """
    if ci not in INTERVALS:
        raise ValueError(f"ci='{ci}' is unknown; choose one of {', '.join(INTERVALS)}")
    groups = as_list(by)
    used = used_columns(time, event, entry, groups, weights)
    require_columns(data, used, "data")
    n_missing = {name: int(data[name].isna().sum()) for name in used}
    frame = data[used].dropna()
    if frame.empty:
        raise ValueError(f"no row has all of {', '.join(used)}")
    start, exit_ = check_times(frame, time, entry)
    happened = binary_outcome(frame[event], event)
    w = check_weights(frame, weights)
    use_robust = w is not None if robust is None else robust

    labelled = printable_groups(frame[groups]).reset_index(drop=True)
    positions: list[tuple[Any, pd.DataFrame]] = [(slice(None), labelled)]
    if groups:
        positions = [(p.index, p) for _, p in labelled.groupby(groups, observed=True, sort=True)]
    parts = []
    notes = [*missing_note(len(frame), len(data), n_missing)]
    for rows, first in positions:
        result = product_limit(
            None if start is None else start[rows],
            exit_[rows],
            happened[rows],
            None if w is None else w[rows],
            robust=use_robust,
        )
        low, high = survival_interval(result.survival, result.log_error, ci, conf_level)
        part = pd.DataFrame(
            {
                "time": result.time,
                "measure": "survival",
                "estimate": result.survival,
                "conf_low": low,
                "conf_high": high,
                "std_error": result.survival * result.log_error,
                "n_risk": result.n_risk,
                "events": result.events,
                "censored": result.censored,
            }
        )
        parts.append(part.assign(**{name: first[name].iloc[0] for name in groups}))
        if result.survival[-1] == 0 and result.time[-1] > result.time[result.survival == 0][0]:
            notes.append(
                "A curve falls to 0 while others enter later: few were at risk at the start. "
                "Begin the curve where the risk set is large enough."
            )
    table = pd.concat(parts, ignore_index=True).astype({name: labelled[name].dtype for name in groups})
    if weights is not None:
        kind = (
            "case or inverse-probability weights, robust standard error"
            if use_robust
            else "frequency weights"
        )
        notes.append(f"Weights: {kind}, from '{weights}'; numbers at risk are sums of weights.")
    return KaplanMeier(
        table=tidy(table, [*groups, "time"]),
        method=(
            f"Kaplan-Meier estimates with pointwise {100 * conf_level:.4g}% confidence intervals ({ci})"
            + (", delayed entry." if entry is not None else ".")
        ),
        n=len(frame),
        events=int(happened.sum()),
        n_missing=n_missing,
        notes=tuple(dict.fromkeys(notes)),
        conf_level=conf_level,
        by=tuple(groups),
        time_label=time,
    )


def _at(curve: pd.DataFrame, times: np.ndarray) -> pd.DataFrame:
    """A curve's row in force at each time: S is right-continuous, the risk set left-continuous."""
    grid = curve["time"].to_numpy()
    in_force = np.searchsorted(grid, times, "right") - 1
    following = np.searchsorted(grid, times, "left")
    before, beyond = in_force < 0, times > grid[-1]
    values = {"time": times}
    for column, at_start in (
        ("estimate", 1.0),
        ("std_error", 0.0),
        ("conf_low", np.nan),
        ("conf_high", np.nan),
    ):
        found = np.where(before, at_start, curve[column].to_numpy(float)[np.maximum(in_force, 0)])
        unknown = beyond & (curve["estimate"].iloc[-1] > 0)
        values[column] = np.where(unknown, np.nan, found)
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
