"""Source codes as the rules compare them: 1, 1.0 and "1" are one code, texts are equal after NFKC and strip."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterable
from typing import Any

from .model import Rule


class Codes:
    """A set of source codes.

    Examples
    --------
    >>> 1.0 in Codes(["1"]), "１" in Codes([1]), ".a" in Codes([1])
    (True, True, False)
    """

    def __init__(self, values: Iterable[Any]):
        texts = {code_text(value) for value in values}
        self.texts = texts
        self.numbers = {number for text in texts if (number := _number(text)) is not None}

    def __contains__(self, value: Any) -> bool:
        text = code_text(value)
        return text in self.texts or _number(text) in self.numbers

    def any_within(self, low: Any, high: Any) -> bool:
        """Whether one of the codes lies in a range that a file declares missing."""
        if isinstance(low, str) or isinstance(high, str):
            return low in self or high in self
        return any(low <= number <= high for number in self.numbers)


def code_text(value: Any) -> str:
    """A code as a person writes it: ``1`` for 1.0, a text without surrounding blanks."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return unicodedata.normalize("NFKC", str(value)).strip()


def mentioned(rule: Rule) -> Codes:
    """Every source code that a rule says something about."""
    limits = [code for limit in (rule.below_lod, rule.above_loq) if limit for code in limit.codes]
    return Codes([*rule.map, *rule.missing, *limits])


def is_within(value: Any, ranges: Iterable[tuple[Any, Any]]) -> bool:
    """Whether a file declares `value` missing."""
    return any(Codes([value]).any_within(low, high) for low, high in ranges)


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) and "_" not in text else None
