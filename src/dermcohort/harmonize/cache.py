"""Outcomes of rules kept between runs: after a change only the rules that changed are applied again.

One file a wave and variable, named by the SHA-256 of everything its content depends on: the raw file's own hash and how
it is declared to be read, the rule, the schema entry, the unit factor, the missing reasons, the privacy options, and
this package's source and libraries. Whatever cannot be read, or is not what its name says, is computed again.

The folder is private (mode 0700) and holds neither an identifier nor a raw record, only coded answers, numbers and
dates in the order of the file's rows. Never kept, but computed in every run, are

- ids, and variables of type `text` and `code`, whose levels are texts of the file;
- rules that met a code which the dictionary does not know and fewer than `min_cell` rows hold: it may be a name;
- variables that are `sensitive`, coarsened or withheld, and all dates of a cohort that shifts its dates;
- everything of a file that was read otherwise than declared.

Numbers outside their hard range, which the study does not hold either, are infinities here: one may be a telephone.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
from collections.abc import Iterable, Mapping, MutableMapping
from dataclasses import fields, is_dataclass, replace
from functools import cache as once
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ..dictionary.model import Cohort, Conversion, Dictionary, Privacy, Variable, Wave
from .verbs import Outcome, blank

LIBRARIES = ("numpy", "pandas", "pyarrow", "pyreadstat", "python-calamine")
SOURCES = ("harmonize", "dictionary", "*reader*.py", "raw_table.py")
FOR_READERS = {"label", "definition", "note", "question", "reviewed", "examples", "status", "text"}
ENTRY = re.compile(r"[0-9a-f]{64}\.npz(\.\d+)?")  # the second form is being written


class Cache:
    """A folder of outcomes.

    Raises
    ------
    FileExistsError
        If the folder holds anything else.
    """

    def __init__(self, folder: str | Path):
        self.folder = Path(folder)
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if any(not ENTRY.fullmatch(path.name) for path in self.folder.iterdir()):
            raise FileExistsError(
                f"{self.folder.name}/ has files that are no cache: choose an empty or new folder"
            )
        self.folder.chmod(0o700)

    def load(
        self,
        dictionary: Dictionary,
        cohort: Cohort,
        wave: Wave,
        sha256: str,
        outcomes: MutableMapping[str, Outcome],
    ) -> None:
        """Put those that are kept into `outcomes`."""
        for name, key in _keys(dictionary, cohort, wave, sha256).items():
            outcome = _read(self.folder / f"{key}.npz", key, dictionary.variables[name])
            if outcome is not None:
                outcomes[name] = outcome

    def save(
        self,
        dictionary: Dictionary,
        cohort: Cohort,
        wave: Wave,
        sha256: str,
        outcomes: Mapping[str, Outcome],
        names: Iterable[str],
    ) -> None:
        """Keep the outcomes of `names` that may be kept."""
        keys = _keys(dictionary, cohort, wave, sha256)
        for name in names:
            if name in keys and name in outcomes:
                outcome = outcomes[name]
                if not _has_rare_code(outcome, dictionary.min_cell):
                    _write(self.folder / f"{keys[name]}.npz", keys[name], outcome)

    def tidy(self, dictionary: Dictionary, hashes: Mapping[tuple[str, str], str]) -> None:
        """Remove what the next run of this dictionary could not use, so that the folder does not grow.

        `hashes` are those of the files of this run, by cohort and wave.
        """
        useful = set()
        for cohort in dictionary.cohorts.values():
            for wave in cohort.waves.values():
                useful |= set(_keys(dictionary, cohort, wave, hashes[cohort.name, wave.name]).values())
        for path in self.folder.iterdir():
            if ENTRY.fullmatch(path.name) and path.name.partition(".")[0] not in useful:
                path.unlink(missing_ok=True)


# ---------------------------------------------------------------- what may be kept


def _may_be_kept(variable: Variable, privacy: Privacy) -> bool:
    if variable.type in ("text", "code") or variable.sensitive != "no":
        return False
    if variable.name in privacy.coarsen or variable.name in privacy.withhold:
        return False
    return not (variable.type == "date" and privacy.shift_dates)


def _has_rare_code(outcome: Outcome, min_cell: int) -> bool:
    before = outcome.before
    return before is not None and bool(((before["target"] == "unmapped") & (before["n"] < min_cell)).any())


# ---------------------------------------------------------------- what an outcome depends on


def _keys(dictionary: Dictionary, cohort: Cohort, wave: Wave, sha256: str) -> dict[str, str]:
    """Variable -> name of its file, for the rules whose outcome may be kept."""
    file = (
        sha256,
        Path(wave.file).suffix.lower(),
        wave.encoding,
        wave.delimiter,
        wave.sheet,
        wave.header_row,
    )
    reasons = {name: reason.code for name, reason in dictionary.reasons.items()}
    same = (
        _engine(),
        file,
        cohort.name,
        wave.name,
        _said(cohort.privacy),
        _said(reasons),
        dictionary.min_cell,
    )
    keys = {}
    for name, rule in wave.rules.items():
        variable = dictionary.variables[name]
        if rule.is_mapped and _may_be_kept(variable, cohort.privacy):
            units = (variable.analyte or "", rule.unit or "", variable.unit or "")
            mine = (*same, _said(rule), _said(variable), _said(dictionary.conversions.get(units)))
            keys[name] = hashlib.sha256(repr(mine).encode()).hexdigest()
    return keys


def _said(value: Any) -> Any:
    """What a declaration says, without its place in the file and what is only for people."""
    if is_dataclass(value):
        told = [f.name for f in fields(value) if f.compare and f.name not in FOR_READERS]
        if "tree" in {f.name for f in fields(value)}:  # an expression is its text
            told = ["text"]
        return (type(value).__name__, *((name, _said(getattr(value, name))) for name in told))
    if isinstance(value, Mapping):
        return tuple((_said(key), _said(item)) for key, item in value.items())
    if isinstance(value, (tuple, list)):
        return tuple(_said(item) for item in value)
    return repr(value)  # 1 is not "1"


@once
def _engine() -> str:
    """This package's code that decides over a value, and the libraries it rests on."""
    digest = hashlib.sha256(platform.python_version().encode())
    root = Path(__file__).parent.parent
    for pattern in SOURCES:
        for found in sorted(root.glob(pattern)):
            for path in sorted(found.rglob("*.py")) if found.is_dir() else [found]:
                digest.update(path.relative_to(root).as_posix().encode() + path.read_bytes())
    for library in LIBRARIES:
        digest.update(f"{library} {version(library)}".encode())
    return digest.hexdigest()


