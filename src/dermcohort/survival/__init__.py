"""Time to event: rates, survival curves, proportional hazards."""

from .cox import CoxFit, cox
from .cumulative_incidence import cumulative_incidence
from .incidence_curves import CumulativeIncidence
from .kaplan_meier import KaplanMeier, kaplan_meier
from .multi_state import multi_state
from .rates import incidence_rate
from .smr import smr
from .state_curves import StateCurves

__all__ = [
    "CoxFit",
    "CumulativeIncidence",
    "KaplanMeier",
    "StateCurves",
    "cox",
    "cumulative_incidence",
    "incidence_rate",
    "kaplan_meier",
    "multi_state",
    "smr",
]
