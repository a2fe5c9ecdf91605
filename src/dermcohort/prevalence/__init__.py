"""Prevalence of a binary outcome: how common a condition is, in whom, and how sure that is."""

from .co_occurrence import CoOccurrence, co_occurrence
from .compare import difference, odds_ratio, ratio
from .corrected import corrected
from .crude import crude
from .indirect import indirect
from .multimorbidity import multimorbidity
from .pooled import PooledPrevalence, pooled
from .standardized import standardized
from .stratified import mantel_haenszel
from .survey import survey
from .trend import trend

__all__ = [
    "CoOccurrence",
    "PooledPrevalence",
    "co_occurrence",
    "corrected",
    "crude",
    "difference",
    "indirect",
    "mantel_haenszel",
    "multimorbidity",
    "odds_ratio",
    "pooled",
    "ratio",
    "standardized",
    "survey",
    "trend",
]
