"""Files of one's own as waves of a new cohort: where they are, and a drafted mapping of each."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from ..dictionary import draft_mapping
from ..dictionary.draft import scalar
from ..headers import read_header_info
from ..readers import SUFFIXES, ReaderError

NUMBER = re.compile(r"id$|^id|编号|学号|number$|no$", re.IGNORECASE)


def adopt_files(cohort: Path, raw: Path, encoding: str | None) -> Path:
    """Write cohort.yaml and a draft for each file of `raw` into `cohort`; returns the folder of the files.

    The schema is that of the dictionary which `cohort` is a folder of.
    """
    folder = raw if raw.is_dir() else raw.parent
    found = _files_of(raw)
    waves, ids = [], []
    for order, (wave, path) in enumerate(_named(found).items()):
        columns, options = _open(path, encoding)
        number = next((column for column in columns if NUMBER.search(column)), columns[0])
        place = scalar(path.relative_to(folder).as_posix())
        written = "".join(f", {key}: {scalar(value)}" for key, value in options.items())
        waves.append(f"  {wave}: {{order: {order}, file: {place}{written}}}")
        ids.append(f"  {wave}: {{from: {scalar(number)}}}")
        text = draft_mapping(path, cohort.parent.parent, wave=f"{cohort.name}/{wave}", **options)
        (cohort / f"{wave}.yaml").write_text(text, "utf-8", newline="\n")
    lines = [
        "# Drafted by dermcohort new: put the waves in order, and name the column with the participant's number.",
        f"cohort: {cohort.name}",
        "title: {en: My study, zh: 我的研究}",
        "waves:",
        *waves,
        "id:                           # a guess from the names of the columns; pattern: 'P\\d{4}' checks the numbers",
        *ids,
        "duplicates: error             # or keep_first, keep_latest(visit_date): the same person twice",
        "# missing_codes: {8: dont_know, 9: refused}     # of coded answers in every wave",
    ]
    (cohort / "cohort.yaml").write_text("\n".join(lines) + "\n", "utf-8", newline="\n")
    return folder


def _files_of(raw: Path) -> list[Path]:
    """The file, or all below the folder that the readers know."""
    if not raw.exists():
        raise ReaderError(f"'{raw.name}' does not exist: --raw names a raw file or a folder of them")
    if not raw.is_dir():
        return [raw]
    below = (path.relative_to(raw) for path in raw.rglob("*") if path.suffix.lower() in SUFFIXES)
    found = [
        raw / path for path in sorted(below) if not any(part.startswith((".", "~")) for part in path.parts)
    ]
    if not found:
        raise ReaderError(f"'{raw.name}' has no raw file; {', '.join(SUFFIXES)} are read")
    return found


def _open(path: Path, encoding: str | None) -> tuple[list[str], dict[str, Any]]:
    """The columns, and how the file is read: in `encoding` only where it is no UTF-8 and does not tell its own."""
    try:
        return read_header_info(path).names, {}
    except ReaderError:
        if encoding is None:
            raise
        return read_header_info(path, encoding=encoding).names, {"encoding": encoding}


def _named(found: list[Path]) -> dict[str, Path]:
    """Names of the waves: baseline where there is one file, else those of the files, or their position."""
    if len(found) == 1:
        return {"baseline": found[0]}
    named: dict[str, Path] = {}
    for position, path in enumerate(found, start=1):
        name = re.sub(r"\W+", "_", path.stem.lower(), flags=re.ASCII).strip("_")
        named[name if re.match("[a-z]", name) and name not in named else f"wave{position}"] = path
    return named
