"""Dermatology: quality of life with skin disease, and atopic dermatitis by questionnaire criteria."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ...dictionary.expression import parse_expression
from ..evaluate import evaluate
from ..vectors import NOT_APPLICABLE, Vector, boolean, number
from .items import answers, first_reason, need_items, numeric

CRITERIA_NEEDED = 3
# a child under 4 is too young for the age at onset to tell; a relative's atopy stands in for its own
ATOPY_OF_A_CHILD = parse_expression("asthma_hay_fever == 1 or (age < 4 and atopy_in_relative == 1)")
EARLY_ONSET = parse_expression("age >= 4 and onset_under_2 == 1")
PREVENTED = 3


def dlqi(items: Mapping[str, Vector]) -> Vector:
    """Dermatology Life Quality Index, 0 (no effect) to 30.

    Parameters
    ----------
    items : mapping of Vector
        `q1` … `q10`, each 0 (not at all) to 3 (very much). "Not relevant" is an answer and counts 0: give it
        the reason `not_applicable` (in `missing`) or the value 0 (in `values`). Item 7 first asks whether the
        skin prevented work or study: where that stands in a column of its own, name it `q7_prevented` (1 yes,
        0 no); yes counts 3, whatever `q7` says.

    Returns
    -------
    Vector
        Known where at least nine items are answered; one missing item counts 0. With two or more missing it
        is not scored and has the reason of the first.

    Raises
    ------
    ValueError
        If an item is not among the rule's aliases.

    Notes
    -----
    Scoring of Finlay AY, Khan GK, Clin Exp Dermatol 1994;19:210-216 and its instructions for use.

    Examples
    --------
    >>> from dermcohort.harmonize.vectors import number
    >>> one = number([1.0, 1.0, 1.0])
    >>> q7 = number([0.0, 0.0, np.nan], [0, 0, 3])
    >>> prevented = number([1.0, 0.0, np.nan], [0, 0, 3])
    >>> dlqi({**{f"q{i}": one for i in range(1, 11)}, "q7": q7, "q7_prevented": prevented}).data
    array([12., 9., 9.])
    """
    need_items("dlqi", items)
    scored = {f"q{i}": _relevant(answers(items[f"q{i}"], (0, 1, 2, 3))) for i in range(1, 11)}
    if "q7_prevented" in items:
        scored["q7"] = _work_or_study(answers(items["q7_prevented"], (0, 1)), scored["q7"])
    vectors = list(scored.values())
    n_missing = np.sum([~vector.known for vector in vectors], axis=0)
    total = np.sum([np.where(vector.known, vector.data, 0.0) for vector in vectors], axis=0)
    why = np.where(n_missing <= 1, 0, first_reason(vectors))
    return number(np.where(why == 0, total, np.nan), why)


def _relevant(item: Vector) -> Vector:
    """ "Not relevant" to this person is no problem: 0."""
    not_relevant = item.why == NOT_APPLICABLE
    return number(np.where(not_relevant, 0.0, item.data), np.where(not_relevant, 0, item.why))


def _work_or_study(prevented: Vector, degree: Vector) -> Vector:
    """Item 7: prevented counts 3, else how much of a problem it was."""
    yes = prevented.known & (prevented.data == 1)
    not_relevant = prevented.why == NOT_APPLICABLE
    data = np.select([yes, not_relevant], [PREVENTED, 0.0], degree.data)
    return number(data, np.where(yes | not_relevant, 0, degree.why))


def uk_working_party(items: Mapping[str, Vector]) -> Vector:
    """Atopic dermatitis by the UK Working Party criteria: an itchy skin and three or more of five criteria.

    The five: a history of flexural involvement; asthma or hay fever (under 4 years: or atopy in a first-degree
    relative); dry skin in the last year; onset under the age of 2 (not used under 4 years); visible flexural
    eczema.

    Parameters
    ----------
    items : mapping of Vector
        `itch`, `flexural_history`, `asthma_hay_fever`, `dry_skin`, `onset_under_2`, `visible_flexural`, each 1
        (yes) or 0 (no). Where the cohort has children under 4: `age` in years and `atopy_in_relative` too.

    Returns
    -------
    Vector
        Boolean. Known as soon as the known items decide: no itch is no, whatever the others; three criteria
        are three, whatever the fourth. Else it has the reason of the first unknown item.

    Raises
    ------
    ValueError
        If an item is not among the rule's aliases, or `age` is without `atopy_in_relative`.

    Notes
    -----
    Williams HC et al., Br J Dermatol 1994;131:383-396, 397-405, 406-416.

    Examples
    --------
    >>> from dermcohort.harmonize.vectors import number
    >>> yes, no, unasked = (number([x], [w]) for x, w in ((1.0, 0), (0.0, 0), (np.nan, 3)))
    >>> five = {"flexural_history": yes, "asthma_hay_fever": no, "dry_skin": yes, "onset_under_2": unasked}
    >>> uk_working_party({"itch": yes, **five, "visible_flexural": yes}).data
    array([ True])
    """
    need_items("uk_working_party", items)
    if "age" in items and "atopy_in_relative" not in items:
        raise ValueError("uk_working_party with 'age' needs 'atopy_in_relative' too, for those under 4")
    values = {name: answers(item, (0, 1)) for name, item in items.items() if name != "age"}
    n = len(values["itch"])
    if "age" in items:
        values["age"] = numeric(items["age"])
        atopy, onset = (evaluate(criterion, values, n) for criterion in (ATOPY_OF_A_CHILD, EARLY_ONSET))
    else:
        atopy, onset = values["asthma_hay_fever"], values["onset_under_2"]
    criteria = [values["flexural_history"], atopy, values["dry_skin"], onset, values["visible_flexural"]]
    itch = values["itch"]
    at_least = np.sum([criterion.known & (criterion.data == 1) for criterion in criteria], axis=0)
    at_most = at_least + np.sum([~criterion.known for criterion in criteria], axis=0)
    yes = itch.known & (itch.data == 1) & (at_least >= CRITERIA_NEEDED)
    no = (itch.known & (itch.data == 0)) | (at_most < CRITERIA_NEEDED)
    return boolean(yes, np.where(yes | no, 0, first_reason([itch, *criteria])))
