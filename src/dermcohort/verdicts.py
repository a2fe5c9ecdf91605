"""Did a check pass? Judged from counts alone, so that a threshold can change without a new run."""

from __future__ import annotations

import numpy as np
import pandas as pd

from .dictionary.model import Check, Dictionary

# What a run counts, and what is added by the dictionary of the day.
COUNTED = {
    "id": object, "kind": object, "hash": object, "cohort": object, "wave": object, "n": "int64",
    "violations": "int64", "unknown": "int64", "value": float, "reference": float, "note": object,
}  # fmt: skip
COLUMNS = (
    "id", "title", "kind", "severity", "group", "cohort", "wave", "n", "violations", "unknown", "share", "value",
    "reference", "threshold", "passed", "owner", "hash", "note",
)  # fmt: skip
NEW_RUN = "needs a new run"
ROUNDING = 1e-9


def counts_table(rows: list[dict[str, object]]) -> pd.DataFrame:
    """Rows of counts as a table that has its columns and types even where it is empty."""
    table = pd.DataFrame(rows, columns=list(COUNTED))
    return table.astype(COUNTED)


def judge(counts: pd.DataFrame, dictionary: Dictionary) -> pd.DataFrame:
    """The table of checks, in the order of checks.yaml.

    `share` is the share of violations among the evaluable rows. For a distribution, `value` and `reference` are
    what is compared. A check passes where the share (or the difference) is at most `threshold`, and where it could
    not be evaluated; the `note` says why. It does not pass where its expression is another than the one counted.
    """
    language = dictionary.languages[0]
    parts = []
    for check in dictionary.checks:
        mine = counts.loc[(counts["id"] == check.id) & (counts["hash"] == check.hash), list(COUNTED)]
        parts.append(_judged(check, mine if len(mine) else _stale(check, counts), language))
    if not parts:
        return _judged(None, counts_table([]), language)
    return pd.concat(parts, ignore_index=True)


def _stale(check: Check, counts: pd.DataFrame) -> pd.DataFrame:
    why = "what it counts has changed" if (counts["id"] == check.id).any() else "it was not counted yet"
    row = {"id": check.id, "kind": check.kind, "hash": check.hash, "cohort": "", "wave": "", "n": 0,
           "violations": 0, "unknown": 0, "note": f"{NEW_RUN}: {why}"}  # fmt: skip
    return counts_table([row])


def _judged(check: Check | None, counts: pd.DataFrame, language: str) -> pd.DataFrame:
    table = counts.copy()
    is_share = (table["kind"] != "distribution") & (table["n"] > 0)
    table["share"] = (table["violations"] / table["n"].where(is_share)).astype(float)
    found = table["share"].fillna((table["value"] - table["reference"]).abs()).to_numpy(float)
    threshold = check.threshold if check else 0.0
    broken = table["note"].fillna("").str.startswith((NEW_RUN, "does not fit")).to_numpy(bool)
    table["passed"] = (np.isnan(found) | (found <= threshold + ROUNDING)) & ~broken
    table["threshold"] = threshold
    said = {
        "title": check.title.get(language, check.id) if check else None,
        "severity": check.severity if check else None,
        "group": check.group if check else None,
        "owner": check.owner if check else None,
    }
    for name, text in said.items():
        table[name] = pd.Series([text] * len(table), table.index, dtype=object)
    return table[list(COLUMNS)]
