"""What tests and contrasts need of a model, fitted once or pooled over imputed data sets: linear combinations L b.

Of a fitted model the statistic is W = (L b)' (L V L')^-1 (L b), chi-squared with as many degrees of freedom as L has
rows k. Where the intervals of the model are by t, W / k is F with the same denominator; where each coefficient has
its own (CR2), Hotelling's T-squared with those of Pustejovsky & Tipton (2018). Of pooled models it is D1 of Li,
Raghunathan & Rubin (1991).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pandas as pd
from scipy.stats import chi2, f, t

from ..design import Design
from ..estimates import Estimates, FittedModel
from ..missing.pooled import PooledEstimates
from ..missing.rubin import rubin, wald_d1
from ..tables import RATIOS
from ..variance import JointDf

SINGULAR = 1e-12  # smallest eigenvalue of a correlation matrix that can be inverted
SMALLEST_DF = (
    "Each coefficient has its own degrees of freedom: those of several together are the smallest of them."
)


@dataclass(frozen=True)
class WaldTest:
    """Statistic, degrees of freedom and p-value. `df_denominator` is that of F, infinite for chi-squared."""

    statistic: float
    df: int
    df_denominator: float
    p_value: float


@dataclass(frozen=True, eq=False)
class Combinations:
    """Values of linear combinations with standard errors and degrees of freedom of t (infinite: normal)."""

    coef: np.ndarray
    std_error: np.ndarray
    df: np.ndarray


class Coefficients(Protocol):
    """The coefficients of a model, of which combinations (k, p) are estimated and tested to be all 0."""

    @property
    def by_f(self) -> bool: ...
    def combine(self, L: np.ndarray) -> Combinations: ...
    def wald(self, L: np.ndarray) -> WaldTest: ...


@dataclass(frozen=True, eq=False)
class Fitted:
    """Of one fit. `df` (p,) is infinite where inference is normal, NaN where a coefficient has no finite estimate."""

    coef: np.ndarray
    covariance: np.ndarray
    df: np.ndarray
    joint_df: JointDf | None

    @property
    def by_f(self) -> bool:
        return bool(np.isfinite(self.df).any())

    def combine(self, L: np.ndarray) -> Combinations:
        variance = np.einsum("kp,pq,kq->k", L, self.covariance, L)
        return Combinations(L @ self.coef, np.sqrt(variance), np.array([self._df(row[None]) for row in L]))

    def wald(self, L: np.ndarray) -> WaldTest:
        k = len(L)
        df = self._df(L)
        quadratic = _quadratic_form(L @ self.coef, L @ self.covariance @ L.T)
        if np.isnan(df) or np.isnan(quadratic):
            return WaldTest(np.nan, k, df, np.nan)
        if np.isinf(df):
            return WaldTest(quadratic, k, df, float(chi2.sf(quadratic, k)))
        if self.joint_df is not None:  # Hotelling's T-squared, as clubSandwich gives it
            quadratic *= (df - k + 1) / df
            df = df - k + 1
            if df <= 0:
                return WaldTest(np.nan, k, df, np.nan)
        return WaldTest(quadratic / k, k, df, float(f.sf(quadratic / k, k, df)))

    def _df(self, L: np.ndarray) -> float:
        own = self.df[(L != 0).any(axis=0)]
        if self.joint_df is not None and not np.isnan(own).any():
            return self.joint_df(L)
        return float(own.min())  # all the same but for a mixed model: see SMALLEST_DF


@dataclass(frozen=True, eq=False)
class Pooled:
    """Of the fits of m imputed data sets: their coefficients (m, p) and mean covariance."""

    replicates: np.ndarray
    within: np.ndarray
    complete_df: float

    by_f = True

    def combine(self, L: np.ndarray) -> Combinations:
        variance = np.einsum("kp,pq,kq->k", L, self.within, L)
        values = self.replicates @ L.T
        pooled = rubin(values, np.broadcast_to(variance, values.shape), self.complete_df)
        return Combinations(pooled.estimate, np.sqrt(pooled.total), pooled.df)

    def wald(self, L: np.ndarray) -> WaldTest:
        if len(L) == 1:  # the square of t, with its degrees of freedom, as in the table of pooled estimates
            one = self.combine(L)
            statistic, df = float((one.coef / one.std_error)[0] ** 2), float(one.df[0])
            return WaldTest(statistic, 1, df, float(f.sf(statistic, 1, df)))
        statistic, df, p_value, _ = wald_d1(self.replicates @ L.T, L @ self.within @ L.T, self.complete_df)
        return WaldTest(statistic, len(L), df, p_value)


@dataclass(frozen=True, eq=False)
class Tested:
    """A model at the door of a test: its design, its coefficients, the measure of its table and what to say.

    A multinomial model has as many coefficients for a column of its design as `equations`, equation by equation.
    """

    design: Design
    coefficients: Coefficients
    measure: str
    notes: tuple[str, ...]
    equations: int = 1

    @property
    def is_ratio(self) -> bool:
        return self.measure in RATIOS


def tested(fit: Estimates, function: str, *, several_equations: bool = False) -> Tested:
    """The parts of a model that tests of its coefficients need; `several_equations` lets a multinomial one pass.

    Raises
    ------
    TypeError
        For estimates that are not those of a model.
    ValueError
        For a model that was loaded from a file, or has several coefficients for a column of its design.
    """
    if not isinstance(fit, FittedModel | PooledEstimates) or fit.coefficients is None:
        raise TypeError(f"{function}: a fitted or pooled model is needed, this is {type(fit).__name__}")
    if fit.design is None:
        raise ValueError(
            f"{function}: these estimates were loaded from a file, without their design; fit the model again"
        )
    names, equations = _names(fit)
    if equations > 1 and not several_equations:
        raise ValueError(
            f"{function}: a multinomial model has an effect for each category of the outcome; fit logistic to the rows of "
            "a category and the first one"
        )
    measures = set(fit.table["measure"])
    measure = str(measures.pop()) if len(measures) == 1 else "difference"
    if isinstance(fit, PooledEstimates):
        assert fit.replicates is not None and fit.within is not None
        within = fit.within.loc[names, names].to_numpy()
        pooled = Pooled(fit.replicates[names].to_numpy(), within, fit.complete_df)
        return Tested(fit.design, pooled, measure, (), equations)
    df = _df_of_coefficients(fit, names)
    covariance = fit.covariance.loc[names, names].to_numpy()
    fitted = Fitted(fit.coefficients[names].to_numpy(), covariance, df, fit.joint_df)
    differ = fit.joint_df is None and len(np.unique(df[np.isfinite(df)])) > 1
    return Tested(fit.design, fitted, measure, (SMALLEST_DF,) if differ else (), equations)


def _names(fit: FittedModel | PooledEstimates) -> tuple[list[str], int]:
    """The coefficients of the design's columns (not the thresholds of an ordinal model), and how many each has."""
    assert fit.coefficients is not None
    columns, every = list(fit.design.names), list(fit.coefficients.index)
    if set(columns) <= set(every):
        return columns, 1
    return every, len(every) // len(columns)


