"""Vectors kept on the disk, so that the visits of a study need not fit into memory."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from pathlib import Path

import numpy as np

from .vectors import Vector


class Spool(MutableMapping[str, Vector]):
    """A dict of vectors whose values and reasons are files of `folder`; what levels mean stays in memory.

    The folder is new and private (mode 0700). Whoever made it removes it.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        self.folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.folder.mkdir(mode=0o700)
        self._kinds: dict[str, tuple[str, np.ndarray | None]] = {}

    def __setitem__(self, name: str, vector: Vector) -> None:
        np.save(self._file(name, "data"), vector.data, allow_pickle=False)
        np.save(self._file(name, "why"), vector.why, allow_pickle=False)
        self._kinds[name] = (vector.kind, vector.levels)

    def __getitem__(self, name: str) -> Vector:
        return self.rows(name, slice(None))

    def rows(self, name: str, rows: slice) -> Vector:
        """The vector at `rows`; the others are not read."""
        kind, levels = self._kinds[name]
        data, why = (self._read(name, part)[rows].copy() for part in ("data", "why"))
        return Vector(kind, data, why, levels)

    def __delitem__(self, name: str) -> None:
        del self._kinds[name]
        for part in ("data", "why"):
            self._file(name, part).unlink()

    def __contains__(self, name: object) -> bool:  # without reading it
        return name in self._kinds

    def __iter__(self) -> Iterator[str]:
        return iter(self._kinds)

    def __len__(self) -> int:
        return len(self._kinds)

    def _file(self, name: str, part: str) -> Path:
        return self.folder / f"{name}.{part}.npy"

    def _read(self, name: str, part: str) -> np.ndarray:
        path = self._file(name, part)
        mapped: np.ndarray = np.load(path, mmap_mode="r", allow_pickle=False)
        return mapped.view(np.ndarray)
