"""Cox proportional hazards regression.

Late entry, strata, weights, robust and cluster-robust variance, survey designs, Efron's, Breslow's or exact ties. The
likelihood and its sources are in `partial_likelihood` and `exact_ties`. Agrees with R's `survival::coxph` and `survey::svycoxph`; the
robust variance uses score residuals of the same ties method as the fit.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ..design import (
    Column,
    as_list,
    build_design,
    coefficient_table,
    require_columns,
    sparse_notes,
    still_moving,
    undefined_notes,
)
from ..variance import Replicates, sandwich
from .cox_fit import CoxFit, chi_square_test
from .cox_rows import CoxRows, cox_rows
from .exact_ties import maximize_exact_likelihood
from .frame import require_variation_in_strata, used_columns
from .identified import require_information
from .partial_likelihood import PartialLikelihoodMaximum, maximize_partial_likelihood, score_residuals
from .sampling import WEIGHT, Design, refuse_beside_design, sample_notes, sampled_rows

TIES = ("efron", "breslow", "exact")


def cox(
    formula: str,
    data: pd.DataFrame,
    *,
    time: str,
    event: str,
    entry: str | None = None,
    strata: str | Sequence[str] | None = None,
    cluster: str | Sequence[str] | None = None,
    weights: str | None = None,
    design: Design | None = None,
    ties: str = "efron",
    robust: bool | None = None,
    conf_level: float = 0.95,
) -> CoxFit:
    """Cox proportional hazards regression by maximum partial likelihood.

    Parameters
    ----------
    formula : str
        The right-hand side, ``"age + sex"``. A covariate that is a category is compared with its first level.
    data : DataFrame
        One row a person, or an episode where `entry` is given. Rows with a missing value in a variable used
        are left out and counted. With `design` every row that was sampled: incomplete rows stay in the design
        without influence.
    time : str
        Column of the time of event or end of follow-up.
    event : str
        Column that is 0/1, bool, or a category of two levels, the second being the event.
    entry : str, optional
        Column of the time from which a row is at risk: at risk over (entry, time].
    strata : str or list of str, optional
        Column or columns whose combinations have their own baseline hazard.
    cluster : str or list of str, optional
        Column or columns whose rows may depend on each other; the variance is then cluster-robust (CR0).
    weights : str, optional
        Column of sampling or inverse-probability weights. The variance is then robust unless
        ``robust=False``, which is right for frequency weights.
    design : SurveyDesign or ReplicateDesign, optional
        How the rows were sampled; in the place of `weights`, `cluster` and `robust`. The weights are scaled to a
        mean of 1 over the sample, which the log-likelihood shows and nothing else.
    ties : {"efron", "breslow", "exact"}
        How deaths at the same time are treated. "exact" is the conditional likelihood of who of those at risk
        dies, for times that are few and coarse, without weights or a robust variance; it takes long where many
        are at risk at many times with ties.
    robust : bool, optional
        Ask for, or refuse, the robust variance.
    conf_level : float
        Level of the Wald intervals, from the normal distribution also with `design`, as R's `confint` of `svycoxph`.

    Returns
    -------
    CoxFit
        Rows of `measure` "HR", a row of 1 for each reference level; with `.ph_test()`, `.residuals(kind)`,
        `.survival(newdata, times)`, `.predict(newdata)`, `.concordance` and the tests of the whole model.

    Raises
    ------
    ValueError
        For a formula or times that do not fit the data, no event, or a column that is constant or determined
        by the others, also if only among those at risk at the times of events.

    Notes
    -----
    Where the likelihood has no finite maximum (all events on one side of a covariate) the hazard ratio is
    given as 0 or infinity, its interval is (0, infinity), and `.notes` says so.

    With replicate weights the model is fitted again with each set of them, without the rows whose weight in it is 0.
    R keeps those with a weight of 1e-10, which Efron's ties count as deaths; in Breslow's they do not matter.

    Examples
    --------
    >>> data = pd.DataFrame({"years": [9, 1, 1, 6, 6, 8], "died": [1, 1, 0, 1, 1, 0],
    ...                      "exposed": [0, 1, 1, 1, 0, 0]})
    >>> cox("exposed", data, time="years", event="died").table["estimate"].round(3).tolist()
    [5.349]
    """
    if ties not in TIES:
        raise ValueError(f"ties='{ties}' is unknown; choose one of {', '.join(TIES)}")
    if robust is False and cluster is not None:
        raise ValueError("robust=False does not fit cluster=: leave one out")
    if ties == "exact" and (weights is not None or cluster is not None or design is not None or robust):
        raise ValueError("ties='exact' has no weights, clusters or robust variance: use ties='efron'")
    refuse_beside_design(design, weights=weights, cluster=cluster, robust=robust)
    strata_names, clusters = as_list(strata), as_list(cluster)
    require_columns(data, used_columns(time, event, entry, strata_names, clusters, weights), "data")
    sample = None
    if design is not None:
        data, sample = sampled_rows(data, design)
        weights = WEIGHT
    others = used_columns(time, event, entry, strata_names, clusters, weights)
    frame = build_design(formula, data, two_sided=False, others=others, intercept=False)
    if not frame.columns:
        raise ValueError("formula has no covariate: use kaplan_meier for a curve without any")
    rows = cox_rows(
        frame, time=time, event=event, entry=entry, strata=strata_names, weights=weights, ties=ties
    )
    if strata_names:
        require_variation_in_strata(frame, rows.stratum, rows.event, strata_names)
    sets = rows.risk_sets()
    if ties == "exact":
        maximum = maximize_exact_likelihood(rows.X, rows.entry, rows.exit_, rows.event, rows.stratum)
    else:
        maximum = maximize_partial_likelihood(rows.X, sets)
    require_information(maximum.information_null, maximum.size_null, frame.columns)
    unbounded = still_moving(rows.X, maximum.last_step)
    use_robust = (weights is not None or bool(clusters)) if robust is None else robust
    cluster_codes = frame.codes(clusters or None)
    n_clusters = None if cluster_codes is None else int(cluster_codes.max()) + 1
    if isinstance(sample, Replicates):
        covariance = _of_replicates(sample, rows, frame.frame.index.to_numpy())
    elif use_robust:
        influence = rows.weights[:, None] * score_residuals(rows.X, sets, maximum.at) @ maximum.covariance
        if sample is None:
            covariance = sandwich(influence, cluster_codes)
        else:
            of_all = np.zeros((len(sample.weights), rows.X.shape[1]))
            of_all[frame.frame.index] = influence
            covariance = sample.covariance(of_all)
    else:
        covariance = maximum.covariance

    table = coefficient_table(
        frame.columns,
        rows.X,
        maximum.coefficients,
        covariance,
        measure="HR",
        conf_level=conf_level,
        event=rows.event,
        unbounded=unbounded,
    )
    coded = np.isin(rows.X, (-1.0, 0.0, 1.0)).all(axis=0)
    return CoxFit(
        table=table,
        method=_method(ties, entry, strata_names, clusters, use_robust, design),
        n=len(rows.X),
        events=int(rows.event.sum()),
        n_missing={name: count for name, count in frame.n_missing.items() if name != WEIGHT},
        notes=(
            *frame.notes,
            *_notes(maximum, unbounded, frame.columns, rows.event, weights, use_robust, n_clusters),
            *undefined_notes(table),
            *(() if sample is None else sample_notes(sample, frame.frame.index.to_numpy())),
        ),
        conf_level=conf_level,
        coefficients=pd.Series(maximum.coefficients, frame.names, name="coef"),
        covariance=pd.DataFrame(covariance, frame.names, frame.names),
        loglik=maximum.loglik,
        robust="survey"
        if sample is not None
        else "CR0"
        if use_robust and clusters
        else "HC0"
        if use_robust
        else None,
        design=frame,
        loglik_null=maximum.loglik_null,
        score_test=chi_square_test(maximum.score_statistic, len(frame.columns)),
        reference=pd.Series(np.where(coded, 0.0, rows.X.mean(axis=0)), frame.names, name="reference"),
        time=time,
        event=event,
        entry=entry,
        strata=tuple(strata_names),
        cluster=tuple(clusters),
        weights=weights,
        ties=ties,
        sample=sample,
    )


def _of_replicates(sample: Replicates, rows: CoxRows, places: np.ndarray) -> np.ndarray:
    """Covariance from the coefficients with each set of replicate weights."""

    def coefficients(weights: np.ndarray) -> np.ndarray:
        again = rows.with_weights(weights[places])
        return maximize_partial_likelihood(again.X, again.risk_sets()).coefficients

    return sample.covariance(coefficients)


def _method(
    ties: str,
    entry: str | None,
    strata: Sequence[str],
    clusters: Sequence[str],
    robust: bool,
    design: Design | None,
) -> str:
    parts = ["exact treatment of ties" if ties == "exact" else f"ties by {ties.capitalize()}"]
    if entry is not None:
        parts.append("delayed entry")
    if strata:
        parts.append(f"stratified by {' and '.join(strata)}")
    if design is not None:
        parts.append(f"variance of the sample survey: {design.describe()}")
    elif robust:
        parts.append("robust variance" + (f" clustered by {' and '.join(clusters)}" if clusters else ""))
    return f"Hazard ratios by Cox proportional hazards regression ({', '.join(parts)}), Wald intervals."


def _notes(
    maximum: PartialLikelihoodMaximum,
    unbounded: np.ndarray,
    columns: Sequence[Column],
    event: np.ndarray,
    weights: str | None,
    robust: bool,
    n_clusters: int | None,
) -> tuple[str, ...]:
    notes: list[str] = []
    if weights is not None and weights != WEIGHT:
        use = "sampling or inverse-probability" if robust else "frequency"
        notes.append(f"Weights: {use} weights from '{weights}'.")
    notes += sparse_notes(
        int(event.sum()),
        len(columns),
        n_clusters,
        remedy="regression.complementary_log_log (time in intervals) with robust='CR2' corrects for it.",
    )
    if unbounded.any():
        which = ", ".join(column.name for column, flag in zip(columns, unbounded, strict=True) if flag)
        notes.append(
            f"Monotone likelihood: the hazard ratio of {which} has no finite estimate. "
            "Combine levels, or use a penalized likelihood (Firth)."
        )
    elif not maximum.converged:
        notes.append("The fit did not converge: do not use these estimates.")
    return tuple(notes)
