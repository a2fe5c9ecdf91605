"""E-values: how strong unmeasured confounding would have to be to explain an association away.

Source: VanderWeele & Ding (2017) Ann Intern Med 167:268; conversions of odds ratios, hazard ratios and standardized
mean differences to risk ratios: VanderWeele (2017) Epidemiology 28:e58, Chinn (2000) Stat Med 19:3127. Numbers as R's
EValue; R takes 1.78 for 1.96 x 0.91 in the limits of a mean difference, where this takes 0.91 of the limits given.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ..estimates import Estimates, tidy
from ..tables import format_number

OfOne = Callable[[float], float]
RISK_RATIOS = ("RR", "PR", "IRR", "prevalence ratio")


@dataclass(frozen=True, eq=False, repr=False)
class EValues(Estimates):
    """Estimates with columns `e_value` and `e_value_limit`, that of the confidence limit closer to the null."""

    def to_display(self, labels: Mapping[str, str] | None = None) -> pd.DataFrame:
        """The table as text, the two E-values last."""
        shown = super().to_display(labels)
        # a term with levels has a line of its own above them
        names = self._labels(labels)
        lines = shown.index[shown.iloc[:, -1] != ""] if len(shown) != len(self.table) else shown.index
        for column, name in (("e_value", "E-value"), ("e_value_limit", "E-value of the limit")):
            values = [format_number(v, 2) for v in self.table[column]]
            shown[names.word(name)] = pd.Series(values, lines).reindex(shown.index, fill_value="")
        return shown


def e_value(
    estimate: float | Estimates,
    conf_low: float | None = None,
    conf_high: float | None = None,
    *,
    measure: str | None = None,
    rare: bool | None = None,
    true: float | None = None,
) -> EValues:
    """The least association, as risk ratios, that a confounder must have with exposure and outcome to explain one away.

    Parameters
    ----------
    estimate : float or Estimates
        A ratio (or, with `measure` "SMD", a standardized mean difference); or estimates, such as a fitted model, for
        an E-value of each of its rows.
    conf_low, conf_high : float, optional
        Its confidence limits.
    measure : {"RR", "PR", "IRR", "OR", "HR", "SMD"}, optional
        What `estimate` is; "RR" if not given. Estimates name theirs.
    rare : bool, optional
        Whether the outcome is rare (under 15% at the end of follow-up). Odds and hazard ratios need it: those of a
        rare outcome are taken as risk ratios, of a common one converted.
    true : float, optional
        The value the association is to be shifted to; no association if not given.

    Returns
    -------
    EValues
        One row an association: `estimate`, `conf_low` and `conf_high` as given, `e_value`, and `e_value_limit` for the
        limit closer to `true`, 1 where the interval holds it and NaN where there is none. Reference levels are left
        out.

    Raises
    ------
    ValueError
        For a ratio that is negative, limits that do not hold the estimate, an unknown measure, or an odds or hazard
        ratio without `rare`.

    Examples
    --------
    >>> e_value(3.9, 1.8, 8.7).table[["estimate", "e_value", "e_value_limit"]].round(2)
       estimate  e_value  e_value_limit
    0       3.9     7.26            3.0
    """
    if isinstance(estimate, Estimates):
        for argument, given in (("conf_low", conf_low), ("conf_high", conf_high), ("measure", measure)):
            if given is not None:
                raise ValueError(f"{argument}= does not fit estimates, which have their own: leave it out")
        rows = _rows_of(estimate)
        n, events, conf_level = estimate.n, estimate.events, estimate.conf_level
        notes, of = estimate.notes, f" {estimate.method}"
    else:
        low = math.nan if conf_low is None else conf_low
        high = math.nan if conf_high is None else conf_high
        rows = pd.DataFrame(
            {"term": ["association"], "measure": [measure or "RR"], "estimate": [float(estimate)]}
        ).assign(conf_low=float(low), conf_high=float(high))
        n, events, conf_level, notes, of = 0, None, 0.95, (), ""
    values = [_of_row(row, rare, true) for row in rows.to_dict("records")]
    return EValues(
        table=tidy(rows.assign(e_value=[v for v, _ in values], e_value_limit=[v for _, v in values])),
        method=f"E-values (VanderWeele & Ding 2017){_assumed(rows, rare)}.{of}",
        n=n,
        events=events,
        notes=notes,
        conf_level=conf_level,
    )


def of_risk_ratio(risk_ratio: float, true: float = 1.0) -> float:
    """RR + sqrt(RR (RR - 1)), with RR how far the ratio is from `true`, above 1."""
    away = max(risk_ratio / true, true / risk_ratio) if risk_ratio > 0 else math.inf
    return away + math.sqrt(away * (away - 1)) if math.isfinite(away) else math.inf


def to_risk_ratio(measure: str, rare: bool | None) -> OfOne:
    """The conversion of a measure to an approximate risk ratio."""
    if measure in RISK_RATIOS:
        return float
    if measure == "SMD":
        return lambda difference: math.exp(0.91 * difference)
    if measure not in ("OR", "HR", "odds ratio"):
        raise ValueError(f"measure='{measure}' has no E-value; choose one of RR, PR, IRR, OR, HR, SMD")
    if rare is None:
        raise ValueError(
            f"rare: say whether the outcome is rare (under 15%), so that the {measure} can stand for a risk ratio, "
            "or common"
        )
    if rare:
        return float
    return _common_hazard if measure == "HR" else math.sqrt


def _common_hazard(ratio: float) -> float:
    if ratio == 0 or math.isinf(ratio):
        return ratio
    return (1 - 0.5 ** math.sqrt(ratio)) / (1 - 0.5 ** math.sqrt(1 / ratio))


def _rows_of(estimates: Estimates) -> pd.DataFrame:
    missing = [
        name for name in ("measure", "estimate", "conf_low", "conf_high") if name not in estimates.table
    ]
    if missing:
        raise ValueError(f"e_value: these estimates have no column '{missing[0]}'")
    table = estimates.table
    shown = table[table["conf_low"].notna() | table["conf_high"].notna()]
    if shown.empty:
        raise ValueError("e_value: no row of these estimates has an interval")
    names = [name for name in table if name not in ("coef", "std_error", "statistic", "df", "p_value")]
    return shown[names].reset_index(drop=True)


def _of_row(row: Mapping[Any, Any], rare: bool | None, true: float | None) -> tuple[float, float]:
    """E-values of an estimate and of its limit closer to the null."""
    measure = str(row["measure"])
    convert = to_risk_ratio(measure, rare)
    null = (0.0 if measure == "SMD" else 1.0) if true is None else true
    estimate, low, high = (row[name] for name in ("estimate", "conf_low", "conf_high"))
    given = {"estimate": estimate, "conf_low": low, "conf_high": high, "true": null}
    if measure != "SMD":
        for name, value in given.items():
            if value < 0 or (name == "true" and value == 0):
                raise ValueError(f"{name}: a {measure} is positive, it is {value}")
    if low > estimate or high < estimate:
        raise ValueError(f"the interval ({low}, {high}) does not hold the estimate {estimate}")
    target = convert(null)
    value = of_risk_ratio(convert(estimate), target)
    closer = low if estimate > null else high
    if estimate == null:
        return value, 1.0
    if np.isnan(closer):
        return value, math.nan
    crosses = closer <= null if estimate > null else closer >= null
    return value, 1.0 if crosses else of_risk_ratio(convert(closer), target)


def _assumed(rows: pd.DataFrame, rare: bool | None) -> str:
    measures = set(rows["measure"])
    if "SMD" in measures:
        return ", standardized mean differences converted to risk ratios"
    if measures <= set(RISK_RATIOS):
        return ""
    return ", taking the outcome as rare" if rare else ", converted to risk ratios of a common outcome"
