"""The nonparametric maximum likelihood estimate from interval-censored times: arrays in, arrays out.

The likelihood depends only on the mass p_j in each innermost interval: one that begins with the left end of some
observation and ends with the right end of some observation, with no other end between. With d_i the mass inside
observation i of weight n_i and g_j the sum of n_i / d_i over the observations around interval j, the log-likelihood is

    l(p) = sum n_i log d_i,    and no other p has one above    l(p) + max_j g_j - N,    N = sum n_i,

as l is concave and g its gradient: the gap max g - N says how far from the maximum l(p) can be, and is 0 there alone
(Kuhn-Tucker). The masses at the maximum are unique: seen as edges between the ends of innermost intervals, the
observations connect all of them, as each is the right end of an observation that begins further left, so that the d
determine the p, in which l is strictly concave.

Newton steps on a small support, to which the intervals of largest g are added until the gap is closed. Where events at many exact times make the support large: EM steps, accelerated.

Sources: Turnbull (1976) JRSS B 38:290; Gentleman & Geyer (1994) Biometrika 81:618 (gap); Wang (2007) JRSS
B 69:185 and (2008) Comput Stat Data Anal 52:2388 (constrained Newton steps); Varadhan & Roland (2008) Scand J Stat
35:335 (acceleration).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import solve_triangular
from scipy.optimize import nnls

GAP = 1e-10  # of N, at which Newton steps have reached the maximum
EM_GAP = 0.01  # of log-likelihood, with which EM steps end
LARGE = 800  # support points up to which Newton steps are taken
MAX_NEWTON, MAX_EM = 200, 3000


@dataclass(frozen=True, eq=False)
class Npmle:
    """Innermost intervals (lower, upper] with mass, or single times where both ends are the same.

    `gap` bounds what the log-likelihood lacks of its maximum.
    """

    lower: np.ndarray
    upper: np.ndarray
    mass: np.ndarray
    loglik: float
    gap: float


@dataclass(frozen=True, eq=False)
class _Observations:
    """Distinct observations: innermost intervals first, ..., last - 1 are inside; `size` intervals in all."""

    first: np.ndarray
    last: np.ndarray
    weight: np.ndarray
    size: int

    @property
    def total(self) -> float:
        return float(self.weight.sum())

    def inside(self, mass: np.ndarray) -> np.ndarray:
        """d: the mass inside each observation."""
        before = np.append(0.0, np.cumsum(mass))
        return before[self.last] - before[self.first]

    def around(self, values: np.ndarray) -> np.ndarray:
        """Sum of a value of the observations around each interval."""
        opened = np.bincount(self.first, values, self.size + 1) - np.bincount(
            self.last, values, self.size + 1
        )
        return np.cumsum(opened)[: self.size]

    def gradient(self, mass: np.ndarray) -> np.ndarray:
        return self.around(self.weight / self.inside(mass))

    def loglik(self, mass: np.ndarray) -> float:
        d = self.inside(mass)
        return float(self.weight @ np.log(d)) if (d > 0).all() else -np.inf

    def on(self, support: np.ndarray) -> _Observations:
        """The same with the intervals of a support alone."""
        return _Observations(
            np.searchsorted(support, self.first),
            np.searchsorted(support, self.last),
            self.weight,
            len(support),
        )


def npmle(left: np.ndarray, right: np.ndarray, weight: np.ndarray) -> Npmle:
    """Maximize the likelihood of events in (left, right], or at `left` where both are the same.

    Parameters
    ----------
    left, right, weight : ndarray of float64, shape (n,)
        `right` may be infinite; weights are positive.
    """
    observed, lower, upper = _innermost(left, right, weight)
    support = _hitting_set(observed)
    mass = np.zeros(observed.size)
    mass[support] = 1 / len(support)
    mass = _newton(observed, mass) if len(support) <= LARGE else _accelerated_em(observed)
    kept = np.flatnonzero(mass)
    return Npmle(
        lower[kept],
        upper[kept],
        mass[kept],
        observed.loglik(mass),
        max(float(observed.gradient(mass).max()) - observed.total, 0.0),
    )


def _innermost(
    left: np.ndarray, right: np.ndarray, weight: np.ndarray
) -> tuple[_Observations, np.ndarray, np.ndarray]:
    """Distinct observations in terms of the innermost intervals, and the ends of those."""
    values = np.unique(np.concatenate([left, right]))
    # at one value: an exact time begins, then intervals end (their right end belongs to them), then others begin
    begin = 3 * np.searchsorted(values, left) + np.where(left == right, 0, 2)
    end = 3 * np.searchsorted(values, right) + 1
    begins, ends = np.unique(begin), np.unique(end)
    following = np.searchsorted(ends, begins)
    is_last = np.append(following[1:] != following[:-1], True)
    begins, ends = begins[is_last], ends[following[is_last]]
    first, last = np.searchsorted(begins, begin), np.searchsorted(ends, end, "right")
    pairs, which = np.unique(first * (len(begins) + 1) + last, return_inverse=True)
    observed = _Observations(*np.divmod(pairs, len(begins) + 1), np.bincount(which, weight), len(begins))
    return observed, values[begins // 3], values[ends // 3]


def _hitting_set(observed: _Observations) -> np.ndarray:
    """Fewest intervals of which every observation has one inside: each as late as an observation allows."""
    latest_first = np.full(observed.size + 1, -1)
    np.maximum.at(latest_first, observed.last, observed.first)
    chosen = [-1]
    for last, first in enumerate(latest_first.tolist()):
        if first > chosen[-1]:
            chosen.append(last - 1)
    return np.array(chosen[1:])


# ------------------------------------------------------------------------------------------- Newton steps


def _newton(observed: _Observations, mass: np.ndarray) -> np.ndarray:
    loglik, total = observed.loglik(mass), observed.total
    for _ in range(MAX_NEWTON):
        gradient = observed.gradient(mass)
        if gradient.max() - total <= GAP * total:
            break
        support = _extended(np.flatnonzero(mass), gradient, total)
        proposed = np.zeros_like(mass)
        proposed[support] = _newton_masses(observed.on(support), mass[support])
        factor, new = 1.0, proposed
        while not observed.loglik(new) >= loglik - 1e-14 * abs(loglik) and factor > 1e-6:
            factor /= 2
            new = mass + factor * (proposed - mass)
        if factor <= 1e-6:
            break
        mass, loglik = new, observed.loglik(new)
    return mass


def _extended(support: np.ndarray, gradient: np.ndarray, total: float) -> np.ndarray:
    """The support with the interval of largest gradient between each two of its own, where that is above N."""
    candidates = np.flatnonzero(gradient > total)
    order = candidates[np.lexsort((gradient[candidates], np.searchsorted(support, candidates, "right")))]
    segment = np.searchsorted(support, order, "right")
    return np.union1d(support, order[np.append(segment[1:] != segment[:-1], True)])


def _newton_masses(observed: _Observations, mass: np.ndarray) -> np.ndarray:
    """Maximum over p >= 0, sum p = 1, of the quadratic approximation of the log-likelihood at `mass`.

    That is the least squares problem of d_i(p) / d_i = 2 with weights n_i. It is turned into one without the sum by
    Dax's device: with P its matrix less 2, minimize |P p|^2 / N + (sum p - 1)^2 and scale (Wang 2007, sec. 3).
    """
    gradient, hessian = observed.gradient(mass), _hessian(observed, mass)
    quadratic = (hessian - 2 * (gradient[:, None] + gradient)) / observed.total + 5.0
    # the diagonal a little larger, so that rounding does not make it indefinite
    root = np.linalg.cholesky(quadratic + 1e-13 * np.diag(np.diag(quadratic))).T
    target = solve_triangular(root, np.ones(len(mass)), trans="T")
    found, _ = nnls(root, target, maxiter=30 * len(mass))
    return found / found.sum()


def _hessian(observed: _Observations, mass: np.ndarray) -> np.ndarray:
    """Sum of n_i / d_i^2 over the observations around both of two intervals: minus the second derivatives.

    An observation depends on the masses up to its first and its last interval only, so that it enters four elements
    of the second derivatives by those; sums from the end turn them into derivatives by the masses.
    """
    w = observed.weight / observed.inside(mass) ** 2
    k = observed.size + 1
    at = np.zeros((k, k))
    at += np.diag(np.bincount(observed.first, w, k) + np.bincount(observed.last, w, k))
    mixed = np.bincount(observed.first * k + observed.last, w, k * k).reshape(k, k)
    at -= mixed + mixed.T
    after = np.cumsum(at[::-1], axis=0)[::-1]
    return np.cumsum(after[:, ::-1], axis=1)[:, ::-1][1:, 1:]


# ------------------------------------------------------------------------------------------- EM steps


def _accelerated_em(observed: _Observations) -> np.ndarray:
    """EM from equal masses, each two steps extrapolated where that does not lower the likelihood (SQUAREM)."""
    total = observed.total
    mass = np.full(observed.size, 1 / observed.size)

    def step(p: np.ndarray) -> np.ndarray:
        return p * observed.gradient(p) / total

    for _ in range(MAX_EM):
        once = step(mass)
        twice = step(once)
        change, bend = once - mass, twice - 2 * once + mass
        length = np.sqrt(change @ change / max(bend @ bend, 1e-300))
        far = np.maximum(mass + 2 * length * change + length**2 * bend, 0)
        far /= far.sum()
        if observed.loglik(far) > -np.inf:  # a step so far that an observation has no mass is none
            far = step(far)
        mass = far if observed.loglik(far) >= observed.loglik(twice) else twice
        if observed.gradient(mass).max() - total <= EM_GAP:
            break
    return mass / mass.sum()
