"""Nonparametric bootstrap of rows, or of whole clusters, as weights: how often each row was drawn.

Source: Davison & Hinkley (1997) Bootstrap Methods and their Application, ch. 2 and 3.8.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from tqdm import tqdm

from .covariance import FittedRows


def bootstrap(
    statistic: Callable[[np.ndarray], np.ndarray], rows: FittedRows, repeats: int, seed: int
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Draws (R, K) of a statistic of the weights of the rows, and a note on draws that had to be left out.

    Parameters
    ----------
    statistic : function
        From weights (n,) to estimates (K,), NaN where the model cannot be fitted.
    rows : FittedRows
        Their clusters are drawn whole.
    repeats, seed : int

    Raises
    ------
    ValueError
        For a survey design, too few repeats, or where most draws cannot be fitted.
    """
    if rows.sample is not None:
        raise ValueError("ci='bootstrap' does not know survey designs: use ci='delta'")
    if repeats < 100:
        raise ValueError(f"repeats={repeats} are too few for percentiles: take 1,000 or more")
    arrays = rows.arrays
    unit = np.arange(len(arrays.y)) if arrays.cluster is None else arrays.cluster
    n_units = int(unit.max()) + 1
    rng = np.random.default_rng(seed)
    drawn = np.empty((repeats, len(statistic(arrays.weights))))
    for r in tqdm(range(repeats), desc="bootstrap", disable=None):
        times = np.bincount(rng.integers(n_units, size=n_units), minlength=n_units)
        drawn[r] = statistic(arrays.weights * times[unit])
    usable = np.isfinite(drawn).all(axis=1)
    failed = int((~usable).sum())
    if failed > repeats / 2:
        raise ValueError(f"ci='bootstrap': the model cannot be fitted in {failed:,} of {repeats:,} samples")
    note = f"{failed:,} of {repeats:,} bootstrap samples, in which the model cannot be fitted, left out."
    return drawn[usable], ((note,) if failed else ())
