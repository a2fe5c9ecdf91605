"""Adjusted survival curves as users see them: at chosen times, their differences and ratios, and as a figure.

The attributable fraction is 1 - (1 - S_0(t)) / (1 - S(t)), S_0 with everyone at the reference and S with the exposure as
it is: Chen, Hu & Wang (2006) Stat Med 25:2045; Sjolander & Vansteelandt (2017) Stat Methods Med Res 26:948 (R's
`AF::AFcoxph`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from ..estimates import Estimates, tidy
from ..regression.effects import Uncertainty, difference_row, ratio_row
from ..variance import Replicates
from .cox_fit import CoxFit
from .partial_likelihood import maximize_partial_likelihood
from .product_limit import survival_interval
from .standardized_survival import averages, averages_and_covariances, population

Times = float | Sequence[float] | np.ndarray


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class AdjustedCurves(Estimates):
    """Adjusted survival curves. `.table` has a row for each level of the exposure and time.

    `fit` and the design `matrices` with each level are what other times are computed from; they are not saved.
    """

    exposure: str
    levels: tuple[str, ...]
    ci: str = "log-log"
    time_label: str = "time"
    fit: CoxFit | None = field(default=None, metadata={"saved": False})
    matrices: tuple[np.ndarray, ...] = field(default=(), metadata={"saved": False})

    def at(self, times: Times) -> pd.DataFrame:
        """The curves at any times.

        Parameters
        ----------
        times : float or sequence of float
            In the unit of the data.

        Returns
        -------
        DataFrame
            The exposure, `time`, `estimate`, `std_error`, `conf_low`, `conf_high`. NaN after the last time of the
            stratum that ends first.

        Raises
        ------
        ValueError
            For curves loaded from a file, as for all that follows.
        """
        moments = np.atleast_1d(np.asarray(times, float))
        means, covariances = standardize(self._fit("at"), self.matrices, moments)
        return curve_table(self.exposure, self.levels, moments, means, covariances, self.ci, self.conf_level)

    def risk_difference(self, times: Times) -> Estimates:
        """Risk by each time, 1 - S, less that of the first level, with Wald intervals.

        Returns
        -------
        Estimates
            Rows of `measure` "risk difference" with `time`, `level` and `reference`.
        """
        return self._compared(times, "risk difference", difference_row)

    def risk_ratio(self, times: Times) -> Estimates:
        """Risk by each time over that of the first level; intervals from its logarithm.

        Returns
        -------
        Estimates
            Rows of `measure` "risk ratio" with `time`, `level` and `reference`; NaN where a risk is 0.
        """
        return self._compared(times, "risk ratio", ratio_row)

    def attributable_fraction(self, times: Times) -> Estimates:
        """Share of the events by each time that would not have been by then, had everyone the first level.

        Returns
        -------
        Estimates
            Rows of `measure` "attributable fraction" with `time` and `reference`, and intervals from the logarithm of
            1 less the fraction. NaN where nobody had an event yet.
        """
        fit = self._fit("attributable_fraction")
        moments = np.atleast_1d(np.asarray(times, float))
        means, covariances = standardize(fit, [fit.design.matrix, self.matrices[0]], moments)
        rows = []
        for time, survival, covariance in zip(moments, means, covariances, strict=True):
            left = ratio_row(1 - survival, 1, 0, Uncertainty(self.conf_level, covariance))
            rows.append(
                {
                    "time": time,
                    "term": self.exposure,
                    "reference": self.levels[0],
                    "measure": "attributable fraction",
                    **left,
                    "estimate": 1 - left["estimate"],
                    "conf_low": 1 - left["conf_high"],
                    "conf_high": 1 - left["conf_low"],
                }
            )
        return self._estimates(rows, "Population attributable fractions")

    def to_display(self, labels: Mapping[str, str] | None = None) -> pd.DataFrame:
        """The curves at a handful of their times, as text."""
        from ..figures import round_times
        from ..tables import display_table

        grid = np.unique(self.table["time"])
        nearest = np.searchsorted(grid, round_times(grid[-1]), "right") - 1
        shown = self.table[self.table["time"].isin(grid[nearest[nearest >= 0]])]
        return display_table(tidy(shown, [self.exposure, "time"]), self.conf_level, self._labels(labels))

    def plot(
        self, ax: Axes | None = None, *, labels: Mapping[str, str] | None = None, intervals: bool = True
    ) -> Axes:
        """Step curves with their pointwise intervals. Returns the Axes."""
        from ..figures import curve_figure
        from ..tables import level_label

        names = labels or {}
        of_levels = self.table.groupby(self.exposure, observed=True, sort=False)
        return curve_figure(
            {level_label(self.exposure, level, names): curve for level, curve in of_levels},
            ax,
            x_label=self.time_label,
            y_label="Adjusted survival probability",
            start=1.0,
            intervals=intervals,
            n_risk=None,
            labels=labels,
        )

    def _compared(self, times: Times, measure: str, row: Callable[..., dict[str, float]]) -> Estimates:
        moments = np.atleast_1d(np.asarray(times, float))
        means, covariances = standardize(self._fit(measure), self.matrices, moments)
        rows = [
            {
                "time": time,
                "term": self.exposure,
                "level": self.levels[k],
                "reference": self.levels[0],
                "measure": measure,
                **row(1 - survival, k, 0, Uncertainty(self.conf_level, covariance)),
            }
            for k in range(1, len(self.levels))
            for time, survival, covariance in zip(moments, means, covariances, strict=True)
        ]
        return self._estimates(rows, f"{measure.capitalize()}s")

    def _estimates(self, rows: list[dict[str, Any]], what: str) -> Estimates:
        return Estimates(
            table=tidy(pd.DataFrame(rows), ["time"]),
            method=f"{what} from adjusted curves. {self.method}",
            n=self.n,
            events=self.events,
            n_missing=self.n_missing,
            notes=self.notes,
            conf_level=self.conf_level,
        )

    def _fit(self, asked: str) -> CoxFit:
        if self.fit is None:
            raise ValueError(f"{asked}: these curves were loaded from a file; fit the model again")
        return self.fit


def curve_table(
    exposure: str,
    levels: Sequence[str],
    times: np.ndarray,
    means: np.ndarray,
    covariances: np.ndarray,
    ci: str,
    conf_level: float,
) -> pd.DataFrame:
    """One row a level and time, with pointwise intervals."""
    survival = means.T.ravel()
    error = np.sqrt(np.diagonal(covariances, axis1=1, axis2=2)).T.ravel()
    with np.errstate(divide="ignore", invalid="ignore"):
        low, high = survival_interval(survival, error / survival, ci, conf_level)
    names = pd.Categorical(np.repeat(np.array(levels, object), len(times)), list(levels))
    return pd.DataFrame(
        {
            exposure: names,
            "time": np.tile(times, len(levels)),
            "estimate": survival,
            "std_error": error,
            "conf_low": low,
            "conf_high": high,
        }
    )


def standardize(
    fit: CoxFit, matrices: Sequence[np.ndarray], times: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Average survival (times, K) of the people of a fit with each design matrix, and its covariances (times, K, K)."""
    fitted, beta = fit.fitted_rows("adjusted curves"), fit.coefficients.to_numpy()
    people = population(fitted, beta, matrices, times)
    if not isinstance(fit.sample, Replicates):
        by_influence = fit.covariance_of if fit.robust else None
        return averages_and_covariances(people, fit.covariance.to_numpy(), by_influence)
    places = fit.design.frame.index.to_numpy()

    def of_weights(weights: np.ndarray) -> np.ndarray:
        kept = weights[places] > 0
        again = fitted.rows.with_weights(weights[places])
        coefficients = maximize_partial_likelihood(again.X, again.risk_sets()).coefficients
        of_kept = [X[kept] for X in matrices]
        return averages(population(again.at(coefficients), coefficients, of_kept, times)).ravel()

    means, K = averages(people), len(matrices)
    joint = fit.sample.covariance(of_weights).reshape(len(times), K, len(times), K)
    return means, np.moveaxis(np.diagonal(joint, axis1=0, axis2=2), -1, 0)
