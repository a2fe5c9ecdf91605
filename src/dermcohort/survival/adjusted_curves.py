"""Survival curves adjusted for covariates: what a Cox model predicts with an exposure set to each of its levels.

The averages and their variances are in `standardized_survival`. Sources: Makuch (1982) J Chron Dis 35:437; Sjolander
(2016) Eur J Epidemiol 31:563. The curves are those of R's `survfit.coxph` averaged over the rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..estimates import tidy
from ..regression.counterfactual import compared_values, level_name, matrix_with
from .cox_fit import CoxFit
from .curve_comparison import AdjustedCurves, curve_table, standardize
from .product_limit import INTERVALS

MOST_TIMES = 200
EPISODES = (
    "Late entry: every row counts as a person in the average. Where persons have several rows, or covariates change "
    "with time, the curves have no meaning for persons."
)


def adjusted_curves(
    fit: CoxFit,
    exposure: str,
    *,
    times: Sequence[float] | np.ndarray | None = None,
    values: Sequence[Any] | None = None,
    ci: str = "log-log",
    conf_level: float = 0.95,
) -> AdjustedCurves:
    """Survival as it would be if everyone had one level of an exposure, by g-computation from a Cox fit.

    Parameters
    ----------
    fit : CoxFit
        Fitted in this session. Its complete rows are the population, its weights weight the average; in a stratified fit
        each row has the baseline hazard of its stratum.
    exposure : str
        A variable of the model.
    times : sequence of float, optional
        Times of the curves; all times of an event where not given, or 200 of them where there are more.
    values : sequence, optional
        Levels to compare, the reference first, of a number ``(20, 40)``. All levels of a category or of 0/1 where not
        given.
    ci : {"log-log", "log", "plain", "logit", "arcsin"}
        Scale of the pointwise intervals.
    conf_level : float

    Returns
    -------
    AdjustedCurves
        One curve a level, with `.at(times)`, `.risk_difference(times)`, `.risk_ratio(times)`,
        `.attributable_fraction(times)` and `.plot()`. NaN after the last time of the stratum that ends first.

    Raises
    ------
    ValueError
        For a variable or value the model does not have, a number without `values`, ``ties="exact"``, or a fit read from
        a file.

    Notes
    -----
    The variance follows that of the fit. With the model's own variance the coefficients and the baseline hazard are
    uncertain and the covariates of these people count as fixed. With a robust, clustered or design-based variance the
    influence of each row on coefficients, baseline hazard and average is counted, so that the people are a sample (as
    R's stdReg and riskRegression). Intervals are pointwise and from the normal distribution.

    Examples
    --------
    >>> from dermcohort.survival import cox
    >>> data = pd.DataFrame({"years": [9, 1, 1, 6, 6, 8], "died": [1, 1, 0, 1, 1, 0], "dose": [0, 1, 1, 1, 0, 0]})
    >>> curves = adjusted_curves(cox("dose", data, time="years", event="died"), "dose")
    >>> curves.at(6)[["dose", "time", "estimate"]].round(3)
      dose  time  estimate
    0    0   6.0     0.694
    1    1   6.0     0.142
    """
    if not isinstance(fit, CoxFit):
        raise TypeError(f"fit must be a Cox model, it is {type(fit).__name__}: use standardized_risks for it")
    if ci not in INTERVALS:
        raise ValueError(f"ci='{ci}' is unknown; choose one of {', '.join(INTERVALS)}")
    rows = fit.fitted_rows("adjusted_curves").rows
    levels = compared_values(fit, exposure, values)
    moments = (
        _event_times(rows.exit_[rows.event > 0]) if times is None else np.unique(np.asarray(times, float))
    )

    names = [level_name(level) for level in levels]
    matrices = [matrix_with(fit, **{exposure: level}) for level in levels]
    means, covariances = standardize(fit, matrices, moments)

    curves = curve_table(exposure, names, moments, means, covariances, ci, conf_level)
    people = "and that the people are a sample" if fit.robust else "for the covariates of these people"
    return AdjustedCurves(
        table=tidy(curves.assign(measure="survival"), [exposure, "time"]),
        method=f"Survival by {exposure}, averaged over all people as the model predicts it with each level "
        f"(g-computation; {fit.method.rstrip('.')}); pointwise {100 * conf_level:.4g}% confidence intervals ({ci}), "
        f"which count that the model is estimated, {people}.",
        n=fit.n,
        events=fit.events,
        n_missing=fit.n_missing,
        notes=(*fit.notes, *((EPISODES,) if fit.entry is not None else ())),
        conf_level=conf_level,
        exposure=exposure,
        levels=tuple(names),
        ci=ci,
        time_label=fit.time,
        fit=fit,
        matrices=tuple(matrices),
    )


def _event_times(time: np.ndarray) -> np.ndarray:
    """Each time of an event, or `MOST_TIMES` of them at equal ranks with the first and the last."""
    found = np.unique(time)
    if len(found) <= MOST_TIMES:
        return found
    return found[np.linspace(0, len(found) - 1, MOST_TIMES).round().astype(int)]
