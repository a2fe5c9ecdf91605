"""Step curves over time with intervals and numbers at risk."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from ..language import Labels, labels_of
from ..tables import SUPPRESSED
from .style import PAGE, axes_for, journal_style, legend_above, look, wrap

ROW = 11  # points between two lines of the numbers at risk


@journal_style()
def curve_figure(
    curves: Mapping[str, pd.DataFrame],
    ax: Axes | None,
    *,
    x_label: str,
    y_label: str,
    start: float | Mapping[str, float],
    intervals: bool,
    n_risk: Callable[[pd.DataFrame, np.ndarray], np.ndarray] | None,
    at_risk_of: Mapping[str, pd.DataFrame] | None = None,
    labels: Mapping[str, str] | None = None,
) -> Axes:
    """Draw each curve (columns time, estimate, conf_low, conf_high) from `start` at time 0 (by label, where it differs).

    `n_risk` gives the numbers for the table below the axis, or None for no table. The table has a line for each
    curve, or for each of `at_risk_of` where several curves have the same people at risk.
    """
    words = labels_of(labels)
    lines = curves if at_risk_of is None else at_risk_of
    extra = 0.0 if n_risk is None else 0.3 + ROW / 72 * len(lines)
    ax = axes_for(ax, 0.85 * PAGE, 3.6 + extra)
    last = max(float(curve["time"].max()) for curve in curves.values())
    for number, (label, curve) in enumerate(curves.items()):
        color, _, dash = look(number)
        if curve["estimate"].isna().all():
            ax.plot([], [], color=color, linestyle=dash, label=words.sentence(f"{label} ({SUPPRESSED})"))
            continue
        begin = start[label] if isinstance(start, Mapping) else start
        time = np.append(0.0, curve["time"].to_numpy())
        height = np.append(begin, curve["estimate"].to_numpy())
        ax.step(time, height, where="post", color=color, linestyle=dash, label=label or None)
        if intervals:
            low, high = (np.append(begin, curve[c].fillna(begin)) for c in ("conf_low", "conf_high"))
            ax.fill_between(time, low, high, step="post", color=color, alpha=0.15, linewidth=0)
    ticks = round_times(last)
    ax.set_xticks(ticks)
    ax.set_xlim(0, last)
    tallest = max(curve[["estimate", "conf_high"]].max(axis=None) for curve in curves.values())
    ax.set_ylim(0, 1 if tallest <= 1 else None)  # a cumulative hazard may be above 1
    ax.set_xlabel(words.word(x_label))
    ax.set_ylabel(words.word(y_label))
    if len(curves) > 1:
        legend_above(ax, handlelength=2.8)
    if n_risk is not None:
        _risk_table(ax, lines, ticks, n_risk, words, colored=set(lines) == set(curves))
    return ax


def round_times(last: float) -> np.ndarray:
    """About six round times from 0 to `last`."""
    ticks = MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]).tick_values(0, last)
    return np.asarray([tick for tick in ticks if 0 <= tick <= last * (1 + 1e-9)])


def _risk_table(
    ax: Axes,
    curves: Mapping[str, pd.DataFrame],
    ticks: np.ndarray,
    n_risk: Callable[[pd.DataFrame, np.ndarray], np.ndarray],
    words: Labels,
    *,
    colored: bool,
) -> None:
    """Lines of numbers below the label of the axis, a fixed distance in points, whatever the size of the figure."""
    below = -46.0

    def write(text: str, x: float, across: int, side: str, color: str = "black") -> None:
        ax.annotate(
            text, (x, 0), xytext=(across, below), xycoords=("data", "axes fraction"),
            textcoords="offset points", ha=side, color=color, annotation_clip=False,
        )  # fmt: skip

    write(words.word("Number at risk"), 0, 0, "left")
    for number, (label, curve) in enumerate(curves.items()):
        below -= ROW
        for tick, count in zip(ticks, n_risk(curve, ticks), strict=True):
            write("–" if np.isnan(count) else f"{count:,.0f}", float(tick), 0, "center")
        for i, line in enumerate(wrap(label, 20).split("\n")):
            below -= ROW if i else 0
            write(line, 0, -24, "right", look(number)[0] if colored else "black")
