"""Estimates with the counts they rest on in every row, so that disclosure control can judge them.

Standardized risks, curves, measures of interaction, mixtures and pooled estimates tell how many people they are of as a whole;
`study.shown` wants it row by row.
"""

from __future__ import annotations

from collections.abc import Mapping

from .estimates import Estimates, FittedModel


def counted(estimates: Estimates, fit: FittedModel | None = None) -> Estimates:
    """Plain estimates with `n` and `events` in each row.

    Parameters
    ----------
    estimates : Estimates
        Of a kind without counts in its rows, such as `standardized_risks`, `dose_response` or `interaction`.
    fit : FittedModel, optional
        The model they come from: a row of a level of a term gets the people and events of that level. Without it, and where
        the model has no such row, all rows get those of the estimates as a whole.

    Returns
    -------
    Estimates
        `.table`, `.method`, `.notes` of `estimates`; what else its kind has (curves, weights of persons) is left behind.

    Raises
    ------
    ValueError
        If the estimates do not say how many people they are of.

    Examples
    --------
    >>> import pandas as pd
    >>> from dermcohort.regression import dose_response, logistic
    >>> data = pd.DataFrame({"case": [0, 0, 1, 0, 1, 1], "age": [30, 40, 50, 60, 70, 80]})
    >>> curve = dose_response(logistic("case ~ age", data), "age", 50, values=[40, 60])
    >>> counted(curve).table[["level", "n", "events"]].values.tolist()
    [['40', 6, 3], ['60', 6, 3]]
    """
    if not estimates.n:
        raise ValueError(f"counted: this {type(estimates).__name__} does not say of how many people it is")
    table = estimates.table.drop(columns=[c for c in ("n", "events") if c in estimates.table])
    rows = _rows_of(fit)
    counts = [
        rows.get((row.get("term"), row.get("level")), (estimates.n, estimates.events))
        for row in table.to_dict("records")
    ]
    table["n"] = [n for n, _ in counts]
    if estimates.events is not None:
        table["events"] = [events for _, events in counts]
    return Estimates(
        table,
        estimates.method,
        n=estimates.n,
        events=estimates.events,
        n_missing=estimates.n_missing,
        notes=estimates.notes,
        conf_level=estimates.conf_level,
    )


def _rows_of(fit: FittedModel | None) -> Mapping[tuple[object, object], tuple[int, int | None]]:
    if fit is None:
        return {}
    rows = fit.table[fit.table["level"].notna()] if "level" in fit.table else fit.table.iloc[:0]
    events = rows["events"] if "events" in rows else [None] * len(rows)
    return dict(
        zip(zip(rows["term"], rows["level"], strict=True), zip(rows["n"], events, strict=True), strict=True)
    )
