"""Proportional hazards where an event is seen only at visits: discrete time, complementary log-log link.

Each row becomes the intervals between cuts that it was at risk in. Where the hazards of continuous time are
proportional, those of the intervals have log(-log(1 - hazard)) linear in the covariates with the same coefficients.

Source: Prentice & Gloeckler (1978) Biometrics 34:57. Numbers as R's `survival::survSplit` and
`glm(binomial("cloglog"))`, with sandwich and clubSandwich.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..design import as_list, require_columns
from ..estimates import FittedModel, missing_note
from .parametric_fit import INTERVALS
from .product_limit import survival_interval
from .split_time import split_time

INTERVAL, ROW = "interval", "row of data"


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class DiscreteTimeFit(FittedModel):
    """Hazard ratios in `.table`; in `.coefficients` the baseline hazard of the intervals too.

    Parameters
    ----------
    ends : tuple of float
        Ends of the intervals 1, 2, ... up to the last in which somebody was at risk.
    """

    ends: tuple[float, ...]

    def predict(self, newdata: pd.DataFrame) -> pd.Series:
        """Hazard of each row of `newdata`: probability of an event in its `interval` (a column: 1, 2, ...)."""
        linear = self._new_matrix(newdata).to_numpy() @ self.coefficients.to_numpy()
        return pd.Series(-np.expm1(-np.exp(linear)), index=newdata.index, name="hazard")

    def survival(self, newdata: pd.DataFrame, *, ci: str = "log-log") -> pd.DataFrame:
        """Probability of no event by the end of each interval, for each row of `newdata`.

        Parameters
        ----------
        newdata : DataFrame
            The variables of the formula.
        ci : {"log-log", "log", "plain", "logit"}
            Scale of the interval, which is by the delta method.

        Returns
        -------
        DataFrame
            Columns `row` (index of `newdata`), `interval`, `time` (its end), `estimate`, `std_error`, `conf_low`,
            `conf_high`; NaN for a row with a missing value.

        Raises
        ------
        ValueError
            For an unknown `ci`, a level that the fit does not know, or a fit loaded from a file.
        """
        if ci not in INTERVALS:
            raise ValueError(f"ci='{ci}' is unknown; choose one of {', '.join(INTERVALS)}")
        n, k = len(newdata), len(self.ends)
        numbers = np.arange(1, k + 1)
        crossed = newdata.iloc[np.repeat(np.arange(n), k)].assign(**{INTERVAL: np.tile(numbers, n)})
        X = self._new_matrix(crossed).to_numpy()
        # - log S = sum over intervals of exp(eta)
        hazard = np.exp(X @ self.coefficients.to_numpy())
        cumulative = np.cumsum(hazard.reshape(n, k), axis=1).ravel()
        gradient = np.cumsum((hazard[:, None] * X).reshape(n, k, -1), axis=1).reshape(n * k, -1)
        log_error = np.sqrt(np.einsum("kp,pq,kq->k", gradient, self.covariance.to_numpy(), gradient))
        survival = np.exp(-cumulative)
        low, high = survival_interval(survival, log_error, ci, self.conf_level)
        return pd.DataFrame(
            {
                "row": crossed.index.to_numpy(),
                INTERVAL: crossed[INTERVAL].to_numpy(),
                "time": np.tile(self.ends, n),
                "estimate": survival,
                "std_error": survival * log_error,
                "conf_low": low,
                "conf_high": high,
            }
        )


def discrete_time(
    formula: str,
    data: pd.DataFrame,
    *,
    time: str,
    event: str,
    cuts: float | Sequence[float] | np.ndarray | pd.Series,
    entry: str | None = None,
    baseline: str = "C(interval)",
    weights: str | None = None,
    cluster: str | Sequence[str] | None = None,
    robust: str | bool | None = None,
    conf_level: float = 0.95,
) -> DiscreteTimeFit:
    """Hazard ratios where it is known only between which visits an event happened.

    Parameters
    ----------
    formula : str
        The right-hand side, ``"age + sex"``. It may contain `interval`, the number of the interval:
        ``"exposed + exposed:interval"`` is a hazard ratio that changes with time.
    data : DataFrame
        One row a person. Rows with a missing value in a variable used are left out and counted.
    time : str
        Column of the time of the visit at which the event was seen or, without one, of the last visit.
    event : str
        Column that is 0/1, bool, or a category of two levels, the second being the event.
    cuts : sequence of float
        Times of the visits, which end the intervals: (0, cuts[0]], (cuts[0], cuts[1]], ... A row counts as at risk
        in the whole of each interval that it was followed into.
    entry : str, optional
        Column of the time from which a row is at risk.
    baseline : str
        The baseline hazard, a term of a formula of `interval`: each interval its own with ``"C(interval)"``, a curve
        with ``"rcs(interval, 4)"``.
    weights : str, optional
        Column of sampling or inverse-probability weights. The variance is then robust, a row of the data being a
        cluster of its intervals, unless ``robust=False``, which is right for frequency weights.
    cluster : str or list of str, optional
        Column or columns whose rows may depend on each other; the variance is then CR1.
    robust : {"CR0", "CR1", "CR1S", "CR2", "CR3"} or False, optional
        Kind of robust variance, with rows of the data as clusters where `cluster` names none; False for the
        model's own. CR2, for few clusters, comes with Satterthwaite's degrees of freedom.
    conf_level : float
        Level of the Wald intervals.

    Returns
    -------
    DiscreteTimeFit
        Rows of `measure` "HR", a row of 1 for each reference level, in which `n` counts intervals at risk; with
        `.survival(newdata)`. The baseline is in `.coefficients` only.

    Raises
    ------
    ValueError
        For a formula or times that do not fit the data, no event, or a column that is determined by the others.

    Notes
    -----
    An interval in which nobody has the event has a hazard of 0, of which `.notes` speaks: join it with another. People
    who are seen at different times have no common cuts: `parametric` with `left` and `right`.

    Examples
    --------
    >>> data = pd.DataFrame({"visit": [1, 1, 2, 2, 3, 3, 1, 2, 3, 3], "onset": [1, 0, 1, 1, 1, 0, 1, 1, 0, 0],
    ...                      "exposed": [1, 0, 1, 0, 0, 0, 1, 1, 1, 0]})
    >>> fit = discrete_time("exposed", data, time="visit", event="onset", cuts=[1, 2, 3])
    >>> fit.table[["term", "measure", "estimate", "n", "events"]].round(3)
          term measure  estimate   n  events
    0  exposed      HR     3.512  21       6
    """
    from ..regression import complementary_log_log  # the regressions need survival

    clusters = as_list(cluster)
    require_columns(data, [time, event, *as_list(entry), *as_list(weights), *clusters], "data")
    if ROW in data:
        raise ValueError(f"the data have a column '{ROW}': name it otherwise")
    episodes = split_time(
        data.assign(**{ROW: np.arange(len(data))}),
        time,
        event,
        cuts,
        entry=entry,
        start="start of interval",
        episode=INTERVAL,
    )
    if not (episodes[event] == 1).any():
        raise ValueError(f"'{event}' never happens among the {len(data):,} rows")
    if not clusters and (robust or (weights is not None and robust is None)):
        clusters = [ROW]
    fit = complementary_log_log(
        f"`{event}` ~ {baseline} + {formula.strip().lstrip('~')}",
        episodes,
        weights=weights,
        cluster=clusters or None,
        robust=robust,
        conf_level=conf_level,
    )
    assert fit.rows is not None
    at_risk = episodes[fit.rows.used]
    n = int(at_risk[ROW].nunique())
    points = np.unique(np.asarray(cuts, float))
    ends = points[: int(at_risk[INTERVAL].max())]
    of_baseline = {c.term for c in fit.design.columns if c.variables == (INTERVAL,)}
    variables = dict.fromkeys([time, event, *as_list(entry), *fit.n_missing])
    n_missing = {name: int(data[name].isna().sum()) for name in variables if name in data}
    return DiscreteTimeFit(
        table=fit.table[~fit.table["term"].isin(of_baseline)].reset_index(drop=True),
        method=fit.method,
        n=n,
        events=fit.events,
        n_missing=n_missing,
        notes=(
            *missing_note(n, len(data), n_missing),
            f"{len(at_risk):,} intervals at risk; baseline hazard: {baseline}.",
            *(note for note in fit.notes if note not in fit.design.notes),
        ),
        conf_level=conf_level,
        coefficients=fit.coefficients,
        covariance=fit.covariance,
        loglik=fit.loglik,
        robust=fit.robust,
        joint_df=fit.joint_df,
        design=fit.design,
        ends=tuple(float(end) for end in ends),
    )
