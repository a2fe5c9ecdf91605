"""Estimates of several groups side by side: a dot and an interval for each, one color a group."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from ..groups import ALL
from ..language import Labels, labels_of
from ..tables import PROPORTIONS, RATIOS, SUPPRESSED, common_measure, level_label, measure_heading
from .gaps import gap_marks
from .style import (
    LINE,
    PAGE,
    QUIET,
    axes_for,
    journal_style,
    legend_above,
    look,
    name_rows,
    wrap,
)

DIFFERENCES = frozenset(
    {
        "RD", "risk difference", "difference", "prevalence difference", "prevalence difference per unit of score",
        "coefficient", "RERI", "attributable fraction",
    }
)  # fmt: skip
LOG_TICKS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)


@journal_style()
def grouped_ranges(
    table: pd.DataFrame,
    row: str,
    group: str,
    ax: Axes | None = None,
    *,
    conf_level: float = 0.95,
    labels: Mapping[str, str] | None = None,
    log: bool = False,
) -> Axes:
    """Rows from top to bottom, the groups of a row a little apart. What was suppressed is said in its place.

    Parameters
    ----------
    table : DataFrame
        Tidy estimates with `estimate`, `conf_low`, `conf_high`, `measure` and the columns `row` and `group`.
        Rows appear in the order of the table.
    row, group : str
        Column that makes the rows, and column that makes the colors.
    log : bool
        Logarithmic axis; an estimate of 0 is then shown as its upper limit only.

    Returns
    -------
    Axes
    """
    names = labels_of(labels)
    rows = list(dict.fromkeys(table[row]))
    row_names = [wrap(names.get(str(r), level_label(row, r, names))) for r in rows]
    groups = _levels(table[group])
    each = [max(0.12 + 0.14 * len(groups), LINE * (1.3 + name.count("\n"))) for name in row_names]
    ax = axes_for(ax, PAGE, 0.9 + sum(each))
    scale, heading = _scale_of(table, conf_level, names)
    apart = 0.7 / max(len(groups), 1)
    gaps = gap_marks(table)
    for number, name in enumerate(groups):
        own = (table[group] == name).to_numpy()
        part = table[own]
        offset = (number - (len(groups) - 1) / 2) * apart
        y = np.array([rows.index(value) for value in part[row]]) + offset
        middle, low, high = (scale * part[c].to_numpy(float) for c in ("estimate", "conf_low", "conf_high"))
        color, marker, _ = look(number)
        is_share = log and common_measure(table) not in RATIOS
        floor = 0.5 * scale * _smallest(table) if is_share else -np.inf
        ax.hlines(y, np.maximum(low, floor), high, color=color, linewidth=1.2)
        shown = middle > 0 if log else np.isfinite(middle)
        ax.plot(middle[shown], y[shown], marker, color=color, label=level_label(group, name, names))
        for place, gap in zip(y, gaps[own], strict=True):
            if gap:
                _say_gap(ax, place, names.word(gap), marker, color)
    if log:
        _log_axis(ax)
    else:
        ax.set_xlim(left=0 if begins_at_zero(common_measure(table)) else None)
    name_rows(ax, np.arange(len(rows)), row_names)
    ax.set_ylim(len(rows) - 0.4, -0.6)
    ax.set_xlabel(heading)
    ax.grid(axis="x", color="0.92", linewidth=0.8)
    ax.spines["left"].set_visible(False)
    ax.tick_params(axis="y", length=0)
    if len(groups) > 1:
        legend_above(ax, right=True, handletextpad=0.2)
    return ax


def _say_gap(ax: Axes, place: float, text: str, marker: str, color: str) -> None:
    """The marker of the group, open, at the left end of the row, and why it has no number."""
    beside = ax.get_yaxis_transform()
    ax.plot([0.012], [place], marker, mfc="white", mec=color, markersize=4, transform=beside, clip_on=False)
    ax.text(0.025, place, text, transform=beside, va="center_baseline", color=QUIET, fontsize=7)


@journal_style()
def line_ranges(
    table: pd.DataFrame,
    x: str,
    group: str,
    ax: Axes | None = None,
    *,
    conf_level: float = 0.95,
    labels: Mapping[str, str] | None = None,
) -> Axes:
    """Estimates over ordered categories `x` (age groups), joined by a line with a band, one color a group.

    The line breaks where an estimate was suppressed; an open marker on the axis stands for it. What all categories
    have together (level "All") stands beside the line.
    """
    names = labels_of(labels)
    levels = _levels(table[x])
    ax = axes_for(ax, 0.8 * PAGE, 3.4)
    scale, heading = _scale_of(table, conf_level, names)
    groups = _levels(table[group])
    gaps = gap_marks(table)
    together = levels.index(ALL) if ALL in levels else len(levels)
    for number, name in enumerate(groups):
        own = np.flatnonzero(table[group] == name)
        place = np.array([levels.index(value) for value in table[x].iloc[own]])
        own, place = own[np.argsort(place)], np.sort(place)
        part = table.iloc[own]
        middle, low, high = (scale * part[c].to_numpy(float) for c in ("estimate", "conf_low", "conf_high"))
        color, marker, dash = look(number)
        joined, apart = place < together, 0.12 * (number - (len(groups) - 1) / 2)
        ax.fill_between(place[joined], low[joined], high[joined], color=color, alpha=0.15, linewidth=0)
        ax.plot(
            place[joined], middle[joined], marker=marker, color=color, linestyle=dash,
            label=level_label(group, name, names),
        )  # fmt: skip
        ax.vlines(place[~joined] + apart, low[~joined], high[~joined], color=color, linewidth=1.2)
        ax.plot(place[~joined] + apart, middle[~joined], marker, color=color)
        hidden = place[gaps[own] == SUPPRESSED] + apart
        ax.plot(
            hidden, np.zeros(len(hidden)), marker, mfc="white", mec=color, clip_on=False, zorder=3,
            transform=ax.get_xaxis_transform(),
        )  # fmt: skip
    if (gaps == SUPPRESSED).any():
        ax.plot([], [], "o", mfc="white", mec="black", label=names.word(SUPPRESSED))
    ax.set_xticks(np.arange(len(levels)), [wrap(level_label(x, level, names), 14) for level in levels])
    ax.set_ylim(bottom=0)
    ax.set_xlabel(names.word(x))
    ax.set_ylabel(heading)
    legend_above(ax, handlelength=2.8)
    return ax


def begins_at_zero(measure: str) -> bool:
    """Whether an axis of the measure begins at 0: shares and rates, which cannot be negative."""
    return measure.startswith("per ") or (measure in PROPORTIONS and measure not in DIFFERENCES)


def _scale_of(table: pd.DataFrame, conf_level: float, labels: Labels) -> tuple[float, str]:
    """100 for proportions, and the heading of the axis."""
    measure = common_measure(table)
    return (100.0 if measure in PROPORTIONS else 1.0), measure_heading(measure, conf_level, labels)


def _levels(values: pd.Series) -> list[str]:
    """The levels that occur, in the order of the categories, else of the rows."""
    found = list(dict.fromkeys(values))
    if isinstance(values.dtype, pd.CategoricalDtype):
        return [level for level in values.cat.categories if level in found]
    return found


def _smallest(table: pd.DataFrame) -> float:
    positive = table.loc[table["estimate"] > 0, "estimate"]
    return float(positive.min()) if len(positive) else 1e-3


def _log_axis(ax: Axes) -> None:
    ax.set_xscale("log")
    low, high = ax.get_xlim()
    ax.xaxis.set_major_locator(FixedLocator([tick for tick in LOG_TICKS if low <= tick <= high]))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ax.xaxis.set_minor_locator(NullLocator())
