"""One record a variable and wave: where a value comes from and what was done to it."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd

from ..dictionary.model import Dictionary, Rule
from .wave import RawWave


def provenance_row(dictionary: Dictionary, raw_wave: RawWave, name: str, rule: Rule) -> dict[str, Any]:
    """File and hash, rule, status, unit factor, and the counts of the kept rows."""
    outcome = raw_wave.outcomes[name]
    why = outcome.vector.why[raw_wave.kept]
    counts = np.bincount(why, minlength=32)
    before = None
    if outcome.before is not None:
        before = json.dumps(source_counts(outcome.before, dictionary.min_cell), ensure_ascii=False)
    variable = dictionary.variables[name]
    row: dict[str, Any] = {
        "cohort": raw_wave.wave.cohort,
        "wave": raw_wave.wave.name,
        "variable": name,
        "file": raw_wave.wave.file,
        "sha256": raw_wave.sha256,
        "columns": ", ".join(rule.sources),
        "status": rule.status,
        "verb": rule.verb if rule.is_mapped else None,
        "rule": rule.text,
        "rule_hash": rule.hash,
        "note": rule.note,
        "reviewed": rule.reviewed,
        "question": rule.question,
        "ascertainment": rule.ascertainment,
        "unit_from": rule.unit,
        "unit_to": variable.unit,
        "slope": outcome.factor.slope if outcome.factor else None,
        "intercept": outcome.factor.intercept if outcome.factor else None,
        "factor_source": outcome.factor.source if outcome.factor else None,
        "before": before,
        "n": len(why),
        "observed": int(counts[0]),
    }
    row.update({f"n_{reason.name}": int(counts[reason.code]) for reason in dictionary.reasons.values()})
    return row


def source_counts(before: pd.DataFrame, min_cell: int) -> list[dict[str, Any]]:
    """Source values by what they became, fit to be shown.

    A value without a rule that few people hold may be a name someone typed: such values share one row. Values that
    the dictionary knows stay, but without the count of few people.
    """
    records: list[dict[str, Any]] = []
    n_hidden = 0
    for source, target, n in zip(before["source"], before["target"], before["n"], strict=True):
        if n < min_cell and target == "unmapped":
            n_hidden += n
        else:
            records.append({"source": source, "target": target, "n": n if n >= min_cell else None})
    if n_hidden:
        records.append({"source": f"(fewer than {min_cell} people)", "target": "unmapped", "n": n_hidden})
    return records
