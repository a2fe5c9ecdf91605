"""What `parametric` returns: estimates, and the survival curves and quantiles they imply."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import norm

from ..design import coefficient_table
from ..estimates import Estimates, FittedModel
from .error_distributions import (
    EXTREME_VALUE,
    LOGISTIC,
    NORMAL,
    ErrorDistribution,
    generalized_gamma,
)
from .generalized_gamma import shape_slope
from .product_limit import survival_interval

LOG_SCALE, SHAPE = "Log(scale)", "Q"
INTERVALS = ("log-log", "log", "plain", "logit")


@dataclass(frozen=True)
class Distribution:
    """A distribution by name; `errors` is None where they have a shape that is estimated."""

    title: str
    errors: ErrorDistribution | None
    log_scale: bool = True
    fixed_scale: bool = False

    @property
    def measure(self) -> str:
        return "time ratio" if self.log_scale else "difference"


DISTRIBUTIONS = {
    "weibull": Distribution("Weibull", EXTREME_VALUE),
    "exponential": Distribution("exponential", EXTREME_VALUE, fixed_scale=True),
    "lognormal": Distribution("lognormal", NORMAL),
    "loglogistic": Distribution("loglogistic", LOGISTIC),
    "gaussian": Distribution("normal", NORMAL, log_scale=False),
    "generalized_gamma": Distribution("generalized gamma", None),
}


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class ParametricFit(FittedModel):
    """A parametric model of times: time ratios (of "gaussian", differences) in `.table`.

    `.coefficients` and `.covariance` hold the coefficients of log time, then "Log(scale)" (not of the exponential
    distribution), then "Q" (of the generalized gamma).

    Parameters
    ----------
    distribution : str
    scale : float
        sigma of log T = x beta + sigma z; 1 / shape of a Weibull distribution.
    shape : float, optional
        Q of the generalized gamma.
    loglik_null : float
        Log-likelihood without covariates.
    unbounded : tuple of str
        Coefficients that have no finite estimate.
    """

    distribution: str
    scale: float
    shape: float | None = None
    loglik_null: float
    unbounded: tuple[str, ...] = ()

    def predict(self, newdata: pd.DataFrame, kind: str = "median") -> pd.Series:
        """Median time ("median") or linear predictor ("lp") of each row; NaN where a variable is missing."""
        if kind not in ("median", "lp"):
            raise ValueError(f"predict: kind='{kind}' is unknown; choose median or lp")
        linear = self._linear(self._new_matrix(newdata).to_numpy())
        if kind == "median":
            linear = linear + self.scale * float(self._errors.quantile(np.array([0.5]))[0])
            linear = np.exp(linear) if self._kind.log_scale else linear
        return pd.Series(linear, index=newdata.index, name=kind)

    def survival(
        self, newdata: pd.DataFrame, times: float | Sequence[float] | np.ndarray, *, ci: str = "log-log"
    ) -> pd.DataFrame:
        """Probability that the time of each row of `newdata` is above chosen times, with delta-method intervals.

        Parameters
        ----------
        newdata : DataFrame
            The variables of the formula.
        times : float or sequence of float
            In the unit of the data, not negative (of "gaussian": values).
        ci : {"log-log", "log", "plain", "logit"}
            Scale of the interval.

        Returns
        -------
        DataFrame
            Columns `row` (index of `newdata`), `time`, `estimate`, `std_error`, `conf_low`, `conf_high`; NaN for a
            row with a missing value.

        Raises
        ------
        ValueError
            For an unknown `ci`, a negative time, a level that the fit does not know, or a fit loaded from a file.
        """
        if ci not in INTERVALS:
            raise ValueError(f"ci='{ci}' is unknown; choose one of {', '.join(INTERVALS)}")
        moments = np.atleast_1d(np.asarray(times, float))
        if self._kind.log_scale and (moments < 0).any():
            raise ValueError(f"times must not be negative; {moments.min():g} is")
        X = np.repeat(self._new_matrix(newdata).to_numpy(), len(moments), axis=0)
        with np.errstate(all="ignore"):
            y = np.tile(np.log(moments) if self._kind.log_scale else moments, len(newdata))
            z = (y - self._linear(X)) / self.scale
            log_survival = self._errors.log_survival(z)
            # d log S = -hazard(z) dz, and dz = -(x d beta) / sigma - z d log sigma
            hazard = self._errors.hazard(z)
            gradient = [(hazard / self.scale)[:, None] * X]
            if not self._kind.fixed_scale:
                gradient.append((hazard * z)[:, None])
            if self.shape is not None:
                gradient.append(
                    shape_slope(lambda Q: generalized_gamma(Q).log_survival(z), self.shape)[:, None]
                )
            log_error = self._errors_of(np.hstack(gradient))
        at_start = z == -np.inf
        survival = np.where(at_start, 1.0, np.exp(log_survival))
        log_error = np.where(at_start, 0.0, log_error)
        low, high = survival_interval(survival, log_error, ci, self.conf_level)
        return pd.DataFrame(
            {
                "row": np.repeat(newdata.index.to_numpy(), len(moments)),
                "time": np.tile(moments, len(newdata)),
                "estimate": survival,
                "std_error": survival * log_error,
                "conf_low": low,
                "conf_high": high,
            }
        )

    def quantile(self, newdata: pd.DataFrame, p: float | Sequence[float] = 0.5) -> pd.DataFrame:
        """Time by which a proportion `p` of those like each row of `newdata` has the event (0.5: the median).

        Returns
        -------
        DataFrame
            Columns `row` (index of `newdata`), `quantile`, `estimate`, `std_error`, `conf_low`, `conf_high`, the
            interval by the delta method on the logarithm of time (of "gaussian": on the value).
        """
        levels = np.atleast_1d(np.asarray(p, float))
        if not ((levels > 0) & (levels < 1)).all():
            raise ValueError("quantile: p must lie between 0 and 1")
        X = np.repeat(self._new_matrix(newdata).to_numpy(), len(levels), axis=0)
        each = np.tile(levels, len(newdata))
        w = self._errors.quantile(each)
        gradient = [X]
        if not self._kind.fixed_scale:
            gradient.append((self.scale * w)[:, None])
        if self.shape is not None:
            slope = shape_slope(lambda Q: generalized_gamma(Q).quantile(each), self.shape)
            gradient.append((self.scale * slope)[:, None])
        value = self._linear(X) + self.scale * w
        error = self._errors_of(np.hstack(gradient))
        half = norm.ppf(0.5 + self.conf_level / 2) * error
        back = np.exp if self._kind.log_scale else np.positive
        return pd.DataFrame(
            {
                "row": np.repeat(newdata.index.to_numpy(), len(levels)),
                "quantile": each,
                "estimate": back(value),
                "std_error": error * back(value) if self._kind.log_scale else error,
                "conf_low": back(value - half),
                "conf_high": back(value + half),
            }
        )

    def hazard_ratios(self) -> Estimates:
        """Hazard ratios of a Weibull or exponential model, exp(-beta / sigma), with delta-method intervals.

        Returns
        -------
        Estimates
            Rows of `measure` "HR"; `coef` is -beta / sigma.

        Raises
        ------
        ValueError
            For another distribution, whose hazards are not proportional, or a fit loaded from a file.
        """
        if self.distribution not in ("weibull", "exponential"):
            raise ValueError(
                f"hazard_ratios: hazards of the {self._kind.title} model are not proportional; fit 'weibull'"
            )
        if self.design is None:
            raise ValueError("hazard_ratios: these estimates were loaded from a file; fit the model again")
        columns, p = self.design.columns, len(self.design.columns)
        beta = self.coefficients.to_numpy()[:p]
        jacobian = -np.eye(p, len(self.coefficients)) / self.scale
        if not self._kind.fixed_scale:
            jacobian[:, p] = beta / self.scale
        table = coefficient_table(
            columns,
            self.design.matrix,
            -beta / self.scale,
            jacobian @ self.covariance.to_numpy() @ jacobian.T,
            measure="HR",
            conf_level=self.conf_level,
            unbounded=np.isin([column.name for column in columns], self.unbounded),
        )
        return Estimates(
            table=table,
            method=f"Hazard ratios of the {self._kind.title} model, Wald intervals (delta method).",
            n=self.n,
            events=self.events,
            n_missing=self.n_missing,
            notes=self.notes,
            conf_level=self.conf_level,
        )

    @property
    def _kind(self) -> Distribution:
        return DISTRIBUTIONS[self.distribution]

    @property
    def _errors(self) -> ErrorDistribution:
        return self._kind.errors or generalized_gamma(float(self.shape or 0.0))

    def _linear(self, X: np.ndarray) -> np.ndarray:
        return X @ self.coefficients.to_numpy()[: X.shape[1]]

    def _errors_of(self, gradient: np.ndarray) -> np.ndarray:
        """Standard errors of functions of the coefficients, whose derivatives are the rows of `gradient`."""
        return np.sqrt(np.einsum("kp,pq,kq->k", gradient, self.covariance.to_numpy(), gradient))
