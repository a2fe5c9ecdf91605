"""One quiet look of all figures: fonts, sizes, colors, lines that differ in grey, and where legends stand.

Figures are drawn within `journal_style`; the settings a user has in ``matplotlib.rcParams`` stay as they are.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.legend import Legend
from matplotlib.patheffects import AbstractPathEffect, withStroke

FONT_FILE = Path(__file__).parents[1] / "fonts" / "DermcohortCJK-Regular.otf"
# Latin and Chinese of one design; signs it lacks come from the font that matplotlib brings
FONTS = ["Dermcohort CJK", "DejaVu Sans"]

COLUMN, PAGE = 3.35, 6.7  # inches: 85 and 170 mm, one and two columns of a journal
SMALL, NORMAL = 8, 9  # points
LETTER = 0.5 * SMALL  # points, the width of a Latin letter of small print
SPACING = 1.35  # of lines; Han characters are taller than Latin
LINE = 0.17  # inches between two rows of small print

# Okabe & Ito: told apart with any color vision. Blue, vermilion and green are about as dark, so each color has a
# marker and a dash of its own.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
DASHES: tuple[Any, ...] = (
    "-", (0, (5, 1.5)), (0, (1.2, 1.2)), (0, (6, 1.5, 1.2, 1.5)), (0, (9, 2)), (0, (3, 1, 1, 1, 1, 1)), (0, (2, 3)),
)  # fmt: skip
HAN = "\u2e80-\u9fff\uf900-\ufaff"
STOPS = "，。、；：！？）》”%"  # no line begins with one
FAINT, QUIET = "0.9", "0.45"  # grid lines and fills; small print that is not data

STYLE: dict[str, Any] = {
    "font.family": FONTS,
    "font.size": SMALL,
    "axes.labelsize": NORMAL,
    "axes.titlesize": NORMAL,
    "xtick.labelsize": SMALL,
    "ytick.labelsize": SMALL,
    "legend.fontsize": SMALL,
    "legend.frameon": False,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.facecolor": "white",
    "axes.edgecolor": "black",
    "axes.labelcolor": "black",
    "axes.grid": False,
    "axes.axisbelow": True,
    "axes.unicode_minus": True,
    "figure.facecolor": "white",
    "figure.dpi": 100,
    "lines.linewidth": 1.4,
    "lines.markersize": 4.5,
    "patch.linewidth": 0.6,
    "hatch.linewidth": 0.6,
    "text.color": "black",
    "savefig.facecolor": "white",
    "svg.fonttype": "path",  # letters as shapes: the figure looks alike where the fonts are absent
}
TICKS: dict[str, Any] = {
    "labelfontfamily": FONTS,
    "labelsize": SMALL,
    "width": 0.6,
    "length": 3,
    "color": "black",
}


def look(number: int) -> tuple[str, str, Any]:
    """Color, marker and dash of a group; beyond seven, colors come again with another marker and dash.

    Examples
    --------
    >>> look(0), look(7)
    (('#0072B2', 'o', '-'), ('#0072B2', 's', (0, (5, 1.5))))
    """
    other = number + number // len(COLORS)
    return COLORS[number % len(COLORS)], MARKERS[other % len(MARKERS)], DASHES[other % len(DASHES)]


@cache
def _register_font() -> None:
    font_manager.fontManager.addfont(FONT_FILE)


@contextmanager
def journal_style() -> Iterator[None]:
    """Draw in the style of this package; a decorator, too.

    Examples
    --------
    >>> before = mpl.rcParams["font.size"]
    >>> with journal_style():
    ...     print(mpl.rcParams["font.family"])
    ['Dermcohort CJK', 'DejaVu Sans']
    >>> mpl.rcParams["font.size"] == before
    True
    """
    _register_font()
    interactive = mpl.is_interactive()
    try:
        with mpl.style.context(STYLE, after_reset=True):
            try:
                yield
            finally:
                interactive = mpl.is_interactive()
    finally:
        # the backend of a notebook starts with the first figure and turns this on: without it no later one is shown
        mpl.interactive(interactive)


def axes_for(ax: Axes | None, width: float, height: float) -> Axes:
    """`ax`, or the axes of a new figure of this size in inches, in the style."""
    if ax is None:
        _, ax = plt.subplots(figsize=(width, height), layout="constrained")
    dress(ax)
    return ax


def dress(ax: Axes) -> None:
    """What axes have from when they were made, maybe by the user, and ticks, which are made after `journal_style`."""
    ax.spines[["top", "right"]].set_visible(False)
    ax.spines[:].set_linewidth(0.6)
    for text in (ax.xaxis.label, ax.yaxis.label, ax.title):
        text.set(fontfamily=FONTS, fontsize=NORMAL)
    ax.tick_params(which="both", **TICKS)


def legend_above(ax: Axes, *, right: bool = False, **options: Any) -> Legend | None:
    """A legend above the axes, where it covers no data, in as many columns as fit.

    Flush left with the axes and not wider; if `right`, flush right, and as wide as the figure.
    """
    handles, texts = ax.get_legend_handles_labels()
    handles, texts = options.pop("handles", handles), options.pop("texts", texts)
    if not texts:
        return None
    figure = ax.figure.figure
    room = 65 * figure.get_figwidth() if right else ax.get_window_extent().width * 72 / figure.dpi
    key = 4 * SMALL  # points for line or marker and the space around
    texts = [wrap(text, int((room - key) / LETTER)) for text in texts]
    columns = max(1, min(len(texts), int(room / (max(map(text_width, texts)) * LETTER + key))))
    rows = math.ceil(len(texts) / columns)
    corner = (
        {"loc": "lower right", "bbox_to_anchor": (1, 1)}
        if right
        else {"loc": "lower left", "bbox_to_anchor": (0, 1)}
    )
    options = {"borderaxespad": 0.3, "borderpad": 0, "columnspacing": 1.2, **corner, **options}
    return ax.legend(handles, texts, ncols=math.ceil(len(texts) / rows), **options)


def name_rows(ax: Axes, places: Sequence[float] | np.ndarray, names: Sequence[str]) -> None:
    """Names of rows left of the axes, with room between the lines of those that were wrapped."""
    ax.set_yticks(places, names, linespacing=SPACING)


def bold(color: str = "black") -> list[AbstractPathEffect]:
    """Path effects that thicken text: the font has one weight."""
    return [withStroke(linewidth=0.6, foreground=color)]


def text_width(text: str) -> int:
    """Width in halves of a Han character, of the widest line."""
    return max(
        sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in line)
        for line in text.split("\n")
    )


def wrap(text: str, width: int = 35) -> str:
    """Lines of at most `width` Latin letters or half as many Han characters, about as long as each other.

    Chinese breaks anywhere but before a stop.

    Examples
    --------
    >>> print(wrap("Ever told by a doctor that you have psoriasis", 24))
    Ever told by a doctor
    that you have psoriasis
    >>> print(wrap("是否曾被医生诊断为银屑病（牛皮癣）", 20))
    是否曾被医生诊断为
    银屑病（牛皮癣）
    """
    pieces = re.findall(rf"\s+|[（《“]?(?:[{HAN}]|[^\s{HAN}]+)[{STOPS}]*", text)
    widest = _lines(pieces, width)
    narrowest = max(text_width(text) // len(widest), 1) if widest else width
    even = (_lines(pieces, narrower) for narrower in range(narrowest, width))
    return "\n".join(next((lines for lines in even if len(lines) == len(widest)), widest))


def _lines(pieces: Sequence[str], width: int) -> list[str]:
    lines, line = [], ""
    for piece in pieces:
        if line and text_width((line + piece).rstrip()) > width:
            lines.append(line.rstrip())
            line = piece.lstrip()
        else:
            line += piece
    return [*lines, line.rstrip()] if line.strip() else lines


def luminance(color: Any) -> float:
    """Relative luminance of a color as WCAG defines it: 0 black, 1 white.

    Examples
    --------
    >>> luminance("white"), luminance("black")
    (1.0, 0.0)
    """
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in mpl.colors.to_rgb(color)
    )
    return round(0.2126 * red + 0.7152 * green + 0.0722 * blue, 12)


def text_color(background: Any) -> str:
    """Black or white, whichever has more contrast on the color."""
    return "black" if luminance(background) > 0.179 else "white"
