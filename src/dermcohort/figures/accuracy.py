"""ROC curves, and differences of two measurements against their mean."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from ..language import labels_of
from .style import COLORS, PAGE, axes_for, journal_style, legend_above, look


@journal_style()
def roc_figure(
    curves: Mapping[str, tuple[pd.DataFrame, pd.DataFrame]],
    ax: Axes | None,
    labels: Mapping[str, str] | None = None,
) -> Axes:
    """Draw each curve (columns sensitivity, specificity, by threshold) and a dot at its best points."""
    words = labels_of(labels)
    ax = axes_for(ax, 0.6 * PAGE, 0.65 * PAGE)
    ax.plot([0, 100], [0, 100], color="0.6", linewidth=0.8, linestyle="--", zorder=0)
    for number, (label, (curve, best)) in enumerate(curves.items()):
        color, marker, dash = look(number)
        ax.plot(
            100 * (1 - curve["specificity"]),
            100 * curve["sensitivity"],
            color=color,
            linestyle=dash,
            label=label,
            clip_on=False,
        )
        ax.plot(
            100 * (1 - best["specificity"]),
            100 * best["sensitivity"],
            marker,
            color=color,
            markersize=5.5,
            clip_on=False,
        )
    ax.set_xlim(0, 100)
    ax.set_ylim(0, 100)
    ax.set_aspect("equal")
    ax.set_xlabel(words.word("1 − specificity, %"))
    ax.set_ylabel(words.word("Sensitivity, %"))
    legend_above(ax, handlelength=2.8)
    return ax


@journal_style()
def bland_altman_figure(
    points: pd.DataFrame,
    table: pd.DataFrame,
    ax: Axes | None,
    *,
    a: str,
    b: str,
    labels: Mapping[str, str] | None = None,
) -> Axes:
    """Difference against mean; lines at the bias and the limits, bands for their intervals."""
    words = labels_of(labels)
    ax = axes_for(ax, 0.85 * PAGE, 3.8)
    many = len(points) > 300
    ax.plot(
        points["mean"],
        points["difference"],
        "o",
        color="black",
        markersize=2.5 if many else 4,
        markeredgewidth=0,
        alpha=0.3 if many else 0.6,
    )
    ax.axhline(0, color="0.6", linewidth=0.8, zorder=0)
    rows = table[np.isfinite(table["estimate"].to_numpy(float))]
    for row in rows.to_dict("records"):
        is_bias = row["measure"] == "bias"
        color = COLORS[0] if is_bias else COLORS[1]
        if np.isfinite(row["conf_low"]) and np.isfinite(row["conf_high"]):
            ax.axhspan(row["conf_low"], row["conf_high"], color=color, alpha=0.15, linewidth=0, zorder=0)
        ax.axhline(row["estimate"], color=color, linewidth=1.2, linestyle="-" if is_bias else "--")
        name = {"bias": "Bias", "lower limit": "Lower limit", "upper limit": "Upper limit"}[row["measure"]]
        ax.annotate(
            f"{words.word(name)}\n{row['estimate']:.3g}".replace("-", "−"),
            (1.015, row["estimate"]),
            xycoords=("axes fraction", "data"),
            color=color,
            va="center",
            annotation_clip=False,
        )
    ax.set_xlabel(words.sentence(f"Mean of {a} and {b}"))
    ax.set_ylabel(f"{a} − {b}")
    ax.margins(x=0.04, y=0.08)
    return ax
