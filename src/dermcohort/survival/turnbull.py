"""Turnbull's estimate of the survival function from interval-censored times.

The likelihood and its maximum are in `npmle`, the bounds in `onset_bounds`, the figure in `figures.steps_between`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from ..design import as_list, require_columns
from ..estimates import Estimates, missing_note
from ..groups import group_codes
from .frame import check_weights, used_columns
from .npmle import Npmle, npmle
from .onset_bounds import bounds_note, with_bounds

UNDETERMINED = (
    "Within an interval of the table the curve is not determined: the likelihood says how much it falls there, not "
    "where. No confidence interval: the bootstrap is not valid for this estimator; interval_ph('1', ...) has one."
)
GAP_TO_NOTE = 1e-4


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class TurnbullCurve(Estimates):
    """Survival curves from interval-censored times: `.table` has a row for each interval in which one falls.

    Columns of `by`, `lower`, `upper` (the curve falls within (lower, upper], or at the time where both are the same;
    `upper` is infinite for those who outlast the data), `mass` (by how much) and `survival` (after it). `.loglik` is the
    log-likelihood; that of no other curve is higher by more than `.gap`.
    """

    loglik: float
    gap: float
    by: tuple[str, ...] = ()

    def at(self, times: float | Sequence[float] | np.ndarray) -> pd.DataFrame:
        """The curves at chosen times.

        Parameters
        ----------
        times : float or sequence of float
            In the unit of the data.

        Returns
        -------
        DataFrame
            Columns of `by`, `time`, `estimate`, and `at_least` and `at_most`, between which the curve is not
            determined: they differ within an interval of the table. There `estimate` is on the straight line between
            its ends, and NaN in one that has no upper end.
        """
        moments = np.atleast_1d(np.asarray(times, float))
        parts = [
            _values(curve, moments).assign(**dict(zip(self.by, key, strict=True)))
            for key, curve in self._curves()
        ]
        found = pd.concat(parts, ignore_index=True).astype({name: self.table[name].dtype for name in self.by})
        return found[[*self.by, "time", "estimate", "at_least", "at_most"]]

    def to_display(self, labels: Mapping[str, str] | None = None) -> pd.DataFrame:
        """The curves at a handful of round times, as text."""
        from ..figures import round_times
        from ..tables import format_number, level_label

        names = self._labels(labels)
        shown = self.at(round_times(self._last()))
        text = pd.DataFrame({names.word(g): [level_label(g, v, names) for v in shown[g]] for g in self.by})
        text[names.word("time")] = [f"{time:g}" for time in shown["time"]]
        for column, heading in (
            ("estimate", "Survival, %"),
            ("at_least", "At least"),
            ("at_most", "At most"),
        ):
            text[names.word(heading)] = [format_number(100 * value, 1) for value in shown[column]]
        return text

    def plot(self, ax: Axes | None = None, *, labels: Mapping[str, str] | None = None) -> Axes:
        """The curves, shaded where they are not determined. Returns the Axes."""
        from ..figures import steps_between
        from ..tables import level_label

        names = labels or {}
        curves = {
            ", ".join(
                level_label(name, level, names) for name, level in zip(self.by, key, strict=True)
            ): curve
            for key, curve in self._curves()
        }
        return steps_between(
            curves, self._last(), ax, x_label="time", y_label="Survival probability", labels=labels
        )

    def _last(self) -> float:
        ends = self.table[["lower", "upper"]].to_numpy()
        return float(ends[np.isfinite(ends)].max())

    def _curves(self) -> list[tuple[tuple, pd.DataFrame]]:
        if not self.by:
            return [((), self.table)]
        return list(self.table.groupby(list(self.by), observed=True, sort=True))


def turnbull(
    data: pd.DataFrame,
    left: str,
    right: str,
    *,
    by: str | Sequence[str] | None = None,
    weights: str | None = None,
) -> TurnbullCurve:
    """Nonparametric maximum likelihood estimate of the survival function from interval-censored times (Turnbull).

    What Kaplan-Meier is where times are known: no form of the curve is assumed.

    Parameters
    ----------
    data : DataFrame
        One row a person, all at risk from time 0. Rows in which neither bound is known, or with a missing value in
        another column used, are left out and counted.
    left : str
        Column of the last time at which the event had not happened; missing or 0 where there is none (left-censored).
    right : str
        Column of the first time at which it had happened; missing or infinite where it was never seen
        (right-censored). The event is in (left, right], or at the time where both are the same.
    by : str or list of str, optional
        One curve for each combination of these columns.
    weights : str, optional
        Column of case or inverse-probability weights.

    Returns
    -------
    TurnbullCurve
        With `.at(times)`, `.plot()`, `.loglik` and `.gap`.

    Raises
    ------
    ValueError
        For bounds that are no numbers, negative or in the wrong order, or weights that are negative.

    Notes
    -----
    The maximum is certain: by concavity the log-likelihood lacks no more than `.gap` of it, 1e-10 a row. Where events
    have more than 800 different exact times it is 0.01 in all, reached slowly: round the times to months, or use
    `kaplan_meier` if all are exact. R's ``survfit(type = "interval2")`` stops earlier and
    has the lower likelihood. There is no confidence interval, as the estimator converges at a rate of the cube root of
    n, at which the bootstrap fails (Sen & Xu, Model based bootstrap methods for interval censored data). Late entry has its own
    estimator, which this is not: use `interval_ph` with `entry`.

    Examples
    --------
    >>> data = pd.DataFrame({"left": [0, 2, 4, 1, 5], "right": [2, 5, None, 3, 8]})
    >>> turnbull(data, "left", "right").table.round(3)
       lower  upper   mass  survival
    0    1.0    2.0  0.333     0.667
    1    2.0    3.0  0.167     0.500
    2    4.0    5.0  0.167     0.333
    3    5.0    8.0  0.333     0.000
    """
    groups = as_list(by)
    used = used_columns(left, right, groups, weights)
    require_columns(data, used, "data")
    source = with_bounds(data, left, right)
    n_missing = {name: int(source[name].isna().sum()) for name in used}
    frame = source[used].dropna()
    w = check_weights(frame, weights) if len(frame) else None
    if w is not None:
        frame, w = frame[w > 0], w[w > 0]
    if frame.empty:
        raise ValueError(f"no row has all of {', '.join(used)}: at least one of the bounds must be known")
    w = np.ones(len(frame)) if w is None else w
    low, high = frame[left].to_numpy(float), frame[right].to_numpy(float)
    codes, labels = group_codes(frame[groups])
    found = [npmle(low[codes == k], high[codes == k], w[codes == k]) for k in range(len(labels))]
    parts = [_table(result).assign(**labels.iloc[k].to_dict()) for k, result in enumerate(found)]
    table = pd.concat(parts, ignore_index=True).astype({name: labels[name].dtype for name in groups})
    notes = [*missing_note(len(frame), len(data), n_missing), bounds_note(low, high), UNDETERMINED]
    gap = max(result.gap for result in found)
    if gap > GAP_TO_NOTE:
        notes.append(f"Events at many exact times: the log-likelihood may lack {gap:.2g} of its maximum.")
    if weights is not None:
        notes.append(f"Weights from '{weights}'.")
    return TurnbullCurve(
        table=table[[*groups, "lower", "upper", "mass", "survival"]],
        method="Survival from interval-censored times by nonparametric maximum likelihood (Turnbull).",
        n=len(frame),
        events=int(np.isfinite(high).sum()),
        n_missing=n_missing,
        notes=tuple(notes),
        loglik=sum(result.loglik for result in found),
        gap=gap,
        by=tuple(groups),
    )


def _table(result: Npmle) -> pd.DataFrame:
    # from the end, so that the last survival is exactly 0
    after = np.append(np.cumsum(result.mass[:0:-1])[::-1], 0.0)
    return pd.DataFrame(
        {"lower": result.lower, "upper": result.upper, "mass": result.mass, "survival": after}
    )


def _values(curve: pd.DataFrame, times: np.ndarray) -> pd.DataFrame:
    lower, upper = curve["lower"].to_numpy(), curve["upper"].to_numpy()
    survival = np.append(1.0, curve["survival"])
    ended = np.searchsorted(upper, times, "right")  # intervals that are over
    begun = np.searchsorted(lower, times, "left")
    at_most, at_least = survival[ended], survival[np.maximum(begun, ended)]
    inside = np.flatnonzero(begun > ended)
    estimate = at_most.copy()
    k = ended[inside]
    with np.errstate(invalid="ignore"):
        share = np.where(np.isinf(upper[k]), np.nan, (times[inside] - lower[k]) / (upper[k] - lower[k]))
    estimate[inside] -= share * (at_most - at_least)[inside]
    return pd.DataFrame({"time": times, "estimate": estimate, "at_least": at_least, "at_most": at_most})
