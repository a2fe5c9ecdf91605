"""SPSS and SAS files through pyreadstat, with user-missing ranges, tagged missings, labels and formats."""

from __future__ import annotations

import mmap
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pyreadstat

from .raw_table import RawColumn, RawTable, ReaderError, Source, guard, require_columns, text_column

XPT_RECORD, XPT_DATA = 80, b"HEADER RECORD*******OBS"  # the values follow the record that begins so
GB_FAMILY = {"gbk", "gb2312", "cp936", "windows-936", "936", "gb18030"}


def read_sav(source: Source, columns: Sequence[str], rows: int | None) -> Iterator[RawTable]:
    kind = source.path.suffix.lower().lstrip(".")
    return readstat_tables(source, columns, kind, rows, user_missing=True)


def read_xpt(source: Source, columns: Sequence[str], rows: int | None) -> Iterator[RawTable]:
    _check_xpt_is_whole(source)
    for table in readstat_tables(source, columns, "xpt", rows):
        yield _with_xpt_tags(source, table)


def read_sas(source: Source, columns: Sequence[str], rows: int | None) -> Iterator[RawTable]:
    tables = readstat_tables(source, columns, "sas7bdat", rows, user_missing=True)
    if source.catalog is None:
        yield from tables
        return
    # Given as `catalog_file`, pyreadstat would put the labels in the place of the codes.
    labels = catalog_labels(source)
    _, meta, _ = readstat(pyreadstat.read_sas7bdat, source, metadataonly=True)
    for table in tables:
        named = {
            name: replace(column, value_labels=labels.get(meta.variable_to_label.get(name, ""), {}))
            for name, column in table.columns.items()
        }
        yield replace(table, columns=named)


def readstat_header(source: Source) -> list[str]:
    _, meta, _ = readstat(READSTAT[source.path.suffix.lower().lstrip(".")], source, metadataonly=True)
    return list(meta.column_names)


READSTAT: dict[str, Callable[..., Any]] = {
    "sav": pyreadstat.read_sav,
    "zsav": pyreadstat.read_sav,
    "dta": pyreadstat.read_dta,
    "xpt": pyreadstat.read_xport,
    "sas7bdat": pyreadstat.read_sas7bdat,
}


def readstat(read: Callable[..., Any], source: Source, **options: Any) -> tuple[Any, Any, tuple[str, ...]]:
    """Data, what the file says about them, and notices: one call with the first encoding that fits."""
    for encoding, notices in _encodings(source):
        try:
            data, meta = read(str(source.path), encoding=encoding, **options)
        except (pyreadstat.ReadstatError, UnicodeDecodeError) as error:
            _require_wrong_bytes(error)
            continue
        return data, meta, notices
    raise _undecodable(source)


def readstat_tables(
    source: Source, columns: Sequence[str], kind: str, rows: int | None, **options: Any
) -> Iterator[RawTable]:
    """The file in tables of `rows` rows; from its first row again where an encoding fails in the midst of it."""
    _, header, _ = readstat(READSTAT[kind], source, metadataonly=True)
    require_columns(source, header.column_names, columns)
    for encoding, notices in _encodings(source):
        try:
            for table in _decoded(source, columns, kind, rows, header.number_rows, encoding, options):
                yield replace(table, notices=notices)
        except (pyreadstat.ReadstatError, UnicodeDecodeError) as error:
            _require_wrong_bytes(error)
            continue
        return
    raise _undecodable(source)


def _encodings(source: Source) -> Iterator[tuple[str | None, tuple[str, ...]]]:
    """The declared encoding; a GBK file that fails is tried as GB18030, latin-1 as cp1252, with a notice."""
    yield source.encoding, ()
    wider = []
    if source.encoding is None or source.encoding.lower() in GB_FAMILY:
        wider += ["GB18030"]
    if source.encoding is None or source.encoding.lower() in ("latin-1", "iso-8859-1", "latin1"):
        wider += ["cp1252"]
    declared = source.encoding or "the encoding that the file names"
    for encoding in wider:
        yield encoding, (f"{declared} could not read the file; it was read as {encoding}",)


def _require_wrong_bytes(error: Exception) -> None:
    if not (isinstance(error, UnicodeDecodeError) or "byte sequence" in str(error)):
        raise error


def _undecodable(source: Source) -> ReaderError:
    names = [encoding for encoding, _ in _encodings(source) if encoding]
    tried = ", ".join(names) or "the encoding that the file names"
    return ReaderError(
        f"{source.path.name}: texts cannot be decoded as {tried}; declare the right 'encoding'"
    )


