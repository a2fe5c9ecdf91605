"""Prevalence, its intervals, comparisons, correction and trend (ids prev.*, or.*, mh.*)."""

from __future__ import annotations

import numpy as np
import pandas as pd

from .. import prevalence
from .registry import CLOSED_FORM, ITERATIVE, Read, Values, interval, people, recomputes

PROPORTIONS = {
    "wilson": ("wilson", 81, 263),
    "wilson0": ("wilson", 0, 20),
    "cp": ("clopper-pearson", 15, 148),
    "cp1": ("clopper-pearson", 1, 29),
    "ac": ("agresti-coull", 81, 263),
    "logit": ("logit", 15, 148),
    "jeffreys": ("jeffreys", 15, 148),
}


@recomputes("prev.{}", *PROPORTIONS)
def _proportion(read: Read, member: str) -> Values:
    ci, cases, n = PROPORTIONS[member]
    data = pd.DataFrame({"eczema": np.arange(n) < cases})
    return interval(prevalence.crude(data, "eczema", ci=ci).table.iloc[0])[1:]


@recomputes("prev.newcombe_diff")
def _difference(read: Read) -> Values:
    return interval(prevalence.difference(people((56, 70, 48, 80)), "sick", "exposed").table.iloc[-1])


@recomputes("prev.pr.wald")
def _ratio(read: Read) -> Values:
    return interval(prevalence.ratio(people((70, 150, 50, 150)), "sick", "exposed").table.iloc[-1])


# fisher.test stops at uniroot's default tolerance, 1e-4 (own.or.exact.golden solves its equations to the end)
@recomputes("or.exact", tolerance=[2e-4, 2e-4, 2e-4, ITERATIVE])
def _exact_odds_ratio(read: Read) -> Values:
    found = prevalence.odds_ratio(people((4, 390, 4, 1254)), "sick", "exposed", ci="exact").table.iloc[-1]
    return [*interval(found), found["p_value"]]


@recomputes("prev.rogan_gladen")
def _rogan_gladen(read: Read) -> Values:
    return interval(prevalence.corrected(26, 109, 0.90, 0.85, ci="wald").table.iloc[0])


@recomputes("prev.epiR.rg")
def _epi_prev(read: Read) -> Values:
    return interval(prevalence.corrected(26, 109, 0.90, 0.85, ci="wilson").table.iloc[0])


@recomputes("prev.trend")
def _trend(read: Read) -> Values:
    """Smokers, of the help page of prop.trend.test."""
    sick = np.concatenate([np.arange(n) < x for x, n in ((83, 86), (90, 93), (129, 136), (70, 82))])
    data = pd.DataFrame({"level": np.repeat([1, 2, 3, 4], [86, 93, 136, 82]), "sick": sick})
    found = prevalence.trend(data, "sick", "level").linear
    return [found["statistic"], found["p_value"]]


@recomputes("mh.rr")
def _mantel_haenszel_ratio(read: Read) -> Values:
    data = people((8, 106, 5, 120), (22, 98, 16, 85))
    return interval(
        prevalence.mantel_haenszel(data, "sick", "exposed", "stratum", measure="PR").table.iloc[-1]
    )


@recomputes("mh.or", tolerance=CLOSED_FORM)
def _mantel_haenszel_odds_ratio(read: Read) -> Values:
    """Admissions to Berkeley, R's UCBAdmissions."""
    men = [(512, 825), (353, 560), (120, 325), (138, 417), (53, 191), (22, 373)]
    women = [(89, 108), (17, 25), (202, 593), (131, 375), (94, 393), (24, 341)]
    data = people(*((*m, *w) for m, w in zip(men, women, strict=True)))
    found = prevalence.mantel_haenszel(data, "sick", "exposed", "stratum")
    return [*interval(found.table.iloc[-1]), found.association["statistic"], found.association["p_value"]]
