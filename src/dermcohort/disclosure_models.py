"""What is made of a model or of curves, and has no counts of its own: hidden where the counts behind it are."""

from __future__ import annotations

import numpy as np
import pandas as pd

from .disclosure_curves import times_apart
from .estimates import Estimates
from .survival.cox_fit import CoxFit
from .survival.curve_comparison import AdjustedCurves
from .survival.state_curves import StateCurves


def rows_of_model(estimates: Estimates, of: Estimates, safe: Estimates, min_cell: int) -> set[int]:
    """Rows that tell what is hidden in `safe`, the model or curves `of` that they were made of, as others may see it.

    A row goes with its term; one of no term of the model goes if anything is hidden. Of times, those go between which
    fewer than `min_cell` people had an event.
    """
    table = estimates.table.reset_index(drop=True)
    rows = set(table.index)
    if isinstance(of, StateCurves):
        return rows - _told_of_curves(table, of, safe, min_cell)
    assert safe.suppressed is not None
    cells = safe.suppressed["cells"]
    if len(cells) == 0:
        hidden = set()
    else:
        terms = of.table["term"].astype(str).to_numpy() if "term" in of.table else np.array([])
        gone = {terms[row] for row in cells["row"] if 0 <= row < len(terms)}
        known = set(terms)
        term = table["term"].astype(str) if "term" in table else pd.Series("", table.index)
        if isinstance(estimates, AdjustedCurves):
            term = pd.Series(estimates.exposure, table.index)
        hidden = {row for row in rows if term[row] in gone or term[row] not in known}
    if isinstance(of, CoxFit) and "time" in table and not isinstance(estimates, AdjustedCurves):
        hidden |= {row for row in rows if table.at[row, "time"] not in _told_of_cox(table, of, min_cell)}
    return hidden


def _told_of_cox(table: pd.DataFrame, of: CoxFit, min_cell: int) -> set[float]:
    if of.design is None:
        raise ValueError(
            "suppress: of= was loaded from a file and does not say when events were; pass the model itself"
        )
    frame = of.design.frame
    happened = frame[of.event].to_numpy(float)
    return times_apart(table["time"], frame[of.time].to_numpy(float), happened[:, None], min_cell)


def _told_of_curves(table: pd.DataFrame, of: StateCurves, safe: Estimates, min_cell: int) -> set[int]:
    """Rows at times that are far enough apart in each group they compare, none of which is hidden."""
    told: dict[str, set[float]] = {}
    of_groups = of.table.groupby(list(of.by), observed=True, sort=True) if of.by else [((), of.table)]
    shown = safe.table.groupby(list(of.by), observed=True, sort=True) if of.by else [((), safe.table)]
    for (key, curves), (_, coarse) in zip(of_groups, shown, strict=True):
        name = ", ".join(map(str, key))
        if coarse["estimate"].isna().all():
            told[name] = set()
            continue
        wide = curves.pivot(index="time", columns=of.state_column, values="events")
        left = [column for column in ("censored",) if column in curves]
        moves = wide.assign(**{c: curves.groupby("time")[c].first() for c in left})
        told[name] = times_apart(table["time"], wide.index.to_numpy(float), moves.to_numpy(float), min_cell)
    everyone = set.intersection(*told.values())
    rows = set()
    for row in table.index:
        compared = [table.at[row, c] for c in ("level", "reference") if c in table]
        groups = [told[str(name)] for name in compared if str(name) in told]
        allowed = set.intersection(*groups) if len(groups) == 2 else everyone
        if table.at[row, "time"] in allowed:
            rows.add(row)
    return rows
