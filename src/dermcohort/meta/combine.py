"""Pooling of estimates that have standard errors: one a study, from published papers or from cohorts of one's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from ..estimates import tidy
from ..tables import RATIOS
from .analysis import MetaAnalysis
from .door import check_method, study_frame
from .random_effects import pool_normal, quantiles
from .words import heterogeneity, method_sentence, pool_notes


def combine(
    estimates: ArrayLike,
    std_errors: ArrayLike,
    labels: Sequence[Any] | pd.Series | None = None,
    *,
    method: str = "REML",
    hksj: bool = False,
    measure: str = "estimate",
    subgroup: Sequence[Any] | pd.Series | None = None,
    conf_level: float = 0.95,
) -> CombinedEstimates:
    """Meta-analysis of one estimate a study.

    Parameters
    ----------
    estimates : array of float, one a study
        On a scale on which they are about normal: the logarithm of a ratio.
    std_errors : array of float, one a study
        Their standard errors, above 0, on the same scale.
    labels : sequence, optional
        Names of the studies; "study 1", "study 2" ... otherwise.
    method : {"REML", "DL", "PM", "ML", "HE", "SJ", "EE"}
        Estimator of tau2, the variance between studies. "EE" or "fixed": equal effects, no such variance.
    hksj : bool
        Variance of Hartung, Knapp, Sidik and Jonkman with t quantiles (k - 1 df) in place of normal ones.
    measure : str
        What the estimates are. For a ratio ("OR", "HR", "RR", "PR", "IRR" ...) `estimates` are its logarithms, and
        `estimate`, its intervals and the prediction interval are reported as ratios.
    subgroup : sequence, optional
        The subgroup of each study, for `.subgroups()` and the forest plot.
    conf_level : float

    Returns
    -------
    CombinedEstimates
        A `MetaAnalysis`: one row a study with its `weight` in per cent, then the row with `term` "pooled". Studies without an
        estimate, a standard error or a subgroup are left out and counted.

    Raises
    ------
    ValueError
        For an unknown method, lengths that differ, a standard error that is not above 0, no study at all.

    Notes
    -----
    The prediction interval is pooled -+ q sqrt(std_error^2 + tau2), q normal, or of t with k - 1 df where `hksj`: the
    default of metafor::predict.rma. Intervals of tau2 and I2 are Q-profile (metafor::confint.rma.uni).

    Examples
    --------
    >>> trials = combine([-0.9, -1.6, -0.3], [0.6, 0.4, 0.2], ["Aronson", "Ferguson", "Hart"], measure="RR")
    >>> trials.table[["term", "estimate", "conf_low", "conf_high", "weight"]].round(2)
           term  estimate  conf_low  conf_high  weight
    0   Aronson      0.41      0.13       1.32   24.29
    1  Ferguson      0.20      0.09       0.44   33.18
    2      Hart      0.74      0.50       1.10   42.53
    3    pooled      0.42      0.18       0.96  100.00
    >>> round(trials.tau2, 3), round(trials.I2, 1)
    (0.386, 73.4)
    """
    method = check_method(method, hksj, conf_level)
    columns = {"estimates": estimates, "std_errors": std_errors, "labels": labels, "subgroup": subgroup}
    studies, n_missing, notes = study_frame(columns, numeric=("estimates", "std_errors"))
    too_small = studies["std_errors"] <= 0
    if too_small.any():
        raise ValueError(
            f"std_errors: {int(too_small.sum())} of {len(studies)} are not above 0, first that of "
            f"'{studies.loc[too_small, 'labels'].iloc[0]}'"
        )
    y, std_error = studies["estimates"].to_numpy(float), studies["std_errors"].to_numpy(float)

    pool = pool_normal(y, std_error**2, method, hksj, conf_level)

    half = quantiles(np.inf).isf(0.5 - conf_level / 2) * std_error
    rows = pd.DataFrame(
        {
            "term": studies["labels"],
            "coef": y,
            "std_error": std_error,
            "statistic": y / std_error,
            "p_value": 2 * quantiles(np.inf).sf(np.abs(y / std_error)),
            "low": y - half,
            "high": y + half,
            "weight": pool.weights,
        }
    )
    pooled = {"term": "pooled", "coef": pool.coef, "std_error": pool.std_error, "statistic": pool.statistic,
              "p_value": pool.p_value, "low": pool.interval[0], "high": pool.interval[1], "weight": 100.0}  # fmt: skip
    table = pd.concat([rows, pd.DataFrame([pooled])], ignore_index=True)
    report = np.exp if measure in RATIOS else np.positive
    table = table.assign(measure=measure, estimate=report(table["coef"]), conf_low=report(table.pop("low")),
                         conf_high=report(table.pop("high")))  # fmt: skip
    if hksj:
        table["df"] = [np.nan] * len(rows) + [pool.df]
    if subgroup is not None:
        table["subgroup"] = [*studies["subgroup"], None]
    what = "estimates" if measure == "estimate" else f"{'log ' if measure in RATIOS else ''}{measure}"
    return CombinedEstimates(
        table=tidy(table, ["subgroup"] if subgroup is not None else []),
        method=method_sentence(what, len(rows), method, hksj, conf_level),
        n=len(rows),
        n_missing=n_missing,
        notes=(*notes, *pool_notes(pool, method, hksj)),
        conf_level=conf_level,
        prediction_interval=tuple(float(report(end)) for end in pool.prediction_interval),
        estimator=method,
        hksj=hksj,
        **heterogeneity(pool),
    )


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class CombinedEstimates(MetaAnalysis):
    """What `combine` returns."""

    def _refit(self, keep: np.ndarray) -> CombinedEstimates:
        """The same analysis of some of the studies."""
        rows = self.studies[keep]
        return combine(
            rows["coef"],
            rows["std_error"],
            rows["term"],
            method=self.estimator,
            hksj=self.hksj,
            measure=self.table["measure"].iloc[0],
            conf_level=self.conf_level,
        )

    def _reported(self, values: np.ndarray) -> np.ndarray:
        return np.exp(values) if self.table["measure"].iloc[0] in RATIOS else values
