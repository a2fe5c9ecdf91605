"""The marginal structural model of quantile g-computation and its bootstrap.

The regression on quantile scores predicts everybody's outcome with all exposures set to quantile 0, 1, ...; the means
of the predictions are smoothed by a model in powers of the quantile, g(E[Y^k]) = psi0 + psi1 k + psi2 k^2 ..., with g the
log for a 0/1 outcome (ratios of risks). Source: Keil et al. (2020) Environ Health Perspect 128:047004, and the function
`msm.fit` of R's qgcomp. Interval: psi plus or minus z times its standard deviation over bootstrap samples.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import norm
from tqdm import tqdm

from ..design import build_design
from ..regression.families import GAUSSIAN, LOG_BINOMIAL, LOGIT, Family
from ..regression.maximize import maximize
from .outcomes import Outcome


@dataclass(frozen=True, eq=False)
class MarginalModel:
    """Coefficients psi0, psi1, ... with their covariance, and the expected outcome at each quantile.

    `expected_std_error` is that of the logit (0/1), the logarithm (counts) or the mean itself.
    """

    measure: str
    coefficients: np.ndarray
    covariance: np.ndarray
    family: Family
    expected: np.ndarray
    expected_std_error: np.ndarray
    notes: tuple[str, ...]

    def curve(self, conf_level: float) -> pd.DataFrame:
        """Expected outcome by quantile group (1 the lowest), with normal intervals on the link's scale."""
        center = self.family.link(self.expected)
        reach = norm.ppf(0.5 + conf_level / 2) * self.expected_std_error
        return pd.DataFrame(
            {
                "quantile": np.arange(1, len(self.expected) + 1),
                "estimate": self.expected,
                "conf_low": self.family.mean(center - reach),
                "conf_high": self.family.mean(center + reach),
            }
        )


def bootstrap_marginal(
    formula: str,
    scored: pd.DataFrame,
    outcome: Outcome,
    exposures: Sequence[Sequence[str]],
    *,
    quantiles: int,
    weights: str | None,
    cluster: Sequence[str],
    n_samples: int,
    seed: int | None,
) -> MarginalModel:
    """Fit the marginal structural model to the rows and to bootstrap samples of them, or of whole clusters.

    `exposures` names the columns of the scores, of their squares, ..., which are terms of `formula`. The quantiles are not cut again in
    the samples, as in qgcomp. Raises ValueError if fewer than half of the samples can be fitted.
    """
    others = [name for name in (weights, outcome.offset) if name is not None]
    design = build_design(formula, scored, others=[*others, *cluster])
    assert design.response is not None
    y = outcome.model.outcome(design.response, str(design.response.name))
    w, offset = design.column_values(weights), design.column_values(outcome.offset)
    powers = [[design.names.index(name) for name in names] for names in exposures]
    problem = _Problem(
        X=design.matrix,
        y=y,
        weights=np.ones(len(y)) if w is None else w,
        offset=np.zeros(len(y)) if offset is None else offset,
        family=outcome.model.family,
        powers=powers,
        quantiles=quantiles,
    )
    try:
        start, psi, expected = problem.solve(problem.weights, None)
    except (ValueError, np.linalg.LinAlgError):
        raise ValueError(
            "bootstrap: the marginal structural model has no finite estimate; without bootstrap= the notes may say why"
        ) from None
    unit = design.codes(list(cluster) or None)
    unit = np.arange(len(y)) if unit is None else unit
    n_units = int(unit.max()) + 1
    found = []
    samples_to_draw = np.random.SeedSequence(seed).spawn(n_samples)
    for sample in tqdm(samples_to_draw, desc="quantile_gcomp", disable=None):
        drawn = np.random.default_rng(sample).integers(0, n_units, n_units)
        counts = np.bincount(drawn, minlength=n_units)[unit]
        try:
            _, psi_of_sample, expected_of_sample = problem.solve(problem.weights * counts, start)
        except (ValueError, np.linalg.LinAlgError):
            continue
        found.append([*psi_of_sample, *problem.family.link(expected_of_sample)])
    samples = np.array(found)
    usable = samples[np.isfinite(samples).all(axis=1)] if found else samples
    if len(usable) < n_samples / 2:
        raise ValueError(
            f"bootstrap: {n_samples - len(usable):,} of {n_samples:,} samples have no finite estimate: too few rows "
            "or events for this model"
        )
    lost = n_samples - len(usable)
    notes = (
        (f"{lost:,} of {n_samples:,} bootstrap samples had no finite estimate, left out.",) if lost else ()
    )
    return MarginalModel(
        measure="RR" if problem.family is LOGIT else outcome.measure,
        coefficients=psi,
        covariance=np.cov(usable[:, : len(psi)], rowvar=False),
        family=problem.family,
        expected=expected,
        expected_std_error=usable[:, len(psi) :].std(axis=0, ddof=1),
        notes=notes,
    )


@dataclass(frozen=True, eq=False)
class _Problem:
    X: np.ndarray
    y: np.ndarray
    weights: np.ndarray
    offset: np.ndarray
    family: Family
    powers: list[list[int]]
    quantiles: int

    def solve(
        self, weights: np.ndarray, start: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Coefficients of the regression, psi, and the expected outcome at each quantile, with these weights."""
        rows = weights > 0
        X, w, offset = self.X[rows], weights[rows], self.offset[rows]
        maximum = maximize(X, self.y[rows], self.family, w, offset, start)
        if not maximum.converged:
            raise ValueError("the regression did not converge")
        beta = maximum.coefficients
        exposed = [column for columns in self.powers for column in columns]
        others = maximum.eta - X[:, exposed] @ beta[exposed]
        levels = np.arange(self.quantiles, dtype=float)
        by_level = sum(levels**k * beta[columns].sum() for k, columns in enumerate(self.powers, start=1))
        with np.errstate(over="ignore"):
            expected = np.array([w @ self.family.mean(others + shift) for shift in by_level]) / w.sum()
        return beta, self._smoothed(levels, expected, float(w.sum())), expected

    def _smoothed(self, levels: np.ndarray, expected: np.ndarray, weight: float) -> np.ndarray:
        """psi: the score equations need the predictions of a quantile only by their mean."""
        powers = np.vander(levels, len(self.powers) + 1, increasing=True)
        if self.family is GAUSSIAN:
            return np.linalg.lstsq(powers, expected, rcond=None)[0]
        family = LOG_BINOMIAL if self.family is LOGIT else self.family
        smooth = maximize(powers, expected, family, np.full(len(levels), weight), np.zeros(len(levels)))
        if not (smooth.converged or smooth.on_boundary):
            raise ValueError("the marginal structural model did not converge")
        return smooth.coefficients