def _df_of_coefficients(fit: FittedModel, names: list[str]) -> np.ndarray:
    """From the table, whose rows but those of reference levels are the coefficients but the intercept."""
    table = fit.table
    df = np.full(len(names), np.inf)
    if "std_error" not in table:
        return df
    at_reference = table["level"].notna() & (table["level"] == table["reference"])
    rows = table[~at_reference]
    own = rows["df"].to_numpy(float) if "df" in rows else np.full(len(rows), np.inf)
    columns = fit.design.names
    is_slope = np.tile([name != "Intercept" for name in columns], len(names) // len(columns))
    df[is_slope] = np.where(rows["std_error"].notna(), own, np.nan)
    # no combination that is tested holds the intercept but where all are by the same t
    df[~is_slope] = df[is_slope].min() if is_slope.any() else np.inf
    return df


def _quadratic_form(values: np.ndarray, covariance: np.ndarray) -> float:
    """values' covariance^-1 values, each on its own scale; NaN where the covariance is singular."""
    std_error = np.sqrt(np.diag(covariance))
    if not (np.isfinite(std_error).all() and (std_error > 0).all()):
        return np.nan
    correlation = covariance / np.outer(std_error, std_error)
    if np.linalg.eigvalsh(correlation)[0] < SINGULAR:
        return np.nan
    z = values / std_error
    return float(z @ np.linalg.solve(correlation, z))


def scaled_rows(found: Combinations, ratio: bool, conf_level: float) -> pd.DataFrame:
    """Estimates with intervals and p-values by t, ratios where the model's coefficients are their logarithms."""
    margin = t.ppf(0.5 + conf_level / 2, found.df) * found.std_error
    scale = np.exp if ratio else np.positive
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        statistic = found.coef / found.std_error
        columns = {
            "estimate": scale(found.coef),
            "conf_low": scale(found.coef - margin),
            "conf_high": scale(found.coef + margin),
            "p_value": 2 * t.sf(np.abs(statistic), found.df),
            "coef": found.coef,
            "std_error": found.std_error,
            "statistic": statistic,
        }
    if np.isfinite(found.df).any():
        columns["df"] = found.df
    return pd.DataFrame(columns)
