"""How many people or visits came in, how many were left out and why: the counts behind a STROBE diagram.

Plain data, so that the harmonized study can record a flow without knowing of tables and figures.
`describe.flow` draws it.
"""

from __future__ import annotations

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

    Examples
    --------
    >>> flow = Flow((FlowStep("Enrolled", 120), FlowStep("Analysed", 112, (("BMI missing", 8),))))
    >>> flow.table["n"].tolist()
    [120, 8, 112]
    """

    steps: tuple[FlowStep, ...]

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
