"""What the plans share: their table and sentence, the checks at the door, and the smallest detectable proportion."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from scipy.optimize import brentq

from ..estimates import Estimates, tidy


@dataclass(frozen=True, eq=False, repr=False)
class Plan(Estimates):
    """A sample size and what it can show: `Estimates` of one row, printed as a list."""

    def to_display(self, labels: Mapping[str, str] | None = None) -> pd.DataFrame:
        """One line a quantity of the plan, as `.gt()` shows it; what was not used is left out."""
        names = self._labels(labels)
        row = self.table.drop(columns=["measure", "estimate"]).iloc[0]
        shown = {name: value for name, value in row.items() if not pd.isna(value)}
        return pd.DataFrame(
            {
                names.word("Quantity"): [names.word(str(name)) for name in shown],
                names.word("Value"): [
                    f"{value:,.4g}" if value % 1 else f"{value:,.0f}" for value in shown.values()
                ],
            }
        )


def plan(
    inputs: Mapping[str, Any],
    *,
    measure: str,
    answer: float,
    n: int,
    method: str,
    events: int | None = None,
    notes: Sequence[str] = (),
    conf_level: float = 0.95,
) -> Plan:
    """One row: the whole plan, then what was solved for and its answer. A choice that was not made is NaN."""
    row = {name: math.nan if value is None else value for name, value in inputs.items()}
    row |= {"measure": measure, "estimate": float(answer), "n": n}
    if events is not None:
        row["events"] = events
    return Plan(
        tidy(pd.DataFrame([row]), list(inputs)),
        method=method,
        n=n,
        events=events,
        notes=tuple(notes),
        conf_level=conf_level,
    )


def detectable(power_with: Callable[[float], float], p1: float, power: float) -> float:
    """The proportion above `p1` at which `power_with`, which grows with it, is `power`."""
    highest = 1 - 1e-12
    if power_with(highest) < power:
        raise ValueError(
            f"not even 100% against {percent(p1)} is detected with {percent(power)} power: the sample is too small"
        )
    return float(brentq(lambda p: power_with(p) - power, p1 * (1 + 1e-12), highest, xtol=1e-15))


def round_up(size: float) -> int:
    """The next whole number; one that is whole but for rounding errors stays."""
    return math.ceil(size * (1 - 1e-12))


def percent(share: float) -> str:
    return f"{100 * share:.3g}%"


def and_effect(design_effect: float) -> str:
    return "" if design_effect == 1 else f" and a design effect of {design_effect:.3g}"


def require_one_missing(**values: float | None) -> None:
    missing = [name for name, value in values.items() if value is None]
    if len(missing) != 1:
        *most, last = values
        found = "all are given" if not missing else f"left out: {', '.join(missing)}"
        raise ValueError(
            f"leave out exactly one of {', '.join(most)} and {last}, it is what is solved for; {found}"
        )


def require_shares(**values: float | None) -> None:
    for name, value in values.items():
        if value is not None and not 0 < value < 1:
            raise ValueError(f"{name}={value} must lie between 0 and 1, e.g. 0.05 for 5%")


def require_at_least(name: str, value: float | None, lowest: float, *, strictly: bool = False) -> None:
    if value is not None and not (lowest < value < math.inf if strictly else lowest <= value < math.inf):
        raise ValueError(f"{name}={value} must be {'above' if strictly else 'at least'} {lowest:g}")


def require_ratio(name: str, value: float | None) -> None:
    if value is not None and not (0 < value < math.inf and value != 1):
        raise ValueError(f"{name}={value} must be above 0 and not 1: without an effect there is no power")


def require_unequal(p1: float, p2: float | None) -> None:
    if p1 == p2:
        raise ValueError(f"p1 and p2 are both {p1}: without a difference there is no power")
