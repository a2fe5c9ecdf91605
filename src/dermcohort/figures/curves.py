"""Step curves over time with intervals and numbers at risk."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from ..tables import SUPPRESSED

# Okabe & Ito: told apart with any color vision
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")


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
) -> Axes:
    """Draw each curve (columns time, estimate, conf_low, conf_high) from `start` at time 0 (by label, where it differs).

    `n_risk` gives the numbers for the table below the axis, or None for no table. The table has a line for each
    curve, or for each of `at_risk_of` where several curves have the same people at risk.
    """
    lines = curves if at_risk_of is None else at_risk_of
    if ax is None:
        extra = 0.0 if n_risk is None else 0.3 + 0.2 * len(lines)
        _, ax = plt.subplots(figsize=(6.0, 4.0 + extra), layout="constrained")
    last = max(float(curve["time"].max()) for curve in curves.values())
    for (label, curve), color in zip(curves.items(), _colors(len(curves)), strict=True):
        if curve["estimate"].isna().all():  # suppressed
            ax.plot([], [], color=color, linewidth=1.4, label=f"{label} ({SUPPRESSED})")
            continue
        begin = start[label] if isinstance(start, Mapping) else start
        time = np.append(0.0, curve["time"].to_numpy())
        height = np.append(begin, curve["estimate"].to_numpy())
        ax.step(time, height, where="post", color=color, linewidth=1.4, label=label or None)
        if intervals:
            low, high = (np.append(begin, curve[c].fillna(begin)) for c in ("conf_low", "conf_high"))
            ax.fill_between(time, low, high, step="post", color=color, alpha=0.15, linewidth=0)
    ticks = round_times(last)
    ax.set_xticks(ticks)
    ax.set_xlim(0, last)
    tallest = max(curve[["estimate", "conf_high"]].max(axis=None) for curve in curves.values())
    ax.set_ylim(0, 1 if tallest <= 1 else None)  # a cumulative hazard may be above 1
    ax.set_xlabel(x_label)
    ax.set_ylabel(y_label)
    ax.spines[["top", "right"]].set_visible(False)
    if len(curves) > 1:
        ax.legend(frameon=False)
    if n_risk is not None:
        _risk_table(ax, lines, ticks, n_risk, colored=set(lines) == set(curves))
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
    *,
    colored: bool,
) -> None:
    across = ax.get_xaxis_transform()
    ax.text(0, -0.2, "Number at risk", transform=across, fontsize=8, ha="left", va="top")
    colors = _colors(len(curves)) if colored else ["black"] * len(curves)
    for line, ((label, curve), color) in enumerate(zip(curves.items(), colors, strict=True), start=1):
        height = -0.2 - 0.055 * line
        if label:
            ax.text(
                -0.07, height, label, transform=ax.transAxes, color=color, fontsize=8, ha="right", va="top"
            )
        for tick, number in zip(ticks, n_risk(curve, ticks), strict=True):
            text = "–" if np.isnan(number) else f"{number:,.0f}"
            ax.text(tick, height, text, transform=across, fontsize=8, ha="center", va="top")


def _colors(count: int) -> list[str]:
    return [COLORS[i % len(COLORS)] for i in range(count)]
