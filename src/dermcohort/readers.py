"""Raw files: only the declared columns, with everything the file says about why a value is absent.

`read_raw` gives numbers as float64, dates as datetime64 and texts as codes into their distinct values, together
with user-missing ranges (SPSS), tagged missings (Stata, SAS), labels and formats. Nothing is interpreted here:
which code means "refused" is the dictionary's business. Measured reasons for each choice of library are in
docs/readers.md.
"""

from __future__ import annotations

import datetime as dt
import mmap
import re
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pyreadstat
from python_calamine import CalamineError, CalamineWorkbook

from .csv_reader import csv_header, read_csv
from .raw_table import (
    SECONDS,
    RawColumn,
    RawTable,
    ReaderError,
    Source,
    arrow_columns,
    require_columns,
    text_column,
)
from .wording import suggest

STATA_ROWS = 20_000
XPT_RECORD, XPT_DATA = 80, b"HEADER RECORD*******OBS"  # the values follow the record that begins so
GB_FAMILY = {"gbk", "gb2312", "cp936", "windows-936", "936", "gb18030"}


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
    source = Source(Path(path), encoding, delimiter, sheet, header_row, Path(catalog) if catalog else None)
    kind = _format_of(source.path)
    return _guarded(_READERS[kind], source, list(columns))


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
    kind = _format_of(source.path)
    return _guarded(_HEADERS[kind], source)


def check_columns(path: str | Path, columns: Sequence[str], **options: Any) -> None:
    """Raise `ReaderError` if the file cannot be read or lacks one of `columns`, without reading its data."""
    require_columns(Source(Path(path)), read_header(path, **options), columns)


