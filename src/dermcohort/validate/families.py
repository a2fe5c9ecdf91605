"""Further families of generalized linear models (ids nb.*, firth)."""

from __future__ import annotations

from ..regression import firth, negative_binomial
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
