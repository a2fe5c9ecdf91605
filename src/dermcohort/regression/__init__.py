"""Regression models: formula and data frame in, tidy estimates out."""

from .gee import GeeFit, gee
from .logistic import LogisticFit, logistic

__all__ = ["GeeFit", "LogisticFit", "gee", "logistic"]
