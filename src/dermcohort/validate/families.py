"""Further families of generalized linear models (ids nb.*, firth, cloglog)."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..regression import complementary_log_log, firth, negative_binomial
from .registry import ITERATIVE, Read, Values, errors, recomputes


# glm.nb stops at a relative change of the likelihood of 1e-8, and takes the error of theta from the step before
# (own.nb.quine is run to the end)
@recomputes("nb.quine", tolerance=[5e-7] * 7 + [ITERATIVE] * 8 + [5e-6, ITERATIVE])
def _days_absent_from_school(read: Read) -> Values:
    fit = negative_binomial("Days ~ Eth + Sex + Age + Lrn", read("quine"))
    return [*fit.coefficients, *errors(fit.covariance), fit.theta, fit.theta_std_error, 2 * fit.loglik]


@recomputes("firth", tolerance=ITERATIVE)
def _endometrial_cancer(read: Read) -> Values:
    fit = firth("HG ~ NV + PI + EH", read("endometrial"))
    return [*fit.coefficients, *errors(fit.covariance)]


# R stopped there (own.glm.discrete is run to the end)
@recomputes("cloglog", tolerance=2e-8)
def _discrete_time(read: Read) -> Values:
    """A row for each 30 days at risk, as R's survSplit makes them."""
    fit = complementary_log_log("died ~ interval + trt + karno", _discrete_veteran(read("veteran")))
    return [*fit.coefficients[-2:], *errors(fit.covariance)[-2:]]


def _discrete_veteran(people: pd.DataFrame) -> pd.DataFrame:
    people = people.assign(last=lambda d: np.ceil(d["time"] / 30).astype(int))
    data = people.loc[people.index.repeat(people["last"])]
    episode = data.groupby(level=0).cumcount() + 1
    died = data["status"].where(episode == data["last"], 0)
    return data.assign(died=died, interval=episode.clip(upper=12).astype(str))
