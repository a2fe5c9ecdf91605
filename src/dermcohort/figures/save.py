"""Save a figure for the report: vector graphics, the same bytes for the same figure."""

from __future__ import annotations

import io
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
from matplotlib.axes import Axes

from ..storage import write_text


def save_figure(ax: Axes, path: str | Path) -> Path:
    """Write the figure of `ax` as SVG, whole or not at all, and close it.

    Parameters
    ----------
    path : path
        With or without ``.svg``.

    Returns
    -------
    Path
    """
    target = Path(path).with_suffix(".svg")
    figure = ax.figure.figure
    buffer = io.StringIO()
    # letters as shapes: the figure looks alike where the fonts are absent
    with mpl.rc_context({"svg.fonttype": "path", "svg.hashsalt": target.stem}):
        figure.savefig(buffer, format="svg", bbox_inches="tight", metadata={"Date": None})
    plt.close(figure)
    return write_text(target, buffer.getvalue())
