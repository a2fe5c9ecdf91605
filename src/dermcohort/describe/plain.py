"""Plain tables for the report: counts and texts that nothing is estimated from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ..estimates import Estimates
from ..tables import format_number, level_label


def listing(table: pd.DataFrame, method: str, *, notes: Sequence[str] = ()) -> Listing:
    """A table for the report that is not a table of estimates.

    Parameters
    ----------
    table : DataFrame
        Columns in reading order; numbers, texts or categories.
    method : str
        One sentence that says what the rows are.
    notes : list of str
        What a reader must know.

    Examples
    --------
    >>> listing(pd.DataFrame({"file": ["a.sav"], "rows": [1200]}), "Rows of the files.").to_display()
        file   rows
    0  a.sav  1,200
    """
    return Listing(table=table.reset_index(drop=True), method=method, n=len(table), notes=tuple(notes))


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Listing(Estimates):
    """A plain table of counts and texts, such as the rows of each file; nothing is estimated."""

    def to_display(self, labels: Mapping[str, str] | None = None) -> pd.DataFrame:
        """The table as text: thousands separated, column names and levels as labelled."""
        names = self._labels(labels)
        shown = {
            names.word(str(column)): [
                names.word(self.marks.get((i, column), "")) or _cell(column, value, names)
                for i, value in enumerate(self.table[column])
            ]
            for column in self.table
        }
        return pd.DataFrame(shown)

    def _table_notes(self) -> list[str]:
        # the rows of the table are the counts
        return [self.method, *self.notes]


def _cell(column: str, value: Any, labels: Mapping[str, str]) -> str:
    if value is None or pd.isna(value):
        return ""
    if isinstance(value, bool | str):
        return level_label(column, value, labels)
    if isinstance(value, int | np.integer) or float(value).is_integer():
        return format_number(value, 0)
    return format_number(value, 1)
