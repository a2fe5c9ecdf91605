"""dermcohort: harmonize, analyse and report population cohorts of skin health.

The public face: ``import dermcohort as dc``, then ``dc.harmonize(dc.read_dictionary("data-dictionary"), "raw/")``.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .dictionary import DictionaryError, read_dictionary
from .estimates import Estimates
from .harmonize import HarmonizeError, harmonize, harmonize_to
from .readers import ReaderError
from .study import Study, StudyError, open_study

if TYPE_CHECKING:
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
    from .simulate import simulate_cohorts
    from .standard import standard_population
    from .variance import ReplicateDesign, SurveyDesign

# where the names live that are imported when first used: a report or a command that computes nothing starts at once
_LATER = {
    "ReplicateDesign": "variance",
    "SurveyDesign": "variance",
    "simulate_cohorts": "simulate",
    "standard_population": "standard",
}
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


def __getattr__(name: str) -> Any:
    if name in _LATER:
        return getattr(import_module(f".{_LATER[name]}", __name__), name)
    if name in __all__:
        return import_module(f".{name}", __name__)
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
