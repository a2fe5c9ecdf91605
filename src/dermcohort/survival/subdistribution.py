"""The weighted partial likelihood of Fine and Gray, without expansion of the data: arrays in, arrays out.

Those who had a competing event stay at risk with the weight G(t-) / G(T-), G being the Kaplan-Meier estimate of
being uncensored. With ties by Breslow, the risk set at time t sums to

    S0(t) = sum over T_i >= t of r_i + G(t-) sum over competing T_i < t of r_i / G(T_i-),   r_i = exp(x_i beta)

so that all sums over risk sets are running sums over the distinct times. The covariance is the sandwich of
eta_i + psi_i, where eta_i is the score residual and psi_i what row i does to G (their equation for Sigma). Strata have
risk sets, a baseline hazard and a G of their own; their likelihoods multiply.

Sources: Fine & Gray (1999) JASA 94:496, section 5 and appendix; Zhou et al. (2011) Biometrics 67:661 (strata); Zhou et
al. (2012) Biostatistics 13:371 (clusters: the sums of eta + psi within them). As R's `cmprsk::crr`, and `crrs` (strata
of many rows each) and `crrc` of its `crrSC`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .partial_likelihood import cross_product

TOLERANCE = 1e-13
MAX_ITERATIONS = 50


@dataclass(frozen=True, eq=False)
class SubdistributionSets:
    """The n rows of a stratum by time, numbered by its M distinct times, and how each of its C groups is censored.

    Parameters
    ----------
    order : ndarray of int, shape (n,)
        Places of the rows in the data; all else here is in this order.
    time : ndarray of float64, shape (M,)
    at : ndarray of int, shape (n,)
        Number of each row's time.
    first : ndarray of int, shape (M,)
        First row of each time.
    own, competing, censored : ndarray of int
        Rows with the event, a competing event, and none.
    events : ndarray of float64, shape (M,)
    group : ndarray of int, shape (n,)
        Group of each row's censoring distribution.
    uncensored : ndarray of float64, shape (C, M)
        G(t-).
    n_risk, n_censored : ndarray of float64, shape (C, M)
    """

    order: np.ndarray
    time: np.ndarray
    at: np.ndarray
    first: np.ndarray
    own: np.ndarray
    competing: np.ndarray
    censored: np.ndarray
    events: np.ndarray
    group: np.ndarray
    uncensored: np.ndarray
    n_risk: np.ndarray
    n_censored: np.ndarray

    @property
    def competing_weight(self) -> np.ndarray:
        """1 / G(T-) of the rows with a competing event."""
        return 1 / self.uncensored[self.group[self.competing], self.at[self.competing]]

    def weighted_risk_sets(self, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Sum of w_i(t) `values` (n,) at each time, shape (M,), and that of values / G(T-) over competing T_i < t (C, M)."""
        C, M = self.uncensored.shape
        cell = self.group[self.competing] * M + self.at[self.competing]
        competing = np.bincount(cell, values[self.competing] * self.competing_weight, C * M).reshape(C, M)
        before = np.cumsum(competing, axis=1) - competing
        at_risk = _from_here_on(np.add.reduceat(values, self.first))
        return at_risk + (self.uncensored * before).sum(axis=0), before


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Log-likelihood, score and information at one beta, and what the residuals need."""

    loglik: float
    score: np.ndarray
    information: np.ndarray
    risk: np.ndarray
    hazard: np.ndarray
    mean: np.ndarray
    exposure: np.ndarray
    before: np.ndarray


@dataclass(frozen=True, eq=False)
class SubdistributionMaximum:
    """The maximum; `hazard` are the increments of each stratum's baseline at x = 0, at `time` of its sets.

    `information_null` is the information at beta = 0, `size_null` (p,) the sums of squares it is a difference of.
    """

    coefficients: np.ndarray
    inverse_information: np.ndarray
    loglik: float
    loglik_null: float
    last_step: np.ndarray
    converged: bool
    hazard: list[np.ndarray]
    at: list[Evaluation]
    information_null: np.ndarray
    size_null: np.ndarray


def subdistribution_sets(
    exit_: np.ndarray, ended: np.ndarray, cause: int, group: np.ndarray, stratum: np.ndarray
) -> list[SubdistributionSets]:
    """Put the rows of each stratum (0, 1, ...) in order; `ended` is 0 for censored, else the number of the cause."""
    order = np.lexsort((exit_, stratum))
    ends = np.flatnonzero(np.diff(stratum[order])) + 1
    return [_sets_of(rows, exit_[rows], ended[rows], cause, group[rows]) for rows in np.split(order, ends)]


def _sets_of(
    order: np.ndarray, exit_: np.ndarray, ended: np.ndarray, cause: int, group: np.ndarray
) -> SubdistributionSets:
    """The sets of one stratum, whose rows are in order.

    The number at risk of censoring at t counts all with T >= t, events at t included.
    """
    time, first, at = np.unique(exit_, return_index=True, return_inverse=True)
    group = np.unique(group, return_inverse=True)[1]
    C, M = int(group.max()) + 1, len(time)
    cell = group * M + at
    n_risk = _from_here_on(np.bincount(cell, minlength=C * M).reshape(C, M).T.astype(float)).T
    n_censored = np.bincount(cell[ended == 0], minlength=C * M).reshape(C, M).astype(float)
    stays = 1 - n_censored / np.maximum(n_risk, 1.0)
    uncensored = np.cumprod(np.column_stack([np.ones(C), stays[:, :-1]]), axis=1)
    # after its last time a group tells nothing of other groups' later times
    uncensored[n_risk == 0] = 0.0
    own = np.flatnonzero(ended == cause)
    return SubdistributionSets(
        order,
        time,
        at,
        first,
        own,
        np.flatnonzero((ended != cause) & (ended != 0)),
        np.flatnonzero(ended == 0),
        np.bincount(at[own], minlength=M).astype(float),
        group,
        uncensored,
        n_risk,
        n_censored,
    )


def maximize_subdistribution(X: np.ndarray, strata: Sequence[SubdistributionSets]) -> SubdistributionMaximum:
    """Newton's method with step halving from beta = 0; stops at a relative change of 1e-13."""
    center = X.mean(axis=0)
    parts = [np.asfortranarray(X[sets.order] - center) for sets in strata]

    def evaluate(beta: np.ndarray) -> tuple[float, list[Evaluation]]:
        found = [_evaluate(own, beta, sets) for own, sets in zip(parts, strata, strict=True)]
        return sum(at.loglik for at in found), found

    beta = np.zeros(X.shape[1])
    loglik, at = evaluate(beta)
    loglik_null, null = loglik, at
    step, converged = np.full_like(beta, np.inf), False
    for _ in range(MAX_ITERATIONS):
        step = _inverse_information(at) @ np.sum([own.score for own in at], axis=0)
        factor = 1.0
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            new, there = evaluate(beta + step)
            while not new >= loglik - 1e-10 * abs(loglik) and factor > 1e-4:
                factor /= 2
                new, there = evaluate(beta + factor * step)
        if not (np.isfinite(new) and all(np.isfinite(own.information).all() for own in there)):
            break
        change = abs(new - loglik)
        beta, loglik, at = beta + factor * step, new, there
        if change <= TOLERANCE * (abs(loglik) + 0.1):
            converged = True
            break
    return SubdistributionMaximum(
        coefficients=beta,
        inverse_information=_inverse_information(at),
        loglik=loglik,
        loglik_null=loglik_null,
        last_step=step,
        converged=converged,
        hazard=[own.hazard * np.exp(-center @ beta) for own in at],
        at=at,
        information_null=np.sum([own.information for own in null], axis=0),
        size_null=np.sum(
            [(own.risk * own.exposure) @ part**2 for own, part in zip(null, parts, strict=True)], axis=0
        ),
    )


