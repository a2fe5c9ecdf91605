"""Crude prevalence: each row counts once, with the usual intervals for a proportion (intervals.py)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ..design import as_list, binary_outcome, require_columns
from ..estimates import Estimates, missing_note, tidy
from ..groups import count_by, with_margins
from .intervals import INTERVALS, NAMES

KINDS = ("point", "period", "lifetime")


def crude(
    data: pd.DataFrame,
    outcome: str,
    by: str | Sequence[str] | None = None,
    *,
    margins: bool = False,
    kind: str | None = None,
    ci: str = "wilson",
    conf_level: float = 0.95,
) -> Estimates:
    """Proportion with the outcome, each row counting once.

    Parameters
    ----------
    data : DataFrame
    outcome : str
        Column that is 0/1, bool, or a category of two levels of which the second is counted.
    by : str or list of str, optional
        Column or columns whose combinations are the groups. Empty groups are left out.
    margins : bool
        Add the prevalence over all levels of each grouping column, and of everybody, as level "All" (last).
        The levels of the grouping columns become text.
    kind : {"point", "period", "lifetime"}, optional
        What having the condition means: now, within a period before the examination, or ever. It names the
        measure and changes no number. A study knows it: ``study.schema["measures"]["psoriasis"]``.
    ci : {"wilson", "wald", "clopper-pearson", "agresti-coull", "jeffreys", "logit"}
        Interval. "logit" has none where nobody or everybody has the outcome; Clopper-Pearson stands in.
    conf_level : float

    Returns
    -------
    Estimates
        One row a group: `estimate`, `conf_low`, `conf_high` as proportions (0 to 1), `measure` "prevalence"
        (or "point prevalence", ...), `std_error`, `n`, `events`. Rows with a missing outcome or group are left
        out and counted; `.n` counts everybody once, whatever margins the table has.

    Raises
    ------
    ValueError
        If `ci` or `kind` is unknown, a column is absent, the outcome is not binary, or a grouping column has a
        level "All" beside `margins`.

    Examples
    --------
    >>> data = pd.DataFrame({"eczema": ["no", "yes", "no", "no"]})
    >>> crude(data, "eczema").table[["estimate", "n", "events"]]
       estimate  n  events
    0      0.25  4       1
    >>> data["sex"] = ["f", "f", "m", "m"]
    >>> crude(data, "eczema", by="sex", margins=True, kind="point").table[["sex", "measure", "n", "events"]]
       sex           measure  n  events
    0    f  point prevalence  2       1
    1    m  point prevalence  2       0
    2  All  point prevalence  4       1
    """
    if ci not in INTERVALS:
        raise ValueError(f"ci='{ci}' is unknown; choose one of {', '.join(INTERVALS)}")
    if kind not in (None, *KINDS):
        raise ValueError(f"kind='{kind}' is unknown; choose one of {', '.join(KINDS)}")
    if not 0 < conf_level < 1:
        raise ValueError(f"conf_level={conf_level} must lie between 0 and 1, e.g. 0.95")
    groups = as_list(by)
    used = [outcome, *groups]
    require_columns(data, used, "data")
    event = pd.Series(binary_outcome(data[outcome], outcome), index=data.index)
    n_missing = {name: int(data[name].isna().sum()) for name in used}
    complete = data[used].notna().all(axis=1)
    counted, of_rows = event[complete], data.loc[complete, groups]
    if margins:
        counts = with_margins(of_rows, lambda chosen: count_by(counted, of_rows[chosen]))
    else:
        counts = count_by(counted, of_rows)

    measure = "prevalence" if kind is None else f"{kind} prevalence"
    x, n = counts["events"].to_numpy(float), counts["n"].to_numpy(float)
    with np.errstate(invalid="ignore", divide="ignore"):
        proportion = x / n
        low, high = INTERVALS[ci](x, n, conf_level)
        std_error = np.sqrt(proportion * (1 - proportion) / n)
    table = counts.assign(
        term=outcome,
        measure=measure,
        estimate=proportion,
        conf_low=low,
        conf_high=high,
        std_error=std_error,
    )
    notes = [*missing_note(int(complete.sum()), len(data), n_missing)]
    at_end = bool(((x == 0) | (x == n)).any())
    if at_end and ci == "logit":
        notes.append("Where nobody or everybody has the outcome the interval is Clopper-Pearson's.")
    if at_end and ci == "wald":
        notes.append("A Wald interval has no width where nobody or everybody has the outcome: use Wilson's.")
    if not complete.any():
        notes.append("No row has the outcome and the groups: there is nothing to estimate.")
    return Estimates(
        table=tidy(table, groups),
        method=f"Crude {measure} with {NAMES[ci]} {100 * conf_level:.4g}% confidence intervals.",
        n=int(complete.sum()),
        events=int(event[complete].sum()),
        n_missing=n_missing,
        notes=tuple(notes),
        conf_level=conf_level,
    )
