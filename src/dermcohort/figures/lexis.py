"""Lexis diagram: follow-up as lines over calendar time and age."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.ticker import MaxNLocator

from ..language import labels_of
from .style import COLORS, FAINT, axes_for, journal_style, legend_above

NARROWEST = 0.6  # width to height, to which the picture can shrink so that a year is as long on both axes
HEIGHT = 4.0  # inches


@journal_style()
def lexis_lines(
    period: np.ndarray,
    age: np.ndarray,
    duration: np.ndarray,
    happened: np.ndarray,
    ax: Axes | None,
    *,
    event_label: str,
    period_lines: np.ndarray | None,
    age_lines: np.ndarray | None,
    labels: Mapping[str, str] | None = None,
) -> Axes:
    """Draw a line a row from (period, age), `duration` years long on both axes, and a dot at its end where `happened`.

    Grid lines stand at `period_lines` and `age_lines`, or at the ticks. A year is as long on both axes, which makes
    the lines diagonals, unless calendar time is much shorter than the ages.
    """
    starts, ends = np.column_stack([period, age]), np.column_stack([period + duration, age + duration])
    (left, low), (right, high) = starts.min(axis=0), ends.max(axis=0)
    shape = (right - left) / (high - low)
    words = labels_of(labels)
    ax = axes_for(ax, HEIGHT * float(np.clip(shape, NARROWEST, 1.5)) + 0.7, HEIGHT + 0.6)
    faint = float(np.clip(40 / len(starts), 0.35, 0.9))
    lines = LineCollection(
        list(np.stack([starts, ends], axis=1)), colors=COLORS[0], linewidths=0.8, alpha=faint, zorder=2
    )
    ax.add_collection(lines)
    seen = happened.astype(bool)
    ax.scatter(
        ends[seen, 0],
        ends[seen, 1],
        s=14,
        color=COLORS[1],
        linewidths=0,
        zorder=3,
        label=words.word(event_label),
    )
    ax.set_xlim(*_beyond(left, right))
    ax.set_ylim(*_beyond(low, high))
    if NARROWEST <= shape <= 1 / NARROWEST:
        ax.set_aspect("equal")
    for axis, places in ((ax.xaxis, period_lines), (ax.yaxis, age_lines)):
        if places is None:
            axis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10], integer=True))
        else:
            axis.set_ticks(np.asarray(places, float))
    ax.grid(color=FAINT, linewidth=0.6)
    ax.set_xlabel(words.word("Calendar year"))
    ax.set_ylabel(words.word("Age (years)"))
    if seen.any():
        legend_above(ax, handletextpad=0.2)
    return ax


def _beyond(low: float, high: float) -> tuple[float, float]:
    """A little more than the range, so that no dot is cut."""
    edge = 0.02 * (high - low)
    return low - edge, high + edge
