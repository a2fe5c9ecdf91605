"""Standard populations, and the age (and sex) cells in which data and a standard meet.

The populations are small files in populations/, each with its source. `standard_cells` is what every
standardized estimate is built on: the share of the standard in each cell, and the cell of each row of the data.
"""

from __future__ import annotations

import io
import math
from dataclasses import dataclass
from importlib.resources import files

import numpy as np
import pandas as pd

from .age_bands import AgeBand, find_containing, read_bands, require_disjoint, unique_bands
from .wording import suggest

POPULATIONS = ("china-2010", "china-2020", "who-2000-2025", "segi")


def standard_population(name: str) -> pd.DataFrame:
    """A standard population by age.

    Parameters
    ----------
    name : {"china-2010", "china-2020", "who-2000-2025", "segi"}
        The censuses of China (2010 by single year of age and sex, 2020 by five years), the WHO world standard
        of 2000-2025 (percentages as published; they sum to 100.035) and Segi's world standard (100,000 people).

    Returns
    -------
    DataFrame
        `age_low` and `age_high` (completed years, both included; NaN where the band is open), `sex` where it
        is known, `population`. `.attrs` has `name`, `source` and `note`.

    Raises
    ------
    ValueError
        For another name.

    Examples
    --------
    >>> standard_population("segi").head(2)
       age_low  age_high  population
    0        0       4.0     12000.0
    1        5       9.0     10000.0
    """
    if name not in POPULATIONS:
        raise ValueError(
            f"standard '{name}' is unknown.{suggest(name, POPULATIONS)} There are: {', '.join(POPULATIONS)}"
        )
    text = (files("dermcohort") / "populations" / f"{name}.csv").read_text("utf-8")
    about = [line[2:].split(": ", 1) for line in text.splitlines() if line.startswith("# ")]
    numbers = {"age_low": int, "age_high": float, "population": float}
    table = pd.read_csv(io.StringIO(text), comment="#", dtype=numbers)
    table.attrs = {"name": name, **dict(about)}
    return table


@dataclass(frozen=True, eq=False)
class StandardCells:
    """Where data and standard meet.

    Parameters
    ----------
    table : DataFrame
        One row a cell: `age` (label), `sex` where asked for, `share` of the standard (sums to 1).
    codes : ndarray of int, shape (n,)
        The cell of each row of the data.
    name : str
        The standard, for the methods section.
    notes : tuple of str
        What was left out of the standard, and why.
    """

    table: pd.DataFrame
    codes: np.ndarray
    name: str
    notes: tuple[str, ...]

    @property
    def labels(self) -> list[str]:
        """What each cell is called."""
        return [" ".join(row) for row in self.table.drop(columns="share").itertuples(index=False)]


def standard_cells(
    age: pd.Series, standard: str | pd.DataFrame, sex: pd.Series | None = None
) -> StandardCells:
    """The share of a standard population in each age (and sex) cell, and the cell of each row.

    Ages as numbers are put into the bands of the standard; where those are single years, into bands of five.
    Bands in the data may be wider or narrower than the standard's but must nest. The standard is restricted to
    the ages between the first and the last band that occur in the data, and to the sexes that occur.

    Parameters
    ----------
    age : Series
        Numbers (years) or age bands (labels, categories, intervals), none missing.
    standard : str or DataFrame
        A name of `standard_population`, or `age` (labels) or `age_low` and `age_high`, `population` and
        perhaps `sex`.
    sex : Series, optional
        None missing; its levels are those of the standard.

    Raises
    ------
    ValueError
        If bands do not nest or overlap, an age or a sex is not in the standard, or the standard has no sex.

    Examples
    --------
    >>> cells = standard_cells(pd.Series(["20-39", "40+", "40+"]), "segi")
    >>> cells.table.round(3)
         age  share
    0  20-39  0.467
    1    40+  0.533
    >>> cells.codes
    array([0, 1, 1])
    """
    named = standard_population(standard) if isinstance(standard, str) else standard
    if not isinstance(named, pd.DataFrame):
        raise TypeError(f"standard must be a name or a DataFrame, it is {type(standard).__name__}")
    name = str(named.attrs.get("name", "given in a table"))
    population = read_bands(named, "population", "standard")
    levels, sex_codes, notes = _match_sexes(population, sex)
    cells, cell_codes = _match_bands(sorted(set(population["band"])), age)
    if sex is not None:
        population = population[population["sex"].isin(levels)]
    people = np.array([[_people(population, band, level) for level in levels] for band in cells])
    if not people.sum() > 0:
        raise ValueError("standard: its population in the age bands of the data is 0")
    notes += _age_notes(population, name, cells, age)
    table = pd.DataFrame({"age": np.repeat([str(band) for band in cells], len(levels))})
    if sex is not None:
        table["sex"] = np.tile(np.array(levels, dtype=object), len(cells))
    table["share"] = (people / people.sum()).ravel()
    return StandardCells(table, cell_codes * len(levels) + sex_codes, name, tuple(notes))


