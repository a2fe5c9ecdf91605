"""Prevalence of a binary outcome, over all rows or by groups, with the usual intervals for a proportion.

Sources: Wilson (1927) JASA 22:209; Clopper & Pearson (1934) Biometrika 26:404; Agresti & Coull (1998) Am Stat
52:119; Brown, Cai & DasGupta (2001) Stat Sci 16:101 (Jeffreys interval and its ends at 0 and n). Survey
weights, standardization and pooling are not yet here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from scipy.special import expit, logit
from scipy.stats import beta, norm

from .design import as_list, binary_outcome, require_columns
from .estimates import Estimates, missing_note, tidy

Interval = Callable[[np.ndarray, np.ndarray, float], tuple[np.ndarray, np.ndarray]]


def crude(
    data: pd.DataFrame,
    outcome: str,
    by: str | Sequence[str] | None = None,
    *,
    ci: str = "wilson",
    conf_level: float = 0.95,
) -> Estimates:
    """Proportion with the outcome, each row counting once.

    Parameters
    ----------
    data : DataFrame
    outcome : str
        Column that is 0/1, bool, or a category of two levels of which the second is counted.
    by : str or list of str, optional
        Column or columns whose combinations are the groups. Empty groups are left out.
    ci : {"wilson", "wald", "clopper-pearson", "agresti-coull", "jeffreys", "logit"}
        Interval. "logit" has none where nobody or everybody has the outcome; Clopper-Pearson stands in.
    conf_level : float

    Returns
    -------
    Estimates
        One row a group: `estimate`, `conf_low`, `conf_high` as proportions (0 to 1), `measure` "prevalence",
        `std_error`, `n`, `events`. Rows with a missing outcome or group are left out and counted.

    Examples
    --------
    >>> data = pd.DataFrame({"eczema": ["no", "yes", "no", "no"]})
    >>> crude(data, "eczema").table[["estimate", "n", "events"]]
       estimate  n  events
    0      0.25  4       1
    """
    if ci not in INTERVALS:
        raise ValueError(f"ci='{ci}' is unknown; choose one of {', '.join(INTERVALS)}")
    if not 0 < conf_level < 1:
        raise ValueError(f"conf_level={conf_level} must lie between 0 and 1, e.g. 0.95")
    groups = as_list(by)
    used = [outcome, *groups]
    require_columns(data, used, "data")
    event = pd.Series(binary_outcome(data[outcome], outcome), index=data.index)
    n_missing = {name: int(data[name].isna().sum()) for name in used}
    complete = data[used].notna().all(axis=1)
    counts = count_by(event[complete], data.loc[complete, groups])

    x, n = counts["events"].to_numpy(float), counts["n"].to_numpy(float)
    with np.errstate(invalid="ignore", divide="ignore"):
        proportion = x / n
        low, high = INTERVALS[ci](x, n, conf_level)
        std_error = np.sqrt(proportion * (1 - proportion) / n)
    table = counts.assign(
        term=outcome,
        measure="prevalence",
        estimate=proportion,
        conf_low=low,
        conf_high=high,
        std_error=std_error,
    )
    notes = [*missing_note(int(complete.sum()), len(data), n_missing)]
    at_end = bool(((x == 0) | (x == n)).any())
    if at_end and ci == "logit":
        notes.append("Where nobody or everybody has the outcome the interval is Clopper-Pearson's.")
    if at_end and ci == "wald":
        notes.append("A Wald interval has no width where nobody or everybody has the outcome: use Wilson's.")
    if not complete.any():
        notes.append("No row has the outcome and the groups: there is nothing to estimate.")
    return Estimates(
        table=tidy(table, groups),
        method=f"Crude prevalence with {NAMES[ci]} {100 * conf_level:.4g}% confidence intervals.",
        n=int(complete.sum()),
        events=int(event[complete].sum()),
        n_missing=n_missing,
        notes=tuple(notes),
        conf_level=conf_level,
    )


def count_by(event: pd.Series, groups: pd.DataFrame) -> pd.DataFrame:
    """Rows `n` and `events` of each combination of the columns of `groups` that occurs; one row without any."""
    if groups.shape[1] == 0:
        return pd.DataFrame({"n": [len(event)], "events": [int(event.sum())]})
    labelled = printable_groups(groups).assign(_event=event)
    grouped = labelled.groupby(list(groups.columns), observed=True, sort=True)["_event"]
    return grouped.agg(n="size", events="sum").astype(int).reset_index()


def printable_groups(groups: pd.DataFrame) -> pd.DataFrame:
    """Grouping columns with levels that can be printed and saved: intervals become text, empty ones go."""
    plain = groups.copy()
    for name in groups:
        if isinstance(groups[name].dtype, pd.CategoricalDtype):
            values = groups[name].cat.remove_unused_categories()
            levels = values.cat.categories
            plain[name] = (
                values if levels.inferred_type in TEXT_OR_NUMBER else values.cat.rename_categories(str)
            )
    return plain


TEXT_OR_NUMBER = ("string", "integer", "floating", "boolean")


def wilson(x: np.ndarray, n: np.ndarray, conf_level: float) -> tuple[np.ndarray, np.ndarray]:
    """Score interval, [p + z^2/2n -+ z sqrt(p(1-p)/n + z^2/4n^2)] / (1 + z^2/n)."""
    z = norm.ppf(0.5 + conf_level / 2)
    p = x / n
    half = z * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    low = (p + z**2 / (2 * n) - half) / (1 + z**2 / n)
    high = (p + z**2 / (2 * n) + half) / (1 + z**2 / n)
    return np.where(x == 0, 0.0, low), np.where(x == n, 1.0, high)


def wald(x: np.ndarray, n: np.ndarray, conf_level: float) -> tuple[np.ndarray, np.ndarray]:
    """p -+ z sqrt(p(1-p)/n), kept within 0 and 1."""
    half = norm.ppf(0.5 + conf_level / 2) * np.sqrt(x / n * (1 - x / n) / n)
    return np.clip(x / n - half, 0, 1), np.clip(x / n + half, 0, 1)


def clopper_pearson(x: np.ndarray, n: np.ndarray, conf_level: float) -> tuple[np.ndarray, np.ndarray]:
    """Exact interval from binomial tails, as quantiles of beta distributions."""
    tail = (1 - conf_level) / 2
    low = np.where(x == 0, 0.0, beta.ppf(tail, np.maximum(x, 1), n - x + 1))
    high = np.where(x == n, 1.0, beta.isf(tail, x + 1, np.maximum(n - x, 1)))
    return np.where(n > 0, low, np.nan), np.where(n > 0, high, np.nan)


def agresti_coull(x: np.ndarray, n: np.ndarray, conf_level: float) -> tuple[np.ndarray, np.ndarray]:
    """Wald interval after adding z^2/2 to both outcomes, kept within 0 and 1."""
    z = norm.ppf(0.5 + conf_level / 2)
    n_tilde = np.where(n > 0, n + z**2, np.nan)
    p_tilde = (x + z**2 / 2) / n_tilde
    half = z * np.sqrt(p_tilde * (1 - p_tilde) / n_tilde)
    return np.clip(p_tilde - half, 0, 1), np.clip(p_tilde + half, 0, 1)


def jeffreys(x: np.ndarray, n: np.ndarray, conf_level: float) -> tuple[np.ndarray, np.ndarray]:
    """Quantiles of beta(x + 1/2, n - x + 1/2); the end is 0 where x is 0, and 1 where x is n."""
    tail = (1 - conf_level) / 2
    low = np.where(x == 0, 0.0, beta.ppf(tail, x + 0.5, n - x + 0.5))
    high = np.where(x == n, 1.0, beta.isf(tail, x + 0.5, n - x + 0.5))
    return np.where(n > 0, low, np.nan), np.where(n > 0, high, np.nan)


def logit_interval(x: np.ndarray, n: np.ndarray, conf_level: float) -> tuple[np.ndarray, np.ndarray]:
    """Wald interval of log(p/(1-p)), whose standard error is 1/sqrt(n p (1-p))."""
    exact_low, exact_high = clopper_pearson(x, n, conf_level)
    inside = (x > 0) & (x < n)
    p = np.where(inside, x / n, 0.5)
    half = norm.ppf(0.5 + conf_level / 2) / np.sqrt(n * p * (1 - p))
    low, high = expit(logit(p) - half), expit(logit(p) + half)
    return np.where(inside, low, exact_low), np.where(inside, high, exact_high)


INTERVALS: dict[str, Interval] = {
    "wilson": wilson,
    "wald": wald,
    "clopper-pearson": clopper_pearson,
    "agresti-coull": agresti_coull,
    "jeffreys": jeffreys,
    "logit": logit_interval,
}
NAMES = {
    "wilson": "Wilson",
    "wald": "Wald",
    "clopper-pearson": "Clopper-Pearson",
    "agresti-coull": "Agresti-Coull",
    "jeffreys": "Jeffreys",
    "logit": "logit-transformed",
}
