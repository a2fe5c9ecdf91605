"""Prevalence of a binary outcome: how common a condition is, in whom, and how sure that is."""

from .co_occurrence import CoOccurrence, co_occurrence
from .crude import crude
from .multimorbidity import multimorbidity

__all__ = ["CoOccurrence", "co_occurrence", "crude", "multimorbidity"]
