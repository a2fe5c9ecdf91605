"""A dose-response curve: line, band, reference and where the data lie."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from ..language import labels_of
from ..tables import RATIOS, measure_heading
from .forest import ratio_ticks
from .style import COLORS, PAGE, axes_for, journal_style


@journal_style()
def dose_response_figure(
    curve: pd.DataFrame,
    ax: Axes | None,
    *,
    x_label: str,
    measure: str,
    conf_level: float,
    reference: float,
    observed: pd.Series | None,
    labels: Mapping[str, str] | None = None,
) -> Axes:
    """Draw `curve` (the variable first, then estimate, conf_low, conf_high); an open square at the reference,
    ticks at `observed` below.
    """
    words = labels_of(labels)
    ax = axes_for(ax, 0.8 * PAGE, 3.4)
    x = curve.iloc[:, 0].to_numpy(float)
    middle, low, high = (curve[c].to_numpy(float) for c in ("estimate", "conf_low", "conf_high"))
    nothing = 1 if measure in RATIOS else 0
    ax.axhline(nothing, color="0.6", linewidth=0.8, zorder=0)
    ax.fill_between(x, low, high, color=COLORS[0], alpha=0.15, linewidth=0)
    ax.plot(x, middle, color=COLORS[0])
    ax.plot([reference], [nothing], "s", mfc="white", mec="black", clip_on=False, zorder=3)
    ax.set_xlim(x[0], x[-1])
    if measure in RATIOS:
        ax.set_yscale("log")
        bounds = np.concatenate([low, high, middle])
        (bottom, top), ticks = ratio_ticks(bounds[np.isfinite(bounds)])
        ax.set_ylim(bottom, top)
        ax.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
        ax.minorticks_off()
    if observed is not None:
        inside = observed[observed.between(x[0], x[-1])]
        ax.vlines(
            inside, 0, 0.025, transform=ax.get_xaxis_transform(), color="black", linewidth=0.4, alpha=0.5
        )
    ax.set_xlabel(words.word(x_label))
    ax.set_ylabel(measure_heading(measure, conf_level, words))
    return ax
