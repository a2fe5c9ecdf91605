"""Points with their intervals, one row an estimate (a forest plot where they are ratios)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from ..language import Labels, labels_of
from ..tables import PROPORTIONS, RATIOS, common_measure, groups_of, level_label, measure_heading
from .gaps import gap_marks
from .groups import DIFFERENCES, begins_at_zero, grouped_ranges
from .style import LINE, PAGE, QUIET, axes_for, journal_style, name_rows, wrap

TICKS = np.array([0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100])
FINE_TICKS = np.array([0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.2, 1.5, 2, 2.5, 3, 4])


@journal_style()
def point_ranges(
    table: pd.DataFrame,
    conf_level: float,
    ax: Axes | None,
    labels: Mapping[str, str],
    *,
    summary: np.ndarray | None = None,
) -> Axes:
    """Draw `table`, first row on top. A reference level is an open square; a row without any number is left out.

    What was suppressed is said. Rows where `summary` is true are diamonds; a row with bounds and no estimate is a
    line. Squares grow with a column `weight`.
    """
    words = labels_of(labels)
    gaps = gap_marks(table)
    bounds = table[[c for c in ("conf_low", "conf_high") if c in table]].to_numpy(float)
    shown = np.isfinite(table["estimate"].to_numpy(float)) | (gaps != "")
    if bounds.shape[1] == 2:
        shown |= np.isfinite(bounds).all(axis=1)
    rows, gaps = table[shown], gaps[shown]
    diamond = np.zeros(len(rows), dtype=bool) if summary is None else np.asarray(summary)[shown]
    names = [_row_label(row, groups_of(table), words) for row in rows.to_dict("records")]
    measure = common_measure(rows)
    measures = set(rows["measure"]) if "measure" in rows else set()
    if len(measures) > 1:
        colon = words.word(": ")
        names = [f"{name}{colon}{words.word(own)}" for name, own in zip(names, rows["measure"], strict=True)]
        if measure == "estimate" and PROPORTIONS.issuperset(measures):
            measure = "proportion"
    names = [wrap(name) for name in names]
    scale = 100.0 if measure in PROPORTIONS else 1.0
    ax = axes_for(ax, PAGE, 0.7 + _height(names))
    position = np.arange(len(rows))[::-1]
    middle = scale * rows["estimate"].to_numpy(float)
    low, high = (
        scale * rows[c].to_numpy(float) if c in rows else np.full(len(rows), np.nan)
        for c in ("conf_low", "conf_high")
    )
    bounded = np.isfinite(low) & np.isfinite(high)
    line, square = bounded & ~diamond, bounded & ~diamond & np.isfinite(middle)
    ax.hlines(position[line], low[line], high[line], color="black", linewidth=1.2)
    ax.scatter(
        middle[square], position[square], s=_areas(rows[square]), marker="s", color="black", linewidth=0,
        clip_on=False, zorder=3,
    )  # fmt: skip
    for i in np.flatnonzero(bounded & diamond):
        y = position[i]
        ax.fill([low[i], middle[i], high[i], middle[i]], [y, y + 0.3, y, y - 0.3], color="black", linewidth=0)
    ax.plot(middle[~bounded], position[~bounded], "s", mfc="white", mec="black", markersize=4.5)
    for y, gap in zip(position[gaps != ""], gaps[gaps != ""], strict=True):
        beside = ax.get_yaxis_transform()
        ax.text(0.01, y, words.word(gap), transform=beside, va="center", color=QUIET)
    if measure in RATIOS:
        _log_axis(ax, np.concatenate([middle, low[bounded], high[bounded]]))
    elif measure in DIFFERENCES:
        ax.axvline(0, color="0.6", linewidth=0.8, zorder=0)
    elif begins_at_zero(measure):
        ax.set_xlim(left=0)
    name_rows(ax, position, names)
    ax.set_ylim(-0.7, len(rows) - 0.3)
    ax.set_xlabel(measure_heading(measure, conf_level, words))
    ax.spines["left"].set_visible(False)
    ax.tick_params(axis="y", length=0)
    return ax


@journal_style()
def forest_by_group(
    table: pd.DataFrame, group: str, conf_level: float, ax: Axes | None, labels: Mapping[str, str]
) -> Axes:
    """Rows of the same term and level in several groups (models), a little apart, one color a group.

    Rows without a finite estimate or interval are left out unless they were suppressed; reference levels are points
    without an interval.
    """
    words = labels_of(labels)
    finite = np.isfinite(table[["estimate", "conf_low", "conf_high"]].to_numpy(float)).all(axis=1)
    at_reference = (table["level"].notna() & (table["level"] == table["reference"])).to_numpy()
    kept = finite | at_reference | (gap_marks(table) != "")
    shown, references = table[kept], at_reference[kept]
    names = [
        _row_label(row, [], words) + (words.word(" (reference)") if is_reference else "")
        for row, is_reference in zip(shown.to_dict("records"), references, strict=True)
    ]
    is_ratio = common_measure(table) in RATIOS
    ax = grouped_ranges(
        shown.assign(row=names), "row", group, ax, conf_level=conf_level, labels=words, log=is_ratio
    )
    ax.grid(False)
    if is_ratio:
        _log_axis(ax, shown[["estimate", "conf_low", "conf_high"]].to_numpy(float).ravel())
    else:
        ax.axvline(0, color="0.6", linewidth=0.8, zorder=0)
    return ax


def _height(names: list[str]) -> float:
    """Inches of the rows: a line and a half each, a line more for each further line of a name."""
    return sum(1.5 * LINE + LINE * name.count("\n") for name in names) or LINE


def _areas(rows: pd.DataFrame) -> np.ndarray | float:
    """Marker areas in square points: one size, or the weight's share of the largest."""
    if "weight" not in rows:
        return 25.0
    weight = rows["weight"].to_numpy(float)
    # a weight that was suppressed has the smallest square
    return np.fmax(60 * weight / (np.nanmax(weight, initial=0.0) or 1.0), 4)


def _log_axis(ax: Axes, values: np.ndarray) -> None:
    limits, ticks = ratio_ticks(values)
    ax.axvline(1, color="0.6", linewidth=0.8, zorder=0)
    ax.set_xscale("log")
    ax.set_xlim(limits)
    ax.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    ax.minorticks_off()


def ratio_ticks(values: np.ndarray) -> tuple[tuple[float, float], np.ndarray]:
    """Limits and round ticks of a log axis that holds the values and 1."""
    values = values[values > 0]
    low, high = min(values.min(initial=1.0), 0.8) * 0.9, max(values.max(initial=1.0), 1.25) * 1.1
    choice = TICKS if high / low > 6 else FINE_TICKS
    return (float(low), float(high)), choice[(low <= choice) & (high >= choice)]


def _row_label(row: Mapping[str, Any], groups: list[str], labels: Labels) -> str:
    parts = [level_label(group, row[group], labels) for group in groups]
    if "term" in row and (not groups or not pd.isna(row.get("level"))):
        parts.append(labels.word(str(row["term"])))
    label = labels.word(", ").join(parts)
    level = row.get("level")
    if pd.isna(level):
        return label
    return label + labels.word(": ") + level_label(str(row["term"]), level, labels)
