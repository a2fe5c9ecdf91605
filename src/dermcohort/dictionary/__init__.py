"""The data dictionary: read it, lint it, look at it, compare it with the raw files."""

from .diff import Change, diff_dictionaries, render_changes
from .draft import draft_mapping
from .excel import to_excel
from .excel_read import Proposal, from_excel
from .expression import Expression, ExpressionError, parse_expression
from .json_schema import json_schema
from .model import Cohort, Dictionary, Rule, Variable, Wave
from .problems import DictionaryError, Problem
from .raw import check_raw, lock_raw
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
    "check_raw",
    "diff_dictionaries",
    "draft_mapping",
    "from_excel",
    "json_schema",
    "lock_raw",
    "parse_expression",
    "read_dictionary",
    "render_changes",
    "to_excel",
]
