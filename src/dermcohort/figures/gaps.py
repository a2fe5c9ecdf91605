"""Rows without a number: said in the figure, so that nobody takes them for a zero or for forgotten."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..tables import SUPPRESSED

NOBODY = "–"


def gap_marks(table: pd.DataFrame) -> np.ndarray:
    """For each row of tidy estimates what stands in the place of its estimate; "" where it has one or needs none.

    A row of nobody has an en dash. Disclosure control hides a small count with its estimate, and in further rows the
    estimates alone: where one row has lost a count, all without an estimate are suppressed.
    """
    counts = [column for column in ("n", "events") if column in table]
    marks = np.full(len(table), "", dtype=object)
    bounds = [column for column in ("estimate", "conf_low", "conf_high") if column in table]
    is_gap = table[bounds].isna().all(axis=1).to_numpy()
    if not counts or not is_gap.any():
        return marks
    is_nobody = (table[counts[0]] == 0).to_numpy()
    if table.loc[is_gap, counts].isna().any(axis=None):
        marks[is_gap] = SUPPRESSED
    marks[is_gap & is_nobody] = NOBODY
    return marks
