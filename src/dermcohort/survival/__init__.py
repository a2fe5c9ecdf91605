"""Time to event: rates, survival curves, log-rank tests, competing risks, several states, proportional hazards."""

from .case_cohort import CaseCohortFit, case_cohort
from .censoring_weights import CensoringWeights, censoring_weights
from .cox import cox
from .cox_fit import CoxFit
from .cumulative_incidence import cumulative_incidence
from .fine_gray import FineGrayFit, fine_gray
from .incidence_curves import CumulativeIncidence
from .kaplan_meier import KaplanMeier, kaplan_meier
from .logrank import LogRank, logrank
from .multi_state import multi_state
from .nelson_aalen import NelsonAalen, nelson_aalen
from .nested_case_control import NestedCaseControl, nested_case_control
from .rates import incidence_rate
from .rmst import rmst
from .sample_subcohort import Subcohort, sample_subcohort
from .smr import smr
from .split_time import split_time
from .state_curves import StateCurves
from .subdistribution_data import subdistribution_data

__all__ = [
    "CaseCohortFit",
    "CensoringWeights",
    "CoxFit",
    "CumulativeIncidence",
    "FineGrayFit",
    "KaplanMeier",
    "LogRank",
    "NelsonAalen",
    "NestedCaseControl",
    "StateCurves",
    "Subcohort",
    "case_cohort",
    "censoring_weights",
    "cox",
    "cumulative_incidence",
    "fine_gray",
    "incidence_rate",
    "kaplan_meier",
    "logrank",
    "multi_state",
    "nelson_aalen",
    "nested_case_control",
    "rmst",
    "sample_subcohort",
    "smr",
    "split_time",
    "subdistribution_data",
]
