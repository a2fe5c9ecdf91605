"""The columns of `visits` and `reasons`, made from the vectors of all waves when they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ..dictionary.model import Variable
from ..study import KEYS
from .people import People
from .spool import Spool
from .vectors import Vector
from .visits import Visits

GROUP = 100_000  # visits of a row group


class Columns(Mapping[str, pd.Series]):
    """Columns by their names, none of which is kept."""

    def __init__(self, names: Sequence[str], make: Callable[[str], Any]):
        self.names, self.make = names, make

    def __getitem__(self, name: str) -> pd.Series:
        return pd.Series(self.make(name), copy=False)

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)


@dataclass(frozen=True)
class VisitColumns:
    """The visits of all cohorts, wave by wave, with the persons of each; `variables` are the visit variables."""

    blocks: list[tuple[People, Visits]]
    variables: dict[str, Variable]
    cohorts: list[str]
    waves: list[str]

    @property
    def names(self) -> list[str]:
        return [*KEYS, *self.variables]

    @property
    def values(self) -> Columns:
        return Columns(self.names, lambda name: self._column(name)[0])

    @property
    def why(self) -> Columns:
        return Columns(self.names, lambda name: self._column(name)[1])

    def levels(self, name: str) -> list[str]:
        """Codes of a variable of type `code` that occur."""
        return used_levels([block.vectors[name] for _, block in self.blocks])

    def frames(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        """`visits` and `reasons` in memory; the vectors leave the blocks."""
        values, why = {}, {}
        for name in self.names:
            values[name], why[name] = self._column(name)
            for _, block in self.blocks:
                block.vectors.pop(name, None)
        return pd.DataFrame(values, copy=False), pd.DataFrame(why, copy=False)

    def groups(self, part: int) -> Iterator[pd.DataFrame]:
        """`visits` (part 0) or `reasons` (part 1) in pieces of `GROUP` rows; the first has none."""
        levels = {name: self.levels(name) for name, v in self.variables.items() if v.type == "code"}
        pieces = [
            (people, block, slice(start, start + GROUP))
            for people, block in self.blocks
            for start in range(0, len(block), GROUP)
        ]
        for one in ([], *([piece] for piece in pieces)):
            data = {name: self._key(name, one)[part] for name in KEYS}
            for name, variable in self.variables.items():
                vectors = [_rows(block, name, rows) for _, block, rows in one]
                data[name] = column(vectors, variable, levels.get(name))[part]
            yield pd.DataFrame(data, copy=False)

    def _column(self, name: str) -> tuple[Any, np.ndarray]:
        if name in KEYS:
            return self._key(name, [(people, block, slice(0, len(block))) for people, block in self.blocks])
        return column([block.vectors[name] for _, block in self.blocks], self.variables[name])

    def _key(self, name: str, pieces: Sequence[tuple[People, Visits, slice]]) -> tuple[Any, np.ndarray]:
        persons = [block.person[rows] for _, block, rows in pieces]
        sizes = [len(person) for person in persons]
        why = np.zeros(sum(sizes), np.int8)
        if name == "participant_id":
            ids = [
                people.ids.to_numpy()[person] for (people, _, _), person in zip(pieces, persons, strict=True)
            ]
            return np.concatenate(ids or [np.array([], object)]), why
        levels = self.cohorts if name == "cohort" else self.waves
        told = [block.cohort if name == "cohort" else block.wave for _, block, _ in pieces]
        codes = np.repeat(np.array([levels.index(level) for level in told], np.int8), sizes)
        return pd.Categorical.from_codes(codes, levels), why


def column(
    parts: Sequence[Vector], variable: Variable, levels: Sequence[str] | None = None
) -> tuple[Any, np.ndarray]:
    """One column and its reasons from the vectors of all waves, in the dtype of the schema.

    `levels` are those of a variable of type `code` where `parts` are not all of it.
    """
    why = np.concatenate([part.why for part in parts]) if parts else np.array([], np.int8)
    if variable.is_number:
        return np.concatenate([part.data for part in parts]) if parts else np.array([], float), why
    if variable.type == "date":
        data = np.concatenate([part.data for part in parts]) if parts else np.array([], "datetime64[D]")
        return data.astype("datetime64[ns]"), why
    if variable.levels:
        codes = np.concatenate([part.data for part in parts]) if parts else np.array([], np.int8)
        ordered = variable.type == "ordinal"
        return pd.Categorical.from_codes(codes, list(variable.levels), ordered=ordered), why
    if variable.type == "code":
        known = pd.Index(used_levels(parts) if levels is None else levels, dtype=object)
        positions = [
            np.append(known.get_indexer(pd.Index(p.levels, dtype=object)), -1)[p.data] for p in parts
        ]
        joined = np.concatenate(positions) if parts else np.array([], int)
        return pd.Categorical.from_codes(joined, [str(level) for level in known]), why
    texts = [np.array([*_levels(part), None], dtype=object)[part.data] for part in parts]
    return np.concatenate(texts or [np.array([], object)]), why


def used_levels(parts: Sequence[Vector]) -> list[str]:
    """Only levels that occur, in order: those of rows set aside must not enter the study."""
    used: set[str] = set()
    for part in parts:
        positions = np.unique(part.data)
        used.update(_levels(part)[positions[positions >= 0]])
    return [str(level) for level in sorted(used)]


def _levels(vector: Vector) -> np.ndarray:
    assert vector.levels is not None
    return vector.levels


def _rows(block: Visits, name: str, rows: slice) -> Vector:
    vectors = block.vectors
    return vectors.rows(name, rows) if isinstance(vectors, Spool) else vectors[name].take(rows)
