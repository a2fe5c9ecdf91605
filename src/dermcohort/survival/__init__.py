"""Time to event: rates, survival curves, competing risks, several states, proportional hazards."""

from .cox import CoxFit, cox
from .cumulative_incidence import cumulative_incidence
from .fine_gray import FineGrayFit, fine_gray
from .incidence_curves import CumulativeIncidence
from .kaplan_meier import KaplanMeier, kaplan_meier
from .multi_state import multi_state
from .rates import incidence_rate
from .smr import smr
from .state_curves import StateCurves
from .subdistribution_data import subdistribution_data

__all__ = [
    "CoxFit",
    "CumulativeIncidence",
    "FineGrayFit",
    "KaplanMeier",
    "StateCurves",
    "cox",
    "cumulative_incidence",
    "fine_gray",
    "incidence_rate",
    "kaplan_meier",
    "multi_state",
    "smr",
    "subdistribution_data",
]
