"""How well a report, a questionnaire or an image model agrees with the dermatologist, and raters with each other."""

from .bland_altman import BlandAltman, bland_altman
from .diagnostic import Diagnostic, diagnostic
from .fleiss import fleiss_kappa
from .icc import icc
from .kappa import Kappa, kappa
from .roc import RocCurves, compare_auc, roc

__all__ = [
    "BlandAltman",
    "Diagnostic",
    "Kappa",
    "RocCurves",
    "bland_altman",
    "compare_auc",
    "diagnostic",
    "fleiss_kappa",
    "icc",
    "kappa",
    "roc",
]
