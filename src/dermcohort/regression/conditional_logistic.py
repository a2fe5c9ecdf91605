"""Conditional logistic regression for matched data: odds ratios within sets.

Source: Breslow & Day (1980) Statistical Methods in Cancer Research 1, ch. 7. Numbers as R's
`survival::clogit(method = "exact")`, for any number of cases in a set.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..design import (
    Column,
    as_list,
    binary_outcome,
    build_design,
    coefficient_table,
    require_columns,
    sparse_notes,
    still_moving,
)
from ..estimates import FittedModel
from ..newton import Optimum
from ..survival.matched_sets import SimilarSets, maximize_conditional_likelihood, set_scores, similar_sets
from ..variance import sandwich


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class ConditionalLogisticFit(FittedModel):
    """A conditional logistic model: odds ratios in `.table`.

    Parameters
    ----------
    n_sets : int
        Sets with both a case and a member that is none.
    loglik_null : float
        Conditional log-likelihood without covariates.
    """

    n_sets: int
    loglik_null: float

    def predict(self, newdata: pd.DataFrame) -> pd.Series:
        """Odds ratio of each row against a member of the same set with all covariates 0 or at their reference."""
        linear = self._new_matrix(newdata).to_numpy() @ self.coefficients.to_numpy()
        return pd.Series(np.exp(linear), index=newdata.index, name="odds ratio")


def conditional_logistic(
    formula: str,
    data: pd.DataFrame,
    *,
    strata: str | Sequence[str],
    cluster: str | Sequence[str] | None = None,
    conf_level: float = 0.95,
) -> ConditionalLogisticFit:
    """Conditional logistic regression by maximum exact conditional likelihood.

    Parameters
    ----------
    formula : str
        ``"case ~ smoking + bmi"``. The outcome is 0/1, bool, or a category of two levels, the second being
        the event. A covariate that is a category is compared with its first level.
    data : DataFrame
        One row a member of a set. Rows with a missing value in a variable used are left out and counted; sets
        that are then without a case, or without a member that is none, tell nothing, are left out and noted.
    strata : str or list of str
        Column or columns whose combinations are the matched sets.
    cluster : str or list of str, optional
        Column or columns whose sets may depend on each other (a set must lie within a cluster); the variance is
        then CR1.
    conf_level : float
        Level of the Wald intervals.

    Returns
    -------
    ConditionalLogisticFit
        Rows of `measure` "OR", a row of 1 for each reference level; `n` and `events` are of the sets that count.

    Raises
    ------
    ValueError
        For a formula that does not fit the data, an outcome that is not binary, no set with a case and a member
        that is none, a covariate that is the same within every set or determined by the others there, or a
        cluster that divides a set.

    Notes
    -----
    Time and memory grow with the number of members times the number of cases of a set: sets of a few members with
    one case each take a second or so for 50,000 of them, hundreds of sets with hundreds of members half a minute.

    Where the likelihood has no finite maximum (all cases on one side of a covariate) the odds ratio is given as 0
    or infinity, its interval is (0, infinity), and `.notes` says so.

    Examples
    --------
    >>> pairs = pd.DataFrame({"pair": [1, 1, 2, 2, 3, 3, 4, 4], "case": [1, 0] * 4, "smoker": [1, 0, 1, 0, 1, 0, 0, 1]})
    >>> conditional_logistic("case ~ smoker", pairs, strata="pair").table["estimate"].round(6).tolist()
    [3.0]
    """
    strata_names, clusters = as_list(strata), as_list(cluster)
    if not strata_names:
        raise ValueError("strata: name the column of the matched sets; without sets use logistic")
    require_columns(data, [*strata_names, *clusters], "data")
    frame = build_design(formula, data, others=[*strata_names, *clusters], intercept=False)
    if not frame.columns:
        raise ValueError("formula has no covariate: there is nothing to estimate within sets")
    assert frame.response is not None
    name = str(frame.response.name)
    case = binary_outcome(frame.response, name)
    codes = frame.codes(strata_names)
    assert codes is not None
    kept = _informative(codes, case)
    if not kept.any():
        raise ValueError(
            f"none of the {int(codes.max()) + 1:,} sets has both a case and a member that is none ('{name}' 1 and 0)"
        )
    X, case, set_of = frame.matrix[kept], case[kept], np.unique(codes[kept], return_inverse=True)[1]
    _require_variation_within(X, set_of, frame.columns)

    blocks = similar_sets(X, case, set_of)
    optimum = maximize_conditional_likelihood(blocks)
    unbounded = still_moving(X, optimum.last_step)
    covariance, n_clusters = optimum.inverse_information, None
    if clusters:
        cluster_of = frame.codes(clusters)
        assert cluster_of is not None
        cluster_of = np.unique(cluster_of[kept], return_inverse=True)[1]
        n_clusters = int(cluster_of.max()) + 1
        covariance = _clustered(blocks, optimum, set_of, cluster_of)

    n_sets = int(set_of.max()) + 1
    return ConditionalLogisticFit(
        table=coefficient_table(
            frame.columns,
            X,
            optimum.parameters,
            covariance,
            measure="OR",
            conf_level=conf_level,
            event=case,
            unbounded=unbounded,
        ),
        method=_method(n_sets, strata_names, clusters),
        n=len(X),
        events=int(case.sum()),
        n_missing=frame.n_missing,
        notes=(
            *frame.notes,
            *_set_notes(int(codes.max()) + 1 - n_sets, int((~kept).sum())),
            *sparse_notes(n_sets, len(frame.columns), n_clusters),
            *_fit_notes(optimum, unbounded, frame.columns),
        ),
        conf_level=conf_level,
        coefficients=pd.Series(optimum.parameters, frame.names, name="coef"),
        covariance=pd.DataFrame(covariance, frame.names, frame.names),
        loglik=optimum.loglik,
        robust="CR0" if clusters else None,
        design=frame,
        n_sets=n_sets,
        loglik_null=optimum.loglik_start,
    )


def _informative(codes: np.ndarray, case: np.ndarray) -> np.ndarray:
    """Rows of sets with both a case and a member that is none."""
    sizes, cases = np.bincount(codes), np.bincount(codes, case)
    return ((cases > 0) & (cases < sizes))[codes]


def _require_variation_within(X: np.ndarray, set_of: np.ndarray, columns: Sequence[Column]) -> None:
    """Refuse covariates that are the same within every set, or determined there by those before them."""
    sizes = np.bincount(set_of)
    means = np.column_stack([np.bincount(set_of, x) for x in X.T]) / sizes[:, None]
    within = X - means[set_of]
    for x, deviation, column in zip(X.T, within.T, columns, strict=True):
        if np.abs(deviation).max() <= 1e-12 * np.abs(x).max():
            raise ValueError(
                f"'{column.name}' is the same for all members of every set, as what sets are matched by is: leave it out"
            )
    unexplained = np.abs(np.diag(np.linalg.qr(within / np.linalg.norm(within, axis=0), mode="r")))
    for share, column in zip(unexplained, columns, strict=False):
        if share < 1e-6:
            raise ValueError(
                f"'{column.name}' is determined within sets by the columns before it: leave it out"
            )
    if len(unexplained) < len(columns):
        raise ValueError(f"{len(X):,} rows in sets that count are too few for {len(columns)} coefficients")


def _clustered(
    blocks: list[SimilarSets], optimum: Optimum, set_of: np.ndarray, cluster_of: np.ndarray
) -> np.ndarray:
    """CR1 with a set's score as its contribution."""
    of_set = np.zeros(int(set_of.max()) + 1, np.int64)
    of_set[set_of] = cluster_of
    if (of_set[set_of] != cluster_of).any():
        divided = len(np.unique(set_of[of_set[set_of] != cluster_of]))
        raise ValueError(
            f"cluster: {divided:,} sets have members in several clusters; a set must lie within one"
        )
    scores = np.zeros((len(of_set), len(optimum.parameters)))
    for row, score in set_scores(blocks, optimum.parameters):
        scores[set_of[row]] = score
    return sandwich(scores @ optimum.inverse_information, of_set, "CR1")


