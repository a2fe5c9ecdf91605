"""What a fitted Cox model can be asked: predictions, survival curves, residuals, tests, concordance.

The fit keeps its design matrix and the complete rows; risk sets and hazards are computed again when they are asked for,
which takes as long as one step of the fit.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd
from scipy.stats import chi2

from ..estimates import FittedModel
from ..variance import Replicates, Sample, sandwich
from . import cox_residuals
from .coefficient_course import ProportionalHazardsTest
from .concordance import concordance, concordance_influence
from .cox_rows import CoxRows, FittedRows, cox_rows
from .cox_survival import predicted_hazard
from .frame import stratum_codes
from .product_limit import INTERVALS, survival_interval
from .proportional_hazards import TRANSFORMS, proportional_hazards_tests, time_transform
from .sampling import WEIGHT

INDEPENDENT = "The test takes rows to be independent."


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class CoxFit(FittedModel):
    """Hazard ratios in `.table`; log hazard ratios in `.coefficients`.

    `.reference` is the row of covariates predictions are relative to: the mean, or 0 for a column coded 0/1.
    `.score_test`, `.wald_test` and `.likelihood_ratio_test` (statistic, df, p_value) are of all coefficients being 0;
    only the Wald test heeds weights, clusters and survey designs.
    """

    loglik_null: float
    score_test: Mapping[str, float]
    reference: pd.Series
    time: str
    event: str
    entry: str | None = None
    strata: tuple[str, ...] = ()
    cluster: tuple[str, ...] = ()
    weights: str | None = None
    ties: str = "efron"
    sample: Sample | Replicates | None = field(default=None, metadata={"saved": False})

    @property
    def wald_test(self) -> dict[str, float]:
        """Test of all coefficients being 0, with the covariance that was asked for."""
        beta = self.coefficients.to_numpy()
        inverse = np.linalg.pinv(self.covariance.to_numpy(), hermitian=True)
        return chi_square_test(float(beta @ inverse @ beta), len(beta))

    @property
    def likelihood_ratio_test(self) -> dict[str, float]:
        """Test of all coefficients being 0; rows are taken to be independent."""
        return chi_square_test(2 * (self.loglik - self.loglik_null), len(self.coefficients))

    def predict(self, newdata: pd.DataFrame, kind: str = "lp") -> pd.Series:
        """Log hazard ratio ("lp") or hazard ratio ("risk") of each row against `.reference`."""
        if kind not in ("lp", "risk"):
            raise ValueError(f"predict: kind='{kind}' is unknown; choose lp or risk")
        matrix = self._new_matrix(newdata).to_numpy() - self.reference.to_numpy()
        linear = matrix @ self.coefficients.to_numpy()
        return pd.Series(np.exp(linear) if kind == "risk" else linear, index=newdata.index, name=kind)

    def survival(
        self, newdata: pd.DataFrame, times: float | Sequence[float] | np.ndarray, *, ci: str = "log"
    ) -> pd.DataFrame:
        """Predicted survival of each row of `newdata` at chosen times, as R's `survfit.coxph`.

        Parameters
        ----------
        newdata : DataFrame
            The variables of the formula and, for a stratified fit, of the strata.
        times : float or sequence of float
            In the unit of the data.
        ci : {"log", "log-log", "plain", "logit", "arcsin"}
            Scale of the pointwise interval.

        Returns
        -------
        DataFrame
            Columns `row` (index of `newdata`), `time`, `estimate`, `std_error`, `conf_low`, `conf_high`. NaN for a
            row with a missing value and after the last time of its stratum. Weights and clusters enter the standard
            error by the covariance of the coefficients, as in R. With a `SurveyDesign` it is by linearization of the
            coefficients and the baseline hazard together; a fit with replicate weights gives none (NaN).

        Raises
        ------
        ValueError
            For a level or stratum that the fit does not know, or a fit loaded from a file.

        Examples
        --------
        >>> from dermcohort.survival import cox
        >>> data = pd.DataFrame({"years": [9, 1, 1, 6, 6, 8], "died": [1, 1, 0, 1, 1, 0], "dose": [0, 1, 1, 1, 0, 0]})
        >>> fit = cox("dose", data, time="years", event="died")
        >>> fit.survival(pd.DataFrame({"dose": [0, 1]}), 6)["estimate"].round(3).tolist()
        [0.694, 0.142]
        """
        if ci not in INTERVALS:
            raise ValueError(f"ci='{ci}' is unknown; choose one of {', '.join(INTERVALS)}")
        fitted = self.fitted_rows("survival")
        X = self._new_matrix(newdata).to_numpy()
        stratum = self._strata_of(newdata)
        moments = np.atleast_1d(np.asarray(times, float))
        sampled = self.covariance_of if isinstance(self.sample, Sample) else None
        hazard, error = (np.full((len(X), len(moments)), np.nan) for _ in range(2))
        for code in np.unique(stratum):
            here = stratum == code
            hazard[here], error[here] = predicted_hazard(
                fitted,
                self.coefficients.to_numpy(),
                self.covariance.to_numpy(),
                X[here],
                code,
                moments,
                sampled,
            )
        if isinstance(self.sample, Replicates):
            error[:] = np.nan
        survival, log_error = np.exp(-hazard).ravel(), error.ravel()
        low, high = survival_interval(survival, log_error, ci, self.conf_level)
        return pd.DataFrame(
            {
                "row": np.repeat(newdata.index.to_numpy(), len(moments)),
                "time": np.tile(moments, len(X)),
                "estimate": survival,
                "std_error": survival * log_error,
                "conf_low": low,
                "conf_high": high,
            }
        )

    def ph_test(self, transform: str = "km") -> ProportionalHazardsTest:
        """Test of proportional hazards: the score test of an interaction of each term with time, as R's `cox.zph`.

        Parameters
        ----------
        transform : {"km", "identity", "rank", "log"}
            Scale of time: 1 less the Kaplan-Meier curve just before, time itself, its rank, its logarithm.

        Returns
        -------
        ProportionalHazardsTest
            One row a term with `statistic` (chi-square), `df` and `p_value`, and a last row `GLOBAL`; `.plot()` shows the
            course of each coefficient. Weights are heeded; the test is that of independent rows, also where the fit has
            clusters or a survey design.

        Examples
        --------
        >>> from dermcohort.survival import cox
        >>> data = pd.DataFrame({"years": [9, 1, 1, 6, 6, 8], "died": [1, 1, 0, 1, 1, 0], "dose": [0, 1, 1, 1, 0, 0]})
        >>> cox("dose", data, time="years", event="died").ph_test().table["term"].tolist()
        ['dose', 'GLOBAL']
        """
        if transform not in TRANSFORMS:
            raise ValueError(f"transform='{transform}' is unknown; choose one of {', '.join(TRANSFORMS)}")
        fitted = self.fitted_rows("ph_test")
        terms: dict[str, list[int]] = {}
        for i, column in enumerate(self.design.columns):
            terms.setdefault(column.term, []).append(i)
        blocks = [*terms.values(), list(range(len(self.coefficients)))]
        g, events = time_transform(fitted.rows, transform), cox_residuals.events_in_order(fitted)
        statistics, df = proportional_hazards_tests(fitted, g, blocks)
        table = pd.DataFrame(
            {
                "term": [*terms, "GLOBAL"],
                "p_value": chi2.sf(statistics, df),
                "statistic": statistics,
                "df": df,
            }
        )
        beta, names = self.coefficients, self.coefficients.index
        residuals = pd.DataFrame(cox_residuals.scaled_schoenfeld(fitted, beta.to_numpy()), columns=names)
        return ProportionalHazardsTest(
            table=table,
            method=f"Score test of proportional hazards against coefficients that change with time ({transform}).",
            n=self.n,
            events=self.events,
            n_missing=self.n_missing,
            notes=(INDEPENDENT,) if self.cluster or self.weights == WEIGHT else (),
            conf_level=self.conf_level,
            residuals=residuals.assign(time=fitted.rows.exit_[events], x=g[events]),
            coefficients=beta,
            variances=pd.Series(np.diag(cox_residuals.inverse_information(fitted)), names, name="variance"),
            time_label=self.time,
        )

    def residuals(self, kind: str = "martingale") -> pd.Series | pd.DataFrame:
        """Residuals, as R's `residuals.coxph`.

        Parameters
        ----------
        kind : {"martingale", "deviance", "score", "dfbeta", "schoenfeld", "scaled_schoenfeld"}

        Returns
        -------
        Series or DataFrame
            Indexed as the complete rows of the data (with `design`: by the place of the row). One value a row
            (martingale, deviance), or one column a coefficient (score, dfbeta). Schoenfeld residuals are those of the
            rows with an event, ordered by stratum and time. All are of rows without their weight but dfbeta, the
            change of the coefficients that a row makes, whose covariance is the model's.

        Examples
        --------
        >>> from dermcohort.survival import cox
        >>> data = pd.DataFrame({"years": [9, 1, 1, 6, 6, 8], "died": [1, 1, 0, 1, 1, 0], "dose": [0, 1, 1, 1, 0, 0]})
        >>> cox("dose", data, time="years", event="died").residuals().round(2).tolist()
        [-0.37, 0.72, -0.28, -0.44, 0.73, -0.37]
        """
        if kind not in cox_residuals.KINDS:
            raise ValueError(f"kind='{kind}' is unknown; choose one of {', '.join(cox_residuals.KINDS)}")
        fitted = self.fitted_rows("residuals")
        index = self.design.frame.index
        if kind in cox_residuals.OF_ROWS:
            of_rows = cox_residuals.martingale if kind == "martingale" else cox_residuals.deviance
            return pd.Series(of_rows(fitted), index, name=kind)
        if kind == "scaled_schoenfeld":
            values = cox_residuals.scaled_schoenfeld(fitted, self.coefficients.to_numpy())
        elif kind == "schoenfeld":
            values = cox_residuals.schoenfeld(fitted)
        else:
            values = cox_residuals.score(fitted) if kind == "score" else cox_residuals.dfbeta(fitted)
        if kind in cox_residuals.OF_EVENTS:
            index = index[cox_residuals.events_in_order(fitted)]
        return pd.DataFrame(values, index, self.coefficients.index)

    @cached_property
    def concordance(self) -> float:
        """Harrell's C: how often the person with the higher hazard has the earlier event."""
        return concordance(*self._risks())

    @cached_property
    def concordance_std_error(self) -> float:
        """Standard error of C (infinitesimal jackknife), within clusters where the fit has them; NaN with `design`."""
        if self.weights == WEIGHT:
            return math.nan
        influence = concordance_influence(*self._risks())
        codes = self.design.codes(list(self.cluster) or None)
        totals = influence if codes is None else np.bincount(codes, influence)
        return float(np.sqrt(np.sum(totals**2)))

    def covariance_of(self, influence: np.ndarray) -> np.ndarray:
        """Covariance of p estimates from the influence (n, p) of the complete rows, which depend as the fit says."""
        if self.sample is None:
            return sandwich(influence, self.design.codes(list(self.cluster) or None))
        assert isinstance(self.sample, Sample)
        of_all = np.zeros((len(self.sample.weights), influence.shape[1]))
        of_all[self.design.frame.index] = influence
        return self.sample.covariance(of_all)

    def _risks(
        self,
    ) -> tuple[np.ndarray, np.ndarray | None, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        rows = self._rows("concordance")
        risk = rows.X @ self.coefficients.to_numpy()
        return risk, rows.entry, rows.exit_, rows.event, rows.stratum, rows.weights

    def _rows(self, asked: str) -> CoxRows:
        if self.design is None:
            raise ValueError(f"{asked}: these estimates were loaded from a file; fit the model again")
        return cox_rows(
            self.design,
            time=self.time,
            event=self.event,
            entry=self.entry,
            strata=self.strata,
            weights=self.weights,
            ties=self.ties,
        )

    def fitted_rows(self, asked: str) -> FittedRows:
        """The complete rows and the likelihood at the coefficients, for what is `asked` of the fit."""
        if self.ties == "exact":
            raise ValueError(f"{asked} is not available with ties='exact': fit with ties='efron'")
        return self._rows(asked).at(self.coefficients.to_numpy())

    def _strata_of(self, newdata: pd.DataFrame) -> np.ndarray:
        """Code of the stratum of each new row."""
        return stratum_codes(self.design, self.strata, newdata)


def chi_square_test(statistic: float, df: int) -> dict[str, float]:
    """A chi-square statistic with its degrees of freedom and p-value."""
    return {"statistic": statistic, "df": df, "p_value": float(chi2.sf(statistic, df))}
