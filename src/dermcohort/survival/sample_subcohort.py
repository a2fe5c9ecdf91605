"""A random subcohort of a cohort, for a case-cohort study.

Source: Prentice (1986) Biometrika 73:1; in strata: Borgan et al. (2000) Lifetime Data Anal 6:39.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..design import binary_outcome, require_columns


@dataclass(frozen=True, eq=False)
class Subcohort:
    """Who was sampled.

    Parameters
    ----------
    member : Series of bool
        One value a row of the data.
    cohort_size : int or dict
        People that were sampled from, in each stratum where there are strata: for `case_cohort`.
    table : DataFrame
        `n` people, of whom so many `available`, of whom so many `sampled`; a row a stratum.
    method : str
        One sentence for the methods section.
    notes : tuple of str
    """

    member: pd.Series
    cohort_size: int | dict[Hashable, int]
    table: pd.DataFrame
    method: str
    notes: tuple[str, ...]


def sample_subcohort(
    data: pd.DataFrame,
    size: float | Mapping[Hashable, float],
    *,
    stratum: str | None = None,
    available: str | None = None,
    seed: int,
) -> Subcohort:
    """Sample a subcohort without replacement, whoever will have the event.

    Parameters
    ----------
    data : DataFrame
        The cohort: one row a person at risk at the start.
    size : int, float, or mapping
        How many people, or below 1 which fraction of them. With `stratum` in each stratum, or by its level.
    stratum : str, optional
        Column to sample within; whose value is missing is not sampled.
    available : str, optional
        Column that is 0/1, bool or a category of two levels: who can be sampled at all (has a specimen). The cohort
        that is sampled from, and that `cohort_size` counts, is then those; missing means no.
    seed : int
        The same seed and rows give the same sample.

    Returns
    -------
    Subcohort

    Raises
    ------
    ValueError
        For a size that is more than there are, or not given for a stratum.

    Examples
    --------
    >>> cohort = pd.DataFrame({"sex": ["f", "m"] * 50})
    >>> sample = sample_subcohort(cohort, {"f": 10, "m": 0.1}, stratum="sex", seed=1)
    >>> sample.table["sampled"].tolist(), sample.cohort_size
    ([10, 5], {'f': 50, 'm': 50})
    """
    require_columns(data, [name for name in (stratum, available) if name is not None], "data")
    usable = np.ones(len(data), bool) if available is None else is_available(data, available)
    groups = _groups(data, stratum)
    if stratum is not None and isinstance(size, Mapping):
        missing = [level for level in groups if level not in size]
        if missing:
            raise ValueError(f"size has no number for {missing[0]!r} of '{stratum}'")
    elif isinstance(size, Mapping):
        raise ValueError("size by level needs stratum=: name the column, or give one number")

    rng = np.random.default_rng(seed)
    member = np.zeros(len(data), bool)
    counts = []
    for level, rows in groups.items():
        free = rows[usable[rows]]
        number = _number(size[level] if isinstance(size, Mapping) else size, len(free), level)
        member[rng.choice(free, number, replace=False)] = True
        counts.append({"n": len(rows), "available": len(free), "sampled": number})
    table = pd.DataFrame(counts)
    if stratum is not None:
        table.insert(0, stratum, list(groups))
    sizes = dict(zip(groups, map(int, table["available"]), strict=True))
    return Subcohort(
        member=pd.Series(member, data.index, name="subcohort"),
        cohort_size=int(table["available"].sum()) if stratum is None else sizes,
        table=table,
        method=f"A random subcohort of {int(member.sum()):,} people was sampled without replacement"
        f"{'' if stratum is None else f' within {stratum}'} (seed {seed}).",
        notes=_notes(data, usable, available, stratum),
    )


def is_available(data: pd.DataFrame, available: str) -> np.ndarray:
    """Who can be sampled; a missing value means not.

    Raises
    ------
    ValueError
        Where nobody can.
    """
    usable = binary_outcome(data[available], available) == 1
    if not usable.any():
        raise ValueError(f"available: '{available}' is true for nobody")
    return usable


def _groups(data: pd.DataFrame, stratum: str | None) -> dict[Hashable, np.ndarray]:
    """Numbers of the rows of each stratum."""
    if stratum is None:
        return {"the cohort": np.arange(len(data))}
    values = data[stratum].reset_index(drop=True)
    return {level: rows.index.to_numpy() for level, rows in values.groupby(values, observed=True)}


def _number(size: float, free: int, level: Hashable) -> int:
    number = round(size * free) if 0 < size < 1 else size
    if number != int(number) or not 0 < number <= free:
        raise ValueError(
            f"size={size:g}: {level} has {free:,} people who can be sampled; give a fraction below 1 or a whole "
            "number up to theirs"
        )
    return int(number)


def _notes(
    data: pd.DataFrame, usable: np.ndarray, available: str | None, stratum: str | None
) -> tuple[str, ...]:
    notes = []
    if available is not None:
        notes.append(
            f"{int(usable.sum()):,} of {len(data):,} people could be sampled ('{available}'): the cohort of the "
            "analysis is these, cases among them."
        )
    if stratum is not None and data[stratum].isna().any():
        notes.append(f"{int(data[stratum].isna().sum()):,} people with '{stratum}' missing were not sampled.")
    return tuple(notes)
