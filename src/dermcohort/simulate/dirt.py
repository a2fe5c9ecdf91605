"""Errors as real files have them, planted in a declared share of rows and counted by kind."""

from __future__ import annotations

import numpy as np
import pandas as pd

from .layouts import VARIABLES, Layout
from .raw import RawFile, _dates, format_ids

KINDS = (
    "unmapped code", "impossible value", "impossible date", "same person twice", "two persons with one number",
    "follow-up of an unknown person", "answered although skipped", "id malformed",
)  # fmt: skip


def soil(
    file: RawFile, truth: pd.DataFrame, dirty: float, rng: np.random.Generator
) -> tuple[RawFile, dict[str, int]]:
    """Plant errors in a share `dirty` of the rows; every row carries at most one kind."""
    layout, data = file.layout, file.data.copy()
    n_dirty = round(dirty * len(data))
    kinds = [kind for kind in KINDS if kind != "follow-up of an unknown person" or layout.wave != "baseline"]
    chosen = rng.choice(len(data), n_dirty, replace=False)
    parts = dict(zip(kinds, np.array_split(chosen, len(kinds)), strict=True))
    counts = {}
    extra = []
    for kind, rows in parts.items():
        if len(rows) == 0:
            continue
        if kind == "unmapped code":
            _put(data, layout.column("alcohol"), rows, 5.0 if layout.style.answers == "codes" else "???")
        elif kind == "impossible value":
            _put(data, layout.column("height"), rows, 999.0)
        elif kind == "impossible date":
            _put(
                data,
                layout.column("visit_date"),
                rows,
                _dates(np.array(["1931-02-03"], "M8[D]"), layout.style.dates)[0],
            )
        elif kind == "answered although skipped":
            never = rows[(truth["smoking_status"].to_numpy()[rows] == "never")]
            rows = never
            _put(data, layout.column("smoking_years"), rows, 10.0)
        elif kind == "id malformed":
            bad = -5.0 if data[layout.id_column].dtype != object else "?"
            _put(data, layout.id_column, rows, bad)
        elif kind == "same person twice":
            copy = data.iloc[rows].copy()
            copy[layout.column("itch_nrs")] = data[layout.column("itch_nrs")].iloc[rows].to_numpy()[::-1]
            extra.append(copy)
        elif kind == "two persons with one number":
            extra.append(_another_person(layout, data, rows, rng))
        else:
            strangers = data.iloc[rows].copy()
            strangers[layout.id_column] = format_ids(layout, 900_000 + np.arange(len(rows)))
            extra.append(strangers)
        counts[kind] = len(rows)
    whole = pd.concat([data, *extra], ignore_index=True) if extra else data
    return RawFile(layout, whole, file.tagged), counts


def _put(data: pd.DataFrame, column: str, rows: np.ndarray, value: object) -> None:
    values = data[column].to_numpy(copy=True)
    if values.dtype == object and isinstance(value, float) and isinstance(values[0], str):
        value = f"{value:g}" if not np.isnan(value) else ""
    values[rows] = value
    data[column] = values


def _another_person(
    layout: Layout, data: pd.DataFrame, rows: np.ndarray, rng: np.random.Generator
) -> pd.DataFrame:
    """Rows of other people under these numbers: the other sex, another birth date, other answers."""
    other = data.iloc[rng.permutation(len(data))[: len(rows)]].copy()
    other[layout.id_column] = data[layout.id_column].to_numpy()[rows]
    sex = layout.column("sex")
    mine = data[sex].to_numpy()[rows]
    levels = list(VARIABLES["sex"][2] or ())
    words = {"chinese": ["女", "男"], "english": levels}.get(layout.style.answers)
    first, second = words or (float(layout.style.first_code), float(layout.style.first_code + 1))
    other[sex] = np.where(mine == first, second, first)
    return other
