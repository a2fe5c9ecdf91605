"""Write raw files in each cohort's format, the same bytes for the same seed: creation times are set to one day."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyreadstat
import xlsxwriter

from .layouts import DATES, VARIABLES, Layout
from .raw import RawFile

CREATED = dt.datetime(2021, 1, 1)


def write_raw_file(file: RawFile, folder: Path) -> Path:
    """Write one raw file under its layout's name; it appears whole or not at all."""
    path = folder / file.layout.file
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}.tmp{path.suffix}")
    try:
        _WRITERS[path.suffix](file, temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return path


def _labels(layout: Layout) -> dict[str, str | None]:
    return {layout.column(name): VARIABLES[name][1] for name in layout.variables}


def _value_labels(layout: Layout) -> dict[str, dict[float, str]]:
    out = {}
    for name in layout.variables:
        words = VARIABLES[name][2]
        if words is None or (name == "smoking_status" and layout.style.split_smoking):
            continue
        first = 0 if list(words) == ["no", "yes"] else layout.style.first_code
        out[layout.column(name)] = {float(first + i): word for i, word in enumerate(words.values())}
    return out


def _write_sav(file: RawFile, path: Path) -> None:
    layout, style = file.layout, file.layout.style
    coded = [layout.column(n) for n in layout.variables if VARIABLES[n][2] is not None]
    ranges: dict[str, Any] = {name: [{"lo": style.refused, "hi": style.dont_know}] for name in coded}
    for name in ("cigarettes_per_day", "smoking_years"):
        ranges[layout.column(name)] = [{"lo": 997, "hi": 999}]
    pyreadstat.write_sav(
        file.data,
        path,
        column_labels=_labels(layout),
        variable_value_labels=_value_labels(layout),
        missing_ranges=ranges,
        variable_format={layout.column(n): "DATE11" for n in DATES},
        compress=path.suffix == ".zsav",
    )
    # creation date and time stand at bytes 92-108 of the header
    _patch(path, lambda content: content[:92] + b"01 Jan 2100:00:00" + content[109:])


def _write_dta(file: RawFile, path: Path) -> None:
    layout = file.layout
    pyreadstat.write_dta(
        file.data,
        path,
        column_labels=_labels(layout),
        variable_value_labels=_value_labels(layout),
        missing_user_values={name: ["a", "b"] for name in file.tagged},
        variable_format={layout.column(n): "%td" for n in DATES},
    )
    stamp = re.compile(rb"<timestamp>\x11.{17}</timestamp>", re.DOTALL)
    _patch(path, lambda content: stamp.sub(b"<timestamp>\x1101 Jan 2021 00:00</timestamp>", content, count=1))


def _write_xpt(file: RawFile, path: Path) -> None:
    layout = file.layout
    pyreadstat.write_xport(
        file.data,
        path,
        table_name="EXAM",
        column_labels=_labels(layout),
        file_format_version=5,
        variable_format={layout.column(n): "DATE9" for n in DATES},
    )
    stamp = re.compile(rb"\d{2}[A-Z]{3}\d{2}:\d{2}:\d{2}:\d{2}")
    _patch(path, lambda content: stamp.sub(b"01JAN21:00:00:00", content[:2000]) + content[2000:])


def _write_csv(file: RawFile, path: Path) -> None:
    encoding = "gb18030" if file.layout.style.answers == "chinese" else "utf-8"
    file.data.to_csv(path, index=False, encoding=encoding, lineterminator="\n", float_format="%g")


def _write_xlsx(file: RawFile, path: Path) -> None:
    with xlsxwriter.Workbook(str(path), {"constant_memory": True}) as workbook:
        workbook.set_properties({"created": CREATED})
        sheet = workbook.add_worksheet("数据")
        day = workbook.add_format({"num_format": "yyyy-mm-dd"})
        sheet.write_row(0, 0, list(file.data.columns))
        columns = [file.data[name].to_numpy() for name in file.data.columns]
        for row in range(len(file.data)):
            for position, values in enumerate(columns):
                _write_cell(sheet, row + 1, position, values[row], day)


def _write_cell(
    sheet: xlsxwriter.worksheet.Worksheet, row: int, column: int, value: object, day: object
) -> None:
    if isinstance(value, np.datetime64):
        if not np.isnat(value):
            sheet.write_datetime(row, column, value.astype("datetime64[s]").item(), day)
    elif isinstance(value, str):
        sheet.write_string(row, column, value)
    elif value is not None and value == value:
        sheet.write_number(row, column, float(value))  # type: ignore[arg-type]


def _write_parquet(file: RawFile, path: Path) -> None:
    pq.write_table(pa.Table.from_pandas(file.data, preserve_index=False), path, compression="zstd")


def _patch(path: Path, change: Callable[[bytes], bytes]) -> None:
    path.write_bytes(change(path.read_bytes()))


def write_register(people: pd.DataFrame, ids: np.ndarray, path: Path) -> Path:
    """The register of vital status: one row a person."""
    table = pd.DataFrame(
        {
            "id": ids,
            "status": np.where(people["vital_status"] == "dead", 1, 0),
            "death_date": people["death_date"].dt.strftime("%Y-%m-%d").fillna(""),
            "last_contact": people["last_contact_date"].dt.strftime("%Y-%m-%d"),
        }
    )
    temporary = path.with_name(f".{path.name}.tmp")
    table.to_csv(temporary, index=False, lineterminator="\n")
    temporary.replace(path)
    return path


_WRITERS: dict[str, Callable[[RawFile, Path], None]] = {
    ".sav": _write_sav,
    ".zsav": _write_sav,
    ".dta": _write_dta,
    ".xpt": _write_xpt,
    ".csv": _write_csv,
    ".xlsx": _write_xlsx,
    ".parquet": _write_parquet,
}
