"""P-values adjusted for the number of tests. The procedures are those of statsmodels; numbers as R's p.adjust."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, TypeVar, overload

import numpy as np
import pandas as pd
from statsmodels.stats.multitest import multipletests

from ..estimates import Estimates

METHODS = {
    "bonferroni": "bonferroni",
    "holm": "holm",
    "hochberg": "simes-hochberg",
    "hommel": "hommel",
    "BH": "fdr_bh",
    "BY": "fdr_by",
}
NAMES = {
    "BH": "Benjamini-Hochberg (false discovery rate)",
    "BY": "Benjamini-Yekutieli (false discovery rate)",
}

E = TypeVar("E", bound=Estimates)


@overload
def adjust_p_values(p: E, method: str = ...) -> E: ...
@overload
def adjust_p_values(p: Any, method: str = ...) -> Any: ...
def adjust_p_values(
    p: Estimates | pd.Series | list[float] | np.ndarray, method: str = "holm"
) -> Estimates | pd.Series | np.ndarray:
    """Adjust p-values for multiple testing.

    Parameters
    ----------
    p : array of float, Series, or Estimates
        P-values. A missing one stays missing and is not counted as a test.
    method : {"holm", "bonferroni", "hochberg", "hommel", "BH", "BY"}
        The first four control the chance of any false finding, the last two the share of false ones among the findings
        (Benjamini & Hochberg 1995; Benjamini & Yekutieli 2001, under any dependence).

    Returns
    -------
    ndarray, Series or Estimates
        As `p`: the adjusted values, or the estimates with a column `p_adjusted` and a note.

    Raises
    ------
    ValueError
        For an unknown method, a p-value outside 0 to 1, or estimates without p-values.

    Examples
    --------
    >>> adjust_p_values([0.01, 0.04, np.nan, 0.03], "holm")
    array([0.03, 0.06,  nan, 0.06])
    """
    if method not in METHODS:
        raise ValueError(f"method='{method}' is unknown; choose one of {', '.join(METHODS)}")
    if isinstance(p, Estimates):
        if "p_value" not in p.table:
            raise ValueError("adjust_p_values: these estimates have no p-values")
        values = p.table["p_value"].to_numpy(float)
        note = (
            f"p_adjusted: {int((~np.isnan(values)).sum())} tests, {NAMES.get(method, method.capitalize())}."
        )
        return replace(p, table=p.table.assign(p_adjusted=_adjusted(values, method)), notes=(*p.notes, note))
    if isinstance(p, pd.Series):
        return pd.Series(_adjusted(p.to_numpy(float, na_value=np.nan), method), p.index, name=p.name)
    return _adjusted(np.asarray(p, float), method)


def _adjusted(p: np.ndarray, method: str) -> np.ndarray:
    if p.ndim != 1:
        raise ValueError(f"p must have one dimension, it has {p.ndim}")
    known = ~np.isnan(p)
    outside = p[known & ~((p >= 0) & (p <= 1))]
    if len(outside):
        raise ValueError(f"p-values lie between 0 and 1; found {outside[0]:g}")
    adjusted = np.full(len(p), np.nan)
    if known.any():
        adjusted[known] = multipletests(p[known], method=METHODS[method])[1]
    return adjusted
