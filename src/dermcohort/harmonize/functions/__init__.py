"""Functions that a dictionary may `call` by name: scores too involved for an expression.

Each takes the raw columns of the rule by alias and returns one vector. They are named, tested and part of the
package: a dictionary can name them but not bring its own code. Their names and items are declared in
`dermcohort.dictionary.calls`, which the linter reads too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ...dictionary.calls import CALLS
from ..vectors import Vector
from .skin import dlqi, uk_working_party
from .sleep import psqi

FUNCTIONS: dict[str, Callable[[Mapping[str, Vector]], Vector]] = {
    "psqi": psqi,
    "dlqi": dlqi,
    "uk_working_party": uk_working_party,
}

assert FUNCTIONS.keys() == CALLS.keys()
