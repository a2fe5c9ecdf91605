"""Reference values from R (validation/) and the data sets they were computed on."""

from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

VALIDATION = Path(__file__).parents[1] / "validation"


@cache
def _values() -> pd.DataFrame:
    files = [VALIDATION / "golden.csv", *sorted((VALIDATION / "own").glob("*.csv"))]
    return pd.concat([pd.read_csv(file) for file in files], ignore_index=True)


def reference(identifier: str) -> np.ndarray:
    """The values of one id, in the order of the R command."""
    found = _values().loc[_values()["id"] == identifier, "value"].to_numpy()
    assert len(found), f"no reference value {identifier}"
    return found


def read(name: str) -> pd.DataFrame:
    """A data set of validation/data."""
    return pd.read_csv(VALIDATION / "data" / f"{name}.csv")