def _method(n_sets: int, strata: Sequence[str], clusters: Sequence[str]) -> str:
    wald = "Wald intervals"
    if clusters:
        wald += f" with robust variance (CR1, clusters by {' and '.join(clusters)})"
    sets = "set" if n_sets == 1 else "sets"
    return (
        "Odds ratios by conditional logistic regression (exact conditional likelihood of "
        f"{n_sets:,} {sets} matched by {' and '.join(strata)}), {wald}."
    )


def _set_notes(n_sets: int, n_rows: int) -> tuple[str, ...]:
    if not n_sets:
        return ()
    sets = "1 set" if n_sets == 1 else f"{n_sets:,} sets"
    rows = "1 row" if n_rows == 1 else f"{n_rows:,} rows"
    return (f"{sets} ({rows}) without a case, or with cases only, left out: such sets tell nothing.",)


def _fit_notes(optimum: Optimum, unbounded: np.ndarray, columns: Sequence[Column]) -> tuple[str, ...]:
    if unbounded.any():
        which = ", ".join(column.name for column, flag in zip(columns, unbounded, strict=True) if flag)
        return (
            f"Separation: within sets all cases are on one side of {which}, whose OR has no finite estimate. "
            "Combine levels.",
        )
    return () if optimum.converged else ("The fit did not converge: do not use these estimates.",)
