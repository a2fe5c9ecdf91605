"""What the readers give: the declared columns of one raw file, and the errors about it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from .wording import suggest

SECONDS = np.dtype("datetime64[s]")
DELIMITED = (".csv", ".tsv", ".txt")


class ReaderError(Exception):
    """A raw file cannot be read as declared; the message says what was found and what would be right."""


@dataclass(frozen=True)
class RawColumn:
    """One raw column.

    Attributes
    ----------
    kind : {"number", "text", "date"}
    values : ndarray
        number: float64, NaN where the file has none. date: datetime64[s], NaT. text: int32 codes into `levels`,
        -1 where the file has none.
    levels : ndarray or None
        Distinct texts, exactly as in the file.
    tags : ndarray or None
        For numbers with tagged missings: uint8 a row, 0 or the code of the letter (``ord("a")`` for ``.a``).
    value_labels : dict
        Code -> label; tagged missings under ``".a"``.
    missing_ranges : tuple of (low, high)
        User-missing values that the file declares; single values as (v, v).
    date_format : str or None
        Display format of the file where it is a date, such as ``DATE11``, ``%td`` or ``DATETIME20.``.
    """

    name: str
    kind: str
    values: np.ndarray
    levels: np.ndarray | None = None
    tags: np.ndarray | None = None
    label: str | None = None
    value_labels: dict[Any, str] = field(default_factory=dict)
    missing_ranges: tuple[tuple[Any, Any], ...] = ()
    date_format: str | None = None


@dataclass(frozen=True)
class RawTable:
    """The declared columns of one file, or of its rows from `offset` on.

    `notices` say where it was read otherwise than declared.
    """

    path: Path
    format: str
    n_rows: int
    columns: dict[str, RawColumn]
    notices: tuple[str, ...] = ()
    offset: int = 0


@dataclass(frozen=True)
class Source:
    """A file and how cohort.yaml says it is to be read."""

    path: Path
    encoding: str | None = None
    delimiter: str | None = None
    sheet: str | None = None
    header_row: int = 1
    catalog: Path | None = None


@contextmanager
def guard(source: Source) -> Iterator[None]:
    """Turn every library's errors into ours. Their texts may hold cell contents, so they are not repeated."""
    try:
        yield
    except ReaderError:
        raise
    except PermissionError:
        raise ReaderError(f"{source.path.name}: no permission to read the file") from None
    except MemoryError:
        raise ReaderError(f"{source.path.name}: not enough memory to read the declared columns") from None
    except Exception as error:
        kind = source.path.suffix.lower().lstrip(".")
        raise ReaderError(
            f"{source.path.name}: this is no readable .{kind} file: it is damaged, truncated or of another kind "
            f"({type(error).__name__})"
        ) from None


def require_columns(source: Source, names: Sequence[str], wanted: Sequence[str]) -> None:
    seen: set[str] = set()
    doubled = sorted({name for name in names if name in seen or seen.add(name)} & set(wanted))  # type: ignore[func-returns-value]
    if doubled:
        raise ReaderError(f"{source.path.name}: column '{doubled[0]}' stands twice in the header")
    absent = [name for name in wanted if name not in seen]
    if absent:
        first = absent[0]
        more = f" (and {len(absent) - 1} more: {', '.join(absent[1:6])})" if len(absent) > 1 else ""
        raise ReaderError(
            f"{source.path.name}: column '{first}' is not in the file{more}."
            f"{suggest(first, names) or _delimiter_hint(source, names)}"
        )


def _delimiter_hint(source: Source, names: Sequence[str]) -> str:
    if len(names) != 1 or source.path.suffix.lower() not in DELIMITED:
        return ""
    mark = next((mark for mark in (";", "\t", "|", ",") if mark in names[0]), None)
    return f" The header is a single field: is the delimiter {mark!r}?" if mark else ""


def text_column(name: str, values: Any, **about: Any) -> RawColumn:
    codes, levels = pd.factorize(np.asarray(values, dtype=object), use_na_sentinel=True)
    levels = np.array([str(level) for level in levels], dtype=object)
    return RawColumn(name, "text", codes.astype(np.int32), levels, **about)


def arrow_columns(table: pa.Table, columns: Sequence[str]) -> dict[str, RawColumn]:
    return {name: arrow_column(name, table.column(name)) for name in columns}


def arrow_column(name: str, column: pa.ChunkedArray) -> RawColumn:
    if pa.types.is_large_string(column.type) or pa.types.is_string_view(column.type):
        column = column.cast(pa.string())  # as polars and newer pandas write texts
    if pa.types.is_string(column.type):
        column = column.dictionary_encode()
    if pa.types.is_dictionary(column.type):
        array = column.unify_dictionaries().combine_chunks()
        if isinstance(array, pa.ChunkedArray):  # an empty table has no chunk to combine
            array = array.chunk(0) if array.num_chunks else pa.array([], column.type)
        if not pa.types.is_string(array.dictionary.type):
            return arrow_column(name, pa.chunked_array([array.dictionary_decode()]))
        codes = array.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int32)
        levels = np.array(array.dictionary.to_pylist(), dtype=object)
        return RawColumn(name, "text", codes, levels)
    if pa.types.is_timestamp(column.type) or pa.types.is_date(column.type):
        return RawColumn(name, "date", column.cast(pa.timestamp("s"), safe=False).to_numpy().astype(SECONDS))
    if pa.types.is_boolean(column.type):
        column = column.cast(pa.int8())
    if pa.types.is_null(column.type):
        return RawColumn(name, "number", np.full(len(column), np.nan))
    return RawColumn(name, "number", column.cast(pa.float64(), safe=False).to_numpy().astype(float))
