"""Apply rules to a raw file, table by table, so that the file may be larger than memory.

Every rule works row by row, so its outcome is that of the whole file however it is cut; counts of source values are
added up. A rule that does not fit one table does not fit the file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..dictionary.model import Dictionary, IdRule, Variable, Wave
from ..dictionary.problems import Place
from ..readers import read_tables
from .evaluate import EvaluationError, evaluate
from .outcomes import Outcomes
from .vectors import Vector, join
from .verbs import Context, RuleError, apply_rule, conform, raw_vector

CELLS = 1 << 23  # declared cells of a table: 64 MB of numbers
_ID = Variable("participant_id", "", "participant", "text", {}, Place(""))


@dataclass(frozen=True)
class Applied:
    """What a file has beside the outcomes: its ids, and why rules do not fit, that of the ids or others."""

    n_rows: int
    ids: Vector | RuleError
    errors: dict[str, RuleError]
    notices: tuple[str, ...]


def apply_rules(
    dictionary: Dictionary,
    wave: Wave,
    names: Sequence[str],
    raw: Path,
    rows: int | None,
    outcomes: Outcomes,
) -> Applied:
    """Read the id and the columns of the rules `names`, and put what the rules make of them into `outcomes`.

    Parameters
    ----------
    names : list of str
        Variables of `wave.rules`.
    raw : Path
        Folder of the file.
    rows : int, optional
        Rows of a table; by default as many as keep `CELLS` declared cells in memory.

    Raises
    ------
    ReaderError
        As `read_raw`.
    """
    rules = {name: wave.rules[name] for name in names}
    columns = list(dict.fromkeys([wave.id.column, *(c for rule in rules.values() for c in rule.sources)]))
    tables = read_tables(
        raw / wave.file,
        columns,
        rows or max(CELLS // len(columns), 2),
        encoding=wave.encoding,
        delimiter=wave.delimiter,
        sheet=wave.sheet,
        header_row=wave.header_row,
        catalog=raw / wave.catalog if wave.catalog else None,
    )
    for table in tables:
        if table.offset == 0:  # the file begins, perhaps anew with another encoding
            ids: list[Vector] = []
            id_error: RuleError | None = None
            errors: dict[str, RuleError] = {}
            _forget(outcomes, names)
        context = Context(dictionary.reasons, dictionary.conversions, table.columns, table.n_rows)
        try:
            ids.append(_ids(wave.id, context))
        except RuleError as error:
            id_error = RuleError(str(error))  # without the frames that hold the table
        for name, rule in rules.items():
            if name in errors:
                continue
            try:
                outcomes.add(name, apply_rule(dictionary.variables[name], rule, context))
            except RuleError as error:
                errors[name] = RuleError(str(error))
                _forget(outcomes, [name])
        n_rows, notices = table.offset + table.n_rows, table.notices
        del table, context  # before the next one is read
    return Applied(n_rows, id_error or join(ids), errors, notices)


def _forget(outcomes: Outcomes, names: Sequence[str]) -> None:
    for name in names:
        if name in outcomes:
            del outcomes[name]


def _ids(rule: IdRule, context: Context) -> Vector:
    """Participant ids as texts."""
    raw = raw_vector(context.columns[rule.column], {}, context)
    try:
        ids = evaluate(rule.expr, {rule.column: raw}, context.n_rows) if rule.expr else raw
    except EvaluationError as error:
        raise RuleError(str(error)) from None
    return conform(ids, _ID)
