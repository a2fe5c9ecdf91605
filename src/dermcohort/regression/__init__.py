"""Regression models: formula and data frame in, tidy estimates out."""

from .conditional_logistic import ConditionalLogisticFit, conditional_logistic
from .gee import GeeFit, gee
from .glm import GLMFit
from .linear import linear
from .logistic import logistic
from .mixed import MixedFit, mixed_logistic, mixed_poisson
from .mixed_linear import MixedLinearFit, mixed_linear
from .multinomial import MultinomialFit, multinomial
from .ordinal import OrdinalFit, ordinal
from .poisson import poisson
from .prevalence_ratio import log_binomial, modified_poisson

__all__ = [
    "ConditionalLogisticFit",
    "GLMFit",
    "GeeFit",
    "MixedFit",
    "MixedLinearFit",
    "MultinomialFit",
    "OrdinalFit",
    "conditional_logistic",
    "gee",
    "linear",
    "log_binomial",
    "logistic",
    "mixed_linear",
    "mixed_logistic",
    "mixed_poisson",
    "modified_poisson",
    "multinomial",
    "ordinal",
    "poisson",
]
