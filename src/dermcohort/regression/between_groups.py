"""How groups differ, from the random intercept of a logistic or Poisson model: table and sentences."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.stats import chi2, norm

from .correlated import Grouping
from .families import LOGIT, Canonical
from .random_intercept import RandomInterceptFit

FEW_GROUPS = 30


def intercept_variation(
    family: Canonical, fit: RandomInterceptFit, names: Sequence[str], conf_level: float
) -> pd.DataFrame:
    """The random SD and what follows from it; intervals by that of log sd. No interval at sd = 0."""
    statistic = max(2 * (fit.loglik - fit.loglik_independent), 0.0)
    p_value = chi2.sf(statistic, 1) / 2 if fit.sd > 0 else 1.0
    variance = fit.covariance[-1, -1] if fit.sd > 0 else np.nan
    with np.errstate(over="ignore", invalid="ignore"):  # a bound of an SD near 0 may be infinite
        margin = norm.ppf(0.5 + conf_level / 2) * np.sqrt(variance) / (fit.sd or np.nan)
        sd = fit.sd * np.exp([0.0, -margin, margin])
        median_ratio = np.exp(sd * 2**0.5 * norm.ppf(0.75))
    values = {"random SD": sd}
    if family is LOGIT:
        values["ICC"] = 1 - 1 / (1 + sd**2 / (np.pi**2 / 3))
    values[f"median {family.measure}"] = median_ratio
    table = pd.DataFrame.from_dict(values, orient="index", columns=["estimate", "conf_low", "conf_high"])
    table = table.rename_axis("measure").reset_index()
    table.insert(0, "term", ":".join(names))
    return table.assign(p_value=p_value)


def variation_note(variation: pd.DataFrame, names: Sequence[str], conf_level: float) -> str:
    """The table in one sentence."""
    if variation["estimate"].iloc[0] == 0:
        return (
            f"The variation between groups of '{', '.join(names)}' is estimated as 0: the fit is that of "
            "independent rows."
        )
    shown = [
        f"{row.measure} {row.estimate:.3g} ({100 * conf_level:.4g}% CI {row.conf_low:.3g}, {row.conf_high:.3g})"
        for row in variation.itertuples()
    ]
    p = variation["p_value"].iloc[0]
    test = "p < 0.001" if p < 0.001 else f"p = {p:.3f}"
    return f"Between groups: {', '.join(shown)}; likelihood ratio test {test}."


def few_groups_notes(grouping: Grouping) -> list[str]:
    """Source: McNeish & Stapleton (2016) Educ Psychol Rev 28:295."""
    if grouping.n_groups >= FEW_GROUPS:
        return []
    return [
        f"Few groups: {grouping.n_groups}. Below about {FEW_GROUPS} the variation between groups is imprecise, and "
        "intervals of effects that differ between groups are too narrow. Effects within groups can also be had with the "
        "groups as a factor in the formula."
    ]
