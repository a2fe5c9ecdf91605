"""What is expected of an outcome when the exposure and the mediator are set apart: arrays in, arrays out.

E[Y(a, M(a*))] is an average over people of sum_k q_k E[Y | a, m_k, x], with q_k the probability of the mediator's value
m_k under exposure a*. Of a normal mediator m_k and q_k are the nodes and weights of Gauss-Hermite quadrature.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ..variance import Replicates
from .covariance import FittedRows

NODES, NODE_WEIGHTS = np.polynomial.hermite_e.hermegauss(30)
NODE_WEIGHTS = NODE_WEIGHTS / NODE_WEIGHTS.sum()


@dataclass(frozen=True, eq=False)
class Paths:
    """Both models with the exposure set.

    Parameters
    ----------
    mediator, outcome : FittedRows
    of_mediator : list of ndarray, shape (n, p)
        The mediator's design matrix with the exposure at its reference, and at its other value.
    of_outcome : list of (ndarray, ndarray), each of shape (n, q)
        The same of the outcome, as intercept and slope in the mediator m: X = X0 + m S.
    """

    mediator: FittedRows
    outcome: FittedRows
    of_mediator: list[np.ndarray]
    of_outcome: list[tuple[np.ndarray, np.ndarray]]

    # (exposure of the outcome, exposure of the mediator) of the three averages
    WORLDS = ((0, 0), (1, 0), (1, 1))

    @property
    def interact(self) -> bool:
        """Whether the slope in the mediator depends on the exposure."""
        return not np.allclose(self.of_outcome[0][1], self.of_outcome[1][1])

    def of_weights(self, weights: np.ndarray) -> np.ndarray:
        """The three averages, both models fitted with other weights."""
        beta, theta = self.mediator.refit(weights), self.outcome.refit(weights)
        worlds = self._worlds(beta, theta, self._residual_variance(beta, weights))
        return np.array([weights @ world.expected for world in worlds]) / weights.sum()

    def means_and_covariance(
        self, of_beta: pd.DataFrame, of_theta: pd.DataFrame
    ) -> tuple[np.ndarray, np.ndarray]:
        """The averages (3,) and their covariance by the delta method."""
        rows, w = self.outcome, self.outcome.arrays.weights
        beta, theta = self.mediator.maximum.coefficients, rows.maximum.coefficients
        variance = self._residual_variance(beta, w)
        worlds = self._worlds(beta, theta, variance)
        share = w / w.sum()
        means = np.array([share @ world.expected for world in worlds])
        in_theta = np.array([share @ world.in_theta for world in worlds])
        in_beta = np.array([share @ world.in_beta for world in worlds])
        in_variance = np.array([share @ world.in_variance for world in worlds])
        if isinstance(rows.sample, Replicates):
            return means, rows.sample.covariance(lambda weights: self.of_weights(weights[rows.used]))
        n, p = self.mediator.arrays.X.shape
        if not rows.by_influence:
            # covariance of the residual variance of a normal mediator: 2 sigma^4 / (n - p)
            return means, (
                in_theta @ of_theta.to_numpy() @ in_theta.T
                + in_beta @ of_beta.to_numpy() @ in_beta.T
                + np.outer(in_variance, in_variance) * 2 * variance**2 / (n - p)
            )
        of_people = np.column_stack(
            [share * (world.expected - mean) for world, mean in zip(worlds, means, strict=True)]
        )
        of_variance = share * (self._squared_residuals(beta) * n / (n - p) - variance)
        return means, rows.covariance(
            of_people
            + rows.influence @ in_theta.T
            + self.mediator.influence @ in_beta.T
            + np.outer(of_variance, in_variance)
        )

    def _squared_residuals(self, beta: np.ndarray) -> np.ndarray:
        a = self.mediator.arrays
        return np.asarray((a.y - self.mediator.family.mean(a.X @ beta + a.offset)) ** 2)

    def _residual_variance(self, beta: np.ndarray, weights: np.ndarray) -> float:
        n, p = self.mediator.arrays.X.shape
        return float(weights @ self._squared_residuals(beta) / weights.sum() * n / (n - p))

    def _worlds(self, beta: np.ndarray, theta: np.ndarray, variance: float) -> list[World]:
        return [
            self._world(*self.of_outcome[a], self.of_mediator[b], beta, theta, variance)
            for a, b in self.WORLDS
        ]

    def _world(
        self,
        X0: np.ndarray,
        S: np.ndarray,
        Z: np.ndarray,
        beta: np.ndarray,
        theta: np.ndarray,
        variance: float,
    ) -> World:
        """Sum over the mediator's values m_k with probabilities q_k of what the outcome's model expects."""
        family, offset = self.outcome.family, self.outcome.arrays.offset
        base, slope = X0 @ theta + offset, S @ theta
        eta = Z @ beta + self.mediator.arrays.offset
        n = len(eta)
        expected, through_mean, through_variance = np.zeros(n), np.zeros(n), np.zeros(n)
        in_level, in_slope = np.zeros(n), np.zeros(n)
        for m, q, q_in_eta, q_in_variance in self._distribution(eta, variance):
            y = family.mean(base + m * slope)
            expected += q * y
            through_mean += q_in_eta * y
            through_variance += q_in_variance * y
            change = q * family.slope(base + m * slope)
            in_level += change
            in_slope += change * m
        return World(
            expected,
            in_theta=X0 * in_level[:, None] + S * in_slope[:, None],
            in_beta=Z * through_mean[:, None],
            in_variance=through_variance,
        )

    def _distribution(self, eta: np.ndarray, variance: float) -> list[tuple[Any, Any, Any, Any]]:
        """Values of the mediator, their probabilities, and the derivatives of those in eta and in the variance."""
        family = self.mediator.family
        if not family.has_dispersion:
            p, slope = family.mean(eta), family.slope(eta)
            return [(0.0, 1 - p, -slope, 0.0), (1.0, p, slope, 0.0)]
        sd = np.sqrt(variance)
        # d phi(m; mu, v)/d mu = phi z / sd and d phi/d v = phi (z^2 - 1) / (2 v), with z = (m - mu) / sd
        return [
            (eta + sd * z, q, q * z / sd, q * (z**2 - 1) / (2 * variance))
            for z, q in zip(NODES, NODE_WEIGHTS, strict=True)
        ]


@dataclass(frozen=True, eq=False)
class World:
    """What is expected of each row (n,), and its derivatives in the parameters of both models."""

    expected: np.ndarray
    in_theta: np.ndarray
    in_beta: np.ndarray
    in_variance: np.ndarray
