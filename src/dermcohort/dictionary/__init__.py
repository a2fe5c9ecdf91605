"""The data dictionary: read it, lint it, look at it, compare it with the raw files."""

from .draft import draft_mapping
from .expression import Expression, ExpressionError, parse_expression
from .model import Cohort, Dictionary, Rule, Variable, Wave
from .problems import DictionaryError, Problem
from .raw import check_raw, lock_raw
from .read import check_dictionary, read_dictionary

__all__ = [
    "Cohort",
    "Dictionary",
    "DictionaryError",
    "Expression",
    "ExpressionError",
    "Problem",
    "Rule",
    "Variable",
    "Wave",
    "check_dictionary",
    "check_raw",
    "draft_mapping",
    "lock_raw",
    "parse_expression",
    "read_dictionary",
]
