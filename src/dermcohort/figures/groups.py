"""Estimates of several groups side by side: a dot and an interval for each, one color a group."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from ..tables import PROPORTIONS, RATIOS, common_measure, level_label, measure_heading
from .curves import COLORS

MARKERS = ("o", "s", "^", "D", "v", "P", "X")
LOG_TICKS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)


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
    """Rows from top to bottom, the groups of a row a little apart.

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
    names = labels or {}
    rows = list(dict.fromkeys(table[row]))
    groups = _levels(table[group])
    if ax is None:
        height = 0.9 + (0.12 + 0.13 * len(groups)) * len(rows)
        _, ax = plt.subplots(figsize=(6.5, height), layout="constrained")
    scale, heading = _scale_of(table, conf_level)
    apart = 0.7 / max(len(groups), 1)
    for number, name in enumerate(groups):
        part = table[table[group] == name]
        offset = (number - (len(groups) - 1) / 2) * apart
        y = np.array([rows.index(value) for value in part[row]]) + offset
        middle, low, high = (scale * part[c].to_numpy(float) for c in ("estimate", "conf_low", "conf_high"))
        color = COLORS[number % len(COLORS)]
        is_share = log and common_measure(table) not in RATIOS
        floor = 0.5 * scale * _smallest(table) if is_share else -np.inf
        ax.hlines(y, np.maximum(low, floor), high, color=color, linewidth=1.2)
        shown = middle > 0 if log else np.isfinite(middle)
        label = level_label(group, name, names)
        ax.plot(
            middle[shown], y[shown], MARKERS[number % len(MARKERS)], color=color, markersize=4.5, label=label
        )
    if log:
        _log_axis(ax)
    else:
        ax.set_xlim(left=0 if scale == 100 else None)
    ax.set_yticks(np.arange(len(rows)), [names.get(str(r), level_label(row, r, names)) for r in rows])
    ax.set_ylim(len(rows) - 0.4, -0.6)
    ax.set_xlabel(heading)
    ax.grid(axis="x", color="0.92", linewidth=0.8)
    ax.set_axisbelow(True)
    ax.spines[["top", "right", "left"]].set_visible(False)
    ax.tick_params(axis="y", length=0)
    if len(groups) > 1:
        ax.legend(frameon=False, ncols=len(groups), loc="lower right", bbox_to_anchor=(1, 1), fontsize=9)
    return ax


def line_ranges(
    table: pd.DataFrame,
    x: str,
    group: str,
    ax: Axes | None = None,
    *,
    conf_level: float = 0.95,
    labels: Mapping[str, str] | None = None,
) -> Axes:
    """Estimates over ordered categories `x` (age groups), joined by a line with a band, one color a group."""
    names = labels or {}
    levels = _levels(table[x])
    if ax is None:
        _, ax = plt.subplots(figsize=(6.0, 3.8), layout="constrained")
    scale, heading = _scale_of(table, conf_level)
    for number, name in enumerate(dict.fromkeys(table[group])):
        part = table[table[group] == name]
        position = np.array([levels.index(value) for value in part[x]])
        order = np.argsort(position)
        position = position[order]
        middle, low, high = (
            scale * part[c].to_numpy(float)[order] for c in ("estimate", "conf_low", "conf_high")
        )
        color = COLORS[number % len(COLORS)]
        ax.fill_between(position, low, high, color=color, alpha=0.15, linewidth=0)
        marker = MARKERS[number % len(MARKERS)]
        ax.plot(position, middle, marker=marker, color=color, linewidth=1.3, markersize=4.5,
                label=level_label(group, name, names))  # fmt: skip
    ax.set_xticks(np.arange(len(levels)), [level_label(x, level, names) for level in levels])
    ax.set_ylim(bottom=0)
    ax.set_xlabel(names.get(x, x))
    ax.set_ylabel(heading)
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(frameon=False)
    return ax


def _scale_of(table: pd.DataFrame, conf_level: float) -> tuple[float, str]:
    """100 for proportions, and the heading of the axis."""
    measure = common_measure(table)
    return (100.0 if measure in PROPORTIONS else 1.0), measure_heading(measure, conf_level)


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
