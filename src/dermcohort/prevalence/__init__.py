"""Prevalence of a binary outcome: how common a condition is, in whom, and how sure that is."""

from .compare import difference, odds_ratio, ratio
from .corrected import corrected
from .crude import crude
from .stratified import mantel_haenszel
from .trend import trend

__all__ = ["corrected", "crude", "difference", "mantel_haenszel", "odds_ratio", "ratio", "trend"]
