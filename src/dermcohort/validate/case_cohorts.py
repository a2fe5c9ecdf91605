"""Case-cohort samples (ids cch.*)."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..survival import case_cohort
from .registry import ITERATIVE, Read, Values, errors, recomputes


def _fit(read: Read, **options: Any) -> Values:
    """The sample of R's help(cch): relapses of Wilms tumor and the subcohort, age in years."""
    cohort = read("nwtco")
    data = cohort.assign(
        stg=cohort["stage"].astype("category"),
        h=cohort["histol"].astype("category"),
        age=cohort["age"] / 12,
    )
    if "stratum" in options:
        options["cohort_size"] = cohort["instit"].value_counts()
    fit = case_cohort("stg + h + age", data, time="edrel", event="rel", subcohort="in.subcohort", **options)
    return np.concatenate([fit.coefficients, errors(fit.covariance)])


# R's standard errors of Prentice and Self-Prentice differ by 1e-10: the fits stop at different steps
@recomputes("cch.{}", "Prentice", "SelfPrentice", "LinYing", tolerance=ITERATIVE)
def _unstratified(read: Read, member: str) -> Values:
    return _fit(read, method=member, cohort_size=4028)


@recomputes("cch.IBorgan", tolerance=ITERATIVE)
def _stratified(read: Read) -> Values:
    return _fit(read, method="I.Borgan", stratum="instit")
