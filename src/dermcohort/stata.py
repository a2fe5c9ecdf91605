"""The rows of a Stata file, as stored: every missing of a number keeps its letter, and only declared columns are kept.

For files of Stata 14 and later (formats 118 and 119), whose rows have a fixed width. pandas gives each missing as a
Python object (.a, .b), which costs twenty times as much where half of a column is missing; readers.py asks it only for
older files and for long texts (strL), which stand outside the rows. Source: Stata, help dta, sections 5 and 6.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

BLOCK = 1 << 22  # bytes of rows read at a time
LETTERS = 26
# code of a storage type -> type, bits of the plain missing, distance in bits from . to .a and from .a to .b
NUMBERS: dict[int, tuple[str, int, int]] = {
    65526: ("f8", 0x7FE0_0000_0000_0000, 0x0000_0100_0000_0000),
    65527: ("f4", 0x7F00_0000, 0x0000_0800),
    65528: ("i4", 2_147_483_621, 1),
    65529: ("i2", 32_741, 1),
    65530: ("i1", 101, 1),
}
STRL, STRL_WIDTH = 32768, 8
MAP = b"</timestamp></header><map>"  # what follows are the places of the sections of the file


def read_cells(
    path: Path, names: Sequence[str], columns: Sequence[str], n_rows: int
) -> dict[str, np.ndarray] | None:
    """Cells of `columns` as the file stores them, or None where only pandas can read them.

    `names` are all columns of the file, in order. Raises `EOFError` if the file holds fewer than `n_rows` rows.
    """
    row, begin = _layout(path, names)
    if not set(columns) <= set(row.names or ()):
        return None
    cells = {name: np.empty(n_rows, row[name]) for name in columns}
    step = max(1, BLOCK // row.itemsize)
    with path.open("rb") as file:
        file.seek(begin)
        for first in range(0, n_rows, step):
            block = np.fromfile(file, row, min(step, n_rows - first))
            if len(block) < min(step, n_rows - first):
                raise EOFError
            for name, values in cells.items():
                values[first : first + len(block)] = block[name]
    return cells


def numbers_and_tags(cells: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
    """Numbers with NaN, and the letters of tagged missings if there are any (0 elsewhere).

    From the plain missing upwards, bits count the missings: ., .a, ..., .z.
    """
    plain, distance = next((a, b) for kind, a, b in NUMBERS.values() if kind == cells.dtype.str[1:])
    bits = cells.view(cells.dtype.str.replace("f", "i"))
    absent = bits >= plain
    numbers = np.where(absent, np.nan, cells).astype(float)
    letters = (bits[absent].astype(np.int64) - plain) // distance
    letters[letters > LETTERS] = 0
    if not letters.any():
        return numbers, None
    tags = np.zeros(len(cells), np.uint8)
    tags[absent] = np.where(letters > 0, ord("a") - 1 + letters, 0)
    return numbers, tags


def texts(cells: np.ndarray) -> np.ndarray:
    """Texts, which end at their first zero byte. Raises `UnicodeDecodeError` if one is no UTF-8."""
    codes, levels = pd.factorize(cells.astype(object))
    decoded = [level.split(b"\0", 1)[0].decode("utf-8") for level in levels]
    return np.array(decoded, dtype=object)[codes]


def _layout(path: Path, names: Sequence[str]) -> tuple[np.dtype, int]:
    """What a row is made of, and where the first one begins; no fields for an older file or a long text."""
    with path.open("rb") as file:
        head = file.read(1024)
        map_begin = head.find(MAP) + len(MAP)
        if not re.search(rb"<release>11[89]</release>", head) or map_begin < len(MAP):
            return np.dtype([]), 0
        order: Literal["<", ">"] = ">" if b"<byteorder>MSF" in head else "<"
        places = np.frombuffer(head, f"{order}i8", 14, map_begin)
        file.seek(int(places[2]) + len(b"<variable_types>"))
        codes = np.frombuffer(file.read(2 * len(names)), f"{order}u2").tolist()
    fields: dict[str, tuple[np.dtype, int]] = {}
    width = 0
    for name, code in zip(names, codes, strict=True):
        kind = np.dtype(NUMBERS[code][0] if code > STRL else f"S{code if code < STRL else STRL_WIDTH}")
        if code != STRL:
            fields[name] = kind.newbyteorder(order), width
        width += kind.itemsize
    formats, offsets = [kind for kind, _ in fields.values()], [offset for _, offset in fields.values()]
    row = np.dtype({"names": list(fields), "formats": formats, "offsets": offsets, "itemsize": width})
    return row, int(places[9]) + len(b"<data>")
