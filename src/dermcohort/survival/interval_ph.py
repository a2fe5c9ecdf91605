"""Proportional hazards regression of times that are known exactly, between two visits, or not at all.

The likelihood is in `spline_hazard`, the bounds of the times in `onset_bounds`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import norm

from ..design import as_list, build_design, coefficient_table, require_columns, sparse_notes, still_moving
from ..estimates import FittedModel
from ..variance import sandwich
from .frame import check_weights, used_columns
from .onset_bounds import bounds_note, with_bounds
from .spline_hazard import SplineRows, baseline_basis, baseline_slopes, maximize_spline_likelihood

MOST_KNOTS = 8


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class IntervalFit(FittedModel):
    """Hazard ratios in `.table`; in `.coefficients` their logarithms, then the spline of the baseline.

    `.knots` are the times of the knots, `.last_time` the last time in the data, up to which curves are given.
    """

    knots: tuple[float, ...]
    last_time: float

    @property
    def aic(self) -> float:
        """Akaike's criterion; the smaller the better. For choosing the number of knots."""
        return 2 * len(self.coefficients) - 2 * self.loglik

    def predict(self, newdata: pd.DataFrame, kind: str = "lp") -> pd.Series:
        """Log hazard ratio ("lp") or hazard ratio ("risk") of each row against all covariates at 0 or reference."""
        if kind not in ("lp", "risk"):
            raise ValueError(f"predict: kind='{kind}' is unknown; choose lp or risk")
        matrix = self._new_matrix(newdata)
        linear = matrix.to_numpy() @ self.coefficients[matrix.columns].to_numpy()
        return pd.Series(np.exp(linear) if kind == "risk" else linear, index=newdata.index, name=kind)

    def survival(self, newdata: pd.DataFrame, times: float | Sequence[float] | np.ndarray) -> pd.DataFrame:
        """Predicted survival of each row of `newdata` at chosen times, by the delta method on log(-log S).

        Parameters
        ----------
        newdata : DataFrame
            The variables of the formula; for a model without any, a row of whatever.
        times : float or sequence of float
            In the unit of the data.

        Returns
        -------
        DataFrame
            Columns `row` (index of `newdata`), `time`, `estimate`, `std_error`, `conf_low`, `conf_high`. 1 up to time
            0; NaN for a row with a missing value and after the last time of the data.

        Examples
        --------
        >>> from dermcohort.survival import interval_ph
        >>> data = pd.DataFrame({"left": [0, 2, 4, 1, 5, 3], "right": [2, 5, None, 3, 8, 7]})
        >>> fit = interval_ph("1", data, left="left", right="right", knots=0)
        >>> fit.survival(data[:1], [2, 6])[["estimate", "conf_low", "conf_high"]].round(2)
           estimate  conf_low  conf_high
        0      0.82      0.31       0.97
        1      0.15      0.00       0.51
        """
        X = self._new_matrix(newdata).to_numpy()
        moments = np.atleast_1d(np.asarray(times, float))
        known = (moments > 0) & (moments <= self.last_time)
        basis = np.zeros((len(moments), len(self.knots)))
        basis[known] = baseline_basis(moments[known], np.log(self.knots))
        gradient = np.concatenate([np.repeat(X, len(moments), axis=0), np.tile(basis, (len(X), 1))], axis=1)
        eta = gradient @ self.coefficients.to_numpy()
        error = np.sqrt(np.einsum("ij,ij->i", gradient @ self.covariance.to_numpy(), gradient))
        z = norm.ppf(0.5 + self.conf_level / 2)
        found = pd.DataFrame(
            {
                "row": np.repeat(newdata.index.to_numpy(), len(moments)),
                "time": np.tile(moments, len(X)),
                "estimate": np.exp(-np.exp(eta)),
                "std_error": np.exp(-np.exp(eta) + eta) * error,
                "conf_low": np.exp(-np.exp(eta + z * error)),
                "conf_high": np.exp(-np.exp(eta - z * error)),
            }
        )
        values = ["estimate", "std_error", "conf_low", "conf_high"]
        found.loc[found["time"] <= 0, values] = [1.0, 0.0, np.nan, np.nan]
        found.loc[found["time"] > self.last_time, values] = np.nan
        return found


