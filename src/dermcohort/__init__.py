"""dermcohort: harmonize, analyse and report population cohorts of skin health.

The public face: ``import dermcohort as dc``, then ``dc.harmonize(dc.read_dictionary("data-dictionary"), "raw/")``.
"""

from . import (
    accuracy,
    bias,
    describe,
    meta,
    missing,
    mixtures,
    power,
    prevalence,
    regression,
    report,
    survey,
    survival,
)
from .dictionary import DictionaryError, read_dictionary
from .estimates import Estimates
from .harmonize import HarmonizeError, harmonize, harmonize_to
from .readers import ReaderError
from .simulate import simulate_cohorts
from .standard import standard_population
from .study import Study, StudyError, open_study
from .variance import ReplicateDesign, SurveyDesign

__version__ = "0.1.0"

__all__ = [
    "DictionaryError",
    "Estimates",
    "HarmonizeError",
    "ReaderError",
    "ReplicateDesign",
    "Study",
    "StudyError",
    "SurveyDesign",
    "accuracy",
    "bias",
    "describe",
    "harmonize",
    "harmonize_to",
    "meta",
    "missing",
    "mixtures",
    "open_study",
    "power",
    "prevalence",
    "read_dictionary",
    "regression",
    "report",
    "simulate_cohorts",
    "standard_population",
    "survey",
    "survival",
]
