"""Counts and numbers that are fit to leave the study."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from ..study import Study

HIDDEN = -1
Texts = Mapping[str, str]  # language -> text


def shown(n: int, min_cell: int) -> str:
    """A count as text.

    Examples
    --------
    >>> shown(1235, 5), shown(HIDDEN, 5)
    ('1,235', '<5')
    """
    return f"<{min_cell}" if n == HIDDEN else f"{n:,}"


def rounded(n: int, people: int, min_cell: int) -> int:
    """A count fit to be shown."""
    if min_cell <= 1 or n == 0:
        return int(n)
    return HIDDEN if people < min_cell else int(min_cell * np.floor(n / min_cell + 0.5))


def people_of(table: pd.DataFrame, rows: np.ndarray) -> int:
    """How many people stand behind the rows where `rows` is true."""
    return len(table[["cohort", "participant_id"]][rows].drop_duplicates())


def as_numbers(values: pd.Series, kind: str) -> np.ndarray | None:
    """The values of a variable as float64, NaN where missing; of a date the year; None where it has no order."""
    if kind == "date":
        return values.dt.year.to_numpy(float, na_value=np.nan)
    return values.to_numpy(float) if kind in ("number", "integer") else None


def outer_percentiles(
    study: Study, table: pd.DataFrame, numbers: np.ndarray
) -> tuple[int, float, float] | None:
    """The outermost percentiles beyond which at least `min_cell` people lie: which (1: P1 and P99), low and high."""
    known = ~np.isnan(numbers)
    people, min_cell = people_of(table, known), study.manifest["min_cell"]
    tail = next((tail for tail in (1, 5, 10, 25) if people * tail >= 100 * min_cell), None)
    if tail is None or not people:
        return None
    low, high = np.percentile(numbers[known], [tail, 100 - tail])
    return tail, float(low), float(high)


def titles(study: Study, kind: str, name: str) -> Texts:
    """The title of a cohort or a wave in every language."""
    known = study.manifest["cohorts" if kind == "cohort" else "waves"].get(name, {})
    return {language: known.get(language, name) for language in study.manifest["languages"]}
