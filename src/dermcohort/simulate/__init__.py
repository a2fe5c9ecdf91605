"""Simulated cohorts with known truth, written as raw files in each cohort's own format, dirty on purpose."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from .dirt import soil
from .layouts import LAYOUTS
from .population import Population, simulate_population
from .raw import encode, format_ids
from .specification import COHORTS, CONDITIONS, DROPOUT, EFFECTS, HAZARDS
from .truth import Truth
from .writers import write_raw_file, write_register

__all__ = ["Truth", "simulate_cohorts"]

WITH_REGISTER = ("central_china", "hunan_metals")


def simulate_cohorts(raw: str | Path, n: int = 150_000, seed: int = 1, dirty: float = 0.01) -> Truth:
    """Write the raw files of three simulated cohorts into `raw` and return the truth behind them.

    Parameters
    ----------
    raw : str or Path
        Folder; one sub-folder a cohort, and truth.json.
    n : int
        People in the three cohorts together, 115 : 28 : 7 as published. At least 300.
    seed : int
        The same seed gives the same bytes.
    dirty : float
        Share of the rows of each file with a planted error, 0 to 0.5.

    Returns
    -------
    Truth
        Prevalences, odds ratios, hazard ratios, cluster variances, drop-out, planted dirt.

    Raises
    ------
    ValueError
        If `n` or `dirty` is out of range.

    Examples
    --------
    >>> truth = dc.simulate_cohorts("raw/", n=15_000, seed=1)     # doctest: +SKIP
    >>> truth.odds_ratios.head()                                  # doctest: +SKIP
    """
    if n < 300:
        raise ValueError(f"n={n}: three cohorts with clusters need at least 300 people")
    if not 0 <= dirty <= 0.5:
        raise ValueError(f"dirty={dirty} must be a share from 0 to 0.5")
    folder = Path(raw)
    folder.mkdir(parents=True, exist_ok=True)
    total = sum(spec.share for spec in COHORTS)
    sizes: list[dict[str, Any]] = []
    prevalence: list[dict[str, Any]] = []
    dirt: list[dict[str, Any]] = []
    for spec, stream in zip(COHORTS, np.random.SeedSequence(seed).spawn(len(COHORTS)), strict=True):
        rng = np.random.default_rng(stream)
        population = simulate_population(spec, max(100, round(n * spec.share / total)), rng)
        layouts = [layout for layout in LAYOUTS if layout.cohort == spec.name]
        for layout, truth in zip(layouts, population.waves, strict=True):
            file, counts = soil(encode(layout, truth, rng), truth, dirty, rng)
            write_raw_file(file, folder)
            sizes.append(
                {"cohort": spec.name, "wave": layout.wave, "people": len(truth), "rows": len(file.data)}
            )
            dirt += [{"cohort": spec.name, "wave": layout.wave, "kind": k, "n": c} for k, c in counts.items()]
            prevalence += _prevalences(spec.name, layout.wave, truth)
        if spec.name in WITH_REGISTER:
            _write_register(folder, spec.name, population)
    truth_record = Truth(
        sizes=pd.DataFrame(sizes),
        prevalence=pd.DataFrame(prevalence),
        odds_ratios=pd.DataFrame(EFFECTS, columns=["outcome", "term", "odds_ratio"]),
        hazard_ratios=pd.DataFrame(HAZARDS, columns=["outcome", "term", "hazard_ratio"]),
        cluster_variance=pd.DataFrame(
            [{"cohort": spec.name, "variance": spec.cluster_variance} for spec in COHORTS]
        ),
        mixture_effect=pd.DataFrame(
            [
                {"outcome": outcome, "exposures": "urine_as, urine_cd, urine_pb", "odds_ratio": ratio}
                for outcome, term, ratio in EFFECTS
                if term == "mixture"
            ]
        ),
        dropout=pd.DataFrame(list(DROPOUT.items()), columns=["covariate", "log_odds_ratio"]),
        dirt=pd.DataFrame(dirt, columns=["cohort", "wave", "kind", "n"]),
    )
    truth_record.save(folder / "truth.json")
    return truth_record


def _prevalences(cohort: str, wave: str, truth: pd.DataFrame) -> list[dict[str, Any]]:
    return [
        {
            "cohort": cohort,
            "wave": wave,
            "condition": condition,
            "n": len(truth),
            "cases": int((truth[condition] == "yes").sum()),
            "prevalence": float((truth[condition] == "yes").mean()),
        }
        for condition in CONDITIONS
        if condition in truth.columns
    ]


def _write_register(folder: Path, cohort: str, population: Population) -> None:
    layout = next(layout for layout in LAYOUTS if layout.cohort == cohort)
    ids = format_ids(layout, population.people["number"].to_numpy())
    write_register(population.people, ids, folder / cohort / "vital_status.csv")
