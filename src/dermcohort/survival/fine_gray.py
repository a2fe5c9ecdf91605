"""Fine and Gray's regression of the cumulative incidence of one cause.

The likelihood, its sources and the variance are in `subdistribution`. Agrees with R's `cmprsk::crr`.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..design import (
    as_list,
    build_design,
    coefficient_table,
    require_columns,
    sparse_notes,
    still_moving,
    undefined_notes,
)
from ..estimates import FittedModel
from ..groups import group_codes
from ..variance import sandwich
from ..wording import suggest
from .frame import check_times, event_states, require_variation_in_strata, stratum_codes, used_columns
from .identified import require_information
from .subdistribution import SubdistributionSets, influences, maximize_subdistribution, subdistribution_sets


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class FineGrayFit(FittedModel):
    """Subdistribution hazard ratios in `.table`; their logarithms in `.coefficients`.

    `.baseline` has the cumulative subdistribution hazard (`time`, `cumulative_hazard`) where all columns of the
    design matrix are 0, of each stratum where there are some; `.reference` is the row of covariates `predict` is relative to: the mean, or 0 for a column
    coded 0/1.
    """

    loglik_null: float
    reference: pd.Series
    baseline: pd.DataFrame
    time: str
    event: str
    cause: str
    strata: tuple[str, ...] = ()

    def predict(self, newdata: pd.DataFrame, kind: str = "lp") -> pd.Series:
        """Log subdistribution hazard ratio ("lp") or ratio ("risk") of each row against `.reference`."""
        if kind not in ("lp", "risk"):
            raise ValueError(f"predict: kind='{kind}' is unknown; choose lp or risk")
        matrix = self._new_matrix(newdata).to_numpy() - self.reference.to_numpy()
        linear = matrix @ self.coefficients.to_numpy()
        return pd.Series(np.exp(linear) if kind == "risk" else linear, index=newdata.index, name=kind)

    def cumulative_incidence(
        self, newdata: pd.DataFrame, times: float | Sequence[float] | np.ndarray
    ) -> pd.DataFrame:
        """Cumulative incidence of the cause for each row of `newdata` (a row) at each time (a column).

        1 - exp(-H(t) exp(x beta)), as R's `predict.crr`. NaN for a row with a missing value, and after the last time
        in its stratum. `newdata` has the columns of the strata, if there are any.
        """
        moments = np.atleast_1d(np.asarray(times, float))
        linear = self._new_matrix(newdata).to_numpy() @ self.coefficients.to_numpy()
        baselines = [self.baseline]
        if self.strata:
            grouped = self.baseline.groupby(list(self.strata), observed=True, sort=True)
            baselines = [own for _, own in grouped]
        hazard = np.array([_hazard_at(own, moments) for own in baselines])
        stratum = stratum_codes(self.design, self.strata, newdata)
        incidence = -np.expm1(-np.exp(linear)[:, None] * hazard[stratum])
        return pd.DataFrame(incidence, index=newdata.index, columns=pd.Index(moments, name="time"))


def fine_gray(
    formula: str,
    data: pd.DataFrame,
    *,
    time: str,
    event: str,
    cause: Hashable,
    strata: str | Sequence[str] | None = None,
    censoring_by: str | Sequence[str] | None = None,
    cluster: str | Sequence[str] | None = None,
    conf_level: float = 0.95,
) -> FineGrayFit:
    """Proportional hazards regression of the subdistribution of one cause (Fine and Gray).

    Parameters
    ----------
    formula : str
        The right-hand side, ``"age + sex"``. A covariate that is a category is compared with its first level.
    data : DataFrame
        One row a person. Rows with a missing value in a variable used are left out and counted.
    time : str
        Column of the time of the first event or end of follow-up.
    event : str
        Column of dtype category: the first level means censored, each other level is a cause.
    cause : str
        The level of `event` that is studied; the others compete with it.
    strata : str or list of str, optional
        Column or columns whose combinations have their own baseline and their own distribution of the time of
        censoring (Zhou et al. 2011, for strata of many rows each).
    censoring_by : str or list of str, optional
        Column or columns whose combinations have their own distribution of the time of censoring (`cengroup` of R's
        `crr`). The coefficients are then those of `crr`; the variance differs a little (about 1e-3), because `crr`
        counts the competing events of all groups where those of a group belong.
    cluster : str or list of str, optional
        Column or columns whose rows may depend on each other (CR0).
    conf_level : float
        Level of the Wald intervals.

    Returns
    -------
    FineGrayFit
        Rows of `measure` "SHR" (subdistribution hazard ratio), a row of 1 for each reference level; with
        `.cumulative_incidence(newdata, times)`. The variance allows for the estimation of the censoring weights.

    Raises
    ------
    ValueError
        For a formula or times that do not fit the data, an unknown cause, or a column that is constant or determined
        by the others.

    Notes
    -----
    A subdistribution hazard ratio says in which direction, not how strongly, a covariate acts on those still at risk
    of the event: report cause-specific hazard ratios (`cox` with the other causes censored) beside it (Latouche et al.
    2013 J Clin Epidemiol 66:648).

    Ties are by Breslow, as in `crr`. For R's ``survival::finegray`` with `coxph`, whose variance takes the weights as
    known, fit `cox` on `subdistribution_data`.

    Where the likelihood has no finite maximum the ratio is given as 0 or infinity, and `.notes` says so.

    Examples
    --------
    >>> data = pd.DataFrame({"years": [1, 2, 3, 4, 5, 6, 7, 8], "exposed": [1, 0, 1, 1, 0, 1, 0, 0],
    ...     "end": pd.Categorical(["eczema", "eczema", "death", "eczema", "none", "none", "eczema", "none"],
    ...                           ["none", "eczema", "death"])})
    >>> fit = fine_gray("exposed", data, time="years", event="end", cause="eczema")
    >>> fit.table["estimate"].round(3).tolist()
    [1.497]
    """
    cluster_names, strata_names, censoring = as_list(cluster), as_list(strata), as_list(censoring_by)
    others = used_columns(time, event, strata_names, censoring, cluster_names)
    require_columns(data, others, "data")
    design = build_design(formula, data, two_sided=False, others=others, intercept=False)
    if not design.columns:
        raise ValueError("formula has no covariate: use cumulative_incidence for curves without any")
    _, exit_ = check_times(design.frame, time, None)
    ended, causes = event_states(design.frame[event], event)
    if cause not in causes:
        known = ", ".join(map(str, causes))
        raise ValueError(
            f"cause: {cause!r} is not an event of '{event}', which has {known}.{suggest(cause, causes)}"
        )
    number = causes.index(cause) + 1
    happened = ended == number
    if not happened.any():
        raise ValueError(f"'{cause}' never happens among the {len(happened):,} complete rows")

    X = design.matrix
    group, _ = group_codes(design.frame[censoring])
    stratum, labels = group_codes(design.frame[strata_names])
    if strata_names:
        require_variation_in_strata(design, stratum, happened, strata_names)
    sets = subdistribution_sets(exit_, ended, number, group, stratum)
    maximum = maximize_subdistribution(X, sets)
    require_information(maximum.information_null, maximum.size_null, design.columns)
    unbounded = still_moving(X, maximum.last_step)
    clusters = design.codes(cluster_names or None)
    covariance = sandwich(influences(X, sets, maximum), clusters)

    table = coefficient_table(
        design.columns,
        X,
        maximum.coefficients,
        covariance,
        measure="SHR",
        conf_level=conf_level,
        event=happened,
        unbounded=unbounded,
    )
    coded = np.isin(X, (-1.0, 0.0, 1.0)).all(axis=0)
    notes = list(design.notes)
    n_clusters = None if clusters is None else int(clusters.max()) + 1
    notes += sparse_notes(int(happened.sum()), len(design.columns), n_clusters)
    if unbounded.any():
        which = ", ".join(name for name, flag in zip(design.names, unbounded, strict=True) if flag)
        notes.append(
            f"Monotone likelihood: the subdistribution hazard ratio of {which} has no finite estimate. Combine levels."
        )
    elif not maximum.converged:
        notes.append("The fit did not converge: do not use these estimates.")
    notes += undefined_notes(table)
    baselines = [
        _baseline(own, hazard).assign(**labels.iloc[number])
        for number, (own, hazard) in enumerate(zip(sets, maximum.hazard, strict=True))
    ]
    return FineGrayFit(
        table=table,
        method=_method(str(cause), strata_names, censoring, cluster_names),
        n=len(X),
        events=int(happened.sum()),
        n_missing=design.n_missing,
        notes=tuple(notes),
        conf_level=conf_level,
        coefficients=pd.Series(maximum.coefficients, design.names, name="coef"),
        covariance=pd.DataFrame(covariance, design.names, design.names),
        loglik=maximum.loglik,
        robust="CR0" if cluster_names else "HC0",
        design=design,
        loglik_null=maximum.loglik_null,
        reference=pd.Series(np.where(coded, 0.0, X.mean(axis=0)), design.names, name="reference"),
        baseline=pd.concat(baselines, ignore_index=True)[[*strata_names, "time", "cumulative_hazard"]],
        time=time,
        event=event,
        cause=str(cause),
        strata=tuple(strata_names),
    )


def _baseline(sets: SubdistributionSets, hazard: np.ndarray) -> pd.DataFrame:
    """Cumulative hazard at the times of events of a stratum, and once more at its last time."""
    jumps = sets.events > 0
    return pd.DataFrame(
        {
            "time": np.append(sets.time[jumps], sets.time[-1]),
            "cumulative_hazard": np.append(np.cumsum(hazard[jumps]), hazard.sum()),
        }
    )


def _hazard_at(baseline: pd.DataFrame, moments: np.ndarray) -> np.ndarray:
    grid = baseline["time"].to_numpy()
    steps = np.append(0.0, baseline["cumulative_hazard"].to_numpy())
    return np.where(moments > grid[-1], np.nan, steps[np.searchsorted(grid, moments, "right")])


def _method(cause: str, strata: Sequence[str], censoring: Sequence[str], clusters: Sequence[str]) -> str:
    parts = [f"stratified by {' and '.join(strata)}"] if strata else []
    parts.append(
        "inverse-probability-of-censoring weights" + (f" by {' and '.join(censoring)}" if censoring else "")
    )
    parts.append(
        "variance with the estimation of the weights"
        + (f", clustered by {' and '.join(clusters)}" if clusters else "")
    )
    return f"Subdistribution hazard ratios of {cause} by Fine-Gray regression ({', '.join(parts)}), Wald intervals."
