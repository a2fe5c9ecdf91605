"""Small readers that the schema and the mappings share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..wording import did_you_mean
from .expression import Expression, result_constants
from .model import Variable
from .problems import Place, ProblemList
from .source import Block


def optional_text(value: Any) -> str | None:
    """None stays None, anything else becomes text."""
    return None if value is None else str(value)


def read_label(
    value: Any, languages: tuple[str, ...], place: Place, problems: ProblemList, what: str
) -> Mapping[str, str]:
    """A text in every language of the dictionary; a missing language is a warning."""
    if isinstance(value, Block):
        for key in value:
            if key not in languages:
                hint = "inside { } a comma ends the value: quote a text that has one"
                problems.error(
                    value.key_at(key), "DD014", f"'{key}' is not a language of this dictionary", hint
                )
        absent = [language for language in languages if not value.get(language)]
        if absent:
            problems.warning(value.place, "DD015", f"{what} has no text in {', '.join(absent)}")
        return {key: str(text) for key, text in value.items() if text is not None}
    if isinstance(value, str):
        if len(languages) > 1:
            absent = list(languages[1:])
            problems.warning(place, "DD015", f"{what} has no text in {', '.join(absent)}")
        return {languages[0]: value}
    problems.error(place, "DD016", f"{what} must be text or {{{', '.join(f'{x}: …' for x in languages)}}}")
    return {}


def check_results(variable: Variable, expression: Expression, place: Place, problems: ProblemList) -> None:
    """Texts that an expression may return must be categories of the variable."""
    for constant in result_constants(expression):
        if variable.levels and constant not in variable.levels:
            hint = did_you_mean(constant, variable.levels) or f"categories: {', '.join(variable.levels)}"
            text = f"the expression may give '{constant}', which is not a category of '{variable.name}'"
            problems.error(place, "DD073", text, hint)
