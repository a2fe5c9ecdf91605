"""When each wave of each cohort was examined."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

from ..language import labels_of
from ..tables import SUPPRESSED
from .style import FAINT, PAGE, QUIET, SMALL, axes_for, journal_style, look, name_rows, wrap

COLUMNS = ("cohort", "wave", "start", "end", "n")


@journal_style()
def timeline(waves: pd.DataFrame, ax: Axes | None = None, *, labels: Mapping[str, str] | None = None) -> Axes:
    """One lane a cohort, one bar a wave from its first to its last day, its name above and its people below.

    Parameters
    ----------
    waves : DataFrame
        Columns `cohort`, `wave`, `start`, `end` (dates) and `n` (people, missing where suppressed). Lanes stand in
        the order of the rows. A wave without dates is left out.
    labels : mapping, optional
        Printed names of ``cohort=…`` and ``wave=…``.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        If a column is missing, or no wave has dates.

    Examples
    --------
    >>> waves = pd.DataFrame({"cohort": ["northbay"], "wave": ["baseline"], "start": ["2001-03-01"],
    ...                       "end": ["2003-06-30"], "n": [5120]})
    >>> [text.get_text() for text in timeline(waves).texts]
    ['baseline', 'n = 5,120']
    """
    words = labels_of(labels)
    absent = [column for column in COLUMNS if column not in waves]
    if absent:
        raise ValueError(f"waves: there is no column '{absent[0]}'; there are: {', '.join(waves.columns)}")
    dated = waves.assign(start=pd.to_datetime(waves["start"]), end=pd.to_datetime(waves["end"]))
    dated = dated.dropna(subset=["start", "end"])
    if dated.empty:
        raise ValueError("waves: no wave has a start and an end")
    cohorts = list(dict.fromkeys(dated["cohort"]))
    ax = axes_for(ax, PAGE, 0.5 + 0.62 * len(cohorts))
    first, last = dated["start"].min(), dated["end"].max()
    shortest = (last - first) * 0.006  # a day is still seen
    for number, cohort in enumerate(cohorts):
        color, _, _ = look(number)
        ax.axhline(number, color=FAINT, linewidth=0.6, zorder=0)
        for row in dated[dated["cohort"] == cohort].to_dict("records"):
            length = max(row["end"] - row["start"], shortest)
            ax.barh(number, length, left=row["start"], height=0.26, color=color)
            middle = row["start"] + length / 2
            name = words.get(f"wave={row['wave']}", str(row["wave"]))
            n = words.word(SUPPRESSED) if pd.isna(row["n"]) else f"{row['n']:,.0f}"
            for text, offset, side in ((wrap(name, 16), 8, "bottom"), (f"n = {n}", -8, "top")):
                ax.annotate(
                    text, (middle, number), xytext=(0, offset), textcoords="offset points", ha="center",
                    va=side, fontsize=SMALL, color="black" if side == "bottom" else QUIET,
                )  # fmt: skip
    name_rows(ax, np.arange(len(cohorts)), [wrap(words.get(f"cohort={c}", str(c)), 22) for c in cohorts])
    ax.set_ylim(len(cohorts) - 0.4, -0.6)
    room = 0.04 * (last - first) + pd.Timedelta(days=30)
    ax.set_xlim(first - room, last + room)
    locator = AutoDateLocator(minticks=3, maxticks=9)
    ax.xaxis.set_major_locator(locator)
    ax.xaxis.set_major_formatter(ConciseDateFormatter(locator, show_offset=False))
    ax.spines["left"].set_visible(False)
    ax.tick_params(axis="y", length=0)
    return ax
