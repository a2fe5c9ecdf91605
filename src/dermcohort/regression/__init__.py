"""Regression models: formula and data frame in, tidy estimates out."""

from .gee import GeeFit, gee
from .logistic import LogisticFit, logistic
from .mixed import MixedFit, mixed_logistic, mixed_poisson
from .mixed_linear import MixedLinearFit, mixed_linear

__all__ = [
    "GeeFit",
    "LogisticFit",
    "MixedFit",
    "MixedLinearFit",
    "gee",
    "logistic",
    "mixed_linear",
    "mixed_logistic",
    "mixed_poisson",
]
