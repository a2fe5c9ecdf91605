"""What `pool` returns, with the test of several coefficients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from ..design import as_list
from ..estimates import Estimates
from ..wording import suggest
from .rubin import wald_d1


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class PooledEstimates(Estimates):
    """Estimates pooled over imputed data sets.

    `.table` is that of the fits, with the columns `relative_increase` (of the variance, due to missing data) and
    `missing_information` (its fraction) added. Of models, `.coefficients` and `.covariance` (the total variance) hold
    every coefficient, `.within` the mean covariance and `.replicates` the coefficients of each fit; `.design` is that
    of the first fit, not saved. Of other estimates these are None.
    """

    m: int
    complete_df: float
    coefficients: pd.Series | None = None
    covariance: pd.DataFrame | None = None
    within: pd.DataFrame | None = None
    replicates: pd.DataFrame | None = None
    terms: Mapping[str, str] = field(default_factory=dict)
    design: Any = field(default=None, metadata={"saved": False})

    def _footnotes(self) -> list[str]:
        return super()._footnotes()[0 if self.n else 1 :]  # numbers come without their n

    def wald_test(self, terms: str | Sequence[str] | None = None) -> pd.DataFrame:
        """Test that several coefficients are all 0: D1 of Li, Raghunathan & Rubin (1991).

        Parameters
        ----------
        terms : str or list of str, optional
            Terms (all levels of a category) or single coefficients; all but the intercept where None.

        Returns
        -------
        DataFrame
            One row: `term`, `statistic` (F), `df`, `df_denominator` (Reiter 2007 where the complete-data degrees of
            freedom are known), `p_value`, `relative_increase`. Equal to R's mice::D1.

        Raises
        ------
        ValueError
            Where the estimates are not those of a model, or have no such term.
        """
        if self.replicates is None or self.within is None:
            raise ValueError("wald_test: these estimates have no covariance; pool fitted models")
        wanted = as_list(terms) or [name for name in self.replicates if name != "Intercept"]
        chosen: list[str] = []
        for term in wanted:
            found = [name for name in self.replicates if term in (name, self.terms.get(name))]
            if not found:
                known = [*dict.fromkeys(self.terms.values()), *self.replicates]
                raise ValueError(f"wald_test: the model has no term '{term}'.{suggest(term, known)}")
            chosen += [name for name in found if name not in chosen]
        statistic, df, p_value, increase = wald_d1(
            self.replicates[chosen].to_numpy(), self.within.loc[chosen, chosen].to_numpy(), self.complete_df
        )
        row = {"term": ", ".join(wanted), "statistic": statistic, "df": len(chosen), "df_denominator": df,
               "p_value": p_value, "relative_increase": increase}  # fmt: skip
        return pd.DataFrame([row])
