"""Time to event: rates, survival curves, proportional hazards."""

from .cox import CoxFit, cox
from .kaplan_meier import KaplanMeier, kaplan_meier
from .rates import incidence_rate
from .smr import smr

__all__ = ["CoxFit", "KaplanMeier", "cox", "incidence_rate", "kaplan_meier", "smr"]
