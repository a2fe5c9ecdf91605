"""Delimited texts, decoded strictly: a wrong encoding, a ragged row or an open quote is told with its line."""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.csv as pacsv

from .raw_table import RawTable, ReaderError, Source, arrow_columns, require_columns

BLOCK = 1 << 22  # bytes read at a time
PROPOSALS = ("utf-8", "gb18030", "big5", "cp1252")


def read_csv(source: Source, columns: Sequence[str], rows: int | None) -> Iterator[RawTable]:
    """All columns as text, decoded strictly, dictionary-encoded: leading zeros and '<0.5' stay as they are."""
    names = csv_header(source)
    require_columns(source, names, columns)
    encoding = _encoding_of(source)
    kinds = {name: pa.dictionary(pa.int32(), pa.string()) for name in columns}
    quotes, n_lines = _check_quotes(source)
    read_options = pacsv.ReadOptions(
        encoding=encoding, column_names=names, skip_rows_after_names=source.header_row, block_size=BLOCK
    )
    parse_options = pacsv.ParseOptions(delimiter=_delimiter(source), newlines_in_values=quotes)
    convert_options = pacsv.ConvertOptions(
        include_columns=list(columns), column_types=kinds, strings_can_be_null=False, null_values=[]
    )
    options = (source.path, read_options, parse_options, convert_options)
    try:
        if rows is None or n_lines <= rows:  # as a whole it is parsed on all cores
            table = pacsv.read_csv(*options)
            yield RawTable(source.path, "csv", table.num_rows, arrow_columns(table, columns))
            return
        offset = 0
        for table in _tables(pacsv.open_csv(*options), rows):
            yield RawTable(source.path, "csv", table.num_rows, arrow_columns(table, columns), offset=offset)
            offset += table.num_rows
    except pa.ArrowInvalid as error:
        if _is_header_only(source):  # pyarrow refuses a header that no line end closes
            nothing = pa.table({name: pa.array([], pa.string()) for name in columns})
            yield RawTable(source.path, "csv", 0, arrow_columns(nothing, columns))
            return
        raise ReaderError(_csv_problem(source, str(error))) from None
    except UnicodeDecodeError as error:
        raise ReaderError(_wrong_encoding(source, encoding, error)) from None


def _tables(batches: pacsv.CSVStreamingReader, rows: int) -> Iterator[pa.Table]:
    """Blocks of the file joined and cut to `rows` rows; at least one table."""
    waiting = batches.schema.empty_table()
    first = True
    for batch in batches:
        waiting = pa.concat_tables([waiting, pa.Table.from_batches([batch])])
        while waiting.num_rows >= rows:
            yield waiting.slice(0, rows)
            waiting, first = waiting.slice(rows), False
    if waiting.num_rows or first:
        yield waiting


def _check_quotes(source: Source) -> tuple[bool, int]:
    """Whether there are quotation marks, and how many lines.

    A mark that is never closed is refused: all rows after it would be one cell.
    """
    n_quotes = n_lines = 0
    with source.path.open("rb") as file:
        for block in iter(lambda: file.read(1 << 24), b""):
            n_quotes += block.count(b'"')
            n_lines += block.count(b"\n") + block.count(b"\r")
    if n_quotes % 2 == 0:
        return n_quotes > 0, n_lines
    with source.path.open(encoding=_encoding_of(source), newline="") as file:
        rows = csv.reader(file, delimiter=_delimiter(source), strict=True)
        begin = 1
        try:
            for _ in rows:
                begin = rows.line_num + 1
        except UnicodeDecodeError:
            return True, n_lines  # told by the reader itself
        except csv.Error as error:
            if "unexpected end" in str(error):
                raise ReaderError(
                    f"{source.path.name}: the row that begins on line {begin} has a quotation mark that is "
                    "never closed"
                ) from None
    return True, n_lines


def _delimiter(source: Source) -> str:
    return source.delimiter or ("\t" if source.path.suffix.lower() == ".tsv" else ",")


def _encoding_of(source: Source) -> str:
    encoding = source.encoding or "utf-8"
    try:
        name = codecs.lookup(encoding).name
    except LookupError:
        raise ReaderError(
            f"{source.path.name}: '{encoding}' is no known encoding (utf-8, gb18030, …)"
        ) from None
    return (
        "utf-8-sig"
        if name == "utf-8" and _has_bom(source)
        else "gb18030"
        if name in ("gbk", "gb2312")
        else name
    )


def _has_bom(source: Source) -> bool:
    with source.path.open("rb") as file:
        return file.read(3) == codecs.BOM_UTF8


def csv_header(source: Source) -> list[str]:
    encoding = _encoding_of(source)
    try:
        with source.path.open(encoding=encoding, newline="") as file:
            rows = csv.reader(file, delimiter=_delimiter(source))
            for _ in range(source.header_row - 1):
                next(rows, None)
            header = next(rows, None)
    except UnicodeDecodeError as error:
        raise ReaderError(_wrong_encoding(source, encoding, error)) from None
    if not header:
        raise ReaderError(f"{source.path.name}: no header on line {source.header_row}")
    return header


def _wrong_encoding(source: Source, encoding: str, error: UnicodeDecodeError) -> str:
    """Which encodings do decode the file: a proposal, never a guess."""
    content = source.path.read_bytes()
    fits = []
    for proposal in PROPOSALS:
        try:
            content.decode(proposal)
        except UnicodeDecodeError:
            continue
        fits.append(proposal)
    line = _first_bad_line(content, encoding)
    hint = f"declare 'encoding: {fits[0]}'" if fits else "save it again as UTF-8"
    others = f" ({', '.join(fits[1:])} would fit too)" if len(fits) > 1 else ""
    return f"{source.path.name}: line {line} is no {encoding} text; {hint}{others}"


def _first_bad_line(content: bytes, encoding: str) -> int:
    try:
        content.decode(encoding)
    except UnicodeDecodeError as error:
        return content[: error.start].count(b"\n") + 1
    return 1


def _csv_problem(source: Source, message: str) -> str:
    """pyarrow's message without the row it quotes."""
    if "codec" in message or "UTF8" in message or "UTF-8" in message:
        return _wrong_encoding(source, _encoding_of(source), UnicodeDecodeError("x", b"", 0, 1, ""))
    found = re.search(r"Expected (\d+) columns, got (\d+)", message)
    if found:  # pyarrow counts rows, or nothing at all; an editor counts lines
        line = _ragged_line(source, int(found[1]))
        return f"{source.path.name}: line {line} has {found[2]} fields, the header has {found[1]}"
    return f"{source.path.name}: the file cannot be parsed as CSV with delimiter '{_delimiter(source)}'"


def _is_header_only(source: Source) -> bool:
    with source.path.open(encoding=_encoding_of(source), errors="replace", newline="") as file:
        rows = csv.reader(file, delimiter=_delimiter(source))
        return not any(row for number, row in enumerate(rows, start=1) if number > source.header_row)


def _ragged_line(source: Source, expected: int) -> int:
    with source.path.open(encoding=_encoding_of(source), newline="") as file:
        rows = csv.reader(file, delimiter=_delimiter(source))
        for number, row in enumerate(rows, start=1):
            if number > source.header_row and row and len(row) != expected:
                return rows.line_num
    return 0
