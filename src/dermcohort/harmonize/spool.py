"""Vectors kept on the disk, so that the visits of a study need not fit into memory."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from .vectors import Vector


@dataclass
class _Kept:
    """What of a vector stays in memory: its kind, the type of its data, what codes mean, its length."""

    kind: str
    dtype: np.dtype
    levels: np.ndarray | None
    n: int


class Spool(MutableMapping[str, Vector]):
    """A dict of vectors whose values and reasons are files of `folder`; what levels mean stays in memory.

    The folder is new and private (mode 0700). Whoever made it removes it.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        self.folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.folder.mkdir(mode=0o700)
        self._kept: dict[str, _Kept] = {}

    def append(self, name: str, vector: Vector) -> None:
        """Add rows to the end of a vector, or begin one; codes of texts are those of all rows' levels."""
        if name not in self:
            self[name] = vector
            return
        kept, data = self._kept[name], vector.data
        if vector.levels is not None and list(vector.levels) != list(kept.levels):  # type: ignore[arg-type]
            known, new = pd.Index(kept.levels, dtype=object), pd.Index(vector.levels, dtype=object)
            levels = known.append(new.difference(known, sort=False))
            data = np.append(levels.get_indexer(new), -1)[data]
            kept.levels = levels.to_numpy()
        self._write(name, data.astype(kept.dtype), vector.why, "ab")
        kept.n += len(vector)

    def rows(self, name: str, rows: slice) -> Vector:
        """The vector at `rows`; the others are not read."""
        kept = self._kept[name]
        start, stop, _ = rows.indices(kept.n)
        data = self._read(name, "data", kept.dtype, start, stop)
        return Vector(kept.kind, data, self._read(name, "why", np.dtype(np.int8), start, stop), kept.levels)

    def __setitem__(self, name: str, vector: Vector) -> None:
        self._kept[name] = _Kept(vector.kind, vector.data.dtype, vector.levels, len(vector))
        self._write(name, vector.data, vector.why, "wb")

    def __getitem__(self, name: str) -> Vector:
        return self.rows(name, slice(None))

    def __delitem__(self, name: str) -> None:
        del self._kept[name]
        for part in ("data", "why"):
            self._file(name, part).unlink()

    def __contains__(self, name: object) -> bool:  # without reading it
        return name in self._kept

    def __iter__(self) -> Iterator[str]:
        return iter(self._kept)

    def __len__(self) -> int:
        return len(self._kept)

    def _file(self, name: str, part: str) -> Path:
        return self.folder / f"{name}.{part}"

    def _write(self, name: str, data: np.ndarray, why: np.ndarray, mode: str) -> None:
        for part, array in (("data", data), ("why", why)):
            with self._file(name, part).open(mode) as file:
                np.ascontiguousarray(array).tofile(file)

    def _read(self, name: str, part: str, dtype: np.dtype, start: int, stop: int) -> np.ndarray:
        size = dtype.itemsize
        return np.fromfile(self._file(name, part), dtype, count=max(stop - start, 0), offset=start * size)
