"""Quantile g-computation: the effect of raising every exposure of a mixture by one quantile.

Source: Keil et al. (2020) Environ Health Perspect 128:047004. Numbers as `qgcomp.glm.noboot`, `qgcomp.cox.noboot`
and (point estimates) `qgcomp.glm.boot` of R's qgcomp. The regressions are those of `dc.regression` and
`dc.survival`; the marginal structural model is in `marginal`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.stats import chi2, norm

from ..design import as_list
from ..estimates import Estimates, FittedModel, tidy
from .marginal import MarginalModel, bootstrap_marginal
from .outcomes import SEEDLESS, TITLES, Outcome, confounder_design, require_data, with_terms
from .quantiles import quantile_scores

if TYPE_CHECKING:
    import matplotlib.axes


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class QuantileGcomp(Estimates):
    """The effect of a mixture in `.table`, its parts in `.weights`.

    Parameters
    ----------
    weights : DataFrame
        One row an exposure: `term`, `direction` ("positive" or "negative"), `weight` (its share of the sum of the
        coefficients of that direction) and `coef`, largest first. Empty where `degree` is above 1.
    nonlinearity : dict or None
        Wald test that all powers above 1 are 0 (`statistic`, `df`, `p_value`); None where `degree` is 1.
    curve : DataFrame or None
        With `bootstrap`: the expected outcome (a probability if it is 0/1) if everybody's exposures were all in
        quantile group `quantile`, standardized over the rows, with its interval.
    coefficients, covariance
        All coefficients of the regression on quantile scores, and their covariance.
    marginal : Series or None
        With `bootstrap`: coefficients of the marginal structural model (intercept, psi1, ...).
    marginal_covariance : DataFrame or None
        Their bootstrap covariance.
    """

    weights: pd.DataFrame
    nonlinearity: Mapping[str, float] | None
    curve: pd.DataFrame | None
    coefficients: pd.Series
    covariance: pd.DataFrame
    marginal: pd.Series | None = None
    marginal_covariance: pd.DataFrame | None = None

    def plot(
        self, ax: matplotlib.axes.Axes | None = None, *, labels: Mapping[str, str] | None = None
    ) -> matplotlib.axes.Axes:
        """Bars of the weights, negative ones to the left; the expected outcome by quantile where `degree` > 1."""
        from ..figures import quantile_curve, weight_bars

        if self.weights.empty:
            assert self.curve is not None
            return quantile_curve(self.curve, ax, labels)
        signs = np.where(self.weights["direction"] == "negative", -1.0, 1.0)
        return weight_bars(self.weights.assign(weight=signs * self.weights["weight"]), ax, labels or {})


def quantile_gcomp(
    formula: str,
    data: pd.DataFrame,
    exposures: Sequence[str],
    *,
    family: str = "binomial",
    quantiles: int = 4,
    degree: int = 1,
    time: str | None = None,
    event: str | None = None,
    entry: str | None = None,
    offset: str | None = None,
    cluster: str | Sequence[str] | None = None,
    weights: str | None = None,
    bootstrap: int | None = None,
    seed: int | None = None,
    conf_level: float = 0.95,
) -> QuantileGcomp:
    """What would change if all exposures of a mixture were raised by one quantile at once.

    Parameters
    ----------
    formula : str
        Outcome and confounders, ``"case ~ age + sex"``; with family "cox" confounders alone, ``"age + sex"``. The
        exposures are not in it.
    data : DataFrame
        One row a person. Rows with a missing value in a variable used are left out and counted.
    exposures : list of str
        Two or more numeric columns. Each is replaced by the number of its quantile group (0 the lowest), cut at the
        quantiles of all its observed values. Values below a detection limit must be numbers before (imputed, or
        one value below all others, which then share a group): see `dc.missing.impute`.
    family : {"binomial", "poisson", "gaussian", "cox"}
        What the outcome is: 0/1, a number of events, a number, a time to event.
    quantiles : int
        Number of groups.
    degree : int
        Highest power of the exposures in the regression and of the quantile in the marginal structural model. Above 1
        it needs `bootstrap`; `.table` then compares each quantile with the lowest.
    time, event, entry : str, optional
        As for `dc.survival.cox`, with family "cox".
    offset : str, optional
        Column added to the linear predictor (logarithm of person-time).
    cluster : str or list of str, optional
        Column or columns whose rows depend on each other: robust variance, or resampling of clusters.
    weights : str, optional
        Column of sampling or inverse-probability weights; the variance is then robust.
    bootstrap : int, optional
        Number of bootstrap samples for the marginal structural model, at least 20 (200 and more for a paper): the
        effect in the population, which for a 0/1 outcome is a ratio of risks ("RR"). Without it, the sum of the
        coefficients: the effect given the confounders ("OR", "IRR", "HR" or "difference"). Not with family "cox".
    seed : int, optional
        Of the bootstrap: same seed, same result.
    conf_level : float
        Level of the intervals, which are normal as qgcomp's, also with family "gaussian".

    Returns
    -------
    QuantileGcomp
        A row of `term` "mixture" per one quantile of all exposures; `.weights`, `.nonlinearity`, `.plot()`.

    Raises
    ------
    ValueError
        For arguments that exclude each other, exposures that are no numbers, of one group only or in the formula,
        a formula or outcome that does not fit the data, or exposures that determine each other.

    Notes
    -----
    Assumes that the confounders suffice, and that the effect is linear in the quantile scores (`degree` 1). The sum
    has an interval also where correlated exposures make each coefficient uncertain; the weights have none, since
    the sign of each coefficient is estimated from the same data.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> metals = pd.DataFrame(rng.normal(size=(1000, 3)), columns=["arsenic", "cadmium", "lead"])
    >>> data = metals.assign(age=rng.uniform(20, 70, 1000))
    >>> data["score"] = 1.0 * (metals["arsenic"] > 0) + 0.01 * data["age"] + rng.normal(size=1000)
    >>> mixture = quantile_gcomp("score ~ age", data, ["arsenic", "cadmium", "lead"], family="gaussian")
    >>> mixture.table[["term", "measure", "estimate", "conf_low", "conf_high"]].round(2)
          term     measure  estimate  conf_low  conf_high
    0  mixture  difference      0.39      0.29       0.49
    """
    outcome = Outcome(family, time, event, entry, offset)
    require_data(data, outcome, [*as_list(cluster), *as_list(weights)])
    _check_bootstrap(outcome, degree, quantiles, bootstrap, seed)
    scores, notes = quantile_scores(data, exposures, quantiles)
    exposures = list(exposures)
    # an exposure that is missing is counted under its own name alone, not under that of its powers
    powers = [[name if k == 1 else f"{name}^{k}" for name in exposures] for k in range(1, degree + 1)]
    raised = {
        name: scores[exposure].fillna(0) ** k
        for k, names in enumerate(powers[1:], start=2)
        for name, exposure in zip(names, exposures, strict=True)
    }
    scored = data.assign(**scores, **raised)
    confounder_design(formula, scored, outcome, exposures)
    full = with_terms(formula, [name for names in powers for name in names])
    fit = outcome.fit(full, scored, cluster=cluster, weights=weights, conf_level=conf_level)

    shared: dict[str, Any] = {
        "n": fit.n,
        "events": fit.events,
        "n_missing": {name: count for name, count in fit.n_missing.items() if name not in raised},
        "conf_level": conf_level,
        "coefficients": fit.coefficients,
        "covariance": fit.covariance,
        "weights": _weights(fit.coefficients[exposures] if degree == 1 else None),
    }
    if bootstrap is None:
        return QuantileGcomp(
            table=_conditional_table(fit, exposures, outcome.measure, outcome.is_ratio, conf_level),
            method=_method(outcome, quantiles, exposures, cluster, weights),
            notes=(*notes, *fit.notes),
            nonlinearity=None,
            curve=None,
            **shared,
        )
    marginal = bootstrap_marginal(
        full,
        scored,
        outcome,
        powers,
        quantiles=quantiles,
        weights=weights,
        cluster=as_list(cluster),
        n_samples=bootstrap,
        seed=seed,
    )
    names = ["Intercept", *(f"psi{k}" for k in range(1, degree + 1))]
    return QuantileGcomp(
        table=_marginal_table(marginal, fit, outcome.is_ratio, conf_level),
        method=_method(outcome, quantiles, exposures, cluster, weights, degree=degree, bootstrap=bootstrap),
        notes=(*notes, *fit.notes, *marginal.notes, *(SEEDLESS if seed is None else ())),
        nonlinearity=_nonlinearity(marginal) if degree > 1 else None,
        curve=marginal.curve(conf_level),
        marginal=pd.Series(marginal.coefficients, names, name="coef"),
        marginal_covariance=pd.DataFrame(marginal.covariance, names, names),
        **shared,
    )


def _check_bootstrap(
    outcome: Outcome, degree: int, quantiles: int, bootstrap: int | None, seed: int | None
) -> None:
    for name, value, least in (("degree", degree, 1), ("bootstrap", bootstrap, 20), ("seed", seed, 0)):
        if value is None and name != "degree":
            continue
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise ValueError(f"{name} must be a whole number of {least} or more, it is {value!r}")
    if bootstrap is not None and outcome.is_cox:
        raise ValueError("bootstrap= is not available with family='cox': leave it out")
    if degree > 1 and outcome.is_cox:
        raise ValueError(f"degree={degree} is not available with family='cox', only 1")
    if degree > 1 and bootstrap is None:
        raise ValueError(f"degree={degree} needs the marginal structural model: give bootstrap=200 or more")
    if degree > 1 and isinstance(quantiles, int) and degree >= quantiles:
        raise ValueError(f"degree={degree} must be less than quantiles={quantiles}")
    if seed is not None and bootstrap is None:
        raise ValueError("seed= is for bootstrap=: give both or none")


def _conditional_table(
    fit: FittedModel, exposures: Sequence[str], measure: str, ratio: bool, conf_level: float
) -> pd.DataFrame:
    """psi = sum of the exposures' coefficients; its variance is the sum of their covariances."""
    psi = float(fit.coefficients[exposures].sum())
    variance = float(fit.covariance.loc[exposures, exposures].to_numpy().sum())
    unbounded = fit.table.loc[fit.table["term"].isin(exposures), "std_error"].isna().any()
    if unbounded:
        psi = variance = np.nan
    return _table([psi], [variance], {"measure": measure}, fit, ratio, conf_level)


