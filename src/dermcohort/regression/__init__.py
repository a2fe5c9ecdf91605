"""Regression models: formula and data frame in, tidy estimates out."""

from .gee import GeeFit, gee
from .logistic import LogisticFit, logistic
from .mixed import MixedFit, mixed_logistic, mixed_poisson

__all__ = ["GeeFit", "LogisticFit", "MixedFit", "gee", "logistic", "mixed_logistic", "mixed_poisson"]
