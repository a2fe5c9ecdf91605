"""Pairs of conditions: which meet in one person more often than by chance."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.stats import chi2, fisher_exact, norm
from statsmodels.stats.multitest import multipletests

from ..estimates import Estimates, tidy
from .multimorbidity import binary_conditions, require_conf_level

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FEW_EXPECTED = 5  # below it the chi-squared distribution is no longer trusted (Cochran 1954)


@dataclass(frozen=True, eq=False, repr=False)
class CoOccurrence(Estimates):
    """Pairs of conditions: `Estimates` whose figure is a triangle of squares, one a pair."""

    def to_display(self, labels: Mapping[str, str] | None = None) -> pd.DataFrame:
        """The table as text, with the p-values that are adjusted for the number of pairs."""
        names = self._labels(labels)
        shown = self.table.drop(columns="p_value")
        for side in ("first", "second"):
            shown[side] = shown[side].map(lambda name: names.get(name, name))
        display = Estimates(
            shown, self.method, self.n, conf_level=self.conf_level, suppressed=self.suppressed
        ).to_display(names)
        return display.rename(columns={names.word("Events"): names.word("Both")})

    def plot(self, ax: Axes | None = None, *, labels: Mapping[str, str] | None = None) -> Axes:
        """Observed over expected of each pair; bold where the adjusted p-value is below 1 - `conf_level`.

        Gray is a pair that fewer than 5 people are expected to have and that is not bold.
        """
        from ..figures import pair_matrix

        is_sure = self.table["p_adjusted"] < 1 - self.conf_level
        is_vague = (self.table["expected"] < FEW_EXPECTED) & ~is_sure
        table = self.table.assign(is_sure=is_sure, is_vague=is_vague)
        conditions = list(dict.fromkeys([*table["first"], *table["second"]]))
        return pair_matrix(table, conditions, ax, heading="Observed / expected", labels=labels)


def co_occurrence(data: pd.DataFrame, conditions: Sequence[str], *, conf_level: float = 0.95) -> CoOccurrence:
    """For each pair of conditions, how many people have both, against what chance alone would give.

    Expected are n_a n_b / N, as if having one said nothing about the other: age and sex, which many conditions
    share, are not accounted for. The interval of observed / expected is that of its logarithm, with variance
    1/o - 1/n_a - 1/n_b + 2 o / (n_a n_b) - 1/N (delta method for a multinomial sample: Agresti 2013,
    Categorical Data Analysis, 3rd ed., section 16.1).

    Parameters
    ----------
    data : DataFrame
        One row a person.
    conditions : list of str
        Two or more columns that are 0/1, bool, or a category of two levels of which the second is counted.
    conf_level : float

    Returns
    -------
    CoOccurrence
        One row a pair, `first` and `second`: `measure` "O/E", `estimate` with its interval, `p_value` (Pearson's
        chi-squared test without continuity correction, Fisher's exact test where a count below 5 is expected),
        `n` people of whom both conditions are known, `events` those who have both, `expected`, `odds_ratio`
        (that of the counts), `phi`, and `p_adjusted` (Benjamini & Hochberg 1995, over all pairs).

    Raises
    ------
    ValueError
        If fewer than two conditions are given, one twice, a column is absent, or one is not binary.

    Examples
    --------
    >>> people = pd.DataFrame({"asthma": [1] * 30 + [0] * 70, "eczema": [1] * 20 + [0] * 50 + [1] * 30})
    >>> found = co_occurrence(people, ["asthma", "eczema"])
    >>> found.table[["first", "second", "estimate", "n", "events", "expected"]].round(3)
        first  second  estimate    n  events  expected
    0  asthma  eczema     1.333  100      20      15.0
    """
    require_conf_level(conf_level)
    has = binary_conditions(data, conditions)
    rows = []
    for first, second in itertools.combinations(conditions, 2):
        a, b = has[[first, second]].dropna().to_numpy().T
        both, n_a, n_b, n = int((a * b).sum()), int(a.sum()), int(b.sum()), len(a)
        rows.append(
            {"first": first, "second": second, "measure": "O/E", **_pair(both, n_a, n_b, n, conf_level)}
        )
    table = pd.DataFrame(rows)
    tested = table["p_value"].notna()
    table["p_adjusted"] = np.nan
    if tested.any():
        table.loc[tested, "p_adjusted"] = multipletests(table.loc[tested, "p_value"], method="fdr_bh")[1]
    n_missing = {name: int(has[name].isna().sum()) for name in conditions}
    notes = []
    if any(n_missing.values()):
        counts = ", ".join(f"{name} {count:,}" for name, count in n_missing.items() if count)
        notes.append(f"A pair is judged on the people of whom both are known; missing values: {counts}.")
    if ((table["events"] == 0) & (table["expected"] > 0)).any():
        notes.append(
            "Where nobody has both, the upper limit is that of a Poisson count of 0 over the number expected."
        )
    if not tested.all():
        notes.append("A condition that nobody or everybody has cannot be compared.")
    return CoOccurrence(
        tidy(table, ["first", "second"]),
        method=f"Observed over expected number of people with both of two conditions, with "
        f"{100 * conf_level:.4g}% confidence intervals; p-values (Pearson's chi-squared test, Fisher's exact test "
        "where a count below 5 is expected) adjusted by the method of Benjamini and Hochberg.",
        n=int(has.notna().any(axis=1).sum()),
        n_missing=n_missing,
        notes=tuple(notes),
        conf_level=conf_level,
    )


def _pair(both: int, n_a: int, n_b: int, n: int, conf_level: float) -> dict[str, float]:
    """Observed over expected and the measures of association of one two-by-two table."""
    counts = np.array([[both, n_a - both], [n_b - both, n - n_a - n_b + both]])
    if not (0 < n_a < n and 0 < n_b < n):
        missing = dict.fromkeys(("estimate", "conf_low", "conf_high", "p_value"), np.nan)
        return {**missing, "n": n, "events": both, "expected": n_a * n_b / n if n else np.nan,
                "odds_ratio": np.nan, "phi": np.nan}  # fmt: skip
    expected = np.outer(counts.sum(axis=1), counts.sum(axis=0)) / n
    ratio = both / expected[0, 0]
    if both:
        variance = 1 / both - 1 / n_a - 1 / n_b + 2 * both / (n_a * n_b) - 1 / n
        half = norm.ppf(0.5 + conf_level / 2) * np.sqrt(max(variance, 0.0))
        low, high = ratio * np.exp(-half), ratio * np.exp(half)
    else:
        low, high = 0.0, -np.log((1 - conf_level) / 2) / expected[0, 0]
    statistic = ((counts - expected) ** 2 / expected).sum()
    p_value = fisher_exact(counts)[1] if expected.min() < FEW_EXPECTED else chi2.sf(statistic, 1)
    discordant = float(counts[0, 1]) * counts[1, 0]
    concordant = float(both) * counts[1, 1]
    return {
        "estimate": ratio,
        "conf_low": low,
        "conf_high": high,
        "p_value": float(p_value),
        "n": n,
        "events": both,
        "expected": expected[0, 0],
        "odds_ratio": concordant / discordant if discordant else np.inf,
        "phi": float(np.sign(ratio - 1) * np.sqrt(statistic / n)),
    }
