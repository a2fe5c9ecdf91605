"""Prevalence of a binary outcome: how common a condition is, in whom, and how sure that is."""

from .crude import crude
from .indirect import indirect
from .standardized import standardized
from .survey import survey

__all__ = [
    "crude",
    "indirect",
    "standardized",
    "survey",
]
