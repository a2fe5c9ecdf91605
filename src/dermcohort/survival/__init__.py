"""Time to event: rates, survival curves, log-rank tests, competing risks, several states, proportional hazards."""

from .cox import cox
from .cox_fit import CoxFit
from .cumulative_incidence import cumulative_incidence
from .fine_gray import FineGrayFit, fine_gray
from .incidence_curves import CumulativeIncidence
from .kaplan_meier import KaplanMeier, kaplan_meier
from .lexis import lexis
from .lexis_diagram import lexis_diagram
from .logrank import LogRank, logrank
from .multi_state import multi_state
from .nelson_aalen import NelsonAalen, nelson_aalen
from .rate_ratio import rate_difference, rate_ratio
from .rates import incidence_rate
from .rmst import rmst
from .smr import smr
from .split_time import split_time
from .standardized_rate import standardized_rate
from .state_curves import StateCurves
from .subdistribution_data import subdistribution_data

__all__ = [
    "CoxFit",
    "CumulativeIncidence",
    "FineGrayFit",
    "KaplanMeier",
    "LogRank",
    "NelsonAalen",
    "StateCurves",
    "cox",
    "cumulative_incidence",
    "fine_gray",
    "incidence_rate",
    "kaplan_meier",
    "lexis",
    "lexis_diagram",
    "logrank",
    "multi_state",
    "nelson_aalen",
    "rate_difference",
    "rate_ratio",
    "rmst",
    "smr",
    "split_time",
    "standardized_rate",
    "subdistribution_data",
]
