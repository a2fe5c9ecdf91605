"""How many people or visits came in, how many were left out and why: the counts behind a STROBE diagram.

Plain data, so that the harmonized study can record a flow without knowing of tables and figures.
`describe.flow` draws it.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True)
class FlowStep:
    """One box of the diagram.

    Parameters
    ----------
    label : str
        What the `n` that remain are, e.g. ``"Examined at baseline"``.
    n : int
        How many remain at this step.
    excluded : tuple of (reason, n)
        Why others left between the step before and this one. May be empty.
    """

    label: str
    n: int
    excluded: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True)
class Flow:
    """Ordered steps from everybody to those analysed.

    Raises
    ------
    ValueError
        If a count is negative or no whole number, those kept and those excluded do not add up to the step before,
        or a step has more than the one before.

    Examples
    --------
    >>> flow = Flow((FlowStep("Enrolled", 120), FlowStep("Analysed", 112, (("BMI missing", 8),))))
    >>> flow.table["n"].tolist()
    [120, 8, 112]
    """

    steps: tuple[FlowStep, ...]

    def __post_init__(self) -> None:
        for step in self.steps:
            for label, n in ((step.label, step.n), *step.excluded):
                if n != int(n) or n < 0:
                    raise ValueError(f"flow: '{label}': n must be a count, it is {n}")
        for before, step in itertools.pairwise(self.steps):
            lost = sum(n for _, n in step.excluded)
            if step.excluded and before.n - lost != step.n:
                raise ValueError(
                    f"flow: '{step.label}': {before.n:,} less {lost:,} excluded is {before.n - lost:,}, not {step.n:,}"
                )
            if step.n > before.n:
                raise ValueError(f"flow: '{step.label}' has {step.n:,}, more than the {before.n:,} before")

    def __iter__(self) -> Iterator[FlowStep]:
        return iter(self.steps)

    def __len__(self) -> int:
        return len(self.steps)

    @property
    def table(self) -> pd.DataFrame:
        """One row a box: `step` (1, 2, ...), `label`, `kind` ("excluded" above the "kept" it led to), `n`."""
        rows = []
        for number, step in enumerate(self.steps, start=1):
            rows += [(number, reason, "excluded", n) for reason, n in step.excluded]
            rows.append((number, step.label, "kept", step.n))
        return pd.DataFrame(rows, columns=["step", "label", "kind", "n"])

    def _repr_html_(self) -> str:
        return self.table.to_html(index=False, border=0)
