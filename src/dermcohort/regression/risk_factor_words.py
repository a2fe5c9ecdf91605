"""What is said of a table of risk factors: the sentences for the methods section, and the notes of all its models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from ..estimates import missing_note
from ..missing.impute import Imputed
from .exposure_models import Answer, Exposure, Fit


def method_sentences(
    data: pd.DataFrame | Imputed,
    fit: Fit,
    sets: Mapping[str, Sequence[str]],
    exposures: Sequence[Exposure],
    interaction_with: str | None,
) -> str:
    """What was done, for the methods section."""
    shown = {name: ", ".join(term.strip("`") for term in terms) or "none" for name, terms in sets.items()}
    covariates = "; ".join(f"{terms} ({name})" for name, terms in shown.items())
    sentences = [
        *([data.method] if isinstance(data, Imputed) else []),
        fit.method,
        f"Each exposure in a model of its own. Covariates: {covariates}.",
    ]
    if any(len(exposure.levels) > 2 for exposure in exposures):
        sentences.append("p beside a variable of three or more levels: Wald test of all of them.")
    if any(exposure.scores is not None for exposure in exposures):
        sentences.append("p for trend: Wald test of the score of the levels, in the model in their place.")
    if interaction_with is not None:
        sentences.append(f"p for interaction: Wald test of the product of exposure and {interaction_with}.")
    return " ".join(sentences)


def rows_note(
    sizes: Sequence[int], n_rows: int, n_missing: Mapping[str, int], complete_cases: str
) -> tuple[str, ...]:
    """How many rows the models have."""
    if complete_cases == "common" or min(sizes) == max(sizes):
        return missing_note(max(sizes), n_rows, n_missing)
    return (
        f"Each model has the rows complete in its own variables: {min(sizes):,} to {max(sizes):,} of {n_rows:,}.",
    )


def attributed_notes(answers: Mapping[str, Sequence[Answer]]) -> list[str]:
    """Every note once, with the exposures and models it is of where it is not of all."""
    owners: dict[str, dict[str, list[str]]] = {}
    for name, of in answers.items():
        for a in of:
            for note in dict.fromkeys(a.notes):
                owners.setdefault(note, {}).setdefault(a.exposure.name, []).append(name)
    n_models, n_all = len(answers), sum(len(of) for of in answers.values())
    found = []
    for note, terms in owners.items():
        if sum(len(models) for models in terms.values()) == n_all:
            found.append(note)
        else:
            whose = [
                f"{term} ({', '.join(models)})" if n_models > 1 else term for term, models in terms.items()
            ]
            found.append(f"{', '.join(whose)}: {note}")
    return found
