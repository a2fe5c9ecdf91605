"""Problems found in a dictionary: where, which code, what is wrong and what would be right."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, order=True)
class Problem:
    """One finding of the linter; `str()` gives ``file:line:column: level CODE text`` and a hint."""

    file: str
    line: int
    column: int
    level: str
    code: str
    text: str
    hint: str = ""

    def __str__(self) -> str:
        first = f"{self.file}:{self.line}:{self.column}: {self.level} {self.code} {self.text}"
        return f"{first}\n    hint: {self.hint}" if self.hint else first


class DictionaryError(Exception):
    """The dictionary cannot be used; `.problems` lists everything that is wrong with it."""

    def __init__(self, problems: Iterable[Problem]):
        self.problems = tuple(sorted(problems))
        errors = sum(problem.level == "error" for problem in self.problems)
        lines = "\n".join(str(problem) for problem in self.problems)
        super().__init__(f"{errors} error(s) in the dictionary\n{lines}")


@dataclass(frozen=True)
class Place:
    """A position in a file, counted from 1."""

    file: str
    line: int = 1
    column: int = 1


@dataclass
class ProblemList:
    """Collects problems while a dictionary is read, so that all are reported at once."""

    root: Path
    problems: list[Problem] = field(default_factory=list)

    def error(self, place: Place, code: str, text: str, hint: str = "") -> None:
        self._add(place, "error", code, text, hint)

    def warning(self, place: Place, code: str, text: str, hint: str = "") -> None:
        self._add(place, "warning", code, text, hint)

    def _add(self, place: Place, level: str, code: str, text: str, hint: str) -> None:
        problem = Problem(place.file, place.line, place.column, level, code, text, hint)
        if problem not in self.problems:
            self.problems.append(problem)

    def has_errors(self) -> bool:
        return any(problem.level == "error" for problem in self.problems)
