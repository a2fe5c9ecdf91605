"""Linear regression with a random intercept and slope, by restricted maximum likelihood.

Source: Laird & Ware (1982) Biometrics 38:963. Agrees with R's `lme4::lmer` and, for degrees of freedom, `lmerTest`.
The likelihood is in `reml`. (statsmodels' MixedLM stops at a relative error of about 1e-4 in the variances and has
no degrees of freedom.)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.stats import chi2, norm

from ..design import as_list, build_design, coefficient_table, undefined_notes
from ..estimates import FittedModel
from .between_groups import few_groups_notes
from .correlated import (
    Grouping,
    read_outcome,
    require_groups,
    require_residual,
    sort_by_group,
)
from .families import GAUSSIAN
from .reml import RemlFit, fit_reml, restricted_loglik


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class MixedLinearFit(FittedModel):
    """Differences of means in `.table`; all coefficients in `.coefficients`.

    `.random_sd` is the standard deviation of the intercepts of groups and `.residual_sd` that of rows within them.
    `.variation` has both with intervals, the ICC, or with a slope its SD and correlation with the intercept; the
    `p_value` is that of the restricted likelihood ratio test of the last random term, a mixture of chi-squared
    (Stram & Lee 1994, Biometrics 50:1171). `.loglik` is the restricted log-likelihood: compare only models with the
    same formula.
    """

    groups: tuple[str, ...]
    random_sd: float
    residual_sd: float
    variation: pd.DataFrame

    def predict(self, newdata: pd.DataFrame) -> pd.Series:
        """Mean of the outcome over all groups for each row of `newdata`; NaN where a variable is missing."""
        linear = self._new_matrix(newdata).to_numpy() @ self.coefficients.to_numpy()
        return pd.Series(linear, index=newdata.index, name="mean")


def mixed_linear(
    formula: str,
    data: pd.DataFrame,
    *,
    groups: str | Sequence[str],
    slope: str | None = None,
    conf_level: float = 0.95,
) -> MixedLinearFit:
    """Linear regression with random intercepts, and a random slope, of groups (REML).

    Parameters
    ----------
    formula : str
        ``"tewl ~ visit + age"``; the outcome is a number.
    data : DataFrame
        One row a visit or person. Rows with a missing value in a variable used are left out and counted.
    groups : str or list of str
        Column or columns that name the person or site of a row.
    slope : str, optional
        Column whose slope differs between groups, such as time. It may correlate with the intercept.
    conf_level : float
        Level of the intervals: Student's t with Satterthwaite's degrees of freedom for effects, Wald on the scale of
        the logarithm for standard deviations.

    Returns
    -------
    MixedLinearFit
        Rows of `measure` "difference", with `df`.

    Raises
    ------
    ValueError
        For a formula that does not fit the data, an outcome that is no number or fitted without error, a single
        group, or no group of two rows.

    Examples
    --------
    Three people with two visits: the mean squares between and within are 8 and 0.5, the variance between
    (8 - 0.5) / 2.

    >>> data = pd.DataFrame({"person": [1, 1, 2, 2, 3, 3], "score": [1.0, 2, 3, 4, 5, 6]})
    >>> fit = mixed_linear("score ~ 1", data, groups="person")
    >>> round(fit.random_sd**2, 6), round(fit.residual_sd**2, 6)
    (3.75, 0.5)
    """
    names = as_list(groups)
    frame = build_design(formula, data, others=[*names, *as_list(slope)])
    y = read_outcome(frame, GAUSSIAN)
    codes = frame.codes(names)
    assert codes is not None
    order, grouping = sort_by_group(codes)
    require_groups(grouping, names)
    slopes = frame.column_values(slope)
    columns = [np.ones(len(y))] + ([] if slopes is None else [slopes])
    X, y, Z = frame.matrix[order], y[order], np.column_stack(columns)[order]
    _require_replicates(X, y, Z, grouping, names)
    fit = fit_reml(X, y, Z, grouping)
    smaller = restricted_loglik(X, y) if slope is None else fit_reml(X, y, Z[:, :1], grouping).loglik

    variation = _variation(fit, smaller, names, slope, conf_level)
    table = coefficient_table(
        frame.columns,
        X,
        fit.beta,
        fit.covariance,
        measure=GAUSSIAN.measure,
        conf_level=conf_level,
        df=fit.df,
        ratio=False,
    )
    return MixedLinearFit(
        table=table,
        method=_method(names, slope),
        n=len(y),
        n_missing=frame.n_missing,
        notes=(
            *frame.notes,
            *few_groups_notes(grouping),
            *_notes(fit, variation, names, conf_level),
            *undefined_notes(table),
        ),
        conf_level=conf_level,
        coefficients=pd.Series(fit.beta, frame.names, name="coef"),
        covariance=pd.DataFrame(fit.covariance, frame.names, frame.names),
        loglik=fit.loglik,
        design=replace(frame, response=None),
        groups=tuple(names),
        random_sd=float(fit.sigma * abs(fit.L[0, 0])),
        residual_sd=fit.sigma,
        variation=variation,
    )


def _require_replicates(
    X: np.ndarray, y: np.ndarray, Z: np.ndarray, grouping: Grouping, names: Sequence[str]
) -> None:
    q = Z.shape[1]
    if grouping.sizes.max() <= q:
        raise ValueError(
            f"groups: no group of '{', '.join(names)}' has more than {q} complete row{'s' if q > 1 else ''}: "
            "variation between and within groups cannot be told apart"
        )
    if len(y) <= X.shape[1]:
        raise ValueError(f"mixed_linear needs more rows ({len(y)}) than coefficients ({X.shape[1]})")
    # what is left of outcome and covariates when each group has an intercept (and slope) of its own
    columns = np.column_stack([X, y])
    ZZ = grouping.totals(Z[:, :, None] * Z[:, None, :])
    ZM = np.stack([grouping.totals(Z[:, [j]] * columns) for j in range(q)], axis=1)
    own = np.linalg.pinv(ZZ, hermitian=True) @ ZM
    within = columns - sum(Z[:, [j]] * own[grouping.code, j] for j in range(q))
    inner_X, inner_y = within[:, :-1], within[:, -1]
    require_residual(inner_y - inner_X @ np.linalg.lstsq(inner_X, inner_y, rcond=1e-10)[0], y)


def _variation(
    fit: RemlFit, smaller: float, names: Sequence[str], slope: str | None, conf_level: float
) -> pd.DataFrame:
    """Standard deviations, correlation and ICC with intervals by the delta method on an unbounded scale."""
    n_random = len(fit.L)

    def random_sd(values: np.ndarray, row: int) -> float:
        first = row * (row + 1) // 2
        return values[-1] * float(np.linalg.norm(values[first : first + row + 1]))

    rows: list[tuple[str, Callable[[np.ndarray], float], Callable, Callable]] = [
        ("random SD", lambda v: random_sd(v, 0), np.log, np.exp)
    ]
    if slope is not None:
        rows += [
            (f"random SD of {slope}", lambda v: random_sd(v, 1), np.log, np.exp),
            ("correlation", lambda v: v[1] * np.sign(v[0]) / np.hypot(v[1], v[2]), np.arctanh, np.tanh),
        ]
    rows.append(("residual SD", lambda v: v[-1], np.log, np.exp))
    if slope is None:
        rows.append(("ICC", lambda v: v[0] ** 2 / (1 + v[0] ** 2), lambda x: np.log(x / (1 - x)), _logistic))

    z = norm.ppf(0.5 + conf_level / 2)
    table = []
    for measure, function, to_line, back in rows:
        estimate, low, high = function(fit.components), np.nan, np.nan
        with np.errstate(all="ignore"):
            gradient = [
                (to_line(function(fit.components + s)) - to_line(function(fit.components - s)))
                / (2 * s.max())
                for s in 1e-5 * np.diag(np.maximum(np.abs(fit.components), 1e-3))
            ]
            spread = z * np.sqrt(gradient @ fit.components_covariance @ np.array(gradient))
            if not fit.singular or measure == "residual SD":
                low, high = back(to_line(estimate) - spread), back(to_line(estimate) + spread)
        table.append((":".join(names), measure, estimate, low, high, np.nan))
    result = pd.DataFrame(table, columns=["term", "measure", "estimate", "conf_low", "conf_high", "p_value"])
    statistic = max(2 * (fit.loglik - smaller), 0.0)
    below = chi2.sf(statistic, n_random - 1) if n_random > 1 else 0.0
    p_value = (chi2.sf(statistic, n_random) + below) / 2 if statistic > 1e-8 else 1.0
    result.loc[n_random - 1, "p_value"] = p_value
    return result


def _logistic(x: float) -> float:
    return float(1 / (1 + np.exp(-x)))


def _method(names: Sequence[str], slope: str | None) -> str:
    random = "intercept" if slope is None else f"intercept and slope of {slope}"
    return (
        f"Differences of means by linear regression with a random {random} by {' and '.join(names)} (restricted "
        "maximum likelihood), Student's t with Satterthwaite's degrees of freedom."
    )


def _notes(fit: RemlFit, variation: pd.DataFrame, names: Sequence[str], conf_level: float) -> list[str]:
    notes = []
    if fit.singular:
        notes.append(
            f"The fit is at the edge of what is possible: a variance between groups of '{', '.join(names)}' is 0, or "
            "intercept and slope are perfectly correlated. A simpler model is enough."
        )
    else:
        shown = [
            f"{row.measure} {row.estimate:.3g} ({100 * conf_level:.4g}% CI {row.conf_low:.3g}, {row.conf_high:.3g})"
            for row in variation.itertuples()
        ]
        notes.append(f"Between groups: {', '.join(shown)}.")
    if not fit.converged:
        notes.append("The fit did not converge: do not use these estimates.")
    return notes
