"""What changed in a new delivery since its wave was locked, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..headers import Header
from ..readers import ReaderError
from .codes import Codes, mentioned
from .lock import describe_column, file_digest, lock_path, read_lock, row_band, seen_codes
from .model import Dictionary, Wave
from .problems import ProblemList

SHOWN = 10  # names told of a long list
VANISHED = 4  # a rare code comes and goes by chance: told from this multiple of min_cell
HINT = "correct the rules where needed, then write the lock again: dermcohort dict lock"


def check_drift(dictionary: Dictionary, wave: Wave, header: Header, raw: Path, problems: ProblemList) -> None:
    """Warn of what changed since the lock; the data are read only if the file is another one."""
    path = lock_path(dictionary, wave)
    if not path.exists():
        return
    lock = read_lock(path)
    if lock is None:
        problems.error(wave.place, "DD210", f"{path.name} is damaged", "write it again: dermcohort dict lock")
        return
    if lock.get("sha256") == file_digest(header.path):
        return
    for code, text in _header_changes(lock, header):
        problems.warning(wave.place, code, f"{header.path.name}: {text}", HINT)
    try:
        codes = seen_codes(dictionary, wave, raw)
    except ReaderError as error:
        problems.error(wave.place, "DD203", str(error))
        return
    for code, text in _code_changes(dictionary, wave, lock["columns"], codes):
        problems.warning(wave.place, code, f"{header.path.name}: {text}", HINT)


def _header_changes(lock: Mapping[str, Any], header: Header) -> Iterator[tuple[str, str]]:
    before = lock["columns"]
    now = {column.name: describe_column(column) for column in header.columns}
    gone = [name for name in before if name not in now]
    new = [name for name in now if name not in before]
    if gone:
        yield "DD211", f"{_count(gone)} {'is' if len(gone) == 1 else 'are'} gone: {_names(gone)}"
    if new:
        yield "DD212", f"{len(new)} new column{'s' if len(new) > 1 else ''}: {_names(new)}"
    for name in before:
        if name in now:
            yield from _column_changes(name, before[name], now[name])
    rows = row_band(header.n_rows)
    if rows and lock.get("rows") and rows != lock["rows"]:
        yield "DD217", f"the number of rows went from {lock['rows']} to {rows}"


def _column_changes(name: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if old.get("kind") != new.get("kind"):
        yield "DD213", f"type of '{name}' changed from {old.get('kind')} to {new.get('kind')}"
    if old.get("date_format") != new.get("date_format") and old.get("kind") == new.get("kind"):
        text = f"date format of '{name}' changed from {old.get('date_format')} to {new.get('date_format')}"
        yield "DD213", text
    if old.get("label") != new.get("label"):
        yield (
            "DD214",
            f"label of '{name}' changed from {_quoted(old.get('label'))} to {_quoted(new.get('label'))}",
        )
    labels, fresh = old.get("labels", {}), new.get("labels", {})
    for code in labels:
        if code not in fresh:
            yield "DD214", f"column '{name}' has no label for code {code} any more (was '{labels[code]}')"
        elif labels[code] != fresh[code]:
            text = f"label of code {code} of '{name}' changed from '{labels[code]}' to '{fresh[code]}'"
            yield "DD214", text
    for code in fresh:
        if code not in labels:
            yield "DD215", f"column '{name}' has a new code {code} ('{fresh[code]}')"
    if old.get("missing", []) != new.get("missing", []):
        before, now = _ranges(old.get("missing")), _ranges(new.get("missing"))
        yield "DD216", f"missing codes that the file declares for '{name}' changed from {before} to {now}"


def _code_changes(
    dictionary: Dictionary,
    wave: Wave,
    columns: Mapping[str, Any],
    seen: Mapping[str, Mapping[str, int]],
) -> Iterator[tuple[str, str]]:
    """Codes of the data that no rule mentions and the lock had not; codes that (nearly) nobody has any more."""
    for name, codes in seen.items():
        old = columns.get(name, {})
        if "codes" not in old:
            continue  # mapped only since the lock was written
        rules = [mentioned(rule) for rule in wave.rules.values() if name in rule.sources]
        known = Codes([*old["codes"], *old.get("labels", {})])
        for code in codes:
            if code not in known and not any(code in rule for rule in rules):
                yield "DD215", f"column '{name}' has a new code {code}"
        for code, n in old["codes"].items():
            if n >= VANISHED * dictionary.min_cell and code not in codes:
                people = f"fewer than {dictionary.min_cell} people"
                yield "DD218", f"code {code} of '{name}' is now held by {people}"


def _count(names: list[str]) -> str:
    return f"{len(names)} column{'s' if len(names) > 1 else ''}"


def _names(names: list[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def _quoted(label: str | None) -> str:
    return f"'{label}'" if label else "none"


def _ranges(ranges: list[list[str]] | None) -> str:
    texts = [low if low == high else f"{low} to {high}" for low, high in ranges or ()]
    return ", ".join(texts) or "none"
