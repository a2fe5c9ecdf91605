"""dermcohort: harmonize, analyse and report population cohorts of skin health.

The public face: ``import dermcohort as dc``, then ``dc.harmonize(dc.read_dictionary("data-dictionary"), "raw/")``.
"""

from . import accuracy, describe, prevalence, regression, report, survival
from .dictionary import DictionaryError, read_dictionary
from .estimates import Estimates
from .harmonize import HarmonizeError, harmonize
from .readers import ReaderError
from .simulate import simulate_cohorts
from .study import Study, StudyError, open_study

__version__ = "0.1.0"

__all__ = [
    "DictionaryError",
    "Estimates",
    "HarmonizeError",
    "ReaderError",
    "Study",
    "StudyError",
    "accuracy",
    "describe",
    "harmonize",
    "open_study",
    "prevalence",
    "read_dictionary",
    "regression",
    "report",
    "simulate_cohorts",
    "survival",
]
