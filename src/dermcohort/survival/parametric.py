"""Parametric models of times with any censoring: accelerated failure time and Tobit regression.

The likelihood is in `location_scale` and `generalized_gamma`, the distributions in `error_distributions`. Agrees with
R's `survival::survreg`; delayed entry and the generalized gamma as R's `flexsurv::flexsurvreg`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ..design import as_list, coefficient_table, sparse_notes, still_moving
from ..newton import Optimum
from ..variance import NEED_MODEL, choose_kind, sandwich
from .error_distributions import generalized_gamma
from .generalized_gamma import maximize_generalized_gamma, shape_scores
from .location_scale import (
    CensoredRows,
    maximize_location_scale,
    row_terms,
    to_regression,
)
from .parametric_fit import DISTRIBUTIONS, LOG_SCALE, SHAPE, Distribution, ParametricFit
from .parametric_rows import parametric_rows


def parametric(
    formula: str,
    data: pd.DataFrame,
    *,
    time: str | None = None,
    event: str | None = None,
    left: str | None = None,
    right: str | None = None,
    entry: str | None = None,
    distribution: str = "weibull",
    weights: str | None = None,
    cluster: str | Sequence[str] | None = None,
    robust: str | bool | None = None,
    conf_level: float = 0.95,
) -> ParametricFit:
    """Accelerated failure time regression by maximum likelihood, with any censoring.

    log T = x beta + sigma z: exp(beta) is a time ratio, 2 for a covariate that doubles every quantile of the time.

    Parameters
    ----------
    formula : str
        The right-hand side, ``"age + sex"``; ``"1"`` for none. A covariate that is a category is compared with its
        first level.
    data : DataFrame
        One row a person. Rows with a missing value in a variable used are left out and counted.
    time, event : str, optional
        Columns of the time of event or end of follow-up, above 0, and of the event: 0/1, bool, or a category of two
        levels, the second being the event.
    left, right : str, optional
        In the place of `time` and `event`: columns of the ends between which the event happened (the last visit
        without and the first with it). Equal where the time is known; `left` missing or 0: before `right`
        (left-censored, as a value below the detection limit `right`); `right` missing or infinite: after `left`
        (right-censored). A row with neither is left out.
    entry : str, optional
        Column of the time from which a row is at risk (left truncation); an interval begins no earlier.
    distribution : {"weibull", "exponential", "lognormal", "loglogistic", "generalized_gamma", "gaussian"}
        "gaussian" is of the value itself, which may then be 0 or below, and gives differences: Tobit regression.
    weights : str, optional
        Column of sampling or inverse-probability weights. The variance is then robust unless ``robust=False``, which
        is right for frequency weights.
    cluster : str or list of str, optional
        Column or columns whose rows may depend on each other; the variance is then CR1.
    robust : {"HC0", "HC1", "CR0", "CR1", "CR1S"} or False, optional
        Kind of robust variance, HC without and CR with `cluster`; False for the model's own.
    conf_level : float
        Level of the Wald intervals.

    Returns
    -------
    ParametricFit
        Rows of `measure` "time ratio" ("difference" for "gaussian"), a row of 1 (0) for each reference level, `events`
        counting the rows that are not right-censored; with `.scale`, `.survival(newdata, times)`,
        `.quantile(newdata, p)`, `.predict(newdata)` and `.hazard_ratios()`. The log-likelihood is that of the times,
        as R's `survreg`.

    Raises
    ------
    ValueError
        For a formula or times that do not fit the data, a time of 0 (but not for "gaussian"), no event, a scale that
        goes to 0 (nothing is left to vary), or a column that is determined by the others.

    Notes
    -----
    Weibull and exponential models have proportional hazards as well: `.hazard_ratios()`. The generalized gamma has the
    Weibull (Q = 1) and the lognormal distribution (Q = 0) in it: whether the interval of "Q" holds 1 or 0 is a test of
    them.

    Examples
    --------
    >>> data = pd.DataFrame({"years": [9, 1, 1, 6, 6, 8], "died": [1, 1, 0, 1, 1, 0], "exposed": [0, 1, 1, 1, 0, 0]})
    >>> parametric("exposed", data, time="years", event="died").table[["measure", "estimate", "events"]].round(3)
          measure  estimate  events
    0  time ratio     0.475       4
    """
    if distribution not in DISTRIBUTIONS:
        raise ValueError(
            f"distribution='{distribution}' is unknown; choose one of {', '.join(DISTRIBUTIONS)}"
        )
    kind = DISTRIBUTIONS[distribution]
    clusters = as_list(cluster)
    variance = choose_kind(robust, None, weighted=weights is not None, clustered=bool(clusters))
    if variance in NEED_MODEL:
        raise ValueError(
            f"robust='{variance}' is not available here: use {'CR0, CR1 or CR1S' if clusters else 'HC0 or HC1'}"
        )
    read = parametric_rows(
        formula,
        data,
        time=time,
        event=event,
        left=left,
        right=right,
        entry=entry,
        weights=weights,
        clusters=clusters,
        log_scale=kind.log_scale,
    )
    frame, rows = read.frame, read.rows
    p = len(frame.columns)
    optimum = _maximize(rows, kind)
    _require_scale(optimum, p)
    codes = frame.codes(clusters or None)
    olsen = optimum.inverse_information
    if variance is not None:
        influence = _row_scores(rows, kind, optimum.parameters) @ optimum.inverse_information
        olsen = sandwich(influence, codes, variance)
    parameters, jacobian = to_regression(optimum.parameters, p)
    covariance = jacobian @ olsen @ jacobian.T
    names = [*frame.names, *[LOG_SCALE, SHAPE][: len(parameters) - p]]
    unbounded = still_moving(rows.X, optimum.last_step[:p])
    without = rows.with_matrix(np.ones((len(rows.X), 1)))
    null = _maximize(without, kind).loglik if p > 1 else optimum.loglik
    return ParametricFit(
        table=coefficient_table(
            frame.columns,
            rows.X,
            parameters[:p],
            covariance[:p, :p],
            measure=kind.measure,
            conf_level=conf_level,
            event=read.happened if kind.log_scale else None,
            unbounded=unbounded,
            ratio=kind.log_scale,
        ),
        method=_method(kind, left, entry, variance, clusters),
        n=len(rows.X),
        events=int(read.happened.sum()) if kind.log_scale else None,
        n_missing=frame.n_missing,
        notes=(
            *frame.notes,
            *read.notes,
            *_weight_notes(weights, variance),
            *sparse_notes(
                int(read.happened.sum()),
                p - 1,
                None if codes is None else int(codes.max()) + 1,
                remedy="discrete_time with robust='CR2' corrects for it.",
            ),
            *_fit_notes(optimum, unbounded, names, kind),
        ),
        conf_level=conf_level,
        coefficients=pd.Series(parameters, names, name="coef"),
        covariance=pd.DataFrame(covariance, names, names),
        loglik=optimum.loglik + read.log_jacobian,
        robust=variance,
        design=frame,
        distribution=distribution,
        scale=1.0 if kind.fixed_scale else float(np.exp(parameters[p])),
        shape=float(parameters[-1]) if kind.errors is None else None,
        loglik_null=null + read.log_jacobian,
        unbounded=tuple(name for name, flag in zip(frame.names, unbounded, strict=True) if flag),
    )


def _maximize(rows: CensoredRows, kind: Distribution) -> Optimum:
    if kind.errors is None:
        return maximize_generalized_gamma(rows)
    return maximize_location_scale(rows, kind.errors, fixed_scale=kind.fixed_scale)


def _require_scale(optimum: Optimum, p: int) -> None:
    """Refuse a fit in which 1 / sigma still grows: the outcome is determined, its likelihood has no maximum."""
    if len(optimum.parameters) > p and not abs(optimum.last_step[p]) <= 1e-3 * abs(optimum.parameters[p]):
        raise ValueError(
            "the scale goes to 0: the covariates determine the outcome, or all rows could have the same one, and "
            "the likelihood has no maximum. Use fewer covariates, or distribution='exponential'"
        )


def _row_scores(rows: CensoredRows, kind: Distribution, parameters: np.ndarray) -> np.ndarray:
    """Weighted derivatives of the log-likelihood of each row in (gamma, h, Q), those that the model has."""
    p = rows.X.shape[1]
    h = 1.0 if kind.fixed_scale else float(parameters[p])
    errors = kind.errors or generalized_gamma(float(parameters[-1]))
    terms = row_terms(rows, errors, parameters[:p], h)
    scores = [rows.X * terms.eta[:, None]]
    if not kind.fixed_scale:
        scores.append(terms.h[:, None])
    if kind.errors is None:
        scores.append(shape_scores(rows, parameters)[:, None])
    return np.hstack(scores) * rows.weights[:, None]


def _method(
    kind: Distribution, left: str | None, entry: str | None, variance: str | None, clusters: Sequence[str]
) -> str:
    what = (
        f"Time ratios by {kind.title} accelerated failure time regression"
        if kind.log_scale
        else "Differences by normal regression with a censored outcome (Tobit)"
    )
    parts = ["maximum likelihood"]
    if left is not None:
        parts.append("interval censoring")
    if entry is not None:
        parts.append("delayed entry")
    within = f", clusters by {' and '.join(clusters)}" if clusters else ""
    robust = "" if variance is None else f" with robust variance ({variance}{within})"
    return f"{what} ({', '.join(parts)}), Wald intervals{robust}."


def _weight_notes(weights: str | None, variance: str | None) -> tuple[str, ...]:
    if weights is None:
        return ()
    use = "frequency" if variance is None else "sampling or inverse-probability"
    return (f"Weights: {use} weights from '{weights}'.",)


def _fit_notes(
    optimum: Optimum, unbounded: np.ndarray, names: Sequence[str], kind: Distribution
) -> tuple[str, ...]:
    if unbounded.any():
        which = ", ".join(name for name, flag in zip(names, unbounded, strict=False) if flag)
        return (
            f"Monotone likelihood: the {kind.measure} of {which} has no finite estimate (no event, or nothing "
            "else, on one side). Combine levels.",
        )
    return () if optimum.converged else ("The fit did not converge: do not use these estimates.",)
