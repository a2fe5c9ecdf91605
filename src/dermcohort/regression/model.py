"""What makes one generalized linear model different from another, as a record."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from .families import Family


@dataclass(frozen=True)
class Model:
    """What distinguishes one public function from another.

    Parameters
    ----------
    family : Family
    measure : str
        What the exponentiated coefficient (with an identity link the coefficient) is called.
    title : str
        Beginning of the sentence for the methods section.
    outcome : function
        From the outcome as it is in the data, and its name, to numbers; refuses what does not fit.
    counts_events : bool
        Whether the outcome is events, to be summed.
    default_robust : str, optional
        Variance where nothing is asked for.
    boundary_advice : str
        What else gives an interval where the maximum lies on the boundary.
    """

    family: Family
    measure: str
    title: str
    outcome: Callable[[pd.Series, str], np.ndarray]
    counts_events: bool = True
    default_robust: str | None = None
    boundary_advice: str = ""

    @property
    def is_ratio(self) -> bool:
        return self.measure not in ("difference", "RD")
