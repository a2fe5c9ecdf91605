"""What the models of correlated data share: canonical families, rows sorted by group, the first fit, the table.

With the canonical link the log-likelihood of a row is y eta - m b(eta) + constant, m its number of trials (1 but
for grouped binomial data), and mean and variance are m b'(eta) and m b''(eta): McCullagh & Nelder (1989), ch. 2.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import expit, logit
from scipy.stats import t

from ..design import Column, Design, binary_outcome, coefficient_table, require_columns
from ..groups import event_counts

MAX_ITERATIONS = 60


@dataclass(frozen=True)
class Family:
    """A distribution with its canonical link: the cumulant b and b' of eta; its next two derivatives of the mean."""

    name: str
    measure: str
    link: Callable[[np.ndarray], np.ndarray]
    cumulant: Callable[[np.ndarray], np.ndarray]
    mean: Callable[[np.ndarray], np.ndarray]
    variance: Callable[[np.ndarray], np.ndarray]
    third: Callable[[np.ndarray], np.ndarray]


def _exp(eta: np.ndarray) -> np.ndarray:
    # a node far from the mode or a step too long may ask for more than numbers can hold
    return np.exp(np.minimum(eta, 300.0))


BINOMIAL = Family(
    "binomial",
    "OR",
    link=logit,
    cumulant=lambda eta: np.logaddexp(0, eta),
    mean=expit,
    variance=lambda mu: mu * (1 - mu),
    third=lambda mu: mu * (1 - mu) * (1 - 2 * mu),
)
POISSON = Family(
    "poisson", "IRR", link=np.log, cumulant=_exp, mean=_exp, variance=lambda mu: mu, third=lambda mu: mu
)
GAUSSIAN = Family(
    "gaussian",
    "difference",
    link=lambda mu: mu,
    cumulant=lambda eta: eta**2 / 2,
    mean=lambda eta: eta,
    variance=np.ones_like,
    third=np.zeros_like,
)
FAMILIES = {family.name: family for family in (BINOMIAL, POISSON, GAUSSIAN)}


@dataclass(frozen=True, eq=False)
class Grouping:
    """Rows sorted by group (and by wave): where each group begins, and the group and wave of each row."""

    code: np.ndarray
    starts: np.ndarray
    sizes: np.ndarray
    wave: np.ndarray

    @property
    def n_groups(self) -> int:
        return len(self.starts)

    def totals(self, values: np.ndarray) -> np.ndarray:
        """Sums of the rows of each group."""
        return np.add.reduceat(values, self.starts, axis=0)


def sort_by_group(codes: np.ndarray, waves: np.ndarray | None = None) -> tuple[np.ndarray, Grouping]:
    """The order that brings the rows of a group together, and the groups in it, coded 0, 1, ...

    Without `waves` a row's position is its order within the group.
    """
    order = np.argsort(codes, kind="stable") if waves is None else np.lexsort((waves, codes))
    is_first = np.r_[True, codes[order][1:] != codes[order][:-1]]
    code = np.cumsum(is_first) - 1
    starts = np.flatnonzero(is_first)
    sizes = np.diff(np.r_[starts, len(code)])
    position = np.arange(len(code)) - np.repeat(starts, sizes)
    wave = position if waves is None else waves[order] - waves.min()
    return order, Grouping(code, starts, sizes, wave)


def read_outcome(frame: Design, family: Family) -> np.ndarray:
    """The outcome as the family needs it; refuses one that leaves nothing to model."""
    assert frame.response is not None
    values, name = frame.response, str(frame.response.name)
    if family is BINOMIAL:
        y = binary_outcome(values, name)
    elif family is POISSON:
        y = event_counts(values, name)
    else:
        if not pd.api.types.is_numeric_dtype(values.dtype):
            raise ValueError(f"'{name}' must be numeric, it is {values.dtype}")
        y = values.to_numpy(float)
    require_variation(y, np.ones(len(y)), name, family)
    return y


def require_variation(y: np.ndarray, trials: np.ndarray, name: str, family: Family) -> None:
    """Refuse an outcome without events, or without anything else."""
    everywhere = (family is BINOMIAL and (y == trials).all()) or (family is GAUSSIAN and np.ptp(y) == 0)
    if everywhere or (family is not GAUSSIAN and not y.any()):
        always = "0" if not y.any() else "1" if family is BINOMIAL else f"{y[0]:g}"
        raise ValueError(f"'{name}' is {always} in all {len(y):,} complete rows: there is nothing to model")


def require_groups(grouping: Grouping, names: Sequence[str]) -> None:
    """Refuse data that are all in one group."""
    if grouping.n_groups < 2:
        raise ValueError(
            f"groups: all {len(grouping.code):,} complete rows are in one group of '{', '.join(names)}'; "
            "two or more are needed"
        )


def require_residual(residual: np.ndarray, y: np.ndarray) -> None:
    """Refuse a number that the model fits without error: no variance is left to estimate."""
    if residual @ residual <= 1e-20 * (y @ y):
        raise ValueError("the outcome is fitted without error: there is no residual variance to estimate")