def _format_of(path: Path) -> str:
    kind = _SUFFIXES.get(path.suffix.lower())
    if kind is None:
        raise ReaderError(
            f"{path.name}: files of kind '{path.suffix}' are not read; {', '.join(_SUFFIXES)} are"
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


def _guarded(read: Callable[..., Any], source: Source, *arguments: Any) -> Any:
    """Turn every library's errors into ours. Their texts may hold cell contents, so they are not repeated."""
    try:
        return read(source, *arguments)
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


# ---------------------------------------------------------------- SPSS and SAS, through pyreadstat


def _readstat(read: Callable[..., Any], source: Source, **options: Any) -> tuple[Any, Any, tuple[str, ...]]:
    """Read with the declared encoding; a GBK file that fails is tried as GB18030, latin-1 as cp1252."""
    encodings: list[str | None] = [source.encoding]
    if source.encoding is None or source.encoding.lower() in GB_FAMILY:
        encodings += ["GB18030"]
    if source.encoding is None or source.encoding.lower() in ("latin-1", "iso-8859-1", "latin1"):
        encodings += ["cp1252"]
    for position, encoding in enumerate(encodings):
        try:
            data, meta = read(str(source.path), encoding=encoding, **options)
        except (pyreadstat.ReadstatError, UnicodeDecodeError) as error:
            wrong_bytes = isinstance(error, UnicodeDecodeError) or "byte sequence" in str(error)
            if not wrong_bytes:
                raise
            if position == len(encodings) - 1:
                tried = ", ".join(str(e) for e in encodings if e) or "the encoding that the file names"
                raise ReaderError(
                    f"{source.path.name}: texts cannot be decoded as {tried}; declare the right 'encoding'"
                ) from None
            continue
        notices: tuple[str, ...] = ()
        if position > 0:
            declared = source.encoding or "the encoding that the file names"
            notices = (f"{declared} could not read the file; it was read as {encoding}",)
        return data, meta, notices
    raise AssertionError("unreachable")


def _readstat_table(source: Source, columns: Sequence[str], kind: str, **options: Any) -> RawTable:
    read = _READSTAT[kind]
    _, header, _ = _readstat(read, source, metadataonly=True)
    require_columns(source, header.column_names, columns)
    data, meta, notices = _readstat(
        read, source, usecols=list(columns), disable_datetime_conversion=True, **options
    )
    if isinstance(data, dict):
        data = pd.DataFrame({name: pd.Series(values, dtype=object) for name, values in data.items()})
    expected = header.number_rows
    if expected is not None and expected >= 0 and expected != len(data):
        raise ReaderError(
            f"{source.path.name}: the file is truncated: its header tells {expected:,} rows, it holds {len(data):,}"
        )
    ranges = meta.missing_ranges or {}
    out = {}
    for name in columns:
        about = {
            "label": meta.column_names_to_labels.get(name),
            "value_labels": _tagged_labels(meta.variable_value_labels.get(name, {})),
            "missing_ranges": tuple((r["lo"], r["hi"]) for r in ranges.get(name, ())),
            "date_format": _date_format(meta.original_variable_types.get(name)),
        }
        out[name] = _readstat_column(name, data[name], meta.readstat_variable_types.get(name), about)
    return RawTable(source.path, kind, len(data), {name: out[name] for name in columns}, notices)


def _readstat_column(name: str, series: pd.Series, kind: str | None, about: dict[str, Any]) -> RawColumn:
    if kind == "string":
        return text_column(name, series.to_numpy(), **about)
    if series.dtype != object:
        return RawColumn(name, "number", series.to_numpy(dtype=float, na_value=np.nan), **about)
    values = series.to_numpy()
    numbers = pd.to_numeric(values, errors="coerce").astype(float)
    absent = np.isnan(numbers)
    codes, letters = pd.factorize(values[absent], use_na_sentinel=True)
    tags = np.zeros(len(values), np.uint8)
    tags[absent] = np.array([*(ord(letter[0].lower()) if letter else 0 for letter in letters), 0])[codes]
    return RawColumn(name, "number", numbers, tags=tags if tags.any() else None, **about)


def _tagged_labels(labels: dict[Any, str]) -> dict[Any, str]:
    return {
        f".{code.lower()}" if isinstance(code, str) and len(code) == 1 else code: text
        for code, text in labels.items()
    }


_DATE_FORMATS = re.compile(
    r"(DATE|ADATE|EDATE|JDATE|SDATE|DATETIME|YMDHMS|E8601|IS8601|MMDDYY|DDMMYY|YYMMDD|%t[cd]|%d)",
    re.IGNORECASE,
)


def _date_format(form: str | None) -> str | None:
    return form if form and _DATE_FORMATS.match(form) else None


def _read_sav(source: Source, columns: Sequence[str]) -> RawTable:
    kind = source.path.suffix.lower().lstrip(".")
    return _readstat_table(source, columns, kind, user_missing=True)


def _read_xpt(source: Source, columns: Sequence[str]) -> RawTable:
    _check_xpt_is_whole(source)
    return _with_xpt_tags(source, _readstat_table(source, columns, "xpt"))


def _with_xpt_tags(source: Source, table: RawTable) -> RawTable:
    """Special missings .A to .Z and ._ of a transport file, which ReadStat gives as plain missing.

    They are the letter followed by zeros, in the place of the number (SAS Technical Support, TS-140).
    """
    absent = {name: np.isnan(c.values) for name, c in table.columns.items() if c.kind == "number"}
    absent = {name: where for name, where in absent.items() if where.any()}
    if not absent:
        return table
    _, meta, _ = _readstat(pyreadstat.read_xport, source, metadataonly=True)
    widths = meta.variable_storage_width
    ends = dict(zip(meta.column_names, np.cumsum([widths[name] for name in meta.column_names]), strict=True))
    with source.path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        begin = content.find(XPT_DATA) + XPT_RECORD
    rows = np.memmap(source.path, np.uint8, "r", begin, (table.n_rows, sum(widths.values())))
    columns = dict(table.columns)
    for name, where in absent.items():
        cells = rows[where, ends[name] - widths[name] : ends[name]]
        letter = cells[:, 0]
        special = ((letter >= ord("A")) & (letter <= ord("Z"))) | (letter == ord("_"))
        special &= (cells[:, 1:] == 0).all(axis=1)
        if special.any():
            tags = np.zeros(table.n_rows, np.uint8)
            tags[where] = np.where(special, np.where(letter == ord("_"), letter, letter + 32), 0)
            columns[name] = replace(columns[name], tags=tags)
    return replace(table, columns=columns)


def _check_xpt_is_whole(source: Source) -> None:
    """A transport file does not tell its number of rows: a cut shows only in its 80-byte records and last row."""
    problem = f"{source.path.name}: the file is truncated: it ends in the middle of a row"
    if source.path.stat().st_size % XPT_RECORD:
        raise ReaderError(problem)
    with source.path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        header = content.find(XPT_DATA)
        if header < 0 or content.find(XPT_DATA, header + 1) >= 0:
            return  # no data set, or several of which the first is read
        _, meta, _ = _readstat(pyreadstat.read_xport, source, metadataonly=True)
        width = sum(meta.variable_storage_width.values())
        if not width:
            return
        n_rows, n_left = divmod(len(content) - header - XPT_RECORD, width)
        told = content[header + 48 : header + 63].strip()  # only version 8 tells it
        few = content[header + 20 : header + 25] == b"OBSV8" and told.isdigit() and n_rows < int(told)
        if few or content[len(content) - n_left :].strip(b" "):
            raise ReaderError(problem)


def _read_sas(source: Source, columns: Sequence[str]) -> RawTable:
    table = _readstat_table(source, columns, "sas7bdat", user_missing=True)
    if source.catalog is None:
        return table
    # Given as `catalog_file`, pyreadstat would put the labels in the place of the codes.
    labels = _catalog_labels(source)
    _, meta, _ = _readstat(pyreadstat.read_sas7bdat, source, metadataonly=True)
    named = {
        name: replace(column, value_labels=labels.get(meta.variable_to_label.get(name, ""), {}))
        for name, column in table.columns.items()
    }
    return replace(table, columns=named)


def _catalog_labels(source: Source) -> dict[str, dict[Any, str]]:
    """Name of a SAS format -> its value labels."""
    assert source.catalog is not None
    if not source.catalog.exists():
        raise ReaderError(f"{source.path.name}: its catalogue {source.catalog.name} does not exist")
    catalog = replace(source, path=source.catalog)
    _, meta, _ = _guarded(
        lambda one: _readstat(pyreadstat.read_sas7bcat, one), catalog
    )  # its own name in messages
    return {name: _tagged_labels(labels) for name, labels in meta.value_labels.items()}


def _readstat_header(source: Source) -> list[str]:
    kind = _SUFFIXES[source.path.suffix.lower()]
    _, meta, _ = _readstat(_READSTAT[kind], source, metadataonly=True)
    return list(meta.column_names)


_READSTAT: dict[str, Callable[..., Any]] = {
    "sav": pyreadstat.read_sav,
    "zsav": pyreadstat.read_sav,
    "dta": pyreadstat.read_dta,
    "xpt": pyreadstat.read_xport,
    "sas7bdat": pyreadstat.read_sas7bdat,
}

# ---------------------------------------------------------------- Stata
# A parser of our own was tried and reads five to ten times as fast. It is not worth it: Stata's format has versions,
# byte orders and long texts, a well-kept library knows them, and a study is read once.


def _read_dta(source: Source, columns: Sequence[str]) -> RawTable:
    """Labels by pyreadstat; values by pandas, ten times faster on integers with missings, unless an encoding is told."""
    if source.encoding is not None:
        # In a data frame pyreadstat 1.3.7 gives a random number for the plain missing of an integer column that
        # has tagged missings too; in lists it gives None.
        return _readstat_table(source, columns, "dta", user_missing=True, output_format="dict")
    try:
        return _read_dta_by_pandas(source, columns)
    except UnicodeWarning:
        message = f"{source.path.name}: texts cannot be decoded as UTF-8; declare the right 'encoding'"
        raise ReaderError(message) from None


def _read_dta_by_pandas(source: Source, columns: Sequence[str]) -> RawTable:
    _, meta, _ = _readstat(pyreadstat.read_dta, source, metadataonly=True)
    require_columns(source, meta.column_names, columns)
    texts = {name for name in columns if meta.readstat_variable_types.get(name) == "string"}
    parts: dict[str, list[np.ndarray]] = {name: [] for name in columns}
    tags: dict[str, list[np.ndarray]] = {name: [] for name in columns}
    n_rows = 0
    # pandas reads all columns before it drops the others, so in pieces: a third of the memory, and faster
    with (
        warnings.catch_warnings(),
        pd.read_stata(
            source.path,
            columns=list(columns),
            convert_dates=False,
            convert_categoricals=False,
            convert_missing=True,
            chunksize=STATA_ROWS,
        ) as pieces,
    ):
        warnings.simplefilter("error", UnicodeWarning)  # pandas would go on in latin-1
        for piece in pieces:
            n_rows += len(piece)
            for name in columns:
                values = piece[name].to_numpy()
                if name not in texts:
                    values, letters = _stata_numbers(values)
                    tags[name].append(letters)
                parts[name].append(values)
    out = {}
    for name in columns:
        about = {
            "label": meta.column_names_to_labels.get(name),
            "value_labels": _tagged_labels(meta.variable_value_labels.get(name, {})),
            "date_format": _date_format(meta.original_variable_types.get(name)),
        }
        if name in texts:
            values = np.concatenate([np.array([], object), *parts.pop(name)])
            out[name] = text_column(name, values, **about)
        else:
            letters = np.concatenate([np.array([], np.uint8), *tags.pop(name)])
            numbers = np.concatenate([np.array([], float), *parts.pop(name)])
            out[name] = RawColumn(name, "number", numbers, tags=letters if letters.any() else None, **about)
    return RawTable(source.path, "dta", n_rows, out)


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


# ---------------------------------------------------------------- Excel


def _read_excel(source: Source, columns: Sequence[str]) -> RawTable:
    names, rows = _excel_rows(source)
    require_columns(source, names, columns)
    out = {}
    for name in columns:
        position = names.index(name)
        cells = [row[position] if position < len(row) else "" for row in rows]
        out[name] = _excel_column(name, cells)
    return RawTable(source.path, "xlsx", len(rows), out)


def _excel_rows(source: Source) -> tuple[list[str], list[list[Any]]]:
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


def _excel_column(name: str, cells: Sequence[Any]) -> RawColumn:
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
    return _excel_rows(source)[0]


# ---------------------------------------------------------------- Parquet


def _read_parquet(source: Source, columns: Sequence[str]) -> RawTable:
    require_columns(source, pq.read_schema(source.path).names, columns)
    table = pq.read_table(source.path, columns=list(columns))
    return RawTable(source.path, "parquet", table.num_rows, arrow_columns(table, columns))


def _parquet_header(source: Source) -> list[str]:
    return list(pq.read_schema(source.path).names)


_READERS: dict[str, Callable[[Source, Sequence[str]], RawTable]] = {
    "sav": _read_sav,
    "zsav": _read_sav,
    "dta": _read_dta,
    "xpt": _read_xpt,
    "sas7bdat": _read_sas,
    "csv": read_csv,
    "xlsx": _read_excel,
    "parquet": _read_parquet,
}
_HEADERS: dict[str, Callable[[Source], list[str]]] = {
    "sav": _readstat_header,
    "zsav": _readstat_header,
    "dta": _readstat_header,
    "xpt": _readstat_header,
    "sas7bdat": _readstat_header,
    "csv": csv_header,
    "xlsx": _excel_header,
    "parquet": _parquet_header,
}
_SUFFIXES = {
    ".sav": "sav", ".zsav": "zsav", ".dta": "dta", ".xpt": "xpt", ".sas7bdat": "sas7bdat", ".csv": "csv",
    ".tsv": "csv", ".txt": "csv", ".xlsx": "xlsx", ".xls": "xlsx", ".xlsb": "xlsx", ".ods": "xlsx",
    ".parquet": "parquet",
}  # fmt: skip
