"""Cox's partial likelihood with Efron's or Breslow's ties: arrays in, arrays out.

Sources: Cox (1972) JRSS B 34:187; Efron (1977) JASA 72:557; Therneau & Grambsch (2000) Modeling Survival Data,
ch. 3 and 7 (score residuals); Lin & Wei (1989) JASA 84:1074 (robust variance). As R's `survival::coxph`.

Time is the order of event times only. Row i is at risk at the event times first_i, ..., last_i - 1, numbered
through all strata, so that strata need no loop.

Sums over risk sets are taken for all event times at once, as running sums over rows in order of leaving. Sums
over event times of risk-set matrices are turned around: sum_k h_k sum_{i at risk at k} r_i x_i x_i' is
sum_i r_i A_i x_i x_i', where A_i is the hazard row i was exposed to; this costs one matrix product.

With d tied deaths Efron's method goes through d steps, step j having the deaths at the time count with weight
1 - j/d only; Breslow's method is one step with nothing taken off.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..newton import blocks

TOLERANCE = 1e-12
MAX_ITERATIONS = 50


@dataclass(frozen=True, eq=False)
class RiskSets:
    """Who is at risk when, and the steps through tied deaths.

    `multiplier` is a known factor of each row's hazard: 0 for a row that dies but is in no risk set.
    """

    first: np.ndarray
    last: np.ndarray
    deaths: np.ndarray
    time_of_death: np.ndarray
    n_times: int
    time_of_step: np.ndarray
    fraction: np.ndarray
    step_weight: np.ndarray
    weights: np.ndarray
    multiplier: np.ndarray | float = 1.0

    def at_risk(self, values: np.ndarray) -> np.ndarray:
        """Sum of `values` (n,) or (n, q) over the risk set of each event time."""
        if values.ndim == 2:
            return np.column_stack([self.at_risk(values[:, j]) for j in range(values.shape[1])])
        # those who leave after k, less those who come in after k: adding from the end keeps late sums exact
        sums = self._after(self.last, values)
        return sums - self._after(self.first, values) if self.first.any() else sums

    def over_deaths(self, values: np.ndarray) -> np.ndarray:
        """Sum of `values` over those who die at each event time."""
        if values.ndim == 2:
            return np.column_stack([self.over_deaths(values[:, j]) for j in range(values.shape[1])])
        return np.bincount(self.time_of_death, values[self.deaths], self.n_times)

    def _after(self, index: np.ndarray, values: np.ndarray) -> np.ndarray:
        return np.cumsum(np.bincount(index, values, self.n_times + 1)[:0:-1])[::-1]

    def over_steps(self, values: np.ndarray) -> np.ndarray:
        """Sum of `values` (one a step) over the steps of each event time."""
        if values.ndim == 2:
            return np.column_stack([self.over_steps(values[:, j]) for j in range(values.shape[1])])
        return np.bincount(self.time_of_step, values, self.n_times)

    def exposure(self, increments: np.ndarray, increments_dying: np.ndarray) -> np.ndarray:
        """Sum of `increments` (one an event time) over the times each row is at risk.

        At the time of its own death a row is exposed to `increments_dying` instead.
        """
        running = np.concatenate([np.zeros((1, *increments.shape[1:])), np.cumsum(increments, axis=0)])
        total = running[self.last] - running[self.first]
        total[self.deaths] += (increments_dying - increments)[self.time_of_death]
        return total


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Log-likelihood, score and information at one beta, and what the score residuals need."""

    loglik: float
    score: np.ndarray
    information: np.ndarray
    risk: np.ndarray
    step_hazard: np.ndarray
    step_mean: np.ndarray
    exposure: np.ndarray


