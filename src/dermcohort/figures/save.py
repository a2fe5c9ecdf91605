"""Save a figure for the report: vector graphics and pixels, the same bytes for the same figure."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
from matplotlib.axes import Axes

from ..storage import write_files
from .style import journal_style

DPI = 300  # of the PNG


def save_figure(ax: Axes, path: str | Path, language: str = "en") -> Path:
    """Write the figure of `ax` as SVG and as PNG (for Word), each whole or not at all, and close it.

    Parameters
    ----------
    path : path
        With or without ``.svg``.
    language : str
        Of the words in the figure: the file of a language other than English is ``<path>.<language>.svg``.

    Returns
    -------
    Path
        The SVG file.
    """
    stem = Path(path).with_suffix("") if Path(path).suffix == ".svg" else Path(path)
    name = stem.name if language == "en" else f"{stem.name}.{language}"
    figure = ax.figure.figure

    def write(file: Path, **options: Any) -> None:
        figure.savefig(file, bbox_inches="tight", **options)

    with journal_style(), mpl.rc_context({"svg.hashsalt": name}):
        _, vector = write_files(
            stem.parent,
            [
                (f"{name}.png", partial(write, format="png", dpi=DPI)),
                (f"{name}.svg", partial(write, format="svg", metadata={"Date": None})),
            ],
        )
    plt.close(figure)
    return vector
