"""Proportional hazards whose log cumulative baseline hazard is a spline of log time: arrays in, arrays out.

With eta(t) = s(log t) + x beta and H = exp(eta), s a natural cubic spline between and a line beyond its outer knots,
rows contribute to the log-likelihood

    right-censored at l            -H(l)
    event in (l, r]                log(exp(-H(l)) - exp(-H(r))) = -H(l) + log(1 - exp(-D)),  D = H(r) - H(l), H(0) = 0
    event at t                     eta(t) + log s'(log t) - log t - H(t)
    at risk only from e on         +H(e)

With q = 1 / (exp(D) - 1) the derivatives by H(l) and H(r) are -1 - q and q, the second ones -q(1 + q), -q(1 + q) and
+q(1 + q) (mixed); H' = H by eta. But for late entry the log-likelihood is concave. Each row has up to three ends
(l, r, e); they share x, so that the products with the covariates are those of one ordinary regression.

Sources: Royston & Parmar (2002) Stat Med 21:2175; Kooperberg & Clarkson (1997) Biometrics 53:1485. Likelihood as R's
`flexsurv::flexsurvspline`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..newton import Evaluation, Optimum, newton
from ..splines import spline_basis


@dataclass(frozen=True, eq=False)
class _End:
    """Spline basis (m, K) at one end of the rows at `rows`."""

    rows: np.ndarray
    basis: np.ndarray


@dataclass(frozen=True, eq=False)
class SplineRows:
    """Rows of a model: bounds, covariates (n, p) less their means, and the knots of log time."""

    left: np.ndarray
    right: np.ndarray
    entry: np.ndarray
    X: np.ndarray
    weights: np.ndarray
    knots: np.ndarray


@dataclass(frozen=True, eq=False)
class SplineFit:
    """The maximum, parameters being spline then covariates, and the scores (n, K + p) of the rows there."""

    optimum: Optimum
    scores: np.ndarray


def baseline_basis(times: np.ndarray, knots: np.ndarray) -> np.ndarray:
    """Constant, log time and its nonlinear columns (m, number of knots) at times above 0."""
    x = np.log(times)
    return np.column_stack([np.ones(len(x)), spline_basis(x, knots)])


def baseline_slopes(times: np.ndarray, knots: np.ndarray) -> np.ndarray:
    """Derivatives of `baseline_basis` by log time."""
    x = np.log(times)
    *inner, before, last = knots

    def square(knot: float) -> np.ndarray:
        return 3 * np.maximum(x - knot, 0) ** 2 / (last - knots[0]) ** 2

    columns = [np.zeros(len(x)), np.ones(len(x))]
    for knot in inner:
        beyond = (before - knot) * square(last) - (last - knot) * square(before)
        columns.append(square(knot) + beyond / (last - before))
    return np.column_stack(columns)


def maximize_spline_likelihood(rows: SplineRows) -> SplineFit:
    """Newton's method from an exponential distribution."""
    exact = rows.left == rows.right
    left = _end(np.where(exact, 0.0, rows.left), rows.knots)
    right = _end(np.where(np.isinf(rows.right), 0.0, rows.right), rows.knots)
    entry = _end(rows.entry, rows.knots)
    slopes = baseline_slopes(rows.right[exact], rows.knots)
    size, n = len(rows.knots), len(rows.X)
    has_right = np.isfinite(rows.right)
    constant = rows.weights[exact] @ np.log(rows.right[exact])

    def at(parameters: np.ndarray) -> tuple[Evaluation, np.ndarray]:
        gamma, beta = parameters[:size], parameters[size:]
        linear = rows.X @ beta
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            low, high, early = (_hazard(end, gamma, linear) for end in (left, right, entry))
            width = np.where(has_right & ~exact, high - low, np.inf)
            slope = slopes @ gamma
            of_rows = np.log(-np.expm1(-width)) - low
            of_rows[exact] = np.log(high[exact]) - high[exact] + np.log(slope)
            loglik = float(rows.weights @ (of_rows + early)) - constant
        if not np.isfinite(loglik):
            nothing = np.zeros_like(parameters)
            return Evaluation(-np.inf, nothing, np.outer(nothing, nothing)), np.empty(0)
        q = 1 / np.expm1(np.minimum(width, 700.0))
        q[np.isinf(width)] = 0.0
        bend = q * (1 + q)
        by_low, by_high, by_early = -(1 + q) * low, np.where(exact, 1 - high, q * high), early
        low2, high2, mixed = by_low - bend * low**2, -bend * high**2, bend * low * high
        high2 = high2 + np.where(exact, -high, q * high)

        scores = np.empty((n, len(parameters)))
        scores[:, size:] = (by_low + by_high + by_early)[:, None] * rows.X
        of_spline = np.zeros((n, size))
        for end, values in ((left, by_low), (right, by_high), (entry, by_early)):
            of_spline[end.rows] += values[end.rows, None] * end.basis
        of_spline[exact] += slopes / slope[:, None]
        scores[:, :size] = of_spline

        w = rows.weights
        information = -(_second(left, low2, low2 + mixed, rows) + _second(right, high2, high2 + mixed, rows))
        of_right = np.zeros((n, size))
        of_right[right.rows] = (w * mixed)[right.rows, None] * right.basis
        product = left.basis.T @ of_right[left.rows]
        information[:size, :size] += (
            slopes.T @ ((w[exact] / slope**2)[:, None] * slopes) - product - product.T
        )
        # the part of late entry is convex: far from the maximum steps go without it
        with_entry = information - _second(entry, early, early, rows)
        if not len(entry.rows) or _is_positive(with_entry):
            information = with_entry
        return Evaluation(loglik, w @ scores, information), scores

    optimum = newton(lambda parameters: at(parameters)[0], _start(rows))
    return SplineFit(optimum, at(optimum.parameters)[1])