@dataclass(frozen=True, eq=False)
class PartialLikelihoodMaximum:
    """The maximum; `covariance` is the inverse information, `score_statistic` the score test of beta = 0.

    `information_null` is the information at beta = 0, `size_null` (p,) the sums of squares it is a difference of.
    """

    coefficients: np.ndarray
    covariance: np.ndarray
    loglik: float
    loglik_null: float
    score_statistic: float
    last_step: np.ndarray
    converged: bool
    at: Evaluation
    information_null: np.ndarray
    size_null: np.ndarray


def risk_sets(
    entry: np.ndarray | None,
    exit_: np.ndarray,
    event: np.ndarray,
    strata: np.ndarray | None,
    weights: np.ndarray,
    ties: str,
) -> RiskSets:
    """Number the event times through all strata and find each row's range; at risk over (entry, exit]."""
    stratum = np.zeros(len(exit_), np.int64) if strata is None else strata.astype(np.int64)
    moments = exit_ if entry is None else np.concatenate([exit_, entry])
    grid = np.unique(moments)
    width = len(grid) + 1
    code = stratum * width + np.searchsorted(grid, exit_)
    deaths = np.flatnonzero(event)
    event_codes = np.unique(code[deaths])
    last = np.searchsorted(event_codes, code, "right")
    if entry is None:
        first = np.searchsorted(event_codes, stratum * width, "left")
    else:
        first = np.searchsorted(event_codes, stratum * width + np.searchsorted(grid, entry), "right")
    time_of_death = last[deaths] - 1
    n_times = len(event_codes)
    n_deaths = np.bincount(time_of_death, minlength=n_times)
    death_weight = np.bincount(time_of_death, weights[deaths], n_times)
    if ties == "efron":
        time_of_step: np.ndarray = np.repeat(np.arange(n_times), n_deaths)
        number = np.arange(len(time_of_step)) - np.repeat(np.cumsum(n_deaths) - n_deaths, n_deaths)
        fraction: np.ndarray = number / n_deaths[time_of_step]
        step_weight = (death_weight / n_deaths)[time_of_step]
    else:
        time_of_step = np.arange(n_times)
        step_weight = death_weight
        fraction = np.zeros(n_times)
    return RiskSets(first, last, deaths, time_of_death, n_times, time_of_step, fraction, step_weight, weights)


def evaluate(X: np.ndarray, beta: np.ndarray, sets: RiskSets) -> Evaluation:
    """The partial log-likelihood and its derivatives at beta; X must be centered."""
    w, step = sets.weights, sets.time_of_step
    eta = X @ beta
    risk = sets.multiplier * np.exp(eta)
    weighted_risk = w * risk
    denominator = _over_risk_sets(weighted_risk, sets)
    step_mean = np.empty((len(step), X.shape[1]), order="F")
    for j in range(X.shape[1]):  # a column at a time, so that nothing else is as large as X
        step_mean[:, j] = _over_risk_sets(weighted_risk * X[:, j], sets) / denominator
    step_hazard = sets.step_weight / denominator
    hazard = sets.over_steps(step_hazard)
    hazard_dying = sets.over_steps(step_hazard * (1 - sets.fraction))
    exposure = sets.exposure(hazard, hazard_dying)
    at_death = w[sets.deaths]
    return Evaluation(
        loglik=float(at_death @ eta[sets.deaths] - sets.step_weight @ np.log(denominator)),
        score=at_death @ X[sets.deaths] - sets.step_weight @ step_mean,
        information=cross_product(X, weighted_risk * exposure) - cross_product(step_mean, sets.step_weight),
        risk=risk,
        step_hazard=step_hazard,
        step_mean=step_mean,
        exposure=exposure,
    )


def _over_risk_sets(values: np.ndarray, sets: RiskSets) -> np.ndarray:
    """Sum of `values` over those at risk in each step, less the share of the dying that went in the steps before."""
    step = sets.time_of_step
    return sets.at_risk(values)[step] - sets.fraction * sets.over_deaths(values)[step]


