"""Convergence of chains: how means and standard deviations go on over the iterations."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ..wording import suggest
from .curves import COLORS


def chain_figure(trace: pd.DataFrame, variables: Sequence[str] | None = None) -> Figure:
    """One row of panels a variable, mean beside standard deviation, one line a chain."""
    known = list(trace["variable"].unique())
    chosen = known if variables is None else list(variables)
    for name in chosen:
        if name not in known:
            raise ValueError(f"plot: '{name}' was not imputed.{suggest(name, known)}")
    if not chosen:
        raise ValueError("plot: nothing was imputed")
    figure, axes = plt.subplots(
        len(chosen),
        2,
        figsize=(7.0, 0.6 + 1.5 * len(chosen)),
        sharex=True,
        squeeze=False,
        layout="constrained",
    )
    for name, row in zip(chosen, axes, strict=True):
        own = trace[trace["variable"] == name]
        for ax, statistic in zip(row, ("mean", "sd"), strict=True):
            for chain, line in own.groupby("chain"):
                color = COLORS[(int(chain) - 1) % len(COLORS)]
                ax.plot(line["iteration"], line[statistic], color=color, linewidth=0.8, alpha=0.7)
            ax.spines[["top", "right"]].set_visible(False)
            ax.tick_params(labelsize=8)
            ax.yaxis.set_major_locator(MaxNLocator(4))
        row[0].set_ylabel(name, fontsize=9)
    for ax, title in zip(axes[0], ("Mean of imputed values", "Standard deviation"), strict=True):
        ax.set_title(title, fontsize=9)
    for ax in axes[-1]:
        ax.set_xlabel("Iteration", fontsize=9)
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    return figure
