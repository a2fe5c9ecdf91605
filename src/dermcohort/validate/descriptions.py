"""The first table, agreement, sample sizes and pooled numbers (ids smd, kappa.*, power.*, samp.*, mi.*)."""

from __future__ import annotations

import numpy as np

from .. import accuracy, describe, power
from ..missing.rubin import rubin
from .registry import ITERATIVE, Read, Values, recomputes


@recomputes("smd")
def _standardized_difference(read: Read) -> Values:
    found = describe.table_one(read("rotterdam"), ["age"], by="hormon", weights="w").table
    return [found.loc[found["measure"] == name, "estimate"].item() for name in ("unweighted SMD", "SMD")]


@recomputes("kappa.icc")
def _intraclass_correlation(read: Read) -> Values:
    return accuracy.icc(read("apiclus1"), "dnum", "api00").table["estimate"].to_numpy(float)


@recomputes("power.lr")
def _events(read: Read) -> Values:
    return power.logrank(0.7, power=0.8).table["estimate"].to_numpy(float)


# R's own search stops 7e-9 beside the closed form
@recomputes("power.prop", tolerance=ITERATIVE)
def _two_proportions(read: Read) -> Values:
    return power.two_proportions(0.10, 0.15, power=0.9).table["estimate"].to_numpy(float)


@recomputes("samp.prev")
def _sample_size(read: Read) -> Values:
    return power.prevalence(0.05, 0.01, design_effect=2).table["estimate"].to_numpy(float)


@recomputes("mi.pool")
def _rubin(read: Read) -> Values:
    pooled = rubin(np.array([10, 11, 9.5, 10.4, 10.9]), np.array([1.2, 1.1, 1.3, 1.25, 1.15]), 99)
    numbers = (
        pooled.estimate,
        pooled.within,
        pooled.between,
        pooled.total,
        pooled.df,
        pooled.increase,
        pooled.fraction,
    )
    return [float(np.squeeze(number)) for number in numbers]
