"""Adjusted survival curves and shared frailty (ids cox.std, frailty.*)."""

from __future__ import annotations

from ..survival import adjusted_curves, cox, frailty
from .registry import ITERATIVE, Read, Values, errors, recomputes

# coxph stops when the likelihood changes by a share of 1e-10, where theta has six digits and what depends on it fewer:
# solved to the end, validation/own/cox2.R, its values are those found here
STOPPED_EARLY = 2e-5


@recomputes("cox.std", tolerance=ITERATIVE)
def _adjusted_survival(read: Read) -> Values:
    formula = "hormon + age + meno + size + grade + nodes"
    fit = cox(formula, read("rotterdam"), time="rt", event="rfs")
    curves = adjusted_curves(fit, "hormon", times=[1825])
    without, given = curves.table["estimate"]
    return [given, without, -float(curves.risk_difference(1825).table["estimate"].iloc[0])]


@recomputes("frailty.gamma", tolerance=(ITERATIVE, ITERATIVE, 1e-7, 1e-12))
def _litters(read: Read) -> Values:
    rats = read("rats").query("sex == 'f'")
    fit = frailty("rx", rats, time="time", event="status", groups="litter")
    return [*fit.coefficients, *errors(fit.covariance), fit.theta, fit.loglik]


@recomputes("frailty.kidney", tolerance=STOPPED_EARLY)
def _infections(read: Read) -> Values:
    fit = frailty("age + sex", read("kidney"), time="time", event="status", groups="id")
    return [*fit.coefficients, fit.theta]