def rarer_outcome(family: Family, y: np.ndarray, trials: np.ndarray) -> int:
    """Events, or for a binary outcome what is rarer of events and non-events."""
    return int(min(y.sum(), trials.sum() - y.sum()) if family is BINOMIAL else y.sum())


@dataclass(frozen=True, eq=False)
class IndependentFit:
    """Maximum likelihood as if rows were independent: where the other models start."""

    beta: np.ndarray
    loglik: float
    information: np.ndarray
    last_step: np.ndarray


def fit_independent(
    family: Family, X: np.ndarray, y: np.ndarray, trials: np.ndarray, offset: np.ndarray
) -> IndependentFit:
    """Newton's method with halved steps for sum_i y_i eta_i - m_i b(eta_i); stops at relative change 1e-13."""
    beta = _first_guess(family, X, y, trials, offset)
    eta = X @ beta + offset
    loglik = _loglik(family, y, trials, eta)
    step = np.full_like(beta, np.inf)
    for _ in range(MAX_ITERATIONS):
        score = X.T @ (y - trials * family.mean(eta))
        information = _information(family, X, trials, eta)
        try:
            step = np.linalg.solve(information, score)
        except np.linalg.LinAlgError:
            break
        new_loglik, factor = -np.inf, 1.0
        while factor > 1e-4:
            new_eta = X @ (beta + factor * step) + offset
            new_loglik = _loglik(family, y, trials, new_eta)
            if new_loglik >= loglik - 1e-10 * abs(loglik):
                break
            factor /= 2
        change = abs(new_loglik - loglik)
        beta, eta, loglik = beta + factor * step, new_eta, new_loglik
        if change <= 1e-13 * (abs(loglik) + 0.1):
            break
    return IndependentFit(beta, loglik, _information(family, X, trials, eta), step)


def _first_guess(
    family: Family, X: np.ndarray, y: np.ndarray, trials: np.ndarray, offset: np.ndarray
) -> np.ndarray:
    """Least squares on the scale of the linear predictor, each mean half its own outcome, half the overall."""
    overall = y.sum() / trials.sum()
    mean = (y / trials + overall) / 2
    return np.linalg.lstsq(X, family.link(mean) - offset, rcond=None)[0]


def _loglik(family: Family, y: np.ndarray, trials: np.ndarray, eta: np.ndarray) -> float:
    return float(np.sum(y * eta - trials * family.cumulant(eta)))


def _information(family: Family, X: np.ndarray, trials: np.ndarray, eta: np.ndarray) -> np.ndarray:
    scaled = X * np.sqrt(trials * family.variance(family.mean(eta)))[:, None]
    return scaled.T @ scaled


def effects_table(
    columns: Sequence[Column],
    matrix: np.ndarray,
    coefficients: np.ndarray,
    covariance: np.ndarray,
    *,
    measure: str,
    conf_level: float,
    event: np.ndarray | None = None,
    unbounded: np.ndarray | None = None,
    df: float | np.ndarray = np.inf,
) -> pd.DataFrame:
    """`coefficient_table` with differences where the link is the identity, and Student's t where `df` is finite.

    `df` is one number or one a coefficient.
    """
    table = coefficient_table(
        columns,
        matrix,
        coefficients,
        covariance,
        measure=measure,
        conf_level=conf_level,
        event=event,
        unbounded=unbounded,
    )
    if "coef" not in table:
        return table
    estimated = ~(table["level"].notna() & (table["level"] == table["reference"])).to_numpy()
    row_df = np.full(len(table), np.nan)
    of_coefficients = np.broadcast_to(df, len(columns))
    row_df[estimated] = [d for d, c in zip(of_coefficients, columns, strict=True) if c.name != "Intercept"]
    if measure != "difference" and np.isinf(row_df[estimated]).all():
        return table
    to_scale: Callable[[pd.Series], pd.Series] = (lambda x: x) if measure == "difference" else _exp
    bounded = table["std_error"].notna()
    margin = t.ppf(0.5 + conf_level / 2, row_df) * table["std_error"]
    table["estimate"] = to_scale(table["coef"]).where(bounded | ~estimated, table["estimate"])
    table["conf_low"] = to_scale(table["coef"] - margin).where(bounded, table["conf_low"])
    table["conf_high"] = to_scale(table["coef"] + margin).where(bounded, table["conf_high"])
    table["p_value"] = 2 * t.sf(table["statistic"].abs(), row_df)
    if np.isfinite(row_df).any():
        table.insert(table.columns.get_loc("statistic") + 1, "df", np.where(bounded, row_df, np.nan))
    return table


def linear_predictor(
    matrix: pd.DataFrame, coefficients: pd.Series, newdata: pd.DataFrame, offset: str | None
) -> np.ndarray:
    """X beta + offset for the rows of `newdata`, whose design matrix is `matrix`."""
    linear = matrix.to_numpy() @ coefficients.to_numpy()
    if offset is None:
        return linear
    require_columns(newdata, [offset], "newdata")
    return linear + newdata[offset].to_numpy(float)
