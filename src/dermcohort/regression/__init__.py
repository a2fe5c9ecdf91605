"""Regression models: formula and data frame in, tidy estimates out."""

from .glm import GLMFit
from .linear import linear
from .logistic import logistic
from .poisson import poisson
from .prevalence_ratio import log_binomial, modified_poisson

__all__ = ["GLMFit", "linear", "log_binomial", "logistic", "modified_poisson", "poisson"]
