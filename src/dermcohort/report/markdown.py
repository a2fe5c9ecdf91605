"""Tables whose cells are Markdown already (links, code)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def pipe_table(heads: Sequence[str], rows: Iterable[Sequence[str]], numbers: Sequence[str] = ()) -> str:
    """A pipe table; the columns of `numbers` stand at the right.

    Examples
    --------
    >>> print(pipe_table(["File", "Rows"], [["`a.csv`", "1,200"]], numbers=["Rows"]))
    | File | Rows |
    |:--|--:|
    | `a.csv` | 1,200 |
    """
    rules = "|".join("--:" if head in numbers else ":--" for head in heads)
    lines = [_row(heads), f"|{rules}|", *(_row(row) for row in rows)]
    return "\n".join(lines)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(' '.join(cell.split()).replace('|', chr(92) + '|') for cell in cells)} |"
