"""The lock of a wave: what its file looked like when the mapping was written, in cohorts/<cohort>/<wave>.lock.json.

It holds names, kinds, labels and declared missing codes of every column, the codes seen in the columns that a rule
maps, and the size of the file as a band. It goes into version control, so it holds no value that fewer than `min_cell`
people have (it could be a name), and counts of codes are rounded down to multiples of `min_cell`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ..headers import Header, HeaderColumn
from ..readers import RawColumn, read_raw
from ..storage import write_text
from .codes import code_text
from .model import Dictionary, Wave

FORMAT = 1


def lock_path(dictionary: Dictionary, wave: Wave) -> Path:
    return dictionary.root / "cohorts" / wave.cohort / f"{wave.name}.lock.json"


def write_lock(dictionary: Dictionary, wave: Wave, header: Header, raw: Path) -> Path:
    """Write what the file of a wave looks like now."""
    codes = seen_codes(dictionary, wave, raw)
    columns = {}
    for column in header.columns:
        columns[column.name] = describe_column(column)
        if column.name in codes:
            columns[column.name]["codes"] = codes[column.name]
    lock = {
        "format": FORMAT,
        "wave": f"{wave.cohort}/{wave.name}",
        "file": wave.file,
        "sha256": file_digest(header.path),
        "rows": row_band(header.n_rows),
        "columns": columns,
    }
    text = json.dumps(lock, ensure_ascii=False, indent=1)
    return write_text(lock_path(dictionary, wave), text + "\n")


def describe_column(column: HeaderColumn) -> dict[str, Any]:
    """A column of a header as JSON, without what it does not have."""
    described = {
        "kind": column.kind,
        "label": column.label,
        "date_format": column.date_format,
        "labels": {code_text(code): text for code, text in column.value_labels.items()},
        "missing": [[code_text(low), code_text(high)] for low, high in column.missing_ranges],
    }
    return {key: value for key, value in described.items() if value}


def seen_codes(dictionary: Dictionary, wave: Wave, raw: Path) -> dict[str, dict[str, int]]:
    """Code -> people, of every column that a rule maps; codes of fewer than `min_cell` people are left out."""
    mapped = [name for rule in wave.rules.values() if rule.verb == "map" for name in rule.sources]
    names = [name for name in dict.fromkeys(mapped) if name != wave.id.column]
    if not names:
        return {}
    table = read_raw(
        raw / wave.file,
        [wave.id.column, *names],
        encoding=wave.encoding,
        delimiter=wave.delimiter,
        sheet=wave.sheet,
        header_row=wave.header_row,
        catalog=raw / wave.catalog if wave.catalog else None,
    )
    ids = table.columns[wave.id.column].values
    return {name: _count_people(ids, table.columns[name], dictionary.min_cell) for name in names}


def _count_people(ids: np.ndarray, column: RawColumn, min_cell: int) -> dict[str, int]:
    keys, distinct = _distinct(column)
    answered = keys >= 0
    pairs = pd.DataFrame({"person": ids[answered], "code": keys[answered]}).drop_duplicates()
    people = pairs.dropna()["code"].value_counts(sort=False)
    held: dict[str, int] = {}
    for key, n in people.items():
        text = code_text(distinct[int(key)])
        held[text] = held.get(text, 0) + int(n)  # '1' and '1 ' are one code
    order = sorted((text for text, n in held.items() if text and n >= min_cell), key=_code_order)
    return {text: held[text] // min_cell * min_cell for text in order}


def _distinct(column: RawColumn) -> tuple[np.ndarray, list[Any]]:
    if column.levels is not None:
        return column.values, list(column.levels)
    keys, distinct = pd.factorize(column.values, use_na_sentinel=True)
    distinct = [value.item() if column.kind == "number" else str(value)[:10] for value in distinct]
    if column.tags is None:
        return keys, distinct
    for letter in np.unique(column.tags[column.tags > 0]):
        keys = np.where(column.tags == letter, len(distinct), keys)
        distinct.append(f".{chr(letter)}")
    return keys, distinct


def _code_order(text: str) -> tuple[int, float, str]:
    try:
        return (0, float(text), text)
    except ValueError:
        return (1, 0.0, text)


def row_band(n_rows: int | None) -> str | None:
    """The number of rows to about a factor of two, such as ``20,000 to 49,999``.

    Examples
    --------
    >>> row_band(31_415), row_band(7), row_band(0)
    ('20,000 to 49,999', '0 to 9', '0 to 9')
    """
    if n_rows is None:
        return None
    bounds = [0, *(step * 10**power for power in range(1, 12) for step in (1, 2, 5))]
    position = next(position for position, bound in enumerate(bounds) if n_rows < bound)
    return f"{bounds[position - 1]:,} to {bounds[position] - 1:,}"


def file_digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_lock(path: Path) -> Mapping[str, Any] | None:
    """The lock, or None if this is none (damaged by hand or by a merge)."""
    try:
        lock = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(lock, dict) or lock.get("format") != FORMAT:
        return None
    columns = lock.get("columns")
    if not isinstance(columns, dict) or not all(isinstance(column, dict) for column in columns.values()):
        return None
    return lock
