"""Weights of the parts of a mixture, and the expected outcome by quantile of all of them."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from .curves import COLORS


def weight_bars(
    weights: pd.DataFrame, ax: Axes | None, labels: Mapping[str, str], *, threshold: float | None = None
) -> Axes:
    """A bar an exposure (columns term, weight and, if there, conf_low, conf_high), the first on top.

    Negative weights point to the left; `threshold` is a dashed line.
    """
    rows = weights.iloc[::-1]
    places = np.arange(len(rows))
    if ax is None:
        _, ax = plt.subplots(figsize=(5.5, 1.0 + 0.28 * len(rows)), layout="constrained")
    negative = rows["weight"] < 0
    ax.barh(places, rows["weight"], height=0.7, color=np.where(negative, COLORS[1], COLORS[0]))
    if "conf_low" in rows:
        ax.hlines(places, rows["conf_low"], rows["conf_high"], color="black", linewidth=1.0)
    if negative.any():
        ax.axvline(0, color="black", linewidth=0.8)
    if threshold is not None:
        ax.axvline(threshold, color="0.4", linewidth=0.8, linestyle="--")
    ax.set_yticks(places, [labels.get(term, term) for term in rows["term"]])
    ax.set_xlabel("Weight (negative to the left)" if negative.any() else "Weight")
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def quantile_curve(curve: pd.DataFrame, ax: Axes | None) -> Axes:
    """Expected outcome with its interval (columns quantile, estimate, conf_low, conf_high)."""
    if ax is None:
        _, ax = plt.subplots(figsize=(5.0, 3.6), layout="constrained")
    below, above = curve["estimate"] - curve["conf_low"], curve["conf_high"] - curve["estimate"]
    ax.errorbar(
        curve["quantile"], curve["estimate"], [below, above], fmt="o-", color=COLORS[0], linewidth=1.2
    )
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set_xlabel("Quantile group of all exposures")
    ax.set_ylabel("Expected outcome")
    ax.spines[["top", "right"]].set_visible(False)
    return ax
