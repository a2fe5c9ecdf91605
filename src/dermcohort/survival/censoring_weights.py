"""Inverse-probability-of-censoring weights: at each time those still followed stand for those like them who were lost.

Source: Robins & Finkelstein (2000) Biometrics 56:779; stabilized weights and their use in Cox models: Hernan, Brumback
& Robins (2000) Epidemiology 11:561.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..design import binary_outcome, require_columns
from ..estimates import Estimates
from .cox import cox
from .frame import used_columns
from .nelson_aalen import nelson_aalen
from .split_time import split_time

MOST_CUTS = 20
LARGE = 20.0
END = "(end of the row)"


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class CensoringWeights(Estimates):
    """What predicts loss, as hazard ratios in `.table`, and the weighted episodes in `.rows`.

    Parameters
    ----------
    rows : DataFrame
        The data split at `cuts`, with the columns `entry` (where the data have none), `episode`, `weight` and, where not
        given, `person`.
    cuts : tuple of float
        Times at which weights change.
    """

    rows: pd.DataFrame
    cuts: tuple[float, ...]


def censoring_weights(
    formula: str,
    data: pd.DataFrame,
    *,
    time: str,
    event: str,
    lost: str,
    entry: str | None = None,
    person: str | None = None,
    cuts: np.ndarray | list[float] | None = None,
    stabilize: bool = True,
    conf_level: float = 0.95,
) -> CensoringWeights:
    """Weights against loss to follow-up that depends on what is known of a person.

    Parameters
    ----------
    formula : str
        What predicts loss: the right-hand side of a Cox model of the time to loss, ``"age + smoking"``. All that
        predicts both loss and the event, also what the analysis itself does not adjust for.
    data : DataFrame
        One row a person, or an episode where `person` and `entry` are given: covariates then may change with time.
    time : str
        Column of the time of event or end of follow-up.
    event : str
        Column that is 0/1, bool, or a category of two levels, the second being the event.
    lost : str
        Column in the same codes: whether follow-up ended by loss. Who reached the end of the study is not lost.
    entry : str, optional
        Column of the time from which a row is at risk: at risk over (entry, time].
    person : str, optional
        Column that tells people apart, where they have several rows.
    cuts : sequence of float, optional
        Times at which weights change; between two of them a weight stays what it was at the first. By default the
        times of loss, or 20 of them, evenly spread, where there are more. Each makes of a row followed past it two.
    stabilize : bool
        Times the probability to be still followed whatever the covariates: weights then stay near 1.
    conf_level : float
        Level of the intervals of the hazard ratios of loss.

    Returns
    -------
    CensoringWeights
        Give `.rows` to `kaplan_meier` or `cox` with ``entry=``, ``weights="weight"`` and the person as ``cluster=``:
        the variance is then robust. It takes the weights as known, which is mostly a little conservative. A weight is
        missing where a covariate is (counted), and in all later episodes of the person.

    Raises
    ------
    ValueError
        Where nobody is lost, a row is both lost and an event, or a person has rows after either.

    Notes
    -----
    The weight of a person at t is K0(t) / K(t | covariates), with K = exp(-H) the probability to be not yet lost from
    the person's entry to just before t. H is Breslow's cumulative hazard of loss, in the numerator Nelson and Aalen's;
    who has the event is censored then. Weights cannot help against loss that depends on what was not measured: see
    `missing.loss_sensitivity`.

    Examples
    --------
    >>> data = pd.DataFrame({"years": [2, 4, 5, 3, 5, 4], "ill": [0, 1, 0, 1, 0, 0], "moved": [1, 0, 0, 0, 0, 1],
    ...                      "old": [1, 0, 1, 0, 0, 0]})
    >>> weights = censoring_weights("old", data, time="years", event="ill", lost="moved", cuts=[2])
    >>> weights.rows[["entry", "years", "ill", "weight"]].tail(2).round(3)
       entry  years  ill  weight
    5    0.0    2.0    0   1.000
    5    2.0    4.0    0   0.947
    """
    used = used_columns(time, event, lost, entry, person)
    require_columns(data, used, "data")
    for name in ("weight", "episode", *(["person"] if person is None else [])):
        if name in data:
            raise ValueError(f"the data have a column '{name}', which the weights are to have: rename it")
    if person is not None and entry is None:
        raise ValueError("person= needs entry=: the rows of a person are episodes (entry, time]")
    happened, gone = binary_outcome(data[event], event), binary_outcome(data[lost], lost)
    both = int(((happened == 1) & (gone == 1)).sum())
    if both:
        raise ValueError(f"'{event}' and '{lost}' are both true in {both} rows: follow-up ends in one way")
    if not (gone == 1).any():
        raise ValueError(f"lost: '{lost}' is true in no row: there is nothing to weight for")
    numbered = data.assign(**{lost: gone})
    if person is None:
        person, numbered["person"] = "person", np.arange(len(data))
    _require_last(numbered, person, time, (happened == 1) | (gone == 1))
    times_of_loss = np.unique(data.loc[gone == 1, time].dropna().to_numpy(float))
    if not len(times_of_loss):
        raise ValueError(f"lost: '{lost}' is true in no row that has '{time}'")
    if cuts is None:
        cuts = np.quantile(
            times_of_loss, np.linspace(0, 1, min(MOST_CUTS, len(times_of_loss))), method="nearest"
        )
    points = np.unique(np.asarray(cuts, float))

    start = entry or "entry"
    split = split_time(numbered.assign(**{END: numbered[time]}), time, event, points, entry=entry)
    rows = split.reset_index(drop=True)
    rows[lost] = rows[lost].where(rows[time] == rows[END], rows[lost] * 0)
    fit = cox(formula, rows, time=time, event=lost, entry=start, ties="breslow", conf_level=conf_level)
    # a martingale residual is the event less the hazard over the episode
    hazard = (rows[lost] - fit.residuals("martingale")).reindex(rows.index)
    if stabilize:
        hazard = hazard - _marginal_hazard(rows, hazard.notna(), time, lost, start)
    order = rows.sort_values([person, start], kind="stable").index
    ordered = hazard[order]
    before = ordered.groupby(rows[person][order], sort=False).transform(_sum_before)
    rows["weight"] = np.exp(before.reindex(rows.index)).where(hazard.notna())

    weights = rows["weight"].dropna().to_numpy()
    kind = "stabilized" if stabilize else "not stabilized"
    return CensoringWeights(
        table=fit.table.drop(columns=["n", "events"]),  # of episodes
        method=f"Inverse-probability-of-censoring weights ({kind}) from a Cox model of loss to follow-up on "
        f"{formula.strip()}.",
        n=int(rows[person].nunique()),
        events=int((gone == 1).sum()),
        n_missing={name: int(data[name].isna().sum()) for name in fit.n_missing if name in data},
        notes=(
            *(note for note in fit.notes if note.startswith(("Monotone", "The fit did not"))),
            *_notes(rows, weights, points),
        ),
        conf_level=conf_level,
        rows=rows.drop(columns=END).set_index(split.index),
        cuts=tuple(map(float, points)),
    )


def _require_last(data: pd.DataFrame, person: str, time: str, ended: np.ndarray) -> None:
    """Event and loss end the follow-up of a person."""
    last = data.groupby(person)[time].transform("max")
    early = int((ended & (data[time] < last).to_numpy()).sum())
    if early:
        raise ValueError(f"{early} rows with the event or loss are not the last of their person ('{person}')")


def _marginal_hazard(rows: pd.DataFrame, complete: pd.Series, time: str, lost: str, start: str) -> np.ndarray:
    """Nelson and Aalen's cumulative hazard of loss over each episode, from the complete ones."""
    curve = nelson_aalen(rows[complete], time, lost, entry=start).table
    steps = np.concatenate([[0.0], curve["estimate"].to_numpy()])

    def until(times: pd.Series) -> np.ndarray:
        return steps[np.searchsorted(curve["time"].to_numpy(), times.to_numpy(float), "right")]

    return until(rows[time]) - until(rows[start])


def _sum_before(values: pd.Series) -> pd.Series:
    """Sum of what came before; missing after something missing."""
    return values.shift(fill_value=0.0).cumsum(skipna=False)


def _notes(rows: pd.DataFrame, weights: np.ndarray, cuts: np.ndarray) -> tuple[str, ...]:
    notes = [
        f"{len(weights):,} episodes weighted, cut at {len(cuts):,} times; weights: mean {weights.mean():.2f}, range "
        f"{weights.min():.2f} to {weights.max():.2f}.",
    ]
    missing = int(rows["weight"].isna().sum())
    if missing:
        notes.append(f"{missing:,} episodes have no weight: a covariate of the loss is missing.")
    if weights.max() > LARGE * weights.mean():
        notes.append("Some weights are very large: a few persons stand for many. Look at them.")
    return tuple(notes)
