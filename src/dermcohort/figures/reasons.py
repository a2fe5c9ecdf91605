"""Why values are missing: shares of visits by reason, one bar a variable."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from ..language import labels_of
from ..wording import suggest
from .style import LINE, PAGE, QUIET, SMALL, axes_for, journal_style, legend_above, name_rows, wrap

# color and hatch: neighbors differ in grey as well
REASONS = {
    "observed": ("Observed", "#EDEDED", ""),
    "refused": ("Refused", "#0072B2", ""),
    "dont_know": ("Don't know", "#56B4E9", "////"),
    "no_answer": ("No answer", "#F0E442", ""),
    "not_applicable": ("Not applicable", "#BDBDBD", "...."),
    "not_collected": ("Not collected", "#6E6E6E", ""),
    "below_lod": ("Below detection limit", "#E69F00", "\\\\\\\\"),
    "above_loq": ("Above quantification limit", "#D55E00", ""),
    "invalid": ("Invalid", "#CC79A7", "xxxx"),
    "unmapped": ("Not mapped", "#009E73", "----"),
    "withheld": ("Withheld", "#000000", ""),
}


@journal_style()
def reason_bars(
    counts: pd.DataFrame, ax: Axes | None = None, *, labels: Mapping[str, str] | None = None
) -> Axes:
    """One bar a variable: the share of visits with a value, and of each reason for none.

    Parameters
    ----------
    counts : DataFrame
        Index: variables. Columns: ``observed`` and names of reasons. Values: numbers of visits, missing where there
        are none. A variable without visits has an empty bar.
    labels : mapping, optional
        Printed names of variables and ``reason=…``.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        If there is no variable, a column is no reason, or a count is negative.

    Examples
    --------
    >>> counts = pd.DataFrame({"observed": [90, 70], "refused": [10, 30]}, index=["smoking", "income"])
    >>> ax = reason_bars(counts)
    >>> [round(bar.get_width()) for bar in ax.patches]
    [90, 70, 10, 30]
    """
    words = labels_of(labels)
    if counts.empty:
        raise ValueError("counts: there is no variable to draw")
    for column in counts:
        if column not in REASONS:
            raise ValueError(
                f"counts: '{column}' is no reason for a missing value.{suggest(str(column), REASONS)}"
            )
    numbers = counts.fillna(0)
    if (numbers < 0).any(axis=None):
        raise ValueError("counts: a number of visits is negative")
    total = numbers.sum(axis=1)
    shares = 100 * numbers.div(total.where(total > 0), axis=0).fillna(0)
    names = [wrap(words.get(str(variable), str(variable))) for variable in counts.index]
    lines = sum(name.count("\n") + 1 for name in names)
    ax = axes_for(ax, PAGE, 1.1 + 0.06 * shares.shape[1] + 1.35 * LINE * lines)
    places, left = np.arange(len(counts)), np.zeros(len(counts))
    for reason, (name, color, hatch) in REASONS.items():
        if reason not in shares or not shares[reason].any():
            continue
        width = shares[reason].to_numpy(float)
        ax.barh(
            places, width, left=left, height=0.72, color=color, hatch=hatch, edgecolor="white",
            linewidth=0.5, label=words.get(f"reason={reason}") or words.word(name),
        )  # fmt: skip
        left += width
    right = ax.get_yaxis_transform()
    for place, number in enumerate(total):
        ax.text(1.01, place, f"{number:,.0f}", transform=right, ha="left", va="center", fontsize=SMALL)
    ax.text(1.01, 1, "n", transform=ax.transAxes, ha="left", va="bottom", fontsize=SMALL, color=QUIET)
    ax.set_xlim(0, 100)
    ax.set_ylim(len(counts) - 0.5, -0.5)
    name_rows(ax, places, names)
    ax.set_xlabel(words.word("Visits, %"))
    ax.spines["left"].set_visible(False)
    ax.tick_params(axis="y", length=0)
    legend_above(ax, right=True, handlelength=1.6)
    return ax
