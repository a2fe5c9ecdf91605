"""What every comparison of rates does first: check what was given, and add up events and person-time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..design import require_columns
from ..estimates import missing_note
from ..groups import event_counts, group_codes, whole
from ..prevalence.compare_groups import LARGEST_NUMBER_OF_LEVELS
from .rates import PER_YEAR, time_at_risk


@dataclass(frozen=True)
class RateGroups:
    """Rows, events and person-years of each level of an exposure, in order, within strata.

    `counts` has a row a stratum and level that occur; `n`, `events` and `n_missing` are of all rows.
    """

    exposure: str
    strata: list[str]
    counts: pd.DataFrame
    n: int
    events: int
    n_missing: Mapping[str, int]
    notes: tuple[str, ...]

    @property
    def totals(self) -> dict[str, np.ndarray]:
        """Columns n, events, person_years."""
        return {name: self.counts[name].to_numpy() for name in ("n", "events", "person_years")}

    def side_by_side(self) -> tuple[pd.DataFrame, list[object]]:
        """One row a stratum: events x and time t of the reference (0) and the other level (1), and the two levels.

        Raises
        ------
        ValueError
            If the exposure has not two levels.
        """
        levels = self.counts[self.exposure].drop_duplicates().sort_values().tolist()
        if len(levels) != 2:
            raise ValueError(
                f"exposure: '{self.exposure}' has {len(levels)} levels; with strata two are compared"
            )
        group, cells = group_codes(self.counts[self.strata])
        other = (self.counts[self.exposure] == levels[1]).to_numpy()
        for i, inside in enumerate((~other, other)):
            for short, name in (("x", "events"), ("t", "person_years")):
                values = self.counts[name].to_numpy(float)[inside]
                cells[f"{short}{i}"] = np.bincount(group[inside], values, len(cells))
        cells["n"] = np.bincount(group, self.counts["n"], len(cells)).astype(int)
        cells["events"] = whole((cells["x1"] + cells["x0"]).to_numpy())
        cells["person_years"] = cells["t1"] + cells["t0"]
        return cells, levels


def read_rate_groups(
    data: pd.DataFrame,
    time: str,
    event: str,
    exposure: str,
    strata: list[str],
    unit: str,
    conf_level: float,
) -> RateGroups:
    """Check what was given, leave out rows with missing values, and add up by stratum and level."""
    if unit not in PER_YEAR:
        raise ValueError(f"unit='{unit}' is unknown; choose one of {', '.join(PER_YEAR)}")
    if not 0 < conf_level < 1:
        raise ValueError(f"conf_level={conf_level} must lie between 0 and 1, e.g. 0.95")
    used = [time, event, exposure, *strata]
    require_columns(data, used, "data")
    if len(set(used)) < len(used):
        raise ValueError(f"time, event, exposure and strata must be different columns, not {', '.join(used)}")
    n_missing = {name: int(data[name].isna().sum()) for name in used}
    rows = data[data[used].notna().all(axis=1)]
    years = time_at_risk(rows[time], time) / PER_YEAR[unit]
    events = event_counts(rows[event], event)
    n_levels = rows[exposure].nunique()
    if n_levels < 2:
        raise ValueError(
            f"exposure: '{exposure}' has {n_levels} level(s) among the {len(rows):,} complete rows; "
            "a comparison needs two or more"
        )
    if n_levels > LARGEST_NUMBER_OF_LEVELS:
        raise ValueError(
            f"exposure: '{exposure}' has {n_levels:,} different values: cut it into groups (pandas.cut), "
            "or use a model for a measurement"
        )
    group, counts = group_codes(rows[[*strata, exposure]])
    counts["n"] = np.bincount(group, minlength=len(counts))
    counts["events"] = whole(np.bincount(group, events, len(counts)))
    counts["person_years"] = np.bincount(group, years, len(counts))
    empty = counts.loc[counts["person_years"] == 0, exposure]
    if not strata and len(empty):
        raise ValueError(f"exposure: nobody is at risk at the level '{empty.iloc[0]}' of '{exposure}'")
    return RateGroups(
        exposure=exposure,
        strata=strata,
        counts=counts,
        n=len(rows),
        events=int(events.sum()),
        n_missing=n_missing,
        notes=missing_note(len(rows), len(data), n_missing),
    )
