"""Brant's test of proportional odds: logistic regressions at each cut of the outcome, compared by a Wald test.

With y_k = 1 above cut k, beta_k its logistic coefficients, pi_k its fitted probabilities and W_kl the diagonal matrix
of pi_l - pi_k pi_l (l >= k),

    Cov(beta_k, beta_l) = (X' W_kk X)^-1 (X' W_kl X) (X' W_ll X)^-1,

and the differences beta_k - beta_1 are 0 under proportional odds. Source: Brant (1990) Biometrics 46:1171, equations
(3) to (5). Where the model has a robust or design-based variance, Cov is that of the stacked influence functions.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.stats import chi2

from ..design import still_moving
from ..estimates import Estimates
from ..variance import Replicates
from .categories import CategoryData, influence_covariance
from .families import LOGIT
from .maximize import Maximum, maximize


def brant_test(data: CategoryData, conf_level: float) -> Estimates:
    """Rows of chi-squared statistics: one a term, and GLOBAL."""
    columns, n_cuts = data.frame.columns, len(data.levels) - 1
    if n_cuts < 2 or not columns:
        problem = "the outcome has two categories" if columns else "the model has no covariate"
        raise ValueError(f"proportional_odds_test: {problem}, there is nothing to test")
    X = np.column_stack([np.ones(len(data.rows.X)), data.rows.X])
    fits = [_logistic_at(k, X, data, data.rows.weights) for k in range(n_cuts)]
    covariance = _joint_covariance(X, fits, data)
    coefficients = np.concatenate([fit.coefficients for fit in fits])

    terms = list(dict.fromkeys(column.term for column in columns))
    rows = []
    for term in [*terms, "GLOBAL"]:
        chosen = [i for i, column in enumerate(columns, 1) if term in (column.term, "GLOBAL")]
        statistic, df = _wald(coefficients, covariance, chosen, n_cuts)
        rows.append({"term": term, "statistic": statistic, "df": df, "p_value": chi2.sf(statistic, df)})
    return Estimates(
        table=pd.DataFrame(rows)[["term", "p_value", "statistic", "df"]],
        method="Brant's Wald test of proportional odds.",
        n=len(X),
        n_missing=data.frame.n_missing,
        conf_level=conf_level,
    )


def _logistic_at(k: int, X: np.ndarray, data: CategoryData, weights: np.ndarray) -> Maximum:
    """Logistic regression of being above the k-th category."""
    above = (data.rows.category > k).astype(float)
    fit = maximize(X, above, LOGIT, weights, data.rows.offset)
    if still_moving(X, fit.last_step).any():
        raise ValueError(
            f"proportional_odds_test: at the cut {data.levels[k]}|{data.levels[k + 1]} a covariate separates the "
            "outcome, so that its odds ratio there has no finite estimate; combine categories or levels"
        )
    return fit


def _joint_covariance(X: np.ndarray, fits: list[Maximum], data: CategoryData) -> np.ndarray:
    """Covariance of the stacked coefficients of all cuts."""
    n_equation, cuts = X.shape[1], range(len(fits))
    if isinstance(data.sample, Replicates):

        def refit(weights: np.ndarray) -> np.ndarray:
            w = weights[data.used]
            return np.concatenate([_logistic_at(k, X, data, w).coefficients for k in cuts])

        return data.sample.covariance(refit)
    w = data.rows.weights
    pi = [LOGIT.mean(fit.eta) for fit in fits]
    if data.kind is not None or data.sample is not None:
        scores = [w * ((data.rows.category > k) - pi[k]) for k in cuts]
        stacked = [(X @ fit.bread) * score[:, None] for fit, score in zip(fits, scores, strict=True)]
        return influence_covariance(data, np.concatenate(stacked, axis=1), n_equation).matrix

    def block(k: int, m: int) -> np.ndarray:
        # being above the higher cut implies being above the lower one
        joint = w * (pi[max(k, m)] - pi[k] * pi[m])
        return fits[k].bread @ ((X * joint[:, None]).T @ X) @ fits[m].bread

    return np.block([[block(k, m) for m in cuts] for k in cuts])


def _wald(
    coefficients: np.ndarray, covariance: np.ndarray, chosen: list[int], n_cuts: int
) -> tuple[float, int]:
    """Chi-squared statistic and df of: the chosen coefficients are those of the first cut at every other cut."""
    per_cut = len(coefficients) // n_cuts
    contrast = np.zeros((len(chosen) * (n_cuts - 1), len(coefficients)))
    row = 0
    for k in range(1, n_cuts):
        for i in chosen:
            contrast[row, [i, k * per_cut + i]] = 1.0, -1.0
            row += 1
    difference = contrast @ coefficients
    inverse = np.linalg.solve(contrast @ covariance @ contrast.T, difference)
    return float(difference @ inverse), len(difference)
