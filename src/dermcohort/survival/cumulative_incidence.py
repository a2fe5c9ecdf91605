"""Cumulative incidence under competing risks, with late entry, weights, clusters and survey designs.

The estimator is in `aalen_johansen`, its variances in `competing_variance`, Gray's test in `gray`, what a fitted
curve can do in `incidence_curves`; here are the arguments and the groups.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ..design import as_list, require_columns, sparse_notes
from ..estimates import missing_note, tidy
from ..groups import group_codes
from ..variance.robust import count_clusters
from .aalen_johansen import CENSORED, Episodes, aalen_johansen
from .competing_variance import aalen_errors, jackknife_errors
from .frame import check_times, check_weights, event_states, used_columns
from .incidence_curves import CumulativeIncidence
from .kaplan_meier import INTERVALS
from .sampling import Design, refuse_beside_design, sample_notes, sampled_rows
from .state_curves import curve_rows
from .unit_variance import survey_errors, unit_errors

VARIANCES = ("jackknife", "aalen")


def cumulative_incidence(
    data: pd.DataFrame,
    time: str,
    event: str,
    *,
    entry: str | None = None,
    by: str | Sequence[str] | None = None,
    weights: str | None = None,
    cluster: str | Sequence[str] | None = None,
    design: Design | None = None,
    variance: str = "jackknife",
    ci: str = "log-log",
    conf_level: float = 0.95,
) -> CumulativeIncidence:
    """Cumulative incidence of each cause where one event keeps the others from happening (Aalen-Johansen).

    Parameters
    ----------
    data : DataFrame
        One row a person, or an episode where `entry` is given. Rows with a missing value in a column used are left
        out and counted.
    time : str
        Column of the time of the first event or end of follow-up.
    event : str
        Column of dtype category: the first level means censored, each other level is a cause.
    entry : str, optional
        Column of the time from which a row is at risk (left truncation): at risk over (entry, time].
    by : str or list of str, optional
        Curves for each combination of these columns.
    weights : str, optional
        Column of case or inverse-probability weights.
    cluster : str or list of str, optional
        Column or columns whose rows may depend on each other: the influences of the rows are summed within clusters.
    design : SurveyDesign or ReplicateDesign, optional
        How the rows were sampled; in the place of `weights` and `cluster`. The variance is that of the totals of the
        influences of the rows, or of replicate weights.
    variance : {"jackknife", "aalen"}
        The infinitesimal jackknife, as R's `survfit`, or Aalen's variance, as R's `cmprsk::cuminc`, which takes
        neither weights nor clusters nor late entry. They differ by little but in small groups.
    ci : {"log-log", "log", "plain", "logit", "arcsin"}
        Scale of the pointwise interval.
    conf_level : float
        Level of the intervals, from the normal distribution.

    Returns
    -------
    CumulativeIncidence
        With `.at(times)`, `.gray_test()`, `.risk_difference(times)`, `.risk_ratio(times)`, `.attributable_fraction(times)`,
        `.plot()`.

    Raises
    ------
    ValueError
        For an event that is no category, times that do not fit, or arguments that do not fit each other.

    Notes
    -----
    1 - Kaplan-Meier with the other causes censored is larger than this: it is the risk in a world without them.

    Examples
    --------
    >>> data = pd.DataFrame({"years": [1.0, 2.0, 3.0, 4.0],
    ...                      "end": pd.Categorical(["eczema", "death", "none", "eczema"], ["none", "eczema", "death"])})
    >>> cumulative_incidence(data, "years", "end").at(3)[["cause", "time", "estimate", "n_risk"]]
        cause  time  estimate  n_risk
    0  eczema   3.0      0.25     2.0
    1   death   3.0      0.25     2.0
    """
    if ci not in INTERVALS:
        raise ValueError(f"ci='{ci}' is unknown; choose one of {', '.join(INTERVALS)}")
    if variance not in VARIANCES:
        raise ValueError(f"variance='{variance}' is unknown; choose one of {', '.join(VARIANCES)}")
    if variance == "aalen" and (weights or cluster or entry or design is not None):
        raise ValueError(
            "variance='aalen' takes neither weights= nor cluster= nor design= nor entry=: use 'jackknife'"
        )
    refuse_beside_design(design, weights=weights, cluster=cluster)
    groups, clusters = as_list(by), as_list(cluster)
    used = used_columns(time, event, entry, groups, weights, clusters)
    require_columns(data, used, "data")
    n_missing = {name: int(data[name].isna().sum()) for name in used}
    source, sample = (data, None) if design is None else sampled_rows(data, design)
    frame = source[used].dropna()
    if frame.empty:
        raise ValueError(f"no row has all of {', '.join(used)}")
    start, exit_ = check_times(frame, time, entry)
    ended, causes = event_states(frame[event], event)
    places = frame.index.to_numpy()
    w = check_weights(frame, weights) if sample is None else sample.weights[places]
    rows = Episodes(
        start,
        exit_,
        np.zeros(len(frame), np.int64),
        np.where(ended == 0, CENSORED, ended),
        np.ones(len(frame)) if w is None else w,
        len(causes) + 1,
    )
    unit = group_codes(frame[clusters])[0] if clusters else None
    n_clusters = None if unit is None else count_clusters(unit)
    codes, levels = group_codes(frame[groups])

    parts, finished, notes = [], [], list(missing_note(len(frame), len(source), n_missing))
    for group in range(len(levels)):
        inside = np.flatnonzero(codes == group)
        own = rows.of(inside)
        found = aalen_johansen(own)
        if variance == "aalen":
            errors = aalen_errors(found)
        elif sample is not None:
            errors = survey_errors(own, found, sample, places[inside])
            if np.isnan(errors).any():
                notes.append("A curve from a single sampling unit has no standard error.")
        elif unit is None:
            errors = jackknife_errors(own, found)
        else:
            errors = unit_errors(own, found, unit[inside])
            if np.isnan(errors).any():
                notes.append("A curve from a single cluster has no standard error.")
        finished.append(bool(found.probability[-1, 0] == 0))
        for number, cause in enumerate(causes, start=1):
            part = curve_rows(found, errors, number, found.n_risk[:, 0], ci, conf_level)
            labels = {name: levels[name].iloc[group] for name in groups}
            parts.append(part.assign(**labels, cause=cause, censored=found.censored[:, 0]))
        if finished[-1] and found.n_risk[found.probability[:, 0] == 0, 0][1:].any():
            notes.append(
                "Everybody at risk has an event while others enter later: few were at risk at the start. "
                "Begin the curves where the risk set is large enough."
            )
    table = pd.concat(parts, ignore_index=True).assign(measure="cumulative incidence")
    table = table.astype({name: levels[name].dtype for name in groups})
    table["cause"] = pd.Categorical(table["cause"], causes)
    if weights is not None:
        notes.append(
            f"Weights: case or inverse-probability weights, robust standard error, from '{weights}'; numbers at risk "
            "are sums of weights."
        )
    if sample is not None:
        if (sample.weights != 1).any():
            notes.append("Numbers at risk and of events are sums of sampling weights.")
        notes += sample_notes(sample, places)
    notes += sparse_notes(None, 0, n_clusters)
    for number, cause in enumerate(causes, start=1):
        if not (ended == number).any():
            notes.append(f"'{cause}' never happens: its incidence is 0 throughout, without an interval.")
    return CumulativeIncidence(
        table=tidy(table, [*groups, "cause", "time"]),
        method=_method(variance, ci, conf_level, entry, clusters, weights, design),
        n=len(frame),
        events=int((ended > 0).sum()),
        n_missing=n_missing,
        notes=tuple(dict.fromkeys(notes)),
        conf_level=conf_level,
        by=tuple(groups),
        time_label=time,
        finished=tuple(finished),
        counts_are_people=w is None and entry is None,
        clusters=tuple(clusters),
        rows=rows,
        groups=codes,
        unit=unit if sample is None else places,
        sample=sample,
    )


def _method(
    variance: str,
    ci: str,
    conf_level: float,
    entry: str | None,
    clusters: Sequence[str],
    weights: str | None,
    design: Design | None,
) -> str:
    kind = "Aalen's variance" if variance == "aalen" else "infinitesimal jackknife variance"
    if clusters:
        kind += f" clustered by {' and '.join(clusters)}"
    if design is not None:
        kind = f"variance of the sample survey: {design.describe()}"
    text = (
        "Cumulative incidence under competing risks by the Aalen-Johansen estimator with "
        f"pointwise {100 * conf_level:.4g}% confidence intervals ({ci}) and {kind}"
    )
    if weights is not None:
        text += ", weighted"
    return f"{text}{', delayed entry' if entry is not None else ''}."
