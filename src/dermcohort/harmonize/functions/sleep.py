"""Sleep: the Pittsburgh Sleep Quality Index."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ...dictionary.calls import CALLS
from ..vectors import INVALID, UNMAPPED, Vector, number, to_float
from .items import answers, first_reason, need_items, numeric

PSQI_ITEMS = CALLS["psqi"].items
MEASURES = PSQI_ITEMS[:4]  # times and durations; the others are frequencies from 0 to 3
DISTURBANCES = tuple(f"q5{letter}" for letter in "bcdefghij")


def psqi(items: Mapping[str, Vector]) -> Vector:
    """Global score of the Pittsburgh Sleep Quality Index, 0 (good) to 21.

    Parameters
    ----------
    items : mapping of Vector
        `bed_time`, `get_up_time` (hours 0-24 as number, or texts such as "23:30"), `latency_minutes`,
        `hours_slept`, and the frequency items 0-3 `q5a` … `q5j`, `quality`, `medication`, `sleepiness`,
        `enthusiasm`.

    Returns
    -------
    Vector
        Known where every item is known, except `q5j` ("other reasons"), whose absence counts as 0.

    Raises
    ------
    ValueError
        If an item is not among the rule's aliases.

    Notes
    -----
    Scoring of Buysse DJ et al., Psychiatry Research 1989;28:193-213: seven components of 0-3.
    """
    need_items("psqi", items)
    values = {name: answers(items[name], (0, 1, 2, 3)) for name in PSQI_ITEMS[4:]}
    values |= {
        name: _clock(items[name]) if name in ("bed_time", "get_up_time") else numeric(items[name])
        for name in MEASURES
    }
    x = {name: np.where(vector.known, vector.data, np.nan) for name, vector in values.items()}
    x["q5j"] = np.nan_to_num(x["q5j"])
    with np.errstate(invalid="ignore", divide="ignore"):
        latency = _bands(x["latency_minutes"], [15, 30, 60]) + x["q5a"]
        in_bed = (x["get_up_time"] - x["bed_time"]) % 24
        efficiency = 100 * x["hours_slept"] / np.where(in_bed == 0, np.nan, in_bed)
        disturbance = np.sum([x[name] for name in DISTURBANCES], axis=0)
        daytime = x["sleepiness"] + x["enthusiasm"]
        total = (
            x["quality"]
            + _bands(latency, [0, 2, 4])
            + np.select([x["hours_slept"] > 7, x["hours_slept"] >= 6, x["hours_slept"] >= 5], [0, 1, 2], 3)
            + np.select([efficiency >= 85, efficiency >= 75, efficiency >= 65], [0, 1, 2], 3)
            + _bands(disturbance, [0, 9, 18])
            + x["medication"]
            + _bands(daytime, [0, 2, 4])
        )
    reason = first_reason([values[name] for name in PSQI_ITEMS if name != "q5j"])
    no_efficiency = (reason == 0) & np.isnan(efficiency)
    return number(total, np.where(no_efficiency, INVALID, reason))


def _bands(values: np.ndarray, upper: list[float]) -> np.ndarray:
    """0 up to upper[0], 1 up to upper[1], 2 up to upper[2], else 3; NaN stays NaN."""
    band = np.searchsorted(np.array(upper, float), values, side="left").astype(float)
    return np.where(np.isnan(values), np.nan, band)


def _clock(vector: Vector) -> Vector:
    """Hours of the day from numbers or from texts such as 23:30."""
    if vector.kind == "number":
        hours = vector
    else:
        assert vector.levels is not None
        table = np.array([*[_hours(level) for level in vector.levels], np.nan])
        data = table[vector.data]
        hours = number(data, np.where(vector.known & np.isnan(data), UNMAPPED, vector.why))
    return hours.absent(hours.known & ~((hours.data >= 0) & (hours.data <= 24)), INVALID)


def _hours(value: str) -> float:
    parts = value.split(":")
    if len(parts) >= 2:
        hour, minute = to_float(parts[0]), to_float(parts[1])
        return hour + minute / 60 if 0 <= minute < 60 else np.nan
    return to_float(value)
