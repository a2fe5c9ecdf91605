"""Estimates as a heat map: conditions by cohort, the number in each cell."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, LinearSegmentedColormap, LogNorm
from matplotlib.patches import Rectangle
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from ..language import Labels, labels_of
from ..tables import (
    PROPORTIONS,
    SUPPRESSED,
    common_measure,
    format_interval,
    level_label,
    measure_heading,
    measure_name,
)
from .style import NORMAL, QUIET, SMALL, axes_for, dress, journal_style, name_rows, text_color, wrap

MOST_INTERVALS = 6  # columns; with more there is no room for intervals
ROUND = (0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000)


@journal_style()
def estimate_matrix(
    table: pd.DataFrame,
    row: str = "term",
    column: str = "cohort",
    ax: Axes | None = None,
    *,
    conf_level: float = 0.95,
    labels: Mapping[str, str] | None = None,
) -> Axes:
    """One cell an estimate, darker where it is larger (on a log scale), with its interval where there is room.

    A cell without a row in `table` was not collected: hatched, with an en dash. A row whose estimate is missing was
    suppressed, and the cell says so.

    Parameters
    ----------
    table : DataFrame
        Tidy estimates above or equal to 0 (`estimate`, `measure` and, if there, `conf_low`, `conf_high`), at most one
        for each pair of `row` and `column`. Rows and columns stand in the order of the table.
    row, column : str
        Columns that make the rows and the columns.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        If a column is missing, there is no row, a pair occurs twice, or an estimate is negative.

    Examples
    --------
    >>> table = pd.DataFrame({"cohort": ["a", "b"], "term": "acne", "measure": "prevalence", "estimate": [0.1, 0.2]})
    >>> [text.get_text() for text in estimate_matrix(table).texts]
    ['10.0', '20.0']
    """
    words = labels_of(labels)
    for name in (row, column, "estimate"):
        if name not in table:
            raise ValueError(f"table: there is no column '{name}'; there are: {', '.join(table.columns)}")
    if table.empty:
        raise ValueError("table: there is no row to draw")
    if table.duplicated([row, column]).any():
        raise ValueError(
            f"table: a pair of {row} and {column} has more than one row; choose the rows to show"
        )
    if (table["estimate"] < 0).any():
        raise ValueError("table: a negative estimate has no place on a log scale; use point_ranges")
    rows, columns = list(dict.fromkeys(table[row])), list(dict.fromkeys(table[column]))
    measure = common_measure(table)
    scale = 100.0 if measure in PROPORTIONS else 1.0
    row_names = [wrap(words.get(str(r), level_label(row, r, words))) for r in rows]
    with_interval = "conf_low" in table and len(columns) <= MOST_INTERVALS
    ax = axes_for(
        ax, 2.6 + (1.05 if with_interval else 0.6) * len(columns),
        0.9 + 0.2 * sum(1 + name.count("\n") for name in row_names),
    )  # fmt: skip
    low, high = _range(scale * table["estimate"].to_numpy(float))
    norm, colors = LogNorm(low, high), _colors()
    for r in range(len(rows)):
        for c in range(len(columns)):
            ax.add_patch(Rectangle((c - 0.5, r - 0.5), 1, 1, facecolor="white", edgecolor="0.8", hatch="///"))
    for cell in table.to_dict("records"):
        place = columns.index(cell[column]), rows.index(cell[row])
        text = _cell(cell, with_interval, words)
        value = scale * cell["estimate"]
        color = "0.96" if pd.isna(value) else colors(float(norm(max(value, low))))
        corner = (place[0] - 0.5, place[1] - 0.5)
        ax.add_patch(Rectangle(corner, 1, 1, facecolor=color, edgecolor="white", linewidth=1.2))
        ink = QUIET if pd.isna(value) else text_color(color)
        ax.text(*place, text, ha="center", va="center", fontsize=7 if with_interval else SMALL, color=ink)
    known = set(zip(table[row], table[column], strict=True))
    for r, c in ((r, c) for r in rows for c in columns if (r, c) not in known):
        box = {"facecolor": "white", "edgecolor": "none", "pad": 3}
        ax.text(
            columns.index(c),
            rows.index(r),
            "–",
            ha="center",
            va="center",
            fontsize=NORMAL,
            color=QUIET,
            bbox=box,
        )
    ax.set_xlim(-0.5, len(columns) - 0.5)
    ax.set_ylim(len(rows) - 0.5, -0.5)
    name_rows(ax, np.arange(len(rows)), row_names)
    ax.set_xticks(np.arange(len(columns)), [wrap(level_label(column, c, words), 14) for c in columns])
    ax.xaxis.tick_top()
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    heading = measure_heading(measure, conf_level, words) if with_interval else measure_name(measure, words)
    _color_bar(ax, (low, high), colors, heading)
    return ax


def _cell(cell: dict[str, Any], with_interval: bool, words: Labels) -> str:
    if pd.isna(cell["estimate"]):
        return words.word(SUPPRESSED)
    low, high = (cell["conf_low"], cell["conf_high"]) if with_interval else (np.nan, np.nan)
    return format_interval(str(cell.get("measure", "")), cell["estimate"], low, high)


def _range(values: np.ndarray) -> tuple[float, float]:
    """From the smallest to the largest; at least a factor of three, so that like values look alike."""
    positive = values[np.isfinite(values) & (values > 0)]
    low, high = (float(positive.min()), float(positive.max())) if len(positive) else (1.0, 1.0)
    wider = max(3 / (high / low), 1) ** 0.5
    return low / wider, high * wider


def _colors() -> Colormap:
    blues = mpl.colormaps["Blues"](np.linspace(0.05, 0.95, 64))
    return LinearSegmentedColormap.from_list("estimates", blues)


def _color_bar(ax: Axes, ends: tuple[float, float], colors: Colormap, heading: str) -> None:
    image = mpl.cm.ScalarMappable(LogNorm(*ends), colors)
    bar = ax.figure.colorbar(image, ax=ax, fraction=0.05, pad=0.02, shrink=0.8)
    dress(bar.ax)
    inside = [tick for tick in ROUND if ends[0] <= tick <= ends[1]]
    bar.ax.yaxis.set_major_locator(FixedLocator(inside or list(ends)))
    bar.ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.2g}"))
    bar.ax.yaxis.set_minor_locator(NullLocator())
    bar.outline.set_visible(False)
    bar.set_label(heading)