def _marginal_table(
    marginal: MarginalModel, fit: FittedModel, ratio: bool, conf_level: float
) -> pd.DataFrame:
    """Per one quantile where the model is linear, else each quantile against the lowest."""
    degree, quantiles = len(marginal.coefficients) - 1, len(marginal.expected)
    levels = np.arange(quantiles) if degree > 1 else np.array([1])
    contrasts = np.column_stack([np.zeros(len(levels)), *(levels**k for k in range(1, degree + 1))])
    variances = np.einsum("ij,jk,ik->i", contrasts, marginal.covariance, contrasts)
    labels: dict[str, Any] = {"measure": marginal.measure}
    if degree > 1:
        labels |= {"level": [str(k + 1) for k in levels], "reference": "1"}
        variances[0] = np.nan  # the reference itself
    return _table(contrasts @ marginal.coefficients, variances, labels, fit, ratio, conf_level)


def _table(
    values: Sequence[float] | np.ndarray,
    variances: Sequence[float] | np.ndarray,
    labels: Mapping[str, Any],
    fit: FittedModel,
    ratio: bool,
    conf_level: float,
) -> pd.DataFrame:
    coef, std_error = np.asarray(values, float), np.sqrt(np.asarray(variances, float))
    quantile = norm.ppf(0.5 + conf_level / 2)
    scale = np.exp if ratio else np.positive
    statistic = coef / std_error
    rows = {
        "term": "mixture",
        **labels,
        "estimate": scale(coef),
        "conf_low": scale(coef - quantile * std_error),
        "conf_high": scale(coef + quantile * std_error),
        "p_value": 2 * norm.sf(np.abs(statistic)),
        "coef": coef,
        "std_error": std_error,
        "statistic": statistic,
        "n": fit.n,
        **({} if fit.events is None else {"events": fit.events}),
    }
    return tidy(pd.DataFrame(rows))


