"""The error that every part of the renderer raises, and how it names a place in a file."""

from __future__ import annotations

from pathlib import Path


class ReportError(Exception):
    """A report could not be rendered; the message says where and what to do."""


def place(path: Path, line: int | None = None) -> str:
    """``reports/prevalence.qmd:31``: as seen from the working folder, else the name alone."""
    try:
        shown = str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        shown = path.name
    return shown if line is None else f"{shown}:{line}"
