"""Agreement of more than two raters on categories: Fleiss' kappa, overall and of each category.

Sources: Fleiss (1971) Psychol Bull 76:378; Fleiss, Nee & Landis (1979) Psychol Bull 86:974 (test of no agreement);
Gwet (2021) Psychometrika 86:1 and Handbook of Inter-Rater Reliability (2014) ch. 5 (standard error, subjects sampled).
The estimates and tests are those of irr::kappam.fleiss of R, the interval that of irrCAC::fleiss.kappa.raw.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import norm, t

from ..estimates import Estimates, tidy
from .door import codes_of, complete_rows, require_different, shared_levels


def fleiss_kappa(data: pd.DataFrame, raters: Sequence[str], *, conf_level: float = 0.95) -> Estimates:
    """Fleiss' kappa of two or more raters, overall and of each category.

    Which rater gave a rating does not matter, as where each subject is seen by other raters.

    Parameters
    ----------
    data : DataFrame
        One row a subject.
    raters : list of str
        Columns with the ratings, of the same kind of levels.
    conf_level : float

    Returns
    -------
    Estimates
        Row with no `level`: kappa overall; then one row a level: kappa of that level against all others. `conf_low`,
        `conf_high` and `std_error` hold for subjects sampled from many (t with subjects - 1 degrees of freedom,
        kept at or below 1); `statistic` and `p_value` test kappa = 0 with the standard error that holds then. `n` is
        the number of subjects, `events` that of ratings with the level. Subjects without all ratings are left out
        and counted. NaN where everybody has one and the same rating.

    Raises
    ------
    ValueError
        For fewer than two raters or an unknown column.

    Examples
    --------
    >>> data = pd.DataFrame({"r1": [1, 0, 1, 0], "r2": [1, 0, 1, 1], "r3": [1, 0, 0, 0]})
    >>> fleiss_kappa(data, ["r1", "r2", "r3"]).table["estimate"].round(3).tolist()
    [0.333, 0.333, 0.333]
    """
    if isinstance(raters, str) or len(raters) < 2:
        raise ValueError(f"raters must be a list of two or more columns, found {raters!r}")
    require_different(**{f"raters[{i}]": name for i, name in enumerate(raters)})
    frame, n_missing, notes = complete_rows(data, list(raters), conf_level)
    levels, _ = shared_levels(frame, ordered=False)
    codes = codes_of(frame, levels)
    counts = (codes[:, :, None] == np.arange(len(levels))).sum(axis=1)

    total = len(raters) * len(frame)
    rows = [{"level": None, **_row(counts, conf_level), "events": total}]
    for j, level in enumerate(levels):
        one = np.column_stack([counts[:, j], len(raters) - counts[:, j]])
        rows.append({"level": str(level), **_row(one, conf_level), "events": int(counts[:, j].sum())})
    if len(frame) and np.isnan(rows[0]["estimate"]):
        notes.append("Everybody has one and the same rating: kappa is not defined.")
    if rows[0]["std_error"] == 0:
        notes.append("Perfect agreement: the interval of kappa has no width.")
    return Estimates(
        table=tidy(pd.DataFrame(rows).assign(term=", ".join(raters), measure="kappa")),
        method=(
            f"Fleiss' kappa of {len(raters)} raters, {100 * conf_level:.4g}% confidence interval by Gwet's standard "
            "error for sampled subjects; test of no agreement by Fleiss, Nee & Landis (1979)."
        ),
        n=len(frame),
        n_missing=n_missing,
        notes=tuple(notes),
        conf_level=conf_level,
    )


def fleiss(counts: np.ndarray) -> tuple[float, float, float]:
    """Kappa, its standard error, and its standard error where kappa is 0.

    Parameters
    ----------
    counts : ndarray of int, shape (subjects, levels)
        Ratings of each subject by level; every subject has the same number m of ratings.
    """
    n, _ = counts.shape
    if n == 0 or np.count_nonzero(counts.sum(axis=0)) < 2:
        return np.nan, np.nan, np.nan
    m = int(counts[0].sum())
    p = counts.sum(axis=0) / (n * m)
    expected = (p**2).sum()
    agreement = (counts * (counts - 1)).sum(axis=1) / (m * (m - 1))
    value = (agreement.mean() - expected) / (1 - expected)
    # Gwet (2014) eq. 5.3.4: each subject's part in the agreement, and in the agreement expected by chance
    own = (agreement - expected) / (1 - expected)
    own_expected = counts @ p / m
    linear = own - 2 * (1 - value) * (own_expected - expected) / (1 - expected)
    std_error = np.sqrt(((linear - value) ** 2).sum() / (n * (n - 1))) if n > 1 else np.nan
    if (agreement == 1).all():
        value, std_error = 1.0, 0.0
    # Fleiss, Nee & Landis (1979) eq. 12
    pq = (p * (1 - p)).sum()
    spread = pq**2 - (p * (1 - p) * (1 - 2 * p)).sum()
    return value, std_error, np.sqrt(2 * spread / (n * m * (m - 1))) / pq


def _row(counts: np.ndarray, conf_level: float) -> dict[str, Any]:
    value, std_error, std_error_0 = fleiss(counts)
    n = len(counts)
    half = t.ppf(0.5 + conf_level / 2, n - 1) * std_error if n > 1 else np.nan
    statistic = value / std_error_0
    return {
        "estimate": value,
        "conf_low": value - half,
        "conf_high": min(value + half, 1.0),
        "std_error": std_error,
        "statistic": statistic,
        "p_value": 2 * norm.sf(abs(statistic)),
        "n": n,
    }
