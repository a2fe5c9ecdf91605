"""Inverse-probability weights for drop-out: those who stayed stand for those like them who were lost.

Source: Seaman & White (2013) Stat Methods Med Res 22:278; stabilized weights: Robins, Hernan & Brumback (2000)
Epidemiology 11:550.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..design import binary_outcome, require_columns
from ..estimates import Estimates
from ..regression.logistic import logistic

LARGE = 20.0


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class DropoutWeights(Estimates):
    """What predicts staying, as odds ratios in `.table`, and the weights in `.weights` (index of the data).

    `.effective_n`: (sum w)^2 / sum w^2, the size of an unweighted sample as informative (Kish 1965).
    """

    weights: pd.Series
    effective_n: float


def dropout_weights(
    data: pd.DataFrame, retained: str, formula: str, *, stabilize: bool = True, conf_level: float = 0.95
) -> DropoutWeights:
    """Weights of those who stayed: the inverse of their probability to stay given the covariates.

    Parameters
    ----------
    data : DataFrame
        One row a person who entered the study.
    retained : str
        Column that is 0/1, bool, or a category of two levels, the second being that the person stayed.
    formula : str
        What predicts staying: the right-hand side of a logistic regression, ``"age + sex"``.
    stabilize : bool
        Times the proportion that stayed: the mean weight is then near 1.
    conf_level : float
        Level of the intervals of the odds ratios.

    Returns
    -------
    DropoutWeights
        `.weights` is missing for those who were lost, and where a covariate is missing (counted in `.notes`). Put it
        into the data and name it as `weights` of an analysis, whose variance is then robust.

    Raises
    ------
    ValueError
        Where nobody or everybody stayed, or the formula does not fit the data.

    Examples
    --------
    >>> data = pd.DataFrame({"stayed": [1, 1, 0, 1, 1, 0, 0, 1], "old": [0, 0, 0, 0, 1, 1, 1, 1]})
    >>> dropout_weights(data, "stayed", "old", stabilize=False).weights.round(2).tolist()
    [1.33, 1.33, nan, 1.33, 2.0, nan, nan, 2.0]
    """
    require_columns(data, [retained], "data")
    stayed = binary_outcome(data[retained], retained)
    if len(np.unique(stayed[~np.isnan(stayed)])) < 2:
        raise ValueError(
            f"retained: '{retained}' is the same in all rows: nobody to weight, or nobody to stand for"
        )
    fit = logistic(f"stayed_ ~ {formula}", data.assign(stayed_=stayed), conf_level=conf_level)

    probability = fit.predict(data).to_numpy()
    weights = np.where(stayed == 1, 1 / probability, np.nan)
    if stabilize:
        weights = weights * fit.events / fit.n
    used = weights[~np.isnan(weights)]

    kind = "stabilized " if stabilize else ""
    notes = [
        note.replace("stayed_", retained)
        for note in fit.notes
        if not note.startswith("Few events")  # of a model that only serves to predict
    ]
    notes.append(
        f"{len(used):,} {kind}weights: mean {used.mean():.2f}, range {used.min():.2f} to {used.max():.2f}; effective "
        f"size {used.sum() ** 2 / (used @ used):,.0f}."
    )
    if used.max() > LARGE * used.mean():
        notes.append("Some weights are very large: a few persons stand for many. Look at them.")
    return DropoutWeights(
        table=fit.table,
        method=f"Inverse-probability weights for drop-out ({kind.strip() or 'not stabilized'}) from a logistic "
        f"regression of staying on {formula.strip()}.",
        n=fit.n,
        events=fit.events,
        n_missing={retained if name == "stayed_" else name: count for name, count in fit.n_missing.items()},
        notes=tuple(notes),
        conf_level=conf_level,
        weights=pd.Series(weights, data.index, name="weight"),
        effective_n=float(used.sum() ** 2 / (used @ used)),
    )