def _weights(coefficients: pd.Series | None) -> pd.DataFrame:
    """Shares of the positive and of the negative coefficients, largest first."""
    columns = ["term", "direction", "weight", "coef"]
    if coefficients is None:
        return pd.DataFrame(columns=columns)
    rows = coefficients.rename_axis("term").reset_index(name="coef")
    rows["direction"] = np.where(rows["coef"] > 0, "positive", "negative")
    size = rows["coef"].abs()
    rows["weight"] = size / size.groupby(rows["direction"]).transform("sum")
    order = np.lexsort((-rows["weight"], rows["direction"] == "negative"))
    return rows.iloc[order][columns].reset_index(drop=True)


def _nonlinearity(marginal: MarginalModel) -> dict[str, float]:
    """Wald test that the coefficients of all powers above 1 are 0."""
    curved = marginal.coefficients[2:]
    statistic = float(curved @ np.linalg.solve(marginal.covariance[2:, 2:], curved))
    df = len(curved)
    return {"statistic": statistic, "df": df, "p_value": float(chi2.sf(statistic, df))}


def _method(
    outcome: Outcome,
    quantiles: int,
    exposures: Sequence[str],
    cluster: str | Sequence[str] | None,
    weights: str | None,
    degree: int = 1,
    bootstrap: int | None = None,
) -> str:
    title = f"Quantile g-computation of {len(exposures)} exposures in {quantiles} quantile groups"
    clusters = f" of {' and '.join(as_list(cluster))}" if cluster else ""
    if bootstrap is None:
        robust = f", robust variance{' clustered by ' + ' and '.join(as_list(cluster)) if cluster else ''}"
        return f"{title} by {TITLES[outcome.family]}{robust if cluster or weights else ''}, Wald intervals."
    power = f" of degree {degree}" if degree > 1 else ""
    return (
        f"{title}: marginal structural model{power} from {TITLES[outcome.family]}, intervals from {bootstrap:,} "
        f"bootstrap samples{clusters}."
    )
