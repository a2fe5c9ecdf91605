"""Regression models: formula and data frame in, tidy estimates out."""

from .logistic import LogisticFit, logistic

__all__ = ["LogisticFit", "logistic"]
