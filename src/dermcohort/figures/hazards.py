"""Are hazards proportional? Residuals over time with a smooth line, and curves of log(-log S)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from ..language import labels_of
from .style import COLORS, PAGE, axes_for, dress, journal_style, legend_above, look


@journal_style()
def coefficient_panels(
    ax: Axes | None, known: Sequence[str], coefficient: str | None
) -> list[tuple[Axes, str]]:
    """The axes of the coefficient that was asked for, or of each; two in a row in a figure of their own."""
    chosen = list(known) if coefficient is None else [coefficient]
    if ax is None:
        return list(zip(_panels(len(chosen)), chosen, strict=True))
    if len(chosen) > 1:
        raise ValueError(f"plot: ax is one panel, say coefficient= (one of {', '.join(chosen)})")
    return [(ax, chosen[0])]


def _panels(count: int) -> list[Axes]:
    """Axes for `count` panels, two in a row."""
    columns = min(count, 2)
    rows = -(-count // columns)
    figure, axes = plt.subplots(
        rows,
        columns,
        figsize=(PAGE * columns / 2 if columns > 1 else 0.7 * PAGE, 2.6 * rows),
        layout="constrained",
        squeeze=False,
    )
    for unused in axes.flat[count:]:
        figure.delaxes(unused)
    return list(axes.flat[:count])


@journal_style()
def residual_figure(
    ax: Axes,
    x: np.ndarray,
    residuals: np.ndarray,
    smooth: pd.DataFrame,
    time: np.ndarray,
    *,
    coefficient: float,
    x_label: str,
    y_label: str,
    labels: Mapping[str, str] | None = None,
) -> Axes:
    """Draw residuals over `x`, a scale of `time`, their smooth line with its band, and the constant coefficient.

    The ticks are round times; `smooth` has columns x, estimate, conf_low, conf_high and may be empty.
    """
    words = labels_of(labels)
    dress(ax)
    ax.plot(x, residuals, "o", color="0.55", markersize=2.5, alpha=0.6, markeredgewidth=0)
    ax.axhline(coefficient, color="0.3", linewidth=0.9, linestyle="--")
    if len(smooth):
        at = smooth["x"]
        ax.fill_between(at, smooth["conf_low"], smooth["conf_high"], color=COLORS[0], alpha=0.15, linewidth=0)
        ax.plot(at, smooth["estimate"], color=COLORS[0])
        # a single far residual shall not flatten the line
        low, high = smooth["conf_low"].min(), smooth["conf_high"].max()
        inner = np.quantile(residuals, [0.02, 0.98])
        room = 0.05 * (max(high, inner[1]) - min(low, inner[0]))
        ax.set_ylim(min(low, inner[0]) - room, max(high, inner[1]) + room)
    order = np.argsort(x, kind="stable")
    places = np.linspace(x.min(), x.max(), 13)[1::2]
    marks = list(dict.fromkeys(float(f"{value:.2g}") for value in np.interp(places, x[order], time[order])))
    ax.set_xticks(np.interp(marks, time[order], x[order]), [f"{mark:g}" for mark in marks])
    ax.set_xlabel(words.word(x_label))
    ax.set_ylabel(words.sentence(y_label))
    return ax


@journal_style()
def log_log_figure(
    curves: Mapping[str, pd.DataFrame],
    ax: Axes | None,
    *,
    x_label: str,
    y_label: str = "log(−log S)",
    labels: Mapping[str, str] | None = None,
) -> Axes:
    """Draw log(-log S) of curves (columns time, estimate) over log time, where 0 < S < 1."""
    words = labels_of(labels)
    ax = axes_for(ax, 0.8 * PAGE, 3.6)
    for number, (label, curve) in enumerate(curves.items()):
        color, _, dash = look(number)
        inside = curve[curve["estimate"].between(0, 1, inclusive="neither") & (curve["time"] > 0)]
        height = np.log(-np.log(inside["estimate"].to_numpy()))
        ax.step(
            inside["time"],
            height,
            where="post",
            color=color,
            linestyle=dash,
            label=label or None,
        )
    ax.set_xscale("log")
    ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set_xlabel(words.word(x_label))
    ax.set_ylabel(words.sentence(y_label))
    if len(curves) > 1:
        legend_above(ax, handlelength=2.8)
    return ax
