"""Propensity-score weights: groups made alike in the covariates, and effects whose variance knows the weights were estimated.

Source: Rosenbaum & Rubin (1983) Biometrika 70:41; Li, Morgan & Zaslavsky (2018) J Am Stat Assoc 113:390 (overlap weights);
Lunceford & Davidian (2004) Stat Med 23:2937 and Stefanski & Boos (2002) Am Stat 56:29 (variance by stacked estimating
equations).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from ..describe.summaries import effective_size
from ..design import require_columns
from ..estimates import Estimates, tidy
from .balancing import balancing_weights, weighted_means_by_treatment
from .counterfactual import level_name
from .effects import Effects
from .glm import GLMFit
from .logistic import logistic
from .treatment import (
    EXTREME_WEIGHT,
    binary_or_number,
    certain_notes,
    cluster_codes,
    effect_estimates,
    overlap_notes,
    treatment_levels,
)

KINDS = {"ate": "all", "att": "the treated", "overlap": "the overlap of both groups"}
BALANCED = 0.1
WEIGHT = "__weight"


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class PropensityWeights(Estimates):
    """Weights and how well they balance. `.table` has rows of `measure` "unweighted SMD" and "SMD" by variable.

    Parameters
    ----------
    weights : Series of float64
        On the index of the data: NaN where a variable is missing, 0 where the score was trimmed.
    scores : Series of float64
        Estimated probability of treatment.
    effective_n : Series of float64
        Rows of equal weight that would tell as much, by group (Kish).
    treatment, kind : str
    fit : GLMFit, optional
        The model of treatment; not saved.
    """

    weights: pd.Series
    scores: pd.Series
    effective_n: pd.Series
    treatment: str
    kind: str
    fit: GLMFit | None = field(default=None, metadata={"saved": False})

    @property
    def balance(self) -> pd.DataFrame:
        """Standardized mean differences before and after, one row a variable."""
        wide = self.table.pivot(index="term", columns="measure", values="estimate")
        return wide.loc[self.table["term"].unique(), ["unweighted SMD", "SMD"]]

    def plot(self, ax: Axes | None = None, *, labels: Mapping[str, str] | None = None) -> Axes:
        """Love plot: standardized differences before (open) and after weighting, with the line at 0.1."""
        from ..figures import difference_dots

        names = labels or {}
        named = self.table.assign(term=[names.get(t, t) for t in self.table["term"]])
        return difference_dots(named, ax, labels)

    def effect(
        self,
        outcome: str,
        data: pd.DataFrame,
        *,
        cluster: str | Sequence[str] | None = None,
        conf_level: float = 0.95,
    ) -> Effects:
        """Effect of the treatment on an outcome: weighted means, their difference and ratios.

        Parameters
        ----------
        outcome : str
            Column of `data`: 0/1, bool, two levels, or a number. Rows where it is missing are left out.
        data : DataFrame
            The data the weights were made of, which may have got further columns.
        cluster : str or list of str, optional
            Columns whose rows may depend on each other.
        conf_level : float

        Returns
        -------
        Effects
            Rows of `measure` "risk", "RD", "RR", "OR" and "NNT"; of a number "mean" and "difference".

        Raises
        ------
        ValueError
            For data with other rows, an unknown column, a group without a known outcome, or weights read from a file.

        Notes
        -----
        The variance is of the stacked estimating equations of both means and the propensity model, so that it counts that
        the weights were estimated: for the average effect it is below that of known weights, which
        ``linear(weights=)`` and ``modified_poisson(weights=)`` give.
        """
        if self.fit is None or self.fit.rows is None:
            raise ValueError("effect: these weights were loaded from a file; make them again")
        require_columns(data, [outcome], "data")
        if not data.index.equals(self.weights.index):
            raise ValueError(
                f"data: has other rows ({len(data):,}) than the weights ({len(self.weights):,}); give the data that "
                "propensity_weights was called with"
            )
        rows = self.fit.rows
        used = data[rows.used]
        values, kind_of_outcome = binary_or_number(used[outcome], outcome)
        known = ~np.isnan(values)
        treated, score = rows.arrays.y, self.scores.to_numpy()[rows.used]
        kept = known & (self.weights.to_numpy()[rows.used] > 0)
        means, influence = weighted_means_by_treatment(
            np.where(kept, values, 0.0),
            treated,
            *balancing_weights(self.kind, treated, score, kept),
            rows.arrays.X,
            rows.influence,
        )
        levels = treatment_levels(used[self.treatment])
        return effect_estimates(
            self.treatment,
            levels,
            means,
            influence,
            cluster_codes(used, cluster),
            kind_of_outcome,
            method=f"Effect of {self.treatment} on {outcome} among {KINDS[self.kind]} by propensity-score weighting, variance "
            f"by stacked estimating equations{'' if cluster is None else ' with clusters'}.",
            n=int(kept.sum()),
            events=round(values[kept].sum()) if kind_of_outcome.is_risk else None,
            n_missing={**self.n_missing, outcome: int(data[outcome].isna().sum())},
            notes=(
                *self.notes,
                *_unknown_note(outcome, int((~known).sum())),
                *(certain_notes(levels, means) if kind_of_outcome.is_risk else ()),
            ),
            conf_level=conf_level,
        )


def propensity_weights(
    formula: str,
    data: pd.DataFrame,
    kind: str = "ate",
    *,
    stabilized: bool = False,
    trim: float | None = None,
) -> PropensityWeights:
    """Weights that make treated and untreated alike in covariates, by logistic regression of treatment.

    Parameters
    ----------
    formula : str
        ``"treated ~ age + sex"``. The treatment is 0/1, bool, or a category of two levels, the second the treated.
    data : DataFrame
        One row a person. Rows with a missing value get the weight NaN.
    kind : {"ate", "att", "overlap"}
        Whom the effect is about: all, with 1 / probability of the treatment had; the treated, with e / (1 - e) for the
        untreated; or those who might have had either, with the probability of the other treatment.
    stabilized : bool
        Multiply the weights for all by the share of each group, so that their mean is about 1.
    trim : float, optional
        Leave out (weight 0) scores below this or above 1 less this (Crump et al. 2009, Biometrika 96:187: 0.1).

    Returns
    -------
    PropensityWeights
        With `.weights`, `.scores`, `.balance`, `.effective_n`, `.effect(outcome, data)` and a Love plot.

    Raises
    ------
    ValueError
        As `logistic`; for an unknown kind, stabilized weights of other kinds, or a trim that leaves out a group.

    Examples
    --------
    >>> data = pd.DataFrame({"drug": [0, 0, 0, 1, 0, 1, 1, 1], "old": [0, 0, 0, 0, 1, 1, 1, 1]})
    >>> made = propensity_weights("drug ~ old", data)
    >>> made.weights.round(2).tolist()
    [1.33, 1.33, 1.33, 4.0, 4.0, 1.33, 1.33, 1.33]
    >>> made.balance.round(2).loc["old"].tolist()
    [1.15, 0.0]
    """
    if kind not in KINDS:
        raise ValueError(f"kind='{kind}' is unknown; choose one of {', '.join(KINDS)}")
    if stabilized and kind != "ate":
        raise ValueError(f"stabilized=True belongs to kind='ate', not '{kind}'")
    if trim is not None and not 0 < trim < 0.5:
        raise ValueError(f"trim={trim} must lie between 0 and 0.5")
    fit = logistic(formula, data)
    rows = fit.rows
    assert rows is not None
    treated = rows.arrays.y
    treatment = formula.partition("~")[0].strip()
    if treatment not in data:
        raise ValueError(
            f"formula: the treatment must be a column, '{treatment}' is not: put it into the data"
        )
    if not fit.design.variables or treatment in fit.design.variables:
        raise ValueError(
            f"formula: '{formula}' must have covariates on its right, and not the treatment itself"
        )
    score = rows.family.mean(rows.maximum.eta)
    kept = np.ones(len(score), bool) if trim is None else (score >= trim) & (score <= 1 - trim)
    if len(set(treated[kept])) < 2:
        raise ValueError(f"trim={trim} leaves out all of a group: take a smaller one")
    w, _ = balancing_weights(kind, treated, score, kept)
    if stabilized:
        share = treated[kept].mean()
        w = w * np.where(treated == 1, share, 1 - share)

    used = data[rows.used]
    table = _balance(used, treatment, fit.design.variables, w)
    levels = [level_name(level) for level in treatment_levels(used[treatment])]
    return PropensityWeights(
        table=table,
        method=f"Propensity-score weights ({kind}{', stabilized' if stabilized else ''}) from logistic regression of "
        f"{treatment} on {', '.join(fit.design.variables)}"
        f"{'' if trim is None else f', scores outside {trim:g} to {1 - trim:g} left out'}; balance by standardized mean "
        "differences.",
        n=int(kept.sum()),
        n_missing=fit.n_missing,
        notes=(
            *fit.notes,
            *_trim_note(kept),
            *overlap_notes(treated[kept], score[kept]),
            *_weight_notes(treated, w, levels),
            *_imbalance_note(table),
        ),
        weights=_on_index(w, rows.used, data.index, "weight"),
        scores=_on_index(score, rows.used, data.index, "score"),
        effective_n=pd.Series(
            [effective_size(w[(treated == k) & kept]) for k in (0, 1)], levels, name="effective_n"
        ),
        treatment=treatment,
        kind=kind,
        fit=fit,
    )


def _balance(used: pd.DataFrame, treatment: str, variables: Sequence[str], w: np.ndarray) -> pd.DataFrame:
    """Standardized differences of all variables of the model, before and after."""
    from ..describe import table_one  # describe needs survival, which needs this package

    before = table_one(used, variables, by=treatment).table
    after = table_one(used.assign(**{WEIGHT: w}), variables, by=treatment, weights=WEIGHT).table
    parts = []
    for table, measure in ((before, "unweighted SMD"), (after, "SMD")):
        rows = table[table["measure"] == "SMD"]
        parts.append(rows[["term", "estimate"]].assign(measure=measure))
    both = pd.concat(parts).sort_values(
        "term", key=lambda names: names.map(list(variables).index), kind="stable"
    )
    return tidy(both)


def _on_index(values: np.ndarray, used: np.ndarray, index: pd.Index, name: str) -> pd.Series:
    full = np.full(len(index), np.nan)
    full[used] = values
    return pd.Series(full, index, name=name)


def _unknown_note(outcome: str, absent: int) -> tuple[str, ...]:
    if not absent:
        return ()
    rows = "row" if absent == 1 else "rows"
    return (f"{absent:,} {rows} without '{outcome}' left out, which the weights do not correct for.",)


def _trim_note(kept: np.ndarray) -> tuple[str, ...]:
    left_out = int((~kept).sum())
    return (f"{left_out:,} rows left out by trim; the effect is that of the others.",) if left_out else ()


def _weight_notes(treated: np.ndarray, w: np.ndarray, levels: Sequence[str]) -> list[str]:
    notes = []
    for group, level in enumerate(levels):
        of_group = w[(treated == group) & (w > 0)]
        largest = of_group.max() / of_group.mean()
        if largest > EXTREME_WEIGHT:
            notes.append(f"Extreme weights: the largest of {level} is {largest:.0f} times their mean.")
    return notes


def _imbalance_note(table: pd.DataFrame) -> tuple[str, ...]:
    after = table[(table["measure"] == "SMD") & (table["estimate"] > BALANCED)]
    if after.empty:
        return ()
    return (f"Not balanced (SMD above {BALANCED}): {', '.join(after['term'])}.",)
