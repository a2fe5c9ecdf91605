"""What is true of the simulated cohorts, declared and realized, beside the raw files."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from pathlib import Path

import pandas as pd

from ..storage import write_text


@dataclass(frozen=True)
class Truth:
    """The truth behind simulated raw files.

    Attributes
    ----------
    sizes : DataFrame
        cohort, wave, people examined, raw rows written.
    prevalence : DataFrame
        cohort, wave, condition, n examined, cases, prevalence (as drawn, before any dirt).
    odds_ratios, hazard_ratios : DataFrame
        outcome, term, ratio: conditional on the other terms and on the cluster.
    cluster_variance : DataFrame
        cohort, variance of the random intercept on the logit scale.
    mixture_effect : DataFrame
        outcome, exposures, odds ratio of one unit of their mean standardized logarithm.
    dropout : DataFrame
        covariate, log odds ratio of missing a visit.
    dirt : DataFrame
        cohort, wave, kind, n rows planted.
    """

    sizes: pd.DataFrame
    prevalence: pd.DataFrame
    odds_ratios: pd.DataFrame
    hazard_ratios: pd.DataFrame
    cluster_variance: pd.DataFrame
    mixture_effect: pd.DataFrame
    dropout: pd.DataFrame
    dirt: pd.DataFrame

    def save(self, path: str | Path) -> Path:
        """Write as JSON."""
        record = {f.name: getattr(self, f.name).to_dict(orient="records") for f in fields(self)}
        return write_text(Path(path), json.dumps(record, ensure_ascii=False, indent=1) + "\n")

    @classmethod
    def load(cls, path: str | Path) -> Truth:
        """Read what `save` wrote."""
        record = json.loads(Path(path).read_text("utf-8"))
        return cls(**{f.name: pd.DataFrame(record[f.name]) for f in fields(cls)})
