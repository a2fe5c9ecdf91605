"""Log-rank tests: do groups have the same hazard?

With d_k events among n_k at risk at the event time t_k of a stratum, n_kg of them in group g, the test compares the
weighted observed events of the groups, sum_k w_k d_kg, with the expected, sum_k w_k d_k n_kg / n_k; their covariance
is hypergeometric. The weight is w_k = S^rho (1 - S)^gamma, S the Kaplan-Meier curve of all groups of the stratum just
before t_k.

Sources: Mantel (1966) Cancer Chemother Rep 50:163; Harrington & Fleming (1982) Biometrika 69:553; Fleming & Harrington
(1991) Counting Processes and Survival Analysis, ch. 7; Tarone (1975) Biometrika 62:679 (trend). As R's
`survival::survdiff`, which has neither late entry nor gamma nor a trend.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import chi2

from ..design import as_list, binary_outcome, require_columns
from ..estimates import Estimates, missing_note, tidy
from ..groups import group_codes, level_scores
from ..tables import format_p
from .frame import check_times, used_columns
from .partial_likelihood import RiskSets, risk_sets


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class LogRank(Estimates):
    """Observed and expected events of the groups in `.table`; chi-square test in `.statistic`, `.df`, `.p_value`."""

    statistic: float
    df: int
    p_value: float

    def _footnotes(self) -> list[str]:
        test = f"Chi-square {self.statistic:.2f}, df {self.df}, p {format_p(self.p_value)}."
        return [test, *super()._footnotes()]


def logrank(
    data: pd.DataFrame,
    time: str,
    event: str,
    by: str | Sequence[str],
    *,
    entry: str | None = None,
    strata: str | Sequence[str] | None = None,
    rho: float = 0.0,
    gamma: float = 0.0,
    trend: bool = False,
    scores: Sequence[float] | None = None,
) -> LogRank:
    """Test whether groups have the same hazard.

    Parameters
    ----------
    data : DataFrame
        One row a person, or an episode where `entry` is given. Rows with a missing value in a column used are left
        out and counted.
    time : str
        Column of the time of event or end of follow-up.
    event : str
        Column that is 0/1, bool, or a category of two levels, the second being the event.
    by : str or list of str
        Column or columns whose combinations are the groups.
    entry : str, optional
        Column of the time from which a row is at risk: at risk over (entry, time].
    strata : str or list of str, optional
        Column or columns within whose combinations the groups are compared.
    rho, gamma : float
        Weight S^rho (1 - S)^gamma of an event, not negative. rho=1 is Peto-Peto's Wilcoxon test, which looks at early
        differences; gamma=1 looks at late ones.
    trend : bool
        Test for a hazard that rises or falls over the groups in their order (1 df) instead; `by` is then one column, a
        category in its order, or numbers or booleans in theirs.
    scores : sequence of float, optional
        Score of each level in the trend, as many as the category has levels (of numbers: as many as occur);
        1, 2, 3, ... where not given, for numbers as well. A level that nobody has keeps its place.

    Returns
    -------
    LogRank
        One row a group: `estimate` is the ratio observed / expected (`measure` "O/E"), with `n`, `events`, and the
        weighted `observed` and `expected` events. The test in `.statistic`, `.df`, `.p_value`. Where the groups are
        never at risk together the test has no df and is NaN; groups that are so in part have fewer df, and the notes
        say so.

    Raises
    ------
    ValueError
        For times that do not fit, no event, a single group, a trend over text without an order, or scores that
        do not fit the levels.

    Examples
    --------
    >>> data = pd.DataFrame({"years": [1, 2, 3, 4, 5, 6], "died": [1, 1, 1, 1, 0, 1], "arm": list("aaabbb")})
    >>> test = logrank(data, "years", "died", "arm")
    >>> test.table[["arm", "observed", "expected"]].round(2)
      arm  observed  expected
    0   a       3.0      1.15
    1   b       2.0      3.85
    >>> round(test.statistic, 3), test.df
    (5.052, 1)
    """
    if rho < 0 or gamma < 0:
        raise ValueError(f"rho and gamma must not be negative, they are {rho:g} and {gamma:g}")
    if scores is not None and not trend:
        raise ValueError("scores= belongs to trend=True")
    groups, strata_names = as_list(by), as_list(strata)
    used = used_columns(time, event, entry, groups, strata_names)
    require_columns(data, used, "data")
    if trend and len(groups) > 1:
        raise ValueError(f"trend=True needs one column in by, there are {len(groups)}")
    n_missing = {name: int(data[name].isna().sum()) for name in used}
    frame = data[used].dropna()
    if frame.empty:
        raise ValueError(f"no row has all of {', '.join(used)}")
    start, exit_ = check_times(frame, time, entry)
    happened = binary_outcome(frame[event], event)
    if not happened.any():
        raise ValueError(f"'{event}' never happens among the {len(frame):,} complete rows")
    group, labels = group_codes(frame[groups])
    if len(labels) < 2:
        raise ValueError(f"by: {' and '.join(groups)} must make two groups or more, there is 1")
    stratum = group_codes(frame[strata_names])[0]
    contrast = level_scores(frame[groups[0]], labels[groups[0]], groups[0], scores) if trend else None

    found = compare_groups(start, exit_, happened, group, len(labels), stratum, rho, gamma)
    statistic, df = found.trend_test(contrast) if contrast is not None else found.test()
    notes = list(missing_note(len(frame), len(data), n_missing))
    if df < (1 if trend else len(labels) - 1):
        notes.append(
            "Groups are not at risk together: those that are not cannot be compared, and df are fewer."
        )
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = found.observed / found.expected
    table = labels.assign(
        measure="O/E",
        estimate=ratio,
        n=np.bincount(group, minlength=len(labels)),
        events=np.bincount(group, happened, len(labels)).astype(int),
        observed=found.observed,
        expected=found.expected,
    )
    if contrast is not None:
        table["score"] = contrast
    return LogRank(
        table=tidy(table, groups),
        method=_method(groups, strata_names, entry, rho, gamma, trend),
        n=len(frame),
        events=int(happened.sum()),
        n_missing=n_missing,
        notes=tuple(notes),
        statistic=statistic,
        df=df,
        p_value=float(chi2.sf(statistic, df)) if df else float("nan"),
    )


@dataclass(frozen=True, eq=False)
class Comparison:
    """Weighted observed and expected events of each group, and the covariance of their difference."""

    observed: np.ndarray
    expected: np.ndarray
    covariance: np.ndarray

    def test(self) -> tuple[float, int]:
        """Chi-square of all differences and its degrees of freedom, the rank of the covariance."""
        size, direction = np.linalg.eigh(self.covariance)
        real = size > 1e-10 * max(float(self.covariance.max()), 0.0)
        if not real.any():
            return float("nan"), 0
        along = direction[:, real].T @ (self.observed - self.expected)
        return float(np.sum(along**2 / size[real])), int(real.sum())

    def trend_test(self, scores: np.ndarray) -> tuple[float, int]:
        """Chi-square of the differences weighted by the scores (Tarone), 1 df."""
        variance = float(scores @ self.covariance @ scores)
        if variance <= 1e-10 * float(scores**2 @ np.diag(self.covariance)):
            return float("nan"), 0
        return float(scores @ (self.observed - self.expected)) ** 2 / variance, 1


def compare_groups(
    entry: np.ndarray | None,
    exit_: np.ndarray,
    event: np.ndarray,
    group: np.ndarray,
    n_groups: int,
    stratum: np.ndarray,
    rho: float,
    gamma: float,
) -> Comparison:
    """Observed and expected events, summed over the event times of all strata; groups are coded 0, 1, ..."""
    sets = risk_sets(entry, exit_, event, stratum, np.ones(len(exit_)), "breslow")
    member = group[:, None] == np.arange(n_groups)
    at_risk = sets.at_risk(member.astype(float))
    deaths = sets.over_deaths(member.astype(float))
    n, d = at_risk.sum(axis=1), deaths.sum(axis=1)
    before = _survival_before(sets, stratum, 1 - d / n)
    weight = before**rho * (1 - before) ** gamma
    share = at_risk / n[:, None]
    spread = weight**2 * d * (n - d) / np.maximum(n - 1, 1)
    return Comparison(
        observed=weight @ deaths,
        expected=(weight * d) @ share,
        covariance=np.diag(spread @ share) - share.T @ (spread[:, None] * share),
    )


def _survival_before(sets: RiskSets, stratum: np.ndarray, step: np.ndarray) -> np.ndarray:
    """Kaplan-Meier curve of each stratum just before each event time, from the factors 1 - d / n."""
    of_time = np.empty(sets.n_times, np.int64)
    of_time[sets.time_of_death] = stratum[sets.deaths]
    first = np.flatnonzero(np.diff(of_time)) + 1
    return np.concatenate([np.concatenate([[1.0], np.cumprod(own)[:-1]]) for own in np.split(step, first)])


def _method(
    by: Sequence[str], strata: Sequence[str], entry: str | None, rho: float, gamma: float, trend: bool
) -> str:
    test = "Tarone's log-rank test for trend" if trend else "Log-rank test"
    parts = []
    if rho or gamma:
        parts.append(f"Fleming-Harrington weights, rho {rho:g}, gamma {gamma:g}")
    if strata:
        parts.append(f"stratified by {' and '.join(strata)}")
    if entry is not None:
        parts.append("delayed entry")
    details = f" ({', '.join(parts)})" if parts else ""
    return f"{test} over {' and '.join(by)}{details}."
