"""Time to event: rates, survival curves, log-rank tests, proportional hazards."""

from .cox import cox
from .cox_fit import CoxFit
from .kaplan_meier import KaplanMeier, kaplan_meier
from .logrank import LogRank, logrank
from .nelson_aalen import NelsonAalen, nelson_aalen
from .rates import incidence_rate
from .rmst import rmst
from .smr import smr
from .split_time import split_time

__all__ = [
    "CoxFit",
    "KaplanMeier",
    "LogRank",
    "NelsonAalen",
    "cox",
    "incidence_rate",
    "kaplan_meier",
    "logrank",
    "nelson_aalen",
    "rmst",
    "smr",
    "split_time",
]
