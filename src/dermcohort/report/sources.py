"""The line below a table or figure that says which script made it, and of what."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from ..language import Labels
from ..provenance import Provenance, Result, hash_of

PAGE = "reproducibility.qmd"  # shows every script under `anchor_of`
SHORT = 8  # characters of a hash for the eye; provenance.json has the whole


def source_note(
    record: Provenance | None, folder: Path, name: str, suffixes: Sequence[str], labels: Labels
) -> str:
    """Markdown of the line, in a div ``.source-note``; empty where the results have no record.

    Parameters
    ----------
    suffixes : list of str
        Of the file that is shown; the first that is on record.
    """
    if record is None:
        return ""
    result = record.results.get(name)
    files = [] if result is None else [f"{name}{suffix}" for suffix in suffixes]
    file = next((file for file in files if result is not None and file in result.files), None)
    if result is None or file is None:
        text = labels.sentence("Source: not on record; no script of the last run wrote it.")
    else:
        text = labels.sentence(_sentence(result, file, folder))
    return f"::: {{.table-notes .source-note}}\n{text}\n:::"


def anchor_of(script: str) -> str:
    """Identifier of the section about a script: ``src-prevalence``."""
    return f"src-{PurePosixPath(script).stem}"


def script_link(script: str) -> str:
    """The path of a script, as a link where the report has a page on reproducibility beside this one."""
    shown = f"`{script}`"
    return f"[{shown}]({PAGE}#{anchor_of(script)})" if Path(PAGE).exists() else shown


def _sentence(result: Result, file: str, folder: Path) -> str:
    script, digest = script_link(result.script), result.files[file]
    now = hash_of(folder / file)
    if now != digest:
        return (
            f"Source: {script} → `{file}`, which was changed after the script wrote it (SHA-256 then "
            f"{digest[:SHORT]}, now {now[:SHORT]})."
        )
    return f"Source: {script} → `{file}` (SHA-256 {digest[:SHORT]}), dictionary {result.dictionary_version}."
