"""The STROBE flow of participants as estimates: a table, a figure, a file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
from matplotlib.axes import Axes

from ..estimates import Estimates
from ..flow import Flow, FlowStep


def flow(steps: Flow | Iterable[Any]) -> FlowChart:
    """The STROBE flow of participants.

    Parameters
    ----------
    steps : Flow or iterable of (label, n) or (label, n, [(reason, n), ...])
        In order. The reasons say why others left since the step before; a step without them is a part of the
        one before, such as those with an event.

    Raises
    ------
    ValueError
        If those kept and those excluded do not add up to the step before, or a step has more than that.

    Examples
    --------
    >>> flow([("Enrolled", 120), ("Analysed", 112, [("BMI missing", 8)])]).n
    112
    """
    listed = tuple(step if isinstance(step, FlowStep) else _step(*step) for step in steps)
    if not listed:
        raise ValueError("flow: steps is empty; give at least one (label, n)")
    return FlowChart(table=Flow(listed).table, method="Flow of participants (STROBE).", n=listed[-1].n)


def _step(label: str, n: int, excluded: Iterable[tuple[str, int]] = ()) -> FlowStep:
    return FlowStep(label, n, tuple((reason, lost) for reason, lost in excluded))


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class FlowChart(Estimates):
    """How the rows came to be. `.table` has `step`, `label`, `kind` (kept or excluded) and `n`."""

    def to_display(self, labels: Mapping[str, str] | None = None) -> pd.DataFrame:
        """Steps with those excluded indented."""
        names = self._labels(labels)
        indented = self.table["kind"].map({"kept": "", "excluded": f"\u2003{names.word('Excluded: ')}"})
        steps = indented + self.table["label"].map(lambda label: names.get(label) or names.sentence(label))
        counts = [names.word(count) for count in self._printed_counts()]
        return pd.DataFrame({names.word("Step"): steps, names.word("n"): counts})

    def _table_notes(self) -> list[str]:
        # the rows of the table are the counts
        return [self.method, *self.notes]

    def plot(self, ax: Axes | None = None, *, labels: Mapping[str, str] | None = None) -> Axes:
        """The STROBE diagram: boxes downwards, those excluded to the right. Returns the Axes."""
        from ..figures import flow_boxes
        from ..language import labels_of

        names = labels_of(labels)
        labelled = self.table.assign(
            label=[names.get(v) or names.sentence(v) for v in self.table["label"]],
            printed=[names.word(count) for count in self._printed_counts()],
        )
        return flow_boxes(labelled, ax, labels)

    def _printed_counts(self) -> list[str]:
        marks = self.marks
        return [marks.get((i, "n")) or f"{n:,.0f}" for i, n in enumerate(self.table["n"])]
