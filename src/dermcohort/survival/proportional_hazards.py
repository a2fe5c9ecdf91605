"""Test of proportional hazards: does a coefficient change with a function g of time?

The score test of x g(t) added to the model, with the full information of beta and the coefficients of x g(t), for the
columns of each term and for all. Sums over event times of risk-set matrices are turned around as in
`partial_likelihood`, which makes one matrix product of each block of the information.

Sources: Grambsch & Therneau (1994) Biometrika 81:515; Therneau & Grambsch (2000) Modeling Survival Data, ch. 6. As
R's `cox.zph` since survival 3.0 (before, an approximation was used).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.stats import rankdata

from .cox_rows import CoxRows, FittedRows
from .partial_likelihood import moment_of_information
from .product_limit import product_limit

TRANSFORMS = ("km", "identity", "rank", "log")


def time_transform(rows: CoxRows, transform: str) -> np.ndarray:
    """g at the exit of each row.

    `km`: 1 - S(t-), S the Kaplan-Meier curve of all rows without weights; `rank`: among all exits.
    """
    if transform == "identity":
        return rows.exit_
    if transform == "log":
        if (rows.exit_ <= 0).any():
            raise ValueError("ph_test: transform='log' needs times above 0; choose km, rank or identity")
        return np.log(rows.exit_)
    if transform == "rank":
        return rankdata(rows.exit_)
    curve = product_limit(rows.entry, rows.exit_, rows.event, None)
    before = np.concatenate([[1.0], curve.survival[:-1]])
    return 1 - before[np.searchsorted(curve.time, rows.exit_)]


def proportional_hazards_tests(
    fitted: FittedRows, g: np.ndarray, blocks: Sequence[Sequence[int]]
) -> tuple[list[float], list[int]]:
    """Chi-square and degrees of freedom for the columns of each block.

    Parameters
    ----------
    fitted : FittedRows
        At the maximum, where the score of beta is 0.
    g : ndarray, shape (n,)
        From `time_transform`.
    blocks : sequence of sequences of int
        Columns that are tested together.
    """
    X, sets, at = fitted.X, fitted.sets, fitted.likelihood
    of_time = fitted.at_events(g)
    step = sets.step_weight * of_time[sets.time_of_step]
    # the tests do not depend on the origin of g; near the mean the blocks keep their digits
    mean = step.sum() / sets.step_weight.sum()
    of_time, step = of_time - mean, step - mean * sets.step_weight
    weight = (sets.weights * (g - mean))[sets.deaths]
    score = weight @ X[sets.deaths] - step @ at.step_mean
    mixed = moment_of_information(X, sets, at, of_time)
    pure = moment_of_information(X, sets, at, of_time**2)
    variance = pure - mixed @ np.linalg.pinv(at.information, hermitian=True) @ mixed
    statistics, df = [], []
    for block in blocks:
        inside = np.ix_(block, block)
        statistics.append(
            float(score[block] @ np.linalg.pinv(variance[inside], hermitian=True) @ score[block])
        )
        df.append(len(block))
    return statistics, df
