"""The data dictionary: read it, lint it, look at it."""

from .diff import Change, diff_dictionaries, render_changes
from .excel import to_excel
from .excel_read import Proposal, from_excel
from .expression import Expression, ExpressionError, parse_expression
from .json_schema import json_schema
from .model import Cohort, Dictionary, Rule, Variable, Wave
from .problems import DictionaryError, Problem
from .read import check_dictionary, read_dictionary

__all__ = [
    "Change",
    "Cohort",
    "Dictionary",
    "DictionaryError",
    "Expression",
    "ExpressionError",
    "Problem",
    "Proposal",
    "Rule",
    "Variable",
    "Wave",
    "check_dictionary",
    "diff_dictionaries",
    "from_excel",
    "json_schema",
    "parse_expression",
    "read_dictionary",
    "render_changes",
    "to_excel",
]
