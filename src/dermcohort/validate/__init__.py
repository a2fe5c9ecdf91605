"""The package's numbers against R's on this machine: the reference values of `validation/golden.csv`, recomputed."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from ..wording import suggest
from . import (
    competing_risks,
    descriptions,
    meta_analyses,
    prevalences,
    regressions,
    standardizations,
    surveys,
    survivals,
)
from .registry import REGISTRY, Read, Recomputation

__all__ = ["COLUMNS", "REGISTRY", "validate"]

COLUMNS = ["topic", "id", "name", "reference", "value", "relative_difference", "tolerance", "ok", "reason"]
# importing a module registers what it recomputes
TOPICS = (
    prevalences,
    standardizations,
    surveys,
    meta_analyses,
    descriptions,
    regressions,
    survivals,
    competing_risks,
)


def validate(folder: str | Path = "validation", ids: Iterable[str] = ()) -> pd.DataFrame:
    """Recompute the reference values from R that are in `folder` and compare.

    Parameters
    ----------
    folder : str or Path
        The folder `validation/` of a source checkout, with golden.csv and data/.
    ids : iterable of str
        Only these ids; all that can be recomputed without.

    Returns
    -------
    DataFrame
        One row a value, in the order of golden.csv: `topic`, `id`, `name` (R's), `reference`, `value`,
        `relative_difference` (absolute where the reference is 0), `tolerance`, `ok`, and `reason`, why an id could
        not be recomputed. Ids whose value rests on R's random numbers are not in it, nor are single values that no
        result of this package holds: the design effect of a mean, and df and p-value of an intercept.

    Raises
    ------
    FileNotFoundError
        Where `folder` has no golden.csv.
    ValueError
        For an id that cannot be recomputed.
    """
    folder = Path(folder)
    if not (folder / "golden.csv").is_file():
        raise FileNotFoundError(
            f"{folder} has no golden.csv: run this in a clone of the project, or name its folder validation/"
        )
    golden = pd.read_csv(folder / "golden.csv", keep_default_na=False)
    known = [name for name in golden["id"].unique() if name in REGISTRY]
    chosen = list(ids) or known
    for name in chosen:
        if name not in known:
            raise ValueError(f"'{name}' is not an id that can be recomputed.{suggest(name, known)}")
    read = partial(_read, folder)
    blocks = [
        _compare(rows, REGISTRY[name], read)
        for name, rows in golden.groupby("id", sort=False)
        if name in chosen
    ]
    return pd.concat(blocks, ignore_index=True)[COLUMNS]


def _read(folder: Path, name: str) -> pd.DataFrame:
    return pd.read_csv(folder / "data" / f"{name}.csv")


def _compare(rows: pd.DataFrame, recomputation: Recomputation, read: Read) -> pd.DataFrame:
    rows = rows[["id", "name"]].assign(
        reference=rows["value"].astype(float),
        tolerance=recomputation.tolerance,
        reason="",
        topic=recomputation.topic,
    )
    try:
        values = np.asarray(recomputation.values(read), float)
        if len(values) != len(rows):
            raise ValueError(f"{len(values)} values where R has {len(rows)}")
    except (
        Exception
    ) as error:  # whatever goes wrong on the machine of a reader is to be reported, not to end the run
        reason = f"{type(error).__name__}: {error}"
        return rows.assign(value=np.nan, relative_difference=np.nan, ok=False, reason=reason)
    rows = rows.assign(value=values).drop(index=rows.index[list(recomputation.unreported)])
    scale = rows["reference"].abs().where(rows["reference"] != 0, 1.0)
    difference = (rows["value"] - rows["reference"]).abs() / scale
    return rows.assign(relative_difference=difference, ok=difference <= rows["tolerance"])
