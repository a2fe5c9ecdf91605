"""Lexis diagram: the follow-up of people as lines over calendar time and age, events as dots."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ..design import binary_outcome, require_columns
from .time_scales import first_of_january, read_breaks, read_follow_up, time_columns

if TYPE_CHECKING:
    from matplotlib.axes import Axes

AXES = ("period", "age")


def lexis_diagram(
    data: pd.DataFrame,
    *,
    entry: str,
    exit: str,
    event: str,
    birth: str | None = None,
    age_at_entry: str | None = None,
    breaks: Mapping[str, Sequence[float] | np.ndarray] | None = None,
    show: int = 200,
    ax: Axes | None = None,
    labels: Mapping[str, str] | None = None,
) -> Axes:
    """Draw follow-up as lines over calendar time and age, each event as a dot at the end of its line.

    Parameters
    ----------
    data : DataFrame
        One row a person, or a spell of follow-up. Rows with a missing value are left out.
    entry, exit, event, birth, age_at_entry
        As in `lexis`; one of `birth` and `age_at_entry` is needed.
    breaks : mapping, optional
        From "age" and "period" to where the grid lines stand; without it at round numbers.
    show : int
        Of more rows, this many are drawn: every so many-th in the order of entry and age.
    ax : matplotlib Axes, optional
        Drawn into a new figure where not given.
    labels : mapping, optional
        Printed name of `event`.

    Returns
    -------
    Axes
        Its title says how many of how many rows are drawn, where not all are.

    Raises
    ------
    ValueError
        For times that do not fit, no ages, no complete row, or an unknown axis in `breaks`.

    Notes
    -----
    Every line is a person: of a small or sensitive study the diagram is for the analyst, not for print.

    Examples
    --------
    >>> data = pd.DataFrame({"from": [2003.0, 2008.5], "to": [2012.0, 2011.5], "died": [1, 0], "born": [1960.0, 1970.0]})
    >>> ax = lexis_diagram(data, entry="from", exit="to", event="died", birth="born")
    >>> ax.get_ylabel()
    'Age (years)'
    """
    from ..figures import lexis_lines
    from ..figures.style import FONTS
    from ..language import labels_of

    if birth is None and age_at_entry is None:
        raise ValueError("a Lexis diagram needs ages: give birth or age_at_entry")
    if show < 1:
        raise ValueError(f"show={show} must be at least 1")
    for name in breaks or ():
        if name not in AXES:
            raise ValueError(f"breaks: '{name}' is no axis of the diagram; there are age and period")
    used = list(dict.fromkeys([*time_columns(entry, exit, birth, age_at_entry), event]))
    require_columns(data, used, "data")
    known = data.loc[data[used].notna().all(axis=1), used]
    if known.empty:
        raise ValueError(f"no row has all of {', '.join(used)}: there is nothing to draw")
    follow_up = read_follow_up(known, entry, exit, birth, age_at_entry)
    happened = binary_outcome(known[event], event)
    grid = {name: read_breaks(name, points) for name, points in (breaks or {}).items()}
    if "period" in grid and follow_up.dated:
        grid["period"] = first_of_january(grid["period"])

    period, age = follow_up.origins["period"], follow_up.origins["age"]
    order = np.lexsort((age, period))
    if len(order) > show:
        order = order[np.linspace(0, len(order) - 1, show).round().astype(int)]
    ax = lexis_lines(
        period[order], age[order], follow_up.duration[order], happened[order], ax,
        event_label=event, period_lines=grid.get("period"), age_lines=grid.get("age"), labels=labels,
    )  # fmt: skip
    if len(order) < len(known):
        note = labels_of(labels).sentence(f"{len(order):,} of {len(known):,} drawn")
        ax.set_title(note, loc="right", fontsize=8, fontfamily=FONTS)
    return ax
