"""Cox regression with a gamma frailty that the rows of a group share: arrays in, arrays out.

The hazard of a row of group g is exp(w_g) times that of its covariates, exp(w_g) gamma with mean 1 and variance theta.
For a given theta (nu = 1 / theta) the coefficients and w maximize the penalized partial likelihood

    PL(beta, w) + nu sum_g (w_g - exp(w_g) + 1),

which is where the EM algorithm ends (Therneau & Grambsch 2000, sec. 9.6); theta maximizes the marginal likelihood, which
is that plus sum_g [d_g + nu log(nu / (nu + d_g)) + log Gamma(nu + d_g) - log Gamma(nu) - d_g log(nu + d_g)], d_g the
events of the group. At the maximum over beta and w its derivative in nu needs no derivative of them.

As in R's `coxph` with `frailty()`, the information of w is taken to be diagonal in the steps and in the variance.

Sources: Klein (1992) Biometrics 48:795; Therneau, Grambsch & Pankratz (2003) J Comput Graph Stat 12:156.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq
from scipy.special import digamma, gammaln

from .cox_rows import CoxRows
from .partial_likelihood import Evaluation, RiskSets, evaluate, maximize_partial_likelihood

SMALLEST, LARGEST = 1e-5, 1e4  # variances that are told apart from 0 and from infinity
MAX_ITERATIONS = 500
CELLS = 4_000_000  # of the matrix groups x steps held at once


@dataclass(frozen=True, eq=False)
class PenalizedMaximum:
    """The maximum for one theta. `log_frailty` (q,) is w, `covariance` that of the coefficients, theta known."""

    coefficients: np.ndarray
    log_frailty: np.ndarray
    covariance: np.ndarray
    loglik: float
    last_step: np.ndarray
    converged: bool


@dataclass(frozen=True, eq=False)
class GammaFrailty:
    """The maximum over theta as well; `loglik` is the marginal one, `loglik_without` that of theta = 0."""

    theta: float
    at: PenalizedMaximum
    loglik: float
    loglik_without: float
    loglik_null: float


def maximize_frailty(rows: CoxRows, group: np.ndarray) -> GammaFrailty:
    """Maximize over theta, beta and w; `group` (n,) has codes 0, 1, ..."""
    shared = SharedRows.of(rows, group)
    plain = maximize_partial_likelihood(rows.X, shared.sets)
    without = PenalizedMaximum(
        plain.coefficients,
        np.zeros(len(shared.events)),
        plain.covariance,
        plain.loglik,
        plain.last_step,
        plain.converged,
    )
    found = {0.0: without}

    def slope(log_theta: float) -> float:
        """Derivative of the marginal likelihood in log theta, apart from a positive factor."""
        start = found[min(found, key=lambda theta: abs(theta - np.exp(log_theta)))]
        at = found[float(np.exp(log_theta))] = shared.maximum(np.exp(log_theta), start)
        return -marginal_slope(at.log_frailty, shared.events, np.exp(-log_theta))

    low, high = np.log(SMALLEST), 0.0
    if slope(low) <= 0:
        return GammaFrailty(0.0, without, plain.loglik, plain.loglik, plain.loglik_null)
    while slope(high) > 0 and high < np.log(LARGEST):
        low, high = high, high + 1.5
    log_theta = high if slope(high) > 0 else brentq(slope, low, high, xtol=1e-13, rtol=1e-13)
    theta = float(np.exp(log_theta))
    at = shared.maximum(theta, found[min(found, key=lambda other: abs(other - theta))])
    return GammaFrailty(
        theta,
        at,
        at.loglik + marginal_correction(shared.events, 1 / theta),
        plain.loglik,
        plain.loglik_null,
    )


def marginal_correction(events: np.ndarray, nu: float) -> float:
    """What the marginal likelihood has beside the penalized one."""
    d = events
    return float(np.sum(d - (nu + d) * np.log1p(d / nu) + gammaln(nu + d) - gammaln(nu) - d * np.log(nu)))


def marginal_slope(w: np.ndarray, events: np.ndarray, nu: float) -> float:
    """Derivative in nu of the marginal likelihood at its maximum over beta and w."""
    return float(np.sum(w - np.expm1(w) + digamma(nu + events) - digamma(nu) - np.log1p(events / nu)))


@dataclass(frozen=True, eq=False)
class SharedRows:
    """Rows with the group of each, and the events (q,) of the groups."""

    X: np.ndarray
    sets: RiskSets
    group: np.ndarray
    events: np.ndarray

    @classmethod
    def of(cls, rows: CoxRows, group: np.ndarray) -> SharedRows:
        return cls(rows.X - rows.center, rows.risk_sets(), group, np.bincount(group, rows.event))

    def maximum(self, theta: float, start: PenalizedMaximum) -> PenalizedMaximum:
        """Newton's method for a known theta, with step halving."""
        nu, p = 1 / theta, self.X.shape[1]
        beta, w = start.coefficients, start.log_frailty
        at, loglik = self._evaluate(beta, w, nu)
        converged = False
        for _ in range(MAX_ITERATIONS):
            expected = np.bincount(self.group, at.risk * at.exposure, len(w))
            diagonal, mixed = self._information(at)
            diagonal = diagonal + nu * np.exp(w)
            score = self.events - expected - nu * np.expm1(w)
            scaled = mixed / diagonal[:, None]
            covariance = np.linalg.pinv(at.information[:p, :p] - mixed.T @ scaled, hermitian=True)
            step = covariance @ (at.score[:p] - scaled.T @ score)
            step_w = score / diagonal - scaled @ step
            size = max(np.abs(self.X @ step).max(), np.abs(step_w).max())
            if size < 1e-11:
                converged = True
                break
            factor = 1.0
            while True:
                new_w = w + factor * step_w
                new_w = new_w - np.log(np.exp(new_w).mean())  # the likelihood does not know the level of w
                new_at, new_loglik = self._evaluate(beta + factor * step, new_w, nu)
                if new_loglik >= loglik - 1e-10 * abs(loglik) or factor < 1e-4:
                    break
                factor /= 2
            if not np.isfinite(new_loglik):
                break
            beta, w, at, loglik = beta + factor * step, new_w, new_at, new_loglik
        return PenalizedMaximum(beta, w, covariance, loglik, step, converged)

    def _evaluate(self, beta: np.ndarray, w: np.ndarray, nu: float) -> tuple[Evaluation, float]:
        """The partial likelihood with w as one more covariate, whose coefficient is 1, and the penalized one."""
        at = evaluate(np.column_stack([self.X, w[self.group]]), np.append(beta, 1.0), self.sets)
        return at, at.loglik + nu * float(np.sum(w - np.expm1(w)))

    def _information(self, at: Evaluation) -> tuple[np.ndarray, np.ndarray]:
        """Diagonal (q,) of the information of w, and its block (q, p) with the coefficients."""
        sets, q, p = self.sets, len(self.events), self.X.shape[1]
        exposed = at.risk * at.exposure
        diagonal = np.bincount(self.group, exposed, q)
        mixed = np.column_stack([np.bincount(self.group, exposed * x, q) for x in self.X.T])
        per_share = at.step_hazard / sets.step_weight
        block = max(1, CELLS // len(sets.time_of_step))
        for begin in range(0, q, block):
            groups = slice(begin, min(begin + block, q))
            share = self._risk_of_groups(at.risk, begin, groups.stop) * per_share
            diagonal[groups] -= (share**2) @ sets.step_weight
            mixed[groups] -= (share * sets.step_weight) @ at.step_mean[:, :p]
        return diagonal, mixed

    def _risk_of_groups(self, risk: np.ndarray, begin: int, end: int) -> np.ndarray:
        """Sum of the risks of the rows of each group at each step, (groups, steps)."""
        sets, n_groups = self.sets, end - begin

        def sums(index: np.ndarray, rows: np.ndarray, width: int) -> np.ndarray:
            cell = (self.group[rows] - begin) * width + index
            return np.bincount(cell, risk[rows], n_groups * width).reshape(n_groups, width)

        inside = np.flatnonzero((self.group >= begin) & (self.group < end))
        change = sums(sets.last[inside], inside, sets.n_times + 1) - sums(
            sets.first[inside], inside, sets.n_times + 1
        )
        at_risk = np.cumsum(change[:, :0:-1], axis=1)[:, ::-1]
        dead = (self.group[sets.deaths] >= begin) & (self.group[sets.deaths] < end)
        dying = sums(sets.time_of_death[dead], sets.deaths[dead], sets.n_times)
        return at_risk[:, sets.time_of_step] - sets.fraction * dying[:, sets.time_of_step]