def cross_product(X: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """X' diag(weights) X, some rows at a time: a weighted copy of all would cost more than the product."""
    total = np.zeros((X.shape[1], X.shape[1]))
    for rows in blocks(len(X)):
        total += (X[rows] * weights[rows, None]).T @ X[rows]
    return total


def maximize_partial_likelihood(X: np.ndarray, sets: RiskSets) -> PartialLikelihoodMaximum:
    """Newton's method with step halving from beta = 0; stops at a relative change of 1e-12."""
    X = np.asfortranarray(X - np.average(X, axis=0, weights=sets.weights))
    beta = np.zeros(X.shape[1])
    at = evaluate(X, beta, sets)
    null = at
    score_statistic = float(at.score @ np.linalg.pinv(at.information, hermitian=True) @ at.score)
    step = np.full_like(beta, np.inf)
    converged = False
    for _ in range(MAX_ITERATIONS):
        step = np.linalg.pinv(at.information, hermitian=True) @ at.score
        factor = 1.0
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            new = evaluate(X, beta + step, sets)
            while not new.loglik >= at.loglik - 1e-10 * abs(at.loglik) and factor > 1e-4:
                factor /= 2
                new = evaluate(X, beta + factor * step, sets)
        if not (np.isfinite(new.loglik) and np.isfinite(new.information).all()):
            break
        change = abs(new.loglik - at.loglik)
        beta, at = beta + factor * step, new
        if change <= TOLERANCE * (abs(at.loglik) + 0.1):
            converged = True
            break
    covariance = np.linalg.pinv(at.information, hermitian=True)
    return PartialLikelihoodMaximum(
        beta,
        covariance,
        at.loglik,
        null.loglik,
        score_statistic,
        step,
        converged,
        at,
        null.information,
        sums_of_squares(X, sets, null),
    )


def sums_of_squares(X: np.ndarray, sets: RiskSets, at: Evaluation) -> np.ndarray:
    """The diagonal of the first of the two parts whose difference the information is; X must be centered."""
    return (sets.weights * at.risk * at.exposure) @ X**2


def score_residuals(X: np.ndarray, sets: RiskSets, at: Evaluation) -> np.ndarray:
    """Contribution of each row to the score, unweighted, shape (n, p); the weighted sum is 0 at the maximum.

    L_i = event_i (x_i - mean of xbar over the steps of its time) - r_i sum over times at risk of
    (x_i - xbar) dLambda, with a dying row exposed to the share 1 - j/d of step j.
    """
    X = X - np.average(X, axis=0, weights=sets.weights)
    weighted_mean = at.step_hazard[:, None] * at.step_mean
    mean_exposure = sets.exposure(
        sets.over_steps(weighted_mean), sets.over_steps(weighted_mean * (1 - sets.fraction)[:, None])
    )
    residuals = -at.risk[:, None] * (X * at.exposure[:, None] - mean_exposure)
    residuals[sets.deaths] += X[sets.deaths] - mean_at_death(sets, at)[sets.time_of_death]
    return residuals


def mean_at_death(sets: RiskSets, at: Evaluation) -> np.ndarray:
    """Mean covariates (n_times, p) of those at risk at each event time, averaged over its steps."""
    n_steps = np.bincount(sets.time_of_step, minlength=sets.n_times)
    return sets.over_steps(at.step_mean) / n_steps[:, None]


def moment_of_information(X: np.ndarray, sets: RiskSets, at: Evaluation, g: np.ndarray) -> np.ndarray:
    """Sum over the event times of `g` (one each) times what the time adds to the information; X must be centered."""
    step = g[sets.time_of_step]
    step_hazard = step * at.step_hazard
    exposure = sets.exposure(sets.over_steps(step_hazard), sets.over_steps(step_hazard * (1 - sets.fraction)))
    of_rows = cross_product(X, sets.weights * at.risk * exposure)
    return of_rows - cross_product(at.step_mean, step * sets.step_weight)
