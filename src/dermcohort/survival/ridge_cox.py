"""Cox regression with a ridge penalty, for many covariates or few events. Agrees with R's `coxph(... ~ ridge(...))`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..design import as_list, build_design, coefficient_table, require_columns
from ..estimates import FittedModel
from ..newton import Evaluation, newton
from .cox_rows import cox_rows
from .frame import used_columns
from .partial_likelihood import evaluate

DRAWN = (
    "Penalized estimates are drawn towards a hazard ratio of 1: their intervals and p-values do not have their usual "
    "meaning."
)


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class RidgeCoxFit(FittedModel):
    """Hazard ratios drawn towards 1; `.loglik` is the partial log-likelihood without the penalty.

    `.effective_df` is the number of parameters the penalty leaves, trace(H^-1 I), I the information and H the penalized
    one (Gray 1992, JASA 87:942).
    """

    theta: float
    effective_df: float


def ridge_cox(
    formula: str,
    data: pd.DataFrame,
    *,
    time: str,
    event: str,
    theta: float,
    entry: str | None = None,
    strata: str | Sequence[str] | None = None,
    ties: str = "efron",
    conf_level: float = 0.95,
) -> RidgeCoxFit:
    """Cox regression that maximizes log PL - theta/2 sum_j (s_j beta_j)^2, s_j the standard deviation of covariate j.

    Parameters
    ----------
    formula : str
        The right-hand side, ``"age + sex"``. All covariates are penalized, each on the scale of its standard deviation.
    data : DataFrame
        One row a person, or an episode where `entry` is given. Rows with a missing value in a variable used are left
        out and counted.
    time, event, entry, strata, ties
        As in `cox`; ties "efron" or "breslow".
    theta : float
        The penalty, above 0: the precision of a normal prior with mean 0 of the log hazard ratio of one standard
        deviation.
    conf_level : float
        Level of the Wald intervals, from the normal distribution and the inverse penalized information (R's `var`).

    Returns
    -------
    RidgeCoxFit
        Rows of `measure` "HR"; with `.effective_df`.

    Raises
    ------
    ValueError
        For a theta that is not above 0, and as `cox`.

    Notes
    -----
    s_j is that of the rows analysed (divisor n - 1). R takes it before rows with a missing value elsewhere are left out.

    Source: Verweij & Van Houwelingen (1994) Stat Med 13:2427; R's `survival::ridge(scale = TRUE)`.

    Examples
    --------
    >>> data = pd.DataFrame({"years": [1, 2, 3, 4, 5, 6], "ill": [1, 1, 0, 1, 1, 0], "exposed": [1, 1, 1, 0, 0, 0]})
    >>> fit = ridge_cox("exposed", data, time="years", event="ill", theta=1)
    >>> fit.table["estimate"].round(2).tolist(), round(fit.effective_df, 2)
    ([4.37], 0.53)
    """
    if ties not in ("efron", "breslow"):
        raise ValueError(f"ties='{ties}' is unknown; choose efron or breslow")
    if not 0 < theta < np.inf:
        raise ValueError(f"theta={theta} must be above 0 and finite; without a penalty use cox")
    strata_names = as_list(strata)
    others = used_columns(time, event, entry, strata_names)
    require_columns(data, others, "data")
    frame = build_design(formula, data, two_sided=False, others=others, intercept=False)
    if not frame.columns:
        raise ValueError("formula has no covariate")
    rows = cox_rows(frame, time=time, event=event, entry=entry, strata=strata_names, weights=None, ties=ties)

    spread = rows.X.std(axis=0, ddof=1)
    Z, sets, penalty = (rows.X - rows.center) / spread, rows.risk_sets(), theta * np.eye(len(spread))

    def penalized(gamma: np.ndarray) -> Evaluation:
        """For the log hazard ratios gamma of one standard deviation."""
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            at = evaluate(Z, gamma, sets)
        return Evaluation(
            at.loglik - theta / 2 * float(gamma @ gamma), at.score - theta * gamma, at.information + penalty
        )

    found = newton(penalized, np.zeros(len(spread)))
    covariance = found.inverse_information / np.outer(spread, spread)
    coefficients = found.parameters / spread
    described = [f"theta = {theta:g} for covariates on the scale of their standard deviation"]
    described += [f"ties by {ties.capitalize()}"]
    described += ["delayed entry"] if entry is not None else []
    described += [f"stratified by {' and '.join(strata_names)}"] if strata_names else []
    return RidgeCoxFit(
        table=coefficient_table(
            frame.columns,
            rows.X,
            coefficients,
            covariance,
            measure="HR",
            conf_level=conf_level,
            event=rows.event,
        ),
        method=f"Hazard ratios by Cox regression with a ridge penalty ({', '.join(described)}), Wald intervals.",
        n=len(rows.X),
        events=int(rows.event.sum()),
        n_missing=frame.n_missing,
        notes=(
            *frame.notes,
            DRAWN,
            *(() if found.converged else ("The fit did not converge: do not use these estimates.",)),
        ),
        conf_level=conf_level,
        coefficients=pd.Series(coefficients, frame.names, name="coef"),
        covariance=pd.DataFrame(covariance, frame.names, frame.names),
        loglik=found.loglik + theta / 2 * float(found.parameters @ found.parameters),
        robust="penalty",
        design=frame,
        theta=float(theta),
        effective_df=len(spread) - theta * float(np.trace(found.inverse_information)),
    )
