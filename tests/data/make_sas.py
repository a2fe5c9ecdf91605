"""Write visits.sas7bdat and formats.sas7bcat: invented values, through ReadStat inside pyreadstat.

pyreadstat reads these formats but offers no function to write them, so the C functions of its bundled ReadStat are
called directly. Run once: ``python tests/data/make_sas.py``; the two files are committed.
"""

from __future__ import annotations

import ctypes
from pathlib import Path

import pyreadstat._readstat_writer as bundled

STRING, DOUBLE = 0, 5
FOLDER = Path(__file__).parent / "sas"
# ID, SMOKE (.A refused, .B unknown, . blank), EXAMDT (days since 1960), SEEN (seconds since 1960)
ROWS = [
    ("P1", 1.0, 21185.0, 1830384000.0),
    ("P2", "A", 21186.0, 1830470400.0),
    ("P3", "B", None, None),
    ("P4", None, 21188.0, 1830643200.0),
    ("P5", 2.0, 21189.0, 1830729600.0),
]
LABELS = {1: "Never", 2: "Current"}

lib = ctypes.CDLL(bundled.__file__)
for name in ("readstat_writer_init", "readstat_add_label_set", "readstat_add_variable"):
    getattr(lib, name).restype = ctypes.c_void_p
WRITER = ctypes.CFUNCTYPE(ctypes.c_ssize_t, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p)


def checked(error: int) -> None:
    if error:
        raise RuntimeError(f"ReadStat error {error}")


def open_writer(path: Path):
    file = path.open("wb")

    @WRITER
    def write(data, length, _):
        return file.write(ctypes.string_at(data, length))

    writer = ctypes.c_void_p(lib.readstat_writer_init())
    checked(lib.readstat_set_data_writer(writer, write))
    return file, writer, write


def variable(writer, name: str, kind: int, width: int, label: str, form: str):
    out = ctypes.c_void_p(lib.readstat_add_variable(writer, name.encode(), kind, ctypes.c_size_t(width)))
    lib.readstat_variable_set_label(out, label.encode())
    lib.readstat_variable_set_format(out, form.encode())
    return out


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    file, writer, keep = open_writer(FOLDER / "formats.sas7bcat")
    labels = ctypes.c_void_p(lib.readstat_add_label_set(writer, DOUBLE, b"SMOKEF"))
    for code, text in LABELS.items():
        lib.readstat_label_double_value(labels, ctypes.c_double(code), text.encode())
    checked(lib.readstat_begin_writing_sas7bcat(writer, None))
    checked(lib.readstat_end_writing(writer))
    file.close()

    file, writer, keep = open_writer(FOLDER / "visits.sas7bdat")
    columns = [
        variable(writer, "ID", STRING, 4, "Number of the person", "$4"),
        variable(writer, "SMOKE", DOUBLE, 8, "Smoking", "SMOKEF"),
        variable(writer, "EXAMDT", DOUBLE, 8, "Date of the examination", "DATE9"),
        variable(writer, "SEEN", DOUBLE, 8, "Last contact", "DATETIME20"),
    ]
    checked(lib.readstat_begin_writing_sas7bdat(writer, None, ctypes.c_long(len(ROWS))))
    for row in ROWS:
        checked(lib.readstat_begin_row(writer))
        for column, value in zip(columns, row, strict=True):
            if value is None:
                checked(lib.readstat_insert_missing_value(writer, column))
            elif column is columns[0]:
                checked(lib.readstat_insert_string_value(writer, column, value.encode()))
            elif isinstance(value, str):
                checked(
                    lib.readstat_insert_tagged_missing_value(writer, column, ctypes.c_char(value.encode()))
                )
            else:
                checked(lib.readstat_insert_double_value(writer, column, ctypes.c_double(value)))
        checked(lib.readstat_end_row(writer))
    checked(lib.readstat_end_writing(writer))
    file.close()
    del keep  # the callback had to live until here


if __name__ == "__main__":
    main()