def influences(
    X: np.ndarray, strata: Sequence[SubdistributionSets], maximum: SubdistributionMaximum
) -> np.ndarray:
    """Influence (n, p) of each row on the coefficients, in the order of the data: (eta_i + psi_i) I^-1."""
    center = X.mean(axis=0)
    result = np.empty_like(X)
    for sets, at in zip(strata, maximum.at, strict=True):
        scores = _score_residuals(X[sets.order] - center, sets, at) + _censoring_residuals(sets, at)
        result[sets.order] = scores @ maximum.inverse_information
    return result


def _inverse_information(strata: Sequence[Evaluation]) -> np.ndarray:
    return np.linalg.pinv(np.sum([at.information for at in strata], axis=0), hermitian=True)


def _evaluate(X: np.ndarray, beta: np.ndarray, sets: SubdistributionSets) -> Evaluation:
    eta = X @ beta
    risk = np.exp(eta)
    # sums of r and r x, a column at a time, so that nothing else is as large as X
    columns = [sets.weighted_risk_sets(risk * x) for x in (1.0, *X.T)]
    sums = np.column_stack([sum_ for sum_, _ in columns])
    before = np.stack([competing for _, competing in columns], axis=-1)
    happens = sets.events > 0
    S0 = np.where(happens, sums[:, 0], 1.0)
    mean = sums[:, 1:] / S0[:, None] * happens[:, None]
    hazard = sets.events / S0
    exposure = _exposure(hazard[:, None], sets)[:, 0]
    return Evaluation(
        loglik=float(eta[sets.own].sum() - sets.events @ np.log(S0)),
        score=X[sets.own].sum(axis=0) - sets.events @ mean,
        # the sum over times of risk-set matrices, turned around: sum over rows of r_i A_i x_i x_i'
        information=cross_product(X, risk * exposure) - cross_product(mean, sets.events),
        risk=risk,
        hazard=hazard,
        mean=mean,
        exposure=exposure,
        before=before,
    )


