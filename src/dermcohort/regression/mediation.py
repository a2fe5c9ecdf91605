"""How much of an effect goes through a mediator: natural direct and indirect effects by regression.

E[Y(a, M(a*))] = mean over people of sum_m P(M = m | a*, x) E[Y | a, m, x], by one model of the mediator and one of the
outcome, interaction of exposure and mediator included where the latter has it. A binary mediator is summed over, a
normal one integrated by Gauss-Hermite quadrature, so that no outcome has to be rare. Source: VanderWeele (2015)
Explanation in Causal Inference, ch. 2; Valeri & VanderWeele (2013) Psychol Methods 18:137; Imai, Keele & Tingley (2010)
Psychol Methods 15:309.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from ..design import require_columns
from ..estimates import tidy
from .counterfactual import compared_values, fitted_rows, level_name, levels_of, matrix_with, outcome_of
from .covariance import FittedRows
from .effects import Effects, Uncertainty, difference_row, interval, ratio_row
from .glm import GLMFit
from .mediation_paths import Paths
from .resample import bootstrap
from .standardized_risks import interval_words

EFFECTS = (("total effect", 2, 0), ("natural direct effect", 1, 0), ("natural indirect effect", 2, 1))
ASSUMPTIONS = (
    "Direct and indirect effects are causal only if nothing unmeasured confounds exposure and outcome, mediator and "
    "outcome, or exposure and mediator, if no confounder of mediator and outcome is itself an effect of the "
    "exposure, and if both models are right (VanderWeele 2015)."
)


def mediation(
    mediator_fit: GLMFit,
    outcome_fit: GLMFit,
    exposure: str,
    mediator: str,
    *,
    values: Sequence[Any] | None = None,
    ci: str = "delta",
    repeats: int = 1000,
    seed: int = 1,
    conf_level: float = 0.95,
) -> Effects:
    """Total, natural direct and natural indirect effect of an exposure, and the proportion mediated.

    Parameters
    ----------
    mediator_fit : GLMFit
        Model of the mediator on exposure and confounders: `logistic` for a binary one, `linear` for a number.
    outcome_fit : GLMFit
        Model of the outcome on exposure, mediator and confounders, of the same rows with the same weights and kind of
        variance. ``exposure * mediator`` lets them interact.
    exposure, mediator : str
    values : (reference, exposed), optional
        The two values compared; those of a variable of two levels where not given.
    ci : {"delta", "bootstrap"}
        As for `standardized_risks`; the bootstrap refits both models.
    repeats, seed : int
        Bootstrap samples, and the seed of their random numbers.
    conf_level : float

    Returns
    -------
    Effects
        Rows of `term` "total effect", "natural direct effect" (the mediator as without exposure) and "natural
        indirect effect" (what the mediator's change adds), `measure` "RD" and "RR", of numbers "difference"; and
        "proportion mediated". On each scale direct and indirect effect make up the total: sum and product.

    Raises
    ------
    ValueError
        For models of other rows or variances, a mediator that is not the outcome of one and a variable of the other,
        or a number that enters the outcome's model other than linearly (products are linear).

    Notes
    -----
    A mediator that is a number is taken as normal with constant variance about its model. The variance follows the fits:
    with the models' own the covariates count as fixed; with HC0, HC1, CR0, CR1 or a survey design the people are a sample.

    Examples
    --------
    >>> from dermcohort.regression import linear
    >>> data = pd.DataFrame({"dust": [0, 0, 0, 0, 1, 1, 1, 1], "ige": [1.0, 2, 3, 4, 3, 4, 5, 6]})
    >>> data["itch"] = [1.0, 3, 4, 4, 4, 5, 8, 8]
    >>> found = mediation(linear("ige ~ dust", data), linear("itch ~ dust + ige", data), "dust", "ige")
    >>> found.table[["term", "estimate"]].round(2)
                          term  estimate
    0             total effect      3.25
    1    natural direct effect      0.75
    2  natural indirect effect      2.50
    3      proportion mediated      0.77
    """
    of_mediator, of_outcome = (
        fitted_rows(mediator_fit, "mediator_fit"),
        fitted_rows(outcome_fit, "outcome_fit"),
    )
    _require_same_rows(mediator_fit, outcome_fit, of_mediator, of_outcome)
    levels = _two_values(mediator_fit, outcome_fit, exposure, values)
    _require_mediator(mediator_fit, outcome_fit, of_mediator, mediator)
    if ci not in ("delta", "bootstrap"):
        raise ValueError(f"ci='{ci}' is unknown; choose delta or bootstrap")
    paths = Paths(
        of_mediator,
        of_outcome,
        [matrix_with(mediator_fit, **{exposure: level}) for level in levels],
        [_in_mediator(outcome_fit, exposure, level, mediator) for level in levels],
    )

    notes: tuple[str, ...] = ()
    means, covariance = paths.means_and_covariance(mediator_fit.covariance, outcome_fit.covariance)
    uncertainty = Uncertainty(conf_level, covariance, df=min(of_mediator.df, of_outcome.df))
    if ci == "bootstrap":
        draws, notes = bootstrap(paths.of_weights, of_outcome, repeats, seed)
        uncertainty = Uncertainty(conf_level, draws=draws)
    outcome = outcome_of(of_outcome)
    total = difference_row(means, 2, 0, uncertainty)
    rows: list[dict[str, Any]] = []
    for term, k, reference in EFFECTS:
        difference = difference_row(means, k, reference, uncertainty)
        rows.append({"term": term, "measure": outcome.difference, **difference})
    for term, k, reference in EFFECTS if outcome.ratio is not None else ():
        ratio = ratio_row(means, k, reference, uncertainty)
        rows.append({"term": term, "measure": outcome.ratio, **ratio})
    rows.append({"term": "proportion mediated", "measure": "proportion", **_share(means, uncertainty)})
    if not (total["conf_low"] > 0 or total["conf_high"] < 0):
        notes = (*notes, "The interval of the total effect holds 0: the proportion mediated says nothing.")
    return Effects(
        table=tidy(pd.DataFrame(rows)),
        method=f"Natural direct and indirect effects of {exposure} ({level_name(levels[1])} against "
        f"{level_name(levels[0])}) through {mediator} by regression (mediator: {mediator_fit.method.rstrip('.')}; outcome: "
        f"{outcome_fit.method.rstrip('.')}); {interval_words(of_outcome, ci, repeats)}.",
        n=outcome_fit.n,
        events=outcome_fit.events,
        n_missing={**mediator_fit.n_missing, **outcome_fit.n_missing},
        notes=(
            ASSUMPTIONS,
            *(("outcome_fit has no interaction of exposure and mediator.",) if not paths.interact else ()),
            *dict.fromkeys((*mediator_fit.notes, *outcome_fit.notes)),
            *notes,
        ),
        conf_level=conf_level,
    )


def _share(means: np.ndarray, uncertainty: Uncertainty) -> dict[str, float]:
    """Indirect effect over total effect, as differences."""
    total, indirect = means[2] - means[0], means[2] - means[1]
    gradient = np.array([indirect / total, -1.0, 1 - indirect / total]) / total
    return interval(
        lambda m: (m[..., 2] - m[..., 1]) / (m[..., 2] - m[..., 0]),
        means,
        gradient,
        float,
        uncertainty,
        tested=False,
    )


def _in_mediator(fit: GLMFit, exposure: str, level: Any, mediator: str) -> tuple[np.ndarray, np.ndarray]:
    """X0 and S of X = X0 + m S; m is 0 and 1 for the two levels of a binary mediator."""
    column = fit.design.frame[mediator]
    two = levels_of(column)
    if two is not None and len(two) == 2:
        low, high = (matrix_with(fit, **{exposure: level, mediator: value}) for value in two)
        return low, high - low
    ends = float(column.min()), float(column.max())
    low, middle, high = (
        matrix_with(fit, **{exposure: level, mediator: value}) for value in (ends[0], sum(ends) / 2, ends[1])
    )
    if not np.allclose(middle, (low + high) / 2, rtol=1e-9):
        raise ValueError(
            f"outcome_fit: the mediator '{mediator}' enters other than linearly (spline, power ...); products with "
            "other variables are allowed, curves are not"
        )
    S = (high - low) / (ends[1] - ends[0])
    return low - ends[0] * S, S


def _two_values(
    mediator_fit: GLMFit, outcome_fit: GLMFit, exposure: str, values: Sequence[Any] | None
) -> list[Any]:
    levels = compared_values(outcome_fit, exposure, values)
    compared_values(mediator_fit, exposure, levels)
    if len(levels) != 2:
        raise ValueError(
            f"values: '{exposure}' has {len(levels)} levels; name the two to compare, reference first"
        )
    return levels


def _require_mediator(
    mediator_fit: GLMFit, outcome_fit: GLMFit, of_mediator: FittedRows, mediator: str
) -> None:
    require_columns(outcome_fit.design.frame[list(outcome_fit.design.variables)], [mediator], "outcome_fit")
    if mediator not in mediator_fit.design.frame or mediator in mediator_fit.design.variables:
        raise ValueError(f"mediator_fit: its outcome must be the mediator '{mediator}'")
    family = of_mediator.family
    if not family.has_dispersion and not family.name.startswith("binomial"):
        raise ValueError(
            f"mediator_fit must be logistic (or log_binomial) for a binary mediator, linear for a number, it is {family.name}"
        )
    unequal = np.ptp(of_mediator.arrays.weights) > 0
    if family.has_dispersion and unequal and not of_mediator.by_influence:
        raise ValueError(
            "mediator_fit: precision weights (robust=False) give the mediator no common variance"
        )


def _require_same_rows(
    mediator_fit: GLMFit, outcome_fit: GLMFit, of_mediator: FittedRows, of_outcome: FittedRows
) -> None:
    first, second = mediator_fit.design.frame.index, outcome_fit.design.frame.index
    if not first.equals(second):
        raise ValueError(
            f"mediator_fit and outcome_fit must be of the same rows, they have {len(first):,} and {len(second):,}: leave "
            "rows with a missing value in either out first"
        )
    a, b = of_mediator.arrays, of_outcome.arrays
    same_clusters = (
        a.cluster is b.cluster if a.cluster is None or b.cluster is None else (a.cluster == b.cluster).all()
    )
    same = (
        of_mediator.kind == of_outcome.kind
        and np.array_equal(a.weights, b.weights)
        and same_clusters
        and (of_mediator.sample is None) == (of_outcome.sample is None)
    )
    if not same:
        raise ValueError(
            "mediator_fit and outcome_fit must have the same weights, clusters, design and kind of variance"
        )
    if of_outcome.kind is not None and not of_outcome.by_influence:
        raise ValueError(
            f"robust='{of_outcome.kind}' is defined for the coefficients of one model: use HC0, HC1, CR0 or CR1 for both"
        )
