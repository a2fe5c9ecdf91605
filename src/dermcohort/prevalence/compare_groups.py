"""What every comparison of groups does first: check what was given, and count by level of the exposure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..design import binary_outcome, require_columns
from ..estimates import missing_note
from ..groups import count_by

LARGEST_NUMBER_OF_LEVELS = 30


@dataclass(frozen=True)
class Groups:
    """Rows and events of each level of an exposure, in order."""

    exposure: str
    counts: pd.DataFrame
    n_missing: Mapping[str, int]
    notes: tuple[str, ...]

    @property
    def nobody(self) -> np.ndarray:
        """Which levels have no event."""
        return (self.counts["events"] == 0).to_numpy()

    @property
    def everybody(self) -> np.ndarray:
        """Which levels have nothing but events."""
        return (self.counts["events"] == self.counts["n"]).to_numpy()


def read_groups(
    data: pd.DataFrame, outcome: str, exposure: str, conf_level: float, strata: Sequence[str] = ()
) -> Groups:
    """Check what was given, leave out rows with missing values, and count by stratum and level."""
    if not 0 < conf_level < 1:
        raise ValueError(f"conf_level={conf_level} must lie between 0 and 1, e.g. 0.95")
    used = [outcome, exposure, *strata]
    require_columns(data, used, "data")
    if len(set(used)) < len(used):
        raise ValueError(f"outcome, exposure and strata must be different columns, not {', '.join(used)}")
    event = pd.Series(binary_outcome(data[outcome], outcome), index=data.index)
    n_missing = {name: int(data[name].isna().sum()) for name in used}
    complete = data[used].notna().all(axis=1)
    n_levels = data.loc[complete, exposure].nunique()
    if n_levels < 2:
        raise ValueError(
            f"exposure: '{exposure}' has {n_levels} level(s) among the {int(complete.sum()):,} complete rows; "
            "a comparison needs two or more"
        )
    if n_levels > LARGEST_NUMBER_OF_LEVELS:
        raise ValueError(
            f"exposure: '{exposure}' has {n_levels:,} different values: cut it into groups (pandas.cut), "
            "or use a model for a measurement"
        )
    counts = count_by(event[complete], data.loc[complete, [*strata, exposure]])
    notes = missing_note(int(complete.sum()), len(data), n_missing)
    return Groups(exposure, counts, n_missing, notes)
