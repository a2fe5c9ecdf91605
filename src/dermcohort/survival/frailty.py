"""Shared gamma frailty: Cox regression of persons in groups (families, villages) that have a risk of their own.

The likelihood is in `gamma_frailty`. Agrees with R's `coxph(... + frailty(group, dist = "gamma"))`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.stats import chi2

from ..design import as_list, build_design, coefficient_table, require_columns, sparse_notes, still_moving
from ..estimates import FittedModel
from .cox_rows import cox_rows
from .frame import used_columns
from .gamma_frailty import LARGEST, maximize_frailty

FEWEST_GROUPS = 6
THETA_KNOWN = "Standard errors take the variance of the frailty to be known, as R's do."


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class FrailtyFit(FittedModel):
    """Hazard ratios within groups in `.table`.

    `.theta` is the variance of the frailty, `.frailties` (named by group) the expected frailty of each,
    `.loglik` the marginal log-likelihood and `.loglik_without` that of the Cox model without frailty.
    """

    theta: float
    frailties: pd.Series
    loglik_without: float
    groups: tuple[str, ...]

    @property
    def kendall_tau(self) -> float:
        """Rank correlation of the times of two members of a group, theta / (theta + 2)."""
        return self.theta / (self.theta + 2)

    @property
    def frailty_test(self) -> Mapping[str, float]:
        """Likelihood ratio test of theta = 0: half a chi-square of 1 degree of freedom, as theta cannot be below 0.

        Source: Self & Liang (1987) JASA 82:605.
        """
        statistic = max(2 * (self.loglik - self.loglik_without), 0.0)
        p_value = 0.5 * float(chi2.sf(statistic, 1)) if statistic > 0 else 1.0
        return {"statistic": statistic, "df": 1, "p_value": p_value}


def frailty(
    formula: str,
    data: pd.DataFrame,
    *,
    time: str,
    event: str,
    groups: str | Sequence[str],
    entry: str | None = None,
    strata: str | Sequence[str] | None = None,
    ties: str = "efron",
    conf_level: float = 0.95,
) -> FrailtyFit:
    """Cox regression with a gamma frailty that the members of a group share.

    Parameters
    ----------
    formula : str
        The right-hand side, ``"age + sex"``. A covariate that is a category is compared with its first level.
    data : DataFrame
        One row a person, or an episode where `entry` is given. Rows with a missing value in a variable used are left
        out and counted.
    time : str
        Column of the time of event or end of follow-up.
    event : str
        Column that is 0/1, bool, or a category of two levels, the second being the event.
    groups : str or list of str
        Column or columns whose combinations share a frailty: families, villages, or persons with several events.
    entry : str, optional
        Column of the time from which a row is at risk: at risk over (entry, time].
    strata : str or list of str, optional
        Column or columns whose combinations have their own baseline hazard.
    ties : {"efron", "breslow"}
    conf_level : float
        Level of the Wald intervals, from the normal distribution.

    Returns
    -------
    FrailtyFit
        Rows of `measure` "HR", comparisons of members of the same group (or of groups with the same frailty); with
        `.theta`, `.frailties`, `.kendall_tau` and `.frailty_test`.

    Raises
    ------
    ValueError
        For fewer than six groups, and as `cox`.

    Notes
    -----
    Where the likelihood falls from theta = 0 on, theta is 0 and the fit that of `cox`.

    Examples
    --------
    >>> data = pd.DataFrame({"years": [1, 2, 4, 9, 3, 8, 5, 7, 2, 3, 6, 9], "ill": [1, 1, 1, 0, 1, 0, 1, 1, 1, 1, 0, 0],
    ...                      "dose": [0, 1] * 6, "family": list("aabbccddeeff")})
    >>> fit = frailty("dose", data, time="years", event="ill", groups="family")
    >>> round(fit.theta, 3), fit.table["estimate"].round(3).tolist()
    (1.513, [0.214])
    """
    if ties not in ("efron", "breslow"):
        raise ValueError(f"ties='{ties}' is unknown; choose efron or breslow")
    strata_names, group_names = as_list(strata), as_list(groups)
    others = used_columns(time, event, entry, strata_names, group_names)
    require_columns(data, others, "data")
    frame = build_design(formula, data, two_sided=False, others=others, intercept=False)
    if not frame.columns:
        raise ValueError("formula has no covariate")
    rows = cox_rows(frame, time=time, event=event, entry=entry, strata=strata_names, weights=None, ties=ties)
    codes = frame.codes(group_names)
    assert codes is not None
    n_groups = int(codes.max()) + 1
    if n_groups < FEWEST_GROUPS:
        raise ValueError(
            f"groups: {n_groups} groups are too few to estimate the variance of a frailty; use strata= or a covariate"
        )

    found = maximize_frailty(rows, codes)

    unbounded = still_moving(rows.X, found.at.last_step)
    described = [f"ties by {ties.capitalize()}"]
    described += ["delayed entry"] if entry is not None else []
    described += [f"stratified by {' and '.join(strata_names)}"] if strata_names else []
    fit = FrailtyFit(
        table=coefficient_table(
            frame.columns,
            rows.X,
            found.at.coefficients,
            found.at.covariance,
            measure="HR",
            conf_level=conf_level,
            event=rows.event,
            unbounded=unbounded,
        ),
        method=f"Hazard ratios by Cox regression with a gamma frailty shared within {' and '.join(group_names)} "
        f"({', '.join(described)}), Wald intervals.",
        n=len(rows.X),
        events=int(rows.event.sum()),
        n_missing=frame.n_missing,
        conf_level=conf_level,
        coefficients=pd.Series(found.at.coefficients, frame.names, name="coef"),
        covariance=pd.DataFrame(found.at.covariance, frame.names, frame.names),
        loglik=found.loglik,
        design=frame,
        theta=found.theta,
        frailties=pd.Series(np.exp(found.at.log_frailty), _names(frame.frame, group_names), name="frailty"),
        loglik_without=found.loglik_without,
        groups=tuple(group_names),
    )
    notes = [*frame.notes, *sparse_notes(fit.events, len(frame.columns), None)]
    if unbounded.any():
        notes.append("Monotone likelihood: a hazard ratio has no finite estimate. Combine levels.")
    elif not found.at.converged or found.theta >= LARGEST:
        notes.append("The fit did not converge: do not use these estimates.")
    return replace(fit, notes=(*notes, *_frailty_notes(fit, n_groups)))


def _names(frame: pd.DataFrame, groups: Sequence[str]) -> pd.Index:
    """The name of each group, in the order of its code."""
    first = frame[list(groups)].drop_duplicates().sort_values(list(groups))
    return pd.Index([", ".join(map(str, row)) for row in first.itertuples(index=False)], name="group")


def _frailty_notes(fit: FrailtyFit, n_groups: int) -> tuple[str, ...]:
    if fit.theta == 0:
        return (f"No frailty: the likelihood of {n_groups:,} groups is highest where they do not differ.",)
    test = fit.frailty_test
    p = "< 0.001" if test["p_value"] < 0.001 else f"= {test['p_value']:.3f}"
    return (
        f"Variance of the frailty {fit.theta:.3f} over {n_groups:,} groups (likelihood ratio test of none: chi-square "
        f"{test['statistic']:.2f}, p {p}); Kendall's tau within groups {fit.kendall_tau:.3f}.",
        THETA_KNOWN,
    )
