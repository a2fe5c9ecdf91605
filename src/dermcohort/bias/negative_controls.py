"""An estimate calibrated by a negative control: an outcome or exposure that cannot be an effect or a cause.

Sources: Lipsitch, Tchetgen Tchetgen & Cohen (2010) Epidemiology 21:383; Sofer et al. (2016) Stat Sci 31:348.
"""

from __future__ import annotations

import math
from typing import Any

import pandas as pd
from scipy.stats import norm

from ..estimates import Estimates, tidy

RATIOS = ("OR", "PR", "RR", "IRR", "HR")


def negative_control(
    estimates: Estimates,
    control: Estimates,
    term: str,
    *,
    level: str | None = None,
    control_term: str | None = None,
    control_level: str | None = None,
) -> Estimates:
    """Divide a ratio by that of a negative control, which has the bias and nothing else.

    Parameters
    ----------
    estimates : Estimates
        With the ratio of interest, such as a fitted model.
    control : Estimates
        The same model of the negative control outcome, or with the negative control exposure.
    term, level : str
        Which row of `estimates`; the level where the term has several.
    control_term, control_level : str, optional
        Which row of `control`, where it is another one: a negative control exposure.

    Returns
    -------
    Estimates
        Three rows by `term`: "observed", "negative control" and "calibrated", the ratio of the two. The variance is the
        sum of both, as of independent estimates.

    Raises
    ------
    ValueError
        If there is no such row, several, or one that is no ratio with a standard error; or the measures differ.

    Examples
    --------
    >>> rows = {"term": ["bath"], "measure": ["OR"], "estimate": [1.5], "coef": [np.log(1.5)], "std_error": [0.1]}
    >>> found = Estimates(pd.DataFrame(rows), method="Odds ratio.", n=500)
    >>> other = Estimates(pd.DataFrame({**rows, "estimate": [1.2], "coef": [np.log(1.2)]}), method="", n=500)
    >>> negative_control(found, other, "bath").table[["term", "estimate"]]
                   term  estimate
    0          observed      1.50
    1  negative control      1.20
    2        calibrated      1.25
    """
    one = _row(estimates, term, level, "estimates")
    other = _row(control, control_term or term, control_level or level, "control")
    if one["measure"] != other["measure"]:
        raise ValueError(f"the estimate is a {one['measure']}, that of the control a {other['measure']}")
    coef = one["coef"] - other["coef"]
    std_error = math.hypot(one["std_error"], other["std_error"])
    rows = [
        ("observed", one["measure"], one["coef"], one["std_error"], estimates.n),
        ("negative control", one["measure"], other["coef"], other["std_error"], control.n),
        ("calibrated", f"ratio of {one['measure']}s", coef, std_error, estimates.n),
    ]
    half = norm.ppf(0.5 + estimates.conf_level / 2)
    table = pd.DataFrame(
        [
            {
                "term": name,
                "measure": measure,
                "estimate": math.exp(value),
                "conf_low": math.exp(value - half * error),
                "conf_high": math.exp(value + half * error),
                "p_value": float(2 * norm.sf(abs(value) / error)),
                "coef": value,
                "std_error": error,
                "n": n,
            }
            for name, measure, value, error, n in rows
        ]
    )
    return Estimates(
        table=tidy(table),
        method=(
            "Estimate calibrated by a negative control: ratio of the two, with the sum of their variances. "
            f"{estimates.method}"
        ),
        n=estimates.n,
        events=estimates.events,
        n_missing=estimates.n_missing,
        notes=(
            "The calibrated ratio is right where the negative control is not affected by the exposure (an outcome) or "
            "does not affect the outcome (an exposure), and unmeasured confounding multiplies both ratios equally.",
            "The two estimates are taken as independent; made on the same people they often go together, and the "
            "interval is then too wide.",
        ),
        conf_level=estimates.conf_level,
    )


def _row(estimates: Estimates, term: str, level: str | None, argument: str) -> dict[str, Any]:
    """The one row of a term and level that has a standard error."""
    table = estimates.table
    missing = [name for name in ("term", "measure", "coef", "std_error") if name not in table]
    if missing:
        raise ValueError(f"{argument}: no column '{missing[0]}'")
    found = table[(table["term"] == term) & (table["std_error"] > 0)]
    if level is not None and "level" in table:
        found = found[found["level"] == str(level)]
    named = term if level is None else f"{term} = {level}"
    if len(found) != 1:
        why = "none" if found.empty else f"{len(found)}, so give the level"
        raise ValueError(f"{argument}: one row '{named}' with a standard error is needed, there is {why}")
    row = {str(name): value for name, value in found.iloc[0].items()}
    if row["measure"] not in RATIOS:
        raise ValueError(f"{argument}: '{named}' is a {row['measure']}; one of {', '.join(RATIOS)} is needed")
    return row
