"""Which counts each kind of estimates tells of: one rule a class, by its name. A class without a rule is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas as pd

from .disclosure_cells import (
    Counts,
    counts_of_flow,
    counts_of_risk_factors,
    counts_of_table_one,
    counts_of_tidy,
    counts_of_totals,
)
from .disclosure_crossed import counts_of_diagnostic, counts_of_interaction, counts_of_kappa, counts_of_strata
from .disclosure_curves import (
    coarsen,
    coarsen_adjusted,
    coarsen_turnbull,
    thin_additive,
    thin_fine_gray,
    thin_roc,
)
from .estimates import Estimates, FittedModel


@dataclass(frozen=True)
class Rule:
    """How a kind of estimates is shown.

    Parameters
    ----------
    counts : callable, optional
        The counts that its table tells. None: there is nothing to count (no people, or a curve that was coarsened).
    coarsen : callable, optional
        Makes of a curve one with fewer, larger steps, before its table is looked at.
    about_people : bool
        False for what is made of published numbers, plans or files.
    records : tuple of str
        Fields with a value for each person, event or family. They do not pass.
    needs_model : bool
        Its rows compare levels without saying how many people each has: the model says.
    """

    counts: Callable[[Any], Counts] | None
    coarsen: Callable[[Any, int], Any] | None = None
    about_people: bool = True
    records: tuple[str, ...] = ()
    needs_model: bool = False


def counts_of_model(estimates: FittedModel) -> Counts:
    """Rows and events of each level; of a number with two values those of each value."""
    counts = counts_of_tidy(estimates)
    if estimates.design is None:
        return counts
    frame = estimates.design.frame
    happened = frame.get(getattr(estimates, "event", estimates.design.outcome))
    table = estimates.table.reset_index(drop=True)
    for row in table.index[table["level"].isna()] if "level" in table else []:
        term = table.at[row, "term"]
        values = frame[term] if term in frame else pd.Series(dtype=float)
        if values.nunique() != 2:
            continue
        counted = [values.value_counts()]
        if happened is not None and happened.nunique() == 2:
            counted.append(pd.crosstab(values, happened).stack())
        counts.made_of[row] = [counts.cells.add(n, shown=False) for of in counted for n in of]
    return counts


def counts_of_plain(estimates: Estimates) -> Counts:
    """Those of the rows where they have any, else the totals."""
    if {"n", "events"} & set(estimates.table):
        return counts_of_tidy(estimates)
    return counts_of_totals(estimates)


TIDY, MODEL, TOTALS = Rule(counts_of_tidy), Rule(counts_of_model), Rule(counts_of_totals)
COMPARED = Rule(counts_of_totals, needs_model=True)
NOBODY = Rule(None, about_people=False)

RULES: dict[str, Rule] = {
    "Estimates": Rule(counts_of_plain, needs_model=True),
    # describe
    "TableOne": Rule(counts_of_table_one),
    "FlowChart": Rule(counts_of_flow),
    "Listing": Rule(None, about_people=False),  # its author names the columns that count people
    # prevalence
    "Trend": TIDY,
    "CoOccurrence": TIDY,
    "MantelHaenszel": Rule(counts_of_strata),
    "PooledPrevalence": TIDY,
    # models
    "RiskFactors": Rule(counts_of_risk_factors),
    **dict.fromkeys(
        (
            "FittedModel", "GLMFit", "NegativeBinomialFit", "GeeFit", "MixedFit", "MixedLinearFit", "MultinomialFit",
            "OrdinalFit", "ConditionalLogisticFit", "CoxFit", "RidgeCoxFit", "CaseCohortFit", "ParametricFit", "IntervalFit",
            "DiscreteTimeFit",
        ),
        MODEL,
    ),
    "AdditiveHazardsFit": Rule(counts_of_model, thin_additive),
    "FineGrayFit": Rule(counts_of_model, thin_fine_gray),
    "FrailtyFit": Rule(counts_of_model, records=("frailties",)),
    "PooledEstimates": TIDY,
    "QuantileGcomp": TIDY,
    "WeightedQuantileSum": TIDY,
    # what is made of a model
    "Effects": COMPARED,
    "TermTests": COMPARED,
    "EValues": COMPARED,
    "Interaction": Rule(counts_of_interaction),
    "DoseResponse": Rule(counts_of_totals, records=("observed",)),
    "ProportionalHazardsTest": Rule(counts_of_totals, records=("residuals",)),
    "PropensityWeights": Rule(counts_of_totals, records=("weights", "scores")),
    "DropoutWeights": Rule(counts_of_tidy, records=("weights",)),
    "CensoringWeights": Rule(counts_of_totals, records=("rows",)),
    # curves
    "TimeCurve": Rule(None, coarsen),
    "KaplanMeier": Rule(None, coarsen),
    "NelsonAalen": Rule(None, coarsen),
    "StateCurves": Rule(None, coarsen),
    "CumulativeIncidence": Rule(None, coarsen, records=("rows", "groups", "unit", "sample")),
    "TurnbullCurve": Rule(None, coarsen_turnbull),
    "AdjustedCurves": Rule(counts_of_totals, coarsen_adjusted, records=("fit", "matrices"), needs_model=True),
    "LogRank": TIDY,
    # accuracy and agreement
    "Diagnostic": Rule(counts_of_diagnostic),
    "Kappa": Rule(counts_of_kappa),
    "BlandAltman": Rule(counts_of_tidy, records=("points",)),
    "RocCurves": Rule(counts_of_tidy, thin_roc),
    # published numbers and plans
    "MetaAnalysis": NOBODY,
    "CombinedEstimates": NOBODY,
    "SubgroupAnalysis": NOBODY,
    "Plan": NOBODY,
}  # fmt: skip


def rule_of(estimates: Estimates) -> Rule:
    """The rule of these estimates.

    Raises
    ------
    ValueError
        Where their class has none, or their columns tell what no rule knows.
    """
    rule = RULES.get(type(estimates).__name__)
    is_unknown_curve = type(estimates) is Estimates and "n_risk" in estimates.table
    if rule is None or is_unknown_curve:
        raise ValueError(
            f"suppress: there is no rule for {type(estimates).__name__} with the columns "
            f"{', '.join(map(str, estimates.table))}: nobody can say which counts it tells"
        )
    return rule


def needs_model(estimates: Estimates, rule: Rule) -> bool:
    """Whether the rows compare levels or times of which only the model, or the curves, know the counts."""
    table = estimates.table
    if not rule.needs_model or rule.coarsen is not None or estimates.n == 0 or {"n", "events"} & set(table):
        return False
    return "time" in table or ("level" in table and bool(table["level"].notna().any()))
