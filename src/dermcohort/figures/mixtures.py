"""Weights of the parts of a mixture, and the expected outcome by quantile of all of them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from ..language import labels_of
from .style import COLORS, LINE, PAGE, axes_for, journal_style, name_rows, wrap


@journal_style()
def weight_bars(
    weights: pd.DataFrame, ax: Axes | None, labels: Mapping[str, str], *, threshold: float | None = None
) -> Axes:
    """A bar an exposure (columns term, weight and, if there, conf_low, conf_high), the first on top.

    Negative weights point to the left; `threshold` is a dashed line.
    """
    rows = weights.iloc[::-1]
    places = np.arange(len(rows))
    words = labels_of(labels)
    names = [wrap(words.word(term)) for term in rows["term"]]
    lines = sum(0.6 + name.count("\n") + 1 for name in names)
    ax = axes_for(ax, 0.8 * PAGE, 0.7 + LINE * lines)
    negative = rows["weight"] < 0
    ax.barh(places, rows["weight"], height=0.7, color=np.where(negative, COLORS[4], COLORS[0]))
    if "conf_low" in rows:
        ax.hlines(places, rows["conf_low"], rows["conf_high"], color="black", linewidth=1.0)
    if negative.any():
        ax.axvline(0, color="black", linewidth=0.8)
    if threshold is not None:
        ax.axvline(threshold, color="0.4", linewidth=0.8, linestyle="--")
    name_rows(ax, places, names)
    ax.set_xlabel(words.word("Weight (negative to the left)" if negative.any() else "Weight"))
    return ax


@journal_style()
def quantile_curve(curve: pd.DataFrame, ax: Axes | None, labels: Mapping[str, str] | None = None) -> Axes:
    """Expected outcome with its interval (columns quantile, estimate, conf_low, conf_high)."""
    words = labels_of(labels)
    ax = axes_for(ax, 0.7 * PAGE, 3.2)
    below, above = curve["estimate"] - curve["conf_low"], curve["conf_high"] - curve["estimate"]
    ax.errorbar(
        curve["quantile"], curve["estimate"], [below, above], fmt="o-", color=COLORS[0], linewidth=1.2
    )
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set_xlabel(words.word("Quantile group of all exposures"))
    ax.set_ylabel(words.word("Expected outcome"))
    return ax