def interval_ph(
    formula: str,
    data: pd.DataFrame,
    *,
    left: str,
    right: str,
    entry: str | None = None,
    knots: int | Sequence[float] = 2,
    cluster: str | Sequence[str] | None = None,
    weights: str | None = None,
    robust: bool | None = None,
    conf_level: float = 0.95,
) -> IntervalFit:
    """Proportional hazards regression of interval-censored times, the log cumulative baseline hazard a spline.

    What Cox regression is where times are known. An onset that was seen at a visit lies between it and the visit
    before: the date of the visit, or the middle, is not the date of onset.

    Parameters
    ----------
    formula : str
        The right-hand side, ``"age + sex"``; ``"1"`` for a curve without covariates.
    data : DataFrame
        One row a person. Rows in which neither bound is known, or with a missing value in another variable used, are
        left out and counted.
    left : str
        Column of the last time at which the event had not happened; missing or 0 where there is none (left-censored).
    right : str
        Column of the first time at which it had happened; missing or infinite where it was never seen
        (right-censored). The event is in (left, right], or at the time where both are the same.
    entry : str, optional
        Column of the time from which a row is at risk (left truncation), such as age at the first visit.
    knots : int or list of float
        Number of knots inside, at equally spaced quantiles of the events (those in an interval counting as in its
        middle), with outer ones at the first and the last. 0 is a Weibull distribution; compare `.aic`. Or the times
        of all knots, the outer ones among them.
    cluster : str or list of str, optional
        Column or columns whose rows may depend on each other; the variance is then cluster-robust (CR0).
    weights : str, optional
        Column of sampling or inverse-probability weights. The variance is then robust unless ``robust=False``, which
        is right for frequency weights.
    robust : bool, optional
        Ask for, or refuse, the robust variance.
    conf_level : float
        Level of the Wald intervals.

    Returns
    -------
    IntervalFit
        Rows of `measure` "HR", a row of 1 for each reference level; with `.survival(newdata, times)`,
        `.predict(newdata)`, `.loglik` and `.aic`.

    Raises
    ------
    ValueError
        For a formula that does not fit the data, bounds that are no numbers, negative or in the wrong order, no event,
        or knots that do not fit the times.

    Notes
    -----
    Royston & Parmar (2002); the likelihood of R's ``flexsurv::flexsurvspline(scale = "hazard")``, whose spline has
    other coefficients and is the same function. With `entry` the event is known to be after it: a smaller left bound
    is moved there.

    Examples
    --------
    >>> data = pd.DataFrame({"left": [0, 2, 4, 1, 5, 3, 0, 1], "right": [2, 5, None, 3, 8, 7, 1, 4],
    ...                      "exposed": [1, 0, 0, 1, 0, 0, 1, 1]})
    >>> fit = interval_ph("exposed", data, left="left", right="right", knots=0)
    >>> fit.table[["term", "measure", "n", "events"]]
          term measure  n  events
    0  exposed      HR  8       7

    Times known exactly or right-censored, as in Cox regression, have `left` equal to `right`, or no right bound:

    >>> data = pd.DataFrame({"years": [9.0, 1, 1, 6, 6, 8], "died": [1, 1, 0, 1, 1, 0]})
    >>> data["until"] = data["years"].where(data["died"] == 1)
    >>> interval_ph("1", data, left="years", right="until", knots=0).events
    4
    """
    if robust is False and cluster is not None:
        raise ValueError("robust=False does not fit cluster=: leave one out")
    clusters = as_list(cluster)
    others = used_columns(left, right, entry, clusters, weights)
    require_columns(data, others, "data")
    frame = build_design(
        formula, with_bounds(data, left, right), two_sided=False, others=others, intercept=False
    )
    w = check_weights(frame.frame, weights)
    w = np.ones(len(frame.frame)) if w is None else w
    low, high, start = _times(frame.frame, left, right, entry)
    event = np.isfinite(high) & (w > 0)
    if not event.any():
        raise ValueError(f"'{right}' is never known: there is no event among the {len(low):,} complete rows")
    places = _knots(low[event], high[event], knots)
    center = np.average(frame.matrix, axis=0, weights=w)
    rows = SplineRows(low, high, start, frame.matrix - center, w, np.log(places))
    fit = maximize_spline_likelihood(rows)

    # the model has the spline at covariates 0 and comes last: beta first, then gamma, its constant less the means
    size, p = len(places), len(center)
    order = np.r_[size : size + p, 0:size]
    shift = np.eye(p + size)
    shift[p, :p] = -center
    coefficients = shift @ fit.optimum.parameters[order]
    bread = shift @ fit.optimum.inverse_information[np.ix_(order, order)] @ shift.T
    use_robust = (weights is not None or bool(clusters)) if robust is None else robust
    codes = frame.codes(clusters or None)
    covariance = bread
    if use_robust:
        influence = w[:, None] * fit.scores @ fit.optimum.inverse_information
        covariance = sandwich(influence[:, order] @ shift.T, codes)

    moving = still_moving(rows.X, fit.optimum.last_step[size:])
    unbounded = moving & fit.optimum.converged
    names = [*frame.names, *(f"spline[{i}]" for i in range(size))]
    last_time = float(max(low.max(), high[event].max()))
    notes = [*frame.notes, bounds_note(low, high)]
    if weights is not None:
        kind = "sampling or inverse-probability" if use_robust else "frequency"
        notes.append(f"Weights: {kind} weights from '{weights}'.")
    notes += sparse_notes(int(event.sum()), p + size, None if codes is None else int(codes.max()) + 1)
    if unbounded.any():
        which = ", ".join(name for name, flag in zip(frame.names, unbounded, strict=True) if flag)
        notes.append(f"The hazard ratio of {which} has no finite estimate: combine levels.")
    elif not fit.optimum.converged:
        notes.append("The fit did not converge: do not use these estimates; try fewer knots.")
    notes += _monotone_note(fit.optimum.parameters[:size], rows, last_time)
    return IntervalFit(
        table=coefficient_table(
            frame.columns,
            frame.matrix,
            coefficients[:p],
            covariance[:p, :p],
            measure="HR",
            conf_level=conf_level,
            event=event,
            unbounded=unbounded,
        ),
        method=_method(size, entry, clusters, use_robust),
        n=len(low),
        events=int(event.sum()),
        n_missing=frame.n_missing,
        notes=tuple(notes),
        conf_level=conf_level,
        coefficients=pd.Series(coefficients, names, name="coef"),
        covariance=pd.DataFrame(covariance, names, names),
        loglik=fit.optimum.loglik,
        robust="CR0" if use_robust and clusters else "HC0" if use_robust else None,
        design=frame,
        knots=tuple(places.tolist()),
        last_time=last_time,
    )


