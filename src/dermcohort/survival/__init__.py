"""Time to event: rates, follow-up split by time scales, survival curves and tests, competing risks, hazard models."""

from .additive_hazards import AdditiveHazardsFit, additive_hazards
from .adjusted_curves import adjusted_curves
from .case_cohort import CaseCohortFit, case_cohort
from .censoring_weights import CensoringWeights, censoring_weights
from .coefficient_course import ProportionalHazardsTest
from .cox import cox
from .cox_fit import CoxFit
from .cumulative_incidence import cumulative_incidence
from .curve_comparison import AdjustedCurves
from .discrete_time import DiscreteTimeFit, discrete_time
from .fine_gray import FineGrayFit, fine_gray
from .frailty import FrailtyFit, frailty
from .incidence_curves import CumulativeIncidence
from .interval_ph import IntervalFit, interval_ph
from .kaplan_meier import KaplanMeier, kaplan_meier
from .lexis import lexis
from .lexis_diagram import lexis_diagram
from .logrank import LogRank, logrank
from .multi_state import multi_state
from .nelson_aalen import NelsonAalen, nelson_aalen
from .nested_case_control import NestedCaseControl, nested_case_control
from .parametric import parametric
from .parametric_fit import ParametricFit
from .rate_ratio import rate_difference, rate_ratio
from .rates import incidence_rate
from .ridge_cox import RidgeCoxFit, ridge_cox
from .rmst import rmst
from .sample_subcohort import Subcohort, sample_subcohort
from .smr import smr
from .split_time import split_time
from .standardized_rate import standardized_rate
from .state_curves import StateCurves
from .subdistribution_data import subdistribution_data
from .turnbull import TurnbullCurve, turnbull

__all__ = [
    "AdditiveHazardsFit",
    "AdjustedCurves",
    "CaseCohortFit",
    "CensoringWeights",
    "CoxFit",
    "CumulativeIncidence",
    "DiscreteTimeFit",
    "FineGrayFit",
    "FrailtyFit",
    "IntervalFit",
    "KaplanMeier",
    "LogRank",
    "NelsonAalen",
    "NestedCaseControl",
    "ParametricFit",
    "ProportionalHazardsTest",
    "RidgeCoxFit",
    "StateCurves",
    "Subcohort",
    "TurnbullCurve",
    "additive_hazards",
    "adjusted_curves",
    "case_cohort",
    "censoring_weights",
    "cox",
    "cumulative_incidence",
    "discrete_time",
    "fine_gray",
    "frailty",
    "incidence_rate",
    "interval_ph",
    "kaplan_meier",
    "lexis",
    "lexis_diagram",
    "logrank",
    "multi_state",
    "nelson_aalen",
    "nested_case_control",
    "parametric",
    "rate_difference",
    "rate_ratio",
    "ridge_cox",
    "rmst",
    "sample_subcohort",
    "smr",
    "split_time",
    "standardized_rate",
    "subdistribution_data",
    "turnbull",
]
