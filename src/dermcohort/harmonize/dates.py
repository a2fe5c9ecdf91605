"""Dates as files write them: numbers of SPSS, Stata, SAS and Excel, typed dates, and texts by pattern."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from .vectors import DAY, INVALID, Vector, date

EARLIEST, LATEST = np.datetime64("1700-01-01", "D"), np.datetime64("2200-12-31", "D")
SECONDS_PER_DAY = 86_400
# origin and units per day of each system
SYSTEMS = {
    "spss": (np.datetime64("1582-10-14", "D"), SECONDS_PER_DAY),
    "stata": (np.datetime64("1960-01-01", "D"), 1),
    "sas": (np.datetime64("1960-01-01", "D"), 1),
    "excel": (np.datetime64("1899-12-30", "D"), 1),
}


def read_dates(
    raw: Vector,
    patterns: Sequence[str],
    partial: str | None,
    date_format: str | None,
    declared: Mapping[np.datetime64, int] | None = None,
) -> Vector:
    """Dates of a raw vector; what cannot be read, and sentinels such as 9999-09-09, become `invalid`.

    Dates that the rule declares missing have the reason in `declared`.
    """
    if raw.kind == "date":
        data = raw.data
    elif raw.kind == "number":
        data = _from_numbers(raw, patterns, date_format)
    else:
        assert raw.levels is not None
        table = np.append(_from_texts(raw.levels, patterns, partial), np.datetime64("NaT"))
        data = table[raw.data]
    possible = ~np.isnat(data) & (data >= EARLIEST) & (data <= LATEST)
    why = np.where(raw.known & ~possible, INVALID, raw.why)
    for day, reason in (declared or {}).items():
        why = np.where(raw.known & (data == day), reason, why)
    return date(np.where(why == 0, data, np.datetime64("NaT")), why)


def _from_numbers(raw: Vector, patterns: Sequence[str], date_format: str | None) -> np.ndarray:
    system = next((pattern for pattern in patterns if pattern in SYSTEMS), None)
    if system is None:
        # numbers such as 20190503 written by pattern
        whole = np.where(raw.known, raw.data, 0).astype(np.int64)
        codes, distinct = pd.factorize(whole)
        return _from_texts(np.array([str(value) for value in distinct], dtype=object), patterns, None)[codes]
    origin, units = SYSTEMS[system]
    form = (date_format or "").upper()
    if system == "stata" and form.startswith("%TC"):
        units = SECONDS_PER_DAY * 1000
    if system == "sas" and form.startswith(("DATETIME", "E8601DT", "IS8601DT")):
        units = SECONDS_PER_DAY
    days = np.floor(np.where(raw.known, raw.data, 0) / units)
    sensible = np.abs(days) < 4_000_000
    data = origin + np.where(sensible, days, 0).astype("timedelta64[D]")
    return np.where(sensible & raw.known, data, np.datetime64("NaT")).astype(DAY)


def _from_texts(levels: np.ndarray, patterns: Sequence[str], partial: str | None) -> np.ndarray:
    """One date per distinct text: the first pattern that fits, then the declared completion."""
    out = np.full(len(levels), "NaT", DAY)
    texts = pd.Series(levels, dtype=object)
    for pattern in patterns:
        todo = np.isnat(out)
        if not todo.any():
            break
        if pattern in SYSTEMS:
            serial = pd.to_numeric(texts[todo], errors="coerce").to_numpy(float)
            origin, units = SYSTEMS[pattern]
            good = np.isfinite(serial) & (np.abs(serial) < 4_000_000 * units)
            days = np.floor(np.where(good, serial, 0) / units).astype("timedelta64[D]")
            out[todo] = np.where(good, origin + days, np.datetime64("NaT")).astype(DAY)
        else:
            form = "ISO8601" if pattern == "auto" else pattern
            parsed = pd.to_datetime(texts[todo], format=form, errors="coerce")
            out[todo] = parsed.to_numpy().astype(DAY)
    if partial is not None:
        for position in np.flatnonzero(np.isnat(out)):
            out[position] = _complete(str(levels[position]), partial)
    return out


def _complete(value: str, partial: str) -> np.datetime64:
    """2019-05 -> the first of the month; with mid-year, 2019 -> 1 July."""
    match = re.fullmatch(r"(\d{4})(?:\D{0,2}(\d{1,2}))?\D*", value)
    if not match:
        return np.datetime64("NaT", "D")
    year, month = match[1], match[2]
    if month and 1 <= int(month) <= 12:
        return np.datetime64(f"{year}-{int(month):02d}-01", "D")
    if partial == "mid-year" and not month:
        return np.datetime64(f"{year}-07-01", "D")
    return np.datetime64("NaT", "D")
