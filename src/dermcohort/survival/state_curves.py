"""Curves of state probabilities as users see them: at chosen times, as a table and as a figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from ..estimates import Estimates, tidy
from .aalen_johansen import Occupation
from .product_limit import survival_interval
from .survival_curve import at_times


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class StateCurves(Estimates):
    """Probabilities over time. `.table` has a row for each group, cause (or state) and time somebody entered or left.

    All begin in `.start_state`, at time 0. `.finished` says, group by group, whether nobody was left whose state could change when the curves ended.
    """

    by: tuple[str, ...] = ()
    time_label: str = "time"
    state_column: str = "cause"
    start_state: str | None = None
    finished: tuple[bool, ...] = (False,)

    def at(self, times: float | Sequence[float] | np.ndarray) -> pd.DataFrame:
        """The curves at chosen times.

        Parameters
        ----------
        times : float or sequence of float
            In the unit of the data.

        Returns
        -------
        DataFrame
            Columns of `by`, `cause` (or `state`), `time`, `estimate`, `std_error`, `conf_low`, `conf_high`, `n_risk`
            (those at risk just before the time). After the last time of a group all but `n_risk` are NaN, unless
            nobody was left whose state could change. Where a probability is 0 it has no interval (NaN).
        """
        moments = np.atleast_1d(np.asarray(times, float))
        parts = [
            at_times(
                curve, moments, start=float(labels[self.state_column] == self.start_state), finished=finished
            ).assign(**labels)
            for labels, curve, finished in self._curves()
        ]
        found = pd.concat(parts, ignore_index=True)
        names = [*self.by, self.state_column]
        columns = [*names, "time", "estimate", "std_error", "conf_low", "conf_high", "n_risk"]
        return found.astype({name: self.table[name].dtype for name in names})[columns]

    def to_display(self, labels: Mapping[str, str] | None = None) -> pd.DataFrame:
        """The curves at a handful of round times, as text."""
        from ..figures import round_times
        from ..tables import SUPPRESSED, display_table

        names = self._labels(labels)
        chosen = self.at(round_times(self.table["time"].max())).assign(measure=self.table["measure"].iloc[0])
        at_risk = chosen.pop("n_risk")
        hidden = names.word(SUPPRESSED)
        shown = tidy(chosen, [*self.by, self.state_column, "time"])
        marks = {(i, "estimate"): hidden for i in np.flatnonzero(at_risk.isna()).tolist()}
        text = display_table(shown, self.conf_level, names, marks)
        counts = [hidden if pd.isna(value) else f"{value:,.10g}" for value in at_risk]
        return text.assign(**{names.word("At risk"): counts})

    def plot(
        self,
        ax: Axes | None = None,
        *,
        labels: Mapping[str, str] | None = None,
        show: Any = None,
        intervals: bool = True,
        at_risk: bool = True,
    ) -> Axes:
        """Step curves with their intervals and the numbers at risk of each group. Returns the Axes.

        Parameters
        ----------
        ax : matplotlib Axes, optional
        labels : mapping, optional
            Printed name of a column or level.
        show : level or list of levels, optional
            The causes (or states) to draw; all where not given.
        intervals, at_risk : bool
            Draw pointwise intervals; write the numbers at risk below the axis.
        """
        from ..figures import curve_figure
        from ..tables import level_label

        names = labels or {}
        known = list(self.table[self.state_column].cat.categories)
        shown = known if show is None else list(show) if isinstance(show, list | tuple) else [show]
        if unknown := [str(state) for state in shown if state not in known]:
            raise ValueError(f"plot: show={unknown[0]!r} is not among {', '.join(map(str, known))}")
        curves, starts, groups = {}, {}, {}
        for keys, curve, _ in self._curves():
            if keys[self.state_column] not in shown:
                continue
            told = dict(keys) if len(shown) > 1 else {name: keys[name] for name in self.by}
            label = ", ".join(level_label(name, level, names) for name, level in told.items())
            curves[label], starts[label] = curve, float(keys[self.state_column] == self.start_state)
            groups[", ".join(level_label(name, keys[name], names) for name in self.by)] = curve
        heights = pd.concat([curve[["estimate", "conf_high"]] for curve in curves.values()]).stack()
        highest = float(heights.max()) if len(heights) else 1.0
        drawn = curve_figure(
            curves,
            ax,
            x_label=self.time_label,
            y_label=str(self.table["measure"].iloc[0]).capitalize(),
            start=starts,
            intervals=intervals,
            n_risk=(
                lambda curve, times: at_times(curve, times, start=0.0, finished=False)["n_risk"].to_numpy()
            )
            if at_risk
            else None,
            at_risk_of=groups,
            labels=labels,
        )
        drawn.set_ylim(0, min(1.0, 1.1 * max([highest, *starts.values()])) or 1.0)
        return drawn

    def _curves(self) -> list[tuple[dict[str, Any], pd.DataFrame, bool]]:
        """Labels, rows and whether finished, of each group and state."""
        names = [*self.by, self.state_column]
        grouped = self.table.groupby(names, observed=True, sort=True)
        curves = [(dict(zip(names, key, strict=True)), curve) for key, curve in grouped]
        each = len(curves) // len(self.finished)
        return [(labels, curve, self.finished[i // each]) for i, (labels, curve) in enumerate(curves)]


def curve_rows(
    found: Occupation, errors: np.ndarray, state: int, at_risk: np.ndarray, ci: str, conf_level: float
) -> pd.DataFrame:
    """The rows of one state's curve: estimate, interval and counts at each time.

    The interval is from the normal distribution of a transformed probability, as R's `survfit` with several states.
    """
    estimate = np.clip(found.probability[:, state], 0.0, 1.0)
    # what is 1 but for the order of summation has no interval either
    estimate = np.where(np.isclose(estimate, 1.0, rtol=0, atol=1e-12), 1.0, estimate)
    relative = np.full(len(estimate), np.nan)
    np.divide(errors[:, state], estimate, out=relative, where=estimate > 0)
    low, high = survival_interval(estimate, relative, ci, conf_level)
    return pd.DataFrame(
        {
            "time": found.time,
            "estimate": estimate,
            "conf_low": low,
            "conf_high": high,
            "std_error": errors[:, state],
            "n_risk": at_risk,
            "events": found.moves[:, :, state].sum(axis=1),
        }
    )
