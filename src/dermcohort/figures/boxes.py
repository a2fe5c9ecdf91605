"""The STROBE flow diagram, and dots of standardized differences."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from ..language import Labels, labels_of
from .style import LINE, NORMAL, PAGE, QUIET, SPACING, axes_for, journal_style, legend_above, name_rows, wrap

BOX = {"boxstyle": "square,pad=0.5", "facecolor": "white", "edgecolor": "black", "linewidth": 0.6}
LEFT, RIGHT = 0.26, 0.56  # middle of the boxes of those kept, left side of those excluded
EDGE = 0.08  # inches from text to box


@journal_style()
def flow_boxes(table: pd.DataFrame, ax: Axes | None, labels: Mapping[str, str] | None = None) -> Axes:
    """Boxes of those kept from top to bottom, those excluded beside the arrow that leads to them.

    A step stands lower, the more lines there are in its box and beside its arrow. A unit of height is an inch.
    """
    words = labels_of(labels)
    steps = [group for _, group in table.groupby("step", sort=True)]
    kept = [step[step["kind"] == "kept"].iloc[0] for step in steps]
    texts = [f"{wrap(row['label'], 32)}\n(n = {row['printed']})" for row in kept]
    beside = [_excluded_text(step[step["kind"] == "excluded"], words) for step in steps]
    half = [LINE * (text.count("\n") + 1) / 2 + EDGE for text in texts]
    between = [max(0.3, 0.3 + LINE * (text.count("\n") + 1)) if text else 0.3 for text in beside[1:]]
    gaps = [0.0, *(half[i] + gap + half[i + 1] for i, gap in enumerate(between))]
    places = -np.cumsum(gaps)
    height = half[0] - places[-1] + half[-1]
    ax = axes_for(ax, PAGE, height + 0.2)
    for i, (place, text, excluded) in enumerate(zip(places, texts, beside, strict=True)):
        ax.text(LEFT, place, text, ha="center", va="center", fontsize=NORMAL, bbox=BOX, linespacing=SPACING)
        if not i:
            continue
        start, end = places[i - 1] - half[i - 1], place + half[i]
        ax.annotate(
            "",
            (LEFT, end),
            (LEFT, start),
            arrowprops={"arrowstyle": "->", "linewidth": 0.8, "shrinkA": 0, "shrinkB": 0},
        )
        if excluded:
            middle = (start + end) / 2
            ax.plot([LEFT, RIGHT], [middle] * 2, color="black", linewidth=0.8)
            ax.text(RIGHT, middle, excluded, ha="left", va="center", bbox=BOX, linespacing=SPACING)
    ax.set_xlim(0, 1.05)
    ax.set_ylim(places[-1] - half[-1] - 0.1, half[0] + 0.1)
    ax.set_axis_off()
    return ax


def _excluded_text(excluded: pd.DataFrame, words: Labels) -> str:
    """Those excluded in all and by reason, one a line; empty where there are none."""
    if excluded.empty:
        return ""
    # the sum of reasons that are suppressed in part would tell of them
    total = "" if excluded["n"].isna().any() else f" (n = {excluded['n'].sum():,.0f})"
    lines = [f"{words.word('Excluded')}{total}"]
    for row in excluded.itertuples():
        lines.append("  " + wrap(f"{row.label} (n = {row.printed})", 48).replace("\n", "\n    "))
    return "\n".join(lines)


@journal_style()
def difference_dots(rows: pd.DataFrame, ax: Axes | None, labels: Mapping[str, str] | None = None) -> Axes:
    """Dots of the differences of each variable (columns term, measure, estimate), the line at 0.1.

    The largest is on top. "SMD" are filled; where there are "unweighted SMD" they are open and order the rows.
    """
    words = labels_of(labels)
    wide = rows.pivot(index="term", columns="measure", values="estimate")
    first = "unweighted SMD" if "unweighted SMD" in wide else "SMD"
    ordered = wide.sort_values(first, kind="stable", na_position="first")
    places = np.arange(len(ordered))
    names = [wrap(name) for name in ordered.index]
    lines = sum(1.5 + name.count("\n") for name in names)
    ax = axes_for(ax, 0.8 * PAGE, 0.8 + LINE * lines)
    if first != "SMD":
        ax.plot(
            ordered[first],
            places,
            "o",
            color="black",
            markerfacecolor="white",
            label=words.word("unweighted"),
        )
    ax.plot(ordered["SMD"], places, "o", color="black", label=words.word("weighted"))
    for place in places[ordered["SMD"].isna()]:
        ax.text(0.01, place, "–", transform=ax.get_yaxis_transform(), va="center", color=QUIET)
    if first != "SMD":
        legend_above(ax, right=True, handletextpad=0.2)
    ax.axvline(0.1, color="0.6", linewidth=0.8, linestyle="--", zorder=0)
    name_rows(ax, places, names)
    ax.set_ylim(-0.7, len(places) - 0.3)
    ax.set_xlim(left=0)
    ax.set_xlabel(words.word("Absolute standardized mean difference"))
    return ax
