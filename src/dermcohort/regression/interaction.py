"""Interaction of two exposures in a fitted model, on the additive and the multiplicative scale.

The effects of each combination of the exposures are contrasts of the model's coefficients; the measures and their
intervals are computed in `additive`. The layout is that of Knol & VanderWeele (2012) Int J Epidemiol 41:514. Numbers as
R's epiR::epi.interaction (delta method) and interactionR (MOVER).
"""

from __future__ import annotations

import itertools
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ..estimates import Estimates, FittedModel, tidy
from . import additive
from .covariance import FittedRows
from .glm import GLMFit
from .interaction_table import crossed, joint_table, sentences
from .joint_effects import JointEffects, Place, joint_effects, resampled

METHODS = {
    "delta": "the delta method, S and the ratio on the log scale (Hosmer & Lemeshow 1992)",
    "mover": "recovery of variances (MOVER, Zou 2008)",
    "bootstrap": "percentiles of a bootstrap (Assmann et al. 1996)",
}


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Interaction(Estimates):
    """Measures of interaction in `.table`, the effects they are made of in `.joint`.

    Parameters
    ----------
    joint : DataFrame
        One row an effect: `comparison` ("joint", "a within b", "b within a"), the levels of both exposures, `measure`,
        `estimate`, `conf_low`, `conf_high`, `p_value`, and of the rows with those levels `n`, `events`, `non_events`.
    exposures : tuple of str
        The columns a and b.
    """

    joint: pd.DataFrame
    exposures: tuple[str, str]

    def to_display(self, labels: Mapping[str, str] | None = None) -> pd.DataFrame:
        """The effects as Knol & VanderWeele print them: a down, b across; the measures stand below the table."""
        return crossed(self.joint, self.exposures, self.conf_level, self._labels(labels))

    def _table_notes(self) -> list[str]:
        return [*sentences(self.table), *super()._table_notes()]


def interaction(
    fit: FittedModel,
    a: str,
    b: str,
    *,
    ci: str = "delta",
    reference: tuple[Hashable, Hashable] | None = None,
    resamples: int = 1000,
    seed: int | None = None,
    conf_level: float | None = None,
) -> Interaction:
    """RERI, AP, S and the ratio of ratios of two exposures, with the effect of each combination.

    Parameters
    ----------
    fit : GLMFit, CoxFit, GeeFit, MixedFit or ConditionalLogisticFit
        A fit of odds, prevalence, rate or hazard ratios whose formula has ``a * b``, each a
        category or a number of two values. Its covariance (robust, clustered, of a survey) is used as it is.
    a, b : str
        The exposures.
    ci : {"delta", "mover", "bootstrap"}
        Intervals of RERI, AP and S. "mover" keeps their asymmetry; "bootstrap" fits a GLM again on resampled rows, or
        clusters where the fit has them.
    reference : tuple, optional
        The level of a and of b all others are compared with; the model's own where not given. RERI, AP and S are meant
        for two exposures that both raise the risk, so it should be the combination of lowest risk (Knol et al. 2011).
    resamples : int
    seed : int, optional
        Of the bootstrap, which needs one.
    conf_level : float, optional
        That of the fit if not given.

    Returns
    -------
    Interaction
        Rows of `measure` "RERI", "AP", "S" and "ratio of ORs" (PRs, IRRs, HRs), for each level of a and of b beside the
        reference. A pair with a combination in which nobody (or, of odds ratios, everybody) has the outcome has no
        estimates. An S that is not positive has no interval.

    Raises
    ------
    ValueError
        If the model has no a:b, a term of a or b with another variable, or an outcome whose effects are no ratios; for
        an unknown `ci` or `reference`; or for estimates that were loaded from a file.

    Examples
    --------
    >>> data = pd.DataFrame({"case": [1, 0, 1, 0, 1, 0, 1, 0], "smoke": [0, 0, 1, 1, 0, 0, 1, 1],
    ...                      "drink": [0, 0, 0, 0, 1, 1, 1, 1], "n": [3, 20, 8, 18, 6, 12, 225, 166]})
    >>> fit = dc.regression.logistic("case ~ smoke * drink", data.loc[data.index.repeat(data["n"])])
    >>> interaction(fit, "smoke", "drink").table[["measure", "estimate", "conf_low", "conf_high"]].round(2)
            measure  estimate  conf_low  conf_high
    0          RERI      3.74     -1.84       9.32
    1            AP      0.41     -0.07       0.90
    2             S      1.87      0.65       5.42
    3  ratio of ORs      0.91      0.15       5.42
    """
    if ci not in METHODS:
        raise ValueError(f"ci='{ci}' is unknown; choose one of {', '.join(METHODS)}")
    effects = joint_effects(fit, a, b, reference)
    conf_level = fit.conf_level if conf_level is None else conf_level
    draws = None
    if ci == "bootstrap":
        draws = resampled(_rows_to_resample(fit), resamples, _generator(seed))
    rows = []
    for i, j in itertools.product(range(1, len(effects.levels[0])), range(1, len(effects.levels[1]))):
        found = _measures(effects, (i, j), ci, draws, conf_level)
        rows += _rows(effects, (i, j), found)
    return Interaction(
        table=tidy(pd.DataFrame(rows)),
        method=(
            f"Interaction of {a} and {b}: RERI, AP, S and ratio of {effects.measure}s with "
            f"{100 * conf_level:.4g}% confidence intervals by {METHODS[ci]}. {fit.method}"
        ),
        n=fit.n,
        events=fit.events,
        n_missing=fit.n_missing,
        notes=(*fit.notes, *_notes(effects, fit), *_bootstrap_notes(draws)),
        conf_level=conf_level,
        joint=joint_table(effects, conf_level),
        exposures=(a, b),
    )


