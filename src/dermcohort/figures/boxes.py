"""The STROBE flow diagram, and dots of standardized differences."""

from __future__ import annotations

import textwrap

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

BOX = {"boxstyle": "square,pad=0.5", "facecolor": "white", "edgecolor": "black", "linewidth": 0.8}


def flow_boxes(table: pd.DataFrame, ax: Axes | None) -> Axes:
    """Boxes of those kept from top to bottom, those excluded beside the arrow that leads to them."""
    steps = [group for _, group in table.groupby("step", sort=True)]
    if ax is None:
        _, ax = plt.subplots(figsize=(7.0, 1.0 * len(steps) + 0.2), layout="constrained")
    for number, step in enumerate(steps):
        kept = step[step["kind"] == "kept"].iloc[0]
        text = textwrap.fill(kept["label"], 30) + f"\n(n = {kept['n']:,})"
        ax.text(0.28, -number, text, ha="center", va="center", fontsize=9, bbox=BOX)
        if number:
            ax.annotate(
                "",
                (0.28, -number + 0.3),
                (0.28, -number + 0.72),
                arrowprops={"arrowstyle": "->", "linewidth": 0.8},
            )
        excluded = step[step["kind"] == "excluded"]
        if len(excluded):
            lines = [f"Excluded (n = {excluded['n'].sum():,})"]
            lines += [f"  {row.label} (n = {row.n:,})" for row in excluded.itertuples()]
            ax.plot([0.28, 0.6], [-number + 0.5] * 2, color="black", linewidth=0.8)
            ax.text(0.6, -number + 0.5, "\n".join(lines), ha="left", va="center", fontsize=8, bbox=BOX)
    ax.set_xlim(0, 1.05)
    ax.set_ylim(-len(steps) + 0.5, 0.5)
    ax.set_axis_off()
    return ax


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