def _match_sexes(
    population: pd.DataFrame, sex: pd.Series | None
) -> tuple[list[str | None], np.ndarray | int, list[str]]:
    """The sexes that occur (one that is None where sex is left out), that of each row, and a note."""
    if sex is None:
        return [None], 0, []
    if "sex" not in population:
        raise ValueError("sex: this standard population has no sex; leave sex out, or give it in by")
    values = sex.astype(str)
    known = list(dict.fromkeys(population["sex"]))
    if unknown := sorted(set(values) - set(known)):
        raise ValueError(
            f"sex: '{sex.name}' has '{unknown[0]}', the standard population has {', '.join(known)}"
        )
    levels: list[str | None] = [level for level in known if (values == level).any()]
    absent = [level for level in known if level not in levels]
    notes = [f"The standard is restricted to the sex of the data ({levels[0]})."] if absent and levels else []
    return levels, pd.Categorical(values, categories=levels).codes.astype(int), notes


def _match_bands(bands: list[AgeBand], age: pd.Series) -> tuple[list[AgeBand], np.ndarray]:
    """The cells between the first and the last age of the data, empty ones too, and the cell of each row."""
    found, codes = unique_bands(age, str(age.name))
    single_years = all(band.high in (band.low, math.inf) for band in bands)
    if found and single_years and pd.api.types.is_numeric_dtype(age.dtype):
        bands = _bands_of_five(bands, found[0].low, found[-1].high)
    homes = [_home(band, bands) for band in found]
    if wrong := [str(band) for band, home in zip(found, homes, strict=True) if home is None]:
        raise ValueError(
            f"'{age.name}': {_shorten(wrong)} match no age bands of the standard, which has "
            f"{_shorten([str(band) for band in bands])}: a band must add some of these up, or lie within one"
        )
    used = sorted({home for home in homes if home is not None})
    require_disjoint(used, f"'{age.name}'")
    between = [band for band in bands if used[0].low <= band.low and band.high <= used[-1].high]
    cells = sorted({*used, *(band for band in between if find_containing(band, used) is None)})
    position = np.array([cells.index(home) for home in homes if home is not None], dtype=int)
    return cells, position[codes]


def _home(band: AgeBand, bands: list[AgeBand]) -> AgeBand | None:
    """`band` itself where bands of the standard make it up without a gap, else the one it lies in."""
    inside = [other for other in bands if band.contains(other)]
    ends = [band.low - 1, *(other.high for other in inside)]
    starts = [*(other.low for other in inside), band.high + 1]
    if inside and all(end + 1 == start for end, start in zip(ends, starts, strict=True)):
        return band
    return find_containing(band, bands)


def _bands_of_five(years: list[AgeBand], youngest: float, oldest: float) -> list[AgeBand]:
    """Single years between the ends of the data in bands that start at 0, 5, 10 ...; the open band as it is."""
    kept = [year for year in years if year.high >= youngest and year.low <= oldest]
    closed = pd.Series([year.low for year in kept if year.low == year.high], dtype=float)
    fives = [AgeBand(group.min(), group.max()) for _, group in closed.groupby(closed // 5)]
    return [*fives, *(year for year in kept if math.isinf(year.high))]


def _people(population: pd.DataFrame, cell: AgeBand, sex: str | None) -> float:
    inside = np.array([cell.contains(band) for band in population["band"]])
    if sex is not None:
        inside &= (population["sex"] == sex).to_numpy()
    return float(population["population"].to_numpy()[inside].sum())


def _age_notes(population: pd.DataFrame, name: str, cells: list[AgeBand], age: pd.Series) -> list[str]:
    """What a reader must know where the standard is not used whole, or its first band has only older people."""
    notes = []
    inside = np.array([find_containing(band, cells) is not None for band in population["band"]])
    people = population["population"].to_numpy()
    if people[~inside].any():
        notes.append(
            f"The standard population ({name}) is restricted to ages {AgeBand(cells[0].low, cells[-1].high)}, "
            f"those of the data: {100 * people[inside].sum() / people.sum():.1f}% of it."
        )
    if pd.api.types.is_numeric_dtype(age.dtype) and age.min() >= cells[0].low + 1:
        notes.append(
            f"The youngest in the data are {math.floor(age.min())}; the band {cells[0]} of the standard counts "
            "whole for them."
        )
    return notes


def _shorten(labels: list[str]) -> str:
    return ", ".join(labels if len(labels) <= 8 else [*labels[:4], "...", *labels[-2:]])
