"""Estimates on disk: a Parquet file that holds all of them, and what their fields are as JSON."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq


def file_pair(path: str | os.PathLike[str]) -> tuple[Path, Path]:
    """The Parquet file of a path, and the JSON beside it."""
    path = Path(path)
    stem = path.with_suffix("") if path.suffix in (".parquet", ".json") else path
    return stem.with_name(stem.name + ".parquet"), stem.with_name(stem.name + ".json")


def write_both(contents: Mapping[Path, bytes]) -> None:
    """Write every file under a temporary name, then move them into place; leave no trace of a failure."""
    temporary = {path: path.with_name(f".{path.name}.tmp") for path in contents}
    new = [path for path in contents if not path.exists()]
    try:
        for path, content in contents.items():
            with temporary[path].open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        for path in contents:
            temporary[path].replace(path)
    except BaseException:
        for path in [*temporary.values(), *new]:
            path.unlink(missing_ok=True)
        raise


def parquet_bytes(table: pa.Table) -> bytes:
    """The table as Parquet."""
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="zstd")
    return buffer.getvalue()


def categories_of(frame: pd.DataFrame) -> dict[str, Any]:
    """Levels of each categorical column: Parquet itself forgets those that are not strings."""
    found = {}
    for column, dtype in frame.dtypes.items():
        if isinstance(dtype, pd.CategoricalDtype):
            levels = dtype.categories
            if not all(isinstance(level, str | bool | int | float | np.generic) for level in levels):
                raise ValueError(
                    f"save: the levels of '{column}' are neither text nor numbers; make them text"
                )
            found[str(column)] = {
                "levels": [level.item() if isinstance(level, np.generic) else level for level in levels],
                "dtype": str(levels.dtype),
                "ordered": bool(dtype.ordered),
            }
    return found


def to_arrow(frame: pd.DataFrame) -> pa.Table:
    """The frame with categories as plain values, which every reader of Parquet understands."""
    plain = frame.copy()
    for column in categories_of(frame):
        # as objects, so that an integer level beside a missing value stays an integer
        levels = frame[column].cat.categories
        values = pd.Series(levels.take(frame[column].cat.codes.clip(lower=0).to_numpy()), frame.index)
        plain[column] = values.astype(object).where(frame[column].notna(), None)
    return pa.Table.from_pandas(plain)


def from_arrow(table: pa.Table, categories: Mapping[str, Any]) -> pd.DataFrame:
    """The frame of `to_arrow`, with its categories."""
    frame = table.to_pandas()
    for column, levels in categories.items():
        index = pd.Index(levels["levels"], dtype=levels["dtype"])
        frame[column] = frame[column].astype(pd.CategoricalDtype(index, levels["ordered"]))
    return frame


def to_json(value: Any, name: str, frames: dict[str, pd.DataFrame]) -> Any:
    """A field as JSON; frames and series go into `frames` and leave their name behind."""
    if isinstance(value, pd.DataFrame):
        frames[name] = value
        return {"kind": "frame", "name": name}
    if isinstance(value, pd.Series):
        frames[name] = value.to_frame("value")
        return {"kind": "series", "frame": name, "name": value.name}
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not np.isfinite(value):
        return {"kind": "float", "value": repr(value)}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, tuple):
        return [to_json(item, f"{name}.{i}", frames) for i, item in enumerate(value)]
    if isinstance(value, Mapping):
        return {
            "kind": "mapping",
            "items": {str(k): to_json(v, f"{name}.{k}", frames) for k, v in value.items()},
        }
    raise TypeError(f"save: the field '{name}' is a {type(value).__name__}, which cannot be saved")


def from_json(value: Any, frames: Mapping[str, pd.DataFrame]) -> Any:
    """A field from what `to_json` made of it."""
    if isinstance(value, list):
        return tuple(from_json(item, frames) for item in value)
    if not isinstance(value, dict):
        return value
    if value["kind"] == "frame":
        return frames[value["name"]]
    if value["kind"] == "series":
        return frames[value["frame"]]["value"].rename(value["name"])
    if value["kind"] == "float":
        return float(value["value"])
    return {key: from_json(item, frames) for key, item in value["items"].items()}