def _times(
    frame: pd.DataFrame, left: str, right: str, entry: str | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Bounds and entry (0 where everybody enters at the start); no left bound is before the entry."""
    low, high = frame[left].to_numpy(float), frame[right].to_numpy(float)
    if entry is None:
        return low, high, np.zeros(len(low))
    if not pd.api.types.is_numeric_dtype(frame[entry]):
        raise ValueError(f"entry: '{entry}' must be a number, it is {frame[entry].dtype}")
    start = frame[entry].to_numpy(float)
    until = np.where(np.isinf(high), low, high)
    never = ~((start >= 0) & (until > start))
    if never.any():
        raise ValueError(
            f"'{right}' (or '{left}' where there is no event) is not after '{entry}' in {int(never.sum())} rows: such rows "
            "are never at risk, correct or drop them"
        )
    return np.maximum(low, start), high, start


def _knots(low: np.ndarray, high: np.ndarray, knots: int | Sequence[float]) -> np.ndarray:
    """Times of the knots, from those of the events or as given."""
    if isinstance(knots, int) and not isinstance(knots, bool):
        if not 0 <= knots <= MOST_KNOTS:
            raise ValueError(f"knots={knots} must be from 0 to {MOST_KNOTS}, or a list of times")
        middle = np.log((low + high) / 2)
        places = np.exp(np.quantile(middle, np.linspace(0, 1, knots + 2)))
        if knots == 0 and places[0] == places[1]:
            return places[0] * np.array([1.0, 2.0])  # the line is the same wherever its knots are
        if (np.diff(places) <= 1e-9 * places[-1]).any():
            raise ValueError(
                f"knots={knots}: the events have too few different times for it; use fewer knots"
            )
        return places
    places = np.asarray(knots, float)
    if places.ndim != 1 or len(places) < 2 or not (np.isfinite(places).all() and (places > 0).all()):
        raise ValueError(f"knots={knots!r} must be a number, or a list of two times or more that are above 0")
    if (np.diff(places) <= 0).any():
        raise ValueError(f"knots={list(knots)}: the times must increase")  # type: ignore[arg-type]
    return places


def _monotone_note(gamma: np.ndarray, rows: SplineRows, last_time: float) -> tuple[str, ...]:
    """A warning where the fitted cumulative hazard falls between two times of the data."""
    ends = np.concatenate([rows.left, rows.entry, rows.right])
    first = ends[ends > 0].min()
    grid = np.geomspace(first, last_time, 1001)
    falls = grid[baseline_slopes(grid, rows.knots) @ gamma < 0]
    if not len(falls):
        return ()
    return (
        f"The fitted cumulative hazard falls between times {falls[0]:.3g} and {falls[-1]:.3g}, which no hazard does: "
        "the data say little there; use fewer knots.",
    )


def _method(size: int, entry: str | None, clusters: Sequence[str], robust: bool) -> str:
    inside = size - 2
    baseline = "Weibull" if inside == 0 else f"spline of log time, {inside} inner knot{'s' * (inside > 1)}"
    parts = [f"cumulative baseline hazard: {baseline}"]
    if entry is not None:
        parts.append("delayed entry")
    if robust:
        parts.append("robust variance" + (f" clustered by {' and '.join(clusters)}" if clusters else ""))
    return (
        f"Hazard ratios from interval-censored times by proportional hazards regression ({', '.join(parts)}; maximum "
        "likelihood), Wald intervals."
    )