def _end(times: np.ndarray, knots: np.ndarray) -> _End:
    """An end of the rows at which it is after time 0."""
    rows = np.flatnonzero(times > 0)
    return _End(rows, baseline_basis(times[rows], knots))


def _hazard(end: _End, gamma: np.ndarray, linear: np.ndarray) -> np.ndarray:
    """H at one end of each row, 0 where there is none."""
    hazard = np.zeros(len(linear))
    eta = end.basis @ gamma + linear[end.rows]
    hazard[end.rows] = np.exp(np.minimum(eta, 200.0))  # a step too far, of which the square must be finite
    return hazard


def _second(end: _End, values: np.ndarray, across: np.ndarray, rows: SplineRows) -> np.ndarray:
    """Second derivatives of all parameters from those by eta at one end of each row.

    `across` are those that the covariates have at this end: with a mixed one, which is half of each end.
    """
    X, w = rows.X[end.rows], rows.weights[end.rows]
    spline = end.basis.T @ ((w * values[end.rows])[:, None] * end.basis)
    both = end.basis.T @ ((w * across[end.rows])[:, None] * X)
    return np.block([[spline, both], [both.T, X.T @ ((w * across[end.rows])[:, None] * X)]])


def _is_positive(information: np.ndarray) -> bool:
    try:
        np.linalg.cholesky(information)
    except np.linalg.LinAlgError:
        return False
    return True


def _start(rows: SplineRows) -> np.ndarray:
    """Events by time at risk, with events in the middle of their interval."""
    happened = np.isfinite(rows.right)
    until = np.where(happened, (rows.left + np.where(happened, rows.right, 0.0)) / 2, rows.left)
    at_risk = rows.weights @ (until - np.minimum(rows.entry, until))
    start = np.zeros(len(rows.knots) + rows.X.shape[1])
    start[:2] = np.log(rows.weights[happened].sum() / at_risk), 1.0
    return start
