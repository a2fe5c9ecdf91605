"""The test of proportional hazards as users see it: with the course of each coefficient over time.

Scaled Schoenfeld residuals scatter around beta(t) (Grambsch & Therneau 1994, Biometrika 81:515). The smooth line is a
natural cubic spline with 4 degrees of freedom, as in R's `plot.cox.zph`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from scipy.stats import norm

from ..estimates import Estimates
from ..splines import spline_basis
from ..wording import suggest

POINTS = 40  # of the smooth line


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class ProportionalHazardsTest(Estimates):
    """One row a term and a last row `GLOBAL`.

    `.residuals` has a row for each event: `time`, `x` (time on the scale of the test), and the scaled Schoenfeld residual
    of each coefficient; `.coefficients` and their `.variances` are those of the model.
    """

    residuals: pd.DataFrame
    coefficients: pd.Series
    variances: pd.Series
    time_label: str = "time"

    def smooth(self, coefficient: str) -> pd.DataFrame:
        """A smooth line through the residuals of a coefficient, which shows how it changes with time.

        Returns
        -------
        DataFrame
            40 rows: `x`, on the scale of the test, `estimate`, `std_error`, `conf_low`, `conf_high`. None where there
            are too few distinct times for a spline.

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
        x = self.residuals["x"].to_numpy()
        grid, fitted, error = natural_smooth(
            x,
            self.residuals[coefficient].to_numpy(),
            float(self.variances[coefficient]) * len(x),
        )
        half = norm.ppf(0.5 + self.conf_level / 2) * error
        return pd.DataFrame(
            {
                "x": grid,
                "estimate": fitted,
                "std_error": error,
                "conf_low": fitted - half,
                "conf_high": fitted + half,
            }
        )

    def plot(
        self,
        ax: Axes | None = None,
        *,
        labels: Mapping[str, str] | None = None,
        coefficient: str | None = None,
    ) -> Axes:
        """Scaled Schoenfeld residuals over time with a smooth line: flat where hazards are proportional.

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
        from ..figures import coefficient_panels, residual_figure

        if self.residuals.empty:
            raise ValueError(
                "plot: the residuals, one an event, did not pass disclosure control; draw them from the test itself"
            )
        names = labels or {}
        shown = coefficient_panels(ax, list(self.coefficients.index), coefficient)
        for panel, name in shown:
            line = self.smooth(name)
            residual_figure(
                panel,
                self.residuals["x"].to_numpy(),
                self.residuals[name].to_numpy(),
                line,
                self.residuals["time"].to_numpy(),
                coefficient=float(self.coefficients[name]),
                x_label=self.time_label,
                y_label=f"log HR of {names.get(name, name)}",
                labels=labels,
            )
        return shown[0][0]


def natural_smooth(
    x: np.ndarray, y: np.ndarray, variance: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Least squares of y on a natural spline of x: points, line and standard error for residuals of this variance.

    The inner knots are the tertiles of x and the points together, as R has it.
    """
    grid = np.linspace(x.min(), x.max(), POINTS)
    knots = np.quantile(np.concatenate([grid, x]), [0, 1 / 3, 2 / 3, 1])
    if len(np.unique(x)) < 5 or len(np.unique(knots)) < 4:
        return np.empty(0), np.empty(0), np.empty(0)
    # on 0 to 1 the basis keeps its digits
    size = knots[-1] - knots[0]
    B, P = (
        np.column_stack([np.ones(len(v)), spline_basis((v - knots[0]) / size, (knots - knots[0]) / size)])
        for v in (x, grid)
    )
    Q, R = np.linalg.qr(B)
    T = np.linalg.solve(R.T, P.T).T
    return grid, T @ (Q.T @ y), np.sqrt(variance * np.einsum("ij,ij->i", T, T))