# ---------------------------------------------------------------- files


def _write(path: Path, key: str, outcome: Outcome) -> None:
    """An archive of arrays, whose checksums tell damage."""
    limits = np.array([]) if outcome.limits is None else outcome.limits
    rows = np.flatnonzero(~np.isnan(limits))
    about = {
        "key": key,
        "has_limits": outcome.limits is not None,
        "before": None if outcome.before is None else outcome.before.to_numpy(object).tolist(),
        "factor": None if outcome.factor is None else vars(outcome.factor),
    }
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        with temporary.open("wb") as file:
            np.savez(
                file,
                about=np.frombuffer(json.dumps(about, ensure_ascii=False).encode(), np.uint8),
                data=outcome.vector.data,
                why=outcome.vector.why,
                limit_rows=rows,
                limits=limits[rows],
            )
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _read(path: Path, key: str, variable: Variable) -> Outcome | None:
    """The outcome, or None where the file is absent, damaged or not the one that its name says."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            about = json.loads(stored["about"].tobytes())
            data, why, rows, values = (stored[name] for name in ("data", "why", "limit_rows", "limits"))
            if about["key"] != key or data.shape != why.shape:
                return None
            limits = None
            if about["has_limits"]:
                limits = np.full(len(data), np.nan)
                limits[rows] = values
            before = about["before"]
            return Outcome(
                replace(blank(variable, 0, 0), data=data, why=why),
                limits,
                None if before is None else pd.DataFrame(before, columns=["source", "target", "n"]),
                None if about["factor"] is None else Conversion(**about["factor"]),
            )
    except Exception:  # a file that anything is wrong with is no cache
        return None
