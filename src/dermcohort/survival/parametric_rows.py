"""The rows of a parametric model of times: what is known of each time, checked at the door."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..design import Design, binary_outcome, build_design, require_columns
from .frame import check_weights, used_columns
from .location_scale import CensoredRows


@dataclass(frozen=True, eq=False)
class ParametricRows:
    """The complete rows, on the scale of the model (logarithms of times, or values as they are).

    `log_jacobian` is the logarithm of the density of the time less that of its logarithm, summed over exact times;
    `happened` says which rows are not right-censored.
    """

    frame: Design
    rows: CensoredRows
    log_jacobian: float
    happened: np.ndarray
    notes: tuple[str, ...]


def parametric_rows(
    formula: str,
    data: pd.DataFrame,
    *,
    time: str | None,
    event: str | None,
    left: str | None,
    right: str | None,
    entry: str | None,
    weights: str | None,
    clusters: Sequence[str],
    log_scale: bool,
) -> ParametricRows:
    """Read the outcome from `time` and `event` or from `left` and `right`; see `parametric`."""
    given = [argument is not None for argument in (time, event, left, right)]
    if given not in ([True, True, False, False], [False, False, True, True]):
        raise ValueError("name the outcome by time= and event=, or by left= and right=")
    require_columns(data, used_columns(time, event, left, right, entry, weights, clusters), "data")
    if left is not None and right is not None:
        data = _with_open_ends(data, left, right, log_scale)
    others = used_columns(time, event, left, right, entry, weights, clusters)
    frame = build_design(formula, data, two_sided=False, others=others)
    if left is not None and right is not None:
        low, high = _ends(frame.frame, left, right, log_scale)
        missing_event = f"no row has an end in '{right}': nothing happened that a model could be fitted to"
    else:
        assert time is not None and event is not None
        low, high = _times(frame.frame, time, event, log_scale)
        missing_event = f"'{event}' never happens among the {len(low):,} complete rows"
    if not np.isfinite(high).any():
        raise ValueError(missing_event)
    start = None
    if entry is not None:
        start = _entries(frame.frame, entry, low, high, log_scale)
        low = np.maximum(low, start)
    w = check_weights(frame.frame, weights)
    exact = low == high
    notes = () if left is None and log_scale else (_counts(low, high),)
    scaled = _logarithm if log_scale else np.positive
    rows = CensoredRows(
        frame.matrix,
        scaled(low),
        scaled(high),
        np.ones(len(low)) if w is None else w,
        None if start is None else scaled(start),
    )
    log_jacobian = -float(rows.weights[exact] @ rows.low[exact]) if log_scale else 0.0
    return ParametricRows(frame, rows, log_jacobian, np.isfinite(high), notes)


def _logarithm(times: np.ndarray) -> np.ndarray:
    """Of times in (0, inf]; an open lower end stays minus infinity."""
    return np.log(np.where(times > 0, times, 1.0)) + np.where(times > 0, 0.0, -np.inf)


def _with_open_ends(data: pd.DataFrame, left: str, right: str, log_scale: bool) -> pd.DataFrame:
    """Infinity where an end is open, missing where both are: such a row says nothing."""
    low, high = _numbers(data, left, "left"), _numbers(data, right, "right")
    low = np.where(np.isnan(low) | (log_scale & (low == 0)), -np.inf, low)
    high = np.where(np.isnan(high), np.inf, high)
    unknown = np.isinf(low) & np.isinf(high)
    return data.assign(**{left: np.where(unknown, np.nan, low), right: np.where(unknown, np.nan, high)})


def _ends(frame: pd.DataFrame, left: str, right: str, log_scale: bool) -> tuple[np.ndarray, np.ndarray]:
    low, high = frame[left].to_numpy(float), frame[right].to_numpy(float)
    if (low > high).any():
        raise ValueError(f"'{left}' is above '{right}' in {int((low > high).sum())} rows")
    if log_scale:
        _require_positive(np.where(np.isfinite(low), low, 1.0), left, "left")
        _require_positive(high, right, "right")
    return low, high


def _times(frame: pd.DataFrame, time: str, event: str, log_scale: bool) -> tuple[np.ndarray, np.ndarray]:
    times = _numbers(frame, time, "time")
    if not np.isfinite(times).all():
        raise ValueError(f"time: '{time}' is infinite in {int((~np.isfinite(times)).sum())} rows")
    if log_scale:
        _require_positive(times, time, "time")
    return times, np.where(binary_outcome(frame[event], event) == 1, times, np.inf)


def _entries(
    frame: pd.DataFrame, entry: str, low: np.ndarray, high: np.ndarray, log_scale: bool
) -> np.ndarray:
    start = _numbers(frame, entry, "entry")
    if not np.isfinite(start).all() or (log_scale and (start < 0).any()):
        raise ValueError(f"entry: '{entry}' must be finite{' and not negative' if log_scale else ''}")
    never = (high <= start) | (np.isinf(high) & (low <= start))
    if never.any():
        raise ValueError(
            f"the time is not after '{entry}' in {int(never.sum())} rows: such rows are never at risk, correct or "
            "drop them"
        )
    return np.where(start == 0, -np.inf, start) if log_scale else start


def _require_positive(values: np.ndarray, name: str, argument: str) -> None:
    n = int((values <= 0).sum())
    if n:
        raise ValueError(
            f"{argument}: '{name}' is 0 or below in {n} rows, where a time has no logarithm: correct them, or give "
            "what happened at once a short time"
        )


def _numbers(frame: pd.DataFrame, name: str, argument: str) -> np.ndarray:
    values = frame[name]
    if not pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values):
        raise ValueError(f"{argument}: '{name}' must be a number, it is {values.dtype}")
    return values.to_numpy(float, na_value=np.nan)


def _counts(low: np.ndarray, high: np.ndarray) -> str:
    exact, below, above = low == high, np.isinf(low), np.isinf(high)
    kinds = {
        "exact": exact,
        "in an interval": ~(exact | below | above),
        "left-censored": below,
        "right-censored": above,
    }
    return (
        "Rows: "
        + ", ".join(f"{int(rows.sum()):,} {kind}" for kind, rows in kinds.items() if rows.any())
        + "."
    )
