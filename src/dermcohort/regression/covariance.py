"""Which variance a generalized linear model gets, and its computation: one choice for all of them.

model's own · robust to rows (HC0, HC1, HC3) or clusters (CR0 to CR3) · design-based. The formulas are in
`dermcohort.variance`; here the model is put into their terms.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..variance import NEED_MODEL, JointDf, MeanModel, Replicates, Sample, bias_reduced, sandwich
from .families import Family
from .maximize import Maximum, maximize


@dataclass(frozen=True, eq=False)
class Arrays:
    """The model's rows: design matrix (n, p), outcome, positive weights, offset, and codes of the clusters."""

    X: np.ndarray
    y: np.ndarray
    weights: np.ndarray
    offset: np.ndarray
    cluster: np.ndarray | None


@dataclass(frozen=True, eq=False)
class Covariance:
    """Covariance (p, p), degrees of freedom of t for each coefficient (None: normal), and what to say of it.

    `joint_df` gives those of several combinations together, where they differ between coefficients.
    """

    matrix: np.ndarray
    df: np.ndarray | None = None
    notes: tuple[str, ...] = ()
    joint_df: JointDf | None = None

    @property
    def common_df(self) -> float:
        """The degrees of freedom of all coefficients; infinite where there are none or each has its own (CR2)."""
        if self.df is None or len(set(self.df[~np.isnan(self.df)])) > 1:
            return np.inf
        return float(self.df[0])


@dataclass(frozen=True, eq=False)
class FittedRows:
    """A fit's rows, maximum and choice of variance: what an estimate made of its predictions needs.

    Parameters
    ----------
    arrays : Arrays
    family : Family
    maximum : Maximum
    kind : str, optional
        The robust variance; None for the model's own or that of `sample`.
    sample : Sample or Replicates, optional
        The survey design of all rows sampled.
    used : ndarray of bool
        Which of those rows are in the model.
    df : float
        Degrees of freedom of t, infinite for the normal distribution.
    """

    arrays: Arrays
    family: Family
    maximum: Maximum
    kind: str | None
    sample: Sample | Replicates | None
    used: np.ndarray
    df: float

    @property
    def influence(self) -> np.ndarray:
        """psi of the coefficients, (n, p)."""
        return _influence(self.arrays, self.family, self.maximum)

    @property
    def by_influence(self) -> bool:
        """Whether the variance is a function of influences alone, and so holds for estimates of any kind."""
        return self.sample is not None or (self.kind is not None and self.kind not in NEED_MODEL)

    def covariance(self, influence: np.ndarray) -> np.ndarray:
        """Covariance of estimates with the given influence (n, k), of the kind and design of the fit."""
        if isinstance(self.sample, Sample):
            of_all = np.zeros((len(self.used), influence.shape[1]))
            of_all[self.used] = influence
            return self.sample.covariance(of_all)
        return sandwich(influence, self.arrays.cluster, self.kind, self.arrays.X.shape[1])

    def refit(self, weights: np.ndarray) -> np.ndarray:
        """Coefficients with other weights; NaN where there is no maximum."""
        a = self.arrays
        found = maximize(a.X, a.y, self.family, weights, a.offset, self.maximum.coefficients)
        return found.coefficients if found.converged else np.full(a.X.shape[1], np.nan)


def model_covariance(arrays: Arrays, family: Family, maximum: Maximum) -> Covariance:
    """Inverse of the expected information; for a Gaussian times the residual variance, with t as R's `lm`."""
    return Covariance(maximum.dispersion * maximum.bread, _residual_df(arrays, family))


def robust_covariance(
    arrays: Arrays, family: Family, maximum: Maximum, kind: str, names: Sequence[str]
) -> Covariance:
    """Of the given kind: CR2 with Satterthwaite's df; for a Gaussian without clusters t with n - p; else normal."""
    if kind not in NEED_MODEL:
        found = sandwich(_influence(arrays, family, maximum), arrays.cluster, kind)
        return Covariance(found, _residual_df(arrays, family))
    mu = family.mean(maximum.eta)
    # where a fitted probability is 0 or 1 (separation) the row has no gradient either, and counts for nothing
    variance = np.maximum(family.variance(mu), 1e-200)
    # as clubSandwich: the working variance of lm is constant whatever the weights, that of glm is V(mu) / weight
    working = np.ones_like(mu) if family.has_dispersion else variance / arrays.weights
    model = MeanModel(
        gradient=arrays.X * family.slope(maximum.eta)[:, None],
        weight=arrays.weights / variance,
        residual=arrays.y - mu,
        variance=working,
    )
    result = bias_reduced(model, arrays.cluster, kind)
    if result.df is None:
        return Covariance(result.covariance, _residual_df(arrays, family))
    notes = []
    weak = [name for name, df in zip(names, result.df, strict=True) if df < 4 and name != "Intercept"]
    if weak:
        notes.append(
            f"Fewer than 4 degrees of freedom for {', '.join(weak)}: intervals and p-values are not reliable "
            "(Tipton 2015)."
        )
    if not result.symmetric_root:
        notes.append("CR2 by the root in the metric of the working variances: the clusters are too large.")
    return Covariance(result.covariance, result.df, tuple(notes), result.joint_df)


def design_covariance(
    arrays: Arrays, family: Family, maximum: Maximum, sample: Sample | Replicates, used: np.ndarray
) -> Covariance:
    """From the design of all rows sampled, `used` being those of the model; t with design df + 1 - p as `svyglm`."""
    n_coefficients = arrays.X.shape[1]
    if isinstance(sample, Replicates):

        def refit(weights: np.ndarray) -> np.ndarray:
            start = maximum.coefficients
            return maximize(arrays.X, arrays.y, family, weights[used], arrays.offset, start).coefficients

        matrix = sample.covariance(refit)
    else:
        influence = np.zeros((len(used), n_coefficients))
        influence[used] = _influence(arrays, family, maximum)
        matrix = sample.covariance(influence)
    df = sample.degrees_of_freedom(used) + 1 - n_coefficients
    if df > 0:
        return Covariance(matrix, np.full(n_coefficients, float(df)))
    note = (
        "No degrees of freedom are left by the sampling units for this many coefficients: no intervals. "
        "Use a smaller model."
    )
    return Covariance(matrix, np.full(n_coefficients, np.nan), (note,))


def _influence(arrays: Arrays, family: Family, maximum: Maximum) -> np.ndarray:
    """psi_i = I^-1 x_i w_i dl_i/d eta_i, shape (n, p)."""
    score = arrays.weights * family.score(arrays.y, maximum.eta)
    return (arrays.X @ maximum.bread) * score[:, None]


def _residual_df(arrays: Arrays, family: Family) -> np.ndarray | None:
    if not family.has_dispersion or arrays.cluster is not None:
        return None
    n, p = arrays.X.shape
    return np.full(p, float(n - p) if n > p else np.nan)
