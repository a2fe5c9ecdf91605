"""The functions that a rule may `call`, with the items each needs in `from`.

The dictionary knows their names and items; `dermcohort.harmonize.functions` computes them.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Call:
    """Aliases that must be in `from`, and those that may be."""

    items: tuple[str, ...]
    optional: tuple[str, ...] = ()


CALLS: dict[str, Call] = {
    "psqi": Call((
        "bed_time", "latency_minutes", "get_up_time", "hours_slept", "q5a",
        *(f"q5{letter}" for letter in "bcdefghij"),
        "quality", "medication", "sleepiness", "enthusiasm",
    )),
    "dlqi": Call(tuple(f"q{item}" for item in range(1, 11)), optional=("q7_prevented",)),
    "uk_working_party": Call(
        ("itch", "flexural_history", "asthma_hay_fever", "dry_skin", "onset_under_2", "visible_flexural"),
        optional=("age", "atopy_in_relative"),
    ),
}  # fmt: skip
