"""Aalen's additive regression: hazards that covariates add to, by amounts that may change over time.

The estimating equations are in `aalen_additive`. Agrees with R's `survival::aareg` and its `summary` (test "aalen").
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from scipy.stats import norm

from ..design import build_design, coefficient_table, require_columns
from ..estimates import FittedModel
from ..wording import suggest
from .aalen_additive import AdditiveIncrements, additive_increments
from .cox_rows import cox_rows
from .frame import used_columns

AVERAGE = (
    "An average increment is what one event adds to a cumulative coefficient: take sign and test from it, and the size "
    "of a difference by a time from .cumulative."
)


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class AdditiveHazardsFit(FittedModel):
    """Average increments of the cumulative coefficients in `.table`.

    `.cumulative` has a row for each event time: `time`, `n_risk`, and the cumulative coefficient of each column of the
    model, whose standard errors stand in the same places of `.cumulative_std_error`. `.coefficients` are the averages,
    the intercept among them. There is no likelihood: `.loglik` is missing.
    """

    cumulative: pd.DataFrame
    cumulative_std_error: pd.DataFrame

    def curve(self, coefficient: str) -> pd.DataFrame:
        """The cumulative coefficient over time with pointwise Wald limits.

        Returns
        -------
        DataFrame
            `time`, `n_risk`, `estimate`, `std_error`, `conf_low`, `conf_high`.

        Raises
        ------
        ValueError
            For a coefficient the model does not have.
        """
        if coefficient not in self.coefficients:
            known = list(self.coefficients.index)
            raise ValueError(
                f"coefficient: '{coefficient}' is not in the model.{suggest(coefficient, known)} "
                f"It has {', '.join(known)}"
            )
        estimate, error = self.cumulative[coefficient], self.cumulative_std_error[coefficient]
        half = norm.ppf(0.5 + self.conf_level / 2) * error
        return self.cumulative[["time", "n_risk"]].assign(
            estimate=estimate, std_error=error, conf_low=estimate - half, conf_high=estimate + half
        )

    def plot(
        self,
        ax: Axes | None = None,
        *,
        labels: Mapping[str, str] | None = None,
        coefficient: str | None = None,
    ) -> Axes:
        """Cumulative coefficients with pointwise intervals: the slope of a curve is the hazard difference then.

        Parameters
        ----------
        ax : matplotlib Axes, optional
        labels : mapping, optional
            Printed name of a coefficient or of time.
        coefficient : str, optional
            The coefficient to draw; a panel for each where not given, which needs a figure of its own.

        Returns
        -------
        Axes
            The first panel.
        """
        from ..figures import coefficient_panels, curve_figure
        from ..language import labels_of

        names = labels_of(labels)
        shown = coefficient_panels(ax, list(self.coefficients.index), coefficient)
        for panel, name in shown:
            curve_figure(
                {"": self.curve(name)},
                panel,
                x_label="time",
                y_label=names.sentence(f"cumulative coefficient of {names.get(name, name)}"),
                start=0.0,
                intervals=True,
                n_risk=None,
                labels=names,
            )
            panel.autoscale(axis="y")  # it may be below 0
            panel.axhline(0, color="0.6", linewidth=0.8, zorder=0)
        return shown[0][0]


def additive_hazards(
    formula: str,
    data: pd.DataFrame,
    *,
    time: str,
    event: str,
    entry: str | None = None,
    conf_level: float = 0.95,
) -> AdditiveHazardsFit:
    """Aalen's additive hazards regression: how much a covariate adds to the hazard, in the course of time.

    The hazard at time t is b_0(t) + b_1(t) x_1 + ... + b_p(t) x_p, the b_j(t) free. What is estimated is the cumulative
    coefficient B_j(t), the integral of b_j: for a risk that is small, the risk difference by t that a unit of x_j goes
    with. The table tests B_j = 0 and has a weighted average of the increments of B_j.

    Parameters
    ----------
    formula : str
        The right-hand side, ``"age + sex"``. A covariate that is a category is compared with its first level.
    data : DataFrame
        One row a person, or an episode where `entry` is given. Rows with a missing value in a variable used are left
        out and counted.
    time : str
        Column of the time of event or end of follow-up.
    event : str
        Column that is 0/1, bool, or a category of two levels, the second being the event.
    entry : str, optional
        Column of the time from which a row is at risk: at risk over (entry, time].
    conf_level : float
        Level of the Wald intervals, from the normal distribution.

    Returns
    -------
    AdditiveHazardsFit
        Rows of `measure` "average increment"; with `.cumulative`, `.curve()` and `.plot()`.

    Raises
    ------
    ValueError
        If fewer than two event times have enough people at risk, and as `cox`.

    Notes
    -----
    At an event time n people are at risk, their covariates having mean m and covariance V (divisor n). An event of
    somebody with covariates x adds V^-1 (x - m) / n to the cumulative coefficients and 1/n - m' V^-1 (x - m) / n to that
    of the intercept: least squares of the events on the covariates. Their variances are sums of squared increments.

    The test weighs each increment by the inverse of its diagonal element of (X'X)^-1, X with a column of ones: n / (V^-1)_jj,
    and n / (1 + m' V^-1 m) for the intercept. T is the weighted sum of increments, its covariance the sum of their outer
    products; `statistic` is T over its standard error. `coef` and `estimate` are T divided by the sum of weights: the
    average of what an event adds, which the summary of R's `aareg` names `coef`. It depends on the order of times only:
    it is no rate per unit of time. `term_tests` of a covariate of several levels is R's chi-square; as each level has weights
    of its own, it depends somewhat on which level is the reference.

    Only event times with at least three people at risk for each covariate, whose covariates determine the coefficients,
    add anything, as in R. With `entry` such times may also come first; R then drops times from the end instead.

    Sources: Aalen (1989) Stat Med 8:907; Therneau's `survival::aareg` and `summary.aareg`.

    Examples
    --------
    >>> data = pd.DataFrame({"years": [1, 2, 3, 4, 5, 6, 7, 8], "ill": [1, 1, 1, 0, 1, 1, 0, 1],
    ...                      "exposed": [1, 1, 0, 1, 1, 0, 0, 0]})
    >>> fit = additive_hazards("exposed", data, time="years", event="ill")
    >>> fit.table[["estimate", "std_error"]].round(3).to_numpy().tolist()
    [[0.257, 0.193]]
    >>> fit.cumulative[["time", "exposed"]].round(3).to_numpy().tolist()
    [[1.0, 0.25], [2.0, 0.583], [3.0, 0.333], [5.0, 1.333]]
    """
    require_columns(data, used_columns(time, event, entry), "data")
    frame = build_design(formula, data, two_sided=False, others=used_columns(time, event, entry))
    if len(frame.columns) < 2:
        raise ValueError("formula has no covariate: use nelson_aalen for a cumulative hazard without any")
    taken = {"time", "n_risk"} & set(frame.names)
    if taken:
        raise ValueError(
            f"formula: a covariate is named '{taken.pop()}', as is a column of .cumulative: rename it"
        )
    rows = cox_rows(frame, time=time, event=event, entry=entry, strata=[], weights=None, ties="breslow")

    found = additive_increments(rows.X[:, 1:], rows.exit_, rows.risk_sets())

    weighted = found.weights * found.increments
    total = found.weights.sum(axis=0)
    average = weighted.sum(axis=0) / total
    covariance = weighted.T @ weighted / np.outer(total, total)
    return AdditiveHazardsFit(
        table=coefficient_table(
            frame.columns,
            rows.X,
            average,
            covariance,
            measure="average increment",
            conf_level=conf_level,
            event=rows.event,
            ratio=False,
        ),
        method="Average increments of cumulative hazard differences by Aalen's additive hazards regression"
        f"{'' if entry is None else ' (delayed entry)'}, Wald intervals.",
        n=len(rows.X),
        events=int(rows.event.sum()),
        n_missing=frame.n_missing,
        notes=(*frame.notes, *_notes(found)),
        conf_level=conf_level,
        coefficients=pd.Series(average, frame.names, name="coef"),
        covariance=pd.DataFrame(covariance, frame.names, frame.names),
        loglik=np.nan,
        robust="least squares",
        design=frame,
        cumulative=_over_time(found, found.increments, frame.names),
        cumulative_std_error=_over_time(found, found.increments**2, frame.names).transform(
            lambda column: column if column.name in ("time", "n_risk") else np.sqrt(column)
        ),
    )


def _over_time(found: AdditiveIncrements, values: np.ndarray, names: list[str]) -> pd.DataFrame:
    """Running sums of what each event adds, one row an event time."""
    at_times = np.zeros((len(found.time), values.shape[1]))
    np.add.at(at_times, found.time_of_event, values)
    sums = pd.DataFrame(np.cumsum(at_times, axis=0), columns=names)
    return pd.concat([pd.DataFrame({"time": found.time, "n_risk": found.n_risk}), sums], axis=1)


def _notes(found: AdditiveIncrements) -> tuple[str, ...]:
    notes = [AVERAGE]
    left_out = found.n_times - len(found.time)
    if left_out:
        notes.append(
            f"{left_out:,} of {found.n_times:,} event times have fewer than {found.fewest} people at risk, or covariates "
            f"that do not vary among them, and add nothing; the last that does is {found.time[-1]:g}."
        )
    return tuple(notes)
