"""Regression models: formula and data frame in, tidy estimates out."""

from .aipw import aipw
from .contrasts import Effects
from .gee import GeeFit, gee
from .glm import GLMFit
from .linear import linear
from .logistic import logistic
from .mediation import mediation
from .mixed import MixedFit, mixed_logistic, mixed_poisson
from .mixed_linear import MixedLinearFit, mixed_linear
from .poisson import poisson
from .prevalence_ratio import log_binomial, modified_poisson
from .propensity import PropensityWeights, propensity_weights
from .standardized_risks import standardized_risks

__all__ = [
    "Effects",
    "GLMFit",
    "GeeFit",
    "MixedFit",
    "MixedLinearFit",
    "PropensityWeights",
    "aipw",
    "gee",
    "linear",
    "log_binomial",
    "logistic",
    "mediation",
    "mixed_linear",
    "mixed_logistic",
    "mixed_poisson",
    "modified_poisson",
    "poisson",
    "propensity_weights",
    "standardized_risks",
]