def _rows_to_resample(fit: FittedModel) -> FittedRows:
    if not isinstance(fit, GLMFit) or fit.rows is None or fit.rows.sample is not None:
        raise ValueError("ci='bootstrap' needs a GLM without a survey design; use 'delta' or 'mover'")
    return fit.rows


def _generator(seed: int | None) -> np.random.Generator:
    if seed is None:
        raise ValueError("ci='bootstrap' needs a seed, so that the result can be repeated")
    return np.random.default_rng(seed)


def _measures(
    effects: JointEffects, place: Place, ci: str, draws: np.ndarray | None, conf_level: float
) -> dict[str, additive.Interval]:
    """The measures of one pair of levels; NaN where one of its four combinations has no effect."""
    i, j = place
    places = [(i, 0), (0, j), (i, j)]
    if any(effects.empty[p] for p in [(0, 0), *places]):
        return {name: additive.Interval(*[np.nan] * 6) for name in additive.MEASURES}
    to = np.array([effects.contrasts[p] for p in places])
    b = to @ effects.coefficients
    if draws is not None:
        return additive.percentile(b, draws @ to.T, conf_level)
    method = additive.mover if ci == "mover" else additive.delta
    return method(b, to @ effects.covariance @ to.T, conf_level, effects.df)


def _rows(
    effects: JointEffects, place: Place, found: Mapping[str, additive.Interval]
) -> list[dict[str, Any]]:
    shared = {
        "term": ":".join(effects.names),
        "level": ":".join(effects.level_at(place)),
        "reference": ":".join(effects.level_at((0, 0))),
    }
    printed = {"ratio": f"ratio of {effects.measure}s"}
    return [
        {**shared, "measure": printed.get(name, name), **interval._asdict()}
        for name, interval in found.items()
    ]


def _notes(effects: JointEffects, fit: FittedModel) -> list[str]:
    notes = []
    bare = [effects.named((int(i), int(j))) for i, j in np.argwhere(effects.empty)]
    if bare:
        outcome = "nobody, or everybody," if effects.measure == "OR" else "nobody"
        notes.append(
            f"Among {'; '.join(bare)} {outcome} has the outcome: no estimates with that combination."
        )
    lowest = effects.lowest
    if not effects.empty[0, 0] and lowest != (0, 0):
        notes.append(
            f"The reference is not the combination of lowest risk, which is {effects.named(lowest)}: RERI, AP and S "
            f"are meant for exposures that raise the risk. Give reference={effects.level_at(lowest)!r} (Knol et al. "
            "2011)."
        )
    if effects.measure == "OR":
        notes.append(
            "RERI, AP and S of odds ratios stand for those of risks where the outcome is rare in all groups."
        )
    if "df" in fit.table and fit.table["df"].nunique() > 1:
        notes.append(
            f"Intervals by t with {effects.df:.1f} degrees of freedom, the fewest of the coefficients used."
        )
    return notes


def _bootstrap_notes(draws: np.ndarray | None) -> list[str]:
    if draws is None:
        return []
    failed = int(np.isnan(draws).any(axis=1).sum())
    if not failed:
        return [f"{len(draws):,} resamples."]
    return [
        f"{len(draws):,} resamples, {failed:,} of which had no finite maximum (a combination without an event) and were "
        "left out; if they are more than a few, use ci='mover'."
    ]
