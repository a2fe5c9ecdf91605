"""Convergence of chains: how means and standard deviations go on over the iterations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ..language import labels_of
from ..wording import suggest
from .style import PAGE, dress, journal_style, look, wrap


@journal_style()
def chain_figure(
    trace: pd.DataFrame, variables: Sequence[str] | None = None, labels: Mapping[str, str] | None = None
) -> Figure:
    """One row of panels a variable, mean beside standard deviation, one line a chain."""
    words = labels_of(labels)
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
        figsize=(PAGE, 0.6 + 1.4 * len(chosen)),
        sharex=True,
        squeeze=False,
        layout="constrained",
    )
    for name, row in zip(chosen, axes, strict=True):
        own = trace[trace["variable"] == name]
        for ax, statistic in zip(row, ("mean", "sd"), strict=True):
            for chain, line in own.groupby("chain"):
                color, _, dash = look(int(chain) - 1)
                ax.plot(line["iteration"], line[statistic], color=color, linestyle=dash, linewidth=0.9)
            dress(ax)
            ax.yaxis.set_major_locator(MaxNLocator(4))
        row[0].set_ylabel(wrap(words.word(name), 24))
    for ax, title in zip(axes[0], ("Mean of imputed values", "Standard deviation"), strict=True):
        ax.set_title(words.word(title))
    for ax in axes[-1]:
        ax.set_xlabel(words.word("Iteration"))
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    return figure
