"""Apply rules to a raw file, table by table, so that the file may be larger than memory.

Every rule works row by row, so its outcome is that of the whole file however it is cut; counts of source values are
added up. A rule that does not fit one table does not fit the file.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..dictionary.model import Dictionary, IdRule, Variable, Wave
from ..dictionary.problems import Place
from ..readers import read_tables
from .evaluate import EvaluationError, evaluate
from .vectors import join
from .verbs import Context, Outcome, RuleError, apply_rule, conform, raw_vector, summed_counts

CELLS = 1 << 23  # declared cells of a table: 64 MB of numbers
_ID = Variable("participant_id", "", "participant", "text", {}, Place(""))


@dataclass(frozen=True)
class Applied:
    """What became of one file: its ids and the outcome of every rule, or why the rule does not fit."""

    n_rows: int
    ids: Outcome | RuleError
    outcomes: dict[str, Outcome | RuleError]
    notices: tuple[str, ...]


def apply_rules(
    dictionary: Dictionary, wave: Wave, names: Sequence[str], raw: Path, rows: int | None
) -> Applied:
    """Read the id and the columns of the rules `names`, and apply these.

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
            ids = _Parts()
            outcomes = {name: _Parts() for name in rules}
        context = Context(dictionary.reasons, dictionary.conversions, table.columns, table.n_rows)
        ids.add(_ids, wave.id, context)
        for name, rule in rules.items():
            outcomes[name].add(apply_rule, dictionary.variables[name], rule, context)
        n_rows, notices = table.offset + table.n_rows, table.notices
        del table, context  # before the next one is read
    return Applied(n_rows, ids.joined(), {name: outcomes.pop(name).joined() for name in rules}, notices)


def _ids(rule: IdRule, context: Context) -> Outcome:
    """Participant ids as texts."""
    raw = raw_vector(context.columns[rule.column], {}, context)
    try:
        ids = evaluate(rule.expr, {rule.column: raw}, context.n_rows) if rule.expr else raw
    except EvaluationError as error:
        raise RuleError(str(error)) from None
    return Outcome(conform(ids, _ID))


class _Parts:
    """The outcomes of one rule, table by table, until it fails."""

    def __init__(self) -> None:
        self.outcomes: list[Outcome] = []
        self.error: RuleError | None = None

    def add(self, compute: Callable[..., Outcome], *arguments: Any) -> None:
        if self.error is not None:
            return
        try:
            self.outcomes.append(compute(*arguments))
        except RuleError as error:
            self.error = RuleError(str(error))  # without the frames that hold the table
            self.outcomes.clear()

    def joined(self) -> Outcome | RuleError:
        if self.error is not None:
            return self.error
        first = self.outcomes[0]
        if len(self.outcomes) == 1:
            return first
        counts = [part.before for part in self.outcomes if part.before is not None]
        return Outcome(
            join([part.vector for part in self.outcomes]),
            _joined_limits(self.outcomes),
            summed_counts(counts) if counts else None,
            first.factor,
        )


def _joined_limits(parts: Sequence[Outcome]) -> np.ndarray | None:
    """Detection limits a row, NaN where a table has none."""
    if all(part.limits is None for part in parts):
        return None
    limits = [np.full(len(part.vector), np.nan) if part.limits is None else part.limits for part in parts]
    return np.concatenate(limits)
