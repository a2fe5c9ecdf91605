"""Time to event: rates, survival curves, proportional hazards."""

from .cox import CoxFit, cox
from .cumulative_incidence import cumulative_incidence
from .incidence_curves import CumulativeIncidence
from .kaplan_meier import KaplanMeier, kaplan_meier
from .rates import incidence_rate
from .smr import smr

__all__ = [
    "CoxFit",
    "CumulativeIncidence",
    "KaplanMeier",
    "cox",
    "cumulative_incidence",
    "incidence_rate",
    "kaplan_meier",
    "smr",
]
