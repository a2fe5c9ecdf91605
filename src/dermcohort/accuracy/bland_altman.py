"""Agreement of two measurements of the same thing: bias and limits of agreement.

Sources: Bland & Altman (1986) Lancet 327:307 and (1999) Stat Methods Med Res 8:135 (approximate intervals); Carkeet
(2015) Optom Vis Sci 92:e71 (exact intervals of the limits, by the noncentral t distribution).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from scipy.stats import linregress, nct, norm, t

from ..estimates import Estimates, tidy
from .door import complete_rows, numbers, require_different

Z = norm.ppf(0.975)  # the limits hold 95% of the differences


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class BlandAltman(Estimates):
    """Bias and limits of agreement. `.points` has `mean` and `difference` of each subject; it is not saved."""

    a: str
    b: str
    points: pd.DataFrame | None = field(default=None, metadata={"saved": False})

    def plot(self, ax: Axes | None = None, *, labels: Mapping[str, str] | None = None) -> Axes:
        """Difference against mean, with the bias, the limits and their intervals. Returns the Axes."""
        from ..figures import bland_altman_figure

        if self.points is None:
            raise ValueError(
                "plot: these estimates keep no measurements of persons, as they were loaded from a file or passed "
                "disclosure control; run bland_altman again to draw them"
            )
        a, b = ((labels or {}).get(name, name) for name in (self.a, self.b))
        return bland_altman_figure(self.points, self.table, ax, a=a, b=b, labels=labels)


def bland_altman(
    data: pd.DataFrame, a: str, b: str, *, ci: str = "exact", conf_level: float = 0.95
) -> BlandAltman:
    """Bias of `a` against `b`, and the limits that hold 95% of the differences.

    Parameters
    ----------
    data : DataFrame
        One row a subject, measured once by each method.
    a, b : str
        Numeric columns in the same unit.
    ci : {"exact", "approximate"}
        Interval of the limits: Carkeet's (noncentral t) or Bland & Altman's (symmetric, for large samples).
    conf_level : float

    Returns
    -------
    BlandAltman
        Rows "bias" (mean of a - b, with t test of no bias), "lower limit" and "upper limit", in the unit of the
        data. Rows without both measurements are left out and counted. A note says so where the difference
        changes with the size of the measurement. The limits are NaN with fewer than two subjects.

    Raises
    ------
    ValueError
        For an unknown interval or column, or one that is not numeric.

    Examples
    --------
    >>> data = pd.DataFrame({"app": [10.0, 12, 15, 20], "doctor": [9.0, 13, 14, 18]})
    >>> bland_altman(data, "app", "doctor").table[["measure", "estimate"]].round(2)
           measure  estimate
    0         bias      0.75
    1  lower limit     -1.72
    2  upper limit      3.22
    """
    if ci not in ("exact", "approximate"):
        raise ValueError(f"ci='{ci}' is unknown; choose 'exact' or 'approximate'")
    require_different(a=a, b=b)
    frame, n_missing, notes = complete_rows(data, [a, b], conf_level)
    x, y = numbers(frame[a], a), numbers(frame[b], b)
    points = pd.DataFrame({"mean": (x + y) / 2, "difference": x - y})

    rows = limits_of_agreement(x - y, ci, conf_level)
    notes += _notes(points)
    interval = "Carkeet's exact" if ci == "exact" else "Bland and Altman's approximate"
    return BlandAltman(
        table=tidy(pd.DataFrame(rows).assign(term=f"{a} - {b}", n=len(frame))),
        method=(
            f"Bland-Altman 95% limits of agreement of {a} and {b} (bias -+ 1.96 SD of the differences), with "
            f"{interval} {100 * conf_level:.4g}% confidence intervals."
        ),
        n=len(frame),
        n_missing=n_missing,
        notes=tuple(notes),
        conf_level=conf_level,
        a=a,
        b=b,
        points=points,
    )


def limits_of_agreement(difference: np.ndarray, ci: str, conf_level: float) -> list[dict[str, Any]]:
    """Bias, lower and upper limit of the differences, with intervals."""
    n = len(difference)
    bias = difference.mean() if n else np.nan
    if n < 2:
        nan = dict.fromkeys(("conf_low", "conf_high", "std_error"), np.nan)
        return [
            {"measure": measure, "estimate": bias if measure == "bias" else np.nan, **nan}
            for measure in ("bias", "lower limit", "upper limit")
        ]
    sd, df = difference.std(ddof=1), n - 1
    quantile = t.ppf(0.5 + conf_level / 2, df)
    bias_error = sd / np.sqrt(n)
    statistic = bias / bias_error if sd > 0 else np.nan
    # Bland & Altman (1999) sect. 3.2: standard error of a limit, in SDs
    limit_error = np.sqrt(1 / n + Z**2 / (2 * df))
    if ci == "exact":
        # a limit is a percentile of the differences: its confidence limits are bias + sd t'(df, z sqrt n) / sqrt n
        tail = np.array([0.5 - conf_level / 2, 0.5 + conf_level / 2])
        near, far = nct.ppf(tail, df, Z * np.sqrt(n)) / np.sqrt(n)
    else:
        near, far = Z - quantile * limit_error, Z + quantile * limit_error
    limit = {"std_error": sd * limit_error, "df": df}
    return [
        {
            "measure": "bias",
            "estimate": bias,
            "conf_low": bias - quantile * bias_error,
            "conf_high": bias + quantile * bias_error,
            "p_value": 2 * t.sf(abs(statistic), df),
            "std_error": bias_error,
            "statistic": statistic,
            "df": df,
        },
        {
            "measure": "lower limit",
            "estimate": bias - Z * sd,
            "conf_low": bias - far * sd,
            "conf_high": bias - near * sd,
            **limit,
        },
        {
            "measure": "upper limit",
            "estimate": bias + Z * sd,
            "conf_low": bias + near * sd,
            "conf_high": bias + far * sd,
            **limit,
        },
    ]


def _notes(points: pd.DataFrame) -> list[str]:
    """Where the difference changes with the mean, one bias does not describe it (Bland & Altman 1999, sect. 3.1)."""
    n = len(points)
    if n == 0:
        return []
    if n < 2:
        return ["One subject has no limits of agreement."]
    if np.ptp(points["difference"]) == 0:
        return ["All differences are the same: the intervals have no width."]
    if n < 3 or np.ptp(points["mean"]) == 0:
        return []
    line = linregress(points["mean"], points["difference"])
    if not line.pvalue < 0.05:
        return []
    p = "p < 0.001" if line.pvalue < 0.001 else f"p = {line.pvalue:.3f}"
    return [
        f"The difference changes with the mean (slope {line.slope:.3g}, {p}): one bias and one pair of limits do "
        "not hold over the whole range."
    ]
