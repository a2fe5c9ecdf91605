"""Prevalence of a binary outcome: how common a condition is, in whom, and how sure that is."""

from .crude import crude

__all__ = ["crude"]
