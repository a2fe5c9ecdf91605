"""Stata files: labels through pyreadstat, values through pandas."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyreadstat

from .raw_table import RawColumn, RawTable, ReaderError, Source, require_columns, text_column
from .readstat_reader import date_format, readstat, readstat_tables, tagged_labels

STATA_ROWS = 20_000
Piece = tuple[np.ndarray, np.ndarray]  # values of a column, letters of its tagged missings
_NO_TAGS = np.array([], np.uint8)

# A parser of our own was tried and reads five to ten times as fast. It is not worth it: Stata's format has versions,
# byte orders and long texts, a well-kept library knows them, and a study is read once.


def read_dta(source: Source, columns: Sequence[str], rows: int | None) -> Iterator[RawTable]:
    """Labels by pyreadstat; values by pandas, ten times faster on integers with missings, unless an encoding is told."""
    if source.encoding is not None:
        # In a data frame pyreadstat 1.3.7 gives a random number for the plain missing of an integer column that
        # has tagged missings too; in lists it gives None.
        yield from readstat_tables(source, columns, "dta", rows, user_missing=True, output_format="dict")
        return
    try:
        yield from _read_by_pandas(source, columns, rows)
    except UnicodeWarning:
        message = f"{source.path.name}: texts cannot be decoded as UTF-8; declare the right 'encoding'"
        raise ReaderError(message) from None


def _read_by_pandas(source: Source, columns: Sequence[str], rows: int | None) -> Iterator[RawTable]:
    _, meta, _ = readstat(pyreadstat.read_dta, source, metadataonly=True)
    require_columns(source, meta.column_names, columns)
    texts = {name for name in columns if meta.readstat_variable_types.get(name) == "string"}
    parts: dict[str, list[Piece]] = {name: [(np.array([]), _NO_TAGS)] for name in columns}
    offset = n_rows = 0
    for piece in _pieces(source, columns, min(rows or STATA_ROWS, STATA_ROWS)):
        if rows is not None and n_rows >= rows:
            yield RawTable(source.path, "dta", n_rows, _columns(parts, texts, meta), offset=offset)
            parts = {name: [] for name in columns}
            offset, n_rows = offset + n_rows, 0
        n_rows += len(piece)
        for name in columns:
            values = piece[name].to_numpy()
            parts[name].append((values, _NO_TAGS) if name in texts else _stata_numbers(values))
    yield RawTable(source.path, "dta", n_rows, _columns(parts, texts, meta), offset=offset)


def _pieces(source: Source, columns: Sequence[str], n_rows: int) -> Iterator[pd.DataFrame]:
    """pandas reads all columns before it drops the others, so in pieces: a third of the memory, and faster."""
    with pd.read_stata(
        source.path,
        columns=list(columns),
        chunksize=n_rows,
        convert_dates=False,
        convert_categoricals=False,
        convert_missing=True,
    ) as pieces:
        while True:
            with warnings.catch_warnings():
                warnings.simplefilter("error", UnicodeWarning)  # pandas would go on in latin-1
                piece = next(pieces, None)
            if piece is None:
                return
            yield piece


def _columns(parts: dict[str, list[Piece]], texts: set[str], meta: Any) -> dict[str, RawColumn]:
    out = {}
    for name in list(parts):
        about = {
            "label": meta.column_names_to_labels.get(name),
            "value_labels": tagged_labels(meta.variable_value_labels.get(name, {})),
            "date_format": date_format(meta.original_variable_types.get(name)),
        }
        values, letters = zip(*parts.pop(name), strict=True)
        if name in texts:
            out[name] = text_column(name, np.concatenate(values), **about)
        else:
            tags = np.concatenate(letters)
            numbers = np.concatenate(values).astype(float)
            out[name] = RawColumn(name, "number", numbers, tags=tags if tags.any() else None, **about)
    return out


def _stata_numbers(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Numbers with NaN, and the letters of tagged missings."""
    tags = np.zeros(len(values), np.uint8)
    if values.dtype != object:
        return values.astype(float), tags
    # missings come as objects (., .a, ...); asking for the type is four times faster than a failing to_numeric
    missing_type = pd.io.stata.StataMissingValue
    absent = np.array([type(value) is missing_type for value in values], bool)
    numbers = np.full(len(values), np.nan)
    numbers[~absent] = values[~absent].astype(float)
    # pandas makes one object for all .a of a piece: each is looked at once
    missing = values[absent]
    codes, _ = pd.factorize(np.fromiter(map(id, missing), np.int64, len(missing)))
    _, first = np.unique(codes, return_index=True)
    tags[absent] = np.array([_stata_tag(value) for value in missing[first]], np.uint8)[codes]
    return numbers, tags


def _stata_tag(value: Any) -> int:
    """Code of the letter of ``.a``; 0 for the plain missing."""
    text = str(value)
    return ord(text[1]) if len(text) == 2 and text[0] == "." else 0
