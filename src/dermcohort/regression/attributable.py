"""Population attributable fraction: the share of cases that would not be, had nobody been exposed.

From the cases (Bruzzi et al. 1985, Am J Epidemiol 122:904; with one binary exposure Miettinen 1974, Am J Epidemiol
99:325): 1 minus the mean, over cases, of 1 / RR of their exposure. By standardization (Greenland & Drescher 1993,
Biometrics 49:865): 1 minus the mean risk of all with the exposure removed over the mean risk. The variance is that of
the influence of each row, on the fraction itself and through the coefficients, as R's AF (Dahlqvist et al. 2016, Eur J
Epidemiol 31:575) for a standardized fraction; its AFglm(case.control = TRUE) takes the variance of Y (1/RR - AF) where
the fraction solves the equation of Y (1 - 1/RR - AF), which is used here.
"""

from __future__ import annotations

from collections.abc import Hashable

import numpy as np
import pandas as pd
from scipy.stats import t

from ..design import level_text
from ..estimates import Estimates, tidy
from ..variance import Replicates
from ..wording import suggest
from .counterfactual import refuse_penalized, refuse_pooled
from .covariance import FittedRows
from .glm import GLMFit

METHODS = {
    "cases": "from the exposure of the cases (Miettinen 1974; Bruzzi et al. 1985)",
    "standardized": "by standardization (Greenland & Drescher 1993)",
}


def attributable_fraction(
    fit: GLMFit,
    exposure: str,
    *,
    method: str = "cases",
    reference: Hashable = None,
    conf_level: float | None = None,
) -> Estimates:
    """Population attributable fraction of an exposure, adjusted for the covariates of a model.

    Parameters
    ----------
    fit : GLMFit
        A `logistic`, `log_binomial`, `modified_poisson` or `poisson` fit.
    exposure : str
        The exposure; its interactions with covariates are taken into account.
    method : {"cases", "standardized"}
        "cases" needs only who among the cases was exposed, and relative risks: right for case-control data, where odds
        ratios stand for risk ratios (rare outcome), and for risk ratios. "standardized" needs risks: cohorts and
        cross-sectional samples.
    reference : level, optional
        What the exposure would be instead: the model's reference level, of a number 0, if not given.
    conf_level : float, optional
        That of the fit if not given.

    Returns
    -------
    Estimates
        One row of `measure` "attributable fraction", with a Wald interval of robust variance: over the clusters, the
        survey design or the rows of the fit. The factor of small samples is n / (n - 1), or of clusters G / (G - 1).
        A protective exposure has a negative fraction.

    Raises
    ------
    ValueError
        For another model, an exposure or level it does not have, no event, or replicate weights; for estimates loaded
        from a file.

    Examples
    --------
    >>> data = pd.DataFrame({"case": [1, 1, 1, 1, 0, 0, 0, 0], "smoke": [1, 1, 1, 0, 1, 0, 0, 0]})
    >>> fit = dc.regression.logistic("case ~ smoke", data)
    >>> attributable_fraction(fit, "smoke").table[["measure", "estimate"]].round(4)
                     measure  estimate
    0  attributable fraction    0.6667
    """
    rows = _check(fit, exposure, method)
    removed, level = _without_exposure(fit, exposure, reference)
    share = _from_cases if method == "cases" else _standardized
    estimate, influence = share(rows, fit.coefficients.to_numpy(), removed)

    conf_level = fit.conf_level if conf_level is None else conf_level
    std_error = float(np.sqrt(_variance(rows, influence)))
    half = t.ppf(0.5 + conf_level / 2, rows.df) * std_error
    with np.errstate(divide="ignore", invalid="ignore"):
        statistic = float(np.divide(estimate, std_error))
    row = {
        "term": exposure,
        "reference": level,
        "measure": "attributable fraction",
        "estimate": estimate,
        "conf_low": estimate - half,
        "conf_high": estimate + half,
        "p_value": float(2 * t.sf(abs(statistic), rows.df)),
        "std_error": std_error,
        "statistic": statistic,
        **({} if np.isinf(rows.df) else {"df": rows.df}),
        "n": fit.n,
        "events": fit.events,
    }
    notes = list(fit.notes)
    if method == "cases" and rows.family.name == "binomial-logit":
        notes.append("Odds ratios stand for risk ratios, as they do where the outcome is rare.")
    if estimate < 0:
        notes.append("A negative fraction: on the whole the exposure goes with a lower risk.")
    return Estimates(
        table=tidy(pd.DataFrame([row])),
        method=(
            f"Population attributable fraction of {exposure} (against {level}) {METHODS[method]}, with robust "
            f"{100 * conf_level:.4g}% Wald confidence interval. {fit.method}"
        ),
        n=fit.n,
        events=fit.events,
        n_missing=fit.n_missing,
        notes=tuple(notes),
        conf_level=conf_level,
    )


