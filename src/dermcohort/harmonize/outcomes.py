"""The outcomes of the rules of one file, gathered table by table, in memory or on the disk."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from ..dictionary.model import Conversion
from .spool import Spool
from .vectors import Vector, join
from .verbs import Outcome, summed_counts


class Outcomes(MutableMapping[str, Outcome]):
    """Variable -> outcome, in the order of `names`; with a `folder` their vectors are files of it."""

    def __init__(self, names: Sequence[str], folder: Path | None = None):
        self._names = tuple(names)
        self._vectors: _InMemory | Spool = _InMemory() if folder is None else Spool(folder)
        self._about: dict[str, _About] = {}

    def add(self, name: str, outcome: Outcome) -> None:
        """The outcome of the next rows."""
        about = self._about.setdefault(name, _About(outcome.factor))
        if outcome.limits is not None:
            known = np.flatnonzero(~np.isnan(outcome.limits))
            about.limits.append((known + about.n, outcome.limits[known]))
        if outcome.before is not None:
            about.before.append(outcome.before)
        about.n += len(outcome.vector)
        self._vectors.append(name, outcome.vector)

    def __getitem__(self, name: str) -> Outcome:
        about = self._about[name]
        if len(about.before) > 1:
            about.before = [summed_counts(about.before)]
        limits = None
        if about.limits:
            limits = np.full(about.n, np.nan)
            for rows, values in about.limits:
                limits[rows] = values
        before = about.before[0] if about.before else None
        return Outcome(self._vectors[name], limits, before, about.factor)

    def __setitem__(self, name: str, outcome: Outcome) -> None:
        if name in self:
            del self[name]
        self.add(name, outcome)

    def __delitem__(self, name: str) -> None:
        del self._about[name]
        del self._vectors[name]

    def __contains__(self, name: object) -> bool:  # without reading it
        return name in self._about

    def __iter__(self) -> Iterator[str]:
        return (name for name in self._names if name in self._about)

    def __len__(self) -> int:
        return len(self._about)


@dataclass
class _About:
    """What of an outcome is small: the unit factor, the counts and detection limits of each table, the rows so far."""

    factor: Conversion | None
    before: list[pd.DataFrame] = field(default_factory=list)
    limits: list[tuple[np.ndarray, np.ndarray]] = field(default_factory=list)
    n: int = 0


class _InMemory:
    """What a `Spool` does, without a folder: parts of a vector are joined when it is asked for."""

    def __init__(self) -> None:
        self._parts: dict[str, list[Vector]] = {}

    def append(self, name: str, vector: Vector) -> None:
        self._parts.setdefault(name, []).append(vector)

    def __getitem__(self, name: str) -> Vector:
        self._parts[name] = [join(self._parts[name])]
        return self._parts[name][0]

    def __delitem__(self, name: str) -> None:
        del self._parts[name]
