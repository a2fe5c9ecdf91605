"""Pairs of conditions: a triangle of squares, warm where they meet in one person more often than by chance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.patches import Rectangle

from ..language import labels_of
from ..tables import SUPPRESSED
from .style import QUIET, SMALL, axes_for, bold, dress, journal_style, name_rows, wrap

MOST = 8.0  # ratios beyond it, or below its inverse, have the darkest color


@journal_style()
def pair_matrix(
    table: pd.DataFrame,
    conditions: Sequence[str],
    ax: Axes | None = None,
    *,
    heading: str,
    labels: Mapping[str, str] | None = None,
) -> Axes:
    """One square a pair, colored by its ratio on a log scale around 1 and printed in it.

    Parameters
    ----------
    table : DataFrame
        One row a pair: columns `first`, `second`, `estimate` (a ratio), `is_sure` (bool: printed bold) and
        `is_vague` (bool: a gray square, since so few people would catch the eye for nothing).
    conditions : list of str
        In the order of rows and columns.
    heading : str
        Of the color bar.

    Returns
    -------
    Axes
    """
    names = labels_of(labels)
    place = {name: i for i, name in enumerate(conditions)}
    ratio = np.full((len(conditions), len(conditions)), np.nan)
    first, second = (table[c].map(place).to_numpy(int) for c in ("first", "second"))
    row, column = np.maximum(first, second), np.minimum(first, second)
    ratio[row, column] = table["estimate"].where(~table["is_vague"]).to_numpy(float)
    shown = ratio[1:, :-1]  # the first condition has no pair above it, the last none beside it
    ax = axes_for(ax, 2.4 + 0.36 * len(conditions), 1.4 + 0.36 * len(conditions))
    ax.set_facecolor("white")
    image = ax.imshow(np.clip(shown, 1 / MOST, MOST), cmap="RdBu_r", norm=LogNorm(1 / MOST, MOST))
    for r, c, pair in zip(row - 1, column, table.to_dict("records"), strict=True):
        value = pair["estimate"]
        if np.isnan(value):
            ax.text(c, r, "*", ha="center", va="center", color=QUIET)
            continue
        if pair["is_vague"]:
            ax.add_patch(Rectangle((c - 0.5, r - 0.5), 1, 1, facecolor="0.94"))
        dark = not pair["is_vague"] and not 1 / 3 <= value <= 3
        ink = "white" if dark else "black"
        ax.text(
            c, r, f"{value:.1f}", ha="center", va="center", color=ink,            path_effects=bold(ink) if pair["is_sure"] else None,
        )  # fmt: skip
    name_rows(ax, np.arange(len(conditions) - 1), [wrap(names.word(c), 24) for c in conditions[1:]])
    ax.set_xticks(
        np.arange(len(conditions) - 1), [wrap(names.word(c), 24) for c in conditions[:-1]],
        rotation=45, ha="right", rotation_mode="anchor",
    )  # fmt: skip
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    bar = ax.figure.colorbar(image, ax=ax, shrink=0.7, pad=0.02, ticks=[1 / 8, 1 / 4, 1 / 2, 1, 2, 4, 8])
    bar.ax.set_yticklabels(["≤ 1/8", "1/4", "1/2", "1", "2", "4", "≥ 8"])
    bar.ax.minorticks_off()
    dress(bar.ax)
    bar.outline.set_visible(False)
    bar.set_label(names.word(heading))
    if table["estimate"].isna().any():
        ax.text(
            1,
            1,
            f"* {names.word(SUPPRESSED)}",
            transform=ax.transAxes,
            ha="right",
            va="top",
            fontsize=SMALL,
            color=QUIET,
        )
    return ax
