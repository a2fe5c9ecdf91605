"""Survey designs and clusters at the door of an analysis of time to event."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..design import FEW_CLUSTERS
from ..variance import ReplicateDesign, Replicates, Sample, SurveyDesign

WEIGHT = "(sampling weight)"

Design = SurveyDesign | ReplicateDesign


def refuse_beside_design(design: Design | None, **others: object) -> None:
    """Weights and dependence of rows are the design's: other arguments that say them do not fit beside it."""
    given = [f"{name}=" for name, value in others.items() if value is not None]
    if design is not None and given:
        raise ValueError(
            f"design= says the weights and the variance: leave out {' and '.join(given)}, or name the columns in "
            "SurveyDesign"
        )


def sampled_rows(data: pd.DataFrame, design: Design) -> tuple[pd.DataFrame, Sample | Replicates]:
    """The rows of `data` that have weight, and the design of all rows.

    The index says each row's place in the design, the column `WEIGHT` its weight, scaled to a mean of 1.
    """
    sample = design.sample(data)
    placed = data.set_axis(np.arange(len(data))).assign(**{WEIGHT: sample.weights / sample.weights.mean()})
    return placed[sample.weights > 0], sample


def sample_notes(sample: Sample | Replicates, rows: np.ndarray) -> tuple[str, ...]:
    """What a reader must know of the design of the rows (places) that are used."""
    notes = list(sample.notes)
    weightless = int((sample.weights == 0).sum())
    if weightless:
        notes.append(f"{weightless:,} rows with weight 0 are not counted.")
    inside = np.zeros(len(sample.weights), bool)
    inside[rows] = True
    df = sample.degrees_of_freedom(inside)
    if df < FEW_CLUSTERS:
        notes.append(
            f"Few sampling units: {df} degrees of freedom. Below about {FEW_CLUSTERS} intervals from the normal "
            "distribution, as here, are too narrow and p-values too small."
        )
    return tuple(notes)
