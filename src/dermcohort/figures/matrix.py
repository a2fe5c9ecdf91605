"""The harmonization matrix: what each variable is in each cohort and wave."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.patches import Patch

from ..language import labels_of
from .style import (
    LINE,
    NORMAL,
    SMALL,
    axes_for,
    bold,
    journal_style,
    legend_above,
    name_rows,
    text_width,
    wrap,
)

# told apart in grey too: the fuller the information, the darker; what is undecided has a question mark
STATUSES = {
    "complete": ("Complete", "#0B5A8A"),
    "derived": ("Derived", "#5BA3CF"),
    "partial": ("Partial", "#F2C27B"),
    "undecided": ("Undecided", "#C44E52"),
    "impossible": ("Not collected", "#E9E9E9"),
    ".": ("Other entity", "#FFFFFF"),
}


@journal_style()
def status_matrix(
    matrix: pd.DataFrame, ax: Axes | None = None, *, labels: Mapping[str, str] | None = None
) -> Axes:
    """One square a variable (rows) and wave (columns, by cohort), colored by status.

    Parameters
    ----------
    matrix : DataFrame
        Index: variables; columns: MultiIndex of cohort and wave; values: the keys of `STATUSES`.
    labels : mapping, optional
        Printed names of variables, ``cohort=…`` and ``wave=…``.

    Returns
    -------
    Axes
    """
    names = labels_of(labels)
    keys = list(STATUSES)
    codes = matrix.map(keys.index).to_numpy()
    n_rows, n_columns = codes.shape
    row_names = [wrap(names.word(variable), 60) for variable in matrix.index]
    tall = LINE if all("\n" not in name for name in row_names) else 1.6 * LINE
    ax = axes_for(ax, 2.6 + 0.46 * n_columns, 1.4 + tall * n_rows)
    ax.imshow(
        codes, cmap=ListedColormap([color for _, color in STATUSES.values()]), vmin=-0.5,
        vmax=len(keys) - 0.5, aspect="auto", interpolation="nearest",
    )  # fmt: skip
    name_rows(ax, np.arange(n_rows), row_names)
    cohorts = matrix.columns.get_level_values(0)
    waves = [names.get(f"wave={wave}", wave) for wave in matrix.columns.get_level_values(1)]
    ax.set_xticks(np.arange(n_columns), waves, rotation=45, ha="left")
    ax.xaxis.tick_top()
    ax.set_xticks(np.arange(-0.5, n_columns), minor=True)
    ax.set_yticks(np.arange(-0.5, n_rows), minor=True)
    ax.grid(which="minor", color="white", linewidth=1.2)
    ax.tick_params(which="both", length=0)
    ax.spines[:].set_visible(False)
    for r, c in np.argwhere(codes == keys.index("undecided")):
        ax.text(c, r, "?", ha="center", va="center", color="white", path_effects=bold("white"))
    above = 16 + 0.42 * SMALL * max(text_width(wave) for wave in waves)  # points: the slanted names end there
    starts = [i for i in range(n_columns) if i == 0 or cohorts[i] != cohorts[i - 1]]
    for start, end in zip(starts, [*starts[1:], n_columns], strict=True):
        name = names.get(f"cohort={cohorts[start]}", cohorts[start])
        ax.annotate(
            wrap(name, max(10, 7 * (end - start))), ((start + end - 1) / 2, 1), xycoords=("data", "axes fraction"), xytext=(0, above),
            textcoords="offset points", ha="center", fontsize=NORMAL, path_effects=bold(),
        )  # fmt: skip
        if start:
            ax.axvline(start - 0.5, color="white", linewidth=4)
    used = [keys[code] for code in np.unique(codes) if keys[code] != "."]
    handles = [Patch(facecolor=STATUSES[key][1], edgecolor="0.7") for key in used]
    legend_above(
        ax, right=True, handles=handles, texts=[names.word(STATUSES[key][0]) + (" (?)" if key == "undecided" else "") for key in used], handlelength=1,
        loc="upper right", bbox_to_anchor=(1, -0.005),
    )  # fmt: skip
    return ax