def _check(fit: GLMFit, exposure: str, method: str) -> FittedRows:
    refuse_pooled(fit, "attributable_fraction")
    if not isinstance(fit, GLMFit):
        raise TypeError(
            f"fit must be a logistic, prevalence-ratio or poisson fit, it is {type(fit).__name__}"
        )
    refuse_penalized(fit)
    if fit.design is None or fit.rows is None:
        raise ValueError(
            "attributable_fraction: these estimates were loaded from a file; fit the model again"
        )
    if method not in METHODS:
        raise ValueError(f"method='{method}' is unknown; choose one of {', '.join(METHODS)}")
    if fit.rows.family.name not in ("binomial-logit", "binomial-log", "poisson-log"):
        raise ValueError(
            f"attributable_fraction: {fit.family} has no ratios; fit logistic or modified_poisson"
        )
    if isinstance(fit.rows.sample, Replicates):
        raise ValueError("attributable_fraction: replicate weights are not supported; use a SurveyDesign")
    if exposure not in fit.design.variables:
        raise ValueError(
            f"exposure: '{exposure}' is not in the model.{suggest(exposure, fit.design.variables)}"
        )
    if not fit.rows.arrays.y.any():
        raise ValueError("attributable_fraction: nobody has the outcome")
    return fit.rows


def _without_exposure(fit: GLMFit, exposure: str, reference: Hashable) -> tuple[np.ndarray, str]:
    """The design matrix had everybody the reference level, and that level."""
    frame = fit.design.frame
    values = frame[exposure]
    if isinstance(values.dtype, pd.CategoricalDtype):
        levels = list(values.cat.categories)
    elif pd.api.types.is_bool_dtype(values.dtype) or f"C({exposure})" in map(str, fit.design.spec.factors):
        levels = sorted(values.unique())
    else:
        level = _number(exposure, reference)
        changed = frame.assign(**{exposure: level})
        return fit.design.matrix_for(changed).to_numpy(), level_text(level)
    own = next((c.reference for c in fit.design.columns if c.term == exposure and c.reference), None)
    wanted = (own or level_text(levels[0])) if reference is None else level_text(reference)
    texts = [level_text(level) for level in levels]
    if wanted not in texts:
        raise ValueError(f"reference: '{exposure}' has no level {wanted}; it has {', '.join(texts)}")
    everybody = pd.Series([levels[texts.index(wanted)]] * len(frame), index=frame.index, dtype=values.dtype)
    return fit.design.matrix_for(frame.assign(**{exposure: everybody})).to_numpy(), wanted


def _number(exposure: str, reference: Hashable) -> float:
    if reference is None:
        return 0.0
    if not isinstance(reference, int | float | np.number):
        raise ValueError(f"reference: '{exposure}' is a number, so its reference is one, not {reference!r}")
    return float(reference)


def _from_cases(rows: FittedRows, beta: np.ndarray, removed: np.ndarray) -> tuple[float, np.ndarray]:
    """AF = 1 - sum w y exp((x0 - x) beta) / sum w y, and the influence of each row."""
    cases = rows.arrays.weights * rows.arrays.y
    away = removed - rows.arrays.X
    inverse_ratio = np.exp(away @ beta)
    total = cases.sum()
    estimate = 1 - cases @ inverse_ratio / total
    slope = -(cases * inverse_ratio) @ away / total
    own = cases * (1 - inverse_ratio - estimate) / total
    return float(estimate), own + rows.influence @ slope


def _standardized(rows: FittedRows, beta: np.ndarray, removed: np.ndarray) -> tuple[float, np.ndarray]:
    """AF = 1 - P0 / P: mean risk without the exposure over mean outcome, and the influence of each row."""
    w, y = rows.arrays.weights / rows.arrays.weights.sum(), rows.arrays.y
    eta = removed @ beta + rows.arrays.offset
    risk = rows.family.mean(eta)
    P, P0 = w @ y, w @ risk
    slope = (w * rows.family.slope(eta)) @ removed
    of_P = w * (y - P)
    of_P0 = w * (risk - P0) + rows.influence @ slope
    return float(1 - P0 / P), P0 / P**2 * of_P - of_P0 / P


def _variance(rows: FittedRows, influence: np.ndarray) -> float:
    """Over the clusters, the design or the rows, centered, with the factor G / (G - 1)."""
    if rows.sample is not None:
        return float(rows.covariance(influence[:, None])[0, 0])
    unit = rows.arrays.cluster
    total = influence if unit is None else np.bincount(unit, influence)
    return float(len(total) * np.var(total, ddof=1)) if len(total) > 1 else np.nan
