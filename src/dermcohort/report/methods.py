"""The methods section, put together from what the scripts ask and what their estimates say of themselves."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from ..estimates import Estimates
from ..language import Labels
from ..provenance import Provenance
from ..tables import markdown_text
from .sources import script_link

ON_MISSING = re.compile(r"\b(missing|left out|imput)", re.IGNORECASE)

MOST_NAMES = 6


def methods_text(record: Provenance, folder: Path, labels: Labels) -> str:
    """Markdown: for each script its question and each method once, then the notes on missing values.

    Parameters
    ----------
    labels : Labels
        Printed names; their language is that of the text. A question without a translation is in English.
    """
    sections: list[str] = []
    on_missing: dict[str, list[str]] = {}
    for path, script in record.scripts.items():
        found = _estimates_of(record, path, folder)
        question = script.question.get(labels.language) or script.question.get("en") or path
        title, _, more = question.partition("\n\n")
        by_method = _merged({name: [estimates.method] for name, estimates in found.items()}, labels)
        sections += [
            f"## {' '.join(title.split())} {{#sec-methods-{Path(path).stem}}}",
            more.strip(),
            _listed(by_method),
            f"::: {{.table-notes .source-note}}\n{labels.sentence(f'Script: {script_link(path)}.')}\n:::",
        ]
        on_missing |= {
            name: [note for note in estimates.notes if ON_MISSING.search(note)]
            for name, estimates in found.items()
        }
    notes = _merged(on_missing, labels)
    if notes:
        sections += [f"## {labels.word('Missing values')} {{#sec-methods-missing}}", _listed(notes)]
    return "\n\n".join(section for section in sections if section)


def _estimates_of(record: Provenance, script: str, folder: Path) -> dict[str, Estimates]:
    names = [name for name, result in record.results_of(script).items() if f"{name}.parquet" in result.files]
    return {name: Estimates.load(folder / name) for name in names if (folder / f"{name}.parquet").exists()}


def _merged(sentences: Mapping[str, list[str]], labels: Labels) -> dict[str, list[str]]:
    """Each sentence once, as printed, with the results it holds for."""
    merged: dict[str, list[str]] = {}
    for name, own in sentences.items():
        for sentence in own:
            merged.setdefault(labels.sentence(sentence), []).append(name)
    return merged


def _listed(sentences: Mapping[str, list[str]]) -> str:
    return "\n".join(
        f"- {markdown_text(sentence)} ({_names(names)})" for sentence, names in sentences.items()
    )


def _names(names: list[str]) -> str:
    """The results, where they are many the first of them: the appendix on reproducibility has all."""
    shown = [f"`{name}`" for name in names[:MOST_NAMES]]
    return ", ".join([*shown, f"+ {len(names) - MOST_NAMES}"] if len(names) > MOST_NAMES else shown)
