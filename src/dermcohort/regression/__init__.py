"""Regression models: formula and data frame in, tidy estimates out."""

from .attributable import attributable_fraction
from .evalue import EValues, e_value
from .gee import GeeFit, gee
from .glm import GLMFit
from .interaction import Interaction, interaction
from .linear import linear
from .logistic import logistic
from .mixed import MixedFit, mixed_logistic, mixed_poisson
from .mixed_linear import MixedLinearFit, mixed_linear
from .multiple import adjust_p_values
from .poisson import poisson
from .prevalence_ratio import log_binomial, modified_poisson

__all__ = [
    "EValues",
    "GLMFit",
    "GeeFit",
    "Interaction",
    "MixedFit",
    "MixedLinearFit",
    "adjust_p_values",
    "attributable_fraction",
    "e_value",
    "gee",
    "interaction",
    "linear",
    "log_binomial",
    "logistic",
    "mixed_linear",
    "mixed_logistic",
    "mixed_poisson",
    "modified_poisson",
    "poisson",
]
