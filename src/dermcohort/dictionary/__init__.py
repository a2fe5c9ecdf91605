"""The data dictionary: read it, lint it, look at it."""

from .expression import Expression, ExpressionError, parse_expression
from .model import Cohort, Dictionary, Rule, Variable, Wave
from .problems import DictionaryError, Problem
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
    "parse_expression",
    "read_dictionary",
]
