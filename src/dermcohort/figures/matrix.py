"""The harmonization matrix: what each variable is in each cohort and wave."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.patches import Patch

# told apart in greyscale too: the fuller the information, the darker
STATUSES = {
    "complete": ("Complete", "#0B5A8A"),
    "derived": ("Derived", "#5BA3CF"),
    "partial": ("Partial", "#E6A13A"),
    "undecided": ("Undecided", "#C44E52"),
    "impossible": ("Not collected", "#E9E9E9"),
    ".": ("Other entity", "#FFFFFF"),
}


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
    names = labels or {}
    keys = list(STATUSES)
    codes = matrix.map(keys.index).to_numpy()
    n_rows, n_columns = codes.shape
    if ax is None:
        _, ax = plt.subplots(figsize=(2.6 + 0.52 * n_columns, 1.6 + 0.17 * n_rows), layout="constrained")
    ax.imshow(
        codes, cmap=ListedColormap([color for _, color in STATUSES.values()]), vmin=-0.5,
        vmax=len(keys) - 0.5, aspect="auto", interpolation="nearest",
    )  # fmt: skip
    ax.set_yticks(np.arange(n_rows), [names.get(v, v) for v in matrix.index], fontsize=7)
    cohorts = matrix.columns.get_level_values(0)
    waves = [names.get(f"wave={wave}", wave) for wave in matrix.columns.get_level_values(1)]
    ax.set_xticks(np.arange(n_columns), waves, fontsize=8, rotation=45, ha="left")
    ax.xaxis.tick_top()
    ax.set_xticks(np.arange(-0.5, n_columns), minor=True)
    ax.set_yticks(np.arange(-0.5, n_rows), minor=True)
    ax.grid(which="minor", color="white", linewidth=1.2)
    ax.tick_params(which="both", length=0)
    ax.spines[:].set_visible(False)
    starts = [i for i in range(n_columns) if i == 0 or cohorts[i] != cohorts[i - 1]]
    for start, end in zip(starts, [*starts[1:], n_columns], strict=True):
        name = names.get(f"cohort={cohorts[start]}", cohorts[start])
        ax.annotate(
            name, ((start + end - 1) / 2, 1), xycoords=("data", "axes fraction"), xytext=(0, 52),
            textcoords="offset points", ha="center", fontsize=9, fontweight="bold",
        )  # fmt: skip
        if start:
            ax.axvline(start - 0.5, color="white", linewidth=4)
    used = [keys[code] for code in np.unique(codes) if keys[code] != "."]
    handles = [Patch(facecolor=STATUSES[key][1], edgecolor="0.7", label=STATUSES[key][0]) for key in used]
    ax.legend(
        handles=handles, loc="upper left", bbox_to_anchor=(0, -0.005), frameon=False, ncols=len(used),
        fontsize=8, handlelength=1, columnspacing=1.2,
    )  # fmt: skip
    return ax
