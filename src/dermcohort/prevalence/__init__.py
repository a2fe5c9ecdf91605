"""Prevalence of a binary outcome: how common a condition is, in whom, and how sure that is."""

from .compare import difference, odds_ratio, ratio
from .corrected import corrected
from .crude import crude
from .indirect import indirect
from .pooled import PooledPrevalence, pooled
from .standardized import standardized
from .stratified import mantel_haenszel
from .survey import survey
from .trend import trend

__all__ = [
    "PooledPrevalence",
    "corrected",
    "crude",
    "difference",
    "indirect",
    "mantel_haenszel",
    "odds_ratio",
    "pooled",
    "ratio",
    "standardized",
    "survey",
    "trend",
]
