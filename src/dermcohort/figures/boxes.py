"""The STROBE flow diagram, and dots of standardized differences."""

from __future__ import annotations

import textwrap

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

BOX = {"boxstyle": "square,pad=0.5", "facecolor": "white", "edgecolor": "black", "linewidth": 0.8}
LINE_HEIGHT = 0.15  # of small print, in steps of 1


def flow_boxes(table: pd.DataFrame, ax: Axes | None) -> Axes:
    """Boxes of those kept from top to bottom, those excluded beside the arrow that leads to them.

    A step stands lower, the more lines there are beside its arrow.
    """
    steps = [group for _, group in table.groupby("step", sort=True)]
    beside = [_excluded_text(step[step["kind"] == "excluded"]) for step in steps]
    gaps = [0.0, *(max(1.0, 0.4 + LINE_HEIGHT * (text.count("\n") + 1)) for text in beside[1:])]
    places = -np.cumsum(gaps)
    height = 1.0 - places[-1]
    if ax is None:
        _, ax = plt.subplots(figsize=(7.0, height + 0.2), layout="constrained")
    for place, gap, step, excluded in zip(places, gaps, steps, beside, strict=True):
        kept = step[step["kind"] == "kept"].iloc[0]
        text = textwrap.fill(kept["label"], 30) + f"\n(n = {kept['printed']})"
        ax.text(0.28, place, text, ha="center", va="center", fontsize=9, bbox=BOX)
        if gap:
            arrow = {"arrowstyle": "->", "linewidth": 0.8}
            ax.annotate("", (0.28, place + 0.3), (0.28, place + gap - 0.28), arrowprops=arrow)
        if excluded:
            middle = place + gap / 2
            ax.plot([0.28, 0.6], [middle] * 2, color="black", linewidth=0.8)
            ax.text(0.6, middle, excluded, ha="left", va="center", fontsize=8, bbox=BOX)
    ax.set_xlim(0, 1.05)
    ax.set_ylim(0.5 - height, 0.5)
    ax.set_axis_off()
    return ax


def _excluded_text(excluded: pd.DataFrame) -> str:
    """Those excluded in all and by reason, one a line; empty where there are none."""
    if excluded.empty:
        return ""
    # the sum of reasons that are suppressed in part would tell of them
    total = "" if excluded["n"].isna().any() else f" (n = {excluded['n'].sum():,.0f})"
    lines = [f"Excluded{total}"]
    for row in excluded.itertuples():
        text = f"{row.label} (n = {row.printed})"
        lines.append(textwrap.fill(text, 50, initial_indent="  ", subsequent_indent="    "))
    return "\n".join(lines)


def difference_dots(rows: pd.DataFrame, ax: Axes | None) -> Axes:
    """Dots of the differences of each variable (columns term, measure, estimate), the line at 0.1.

    The largest is on top. "SMD" are filled; where there are "unweighted SMD" they are open and order the rows.
    """
    wide = rows.pivot(index="term", columns="measure", values="estimate")
    first = "unweighted SMD" if "unweighted SMD" in wide else "SMD"
    ordered = wide.sort_values(first, kind="stable")
    places = np.arange(len(ordered))
    if ax is None:
        _, ax = plt.subplots(figsize=(5.0, 0.9 + 0.28 * len(ordered)), layout="constrained")
    if first != "SMD":
        ax.plot(
            ordered[first],
            places,
            "o",
            color="black",
            markerfacecolor="white",
            markersize=5,
            label="unweighted",
        )
    ax.plot(ordered["SMD"], places, "o", color="black", markersize=5, label="weighted")
    if first != "SMD":
        ax.legend(frameon=False, loc="lower right")
    ax.axvline(0.1, color="0.6", linewidth=0.8, linestyle="--", zorder=0)
    ax.set_yticks(places, ordered.index)
    ax.set_xlim(left=0)
    ax.set_xlabel("Absolute standardized mean difference")
    ax.spines[["top", "right"]].set_visible(False)
    return ax
