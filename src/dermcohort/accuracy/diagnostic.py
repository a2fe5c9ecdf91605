"""Sensitivity, specificity, predictive values and likelihood ratios of a test against the reference standard.

Sources: Altman & Bland (1994) BMJ 308:1552 and 309:102 (the measures); Simel, Samsa & Matchar (1991) J Clin
Epidemiol 44:763 (likelihood ratios); Glas et al. (2003) J Clin Epidemiol 56:1129 (diagnostic odds ratio);
Mercaldo, Lau & Zhou (2007) Stat Med 26:2170 (predictive values at a stated prevalence); Newcombe (1998) Stat Med
17:873, method 10 (Youden's index, which is a difference of two independent proportions).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from scipy.special import expit, logit
from scipy.stats import norm

from ..design import as_list, binary_outcome
from ..estimates import Estimates, tidy
from ..groups import count_by
from ..prevalence.intervals import INTERVALS, NAMES, wilson
from .door import complete_rows, require_different


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Diagnostic(Estimates):
    """Accuracy of a test. `.counts` has the four cells of each group."""

    counts: pd.DataFrame

    def plot(self, ax: Axes | None = None, *, labels: Mapping[str, str] | None = None) -> Axes:
        """The proportions with their intervals (ratios have another scale: see the table). Returns the Axes."""
        from ..figures import point_ranges
        from ..tables import PROPORTIONS

        rows = self.table[self.table["measure"].isin(PROPORTIONS)]
        return point_ranges(rows, self.conf_level, ax, labels or {})


def diagnostic(
    data: pd.DataFrame,
    test: str,
    reference: str,
    *,
    by: str | Sequence[str] | None = None,
    prevalence: float | None = None,
    ci: str = "wilson",
    conf_level: float = 0.95,
) -> Diagnostic:
    """Accuracy of a yes/no test against a yes/no reference standard.

    Parameters
    ----------
    data : DataFrame
        One row a person (or a lesion) tested.
    test, reference : str
        Columns that are 0/1, bool, or a category of two levels of which the second is "positive".
    by : str or list of str, optional
        Column or columns whose combinations are the groups. Empty groups are left out.
    prevalence : float, optional
        Prevalence (0 to 1) at which the predictive values are stated, by Bayes' rule. Without it they are the
        proportions in the data, which hold at the prevalence of the data only.
    ci : {"wilson", "wald", "clopper-pearson", "agresti-coull", "jeffreys", "logit"}
        Interval of the proportions.
    conf_level : float

    Returns
    -------
    Diagnostic
        For each group one row a `measure`: sensitivity, specificity, PPV, NPV and accuracy (proportions), LR+,
        LR- and DOR (`coef` and `std_error` on the log scale), Youden index. `n` and `events` are the denominator
        and the numerator of a proportion, else the rows and those positive by the reference. Rows without a
        test or a reference are left out and counted; a note says how many of each test result were verified.

    Raises
    ------
    ValueError
        For an unknown column, interval or code, or a prevalence outside 0 to 1.

    Examples
    --------
    >>> data = pd.DataFrame({"report": [1, 1, 1, 0, 0, 0], "eczema": [1, 1, 0, 0, 0, 1]})
    >>> diagnostic(data, "report", "eczema").table[["measure", "estimate"]].round(3).head(4)
           measure  estimate
    0  sensitivity     0.667
    1  specificity     0.667
    2          PPV     0.667
    3          NPV     0.667
    """
    if ci not in INTERVALS:
        raise ValueError(f"ci='{ci}' is unknown; choose one of {', '.join(INTERVALS)}")
    if prevalence is not None and not 0 < prevalence < 1:
        raise ValueError(f"prevalence={prevalence} must lie between 0 and 1, e.g. 0.1 for 10%")
    require_different(test=test, reference=reference)
    groups = as_list(by)
    frame, n_missing, notes = complete_rows(data, [test, reference, *groups], conf_level)
    coded = pd.DataFrame({name: binary_outcome(data[name], name) for name in (test, reference)})
    positive, diseased = (coded.loc[frame.index, name] == 1 for name in (test, reference))
    counts = count_cells(positive, diseased, frame[groups])

    tp, fp, fn, tn = (counts[name].to_numpy(float) for name in CELLS)
    parts = accuracy_measures(tp, fp, fn, tn, prevalence, ci, conf_level)
    rows = [counts[groups].assign(term=test, measure=name, **part) for name, part in parts.items()]
    # by group, then in the order of the measures
    table = pd.concat(rows).sort_index(kind="stable")

    notes += _verification_note(coded[test], coded[reference])
    if ((tp == 0) | (fp == 0) | (fn == 0) | (tn == 0)).any() and len(frame):
        notes.append(
            "A cell of the two-by-two table is 0: ratios that are 0 or infinite have no finite interval."
        )
    where = "of the data" if prevalence is None else f"of {100 * prevalence:.4g}%"
    return Diagnostic(
        table=tidy(table, groups),
        method=(
            f"Accuracy of {test} against {reference}, {NAMES[ci]} {100 * conf_level:.4g}% confidence intervals; "
            f"predictive values at the prevalence {where}; likelihood and diagnostic odds ratios on the log scale; "
            "Youden's index by Newcombe's method 10."
        ),
        n=len(frame),
        events=int(diseased.sum()),
        n_missing=n_missing,
        notes=tuple(notes),
        conf_level=conf_level,
        counts=counts,
    )


CELLS = ("true_positive", "false_positive", "false_negative", "true_negative")


def count_cells(positive: pd.Series, diseased: pd.Series, groups: pd.DataFrame) -> pd.DataFrame:
    """The four cells of each group."""
    cells = (positive & diseased, positive & ~diseased, ~positive & diseased, ~positive & ~diseased)
    counts = count_by(diseased, groups).drop(columns=["n", "events"])
    return counts.assign(
        **{name: count_by(cell, groups)["events"] for name, cell in zip(CELLS, cells, strict=True)}
    )


def accuracy_measures(
    tp: np.ndarray,
    fp: np.ndarray,
    fn: np.ndarray,
    tn: np.ndarray,
    prevalence: float | None,
    ci: str,
    conf_level: float,
) -> dict[str, dict[str, np.ndarray]]:
    """Every measure of one or more two-by-two tables, with its interval, by its name."""
    n1, n0 = tp + fn, fp + tn
    with np.errstate(divide="ignore", invalid="ignore"):
        # Simel et al. (1991): a likelihood ratio is a ratio of two independent proportions
        lr_positive = _log_ratio((tp / n1) / (fp / n0), 1 / tp - 1 / n1 + 1 / fp - 1 / n0, n1, n0, conf_level)
        lr_negative = _log_ratio((fn / n1) / (tn / n0), 1 / fn - 1 / n1 + 1 / tn - 1 / n0, n1, n0, conf_level)
        odds_ratio = _log_ratio((tp / fp) / (fn / tn), 1 / tp + 1 / fp + 1 / fn + 1 / tn, n1, n0, conf_level)
        if prevalence is None:
            ppv = _proportion(tp, tp + fp, ci, conf_level)
            npv = _proportion(tn, tn + fn, ci, conf_level)
        else:
            ppv = _by_bayes(lr_positive, +1, logit(prevalence))
            npv = _by_bayes(lr_negative, -1, -logit(prevalence))
        return {
            "sensitivity": _proportion(tp, n1, ci, conf_level),
            "specificity": _proportion(tn, n0, ci, conf_level),
            "PPV": ppv,
            "NPV": npv,
            "accuracy": _proportion(tp + tn, n1 + n0, ci, conf_level),
            "LR+": lr_positive,
            "LR-": lr_negative,
            "DOR": odds_ratio,
            "Youden index": _youden(tp, n1, tn, n0, conf_level),
        }


def _proportion(x: np.ndarray, n: np.ndarray, ci: str, conf_level: float) -> dict[str, np.ndarray]:
    low, high = INTERVALS[ci](x, n, conf_level)
    known = n > 0  # the ends of Wilson's interval are defined at 0 of 0, the proportion is not
    return {
        "estimate": x / n,
        "conf_low": np.where(known, low, np.nan),
        "conf_high": np.where(known, high, np.nan),
        "std_error": np.sqrt(x / n * (1 - x / n) / n),
        "n": n.astype(int),
        "events": x.astype(int),
    }


def _log_ratio(
    ratio: np.ndarray, variance: np.ndarray, n1: np.ndarray, n0: np.ndarray, conf_level: float
) -> dict[str, np.ndarray]:
    """exp(log ratio -+ z se); 0 to infinity where the ratio is 0 or infinite."""
    bounded = (ratio > 0) & np.isfinite(ratio)
    std_error = np.where(bounded, np.sqrt(variance), np.nan)
    half = norm.ppf(0.5 + conf_level / 2) * std_error
    unknown = np.isnan(ratio)
    return {
        "estimate": ratio,
        "conf_low": np.where(bounded, ratio * np.exp(-half), np.where(unknown, np.nan, 0.0)),
        "conf_high": np.where(bounded, ratio * np.exp(half), np.where(unknown, np.nan, np.inf)),
        "coef": np.log(ratio),
        "std_error": std_error,
        "n": (n1 + n0).astype(int),
        "events": n1.astype(int),
    }


def _by_bayes(likelihood_ratio: Mapping[str, np.ndarray], sign: int, prior: float) -> dict[str, Any]:
    """logit PPV = logit(prevalence) + log LR+, logit NPV = -logit(prevalence) - log LR- (Mercaldo et al. eq. 8)."""
    limits = ("conf_low", "conf_high") if sign > 0 else ("conf_high", "conf_low")
    estimate, low, high = (
        expit(prior + sign * np.log(likelihood_ratio[name])) for name in ("estimate", *limits)
    )
    return {
        **likelihood_ratio,
        "estimate": estimate,
        "conf_low": low,
        "conf_high": high,
        "coef": prior + sign * likelihood_ratio["coef"],
    }


def _youden(
    tp: np.ndarray, n1: np.ndarray, tn: np.ndarray, n0: np.ndarray, conf_level: float
) -> dict[str, np.ndarray]:
    """sensitivity - (1 - specificity); square-and-add of Wilson's limits of both."""
    sensitivity, specificity = tp / n1, tn / n0
    (low1, high1), (low0, high0) = wilson(tp, n1, conf_level), wilson(tn, n0, conf_level)
    index = sensitivity + specificity - 1
    return {
        "estimate": index,
        "conf_low": index - np.hypot(sensitivity - low1, specificity - low0),
        "conf_high": index + np.hypot(high1 - sensitivity, high0 - specificity),
        "std_error": np.sqrt(sensitivity * (1 - sensitivity) / n1 + specificity * (1 - specificity) / n0),
        "n": (n1 + n0).astype(int),
        "events": n1.astype(int),
    }


def _verification_note(test: pd.Series, reference: pd.Series) -> list[str]:
    """How many of each test result have a reference: Begg & Greenes (1983) Biometrics 39:207."""
    unverified = test.notna() & reference.isna()
    if not unverified.any():
        return []
    verified = [f"{int(reference[test == t].notna().sum()):,} of {int((test == t).sum()):,}" for t in (1, 0)]
    return [
        f"The reference is known for {verified[0]} with a positive and {verified[1]} with a negative test: where "
        "the test decided who was verified, sensitivity and specificity are biased."
    ]
