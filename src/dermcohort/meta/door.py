"""What a meta-analysis checks before it starts, the same for estimates and for proportions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ..estimates import missing_note
from ..wording import suggest
from .random_effects import METHODS

SYNONYMS = {"fixed": "EE", "FE": "EE"}


def check_method(method: str, hksj: bool, conf_level: float, also: Sequence[str] = ()) -> str:
    """The estimator of tau2 by its one name."""
    choices = [*METHODS, *SYNONYMS, *also]
    if method not in choices:
        raise ValueError(
            f"method='{method}' is unknown; choose one of {', '.join(choices)}.{suggest(method, choices)}"
        )
    found = SYNONYMS.get(method, method)
    if hksj and found in ("EE", *also):
        raise ValueError(f"hksj=True goes with a normal random-effects model such as 'REML', not '{method}'")
    if not 0 < conf_level < 1:
        raise ValueError(f"conf_level={conf_level} must lie between 0 and 1, e.g. 0.95")
    return found


def study_frame(
    columns: Mapping[str, Any], numeric: Sequence[str]
) -> tuple[pd.DataFrame, dict[str, int], tuple[str, ...]]:
    """The studies that have all they need, how many lack what, and the note that says so.

    `columns` has "labels", which may be None or have gaps: such studies are called by their number.
    """
    given = {name: list(values) for name, values in columns.items() if values is not None}
    rows = len(given[numeric[0]])
    for name, values in given.items():
        if len(values) != rows:
            raise ValueError(f"{name} has {len(values)} values and {numeric[0]} has {rows}: give one a study")
    frame = pd.DataFrame(given, index=pd.RangeIndex(rows), columns=list(given))
    for name in numeric:
        try:
            frame[name] = frame[name].astype("Float64").to_numpy(float, na_value=np.nan)
        except (TypeError, ValueError):
            raise ValueError(f"{name} must be numbers, one a study") from None
        if np.isinf(frame[name]).any():
            raise ValueError(f"{name}: {int(np.isinf(frame[name]).sum())} of {rows} are infinite")
    names = frame["labels"] if "labels" in frame else [None] * rows
    frame["labels"] = [f"study {i}" if pd.isna(name) else str(name) for i, name in enumerate(names, 1)]
    if (frame["labels"] == "pooled").any():
        raise ValueError("labels: a study is called 'pooled', the name of the pooled row; rename it")
    n_missing = {name: int(frame[name].isna().sum()) for name in given if name != "labels"}
    complete = frame.dropna().reset_index(drop=True)
    if complete.empty:
        raise ValueError(
            f"{numeric[0]}: no study has all of {', '.join(n_missing)}; there is nothing to pool"
        )
    return complete, n_missing, missing_note(len(complete), rows, n_missing)
