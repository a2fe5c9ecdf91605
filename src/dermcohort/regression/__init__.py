"""Regression models: formula and data frame in, tidy estimates out."""

from .complementary_log_log import complementary_log_log
from .firth import firth
from .gee import GeeFit, gee
from .glm import GLMFit
from .linear import linear
from .logistic import logistic
from .mixed import MixedFit, mixed_logistic, mixed_poisson
from .mixed_linear import MixedLinearFit, mixed_linear
from .negative_binomial import NegativeBinomialFit, negative_binomial
from .poisson import poisson
from .prevalence_ratio import log_binomial, modified_poisson
from .risk_difference import risk_difference

__all__ = [
    "GLMFit",
    "GeeFit",
    "MixedFit",
    "MixedLinearFit",
    "NegativeBinomialFit",
    "complementary_log_log",
    "firth",
    "gee",
    "linear",
    "log_binomial",
    "logistic",
    "mixed_linear",
    "mixed_logistic",
    "mixed_poisson",
    "modified_poisson",
    "negative_binomial",
    "poisson",
    "risk_difference",
]
