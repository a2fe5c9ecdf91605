"""Regression models: formula and data frame in, tidy estimates out."""

from .complementary_log_log import complementary_log_log
from .conditional_logistic import ConditionalLogisticFit, conditional_logistic
from .contrast import contrast, trend_test
from .dose_response import DoseResponse, dose_response
from .firth import firth
from .gee import GeeFit, gee
from .glm import GLMFit
from .linear import linear
from .logistic import logistic
from .mixed import MixedFit, mixed_logistic, mixed_poisson
from .mixed_linear import MixedLinearFit, mixed_linear
from .multinomial import MultinomialFit, multinomial
from .negative_binomial import NegativeBinomialFit, negative_binomial
from .ordinal import OrdinalFit, ordinal
from .poisson import poisson
from .prevalence_ratio import log_binomial, modified_poisson
from .risk_difference import risk_difference
from .terms import TermTests, likelihood_ratio_test, term_tests

__all__ = [
    "ConditionalLogisticFit",
    "DoseResponse",
    "GLMFit",
    "GeeFit",
    "MixedFit",
    "MixedLinearFit",
    "MultinomialFit",
    "NegativeBinomialFit",
    "OrdinalFit",
    "TermTests",
    "complementary_log_log",
    "conditional_logistic",
    "contrast",
    "dose_response",
    "firth",
    "gee",
    "likelihood_ratio_test",
    "linear",
    "log_binomial",
    "logistic",
    "mixed_linear",
    "mixed_logistic",
    "mixed_poisson",
    "modified_poisson",
    "multinomial",
    "negative_binomial",
    "ordinal",
    "poisson",
    "risk_difference",
    "term_tests",
    "trend_test",
]
