"""Firth's logistic regression: odds ratios that are finite, and less biased, where data are sparse or separated.

Source: Firth (1993) Biometrika 80:27; Heinze & Schemper (2002) Stat Med 21:2409. Coefficients and Wald standard errors
as R's brglm2 (type "AS_mean"); profile intervals and tests those of logistf, solved to the end.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from ..design import coefficient_table
from ..newton import blocks, inverse
from .covariance import Arrays
from .families import LOGIT
from .fit_notes import sparse_data_notes, weight_notes
from .glm import GLMFit
from .maximize import gram
from .model import Model
from .outcomes import binary
from .profile import Limits, along, require_interval, two_sided, with_profile
from .rows import read_rows

MODEL = Model(LOGIT, "OR", "Odds ratios by Firth's penalized logistic regression", binary)
METHODS = {
    "profile": "profile penalized likelihood intervals and likelihood ratio tests",
    "wald": "Wald intervals",
}
TOLERANCE = 1e-12
MAX_ITERATIONS = 500
LONGEST_STEP = 5.0  # on the scale of the linear predictor
FARTHEST = 200.0


def firth(
    formula: str,
    data: pd.DataFrame,
    *,
    weights: str | None = None,
    offset: str | None = None,
    conf_level: float = 0.95,
    interval: str = "profile",
) -> GLMFit:
    """Logistic regression with the likelihood multiplied by the square root of its information's determinant.

    Parameters
    ----------
    formula, data, offset, conf_level
        As for `logistic`.
    weights : str, optional
        Column of frequency weights: how many people a row stands for.
    interval : {"profile", "wald"}
        By the profile of the penalized likelihood with its likelihood ratio tests (`statistic` is the signed root), or
        Wald's, which are poor where data are sparse.

    Returns
    -------
    GLMFit
        Rows of `measure` "OR", all finite; `.loglik` is the penalized log-likelihood.

    Raises
    ------
    ValueError
        As `logistic`.

    Notes
    -----
    Made for effects: the mean of the fitted probabilities is drawn towards 1/2 and is not the share of events (Puhr et
    al. 2017, Stat Med 36:2302), which matters for `.predict` where events are rare.

    Examples
    --------
    A saturated model is that with 1/2 added to each cell: here 0 of 3 and 3 of 5 have the disease.

    >>> data = pd.DataFrame({"case": [0, 0, 0, 1, 1, 1, 0, 0], "exposed": [0, 0, 0, 1, 1, 1, 1, 1]})
    >>> firth("case ~ exposed", data).table[["estimate", "conf_low", "conf_high"]].round(2)
       estimate  conf_low  conf_high
    0       9.8      0.55    1568.06
    """
    require_interval(interval, model_based=True)
    rows = read_rows(formula, data, binary, weights=weights, offset=offset)
    arrays, frame = rows.arrays, rows.frame
    maximum = maximize_penalized(arrays)
    table = coefficient_table(
        frame.columns,
        arrays.X,
        maximum.coefficients,
        maximum.covariance,
        measure=MODEL.measure,
        conf_level=conf_level,
        event=arrays.y,
    )
    if interval == "profile":
        table = with_profile(table, frame.columns, _penalized_profile(arrays, maximum, conf_level))
    return GLMFit(
        table=table,
        method=f"{MODEL.title}, {METHODS[interval]}.",
        n=len(arrays.y),
        events=round(arrays.y.sum()),
        n_missing=frame.n_missing,
        notes=(
            *frame.notes,
            *weight_notes(rows, None),
            *sparse_data_notes(MODEL, arrays, None),
            *(() if maximum.converged else ("The fit did not converge: do not use these estimates.",)),
        ),
        conf_level=conf_level,
        coefficients=pd.Series(maximum.coefficients, frame.names, name="coef"),
        covariance=pd.DataFrame(maximum.covariance, frame.names, frame.names),
        loglik=maximum.loglik,
        robust="penalty",
        design=replace(frame, response=None),
        family=LOGIT.name,
        offset=offset,
    )


@dataclass(frozen=True, eq=False)
class PenalizedMaximum:
    """`covariance` is the inverse of the information, `score` the derivative of the penalized log-likelihood."""

    coefficients: np.ndarray
    covariance: np.ndarray
    score: np.ndarray
    loglik: float
    converged: bool


def maximize_penalized(
    arrays: Arrays, start: np.ndarray | None = None, fixed: int | None = None
) -> PenalizedMaximum:
    """Maximize l(beta) + log det I(beta) / 2, all coefficients free but the one that is `fixed` at its start.

    Firth's score is sum_i x_i [w_i (y_i - pi_i) + h_i (1/2 - pi_i)], h_i the leverage: that of h_i / 2 cases and as many
    others added to each row. The steps are those of the data so augmented (Heinze & Schemper 2002, section 2).
    """
    beta = np.zeros(arrays.X.shape[1]) if start is None else start
    free = np.arange(len(beta)) != fixed
    reach = np.maximum(arrays.X.max(axis=0), -arrays.X.min(axis=0))
    at, converged = _penalized(arrays, beta), not free.any()
    for _ in range(MAX_ITERATIONS):
        if converged:
            break
        step = np.zeros_like(beta)
        step[free] = inverse(at.augmented[np.ix_(free, free)]) @ at.score[free]
        size = float(np.max(np.abs(arrays.X @ step)))
        step *= min(1.0, LONGEST_STEP / max(size, LONGEST_STEP))
        smallest = TOLERANCE * max(1.0, float(reach @ np.abs(beta)))
        new = _penalized(arrays, beta + step)
        while not new.value >= at.value - 1e-12 * abs(at.value) and size > smallest:
            step, size = step / 2, size / 2
            new = _penalized(arrays, beta + step)
        beta, at, converged = beta + step, new, size <= smallest
    return PenalizedMaximum(beta, at.covariance, at.score, at.value, converged)


@dataclass(frozen=True, eq=False)
class _At:
    value: float
    score: np.ndarray
    covariance: np.ndarray
    augmented: np.ndarray


def _penalized(arrays: Arrays, beta: np.ndarray) -> _At:
    X, y, w = arrays.X, arrays.y, arrays.weights
    eta = X @ beta + arrays.offset
    mean, slope = LOGIT.mean(eta), LOGIT.slope(eta)
    information = gram(X, w * slope)
    size = np.sqrt(np.diag(information))
    if not size.all():  # fitted probabilities of 0 and 1: the penalty is infinite
        return _At(-np.inf, np.zeros_like(beta), information, information)
    # on the scale of each column, so that units cost no digits
    sign, log_determinant = np.linalg.slogdet(information / np.outer(size, size))
    penalty = log_determinant / 2 + np.log(size).sum() if sign > 0 else -np.inf
    covariance = inverse(information)
    leverage = w * slope * _squared_lengths(X, covariance)
    score = X.T @ (w * (y - mean) + leverage * (0.5 - mean))
    value = float(w @ LOGIT.loglik(y, eta) + penalty)
    return _At(value, score, covariance, gram(X, (w + leverage) * slope))


def _squared_lengths(X: np.ndarray, metric: np.ndarray) -> np.ndarray:
    """x_i' M x_i of every row."""
    return np.concatenate([np.einsum("ij,ij->i", X[rows] @ metric, X[rows]) for rows in blocks(len(X))])


def _penalized_profile(
    arrays: Arrays, maximum: PenalizedMaximum, conf_level: float
) -> Callable[[int], Limits]:
    """Of the coefficient of any column; the penalty of a profile is that of the whole information, as in logistf."""

    def limits(j: int) -> Limits:
        best = maximum.coefficients

        def height(value: float) -> tuple[float, float]:
            nonlocal best
            found = maximize_penalized(arrays, along(best, maximum.covariance, j, value), fixed=j)
            best = found.coefficients
            return found.loglik, float(found.score[j])

        step, farthest = float(np.sqrt(maximum.covariance[j, j])), FARTHEST / (np.ptp(arrays.X[:, j]) or 1.0)
        return two_sided(height, maximum.loglik, float(best[j]), step, farthest, conf_level)

    return limits
