"""Help with words a user mistyped."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def did_you_mean(word: object, options: Iterable[object]) -> str:
    """``did you mean 'x'?`` for the closest of `options`, or an empty text."""
    names = [str(option) for option in options]
    folded = {name.casefold(): name for name in names}
    if str(word).casefold() in folded:
        return f"did you mean '{folded[str(word).casefold()]}'?"
    close = difflib.get_close_matches(str(word), names, n=1, cutoff=0.6)
    return f"did you mean '{close[0]}'?" if close else ""


def suggest(word: object, options: Iterable[object]) -> str:
    """The same with a blank before it, to end a sentence with."""
    hint = did_you_mean(word, options)
    return f" {hint[0].upper()}{hint[1:]}" if hint else ""
