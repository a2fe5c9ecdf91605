"""Prevalence of a binary outcome: how common a condition is, in whom, and how sure that is."""

from .crude import crude
from .pooled import PooledPrevalence, pooled

__all__ = ["PooledPrevalence", "crude", "pooled"]
