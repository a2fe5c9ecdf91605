"""Raw files: only the declared columns, with everything the file says about why a value is absent.

`read_raw` gives numbers as float64, dates as datetime64 and texts as codes into their distinct values, together
with user-missing ranges (SPSS), tagged missings (Stata, SAS), labels and formats. Nothing is interpreted here:
which code means "refused" is the dictionary's business. Measured reasons for each choice of library are in
docs/readers.md.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from python_calamine import CalamineError, CalamineWorkbook

from .csv_reader import csv_header, read_csv
from .raw_table import (
    SECONDS,
    RawColumn,
    RawTable,
    ReaderError,
    Source,
    arrow_columns,
    guard,
    require_columns,
    text_column,
)
from .readstat_reader import read_sas, read_sav, read_xpt, readstat_header
from .stata_reader import read_dta
from .wording import suggest


def read_raw(
    path: str | Path,
    columns: Sequence[str],
    *,
    encoding: str | None = None,
    delimiter: str | None = None,
    sheet: str | None = None,
    header_row: int = 1,
    catalog: str | Path | None = None,
) -> RawTable:
    """Read `columns` of one raw file, in this order.

    Parameters
    ----------
    path : str or Path
        .sav, .zsav, .dta, .xpt, .sas7bdat, .csv, .tsv, .txt, .xlsx, .xls, .xlsb, .ods or .parquet.
    columns : list of str
        Names as in the file; upper and lower case are told apart.
    encoding : str, optional
        Of texts; UTF-8 for CSV by default, what the file says for the others.
    delimiter : str, optional
        Of CSV; a tab for .tsv, else a comma.
    sheet : str, optional
        Of a workbook; the first by default. `header_row` counts from 1.
    catalog : str or Path, optional
        SAS catalogue (.sas7bcat) with the value labels of a .sas7bdat.

    Returns
    -------
    RawTable

    Raises
    ------
    ReaderError
        If the file is missing, empty, truncated or of an unknown kind, if a column is absent or stands twice,
        or if the declared encoding does not fit. The message never holds the content of a cell.

    Examples
    --------
    >>> table = read_raw("raw/northbay/base.sav", ["NBID", "SEX"])      # doctest: +SKIP
    >>> table.columns["SEX"].value_labels                               # doctest: +SKIP
    {1.0: 'Male', 2.0: 'Female'}
    """
    options: dict[str, Any] = {"encoding": encoding, "delimiter": delimiter, "sheet": sheet}
    return next(read_tables(path, columns, None, header_row=header_row, catalog=catalog, **options))


def read_tables(
    path: str | Path,
    columns: Sequence[str],
    rows: int | None,
    *,
    encoding: str | None = None,
    delimiter: str | None = None,
    sheet: str | None = None,
    header_row: int = 1,
    catalog: str | Path | None = None,
) -> Iterator[RawTable]:
    """Read `columns` in tables of about `rows` rows, so that a file may be larger than memory.

    A table of offset 0 begins the file, also when it is not the first: an encoding that fails in the midst of a
    file is given up, and the file is read anew with the next. Workbooks come as one table, whatever `rows` says.
    Parameters and errors are those of `read_raw`.
    """
    source = Source(Path(path), encoding, delimiter, sheet, header_row, Path(catalog) if catalog else None)
    read = _READERS[format_of(source.path)]
    with guard(source):
        yield from read(source, list(columns), rows)


def read_header(
    path: str | Path,
    *,
    encoding: str | None = None,
    delimiter: str | None = None,
    sheet: str | None = None,
    header_row: int = 1,
    catalog: str | Path | None = None,
) -> list[str]:
    """Column names of a raw file, without reading its data. Raises `ReaderError` as `read_raw` does."""
    source = Source(Path(path), encoding, delimiter, sheet, header_row, Path(catalog) if catalog else None)
    kind = format_of(source.path)
    with guard(source):
        return _HEADERS[kind](source)


def check_columns(path: str | Path, columns: Sequence[str], **options: Any) -> None:
    """Raise `ReaderError` if the file cannot be read or lacks one of `columns`, without reading its data."""
    require_columns(Source(Path(path)), read_header(path, **options), columns)


def format_of(path: Path) -> str:
    kind = SUFFIXES.get(path.suffix.lower())
    if kind is None:
        raise ReaderError(
            f"{path.name}: files of kind '{path.suffix}' are not read; {', '.join(SUFFIXES)} are"
        )
    if not path.exists():
        others = [other.name for other in path.parent.glob("*")] if path.parent.is_dir() else []
        raise ReaderError(
            f"{path.name}: the file does not exist in '{path.parent}'.{suggest(path.name, others)}"
        )
    if path.is_dir():
        raise ReaderError(f"{path.name} is a folder, not a file")
    if path.stat().st_size == 0:
        raise ReaderError(f"{path.name}: the file is empty (0 bytes)")
    return kind


# ---------------------------------------------------------------- Excel


def _read_excel(source: Source, columns: Sequence[str], rows: int | None) -> Iterator[RawTable]:
    names, lines = excel_rows(source)
    require_columns(source, names, columns)
    out = {}
    for name in columns:
        position = names.index(name)
        cells = [line[position] if position < len(line) else "" for line in lines]
        out[name] = excel_column(name, cells)
    yield RawTable(source.path, "xlsx", len(lines), out)


def excel_rows(source: Source) -> tuple[list[str], list[list[Any]]]:
    try:
        workbook = CalamineWorkbook.from_path(str(source.path))
    except CalamineError as error:
        if "password" in str(error).lower():
            raise ReaderError(f"{source.path.name}: the workbook is protected by a password") from None
        raise
    sheets = workbook.sheet_names
    sheet = source.sheet or sheets[0]
    if sheet not in sheets:
        raise ReaderError(
            f"{source.path.name}: sheet '{sheet}' is not in the workbook ({', '.join(sheets)})."
            f"{suggest(sheet, sheets)}"
        )
    rows = workbook.get_sheet_by_name(sheet).to_python(skip_empty_area=False)
    if len(rows) < source.header_row:
        raise ReaderError(f"{source.path.name}, sheet '{sheet}': no header in row {source.header_row}")
    header = [_excel_text(cell).strip() for cell in rows[source.header_row - 1]]
    data = [row for row in rows[source.header_row :] if any(cell != "" for cell in row)]
    return header, data


def excel_column(name: str, cells: Sequence[Any]) -> RawColumn:
    """Numbers stay numbers and dates dates; a column that mixes them with texts is text."""
    filled = [cell for cell in cells if cell not in ("", None)]
    if filled and all(isinstance(cell, (dt.datetime, dt.date)) for cell in filled):
        dates = [
            np.datetime64(cell, "s") if cell not in ("", None) else np.datetime64("NaT") for cell in cells
        ]
        return RawColumn(name, "date", np.array(dates, SECONDS))
    if all(isinstance(cell, (int, float)) for cell in filled):
        numbers = [float(cell) if cell not in ("", None) else np.nan for cell in cells]
        return RawColumn(name, "number", np.array(numbers, float))
    return text_column(name, [_excel_text(cell) for cell in cells])


def _excel_text(cell: Any) -> str:
    if isinstance(cell, bool):
        return str(cell)
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if isinstance(cell, dt.datetime):
        return cell.strftime("%Y-%m-%d")
    return "" if cell is None else str(cell)


def _excel_header(source: Source) -> list[str]:
    return excel_rows(source)[0]


# ---------------------------------------------------------------- Parquet


def _read_parquet(source: Source, columns: Sequence[str], rows: int | None) -> Iterator[RawTable]:
    require_columns(source, pq.read_schema(source.path).names, columns)
    with pq.ParquetFile(source.path) as file:
        if rows is None or file.metadata.num_rows <= rows:
            tables = iter([file.read(columns=list(columns))])
        else:
            batches = file.iter_batches(batch_size=rows, columns=list(columns))
            tables = (pa.Table.from_batches([batch]) for batch in batches)
        offset = 0
        for table in tables:
            out = arrow_columns(table, columns)
            yield RawTable(source.path, "parquet", table.num_rows, out, offset=offset)
            offset += table.num_rows


def _parquet_header(source: Source) -> list[str]:
    return list(pq.read_schema(source.path).names)


_READERS: dict[str, Callable[[Source, Sequence[str], int | None], Iterator[RawTable]]] = {
    "sav": read_sav,
    "zsav": read_sav,
    "dta": read_dta,
    "xpt": read_xpt,
    "sas7bdat": read_sas,
    "csv": read_csv,
    "xlsx": _read_excel,
    "parquet": _read_parquet,
}
_HEADERS: dict[str, Callable[[Source], list[str]]] = {
    "sav": readstat_header,
    "zsav": readstat_header,
    "dta": readstat_header,
    "xpt": readstat_header,
    "sas7bdat": readstat_header,
    "csv": csv_header,
    "xlsx": _excel_header,
    "parquet": _parquet_header,
}
SUFFIXES = {
    ".sav": "sav", ".zsav": "zsav", ".dta": "dta", ".xpt": "xpt", ".sas7bdat": "sas7bdat", ".csv": "csv",
    ".tsv": "csv", ".txt": "csv", ".xlsx": "xlsx", ".xls": "xlsx", ".xlsb": "xlsx", ".ods": "xlsx",
    ".parquet": "parquet",
}  # fmt: skip
