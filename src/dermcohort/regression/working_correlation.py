"""Working correlations within a group: their moment estimate and the product of their inverse with columns.

Every structure has `estimate(e, scale)`, from Pearson residuals e sorted by group and wave, and `inverse(alpha)`,
the function V -> R(alpha)^-1 V over all groups. Moments as in R's geepack (Yan & Fine 2004, Stat Med 23:859): the
mean of e_j e_k / scale over pairs, without a correction of degrees of freedom; for AR(1) the least squares fit of
alpha^|j - k| to all pairs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from .correlated import Grouping

SMALLEST_EIGENVALUE = 0.01

Product = Callable[[np.ndarray], np.ndarray]


class WorkingCorrelation(Protocol):
    """`alpha` is a number, or for the unstructured the matrix of correlations between waves."""

    def independent(self) -> Any: ...
    def estimate(self, e: np.ndarray, scale: float) -> Any: ...
    def inverse(self, alpha: Any) -> Product: ...
    def smallest_eigenvalue(self, alpha: Any) -> float: ...


class Independence:
    """R is the identity."""

    def __init__(self, grouping: Grouping) -> None:
        pass

    def independent(self) -> float:
        return 0.0

    def estimate(self, e: np.ndarray, scale: float) -> float:
        return 0.0

    def inverse(self, alpha: float) -> Product:
        return lambda V: V

    def smallest_eigenvalue(self, alpha: float) -> float:
        return 1.0


class Exchangeable:
    """The same correlation between all rows of a group.

    R^-1 v = (v - k sum(v)) / (1 - alpha) with k = alpha / (1 + (m - 1) alpha) for a group of m rows: no matrix is
    formed, so that groups may have any size.
    """

    def __init__(self, grouping: Grouping) -> None:
        self.grouping = grouping
        self.n_pairs = float((grouping.sizes * (grouping.sizes - 1) / 2).sum())

    def independent(self) -> float:
        return 0.0

    def estimate(self, e: np.ndarray, scale: float) -> float:
        if not self.n_pairs:
            return 0.0
        products = (self.grouping.totals(e) ** 2).sum() - (e**2).sum()  # every pair twice
        return float(products / 2 / (scale * self.n_pairs))

    def inverse(self, alpha: float) -> Product:
        g = self.grouping
        k = alpha / (1 + (g.sizes - 1) * alpha)

        def product(V: np.ndarray) -> np.ndarray:
            result = np.repeat((g.totals(V).T * -k).T, g.sizes, axis=0)
            result += V
            result /= 1 - alpha
            return result

        return product

    def smallest_eigenvalue(self, alpha: float) -> float:
        return min(1 - alpha, 1 + (self.grouping.sizes.max() - 1) * alpha)


class Autoregressive:
    """Correlation alpha^lag between waves that are `lag` apart.

    Given its neighbours in time a row does not depend on the others, whatever waves are missing between them:
    R^-1 has three diagonals, made of the correlations r_i = alpha^gap_i of successive rows.
    """

    def __init__(self, grouping: Grouping) -> None:
        self.grouping = grouping
        self.follows = np.r_[False, grouping.code[1:] == grouping.code[:-1]]
        self.gap = np.where(self.follows, np.r_[0, np.diff(grouping.wave)], 0)
        # residuals on a grid of group x wave (0 where there is none) give the products at each lag
        first = np.repeat(grouping.wave[grouping.starts], grouping.sizes)
        self.column = grouping.wave - first
        self.n_waves = int(self.column.max()) + 1
        pairs = self._lag_sums(np.ones(len(grouping.code)))
        self.lags = np.flatnonzero(pairs) + 1
        self.n_pairs = pairs[self.lags - 1]

    def _lag_sums(self, e: np.ndarray) -> np.ndarray:
        grid = np.zeros((self.grouping.n_groups, self.n_waves))
        grid[self.grouping.code, self.column] = e
        return np.array([np.sum(grid[:, lag:] * grid[:, :-lag]) for lag in range(1, self.n_waves)])

    def independent(self) -> float:
        return 0.0

    def estimate(self, e: np.ndarray, scale: float) -> float:
        if not len(self.lags):
            return 0.0
        mean = self._lag_sums(e)[self.lags - 1] / scale / self.n_pairs
        shortest = self.lags[0]
        size = min(abs(mean[0]), 0.99) ** (1 / shortest)
        alpha = -size if mean[0] < 0 and shortest % 2 else size
        for _ in range(100):  # Gauss-Newton for sum over pairs of (product - alpha^lag)^2
            slope = self.lags * alpha ** (self.lags - 1.0)
            curvature = np.sum(self.n_pairs * slope**2)
            if curvature == 0:
                break
            step = np.sum(self.n_pairs * slope * (mean - alpha**self.lags)) / curvature
            alpha = float(np.clip(alpha + step, -1.0, 1.0))
            if abs(step) < 1e-14:
                break
        return alpha

    def inverse(self, alpha: float) -> Product:
        r = np.where(self.follows, float(alpha) ** self.gap, 0.0)
        precision = 1 / (1 - r**2)
        r_next = np.r_[r[1:], 0.0]
        diagonal = precision + r_next**2 / (1 - r_next**2)
        beside = r * precision

        def product(V: np.ndarray) -> np.ndarray:
            columns = V.reshape(len(V), -1)
            result = columns * diagonal[:, None]
            result[1:] -= columns[:-1] * beside[1:, None]
            result[:-1] -= columns[1:] * beside[1:, None]
            return result.reshape(V.shape)

        return product

    def smallest_eigenvalue(self, alpha: float) -> float:
        return 1 - abs(alpha)  # not the eigenvalue itself, but positive when that is


class Unstructured:
    """A correlation of its own for each pair of waves, from the groups that have both."""

    def __init__(self, grouping: Grouping) -> None:
        self.grouping = grouping
        self.waves, self.column = np.unique(grouping.wave, return_inverse=True)
        present = np.zeros((grouping.n_groups, len(self.waves)))
        present[grouping.code, self.column] = 1
        self.n_pairs = present.T @ present
        # groups seen at the same waves share their matrix
        patterns, of_group = np.unique(present > 0, axis=0, return_inverse=True)
        of_group = of_group.reshape(-1)
        self.patterns = [
            (np.flatnonzero(pattern), grouping.starts[of_group == i]) for i, pattern in enumerate(patterns)
        ]

    def independent(self) -> np.ndarray:
        return np.eye(len(self.waves))

    def estimate(self, e: np.ndarray, scale: float) -> np.ndarray:
        grid = np.zeros((self.grouping.n_groups, len(self.waves)))
        grid[self.grouping.code, self.column] = e
        mean = grid.T @ grid / scale / np.maximum(self.n_pairs, 1)
        np.fill_diagonal(mean, 1.0)
        return mean

    def inverse(self, alpha: np.ndarray) -> Product:
        inverses = [np.linalg.inv(alpha[np.ix_(seen, seen)]) for seen, _ in self.patterns]

        def product(V: np.ndarray) -> np.ndarray:
            columns = V.reshape(len(V), -1)
            result = np.empty_like(columns)
            for (seen, starts), inverse in zip(self.patterns, inverses, strict=True):
                rows = starts[:, None] + np.arange(len(seen))
                result[rows] = np.einsum("jk,gkp->gjp", inverse, columns[rows])
            return result.reshape(V.shape)

        return product

    def smallest_eigenvalue(self, alpha: np.ndarray) -> float:
        return min(float(np.linalg.eigvalsh(alpha[np.ix_(seen, seen)])[0]) for seen, _ in self.patterns)


def make_possible(structure: WorkingCorrelation, alpha: Any) -> tuple[Any, bool]:
    """`alpha`, and whether it had to be drawn towards independence to be a correlation that data can have.

    Moments need not be: the smallest eigenvalue of (1 - w) R + w I is brought up to 0.01 by the least w.
    """
    smallest = structure.smallest_eigenvalue(alpha)
    if smallest >= SMALLEST_EIGENVALUE:
        return alpha, False
    w = (SMALLEST_EIGENVALUE - smallest) / (1 - smallest)
    return (1 - w) * alpha + w * structure.independent(), True


STRUCTURES: dict[str, Callable[[Grouping], WorkingCorrelation]] = {
    "independence": Independence,
    "exchangeable": Exchangeable,
    "ar1": Autoregressive,
    "unstructured": Unstructured,
}