def _exposure(increments: np.ndarray, sets: SubdistributionSets) -> np.ndarray:
    """Sum of `increments` (M, p) over the times each row is at risk, by its weight there, shape (n, p)."""
    total = np.cumsum(increments, axis=0)[sets.at]
    after = np.stack(
        [_from_here_on(G[:, None] * increments) - G[:, None] * increments for G in sets.uncensored]
    )
    later = after[sets.group[sets.competing], sets.at[sets.competing]]
    total[sets.competing] += sets.competing_weight[:, None] * later
    return total


def _score_residuals(X: np.ndarray, sets: SubdistributionSets, at: Evaluation) -> np.ndarray:
    """eta_i = integral of (x_i - xbar) w_i dM_i."""
    mean_exposure = _exposure(at.hazard[:, None] * at.mean, sets)
    residuals = -at.risk[:, None] * (X * at.exposure[:, None] - mean_exposure)
    residuals[sets.own] += X[sets.own] - at.mean[sets.at[sets.own]]
    return residuals


def _censoring_residuals(sets: SubdistributionSets, at: Evaluation) -> np.ndarray:
    """psi_i = integral of q(u) / pi(u) dM_i^c(u), M^c the martingale of being censored.

    q(u) = - sum over competing T_i < u of the part of eta_i from times t >= u; pi(u) is the number at risk.
    """
    psi = np.zeros((len(sets.at), at.mean.shape[1]))
    for c, G in enumerate(sets.uncensored):
        weighted = (G * at.hazard)[:, None]
        hazard_to_come, mean_to_come = _from_here_on(weighted), _from_here_on(weighted * at.mean)
        q = at.before[c, :, 1:] * hazard_to_come - at.before[c, :, :1] * mean_to_come
        share = q / np.maximum(sets.n_risk[c], 1.0)[:, None]
        compensator = np.cumsum(
            share * (sets.n_censored[c] / np.maximum(sets.n_risk[c], 1.0))[:, None], axis=0
        )
        members = np.flatnonzero(sets.group == c)
        psi[members] = -compensator[sets.at[members]]
        gone = sets.censored[sets.group[sets.censored] == c]
        psi[gone] += share[sets.at[gone]]
    return psi


def _from_here_on(values: np.ndarray) -> np.ndarray:
    """Running sums from the end."""
    return np.cumsum(values[::-1], axis=0)[::-1]
