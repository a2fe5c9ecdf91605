"""Likelihood ratio tests of nested models: of one pair, of a survey's, and pooled over imputed data sets."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.stats import chi2, f

from ..estimates import FittedModel
from ..missing.pooled import PooledEstimates
from .glm import GLMFit
from .mixed_linear import MixedLinearFit
from .terms import TermTests

Fits = FittedModel | Sequence[FittedModel]

# of two nested models everything is the same but the formula
SAME = ("family", "offset", "groups", "quadrature", "time", "event", "entry", "strata", "weights", "ties")
NO_LIKELIHOOD = {
    "survey": "a survey design",
    "GEE": "GEE",
    "penalty": "a penalty",
    "least squares": "least squares at each event",
}


def likelihood_ratio_test(fit: Fits, smaller: Fits) -> TermTests:
    """Likelihood ratio test of the terms that `fit` has and `smaller` has not.

    Parameters
    ----------
    fit, smaller : FittedModel, or list of FittedModel
        The same model fitted on the same rows, every column of the smaller design determined by those of the larger.
        Weights are allowed where they are frequencies (``robust=False``). Generalized linear models with a survey
        design get the test of Rao and Scott. Lists are the fits of imputed data sets, in the same order.

    Returns
    -------
    TermTests
        One row: `term` the terms left out, `df` the difference of the numbers of coefficients, `statistic` twice the
        difference of the log-likelihoods; with a survey design, and pooled, F with `df_denominator`.

    Raises
    ------
    TypeError
        For what is not two fitted models of one kind; fits that are pooled already have `term_tests`.
    ValueError
        For models that are not nested, were fitted on other rows (missing values of a term that only one of them has),
        or whose likelihood is not that of the data: robust variance, GEE, REML.

    Notes
    -----
    Equal to anova(smaller, fit, test="LRT") of R's glm and coxph; of least squares, with the variance estimated by
    maximum likelihood, to lmtest::lrtest. With a survey design the difference of the deviances is referred to the sum of
    chi-squares weighted by the eigenvalues of V0^-1 V (V0 the covariance of the likelihood, V that of the design), by F
    with matched moments: Rao & Scott (1984) Ann Stat 12:46, Lumley & Scott (2014) Statist Sci 29:109; as
    ``regTermTest(method="LRT", lrt.approximation="satterthwaite")`` of R's survey. Pooled: D2 of Li, Meng, Raghunathan &
    Rubin (1991) Statistica Sinica 1:65, as ``mitml::testModels(method="D2", use="likelihood")``, less powerful than D1
    of `term_tests`.

    Examples
    --------
    >>> data = pd.DataFrame({"case": [0, 0, 1, 0, 1, 1, 1, 0], "exposed": [0, 0, 0, 0, 1, 1, 1, 1],
    ...                      "age": [30, 40, 50, 60, 30, 40, 50, 60]})
    >>> from dermcohort.regression import logistic
    >>> found = likelihood_ratio_test(logistic("case ~ exposed + age", data), logistic("case ~ age", data))
    >>> found.table.round(3)
          term test  statistic  df  p_value
    0  exposed  all      2.237   1    0.135
    """
    if isinstance(fit, list | tuple) or isinstance(smaller, list | tuple):
        return _pooled(fit, smaller)
    return _of_pair(fit, smaller)  # type: ignore[arg-type]


def _of_pair(fit: FittedModel, smaller: FittedModel) -> TermTests:
    for name, model in (("fit", fit), ("smaller", smaller)):
        _require_likelihood(model, name)
    if type(fit) is not type(smaller):
        raise TypeError(f"smaller is {type(smaller).__name__}, fit is {type(fit).__name__}: not nested")
    _require_nested(fit, smaller)
    if isinstance(fit, GLMFit) and isinstance(smaller, GLMFit) and fit.robust == "survey":
        return _of_survey(fit, smaller)
    statistic, df = _statistic(fit, smaller)
    row = {"statistic": statistic, "df": df, "p_value": float(chi2.sf(statistic, df))}
    return _result(fit, smaller, row, "Likelihood ratio test of nested models.")


def _statistic(fit: FittedModel, smaller: FittedModel) -> tuple[float, int]:
    return max(2 * (fit.loglik - smaller.loglik), 0.0), len(fit.coefficients) - len(smaller.coefficients)


def _of_survey(fit: GLMFit, smaller: GLMFit) -> TermTests:
    assert fit.rows is not None
    added = [i for i, name in enumerate(fit.design.names) if name not in smaller.design.names]
    statistic, df = _statistic(fit, smaller)
    if len(added) != df:
        raise ValueError(
            "likelihood_ratio_test: with a survey design the smaller model must be the larger without some of its "
            "terms, written in the same way"
        )
    chosen = np.ix_(added, added)
    weights = np.linalg.eigvals(
        np.linalg.solve(fit.rows.maximum.bread[chosen], fit.covariance.to_numpy()[chosen])
    ).real
    total = weights.sum()
    value, denominator = statistic / total, fit.rows.df
    matched = total**2 / (weights**2).sum()
    p_value = (
        f.sf(value, matched, denominator) if np.isfinite(denominator) else chi2.sf(value * matched, matched)
    )
    row = {"statistic": value, "df": df, "df_denominator": denominator, "p_value": float(p_value)}
    return _result(fit, smaller, row, "Likelihood ratio test of a sample survey (Rao and Scott).")


def _pooled(fits: Fits, smaller: Fits) -> TermTests:
    if not isinstance(fits, list | tuple) or not isinstance(smaller, list | tuple):
        raise TypeError("likelihood_ratio_test: give two lists, the fits of imputed data sets, or two fits")
    if len(fits) != len(smaller) or len(fits) < 2:
        raise ValueError(
            f"likelihood_ratio_test: {len(fits)} and {len(smaller)} fits; the same number of both, two or more, are needed"
        )
    tests = [_of_pair(a, b) for a, b in zip(fits, smaller, strict=True)]
    if any("df_denominator" in test.table for test in tests):
        raise ValueError(
            "likelihood_ratio_test: fits with a survey design are pooled by missing.pool and term_tests"
        )
    found = np.array([test.table["statistic"].iloc[0] for test in tests])
    m, df = len(found), int(tests[0].table["df"].iloc[0])
    increase = (1 + 1 / m) * np.sqrt(found).var(ddof=1)  # of the variance, by what is missing
    statistic = (found.mean() / df - (m + 1) / (m - 1) * increase) / (1 + increase)
    denominator = df ** (-3 / m) * (m - 1) * (1 + 1 / increase) ** 2 if increase > 0 else np.inf
    p_value = f.sf(statistic, df, denominator) if increase > 0 else chi2.sf(df * statistic, df)
    row = {"statistic": statistic, "df": df, "df_denominator": denominator, "p_value": float(p_value)}
    method = f"Likelihood ratio tests of nested models, pooled over {m} imputed data sets (D2)."
    return _result(fits[0], smaller[0], row, method)


def _result(fit: FittedModel, smaller: FittedModel, row: dict[str, float], method: str) -> TermTests:
    kept = {column.term for column in smaller.design.columns}
    terms = dict.fromkeys(column.term for column in fit.design.columns)
    left_out = ", ".join(term for term in terms if term not in kept)
    return TermTests(
        table=pd.DataFrame([{"term": left_out, "test": "all", **row}]),
        method=method,
        n=fit.n,
        events=fit.events,
        n_missing=fit.n_missing,
        conf_level=fit.conf_level,
    )


def _require_likelihood(fit: FittedModel, name: str) -> None:
    if isinstance(fit, PooledEstimates):
        raise TypeError("likelihood_ratio_test: pooled fits have no likelihood: use term_tests (D1)")
    if not isinstance(fit, FittedModel):
        raise TypeError(f"likelihood_ratio_test: {name} is {type(fit).__name__}, not a fitted model")
    if fit.design is None:
        raise ValueError(f"likelihood_ratio_test: {name} was loaded from a file; fit the model again")
    reason = NO_LIKELIHOOD.get(fit.robust, f"robust variance ({fit.robust})") if fit.robust else ""
    if fit.robust == "survey" and isinstance(fit, GLMFit) and fit.rows is not None:
        # a Gaussian's likelihood has a variance beside the coefficients
        reason = "a survey design and least squares" if fit.rows.family.has_dispersion else ""
    if isinstance(fit, MixedLinearFit):
        reason = "REML, whose likelihoods with other fixed effects cannot be compared"
    if reason:
        raise ValueError(
            f"likelihood_ratio_test: {name} was fitted with {reason}: its likelihood is not that of the data. Use the "
            "Wald test: term_tests"
        )


def _require_nested(fit: FittedModel, smaller: FittedModel) -> None:
    large, small = fit.design, smaller.design
    if not large.frame.index.equals(small.frame.index):
        raise ValueError(
            f"likelihood_ratio_test: fit has {fit.n:,} rows, smaller {smaller.n:,}, and they must be the same: give "
            "both the rows complete in all variables, data.dropna(subset=[...])"
        )
    shared = [column for column in large.frame if column in small.frame]
    beside = set(large.frame) - set(large.variables), set(small.frame) - set(small.variables)
    changed = [c for c in shared if not large.frame[c].equals(small.frame[c])]
    differ = [name for name in SAME if getattr(fit, name, None) != getattr(smaller, name, None)]
    if large.outcome != small.outcome or beside[0] != beside[1] or changed or differ:
        what = ", ".join([*differ, *changed]) or "outcome, weights or offset"
        raise ValueError(
            f"likelihood_ratio_test: the models must be the same but for their terms; {what} differ"
        )
    # a constant belongs to both: the intercept, or the baseline hazard
    ones = np.ones((len(large.frame), 1))
    X, Z = np.hstack([ones, large.matrix]), np.hstack([ones, small.matrix])
    size = np.sqrt((X**2).sum(axis=0))
    left = Z - X / size @ np.linalg.lstsq(X / size, Z, rcond=None)[0]
    outside = (left**2).sum(axis=0) > 1e-16 * (Z**2).sum(axis=0)
    if outside.any() or len(small.columns) >= len(large.columns):
        names = [small.names[i] for i in np.flatnonzero(outside[1:])]
        detail = f"{', '.join(names)} is not in fit" if names else "smaller has as many coefficients as fit"
        raise ValueError(f"likelihood_ratio_test: the models are not nested: {detail}")
