"""Meta-analysis (ids meta.*)."""

from __future__ import annotations

import numpy as np

from .. import meta, prevalence
from .registry import CLOSED_FORM, ITERATIVE, Read, Values, recomputes


def _bcg(read: Read, **options: object) -> tuple[meta.MetaAnalysis, list[float]]:
    data = read("bcg_es")
    fit = meta.combine(data["yi"], np.sqrt(data["vi"]), data["author"], **options)  # type: ignore[arg-type]
    row = fit.table.iloc[-1]
    return fit, [row["coef"], row["std_error"], row["conf_low"], row["conf_high"]]


@recomputes("meta.bcg.{}", "ML", "REML", "PM", tolerance=ITERATIVE)
@recomputes("meta.bcg.{}", "EE", "DL", "HE", "SJ", tolerance=CLOSED_FORM)
def _pooled(read: Read, member: str) -> Values:
    fit, row = _bcg(read, method=member)
    return [*row, fit.tau2, fit.I2, fit.Q]


@recomputes("meta.bcg.hksj", tolerance=ITERATIVE)
def _hartung_knapp(read: Read) -> Values:
    fit, row = _bcg(read, hksj=True)
    return [*row, *fit.prediction_interval]


# R: REML at rma's default stop, the binomial-normal model at that of rma.glmm
@recomputes("meta.prev", tolerance=[1e-6, 1e-4, 1e-5, 1e-4, 1e-5])
def _prevalence(read: Read) -> Values:
    data = read("pritz")
    logit = prevalence.pooled(data["xi"], data["ni"], method="REML")
    binomial = prevalence.pooled(data["xi"], data["ni"], method="GLMM")
    arcsine = prevalence.pooled(data["xi"], data["ni"], method="REML", transform="freeman-tukey")
    estimates = [fit.table["estimate"].iloc[-1] for fit in (logit, binomial, arcsine)]
    return [estimates[0], logit.tau2, estimates[1], binomial.tau2, estimates[2]]
