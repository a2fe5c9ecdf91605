"""What a raw file says about its columns, read without its data where the format allows.

Kinds are those of the file: a column with a date format is a date even where it is stored as a number, and every
column of a CSV is text. Excel has no header of types, so its sheet is read.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from .csv_reader import csv_header
from .raw_table import Source, guard
from .readers import excel_column, excel_rows, format_of
from .readstat_reader import READSTAT, catalog_labels, date_format, readstat, tagged_labels

# how a format counts its dates where they are numbers
DATE_SYSTEMS = {"sav": "spss", "zsav": "spss", "dta": "stata", "xpt": "sas", "sas7bdat": "sas"}


@dataclass(frozen=True)
class HeaderColumn:
    """One column as the file describes it.

    Attributes
    ----------
    kind : {"number", "text", "date"}
    value_labels : dict
        Code -> label; tagged missings under ``".a"``.
    missing_ranges : tuple of (low, high)
        User-missing values that the file declares; single values as (v, v).
    date_format : str or None
        Display format where a date is stored as a number, such as ``DATE11`` or ``%td``.
    """

    name: str
    kind: str
    label: str | None = None
    value_labels: dict[Any, str] = field(default_factory=dict)
    missing_ranges: tuple[tuple[Any, Any], ...] = ()
    date_format: str | None = None


@dataclass(frozen=True)
class Header:
    """The columns of a file in its order; `n_rows` is None where only the data would tell it (CSV, XPT)."""

    path: Path
    format: str
    columns: tuple[HeaderColumn, ...]
    n_rows: int | None = None

    @property
    def names(self) -> list[str]:
        return [column.name for column in self.columns]

    @property
    def date_system(self) -> str | None:
        """``spss``, ``stata`` or ``sas`` where the format stores dates as numbers."""
        return DATE_SYSTEMS.get(self.format)


def read_header_info(
    path: str | Path,
    *,
    encoding: str | None = None,
    delimiter: str | None = None,
    sheet: str | None = None,
    header_row: int = 1,
    catalog: str | Path | None = None,
) -> Header:
    """Names, kinds, labels, value labels and declared missing codes of every column of a raw file.

    Parameters
    ----------
    path, encoding, delimiter, sheet, header_row, catalog
        As in `dermcohort.readers.read_raw`.

    Returns
    -------
    Header

    Raises
    ------
    ReaderError
        If the file is missing, empty, damaged, of an unknown kind, or not written in `encoding`.

    Examples
    --------
    >>> header = read_header_info("raw/northbay/base.sav")      # doctest: +SKIP
    >>> header.columns[1].value_labels                          # doctest: +SKIP
    {1.0: 'Male', 2.0: 'Female'}
    """
    source = Source(Path(path), encoding, delimiter, sheet, header_row, Path(catalog) if catalog else None)
    kind = format_of(source.path)
    with guard(source):
        columns, n_rows = _HEADERS.get(kind, _readstat_columns)(source)
    if kind in READSTAT:
        kind = source.path.suffix.lower().lstrip(".")
    return Header(source.path, kind, tuple(columns), n_rows)


Columns = tuple[list[HeaderColumn], int | None]


def _readstat_columns(source: Source) -> Columns:
    kind = source.path.suffix.lower().lstrip(".")
    # without `user_missing` the metadata tell no missing codes; a transport file has none
    options = {} if kind == "xpt" else {"user_missing": True}
    _, meta, _ = readstat(READSTAT[kind], source, metadataonly=True, **options)
    ranges = meta.missing_ranges or {}
    catalog = catalog_labels(source) if source.catalog is not None else {}
    columns = []
    for name in meta.column_names:
        labels = tagged_labels(meta.variable_value_labels.get(name, {}))
        form = date_format(meta.original_variable_types.get(name))
        is_text = meta.readstat_variable_types.get(name) == "string"
        columns.append(
            HeaderColumn(
                name,
                "text" if is_text else "date" if form else "number",
                meta.column_names_to_labels.get(name) or None,
                labels or catalog.get(meta.variable_to_label.get(name, ""), {}),
                tuple((one["lo"], one["hi"]) for one in ranges.get(name, ())),
                form,
            )
        )
    n_rows = meta.number_rows
    return columns, n_rows if n_rows is not None and n_rows >= 0 else None


def _csv_columns(source: Source) -> Columns:
    return [HeaderColumn(name, "text") for name in csv_header(source)], None


def _excel_columns(source: Source) -> Columns:
    names, rows = excel_rows(source)
    columns = []
    for position, name in enumerate(names):
        cells = [row[position] if position < len(row) else "" for row in rows]
        columns.append(HeaderColumn(name, excel_column(name, cells).kind))
    return columns, len(rows)


def _parquet_columns(source: Source) -> Columns:
    schema = pq.read_schema(source.path)
    columns = [HeaderColumn(one.name, _arrow_kind(one.type)) for one in schema]
    return columns, pq.read_metadata(source.path).num_rows


def _arrow_kind(kind: pa.DataType) -> str:
    if pa.types.is_dictionary(kind):
        return _arrow_kind(kind.value_type)
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return "text"
    return "date" if pa.types.is_timestamp(kind) or pa.types.is_date(kind) else "number"


_HEADERS: dict[str, Callable[[Source], Columns]] = {
    "csv": _csv_columns,
    "xlsx": _excel_columns,
    "parquet": _parquet_columns,
}
