"""Regression models: formula and data frame in, tidy estimates out."""

# survival needs parts of this package and this package parts of survival: from that side the circle closes
from .. import survival  # noqa: F401
from .aipw import aipw
from .attributable import attributable_fraction
from .complementary_log_log import complementary_log_log
from .conditional_logistic import ConditionalLogisticFit, conditional_logistic
from .contrast import contrast, trend_test
from .dose_response import DoseResponse, dose_response
from .effects import Effects
from .evalue import EValues, e_value
from .firth import firth
from .gee import GeeFit, gee
from .glm import GLMFit
from .interaction import Interaction, interaction
from .likelihood_ratio import likelihood_ratio_test
from .linear import linear
from .logistic import logistic
from .mediation import mediation
from .mixed import MixedFit, mixed_logistic, mixed_poisson
from .mixed_linear import MixedLinearFit, mixed_linear
from .multinomial import MultinomialFit, multinomial
from .multiple import adjust_p_values
from .negative_binomial import NegativeBinomialFit, negative_binomial
from .ordinal import OrdinalFit, ordinal
from .poisson import poisson
from .prevalence_ratio import log_binomial, modified_poisson
from .propensity import PropensityWeights, propensity_weights
from .risk_difference import risk_difference
from .risk_factors import RiskFactors, risk_factors
from .standardized_risks import standardized_risks
from .terms import TermTests, term_tests

__all__ = [
    "ConditionalLogisticFit",
    "DoseResponse",
    "EValues",
    "Effects",
    "GLMFit",
    "GeeFit",
    "Interaction",
    "MixedFit",
    "MixedLinearFit",
    "MultinomialFit",
    "NegativeBinomialFit",
    "OrdinalFit",
    "PropensityWeights",
    "RiskFactors",
    "TermTests",
    "adjust_p_values",
    "aipw",
    "attributable_fraction",
    "complementary_log_log",
    "conditional_logistic",
    "contrast",
    "dose_response",
    "e_value",
    "firth",
    "gee",
    "interaction",
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
    "risk_factors",
    "standardized_risks",
    "term_tests",
    "trend_test",
]
