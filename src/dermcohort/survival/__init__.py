"""Time to event: rates, survival curves, log-rank tests, competing risks, several states, proportional hazards."""

from .adjusted_curves import adjusted_curves
from .coefficient_course import ProportionalHazardsTest
from .cox import cox
from .cox_fit import CoxFit
from .cumulative_incidence import cumulative_incidence
from .curve_comparison import AdjustedCurves
from .fine_gray import FineGrayFit, fine_gray
from .frailty import FrailtyFit, frailty
from .incidence_curves import CumulativeIncidence
from .kaplan_meier import KaplanMeier, kaplan_meier
from .logrank import LogRank, logrank
from .multi_state import multi_state
from .nelson_aalen import NelsonAalen, nelson_aalen
from .rates import incidence_rate
from .rmst import rmst
from .smr import smr
from .split_time import split_time
from .state_curves import StateCurves
from .subdistribution_data import subdistribution_data

__all__ = [
    "AdjustedCurves",
    "CoxFit",
    "CumulativeIncidence",
    "FineGrayFit",
    "FrailtyFit",
    "KaplanMeier",
    "LogRank",
    "NelsonAalen",
    "ProportionalHazardsTest",
    "StateCurves",
    "adjusted_curves",
    "cox",
    "cumulative_incidence",
    "fine_gray",
    "frailty",
    "incidence_rate",
    "kaplan_meier",
    "logrank",
    "multi_state",
    "nelson_aalen",
    "rmst",
    "smr",
    "split_time",
    "subdistribution_data",
]
