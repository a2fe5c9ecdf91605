"""Augmented inverse-probability weighting: right if the model of the outcome or that of the treatment is.

mean_a = mean of m_a(x) + 1[A = a] (y - m_a(x)) / P(A = a | x). Source: Robins, Rotnitzky & Zhao (1994) J Am Stat Assoc
89:846; Bang & Robins (2005) Biometrics 61:962; variance by stacked estimating equations (Stefanski & Boos 2002 Am
Stat 56:29), which holds where one of both models is wrong, too, as Stata's `teffects aipw`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ..design import as_list, build_design
from ..estimates import missing_note
from .counterfactual import matrix_with
from .covariance import FittedRows
from .effects import Effects
from .glm import GLMFit
from .linear import linear
from .logistic import logistic
from .treatment import binary_or_number, cluster_codes, effect_estimates, overlap_notes, treatment_levels


def aipw(
    outcome_formula: str,
    propensity_formula: str,
    data: pd.DataFrame,
    *,
    cluster: str | Sequence[str] | None = None,
    conf_level: float = 0.95,
) -> Effects:
    """Average effect of a treatment, doubly robust.

    Parameters
    ----------
    outcome_formula : str
        ``"ill ~ treated + age"``, by logistic regression for a binary outcome, by least squares for a number. The
        treatment must be on its right-hand side, interactions with it as wanted.
    propensity_formula : str
        ``"treated ~ age + sex"``, by logistic regression.
    data : DataFrame
        One row a person. Rows with a missing value in either formula are left out and counted.
    cluster : str or list of str, optional
        Columns whose rows may depend on each other.
    conf_level : float

    Returns
    -------
    Effects
        Rows of `measure` "risk", "RD", "RR", "OR" and "NNT"; of a number "mean" and "difference".

    Raises
    ------
    ValueError
        As `logistic`, and where the treatment is no column or is not in `outcome_formula`.

    Examples
    --------
    >>> data = pd.DataFrame({"ill": [0, 0, 1, 1, 0, 1, 1, 1], "drug": [0, 0, 0, 1, 0, 1, 1, 0], "old": [0, 0, 0, 0, 1, 1, 1, 1]})
    >>> aipw("ill ~ old + drug", "drug ~ old", data.loc[data.index.repeat(5)]).table["measure"].tolist()
    ['risk', 'risk', 'RD', 'RR', 'OR', 'NNT']
    """
    treatment = propensity_formula.partition("~")[0].strip()
    # read both before a row is left out, so that a mistake in either is found
    designs = [build_design(formula, data) for formula in (outcome_formula, propensity_formula)]
    if treatment not in data:
        raise ValueError(
            f"propensity_formula: the treatment must be a column, '{treatment}' is not: put it into the data"
        )
    if treatment not in designs[0].variables:
        raise ValueError(
            f"outcome_formula: '{outcome_formula}' must have the treatment '{treatment}' on its right"
        )
    n_missing = {name: count for design in designs for name, count in design.n_missing.items()}
    n_missing |= {name: int(data[name].isna().sum()) for name in as_list(cluster) if name in data}
    used = data[data[list(n_missing)].notna().all(axis=1)]
    response = designs[0].response
    assert response is not None
    _, outcome = binary_or_number(response, str(response.name))

    outcome_fit = (logistic if outcome.is_risk else linear)(outcome_formula, used)
    treatment_fit = logistic(propensity_formula, used)
    levels = treatment_levels(used[treatment])
    matrices = [matrix_with(outcome_fit, **{treatment: level}) for level in levels]
    of_outcome, of_treatment = _rows(outcome_fit), _rows(treatment_fit)
    means, influence = augmented_means(of_outcome, of_treatment, matrices)

    treated = of_treatment.arrays.y
    score = of_treatment.family.mean(of_treatment.maximum.eta)
    fit_notes = [note for fit in (outcome_fit, treatment_fit) for note in fit.notes]
    return effect_estimates(
        treatment,
        levels,
        means,
        influence,
        cluster_codes(used, cluster),
        outcome,
        method=f"Average effect of {treatment} by augmented inverse-probability weighting (outcome: {outcome_formula}; treatment: "
        f"{propensity_formula}), variance by stacked estimating equations{'' if cluster is None else ' with clusters'}.",
        n=len(used),
        events=round(of_outcome.arrays.y.sum()) if outcome.is_risk else None,
        n_missing=n_missing,
        notes=(
            *missing_note(len(used), len(data), n_missing),
            *dict.fromkeys(fit_notes),
            *overlap_notes(treated, score),
        ),
        conf_level=conf_level,
    )


def augmented_means(
    outcome: FittedRows, treatment: FittedRows, matrices: Sequence[np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Means without and with treatment (2,), and their influence (n, 2) through the rows and both models.

    Parameters
    ----------
    outcome, treatment : FittedRows
        Both models on the same rows.
    matrices : sequence of ndarray of float64, shape (n, p)
        The outcome's design matrix of everyone untreated, and treated.
    """
    y, treated, n = outcome.arrays.y, treatment.arrays.y, len(outcome.arrays.y)
    e = treatment.family.mean(treatment.maximum.eta)
    of_outcome, of_treatment, Z = outcome.influence, treatment.influence, treatment.arrays.X
    inverse = ((1 - treated) / (1 - e), treated / e)  # 1[A = a] / P(A = a | x)
    # and its derivative in the linear predictor of the treatment's model
    derivative = ((1 - treated) * e / (1 - e), -treated * (1 - e) / e)
    means, influence = [], []
    for X, ratio, slope_of_ratio in zip(matrices, inverse, derivative, strict=True):
        eta = X @ outcome.maximum.coefficients
        expected = outcome.family.mean(eta)
        augmented = expected + ratio * (y - expected)
        mean = augmented.mean()
        in_beta = ((1 - ratio) * outcome.family.slope(eta)) @ X / n
        in_gamma = (slope_of_ratio * (y - expected)) @ Z / n
        means.append(mean)
        influence.append((augmented - mean) / n + of_outcome @ in_beta + of_treatment @ in_gamma)
    return np.array(means), np.column_stack(influence)


def _rows(fit: GLMFit) -> FittedRows:
    assert fit.rows is not None
    return fit.rows
