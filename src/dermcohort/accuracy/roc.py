"""ROC curves: the area with DeLong's interval, the curve, the best cutpoint, and the paired comparison of scores.

The areas and their covariance are in `delong`; here are the arguments, the groups and the views. Higher scores
always mean the event: the direction is never chosen by the data.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from scipy.stats import norm

from ..design import as_list, binary_outcome
from ..estimates import Estimates, tidy
from ..groups import printable_groups
from .delong import auc_covariance, roc_points
from .door import complete_rows, numbers, require_different


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class RocCurves(Estimates):
    """Areas under ROC curves.

    `.curve` has the points of each curve: columns of `by`, `term`, `threshold` (positive is at or above it),
    `sensitivity`, `specificity`. `.cutpoint` has the points of the largest Youden index (several where they tie).
    """

    curve: pd.DataFrame
    cutpoint: pd.DataFrame
    by: tuple[str, ...] = ()

    def plot(self, ax: Axes | None = None, *, labels: Mapping[str, str] | None = None) -> Axes:
        """The curves, with the areas in the legend and a dot at the best cutpoint. Returns the Axes."""
        from ..figures import roc_figure
        from ..tables import format_interval, level_label

        names = labels or {}
        keys = list(self.by) or ["term"]
        areas = self.table[self.table["measure"] == "AUC"]
        curves = {}
        for row in areas.to_dict("records"):
            chosen = {key: row[key] for key in keys}
            who = ", ".join(
                names.get(str(row["term"]), str(row["term"]))
                if key == "term"
                else level_label(key, row[key], names)
                for key in keys
            )
            area = format_interval("AUC", row["estimate"], row["conf_low"], row["conf_high"])
            curves[f"{who}: AUC {area}"] = (_where(self.curve, chosen), _where(self.cutpoint, chosen))
        return roc_figure(curves, ax, labels)


def roc(
    data: pd.DataFrame,
    score: str,
    reference: str,
    *,
    by: str | Sequence[str] | None = None,
    conf_level: float = 0.95,
) -> RocCurves:
    """Area under the ROC curve of a score against a yes/no reference, with DeLong's interval.

    The area is the probability that a random person with the event scores higher than one without it, ties
    counting one half. Matches pROC::ci.auc(method = "delong") of R with ``direction = "<"``.

    Parameters
    ----------
    data : DataFrame
    score : str
        Numeric or ordered column; higher scores mean the event.
    reference : str
        Column that is 0/1, bool, or a category of two levels of which the second is the event.
    by : str or list of str, optional
        Column or columns whose combinations have a curve each.
    conf_level : float

    Returns
    -------
    RocCurves
        One row a group: `measure` "AUC", `estimate` with its interval kept within 0 and 1, `std_error`, `n`,
        `events`. Rows with a missing value are left out and counted. NaN without events or without non-events.

    Raises
    ------
    ValueError
        For an unknown column, a score that has no order, or a reference that is not yes/no.

    Examples
    --------
    >>> data = pd.DataFrame({"itch": [1, 2, 3, 4, 5, 6], "eczema": [0, 0, 1, 0, 1, 1]})
    >>> found = roc(data, "itch", "eczema")
    >>> round(found.table["estimate"].item(), 3)
    0.889
    >>> found.cutpoint["threshold"].tolist()
    [5.0, 3.0]
    """
    require_different(score=score, reference=reference)
    groups = as_list(by)
    frame, n_missing, notes = complete_rows(data, [score, reference, *groups], conf_level)
    values = pd.DataFrame({score: numbers(frame[score], score)}, frame.index)
    event = pd.Series(binary_outcome(frame[reference], reference) == 1, frame.index)

    rows, curves = [], []
    for labels, index in _groups(frame[groups]):
        x, y = values.loc[index].to_numpy(), event[index].to_numpy()
        areas, covariance = auc_covariance(x, y)
        rows.append({**labels, **_area_row(score, areas[0], covariance[0, 0], y, conf_level)})
        curves.append(_curve(x[:, 0], y, {**labels, "term": score}))
    table = tidy(pd.DataFrame(rows, columns=[*groups, *AREA_COLUMNS]), groups)
    nobody = _curve(np.empty(0), np.empty(0, bool), {**dict.fromkeys(groups), "term": score}).iloc[:0]
    curve = pd.concat(curves, ignore_index=True) if curves else nobody
    return RocCurves(
        table=table,
        method=_method(f"Area under the ROC curve of {score} for {reference}", conf_level),
        n=len(frame),
        events=int(event.sum()),
        n_missing=n_missing,
        notes=(*notes, *_area_notes(table, len(frame))),
        conf_level=conf_level,
        curve=_rates(curve),
        cutpoint=_best(curve, [*groups, "term"]),
        by=tuple(groups),
    )


def compare_auc(
    data: pd.DataFrame, scores: Sequence[str], reference: str, *, conf_level: float = 0.95
) -> RocCurves:
    """Areas of several scores of the same people, and DeLong's paired test of their differences.

    Matches pROC::roc.test(paired = TRUE, method = "delong") of R with ``direction = "<"``.

    Parameters
    ----------
    data : DataFrame
    scores : list of str
        Two or more numeric or ordered columns; higher scores mean the event.
    reference : str
        Column that is 0/1, bool, or a category of two levels of which the second is the event.
    conf_level : float

    Returns
    -------
    RocCurves
        A row "AUC" for each score, then a row "AUC difference" for each pair (`term` "a - b") with its z
        `statistic` and two-sided `p_value`. Only rows with all scores are used; others are counted.

    Examples
    --------
    >>> data = pd.DataFrame({"a": [1, 2, 3, 4, 5, 6], "b": [2, 1, 5, 4, 3, 6], "eczema": [0, 0, 1, 0, 1, 1]})
    >>> compare_auc(data, ["a", "b"], "eczema").table[["term", "measure", "estimate"]].round(3)
        term         measure  estimate
    0      a             AUC     0.889
    1      b             AUC     0.889
    2  a - b  AUC difference     0.000
    """
    if isinstance(scores, str) or len(scores) < 2:
        raise ValueError(f"scores must be a list of two or more columns, found {scores!r}")
    require_different(**{f"scores[{i}]": name for i, name in enumerate(scores)}, reference=reference)
    frame, n_missing, notes = complete_rows(data, [*scores, reference], conf_level)
    values = np.column_stack([numbers(frame[name], name) for name in scores])
    event = binary_outcome(frame[reference], reference) == 1

    areas, covariance = auc_covariance(values, event)
    rows = [_area_row(name, areas[i], covariance[i, i], event, conf_level) for i, name in enumerate(scores)]
    for i, j in itertools.combinations(range(len(scores)), 2):
        variance = covariance[i, i] + covariance[j, j] - 2 * covariance[i, j]
        name = f"{scores[i]} - {scores[j]}"
        rows.append(_difference_row(name, areas[i] - areas[j], variance, event, conf_level))
    table = tidy(pd.DataFrame(rows))
    curve = pd.concat(
        [_curve(values[:, i], event, {"term": name}) for i, name in enumerate(scores)], ignore_index=True
    )
    return RocCurves(
        table=table,
        method=_method(f"Areas under the ROC curves of {', '.join(scores)} for {reference}", conf_level)
        + " Differences by DeLong's paired test.",
        n=len(frame),
        events=int(event.sum()),
        n_missing=n_missing,
        notes=(*notes, *_area_notes(table, len(frame))),
        conf_level=conf_level,
        curve=_rates(curve),
        cutpoint=_best(curve, ["term"]),
    )


AREA_COLUMNS = ("term", "measure", "estimate", "conf_low", "conf_high", "std_error", "n", "events")


def _area_row(
    name: str, area: float, variance: float, event: np.ndarray, conf_level: float
) -> dict[str, Any]:
    std_error = np.sqrt(variance)
    half = norm.ppf(0.5 + conf_level / 2) * std_error
    return {
        "term": name,
        "measure": "AUC",
        "estimate": area,
        "conf_low": np.clip(area - half, 0, 1),
        "conf_high": np.clip(area + half, 0, 1),
        "std_error": std_error,
        "n": len(event),
        "events": int(event.sum()),
    }


def _difference_row(
    name: str, difference: float, variance: float, event: np.ndarray, conf_level: float
) -> dict[str, Any]:
    # rounding can leave a variance of 0 slightly off 0: two scores that order people alike
    std_error = np.sqrt(variance) if not variance < 1e-15 else 0.0
    half = norm.ppf(0.5 + conf_level / 2) * std_error
    statistic = difference / std_error if std_error else np.nan
    return {
        "term": name,
        "measure": "AUC difference",
        "estimate": difference,
        "conf_low": difference - half,
        "conf_high": difference + half,
        "p_value": 2 * norm.sf(abs(statistic)),
        "std_error": std_error,
        "statistic": statistic,
        "n": len(event),
        "events": int(event.sum()),
    }


def _area_notes(table: pd.DataFrame, n: int) -> list[str]:
    if n == 0:
        return []
    areas = table[table["measure"] == "AUC"]
    notes = []
    if areas["estimate"].isna().any():
        notes.append("Without both events and non-events there is no area under the curve.")
    elif areas["std_error"].isna().any():
        notes.append("With a single event or non-event DeLong's interval does not exist.")
    if (areas["std_error"] == 0).any():
        notes.append("Where the score separates perfectly, or is constant, DeLong's interval has no width.")
    if (areas["estimate"] < 0.5).any():
        notes.append("An area below 0.5: there lower scores go with the event.")
    return notes


def _curve(score: np.ndarray, event: np.ndarray, labels: Mapping[str, Any]) -> pd.DataFrame:
    points = roc_points(score, event)
    return pd.DataFrame({**labels, **points, "n_events": int(event.sum()), "n_others": int((~event).sum())})


def _rates(curve: pd.DataFrame) -> pd.DataFrame:
    keys = list(curve.columns[: curve.columns.get_loc("threshold") + 1])
    return curve[keys].assign(
        sensitivity=curve["true_positive"] / curve["n_events"],
        specificity=1 - curve["false_positive"] / curve["n_others"],
    )


def _best(curve: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Points of the largest Youden index, compared as whole numbers so that ties are ties."""
    scaled = curve["true_positive"] * curve["n_others"] - curve["false_positive"] * curve["n_events"]
    largest = scaled.groupby([curve[key] for key in keys], observed=True).transform("max")
    usable = (scaled == largest) & (curve["n_events"] > 0) & (curve["n_others"] > 0)
    best = _rates(curve)[usable].reset_index(drop=True)
    return best.assign(youden=best["sensitivity"] + best["specificity"] - 1)


def _groups(groups: pd.DataFrame) -> list[tuple[dict[str, Any], pd.Index]]:
    if groups.shape[1] == 0:
        return [({}, groups.index)]
    names = list(groups.columns)
    grouped = printable_groups(groups).groupby(names, observed=True, sort=True)
    return [(dict(zip(names, key, strict=True)), part.index) for key, part in grouped]


def _where(frame: pd.DataFrame, chosen: Mapping[str, Any]) -> pd.DataFrame:
    return frame[np.logical_and.reduce([frame[key] == value for key, value in chosen.items()])]


def _method(what: str, conf_level: float) -> str:
    return f"{what}, with DeLong {100 * conf_level:.4g}% confidence intervals; higher scores mean the event."