def _decoded(
    source: Source,
    columns: Sequence[str],
    kind: str,
    rows: int | None,
    expected: int | None,
    encoding: str | None,
    options: dict[str, Any],
) -> Iterator[RawTable]:
    told = expected is not None and expected >= 0  # a transport file does not tell its number of rows
    if rows is not None and told and expected <= rows:  # type: ignore[operator]
        rows = None
    offset = 0
    while True:
        part = {} if rows is None else {"row_offset": offset, "row_limit": rows}
        data, meta = READSTAT[kind](
            str(source.path),
            encoding=encoding,
            usecols=list(columns),
            disable_datetime_conversion=True,
            **part,
            **options,
        )
        if isinstance(data, dict):
            data = pd.DataFrame({name: pd.Series(values, dtype=object) for name, values in data.items()})
        n, offset = len(data), offset + len(data)
        is_last = rows is None or n < rows or (told and offset >= expected)  # type: ignore[operator]
        if is_last and told and offset != expected:
            raise ReaderError(
                f"{source.path.name}: the file is truncated: its header tells {expected:,} rows, it holds {offset:,}"
            )
        if n or offset == 0:
            yield RawTable(source.path, kind, n, _columns(data, meta, columns), offset=offset - n)
        if is_last:
            return


def _columns(data: pd.DataFrame, meta: Any, columns: Sequence[str]) -> dict[str, RawColumn]:
    ranges = meta.missing_ranges or {}
    out = {}
    for name in columns:
        about = {
            "label": meta.column_names_to_labels.get(name),
            "value_labels": tagged_labels(meta.variable_value_labels.get(name, {})),
            "missing_ranges": tuple((r["lo"], r["hi"]) for r in ranges.get(name, ())),
            "date_format": date_format(meta.original_variable_types.get(name)),
        }
        out[name] = _readstat_column(name, data[name], meta.readstat_variable_types.get(name), about)
    return out


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


def tagged_labels(labels: dict[Any, str]) -> dict[Any, str]:
    return {
        f".{code.lower()}" if isinstance(code, str) and len(code) == 1 else code: text
        for code, text in labels.items()
    }


DATE_FORMATS = re.compile(
    r"(DATE|ADATE|EDATE|JDATE|SDATE|DATETIME|YMDHMS|E8601|IS8601|MMDDYY|DDMMYY|YYMMDD|%t[cd]|%d)",
    re.IGNORECASE,
)


def date_format(form: str | None) -> str | None:
    return form if form and DATE_FORMATS.match(form) else None


def _with_xpt_tags(source: Source, table: RawTable) -> RawTable:
    """Special missings .A to .Z and ._ of a transport file, which ReadStat gives as plain missing.

    They are the letter followed by zeros, in the place of the number (SAS Technical Support, TS-140).
    """
    absent = {name: np.isnan(c.values) for name, c in table.columns.items() if c.kind == "number"}
    absent = {name: where for name, where in absent.items() if where.any()}
    if not absent:
        return table
    _, meta, _ = readstat(pyreadstat.read_xport, source, metadataonly=True)
    widths = meta.variable_storage_width
    ends = dict(zip(meta.column_names, np.cumsum([widths[name] for name in meta.column_names]), strict=True))
    with source.path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        begin = content.find(XPT_DATA) + XPT_RECORD
    width = sum(widths.values())
    rows = np.memmap(source.path, np.uint8, "r", begin + table.offset * width, (table.n_rows, width))
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
        _, meta, _ = readstat(pyreadstat.read_xport, source, metadataonly=True)
        width = sum(meta.variable_storage_width.values())
        if not width:
            return
        n_rows, n_left = divmod(len(content) - header - XPT_RECORD, width)
        told = content[header + 48 : header + 63].strip()  # only version 8 tells it
        few = content[header + 20 : header + 25] == b"OBSV8" and told.isdigit() and n_rows < int(told)
        if few or content[len(content) - n_left :].strip(b" "):
            raise ReaderError(problem)


def catalog_labels(source: Source) -> dict[str, dict[Any, str]]:
    """Name of a SAS format -> its value labels."""
    assert source.catalog is not None
    if not source.catalog.exists():
        raise ReaderError(f"{source.path.name}: its catalogue {source.catalog.name} does not exist")
    catalog = replace(source, path=source.catalog)
    with guard(catalog):  # its own name in messages
        _, meta, _ = readstat(pyreadstat.read_sas7bcat, catalog)
    return {name: tagged_labels(labels) for name, labels in meta.value_labels.items()}
