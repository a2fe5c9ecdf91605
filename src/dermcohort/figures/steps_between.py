"""Curves that fall within intervals: level between them, not determined inside."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from ..language import labels_of
from .style import PAGE, axes_for, journal_style, legend_above, look


@journal_style()
def steps_between(
    curves: Mapping[str, pd.DataFrame],
    last: float,
    ax: Axes | None,
    *,
    x_label: str,
    y_label: str,
    labels: Mapping[str, str] | None = None,
) -> Axes:
    """Draw each curve (columns lower, upper, survival) from 1 at time 0, a shaded box where it falls.

    An interval without an upper end is drawn to `last`, the end of the axis.
    """
    words = labels_of(labels)
    ax = axes_for(ax, 0.8 * PAGE, 3.6)
    for i, (label, curve) in enumerate(curves.items()):
        color, _, dash = look(i)
        known = curve[curve["upper"] < np.inf]
        after = known["survival"].to_numpy()
        before = np.append(1.0, after)[: len(after)]
        ends = known[["lower", "upper"]].to_numpy()
        time = np.concatenate([[0.0], ends.ravel(), [last]])
        height = np.concatenate(
            [[1.0], np.column_stack([before, after]).ravel(), [np.append(1.0, after)[-1]]]
        )
        ax.plot(time, height, color=color, linestyle=dash, label=label or None)
        for (start, end), top, bottom in zip(ends, before, after, strict=True):
            ax.fill_between([start, end], bottom, top, color=color, alpha=0.15, linewidth=0)
    ax.set_xlim(0, last)
    ax.set_ylim(0, 1)
    ax.set_xlabel(words.word(x_label))
    ax.set_ylabel(words.word(y_label))
    if len(curves) > 1:
        legend_above(ax, handlelength=2.8)
    return ax
