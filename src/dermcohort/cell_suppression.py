"""Which cells of a table must be hidden so that no small count can be derived from what stays shown.

Cells are counts tied by sums (parts and their total). Small ones are hidden; then, as long as one of them can have a
single value only, given all that is shown and what the marks say, the next smallest cell of its sums is hidden too.
Whether another value is possible is asked of an integer program, so that chains of sums, margins of several ways and
the bounds that a mark like "<5" tells are all seen. Source: complementary (secondary) suppression and its audit,
Hundepool et al. (2012) Statistical Disclosure Control, chapter 4.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp

PRIMARY, COMPLEMENTARY, UNMARKED = "primary", "complementary", "unmarked"


@dataclass
class Cells:
    """Counts, which of them are shown, and the sums between them (each: sum of weight times count is 0)."""

    values: list[float] = field(default_factory=list)
    shown: list[bool] = field(default_factory=list)
    last_choice: list[bool] = field(default_factory=list)
    sums: list[dict[int, float]] = field(default_factory=list)

    def add(self, value: float, *, shown: bool = True, last_choice: bool = False) -> int:
        """A count; one that is not shown can be known from its sums only. Returns its number."""
        self.values.append(float(value))
        self.shown.append(shown)
        self.last_choice.append(last_choice)
        return len(self.values) - 1

    def add_sum(self, total: int, parts: Iterable[int], weights: Iterable[float] | None = None) -> None:
        """`total` is the (weighted) sum of `parts`; where the counts say otherwise, it is no such sum."""
        parts = list(parts)
        weighted = dict(zip(parts, [1.0] * len(parts) if weights is None else weights, strict=True))
        if parts and total not in weighted:
            found = sum(weight * self.values[i] for i, weight in weighted.items())
            if abs(found - self.values[total]) < 1e-9:
                self.sums.append({**weighted, total: -1.0})


def protect(cells: Cells, min_cell: int, zeros_too: bool) -> dict[int, str]:
    """The cells to hide, and why each.

    "primary": it is small, and marked so ("<5"); "complementary": it would give a small one back; "unmarked": it is
    small, but to say so would tell its value, as all else is hidden already ("<3" twice, with a total of "<3").
    """
    least = 0 if zeros_too else 1
    small = [i for i, value in enumerate(cells.values) if least <= value < min_cell]
    hidden = {i: PRIMARY for i in small if cells.shown[i]}
    in_sums: dict[int, list[int]] = {}
    for number, terms in enumerate(cells.sums):
        for i in terms:
            in_sums.setdefault(i, []).append(number)
    # hiding more never narrows what is possible: a cell once safe stays safe
    for target in small:
        while _is_exposed(cells, target, hidden, in_sums, (least, min_cell)):
            chosen = _next_to_hide(cells, target, hidden, in_sums)
            if chosen is not None:
                hidden[chosen] = COMPLEMENTARY
                continue
            tied, _ = _connected(cells, target, hidden, in_sums)
            marked = [i for i in tied if hidden.get(i) == PRIMARY]
            if not marked:
                break  # nothing more can be hidden
            hidden.update(dict.fromkeys(marked, UNMARKED))
    return hidden


def _is_exposed(
    cells: Cells, target: int, hidden: dict[int, str], in_sums: dict[int, list[int]], marks: tuple[int, int]
) -> bool:
    """Whether the target's own count is the only one that fits what is shown."""
    unknown, sums = _connected(cells, target, hidden, in_sums)
    values = np.array([cells.values[i] for i in unknown])
    place = {i: k for k, i in enumerate(unknown)}
    matrix = np.zeros((len(sums), len(unknown)))
    known = np.zeros(len(sums))
    for row, number in enumerate(sums):
        for i, weight in cells.sums[number].items():
            if i in place:
                matrix[row, place[i]] = weight
            else:
                known[row] -= weight * cells.values[i]
    least, min_cell = marks
    kinds = [hidden.get(i) for i in unknown]
    # what a reader knows: "<5" is 1 to 4, what is hidden beside it is no small count, where all small ones are marked
    other = 0 if UNMARKED in kinds else min_cell
    low = np.array([{PRIMARY: least, COMPLEMENTARY: other}.get(kind or "", 0) for kind in kinds])
    high = np.array([min_cell - 1 if kind == PRIMARY else np.inf for kind in kinds], float)
    high = np.minimum(high, values.sum() + np.abs(known).sum() + min_cell)
    whole = np.ones(len(unknown)) if (values == np.round(values)).all() else np.zeros(len(unknown))
    constraints = LinearConstraint(matrix, known, known) if sums else ()
    for sign in (1.0, -1.0):
        aim = np.zeros(len(unknown))
        aim[place[target]] = sign
        found = milp(aim, integrality=whole, bounds=Bounds(low, high), constraints=constraints)
        if found.x is None:  # the marks tell too little to be a program: nothing can be derived
            return False
        if abs(found.x[place[target]] - cells.values[target]) > 0.5:
            return False
    return True


def _connected(
    cells: Cells, target: int, hidden: dict[int, str], in_sums: dict[int, list[int]]
) -> tuple[list[int], list[int]]:
    """The unknown cells that sums tie to the target, and these sums."""
    unknown, sums, waiting = {target: None}, dict[int, None](), [target]
    while waiting:
        for number in in_sums.get(waiting.pop(), []):
            sums[number] = None
            for i in cells.sums[number]:
                if i not in unknown and (i in hidden or not cells.shown[i]):
                    unknown[i] = None
                    waiting.append(i)
    return list(unknown), list(sums)


def _next_to_hide(
    cells: Cells, target: int, hidden: dict[int, str], in_sums: dict[int, list[int]]
) -> int | None:
    """The next smallest shown count, zeros never: of a sum with one unknown, of the target's sums, of any tied to it.

    First those that bring no new sum with one unknown, and parts before totals.
    """

    def unknowns(number: int) -> int:
        return sum(i in hidden or not cells.shown[i] for i in cells.sums[number])

    def cost(i: int) -> tuple[bool, int, bool, float]:
        new = sum(unknowns(number) == 0 for number in in_sums[i])
        is_total = any(cells.sums[number][i] < 0 for number in in_sums[i] if number in tied)
        return cells.last_choice[i], new, is_total, cells.values[i]

    _, tied = _connected(cells, target, hidden, in_sums)
    for sums in ([number for number in tied if unknowns(number) == 1], in_sums.get(target, []), tied):
        free = {
            i
            for number in sums
            for i in cells.sums[number]
            if cells.shown[i] and i not in hidden and cells.values[i] > 0
        }
        if free:
            return min(sorted(free), key=cost)
    return None
