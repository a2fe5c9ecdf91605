"""Regression models: formula and data frame in, tidy estimates out."""

from .aipw import aipw
from .complementary_log_log import complementary_log_log
from .conditional_logistic import ConditionalLogisticFit, conditional_logistic
from .contrast import contrast, trend_test
from .contrasts import Effects
from .dose_response import DoseResponse, dose_response
from .firth import firth
from .gee import GeeFit, gee
from .glm import GLMFit
from .linear import linear
from .logistic import logistic
from .mediation import mediation
from .mixed import MixedFit, mixed_logistic, mixed_poisson
from .mixed_linear import MixedLinearFit, mixed_linear
from .multinomial import MultinomialFit, multinomial
from .negative_binomial import NegativeBinomialFit, negative_binomial
from .ordinal import OrdinalFit, ordinal
from .poisson import poisson
from .prevalence_ratio import log_binomial, modified_poisson
from .propensity import PropensityWeights, propensity_weights
from .risk_difference import risk_difference
from .standardized_risks import standardized_risks
from .terms import TermTests, likelihood_ratio_test, term_tests

__all__ = [
    "ConditionalLogisticFit",
    "DoseResponse",
    "Effects",
    "GLMFit",
    "GeeFit",
    "MixedFit",
    "MixedLinearFit",
    "MultinomialFit",
    "NegativeBinomialFit",
    "OrdinalFit",
    "PropensityWeights",
    "TermTests",
    "aipw",
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
    "mediation",
    "mixed_linear",
    "mixed_logistic",
    "mixed_poisson",
    "modified_poisson",
    "multinomial",
    "negative_binomial",
    "ordinal",
    "poisson",
    "propensity_weights",
    "risk_difference",
    "standardized_risks",
    "term_tests",
    "trend_test",
]
